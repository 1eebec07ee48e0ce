"""Layers against what their papers say of them, and what they refuse."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rows_of_a_table import every

from bpx.graph.formula import formula
from bpx.graph.graph import OPS, Graph
from bpx.graph.run import run
from bpx.ops.tensors import SettingError
from bpx.passes.domain import value_problems
from bpx.passes.expand import expanded
from bpx.passes.reverse import grad, pullback
from bpx.spec.reading.read import read_expression
from bpx.words.diagnostic import BpxError, Source


def given_to(inputs, values):
    return {one.id: np.array(value) for one, value in zip(inputs, values, strict=True)}


def value_of(name, *args, **settings):
    graph = Graph()
    inputs = [graph.input(np.shape(arg)) for arg in args]
    out = OPS[name](*inputs, **settings)
    return run(graph, given_to(inputs, args), [out.id])[out.id]


def gradients_of(name, upstream, *args, **settings):
    graph = Graph()
    inputs = [graph.input(np.shape(arg)) for arg in args]
    found = grad(OPS[name](*inputs, **settings), inputs, np.array(upstream))
    values = run(graph, given_to(inputs, args), [one.id for one in found])
    return [values[one.id] for one in found]


# --- linear -------------------------------------------------------------------------------------


def test_the_rule_of_linear_is_the_textbooks():
    graph = Graph()
    args = [graph.input(shape) for shape in [(4, 3), (3, 2), (2,)]]
    out = OPS["linear"](*args)
    upstream = graph.input(out.shape)
    names = dict(zip([one.id for one in (*args, upstream)], ("x", "W", "b", "upstream"), strict=True))
    found = pullback(out.op, upstream, args, out, {})
    assert [str(formula(graph, one.id, names)) for one in found] == [
        "upstream @ W.T",
        "x.T @ upstream",
        "sum(upstream, axis=0)",
    ]


# --- normalisation ------------------------------------------------------------------------------

ROWS = [[1.0, 2, 4], [3, -1, 0.5]]


def test_a_normalised_row_has_mean_0_and_variance_1():
    found = value_of("layer_norm", ROWS, eps=0)
    np.testing.assert_allclose(found.mean(axis=1), 0, atol=1e-15)
    np.testing.assert_allclose((found**2).mean(axis=1), 1, rtol=1e-15)


def test_batch_norm_of_a_matrix_is_layer_norm_of_its_transpose():
    batch = value_of("batch_norm", np.transpose(ROWS), eps=0.1)
    np.testing.assert_allclose(batch.T, value_of("layer_norm", ROWS, eps=0.1), rtol=1e-14)


@pytest.mark.parametrize("name", ["batch_norm", "layer_norm"])
@given(arrays(np.float64, (4, 3), elements=st.floats(-5, 5)), st.integers(0, 10**6))
def test_what_is_handed_back_neither_shifts_nor_stretches(name, noise, seed):
    """The value changes neither with the mean of x nor with its size: the gradient is at a right angle."""
    x = noise + np.random.default_rng(seed).normal(size=noise.shape)
    upstream = np.random.default_rng(seed + 1).normal(size=x.shape)
    axis = 0 if name == "batch_norm" else 1
    to_x, *_ = gradients_of(name, upstream, x, [1.0, 2, 3], [0.0, 0, 0], eps=0)
    size = np.abs(to_x).max() * np.abs(x).max()
    np.testing.assert_allclose(to_x.sum(axis=axis), 0, atol=1e-9 * size)
    np.testing.assert_allclose((to_x * x).sum(axis=axis), 0, atol=1e-9 * size)


def test_the_gradient_of_batch_norm_is_that_of_the_paper():
    """Ioffe and Szegedy 2015, section 3: the six formulas, one after the other."""
    rng, eps = np.random.default_rng(0), 1e-5
    x, g, upstream = rng.normal(size=(5, 3)), rng.normal(size=3), rng.normal(size=(5, 3))
    m, mean, var = len(x), x.mean(axis=0), x.var(axis=0)
    to_hat = upstream * g
    to_var = np.sum(to_hat * (x - mean) * -0.5 * (var + eps) ** -1.5, axis=0)
    to_mean = np.sum(-to_hat / np.sqrt(var + eps), axis=0) + to_var * np.mean(-2 * (x - mean), axis=0)
    to_x = to_hat / np.sqrt(var + eps) + to_var * 2 * (x - mean) / m + to_mean / m
    to_g = np.sum(upstream * (x - mean) / np.sqrt(var + eps), axis=0)
    found = gradients_of("batch_norm", upstream, x, g, np.zeros(3), eps=eps)
    for one, wanted in zip(found, (to_x, to_g, upstream.sum(axis=0)), strict=True):
        np.testing.assert_allclose(one, wanted, rtol=1e-12)


def test_without_g_and_b_the_rule_uses_the_layers_own_value():
    graph = Graph()
    x, upstream = graph.input((2, 3)), graph.input((2, 3))
    out = OPS["layer_norm"](x)
    (to_x,) = grad(out, [x], upstream)
    needed = [node for node in graph.needs(of=[to_x.id]) if graph.ops[node] is OPS["layer_norm"]]
    assert needed == [out.id]


# --- dropout ------------------------------------------------------------------------------------


def test_what_is_kept_is_scaled_up():
    assert value_of("dropout", [1.0, 2, 3], [1.0, 0, 1], p=0.25).tolist() == [1 / 0.75, 0, 4]


def test_the_same_mask_goes_on_what_arrives_and_the_mask_gets_nothing():
    to_x, to_mask = gradients_of("dropout", [5.0, 6, 7], [1.0, 2, 3], [1.0, 0, 1])
    assert to_x.tolist() == [10, 0, 14]
    assert to_mask.tolist() == [0, 0, 0]


def test_a_mask_of_other_numbers_is_refused():
    spec = read_expression(Source("s", "dropout(x, mask)"), {"x": [1.0, 2], "mask": [1, 0.5]})
    values = run(spec.graph, {one.node: one.value for one in spec.inputs}, [spec.output])
    (problem,) = value_problems(spec, values)
    assert problem.code == "bad-mask"
    assert "0.5" in problem.message


# --- attention ----------------------------------------------------------------------------------


def test_equal_keys_share_the_values_evenly():
    found = value_of("attention", [[1.0, 2]], [[1.0, 1], [1, 1]], [[2.0], [4]])
    np.testing.assert_allclose(found, [[3]], rtol=1e-15)


@pytest.mark.parametrize("length", [2, 4])
def test_causal_attention_does_not_look_ahead(length):
    q, k, v = np.random.default_rng(0).normal(size=(3, length, 2))
    found = value_of("attention", q, k, v, causal=True)
    np.testing.assert_allclose(found[0], v[0], rtol=1e-15)
    for at in range(1, length):
        alone = value_of("attention", q[at : at + 1], k[: at + 1], v[: at + 1])
        np.testing.assert_allclose(found[at : at + 1], alone, rtol=1e-13)
    _, to_k, to_v = gradients_of("attention", np.eye(length, 2), q, k, v, causal=True)
    assert (to_v[2:] == 0).all()  # what arrives comes from the first two
    assert (to_k[2:] == 0).all()


def test_scores_of_any_size_do_not_overflow():
    found = value_of("attention", [[1e4], [-1e4]], [[1.0], [-1]], [[1.0], [2]], causal=False)
    assert found.tolist() == [[1], [2]]


def test_attention_is_written_out_as_its_formula():
    matrix = [[1.0, 2], [0, 1]]
    spec = read_expression(Source("s", "attention(q, k, v)"), {"q": matrix, "k": matrix, "v": matrix})
    spec = expanded(spec, ["out"])
    names = {one.node: one.name for one in spec.inputs}
    assert str(formula(spec.graph, spec.output, names)) == "softmax(q @ k.T / sqrt(2)) @ v"


# --- what is refused ----------------------------------------------------------------------------


@every(
    "name, shapes, settings, code",
    [
        ("linear", [(2, 3), (2, 3)], {}, "linear-shapes"),
        ("linear", [(), (2, 3)], {}, "linear-shapes"),
        ("linear", [(3,), (3,)], {}, "linear-shapes"),
        ("linear", [(2, 3), (3, 2), (3,)], {}, "linear-shapes"),
        ("linear", [(2, 3), (3, 2), (2, 2)], {}, "linear-shapes"),
        ("layer_norm", [(2, 3), (2,)], {}, "norm-shapes"),
        ("layer_norm", [(2, 3), (3,), (2, 3)], {}, "norm-shapes"),
        ("layer_norm", [()], {}, "too-few-axes"),
        ("batch_norm", [(2, 3), (2,)], {}, "norm-shapes"),
        ("batch_norm", [(3,)], {}, "too-few-axes"),
        ("batch_norm", [(2, 3)], {"eps": -1}, "bad-eps"),
        ("layer_norm", [(2, 3)], {"eps": True}, "bad-eps"),
        ("layer_norm", [(2, 3)], {"eps": None}, "bad-eps"),
        ("dropout", [(2,), (2,)], {"p": 1}, "bad-probability"),
        ("dropout", [(2,), (2,)], {"p": -0.1}, "bad-probability"),
        ("dropout", [(2,), (2,)], {"p": "0.5"}, "bad-probability"),
        ("attention", [(2, 3), (2, 2), (2, 2)], {}, "attention-shapes"),
        ("attention", [(2, 3), (4, 3), (3, 2)], {}, "attention-shapes"),
        ("attention", [(3,), (3,), (3,)], {}, "attention-shapes"),
        ("attention", [(2, 3), (2, 3), (2, 3)], {"causal": 1}, "not-a-flag"),
    ],
)
def test_what_does_not_fit(name, shapes, settings, code):
    graph = Graph()
    with pytest.raises(SettingError) as caught:
        OPS[name](*map(graph.input, shapes), **settings)
    assert caught.value.code == code


@pytest.mark.parametrize("values", [{"x": 1.0, "mask": [1.0, 0]}, {"x": [[1.0], [2]], "mask": [[1.0, 0]]}])
def test_a_mask_does_not_make_x_larger(values):
    with pytest.raises(BpxError) as caught:
        read_expression(Source("s", "dropout(x, mask)"), values)
    assert [one.code for one in caught.value.diagnostics] == ["shape-mismatch"]


@pytest.mark.parametrize(
    ("text", "values", "shapes"),
    [
        ("linear(x, W)", {"x": [[1.0, 2]], "W": [[1.0, 2, 3]]}, ["1×2", "1×3"]),
        ("layer_norm(x, g)", {"x": [[1.0, 2]], "g": [1.0, 2, 3]}, ["1×2", "3"]),
        ("attention(x, x, v)", {"x": [[1.0, 2]], "v": [[1.0], [2]]}, ["1×2", "2×1"]),
    ],
)
def test_the_diagnostic_names_the_shapes(text, values, shapes):
    with pytest.raises(BpxError) as caught:
        read_expression(Source("s", text), values)
    (problem,) = caught.value.diagnostics
    assert [shape for shape in shapes if shape not in problem.message] == []


# --- at 50 digits where float64 could cancel -----------------------------------------------------


def test_a_row_far_from_0_is_normalised_to_the_last_digits_there_are():
    row = [1e6 + 1, 1e6, 1e6 - 3]
    wanted = oracle.tensor_at_50_digits("layer_norm", [row, 1.0, 0.0], {"eps": 1e-5})
    found = value_of("layer_norm", row)
    np.testing.assert_allclose(found, wanted.astype(float), rtol=1e-9)
