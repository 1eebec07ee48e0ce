"""Sources, spans and diagnostics: how bpx says what is wrong, and where.

Convention: offsets count characters of the source text from 0; lines and columns, which people
read, count from 1. `Source.position` is the only place where the one becomes the other.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from bpx.words.say import say, visible
from bpx.words.spelling import nearest
from bpx.words.usual_help import usual_help
from bpx.words.widths import cells, window

Severity = Literal["error", "warning", "note"]

MOST_PROBLEMS = 20  # of one input that are shown; the others are counted
_WIDEST_EXCERPT = 100  # a longer source line is shown as a window around the span
_LINE_END = re.compile("\n")


class Source:
    """A text with a name: a file's path, `<stdin>` or `<expression>`."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self._line_starts: list[int] | None = None

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column (both from 1) of the character at `offset`."""
        starts = self._starts()
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of line `number` (from 1), without its line end."""
        starts = self._starts()
        end = starts[number] - 1 if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].rstrip("\r")

    def offset(self, line: int, column: int) -> int:
        """The offset of a line and column (both from 1), kept inside the text."""
        starts = self._starts()
        return min(starts[min(line, len(starts)) - 1] + column - 1, len(self.text))

    def _starts(self) -> list[int]:
        if self._line_starts is None:
            self._line_starts = [0, *(match.end() for match in _LINE_END.finditer(self.text))]
        return self._line_starts


class Span(NamedTuple):
    """The characters `start … end` (end excluded) of a source."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        """The characters themselves."""
        return self.source.text[self.start : self.end]


class Diagnostic(NamedTuple):
    """One thing to tell the user: a code, the facts its sentence needs, and a place.

    The sentence is `say("diagnostic.CODE", **facts)`; `help`, where given, is the key of a second
    sentence that proposes one next step, made from the same facts. Without it, an error has its usual one.
    """

    code: str
    span: Span | None = None
    facts: Mapping[str, Any] = {}
    help: str | None = None
    severity: Severity = "error"
    unknown: tuple[str, Iterable[str]] | None = None

    def suggesting(self, name: str, known: Iterable[str]) -> Diagnostic:
        """The same, proposing the known name most like `name` in place of its help, if one is like it.

        That is looked for when the diagnostic is shown: it takes long, and of many not all are.
        """
        return self._replace(unknown=(name, known))

    def with_guess(self) -> Diagnostic:
        """The same, with the name that is proposed looked for."""
        if self.unknown is None:
            return self
        guess = nearest(*self.unknown)
        if guess is None:
            return self._replace(unknown=None)
        return self._replace(facts={**self.facts, "guess": guess}, help="did-you-mean", unknown=None)

    @property
    def message(self) -> str:
        """The sentence that states what is wrong, behind what it is `within` where that is a fact."""
        sentence = say(f"diagnostic.{self.code}", **self.facts)
        return _labelled(self.facts["within"], sentence) if "within" in self.facts else sentence

    @property
    def advice(self) -> str | None:
        """The sentence that proposes a next step; an error without a help of its own has that of its code."""
        if self.unknown:
            return self.with_guess().advice
        usual = usual_help(self.code) if self.severity == "error" else None
        key = f"help.{self.help}" if self.help else usual
        return say(key, **self.facts) if key else None

    def to_dict(self) -> dict[str, Any]:
        """Plain data: code, severity, message, help and place."""
        place: dict[str, Any] = {}
        if self.span:
            line, column = self.span.source.position(self.span.start)
            end_line, end_column = self.span.source.position(self.span.end)
            place = {
                "file": self.span.source.name,
                "line": line,
                "column": column,
                "end_line": end_line,
                "end_column": end_column,
            }
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "help": self.advice,
            **place,
        }

    def to_line(self, place: str = "") -> str:
        """The form that stands among other notes: severity, sentence, `place` and help in one line."""
        line = _labelled(self._severity, f"{self.message}{place}")
        return say("word.semicolon").join([line, self.advice]) if self.advice else line

    def to_text(self) -> str:
        """The form people read: sentence, place, excerpt with the span underlined, help."""
        lines = [_labelled(f"{self._severity}[{self.code}]", self.message)]
        if self.span:
            lines += _excerpt(self.span)
        if self.advice:
            lines.append(_labelled(say("severity.help"), self.advice))
        return "\n".join(lines)

    @property
    def _severity(self) -> str:
        return say(f"severity.{self.severity}")


class BpxError(ValueError):
    """Input that cannot be used; `diagnostics` says all that is wrong with it."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = _first(diagnostics)
        super().__init__("\n\n".join(d.to_text() for d in self.diagnostics))

    def __reduce__(self) -> Any:
        return BpxError, (self.diagnostics,)


def _first(diagnostics: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The diagnostics; of many, the first and how many more there are."""
    shown = [diagnostic.with_guess() for diagnostic in diagnostics[: MOST_PROBLEMS + 1]]
    if len(diagnostics) > MOST_PROBLEMS + 1:  # a last one takes no more room than its count
        more = len(diagnostics) - MOST_PROBLEMS
        shown[-1] = Diagnostic("more-problems", None, {"count": more}, severity="note")
    return tuple(shown)


def _labelled(label: str, text: str) -> str:
    return say("word.colon").join([label, text])


def _excerpt(span: Span) -> list[str]:
    line, column = span.source.position(span.start)
    where = f"  --> {visible(span.source.name)}:{line}:{column}"
    text = span.source.line(line)
    if not text.strip():
        return [where]
    start = column - 1
    end = min(max(start + (span.end - span.start), start + 1), max(len(text), start + 1))
    text, start, end = window(text, start, end, _WIDEST_EXCERPT)
    text = "".join(char if char.isprintable() else " " for char in text)
    margin = str(line)
    underline = " " * cells(text[:start]) + "^" * max(cells(text[start:end]), 1)
    return [where, f" {margin} | {text}", f" {' ' * len(margin)} | {underline}"]
