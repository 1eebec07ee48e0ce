"""Claimed numbers beside the right ones: what a mistake must give to explain them, and plain factors.

A mistake explains a claim only if its numbers are the claimed ones *and* the right ones are not: what lies as
near to both says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpx.check.numeric.tolerances import (
    COARSE_CLAIM,
    LEFT_UNEXPLAINED,
    NEARLY_ONE,
    NO_CHANGE,
    PATTERN_CLOSE,
    PATTERN_ROUNDING,
    SINGLE_PRECISION,
)
from bpx.check.report.blame import Mistake
from bpx.graph.numbers import is_written_short, number

if TYPE_CHECKING:
    from bpx.graph.arrays import Array, Shape

# Kinds of factors that say something by themselves; any other number may be the sum of several mistakes.
PLAIN_FACTORS = {"sign", "double", "half", "mean-lost", "mean-doubled"}
_NICE_FACTORS: Mapping[float, str] = {-1.0: "sign", 2.0: "double", 0.5: "half"}


class Comparison(NamedTuple):
    """What is right, what is claimed, and how far each number may be off: one array for every point."""

    right: Sequence[Array]
    claimed: Sequence[Array]
    tolerances: Sequence[Any]

    @property
    def is_usable(self) -> bool:
        """Are the shapes the same, and all numbers finite?"""
        pairs = list(zip(self.right, self.claimed, strict=True))
        return all(np.shape(a) == np.shape(b) and np.isfinite([a, b]).all() for a, b in pairs)

    @property
    def is_coarse(self) -> bool:
        """Are the claims so short that too much could be said of them?"""
        pairs = zip(self.claimed, self.tolerances, strict=True)
        return any(np.any(np.asarray(room) > COARSE_CLAIM * np.abs(claim)) for claim, room in pairs)

    def explained_by(self, predicted: Sequence[Any]) -> bool:
        """Are predicted numbers, one array for each point, the claimed ones, while the right ones are not?"""
        return all(
            fits(prediction, claim, room) and _explains(prediction, right, claim, room)
            for prediction, right, claim, room in zip(predicted, *self, strict=True)
        ) and any(
            not fits(right, prediction, 0.0) for right, prediction in zip(self.right, predicted, strict=True)
        )

    def scaled(self, predicted: Sequence[Array]) -> Comparison:
        """The claims beside something else than what is right."""
        return self._replace(right=predicted)


def fits(predicted: Array, claimed: Array, tolerance: Any) -> bool:
    """Does a prediction reproduce the numbers?"""
    if np.shape(predicted) != np.shape(claimed) or not np.isfinite([predicted, claimed]).all():
        return False
    return bool(close(predicted, claimed, tolerance).all())


def close(predicted: Array, claimed: Array, tolerance: Any) -> Any:
    """Which elements of a prediction reproduce the numbers?"""
    scale = np.maximum(np.abs(predicted), np.abs(claimed))
    # Where the terms of an element cancel, rounding of the size of the largest ones may be left.
    rounding = PATTERN_ROUNDING * float(np.max(scale, initial=0.0))
    return np.abs(predicted - claimed) <= PATTERN_CLOSE * scale + rounding + tolerance


def _explains(predicted: Array, right: Array, claimed: Array, tolerance: Any) -> bool:
    """Does the prediction leave only a small part of what the claim is off by?"""
    left, off = (_gap(numbers, claimed, tolerance) for numbers in (predicted, right))
    rounding = PATTERN_ROUNDING * float(np.max(np.abs(claimed), initial=0.0))
    return left <= max(LEFT_UNEXPLAINED * off, rounding)


def _gap(numbers: Array, claimed: Array, tolerance: Any) -> float:
    return float(np.max(np.abs(numbers - claimed) - tolerance, initial=0.0))


def single_precision(comparison: Comparison) -> Mistake | None:
    """Nothing but the rounding of a computation in float32."""
    if not comparison.is_usable:
        return None
    pairs = list(zip(map(np.asarray, comparison.right), map(np.asarray, comparison.claimed), strict=True))
    scale = max(float(np.max(np.abs(right), initial=0.0)) for right, _ in pairs)
    off = max(float(np.max(np.abs(right - claimed), initial=0.0)) for right, claimed in pairs)
    # Numbers of a few digits are off by how they were written.
    differing = [claimed[claimed != right] for right, claimed in pairs]
    if 0 < off <= SINGLE_PRECISION * scale and not all(map(is_written_short, differing)):
        return Mistake.of("single-precision", off=number(off / scale, 1))
    return None


# --- factors ------------------------------------------------------------------------------------


def counts(shapes: Iterable[Shape]) -> set[int]:
    """How many elements a mean may have been taken of: along any of the axes of these shapes."""
    element_counts: set[int] = set()
    for shape in set(shapes):
        products = {1}
        for length in shape:
            products |= {length * product for product in products}
        element_counts |= products
    return element_counts - {1}


def constant_factor(comparison: Comparison, lengths: set[int]) -> Mistake | None:
    """The one factor between what is right and what is claimed, where there is one and it says something.

    A single number is always some multiple of another: then only -1, 2, ½ and the lengths of axes count.
    """
    pairs = [
        (a, b)
        for right, claimed in zip(comparison.right, comparison.claimed, strict=True)
        if np.shape(right) == np.shape(claimed)
        for a, b in zip(np.ravel(right).tolist(), np.ravel(claimed).tolist(), strict=True)
        if a != 0
    ]
    if not pairs or not comparison.is_usable:
        return None
    # The largest has lost the fewest digits to rounding.
    largest = max(pairs, key=lambda pair: abs(pair[0]))
    ratio = largest[1] / largest[0]
    magnitudes = sorted(abs(a) for a, _ in pairs)
    # Elements of one size state the factor only once, as a single number does.
    said_by_many = magnitudes[-1] > 1.001 * magnitudes[0]
    for factor in (*_near(ratio, lengths, comparison.is_coarse), ratio):
        if comparison.explained_by([factor * right for right in comparison.right]):
            return _factor_mistake(factor, lengths, said_by_many)
    return None


def _near(ratio: float, lengths: set[int], is_coarse: bool) -> list[float]:
    """The factors that say something and are about as large; a claim may have few digits."""
    telling = [*_NICE_FACTORS, *map(float, lengths), *(1.0 / n for n in lengths if n)]
    if not is_coarse:  # a wrong sign besides
        telling += [-factor for factor in telling if factor != -1.0]
    return [factor for factor in telling if abs(ratio - factor) <= 0.1 * abs(factor)]


def _factor_mistake(factor: float, lengths: set[int], said_by_many: bool) -> Mistake | None:
    if not math.isfinite(factor) or abs(factor) <= NO_CHANGE or abs(factor - 1) <= NEARLY_ONE:
        return None
    if factor in _NICE_FACTORS:
        return Mistake(_NICE_FACTORS[factor])
    if factor < 0:
        size = _factor_mistake(-factor, lengths, said_by_many)
        return size and Mistake.of("both", first=Mistake("sign"), second=size)
    for n in lengths:
        if n > 1 and factor == n:
            return Mistake.of("mean-lost", n=n)
        if n > 1 and factor == 1.0 / n:
            return Mistake.of("mean-doubled", n=n)
    if not said_by_many:
        return None
    if factor > 1:
        return Mistake.of("factor", factor=number(factor, 6))
    return Mistake.of("factor-below-one", factor=number(1.0 / factor, 6))
