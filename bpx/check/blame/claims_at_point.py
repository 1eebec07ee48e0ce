"""A point and what is claimed there: what follows from the claims, and what a mistake started from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bpx.check.blame.edge_samples import sample
from bpx.check.local.reverse_sweep import reverse_sweep
from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.numeric.tolerances import CLAIM_ROUNDING, SAFETY_FACTOR
from bpx.check.patterns.error_patterns import EdgeSample
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.check.whole.evaluation import Claimed
from bpx.passes.reverse import Edge


@dataclass(frozen=True)
class ClaimsAtPoint:
    """A point, what is wrongly claimed there, and of which nodes the claims are right.

    Of the nodes `unclaimed` nobody wrote a claim; other claims show what they take the gradient for.
    """

    checked: CheckedGraph
    claims: Mapping[int, Claimed]
    right: Sequence[int]
    unclaimed: tuple[int, ...] = ()

    def as_if_only(self, node: int) -> ClaimsAtPoint:
        """The same with one claim, as if all others were right."""
        others = [one for one in self.claims if one != node]
        return ClaimsAtPoint(self.checked, {node: self.claims[node]}, [*self.right, *others])

    @property
    def claimed_alone(self) -> ClaimsAtPoint:
        """The same with nothing but what somebody wrote."""
        claims = {node: claim for node, claim in self.claims.items() if node not in self.unclaimed}
        return ClaimsAtPoint(self.checked, claims, self.right)

    @cached_property
    def expected(self) -> dict[int, ErrorBound]:
        """What arrives at each node when claimed nodes hand on what is claimed of them.

        A claim that is right hands on the reference: its digits add nothing but rounding.
        """
        reference = self.checked.reference
        right = {node: reference[node] for node in self.right if node in reference}
        return self.arriving(self.claim_bounds | right)

    @cached_property
    def claim_bounds(self) -> dict[int, ErrorBound]:
        """The wrong claims, with how far their digits let them be off."""
        shapes = self.checked.graph.shapes
        return {
            node: ErrorBound(
                np.broadcast_to(claim.value, shapes[node]),
                np.zeros(shapes[node]),
                np.broadcast_to(claim.tolerance, shapes[node]),
            )
            for node, claim in self.claims.items()
        }

    def arriving(self, claims: Mapping[int, ErrorBound]) -> dict[int, ErrorBound]:
        """What arrives at each node where claimed nodes hand on `claims`."""
        shapes = self.checked.graph.shapes
        nothing = {node: ErrorBound.exact(np.zeros(shapes[node])) for node in self.claims}
        return nothing | reverse_sweep(
            self.checked.ledger.edges, self.checked.trusted, self.checked.seed, claims
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
