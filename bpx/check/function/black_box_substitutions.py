"""Claims that are right for another value of another input: reversed, transposed, or after its update.

Whether a claim is the gradient at changed inputs shows along a few random directions, two calls of forward
each. A forward that keeps its data to itself cannot be asked so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from bpx.check.function.black_box_rows import BlackBoxRows
from bpx.check.numeric.tolerances import (
    LEARNING_RATES,
    MOST_SUBSTITUTED_ELEMENTS,
    PATTERN_CLOSE,
    PATTERN_STEP,
    SHAPE_LOOKS,
)
from bpx.check.patterns.claimed_gradient import ClaimedGradient
from bpx.check.report.blame import Mistake
from bpx.graph.arrays import Array
from bpx.graph.numbers import number


class _Substitution(NamedTuple):
    """Another value of one input, and the mistake of using it."""

    input: int
    value: Array
    mistake: Mistake


def substitution_mistakes(
    rows: BlackBoxRows, gradient: ClaimedGradient, input: int, gradients: Mapping[int, Array]
) -> Iterator[Mistake]:
    """The substitutions in other inputs that give all claims on this one.

    `gradients` are the right ones of the inputs of which they are known, (R, *shape).
    """
    if not gradient.known.all() or gradient.right.size > MOST_SUBSTITUTED_ELEMENTS:
        return
    for substitution in _substitutions(rows, input, gradients):
        if _explains(rows, gradient, input, substitution):
            yield substitution.mistake
            return


def _substitutions(rows: BlackBoxRows, input: int, gradients: Mapping[int, Array]) -> Iterator[_Substitution]:
    caller = rows.caller
    for other in caller.varied:
        value, name = caller.values[other], caller.names[other]
        if other == input or not value.ndim:
            continue
        yield _Substitution(other, np.flip(value), Mistake.of("name-reversed", name=name))
        if value.ndim > 1 and value.shape[-1] == value.shape[-2]:
            yield _Substitution(other, value.swapaxes(-1, -2), Mistake.of("name-transposed", name=name))
        if rows.output.size == 1 and other in gradients:
            for rate in LEARNING_RATES:
                updated = value - rate * gradients[other][0]
                yield _Substitution(other, updated, Mistake.of("updated", name=name, rate=number(rate)))


def _explains(rows: BlackBoxRows, gradient: ClaimedGradient, input: int, substitution: _Substitution) -> bool:
    """Are the claims the slopes in random directions, at the changed inputs but not at the right ones?"""
    rng, changed = np.random.default_rng(0), list(rows.caller.values)
    changed[substitution.input] = substitution.value
    right = False
    for _ in range(SHAPE_LOOKS):
        direction = rng.normal(size=gradient.right.shape[1:])
        claimed, expected = (_along(part, direction) for part in (gradient.claimed, gradient.right))
        slopes = _slopes(rows, gradient, changed, input, direction)
        size = np.abs(gradient.claimed * direction).reshape(len(claimed), -1).sum(axis=1)
        if slopes is None or not (np.abs(slopes - claimed) <= PATTERN_CLOSE * size).all():
            return False
        right |= bool((np.abs(slopes - expected) <= PATTERN_CLOSE * size).all())
    return not right


def _along(part: Array, direction: Array) -> Array:
    return np.asarray((part * direction).reshape(len(part), -1).sum(axis=1))


def _slopes(
    rows: BlackBoxRows, gradient: ClaimedGradient, values: list[Array], input: int, direction: Array
) -> Array | None:
    """Those of all rows (R,) along a direction of one input, by central differences; None: there are none."""
    step = PATTERN_STEP * max(1.0, float(np.abs(values[input]).max()))
    ends = []
    for side in (step, -step):
        moved = [*values]
        moved[input] = values[input] + side * direction
        output = rows.caller.nearby(moved)
        if output is None or output.shape != rows.output.shape:
            return None
        ends.append(gradient.upstreams @ output.ravel())
    return np.asarray((ends[0] - ends[1]) / (2 * step))
