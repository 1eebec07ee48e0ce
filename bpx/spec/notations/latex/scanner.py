"""Names in LaTeX as marks: rows of letters, words, letters with something above, below or behind."""

from __future__ import annotations

import re

from bpx.graph.named.names import proposed_name
from bpx.graph.notation_latex import unescaped
from bpx.spec.notations.latex.commands import (
    OVER_NAMES,
)
from bpx.spec.notations.latex.names import Names, names_of
from bpx.spec.notations.latex.source import LatexSource, Piece
from bpx.spec.notations.translation.functions import op_meant
from bpx.spec.notations.translation.known import Known
from bpx.spec.notations.translation.mark import Mark
from bpx.spec.notations.translation.stopping import Asking, Refusing, Unreadable

_CONSTANTS = {"pi": "pi", "π": "pi"}
_PLACES = re.compile(r"[-\d\s:,.]*[\d:.][-\d\s:,.]*|\[[-\d\s:,.]+\]")
_INDICATORS = frozenset(("1", "I"))


class NameScanner:
    """Goes through a text and writes marks; what is around names is for the class that is built on it."""

    def __init__(self, content: str, known: Known) -> None:
        self.source, self.known, self.names = LatexSource(content), known, names_of(known)
        self.pieces = self.source.pieces
        self.certain = True
        self.at = 0
        self.end = len(self.pieces)  # of the group that is read
        self.marks: list[Mark] = []
        self.open: list[str] = []
        self.thin = -1  # the mark behind a thin space
        self.row_end = -1  # of the letters side by side that are read

    def add(self, kind: str, text: str, first: Piece, end: int | None = None) -> None:
        """Write a mark."""
        mark = Mark(kind, text, first.start, first.end if end is None else end)
        mark.apart = self.thin == len(self.marks)
        self.marks.append(mark)

    def is_next(self, *texts: str) -> bool:
        """Is the next piece one of these?"""
        return self.at < len(self.pieces) and self.pieces[self.at].text in texts

    def soft(self, first: int, last: int, behind: int) -> None:
        """What a group holds, in brackets that only group."""
        raise NotImplementedError

    def function(self, op: str, piece: Piece) -> None:
        """An op, its arg to follow."""
        raise NotImplementedError

    def all(self) -> list[Mark]:
        """The marks in order."""
        raise NotImplementedError

    # --- names ---

    def letters(self, piece: Piece) -> None:
        """A row of letters: one name where that is known, a function, or a product of its letters."""
        if self.at > self.row_end:
            self.row_end = self.end_of_row()
        end = self.row_end
        length = self.pieces[end - 1].end - piece.start
        is_short = 1 < length <= self.names.longest
        if is_short and self.is_word(self.source.text(self.at - 1, end), piece, end):
            return
        if length > 1:
            self.certain = False
        self.name(piece.text, piece)

    def end_of_row(self) -> int:
        """Where the letters end that stand side by side from the one that was read last."""
        end = self.at
        while (
            end < len(self.pieces)
            and self.pieces[end].kind == "letter"
            and self.pieces[end].start == self.pieces[end - 1].end
        ):
            end += 1
        return end

    def is_word(self, word: str, piece: Piece, end: int) -> bool:
        """Read a row of letters as one name or function, if it is one."""
        name = self.names.find(word, word)
        if name is not None:
            if all(self.names.find(letter, letter) for letter in word):
                product = "*".join(word)
                raise Asking(piece.start, self.pieces[end - 1].end, name, product)
            self.at = end
            self.certain = False
            self.name(word, piece)
            return True
        if op_meant(word, self.known) and not all(self.names.find(letter, letter) for letter in word):
            self.at = end
            self.certain = False
            self.function(op_meant(word, self.known) or "", piece)
            return True
        return False

    def greek(self, name: str, piece: Piece) -> None:
        r"""A Greek letter; `\sigma(…)` is the sigmoid."""
        following = self.pieces[self.at].text if self.at < len(self.pieces) else ""
        called = following in ("(", "'", "[") or self.superscript() == r"\prime"
        if name == "sigma" and called and self.names.find(r"\sigma", "sigma") is None:
            self.function("sigmoid", piece)
        else:
            self.name(name, piece)

    def superscript(self) -> str:
        """What stands raised behind, as typed."""
        if not self.is_next("^"):
            return ""
        return self.source.text(*self.source.argument(self.at + 1)[:2])

    def decorated(self, piece: Piece) -> None:
        r"""`\mathbf{w}`, `\hat y`."""
        first, last, self.at = self.source.argument(self.at)
        text = self.source.text(first, last).strip()
        if (
            piece.text in ("mathbf", "mathbb", "bm", "boldsymbol")
            and text in _INDICATORS
            and self.is_next("_", "[", "{", "(")
        ):
            return self.indicator()
        inner = self.__class__(text, self.known)
        inner.names = Names(Known())
        marks = inner.all()
        word = _word_of(text)
        if word is None and (len(marks) != 1 or marks[0].kind != "name"):
            raise Unreadable
        behind = OVER_NAMES[piece.text]
        self.name(word or marks[0].text, piece, behind)
        return None

    def indicator(self) -> None:
        r"""`\mathbb{1}[x > 0]` is the comparison itself."""
        if self.is_next("_"):
            self.at += 1
            self.soft(*self.source.argument(self.at))

    def word(self, piece: Piece) -> None:
        r"""`\mathrm{relu}`, `\text{loss}`, `\operatorname{softmax}`; of what bpx prints, settings too."""
        if self.is_next("*"):
            self.at += 1
        first, last, self.at = self.source.argument(self.at)
        text = unescaped(self.source.text(first, last)).strip()
        is_setting = "=" in text and re.fullmatch(r"\w+=.+", text, re.DOTALL)
        if is_setting or text.startswith("'"):
            return self.add("setting" if is_setting else "literal", text, piece, self.pieces[self.at - 1].end)
        called = self.is_next("(", "{", "'") or piece.text == "operatorname"
        op = op_meant(text, self.known)
        if op and called and self.names.find(f"\\{piece.text}{{{text}}}", text) is None:
            return self.function(op, piece)
        return self.name(text, piece)

    def name(self, base: str, piece: Piece, over: str = "") -> None:
        """A name with what stands below it."""
        below, layer = "", ""
        if self.is_number_next():
            base = self.with_number(base, piece)
        if self.is_next("_"):
            first, last, self.at = self.source.argument(self.at + 1)
            below = unescaped(self.source.text(first, last)).strip()
        if self.superscript().strip().startswith("(") and self.superscript().strip("() ").isalnum():
            layer = self.superscript().strip("() ")
            self.at = self.source.argument(self.at + 1)[2]
        below_word = re.sub(r"\\(?:mathrm|text|operatorname|mathit|mathbf)|[{}\s]", "", below).replace(
            ",", ""
        )
        end = self.pieces[self.at - 1].end
        typed = self.source.content[piece.start : end]
        whole = "_".join(filter(None, (base, over, below_word, layer)))
        found = self.names.find(typed, whole, "_".join(filter(None, (base, below_word, layer, over))))
        plain = "_".join(filter(None, (base, over)))
        plain_found = self.names.find("", plain)
        places = places_in(below)
        is_index = places is not None and (places.startswith("[") or self.has_axes(plain_found))
        if found is None and places is not None and not layer and plain_found and is_index:
            self.add("name", plain_found or "", piece, end)
            return self.add("index", self.chosen(places, plain_found or "", piece, end), piece, end)
        if layer:
            self.certain = False
        text = found or (_CONSTANTS.get(whole) if not over else None) or whole
        if not re.fullmatch(r"[^\W\d][\w.]*", text):
            of_letters = re.fullmatch(r"[\w\s,]*", below)  # indices, which no name would stand for
            help = "index-notation" if of_letters else "name-as"
            raise Refusing("index-notation", piece.start, end, help, proposal=proposed_name(whole))
        self.add("name", text, piece, end)
        self.marks[-1].base = plain_found or plain
        self.marks[-1].index = (
            below_word if below_word.isalpha() and len(below_word) <= 2 and not layer else ""
        )
        return None

    def is_number_next(self) -> bool:
        """Does a number touch the letter before it, in the same group?"""
        following = self.pieces[self.at] if self.at < self.end else None
        return (
            following is not None
            and following.kind == "number"
            and self.at > 0
            and (following.start == self.pieces[self.at - 1].end)
        )

    def with_number(self, letter: str, piece: Piece) -> str:
        """`w1`, a name that is known; otherwise `x2` may be `x^2` too."""
        number = self.pieces[self.at]
        name = self.names.find(letter + number.text, letter + number.text)
        if name is None:
            raise Asking(piece.start, number.end, f"{letter}*{number.text}", f"{letter}^{number.text}")
        self.at += 1
        return name

    def has_axes(self, name: str | None) -> bool:
        """Is it an array, as far as is known?"""
        return name is not None and self.known.shapes.get(name) != ()

    def chosen(self, places: str, name: str, piece: Piece, end: int) -> str:
        """Which entry `x_{1}` is depends on who counts; `x_{[1]}` and `x_{0}` do from 0, as bpx."""
        if places.startswith("["):
            return places[1:-1]
        shape = self.known.shapes.get(name)
        digits = re.split(r"[\s,]+", places.strip())
        if shape and len(shape) == len(places) > 1 and places.isdecimal():
            digits = list(places)  # A_{12}
        if not all(digit.isdecimal() for digit in digits) or "0" in digits:
            return ", ".join(digits) if "0" in digits else places
        from_one = ", ".join(str(int(digit) - 1) for digit in digits)
        both = [text for text in (from_one, ", ".join(digits)) if _is_inside(text, shape)]
        if len(both) == 2:
            raise Asking(piece.start, end, f"{name}[{both[0]}]", f"{name}[{both[1]}]")
        self.certain = False
        return both[0] if both else from_one


def _is_inside(index: str, shape: tuple[int, ...] | None) -> bool:
    places = [int(place) for place in index.split(", ")]
    if shape is None:
        return True
    return len(places) <= len(shape) and all(
        place < length for place, length in zip(places, shape, strict=False)
    )


def places_in(below: str) -> str | None:
    """The index that is written below, `1, :`, if it is one."""
    plain = re.sub(r"\{:\}", ":", below).replace(r"\ldots", "...").strip()
    return plain if _PLACES.fullmatch(plain) else None


def _word_of(text: str) -> str | None:
    return text if text.isidentifier() else None
