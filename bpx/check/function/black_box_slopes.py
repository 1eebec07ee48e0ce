"""Differences of a black box in float64: its slopes along coordinates, how far rounding moves claims, and
of which elements of a large output they are wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from bpx.check.function.black_box_evaluation import BlackBoxEvaluation
from bpx.check.function.black_box_rows import BlackBoxRows, coordinate
from bpx.check.numeric.differences import DerivativeStatus, Estimate
from bpx.check.numeric.least_squares import fitted_slope, local_noise, steps_within
from bpx.check.numeric.tolerances import (
    DRAWS,
    FIRST_STEP,
    FIT_REACHES,
    FLAT_AS_FLOAT32,
    MOST_IN_ROW,
    MOST_LOCATED,
    NOISE_REACH,
    PLATEAU_RATIO,
    PLATEAU_STEPS,
    QUANTUM_BISECTIONS,
    QUANTUM_LASTS,
    REFINABLE,
    SAFETY_FACTOR,
    SECANT_STEP,
    SHIFT_BAR,
    SHIFT_DRAWS,
    STAIR_ROUNDINGS,
    STEADY,
    STEP_RATIO,
    STRETCH,
    STRETCH_POINTS,
)
from bpx.check.report.entry import Verdict
from bpx.check.report.evidence import Evidence, Obstacle
from bpx.check.report.gradient_table import GradientTable
from bpx.check.report.verdict import verdict
from bpx.graph.arrays import Array, Flags, Indices

if TYPE_CHECKING:
    from numpy.typing import NDArray


_OBSTACLES = {
    DerivativeStatus.DOMAIN_EDGE: Obstacle.BESIDE_EDGE,
    DerivativeStatus.UNBOUNDED: Obstacle.STEEP,
    DerivativeStatus.UNRESOLVED: Obstacle.STRUCTURE,
    DerivativeStatus.STAIRS: Obstacle.STAIRS,
}


class BlackBoxSlopes:
    """What differences show of coordinates, each by itself."""

    def __init__(self, rows: BlackBoxRows, evaluation: BlackBoxEvaluation, rng: np.random.Generator) -> None:
        self.rows, self.evaluation, self.rng = rows, evaluation, rng
        self.steady = True  # are the claims, so that what they move by is rounding?
        self._noises: dict[int, Array] = {}

    def add(self, coordinates: Indices) -> None:
        """The slopes along these coordinates, and how far rounding moves claims that differ."""
        evaluation, at = self.evaluation, self.evaluation.all_rows(coordinates)
        claimed = evaluation.claimed[:, coordinates]
        estimate = self.estimate(coordinates, claimed)
        lost = self.rows.lost
        hidden = self._hidden_rounding(coordinates, claimed, estimate)
        bar = np.maximum(SAFETY_FACTOR * estimate.error, hidden)
        # The noise of a row costs calls of backward, and matters only where claims differ.
        wrong = (self.verdicts(claimed, estimate) == Verdict.DISAGREE).any(axis=1)
        evaluation.evidence.put(
            at,
            value=estimate.value,
            error=np.maximum(estimate.error, hidden),
            hidden=hidden,
            widest=bar,
            rest=bar,
            scale=estimate.slope_scale,
            flat=estimate.flat,
            apart=estimate.apart,
            claim_noise=self._claim_noises(coordinates, wrong),
            obstacle=Obstacle.NONE,
        )
        for fault, obstacle in _OBSTACLES.items():
            evaluation.evidence.put(at[estimate.status == fault], obstacle=obstacle)
        kink = estimate.status == DerivativeStatus.KINK
        sides = (side[kink] for side in (estimate.left, estimate.right, estimate.side_error))
        evaluation.add_kinks(at[kink], *sides)
        evaluation.evidence.put(at[:, lost], obstacle=Obstacle.WORKER_LOST)

    @np.errstate(all="ignore")
    def refine(self, most_calls: int) -> None:
        """What is open for its wide bar, from polynomials through many values, as far as the calls reach."""
        judgement, evidence = self.evaluation.judgement(), self.evaluation.evidence
        uncertain = (judgement.verdicts == Verdict.CANNOT_TELL) & (judgement.codes == "uncertain")
        known = evidence.bar.ravel() <= REFINABLE * np.abs(evidence.value.ravel())
        open_ = (uncertain & known).reshape(self.evaluation.claimed.shape)
        for at in np.flatnonzero(open_.any(axis=0)).tolist():
            if self.rows.caller.calls < most_calls:
                self._refine(at, np.flatnonzero(open_[:, at]))

    def _refine(self, at: int, rows: Indices) -> None:
        """Put fitted slopes where they are inside the bar that is known, and narrower."""
        flat, evidence = self.evaluation.at(rows, at), self.evaluation.evidence
        known, hidden = evidence.part(flat), np.broadcast_to(evidence.part(flat).hidden, flat.shape)
        noise = local_noise(*self._beside(at, rows, NOISE_REACH), self.rows.caller.roundoff)
        for reach in range(FIT_REACHES):
            fitted = fitted_slope(*self._beside(at, rows, FIRST_STEP * STEP_RATIO**-reach), noise)
            error = np.maximum(fitted.error, hidden)
            bar = np.maximum(SAFETY_FACTOR * fitted.error, hidden)
            inside = np.abs(fitted.value - known.value) <= known.bar
            better = inside & (error < evidence.part(flat).error)
            for i in np.flatnonzero(better).tolist():
                claim_noise = self.claim_noise(int(rows[i]))[at]
                evidence.put(flat[[i]], value=fitted.value[i], error=error[i], claim_noise=claim_noise)
                evidence.put(flat[[i]], widest=bar[i], rest=bar[i])

    def _beside(self, at: int, rows: Indices, share: float) -> tuple[Array, Array, Array]:
        """Steps by a coordinate, up to a share of max(|x|, 1), and the values of rows above and below."""
        line = coordinate(self.rows.x, at)
        steps = steps_within(line.start, share * max(abs(line.start), 1.0))
        points = [line.at(self.rows.x, line.start + step) for step in (*steps, *-steps)]
        values: Array = self.rows.outputs(points)[:, rows]
        return steps, values[: len(steps)], values[len(steps) :]

    def estimate(self, coordinates: Indices, claimed: Array) -> Estimate:
        """The derivatives of all rows along these coordinates, (R, coordinates)."""
        return self.rows.estimate([coordinate(self.rows.x, int(index)) for index in coordinates], claimed)

    def verdicts(self, claimed: Array, estimate: Estimate, noise: Array | float = 0.0) -> NDArray[np.int8]:
        """The verdicts on the estimate alone."""
        evidence = Evidence.of(
            estimate.value,
            estimate.error,
            rest=SAFETY_FACTOR * estimate.error,
            scale=estimate.slope_scale,
            flat=estimate.flat,
            claim_noise=noise,
        )
        return verdict(claimed, evidence, self.evaluation.detect).verdicts

    def _hidden_rounding(self, coordinates: Indices, claimed: Array, estimate: Estimate) -> Array:
        """What rounding within f may do to slopes that it does the same all along a line.

        As much as the claims move with the inputs' last digits: f and backward round the same inner values.
        Where f does not change at all, it may be computed in float32, and 1 + 1e-9 sin(x) be 1 for that;
        a claim of exactly 0 says that nothing is hidden.
        """
        size = np.abs(estimate.value)
        hidden = np.maximum(STEADY * size, self.claim_shifts[:, coordinates])
        coarse = FLAT_AS_FLOAT32 * np.maximum(np.abs(estimate.value_at), 1.0)
        return np.where(estimate.flat & (claimed != 0), np.maximum(hidden, coarse), hidden)

    @cached_property
    def claim_shifts(self) -> Array:
        """How far rounding of the size of the inputs' last digits may move all claims (R, N).

        Student's t says how many times the root of their mean square the unseen rounding may be.
        """
        claimed = self.evaluation.claimed
        if not self.steady:
            return np.zeros_like(claimed)
        squares = np.zeros_like(claimed)
        for moved in self._moved_by_last_digits():
            claims = np.array([self.rows.claim(upstream, moved) for upstream in self.rows.upstreams])
            squares += np.nan_to_num((claims - claimed) ** 2, nan=0.0, posinf=0.0)
        return np.asarray(SHIFT_BAR * np.sqrt(squares / SHIFT_DRAWS))

    def _moved_by_last_digits(self) -> Iterator[Array]:
        """The inputs moved by two units, up or down; neighbours in four ways that have nothing in common.

        So no sum of four of them stays as it is in all moves, as in random ones it may by chance.
        """
        x = self.rows.x
        ways = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]])  # Hadamard's matrix
        chosen = ways[np.arange(len(x)) % SHIFT_DRAWS] * self.rng.choice([-1, 1], size=(len(x), 1))
        for signs in chosen.T:
            yield x + 2 * signs * np.spacing(np.abs(x))

    def _claim_noises(self, coordinates: Indices, rows: Flags) -> Array:
        noise = np.zeros((len(rows), len(coordinates)))
        for row in np.flatnonzero(rows).tolist():
            noise[row] = self.claim_noise(row)[coordinates]
        return noise

    def claim_noise(self, row: int) -> Array:
        """How far rounding moves the claims of a row (N,).

        That shows when the inputs move by their last digits, or by those of inner values of size 1; and,
        as below them a formula can be smooth and far off, in how uneven it is over a longer stretch.
        """
        if not self.steady:
            return np.zeros(len(self.rows.x))
        if row not in self._noises:
            claim = self.evaluation.claimed[row]
            moved = (np.abs(perturbed - claim) for perturbed in self._perturbed_claims(row))
            self._noises[row] = np.fmax.reduce([*moved, self._unevenness(row)])
        return self._noises[row]

    # --- zeros ---

    def doubt_zeros(self, most_calls: int) -> None:
        """Claims of 0 where f is flat, but only for rounding, which no more digits are there to tell."""
        evaluation, evidence = self.evaluation, self.evaluation.evidence
        flat = np.broadcast_to(evidence.flat, evidence.shape).reshape(evaluation.claimed.shape)
        zeros = flat & (evaluation.claimed == 0) & ~evaluation.together
        for at in np.flatnonzero(zeros.any(axis=0)).tolist():
            rows = np.flatnonzero(zeros[:, at])
            if self.rows.caller.calls < most_calls and self._ends_in_stairs(at, rows):
                evidence.put(evaluation.at(rows, at), obstacle=Obstacle.STAIRS)

    def _ends_in_stairs(self, at: int, rows: Indices) -> bool:
        """Does f leave its plateau by one step of a rounding, as exp(x) - 1 at -250 does far away?

        At the end of a true plateau, as of clip, the change shrinks with the bracket around it.
        """
        step = FIRST_STEP * max(abs(float(self.rows.x[at])), 1.0)
        low, high = 0.0, step * PLATEAU_RATIO
        changes = [self._change(at, rows, high)]
        while not changes[0].any():
            low, high = high, high * PLATEAU_RATIO
            if high > step * PLATEAU_RATIO**PLATEAU_STEPS:
                return False
            changes[0] = self._change(at, rows, high)
        for _ in range(QUANTUM_BISECTIONS):
            middle = (low + high) / 2
            change = self._change(at, rows, middle)
            low, high = (low, middle) if change.any() else (middle, high)
            changes.append(change if change.any() else changes[-1])
        first = int(np.argmax(changes[-1]))  # the row that leaves it first
        quantum, before = float(changes[-1][first]), float(changes[QUANTUM_BISECTIONS // 2][first])
        size = max(abs(float(self.rows.project(self.rows.output)[rows[first]])), 1.0)
        return before * QUANTUM_LASTS <= quantum <= STAIR_ROUNDINGS * size

    def _change(self, at: int, rows: Indices, step: float) -> Array:
        """How far f moves (rows,) to either side at most; infinitely where it is not finite."""
        line = coordinate(self.rows.x, at)
        ends = self.rows.outputs([line.at(self.rows.x, line.start + move) for move in (step, -step)])
        change = np.abs(ends - self.rows.project(self.rows.output))[:, rows].max(axis=0)
        return np.where(np.isnan(change), np.inf, change)

    def _perturbed_claims(self, row: int) -> Iterator[Array]:
        x, upstream = self.rows.x, self.rows.upstreams[row]
        for size in [np.abs(x), np.maximum(np.abs(x), 1.0)] * DRAWS:
            yield self.rows.claim(upstream, x + self.rng.uniform(-2.5, 2.5, size=len(x)) * np.spacing(size))

    def _unevenness(self, row: int) -> Array:
        """How far claims along a short stretch are from a straight line (N,).

        Of points at random places: an inner value of size 1 may have a grain that they fall into alike.
        """
        x, upstream = self.rows.x, self.rows.upstreams[row]
        direction = STRETCH * self.rng.choice([-1.0, 1.0], size=len(x)) * x
        places = np.append(self.rng.uniform(-4, 4, size=STRETCH_POINTS), 0.0)
        moved = [self.rows.claim(upstream, x + place * direction) for place in places[:-1].tolist()]
        claims = np.array([*moved, self.evaluation.claimed[row]])
        line = np.stack([places, np.ones_like(places)], axis=1)
        return np.asarray(np.abs(claims - line @ (np.linalg.pinv(line) @ claims)).max(axis=0))


# --- elements of a large output -------------------------------------------------------------------


class BlackBoxOutputs:
    """Further rows, each of one element of the output, of which some claim is wrong.

    The rows of a large output are mixtures of all its elements. To find the element, half of them are left
    out of the upstream gradient, then half of the rest, always those that the claim misses by less. One
    difference of forward shows all elements; what remains in the end is judged as any row.
    """

    def __init__(self, slopes: BlackBoxSlopes, most_calls: int) -> None:
        self.slopes, self.rows, self.evaluation = slopes, slopes.rows, slopes.evaluation
        self.most_calls = most_calls
        self.found: list[tuple[int, BlackBoxEvaluation]] = []  # with the flat index of the element

    def look(self) -> None:
        """Find elements of the output until each wrong coordinate has one, as far as the calls reach.

        They are counted from here on: how many it took before depends on rounding, and so on the processor.
        """
        if self.rows.one_hot or not self.evaluation.wrong.any():
            return
        most_calls = self.rows.caller.calls + self.most_calls
        wrong = np.flatnonzero(self.evaluation.wrong)
        open_ = self._spread(wrong)[:MOST_LOCATED]
        while open_ and self.rows.caller.calls < most_calls:
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
