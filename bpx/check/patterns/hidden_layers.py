"""Mistakes in a layer that is seen only from outside: the derivative of its activation.

The gradients with respect to W and b of z = A @ W + b are Aᵀ @ dz and the sum of dz over its rows. Where A
has a name and no more rows than these have equations, dz can be solved for: once for what is right, once for
what is claimed. What is between the two is the mistake, and one mistake explains both gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from bpx.check.numeric.tolerances import HIDDEN_CLOSE
from bpx.check.patterns.claimed_gradient import ClaimedGradient
from bpx.check.patterns.named_factors import FORMS
from bpx.check.report.blame import Mistake
from bpx.graph.arrays import Array


class _Activation(NamedTuple):
    """A function and its derivative, in terms of its own value."""

    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]


_ACTIVATIONS: Mapping[str, _Activation] = {
    "tanh": _Activation(np.tanh, lambda h: 1 - h**2),
    "sigmoid": _Activation(lambda z: 1 / (1 + np.exp(-z)), lambda h: h * (1 - h)),
    "relu": _Activation(lambda z: np.maximum(z, 0), lambda h: np.where(h > 0, 1.0, 0.0)),
}


class _Solved(NamedTuple):
    """dz (rows, columns), right and as claimed, and z itself with the formula of it."""

    right: Array
    claimed: Array
    z: Array
    text: str


def hidden_mistakes(weights: ClaimedGradient, bias: ClaimedGradient | None) -> Iterator[Mistake]:
    """The mistakes in the activation behind `weights` (and `bias`) that give what is claimed of them."""
    if weights.right.ndim != 3 or len(weights.right) != 1 or not weights.known.all():
        return
    with np.errstate(all="ignore"):
        for solved in _solved(weights, bias):
            for name, activation in _ACTIVATIONS.items():
                yield from _mistakes(solved, name, activation)


def _mistakes(solved: _Solved, name: str, activation: _Activation) -> Iterator[Mistake]:
    h = activation.value(solved.z)
    layer, slope = f"{name}({solved.text})", activation.slope(h)
    if _same(solved.claimed * slope, solved.right):
        yield Mistake.of("hidden-slope-missing", layer=layer)
    elif _same(solved.claimed, solved.right * slope):
        yield Mistake.of("hidden-slope-twice", layer=layer)
    else:
        for form, function in FORMS.items():
            if _same(solved.claimed * slope, solved.right * function(h)):
                yield Mistake.of("hidden-slope-wrong", layer=layer, wrong=form.format("h"))


def _solved(weights: ClaimedGradient, bias: ClaimedGradient | None) -> Iterator[_Solved]:
    """dz for every named array that may be the input of the layer."""
    W = weights.values[weights.name]
    for name, A in weights.values.items():
        if np.ndim(A) != 2 or A.shape[1] != len(W):
            continue
        equations, sides = [A.T], [[weights.right[0], weights.claimed[0]]]
        z, text = A @ W, f"{name} @ {weights.name}"
        if bias is not None:
            equations.append(np.ones((1, len(A))))
            sides.append([bias.right.reshape(1, -1), bias.claimed.reshape(1, -1)])
            z, text = z + bias.values[bias.name], f"{text} + {bias.name}"
        left = np.concatenate(equations)
        if np.linalg.matrix_rank(left) < len(A):
            continue
        right, claimed = (np.concatenate(side) for side in zip(*sides, strict=True))
        dz = [np.linalg.lstsq(left, side, rcond=None)[0] for side in (right, claimed)]
        if _same(left @ dz[0], right) and _same(left @ dz[1], claimed):
            yield _Solved(dz[0], dz[1], z, text)


def _same(first: Array, second: Array) -> bool:
    """Equal, but for what solving leaves of the digits."""
    size = max(float(np.abs(first).max()), float(np.abs(second).max()))
    return bool((np.abs(first - second) <= HIDDEN_CLOSE * size).all()) and size > 0
