"""Of which elements of a large output a gradient is wrong: its rows are random mixtures of all elements.

Half of the elements are left out of the upstream gradient, then half of the rest, always those that the claim
misses by less. One difference of forward shows all elements; what remains in the end is judged as any row.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bpx.check.function.black_box_evaluation import BlackBoxEvaluation
from bpx.check.function.black_box_rows import BlackBoxRows
from bpx.check.function.black_box_slopes import BlackBoxSlopes
from bpx.check.numeric.tolerances import MOST_IN_ROW, MOST_LOCATED, SECANT_STEP
from bpx.check.report.entry import Verdict
from bpx.check.report.gradient_table import GradientTable
from bpx.graph.arrays import Array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Indices = NDArray[np.intp]


class BlackBoxOutputs:
    """Further rows, each of one element of the output, of which some claim is wrong."""

    def __init__(self, slopes: BlackBoxSlopes, most_calls: int) -> None:
        self.slopes, self.rows, self.evaluation = slopes, slopes.rows, slopes.evaluation
        self.most_calls = most_calls
        self.found: list[tuple[int, BlackBoxEvaluation]] = []  # with the flat index of the element

    def look(self) -> None:
        """Find elements of the output until each wrong coordinate has one, as far as the calls reach."""
        if self.rows.one_hot or not self.evaluation.wrong.any():
            return
        wrong = np.flatnonzero(self.evaluation.wrong)
        open_ = self._spread(wrong)[:MOST_LOCATED]
        while open_ and self.rows.caller.calls < self.most_calls:
            coordinate = open_.pop(0)
            element = self._element(coordinate)
            if element is None or element in dict(self.found):
                continue
            row = self._row(element, np.unique([coordinate, *open_, *wrong[:MOST_IN_ROW]]))
            if row.verdicts[0, coordinate] == Verdict.DISAGREE:
                self.found.append((element, row))
                open_ = [other for other in open_ if row.verdicts[0, other] != Verdict.DISAGREE]

    def _spread(self, wrong: Indices) -> list[int]:
        """The wrong coordinates, those of each input in turn."""
        owners = self.rows.owners[wrong]
        turns = np.zeros(len(wrong))
        for owner in np.unique(owners):
            turns[owners == owner] = np.arange(np.count_nonzero(owners == owner))
        return [int(at) for at in wrong[np.argsort(turns, kind="stable")]]

    def _element(self, coordinate: int) -> int | None:
        """The element of the output of which the claim on a coordinate is off, if it can be told."""
        slopes = self._secant(coordinate)
        if slopes is None:
            return None
        left = np.arange(slopes.size)
        while len(left) > 1:
            halves = np.array_split(left, 2)
            left = halves[int(np.argmax([self._miss(coordinate, half, slopes) for half in halves]))]
        return int(left[0])

    def _secant(self, coordinate: int) -> Array | None:
        """About the slope of each element of the output by a coordinate."""
        x, values = self.rows.x, []
        for sign in (1.0, -1.0):
            moved = x.copy()
            moved[coordinate] += sign * SECANT_STEP * max(abs(x[coordinate]), 1.0)
            output = self.rows.caller.nearby(self.rows.values(moved))
            if output is None or output.shape != self.rows.output.shape:
                return None
            values.append(np.ravel(output))
        return np.asarray((values[0] - values[1]) / (2 * SECANT_STEP * max(abs(x[coordinate]), 1.0)))

    def _miss(self, coordinate: int, elements: Indices, slopes: Array) -> float:
        """How far a claim is off for an upstream gradient that is 0 but for these elements."""
        upstream = np.zeros(slopes.size)
        upstream[elements] = self.rows.mixture[elements]
        return float(abs(self.rows.claim(upstream)[coordinate] - upstream @ slopes))

    def _row(self, element: int, coordinates: Indices) -> BlackBoxEvaluation:
        """The row of one element of the output, judged at these coordinates."""
        rows: BlackBoxRows = copy(self.rows)
        rows.upstreams = np.zeros((1, rows.output.size))
        rows.upstreams[0, element] = 1.0
        evaluation = BlackBoxEvaluation(rows.claims(), self.evaluation.detect)
        BlackBoxSlopes(rows, evaluation, self.slopes.rng).add(coordinates)
        return evaluation

    def with_outputs(self, table: GradientTable, own: Indices) -> GradientTable:
        """The table of an input with the numbers of single elements where these are wrong, too."""
        for row in self._tables(table, own):
            wrong = (row.verdicts == Verdict.DISAGREE) & (table.verdicts == Verdict.DISAGREE)
            new = wrong & ~np.isin(np.arange(wrong.size).reshape(wrong.shape), list(table.outputs))
            others = tuple(row.entry(flat) for flat in np.flatnonzero(wrong & ~new).tolist())
            outputs = {flat: row.outputs[flat] for flat in np.flatnonzero(new).tolist()}
            table = replace(
                table.with_entries(new, row),
                outputs={**table.outputs, **outputs},
                others=(*table.others, *others),
            )
        return table

    def _tables(self, table: GradientTable, own: Indices) -> Iterator[GradientTable]:
        for element, evaluation in self.found:
            index = tuple(map(int, np.unravel_index(element, self.rows.output.shape)))
            row = evaluation.table(table.input, table.claimed.shape, own, lambda _: None)
            yield replace(row, outputs=dict.fromkeys(range(len(own)), index))
