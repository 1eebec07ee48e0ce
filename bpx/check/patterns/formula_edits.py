"""Mistakes made within one op: at a step of its chain rule, or in writing its formula down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from bpx.check.numeric.tolerances import MOST_FORMULA_NODES
from bpx.check.report.blame import Mistake
from bpx.graph.arrays import Array, Settings
from bpx.graph.formula import formula, symbol
from bpx.graph.graph import OPS, Expr, Graph, Op
from bpx.graph.run import run
from bpx.graph.subgraph import expansion
from bpx.passes.reverse import grad, reverse

_PAIRS = (("add", "sub"), ("mul", "div"), ("sin", "cos"), ("sinh", "cosh"), ("max", "min"), ("lt", "gt"))
_OPPOSITE = {op: opposite for pair in _PAIRS for op, opposite in (pair, pair[::-1])}

_SUMS = ("add", "sub")

WrongDerivatives = Iterator[tuple[Mistake, Array]]


# --- the chain rule inside an op ----------------------------------------------------------------


def insides(op: Op, position: int, args: Sequence[Array]) -> WrongDerivatives:
    """The op's derivative with a mistake at one edge of the expression it is written as.

    A derivative taken as 1, a sign turned; where several paths meet, one of them left out or doubled.
    """
    assert op.expands
    graph = Graph()
    inputs = [graph.input() for _ in args]
    names = {expr.id: symbol(name) for expr, name in zip(inputs, op.args, strict=True)}
    root: Expr = op.expands(*inputs)
    ledger = reverse(root, [inputs[position]])
    numbers = [edge.local for edge in ledger.edges if edge.local is not None]
    values = run(graph, {expr.id: arg for expr, arg in zip(inputs, args, strict=True)}, [root.id, *numbers])

    def changed(at: int, by: Callable[[Any], Any]) -> Array:
        arrived: dict[int, Any] = {root.id: np.ones(np.shape(args[0]))}
        for i, edge in enumerate(ledger.edges):
            local = values[edge.local]  # type: ignore[index] # only elementwise ops stand in there
            share = arrived[edge.consumer] * (by(local) if i == at else local)
            arrived[edge.arg] = arrived.get(edge.arg, 0.0) + share
        return np.asarray(arrived[inputs[position].id])

    uses = [edge.arg for edge in ledger.edges]
    for at, edge in enumerate(ledger.edges):
        inner = formula(graph, edge.consumer, names)
        forgotten = changed(at, lambda local: np.ones(np.shape(local)))
        yield Mistake.of("inner-forgotten", inner=inner), forgotten
        yield Mistake.of("inner-sign", inner=inner), changed(at, lambda local: -local)
        if uses.count(edge.arg) > 1:
            yield Mistake.of("path-dropped", through=inner), changed(at, lambda local: 0.0 * local)
            yield Mistake.of("path-doubled", through=inner), changed(at, lambda local: 2.0 * local)


# --- slips of the pen ---------------------------------------------------------------------------


def slips(
    op: Op, position: int, args: Sequence[Array], out: Array, upstream: Array, settings: Settings
) -> WrongDerivatives:
    """The right rule for one arg with one slip in its formula, at values of args, op and upstream gradient.

    For ops with a local derivative that is what comes out, for others what is handed back. An op stands
    for its opposite (`+` for `-`), or a part is left out.
    """
    arrays = [*args, out] if op.local else [upstream, *args, out]
    names = [*op.args, "out"] if op.local else ["upstream", *op.args, "out"]
    graph = Graph()
    placeholders = [graph.input(() if op.local else np.shape(array)) for array in arrays]
    derivative = _rule(op, placeholders, settings)[position]
    if derivative is None:
        return
    root = graph.lift(derivative).id
    named = {placeholder.id: symbol(name) for placeholder, name in zip(placeholders, names, strict=True)}
    values = {placeholder.id: array for placeholder, array in zip(placeholders, arrays, strict=True)}
    outcomes: list[Array] = []  # what looks the same from outside is told once, as the outermost slip
    for node in reversed(graph.needs(of=[root])[-MOST_FORMULA_NODES:]):
        right = formula(graph, node, named, open_root=False)
        for twin, wrong in slipped(graph, node):
            end = wrong if node == root else root
            outcome = run(twin, values, [end])[end]
            if not any(np.array_equal(outcome, earlier) for earlier in outcomes):
                outcomes.append(outcome)
                slip = formula(twin, wrong, named, open_root=False)
                yield Mistake.of("slip", wrong=slip, right=right), outcome


def _rule(op: Op, placeholders: Sequence[Expr], settings: Settings) -> tuple[Any, ...]:
    """The rule for each arg; None where it has none, as one that only chooses, and all of an op by parts."""
    if op.local:
        return op.local(*placeholders)
    return op.pull(*placeholders, **settings) if op.pull else (None,) * len(op.args)


def flipped(op: Op, position: int, args: Sequence[Array]) -> Array | None:
    """The derivative of an op that chooses between slopes, with every choice made the other way.

    None for any other op, and for a gate, whose slopes are 0 and 1: its mask is turned by 1 - mask.
    """
    if not op.expands or not _chooses(op) or _is_gate(op, position):
        return None
    graph = Graph()
    inputs = [graph.input(np.shape(arg)) for arg in args]
    derivative = grad(_otherwise(op, *inputs), [inputs[position]], np.ones(np.shape(args[0])))[0]
    values = {expr.id: arg for expr, arg in zip(inputs, args, strict=True)}
    return run(graph, values, [derivative.id])[derivative.id]


def _otherwise(op: Op, *args: Expr, **settings: Any) -> Expr:
    """An op with the branches of each `where` in it exchanged."""
    if op.name == "where":
        condition, first, second = args
        return op(condition, second, first)
    if not _chooses(op):
        return op(*args, **settings)
    inside = expansion(op, [arg.shape for arg in args], settings)
    return inside.handles(args, _otherwise, [inside.root])[inside.root]


@lru_cache
def _is_gate(op: Op, position: int) -> bool:
    """Are its slopes 0 and 1, as far as one can see on a grid?"""
    graph, grid = Graph(), np.linspace(-8.0, 8.0, 32)
    places, out = [graph.input() for _ in op.args], graph.input()
    assert op.local
    local = graph.lift(op.local(*places, out)[position])
    args = [grid, *(np.full(grid.shape, 0.3 * i) for i in range(1, len(op.args)))]
    known = {place.id: arg for place, arg in zip(places, args, strict=True)}
    slopes = run(graph, {**known, out.id: np.asarray(op.value(*args))}, [local.id])[local.id]
    return bool(np.isin(slopes, (0.0, 1.0)).all())


@lru_cache
def _chooses(op: Op) -> bool:
    """Is there a `where` in what an elementwise op is short for?"""
    if not op.expands or not op.elementwise:
        return False
    inside = expansion(op, [()] * len(op.args), {})
    return any(inner.name == "where" or _chooses(inner) for inner in inside.graph.ops)


def slipped(graph: Graph, node: int) -> Iterator[tuple[Graph, int]]:
    """The graph once for each slip at `node`, and what stands in the node's place then."""
    opposite = _OPPOSITE.get(graph.ops[node].name)
    if opposite:
        twin = graph.copy()
        twin.ops[node] = OPS[opposite]
        yield twin, node
    for arg in _left_over(graph, node):
        if graph.shapes[arg] == graph.shapes[node]:
            twin = graph.copy()
            twin.args = [
                tuple(arg if operand == node else operand for operand in args) for args in graph.args
            ]
            yield twin, arg


def _left_over(graph: Graph, node: int) -> list[int]:
    """What may be left of a node: one of its args, or one term of several."""
    left = [*graph.args[node]]
    if graph.ops[node].name in _SUMS:
        left += [arg for inner in left if graph.ops[inner].name in _SUMS for arg in graph.args[inner]]
    return [*dict.fromkeys(left)]
