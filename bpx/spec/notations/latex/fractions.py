"""Fractions and roots in LaTeX as marks; a fraction may be a derivative, or half of a mixed number."""

from __future__ import annotations

import re

from bpx.spec.notations.latex.scanner import NameScanner
from bpx.spec.notations.latex.source import Piece
from bpx.spec.notations.translation.mark import Mark
from bpx.spec.notations.translation.stopping import Asking, Refusing, Unreadable
from bpx.spec.text.derivatives import with_derivatives_as_names

_DERIVATIVE = re.compile(r"(?:\\partial|\\mathrm\{d\}|d)\s*(?P<name>[^\W\d_].*|\\[A-Za-z].*)", re.DOTALL)
_OPERATOR = re.compile(r"(?:\\partial|\\mathrm\{d\}|\\mathrm d|d(?=\s*(?:[A-Za-z\\^(]|$)))")


class FractionScanner(NameScanner):
    """A scanner that writes the marks of fractions and roots too."""

    def fraction(self, piece: Piece) -> None:
        r"""`\frac{x}{y}`, `\frac12`."""
        above = self.source.argument(self.at)
        digits = self.pieces[self.at]
        if (
            digits.kind == "number"
            and len(digits.text) > 1
            and above[1] - above[0] == 1
            and above[2] == self.at + 1
        ):
            return self.fraction_of_digits(piece, digits)
        below = self.source.argument(above[2])
        name = self.derivative(self.source.text(*above[:2]), self.source.text(*below[:2]))
        if name:
            self.at = below[2]
            return self.add("name", name, piece, self.pieces[self.at - 1].end)
        end = self.pieces[below[2] - 1].end
        if _is_operator(self.source.text(*above[:2]), self.source.text(*below[:2])) and "d" not in self.known:
            raise Refusing("derivative-operator", piece.start, end, "derivative-operator")
        self.check_mixed(self.source.text(*above[:2]), self.source.text(*below[:2]), end)
        self.add("open", "{", piece)
        self.soft(*above)
        self.add("infix", "/", self.pieces[self.at - 1])
        self.soft(*below)
        self.add("close", "{", self.pieces[self.at - 1])
        return None

    def check_mixed(self, above: str, below: str, end: int) -> None:
        r"""`2\frac{1}{2}` may be two and a half."""
        before = self.marks[-1] if self.marks else None
        whole = before is not None and before.kind == "number" and before.text.isdecimal()
        if before and whole and above.isdecimal() and below.isdecimal():
            first, second = f"{before.text}*{above}/{below}", f"({before.text} + {above}/{below})"
            raise Asking(before.start, end, first, second)

    def fraction_of_digits(self, piece: Piece, digits: Piece) -> None:
        r"""`\frac12`: the digits are arguments of their own."""
        if len(digits.text) != 2 or not digits.text.isdecimal():
            raise Unreadable
        self.source.loose = False
        self.check_mixed(digits.text[0], digits.text[1], digits.end)
        self.at += 1
        self.add("open", "{", piece)
        self.marks.append(Mark("number", digits.text[0], digits.start, digits.start + 1))
        self.add("infix", "/", digits)
        self.marks.append(Mark("number", digits.text[1], digits.start + 1, digits.end))
        self.add("close", "{", digits)

    def derivative(self, above: str, below: str) -> str | None:
        r"""`\frac{\partial L}{\partial w}` is one name."""
        of, by = _DERIVATIVE.fullmatch(above.strip()), _DERIVATIVE.fullmatch(below.strip())
        if not of or not by or not ("partial" in above or above.strip()[0] in "d\\"):
            return None
        names = [self.single_name(match["name"].strip()) for match in (of, by)]
        if None in names:
            return None
        sign = "∂" if "partial" in above else "d"
        return with_derivatives_as_names(f"{sign}{names[0]}/{sign}{names[1]}")

    def single_name(self, latex: str) -> str | None:
        """The name that a text is, if it is one."""
        marks = self.__class__(latex, self.known).all()
        return marks[0].text if len(marks) == 1 and marks[0].kind == "name" else None

    def root(self, piece: Piece) -> None:
        r"""`\sqrt{x}`, `\sqrt[3]{x}`."""
        order = "2"
        if self.is_next("["):
            closing = next(
                (at for at in range(self.at, len(self.pieces)) if self.pieces[at].text == "]"), None
            )
            if closing is None:
                raise Unreadable
            order = self.source.text(self.at + 1, closing).strip()
            if not order.isalnum():
                raise Unreadable
            self.at = closing + 1
        self.add("root", order, piece)
        self.soft(*self.source.argument(self.at))


def _is_operator(above: str, below: str) -> bool:
    r"""Is it `\frac{d}{dx}`, or `\frac{d x^2}{dx}`?"""
    return bool(_OPERATOR.match(above.strip()) and _OPERATOR.match(below.strip()))
