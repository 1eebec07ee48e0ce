"""A curve drawn in text, in dots of braille: two in each cell side by side, four on top of each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.numbers import SHOWN_DIGITS, number

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDEST = 72  # cells, labels and all
_ROWS = 10
_NARROWEST = 10  # cells of the curve itself
_DECADES = 2  # what falls by more than so many is drawn to a logarithmic scale
_BLANK = 0x2800
_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])


def is_logarithmic(values: Sequence[float]) -> bool:
    """Are the values all positive, and more than two decades apart?"""
    return bool(0 < min(values) < max(values) / 10**_DECADES)


def levels(values: Sequence[float]) -> Array:
    """How high the curve stands, to a logarithmic scale where it falls far."""
    return np.log10(values) if is_logarithmic(values) else np.array(values) / (max(map(abs, values)) or 1)


def drawn(values: Sequence[float], start: int, width: int) -> list[str]:
    """The curve of finite values in at most `width` cells; `start` is where its axis begins to count.

    Beside it stand the largest and the least value, below it the first and the last count.
    """
    labels = [number(max(values), SHOWN_DIGITS), *[""] * (_ROWS - 2), number(min(values), SHOWN_DIGITS)]
    margin = max(map(len, labels))
    cells = max(_NARROWEST, min(width, WIDEST) - margin - 2)
    rows = _rows(levels(values), cells)
    lines = [f"{label:>{margin}} |{row}" for label, row in zip(labels, rows, strict=True)]
    ends = str(start), str(start + len(values) - 1)
    return [*lines, f"{'':{margin}}  {ends[0]}{ends[1]:>{cells - len(ends[0])}}"]


def _rows(levels: Array, cells: int) -> Iterator[str]:
    """The curve in so many cells, row by row from the top."""
    dots = _dots(levels, 2 * cells, 4 * _ROWS)
    for row in dots.reshape(_ROWS, 4, cells, 2).transpose(0, 2, 1, 3):
        text = "".join(chr(_BLANK + int((cell * _DOTS).sum())) for cell in row)
        yield text.replace(chr(_BLANK), " ").rstrip()


def _dots(levels: Array, wide: int, high: int) -> NDArray[np.bool_]:
    """Which dots are set, the highest level in the first row: in each column all levels met there."""
    low, span = levels.min(), np.ptp(levels) or 1.0
    at = np.arange(len(levels))
    edges = np.linspace(0, len(levels) - 1, wide + 1)
    dots = np.zeros((high, wide), dtype=bool)
    for column, (left, right) in enumerate(pairwise(edges)):
        heights = [*np.interp([left, right], at, levels), *levels[int(np.ceil(left)) : int(right) + 1]]
        top, bottom = (
            round((1 - (level - low) / span) * (high - 1)) for level in (max(heights), min(heights))
        )
        dots[top : bottom + 1, column] = True
    return dots
