"""What stands below and above a sum: which elements are counted."""

from __future__ import annotations

from bpx.spec.notations.translation.mark import Mark
from bpx.spec.notations.translation.stopping import Refusing


def check_limit(mark: Mark, shape: tuple[int, ...] | None) -> None:
    """Raise `Refusing` where a sum leaves elements of an array of this shape out."""
    first, _, last = mark.limit.partition("..")
    if first not in ("", "0", "1") or (shape and last.isdecimal() and not _counts(first, last, shape)):
        raise Refusing("index-notation", mark.start, mark.end, "index-notation")


def _counts(first: str, last: str, shape: tuple[int, ...]) -> bool:
    """Does an index from `first` to `last` count all elements?"""
    return len(shape) == 1 and int(last) - int(first or "1") + 1 == shape[0]
