"""Rounding to decimal digits that is the same on every processor."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpx.check.numeric.tolerances import LEAST_POWER, OFF_A_POWER
from bpx.graph.arrays import Array

_POWERS_OF_TEN = np.array([float(f"1e{exponent}") for exponent in range(LEAST_POWER, -LEAST_POWER + 1)])


def above(numbers: Array | float) -> Any:
    """Numbers >= 0 rounded up to powers of ten; 0, nan and infinite ones stay."""
    numbers = np.asarray(numbers, dtype=float)
    with np.errstate(all="ignore"):
        power = _power_of_ten(np.ceil(np.log10(numbers) - OFF_A_POWER))
    return np.where((power > 0) & np.isfinite(power), power, numbers)


def in_digits(numbers: Array, digits: int) -> Array:
    """Numbers >= 0 rounded to so many significant digits; 0, nan and infinite ones stay."""
    with np.errstate(all="ignore"):
        exponent = np.floor(np.log10(numbers) + OFF_A_POWER) - (digits - 1)
        unit, inverse = _power_of_ten(exponent), _power_of_ten(-exponent)
        # A division by 1e17 is rounded once, so that the number is the one that its digits name.
        down = np.round(numbers * inverse) / inverse
        rounded = np.where((exponent < 0) & np.isfinite(inverse), down, np.round(numbers / unit) * unit)
    return np.where((unit > 0) & np.isfinite(rounded), rounded, numbers)


def _power_of_ten(exponent: Array) -> Any:
    """10 to whole exponents; that of NumPy is another in the last bit on another processor."""
    known = np.isfinite(exponent)
    if known.all():
        return _POWERS_OF_TEN.take(exponent.astype(int) - LEAST_POWER, mode="clip")
    power = _POWERS_OF_TEN.take(np.where(known, exponent, 0).astype(int) - LEAST_POWER, mode="clip")
    # Of infinite exponents it is the same, and nan stays.
    return np.exp(exponent, out=np.asarray(power), where=~known)
