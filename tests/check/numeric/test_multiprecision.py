"""Numbers of many digits in NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpx.check.numeric import multiprecision
from bpx.check.numeric.multiprecision import Multiprecision, lifted, rounded

UNARY = {
    "exp": (mpmath.exp, (-30, 30)),
    "expm1": (mpmath.expm1, (-30, 30)),
    "exp2": (lambda x: mpmath.mpf(2) ** x, (-30, 30)),
    "log": (mpmath.log, (0.01, 30)),
    "log1p": (lambda x: mpmath.log(1 + x), (-0.9, 30)),
    "log2": (lambda x: mpmath.log(x, 2), (0.01, 30)),
    "log10": (mpmath.log10, (0.01, 30)),
    "sqrt": (mpmath.sqrt, (0.01, 30)),
    "cbrt": (mpmath.cbrt, (0.01, 30)),
    "square": (lambda x: x * x, (-30, 30)),
    "reciprocal": (lambda x: 1 / x, (0.1, 30)),
    "sin": (mpmath.sin, (-30, 30)),
    "cos": (mpmath.cos, (-30, 30)),
    "tan": (mpmath.tan, (-1.5, 1.5)),
    "arcsin": (mpmath.asin, (-0.9, 0.9)),
    "arccos": (mpmath.acos, (-0.9, 0.9)),
    "arctan": (mpmath.atan, (-30, 30)),
    "sinh": (mpmath.sinh, (-30, 30)),
    "cosh": (mpmath.cosh, (-30, 30)),
    "tanh": (mpmath.tanh, (-30, 30)),
    "arcsinh": (mpmath.asinh, (-30, 30)),
    "arccosh": (mpmath.acosh, (1.1, 30)),
    "arctanh": (mpmath.atanh, (-0.9, 0.9)),
    "floor": (mpmath.floor, (-30, 30)),
    "ceil": (mpmath.ceil, (-30, 30)),
    "rint": (mpmath.nint, (-30, 30)),
    "sign": (mpmath.sign, (-30, 30)),
}


@pytest.mark.parametrize("name", UNARY)
@given(share=st.floats(0, 1))
def test_numpy_functions_keep_every_digit(name: str, share: float) -> None:
    expected, (low, high) = UNARY[name]
    x = low + share * (high - low)
    found = getattr(np, name)(lifted([x]))[0]
    found = found if isinstance(found, Multiprecision) else Multiprecision(found)  # NumPy's sign gives an int
    with mpmath.workdps(85):
        assert abs(mpmath.mpf(found.number) - expected(mpmath.mpf(x))) <= mpmath.mpf(10) ** -70


@pytest.mark.parametrize(
    ("name", "x"), [("erf", 0.5), ("sigmoid", -30.0), ("sigmoid", 2.0), ("sinh", 1e-20), ("expm1", 1e-20)]
)
def test_functions_of_their_own_digits(name: str, x: float) -> None:
    expected = {
        "erf": mpmath.erf,
        "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
        "sinh": mpmath.sinh,
        "expm1": mpmath.expm1,
    }[name]
    with mpmath.workdps(100):
        found = mpmath.mpf(getattr(Multiprecision(x), name)().number)
        assert abs(found / expected(mpmath.mpf(x)) - 1) < mpmath.mpf(10) ** -60


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


@pytest.mark.parametrize("f", ARRAYS)
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
    assert mpmath.mpf(10) ** -92 < gap.number < mpmath.mpf(10) ** -89


def test_without_mpmath_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    multiprecision.available.cache_clear()
    monkeypatch.setattr(multiprecision, "find_spec", lambda name: None)
    assert not multiprecision.available()
    multiprecision.available.cache_clear()
    monkeypatch.undo()
    assert multiprecision.available()
