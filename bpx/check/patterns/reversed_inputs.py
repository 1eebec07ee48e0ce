"""Claims that are right where another input is reversed, as the kernel of a convolution is when it is turned.

Whether a claim is the gradient at changed inputs shows along a few random directions. What forward keeps to
itself cannot be changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np

from bpx.check.numeric.tolerances import MOST_SUBSTITUTED_ELEMENTS, PATTERN_CLOSE, SHAPE_LOOKS
from bpx.check.patterns.claimed_gradient import ClaimedGradient
from bpx.check.report.blame import Mistake
from bpx.graph.arrays import Array

# Inputs by name, and a direction of the input looked at → the slopes of all rows (R,), None: there are none.
Slopes = Callable[[Mapping[str, Array], Array], "Array | None"]


def reversed_inputs(
    gradient: ClaimedGradient, inputs: Mapping[str, Array], slopes: Slopes
) -> Iterator[Mistake]:
    """The first of the other `inputs` that gives all claims when it is reversed along all axes."""
    if not gradient.known.all() or gradient.right.size > MOST_SUBSTITUTED_ELEMENTS:
        return
    for name, value in inputs.items():
        if name == gradient.name or value.size < 2:
            continue
        turned = {**inputs, name: np.flip(value)}
        if _explains(gradient, partial(slopes, turned)):
            yield Mistake.of("name-reversed", name=name)
            return


def _explains(gradient: ClaimedGradient, slopes: Callable[[Array], Array | None]) -> bool:
    """Are the claims these slopes in random directions, and the right gradient not?"""
    rng, right = np.random.default_rng(0), True
    for _ in range(SHAPE_LOOKS):
        direction = rng.normal(size=gradient.right.shape[1:])
        found = slopes(direction)
        if found is None or not _gives(gradient.claimed * direction, found):
            return False
        right &= _gives(gradient.right * direction, found)
    return not right


def _gives(parts: Array, slopes: Array) -> bool:
    """Do the sums of these parts (R, *shape) give the slopes (R,)?"""
    rows = parts.reshape(len(parts), -1)
    gap = np.abs(rows.sum(axis=1) - slopes)
    return bool((gap <= PATTERN_CLOSE * np.abs(rows).sum(axis=1)).all())
