"""What differences leave open of a black box, taken up with numbers of many digits.

A function that NumPy runs on objects runs on these as well. Its claims are then compared as formulas: one
that is right to many digits is right, whatever float64 makes of it at this point.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.check.function.black_box_rows import BlackBoxRows, coordinate
from bpx.check.function.findings import BlackBoxVerdicts
from bpx.check.numeric import multiprecision, multiprecision_slopes
from bpx.check.numeric.tolerances import SAFETY_FACTOR, UNIT_ROUNDOFF
from bpx.check.report.entry import Reason, Verdict
from bpx.check.report.verdict import SLACK
from bpx.graph.numbers import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

SECONDS = 5.0  # that may be spent, roughly
RIGHT = 1e-9  # relative: a formula in many digits is right to within this
ALIKE = 1e-5  # relative to 1 or the output: a function gives this much the same in float64
MIXTURE = -1  # the row of the random upstream gradient


class BlackBoxMultiprecision:
    """A closer look; `claim_noise(row, at)` is how far rounding moves a claim."""

    def __init__(
        self, rows: BlackBoxRows, found: BlackBoxVerdicts, claim_noise: Callable[[int, int], float]
    ) -> None:
        self.rows, self.found, self.claim_noise = rows, found, claim_noise
        self._formulas: dict[tuple[int, int], Any] = {}

    def look(self) -> None:
        """Take up what is unclear, the worst first, as long as there is time."""
        unclear = self.found.unclear
        open_ = np.flatnonzero(unclear.any(axis=0))
        if not len(open_) or not multiprecision.available() or not self._runs():
            return
        deadline = time.perf_counter() + SECONDS
        for at in open_[np.argsort(self.found.verdict[:, open_].min(axis=0), kind="stable")].tolist():
            if time.perf_counter() < deadline:
                self._look_at(at, np.flatnonzero(unclear[:, at]))

    def _runs(self) -> bool:
        """Whether forward runs on such numbers, with the same outcome but for rounding."""
        output = self.rows.output
        try:
            found = multiprecision.rounded(self.rows.caller.exactly(self.rows.values(self._lifted())))
        except Exception:  # whatever it is that a stranger's function does not like about them
            return False
        room = ALIKE * np.maximum(1.0, np.abs(output))  # of a function that cancels float64 leaves little
        return found.shape == output.shape and bool((np.abs(found - output) <= room).all())

    def _lifted(self) -> Any:
        return multiprecision.lifted(self.rows.x)

    def _look_at(self, at: int, rows: NDArray[np.intp]) -> None:
        line, x = coordinate(self.rows.x, at), self._lifted()
        slopes = multiprecision_slopes.slopes(lambda t: self.rows.output_exactly(line.at(x, t)), line.start)
        for row in rows.tolist() if slopes else []:
            self._judge(row, at, slopes[row])  # type: ignore[index]
        if slopes and self.rows.one_hot and (self.found.verdict[:, at] == Verdict.AGREE).all():
            self._judge_mixture(at, slopes)

    def _judge(self, row: int, at: int, slope: multiprecision_slopes.MultiprecisionSlope) -> None:
        found = self.found
        if slope.edge:
            found.put(row, at, Verdict.OUTSIDE_DOMAIN, Reason("steep"))
        elif slope.kink:
            found.compare_at_kink(row, at, slope.left, slope.right, 0.0)
        else:
            self._compare(row, at, slope)

    def _compare(self, row: int, at: int, slope: multiprecision_slopes.MultiprecisionSlope) -> None:
        """By the numbers; what they leave open the formula may settle, or what was known before."""
        found = self.found
        before = found.value[row, at], found.error[row, at], found.verdict[row, at]
        hidden = SAFETY_FACTOR * found.error[row, at] if found.flat[row, at] else 0.0
        found.value[row, at], found.error[row, at] = (
            slope.value,
            slope.error + UNIT_ROUNDOFF * abs(slope.value),
        )
        found.compare(row, at, max(self.claim_noise(row, at), hidden), flat=slope.value == 0)
        if found.verdict[row, at] != Verdict.AGREE:
            self._judge_formula(row, at, slope)
        agreed = before[2] == Verdict.AGREE and not found.flat[row, at]
        if found.verdict[row, at] == Verdict.CANNOT_TELL and agreed:
            found.value[row, at], found.error[row, at] = before[:2]
            found.put(row, at, Verdict.AGREE)

    def _judge_formula(self, row: int, at: int, slope: multiprecision_slopes.MultiprecisionSlope) -> None:
        formula = self._formula(row, at, slope.digits)
        if formula is None:
            return
        off, error = _relative([slope], [1.0], formula)
        if off + error <= RIGHT:
            self.found.put(row, at, Verdict.AGREE, Reason("digits-lost"))
        elif off - error > SLACK * self.found.detect:
            self.found.put(row, at, Verdict.DISAGREE, Reason("formula", {"relative": number(off, 3)}))

    def _judge_mixture(self, at: int, slopes: list[multiprecision_slopes.MultiprecisionSlope]) -> None:
        """The claim for the random upstream gradient; entries whose digits are lost show it here alone."""
        formula = self._formula(MIXTURE, at, max(slope.digits for slope in slopes))
        bent = any(slope.edge or slope.kink for slope in slopes)
        if formula is not None and not bent:
            off, error = _relative(slopes, self.rows.mixture.tolist(), formula)
            if off - error > SLACK * self.found.detect:
                self.found.put(
                    0, at, Verdict.DISAGREE, Reason("other-upstream", {"relative": number(off, 3)})
                )

    def _formula(self, row: int, at: int, digits: int) -> Any:
        """The claim of a row by a coordinate in so many digits; None where it is not known in so many."""
        if (row, digits) not in self._formulas:
            upstream = self.rows.mixture if row == MIXTURE else self.rows.upstreams[row]
            with multiprecision.precision(digits):
                self._formulas[row, digits] = self.rows.claim_exactly(upstream, self._lifted())
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
