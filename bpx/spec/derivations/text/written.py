"""A piece of somebody's text that may be rewritten, while each character still knows where it stood."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from bpx.spec.text.source_text import SourceText
from bpx.words.diagnostic import Source, Span


class Written(NamedTuple):
    """Characters, and the offset of each in the source; one more offset says where the last one ends."""

    source: Source
    content: str
    offsets: Sequence[int]

    @classmethod
    def of(cls, source: Source, start: int = 0, end: int | None = None) -> Written:
        """The characters `start … end` of a source."""
        end = len(source.text) if end is None else end
        return cls(source, source.text[start:end], range(start, end + 1))

    @property
    def text(self) -> SourceText:
        """The same for the readers of formulas."""
        return SourceText(self.source, self.content, self.offsets)

    @property
    def span(self) -> Span:
        """Where it stands, without blanks around it."""
        inner = self.trimmed()
        return Span(self.source, inner.offsets[0], max(inner.offsets[-1], inner.offsets[0]))

    def part(self, start: int, end: int | None = None) -> Written:
        """The characters `start … end`."""
        end = len(self.content) if end is None else end
        if isinstance(self.offsets, range):  # as it stands in the source: no object for each character
            return self._replace(content=self.content[start:end], offsets=self.offsets[start : end + 1])
        ends = [self.offsets[end - 1] + 1] if end > start else [self.offsets[start]]
        return self._replace(content=self.content[start:end], offsets=[*self.offsets[start:end], *ends])

    def trimmed(self, characters: str | None = None) -> Written:
        """Without blanks, or `characters`, around it."""
        start = len(self.content) - len(self.content.lstrip(characters))
        return self.part(start, max(start, len(self.content.rstrip(characters))))

    def sub(self, pattern: str | re.Pattern[str], by: str | Callable[[re.Match[str]], str | None]) -> Written:
        """Every match replaced; what stands in its place stands where it began. None leaves a match."""
        content, offsets, last = "", list[int](), 0
        for match in re.finditer(pattern, self.content):
            new = match.expand(by) if isinstance(by, str) else by(match)
            if new is None:
                continue
            content += self.content[last : match.start()] + new
            offsets += self.offsets[last : match.start()]
            offsets += [self.offsets[match.start()]] * len(new)
            if len(new) > 1 and new.endswith(" "):  # a letter between blanks reaches as far as what it is for
                offsets[-1] = self.offsets[match.end()]
            last = match.end()
        if not last and not offsets:
            return self
        return self._replace(content=content + self.content[last:], offsets=[*offsets, *self.offsets[last:]])

    def blanked(self, pattern: str | re.Pattern[str]) -> Written:
        """With blanks in place of every match; lines stay."""
        return self._replace(
            content=re.sub(pattern, lambda match: re.sub(r"[^\n]", " ", match[0]), self.content)
        )

    def split(self, cuts: Sequence[tuple[int, int]]) -> Iterator[Written]:
        """The parts between cuts, each of which is left out."""
        start = 0
        for at, end in cuts:
            yield self.part(start, at)
            start = end
        yield self.part(start)
