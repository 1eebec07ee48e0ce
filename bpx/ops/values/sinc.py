"""Values of sinc(x) = sin(πx)/(πx) and of its derivatives of any order.

Of f(x) = x·sinc(x) = sin(πx)/π the n-th derivative is x·sinc⁽ⁿ⁾ + n·sinc⁽ⁿ⁻¹⁾ (Leibniz): a recurrence that
loses no digits where |πx| is larger than n. Below, the series of the sine over πx is derived term by term.
Sines and cosines are those of the distance from the nearest whole number, which floats have exactly.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bpx.ops.values.gamma import of_each_order

MOST_DERIVATIVES_OF_FLOATS = 100


def sinc_derivative(n: Any, x: Any) -> Any:
    """Sinc derived n times, of arrays of float64 that broadcast; nan where n is not whole, from 0 on."""
    return of_each_order(n, x, _of_floats, MOST_DERIVATIVES_OF_FLOATS)


def _of_floats(n: int, x: Any) -> Any:
    is_small = np.abs(x) * math.pi < max(1.5, n)
    is_infinite = np.isinf(x)
    small, large = np.where(is_small, x, 0.0), np.where(is_small | is_infinite, 1.0, x)
    found = np.where(is_small, series(n, small, math.pi, 2.0**-60), by_recurrence(n, large, math.pi))
    return np.where(is_infinite, 0.0, found)


def series(n: int, x: Any, pi: Any, smallest: float) -> Any:
    """Σ (-1)^k π^2k x^(2k-n) / ((2k+1) (2k-n)!) over 2k >= n, up to terms that small beside 1."""
    first = (n + 1) // 2
    square = (pi * x) ** 2
    term = (-1) ** first * pi ** (2 * first) * (x if n % 2 else 0 * x + 1)
    total, k = term / (2 * first + 1), first
    while np.any(abs(term) > smallest * abs(total)):
        k += 1
        term = -term * square / ((2 * k - n) * (2 * k - n - 1))
        total = total + term / (2 * k + 1)
    return total


def by_recurrence(n: int, x: Any, pi: Any) -> Any:
    """The same away from 0."""
    nearest = np.rint(x)
    rest = x - nearest
    parity = 1 - 2 * (nearest % 2)
    sine = parity * np.sin(pi * rest)
    # Of the distance from a half, as cos(πx) loses the digits of its zeros there.
    cosine = parity * np.sin(pi * (0.5 - abs(rest)))
    out = sine / (pi * x) + 0.0  # without the sign of a zero
    for order in range(1, n + 1):
        turned = (sine, cosine, -sine, -cosine)[order % 4]
        out = (turned * pi ** (order - 1) - order * out) / x
    return out


def of_number(n: int, x: Any, pi: Any, digits: int) -> Any:
    """The n-th derivative at a number of so many digits; pi has as many."""
    if abs(x) > n + 1:
        return by_recurrence(n, x, pi)
    return series(n, x, pi, 1 / (0 * x + 10) ** digits)
