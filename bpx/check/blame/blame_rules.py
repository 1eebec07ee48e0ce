"""Which rules are wrong.

A rule is checked alone, so that only a wrong one is named and not what comes after it; it is then
swapped for the slopes by differences and the whole gradient swept again, as proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.check.blame.corrected_formula import right_rule
from bpx.check.blame.edge_samples import SampledEdges, samples
from bpx.check.blame.error_patterns import named
from bpx.check.local.reverse_sweep import reverse_sweep
from bpx.check.report.blame import Blame, Mistake, Proof
from bpx.check.report.entry import Verdict
from bpx.check.report.verdict import decide
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.passes.reverse import Edge

if TYPE_CHECKING:
    from bpx.words.diagnostic import Span


def blamed_rules(point: CheckedGraph) -> list[Blame]:
    """The edges whose rule is wrong; a rule that the spec states is blamed once, however often it is used."""
    culprits = [edge for edge, one in point.checked.items() if one.verdict is Verdict.DISAGREE]
    proof = proof_without(point, culprits) if culprits else None
    rules: dict[Any, Edge] = {}
    for edge in sorted(culprits, key=lambda edge: (edge.consumer, edge.position)):
        op = point.graph.ops[edge.consumer]
        rules.setdefault((op, edge.position) if op.name in point.question.spec.custom else edge, edge)
    return [_blamed_rule(point, edge, proof) for edge in rules.values()]


def _blamed_rule(point: CheckedGraph, edge: Edge, proof: Proof | None) -> Blame:
    spec, graph = point.question.spec, point.graph
    op, node = graph.ops[edge.consumer], edge.consumer
    return Blame(
        point.name(node),
        op.name,
        point.name(edge.arg),
        _rule_span(point, edge) or spec.origins.get(node),
        _mistakes(point, edge),
        right_rule(point, edge),
        proof,
    )


def _mistakes(point: CheckedGraph, edge: Edge) -> tuple[Mistake, ...]:
    """The mistakes that fit near the values met; if they are several, those that fit far from them too."""
    if point.checked[edge].reference_jacobian is None:
        return ()
    near = _named_by(samples(point, edge))
    if len(near) < 2:
        return near
    far = _named_by(samples(point, edge, far=True))
    return tuple(one for one in near if one in far) or near


def _named_by(drawn: Sequence[SampledEdges]) -> tuple[Mistake, ...]:
    looks = [one.sample for one in drawn]
    return named(looks, [one.handed for one in drawn], [one.rounding for one in looks])


def _rule_span(point: CheckedGraph, edge: Edge) -> Span | None:
    """Where the spec states the rule, if it does."""
    op = point.graph.ops[edge.consumer]
    custom = point.question.spec.custom.get(op.name)
    return custom.partial_spans[op.args[edge.position]] if custom else None


def proof_without(point: CheckedGraph, culprits: Sequence[Edge]) -> Proof:
    """What the rules give once those of the culprits are swapped for slopes by differences."""
    swapped = {**point.stated, **{edge: point.trusted[edge] for edge in culprits}}
    found = reverse_sweep(point.ledger.edges, swapped, point.seed)
    agree = total = 0
    for node in point.question.wrt.values():
        if node in point.reference:
            right = point.reference[node]
            verdicts = decide(
                found[node].value,
                right.value,
                right.error + found[node].error,
                detect=point.question.detect,
                slope_scale=point.sizes.get(node, 0.0),
            )
            agree += int(np.sum(verdicts != Verdict.DISAGREE))
            total += verdicts.size
    return Proof(agree, total)
