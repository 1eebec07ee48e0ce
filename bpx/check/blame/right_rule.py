"""The rule that would be right, in the names of the nodes it speaks of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bpx.check.numeric.tolerances import MOST_EXPLAINED
from bpx.check.report.correction import Correction
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.graph.formula import Formula, derivative, equation, formula, symbol
from bpx.graph.graph import CONSTANT, OPS, Expr, Graph, Op
from bpx.passes.reverse import Edge, grad, pullback


def right_rule(checked: CheckedGraph, edge: Edge) -> Correction | None:
    """The derivative of the op's own expression, or the rule of the op table; None where there is neither."""
    op = checked.graph.ops[edge.consumer]
    if op.name in checked.query.spec.custom:
        left = derivative(symbol(op.name), symbol(op.args[edge.position]))
        return Correction(equation(left, _derived(op, edge.position)))
    row = OPS.get(op.name)
    return _explained(checked, _rule(checked, edge, row)) if row else None


def _explained(checked: CheckedGraph, right: Formula) -> Correction:
    """The formula, and what those nodes in it are that have no name of their own."""
    spec = checked.query.spec
    explained: dict[str, Formula] = {}
    waiting = [right]
    while waiting and len(explained) < MOST_EXPLAINED:
        for name, node in waiting.pop(0).symbols:
            if node in spec.names and node not in spec.own_names and name not in explained:
                explained[name] = formula(spec.graph, node, spec.names)
                waiting.append(explained[name])
    where = [equation(symbol(name, spec.nodes[name]), explained[name]) for name in sorted(explained)]
    return Correction(right, tuple(where))


def _rule(checked: CheckedGraph, edge: Edge, row: Op) -> Formula:
    """The rule of the table for one edge, in the names of its nodes."""
    placeholders = _Placeholders(checked, edge)
    if row.local:
        local = placeholders.lift(row.local(*placeholders.args, placeholders.out)[edge.position])
        return equation(_partial(checked, edge.consumer, edge.arg), placeholders.formula(local))
    return placeholders.formula(pulled_by(row, placeholders)[edge.position])


def _named(checked: CheckedGraph, node: int) -> Formula:
    """The name of a node, or its formula where it has none."""
    return formula(checked.graph, node, checked.query.spec.names, open_root=False)


def _partial(checked: CheckedGraph, output: int, node: int) -> Formula:
    return derivative(_named(checked, output), _named(checked, node))


class _Placeholders:
    """Placeholders for what a rule works on, with the names of the nodes they stand for."""

    def __init__(self, checked: CheckedGraph, edge: Edge) -> None:
        graph, node = checked.graph, edge.consumer
        self.settings, self.scratch, self.names = graph.settings[node], Graph(), dict[int, Formula]()
        self.args = [self._placeholder(checked, arg) for arg in graph.args[node]]
        self.out = self._placeholder(checked, node)
        output = checked.query.output
        if node == output:
            self.upstream = self.scratch.constant(checked.query.seed)
        else:
            self.upstream = self.scratch.input(graph.shapes[node])
            self.names[self.upstream.id] = _partial(checked, output, node)

    def _placeholder(self, checked: CheckedGraph, node: int) -> Expr:
        graph = checked.graph
        if graph.ops[node] is CONSTANT and not graph.shapes[node]:
            return self.scratch.constant(graph.constants[node])
        handle = self.scratch.input(graph.shapes[node])
        self.names[handle.id] = _named(checked, node)
        return handle

    def lift(self, value: Any) -> Expr:
        """A number of a rule as a handle."""
        return self.scratch.lift(value)

    def formula(self, expr: Any) -> Formula:
        """An expression of the placeholders as people read it."""
        return formula(self.scratch, self.lift(expr).id, self.names, open_root=False)


def pulled_by(row: Op, placeholders: _Placeholders) -> Sequence[Any]:
    """What an op of whole arrays hands back to its args; 0 to those that only choose."""
    contributions = pullback(
        row, placeholders.upstream, placeholders.args, placeholders.out, placeholders.settings
    )
    return [0.0 if contribution is None else contribution for contribution in contributions]


def _derived(op: Op, position: int) -> Formula:
    scratch = Graph()
    args = [scratch.input() for _ in op.args]
    assert op.expands
    derived = grad(op.expands(*args), [args[position]])[0]
    names = {expr.id: symbol(name) for expr, name in zip(args, op.args, strict=True)}
    return formula(scratch, derived.id, names, open_root=False)
