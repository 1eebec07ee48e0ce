"""How wide text is in a terminal, and where a line of it may be broken."""

from __future__ import annotations

from collections.abc import Iterator
from unicodedata import category, east_asian_width

_NEVER_FIRST = "，。、；：？！）》”’…)]}"  # in a line: they belong to what stands before them
_NEVER_LAST = "（《“‘([{"


def cells(text: str) -> int:
    """Terminal cells `text` takes: East Asian wide characters take two, combining ones none."""
    return len(text) if text.isascii() else sum(map(_cells_of, text))


def has_wide(text: str) -> bool:
    """Does `text` contain a character of two cells?"""
    return not text.isascii() and any(east_asian_width(char) in "WF" for char in text)


def wrapped(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` cells, broken at blanks and between wide characters.

    No line begins with a closing or ends with an opening full-width sign. What is wider than a line by itself
    is broken anywhere.
    """
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for piece in breakable(paragraph):
            if line and cells(line + piece.rstrip()) > width:
                lines.append(line.rstrip())
                line = ""
            line += piece
            while cells(line.rstrip()) > width:
                head = _head(line, width)
                lines.append(head)
                line = line[len(head) :]
        lines.append(line.rstrip())
    return lines


def breakable(text: str) -> Iterator[str]:
    """The parts that no line break parts, code in backticks whole; blanks stay at the end of a part."""
    start, in_code = 0, False
    for at in range(1, len(text)):
        in_code ^= text[at - 1] == "`"
        if not in_code and _may_break(text[at - 1], text[at]):
            yield text[start:at]
            start = at
    yield text[start:]


def _may_break(before: str, after: str) -> bool:
    if after == " " or after in _NEVER_FIRST or before in _NEVER_LAST:
        return False
    return before == " " or has_wide(before) or has_wide(after)


def _head(text: str, width: int) -> str:
    """The longest beginning that fits, at least one character."""
    end = 1
    while end < len(text) and cells(text[: end + 1]) <= width:
        end += 1
    return text[:end]


def _cells_of(char: str) -> int:
    return 0 if category(char) in ("Mn", "Me") else 2 if east_asian_width(char) in "WF" else 1


def window(text: str, start: int, end: int, width: int) -> tuple[str, int, int]:
    """The part of a line around the characters `start … end`, and where they are in it; all for `width` 0.

    Dots stand for what is left out.
    """
    width = width or len(text)
    left = max(0, min(start - width // 3, len(text) - width))
    right = min(len(text), left + width)
    head, tail = "…" if left else "", "…" if right < len(text) else ""
    shift = len(head) - left
    return head + text[left:right] + tail, start + shift, min(end, right) + shift
