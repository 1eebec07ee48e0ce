"""Formulas as text that reads back as the same nodes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from bpx.graph.formula_parts import (
    Branch,
    Call,
    Derivative,
    Equation,
    Index,
    Noted,
    Number,
    NumberArray,
    Operation,
    Repeated,
    Symbol,
    Words,
)
from bpx.graph.numbers import array, number
from bpx.graph.printer import (
    LOOSEST,
    MOST_KEPT,
    PRECEDENCE_OF_EQUATION,
    PRECEDENCE_OF_MINUS,
    PRECEDENCE_OF_NOTE,
    PRECEDENCE_OF_POWER,
    TIGHTEST,
    Atom,
    Dialect,
    Layout,
    between,
    laid_out,
    printed,
)
from bpx.words.say import say

_PRECEDENCE_OF_INDEX = 50


_IN_DERIVATIVE = PRECEDENCE_OF_POWER + 1  # ∂L/∂(x^2)
_BRACKETS = "(", ")"


@lru_cache(MOST_KEPT)
def _named(name: str) -> Atom:
    return Atom(name)


def _atom(part: Number | NumberArray | Words) -> Atom:
    """A negative number binds like a minus."""
    if not isinstance(part, Number):
        return Atom(part.text if isinstance(part, Words) else array(part.value, part.digits))
    if part.is_negative:
        return Atom(number(part.value, part.digits), PRECEDENCE_OF_MINUS, signed=True)
    return Atom(number(part.value, part.digits))


@lru_cache(MOST_KEPT)
def _layout(part: Branch) -> Layout:
    """The layout of an op by its notation; a derivative binds like the fraction it looks like."""
    match part:
        case Operation("infix"):
            left, right = part.around
            gap = "" if part.symbol == "^" else " "
            return laid_out(_BRACKETS, part.precedence, left, f"{gap}{part.symbol}{gap}", right)
        case Operation("prefix"):
            own = part.precedence
            return laid_out(_BRACKETS, own, part.symbol, own, signed=True, brackets_literals=True)
        case Operation():
            return _behind(part.precedence, part.symbol)
        case Index():
            return _behind(_PRECEDENCE_OF_INDEX, f"[{', '.join(part.places) or '...'}]")
        case Derivative():
            return laid_out(_BRACKETS, PRECEDENCE_OF_MINUS, "∂", _IN_DERIVATIVE, "/∂", _IN_DERIVATIVE)
        case Repeated():
            _, *others = between(f" {part.symbol} ", part.others, part.arg_count)
            return laid_out(_BRACKETS, part.precedence, part.first, *others)
        case Equation():
            return laid_out(_BRACKETS, PRECEDENCE_OF_EQUATION, PRECEDENCE_OF_EQUATION + 1, " = ", LOOSEST)
        case Noted():
            return laid_out(_BRACKETS, PRECEDENCE_OF_NOTE, LOOSEST, say("word.semicolon") + part.text)
        case Call():
            return _call(part)


def _behind(own: int, text: str) -> Layout:
    return laid_out(_BRACKETS, own, own, text, brackets_literals=True)


def _call(part: Call) -> Layout:
    """A text stands in front without a name, as in NumPy's `einsum('ij,jk->ik', a, b)`."""
    before = "".join(f"{text}, " for text in part.before)
    args = between(", ", LOOSEST, part.arg_count)
    behind = "".join(f", {name}={text}" for name, text in part.settings)
    return laid_out(_BRACKETS, TIGHTEST, f"{part.name}({before}", *args, f"{behind})")


# The dialect that bpx reads: `x * (y + 1)^2`, `M.T`, `x[0]`, `sum(M, axis=0)`.
TEXT = Dialect(_BRACKETS, _named, _atom, _layout)

# --- templates ------------------------------------------------------------------------------------

# What an arg may be, as far as brackets go: a name or a number, with a minus or not, a literal or not.
NAME, NEGATIVE, LITERAL = 0, 1, 2
_ARGS = (Symbol(""), Number(-1.0, node=0), Number(1.0), Number(-1.0))
SLOT = "\0"  # a name that stands for any


def template(part: Branch, kinds: Sequence[int]) -> str:
    """The text of a part whose args are of these kinds, `%s * (%s)`; `%` puts in theirs."""
    dialect = TEXT._replace(
        named=lambda name: Atom(SLOT), atom=lambda number: TEXT.atom(number)._replace(text=SLOT)
    )
    return with_slots(printed((part, *map(_ARGS.__getitem__, kinds)), dialect))


def with_slots(text: str) -> str:
    """A text in which `SLOT` stands for what `%` will put in."""
    return text.replace("%", "%%").replace(SLOT, "%s")
