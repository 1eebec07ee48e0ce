"""What is claimed of a black box, and what is known of it: a graph of one opaque node.

Arrays have shape (R, N): a row for each upstream gradient, a column for each coordinate (see
`bpx.check.function.black_box_rows`); `at` turns both into flat indices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.check.numeric.tolerances import MOST_WEIGHTS
from bpx.check.report.entry import Entry, Reason, Verdict
from bpx.check.report.evidence import Evidence, Obstacle
from bpx.check.report.gradient_table import GradientTable, merged
from bpx.check.report.reasons import table
from bpx.check.report.verdict import Judgement, verdict
from bpx.graph.arrays import Array, Flags, Indices
from bpx.graph.numbers import array, number

if TYPE_CHECKING:
    from numpy.typing import NDArray


# There is no node to name in the sentences.
_VARIANTS = {
    "at-kink": "between-slopes",
    "beyond-kink": "beyond-slopes",
    "beyond-kinks": "slopes-together",
    "limiting": "limiting-slopes",
    "formula": "code-in-digits",
}


OutputIndex = Callable[[int], tuple[int, ...] | None]


class BlackBoxEvaluation:
    """Claims (R, N) and the evidence on them as far as it is gathered.

    `mixtures` are further rows, for upstream gradients made of those of the rows: they are of interest
    where all rows agree and one of these does not.
    """

    def __init__(self, claimed: Array, detect: float) -> None:
        self.claimed, self.detect = claimed, detect
        self.evidence = Evidence.nothing(claimed.shape, variants=_VARIANTS)
        self.mixtures: list[tuple[Array, BlackBoxEvaluation]] = []  # with their weights (R,)
        self._judged: tuple[int, Judgement] | None = None  # with the version of the evidence
        # The coordinates (N,) that random directions have certified, all at once.
        self.together = np.zeros(claimed.shape[1], dtype=bool)

    def at(self, rows: Any, coordinates: Any) -> Any:
        """The flat indices of these rows and coordinates, which broadcast."""
        return np.asarray(rows) * self.claimed.shape[1] + np.asarray(coordinates)

    def all_rows(self, coordinates: Any) -> Indices:
        """The flat indices of these coordinates in all rows, (R, coordinates)."""
        return np.asarray(self.at(np.arange(len(self.claimed))[:, np.newaxis], coordinates))

    def judgement(self) -> Judgement:
        """The verdicts on all entries, flat, on the evidence so far; many ask, few write anything down."""
        version = self.evidence.version
        if self._judged is None or self._judged[0] != version:
            self._judged = (version, self.judgement_on(slice(None)))
        return self._judged[1]

    def judgement_on(self, flat: Any) -> Judgement:
        """The verdicts on these entries alone."""
        return verdict(self.claimed.reshape(-1)[flat], self.evidence.part(flat), self.detect)

    @property
    def verdicts(self) -> NDArray[np.int8]:
        """The verdicts on all entries (R, N), on the evidence so far."""
        return self.judgement().verdicts.reshape(self.claimed.shape)

    @property
    def wrong(self) -> Flags:
        """Which coordinates (N,) some row, or mixture of rows, disagrees about."""
        rows = [self.verdicts, *(mixture.verdicts for _, mixture in self.mixtures)]
        return np.asarray((np.concatenate(rows) == Verdict.DISAGREE).any(axis=0))

    def meets(self, obstacle: Obstacle, own: Flags) -> bool:
        """Does this obstacle stand before some entry of the coordinates `own` (N,)?"""
        obstacles = np.broadcast_to(self.evidence.obstacle, self.claimed.shape)
        return bool((obstacles[:, own] == obstacle).any())

    @property
    def mixtures_disagree(self) -> bool:
        """Does some mixture of rows disagree?"""
        return any((mixture.verdicts == Verdict.DISAGREE).any() for _, mixture in self.mixtures)

    @property
    def unclear(self) -> Flags:
        """Where many digits may say more (R, N): zeros that rounding may have made are among them."""
        size = np.maximum(np.abs(self.claimed), np.abs(self.evidence.value))
        certain = self.evidence.bar <= self.detect * size
        open_ = self.evidence.flat | ~certain | (self.verdicts != Verdict.AGREE)
        return np.asarray(open_ & ~np.isnan(self.claimed) & ~self.together)

    def simply_agree(self) -> Flags:
        """The coordinates (N,) of which all rows agree, by their numbers."""
        judgement = self.judgement()
        agree = judgement.plain
        return np.asarray(agree.reshape(self.claimed.shape).all(axis=0))

    def add_kinks(self, flat: Any, left: Any, right: Any, error: Any) -> None:
        """The slopes to either side of these entries, in place of one slope."""
        low, high = np.minimum(left, right), np.maximum(left, right)
        self.evidence.replace(flat, np.nan, np.nan, kink=True, low=low, high=high, side_error=error)

    def at_kink(self, row: int) -> list[int]:
        """The coordinates by which a row has a kink."""
        return [int(at) for at in np.flatnonzero(self.verdicts[row] == Verdict.KINK)]

    def add_mixture(self, weights: Array, claimed: Array) -> BlackBoxEvaluation:
        """A row for the mixture of all with these weights (R,), of which this (N,) is claimed."""
        mixture = BlackBoxEvaluation(claimed[np.newaxis], self.detect)
        self.mixtures.append((weights, mixture))
        return mixture

    def add_array_scale(self, own: Indices) -> None:
        """The largest entry of each row of an input, whose coordinates are `own`."""
        at = self.all_rows(own)
        known = np.nan_to_num(np.abs(self.evidence.value.reshape(-1)[at]), nan=0.0)
        largest = known.max(axis=1, keepdims=True, initial=0.0)
        self.evidence.put(at, array_scale=np.broadcast_to(largest, at.shape))

    def table(
        self, name: str, shape: tuple[int, ...], own: Indices, output_index: OutputIndex
    ) -> GradientTable:
        """Of every entry of an input, whose coordinates are `own`, the worst of all rows.

        `output_index` says of which element of the output a row is.
        """
        rows = [
            self._row(self.at(row, own), name, shape, output_index(row)) for row in range(len(self.claimed))
        ]
        worst = merged(rows)
        others = tuple(_others(rows, worst))
        mixtures = [
            _wrong_alone(mixture._mixture_row(weights, own, name, shape), worst)
            for weights, mixture in self.mixtures
            if (mixture.verdicts[0, own] == Verdict.DISAGREE).any()  # others are no worse than the rows
        ]
        return replace(merged([worst, *mixtures]), points=None, others=others)

    def _row(
        self, flat: Indices, name: str, shape: tuple[int, ...], output: tuple[int, ...] | None
    ) -> GradientTable:
        judgement = Judgement._make(field[flat].reshape(shape) for field in self.judgement())
        part, claimed = self.evidence.part(flat.reshape(shape)), self.claimed.reshape(-1)[flat].reshape(shape)
        row = table(name, claimed, part, self.detect, judgement=judgement)
        return row if output is None else replace(row, outputs=dict.fromkeys(range(len(flat)), output))

    def _mixture_row(self, weights: Array, own: Indices, name: str, shape: tuple[int, ...]) -> GradientTable:
        """The one row of a mixture; its reasons say that it is one."""
        row = self._row(own, name, shape, None)
        few = len(weights) <= MOST_WEIGHTS
        text = number(weights[0], 3) if len(weights) == 1 else array(weights, 3)
        reason = Reason("other-upstream", {"upstream": text}) if few else Reason("random-upstream")
        return replace(row, reasons=dict.fromkeys(row.reasons, reason))


def _wrong_alone(mixture: GradientTable, rows: GradientTable) -> GradientTable:
    """The row of a mixture where it alone disagrees; elsewhere the worst of all others."""
    wrong = (mixture.verdicts == Verdict.DISAGREE) & (rows.verdicts == Verdict.AGREE)
    numbers = {
        name: np.where(wrong, getattr(mixture, name), getattr(rows, name))
        for name in ("claimed", "reference", "error", "verdicts")
    }
    reasons = {at: reason for at, reason in mixture.reasons.items() if wrong.flat[at]}
    return replace(mixture, **numbers, reasons=reasons, between={})


def _others(rows: Iterable[GradientTable], worst: GradientTable) -> Iterator[Entry]:
    """The entries that do not agree, row by row, without those that are shown as the worst."""
    for row in rows:
        for flat in np.flatnonzero(row.verdicts != Verdict.AGREE).tolist():
            if row.outputs and row.outputs[flat] != worst.outputs[flat]:
                yield row.entry(flat)
