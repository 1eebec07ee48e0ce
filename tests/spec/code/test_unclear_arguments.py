"""Arguments of backward whose names say nothing: what they stand for is found, and said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rows_of_a_table import every

import bpx
from bpx.check.report.report import Report
from bpx.spec.code.target import check_code, read_code
from bpx.words.diagnostic import BpxError

NAMES = ["u", "ct", "cot", "gbar", "delta_out", "v", "bar", "adj"]
INPUTS = """

def inputs():
    rng = np.random.default_rng(0)
    return {"x": rng.normal(size=(4, 3)), "w": rng.normal(size=(3, 2))}
"""
UPSTREAM = {  # forward, arguments of backward, what it returns, and what it returns with a slip
    "array": ("np.tanh(x)", "{u}, x", "{u} * (1 - np.tanh(x) ** 2)", "{u} * (1 - np.tanh(x))"),
    "number": ("np.sum(x**2)", "{u}, x", "{u} * 2 * x", "{u} * x"),
    "last": ("x @ w", "x, w, {u}", "{u} @ w.T, x.T @ {u}", "{u} @ w.T, 2 * x.T @ {u}"),
    "cache": (
        "x @ w, (x, w)",
        "{u}, cache",
        "{u} @ cache[1].T, cache[0].T @ {u}",
        "{u} @ cache[1].T, -cache[0].T @ {u}",
    ),
    "alone": ("np.sum(x, axis=0)", "{u}", "np.tile({u}, (4, 1))", "np.tile({u}, (4, 1)) / 4"),
    "output": ("np.exp(x)", "{u}, out", "{u} * out", "{u} * out * out"),
}


def checked(folder: Path, value: str, args: str, gradient: str, more: str = "") -> Report:
    own = "x, w" if "w" in value else "x"
    text = (
        f"import numpy as np\n\n\ndef forward({own}):\n    return {value}\n\n\n"
        f"def backward({args}):\n    return {gradient}\n{more}"
    )
    (folder / "net.py").write_text(text + INPUTS)
    return check_code(read_code(f"{folder / 'net.py'}:forward,backward", {}))


def taken(report: Report) -> list[tuple[str, str]]:
    codes = ("taken-as-upstream", "taken-as-output")
    return [(note.code, note.facts["name"]) for note in report.notes if note.code in codes]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("value", "args", "right", "slip"), UPSTREAM.values(), ids=UPSTREAM)
def test_gradients_double_with_an_upstream_gradient(
    tmp_path: Path, name: str, value: str, args: str, right: str, slip: str
) -> None:
    for gradient, verdict in ((right, "agree"), (slip, "disagree")):
        report = checked(tmp_path, value, args.format(u=name), gradient.format(u=name))
        assert (report.verdict, taken(report)) == (verdict, [("taken-as-upstream", name)])


@pytest.mark.parametrize(("gradient", "verdict"), [("u * (1 - u)", "agree"), ("u * (1 + u)", "disagree")])
def test_beside_an_upstream_gradient_it_is_the_output(tmp_path: Path, gradient: str, verdict: str) -> None:
    report = checked(tmp_path, "1 / (1 + np.exp(-x))", "u, dout", f"dout * {gradient}")
    assert (report.verdict, taken(report)) == (verdict, [("taken-as-output", "u")])


def test_what_does_not_double_is_the_output(tmp_path: Path) -> None:
    report = checked(tmp_path, "np.log(np.sum(np.exp(x)))", "u, x", "np.exp(x - u)")
    assert (report.verdict, taken(report)) == ("agree", [("taken-as-output", "u")])


@pytest.mark.parametrize("value", ["np.exp(x)", "np.exp(np.sum(x))"])
def test_what_is_right_only_as_the_output_cannot_be_told(tmp_path: Path, value: str) -> None:
    gradient = "u" if value == "np.exp(x)" else "u * np.ones_like(x)"
    with pytest.raises(BpxError) as error:
        checked(tmp_path, value, "u, x", gradient)
    (problem,) = error.value.diagnostics
    assert (problem.code, problem.facts["name"], problem.help) == ("unclear-argument", "u", "name-argument")
    assert checked(tmp_path, value, "dout, x", gradient.replace("u", "dout", 1)).verdict == "disagree"


def test_a_name_of_the_output_is_the_output(tmp_path: Path) -> None:
    report = checked(tmp_path, "np.exp(np.sum(x))", "out, x", "out * np.ones_like(x)")
    assert (report.verdict, taken(report)) == ("agree", [])


def test_a_loss_in_the_file_does_not_hide_an_upstream_gradient(tmp_path: Path) -> None:
    more = "\n\ndef loss(out):\n    return np.sum(out**2)\n"
    report = checked(tmp_path, "np.sin(x)", "u, x", "u * np.cos(x)", more)
    assert (report.verdict, taken(report)) == ("agree", [("taken-as-upstream", "u")])
    assert checked(tmp_path, "np.sin(x)", "out, x", "2 * out * np.cos(x)", more).verdict == "agree"


@every("name", ["dout", "g", "u"])
@every("factor", [1.0, 2.0])
def test_inputs_may_come_before_the_upstream_gradient(name: str, factor: float) -> None:
    scope: dict[str, Any] = {"np": np}
    text = f"def forward(x): return np.sin(x)\ndef backward(x, {name}): return {factor} * {name} * np.cos(x)"
    exec(text, scope)
    for x in (np.array([0.3, -0.7, 1.2]), 0.7):
        report = bpx.gradcheck(scope["forward"], [x], scope["backward"])
        assert report.verdict == ("agree" if factor == 1 else "disagree")


def test_the_first_place_is_the_upstream_gradients_else() -> None:
    x = np.array([0.3, -0.7, 1.2])
    assert bpx.gradcheck(lambda g: np.sin(g), [x], lambda g, x: g * np.cos(x)).verdict == "agree"
    assert bpx.gradcheck(lambda x: np.sin(x), [x], lambda u, x: u * np.cos(x)).verdict == "agree"
