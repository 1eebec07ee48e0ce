"""Real numbers of 90 digits and more that NumPy functions run on.

`Multiprecision` goes into arrays of objects: NumPy then calls its operators and, for `np.exp` and its
like, its methods of the same names. It never turns into a float by itself: a function that would round it on
the way (a preallocated array, a cast, a routine in C) raises, and the caller knows that it cannot be
run with more digits. A silent cast would give 0, or noise, for the derivative instead.

Convention: as with floats, what is undefined is nan and what is too large is infinite; nothing raises. There
is one zero, without a sign.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.check.numeric import binary, elementary
from bpx.check.numeric.binary import Binary
from bpx.check.numeric.tolerances import MULTIPRECISION_DIGITS
from bpx.graph.arrays import Array
from bpx.ops.values.many_digits import SpecialFunctions
from bpx.words.say import say

if TYPE_CHECKING:
    from numpy.typing import NDArray

Reals = (int, float, np.integer, np.floating, np.bool_)


class Precision:
    """How many digits results have now, and how many bits that is."""

    digits = bits = 0

    @classmethod
    def set(cls, digits: int) -> None:
        """From now on so many digits."""
        cls.digits, cls.bits = digits, math.ceil((digits + 1) * math.log2(10))


Precision.set(MULTIPRECISION_DIGITS)


@contextmanager
def precision(digits: int) -> Iterator[None]:
    """Compute with so many digits meanwhile."""
    before = Precision.digits
    Precision.set(digits)
    try:
        yield
    finally:
        Precision.set(before)


class OperationBudget:
    """So many operations on numbers of many digits may be made inside of its `with` blocks, all together.

    One more raises `ArithmeticError` then, in the middle of whatever a stranger's function is doing.
    """

    current: OperationBudget | None = None

    def __init__(self, most: int) -> None:
        self.left = most

    def spend(self) -> None:
        """Count one operation; its cost grows about with the square of the digits."""
        self.left -= (Precision.digits // MULTIPRECISION_DIGITS) ** 2
        if self.left < 0:
            raise ArithmeticError(say("python.operations"))

    def __enter__(self) -> None:
        self._outer, OperationBudget.current = OperationBudget.current, self

    def __exit__(self, *error: object) -> None:
        OperationBudget.current = self._outer


def _method(function: Callable[[Binary, int], Binary]) -> Callable[[Multiprecision], Multiprecision]:
    return lambda self: _rounded(function(self.number, Precision.bits))


class Multiprecision(SpecialFunctions):
    """A real number of 90 digits, or as many as `precision` says."""

    # Arrays hold one object for each number: without a dict each takes less memory.
    __slots__ = ("number",)

    def __init__(self, value: Any) -> None:
        """Take a binary number, a float or an int as it is, without rounding; anything complex is nan."""
        if OperationBudget.current is not None:
            OperationBudget.current.spend()
        self.number: Binary = value if isinstance(value, tuple) else _number(value) or binary.NAN

    def __repr__(self) -> str:
        return f"Multiprecision({self.nearest_float()})"

    def __float__(self) -> float:
        raise TypeError(say("python.multiprecision"))

    def nearest_float(self) -> float:
        """Rounded to float64; what is too large for it is infinite."""
        return binary.nearest_float(self.number)

    # Equal numbers have equal hashes, floats among them; NumPy's sets and unions need that.
    def __hash__(self) -> int:
        return binary.hashed(self.number)

    def __bool__(self) -> bool:
        return self.number != binary.ZERO and bool(self.number[0] or not self.isfinite())

    # --- arithmetic ---

    def __add__(self, other: Any) -> Multiprecision:
        return _applied(binary.add, self, other)

    def __radd__(self, other: Any) -> Multiprecision:
        return _applied(binary.add, other, self)

    def __sub__(self, other: Any) -> Multiprecision:
        return _applied(binary.subtract, self, other)

    def __rsub__(self, other: Any) -> Multiprecision:
        return _applied(binary.subtract, other, self)

    def __mul__(self, other: Any) -> Multiprecision:
        return _applied(binary.multiply, self, other)

    def __rmul__(self, other: Any) -> Multiprecision:
        return _applied(binary.multiply, other, self)

    def __truediv__(self, other: Any) -> Multiprecision:
        return _applied(binary.divide, self, other)

    def __rtruediv__(self, other: Any) -> Multiprecision:
        return _applied(binary.divide, other, self)

    def __floordiv__(self, other: Any) -> Multiprecision:
        return _applied(binary.floor_divide, self, other)

    def __rfloordiv__(self, other: Any) -> Multiprecision:
        return _applied(binary.floor_divide, other, self)

    def __mod__(self, other: Any) -> Multiprecision:
        return _applied(binary.remainder, self, other)

    def __rmod__(self, other: Any) -> Multiprecision:
        return _applied(binary.remainder, other, self)

    def __pow__(self, other: Any) -> Multiprecision:
        return _applied(elementary.power, self, other)

    def __rpow__(self, other: Any) -> Multiprecision:
        return _applied(elementary.power, other, self)

    def __neg__(self) -> Multiprecision:
        return Multiprecision(binary.negative(self.number))

    def __pos__(self) -> Multiprecision:
        return self

    def __abs__(self) -> Multiprecision:
        return -self if self.number[0] < 0 else self

    # --- comparisons ---

    def __eq__(self, other: object) -> Any:
        return _compared(self, other, operator.eq)

    def __ne__(self, other: object) -> Any:
        return _compared(self, other, operator.ne)

    def __lt__(self, other: Any) -> Any:
        return _compared(self, other, operator.lt)

    def __le__(self, other: Any) -> Any:
        return _compared(self, other, operator.le)

    def __gt__(self, other: Any) -> Any:
        return _compared(self, other, operator.gt)

    def __ge__(self, other: Any) -> Any:
        return _compared(self, other, operator.ge)

    # --- functions: the names are NumPy's, which looks for methods of these names ---
    exp, expm1 = _method(elementary.exp), _method(elementary.expm1)
    log, log1p = _method(elementary.log), _method(elementary.log1p)
    sqrt, cbrt = _method(binary.sqrt), _method(binary.cbrt)

    def exp2(self) -> Multiprecision:
        """2 to this power."""
        return 2**self

    def log2(self) -> Multiprecision:
        """The logarithm to base 2."""
        return self.log() / Multiprecision(2).log()

    def log10(self) -> Multiprecision:
        """The logarithm to base 10."""
        return self.log() / Multiprecision(10).log()

    def square(self) -> Multiprecision:
        """This times itself."""
        return self * self

    def reciprocal(self) -> Multiprecision:
        """One over this."""
        return 1 / self

    def hypot(self, other: Any) -> Multiprecision:
        """The length of the vector of both."""
        return Multiprecision.sqrt(self * self + other * other)

    def cos(self) -> Multiprecision:
        """The cosine."""
        return self._cos_sin()[0]

    def sin(self) -> Multiprecision:
        """The sine."""
        return self._cos_sin()[1]

    def tan(self) -> Multiprecision:
        """The tangent."""
        cosine, sine = self._cos_sin()
        return sine / cosine

    def arcsin(self) -> Multiprecision:
        """The angle of this sine; nan outside [-1, 1]."""
        return self.arctan2(((1 - self) * (1 + self)).sqrt())

    def arccos(self) -> Multiprecision:
        """The angle of this cosine; nan outside [-1, 1]."""
        return ((1 - self) * (1 + self)).sqrt().arctan2(self)

    def arctan(self) -> Multiprecision:
        """The angle of this tangent."""
        return self.arctan2(1)

    def arctan2(self, x: Any) -> Multiprecision:
        """The angle of the point (x, this); 0 at the origin."""
        return _applied(elementary.arctan2, self, x)

    def degrees(self) -> Multiprecision:
        """This angle in degrees."""
        return self * 180 / _pi()

    def radians(self) -> Multiprecision:
        """The angle of so many degrees."""
        return self * _pi() / 180

    rad2deg, deg2rad = degrees, radians

    def sinh(self) -> Multiprecision:
        """The hyperbolic sine."""
        beyond = abs(self).expm1()
        result = (beyond + 1 - 1 / (beyond + 1)) / 2 if beyond > 1 else (beyond + beyond / (beyond + 1)) / 2
        return -result if self < 0 else result

    def cosh(self) -> Multiprecision:
        """The hyperbolic cosine."""
        return (self.exp() + (-self).exp()) / 2

    def tanh(self) -> Multiprecision:
        """The hyperbolic tangent."""
        beyond = (-2 * abs(self)).expm1()  # never too large
        result = -beyond / (beyond + 2)
        return -result if self < 0 else result

    def arcsinh(self) -> Multiprecision:
        """The number of this hyperbolic sine."""
        size, inverse = abs(self), 1 / abs(self)
        result = (size + size / (inverse + (1 + inverse * inverse).sqrt())).log1p()
        return -result if self < 0 else result

    def arccosh(self) -> Multiprecision:
        """The number of this hyperbolic cosine; nan below 1."""
        return (self - 1 + ((self - 1) * (self + 1)).sqrt()).log1p()

    def arctanh(self) -> Multiprecision:
        """The number of this hyperbolic tangent; nan outside [-1, 1]."""
        size = abs(self)
        result = (2 * size / (1 - size)).log1p() / 2
        return -result if self < 0 else result

    # No ufuncs of NumPy: ops ask for these by name (`bpx.ops.building.row.by_method`).
    erf, erfc = _method(elementary.erf), _method(elementary.erfc)

    def precisely(self, function: Callable[[int], Any]) -> Multiprecision:
        """What `function` gives with 20 digits more; it is told how many these are."""
        with precision(Precision.digits + 20):
            wide = function(Precision.digits).number
        return _rounded(wide)

    def sigmoid(self) -> Multiprecision:
        """1 / (1 + exp(-this))."""
        return 1 / (1 + (-self).exp())

    def floor(self) -> Multiprecision:
        """The next whole number below."""
        return Multiprecision(binary.floor(self.number, Precision.bits))

    def ceil(self) -> Multiprecision:
        """The next whole number above."""
        return -(-self).floor()

    def trunc(self) -> Multiprecision:
        """The next whole number towards 0."""
        return self.ceil() if self < 0 else self.floor()

    def rint(self) -> Multiprecision:
        """The nearest whole number, of two the even one."""
        return Multiprecision(binary.nearest_whole(self.number, Precision.bits))

    __floor__, __ceil__, __trunc__, __round__ = floor, ceil, trunc, rint

    def fabs(self) -> Multiprecision:
        """The absolute value."""
        return abs(self)

    def sign(self) -> Multiprecision:
        """-1, 0 or 1."""
        return Multiprecision((self > 0) - (self < 0)) if self == self else self

    def conjugate(self) -> Multiprecision:
        """Itself, being real."""
        return self

    def isfinite(self) -> bool:
        """Neither infinite nor nan."""
        return binary.is_finite(self.number)

    def _cos_sin(self) -> list[Multiprecision]:
        return list(map(_rounded, elementary.cos_sin(self.number, Precision.bits)))


def _number(value: Any) -> Binary | None:
    """A real number; None for all else, arrays above all."""
    if isinstance(value, Multiprecision):
        return value.number
    if isinstance(value, Reals):
        # By way of float: not every scalar of NumPy knows its ratio.
        return binary.of_float(value if isinstance(value, int) else float(value))
    return None


def _rounded(number: Binary) -> Multiprecision:
    return Multiprecision(binary.rounded(number, Precision.bits))


def _applied(operation: Callable[[Binary, Binary, int], Binary], left: Any, right: Any) -> Multiprecision:
    x, y = _number(left), _number(right)
    if x is None or y is None:
        # Then NumPy takes over: an array beside a number is its to loop over.
        return NotImplemented  # type: ignore[no-any-return]  # as operators may
    return _rounded(operation(x, y, Precision.bits))


def _compared(left: Any, right: Any, comparison: Callable[[Any, Any], bool]) -> Any:
    x, y = _number(left), _number(right)
    if x is None or y is None:
        return NotImplemented
    sign = binary.order(x, y)
    return comparison(sign, 0) if sign is not None else comparison is operator.ne


def _pi() -> Multiprecision:
    return Multiprecision((elementary.pi(Precision.bits), -Precision.bits))


# --- values and arrays ---------------------------------------------------------------------------


def resolution() -> Multiprecision:
    """The relative distance of neighbouring numbers."""
    return Multiprecision((1, 1 - Precision.bits))


def as_multiprecision(value: Any) -> Multiprecision:
    """A real number in many digits; nan for all else."""
    return Multiprecision(_number(value) or binary.NAN)


def lifted(array: Any) -> NDArray[np.object_]:
    """An array of objects with these numbers, not rounded."""
    array = np.asarray(array)
    objects = np.empty(array.shape, dtype=object)  # np.array(…) of one number would be no array
    objects.ravel()[:] = [Multiprecision(number) for number in array.flat]
    return objects


def rounded(objects: Any) -> Array:
    """The nearest floats; numbers too large for one are infinite."""
    objects = np.asarray(objects, dtype=object)
    numbers = [x.nearest_float() if isinstance(x, Multiprecision) else float(x) for x in objects.flat]
    return np.array(numbers, dtype=float).reshape(objects.shape)
