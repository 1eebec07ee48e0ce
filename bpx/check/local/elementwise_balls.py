"""One element of an elementwise op on balls: its slope is proved, in less time than a ladder takes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from bpx.check.balls import ball_context
from bpx.check.balls.balls import Ball, lifted
from bpx.check.balls.enclosures import Enclosure, enclosed_derivative
from bpx.check.local.elementwise_batch import ElementwiseBatch
from bpx.check.numeric.tolerances import BALL_BITS, FLOAT_CONSTANT_ROUNDING, RIGHT_FORMULA


class EnclosedSlope(NamedTuple):
    """The slope by one arg, rounded to a float, and what the enclosure leaves open."""

    value: float
    width: float
    enclosure: Enclosure


def enclosed_slope(batch: ElementwiseBatch, position: int, column: int) -> EnclosedSlope | None:
    """The slope by one arg of one element; None where there is no proof of one."""
    args = _args(batch, column)

    def program(moves: bool) -> Ball:
        moved = [*args]
        if moves:
            moved[position] = np.array(args[position].item().moving(), dtype=object)
        result: Ball = np.ravel(np.asarray(batch.op.value(*moved), dtype=object))[0] + Ball(0)
        return result

    enclosure = enclosed_derivative(program, lambda bits: True)
    if enclosure is None or not np.isfinite(enclosure.floats).all():
        return None
    low, high = enclosure.floats
    return EnclosedSlope(low + (high - low) / 2, high - low, enclosure)


def rule_is_right(
    batch: ElementwiseBatch, position: int, column: int, slope: EnclosedSlope, size: float
) -> bool:
    """Does the rule, on balls, give what is enclosed? `size` is what it gives in float64."""
    # Imported here: it brings the numbers of many digits along, which a right rule does without.
    from bpx.check.local.elementwise_exact import rule_on

    exact = slope.enclosure.slope
    for bits in BALL_BITS:
        with ball_context.precision(bits):
            stated = rule_on(batch, position, _args(batch, column))
            if not isinstance(stated, Ball):
                return False
            gap = abs(stated.value - exact)
            room = RIGHT_FORMULA * abs(exact) + FLOAT_CONSTANT_ROUNDING * size
            if gap <= room or gap > room:
                return bool(gap <= room)
    return False


def _args(batch: ElementwiseBatch, column: int) -> list[Any]:
    return [lifted(arg[column]) for arg in batch.args]
