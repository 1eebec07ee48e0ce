"""Elementary functions of binary numbers (m, e), each worth m · 2^e, to a wanted number of bits.

A function reduces its argument, sums a series on integers that stand for x · 2^bits, and scales the result
back. Results are good to a unit in the last of `bits` bits, however small they are, and carry some bits more,
for the caller to round away. Methods as in Brent and Zimmermann, Modern Computer Arithmetic
(2010), chapter 4: power series after halving the argument and, for inverse functions, one correction of what
float64 gives by a series in some 2^-50.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

from bpx.check.numeric.binary import (
    BEYOND,
    INFINITY,
    NAN,
    ONE,
    ZERO,
    Binary,
    add,
    divide,
    fixed,
    is_odd,
    is_whole,
    magnitude,
    multiply,
    negative,
    order,
    sqrt,
    subtract,
    whole_power,
)
from bpx.check.numeric.tolerances import (
    CONSTANT_BITS,
    FLOAT_GUESS_BITS,
    GUARD_BITS,
    HALVINGS,
    LARGEST_ANGLE_BITS,
    LARGEST_EXPONENT_BITS,
)

# --- constants -----------------------------------------------------------------------------------


def pi(bits: int) -> int:
    """π · 2^bits, rounded down."""
    return _constant(_pi, bits)


def ln2(bits: int) -> int:
    """log 2 · 2^bits, rounded down."""
    return _constant(_ln2, bits)


def _constant(compute: Callable[[int], int], bits: int) -> int:
    # Arguments ask for slightly different numbers of bits; few of these are worth keeping.
    wide = -(-(bits + GUARD_BITS) // CONSTANT_BITS) * CONSTANT_BITS
    return compute(wide) >> (wide - bits)


@cache
def _pi(bits: int) -> int:
    # Machin, 1706: π/4 = 4 arctan(1/5) − arctan(1/239).
    return 4 * (4 * _arctan_of_inverse(5, bits, -1) - _arctan_of_inverse(239, bits, -1))


@cache
def _ln2(bits: int) -> int:
    # log 2 = 18 artanh(1/26) − 2 artanh(1/4801) + 8 artanh(1/8749): Arndt and Haenel, π Unleashed, 2001.
    parts = ((18, 26), (-2, 4801), (8, 8749))
    return sum(weight * _arctan_of_inverse(n, bits, 1) for weight, n in parts)


def _arctan_of_inverse(n: int, bits: int, sign: int) -> int:
    """arctan(1/n) with sign -1, artanh(1/n) with sign 1."""
    power = total = (1 << bits) // n
    k = 1
    while power:
        power, k = power // (n * n), k + 2
        total += (sign if k % 4 == 3 else 1) * (power // k)
    return total


# --- series on integers --------------------------------------------------------------------------


def _exp(x: int, bits: int) -> int:
    """e^x of |x| < 2."""
    if x < 0:
        return (1 << 2 * bits) // _exp(-x, bits)
    # e^x = (e^(x / 2^k))^(2^k): every squaring doubles the error.
    halvings = int(HALVINGS * math.sqrt(bits))
    wide = bits + halvings + GUARD_BITS
    x = x << (wide - bits) >> halvings
    total = term = 1 << wide
    n = 0
    while term:
        n += 1
        term = (term * x >> wide) // n
        total += term
    for _ in range(halvings):
        total = total * total >> wide
    return total >> (wide - bits)


def _cos_sin(x: int, bits: int) -> tuple[int, int]:
    """The cosine and the sine of |x| < 4."""
    # The sine of x / 2^k by its series; then cos 2x = 1 − 2 sin² x, sin 2x = 2 sin x cos x.
    doublings = int(HALVINGS * math.sqrt(bits)) // 2  # each takes two products
    wide = bits + 2 * doublings + GUARD_BITS
    small = abs(x) << (wide - bits) >> doublings
    square = small * small >> wide
    sine = term = small
    n = 1
    while term:
        term = (term * square >> wide) // ((n + 1) * (n + 2))
        n += 2
        sine += term if n % 4 == 1 else -term
    one = 1 << wide
    cosine = math.isqrt((one << wide) - sine * sine)
    for _ in range(doublings):
        cosine, sine = one - (sine * sine >> (wide - 1)), sine * cosine >> (wide - 1)
    return cosine >> (wide - bits), (sine if x >= 0 else -sine) >> (wide - bits)


def _arctan_series(x: int, bits: int, sign: int) -> int:
    """arctan x with sign -1, artanh x with sign 1, of a small x."""
    square = x * x >> bits
    power = total = abs(x)
    k = 1
    while power:
        power, k = power * square >> bits, k + 2
        total += (sign if k % 4 == 3 else 1) * (power // k)
    return total if x >= 0 else -total


def _guess(value: float, bits: int) -> int:
    """A float with absolute precision, as an integer: what is left to correct is small."""
    return int(value * 2.0**FLOAT_GUESS_BITS) << bits >> FLOAT_GUESS_BITS


# --- exponentials and logarithms -----------------------------------------------------------------


def exp(x: Binary, bits: int) -> Binary:
    """e^x; its exponent alone is as long as x is large."""
    if x[0] and magnitude(x) > LARGEST_EXPONENT_BITS:
        return INFINITY if x[0] > 0 else ZERO
    if x[1] == BEYOND:
        return NAN
    wide = bits + GUARD_BITS + max(0, magnitude(x))
    power, rest = divmod(fixed(x, wide), ln2(wide))
    return _exp(rest, wide), power - wide


def expm1(x: Binary, bits: int) -> Binary:
    """e^x − 1."""
    if not x[0] or magnitude(x) < -bits:
        return x  # but for x² / 2
    if magnitude(x) > 1:
        return subtract(exp(x, bits + 1), ONE, bits)
    wide = bits + GUARD_BITS - magnitude(x)
    return _exp(fixed(x, wide), wide) - (1 << wide), -wide


def log(x: Binary, bits: int) -> Binary:
    """The natural logarithm; -inf at 0, nan below."""
    if x[0] <= 0 or x[1] == BEYOND:
        return x if x[0] > 0 else NAN if x[0] or x[1] == BEYOND else negative(INFINITY)
    power = magnitude(x)
    power -= 4 * x[0] < 3 << x[0].bit_length()
    t = (x[0], x[1] - power)  # in [3/4, 3/2)
    beyond = subtract(t, ONE, bits)
    # Only the logarithm of a number near 1 is near 0.
    near = -magnitude(beyond) if beyond[0] and not power else 0
    if near > bits:
        return beyond  # but for its square
    wide = bits + GUARD_BITS + max(0, near) + abs(power).bit_length()
    return power * ln2(wide) + _log(fixed(t, wide), wide), -wide


def _log(t: int, bits: int) -> int:
    guess = _guess(math.log(t / (1 << bits)), bits)
    rest = t * _exp(-guess, bits) >> bits  # 1 + ε
    one = 1 << bits
    return guess + 2 * _arctan_series(((rest - one) << bits) // (rest + one), bits, 1)


def log1p(x: Binary, bits: int) -> Binary:
    """log(1 + x)."""
    if x[0] and magnitude(x) < -bits:
        return x  # but for x² / 2
    return log(add(x, ONE, 2 * bits), bits)


def power(x: Binary, y: Binary, bits: int) -> Binary:
    """x^y; nan where x < 0 and y is not whole."""
    if x[1] == BEYOND or y[1] == BEYOND:
        return _power_beyond(x, y)
    if is_whole(y) and magnitude(y) <= LARGEST_EXPONENT_BITS:
        return whole_power(x, fixed(y, 0), bits)
    if order(y, (1, -1)) == 0:
        return sqrt(x, bits)
    if x[0] < 0 and is_whole(y):
        size = power(negative(x), y, bits)
        return negative(size) if is_odd(y) else size
    if x[0] <= 0:
        return NAN if x[0] else ZERO if y[0] > 0 else INFINITY
    wide = bits + GUARD_BITS + LARGEST_EXPONENT_BITS  # y log x may be as large as that
    return exp(multiply(y, log(x, wide), wide), bits)


def _power_beyond(x: Binary, y: Binary) -> Binary:
    """By the conventions of IEEE 754 for `pow`."""
    if (not y[0] and y != NAN) or order(x, ONE) == 0:
        return ONE
    if NAN in (x, y):
        return NAN
    if y[1] == BEYOND:
        beyond_one = order((abs(x[0]), x[1]), ONE)
        return ONE if not beyond_one else INFINITY if (beyond_one > 0) == (y[0] > 0) else ZERO
    return ZERO if y[0] < 0 else (-1 if x[0] < 0 and is_odd(y) else 1, BEYOND)


# --- angles --------------------------------------------------------------------------------------


def cos_sin(x: Binary, bits: int) -> tuple[Binary, Binary]:
    """The cosine and the sine, each to its own size; nan for an angle too large to be reduced."""
    if x[1] == BEYOND or (x[0] and magnitude(x) > LARGEST_ANGLE_BITS):
        return NAN, NAN
    if not x[0] or magnitude(x) < -bits:
        return ONE, x  # but for x² / 2 and x³ / 6
    wide = bits + GUARD_BITS + abs(magnitude(x))
    while True:
        half = pi(wide - 1)
        quarters, rest = divmod(fixed(x, wide) + half // 2, half)
        rest -= half // 2
        if rest.bit_length() > bits + GUARD_BITS // 2:
            break
        wide += bits  # near a zero of one of the two; that no number but 0 is a zero, π being irrational
    cosine, sine = _cos_sin(rest, wide)
    for _ in range(quarters % 4):
        cosine, sine = -sine, cosine
    return (cosine, -wide), (sine, -wide)


def arctan2(y: Binary, x: Binary, bits: int) -> Binary:
    """The angle of the point (x, y), to its own size; 0 at the origin."""
    if y[0] < 0:
        return negative(arctan2(negative(y), x, bits))
    if NAN in (x, y) or not (x[0] or y[0]):
        return NAN if NAN in (x, y) else ZERO
    if BEYOND in (x[1], y[1]):  # beside an infinite coordinate a finite one is 0
        y, x = ((z[0] if z[1] == BEYOND else 0, 0) for z in (y, x))
    flat = magnitude(x) - magnitude(y) if x[0] > 0 and y[0] else 0  # the angle is about 2^-flat
    if flat > bits:
        return divide(y, x, bits)  # but for its third power
    wide = bits + GUARD_BITS + max(0, flat)
    largest = max(magnitude(part) for part in (x, y) if part[0])
    v, u = fixed((y[0], y[1] - largest), wide), fixed((x[0], x[1] - largest), wide)
    one = 1 << wide
    guess = _guess(math.atan2(v / one, u / one), wide)
    cosine, sine = _cos_sin(guess, wide)
    # Turned back by the guess, the point lies on the axis, but for 2^-50.
    rest = ((v * cosine - u * sine) << wide) // (u * cosine + v * sine)
    return guess + _arctan_series(rest, wide, -1), -wide


# --- the error function --------------------------------------------------------------------------


def erf(x: Binary, bits: int) -> Binary:
    """The error function, by DLMF 7.6.2, whose terms are all of one sign."""
    if not x[0]:
        return x
    # 1 − erf x < exp(−x²), which is nothing beside 1.
    if magnitude(x) > bits.bit_length() or fixed(x, 0) ** 2 > bits:
        return (1 if x[0] > 0 else -1), 0
    size = abs(x[0]), x[1]
    # The sum is about e^(x²), which the factor in front takes back.
    wide = bits + GUARD_BITS + max(0, -magnitude(x)) + 2 * (fixed(size, 0) + 1) ** 2
    square = fixed(size, wide) ** 2 >> wide
    total = term = fixed(size, wide)
    n = 1
    while term:
        n += 2
        term = (term * square >> wide - 1) // n
        total += term
    root = math.isqrt(pi(wide) << wide)
    result = (2 * total * _exp_negative(square, wide)) // root
    return (result if x[0] > 0 else -result), -wide


def erfc(x: Binary, bits: int) -> Binary:
    """1 − erf x; of a large x by DLMF 7.12.1, whose error is less than the first term left out."""
    wide = bits + GUARD_BITS
    if x[0] <= 0 or magnitude(x) < 0:
        return subtract(ONE, erf(x, wide), wide)
    if magnitude(x) <= bits.bit_length() and fixed(x, 0) ** 2 <= bits:
        # So many of the bits of erf x are those of 1.
        wide += 2 * (fixed(x, 0) + 1) ** 2
        return subtract(ONE, erf(x, wide), wide)
    square = multiply(x, x, 2 * wide)
    half = fixed(divide(ONE, square, wide), wide) >> 1
    total = term = 1 << wide
    n = 1
    while abs(term) > 1:
        term, n = -(term * n * half >> wide), n + 2
        total += term
    root = multiply(x, (math.isqrt(pi(wide) << wide), -wide), wide)
    return divide(multiply((total, -wide), exp(negative(square), wide), wide), root, wide)


def _exp_negative(x: int, bits: int) -> int:
    """e^-x of x >= 0."""
    power, rest = divmod(x, ln2(bits))
    return (1 << 2 * bits) // _exp(rest, bits) >> power
