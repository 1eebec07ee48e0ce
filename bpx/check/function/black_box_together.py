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

from typing import NamedTuple

import numpy as np

from bpx.check.function.black_box_rows import BlackBoxRows, random_steps, slanting
from bpx.check.function.black_box_slopes import BlackBoxSlopes
from bpx.check.numeric.differences import DerivativeStatus
from bpx.check.numeric.tolerances import (
    CLEAR_MISS,
    DECODED_ROWS,
    DECODING_DIRECTIONS,
    DIRECTIONS,
    FEW_TOGETHER,
    FEWEST_DECODING_DIRECTIONS,
    FIRST_STEP,
    HIDDEN_CHANCE,
    ISOLATION_STEPS,
    MOST_LOOKS,
    MOST_PARTS,
    MOST_SUSPECTS,
    NEGLIGIBLE,
    SAFETY_FACTOR,
    SMALLEST_DIRECTION,
    SMALLEST_FLOAT,
    STEP_RATIO,
    UNIT_ROUNDOFF,
)
from bpx.check.report.entry import Verdict
from bpx.graph.arrays import Array, Flags, Indices


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


# --- few wrong ones among many ------------------------------------------------------------------


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
    """The search for wrong claims (R, N) among coordinates that move in proportion to `scale` (N,).

    What the claims on some coordinates miss the slopes in random directions by says which of them it is, if
    but one is wrong: then miss / d_j is its error, the same in all directions d. Each direction leaves of N
    candidates those few whose quotients agree with the ones before. Where none is left, several are wrong:
    the coordinates are halved, and what one half misses is what both do without the other.

    What is found is no verdict: the slopes are taken by two central differences and no ladder, so that
    rounding and curvature may mislead. Every coordinate that is named here is looked at by itself, and every
    other one together with the rest again.
    """

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
