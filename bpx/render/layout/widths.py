"""How wide the columns of a table are, and where its cells break: between words, never inside a number."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from rich.cells import cell_len

from bpx.words.widths import breakable, has_wide

_ROW = re.compile(r"\s*[^\s\[]*\[+[^\[\]]*\][\],;]*|\s*\S+")  # `[1, 2],` in one piece
_WORD = re.compile(r"\s*\S+")
_SIGNED = r"[-−+~≈∂√Σ]*"
_PIECE = re.compile(  # a number or a name with the brackets and commas that belong to it, or a sign
    rf"\s*[(\[{{]*{_SIGNED}(?:\d+\.?\d*(?:e[-+]?\d+)?|[\w.…]+)(?:\(|[)\]}},;:]*)|\s*\S"
)
_OPENING = re.compile(r"\s*\[+")
_NARROWEST_WIDE = 16  # cells of a column of wide text that has to share a line with others


def widths_of(headers: Sequence[str], columns: Sequence[Sequence[str]], room: int) -> list[int] | None:
    """The widths of columns that need no more than `room` together; None where words would have to break.

    What is kept whole, if there is room: numbers and names, then words and rows of arrays, in the last
    column, where values stand, before the others.
    """
    wanted = [_longest(_lines, [*cells, header]) for header, cells in zip(headers, columns, strict=True)]
    if sum(wanted) <= room:
        return wanted
    heads = [_least(_words, [header]) for header in headers]
    widths = [max(head, _least(_smallest, cells)) for head, cells in zip(heads, columns, strict=True)]
    if sum(widths) > room:
        return None
    for at in reversed(range(len(columns))):
        for pieces in (_words, _ROW.findall):
            least = max(widths[at], _longest(pieces, columns[at]))
            if sum(widths) - widths[at] + least <= room:
                widths[at] = least
    return _widened(widths, wanted, room)


def _widened(widths: list[int], wanted: Sequence[int], room: int) -> list[int]:
    """What is left of the room goes to the columns that lack most, in equal shares."""
    left = room - sum(widths)
    while left and (lacking := [at for at, width in enumerate(widths) if width < wanted[at]]):
        share = max(1, left // len(lacking))
        for at in lacking[:left]:
            more = min(share, wanted[at] - widths[at])
            widths[at] += more
            left -= more
    return widths


def _longest(pieces: Callable[[str], list[str]], cells: Sequence[str]) -> int:
    lines = (line for cell in cells for line in cell.split("\n"))
    return max((_indented(piece, line) for line in lines for piece in pieces(line)), default=0)


def _least(pieces: Callable[[str], list[str]], cells: Sequence[str]) -> int:
    """The least width of a column; wide text may break nearly anywhere, and would stand on end."""
    wide = [cell for cell in cells if has_wide(cell)]
    return max(_longest(pieces, cells), min(_NARROWEST_WIDE, _longest(_lines, wide)))


def _words(text: str) -> list[str]:
    return list(breakable(text)) if has_wide(text) else _WORD.findall(text)


def _smallest(text: str) -> list[str]:
    """Numbers and names, or what wide text may be broken into."""
    return [part for word in _words(text) for part in ([word] if has_wide(word) else _PIECE.findall(word))]


def _indented(piece: str, line: str) -> int:
    """The width of a piece where it begins a line of the cell."""
    return cell_len(piece) if line.startswith(piece) else cell_len(piece.lstrip())


def _lines(text: str) -> list[str]:
    return [text]


def broken(text: str, width: int) -> str:
    """A cell in lines of no more than `width`, where its pieces allow that."""
    return "\n".join(part for line in text.split("\n") for part in _broken_line(line, width))


def _broken_line(line: str, width: int) -> Iterator[str]:
    if cell_len(line) <= width:
        yield line
        return
    opening, current, depth = _OPENING.match(line), "", 0
    for piece in _pieces(line, width):
        if current.strip() and cell_len((current + piece).rstrip()) > width:
            yield current.rstrip()
            indent = " " * len(opening[0]) if opening and depth > 0 else ""
            current = indent + piece.lstrip()
            if cell_len(current) > width:
                current = current.lstrip()
        else:
            current += piece
        depth += piece.count("[") - piece.count("]")
    yield current


def _pieces(line: str, width: int) -> Iterator[str]:
    """Rows of arrays where they fit, else words, else numbers and names."""
    for row in _ROW.findall(line):
        for word in _words(row) if _indented(row, line) > width else [row]:
            yield from _smallest(word) if _indented(word, line) > width else [word]
