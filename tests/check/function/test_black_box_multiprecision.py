"""A closer look with many digits: right formulas, wrong formulas, and functions that do not run on them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bpx.check.function.black_box_evaluation import BlackBoxEvaluation
from bpx.check.function.black_box_multiprecision import BlackBoxMultiprecision
from bpx.check.function.black_box_rows import BlackBoxRows
from bpx.check.function.caller import Caller
from bpx.check.report.entry import Verdict


def looked(forward: Any, backward: Any, *inputs: Any) -> BlackBoxEvaluation:
    """What many digits alone find out."""
    rows = BlackBoxRows(Caller(forward, backward, list(inputs), None), np.random.default_rng(0))
    evaluation = BlackBoxEvaluation(rows.claims(), 1e-5)
    BlackBoxMultiprecision(rows, evaluation, lambda row: np.zeros(len(rows.x))).look()
    return evaluation


def tanh_pull(g: Any, x: Any) -> Any:
    return g * (1 - np.tanh(x) ** 2)


def code(evaluation: BlackBoxEvaluation) -> str | None:
    code: str | None = evaluation.judgement().codes[0]
    return code


@pytest.mark.parametrize(
    ("backward", "x", "verdict", "expected"),
    [
        (tanh_pull, 0.5, Verdict.AGREE, None),
        (tanh_pull, 40.0, Verdict.AGREE, "digits-lost"),
        (lambda g, x: -tanh_pull(g, x), 40.0, Verdict.DISAGREE, "differs"),
        (lambda g, x: 1.001 * tanh_pull(g, x), 0.5, Verdict.DISAGREE, "differs"),
        (lambda g, x: float(g) * 1.001 * tanh_pull(1.0, float(x)), 0.5, Verdict.DISAGREE, "differs"),
    ],
)
def test_claims_are_compared_as_formulas(backward: Any, x: float, verdict: Verdict, expected: Any) -> None:
    evaluation = looked(np.tanh, backward, x)
    assert evaluation.verdicts[0, 0] == verdict
    assert code(evaluation) == expected


def test_the_reference_is_as_good_as_floats_go() -> None:
    evaluation = looked(np.tanh, tanh_pull, 40.0)
    assert evaluation.evidence.value[0, 0] == pytest.approx(7.219405551381661e-35, rel=1e-15)
    assert evaluation.evidence.error[0, 0] <= 1e-50


def test_kinks_and_edges() -> None:
    assert looked(lambda x: np.maximum(x, 0), lambda g, x: g * 0.5, 0.0).verdicts[0, 0] == Verdict.KINK
    assert looked(np.sqrt, lambda g, x: g, 0.0).verdicts[0, 0] == Verdict.OUTSIDE_DOMAIN


def test_a_function_that_does_not_run_on_objects_is_left_alone() -> None:
    def forward(x: Any) -> Any:
        return np.float64(float(x) ** 2)

    evaluation = looked(forward, lambda g, x: 2 * g * x, 3.0)
    assert evaluation.verdicts[0, 0] == Verdict.CANNOT_TELL


def test_a_function_that_does_something_else_with_objects_is_left_alone() -> None:
    def forward(x: Any) -> Any:
        return x**2 if isinstance(x, float) else x**3

    evaluation = looked(forward, lambda g, x: 3 * g * x**2, 3.0)
    assert evaluation.verdicts[0, 0] == Verdict.CANNOT_TELL


def test_when_the_operations_are_used_up_it_stops() -> None:
    rows = BlackBoxRows(Caller(np.tanh, tanh_pull, [0.5], None), np.random.default_rng(0))
    rows.caller.budget.left = 5
    evaluation = BlackBoxEvaluation(rows.claims(), 1e-5)
    BlackBoxMultiprecision(rows, evaluation, lambda row: np.zeros(1)).look()
    assert evaluation.verdicts[0, 0] == Verdict.CANNOT_TELL


def test_infinite_claims_are_not_right() -> None:
    evaluation = looked(lambda x: 1 / x, lambda g, x: g / np.round(x), 1e-6)
    assert evaluation.verdicts[0, 0] == Verdict.DISAGREE
