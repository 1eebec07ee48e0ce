"""Contour lines by marching squares: where a surface over a grid has a given height.

Lorensen and Cline, Marching cubes (SIGGRAPH 1987), in two dimensions: each cell of the grid is crossed
between those of its corners that lie below and those that lie above, at places found by interpolation. A
saddle, which has two opposite corners above, is divided by the mean of its corners.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpx.graph.arrays import Array

_Side = tuple[int, int, int]  # of a cell: its first corner, and 0 along the first axis, 1 along the second
Point = tuple[float, float]  # in units of the grid

# Sides of a cell in order: from corner 0 to 1, 1 to 2, 2 to 3, 3 to 0, where the corners go around it.
_SIDES = ((0, 0, 0), (1, 0, 1), (0, 1, 0), (0, 0, 1))


def contours(values: Array, level: float) -> list[list[Point]]:
    """The lines at which `values`, a grid, have this level, as points; closed ones end where they begin.

    Cells with a corner that has no value are left out.
    """
    neighbours: dict[_Side, list[_Side]] = {}
    for one, other in _segments(values, level):
        neighbours.setdefault(one, []).append(other)
        neighbours.setdefault(other, []).append(one)
    # Open lines first, from one of their ends; what remains is closed.
    starts = sorted(neighbours, key=lambda side: (len(neighbours[side]) != 1, side))
    walks = ([*_walk(neighbours, start)] for start in starts if neighbours[start])
    return [[_crossing(values, level, side) for side in walk] for walk in walks]


def _walk(neighbours: dict[_Side, list[_Side]], start: _Side) -> Iterator[_Side]:
    """From side to side; the segments that were walked are taken out."""
    here = start
    yield here
    while neighbours[here]:
        there = neighbours[here].pop()
        neighbours[there].remove(here)
        here = there
        yield here


def _segments(values: Array, level: float) -> Iterator[tuple[_Side, _Side]]:
    """The pieces of the lines inside of each cell, from side to side."""
    above = values > level
    corners = np.stack([above[:-1, :-1], above[1:, :-1], above[1:, 1:], above[:-1, 1:]])
    known = np.isfinite(values)
    whole = known[:-1, :-1] & known[1:, :-1] & known[1:, 1:] & known[:-1, 1:]
    crossed = whole & corners.any(axis=0) & ~corners.all(axis=0)
    for i, j in np.argwhere(crossed).tolist():
        flags = corners[:, i, j].tolist()
        sides = [
            (i + di, j + dj, along)
            for at, (di, dj, along) in enumerate(_SIDES)
            if flags[at] != flags[(at + 1) % 4]
        ]
        if len(sides) == 2:
            yield sides[0], sides[1]
        elif (values[i : i + 2, j : j + 2].mean() > level) == flags[0]:  # corners 0 and 2 are connected
            yield sides[0], sides[1]
            yield sides[2], sides[3]
        else:
            yield sides[3], sides[0]
            yield sides[1], sides[2]


def _crossing(values: Array, level: float, side: _Side) -> Point:
    """Where the line crosses a side, by linear interpolation."""
    i, j, along = side
    first, second = float(values[i, j]), float(values[i + 1 - along, j + along])
    part = (level - first) / (second - first)
    return (i + part, float(j)) if along == 0 else (float(i), j + part)
