"""Numbers, arrays, shapes and indices as text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from bpx.graph.arrays import Array
from bpx.words.say import say

CONSTANTS = {"pi": math.pi, "e": math.e}


SHOWN_DIGITS = 6  # significant digits of numbers that people read; JSON has them all
MOST_DIGITS = 17  # significant digits that tell every float64 from the next


LARGEST_SHOWN = 16  # elements of an array that is shown in full


def number(value: float, digits: int | None = None) -> str:
    """A number as text: rounded to `digits` significant digits, or in full so that it reads back."""
    value = float(value)
    if digits is not None:
        return _rounded(value, digits)
    negative_zero = value == 0 and math.copysign(1.0, value) < 0
    return str(int(value)) if _is_short_integer(value) and not negative_zero else repr(value)


# A value is written wherever its node is used, mostly close together.
@lru_cache(4096)
def _rounded(value: float, digits: int) -> str:
    if _is_short_integer(value):
        return str(int(value))
    return f"{value:.{digits}g}".replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")


def _is_short_integer(value: float) -> bool:
    return value.is_integer() and abs(value) < 1e15


def mantissa_and_exponent(value: float, digits: int | None = None) -> tuple[str, int | None]:
    """A number as `number` writes it, the power of ten apart; None where it is written without one."""
    mantissa, _, exponent = number(value, digits).partition("e")
    return mantissa, int(exponent) if exponent else None


def array(value: Array | float, digits: int | None = None) -> str:
    """A scalar or an array in full, `[[1, 2], [3, 4]]`."""
    if isinstance(value, float | int) or value.ndim == 0:
        return number(float(value), digits)
    if not value.size:
        return str(value.tolist())
    texts = [number(element, digits) for element in value.ravel().tolist()]
    for length in reversed(value.shape):
        texts = [f"[{', '.join(texts[i : i + length])}]" for i in range(0, len(texts), length)]
    return texts[0]


def shape_text(shape: Sequence[int]) -> str:
    """A shape as people write it: `2×3`, `3`, and a word for a scalar."""
    return "×".join(map(str, shape)) if shape else say("word.scalar")


def index_text(index: Sequence[int]) -> str:
    """The index of an element as people write it, `[0, 2]`; nothing for a scalar."""
    return f"[{', '.join(map(str, index))}]" if index else ""


def is_written_short(values: Array) -> bool:
    """Has each of these numbers at most six digits, or six decimals? Those of a float32 are more."""
    numbers = values.ravel().tolist()
    return all(number in (float(f"{number:.6g}"), float(f"{number:.6f}")) for number in numbers)
