"""Textbook notation → part."""

from __future__ import annotations

from bpx.spec.notations.textbook.marks import marks_of
from bpx.spec.notations.translation.grammar import read_marks
from bpx.spec.notations.translation.known import Known
from bpx.spec.notations.translation.parts import Part


def translated(content: str, known: Known) -> tuple[Part, bool]:
    """The part that a text means, and whether no other reading is as usual.

    Raises `Unreadable`, `Asking`, `Refusing`.
    """
    part, _ = read_marks(marks_of(content, known), known, content, exact_scripts=False)
    return part, False
