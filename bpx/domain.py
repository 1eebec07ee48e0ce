"""Where a graph leaves the domain of an op, stops being finite, or stands at a kink.

The facts are the guards of the op rows, built as nodes beside the graph and evaluated with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from bpx.diagnostic import Diagnostic
from bpx.formula import formula, number, shape_text
from bpx.graph import Array, Graph, Guard, run
from bpx.reverse import Ledger
from bpx.spec import Spec
from bpx.words import say

_DIGITS = 6


def value_problems(spec: Spec, values: Mapping[int, Array]) -> list[Diagnostic]:
    """The nodes where values first stop being finite, each with the guard that says why."""
    graph = spec.graph
    broken = {node for node, value in values.items() if not np.isfinite(value).all()}
    first = [node for node in sorted(broken) if not broken.intersection(graph.args[node])]
    return [_value_problem(spec, values, node) for node in first]


def _value_problem(spec: Spec, values: Mapping[int, Array], node: int) -> Diagnostic:
    span = spec.origins.get(node)
    for guard, text, worst in _failing(spec, values, node):
        if guard.kind != "kink" and (worst < 0 or guard.kind != "nonnegative"):
            facts = {"node": _written(spec, node), "op": spec.graph.ops[node].name}
            return Diagnostic("outside-domain", span, {**facts, **_need(guard, text, worst)})
    value = values[node]
    found = number(float(value[~np.isfinite(value)].flat[0] if np.ndim(value) else value))
    return Diagnostic("not-finite", span, {"node": _written(spec, node), "value": found}, "stable-op")


def gradient_warnings(spec: Spec, ledger: Ledger, values: Mapping[int, Array]) -> Iterator[Diagnostic]:
    """Warnings for edges where the local derivative, or failing that the contribution, is not finite."""
    said = set()
    for edge in ledger.edges:
        node = edge.consumer
        numbers = [edge.contribution] if edge.local is None else [edge.contribution, edge.local]
        if node in said or all(np.isfinite(values[number]).all() for number in numbers):
            continue
        if not np.isfinite(values[edge.upstream]).all():
            continue  # reported where it began
        said.add(node)
        failing = next(iter(_failing(spec, values, node)), None)
        facts = {"node": _written(spec, node), "op": spec.graph.ops[node].name}
        if failing is None:
            yield Diagnostic("infinite-gradient", spec.origins.get(node), facts, severity="warning")
        else:
            facts |= _need(*failing, strict=True)
            yield Diagnostic("no-derivative", spec.origins.get(node), facts, severity="warning")


def overflow_warnings(spec: Spec, ledger: Ledger, values: Mapping[int, Array]) -> Iterator[Diagnostic]:
    """Warnings for nodes where contributions are finite, but their sum is not."""
    finite = dict.fromkeys(ledger.upstream, True)
    for edge in ledger.edges:
        finite[edge.arg] = finite[edge.arg] and bool(np.isfinite(values[edge.contribution]).all())
    for node, upstream in ledger.upstream.items():
        if finite[node] and not np.isfinite(values[upstream]).all():
            facts = {"node": _written(spec, node)}
            yield Diagnostic("infinite-gradient", spec.origins.get(node), facts, severity="warning")


def kink_notes(spec: Spec, ledger: Ledger, values: Mapping[int, Array]) -> Iterator[Diagnostic]:
    """A note for each node of the reverse pass that stands at a kink: guard, and what bpx takes."""
    graph = spec.graph
    consumers = sorted({edge.consumer for edge in ledger.edges})
    guards = [
        (node, guard, graph.lift(guard.of(*graph[node].args)).id)
        for node in consumers
        for guard in _guards(graph, node)
        if guard.kind == "kink"
    ]
    found = run(graph, values, [guard for _, _, guard in guards])
    locals_of: dict[int, list[int]] = {}
    for edge in ledger.edges:
        if edge.local is not None:
            locals_of.setdefault(edge.consumer, []).append(edge.local)
    for node, _, guard_node in guards:
        at = np.broadcast_to(found[guard_node] == 0, graph.shapes[node])
        if at.any():
            taken = [
                number(np.broadcast_to(values[local], at.shape)[at].flat[0], _DIGITS)
                for local in locals_of[node]
            ]
            facts = {
                "node": _written(spec, node),
                "op": graph.ops[node].name,
                "guard": formula(graph, guard_node, spec.names, open_root=False),
                "local": ", ".join(taken),
            }
            yield Diagnostic("at-kink", spec.origins.get(node), facts, severity="note")


def broadcast_warnings(spec: Spec) -> Iterator[Diagnostic]:
    """Warnings where two args were both stretched to fit each other: seldom meant, and silent elsewhere."""
    graph = spec.graph
    for node in range(spec.size):
        shapes = [graph.shapes[arg] for arg in graph.args[node]]
        out = graph.shapes[node]
        if graph.ops[node].elementwise and shapes and out and out not in shapes:
            facts = {
                "node": _written(spec, node),
                "shapes": say("word.and").join(map(shape_text, shapes)),
                "wanted": shape_text(out),
            }
            yield Diagnostic("broadcast-both", spec.origins.get(node), facts, severity="warning")


def _guards(graph: Graph, node: int) -> Iterable[Guard]:
    return graph.ops[node].guards(*graph[node].args)


def _failing(spec: Spec, values: Mapping[int, Array], node: int) -> Iterator[tuple[Guard, str, float]]:
    """The guards of a node that are not satisfied: each with its text and its worst value."""
    graph = spec.graph
    for guard in _guards(graph, node):
        expr = graph.lift(guard.of(*graph[node].args))
        value = np.asarray(run(graph, values, [expr.id])[expr.id])
        worst = float(value.min()) if guard.kind in ("positive", "nonnegative") else float(abs(value).min())
        if worst <= 0:
            text = formula(graph, expr.id, spec.names, open_root=False)
            yield guard, text if expr.number is None else _in_general(graph, node, guard), worst


def _in_general(graph: Graph, node: int, guard: Guard) -> str:
    """The guard in the op's own names: of `x / 0` it is y, not 0, that must not be zero."""
    op, scratch = graph.ops[node], Graph()
    args = [scratch.input() for _ in op.args]
    names = {expr.id: name for expr, name in zip(args, op.args, strict=True)}
    return formula(scratch, guard.of(*args).id, names, open_root=False)


def _need(guard: Guard, text: str, worst: float, strict: bool = False) -> dict[str, str]:
    kind = "strict" if strict and guard.kind == "nonnegative" else guard.kind
    kind = "nonzero" if kind == "kink" else kind
    return {"need": say(f"need.{kind}", guard=text), "guard": text, "value": number(worst, _DIGITS)}


def _written(spec: Spec, node: int) -> str:
    """A node as the reader knows it: `a = log(z)`, or `log(z)` where it has no name of its own."""
    text = formula(spec.graph, node, spec.names)
    name = spec.own_names.get(node)
    if name is None or node in {one.node for one in spec.inputs}:
        return name or text
    return f"{name} = {text}"
