"""Windows, convolution and pooling: what they mean, what the kernel's gradient is, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows_of_a_table import every

from bpx.graph.graph import OPS, Graph
from bpx.graph.run import run
from bpx.ops.convolution import MOST_TERMS
from bpx.ops.tensors import SettingError
from bpx.passes.expand import expanded
from bpx.passes.reverse import grad
from bpx.spec.reading.read import read_spec
from bpx.words.diagnostic import BpxError, Source


def value_of(name, *args, **settings):
    graph = Graph()
    inputs = [graph.input(np.shape(arg)) for arg in args]
    out = OPS[name](*inputs, **settings)
    found = run(graph, {one.id: np.array(arg) for one, arg in zip(inputs, args, strict=True)}, [out.id])
    return found[out.id]


# --- windows ------------------------------------------------------------------------------------


@given(st.integers(1, 12), st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.integers(0, 10**6))
def test_overlap_add_is_the_transpose_of_windows(length, size, stride, dilation, seed):
    if dilation * (size - 1) >= length:
        return
    rng, steps = np.random.default_rng(seed), {"stride": stride, "dilation": dilation}
    x = rng.normal(size=(2, length))
    seen = value_of("windows", x, size=size, **steps)
    assert seen.shape[1] == (length - dilation * (size - 1) - 1) // stride + 1
    weights = rng.normal(size=seen.shape)
    back = value_of("overlap_add", weights, shape=length, **steps)
    assert back.shape == x.shape
    assert np.sum(seen * weights) == pytest.approx(np.sum(x * back), rel=1e-12, abs=1e-12)


def test_windows_of_a_row():
    assert value_of("windows", [1.0, 2, 3, 4, 5], size=2, stride=2).tolist() == [[1, 2], [3, 4]]
    assert value_of("windows", [1.0, 2, 3, 4, 5], size=2, dilation=3).tolist() == [[1, 4], [2, 5]]


def test_what_windows_share_is_added_and_what_none_holds_is_0():
    assert value_of("overlap_add", [[1.0, 2], [3, 4], [5, 6]], shape=4).tolist() == [1, 5, 9, 6]
    assert value_of("overlap_add", [[1.0, 2], [3, 4]], shape=5, stride=2).tolist() == [1, 2, 3, 4, 0]


# --- convolution --------------------------------------------------------------------------------


IMAGE = [[1.0, 2, 3, 0], [0, 1, 2, 3], [3, 0, 1, 2], [2, 3, 0, 1]]
KERNEL = [[1.0, -1], [0.5, 2]]
UPSTREAM = [[1.0, 0, 2], [0, -1, 0], [3, 0, 1]]


def correlation(x, w):
    """Of matrices, element by element."""
    x, w = np.array(x), np.array(w)
    rows, columns = (n - k + 1 for n, k in zip(x.shape, w.shape, strict=True))
    return [
        [float(np.sum(x[i : i + len(w), j : j + len(w[0])] * w)) for j in range(columns)] for i in range(rows)
    ]


def test_conv2d_is_a_cross_correlation():
    found = value_of("conv2d", [[IMAGE]], [[KERNEL]])
    assert found[0, 0].tolist() == correlation(IMAGE, KERNEL)


def gradients_of_conv2d(expand):
    graph = Graph()
    x, w, upstream = graph.input((1, 1, 4, 4)), graph.input((1, 1, 2, 2)), graph.input((1, 1, 3, 3))
    out = OPS["conv2d"](x, w)
    if expand:
        out = OPS["conv2d"].expands(*out.args, **graph.settings[out.id])
    found = grad(out, [x, w], upstream)
    values = {x.id: np.array([[IMAGE]]), w.id: np.array([[KERNEL]]), upstream.id: np.array([[UPSTREAM]])}
    run_of = run(graph, values, [one.id for one in found])
    return [run_of[one.id][0, 0].tolist() for one in found]


@pytest.mark.parametrize("expand", [False, True])
def test_the_gradient_of_the_kernel_is_a_correlation_of_input_and_upstream(expand):
    _, to_kernel = gradients_of_conv2d(expand)
    assert to_kernel == correlation(IMAGE, UPSTREAM)


@pytest.mark.parametrize("expand", [False, True])
def test_the_gradient_of_the_input_is_the_full_correlation_with_the_kernel_turned(expand):
    to_input, _ = gradients_of_conv2d(expand)
    assert to_input == correlation(np.pad(UPSTREAM, 1), np.flip(KERNEL))


SPEC = """
bpx = 1
[inputs]
x = [[[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]]
w = [[[[1, 0], [0, -1]]]]
[graph]
y = "{}"
"""


def spec_with(step):
    return read_spec(Source("spec.toml", SPEC.format(step)), "toml")


def test_a_small_example_is_written_out_as_products_of_the_kernel_and_slices():
    spec = expanded(spec_with("conv2d(x, w)"), ["y"])
    used = {spec.graph.ops[node].name for node in spec.graph.needs(of=[spec.output])}
    assert used == {"input", "index", "mul", "add"}


def test_a_large_kernel_is_written_out_as_a_product_of_windows():
    graph = Graph()
    side = int(MOST_TERMS**0.5) + 1
    x, w, b = graph.input((1, 1, side, side)), graph.input((1, 1, side, side)), graph.constant(0.0)
    OPS["conv2d"].expands(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1)
    assert {op.name for op in graph.ops} == {"input", "constant", "windows", "einsum"}


def test_columns_that_no_stride_reaches_are_left_out():
    row = [[[1.0, 2, 3, 4, 5, 6]]]
    assert value_of("conv1d", row, [[[1.0, 1]]], stride=4).tolist() == [[[3, 11]]]
    graph = Graph()
    x, w = graph.input((1, 1, 6)), graph.constant([[[1.0, 1]]])
    (to_x,) = grad(OPS["conv1d"](x, w, stride=3), [x], np.ones((1, 1, 2)))
    assert run(graph, {x.id: np.zeros((1, 1, 6))}, [to_x.id])[to_x.id].tolist() == [[[1, 1, 0, 1, 1, 0]]]


def test_a_bias_is_added_to_each_output():
    found = value_of("conv1d", [[[1.0, 2]]], [[[1.0]], [[-1.0]]], [10.0, 20])
    assert found.tolist() == [[[11, 12], [19, 18]]]


# --- pooling ------------------------------------------------------------------------------------


def test_pools_of_a_matrix():
    assert value_of("max_pool", IMAGE, size=2).tolist() == [[2, 3], [3, 2]]
    assert value_of("avg_pool", IMAGE, size=2).tolist() == [[1, 2], [2, 1]]
    assert value_of("avg_pool", [1.0, 3], size=2, stride=1, padding=1).tolist() == [0.5, 2, 1.5]


@every(
    "shape, size, in_full",
    [
        ((6,), 2, (2,)),
        ((6, 6), 2, (2, 2)),
        ((1, 1, 6), 2, (2,)),
        ((1, 1, 6, 6), 2, (2, 2)),
        ((1, 1, 6, 6), [2], (1, 2)),
        ((4, 6, 6), [2, 3], (2, 3)),
    ],
)
def test_the_axes_that_are_pooled(shape, size, in_full):
    graph = Graph()
    out = OPS["max_pool"](graph.input(shape), size=size)
    settings = graph.settings[out.id]
    assert (settings["size"], settings["stride"]) == (in_full, in_full)


def test_equal_largest_elements_share_what_arrives():
    graph = Graph()
    x = graph.input((4,))
    (to_x,) = grad(OPS["max_pool"](x, size=2), [x], np.array([6.0, 1]))
    assert run(graph, {x.id: np.array([1.0, 1, 2, 3])}, [to_x.id])[to_x.id].tolist() == [3, 3, 0, 1]


# --- what is refused ----------------------------------------------------------------------------


@every(
    "name, shapes, settings, code",
    [
        ("conv2d", [(1, 1, 3, 3), (1, 1, 4, 2)], {}, "window-too-large"),
        ("conv2d", [(1, 1, 3, 3), (1, 1, 2, 2)], {"dilation": 3}, "window-too-large"),
        ("conv1d", [(1, 1, 3), (1, 1, 6)], {"padding": 1}, "window-too-large"),
        ("conv1d", [(1, 3, 5), (4, 2, 2)], {}, "conv-channels"),
        ("conv1d", [(1, 4, 5), (3, 2, 2)], {"groups": 2}, "conv-channels"),
        ("conv1d", [(1, 3, 5), (2, 1, 2)], {"groups": 2}, "conv-channels"),
        ("conv1d", [(1, 1, 5, 5), (1, 1, 2, 2)], {}, "conv-axes"),
        ("conv2d", [(5, 5), (2, 2)], {}, "conv-axes"),
        ("conv2d", [(1, 1, 5, 5), (2, 1, 2, 2), (3,)], {}, "conv-bias"),
        ("conv2d", [(1, 1, 5, 5), (2, 1, 2, 2), (2, 1)], {}, "conv-bias"),
        ("conv2d", [(1, 1, 5, 5), (1, 1, 2, 2)], {"stride": 0}, "bad-window-setting"),
        ("conv2d", [(1, 1, 5, 5), (1, 1, 2, 2)], {"stride": [1, 1, 1]}, "bad-window-setting"),
        ("conv2d", [(1, 1, 5, 5), (1, 1, 2, 2)], {"dilation": 1.5}, "bad-window-setting"),
        ("conv2d", [(1, 1, 5, 5), (1, 1, 2, 2)], {"padding": -1}, "bad-window-setting"),
        ("conv2d", [(1, 1, 5, 5), (1, 1, 2, 2)], {"padding": "same"}, "bad-window-setting"),
        ("conv2d", [(1, 1, 5, 5), (1, 1, 2, 2)], {"groups": 0}, "not-a-count"),
        ("conv2d", [(1, 1, 5, 5), (1, 1, 2, 2)], {"groups": [1]}, "not-a-count"),
        ("max_pool", [(5, 5)], {"size": 6}, "window-too-large"),
        ("max_pool", [(5, 5)], {}, "bad-window-setting"),
        ("avg_pool", [(5, 5)], {"size": 2, "stride": 0}, "bad-window-setting"),
        ("avg_pool", [(5,)], {"size": [2, 2]}, "windows-of-shape"),
        ("windows", [(5,)], {"size": [2, 2]}, "windows-of-shape"),
        ("windows", [(5,)], {"size": []}, "bad-window-setting"),
        ("windows", [(5,)], {"size": 6}, "window-too-large"),
        ("windows", [()], {"size": 1}, "windows-of-shape"),
        ("overlap_add", [(3, 2)], {"shape": 5}, "no-windows-of"),
        ("overlap_add", [(3,)], {"shape": 3}, "no-windows-of"),
        ("overlap_add", [(3, 2)], {"shape": None}, "bad-window-setting"),
    ],
)
def test_what_does_not_fit(name, shapes, settings, code):
    graph = Graph()
    with pytest.raises(SettingError) as caught:
        OPS[name](*map(graph.input, shapes), **settings)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("step", "parts"),
    [
        ("conv2d(w, x)", ["3×3", "1×1×2×2", "floor((n + 2*padding - dilation*(k - 1) - 1)/stride) + 1"]),
        ("conv2d(x, w, groups=2)", ["1×1×2×2", "1×1×3×3", "groups=2"]),
        ("conv1d(x, w)", ["N×C×L", "1×1×2×2", "1×1×3×3"]),
    ],
)
def test_the_diagnostic_names_the_line_the_shapes_and_the_rule(step, parts):
    with pytest.raises(BpxError) as caught:
        spec_with(step)
    (problem,) = caught.value.diagnostics
    assert problem.to_dict()["line"] == 7
    assert [part for part in parts if part not in problem.to_text()] == []


def test_what_is_too_large_is_said_of_the_op_itself():
    with pytest.raises(BpxError) as caught:
        spec_with("conv2d(x, w, padding=100000)")
    (problem,) = caught.value.diagnostics
    assert problem.code == "too-large"
    assert "`conv2d`" in problem.message
