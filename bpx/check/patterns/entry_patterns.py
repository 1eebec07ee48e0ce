"""Mistakes in where the numbers of an array stand, and mistakes in some of its entries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.check.numeric.tolerances import MOST_ENTRIES_NAMED
from bpx.check.patterns.comparison import Comparison, close
from bpx.check.patterns.moves import moves
from bpx.check.report.blame import Mistake

if TYPE_CHECKING:
    pass

# What some entries are times the right ones, while the others are right or off by something else.
SHARES = {"sign": -1.0, "double": 2.0, "half": 0.5, "zero": 0.0}


def entry_mistakes(comparison: Comparison) -> Iterator[Mistake]:
    """The mistakes in places and entries that give the claim, the plain ones first."""
    if not comparison.is_usable or np.size(comparison.right[0]) < 2:
        return
    for mistake, move in moves(np.shape(comparison.right[0])):
        if comparison.explained_by([move(right) for right in comparison.right]):
            yield mistake
            return
    some = _some_entries(comparison) or _one_element(comparison)
    if some:
        yield some
    elif not comparison.is_coarse and _is_permuted(comparison):
        yield Mistake("permuted")


# --- places -------------------------------------------------------------------------------------


def _is_permuted(comparison: Comparison) -> bool:
    """Are they the right numbers, each once, in other places?"""
    if np.size(comparison.right[0]) < 3:
        return False
    orders = [
        (np.argsort(a, axis=None), np.argsort(b, axis=None)) for a, b, _ in zip(*comparison, strict=True)
    ]
    moved: list[Any] = []
    for right, (of_right, of_claim) in zip(comparison.right, orders, strict=True):
        there = np.empty(right.size)
        there[of_claim] = right.ravel()[of_right]
        moved.append(there.reshape(right.shape))
    return comparison.explained_by(moved)


# --- some entries -------------------------------------------------------------------------------


def _some_entries(comparison: Comparison) -> Mistake | None:
    """Some entries wrong in one way, others right, or wrong in another: each way with its places."""
    if comparison.is_coarse:
        return None
    is_right = _all_close(comparison, 1.0)
    left = ~is_right
    ways = []
    for kind, factor in SHARES.items():
        # Where 0 is right, every factor of it is.
        here = (
            left & _all_close(comparison, factor) & np.any([right != 0 for right in comparison.right], axis=0)
        )
        if here.any():
            ways.append(some(kind, here))
            left &= ~here
    if left.any() or not 1 <= len(ways) <= 2 or (len(ways) == 1 and not is_right.any()):
        return None
    return ways[0] if len(ways) == 1 else Mistake.of("both", first=ways[0], second=ways[1])


def some(kind: str, entries: Any, most: int = MOST_ENTRIES_NAMED) -> Mistake:
    """The mistake in some entries: one of SHARES."""
    return Mistake.of(f"some-{kind}", entries=places(entries, most))


def _all_close(comparison: Comparison, factor: float) -> Any:
    """Which entries are so many times the right ones at every point?"""
    return np.all(
        [close(factor * right, claim, room) for right, claim, room in zip(*comparison, strict=True)], axis=0
    )


def _one_element(comparison: Comparison) -> Mistake | None:
    """One wrong element, the same everywhere, of an array of more than two."""
    wrong = [~close(*point) for point in zip(*comparison, strict=True)]
    one = np.size(wrong[0]) > 2 and all(there.sum() == 1 and (there == wrong[0]).all() for there in wrong)
    return Mistake.of("one-element", index=index(np.argwhere(wrong[0])[0])) if one else None


def places(mask: Any, most: int = MOST_ENTRIES_NAMED) -> str:
    """Entries by index, or whole rows and columns: `[1], [3]`, `[2, :]`, `[:, 0]`."""
    for axis in range(mask.ndim if mask.ndim > 1 else 0):
        others = tuple(other for other in range(mask.ndim) if other != axis)
        whole = mask.all(axis=others)
        if whole.any() and not mask[np.expand_dims(~whole, others) & np.ones(mask.shape, bool)].any():
            return _listed([_slice(mask.ndim, axis, at) for at in np.flatnonzero(whole).tolist()], most)
    return _listed([f"[{index(at)}]" for at in np.argwhere(mask)], most)


def _slice(ndim: int, axis: int, at: int) -> str:
    return "[" + ", ".join(str(at) if other == axis else ":" for other in range(ndim)) + "]"


def index(at: Any) -> str:
    """The index of an entry, without its brackets."""
    return ", ".join(str(int(i)) for i in at)


def _listed(names: Sequence[str], most: int) -> str:
    return ", ".join([*names[:most], *(["…"] if len(names) > most else [])])
