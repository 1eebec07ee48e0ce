"""Binary floating-point numbers (m, e), each worth m · 2^e, in Python's own integers.

Binary, not decimal: every float64 number is one exactly, and so is every product of some of them, so that
what is equal stays equal. Results are exact, or good to more than the `bits` that are asked for, and left to
be rounded. Infinity is ±1 · 2^BEYOND, nan 0 · 2^BEYOND; what is undefined is nan, and nothing
raises. There is one zero, without a sign.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from bpx.check.numeric.tolerances import GUARD_BITS
from bpx.words.holding import holding

Binary = tuple[int, int]
BEYOND = sys.maxsize
NAN, INFINITY, ZERO, HALF, ONE = (0, BEYOND), (1, BEYOND), (0, 0), (1, -1), (1, 0)


def of_float(value: float) -> Binary:
    """A float or an int, as it is."""
    if isinstance(value, float) and not math.isfinite(value):
        return _sign(value), BEYOND
    numerator, denominator = value.as_integer_ratio()
    return numerator, 1 - denominator.bit_length()


def nearest_float(x: Binary) -> float:
    """Too large, it is infinite; too small, 0."""
    mantissa, exponent = x
    if not mantissa or exponent == BEYOND:
        return _extreme(x)
    try:
        if sys.float_info.min_exp - sys.float_info.mant_dig <= magnitude(x) <= sys.float_info.max_exp:
            # Python's quotient of integers is rounded once, below the normal numbers too.
            return mantissa / (1 << -exponent) if exponent < 0 else float(mantissa << exponent)
    except OverflowError:  # rounded up beyond the largest
        pass
    return _extreme((x[0], BEYOND)) if magnitude(x) > 0 else 0.0


def _extreme(x: Binary) -> float:
    """What is nan, infinite or 0."""
    if x[1] != BEYOND:
        return 0.0
    return math.copysign(math.inf, _sign(x[0])) if x[0] else math.nan


def magnitude(x: Binary) -> int:
    """The k with 2^(k-1) <= |x| < 2^k, of an x other than 0."""
    return x[0].bit_length() + x[1]


def fixed(x: Binary, bits: int) -> int:
    """x · 2^bits, rounded down."""
    shift = x[1] + bits
    return x[0] << shift if shift >= 0 else x[0] >> -shift


def rounded(x: Binary, bits: int) -> Binary:
    """The nearest number of so many bits; of two the even one, as in IEEE 754."""
    excess = x[0].bit_length() - bits
    return (_without(x[0], excess), x[1] + excess) if excess > 0 else x


def _without(mantissa: int, bits: int) -> int:
    """mantissa / 2^bits, rounded to the nearest integer, of two to the even one."""
    halves = mantissa >> (bits - 1)
    up = halves & 1 and (halves & 2 or halves << (bits - 1) != mantissa)
    return (halves >> 1) + bool(up)


# --- comparisons ---------------------------------------------------------------------------------


def is_finite(x: Binary) -> bool:
    """Neither infinite nor nan."""
    return x[1] != BEYOND


def is_whole(x: Binary) -> bool:
    """Has it no bits behind the point?"""
    return x[1] >= 0 or not x[0] or (x[0] & -x[0]).bit_length() > -x[1]


def is_odd(x: Binary) -> bool:
    """Is it whole, and half of it not?"""
    return is_whole(x) and not is_whole((x[0], x[1] - 1))


def order(x: Binary, y: Binary) -> int | None:
    """A number with the sign of x − y; None beside nan, which has no order."""
    if NAN in (x, y):
        return None
    if x[1] == BEYOND or y[1] == BEYOND:
        return (x[1] == BEYOND) * x[0] - (y[1] == BEYOND) * y[0]
    signs = _sign(x[0]), _sign(y[0])
    if signs[0] != signs[1] or not signs[0]:
        return signs[0] - signs[1]
    if magnitude(x) != magnitude(y):
        return signs[0] * (magnitude(x) - magnitude(y))
    least = min(x[1], y[1])
    return _sign((x[0] << (x[1] - least)) - (y[0] << (y[1] - least)))


def hashed(x: Binary) -> int:
    """The hash of an int or float of the same value: Python's rule for numbers of every type."""
    if x[1] == BEYOND:
        return hash(_extreme(x))
    modulus = sys.hash_info.modulus
    result = abs(x[0]) % modulus * pow(2, x[1], modulus) % modulus
    return result if x[0] >= 0 else -result


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


# --- arithmetic: nan and infinity never meet floats, whose warnings would reach whoever calls NumPy ---


def negative(x: Binary) -> Binary:
    """−x."""
    return -x[0], x[1]


def add(x: Binary, y: Binary, bits: int) -> Binary:
    """x + y, exactly unless one is nothing beside the other."""
    if x[1] == BEYOND or y[1] == BEYOND:
        if x[1] == y[1]:
            return x if x == y else NAN
        return x if x[1] == BEYOND else y
    if not x[0] or not y[0]:
        return x if x[0] else y
    if x[1] < y[1]:
        x, y = y, x
    shift = x[1] - y[1]
    # Shifting by the difference of e^1000 and 1 would fill the memory.
    if shift > bits and magnitude(x) - magnitude(y) > bits + 2:
        return x
    return (x[0] << shift) + y[0], y[1]


def subtract(x: Binary, y: Binary, bits: int) -> Binary:
    """x − y, as `add`."""
    return add(x, negative(y), bits)


def multiply(x: Binary, y: Binary, bits: int) -> Binary:
    """x · y, exactly."""
    if x[1] == BEYOND or y[1] == BEYOND:
        return _sign(x[0]) * _sign(y[0]), BEYOND
    return x[0] * y[0], x[1] + y[1]


def divide(x: Binary, y: Binary, bits: int) -> Binary:
    """x / y; whether anything is left over shows in the last bit, so that it can be rounded right."""
    if y[1] == BEYOND:
        return NAN if y == NAN or x[1] == BEYOND else ZERO
    if not y[0] or x[1] == BEYOND:
        return _sign(x[0]) * (_sign(y[0]) or 1), BEYOND
    shift = max(0, bits + 2 + y[0].bit_length() - x[0].bit_length())
    quotient, rest = divmod(x[0] << shift, y[0])
    return 2 * quotient + bool(rest), x[1] - y[1] - shift - 1


def floor_divide(x: Binary, y: Binary, bits: int) -> Binary:
    """The next whole number below x / y."""
    if not y[0] or x[1] == BEYOND or y[1] == BEYOND:
        return divide(x, y, bits)
    return divide(subtract(x, remainder(x, y, bits), bits), y, bits)


def remainder(x: Binary, y: Binary, bits: int) -> Binary:
    """x − y floor(x / y); nan where y is 0 or one of them is infinite."""
    if not y[0] or x[1] == BEYOND or y[1] == BEYOND:
        return NAN
    _take_whole_part(divide, x, y, bits)
    if x[1] >= y[1]:
        return x[0] * pow(2, x[1] - y[1], abs(y[0])) % y[0], y[1]
    if x[0] and magnitude(x) < magnitude(y):
        return x if (x[0] > 0) == (y[0] > 0) else add(x, y, bits)
    return x[0] % (y[0] << (y[1] - x[1])) if x[0] else 0, x[1]


def floor(x: Binary, bits: int) -> Binary:
    """The next whole number below."""
    _take_whole_part(add, x, ZERO, bits)
    return x if x[1] >= 0 else (x[0] >> -x[1], 0)


def nearest_whole(x: Binary, bits: int) -> Binary:
    """The nearest whole number, of two the even one."""
    _take_whole_part(add, x, HALF, bits)
    return x if x[1] >= 0 else (_without(x[0], -x[1]), 0)


# A run jumps where it takes the whole part of a whole number.
_whole_parts = ContextVar[list[Binary] | None]("whole_parts", default=None)


@contextmanager
def whole_parts() -> Iterator[list[Binary]]:
    """The numbers of which whole parts are taken inside, in order."""
    numbers: list[Binary] = []
    with holding(_whole_parts, numbers):
        yield numbers


def _take_whole_part(operation: Callable[[Binary, Binary, int], Binary], *args: Any) -> None:
    """Of what the operation gives, where somebody wants to know."""
    numbers = _whole_parts.get()
    if numbers is not None:
        numbers.append(operation(*args))


# --- powers and roots ----------------------------------------------------------------------------


def whole_power(x: Binary, n: int, bits: int) -> Binary:
    """x^n of a finite x, by repeated squaring; exact where it has no more bits."""
    wide = bits + GUARD_BITS + 2 * n.bit_length()
    result, square = ONE, x
    for digit in f"{abs(n):b}"[::-1]:
        if digit == "1":
            result = rounded(multiply(result, square, wide), wide)
        square = rounded(multiply(square, square, wide), wide)
    return result if n >= 0 else divide(ONE, result, bits)


def sqrt(x: Binary, bits: int) -> Binary:
    """The square root, nan below 0; exact where it has no more bits."""
    if x[0] < 0 or x[1] == BEYOND:
        return NAN if x[0] < 0 else x
    shift = max(0, 2 * (bits + GUARD_BITS) - x[0].bit_length())
    shift += (x[1] - shift) % 2
    return math.isqrt(x[0] << shift), (x[1] - shift) // 2


def cbrt(x: Binary, bits: int) -> Binary:
    """The real cube root; exact where it has no more bits."""
    if x[0] <= 0 or x[1] == BEYOND:
        return negative(cbrt(negative(x), bits)) if x[0] < 0 else x
    shift = max(0, 3 * (bits + GUARD_BITS) - x[0].bit_length())
    shift += (x[1] - shift) % 3
    return _integer_cbrt(x[0] << shift), (x[1] - shift) // 3


def _integer_cbrt(n: int) -> int:
    # From what float64 gives, rounded up, Newton's iteration falls until it is there.
    shift = max(0, n.bit_length() - sys.float_info.mant_dig) // 3
    root = int((n >> 3 * shift) ** (1 / 3)) + 2 << shift
    while (closer := (2 * root + n // (root * root)) // 3) < root:
        root = closer
    return root
