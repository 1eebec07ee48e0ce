"""Elementwise ops checked alone: each rule against differences of the op's own forward function.

Where python-flint is installed, slopes of few elements are enclosed by balls. Three sources more, each where
the one before leaves a question open: differences in float64 for all elements at once, one-sided slopes for
those at a kink, and many digits for a few that are undecided or seem wrong.

Convention: flat arrays over all elements of an `ElementwiseBatch`; a verdict for each element, of which the
worst stands for the edge.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from bpx.check.balls import ball_context
from bpx.check.local.elementwise_batch import ElementwiseBatch
from bpx.check.local.elementwise_complex import confirmed_slopes
from bpx.check.local.jacobians import CheckedEdge, DiagonalJacobian
from bpx.check.numeric.differences import OneSided, derivative, one_sided
from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.numeric.tolerances import (
    COLUMNS_IN_CACHE,
    EPSILON,
    MOST_ENCLOSED_ELEMENTS,
    OFF_KINK,
    RULE_PERTURBATIONS,
    SAFETY_FACTOR,
    SETTLED,
    WITNESSES,
)
from bpx.check.report.entry import Reason, Verdict, relative_differences
from bpx.check.report.evidence import Evidence, Obstacle, is_nowhere
from bpx.check.report.verdict import Judgement, verdict
from bpx.check.tasks.lost import WorkerLost
from bpx.graph.arrays import Array, Flags, Indices, of_shape
from bpx.graph.facts import KINKS
from bpx.graph.numbers import number
from bpx.passes.reverse import Edge

if TYPE_CHECKING:
    from numpy.typing import NDArray


def check_elementwise(
    batch: ElementwiseBatch,
    edges: Sequence[Edge],
    values: Mapping[int, Array],
    kinked: Flags,
    outside: Flags,
    rounding_errors: Mapping[int, Array],
    detect: float,
    exact_elements: int,
) -> Iterator[CheckedEdge]:
    """Check the edges from nodes of the batch.

    `values` holds those of the nodes and of the edges' local derivatives, `rounding_errors` how far rounding
    may have moved the values of nodes and args. `kinked` and `outside` flag the elements (flat) that are at a
    kink and outside the domain. `detect` is the smallest relative error that must be seen, `exact_elements`
    how many of the elements may be looked at in many digits.
    """
    errors = batch.flat(rounding_errors) if edges else []
    for position in range(len(batch.op.args)):
        by_node = {edge.consumer: edge for edge in edges if edge.position == position}
        if by_node:
            claimed = batch.claimed_locals(by_node, values)
            # No flow into some of the args of some nodes: their elements are left out.
            queried = batch.flags(by_node)
            partial = _PartialDerivative(batch, position, claimed, rounding_errors, detect, exact_elements)
            partial.gather(queried, kinked, outside)
            moved = batch.moved_locals(position, errors)
            # At a kink rounding decides between the sides, which the spread accounts for.
            moved[kinked] = 0.0
            judgement, evidence = partial.judgement(), partial.evidence
            slopes = ErrorBound(evidence.value, evidence.error + moved, partial.spread)
            for edge in by_node.values():
                yield checked_edge(batch, edge, claimed, evidence, judgement, slopes)


class _PartialDerivative:
    """All elements of a batch by one arg: the evidence on the rule, flat."""

    def __init__(
        self,
        batch: ElementwiseBatch,
        position: int,
        claimed: Array,
        rounding_errors: Mapping[int, Array],
        detect: float,
        exact_elements: int,
    ) -> None:
        self.batch, self.position, self.claimed = batch, position, claimed
        # What overflows on its way is no scale to measure by.
        self.sizes = np.where(np.isfinite(claimed), np.abs(claimed), 0.0)
        self.rounding_errors, self.detect, self.exact_elements = rounding_errors, detect, exact_elements
        self.evidence = Evidence.of(np.full(claimed.size, np.nan), 0.0)
        self._judged: tuple[Evidence, int, Judgement] | None = None

    def gather(self, queried: Flags, kinked: Flags, outside: Flags) -> None:
        """Look at the `queried` elements, at a kink or off it."""
        if self.position in self.batch.op.chooses:
            # What chooses between the other args does not measure: there is no slope by it.
            self.evidence = Evidence.of(np.zeros(self.claimed.size), 0.0)
            return
        without = outside | ~queried
        if without.any():
            self.evidence.put(without, obstacle=Obstacle.EDGE)
        self.add_slopes_at_edges(np.flatnonzero(queried & outside))
        self.add_smooth_slopes(np.flatnonzero(queried & ~kinked & ~outside))
        self.add_one_sided_slopes(np.flatnonzero(queried & kinked & ~outside))

    def judgement(self, columns: Indices | None = None) -> Judgement:
        """The verdicts on some elements, or on all, on the evidence so far."""
        if columns is None or len(columns) == len(self.claimed):
            evidence = self.evidence
            if self._judged is None or self._judged[:2] != (evidence, evidence.version):
                self._judged = (evidence, evidence.version, verdict(self.claimed, evidence, self.detect))
            return self._judged[2]
        return verdict(self.claimed[columns], self.evidence.part(columns), self.detect)

    @cached_property
    def rounding(self) -> tuple[Array, Array]:
        """How far it may have moved the value, and all args together."""
        errors = self.rounding_errors
        of_value = np.concatenate([np.ravel(errors[node]) for node in self.batch.nodes])
        return of_value, np.sum(self.batch.flat(errors), axis=0)

    @property
    def spread(self) -> Array:
        """Half of what the one-sided slopes differ by, at kinks; at a jump there is no bound."""
        evidence = self.evidence
        if is_nowhere(evidence.kink) and is_nowhere(evidence.jump):
            return np.zeros(self.claimed.shape)
        half = np.where(evidence.kink, (np.asarray(evidence.high) - evidence.low) / 2, 0.0)
        return np.broadcast_to(np.where(evidence.jump, np.inf, half), self.claimed.shape)

    def add_slopes_at_edges(self, columns: Indices) -> None:
        """Elements at the edge of a domain, beyond which the op may go on: x^n at 0, where n is 2."""
        if not columns.size:
            return
        left, right, jump = self.one_sided_slopes(columns)
        error, gap = left.error + right.error, np.abs(left.slope - right.slope)
        same = gap <= SAFETY_FACTOR * error + SETTLED * np.abs(left.slope)
        smooth = same & ~jump & np.isfinite(error) & np.isfinite(self.claimed[columns])
        value = (left.slope + right.slope)[smooth] / 2
        self.evidence.put(
            columns[smooth], value=value, error=np.maximum(error, gap)[smooth], obstacle=Obstacle.NONE
        )
        # The larger of both slopes is the scale of one that is 0, as that of x^2 there.
        self.add_exact_slopes(columns[smooth][: self.exact_elements])

    # --- smooth elements: differences, then many digits for a few ---

    def add_smooth_slopes(self, columns: Indices) -> None:
        """Elements off every kink, inside the domain."""
        left = self.add_enclosed_slopes(columns)
        self.add_measured_slopes(self.add_complex_slopes(self.add_affine_slopes(left)))
        # A part as small as the rounding of the value has a slope that float64 does not show, as that of
        # 1e-16*sin(1e16*x) beside x. No op of the table has such parts; one that a spec states may.
        if left.size and not self.batch.is_in_table:
            self.recheck(left, Verdict.AGREE)

    def add_measured_slopes(self, columns: Indices) -> None:
        """Differences in float64, and many digits for what they leave open."""
        if not columns.size:
            return
        claimed, x = self.claimed[columns], self.batch.args[self.position][columns]
        estimate = derivative(self.batch.along(self.position, columns), x, claimed=claimed)
        # On the flat side of a kink the slope is 0, and its error bar must not widen the sums it enters. What
        # is flat without a kink, like tanh far out, may only have lost its digits.
        zero = estimate.flat & (claimed == 0) & self.batch.has_guard(KINKS)
        unknown = ~np.isfinite(estimate.value) & np.isfinite(claimed)
        error = np.select([zero, unknown], [0.0, np.inf], estimate.error)
        self.evidence.put(
            columns,
            value=np.select([zero, unknown], [0.0, claimed], estimate.value),
            error=error,
            scale=estimate.slope_scale,
            rest=SAFETY_FACTOR * error,
            claim_noise=self.claim_noise(columns),
            flat=estimate.flat,
        )
        verdicts = self.judgement(columns).verdicts
        hidden = (np.abs(claimed) <= error) & (claimed != 0)  # the bar would be all that there is to show
        undecided = columns[(verdicts == Verdict.CANNOT_TELL) | (estimate.flat & ~zero) | hidden]
        self.add_exact_slopes(undecided[: self.exact_elements])
        self.recheck(columns, Verdict.DISAGREE)

    def add_enclosed_slopes(self, columns: Indices) -> Indices:
        """Few elements on balls, which are faster than differences; those without a proof are returned."""
        if not ball_context.available() or columns.size > MOST_ENCLOSED_ELEMENTS:
            return columns
        from bpx.check.local.elementwise_balls import enclosed_slope, rule_is_right

        slopes = {column: enclosed_slope(self.batch, self.position, column) for column in columns.tolist()}
        proved = {column: slope for column, slope in slopes.items() if slope is not None}
        value, width = np.array([slope[:2] for slope in proved.values()]).reshape(-1, 2).T
        flat = np.array(list(proved), dtype=np.intp)
        self.evidence.replace(flat, value, EPSILON * np.abs(value) + width)
        for column in flat[self.judgement(flat).verdicts != Verdict.AGREE].tolist():
            if rule_is_right(self.batch, self.position, column, proved[column], float(self.sizes[column])):
                self.evidence.put(column, formula_gap=0.0)
        return np.array([column for column in slopes if column not in proved], dtype=np.intp)

    def add_affine_slopes(self, columns: Indices) -> Indices:
        """Elements of ops that are affine in the arg, as sums and products: one slope, whatever the secant.

        Long secants have next to no rounding. Those are returned of which this does not hold, or which claim
        another slope.
        """
        if not columns.size or not self.batch.is_affine(self.position):
            return columns
        # In parts that stay in the cache of a processor.
        starts = range(0, columns.size, COLUMNS_IN_CACHE)
        parts = [self._add_affine_part(columns[start : start + COLUMNS_IN_CACHE]) for start in starts]
        return np.concatenate(parts)

    def _add_affine_part(self, columns: Indices) -> Indices:
        """Some of these elements; those that are left are returned."""
        slopes, errors = self.batch.secants(self.position, columns, self.claimed[columns])
        value, error, claimed = slopes[0], errors[0], self.claimed[columns]
        same: Flags = (np.abs(slopes - value) <= SAFETY_FACTOR * (errors + error)).all(axis=0)
        same &= np.isfinite(error) & (np.abs(claimed - value) <= SAFETY_FACTOR * error)
        self.evidence.replace(columns[same], value[same], error[same])
        return columns[~same]

    def add_complex_slopes(self, columns: Indices) -> Indices:
        """Elements whose rule a step along the imaginary axis bears out; the others are returned."""
        if not columns.size:
            return columns
        claimed = self.claimed[columns]
        same, error = confirmed_slopes(self.batch, self.position, columns, claimed)
        self.evidence.replace(columns[same], claimed[same], error[same])
        return columns[~same]

    def recheck(self, columns: Indices, now: Verdict) -> None:
        """A few witnesses of a verdict in many digits, 1 ms each; the others too, where one changes it."""
        wanted = columns[self.judgement(columns).verdicts == now][: self.exact_elements]
        if (witnesses := wanted[:WITNESSES]).size:
            self.add_exact_slopes(witnesses)
            if (self.judgement(witnesses).verdicts != now).any():
                self.add_exact_slopes(wanted[WITNESSES:])

    def add_exact_slopes(self, columns: Indices) -> None:
        """The forward and the rule once more, in many digits; nothing changes where these cannot be had."""
        if not columns.size:
            return
        from bpx.check.local.elementwise_exact import slopes_and_rules

        every = slopes_and_rules(self.batch, self.position, columns, self.sizes[columns])
        for column, exact in zip(columns, every, strict=True):
            if isinstance(exact, WorkerLost):
                self.evidence.put(column, error=np.inf, obstacle=Obstacle.WORKER_LOST)
            elif exact is not None:
                slope, right = exact
                # A right formula is right, though its float64 value be off for want of digits.
                gap = 0.0 if right else np.nan
                self.evidence.replace(column, slope, EPSILON * abs(slope), formula_gap=gap)

    # --- rounding ---

    def claim_noise(self, columns: Indices) -> Array:
        """How far the rule's own value moves when its args and out are off by a unit of rounding.

        Where the reference is better than the claim, the claim's own rounding would be the false alarm.
        """
        args, out = [arg[columns] for arg in self.batch.args], self.batch.out[columns]
        moved = [
            self.batch.locals_at(
                self.position,
                [arg * (1 + EPSILON * arg_units) for arg in args],
                out * (1 + EPSILON * out_units),
            )
            for arg_units, out_units in RULE_PERTURBATIONS
        ]
        noise: Array = np.max(np.abs(np.array(moved) - self.claimed[columns]), axis=0)
        return np.where(np.isfinite(noise), noise, 0.0)

    # --- elements at kinks ---

    def add_one_sided_slopes(self, columns: Indices) -> None:
        """One-sided slopes; a claim between them is as right as can be.

        That interval is Clarke's generalized gradient of a function of one variable (Clarke, Optimization and
        Nonsmooth Analysis, Wiley 1983, section 2.1). Value and spread are its middle and half its width.
        """
        if not columns.size:
            return
        left, right, jump = self.one_sided_slopes(columns)
        low, high = np.minimum(left.slope, right.slope), np.maximum(left.slope, right.slope)
        error = left.error + right.error
        self.evidence.put(columns, value=(low + high) / 2, error=error, kink=True, jump=jump)
        self.evidence.put(columns, low=low, high=high, side_error=error)
        self.add_exact_sides(columns[~np.isfinite(error)][: self.exact_elements])

    def one_sided_slopes(self, columns: Indices) -> tuple[OneSided, OneSided, Flags]:
        """Those to the left and to the right, and where the value breaks."""
        x = self.batch.args[self.position][columns]

        def forward(points: Array, chosen: Indices) -> tuple[Array, Flags]:
            values = self.batch.value(self.position, points, columns[chosen])
            values = np.broadcast_to(values, points.shape)
            return values, np.isfinite(values) & self.before_next_guard(points, columns[chosen])

        left, right = one_sided(forward, x, -1), one_sided(forward, x, 1)
        # Both the value and the limit are off by as much as rounding has moved them. At a jump that moves the
        # value by all of its height: what the args move is bounded by the slopes to the sides.
        here, steepest = self.batch.out[columns], np.fmax(np.abs(left.slope), np.abs(right.slope))
        along_slopes = EPSILON * np.abs(here) + steepest * self.rounding[1][columns]
        value_error = 2 * np.fmin(self.rounding[0][columns], along_slopes)
        return left, right, left.jumps(here, value_error) | right.jumps(here, value_error)

    def before_next_guard(self, points: Array, columns: Indices) -> Flags:
        """Which points (steps, columns), those farthest from x first, no guard parts from those near x.

        floor has a kink at every whole number: a step over several of them says nothing of the slope.
        """
        batch = self.batch
        args = [np.broadcast_to(arg[columns], points.shape) for arg in batch.args]
        x = args[self.position]
        args[self.position] = points
        off = np.abs(points - x) > OFF_KINK * (self.rounding[1][columns] + EPSILON * np.abs(x))
        nearest = np.maximum(off.sum(axis=0) - 1, 0)  # the smallest step that is off the kink for certain
        usable = ~off | batch.crosses_none(args, columns, at_kink=True)
        for value in batch.guard_values(args):
            sign = np.sign(value)
            same = sign == np.take_along_axis(sign, nearest[np.newaxis], axis=0)
            # A guard that is 0 all the way leaves no side: beyond 2**53 every number is whole.
            usable &= ~off | (same & (sign != 0))
        # Where none of the longer steps says anything, those within rounding do not either.
        return usable & ((usable & off).any(axis=0) | ~off.any(axis=0))

    def add_exact_sides(self, columns: Indices) -> None:
        """The slopes to the sides in many digits, where float64 has no steps between two kinks."""
        from bpx.check.local.elementwise_exact import sides

        for column in columns.tolist():
            slope = sides(self.batch, self.position, column)
            if slope is not None and (slope.edge or slope.settles):
                most = sys.float_info.max if slope.edge else math.inf  # a jump over any step: of any size
                low, high = np.sort(np.clip((slope.left, slope.right), -most, most)).tolist()
                self.evidence.put(column, low=low, high=high, value=low / 2 + high / 2, jump=slope.edge)
                self.evidence.put(column, error=0.0, side_error=0.0)


def checked_edge(
    batch: ElementwiseBatch,
    edge: Edge,
    claimed: Array,
    evidence: Evidence,
    judgement: Judgement,
    slopes: ErrorBound,
) -> CheckedEdge:
    """What the elements of one node say of its edge, with the numbers of the worst of them; all flat."""
    node, spread = edge.consumer, slopes.spread
    shape, part = batch.graph.shapes[edge.arg], batch.slices[node]
    slope = ErrorBound(*[batch.part(node, field) for field in slopes])
    worst = part.start + _worst(claimed, evidence, judgement.verdicts, part)
    middle, half = float(evidence.value[worst]), float(spread[worst])
    return CheckedEdge(
        edge,
        DiagonalJacobian(slope, shape),
        DiagonalJacobian(ErrorBound.exact(batch.part(node, claimed)), shape),
        float(claimed[worst]),
        math.nan if half else middle,  # at a kink there is no one number to compare with
        float(evidence.error[worst]),
        Verdict(int(judgement.verdicts[worst])),
        _reason(evidence, part, judgement.codes[worst], middle),
        (middle - half, middle + half) if 0 < half < math.inf else None,
    )


def _reason(evidence: Evidence, part: slice, code: str | None, middle: float) -> Reason | None:
    """What is said of an edge: of a lost element always, as nothing that needs it has a bound."""
    lost = evidence.obstacle == Obstacle.WORKER_LOST
    if not is_nowhere(lost) and of_shape(lost, evidence.shape)[part].any():
        return Reason("worker-lost", {})
    return Reason("digits-lost", {"value": number(middle)}) if code == "digits-lost" else None


def _worst(claimed: Array, evidence: Evidence, verdicts: NDArray[np.int8], part: slice) -> int:
    """The element of this part of the worst verdict; of these the first that is relatively off by most."""
    if part.stop - part.start == 1:
        return 0
    first = int(verdicts[part].argmin())
    with np.errstate(all="ignore"):
        within = np.abs(claimed[part] - evidence.value[part]) <= evidence.error[part]
    if not within.all():  # no bar is shown smaller: all within it is noise
        odd = np.flatnonzero(~within & (verdicts[part] == verdicts[part][first])) + part.start
        beyond = evidence.part(odd)
        relative = np.nan_to_num(relative_differences(claimed[odd], beyond.value, beyond.shown_bars))
        if relative.any():
            return int(odd[relative.argmax()] - part.start)
    return first
