"""The kind of a mistake, by how a statement differs from the right one."""

from __future__ import annotations

import pytest

from bpx.spec.code.lines.differences import draws, mistake_between

ROWS = [
    ("r = y * s", "r = -y * s", "sign"),
    ("d = y - a", "d = a - y", "sign"),
    ("d = (y - a) / n", "d = (a - y) / n", "sign"),
    ("return -d", "return d", "sign"),
    ("w += lr * g", "w -= lr * g", "sign"),
    ("d = 1 + a ** 2", "d = 1 - a ** 2", "term-sign"),
    ("g = a", "g = a + c * w", "term-missing"),
    ("g = r.mean() + c * b", "g = r.mean()", "term-extra"),
    ("g = a + c * w", "g = a / len(y) + c * w", "mean-missing"),
    ("d = x", "d = 1.0 / n * x", "mean-missing"),
    ("d = x", "d = x / s", "not-divided"),
    ("d = x / n", "d = x", "divided-too-often"),
    ("d = x / len(x)", "d = x / x.size", "other-length"),
    ("d = x / s", "d = x * s", "divided-not-multiplied"),
    ("d = x * s", "d = x / s", "multiplied-not-divided"),
    ("b = d.sum(0)", "b = d.mean(0)", "summed-not-averaged"),
    ("b = np.mean(d, axis=0)", "b = np.sum(d, axis=0)", "averaged-not-summed"),
    ("b = d.sum(axis=1)", "b = d.sum(axis=0)", "other-axis"),
    ("b = np.sum(d, 1)", "b = np.sum(d, 0)", "other-axis"),
    ("b = d.sum(axis=0)", "b = e.sum(axis=0)", "name-for-name"),
    ("d = e", "d = e * (1 - a ** 2)", "slope-missing"),
    ("d = e * a", "d = e * a * (1 - a)", "slope-missing"),
    ("d = e * a", "d = e * (1 - a ** 2)", "value-for-slope"),
    ("d = e * (1 - a) * (1 - a)", "d = e * (1 - a)", "slope-twice"),
    ("d = e * (1 - a)", "d = e * (1 - a) * a", "factor-missing"),
    ("d = e", "d = e * (z > 0)", "mask-missing"),
    ("d = e * (z < 0)", "d = e * (z > 0)", "mask-flipped"),
    ("d[m] = 0", "d[~m] = 0", "mask-flipped"),
    ("d[s > 0] = 1", "d[z > 0] = 1", "mask-other"),
    ("d = e * w", "d = 2 * e * w", "constant-missing"),
    ("d = 3 * e", "d = 2 * e", "other-constant"),
    ("d = a ** 3", "d = a ** 2", "other-exponent"),
    ("d = e * (1 - c)", "d = e * (1 - c ** 2)", "other-exponent"),
    ("d = e * (1 - z)", "d = e * z", "other-factors"),
    ("w = x @ d", "w = x.T @ d", "transpose-missing"),
    ("w = np.dot(x.T, d)", "w = np.dot(x, d)", "transpose-extra"),
    ("w = x.T.dot(d)", "w = d.T.dot(x)", "order-swapped"),
    ("w = x", "w += x", "overwritten"),
    ("w = x", "w = w + x", "overwritten"),
    ("w += x", "w = x", "added-up"),
    ("for t in range(T):", "for t in reversed(range(T)):", "loop-order"),
    ("w = h[t].T @ d", "w = h[t - 1].T @ d", "other-index"),
    ("d[i[t]] -= 1", "d[j[t]] -= 1", "other-index"),
    ("a = np.hstack((b, c, d))", "a = np.hstack((c, b, d))", "order-of-items"),
    ("d = f.backward(e)", "d = f.backward(g.backward(e))", "call-missing"),
    ("d = s(z) * (1 - s(z))", "d = z * (1 - z)", "call-extra"),
    ("d = sigmoid(z)", "d = sigmoid_prime(z)", "other-function"),
    ("d = e * z * (1 - z)", "d = e * s * (1 - s)", "name-for-name"),
]


def test_each_difference_has_the_name_of_its_kind() -> None:
    named = [(wrong, right, mistake_between(wrong, right, ["n"])) for wrong, right, _ in ROWS]
    assert [(wrong, right, mistake.code if mistake else None) for wrong, right, mistake in named] == ROWS
    assert all(mistake and mistake.text for _, _, mistake in named)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("d = a * b", "d = c @ e + f"),
        ("d = a", "d = a"),
        ("return a, b", "return a + b, b - a"),
        ("d = (", "d = 1"),
    ],
)
def test_what_differs_in_several_ways_has_no_name(wrong: str, right: str) -> None:
    assert mistake_between(wrong, right) is None


def test_an_expression_that_draws_random_numbers() -> None:
    assert draws("d * (np.random.rand(3) > p)") and draws("default_rng(0).normal()") and not draws("d * mask")
