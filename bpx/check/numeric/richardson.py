"""Slopes out of tables of difference quotients, by extrapolation, each with an error bar.

Polynomials in h² (for central quotients) or in h (for one-sided ones) through a few neighbours in the
table, taken to h = 0, are the candidates (L. F. Richardson, 1911). What a candidate is worth shows at
all smaller steps: what quotients differ from the polynomial there, the misfit, can only be noise, be
it the rounding of f itself or of something within it. Where it is anything else, the candidate is out.

Convention: in a table of shape (K, m) the steps go downwards, largest first, each a quarter of the one
before; m columns stand side by side. A quotient is nan where it may not be used. There are C candidates
for every column.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from bpx.graph.arrays import Array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Rows = NDArray[np.intp]

RATIO = 4.0
ORDERS = 4  # a polynomial goes through 1 … ORDERS neighbours
KNOWN = 1e-3  # relative: an estimate this good says something
QUIET = 0.02  # of the noise: less than this at the smallest steps, and it is not there
BRIEF = 3  # steps at which a misfit shows that shrinks with them
LONG = 14  # steps above the inner grain: nothing that froze is smooth over so many
WILD = 1e-2 * 2.0**52  # of the grain: a misfit of a hundredth of f itself is no rounding
TAIL = 4  # smallest steps that are looked at together


class Quotients(NamedTuple):
    """Difference quotients of one kind and what is known of them.

    `grain` is what the rounding of f may do to a difference of its values; below `inner`, steps may be
    frozen by the rounding of inner values; a misfit up to `excused` is a known inner rounding.
    """

    slopes: Array  # (K, m)
    steps: Array  # (K, m)
    power: int  # of h, that the polynomials are in
    grain: Array  # (K, m)
    inner: Array  # (m,)
    excused: Array  # (m,)


class Fit(NamedTuple):
    """The candidates; every field has shape (C, m)."""

    value: Array
    error: Array  # inf where there is no such candidate
    start: Rows  # the row of the largest of its steps
    first: Array  # that step
    seen: Rows  # smaller steps it was measured at
    sound: Rows  # of these, how many are above the inner grain
    noise: Array  # the largest misfit there, times the step
    odd: Flags  # the misfit is noise that stops on the way down: it freezes, or is none
    bent: Flags  # the misfit shrinks with the steps: a kink or the like was stridden over


class Best(NamedTuple):
    """One slope for every column; every field has shape (m,)."""

    value: Array
    error: Array
    plain: Array  # the error if no better candidate, of an odd misfit, were in doubt
    first: Array  # the largest step it rests on


def choose(chosen: Flags, one: Best, other: Best) -> Best:
    """The one where chosen, else the other."""
    return Best(*(np.where(chosen, left, right) for left, right in zip(one, other, strict=True)))


def confirmed(quotients: Quotients, scale: Array, *, quick: bool) -> Best:
    """The best candidate where somebody's claim will bear it out; `quick` leaves kinks to the caller."""
    found = fit(quotients, quick=quick)
    error = np.where((found.seen < BRIEF) | found.odd | found.bent, np.inf, found.error)
    return _pick(found, error, np.zeros_like(found.seen), scale)


def extrapolated(quotients: Quotients, scale: Array, floor: Array | float = 0.0) -> Best:
    """The candidate of the smallest relative error, preferring those seen at many smaller steps.

    Below the rounding grain of an inner value f can be smooth with a wrong slope over many steps: few
    smaller steps to look at are no proof, and noise met above stays in the error below. What rests on
    steps below `floor` alone is hardly known. `scale` (m,) is a slope against which 0 is small.
    """
    found = fit(quotients)
    doubt = np.select([found.sound >= 8, found.sound >= 5], [0, 1], 2)
    error = np.maximum(found.error * 10.0**doubt, 10 * _frozen(found) / found.first)
    best = _pick(found, np.where(found.bent, np.inf, error), doubt, scale)
    plain = _pick(found, np.where(found.bent | found.odd, np.inf, error), doubt, scale)
    least = np.where(plain.first < floor, np.maximum(plain.error, np.abs(plain.value)), plain.error)
    gap = np.where(plain.value == best.value, 0.0, 2 * np.abs(plain.value - best.value))
    return plain._replace(error=np.fmax(least, gap), plain=least)


def _frozen(found: Fit) -> Array:
    """The noise (C, m) met at steps above a candidate's own that is not there at the smallest ones."""
    met = np.zeros_like(found.value)
    where = (found.start, np.arange(met.shape[1]))
    np.maximum.at(met, where, np.where(found.odd, found.noise, 0.0))
    above = np.maximum.accumulate(met, axis=0)[np.maximum(found.start - 1, 0), where[1]]
    return np.where((found.start > 0) & (found.sound < LONG), above, 0.0)


def _pick(found: Fit, error: Array, doubt: Rows, scale: Array) -> Best:
    score = error / np.maximum(np.abs(found.value), 1e-3 * scale)
    score = np.where(np.isnan(score), np.inf, score)
    rank = np.where(score <= KNOWN, doubt, 3)
    order = 1000 * rank + np.log10(np.clip(score, 1e-300, 1e300))
    row = order.argmin(axis=0)[np.newaxis]
    value, error, first = (
        np.take_along_axis(one, row, axis=0)[0] for one in (found.value, error, found.first)
    )
    return Best(np.where(np.isinf(error), np.nan, value), error, error, first)


# --- the candidates ------------------------------------------------------------------------------


def fit(quotients: Quotients, *, quick: bool = False) -> Fit:
    """All candidates; `quick` does not look into the nature of misfits."""
    view = _View.of(quotients)
    parts = [_fit_order(order, quotients, view, quick) for order in range(ORDERS)]
    return Fit._make(map(np.concatenate, zip(*parts, strict=True)))


class _View(NamedTuple):
    """What all orders share. Windows (K, m, K) hold a table's rows from each row down, 0 past the end."""

    known: Flags  # (K, m)
    slopes: Array  # window: 0 where unknown
    weight: Array  # window: the steps, 0 where unknown
    clear: Array  # window: what rounding of f explains
    seen: Rows  # (K, m): known steps below
    sound: Rows  # (K, m): of these above the inner grain
    tail: Rows  # (TAIL, m): the smallest steps above the inner grain
    last: Rows  # (TAIL, m): the smallest steps

    @staticmethod
    def of(quotients: Quotients) -> _View:
        """Of these quotients."""
        slopes, steps = quotients.slopes, quotients.steps
        known, above = np.isfinite(slopes), steps >= quotients.inner
        filled = np.where(known, slopes, 0.0)
        tail = np.maximum(above.sum(axis=0), TAIL) + np.arange(-TAIL, 0)[:, np.newaxis]
        last = np.repeat(np.arange(len(steps) - TAIL, len(steps))[:, np.newaxis], steps.shape[1], axis=1)
        return _View(
            known,
            _window(filled),
            _window(np.where(known, steps, 0.0)),
            _window(8 * quotients.grain),
            _below(known),
            _below(known & above),
            tail,
            last,
        )


def _window(table: Array) -> Array:
    padded = np.concatenate([table, np.zeros_like(table)])
    return sliding_window_view(padded, len(table), axis=0)[: len(table)]


def _below(flags: Flags) -> Rows:
    """How many flags are set below each row."""
    return np.asarray(flags.sum(axis=0) - np.cumsum(flags, axis=0))


def _fit_order(order: int, quotients: Quotients, view: _View, quick: bool) -> Fit:
    steps, count = quotients.steps, len(quotients.steps) - order
    first, end = slice(count), slice(order, None)  # the largest and the smallest step of each candidate
    at_zero, below = _lagrange(order, quotients.power, len(steps))
    used = view.slopes[first, :, : order + 1]
    value = used @ at_zero
    misfit = (view.slopes[first] - used @ below.T) * view.weight[first]
    misfit[..., : order + 1] = 0.0
    size = np.abs(misfit)
    noise = size.max(axis=-1)
    rounding = _window(np.where(view.known, quotients.grain / steps, 0.0))[first, :, : order + 1]
    change = np.abs(np.diff(value, axis=0, append=np.inf))
    error = 3 * np.fmax(change, np.maximum(noise / steps[end], rounding @ np.abs(at_zero)))
    tame = noise <= WILD * quotients.grain[first]
    error = np.where(view.known[first] & tame, error, np.inf)
    odd = bent = np.zeros(value.shape, dtype=bool)
    if not quick:
        odd, bent = _nature(misfit, size, view, quotients.excused)
    start = np.repeat(np.arange(count)[:, np.newaxis], steps.shape[1], axis=1)
    return Fit(value, error, start, steps[first], view.seen[end], view.sound[end], noise, odd, bent)


@lru_cache(maxsize=128)
def _lagrange(order: int, power: int, count: int) -> tuple[Array, Array]:
    """Weights of neighbours in a table, that make the value of the polynomial through them.

    The first (nodes,) at h = 0, the second (count, nodes) at the first node's step and all below it.
    """
    nodes = RATIO ** (-power * np.arange(order + 1.0))
    below = RATIO ** (-power * np.arange(float(count)))
    same = np.eye(order + 1, dtype=bool)
    gaps = np.where(same, 1.0, nodes[:, np.newaxis] - nodes)
    away = np.append(below, 0.0)[:, np.newaxis, np.newaxis] - nodes
    weights = np.where(same, 1.0, away / gaps).prod(axis=-1)
    return weights[-1], weights[:-1]


# --- the nature of a misfit ----------------------------------------------------------------------


def _nature(misfit: Array, size: Array, view: _View, excused: Array) -> tuple[Flags, Flags]:
    """Whether misfits (C, m, K) are odd, and whether they are bent (see `Fit`)."""
    clear = np.where(size > view.clear[: len(size)], misfit, 0.0)  # of the rounding of f itself
    height = np.abs(clear)
    peak = height.max(axis=-1)
    quiet = _at(size, view.tail).max(axis=-1) < QUIET * peak
    stands, regular = peak > excused, _regular(clear, height, peak)
    odd = stands & quiet & ~regular
    bent = stands & regular & (quiet | _falling(_at(size, view.last)))
    return odd, bent


def _at(size: Array, rows: Rows) -> Array:
    """The misfit (C, m, TAIL) at these rows of the table."""
    down = rows.T - np.arange(len(size))[:, np.newaxis, np.newaxis]
    return np.where(down < 0, 0.0, np.take_along_axis(size, np.maximum(down, 0), axis=-1))


def _regular(misfit: Array, height: Array, peak: Array) -> Flags:
    """Whether a misfit shows at few steps, or is of one sign and shrinks with the steps: noise does neither.

    A kink at the distance d bends slopes at h > d by about d / h, so that the misfit, which is that
    times h, shrinks to a constant, and below d with h.
    """
    shows = height > 0.05 * peak[..., np.newaxis]
    up, down = (shows & (misfit > 0)).any(axis=-1), (shows & (misfit < 0)).any(axis=-1)
    grows = shows[..., 1:] & shows[..., :-1] & (height[..., 1:] > 2 * height[..., :-1])
    return np.asarray((shows.sum(axis=-1) <= BRIEF) | ~((up & down) | grows.any(axis=-1)))


def _falling(last: Array) -> Flags:
    """Whether the misfit falls as the smallest steps do: the slopes there agree with each other."""
    before, after = last[..., :-1], last[..., 1:]
    return np.asarray(((after > 0.6 / RATIO * before) & (after < 1.4 / RATIO * before)).all(axis=-1))


def inner_grain(x: Array) -> Array:
    """The steps below which inner values of size 1 may be frozen by their rounding."""
    return np.asarray(2.0**-50 * np.maximum(np.abs(x), 1.0))
