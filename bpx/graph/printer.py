"""The printer of formulas: one walk over the parts, precedence passed downwards, for every dialect.

A dialect says how each part is laid out: texts, and between them slots for the args. A slot states how
tightly an arg must bind to stand there without brackets; whether a minus may stand first there, as it may
leftmost in a formula and behind an opening bracket; and whether a literal number needs brackets. Nothing
here recurses: the walk keeps its own stack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from bpx.graph.formula_parts import BRANCHES, Branch, Number, NumberArray, Part, Symbol, Words

LOOSEST, TIGHTEST = 0, 100
PRECEDENCE_OF_NOTE = 1
PRECEDENCE_OF_EQUATION = 5  # that of comparisons, so that one on its left is bracketed
PRECEDENCE_OF_MINUS = 25  # a negative number is written, and bracketed, like a prefix minus
# What two-dimensional dialects set apart binds by how it looks, not by its op: 30 is a power in the op table.
PRECEDENCE_OF_TIMES_TEN, PRECEDENCE_OF_FRACTION, PRECEDENCE_OF_POWER, PRECEDENCE_OF_SCRIPT = 26, 28, 30, 45
MOST_KEPT = 4096  # printed names that a dialect remembers
_GREEK_LETTERS = (
    "α-alpha β-beta γ-gamma δ-delta ε-epsilon ζ-zeta η-eta θ-theta ι-iota κ-kappa λ-lambda μ-mu ν-nu ξ-xi "
    "π-pi ρ-rho σ-sigma τ-tau υ-upsilon φ-phi χ-chi ψ-psi ω-omega Γ-Gamma Δ-Delta Θ-Theta Λ-Lambda Ξ-Xi Π-Pi "
    "Σ-Sigma Υ-Upsilon Φ-Phi Ψ-Psi Ω-Omega"
)
GREEK = dict(pair.split("-") for pair in _GREEK_LETTERS.split())  # letter → its name: users write either


class Slot(NamedTuple):
    """The place of an arg."""

    precedence: int
    leading: bool
    brackets_literals: bool = False


_WHOLE = Slot(LOOSEST, leading=True)


class Layout(NamedTuple):
    """How a part with args is written: leftmost, elsewhere, and in brackets; what comes last first.

    One that is `signed` begins with a minus.
    """

    precedence: int
    signed: bool
    leading: tuple[str | Slot, ...]
    inside: tuple[str | Slot, ...]
    bracketed: tuple[str | Slot, ...]


class Atom(NamedTuple):
    """How a part without args is written."""

    text: str
    precedence: int = TIGHTEST
    signed: bool = False


class Dialect(NamedTuple):
    """What makes the formulas of one language out of parts.

    `named` says how a name is written, `atom` any other part without args, `layout` a part with args.
    """

    brackets: tuple[str, str]
    named: Callable[[str], Atom]
    atom: Callable[[Number | NumberArray | Words], Atom]
    layout: Callable[[Branch], Layout]


class PartSpan(NamedTuple):
    """Where a part stands in the printed text, without brackets around it."""

    part: Part
    start: int
    end: int


def laid_out(
    brackets: tuple[str, str],
    precedence: int,
    *items: str | int,
    signed: bool = False,
    brackets_literals: bool = False,
) -> Layout:
    """A layout from texts and the precedences of slots.

    A slot that is enclosed, whatever may stand in it, has the loosest. A minus may stand first in it,
    and in a slot that is the first item wherever the whole stands leftmost.
    """
    opening, closing = brackets

    def tasks(leading: bool) -> tuple[str | Slot, ...]:
        return tuple(
            Slot(item, item == LOOSEST or (leading and not at), brackets_literals)
            if isinstance(item, int)
            else item
            for at, item in reversed([*enumerate(items)])
        )

    return Layout(precedence, signed, tasks(True), tasks(False), (closing, *tasks(True), opening))


def between(text: str, precedence: int, count: int) -> list[str | int]:
    """Slots with a text between them."""
    items: list[str | int] = [precedence]
    for _ in range(count - 1):
        items += [text, precedence]
    return items if count else []


def printed(parts: Sequence[Part], dialect: Dialect) -> str:
    """The text of a formula."""
    if len(parts) == 1 and not isinstance(parts[0], BRANCHES):  # as half of all are: nothing is around it
        part = parts[0]
        return dialect.named(part.name).text if isinstance(part, Symbol) else dialect.atom(part).text
    return "".join(_walk(parts, dialect))


def _walk(parts: Iterable[Part], dialect: Dialect) -> list[str]:
    """The texts of a formula in order."""
    (opening, closing), named, atom_of, layout_of = dialect
    texts: list[str] = []
    tasks: list[str | Slot] = [_WHOLE]
    following = iter(parts)
    while tasks:
        task = tasks.pop()
        if isinstance(task, str):
            texts.append(task)
            continue
        around, leading, brackets_literals = task
        part = next(following)
        if isinstance(part, Symbol):
            text, precedence, signed = named(part.name)
        elif isinstance(part, BRANCHES):
            layout = layout_of(part)
            if layout.precedence < around or (layout.signed and not leading):
                tasks += layout.bracketed
            else:
                tasks += layout.leading if leading else layout.inside
            continue
        else:
            text, precedence, signed = atom_of(part)
            if brackets_literals and isinstance(part, Number) and part.is_literal:
                precedence = LOOSEST - 1
        if precedence < around or (signed and not leading):
            texts += (opening, text, closing)
        else:
            texts.append(text)
    return texts


# --- spans --------------------------------------------------------------------------------------


class _Start(str):
    """Nothing, where a part with args begins."""


class _End(str):
    """Nothing, where it ends."""


class _Whole(str):
    """The text of a part without args."""


def part_spans(parts: Sequence[Part], dialect: Dialect) -> list[PartSpan]:
    """Where each part stands in the text, in the order of the parts."""
    spans: list[PartSpan] = []
    open_parts: list[int] = []
    at = 0
    for text in _walk(parts, _marked(dialect)):
        if isinstance(text, _Start | _Whole):
            if isinstance(text, _Start):
                open_parts.append(len(spans))
            spans.append(PartSpan(parts[len(spans)], at, at + len(text)))
        elif isinstance(text, _End):
            ended = open_parts.pop()
            spans[ended] = spans[ended]._replace(end=at)
        at += len(text)
    return spans


def _marked(dialect: Dialect) -> Dialect:
    """The same dialect with marks, which have no length, at both ends of what it writes."""

    def named(name: str) -> Atom:
        atom = dialect.named(name)
        return atom._replace(text=_Whole(atom.text))

    def atom(part: Number | NumberArray | Words) -> Atom:
        atom = dialect.atom(part)
        return atom._replace(text=_Whole(atom.text))

    def layout(part: Branch) -> Layout:
        layout = dialect.layout(part)
        closing, *inside, opening = layout.bracketed
        return layout._replace(
            leading=(_End(), *layout.leading, _Start()),
            inside=(_End(), *layout.inside, _Start()),
            bracketed=(closing, _End(), *inside, _Start(), opening),
        )

    return Dialect(dialect.brackets, named, atom, layout)
