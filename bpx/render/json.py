"""Plain data as JSON text: a key a line, and of lists of rows a row a line.

Readable, and several times faster than indenting everything, which the standard library does in
Python rather than in C.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from json import JSONEncoder
from typing import Any

Encode = Callable[[Any], str]

_NOT_ASCII = re.compile(r"[^\n -~]")  # of the control characters JSON has only line ends as they are


def json_text(plain: Mapping[str, Any]) -> str:
    """The text, with a line end at its end. Raises `ValueError` for a number that is not finite.

    What a terminal would obey, or cannot be written to a file, is spelled as escapes.
    """
    encode = JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    entries = [f"  {encode(key)}: {_value(value, encode)}" for key, value in plain.items()]
    text = "{\n" + ",\n".join(entries) + "\n}\n"
    return text if text.replace("\n", "").isprintable() else "".join(map(_shown, text))


def _value(value: Any, encode: Encode) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n    " + _rows(value, encode) + "\n  ]"
    return encode(value)


def _rows(rows: Sequence[Any], encode: Encode) -> str:
    """Rows with line ends between them; a thousand in one call, which takes longer to begin than a row."""
    parts = [_encoded(rows[start : start + 1000], encode) for start in range(0, len(rows), 1000)]
    return _BETWEEN.join(parts)


def _encoded(rows: Sequence[Any], encode: Encode) -> str:
    """A string that no row has stands between them meanwhile; where one has it, each is encoded alone."""
    mark = encode(_MARK)
    text = encode([entry for row in rows for entry in (_MARK, row)][1:])[1:-1]
    if text.count(mark) != len(rows) - 1:
        return _BETWEEN.join(map(encode, rows))
    return text.replace(f", {mark}, ", _BETWEEN)


_BETWEEN = ",\n    "
_MARK = "\0"


def _shown(char: str) -> str:
    return char if char.isprintable() or char == "\n" else _escaped(char)


def in_ascii(text: str) -> str:
    """All but ASCII spelled as JSON escapes: such characters stand inside of strings only."""
    return _NOT_ASCII.sub(lambda found: _escaped(found[0]), text)


def _escaped(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
