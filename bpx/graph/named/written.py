"""Numbers that remember how they were written, and how exactly that states them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from bpx.graph.arrays import Array


WRITING = (
    1e-12  # relative: rounding of whatever program printed a number, a few thousand units in the last place
)


class Written(float):
    """A float that remembers how it was written: 0.40 states two decimals, 0.4 one."""

    __slots__ = ("text",)  # a spec may have a million of them
    text: str

    def __new__(cls, text: str) -> Written:
        """Read the number; `text` keeps its digits."""
        number = super().__new__(cls, text)
        number.text = text
        return number


def tolerance(written: Any, shape: tuple[int, ...]) -> Array:
    """How far a number may be off that is printed so: half a unit of its last digit, and rounding.

    `written` is a number, a nest of lists of numbers or an array, `shape` that of its array and of what is
    returned.
    """
    if isinstance(written, np.ndarray):  # made by a program, and meant exactly
        return np.asarray(WRITING * np.abs(written))
    flat: list[Any] = [written]
    while any(isinstance(item, list) for item in flat):
        flat = [inner for item in flat for inner in (item if isinstance(item, list) else [item])]
    return np.array([0.5 * _last_digit(item) + WRITING * abs(float(item)) for item in flat]).reshape(shape)


def significant_digits(written: Any) -> int:
    """The most that a number is written with, of those that are not whole; 0 where all are."""
    if isinstance(written, list):
        return max(map(significant_digits, written), default=0)
    if not isinstance(written, Written):
        return 0
    digits = written.text.lower().partition("e")[0].replace(".", "").replace("_", "")
    return len(digits.lstrip("+-−0"))


def _last_digit(number: Any) -> float:
    if not isinstance(number, Written):
        return 0.0  # a whole number, or one made by a program: meant exactly
    digits, _, exponent = number.text.lower().replace("_", "").partition("e")
    decimals = len(digits.partition(".")[2])
    # An exponent of hundreds of digits is an infinite float, and no int that could be computed with.
    return float(10.0 ** min(float(exponent or 0) - decimals, 308))
