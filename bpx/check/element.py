"""One element of an elementwise op under the magnifying glass: its forward and its rule in 50 digits."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpx.check import exact
from bpx.check.group import Group

NOTHING = 1e-35  # of the terms of a sum: where they cancel, what is left in 50 digits
RIGHT_FORMULA = 1e-9  # relative: how closely a formula must agree in 50 digits to be the right one


def slope_and_rule(group: Group, position: int, column: int) -> tuple[float, bool] | None:
    """The slope by one arg of one element, and whether the rule gives it in 50 digits.

    None where the op does not run on such numbers, or has no one slope there.
    """
    if not exact.available():
        return None
    args = [exact.lifted(arg[column]) for arg in group.args]

    def forward(x: Any) -> Any:
        return group.op.value(*args[:position], x, *args[position + 1 :])

    slope = exact.slope(forward, float(group.args[position][column]))
    if slope is None or slope.kink or slope.edge:
        return None
    with exact.precision(slope.digits):
        return slope.value, is_right(_rule(group, position, args), slope)


def is_right(stated: Any, slope: exact.Slope, size: float = 0.0) -> bool:
    """Is a derivative that is stated in 50 digits the right one? None is not known to be.

    `size` is how large the terms are that it is the sum of: a derivative of 0 has no other scale.
    """
    if stated is None:
        return False
    gap = abs(stated - slope.exact)
    return bool(gap <= RIGHT_FORMULA * abs(slope.exact)) or bool(gap <= NOTHING * size)


def _rule(group: Group, position: int, args: list[Any]) -> Any:
    """The rule in 50 digits, from args in as many and the op's value at them; None where it does not run."""
    try:
        return group.locals_at(position, args, np.array(group.op.value(*args)))[()]
    except (TypeError, ValueError, AttributeError):
        return None
