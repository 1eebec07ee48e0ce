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

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, SupportsFloat

import numpy as np

from bpx.check.numeric import binary
from bpx.check.numeric.binary import Binary
from bpx.check.numeric.multiprecision import Multiprecision, as_multiprecision, precision, resolution
from bpx.check.numeric.tolerances import (
    DIGITS_SETTLED,
    KINK_GAP,
    LARGEST_DIGITS_ROUNDING,
    LEAST_OF_DIGITS,
    MOST_DIGITS,
    MOST_SHORTENINGS,
    MULTIPRECISION_DIGITS,
    MULTIPRECISION_ROUNDINGS,
    MULTIPRECISION_STEP,
    MULTIPRECISION_STEP_AT_ZERO,
    SETTLED,
    SHARE_OF_WAY,
    SLOPE_GROWTH,
    SMOOTH_SHRINK,
    STEADY_GROWTH,
    STEP_SHRINK,
    WHOLE_PART_ROUNDINGS,
)


class TooFewDigits(ArithmeticError):
    """They do not reach from x down to a step that crosses no jump."""


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
    apart: bool  # neither: the slopes of both sides do not approach each other, nor stay as they are
    digits: int = MULTIPRECISION_DIGITS  # so many it took: fewer leave nothing where large terms cancel

    @property
    def settles(self) -> bool:
        """Do the last two steps give the same? Those that cross many jumps, of mod(1e300 y, y), do not."""
        return not self.apart and self.error <= SETTLED * max(abs(self.left), abs(self.right))


def slope(function: Callable[[Multiprecision], Any], x: SupportsFloat) -> MultiprecisionSlope | None:
    """The derivative at x of a function of one variable; None where it does not run on such numbers."""
    every = slopes(function, x)
    return every[0] if every else None


def slopes(function: Callable[[Multiprecision], Any], x: SupportsFloat) -> list[MultiprecisionSlope] | None:
    """The derivatives at x of all elements, in order, of what a function of one variable returns.

    Taken with more and more digits until more change nothing; None where the function does not run on
    numbers of the class `Multiprecision`, whatever it raises then, and where no step that so many digits have
    is short enough.
    """
    digits, before = MULTIPRECISION_DIGITS, list[MultiprecisionSlope]()
    while True:
        try:
            after = _slopes(function, x, digits)
        except TooFewDigits:
            if digits == MOST_DIGITS:
                return None
            digits, before = min(2 * digits, MOST_DIGITS), []
            continue
        if not after:
            return after
        if before and all(map(_is_settled, before, after)):
            return list(map(_with_error, before, after))
        if digits == MOST_DIGITS:
            return [element._replace(error=element.error + element.rounding) for element in after]
        # A 0 may only be too few digits: then as many as there are must say so.
        digits = min(2 * digits, MOST_DIGITS) if any(element.value for element in after) else MOST_DIGITS
        before = after


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
    """The derivatives with so many digits: five evaluations, at x and at two steps to either side.

    Two steps that show no derivative may do so by chance, as of x sin(1/x): then a third has a word.
    """
    with precision(digits):
        middle = Multiprecision(float(x))
        # Never in proportion to a large x: f may have features of size 1 there, as sin and floor do.
        size = min(abs(float(x)), 1.0)
        step = (
            Multiprecision(size) * MULTIPRECISION_STEP
            if size
            else Multiprecision(MULTIPRECISION_STEP_AT_ZERO)
        )
        try:
            with binary.whole_parts() as here:
                at = function(middle)
            step = _short_of_jumps(function, middle, step, here) if here else step
            steps = [step, step / STEP_SHRINK]
            elements = _elements([at, *map(function, _beside(middle, steps))])
            if any(_is_doubtful(_slope(points, steps), points) for points in elements):
                steps.append(steps[-1] / STEP_SHRINK)
                further = _elements(map(function, _beside(middle, steps[-1:])))
                elements = [(*points, *nearest) for points, nearest in zip(elements, further, strict=True)]
        except TooFewDigits:
            raise
        except Exception:  # whatever it is that a stranger's function does not like about such numbers
            return None
        return [_slope(points, steps)._replace(digits=digits) for points in elements]


def _short_of_jumps(
    function: Callable[[Multiprecision], Any],
    middle: Multiprecision,
    step: Multiprecision,
    here: Sequence[Binary],
) -> Multiprecision:
    """A step, `step` at the most, that crosses no jump at whole numbers on its way, but for one at x itself.

    Over whole periods mod(x, y) is as smooth as a constant. `here` are the whole parts taken at x.
    """
    least = abs(middle) * resolution() * LEAST_OF_DIGITS
    for _ in range(MOST_SHORTENINGS):
        share = max(_share_of_way(function, beside, here) for beside in _beside(middle, [step]))
        if share <= SHARE_OF_WAY:
            return step
        step = step * SHARE_OF_WAY / (2 * share)
        if step < least:
            break
    raise TooFewDigits


def _share_of_way(
    function: Callable[[Multiprecision], Any], beside: Multiprecision, here: Sequence[Binary]
) -> Multiprecision:
    """How much of the way to the next jump a point beside x has gone, from the whole parts taken at both."""
    with binary.whole_parts() as there:
        function(beside)
    share = Multiprecision(0)
    for number, moved in zip(map(Multiprecision, here), map(Multiprecision, there), strict=False):
        if not number.isfinite():
            continue
        error = max(Multiprecision(1), abs(number)) * resolution() * WHOLE_PART_ROUNDINGS
        if error > SHARE_OF_WAY:
            raise TooFewDigits  # to tell one whole number from the next
        way = abs(number - number.rint())
        share = max(share, abs(moved - number) / (way if way > error else 1))
    return share


def _elements(values: Iterable[Any]) -> list[tuple[Any, ...]]:
    """The values of each element at all points, from those of all elements at each."""
    return list(zip(*(np.ravel(np.asarray(value, dtype=object)) for value in values), strict=True))


def _beside(middle: Multiprecision, steps: Sequence[Multiprecision]) -> list[Multiprecision]:
    """To the right and to the left of a point, step by step."""
    return [middle + sign * step for step in steps for sign in (1, -1)]


def _is_doubtful(slope: MultiprecisionSlope, points: Sequence[Any]) -> bool:
    """Is there no derivative, for all that two steps show, though f is finite at all points?"""
    finite = all(as_multiprecision(point).isfinite() for point in points)
    return finite and (slope.edge or slope.kink or slope.apart)


def _slope(points: tuple[Any, ...], steps: Sequence[Multiprecision]) -> MultiprecisionSlope:
    """The derivative from f at x, and at x ± each of the steps, the largest first."""
    at, *ends = map(as_multiprecision, points)
    rights = [(up - at) / step for up, step in zip(ends[::2], steps, strict=True)]
    lefts = [(at - down) / step for down, step in zip(ends[1::2], steps, strict=True)]
    values = [(right + left) / 2 for right, left in zip(rights, lefts, strict=True)]
    gaps = [abs(right - left) for right, left in zip(rights, lefts, strict=True)]
    # Of inner values of size 1 at least, which may cancel.
    rounding = MULTIPRECISION_ROUNDINGS * resolution() * max(Multiprecision(1), abs(at)) / steps[-1]
    noise = KINK_GAP * max(abs(rights[0]), abs(lefts[0])) + rounding
    finite = all(slope.isfinite() for slope in (*rights, *lefts))
    edge = not finite or _grows(rights, noise) or _grows(lefts, noise)
    kink = not edge and _stays(gaps, noise)
    # Where the derivative only changes fast, the gap shrinks with the step.
    closes = gaps[-1] <= noise or gaps[-1] * SMOOTH_SHRINK <= gaps[-2]
    apart = not (kink or edge or closes)
    error = abs(values[-1] - values[-2]) + (max(gaps) if apart else 0)
    sides = (lefts[-1].nearest_float(), rights[-1].nearest_float())
    return MultiprecisionSlope(
        values[-1].nearest_float(),
        error.nearest_float(),
        *sides,
        kink,
        edge,
        values[-1],
        at,
        rounding.nearest_float(),
        apart,
    )


def _grows(slopes: Sequence[Multiprecision], noise: Multiprecision) -> bool:
    """Do slopes grow as the steps shrink, and by about the same factor each time?"""
    sizes = [abs(slope) for slope in slopes]
    grow = all(near > SLOPE_GROWTH * wide + noise for wide, near in pairwise(sizes))
    ratios = [near / wide for wide, near in pairwise(sizes) if wide > noise]
    return grow and (len(ratios) < 2 or max(ratios) <= STEADY_GROWTH * min(ratios))


def _stays(gaps: Sequence[Multiprecision], noise: Multiprecision) -> bool:
    """Are both sides as far apart at each step?"""
    return bool(min(gaps) > noise) and bool(max(gaps) <= SLOPE_GROWTH * min(gaps))
