"""Slopes fitted to many values: the bar holds, and what is no polynomial has none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from rows_of_a_table import every

from bpx.check.numeric.least_squares import FittedSlope, fitted_slope, local_noise, steps_within


def beside(f: Any, x: float, reach: float) -> tuple[Any, Any, Any]:
    steps = steps_within(x, reach)
    above, below = (np.array([f(x + side * step) for step in steps])[:, None] for side in (1, -1))
    return steps, above, below


def fitted(f: Any, x: float, reach: float) -> FittedSlope:
    noise = local_noise(*beside(f, x, 1e-8 * max(abs(x), 1.0)))
    return FittedSlope(*(field[0] for field in fitted_slope(*beside(f, x, reach), noise)))


@every("noise", [1e-3, 1e-9, 0.0])
@every("reach", [0.37, 0.05])
def test_the_bar_holds(noise: float, reach: float) -> None:
    rng, seen = np.random.default_rng(1), 0
    for _ in range(100):
        x, a, b, c = rng.normal(size=4).tolist()

        def f(t: float, a: float = a, b: float = b, c: float = c) -> float:
            return float(a + b * np.sin(t) + c * np.exp(t) + noise * rng.normal())

        slope = fitted(f, x, reach)
        if np.isfinite(slope.error):
            seen += 1
            assert abs(slope.value - (b * np.cos(x) + c * np.exp(x))) <= slope.error
    assert seen > 80 or not noise


def test_many_values_show_more_than_two() -> None:
    """Of 700 + 10 t⁶ a difference leaves 2e-11, as the noise of 1e-13 stands over a small step."""
    slope = fitted(lambda t: 700 + 10 * t**6, 0.0297, 0.37)
    assert abs(slope.value - 60 * 0.0297**5) <= slope.error < 3e-12


def test_values_that_are_rounded_alike_have_a_bar() -> None:
    slope = fitted(lambda t: 1e16 + np.round(t), 0.3, 0.1)
    assert slope.value == 0
    assert slope.error >= 1


def test_the_values_of_a_ripple_are_not_taken_for_noise() -> None:
    assert fitted(lambda t: t**2 + 1e-9 * np.sin(1e5 * t), 0.3, 0.37).error == np.inf


@pytest.mark.parametrize(
    "f",
    [
        lambda t: abs(t - 0.31),  # a kink
        lambda t: np.sin(200 * t),  # more waves than terms
        lambda t: t / (1e-4 + (t - 0.3) ** 2),  # a narrow peak
    ],
)
def test_what_is_no_polynomial_has_no_narrow_bar(f: Any) -> None:
    slope = fitted(f, 0.3, 0.37)
    true = (f(0.3 + 1e-6) - f(0.3 - 1e-6)) / 2e-6
    assert not np.isfinite(slope.error) or abs(slope.value - true) <= slope.error


def test_values_that_are_not_finite_have_no_slope() -> None:
    assert fitted(lambda t: np.sqrt(t) if t > 0 else np.nan, 0.1, 0.37).error == np.inf
