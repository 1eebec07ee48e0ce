"""Is a point certainly outside a sum of polytopes?

A generalised gradient at a kink is one: each kinked element adds a convex combination of the slopes of its
sides. The point of the sum nearest to the one asked about is found by Wolfe's algorithm (Finding the nearest
point in a polytope, Mathematical Programming 11, 1976); the plane between both is the proof, whatever became
of the algorithm.

Convention: a polytope is an array (vertices, m) of its vertices.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpx.check.numeric.tolerances import NEAREST_STEPS, NEAREST_WEIGHT, SAME_VERTEX
from bpx.graph.arrays import Array


def inside(point: Array, polytopes: Sequence[Array], tolerance: Array) -> bool:
    """Is `point` (m,) within `tolerance` (m,) of the sum of the `polytopes`? No where that is not known."""
    scaled, scale = _seen_from(point, polytopes, tolerance)
    known = all(np.isfinite(each).all() for each in scaled)
    return known and bool((np.abs(_nearest_to_origin(scaled)) <= tolerance / scale).all())


def outside(point: Array, polytopes: Sequence[Array], tolerance: Array) -> bool:
    """Is `point` (m,) further from the sum of the `polytopes` than `tolerance` (m,) allows?

    Says no where that cannot be proved.
    """
    scaled, scale = _seen_from(point, polytopes, tolerance)
    if not all(np.isfinite(each).all() for each in scaled):
        return False
    normal = _nearest_to_origin(scaled)
    # All of the sum lies beyond the plane through its point that is nearest along the normal.
    distance = sum(float((each @ normal).min()) for each in scaled)
    return distance > float(np.abs(normal) @ (tolerance / scale))


def beyond_lines(claimed: Array, left: Array, right: Array, bar: Array, room: Array) -> bool:
    """Is what is claimed of lines (n,) the slopes of no gradient, though it may be along each axis?

    `left` and `right` (n,) are the slopes against and along each line, within `bar`; `room` is how far off
    the claim may be besides. Sound where the function bends one way along all lines, as a maximum or a
    minimum does: then a claim lies between the slopes of each. Otherwise, or where a slope is nan, says no.
    """
    bend = right - left
    if not ((bend >= -bar).all() or (bend <= bar).all()):
        return False
    low, high = np.minimum(left, right) - bar - room, np.maximum(left, right) + bar + room
    return bool(((claimed < low) | (claimed > high)).any())


@np.errstate(all="ignore")
def _seen_from(point: Array, polytopes: Sequence[Array], tolerance: Array) -> tuple[list[Array], Array]:
    """The polytopes with the point for origin, in units of a scale (m,) in which all is of size 1."""
    size = np.max([np.abs(point), tolerance, *(np.abs(each).max(axis=0) for each in polytopes)], axis=0)
    scale = np.where(size > 0, size, 1.0)
    first, *others = polytopes
    return [(first - point) / scale, *(each / scale for each in others)], scale


def _nearest_to_origin(polytopes: Sequence[Array]) -> Array:
    """About the point of the sum that is nearest to the origin."""
    corral = np.array([sum(each[0] for each in polytopes)])  # vertices of the sum around the point
    weights = np.ones(1)
    for _ in range(NEAREST_STEPS):
        nearest: Array = weights @ corral
        vertex = sum(each[(each @ nearest).argmin()] for each in polytopes)
        # No vertex lies nearer along the way to the origin, or none but one of these, moved by rounding:
        # gradients beside a kink are a vertex each, and all on one side are the same.
        if nearest @ nearest - nearest @ vertex <= np.finfo(float).eps * max(1.0, float(nearest @ nearest)):
            break
        if np.abs(corral - vertex).max(axis=1).min() <= SAME_VERTEX:
            break
        corral, weights = _shrunk(np.vstack([corral, vertex]), np.append(weights, 0.0))
    return np.asarray(weights @ corral)


def _shrunk(corral: Array, weights: Array) -> tuple[Array, Array]:
    """The vertices that the nearest point of their hull rests on, and its weights."""
    while True:
        # The nearest point of the affine hull; weights that are not positive lie outside the hull itself.
        ones = np.ones(len(corral))
        affine = np.linalg.lstsq(corral @ corral.T + 1.0, ones, rcond=None)[0]
        affine = affine / affine.sum()
        leaving = affine <= NEAREST_WEIGHT
        if not leaving.any():
            return corral, affine
        with np.errstate(all="ignore"):
            steps = np.where(leaving, weights / (weights - affine), 1.0)
        step = float(np.nanmin(np.clip(steps, 0.0, 1.0)))
        weights = (1 - step) * weights + step * affine
        kept = weights > NEAREST_WEIGHT
        if kept.all() or not kept.any():
            return corral, np.clip(weights, 0.0, None) / np.clip(weights, 0.0, None).sum()
        corral, weights = corral[kept], weights[kept] / weights[kept].sum()
