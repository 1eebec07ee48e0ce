"""Numerical derivatives of many one-variable functions at once, each with an error bar.

The ladder of steps (`bpx.check.numeric.ladder`) is extended downwards in stages. A column whose claim is
confirmed to many digits is settled after the first stages. The others go down to the rounding of x; then the
slope is the best that can be extrapolated from the table of quotients (`bpx.check.numeric.richardson`), and
kinks, jumps, plateaus and features too fine for any step are told from it.

Convention: n columns, one function of one variable each; they are evaluated together, in chunks that fit into
memory, and do not influence each other. NumPy's warnings are silenced: what is not finite is not usable.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpx.check.numeric import ladder
from bpx.check.numeric.both_sides import central_or_side, open_gap, sides_differ, strides_over_kink
from bpx.check.numeric.ladder import Function, StepTable
from bpx.check.numeric.richardson import (
    Extrapolation,
    Quotients,
    confirming,
    extrapolated,
    inner_rounding_step,
    select,
)
from bpx.check.numeric.tolerances import (
    FEWEST_STEPS,
    FEWEST_STEPS_ONE_SIDED,
    FLAT_CLAIM_ROUNDINGS,
    HOPEFUL_GAP,
    LARGEST_CHUNK_ELEMENTS,
    QUICK_STEPS,
    QUIET_ROUNDINGS,
    SAFETY_FACTOR,
    SAME_VALUE,
    SECOND_LADDER_BELOW,
    SETTLED,
    STAGE_STEPS,
    STAIR_ROUNDINGS,
    UNIT_ROUNDOFF,
)
from bpx.graph.arrays import Array, Flags, Indices

if TYPE_CHECKING:
    from numpy.typing import NDArray


__all__ = ["DerivativeStatus", "Estimate", "Function", "OneSided", "derivative", "one_sided"]


class DerivativeStatus(IntEnum):
    """Whether a column has a derivative that can be trusted, and if not, why."""

    OK = 0
    DOMAIN_EDGE = 1  # f is not finite, or may not be used, too close by
    KINK = 2  # the one-sided slopes differ
    UNBOUNDED = 3  # the slopes grow without bound: a vertical tangent, or a jump
    UNRESOLVED = 4  # f has features that the steps cannot resolve
    STAIRS = 5  # f changes in steps too high for a rounding of float64


class Estimate(NamedTuple):
    """Derivatives of n columns; every field has shape (n,).

    `error` is such that |truth - value| ≤ error nearly always (in 99.9 % of the corpus). `slope_scale` is
    the largest slope met over the steps the value rests on, against which a stationary point is flat. `flat`
    says that f does not change by a bit near x, `apart` that its one-sided slopes do not approach each other
    as far as the steps go, which is in the bar. `left` and `right` are one-sided slopes with the bar
    `side_error`; nan where they were not needed.
    """

    value: Array  # nan where the status is not OK
    error: Array  # inf there
    value_at: Array  # f(x)
    slope_scale: Array
    flat: Flags
    apart: Flags
    status: NDArray[np.int8]  # a DerivativeStatus
    left: Array
    right: Array
    side_error: Array


class OneSided(NamedTuple):
    """Slopes of one side and the values f tends to there, of shape (n,), with their error bars."""

    slope: Array
    error: Array
    limit: Array
    limit_error: Array
    nearest: Array  # the point nearest to x that they rest on

    def jumps(self, here: Array | float, error_here: Array | float) -> Flags:
        """Where the limit differs from the value `here`, itself known to within `error_here`; all (n,)."""
        same_value = SAME_VALUE * np.maximum(np.abs(here), np.abs(self.limit))
        tolerance = SAFETY_FACTOR * self.limit_error + same_value + error_here
        return np.asarray(np.abs(self.limit - here) > tolerance)


def derivative(
    function: Function,
    x: Array,
    *,
    claimed: Array | None = None,
    blind: bool = False,
    roundoff: float = UNIT_ROUNDOFF,
) -> Estimate:
    """The derivative of every column at its x, of shape (n,), with an error bar.

    `function(points, columns)` takes points (K, m) and the indices (m,) of their columns, and returns the
    values (K, m) and where these may be used. `claimed` (n,) is what somebody says the derivative is:
    columns where that is confirmed to many digits cost a few evaluations (17 in place of 49 and more);
    the others are judged without it. A `blind` run knows of no guards: kinks are looked for in the values,
    and what lies below the rounding of possible inner values is not trusted. `roundoff` is the largest
    relative error of one rounding in the type that f returns. Raises what `function` raises.
    """
    x = np.asarray(x, dtype=float)
    claims = np.full(x.shape, np.nan) if claimed is None else np.asarray(claimed, dtype=float)
    estimate = _nothing_known(len(x))
    # Steps in proportion to x alone would drown where a small x is added to something of size 1.
    problem = Problem(function, x, np.maximum(np.abs(x), 1.0), claims, blind, roundoff)
    for columns in _chunks(np.arange(len(x))):
        _estimate(problem, columns, estimate)
    # At log(x), x = 1e-30, they are the only ones inside the domain: a second ladder, where the first fails.
    tiny = (np.abs(x) < SECOND_LADDER_BELOW) & (x != 0)
    for columns in _chunks(np.flatnonzero(tiny & (estimate.status == DerivativeStatus.DOMAIN_EDGE))):
        _estimate(problem._replace(scale=np.abs(x)), columns, estimate)
    return estimate


def one_sided(function: Function, x: Array, side: int) -> OneSided:
    """The slopes on one side of every x (n,), and the values f tends to; `side` is 1 or -1.

    Only points strictly on that side are used, so x may stand on a kink, or a rounding error beside it. Where
    too few of them are usable, slope and limit are nan and their errors infinite.
    """
    x = np.asarray(x, dtype=float)
    parts = [_one_side(function, columns, x[columns], side) for columns in _chunks(np.arange(len(x)))]
    return OneSided(*map(np.concatenate, zip(*parts, strict=True))) if parts else OneSided(*[x] * 5)


class Problem(NamedTuple):
    """The arguments of `derivative`, for all columns; `scale` (n,) is the unit of the steps."""

    function: Function
    x: Array
    scale: Array
    claimed: Array
    blind: bool
    roundoff: float


def _nothing_known(n: int) -> Estimate:
    unknown, unbounded = np.full(n, np.nan), np.full(n, np.inf)
    status, no = np.full(n, DerivativeStatus.DOMAIN_EDGE, dtype=np.int8), np.zeros(n, dtype=bool)
    fields = (unknown, unbounded, unknown, np.zeros(n), no, no, status, unknown, unknown, unbounded)
    return Estimate._make(field.copy() for field in fields)


def _chunks(columns: Indices) -> Iterator[Indices]:
    """Columns in parts; the largest array of one is a window of `richardson`, steps × steps × columns."""
    most = max(1, LARGEST_CHUNK_ELEMENTS // STAGE_STEPS[2] ** 2)
    return (columns[start : start + most] for start in range(0, len(columns), most))


@np.errstate(all="ignore")
def _estimate(problem: Problem, columns: Indices, estimate: Estimate) -> None:
    """Fill in the `estimate` of these columns, stage by stage."""
    table = ladder.start(problem.function, columns, problem.x[columns], problem.roundoff)
    table = table.taking(np.isfinite(table.middle))  # elsewhere the status stays DOMAIN_EDGE
    for count in STAGE_STEPS:
        if not len(table.columns):
            break
        table = ladder.extended(table, problem.function, problem.scale[table.columns], count)
        settled = _settle(table, problem.claimed[table.columns], problem.blind, estimate)
        ended = ladder.ended(table)
        _conclude(problem, table.taking(ended & ~settled), estimate)
        table = table.taking(~(ended | settled))


# --- claims that are soon confirmed --------------------------------------------------------------


def _settle(table: StepTable, claimed: Array, blind: bool, estimate: Estimate) -> Flags:
    """Which columns (m,) confirm the claim to many digits already; their estimates are filled in.

    Only a claim that is right can be settled here: a wrong one is always judged by the whole ladder, so that
    no claim bends the reference that it is compared with.
    """
    settled = _settle_zeros(table, claimed, estimate)
    near = np.abs(table.central - claimed) <= HOPEFUL_GAP * np.abs(claimed)
    # A claim of 0 has no relative gap; flat columns with it were settled above.
    hopeful = near.any(axis=0) & (claimed != 0) & np.isfinite(claimed) & ~settled
    if hopeful.any():
        settled[hopeful] = _confirm(table.taking(hopeful), claimed[hopeful], blind, estimate)
    return settled


def _settle_zeros(table: StepTable, claimed: Array, estimate: Estimate) -> Flags:
    """Claims of 0 where f does not change at all; filled in."""
    if not (claimed == 0).any():
        return np.zeros(claimed.shape, dtype=bool)
    flat_to, scale = ladder.flat_range(table), table.slope_scale()
    still = (claimed == 0) & (scale == 0) & (flat_to > 0) & (table.usable >= FEWEST_STEPS)
    _fill(estimate, table, still, ladder.flat_slope(table, flat_to), still, DerivativeStatus.OK)
    return np.asarray(still)


def _confirm(table: StepTable, claimed: Array, blind: bool, estimate: Estimate) -> Flags:
    """Which claims (m,) a candidate of the table so far confirms; filled in."""
    scale, size = table.slope_scale(), np.abs(claimed)
    quotients = table.quotients(table.central, 2, table.above, table.below)
    quiet = QUIET_ROUNDINGS * table.roundoff * np.maximum(np.abs(table.middle), 1.0) if blind else np.inf
    best = confirming(quotients, scale, quick=len(table.steps) <= QUICK_STEPS, quiet=quiet)
    gap = np.abs(best.value - claimed)
    confirms = (gap <= SETTLED * size) & (SAFETY_FACTOR * best.error <= SETTLED * size)
    # A claim of ½ at the kink of relu agrees with every central quotient: the sides must agree as well.
    confirms &= ladder.closing(table, SETTLED * size, best.largest_step)
    # The claim is as good a witness as the difference: what they differ by is the larger error of the two.
    best = best._replace(error=np.maximum(best.error, gap))
    _fill(estimate, table, confirms, best, np.zeros_like(confirms), DerivativeStatus.OK)
    return np.asarray(confirms)


# --- the whole ladder ----------------------------------------------------------------------------


class Conclusion(NamedTuple):
    """What complete ladders of m columns say; every field has shape (m,)."""

    best: Extrapolation
    left: Extrapolation
    right: Extrapolation
    status: NDArray[np.int8]
    flat: Flags
    apart: Flags
    quantum: Array


def _conclude(problem: Problem, table: StepTable, estimate: Estimate) -> None:
    """Fill in columns whose ladder is complete."""
    if not len(table.columns):
        return
    best, left, right, status, flat, apart, _ = concluded(problem, table)
    if problem.blind:
        estimate.apart[table.columns] = apart
    sides = (left.value, right.value, np.maximum(left.own_error, right.own_error))
    _fill(estimate, table, np.ones(len(flat), dtype=bool), best, flat, status, sides)


def concluded(problem: Problem, table: StepTable) -> Conclusion:
    """What a complete ladder says."""
    scale, flat_to = table.slope_scale(), ladder.flat_range(table)
    quantum = ladder.inner_quantum(problem.function, table, flat_to)
    floor = inner_rounding_step(table.x) if problem.blind else 0.0
    central, right, left = (extrapolated(kind, scale, floor) for kind in _quotients(table, quantum))
    # Stairs of inner rounding are flat as well, but only between two steps: no plateau of f.
    flat = (flat_to > 0) & (quantum == 0)
    best = central_or_side(central, right, left, problem.blind)
    best = select(flat, ladder.flat_slope(table, flat_to), best)
    unresolved = np.isinf(best.error) | ladder.too_coarse(table)
    status = np.where(unresolved, DerivativeStatus.UNRESOLVED, DerivativeStatus.OK)
    # A blind run cannot see how large the inner values are whose rounding it may take for a slope.
    status[ladder.steep(table, 1.0 if problem.blind else 0.0)] = DerivativeStatus.UNBOUNDED
    apart = np.zeros(len(scale), dtype=bool)
    if problem.blind:
        gap, apart = open_gap(table, quantum, scale)
        best = best._replace(error=np.maximum(best.error, gap))
        _find_kinks(table, (central, right, left), quantum, status)
        status[_is_staircase(table, quantum, problem.claimed[table.columns])] = DerivativeStatus.STAIRS
    # The later reason outranks the earlier one.
    status[flat] = DerivativeStatus.OK
    status[_too_few_steps(problem, table)] = DerivativeStatus.DOMAIN_EDGE
    return Conclusion(best, left, right, status, flat, apart, quantum)


def _quotients(table: StepTable, quantum: Array) -> Iterator[Quotients]:
    """Central quotients, those to the right and those to the left."""
    above, below = table.above, table.below
    # The error of a central quotient is even in h, that of a one-sided one is not.
    yield table.quotients(table.central, 2, above, below, quantum=quantum)
    yield table.quotients(table.right, 1, above, quantum=quantum)
    yield table.quotients(table.left, 1, below, quantum=quantum)


def _is_staircase(table: StepTable, quantum: Array, claimed: Array) -> Flags:
    """Whether steps (m,) of f are no rounding: too high for one; or claimed to be none, as where f is flat.

    Of a staircase the derivative is 0, and of a rounding it is not; a low step may be either.
    """
    size = np.maximum(np.abs(table.middle), 1.0)
    flat = (claimed == 0) & (quantum > FLAT_CLAIM_ROUNDINGS * table.roundoff * size)
    return np.asarray(flat | (quantum > STAIR_ROUNDINGS * size))


def _too_few_steps(problem: Problem, table: StepTable) -> Flags:
    """Whether too few steps (m,) are usable; where guards keep watch, those of one side will do.

    Not so on the first ladder of a tiny x, all of whose steps may be too large.
    """
    few = table.usable < FEWEST_STEPS
    if problem.blind:
        return np.asarray(few)
    second_to_come = (np.abs(table.x) < SECOND_LADDER_BELOW) & (problem.scale[table.columns] == 1)
    return np.asarray(few & (second_to_come | (table.usable_on_one_side < FEWEST_STEPS)))


def _fill(
    estimate: Estimate,
    table: StepTable,
    chosen: Flags,
    best: Extrapolation,
    flat: Flags,
    status: NDArray[Any] | DerivativeStatus,
    sides: tuple[Array, Array, Array] | None = None,
) -> None:
    """Write what the table says of its `chosen` columns into the estimate of all columns."""
    columns = table.columns[chosen]
    status = np.broadcast_to(np.asarray(status), chosen.shape)[chosen]
    ok = status == DerivativeStatus.OK
    estimate.value[columns] = np.where(ok, best.value[chosen], np.nan)
    estimate.error[columns] = np.where(ok, best.error[chosen], np.inf)
    estimate.value_at[columns] = table.middle[chosen]
    estimate.slope_scale[columns] = table.slope_scale(best.largest_step)[chosen]
    estimate.flat[columns] = flat[chosen]
    estimate.status[columns] = status
    if sides:
        for field, side in zip((estimate.left, estimate.right, estimate.side_error), sides, strict=True):
            field[columns] = side[chosen]


# --- both sides ----------------------------------------------------------------------------------


def _find_kinks(
    table: StepTable, slopes: tuple[Extrapolation, Extrapolation, Extrapolation], quantum: Array, status: Any
) -> None:
    """Write kinks, which no guard tells of, into the `status` (m,); slopes: central, right, left."""
    central, right, left = slopes
    torn = strides_over_kink(central, right) | strides_over_kink(central, left)
    status[torn] = DerivativeStatus.UNRESOLVED
    parted, gap = sides_differ(right, left), np.abs(right.value - left.value)
    beside = ladder.meeting(table, gap, quantum)
    status[parted] = np.where(beside, DerivativeStatus.UNRESOLVED, DerivativeStatus.KINK)[parted]


@np.errstate(all="ignore")
def _one_side(function: Function, columns: Indices, x: Array, side: int) -> OneSided:
    points = x + side * ladder.rungs(0, STAGE_STEPS[2]) * np.maximum(np.abs(x), 1.0)
    values = ladder.values_at(function, points, columns)
    slopes = OneSided(*(np.full(len(x), fill) for fill in (np.nan, np.inf, np.nan, np.inf, np.nan)))
    # So close to x that rounding takes them to the other side, points may be unusable: leave those out.
    lengths = len(points) - np.isfinite(values)[::-1].argmax(axis=0)
    usable = np.isfinite(values).any(axis=0) & (lengths > FEWEST_STEPS_ONE_SIDED)
    for count in np.unique(lengths[usable]):
        same = lengths == count
        part = _from_points(columns[same], x[same], points[:count, same], values[:count, same])
        for field, value in zip(slopes, part, strict=True):
            field[same] = value
    return slopes


def _from_points(columns: Indices, x: Array, points: Array, values: Array) -> OneSided:
    """From quotients between neighbours, the values at the last point standing in for those at x.

    The value at x itself belongs to neither side of a jump, and to one side only of a kink that rounding
    has put beside x.
    """
    offsets, last = points - x, values[-1]
    slopes = ladder.without_larger(np.diff(values, axis=0) / np.diff(offsets, axis=0))
    roundoff = np.full(len(x), UNIT_ROUNDOFF)
    table = StepTable(columns, x, last, np.abs(offsets[:-1]), values[:-1], values[:-1], roundoff)
    scale = np.nan_to_num(np.fmax.reduce(np.abs(slopes), axis=0))
    best = extrapolated(table.quotients(slopes, 1, table.above), scale)
    # The limit is a straight line from the last point; what that misses is as large as at the point before.
    curvature = np.abs(values[-2] - last - best.value * (offsets[-2] - offsets[-1]))
    rounding = 2 * UNIT_ROUNDOFF * np.abs(last)
    limit_error = best.error * np.abs(offsets[-1]) + curvature + rounding
    return OneSided(best.value, best.error, last - best.value * offsets[-1], limit_error, points[-1])
