"""The check of a function nobody can look into, against the gradient that its author claims.

There are no guards here: kinks, jumps, stairs of rounding, chance and everything else are found in the
values alone. Every output element is derived by every input element (of large outputs, random mixtures
of the elements). What differences in float64 leave open is taken up with numbers of many digits, if
the functions run on them.

Convention: tables have shape (R, N), one row for each upstream gradient, one column for each element
("coordinate") of the inputs that are derived by, input after input.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpx.check import exact
from bpx.check.caller import Caller
from bpx.check.decide import SLACK, decide
from bpx.check.differences import ROUNDING, SURE, Estimate, Fault, derivative
from bpx.check.options import bad_options
from bpx.check.report import Column, Reason, Report, Verdict, merged
from bpx.diagnostic import BpxError, Diagnostic
from bpx.formula import number, shape_text
from bpx.graph import Array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Indices = NDArray[np.intp]

MOST_ONE_HOT = 64  # output elements that are derived one by one
RANDOM_ROWS = 8  # mixtures of the elements of a larger output
DRAWS = 3  # of inputs moved by a rounding error, to see how far that moves the claim
REPEATS = 5  # runs that show the scatter of a function that is not deterministic
SECONDS = 10.0  # for differences, roughly; of a larger input only a part is looked at
EXACT_SECONDS = 5.0  # for numbers of many digits, roughly
CALLS = 17  # of the function, for a coordinate that is soon settled
FEWEST = 64  # coordinates looked at together; the first of them however slow the function is
DIRECTIONS = 3
RIGHT = 1e-9  # relative: a formula in many digits is right to within this
MOST_PAIRS = 12  # kinked coordinates that are looked at together
MIXTURES = 8  # random directions through them besides


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
    check = Check(caller, detect, np.random.default_rng(seed))
    check.run()
    name = getattr(forward, "__name__", "")
    notes = (*caller.notes, *check.notes)
    return Report(
        None, name if name.isidentifier() else "output", check.columns(), notes=notes, detect=detect
    )


class _Line(NamedTuple):
    """A line through the inputs: `at(x, t)` is the point t of it, x being where it passes at `start`."""

    start: float
    at: Callable[[Any, Any], Any]


def _coordinate(x: Array, index: int) -> _Line:
    def at(x: Any, t: Any) -> Any:
        moved = x.copy()
        moved[index] = t
        return moved

    return _Line(float(x[index]), at)


def _direction(direction: Array) -> _Line:
    return _Line(0.0, lambda x, t: x + direction * t)


@dataclass
class _Findings:
    """What is known of each row and coordinate; all arrays have shape (R, N)."""

    claimed: Array
    value: Array
    error: Array
    flat: NDArray[np.bool_]
    verdict: NDArray[np.int8]
    reasons: dict[tuple[int, int], Reason] = field(default_factory=dict)
    between: dict[tuple[int, int], tuple[float, float]] = field(default_factory=dict)

    @staticmethod
    def of(claimed: Array) -> _Findings:
        """Nothing known yet."""
        shape = claimed.shape
        nothing, unknown = np.zeros(shape, dtype=bool), np.full(shape, np.nan)
        verdict = np.full(shape, Verdict.CANNOT_TELL, dtype=np.int8)
        return _Findings(claimed, unknown, unknown.copy(), nothing, verdict)

    def put(
        self,
        row: int,
        at: int,
        verdict: int,
        reason: Reason | None,
        between: tuple[float, float] | None = None,
    ) -> None:
        """A new verdict in place of what was found before."""
        self.verdict[row, at] = verdict
        self.reasons.pop((row, at), None)
        self.between.pop((row, at), None)
        if reason:
            self.reasons[row, at] = reason
        if between:
            self.between[row, at] = between

    def where(self, *verdicts: Verdict) -> list[tuple[int, int]]:
        """Rows and coordinates of these verdicts."""
        return [(int(row), int(at)) for row, at in np.argwhere(np.isin(self.verdict, verdicts))]


class Check:
    """One check, step by step."""

    def __init__(self, caller: Caller, detect: float, rng: np.random.Generator) -> None:
        self.caller, self.detect, self.rng = caller, detect, rng
        self.notes: list[Diagnostic] = []
        start = time.perf_counter()
        self.output, again = caller.forward(), caller.forward()
        self.cost = (time.perf_counter() - start) / 2  # of a run, in seconds
        self.scatter = self._scatter(again)
        self.x = self._joined([caller.values[i] for i in caller.varied])
        self.upstreams = self._upstreams()
        signs = rng.choice([-1.0, 1.0], size=self.output.shape)
        self.weights = np.asarray(signs * rng.uniform(0.5, 2.0, size=self.output.shape))
        self.unclaimed: set[int] = set()
        self.misshapen: dict[int, tuple[int, ...]] = {}
        self.found = _Findings.of(np.array([self._claim(upstream) for upstream in self.upstreams]))

    def run(self) -> None:
        """Look at everything there is to look at."""
        if not np.isfinite(self.output).all():
            self._everywhere(Verdict.OUTSIDE_DOMAIN, Reason("output-not-finite"))
            return
        self._differences()
        if not self.scatter:
            self._many_digits()
            self._kinks_together()
        if self.one_hot:
            self._mixture()

    # --- what is asked -----------------------------------------------------------------------

    def _scatter(self, again: Array) -> float:
        if np.array_equal(self.output, again, equal_nan=True):
            return 0.0
        runs = [self.output, again, *(self.caller.forward() for _ in range(REPEATS - 2))]
        if len({run.shape for run in runs}) > 1:
            raise BpxError([Diagnostic("output-changes-shape")])
        scatter = float(np.ptp(np.stack(runs), axis=0).max())
        facts = {"scatter": number(scatter, 2)}
        self.notes.append(Diagnostic("not-deterministic", None, facts, severity="warning"))
        return scatter

    @property
    def one_hot(self) -> bool:
        """Whether every output element has a row of its own."""
        return self.output.size <= MOST_ONE_HOT

    def _upstreams(self) -> Array:
        """The upstream gradients (R, *output shape)."""
        size, shape = self.output.size, self.output.shape
        rows = np.eye(size) if self.one_hot else self.rng.normal(size=(RANDOM_ROWS, size))
        return rows.reshape(-1, *shape)

    def _project(self, output: Any) -> Any:
        """Every row's sum (R,) of upstream gradient times output."""
        flat = np.ravel(output)
        return flat if self.one_hot else self.upstreams.reshape(len(self.upstreams), -1) @ flat

    @staticmethod
    def _joined(arrays: Sequence[Any]) -> Any:
        return np.concatenate([np.ravel(one) for one in arrays]) if arrays else np.empty(0)

    def _values(self, x: Any) -> list[Any]:
        """The values of all inputs, those that are derived by taken from x (N,)."""
        values, start = list(self.caller.values), 0
        for i in self.caller.varied:
            shape, size = values[i].shape, values[i].size
            values[i] = x[start : start + size].reshape(shape)
            start += size
        return values

    def _claim(self, upstream: Array, x: Array | None = None) -> Array:
        """The claims (N,); nan for an input of which nothing, or something of a wrong shape, is claimed."""
        found = self.caller.backward(upstream, None if x is None else self._values(x))
        return np.asarray(self._joined([self._fitting(i, found[i]) for i in self.caller.varied]))

    def _fitting(self, input: int, claimed: Array | None) -> Array:
        wanted = self.caller.values[input].shape
        if claimed is not None and claimed.shape == wanted:
            return claimed
        if claimed is None:
            self.unclaimed.add(input)
        else:
            self.misshapen[input] = claimed.shape
        return np.full(wanted, np.nan)

    def _owners(self) -> Indices:
        """The input (N,) that each coordinate is of."""
        sizes = [self.caller.values[i].size for i in self.caller.varied]
        return np.repeat(np.array(self.caller.varied, dtype=np.intp), sizes)

    def _everywhere(self, verdict: Verdict, reason: Reason) -> None:
        for row, at in np.ndindex(*self.found.verdict.shape):
            self.found.put(row, at, verdict, reason)

    # --- differences in float64 --------------------------------------------------------------

    def _differences(self) -> None:
        """Derivatives of all rows by all coordinates, or by as many as there is time for."""
        asked = np.flatnonzero(~np.isin(self._owners(), [*self.unclaimed, *self.misshapen]))
        deadline = time.perf_counter() + SECONDS
        agreeing = 0
        if len(asked) * CALLS * self.cost > SECONDS:
            asked, agreeing = self._by_suspicion(asked)
        looked = 0
        while looked < len(asked) and (looked < FEWEST or time.perf_counter() < deadline):
            self._look_at(asked[looked : looked + FEWEST])
            looked += FEWEST
        if looked < len(asked):
            self._leave(asked[looked:], agreeing)
            facts = {"count": looked, "total": len(asked)}
            self.notes.append(Diagnostic("looked-at-in-part", None, facts, severity="warning"))

    def _leave(self, coordinates: Indices, agreeing: int) -> None:
        """Coordinates that there was no time for: nothing is known of them alone."""
        for row, at in np.ndindex(len(self.upstreams), len(coordinates)):
            reason = Reason("unseen", {"count": agreeing})
            self.found.put(row, int(coordinates[at]), Verdict.CANNOT_TELL, reason)

    def _look_at(self, coordinates: Indices) -> None:
        lines = [_coordinate(self.x, int(at)) for at in coordinates]
        found, every = self.found, np.arange(len(self.upstreams))[:, np.newaxis]
        claimed = found.claimed[:, coordinates]
        estimate = self._estimate(lines, claimed)
        where = (every, coordinates)
        found.value[where], found.error[where] = estimate.value, estimate.error
        found.flat[where] = estimate.flat
        found.verdict[where] = self._decide(claimed, estimate)
        noise = self._claim_noise(coordinates)
        found.verdict[where] = self._decide(claimed, estimate, noise)
        for row, column in np.ndindex(*claimed.shape):
            self._judge_faults(row, int(coordinates[column]), estimate, (row, column), noise)

    def _decide(self, claimed: Array, estimate: Estimate, noise: Array | float = 0.0) -> NDArray[np.int8]:
        return decide(
            claimed,
            estimate.value,
            estimate.error,
            detect=self.detect,
            slope_scale=estimate.slope_scale,
            claim_noise=noise,
            flat=estimate.flat,
        )

    def _estimate(self, lines: Sequence[_Line], claimed: Array) -> Estimate:
        """Derivatives of all rows along the lines, at their starts; fields of shape (R, lines)."""
        count = len(self.upstreams)

        def function(points: Array, columns: Indices) -> tuple[Array, NDArray[np.bool_]]:
            values = np.empty(points.shape)
            owners, rows = np.divmod(columns, count)
            for line in np.unique(owners):
                here = np.flatnonzero(owners == line)
                places, back = np.unique(points[:, here], return_inverse=True)
                outputs = self._outputs([lines[line].at(self.x, t) for t in places])
                values[:, here] = outputs[back.reshape(-1, len(here)), rows[here]]
            return values, np.ones(points.shape, dtype=bool)

        starts = np.repeat([line.start for line in lines], count)
        estimate = derivative(function, starts, claimed=claimed.T.ravel(), blind=True)
        return Estimate._make(part.reshape(-1, count).T for part in estimate)

    def _outputs(self, points: Sequence[Array]) -> Array:
        """The rows' outputs (P, R) at these points (N,); nan where the function fails."""
        nothing = np.full(len(self.upstreams), np.nan)
        found = [self.caller.nearby(self._values(point)) for point in points]
        return np.array(
            [
                nothing if one is None or one.shape != self.output.shape else self._project(one)
                for one in found
            ]
        )

    def _claim_noise(self, coordinates: Indices) -> Array:
        """How far claims that look wrong move (R, coordinates) when the inputs move by a rounding error."""
        noise = np.zeros((len(self.upstreams), len(coordinates)))
        wrong = (self.found.verdict[:, coordinates] == Verdict.DISAGREE).any(axis=1)
        for _ in range(DRAWS):
            grains = self.rng.integers(-2, 3, size=len(self.x)) * np.spacing(self.x)
            for row in np.flatnonzero(wrong):
                moved = self._claim(self.upstreams[row], self.x + grains)[coordinates]
                noise[row] = np.fmax(noise[row], np.abs(moved - self.found.claimed[row, coordinates]))
        return noise

    def _judge_faults(
        self, row: int, at: int, estimate: Estimate, where: tuple[int, int], noise: Array
    ) -> None:
        """The verdict where there is no derivative, and reasons for all that does not agree."""
        code, found = Fault(int(estimate.code[where])), self.found
        if code is Fault.NONE:
            reason = self._reason(row, at, noise[where])
            found.put(row, at, int(found.verdict[row, at]), reason)
        elif self.scatter:
            found.put(row, at, Verdict.CANNOT_TELL, Reason("scatter", {"scatter": number(self.scatter, 2)}))
        elif code is Fault.KINK:
            self._judge_kink(row, at, estimate.left[where], estimate.right[where], estimate.side_error[where])
        elif code is Fault.STRUCTURE:
            found.put(row, at, Verdict.CANNOT_TELL, Reason("structure"))
        else:
            reason = Reason("beside-edge" if code is Fault.EDGE else "steep")
            found.put(row, at, Verdict.OUTSIDE_DOMAIN, reason)

    def _judge_kink(self, row: int, at: int, left: float, right: float, error: float) -> None:
        low, high = sorted((float(left), float(right)))
        claimed = self.found.claimed[row, at]
        room = SURE * error + SLACK * self.detect * max(abs(low), abs(high))
        fits = low - room <= claimed <= high + room
        facts = {"low": number(low), "high": number(high)}
        reason = Reason("between-slopes" if fits else "beyond-slopes", facts)
        self.found.value[row, at] = self.found.error[row, at] = np.nan
        self.found.put(row, at, Verdict.KINK if fits else Verdict.DISAGREE, reason, (low, high))

    def _reason(self, row: int, at: int, noise: float = 0.0) -> Reason | None:
        found = self.found
        verdict, claimed = found.verdict[row, at], found.claimed[row, at]
        if verdict == Verdict.AGREE:
            return None
        if not np.isfinite(claimed):
            return Reason("claim-not-finite", {"claimed": number(float(claimed))})
        gap, error = abs(claimed - found.value[row, at]), found.error[row, at]
        if verdict == Verdict.DISAGREE:
            return Reason("differs", {"difference": number(gap, 3), "error": number(error, 3)})
        scale = max(abs(claimed), abs(found.value[row, at]))
        if gap > SURE * error + SLACK * self.detect * scale:
            return Reason("claim-noise", {"noise": number(noise, 2)})
        share = number(SURE * error / scale, 2) if scale else "∞"
        return Reason("uncertain", {"share": share, "detect": number(self.detect, 2)})

    # --- a large input: all coordinates at once ----------------------------------------------

    def _by_suspicion(self, asked: Indices) -> tuple[Indices, int]:
        """In which order to look at the coordinates, and how many random directions through all agree.

        First those that a direction of which the claims are wrong leads to; then those of small parts in
        any direction, which directions do not see.
        """
        suspects: list[int] = []
        agreeing = 0
        for _ in range(DIRECTIONS):
            steps = np.where(self.x == 0, 1.0, np.abs(self.x)) * self.rng.normal(size=len(self.x))
            if self._off(asked, steps):
                suspects += self._hunt(asked, steps)
            else:
                agreeing += 1
        first = np.unique(np.array(suspects, dtype=np.intp))
        rest = np.setdiff1d(asked, first)
        weight = np.abs(self.found.claimed[:, rest] * self.x[rest]).max(axis=0)
        return np.concatenate([first, rest[np.argsort(weight, kind="stable")]]), agreeing

    def _off(self, coordinates: Indices, steps: Array) -> bool:
        """Whether the claims are wrong along these steps of these coordinates; not at a kink."""
        direction = np.zeros(len(self.x))
        direction[coordinates] = steps[coordinates]
        parts = self.found.claimed[:, coordinates] * steps[coordinates]
        claimed = parts.sum(axis=1, keepdims=True)
        estimate = self._estimate([_direction(direction)], claimed)
        noise = ROUNDING * np.abs(parts).sum(axis=1, keepdims=True)
        return bool((self._decide(claimed, estimate, noise) == Verdict.DISAGREE).any())

    def _hunt(self, coordinates: Indices, steps: Array) -> list[int]:
        """Halve the coordinates until few are left that are wrong together."""
        while len(coordinates) > 1:
            halves = np.array_split(coordinates, 2)
            wrong = [half for half in halves if self._off(half, steps)]
            if not wrong:
                break
            coordinates = wrong[0]
        return [int(at) for at in coordinates[:FEWEST]]

    # --- numbers of many digits --------------------------------------------------------------

    def _many_digits(self) -> None:
        """Look closer at what does not simply agree; at zeros too, which rounding may have made."""
        size = np.maximum(np.abs(self.found.claimed), np.abs(self.found.value))
        vague = ~(SURE * self.found.error <= self.detect * size)
        open_ = self.found.flat | vague | (self.found.verdict != Verdict.AGREE)
        known = ~np.isnan(self.found.claimed)
        coordinates = np.flatnonzero((open_ & known).any(axis=0))
        lifted = self._lifted() if len(coordinates) and exact.available() else None
        if lifted is None:
            return
        deadline = time.perf_counter() + EXACT_SECONDS
        urgent = np.argsort(self.found.verdict[:, coordinates].min(axis=0), kind="stable")
        formulas: dict[int, Any] = {}
        for at in coordinates[urgent].tolist():
            if time.perf_counter() < deadline:
                self._closer(at, np.flatnonzero((open_ & known)[:, at]).tolist(), lifted, formulas)

    def _lifted(self) -> Any:
        """The inputs in many digits; None where forward does not run on them."""
        x = exact.lifted(self.x)
        try:
            output = exact.rounded(self.caller.exactly(self._values(x)))
        except Exception:  # whatever it is that a stranger's function does not like about them
            return None
        room = RIGHT * np.maximum(1.0, np.abs(self.output))
        same = output.shape == self.output.shape and bool((np.abs(output - self.output) <= room).all())
        return x if same else None

    def _slopes(self, line: _Line, x: Any) -> list[exact.Slope] | None:
        def function(t: Any) -> Any:
            return self._project(self.caller.exactly(self._values(line.at(x, t))))

        return exact.slopes(function, line.start)

    def _closer(self, at: int, rows: list[int], x: Any, formulas: dict[int, Any]) -> None:
        slopes = self._slopes(_coordinate(self.x, at), x)
        for row in rows if slopes else []:
            slope = slopes[row]  # type: ignore[index]
            if slope.edge:
                self.found.put(row, at, Verdict.OUTSIDE_DOMAIN, Reason("steep"))
            elif slope.kink:
                self._judge_kink(row, at, slope.left, slope.right, 0.0)
            else:
                self._judge_closer(row, at, slope, self._formula(row, x, formulas))

    def _formula(self, row: int, x: Any, known: dict[int, Any]) -> Any:
        """The claims of a row (N,) in many digits; None where backward does not run on them."""
        if row not in known:
            known[row] = self._exact_claims(self.upstreams[row], x)
        return known[row]

    def _exact_claims(self, upstream: Array, x: Any) -> Any:
        try:
            claims = self.caller.claimed_exactly(upstream, self._values(x))
            parts = [np.asarray(claims[i], dtype=object) for i in self.caller.varied]
        except Exception:  # whatever it is that a stranger's function does not like about them
            return None
        fits = [
            part.shape == self.caller.values[i].shape
            for i, part in zip(self.caller.varied, parts, strict=True)
        ]
        return self._joined(parts) if all(fits) else None

    def _judge_closer(self, row: int, at: int, slope: exact.Slope, formula: Any) -> None:
        """The verdict on a claim whose derivative is known to many digits."""
        found = self.found
        value, spread = slope.value, abs(slope.right - slope.left)
        error = spread + ROUNDING * abs(value)
        claimed = found.claimed[row, at]
        hidden = found.error[row, at] if found.flat[row, at] else 0.0
        noise = max(float(self._claim_noise(np.array([at]))[row, 0]), hidden)
        found.value[row, at], found.error[row, at] = value, error
        verdict = int(decide(claimed, value, error, detect=self.detect, claim_noise=noise))
        found.verdict[row, at] = verdict
        reason = self._reason(row, at, noise)
        if formula is not None and verdict != Verdict.AGREE:
            gap, size = (
                abs(slope.exact - formula[at]),
                max(abs(slope.exact), abs(exact.Exact(1) * formula[at])),
            )
            if gap <= RIGHT * size + spread:
                verdict, reason = Verdict.AGREE, Reason("digits-lost")
            elif gap > SLACK * self.detect * size + spread:
                facts = {"difference": number(exact.rounded(gap).item(), 3), "error": number(error, 3)}
                verdict, reason = Verdict.DISAGREE, Reason("differs", facts)
        found.put(row, at, verdict, reason)

    # --- kinks -------------------------------------------------------------------------------

    def _kinks_together(self) -> None:
        """Claims that fit each between its own slopes may fit no side together: a tie counted twice."""
        for row in range(len(self.upstreams)):
            kinked = [at for one, at in self.found.where(Verdict.KINK) if one == row]
            if len(kinked) > 1 and self._contradicted(row, kinked[:MOST_PAIRS]):
                for at in kinked:
                    between = self.found.between.get((row, at))
                    self.found.put(row, at, Verdict.DISAGREE, Reason("slopes-together"), between)

    def _contradicted(self, row: int, kinked: list[int]) -> bool:
        """Whether the claims are the gradient of no side.

        This can be told where the function bends one way along every line, as a maximum does: then the
        claim along a line lies between the line's slopes.
        """
        directions = np.array(list(self._mixed(kinked)))
        claimed = directions @ np.nan_to_num(self.found.claimed[row])
        table = np.zeros((len(self.upstreams), len(directions)))
        table[row] = np.nan  # no claim may cut the search short
        estimate = self._estimate([_direction(one) for one in directions], table)
        kink = estimate.code[row] == Fault.KINK
        if not (kink | (estimate.code[row] == Fault.NONE)).all():
            return False
        left = np.where(kink, estimate.left[row], estimate.value[row])
        right = np.where(kink, estimate.right[row], estimate.value[row])
        room = SURE * np.where(kink, estimate.side_error[row], estimate.error[row])
        room += SLACK * self.detect * (np.abs(directions) @ np.abs(np.nan_to_num(self.found.claimed[row])))
        if not ((right >= left - room).all() or (right <= left + room).all()):
            return False
        low, high = np.minimum(left, right) - room, np.maximum(left, right) + room
        return bool(((claimed < low) | (claimed > high)).any())

    def _mixed(self, coordinates: list[int]) -> Iterator[Array]:
        """Directions through several coordinates: sums and differences of two, all of them, random ones."""
        for first, second in combinations(coordinates, 2):
            for sign in (1.0, -1.0):
                yield self._spread([first, second], np.array([1.0, sign]))
        yield self._spread(coordinates, np.ones(len(coordinates)))
        for _ in range(MIXTURES):
            yield self._spread(coordinates, self.rng.normal(size=len(coordinates)))

    def _spread(self, coordinates: list[int], amounts: Array) -> Array:
        direction = np.zeros(len(self.x))
        direction[coordinates] = amounts
        return direction

    # --- another upstream gradient -----------------------------------------------------------

    def _mixture(self) -> None:
        """One more row, for a random upstream gradient: it shows one that backward forgot.

        The reference is made of the other rows', so that this costs no run of forward.
        """
        claimed, weights = self._claim(self.weights), self.weights.ravel()
        found, sound = self.found, (self.found.verdict == Verdict.AGREE).all(axis=0)
        sound[[at for _, at in found.reasons]] = False  # the claims have lost their digits there
        value, error = weights @ found.value, np.abs(weights) @ found.error
        scale = np.abs(weights) @ np.abs(found.value)
        verdict = decide(claimed, value, error + ROUNDING * scale, detect=self.detect, slope_scale=scale)
        wrong = sound & (
            (verdict == Verdict.DISAGREE) & (np.abs(claimed - value) > SLACK * self.detect * scale)
        )
        for at in np.flatnonzero(wrong).tolist():
            found.claimed[0, at], found.value[0, at], found.error[0, at] = claimed[at], value[at], error[at]
            facts = {
                "upstream": shape_text(self.output.shape),
                "difference": number(abs(claimed[at] - value[at]), 3),
            }
            found.put(0, at, Verdict.DISAGREE, Reason("other-upstream", facts))

    # --- the report --------------------------------------------------------------------------

    def columns(self) -> tuple[Column, ...]:
        """For every input, the worst of all rows for each of its entries."""
        return tuple(self._column(i) for i in self.caller.varied if i not in self.unclaimed)

    def _column(self, input: int) -> Column:
        if input in self.misshapen:
            return self._misshapen(input)
        own = np.flatnonzero(self._owners() == input)
        rows = [self._row(input, row, own) for row in range(len(self.upstreams))]
        return replace(merged(rows), points=None)

    def _row(self, input: int, row: int, own: Indices) -> Column:
        shape, found = self.caller.values[input].shape, self.found
        parts = (found.claimed, found.value, found.error, found.verdict)
        claimed, value, error, verdict = (part[row, own].reshape(shape) for part in parts)
        places = {int(at): place for place, at in enumerate(own)}
        reasons = {places[at]: one for (r, at), one in found.reasons.items() if r == row and at in places}
        between = {places[at]: one for (r, at), one in found.between.items() if r == row and at in places}
        return Column(self.caller.names[input], claimed, value, error, verdict, reasons, between)

    def _misshapen(self, input: int) -> Column:
        shape = self.caller.values[input].shape
        unknown = np.full(shape, np.nan)
        facts = {"found": shape_text(self.misshapen[input]), "wanted": shape_text(shape)}
        reasons = dict.fromkeys(range(unknown.size), Reason("claim-shape", facts))
        verdict = np.full(shape, Verdict.DISAGREE, dtype=np.int8)
        return Column(self.caller.names[input], unknown, unknown, unknown, verdict, reasons)
