"""The catalogue: each mistake by numbers made by hand, and no name where nothing fits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from rows_of_a_table import every

from bpx.check.local.jacobians import DiagonalJacobian
from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.patterns.comparison import Comparison, constant_factor, fits
from bpx.check.patterns.entry_patterns import entry_mistakes
from bpx.check.patterns.error_patterns import EdgeSample, named
from bpx.graph.arrays import Array
from bpx.graph.graph import OPS

RNG = np.random.default_rng(0)


def sample(
    op: str, local: Callable[..., Any], position: int = 0, shape: tuple[int, ...] = (3,)
) -> EdgeSample:
    """An op at random positive args with its right local derivative."""
    row = OPS[op]
    args = tuple(RNG.uniform(0.2, 0.9, (3,)) for _ in row.args)
    out = row.value(*args)
    slope = DiagonalJacobian(ErrorBound.exact(local(*args, out) * np.ones(3)), shape)
    return EdgeSample(row, {}, position, args, out, RNG.uniform(-1, 1, 3), slope, shape)


def codes(samples: list[EdgeSample], wrong: Callable[[EdgeSample], Array]) -> list[str]:
    claimed = [wrong(one) for one in samples]
    return [mistake.code for mistake in named(samples, claimed, [0.0] * len(samples))]


TANH = [sample("tanh", lambda x, out: 1 - out**2) for _ in range(3)]
DIV = [sample("div", lambda x, y, out: -out / y, position=1) for _ in range(3)]
WRONG: list[tuple[str, list[EdgeSample], Callable[[EdgeSample], Array]]] = [
    ("sign", TANH, lambda s: -s.right),
    ("double", TANH, lambda s: 2 * s.right),
    ("half", TANH, lambda s: s.right / 2),
    ("mean-doubled", TANH, lambda s: s.right / 3),
    ("mean-lost", TANH, lambda s: s.right * 3),
    ("factor", TANH, lambda s: 1.001 * s.right),
    ("dropped", TANH, lambda s: 0 * s.right),
    ("unchanged", TANH, lambda s: s.upstream),
    ("upstream-forgotten", TANH, lambda s: s.right / s.upstream),
    ("upstream-squared", TANH, lambda s: s.right * s.upstream),
    ("own-value", TANH, lambda s: s.upstream * s.out),
    ("at-input", TANH, lambda s: s.upstream * (1 - s.args[0] ** 2)),
    ("at-output", TANH, lambda s: s.upstream * (1 - np.tanh(s.out) ** 2)),
    ("reciprocal", TANH, lambda s: s.upstream / (1 - s.out**2)),
    ("slip", TANH, lambda s: s.upstream * (1 - s.out)),
    ("swapped", DIV, lambda s: s.upstream / s.args[1]),
    # the derivative of y/x by x, in place of that of x/y by y
    ("exchanged", DIV, lambda s: -s.upstream * s.args[1] / s.args[0] ** 2),
    ("not-squared", DIV, lambda s: -s.upstream * s.out),
    ("numerator-lost", DIV, lambda s: -s.upstream / s.args[1] ** 2),
]


@every("code, samples, wrong", WRONG)
def test_a_mistake_is_named(
    code: str, samples: list[EdgeSample], wrong: Callable[[EdgeSample], Array]
) -> None:
    assert codes(samples, wrong) == [code]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda s: s.right * (1 + 0.3 * np.sin(3 * s.args[0])),
        lambda s: s.right + 0.2 * s.upstream,
        lambda s: 0.4 * s.right + 0.7 * s.args[0],
        lambda s: s.right,
    ],
)
def test_what_nothing_explains_has_no_name(wrong: Callable[[EdgeSample], Array]) -> None:
    assert codes(TANH, wrong) == []


def test_an_arg_that_was_broadcast() -> None:
    samples = [sample("add", lambda x, y, out: 1.0, shape=()) for _ in range(3)]
    assert codes(samples, lambda s: s.upstream[0]) == ["not-summed"]
    assert codes(samples, lambda s: np.mean(s.upstream)) == ["mean-doubled", "averaged"]


def test_a_single_number_is_some_multiple_of_any_other_which_says_nothing() -> None:
    assert constant_factor(Comparison([np.array(2.0)], [np.array(3.1)], [0.0]), set()) is None


def test_a_factor_must_hold_at_every_point() -> None:
    right = [np.array([1.0, 2.0]), np.array([3.0, 4.0])]
    alike, unlike = [1.5 * right[0], 1.5 * right[1]], [1.5 * right[0], 1.6 * right[1]]
    assert constant_factor(Comparison(right, alike, [0.0, 0.0]), set()) is not None
    assert constant_factor(Comparison(right, unlike, [0.0, 0.0]), set()) is None


def test_one_wrong_element() -> None:
    right = [np.arange(1.0, 7.0).reshape(2, 3), np.arange(2.0, 8.0).reshape(2, 3)]
    wrong = [one.copy() for one in right]
    for one in wrong:
        one[1, 0] *= 1.3
    (found,) = entry_mistakes(Comparison(right, wrong, [0.0, 0.0]))
    assert (found.code, dict(found.facts)) == ("one-element", {"index": "1, 0"})
    wrong[1][0, 0] += 1
    assert [*entry_mistakes(Comparison(right, wrong, [0.0, 0.0]))] == []


def test_room_is_left_for_digits_that_were_not_written() -> None:
    assert fits(np.array([0.1234]), np.array([0.12]), np.array([0.005]))
    assert not fits(np.array([0.1254]), np.array([0.12]), np.array([0.005]))


def test_numbers_of_another_shape_do_not_fit() -> None:
    assert not fits(np.ones(2), np.ones(()), 0.0)
    assert not fits(np.array([np.nan]), np.array([np.nan]), 0.0)


def test_two_mistakes_at_once_are_named_both() -> None:
    samples = TANH
    claimed = [-one.upstream * one.out for one in samples]
    (mistake,) = named(samples, claimed, [0.0] * len(samples))
    assert mistake.code == "both"
    assert mistake.text == (
        "two mistakes at once: the value of `tanh` is used in place of its derivative; wrong sign"
    )


def test_a_mistake_and_any_number_are_no_explanation() -> None:
    for factor in (-0.1347, 7.42):
        assert codes(TANH, lambda s, factor=factor: factor * s.upstream * s.out) == []
