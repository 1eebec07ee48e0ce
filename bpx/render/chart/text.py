"""Charts in text: a curve in dots of braille, or a map of levels as digits, with marks upon it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from bpx.graph.arrays import Array, Flags, Indices
from bpx.graph.numbers import SHOWN_DIGITS, number
from bpx.render.chart.chart import Axis, Chart, level_values
from bpx.words.say import say, visible
from bpx.words.widths import cells as cells_of
from bpx.words.widths import wrapped

WIDEST = 72  # cells, labels and all
_NARROWEST = 10  # cells of the chart itself
_ROWS = 10  # of a curve
_MAP_ROWS = 17
_BORDER = 1e-9  # of a cell: far more than rounding leaves, far less than can be seen
_BLANK = 0x2800
_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
LOWEST, ON_PATH, END_OF_PATH, NO_VALUE = "×", "○", "●", "."
# Each second level is blank, so that the borders between levels stand out as lines.
_LEVELS = "0 2 4 6 8"


def drawn(chart: Chart, width: int) -> list[str]:
    """The chart in lines of at most `width` cells, with a line that says what its marks mean."""
    lines = _curve(chart, width) if len(chart.axes) == 1 else _map(chart, width)
    return [*lines, *(line for text in _legend(chart) for line in wrapped(text, min(width, WIDEST)))]


def _legend(chart: Chart) -> list[str]:
    """What levels and marks mean."""
    levels = [_scale(level_values(chart, len(_LEVELS) - 1))] if len(chart.axes) == 2 else []
    parts = [say("chart.mark-lowest", mark=LOWEST)] if chart.lowest is not None else []
    if chart.path and chart.inside.any():
        parts.append(say("chart.mark-path", mark=ON_PATH, end=END_OF_PATH))
    if len(chart.axes) == 2 and not np.isfinite(chart.values).all():
        parts.append(say("chart.mark-gap", mark=NO_VALUE))
    return [*levels, say("word.list").join(parts)] if parts else levels


# --- curves ---


def _curve(chart: Chart, width: int) -> list[str]:
    """A curve over one axis, interrupted where it has no value."""
    low, high = chart.limits
    labels = [number(high, SHOWN_DIGITS), *[""] * (_ROWS - 2), number(low, SHOWN_DIGITS)]
    margin = max(map(cells_of, labels))
    columns = max(_NARROWEST, min(width, WIDEST) - margin - 2)
    dots = _dots(chart, columns)
    rows = [list(_braille(row)) for row in dots.reshape(_ROWS, 4, columns, 2).transpose(0, 2, 1, 3)]
    for at, value, mark in _marks(chart):
        row = min(_cell(_height(chart, value) * _ROWS), _ROWS - 1)
        rows[row][_column(chart.axes[0], at[0], columns)] = mark
    lines = [_line(label, margin, row) for label, row in zip(labels, rows, strict=True)]
    return [*lines, _ends(chart.axes[0], margin, columns)]


def _braille(row: Flags) -> str:
    return "".join(chr(_BLANK + int((cell * _DOTS).sum())) for cell in row).replace(chr(_BLANK), " ")


def _height(chart: Chart, value: float) -> float:
    """How far below the largest value, as a part of the whole range."""
    low, high = chart.limits
    return 0.5 if low == high else 1 - Axis(chart.name, np.array([low, high])).part(value)


def _column(axis: Axis, at: float, columns: int) -> int:
    return min(_cell(axis.part(at) * columns), columns - 1)


def _cell(place: float) -> int:
    """The cell in which a place lies; on a border the next one, whatever the last bits say."""
    return int(place + _BORDER)


def _dots(chart: Chart, columns: int) -> Flags:
    """Which dots are set: in each column all heights that the curve meets there."""
    (axis,), wide, high = chart.axes, 2 * columns, 4 * _ROWS
    dots = np.zeros((high, wide), dtype=bool)
    edges = np.linspace(axis.values[0], axis.values[-1], wide + 1)
    for column, (left, right) in enumerate(pairwise(edges)):
        inside = axis.values[(left <= axis.values) & (axis.values <= right)]
        heights = np.interp(np.concatenate([[left], inside, [right]]), axis.values, chart.values)
        rows = [_cell(_height(chart, float(one)) * (high - 1) + 0.5) for one in heights if np.isfinite(one)]
        if rows:
            dots[min(rows) : max(rows) + 1, column] = True
    return dots


# --- maps ---


def _map(chart: Chart, width: int) -> list[str]:
    """A digit for the level of the value at each place; the second axis points upwards."""
    across, upwards = chart.axes
    labels = [number(float(upwards.values[-1]), SHOWN_DIGITS), *[""] * (_MAP_ROWS - 2)]
    labels += [number(upwards.low, SHOWN_DIGITS)]
    labels[_MAP_ROWS // 2] = visible(upwards.name)
    margin = max(map(cells_of, labels))
    columns = max(_NARROWEST, min(width, WIDEST) - margin - 2)
    values = chart.values[np.ix_(_nearest(across, columns), _nearest(upwards, _MAP_ROWS)[::-1])].T
    borders = level_values(chart, len(_LEVELS) - 1)
    rows = [[_level(value, borders) for value in row] for row in values.tolist()]
    for at, _, mark in _marks(chart):
        row = _MAP_ROWS - 1 - _column(upwards, at[1], _MAP_ROWS)
        rows[row][_column(across, at[0], columns)] = mark
    lines = [_line(label, margin, row) for label, row in zip(labels, rows, strict=True)]
    return [*lines, _ends(across, margin, columns)]


def _level(value: float, borders: Array) -> str:
    return _LEVELS[int((borders < value).sum())] if np.isfinite(value) else NO_VALUE


def _scale(borders: Array) -> str:
    """What the first and the last digit mean."""
    low, high = number(float(borders[0]), 3), number(float(borders[-1]), 3)
    return say("chart.levels", first=_LEVELS[0], low=low, last=_LEVELS[-1], high=high)


def _nearest(axis: Axis, count: int) -> Indices:
    """For so many places along the axis, the value that is nearest."""
    places = (np.arange(count) + 0.5) / count
    parts = np.array([axis.part(at) for at in axis.values.tolist()])
    return np.asarray(np.abs(parts[:, np.newaxis] - places).argmin(axis=0))


# --- what both share ---


def _marks(chart: Chart) -> list[tuple[tuple[float, ...], float, str]]:
    """Places, values and signs; the later cover the earlier."""
    marks: list[tuple[tuple[float, ...], float, str]] = []
    if chart.path:
        points, values = chart.path
        shown = [at for at in range(len(points)) if chart.inside[at]]
        signs = [END_OF_PATH if at == len(points) - 1 else ON_PATH for at in shown]
        marks += [
            (tuple(points[at].tolist()), float(values[at]), sign)
            for at, sign in zip(shown, signs, strict=True)
        ]
    if chart.lowest is not None:
        place = tuple(float(axis.values[at]) for axis, at in zip(chart.axes, chart.lowest, strict=True))
        marks.append((place, float(chart.values[chart.lowest]), LOWEST))
    return marks


def _line(label: str, margin: int, row: list[str]) -> str:
    return f"{' ' * (margin - cells_of(label))}{label} |{''.join(row).rstrip()}".rstrip()


def _ends(axis: Axis, margin: int, columns: int) -> str:
    """The name of the axis between its ends, as far as there is room."""
    left, right = number(axis.low, SHOWN_DIGITS), number(float(axis.values[-1]), SHOWN_DIGITS)
    room = columns - len(left) - len(right)
    name = visible(axis.name) if cells_of(visible(axis.name)) <= room - 2 else ""
    before = (room - cells_of(name)) // 2
    after = room - cells_of(name) - before
    return f"{'':{margin}}  {left}{' ' * before}{name}{' ' * max(after, 1)}{right}"
