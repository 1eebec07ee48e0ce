"""The verdict on claimed derivatives, from a reference and its error bar: the only place that decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bpx.check.numeric.tolerances import SAFETY_FACTOR, UNIT_ROUNDOFF
from bpx.check.report.entry import Verdict
from bpx.graph.arrays import Array

if TYPE_CHECKING:
    from numpy.typing import NDArray

SLACK = 1e-2  # of what must be seen: a smaller difference need not be, and is not held against the claim


def decide(
    claimed: Array | float,
    value: Array | float,
    error: Array | float,
    *,
    detect: float = 1e-5,
    slope_scale: Array | float = 0.0,
    claim_noise: Array | float = 0.0,
    flat: NDArray[np.bool_] | bool = False,
) -> NDArray[np.int8]:
    """One `Verdict` for each claim; all arrays broadcast to the claim's shape.

    `error` is the bar of the reference `value`, `SAFETY_FACTOR` times that is taken for certain. `detect` is
    the smallest relative difference that must be seen: where the bar is wider than that, the verdict is
    never `agree`, but for two cases: an exact 0 where f does not change by a bit (`flat`), and a
    claim that is 0 to within a bar narrow in units of `slope_scale`, the slopes met around (a stationary
    point). `claim_noise` is how far the claim moves when its inputs move by a rounding error.
    """
    claimed = np.asarray(claimed, dtype=float)
    with np.errstate(all="ignore"):
        gap = np.abs(claimed - value)
        size = np.maximum(np.abs(claimed), np.abs(value))
        bar = SAFETY_FACTOR * np.asarray(error)
        known = np.isfinite(value) & np.isfinite(bar)
        differs = gap > bar + np.maximum(SLACK * detect, 8 * UNIT_ROUNDOFF) * size
        slips = gap <= 8 * np.asarray(claim_noise) + bar
        stationary = (np.abs(claimed) <= bar) & (bar <= detect * np.asarray(slope_scale))
        certain = (bar <= detect * size) | (flat & (claimed == 0)) | stationary
    wrong = known & ((differs & ~slips) | ~np.isfinite(claimed))
    agree = known & certain & ~differs
    verdict = np.select([wrong, agree], [Verdict.DISAGREE, Verdict.AGREE], Verdict.CANNOT_TELL)
    return np.asarray(verdict, dtype=np.int8)
