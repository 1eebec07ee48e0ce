"""Labels on their own edges, and on nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from bpx.render.picture.placing.geometry import (
    Box,
    Flags,
    Point,
    Route,
    box_array,
    boxes_meet,
    boxes_on_segments,
    segment_array,
)

_STEP = 5.0  # pixels between two candidates
_CLEAR = 2.0  # pixels that stay free around a label
_BESIDE = 3.0  # pixels between a label and its edge, where it stands beside it


class Labelled(NamedTuple):
    """Routes with the boxes of their labels, and the edges whose label found no place."""

    routes: list[Route]
    missing: tuple[int, ...]


def placed_labels(
    cards: Sequence[Box], routes: Sequence[Route], sizes: Sequence[tuple[float, float]]
) -> Labelled:
    """A box for each label of a size; the label with the fewest free places chooses first."""
    segments, owners = segment_array(routes)
    blocked = box_array(cards)
    free: dict[int, list[Box]] = {}
    for edge, (width, height) in enumerate(sizes):
        if not width:
            continue
        candidates = list(_candidates(routes[edge].points, width, height))
        taken = box_array([box.grown(_CLEAR) for box in candidates])
        bad = boxes_meet(taken, blocked).any(axis=1)
        bad |= boxes_on_segments(taken, segments[owners != edge]).any(axis=1)
        free[edge] = [candidates[place] for place in np.flatnonzero(~bad).tolist()]
    chosen = _chosen(free)
    labelled = [route._replace(label=chosen.get(edge)) for edge, route in enumerate(routes)]
    return Labelled(labelled, tuple(edge for edge in free if edge not in chosen))


def _chosen(free: Mapping[int, Sequence[Box]]) -> dict[int, Box]:
    """A place for each, so that no two meet, as long as there is one."""
    arrays = {edge: box_array([box.grown(_CLEAR) for box in boxes]) for edge, boxes in free.items()}
    open_places: dict[int, Flags] = {edge: np.ones(len(boxes), bool) for edge, boxes in free.items()}
    chosen: dict[int, Box] = {}
    while open_places:
        edge = min(open_places, key=lambda each: (int(open_places[each].sum()), each))
        places = open_places.pop(edge)
        if not places.any():
            continue
        box = chosen[edge] = free[edge][int(np.argmax(places))]
        for other, still in open_places.items():
            if len(still):
                still &= ~boxes_meet(arrays[other], box_array([box]))[:, 0]
    return chosen


def _candidates(points: Sequence[Point], width: float, height: float) -> Iterator[Box]:
    """Boxes on a line and beside it, those at the middle of its length first."""
    lengths = [math.dist(*pair) for pair in pairwise(points)]
    whole = sum(lengths)
    count = max(1, int(whole / _STEP))
    at = sorted(range(count + 1), key=lambda place: (abs(2 * place - count), place))
    for beside in (0.0, -1.0, 1.0):
        for place in at:
            (x, y), (dx, dy) = _on_line(points, lengths, whole * place / count)
            reach = (abs(dy) * width + abs(dx) * height) / 2 + _BESIDE
            x, y = x - beside * dy * reach, y + beside * dx * reach
            yield Box(round(x - width / 2, 1), round(y - height / 2, 1), width, height)


def _on_line(points: Sequence[Point], lengths: Sequence[float], distance: float) -> tuple[Point, Point]:
    """The point at a distance from the start, and the direction of the line there."""
    for (start, end), length in zip(pairwise(points), lengths, strict=True):
        if distance <= length and length:
            dx, dy = (end[0] - start[0]) / length, (end[1] - start[1]) / length
            return (start[0] + dx * distance, start[1] + dy * distance), (dx, dy)
        distance -= length
    return points[-1], (1.0, 0.0)
