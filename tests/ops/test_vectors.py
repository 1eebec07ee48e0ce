"""Softmax and its logarithms where a textbook form would overflow or lose digits."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from oracle import mp

from bpx.graph import OPS, Graph, run
from bpx.reverse import grad

NAMES = ("softmax", "log_softmax", "logsumexp")
every_op = pytest.mark.parametrize("name", NAMES)
SCORES = [
    [1e4, -1e4],
    [1000, -1000, 1000],
    [0, -40],  # the small share must not drown in 1
    [40, 0, 0, 39],
    [-700, -701, -702.5],
    [1e-9, -1e-9, 0],
    [3],
]


def value_and_gradient(name: str, scores, upstream):
    graph = Graph()
    x = graph.input(np.shape(scores))
    out = OPS[name](x)
    (gradient,) = grad(out, [x], upstream if out.shape else None)
    found = run(graph, {x.id: np.array(scores)}, [out.id, gradient.id])
    return found[out.id], found[gradient.id]


def assert_near(got, wanted, tolerance: float) -> None:
    """Element by element, with the smallest of float64 as floor."""
    for one, truth in zip(np.ravel(got), np.ravel(wanted), strict=True):
        assert abs(mp.mpf(float(one)) - truth) <= tolerance * abs(truth) + mp.mpf("1e-300"), (got, wanted)


def shares(scores):
    powers = [mp.exp(score) for score in scores]
    return [power / sum(powers) for power in powers]


@every_op
@pytest.mark.parametrize("scores", SCORES, ids=str)
def test_values_at_50_digits(name, scores):
    upstream = np.zeros(len(scores))
    value, _ = value_and_gradient(name, scores, upstream)
    with mp.workdps(60):
        assert_near(value, oracle.tensor(name, np.array([*map(mp.mpf, scores)])), 4e-15)


@pytest.mark.parametrize("scores", SCORES, ids=str)
def test_gradients_at_50_digits(scores):
    share = shares(scores)
    upstream = np.eye(len(scores))[0]
    for name, wanted in {
        "softmax": [share[0] * ((j == 0) - share[j]) for j in range(len(scores))],
        "log_softmax": [(j == 0) - share[j] for j in range(len(scores))],
        "logsumexp": share,
    }.items():
        _, gradient = value_and_gradient(name, scores, upstream)
        # 1 - p loses digits of its own where p is close to 1; what is small beside the rest may be lost.
        largest = max(map(abs, wanted))
        for one, truth in zip(gradient, wanted, strict=True):
            assert abs(mp.mpf(float(one)) - truth) <= 1e-15 * max(largest, 1), name


def test_softmax_does_not_overflow():
    value, _ = value_and_gradient("softmax", [1000.0, -1000.0, 1000.0], np.zeros(3))
    np.testing.assert_array_equal(value, [0.5, 0, 0.5])


scores_of_some_size = arrays(np.float64, st.integers(1, 5), elements=st.floats(-1e6, 1e6))


@given(scores_of_some_size, st.floats(-1e6, 1e6))
def test_softmax_is_a_distribution_and_its_logarithm_agrees(scores, shift):
    softmax, _ = value_and_gradient("softmax", scores, np.zeros(scores.shape))
    logarithm, _ = value_and_gradient("log_softmax", scores, np.zeros(scores.shape))
    assert np.sum(softmax) == pytest.approx(1, rel=1e-14)
    assert (softmax >= 0).all()
    np.testing.assert_allclose(np.exp(logarithm), softmax, rtol=1e-9, atol=1e-300)
    moved, _ = value_and_gradient("logsumexp", scores + shift, None)
    value, _ = value_and_gradient("logsumexp", scores, None)
    assert moved == pytest.approx(value + shift, abs=1e-8)


@given(scores_of_some_size)
def test_logsumexp_lies_between_the_largest_and_log_n_above_it(scores):
    value, gradient = value_and_gradient("logsumexp", scores, None)
    assert max(scores) <= value <= max(scores) + np.log(len(scores)) + 1e-9
    assert np.sum(gradient) == pytest.approx(1, rel=1e-14)


def test_the_gradient_of_cross_entropy_is_softmax_minus_the_target():
    graph = Graph()
    x = graph.input((2, 3))
    target = np.array([[0.0, 1, 0], [0.5, 0.25, 0.25]])
    loss = -OPS["sum"](OPS["log_softmax"](x) * target)
    (gradient,) = grad(loss, [x])
    scores = np.array([[1.0, -2, 0.5], [3, 3, -1]])
    found = run(graph, {x.id: scores}, [gradient.id])[gradient.id]
    np.testing.assert_allclose(found, oracle.tensor("softmax", scores) - target, rtol=0, atol=1e-15)
