"""A wrong derivative of an activation inside of a function is found through the gradients that it spoils."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bpx.check.function.black_box import check_function

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 4))
INPUTS = [RNG.normal(size=shape) for shape in ((4, 6), (6,), (6, 3), (3,))]


def relu(z: Any) -> Any:
    return np.maximum(z, 0)


def blame(function: Any, slope: Any, examples: Any = X) -> tuple[dict[str, list[str]], list[tuple[str, ...]]]:
    def forward(W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
        return np.sum((function(X @ W1 + b1) @ W2 + b2) ** 2)

    def backward(g: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
        h = function(X @ W1 + b1)
        d = 2 * g * (h @ W2 + b2)
        dh = d @ W2.T * slope(h)
        return X.T @ dh, np.sum(dh, axis=0), h.T @ d, np.sum(d, axis=0)

    report = check_function(forward, INPUTS, backward)
    codes = {one.node: [mistake.code for mistake in one.mistakes] for one in report.blame}
    return codes, [one.also for one in report.blame]


@pytest.mark.parametrize(
    ("function", "slope", "code"),
    [
        (np.tanh, lambda h: 1.0, "hidden-slope-missing"),
        (np.tanh, lambda h: (1 - h**2) ** 2, "hidden-slope-twice"),
        (np.tanh, lambda h: 1 - h, "hidden-slope-wrong"),
        (relu, lambda h: 1.0, "hidden-slope-missing"),
    ],
)
def test_one_cause_is_blamed_once(function: Any, slope: Any, code: str) -> None:
    assert blame(function, slope) == ({"W1": [code]}, [("b1",)])


def test_what_no_activation_explains_is_not_named() -> None:
    assert blame(np.tanh, lambda h: np.cos(3 * h)) == ({"W1": [], "b1": []}, [(), ()])
