"""Textbook notation → part."""

from __future__ import annotations

from bpx.spec.notations.textbook.marks import marks_of
from bpx.spec.notations.translation.grammar import read_marks
from bpx.spec.notations.translation.known import Known
from bpx.spec.notations.translation.parts import Part
from bpx.spec.notations.translation.stopping import Unreadable


def translated(content: str, known: Known) -> tuple[Part, bool]:
    """The part that a text means, and whether no other reading is as usual.

    Raises `Unreadable`, `Asking`, `Refusing`.
    """
    for norms in (True, False):  # ||x| - |y|| has no norm
        try:
            marks = marks_of(content, known, norms=norms)
            return read_marks(marks, known, content, exact_scripts=False)[0], False
        except Unreadable:
            if "||" not in content:
                break
    raise Unreadable
