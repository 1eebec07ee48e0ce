"""The formula that would be right, in the names of the nodes it speaks of."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bpx.check.point import Point
from bpx.formula import formula, partial
from bpx.graph import CONSTANT, OPS, Expr, Graph, Op
from bpx.reverse import Edge, grad
from bpx.words import say

_MOST_EXPLAINED = 6  # nodes without a name of their own that a formula may speak of


def right_rule(point: Point, edge: Edge) -> str | None:
    """The derivative of the op's own expression, or the rule of the op table; None where there is neither."""
    op = point.graph.ops[edge.consumer]
    if op.name in point.question.spec.custom:
        return f"∂{op.name}/∂{op.args[edge.position]} = {_derived(op, edge.position)}"
    row = OPS.get(op.name)
    return _explained(point, _rule_text(point, edge, row)) if row else None


def right_gradient(point: Point, node: int, edges: Sequence[Edge]) -> str:
    """The gradient of a node as the sum of what its consumers hand back along `edges`."""
    output = point.name(point.question.output)
    terms = [_term(point, edge, partial(output, point.name(edge.consumer))) for edge in edges]
    return _explained(point, f"{partial(output, point.name(node))} = {' + '.join(terms) or '0'}")


def _term(point: Point, edge: Edge, upstream: str) -> str:
    graph, names = point.graph, point.question.spec.names
    if edge.local is None:
        return formula(graph, edge.contribution, {**names, edge.upstream: upstream})
    local = formula(graph, edge.local, names)
    if local == "1":
        return upstream
    return f"{upstream} * ({local})" if " " in local or local.startswith("-") else f"{upstream} * {local}"


def _explained(point: Point, text: str) -> str:
    """The formula, and what those nodes in it are that have no name of their own."""
    spec = point.question.spec
    told: dict[str, str] = {}
    waiting = [text]
    while waiting and len(told) < _MOST_EXPLAINED:
        for name in re.findall(r"[^\W\d]\w*", waiting.pop(0)):
            node = spec.nodes.get(name)
            if node is not None and node not in spec.own_names and name not in told:
                told[name] = formula(spec.graph, node, spec.names)
                waiting.append(told[name])
    where = ", ".join(f"{name} = {told[name]}" for name in sorted(told))
    return say("check.where", formula=text, where=where) if where else text


def _rule_text(point: Point, edge: Edge, row: Op) -> str:
    """The rule of the table for one edge, in the names of its nodes."""
    graph, node, scratch = point.graph, edge.consumer, Graph()
    names: dict[int, str] = {}

    def place(one: int, name: str) -> Expr:
        if graph.ops[one] is CONSTANT and not graph.shapes[one]:
            return scratch.constant(graph.constants[one])
        handle = scratch.input(graph.shapes[one])
        names[handle.id] = name
        return handle

    args = [place(arg, point.name(arg)) for arg in graph.args[node]]
    out, output = place(node, point.name(node)), point.name(point.question.output)
    if row.local:
        right = scratch.lift(row.local(*args, out)[edge.position])
        left = partial(names[out.id], point.name(edge.arg))
        return f"{left} = {formula(scratch, right.id, names, open_root=False)}"
    assert row.pull
    upstream = place(node, partial(output, names[out.id]))
    handed = scratch.lift(row.pull(upstream, *args, out, **graph.settings[node])[edge.position])
    return formula(scratch, handed.id, names, open_root=False)


def _derived(op: Op, position: int) -> str:
    scratch = Graph()
    args = [scratch.input() for _ in op.args]
    assert op.expands
    derived = grad(op.expands(*args), [args[position]])[0]
    names = {expr.id: name for expr, name in zip(args, op.args, strict=True)}
    return formula(scratch, derived.id, names, open_root=False)
