"""LaTeX → part."""

from __future__ import annotations

from bpx.spec.notations.latex.marks import marks_of
from bpx.spec.notations.translation.grammar import read_marks
from bpx.spec.notations.translation.known import Known
from bpx.spec.notations.translation.parts import Part
from bpx.spec.notations.translation.stopping import Unreadable


def translated(content: str, known: Known) -> tuple[Part, bool]:
    """The part that a formula means, and whether no other reading is as usual.

    Raises `Unreadable`, `Asking`, `Refusing`.
    """
    try:
        return _translated(content, known, norms=True)
    except Unreadable:
        if "||" not in content:
            raise
        return _translated(content, known, norms=False)[0], False  # ||x| - |y||


def _translated(content: str, known: Known, *, norms: bool) -> tuple[Part, bool]:
    marks, certain_marks = marks_of(content, known, norms=norms)
    part, certain = read_marks(marks, known, content, exact_scripts=True)
    return part, certain and certain_marks
