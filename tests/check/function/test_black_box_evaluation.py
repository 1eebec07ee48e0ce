"""What is known of each row and entry of a black box, and the worst of all rows in the report's tables."""

from __future__ import annotations

import numpy as np
import pytest

from bpx.check.function.black_box_evaluation import BlackBoxEvaluation
from bpx.check.report.entry import Verdict


@pytest.fixture
def evaluation() -> BlackBoxEvaluation:
    evaluation = BlackBoxEvaluation(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), 1e-5)
    evaluation.evidence.put(slice(None), value=evaluation.claimed.ravel(), error=1e-12)
    return evaluation


def of_output(row: int) -> tuple[int, ...]:
    return (row,)


def codes(evaluation: BlackBoxEvaluation) -> list[list[str | None]]:
    found: list[list[str | None]] = evaluation.judgement().codes.reshape(evaluation.claimed.shape).tolist()
    return found


def test_nothing_is_known_at_first() -> None:
    evaluation = BlackBoxEvaluation(np.ones((1, 2)), 1e-5)
    assert (evaluation.verdicts == Verdict.CANNOT_TELL).all()
    assert evaluation.unclear.all()


def test_an_entry_is_known_by_its_row_and_its_coordinate(evaluation: BlackBoxEvaluation) -> None:
    evaluation.evidence.put(evaluation.at(1, 2), value=6.1)
    assert evaluation.verdicts.tolist() == [[4, 4, 4], [4, 4, 0]]
    assert codes(evaluation) == [[None] * 3, [None, None, "differs"]]
    assert evaluation.unclear.tolist() == [[False] * 3, [False, False, True]]
    assert evaluation.all_rows([0, 2]).tolist() == [[0, 2], [3, 5]]


def test_a_verdict_is_kept_until_something_is_written_down(evaluation: BlackBoxEvaluation) -> None:
    before = evaluation.judgement()
    assert evaluation.judgement() is before
    evaluation.evidence.put(0, value=2.0)
    assert evaluation.verdicts[0, 0] == Verdict.DISAGREE
    evaluation.evidence.value = evaluation.claimed
    assert (evaluation.verdicts == Verdict.AGREE).all()


def test_at_a_kink_the_slopes_are_kept(evaluation: BlackBoxEvaluation) -> None:
    evaluation.add_kinks(evaluation.at(0, 1), 3.0, 1.0, 0.0)
    evaluation.add_kinks(evaluation.at(0, 2), 0.0, 1.0, 0.0)
    assert evaluation.at_kink(0) == [1]
    assert evaluation.verdicts[0, 2] == Verdict.DISAGREE
    table = evaluation.table("x", (3,), np.arange(3), of_output)
    assert table.between == {1: (1.0, 3.0), 2: (0.0, 1.0)}
    assert [table.reasons[flat].code for flat in (1, 2)] == ["between-slopes", "beyond-slopes"]
    assert np.isnan(table.reference[1:]).all()


def test_another_reference_replaces_all_that_was_known(evaluation: BlackBoxEvaluation) -> None:
    evaluation.add_kinks(evaluation.at(0, 1), 3.0, 1.0, 0.0)
    evaluation.evidence.replace(evaluation.at(0, 1), 2.0, 0.0)
    assert evaluation.verdicts[0, 1] == Verdict.AGREE
    assert evaluation.table("x", (3,), np.arange(3), of_output).between == {}


def test_what_was_known_before_can_be_restored(evaluation: BlackBoxEvaluation) -> None:
    at = evaluation.at([0], 1)
    before = evaluation.evidence.part(at)
    evaluation.add_kinks(at, 3.0, 1.0, 0.0)
    evaluation.evidence.restore(at, before)
    assert evaluation.verdicts[0, 1] == Verdict.AGREE


def test_a_table_holds_the_worst_of_all_rows(evaluation: BlackBoxEvaluation) -> None:
    evaluation.evidence.put(evaluation.at(1, 2), value=7.0)
    table = evaluation.table("w", (2,), np.array([1, 2]), of_output)
    assert table.verdicts.tolist() == [Verdict.AGREE, Verdict.DISAGREE]
    assert table.claimed[1] == 6
    assert table.reasons[1].code == "differs"
    assert table.points is None
    assert table.entry(1).output == (1,)


def test_of_every_row_what_does_not_agree_is_kept(evaluation: BlackBoxEvaluation) -> None:
    evaluation.evidence.put(evaluation.all_rows([2]).ravel(), value=[7.0, 8.0])
    table = evaluation.table("w", (2,), np.array([1, 2]), of_output)
    shown = [table.entry(1), *table.others]
    assert sorted((entry.output, entry.reference) for entry in shown) == [((0,), 7.0), ((1,), 8.0)]


def test_a_mixture_counts_where_it_alone_disagrees(evaluation: BlackBoxEvaluation) -> None:
    mixture = evaluation.add_mixture(np.array([1.0, -2.0]), np.array([-7.0, -8.0, -9.5]))
    mixture.evidence.put(slice(None), value=[-7.0, -8.0, -9.0], error=1e-12)
    table = evaluation.table("w", (3,), np.arange(3), of_output)
    assert table.verdicts.tolist() == [Verdict.AGREE, Verdict.AGREE, Verdict.DISAGREE]
    assert (table.claimed[2], table.reference[2]) == (-9.5, -9.0)
    assert table.reasons[2].facts == {"upstream": "[1, -2]"}
    assert table.entry(2).output is None
    assert evaluation.wrong.tolist() == [False, False, True]
