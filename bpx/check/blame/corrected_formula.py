"""The formula that would be right, in the names of the nodes it speaks of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpx.check.numeric.tolerances import MOST_EXPLAINED
from bpx.check.report.correction import Correction
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.graph.formula import Formula, derivative, equation, formula, numbers, sum_of, symbol
from bpx.graph.graph import CONSTANT, OPS, Expr, Graph, Op
from bpx.ops.tensors import unbroadcast
from bpx.passes.reverse import Edge, grad, pullback


def right_rule(point: CheckedGraph, edge: Edge) -> Correction | None:
    """The derivative of the op's own expression, or the rule of the op table; None where there is neither."""
    op = point.graph.ops[edge.consumer]
    if op.name in point.query.spec.custom:
        left = derivative(symbol(op.name), symbol(op.args[edge.position]))
        return Correction(equation(left, _derived(op, edge.position)))
    row = OPS.get(op.name)
    return _explained(point, _rule(point, edge, row)) if row else None


def right_gradient(point: CheckedGraph, node: int, edges: Sequence[Edge]) -> Correction:
    """The gradient of a node as the sum of what its consumers hand back along `edges`."""
    if node == point.query.output:
        terms = [numbers(point.query.seed)]
    else:
        terms = [_term(point, edge) for edge in edges]
    return _explained(point, equation(_partial(point, point.query.output, node), sum_of(terms)))


def _term(point: CheckedGraph, edge: Edge) -> Formula:
    """What one consumer hands back, summed over the axes along which the node was broadcast."""
    places = _Places(point, edge)
    op = point.graph.ops[edge.consumer]
    if op.local is None:
        return places.formula(pulled_by(op, places)[edge.position])
    local = places.lift(_true_local(op, places, edge.position))
    return places.formula(unbroadcast(places.upstream * local, point.graph.shapes[edge.arg]))


def _true_local(op: Op, places: _Places, position: int) -> Any:
    """The local derivative by the op table, or by the expression of an op that the spec states."""
    row = OPS.get(op.name)
    if row and row.local:
        return row.local(*places.args, places.out)[position]
    assert op.expands
    return grad(op.expands(*places.args), [places.args[position]], np.ones(places.out.shape))[0]


def _explained(point: CheckedGraph, right: Formula) -> Correction:
    """The formula, and what those nodes in it are that have no name of their own."""
    spec = point.query.spec
    explained: dict[str, Formula] = {}
    waiting = [right]
    while waiting and len(explained) < MOST_EXPLAINED:
        for name, node in waiting.pop(0).symbols:
            if node in spec.names and node not in spec.own_names and name not in explained:
                explained[name] = formula(spec.graph, node, spec.names)
                waiting.append(explained[name])
    where = [equation(symbol(name, spec.nodes[name]), explained[name]) for name in sorted(explained)]
    return Correction(right, tuple(where))


def _rule(point: CheckedGraph, edge: Edge, row: Op) -> Formula:
    """The rule of the table for one edge, in the names of its nodes."""
    places = _Places(point, edge)
    if row.local:
        local = places.lift(row.local(*places.args, places.out)[edge.position])
        return equation(_partial(point, edge.consumer, edge.arg), places.formula(local))
    return places.formula(pulled_by(row, places)[edge.position])


def _named(point: CheckedGraph, node: int) -> Formula:
    """The name of a node, or its formula where it has none."""
    return formula(point.graph, node, point.query.spec.names, open_root=False)


def _partial(point: CheckedGraph, output: int, node: int) -> Formula:
    return derivative(_named(point, output), _named(point, node))


class _Places:
    """Placeholders for what a rule works on, with the names of the nodes they stand for."""

    def __init__(self, point: CheckedGraph, edge: Edge) -> None:
        graph, node = point.graph, edge.consumer
        self.settings, self.scratch, self.names = graph.settings[node], Graph(), dict[int, Formula]()
        self.args = [self._place(point, arg) for arg in graph.args[node]]
        self.out = self._place(point, node)
        output = point.query.output
        if node == output:
            self.upstream = self.scratch.constant(point.query.seed)
        else:
            self.upstream = self.scratch.input(graph.shapes[node])
            self.names[self.upstream.id] = _partial(point, output, node)

    def _place(self, point: CheckedGraph, node: int) -> Expr:
        graph = point.graph
        if graph.ops[node] is CONSTANT and not graph.shapes[node]:
            return self.scratch.constant(graph.constants[node])
        handle = self.scratch.input(graph.shapes[node])
        self.names[handle.id] = _named(point, node)
        return handle

    def lift(self, value: Any) -> Expr:
        """A number of a rule as a handle."""
        return self.scratch.lift(value)

    def formula(self, expr: Any) -> Formula:
        """An expression of the placeholders as people read it."""
        return formula(self.scratch, self.lift(expr).id, self.names, open_root=False)


def pulled_by(row: Op, places: _Places) -> Sequence[Any]:
    """What an op of whole arrays hands back to its args; 0 to those that only choose."""
    found = pullback(row, places.upstream, places.args, places.out, places.settings)
    return [0.0 if one is None else one for one in found]


def _derived(op: Op, position: int) -> Formula:
    scratch = Graph()
    args = [scratch.input() for _ in op.args]
    assert op.expands
    derived = grad(op.expands(*args), [args[position]])[0]
    names = {expr.id: symbol(name) for expr, name in zip(args, op.args, strict=True)}
    return formula(scratch, derived.id, names, open_root=False)
