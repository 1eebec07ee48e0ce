"""Derivatives by one-sided quotients in so many digits that neither step nor rounding leaves a trace.

With 90 digits a step of 1e-30 min(|x|, 1) leaves a truncation error of some 1e-30 and a rounding error of
some 1e-60, relatively: no extrapolation is needed, and a kink or an edge as close beside x is told from one
at x. The derivative is taken from function values alone, so that it is an independent reference for any rule.
Digits are doubled until more of them change nothing, as in Ziv, Fast evaluation of elementary mathematical
functions with correctly rounded last bit (ACM TOMS 17, 1991).

(The complex step of Squire and Trapp, Using complex variables to estimate derivatives of real functions,
SIAM Review 40, 1998, needs no more digits, but fails silently where a function takes absolute values or
compares: abs() drops the imaginary part, and with it the derivative.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, SupportsFloat

import numpy as np

from bpx.check.numeric.multiprecision import Multiprecision, as_multiprecision, precision, resolution
from bpx.check.numeric.tolerances import (
    DIGITS_SETTLED,
    KINK_GAP,
    LARGEST_DIGITS_ROUNDING,
    MOST_DIGITS,
    MULTIPRECISION_DIGITS,
    MULTIPRECISION_ROUNDINGS,
    MULTIPRECISION_STEP,
    MULTIPRECISION_STEP_AT_ZERO,
    SLOPE_GROWTH,
    STEP_SHRINK,
)


class MultiprecisionSlope(NamedTuple):
    """The derivative of one function at one point.

    At a kink `left` and `right` differ; at an edge (of the domain, at a jump, at a vertical tangent) there
    is no derivative, and the numbers mean nothing.
    """

    value: float
    error: float  # what may be wrong with it
    left: float
    right: float
    kink: bool
    edge: bool
    exact: Multiprecision  # `value` before rounding
    at: Multiprecision  # f(x)
    rounding: float  # what the digits carried allow for at most
    digits: int = MULTIPRECISION_DIGITS  # so many it took: fewer leave nothing where large terms cancel


def slope(function: Callable[[Multiprecision], Any], x: SupportsFloat) -> MultiprecisionSlope | None:
    """The derivative at x of a function of one variable; None where it does not run on such numbers."""
    every = slopes(function, x)
    return every[0] if every else None


def slopes(function: Callable[[Multiprecision], Any], x: SupportsFloat) -> list[MultiprecisionSlope] | None:
    """The derivatives at x of all elements, in order, of what a function of one variable returns.

    Taken with more and more digits until more change nothing; None where the function does not run on
    numbers of the class `Multiprecision`, whatever it raises then.
    """
    digits = MULTIPRECISION_DIGITS
    after = _slopes(function, x, digits)
    while after is not None and digits < MOST_DIGITS:
        # A 0 may only be too few digits: then as many as there are must say so.
        digits = min(2 * digits, MOST_DIGITS) if any(element.value for element in after) else MOST_DIGITS
        before = after
        after = _slopes(function, x, digits)
        if after is not None and all(map(_is_settled, before, after)):
            return list(map(_with_error, before, after))
    if not after:
        return after
    return [element._replace(error=element.error + element.rounding) for element in after]


def _is_settled(before: MultiprecisionSlope, after: MultiprecisionSlope) -> bool:
    """Whether more digits say the same, in all that counts."""
    gap, size = abs(after.exact - before.exact), abs(after.exact)
    # Two equal results may both be rounding, as where x is lost beside 1e200: the digits must suffice too.
    same = bool(size > 0) and bool(gap <= DIGITS_SETTLED * size)
    same = same and bool(after.rounding <= LARGEST_DIGITS_ROUNDING * size)
    same = same or not (before.exact.isfinite() or after.exact.isfinite())
    return same and (before.kink, before.edge) == (after.kink, after.edge)


def _with_error(before: MultiprecisionSlope, after: MultiprecisionSlope) -> MultiprecisionSlope:
    """With the error that twice the digits show added; of a 0, what they may hide."""
    shown = abs(after.exact - before.exact).nearest_float() if after.value else after.rounding
    return before._replace(error=before.error + shown)


def _slopes(
    function: Callable[[Multiprecision], Any], x: SupportsFloat, digits: int
) -> list[MultiprecisionSlope] | None:
    """The derivatives with so many digits: five evaluations, at x and at two steps to either side."""
    with precision(digits):
        middle = Multiprecision(float(x))
        # Never in proportion to a large x: f may have features of size 1 there, as sin and floor do.
        size = min(abs(float(x)), 1.0)
        step = (
            Multiprecision(size) * MULTIPRECISION_STEP
            if size
            else Multiprecision(MULTIPRECISION_STEP_AT_ZERO)
        )
        offsets = (0, step, -step, step / STEP_SHRINK, -step / STEP_SHRINK)
        try:
            values = [np.ravel(np.asarray(function(middle + offset), dtype=object)) for offset in offsets]
            elements = list(zip(*values, strict=True))
        except Exception:  # whatever it is that a stranger's function does not like about such numbers
            return None
        return [_slope(points, step)._replace(digits=digits) for points in elements]


def _slope(points: tuple[Any, ...], step: Multiprecision) -> MultiprecisionSlope:
    """The derivative from f at x, x ± step and x ± step / STEP_SHRINK, in this order."""
    at, *ends = map(as_multiprecision, points)
    near = step / STEP_SHRINK
    (right, left), (near_right, near_left) = _sides(at, ends[:2], step), _sides(at, ends[2:], near)
    value = (near_right + near_left) / 2
    error = abs(value - (right + left) / 2)
    size = max(abs(right), abs(left))
    gap, near_gap = abs(right - left), abs(near_right - near_left)
    # Of inner values of size 1 at least, which may cancel.
    rounding = MULTIPRECISION_ROUNDINGS * resolution() * max(Multiprecision(1), abs(at)) / near
    noise = KINK_GAP * size + rounding
    edge = not (right.isfinite() and left.isfinite() and _is_bounded(right, near_right, noise))
    edge = edge or not _is_bounded(left, near_left, noise)
    # Where the derivative only changes fast, the gap shrinks with the step; at a kink it stays.
    kink = not edge and bool(gap > noise) and bool(near_gap > gap / 2)
    sides = (near_left.nearest_float(), near_right.nearest_float())
    return MultiprecisionSlope(
        value.nearest_float(), error.nearest_float(), *sides, kink, edge, value, at, rounding.nearest_float()
    )


def _sides(
    at: Multiprecision, ends: list[Multiprecision], step: Multiprecision
) -> tuple[Multiprecision, Multiprecision]:
    """The slope to the right, and that to the left."""
    up, down = ends
    return (up - at) / step, (at - down) / step


def _is_bounded(wide: Multiprecision, near: Multiprecision, noise: Multiprecision) -> bool:
    """Whether the slope does not grow as the step shrinks."""
    return bool(abs(near) <= SLOPE_GROWTH * abs(wide) + noise)
