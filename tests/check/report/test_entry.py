"""One entry: difference, digits, label, and the order of entries."""

from __future__ import annotations

import numpy as np
import pytest
from reports import AGREE

from bpx.check.report.entry import Entry, ranked_differences


def entry(claimed: float, reference: float, error: float = 0.0) -> Entry:
    return Entry("w", (0, 2), claimed, reference, error, AGREE)


def test_difference_relative_and_digits() -> None:
    one = entry(1.001, 1.0)
    assert one.difference == pytest.approx(1e-3)
    assert one.relative == pytest.approx(1e-3, rel=1e-2)
    assert one.digits == pytest.approx(3, abs=0.01)
    assert one.label == "w[0, 2]"
    assert Entry("b", (), 1, 1, 0, AGREE).label == "b"


@pytest.mark.parametrize(
    ("claimed", "reference", "error", "digits"),
    [
        (2.0, 2.0, 2e-12, 12.0),  # what lies below the error bar is noise
        (2.0, 2.0 + 2e-15, 2e-12, 12.0),
        (2.0, 2.0, 1e-16, np.inf),
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
