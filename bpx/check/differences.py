"""Numerical derivatives of many one-variable functions at once, each with an error bar.

A ladder of steps h, each a quarter of the one before, gives a table of difference quotients for every
function ("column"). Polynomials in h² (central quotients) or h (one-sided ones) through a few
neighbours in the table, taken to h = 0, are the candidates (Richardson 1911). What a candidate is worth
is measured at all smaller steps: there the polynomial and the quotients may differ by noise alone, so
the largest difference shows the noise, be it the rounding of f itself or of something within it.

The ladder is climbed down in stages. With a claim to compare with, a column that agrees with it to
many digits is settled after the first.

Convention: in a table of shape (K, m) the steps go downwards, largest first, and the m columns stand
side by side. A quotient is nan where it may not be used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from bpx.graph import Array

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Points (K, m) and the indices (m,) of their columns → values (K, m) and where these may be used.
Function = Callable[[Array, "NDArray[np.intp]"], tuple[Array, "NDArray[np.bool_]"]]

ROUNDING = 2.0**-53
RATIO = 4.0
FIRST = 0.37  # of max(|x|, 1); no round number, or a periodic function could look flat
STAGES = (8, 16, *range(24, 65, 4))  # steps evaluated by the end of each stage
ORDERS = 4  # a polynomial goes through 1 … ORDERS neighbours
TINY = 1e-25  # below this |x| a second ladder, scaled to |x|, may be needed
SETTLED = 1e-7  # relative: a claim this close to a candidate this good needs no further look
FEWEST = 4  # usable steps
QUIET = 0.02  # of the noise: less than this at the smallest steps, and it is not there
BRIEF = 3  # steps at which a misfit shows that shrinks with them
KNOWN = 1e-3  # relative: an estimate this good says something
MEETING = 4  # smallest steps at which the slopes of both sides may meet
BISECTIONS = 20
SURE = 10.0  # error bars: what a verdict takes for certain
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

    `error` is such that |truth - value| ≤ error nearly always. `slope_scale` is the largest slope met,
    against which a stationary point is flat. `flat` says that f does not change at all near x.
    `left` and `right` are one-sided slopes with the bar `side_error`; nan where they were not needed.
    """

    value: Array
    error: Array
    value_at: Array
    slope_scale: Array
    flat: NDArray[np.bool_]
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


def derivative(
    function: Function, x: Array, *, claimed: Array | None = None, blind: bool = False
) -> Estimate:
    """The derivative of every column at its x, of shape (n,), with an error bar.

    `claimed` (n,) is what somebody says it is: columns where that is confirmed to many digits cost a
    few evaluations. A `blind` run knows of no guards: kinks, jumps, plateaus and inner rounding are
    looked for in the values.
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
    parts = [_one_side(function, columns, x, side) for columns in _chunks(np.arange(len(x)))]
    return OneSided(*map(np.concatenate, zip(*parts, strict=True))) if parts else OneSided(*[x] * 4)


class _Task(NamedTuple):
    """What `derivative` was asked, for all columns; `scale` is what the steps are measured in."""

    function: Function
    x: Array
    scale: Array
    claimed: Array
    blind: bool


def _empty(n: int) -> Estimate:
    unknown = np.full(n, np.nan)
    return Estimate(
        unknown,
        np.full(n, np.inf),
        unknown.copy(),
        np.zeros(n),
        np.zeros(n, dtype=bool),
        np.full(n, Fault.EDGE, dtype=np.int8),
        unknown.copy(),
        unknown.copy(),
        np.full(n, np.inf),
    )


def _chunks(columns: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    count = STAGES[2]
    most = max(1, ROOM // (count * count))
    return (columns[start : start + most] for start in range(0, len(columns), most))


# --- the table of one chunk ----------------------------------------------------------------------


class Table(NamedTuple):
    """Values of f around x: `above` at x + steps, `below` at x - steps; nan where not usable."""

    columns: NDArray[np.intp]
    x: Array  # (m,)
    middle: Array  # (m,): f(x)
    steps: Array  # (K, m)
    above: Array  # (K, m)
    below: Array  # (K, m)

    def taking(self, chosen: NDArray[np.bool_]) -> Table:
        """The chosen columns alone."""
        values = (part[..., chosen] for part in self[1:])
        return Table(self.columns[chosen], *values)

    @property
    def central(self) -> Array:
        """Central quotients, of which all that a smaller unusable step forbids are nan."""
        return _inner((self.above - self.below) / (2 * self.steps))

    @property
    def right(self) -> Array:
        """Quotients from x upwards."""
        return _inner((self.above - self.middle) / self.steps)

    @property
    def left(self) -> Array:
        """Quotients from x downwards."""
        return _inner((self.middle - self.below) / self.steps)


def _inner(quotients: Array) -> Array:
    """Without the steps that are larger than the smallest unusable one."""
    bad = ~np.isfinite(quotients)
    if not bad.any():
        return quotients
    spoilt = np.logical_or.accumulate(bad[::-1])[::-1]
    return np.where(spoilt, np.nan, quotients)


def _start(function: Function, columns: NDArray[np.intp], x: Array) -> Table:
    middle = _values(function, x[np.newaxis], columns, guarded=False)[0]
    none = np.empty((0, len(x)))
    return Table(columns, x, middle, none, none, none)


def _extended(table: Table, function: Function, scale: Array, count: int) -> Table:
    """The table with as many further steps as make `count`."""
    ladder = FIRST * scale * RATIO ** -np.arange(len(table.steps), count)[:, np.newaxis]
    # Outwards x + h is rounded to a coarser grid than x has; the step made is exact both ways.
    steps = np.abs(table.x + np.copysign(ladder, table.x) - table.x)
    values = _values(function, np.concatenate([table.x + steps, table.x - steps]), table.columns)
    above, below = values[: len(steps)], values[len(steps) :]
    return table._replace(
        steps=np.concatenate([table.steps, steps]),
        above=np.concatenate([table.above, above]),
        below=np.concatenate([table.below, below]),
    )


def _values(function: Function, points: Array, columns: NDArray[np.intp], *, guarded: bool = True) -> Array:
    with np.errstate(all="ignore"):
        values, usable = function(points, columns)
    good = np.isfinite(values) & usable if guarded else np.isfinite(values)
    return np.where(good, values, np.nan)


# --- the climb down the ladder -------------------------------------------------------------------


@np.errstate(all="ignore")
def _climb(task: _Task, columns: NDArray[np.intp], found: Estimate) -> None:
    """Fill in `found` for these columns, stage by stage."""
    table = _start(task.function, columns, task.x[columns])
    table = table.taking(np.isfinite(table.middle))
    for count in STAGES:
        if not len(table.columns):
            break
        scale = task.scale[table.columns]
        table = _extended(table, task.function, scale, count)
        settled = _settle(table, task.claimed[table.columns], found)
        ended = _ended(table)
        _finish(task, table.taking(ended & ~settled), found)
        table = table.taking(~(ended | settled))


def _ended(table: Table) -> NDArray[np.bool_]:
    """Whether the ladder is down at the grain of x."""
    size, last = np.abs(table.x), table.steps[-1]
    low = np.where(size == 0, 2.0**-66, 2.0**-42 * size)
    return np.asarray((last < low) | (len(table.steps) == STAGES[-1]))


def _settle(table: Table, claimed: Array, found: Estimate) -> NDArray[np.bool_]:
    """Which columns confirm the claim to many digits already; these are filled in."""
    scale = _slope_scale(table)
    best = _best(_fit(table, table.central, 2, _grain(table)), scale, trusting=True)
    size, bar = np.where(np.isfinite(claimed), np.abs(claimed), np.nan), SURE * best.error
    near = (np.abs(best.value - claimed) <= SETTLED * size) & (bar <= SETTLED * size) & (size > 0)
    flat_to = _flat_range(table)
    still = (claimed == 0) & (scale == 0) & (flat_to > 0) & (_usable(table) >= FEWEST)
    settled = (near & _closing(table, size)) | still
    # The claim is as good a witness as the difference.
    best = best._replace(error=np.maximum(best.error, np.abs(best.value - claimed)))
    best = _where(still, _level(table, flat_to), best)
    _fill(found, table, settled, best, scale, still, Fault.NONE)
    return np.asarray(settled)


def _closing(table: Table, size: Array) -> NDArray[np.bool_]:
    """Whether the one-sided slopes close up as the steps shrink, as they do not at a kink."""
    gap = np.abs(table.right - table.left)[-2:]
    noise = SETTLED * size + 4 * _grain(table)[-1] / table.steps[-1]
    return np.asarray(gap[1] <= 0.5 * gap[0] + noise)


def _finish(task: _Task, table: Table, found: Estimate) -> None:
    """Fill in columns whose ladder is complete."""
    if not len(table.columns):
        return
    scale = _slope_scale(table)
    flat_to = _flat_range(table)
    quantum = _quantum(task, table, flat_to)
    floor = _inner_grain(table) if task.blind else 0.0
    fits = (
        _fit(table, quotients, power, np.maximum(_grain(table, *ends), quantum), 4 * quantum)
        for quotients, power, ends in (
            (table.central, 2, (table.above, table.below)),
            (table.right, 1, (table.above,)),
            (table.left, 1, (table.below,)),
        )
    )
    central, right, left = (_best(fit, scale, floor) for fit in fits)
    best = _better_side(central, right, left, task.blind)
    flat = (flat_to > 0) & (quantum == 0)
    best = _where(flat, _level(table, flat_to), best)
    code = np.where(np.isinf(best.error), Fault.STRUCTURE, Fault.NONE)
    code[_steep(table)] = Fault.STEEP
    if task.blind:
        code[_torn(central, right) | _torn(central, left)] = Fault.STRUCTURE
        parted = _parted(right, left)
        code[parted] = np.where(_meeting(table, right, left, quantum)[parted], Fault.STRUCTURE, Fault.KINK)
    code[flat] = Fault.NONE
    code[_usable(table) < FEWEST] = Fault.EDGE
    if not task.blind:
        one_side = np.maximum(_count(table.right), _count(table.left)) >= FEWEST
        again = (np.abs(table.x) < TINY) & (task.scale[table.columns] == 1)
        code[(code == Fault.EDGE) & one_side & ~again] = Fault.NONE
    everything = np.ones(len(scale), dtype=bool)
    sides = (left.value, right.value, np.maximum(left.plain, right.plain))
    _fill(found, table, everything, best, scale, flat, code, sides)


def _fill(
    found: Estimate,
    table: Table,
    chosen: NDArray[np.bool_],
    best: _Best,
    scale: Array,
    flat: NDArray[np.bool_],
    code: NDArray[Any] | Fault,
    sides: tuple[Array, Array, Array] | None = None,
) -> None:
    columns = table.columns[chosen]
    code = np.broadcast_to(np.asarray(code), scale.shape)[chosen]
    found.value[columns] = np.where(code == Fault.NONE, best.value[chosen], np.nan)
    found.error[columns] = np.where(code == Fault.NONE, best.error[chosen], np.inf)
    found.value_at[columns] = table.middle[chosen]
    found.slope_scale[columns] = scale[chosen]
    found.flat[columns] = flat[chosen]
    found.code[columns] = code
    if sides:
        for field, side in zip((found.left, found.right, found.side_error), sides, strict=True):
            field[columns] = side[chosen]


# --- what a table shows --------------------------------------------------------------------------


def _grain(table: Table, *ends: Array) -> Array:
    """What the rounding of f itself may come to in a difference of values at these ends (K, m)."""
    height = np.abs(table.middle)
    for end in ends or (table.above, table.below):
        height = np.fmax(height, np.abs(end))
    return np.asarray(2 * ROUNDING * height)


def _slope_scale(table: Table) -> Array:
    """The largest slope over the largest usable steps; small ones would show noise."""
    slopes = np.fmax(np.abs(table.right), np.abs(table.left))
    known = np.isfinite(slopes)
    return np.asarray(np.where(known & (np.cumsum(known, axis=0) <= 4), slopes, 0.0).max(axis=0))


def _usable(table: Table) -> NDArray[Any]:
    """How many steps are usable on both sides."""
    return _count(table.central)


def _count(quotients: Array) -> NDArray[Any]:
    return np.asarray(np.isfinite(quotients).sum(axis=0))


def _flat_range(table: Table) -> Array:
    """The step up to which f does not change by a bit; 0 where it changes at once."""
    changed = _changed(table)
    still = ~np.logical_or.accumulate(changed[::-1])[::-1]
    return np.asarray(np.where(still & np.isfinite(table.central), table.steps, 0.0).max(axis=0))


def _changed(table: Table) -> NDArray[np.bool_]:
    ends = (table.above, table.below)
    above, below = ((end != table.middle) & ~np.isnan(end) for end in ends)
    return np.asarray(above | below)


def _level(table: Table, flat_to: Array) -> _Best:
    """A slope of 0, give or take what rounding may hide where f does not change."""
    hidden = 4 * ROUNDING * np.maximum(np.abs(table.middle), 1.0) / np.maximum(flat_to, 5e-324)
    return _Best(np.zeros_like(hidden), hidden, hidden, flat_to)


def _steep(table: Table) -> NDArray[np.bool_]:
    """Whether the slopes grow steadily down to the smallest steps, by more than noise does."""
    big = np.abs(table.above - table.below)[-1] > 1e3 * _grain(table)[-1]
    central, right, left = (_growing(slopes) for slopes in (table.central, table.right, table.left))
    return np.asarray((central & big) | (right & left))


def _growing(slopes: Array) -> NDArray[np.bool_]:
    ratio = slopes[-6:] / slopes[-7:-1]
    return np.asarray(((ratio > 1.3) & (ratio < 1.1 * RATIO)).all(axis=0))


def _apart(one: _Best, other: _Best) -> NDArray[np.bool_]:
    """Whether two slopes differ by more than their errors."""
    gap, error = np.abs(one.value - other.value), one.plain + other.plain
    size = np.maximum(np.abs(one.value), np.abs(other.value))
    return np.asarray((gap > SURE * error) & (gap > SETTLED * size))


def _parted(right: _Best, left: _Best) -> NDArray[np.bool_]:
    """Whether the one-sided slopes differ, both of them being well known."""
    size = np.maximum(np.abs(right.value), np.abs(left.value))
    return np.asarray(_apart(right, left) & (right.plain + left.plain <= KNOWN * size))


def _torn(central: _Best, side: _Best) -> NDArray[np.bool_]:
    """Whether a well-known slope of one side is not that of both: a kink is stridden over unnoticed."""
    return np.asarray(_apart(central, side) & (side.plain <= KNOWN * np.abs(side.value)))


def _meeting(table: Table, right: _Best, left: _Best, quantum: Array) -> NDArray[np.bool_]:
    """Whether the slopes meet at the smallest steps after all: the kink is beside x, not at it."""
    gap = np.abs(right.value - left.value)
    clear = np.maximum(_grain(table), quantum) / table.steps < 0.05 * gap  # of rounding
    last = clear & (clear.sum(axis=0) - np.cumsum(clear, axis=0) < MEETING)
    return np.asarray((last & (np.abs(table.right - table.left) < 0.5 * gap)).any(axis=0))


def _better_side(central: _Best, right: _Best, left: _Best, blind: bool) -> _Best:
    """The central estimate, or that of a side where a kink or an edge is close on the other.

    Without guards the other side must be known well enough to show that it has the same slope.
    """
    best = central
    for one, other in ((right, left), (left, right)):
        better = 3 * one.error < best.error
        if blind:
            gap, size = np.abs(one.value - other.value), np.abs(one.value)
            better &= (gap <= SURE * (one.error + other.plain)) & (other.plain <= KNOWN * size)
        best = _where(better, one, best)
    return best


def _quantum(task: _Task, table: Table, flat_to: Array) -> Array:
    """The height of the stairs that rounding within f makes (m,); 0 where f is level or has none.

    Where f is still at small steps and moves at larger ones, the first change is cornered. A stair
    keeps its height as the bracket shrinks; the change at the end of a true plateau shrinks with it.
    """
    height = np.zeros(len(flat_to))
    at = np.flatnonzero((flat_to > 0) & _changed(table).any(axis=0))
    if not len(at):
        return height
    low, high = flat_to[at], RATIO * flat_to[at]
    changes = [_change(task, table, at, high)]
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        change = _change(task, table, at, middle)
        changed = ~(change == 0)
        low, high = np.where(changed, low, middle), np.where(changed, middle, high)
        changes.append(np.where(changed, change, changes[-1]))
    lasting = changes[-1] >= changes[BISECTIONS // 2] / 64
    height[at] = np.where(lasting, changes[-1], 0.0)
    return height


def _change(task: _Task, table: Table, at: NDArray[np.intp], steps: Array) -> Array:
    x = table.x[at]
    values = _values(task.function, np.stack([x + steps, x - steps]), table.columns[at])
    return np.asarray(np.abs(values - table.middle[at]).max(axis=0))


# --- polynomials through neighbours in the table -------------------------------------------------


class _Fit(NamedTuple):
    """The candidates (C, m): polynomials through 1 … ORDERS neighbours, each taken to h = 0."""

    value: Array
    error: Array  # inf where there is no such candidate
    start: NDArray[np.intp]  # the row of the largest of its steps
    first: Array  # that step
    seen: NDArray[np.intp]  # smaller steps it was measured at
    sound: NDArray[np.intp]  # of these, how many are above the inner grain
    noise: Array  # the largest misfit there, times the step
    odd: NDArray[np.bool_]  # the misfit is noise that stops on the way down: it freezes, or is none
    bent: NDArray[np.bool_]  # the misfit shrinks with the steps: a kink or the like was stridden over


class _Best(NamedTuple):
    value: Array  # (m,)
    error: Array  # (m,)
    plain: Array  # (m,): the error if no better candidate, of an odd misfit, were in doubt
    first: Array  # (m,): the largest step it rests on


def _where(chosen: NDArray[np.bool_], one: _Best, other: _Best) -> _Best:
    return _Best(*(np.where(chosen, left, right) for left, right in zip(one, other, strict=True)))


def _fit(table: Table, slopes: Array, power: int, grain: Array, excused: Array | float = 0.0) -> _Fit:
    """All candidates with their errors; a misfit up to `excused` (m,) is inner rounding."""
    parts = [_fit_order(order, table, slopes, power, grain, excused) for order in range(ORDERS)]
    return _Fit._make(map(np.concatenate, zip(*parts, strict=True)))


def _fit_order(
    order: int, table: Table, slopes: Array, power: int, grain: Array, excused: Array | float
) -> _Fit:
    known = np.isfinite(slopes)
    slopes = np.where(known, slopes, 0.0)
    at_zero, below = _lagrange(order, power, len(slopes))
    used = sliding_window_view(slopes, order + 1, axis=0)  # (C, m, nodes)
    value = used @ at_zero
    signed = _misfit(slopes, np.where(known, table.steps, 0.0), used @ below.T)
    misfit = np.abs(signed)
    noise = misfit.max(axis=-1)
    first, end = slice(len(value)), slice(order, None)  # the largest and the smallest step of each
    rounding = sliding_window_view(np.where(known, grain / table.steps, 0.0), order + 1, axis=0)
    change = np.abs(np.diff(value, axis=0, append=np.inf))
    error = 3 * np.fmax(change, np.maximum(noise / table.steps[end], rounding @ np.abs(at_zero)))
    clear = np.where(misfit > 8 * _below(grain, len(value)), signed, 0.0)  # of the rounding of f itself
    peak = np.abs(clear).max(axis=-1)
    quiet, falling = _at(misfit, _tail(table)).max(axis=-1) < QUIET * peak, _falling(misfit, table)
    regular, stands = _regular(clear), peak > excused
    odd, bent = stands & quiet & ~regular, stands & regular & (quiet | falling)
    sound = known & (table.steps >= _inner_grain(table))
    seen, sound = (one.sum(axis=0) - np.cumsum(one, axis=0)[end] for one in (known, sound))
    error = np.where(known[first], error, np.inf)
    start = np.repeat(np.arange(len(value))[:, np.newaxis], len(table.x), axis=1)
    return _Fit(value, error, start, table.steps[first], seen, sound, noise, odd, bent)


def _regular(misfit: Array) -> NDArray[np.bool_]:
    """Whether a misfit shows at few steps, or is of one sign and shrinks with the steps: noise does neither.

    A kink at the distance d bends slopes at h > d by about d / h, so that the misfit, which is that
    times h, shrinks to a constant, and below d with h.
    """
    size = np.abs(misfit)
    shows = size > 0.05 * size.max(axis=-1, keepdims=True)
    one_sign = ~((shows & (misfit > 0)).any(axis=-1) & (shows & (misfit < 0)).any(axis=-1))
    grows = shows[..., 1:] & shows[..., :-1] & (size[..., 1:] > 2 * size[..., :-1])
    return np.asarray((shows.sum(axis=-1) <= BRIEF) | (one_sign & ~grows.any(axis=-1)))


def _falling(misfit: Array, table: Table) -> NDArray[np.bool_]:
    """Whether the misfit falls as the smallest steps do: the slopes there agree with each other."""
    last = _at(misfit, _last(table))
    ratio = last[..., 1:] / last[..., :-1]
    return np.asarray(((ratio > 0.6 / RATIO) & (ratio < 1.4 / RATIO)).all(axis=-1))


def _below(table: Array, count: int) -> Array:
    """The rows of a table from the first step of each candidate down (count, m, K); 0 past the end."""
    padded = np.pad(table, ((0, len(table)), (0, 0)))
    return sliding_window_view(padded, len(table), axis=0)[:count]


@lru_cache(maxsize=64)
def _lagrange(order: int, power: int, count: int) -> tuple[Array, Array]:
    """Weights of neighbours in a table, that make the value of the polynomial through them.

    The first (nodes,) at h = 0, the second (count, nodes) at the step itself and at all below it.
    """
    nodes = RATIO ** (-power * np.arange(order + 1.0))
    below = RATIO ** (-power * np.arange(float(count)))
    same = np.eye(order + 1, dtype=bool)
    gaps = np.where(same, 1.0, nodes[:, np.newaxis] - nodes)
    away = np.append(below, 0.0)[:, np.newaxis, np.newaxis] - nodes
    weights = np.where(same, 1.0, away / gaps).prod(axis=-1)
    return weights[-1], weights[:-1]


def _misfit(slopes: Array, steps: Array, expected: Array) -> Array:
    """How far slopes are from what candidates expect (C, m, K), times the step.

    The last axis counts steps down from a candidate's first; its own are 0, and those below the ladder.
    """
    count = len(expected)
    misfit = (_below(slopes, count) - expected) * _below(steps, count)
    misfit[..., : len(slopes) - count + 1] = 0.0
    return np.asarray(misfit)


def _at(misfit: Array, rows: NDArray[np.intp]) -> Array:
    """The misfit (C, m, 4) at these rows (4, m) of the table."""
    down = rows.T - np.arange(len(misfit))[:, np.newaxis, np.newaxis]
    return np.where(down < 0, 0.0, np.take_along_axis(misfit, np.maximum(down, 0), axis=-1))


def _inner_grain(table: Table) -> Array:
    """The steps (m,) below which inner values of size 1 may be frozen by their rounding."""
    return np.asarray(8 * ROUNDING * np.maximum(np.abs(table.x), 1.0))


def _tail(table: Table) -> NDArray[np.intp]:
    """The rows (4, m) of the four smallest steps above the inner grain."""
    above = table.steps >= _inner_grain(table)
    return np.asarray(np.maximum(above.sum(axis=0), 4) + np.arange(-4, 0)[:, np.newaxis])


def _last(table: Table) -> NDArray[np.intp]:
    """The rows (4, m) of the four smallest steps."""
    count, columns = table.steps.shape
    return np.repeat(np.arange(count - 4, count)[:, np.newaxis], columns, axis=1)


def _best(fit: _Fit, scale: Array, floor: Array | float = 0.0, *, trusting: bool = False) -> _Best:
    """The candidate of the smallest relative error, preferring those seen at many smaller steps.

    Below the rounding grain of an inner value f can be smooth with a wrong slope over many steps: few
    smaller steps to look at are no proof, and noise met above stays in the error below. Where a
    claim agrees, that is proof enough (`trusting`). What was seen below `floor` alone is hardly known.
    """
    if trusting:
        error = np.where((fit.seen < 3) | fit.odd | fit.bent, np.inf, fit.error)
        return _pick(fit, error, np.zeros_like(fit.seen), scale)
    doubt = np.select([fit.sound >= 8, fit.sound >= 5], [0, 1], 2)
    error = np.maximum(fit.error * 10.0**doubt, 10 * _frozen(fit) / fit.first)
    best = _pick(fit, np.where(fit.bent, np.inf, error), doubt, scale)
    plain = _pick(fit, np.where(fit.bent | fit.odd, np.inf, error), doubt, scale)
    least = np.where(plain.first < floor, np.maximum(plain.error, np.abs(plain.value)), plain.error)
    gap = np.where(plain.value == best.value, 0.0, 2 * np.abs(plain.value - best.value))
    return plain._replace(error=np.fmax(least, gap), plain=least)


def _frozen(fit: _Fit) -> Array:
    """The noise (C, m) met at steps above a candidate's own that is not there at the smallest ones."""
    met = np.zeros_like(fit.value)
    where = (fit.start, np.arange(met.shape[1]))
    np.maximum.at(met, where, np.where(fit.odd, fit.noise, 0.0))
    above = np.maximum.accumulate(met, axis=0)[np.maximum(fit.start - 1, 0), where[1]]
    return np.where(fit.start > 0, above, 0.0)


def _pick(fit: _Fit, error: Array, doubt: NDArray[Any], scale: Array) -> _Best:
    score = error / np.maximum(np.abs(fit.value), 1e-3 * scale)
    score = np.where(np.isnan(score), np.inf, score)
    rank = np.where(score <= KNOWN, doubt, 3)
    order = 1000 * rank + np.log10(np.clip(score, 1e-300, 1e300))
    row = order.argmin(axis=0)[np.newaxis]
    value, error, first = (np.take_along_axis(part, row, axis=0)[0] for part in (fit.value, error, fit.first))
    return _Best(np.where(np.isinf(error), np.nan, value), error, error, first)


# --- one side only -------------------------------------------------------------------------------


@np.errstate(all="ignore")
def _one_side(function: Function, columns: NDArray[np.intp], x: Array, side: int) -> OneSided:
    x = x[columns]
    scale = np.maximum(np.abs(x), 1.0)
    ladder = FIRST * scale * RATIO ** -np.arange(STAGES[2])[:, np.newaxis]
    points = x + side * ladder
    steps = np.abs(points - x)
    values = _values(function, points, columns)
    table = Table(columns, x, values[-1], steps[:-1], values[:-1], values[:-1])
    slopes = (values[:-1] - values[1:]) / (side * (steps[:-1] - steps[1:]))
    slope_scale = np.nan_to_num(np.fmax.reduce(np.abs(slopes), axis=0))
    best = _best(_fit(table, _inner(slopes), 1, _grain(table)), slope_scale)
    limit = values[-1] - side * best.value * steps[-1]
    bend = np.abs(values[-2] - values[-1] - side * best.value * (steps[-2] - steps[-1]))
    limit_error = best.error * steps[-1] + bend + 2 * ROUNDING * np.abs(values[-1])
    return OneSided(best.value, best.error, limit, limit_error)
