"""Charts: contour lines against what they are lines of, and both drawings."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from rows_of_a_table import every

from bpx.graph.arrays import Array
from bpx.render.blocks import Block
from bpx.render.chart.chart import Axis, Chart, Path, level_values, ticks
from bpx.render.chart.contours import contours
from bpx.render.chart.csv import Columns, csv_text
from bpx.render.chart.svg import chart_svg
from bpx.render.chart.text import LOWEST, drawn
from bpx.render.latex import latex
from bpx.words.widths import cells

X = np.linspace(-2, 2, 41)


def surface() -> Chart:
    values = X[:, np.newaxis] ** 2 + X**2
    return Chart("L", (Axis("w", X), Axis("b", X)), values, (20, 20))


def test_a_contour_of_a_cone_is_a_circle() -> None:
    values = np.hypot(X[:, np.newaxis], X)
    (line,) = contours(values, 1.5)
    assert line[0] == line[-1]
    points = np.array(line) / 10 - 2
    np.testing.assert_allclose(np.hypot(*points.T), 1.5, atol=2e-3)
    angles = np.unwrap(np.arctan2(*points.T))
    assert abs(angles[-1] - angles[0]) == pytest.approx(2 * np.pi)


def test_every_crossed_side_lies_on_one_line() -> None:
    """On random grids, saddles and gaps included: each side that parts below from above is met once."""
    rng = np.random.default_rng(3)
    for _ in range(30):
        values = rng.normal(size=(6, 7))
        lines = contours(values, 0.1)
        met = sorted(point for line in lines for point in (line[:-1] if line[0] == line[-1] else line))
        above = values > 0.1
        crossed = int((above[1:] != above[:-1]).sum() + (above[:, 1:] != above[:, :-1]).sum())
        assert len(met) == len(set(met)) == crossed
        for x, y in met:
            assert interpolated(values, x, y) == pytest.approx(0.1)


def interpolated(values: Array, x: float, y: float) -> float:
    i, j = int(x), int(y)
    after = values[min(i + 1, len(values) - 1), j] if x != i else values[i, min(j + 1, values.shape[1] - 1)]
    return float(values[i, j] + (x - i + y - j) * (after - values[i, j]))


def test_a_saddle_is_divided_by_its_middle() -> None:
    joined = contours(np.array([[1.0, 0.0], [0.0, 1.0]]), 0.4)  # the middle, 0.5, is above
    parted = contours(np.array([[1.0, 0.0], [0.0, 1.0]]), 0.6)
    assert len(joined) == len(parted) == 2
    # Lines around the low corners, or around the high ones.
    assert [corner(line) for line in sorted(joined)] == [(0, 1), (1, 0)]
    assert [corner(line) for line in sorted(parted)] == [(0, 0), (1, 1)]


def corner(line: list[tuple[float, float]]) -> tuple[int, ...]:
    return tuple(np.round(np.mean(line, axis=0)).astype(int).tolist())


def test_cells_without_a_value_have_no_lines() -> None:
    values = np.add.outer(np.arange(5.0), np.arange(5.0))
    values[2, 2] = np.nan
    points = [point for line in contours(values, 4.5) for point in line]
    assert points
    assert not [point for point in points if abs(point[0] - 2) < 1 and abs(point[1] - 2) < 1]


@every("low, high", [(-2, 2), (0, 0.37), (1e-9, 3e-9), (-1e6, 5e7), (0.1, 1234.5)])
def test_ticks_are_round_few_and_inside(low: float, high: float) -> None:
    found = list(ticks(low, high))
    assert 3 <= len(found) <= 6
    assert all(low <= tick <= high for tick in found)
    assert all(len(f"{abs(tick):.10g}".strip("0.").replace(".", "")) <= 14 for tick in found)
    np.testing.assert_allclose(np.diff(found), found[1] - found[0])


def test_a_curve_in_text() -> None:
    values = np.where(X < 0, np.nan, (X - 1) ** 2)
    chart = Chart("L", (Axis("w", X),), values, (30,), Path(np.array([[0.5], [9.0]]), np.array([0.25, 64])))
    lines = drawn(chart, 60)
    assert max(map(cells, lines)) <= 60
    assert lines[0].startswith("1 |")
    assert sum(line.count(LOWEST) for line in lines[:10]) == 1
    assert all(line[3:26].strip() == "" for line in lines[:10])  # the gap
    assert re.fullmatch(r"\s+-2\s+w\s+2", lines[10])


@every("width", [72, 60, 40, 12])
def test_a_map_in_text(width: int) -> None:
    lines = drawn(surface(), width)
    assert all(cells(line) <= max(width, 14) for line in lines[:17])
    middle = lines[8]
    assert LOWEST in middle
    assert middle[4:][0] == "4" or width < 60


def test_levels_of_what_spans_decades_are_logarithmic() -> None:
    chart = surface()._replace(values=np.exp(3 * surface().values))
    np.testing.assert_allclose(np.diff(np.log(level_values(chart, 4))), 24 / 5)
    np.testing.assert_allclose(np.diff(level_values(surface(), 3)), 2)


@pytest.mark.parametrize("name", ["w", "<script>", "a&b", "\x1b[31m", "]]>"])
def test_svg_is_well_formed_and_inert(name: str) -> None:
    axes = (Axis(name, X), Axis("b", X))
    path = Path(np.array([[1.0, 1.0], [0.5, 0.5]]), np.array([2.0, 0.5]))
    for chart in (surface()._replace(axes=axes, path=path), Chart(name, axes[:1], X**2, (20,))):
        text = chart_svg(chart)
        root = ElementTree.fromstring(text)
        assert root.tag.endswith("svg")
        assert "\x1b" not in text
        assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {
            *("svg", "title", "style", "rect", "text", "path", "circle")
        }


def test_flat_and_huge_charts() -> None:
    for values in (np.full(41, 3.0), X * 4e307, X * 0, np.where(X == 0, 1.0, np.nan)):
        chart = Chart("L", (Axis("w", X),), values)
        assert "nan" not in chart_svg(chart)
        assert drawn(chart, 60)
    flat = surface()._replace(values=np.zeros((41, 41)))
    assert "nan" not in chart_svg(flat)
    assert drawn(flat, 60)


def test_latex_has_it_in_ascii() -> None:
    blocks: list[Block] = [surface()]
    text = latex(blocks)
    assert text.isascii()
    assert r"\begin{verbatim}" in text


def test_csv_reads_back() -> None:
    text = csv_text(Columns(["W[0, 1]", "L"], [np.array([0.1, 2]), np.array([1 / 3, np.nan])]))
    assert text == '"W[0, 1]",L\n0.1,0.3333333333333333\n2.0,\n'
