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
from bpx.check.blame.last_resort import formula_mistakes, scope_of_claim
from bpx.check.local.reverse_sweep import reverse_sweep
from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.numeric.tolerances import CLAIM_ROUNDING, MOST_NAMED, MOST_SEARCHED, SAFETY_FACTOR, VAGUE
from bpx.check.report.blame import Blame, Mistake
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.check.whole.evaluation import Claimed
from bpx.graph.arrays import Array
from bpx.passes.reverse import Edge


@dataclass(frozen=True)
class _ClaimsAtPoint:
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
        claim_bounds = {
            node: ErrorBound(
                np.broadcast_to(claim.value, shapes[node]),
                np.zeros(shapes[node]),
                np.broadcast_to(claim.tolerance, shapes[node]),
            )
            for node, claim in self.claims.items()
        }
        claim_bounds |= {
            node: self.checked.reference[node] for node in self.right if node in self.checked.reference
        }
        nothing = {node: ErrorBound.exact(np.zeros(shapes[node])) for node in self.claims}
        return nothing | reverse_sweep(
            self.checked.ledger.edges, self.checked.trusted, self.checked.seed, claim_bounds
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
    checked_graphs: Sequence[CheckedGraph], claims: Sequence[Mapping[int, Claimed]], wrong: Sequence[int]
) -> tuple[list[Blame], list[str]]:
    """The claims that are wrong by themselves, and the names of those that only inherit an error.

    `claims` holds, for each graph (at a point of its own), what is claimed of which
    node; `wrong` are the nodes whose claim disagrees with the reference in the first graph.
    """
    right = [node for node in claims[0] if node not in wrong]
    points = [
        _ClaimsAtPoint(checked, {node: claim[node] for node in wrong if node in claim}, right)
        for checked, claim in zip(checked_graphs, claims, strict=True)
    ]
    innocent = [node for node in sorted(wrong, reverse=True) if points[0].follows(node)]
    if len(innocent) == len(wrong):
        innocent = []  # each follows from the others: they are wrong together
    culprits = [node for node in sorted(wrong, reverse=True) if node not in innocent]
    blamed = [_blamed_claim([point for point in points if node in point.claims], node) for node in culprits]
    return blamed, [checked_graphs[0].name(node) for node in innocent]


def _blamed_claim(points: Sequence[_ClaimsAtPoint], node: int) -> Blame:
    checked = points[0].checked
    placed = [*_at_consumers(points, node)]
    if _is_vague(points, node):  # so few digits fit much
        placed = [(edge, mistake) for edge, mistake in placed if edge is None]
    elif not placed:
        placed = [*_further_up(points, node)] or [(None, mistake) for mistake in _formulas(points, node)]
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
        tuple(dict.fromkeys(_placed(checked, node, edges, edge, mistake) for edge, mistake in placed))[
            :MOST_NAMED
        ],
        right_gradient(checked, node, edges),
        claim=True,
    )


def _is_vague(points: Sequence[_ClaimsAtPoint], node: int) -> bool:
    claims = [point.claims[node] for point in points]
    return any(np.any(claim.tolerance > VAGUE * np.abs(claim.value)) for claim in claims)


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


def _at_consumers(points: Sequence[_ClaimsAtPoint], node: int) -> _Placed:
    """The mistakes that give the claim, made at one of the node's consumers or with their sum."""
    checked = points[0].checked
    claims = [point.claims[node] for point in points]
    right = [point.expected[node].value for point in points]
    lengths = counts(checked.graph.shapes[forward_node] for forward_node in checked.forward)
    tolerances = [claim.tolerance for claim in claims]
    factor_mistake = constant_factor(right, [claim.value for claim in claims], lengths, tolerances)
    if factor_mistake and factor_mistake.code != "factor":
        yield None, factor_mistake
    for edge in (edge for edge in checked.ledger.edges if edge.arg == node):
        samples = [point.sample(edge) for point in points]
        # What this edge must have handed on, if the others are right.
        contributions = [
            claim.value - (total - sample.right)
            for claim, total, sample in zip(claims, right, samples, strict=True)
        ]
        widened = [tolerance + sample.rounding for tolerance, sample in zip(tolerances, samples, strict=True)]
        for mistake in named(samples, contributions, widened):
            yield edge, mistake
    if factor_mistake and factor_mistake.code == "factor":
        yield None, factor_mistake
    for name, other in checked.query.wrt.items():
        if other != node and all(_is_gradient_of(point, other, node) for point in points):
            yield None, Mistake.of("other-gradient", other=name)


def _formulas(points: Sequence[_ClaimsAtPoint], node: int) -> tuple[Mistake, ...]:
    """Short formulas that give the claim, in the names in scope."""
    checked = points[0].checked
    claims = [point.claims[node] for point in points]
    stated = checked.query.spec.claims.get(checked.name(node))
    return formula_mistakes(
        scope_of_claim([point.checked for point in points], node),
        [claim.value for claim in claims],
        [point.expected[node].value for point in points],
        [claim.tolerance for claim in claims],
        stated.formula.text if stated and stated.formula else None,
    )


def _is_gradient_of(point: _ClaimsAtPoint, other: int, node: int) -> bool:
    gradient, claimed = point.checked.reference.get(other), point.claims[node]
    return gradient is not None and fits(gradient.value, claimed.value, claimed.tolerance)


def _further_up(points: Sequence[_ClaimsAtPoint], node: int) -> _Placed:
    """The mistakes that give the claim, made at an edge above the consumers that no claim stands between."""
    for predict in CATALOGUE:
        first, *others = [dict(_mistakes_above(point, node, predict)) for point in points]
        placed = [
            key
            for key in first
            if all(
                key in predicted
                and fits(predicted[key], point.claims[node].value, point.claims[node].tolerance)
                for predicted, point in zip((first, *others), points, strict=True)
            )
        ]
        if placed:
            yield from placed
            return


def _mistakes_above(
    point: _ClaimsAtPoint, node: int, predict: Predict
) -> Iterator[tuple[tuple[Edge, Mistake], Array]]:
    """What each mistake at each edge above would make of the node's gradient, the nearest edges first."""
    checked, total = point.checked, point.expected[node].value
    above = checked.graph.touched(by=[node], upto=checked.query.output)
    edges = [edge for edge in reversed(checked.ledger.edges) if edge.arg != node and above[edge.arg]]
    claimed_nodes = [claimed for claimed in (*point.claims, *point.right) if claimed != node]
    unchanged = {
        claimed: ErrorBound.exact(np.zeros(checked.graph.shapes[claimed])) for claimed in claimed_nodes
    }
    for edge in [edge for edge in edges if edge.arg not in unchanged][:MOST_SEARCHED]:
        edge_sample = point.sample(edge)
        for mistake, wrong in predict(edge_sample):
            if fits(wrong, edge_sample.right, 0.0):
                continue  # what changes nothing explains nothing
            seed = {edge.arg: ErrorBound.exact(wrong - edge_sample.right)}
            change = reverse_sweep(checked.ledger.edges, checked.trusted, seed, unchanged)
            yield (edge, mistake), total + change[node].value
