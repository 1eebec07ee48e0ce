"""Numerical derivatives of many one-variable functions at once, each with an error bar.

The ladder of steps is climbed down in stages. With a claim to compare with, a column that bears it out
to many digits is settled after the first. The others go down to the grain of x; then the slope is the
best that can be extrapolated from the table of quotients (see `bpx.check.numeric.richardson`), and kinks,
jumps, plateaus and features too fine for any step are told from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpx.check.numeric import ladder
from bpx.check.numeric.ladder import ROUNDING, STAGES, Function, StepTable
from bpx.check.numeric.richardson import KNOWN, Best, Quotients, choose, confirmed, extrapolated, inner_grain
from bpx.graph.arrays import Array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Indices = NDArray[np.intp]

__all__ = ["ROUNDING", "SURE", "Estimate", "Fault", "Function", "OneSided", "derivative", "one_sided"]

TINY = 1e-25  # below this |x| a second ladder, scaled to |x|, may be needed
SETTLED = 1e-7  # relative: a claim this close to a candidate this good needs no further look
NEAR = 0.1  # relative: a claim that no quotient comes this close to is not worth the first look
QUICK = 16  # steps: kinks among them show in the one-sided slopes
FEWEST = 4  # usable steps
LEAST = 8  # usable steps of one side alone
SURE = 10.0  # error bars: what a verdict takes for certain
CLOSE = 1e-9  # relative: values nearer to each other than that are one
ROOM = 2**20  # numbers in the largest array of one chunk


class Fault(IntEnum):
    """Why a column has no derivative that could be trusted."""

    NONE = 0
    EDGE = 1  # f is not finite, or may not be used, too close by
    KINK = 2  # the one-sided slopes differ
    STEEP = 3  # the slopes grow without bound: a vertical tangent, or a jump
    STRUCTURE = 4  # f has features that the steps cannot resolve


class Estimate(NamedTuple):
    """Derivatives of n columns; every field has shape (n,).

    `error` is such that |truth - value| ≤ error nearly always. `slope_scale` is the largest slope met
    over the steps the value rests on, against which a stationary point is flat. `flat` says that f does
    not change at all near x. `left` and `right` are one-sided slopes with the bar `side_error`; nan
    where they were not needed.
    """

    value: Array
    error: Array
    value_at: Array
    slope_scale: Array
    flat: Flags
    code: NDArray[np.int8]
    left: Array
    right: Array
    side_error: Array


class OneSided(NamedTuple):
    """Slopes of one side and the values f tends to there, of shape (n,), with their error bars."""

    slope: Array
    error: Array
    limit: Array
    limit_error: Array

    def jumps(self, here: Array | float, known: Array | float) -> Flags:
        """Where the limit differs from the value `here`, itself known to within `known`."""
        room = SURE * self.limit_error + CLOSE * np.maximum(np.abs(here), np.abs(self.limit)) + known
        return np.asarray(np.abs(self.limit - here) > room)


def derivative(
    function: Function, x: Array, *, claimed: Array | None = None, blind: bool = False
) -> Estimate:
    """The derivative of every column at its x, of shape (n,), with an error bar.

    `claimed` (n,) is what somebody says it is: columns where that is confirmed to many digits cost a
    few evaluations. A `blind` run knows of no guards: kinks are looked for in the values, and what lies
    below the rounding grain of possible inner values is not trusted.
    """
    x = np.asarray(x, dtype=float)
    claims = np.full(x.shape, np.nan) if claimed is None else np.asarray(claimed, dtype=float)
    found = _empty(len(x))
    task = _Task(function, x, np.maximum(np.abs(x), 1.0), claims, blind)
    for columns in _chunks(np.arange(len(x))):
        _climb(task, columns, found)
    retry = (found.code == Fault.EDGE) & (np.abs(x) < TINY) & (x != 0)
    for columns in _chunks(np.flatnonzero(retry)):
        _climb(task._replace(scale=np.abs(x)), columns, found)
    return found


def one_sided(function: Function, x: Array, side: int) -> OneSided:
    """The slopes on one side of every x (n,), and the values f tends to; `side` is 1 or -1.

    Only points strictly on that side are used, so x may stand on a kink, or a rounding error beside it.
    """
    x = np.asarray(x, dtype=float)
    parts = [_one_side(function, columns, x[columns], side) for columns in _chunks(np.arange(len(x)))]
    return OneSided(*map(np.concatenate, zip(*parts, strict=True))) if parts else OneSided(*[x] * 4)


class _Task(NamedTuple):
    """What `derivative` was asked, for all columns; `scale` is what the steps are measured in."""

    function: Function
    x: Array
    scale: Array
    claimed: Array
    blind: bool


def _empty(n: int) -> Estimate:
    unknown, endless = np.full(n, np.nan), np.full(n, np.inf)
    code, flat = np.full(n, Fault.EDGE, dtype=np.int8), np.zeros(n, dtype=bool)
    fields = (unknown, endless, unknown, np.zeros(n), flat, code, unknown, unknown, endless)
    return Estimate._make(field.copy() for field in fields)


def _chunks(columns: Indices) -> Iterator[Indices]:
    most = max(1, ROOM // STAGES[2] ** 2)
    return (columns[start : start + most] for start in range(0, len(columns), most))


@np.errstate(all="ignore")
def _climb(task: _Task, columns: Indices, found: Estimate) -> None:
    """Fill in `found` for these columns, stage by stage."""
    table = ladder.start(task.function, columns, task.x[columns])
    table = table.taking(np.isfinite(table.middle))
    for count in STAGES:
        if not len(table.columns):
            break
        table = ladder.extended(table, task.function, task.scale[table.columns], count)
        settled = _settle(table, task.claimed[table.columns], found)
        ended = ladder.ended(table)
        _finish(task, table.taking(ended & ~settled), found)
        table = table.taking(~(ended | settled))


# --- claims that are soon confirmed --------------------------------------------------------------


def _settle(table: StepTable, claimed: Array, found: Estimate) -> Flags:
    """Which columns confirm the claim to many digits already; these are filled in."""
    settled = _still(table, claimed, found)
    near = np.abs(table.central - claimed) <= NEAR * np.abs(claimed)
    hopeful = near.any(axis=0) & (claimed != 0) & np.isfinite(claimed) & ~settled
    if hopeful.any():
        settled[hopeful] = _confirm(table.taking(hopeful), claimed[hopeful], found)
    return settled


def _still(table: StepTable, claimed: Array, found: Estimate) -> Flags:
    """Claims of 0 where f does not change at all."""
    flat_to, scale = ladder.flat_range(table), table.slope_scale()
    still = (claimed == 0) & (scale == 0) & (flat_to > 0) & (table.usable >= FEWEST)
    _fill(found, table, still, ladder.level(table, flat_to), still, Fault.NONE)
    return np.asarray(still)


def _confirm(table: StepTable, claimed: Array, found: Estimate) -> Flags:
    scale, size = table.slope_scale(), np.abs(claimed)
    quotients = table.quotients(table.central, 2, table.above, table.below)
    best = confirmed(quotients, scale, quick=len(table.steps) <= QUICK)
    gap = np.abs(best.value - claimed)
    confirms = (gap <= SETTLED * size) & (SURE * best.error <= SETTLED * size)
    confirms &= ladder.closing(table, SETTLED * size, best.first)
    # The claim is as good a witness as the difference.
    best = best._replace(error=np.maximum(best.error, gap))
    _fill(found, table, confirms, best, np.zeros_like(confirms), Fault.NONE)
    return np.asarray(confirms)


# --- the whole ladder ----------------------------------------------------------------------------


def _finish(task: _Task, table: StepTable, found: Estimate) -> None:
    """Fill in columns whose ladder is complete."""
    if not len(table.columns):
        return
    scale, flat_to = table.slope_scale(), ladder.flat_range(table)
    quantum = ladder.stair(task.function, table, flat_to)
    floor = inner_grain(table.x) if task.blind else 0.0
    central, right, left = (extrapolated(one, scale, floor) for one in _kinds(table, quantum))
    flat = (flat_to > 0) & (quantum == 0)
    best = _better_side(central, right, left, task.blind)
    best = choose(flat, ladder.level(table, flat_to), best)
    code = np.where(np.isinf(best.error), Fault.STRUCTURE, Fault.NONE)
    code[ladder.steep(table)] = Fault.STEEP
    if task.blind:
        code[_torn(central, right) | _torn(central, left)] = Fault.STRUCTURE
        parted, gap = _parted(right, left), np.abs(right.value - left.value)
        beside = ladder.meeting(table, gap, quantum)
        code[parted] = np.where(beside, Fault.STRUCTURE, Fault.KINK)[parted]
    code[flat] = Fault.NONE
    code[_without_room(task, table)] = Fault.EDGE
    everything = np.ones(len(scale), dtype=bool)
    sides = (left.value, right.value, np.maximum(left.plain, right.plain))
    _fill(found, table, everything, best, flat, code, sides)


def _kinds(table: StepTable, quantum: Array) -> Iterator[Quotients]:
    """Central quotients, those to the right and those to the left."""
    above, below = table.above, table.below
    yield table.quotients(table.central, 2, above, below, quantum=quantum)
    yield table.quotients(table.right, 1, above, quantum=quantum)
    yield table.quotients(table.left, 1, below, quantum=quantum)


def _without_room(task: _Task, table: StepTable) -> Flags:
    """Whether too few steps are usable; where guards keep watch, those of one side will do.

    Not so on the first ladder of a tiny x, all of whose steps may be too large.
    """
    lonely = table.usable < FEWEST
    again = (np.abs(table.x) < TINY) & (task.scale[table.columns] == 1)
    return np.asarray(lonely if task.blind else lonely & (again | (table.usable_aside < FEWEST)))


def _fill(
    found: Estimate,
    table: StepTable,
    chosen: Flags,
    best: Best,
    flat: Flags,
    code: NDArray[Any] | Fault,
    sides: tuple[Array, Array, Array] | None = None,
) -> None:
    columns = table.columns[chosen]
    code = np.broadcast_to(np.asarray(code), chosen.shape)[chosen]
    found.value[columns] = np.where(code == Fault.NONE, best.value[chosen], np.nan)
    found.error[columns] = np.where(code == Fault.NONE, best.error[chosen], np.inf)
    found.value_at[columns] = table.middle[chosen]
    found.slope_scale[columns] = table.slope_scale(best.first)[chosen]
    found.flat[columns] = flat[chosen]
    found.code[columns] = code
    if sides:
        for field, side in zip((found.left, found.right, found.side_error), sides, strict=True):
            field[columns] = side[chosen]


# --- both sides ----------------------------------------------------------------------------------


def _apart(one: Best, other: Best) -> Flags:
    """Whether two slopes differ by more than their errors."""
    gap, error = np.abs(one.value - other.value), one.plain + other.plain
    size = np.maximum(np.abs(one.value), np.abs(other.value))
    return np.asarray((gap > SURE * error) & (gap > SETTLED * size))


def _parted(right: Best, left: Best) -> Flags:
    """Whether the one-sided slopes differ, both of them being well known."""
    size = np.maximum(np.abs(right.value), np.abs(left.value))
    return np.asarray(_apart(right, left) & (right.plain + left.plain <= KNOWN * size))


def _torn(central: Best, side: Best) -> Flags:
    """Whether a well-known slope of one side is not that of both: a kink is stridden over unnoticed."""
    return np.asarray(_apart(central, side) & (side.plain <= KNOWN * np.abs(side.value)))


def _better_side(central: Best, right: Best, left: Best, blind: bool) -> Best:
    """The central estimate, or that of a side where a kink or an edge is close on the other.

    Without guards the other side must be known well enough to show that it has the same slope.
    """
    best = central
    for one, other in ((right, left), (left, right)):
        better = 3 * one.error < best.error
        if blind:
            gap, size = np.abs(one.value - other.value), np.abs(one.value)
            better &= (gap <= SURE * (one.error + other.plain)) & (other.plain <= KNOWN * size)
        best = choose(better, one, best)
    return best


@np.errstate(all="ignore")
def _one_side(function: Function, columns: Indices, x: Array, side: int) -> OneSided:
    points = x + side * ladder.rungs(0, STAGES[2]) * np.maximum(np.abs(x), 1.0)
    values = ladder.values_at(function, points, columns)
    found = OneSided(*(np.full(len(x), fill) for fill in (np.nan, np.inf, np.nan, np.inf)))
    # So close to x that rounding takes them to the other side, points may be unusable: leave those out.
    lengths = len(points) - np.isfinite(values)[::-1].argmax(axis=0)
    for count in np.unique(lengths[np.isfinite(values).any(axis=0) & (lengths > LEAST)]):
        here = lengths == count
        part = _from_points(columns[here], x[here], points[:count, here], values[:count, here])
        for field, value in zip(found, part, strict=True):
            field[here] = value
    return found


def _from_points(columns: Indices, x: Array, points: Array, values: Array) -> OneSided:
    """From quotients between neighbours, the values at the last point standing in for those at x."""
    offsets, last = points - x, values[-1]
    slopes = ladder.inner(np.diff(values, axis=0) / np.diff(offsets, axis=0))
    table = StepTable(columns, x, last, np.abs(offsets[:-1]), values[:-1], values[:-1])
    scale = np.nan_to_num(np.fmax.reduce(np.abs(slopes), axis=0))
    best = extrapolated(table.quotients(slopes, 1, table.above), scale)
    bend = np.abs(values[-2] - last - best.value * (offsets[-2] - offsets[-1]))
    room = best.error * np.abs(offsets[-1]) + bend + 2 * ROUNDING * np.abs(last)
    return OneSided(best.value, best.error, last - best.value * offsets[-1], room)
