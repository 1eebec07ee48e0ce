"""The columns that layered layouts put cards in; the gaps between them are as wide as their labels need."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

import numpy as np

from bpx.graph.arrays import Array
from bpx.render.picture.placing.engines import Arrows, Placement
from bpx.render.picture.placing.geometry import Box, Point, box_array, boxes_on_segments

_AROUND = 4.0  # pixels between a column and the corner of a line that leaves it


class Columns:
    """The columns of a placement: `left` and `right` are their sides, in order, without overlap."""

    def __init__(self, placement: Placement) -> None:
        self.placement = placement
        sides: list[list[float]] = []
        for box in sorted(placement.boxes.values()):
            if sides and box.x <= sides[-1][1]:
                sides[-1][1] = max(sides[-1][1], box.right)
            else:
                sides.append([box.x, box.right])
        self.left: Array = np.array([side[0] for side in sides])
        self.right: Array = np.array([side[1] for side in sides])
        self.gaps: Array = self.left[1:] - self.right[:-1]

    def gap_behind(self, x: float) -> int:
        """The gap on the right of what stands at x."""
        return min(int(np.searchsorted(self.right, x)), len(self.gaps) - 1)

    def gaps_along(self, line: Sequence[Point]) -> range:
        """The gaps that a line comes through."""
        xs = [x for x, _ in line]
        first = self.gap_behind(min(xs))
        return range(first, max(first, int(np.searchsorted(self.left, max(xs) - 1e-6)) - 1) + 1)

    def heights(self, column: int) -> list[tuple[float, float]]:
        """The upper and the lower sides of the cards of a column, from above, with a margin."""
        left, right = float(self.left[column]), float(self.right[column])
        return sorted(
            (box.y - _AROUND, box.bottom + _AROUND)
            for box in self.placement.boxes.values()
            if left <= box.x <= right
        )

    def is_blocked(self, column: int, y1: float, y2: float) -> bool:
        """Would a line that comes in at y1 and goes out at y2 come by a card?"""
        low, high = min(y1, y2), max(y1, y2)
        return any(top < high and low < bottom for top, bottom in self.heights(column))

    def free_level(self, column: int, y: float) -> float:
        """The middle between two cards, or a place above or below all of them, next to y."""
        heights = self.heights(column)
        levels = [heights[0][0] - _AROUND, heights[-1][1] + _AROUND]
        levels += [(bottom + top) / 2 for (_, bottom), (top, _) in pairwise(heights) if bottom < top]
        return min(levels, key=lambda level: abs(level - y))

    def with_gaps(self, gaps: Array, arrows: Arrows) -> Placement:
        """The placement with gaps of these widths; lines keep their corners, and stay off other cards."""
        shifts = np.concatenate([[0.0], np.cumsum(gaps - self.gaps)])
        knots = np.stack([self.left, self.right], axis=1).ravel()
        moved = np.stack([self.left + shifts, self.right + shifts], axis=1).ravel()

        def at(x: float) -> float:
            return round(float(np.interp(x, knots, moved)), 1)

        boxes = {
            card: box._replace(x=at(box.x), y=round(box.y, 1)) for card, box in self.placement.boxes.items()
        }
        lines = [[(at(x), round(y, 1)) for x, y in line] for line in self.placement.lines]
        for number in _hits(boxes, lines, arrows):
            line = _with_corners(self.placement.lines[number], knots)
            lines[number] = [(at(x), round(y, 1)) for x, y in line]
        frames = [
            Box(at(frame.x), round(frame.y, 1), round(at(frame.right) - at(frame.x), 1), frame.height)
            for frame in self.placement.frames
        ]
        return Placement(boxes, lines, frames)


def _with_corners(line: Sequence[Point], knots: Array) -> list[Point]:
    """A line with a corner where it enters and leaves a column: moved with it, it cuts what it cut before."""
    points = [line[0]]
    for (x1, y1), (x2, y2) in pairwise(line):
        inside = knots[(knots > min(x1, x2)) & (knots < max(x1, x2))].tolist()
        points += [
            (x, y1 + (y2 - y1) * (x - x1) / (x2 - x1)) for x in (inside if x1 < x2 else reversed(inside))
        ]
        points.append((x2, y2))
    return points


def around_cards(placement: Placement, arrows: Arrows) -> Placement:
    """The placement with lines that would cut a card led around it, between the cards of its column."""
    hit = _hits(placement.boxes, placement.lines, arrows)
    if not hit:
        return placement
    columns = Columns(placement)
    lines = [_around(columns, line) if at in hit else line for at, line in enumerate(placement.lines)]
    return placement._replace(lines=lines)


def _around(columns: Columns, line: Sequence[Point]) -> Sequence[Point]:
    """Level out of the first column and into the last one, and between the cards of those on the way."""
    first = int(np.searchsorted(columns.left, line[0][0], side="right")) - 1
    last = int(np.searchsorted(columns.right, line[-1][0]))
    if not 0 <= first < last < len(columns.left):  # against the current, in a circle of layers
        return line
    xs, ys = (np.array([point[axis] for point in line]) for axis in (0, 1))
    points = [line[0], (float(columns.right[first]) + _AROUND, line[0][1])]
    for column in range(first + 1, last):
        left, right = float(columns.left[column]) - _AROUND, float(columns.right[column]) + _AROUND
        y1, y2 = np.interp([left, right], xs, ys).tolist()
        if columns.is_blocked(column, y1, y2):
            y1 = y2 = columns.free_level(column, (y1 + y2) / 2)
        points += [(left, y1), (right, y2)]
    return [*points, (float(columns.left[last]) - _AROUND, line[-1][1]), line[-1]]


def _hits(boxes: Mapping[int, Box], lines: Sequence[Sequence[Point]], arrows: Arrows) -> Collection[int]:
    """The lines with a piece inside of a card that is none of their ends."""
    cards = list(boxes)
    places = {card: place for place, card in enumerate(cards)}
    rows = [(*a, *b) for line in lines for a, b in pairwise(line)]
    owners = np.array([number for number, line in enumerate(lines) for _ in line[1:]], dtype=int)
    if not rows or not cards:
        return ()
    inside = boxes_on_segments(box_array(list(boxes.values())), np.array(rows, dtype=float))
    for end in (0, 1):
        own = np.array([places[arrows[owner][end]] for owner in owners.tolist()])
        inside[own, np.arange(len(owners))] = False
    return set(owners[inside.any(axis=0)].tolist())
