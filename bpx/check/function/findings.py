"""What has been found of a black box so far, row by row, and the columns a report makes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.check.numeric.tolerances import SAFETY_FACTOR
from bpx.check.report.entry import Reason, Verdict
from bpx.check.report.gradient_table import GradientTable, merged
from bpx.check.report.verdict import SLACK, decide
from bpx.graph.arrays import Array
from bpx.graph.numbers import number

if TYPE_CHECKING:
    from numpy.typing import NDArray


class BlackBoxVerdicts:
    """Claims, references, error bars and verdicts, all of shape (R, N); reasons and slopes by (row, at)."""

    def __init__(self, claimed: Array, detect: float) -> None:
        shape = claimed.shape
        self.claimed, self.detect = claimed, detect
        self.value, self.error = np.full(shape, np.nan), np.full(shape, np.nan)
        self.flat = np.zeros(shape, dtype=bool)
        self.verdict = np.full(shape, Verdict.CANNOT_TELL, dtype=np.int8)
        self.reasons: dict[tuple[int, int], Reason] = {}
        self.between: dict[tuple[int, int], tuple[float, float]] = {}

    @property
    def unclear(self) -> NDArray[np.bool_]:
        """Where many digits may say more (R, N): zeros that rounding may have made are among them."""
        size = np.maximum(np.abs(self.claimed), np.abs(self.value))
        certain = SAFETY_FACTOR * self.error <= self.detect * size
        open_ = self.flat | ~certain | (self.verdict != Verdict.AGREE)
        return np.asarray(open_ & ~np.isnan(self.claimed))

    def at_kink(self, row: int) -> list[int]:
        """The coordinates by which a row has a kink."""
        return [int(at) for at in np.flatnonzero(self.verdict[row] == Verdict.KINK)]

    def put(
        self,
        row: int,
        at: int,
        verdict: int,
        reason: Reason | None = None,
        between: tuple[float, float] | None = None,
    ) -> None:
        """A verdict in place of what was found before."""
        self.verdict[row, at] = verdict
        self.reasons.pop((row, at), None)
        self.between.pop((row, at), None)
        if reason:
            self.reasons[row, at] = reason
        if between:
            self.between[row, at] = between

    def everywhere(self, verdict: Verdict, reason: Reason) -> None:
        """The same of every entry."""
        for row, at in np.ndindex(*self.verdict.shape):
            self.put(row, at, verdict, reason)

    def compare(self, row: int, at: int, noise: float, **facts: Any) -> None:
        """Decide between the claim and the reference; `noise` is how far rounding moves the claim."""
        claimed, value, error = self.claimed[row, at], self.value[row, at], self.error[row, at]
        verdict = int(decide(claimed, value, error, detect=self.detect, claim_noise=noise, **facts))
        self.put(row, at, verdict, self._reason(verdict, claimed, value, error, noise))

    def _reason(
        self, verdict: int, claimed: float, value: float, error: float, noise: float
    ) -> Reason | None:
        if verdict == Verdict.AGREE:
            return None
        if not np.isfinite(claimed):
            return Reason("claim-not-finite", {"claimed": number(float(claimed))})
        gap, scale = abs(claimed - value), max(abs(claimed), abs(value))
        if verdict == Verdict.DISAGREE:
            return Reason("differs", {"difference": number(gap, 3), "error": number(error, 3)})
        if gap > SAFETY_FACTOR * error + SLACK * self.detect * scale:
            return Reason("claim-noise", {"noise": number(noise, 2)})
        share = number(SAFETY_FACTOR * error / scale, 2) if scale else "∞"
        return Reason("uncertain", {"share": share, "detect": number(self.detect, 2)})

    def compare_at_kink(self, row: int, at: int, left: float, right: float, error: float) -> None:
        """At a kink a claim must lie between the slopes of both sides."""
        low, high = sorted((float(left), float(right)))
        room = SAFETY_FACTOR * error + SLACK * self.detect * max(abs(low), abs(high))
        fits = low - room <= self.claimed[row, at] <= high + room
        reason = Reason(
            "between-slopes" if fits else "beyond-slopes", {"low": number(low), "high": number(high)}
        )
        self.value[row, at] = self.error[row, at] = np.nan
        self.put(row, at, Verdict.KINK if fits else Verdict.DISAGREE, reason, (low, high))

    def column(self, name: str, shape: tuple[int, ...], own: NDArray[np.intp]) -> GradientTable:
        """Of every entry of an input, whose coordinates are `own`, the worst of all rows."""
        rows = [self._row(row, name, shape, own) for row in range(len(self.claimed))]
        return replace(merged(rows), points=None)

    def _row(self, row: int, name: str, shape: tuple[int, ...], own: NDArray[np.intp]) -> GradientTable:
        parts = (self.claimed, self.value, self.error, self.verdict)
        claimed, value, error, verdict = (part[row, own].reshape(shape) for part in parts)
        places = {int(at): place for place, at in enumerate(own)}
        reasons = {places[at]: one for (r, at), one in self.reasons.items() if r == row and at in places}
        between = {places[at]: one for (r, at), one in self.between.items() if r == row and at in places}
        return GradientTable(name, claimed, value, error, verdict, reasons, between)
