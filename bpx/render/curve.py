"""A curve drawn in text, in dots of braille: two in each cell side by side, four on top of each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from bpx.graph.arrays import Array, Flags
from bpx.graph.numbers import SHOWN_DIGITS, number
from bpx.words.widths import cells as cells_of

if TYPE_CHECKING:
    from bpx.render.blocks import Curve

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


def drawn(curve: Curve, width: int) -> list[str]:
    """The curve in at most `width` cells.

    Beside it stand the largest and the least value and the name of the level, below it the two ends.
    """
    values = curve.with_level
    labels = [number(max(values), SHOWN_DIGITS), *[""] * (_ROWS - 2), number(min(values), SHOWN_DIGITS)]
    heights = levels(values)
    level = _row_of_level(heights) if curve.level else None
    if curve.level and level is not None:
        # The largest and the least value keep their places.
        labels[min(max(level // 4, 1), _ROWS - 2)] = curve.level[1]
    margin = max(map(cells_of, labels))
    cells = max(_NARROWEST, min(width, WIDEST) - margin - 2)
    rows = _rows(heights, cells, level)
    lines = [
        f"{' ' * (margin - cells_of(label))}{label} |{row}" for label, row in zip(labels, rows, strict=True)
    ]
    left, right = curve.ends
    return [*lines, f"{'':{margin}}  {left}{right:>{cells - len(left)}}"]


def _row_of_level(heights: Array) -> int:
    """The row of dots, from the top, at which the last of all heights stands."""
    low, span = heights.min(), np.ptp(heights) or 1.0
    return round(float(1 - (heights[-1] - low) / span) * (4 * _ROWS - 1))


def _rows(heights: Array, cells: int, level: int | None) -> Iterator[str]:
    """The curve in so many cells, row by row from the top; the last height may be that of a level."""
    dots = _dots(
        heights if level is None else heights[:-1], (heights.min(), heights.max()), 2 * cells, 4 * _ROWS
    )
    if level is not None:
        dots[level, ::4] = True
    for row in dots.reshape(_ROWS, 4, cells, 2).transpose(0, 2, 1, 3):
        text = "".join(chr(_BLANK + int((cell * _DOTS).sum())) for cell in row)
        yield text.replace(chr(_BLANK), " ").rstrip()


def _dots(levels: Array, limits: tuple[float, float], wide: int, high: int) -> Flags:
    """Which dots are set, the upper limit in the first row: in each column all levels met there."""
    low, span = limits[0], (limits[1] - limits[0]) or 1.0
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
