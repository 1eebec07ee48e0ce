"""Proved enclosures of derivatives: programs on balls, with as many bits as it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import takewhile
from typing import Any, NamedTuple

import numpy as np

from bpx.check.balls.ball_context import flint, precision
from bpx.check.balls.balls import Ball, NoDerivative, Tie, Undecided, to_the
from bpx.check.numeric.tolerances import BALL_BITS, ENCLOSURE_BITS

# What does not run on balls raises one or another of these; balls that decide nothing, ArithmeticErrors.
NO_PROOF = (TypeError, ValueError, AttributeError, ArithmeticError)


class Enclosure(NamedTuple):
    """An interval that is proved to hold a derivative, and the bits that it took."""

    slope: Any  # arb
    bits: int

    @property
    def floats(self) -> tuple[float, float]:
        """Its ends, rounded outwards to floats."""
        [ends] = floats_of([self], self.bits)
        return ends


def floats_of(enclosures: Iterable[Enclosure], bits: int) -> list[tuple[float, float]]:
    """The ends of enclosures that all took these bits, rounded outwards to floats."""
    with precision(bits):  # set once: to set it takes longer than to round
        return [(_float_below(slope), -_float_below(-slope)) for slope, _ in enclosures]


def enclosed_derivative(program: Callable[[bool], Ball], charge: Callable[[int], bool]) -> Enclosure | None:
    """The derivative of a program by a coordinate that moves where it is called with True.

    With more and more bits until the enclosure is narrow. None where there is no proof: at a kink or
    the edge of a domain, where the program does not run on balls, and where `charge`, which is told of each
    run and its bits, forbids it.
    """
    latest = None
    for wanted in BALL_BITS:
        if not charge(wanted):
            break
        with precision(wanted):
            try:
                slope = _slope(program)
            except Undecided:
                continue
            except NO_PROOF:
                return None
        if slope.is_finite():
            latest = Enclosure(slope, wanted)
            if _is_narrow(slope):
                return latest
    return latest


def enclosed_together(program: Callable[[], Iterable[Ball]]) -> list[Enclosure] | None:
    """The derivatives of several results, each by a coordinate of its own, all of which move in one run.

    None where the fewest bits do not enclose every one of them narrowly: `enclosed_derivative` may.
    """
    with precision(BALL_BITS[0]):
        try:
            slopes = [_slope_of(result) for result in program()]
        except NO_PROOF:
            return None
    enclosures = narrow_enclosures(slopes)
    return enclosures if len(enclosures) == len(slopes) else None


def narrow_enclosures(slopes: Iterable[Any]) -> list[Enclosure]:
    """Those of slopes in the fewest bits, up to the first that is not narrow."""
    narrow = takewhile(lambda slope: slope.is_finite() and _is_narrow(slope), slopes)
    return [Enclosure(slope, BALL_BITS[0]) for slope in narrow]


def _is_narrow(slope: Any) -> bool:
    return bool(slope.is_zero() or slope.rel_accuracy_bits() >= ENCLOSURE_BITS)


def _slope(program: Callable[[bool], Ball]) -> Any:
    try:
        return _slope_of(program(True))
    except Tie:
        here = program(False)
    sides = []
    for side in (1, -1):
        with to_the(side):
            sides.append(program(True))
    # Rounding aside, a jump would leave the value here, or that of one side, apart from the others.
    if not all(beside.value.overlaps(here.value) for beside in sides):
        raise NoDerivative
    right, left = map(_slope_of, sides)
    if not right.overlaps(left):
        raise NoDerivative
    return right.union(left)


def _slope_of(result: Ball) -> Any:
    if not result.isfinite():
        return result.value
    return flint().arb(0) if result.slope is None else result.slope


def _float_below(number: Any) -> float:
    """The largest float below the whole interval, or the one before it."""
    nearest = float(number.lower())
    below = flint().arb(nearest) <= number
    return nearest if below else float(np.nextafter(nearest, -np.inf))
