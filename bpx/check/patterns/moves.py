"""What may have become of an array as a whole: its numbers in other places, or mixed with those of others.

Axes are counted from the end, so that each move may be made on an array and on a stack of such arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from bpx.check.report.blame import Mistake

if TYPE_CHECKING:
    from bpx.graph.arrays import Array, Shape

Move = tuple[Mistake, Callable[["Array"], "Array"]]

# Mistakes in nothing but the places of the numbers: they say something even of short numbers.
PLACES = {"result-transposed", "axes-exchanged", "turned", "reversed", "shifted"}


def moves(shape: Shape) -> Iterator[Move]:
    """The moves of an array of this shape, the likely ones first."""
    count = len(shape)
    pairs = [*combinations(range(count - 1, -1, -1), 2)]  # the last two axes first
    for last, first in pairs:
        if shape[first] == shape[last] > 1:
            yield from _transposed(first, last, count)
    for last, first in pairs:
        if min(shape[first], shape[last]) > 1:
            yield from _turned(first, last, count, shape[first] == shape[last])
    yield from _along_axes(shape)


def _transposed(first: int, last: int, count: int) -> Iterator[Move]:
    swap = partial(np.swapaxes, axis1=first - count, axis2=last - count)
    if first == count - 2:
        yield Mistake("result-transposed"), swap
    else:
        yield Mistake.of("axes-exchanged", first=first, second=last), swap
    yield Mistake("symmetric-part"), lambda right: (right + swap(right)) / 2
    yield Mistake("symmetric-sum"), lambda right: right + swap(right)


def _turned(first: int, last: int, count: int, is_square: bool) -> Iterator[Move]:
    axes = first - count, last - count
    facts = {"axes": f"{first}, {last}"}
    yield Mistake.of("turned", angle=180, **facts), partial(np.flip, axis=axes)
    for times in (1, 3) if is_square else ():
        yield Mistake.of("turned", angle=90 * times, **facts), partial(np.rot90, k=times, axes=axes)


def _along_axes(shape: Shape) -> Iterator[Move]:
    own = [axis for axis, length in enumerate(shape) if length > 1]
    for axis in own:
        yield Mistake.of("reversed", axis=axis), partial(np.flip, axis=axis - len(shape))
    for axis in own:
        for step in (1, -1) if shape[axis] > 2 else ():
            facts = {"axis": axis, "step": step}
            yield Mistake.of("shifted", **facts), partial(np.roll, shift=step, axis=axis - len(shape))
