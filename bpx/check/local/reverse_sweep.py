"""The reverse sweep of the checker: upstream gradients from Jacobians that are given for each edge.

The same accumulation as in `bpx.passes.reverse` (Griewank and Walther, Evaluating Derivatives, 2nd ed., SIAM
2008, chapter 3), on numbers with error bounds. Which Jacobians are given decides what comes out: the
reference (Jacobians by differences), what the rules say, what would be with one rule put right or with one
mistake made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np

from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.numeric.tolerances import ERROR_SAMPLES
from bpx.graph.arrays import Array
from bpx.passes.reverse import Edge


class Jacobian(Protocol):
    """The derivative of a node's value by one of its args, as a linear map; never a matrix if need not be."""

    def pull(self, upstream: ErrorBound) -> ErrorBound:
        """Jᵀ · upstream, the contribution: `upstream` has the node's shape, the result the arg's."""
        ...

    def magnitude(self, upstream: Array) -> Array:
        """|J|ᵀ · upstream, of the same shapes: how large the terms are that a contribution is the sum of.

        `upstream` is not negative. Rounding is measured against this, as the terms may cancel.
        """
        ...


def reverse_sweep(
    edges: Iterable[Edge],
    jacobians: Mapping[Edge, Jacobian],
    seed: Mapping[int, ErrorBound],
    claims: Mapping[int, ErrorBound] | None = None,
) -> dict[int, ErrorBound]:
    """∂output/∂node for every node the edges reach; `edges` come in the order of the reverse pass.

    `seed` holds the gradient of the output, by node. Where a node has a claim, its args are computed from the
    claim; its own entry is still the sum of what its consumers contribute. So every claim is compared with
    what the claims above it imply, and one wrong claim does not make those below it wrong.
    """
    gradients = dict(seed)
    claims = claims or {}
    # All edges to a node come before those from it: every sum is complete when it is used.
    for edge in edges:
        upstream = claims.get(edge.consumer) or gradients.get(edge.consumer)
        # Nothing is known upstream of a seed at an inner node: those edges are left out.
        if upstream is not None:
            contribution = jacobians[edge].pull(upstream)
            sum_so_far = gradients.get(edge.arg)
            gradients[edge.arg] = contribution if sum_so_far is None else sum_so_far.plus(contribution)
    return gradients


def with_sampled_errors(
    edges: Sequence[Edge], jacobians: Mapping[Edge, Jacobian], reference: Mapping[int, ErrorBound]
) -> dict[int, ErrorBound]:
    """The gradients of `reference` with how far they move when every contribution moves within its error bar.

    Nowhere is an error larger than before. Bounds that are worst for every sign at once grow with each layer
    of a deep graph, by the sum of the absolute values of a row where the errors themselves grow by its norm.
    Here errors are drawn, all anew in each sample (Parker, Monte Carlo Arithmetic, UCLA CSD-970002, 1997).
    """
    args = {edge.arg for edge in edges}
    seed = {node: bound.value for node, bound in reference.items() if node not in args}
    furthest = {node: np.zeros(np.shape(bound.value)) for node, bound in reference.items()}
    for sample in range(ERROR_SAMPLES):
        rng = np.random.default_rng(sample)
        moved = dict(seed)
        for edge in edges:
            if edge.consumer in moved:
                value, error, _ = jacobians[edge].pull(ErrorBound.exact(moved[edge.consumer]))
                value = value + error * rng.uniform(-1.0, 1.0, np.shape(value))
                moved[edge.arg] = value + moved.get(edge.arg, 0.0)
        for node, value in moved.items():
            gap = np.abs(value - reference[node].value)
            furthest[node] = np.maximum(furthest[node], np.nan_to_num(gap, nan=np.inf))  # no bound: inf − inf
    return {
        node: bound._replace(error=np.fmin(bound.error, furthest[node])) for node, bound in reference.items()
    }


def magnitudes(
    edges: Iterable[Edge], jacobians: Mapping[Edge, Jacobian], seed: Mapping[int, Array]
) -> dict[int, Array]:
    """The sweep of absolute values from `seed`: how large the terms are that each gradient is the sum of.

    A gradient far smaller than this has cancelled, and has lost as many of its digits.
    """
    # Errors are not needed for this: it is itself only a scale to measure errors by.
    sums = dict(seed)
    for edge in edges:
        if edge.consumer in sums:
            contribution = jacobians[edge].magnitude(sums[edge.consumer])
            sum_so_far = sums.get(edge.arg)
            sums[edge.arg] = contribution if sum_so_far is None else sum_so_far + contribution
    return sums
