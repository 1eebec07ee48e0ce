"""Numbers known within an error bar: what a reverse sweep of the checker carries.

First-order error propagation with every term taken by its absolute value, as in Higham, Accuracy and
Stability of Numerical Algorithms (2nd ed., SIAM 2002), chapter 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from bpx.graph.arrays import Array, Shape

UNIT = 2.0**-52  # the relative spacing of float64


class ErrorBound(NamedTuple):
    """`value` within `error`; at kinks within `spread` more, as far as the choice there matters."""

    value: Array
    error: Array
    spread: Array

    @classmethod
    def exactly(cls, value: Array) -> ErrorBound:
        """A value without error."""
        value = np.asarray(value, dtype=np.float64)
        return cls(value, np.zeros(value.shape), np.zeros(value.shape))

    def plus(self, other: ErrorBound) -> ErrorBound:
        """The sum."""
        value = self.value + other.value
        return ErrorBound(value, self.error + other.error + UNIT * np.abs(value), self.spread + other.spread)

    def times(self, slope: ErrorBound) -> ErrorBound:
        """The product, element by element; what is exactly 0 takes nothing from an unbounded slope."""
        value = self.value * slope.value
        size, steep = np.abs(self.value), np.abs(slope.value) + slope.error
        return ErrorBound(
            value,
            _product(size, slope.error) + _product(self.error, steep) + UNIT * np.abs(value),
            _product(size + self.error, slope.spread) + _product(self.spread, steep + slope.spread),
        )

    def summed_to(self, shape: Shape) -> ErrorBound:
        """Summed over the axes along which a value of `shape` was broadcast."""
        if self.value.shape == shape:
            return self
        value, size, error, spread = (
            summed_to(one, shape) for one in (self.value, np.abs(self.value), self.error, self.spread)
        )
        count = max(1, self.value.size // max(1, value.size))
        return ErrorBound(value, error + UNIT * _additions(count) * size, spread)

    def pulled(
        self, pull: Callable[[Array], Array], size: Callable[[Array], Array], loss: float
    ) -> ErrorBound:
        """Handed through a linear map; `size` is the map of absolute values, `loss` its relative rounding."""
        error = size(self.error) + loss * size(np.abs(self.value))
        return ErrorBound(pull(self.value), error, size(self.spread) if np.any(self.spread) else 0 * error)


def _additions(count: int) -> float:
    """How many roundings an element goes through at most: NumPy adds in eight strands, and those in pairs."""
    return min(count, 8.0 + math.log2(count))


def summed_to(value: Array, shape: Shape) -> Array:
    """`value` summed over the axes along which an array of `shape` was broadcast."""
    lead = value.ndim - len(shape)
    axes = [axis + lead for axis, (n, m) in enumerate(zip(shape, value.shape[lead:], strict=True)) if n != m]
    summed: Array = np.sum(value, axis=(*range(lead), *axes)).reshape(shape)
    return summed


def _product(size: Array, bound: Array) -> Array:
    return np.where(size == 0, 0.0, size * bound)
