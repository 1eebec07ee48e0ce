"""A graph as a tape: a list of leaves and of ops on earlier entries, which a page runs by itself.

An entry is a piece of JavaScript. A leaf is the list of its elements: `[1.5]`. An op of each element is its
function and its args, as places in the tape: `[mul,3,4]`; shorter args repeat, as NumPy broadcasts along leading
axes. An op of whole arrays has a list in the function's place, with what is settled before it runs:
`[[lanes,softmax,3],5]`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from bpx.graph.arrays import Array, Settings, Shape
from bpx.graph.graph import CONSTANT, INPUT, OPS, Graph, Op
from bpx.graph.subgraph import expansion
from bpx.ops.convolution import FAST
from bpx.ops.elementwise.arithmetic import contribution
from bpx.render.page.array_rows import ROWS, Call, spread_to
from bpx.render.page.scripts import OPS_OF_ELEMENTS


class Tape:
    """Entries that are added to; equal ones are shared. `places` are those of the nodes of the graph."""

    def __init__(self) -> None:
        self.entries: list[str] = []
        self.places: dict[int, int] = {}
        self._known: dict[str, int] = {}

    def leaf(self, value: Array, *, shared: bool) -> int:
        """The place of a value; that of an input is its own."""
        entry = f"[{','.join(map(literal, np.ravel(value).tolist()))}]"
        return self._place(entry) if shared else self._append(entry)

    def op(self, function: str, args: Sequence[int]) -> int:
        """The place of an op of each element."""
        return self._place(f"[{','.join([function, *map(str, args)])}]")

    def array_op(self, function: str, settings: Sequence[object], args: Sequence[int]) -> int:
        """The place of an op of whole arrays; its settings are numbers, names of functions and lists of them."""
        inside = ",".join([function, *(str(setting).replace(" ", "") for setting in settings)])
        return self.op(f"[{inside}]", args)

    def _place(self, entry: str) -> int:
        if entry not in self._known:
            self._known[entry] = self._append(entry)
        return self._known[entry]

    def _append(self, entry: str) -> int:
        self.entries.append(entry)
        return len(self.entries) - 1

    def text(self) -> str:
        """All of it, a list."""
        return f"[{','.join(self.entries)}]"


def literal(number: float) -> str:
    """A number in JavaScript, in full."""
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
    whole = number.is_integer() and abs(number) < 1e15
    return str(int(number)) if whole else repr(number).replace("0.", ".", 1) if abs(number) < 1 else repr(number)


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
            call = Call(tape, op, tuple(written[arg] for arg in args), shapes, graph.settings[node], graph.shapes[node])
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


def _inside(op: Op, shapes: tuple[Shape, ...], settings: Settings):  # type: ignore[no-untyped-def]
    """What the op is made of; where its value is computed by other parts than its derivative, those."""
    if op.expands is None:
        raise KeyError(op.name)
    return expansion(FAST if op.name in ("conv1d", "conv2d") else op, shapes, settings)


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
