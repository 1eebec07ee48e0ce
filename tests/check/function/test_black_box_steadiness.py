"""Functions that do not give the same twice: chance, and what earlier calls left behind."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from bpx.check.function.black_box import check_function
from bpx.check.report.report import Report

X = np.array([1.5, -2.0])


def codes(report: Report) -> set[str]:
    return {entry.reason.code for entry in report.entries if entry.reason}


def test_a_coin_in_forward_is_never_agreed_with() -> None:
    """Two equal runs prove nothing: half of these checks begin with them."""
    found: Counter[Any] = Counter()
    for seed in range(40):
        rng = np.random.default_rng(seed)

        def forward(x: Any, rng: Any = rng) -> float:
            return float(np.sum(np.tanh(x)) + (0.5 * np.sum(x) if rng.random() < 0.5 else 0.0))

        report = check_function(forward, [np.array([0.3])], lambda g, x: (7.0 * g * np.ones(1),))
        found[report.verdict, *codes(report)] += 1
    assert found == {("cannot tell", "scatter"): 40}


def test_a_coin_that_falls_only_off_the_point_is_found() -> None:
    rng = np.random.default_rng(0)

    def forward(x: Any) -> Any:
        return np.sum(x**2) + (rng.random() < 0.3 if x[0] != X[0] else 0.0)

    report = check_function(forward, [X], lambda g, x: 2 * g * x)
    assert (report.verdict, codes(report)) == ("cannot tell", {"scatter"})


def test_dropout_is_not_deterministic() -> None:
    rng = np.random.default_rng(0)

    def drop(x: Any) -> Any:
        return x * (rng.random(x.shape) > 0.5)

    report = check_function(drop, [np.ones((3, 4))], lambda g, x: drop(g))
    assert (report.verdict, codes(report)) == ("cannot tell", {"scatter"})


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_a_coin_in_backward_is_not_called_wrong(share: float) -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)

        def backward(g: Any, x: Any, rng: Any = rng) -> Any:
            return 2 * g * x * (0.5 if rng.random() < share else 1.0)

        assert check_function(lambda x: np.sum(x**2), [X], backward).verdict != "disagree"


def test_what_accumulates_from_call_to_call_is_named() -> None:
    total = np.zeros(2)

    def backward(g: Any, x: Any) -> Any:
        nonlocal total
        total = total + 2 * x * g
        return (total,)

    report = check_function(lambda x: np.sum(x**2), [X], backward)
    assert (report.verdict, codes(report)) == ("disagree", {"accumulates"})
    assert [mistake.code for mistake in report.blame[0].mistakes] == ["accumulates"]


def test_a_layer_that_adds_to_its_gradient_is_named_and_its_input_is_right() -> None:
    rng = np.random.default_rng(0)
    x, w, kept = rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), np.zeros((3, 2))

    def backward(g: Any, x: Any, w: Any) -> Any:
        nonlocal kept
        kept += x.T @ g
        return g @ w.T, kept

    report = check_function(lambda x, w: x @ w, [x, w], backward)
    assert [column.counts["agree"] for column in report.columns] == [12, 0]
    assert [(culprit.node, culprit.mistakes[0].code) for culprit in report.blame] == [("w", "accumulates")]


def test_momentum_is_unsteady_and_not_called_a_sum() -> None:
    kept = np.zeros(2)

    def backward(g: Any, x: Any) -> Any:
        nonlocal kept
        kept = 0.9 * kept + 2 * x * g
        return kept

    report = check_function(lambda x: np.sum(x**2), [X], backward)
    assert (report.verdict, codes(report)) == ("cannot tell", {"claim-scatter"})


class Layer:
    """Keeps on the way forward what it needs on the way back, as most layers in code do."""

    def forward(self, x: Any) -> Any:
        self.y = np.tanh(x)
        return self.y

    def backward(self, g: Any) -> Any:
        return g * (1 - self.y**2)


@pytest.mark.parametrize("factor", [1.0, 1.001])
def test_a_layer_that_keeps_its_values_is_checked_at_the_right_ones(factor: float) -> None:
    layer = Layer()
    report = check_function(layer.forward, [X], lambda g, x: factor * layer.backward(g))
    assert report.verdict == ("agree" if factor == 1 else "disagree")


def test_threads_that_add_up_in_another_order_are_no_chance() -> None:
    rng = np.random.default_rng(0)

    def forward(x: Any) -> Any:
        return np.sum(x[rng.permutation(len(x))])

    x = np.random.default_rng(1).normal(size=200)
    assert check_function(forward, [x], lambda g, x: g * np.ones_like(x)).verdict == "agree"
