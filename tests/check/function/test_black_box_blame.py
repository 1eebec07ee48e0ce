"""Black boxes: the inputs whose gradient is wrong, and the mistake where a pattern gives all the numbers."""

from __future__ import annotations

from typing import Any

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
        (lambda dx, dw: (dx + 0.1, dw), {"x": ["constant-off"]}),
        (lambda dx, dw: (dx + 0.1 * np.array([[1, 2], [2, -1]]), dw), {"x": []}),
    ],
)
def test_mistakes(wrong, codes):
    assert blame(lambda g, x, w: wrong(*right(g, x, w))) == codes


def test_one_wrong_element():
    off = np.array([[1.0, 1.0], [1.0, -1.0]])
    assert blame(lambda g, x, w: (right(g, x, w)[0] * off, right(g, x, w)[1])) == {"x": ["some-sign"]}


def test_a_forgotten_upstream():
    assert blame(lambda g, x, w: right(np.ones_like(g), x, w)) == {
        "x": ["upstream-forgotten"],
        "w": ["upstream-forgotten"],
    }
    assert blame(lambda g, x: 2 * x, lambda x: float(np.sum(x**2)), [np.array([1.0, 2.0])]) == {
        "x": ["upstream-forgotten"]
    }


def test_a_gradient_of_the_wrong_shape():
    assert blame(lambda g, x, w: (right(g, x, w)[0], right(g, x, w)[1].ravel())) == {"w": ["raveled-shape"]}


def said(forward, inputs, backward, names):
    report = check_function(forward, inputs, backward, names)
    return {one.node: [mistake.text for mistake in one.mistakes] for one in report.blame}


V, U = np.array([0.4, -1.3, 0.7, 1.9]), np.array([1.5, 0.2, -0.6, 0.8])


def test_a_short_formula_of_the_inputs():
    wrong = said(lambda v: float(np.sum(np.tanh(v))), [V], lambda g, v: (g * (1 - v**2),), ["v"])
    assert wrong == {"v": ["these are the numbers of `1 - v^2`"]}
    wrong = said(lambda v, u: v * u, [V, U], lambda g, v, u: (g * u, g * u * v), ["v", "u"])
    assert wrong == {"u": ["multiplied by `u` once too often"]}


def test_arbitrary_numbers_are_no_formula():
    noise = np.random.default_rng(0).normal(size=4)
    wrong = said(
        lambda v, u: float(np.sum(v * u**2)), [V, U], lambda g, v, u: (noise, 2 * g * v * u), ["v", "u"]
    )
    assert wrong == {"v": []}


def test_rows_that_occur_twice_and_are_counted_once():
    index = np.array([2, 3, 2])

    def backward(g, table):
        gradient = np.zeros_like(table)
        gradient[index] += 2 * g * table[index]
        return (gradient,)

    table = np.arange(1.0, 9).reshape(4, 2)
    wrong = said(lambda table: float(np.sum(table[index] ** 2)), [table], backward, ["table"])
    assert wrong["table"][0].startswith("row 2 is 1/2 of what it should be: an index that occurs 2 times")


def test_different_slips_in_different_entries():
    off = np.array([1.0, 2, 1, -1])
    wrong = said(lambda v: float(np.sum(v**3)), [V], lambda g, v: (3 * v**2 * off * g,), ["v"])
    assert wrong == {
        "v": [
            "wrong sign at [3]",
            "too large by a factor of 2 at [1]",
        ]
    }


@pytest.mark.parametrize(
    ("share", "said"), [(1.0, "the sum of all entries"), (0.5, "the mean of all entries")]
)
def test_sums_over_the_one_axis_there_is(share: float, said: str) -> None:
    """Nobody knows of which array "axis 0" would be an axis."""
    x = np.array([[1.0, 2.0], [3.0, 4.0], [0.5, -1.0]])

    def backward(g: Any, b: Any) -> Any:
        return (np.full(2, share * (2 * g * (x + b)).sum()),)

    report = check_function(lambda b: np.sum((x + b) ** 2), [np.array([0.1, 0.2])], backward)
    assert f"each entry is {said}" in str(report)
