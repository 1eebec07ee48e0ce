"""Derivatives by differences: the bar holds, kinks and edges are told, the traps do not spring."""

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

from bpx.check.numeric.differences import DerivativeStatus, Estimate, derivative, one_sided
from bpx.check.numeric.tolerances import SAFETY_FACTOR


def counted(f: Callable[[Any], Any], calls: list[int] | None = None) -> Any:
    """f as `derivative` wants it, every point usable; `calls` collects how many points were asked for."""

    def function(points: Any, columns: Any) -> Any:
        if calls is not None:
            calls.append(points.size)
        return f(points), np.ones(points.shape, dtype=bool)

    return function


def guarded(f: Callable[[Any], Any], guard: Callable[[Any], Any], x: Any) -> Any:
    """f whose points are usable as long as the guard has the sign it has at x."""
    x = np.asarray(x, dtype=float)

    def function(points: Any, columns: Any) -> Any:
        return f(points), np.sign(guard(points)) == np.sign(guard(x[columns]))

    return function


def blindly(f: Callable[[Any], Any], x: float, claimed: float | None = None) -> Estimate:
    claims = None if claimed is None else np.array([claimed])
    found = derivative(counted(f), np.array([x]), claimed=claims, blind=True)
    return Estimate(*(field[0] for field in found))


def status(estimate: Estimate) -> DerivativeStatus:
    return DerivativeStatus(int(estimate.status))


# --- smooth functions -----------------------------------------------------------------------------

SMOOTH = {
    "exp": (np.exp, mpmath.exp),
    "sin": (np.sin, mpmath.sin),
    "arctan": (np.arctan, mpmath.atan),
    "cube": (lambda x: x**3 - 2 * x, lambda x: x**3 - 2 * x),
    "bell": (lambda x: np.exp(-x * x), lambda x: mpmath.exp(-x * x)),
    "tanh": (np.tanh, mpmath.tanh),
    "sum": (lambda x: np.sin(x) * np.exp(x / 3) + x, lambda x: mpmath.sin(x) * mpmath.exp(x / 3) + x),
    "quotient": (lambda x: x / (2 + np.cos(x)), lambda x: x / (2 + mpmath.cos(x))),
}
POINTS = st.one_of(
    st.floats(-10, 10),
    st.floats(1e-12, 1e-3),
    st.integers(-5, 5).map(float),
    st.floats(100, 300).map(lambda x: -x),
)


def truth(f: Callable[[Any], Any], x: float) -> float:
    with mpmath.workdps(60):
        return float(mpmath.diff(f, mpmath.mpf(x)))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(SMOOTH)), POINTS)
def test_the_truth_is_within_reach_of_the_bar(name: str, x: float) -> None:
    f, exact = SMOOTH[name]
    expected = truth(exact, x)
    for claim in (None, expected):
        for blind in (True, False):
            claims = None if claim is None else np.array([claim])
            found = derivative(counted(f), np.array([x]), claimed=claims, blind=blind)
            assert found.status[0] == DerivativeStatus.OK
            assert abs(found.value[0] - expected) <= SAFETY_FACTOR * found.error[0] + 1e-15 * abs(expected)


def test_the_bar_alone_holds_nearly_always_and_is_narrow() -> None:
    x = np.random.default_rng(0).normal(size=1000)
    expected = np.exp(x) * (np.sin(x) + np.cos(x))
    found = derivative(counted(lambda t: np.sin(t) * np.exp(t)), x, blind=True)
    assert np.mean(np.abs(found.value - expected) <= found.error) >= 0.999
    assert np.median(found.error / np.abs(expected)) < 1e-11


def test_a_confirmed_claim_costs_few_evaluations() -> None:
    calls: list[int] = []
    x = np.array([0.7, 1.3, -2.1])
    found = derivative(counted(np.exp, calls), x, claimed=np.exp(x))
    assert sum(calls) <= 17 * 3
    assert (found.error <= 1e-11 * np.exp(x)).all()


def test_a_wrong_claim_does_not_bend_the_reference() -> None:
    found = blindly(np.exp, 0.7, claimed=1.0001 * math.exp(0.7))
    assert abs(found.value - math.exp(0.7)) <= 1e-10


def test_columns_do_not_mix() -> None:
    x = np.array([0.3, 0.0, 2.0, -1.0, 1e-9])
    powers = np.array([1.0, 2.0, 3.0, 0.0, 1.0])

    def function(points: Any, columns: Any) -> Any:
        return points ** powers[columns], np.ones(points.shape, dtype=bool)

    expected = powers * x ** np.maximum(powers - 1, 0)
    for claims in (None, expected, expected + 1):
        found = derivative(function, x, claimed=claims, blind=True)
        assert np.abs(found.value - expected).max() < 1e-9


def test_nothing_to_derive() -> None:
    assert derivative(counted(np.exp), np.empty(0)).value.shape == (0,)
    assert one_sided(counted(np.exp), np.empty(0), 1).slope.shape == (0,)


@every("x", [1e-3, 1e-9, 1e-30, 1e-300, 1.0, 1e10, 1e300])
def test_every_scale_of_the_logarithm(x: float) -> None:
    found = blindly(np.log, x, claimed=1 / x)
    assert abs(found.value * x - 1) < 1e-7


def test_a_chunk_more_than_fits_gives_the_same() -> None:
    x = np.linspace(0.1, 3, 5000)
    found = derivative(counted(np.sqrt), x, claimed=0.5 / np.sqrt(x))
    assert np.abs(found.value * 2 * np.sqrt(x) - 1).max() < 1e-8


@every(
    "even",
    [
        lambda h: np.where(h == 0, 0, h * np.sin(1 / np.where(h == 0, 1, h))),
        lambda h: np.where(h == 0, 0, np.abs(h) * np.sin(np.log(np.abs(np.where(h == 0, 1, h))))),
        lambda h: np.where(h == 0, 0, np.abs(h) * np.log(np.abs(np.where(h == 0, 1, h)))),
        lambda h: np.where(h == 0, 0, np.sqrt(np.abs(h)) * np.sin(1 / np.where(h == 0, 1, h)) ** 2),
        lambda h: np.abs(h) ** 0.9,
        lambda h: np.abs(h) ** 0.99,
    ],
)
@every("at, slope, share", [(0.0, 0.0, 1.0), (0.3, 0.0, 1.0), (7.1, 20.0, 1e-2)])
def test_symmetry_makes_no_derivative(even: Any, at: float, slope: float, share: float) -> None:
    """Central quotients of an even function are 0, whatever its one-sided ones do."""
    found = blindly(lambda x: slope * x + share * even(x - at), at, claimed=slope)
    assert found.status != DerivativeStatus.OK or SAFETY_FACTOR * found.error > 1e-5 * max(1, slope)


@every(
    "even",
    [lambda h: h * h, lambda h: np.abs(h) ** 1.5, lambda h: np.cos(3 * h), lambda h: h**4],
)
@every("at", [0.0, 0.3, 7.1])
def test_even_functions_with_a_derivative(even: Any, at: float) -> None:
    found = blindly(lambda x: 20 * x + even(x - at), at)
    assert found.status == DerivativeStatus.OK
    assert abs(found.value - 20) <= SAFETY_FACTOR * found.error <= 1e-5
    assert not found.apart


@pytest.mark.parametrize("height", [1e-8, 1e-9, 1e-10])
def test_a_ripple_is_no_noise(height: float) -> None:
    """Its slope is as large as that of the rest, whatever its height."""
    found = blindly(lambda x: x + height * np.sin(x / height), 0.3, claimed=1.0)
    truth = 1 + math.cos(0.3 / height)
    assert abs(found.value - truth) <= SAFETY_FACTOR * found.error


def test_a_ripple_of_a_graph_is_what_its_guards_have_passed() -> None:
    calls: list[int] = []
    derivative(counted(lambda x: x + 1e-8 * np.sin(1e9 * np.floor(x)), calls), np.array([0.3]),
               claimed=np.array([1.0]))  # fmt: skip
    assert sum(calls) <= 17


# --- kinks, jumps, edges --------------------------------------------------------------------------


def test_central_differences_at_a_kink_are_not_believed() -> None:  # T1
    for claim in (None, 0.5, 0.0, 1.0):
        found = blindly(lambda x: np.maximum(x, 0), 0.0, claim)
        assert status(found) is DerivativeStatus.KINK
        assert (found.left, found.right) == pytest.approx((0, 1), abs=1e-9)


@every("distance", [1e-3, 1e-6, 1e-9])
@every("side", [1, -1])
@every("offset", [0.0, 5.0])
def test_a_kink_beside_x_is_not_at_it(distance: float, side: int, offset: float) -> None:
    def leaky(x: Any) -> Any:
        return np.where(x > 1, 3 * (x - 1), 0.1 * (x - 1)) + offset

    found = blindly(leaky, 1 + side * distance)
    assert status(found) is DerivativeStatus.OK
    assert abs(found.value - (3 if side > 0 else 0.1)) <= SAFETY_FACTOR * found.error
    assert found.error < 1e-3


@pytest.mark.parametrize("claim", [None, 1.55, 3.0, 0.1])
def test_a_kink_too_close_to_resolve_gives_no_narrow_bar(claim: float | None) -> None:
    found = blindly(lambda x: np.where(x > 1, 3 * (x - 1), 0.1 * (x - 1)) + 5, 1 + 1e-12, claim)
    assert status(found) is not DerivativeStatus.OK or abs(found.value - 3) <= SAFETY_FACTOR * found.error


@pytest.mark.parametrize("f", [np.cbrt, lambda x: np.where(x > 0, 1.0, 0.0), lambda x: np.sqrt(abs(x))])
def test_slopes_without_bound(f: Any) -> None:
    assert status(blindly(f, 0.0)) in (DerivativeStatus.UNBOUNDED, DerivativeStatus.KINK)


def test_at_the_edge_of_the_domain() -> None:
    assert status(blindly(np.sqrt, 0.0)) is DerivativeStatus.DOMAIN_EDGE
    assert status(blindly(np.log, 0.0)) is DerivativeStatus.DOMAIN_EDGE
    assert status(blindly(np.log, -1.0)) is DerivativeStatus.DOMAIN_EDGE


def test_an_infinite_claim_is_no_claim() -> None:
    assert status(blindly(np.cbrt, 0.0, math.inf)) is DerivativeStatus.UNBOUNDED


# --- traps ----------------------------------------------------------------------------------------


def pole(x: Any) -> Any:
    return (x * x + 1) / (x * x - 1)


@pytest.mark.parametrize(
    ("f", "slope", "x"),
    [
        (pole, lambda x: -4 * x / (x * x - 1) ** 2, 1 + 2.0**-20),
        (lambda x: np.exp(x) - np.exp(1e-8) - (x - 1e-8), lambda x: mpmath.expm1(x), 1e-8),
        (lambda x: (1 - np.cos(x)) / x**2, lambda x: -x / 12, 1e-5),
        (lambda x: -x * np.log(x) - (1 - x) * np.log(1 - x), lambda x: -mpmath.log(x), 1.7e-30),
    ],
)
def test_a_wrong_slope_below_the_rounding_grain(f: Any, slope: Any, x: float) -> None:  # T2
    found = blindly(f, x)
    with mpmath.workdps(40):
        expected = float(slope(mpmath.mpf(x)))
    assert abs(found.value - expected) <= SAFETY_FACTOR * found.error


@pytest.mark.parametrize("x", [10.0, 20.0, 30.0])
def test_stairs_of_inner_rounding_are_noise_not_a_plateau(x: float) -> None:  # T3
    found = blindly(lambda t: np.log(1 + np.exp(-t)), x)
    expected = -1 / (1 + math.exp(x))
    assert not found.flat
    assert abs(found.value - expected) <= SAFETY_FACTOR * found.error


def test_a_true_plateau_is_flat() -> None:
    for x in (-1e-9, -1e-3, -2.0):
        found = blindly(lambda t: np.maximum(t, 0), x)
        assert found.flat
        assert found.value == 0


def test_a_step_that_strides_over_a_narrow_bump() -> None:  # T4
    def bump(x: Any) -> Any:
        return x + 1e-3 * np.exp(-((1e4 * (x - 1)) ** 2))

    found = blindly(bump, 1.00005, claimed=1.0)
    expected = 1 - 2e5 * 5e-5 * math.exp(-0.25)
    assert abs(found.value - expected) <= SAFETY_FACTOR * found.error
    assert found.error < 1e-3


def test_high_frequencies_are_not_taken_for_noise() -> None:  # T5
    for amplitude, rate in ((1e-4, 1e5), (1e-6, 1e8), (1e-9, 1e9)):
        found = blindly(lambda x, a=amplitude, r=rate: x + a * np.sin(r * x), 0.3)
        expected = 1 + amplitude * rate * math.cos(rate * 0.3)
        unsure = status(found) is not DerivativeStatus.OK
        assert unsure or abs(found.value - expected) <= SAFETY_FACTOR * found.error + 1e-5 * abs(expected)


@pytest.mark.parametrize("x", [0.0, 1.0, 5.0, 1000.0])
def test_periodic_functions_do_not_look_flat(x: float) -> None:  # T6
    found = blindly(lambda t: np.sin(2 * np.pi * t), x, claimed=0.0)
    assert not found.flat
    assert abs(found.value - 2 * np.pi) < 1e-6


def test_far_out_a_sine_is_resolved_by_small_steps() -> None:
    found = blindly(np.sin, 1e10)
    assert abs(found.value - truth(mpmath.sin, 1e10)) <= SAFETY_FACTOR * found.error


def test_saturation_looks_flat() -> None:  # T11: differences alone cannot tell
    assert blindly(np.tanh, 40.0, claimed=0.0).flat


# --- guards ---------------------------------------------------------------------------------------


@every("distance", [1e-3, 1e-6, 1e-9, 1e-12])
@every("side", [1, -1])
def test_guards_leave_the_clean_side(distance: float, side: int) -> None:
    x = np.array([1 + side * distance])
    f = guarded(lambda t: np.where(t > 1, np.sin(t), t**3), lambda t: t - 1, x)
    expected = np.cos(x[0]) if side > 0 else 3 * x[0] ** 2
    for claims in (None, np.array([expected])):
        found = derivative(f, x, claimed=claims)
        assert abs(found.value[0] - expected) <= SAFETY_FACTOR * found.error[0]
        assert found.error[0] < 1e-6


def test_with_no_room_on_either_side_there_is_no_slope() -> None:
    found = derivative(lambda points, columns: (points, np.zeros(points.shape, dtype=bool)), np.array([1.0]))
    assert found.status[0] == DerivativeStatus.DOMAIN_EDGE
    assert math.isinf(found.error[0])


# --- one side alone -------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [0.0, 1.0, -3.0, 1e-9, 30.0])
def test_one_sided_slopes_of_a_smooth_function(x: float) -> None:
    for side in (1, -1):
        found = one_sided(counted(np.sin), np.array([x]), side)
        assert abs(found.slope[0] - truth(mpmath.sin, x)) <= SAFETY_FACTOR * found.error[0]
        assert found.error[0] < 1e-8 * max(abs(x), 1)
        assert abs(found.limit[0] - math.sin(x)) <= SAFETY_FACTOR * found.limit_error[0]


def test_one_sided_slopes_at_a_kink() -> None:
    f = counted(lambda x: np.where(x > 2, np.exp(x), 3 * x + math.exp(2) - 6))
    x = np.array([2.0])
    assert one_sided(f, x, 1).slope[0] == pytest.approx(math.exp(2), rel=1e-9)
    assert one_sided(f, x, -1).slope[0] == pytest.approx(3, rel=1e-9)


def test_one_sided_limits_show_a_jump() -> None:
    f = counted(lambda x: np.floor(x) + x * x)
    found = one_sided(f, np.array([2.0]), -1)
    assert found.limit[0] == pytest.approx(5, abs=1e-9)
    assert found.slope[0] == pytest.approx(4, rel=1e-9)


def test_points_that_rounding_takes_to_the_other_side_are_left_out() -> None:
    def function(points: Any, columns: Any) -> Any:
        return np.abs(points) + points**2, points > 1e-12

    found = one_sided(function, np.array([0.0]), 1)
    assert found.slope[0] == pytest.approx(1, abs=1e-8)


def test_a_side_that_is_not_there() -> None:
    found = one_sided(counted(np.log), np.array([0.0]), -1)
    assert math.isnan(found.slope[0])
    assert math.isinf(found.error[0])


def test_noise_of_few_samples_is_within_the_bar():
    """Of the few steps below those of an early stage, all may show less noise than the claim's slope has."""
    for x in np.linspace(0.9e-3, 1.1e-3, 41).tolist():
        claimed = np.exp(x) / x - (np.exp(x) - 1) / (x * x)
        estimate = blindly(lambda t: (np.exp(t) - 1) / t, x, claimed)
        true = float(mpmath.diff(lambda t: (mpmath.exp(t) - 1) / t, x))
        assert abs(estimate.value - true) <= estimate.error
