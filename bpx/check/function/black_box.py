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
from bpx.check.function.black_box_multiprecision import BlackBoxMultiprecision
from bpx.check.function.black_box_rows import BlackBoxRows, coordinate, slanting
from bpx.check.function.caller import Caller
from bpx.check.function.findings import BlackBoxVerdicts
from bpx.check.numeric.differences import DerivativeStatus, Estimate
from bpx.check.numeric.tolerances import SAFETY_FACTOR, UNIT_ROUNDOFF
from bpx.check.report.entry import Reason, Verdict
from bpx.check.report.gradient_table import GradientTable
from bpx.check.report.options import bad_options
from bpx.check.report.report import Report
from bpx.check.report.verdict import SLACK, decide
from bpx.graph.arrays import Array
from bpx.graph.numbers import number, shape_text
from bpx.words.diagnostic import BpxError, Diagnostic

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Indices = NDArray[np.intp]

SECONDS = 10.0  # for differences, roughly; of a larger input only a part is looked at
TOGETHER = 64  # coordinates looked at in one go; the first of them however slow the function is
CALLS = 17  # of the function, for a coordinate that is soon settled
STRETCH = 2.0**-27  # relative: so far a smooth claim is straight
DRAWS = 3  # of inputs moved by rounding errors, to see how far that moves the claims
DIRECTIONS = 3  # through all coordinates of a large input
MOST_KINKED = 12  # coordinates whose kinks are looked at together
STEADY = 2.0**-40  # relative: the least that rounding within f may do which does not show along a line
MIXTURES = 8  # random directions through them


def check_function(
    forward: Callable[..., Any],
    inputs: Sequence[Any],
    backward: Callable[..., Any] | None = None,
    names: Sequence[str] | None = None,
    *,
    detect: float = 1e-5,
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
    given = getattr(forward, "__name__", "")
    name = given if given.isidentifier() else "output"
    notes = (*caller.notes, *check.rows.notes, *check.rows.unclaimed_notes())
    blame = blamed_inputs(check.rows, check.found, name)
    return Report(None, name, check.columns(), blame=blame, notes=notes, detect=detect)


class BlackBoxCheck:
    """One check, step by step."""

    def __init__(self, caller: Caller, detect: float, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.rows = BlackBoxRows(caller, self.rng)
        self.found = BlackBoxVerdicts(self.rows.claims(), detect)

    def run(self) -> None:
        """Look at everything there is to look at."""
        if not np.isfinite(self.rows.output).all():
            self.found.everywhere(Verdict.OUTSIDE_DOMAIN, Reason("output-not-finite"))
            return
        self._differences()
        if not self.rows.scatter:
            BlackBoxMultiprecision(self.rows, self.found, self._noise_at).look()
            self._kinks_together()
        for weights in (self.rows.mixture, -self.rows.mixture) if self.rows.one_hot else ():
            self._mixture(weights)
        self._note_unseen()

    def columns(self) -> tuple[GradientTable, ...]:
        """For every input of which something is claimed, the worst of all rows for each of its entries."""
        inputs = [i for i in self.rows.caller.varied if i not in self.rows.unclaimed]
        return tuple(self._column(i) for i in inputs)

    def _column(self, input: int) -> GradientTable:
        name, shape = self.rows.caller.names[input], self.rows.caller.values[input].shape
        if input not in self.rows.misshapen:
            return self.found.column(name, shape, np.flatnonzero(self.rows.owners == input))
        facts = {"found": shape_text(self.rows.misshapen[input]), "wanted": shape_text(shape)}
        unknown = np.full(shape, np.nan)
        reasons = dict.fromkeys(range(unknown.size), Reason("claim-shape", facts))
        verdict = np.full(shape, Verdict.DISAGREE, dtype=np.int8)
        return GradientTable(name, unknown, unknown, unknown, verdict, reasons)

    # --- differences in float64 --------------------------------------------------------------

    def _differences(self) -> None:
        """Derivatives of all rows by all coordinates, or by as many as there is time for."""
        asked, agreeing = self.rows.asked, 0
        deadline = time.perf_counter() + SECONDS
        if len(asked) * CALLS * self.rows.cost > SECONDS:
            asked, agreeing = self._by_suspicion(asked)
        looked = 0
        while looked < len(asked) and (looked == 0 or time.perf_counter() < deadline):
            self._look_at(asked[looked : looked + TOGETHER])
            looked += TOGETHER
        if looked < len(asked):
            self._leave(asked[looked:], agreeing)

    def _leave(self, coordinates: Indices, agreeing: int) -> None:
        """Coordinates that there was no time for: nothing is known of them alone."""
        for row, at in np.ndindex(len(self.rows.upstreams), len(coordinates)):
            reason = Reason("unseen", {"count": agreeing})
            self.found.put(row, int(coordinates[at]), Verdict.CANNOT_TELL, reason)

    def _note_unseen(self) -> None:
        unseen = {at for (_, at), reason in self.found.reasons.items() if reason.code == "unseen"}
        if unseen:
            total = len(self.rows.asked)
            facts = {"count": total - len(unseen), "total": total}
            self.rows.notes.append(Diagnostic("looked-at-in-part", None, facts, severity="warning"))

    def _look_at(self, coordinates: Indices) -> None:
        found, claimed = self.found, self.found.claimed[:, coordinates]
        estimate = self.rows.estimate([coordinate(self.rows.x, int(at)) for at in coordinates], claimed)
        where = (slice(None), coordinates)
        found.value[where] = estimate.value
        found.error[where] = np.maximum(estimate.error, self._unseen(coordinates, estimate.value))
        found.flat[where], found.verdict[where] = estimate.flat, self._decide(claimed, estimate)
        wrong = (found.verdict[where] == Verdict.DISAGREE).any(axis=1)
        noise = self._claim_noise(coordinates, wrong)
        for row, column in np.ndindex(*claimed.shape):
            self._judge(row, int(coordinates[column]), (row, column), estimate, noise)

    def _decide(self, claimed: Array, estimate: Estimate, noise: Array | float = 0.0) -> NDArray[np.int8]:
        return decide(
            claimed,
            estimate.value,
            estimate.error,
            detect=self.found.detect,
            slope_scale=estimate.slope_scale,
            claim_noise=noise,
            flat=estimate.flat,
        )

    def _unseen(self, coordinates: Indices, value: Array) -> Array:
        """What rounding within f may do to slopes that it does the same all along a line.

        As much as the claims move with the inputs' last digits; but no more than leaves the verdict open.
        """
        most = self.found.detect / (2 * SAFETY_FACTOR) * np.abs(value)
        return np.maximum(STEADY * np.abs(value), np.fmin(self.shaken[:, coordinates], most))

    @cached_property
    def shaken(self) -> Array:
        """How far all claims (R, N) move when the inputs move by their last digits."""
        x = self.rows.x
        moved = x + self.rng.uniform(-2.5, 2.5, size=len(x)) * np.spacing(np.abs(x))
        rows = [self.rows.claim(upstream, moved) for upstream in self.rows.upstreams]
        return np.abs(np.array(rows) - self.found.claimed)

    def _claim_noise(self, coordinates: Indices, rows: NDArray[np.bool_]) -> Array:
        """How far rounding moves the claims of some rows (R, coordinates).

        That shows when the inputs move by their last digits, or by those of inner values of size 1; and,
        as below them a formula can be smooth and far off, in how uneven it is over a longer stretch.
        """
        noise = np.zeros((len(self.rows.upstreams), len(coordinates)))
        for row in np.flatnonzero(rows).tolist():
            claim = self.found.claimed[row]
            moved = (np.abs(one - claim) for one in self._shaken_claims(row))
            noise[row] = np.fmax.reduce([*moved, *self._unevenness(row)])[coordinates]
        return noise

    def _shaken_claims(self, row: int) -> Iterator[Array]:
        x, upstream = self.rows.x, self.rows.upstreams[row]
        for size in [np.abs(x), np.maximum(np.abs(x), 1.0)] * DRAWS:
            yield self.rows.claim(upstream, x + self.rng.uniform(-2.5, 2.5, size=len(x)) * np.spacing(size))

    def _unevenness(self, row: int) -> Iterator[Array]:
        x, upstream = self.rows.x, self.rows.upstreams[row]
        for _ in range(DRAWS):
            offset = STRETCH * self.rng.uniform(-4, 4, size=len(x)) * x
            ends = self.rows.claim(upstream, x + offset) + self.rows.claim(upstream, x - offset)
            yield np.abs(ends / 2 - self.found.claimed[row])

    def _noise_at(self, row: int, at: int) -> float:
        rows = np.arange(len(self.rows.upstreams)) == row
        return float(self._claim_noise(np.array([at]), rows)[row, 0])

    def _judge(self, row: int, at: int, where: tuple[int, int], estimate: Estimate, noise: Array) -> None:
        """The verdict on one entry, by what the differences show of it."""
        code, found = DerivativeStatus(int(estimate.status[where])), self.found
        if code is DerivativeStatus.OK:
            scale, flat = estimate.slope_scale[where], bool(estimate.flat[where])
            found.compare(row, at, float(noise[where]), slope_scale=scale, flat=flat)
        elif self.rows.scatter:
            facts = {"scatter": number(self.rows.scatter, 2)}
            found.put(row, at, Verdict.CANNOT_TELL, Reason("scatter", facts))
        elif code is DerivativeStatus.KINK:
            sides = estimate.left[where], estimate.right[where], estimate.side_error[where]
            found.compare_at_kink(row, at, *map(float, sides))
        elif code is DerivativeStatus.UNRESOLVED:
            found.put(row, at, Verdict.CANNOT_TELL, Reason("structure"))
        else:
            reason = Reason("beside-edge" if code is DerivativeStatus.DOMAIN_EDGE else "steep")
            found.put(row, at, Verdict.OUTSIDE_DOMAIN, reason)

    # --- a large input: all coordinates at once ----------------------------------------------

    def _by_suspicion(self, asked: Indices) -> tuple[Indices, int]:
        """In which order to look at the coordinates, and how many random directions through all agree.

        First those that a direction of which the claims are wrong leads to; then those of small parts in
        any direction, which directions do not see.
        """
        suspects: list[int] = []
        agreeing = 0
        for _ in range(DIRECTIONS):
            steps = self.rng.normal(size=len(self.rows.x))
            steps *= np.where(self.rows.x == 0, 1.0, np.abs(self.rows.x))
            verdict = self._along(asked, steps)
            agreeing += verdict == Verdict.AGREE
            if verdict == Verdict.DISAGREE:
                suspects += self._hunt(asked, steps)
        first = np.unique(np.array(suspects, dtype=np.intp))
        rest = np.setdiff1d(asked, first)
        weight = np.abs(self.found.claimed[:, rest] * self.rows.x[rest]).max(axis=0)
        return np.concatenate([first, rest[np.argsort(weight, kind="stable")]]), agreeing

    def _along(self, coordinates: Indices, steps: Array) -> int:
        """The worst verdict on the claims along these steps of these coordinates."""
        direction = np.zeros(len(self.rows.x))
        direction[coordinates] = steps[coordinates]
        parts = self.found.claimed[:, coordinates] * steps[coordinates]
        claimed = parts.sum(axis=1, keepdims=True)
        estimate = self.rows.estimate([slanting(direction)], claimed)
        noise = UNIT_ROUNDOFF * np.abs(parts).sum(axis=1, keepdims=True)
        return int(self._decide(claimed, estimate, noise).min())

    def _hunt(self, coordinates: Indices, steps: Array) -> list[int]:
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
            kinked = self.found.at_kink(row)
            if len(kinked) > 1 and self._contradicted(row, kinked[:MOST_KINKED]):
                for at in kinked:
                    between = self.found.between.get((row, at))
                    self.found.put(row, at, Verdict.DISAGREE, Reason("slopes-together"), between)

    def _contradicted(self, row: int, kinked: list[int]) -> bool:
        """Whether the claims are the gradient of no side.

        This can be told where the function bends one way along every line, as a maximum does: then the
        claim along a line lies between the line's slopes.
        """
        directions = np.array(list(self._mixed(kinked)))
        claims = np.nan_to_num(self.found.claimed[row])
        low, high, room = self._slopes(row, directions)
        room += SLACK * self.found.detect * (np.abs(directions) @ np.abs(claims))
        one_way = (high >= low - room).all() or (high <= low + room).all()
        low, high = np.minimum(low, high) - room, np.maximum(low, high) + room
        outside = (directions @ claims < low) | (directions @ claims > high)
        return bool(one_way and outside.any())

    def _slopes(self, row: int, directions: Array) -> tuple[Array, Array, Array]:
        """The slopes to the left and to the right along directions, and their error; nan where unknown."""
        no_claims = np.full((len(self.rows.upstreams), len(directions)), np.nan)
        estimate = self.rows.estimate([slanting(one) for one in directions], no_claims)
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
        for _ in range(MIXTURES):
            yield self._spread(coordinates, self.rng.normal(size=len(coordinates)))

    def _spread(self, coordinates: list[int], amounts: Array) -> Array:
        direction = np.zeros(len(self.rows.x))
        direction[coordinates] = amounts
        return direction

    # --- another upstream gradient -----------------------------------------------------------

    def _mixture(self, weights: Array) -> None:
        """A random upstream gradient shows one that backward forgot, or takes without its sign.

        Its reference is made of the rows'.
        """
        found = self.found
        claimed = self.rows.claim(weights)
        value, error = weights @ found.value, np.abs(weights) @ found.error
        size = np.abs(weights) @ np.abs(found.value)
        gap = np.abs(claimed - value)
        wrong = (found.verdict == Verdict.AGREE).all(axis=0)
        wrong &= ~(gap <= SAFETY_FACTOR * error + SLACK * found.detect * np.maximum(size, np.abs(claimed)))
        wrong[[at for _, at in found.reasons]] = False  # the claims have lost their digits there
        for at in np.flatnonzero(wrong).tolist():
            off = gap[at] / max(size[at], abs(claimed[at]))
            found.put(0, at, Verdict.DISAGREE, Reason("other-upstream", {"relative": number(off, 3)}))
