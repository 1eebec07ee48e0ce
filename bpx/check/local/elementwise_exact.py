"""One element of an elementwise op in many digits: its forward function, and its rule.

What float64 leaves open is settled here. The forward in many digits gives the true slope; the rule in many
digits says whether the formula is right, where its float64 value has lost the digits to tell by: p − onehot
at a logit of 40 is 100 % wrong and nobody's mistake.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from bpx.check.local.elementwise_batch import ElementwiseBatch
from bpx.check.numeric import multiprecision, multiprecision_slopes
from bpx.check.numeric.multiprecision_slopes import MultiprecisionSlope
from bpx.check.numeric.tolerances import (
    CANCELLED,
    EXACT_ELEMENT_OPERATIONS,
    EXACTLY_KNOWN,
    FLOAT_CONSTANT_ROUNDING,
    RIGHT_FORMULA,
    SAFETY_FACTOR,
)
from bpx.check.tasks.looks import looked
from bpx.check.tasks.lost import WorkerLost
from bpx.graph.arrays import Array, Indices


def slopes_and_rules(
    batch: ElementwiseBatch, position: int, columns: Indices, sizes: Array
) -> Iterator[tuple[float, bool] | WorkerLost | None]:
    """`slope_and_rule` of some elements, which workers may share; `WorkerLost` where they died."""
    elements = _Elements(batch.only(columns), position, sizes)
    return looked(_each, elements, range(columns.size), EXACT_ELEMENT_OPERATIONS)


class _Elements(NamedTuple):
    """Elements to look at by one of their args, and how large the slopes are that are claimed."""

    batch: ElementwiseBatch
    position: int
    sizes: Array


def _each(elements: _Elements, columns: Sequence[int]) -> Iterator[tuple[float, bool] | None]:
    for column in columns:
        yield slope_and_rule(elements.batch, elements.position, column, float(elements.sizes[column]))


def slope_and_rule(
    batch: ElementwiseBatch, position: int, column: int, size: float
) -> tuple[float, bool] | None:
    """The slope by one arg of one element, and whether the rule gives it in many digits.

    None where the op does not run on such numbers, or has no one slope there. `size` is what is claimed.
    """
    slope = sides(batch, position, column)
    if slope is None or not is_known(slope, size):
        return None
    # The rule with as many digits as the slope took: with fewer, where large terms cancel, it has none.
    args = [multiprecision.lifted(arg[column]) for arg in batch.args]
    with multiprecision.precision(slope.digits):
        return rounded_slope(slope), is_right(rule_on(batch, position, args), slope, size, rule=True)


def sides(batch: ElementwiseBatch, position: int, column: int) -> MultiprecisionSlope | None:
    """The slopes to both sides by one arg of one element; None where the op does not run on such numbers."""
    args = [multiprecision.lifted(arg[column]) for arg in batch.args]

    def forward(x: Any) -> Any:
        value = batch.op.value(*args[:position], x, *args[position + 1 :])
        return np.ravel(np.asarray(value, dtype=object))[0]

    return multiprecision_slopes.slope(forward, float(batch.args[position][column]))


def is_known(slope: MultiprecisionSlope, size: float = 0.0) -> bool:
    """Is it a derivative, to more digits than a verdict in float64 asks for, or 0 to very many?

    `size` is how large the terms are that it is the sum of.
    """
    if slope.kink or slope.edge or not np.isfinite(slope.error):
        return False
    bar = SAFETY_FACTOR * slope.error
    # Relative to itself; or, as a 0 has no size, to the terms, which may be no larger than 1 for that.
    return bar <= EXACTLY_KNOWN * abs(slope.value) or bar <= CANCELLED * min(size or 1.0, 1.0)


def rounded_slope(slope: MultiprecisionSlope) -> float:
    """The derivative as a float; what may as well be 0 is 0."""
    return 0.0 if abs(slope.value) <= SAFETY_FACTOR * slope.error else slope.value


def is_right(
    claim: Any,
    slope: MultiprecisionSlope,
    size: float = 0.0,
    rule: bool = False,
    detect: float = RIGHT_FORMULA,
) -> bool:
    """Is a derivative that is claimed in many digits the right one? None is not known to be.

    `size` is how large the terms are that it is the sum of: a derivative of 0 has no other scale. A
    `rule` of bpx's own has constants, such as π, of no more digits than float64. `detect` is the smallest
    relative error that must be seen.
    """
    if claim is None:
        return False
    gap = abs(claim - slope.exact)
    # Both are 0, the one exactly and the other for all that can be seen: no scale is needed.
    if rounded_slope(slope) == 0.0 and not claim:
        return True
    of_terms = (FLOAT_CONSTANT_ROUNDING if rule else CANCELLED) * size
    close = min(RIGHT_FORMULA, detect)
    return bool(gap <= close * abs(slope.exact)) or bool(gap <= of_terms)


def rule_on(batch: ElementwiseBatch, position: int, args: list[Any]) -> Any:
    """The rule on numbers of more digits, the args, and the value at them; None where it does not run."""
    try:
        return batch.locals_at(position, args, np.array(batch.op.value(*args)))[()]
    # A rule may call what knows no such numbers; a rule of a spec is nobody's promise.
    except (TypeError, ValueError, AttributeError, ArithmeticError):
        return None
