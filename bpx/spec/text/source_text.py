"""A piece of a source that holds an expression.

Convention: offsets count characters of the piece from 0; only `SourceText.span` turns them into those of
the source, where one of them may be written as an escape.
"""

from __future__ import annotations

from collections.abc import Sequence

from bpx.words.diagnostic import Source, Span

_MOST_QUOTED = 24  # characters


class SourceText:
    """The characters of an expression, and where each of them stands in the source."""

    __slots__ = ("_offsets", "content", "source")

    def __init__(self, source: Source, content: str, offsets: Sequence[int] | None = None) -> None:
        self.source, self.content = source, content
        self._offsets = offsets if offsets is not None else range(len(content) + 1)

    def span(self, start: int, end: int) -> Span:
        """Characters `start … end` of the expression as a span of the source."""
        return Span(self.source, self._offsets[start], self._offsets[max(end, start)])

    def of_same_places(self, content: str) -> SourceText:
        """Other characters that stand for those at the same places, as far as they go."""
        return SourceText(self.source, content, self._offsets)


def shortened(text: str) -> str:
    """A piece of the user's text, short enough for a sentence."""
    return text if len(text) <= _MOST_QUOTED else f"{text[:1]}…{text[-1:]}"
