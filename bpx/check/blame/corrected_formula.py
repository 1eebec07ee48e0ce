"""The formula that would be right, in the names of the nodes it speaks of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from bpx.check.whole.checked_graph import CheckedGraph
from bpx.graph.formula import formula, partial
from bpx.graph.graph import CONSTANT, OPS, Expr, Graph, Op
from bpx.graph.numbers import array
from bpx.ops.tensors import unbroadcast
from bpx.passes.reverse import Edge, grad, pullback
from bpx.words.say import say

_NAME = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")  # h.v1 is one name; of x.T the node is x
_MOST_EXPLAINED = 6  # nodes without a name of their own that a formula may speak of


def right_rule(point: CheckedGraph, edge: Edge) -> str | None:
    """The derivative of the op's own expression, or the rule of the op table; None where there is neither."""
    op = point.graph.ops[edge.consumer]
    if op.name in point.query.spec.custom:
        return f"∂{op.name}/∂{op.args[edge.position]} = {_derived(op, edge.position)}"
    row = OPS.get(op.name)
    return _explained(point, _rule_text(point, edge, row)) if row else None


def right_gradient(point: CheckedGraph, node: int, edges: Sequence[Edge]) -> str:
    """The gradient of a node as the sum of what its consumers hand back along `edges`."""
    if node == point.query.output:
        terms = [array(point.query.seed)]
    else:
        terms = [_term(point, edge) for edge in edges]
    left = partial(point.name(point.query.output), point.name(node))
    return _explained(point, f"{left} = {' + '.join(terms) or '0'}")


def _term(point: CheckedGraph, edge: Edge) -> str:
    """What one consumer hands back, summed over the axes along which the node was broadcast."""
    places = _Places(point, edge)
    op = point.graph.ops[edge.consumer]
    if op.local is None:
        return places.text(pulled_by(op, places)[edge.position])
    local = places.lift(_true_local(op, places, edge.position))
    return places.text(unbroadcast(places.upstream * local, point.graph.shapes[edge.arg]))


def _true_local(op: Op, places: _Places, position: int) -> Any:
    """The local derivative by the op table, or by the expression of an op that the spec states."""
    row = OPS.get(op.name)
    if row and row.local:
        return row.local(*places.args, places.out)[position]
    assert op.expands
    return grad(op.expands(*places.args), [places.args[position]], np.ones(places.out.shape))[0]


def _explained(point: CheckedGraph, text: str) -> str:
    """The formula, and what those nodes in it are that have no name of their own."""
    spec = point.query.spec
    told: dict[str, str] = {}
    waiting = [text]
    while waiting and len(told) < _MOST_EXPLAINED:
        for found in _NAME.findall(waiting.pop(0)):
            name = found.removesuffix(".T")
            node = spec.nodes.get(name)
            if node is not None and node not in spec.own_names and name not in told:
                told[name] = formula(spec.graph, node, spec.names)
                waiting.append(told[name])
    where = ", ".join(f"{name} = {told[name]}" for name in sorted(told))
    return say("check.where", formula=text, where=where) if where else text


def _rule_text(point: CheckedGraph, edge: Edge, row: Op) -> str:
    """The rule of the table for one edge, in the names of its nodes."""
    places = _Places(point, edge)
    if row.local:
        left = partial(point.name(edge.consumer), point.name(edge.arg))
        return f"{left} = {places.text(places.lift(row.local(*places.args, places.out)[edge.position]))}"
    return places.text(pulled_by(row, places)[edge.position])


class _Places:
    """Placeholders for what a rule works on, with the names of the nodes they stand for."""

    def __init__(self, point: CheckedGraph, edge: Edge) -> None:
        graph, node = point.graph, edge.consumer
        self.settings, self.scratch, self.names = graph.settings[node], Graph(), dict[int, str]()
        self.args = [self._place(point, arg) for arg in graph.args[node]]
        self.out = self._place(point, node)
        output = point.query.output
        if node == output:
            self.upstream = self.scratch.constant(point.query.seed)
        else:
            self.upstream = self.scratch.input(graph.shapes[node])
            self.names[self.upstream.id] = partial(point.name(output), point.name(node))

    def _place(self, point: CheckedGraph, node: int) -> Expr:
        graph = point.graph
        if graph.ops[node] is CONSTANT and not graph.shapes[node]:
            return self.scratch.constant(graph.constants[node])
        handle = self.scratch.input(graph.shapes[node])
        self.names[handle.id] = point.name(node)
        return handle

    def lift(self, value: Any) -> Expr:
        """A number of a rule as a handle."""
        return self.scratch.lift(value)

    def text(self, expr: Any) -> str:
        """An expression of the placeholders as people read it."""
        return formula(self.scratch, self.lift(expr).id, self.names, open_root=False)


def pulled_by(row: Op, places: _Places) -> Sequence[Any]:
    """What an op of whole arrays hands back to its args; 0 to those that only choose."""
    found = pullback(row, places.upstream, places.args, places.out, places.settings)
    return [0.0 if one is None else one for one in found]


def _derived(op: Op, position: int) -> str:
    scratch = Graph()
    args = [scratch.input() for _ in op.args]
    assert op.expands
    derived = grad(op.expands(*args), [args[position]])[0]
    names = {expr.id: name for expr, name in zip(args, op.args, strict=True)}
    return formula(scratch, derived.id, names, open_root=False)
