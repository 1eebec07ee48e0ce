"""Which claims on nodes are wrong by themselves, and which only inherit an error.

A claim is compared with what the claims of its node's consumers hand back to it: one that follows from
them is innocent. What is wrong with the others is looked for at the edges that lead to the node.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bpx.check.blame.corrected_formula import right_gradient
from bpx.check.blame.edge_samples import sample
from bpx.check.blame.error_patterns import (
    CATALOGUE,
    EdgeSample,
    Predict,
    constant_factor,
    counts,
    fits,
    named,
)
from bpx.check.local.reverse_sweep import reverse_sweep
from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.numeric.tolerances import CLAIM_ROUNDING, MOST_NAMED, MOST_SEARCHED, SAFETY_FACTOR, VAGUE
from bpx.check.report.blame import Blame, Mistake
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.check.whole.evaluation import Claimed
from bpx.graph.arrays import Array
from bpx.passes.reverse import Edge


@dataclass(frozen=True)
class _Look:
    """A point, what is wrongly claimed there, and of which nodes the claims are right."""

    checked: CheckedGraph
    claims: Mapping[int, Claimed]
    right: Sequence[int]

    @cached_property
    def expected(self) -> dict[int, ErrorBound]:
        """What arrives at each node when claimed nodes hand on what is claimed of them.

        A claim that is right hands on the reference: its digits add nothing but rounding.
        """
        shapes = self.checked.graph.shapes
        given = {
            node: ErrorBound(
                np.broadcast_to(one.value, shapes[node]),
                np.zeros(shapes[node]),
                np.broadcast_to(one.tolerance, shapes[node]),
            )
            for node, one in self.claims.items()
        }
        given |= {node: self.checked.reference[node] for node in self.right if node in self.checked.reference}
        nothing = {node: ErrorBound.exactly(np.zeros(shapes[node])) for node in self.claims}
        return nothing | reverse_sweep(
            self.checked.ledger.edges, self.checked.trusted, self.checked.seed, given
        )

    def follows(self, node: int) -> bool:
        """Is what is claimed of the node what the claims on its consumers hand back to it?"""
        claimed, (value, error, spread) = self.claims[node], self.expected[node]
        if not np.isfinite(claimed.value).all():
            return False
        tolerance = claimed.tolerance + SAFETY_FACTOR * error + spread
        size = np.maximum(np.abs(claimed.value), np.abs(value))
        return bool((np.abs(claimed.value - value) <= tolerance + CLAIM_ROUNDING * size).all())

    def sample(self, edge: Edge) -> EdgeSample:
        """The edge, with what is claimed to arrive at its consumer, or else what follows from the claims."""
        arriving = self.claims.get(edge.consumer) or self.expected[edge.consumer]
        if edge.consumer in self.right:
            arriving = self.checked.reference[edge.consumer]
        upstream = np.broadcast_to(arriving.value, self.checked.graph.shapes[edge.consumer])
        return sample(self.checked, edge, self.checked.values, upstream, self.checked.trusted[edge])


def blamed_claims(
    points: Sequence[CheckedGraph], claims: Sequence[Mapping[int, Claimed]], wrong: Sequence[int]
) -> tuple[list[Blame], list[str]]:
    """The claims that are wrong by themselves, and the names of those that only inherit an error.

    `claims` holds, for each point, what is claimed of which node; `wrong` are the nodes whose claim
    disagrees with the reference at the first point.
    """
    right = [node for node in claims[0] if node not in wrong]
    looks = [
        _Look(checked, {node: claim[node] for node in wrong if node in claim}, right)
        for checked, claim in zip(points, claims, strict=True)
    ]
    innocent = [node for node in sorted(wrong, reverse=True) if looks[0].follows(node)]
    if len(innocent) == len(wrong):
        innocent = []  # each follows from the others: they are wrong together
    culprits = [node for node in sorted(wrong, reverse=True) if node not in innocent]
    blamed = [_blamed_claim([look for look in looks if node in look.claims], node) for node in culprits]
    return blamed, [points[0].name(node) for node in innocent]


def _blamed_claim(looks: Sequence[_Look], node: int) -> Blame:
    checked = looks[0].checked
    placed = [*_at_consumers(looks, node)]
    if _is_vague(looks, node):  # so few digits fit much
        placed = [one for one in placed if one[0] is None]
    elif not placed:
        placed = [*_further_up(looks, node)]
    edges = [edge for edge in checked.ledger.edges if edge.arg == node]
    # Where several edges could have gone wrong so, none of them is named.
    suspects = {edge.consumer for edge, _ in placed if edge} or {edge.consumer for edge in edges}
    consumer = suspects.pop() if len(suspects) == 1 else None
    claim = checked.query.spec.claims.get(checked.name(node))
    return Blame(
        checked.name(node),
        ", ".join(_consumers(checked, edges)) if consumer is None else checked.graph.ops[consumer].name,
        None if consumer is None else checked.name(consumer),
        claim.span if claim else None,
        tuple(dict.fromkeys(_placed(checked, node, edges, *one) for one in placed))[:MOST_NAMED],
        right_gradient(checked, node, edges),
        claim=True,
    )


def _is_vague(looks: Sequence[_Look], node: int) -> bool:
    claims = [look.claims[node] for look in looks]
    return any(np.any(one.tolerance > VAGUE * np.abs(one.value)) for one in claims)


def _placed(
    checked: CheckedGraph, node: int, edges: Sequence[Edge], edge: Edge | None, mistake: Mistake
) -> Mistake:
    """The mistake, with the path it was made on where there are others, or where that begins further up."""
    if edge is None or (edge.arg == node and len(edges) == 1):
        return mistake
    return mistake.on(checked.name(edge.consumer))


def _consumers(checked: CheckedGraph, edges: Sequence[Edge]) -> list[str]:
    return list(dict.fromkeys(checked.graph.ops[edge.consumer].name for edge in edges))


_Placed = Iterator[tuple[Edge | None, Mistake]]


def _at_consumers(looks: Sequence[_Look], node: int) -> _Placed:
    """The mistakes that give the claim, made at one of the node's consumers or with their sum."""
    claims = [look.claims[node] for look in looks]
    right = [look.expected[node].value for look in looks]
    lengths = counts(looks[0].checked.graph.shapes[one] for one in looks[0].checked.forward)
    tolerance = [claim.tolerance for claim in claims]
    whole = constant_factor(right, [claim.value for claim in claims], lengths, tolerance)
    if whole and whole.code != "factor":
        yield None, whole
    for edge in (edge for edge in looks[0].checked.ledger.edges if edge.arg == node):
        samples = [look.sample(edge) for look in looks]
        # What this edge must have handed on, if the others are right.
        handed = [
            claim.value - (total - one.right)
            for claim, total, one in zip(claims, right, samples, strict=True)
        ]
        width = [space + one.rounding for space, one in zip(tolerance, samples, strict=True)]
        for mistake in named(samples, handed, width):
            yield edge, mistake
    if whole and whole.code == "factor":
        yield None, whole
    for name, other in looks[0].checked.query.wrt.items():
        if other != node and all(_is_gradient_of(look, other, node) for look in looks):
            yield None, Mistake.of("other-gradient", other=name)


def _is_gradient_of(look: _Look, other: int, node: int) -> bool:
    gradient, claimed = look.checked.reference.get(other), look.claims[node]
    return gradient is not None and fits(gradient.value, claimed.value, claimed.tolerance)


def _further_up(looks: Sequence[_Look], node: int) -> _Placed:
    """The mistakes that give the claim, made at an edge above the consumers that no claim stands between."""
    for predict in CATALOGUE:
        first, *others = [dict(_made_above(look, node, predict)) for look in looks]
        placed = [
            key
            for key in first
            if all(
                key in tried and fits(tried[key], look.claims[node].value, look.claims[node].tolerance)
                for tried, look in zip((first, *others), looks, strict=True)
            )
        ]
        if placed:
            yield from placed
            return


def _made_above(look: _Look, node: int, predict: Predict) -> Iterator[tuple[tuple[Edge, Mistake], Array]]:
    """What each mistake at each edge above would make of the node's gradient, the nearest edges first."""
    checked, total = look.checked, look.expected[node].value
    above = checked.graph.touched(by=[node], upto=checked.query.output)
    edges = [edge for edge in reversed(checked.ledger.edges) if edge.arg != node and above[edge.arg]]
    shapes, claimed = checked.graph.shapes, [one for one in (*look.claims, *look.right) if one != node]
    still = {one: ErrorBound.exactly(np.zeros(shapes[one])) for one in claimed}
    for edge in [edge for edge in edges if edge.arg not in still][:MOST_SEARCHED]:
        one = look.sample(edge)
        for mistake, wrong in predict(one):
            if fits(wrong, one.right, 0.0):
                continue  # what changes nothing explains nothing
            seed = {edge.arg: ErrorBound.exactly(wrong - one.right)}
            change = reverse_sweep(checked.ledger.edges, checked.trusted, seed, still)
            yield (edge, mistake), total + change[node].value
