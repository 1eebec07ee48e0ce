"""Textbook notation → part."""

from __future__ import annotations

from bpx.spec.notations.grammar import Grammar
from bpx.spec.notations.known import Known
from bpx.spec.notations.parts import Part
from bpx.spec.notations.textbook.marks import Marks


def translated(content: str, known: Known) -> tuple[Part, bool]:
    """The part that a text means, and whether no other reading is as usual.

    Raises `Unreadable`, `Asking`, `Refusing`.
    """
    marks = Marks(content, known).all()
    grammar = Grammar(marks, known, content, exact_scripts=False)
    return grammar.whole(), False
