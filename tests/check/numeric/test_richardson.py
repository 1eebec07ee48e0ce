"""Extrapolation from tables of quotients: weights, error bars, and the nature of misfits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpx.check.numeric.richardson import Quotients, candidates, confirming, extrapolated
from bpx.check.numeric.tolerances import POLYNOMIAL_ORDERS as ORDERS
from bpx.check.numeric.tolerances import STEP_RATIO

STEPS = 0.37 * STEP_RATIO ** -np.arange(24.0)[:, np.newaxis]
SCALE = np.ones(1)


def quotients(slopes: Any, power: int = 2, rounding: float = 1e-16) -> Quotients:
    return Quotients(
        np.asarray(slopes, dtype=float).reshape(len(STEPS), -1),
        STEPS,
        power,
        np.full(STEPS.shape, rounding),
        np.array([1e-15]),
        np.zeros(1),
    )


@given(
    st.lists(st.floats(-10, 10), min_size=ORDERS, max_size=ORDERS),
    st.sampled_from([1, 2]),
)
def test_polynomials_up_to_the_order_are_met_exactly(coefficients: list[float], power: int) -> None:
    slopes = sum(one * STEPS ** (power * i) for i, one in enumerate(coefficients))
    found = candidates(quotients(slopes, power))
    highest = found.value[-(len(STEPS) - ORDERS + 1)]  # through the ORDERS largest steps
    assert highest[0] == pytest.approx(coefficients[0], abs=1e-9)
    assert found.noise[-(len(STEPS) - ORDERS + 1)][0] < 1e-9


def test_every_order_converges_as_it_should() -> None:
    slopes = (np.sin(1 + STEPS) - np.sin(1 - STEPS)) / (2 * STEPS)
    found = candidates(quotients(slopes))
    starts = np.cumsum([0, *(len(STEPS) - order for order in range(ORDERS - 1))])
    errors = np.abs(found.value[[*starts, *(starts + 1)], 0] - np.cos(1)).reshape(2, ORDERS)
    order = np.log(errors[0, :3] / errors[1, :3]) / np.log(STEP_RATIO)
    assert order == pytest.approx([2, 4, 6], abs=0.3)


def test_noise_sets_the_bar() -> None:
    rng = np.random.default_rng(0)
    slopes = 2 + 1e-12 * rng.normal(size=STEPS.shape) / STEPS
    found = extrapolated(quotients(slopes), SCALE)
    assert abs(found.value[0] - 2) <= found.error[0]
    assert 1e-13 < found.error[0] < 1e-9


def test_noise_that_freezes_stays_in_the_bar() -> None:
    rng = np.random.default_rng(0)
    noise = np.where(STEPS > 1e-11, rng.normal(size=STEPS.shape) * 1e-9 / STEPS, 37.0)
    found = extrapolated(quotients(2 + noise), SCALE)
    assert abs(found.value[0] - 2) <= 10 * found.error[0]


@pytest.mark.parametrize("distance", [1e-3, 1e-6, 1e-9])
def test_a_kink_that_is_stridden_over_is_out(distance: float) -> None:
    slopes = np.where(distance < STEPS, 0.5 + distance / (2 * STEPS), 1.0)
    found = extrapolated(quotients(slopes), SCALE)
    assert abs(found.value[0] - 1) <= 10 * found.error[0]
    assert found.error[0] < 1e-4


def test_unusable_steps_are_left_out() -> None:
    slopes = np.cos(STEPS)
    slopes[:5] = np.nan
    found = extrapolated(quotients(slopes), SCALE)
    assert abs(found.value[0] - 1) <= found.error[0]
    assert found.largest_step[0] <= STEPS[5, 0]


def test_nothing_usable_is_nothing_known() -> None:
    found = extrapolated(quotients(np.full(STEPS.shape, np.nan)), SCALE)
    assert np.isnan(found.value[0])
    assert np.isinf(found.error[0])


def test_what_rests_on_tiny_steps_alone_is_hardly_known() -> None:
    slopes = np.full(STEPS.shape, 3.0)
    slopes[:12] = np.nan
    assert extrapolated(quotients(slopes), SCALE).error[0] < 1e-3
    assert extrapolated(quotients(slopes), SCALE, floor=np.ones(1)).error[0] >= 3


def test_a_quick_look_gives_the_same_numbers_but_for_rounding() -> None:
    slopes = np.concatenate([np.cos(STEPS), 3 + STEPS**2, np.exp(STEPS), np.cos(50 * STEPS)], axis=1)
    slopes[:2, 1], slopes[0, 2] = np.nan, np.inf
    table = quotients(np.where(np.isfinite(slopes), slopes, np.nan))
    table = table._replace(steps=np.repeat(STEPS, 4, axis=1), rounding=np.full(slopes.shape, 1e-16))
    quick, slow = (confirming(table, np.ones(4), quick=one) for one in (True, False))
    assert quick.value == pytest.approx(slow.value, rel=4 * 2.0**-52, abs=0)
    assert quick.error == pytest.approx(slow.error, rel=0.1, abs=0)
    assert (quick.largest_step == slow.largest_step).all()
