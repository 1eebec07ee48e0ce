"""Rules that a spec states, each alone at random points of its op's domain.

The graph may not come by where a rule is wrong: a mask taken from the wrong side at negative inputs, say.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bpx.check.blame.blame_rules import blamed_rules
from bpx.check.numeric.tolerances import CUSTOM_DRAWS, CUSTOM_POINTS, CUSTOM_REACH
from bpx.check.report.blame import Blame
from bpx.check.report.entry import LocalRow, Reason, Verdict
from bpx.check.whole.checked_graph import CheckedGraph, Query
from bpx.graph.arrays import Array
from bpx.graph.graph import Graph
from bpx.graph.named.named_graph import CustomOp, Input, NamedGraph
from bpx.graph.numbers import number
from bpx.graph.run import run


class CustomRulesCheck(NamedTuple):
    """What the rules gave by themselves: rows for those that are not right, and who is to blame."""

    local: list[LocalRow]
    blame: list[Blame]


def rules_alone(spec: NamedGraph, detect: float) -> CustomRulesCheck:
    """Check each rule that `spec` states at random points; only what disagrees is reported."""
    found = CustomRulesCheck([], [])
    for name, custom in spec.custom.items():
        checked = _point(spec, name, custom, detect)
        blame = blamed_rules(checked) if checked else []
        if checked and blame:
            found.blame.extend(one._replace(proof=None) for one in blame)  # there is no whole to prove it by
            found.local.extend(_rows(checked, name, custom))
    return found


def _point(spec: NamedGraph, name: str, custom: CustomOp, detect: float) -> CheckedGraph | None:
    """The op on arrays of random args; None where none of them lies in its domain."""
    args = _args(custom)
    if not args[0].size:
        return None
    graph = Graph()
    inputs = tuple(
        Input(arg, graph.input(value.shape).id, value, "data")
        for arg, value in zip(custom.args, args, strict=True)
    )
    out = graph.add(custom.op, *(graph[one.node] for one in inputs))
    small = NamedGraph(
        None, graph, inputs, {name: out.id}, out.id, len(graph), spec.source, custom=spec.custom
    )
    wrt = {one.name: one.node for one in inputs}
    return CheckedGraph.at(Query(small, out.id, wrt, np.ones(out.shape), detect), small.input_values)


def _args(custom: CustomOp) -> list[Array]:
    rng = np.random.default_rng(0)
    draws = rng.uniform(-CUSTOM_REACH, CUSTOM_REACH, (len(custom.args), CUSTOM_DRAWS))
    graph = Graph()
    places = [graph.input() for _ in custom.args]
    out = graph.add(custom.op, *places)
    guards = [(one.kind, graph.lift(one.of(*places)).id) for one in custom.op.guards(*places)]
    given = {place.id: draw for place, draw in zip(places, draws, strict=True)}
    values = run(graph, given, [out.id, *(node for _, node in guards)])
    inside = np.isfinite(values[out.id])
    for kind, node in guards:
        inside &= (values[node] > 0) if kind in ("positive", "nonnegative") else (values[node] != 0)
    return [draw[inside][:CUSTOM_POINTS] for draw in draws]


def _rows(checked: CheckedGraph, name: str, custom: CustomOp) -> list[LocalRow]:
    rows = []
    for edge, one in checked.checked_edges.items():
        if one.verdict is Verdict.DISAGREE:
            arg = custom.args[edge.position]
            at = _where(checked, edge.local, one.claimed)
            where = ", ".join(f"{other} = {number(value, 6)}" for other, value in at.items())
            reason = Reason("rule-at", {"where": where})
            numbers = (one.claimed, one.reference, one.error)
            rows.append(LocalRow(name, custom.op.name, arg, *numbers, one.verdict, reason))
    return rows


def _where(checked: CheckedGraph, local: int | None, claimed: float) -> dict[str, float]:
    """The args at which the rule gives what is claimed."""
    assert local is not None
    found = np.broadcast_to(checked.all_values[local], (checked.query.seed.size,))
    column = int(np.nanargmin(np.abs(found - claimed)))
    return {one.name: float(one.value[column]) for one in checked.query.spec.inputs}
