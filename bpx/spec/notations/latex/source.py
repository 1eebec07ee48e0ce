"""A LaTeX text cut into its smallest pieces, and the arguments of commands."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import NamedTuple

from bpx.spec.notations.translation.stopping import Unreadable

_TOKEN = re.compile(
    r"(?P<command>\\(?:[A-Za-z]+|.))|(?P<number>\d+(?:\{,\}\d{3})*(?:\.\d*)?|\.\d+)|(?P<letter>[^\W\d_])|(?P<blank>[\s~&]+)|(?P<other>.)",
    re.DOTALL,
)
_OUTSIDE = re.compile(
    r"\$\$?|\\[\[\]()]|\\(?:begin|end)\{(?:equation|align|displaymath|math)\*?\}|\\tag\{[^}]*\}|\\label\{[^}]*\}"
)
_SIZES = re.compile(r"\\(?:left|right|middle|[bB]igg?[lrm]?)(?![A-Za-z])\s*\.?")
_DEPTH = {"{": 1, "}": -1}
MOST_NESTED = 100  # groups in groups


class Piece(NamedTuple):
    """`command` (without its backslash), `number`, `letter` or `other`."""

    kind: str
    text: str
    start: int
    end: int


class LatexSource:
    """The pieces of a formula, without blanks, and what surrounds formulas; offsets are those of the text."""

    def __init__(self, content: str) -> None:
        self.content = content
        self.unsized = content.replace("\\left", "     ").replace("\\right", "      ")
        blanked = _OUTSIDE.sub(lambda match: " " * len(match.group()), content)
        blanked = _SIZES.sub(lambda match: " " * len(match.group()), blanked)
        self.pieces = [_piece(match) for match in _TOKEN.finditer(blanked) if match.lastgroup != "blank"]
        while self.pieces and self.pieces[-1].text in (".", ",", "\\"):  # the end of a sentence
            self.pieces.pop()
        self.refuse_deep_groups()
        self.unwrap_names()
        self.loose = False  # was a number of several digits taken for an argument? TeX takes one
        self.put_below_first()

    def refuse_deep_groups(self) -> None:
        """Nobody nests so deep, and to look for the end of each group would take quadratic time."""
        depths = (_DEPTH.get(piece.text, 0) for piece in self.pieces if piece.kind == "other")
        if max(accumulate(depths), default=0) > MOST_NESTED:
            raise Unreadable

    def unwrap_names(self) -> None:
        """Write `{x}_1` as `x_1`."""
        for at in range(len(self.pieces) - 4, -1, -1):
            opening, inside, closing, below = self.pieces[at : at + 4]
            raised = at > 0 and self.pieces[at - 1].text in ("^", "_")
            is_name = inside.kind in ("letter", "command") and not raised
            if is_name and (opening.text, closing.text, below.text) == ("{", "}", "_"):
                self.pieces[at : at + 3] = [inside]

    def put_below_first(self) -> None:
        """Write `x^2_1` as `x_1^2`."""
        for at in range(len(self.pieces) - 2):
            if self.pieces[at].text != "^" or self.pieces[at].kind != "other":
                continue
            middle = self.argument(at + 1)[2]
            if middle < len(self.pieces) and self.pieces[middle].text == "_":
                end = self.argument(middle + 1)[2]
                self.pieces[at:end] = [*self.pieces[middle:end], *self.pieces[at:middle]]

    def group_end(self, at: int) -> int:
        """The place of the brace that closes the one at `at`."""
        depth = 0
        for place in range(at, len(self.pieces)):
            piece = self.pieces[place]
            if piece.kind == "other":
                depth += (piece.text == "{") - (piece.text == "}")
            if not depth:
                return place
        raise Unreadable

    def argument(self, at: int) -> tuple[int, int, int]:
        """The pieces `first … last` of the argument that begins at `at`, and the place behind it."""
        if at >= len(self.pieces):
            raise Unreadable
        piece = self.pieces[at]
        if piece.text == "{" and piece.kind == "other":
            end = self.group_end(at)
            return at + 1, end, end + 1
        if piece.kind == "command" and at + 1 < len(self.pieces) and self.pieces[at + 1].text == "{":
            return at, self.group_end(at + 1) + 1, self.group_end(at + 1) + 1
        self.loose |= piece.kind == "number" and len(piece.text) > 1
        return at, at + 1, at + 1

    def text(self, first: int, last: int) -> str:
        """The characters of pieces `first … last`, as typed."""
        last = min(last, len(self.pieces))
        if first >= last:
            return ""
        return self.content[self.pieces[first].start : self.pieces[last - 1].end]


def _piece(match: re.Match[str]) -> Piece:
    kind = match.lastgroup or ""
    text = match.group()
    return Piece(kind, text[1:] if kind == "command" else text, match.start(), match.end())
