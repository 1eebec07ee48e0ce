"""Textbook notation as marks of the grammar: names run together, fractions, roots, primes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bpx.graph.numbers import CONSTANTS
from bpx.spec.notations.translation.functions import RECIPROCALS, op_meant
from bpx.spec.notations.translation.known import NAMES_IN_LOW, Known, plain_name
from bpx.spec.notations.translation.mark import Mark
from bpx.spec.notations.translation.stopping import Asking, Unreadable
from bpx.spec.text.tokens import DIGITS_OF_SUPERSCRIPTS, Token, signs, tokens

_FRACTIONS = {"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅛": "1/8", "⅙": "1/6"}
_CONSTANTS = {"π": "pi", "ℯ": "e"}
_ROOTS = {"√": "2", "∛": "3", "∜": "4"}
_PRIMES = frozenset("'′’")
_INFIX = {"∘": "*", "⊙": "*", "⋆": "*", "•": "*", "＝": "=="}
_SUMS = {"∑": "sum", "∏": "prod", "Σ": "sum", "Π": "prod"}
_TRANSPOSES = frozenset(("T", "⊤", "t"))
_MOST_RUN_TOGETHER = 24  # letters of names without a sign between them
_NUMBER_AND_NAME = re.compile(r"(?P<number>\d+(?:\.\d+)?)e(?![+-]?\d)")


def marks_of(content: str, known: Known, *, norms: bool = True) -> list[Mark]:
    """The marks in order; with `norms`, two bars are one sign. Raises `Unreadable` and `Asking`."""
    return _Marks(content, known, norms=norms).all()


class _Marks:
    def __init__(self, content: str, known: Known, *, norms: bool) -> None:
        self.content, self.known, self.norms = content, known, norms
        every = [*tokens(_plain(content))]
        self.tokens = [*every, every[-1]]  # the end twice: there is always a next one
        self.ends = {token.end for token in every}
        self.at = 0
        self.open: list[str] = []
        self.marks: list[Mark] = []

    def all(self) -> list[Mark]:
        while self.tokens[self.at].kind != "end":
            before = len(self.marks)
            self.read(self.tokens[self.at])
            first = self.tokens[self.at - 1]
            for mark in self.marks[before:]:
                mark.touches = mark is not self.marks[before] or first.start in self.ends
        return self.marks

    def add(self, kind: str, text: str, token: Token) -> None:
        self.marks.append(Mark(kind, text, token.start, token.end))

    def read(self, token: Token) -> None:
        self.at += 1
        text = token.text
        if token.kind == "number":
            self.add("number", text.replace("−", "-"), token)
        elif token.kind == "name":
            self.name(token)
        elif token.kind == "raised":
            self.raised(token)
        elif text in _PRIMES:
            self.prime(token)
        elif text in _ROOTS:
            self.add("root", _ROOTS[text], token)
        elif text == "[":
            self.bracket(token)
        elif text in ("(", ")"):
            self.add("open" if text == "(" else "close", "(", token)
            self.settings() if text == "(" else None
        elif text in "|‖∥":
            self.bar(token)
        elif text == ",":
            self.add("comma", ",", token)
            self.settings()
        elif text == "⊤" and self.marks and self.marks[-1].text == "^":
            self.marks.pop()
            self.add("transpose", "", token)
        elif text in (".T", "ᵀ", "⊤"):
            self.add("transpose", "", token)
        elif text in _SUMS:
            self.big(token)
        else:
            self.sign(token)

    def sign(self, token: Token) -> None:
        infix = signs("infix")
        if token.text in infix:
            self.add("infix", infix[token.text][1].symbol, token)
        elif token.text in _INFIX:
            self.add("infix", _INFIX[token.text], token)
        elif token.text not in "\u2061\u2062\u2063":  # invisible ones
            raise Unreadable

    # --- names ---

    def name(self, token: Token) -> None:
        name, following = token.text, self.tokens[self.at]
        below = self.marks[-1] if self.marks else None
        raised = below is not None and below.kind == "infix" and below.text == "^"
        if raised and name in _TRANSPOSES and name not in self.known:
            self.marks.pop()
            self.add("transpose", "", token)
        elif name in self.known and not (following.text == "(" and self.known.is_op(name)):
            self.add("name", name, token)
        elif name in ("Σ", "Π") or name.startswith(("Σ_", "sum_")):
            self.big(token)
        elif name in _FRACTIONS:
            self.fraction(token)
        elif name in _CONSTANTS:
            self.add("name", _CONSTANTS[name], token)
        elif name in CONSTANTS:
            self.add("name", name, token)
        else:
            self.unknown_name(token, following)

    def unknown_name(self, token: Token, following: Token) -> None:
        name = token.text
        called = following.text == "(" and following.start == token.end
        if self.known.is_op(name) or name in RECIPROCALS:
            self.add("function", name, token)
        elif (other := self.spelled_otherwise(name)) is not None:
            self.add("name", other, token)
        elif called and (op := op_meant(name, self.known)):
            self.add("function", op, token)
        else:
            self.run_together(token, called)

    def spelled_otherwise(self, name: str) -> str | None:
        """The known name that is meant by `x₁`, `x_1` or `x1`, if only one can be."""
        alike = self.known.alike.get(plain_name(name), ())
        return alike[0] if len(alike) == 1 else None

    def run_together(self, token: Token, called: bool) -> None:
        """`xy`, `sinx`, `w1x1`, `xsin(…)`, where only names that are known can be meant."""
        name = token.text if token.text in self.known else token.text.translate(NAMES_IN_LOW)
        ways = list(self.ways(name)) if len(name) <= _MOST_RUN_TOGETHER else []
        if called:
            ways = [way for way in ways if way[-1] in self.known or self.known.is_op(way[-1])]
        if not ways:
            if called:
                raise Unreadable
            self.add("name", token.text, token)
            base, _, self.marks[-1].index = name.rpartition("_")
            self.marks[-1].base = base or name
            if not self.marks[-1].index.isalpha() or len(self.marks[-1].index) > 2:
                self.marks[-1].index = ""
            return
        fewest = min(map(len, ways))
        ways = [way for way in ways if len(way) == fewest]
        if len(ways) > 1:
            first, second = ("*".join(way) for way in ways[:2])
            raise Asking(token.start, token.end, first, second)
        start = token.start
        for part in ways[0]:
            kind = "name" if part in self.known or part in ("pi", "π") else "function"
            self.marks.append(Mark(kind, _CONSTANTS.get(part, part), start, start + len(part)))
            start += len(part)

    def ways(self, name: str) -> Iterator[tuple[str, ...]]:
        """The ways to write a name as a row of known ones, and of functions in front of the last."""
        for end in range(1, len(name) + 1):
            first, rest = name[:end], name[end:]
            is_value = first in self.known or first == "π" or (first == "pi" and bool(rest))
            is_function = end > 1 and self.known.is_op(first)
            if not is_value and not is_function:
                continue
            if not rest:
                yield (first,)
            else:
                yield from ((first, *way) for way in self.ways(rest))

    # --- signs ---

    def raised(self, token: Token) -> None:
        digits = token.text.translate(DIGITS_OF_SUPERSCRIPTS)
        if not re.fullmatch("-?[0-9]+", digits):
            raise Unreadable
        self.add("infix", "^", token)
        self.add("open", "{", token)
        if digits.startswith("-"):
            self.add("infix", "-", token)
        self.add("number", digits.lstrip("-"), token)
        self.add("close", "{", token)

    def fraction(self, token: Token) -> None:
        above, below = _FRACTIONS[token.text].split("/")
        before = self.marks[-1] if self.marks else None
        if before and before.kind == "number" and before.text.isdecimal() and before.end == token.start:
            self.marks.pop()  # 2½
            above = str(int(before.text) * int(below) + int(above))
        self.add("open", "{", token)
        self.add("number", above, token)
        self.add("infix", "/", token)
        self.add("number", below, token)
        self.add("close", "{", token)

    def prime(self, token: Token) -> None:
        """`σ'(z)`."""
        if not self.marks or self.marks[-1].kind not in ("function",):
            raise Unreadable
        self.add("prime", "'", token)

    def bracket(self, token: Token) -> None:
        """An index, or a list of numbers: taken as it is."""
        depth = 0
        while True:
            text = self.tokens[self.at - 1].text
            depth += (text == "[") - (text == "]")
            if not depth:
                break
            if self.tokens[self.at].kind == "end":
                raise Unreadable
            self.at += 1
        end = self.tokens[self.at - 1].end
        behind = bool(self.marks) and self.marks[-1].kind in ("name", "close", "index", "transpose")
        inside = _plain(self.content)[token.start + 1 : end - 1]
        kind, text = ("index", inside) if behind else ("literal", f"[{inside}]")
        self.marks.append(Mark(kind, text.strip(), token.start, end))

    def settings(self) -> None:
        """`axis=0`: taken as it is."""
        name, equals = self.tokens[self.at], self.tokens[self.at + 1]
        if name.kind != "name" or equals.text != "=":
            return
        depth, self.at = 0, self.at + 2
        while self.tokens[self.at].kind != "end":
            text = self.tokens[self.at].text
            if not depth and text in (",", ")"):
                break
            depth += (text in "([") - (text in ")]")
            self.at += 1
        end = self.tokens[self.at - 1].end
        value = self.content[equals.end : end].strip()
        self.marks.append(Mark("setting", f"{name.text}={value}", name.start, end))

    def bar(self, token: Token) -> None:
        double = token.text in "‖∥"
        following = self.tokens[self.at]
        both = self.norms and token.text == following.text == "|" and following.start == token.end
        if both and not (self.open[-1:] == ["abs"] and self.marks[-1].kind != "open"):
            double = True
            self.at += 1
        op, end = ("norm", self.tokens[self.at - 1].end) if double else ("abs", token.end)
        last = self.marks[-1] if self.marks else None
        behind_value = last is not None and last.kind in ("name", "number", "close", "index", "transpose")
        if behind_value and op in self.open:
            if self.open.pop() != op:
                raise Unreadable
            self.marks.append(Mark("close", op, token.start, end))
            order = self.tokens[self.at]
            if double and order.text in ("_1", "_2", "_inf", "_∞", "₁", "₂"):
                self.at += 1
                self.marks[-1].limit = _order(order.text)
        else:
            self.open.append(op)
            self.marks.append(Mark("open", op, token.start, end))

    def big(self, token: Token) -> None:
        """`∑_i`, `Σ x`."""
        text = token.text
        op = "prod" if text[0] in "∏Π" else "sum"
        index = text.partition("_")[2]
        following = self.tokens[self.at]
        if not index and following.kind == "name" and following.text.startswith("_"):
            self.at += 1
            index = following.text[1:]
        if not index and following.kind == "name" and following.text in ("ᵢ", "ⱼ"):
            self.at += 1
            index = following.text.translate(NAMES_IN_LOW)
        self.marks.append(Mark("sum", op, token.start, self.tokens[self.at - 1].end, index=index))


def _order(text: str) -> str:
    digit = text[-1].translate(NAMES_IN_LOW)
    return {"1": "ord=1", "2": "ord=2"}.get(digit, "ord=inf")


def _plain(content: str) -> str:
    """The text with primes that are no quotes: `σ'(z)`, also where another one follows."""
    return re.sub(r"(?<=[\w)])['’]", "′", content) if "'" in content or "’" in content else content
