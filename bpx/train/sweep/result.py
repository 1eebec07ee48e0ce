"""What a sweep found: losses, the least of them, slopes and the path of a descent, in every form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.numbers import SHOWN_DIGITS, number
from bpx.render.blocks import Block, Cell, Heading, Headline, Lines, Table, Value, headline
from bpx.render.chart.chart import Axis, Chart, point_text
from bpx.render.chart.csv import Columns
from bpx.render.plain_data import plain_value
from bpx.render.shown import Shown
from bpx.train.sweep.descent import Descent
from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.say import say, visible

if TYPE_CHECKING:
    from bpx.render.page.report import ReportPage

MOST_ROWS = 21  # of a table of points
_MOST_LINES, _MOST_COLUMNS = 11, 5  # of a table over two axes
_MOST_STEPS = 11  # of a descent


@dataclass(frozen=True, repr=False, eq=False)
class Sweep(Shown):
    """The losses at all points of the grid that the axes span; NaN where there is no value.

    `gradients` are the derivatives by each axis, of the same shape, where they were asked for; `lowest` is
    the place of the least loss, `start` the values of the spec itself.
    """

    kind: ClassVar[str] = "sweep"

    title: str | None
    output: str
    axes: tuple[Axis, ...]
    losses: Array
    gradients: Mapping[str, Array]
    lowest: tuple[int, ...]
    start: tuple[float, ...]
    descent: Descent | None
    notes: tuple[Diagnostic, ...]

    @property
    def values(self) -> Mapping[str, Array]:
        """The numbers of each axis, by name."""
        return {axis.name: axis.values for axis in self.axes}

    @property
    def lowest_loss(self) -> float:
        """The least of all losses."""
        return float(self.losses[self.lowest])

    @property
    def lowest_point(self) -> Mapping[str, float]:
        """Where it is."""
        return {axis.name: float(axis.values[at]) for axis, at in zip(self.axes, self.lowest, strict=True)}

    def to_dict(self) -> dict[str, Any]:
        """The JSON contract, version 1: numbers in full, non-finite ones as text."""
        plain: dict[str, Any] = {
            "bpx": 1,
            "kind": self.kind,
            "title": self.title,
            "output": self.output,
            "axes": [
                {"name": axis.name, "start": start, "values": axis.values.tolist()}
                for axis, start in zip(self.axes, self.start, strict=True)
            ],
            "losses": plain_value(self.losses),
            "lowest": {"index": list(self.lowest), "point": self.lowest_point, "loss": self.lowest_loss},
        }
        if self.gradients:
            plain["gradients"] = {name: plain_value(slope) for name, slope in self.gradients.items()}
        if self.descent:
            plain["descent"] = {
                "optimizer": self.descent.optimizer,
                "rate": self.descent.rate,
                "points": self.descent.path.points.tolist(),
                "losses": self.descent.path.values.tolist(),
                "gradients": self.descent.gradients.tolist(),
            }
        return {**plain, "diagnostics": [note.to_dict() for note in self.notes]}

    def __repr__(self) -> str:
        """A short line; there may be a million points."""
        return f"<bpx.Sweep {self.output}: {self.losses.size} points, lowest {self.lowest_loss}>"

    # --- forms ---

    def blocks(self) -> list[Block]:
        """The answer, the picture, tables of points and of the path, the notes."""
        blocks: list[Block] = [Headline(self._headline())]
        for chart in self.charts():
            blocks += [Heading(chart.title), chart]
        blocks += self._matrix() if len(self.axes) == 2 else self._points()
        if self.descent:
            blocks += self._steps(self.descent)
        notes = [note.to_line() for note in self.notes]
        return [*blocks, Heading(say("account.notes")), Lines((*notes, say("account.digits")))]

    def chart(self) -> Chart:
        """The curve or the contour lines. Raises `BpxError` where there are other than one or two axes."""
        if len(self.axes) > 2:
            raise BpxError([Diagnostic("no-chart", None, {"count": len(self.axes)})])
        path = self.descent.path if self.descent else None
        return Chart(self.output, self.axes, self.losses, self.lowest, path)

    def charts(self) -> Iterator[Chart]:
        """The loss and, over one axis, its derivative."""
        if len(self.axes) > 2 or any(axis.values.size < 2 for axis in self.axes):
            return
        yield self.chart()
        if len(self.axes) == 1:
            for name, slope in self.gradients.items():
                if np.isfinite(slope).any():
                    yield Chart(f"∂{self.output}/∂{name}", self.axes, slope)

    def columns(self) -> Columns:
        """A row for each point: its values, the loss, the derivatives."""
        grids = np.meshgrid(*(axis.values for axis in self.axes), indexing="ij")
        names = [*(axis.name for axis in self.axes), self.output, *map(self._partial, self.gradients)]
        return Columns(names, [grid.ravel() for grid in (*grids, self.losses, *self.gradients.values())])

    def report_page(self) -> ReportPage:
        """The view of a page for a browser."""
        from bpx.render.page.report import ReportPage

        return ReportPage(self.blocks())

    def _svg(self) -> str | None:
        return self.to("svg") if next(self.charts(), None) else None

    # --- parts ---

    def _partial(self, name: str) -> str:
        return f"∂{self.output}/∂{name}"

    def _headline(self) -> str:
        facts = {"output": self.output, "loss": number(self.lowest_loss, SHOWN_DIGITS)}
        point = point_text(self.axes, self.lowest)
        return headline(self.title, say("sweep.answer", **facts, point=point, count=self.losses.size))

    def _points(self) -> Iterator[Block]:
        """Points in order; of many, some evenly spaced ones and the lowest."""
        names, columns = self.columns()
        lowest = int(np.ravel_multi_index(self.lowest, self.losses.shape))
        shown = _some(self.losses.size, MOST_ROWS, lowest)
        yield Heading(self._shown("sweep.points", len(shown)))
        rows = tuple(tuple(_cell(column[at]) for column in columns) for at in shown)
        right = frozenset(range(len(names)))
        yield Table(tuple(map(visible, names)), rows, right, frozenset({shown.index(lowest)}))

    def _matrix(self) -> Iterator[Block]:
        """A row for each value of the first axis, a column for each of the second."""
        across, upwards = self.axes
        rows = _some(across.values.size, _MOST_LINES, self.lowest[0])
        columns = _some(upwards.values.size, _MOST_COLUMNS, self.lowest[1])
        yield Heading(self._shown("sweep.matrix", len(rows) * len(columns)))
        corner = say("sweep.corner", across=visible(across.name), upwards=visible(upwards.name))
        headers = (corner, *(number(float(upwards.values[at]), SHOWN_DIGITS) for at in columns))
        cells = tuple(
            (number(float(across.values[i]), SHOWN_DIGITS), *(_cell(self.losses[i, j], 4) for j in columns))
            for i in rows
        )
        yield Table(headers, cells, frozenset(range(len(headers))), frozenset({rows.index(self.lowest[0])}))

    def _shown(self, key: str, shown: int) -> str:
        """The heading of a table, with how many of all points it has."""
        heading = say(key, output=self.output)
        if shown == self.losses.size:
            return heading
        return heading + say("sweep.some", shown=f"{shown:,}", total=f"{self.losses.size:,}")

    def _steps(self, descent: Descent) -> Iterator[Block]:
        points, values = descent.path
        facts = {"optimizer": descent.optimizer, "rate": number(descent.rate, SHOWN_DIGITS)}
        yield Heading(say("sweep.descent", steps=len(values) - 1, **facts))
        names = [axis.name for axis in self.axes]
        headers = (say("account.at-step"), *names, self.output, *map(self._partial, names))
        shown = _some(len(values), _MOST_STEPS, len(values) - 1)
        rows: list[tuple[Cell, ...]] = [
            (str(at), *map(_cell, [*points[at], values[at], *descent.gradients[at]])) for at in shown
        ]
        yield Table(tuple(map(visible, headers)), tuple(rows), frozenset(range(len(headers))))


def _some(count: int, most: int, always: int) -> list[int]:
    """So many numbers below `count`, evenly spaced from first to last, and one that is always there."""
    if count <= most:
        return list(range(count))
    spaced = np.linspace(0, count - 1, most).round().astype(int).tolist()
    return sorted({*spaced, always})


def _cell(value: float, digits: int = SHOWN_DIGITS) -> Cell:
    return Value(float(value), digits=digits) if np.isfinite(value) else say("sweep.no-value")
