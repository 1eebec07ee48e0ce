"""CSV: a column for each name, or a row for each number, or a single array without names.

Cells are parted by commas, semicolons or tabs; numbers alone, as `numpy.savetxt` writes them, by blanks too.
One record is one line: no number and no name has a line break in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, takewhile
from pathlib import PurePath
from typing import Any, NamedTuple

import numpy as np

from bpx.graph.named.written import Written
from bpx.spec.tables.table import MOST_CELLS, NamedNumbers, too_many_cells
from bpx.words.diagnostic import MOST_PROBLEMS, BpxError, Diagnostic, Source, Span

_NUMBER = re.compile(r"[-+−]?(?:\d{1,300}(?P<point>\.\d*)?|(?P<bare>\.\d+))(?P<e>[eE][-+−]?\d{1,4})?")
_NOT_FINITE = re.compile(r"[-+]?(?:nan|inf|infinity)", re.IGNORECASE)
_SEPARATORS = "\t;,"
_NAMES = ("name", "node", "parameter", "param", "variable", "tensor", "input")
_VALUES = ("value", "gradient", "grad", "derivative")
_INDICES = ("index", "indices", "entry", "i", "j", "k", "l", "row", "col", "column")
_WHOLE = re.compile(r"\d{1,9}")
MOST_COLUMNS = 20_000


class _Cell(NamedTuple):
    text: str
    span: Span


_Record = Sequence[_Cell]


def read_csv(source: Source, problems: list[Diagnostic]) -> Iterator[NamedNumbers]:
    """The numbers by name."""
    body = _records(source)
    head = next(body, None)
    if head is None:
        return
    if all(_is_number(cell.text) for cell in head):
        yield from _array(PurePath(source.name).stem, [head, *body], problems)
        return
    if len(head) > MOST_COLUMNS:
        facts = {"count": len(head), "most": MOST_COLUMNS}
        raise BpxError([Diagnostic("table-columns", head[0].span, facts, "table-split")])
    keys = [cell.text.strip().lower() for cell in head]
    names, values = ([i for i, key in enumerate(keys) if key in known] for known in (_NAMES, _VALUES))
    if len(names) == 1 and len(values) == 1:
        yield from _by_row(head, body, names[0], values[0], problems)
    else:
        yield from _by_column(head, body, problems)


# --- text → cells -------------------------------------------------------------------------------


def _records(source: Source) -> Iterator[_Record]:
    """The lines that are not blank; the `#` in front of a header, as `numpy.savetxt` puts it, is no cell."""
    start, separator, room = 0, "", MOST_CELLS
    for line in source.text.split("\n"):
        at, content = start, line.rstrip("\r")
        start += len(line) + 1
        if not content.strip():
            continue
        if content.lstrip().startswith("#"):
            if separator:
                continue  # a comment
            at += content.index("#") + 1
            content = content[content.index("#") + 1 :]
        separator = separator or _separator(content)
        record = list(islice(_cells(source, content, at, separator), room + 1))
        room -= len(record)
        if room < 0:
            raise BpxError([too_many_cells(record[-1].span)])
        yield record


def _separator(line: str) -> str:
    if all(_is_number(part) for part in line.split()):
        return " "
    return next((sign for sign in _SEPARATORS if sign in line), ",")


def _cells(source: Source, line: str, start: int, separator: str) -> Iterator[_Cell]:
    """The cells of a line; inside of quotes and of the brackets of an index nothing separates."""
    if separator == " ":
        for match in re.finditer(r"\S+", line):
            yield _Cell(match.group(), Span(source, start + match.start(), start + match.end()))
        return
    begin, inside = 0, ""
    if '"' not in line and "[" not in line:
        for part in line.split(separator, MOST_CELLS):
            yield _cell(source, part, start + begin)
            begin += len(part) + 1
        return
    for at, char in enumerate(line + separator):
        if char == separator and (not inside or at == len(line)):
            yield _cell(source, line[begin:at], start + begin)
            begin = at + 1
        elif inside:
            inside = "" if char == inside else inside
        elif char in '"[':
            inside = {'"': '"', "[": "]"}[char]


def _cell(source: Source, text: str, start: int) -> _Cell:
    blank = len(text) - len(text.lstrip())
    content = text.strip()
    span = Span(source, start + blank, start + blank + len(content))
    if len(content) > 1 and content[0] == content[-1] == '"':
        content = content[1:-1].replace('""', '"').strip()
    return _Cell(content, span)


def _is_number(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text) or _NOT_FINITE.fullmatch(text))


def _number(text: str) -> Any:
    """The number with its digits; a whole one as such."""
    match = _NUMBER.fullmatch(text)
    if not match:
        return float(text)
    plain = text.replace("−", "-")
    return Written(plain) if any(match.groups()) else int(plain)


class _Column:
    """The numbers of a name, as they come; a cell that is none is reported."""

    def __init__(self, name: str, span: Span, problems: list[Diagnostic]) -> None:
        self.name, self.span, self.problems = name, span, problems
        self.written: list[Any] = []

    def take(self, cell: _Cell) -> None:
        if _is_number(cell.text):
            self.written.append(_number(cell.text))
        else:
            _report(self.problems, "not-a-number", cell.span, name=self.name, found=f"`{cell.text}`")

    def row(self, shape: tuple[int, ...] | None = None) -> NamedNumbers:
        numbers = np.array([float(number) for number in self.written])
        if shape is not None:
            numbers = numbers.reshape(shape)
        return NamedNumbers(self.name, numbers, self.written, shape is None, span=self.span)


def _report(problems: list[Diagnostic], code: str, span: Span, **facts: Any) -> None:
    if len(problems) < MOST_PROBLEMS:
        problems.append(Diagnostic(code, span, facts))


def _readable(body: Iterable[_Record], problems: list[Diagnostic]) -> Iterator[_Record]:
    """The records, until no more problems are reported: a wrong separator makes one of each cell."""
    return takewhile(lambda record: len(problems) < MOST_PROBLEMS, body)


# --- cells → numbers by name --------------------------------------------------------------------


def _array(name: str, records: Sequence[_Record], problems: list[Diagnostic]) -> Iterator[NamedNumbers]:
    """One array without a header, which goes by the name of the file."""
    widths = {len(record) for record in records}
    column = _Column(name, records[0][0].span, problems)
    if len(widths) > 1:
        odd = next(record for record in records if len(record) != len(records[0]))
        problems.append(Diagnostic("ragged", odd[0].span, {"name": name}))
        return
    for record in records:
        for cell in record:
            column.take(cell)
    height, width = len(records), widths.pop()
    if len(column.written) == height * width:
        yield column.row((height, width) if height > 1 and width > 1 else None)


def _by_column(head: _Record, body: Iterable[_Record], problems: list[Diagnostic]) -> Iterator[NamedNumbers]:
    """A column for each name, one number below the other; of short columns the last cells are empty."""
    columns = [_Column(cell.text, cell.span, problems) for cell in head]
    ended: set[int] = set()
    for record in _readable(body, problems):
        for place, cell in enumerate(record):
            if place >= len(columns):
                if cell.text:
                    _report(problems, "table-no-header", cell.span, found=cell.text)
            elif not cell.text:
                ended.add(place)
            elif place in ended:
                _report(problems, "table-gap", cell.span, name=columns[place].name)
            else:
                columns[place].take(cell)
    for place, column in enumerate(columns):
        if not column.name:
            if column.written or place < len(columns) - 1:  # a separator at the end of a line names nothing
                _report(problems, "table-no-name", column.span)
            continue
        yield column.row()


def _by_row(
    head: _Record, body: Iterable[_Record], name_at: int, value_at: int, problems: list[Diagnostic]
) -> Iterator[NamedNumbers]:
    """A row for each number: its name, its value, and its index where there are columns for that."""
    index_at = [i for i, cell in enumerate(head) if cell.text.strip().lower() in _INDICES]
    for place, cell in enumerate(head):
        if place not in (name_at, value_at, *index_at):
            _report(problems, "table-column", cell.span, name=cell.text)
    columns: dict[str, _Column] = {}
    for record in _readable(body, problems):
        if len(record) <= max(name_at, value_at):
            _report(problems, "table-short-row", record[0].span)
            continue
        index = _index(record, index_at, problems)
        if index is None:
            continue
        name = record[name_at].text + index
        column = columns.setdefault(name, _Column(name, record[name_at].span, problems))
        column.take(record[value_at])
    yield from (column.row() for column in columns.values() if column.written)


def _index(record: _Record, index_at: Sequence[int], problems: list[Diagnostic]) -> str | None:
    """The index in the cells of a row, as `[0, 1]`; empty cells are axes that an array has not.

    None for what is no index, which is reported.
    """
    numbers: list[str] = []
    for place in index_at:
        text = record[place].text.strip(" ()[]") if place < len(record) else ""
        parts = [part for part in re.split(r"[,\s]+", text) if part]
        if not all(_WHOLE.fullmatch(part) for part in parts):
            _report(problems, "table-index", record[place].span, found=record[place].text)
            return None
        numbers += parts
    return f"[{', '.join(numbers)}]" if numbers else ""
