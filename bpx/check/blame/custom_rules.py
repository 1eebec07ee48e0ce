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


def check_custom_rules(spec: NamedGraph, detect: float) -> CustomRulesCheck:
    """Check each rule that `spec` states at random points; only what disagrees is reported."""
    check = CustomRulesCheck([], [])
    for name, custom in spec.custom.items():
        checked = _checked_op(spec, name, custom, detect)
        culprits = blamed_rules(checked) if checked else []
        if checked and culprits:
            # There is no whole to prove it by.
            check.blame.extend(culprit._replace(proof=None) for culprit in culprits)
            check.local.extend(_rows(checked, name, custom))
    return check


def _checked_op(spec: NamedGraph, name: str, custom: CustomOp, detect: float) -> CheckedGraph | None:
    """The op on arrays of random args; None where none of them lies in its domain."""
    args = _args(custom)
    if not args[0].size:
        return None
    graph = Graph()
    inputs = tuple(
        Input(arg, graph.input(value.shape).id, value, "data")
        for arg, value in zip(custom.args, args, strict=True)
    )
    out = graph.add(custom.op, *(graph[leaf.node] for leaf in inputs))
    small = NamedGraph(
        None, graph, inputs, {name: out.id}, out.id, len(graph), spec.source, custom=spec.custom
    )
    wrt = {leaf.name: leaf.node for leaf in inputs}
    return CheckedGraph.at(Query(small, out.id, wrt, np.ones(out.shape), detect), small.input_values)


def _args(custom: CustomOp) -> list[Array]:
    rng = np.random.default_rng(0)
    draws = rng.uniform(-CUSTOM_REACH, CUSTOM_REACH, (len(custom.args), CUSTOM_DRAWS))
    graph = Graph()
    placeholders = [graph.input() for _ in custom.args]
    out = graph.add(custom.op, *placeholders)
    guards = [
        (guard.kind, graph.lift(guard.of(*placeholders)).id) for guard in custom.op.guards(*placeholders)
    ]
    input_values = {placeholder.id: draw for placeholder, draw in zip(placeholders, draws, strict=True)}
    values = run(graph, input_values, [out.id, *(node for _, node in guards)])
    inside = np.isfinite(values[out.id])
    for kind, node in guards:
        inside &= (values[node] > 0) if kind in ("positive", "nonnegative") else (values[node] != 0)
    return [draw[inside][:CUSTOM_POINTS] for draw in draws]


def _rows(checked: CheckedGraph, name: str, custom: CustomOp) -> list[LocalRow]:
    rows = []
    for edge, checked_edge in checked.checked_edges.items():
        if checked_edge.verdict is Verdict.DISAGREE:
            arg = custom.args[edge.position]
            at = _where(checked, edge.local, checked_edge.claimed)
            where = ", ".join(f"{arg_name} = {number(value, 6)}" for arg_name, value in at.items())
            reason = Reason("rule-at", {"where": where})
            numbers = (checked_edge.claimed, checked_edge.reference, checked_edge.shown_bar)
            rows.append(LocalRow(name, custom.op.name, arg, *numbers, checked_edge.verdict, reason))
    return rows


def _where(checked: CheckedGraph, local: int | None, claimed: float) -> dict[str, float]:
    """The args at which the rule gives what is claimed."""
    assert local is not None
    local_derivatives = np.broadcast_to(checked.all_values[local], (checked.query.seed.size,))
    # A rule may be nan somewhere, as 2*exp(log(x)) is for a negative x: that is where it is wrong, then.
    same = np.isnan(local_derivatives) if np.isnan(claimed) else local_derivatives == claimed
    gap = np.nan_to_num(np.abs(local_derivatives - claimed), nan=np.inf)
    column = int(np.where(same, -1.0, gap).argmin())
    return {leaf.name: float(leaf.value[column]) for leaf in checked.query.spec.inputs}
