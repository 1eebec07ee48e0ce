"""Parts of a formula in bpx's own notation, each piece with the place that it was translated from.

A part knows how tightly its outermost operator binds, so that brackets stand where they are needed and
nowhere else. Convention: `start … end` count characters of the text that was typed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bpx.spec.text.source_text import SourceText
from bpx.spec.text.tokens import signs
from bpx.words.diagnostic import Span

ATOM = 100  # binds tighter than any operator
_BY_SIGN = {sign: notation for sign, (_, notation) in signs("infix").items()}
_NEGATION = next(notation.precedence for _, notation in signs("prefix").values() if notation.symbol == "-")
_POSTFIX = next(notation.precedence for _, notation in signs("postfix").values())
_SPACED = frozenset("+-@") | {"<", "<=", ">", ">=", "==", "!="}


class Piece(NamedTuple):
    """Some characters of the translation, and those that they stand for."""

    text: str
    start: int
    end: int


class Part(NamedTuple):
    """A piece of formula that stands by itself."""

    pieces: tuple[Piece, ...]
    binding: int
    start: int
    end: int
    turned: bool = False  # a vector that was transposed: a row

    @property
    def text(self) -> str:
        """The part in bpx's own notation."""
        return "".join(piece.text for piece in self.pieces)


def atom(text: str, start: int, end: int) -> Part:
    """A name, a number or a literal."""
    return Part((Piece(text, start, end),), ATOM, start, end)


def number(text: str, start: int, end: int) -> Part:
    """A number, which binds as a minus does where it is negative."""
    return atom(text, start, end)._replace(binding=_NEGATION if text.startswith("-") else ATOM)


def at_place(part: Part, start: int, end: int) -> Part:
    """The part with the brackets or words around it that belong to it."""
    return part._replace(start=start, end=end)


def bracketed(part: Part) -> Part:
    """The part in brackets."""
    before, behind = Piece("(", part.start, part.start), Piece(")", part.end, part.end)
    return Part((before, *part.pieces, behind), ATOM, part.start, part.end)


def bound(part: Part, least: int) -> Part:
    """The part, in brackets unless it binds at least as tightly as `least`."""
    return part if part.binding >= least else bracketed(part)


def infix(left: Part, sign: str, right: Part) -> Part:
    """`left sign right`, grouped as the args say."""
    notation = _BY_SIGN[sign]
    own = notation.precedence
    left = bound(left, own + (notation.groups != "left"))
    right = bound(right, own + (notation.groups != "right"))
    if right.binding == _NEGATION:
        right = bracketed(right)
    if left.binding == _NEGATION and own > _NEGATION:
        left = bracketed(left)
    between = Piece(f" {sign} " if sign in _SPACED else sign, left.end, max(left.end, right.start))
    pieces = (*left.pieces, between, *right.pieces)
    return Part(pieces, own, min(left.start, right.start), max(left.end, right.end))


def negated(part: Part, start: int) -> Part:
    """`-part`."""
    part = bound(part, _NEGATION + 1)
    return Part((Piece("-", start, start + 1), *part.pieces), _NEGATION, start, part.end)


def transposed(part: Part, end: int) -> Part:
    """`part.T`."""
    if part.text.isdecimal():
        part = bracketed(part)
    part = bound(part, _POSTFIX)
    return Part((*part.pieces, Piece(".T", part.end, end)), _POSTFIX, part.start, end)


def indexed(part: Part, index: str, end: int) -> Part:
    """`part[index]`."""
    part = bound(part, _POSTFIX)
    return Part((*part.pieces, Piece(f"[{index}]", part.end, end)), _POSTFIX, part.start, end)


def call(
    op: str,
    args: Sequence[Part],
    start: int,
    end: int,
    settings: Sequence[str] = (),
    name_end: int | None = None,
) -> Part:
    """`op(args, settings)` for what stands at `start … end`; `settings` are written out, `axis=0`."""
    pieces = [Piece(f"{op}(", start, start + 1 if name_end is None else name_end)]
    for i, arg in enumerate(args):
        if i:
            pieces.append(Piece(", ", arg.start, arg.start))
        pieces += arg.pieces
    if settings:
        pieces.append(Piece((", " if args else "") + ", ".join(settings), end, end))
    pieces.append(Piece(")", end, end))
    return Part(tuple(pieces), ATOM, start, end)


# --- the text of a translation ------------------------------------------------------------------


class TranslatedText(SourceText):
    """The translation of a text; its spans are places in what was typed."""

    def __init__(self, typed: SourceText, part: Part) -> None:
        super().__init__(typed.source, part.text)
        self._typed = typed
        self._starts = [piece.start for piece in part.pieces for _ in piece.text]
        self._ends = [piece.end for piece in part.pieces for _ in piece.text]

    def span(self, start: int, end: int) -> Span:
        """Characters `start … end` of the translation as a span of the source."""
        if start >= len(self._starts):
            place = len(self._typed.content)
            return self._typed.span(place, place)
        end = max(end, start + 1)
        return self._typed.span(min(self._starts[start:end]), max(self._ends[start:end]))

    def of_same_places(self, content: str) -> SourceText:
        """Other characters that stand for those at the same places, as far as they go."""
        copy = TranslatedText.__new__(TranslatedText)
        copy.__dict__.update(self.__dict__)
        copy.content = content
        return copy
