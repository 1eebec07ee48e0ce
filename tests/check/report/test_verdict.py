"""The verdict on a claim, from a reference and its bar."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpx.check.numeric.tolerances import SAFETY_FACTOR
from bpx.check.report.entry import Verdict
from bpx.check.report.verdict import decide

SIZES = st.floats(1e-6, 1e6) | st.floats(-1e6, -1e-6)


def verdict(*args: Any, **facts: Any) -> Verdict:
    return Verdict(int(decide(*args, **facts)))


@pytest.mark.parametrize(
    ("claimed", "value", "error", "expected"),
    [
        (2.0, 2.0, 1e-12, Verdict.AGREE),
        (2.0, 2.0 + 1e-9, 1e-12, Verdict.AGREE),  # less than must be seen, and known to be so little
        (2.0, 2.001, 1e-12, Verdict.DISAGREE),
        (-2.0, 2.0, 1e-12, Verdict.DISAGREE),
        (2.0, 2.0, 1e-3, Verdict.CANNOT_TELL),
        (2.0, 3.0, 1.0, Verdict.CANNOT_TELL),
        (2.0, 20.0, 1.0, Verdict.DISAGREE),  # a wide bar refutes what is further off
        (1e-12, -1e-12, 1e-20, Verdict.DISAGREE),  # nothing absolute passes small gradients
        (0.0, 0.0, 1e-12, Verdict.CANNOT_TELL),
        (2.0, math.nan, math.inf, Verdict.CANNOT_TELL),
        (math.nan, 2.0, 1e-12, Verdict.DISAGREE),
        (math.inf, 2.0, 1e-12, Verdict.DISAGREE),
        (math.nan, math.nan, math.inf, Verdict.CANNOT_TELL),
    ],
)
def test_special_points(claimed: float, value: float, error: float, expected: Verdict) -> None:
    assert verdict(claimed, value, error) is expected


def test_a_flat_function_bears_out_an_exact_zero_alone() -> None:
    assert verdict(0.0, 0.0, 1e-7, flat=True) is Verdict.AGREE
    assert verdict(1e-9, 0.0, 1e-7, flat=True) is Verdict.CANNOT_TELL
    assert verdict(1e-3, 0.0, 1e-7, flat=True) is Verdict.DISAGREE


def test_a_stationary_point_is_measured_by_the_slopes_around() -> None:
    assert verdict(3e-17, 0.0, 1e-15, slope_scale=1.0) is Verdict.AGREE
    assert verdict(3e-17, 0.0, 1e-15, slope_scale=1e-12) is Verdict.CANNOT_TELL
    assert verdict(1e-3, 0.0, 1e-15, slope_scale=1.0) is Verdict.DISAGREE


def test_the_claims_own_rounding_is_not_held_against_it() -> None:  # T9
    assert verdict(2.001, 2.0, 1e-12) is Verdict.DISAGREE
    assert verdict(2.001, 2.0, 1e-12, claim_noise=1e-3) is Verdict.CANNOT_TELL


@given(SIZES, SIZES, st.floats(0, 1e3), st.sampled_from([1e-3, 1e-5, 1e-8]))
def test_agreement_is_never_wider_than_what_must_be_seen(
    claimed: float, value: float, error: float, detect: float
) -> None:
    found = verdict(claimed, value, error, detect=detect, slope_scale=0.0)
    scale = max(abs(claimed), abs(value))
    if found is Verdict.AGREE:
        assert SAFETY_FACTOR * error <= detect * scale
        assert abs(claimed - value) <= 1.1 * detect * scale


@given(SIZES, st.floats(-1, 1), st.floats(1e-15, 1e-2))
def test_a_claim_within_the_bar_never_disagrees(value: float, share: float, relative: float) -> None:
    error = relative * abs(value)
    assert verdict(value + share * error, value, error) is not Verdict.DISAGREE


@given(SIZES, st.floats(1.2e-5, 10), st.sampled_from([1, -1]))
def test_what_must_be_seen_is_seen(value: float, relative: float, sign: int) -> None:
    claimed = value * (1 + sign * relative)
    assert verdict(claimed, value, 1e-9 * abs(value)) is Verdict.DISAGREE


def test_arrays_are_decided_element_by_element() -> None:
    claimed, value = np.array([[1.0, 2.0], [3.0, 0.0]]), np.array([[1.0, 2.5], [3.0, 0.0]])
    found = decide(claimed, value, np.full((2, 2), 1e-12), flat=value == 0)
    assert found.tolist() == [[Verdict.AGREE, Verdict.DISAGREE], [Verdict.AGREE, Verdict.AGREE]]
