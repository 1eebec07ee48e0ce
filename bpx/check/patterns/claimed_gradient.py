"""What is known of the gradient of one input of code: numbers, and what values have names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from bpx.check.numeric.tolerances import PATTERN_CLOSE, PATTERN_ROUNDING
from bpx.check.patterns.comparison import fits
from bpx.check.report.blame import Mistake
from bpx.graph.arrays import Array


class ClaimedGradient(NamedTuple):
    """What is claimed of one input, and what is right.

    Entries that are not `known` are 0 in both. `values` are all that has a name: inputs, data, constants,
    the input itself among them; `references` the right gradients of other inputs. `upstreams` has shape
    (R, *output shape). `mixtures` are further upstream gradients, as weights (R,) of the rows, with what is
    claimed for them.
    """

    name: str
    right: Array
    claimed: Array
    known: Any
    output: Array
    upstreams: Array
    one_hot: bool
    values: Mapping[str, Array]
    references: Mapping[str, Array]
    mixtures: tuple[tuple[Array, Array], ...]

    def explains(self, predicted: Array) -> bool:
        """Does a prediction give the claimed numbers, and not just the right ones?"""
        shape = self.right.shape
        predicted = np.where(self.known, np.broadcast_to(predicted, shape), 0.0)
        return fits(predicted, self.claimed, 0.0) and not fits(predicted, self.right, 0.0)

    @property
    def wrong(self) -> Any:
        """Which entries are wrong, as a mistake is: by more than a pattern may be off."""
        gap, size = np.abs(self.claimed - self.right), np.maximum(np.abs(self.claimed), np.abs(self.right))
        largest = float(size.max(initial=0.0))
        return self.known & (gap > PATTERN_CLOSE * size + PATTERN_ROUNDING * largest)


Pattern = Callable[[ClaimedGradient], Iterator[Mistake]]
