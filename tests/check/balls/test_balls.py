"""Balls: what they say lies inside them does, and what cannot be decided is not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import MPContext
from rows_of_a_table import every

from bpx.check.balls import ball_context
from bpx.check.balls.balls import Ball
from bpx.check.balls.enclosures import Enclosure, enclosed_derivative

pytest.importorskip("flint")

mp = MPContext()
mp.dps = 80

Program = Callable[[Any], Any]


def enclosed(program: Program, x: float) -> Enclosure | None:
    """The derivative of a function of one number."""
    return enclosed_derivative(
        lambda moves: program(Ball(x).moving() if moves else Ball(x)), lambda bits: True
    )


def holds(found: Enclosure | None, truth: Any) -> bool:
    """Does the enclosure hold a number of 80 digits, but for what these are off?"""
    assert found is not None
    low, high = found.floats
    assert high - low <= 4 * np.spacing(max(abs(low), abs(high)))
    room = abs(truth) * mp.mpf(10) ** -60
    return bool(low - room <= truth <= high + room)


# --- functions -----------------------------------------------------------------------------------

# NumPy's name → (the function with 80 digits, from where, to where).
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "exp": (mp.exp, -50, 50),
    "expm1": (mp.expm1, -50, 50),
    "exp2": (lambda x: mp.mpf(2) ** x, -50, 50),
    "log": (mp.log, 1e-6, 1e6),
    "log1p": (mp.log1p, -0.999, 1e6),
    "log2": (lambda x: mp.log(x, 2), 1e-6, 1e6),
    "log10": (lambda x: mp.log(x, 10), 1e-6, 1e6),
    "sqrt": (mp.sqrt, 1e-6, 1e6),
    "cbrt": (lambda x: mp.sign(x) * mp.cbrt(abs(x)), 1e-3, 1e6),
    "sin": (mp.sin, -1e6, 1e6),
    "cos": (mp.cos, -1e6, 1e6),
    "tan": (mp.tan, -1.5, 1.5),
    "arcsin": (mp.asin, -0.999, 0.999),
    "arccos": (mp.acos, -0.999, 0.999),
    "arctan": (mp.atan, -1e3, 1e3),
    "sinh": (mp.sinh, -50, 50),
    "cosh": (mp.cosh, -50, 50),
    "tanh": (mp.tanh, -50, 50),
    "arcsinh": (mp.asinh, -1e3, 1e3),
    "arccosh": (mp.acosh, 1.001, 1e3),
    "arctanh": (mp.atanh, -0.999, 0.999),
    "erf": (mp.erf, -6, 6),
    "erfc": (mp.erfc, -6, 6),
    "sigmoid": (lambda x: 1 / (1 + mp.exp(-x)), -50, 50),
    "lgamma": (mp.loggamma, 0.1, 50),
    "digamma": (mp.digamma, 0.1, 50),
    "sinc": (mp.sincpi, 0.1, 50),
    "square": (lambda x: x * x, -1e3, 1e3),
    "reciprocal": (lambda x: 1 / x, 0.1, 1e3),
}


def slope(function: Callable[[Any], Any], x: float) -> Any:
    """A quotient of a function in 300 digits, good to some 100 of them."""
    with mp.workdps(300):
        point, step = mp.mpf(x), mp.mpf(10) ** -100
        return (function(point + step) - function(point - step)) / (2 * step)


@pytest.mark.parametrize("name", FUNCTIONS)
@given(share=st.floats(0, 1))
@settings(max_examples=25, deadline=None)
def test_the_slope_of_every_function_lies_inside(name: str, share: float) -> None:
    function, low, high = FUNCTIONS[name]
    x = low + share * (high - low)
    found = enclosed(lambda ball: getattr(ball, name)(), x)
    assert found is not None
    truth = slope(function, x)
    with ball_context.precision(64):
        assert holds(found, truth)


@every("name", FUNCTIONS)
def test_the_value_of_every_function_lies_inside(name: str) -> None:
    function, low, high = FUNCTIONS[name]
    x = (low + high) / 3 + 0.1
    with ball_context.precision(128):
        value = getattr(Ball(x), name)().value
    assert holds(Enclosure(value, 128), function(mp.mpf(x)))


@pytest.mark.parametrize("order", [0, 1, 3])
def test_functions_of_an_order_lie_inside(order: int) -> None:
    with ball_context.precision(256):
        polygamma, sinc = Ball(2.5).moving().polygamma(order), Ball(2.5).moving().sinc_derivative(order)
    truths = [mp.psi(order + k, 2.5) for k in (0, 1)]
    truths += [mp.diff(mp.sincpi, 2.5, order + k) for k in (0, 1)]
    for arb, truth in zip((polygamma.value, polygamma.slope, sinc.value, sinc.slope), truths, strict=True):
        assert math.isclose(float(arb), truth, rel_tol=1e-14)


def test_every_method_is_tested() -> None:
    others = {"ceil", "floor", "rint", "arctan2", "sign", "conjugate", "isfinite", "moving"}
    others |= {"polygamma", "sinc_derivative"}  # of an order
    methods = {name for name in vars(Ball) if not name.startswith("_")} - {"slope", "value"}
    assert methods == {*FUNCTIONS, *others}


OPERATORS: dict[str, tuple[Program, Callable[[Any], Any]]] = {
    "x/(2-x)": (lambda x: x / (2 - x), lambda x: x / (2 - x)),
    "3-x*x+x": (lambda x: 3 - x * x + x, lambda x: 3 - x * x + x),
    "x^3": (lambda x: x**3, lambda x: x**3),
    "x^-2": (lambda x: x**-2, lambda x: x**-2),
    "x^2.5": (lambda x: x**2.5, lambda x: x ** mp.mpf(2.5)),
    "x^x": (lambda x: x**x, lambda x: x**x),
    "2^x": (lambda x: 2**x, lambda x: mp.mpf(2) ** x),
    "x%0.3": (lambda x: x % 0.3, lambda x: x - mp.mpf(0.3) * mp.floor(x / mp.mpf(0.3))),
    "1%x": (lambda x: 1 % x, lambda x: 1 - x * mp.floor(1 / x)),
    "atan2": (lambda x: np.arctan2(x, 2 - x), lambda x: mp.atan2(x, 2 - x)),
    "atan2 behind": (lambda x: np.arctan2(x - 9, -x), lambda x: mp.atan2(x - 9, -x)),
    "|x-1|": (lambda x: abs(x - 1), lambda x: abs(x - 1)),
    "x*floor(3x)": (lambda x: x * np.floor([3 * x])[0], lambda x: x * mp.floor(3 * x)),
}


@every("name", OPERATORS)
@every("x", [0.37, 0.83, 1.44])
def test_operators(name: str, x: float) -> None:
    program, function = OPERATORS[name]
    assert holds(enclosed(program, x), slope(function, x))


@pytest.mark.parametrize(("x", "whole"), [(2.5, 2), (3.5, 4), (-2.5, -2), (2.4, 2), (2.6, 3)])
def test_rint_goes_to_the_even_one(x: float, whole: int) -> None:
    with ball_context.precision(64):
        assert np.round(np.array(Ball(x), dtype=object)) == whole


@given(
    st.recursive(
        st.just("x") | st.integers(-3, 3).map("number({})".format),
        lambda inner: (
            st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner)
            | st.builds("np.{}({})".format, st.sampled_from(["sin", "exp", "tanh", "arctan"]), inner)
        ),
        max_leaves=8,
    ),
    st.floats(-3, 3).filter(lambda x: abs(x) > 1e-9),
)
@settings(max_examples=300, deadline=None)
def test_the_truth_lies_inside(text: str, x: float) -> None:
    def on(x: Any, names: Any, number: Any) -> Any:
        return eval(text, {"np": names, "x": x, "number": number})

    class Names:
        sin, exp, tanh, arctan = mp.sin, mp.exp, mp.tanh, mp.atan

    found = enclosed(lambda ball: on(ball, np, Ball), x)
    if found is not None:
        truth = slope(lambda point: on(point, Names, mp.mpf), x)
        with mp.workdps(90):
            low, high = map(mp.mpf, found.floats)
            room = (abs(truth) + abs(low)) * mp.mpf(10) ** -60 + mp.mpf(10) ** -60
            assert low - room <= truth <= high + room


# --- what is not proved ---------------------------------------------------------------------------


@every(
    "program, x",
    [
        (abs, 0.0),
        (lambda x: np.maximum(x, 1.0), 1.0),
        (lambda x: np.maximum(x, 2 - x), 1.0),
        (lambda x: abs(x * x - 1), 1.0),
        (lambda x: (x * x).sqrt(), 0.0),
        (lambda x: x.sqrt(), 0.0),
        (lambda x: x**1.5, 0.0),
        (lambda x: x ** Ball(0.5), -1.0),
        (lambda x: x.log(), 0.0),
        (lambda x: x.log(), -1.0),
        (lambda x: 1 / x, 0.0),
        (lambda x: x.arcsin(), 1.0),
        (lambda x: x.arccosh(), 1.0),
        (lambda x: x.cbrt(), 0.0),
        (lambda x: np.arctan2(x, Ball(-1)), 0.0),
        (lambda x: np.arctan2(x, Ball(0)), 0.0),
        (lambda x: x.floor(), 3.0),
        (lambda x: x.rint(), 2.5),
        (lambda x: x.sign(), 0.0),
        (lambda x: Ball(1.0 if x == 0 else 2.0), 0.0),  # a point apart, the sides alike
        (lambda x: x if x == 0 else 1 + x, 0.0),
        (lambda x: abs(x.exp().log()), 0.0),  # no bits tell log(exp(0)) from 0
        (lambda x: x * math.inf, 1.0),
        (lambda x: Ball(math.nan), 1.0),
        (lambda x: Ball(float(x)), 1.0),
    ],
)
def test_no_derivative_is_proved_where_there_is_none(program: Program, x: float) -> None:
    assert enclosed(program, x) is None


@pytest.mark.parametrize(
    ("program", "x", "truth"),
    [
        (lambda x: np.maximum(x, 0) - np.maximum(-x, 0), 0.0, 1.0),
        (lambda x: abs(x) * abs(x), 0.0, 0.0),
        (lambda x: np.where(x >= 0, 1, (-abs(x)).exp())[()] / (1 + (-abs(x)).exp()), 0.0, 0.25),
        (lambda x: np.max([x, Ball(1.0)]) + np.min([x, Ball(1.0)]), 1.0, 1.0),
    ],
)
def test_at_a_tie_both_sides_must_say_the_same(program: Program, x: float, truth: float) -> None:
    assert holds(enclosed(program, x), mp.mpf(truth))


def test_a_branch_that_is_not_taken_does_not_count() -> None:
    found = enclosed(lambda x: np.where([x > 0], [x.log()], [x * 3])[0], -1.0)
    assert holds(found, mp.mpf(3))


def test_what_does_not_move_has_no_kink() -> None:
    zero = Ball(0.0)
    assert holds(enclosed(lambda x: x * (1 + abs(zero) + zero.sqrt() + np.maximum(zero, 0)), 2.0), mp.mpf(1))


def test_more_bits_are_taken_where_terms_cancel() -> None:
    found = enclosed(lambda x: (x + 1e200) - 1e200, 1.0)
    assert holds(found, mp.mpf(1))
    lost = enclosed(lambda x: ((x.exp() + 1e100) - 1e100).exp(), 1.0)
    assert lost
    assert lost.bits > 128


def test_a_budget_ends_the_search() -> None:
    assert enclosed_derivative(lambda moves: Ball(1.0), lambda bits: False) is None


def test_ends_are_rounded_outwards() -> None:
    third = enclosed(lambda x: x / 3, 1.0)
    assert third
    low, high = third.floats
    assert mp.mpf(low) < mp.mpf(1) / 3 < mp.mpf(high)
    assert enclosed(lambda x: x * 0.5, 1.0).floats == (0.5, 0.5)  # type: ignore[union-attr]
    tiny = enclosed(lambda x: -x * Ball(1e-200) * Ball(1e-200), 1.0)
    assert tiny
    assert tiny.floats == (-5e-324, 0.0)


def test_the_precision_of_others_is_left_alone() -> None:
    before = ball_context.bits()
    enclosed(lambda x: x.exp(), 1.0)
    assert ball_context.bits() == before


def test_a_ball_never_turns_into_a_float() -> None:
    with pytest.raises(TypeError):
        float(Ball(1.0))
    with pytest.raises(TypeError):
        np.array([Ball(1.0)]).astype(float)
