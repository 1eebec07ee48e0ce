"""Special functions as methods of a class of numbers of many digits: the ops ask for these by name."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from itertools import count
from typing import Any, Self

from bpx.ops.values import gamma, sinc

MOST_DERIVATIVES = 170  # as many as float64 has values for


class SpecialFunctions:
    """Methods for a class that has arithmetic, `log`, `floor`, `rint`, `sin` and `arctan`."""

    __slots__ = ()

    @abstractmethod
    def precisely(self, function: Callable[[int], Any]) -> Self:
        """What `function` gives with 20 digits more; it is told how many these are."""

    def lgamma(self) -> Self:
        """The logarithm of |Γ(x)|; infinite at its poles, exactly 0 at 1 and 2."""
        x: Any = self
        special: Self | None = None
        if x == 1 or x == 2:
            special = x * 0
        elif not x.isfinite() or _is_pole(x):
            special = 1 / (0 * x) if x.isfinite() else abs(x)
        if special is not None:
            return special
        return self.precisely(lambda digits: gamma.lgamma_of_number(x, _arithmetic(x, digits)))

    def digamma(self) -> Self:
        """Its derivative."""
        return self.polygamma(0)

    def polygamma(self, n: Any) -> Self:
        """Its derivative of order n + 1."""
        x: Any = self
        if not _is_order(n) or not x.isfinite() or _is_pole(x):
            undefined: Self = x * math.nan
            return undefined
        return self.precisely(lambda digits: gamma.polygamma_of_number(_int(n), x, _arithmetic(x, digits)))

    def sinc(self) -> Self:
        """Sin(πx)/(πx)."""
        return self.sinc_derivative(0)

    def sinc_derivative(self, n: Any) -> Self:
        """Its n-th derivative."""
        x: Any = self
        if not _is_order(n) or not x.isfinite():
            limit: Self = 1 / x if _is_order(n) else x * math.nan
            return limit
        return self.precisely(lambda digits: sinc.of_number(_int(n), +x, _pi(x), digits))


def _is_order(n: Any) -> bool:
    return bool(n >= 0) and bool(n <= MOST_DERIVATIVES) and bool(n % 1 == 0)


def _int(n: Any) -> int:
    """A whole number of any class as an int."""
    return next(k for k in count() if k >= n)


def _is_pole(x: Any) -> bool:
    return bool(x <= 0) and bool(x == x.floor())


def _pi(x: Any) -> Any:
    return 4 * (0 * x + 1).arctan()


def _arithmetic(x: Any, digits: int) -> gamma.Arithmetic:
    return gamma.Arithmetic(
        digits, lambda y: y.floor(), lambda y: y.log(), (8 * (0 * x + 1).arctan()).log() / 2
    )
