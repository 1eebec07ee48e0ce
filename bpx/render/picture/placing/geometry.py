"""Where everything in a picture is: boxes of cards and labels, and the lines between them, in pixels.

x grows to the right, y downwards; a box is given by its left upper corner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bpx.graph.arrays import Array, Flags

Point = tuple[float, float]


class Box(NamedTuple):
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The x of its right side."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The y of its lower side."""
        return self.y + self.height

    @property
    def centre(self) -> Point:
        """Its middle."""
        return self.x + self.width / 2, self.y + self.height / 2

    def grown(self, by: float) -> Box:
        """The box with a margin around it."""
        return Box(self.x - by, self.y - by, self.width + 2 * by, self.height + 2 * by)

    def moved(self, dx: float, dy: float) -> Box:
        """The box in another place."""
        return Box(round(self.x + dx, 1), round(self.y + dy, 1), self.width, self.height)

    def meets(self, other: Box) -> bool:
        """Do the two have a point inside in common?"""
        return (
            self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom
        )


class Route(NamedTuple):
    """The line of an edge, from its source to its target, and the box of its label."""

    points: tuple[Point, ...]
    label: Box | None = None

    @property
    def segments(self) -> list[tuple[Point, Point]]:
        """The straight pieces."""
        return list(zip(self.points, self.points[1:], strict=False))


class Geometry(NamedTuple):
    """A picture laid out: boxes by card id, a route for each edge, a box for each frame that has room."""

    width: float
    height: float
    boxes: Mapping[int, Box]
    routes: tuple[Route, ...]
    frames: Mapping[str, Box]


def segment_array(routes: Sequence[Route]) -> tuple[Array, Array]:
    """All segments as rows x1, y1, x2, y2, and for each the index of its route."""
    rows = [(*start, *end) for route in routes for start, end in route.segments]
    owners = [index for index, route in enumerate(routes) for _ in route.segments]
    return np.array(rows, dtype=float).reshape(-1, 4), np.array(owners, dtype=int)


def box_array(boxes: Sequence[Box]) -> Array:
    """Boxes as rows left, top, right, bottom."""
    rows = [(box.x, box.y, box.right, box.bottom) for box in boxes]
    return np.array(rows, dtype=float).reshape(-1, 4)


def boxes_meet(boxes: Array, others: Array) -> Flags:
    """Which of the rows `boxes` has points inside in common with which of `others`."""
    left, top, right, bottom = (boxes[:, None, side] for side in range(4))
    meet: Flags = (left < others[:, 2]) & (others[:, 0] < right)
    meet &= (top < others[:, 3]) & (others[:, 1] < bottom)
    return meet


@np.errstate(all="ignore")
def boxes_on_segments(boxes: Array, segments: Array) -> Flags:
    """Which of the rows `boxes` has a piece of which segment inside (Liang and Barsky 1984)."""
    start, along = segments[:, :2], segments[:, 2:] - segments[:, :2]
    first = np.zeros((len(boxes), len(segments)))
    last = np.ones_like(first)
    outside = np.zeros_like(first, dtype=bool)
    for axis in (0, 1):
        low = boxes[:, None, axis] - start[:, axis]
        high = boxes[:, None, axis + 2] - start[:, axis]
        step = along[:, axis]
        level = step == 0
        enter = np.where(level, -np.inf, np.minimum(low / step, high / step))
        leave = np.where(level, np.inf, np.maximum(low / step, high / step))
        outside |= level & ((low >= 0) | (high <= 0))
        first, last = np.maximum(first, enter), np.minimum(last, leave)
    inside: Flags = ~outside & (first < last)
    return inside


def crossings(routes: Sequence[Route]) -> int:
    """How often lines of two edges cross; lines that only meet at an end do not."""
    segments, owners = segment_array(routes)
    if not len(segments):
        return 0
    start, end = segments[:, :2], segments[:, 2:]

    def side(of: Array, a: Array, b: Array) -> Array:
        """The sign of the area that each point makes with each segment."""
        d = b - a
        areas = d[:, 0] * (of[:, None, 1] - a[:, 1]) - d[:, 1] * (of[:, None, 0] - a[:, 0])
        return np.where(np.abs(areas) < 1e-6, 0, np.sign(areas))

    apart = side(start, start, end) * side(end, start, end) < 0  # [i, j]: i's ends on both sides of j
    both = apart & apart.T & (owners[:, None] < owners[None, :])
    return int(both.sum())
