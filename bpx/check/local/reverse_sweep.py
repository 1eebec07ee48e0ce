"""The reverse sweep of the checker: upstream gradients from slopes that are given for each edge.

Which slopes are given decides what comes out: the reference (slopes by differences), what the rules
say, what would be with one rule put right or with one mistake made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from bpx.check.numeric.error_bound import ErrorBound
from bpx.graph.arrays import Array
from bpx.passes.reverse import Edge


class Slope(Protocol):
    """How one arg of one node takes part in the node's value."""

    def pull(self, upstream: ErrorBound) -> ErrorBound:
        """What the node hands back to the arg."""
        ...

    def size(self, upstream: Array) -> Array:
        """The same with every number taken by its absolute value: what rounding is measured against."""
        ...


def sweep(
    edges: Iterable[Edge],
    slopes: Mapping[Edge, Slope],
    seed: Mapping[int, ErrorBound],
    claims: Mapping[int, ErrorBound] | None = None,
) -> dict[int, ErrorBound]:
    """∂output/∂node for every node the edges reach; `edges` come in the order of the reverse pass.

    `seed` holds what arrives at the output. Where a node has a claim, its args get what the claim hands
    on; its own entry still says what its consumers hand back to it.
    """
    arrived = dict(seed)
    claims = claims or {}
    for edge in edges:
        upstream = claims.get(edge.consumer) or arrived.get(edge.consumer)
        if upstream is not None:
            contribution = slopes[edge].pull(upstream)
            known = arrived.get(edge.arg)
            arrived[edge.arg] = contribution if known is None else known.plus(contribution)
    return arrived


def sizes(edges: Iterable[Edge], slopes: Mapping[Edge, Slope], seed: Mapping[int, Array]) -> dict[int, Array]:
    """The sweep of absolute values from `seed`: how large the terms are that each sum is made of."""
    arrived = dict(seed)
    for edge in edges:
        if edge.consumer in arrived:
            contribution = slopes[edge].size(arrived[edge.consumer])
            known = arrived.get(edge.arg)
            arrived[edge.arg] = contribution if known is None else known + contribution
    return arrived
