"""What differences leave open of a black box, taken up with numbers of many digits.

A function that NumPy runs on objects runs on these as well. Its claims are then compared as formulas: one
that is right to many digits is right, whatever float64 makes of it at this point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from bpx.check.function.black_box_evaluation import BlackBoxEvaluation
from bpx.check.function.black_box_rows import BlackBoxRows, coordinate
from bpx.check.local.elementwise_exact import is_known
from bpx.check.numeric import multiprecision, multiprecision_slopes
from bpx.check.numeric.multiprecision_slopes import MultiprecisionSlope
from bpx.check.numeric.tolerances import ALIKE, SAFETY_FACTOR, UNIT_ROUNDOFF, WITNESSES
from bpx.check.report.entry import Verdict
from bpx.check.report.evidence import Obstacle
from bpx.graph.arrays import Array, Flags, Indices


class BlackBoxMultiprecision:
    """A closer look; `claim_noise(row)` is how far rounding moves the claims of a row (N,)."""

    def __init__(
        self, rows: BlackBoxRows, evaluation: BlackBoxEvaluation, claim_noise: Callable[[int], Array]
    ) -> None:
        self.rows, self.evaluation, self.claim_noise = rows, evaluation, claim_noise
        self._formulas: dict[tuple[int, int], Any] = {}

    def look(self) -> bool:
        """Take up what is unclear, the worst first, as far as the operations reach.

        False where forward does not run on such numbers.
        """
        unclear = self.evaluation.unclear
        open_ = np.flatnonzero(unclear.any(axis=0))
        if not len(open_):
            return True
        unclear[:, open_] &= ~np.array([self._independent(at) for at in open_.tolist()]).T
        open_ = np.flatnonzero(unclear.any(axis=0))
        value = self._value() if len(open_) else None
        if value is not None and self._is_alike(value):
            for at in self._in_order(open_):
                self._add_slopes(at, np.flatnonzero(unclear[:, at]))
        elif value is not None:
            self._distrust_flat(open_)
        return value is not None or not len(open_)

    def _distrust_flat(self, coordinates: Indices) -> None:
        """Where float64 has lost the value itself, as of (x + 1e16) - 1e16, that it is flat says nothing."""
        flat = self.evaluation.all_rows(coordinates).ravel()
        is_flat = np.broadcast_to(self.evaluation.evidence.part(flat).flat, flat.shape)
        self.evaluation.evidence.put(flat[is_flat], obstacle=Obstacle.STRUCTURE)

    def _independent(self, at: int) -> Flags:
        """Which rows (R,) are flat and, even where the coordinate is nan, the same to the last bit.

        Saturation, which many digits tell from a true 0, would not be.
        """
        column = self.evaluation.all_rows([at]).ravel()
        flat = np.broadcast_to(self.evaluation.evidence.part(column).flat, column.shape)
        if not flat.any():
            return np.zeros(len(column), dtype=bool)
        with np.errstate(all="ignore"):
            moved = self.rows.outputs([coordinate(self.rows.x, at).at(self.rows.x, np.nan)])[0]
            return np.asarray(flat & (moved == self.rows.project(self.rows.output)))

    def _in_order(self, open_: Indices) -> Iterator[int]:
        """The open coordinates, the worst first; of many that disagree for each input a few witnesses.

        If many digits bear out the differences of all of these, they need not be asked of the others.
        """
        worst = self.evaluation.verdicts[:, open_].min(axis=0)
        wrong, others = open_[worst == Verdict.DISAGREE], open_[worst != Verdict.DISAGREE]
        for input in set(self.rows.owners[wrong].tolist()):
            own = wrong[self.rows.owners[wrong] == input]
            witnesses = own[np.unique(np.linspace(0, len(own) - 1, WITNESSES).astype(int))]
            yield from witnesses.tolist()
            if (self.evaluation.verdicts[:, witnesses].min(axis=0) != Verdict.DISAGREE).any():
                yield from np.setdiff1d(own, witnesses).tolist()
        order = np.argsort(self.evaluation.verdicts[:, others].min(axis=0, initial=0), kind="stable")
        yield from others[order].tolist()

    def _value(self) -> Array | None:
        """The output for such numbers; None where forward does not run on them."""
        try:
            value = multiprecision.rounded(
                self.rows.caller.in_multiprecision(self.rows.values(self._lifted()))
            )
        except Exception:  # whatever it is that a stranger's function does not like about them
            return None
        return value if value.shape == self.rows.output.shape else None

    def _is_alike(self, value: Array) -> bool:
        """Is it what float64 gives, but for rounding? Of a function that cancels float64 leaves little."""
        tolerance = ALIKE * np.maximum(1.0, np.abs(self.rows.output))
        return bool((np.abs(value - self.rows.output) <= tolerance).all())

    def _lifted(self) -> Any:
        return multiprecision.lifted(self.rows.x)

    def _add_slopes(self, at: int, rows: Indices) -> None:
        """What many digits show of these rows by one coordinate."""
        slopes = self._slopes(at, rows)
        for row, slope in zip(rows.tolist(), slopes, strict=False):
            self._add(row, at, slope)
        if self.evaluation.mixtures and any(slope.value for slope in slopes):  # of zeros there is no mixture
            column = self.evaluation.judgement_on(self.evaluation.all_rows([at]).ravel())
            if (column.verdicts == Verdict.AGREE).all():
                every = np.arange(len(self.rows.upstreams))
                self._add_mixtures(at, slopes if len(rows) == len(every) else self._slopes(at, every))

    def _slopes(self, at: int, rows: Indices) -> list[MultiprecisionSlope]:
        """The slopes of these rows by a coordinate; none where forward does not run on such numbers.

        Of other rows, a 0 would take as many digits as there are.
        """
        line, x = coordinate(self.rows.x, at), self._lifted()
        slopes = multiprecision_slopes.slopes(
            lambda t: self.rows.output_in_multiprecision(line.at(x, t))[rows], line.start
        )
        return slopes or []

    def _add(self, row: int, at: int, slope: MultiprecisionSlope) -> None:
        evaluation, flat = self.evaluation, self.evaluation.at([row], at)
        if slope.edge:
            evaluation.evidence.put(flat, obstacle=Obstacle.STEEP)
        elif slope.kink:
            evaluation.add_kinks(flat, slope.left, slope.right, 0.0)
        else:
            self._add_slope(row, at, slope)

    def _add_slope(self, row: int, at: int, slope: MultiprecisionSlope) -> None:
        """The slope, and where numbers do not agree the formula; what was known, where that says more."""
        evaluation, flat = self.evaluation, self.evaluation.at([row], at)
        evidence, before = evaluation.evidence, evaluation.evidence.part(flat)
        was_flat = bool(np.any(before.flat))
        agreed = self._is(flat, Verdict.AGREE) and not was_flat
        error = slope.error + UNIT_ROUNDOFF * abs(slope.value)
        # A 0 by symmetry alone is none: the slopes of both sides may differ at every step.
        is_zero = slope.value == 0 and is_known(slope)
        evidence.replace(flat, slope.value, error, flat=is_zero, apart=slope.apart, exact=True)
        if self._is(flat, Verdict.DISAGREE):
            # The noise of a row costs calls of backward.
            hidden = SAFETY_FACTOR * float(before.error[0]) if was_flat else 0.0
            evidence.put(flat, claim_noise=max(float(self.claim_noise(row)[at]), hidden))
        if not self._is(flat, Verdict.AGREE):
            self._add_formula(row, at, slope)
        if agreed and self._is(flat, Verdict.CANNOT_TELL):
            evidence.restore(flat, before)

    def _add_formula(self, row: int, at: int, slope: MultiprecisionSlope) -> None:
        """The claim in many digits; where its number is wrong by itself it says nothing that is new."""
        formula, flat = self._formula(row, at, slope.digits), self.evaluation.at([row], at)
        if formula is not None:
            gap, error = _relative([slope], [1.0], formula)
            was_wrong, before = self._is(flat, Verdict.DISAGREE), self.evaluation.evidence.part(flat)
            self.evaluation.evidence.put(flat, formula_gap=gap, formula_error=error)
            if was_wrong and not self._is(flat, Verdict.AGREE):
                self.evaluation.evidence.restore(flat, before)

    def _is(self, flat: Indices, wanted: Verdict) -> bool:
        return bool(self.evaluation.judgement_on(flat).verdicts[0] == wanted)

    def _add_mixtures(self, at: int, slopes: list[MultiprecisionSlope]) -> None:
        """The claims for mixed upstream gradients; entries whose digits are lost show it here alone."""
        if not slopes or any(slope.edge or slope.kink for slope in slopes):
            return
        for i, (weights, mixture) in enumerate(self.evaluation.mixtures):
            formula = self._formula(~i, at, max(slope.digits for slope in slopes))
            if formula is not None:
                gap, error = _relative(slopes, weights.tolist(), formula)
                value = float(weights @ [slope.value for slope in slopes])
                mixture.evidence.put([at], value=value, error=np.inf, formula_gap=gap, formula_error=error)

    def _formula(self, row: int, at: int, digits: int) -> Any:
        """The claim of a row by a coordinate in so many digits; None where it is not known in so many.

        The rows ~0, ~1, … are the mixtures.
        """
        if (row, digits) not in self._formulas:
            upstream = self.rows.upstreams[row] if row >= 0 else self.evaluation.mixtures[~row][0]
            with multiprecision.precision(digits):
                self._formulas[row, digits] = self.rows.claim_in_multiprecision(upstream, self._lifted())
        claims = self._formulas[row, digits]
        finite = claims is not None and np.isfinite(multiprecision.rounded(claims[at]))
        return multiprecision.Multiprecision(0) + claims[at] if finite else None


def _relative(
    slopes: Sequence[MultiprecisionSlope], weights: Sequence[float], claimed: Any
) -> tuple[float, float]:
    """How far a claim is from the sum of weighted slopes, and their error, in units of the largest part."""
    parts = [slope.exact * weight for slope, weight in zip(slopes, weights, strict=True)]
    error = sum(slope.error * abs(weight) for slope, weight in zip(slopes, weights, strict=True))
    size, gap = max(abs(claimed), *map(abs, parts)), abs(sum(parts[1:], parts[0]) - claimed)
    if not size.nearest_float():  # where floats end, all is 0
        return 0.0, 0.0 if all(map(is_known, slopes)) else np.inf
    return (gap / size).nearest_float(), (error / size).nearest_float()
