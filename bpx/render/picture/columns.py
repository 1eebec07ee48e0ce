"""The columns that layered layouts put cards in, and the gaps between them, each as wide as its labels need."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from bpx.graph.arrays import Array
from bpx.render.picture.engines import Placement
from bpx.render.picture.geometry import Box, Point, box_array, boxes_on_segments

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

    def with_gaps(self, gaps: Array) -> Placement:
        """The placement with gaps of these widths; lines keep their corners."""
        shifts = np.concatenate([[0.0], np.cumsum(gaps - self.gaps)])
        knots = np.stack([self.left, self.right], axis=1).ravel()
        moved = np.stack([self.left + shifts, self.right + shifts], axis=1).ravel()

        def at(x: float) -> float:
            return round(float(np.interp(x, knots, moved)), 1)

        boxes = {
            card: box._replace(x=at(box.x), y=round(box.y, 1)) for card, box in self.placement.boxes.items()
        }
        lines = [[(at(x), round(y, 1)) for x, y in line] for line in self.placement.lines]
        return Placement(boxes, lines)


def around_cards(placement: Placement, arrows: Sequence[tuple[int, int]]) -> Placement:
    """The placement with a corner more in each line that would cut a card on its way out of a column or in."""
    columns = Columns(placement)
    hit = _hits(placement.boxes, placement.lines, arrows)
    lines = [
        _leaving(columns, list(line)) if number in hit else line
        for number, line in enumerate(placement.lines)
    ]
    still = _hits(placement.boxes, lines, arrows)
    lines = [_entering(columns, list(line)) if number in still else line for number, line in enumerate(lines)]
    return Placement(placement.boxes, lines)


def _leaving(columns: Columns, line: list[Point]) -> list[Point]:
    """Level as far as the side of the column that it starts in."""
    place = int(np.searchsorted(columns.left, line[0][0], side="right")) - 1
    x = round(float(columns.right[place]) + _AROUND, 1)
    return [line[0], (x, line[0][1]), *line[1:]] if line[0][0] < x < line[1][0] else line


def _entering(columns: Columns, line: list[Point]) -> list[Point]:
    """Level from the side of the column that it ends in."""
    place = int(np.searchsorted(columns.right, line[-1][0]))
    x = round(float(columns.left[min(place, len(columns.left) - 1)]) - _AROUND, 1)
    return [*line[:-1], (x, line[-1][1]), line[-1]] if line[-2][0] < x < line[-1][0] else line


def _hits(
    boxes: Mapping[int, Box], lines: Sequence[Sequence[Point]], arrows: Sequence[tuple[int, int]]
) -> Collection[int]:
    """The lines with a piece inside of a card that is none of their ends."""
    cards = list(boxes)
    places = {card: place for place, card in enumerate(cards)}
    rows = [(*a, *b) for line in lines for a, b in zip(line, line[1:], strict=False)]
    owners = np.array([number for number, line in enumerate(lines) for _ in line[1:]], dtype=int)
    if not rows or not cards:
        return ()
    inside = boxes_on_segments(box_array(list(boxes.values())), np.array(rows, dtype=float))
    for end in (0, 1):
        own = np.array([places[arrows[owner][end]] for owner in owners.tolist()])
        inside[own, np.arange(len(owners))] = False
    return set(owners[inside.any(axis=0)].tolist())
