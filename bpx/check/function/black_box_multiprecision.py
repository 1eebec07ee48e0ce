"""What differences leave open of a black box, taken up with numbers of many digits.

A function that NumPy runs on objects runs on these as well. Its claims are then compared as formulas: one
that is right to many digits is right, whatever float64 makes of it at this point.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.check.function.black_box_evaluation import BlackBoxEvaluation
from bpx.check.function.black_box_rows import BlackBoxRows, coordinate
from bpx.check.numeric import multiprecision, multiprecision_slopes
from bpx.check.numeric.tolerances import ALIKE, EXACT_SECONDS, SAFETY_FACTOR, UNIT_ROUNDOFF
from bpx.check.report.entry import Verdict
from bpx.check.report.evidence import Obstacle

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIXTURE = -1  # the row of the random upstream gradient


class BlackBoxMultiprecision:
    """A closer look; `claim_noise(row, at)` is how far rounding moves a claim."""

    def __init__(
        self, rows: BlackBoxRows, evaluation: BlackBoxEvaluation, claim_noise: Callable[[int, int], float]
    ) -> None:
        self.rows, self.evaluation, self.claim_noise = rows, evaluation, claim_noise
        self._formulas: dict[tuple[int, int], Any] = {}

    def look(self) -> None:
        """Take up what is unclear, the worst first, as long as there is time."""
        unclear = self.evaluation.unclear
        open_ = np.flatnonzero(unclear.any(axis=0))
        if not len(open_) or not multiprecision.available() or not self._runs():
            return
        deadline = time.perf_counter() + EXACT_SECONDS
        for at in open_[np.argsort(self.evaluation.verdicts[:, open_].min(axis=0), kind="stable")].tolist():
            if time.perf_counter() < deadline:
                self._add_slopes(at, np.flatnonzero(unclear[:, at]))

    def _runs(self) -> bool:
        """Whether forward runs on such numbers, with the same outcome but for rounding."""
        output = self.rows.output
        try:
            value = multiprecision.rounded(
                self.rows.caller.in_multiprecision(self.rows.values(self._lifted()))
            )
        except Exception:  # whatever it is that a stranger's function does not like about them
            return False
        tolerance = ALIKE * np.maximum(
            1.0, np.abs(output)
        )  # of a function that cancels float64 leaves little
        return value.shape == output.shape and bool((np.abs(value - output) <= tolerance).all())

    def _lifted(self) -> Any:
        return multiprecision.lifted(self.rows.x)

    def _add_slopes(self, at: int, rows: NDArray[np.intp]) -> None:
        line, x = coordinate(self.rows.x, at), self._lifted()
        slopes = multiprecision_slopes.slopes(
            lambda t: self.rows.output_in_multiprecision(line.at(x, t)), line.start
        )
        for row in rows.tolist() if slopes else []:
            self._add(row, at, slopes[row])  # type: ignore[index]
        if slopes and self.rows.one_hot:
            column = self.evaluation.judgement(self.evaluation.all_rows([at]).ravel())
            if (column.verdicts == Verdict.AGREE).all():
                self._add_mixture(at, slopes)

    def _add(self, row: int, at: int, slope: multiprecision_slopes.MultiprecisionSlope) -> None:
        evaluation, flat = self.evaluation, self.evaluation.at([row], at)
        if slope.edge:
            evaluation.evidence.put(flat, obstacle=Obstacle.STEEP)
        elif slope.kink:
            evaluation.add_kinks(flat, slope.left, slope.right, 0.0)
        else:
            self._add_slope(row, at, slope)

    def _add_slope(self, row: int, at: int, slope: multiprecision_slopes.MultiprecisionSlope) -> None:
        """The slope, and where numbers do not agree the formula; what was known, where that says more."""
        evaluation, flat = self.evaluation, self.evaluation.at([row], at)
        evidence, before = evaluation.evidence, evaluation.evidence.part(flat)
        agreed = self._is(flat, Verdict.AGREE) and not np.any(before.flat)
        hidden = SAFETY_FACTOR * float(before.error[0]) if np.any(before.flat) else 0.0
        error, noise = slope.error + UNIT_ROUNDOFF * abs(slope.value), max(self.claim_noise(row, at), hidden)
        evidence.replace(flat, slope.value, error, claim_noise=noise, flat=slope.value == 0)
        formula = None if self._is(flat, Verdict.AGREE) else self._formula(row, at, slope.digits)
        if formula is not None:
            gap, error = _relative([slope], [1.0], formula)
            evidence.put(flat, formula_gap=gap, formula_error=error)
        if agreed and self._is(flat, Verdict.CANNOT_TELL):
            evidence.restore(flat, before)

    def _is(self, flat: NDArray[np.intp], wanted: Verdict) -> bool:
        return bool(self.evaluation.judgement(flat).verdicts[0] == wanted)

    def _add_mixture(self, at: int, slopes: list[multiprecision_slopes.MultiprecisionSlope]) -> None:
        """The claim for the random upstream gradient; entries whose digits are lost show it here alone."""
        formula = self._formula(MIXTURE, at, max(slope.digits for slope in slopes))
        bent = any(slope.edge or slope.kink for slope in slopes)
        if formula is not None and not bent:
            gap, error = _relative(slopes, self.rows.mixture.tolist(), formula)
            flat = self.evaluation.at(0, at)
            self.evaluation.evidence.put(flat, mixture_gap=gap, mixture_error=error)

    def _formula(self, row: int, at: int, digits: int) -> Any:
        """The claim of a row by a coordinate in so many digits; None where it is not known in so many."""
        if (row, digits) not in self._formulas:
            upstream = self.rows.mixture if row == MIXTURE else self.rows.upstreams[row]
            with multiprecision.precision(digits):
                self._formulas[row, digits] = self.rows.claim_in_multiprecision(upstream, self._lifted())
        claims = self._formulas[row, digits]
        finite = claims is not None and np.isfinite(multiprecision.rounded(claims[at]))
        return multiprecision.Multiprecision(0) + claims[at] if finite else None


def _relative(
    slopes: Sequence[multiprecision_slopes.MultiprecisionSlope], weights: Sequence[float], claimed: Any
) -> tuple[float, float]:
    """How far a claim is from the sum of weighted slopes, and their error, in units of the largest part."""
    parts = [slope.exact * weight for slope, weight in zip(slopes, weights, strict=True)]
    error = sum(slope.error * abs(weight) for slope, weight in zip(slopes, weights, strict=True))
    size, gap = max(abs(claimed), *map(abs, parts)), abs(sum(parts[1:], parts[0]) - claimed)
    if not float(size.number):  # where floats end, all is 0
        return 0.0, 0.0
    return float((gap / size).number), float((error / size).number)
