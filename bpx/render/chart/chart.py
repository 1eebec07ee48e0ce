"""A chart as plain data: values at the points of one axis, or of the grid that two axes span."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.numbers import SHOWN_DIGITS, number
from bpx.words.say import say, visible

_DECADES = 2  # positive values that span more are divided into levels by their logarithms
_MOST_TICKS = 6
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)  # between marks of an axis, times a power of ten


class Axis(NamedTuple):
    """Numbers in ascending order, and what they are values of."""

    name: str
    values: Array

    @property
    def low(self) -> float:
        """The least."""
        return float(self.values[0])

    def part(self, at: float) -> float:
        """Where a number lies between the least, 0, and the largest, 1."""
        scale = float(np.abs(self.values).max()) or 1.0  # taken out, so that no difference overflows
        low, high = self.values[0] / scale, self.values[-1] / scale
        return float((at / scale - low) / ((high - low) or 1.0))


class Path(NamedTuple):
    """Points on the way of a descent, one a row with a column for each axis, and the values there."""

    points: Array
    values: Array


class Chart(NamedTuple):
    """Values of `name`, of the shape that the axes give; NaN where there is none.

    `lowest` is the place of the least value.
    """

    name: str
    axes: tuple[Axis, ...]
    values: Array
    lowest: tuple[int, ...] | None = None
    path: Path | None = None

    @property
    def title(self) -> str:
        """What is drawn over what."""
        over = say("word.and").join(visible(axis.name) for axis in self.axes)
        return say("chart.title", name=visible(self.name), over=over)

    @property
    def description(self) -> str:
        """The chart in words."""
        low, high = self.limits
        parts = [say("chart.range", low=number(low, SHOWN_DIGITS), high=number(high, SHOWN_DIGITS))]
        if self.lowest is not None:
            parts.append(say("chart.lowest", point=self.point(self.lowest)))
        return say("word.colon").join([self.title, say("word.semicolon").join(parts)])

    @property
    def limits(self) -> tuple[float, float]:
        """The least and the largest value; those of the path count too where it lies on the curve."""
        values = self.values[np.isfinite(self.values)]
        if self.path and len(self.axes) == 1:
            values = np.concatenate([values, self.path.values[self.inside]])
        return float(values.min()), float(values.max())

    @property
    def inside(self) -> Array:
        """Which points of the path lie within the axes: flags."""
        assert self.path
        flags = np.ones(len(self.path.points), dtype=bool)
        for axis, column in zip(self.axes, self.path.points.T, strict=True):
            flags &= (axis.values[0] <= column) & (column <= axis.values[-1])
        return flags

    def point(self, place: Sequence[int]) -> str:
        """The point of the grid at a place."""
        return point_text(self.axes, place)


def point_text(axes: Sequence[Axis], place: Sequence[int]) -> str:
    """A point as people write it: `w = 0.5, b = 1`."""
    texts = (
        f"{visible(axis.name)} = {number(float(axis.values[at]), SHOWN_DIGITS)}"
        for axis, at in zip(axes, place, strict=True)
    )
    return say("word.list").join(texts)


def is_logarithmic(chart: Chart) -> bool:
    """Are levels to be spaced by the logarithm: are all values positive, and decades apart?"""
    low, high = chart.limits
    return bool(0 < low < high / 10**_DECADES)


def level_values(chart: Chart, count: int) -> Array:
    """So many values, evenly spaced between the least and the largest, these excluded."""
    low, high = chart.limits
    inner = np.arange(1, count + 1) / (count + 1)
    if is_logarithmic(chart):
        return np.asarray(np.exp(np.log(low) + inner * (np.log(high) - np.log(low))))
    return np.asarray(low + inner * (high - low))


def ticks(low: float, high: float) -> Iterator[float]:
    """Round numbers between two others, at most `_MOST_TICKS`."""
    span = high / 2 - low / 2  # halves, as a difference may overflow
    if not 0 < span < np.finfo(float).max / 2:
        yield low
        return
    span *= 2
    power = 10.0 ** np.floor(np.log10(span / _MOST_TICKS))
    step = next(step * power for step in (*_STEPS, 20.0, 50.0) if span / (step * power) <= _MOST_TICKS - 1)
    first, last = int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9))
    yield from (float(f"{at * step:.12g}") for at in range(first, last + 1))
