"""A program whose forward is traced: its graph, and what its backward claims of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from bpx.check.numeric.error_bound import short_float_rounding
from bpx.check.numeric.tolerances import NEARBY, NEARBY_AGREEMENT, NEARBY_SHARE, NEARER, SMALLEST_FLOAT
from bpx.graph.arrays import Array
from bpx.graph.named.claim import Claim, Derivative
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.numbers import shape_text
from bpx.graph.run import run
from bpx.spec.code.gradients import Found, claimed_gradients, misplaced, misshapen, read_steps
from bpx.spec.code.leaves import Leaf, Path, get, named, underlying, walk
from bpx.spec.code.lines.backward_values import CLOSE, adjoints
from bpx.spec.code.lines.recorder import Recorder
from bpx.spec.code.program import Program
from bpx.spec.reading.claims import with_rtol
from bpx.spec.trace.tape import TraceError
from bpx.spec.trace.trace import Trace, trace_function
from bpx.words.diagnostic import BpxError, Diagnostic

_JACOBIAN, _LOSS = "g", "loss"


class BackwardRun(NamedTuple):
    """What backward gave for an upstream gradient."""

    upstream: Any
    gradients: tuple[Found, ...]
    misshapen: tuple[Found, ...] = ()  # what has not the shape of the array it is called the gradient of


class TracedProgram(NamedTuple):
    """A program whose forward is a graph, with the leaves that backward has gradients of.

    `data` are its other inputs that are arrays of the program.
    """

    program: Program
    trace: Trace
    leaves: tuple[Leaf, ...]
    weights: tuple[str, ...] = ()  # the names of the upstream gradients, which are inputs of the graph
    upstream: Any = None  # what backward is called with
    data: tuple[Leaf, ...] = ()

    @property
    def upstreams(self) -> dict[str, Array]:
        """The upstream gradients by name."""
        return {leaf.name: leaf.value for leaf in self.graph.inputs if leaf.name in self.weights}

    @property
    def our_nodes(self) -> set[int]:
        """The nodes of the sum of upstream times output, which stand in nobody's code."""
        weights = [leaf.node for leaf in self.graph.inputs if leaf.name in self.weights]
        touched = self.graph.graph.touched(by=weights, upto=self.graph.output)
        return {node for node, flag in enumerate(touched) if flag}

    @property
    def graph(self) -> NamedGraph:
        """The graph of the forward function."""
        return self.trace.graph


def random_upstream(shape: tuple[int, ...], seed: int) -> Any:
    """Numbers of both signs, none of them small: each weighs its output."""
    rng = np.random.default_rng(seed)
    return rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape)


def run_backward(
    program: Program,
    upstream: Any,
    recorder: Recorder | None = None,
    values: Mapping[Path, Any] = MappingProxyType({}),
) -> BackwardRun:
    """Forward and backward once, and the gradients that they leave; a recorder watches backward."""
    recorder = recorder or Recorder()
    for before, result, after in program.backward_run(upstream, values, recorder.recording):
        gradients = found_gradients(program, before, result, after, recorder, upstream)
        if program.by_position:
            wrong = [found for found in gradients if not _has_shape(found, program)]
            gradients = [found for found in gradients if _has_shape(found, program)]
        else:
            wrong = [] if program.jacobian else _misshapen(program, result, before, after, gradients)
        return BackwardRun(upstream, tuple(gradients), tuple(wrong))
    raise AssertionError


def is_loss_alone(program: Program) -> bool:
    """Whether one function returns a loss, and no gradients are to be had."""
    returns_number = program.both and not isinstance(program.returned(), tuple | list | dict)
    return returns_number and not _moves_gradients(program)


def _moves_gradients(program: Program) -> bool:
    """Whether a function that returns only its loss leaves gradients behind, or moves weights by them."""
    recorder = Recorder()
    for before, result, after in program.backward_run(np.ones(()), {}, recorder.recording):
        was: dict[Path, Any] = dict(walk(dict(before)))
        moved = any(
            path not in was or not np.array_equal(value, was[path]) for path, value in walk(dict(after))
        )
        return moved and bool(found_gradients(program, before, result, after, recorder))
    raise AssertionError


def found_gradients(
    program: Program, before: Any, result: Any, after: Any, recorder: Recorder, upstream: Any = None
) -> list[Found]:
    """The gradients that a call has left, each of one leaf."""
    if program.by_position:
        return [Found(path, value, "returned") for path, value in program.gradients(result)]
    if program.jacobian:
        return list(_of_jacobian(program, before, result, upstream))
    besides = program.outputs if program.both else ()
    args = list(program.world.originals["args"])
    gradients = claimed_gradients(
        program.backward.function, result, before, after, args, program.world.paths, besides
    )
    by_leaf: dict[Path, Found] = {}
    for found in gradients:
        leaf = program.world.leaf(found.leaf)
        by_leaf.setdefault(leaf, found._replace(leaf=leaf))
    return list(read_steps(by_leaf.values(), program.steps, recorder.locals))


def _has_shape(found: Found, program: Program) -> bool:
    """Whether a gradient has the shape of its array."""
    return bool(np.shape(found.value) == np.shape(get(program.world.originals, found.leaf)))


def _misshapen(
    program: Program, result: Any, before: Any, after: Any, gradients: Sequence[Found]
) -> list[Found]:
    """What is meant as a gradient, and has not the shape of its array."""
    world, function = program.world, program.backward.function
    found = {place for one in gradients for place in world.places(one.leaf)}
    named_wrong = misshapen(function, result, before, after, world.paths, found)
    leaves = {path: value for path, value in walk(dict(before)) if path in world.paths}
    others = misplaced(function, result, leaves, list(world.originals["args"]))
    return [*named_wrong, *(one for one in others if one.leaf not in found)]


def _of_jacobian(program: Program, before: Any, result: Any, upstream: Any) -> Sequence[Found]:
    """The gradient that a matrix ∂output/∂input gives."""
    matrix = result if isinstance(result, np.ndarray) else np.empty(0)
    for name, value in before["args"].items():
        if np.asarray(value).dtype.kind == "f" and matrix.shape == (upstream.size, np.size(value)):
            gradient = (np.ravel(upstream) @ matrix).reshape(np.shape(value))
            return [Found(("args", name), gradient, "returned")]
    raise BpxError([Diagnostic("no-upstream", None, {"name": program.backward.name}, "name-the-loss")])


def trace_program(program: Program, paths: Sequence[Path], upstream: Any) -> TracedProgram:
    """The graph of the loss that `upstream` makes of the outputs: the sum of upstream times output.

    Its inputs are the leaves at these places, and the upstream gradients under the names that backward has
    for them.
    """
    if not paths:
        raise BpxError([nothing_found(program, upstream)])
    weights = program.weights(upstream, program.parts({})) or (
        {_JACOBIAN: upstream} if program.jacobian else {}
    )
    data = [path for path in _data(program) if path not in paths]
    try:
        traced = trace_leaves(program, [*paths, *data], weights, _function_name(program))
    except TraceError:  # of data a function may make plain numbers, which have no gradient anyway
        traced = trace_leaves(program, paths, weights, _function_name(program))
    leaves, rest = traced.leaves[: len(paths)], traced.leaves[len(paths) :]
    return traced._replace(leaves=leaves, data=rest, upstream=upstream)


def nothing_found(program: Program, upstream: Any) -> Diagnostic:
    """Why no gradient was found: what backward returned instead."""
    for _, result, _ in program.backward_run(upstream, {}):
        if result is None:
            facts = {"function": program.backward.name}
            return Diagnostic("returned-nothing", None, facts, "return-it")
        facts = {"name": program.backward.name, "found": described(result)}
        is_whole = isinstance(result, np.ndarray) and result.dtype.kind in "iu"
        return Diagnostic("no-gradients", None, facts, "pass-floats" if is_whole else None)
    raise AssertionError


def described(result: Any) -> str:
    """What a function returned, in a few words: its type, and of an array what it holds."""
    if isinstance(result, list | tuple) and 0 < len(result) <= 6:
        return ", ".join(described(item) for item in result)
    if isinstance(result, np.ndarray):
        return f"{result.dtype} {shape_text(result.shape)}"
    return type(result).__name__


def _data(program: Program) -> list[Path]:
    """The arrays among the arguments, which have their names in formulas; no graph has empty ones."""
    world = program.world
    arrays = ((path, value) for path, value in walk(world.originals["args"], ("args",)) if np.size(value))
    return list(dict.fromkeys(world.leaf(path) for path, value in arrays if isinstance(value, np.ndarray)))


def _function_name(program: Program) -> str:
    """The name of the function that returns the output, without that of its object."""
    return (program.loss or program.forward).name.rpartition(".")[2]


def trace_leaves(
    program: Program,
    paths: Sequence[Path],
    weights: Mapping[str, Any] = MappingProxyType({}),
    output: str | None = None,
) -> TracedProgram:
    """The graph of the forward function, with the arrays at these places as its inputs.

    `output` is what its result is called where nothing else names it. Raises `BpxError` for empty arrays.
    """
    leaves = named({path: np.asarray(get(program.world.originals, path)) for path in paths})
    if empty := [leaf.name for leaf in leaves if not leaf.value.size]:
        raise BpxError([Diagnostic("empty-array", None, {"name": name}) for name in empty])
    taken = {leaf.name for leaf in leaves}
    by_name = {f"{name}_" if name in taken else name: np.asarray(value) for name, value in weights.items()}

    def forward(**values: Any) -> Any:
        at = {leaf.path: values[leaf.name] for leaf in leaves}
        if not by_name:
            return program.run(at)
        terms = [np.sum(values[name] * part) for name, part in zip(by_name, program.parts(at), strict=True)]
        return sum(terms[1:], terms[0])

    inputs = {leaf.name: leaf.value for leaf in leaves} | by_name
    name = _LOSS if by_name else program.output_name or output
    trace = trace_function(forward, inputs, underlying(program.forward.function), name)
    return TracedProgram(program, trace, tuple(leaves), tuple(by_name))


def with_claims(traced: TracedProgram, claims: dict[str, Any], rtol: float = 0.0) -> NamedGraph:
    """The graph with arrays as claims on nodes, by name, each judged by the rounding of its type.

    `rtol` is the relative error that they may have besides.
    """
    with np.errstate(over="ignore"):  # of a longdouble that no float64 holds
        made = {
            name: Claim(
                Derivative(None, name),
                None,
                np.array(value, dtype=float),
                None,
                short_float_rounding(np.asarray(value), traced.trace.roundoff),
            )
            for name, value in claims.items()
        }
    return with_rtol(replace(traced.graph, claims=made), rtol)


# --- beside the given values --------------------------------------------------------------------


def certify_nearby(traced: TracedProgram) -> None:
    """Compare graph and function at points to both sides of the given one. Raises `TraceError`.

    A condition that is decided on its very boundary, or a number that slipped past the tracing, leaves a
    graph with the right value and a wrong derivative. Such a graph and the function part as soon as the
    inputs move.
    """
    comparison = _Comparison(traced)
    step = _random_step(comparison.x)
    roundoff = traced.trace.roundoff
    shortest = float(np.sqrt(roundoff))
    here = comparison.difference(comparison.x)
    # Of two branches that the longer step crosses, the shorter one seldom crosses the same.
    for reach in (max(NEARBY, shortest), max(NEARER, shortest)):
        tolerance = min(NEARBY_AGREEMENT * roundoff, NEARBY_SHARE * reach)
        room = tolerance + NEARBY_AGREEMENT * here  # where rounding is seen at the very point, it is about
        sides = (comparison.x + sign * reach * step for sign in (-1.0, 1.0))
        if all(comparison.difference(x) <= room for x in sides):
            return
    raise TraceError([Diagnostic("trace-nearby")])


def _random_step(x: Any) -> Any:
    """Of the size of x, element by element; zeros move as the others of x do, if there are any."""
    rng = np.random.default_rng(0)
    size = np.abs(x)
    size[size == 0] = np.median(size[size > 0]) if (size > 0).any() else 1.0
    return size * rng.uniform(0.5, 1.0, size.shape) * rng.choice([-1.0, 1.0], size.shape)


class _Comparison:
    """The graph beside the function; `x` (N,) are all arrays in a row that are inputs of both."""

    def __init__(self, traced: TracedProgram) -> None:
        self._traced = traced
        self._leaves = [*traced.leaves, *traced.data]
        self.x = np.concatenate([np.ravel(leaf.value) for leaf in self._leaves]).astype(float)
        self._nodes = {leaf.name: leaf.node for leaf in traced.graph.inputs}

    def difference(self, x: Any) -> float:
        """How far the graph is off at x, relative to the terms of its sum; inf where the function refuses."""
        traced, graph = self._traced, self._traced.graph
        values = self._values(x)
        parts = self._parts({leaf.path: value for leaf, value in zip(self._leaves, values, strict=True)})
        if parts is None:
            return np.inf
        given = {
            self._nodes[leaf.name]: value.astype(float)
            for leaf, value in zip(self._leaves, values, strict=True)
        }
        result = run(graph.graph, {**graph.input_values, **given}, [graph.output])[graph.output]
        terms = np.concatenate([np.ravel(part) for part in parts])
        size = max(SMALLEST_FLOAT, float(np.sqrt(np.sum(terms**2))))
        expected = terms.sum() if traced.weights else parts[0]
        difference = float(np.max(np.abs(result - expected), initial=0.0))
        return difference / size if np.isfinite(difference) else np.inf

    def _values(self, x: Any) -> list[Any]:
        """The arrays at x, each of its own type."""
        ends = np.cumsum([np.size(leaf.value) for leaf in self._leaves])[:-1]
        pieces = zip(np.split(x, ends), self._leaves, strict=True)
        return [piece.reshape(np.shape(leaf.value)).astype(leaf.value.dtype) for piece, leaf in pieces]

    def _parts(self, values: Any) -> list[Any] | None:
        """What the function returns, times the upstream gradients; None where it does not take the values."""
        traced = self._traced
        try:
            outputs = [np.asarray(part, dtype=float) for part in traced.program.parts(values)]
        except Exception:  # a stranger's way of saying that this is outside its domain
            return None
        if not traced.weights:
            return outputs
        weights = list(traced.upstreams.values())
        if [np.shape(weight) for weight in weights] != [output.shape for output in outputs]:
            return None
        return [weight * output for weight, output in zip(weights, outputs, strict=True)]


def at_values(traced: TracedProgram, values: Mapping[Path, Any], upstream: Any) -> TracedProgram:
    """The same graph with other values of leaves, and another upstream gradient."""
    program = traced.program
    outputs = [traced.upstreams[name] for name in traced.weights]  # of the same shapes
    weights = [np.asarray(each) for each in program.weights(upstream, outputs).values() or [upstream]]
    others = {leaf.name: values[leaf.path] for leaf in traced.leaves if leaf.path in values}
    others |= dict(zip(traced.weights, weights, strict=False))
    graph = traced.graph.with_values(others)
    return traced._replace(trace=traced.trace._replace(graph=graph), upstream=upstream)


def is_of_graph(traced: TracedProgram, values: Mapping[Path, Any], upstream: Any) -> bool:
    """Whether forward gives what the graph does for these values of leaves: it takes the same branches."""
    try:
        with np.errstate(all="ignore"):
            output = np.concatenate([np.ravel(part) for part in traced.program.parts(values)])
    except Exception:  # a stranger's way of saying that this is outside its domain
        return False
    return gives(at_values(traced, values, upstream), output)


def gives(traced: TracedProgram, output: Any) -> bool:
    """Whether the graph has this output of forward too, all of it times the upstream gradients."""
    graph = traced.graph
    with np.errstate(all="ignore"):
        value = float(run(graph.graph, graph.input_values, [graph.output])[graph.output])
        terms = np.ravel(traced.upstream) * np.ravel(output) if traced.weights else np.ravel(output)
        size = float(np.sqrt(np.sum(terms**2)))
        return bool(abs(value - terms.sum()) <= CLOSE * max(size, SMALLEST_FLOAT) < np.inf)


def right_gradients(traced: TracedProgram) -> dict[Path, Any]:
    """The gradients of the leaves that the reverse pass of the graph gives."""
    by_node = {one.node: one.value for one in adjoints(traced.graph, 1.0)}
    nodes = {leaf.path: traced.graph.nodes[leaf.name] for leaf in traced.leaves}
    return {path: by_node[node] for path, node in nodes.items() if node in by_node}


def batch_lengths(traced: TracedProgram) -> list[int]:
    """The lengths that a batch may have."""
    arguments = (value for _, value in walk(traced.program.world.originals["args"]))
    return sorted({n for value in arguments if isinstance(value, np.ndarray) for n in value.shape if n > 1})
