"""Mistakes in the gradient of what is scaled by a mean, a deviation or a length of its own.

What is free of its mean has a gradient whose sum is 0; what is free of its length has one that is
perpendicular to the input. Where the right gradient is so, and what the claim is off by has the form of the
term that makes it so, that term is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import NamedTuple

import numpy as np

from bpx.check.numeric.tolerances import LARGEST_EPS, PATTERN_CLOSE
from bpx.check.patterns.claimed_gradient import ClaimedGradient
from bpx.check.patterns.named_factors import Factor, factor_mistake
from bpx.check.report.blame import Mistake
from bpx.graph.arrays import Array

_FEWEST = 3  # elements along the axes: two numbers are a multiple of any other two but for one


class _Axes(NamedTuple):
    """Some axes of an input, as they stand in an array with a row for each upstream gradient."""

    own: tuple[int, ...]

    @property
    def in_rows(self) -> tuple[int, ...]:
        return tuple(axis + 1 for axis in self.own)

    @property
    def text(self) -> str:
        return ", ".join(map(str, self.own))


def terms_of_norms(gradient: ClaimedGradient) -> Iterator[Mistake]:
    """What a mean, a variance or a length, over an axis, takes away from each entry."""
    x = gradient.values.get(gradient.name)
    if x is None or not gradient.known.all():
        return
    for axes in _axes(x):
        n = int(np.prod([x.shape[axis] for axis in axes.own]))
        if n >= _FEWEST and _vanishes(gradient.right, axes):
            yield from _terms_of_deviation(gradient, x, axes, n)
        elif n >= _FEWEST and _vanishes(gradient.right * x, axes):
            yield from _terms_of_length(gradient, x, axes)


def _axes(x: Array) -> Iterator[_Axes]:
    for count in (1, 2):
        yield from map(_Axes, combinations(range(np.ndim(x)), count))


def _vanishes(terms: Array, axes: _Axes) -> bool:
    """Is the sum over the axes 0, but for rounding?"""
    return bool((np.abs(terms.sum(axis=axes.in_rows)) <= PATTERN_CLOSE * np.abs(terms).max()).all())


def _terms_of_deviation(gradient: ClaimedGradient, x: Array, axes: _Axes, n: int) -> Iterator[Mistake]:
    difference = gradient.claimed - gradient.right
    centred = x - x.mean(axis=axes.own, keepdims=True)
    centred = centred / np.sqrt((centred**2).mean(axis=axes.own, keepdims=True))
    level = difference.mean(axis=axes.in_rows, keepdims=True)
    slope = (difference * centred).mean(axis=axes.in_rows, keepdims=True)
    if gradient.explains(gradient.right + level):
        yield Mistake.of("mean-term", axis=axes.text)
    elif gradient.explains(gradient.right + slope * centred):
        yield Mistake.of("variance-term", axis=axes.text)
    elif n > _FEWEST and gradient.explains(gradient.right + level + slope * centred):
        yield Mistake.of("norm-terms", axis=axes.text)


def _terms_of_length(gradient: ClaimedGradient, x: Array, axes: _Axes) -> Iterator[Mistake]:
    difference, squares = gradient.claimed - gradient.right, (x**2).sum(axis=axes.own, keepdims=True)
    slope = (difference * x).sum(axis=axes.in_rows, keepdims=True) / squares
    if gradient.explains(gradient.right + slope * x):
        yield Mistake.of("length-term", axis=axes.text)


# --- deviations and lengths as factors --------------------------------------------------------------


def missing_deviations(gradient: ClaimedGradient) -> Iterator[Mistake]:
    """Multiplied by the deviation or the length of the input, or by its square, once too often or never."""
    x = gradient.values.get(gradient.name)
    if x is None or not gradient.known.all():
        return
    for axes in _axes(x):
        for text, value in _deviations(gradient, x, axes):
            for factor in _powers(text, value):
                if gradient.explains(gradient.right * factor.value):
                    yield factor_mistake(factor)


def _deviations(gradient: ClaimedGradient, x: Array, axes: _Axes) -> Iterator[tuple[str, Array]]:
    """With their formulas. What is added to a variance has a name, if it is not 0."""
    name, where = gradient.name, "" if len(axes.own) == np.ndim(x) else f", axis={axes.text}"
    yield f"norm({name}{where})", np.sqrt((x**2).sum(axis=axes.own, keepdims=True))
    means = {
        f"mean({name}^2{where})": (x**2).mean(axis=axes.own, keepdims=True),
        f"var({name}{where})": x.var(axis=axes.own, keepdims=True),
    }
    for text, mean in means.items():
        yield f"sqrt({text})", np.sqrt(mean)
        for eps, small in _small_numbers(gradient.values):
            yield f"sqrt({text} + {eps})", np.sqrt(mean + small)


def _small_numbers(values: Mapping[str, Array]) -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if np.size(value) == 1 and 0 < float(np.ravel(value)[0]) <= LARGEST_EPS:
            yield name, float(np.ravel(value)[0])


def _powers(text: str, value: Array) -> Iterator[Factor]:
    for form, factor in ((text, value), (f"{text}^2", value**2)):
        yield Factor(factor, form, missing=False)
        yield Factor(1 / factor, form, missing=True)
