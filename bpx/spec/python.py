"""Specs from Python: a function of handles that is traced, a graph that is built by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bpx.graph.graph import CONSTANT, INPUT, OPS, Expr, Graph
from bpx.graph.named.named_graph import Input, NamedGraph
from bpx.graph.named.names import free_output_name
from bpx.graph.named.values import as_array
from bpx.graph.numbers import shape_text
from bpx.spec.reading.syntax import name_problem, rename_help
from bpx.words.arguments import shown_value
from bpx.words.diagnostic import BpxError, Diagnostic, Source


def _node_problems(graph: Graph, values: Mapping[str, tuple[Expr, Any]]) -> list[Diagnostic]:
    """Names of what is no input, and second names of what has one."""
    names: dict[int, str] = {}
    problems = []
    for name, (expr, _) in values.items():
        node = graph.lift(expr).id
        if graph.ops[node] is not INPUT:
            problems.append(Diagnostic("no-input-node", None, {"name": name}))
        elif node in names:
            problems.append(Diagnostic("node-named-twice", None, {"name": name, "other": names[node]}))
        names.setdefault(node, name)
    return problems


def spec_of(output: Expr, values: Mapping[str, tuple[Expr, Any]]) -> NamedGraph:
    """The spec of a graph built in Python: `values` names its inputs and gives each a value.

    Raises `BpxError` where a value is missing, is not made of finite numbers or has another shape.
    """
    graph = output.graph
    problems = [_no_pair(name, pair) for name, pair in values.items() if not _is_pair(pair)]
    if problems:
        raise BpxError(problems)
    inputs = [
        Input(name, expr.id, array, "data")
        for name, (expr, value) in values.items()
        if (array := as_array(name, value, problems)) is not None
    ]
    problems += [
        Diagnostic(code, None, facts, help)
        for name in values
        if (code := name_problem(name))
        for help, facts in [rename_help(code, name)]
    ]
    problems += _node_problems(graph, values)
    for input in inputs:
        if input.value.shape != graph.shapes[input.node]:
            facts = {
                "name": input.name,
                "found": shape_text(input.value.shape),
                "wanted": shape_text(graph.shapes[input.node]),
            }
            problems.append(Diagnostic("value-shape", None, facts))
    named = {graph.lift(expr).id for expr, _ in values.values()}
    unnamed = [node for node, op in enumerate(graph.ops) if op is INPUT and node not in named]
    if unnamed:  # as they seldom are: the whole graph is walked through for them
        for node in sorted({*unnamed} & {*graph.needs(of=[output.id])}):
            problems.append(Diagnostic("missing-value", None, {"name": f"#{node}"}, "name-input"))
    if problems:
        raise BpxError(problems)
    if output.op in (INPUT, CONSTANT):
        output = graph.add(OPS["identity"], output)
    steps = {free_output_name(values): output.id}
    return NamedGraph(None, graph, tuple(inputs), steps, output.id, len(graph), Source("<python>", ""))


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[0], Expr)


def _no_pair(name: str, pair: Any) -> Diagnostic:
    return Diagnostic("no-pair", None, {"name": name, "found": shown_value(pair)})
