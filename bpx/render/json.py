"""Plain data as JSON text: a key a line, and of lists of rows a row a line.

Readable, and several times faster than indenting everything, which the standard library does in
Python rather than in C.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from json import JSONEncoder
from json.encoder import encode_basestring
from typing import Any, TypeVar, overload

encode = JSONEncoder(ensure_ascii=False, allow_nan=False).encode
encoded_text = encode_basestring  # the same for a text, in half of the time
encoded_float = float.__repr__  # and for a number that is finite

_NOT_ASCII = re.compile(r"[^\n -~]")  # of the control characters JSON has only line ends as they are


_R = TypeVar("_R")


class Rows(Sequence[_R]):
    """Rows that are made whenever they are read, and not kept: a large graph has hundreds of thousands.

    `texts` gives them as JSON, where that is written sooner than by way of a dict for each.
    """

    def __init__(
        self, count: int, make: Callable[[], Iterable[_R]], texts: Callable[[], Iterable[str]] | None = None
    ) -> None:
        self._count, self._make, self.texts = count, make, texts

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[_R]:
        return iter(self._make())

    def __reversed__(self) -> Iterator[_R]:
        """They are made once; by default each would be read by its place, after all before it."""
        return reversed(list(self))

    @overload
    def __getitem__(self, at: int) -> _R: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[_R]: ...
    def __getitem__(self, at: int | slice) -> _R | Sequence[_R]:
        if isinstance(at, slice):
            return list(self)[at]
        place = range(self._count)[at]
        return next(islice(self, place, None))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(_same, self, other))

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[type, tuple[tuple[_R, ...]]]:
        return tuple, (tuple(self),)  # what makes the rows need not be one that can be pickled


def _same(row: Any, other: Any) -> bool:
    return bool(row == other)


def json_text(plain: Mapping[str, Any]) -> str:
    """The text, with a line end at its end. Raises `ValueError` for a number that is not finite.

    What a terminal would obey, or cannot be written to a file, is spelled as escapes.
    """
    return "".join(json_pieces(plain))


def json_pieces(plain: Mapping[str, Any]) -> Iterator[str]:
    """The text piece by piece, so that `Rows` are never there all at once."""
    for piece in _pieces(plain):
        # Encoded, ASCII has but one character that is not shown; to look at each takes longer.
        is_shown = _DELETE not in piece if piece.isascii() else piece.replace("\n", "").isprintable()
        yield piece if is_shown else "".join(map(_shown, piece))


def _pieces(plain: Mapping[str, Any]) -> Iterator[str]:
    before = "{\n"
    for key, value in plain.items():
        yield f"{before}  {encode(key)}: "
        yield from _value(value)
        before = ",\n"
    yield "\n}\n"


def _value(value: Any) -> Iterator[str]:
    if isinstance(value, Rows) and value.texts:
        yield from _between_rows(value.texts(), _BETWEEN.join)
    elif isinstance(value, Rows) or (isinstance(value, list) and value and isinstance(value[0], dict)):
        yield from _between_rows(value, _encoded)
    else:
        yield encode(value)


def _between_rows(rows: Iterable[_R], join: Callable[[list[_R]], str]) -> Iterator[str]:
    """Rows with line ends between them; many in one call, which takes longer to begin than a row."""
    remaining, before = iter(rows), "[\n    "
    while chunk := list(islice(remaining, _ROWS_AT_ONCE)):
        yield before + join(chunk)
        before = _BETWEEN
    yield "\n  ]" if before == _BETWEEN else "[]"


def _encoded(rows: Sequence[Any]) -> str:
    """A string that no row has stands between them meanwhile; where one has it, each is encoded alone."""
    mark = encode(_MARK)
    text = encode([entry for row in rows for entry in (_MARK, row)][1:])[1:-1]
    if text.count(mark) != len(rows) - 1:
        return _BETWEEN.join(map(encode, rows))
    return text.replace(f", {mark}, ", _BETWEEN)


_BETWEEN = ",\n    "
_MARK = "\0"
_DELETE = "\x7f"
_ROWS_AT_ONCE = 250  # as plain data they take a kilobyte each


def _shown(char: str) -> str:
    return char if char.isprintable() or char == "\n" else _escaped(char)


def in_ascii(text: str) -> str:
    """All but ASCII spelled as JSON escapes: such characters stand inside of strings only."""
    return _NOT_ASCII.sub(lambda found: _escaped(found[0]), text)


def _escaped(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
