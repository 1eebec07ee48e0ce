"""Many entries of a black box at once: random directions certify all that they lead through.

If the claims on coordinates j were wrong by e_j, they would miss the slope in a direction d by the sum of
all e_j d_j. Each d_j is drawn from ± [½, 2] of a scale s_j: no error is lost on the way, and errors do not
cancel but by chance. As the density of d_j is at most 1 / (3 s_j), the chance that all errors together come
to less than m is at most 2 m / (3 |e_j| s_j), whichever j that is, and whatever the other errors are. That
they come to less than m in each of K directions, drawn one by one, has the K-th power of that for a chance.
With m the largest of what the claims miss the K slopes by, bars included, an error of more than
⅔ m chance^(-1/K) / s_j is hidden with at most this chance. (The largest, and not the mean: m is known only
after the directions are drawn, and an error that cancels in some of them alone would lower a mean.)

Coordinates are looked at in strata, so that none drowns in others: each input by itself, those whose claims
are all 0 apart from others, and what proves too small beside the rest of its stratum in one of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bpx.check.function.black_box_rows import random_steps, slanting
from bpx.check.function.black_box_slopes import BlackBoxSlopes
from bpx.check.function.isolation import Isolation
from bpx.check.numeric.differences import DerivativeStatus
from bpx.check.numeric.tolerances import (
    DIRECTIONS,
    FEW_TOGETHER,
    HIDDEN_CHANCE,
    MOST_LOOKS,
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
    Flags = NDArray[np.bool_]


class _Along(NamedTuple):
    """What one direction shows: do all rows (R,) agree, how far may they be off, and are they flat?"""

    agrees: bool
    miss: Array
    flat: Flags


class _Stratum(NamedTuple):
    """Coordinates that are looked at together, by these scales (N,), after so many looks at them before."""

    coordinates: Indices
    scale: Array
    looks: int = 0

    def of(self, coordinates: Indices, scale: Array | None = None) -> _Stratum:
        """Some of them, by other scales perhaps, for the next look."""
        return _Stratum(coordinates, self.scale if scale is None else scale, self.looks + 1)


class BlackBoxTogether:
    """Certifies what it can of coordinates within so many calls of forward."""

    def __init__(self, slopes: BlackBoxSlopes, most_calls: int) -> None:
        self.slopes, self.rows, self.evaluation = slopes, slopes.rows, slopes.evaluation
        self.most_calls = most_calls
        self.scale = self._scales()
        # Where entries are small beside others, larger moves tell more: as large as those one by one.
        self.wide = np.maximum(self.scale, 1.0)

    def certify(self, coordinates: Indices) -> tuple[Indices, Indices]:
        """Write down what directions show of these coordinates.

        Those to be looked at one by one: first those that are likely to be wrong, or are few in their
        stratum, then the others.
        """
        strata = [_Stratum(part, self.scale) for part in self._strata(coordinates)]
        first = [stratum.coordinates for stratum in strata if len(stratum.coordinates) <= FEW_TOGETHER]
        rest: list[Indices] = []
        torn: list[_Stratum] = []
        # Every stratum is looked at before the calls go into those that are wrong.
        for stratum in strata:
            if len(stratum.coordinates) > FEW_TOGETHER:
                self._certify_fitting(stratum, torn, rest)
        while torn:
            self._take_apart(torn.pop(), torn, first, rest)
        nothing = coordinates[:0]
        return np.concatenate([nothing, *first]), np.concatenate([nothing, *rest])

    def _strata(self, coordinates: Indices) -> list[Indices]:
        """The coordinates of each input, those of which 0 is claimed apart; the fewest first."""
        owners = self.rows.owners[coordinates]
        zero = (self.evaluation.claimed[:, coordinates] == 0).all(axis=0)
        inputs = dict.fromkeys(owners.tolist())
        parts = [coordinates[(owners == i) & (zero == zeros)] for i in inputs for zeros in (False, True)]
        return sorted((part for part in parts if len(part)), key=len)

    def _certify_fitting(self, stratum: _Stratum, torn: list[_Stratum], rest: list[Indices]) -> None:
        """Certify as much of a stratum as its directions and those of what they leave show.

        Where one of these does not agree, the stratum is `torn`; what they show too little of is the `rest`.
        """
        while len(stratum.coordinates) > FEW_TOGETHER and stratum.looks < MOST_LOOKS:
            if self.rows.caller.calls >= self.most_calls:
                break
            left = self._look(stratum)
            if left is None:
                torn.append(stratum.of(stratum.coordinates))
                return
            # Once few are certified by moves of both sizes, one by one is as cheap.
            if len(stratum.coordinates) - len(left) < 2 * DIRECTIONS and stratum.scale is self.wide:
                stratum = stratum.of(left)
                break
            stratum = stratum.of(left, self.wide)
        rest.append(stratum.coordinates)

    def _take_apart(
        self, stratum: _Stratum, torn: list[_Stratum], first: list[Indices], rest: list[Indices]
    ) -> None:
        """Part the entries that are likely to be wrong from the others of a stratum; halve it else."""
        if len(stratum.coordinates) <= FEW_TOGETHER or self.rows.caller.calls >= self.most_calls:
            rest.append(stratum.coordinates)
            return
        wrong = Isolation(self.rows, self.evaluation.claimed, stratum.scale, self.slopes.rng).of(
            stratum.coordinates
        )
        if len(wrong):
            first.append(wrong)
            others = np.setdiff1d(stratum.coordinates, wrong, assume_unique=True)
            self._certify_fitting(stratum.of(others), torn, rest)
            return
        for half in np.array_split(stratum.coordinates, 2):
            self._certify_fitting(stratum.of(half), torn, rest)

    def _look(self, stratum: _Stratum) -> Indices | None:
        """What is left of these coordinates; None where a direction through all of them does not agree."""
        coordinates, miss = stratum.coordinates, np.zeros(len(self.rows.upstreams))
        claimed = self.evaluation.claimed[:, coordinates]
        flat = claimed == 0
        for _ in range(DIRECTIONS):
            along = self._along(coordinates, stratum.scale)
            if not along.agrees:
                return None
            miss = np.maximum(miss, along.miss)
            flat &= along.flat[:, np.newaxis]
        bar = 2 / 3 * HIDDEN_CHANCE ** (-1 / DIRECTIONS) * miss[:, np.newaxis] / stratum.scale[coordinates]
        size = np.abs(claimed)
        largest = size.max(axis=1, keepdims=True)
        known = (bar <= self.evaluation.detect * size) | (
            (bar <= NEGLIGIBLE * largest) & (size <= NEGLIGIBLE * largest)
        )
        certain = (known | flat).all(axis=0)
        self._put(coordinates[certain], bar[:, certain], flat[:, certain], largest)
        return np.asarray(coordinates[~certain])

    def _put(self, coordinates: Indices, bar: Array, flat: Flags, largest: Array) -> None:
        """Write down that the claims on these coordinates are right, up to the bars (R, coordinates)."""
        self.evaluation.together[coordinates] = True
        self.evaluation.evidence.put(
            self.evaluation.all_rows(coordinates),
            value=self.evaluation.claimed[:, coordinates],
            error=bar / SAFETY_FACTOR,
            flat=flat,
            array_scale=np.broadcast_to(largest, bar.shape),
        )

    def _along(self, coordinates: Indices, scale: Array) -> _Along:
        """One random direction through these coordinates."""
        direction = np.zeros(len(self.rows.x))
        direction[coordinates] = random_steps(self.slopes.rng, scale[coordinates])
        parts = self.evaluation.claimed[:, coordinates] * direction[coordinates]
        claimed = parts.sum(axis=1, keepdims=True)
        estimate = self.rows.estimate([slanting(direction)], claimed)
        # The claims are rounded one by one, and their sum may cancel.
        noise = UNIT_ROUNDOFF * np.abs(parts).sum(axis=1, keepdims=True)
        verdicts = self.slopes.verdicts(claimed, estimate, noise)
        fine = (estimate.status == DerivativeStatus.OK) & (verdicts != Verdict.DISAGREE)
        miss = np.abs(estimate.value - claimed) + estimate.error + noise + SMALLEST_FLOAT
        return _Along(bool(fine.all() and np.isfinite(miss).all()), miss[:, 0], estimate.flat[:, 0])

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
