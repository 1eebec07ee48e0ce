"""How exactly an answer is meant: to so many significant digits, and a unit of the last one more or less."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.numbers import SHOWN_DIGITS, array, number

ANSWER_DIGITS = 3  # significant digits that an answer must have right
ROUNDING = 1e-9  # relative: what two formulas of the same value may differ by


def unit(expected: Array, digits: int) -> Array:
    """A unit of the last of so many significant digits; of a zero, as of the largest number beside it."""
    size = np.abs(expected)
    largest = float(np.max(size, initial=0.0)) or 1.0
    size = np.where(size < largest * 10.0**-digits, largest, size)
    return np.asarray(10.0 ** (np.floor(np.log10(size)) - digits + 1))


def same(answer: Any, expected: Array, digits: int, units: float = 1.0) -> bool:
    """Is an answer right to so many digits? The last may be off by one: earlier cells were rounded too."""
    answer, expected = np.asarray(answer), np.asarray(expected)
    if answer.size == expected.size:
        answer = np.reshape(answer, expected.shape)
    if answer.shape != expected.shape or not (np.isfinite(answer).all() and np.isfinite(expected).all()):
        return False
    return bool(np.all(np.abs(answer - expected) <= 1.0001 * units * unit(expected, digits)))


def equal(answer: Array, expected: Array) -> bool:
    """Are two values the same up to rounding, as those of equal formulas are?"""
    scale = max(float(np.max(np.abs(expected), initial=0.0)), 1e-300)
    return np.size(answer) == np.size(expected) and bool(
        np.all(np.abs(np.reshape(answer, np.shape(expected)) - expected) <= ROUNDING * scale)
    )


def written_digits(text: str) -> int:
    """The significant digits of the number in a text that has the most of them."""
    digits = (re.sub(r"^[0.]+|[.]", "", found) for found in re.findall(r"\d+\.?\d*|\.\d+", text))
    return max(map(len, digits), default=0)


def shown_number(value: Array, digits: int = SHOWN_DIGITS) -> Array:
    """The number as it is shown, rounded to so many significant digits, and read back."""
    elements = [float(number(element, digits)) for element in np.ravel(value).tolist()]
    return np.reshape(np.array(elements, dtype=np.float64), np.shape(value))


def written(value: Array, digits: int) -> str:
    """An answer as somebody may write it."""
    return array(np.asarray(value), digits)
