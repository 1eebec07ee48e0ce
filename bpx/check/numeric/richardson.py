"""Slopes extrapolated from tables of difference quotients, each with an error bar.

Polynomials in h² (for central quotients) or in h (for one-sided ones) through a few neighbours in the
table, taken to h = 0, are the candidates: L. F. Richardson, The approximate arithmetical solution by finite
differences (Phil. Trans. A 210, 1911); C. J. F. Ridders, Accurate computation of F'(x) (Adv. Eng. Software
4, 1982). Ridders takes the spread of the tableau for the error. Here the error is what a candidate shows
at all smaller steps: its residual there (quotient minus polynomial, times the step) can only be noise, be
it the rounding of f itself or of something within f. Where it is anything else, the candidate is rejected.
With the spread of the tableau in its place a corpus of correct gradients gave 4 false alarms, with the
residuals none.

Convention: in a table of shape (K, m) the steps go downwards, largest first, each a quarter of the one
before; the m columns are independent functions. A quotient is nan where it may not be used. There are C
candidates for every column, of all orders together.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from bpx.check.numeric.tolerances import (
    BRIEF_STEPS,
    FALLING_HIGH,
    FALLING_LOW,
    FROZEN_FACTOR,
    FROZEN_STEPS,
    GROWING_RESIDUAL,
    INNER_ROUNDING_STEP,
    LARGEST_NOISE,
    NOISE_CHANCE,
    POLYNOMIAL_ORDERS,
    QUIET_SHARE,
    ROUNDING_MARGIN,
    STATIONARY_SHARE,
    STEP_RATIO,
    TAIL_STEPS,
    TRUNCATION_FACTOR,
    TRUST_FACTOR,
    TRUST_STEPS,
    VISIBLE_SHARE,
    WELL_KNOWN,
)
from bpx.graph.arrays import Array, Flags

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.intp]

UNTRUSTED = len(TRUST_STEPS)  # the class of the candidates that the fewest smaller steps confirm
POORLY_KNOWN = UNTRUSTED + 1  # the class of those with a relative error above WELL_KNOWN, however confirmed


class Quotients(NamedTuple):
    """Difference quotients of one kind and what is known of them.

    `rounding` is what the rounding of f may do to a difference of its values, in units of f. At steps below
    `inner_step`, inner values may be frozen by their own rounding. A residual up to `known_rounding`, in
    units of f, is an inner rounding that has been measured, and no reason for rejection.
    """

    slopes: Array  # (K, m)
    steps: Array  # (K, m)
    power: int  # of h, that the polynomials are in: 1 or 2
    rounding: Array  # (K, m)
    inner_step: Array  # (m,)
    known_rounding: Array  # (m,)


class Candidates(NamedTuple):
    """The candidates; every field has shape (C, m)."""

    value: Array
    error: Array  # inf where there is no such candidate
    start: Rows  # the row of the largest of its steps
    largest_step: Array  # that step
    smallest_step: Array
    smaller_steps: Rows  # how many usable steps below its own it was measured at
    resolved_steps: Rows  # of these, how many are above the inner rounding
    noise: Array  # the largest residual there, in units of f
    tail: Array  # that at the few smallest steps, less what the truncation error may be there
    noise_in_value: Array  # what noise of that size does to the value
    frozen: Flags  # the residual is noise that stops on the way down: a rounding that froze, or no noise
    systematic: Flags  # the residual shrinks with the steps: a kink or the like was stridden over


class Extrapolation(NamedTuple):
    """One slope for every column; every field has shape (m,)."""

    value: Array
    error: Array
    own_error: Array  # the error without the doubt that a better, but frozen candidate casts
    largest_step: Array  # the largest step it rests on
    smallest_step: Array  # and the smallest


def select(chosen: Flags, first: Extrapolation, second: Extrapolation) -> Extrapolation:
    """The first where `chosen` (m,), else the second."""
    return Extrapolation(*(np.where(chosen, *fields) for fields in zip(first, second, strict=True)))


def confirming(
    quotients: Quotients, scale: Array, *, quick: bool, quiet: Array | float = np.inf
) -> Extrapolation:
    """The best candidate to compare somebody's claim with, while the table still grows.

    The claim is a second, independent witness: what it agrees with needs no class of trust. `quick` leaves
    out the search for kinks that the one-sided slopes of the caller find as well. Noise above `quiet` (m,),
    in units of f, may be a ripple that only smaller steps resolve: it confirms nothing yet.
    """
    every = _at_once(quotients) if quick and np.all(np.isinf(quiet)) else candidates(quotients, quick=quick)
    # So few smaller steps say nothing of the nature of a residual.
    hopeless = (every.smaller_steps < BRIEF_STEPS) | every.frozen | every.systematic | (every.tail > quiet)
    # Of few samples of noise the largest may be small by chance, which the claim does not show.
    chances = NOISE_CHANCE ** (-1 / np.maximum(np.arange(len(quotients.steps)), 1))
    unseen = chances[every.smaller_steps] * every.noise_in_value
    error = np.where(hopeless, np.inf, np.maximum(every.error, unseen))
    return _best(every, error, np.zeros_like(every.smaller_steps), scale)


def extrapolated(quotients: Quotients, scale: Array, floor: Array | float = 0.0) -> Extrapolation:
    """The candidate of the smallest relative error, preferring those seen at many smaller steps.

    `scale` (m,) is a slope against which 0 is small. What rests on steps below `floor` alone is hardly
    known: its error is at least its value.

    Below the rounding of an inner value f can be smooth with a wrong slope over five decades of h:
    (x² + 1)/(x² − 1) at 1 + 2⁻²⁰ steadily gives −1.0995106e12 where −1.0995117e12 is true. Hence the
    classes of trust; without them the corpus of correct gradients gave 3 false alarms.
    """
    every = candidates(quotients)
    confirmed_by = [every.resolved_steps >= steps for steps in TRUST_STEPS]
    trust_class = np.select(confirmed_by, [*range(UNTRUSTED)], UNTRUSTED)
    distrusted = every.error * TRUST_FACTOR**trust_class
    error = np.maximum(distrusted, FROZEN_FACTOR * _frozen_above(every) / every.largest_step)
    best = _best(every, np.where(every.systematic, np.inf, error), trust_class, scale)
    # The same without the candidates of a frozen residual. These may be the better ones all the same:
    # where they differ, the difference counts as error.
    rejected = every.systematic | every.frozen
    settled = _best(every, np.where(rejected, np.inf, error), trust_class, scale)
    hardly_known = np.maximum(settled.own_error, np.abs(settled.value))
    own_error = np.where(settled.largest_step < floor, hardly_known, settled.own_error)
    doubt = np.where(settled.value == best.value, 0.0, 2 * np.abs(settled.value - best.value))
    return settled._replace(error=np.fmax(own_error, doubt), own_error=own_error)


def _frozen_above(every: Candidates) -> Array:
    """The noise (C, m) met at steps above a candidate's own that is not there at the smallest ones.

    Noise that was there does not vanish: at small steps it has only frozen, and with it the slope.
    """
    frozen_noise = np.zeros_like(every.value)
    at_start = (every.start, np.arange(frozen_noise.shape[1]))
    np.maximum.at(frozen_noise, at_start, np.where(every.frozen, every.noise, 0.0))
    above = np.maximum.accumulate(frozen_noise, axis=0)[np.maximum(every.start - 1, 0), at_start[1]]
    return np.where((every.start > 0) & (every.resolved_steps < FROZEN_STEPS), above, 0.0)


def _best(every: Candidates, error: Array, trust_class: Rows, scale: Array) -> Extrapolation:
    """The candidate of the smallest relative error in the first trust class that has a well-known one."""
    relative = error / np.maximum(np.abs(every.value), STATIONARY_SHARE * scale)
    relative = np.where(np.isnan(relative), np.inf, relative)
    rank = np.where(relative <= WELL_KNOWN, trust_class, POORLY_KNOWN)
    # One number to sort by: float64 spans some 600 decades, so a thousand of them keep the ranks apart.
    order = 1000 * rank + np.log10(np.clip(relative, 1e-300, 1e300))
    row = order.argmin(axis=0)[np.newaxis]
    value, error, *steps = (
        np.take_along_axis(field, row, axis=0)[0]
        for field in (every.value, error, every.largest_step, every.smallest_step)
    )
    return Extrapolation(np.where(np.isinf(error), np.nan, value), error, error, *steps)


# --- the candidates ------------------------------------------------------------------------------


def candidates(quotients: Quotients, *, quick: bool = False) -> Candidates:
    """All candidates; `quick` does not look into the nature of their residuals."""
    windows = _Windows.of(quotients)
    by_order = [_of_order(order, quotients, windows, quick) for order in range(POLYNOMIAL_ORDERS)]
    return Candidates._make(map(np.concatenate, zip(*by_order, strict=True)))


class _Windows(NamedTuple):
    """What all orders share. A window (K, m, K) holds a table's rows from each row down, 0 past the end."""

    usable: Flags  # (K, m)
    slopes: Array  # window: 0 where unknown
    steps: Array  # window: 0 where unknown, which takes unknown quotients out of the residuals
    explained: Array  # window: what the rounding of f itself explains
    in_slope: Array  # window: what that makes of a quotient
    smaller: Rows  # (K, m): known steps below
    resolved: Rows  # (K, m): of these, the ones above the inner rounding
    resolved_tail: Rows  # (TAIL_STEPS, m): the rows of the smallest steps above the inner rounding
    tail: Rows  # (TAIL_STEPS, m): the rows of the smallest steps

    @staticmethod
    def of(quotients: Quotients) -> _Windows:
        """The windows of these quotients."""
        slopes, steps = quotients.slopes, quotients.steps
        usable, resolved = np.isfinite(slopes), steps >= quotients.inner_step
        last_rows = np.arange(len(steps) - TAIL_STEPS, len(steps))[:, np.newaxis]
        backwards = np.arange(-TAIL_STEPS, 0)[:, np.newaxis]
        return _Windows(
            usable,
            _window(np.where(usable, slopes, 0.0)),
            _window(np.where(usable, steps, 0.0)),
            _window(ROUNDING_MARGIN * quotients.rounding),
            _window(np.where(usable, quotients.rounding / steps, 0.0)),
            _count_below(usable),
            _count_below(usable & resolved),
            np.maximum(resolved.sum(axis=0), TAIL_STEPS) + backwards,
            np.repeat(last_rows, steps.shape[1], axis=1),
        )


def _window(table: Array) -> Array:
    """A view, without a copy for each row: all candidates of an order are then one matrix product."""
    padded = np.concatenate([table, np.zeros_like(table)])
    return sliding_window_view(padded, len(table), axis=0)[: len(table)]


def _count_below(flags: Flags) -> Rows:
    """How many flags are set below each row."""
    return np.asarray(flags.sum(axis=0) - np.cumsum(flags, axis=0))


def _of_order(order: int, quotients: Quotients, windows: _Windows, quick: bool) -> Candidates:
    """The candidates through order + 1 neighbours, one for each row that has as many below it."""
    steps, count = quotients.steps, len(quotients.steps) - order
    largest, smallest = slice(count), slice(order, None)  # rows of the two ends of each candidate's steps
    at_zero, at_smaller = _lagrange(order, quotients.power, len(steps))
    nodes = windows.slopes[largest, :, : order + 1]
    value = nodes @ at_zero
    residual = (windows.slopes[largest] - nodes @ at_smaller.T) * windows.steps[largest]
    residual[..., : order + 1] = 0.0  # at its own nodes a polynomial has none, but for rounding
    size = np.abs(residual)
    noise = size.max(axis=-1)
    per_step = windows.in_slope[largest, :, : order + 1]
    # The change to the next candidate bounds the truncation; noise / h and Σ |weight| · rounding / h bound
    # what rounding does.
    change = np.abs(np.diff(value, axis=0, append=np.inf))
    noise_in_value = noise / steps[smallest]
    rounding = np.maximum(noise_in_value, per_step @ np.abs(at_zero))
    error = TRUNCATION_FACTOR * np.fmax(change, rounding)
    tame = noise <= LARGEST_NOISE * quotients.rounding[largest]
    error = np.where(windows.usable[largest] & tame, error, np.inf)
    frozen = systematic = np.zeros(value.shape, dtype=bool)
    if not quick:
        frozen, systematic = _nature(residual, size, windows, quotients.known_rounding)
    start = np.repeat(np.arange(count)[:, np.newaxis], steps.shape[1], axis=1)
    below = (windows.smaller[smallest], windows.resolved[smallest])
    truncation = TRUNCATION_FACTOR * np.where(np.isfinite(change), change, 0.0)
    unexplained = size - truncation[..., np.newaxis] * windows.steps[largest]
    tail = _at(unexplained, windows.tail)[..., -BRIEF_STEPS:].max(axis=-1)
    seen = (noise, tail, noise_in_value, frozen, systematic)
    return Candidates(value, error, start, steps[largest], steps[smallest], *below, *seen)


def _at_once(quotients: Quotients) -> Candidates:
    """The candidates that enough smaller steps may confirm, whatever the nature and tail of their residuals.

    One matrix product for all, which leaves out the half of the windows that is 0.
    """
    steps, stencils = quotients.steps, _stencils(quotients.power, len(quotients.steps))
    start, end, kept = stencils.start, stencils.end, stencils.kept
    usable = np.isfinite(quotients.slopes)
    slopes = np.where(usable, quotients.slopes, 0.0)
    values = stencils.value @ slopes
    change, value = np.abs(values[kept + 1] - values[kept]), values[kept]
    residual = np.abs(stencils.residual @ slopes * np.where(usable, steps, 0.0)[stencils.row])
    noise = np.maximum.reduceat(residual, stencils.first)
    rounding = np.abs(stencils.value[kept]) @ np.where(usable, quotients.rounding / steps, 0.0)
    noise_in_value = noise / steps[end]
    error = TRUNCATION_FACTOR * np.fmax(change, np.maximum(noise_in_value, rounding))
    tame = noise <= LARGEST_NOISE * quotients.rounding[start]
    error = np.where(usable[start] & tame, error, np.inf)
    smaller, unseen = _count_below(usable)[end], np.zeros(value.shape, dtype=bool)
    starts = np.broadcast_to(start[:, np.newaxis], value.shape)
    seen = (noise, np.zeros(value.shape), noise_in_value, unseen, unseen)
    return Candidates(value, error, starts, steps[start], steps[end], smaller, smaller, *seen)


class _Stencils(NamedTuple):
    """The weights of K quotients in all candidates, by order, and in the residuals of the `kept` ones."""

    value: Array  # (all, K)
    kept: Rows  # (C,): those with enough smaller steps; the next one of their order is there too
    residual: Array  # (residuals, K)
    row: Rows  # (residuals,): at which step
    first: Rows  # (C,): the first residual of each
    start: Rows  # (C,): the row of the largest of its steps
    end: Rows  # (C,): and of the smallest


@lru_cache(maxsize=64)
def _stencils(power: int, count: int) -> _Stencils:
    values, residuals, rows, first, kept = [], list[Array](), list[int](), list[int](), list[Any]()
    for order in range(POLYNOMIAL_ORDERS):
        at_zero, at_smaller = _lagrange(order, power, count)
        for start in range(count - order):
            end, own = start + order, slice(start, start + order + 1)
            values.append(np.zeros(count))
            values[-1][own] = at_zero
            if count - 1 - end >= BRIEF_STEPS:
                residuals.append(np.eye(count)[end + 1 :])
                residuals[-1][:, own] = -at_smaller[order + 1 : count - start]
                first.append(len(rows))
                rows += range(end + 1, count)
                kept.append((len(values) - 1, start, end))
    which, starts, ends = np.array(kept).T
    weights = np.array(values), which, np.concatenate(residuals)
    return _Stencils(*weights, np.array(rows), np.array(first), starts, ends)


@lru_cache(maxsize=128)
def _lagrange(order: int, power: int, count: int) -> tuple[Array, Array]:
    """Lagrange weights of neighbours in a table, which give the value of the polynomial through them.

    The first (nodes,) at h = 0, the second (count, nodes) at the first node's step and all below it. As the
    steps are a geometric sequence, the weights are the same in every row: of two central quotients they
    make (16 D(h/4) − D(h)) / 15.
    """
    nodes = STEP_RATIO ** (-power * np.arange(order + 1.0))
    smaller = STEP_RATIO ** (-power * np.arange(float(count)))
    same = np.eye(order + 1, dtype=bool)
    gaps = np.where(same, 1.0, nodes[:, np.newaxis] - nodes)
    distances = np.append(smaller, 0.0)[:, np.newaxis, np.newaxis] - nodes
    weights = np.where(same, 1.0, distances / gaps).prod(axis=-1)
    return weights[-1], weights[:-1]


# --- the nature of a residual ---------------------------------------------------------------------


def _nature(residual: Array, size: Array, windows: _Windows, known_rounding: Array) -> tuple[Flags, Flags]:
    """Whether residuals (C, m, K) are frozen, and whether they are systematic (see `Candidates`)."""
    # What the rounding of f itself explains says nothing of what is within f.
    unexplained = np.where(size > windows.explained[: len(size)], residual, 0.0)
    height = np.abs(unexplained)
    peak = height.max(axis=-1)
    quiet = _at(size, windows.resolved_tail).max(axis=-1) < QUIET_SHARE * peak
    counts, regular = peak > known_rounding, _is_regular(unexplained, height, peak)
    frozen = counts & quiet & ~regular
    systematic = counts & regular & (quiet | _is_falling(_at(size, windows.tail)))
    return frozen, systematic


def _at(size: Array, rows: Rows) -> Array:
    """The residual (C, m, TAIL_STEPS) at these rows of the table; 0 above a candidate's own rows."""
    below = rows.T - np.arange(len(size))[:, np.newaxis, np.newaxis]
    return np.where(below < 0, 0.0, np.take_along_axis(size, np.maximum(below, 0), axis=-1))


def _is_regular(residual: Array, height: Array, peak: Array) -> Flags:
    """Whether a residual shows at few steps, or is of one sign and shrinks with them: noise does neither.

    A kink at the distance d bends slopes at h > d by about d / h, so that the residual, which is that
    times h, shrinks to a constant, and below d with h. A change of sign alone is no excuse: sin(xy) beside
    (xy)² at 3e6 changes sign too, and is no noise.
    """
    visible = height > VISIBLE_SHARE * peak[..., np.newaxis]
    up, down = (visible & (residual > 0)).any(axis=-1), (visible & (residual < 0)).any(axis=-1)
    grows = visible[..., 1:] & visible[..., :-1] & (height[..., 1:] > GROWING_RESIDUAL * height[..., :-1])
    return np.asarray((visible.sum(axis=-1) <= BRIEF_STEPS) | ~((up & down) | grows.any(axis=-1)))


def _is_falling(tail: Array) -> Flags:
    """Whether the residual falls as the smallest steps do: then the slopes there agree with each other."""
    before, after = tail[..., :-1], tail[..., 1:]
    as_the_step = (after > FALLING_LOW / STEP_RATIO * before) & (after < FALLING_HIGH / STEP_RATIO * before)
    return np.asarray(as_the_step.all(axis=-1))


def inner_rounding_step(x: Array) -> Array:
    """The steps below which inner values of size 1 may be frozen by their rounding; x (m,)."""
    return np.asarray(INNER_ROUNDING_STEP * np.maximum(np.abs(x), 1.0))
