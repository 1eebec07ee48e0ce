"""Names that mean two things: an argument that is returned, one that forward gives a new value, `gamma`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bpx
from bpx.check.report.report import Report
from bpx.spec.code.target import check_code, read_code

INPUTS = """

def inputs():
    rng = np.random.default_rng(0)
    return {"x": rng.normal(size=(3, 3)), "w": rng.normal(size=(3, 3)), "v": rng.normal(size=(3, 3))}
"""


def report_of(folder: Path, text: str, names: str = "forward,backward") -> Report:
    file = folder / "net.py"
    file.write_text(f"import numpy as np\n\n\n{text}{INPUTS}")
    return check_code(read_code(f"{file}:{names}", {}))


def pair(args: str, value: str, backward: str, gradient: str) -> str:
    return f"def forward({args}):\n    {value}\n\n\ndef backward({backward}):\n    return {gradient}\n"


def codes(report: Report) -> list[str]:
    return [note.code for note in report.notes]


@pytest.mark.parametrize("gradient", ["w, x", "w * 1, x", "[w, x]", "(w, 1 * x)"])
def test_an_argument_that_is_returned_is_the_gradient_of_its_place(tmp_path: Path, gradient: str) -> None:
    text = pair("x, w", "return np.sum(x * w)", "x, w", gradient)
    assert report_of(tmp_path, text).verdict == "agree"
    wrong = pair("x, w", "return np.sum(x * w)", "x, w", gradient.replace("w", "x", 1))
    assert report_of(tmp_path, wrong).verdict == "disagree"


def test_a_new_value_of_an_argument_has_its_name(tmp_path: Path) -> None:
    text = pair("x, w", "return np.sum(x * w)", "x, w", "w, x").replace(
        "return w, x", "w, x = x * 1.0, w * 1.0\n    return {'x': x, 'w': w}"
    )
    assert report_of(tmp_path, text).verdict == "agree"


def test_gamma_is_no_gradient_of_what_stands_beside_it(tmp_path: Path) -> None:
    text = (
        "def forward(x, gamma, beta):\n    return gamma * x + beta\n\n\n"
        "def backward(dout, x, gamma, beta):\n"
        "    dx = dout * gamma\n    return dx, (dout * x).sum(0), {beta}\n\n\n"
        "def given():\n"
        '    return {"x": np.ones((2, 3)) / 3, "gamma": np.ones(3), "beta": np.zeros(3)}\n'
    )
    for beta, verdict in (("dout.sum(0)", "agree"), ("dout.mean(0)", "disagree")):
        file = tmp_path / "net.py"
        file.write_text("import numpy as np\n" + text.replace("{beta}", beta).replace("given", "inputs"))
        assert check_code(read_code(f"{file}:forward,backward", {})).verdict == verdict


@pytest.mark.parametrize(
    ("gradient", "verdict", "noted"),
    [
        ("dout * (1 - np.tanh(x) ** 2)", "agree", True),
        ("dout * (1 - x**2)", "agree", False),
        ("dout * (1 - x)", "disagree", False),
    ],
)
def test_what_forward_made_of_an_argument_may_be_meant_or_the_argument(
    tmp_path: Path, gradient: str, verdict: str, noted: bool
) -> None:
    report = report_of(tmp_path, pair("x", "x = np.tanh(x); return x", "dout, x", gradient))
    assert (report.verdict, "taken-as-argument" in codes(report)) == (verdict, noted)


@pytest.mark.parametrize("names", ["ga, gb", "g1, g2", "dout1, dout2", "u, bar"])
@pytest.mark.parametrize("slip", ["", "0.5 * "])
def test_as_many_unclear_arguments_as_outputs_are_their_upstream_gradients(
    tmp_path: Path, names: str, slip: str
) -> None:
    first, second = names.split(", ")
    gradient = f"{first} * np.ones_like(x) + {slip}{second} * 2 * x"
    text = pair("x", "return np.sum(x), x**2", f"{names}, x", gradient)
    assert report_of(tmp_path, text).verdict == ("disagree" if slip else "agree")


def test_where_an_array_needs_an_upstream_gradient_an_unclear_argument_is_it(tmp_path: Path) -> None:
    report = report_of(tmp_path, pair("x", "return np.cos(x)", "u, x", "np.sin(x)"))
    assert (report.verdict, "taken-as-needed" in codes(report)) == ("disagree", True)


def test_backward_may_take_what_forward_returns_under_this_name() -> None:
    def forward(x: Any) -> Any:
        mask = 2.0 * (x > 0)
        return x * mask, mask

    def backward(dout: Any, mask: Any) -> Any:
        return dout * mask

    x = np.random.default_rng(0).normal(size=(4, 3))
    assert bpx.gradcheck(forward, [x], backward).verdict == "agree"
    assert bpx.gradcheck(forward, [x], lambda dout, mask: -dout * mask).verdict == "disagree"


def test_backward_may_take_the_output_under_its_name() -> None:
    def forward(z: Any) -> Any:
        p = np.exp(z)
        p /= np.sum(p)
        return p

    z = np.array([1.0, -2.0, 0.3])
    assert bpx.gradcheck(forward, [z], lambda dp, p: p * (dp - dp @ p)).verdict == "agree"
    assert bpx.gradcheck(forward, [z], lambda dp, p: p * (dp + dp @ p)).verdict == "disagree"
    assert bpx.gradcheck(lambda z: z**2, [z], lambda g, p: 2 * g * p).verdict == "agree"


@pytest.mark.parametrize(("gradient", "verdict"), [("2 * w, x", "disagree"), ("w, x", "agree")])
def test_the_same_array_as_two_arguments_has_two_gradients(
    tmp_path: Path, gradient: str, verdict: str
) -> None:
    text = pair("x, w", "return np.sum(x * w)", "x, w", gradient) + "\n\ndef given():\n    x = np.ones(2)\n"
    file = tmp_path / "net.py"
    file.write_text(f"import numpy as np\n{text}    return {{'x': x, 'w': x}}\n".replace("given", "inputs"))
    report = check_code(read_code(f"{file}:forward,backward", {}))
    assert (report.verdict, len(report.columns)) == (verdict, 2)


@pytest.mark.parametrize(("slip", "verdict"), [("", "agree"), ("2 * ", "disagree")])
def test_gradients_put_into_arrays_that_are_there_are_no_step(
    tmp_path: Path, slip: str, verdict: str
) -> None:
    text = (
        'params = {"W": np.eye(3)}\ngrads = {"W": np.zeros((3, 3))}\n'
        'def forward(x):\n    return x @ params["W"]\n\n\n'
        f'def backward(dout, x):\n    grads["W"][...] = {slip}x.T @ dout\n    return dout @ params["W"].T\n'
    )
    report = report_of(tmp_path, text)
    assert report.verdict == verdict
    assert [column.input for column in report.columns if column.input != "x"] == ["W"]


def test_backward_may_begin_with_all_arguments_of_forward() -> None:
    def forward(x: Any, p: int = 3) -> Any:
        return np.sum(x**p)

    def backward(x: Any, p: int = 3) -> Any:
        return p * x ** (p - 1)

    assert bpx.gradcheck(forward, [np.array([0.5, 2.0])], backward).verdict == "agree"


@pytest.mark.parametrize("rows", [2, 5])
def test_a_bare_array_is_the_gradient_of_the_input_of_its_shape(rows: int) -> None:
    def backward(dout: Any, table: Any, rows: Any) -> Any:
        gradient = np.zeros_like(table)
        np.add.at(gradient, rows, dout)
        return gradient

    inputs = [np.random.default_rng(0).normal(size=(rows, 3)), np.array([0, 1, 1])]
    assert bpx.gradcheck(lambda table, rows: table[rows], inputs, backward).verdict == "agree"
    wrong = bpx.gradcheck(lambda table, rows: table[rows], inputs, lambda *args: 2 * backward(*args))
    assert wrong.verdict == "disagree"
