"""Labels on their own edges, and on nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from bpx.graph.arrays import Array, Flags
from bpx.render.picture.placing.geometry import (
    Box,
    Point,
    Route,
    box_array,
    boxes_meet,
    boxes_on_segments,
    segment_array,
)

_STEP = 5.0  # pixels between two candidates, at least
_MOST_PLACES = 80  # along one line: those of longer lines are farther apart
_CLEAR = 2.0  # pixels that stay free around a label
_BESIDE = 3.0  # pixels between a label and its edge, where it stands beside it
_GROWN = np.array([-_CLEAR, -_CLEAR, _CLEAR, _CLEAR])


class Labelled(NamedTuple):
    """Routes with the boxes of their labels, and the edges whose label found no place."""

    routes: list[Route]
    missing: tuple[int, ...]


def placed_labels(
    cards: Sequence[Box],
    routes: Sequence[Route],
    sizes: Sequence[tuple[float, float]],
    other_lines: Sequence[Route] = (),
) -> Labelled:
    """A box for each label of a size; the label with the fewest free places chooses first."""
    segments, owners = segment_array([*routes, *other_lines])
    blocked = box_array(cards)
    free: dict[int, Array] = {}
    for edge, (width, height) in enumerate(sizes):
        if not width:
            continue
        candidates = _candidates(routes[edge].points, width, height)
        clear = candidates[~boxes_meet(candidates + _GROWN, blocked).any(axis=1)]
        crossed = boxes_on_segments(clear + _GROWN, segments[owners != edge]).any(axis=1)
        free[edge] = clear[~crossed]
    chosen = _chosen(free)
    labelled = [route._replace(label=chosen.get(edge)) for edge, route in enumerate(routes)]
    return Labelled(labelled, tuple(edge for edge in free if edge not in chosen))


def _chosen(free: Mapping[int, Array]) -> dict[int, Box]:
    """A place for each of the rows left, top, right, bottom, so that no two meet, as long as there is one."""
    around = {edge: rows + _GROWN for edge, rows in free.items()}
    open_places: dict[int, Flags] = {edge: np.ones(len(rows), bool) for edge, rows in free.items()}
    chosen: dict[int, Box] = {}
    while open_places:
        edge = min(open_places, key=lambda each: (int(open_places[each].sum()), each))
        places = open_places.pop(edge)
        if not places.any():
            continue
        row = free[edge][int(np.argmax(places))]
        chosen[edge] = _box(*row.tolist())
        for other, still in open_places.items():
            still &= ~boxes_meet(around[other], row[None])[:, 0]
    return chosen


def _box(left: float, top: float, right: float, bottom: float) -> Box:
    return Box(round(left, 1), round(top, 1), round(right - left, 1), round(bottom - top, 1))


def _candidates(points: Sequence[Point], width: float, height: float) -> Array:
    """Boxes on a line and beside it, as rows left, top, right, bottom; at the middle of its length first."""
    whole = sum(math.dist(*pair) for pair in pairwise(points))
    count = min(max(1, int(whole / _STEP)), _MOST_PLACES)
    at = np.array(sorted(range(count + 1), key=lambda place: (abs(2 * place - count), place)))
    x, y, dx, dy = _on_line(points, whole * at / count)
    reach = (np.abs(dy) * width + np.abs(dx) * height) / 2 + _BESIDE
    beside = np.array([[0.0], [-1.0], [1.0]])
    x, y = (x - beside * dy * reach).ravel(), (y + beside * dx * reach).ravel()
    return np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], axis=1)


def _on_line(points: Sequence[Point], distances: Array) -> tuple[Array, Array, Array, Array]:
    """The points at distances from the start, x and y, and the directions of the line there."""
    pieces = [(*start, math.dist(start, end), *end) for start, end in pairwise(points) if start != end]
    x, y, length, x2, y2 = np.array(pieces or [(*points[0], 1.0, points[0][0] + 1.0, points[0][1])]).T
    ends = np.cumsum(length)
    piece = np.minimum(np.searchsorted(ends, distances), len(length) - 1)
    beyond = distances - (ends - length)[piece]
    dx, dy = ((x2 - x) / length)[piece], ((y2 - y) / length)[piece]
    return x[piece] + dx * beyond, y[piece] + dy * beyond, dx, dy
