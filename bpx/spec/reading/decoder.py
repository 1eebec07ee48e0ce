"""`Decoder`: a check for each kind of part of a document; what is wrong is collected on the way."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from bpx.graph.arrays import MOST_AXES, Array
from bpx.graph.named.written import Written
from bpx.spec.reading.documents.document import type_key
from bpx.spec.reading.documents.locate import Places, decoded
from bpx.spec.text.parser import parse
from bpx.spec.text.problems import report_with_guess
from bpx.spec.text.source_text import SourceText, shortened
from bpx.spec.text.syntax_tree import Expression
from bpx.words.diagnostic import MOST_PROBLEMS, Diagnostic, Span
from bpx.words.say import say

FORMAT_VERSION = 1
ROLES = ("data", "parameter", "target", "constant")
FORMS = {  # ways to give an input its values, by the key that tells them, each with its further keys
    "value": (),
    "normal": ("mean", "scale", "seed"),
    "uniform": ("low", "high", "seed"),
    "table": ("columns", "column"),
}
OF_ANY_INPUT = ("role", "range")
KEYS = {
    "top": ("bpx", "title", "output", "tables", "inputs", "graph", "expect", "claims", "blocks", "ops"),
    "input": (*dict.fromkeys(key for form, more in FORMS.items() for key in (form, *more)), *OF_ANY_INPUT),
    "table": ("columns", "rows"),
    "expect": ("value", "gradients"),
    "block": ("args", "value", "graph", "output"),
    "op": ("args", "value", "partials"),
}


class Decoder:
    """Looks at parts of a document by their path; what is wrong goes to `problems`."""

    def __init__(self, document: dict[str, Any], places: Places, problems: list[Diagnostic]) -> None:
        self.document, self.places, self.problems = document, places, problems

    def problem(self, code: str, span: Span | None, help: str | None = None, **facts: Any) -> None:
        """Report one thing that is wrong."""
        self.problems.append(Diagnostic(code, span, facts, help))

    def problem_with_guess(self, problem: Diagnostic, name: str, known: Iterable[str]) -> None:
        """Report it with the known name most like `name`."""
        report_with_guess(self.problems, problem, name, known)

    def check_keys(
        self, table: Mapping[str, Any], where: str, path: tuple[str, ...], known: Sequence[str] | None = None
    ) -> None:
        """Report keys that mean nothing there; `known` are those of `KEYS[where]` by default."""
        known = known or KEYS[where]
        for key in table:
            if key not in known:
                facts = {"key": key, "where": say(f"where.{where}"), "known": ", ".join(known)}
                problem = Diagnostic("unknown-key", self.places.key(*path, key), facts, "known-keys")
                self.problems.append(problem.suggesting(key, known))

    def take(self, key: str, kind: type) -> Any:
        """A part of the whole document; None where it is missing or of another type, which is reported."""
        if key not in self.document:
            return None
        value = self.document[key]
        return value if self.has_type(kind, value, key) else None

    def has_type(self, kind: type, value: Any, *path: str | int) -> bool:
        """Is the value of this type? Otherwise that is reported."""
        if isinstance(value, kind):
            return True
        self.wrong_type(f"type.{kind.__name__}", value, *path)
        return False

    def wrong_type(self, wanted: str, value: Any, *path: str | int) -> None:
        """Report a value of another type than `wanted`, which is a key of the words."""
        facts = {"key": str(path[-1]), "wanted": say(wanted), "found": say(type_key(value))}
        self.problem("wrong-type", self.places.value(*path), **facts)

    def numbers(self, name: str, value: Any, *path: str | int) -> Array | None:
        """A number or a nest of lists of numbers as an array; None where it is not one."""
        before = len(self.problems)
        for leaf, at in _leaves(value) if not _are_finite(value) else ():
            if len(self.problems) > before + MOST_PROBLEMS:
                break  # no more of them are shown
            if isinstance(leaf, bool) or not isinstance(leaf, int | float):
                text = self.written(*path, *at) if not isinstance(leaf, dict) else say("type.dict")
                unquote = isinstance(leaf, str) and leaf.strip().startswith((*"-+.[0123456789",))
                span = self.places.value(*path, *at)
                self.problem("not-a-number", span, "unquote" if unquote else None, name=name, found=text)
            elif not _finite(leaf):
                self.problem(
                    "not-finite-input",
                    self.places.value(*path, *at),
                    name=name,
                    found=self.written(*path, *at),
                )
        if len(self.problems) > before:
            return None
        try:
            array = np.array(value, dtype=np.float64)
        except ValueError:
            self.problem("ragged", self.places.value(*path), name=name)
            return None
        if array.ndim > MOST_AXES:
            self.problem("too-deep", self.places.value(*path), name=name)
            return None
        if not array.size:
            self.problem("empty-array", self.places.value(*path), name=name)
            return None
        array.setflags(write=False)
        return array

    def written(self, *path: str | int) -> str:
        """A value as it stands in the text, without quotes, cut short where it is long."""
        span = self.places.value(*path)
        return shortened(span.text.strip("\"'")) if span else ""

    def expression(self, value: Any, *path: str | int) -> Expression | None:
        """The tree of an expression in quotes; None where it is not one, which is reported."""
        if not isinstance(value, str):
            self.wrong_type("type.expression", value, *path)
            return None
        expression, problems = parse(self.text(*path))
        self.problems += problems
        return expression

    def text(self, *path: str | int) -> SourceText:
        """The expression at `path`, with the offset of each of its characters."""
        span = self.places.value(*path)
        assert span
        return SourceText(span.source, *decoded(span.source.text, span.start, span.end))

    def bounds(self, *path: str | int) -> tuple[int, int]:
        """Start and end of a value; of the inside of a quoted one."""
        span = self.places.value(*path)
        assert span
        quoted = span.text[:1] in ("'", '"')
        return span.start + quoted, span.end - quoted


def _are_finite(value: Any) -> bool:
    """Is it nothing but finite numbers in lists? All of one depth are looked at together, in C."""
    level = [value]
    while (kinds := set(map(type, level))) == {list}:
        level = list(chain.from_iterable(level))
    try:
        return kinds <= {int, float, Written} and all(map(math.isfinite, level))
    except OverflowError:  # an int beyond float64
        return False


def _leaves(value: Any) -> Iterator[tuple[Any, tuple[int, ...]]]:
    """The innermost values of a nest of lists, each with its indices."""
    waiting: list[tuple[Any, tuple[int, ...]]] = [(value, ())]
    while waiting:
        part, at = waiting.pop()
        if isinstance(part, list):
            waiting += [(inner, (*at, i)) for i, inner in reversed(list(enumerate(part)))]
        else:
            yield part, at


def is_finite_number(value: Any) -> bool:
    """Is it a number, and one that float64 has?"""
    return isinstance(value, int | float) and not isinstance(value, bool) and _finite(value)


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an int beyond float64
        return False
