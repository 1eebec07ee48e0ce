"""Statements: a left side, and what is set equal to it, one link after the other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from bpx.spec.derivations.text.notes import Piece
from bpx.spec.derivations.text.written import Written

_ROW = re.compile(r"\\\\\s*(?:\[[^\]\n]*\])?\*?")
_GOES_ON = re.compile(r"[&\s]*(?:=|≈|\+|-|−|·|\\(?:approx|simeq|cdot|times|equiv|odot)(?![A-Za-z]))")
_TABLES = re.compile(r"\\begin\{(?P<name>[a-zA-Z]*matrix|cases|array)\}.*?\\end\{(?P=name)\}", re.DOTALL)
_SPACES = re.compile(r"\\(?:quad|qquad|,|;|!|:|\s)(?![A-Za-z])|&|~")
_EQUALS = re.compile(
    r"(?P<about>≈|≃|≅|\\(?:approx|simeq|cong)(?![A-Za-z])|~=)"
    r"|(?P<is>:=|≔|≡|←|\\(?:coloneqq|triangleq|equiv|leftarrow|gets)(?![A-Za-z])"
    r"|\\(?:stackrel|overset)\{[^{}]*\}\{\s*=\s*\}|(?<![=<>!~])=(?!=))"
)
_NEXT = re.compile(
    r"(?<!\\);|⇒|⟹|→|⟶|↔|⇔|\\(?:implies|Rightarrow|Longrightarrow|iff|Leftrightarrow|to|rightarrow|therefore)(?![A-Za-z])"
    r"|(?:(?<!\\),|\\q?quad(?![A-Za-z]))(?=[^=≈,]{1,60}?(?:=|:=|≈|\\approx)(?!=))"
)
_OPENING, _CLOSING = "([{", ")]}"


class Link(NamedTuple):
    """What stands behind an equals sign; `about` says that the sign was ≈."""

    text: Written
    about: bool


class Statement(NamedTuple):
    """`left = links[0] = links[1] …`; `is_math` says that it was marked as mathematics."""

    left: Written
    links: tuple[Link, ...]
    is_math: bool
    block: int

    @property
    def line(self) -> int:
        """The line that it begins in."""
        span = self.left.span
        return span.source.position(span.start)[0]


def statements(found: Iterable[Piece], most: int | None = None) -> list[Statement]:
    """The statements of some pieces; what begins with `=` goes on with the one before.

    No more are read once they have more than `most` links.
    """
    every: list[Statement] = []
    count = 0
    for piece in found:
        for part in _parts(piece.text):
            left, links = _sides(part, most)
            if not links:
                continue
            count += len(links)
            if not left.content.strip() and every:
                every[-1] = every[-1]._replace(links=(*every[-1].links, *links))
            elif left.content.strip():
                every.append(Statement(left.trimmed(), tuple(links), piece.is_math, piece.block))
            if most is not None and count > most:
                return every
    return every


def _parts(text: Written) -> Iterator[Written]:
    """The rows and the sentences of a display, each a chain of equalities."""
    tables = [match.span() for match in _TABLES.finditer(text.content)]
    cuts = [match.span() for match in _ROW.finditer(text.content) if not _inside(match.start(), tables)]
    joins = [cut for cut in cuts if _GOES_ON.match(text.content, cut[1])]
    starts, characters = {start for start, _ in joins}, list(text.content)
    for start, end in joins:
        characters[start:end] = " " * (end - start)
    text = text._replace(content="".join(characters))
    for row in text.split([cut for cut in cuts if cut[0] not in starts]):
        yield from row.split([match.span() for match in _at_top(_NEXT, row.content)])


def _sides(part: Written, most: int | None) -> tuple[Written, list[Link]]:
    tables = [match.span() for match in _TABLES.finditer(part.content)]
    if not tables:
        part = part.blanked(_SPACES)
    cuts = list(islice(_at_top(_EQUALS, part.content), None if most is None else most + 1))
    sides = [*part.split([match.span() for match in cuts])]
    links = [
        Link(_without_punctuation(side), bool(cut["about"]))
        for cut, side in zip(cuts, sides[1:], strict=True)
    ]
    return _without_punctuation(sides[0]), [link for link in links if link.text.content.strip()]


def _without_punctuation(side: Written) -> Written:
    side = side.trimmed()
    while (side.content and side.content[-1] in ".,;:") or side.content.endswith("\\"):
        side = side.part(0, len(side.content) - 1).trimmed()
    return side


def _at_top(pattern: re.Pattern[str], content: str) -> Iterator[re.Match[str]]:
    """The matches that stand inside of no brackets."""
    depth, at = 0, 0
    for match in pattern.finditer(content):
        for char in content[at : match.start()]:
            depth = max(0, depth + (char in _OPENING) - (char in _CLOSING))
        if not depth:
            yield match
        for char in match[0]:
            depth = max(0, depth + (char in _OPENING) - (char in _CLOSING))
        at = match.end()


def _inside(at: int, spans: Iterable[tuple[int, int]]) -> bool:
    return any(start <= at < end for start, end in spans)
