"""LaTeX as marks of the grammar."""

from __future__ import annotations

import re

from bpx.graph.arrays import MOST_AXES
from bpx.spec.notations.latex.commands import (
    BARS,
    CLOSING,
    FRACTIONS,
    FUNCTIONS,
    GREEK_LETTERS,
    INFIX,
    MATRICES,
    MEANINGLESS,
    OPENING,
    OVER_NAMES,
    SIGNS,
    SUMS,
    WORDS,
)
from bpx.spec.notations.latex.fractions import FractionScanner
from bpx.spec.notations.latex.scanner import places_in
from bpx.spec.notations.latex.source import Piece
from bpx.spec.notations.translation.functions import RECIPROCALS, op_meant
from bpx.spec.notations.translation.known import Known
from bpx.spec.notations.translation.mark import Mark
from bpx.spec.notations.translation.stopping import Refusing, Unreadable

_VALUES = frozenset(("name", "number", "close", "index", "transpose", "literal"))
_TIMES_TEN = re.compile(r"\s*\\(?:cdot|times)\s*10\s*\^\s*(?:\{\s*([-−+]?\d+)\s*\}|(\d))")
_LIST = re.compile(r"\[(?=[^\]]*[,\[])[-\s\d.,eE\[\]]*\d[-\s\d.,eE\[\]]*\]")  # `[-1]` only groups
_SIGNS_OF_LISTS = re.compile(r"[-\s\d.,eE\[\]]*+")
_TOP = frozenset(
    (r"\top", "T", r"\intercal", r"\mathsf{T}", r"\mathrm{T}", r"\text{T}", "⊤", r"\mathsf T", r"\mathrm T")
)


def marks_of(content: str, known: Known, *, norms: bool = True) -> tuple[list[Mark], bool]:
    """The marks, and whether they are the only reading. Raises `Unreadable`, `Asking`, `Refusing`.

    With `norms`, two bars side by side are one sign.
    """
    marks = _Marks(content, known)
    marks.norms = norms
    return marks.all(), marks.certain and not marks.source.loose


class _Marks(FractionScanner):
    norms = True
    end_of_signs = looks = -1  # where a stretch ends that may be a list of numbers, and how often it is read

    def all(self) -> list[Mark]:
        self.read_to(len(self.pieces))
        return self.marks

    def read_to(self, end: int) -> None:
        outer, self.end = self.end, end
        while self.at < end:
            self.read(self.pieces[self.at])
        self.end = outer
        if self.at > end:
            raise Unreadable

    def read(self, piece: Piece) -> None:
        self.at += 1
        if piece.kind == "command":
            self.command(piece)
        elif piece.kind == "number":
            self.number(piece)
        elif piece.kind == "letter":
            self.letters(piece)
        elif piece.text == "{":
            self.at -= 1
            self.braces(*self.source.argument(self.at))
        elif piece.text == "^":
            self.raised(piece)
        elif piece.text == "_":
            self.lowered(piece)
        elif piece.text in "([" or piece.text in ")]":
            self.bracket(piece)
        elif piece.text == "|":
            self.bar("abs", piece)
        elif piece.text == ",":
            self.add("comma", ",", piece)
        elif piece.text in ("'", "′"):
            self.prime(piece)
        elif piece.text == "=" and self.is_next("="):
            self.add("infix", "==", piece, self.pieces[self.at].end)
            self.at += 1
        elif piece.text == "=":
            name = self.source.text(0, self.at - 1)
            raise Refusing("assignment", piece.start, piece.end, "drop-name", name=name)
        elif piece.text in SIGNS:
            self.add("infix", SIGNS[piece.text], piece)
        else:
            raise Unreadable

    # --- commands ---

    def command(self, piece: Piece) -> None:
        name = piece.text
        if name in FRACTIONS:
            self.fraction(piece)
        elif name == "sqrt":
            self.root(piece)
        elif name in INFIX:
            self.add("infix", INFIX[name], piece)
        elif name in FUNCTIONS:
            self.function(FUNCTIONS[name], piece)
        elif name in SUMS:
            self.big(SUMS[name], piece)
        elif name in OPENING:
            self.opened(OPENING[name], piece)
        elif name in CLOSING:
            self.closed(CLOSING[name], piece)
        elif name in BARS:
            self.bar(BARS[name], piece)
        elif name == "begin":
            self.matrix(piece)
        elif name == ",":
            self.thin = len(self.marks)
        elif name not in MEANINGLESS:
            self.named_command(piece)

    def named_command(self, piece: Piece) -> None:
        name = piece.text
        if name in GREEK_LETTERS:
            self.greek(GREEK_LETTERS[name], piece)
        elif name in OVER_NAMES:
            self.decorated(piece)
        elif name in WORDS:
            self.word(piece)
        elif op_meant(name, self.known):  # \softmax, \relu: somebody's own commands
            self.function(op_meant(name, self.known) or "", piece)
        else:
            raise Refusing("unknown-command", piece.start, piece.end, "see-expressions", name=f"\\{name}")

    def soft(self, first: int, last: int, behind: int) -> None:
        """What a group holds, in brackets that only group."""
        if first >= last:
            raise Unreadable
        before = self.pieces[max(first - 1, 0)] if behind > last else self.pieces[first]
        self.add("open", "{", before, before.start)
        self.at = first
        self.read_to(last)
        end = self.pieces[behind - 1].end
        self.marks.append(Mark("close", "{", end, end))
        self.at = behind

    def braces(self, first: int, last: int, behind: int) -> None:
        r"""A group; bpx prints `square(x)` as `{x}^{2}`, `exp2(x)` as `{2}^{x}`, 1/x as `{\frac{1}{x}}`."""
        op, inside = "", self.source.text(first, last).strip()
        raised = self.source.text(behind, behind + 4)
        if raised.startswith("^{2}"):
            op, after = "square", behind + 4
        elif inside == "2" and raised.startswith("^{"):
            op, after = "exp2", self.source.argument(behind + 1)[2]
            first, last, behind = self.source.argument(behind + 1)
        elif inside.startswith(r"\frac{1}{") and self.source.argument(first + 4)[2] == last:
            op, after = "reciprocal", behind
            first, last, behind = self.source.argument(first + 4)
        if not op:
            return self.soft(first, last, behind)
        self.add("function", op, self.pieces[first - 1])
        self.soft(first, last, behind)
        self.at = after
        return None

    def function(self, op: str, piece: Piece) -> None:
        if op in ("max", "min") and self.is_next("_"):
            return self.big(f"a{op}", piece)
        if op == "log" and self.is_next("_"):
            first, last, self.at = self.source.argument(self.at + 1)
            base = self.source.text(first, last).strip()
            op = {"2": "log2", "10": "log10", "e": "log"}.get(base, "")
            if not op:
                raise Refusing("log-base", piece.start, self.pieces[self.at - 1].end, "log-base", base=base)
        if not self.known.is_op(op) and op not in RECIPROCALS:
            raise Refusing("unknown-command", piece.start, piece.end, "see-expressions", name=piece.text)
        self.add("function", op, piece, self.pieces[self.at - 1].end)
        return None

    def big(self, op: str, piece: Piece) -> None:
        index, limit = "", ""
        while self.is_next("_", "^"):
            below = self.is_next("_")
            first, last, self.at = self.source.argument(self.at + 1)
            text = self.source.text(first, last).replace(" ", "")
            if below:
                index, _, start = text.partition("=")
                limit = f"{start}..{limit}"
            else:
                limit = f"{limit.partition('..')[0]}..{text}"
        letters = index.replace(",", "")
        if letters and (not letters.isalpha() or len(letters) > 2):
            raise Refusing("index-notation", piece.start, self.pieces[self.at - 1].end, "index-notation")
        self.add("sum", op, piece, self.pieces[self.at - 1].end)
        self.marks[-1].index, self.marks[-1].limit = letters, limit

    # --- brackets ---

    def bracket(self, piece: Piece) -> None:
        text = piece.text
        literal = self.list_at(piece.start) if text == "[" else None
        if literal:
            end = literal.end()
            while self.at < len(self.pieces) and self.pieces[self.at].end <= end:
                self.at += 1
            self.add("literal", " ".join(literal.group().split()), piece, end)
        elif text in "([":
            self.opened("(", piece)
        else:
            self.closed("(", piece)

    def list_at(self, start: int) -> re.Match[str] | None:
        """The list of numbers that begins here.

        Among the same signs it is looked for no more often than a list has axes: each look may read all.
        """
        text = self.source.unsized
        if start >= self.end_of_signs:
            signs = _SIGNS_OF_LISTS.match(text, start)
            self.end_of_signs, self.looks = signs.end() if signs else start, MOST_AXES
        self.looks -= 1
        literal = _LIST.match(text, start, self.end_of_signs) if self.looks >= 0 else None
        is_whole = literal and literal.group().count("[") == literal.group().count("]")
        return literal if is_whole else None

    def opened(self, op: str, piece: Piece) -> None:
        if op == "[":
            op = "("
        self.open.append(op)
        self.add("open", op, piece)

    def closed(self, op: str, piece: Piece) -> None:
        if op == "[":
            op = "("
        if not self.open or self.open.pop() != op:
            raise Unreadable
        self.add("close", op, piece)
        if op == "norm" and self.is_next("_"):
            first, last, self.at = self.source.argument(self.at + 1)
            order = self.source.text(first, last).strip()
            orders = {"1": "ord=1", "2": "ord=2", r"\infty": "ord=inf", "F": ""}
            if order not in orders:
                raise Refusing(
                    "norm-order", piece.start, self.pieces[self.at - 1].end, "norm-of-matrix", order=order
                )
            self.marks[-1].limit = orders[order]
            self.marks[-1].end = self.pieces[self.at - 1].end

    def bar(self, op: str, piece: Piece) -> None:
        if self.norms and op == "abs" and self.is_next("|") and self.pieces[self.at].start == piece.end:
            at_end = self.open[-1:] == ["abs"] and self.marks[-1].kind in _VALUES
            if not at_end:
                op, self.at = "norm", self.at + 1
        right = self.source.content[: piece.start].rstrip().endswith(r"\right")
        left = self.source.content[: piece.start].rstrip().endswith(r"\left")
        behind_value = bool(self.marks) and self.marks[-1].kind in _VALUES
        if not left and (right or (behind_value and op in self.open)):
            self.closed(op, piece)
        else:
            self.opened(op, piece)

    def matrix(self, piece: Piece) -> None:
        """An array of numbers, between `[` and `]` or not."""
        match = re.compile(r"\\begin\{(\w+)\}(?:\{[^}]*\})?(.*?)\\end\{\1\}", re.DOTALL).match(
            self.source.content, piece.start
        )
        if not match or match[1] not in MATRICES:
            raise Unreadable
        rows = [
            [entry.strip() for entry in row.split("&")] for row in re.split(r"\\\\", match[2]) if row.strip()
        ]
        entries = [[_number_in(entry) for entry in row] for row in rows]
        end = match.end()
        while self.at < len(self.pieces) and self.pieces[self.at].end <= end:
            self.at += 1
        wrapped = (
            bool(self.marks)
            and self.marks[-1].kind == "open"
            and self.open[-1:] == ["("]
            and self.is_next("]", ")")
        )
        if wrapped:
            self.marks.pop()
            self.open.pop()
            self.at += 1
        text = f"[{', '.join('[' + ', '.join(row) + ']' for row in entries)}]"
        self.add("literal", text, piece, end)

    # --- above and below ---

    def raised(self, piece: Piece) -> None:
        if self.is_next("'") or self.is_next("prime"):
            return self.prime(self.pieces[self.at - 1])
        if self.is_next("-", "−", "+"):
            return self.raised_with_sign(piece)
        first, last, behind = self.source.argument(self.at)
        text = self.source.text(first, last).strip()
        if text == r"\prime":
            self.at = behind
            return self.prime(piece)
        if text in _TOP and self.names.find(text, text) is None:
            self.at = behind
            return self.add("transpose", "", piece, self.pieces[behind - 1].end)
        self.add("infix", "^", piece)
        if text.startswith(r"\circ") and last > first + 1:
            self.marks[-1].elementwise = True
            first += 1
        self.soft(first, last, behind)
        return None

    def lowered(self, piece: Piece) -> None:
        """An index behind brackets; those of names are read with the names."""
        first, last, self.at = self.source.argument(self.at)
        places = places_in(self.source.text(first, last))
        if places is None or not self.marks or self.marks[-1].kind not in _VALUES:
            raise Unreadable
        self.add("index", places.strip("[]"), piece, self.pieces[self.at - 1].end)

    def raised_with_sign(self, piece: Piece) -> None:
        """`x^-2`, of which TeX would raise the minus alone."""
        sign = self.pieces[self.at]
        self.certain = False
        self.add("infix", "^", piece)
        self.add("open", "{", piece)
        self.add("infix", SIGNS[sign.text], sign)
        self.soft(*self.source.argument(self.at + 1))
        self.add("close", "{", self.pieces[self.at - 1])

    def prime(self, piece: Piece) -> None:
        if not self.marks or self.marks[-1].kind != "function":
            raise Unreadable
        self.add("prime", "'", piece)

    def number(self, piece: Piece) -> None:
        times = _TIMES_TEN.match(self.source.content, piece.end)
        digits = piece.text.replace("{,}", "")
        if times is None:
            return self.add("number", digits, piece)
        end = times.end()
        while self.at < len(self.pieces) and self.pieces[self.at].start < end:
            self.at += 1
        return self.add("number", f"{digits}e{(times[1] or times[2]).replace('−', '-')}", piece, end)


def _number_in(entry: str) -> str:
    times = re.fullmatch(r"([-−]?\s*[\d.]+)(?:" + _TIMES_TEN.pattern + ")?", entry)
    if not times:
        raise Unreadable
    exponent = times[2] or times[3]
    return times[1].replace("−", "-").replace(" ", "") + (f"e{exponent}" if exponent else "")
