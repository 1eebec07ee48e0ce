"""Expression text → code: instructions in reverse Polish order, with the span of each.

Operator precedence by Dijkstra's shunting yard, with its own stack: depth is no danger. What is an
operator, how tightly it binds and what else it may be called is asked of the op table.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, NamedTuple

from bpx.graph.facts import Notation
from bpx.graph.graph import OPS, Op
from bpx.ops import rows
from bpx.words.diagnostic import Diagnostic, Source, Span


class Text:
    """A piece of a source that holds an expression; knows where each of its characters stands."""

    def __init__(self, source: Source, content: str, offsets: Sequence[int] | None = None) -> None:
        self.source, self.content = source, content
        self._offsets = offsets if offsets is not None else range(len(content) + 1)

    def span(self, start: int, end: int) -> Span:
        """Characters `start … end` of the expression as a span of the source."""
        return Span(self.source, self._offsets[start], self._offsets[max(end, start)])


class Item(NamedTuple):
    """One instruction: push a literal or a name, or apply an op to the last `argc` values."""

    kind: Literal["literal", "name", "apply"]
    value: Any
    start: int
    end: int
    argc: int = 0
    settings: Mapping[str, tuple[Any, int, int]] = {}


# What is applied to the first part of a split to get another one; not a name that anything can have.
OTHER_PART = "other part"


class Code(NamedTuple):
    """A parsed expression: its text and its instructions in reverse Polish order."""

    text: Text
    items: tuple[Item, ...]

    def names(self) -> list[str]:
        """The names it uses, each once, in order of appearance."""
        return list(dict.fromkeys(item.value for item in self.items if item.kind == "name"))


# --- tokens -------------------------------------------------------------------------------------

MOST_DOTS = 32  # in a name
AT = "at"  # the setting that is an index, written as one: at=[1:3, 0]
_MOST_QUOTED = 24  # characters
_MOST_AXES = 32  # of a list written in an expression
_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"
_PLAIN = str.maketrans(_SUPERSCRIPTS, "0123456789-")
_BRACKETS = str.maketrans("（）［］，｜：", "()[],|:")
_IN_NAME = rf"[^\W{_SUPERSCRIPTS}ᵀ]"
_NAME = rf"[^\W\d{_SUPERSCRIPTS}ᵀ]{_IN_NAME}*"  # `h.z` is a name of two such parts, `x.T` a transpose
_TOKEN = re.compile(
    rf"""
    (?P<blank>\s+)
  | (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+−-]?[0-9]+)?)
  | (?P<raised>[{_SUPERSCRIPTS}]+)
  | (?P<name>{_NAME}(?:\.(?!T(?!{_IN_NAME})){_NAME}){{0,{MOST_DOTS}}})
  | (?P<quoted>'[^']*'|"[^"]*")
  | (?P<other>\.\.\.|\.T(?![A-Za-z0-9_])|\*\*|<=|>=|==|!=|.)
    """,
    re.VERBOSE | re.DOTALL,
)


class _Token(NamedTuple):
    kind: str  # number, raised, name, quoted, other, end
    text: str
    start: int
    end: int


def _tokens(content: str) -> list[_Token]:
    found = [
        _Token(str(match.lastgroup), match.group().translate(_BRACKETS), match.start(), match.end())
        for match in _TOKEN.finditer(content)
        if match.lastgroup != "blank"
    ]
    end = len(content.rstrip())
    return [*found, _Token("end", "", end, end)]


@cache
def _spellings(place: str) -> dict[str, tuple[Op, Notation]]:
    return {
        symbol: (op, op.notation)
        for op in rows()
        if op.notation and op.notation.place == place
        for symbol in (op.notation.symbol, *op.notation.also)
    }


# --- text → code --------------------------------------------------------------------------------


class _Stop(Exception):
    """A problem behind which the rest of the text cannot be read."""


@dataclass(eq=False, repr=False)
class _Frame:
    """What waits on the stack: an open bracket, call or bar, or an operator whose right arg is due."""

    kind: Literal["group", "call", "bar", "operator"]
    token: _Token
    bracket: _Token | None = None  # of a call, whose token is its name
    op: Op | None = None
    precedence: int = 0
    argc: int = 0
    settings: dict[str, tuple[Any, int, int]] = field(default_factory=dict)


def parse(text: Text) -> tuple[Code | None, list[Diagnostic]]:
    """Read an expression: its code (None where it could not be read to the end), and what is wrong."""
    parser = _Parser(text)
    return parser.read(), parser.problems


class _Parser:
    def __init__(self, text: Text) -> None:
        self.text = text
        self.tokens = _tokens(text.content)
        self.at = 0
        self.items: list[Item] = []
        self.frames: list[_Frame] = []
        self.problems: list[Diagnostic] = []
        self.infix, self.prefix, self.postfix = map(_spellings, ("infix", "prefix", "postfix"))
        self.indexing = _spellings("index")

    @property
    def token(self) -> _Token:
        return self.tokens[self.at]

    @property
    def next(self) -> _Token:
        return self.tokens[min(self.at + 1, len(self.tokens) - 1)]

    def read(self) -> Code | None:
        try:
            if self.token.kind == "end":
                raise self.stop("empty-expression", self.token)
            self.check_for_lambda()
            wants_operand = True
            while True:
                if wants_operand:
                    wants_operand = self.operand()
                elif self.token.kind == "end":
                    break
                else:
                    wants_operand = self.operator()
            self.close_all()
        except _Stop:
            return None
        return Code(self.text, tuple(self.items))

    # Each of the next two returns whether an operand is wanted afterwards.

    def operand(self) -> bool:
        token = self.token
        if token.kind == "number":
            self.literal(self.to_number(token))
        elif token.kind == "name":
            return self.name()
        elif token.kind == "quoted":
            self.items.append(Item("literal", self.quoted(), token.start, token.end))
        elif token.text == "(":
            self.open("group")
            return True
        elif token.text == "|":
            self.open("bar")
            return True
        elif token.text == "[":
            self.list_literal()
        elif token.text == ")" and self.frames and self.frames[-1].kind == "call":
            return self.close_empty_call(token)
        else:
            return self.sign()
        return False

    def operator(self) -> bool:
        token = self.token
        if token.text in self.infix:
            op, notation = self.infix[token.text]
            self.reduce(notation.precedence + (notation.groups == "right"))
            self.refuse_chain(notation, token)
            self.push_operator(op, notation.precedence)
            return True
        if token.text in self.postfix:
            op, notation = self.postfix[token.text]
            self.reduce(notation.precedence)
            self.apply(op.name, 1, token.start, token.end)
        elif token.kind == "raised":
            self.raised(token)
        elif token.text == "[" and self.tokens[self.at - 1].kind != "number":
            self.index(token)
        elif token.text == ")":
            self.close_bracket(token)
        elif token.text == "|" and self.bar_closes():
            self.close_bar(token)
        elif token.text == ",":
            return self.comma(token)
        else:
            return self.unexpected_operand(token)
        self.at += 1
        return False

    # --- operands ---

    def literal(self, value: Any, token: _Token | None = None) -> None:
        """A number, joined with a minus right before it unless a power follows."""
        token = token or self.token
        start = token.start
        followed_by_power = self.next.kind == "raised" or (
            self.next.text in self.infix and self.infix[self.next.text][0].name == "pow"
        )
        top = self.frames[-1] if self.frames else None
        signed = top and top.op and top.op.name == "neg" and self.tokens[self.at - 1] is top.token
        if top and signed and not followed_by_power:
            self.frames.pop()
            value, start = -value, top.token.start
        self.items.append(Item("literal", value, start, token.end))
        self.at += 1

    def to_number(self, token: _Token, digits: str | None = None) -> float:
        value = float(digits or token.text.replace("−", "-"))
        if math.isinf(value):
            self.problem("number-too-large", token, text=shortened(token.text))
            return 0.0  # any number, so that nothing else is found wrong with this one
        return value

    def name(self) -> bool:
        token = self.token
        if self.next.text == "(":
            self.at += 1
            self.open("call", token)
            return True
        self.items.append(Item("name", token.text, token.start, token.end))
        self.at += 1
        return False

    def quoted(self) -> str:
        """The text between quotes, which only settings take; passes over it."""
        self.at += 1
        return self.tokens[self.at - 1].text[1:-1]

    def list_literal(self) -> None:
        """`[1, 2]` or `[[1, 2], [3, 4]]`, numbers only."""
        start = self.token.start
        open_lists: list[list[Any]] = [[]]
        wants_value = True
        while True:
            token = self.token
            if token.text == "[" and wants_value:
                open_lists.append([])
                if len(open_lists) > _MOST_AXES:
                    raise self.stop("too-deep", token)
            elif token.text == "]" and len(open_lists) > 1 and (not wants_value or not open_lists[-1]):
                done = open_lists.pop()
                open_lists[-1].append(done)
                wants_value = False
                if len(open_lists) == 1:
                    break
            elif token.text == "," and not wants_value:
                wants_value = True
            elif wants_value and (value := self.signed_number()) is not None:
                open_lists[-1].append(value)
                wants_value = False
            else:
                raise self.stop("bad-list", token, found=token.text or "the end")
            self.at += 1
        self.items.append(Item("literal", open_lists[0][0], start, self.token.end))
        self.at += 1

    def signed_number(self) -> float | None:
        """A number with an optional sign at this place; leaves its last token current."""
        negative = self.token.text in self.infix and self.infix[self.token.text][0].name == "sub"
        if negative and self.next.kind == "number":
            self.at += 1
        if self.token.kind != "number":
            return None
        return -self.to_number(self.token) if negative else self.to_number(self.token)

    # --- indices ---

    def index(self, bracket: _Token) -> None:
        """`[1:3, 0]` behind an operand; leaves the closing bracket current."""
        [(op, notation)] = self.indexing.values()
        self.reduce(notation.precedence)
        at = (self.places(), bracket.start, self.token.end)
        self.items.append(Item("apply", op.name, bracket.start, self.token.end, 1, {AT: at}))

    def places(self) -> tuple[Any, ...]:
        """What stands between the brackets; leaves the closing one current."""
        bracket = self.token
        self.at += 1
        places = [self.place(bracket)]
        while self.token.text == ",":
            self.at += 1
            places.append(self.place(bracket))
        if self.token.text != "]":
            raise self.not_an_index(bracket)
        return tuple(places)

    def place(self, bracket: _Token) -> Any:
        """What stands for one axis: a whole number, a slice `1:3`, or `...` for all that are left."""
        if self.token.text in ("...", "…"):
            self.at += 1
            return ...
        ends = [self.whole(bracket)]
        while self.token.text == ":" and len(ends) < 3:
            self.at += 1
            ends.append(self.whole(bracket))
        if ends == [None]:
            raise self.not_an_index(bracket)
        return slice(*ends) if len(ends) > 1 else ends[0]

    def whole(self, bracket: _Token) -> int | None:
        """A whole number, if there is a number at this place."""
        value = self.signed_number()
        if value is None:
            return None
        if not value.is_integer():
            raise self.not_an_index(bracket)
        self.at += 1
        return int(value)

    def not_an_index(self, bracket: _Token) -> _Stop:
        if self.token.kind == "end":
            return self.stop("unclosed-bracket", bracket, found="[", closing="]")
        help = "index-by-value" if self.token.kind == "name" or self.token.text == "[" else None
        return self.stop("not-an-index", self.token, help, index=shortened(self.token.text))

    def sign(self) -> bool:
        """A prefix operator; a plus has nothing to do."""
        token = self.token
        if token.text in self.prefix:
            op, notation = self.prefix[token.text]
            self.push_operator(op, notation.precedence)
            return True
        if token.text in self.infix and self.infix[token.text][0].name == "add":
            self.at += 1
            return True
        if token.kind == "end":
            raise self.stop("ends-too-early", token)
        if token.text in self.infix or token.text in self.postfix or token.text in ",)|":
            raise self.stop("expected-operand", token, found=token.text)
        raise self.stop("unexpected-character", token, found=token.text)

    def check_for_lambda(self) -> None:
        if self.token.text == "lambda" and self.next.kind == "name":
            raise self.stop("lambda", self.token, help="lambda")

    # --- operators and brackets ---

    def open(self, kind: Literal["group", "call", "bar"], token: _Token | None = None) -> None:
        self.frames.append(_Frame(kind, token or self.token, self.token))
        self.at += 1
        if kind == "call":
            self.setting()

    def push_operator(self, op: Op, precedence: int) -> None:
        self.frames.append(_Frame("operator", self.token, None, op, precedence))
        self.at += 1

    def reduce(self, precedence: int = 0) -> None:
        """Apply the waiting operators that bind at least as tightly as `precedence`."""
        while self.frames and self.frames[-1].kind == "operator" and self.frames[-1].precedence >= precedence:
            frame = self.frames.pop()
            assert frame.op
            self.apply(frame.op.name, len(frame.op.args), frame.token.start, frame.token.end)

    def apply(self, name: str, argc: int, start: int, end: int) -> None:
        self.items.append(Item("apply", name, start, end, argc))

    def refuse_chain(self, notation: Notation, token: _Token) -> None:
        """`a < b < c` means something else to every reader, so it must be said in full."""
        if notation.groups == "none" and self.items and self.items[-1].kind == "apply":
            last = self.items[-1]
            op = OPS.get(last.value)
            written = self.text.content[last.start : last.end]
            if op and op.notation and op.notation.groups == "none" and written in self.infix:
                self.problem("chained-comparison", token, help="chained-comparison", found=token.text)

    def raised(self, token: _Token) -> None:
        digits = token.text.translate(_PLAIN)
        if not re.fullmatch("-?[0-9]+", digits):
            raise self.stop("unexpected-character", token, found=token.text)
        pow, notation = self.infix["^"]
        self.reduce(notation.precedence + 1)
        self.items.append(Item("literal", self.to_number(token, digits), token.start, token.end))
        self.apply(pow.name, 2, token.start, token.end)

    def close_bracket(self, token: _Token) -> None:
        self.reduce()
        frame = self.frames[-1] if self.frames else None
        if frame is None:
            raise self.stop("unmatched-bracket", token, found=token.text)
        if frame.kind == "bar":
            raise self.stop("unclosed-bracket", frame.token, found="|", closing="|")
        self.frames.pop()
        if frame.kind == "call":
            self.call(frame, frame.argc + 1, token)
        elif self.items:
            self.widen(frame.token.start, token.end)

    def widen(self, start: int, end: int) -> None:
        """Remember the brackets around an operand, so that its span includes them."""
        self.items.append(Item("apply", "", start, end, 1))

    def close_empty_call(self, token: _Token) -> bool:
        frame = self.frames.pop()
        self.call(frame, frame.argc, token)
        self.at += 1
        return False

    def call(self, frame: _Frame, argc: int, end: _Token) -> None:
        name = frame.token
        self.items.append(Item("apply", name.text, name.start, end.end, argc, frame.settings))

    def bar_closes(self) -> bool:
        """A bar behind a value closes one; with none open, and another to come, a sign is missing."""
        opened = any(frame.kind == "bar" for frame in self.frames)
        return opened or all(token.text != "|" for token in self.tokens[self.at + 1 :])

    def close_bar(self, token: _Token) -> None:
        self.reduce()
        frame = self.frames.pop() if self.frames else None
        if frame is None or frame.kind != "bar":
            raise self.stop("unmatched-bracket", token, found="|")
        self.apply("abs", 1, frame.token.start, token.end)

    def comma(self, token: _Token) -> bool:
        self.reduce()
        frame = self.frames[-1] if self.frames else None
        if frame is None or frame.kind != "call":
            raise self.stop("comma-outside-call", token, help="comma-outside-call")
        frame.argc += 1
        self.at += 1
        self.setting()
        return True

    def setting(self) -> None:
        """`name=literal` right after `(` or `,` of a call; any number of them in a row."""
        while self.token.kind == "name" and self.next.text == "=":
            name = self.token
            self.at += 2
            value = self.setting_value(name.text)
            frame = self.frames[-1]
            if name.text in frame.settings:
                self.problem("repeated-setting", name, setting=name.text)
            frame.settings[name.text] = (value, name.start, self.tokens[self.at - 1].end)
            if self.token.text == ",":
                self.at += 1
            elif self.token.kind == "end":
                raise self.unclosed()
            elif self.token.text != ")":
                raise self.stop("expected-operand", self.token, found=self.token.text)
            if self.token.text != ")" and self.next.text != "=":
                raise self.stop("setting-not-last", name, setting=name.text)

    def setting_value(self, name: str) -> Any:
        token = self.token
        if name == AT and token.text == "[":
            places = self.places()
            self.at += 1
            return places
        words = {"true": True, "false": False, "none": None, "inf": math.inf}
        if token.kind == "name" and token.text.lower() in words:
            self.at += 1
            return words[token.text.lower()]
        if token.kind == "quoted":
            return self.quoted()
        if token.text == "[":
            self.list_literal()
            return self.items.pop().value
        value = self.signed_number()
        if value is None and token.text in ("-", "−") and self.next.text == "inf":
            self.at += 1
            value = -math.inf
        if value is None:
            raise self.no_setting_value(name, token)
        self.at += 1
        return value

    def no_setting_value(self, name: str, token: _Token) -> _Stop:
        """A node as setting; one that is meant as an arg may be given by place."""
        op, found = OPS.get(self.frames[-1].token.text), token.text or "the end"
        if op is None or name not in op.optional:
            return self.stop("bad-setting-value", token, found=found)
        call = f"{op.name}({', '.join(op.args)})"
        return self.stop("bad-setting-value", token, "call-form", found=found, call=call)

    def close_all(self) -> None:
        self.reduce()
        if self.frames:
            raise self.unclosed()

    def unclosed(self) -> _Stop:
        frame = self.frames[-1]
        opening = frame.bracket or frame.token
        return self.stop(
            "unclosed-bracket", opening, found=opening.text, closing={"(": ")", "|": "|"}[opening.text]
        )

    # --- problems ---

    def unexpected_operand(self, token: _Token) -> bool:
        """Two operands side by side, or a character that means nothing here."""
        previous = self.tokens[self.at - 1]
        starts_operand = (
            token.kind in ("number", "name") or token.text in ("(", "[", "|") or token.text in self.prefix
        )
        if token.text == "=":
            alone = self.at == 1 and previous.kind == "name"
            raise self.stop("assignment", token, "drop-name" if alone else "assignment", name=previous.text)
        if not starts_operand:
            raise self.stop("unexpected-character", token, found=token.text)
        name = self.tokens[max(self.at - 3, 0)]
        if token.text == "(" and name.text in OPS and self.tokens[self.at - 2].text in ("^", "**"):
            facts = {"name": name.text, "call": f"{name.text}(…)^{previous.text}"}
            raise self.stop("op-without-brackets", name, help="op-without-brackets", **facts)
        if previous.kind == "name" and previous.text in OPS:
            facts = {"name": previous.text, "call": call_meant(self.text.content, previous)}
            raise self.stop("op-without-brackets", previous, help="op-without-brackets", **facts)
        both = _Token("other", "", previous.start, token.end)
        left = {")": "(…)", "]": "[…]", "|": "|…|"}.get(previous.text, previous.text)
        if previous.kind == "raised":
            left = self.tokens[self.at - 2].text + left
        left = shortened(left)
        right = shortened(self.text.content[token.start : token.end])
        right += {"(": "…)", "[": "…]", "|": "…|"}.get(token.text, "")
        self.problem("implicit-product", both, help="implicit-product", left=left, right=right)
        self.push_operator(*self.times)
        self.at -= 1
        return True

    @property
    def times(self) -> tuple[Op, int]:
        op, notation = self.infix["*"]
        return op, notation.precedence

    def problem(self, code: str, token: _Token, help: str | None = None, **facts: Any) -> None:
        span = self.text.span(token.start, max(token.end, token.start))
        self.problems.append(Diagnostic(code, span, facts, help))

    def stop(self, code: str, token: _Token, help: str | None = None, **facts: Any) -> _Stop:
        self.problem(code, token, help, **facts)
        return _Stop()


def shortened(text: str) -> str:
    """A piece of the user's text, short enough for a sentence."""
    return text if len(text) <= _MOST_QUOTED else f"{text[:1]}…{text[-1:]}"


def call_meant(content: str, name: _Token | Item) -> str:
    """`exp(-x)` for the `exp` of `exp -x`; the plain form of the call where nothing follows."""
    follows = re.match(r"\s*([-−]?\s*[\w.]+)", content[name.end :])
    text = content[name.start : name.end]
    return f"{text}({follows[1] if follows else ', '.join(OPS[text].arg_forms)})"
