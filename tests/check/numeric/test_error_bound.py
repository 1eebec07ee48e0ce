"""Error bars that are carried along hold: the truth stays within them."""

from __future__ import annotations

import numpy as np
import pytest
from checking import lifted
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rows_of_a_table import every

from bpx.check.numeric.error_bound import ErrorBound, summed_to
from bpx.check.numeric.tolerances import EPSILON

NUMBERS = arrays(float, 6, elements=st.floats(-1e3, 1e3, allow_subnormal=False))
SHARES = arrays(float, 6, elements=st.floats(-1, 1))
WIDTHS = arrays(float, 6, elements=st.floats(0, 1))


@st.composite
def known(draw):
    """A bounded number, and a truth that lies within its bar."""
    value, error = draw(NUMBERS), draw(WIDTHS)
    truth = lifted(value) + lifted(error) * lifted(draw(SHARES))
    return ErrorBound(value, error, np.zeros(6)), truth


def assert_holds(found: ErrorBound, truth) -> None:
    room = lifted(found.error) * (1 + 8 * EPSILON) + 1e-300  # the bar itself is rounded too
    assert np.all(abs(lifted(found.value) - truth) <= room)


@given(known(), known())
def test_sums_and_products_of_truths_lie_within_the_bar(one, other):
    (a, true_a), (b, true_b) = one, other
    assert_holds(a.plus(b), true_a + true_b)
    assert_holds(a.times(b), true_a * true_b)


@given(known())
def test_a_sum_over_a_broadcast_axis_lies_within_the_bar(one):
    a, truth = one
    tall = ErrorBound(*(part.reshape(3, 2) for part in a))
    assert_holds(tall.summed_to((1, 2)), truth.reshape(3, 2).sum(axis=0, keepdims=True))
    assert_holds(tall.summed_to((2,)), truth.reshape(3, 2).sum(axis=0))
    assert_holds(tall.summed_to(()), truth.sum())


def test_the_bars_are_no_wider_than_they_need_to_be():
    product = ErrorBound.exact(3.0).times(ErrorBound.exact(1 / 3))
    assert product.error == pytest.approx(EPSILON)
    assert ErrorBound.exact([1.0, 2.0]).error.tolist() == [0, 0]


def test_an_exact_0_takes_nothing_from_a_slope_that_nobody_knows():
    nothing = ErrorBound.exact(np.array([0.0, 1.0]))
    unknown = ErrorBound(np.array([1.0, 1.0]), np.array([np.inf, np.inf]), np.array([np.inf, np.inf]))
    with np.errstate(invalid="ignore"):
        product = nothing.times(unknown)
    assert product.error.tolist() == [0, np.inf]
    assert product.spread.tolist() == [0, np.inf]


def test_the_spread_of_a_kink_goes_along():
    at_kink = ErrorBound(np.array(0.5), np.array(0.0), np.array(0.5))
    assert ErrorBound.exact(-4.0).times(at_kink).spread == 2
    assert at_kink.plus(at_kink).spread == 1
    both = ErrorBound(*(np.array([float(one), float(one)]) for one in at_kink))
    assert both.summed_to(()).spread == 1


def test_a_linear_map_takes_value_error_and_spread_each_its_way():
    matrix = np.array([[1.0, -2.0], [3.0, 4.0]])
    one = ErrorBound(np.array([1.0, 1.0]), np.array([0.1, 0.2]), np.array([0.0, 1.0]))
    found = one.pulled(lambda v: matrix @ v, lambda v: np.abs(matrix) @ v, 0.01)
    assert found.value.tolist() == [-1, 7]
    assert found.error == pytest.approx([0.5 + 0.03, 1.1 + 0.07])
    assert found.spread.tolist() == [2, 4]


@every("shape", [(2, 3), (1, 3), (2, 1), (1, 1), (3,), (1,), ()])
def test_summing_to_a_shape_undoes_broadcasting(shape):
    value = np.arange(6.0).reshape(2, 3)
    found = summed_to(value, shape)
    assert found.shape == shape
    # ⟨value, broadcast(x)⟩ = ⟨summed(value), x⟩ for every x
    x = np.random.default_rng(0).normal(size=shape)
    assert np.sum(value * x) == pytest.approx(np.sum(found * x))
