"""All entries of one gradient: the worst of them, and tables of several points merged."""

from __future__ import annotations

import numpy as np
import reports
from hypothesis import given
from hypothesis import strategies as st
from reports import AGREE, DISAGREE, KINK, OUTSIDE, UNSURE, column

from bpx.check.report.entry import Verdict
from bpx.check.report.gradient_table import merged


def test_the_worst_come_first_by_verdict_and_then_by_difference() -> None:
    one = column(
        "x",
        [1, 2, 3, 4, 5, 6.1],
        [1, 2.1, np.nan, np.nan, 5.5, 6],
        verdicts=[AGREE, DISAGREE, OUTSIDE, KINK, DISAGREE, UNSURE],
    )
    assert [found.index[0] for found in one.worst(9)] == [4, 1, 3, 2, 5, 0]
    assert [found.index[0] for found in one.worst(2)] == [4, 1]
    assert one.counts == {"disagree": 2, "kink": 1, "outside domain": 1, "cannot tell": 1, "agree": 1}


def test_the_worst_entry_alone_is_the_first_of_all() -> None:
    rng = np.random.default_rng(0)
    numbers = np.array([0.0, 1.0, 1 + 1e-13, 1.001, -1.0, np.nan])
    for _ in range(300):
        verdicts = rng.choice(np.array([AGREE, AGREE, DISAGREE, KINK]), 5).tolist()
        one = column("x", *rng.choice(numbers, (2, 5)), verdicts=verdicts)
        assert one.worst(1)[0].index == one.worst(2)[0].index


def test_of_each_entry_the_worst_point_is_kept() -> None:
    first = column("x", [1, 2, 3], [1, 2, 3.0001])
    other = column(
        "x", [1, 2.5, 3], [1, 2, 3], verdicts=[AGREE, DISAGREE, AGREE], reasons={1: reports.Told("so")}
    )
    third = column("x", [1, 9, 3], [np.nan, 2, 3], verdicts=[KINK, DISAGREE, AGREE], between={0: (0, 1)})
    both = merged([first, other, third])
    assert both.points.tolist() == [2, 2, 0]
    assert both.verdicts.tolist() == [KINK, DISAGREE, AGREE]
    assert both.claimed.tolist() == [1, 9, 3]
    assert both.between == {0: (0, 1)}
    assert both.reasons == {}
    assert merged([first, other]).reasons == {1: reports.Told("so")}


@given(st.lists(st.lists(st.sampled_from(list(Verdict)), min_size=3, max_size=3), min_size=1, max_size=4))
def test_merging_keeps_the_worst_verdict_of_each_entry(verdicts: list[list[Verdict]]) -> None:
    columns = [column("x", [1, 2, 3], [1, 2, 3], verdicts=row) for row in verdicts]
    assert merged(columns).verdicts.tolist() == np.min(np.array(verdicts), axis=0).tolist()
