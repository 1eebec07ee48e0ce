"""Blocks as Rich renderables: tables with rules and colour, where the terminal has them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from bpx.render.blocks import Block, Cell, Curve, Heading, Headline, Table
from bpx.render.curve import drawn
from bpx.render.plain import plain
from bpx.words.widths import cells, has_wide, wrapped

_WIDTH_OF_FILES = 80  # columns of a table that is not for a terminal
_NARROWEST_WIDE = 16  # cells of a column of wide text that has to share a line with others
_MOST_ROWS = 2000  # of a table with rules and colour: Rich takes a second for so many
_NESTED, _BETWEEN_ROWS = re.compile(r"\[{2,}"), re.compile(r"(\]+), \[+")


def table_text(blocks: Sequence[Block], console: Console | None = None) -> str:
    """The text as wide and as colourful as the console allows, with a line end at its end.

    Without one it has no colour. Very long tables have no rules either.
    """
    if any(isinstance(block, Table) and len(block.rows) > _MOST_ROWS for block in blocks):
        return plain(blocks)
    console = console or Console(no_color=True, force_terminal=False, width=_WIDTH_OF_FILES)
    with console.capture() as capture:
        for renderable in renderables(blocks):
            console.print(renderable)
    return "\n".join(line.rstrip() for line in capture.get().split("\n"))


def renderables(blocks: Sequence[Block]) -> Iterator[RenderableType]:
    """One renderable a block. Users' text goes in as `Text`, so that no markup is read into it."""
    for block in blocks:
        if isinstance(block, Headline):
            yield _text(str(block.text), "bold")
        elif isinstance(block, Heading):
            yield _text(f"\n{block.text}", "bold")
        elif isinstance(block, Table):
            yield _table(block)
        elif isinstance(block, Curve):
            yield _Drawn(block)
        else:
            for text in block.texts:
                yield Padding(_text(str(text)), (0, 0, 0, 1))


def _table(block: Table) -> RichTable:
    table = RichTable(box=SIMPLE_HEAD, show_edge=False, pad_edge=True, header_style="dim")
    for column, header in enumerate(block.headers):
        table.add_column(
            _text(header),
            justify="right" if column in block.right else "left",
            overflow="fold",
            style="cyan" if column == 0 else "",
        )
    for index, row in enumerate(block.rows):
        table.add_row(*map(_cell, row), style="bold" if index in block.strong else "")
    return table


class _Drawn:
    """A curve as wide as there is room for."""

    def __init__(self, curve: Curve) -> None:
        self.curve = curve

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in drawn(self.curve.values, self.curve.start, options.max_width - 1):
            yield Padding(Text(line, style="cyan", no_wrap=True), (0, 0, 0, 1))


class _Wide:
    """Text with wide characters, broken where such text may be; Rich breaks it at blanks alone."""

    def __init__(self, text: str, style: str) -> None:
        self.text, self.style = text, style

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        lines = wrapped(self.text, options.max_width)
        shortest = wrapped(self.text, min(_NARROWEST_WIDE, options.max_width))
        return Measurement(max(map(cells, shortest)), max(map(cells, lines)))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text("\n".join(wrapped(self.text, options.max_width)), style=self.style)


def _text(text: str, style: str = "") -> Text | _Wide:
    return _Wide(text, style) if has_wide(text) else Text(text, style=style)


def _cell(cell: Cell) -> Text | _Wide:
    """Rows of an array stand under each other, so that a narrow column does not break them anywhere."""
    text = str(cell)
    opening = _NESTED.search(text)
    if opening is None:
        return _text(text)

    def broken(between: re.Match[str]) -> str:
        depth = len(between[1])
        return f"{between[1]},\n{' ' * (opening.end() - depth)}{'[' * depth}"

    return Text(_BETWEEN_ROWS.sub(broken, text))
