"""Blocks as Rich renderables: tables with rules and colour, where the terminal has them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from bpx.render.blocks import Block, Cell, Curve, Excerpt, Heading, Headline, Table, cell_text
from bpx.render.chart import text as chart_text
from bpx.render.chart.chart import Chart
from bpx.render.curve import drawn
from bpx.render.layout.matrices import aligned
from bpx.render.layout.widths import broken, widths_of
from bpx.render.plain import plain
from bpx.words.widths import has_wide, wrapped

_WIDTH_OF_FILES = 80  # columns of a table that is not for a terminal
_BETWEEN_COLUMNS = 3  # cells between two columns, with the rule
_NARROWEST_STACK = 16  # cells beside a rail in which the cells of a row stand one below the other
_MOST_ROWS = 2000  # of a table with rules and colour: Rich takes a second for so many
_NESTED, _BETWEEN_ROWS = re.compile(r"\[{2,}"), re.compile(r"(\]+), \[+")


def table_text(blocks: Sequence[Block], console: Console | None = None) -> str:
    """The text as wide and as colourful as the console allows, with a line end at its end.

    Without one it has no colour. Very long tables have no rules either.
    """
    if any(isinstance(block, Table) and len(block.rows) > _MOST_ROWS for block in blocks):
        return plain(blocks)
    console = console or Console(
        no_color=True, force_terminal=False, force_jupyter=False, width=_WIDTH_OF_FILES
    )
    with console.capture() as capture:
        for renderable in renderables(blocks):
            console.print(renderable)
    return "\n".join(line.rstrip() for line in capture.get().split("\n"))


def renderables(blocks: Sequence[Block]) -> Iterator[RenderableType]:
    """One renderable a block. Users' text goes in as `Text`, so that no markup is read into it."""
    for block in blocks:
        if isinstance(block, Headline):
            yield _text(cell_text(block.text), "bold")
        elif isinstance(block, Heading):
            yield _text(f"\n{block.text}", "bold")
        elif isinstance(block, Table):
            yield _Fitted(block)
        elif isinstance(block, Curve):
            yield _Drawn(partial(drawn, block))
        elif isinstance(block, Chart):
            yield _Drawn(partial(chart_text.drawn, block))
        elif isinstance(block, Excerpt):
            yield _Quoted(block)
        else:
            for text in block.texts:
                yield Padding(_text(cell_text(text)), (0, 0, 0, 1))


class _Fitted:
    """A table whose cells break between words; where there is no room for that, its rows one by one."""

    def __init__(self, block: Table) -> None:
        self.block = block._replace(headers=tuple(map(cell_text, block.headers)))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        block = self.block
        rows = [tuple(map(_in_lines, row)) for row in block.rows]
        columns = [[row[at] for row in rows] for at in range(len(block.headers))]
        room = options.max_width - _BETWEEN_COLUMNS * len(columns) + 1
        if block.rails:
            room -= _rail_width(block) + _BETWEEN_COLUMNS
        widths = widths_of(block.headers, columns, room)
        if widths is None:
            yield from _stacked(block, rows, options.max_width)
        else:
            yield _table(block, rows, widths)


def _table(block: Table, rows: Sequence[Sequence[str]], widths: Sequence[int]) -> RichTable:
    table = RichTable(box=SIMPLE_HEAD, show_edge=False, pad_edge=True, header_style="dim")
    if block.rails:
        width = _rail_width(block)
        table.add_column(Text(block.rail_header), style="cyan", width=width, no_wrap=True)
    for column, (header, width) in enumerate(zip(block.headers, widths, strict=True)):
        table.add_column(
            Text(broken(header, width)),
            justify="right" if column in block.right else "left",
            overflow="fold",
            style="cyan" if column == 0 and not block.rails else "",
            width=width,
        )
    for index, row in enumerate(rows):
        cells = [broken(text, width) for text, width in zip(row, widths, strict=True)]
        if block.rails:
            rail, height = block.rails[index], max(cell.count("\n") for cell in cells)
            cells.insert(0, "\n".join([rail.first, *[rail.rest] * height]))
        table.add_row(*map(Text, cells), style="bold" if index in block.strong else "")
    return table


def _rail_width(block: Table) -> int:
    return max(map(cell_len, [block.rail_header, *(text for rail in block.rails for text in rail)]))


def _stacked(block: Table, rows: Sequence[Sequence[str]], width: int) -> Iterator[RenderableType]:
    """Each row as lines of its own, a cell behind its header: for terminals too narrow for the columns."""
    before = max(map(cell_len, block.headers)) + 2
    for index, row in enumerate(rows):
        style, margin = "bold" if index in block.strong else "", " "
        if block.rails:
            rail = block.rails[index]
            yield Text(f" {rail.first}", style="cyan")
            if width - cell_len(rail.rest) - before >= _NARROWEST_STACK:
                margin = f" {rail.rest} "
        for column, (header, text) in enumerate(zip(block.headers, row, strict=True)):
            head = margin + header + " " * (before - cell_len(header))
            lines = broken(text, width - cell_len(head)).replace("\n", "\n" + margin + " " * before)
            yield Text(f"{head}{lines}", style=style if column or block.rails else "cyan")


class _Drawn:
    """A curve or a chart as wide as there is room for."""

    def __init__(self, lines_within: Callable[[int], Sequence[str]]) -> None:
        self.lines_within = lines_within

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in self.lines_within(options.max_width - 1):
            yield Padding(Text(line, style="cyan", no_wrap=True), (0, 0, 0, 1))


class _Quoted:
    """A line of somebody's text with carets below it, as much of it as there is room for."""

    def __init__(self, excerpt: Excerpt) -> None:
        self.excerpt = excerpt

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line, style in zip(self.excerpt.lines(options.max_width - 6), ("dim", "cyan"), strict=False):
            yield Padding(Text(line, style=style, no_wrap=True, overflow="crop"), (0, 0, 0, 4))


class _Wide:
    """Text with wide characters, broken where such text may be; Rich breaks it at blanks alone."""

    def __init__(self, text: str, style: str) -> None:
        self.text, self.style = text, style

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text("\n".join(wrapped(self.text, options.max_width)), style=self.style)


def _text(text: str, style: str = "") -> Text | _Wide:
    return _Wide(text, style) if has_wide(text) else Text(text, style=style)


def _in_lines(cell: Cell) -> str:
    """Rows of an array stand under each other, so that a narrow column does not break them anywhere."""
    text = aligned(cell_text(cell))
    opening = _NESTED.search(text)
    if opening is None:
        return text

    def next_row(between: re.Match[str]) -> str:
        depth = len(between[1])
        return f"{between[1]},\n{' ' * (opening.end() - depth)}{'[' * depth}"

    return _BETWEEN_ROWS.sub(next_row, text)
