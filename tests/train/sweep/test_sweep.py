"""Sweeps, against one forward pass for each point, differences, and trainings."""

from __future__ import annotations

import csv
import json
import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from invoking import error_codes, invoke, plain_json
from rows_of_a_table import every

import bpx


def codes(spec: bpx.Spec, over: Any, **options: Any) -> list[str]:
    with pytest.raises(bpx.BpxError) as caught:
        spec.sweep(over, **options)
    return [diagnostic.code for diagnostic in caught.value.diagnostics]


@every(
    "name, over",
    [
        ("logistic_regression", {"w[1]": (-2, 2, 5), "b": [0.5, -1]}),
        ("mazur_network", {"w1": (0, 1, 4)}),
        ("xor", {"W1[0,1]": (-1, 1, 3), "b2": (0, 1, 2)}),
        ("conv2d_4x4", {"x[0,0,1,2]": [-2, 3]}),
        ("two_paths", {"x": (0, 3, 7)}),
        ("layer_norm", {"g[0]": (0, 1, 3), "x[0,1]": (-1, 1, 3), "b[1]": [0.25]}),
        ("lstm_cell", {"x1[0]": (-3, 3, 4), "W[2,1]": [0, 1]}),
    ],
)
def test_each_point_is_a_forward_pass(name: str, over: dict[str, Any]) -> None:
    spec = bpx.load(name)
    found = spec.sweep(over, gradient=True)
    for index in np.ndindex(*found.losses.shape):
        values = {leaf.name: np.array(leaf.value) for leaf in spec.inputs}
        for axis, at in zip(found.axes, index, strict=True):
            base, _, entry = axis.name.partition("[")
            place = tuple(map(int, entry.rstrip("]").split(","))) if entry else (0,) * values[base].ndim
            values[base][place] = axis.values[at]
        explanation = spec.with_values(values).explain(check=False, wrt=list(values))
        assert found.losses[index] == pytest.approx(float(explanation.value), rel=1e-12, abs=1e-15)
        for axis in found.axes:
            base, _, entry = axis.name.partition("[")
            place = tuple(map(int, entry.rstrip("]").split(","))) if entry else (0,) * values[base].ndim
            gradient = np.asarray(explanation.gradients[base])[place]
            assert found.gradients[axis.name][index] == pytest.approx(float(gradient), rel=1e-10, abs=1e-14)


def test_the_path_is_that_of_a_training() -> None:
    spec = bpx.load("logistic_regression")
    for optimizer in ("sgd", "adam(beta1=0.8)", "momentum"):
        found = spec.sweep({"b": (-1, 1)}, descend=7, rate=0.3, optimizer=optimizer)
        training = spec.train(wrt="b", steps=7, rate=0.3, optimizer=optimizer)
        assert found.descent
        np.testing.assert_allclose(found.descent.path.values, training.history, rtol=1e-12)
        assert found.descent.path.points[-1, 0] == pytest.approx(float(training.parameters["b"][1]))


def test_only_what_is_swept_moves() -> None:
    found = bpx.load("logistic_regression").sweep("w[0]=-2..2", descend=3)
    assert found.descent
    assert found.descent.path.points.shape == (4, 1)
    assert np.all(np.diff(found.descent.path.values) < 0)


def test_points_without_a_value_are_counted_and_named() -> None:
    found = bpx.parse("log(w) + sqrt(b)", w=1, b=1).sweep({"w": (-1, 2, 4), "b": [-1, 0, 4]}, gradient=True)
    assert np.isnan(found.losses).sum() == 8
    notes = [note for note in found.notes if note.code == "points-without-value"]
    assert sorted(note.facts["count"] for note in notes) == [2, 6]
    for text in ("log(w)", "sqrt(b)"):
        assert sum(text in note.message for note in notes) == 1
    assert np.isnan(found.gradients["b"][2, 1])  # the slope of sqrt at 0
    rows = list(csv.reader(found.to("csv").splitlines()))
    assert rows[0] == ["w", "b", "out", "∂out/∂w", "∂out/∂b"]
    assert rows[1] == ["-1.0", "-1.0", "", "", ""]
    assert codes(bpx.parse("log(w)", w=1), {"w": [-1, -2]}) == ["no-point-has-value", "outside-domain"]


def test_the_lowest_point() -> None:
    found = bpx.parse("w^2 + b^2", w=1, b=1).sweep({"w": [-1, 1, 3], "b": (0, 2, 3)})
    assert (found.lowest, found.lowest_loss, found.lowest_point) == ((0, 0), 1.0, {"w": -1.0, "b": 0.0})
    assert [note.code for note in found.notes] == ["lowest-shared", "lowest-at-edge"]
    assert not bpx.parse("(w-1)^2", w=0).sweep("w=0..2").notes


def test_a_sweep_in_batches_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = bpx.load("logistic_regression")
    over = {"w[0]": (-3, 3, 7), "b": (-1, 1, 5)}
    whole = spec.sweep(over, gradient=True)
    monkeypatch.setattr("bpx.train.sweep.grid._MOST_AT_ONCE", 200)
    parts = spec.sweep(over, gradient=True)
    np.testing.assert_allclose(parts.losses, whole.losses, rtol=1e-13)
    np.testing.assert_allclose(parts.gradients["b"], whole.gradients["b"], rtol=1e-13)


@every(
    "over, code",
    [
        ({}, "nothing-to-sweep"),
        ("w", "bad-sweep"),
        ("w=", "bad-sweep"),
        ("w=a..b", "bad-sweep"),
        ("w=1,x", "bad-sweep"),
        ("w=0..1:1.5", "bad-sweep"),
        ("w=0..1:1", "bad-sweep-range"),
        ("w=1..1", "bad-sweep-range"),
        ("w=0..inf", "bad-sweep-range"),
        ("w=1,nan", "not-finite-input"),
        ({"w": (0, float("inf"))}, "not-finite-input"),
        ({"w": "text"}, "bad-sweep"),
        ({"w": (0, 1, 2.5)}, "bad-sweep-range"),
        ("q=0..1", "not-an-input"),
        ("x=0..1", "sweep-of-array"),
        ("x[2]=0..1", "no-swept-entry"),
        ("x[0,0]=0..1", "no-swept-entry"),
        ("x[a]=0..1", "not-an-input"),
        (["w=0..1", "w=2..3"], "swept-twice"),
        (["x[0]=0..1", "x[-2]=2..3"], "swept-twice"),
        ("w=0..1:1000001", "too-many-points"),
        (["w=0..1:2000", "x[0]=0..1:2000"], "too-many-points"),
    ],
)
def test_what_cannot_be_swept(over: Any, code: str) -> None:
    spec = bpx.parse("sum(x)*w", x=[1.0, 2.0], w=3)
    assert codes(spec, over) == [code]


def test_all_problems_are_reported_at_once() -> None:
    spec = bpx.parse("x*w", x=[1.0, 2.0], w=3)
    found = codes(spec, ["q=0..1", "w=1..1"], descend=0, rate=-1, optimizer="sdg")
    assert set(found) == {
        *("sweep-needs-scalar", "not-an-input", "bad-sweep-range"),
        *("bad-steps", "bad-learning-rate", "unknown-optimizer"),
    }


def test_a_descent_that_leaves_the_domain() -> None:
    found = bpx.parse("log(w)", w=0.5).sweep("w=0.1..1", descend=9, rate=1.0)
    assert [note.code for note in found.notes if note.severity == "warning"] == ["descent-stopped"]
    start = bpx.parse("log(w)", w=-1).sweep("w=0.1..1", descend=9)
    assert start.descent is None
    assert "no-descent" in [note.code for note in start.notes]


def test_other_nodes_and_more_axes() -> None:
    spec = bpx.load("logistic_regression")
    assert spec.sweep("b=0..1:2", of="z").losses == pytest.approx([1.8, 2.8])
    many = spec.sweep(["b=0..1:2", "w[0]=0..1:3", "w[1]=0,1"])
    assert many.losses.shape == (2, 3, 2)
    assert "of 12 points" in str(many)
    with pytest.raises(bpx.BpxError):
        many.to("svg")


def test_every_form() -> None:
    found = bpx.load("logistic_regression").sweep({"w[0]": (-2, 2, 5), "b": (-2, 2, 5)}, descend=2)
    for form in ("table", "plain", "markdown", "latex"):
        assert "0.003691" in found.to(form).replace("\\", "")
    ElementTree.fromstring(found.to("svg"))
    page = found.to("html")
    assert page.count("<svg") == 1
    assert not re.search(r"(?:src|href)=|http://(?!www.w3.org)|https:", page)
    assert json.loads(found.to("json"))["lowest"]["index"] == [4, 4]
    assert "<img" in found._repr_html_()


def test_the_command() -> None:
    plain = plain_json("sweep", "(w-1)^2", "w=0", "--over", "w=-2..2:5", "--descend", "2", "--rate", "0.25")
    assert plain["losses"] == [9, 4, 1, 0, 1]
    assert plain["descent"]["points"] == [[0], [0.5], [0.75]]
    assert plain_json("sweep", "w^2", "w=1", "--over", "w=0,1", "--descend")["descent"]["points"][20:]
    assert "lowest" in invoke("sweep", "w^2", "w=1", "--over", "w=-1..1").stdout
    assert error_codes("sweep", "w^2", "w=1") == ["nothing-to-sweep"]
    assert error_codes("sweep", "w^2", "w=1", "--over", "w=0..1", "--descend", "x") == ["bad-step-count"]
    assert error_codes("explain", "w^2", "w=1", "--sensitivity", "x") == ["bad-change"]


def test_a_swept_input_needs_no_value() -> None:
    swept = plain_json(
        "sweep", "(w-1)^2 + b", "b=2", "--over", "w=-2..2:5", "--descend", "1", "--rate", "0.25"
    )
    assert swept["losses"] == [11, 6, 3, 2, 3]
    assert swept["descent"]["points"] == [[-2], [-0.5]]  # from where the range begins
    assert plain_json("sweep", "a*b", "--over", "a=3,2", "--over", "b=1,5")["losses"] == [[2, 10], [3, 15]]
    assert plain_json("sweep", "w^2", "w=7", "--over", "w=0,1", "--descend", "1")["descent"]["points"][0] == [
        7
    ]
    shown = invoke("sweep", "w*x^2", "--over", "x=-2..2", exit=2).stderr
    assert "add w=0.5 to" in shown and "`x` has" not in shown
    assert error_codes("sweep", "w^2", "--over", "w=a..b") == ["missing-value"]


def test_a_range_as_a_value() -> None:
    for text in ("-2..2", "1e-3 .. .5:9", "0..1"):
        shown = invoke("sweep", "w^2", f"w={text}", exit=2).stderr
        assert shown.count("error") == 1 and f"--over w={text}" in shown
    assert error_codes("explain", "w^2", "w=0..1") == ["range-as-value"]
    assert error_codes("explain", "w^2", "w=1..") != ["range-as-value"]
