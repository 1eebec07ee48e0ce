"""The ladder of steps: exact steps, unusable ones, plateaus, stairs, and what closes up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpx.check.numeric import ladder
from bpx.check.numeric.ladder import StepTable
from bpx.check.numeric.tolerances import STAGE_STEPS


def every(f: Callable[[Any], Any]) -> Any:
    return lambda points, columns: (f(points), np.ones(points.shape, dtype=bool))


def table(f: Callable[[Any], Any], x: float, count: int = 24) -> StepTable:
    point = np.array([x])
    first = ladder.start(every(f), np.array([0]), point)
    return ladder.extended(first, every(f), np.maximum(np.abs(point), 1.0), count)


@given(st.floats(-1e6, 1e6))
def test_steps_are_what_was_stepped(x: float) -> None:
    found = table(lambda t: t, x)
    inside = found.steps < abs(x) / 4 if x else found.steps > 0
    assert (found.above - x == np.where(inside, found.steps, found.above - x)).all()
    assert (x - found.below == np.where(inside, found.steps, x - found.below)).all()


def test_stages_add_up() -> None:
    whole = table(np.exp, 0.7, 24)
    part = table(np.exp, 0.7, 8)
    again = ladder.extended(part, every(np.exp), np.ones(1), 24)
    assert (again.above == whole.above).all()
    assert (again.steps == whole.steps).all()


def test_larger_steps_than_an_unusable_one_are_dropped() -> None:
    found = table(lambda t: np.where((t > 1.005) & (t < 1.01), np.nan, t), 1.0)
    usable = np.isfinite(found.right[:, 0])
    assert usable.sum() == np.isfinite(found.central).sum() < 24
    assert found.steps[usable].max() < 5e-3
    assert np.isfinite(found.left).all()
    assert found.usable_on_one_side[0] == 24


@pytest.mark.parametrize("x", [0.0, 1.0, 1e-9, 1e6, -3.0])
def test_the_ladder_ends_near_the_grain_of_x(x: float) -> None:
    counts = [count for count in STAGE_STEPS if ladder.ended(table(np.sin, x, count))[0]]
    smallest = table(np.sin, x, counts[0]).steps[-1, 0]
    assert smallest <= (2.0**-42 * abs(x) if x else 2.0**-66)
    assert smallest > 2.0**-53 * abs(x)


@pytest.mark.parametrize("distance", [1e-9, 1e-4, 0.2])
def test_a_plateau_is_flat_and_has_no_stairs(distance: float) -> None:
    found = table(lambda t: np.maximum(t, 1.0), 1 - distance)
    flat_to = ladder.flat_range(found)
    assert distance / 4 <= flat_to[0] <= distance
    assert ladder.inner_quantum(every(lambda t: np.maximum(t, 1.0)), found, flat_to)[0] == 0


def test_rounding_within_makes_stairs_of_its_height() -> None:
    def f(t: Any) -> Any:
        return (1e6 + t) - 1e6

    found = table(f, 0.3)
    assert ladder.inner_quantum(every(f), found, ladder.flat_range(found))[0] == pytest.approx(
        2.0**-33, rel=0.01
    )


def test_slopes_close_up_unless_there_is_a_kink() -> None:
    first = np.array([0.37])
    assert ladder.closing(table(np.exp, 0.7), np.zeros(1), first)[0]
    assert not ladder.closing(table(abs, 0.0), np.zeros(1), first)[0]
    assert not ladder.closing(table(lambda t: abs(t - 1e-13), 0.0), np.zeros(1), first)[0]


def test_slopes_meet_beside_a_kink() -> None:
    gap, none = np.array([2.0]), np.zeros(1)
    assert ladder.meeting(table(lambda t: abs(t - 1e-9), 0.0), gap, none)[0]
    assert not ladder.meeting(table(abs, 0.0), gap, none)[0]


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (np.cbrt, True),
        (lambda t: np.where(t > 0, 1.0, 0.0), True),
        (np.exp, False),
        (abs, False),
        (lambda t: 1e6 + np.sin(t), False),
    ],
)
def test_slopes_without_bound_are_steep(f: Any, expected: bool) -> None:
    with np.errstate(all="ignore"):
        assert ladder.steep(table(f, 0.0))[0] == expected
