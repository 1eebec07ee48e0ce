"""What is found of each row and entry, and the worst of all rows in the report's columns."""

from __future__ import annotations

import numpy as np
import pytest

from bpx.check.function.findings import BlackBoxVerdicts
from bpx.check.report.entry import Reason, Verdict


@pytest.fixture
def found() -> BlackBoxVerdicts:
    found = BlackBoxVerdicts(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), 1e-5)
    found.value, found.error = found.claimed.copy(), np.full((2, 3), 1e-12)
    return found


def test_nothing_is_known_at_first() -> None:
    found = BlackBoxVerdicts(np.ones((1, 2)), 1e-5)
    assert (found.verdict == Verdict.CANNOT_TELL).all()
    assert found.unclear.all()


def test_comparing_gives_a_verdict_and_its_reason(found: BlackBoxVerdicts) -> None:
    found.value[1, 2] = 6.1
    for row, at in np.ndindex(2, 3):
        found.compare(row, at, 0.0)
    assert found.verdict.tolist() == [[4, 4, 4], [4, 4, 0]]
    assert {where: reason.code for where, reason in found.reasons.items()} == {(1, 2): "differs"}
    assert found.unclear.tolist() == [[False] * 3, [False, False, True]]


@pytest.mark.parametrize(
    ("claimed", "value", "error", "noise", "code"),
    [
        (np.nan, 1.0, 1e-12, 0.0, "claim-not-finite"),
        (1.0, 2.0, 1e-12, 0.0, "differs"),
        (1.0, 1.0, 1e-3, 0.0, "uncertain"),
        (1.0, 1.1, 1e-12, 0.1, "claim-noise"),
        (0.0, 0.0, 1e-3, 0.0, "uncertain"),
    ],
)
def test_every_reason(claimed: float, value: float, error: float, noise: float, code: str) -> None:
    found = BlackBoxVerdicts(np.array([[claimed]]), 1e-5)
    found.value[0, 0], found.error[0, 0] = value, error
    found.compare(0, 0, noise)
    assert found.reasons[0, 0].code == code
    assert found.reasons[0, 0].text


def test_at_a_kink_the_slopes_are_kept(found: BlackBoxVerdicts) -> None:
    found.compare_at_kink(0, 1, 3.0, 1.0, 0.0)
    found.compare_at_kink(0, 2, 0.0, 1.0, 0.0)
    assert found.at_kink(0) == [1]
    assert found.between == {(0, 1): (1.0, 3.0), (0, 2): (0.0, 1.0)}
    assert found.verdict[0, 2] == Verdict.DISAGREE


def test_a_new_verdict_replaces_all_that_was_said(found: BlackBoxVerdicts) -> None:
    found.compare_at_kink(0, 1, 3.0, 1.0, 0.0)
    found.put(0, 1, Verdict.AGREE)
    assert (0, 1) not in found.reasons
    assert (0, 1) not in found.between


def test_a_column_holds_the_worst_of_all_rows(found: BlackBoxVerdicts) -> None:
    found.verdict[:] = Verdict.AGREE
    found.put(1, 2, Verdict.DISAGREE, Reason("differs", {"difference": "1", "error": "0"}))
    column = found.column("w", (2,), np.array([1, 2]))
    assert column.verdicts.tolist() == [Verdict.AGREE, Verdict.DISAGREE]
    assert column.claimed[1] == 6
    assert column.reasons[1].code == "differs"
    assert column.points is None
