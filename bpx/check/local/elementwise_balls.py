"""Elements of an elementwise op on balls: their slopes are proved, in less time than ladders take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from bpx.check.balls import ball_context
from bpx.check.balls.balls import Ball, lifted
from bpx.check.balls.enclosures import Enclosure, enclosed_derivative, enclosed_together, floats_of
from bpx.check.local.elementwise_batch import ElementwiseBatch
from bpx.check.numeric.tolerances import BALL_BITS, FLOAT_CONSTANT_ROUNDING, RIGHT_FORMULA
from bpx.graph.arrays import of_shape


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
    return None if enclosure is None else _in_floats(enclosure, enclosure.floats)


Elements = Sequence[tuple[int, int]]  # by (position, column)


def enclosed_slopes(batch: ElementwiseBatch, elements: Elements) -> list[EnclosedSlope | None]:
    """The same of several elements: each moves in one run of the op, alone.

    One by one where that run does not prove every slope narrowly.
    """
    together = _enclosed_at_once([(batch, elements)])
    if together is None:
        return [enclosed_slope(batch, position, column) for position, column in elements]
    return together


def enclosed_slopes_of_all(
    asked: Sequence[tuple[ElementwiseBatch, Elements]],
) -> list[list[EnclosedSlope | None]]:
    """The same of elements of several batches; batch by batch where a run of all does not prove every slope.

    To set the precision anew for each batch took longer than the ops of scalars.
    """
    together = _enclosed_at_once(asked)
    if together is None:
        return [enclosed_slopes(batch, elements) for batch, elements in asked]
    each = iter(together)
    return [[*islice(each, len(elements))] for _, elements in asked]


def _enclosed_at_once(
    asked: Sequence[tuple[ElementwiseBatch, Elements]],
) -> list[EnclosedSlope | None] | None:
    """The slopes of all elements in one run; None where it does not prove every one narrowly."""
    together = enclosed_together(lambda: [ball for one in asked for ball in _moved_alone(*one)])
    return None if together is None else [*map(_in_floats, together, floats_of(together, BALL_BITS[0]))]


def _moved_alone(batch: ElementwiseBatch, elements: Elements) -> list[Ball]:
    """The values of the op, in each of which one element moves."""
    still = [lifted(arg).tolist() for arg in batch.args]
    args = [np.array([balls[column] for _, column in elements], dtype=object) for balls in still]
    for number, (position, column) in enumerate(elements):
        args[position][number] = still[position][column].moving()
    value = of_shape(np.asarray(batch.op.value(*args), dtype=object), (len(elements),))
    return [result if type(result) is Ball else result + Ball(0) for result in value]


def _in_floats(enclosure: Enclosure, ends: tuple[float, float]) -> EnclosedSlope | None:
    low, high = ends
    if not math.isfinite(low) or not math.isfinite(high):
        return None
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
