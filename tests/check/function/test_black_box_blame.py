"""Black boxes: the inputs whose gradient is wrong, and the mistake where a pattern gives all the numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from rows_of_a_table import every

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


@every(
    "wrong, codes",
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


# --- what is told of whole arrays -------------------------------------------------------------------

M = np.array([[0.7, -1.2, 0.4, 2.1], [-0.3, 1.6, 0.9, -0.8], [1.1, 0.2, -1.7, 0.5]])


def told(forward, backward, **inputs):
    """The mistakes that are named, input by input."""
    report = check_function(forward, list(inputs.values()), backward, list(inputs))
    assert report.verdict == "disagree"
    return {one.node: [mistake.text for mistake in one.mistakes] for one in report.blame}


def unit_rows(x):
    return x / np.sqrt((x * x).sum(axis=1, keepdims=True))


def unit_rows_pull(g, x, projected=1, power=1):
    u, length = unit_rows(x), np.sqrt((x * x).sum(axis=1, keepdims=True))
    return (g - projected * u * (u * g).sum(axis=1, keepdims=True)) / length**power


def test_terms_of_a_length():
    assert told(unit_rows, lambda g, x: unit_rows_pull(g, x, projected=0), x=M) == {
        "x": ["the contribution through the norm over axis 1 is missing or wrong"]
    }
    assert told(unit_rows, lambda g, x: unit_rows_pull(g, x, power=2), x=M) == {
        "x": ["not multiplied by `norm(x, axis=1)`"]
    }


def test_a_term_of_a_length_is_no_penalty():
    def cosine(u, v):
        return u @ v / np.linalg.norm(u) / np.linalg.norm(v)

    def pull(g, u, v):
        lu, lv = np.linalg.norm(u), np.linalg.norm(v)
        return g * v / lu / lv, g * (u / lu - cosine(u, v) * v / lv) / lv

    assert told(cosine, pull, u=M[0], v=M[1]) == {
        "u": ["the contribution through the norm over axis 0 is missing or wrong"]
    }


def test_deviations_as_factors():
    eps = 1e-5

    def standardised(x):
        return (x - x.mean(0)) / np.sqrt(x.var(0) + eps)

    def pull(g, x):
        y, deviation = standardised(x), np.sqrt(x.var(0) + eps)
        return (g - g.mean(0) - y * (g * y).mean(0)) / deviation

    right = check_function(standardised, [M.T], pull)
    assert right.verdict == "agree"
    assert told(standardised, lambda g, x: pull(g, x) * np.sqrt(x.var(0) + eps), x=M.T) == {
        "x": ["multiplied by `sqrt(var(x, axis=0) + eps)` once too often"]
    }


def leaky(x):
    return np.where(x > 0, x, 0.1 * x)


def test_a_mask_of_two_slopes():
    assert told(leaky, lambda g, x: g * np.where(x > 0, 0.1, 1.0), x=M) == {"x": ["the mask is inverted"]}
    assert told(leaky, lambda g, x: g * np.where(g > 0, 1.0, 0.1), x=M) == {
        "x": ["the mask is computed from the upstream gradient instead of the input"]
    }


def test_the_value_on_one_side_of_a_kink():
    def elu(x):
        return np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1)

    assert told(elu, lambda g, x: g * np.where(x > 0, 1.0, elu(x)), x=M) == {
        "x": ["the value of `output` is used in place of the derivative"]
    }


def test_what_goes_to_one_element_alone_is_not_passed_on_unchanged():
    def pooled(x):
        return x.reshape(3, 2, 2).mean(axis=2)

    first = np.array([[1.0, 0.0]])
    assert told(pooled, lambda g, x: (g[:, :, None] * first).reshape(3, 4), x=M) == {
        "x": [
            "too large by a factor of 2 at [:, 0], [:, 2]",
            "the contribution to [:, 1], [:, 3] is missing",
        ]
    }


def test_only_the_diagonal_is_not_some_entries():
    assert told(np.cumsum, lambda g, x: g, x=M[0]) == {"x": ["only the diagonal of the Jacobian is used"]}


def windows(x, w):
    padded = np.pad(x, 1)
    return np.array([padded[i : i + 3] @ w for i in range(0, len(x), 2)])


def test_another_value_of_another_input():
    def pull(g, x, w, kernel=None):
        padded, used = np.pad(x, 1), w if kernel is None else kernel
        spread = sum(np.pad(g[i] * used, (2 * i, len(x) - 1 - 2 * i)) for i in range(len(g)))
        return spread[1:-1], np.array([g @ padded[i : i + len(x) : 2] for i in range(3)])

    x, w = M.ravel()[:6], np.array([0.5, -1.0, 2.0])
    assert check_function(windows, [x, w], pull).verdict == "agree"
    assert told(windows, lambda g, x, w: pull(g, x, w, w[::-1]), x=x, w=w) == {
        "x": ["right, but with `w` reversed along all its axes"]
    }


def test_one_row_of_another_gradient():
    def total(z, b):
        return float((np.tanh(z + b) ** 2).sum())

    def pull(g, z, b):
        t = np.tanh(z + b)
        d = 2 * g * t * (1 - t * t)
        return d, d[0]

    assert told(total, pull, z=M, b=np.array([0.1, 0.2, -0.3, 0.4])) == {
        "b": ["this is row 0 of the gradient of `z` alone, not the sum of its rows"]
    }


def test_formulas_of_layers_and_labels():
    y = np.array([2, 0, 1, 1])

    def loss(W, X):
        s = X @ W
        return float(np.mean(np.log(np.exp(s).sum(axis=1)) - s[range(4), y]))

    def without_labels(g, W, X):
        p = np.exp(X @ W) / np.exp(X @ W).sum(axis=1, keepdims=True)
        return g * X.T @ p / 4, g * (p - np.eye(3)[y]) @ W.T / 4

    assert told(loss, without_labels, W=M.T[:2], X=M.T[:, :2]) == {
        "W": ["these are the numbers of `X.T @ softmax(X @ W) / 4`"]
    }


def test_a_formula_of_an_activation():
    def swish(x):
        return x / (1 + np.exp(-x))

    assert told(swish, lambda g, x: g / (1 + np.exp(-x)), x=M) == {
        "x": ["these are the numbers of `sigmoid(x) * g`"]
    }
