"""Points inside and outside of sums of polytopes."""

from __future__ import annotations

import numpy as np
import pytest

from bpx.check.numeric import polytopes
from bpx.check.numeric.polytopes import beyond_lines, inside, outside

TIE = [np.array([[1.0, 0.0], [0.0, 1.0]])]
SLACK = np.full(2, 1e-7)

shrunk = polytopes._shrunk


@pytest.mark.parametrize("point", [(0.5, 0.5), (0.3, 0.7), (1.0, 0.0), (0.0, 1.0)])
def test_what_adds_up_to_1(point):
    assert inside(np.array(point), TIE, SLACK)
    assert not outside(np.array(point), TIE, SLACK)


@pytest.mark.parametrize("point", [(0.2, 0.9), (0.5, 0.6), (0.4, 0.61), (1.0001, 0.0), (-1e-4, 1 + 1e-4)])
def test_what_does_not(point):
    assert outside(np.array(point), TIE, SLACK)
    assert not inside(np.array(point), TIE, SLACK)


def test_random_sums():
    rng = np.random.default_rng(0)
    for _ in range(40):
        m, count = rng.integers(1, 8), rng.integers(1, 8)
        sets = [rng.normal(size=(rng.integers(1, 4), m)) * 10 ** rng.uniform(-3, 3) for _ in range(count)]
        mixture = sum(rng.dirichlet(np.ones(len(each))) @ each for each in sets)
        slack = np.full(m, 1e-9) * np.abs(mixture).max()
        assert not outside(mixture, sets, slack)
        # Beyond the vertex that is farthest in some direction.
        normal = rng.normal(size=m)
        vertex = sum(each[(each @ normal).argmax()] for each in sets)
        beyond = vertex + 1e-4 * np.abs(vertex).max() * normal
        assert outside(beyond, sets, np.full(m, 1e-9) * np.abs(vertex).max())
        assert not inside(beyond, sets, np.full(m, 1e-9) * np.abs(vertex).max())


def test_what_is_not_finite_is_neither():
    sets = [np.array([[np.inf, 0.0], [0.0, 1.0]])]
    assert not inside(np.zeros(2), sets, SLACK)
    assert not outside(np.zeros(2), sets, SLACK)


def test_vertices_that_are_one_but_for_rounding_end_the_search(monkeypatch):
    """Of 64 gradients beside a kink half are the same: the search is not for the nearest of these."""
    solved = []
    monkeypatch.setattr(polytopes, "_shrunk", lambda *state: solved.append(1) or shrunk(*state))
    rng = np.random.default_rng(0)
    sides = np.repeat([[1.0, 0.0], [0.0, 1.0]], 32, axis=0)
    alike = [sides + 1e-11 * rng.normal(size=sides.shape)]
    assert outside(np.array([0.5, 0.6]), alike, SLACK)
    assert inside(np.array([0.5, 0.5]), alike, SLACK)
    assert len(solved) < 12


@pytest.mark.parametrize(
    ("claimed", "left", "right", "expected"),
    [
        ([0.5, 0.5], [-1, 0], [1, 1], False),
        ([0.5, 1.5], [-1, 0], [1, 1], True),
        ([0.5, -1.5], [1, 1], [-1, 0], True),
        # A function that bends both ways proves nothing, nor does a slope that is not known.
        ([0.5, 1.5], [-1, 1], [1, 0], False),
        ([0.5, 1.5], [-1, np.nan], [1, 1], False),
    ],
)
def test_beyond_the_slopes_along_lines(claimed, left, right, expected):
    arrays = map(np.array, (claimed, left, right))
    assert beyond_lines(*arrays, np.full(2, 1e-9), np.zeros(2)) is expected
