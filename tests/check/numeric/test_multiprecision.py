"""Numbers of many digits in NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rows_of_a_table import every

from bpx.check.numeric import multiprecision
from bpx.check.numeric.multiprecision import Multiprecision, lifted, rounded


def exact(number: Multiprecision) -> Any:
    """The same number for mpmath, whose precision is what is set now."""
    return mpmath.mpf(number.number)


ANY = st.floats(-1e4, 1e4) | st.floats(-20, 20) | st.floats(-1e-9, 1e-9)
POSITIVE = st.floats(0, 1e300, exclude_min=True) | st.floats(0.9, 1.1)
SINE = st.floats(-1, 1)
UNARY: dict[str, tuple[Any, Any]] = {
    "exp": (mpmath.exp, ANY),
    "expm1": (mpmath.expm1, ANY),
    "exp2": (lambda x: mpmath.mpf(2) ** x, ANY),
    "log": (mpmath.log, POSITIVE),
    "log1p": (mpmath.log1p, st.floats(-1, 1e4, exclude_min=True) | st.floats(-1e-9, 1e-9)),
    "log2": (lambda x: mpmath.log(x) / mpmath.log(2), POSITIVE),
    "log10": (lambda x: mpmath.log(x) / mpmath.log(10), POSITIVE),
    "sqrt": (mpmath.sqrt, POSITIVE),
    "cbrt": (lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)), ANY),
    "square": (lambda x: x * x, ANY),
    "reciprocal": (lambda x: 1 / x, ANY.filter(bool)),
    "sin": (mpmath.sin, ANY | st.floats(1e15, 1e300)),
    "cos": (mpmath.cos, ANY | st.floats(1e15, 1e300)),
    "tan": (mpmath.tan, ANY),
    "arcsin": (mpmath.asin, SINE),
    "arccos": (mpmath.acos, SINE),
    "arctan": (mpmath.atan, ANY | st.floats(-1e300, 1e300)),
    "sinh": (mpmath.sinh, ANY),
    "cosh": (mpmath.cosh, ANY),
    "tanh": (mpmath.tanh, ANY),
    "arcsinh": (mpmath.asinh, ANY | st.floats(-1e300, 1e300)),
    "arccosh": (mpmath.acosh, st.floats(1, 1e300) | st.floats(1, 1.1)),
    "arctanh": (mpmath.atanh, st.floats(-1, 1, exclude_min=True, exclude_max=True)),
    "erf": (mpmath.erf, ANY),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), ANY),
    "degrees": (mpmath.degrees, ANY),
    "deg2rad": (mpmath.radians, ANY),
    "fabs": (abs, ANY),
    "floor": (mpmath.floor, ANY),
    "ceil": (mpmath.ceil, ANY),
    "trunc": (lambda x: mpmath.sign(x) * mpmath.floor(abs(x)), ANY),
    "rint": (mpmath.nint, ANY),
    "sign": (mpmath.sign, ANY),
}


@pytest.mark.parametrize("digits", [90, 180])
@pytest.mark.parametrize("name", UNARY)
@settings(max_examples=50)  # a hundred a function, half of them with more digits
@given(data=st.data())
def test_functions_are_good_to_all_but_the_last_bits(name: str, digits: int, data: st.DataObject) -> None:
    expected, numbers = UNARY[name]
    x = data.draw(numbers)
    with multiprecision.precision(digits):
        value = getattr(Multiprecision(x), name)()
        unit = exact(multiprecision.resolution())
    # As far as the result may lie from 1, or from 0, on top of the digits that are asked for.
    with mpmath.workdps(2 * digits + 350):
        right = expected(mpmath.mpf(x))
        assert abs(exact(value) - right) <= 4 * unit * abs(right)


PAIRS: dict[str, Any] = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "remainder": lambda x, y: x - y * mpmath.floor(x / y),
    "floor_divide": lambda x, y: mpmath.floor(x / y),
    "arctan2": mpmath.atan2,
    "hypot": mpmath.hypot,
}
SOME = st.floats(-1e30, 1e30) | st.floats(-10, 10) | st.integers(-9, 9).map(float)


@pytest.mark.parametrize("name", PAIRS)
@given(x=SOME, y=SOME.filter(lambda y: y != 0))
def test_operations_on_two_numbers(name: str, x: float, y: float) -> None:
    value = getattr(np, name)(lifted([x]), lifted([y]))[0]
    with mpmath.workdps(1500):
        right = PAIRS[name](mpmath.mpf(x), mpmath.mpf(y))
        assert abs(exact(value) - right) <= 4 * exact(multiprecision.resolution()) * abs(right)


@given(x=st.floats(0, 1e30), y=st.floats(-30, 30) | st.integers(-40, 40).map(float))
def test_powers(x: float, y: float) -> None:
    value = Multiprecision(x) ** y
    if not x:
        assert value == (0 if y > 0 else 1 if y == 0 else math.inf)
        return
    with mpmath.workdps(500):
        right = mpmath.power(mpmath.mpf(x), mpmath.mpf(y))
        assert abs(exact(value) - right) <= 4 * exact(multiprecision.resolution()) * right


@every("exponent", [3.0, -3.0, 2.0, 2.0**40 + 1, 2.0**40, 2.0**60, 0.5, 1.5])
@every("x", [-1.0, -2.0, 0.0, -0.5])
def test_powers_of_numbers_that_are_not_positive(x: float, exponent: float) -> None:
    with np.errstate(all="ignore"):
        expected = float(np.power(x, exponent))
    value = rounded(Multiprecision(x) ** exponent)
    np.testing.assert_equal(value + 0.0, expected + 0.0)  # there is one zero


@given(x=st.floats(), y=st.floats())
def test_comparisons_and_hashes_are_those_of_floats(x: float, y: float) -> None:
    a, b = Multiprecision(x), Multiprecision(y)
    assert (a < b, a <= b, a == b, a != b, a >= b, a > b) == (x < y, x <= y, x == y, x != y, x >= y, x > y)
    assert (a < y, x == b) == (x < y, x == y)
    assert hash(a) == hash(x) or x != x
    assert bool(a) == bool(x)


@given(x=st.floats(), y=st.floats())
def test_floats_come_in_and_sums_and_products_go_out_as_ieee_754_rounds_them(x: float, y: float) -> None:
    a, b = Multiprecision(x), Multiprecision(y)
    with np.errstate(all="ignore"), multiprecision.precision(800):
        pairs = [(a, x), (a + b, x + y), (a - b, x - y), (a * b, x * y), (abs(a), abs(x)), (-a, -x)]
        if y:
            pairs.append((a / b, x / y))
    for number, value in pairs:
        np.testing.assert_equal(number.nearest_float() + 0.0, value + 0.0)  # there is one zero


SPECIAL = [math.nan, math.inf, -math.inf]
IEEE = [name for name in UNARY if hasattr(np, name) and name != "sign"]


@every("name", IEEE)
@every("x", [*SPECIAL, -2.0, -1.0, 0.0, 1.0, 2.0])
def test_special_values_are_those_of_numpy(name: str, x: float) -> None:
    with np.errstate(all="ignore"):
        expected = float(getattr(np, name)(x))
        expected = expected if name != "reciprocal" or x else math.inf
    np.testing.assert_allclose(rounded(getattr(Multiprecision(x), name)()), expected, rtol=1e-15)


TWO = ["add", "subtract", "multiply", "divide", "power", "arctan2"]


@every("name", TWO)
@every("x", [*SPECIAL, -2.0, 0.0, 0.75, 1.0])
@every("y", [*SPECIAL, -2.0, 0.0, 0.75, 1.0])
def test_special_values_of_two_numbers_are_those_of_numpy(name: str, x: float, y: float) -> None:
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(x, y)
    np.testing.assert_allclose(rounded(getattr(np, name)(lifted([x]), lifted([y])))[0], expected, rtol=1e-15)


def test_numbers_of_any_size_cost_no_memory() -> None:
    huge = Multiprecision(1e8).exp()
    assert (huge + 1, huge - 1, -huge + 1) == (huge, huge, -huge)
    assert 1 / huge + 1 == 1
    assert (huge % 7) < 7
    assert 5 % huge == 5
    assert 1 / huge % 7 == 1 / huge
    assert (huge > 1, 1 / huge < 1, huge.log(), huge.floor() == huge) == (True, True, 1e8, True)
    assert (rounded(huge), rounded(-huge), rounded(1 / huge)) == (math.inf, -math.inf, 0)
    assert (huge**huge, huge**-huge, (1 / huge) ** huge, huge ** (1 / huge)) == (math.inf, 0, 0, 1)
    assert (1 / huge).rint() == (1 / huge).floor() == (-1 / huge).ceil() == 0
    assert rounded([huge.arctan2(1), (1 / huge).arctan2(-1), huge.tanh()]) == pytest.approx(
        [math.pi / 2, math.pi, 1]
    )


def test_products_and_roots_of_floats_are_exact() -> None:
    a, b, c = map(Multiprecision, (0.1, 1 / 3, 1e-17))
    assert (a * b) * c == a * (b * c)
    assert (a * b * c + a) - a == a * b * c
    assert ((a * a).sqrt(), (b * b * b).cbrt(), (a * a) ** 0.5, a**3 / a) == (a, b, a, a * a)


ARRAYS: list[Callable[[Any], Any]] = [
    lambda x: x @ x.T,
    lambda x: np.sum(x, axis=0),
    lambda x: np.mean(x) + np.var(x) + np.std(x),
    lambda x: np.maximum(x, 0.5) - np.minimum(x, [1.0, 2.0, 3.0]),
    lambda x: np.where(x > 0.5, x, -x),
    lambda x: np.clip(x, -1, 1),
    lambda x: np.max(x, axis=1, keepdims=True) + np.argmax(x),
    lambda x: np.arctan2(x, 2.0) + np.abs(-x),
    lambda x: 2 / x + x / 2 - 1 + 3**x + x**2 + x % 0.7 + x // 0.3 + 5 // x + 5 % x,
    lambda x: np.einsum("ij,kj->ik", x, x),
    lambda x: np.cumsum(x) * np.float64(3) + np.float32(0.5) - np.int64(2) + True,
    lambda x: np.sort(x, axis=None)[::-1],
    lambda x: +x[0, 0] * np.ones(2) + np.arange(2) * x[0, 1],
]


@every("f", ARRAYS)
def test_arrays_go_as_with_floats(f: Any) -> None:
    x = np.array([[0.3, 1.7, 2.2], [0.9, 1.1, 0.4]])
    assert rounded(f(lifted(x))) == pytest.approx(np.asarray(f(x), dtype=float), rel=1e-12)


def test_it_never_turns_into_a_float_by_itself() -> None:  # T8
    with pytest.raises(TypeError, match="rounded"):
        float(Multiprecision(1))
    with pytest.raises(TypeError, match="rounded"):
        np.zeros(2)[0] = Multiprecision(1)
    with pytest.raises(TypeError, match="rounded"):
        lifted([1.0]).astype(np.float32)
    with pytest.raises(TypeError):
        math.exp(Multiprecision(1))


def test_arrays_are_left_to_numpy() -> None:  # T8
    assert Multiprecision(1).__add__(np.ones(2)) is NotImplemented
    assert Multiprecision(1).__lt__(np.ones(2)) is NotImplemented
    assert Multiprecision(1).__add__("text") is NotImplemented
    assert Multiprecision(1).__eq__("text") is NotImplemented


def test_what_is_undefined_is_nan_and_what_is_too_large_infinite() -> None:
    undefined = [
        Multiprecision(-1).log(),
        Multiprecision(-1).sqrt(),
        Multiprecision(0) / 0,
        Multiprecision(2).arcsin(),
        Multiprecision(-1) ** 0.5,
    ]
    undefined += [
        Multiprecision(1) % 0,
        Multiprecision(10) ** 2000 % 0,
        (Multiprecision(10) ** 2000).sin() * 0 / 0,
    ]
    assert all(math.isnan(rounded(one)) for one in undefined)
    assert rounded(
        [
            Multiprecision(1) / 0,
            Multiprecision(-1) / 0,
            Multiprecision(0).log(),
            Multiprecision(1e30).exp(),
            Multiprecision(0) ** -1,
        ]
    ).tolist() == [
        math.inf,
        -math.inf,
        -math.inf,
        math.inf,
        math.inf,
    ]
    assert rounded(Multiprecision(-1e30).exp()) == 0
    assert math.isnan(rounded(Multiprecision(1j)))


def test_huge_angles_are_not_reduced_for_ever() -> None:
    assert math.isnan(rounded(Multiprecision(1e9).exp().sin()))
    assert rounded(Multiprecision(1e22).sin()) == pytest.approx(-0.8522008497671888, abs=1e-12)


def test_floats_come_in_unrounded_and_go_out_nearest() -> None:
    x = np.array([0.1, 1 / 3, 1e-300, 5e-324, 1e308, -0.0])
    assert (rounded(lifted(x)) == x).all()
    assert rounded(Multiprecision(10) ** 400) == math.inf


def test_it_reads_as_a_number() -> None:
    assert repr(Multiprecision(0.5)) == "Multiprecision(0.5)"
    assert hash(Multiprecision(2)) == hash(Multiprecision(2.0))
    assert bool(Multiprecision(1))
    assert not Multiprecision(0)
    assert Multiprecision(1).isfinite()


def test_more_digits_meanwhile() -> None:
    rounded_third = Multiprecision(1) / 3
    with multiprecision.precision(300):
        third = Multiprecision(1) / 3
        gap = abs(third - rounded_third)
    assert 1e-92 < gap < 1e-89
