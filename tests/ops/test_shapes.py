"""Arrays put together and taken apart; values and rules of all of these are checked in test_tensors.py."""

from __future__ import annotations

import numpy as np
import pytest
from rows_of_a_table import every

from bpx.graph.arrays import ShapeError
from bpx.graph.formula import formula
from bpx.graph.graph import OPS, Graph
from bpx.graph.run import run
from bpx.ops.tensors import SettingError
from bpx.passes.reverse import grad


def on(name, *shapes, **settings):
    """A node of an op, on inputs of these shapes."""
    graph = Graph()
    return graph.add(OPS[name], *map(graph.input, shapes), **settings)


def test_the_names_numpy_and_torch_have_for_them():
    assert OPS["concatenate"] is OPS["concat"]
    assert OPS["expand_dims"] is OPS["unsqueeze"]


@pytest.mark.parametrize("name", ["concat", "stack"])
def test_any_number_of_arrays(name):
    graph = Graph()
    inputs = [graph.input((2,)) for _ in range(50)]
    out = OPS[name](*inputs)
    found = run(graph, {one.id: np.array([i, -i]) for i, one in enumerate(inputs)}, [out.id])[out.id]
    assert found.ravel().tolist() == [number for i in range(50) for number in (i, -i)]
    assert len(grad(OPS["sum"](out * out), inputs)) == 50


@pytest.mark.parametrize(
    ("name", "settings", "text"),
    [
        ("concat", {}, ["u[:2]", "u[2:]"]),
        ("concat", {"axis": 1}, ["u[:, :3]", "u[:, 3:]"]),
        ("stack", {}, ["u[0]", "u[1]"]),
        ("stack", {"axis": -1}, ["u[:, :, 0]", "u[:, :, 1]"]),
    ],
)
def test_each_array_gets_its_own_part(name, settings, text):
    graph = Graph()
    inputs = [graph.input((2, 3)), graph.input((2, 3))]
    out = graph.add(OPS[name], *inputs, **settings)
    upstream = graph.input(out.shape)
    found = [str(formula(graph, one.id, {upstream.id: "u"})) for one in grad(out, inputs, upstream)]
    assert found == text


def test_one_array_that_is_put_together_with_itself():
    graph = Graph()
    x = graph.input((2,))
    (gradient,) = grad(OPS["concat"](x, x), [x], np.array([1.0, 2.0, 4.0, 8.0]))
    assert run(graph, {}, [gradient.id])[gradient.id].tolist() == [5, 10]


def test_a_border_other_than_zero_keeps_what_is_not_finite():
    graph = Graph()
    x = graph.input((2,))
    out = OPS["pad"](x, width=1, value=-np.inf)
    assert run(graph, {x.id: np.array([np.inf, 1.0])}, [out.id])[out.id].tolist() == [
        -np.inf,
        np.inf,
        1,
        -np.inf,
    ]


@pytest.mark.parametrize(
    ("name", "shapes", "settings"),
    [
        ("concat", [(2,), (3, 2)], {}),
        ("concat", [(2, 3), (2, 4)], {}),
        ("concat", [(2, 3), (2, 3), (3, 3)], {"axis": 1}),
        ("stack", [(2,), (3,)], {}),
        ("stack", [(2,), ()], {}),
    ],
)
def test_shapes_that_do_not_fit(name, shapes, settings):
    with pytest.raises(ShapeError) as caught:
        on(name, *shapes, **settings)
    assert caught.value.shapes == tuple(shapes)


@every(
    "name, shape, settings, code",
    [
        ("split", (4,), {"sections": 3, "part": 0}, "bad-split"),
        ("split", (4,), {"sections": 0, "part": 0}, "bad-split"),
        ("split", (4,), {"sections": 2.0, "part": 0}, "bad-split"),
        ("split", (4,), {"part": 0}, "bad-split"),
        ("split", (4,), {"sections": [1, 2], "part": 0}, "bad-split"),
        ("split", (4,), {"sections": 2}, "split-without-names"),
        ("split", (4,), {"sections": 2, "part": [0, 3]}, "names-of-split"),
        ("split", (4,), {"sections": 2, "part": 2}, "bad-part"),
        ("split", (4,), {"sections": 2, "part": -1}, "bad-part"),
        ("split", (4,), {"sections": 2, "part": 0, "axis": 1}, "bad-axis"),
        ("split", (), {"sections": 1, "part": 0}, "bad-axis"),
        ("pad", (2, 3), {"width": [1, 2, 3]}, "bad-width"),
        ("pad", (2, 3), {"width": [[1, 2]] * 3}, "bad-width"),
        ("pad", (2, 3), {"width": [[1, 2], [3]]}, "bad-width"),
        ("pad", (2, 3), {"width": -1}, "bad-width"),
        ("pad", (2, 3), {"width": 0.5}, "bad-width"),
        ("pad", (2, 3), {}, "bad-width"),
        ("pad", (2, 3), {"width": 1, "value": "x"}, "setting-not-a-number"),
        ("pad", (2, 3), {"width": 1, "value": True}, "setting-not-a-number"),
        ("flip", (2, 3), {"axis": 2}, "bad-axis"),
        ("flip", (2, 3), {"axis": [0, 0]}, "repeated-axis"),
        ("squeeze", (2, 1), {"axis": 0}, "not-squeezable"),
        ("squeeze", (2, 1), {"axis": 2}, "bad-axis"),
        ("unsqueeze", (2, 3), {"axis": 3}, "bad-axis"),
        ("unsqueeze", (2, 3), {"axis": [0, -4]}, "repeated-axis"),
        ("broadcast_to", (2, 3), {"shape": [3]}, "bad-broadcast"),
        ("broadcast_to", (2, 3), {"shape": [2, 4]}, "bad-broadcast"),
        ("broadcast_to", (2,), {"shape": [2, 3]}, "bad-broadcast"),
        ("broadcast_to", (2,), {"shape": [0, 2]}, "bad-spread"),
        ("tril", (3,), {}, "not-a-matrix"),
        ("triu", (), {}, "not-a-matrix"),
        ("tril", (3, 3), {"k": 0.5}, "not-whole"),
        ("cumsum", (2, 3), {"axis": 2}, "bad-axis"),
        ("cumsum", (2, 3), {"axis": [0]}, "bad-axis"),
        ("concat", (), {}, "bad-axis"),
        ("concat", (2,), {"axis": 1}, "bad-axis"),
        ("concat", (2,), {"axis": None}, "bad-axis"),
        ("stack", (2,), {"axis": 2}, "bad-axis"),
    ],
)
def test_settings_that_do_not_fit(name, shape, settings, code):
    with pytest.raises(SettingError) as caught:
        on(name, *[shape] * len(OPS[name].args), **settings)
    assert caught.value.code == code


def test_an_axis_to_put_in_must_be_named():
    with pytest.raises(TypeError, match="axis"):
        on("unsqueeze", (2,))


@pytest.mark.parametrize("settings", [{"width": 2**40}, {"width": [[0, 2**14], [0, 2**14]]}])
def test_a_border_too_large_is_refused(settings):
    with pytest.raises(ShapeError):
        on("pad", (2, 3), **settings)
