"""Which few of many claims on a black box are wrong, in a few dozen calls of forward for each of them.

What the claims on some coordinates miss the slopes in random directions by says which of them it is, if but
one is wrong: then miss / d_j is its error, the same in all directions d. Each direction leaves of N
candidates those few whose quotients agree with the ones before. Where none is left, several are wrong: the
coordinates are halved, and what one half misses is what both do without the other.

What is found is no verdict: the slopes are taken by two central differences and no ladder, so that rounding
and curvature may mislead. Every coordinate that is named here is looked at by itself, and every other one
together with the rest again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bpx.check.function.black_box_rows import BlackBoxRows, random_steps, slanting
from bpx.check.numeric.tolerances import (
    CLEAR_MISS,
    DECODED_ROWS,
    DECODING_DIRECTIONS,
    FEWEST_DECODING_DIRECTIONS,
    FIRST_STEP,
    ISOLATION_STEPS,
    MOST_PARTS,
    MOST_SUSPECTS,
    STEP_RATIO,
    UNIT_ROUNDOFF,
)
from bpx.graph.arrays import Array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Indices = NDArray[np.intp]
    Flags = NDArray[np.bool_]


class _Measured(NamedTuple):
    """A direction (N,) and what the claims miss its slopes by, in the rows that are decoded, with a bar."""

    direction: Array
    miss: Array
    bar: Array

    @property
    def is_clear(self) -> bool:
        """Is there something to miss?"""
        return bool((np.abs(self.miss) > CLEAR_MISS * self.bar).any())


class _Part(NamedTuple):
    """Coordinates, some of which are wrong, and what was measured along directions through them alone."""

    coordinates: Indices
    measured: list[_Measured]


class Isolation:
    """The search for wrong claims (R, N) among coordinates that move in proportion to `scale` (N,)."""

    def __init__(self, rows: BlackBoxRows, claimed: Array, scale: Array, rng: np.random.Generator) -> None:
        self.rows, self.claimed, self.scale, self.rng = rows, claimed, scale, rng
        self._step, self._bar = 0.0, np.zeros(0)
        self._decoded: Indices = np.arange(len(claimed))

    @np.errstate(all="ignore")
    def of(self, coordinates: Indices) -> Indices:
        """Those of the coordinates that are likely to be wrong; none if nothing can be told, or most are."""
        whole = self._first(coordinates)
        parts = [whole] if whole.measured[0].is_clear else []
        wrong = [coordinates[:0]]
        while parts:
            # One level at a time: an array that is wrong all over shows in parts that are all wrong.
            if len(parts) > MOST_PARTS:
                return coordinates[:0]
            halves = []
            for part in parts:
                suspects = self._suspects(part)
                if len(suspects):
                    wrong.append(suspects)
                elif len(part.coordinates) > 1:
                    halves += self._halves(part)
            parts = halves
        return np.concatenate(wrong)

    # --- measurements ------------------------------------------------------------------------

    def _first(self, coordinates: Indices) -> _Part:
        """All of them along one direction, by the step that does best there, which is kept from then on."""
        direction = self._direction(coordinates)
        slopes = [self._slope(direction, FIRST_STEP * STEP_RATIO**-k) for k in ISOLATION_STEPS]
        gaps = np.abs(np.diff([slope for slope, _ in slopes], axis=0))
        noise = np.array([rounding for _, rounding in slopes[:-1]])
        bars = np.nan_to_num(gaps + noise, nan=np.inf, posinf=np.inf)
        misses = np.abs([slope - self.claimed @ direction for slope, _ in slopes[:-1]])
        clearness = np.nan_to_num(misses / bars, nan=0.0).max(axis=1)
        best = int(clearness.argmax())
        self._step, self._bar = FIRST_STEP * STEP_RATIO ** -ISOLATION_STEPS[best], bars[best]
        self._decoded = np.argsort(-np.nan_to_num(misses[best] / bars[best]), kind="stable")[:DECODED_ROWS]
        miss = slopes[best][0] - self.claimed @ direction
        return _Part(coordinates, [_Measured(direction, miss[self._decoded], self._bar[self._decoded])])

    def _direction(self, coordinates: Indices) -> Array:
        direction = np.zeros(len(self.scale))
        direction[coordinates] = random_steps(self.rng, self.scale[coordinates])
        return direction

    def _slope(self, direction: Array, step: float) -> tuple[Array, Array]:
        """The slopes (R,) in a direction by two central differences, extrapolated; and their rounding."""
        line = slanting(direction)
        offsets = [step, -step, step / STEP_RATIO, -step / STEP_RATIO]
        values = self.rows.outputs([line.at(self.rows.x, t) for t in offsets])
        large, small = (values[0] - values[1]) / (2 * step), (values[2] - values[3]) / (2 * offsets[2])
        rounding = 4 * self.rows.caller.roundoff * np.abs(values).max(axis=0) / offsets[2]
        rounding = rounding + UNIT_ROUNDOFF * (np.abs(self.claimed) @ np.abs(direction))
        # The error of a central difference falls with the square of the step.
        return small + (small - large) / (STEP_RATIO**2 - 1), rounding

    def _measure(self, direction: Array) -> _Measured:
        slope, _ = self._slope(direction, self._step)
        miss = slope - self.claimed @ direction
        return _Measured(direction, miss[self._decoded], self._bar[self._decoded])

    # --- one wrong claim ---------------------------------------------------------------------

    def _suspects(self, part: _Part) -> Indices:
        """The one of a part that explains what all of it misses, or a few that may; none if none does."""
        low, high = np.full((2, len(self._decoded), len(part.coordinates)), [[[-np.inf]], [[np.inf]]])
        for measured in part.measured:
            low, high = self._narrowed(part, measured, low, high)
        while True:
            fits = (low <= high).all(axis=0)
            count = int(fits.sum())
            enough = len(part.measured) >= (FEWEST_DECODING_DIRECTIONS if count == 1 else DECODING_DIRECTIONS)
            if len(part.coordinates) == 1 or not count or enough:
                return part.coordinates[fits] if count <= MOST_SUSPECTS else part.coordinates[:0]
            part.measured.append(self._measure(self._direction(part.coordinates)))
            low, high = self._narrowed(part, part.measured[-1], low, high)

    def _narrowed(self, part: _Part, measured: _Measured, low: Array, high: Array) -> tuple[Array, Array]:
        """Between what bounds (rows, coordinates) the error of each is, if it alone is wrong."""
        along = measured.direction[part.coordinates]
        ends = [(measured.miss + side * CLEAR_MISS * measured.bar)[:, np.newaxis] / along for side in (-1, 1)]
        return np.maximum(low, np.minimum(*ends)), np.minimum(high, np.maximum(*ends))

    # --- several -----------------------------------------------------------------------------

    def _halves(self, part: _Part) -> list[_Part]:
        """The halves of a part in which something is wrong."""
        own, other = np.array_split(part.coordinates, 2)
        pair = [self._parted(whole, own) for whole in part.measured[:1]]
        one, rest = pair[0]
        if not one.is_clear:
            return [_Part(other, [self._only(whole, other) for whole in part.measured])]
        if not rest.is_clear:
            return [_Part(own, [self._only(whole, own) for whole in part.measured])]
        pair += [self._parted(whole, own) for whole in part.measured[1:]]
        return [_Part(own, [one for one, _ in pair]), _Part(other, [rest for _, rest in pair])]

    def _parted(self, whole: _Measured, own: Indices) -> tuple[_Measured, _Measured]:
        """The same direction through some of the coordinates, which is measured, and through the others."""
        one = self._measure(self._only(whole, own).direction)
        rest = whole.direction - one.direction
        return one, _Measured(rest, whole.miss - one.miss, whole.bar + one.bar)

    def _only(self, whole: _Measured, own: Indices) -> _Measured:
        """The same direction where nothing but these coordinates counts."""
        direction = np.zeros_like(whole.direction)
        direction[own] = whole.direction[own]
        return whole._replace(direction=direction)
