"""Recurrent cells that ship with bpx: as PyTorch defines them, in loops of NumPy and in torch itself."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from invoking import error_codes, invoke
from oracle import torch

from bpx.check.gradcheck import gradcheck
from bpx.explain.explain import explain
from bpx.graph.named.named_graph import NamedGraph
from bpx.spec.reading.read import read_spec
from bpx.spec.text.cells import CELLS
from bpx.spec.writing.write import write_spec
from bpx.words.diagnostic import Source

GATES = {"rnn_cell": 1, "lstm_cell": 4, "gru_cell": 3}


def values(name: str, batch: tuple[int, ...] = ()) -> dict[str, Any]:
    """Of 3 numbers and a state of 2."""
    draw = np.random.RandomState(4)
    rows = GATES[name] * 2
    shapes = {"x": (*batch, 3), "h": (*batch, 2), "c": (*batch, 2)}
    shapes |= {"W_ih": (rows, 3), "W_hh": (rows, 2), "b_ih": (rows,), "b_hh": (rows,)}
    return {arg: draw.standard_normal(shapes[arg]) for arg in CELLS[name].args}


def spec(name: str, given: dict[str, Any], loss: str = "sum(y^2)") -> NamedGraph:
    inputs = {arg: value.tolist() for arg, value in given.items()}
    graph = {"y": f"{name}({', '.join(CELLS[name].args)})", "L": loss}
    return read_spec(Source("a.json", json.dumps({"bpx": 1, "inputs": inputs, "graph": graph})), "json")


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def in_numpy(name: str, v: dict[str, Any]) -> dict[str, Any]:
    """The cell one unit at a time, in the order of the gates in torch: i f g o, and r z n."""
    size = len(v["h"])
    of_x = [sum(w * x for w, x in zip(row, v["x"], strict=True)) for row in v["W_ih"]] + v["b_ih"]
    of_h = [sum(w * h for w, h in zip(row, v["h"], strict=True)) for row in v["W_hh"]] + v["b_hh"]
    y, c_next = np.zeros(size), np.zeros(size)
    for k in range(size):
        a = [of_x[gate * size + k] for gate in range(GATES[name])]
        b = [of_h[gate * size + k] for gate in range(GATES[name])]
        if name == "rnn_cell":
            y[k] = np.tanh(a[0] + b[0])
        elif name == "lstm_cell":
            i, f, o = (sigmoid(a[gate] + b[gate]) for gate in (0, 1, 3))
            c_next[k] = f * v["c"][k] + i * np.tanh(a[2] + b[2])
            y[k] = o * np.tanh(c_next[k])
        else:
            r, z = (sigmoid(a[gate] + b[gate]) for gate in (0, 1))
            y[k] = (1 - z) * np.tanh(a[2] + r * b[2]) + z * v["h"][k]
    return {"y": y, "y.c_next": c_next}


@pytest.mark.parametrize("name", CELLS)
def test_as_a_loop_over_units(name: str) -> None:
    found = {row.name: row.value for row in explain(spec(name, values(name)), check=False).nodes}
    expected = in_numpy(name, values(name))
    np.testing.assert_allclose(found["y"], expected["y"], rtol=1e-13)
    if name == "lstm_cell":
        np.testing.assert_allclose(found["y.c_next"], expected["y.c_next"], rtol=1e-13)


@pytest.mark.parametrize("name", CELLS)
def test_a_batch_is_row_by_row(name: str) -> None:
    given = values(name, (2,))
    found = {row.name: row.value for row in explain(spec(name, given), check=False).nodes}
    for row in range(2):
        alone = {arg: value[row] if arg in ("x", "h", "c") else value for arg, value in given.items()}
        np.testing.assert_allclose(found["y"][row], in_numpy(name, alone)["y"], rtol=1e-13)


@pytest.mark.parametrize("name", CELLS)
def test_gradients(name: str) -> None:
    report = gradcheck(spec(name, values(name)), wrt=["x", "h", "b_hh"])
    assert report.verdict == "agree"


@pytest.mark.parametrize("name", CELLS)
def test_as_torch_has_it(name: str) -> None:
    t = torch()
    given = values(name, (4,))
    kind = {"rnn_cell": "RNNCell", "lstm_cell": "LSTMCell", "gru_cell": "GRUCell"}[name]
    cell = getattr(t.nn, kind)(3, 2).double()
    for own, ours in (("weight_ih", "W_ih"), ("weight_hh", "W_hh"), ("bias_ih", "b_ih"), ("bias_hh", "b_hh")):
        getattr(cell, own).data = t.tensor(given[ours])
    x, h = (t.tensor(given[arg], requires_grad=True) for arg in ("x", "h"))
    out = cell(x, (h, t.tensor(given["c"]))) if name == "lstm_cell" else cell(x, h)
    loss = "sum(y^2) + sum(y.c_next^3)" if name == "lstm_cell" else "sum(y^2)"
    theirs = (out[0] ** 2).sum() + (out[1] ** 3).sum() if name == "lstm_cell" else (out**2).sum()
    theirs.backward()
    found = explain(spec(name, given, loss), check=False)
    assert float(found.value) == pytest.approx(theirs.item(), rel=1e-12)
    gradients = found.to_dict()["gradients"]
    pairs = {"x": x.grad, "h": h.grad, "W_hh": cell.weight_hh.grad, "b_ih": cell.bias_ih.grad}
    for arg, gradient in pairs.items():
        np.testing.assert_allclose(gradients[arg], gradient.numpy(), rtol=1e-10, atol=1e-13)


def test_what_is_written_reads_back() -> None:
    given = spec("lstm_cell", values("lstm_cell"), "sum(y) + sum(y.c_next)")
    written = write_spec(given, "toml")
    again = read_spec(Source("again", written), "toml")
    assert write_spec(again, "toml") == written
    assert float(explain(again).value) == float(explain(given).value)


def test_a_block_of_the_spec_that_calls_one() -> None:
    text = (
        "bpx = 1\n[inputs]\nx = [1]\nh = [0.5]\nW = [[0.3]]\nU = [[0.2]]\nb = [0.1]\n"
        '[graph]\ny = "two(x, h)"\n'
        'z = "walk(x, h, W, U, b)"\n[blocks.two]\nargs = ["x", "h"]\nvalue = "x + h"\n'
        '[blocks.walk]\nargs = ["x", "h", "W", "U", "b"]\n[blocks.walk.graph]\n'
        'first = "rnn_cell(x, h, W, U, b, b)"\nsecond = "rnn_cell(x, first, W, U, b, b)"\n'
    )
    first = np.tanh(0.3 + 0.2 * 0.5 + 0.2)
    found = explain(read_spec(Source("a.toml", text), "toml"), check=False)
    assert found.value[0] == pytest.approx(np.tanh(0.3 + 0.2 * first + 0.2), rel=1e-13)


def test_a_block_or_an_op_of_the_spec_takes_its_place() -> None:
    begin = 'bpx = 1\n[inputs]\nx = 3\n[graph]\ny = "rnn_cell(x)"\n'
    block = '[blocks.rnn_cell]\nargs = ["x"]\nvalue = "x^2"\n'
    op = '[ops.rnn_cell]\nargs = ["x"]\nvalue = "x^2"\npartials = { x = "2*x" }\n'
    for text in (block, op):
        assert explain(read_spec(Source("a.toml", begin + text), "toml")).value == 9


def test_a_call_that_does_not_fit_is_told_how() -> None:
    asked = ["explain", "gru_cell(x, x)", "x=[1, 2]"]
    assert error_codes(*asked) == ["wrong-arity"]
    found = invoke(*asked, exit=2).stderr
    assert "takes 6 args, not 2" in found
    assert "gru_cell(x, h, W_ih, W_hh, b_ih, b_hh)" in found
