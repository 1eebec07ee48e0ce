"""Which notation a formula is in, and its tree: what reads in bpx's own notation is never read in another."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from bpx.graph.graph import OPS
from bpx.graph.numbers import CONSTANTS
from bpx.spec.notations.translation.known import Known
from bpx.spec.notations.translation.parts import Part, TranslatedText
from bpx.spec.notations.translation.stopping import Asking, Refusing, Unreadable
from bpx.spec.text.parser import parse
from bpx.spec.text.source_text import SourceText
from bpx.spec.text.syntax_tree import Call, Expression, Group, Name, Node, Number, postorder
from bpx.words.diagnostic import Diagnostic
from bpx.words.say import say

NOTATIONS = ("text", "latex", "python")
Translator = Callable[[str, Known], tuple[Part, bool]]
_READERS = {"text": "textbook", "latex": "latex", "python": "python"}  # folders beside this file
LATEX_SIGNS = re.compile(r"\\.|\$|[\^_]\{|\}[\^_]|\{,\}")
_MODULES = "np|numpy|jnp|torch|math|F|nn|tf|jax|scipy|special|linalg|cp|cmath"
_PYTHON = re.compile(
    rf"\b(?:{_MODULES})\.[A-Za-z]|[\w)\]]\s*\.(?!T\b)[A-Za-z_]\w*\s*\("
    r"|\b(?:if|else|lambda|and|or|not|for|in|is|None|True|False)\b|//|%|~"
    r"|\b(?:len|int|bool|float|divmod|range|list)\("
)
_ATTRIBUTE = re.compile(r"(?<![\w.])([^\W\d]\w*)\.(?!T\b)[A-Za-z_]\w*")
_OTHER_ARITIES = {"max": (2,), "min": (2,), "log": (1,), "ln": (1,)}  # of ops that may have others elsewhere
_LONGEST = 20_000  # characters; a longer formula was written by a program, in bpx's own notation

LONGEST_TRANSLATED = 50_000  # characters in LaTeX or Python: to read them takes twice the time of bpx's own


class Reading(NamedTuple):
    """The tree of a formula (None where it cannot be read), what is wrong, and how it was understood.

    `is_strange` where it is taken as it stands, though something in it is unknown.
    """

    expression: Expression | None
    problems: list[Diagnostic]
    notes: list[Diagnostic]
    is_strange: bool = False


def read_formula(text: SourceText, known: Known, notation: str | None = None) -> Reading:
    """Read a formula in `notation`, or in the one that it shows to be in."""
    if notation not in (None, *NOTATIONS):
        facts = {"found": notation, "known": ", ".join(NOTATIONS)}
        return Reading(None, [Diagnostic("unknown-choice", None, facts, "choices-are")], [])
    if notation in ("latex", "python"):
        return _translation(text, known, notation) or _unreadable(text, notation)
    if notation is None and LATEX_SIGNS.search(text.content):
        return _translation(text, known, "latex") or _unreadable(text, "latex")
    plain = Reading(*parse(text), [])
    if plain.expression and not plain.problems and fits(plain.expression, known):
        return plain
    if len(text.content) > _LONGEST:
        return plain
    if notation is None and _is_python(text.content, known):
        return _translation(text, known, "python") or _unreadable(text, "python")
    other = _translation(text, known, "text")
    if other is None and notation is None:
        other = _translation(text, known, "python")
        other = other if other and other.expression else None
    return plain._replace(is_strange=True) if other is None or _is_same(plain, other) else other


def _is_python(content: str, known: Known) -> bool:
    """Does it call functions of libraries, or ask a known array for an attribute, `x.shape`?"""
    attributes = (match for match in _ATTRIBUTE.finditer(content) if match.group() not in known)
    return bool(_PYTHON.search(content)) or any(
        known.shapes.get(match[1]) is not None for match in attributes
    )


def _translation(text: SourceText, known: Known, notation: str) -> Reading | None:
    """The reading in another notation; None where it has none."""
    if len(text.content) > LONGEST_TRANSLATED:
        length = {"length": len(text.content), "most": LONGEST_TRANSLATED}
        return Reading(None, [Diagnostic("formula-too-long", text.span(0, 1), length, "shorter-steps")], [])
    reader = import_module(f"bpx.spec.notations.{_READERS[notation]}.read")
    translate: Translator = reader.translated
    try:
        part, certain = translate(text.content, known)
    except Asking as asking:
        span = text.span(asking.start, asking.end)
        facts = {"text": span.text, "first": asking.first, "second": asking.second}
        return Reading(None, [Diagnostic("two-readings", span, facts, "two-readings")], [])
    except Refusing as refusing:
        span = text.span(refusing.start, refusing.end)
        facts = {"text": span.text, **refusing.facts}
        return Reading(None, [Diagnostic(refusing.code, span, facts, refusing.help)], [])
    except (Unreadable, RecursionError):
        return None
    expression, problems = parse(TranslatedText(text, part))
    if expression is None or problems:
        return None
    facts = {"text": text.content.strip(), "reading": part.text}
    note = Diagnostic("read-as", text.span(0, len(text.content)), facts, severity="note")
    return Reading(expression, [], [] if certain else [note])


def _unreadable(text: SourceText, notation: str) -> Reading:
    """What to say where a notation was asked for, or is plain to see, and the text is not in it."""
    plain = Reading(*parse(text), [])
    if plain.problems:
        span = plain.problems[0].span
        facts = {"notation": say(f"notation.{notation}")}
        return Reading(None, [Diagnostic("unreadable-formula", span, facts, "see-expressions")], [])
    return plain


# --- bpx's own notation -------------------------------------------------------------------------


def fits(expression: Expression, known: Known) -> bool:
    """Is all of it known, so that nothing else can be meant?"""
    return all(map(_knows(known), postorder(expression.root)))


def _knows(known: Known) -> Callable[[Node], bool]:
    def knows(node: Node) -> bool:
        if isinstance(node, Name):
            first = node.name.partition(".")[0]
            return node.name in known or node.name in CONSTANTS or known.is_block(first)
        if isinstance(node, Call):
            arities = _OTHER_ARITIES.get(node.op, (len(node.args),))
            return (node.op in OPS or node.op in known.ops) and len(node.args) in arities
        return True

    return knows


def _is_same(plain: Reading, other: Reading) -> bool:
    """Are the trees equal? Then nothing was understood in another way."""
    if not plain.expression or plain.problems or not other.expression:
        return False
    return _shape_of(plain.expression) == _shape_of(other.expression)


def _shape_of(expression: Expression) -> list[object]:
    return [_content(node) for node in postorder(expression.root) if not isinstance(node, Group)]


def _content(node: Node) -> object:
    if isinstance(node, Call):
        op = OPS[node.op].name if node.op in OPS else node.op
        return op, len(node.args), [(setting.name, setting.value) for setting in node.settings]
    if isinstance(node, Name):
        return node.name
    return abs(node.value) if isinstance(node, Number) else node.value  # type: ignore[union-attr]
