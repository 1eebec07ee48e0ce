"""Value and gradients of a named graph as numbers alone: once, or again and again at new inputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from bpx.graph.graph import CONSTANT, INPUT, Graph
from bpx.graph.named.named_graph import Input, NamedGraph
from bpx.graph.named.values import as_array
from bpx.graph.numbers import shape_text
from bpx.graph.run import run
from bpx.passes.compiling.compiled import Compiled, compiled
from bpx.passes.domain import value_problems
from bpx.passes.plain import UP_TO_ROUNDING, Step, literal, plain, together
from bpx.passes.query import query_nodes, seed_of, unknown_node
from bpx.passes.reverse import grad
from bpx.passes.two_loops import both_passes
from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.say import say

Result: TypeAlias = tuple[Any, dict[str, Any]]  # the value, ∂output/∂node by the node's name
LARGEST_PLAIN = 100_000  # lines; Python takes 7 µs and 2 KB to compile one


def value_and_gradients(
    spec: NamedGraph, of: str | None = None, wrt: str | Iterable[str] | None = None, upstream: Any = None
) -> Result:
    """The value of the output `of` and its gradient by each of `wrt`; for these see `bpx.explain.explain`.

    Raises `BpxError` for unknown names, an upstream gradient of another shape, or a value that is not finite.
    """
    output, nodes = query_nodes(spec, of, wrt)
    seed, _ = seed_of(spec.graph.shapes[output], upstream)
    if not seed.ndim:
        numbers = both_passes(spec.graph, output, list(nodes.values()), spec.input_values, float(seed))
        if numbers is not None:
            return numbers[0], dict(zip(nodes, numbers[1], strict=True))
    graph = spec.graph.copy()
    forward = run(graph, spec.input_values, [output])
    if problems := value_problems(spec, forward):
        raise BpxError(problems)
    gradients = [expr.id for expr in _gradients(graph, output, nodes, seed)]
    values = run(graph, {**spec.input_values, **forward}, gradients)
    return forward[output], {name: values[node] for name, node in zip(nodes, gradients, strict=True)}


def _gradients(graph: Graph, output: int, nodes: Mapping[str, int], seed: Any) -> Sequence[Any]:
    return grad(graph[output], [graph[node] for node in nodes.values()], graph.constant(seed))


class Evaluator:
    """Value and gradients as a function of the inputs, as `bpx.Spec.compile` makes it.

    Called with values of inputs by name, it returns the output's value and a dict of its gradients by name;
    inputs that are not given keep the value they have in the spec. What is not finite is returned as it is.
    """

    def __init__(
        self, spec: NamedGraph, of: str | None, wrt: str | Iterable[str] | None, upstream: Any
    ) -> None:
        output, nodes = query_nodes(spec, of, wrt)
        seed, _ = seed_of(spec.graph.shapes[output], upstream)
        self._graph = spec.graph.copy()  # the reverse pass is appended to a graph of its own
        gradients = _gradients(self._graph, output, nodes, seed)
        self._targets = [output, *(expr.id for expr in gradients)]
        self._inputs: dict[str, Input] = {leaf.name: leaf for leaf in spec.inputs}
        self._names = tuple(nodes)
        free = [leaf.node for leaf in spec.inputs]
        self._compiled = compiled(self._graph, self._targets, free, {})
        needed = self._graph.needs(of=self._targets)
        self._is_scalar = all(
            self._graph.ops[node] in (INPUT, CONSTANT) or self._graph.ops[node].local for node in needed
        ) and not any(self._graph.shapes[node] for node in needed)
        is_plain = self._is_scalar and len(self._compiled.instructions) <= LARGEST_PLAIN
        self._plain = _plain(self._compiled, free) if is_plain else None

    def __call__(self, **values: Any) -> Result:
        """At one point. Raises `BpxError` where a name is none of an input's, or a value does not fit."""
        given = self._arrays(values, 0)
        results: Sequence[Any] | None = None
        if self._plain is not None:
            numbers = [float(given.get(name, leaf.value)) for name, leaf in self._inputs.items()]
            try:
                results = self._plain(*numbers)
            except (ArithmeticError, ValueError):  # where NumPy has an infinity or NaN
                results = None
        if results is None:
            known = {leaf.node: given.get(name, leaf.value) for name, leaf in self._inputs.items()}
            results = self._compiled(known)
        value, *gradients = results
        return value, dict(zip(self._names, gradients, strict=True))

    def batch(self, **values: Any) -> Result:
        """At many points at once: the first axis of each array given, and of each that is returned.

        Raises `BpxError` as a call does, and where the arrays are of different numbers of points.
        """
        given = self._arrays(values, 1)
        count = {len(array) for array in given.values()} or {1}
        if len(count) > 1:
            counts = say("word.list").join(map(str, sorted(count)))
            raise BpxError([Diagnostic("points-differ", None, {"counts": counts})])
        known = {
            leaf.node: np.moveaxis(given[name], 0, -1) if name in given else leaf.value[..., np.newaxis]
            for name, leaf in self._inputs.items()
        }
        # Functions of each element alone take the points as elements.
        found = self._compiled(known) if self._is_scalar else self._run(known)
        shapes = [self._graph.shapes[node] for node in self._targets]
        value, *gradients = (
            np.moveaxis(np.broadcast_to(array, (*shape, *count)), -1, 0)
            for array, shape in zip(found, shapes, strict=True)
        )
        return value, dict(zip(self._names, gradients, strict=True))

    def _run(self, known: Mapping[int, Any]) -> list[Any]:
        values = run(self._graph, known, self._targets, batch=True)
        return [values[node] for node in self._targets]

    def _arrays(self, values: Mapping[str, Any], batch: int) -> dict[str, Any]:
        """The values given, each of its input's shape, behind so many axes of a batch."""
        problems = [unknown_node(name, self._inputs) for name in values if name not in self._inputs]
        leaves = [self._inputs[name] for name in values if name in self._inputs]
        arrays = {leaf.name: _array(leaf, values[leaf.name], batch, problems) for leaf in leaves}
        if problems:
            raise BpxError(problems)
        return arrays


def _array(leaf: Input, value: Any, batch: int, problems: list[Diagnostic]) -> Any:
    if type(value) is float and not batch and not leaf.value.ndim and math.isfinite(value):
        return value
    array = as_array(leaf.name, value, problems)
    if array is not None and (array.ndim < batch or array.shape[batch:] != leaf.value.shape):
        wanted = shape_text(leaf.value.shape)
        facts = {"name": leaf.name, "found": shape_text(array.shape), "wanted": wanted}
        problems.append(Diagnostic("value-of-points" if batch else "value-shape", None, facts))
    return array


def _plain(steps: Compiled, free: Sequence[int]) -> Callable[..., Any]:
    """The steps as Python code on floats: a fiftieth of the time where all are scalars."""
    slots = dict(steps.inputs)
    names = {slot: f"v{slot}" if value is None else literal(value) for slot, value in enumerate(steps.known)}
    params = [names[slots[node]] if node in slots else f"unused{node}" for node in free]
    lines = (
        Step(step.function, [names[arg] for arg in step.args], names[step.out]) for step in steps.instructions
    )
    return plain(params, lines, together(names[slot] for slot in steps.targets), UP_TO_ROUNDING)
