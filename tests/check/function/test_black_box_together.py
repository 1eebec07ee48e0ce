"""Large black boxes: few wrong entries among many are found, and what is right agrees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bpx.check.function.black_box import check_function
from bpx.check.function.black_box_rows import BlackBoxRows
from bpx.check.function.black_box_together import Isolation
from bpx.check.function.caller import Caller
from bpx.check.report.entry import Verdict
from bpx.check.report.report import Report


def forward(x: Any) -> Any:
    return np.sum(np.tanh(x))


def right(g: Any, x: Any) -> Any:
    return g * (1 - np.tanh(x) ** 2)


def inputs(size: int) -> Any:
    return np.random.default_rng(size).normal(size=size)


def with_errors(errors: dict[int, float]) -> Any:
    """A backward whose entries are off by these numbers."""

    def backward(g: Any, x: Any) -> Any:
        gradient = right(g, x)
        for index, error in errors.items():
            gradient[index] += g * error
        return gradient

    return backward


def disagreeing(report: Report) -> set[int]:
    return {entry.index[0] for entry in report.entries if entry.verdict is Verdict.DISAGREE}


@pytest.mark.parametrize(
    ("size", "count", "error"),
    [(1000, 1, 1e-4), (1000, 2, 0.5), (1000, 10, 1e-4), (10_000, 1, 1e-4), (10_000, 2, -2.0)],
)
def test_few_wrong_entries_among_many_are_found(size: int, count: int, error: float) -> None:
    chosen = np.random.default_rng(1).choice(size, count, replace=False).tolist()
    report = check_function(forward, [inputs(size)], with_errors(dict.fromkeys(chosen, error)), exact=False)
    assert disagreeing(report) == set(chosen)
    assert report.counts["cannot tell"] == 0


def test_errors_that_cancel_are_found() -> None:
    errors = {100: 0.01, 101: -0.01, 900: 1e-3, 950: -1e-3}
    report = check_function(forward, [inputs(1000)], with_errors(errors), exact=False)
    assert disagreeing(report) == set(errors)


def test_an_error_that_is_tiny_beside_the_gradient_is_found() -> None:
    """An entry of 1e-6 that is wrong by a thousandth, beside 2,000 of size 1."""
    scale = np.ones(2000)
    scale[1234] = 1e-6

    def backward(g: Any, x: Any) -> Any:
        gradient = g * scale * np.cos(x)
        gradient[1234] *= 1.001
        return gradient

    report = check_function(lambda x: np.sum(scale * np.sin(x)), [inputs(2000)], backward, exact=False)
    assert disagreeing(report) == {1234}


@pytest.mark.parametrize("place", ["bias", "weights", "dead"])
def test_no_stratum_is_skipped(place: str) -> None:
    """Few biases, and weights whose gradient is 0, beside many that are right."""
    rng = np.random.default_rng(0)
    data, weights, bias = rng.normal(size=(4, 40)), rng.normal(size=(40, 30)), rng.normal(size=30)
    bias[:15] = -100.0  # these units never open

    def net(w: Any, b: Any) -> Any:
        return np.sum(np.maximum(data @ w + b, 0) ** 2)

    def backward(g: Any, w: Any, b: Any) -> Any:
        upstream = 2 * g * np.maximum(data @ w + b, 0)
        dw, db = data.T @ upstream, upstream.sum(axis=0)
        db[20] *= 1.01 if place == "bias" else 1
        dw[3, 20] *= 1.01 if place == "weights" else 1
        dw[3, 5] += 1e-3 if place == "dead" else 0
        return dw, db

    report = check_function(net, [weights, bias], backward, exact=False)
    wrong = [(entry.input, entry.index) for entry in report.entries if entry.verdict is Verdict.DISAGREE]
    expected = {"bias": ("b", (20,)), "weights": ("w", (3, 20)), "dead": ("w", (3, 5))}[place]
    assert wrong == [expected]
    assert report.counts["cannot tell"] == 0


def test_zeros_are_certified_together() -> None:
    report = check_function(
        lambda x: np.sum(np.maximum(x, 0)), [inputs(1000)], lambda g, x: g * (x > 0), exact=False
    )
    assert report.counts["disagree"] == 0
    assert report.counts["agree"] >= 990  # a few are looked at one by one, where steps look like rounding


def test_an_array_that_is_wrong_all_over_is_no_loss_of_all_calls() -> None:
    report = check_function(forward, [inputs(1000)], lambda g, x: 2 * right(g, x), exact=False, calls=4000)
    assert report.verdict == "disagree"
    assert report.counts["agree"] == 0


@pytest.mark.parametrize("count", [1, 4])
def test_isolation_takes_few_calls_for_each_wrong_entry(count: int) -> None:
    size = 100_000
    x, chosen = inputs(size), np.random.default_rng(count).choice(size, count, replace=False)
    backward = with_errors(dict.fromkeys(chosen.tolist(), 0.01))
    caller = Caller(forward, backward, [x], None)
    rows = BlackBoxRows(caller, np.random.default_rng(0))
    isolation = Isolation(rows, rows.claims(), np.abs(x) + 0.1, np.random.default_rng(0))
    before = caller.calls
    assert set(isolation.of(np.arange(size)).tolist()) >= set(chosen.tolist())
    assert caller.calls - before <= 60 * count
