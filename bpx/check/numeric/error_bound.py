"""Numbers with an error bound: what the reverse sweep of the checker carries.

First-order error propagation in which every term counts by its absolute value, so that no two errors
cancel: the running error analysis of Higham, Accuracy and Stability of Numerical Algorithms (2nd ed.,
SIAM 2002), chapter 3. Products of two errors are kept where they may matter (an unbounded error times an
exact 0) and dropped elsewhere.

Convention: the fields of an `ErrorBound` have one shape; an infinite error says that nothing is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from bpx.check.numeric.tolerances import EPSILON, SAFETY_FACTOR, SINGLE_ROUNDINGS, SUM_STRANDS
from bpx.graph.arrays import Array, Shape, any_nonzero, is_finite


class ErrorBound(NamedTuple):
    """A value with the bounds of what may be wrong with it; all three fields have one shape.

    The truth lies within `error` of `value`; at kinks within `spread` more, as far as the choice of the
    derivative there matters (half the width of Clarke's interval).
    """

    value: Array
    error: Array
    spread: Array

    @classmethod
    def exact(cls, value: Array) -> ErrorBound:
        """A value without error."""
        value = np.asarray(value, dtype=np.float64)  # a number becomes an array of shape ()
        return cls(value, np.zeros(value.shape), np.zeros(value.shape))

    def leaves_open(self, detect: float) -> bool:
        """Are there elements in which a relative error of `detect` could not be told from the error here?"""
        return bool((SAFETY_FACTOR * self.error > detect * np.abs(self.value)).any())

    def plus(self, other: ErrorBound) -> ErrorBound:
        """The sum, element by element: both errors, and the rounding of the addition itself."""
        value = self.value + other.value
        # EPSILON is twice the largest error of one rounding, so the bound has room.
        rounding = EPSILON * np.abs(value)
        return ErrorBound(value, self.error + other.error + rounding, self.spread + other.spread)

    def times(self, slope: ErrorBound) -> ErrorBound:
        """The product, element by element; an exact 0 stays 0 even beside an unbounded slope."""
        value = self.value * slope.value
        size, largest_slope = np.abs(self.value), np.abs(slope.value) + slope.error
        # |ab - a'b'| ≤ |a| eb + ea (|b| + eb): the product of both errors counts once, with the slope's.
        error = _product(size, slope.error) + _product(self.error, largest_slope) + EPSILON * np.abs(value)
        if not any_nonzero(self.spread) and not any_nonzero(slope.spread):  # as wherever no kink is met
            unknown = np.zeros(value.shape) * (size + self.error)  # nan where nothing is known
            return ErrorBound(value, error, unknown)
        spread = _product(size + self.error, slope.spread)
        return ErrorBound(value, error, spread + _product(self.spread, largest_slope + slope.spread))

    def summed_to(self, shape: Shape) -> ErrorBound:
        """Summed over the axes along which a value of `shape` was broadcast."""
        if self.value.shape == shape:
            return self
        value, size, error, spread = (
            summed_to(field, shape) for field in (self.value, np.abs(self.value), self.error, self.spread)
        )
        count = max(1, self.value.size // max(1, value.size))
        # Rounding of a sum is relative to its terms, not to the sum, from which they may cancel.
        return ErrorBound(value, error + EPSILON * _additions(count) * size, spread)

    def pulled(
        self,
        pull: Callable[[Array], Array],
        magnitude: Callable[[Array], Array],
        relative_rounding: float,
    ) -> ErrorBound:
        """The image under the linear map `pull`.

        `magnitude` is the map of absolute values, |J|ᵀ, which bounds what errors become; the map itself
        loses `relative_rounding` of the terms that it adds.
        """
        error = magnitude(relative_rounding * np.abs(self.value) + self.error)
        # Most maps meet no kink at all: a product is saved.
        spread = magnitude(self.spread) if any_nonzero(self.spread) else 0 * error
        return ErrorBound(pull(self.value), error, spread)


def _additions(count: int) -> float:
    """How many machine epsilons the sum of `count` terms may lose, relative to the sum of their sizes.

    NumPy adds a contiguous axis in eight strands of up to 16 terms, joins these in pairs, and joins blocks
    of 128 in pairs again: at most 11 + log2(count) roundings, each of half an epsilon. Along other axes it
    adds row by row, up to count - 1 roundings, of which only about √count are lost (Higham and Mary, A new
    approach to probabilistic rounding error analysis, SISC 2019): the safety factor of a verdict covers
    these up to some 100,000 rows.
    """
    return min(count, SUM_STRANDS + math.log2(count))


def summed_to(value: Array, shape: Shape) -> Array:
    """`value` summed over the axes along which an array of `shape` was broadcast."""
    if value.shape == shape:
        return value
    lead = value.ndim - len(shape)
    axes = [axis + lead for axis, (n, m) in enumerate(zip(shape, value.shape[lead:], strict=True)) if n != m]
    summed: Array = np.sum(value, axis=(*range(lead), *axes)).reshape(shape)
    return summed


def _product(size: Array, bound: Array) -> Array:
    """size · bound, with 0 · ∞ = 0: what is exactly 0 is not moved by an unbounded factor."""
    product = size * bound
    return product if is_finite(bound) else np.where(size == 0, 0.0, product)


def short_float_rounding(value: Any, epsilon: float = EPSILON) -> float:
    """How far a right computation in the dtype of an array may be off; 0 for all but short floats.

    `epsilon` is that of a coarser type on the way.
    """
    dtype = getattr(value, "dtype", None)
    if dtype in (np.float32, np.float16):
        epsilon = max(epsilon, float(np.finfo(dtype).eps))
    if epsilon <= EPSILON:
        return 0.0
    return float(SINGLE_ROUNDINGS * epsilon * np.max(np.abs(value), initial=0.0))
