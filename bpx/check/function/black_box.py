"""The check of a function nobody can look into, against the gradient that its author claims.

There are no guards here: kinks, jumps, stairs of rounding, chance and everything else are found in the
values alone. Every row (see `bpx.check.function.black_box_rows`) is derived by every coordinate.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.check.function.black_box_blame import blamed_inputs
from bpx.check.function.black_box_evaluation import BlackBoxEvaluation
from bpx.check.function.black_box_multiprecision import BlackBoxMultiprecision
from bpx.check.function.black_box_rows import BlackBoxRows, coordinate, slanting
from bpx.check.function.caller import Caller
from bpx.check.numeric.differences import DerivativeStatus, Estimate
from bpx.check.numeric.tolerances import (
    BLACK_BOX_MIXTURES,
    BLACK_BOX_SECONDS,
    CALLS,
    DETECT,
    DIRECTIONS,
    DRAWS,
    MOST_KINKED,
    SAFETY_FACTOR,
    SLACK,
    STEADY,
    STRETCH,
    TOGETHER,
    UNIT_ROUNDOFF,
)
from bpx.check.report.entry import Verdict
from bpx.check.report.evidence import Evidence, Obstacle
from bpx.check.report.gradient_table import GradientTable
from bpx.check.report.options import bad_options
from bpx.check.report.reasons import table
from bpx.check.report.report import Report
from bpx.check.report.verdict import verdict
from bpx.graph.arrays import Array
from bpx.graph.numbers import number, shape_text
from bpx.words.diagnostic import BpxError, Diagnostic

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Indices = NDArray[np.intp]


def check_function(
    forward: Callable[..., Any],
    inputs: Sequence[Any],
    backward: Callable[..., Any] | None = None,
    names: Sequence[str] | None = None,
    *,
    detect: float = DETECT,
    seed: int = 0,
) -> Report:
    """Check `backward` against differences of `forward`.

    `forward(*inputs)` returns an array or a number; `backward(g, *inputs)` the gradient of the sum of
    g times that: one for each input and of its shape, None where nothing is claimed; that of a single
    input may stand bare. `g` has the output's shape. `detect` is the smallest relative error that must
    be seen. Raises `BpxError` for arguments that do not fit and where a function raises.
    """
    problems = bad_options(1, seed, 1, detect)
    if problems:
        raise BpxError(problems)
    caller = Caller(forward, backward, inputs, names)
    check = BlackBoxCheck(caller, detect, seed)
    check.run()
    python_name = getattr(forward, "__name__", "")
    name = python_name if python_name.isidentifier() else "output"
    notes = (*caller.notes, *check.rows.notes, *check.rows.unclaimed_notes())
    blame = blamed_inputs(check.rows, check.evaluation, name)
    return Report(None, name, check.tables(), blame=blame, notes=notes, detect=detect)


_OBSTACLES = {
    DerivativeStatus.DOMAIN_EDGE: Obstacle.BESIDE_EDGE,
    DerivativeStatus.UNBOUNDED: Obstacle.STEEP,
    DerivativeStatus.UNRESOLVED: Obstacle.STRUCTURE,
}


class BlackBoxCheck:
    """One check, step by step."""

    def __init__(self, caller: Caller, detect: float, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.rows = BlackBoxRows(caller, self.rng)
        self.evaluation = BlackBoxEvaluation(self.rows.claims(), detect)

    def run(self) -> None:
        """Look at everything there is to look at."""
        if not np.isfinite(self.rows.output).all():
            self.evaluation.evidence.obstacle = Obstacle.OUTPUT_NOT_FINITE
            return
        self._differences()
        if not self.rows.scatter:
            BlackBoxMultiprecision(self.rows, self.evaluation, self._noise_at).look()
            self._kinks_together()
        for weights in (self.rows.mixture, -self.rows.mixture) if self.rows.one_hot else ():
            self._mixture(weights)
        self._note_unseen()

    def tables(self) -> tuple[GradientTable, ...]:
        """For every input of which something is claimed, the worst of all rows for each of its entries."""
        inputs = [i for i in self.rows.caller.varied if i not in self.rows.unclaimed]
        return tuple(self._table(i) for i in inputs)

    def _table(self, input: int) -> GradientTable:
        name, shape = self.rows.caller.names[input], self.rows.caller.values[input].shape
        if input not in self.rows.misshapen:
            return self.evaluation.table(name, shape, np.flatnonzero(self.rows.owners == input))
        evidence = Evidence.nothing(shape, obstacle=Obstacle.CLAIM_SHAPE)
        facts = {"found": shape_text(self.rows.misshapen[input]), "wanted": shape_text(shape)}
        evidence.facts[Obstacle.CLAIM_SHAPE.code] = facts
        return table(name, evidence.value, evidence, self.evaluation.detect)

    # --- differences in float64 --------------------------------------------------------------

    def _differences(self) -> None:
        """Derivatives of all rows by all coordinates, or by as many as there is time for."""
        coordinates, agreeing = self.rows.claimed_coordinates, 0
        deadline = time.perf_counter() + BLACK_BOX_SECONDS
        if len(coordinates) * CALLS * self.rows.cost > BLACK_BOX_SECONDS:
            coordinates, agreeing = self._by_suspicion(coordinates)
        looked = 0
        # In parts, to keep the deadline; but the first part however slow the function is.
        while looked < len(coordinates) and (looked == 0 or time.perf_counter() < deadline):
            self._add_slopes(coordinates[looked : looked + TOGETHER])
            looked += TOGETHER
        if looked < len(coordinates):
            self._mark_unseen(coordinates[looked:], agreeing)

    def _mark_unseen(self, coordinates: Indices, agreeing: int) -> None:
        """Coordinates that there was no time for: nothing is known of them alone."""
        at = self.evaluation.all_rows(coordinates)
        self.evaluation.evidence.put(at, obstacle=Obstacle.UNSEEN)
        self.evaluation.evidence.facts[Obstacle.UNSEEN.code] = {"count": agreeing}

    def _note_unseen(self) -> None:
        unseen = self.evaluation.evidence.obstacle == np.full(self.evaluation.claimed.shape, Obstacle.UNSEEN)
        count, total = int(unseen.any(axis=0).sum()), len(self.rows.claimed_coordinates)
        if count:
            facts = {"count": total - count, "total": total}
            self.rows.notes.append(Diagnostic("looked-at-in-part", None, facts, severity="warning"))

    def _add_slopes(self, coordinates: Indices) -> None:
        """What differences show of these coordinates, and how far rounding moves claims that differ."""
        evaluation, at = self.evaluation, self.evaluation.all_rows(coordinates)
        claimed = evaluation.claimed[:, coordinates]
        estimate = self.rows.estimate([coordinate(self.rows.x, int(index)) for index in coordinates], claimed)
        unseen = self._hidden_rounding(coordinates, estimate.value)
        # The noise of a row costs calls of backward, and matters only where claims differ.
        wrong = (self._verdicts(claimed, estimate) == Verdict.DISAGREE).any(axis=1)
        evaluation.evidence.put(
            at,
            value=estimate.value,
            error=np.maximum(estimate.error, unseen),
            rest=SAFETY_FACTOR * np.maximum(estimate.error, unseen),
            scale=estimate.slope_scale,
            flat=estimate.flat,
            claim_noise=self._claim_noise(coordinates, wrong),
        )
        self._faults(at, estimate)

    def _faults(self, at: Indices, estimate: Estimate) -> None:
        """Why there is no one slope of some of these entries."""
        evidence, code = self.evaluation.evidence, estimate.status
        if self.rows.scatter:
            # Chance looks like any other fault: the statuses tell nothing more.
            evidence.put(at[code != DerivativeStatus.OK], obstacle=Obstacle.SCATTER)
            evidence.facts[Obstacle.SCATTER.code] = {"scatter": number(self.rows.scatter, 2)}
            return
        for fault, obstacle in _OBSTACLES.items():
            evidence.put(at[code == fault], obstacle=obstacle)
        kink = code == DerivativeStatus.KINK
        left, right, error = (side[kink] for side in (estimate.left, estimate.right, estimate.side_error))
        self.evaluation.add_kinks(at[kink], left, right, error)

    def _verdicts(self, claimed: Array, estimate: Estimate, noise: Array | float = 0.0) -> NDArray[np.int8]:
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

    def _hidden_rounding(self, coordinates: Indices, value: Array) -> Array:
        """What rounding within f may do to slopes that it does the same all along a line.

        As much as the claims move with the inputs' last digits; but no more than leaves the verdict open.
        """
        most = self.evaluation.detect / (2 * SAFETY_FACTOR) * np.abs(value)
        return np.maximum(STEADY * np.abs(value), np.fmin(self.claim_shifts[:, coordinates], most))

    @cached_property
    def claim_shifts(self) -> Array:
        """How far all claims (R, N) move when the inputs move by their last digits."""
        x = self.rows.x
        moved = x + self.rng.uniform(-2.5, 2.5, size=len(x)) * np.spacing(np.abs(x))
        rows = [self.rows.claim(upstream, moved) for upstream in self.rows.upstreams]
        return np.abs(np.array(rows) - self.evaluation.claimed)

    def _claim_noise(self, coordinates: Indices, rows: NDArray[np.bool_]) -> Array:
        """How far rounding moves the claims of some rows (R, coordinates).

        That shows when the inputs move by their last digits, or by those of inner values of size 1; and,
        as below them a formula can be smooth and far off, in how uneven it is over a longer stretch.
        """
        noise = np.zeros((len(self.rows.upstreams), len(coordinates)))
        for row in np.flatnonzero(rows).tolist():
            claim = self.evaluation.claimed[row]
            moved = (np.abs(perturbed - claim) for perturbed in self._perturbed_claims(row))
            noise[row] = np.fmax.reduce([*moved, *self._unevenness(row)])[coordinates]
        return noise

    def _perturbed_claims(self, row: int) -> Iterator[Array]:
        x, upstream = self.rows.x, self.rows.upstreams[row]
        for size in [np.abs(x), np.maximum(np.abs(x), 1.0)] * DRAWS:
            yield self.rows.claim(upstream, x + self.rng.uniform(-2.5, 2.5, size=len(x)) * np.spacing(size))

    def _unevenness(self, row: int) -> Iterator[Array]:
        x, upstream = self.rows.x, self.rows.upstreams[row]
        for _ in range(DRAWS):
            offset = STRETCH * self.rng.uniform(-4, 4, size=len(x)) * x
            ends = self.rows.claim(upstream, x + offset) + self.rows.claim(upstream, x - offset)
            yield np.abs(ends / 2 - self.evaluation.claimed[row])

    def _noise_at(self, row: int, at: int) -> float:
        rows = np.arange(len(self.rows.upstreams)) == row
        return float(self._claim_noise(np.array([at]), rows)[row, 0])

    # --- a large input: all coordinates at once ----------------------------------------------

    def _by_suspicion(self, coordinates: Indices) -> tuple[Indices, int]:
        """In which order to look at the coordinates, and how many random directions through all agree.

        First those that a direction of which the claims are wrong leads to; then those of small parts in
        any direction, which directions do not see.
        """
        suspects: list[int] = []
        agreeing = 0
        for _ in range(DIRECTIONS):
            steps = self.rng.normal(size=len(self.rows.x))
            # In proportion to the inputs, so that large and small ones count alike.
            steps *= np.where(self.rows.x == 0, 1.0, np.abs(self.rows.x))
            verdict = self._along(coordinates, steps)
            agreeing += verdict == Verdict.AGREE
            if verdict == Verdict.DISAGREE:
                suspects += self._bisect(coordinates, steps)
        first = np.unique(np.array(suspects, dtype=np.intp))
        unsuspected = np.setdiff1d(coordinates, first)
        weight = np.abs(self.evaluation.claimed[:, unsuspected] * self.rows.x[unsuspected]).max(axis=0)
        return np.concatenate([first, unsuspected[np.argsort(weight, kind="stable")]]), agreeing

    def _along(self, coordinates: Indices, steps: Array) -> int:
        """The worst verdict on the claims along these steps of these coordinates."""
        direction = np.zeros(len(self.rows.x))
        direction[coordinates] = steps[coordinates]
        parts = self.evaluation.claimed[:, coordinates] * steps[coordinates]
        claimed = parts.sum(axis=1, keepdims=True)
        estimate = self.rows.estimate([slanting(direction)], claimed)
        # The claims are rounded one by one, and their sum may cancel.
        noise = UNIT_ROUNDOFF * np.abs(parts).sum(axis=1, keepdims=True)
        return int(self._verdicts(claimed, estimate, noise).min())

    def _bisect(self, coordinates: Indices, steps: Array) -> list[int]:
        """Halve the coordinates as long as a half of them is wrong by itself."""
        while len(coordinates) > 1:
            halves = np.array_split(coordinates, 2)
            wrong = [half for half in halves if self._along(half, steps) == Verdict.DISAGREE]
            if not wrong:
                break
            coordinates = wrong[0]
        return [int(at) for at in coordinates[:TOGETHER]]

    # --- kinks -------------------------------------------------------------------------------

    def _kinks_together(self) -> None:
        """Claims that fit each between its own slopes may fit no side together: a tie counted twice."""
        for row in range(len(self.rows.upstreams)):
            kinked = self.evaluation.at_kink(row)
            # Pairs of coordinates grow with the square of their count: only the first are looked at.
            if len(kinked) > 1 and self._contradicted(row, kinked[:MOST_KINKED]):
                self.evaluation.evidence.put(self.evaluation.at(row, kinked), contradiction=True)

    def _contradicted(self, row: int, kinked: list[int]) -> bool:
        """Whether the claims are the gradient of no side.

        This can be told where the function bends one way along every line, as a maximum does: then the
        claim along a line lies between the line's slopes.
        """
        directions = np.array(list(self._mixed(kinked)))
        # Directions are 0 off the kinks, but 0 times an unclaimed nan would be nan.
        claims = np.nan_to_num(self.evaluation.claimed[row])
        low, high, bar = self._slopes(row, directions)
        bar += SLACK * self.evaluation.detect * (np.abs(directions) @ np.abs(claims))
        one_way = (high >= low - bar).all() or (high <= low + bar).all()
        low, high = np.minimum(low, high) - bar, np.maximum(low, high) + bar
        outside = (directions @ claims < low) | (directions @ claims > high)
        return bool(one_way and outside.any())

    def _slopes(self, row: int, directions: Array) -> tuple[Array, Array, Array]:
        """The slopes to the left and to the right along directions, and their error; nan where unknown."""
        # A claim that is soon confirmed would leave its one-sided slopes unknown.
        no_claims = np.full((len(self.rows.upstreams), len(directions)), np.nan)
        estimate = self.rows.estimate([slanting(direction) for direction in directions], no_claims)
        code = estimate.status[row]
        kink, smooth = code == DerivativeStatus.KINK, code == DerivativeStatus.OK
        left, right, error = (
            np.where(kink, side[row], np.where(smooth, value[row], np.nan))
            for side, value in (
                (estimate.left, estimate.value),
                (estimate.right, estimate.value),
                (estimate.side_error, estimate.error),
            )
        )
        return left, right, SAFETY_FACTOR * error

    def _mixed(self, coordinates: list[int]) -> Iterator[Array]:
        """Directions through several coordinates: sums and differences of two, all of them, random ones."""
        for pair in combinations(coordinates, 2):
            for sign in (1.0, -1.0):
                yield self._spread(list(pair), np.array([1.0, sign]))
        yield self._spread(coordinates, np.ones(len(coordinates)))
        for _ in range(BLACK_BOX_MIXTURES):
            yield self._spread(coordinates, self.rng.normal(size=len(coordinates)))

    def _spread(self, coordinates: list[int], amounts: Array) -> Array:
        direction = np.zeros(len(self.rows.x))
        direction[coordinates] = amounts
        return direction

    # --- another upstream gradient -----------------------------------------------------------

    def _mixture(self, weights: Array) -> None:
        """A random upstream gradient shows one that backward forgot, or takes without its sign.

        Its reference is made of the rows', where all of them agree and no claim has lost its digits.
        """
        evidence, claimed = self.evaluation.evidence, self.rows.claim(weights)
        value, error = weights @ evidence.value, np.abs(weights) @ evidence.error
        size = np.fmax(np.abs(weights) @ np.abs(evidence.value), np.abs(claimed))
        size = np.where(size == 0, 1.0, size)  # then both are 0
        gap, bar = np.nan_to_num(np.abs(claimed - value) / size, nan=np.inf), SAFETY_FACTOR * error / size
        agreeing = np.flatnonzero(self._simply_agree())
        evidence.put(self.evaluation.at(0, agreeing), mixture_gap=gap[agreeing], mixture_error=bar[agreeing])

    def _simply_agree(self) -> NDArray[np.bool_]:
        """The coordinates (N,) of which all rows agree, by their numbers."""
        judgement = self.evaluation.judgement()
        agree = (judgement.verdicts == Verdict.AGREE) & ~judgement.codes.astype(bool)
        return np.asarray(agree.reshape(self.evaluation.claimed.shape).all(axis=0))
