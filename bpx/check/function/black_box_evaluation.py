"""What is claimed of a black box, and what is known of it: a graph of one opaque node.

Arrays have shape (R, N): a row for each upstream gradient, a column for each coordinate (see
`bpx.check.function.black_box_rows`); `at` turns both into flat indices.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.check.numeric.tolerances import SAFETY_FACTOR
from bpx.check.report.entry import Verdict
from bpx.check.report.evidence import Evidence
from bpx.check.report.gradient_table import GradientTable, merged
from bpx.check.report.reasons import table
from bpx.check.report.verdict import Judgement, verdict
from bpx.graph.arrays import Array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Indices = NDArray[np.intp]

# There is no node to name in the sentences.
_VARIANTS = {"at-kink": "between-slopes", "beyond-kink": "beyond-slopes", "beyond-kinks": "slopes-together"}


class BlackBoxEvaluation:
    """Claims (R, N) and the evidence on them as far as it is gathered."""

    def __init__(self, claimed: Array, detect: float) -> None:
        self.claimed, self.detect = claimed, detect
        self.evidence = Evidence.nothing(claimed.shape, variants=_VARIANTS)

    def at(self, rows: Any, coordinates: Any) -> Any:
        """The flat indices of these rows and coordinates, which broadcast."""
        return np.asarray(rows) * self.claimed.shape[1] + np.asarray(coordinates)

    def all_rows(self, coordinates: Any) -> Indices:
        """The flat indices of these coordinates in all rows, (R, coordinates)."""
        return np.asarray(self.at(np.arange(len(self.claimed))[:, np.newaxis], coordinates))

    def judgement(self, flat: Any = slice(None)) -> Judgement:
        """The verdicts on these entries, on the evidence so far."""
        return verdict(self.claimed.reshape(-1)[flat], self.evidence.part(flat), self.detect)

    @property
    def verdicts(self) -> NDArray[np.int8]:
        """The verdicts on all entries (R, N), on the evidence so far."""
        return self.judgement().verdicts.reshape(self.claimed.shape)

    @property
    def unclear(self) -> NDArray[np.bool_]:
        """Where many digits may say more (R, N): zeros that rounding may have made are among them."""
        value, error = self.evidence.value, self.evidence.error
        certain = SAFETY_FACTOR * error <= self.detect * np.maximum(np.abs(self.claimed), np.abs(value))
        open_ = self.evidence.flat | ~certain | (self.verdicts != Verdict.AGREE)
        return np.asarray(open_ & ~np.isnan(self.claimed))

    def add_kinks(self, flat: Any, left: Any, right: Any, error: Any) -> None:
        """The slopes to either side of these entries, in place of one slope."""
        low, high = np.minimum(left, right), np.maximum(left, right)
        self.evidence.replace(flat, np.nan, np.nan, kink=True, low=low, high=high, side_error=error)

    def at_kink(self, row: int) -> list[int]:
        """The coordinates by which a row has a kink."""
        return [int(at) for at in np.flatnonzero(self.verdicts[row] == Verdict.KINK)]

    def table(self, name: str, shape: tuple[int, ...], own: Indices) -> GradientTable:
        """Of every entry of an input, whose coordinates are `own`, the worst of all rows."""
        rows = [self._row(self.at(row, own), name, shape) for row in range(len(self.claimed))]
        return replace(merged(rows), points=None)

    def _row(self, flat: Indices, name: str, shape: tuple[int, ...]) -> GradientTable:
        part = self.evidence.part(flat.reshape(shape))
        return table(name, self.claimed.reshape(-1)[flat].reshape(shape), part, self.detect)
