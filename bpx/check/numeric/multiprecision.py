"""Real numbers of 90 digits and more that NumPy functions run on.

`Multiprecision` goes into arrays of objects: NumPy then calls its operators and, for `np.exp` and its
like, its methods of the same names. It never turns into a float by itself: a function that would round it on
the way (a preallocated array, a cast, a routine in C) raises, and the caller knows that it cannot be
run with more digits. A silent cast would give 0, or noise, for the derivative instead.

Convention: as with floats, what is undefined is nan and what is too large is infinite; nothing raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.check.numeric.tolerances import LARGEST_ANGLE_BITS, LARGEST_EXPONENT, MULTIPRECISION_DIGITS
from bpx.graph.arrays import Array
from bpx.words.say import say

if TYPE_CHECKING:
    from numpy.typing import NDArray

Reals = (int, float, np.integer, np.floating, np.bool_)


@cache
def available() -> bool:
    """Whether mpmath, which does the arithmetic, is installed."""
    return find_spec("mpmath") is not None


@cache
def context() -> Any:
    """An mpmath context of our own, so that nobody else's precision counts."""
    # Imported here: mpmath takes longer to load than most commands run.
    own = import_module("mpmath").MPContext()
    own.dps = MULTIPRECISION_DIGITS
    return own


@contextmanager
def precision(digits: int) -> Iterator[None]:
    """Compute with so many digits meanwhile."""
    own = context()
    before, own.dps = own.dps, digits
    try:
        yield
    finally:
        own.dps = before


class OperationBudget:
    """So many operations on numbers of many digits may be made inside of its `with` blocks, all together.

    One more raises `ArithmeticError` then, in the middle of whatever a stranger's function is doing.
    """

    current: OperationBudget | None = None

    def __init__(self, most: int) -> None:
        self.left = most

    def spend(self) -> None:
        """Count one operation; its cost grows about with the square of the digits."""
        self.left -= (context().dps // MULTIPRECISION_DIGITS) ** 2
        if self.left < 0:
            raise ArithmeticError(say("python.operations"))

    def __enter__(self) -> None:
        self._outer, OperationBudget.current = OperationBudget.current, self

    def __exit__(self, *error: object) -> None:
        OperationBudget.current = self._outer


class Multiprecision:
    """A real number of 90 digits, or as many as `precision` says."""

    # Arrays hold one object for each number: without a dict each takes less memory.
    __slots__ = ("number",)

    def __init__(self, number: Any) -> None:
        """Take an mpf as it is, a float or an int without rounding; anything complex is nan."""
        own = context()
        if OperationBudget.current is not None:
            OperationBudget.current.spend()
        if isinstance(number, Reals):
            # By way of float: mpmath does not know the scalars of NumPy.
            number = own.mpf(number if isinstance(number, int) else float(number))
        self.number = number if isinstance(number, own.mpf) else own.nan

    def __repr__(self) -> str:
        return f"Multiprecision({context().nstr(self.number, 20)})"

    def __float__(self) -> float:
        raise TypeError(say("python.multiprecision"))

    # Equal numbers have equal hashes, floats among them; NumPy's sets and unions need that.
    def __hash__(self) -> int:
        return hash(self.number)

    def __bool__(self) -> bool:
        return bool(self.number)

    # --- arithmetic ---

    def __add__(self, other: Any) -> Multiprecision:
        return _binary(self, other, lambda x, y: x + y)

    def __radd__(self, other: Any) -> Multiprecision:
        return _binary(other, self, lambda x, y: x + y)

    def __sub__(self, other: Any) -> Multiprecision:
        return _binary(self, other, lambda x, y: x - y)

    def __rsub__(self, other: Any) -> Multiprecision:
        return _binary(other, self, lambda x, y: x - y)

    def __mul__(self, other: Any) -> Multiprecision:
        return _binary(self, other, lambda x, y: x * y)

    def __rmul__(self, other: Any) -> Multiprecision:
        return _binary(other, self, lambda x, y: x * y)

    def __truediv__(self, other: Any) -> Multiprecision:
        return _binary(self, other, _quotient)

    def __rtruediv__(self, other: Any) -> Multiprecision:
        return _binary(other, self, _quotient)

    def __floordiv__(self, other: Any) -> Multiprecision:
        return _binary(self, other, lambda x, y: context().floor(_quotient(x, y)))

    def __rfloordiv__(self, other: Any) -> Multiprecision:
        return _binary(other, self, lambda x, y: context().floor(_quotient(x, y)))

    def __mod__(self, other: Any) -> Multiprecision:
        return _binary(self, other, _remainder)

    def __rmod__(self, other: Any) -> Multiprecision:
        return _binary(other, self, _remainder)

    def __pow__(self, other: Any) -> Multiprecision:
        return _binary(self, other, _power)

    def __rpow__(self, other: Any) -> Multiprecision:
        return _binary(other, self, _power)

    def __neg__(self) -> Multiprecision:
        return Multiprecision(-self.number)

    def __pos__(self) -> Multiprecision:
        return self

    def __abs__(self) -> Multiprecision:
        return Multiprecision(abs(self.number))

    # --- comparisons ---

    def __eq__(self, other: object) -> Any:
        return _compared(self, other, lambda x, y: x == y)

    def __ne__(self, other: object) -> Any:
        return _compared(self, other, lambda x, y: x != y)

    def __lt__(self, other: Any) -> Any:
        return _compared(self, other, lambda x, y: x < y)

    def __le__(self, other: Any) -> Any:
        return _compared(self, other, lambda x, y: x <= y)

    def __gt__(self, other: Any) -> Any:
        return _compared(self, other, lambda x, y: x > y)

    def __ge__(self, other: Any) -> Any:
        return _compared(self, other, lambda x, y: x >= y)

    # --- functions: the names are NumPy's, which looks for methods of these names ---

    def exp(self) -> Multiprecision:
        """e to this power."""
        if abs(self.number) > LARGEST_EXPONENT:
            return Multiprecision(context().inf if self.number > 0 else context().zero)
        return Multiprecision(context().exp(self.number))

    # Near 0 the plain formulas of expm1, log1p and sinh cancel; far from it they lose nothing.
    def expm1(self) -> Multiprecision:
        """e to this power, less 1."""
        return self.exp() - 1 if abs(self.number) > 1 else Multiprecision(context().expm1(self.number))

    def exp2(self) -> Multiprecision:
        """2 to this power."""
        return (self * Multiprecision(+context().ln2)).exp()

    def log(self) -> Multiprecision:
        """The natural logarithm; -inf at 0, nan below."""
        own = context()
        if self.number == 0:
            return Multiprecision(own.ninf)
        return Multiprecision(own.log(self.number) if self.number > 0 else own.nan)

    def log1p(self) -> Multiprecision:
        """The natural logarithm of one more."""
        return Multiprecision(context().log1p(self.number)) if abs(self.number) < 1 else (self + 1).log()

    def log2(self) -> Multiprecision:
        """The logarithm to base 2."""
        return self.log() / Multiprecision(+context().ln2)

    def log10(self) -> Multiprecision:
        """The logarithm to base 10."""
        return self.log() / Multiprecision(+context().ln10)

    # Where mpmath answers with a complex number, as for √-1, the constructor makes it nan.
    def sqrt(self) -> Multiprecision:
        """The square root; nan below 0."""
        return Multiprecision(context().sqrt(self.number))

    def cbrt(self) -> Multiprecision:
        """The real cube root."""
        own = context()
        root = own.cbrt(abs(self.number))  # of a negative number mpmath's is the complex one
        return Multiprecision(root if self.number > 0 else -root)

    def square(self) -> Multiprecision:
        """This times itself."""
        return self * self

    def reciprocal(self) -> Multiprecision:
        """One over this."""
        return 1 / self

    def sin(self) -> Multiprecision:
        """The sine."""
        return self._of_angle("sin")

    def cos(self) -> Multiprecision:
        """The cosine."""
        return self._of_angle("cos")

    def tan(self) -> Multiprecision:
        """The tangent."""
        return self._of_angle("tan")

    def arcsin(self) -> Multiprecision:
        """The angle of this sine; nan outside [-1, 1]."""
        return Multiprecision(context().asin(self.number))

    def arccos(self) -> Multiprecision:
        """The angle of this cosine; nan outside [-1, 1]."""
        return Multiprecision(context().acos(self.number))

    def arctan(self) -> Multiprecision:
        """The angle of this tangent."""
        return Multiprecision(context().atan(self.number))

    def arctan2(self, x: Any) -> Multiprecision:
        """The angle of the point (x, this)."""
        return _binary(self, x, lambda y, x: context().atan2(y, x))

    # By way of `exp`, which knows what to do with exponents too large for it.
    def sinh(self) -> Multiprecision:
        """The hyperbolic sine."""
        if abs(self.number) > 1:
            return (self.exp() - (-self).exp()) / 2
        return Multiprecision(context().sinh(self.number))

    def cosh(self) -> Multiprecision:
        """The hyperbolic cosine."""
        return (self.exp() + (-self).exp()) / 2

    def tanh(self) -> Multiprecision:
        """The hyperbolic tangent."""
        return Multiprecision(context().tanh(self.number))

    def arcsinh(self) -> Multiprecision:
        """The number of this hyperbolic sine."""
        return Multiprecision(context().asinh(self.number))

    def arccosh(self) -> Multiprecision:
        """The number of this hyperbolic cosine; nan below 1."""
        return Multiprecision(context().acosh(self.number))

    def arctanh(self) -> Multiprecision:
        """The number of this hyperbolic tangent; nan outside [-1, 1]."""
        return Multiprecision(context().atanh(self.number))

    # No ufuncs of NumPy: the ops of bpx ask for these by name (`bpx.ops.row.by_method`).
    def erf(self) -> Multiprecision:
        """The error function."""
        return Multiprecision(context().erf(self.number))

    def sigmoid(self) -> Multiprecision:
        """1 / (1 + exp(-this))."""
        return 1 / (1 + (-self).exp())

    def floor(self) -> Multiprecision:
        """The next whole number below."""
        return Multiprecision(context().floor(self.number))

    def ceil(self) -> Multiprecision:
        """The next whole number above."""
        return Multiprecision(context().ceil(self.number))

    def rint(self) -> Multiprecision:
        """The nearest whole number, of two the even one."""
        return Multiprecision(context().nint(self.number))

    __floor__, __ceil__, __round__ = floor, ceil, rint

    def sign(self) -> Multiprecision:
        """-1, 0 or 1."""
        return Multiprecision(context().sign(self.number))

    def conjugate(self) -> Multiprecision:
        """Itself, being real."""
        return self

    def isfinite(self) -> bool:
        """Neither infinite nor nan."""
        return bool(context().isfinite(self.number))

    def _of_angle(self, name: str) -> Multiprecision:
        own = context()
        # To reduce an angle, mpmath works out π to as many digits as the angle has before the point.
        readable = own.isfinite(self.number) and own.mag(self.number or 1) < LARGEST_ANGLE_BITS
        return Multiprecision(getattr(own, name)(self.number) if readable else own.nan)


def _operand(value: Any) -> Any:
    """The mpf of a real number; None for all else, arrays above all."""
    if isinstance(value, Multiprecision):
        return value.number
    return Multiprecision(value).number if isinstance(value, Reals) else None


def _binary(left: Any, right: Any, operation: Callable[[Any, Any], Any]) -> Multiprecision:
    x, y = _operand(left), _operand(right)
    if x is None or y is None:
        # Then NumPy takes over: an array beside a number is its to loop over.
        return NotImplemented  # type: ignore[no-any-return]  # as operators may
    return Multiprecision(operation(x, y))


def _compared(left: Any, right: Any, comparison: Callable[[Any, Any], bool]) -> Any:
    x, y = _operand(left), _operand(right)
    return NotImplemented if x is None or y is None else bool(comparison(x, y))


def _quotient(x: Any, y: Any) -> Any:
    # mpmath raises where IEEE 754 has an infinity or nan.
    if y:
        return x / y
    own = context()
    return own.sign(x) * own.inf if x else own.nan


def _remainder(x: Any, y: Any) -> Any:
    # As for quotients: nan in place of an exception.
    return x % y if y else context().nan


def _power(x: Any, y: Any) -> Any:
    own = context()
    if x == 0 and y < 0:
        return own.inf
    # For infinities and nan the conventions of IEEE 754 pow, which float has.
    return own.power(x, y) if own.isfinite(x) and own.isfinite(y) else own.mpf(float(x) ** float(y))


# --- values and arrays ---------------------------------------------------------------------------


def as_multiprecision(value: Any) -> Multiprecision:
    """A real number in many digits; nan for all else."""
    return Multiprecision(_operand(value))


def lifted(array: Any) -> NDArray[np.object_]:
    """An array of objects with these numbers, not rounded."""
    array = np.asarray(array)
    objects = np.empty(array.shape, dtype=object)  # np.array(…) of one number would be no array
    objects.ravel()[:] = [Multiprecision(number) for number in array.flat]
    return objects


def rounded(objects: Any) -> Array:
    """The nearest floats; numbers too large for one are infinite."""
    objects = np.asarray(objects, dtype=object)
    numbers = [float(x.number if isinstance(x, Multiprecision) else x) for x in objects.flat]
    return np.array(numbers, dtype=float).reshape(objects.shape)
