"""A function and its inputs → the graph of what it computes, with its author's names and lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from bpx.graph.arrays import NoHandleError, Shape
from bpx.graph.graph import CONSTANT, INPUT, OPS, Expr
from bpx.graph.named.named_graph import Input, NamedGraph
from bpx.graph.named.names import free_output_name
from bpx.graph.numbers import LARGEST_SHOWN
from bpx.graph.run import run
from bpx.spec.trace.random_state import generators_of, kept_states
from bpx.spec.trace.stand_ins import Place, places, stand_ins
from bpx.spec.trace.tape import Branch, Handle, Tape, TraceError, agree, is_traced
from bpx.spec.trace.traced import Traced
from bpx.spec.trace.user_source import entrance, raised_at, source_of
from bpx.words.diagnostic import BpxError, Diagnostic, Source


class Trace(NamedTuple):
    """A traced function: the graph of its output, and the conditions it holds under."""

    graph: NamedGraph
    branches: tuple[Branch, ...]
    lines: int  # lines of the user's that made nodes
    roundoff: float  # the epsilon of the coarsest type that it computed in


@dataclass
class _Run:
    """One call of the function on handles."""

    tape: Tape
    handles: dict[str, Handle]
    result: Any


def trace_function(
    function: Callable[..., Any],
    inputs: Mapping[str, Any],
    origin: Callable[..., Any] | None = None,
    output: str | None = None,
) -> Trace:
    """Trace `function(**inputs)`, which calls the user's function `origin` where it is not that itself.

    `output` is what its result is called where it has no name.

    Raises `TraceError`, with the place in the user's source, where something cannot be traced, and
    `BpxError` where the function itself raises.
    """
    origin = origin or function
    reach = places(origin)
    generators = generators_of(origin, reach)
    with kept_states(generators):
        expected = _plainly_called(function, inputs)
    with kept_states(generators):
        traced = _traced_call(function, inputs, reach)
    node = _output_node(traced, traced.result)
    graph = _named_graph(traced, node, inputs, getattr(origin, "__code__", None), output)
    graph = replace(graph, constant_names=_constant_names(graph, origin))
    if expected is not None:
        _certify(graph, np.asarray(expected), traced.tape.value_of(node.id), traced.tape.tolerance)
    lines = {(span.source.name, span.source.position(span.start)[0]) for span in graph.origins.values()}
    return Trace(graph, tuple(traced.tape.branches), len(lines), traced.tape.roundoff)


def _plainly_called(function: Callable[..., Any], inputs: Mapping[str, Any]) -> Any:
    """What the function returns for numbers."""
    copies = {name: np.array(value)[()] for name, value in inputs.items()}
    with np.errstate(all="ignore"):
        try:
            return function(**copies)
        except NoHandleError:  # a function written with ops of bpx has no other value than that of its graph
            return None
        except Exception as error:
            raise _raised(error) from error


def _raised(error: Exception) -> BpxError:
    facts = {"function": "forward", "kind": type(error).__name__, "reason": str(error)}
    return BpxError([Diagnostic("function-raised", None, facts)])


@entrance
def _traced_call(function: Callable[..., Any], inputs: Mapping[str, Any], reach: list[Place]) -> _Run:
    tape = Tape(Traced)
    handles = {name: tape.input(value) for name, value in inputs.items()}
    with stand_ins(reach, tape), tape.running(), np.errstate(all="ignore"):
        try:
            result = function(**handles)
        except Exception as error:
            refusal = tape.refusals[0] if tape.refusals else _refusal(error)
            if refusal is not None:
                raise refusal from None
            raise _not_traceable(error) from error
    if tape.refusals:
        raise tape.refusals[0]  # the function caught it, and went on without a gradient
    return _Run(tape, handles, result)


def _refusal(error: BaseException | None) -> TraceError | None:
    """The refusal behind an exception: NumPy wraps some of them in its own."""
    while error is not None and not isinstance(error, TraceError):
        error = error.__cause__ or error.__context__
    return error


def _not_traceable(error: Exception) -> TraceError:
    """What the function raises on handles and not on numbers."""
    facts = {"reason": f"{type(error).__name__}: {error}"}
    return TraceError([Diagnostic("untraceable", raised_at(error), facts, "use-other-functions")])


def _output_node(traced: _Run, result: Any) -> Expr:
    """The node of what the function returned."""
    tape = traced.tape
    handed_out = [(handle, span) for number, handle, span in tape.floats if number is not result]
    if handed_out:
        # The number went on without its gradient, and nobody sees where.
        raise TraceError([Diagnostic("trace-float", handed_out[0][1], {}, "trace-float")])
    if tape.floats:
        result = tape.floats[-1][1]
    if isinstance(result, list | tuple) and not is_traced(result):
        result = np.stack([item if is_traced(item) else np.asarray(item, dtype=float) for item in result])
    if not is_traced(result):
        raise TraceError([Diagnostic("trace-constant", None, {})])
    node: Expr | None = result.node
    if node is None:
        raise TraceError([Diagnostic("trace-constant", None, {})])
    return node


def _certify(graph: NamedGraph, expected: Any, traced: Any, tolerance: float) -> None:
    """The graph gives what the function gave for numbers, and what it gave when it was `traced`."""
    value = run(graph.graph, graph.input_values, [graph.output])[graph.output]
    largest = [leaf.value for leaf in graph.inputs]
    if value.shape != expected.shape or not agree(value, expected.astype(float), largest, tolerance):
        facts = {"first": str(expected), "second": str(value)}
        if value.shape == expected.shape and agree(value, traced, largest, tolerance):
            raise TraceError([Diagnostic("trace-unrepeatable", None, facts, "trace-unrepeatable")])
        raise TraceError([Diagnostic("trace-parts", None, facts)])


# --- names --------------------------------------------------------------------------------------


def _named_graph(
    traced: _Run, output: Expr, inputs: Mapping[str, Any], code: Any, name: str | None
) -> NamedGraph:
    tape = traced.tape
    if output.op in (INPUT, CONSTANT):
        output = tape.graph.add(OPS["identity"], output)
    leaves = tuple(
        Input(name, number, np.asarray(value, dtype=float), "data")
        for number, (name, value) in enumerate(inputs.items())
    )
    needed = tape.graph.needs(of=[output.id])
    names = _unique_names(tape, needed, set(inputs))
    if output.id not in names:
        used = {*names.values(), *inputs}
        names[output.id] = name if name is not None and name not in used else free_output_name(used)
    source = source_of(code.co_filename) if code is not None else None
    return NamedGraph(
        None,
        tape.graph,
        leaves,
        {name: node for node, name in names.items()},
        output.id,
        len(tape.graph),
        source or Source("<python>", ""),
        is_code=True,
        origins={node: tape.spans[node] for node in needed if node in tape.spans},
    )


def _constant_names(graph: NamedGraph, origin: Callable[..., Any]) -> dict[tuple[Shape, bytes], str]:
    """What the function's module, or what it closes over, calls the large arrays that are constants."""
    values = graph.graph.constants.values()
    large = {(value.shape, value.tobytes()) for value in values if value.size > LARGEST_SHOWN}
    function = getattr(origin, "__func__", origin)
    if not large or not isinstance(function, FunctionType):
        return {}
    closed = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    held = {**function.__globals__, **{name: _held(cell) for name, cell in closed}}
    names: dict[tuple[Shape, bytes], str] = {}
    for name, value in held.items():
        if isinstance(value, np.ndarray) and value.size > LARGEST_SHOWN and value.dtype.kind in "fiub":
            key = (value.shape, value.astype(np.float64).tobytes())
            if key in large:
                names.setdefault(key, name)
    return names


def _held(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None


def _unique_names(tape: Tape, needed: list[int], used: set[str]) -> dict[int, str]:
    """Node → name; a variable that held several nodes, as in a loop, is numbered."""
    holders: dict[str, list[int]] = {}
    for node in needed:
        if node not in tape.names or not tape.names[node][1].strip("_"):
            continue  # `_` is no name but a place for what nobody wants
        if tape.graph.ops[node] not in (INPUT, CONSTANT):
            holders.setdefault(tape.names[node][1], []).append(node)
    names: dict[int, str] = {}
    taken = used | set(holders)
    for name, nodes in holders.items():
        if len(nodes) == 1 and name not in used:
            names[nodes[0]] = name
            continue
        number = 1
        for node in nodes:
            while (numbered := f"{name}_{number}") in taken:
                number += 1
            taken.add(numbered)
            names[node] = numbered
    return names
