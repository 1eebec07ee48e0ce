"""Black boxes: the inputs whose gradient is wrong, and the mistake where a pattern gives all the numbers."""

from __future__ import annotations

import numpy as np
import pytest

from bpx.check.function.black_box import check_function

X, W = np.array([[1.0, -2.0], [0.3, 0.7]]), np.array([[0.5, 0.1], [0.25, -0.4]])


def layer(x, w):
    return np.tanh(x @ w)


def right(g, x, w):
    inner = g * (1 - layer(x, w) ** 2)
    return inner @ w.T, x.T @ inner


def blame(backward, forward=layer, inputs=(X, W)):
    report = check_function(forward, list(inputs), backward, ["x", "w"][: len(inputs)])
    return {one.node: [mistake.code for mistake in one.mistakes] for one in report.blame}


def test_nobody_is_blamed_for_what_is_right():
    assert blame(right) == {}


@pytest.mark.parametrize(
    ("wrong", "codes"),
    [
        (lambda dx, dw: (-dx, dw), {"x": ["sign"]}),
        (lambda dx, dw: (dx, 2 * dw), {"w": ["double"]}),
        (lambda dx, dw: (dx / 4, dw), {"x": ["mean-doubled"]}),
        (lambda dx, dw: (dx * 1.5, dw * 0), {"x": ["factor"], "w": ["dropped"]}),
        (lambda dx, dw: (dx.T, dw), {"x": ["result-transposed"]}),
        (lambda dx, dw: (dx, dx), {"w": ["other-gradient"]}),
        (lambda dx, dw: (dx + 0.1, dw), {"x": []}),
    ],
)
def test_mistakes(wrong, codes):
    assert blame(lambda g, x, w: wrong(*right(g, x, w))) == codes


def test_one_wrong_element():
    off = np.array([[1.0, 1.0], [1.0, -1.3]])
    assert blame(lambda g, x, w: (right(g, x, w)[0] * off, right(g, x, w)[1])) == {"x": ["one-element"]}


def test_a_forgotten_upstream():
    assert blame(lambda g, x, w: right(np.ones_like(g), x, w)) == {
        "x": ["upstream-forgotten"],
        "w": ["upstream-forgotten"],
    }
    assert blame(lambda g, x: 2 * x, lambda x: float(np.sum(x**2)), [np.array([1.0, 2.0])]) == {
        "x": ["upstream-forgotten"]
    }


def test_a_gradient_of_the_wrong_shape():
    assert blame(lambda g, x, w: (right(g, x, w)[0], right(g, x, w)[1].ravel())) == {"w": []}
