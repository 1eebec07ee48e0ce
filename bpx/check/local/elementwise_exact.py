"""One element of an elementwise op under the magnifying glass: its forward and its rule in many digits."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpx.check.local.elementwise_batch import ElementwiseBatch
from bpx.check.numeric import multiprecision
from bpx.check.numeric.differences import SURE

KNOWN = 1e-12  # relative
ROUGHLY = 1e-15  # of the terms of a sum, where float64 constants stand among them
NOTHING = 1e-35  # of the terms of a sum: where they cancel, what is left in many digits
RIGHT_FORMULA = 1e-9  # relative: how closely a formula must agree in many digits to be the right one


def slope_and_rule(
    group: ElementwiseBatch, position: int, column: int, size: float
) -> tuple[float, bool] | None:
    """The slope by one arg of one element, and whether the rule gives it in many digits.

    None where the op does not run on such numbers, or has no one slope there. `size` is what is claimed.
    """
    if not multiprecision.available():
        return None
    args = [multiprecision.lifted(arg[column]) for arg in group.args]

    def forward(x: Any) -> Any:
        value = group.op.value(*args[:position], x, *args[position + 1 :])
        return np.ravel(np.asarray(value, dtype=object))[0]

    slope = multiprecision.slope(forward, float(group.args[position][column]))
    if slope is None or not is_known(slope, size):
        return None
    with multiprecision.precision(slope.digits):
        return rounded_slope(slope), is_right(_rule(group, position, args), slope, size, rule=True)


def is_known(slope: multiprecision.MultiprecisionSlope, size: float = 0.0) -> bool:
    """Is it a derivative, to more digits than float64 has, or 0 to very many?

    `size` is how large the terms are that it is the sum of.
    """
    if slope.kink or slope.edge or not np.isfinite(slope.error):
        return False
    sure = SURE * slope.error
    return sure <= KNOWN * abs(slope.value) or sure <= NOTHING * min(size or 1.0, 1.0)


def rounded_slope(slope: multiprecision.MultiprecisionSlope) -> float:
    """The derivative as a float; what may as well be 0 is 0."""
    return 0.0 if abs(slope.value) <= SURE * slope.error else slope.value


def is_right(
    stated: Any, slope: multiprecision.MultiprecisionSlope, size: float = 0.0, rule: bool = False
) -> bool:
    """Is a derivative that is stated in many digits the right one? None is not known to be.

    `size` is how large the terms are that it is the sum of: a derivative of 0 has no other scale. A
    `rule` of bpx's own has constants, such as π, of no more digits than float64.
    """
    if stated is None:
        return False
    gap = abs(stated - slope.exact)
    if rounded_slope(slope) == 0.0 and not stated:
        return True
    return bool(gap <= RIGHT_FORMULA * abs(slope.exact)) or bool(gap <= (ROUGHLY if rule else NOTHING) * size)


def _rule(group: ElementwiseBatch, position: int, args: list[Any]) -> Any:
    """The rule in many digits, from args in as many and the value at them; None where it does not run."""
    try:
        return group.locals_at(position, args, np.array(group.op.value(*args)))[()]
    except (TypeError, ValueError, AttributeError):
        return None
