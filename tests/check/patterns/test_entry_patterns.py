"""Mistakes in places and entries, by numbers made by hand; nothing is said where nothing fits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from rows_of_a_table import every

from bpx.check.patterns.comparison import Comparison
from bpx.check.patterns.entry_patterns import entry_mistakes, places
from bpx.graph.arrays import Array

RNG = np.random.default_rng(0)
SQUARE = [RNG.normal(size=(3, 3)) for _ in range(2)]
KERNEL = [RNG.normal(size=(2, 2, 3, 4)) for _ in range(2)]
VECTOR = [RNG.normal(size=5) for _ in range(2)]


def said(right: list[Array], change: Callable[[Array], Array], room: float = 0.0) -> list[str]:
    claimed = [change(one) for one in right]
    return [mistake.text for mistake in entry_mistakes(Comparison(right, claimed, [room] * len(right)))]


def scaled(shape: tuple[int, ...], **factors: float) -> Array:
    """Ones, and a factor at each flat index named: `at3=2`."""
    off = np.ones(shape)
    for name, factor in factors.items():
        off.flat[int(name.removeprefix("at"))] = factor
    return off


@every(
    "right, change, text",
    [
        (SQUARE, lambda a: a.T, "the result is transposed"),
        (SQUARE, lambda a: (a + a.T) / 2, "only the symmetric part, (A + A.T)/2 for the right gradient A"),
        (SQUARE, lambda a: a + a.T, "the transpose is added: A + A.T for the right gradient A"),
        (SQUARE, lambda a: np.rot90(a, 2), "turned by 180 degrees in the plane of the axes 0, 1"),
        (SQUARE, lambda a: np.rot90(a), "turned by 90 degrees in the plane of the axes 0, 1"),
        (KERNEL, lambda a: np.flip(a, (-2, -1)), "turned by 180 degrees in the plane of the axes 2, 3"),
        (KERNEL, lambda a: np.flip(a, 1), "reversed along axis 1"),
        (VECTOR, lambda a: a[::-1], "reversed along axis 0"),
        (VECTOR, lambda a: np.roll(a, 1), "shifted by 1 along axis 0"),
        (VECTOR, lambda a: a[[1, 0, 2, 4, 3]], "the right numbers in the wrong places"),
        (VECTOR, lambda a: a * scaled((5,), at2=0.5), "too small by a factor of 2 at [2]"),
        (VECTOR, lambda a: a * scaled((5,), at2=0, at4=0), "the contribution to [2], [4] is missing"),
        (
            VECTOR,
            lambda a: a * scaled((5,), at1=2, at3=-1),
            "two mistakes at once: wrong sign at [3]; too large by a factor of 2 at [1]",
        ),
        (SQUARE, lambda a: a * np.array([[1.0], [1], [0.5]]), "too small by a factor of 2 at [2, :]"),
        (SQUARE, lambda a: a * np.array([0.0, 1, 1]), "the contribution to [:, 0] is missing"),
        (VECTOR, lambda a: a + scaled((5,), at1=1.3) - 1, "only the element [1] is wrong"),
    ],
)
def test_what_is_said(right, change, text):
    (said_text,) = said(right, change)
    assert said_text == text


@every(
    "change",
    [
        lambda a: a,
        lambda a: a * 1.7,
        lambda a: a + 0.1,
        lambda a: np.sin(9 * a),
        lambda a: -a,  # a factor of the whole is another pattern's
        lambda a: a * scaled((5,), at1=2, at2=0.5, at3=-1),  # three things at once are no explanation
        lambda a: a * scaled((5,), at1=1.3, at2=0.7),
    ],
)
def test_nothing_is_said_where_nothing_fits(change):
    assert said(VECTOR, change) == []


def test_short_numbers_say_where_but_not_which():
    """Of numbers with two digits a reversal can be told; that some are doubled cannot."""
    right = [np.array([0.11, 0.62, -0.24, 0.93])]
    assert said(right, lambda a: np.round(a[::-1], 1), 0.05) == ["reversed along axis 0"]
    assert said(right, lambda a: np.round(a * [1, 2, 2, 1], 1), 0.05) == []


def test_a_single_number_has_no_places():
    assert said([np.array(2.0)], lambda a: 2 * a) == []


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ([[0, 0, 0], [1, 1, 1]], "[1, :]"),
        ([[1, 0, 0], [1, 0, 0]], "[:, 0]"),
        ([[1, 0, 0], [0, 0, 1]], "[0, 0], [1, 2]"),
        ([1, 0, 1], "[0], [2]"),
        ([1, 1, 1, 1, 1, 1], "[0], [1], [2], [3], …"),
    ],
)
def test_places(flags, text):
    assert places(np.array(flags, dtype=bool)) == text
