"""Where things stand in a TOML or JSON text: the standard readers keep no positions, so this does.

It is no second parser: the text has been (or is about to be) accepted by `tomllib` or `json`. It
walks over the text once and notes, for the path of every key, the spans of the key and the value.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from bpx.words.diagnostic import Diagnostic, Source, Span

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_BARE_KEY = re.compile(r"[^\s.,\[\]{}=:\"'#]+")
_SCALAR = re.compile(r"[^\s,\[\]{}\"'#]+(?: [0-9][^\s,\[\]{}\"'#]*)?")  # a date may hold a blank
MOST_DEPTH = 64  # a path longer than this leads to nothing bpx reads
MOST_PARTS = 100_000  # keys and elements of arrays with a place of their own: each takes some 20 µs to read


def _nest(depth: int) -> str:
    """Numbers in lists of lists, at most so deep."""
    item = number = r"[-+]?[0-9][^\s,\[\]{}\"'#]*+"
    for _ in range(depth):
        item = rf"(?:{number}|\[\s*+(?:{item}\s*+(?:,\s*+|(?=\])))*+\])"
    return item


_NUMBERS = re.compile(_nest(4))
# Possessive: what is matched once is never given back, and nothing is kept for each character.
_STRINGS = [
    re.compile(r'"""(?:[^"\\]++|\\.|"(?!""))*+"{3,5}', re.DOTALL),
    re.compile(r"'''(?:[^']++|'(?!''))*+'{3,5}"),
    re.compile(r'"(?:[^"\\\n]++|\\.)*+"'),
    re.compile(r"'[^'\n]*+'"),
]
_LINE_END = re.compile(r"[ \t\n]*")
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b"}


@dataclass(eq=False, repr=False)
class Places:
    """Spans by path; a key that is given again stands in `repeated`."""

    source: Source
    keys: dict[Path, Span] = field(default_factory=dict)
    values: dict[Path, Span] = field(default_factory=dict)
    passed: dict[Path, Span] = field(default_factory=dict)
    repeated: list[tuple[Path, Span]] = field(default_factory=list)
    arrays: dict[Path, Span] = field(default_factory=dict)  # of numbers: without their elements
    elements: dict[int, array[int]] = field(default_factory=dict)  # of arrays asked for: where each begins
    refused: Diagnostic | None = None  # why the walk was given up

    def key(self, *path: str | int) -> Span | None:
        """The span of a key, or of the first dotted key that passes through it."""
        return self.keys.get(path) or self.passed.get(path)

    def renamed(self, old: str, new: str) -> Places:
        """The same places, with another name for a part of the whole document."""

        def under_new(spans: dict[Path, Span]) -> dict[Path, Span]:
            return {((new, *path[1:]) if path[:1] == (old,) else path): span for path, span in spans.items()}

        return replace(
            self,
            keys=under_new(self.keys),
            values=under_new(self.values),
            passed=under_new(self.passed),
            arrays=under_new(self.arrays),
        )

    def value(self, *path: str | int) -> Span | None:
        """The span of a value; that of the key or of what holds it where it has none of its own."""
        inside: list[str | int] = []
        while path:
            if path in self.arrays:
                return self._element(self.arrays[path], inside)
            if path in self.values:
                return self.values[path]
            if path in self.keys:
                return self.keys[path]
            *outer, last = path
            path = tuple(outer)
            inside.insert(0, last)
        return None

    def _element(self, span: Span, indices: Sequence[str | int]) -> Span:
        for index in indices:
            if span.start not in self.elements:
                items = _NUMBERS.finditer(self.source.text, span.start + 1, span.end)
                self.elements[span.start] = array("q", (item.start() for item in items))
            starts = self.elements[span.start]
            if not isinstance(index, int) or index >= len(starts):
                break
            item = _NUMBERS.match(self.source.text, starts[index])
            span = Span(self.source, *item.span()) if item else span
        return span


def too_many_parts(span: Span) -> Diagnostic:
    """The refusal of a text with more parts than can be read in time."""
    return Diagnostic("too-many-parts", span, {"most": str(MOST_PARTS)})


class _NotLocated(Exception):
    pass


# What the walk meets in a text that is not of the form: it ends there, and the reader says why.
_ODDITIES = (_NotLocated, IndexError, ValueError, OverflowError)


def locate_toml(source: Source) -> Places:
    """Positions in a TOML text; of a text that is not TOML, those before the first oddity."""
    return _Walk(source, "=").toml()


def locate_json(source: Source) -> Places:
    """Positions in a JSON text; of a text that is not JSON, those before the first oddity."""
    return _Walk(source, ":").json()


class _Walk:
    def __init__(self, source: Source, assign: str) -> None:
        self.source, self.text, self.assign = source, source.text, assign
        self.at = 0
        self.places = Places(source)
        self.parts_left = MOST_PARTS

    def toml(self) -> Places:
        prefix: Path = ()
        counts: dict[Path, int] = {}
        with suppress(*_ODDITIES):
            while self.blank() < len(self.text):
                brackets = 2 if self.text.startswith("[[", self.at) else int(self.text[self.at] == "[")
                if not brackets:
                    self.value(self.assigned_key(prefix))
                    continue
                prefix = self.header(brackets, counts)
        return self.places

    def json(self) -> Places:
        with suppress(*_ODDITIES):
            self.value(())
        return self.places

    def blank(self) -> int:
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at

    def assigned_key(self, prefix: Path) -> Path:
        start = self.at
        path = self.key(prefix)
        self.note_key(path, Span(self.source, start, self.at))
        self.blank()
        if self.text[self.at] != self.assign:
            raise _NotLocated
        self.at += 1
        return path

    def header(self, brackets: int, counts: dict[Path, int]) -> Path:
        """`[table]` or `[[table]]`; `counts` has how often each of the latter has come."""
        self.at += brackets
        start = self.blank()
        path: Path = ()
        for part in self.key(()):
            path = (*path, counts[path]) if path in counts else path
            path = (*path, part)
        self.note_key(path, Span(self.source, start, self.at), repeatable=brackets == 2)
        self.blank()
        self.at += brackets
        if brackets == 2:
            counts[path] = counts.get(path, -1) + 1
        return (*path, counts[path]) if path in counts else path

    def note_key(self, path: Path, span: Span, repeatable: bool = False) -> None:
        self.count()
        if path in self.places.keys and not repeatable:
            self.places.repeated.append((path, span))
        self.places.keys.setdefault(path, span)
        for length in range(1, len(path)):
            self.places.passed.setdefault(path[:length], span)

    def key(self, prefix: Path) -> Path:
        """A key, dotted in TOML."""
        parts: list[str | int] = list(prefix)
        while True:
            self.blank()
            parts.append(self.key_part())
            if len(parts) > MOST_DEPTH:
                raise self.too_deep(self.at)
            end = self.at
            self.blank()
            if self.assign == ":" or self.text[self.at : self.at + 1] != ".":
                self.at = end
                return tuple(parts)
            self.at += 1

    def key_part(self) -> str:
        if self.text[self.at] in "\"'":
            start, end = self.string()
            return decoded(self.text, start, end)[0]
        return self.matched(_BARE_KEY)

    def matched(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if not match:
            raise _NotLocated
        self.at = match.end()
        return match.group()

    def string(self, is_value: bool = False) -> tuple[int, int]:
        """A string; a value that is never closed is refused."""
        quotes = self.text[self.at]
        is_long = self.text.startswith(quotes * 3, self.at)
        for pattern in _STRINGS[:2] if is_long else _STRINGS[2:]:
            match = pattern.match(self.text, self.at)
            if match:
                self.at = match.end()
                return match.span()
        if self.assign == ":" or not is_value:
            raise _NotLocated
        # `tomllib` would find it too, character by character.
        quotes *= 3 if is_long else 1
        span = Span(self.source, self.at, self.at + len(quotes))
        raise self.refused(Diagnostic("unclosed-text", span))

    def value(self, path: Path) -> None:
        """A value and all that is in it, with a stack of the open arrays and tables."""
        open_at: list[tuple[Path, int, str]] = []
        counts: list[int] = []
        while True:
            self.blank()
            char, start = self.text[self.at], self.at
            if char == "[" and (numbers := _NUMBERS.match(self.text, start)):
                self.at = numbers.end()
                self.places.arrays[path] = Span(self.source, start, self.at)
            elif char in "[{":
                open_at.append((path, start, char))
                counts.append(0)
                self.at += 1
                if len(path) >= MOST_DEPTH:
                    raise self.too_deep(start)
            else:
                self.scalar(path)
            while open_at and self.closes():
                self.at += 1
                path, start, _ = open_at.pop()
                counts.pop()
                self.places.values.setdefault(path, Span(self.source, start, self.at))
            if not open_at:
                return
            outer, _, kind = open_at[-1]
            if kind == "{":
                path = self.assigned_key(outer)
            else:
                self.count()
                path = (*outer, counts[-1])
                counts[-1] += 1

    def closes(self) -> bool:
        """Whether the innermost array or table ends here; a comma before the next value is passed."""
        self.blank()
        if self.text[self.at] == ",":
            self.at += 1
            self.blank()
        return self.text[self.at] in "]}"

    def count(self) -> None:
        """Count a key or an element of an array: there are no more than can be read in time."""
        self.parts_left -= 1
        if self.parts_left < 0:
            raise self.refused(too_many_parts(Span(self.source, self.at, self.at + 1)))

    def too_deep(self, at: int) -> _NotLocated:
        return self.refused(Diagnostic("too-deep", Span(self.source, at, at + 1)))

    def refused(self, problem: Diagnostic) -> _NotLocated:
        self.places.refused = problem
        return _NotLocated()

    def scalar(self, path: Path) -> None:
        start = self.at
        if self.text[start] in "\"'":
            self.string(is_value=True)
        else:
            self.matched(_SCALAR)
        self.places.values.setdefault(path, Span(self.source, start, self.at))


def quote_width(text: str, start: int, end: int) -> int:
    """3 for a quoted string in three quotes, 1 for one in one."""
    return 3 if text[start : start + 3] in ('"""', "'''") and end - start >= 6 else 1


def decoded(text: str, start: int, end: int) -> tuple[str, Sequence[int]]:
    """What a quoted string says, and where each character of it is written; last, where it ends."""
    width = quote_width(text, start, end)
    inner, stop = start + width, end - width
    if width == 3 and text[inner : inner + 1] == "\n":
        inner += 1
    if text[start] == "'" or text.find("\\", inner, stop) < 0:
        return text[inner:stop], range(inner, stop + 1)
    pieces: list[str] = []
    offsets: list[int] = []
    at = inner
    while at < stop:
        plain = text.find("\\", at, stop)
        plain = stop if plain < 0 else plain
        pieces.append(text[at:plain])
        offsets += range(at, plain)
        at = plain
        if at < stop:
            char, length = _unescaped(text, at)
            pieces.append(char)
            offsets += [at] * len(char)
            at += length
    return "".join(pieces), [*offsets, stop]


def _unescaped(text: str, at: int) -> tuple[str, int]:
    """The character that the backslash at `at` begins, and how much text it takes."""
    kind = text[at + 1]
    digits = {"x": 2, "u": 4, "U": 8}.get(kind)
    if digits:
        code = int(text[at + 2 : at + 2 + digits], 16)
        low = int(text[at + 8 : at + 12], 16) if text[at + 6 : at + 8] == "\\u" else 0
        if 0xD800 <= code < 0xDC00 <= low < 0xE000:  # such a pair is one character in JSON
            return chr(0x10000 + (code - 0xD800) * 0x400 + low - 0xDC00), 12
        return chr(code), 2 + digits
    if kind in " \t\n":
        blanks = _LINE_END.match(text, at + 1)
        return "", 1 + len(blanks.group() if blanks else "")
    return _ESCAPES.get(kind, kind), 2
