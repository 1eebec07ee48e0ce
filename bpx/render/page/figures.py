"""What a page of a report shows besides its tables: maps of errors and lines of code, as plain data."""

from __future__ import annotations

from typing import NamedTuple


class HeatMap(NamedTuple):
    """How far off the entries of an array are: rows of places in the scale of the legend.

    Where the array is large, a cell is the worst of `pooled` rows and columns. `rows` and `columns` name
    those of which no entry agrees, if they are `whole`, or else those with entries that do not. `nothing`
    says that none agrees at all.
    """

    name: str
    shape: tuple[int, ...]
    cells: tuple[tuple[int, ...], ...]
    pooled: tuple[int, int]
    rows: str
    columns: str
    whole: bool
    nothing: bool = False


class Listing(NamedTuple):
    """Lines of a file around a statement that is wrong.

    `lines` are their texts from line `first` on; those of the statement are `wrong`, counted from 0.
    `right` is the statement that it should be, where that is known.
    """

    file: str
    first: int
    lines: tuple[str, ...]
    wrong: range
    right: str | None
