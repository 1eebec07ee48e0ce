"""Slips in a value of the forward pass."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpx.check.patterns.formula_edits import slipped
from bpx.check.report.blame import Mistake
from bpx.graph.arrays import Array
from bpx.graph.formula import formula
from bpx.graph.run import run
from bpx.spec.practice.cells.cells import Cell, Values, Workings

_ONE_FOR_THE_OTHER = {"mean": ("summed-not-averaged", 1), "sum": ("averaged-not-summed", -1)}


def value_slips(workings: Workings, cell: Cell, values: Values) -> Iterator[tuple[Mistake, Array]]:
    """Another op or a part left out, operands exchanged, a function taken apart, a mean for a sum."""
    graph, node = workings.graph, cell.node
    op, args = graph.ops[node], graph.args[node]
    before = {place for place in workings.value_keys if place < node}
    known = {place: workings.value_of(place, values) for place in {*args, *before}}
    shown = {arg: workings.query.named(arg) for arg in args}
    right = formula(graph, node, shown)
    for twin, wrong in slipped(graph, node):
        number = known[wrong] if wrong in known else run(twin, known, [wrong])[wrong]
        text = shown.get(wrong) or formula(twin, wrong, shown)
        yield Mistake.of("slip", wrong=text, right=right), np.asarray(number)
    if op.elementwise and len(args) == 2:
        exchanged = op.value(*(known[arg] for arg in args[::-1]))
        yield Mistake.of("operands-exchanged", op=op.name), np.asarray(exchanged)
    if op.elementwise and len(args) == 1:
        yield from _taken_apart(workings, node, values)
    if op.name in _ONE_FOR_THE_OTHER:
        code, power = _ONE_FOR_THE_OTHER[op.name]
        count = known[args[0]].size / max(1, np.size(values[cell.key]))
        yield Mistake(code), np.asarray(workings.work_out(cell, values) * count**power)


def _taken_apart(workings: Workings, node: int, values: Values) -> Iterator[tuple[Mistake, Array]]:
    """f(a·b) = f(a)·f(b), f(a+b) = f(a)+f(b): as if every function were linear, or multiplicative."""
    graph = workings.graph
    op, (inner,) = graph.ops[node], graph.args[node]
    if graph.ops[inner].name in ("add", "sub", "mul", "div"):
        parts = [op.value(workings.value_of(arg, values)) for arg in graph.args[inner]]
        yield Mistake.of("taken-apart", op=op.name), np.asarray(graph.ops[inner].value(*parts))
