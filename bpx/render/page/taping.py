"""The nodes of a graph, those of its reverse pass included, as a tape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bpx.graph.arrays import Array, Settings, Shape
from bpx.graph.graph import CONSTANT, INPUT, OPS, Graph, Op
from bpx.graph.subgraph import Subgraph, expansion
from bpx.ops.elementwise.arithmetic import contribution
from bpx.render.page.array_rows import ROWS, Call, spread_to
from bpx.render.page.scripts import OPS_OF_ELEMENTS
from bpx.render.page.tape import Tape


def tape_of(graph: Graph, values: Mapping[int, Array], nodes: Iterable[int]) -> Tape:
    """The tape of the nodes and all they depend on; `values` are those of the inputs.

    Raises `KeyError` for an op of each element that has no row and is made of nothing.
    """
    tape = Tape()
    tape.places = _written(tape, graph, {}, nodes, values)
    return tape


def _written(
    tape: Tape, graph: Graph, places: Mapping[int, int], nodes: Iterable[int], values: Mapping[int, Array]
) -> dict[int, int]:
    """The places of nodes and all they depend on, written where they are not known."""
    written = dict(places)
    for node in graph.needs(of=nodes, known=written):
        if node in written:
            continue
        op, args = graph.ops[node], graph.args[node]
        if op is CONSTANT:
            written[node] = tape.leaf(graph.constants[node], shared=True)
        elif op is INPUT:
            written[node] = tape.leaf(values[node], shared=False)
        elif op.quoted:
            written[node] = written[args[op.quoted]]
        else:
            shapes = tuple(graph.shapes[arg] for arg in args)
            call = Call(
                tape,
                op,
                tuple(written[arg] for arg in args),
                shapes,
                graph.settings[node],
                graph.shapes[node],
            )
            written[node] = _op(call)
    return written


def _op(call: Call) -> int:
    op = call.op
    if op is contribution:
        return _elementwise(call, "times")
    is_own = OPS.get(op.name) is not op  # a spec may state ops, with names that others have too
    if op.elementwise and op.name in OPS_OF_ELEMENTS and not is_own:
        return _elementwise(call, op.name)
    if op.name in ROWS and not is_own:
        return ROWS[op.name](call)
    inside = _inside(op, call.shapes, call.settings)
    places = dict(zip(inside.args, call.args, strict=True))
    return _written(call.tape, inside.graph, places, [inside.root], {})[inside.root]


def _inside(op: Op, shapes: tuple[Shape, ...], settings: Settings) -> Subgraph:
    """What the op is made of; where its value is computed by other parts than its derivative, those."""
    if op.expands is None:
        raise KeyError(op.name)
    return expansion(op, shapes, settings, as_computed=True)


def _elementwise(call: Call, function: str) -> int:
    if function == "identity":
        return call.args[0]
    args = [
        arg if _repeats(shape, call.shape) else spread_to(call.tape, arg, shape, call.shape)
        for arg, shape in zip(call.args, call.shapes, strict=True)
    ]
    return call.tape.op(function, args)


def _repeats(shape: Shape, whole: Shape) -> bool:
    """Does an array of that shape, repeated from its start, fill the whole as broadcasting does?"""
    lengths = tuple(shape[next((axis for axis, n in enumerate(shape) if n != 1), len(shape)) :])
    return whole[len(whole) - len(lengths) :] == lengths
