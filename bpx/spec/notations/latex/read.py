"""LaTeX → part."""

from __future__ import annotations

from bpx.spec.notations.grammar import Grammar
from bpx.spec.notations.known import Known
from bpx.spec.notations.latex.marks import Marks
from bpx.spec.notations.parts import Part


def translated(content: str, known: Known) -> tuple[Part, bool]:
    """The part that a formula means, and whether no other reading is as usual.

    Raises `Unreadable`, `Asking`, `Refusing`.
    """
    marks = Marks(content, known)
    grammar = Grammar(marks.all(), known, content, exact_scripts=True)
    return grammar.whole(), grammar.certain and marks.certain
