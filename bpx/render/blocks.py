"""Blocks: what the table, plain and markdown renderers share.

A block is a headline, a heading, a table, a list of lines, a curve or a chart. What is said is decided when
blocks are made, how it looks by each renderer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.formula import Formula, numbers, words
from bpx.graph.numbers import LARGEST_SHOWN, SHOWN_DIGITS, array, number, shape_text
from bpx.render.chart.chart import Chart
from bpx.render.layout.rails import Rail
from bpx.render.plain_data import summary
from bpx.words.say import say, titled, visible
from bpx.words.widths import cells, window

CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")  # what stands in backticks in a sentence
_HOLE = "\ufffc"  # the character that stands for an object in a text
_LONGEST_INSIDE = 400  # characters of a cell in a sentence; `say` cuts longer texts
MOST_ROWS = 400  # rows of a table shown to people; of more, the first and the last


class Value(NamedTuple):
    """A number or an array: in full where it has no more than `most` elements, or else summed up.

    It is rounded to `digits`.
    """

    value: Array | float
    most: int = LARGEST_SHOWN
    digits: int = SHOWN_DIGITS

    @property
    def is_summary(self) -> bool:
        """Is it too large to be shown in full?"""
        return np.size(self.value) > max(self.most, LARGEST_SHOWN)

    @property
    def formula(self) -> Formula:
        """The value as a formula of its own, rounded as it is shown."""
        return words(str(self)) if self.is_summary else numbers(self.value, self.digits)

    def __str__(self) -> str:
        return text_of(self.value, self.most, self.digits)


class Phrase(NamedTuple):
    """Texts, formulas and values one after the other, as `exp(x) = 2.7; sum over axis 0`."""

    pieces: tuple[Cell, ...]

    def __str__(self) -> str:
        return "".join(map(str, self.pieces))


Cell = str | Formula | Value | Phrase


def cell_text(cell: Cell) -> str:
    """The cell as text of which a terminal obeys nothing but line ends."""
    text = str(cell)
    return text if text.isprintable() else "\n".join(map(visible, text.split("\n")))


def phrase(key: str, /, **cells: Cell) -> Phrase:
    """The sentence of `key` with cells put in that stay what they are; where one is long, all as texts."""
    if any(len(str(cell)) > _LONGEST_INSIDE for cell in cells.values()):
        return Phrase((say(key, **{name: str(cell) for name, cell in cells.items()}),))
    holes = {name: f"{_HOLE}{place}{_HOLE}" for place, name in enumerate(cells)}
    inside = {hole: cells[name] for name, hole in holes.items()}
    texts = re.split(f"({_HOLE}[0-9]+{_HOLE})", say(key, **holes))
    return Phrase(tuple(inside.get(text, text) for text in texts))


class Headline(NamedTuple):
    """The answer, first of all."""

    text: Cell


def headline(title: str | None, answer: str) -> str:
    """The answer behind the title, which may have colons and lines of its own."""
    in_one_line = title_line(title)
    return say("word.headline", title=in_one_line, answer=answer) if in_one_line else answer


def title_line(title: str | None) -> str:
    """A title in one line; empty where there is none."""
    return visible(titled(" ".join((title or "").split())))


class Heading(NamedTuple):
    """The title of a section."""

    text: Cell


class Table(NamedTuple):
    """Rows of cells; the columns `right` line up on the right, the rows `strong` are sums.

    In front of the rows may stand `rails`, one for each, which are never broken, below `rail_header`.
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    right: frozenset[int] = frozenset()
    strong: frozenset[int] = frozenset()
    rails: tuple[Rail, ...] = ()
    rail_header: str = ""

    @property
    def text_rows(self) -> tuple[tuple[str, ...], ...]:
        """The rows with every cell as text."""
        return tuple(tuple(map(cell_text, row)) for row in self.rows)


class Lines(NamedTuple):
    """Sentences, one a line."""

    texts: tuple[Cell, ...]


class Curve(NamedTuple):
    """Finite values, two or more, one after the other, counted from `start`, or between named `ends`.

    A `level` to compare them with is a line across the curve, with a name.
    """

    values: tuple[float, ...]
    start: int = 0
    named_ends: tuple[str, str] | None = None
    level: tuple[float, str] | None = None

    @property
    def ends(self) -> tuple[str, str]:
        """What stands below the first and the last value."""
        return self.named_ends or (str(self.start), str(self.start + len(self.values) - 1))

    @property
    def with_level(self) -> tuple[float, ...]:
        """The values, and the level behind them, if there is one."""
        return (*self.values, self.level[0]) if self.level else self.values


class Excerpt(NamedTuple):
    """A line of somebody's text, with carets below its characters `start … end`; None: no carets."""

    line: str
    start: int | None = None
    end: int = 0

    def lines(self, width: int = 0) -> tuple[str, ...]:
        """The line and the carets; of more cells than `width`, where one is given, a window around them."""
        line = "".join(char if char.isprintable() else " " for char in self.line)
        if self.start is None:
            return (line if not width or cells(line) <= width else line[: width - 1] + "…",)
        line, start, end = window(line, self.start, self.end, width)
        return line, " " * cells(line[:start]) + "^" * max(cells(line[start:end]), 1)


Block = Headline | Heading | Table | Lines | Curve | Chart | Excerpt


def text_of(value: Array | float, most: int = LARGEST_SHOWN, digits: int = SHOWN_DIGITS) -> str:
    """A value as shown: small arrays in full, larger ones by shape, range, mean and norm."""
    value = np.asarray(value)
    short = summary(value)
    if short is None or value.size <= most:
        return array(value, digits)
    low, mean, high, norm = (number(short[key], digits) for key in ("min", "mean", "max", "norm"))
    return say("word.summary", shape=shape_text(value.shape), low=low, high=high, mean=mean, norm=norm)


def rounded(blocks: Iterable[Block], digits: int) -> list[Block]:
    """The blocks with every value and every rounded number of a formula to so many significant digits."""
    return [_rounded_block(block, digits) for block in blocks]


def _rounded_block(block: Block, digits: int) -> Block:
    if isinstance(block, Table):
        return block._replace(rows=tuple(tuple(_rounded(cell, digits) for cell in row) for row in block.rows))
    if isinstance(block, Lines):
        return Lines(tuple(_rounded(text, digits) for text in block.texts))
    return (
        block
        if isinstance(block, Curve | Chart | Excerpt)
        else block._replace(text=_rounded(block.text, digits))
    )


def _rounded(cell: Cell, digits: int) -> Cell:
    if isinstance(cell, Value):
        return cell._replace(digits=digits)
    if isinstance(cell, Formula):
        return cell.rounded(digits)
    return (
        Phrase(tuple(_rounded(piece, digits) for piece in cell.pieces)) if isinstance(cell, Phrase) else cell
    )


def numeric_columns(rows: Sequence[Sequence[Cell]]) -> set[int]:
    """The columns of single numbers, which line up on the right."""
    return {
        at
        for at in range(len(rows[0]) if rows else 0)
        if any(isinstance(row[at], Value) for row in rows)
        and all(row[at] == "" or _is_one_number(row[at]) for row in rows)
    }


def _is_one_number(cell: Cell) -> bool:
    return isinstance(cell, Value) and np.ndim(cell.value) == 0


def table(
    keys: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    right: Iterable[int] = (),
    strong: Iterable[int] = (),
    rails: Sequence[Rail] = (),
    rail_header: str = "",
) -> Table:
    """A table with its headers by key; of very many rows only the first and the last."""
    headers = tuple(say(f"account.{key}") for key in keys)
    if len(rows) <= MOST_ROWS:
        cells = tuple(map(tuple, rows))
        return Table(headers, cells, frozenset(right), frozenset(strong), tuple(rails), rail_header)
    half = MOST_ROWS // 2
    left_out = say("account.left-out", count=len(rows) - 2 * half)
    gap = (left_out, *[""] * (len(keys) - 1))
    kept = (*map(tuple, rows[:half]), gap, *map(tuple, rows[-half:]))
    shift = len(rows) - half
    moved = {row if row < half else row - shift + half + 1 for row in strong if row < half or row >= shift}
    kept_rails = (*rails[:half], Rail("", ""), *rails[-half:]) if rails else ()
    return Table(headers, kept, frozenset(right), frozenset(moved), kept_rails, rail_header)
