"""What the slopes of both sides say of each other, where no guard tells of kinks.

Convention: arrays (m,), one number for each column of a table; slopes are extrapolated from quotients.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from bpx.check.numeric.ladder import StepTable
from bpx.check.numeric.richardson import Extrapolation, Quotients, extrapolated, select
from bpx.check.numeric.tolerances import (
    BETTER_SIDE_FACTOR,
    ROUNDING_MARGIN,
    SAFETY_FACTOR,
    SAME_GAP,
    SETTLED,
    TAIL_STEPS,
    WELL_KNOWN,
)
from bpx.graph.arrays import Array, Flags


def open_gap(table: StepTable, quantum: Array, scale: Array) -> tuple[Array, Flags]:
    """How far apart (m,) the one-sided slopes may remain, if not next to nothing, and where they are seen to.

    Central quotients of a function that is even around x are 0, whether it has a derivative or not: those of
    x sin(1/x) are, while its one-sided ones never settle. The gap of a smooth function goes to 0 with h.
    """
    # A gap is made of four values, a quotient of two.
    quotients = table.quotients(table.right - table.left, 1, table.above, table.below, quantum=quantum)
    quotients = quotients._replace(rounding=2 * quotients.rounding)
    limit = extrapolated(quotients, scale)
    known = np.where(np.isnan(limit.value), np.inf, np.abs(limit.value) + limit.own_error)
    most = np.fmin(known, _gap_met(quotients))
    stays = _gap_that_stays(quotients)
    return np.where(most > WELL_KNOWN * scale, most, stays), stays > 0


def _gap_met(quotients: Quotients) -> Array:
    """The least that gaps come to (m,) at a few steps in a row, and stay within but for rounding below them.

    So that of |x|^1.5, which follows no polynomial.
    """
    gap, noise = np.abs(quotients.slopes), quotients.rounding / quotients.steps
    in_a_row = sliding_window_view(np.where(np.isnan(gap), np.inf, gap + noise), TAIL_STEPS, axis=0).max(
        axis=-1
    )
    below = np.nan_to_num(gap - ROUNDING_MARGIN * noise, nan=np.inf)
    below = np.maximum.accumulate(below[::-1], axis=0)[::-1][: len(in_a_row)]
    return np.asarray(np.maximum(in_a_row, below).min(axis=0))


def _gap_that_stays(quotients: Quotients) -> Array:
    """The gap (m,) at the smallest steps at which it is seen, if it does not close down to there; else 0.

    That of a kink a little way off is gone at smaller steps; one that rounding makes grows as they shrink.
    """
    gap, noise = np.abs(quotients.slopes), ROUNDING_MARGIN * quotients.rounding / quotients.steps
    row = sliding_window_view(np.nan_to_num(gap), TAIL_STEPS, axis=0).max(axis=-1)
    seen = row > noise[TAIL_STEPS - 1 :]
    last = len(row) - 1 - seen[::-1].argmax(axis=0)
    column = np.arange(row.shape[1])
    stays, before = row[last, column], row[np.maximum(last - TAIL_STEPS, 0), column]
    # Steps below at which a gap as large would be seen.
    below = np.arange(len(gap))[:, np.newaxis] >= last + TAIL_STEPS
    closed = (below & (noise < stays)).sum(axis=0) >= TAIL_STEPS
    same = (stays > SAME_GAP[0] * before) & (stays < SAME_GAP[1] * before)
    return np.where(seen.any(axis=0) & same & ~closed & (last >= TAIL_STEPS), stays, 0.0)


def _differ(first: Extrapolation, second: Extrapolation) -> Flags:
    """Whether two slopes (m,) differ by more than their errors."""
    gap, error = np.abs(first.value - second.value), first.own_error + second.own_error
    size = np.maximum(np.abs(first.value), np.abs(second.value))
    return np.asarray((gap > SAFETY_FACTOR * error) & (gap > SETTLED * size))


def sides_differ(right: Extrapolation, left: Extrapolation) -> Flags:
    """Whether the one-sided slopes differ, both of them being well known."""
    size = np.maximum(np.abs(right.value), np.abs(left.value))
    well_known = right.own_error + left.own_error <= WELL_KNOWN * size
    return np.asarray(_differ(right, left) & well_known)


def strides_over_kink(central: Extrapolation, side: Extrapolation) -> Flags:
    """Whether a well-known slope of one side is not that of both: the central steps stride over a kink."""
    well_known = side.own_error <= WELL_KNOWN * np.abs(side.value)
    return np.asarray(_differ(central, side) & well_known)


def central_or_side(
    central: Extrapolation, right: Extrapolation, left: Extrapolation, blind: bool
) -> Extrapolation:
    """The central estimate, or that of a side where a kink or an edge is close on the other.

    Without guards the other side must be known well enough to show that it has the same slope.
    """
    best = central
    for side, other in ((right, left), (left, right)):
        better = BETTER_SIDE_FACTOR * side.error < best.error
        if blind:
            gap, size = np.abs(side.value - other.value), np.abs(side.value)
            same = gap <= SAFETY_FACTOR * (side.error + other.own_error)
            better &= same & (other.own_error <= WELL_KNOWN * size)
        best = select(better, side, best)
    return best
