"""Functions from Python: traced where that goes, the black box where it does not, the same verdict always."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from backward_files import written

import bpx
from bpx.check.report.report import Report

X = np.array([[0.5, -1.25, 2.0], [1.5, 0.75, -0.5]])
W = np.array([[0.25, -0.5], [1.0, 0.125], [-0.75, 0.5]])


def layer(x: Any, w: Any) -> Any:
    z = x @ w
    return np.tanh(z)


def pull(g: Any, x: Any, w: Any) -> Any:
    dz = g * (1 - np.tanh(x @ w) ** 2)
    return dz @ w.T, x.T @ dz


def wrong_pull(g: Any, x: Any, w: Any) -> Any:
    dz = g * (1 - np.tanh(x @ w))
    return dz @ w.T, x.T @ dz


def is_traced(report: Report) -> bool:
    return any(note.code.startswith("traced") for note in report.notes)


def test_what_is_right_agrees() -> None:
    report = bpx.gradcheck(layer, [X, W], pull)
    assert report and is_traced(report) and report.output == "layer"


def test_the_line_and_the_elements_of_the_output_are_named() -> None:
    report = bpx.gradcheck(layer, [X, W], wrong_pull)
    [culprit] = report.blame
    assert culprit.code and culprit.code.span.text == "dz = g * (1 - np.tanh(x @ w))"
    assert culprit.mistakes and report.verdict == "disagree"
    assert {entry.output for entry in report.entries} >= {(0, 0), (1, 1)}


@pytest.mark.parametrize("option", [{"exact": False}, {"calls": 5000}])
def test_options_of_differences_ask_for_them(option: dict[str, Any]) -> None:
    report = bpx.gradcheck(layer, [X, W], pull, **option)
    assert report and not is_traced(report) and report.of_code


@pytest.mark.parametrize(
    ("backward", "kind"),
    [
        (lambda g, x: 2 * x, "upstream-forgotten"),
        (lambda g, x: abs(g) * 2 * x, "upstream-absolute"),
    ],
)
def test_other_upstream_gradients_count(backward: Any, kind: str) -> None:
    report = bpx.gradcheck(lambda x: np.sum(x * x), [np.array([1.5, -0.5])], backward)
    assert is_traced(report) and report.verdict == "disagree"
    assert [mistake.code for mistake in report.blame[0].mistakes] == [kind]


def on_the_boundary(x: Any) -> Any:
    return 2 * x[0] if x[0] > 0 else 3 * x[0]


def test_a_branch_on_its_boundary_is_no_formula() -> None:
    report = bpx.gradcheck(on_the_boundary, [np.zeros(1)], lambda g, x: g * np.array([3.0]))
    assert report.verdict == "kink" and not is_traced(report)


def test_what_cannot_be_traced_is_a_black_box() -> None:
    report = bpx.gradcheck(lambda x: float(str(float(x**2))), [1.5], lambda g, x: 2 * g * x)
    assert report and "not-traced" in [note.code for note in report.notes]


@pytest.mark.parametrize("count", [4])
def test_chance_is_left_to_the_black_box(count: int) -> None:
    rng = np.random.default_rng(0)
    report = bpx.gradcheck(
        lambda x: np.sum(x) + rng.normal(), [np.ones(count)], lambda g, x: g * np.ones(count)
    )
    assert report.verdict == "cannot tell" and not is_traced(report)


class Layer:
    """Keeps what backward needs, and a list of all that it has seen."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.x: Any = None

    def forward(self, x: Any) -> Any:
        self.x = x
        self.seen.append(x)
        return np.sin(x)

    def backward(self, g: Any, x: Any) -> Any:
        return g * np.cos(self.x)


@pytest.mark.parametrize("bound", [True, False])
def test_objects_keep_no_handles(bound: bool) -> None:
    one = Layer()
    forward = one.forward if bound else lambda x: one.forward(x)
    report = bpx.gradcheck(forward, [np.array([0.5, 1.0])], one.backward)
    assert report and is_traced(report)
    assert all(isinstance(seen, np.ndarray) for seen in [*one.seen, one.x])


def test_functions_without_source() -> None:
    names: dict[str, Any] = {"np": np}
    exec("def f(x): return np.sum(x**3)\ndef b(g, x): return 3*g*x**2\ndef w(g, x): return 3*g*x", names)
    assert bpx.gradcheck(names["f"], [np.array([1.5, 2.0])], names["b"])
    assert bpx.gradcheck(names["f"], [np.array([1.5, 2.0])], names["w"]).verdict == "disagree"
    assert bpx.gradcheck(np.sin, [0.5], lambda g, x: g * np.cos(x))


@pytest.mark.parametrize("names", [None, ["x", "w"]])
def test_inputs_taken_together_have_the_names_that_backward_gives_them(names: list[str] | None) -> None:
    def product(*factors: Any) -> Any:
        return np.sum(factors[0] * factors[1])

    for inputs in ([3.0, 4.0], [np.array([3.0, 1.0]), np.array([4.0, 2.0])]):
        assert bpx.gradcheck(product, inputs, lambda x, w: (w, x), names=names)
        assert bpx.gradcheck(product, inputs, lambda x, w: (w, 2 * x), names=names).verdict == "disagree"


def test_names_that_are_no_identifiers() -> None:
    report = bpx.gradcheck(layer, [X, W], pull, names=["layer 1: x", "layer 1: w"])
    assert report and [column.input for column in report.columns] == ["layer 1: x", "layer 1: w"]


def test_tuples_of_outputs_and_data() -> None:
    def forward(x: Any, i: Any) -> Any:
        return x[i], 2 * x[0]

    def backward(g: Any, x: Any, i: Any) -> Any:
        dx = np.zeros_like(x)
        dx[i] += g[0]
        dx[0] += 2 * g[1]
        return dx, None

    assert bpx.gradcheck(forward, [np.array([1.0, 2.0, 3.0]), np.array(1)], backward)


@pytest.mark.parametrize("n", [4, 70])
def test_an_index_that_occurs_twice_is_named_whatever_the_number_of_outputs(n: int) -> None:
    index = np.r_[np.arange(n), 0, 2, 2]

    def forward(x: Any) -> Any:
        return np.tanh(x)[index]

    def backward(g: Any, x: Any) -> Any:
        return ([g[np.flatnonzero(index == i)[-1]] for i in range(n)] * (1 - np.tanh(x) ** 2),)

    report = bpx.gradcheck(forward, [np.linspace(0.1, 0.9, n)], backward)
    assert [mistake.code for culprit in report.blame for mistake in culprit.mistakes] == ["some-outputs"]
    rows = str(report)
    for element, entry in ((0, 0), (2, 2), (n + 1, 2)):
        assert f"∂forward[{element}]/∂x[{entry}]" in rows


def test_a_formula_or_a_spec_is_checked_as_loaded() -> None:
    values = {"w": 2.0, "x": 3.0}
    assert bpx.gradcheck("w*x^2", values)
    assert bpx.gradcheck("w*x^2", **values, wrt="x").columns[0].input == "x"
    assert not bpx.gradcheck("w*x^2", values, claims={"x": "w*x"})
    assert bpx.gradcheck("sigmoid").output == bpx.load("sigmoid").gradcheck().output


@pytest.mark.parametrize(
    ("inputs", "backward"), [([2.0, 3.0], None), ({"w": 2.0, "x": 3.0}, lambda g, w, x: g)]
)
def test_a_formula_takes_values_by_name_and_no_functions(inputs: Any, backward: Any) -> None:
    with pytest.raises(bpx.BpxError, match="takes values by name, and no backward function"):
        bpx.gradcheck("w*x", inputs, backward)


@pytest.mark.parametrize(
    ("slope", "bias", "lines", "kind"),
    [
        ("1 - a ** 2", "dz.sum()", {"db": ["b"]}, "wrong-shape"),
        ("1 - a ** 2", "1 * dz", {"db": ["b"]}, "unsummed-shape"),
        ("1 + a ** 2", "dz.sum(axis=0, keepdims=True)", {"db": ["b"], "dz": ["x", "w"]}, "wrong-shape"),
    ],
)
def test_a_gradient_of_the_wrong_shape_has_its_line(
    tmp_path: Path, slope: str, bias: str, lines: dict[str, list[str]], kind: str
) -> None:
    text = f"""
    def forward(x, w, b):
        return np.tanh(x @ w + b)


    def backward(dout, x, w, b):
        a = np.tanh(x @ w + b)
        dz = dout * ({slope})
        db = {bias}
        return dz @ w.T, x.T @ dz, db
    """
    module = written(tmp_path, text)
    draw = np.random.default_rng(0).normal
    report = bpx.gradcheck(
        module.forward, [draw(size=(5, 3)), draw(size=(3, 4)), draw(size=4)], module.backward
    )
    assert {blame.code.sets: list(blame.code.wrong) for blame in report.blame} == lines
    assert report.blame[0].mistakes[0].code == kind


def test_a_gradient_of_the_wrong_shape_is_named_once_where_no_line_sets_it() -> None:
    names: dict[str, Any] = {"np": np}
    exec("def f(x): return np.sum(x**3)\ndef b(g, x): return np.sum(3*g*x**2)", names)
    [blame] = bpx.gradcheck(names["f"], [np.array([1.5, 2.0])], names["b"]).blame
    assert (blame.node, blame.code) == ("x", None)
    assert [mistake.code for mistake in blame.mistakes] == ["wrong-shape"]
