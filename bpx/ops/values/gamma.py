"""Values of the logarithm of the gamma function and of its derivatives, which NumPy does not have.

For x > 0 by recurrence up to where Stirling's series holds (Abramowitz and Stegun, Handbook of Mathematical
Functions, 6.1.41, 6.3.18, 6.4.11 and their recurrences; as sums of powers, Hurwitz's zeta function, 23.2.5 by
Euler and Maclaurin). For x < 0 by the same recurrence over the poles: with -x = m + r, 0 < r < 1,

    log|Γ(x)| = logΓ(1-r) + logΓ(r) - logΓ(1-x),      ψ(x) = ψ(1-r) - ψ(r) + ψ(1-x),
    ζ(s, x) = ζ(s, 1-r) + (-1)^s (ζ(s, r) - ζ(s, 1-x)),

which is the reflection formula without its sine. Where the terms cancel, near zeros of the function, float64
has not enough digits: these elements are computed with 40 decimal ones.

Convention: at the poles, the whole numbers up to 0, `lgamma` is inf and its derivatives are nan.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_FLOOR, Decimal, localcontext
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from bpx.graph.arrays import Array

Function = Callable[[Any], Any]

DIGITS_OF_FLOATS, DIGITS_NEAR_ZEROS = 17, 40
CANCELLED = 0.25  # of the largest term is left: then more than two bits are lost
MOST_DERIVATIVES_OF_FLOATS = 170  # the factorial of the next number is no float
ONE_WITHOUT_EULER = 0.42278433509846713939  # 1 - γ


class Arithmetic(NamedTuple):
    """What the recurrences ask of a class of numbers beside + - * /."""

    digits: int
    floor: Function
    log: Function
    half_log_2_pi: Any


# --- for x > 0, numbers of any class --------------------------------------------------------------


@cache
def _bernoulli(count: int) -> list[Fraction]:
    """B₂, B₄, …, from the tangent numbers, which are whole.

    As in Brent and Harvey, Fast computation of Bernoulli, tangent and secant numbers (2013), algorithm 1.
    """
    tangents = [math.factorial(k) for k in range(count)]
    for k in range(1, count):
        for j in range(k, count):
            tangents[j] = (j - k) * tangents[j - 1] + (j - k + 2) * tangents[j]
    return [
        Fraction((-1) ** (k - 1) * 2 * k * tangent, 4**k * (4**k - 1))
        for k, tangent in enumerate(tangents, start=1)
    ]


@cache
def _coefficients_of_zeta(s: int, terms: int) -> list[Fraction]:
    """B₂ₖ/(2k)! · s (s + 1) … (s + 2k - 2)."""
    ratio, coefficients = Fraction(1), []
    for k, number in enumerate(_bernoulli(terms), start=1):
        ratio *= Fraction((s + 2 * k - 3) * (s + 2 * k - 2) if k > 1 else s, (2 * k - 1) * 2 * k)
        coefficients.append(number * ratio)
    return coefficients


@cache
def _coefficients_of_psi(terms: int) -> list[Fraction]:
    return [number / (2 * k) for k, number in enumerate(_bernoulli(terms), start=1)]


@cache
def _coefficients_of_log_gamma(terms: int) -> list[Fraction]:
    return [number / (2 * k * (2 * k - 1)) for k, number in enumerate(_bernoulli(terms), start=1)]


@cache
def _reach(s: int, digits: int) -> tuple[int, int]:
    """From where the series is used, and of how many terms, for a relative error of 10^-digits."""
    start, terms = math.ceil(0.5 * digits) + s, 1
    # |B₂ₖ|/(2k)! is about 2 (2π)^-2k; the error is less than the first term left out.
    while (
        math.lgamma(2 * terms + s) - math.lgamma(s) - 2 * terms * math.log(2 * math.pi * start)
        > -2.31 * digits
    ):
        terms += 1
    return start, terms


def _steps(x: Any, start: int) -> int:
    """How often 1 is added so that all of x are at least `start`."""
    least = min(np.ravel(x), default=start)
    return next((k for k in range(start) if least + k >= start), start)


def _series(x: Any, coefficients: list[Fraction]) -> Any:
    """Σ coefficient · x^-2k for k = 1, 2, …, the small terms first."""
    below, total = 1 / (x * x), 0 * x
    for ratio in reversed(coefficients):
        total = (total + ratio.numerator / (0 * x + ratio.denominator)) * below
    return total


def _zeta(s: int, x: Any, digits: int, unit: Any = 1) -> Any:
    """Hurwitz's Σ (x + k)^-s over k = 0, 1, …, for whole s >= 2; all terms are positive.

    It is in units of unit^-s: for a unit near x it is neither too small nor too large for a float.
    """
    start, terms = _reach(s, digits)
    steps = _steps(x, start)
    far = x + steps
    total = _series(far, _coefficients_of_zeta(s, terms)) + 1 / (0 * x + s - 1) + 1 / (2 * far)
    total = total * unit / (far / unit) ** (s - 1)
    for k in reversed(range(steps)):
        total = total + 1 / ((x + k) / unit) ** s
    return total


def _psi(x: Any, given: Arithmetic) -> Any:
    """The derivative of logΓ."""
    start, terms = _reach(1, given.digits)
    steps = _steps(x, start)
    far = x + steps
    total = given.log(far) - 1 / (2 * far) - _series(far, _coefficients_of_psi(terms))
    return total - sum((1 / (x + k) for k in reversed(range(steps))), start=0 * x)


def _log_gamma(x: Any, given: Arithmetic) -> Any:
    """LogΓ of numbers with digits to spare, as those around its zeros 1 and 2 are lost."""
    start, terms = _reach(1, given.digits)
    steps = _steps(x, start)
    far = x + steps
    product = 0 * x + 1
    for k in range(steps):
        product = product * (x + k)
    series = far * _series(far, _coefficients_of_log_gamma(terms))
    return (far - 1 / (0 * x + 2)) * given.log(far) - far + given.half_log_2_pi + series - given.log(product)


_HALF_LOG_2_PI = "0.91893853320467274178032973640561763986139747363778"


@cache
def _zeta_tails() -> list[float]:
    """ζ(k) - 1 for k = 2, 3, …, as many as count beside 0.5^k."""
    return [float(_zeta(k, np.float64(2.0), DIGITS_OF_FLOATS)) for k in range(2, 30)]


def _polynomial(coefficients: list[float], x: Any) -> Any:
    total = np.zeros_like(x)
    for coefficient in reversed(coefficients):
        total = coefficient + x * total
    return total


def _lgamma_of_positive(x: Array) -> Any:
    """By a series around the zeros 1 and 2 (6.1.33), which keeps their digits; by Stirling's from 10 on."""
    far = np.where(x >= 10, x, 10.0)
    large = (far - 0.5) * (np.log(far) - 1) - 0.5 + float(_HALF_LOG_2_PI)
    large = large + far * _series(far, _coefficients_of_log_gamma(10))
    near = np.where(x < 10, x, 1.0)
    # Γ(near) = factor · Γ(2 + rest) with |rest| <= 1/2; below 1.5 the factor divides.
    steps = np.where(near < 1.5, 0.0, np.floor(near - 1.5))
    rest = np.where(near < 0.5, near, np.where(near < 1.5, near - 1, near - 2 - steps))
    product = np.ones_like(near)
    for k in range(8):
        product = np.where(steps > k, product * (near - 1 - k), product)
    tails = [tail / k for k, tail in enumerate(_zeta_tails(), start=2)]
    around = rest * (ONE_WITHOUT_EULER + rest * _polynomial(tails, -rest)) + np.log(product)
    around = around - np.where(near < 1.5, np.log1p(rest), 0.0) - np.where(near < 0.5, np.log(near), 0.0)
    return np.where(x >= 10, large, around)


# --- for x < 0 ------------------------------------------------------------------------------------


def _parts(x: Any, floor: Function) -> tuple[Any, Any, Any]:
    """1 - r, r and 1 - x, where x < 0."""
    r = -x - floor(-x)
    return 1 - r, r, 1 - x


def _add_lgamma(before: Any, behind: Any, mirrored: Any) -> Any:
    return before + behind - mirrored


def _add_psi(before: Any, behind: Any, mirrored: Any) -> Any:
    return before - behind + mirrored


def _add_zeta(s: int) -> Callable[[Any, Any, Any], Any]:
    # Halfway between two poles the first two, which may be far larger, are the same.
    return lambda before, behind, mirrored: before + (-1) ** s * behind - (-1) ** s * mirrored


def _on_both_sides(x: Any, given: Arithmetic, of_positive: Function, add: Callable[..., Any]) -> Any:
    return of_positive(x) if x > 0 else add(*map(of_positive, _parts(x, given.floor)))


def lgamma_of_number(x: Any, given: Arithmetic) -> Any:
    """log|Γ(x)| of a number of many digits that is no pole."""
    return _on_both_sides(x, given, lambda part: _log_gamma(part, given), _add_lgamma)


def digamma_of_number(x: Any, given: Arithmetic) -> Any:
    """Its derivative."""
    return _on_both_sides(x, given, lambda part: _psi(part, given), _add_psi)


def polygamma_of_number(n: int, x: Any, given: Arithmetic) -> Any:
    """The n-th derivative of that one."""
    if n == 0:
        return digamma_of_number(x, given)
    zeta = _on_both_sides(x, given, lambda part: _zeta(n + 1, part, given.digits), _add_zeta(n + 1))
    return (-1) ** (n + 1) * math.factorial(n) * zeta


# --- of floats ------------------------------------------------------------------------------------


_FLOATS = Arithmetic(DIGITS_OF_FLOATS, np.floor, np.log, float(_HALF_LOG_2_PI))
_DECIMALS = Arithmetic(
    DIGITS_NEAR_ZEROS,
    lambda x: x.to_integral_value(ROUND_FLOOR),
    lambda x: x.ln(),
    Decimal(_HALF_LOG_2_PI),
)


def _of_floats(
    x: Any,
    of_positive: Function,
    add: Callable[..., Any],
    of_decimal: Function,
    at_poles: float,
    limit: float,
) -> Any:
    """The values at float64: `limit` at infinity; `of_decimal` where what is added cancels."""
    x = np.asarray(x, dtype=np.float64)
    is_right, is_left = (x > 0) & (x < np.inf), (x < 0) & (x != np.floor(x))
    out = np.where(np.isnan(x), x, np.where(x == np.inf, limit, at_poles))
    largest = np.zeros(x.shape)
    with np.errstate(all="ignore"):
        out[is_right] = of_positive(x[is_right])
        parts = [of_positive(part) for part in _parts(x[is_left], np.floor)]
        out[is_left] = add(*parts)
        largest[is_left] = np.max(np.abs(parts), axis=0, initial=0.0)
    if of_positive is _psi_of_floats:  # which is a difference here, too: it has a zero at 1.46
        largest[(x > 1) & (x < 1.7)] = 0.5
    for at in map(tuple, np.argwhere(np.abs(out) < CANCELLED * largest)):
        with localcontext(prec=DIGITS_NEAR_ZEROS + 20):
            out[at] = float(of_decimal(Decimal(float(x[at]))))
    return out[()]


def _psi_of_floats(x: Any) -> Any:
    """Around 1 and 2 by the series that has no larger terms (6.3.14)."""
    is_near = (x > 0.5) & (x < 2.5)
    near = np.where(is_near, x, 2.0)
    rest = near - np.where(near < 1.5, 1, 2)
    around = (
        ONE_WITHOUT_EULER + rest * _polynomial(_zeta_tails(), -rest) - np.where(near < 1.5, 1 / near, 0.0)
    )
    return np.where(is_near, around, _psi(np.where(is_near, 10.0, x), _FLOATS))


def lgamma(x: Any) -> Any:
    """log|Γ(x)|."""
    return _of_floats(
        x, _lgamma_of_positive, _add_lgamma, lambda x: lgamma_of_number(x, _DECIMALS), math.inf, math.inf
    )


def digamma(x: Any) -> Any:
    """ψ(x), its derivative."""
    return _of_floats(
        x, _psi_of_floats, _add_psi, lambda x: digamma_of_number(x, _DECIMALS), math.nan, math.inf
    )


def _polygamma(n: int, x: Any) -> Any:
    """The n-th derivative of ψ, of float64."""
    if n == 0:
        return digamma(x)
    factor = (-1.0) ** (n + 1) * math.factorial(n)
    zeta = _of_floats(
        x,
        lambda part: _zeta(n + 1, part, DIGITS_OF_FLOATS),
        _add_zeta(n + 1),
        lambda x: polygamma_of_number(n, x, _DECIMALS) / Decimal(factor),
        math.nan,
        0.0,
    )
    # Far from the poles zeta alone may be no float, but in other units it is.
    is_far = (x > 1) & (x < np.inf)
    (fraction, size), exponents = np.frexp(factor), np.frexp(x[is_far])[1]
    with np.errstate(all="ignore"):
        out = factor * zeta
        scaled = _zeta(n + 1, x[is_far], DIGITS_OF_FLOATS, np.ldexp(1.0, exponents))
        out[is_far] = np.ldexp(fraction * scaled, size - (n + 1) * exponents)
    return out


def polygamma(n: Any, x: Any) -> Any:
    """ψ derived n times, of arrays that broadcast; nan where n is not a whole number from 0 on."""
    return of_each_order(n, x, _polygamma, MOST_DERIVATIVES_OF_FLOATS)


def of_each_order(n: Any, x: Any, function: Callable[[int, Any], Any], most: int) -> Any:
    """`function(order, x)` of float64, for the order that stands in `n` beside each x."""
    n, x = np.broadcast_arrays(np.asarray(n, dtype=np.float64), np.asarray(x, dtype=np.float64))
    out = np.full(x.shape, np.nan)
    for order in np.unique(n[(n >= 0) & (n == np.floor(n)) & (n <= most)]):
        out[n == order] = function(int(order), x[n == order])
    return out[()]
