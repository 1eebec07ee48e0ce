"""Expression text → tree, by operator precedence.

Dijkstra's shunting yard, with its own stacks: depth is no danger. What is an operator, how tightly it binds
and what else it may be called is asked of the op table.
"""

from __future__ import annotations

import math
import re
from functools import cached_property
from typing import Literal, NamedTuple

from bpx.graph.facts import Notation
from bpx.graph.graph import OPS, Op
from bpx.spec.text.cursor import Cursor, Stop
from bpx.spec.text.literals import AT, index, number_list, setting_value
from bpx.spec.text.problems import call_meant
from bpx.spec.text.source_text import SourceText, shortened
from bpx.spec.text.syntax_tree import Call, Expression, Name, Node, Number, Quoted, Setting, grouped
from bpx.spec.text.tokens import DIGITS_OF_SUPERSCRIPTS, Token, signs, signs_of
from bpx.words.diagnostic import Diagnostic

LONGEST_FORMULA = 1_000_000  # characters: a sum of 100,000 terms with room for their names
MOST_SIGNS = 200_000  # in a formula: each may be an operation, whose reverse pass takes some 30 µs
_SIGN = re.compile(r"[^\w\s.,'\"]|\.T")
_CLOSING = {"(": ")", "|": "|"}
_ORDERS = {"_1": 1, "_2": 2, "_inf": math.inf}  # of norms
_ABBREVIATED = {")": "(…)", "]": "[…]", "|": "|…|"}  # what ends so, in a sentence


class _Operator(NamedTuple):
    """A prefix or infix operator whose right operand is still to come."""

    token: Token
    op: Op
    notation: Notation


class _Opening(NamedTuple):
    """A bracket, call or bar that is still open; its operands are those from `first` on."""

    kind: Literal["group", "call", "bar", "norm"]
    token: Token  # of a call, its name
    bracket: Token
    first: int
    outer: list[_Operator]  # those that wait around it
    settings: dict[str, Setting]


def parse(text: SourceText) -> tuple[Expression | None, list[Diagnostic]]:
    """Read an expression: its tree (None where it could not be read to the end), and what is wrong."""
    if len(text.content) > LONGEST_FORMULA:
        facts = {"length": len(text.content), "most": LONGEST_FORMULA}
        return None, [Diagnostic("formula-too-long", text.span(0, 1), facts, "shorter-steps")]
    if len(text.content) > MOST_SIGNS and (count := _SIGN.subn("", text.content)[1]) > MOST_SIGNS:
        facts = {"count": count, "most": MOST_SIGNS}
        return None, [Diagnostic("too-many-signs", text.span(0, 1), facts, "shorter-steps")]
    parser = _Parser(text, norms="||" in text.content)
    root = parser.read()
    if root is None and parser.norms:
        # ||x| - |y|| is an absolute value of two: what no norm makes sense of, bars may.
        parser = _Parser(text, norms=False)
        root = parser.read()
    return Expression(text, root) if root else None, parser.problems


class _Parser(Cursor):
    def __init__(self, text: SourceText, *, norms: bool) -> None:
        super().__init__(text)
        self.norms = norms  # does ||x|| mean the norm?
        self.operands: list[Node] = []
        self.operators: list[_Operator] = []  # that wait in the innermost bracket
        self.openings: list[_Opening] = []
        self.open_bars = 0
        self.infix, self.prefix, self.postfix = map(signs, ("infix", "prefix", "postfix"))

    def read(self) -> Node | None:
        try:
            if self.token.kind == "end":
                raise self.stop("empty-expression", self.token)
            if self.token.text == "lambda" and self.next.kind == "name":
                raise self.stop("lambda", self.token, help="lambda")
            wants_operand = True
            while wants_operand or self.token.kind != "end":
                wants_operand = self.operand() if wants_operand else self.operator()
            self.reduce()
            if self.openings:
                raise self.unclosed()
        except Stop:
            return None
        return self.operands.pop()

    # Each of the next two returns whether an operand is wanted afterwards.

    def operand(self) -> bool:
        token = self.token
        if token.kind == "name":
            if self.next.text == "(":
                self.advance()
                return self.open("call", token)
            self.operands.append(Name(token.text, token.start, token.end))
        elif token.kind == "number":
            self.operands.append(self.number(token))
        elif token.kind == "quoted":
            self.operands.append(Quoted(token.text[1:-1], token.start, token.end))
        elif token.text == "(":
            return self.open("group", token)
        elif self.at_double_bar():
            self.advance()
            return self.open("norm", token)
        elif token.text == "|":
            self.open_bars += 1
            return self.open("bar", token)
        elif token.text == "[":
            self.operands.append(number_list(self))
        elif token.text == ")" and (call := self.open_call()):
            self.close_call(call, token)  # `exp()`, or a comma behind the last arg
        else:
            return self.sign(token)
        self.advance()
        return False

    def operator(self) -> bool:
        token = self.token
        if token.text in self.infix:
            return self.infix_operator(token, *self.infix[token.text])
        if token.text in self.postfix:
            op, notation = self.postfix[token.text]
            self.reduce(notation.precedence)
            self.apply_behind(op, token)
        elif token.kind == "raised":
            self.raise_to_power(token)
        elif token.text == "[" and self.previous.kind != "number":
            self.take_index(token)
        elif token.text == ")":
            self.close_bracket(token)
        elif self.openings and self.openings[-1].kind == "norm" and self.at_double_bar():
            self.close_norm()
        elif token.text == "|" and self.bar_closes():
            self.close_bar(token)
        elif token.text == ",":
            return self.comma(token)
        else:
            return self.missing_operator(token)
        self.advance()
        return False

    # --- operands ---

    def number(self, token: Token) -> Number:
        """A number, joined with a minus right before it unless a power follows."""
        value = self.to_number(token)
        minus = self.operators[-1] if self.operators else None
        if not minus or minus.op.name != "neg" or self.previous is not minus.token:
            return Number(value, token.start, token.end)
        if self.next.kind == "raised" or self.next.text in signs_of("pow"):
            return Number(value, token.start, token.end)
        self.operators.pop()
        return Number(-value, minus.token.start, token.end)

    def sign(self, token: Token) -> bool:
        """A prefix operator; a plus has nothing to do."""
        if token.text in self.prefix:
            self.operators.append(_Operator(token, *self.prefix[token.text]))
        elif token.kind == "end":
            raise self.stop("ends-too-early", token)
        elif token.text not in signs_of("add"):
            operator = token.text in self.infix or token.text in self.postfix or token.text in ",)|"
            raise self.stop(
                "expected-operand" if operator else "unexpected-character", token, found=token.text
            )
        self.advance()
        return True

    def take_index(self, bracket: Token) -> None:
        """`[1:3, 0]` behind an operand; leaves the closing bracket current."""
        [(op, notation)] = signs("index").values()
        self.reduce(notation.precedence)
        at = index(self)
        self.apply_behind(op, self.token, (), Setting(AT, at, bracket.start, self.token.end))

    def raise_to_power(self, token: Token) -> None:
        """`²` behind an operand."""
        digits = token.text.translate(DIGITS_OF_SUPERSCRIPTS)
        if not re.fullmatch("-?[0-9]+", digits):
            raise self.stop("unexpected-character", token, found=token.text)
        power, notation = self.infix["^"]
        self.reduce(notation.precedence + 1)
        self.apply_behind(power, token, (Number(self.to_number(token, digits), token.start, token.end),))

    # --- operators ---

    def infix_operator(self, token: Token, op: Op, notation: Notation) -> bool:
        last = self.reduce(notation.precedence + (notation.groups == "right"))
        if last and last.groups == notation.groups == "none":
            # `a < b < c` means something else to every reader, so it must be said in full.
            self.problem("chained-comparison", token, help="chained-comparison", found=token.text)
        self.operators.append(_Operator(token, op, notation))
        self.advance()
        return True

    def reduce(self, precedence: int = 0) -> Notation | None:
        """Apply the waiting operators that bind at least as tightly as `precedence`; returns the last."""
        operators, operands, last = self.operators, self.operands, None
        while operators and operators[-1].notation.precedence >= precedence:
            token, op, last = operators.pop()
            right = operands.pop()
            if last.place == "prefix":
                operands.append(Call(op.name, (right,), (), token.start, right.end))
            else:
                left = operands[-1]
                operands[-1] = Call(op.name, (left, right), (), left.start, right.end)
        return last

    def apply_behind(self, op: Op, end: Token, more: tuple[Node, ...] = (), *settings: Setting) -> None:
        """Apply an op that is written behind its operand, up to the token `end`."""
        first = self.operands[-1]
        self.operands[-1] = Call(op.name, (first, *more), settings, first.start, end.end)

    # --- brackets, bars and calls ---

    def open(self, kind: Literal["group", "call", "bar", "norm"], token: Token) -> bool:
        opening = _Opening(kind, token, self.token, len(self.operands), self.operators, {})
        self.openings.append(opening)
        self.operators = []
        self.advance()
        if kind == "call":
            self.read_settings(opening)
        return True

    def close(self) -> None:
        """Go back to what is around the innermost bracket."""
        self.operators = self.openings.pop().outer

    def close_bracket(self, token: Token) -> None:
        self.reduce()
        if not self.openings:
            raise self.stop("unmatched-bracket", token, found=token.text)
        opening = self.openings[-1]
        if opening.kind in ("bar", "norm"):
            raise self.unclosed()
        if opening.kind == "call":
            self.close_call(opening, token)
        else:
            self.close()
            self.operands[-1] = grouped(self.operands[-1], opening.token.start, token.end)

    def open_call(self) -> _Opening | None:
        """The call that is open here, if one is and nothing inside of it."""
        opening = self.openings[-1] if self.openings and not self.operators else None
        return opening if opening and opening.kind == "call" else None

    def close_call(self, opening: _Opening, end: Token) -> None:
        self.close()
        name, args = opening.token, tuple(self.operands[opening.first :])
        settings = tuple(opening.settings.values())
        self.operands[opening.first :] = [Call(name.text, args, settings, name.start, end.end)]

    def bar_closes(self) -> bool:
        """A bar behind a value closes one; with none open, and another to come, a sign is missing."""
        return self.open_bars > 0 or self.at == self.last_bar

    @cached_property
    def last_bar(self) -> int:
        self.read_ahead()
        return max(at for at, token in enumerate(self.tokens) if token.text == "|")

    def close_bar(self, token: Token) -> None:
        self.reduce()
        if not self.openings or self.openings[-1].kind != "bar":
            raise self.stop("unmatched-bracket", token, found="|")
        opening = self.openings[-1]
        self.close()
        self.open_bars -= 1
        self.operands[-1] = Call("abs", (self.operands[-1],), (), opening.token.start, token.end)

    def at_double_bar(self) -> bool:
        """Do two bars stand here side by side, and mean a norm?"""
        both = self.token.text == self.next.text == "|"
        return self.norms and both and self.token.end == self.next.start

    def close_norm(self) -> None:
        """The second `||`, and the order behind it: `||x||_1`."""
        self.reduce()
        self.advance()
        opening, end = self.openings[-1], self.token
        self.close()
        order, settings = self.next, tuple[Setting, ...]()
        if order.text in _ORDERS and order.start == end.end:
            settings = (Setting("ord", _ORDERS[order.text], order.start, order.end),)
            self.advance()
            end = order
        operand = self.operands[-1]
        self.operands[-1] = Call("norm", (operand,), settings, opening.token.start, end.end)

    def comma(self, token: Token) -> bool:
        self.reduce()
        call = self.open_call()
        if call is None:
            is_list = "=" in self.text.content[token.end :]
            raise self.stop(
                "comma-outside-call", token, help="one-equation-each" if is_list else "comma-outside-call"
            )
        self.advance()
        self.read_settings(call)
        return True

    def read_settings(self, call: _Opening) -> None:
        """Any number of `name=literal` in a row, right behind the `(` or a `,` of a call."""
        while self.token.kind == "name" and self.next.text == "=":
            name = self.token
            self.advance()
            self.advance()
            value = setting_value(self, call.token.text, name.text)
            if name.text in call.settings:
                self.problem("repeated-setting", name, setting=name.text)
            call.settings[name.text] = Setting(name.text, value, name.start, self.previous.end)
            if self.token.text == ",":
                self.advance()
            elif self.token.kind == "end":
                raise self.unclosed()
            elif self.token.text != ")":
                raise self.stop("expected-operand", self.token, found=self.token.text)
            if self.token.text != ")" and self.next.text != "=":
                raise self.stop("setting-not-last", name, setting=name.text)

    # --- problems ---

    def unclosed(self) -> Stop:
        """The innermost bracket or bar is still open."""
        bracket = self.openings[-1].bracket
        facts = {"found": bracket.text, "closing": _CLOSING[bracket.text]}
        return self.stop("unclosed-bracket", bracket, "close-bracket", **facts)

    def missing_operator(self, token: Token) -> bool:
        """Two operands side by side, read as a product; or a character that means nothing here."""
        previous = self.previous
        if token.text == "=":
            alone = self.at == 1 and previous.kind == "name"
            raise self.stop("assignment", token, "drop-name" if alone else "assignment", name=previous.text)
        if token.kind not in ("number", "name") and token.text not in ("(", "[", "|", *self.prefix):
            raise self.stop("unexpected-character", token, found=token.text)
        self.refuse_op_without_brackets(token)
        both = Token("other", "", previous.start, token.end)
        left, right = self.operands_in_words(token)
        help = "implicit-denominator" if self.in_denominator() else "implicit-product"
        self.problem("implicit-product", both, help=help, left=left, right=right)
        self.operators.append(_Operator(token, *self.infix["*"]))
        return True

    def in_denominator(self) -> bool:
        """Is the operand just read what is divided by? In `x/2y` a mere `2*y` would multiply by y."""
        return bool(self.operators) and self.operators[-1].op.name == "div"

    def refuse_op_without_brackets(self, token: Token) -> None:
        """`sin x` and `sin^2(x)`."""
        previous = self.previous
        base = self.tokens[max(self.at - 3, 0)]
        if token.text == "(" and base.text in OPS and self.tokens[self.at - 2].text in ("^", "**"):
            facts = {"name": base.text, "call": f"{base.text}(…)^{previous.text}"}
            raise self.stop("op-without-brackets", base, help="op-without-brackets", **facts)
        if previous.kind == "name" and previous.text in OPS:
            facts = {"name": previous.text, "call": call_meant(self.text, previous.start, previous.end)}
            raise self.stop("op-without-brackets", previous, help="op-without-brackets", **facts)

    def operands_in_words(self, token: Token) -> tuple[str, str]:
        """The operands on both sides of a missing operator, as a sentence quotes them."""
        previous = self.previous
        left = _ABBREVIATED.get(previous.text, previous.text)
        if previous.kind == "raised":
            left = self.tokens[self.at - 2].text + left
        right = shortened(self.text.content[token.start : token.end])
        return shortened(left), right + {"(": "…)", "[": "…]", "|": "…|"}.get(token.text, "")
