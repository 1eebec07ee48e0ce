"""Characters → tokens, and what a sign means: the op table says which ops are written by signs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from bpx.graph.facts import Notation
from bpx.graph.graph import Op
from bpx.ops import rows

MOST_DOTS = 32  # in a name
SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"
DIGITS_OF_SUPERSCRIPTS = str.maketrans(SUPERSCRIPTS, "0123456789-")

_HALFWIDTH = str.maketrans("（）［］，｜：", "()[],|:")  # what a Chinese or Japanese keyboard writes
_IN_NAME = rf"[^\W{SUPERSCRIPTS}ᵀ]"
_NAME = rf"[^\W\d{SUPERSCRIPTS}ᵀ]{_IN_NAME}*"  # `h.z` is a name of two such parts, `x.T` a transpose
_TOKEN = re.compile(
    rf"""
    \s*+  # it never gives a blank back, so none is left over for the last alternative
    (?:
    (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+−-]?[0-9]+)?)
  | (?P<raised>[{SUPERSCRIPTS}]+)
  | (?P<name>{_NAME}(?:\.(?!T(?!{_IN_NAME})){_NAME}){{0,{MOST_DOTS}}})
  | (?P<quoted>'[^']*'|"[^"]*")
  | (?P<other>\.\.\.|\.T(?![A-Za-z0-9_])|\*\*|<=|>=|==|!=|.)
    )
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(eq=False, repr=False, slots=True)
class Token:
    """The smallest piece of an expression that means something by itself."""

    kind: str  # number, raised, name, quoted, other, end
    text: str
    start: int
    end: int


def tokens(content: str) -> Iterator[Token]:
    """The tokens of an expression and its end, each made when it is asked for."""
    content = content.translate(_HALFWIDTH)
    end = len(content.rstrip())  # the pattern would pass the blanks behind it once for each of them
    for match in _TOKEN.finditer(content, 0, end):
        kind = match.lastgroup or ""
        yield Token(kind, match.group(kind), *match.span(kind))
    yield Token("end", "", end, end)


@cache
def signs(place: str) -> dict[str, tuple[Op, Notation]]:
    """The signs (`+`, `·`, `.T`) that stand at a place (`infix`, `postfix`, …), and the ops they mean."""
    return {
        sign: (op, op.notation)
        for op in rows()
        if op.notation and op.notation.place == place
        for sign in (op.notation.symbol, *op.notation.also)
    }


@cache
def signs_of(op: str) -> frozenset[str]:
    """The signs that stand for an infix op: `-` and `−` for `sub`."""
    return frozenset(sign for sign, (meant, _) in signs("infix").items() if meant.name == op)
