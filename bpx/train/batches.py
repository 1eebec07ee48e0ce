"""Which inputs hold the examples of a training, one a row, and batches drawn from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bpx.graph.named.named_graph import Input
from bpx.words.diagnostic import Diagnostic
from bpx.words.say import say

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.intp]


class Examples(NamedTuple):
    """The inputs whose first axis runs over the examples, and how many there are."""

    inputs: tuple[Input, ...]
    total: int


def examples_of(inputs: Sequence[Input], size: int, problems: list[Diagnostic]) -> Examples | None:
    """The examples among `inputs`, for batches of `size`; None, with a problem, where there are none.

    Their number is the length of the first axis of the targets, or of the data where no target has an
    axis; every input of either role that is as long holds examples.
    """
    arrays = [leaf for leaf in inputs if leaf.role in ("data", "target") and leaf.value.ndim]
    # There is a target for every example, while data may be a table that all examples share.
    counted = [leaf for leaf in arrays if leaf.role == "target"] or arrays
    lengths = {len(leaf.value) for leaf in counted}
    facts = {
        "size": size,
        "lengths": say("word.list").join(f"{leaf.name} {len(leaf.value)}" for leaf in arrays),
    }
    if len(lengths) != 1:
        problems.append(Diagnostic("no-examples" if arrays else "no-axis", None, facts))
        return None
    (count,) = lengths
    if size > count:
        problems.append(Diagnostic("batch-too-large", None, {**facts, "count": count}))
        return None
    return Examples(tuple(leaf for leaf in arrays if len(leaf.value) == count), count)


def shuffled(count: int, size: int, seed: int) -> Iterator[Rows]:
    """Batches without end: each epoch in its own order; a remainder smaller than `size` is left out.

    The stream of `RandomState` is frozen (NEP 19), so that a seed means the same batches for ever.
    """
    # `RandomState` takes seeds of 32 bits only.
    draw = np.random.RandomState(seed % 2**32)
    while True:
        order = draw.permutation(count)
        yield from (order[start : start + size] for start in range(0, count - size + 1, size))
