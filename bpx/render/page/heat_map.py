"""A map of the errors of an array, as plain data."""

from __future__ import annotations

from typing import NamedTuple


class HeatMap(NamedTuple):
    """How far off the entries of an array are: rows of places in the scale of the legend.

    Where the array is large, a cell is the worst of `pooled` rows and columns. `rows` and `columns` name
    those of which no entry agrees, if they are `whole`, or else those with entries that do not.
    """

    name: str
    shape: tuple[int, ...]
    cells: tuple[tuple[int, ...], ...]
    pooled: tuple[int, int]
    rows: str
    columns: str
    whole: bool
