"""Values as the lines of a card: rows of small arrays, the beginning and the length of larger ones."""

from __future__ import annotations

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.numbers import number
from bpx.render.plain_data import norm
from bpx.words.say import say

_MOST_ROWS, MOST_COLUMNS = 3, 3
_FIRST = 2  # elements of a vector that is too long


def lines_of(value: Array | None, digits: int) -> tuple[str, ...]:
    """A number, a row, up to three rows; of larger arrays the first elements and the norm."""
    if value is None:
        return ()
    if np.ndim(value) == 0:
        return (number(float(value), digits),)
    if value.ndim <= 2 and value.shape[-1] <= MOST_COLUMNS and value.size <= _MOST_ROWS * MOST_COLUMNS:
        rows = value.reshape(-1, value.shape[-1]) if value.size else np.empty((1, 0))
        return tuple(f"[{', '.join(number(each, digits) for each in row)}]" for row in rows.tolist())
    first = ", ".join(number(each, digits) for each in value.ravel()[:_FIRST].tolist())
    return (f"[{first}, …]", say("picture.norm", norm=number(norm(value), digits)))


def in_one_line(value: Array, digits: int) -> str:
    """A number or a short vector, and of any other array the norm: a text for an edge."""
    if np.ndim(value) == 0:
        return number(float(value), digits)
    if np.ndim(value) == 1 and value.size <= MOST_COLUMNS:
        return lines_of(value, digits)[0]
    return say("picture.norm", norm=number(norm(value), digits))
