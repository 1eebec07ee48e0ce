"""Mistakes in where the numbers of an array stand, and mistakes in some of its entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.check.numeric.tolerances import MOST_ENTRIES_NAMED
from bpx.check.patterns.comparison import Comparison, close
from bpx.check.report.blame import Mistake

if TYPE_CHECKING:
    from bpx.graph.arrays import Array, Shape

# What some entries may be off by, while the others are right or off by something else.
_KINDS = {"sign": -1.0, "double": 2.0, "half": 0.5, "dropped": 0.0}
# Mistakes in nothing but the places of the numbers: they say something even of short numbers.
PLACES = {"result-transposed", "axes-exchanged", "turned", "reversed", "shifted"}


def entry_mistakes(comparison: Comparison) -> Iterator[Mistake]:
    """The mistakes in places and entries that give the claim, the plain ones first."""
    if not comparison.is_usable or np.size(comparison.right[0]) < 2:
        return
    for mistake, move in _moves(np.shape(comparison.right[0])):
        if comparison.explained_by([move(right) for right in comparison.right]):
            yield mistake
            return
    some = _some_entries(comparison) or _one_element(comparison)
    if some:
        yield some
    elif not comparison.is_coarse and _is_permuted(comparison):
        yield Mistake("permuted")


# --- places -------------------------------------------------------------------------------------

_Moves = Iterator[tuple[Mistake, Callable[["Array"], "Array"]]]


def _moves(shape: Shape) -> _Moves:
    """What may have become of an array of this shape as a whole."""
    axes = [axis for axis, length in enumerate(shape) if length > 1]
    if len(shape) > 1 and shape[-1] == shape[-2] > 1:
        yield Mistake("result-transposed"), lambda right: right.swapaxes(-1, -2)
        yield Mistake("symmetric-part"), lambda right: (right + right.swapaxes(-1, -2)) / 2
        yield Mistake("symmetric-sum"), lambda right: right + right.swapaxes(-1, -2)
    if len(shape) > 2 and shape[0] == shape[1] > 1:
        yield Mistake("axes-exchanged"), lambda right: right.swapaxes(0, 1)
    if len(shape) > 1 and min(shape[-2:]) > 1:
        yield Mistake.of("turned", angle=180), lambda right: np.flip(right, (-2, -1))
    if len(shape) > 1 and shape[-1] == shape[-2] > 1:
        for times in (1, 3):
            yield Mistake.of("turned", angle=90 * times), _turned(times)
    for axis in axes:
        yield Mistake.of("reversed", axis=axis), _reversed(axis)
    for axis in axes:
        for step in (1, -1) if shape[axis] > 2 else ():
            yield Mistake.of("shifted", axis=axis), _shifted(step, axis)


def _turned(times: int) -> Callable[[Array], Array]:
    return lambda right: np.rot90(right, times, (-2, -1))


def _reversed(axis: int) -> Callable[[Array], Array]:
    return lambda right: np.flip(right, axis)


def _shifted(step: int, axis: int) -> Callable[[Array], Array]:
    return lambda right: np.roll(right, step, axis)


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
    for kind, factor in _KINDS.items():
        # Where 0 is right, every factor of it is.
        here = (
            left & _all_close(comparison, factor) & np.any([right != 0 for right in comparison.right], axis=0)
        )
        if here.any():
            ways.append(Mistake.of("at", mistake=Mistake(kind), where=places(here)))
            left &= ~here
    if left.any() or not 1 <= len(ways) <= 2 or (len(ways) == 1 and not is_right.any()):
        return None
    return ways[0] if len(ways) == 1 else Mistake.of("both", first=ways[0], second=ways[1])


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
