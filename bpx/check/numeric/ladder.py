"""The ladder of steps on which functions of one variable are evaluated around a point, and what it shows.

Each step is a quarter of the one before. A long ladder in place of one "optimal" step is what makes an
error bar possible: every assumption about f is tested at all smaller steps.

Convention: a table holds the values of m functions ("columns") side by side at K steps, the largest first;
a value is nan where it is not finite or may not be used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from bpx.check.numeric.richardson import Extrapolation, Quotients, inner_rounding_step
from bpx.check.numeric.tolerances import (
    CLOSING_RATIO,
    CLOSING_REACH,
    CLOSING_ROUNDINGS,
    COARSE_SHARE,
    FASTEST_GROWTH,
    FIRST_STEP,
    FLAT_ROUNDINGS,
    KNOWN_ROUNDINGS,
    LAST_STEP,
    LAST_STEP_AT_ZERO,
    MEETING_ROUNDING,
    MEETING_SHARE,
    MEETING_STEPS,
    QUANTUM_BISECTIONS,
    QUANTUM_LASTS,
    SLOPE_SCALE_STEPS,
    SLOWEST_GROWTH,
    SMALLEST_FLOAT,
    STAGE_STEPS,
    STEEP_ROUNDINGS,
    STEEP_STEPS,
    STEP_RATIO,
    TAIL_STEPS,
    UNIT_ROUNDOFF,
)
from bpx.graph.arrays import Array, Flags, Indices

# Points (K, m) and the indices (m,) of their columns → values (K, m) and where these may be used.
Function = Callable[[Array, Indices], tuple[Array, Flags]]


class StepTable(NamedTuple):
    """Values of f around x: `above` at x + steps, `below` at x - steps."""

    columns: Indices  # (m,): which of the caller's functions they are
    x: Array  # (m,)
    middle: Array  # (m,): f(x)
    steps: Array  # (K, m)
    above: Array  # (K, m)
    below: Array  # (K, m)
    roundoff: Array  # (m,): the largest relative error of one rounding of f

    def taking(self, chosen: Flags) -> StepTable:
        """The chosen columns alone."""
        if chosen.all():
            return self
        values = (part[..., chosen] for part in self[1:])
        return StepTable(self.columns[chosen], *values)

    @property
    def central(self) -> Array:
        """Central quotients (K, m); nan at all steps larger than an unusable one."""
        return without_larger((self.above - self.below) / (2 * self.steps))

    @property
    def right(self) -> Array:
        """Quotients (K, m) from x upwards."""
        return without_larger((self.above - self.middle) / self.steps)

    @property
    def left(self) -> Array:
        """Quotients (K, m) from x downwards."""
        return without_larger((self.middle - self.below) / self.steps)

    def quotients(self, slopes: Array, power: int, *ends: Array, quantum: Array | float = 0.0) -> Quotients:
        """What is known of quotients of values at x and at `ends`; `quantum` (m,) is an inner rounding."""
        rounding = np.maximum(self.rounding(*ends), quantum)
        known_rounding = np.broadcast_to(KNOWN_ROUNDINGS * quantum, self.x.shape)
        return Quotients(slopes, self.steps, power, rounding, inner_rounding_step(self.x), known_rounding)

    def rounding(self, *ends: Array) -> Array:
        """What the rounding of f itself may do to a difference of values at x and at `ends` (K, m).

        Each of both values is known to half a unit of its last place, if f is computed well; what f loses
        beyond that is measured from the residuals.
        """
        size = np.abs(self.middle)
        for end in ends:
            size = np.fmax(size, np.abs(end))
        return np.asarray(2 * self.roundoff * size)

    @property
    def usable(self) -> Indices:
        """How many steps are usable on both sides (m,)."""
        return np.asarray(np.isfinite(self.central).sum(axis=0))

    @property
    def usable_on_one_side(self) -> Indices:
        """How many are usable on the better side (m,)."""
        sides = (self.right, self.left)
        return np.asarray(np.max([np.isfinite(side).sum(axis=0) for side in sides], axis=0))

    def slope_scale(self, within: Array | float = np.inf) -> Array:
        """The largest slope (m,) over the largest usable steps up to `within`; at small ones it is noise."""
        slopes = np.fmax(np.abs(self.right), np.abs(self.left))
        usable = np.isfinite(slopes) & (self.steps <= within)
        largest_steps = usable & (np.cumsum(usable, axis=0) <= SLOPE_SCALE_STEPS)
        return np.asarray(np.where(largest_steps, slopes, 0.0).max(axis=0))


def without_larger(quotients: Array) -> Array:
    """Quotients (K, m) without the steps that are larger than the smallest unusable one.

    A step over a kink, a pole or a hole in the domain can look perfect; all that reach as far are out.
    """
    unusable = ~np.isfinite(quotients)
    if not unusable.any():
        return quotients
    beyond = np.logical_or.accumulate(unusable[::-1])[::-1]
    return np.where(beyond, np.nan, quotients)


def start(function: Function, columns: Indices, x: Array, roundoff: float = UNIT_ROUNDOFF) -> StepTable:
    """A table without steps, of functions whose values have this largest relative error of a rounding."""
    middle = values_at(function, x[np.newaxis], columns, guarded=False)[0]
    no_steps = np.empty((0, len(x)))
    return StepTable(columns, x, middle, no_steps, no_steps, no_steps, np.full(len(x), roundoff))


def extended(table: StepTable, function: Function, scale: Array, count: int) -> StepTable:
    """The table with as many further steps as make `count`; the first is FIRST_STEP times `scale` (m,)."""
    ladder = rungs(len(table.steps), count) * scale
    # Outwards x + h is rounded to a coarser grid than x has; the step made is exact both ways. A quotient by
    # the step that was meant in place of the one made is wrong by u |x| / h, more than rounding of f does.
    steps = np.abs(table.x + np.copysign(ladder, table.x) - table.x)
    values = values_at(function, np.concatenate([table.x + steps, table.x - steps]), table.columns)
    above, below = values[: len(steps)], values[len(steps) :]
    return table._replace(
        steps=np.concatenate([table.steps, steps]),
        above=np.concatenate([table.above, above]),
        below=np.concatenate([table.below, below]),
    )


def rungs(start: int, end: int) -> Array:
    """The steps from number `start` up to `end`, as a column (end - start, 1), in units of the scale."""
    return np.asarray(FIRST_STEP * STEP_RATIO ** -np.arange(start, end)[:, np.newaxis])


def values_at(function: Function, points: Array, columns: Indices, *, guarded: bool = True) -> Array:
    """The values at points (K, m); nan where they are not finite or, when `guarded`, may not be used."""
    with np.errstate(all="ignore"):
        values, usable = function(points, columns)
    good = np.isfinite(values) & usable if guarded else np.isfinite(values)
    return np.where(good, values, np.nan)


def ended(table: StepTable) -> Flags:
    """Whether the ladder is down at the rounding of x (m,)."""
    last = np.where(table.x == 0, LAST_STEP_AT_ZERO, LAST_STEP * np.abs(table.x))
    return np.asarray((table.steps[-1] < last) | (len(table.steps) == STAGE_STEPS[-1]))


# --- where f does not change ---------------------------------------------------------------------


def flat_range(table: StepTable) -> Array:
    """The step (m,) up to which f does not change by a bit; 0 where it changes at once."""
    still = ~np.logical_or.accumulate(_changed(table)[::-1])[::-1]
    return np.asarray(np.where(still & np.isfinite(table.central), table.steps, 0.0).max(axis=0))


def _changed(table: StepTable) -> Flags:
    above, below = ((end != table.middle) & ~np.isnan(end) for end in (table.above, table.below))
    return np.asarray(above | below)


def flat_slope(table: StepTable, flat_to: Array) -> Extrapolation:
    """A slope of 0, give or take what rounding may hide where f does not change up to `flat_to` (m,)."""
    # An f of 0 may be the rest of inner values of size 1.
    hidden = FLAT_ROUNDINGS * table.roundoff * np.maximum(np.abs(table.middle), 1.0)
    error = hidden / np.maximum(flat_to, SMALLEST_FLOAT)
    smallest = np.min(np.where(np.isfinite(table.central), table.steps, np.inf), axis=0)
    return Extrapolation(np.zeros_like(error), error, error, flat_to, smallest)


def inner_quantum(function: Function, table: StepTable, flat_to: Array) -> Array:
    """The height of the stairs (m,) that rounding within f makes of it; 0 where f has none.

    log(1 + exp(−30)) is 9e-14 but changes in steps of 1e-16, not of u |f|, and is flat for h < 1e-3.
    Where f is still at small steps and moves at larger ones, the first change is found by bisection. The
    quantum of a rounding keeps its height as the bracket shrinks; the change at the end of a true plateau
    shrinks with it. Without this test the corpus of correct gradients gave 4 false alarms.
    """
    quantum = np.zeros(len(flat_to))
    at = np.flatnonzero((flat_to > 0) & _changed(table).any(axis=0))
    if not len(at):
        return quantum
    low, high = flat_to[at], STEP_RATIO * flat_to[at]
    changes = [_change(function, table, at, high)]
    for _ in range(QUANTUM_BISECTIONS):
        middle = (low + high) / 2
        change = _change(function, table, at, middle)
        changed = ~(change == 0)  # nan, at an unusable point, is a change
        low, high = np.where(changed, low, middle), np.where(changed, middle, high)
        changes.append(np.where(changed, change, changes[-1]))
    # Over the second half of the bisections a bracket shrinks a thousandfold, a plateau's change with it.
    lasting = changes[-1] >= changes[QUANTUM_BISECTIONS // 2] * QUANTUM_LASTS
    quantum[at] = np.where(lasting, changes[-1], 0.0)
    return quantum


def _change(function: Function, table: StepTable, at: Indices, steps: Array) -> Array:
    """How far f moves (len(at),) when the columns `at` take these steps to either side."""
    x = table.x[at]
    values = values_at(function, np.stack([x + steps, x - steps]), table.columns[at])
    # The larger of both sides: a plateau may end on one side first.
    return np.asarray(np.abs(values - table.middle[at]).max(axis=0))


# --- where there is no slope ---------------------------------------------------------------------


def closing(table: StepTable, noise: Array, largest_step: Array) -> Flags:
    """Whether the one-sided slopes close up as the steps shrink, to within noise (m,): at a kink they do not.

    Central quotients at a kink agree with each other to all digits (½ for relu at 0), so that nothing else
    warns of it: without a test of the one-sided slopes the corpus of correct gradients gave 16 false alarms.
    They must close up just below the `largest_step` (m,) that a slope rests on, and at the last.
    """
    gap, steps = np.abs(table.right - table.left), table.steps[1:]
    rounding = table.rounding(table.above, table.below)[1:]
    # Truncation closes the gap by STEP_RATIO from step to step; half leaves room for higher orders.
    closes = gap[1:] <= CLOSING_RATIO * gap[:-1] + noise + CLOSING_ROUNDINGS * rounding / steps
    elsewhere = (steps >= largest_step) | (steps < largest_step / STEP_RATIO**CLOSING_REACH)
    return np.asarray(closes[-1] & (closes | elsewhere).all(axis=0))


def meeting(table: StepTable, gap: Array, quantum: Array) -> Flags:
    """Whether the one-sided slopes come closer than `gap` (m,) at the smallest steps clear of rounding.

    Then the kink is beside x, not at it, and both slopes were extrapolated from steps beyond it.
    """
    rounding = np.maximum(table.rounding(table.above, table.below), quantum)
    clear = rounding / table.steps < MEETING_ROUNDING * gap
    smallest = clear & (clear.sum(axis=0) - np.cumsum(clear, axis=0) < MEETING_STEPS)
    met = np.abs(table.right - table.left) < MEETING_SHARE * gap
    return np.asarray((smallest & met).any(axis=0))


def steep(table: StepTable, inner: float = 0.0) -> Flags:
    """Whether the slopes (m,) grow steadily down to the smallest steps, by more than noise does.

    `inner` is the size of inner values whose rounding may be all that is left of f, 0 if they are known.
    """
    # Noise of height ε makes slopes ε / h that grow as steadily: only a large change of f is no noise.
    rounding = np.maximum(table.rounding(table.above, table.below)[-1], 2 * table.roundoff * inner)
    large = np.abs(table.above - table.below)[-1] > STEEP_ROUNDINGS * rounding
    central, right, left = (_growing(slopes) for slopes in (table.central, table.right, table.left))
    return np.asarray((central & large) | (right & left))


def too_coarse(table: StepTable) -> Flags:
    """Whether even the smallest steps (m,) move f by a good part of itself, and no less than larger ones do.

    So of sin at 1e24, where the spacing of the numbers is that of millions of periods: what quotients such
    steps give says nothing of the slope.
    """
    ends = np.stack([table.above, table.below])[:, -TAIL_STEPS:]
    moves = np.abs(ends - table.middle).max(axis=0)
    large = moves > COARSE_SHARE * np.fmax(np.abs(ends).max(axis=0), np.abs(table.middle))
    shrinks = moves[-1] < moves[0] / STEP_RATIO ** ((TAIL_STEPS - 1) / 2)
    return np.asarray(large.all(axis=0) & ~shrinks)


def _growing(slopes: Array) -> Flags:
    """Whether slopes (K, m) grow from step to step: by 4 at a jump, by 4^(1-p) where f goes like h^p."""
    ratio = slopes[-STEEP_STEPS:] / slopes[-STEEP_STEPS - 1 : -1]
    return np.asarray(((ratio > SLOWEST_GROWTH) & (ratio < FASTEST_GROWTH * STEP_RATIO)).all(axis=0))
