"""Derivatives in many digits: to the last of float64's, with kinks and edges told."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from rows_of_a_table import every

from bpx.check.numeric.multiprecision_slopes import slope, slopes


@every(
    "f, x, expected",
    [
        (np.exp, 1.0, math.e),
        (np.log, 1e-30, 1e30),
        (np.log, 1e-300, 1e300),
        (lambda x: x * x, 0.0, 0.0),
        (lambda x: x**3, 0.0, 0.0),
        (np.cos, 0.0, 0.0),
        (np.cos, 1.7e-30, -1.7e-30),
        (np.tanh, 40.0, 7.219405551381661e-35),
        (lambda x: np.log(1 + np.exp(-x)), 30.0, -9.357622968839299e-14),
        (lambda x: (1 - np.cos(x)) / x**2, 1e-9, -1e-9 / 12),
        (lambda x: np.maximum(x, 0), 1e-300, 1.0),
        (lambda x: np.maximum(x, 1.0), 1 - 1e-15, 0.0),
        (lambda x: 1.5, 2.0, 0.0),
    ],
)
def test_slopes_to_the_last_digit(f: Any, x: float, expected: float) -> None:
    found = slope(f, x)
    assert found is not None
    assert (found.kink, found.edge) == (False, False)
    assert abs(found.value - expected) <= 1e-15 * abs(expected) + found.error
    assert found.error <= 1e-20 * abs(expected) + 1e-30


@pytest.mark.parametrize(
    ("f", "x", "left", "right"),
    [
        (lambda x: np.maximum(x, 0), 0.0, 0, 1),
        (abs, 0.0, -1, 1),
        (lambda x: np.where(x > 2, x * x, 4 + 3 * (x - 2)), 2.0, 3, 4),
        (lambda x: np.maximum(x - 1e-300, 0), 1e-300, 0, 1),
    ],
)
def test_kinks_have_a_slope_on_either_side(f: Any, x: float, left: float, right: float) -> None:
    found = slope(f, x)
    assert found is not None
    assert found.kink
    assert (found.left, found.right) == pytest.approx((left, right), abs=1e-12)


@every(
    "f, x",
    [
        (np.sqrt, 0.0),
        (np.log, 0.0),
        (np.cbrt, 0.0),
        (lambda x: np.where(x > 1, 1.0, 0.0), 1.0),
        (np.floor, 3.0),
        (lambda x: 1 / x, 0.0),
        (lambda x: x * np.log(np.abs(x)), 0.0),
    ],
)
def test_at_an_edge_there_is_no_slope(f: Any, x: float) -> None:
    found = slope(f, x)
    assert found is not None
    assert found.edge


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * np.sin(1 / x) if x != 0 else x,
        lambda x: x * np.cos(1 / x) if x != 0 else x,
        lambda x: abs(x) * np.sin(np.log(abs(x))) if x != 0 else x,
        lambda x: abs(x) ** 1.01 if x != 0 else x,
    ],
)
def test_slopes_that_do_not_settle_are_neither_a_kink_nor_an_edge(f: Any) -> None:
    found = slope(f, 0.0)
    assert found is not None
    assert (found.kink, found.edge) == (False, False)
    assert found.error > 0.1


def test_a_linear_function_at_zero_has_no_edge_for_rounding() -> None:
    found = slope(lambda x: (x + 3) * 7 - 21 - 7 * x, 0.0)
    assert found is not None
    assert not found.edge
    assert abs(found.value) <= found.error < 1e-30


def test_a_function_that_rounds_on_the_way_is_not_run() -> None:
    def rounding(x: Any) -> Any:
        buffer = np.zeros(1)
        buffer[0] = x
        return buffer[0] ** 2

    assert slope(rounding, 1.0) is None
    assert slope(math.exp, 1.0) is None


def test_all_elements_at_once() -> None:
    found = slopes(lambda x: np.array([[x, x * x], [np.exp(x), np.sin(x)]]), 2.0)
    assert found is not None
    assert [one.value for one in found] == pytest.approx([1, 4, math.exp(2), math.cos(2)], rel=1e-15)
