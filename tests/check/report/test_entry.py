"""One entry: difference, digits, label, and the order of entries."""

from __future__ import annotations

import numpy as np
import pytest
from reports import AGREE
from rows_of_a_table import every

from bpx.check.numeric.decimal_digits import above, in_digits
from bpx.check.report.entry import Entry, Verdict, noise, ranked_differences, shown_bars


def entry(claimed: float, reference: float, error: float = 0.0) -> Entry:
    return Entry("w", (0, 2), claimed, reference, error, AGREE)


def test_difference_relative_and_digits() -> None:
    one = entry(1.001, 1.0)
    assert one.difference == pytest.approx(1e-3)
    assert one.relative == pytest.approx(1e-3, rel=1e-2)
    assert one.digits == pytest.approx(3, abs=0.01)
    assert one.label == "w[0, 2]"
    assert Entry("b", (), 1, 1, 0, AGREE).label == "b"


@every(
    "claimed, reference, error, digits",
    [
        (2.0, 2.0, 2e-10, 10.0),  # what lies below the error bar is noise
        (2.0, 2.0 + 2e-15, 2e-10, 10.0),
        (1.0, 1.0, 1e-16, 12.0),  # and so is what rounding may make of the claim
        (1 - 2**-53, 1 - 2**-53, 1e-16, 12.0),
        (2.0, 2.0, 0.0, np.inf),
        (np.inf, 2.0, 1e-12, 0.0),
        (0.0, 0.0, 0.0, np.inf),
        (1.0, -1.0, 0.0, 0.0),
        (1e-17, 0.0, 1e-16, np.inf),  # they agree on 0
        (1.0, np.nan, np.nan, 0.0),
    ],
)
def test_digits_where_they_are_not_plain(
    claimed: float, reference: float, error: float, digits: float
) -> None:
    np.testing.assert_equal(entry(claimed, reference, error).digits, digits)


def test_a_difference_within_the_bar_of_0_counts_as_none() -> None:
    assert entry(1e-17, -1e-17, 1e-16).relative == 0
    assert entry(1e-15, -1e-15, 1e-16).relative == 2


def test_entries_off_by_one_factor_keep_their_order_whatever_rounding_says() -> None:
    """The wrong sign is off by exactly 2 in each; the last bits, of another processor say, decide nothing."""
    right = np.array([0.1, 0.2, 0.2, 0.3])
    error = np.full(4, 1e-17)
    orders = set()
    for last_bits in np.random.default_rng(0).integers(-2, 3, size=(50, 4)):
        claimed = -right * (1 + last_bits * 2.0**-52)
        orders.add(tuple(np.lexsort(ranked_differences(claimed, right, error)[::-1])))
    assert orders == {(3, 1, 2, 0)}


def test_noise_decides_no_order() -> None:
    """Differences within the bar count as none, in both keys."""
    relative, difference = ranked_differences(
        np.array([1e-17, 2.0]), np.array([0.0, 2.0 + 1e-15]), np.full(2, 1e-14)
    )
    assert not relative.any()
    assert not difference.any()


@every(
    "value, error, least, bar",
    [
        (4.0, 1e-14, np.nan, 1e-9),  # a share of the value
        (4.0, 2e-14, np.nan, 1e-9),
        (4.0, 3e-7, np.nan, 1e-6),
        (1.0, 1e-14, np.nan, 1e-10),
        (1 - 2**-53, 1e-14, np.nan, 1e-10),
        (4.0, 1e-14, 5e-12, 1e-11),
        (4.0, 3e-11, 5e-12, 1e-10),
        (4.0, 8e-16, np.nan, 8.5e-16),  # one rounding
        (0.0, 0.0, np.nan, 0.0),
        (0.0, 3e-17, np.nan, 1e-16),
        (1e300, 1e290, np.nan, 1e290),
        (1.0, np.inf, np.nan, np.inf),
        (np.nan, np.nan, np.nan, np.nan),
    ],
)
def test_error_bars_are_shown_as_powers_of_ten(value: float, error: float, least: float, bar: float) -> None:
    np.testing.assert_equal(float(shown_bars(value, error, least)), bar)


def test_no_error_bar_is_shown_smaller_than_it_is() -> None:
    rng = np.random.default_rng(0)
    value, error = 10.0 ** rng.uniform(-300, 300, (2, 10_000))
    proved = rng.random(10_000) < 0.5
    assert (shown_bars(value, error, np.nan, proved) >= error).all()
    assert (noise(value, error, Verdict.AGREE) >= error).all()


def test_bars_of_arrays_are_those_of_each_entry() -> None:
    """Some measured, some to one rounding, some proved, some not known; of shapes that broadcast."""
    value = np.array([[2.0], [0.0], [np.nan]])
    error = np.array([0.0, 1e-16, 3e-5, np.inf])
    for proved in (False, np.array([[True], [False], [False]])):
        for least in (np.nan, 1e-7, np.array([np.nan, 1e-3, np.nan, np.nan])):
            full = np.broadcast_arrays(value, error, least, proved)
            alone = [shown_bars(*entry) for entry in zip(*(part.ravel() for part in full), strict=True)]
            np.testing.assert_array_equal(shown_bars(value, error, least, proved).ravel(), alone)


def test_what_rounding_makes_of_numbers_does_not_show() -> None:
    """Of references and their bars as two processors have them, the same bars and digits are shown."""
    rng = np.random.default_rng(1)
    value = rng.normal(size=1000).round(3)
    there = value * (1 + 2.0**-52 * rng.integers(-8, 9, 1000))
    bars = shown_bars(value, 1e-14 * np.abs(value)), shown_bars(there, 2e-14 * np.abs(value))
    np.testing.assert_array_equal(*bars)
    entries = [entry(value[0], value[0], bars[0][0]), entry(value[0], there[0], bars[1][0])]
    assert entries[0].to_dict() == entries[1].to_dict()


def test_powers_of_ten_are_those_that_their_digits_name() -> None:
    powers = np.array([float(f"1e{exponent}") for exponent in range(-307, 308)])
    np.testing.assert_array_equal(above(powers), powers)
    np.testing.assert_array_equal(in_digits(powers[285:330], 2), powers[285:330])
    assert above(1.5e-12) == 1e-11
    assert in_digits(np.array(1.2345e-16), 2) == 1.2e-16
