"""Charts as SVG: a curve, or contour lines, with axes, the least value and the path of a descent.

The file asks for nothing: its colours are those of light pages and print, and dark screens have their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby, pairwise

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.numbers import SHOWN_DIGITS, number
from bpx.render.chart.chart import Axis, Chart, level_values, ticks
from bpx.render.chart.contours import contours
from bpx.words.say import say, visible

_WIDTH, _HEIGHT = 560, 360  # pixels of the frame
_LEFT, _TOP, _RIGHT, _BOTTOM = 84, 40, 24, 84  # margins around it
_LEVELS = 9  # contour lines
_SHORTEST_LABELLED = 60  # pixels of a line that has room for a label
# (light, dark) of each class; on white and on #14181f every text has a contrast of 4.5 : 1 or more.
_COLOURS = {
    ".page": ("fill:#ffffff", "fill:#14181f"),
    ".frame": ("stroke:#5a6b8c", "stroke:#8d9bb5"),
    ".grid": ("stroke:#e3e7ef", "stroke:#2a3240"),
    "text": ("fill:#1b2330", "fill:#e8ecf4"),
    ".halo": ("stroke:#ffffff;fill:#ffffff", "stroke:#14181f;fill:#14181f"),
    ".curve": ("stroke:#1f5fbf", "stroke:#7db4ff"),
    ".path": ("stroke:#b3261e", "stroke:#ff9a8d"),
    ".dot": ("fill:#b3261e", "fill:#ff9a8d"),
    ".lowest": ("stroke:#0a6238", "stroke:#6fd6a0"),
    ".gap": ("fill:#e9e9e9", "fill:#2a2a2a"),
}
# Of the lowest and the highest contour line, between which the others lie: red, green, blue.
_RAMP = (((11, 61, 145), (79, 163, 209)), ((125, 180, 255), (86, 128, 182)))
_FORMS = (
    "text{font-family:system-ui,'Segoe UI',Helvetica,Arial,'DejaVu Sans',sans-serif;font-size:12px;"
    "text-anchor:middle}"
    ".head{font-weight:bold;font-size:13px}.side{text-anchor:end}.legend{text-anchor:start}.level{font-size:10px}"
    ".frame,.grid,.curve,.contour,.path,.lowest{fill:none}"
    ".curve{stroke-width:2}.contour{stroke-width:1.4}.path{stroke-width:1.6}.lowest{stroke-width:2.4}"
    ".halo{stroke-width:4;stroke-linejoin:round}"
)


def chart_svg(chart: Chart) -> str:
    """The chart, with a line end at its end."""
    return "\n".join(svg_lines(chart)) + "\n"


def svg_lines(chart: Chart) -> Iterator[str]:
    """The elements of a chart."""
    width, height = _LEFT + _WIDTH + _RIGHT, _TOP + _HEIGHT + _BOTTOM
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" width="{width}px" height="{height}px" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="{_inert(chart.description)}">'
    )
    yield f"<title>{_inert(chart.title)}</title><style>{_stylesheet()}</style>"
    yield f'<rect class="page" width="{width}" height="{height}"/>'
    yield _text("head", _LEFT + _WIDTH / 2, 24, chart.title)
    frame = _Frame(chart)
    yield from frame.axes()
    yield from _curve(chart, frame) if len(chart.axes) == 1 else _contours(chart, frame)
    yield from _path(chart, frame)
    yield from _lowest(chart, frame)
    yield "</svg>"


def _stylesheet() -> str:
    """Every rule within the class of charts, as others may stand on the same page."""

    def rules(side: int) -> str:
        ramp = _ramp(side)
        return "".join(f".chart {name}{{{both[side]}}}" for name, both in _COLOURS.items()) + "".join(
            f".chart .l{at}{{stroke:{colour}}}" for at, colour in enumerate(ramp)
        )

    forms = "".join(
        f"{','.join(f'.chart {name}' for name in rule.split('{')[0].split(','))}{{{rule.split('{')[1]}}}"
        for rule in _FORMS.split("}")
        if rule
    )
    return f"{forms}{rules(0)}@media screen and (prefers-color-scheme:dark){{{rules(1)}}}"


def _ramp(side: int) -> list[str]:
    first, last = (np.array(colour) for colour in _RAMP[side])
    parts = np.arange(_LEVELS)[:, np.newaxis] / (_LEVELS - 1)
    return ["#" + "".join(f"{round(one):02x}" for one in row) for row in (first + parts * (last - first))]


class _Frame:
    """Where numbers of the axes stand on the picture."""

    def __init__(self, chart: Chart) -> None:
        self.across = chart.axes[0]
        low, high = chart.limits
        room = high * 0.04 - low * 0.04
        values = np.array([low - room, high + room] if high > low else [low - 1, low + 1])
        self.upwards = chart.axes[1] if len(chart.axes) == 2 else Axis(chart.name, values)

    def x(self, at: float) -> float:
        """The place of a number of the first axis."""
        return _LEFT + self.across.part(at) * _WIDTH

    def y(self, at: float) -> float:
        """The place of a number of the second axis, or of a value."""
        return _TOP + (1 - self.upwards.part(at)) * _HEIGHT

    def axes(self) -> Iterator[str]:
        """Lines of the grid, with their numbers, the names of the axes and the frame."""
        for tick in ticks(float(self.across.values[0]), float(self.across.values[-1])):
            yield f'<path class="grid" d="M{_n(self.x(tick))} {_TOP}v{_HEIGHT}"/>'
            yield _text("", self.x(tick), _TOP + _HEIGHT + 18, number(tick, SHOWN_DIGITS))
        for tick in ticks(float(self.upwards.values[0]), float(self.upwards.values[-1])):
            yield f'<path class="grid" d="M{_LEFT} {_n(self.y(tick))}h{_WIDTH}"/>'
            yield _text("side", _LEFT - 8, self.y(tick) + 4, number(tick, SHOWN_DIGITS))
        yield f'<rect class="frame" x="{_LEFT}" y="{_TOP}" width="{_WIDTH}" height="{_HEIGHT}"/>'
        yield _text("", _LEFT + _WIDTH / 2, _TOP + _HEIGHT + 38, self.across.name)
        middle = _TOP + _HEIGHT / 2
        turned = f'transform="rotate(-90 18 {_n(middle)})"'
        yield f'<text x="18" y="{_n(middle)}" {turned}>{_inert(self.upwards.name)}</text>'


def _curve(chart: Chart, frame: _Frame) -> Iterator[str]:
    """The curve in pieces, with gaps where there is no value."""
    (axis,) = chart.axes
    points = zip(axis.values.tolist(), chart.values.tolist(), strict=True)
    for known, piece in groupby(points, key=lambda point: bool(np.isfinite(point[1]))):
        if known:
            places = [(frame.x(at), frame.y(value)) for at, value in piece]
            # A point alone is a line to itself, which round ends make visible.
            places = places if len(places) > 1 else places * 2
            yield f'<path class="curve" stroke-linecap="round" d="{_line(places)}"/>'


def _contours(chart: Chart, frame: _Frame) -> Iterator[str]:
    yield from _gaps(chart, frame)
    labels: list[tuple[tuple[float, float], str]] = []
    for at, level in enumerate(level_values(chart, _LEVELS).tolist()):
        lines = [_placed(chart, frame, line) for line in contours(chart.values, level)]
        if lines:
            yield f'<path class="contour l{at}" d="{"".join(map(_line, lines))}"/>'
            place = _place_of_label(max(lines, key=_length), [place for place, _ in labels])
            labels += [(place, number(level, 3))] if place else []
    for (x, y), text in labels:
        yield _text("level halo", x, y + 3, text).replace("<text", '<text aria-hidden="true"')
        yield _text("level", x, y + 3, text)


def _place_of_label(
    line: Sequence[tuple[float, float]], taken: Sequence[tuple[float, float]]
) -> tuple[float, float] | None:
    """A point of a line for its label, in the middle if others leave room there; None where there is none."""
    if _length(line) < _SHORTEST_LABELLED:
        return None
    candidates = (line[int(len(line) * part)] for part in (0.5, 0.25, 0.75, 0.4, 0.6, 0.1, 0.9))
    return next((at for at in candidates if _is_free(at, taken)), None)


def _is_free(at: tuple[float, float], taken: Sequence[tuple[float, float]]) -> bool:
    x, y = at
    inside = _LEFT + 20 < x < _LEFT + _WIDTH - 20 and _TOP + 8 < y < _TOP + _HEIGHT - 8
    return inside and all(abs(x - left) > 48 or abs(y - top) > 14 for left, top in taken)


def _gaps(chart: Chart, frame: _Frame) -> Iterator[str]:
    """Where the grid has no value: each such point with half the way to its neighbours."""
    borders = [_borders(axis) for axis in chart.axes]
    squares = []
    for i, j in np.argwhere(~np.isfinite(chart.values)).tolist():
        left, right = (frame.x(borders[0][at]) for at in (i, i + 1))
        bottom, top = (frame.y(borders[1][at]) for at in (j, j + 1))
        squares.append(f"M{_n(left)} {_n(top)}H{_n(right)}V{_n(bottom)}H{_n(left)}Z")
    if squares:
        yield f'<path class="gap" d="{"".join(squares)}"/>'
        yield _text("legend", _LEFT, _TOP + _HEIGHT + 76, say("chart.gap"))


def _borders(axis: Axis) -> list[float]:
    middles = (axis.values[:-1] + axis.values[1:]) / 2
    return [float(axis.values[0]), *middles.tolist(), float(axis.values[-1])]


def _placed(chart: Chart, frame: _Frame, line: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points in units of the grid, on the picture."""
    across, upwards = (
        np.interp(part, np.arange(len(axis.values)), axis.values)
        for part, axis in (
            ([point[0] for point in line], chart.axes[0]),
            ([point[1] for point in line], chart.axes[1]),
        )
    )
    return [(frame.x(x), frame.y(y)) for x, y in zip(across.tolist(), upwards.tolist(), strict=True)]


def _length(line: Sequence[tuple[float, float]]) -> float:
    return sum(float(np.hypot(b[0] - a[0], b[1] - a[1])) for a, b in pairwise(line))


def _path(chart: Chart, frame: _Frame) -> Iterator[str]:
    """The steps of the descent that lie within the picture."""
    if not chart.path or not chart.inside.any():
        return
    heights = chart.path.values[:, np.newaxis] if len(chart.axes) == 1 else chart.path.points[:, 1:]
    flags: Array = chart.inside
    places = [
        (frame.x(x), frame.y(y))
        for x, y, inside in zip(chart.path.points[:, 0].tolist(), heights[:, 0].tolist(), flags, strict=True)
        if inside
    ]
    yield f'<path class="path" d="{_line(places)}"/>'
    yield "".join(f'<circle class="dot" cx="{_n(x)}" cy="{_n(y)}" r="2.6"/>' for x, y in places)
    if flags[-1]:
        yield f'<circle class="path" cx="{_n(places[-1][0])}" cy="{_n(places[-1][1])}" r="5.5"/>'
    yield f'<path class="path" d="M{_LEFT + _WIDTH - 150} {_TOP + _HEIGHT + 56}h24"/>'
    yield _text("legend", _LEFT + _WIDTH - 120, _TOP + _HEIGHT + 60, say("chart.path"))


def _lowest(chart: Chart, frame: _Frame) -> Iterator[str]:
    if chart.lowest is None:
        return
    value = chart.values[chart.lowest]
    at = [float(axis.values[place]) for axis, place in zip(chart.axes, chart.lowest, strict=True)]
    yield _cross(frame.x(at[0]), frame.y(at[1] if len(at) == 2 else float(value)))
    text = say(
        "chart.lowest-is",
        value=f"{visible(chart.name)} = {number(float(value), SHOWN_DIGITS)}",
        point=chart.point(chart.lowest),
    )
    yield _cross(_LEFT + 6, _TOP + _HEIGHT + 56)
    yield _text("legend", _LEFT + 18, _TOP + _HEIGHT + 60, text)


def _cross(x: float, y: float) -> str:
    return f'<path class="lowest" d="M{_n(x - 5)} {_n(y - 5)}l10 10m0 -10l-10 10"/>'


def _line(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points)


def _text(kind: str, x: float, y: float, text: str) -> str:
    name = f' class="{kind}"' if kind else ""
    return f'<text{name} x="{_n(x)}" y="{_n(y)}">{_inert(text).replace("-", "−")}</text>'


def _inert(text: str) -> str:
    return escape(visible(text))


def _n(place: float) -> str:
    """A coordinate, to a tenth of a pixel."""
    return f"{round(place, 1) + 0.0:g}"
