"""Softmax where a textbook form would overflow or lose digits; norms, products and the largest at kinks."""

from __future__ import annotations

import math

import numpy as np
import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from oracle import mp
from rows_of_a_table import every

from bpx import parse
from bpx.graph.graph import OPS, Expr, Graph
from bpx.graph.run import run
from bpx.graph.subgraph import expansion, guards
from bpx.ops.tensors import SettingError
from bpx.passes.reverse import grad
from bpx.words.diagnostic import BpxError

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


@every("scores", SCORES)
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


# --- reductions ---------------------------------------------------------------------------------


def node(name: str, shape, **settings) -> tuple[Expr, Expr]:
    """An input and the op on it."""
    graph = Graph()
    x = graph.input(shape)
    return x, graph.add(OPS[name], x, **settings)


def gradient(name: str, values, **settings) -> list[float]:
    """Of the sum of what the op gives."""
    x, out = node(name, np.shape(values), **settings)
    (found,) = grad(out, [x], np.ones(out.shape))
    return run(out.graph, {x.id: np.array(values, dtype=float)}, [found.id])[found.id].tolist()


def value(name: str, values, **settings) -> float:
    x, out = node(name, np.shape(values), **settings)
    return run(out.graph, {x.id: np.array(values, dtype=float)}, [out.id])[out.id].tolist()


small_whole = arrays(np.float64, st.integers(1, 9), elements=st.integers(-2, 2).map(float))


@given(small_whole)
def test_the_rule_of_prod_is_the_product_of_the_others_with_zeros_too(x):
    others = [math.prod(np.delete(x, i)) for i in range(len(x))]
    assert gradient("prod", x) == others


def test_prod_of_zeros_is_torchs():
    torch = oracle.torch()
    for x in ([0.0, 2, 3], [0.0, 0, 3], [0.0, 0, 0]):
        leaf = torch.tensor(x, requires_grad=True)
        (theirs,) = torch.autograd.grad(leaf.prod(), [leaf])
        assert gradient("prod", x) == theirs.tolist()


@every(
    "name, x, settings, wanted",
    [
        ("amax", [1, 3, 3, 3], {}, [0, 1 / 3, 1 / 3, 1 / 3]),
        ("amax", [2, 2], {}, [0.5, 0.5]),
        ("amin", [1, 3, 1, 3], {}, [0.5, 0, 0.5, 0]),
        ("amax", [[1, 1], [1, 0]], {"axis": 1}, [[0.5, 0.5], [1, 0]]),
        ("amax", [[1, 1], [1, 0]], {"axis": 0, "keepdims": True}, [[0.5, 1], [0.5, 0]]),
        ("norm", [2, -2, 1], {"ord": math.inf}, [0.5, -0.5, 0]),
        ("norm", [0, 0], {"ord": math.inf}, [0, 0]),
        ("norm", [0, 0, 3], {"ord": 1}, [0, 0, 1]),
        ("norm", [0, 0, 0], {}, [0, 0, 0]),
        ("norm", [[0, 0], [3, 4]], {"axis": 1}, [[0, 0], [0.6, 0.8]]),
        ("std", [2, 2], {}, [0, 0]),
        ("std", [[2, 2], [1, 3]], {"axis": 1}, [[0, 0], [-0.5, 0.5]]),
    ],
)
def test_at_a_kink_ties_share_and_a_length_of_0_hands_back_0_as_in_torch(name, x, settings, wanted):
    assert gradient(name, x, **settings) == wanted
    torch = oracle.torch()
    leaf = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    out = oracle.torch_functions()[name](leaf, **settings)
    (theirs,) = torch.autograd.grad(out.sum(), [leaf])
    assert theirs.tolist() == wanted


@pytest.mark.parametrize("name", ["norm", "std"])
def test_at_a_kink_the_rule_that_follows_from_the_parts_hands_back_0_too(name):
    x = Graph().input((2, 3))
    out = OPS[name].expands(x, **node(name, (2, 3), axis=1)[1].graph.settings[1])
    (found,) = grad(out, [x], np.ones(2))
    assert not run(x.graph, {x.id: np.full((2, 3), 2.0 * (name == "std"))}, [found.id])[found.id].any()


@every(
    "expression, x",
    [
        ("norm(x)", [0, 0]),
        ("norm(x, ord=1)", [0, 1]),
        ("norm(x, ord=inf)", [1, -1]),
        ("std(x)", [3, 3, 3]),
        ("amax(x)", [1, 2, 2]),
        ("amin(x)", [1, 1, 2]),
        ("argmax(x)", [1, 2, 2]),
    ],
)
def test_a_kink_is_found_and_nothing_disagrees_there(expression, x):
    spec = parse(expression, x=x)
    assert "at-kink-inside" in [note.code for note in spec.explain().notes]
    assert spec.gradcheck().verdict == "kink"


@every(
    "expression",
    [
        *("norm(x)", "norm(x, ord=1)", "norm(x, ord=inf)", "norm(x, axis=0)^2"),
        *("sum(normalize(x) * [1, 2, 3])", "prod(x)", "var(x, ddof=1)", "std(x, axis=1)"),
        *("amax(x, axis=0)", "amin(x, axis=1, keepdims=true)", "argmax(x) * prod(x, axis=1)"),
    ],
)
def test_differences_agree_to_second_order(expression):
    spec = parse(expression, x=[[1.5, -2, 0.5], [0.25, 3, -1]])
    assert spec.gradcheck(order=2).verdict == "agree"


@given(small_whole)
def test_argmax_is_the_first_of_the_largest(x):
    found = value("argmax", x)
    assert found == np.argmax(x)
    inside = expansion(OPS["argmax"], [x.shape], {"axis": (0,), "keepdims": False})
    assert inside.run([x]) == found


def test_argmax_along_axes_numbers_them_together():
    x = np.arange(24.0).reshape(2, 3, 4) % 7
    assert value("argmax", x, axis=1) == np.argmax(x, axis=1).tolist()
    assert value("argmax", x) == np.argmax(x)
    assert value("argmax", x, axis=[1, 2]) == np.argmax(x.reshape(2, 12), axis=1).tolist()


@given(arrays(np.float64, st.integers(2, 9), elements=st.floats(-9, 9), unique=True))
def test_where_no_elements_tie_no_guard_is_0(x):
    place, out = node("amax", x.shape)
    inner = [expr.id for _, expr, _ in guards(out)]
    assert inner
    found = run(out.graph, {place.id: x}, inner)
    assert all((found[one] != 0).all() for one in inner)


@pytest.mark.parametrize("name", ["prod", "amax", "argmax"])
def test_many_elements_do_not_need_many_nodes(name):
    _, out = node(name, (4095, 3), axis=0)
    inside = expansion(OPS[name], [(4095, 3)], out.graph.settings[out.id])
    assert len(inside.graph) < 150


@pytest.mark.parametrize("eps", [1e-12, 1e-3])
def test_normalize_is_a_plain_quotient_below_eps(eps):
    assert value("normalize", [0, 0], eps=eps) == [0, 0]
    assert gradient("normalize", [0, 0], eps=eps) == [1 / eps, 1 / eps]
    assert value("normalize", [0, eps / 2], eps=eps) == [0, 0.5]


def test_var_keeps_its_digits_far_from_0():
    x = [1e8 + 1, 1e8 + 2, 1e8 + 4]
    assert value("var", x) == pytest.approx(14 / 9, rel=1e-14)
    assert value("var", x, ddof=1) == pytest.approx(7 / 3, rel=1e-14)
    assert value("std", x, ddof=1) == pytest.approx(math.sqrt(7 / 3), rel=1e-14)


def test_the_norm_of_a_matrix_is_that_of_its_elements():
    x = [[1, 2], [3, 4]]
    assert value("norm", x) == pytest.approx(np.linalg.norm(x, "fro"), rel=1e-15)
    assert value("norm", x, ord=1) == 10
    assert value("norm", x, ord=math.inf) == 4


@pytest.mark.parametrize(
    "text", ["norm(x, ord=inf)", "norm(x, ord=inf, axis=0)", "norm(x, ord=1)", "norm(x)"]
)
def test_the_order_reads_back(text):
    spec = parse(text, x=[[1, -3]])
    assert str(spec.explain().nodes[-1].formula) == text


@every(
    "name, settings, code",
    [
        ("norm", {"ord": 3}, "bad-ord"),
        ("norm", {"ord": -math.inf}, "bad-ord"),
        ("norm", {"ord": True}, "bad-ord"),
        ("norm", {"ord": [1]}, "bad-ord"),
        ("norm", {"ord": None}, "bad-ord"),
        ("norm", {"axis": 2}, "bad-axis"),
        ("normalize", {"eps": 0}, "not-positive"),
        ("normalize", {"eps": -1.0}, "not-positive"),
        ("normalize", {"eps": math.inf}, "not-positive"),
        ("normalize", {"eps": None}, "not-positive"),
        ("var", {"ddof": 6}, "bad-ddof"),
        ("var", {"ddof": 3, "axis": 1}, "bad-ddof"),
        ("std", {"ddof": -1}, "bad-ddof"),
        ("std", {"ddof": True}, "bad-ddof"),
        ("amax", {"keepdims": 1}, "not-a-flag"),
        ("prod", {"axis": [0, 0]}, "repeated-axis"),
        ("argmax", {"axis": 0.5}, "bad-axis"),
    ],
)
def test_settings_that_do_not_fit(name, settings, code):
    with pytest.raises(SettingError) as caught:
        node(name, (2, 3), **settings)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("norm(x, 3)", "the order of `norm` must be 1, 2 or inf, not 3"),
        ("normalize(x, eps=0)", "`eps` of `normalize` must be positive, not 0"),
        ("var(x, ddof=2)", "ddof of `var` must be at least 0 and less than 2, not 2"),
    ],
)
def test_what_is_said_of_settings(text, said):
    with pytest.raises(BpxError) as caught:
        parse(text, x=[1, 2]).explain()
    assert caught.value.diagnostics[0].message == said
