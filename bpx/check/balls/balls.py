"""Real numbers known to lie in a ball, and how fast they move: NumPy functions run on them.

A `Ball` goes into arrays of objects, as `Multiprecision` does. It holds an interval that is proved to contain
a number, and one that is proved to contain its derivative by the one coordinate that is moved (or one for
each of many, see `Slopes`); a number that does not depend on the coordinate has no slope. So one run of a
forward program gives a proved enclosure of a derivative: rounding is in the radius, and no step is taken.
The rules used are those below, for the functions of NumPy; none of them is the rule of an op.

The intervals are the balls of Johansson, Arb: efficient arbitrary-precision midpoint-radius interval
arithmetic (IEEE Transactions on Computers 66, 2017), by way of python-flint. Forward differentiation by
pairs of intervals: Moore, Kearfott and Cloud, Introduction to Interval Analysis (SIAM 2009), chapter 9.

What makes the enclosure a proof: on every ball that a function is applied to it is analytic, or the result
is undefined (nan, which nothing undoes); and every comparison is decided by balls that do not meet. Where
two numbers are exactly equal and one of them moves, the comparison is decided for either side of the point,
by the slopes: then both one-sided derivatives are known, and the value must be the same on both sides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.check.balls import special
from bpx.check.balls.ball_context import flint
from bpx.check.balls.slopes import Apart, Slopes
from bpx.words.say import say

if TYPE_CHECKING:
    from numpy.typing import NDArray

Whole = (int, np.integer, np.bool_)
Reals = (*Whole, float, np.floating)


class Undecided(ArithmeticError):
    """A comparison of balls that meet: with more bits they may not."""


class Tie(ArithmeticError):
    """A comparison of numbers that are equal here and move: each side of the point has its own answer."""


class NoDerivative(ArithmeticError):
    """The sides of the point have slopes, or values, that differ."""


_sides = [0]  # the side of the point looked at: 1 right, -1 left, 0 not chosen; the last counts


@contextmanager
def to_the(side: int) -> Iterator[None]:
    """Decide ties as they are decided beside the point: to the right of it (1), or to the left (-1)."""
    _sides.append(side)
    try:
        yield
    finally:
        _sides.pop()


# --- rules of the functions ----------------------------------------------------------------------

Unary = Callable[[Any], Any]
_NEW: Any = object.__new__  # there are millions of balls: most are made of two arbs, with nothing to convert


def _function(value: Unary, slope: Callable[[Any, Any], Any]) -> Callable[[Ball], Ball]:
    """A method: `value(x)`, and the derivative `slope(x, value)` as a factor of how fast x moves."""

    def method(self: Ball) -> Ball:
        x, dx = self.value, self.slope
        result = value(x)
        return _ball(result, None if dx is None else slope(x, result) * dx)

    return method


def _of_order(derivative: Callable[[int, Any], Any]) -> Callable[[Ball, Any], Ball]:
    """A method that takes an order; undefined where that is no whole number from 0 on, or moves."""

    def method(self: Ball, n: Any) -> Ball:
        order = _operand(n)
        if order is not None and isinstance(order.slope, Slopes):
            raise Apart
        whole = order.value.unique_fmpz() if order is not None and order.slope is None else None
        if order is None or whole is None or not order.value.is_exact() or whole < 0:
            return Ball(math.nan)
        n = int(whole)
        return _function(lambda x: derivative(n, x), lambda x, out: derivative(n + 1, x))(self)

    return method


def _operator(operation: Callable[[Ball, Ball], Ball]) -> tuple[Any, Any]:
    """An operator and its reflection."""

    def method(self: Ball, other: Any) -> Any:
        right = _operand(other)
        return NotImplemented if right is None else operation(self, right)

    def reflected(self: Ball, other: Any) -> Any:
        left = _operand(other)
        return NotImplemented if left is None else operation(left, self)

    return method, reflected


def _comparison(holds: Callable[[int], bool]) -> Callable[[Ball, Any], Any]:
    """A comparison; `holds` is told the sign of the difference."""

    def method(self: Ball, other: Any) -> Any:
        right = _operand(other)
        return NotImplemented if right is None else holds(_order(self, right))

    return method


def _whole(rounded: Callable[[Any], Any], places: Callable[[Any], Any]) -> Callable[[Ball], Ball]:
    """A method that rounds to whole numbers; it jumps where `places` is a whole number."""

    def method(self: Ball) -> Ball:
        if self.slope is not None and self.value.is_exact() and places(self.value).is_integer():
            raise NoDerivative
        if (self.slope is not None or not self.value.is_exact()) and places(self.value).contains_integer():
            raise Undecided
        whole = rounded(self.value).unique_fmpz() if self.value.is_finite() else None
        return Ball(flint().arb("nan" if whole is None else whole), None)

    return method


def _ball(value: Any, slope: Any) -> Ball:
    """The ball of two arbs: where either is not finite, undefined."""
    ball: Ball = _NEW(Ball)
    if value.is_finite() and (slope is None or slope.is_finite()):
        ball.value, ball.slope = value, slope
    else:
        ball.value, ball.slope = flint().arb.nan(), None
    return ball


def _add(x: Ball, y: Ball) -> Ball:
    return _ball(x.value + y.value, _plus(x.slope, y.slope))


def _subtract(x: Ball, y: Ball) -> Ball:
    if x is y:  # as the largest of some numbers, subtracted from each
        return Ball(x.value - x.value if not x.isfinite() else 0)
    return _ball(x.value - y.value, _plus(x.slope, None if y.slope is None else -y.slope))


def _multiply(x: Ball, y: Ball) -> Ball:
    dx, dy = x.slope, y.slope
    if dx is None:
        return _ball(x.value * y.value, None if dy is None else dy * x.value)
    return _ball(x.value * y.value, dx * y.value if dy is None else dx * y.value + dy * x.value)


def _divide(x: Ball, y: Ball) -> Ball:
    quotient = x.value / y.value
    above = _plus(x.slope, None if y.slope is None else -quotient * y.slope)
    return _ball(quotient, None if above is None else above / y.value)


def _floor_divide(x: Ball, y: Ball) -> Ball:
    return _divide(x, y).floor()


def _remainder(x: Ball, y: Ball) -> Ball:
    return _subtract(x, _multiply(_floor_divide(x, y), y))


def _power(x: Ball, y: Ball) -> Ball:
    """x^y; a fixed whole exponent asks nothing of x, every other asks for x > 0."""
    if isinstance(y.slope, Slopes):
        raise Apart  # the exponent may be fixed for some coordinates
    exponent = y.value.unique_fmpz() if y.slope is None and y.value.is_exact() else None
    if exponent is not None:
        below = 0 if exponent == 0 else exponent * x.value ** (exponent - 1)
        return Ball(x.value**exponent, _times(x.slope, below))
    if x.slope is None and x.value.is_zero() and y.slope is None and y.value > 0:
        return Ball(x.value)
    log = x.value.log()
    value = (y.value * log).exp()
    rate = _plus(_times(x.slope, y.value / x.value), _times(y.slope, log))
    return _ball(value, _times(rate, value))


def _angle(y: Ball, x: Ball) -> Ball:
    """The angle of the point (x, y); off the negative x axis, where it jumps, and the origin."""
    moves = y.slope is not None or x.slope is not None
    if moves and not (x.value > 0 or y.value > 0 or y.value < 0):
        raise NoDerivative if y.value.is_zero() else Undecided
    value = flint().arb.atan2(y.value, x.value)
    above = _plus(_times(y.slope, x.value), _times(x.slope, -y.value))
    return _ball(value, None if above is None else above / (x.value**2 + y.value**2))


def _plus(x: Any, y: Any) -> Any:
    if x is None or y is None:
        return y if x is None else x
    return x + y


def _times(slope: Any, factor: Any) -> Any:
    return None if slope is None else slope * factor


def _half(x: Any) -> Any:
    return flint().arb(1) / 2 + x


def _nearest(x: Any) -> Any:
    """The nearest whole number, of two the even one, which only exact numbers come to."""
    up = _half(x).floor()
    tie = x.is_exact() and _half(x).is_integer() and not (up / 2).is_integer()
    return up - 1 if tie else up


def _cbrt(x: Any) -> Any:
    root = abs(x).root(3)
    return root if x >= 0 else -root if x < 0 else flint().arb.nan()


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + (-x).exp())


class Ball:
    """An interval that holds a number, and one that holds its slope; None for what does not move."""

    __slots__ = ("slope", "value")

    value: Any
    slope: Any

    def __init__(self, value: Any, slope: Any = None) -> None:
        """Take an arb as it is, a float or an int without rounding; all else is undefined."""
        arb = flint().arb
        ball = _ball(value if isinstance(value, arb) else arb(_plain(value)), slope)
        self.value, self.slope = ball.value, ball.slope

    def __repr__(self) -> str:
        return f"Ball({self.value.str(20)}, {self.slope and self.slope.str(20)})"

    def __float__(self) -> float:
        raise TypeError(say("python.multiprecision"))

    __hash__ = None  # type: ignore[assignment]  # what is equal cannot always be told

    def __bool__(self) -> bool:
        return _order(self, Ball(0)) != 0

    __add__, __radd__ = _operator(_add)
    __sub__, __rsub__ = _operator(_subtract)
    __mul__, __rmul__ = _operator(_multiply)
    __truediv__, __rtruediv__ = _operator(_divide)
    __floordiv__, __rfloordiv__ = _operator(_floor_divide)
    __mod__, __rmod__ = _operator(_remainder)
    __pow__, __rpow__ = _operator(_power)

    __eq__ = _comparison(lambda sign: sign == 0)
    __ne__ = _comparison(lambda sign: sign != 0)
    __lt__ = _comparison(lambda sign: sign < 0)
    __le__ = _comparison(lambda sign: sign <= 0)
    __gt__ = _comparison(lambda sign: sign > 0)
    __ge__ = _comparison(lambda sign: sign >= 0)

    def __neg__(self) -> Ball:
        return _ball(-self.value, None if self.slope is None else -self.slope)

    def __pos__(self) -> Ball:
        return self

    def __abs__(self) -> Ball:
        if self.slope is None:
            return Ball(abs(self.value))
        return -self if _order(self, Ball(0)) < 0 else self

    # The names are NumPy's, which looks for methods of these names; where a function and its slope are not
    # defined on the whole ball, arb answers nan.
    exp = _function(lambda x: x.exp(), lambda x, out: out)
    expm1 = _function(lambda x: x.expm1(), lambda x, out: x.exp())
    exp2 = _function(lambda x: (x * _log_of(2)).exp(), lambda x, out: out * _log_of(2))
    log = _function(lambda x: x.log(), lambda x, out: 1 / x)
    log1p = _function(lambda x: x.log1p(), lambda x, out: 1 / (1 + x))
    log2 = _function(lambda x: x.log() / _log_of(2), lambda x, out: 1 / (x * _log_of(2)))
    log10 = _function(lambda x: x.log() / _log_of(10), lambda x, out: 1 / (x * _log_of(10)))
    sqrt = _function(lambda x: x.sqrt(), lambda x, out: x.rsqrt() / 2)
    cbrt = _function(_cbrt, lambda x, out: out / (3 * x))
    sin = _function(lambda x: x.sin(), lambda x, out: x.cos())
    cos = _function(lambda x: x.cos(), lambda x, out: -x.sin())
    tan = _function(lambda x: x.tan(), lambda x, out: x.sec() ** 2)
    arcsin = _function(lambda x: x.asin(), lambda x, out: ((1 - x) * (1 + x)).rsqrt())
    arccos = _function(lambda x: x.acos(), lambda x, out: -((1 - x) * (1 + x)).rsqrt())
    arctan = _function(lambda x: x.atan(), lambda x, out: 1 / (1 + x**2))
    sinh = _function(lambda x: x.sinh(), lambda x, out: x.cosh())
    cosh = _function(lambda x: x.cosh(), lambda x, out: x.sinh())
    tanh = _function(lambda x: x.tanh(), lambda x, out: x.sech() ** 2)
    arcsinh = _function(lambda x: x.asinh(), lambda x, out: (1 + x**2).rsqrt())
    arccosh = _function(lambda x: x.acosh(), lambda x, out: ((x - 1) * (x + 1)).rsqrt())
    arctanh = _function(lambda x: x.atanh(), lambda x, out: 1 / ((1 - x) * (1 + x)))
    erfc = _function(lambda x: x.erfc(), lambda x, out: -2 * (-(x**2)).exp() / flint().arb.pi().sqrt())
    erf = _function(lambda x: x.erf(), lambda x, out: 2 * (-(x**2)).exp() / flint().arb.pi().sqrt())
    lgamma = _function(special.lgamma, lambda x, out: special.polygamma(0, x))
    digamma = _function(lambda x: special.polygamma(0, x), lambda x, out: special.polygamma(1, x))
    polygamma = _of_order(special.polygamma)
    sinc = _function(lambda x: special.sinc_derivative(0, x), lambda x, out: special.sinc_derivative(1, x))
    sinc_derivative = _of_order(special.sinc_derivative)
    sigmoid = _function(_sigmoid, lambda x, out: out * _sigmoid(-x))
    floor = _whole(lambda x: x.floor(), lambda x: x)
    ceil = _whole(lambda x: x.ceil(), lambda x: x)
    rint = _whole(_nearest, _half)
    __floor__, __ceil__, __round__ = floor, ceil, rint

    def square(self) -> Ball:
        """This times itself."""
        return _power(self, Ball(2))

    def reciprocal(self) -> Ball:
        """One over this."""
        return _divide(Ball(1), self)

    def arctan2(self, x: Any) -> Ball:
        """The angle of the point (x, this)."""
        right = _operand(x)
        return NotImplemented if right is None else _angle(self, right)

    def sign(self) -> Ball:
        """-1, 0 or 1."""
        return Ball(_order(self, Ball(0)))

    def conjugate(self) -> Ball:
        """Itself, being real."""
        return self

    def moving(self, coordinate: Hashable | None = None) -> Ball:
        """The number as the coordinate that is moved, or as one of many, besides those it moves with."""
        rate = flint().arb(1)
        return Ball(self.value, rate if coordinate is None else _plus(self.slope, Slopes({coordinate: rate})))

    def isfinite(self) -> bool:
        """Is it defined?"""
        return bool(self.value.is_finite())


def _plain(value: Any) -> int | float:
    """A number as Python has it: flint does not know the scalars of NumPy."""
    if isinstance(value, Whole):
        return int(value)
    return float(value) if isinstance(value, Reals) else math.nan


def _log_of(base: int) -> Any:
    return flint().arb(base).log()


def _operand(value: Any) -> Ball | None:
    """A real number as a ball; None for all else, arrays above all: NumPy is to loop over them."""
    if type(value) is Ball:
        return value
    return Ball(value) if isinstance(value, Reals) else None


def _order(x: Ball, y: Ball) -> int:
    """The sign of x - y. Raises `Undecided` or `Tie` where it is not known, or the sides differ."""
    if x is y and x.value.is_finite():
        return 0
    sign = _sign(x.value - y.value)
    if sign is None:
        raise Undecided
    rate = _plus(x.slope, None if y.slope is None else -y.slope)
    if sign or rate is None:
        return sign
    if isinstance(rate, Slopes):
        raise Apart
    if not _sides[-1]:
        raise Tie
    # Equal here: beside the point the one that moves faster is ahead.
    ahead = _sign(rate)
    if not ahead:
        raise Undecided
    return ahead * _sides[-1]


def _sign(number: Any) -> int | None:
    """The sign of an interval; None where it is not the same everywhere in it."""
    return 1 if number > 0 else -1 if number < 0 else 0 if number.is_zero() else None


def lifted(array: Any) -> NDArray[np.object_]:
    """An array of balls with these numbers, not rounded."""
    array = np.asarray(array)
    objects = np.empty(array.shape, dtype=object)  # np.array(…) of one number would be no array
    objects.ravel()[:] = [number if isinstance(number, Ball) else Ball(number) for number in array.flat]
    return objects
