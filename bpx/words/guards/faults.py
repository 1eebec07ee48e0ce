"""Faults of bpx's own in what only helps an answer, such as who is to blame: they cost the help alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from bpx.words.diagnostic import BpxError, Diagnostic

_T = TypeVar("_T")

# Whether a fault ends the program with its traceback: with `--traceback`, and in tests, which must see it.
raised = False


def helped(help: Callable[[], _T], without: Any, code: str = "no-cause") -> tuple[_T, Sequence[Diagnostic]]:
    """What `help` returns; where it has a fault, what is said `without` it, and a note of this code."""
    try:
        return help(), ()
    except (BpxError, MemoryError):  # which are about the input
        raise
    except Exception as error:
        if raised:
            raise
        return without, [Diagnostic(code, None, {"kind": type(error).__name__}, severity="note")]
