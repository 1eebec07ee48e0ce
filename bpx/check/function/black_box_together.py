"""Many entries of a black box at once: random directions certify all that they lead through.

If the claims on coordinates j were wrong by e_j, they would miss the slope in a direction d by the sum of
all e_j d_j. Each d_j is drawn from ± [½, 2] of a scale s_j: no error is lost on the way, and errors do not
cancel but by chance. As the density of d_j is at most 1 / (3 s_j), the chance that all errors together come
to less than m is at most 2 m / (3 |e_j| s_j), whichever j that is. With K directions and what the claims
miss each slope by, m_1 … m_K, an error stays hidden in all of them with the chance of the product of these.
Solved for e_j, that is a bar for every entry: ⅔ (m_1 … m_K / chance)^(1/K) / s_j.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bpx.check.function.black_box_rows import slanting
from bpx.check.function.black_box_slopes import BlackBoxSlopes
from bpx.check.numeric.differences import DerivativeStatus
from bpx.check.numeric.tolerances import (
    DIRECTIONS,
    FEW_TOGETHER,
    HIDDEN_CHANCE,
    NEGLIGIBLE,
    SAFETY_FACTOR,
    SMALLEST_DIRECTION,
    SMALLEST_FLOAT,
    UNIT_ROUNDOFF,
)
from bpx.check.report.entry import Verdict
from bpx.graph.arrays import Array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Indices = NDArray[np.intp]


class _Along(NamedTuple):
    """What one direction shows: do all rows (R,) agree, and how far may they be off?"""

    agrees: bool
    miss: Array


class BlackBoxTogether:
    """Certifies what it can of coordinates within so many calls of forward."""

    def __init__(self, slopes: BlackBoxSlopes, most_calls: int) -> None:
        self.slopes, self.rows, self.evaluation = slopes, slopes.rows, slopes.evaluation
        self.most_calls = most_calls
        self.certified = 0
        self.scale = self._scales()

    def certify_each(self, coordinates: Indices) -> Indices:
        """The same for the coordinates of each input by itself: often all claims on one are wrong."""
        owners = self.rows.owners[coordinates]
        inputs = dict.fromkeys(owners.tolist())
        return np.concatenate([self.certify(coordinates[owners == input]) for input in inputs])

    def certify(self, coordinates: Indices) -> Indices:
        """Write down what directions show of these coordinates; those of which they show too little."""
        open_, rest = [coordinates], []
        while open_:
            part = open_.pop()
            if len(part) <= FEW_TOGETHER or self.rows.caller.calls >= self.most_calls:
                rest.append(part)
                continue
            left = self._look(part)
            if left is None:
                open_ += np.array_split(part, 2)[::-1]
            elif len(part) - len(left) < 2 * DIRECTIONS:  # one by one is as cheap
                rest.append(left)
            else:
                open_.append(left)
        return np.concatenate(rest) if rest else coordinates[:0]

    def _look(self, coordinates: Indices) -> Indices | None:
        """What is left of these coordinates; None where a direction through all of them does not agree."""
        log_miss = np.zeros(len(self.rows.upstreams))
        for _ in range(DIRECTIONS):
            along = self._along(coordinates)
            if not along.agrees:
                return None
            log_miss += np.log(along.miss)
        hidden = 2 / 3 * np.exp((log_miss - np.log(HIDDEN_CHANCE)) / DIRECTIONS)
        error = hidden[:, np.newaxis] / SAFETY_FACTOR / self.scale[coordinates]
        claimed = self.evaluation.claimed[:, coordinates]
        size = np.abs(claimed)
        largest = size.max(axis=1, keepdims=True)
        bar = SAFETY_FACTOR * error
        known = (bar <= self.evaluation.detect * size) | (
            (bar <= NEGLIGIBLE * largest) & (size <= NEGLIGIBLE * largest)
        )
        certain = known.all(axis=0)
        at = self.evaluation.all_rows(coordinates[certain])
        self.evaluation.evidence.put(
            at,
            value=claimed[:, certain],
            error=error[:, certain],
            array_scale=np.broadcast_to(largest, claimed.shape)[:, certain],
        )
        self.certified += int(certain.sum())
        return np.asarray(coordinates[~certain])

    def _along(self, coordinates: Indices) -> _Along:
        """One random direction through these coordinates."""
        rng, count = self.slopes.rng, len(coordinates)
        steps = rng.choice([-1.0, 1.0], size=count) * rng.uniform(0.5, 2.0, size=count)
        direction = np.zeros(len(self.rows.x))
        direction[coordinates] = steps * self.scale[coordinates]
        parts = self.evaluation.claimed[:, coordinates] * direction[coordinates]
        claimed = parts.sum(axis=1, keepdims=True)
        estimate = self.rows.estimate([slanting(direction)], claimed)
        # The claims are rounded one by one, and their sum may cancel.
        noise = UNIT_ROUNDOFF * np.abs(parts).sum(axis=1, keepdims=True)
        verdicts = self.slopes.verdicts(claimed, estimate, noise)
        fine = (estimate.status == DerivativeStatus.OK) & (verdicts != Verdict.DISAGREE)
        miss = np.abs(estimate.value - claimed) + estimate.error + noise + SMALLEST_FLOAT
        return _Along(bool(fine.all() and np.isfinite(miss).all()), miss[:, 0])

    def _scales(self) -> Array:
        """By how much each input (N,) moves in a direction: in proportion to it, but none next to nothing.

        An input that is 0 moves as the others of its array do.
        """
        x = np.abs(self.rows.x)
        least = np.ones_like(x)
        for input in set(self.rows.owners.tolist()):
            own = self.rows.owners == input
            nonzero = x[own][x[own] > 0]
            least[own] = SMALLEST_DIRECTION * np.median(nonzero) if len(nonzero) else 1.0
        return np.asarray(np.maximum(x, least))
