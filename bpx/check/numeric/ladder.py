"""The ladder of steps on which functions of one variable are evaluated around a point, and what it shows.

Each step is a quarter of the one before. A table holds the values of m functions ("columns") side by
side at K steps, the largest first; a value is nan where it is not finite or may not be used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bpx.check.numeric.richardson import RATIO, Best, Quotients, inner_grain
from bpx.graph.arrays import Array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Indices = NDArray[np.intp]

# Points (K, m) and the indices (m,) of their columns → values (K, m) and where these may be used.
Function = Callable[[Array, "NDArray[np.intp]"], tuple[Array, "NDArray[np.bool_]"]]

ROUNDING = 2.0**-53
FIRST = 0.37  # of max(|x|, 1); no round number, or a periodic function could look flat
STAGES = (8, 16, *range(24, 65, 4))  # steps evaluated by the end of each stage
BISECTIONS = 20


class StepTable(NamedTuple):
    """Values of f around x: `above` at x + steps, `below` at x - steps."""

    columns: Indices
    x: Array  # (m,)
    middle: Array  # (m,): f(x)
    steps: Array  # (K, m)
    above: Array  # (K, m)
    below: Array  # (K, m)

    def taking(self, chosen: Flags) -> StepTable:
        """The chosen columns alone."""
        values = (part[..., chosen] for part in self[1:])
        return StepTable(self.columns[chosen], *values)

    @property
    def central(self) -> Array:
        """Central quotients (K, m), of which all that a smaller unusable step forbids are nan."""
        return inner((self.above - self.below) / (2 * self.steps))

    @property
    def right(self) -> Array:
        """Quotients from x upwards."""
        return inner((self.above - self.middle) / self.steps)

    @property
    def left(self) -> Array:
        """Quotients from x downwards."""
        return inner((self.middle - self.below) / self.steps)

    def quotients(self, slopes: Array, power: int, *ends: Array, quantum: Array | float = 0.0) -> Quotients:
        """What is known of quotients of values at x and at `ends`; `quantum` (m,) is an inner rounding."""
        grain, excused = np.maximum(self.grain(*ends), quantum), np.broadcast_to(4 * quantum, self.x.shape)
        return Quotients(slopes, self.steps, power, grain, inner_grain(self.x), excused)

    def grain(self, *ends: Array) -> Array:
        """What the rounding of f itself may come to in a difference of values at x and at `ends` (K, m)."""
        height = np.abs(self.middle)
        for end in ends:
            height = np.fmax(height, np.abs(end))
        return np.asarray(2 * ROUNDING * height)

    @property
    def usable(self) -> Indices:
        """How many steps are usable on both sides (m,)."""
        return np.asarray(np.isfinite(self.central).sum(axis=0))

    @property
    def usable_aside(self) -> Indices:
        """How many are usable on the better side."""
        sides = (self.right, self.left)
        return np.asarray(np.max([np.isfinite(side).sum(axis=0) for side in sides], axis=0))

    def slope_scale(self, within: Array | float = np.inf) -> Array:
        """The largest slope (m,) over the largest usable steps up to `within`; at small ones it is noise."""
        slopes = np.fmax(np.abs(self.right), np.abs(self.left))
        known = np.isfinite(slopes) & (self.steps <= within)
        return np.asarray(np.where(known & (np.cumsum(known, axis=0) <= 4), slopes, 0.0).max(axis=0))


def inner(quotients: Array) -> Array:
    """Quotients without the steps that are larger than the smallest unusable one."""
    bad = ~np.isfinite(quotients)
    if not bad.any():
        return quotients
    spoilt = np.logical_or.accumulate(bad[::-1])[::-1]
    return np.where(spoilt, np.nan, quotients)


def start(function: Function, columns: Indices, x: Array) -> StepTable:
    """A table without steps."""
    middle = values_at(function, x[np.newaxis], columns, guarded=False)[0]
    none = np.empty((0, len(x)))
    return StepTable(columns, x, middle, none, none, none)


def extended(table: StepTable, function: Function, scale: Array, count: int) -> StepTable:
    """The table with as many further steps as make `count`; the first is FIRST times `scale` (m,)."""
    ladder = rungs(len(table.steps), count) * scale
    # Outwards x + h is rounded to a coarser grid than x has; the step made is exact both ways.
    steps = np.abs(table.x + np.copysign(ladder, table.x) - table.x)
    values = values_at(function, np.concatenate([table.x + steps, table.x - steps]), table.columns)
    above, below = values[: len(steps)], values[len(steps) :]
    return table._replace(
        steps=np.concatenate([table.steps, steps]),
        above=np.concatenate([table.above, above]),
        below=np.concatenate([table.below, below]),
    )


def rungs(start: int, end: int) -> Array:
    """The steps from the one to the other, as a column, in units of the scale."""
    return np.asarray(FIRST * RATIO ** -np.arange(start, end)[:, np.newaxis])


def values_at(function: Function, points: Array, columns: Indices, *, guarded: bool = True) -> Array:
    """The values at points (K, m)."""
    with np.errstate(all="ignore"):
        values, usable = function(points, columns)
    good = np.isfinite(values) & usable if guarded else np.isfinite(values)
    return np.where(good, values, np.nan)


def ended(table: StepTable) -> Flags:
    """Whether the ladder is down at the grain of x (m,)."""
    low = np.where(table.x == 0, 2.0**-66, 2.0**-42 * np.abs(table.x))
    return np.asarray((table.steps[-1] < low) | (len(table.steps) == STAGES[-1]))


# --- where f does not change ---------------------------------------------------------------------


def flat_range(table: StepTable) -> Array:
    """The step (m,) up to which f does not change by a bit; 0 where it changes at once."""
    still = ~np.logical_or.accumulate(_changed(table)[::-1])[::-1]
    return np.asarray(np.where(still & np.isfinite(table.central), table.steps, 0.0).max(axis=0))


def _changed(table: StepTable) -> Flags:
    ends = (table.above, table.below)
    above, below = ((end != table.middle) & ~np.isnan(end) for end in ends)
    return np.asarray(above | below)


def level(table: StepTable, flat_to: Array) -> Best:
    """A slope of 0, give or take what rounding may hide where f does not change."""
    hidden = 4 * ROUNDING * np.maximum(np.abs(table.middle), 1.0) / np.maximum(flat_to, 5e-324)
    return Best(np.zeros_like(hidden), hidden, hidden, flat_to)


def stair(function: Function, table: StepTable, flat_to: Array) -> Array:
    """The height of the stairs that rounding within f makes (m,); 0 where f is level or has none.

    Where f is still at small steps and moves at larger ones, the first change is cornered. A stair
    keeps its height as the bracket shrinks; the change at the end of a true plateau shrinks with it.
    """
    height = np.zeros(len(flat_to))
    at = np.flatnonzero((flat_to > 0) & _changed(table).any(axis=0))
    if not len(at):
        return height
    low, high = flat_to[at], RATIO * flat_to[at]
    changes = [_change(function, table, at, high)]
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        change = _change(function, table, at, middle)
        changed = ~(change == 0)
        low, high = np.where(changed, low, middle), np.where(changed, middle, high)
        changes.append(np.where(changed, change, changes[-1]))
    lasting = changes[-1] >= changes[BISECTIONS // 2] / 64
    height[at] = np.where(lasting, changes[-1], 0.0)
    return height


def _change(function: Function, table: StepTable, at: Indices, steps: Array) -> Array:
    x = table.x[at]
    values = values_at(function, np.stack([x + steps, x - steps]), table.columns[at])
    return np.asarray(np.abs(values - table.middle[at]).max(axis=0))


# --- where there is no slope ---------------------------------------------------------------------


def closing(table: StepTable, noise: Array, first: Array) -> Flags:
    """Whether the one-sided slopes close up as the steps shrink, to within noise: not so at a kink.

    They must do so just below the step `first` (m,), and at the last.
    """
    gap, steps = np.abs(table.right - table.left), table.steps[1:]
    grain = table.grain(table.above, table.below)[1:]
    closes = gap[1:] <= 0.5 * gap[:-1] + noise + 4 * grain / steps
    elsewhere = (steps >= first) | (steps < first / RATIO**3.5)
    return np.asarray(closes[-1] & (closes | elsewhere).all(axis=0))


def meeting(table: StepTable, gap: Array, quantum: Array) -> Flags:
    """Whether the one-sided slopes come closer than `gap` (m,) at the smallest steps clear of rounding."""
    grain = np.maximum(table.grain(table.above, table.below), quantum)
    clear = grain / table.steps < 0.05 * gap
    last = clear & (clear.sum(axis=0) - np.cumsum(clear, axis=0) < 4)
    return np.asarray((last & (np.abs(table.right - table.left) < 0.5 * gap)).any(axis=0))


def steep(table: StepTable) -> Flags:
    """Whether the slopes grow steadily down to the smallest steps, by more than noise does."""
    big = np.abs(table.above - table.below)[-1] > 1e3 * table.grain(table.above, table.below)[-1]
    central, right, left = (_growing(slopes) for slopes in (table.central, table.right, table.left))
    return np.asarray((central & big) | (right & left))


def _growing(slopes: Array) -> Flags:
    ratio = slopes[-6:] / slopes[-7:-1]
    return np.asarray(((ratio > 1.3) & (ratio < 1.1 * RATIO)).all(axis=0))
