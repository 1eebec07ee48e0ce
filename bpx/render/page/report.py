"""Reports as HTML: one file that asks for nothing; its tables can be sorted, and read without a script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from bpx.graph.numbers import shape_text
from bpx.render.blocks import Block, Cell, Curve, Excerpt, Heading, Headline, Table
from bpx.render.chart.chart import Chart
from bpx.render.chart.svg import svg_lines as svg_lines_of_chart
from bpx.render.curve import levels
from bpx.render.notebook import code_marked
from bpx.render.page.figures import HeatMap, Listing
from bpx.render.page.scripts import source
from bpx.render.picture.layout import layout
from bpx.render.picture.picture import Picture
from bpx.render.picture.placing.engines import engine
from bpx.render.picture.placing.plain_columns import by_columns
from bpx.render.picture.svg import inert, size, svg_lines
from bpx.words.say import say

_POLICY = "default-src 'none';style-src 'unsafe-inline';script-src 'unsafe-inline'"
_LEVELS = ("agree", "little", "much", "most", "open")  # what a cell of a heat map says, by its number
_CELL, _PHONE = 16, 280  # pixels: of a cell, and of the room for a map on a small phone
_SMALLEST = 0.75  # of its size, at which a picture can be read
_CURVE_WIDTH, _CURVE_HEIGHT = 600, 160


class ReportPage(NamedTuple):
    """What stands on the page: all that the other forms have, maps, wrong lines, a picture of the graph."""

    blocks: Sequence[Block]
    maps: Sequence[HeatMap] = ()
    listings: Sequence[Listing] = ()
    picture: Picture | None = None


def report_html(page: ReportPage) -> str:
    """The page."""
    title = next((str(block.text) for block in page.blocks if isinstance(block, Headline)), "")
    lines = [
        f'<!DOCTYPE html>\n<html lang="{say("page.language")}">\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<title>{inert(title)}</title>",
        f"<style>{source('report.css')}</style>\n<main>",
        *_body(page),
        f"</main>\n<script>{source('report.js')}</script>",
    ]
    return "\n".join(lines) + "\n</html>\n"


def _body(page: ReportPage) -> Iterator[str]:
    """The answer and its causes; the lines, the picture and the maps; then the entries and the rest."""
    first = next((at for at, block in enumerate(page.blocks) if isinstance(block, Table)), len(page.blocks))
    first -= first > 0 and first < len(page.blocks)  # with its heading
    yield from (_block(block) for block in page.blocks[:first])
    yield from map(_listing, page.listings)
    if page.picture:
        label = f'role="region" aria-label="{_said("picture")}"'
        yield f'<div class="scroll" tabindex="0" {label}>{_picture(page.picture)}</div>'
    if page.maps:
        yield f"<h2>{_said('maps')}</h2>\n{_legend()}"
        yield f'<div class="maps">{"".join(map(_map, page.maps))}</div>'
    yield from (_block(block) for block in page.blocks[first:])


def _picture(picture: Picture) -> str:
    """The picture, laid out in columns where there is no engine."""
    geometry = layout(picture, engine() or by_columns)
    # A little too wide a picture shrinks; a much wider one can be scrolled.
    least = f"min-width:{_SMALLEST * size(picture, geometry)[0]:.0f}px"
    drawn = "\n".join(svg_lines(picture, geometry))
    return drawn.replace("<svg ", f'<svg style="max-width:100%;height:auto;{least}" ', 1)


def _said(key: str, **facts: object) -> str:
    return inert(say(f"report-page.{key}", **facts))


def _block(block: Block) -> str:
    if isinstance(block, Headline):
        return f"<h1>{_text(block.text)}</h1>"
    if isinstance(block, Heading):
        return f"<h2>{_text(block.text)}</h2>"
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Curve):
        return _curve(block)
    if isinstance(block, Chart):
        return f'<div class="scroll" tabindex="0">{"".join(svg_lines_of_chart(block))}</div>'
    if isinstance(block, Excerpt):
        lines = "\n".join(map(inert, block.lines()))
        return f"<pre>{lines}</pre>"
    return "".join(f"<p>{_text(text)}</p>" for text in block.texts)


def _text(cell: Cell) -> str:
    return code_marked(inert(str(cell)))


def _table(block: Table) -> str:
    def row(tag: str, cells: Sequence[str]) -> str:
        classes = [' class="r"' if at in block.right else "" for at in range(len(cells))]
        return "<tr>" + "".join(
            f"<{tag if cell else 'td'}{one}>{inert(cell)}" for one, cell in zip(classes, cells, strict=True)
        )

    rows = "\n".join(row("td", cells) for cells in block.text_rows)
    head = row("th", block.headers)
    return f'<div class="scroll" tabindex="0"><table><thead>{head}<tbody>\n{rows}</table></div>'


def _curve(block: Curve) -> str:
    """A curve with the level beside it and the largest and least value."""
    heights = levels(block.with_level)
    low, span = heights.min(), np.ptp(heights) or 1.0
    y = [round(float((1 - (height - low) / span) * _CURVE_HEIGHT)) for height in heights]
    x = [round(_CURVE_WIDTH * at / (len(block.values) - 1)) for at in range(len(block.values))]
    points = " ".join(f"{left},{top}" for left, top in zip(x, y, strict=False))
    parts = [f'<polyline points="{points}"/>']
    if block.level:
        parts.append(f'<path d="M0 {y[-1]}h{_CURVE_WIDTH}"/>')
        parts.append(f'<text x="{_CURVE_WIDTH}" y="{y[-1]}" dy="-4">{inert(block.level[1])}</text>')
    ends = zip(block.ends, ((0, ' class="s"'), (_CURVE_WIDTH, "")), strict=True)
    parts += [
        f'<text x="{at}" y="{_CURVE_HEIGHT + 18}"{start}>{inert(end)}</text>' for end, (at, start) in ends
    ]
    box = f"-4 -20 {_CURVE_WIDTH + 8} {_CURVE_HEIGHT + 44}"
    return (
        f'<svg class="curve" viewBox="{box}" role="img" aria-label="{_said("curve")}">{"".join(parts)}</svg>'
    )


# --- code ---


def _listing(listing: Listing) -> str:
    """The lines with their numbers; below the wrong ones what they should be."""
    width = len(str(listing.first + len(listing.lines)))
    rows = []
    for at, text in enumerate(listing.lines):
        row = inert(f"{listing.first + at:{width}}  {text}")
        rows.append(f"<mark>{row}</mark>" if at in listing.wrong else row)
        if listing.right and at == listing.wrong[-1]:
            line = listing.lines[listing.wrong[0]]
            indent = " " * (width + 2 + len(line) - len(line.lstrip()))
            rows += [f"<ins>{inert(indent + each)}</ins>" for each in listing.right.split("\n")]
    label = f'role="region" aria-label="{_said("code", file=listing.file)}"'
    shown = "\n".join(rows)
    return f'<pre tabindex="0" {label}>{shown}</pre>'


# --- heat maps ---


def _legend() -> str:
    items = (
        f'<li><svg width="{_CELL}" height="{_CELL}" aria-hidden="true">'
        f'<path class="l{at}" d="{_square(0, 0)}"/></svg> {_said(key)}</li>'
        for at, key in enumerate(_LEVELS)
    )
    return f'<ul class="legend">{"".join(items)}</ul>'


def _map(heat: HeatMap) -> str:
    """One path for the cells of each kind."""
    width, height = _CELL * len(heat.cells[0]), _CELL * len(heat.cells)
    paths = (
        f'<path class="l{level}" d="{_squares(heat, level)}"/>'
        for level in range(len(_LEVELS))
        if any(level in row for row in heat.cells)
    )
    text = _described(heat)
    size = f'width="{width + 1}" height="{height + 1}"'
    shown = f'<svg {size} role="img" aria-label="{text}">{"".join(paths)}</svg>'
    scrolls = ' tabindex="0"' if width > _PHONE else ""  # what can be scrolled must be reached by keys
    return f"<figure{scrolls}><figcaption>{text}</figcaption>{shown}</figure>"


def _described(heat: HeatMap) -> str:
    """The map in words."""
    facts = {"name": heat.name, "shape": shape_text(heat.shape)}
    parts = [_said("map", **facts)]
    if heat.nothing:
        parts.append(_said("nothing"))
    elif heat.whole:
        lines = {"whole-rows": heat.rows, "whole-columns": heat.columns}
        parts += [_said(key, lines=numbers) for key, numbers in lines.items() if numbers]
    elif heat.rows:
        key = "where" if len(heat.shape) > 1 else "where-in-vector"
        parts.append(_said(key, rows=heat.rows, columns=heat.columns))
    if heat.pooled != (1, 1):
        parts.append(_said("pooled", rows=heat.pooled[0], columns=heat.pooled[1]))
    return " ".join(parts)


def _squares(heat: HeatMap, level: int) -> str:
    return "".join(
        _square(column, row)
        for row, cells in enumerate(heat.cells)
        for column, cell in enumerate(cells)
        if cell == level
    )


def _square(column: int, row: int) -> str:
    return f"M{_CELL * column + 1} {_CELL * row + 1}h{_CELL - 1}v{_CELL - 1}h-{_CELL - 1}z"
