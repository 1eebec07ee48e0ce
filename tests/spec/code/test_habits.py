"""What one call does not show: what an earlier one kept, and what is right for its inputs alone."""

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
    return {"x": np.array([0.3, -0.7, 1.2]), "w": np.array([1.0, 2.0, 3.0])}
"""
CLASS = """
class Layer:
    def __init__(self):
        self.kept = None

    def forward(self, x):
        {keep}
        return {value}

    def backward(self, dout):
        return {gradient}


net = Layer()
"""
FUNCTIONS = """
kept = {start}
def forward(x, w):
    {keep}
    return x * w


def backward(dout, x, w):
    return dout * w, dout * {kept}
"""
IN_OBJECTS = {
    "input": ("if self.kept is None: self.kept = x", "x * x", "2 * dout * self.kept"),
    "copy": ("if self.kept is None: self.kept = x.copy()", "x * x", "2 * dout * self.kept"),
    "mask": ("if self.kept is None: self.kept = x > 0", "np.maximum(x, 0)", "dout * self.kept"),
}
IN_FUNCTIONS = {
    "dict": ("{}", 'kept.setdefault("x", x)', 'kept["x"]'),
    "list": ("[]", "kept.append(x)", "kept[0]"),
    "global": ("None", "global kept; kept = x if kept is None else kept", "kept"),
    "of function": ("None", 'forward.x = getattr(forward, "x", x)', "forward.x"),
}


def report_of(folder: Path, text: str, names: str = "forward,backward") -> Report:
    file = folder / "net.py"
    file.write_text("import numpy as np\n" + text + INPUTS)
    return check_code(read_code(f"{file}:{names}", {}))


def kinds(report: Report) -> list[tuple[str, list[str]]]:
    return [(culprit.node, [mistake.code for mistake in culprit.mistakes]) for culprit in report.blame]


@pytest.mark.parametrize(("keep", "value", "gradient"), IN_OBJECTS.values(), ids=IN_OBJECTS)
def test_what_an_object_keeps_of_its_first_call_is_no_other_calls(
    tmp_path: Path, keep: str, value: str, gradient: str
) -> None:
    text = CLASS.format(keep=keep, value=value, gradient=gradient)
    report = report_of(tmp_path, text, "net")
    assert (report.verdict, kinds(report)) == ("disagree", [("x", ["kept-from-before"])])
    every = CLASS.format(keep=keep.partition(": ")[2], value=value, gradient=gradient)
    assert report_of(tmp_path, every, "net").verdict == "agree"


@pytest.mark.parametrize(("start", "keep", "kept"), IN_FUNCTIONS.values(), ids=IN_FUNCTIONS)
def test_what_functions_keep_of_their_first_call_is_no_other_calls(
    tmp_path: Path, start: str, keep: str, kept: str
) -> None:
    report = report_of(tmp_path, FUNCTIONS.format(start=start, keep=keep, kept=kept))
    assert report.verdict == "disagree"
    assert [culprit.node for culprit in report.blame] == ["w"]


def test_weights_are_moved_in_place(tmp_path: Path) -> None:
    text = CLASS.replace("self.kept = None", "self.kept = None; self.W = np.eye(3) + 0.5").format(
        keep="self.kept = self.W.T if self.kept is None else self.kept",
        value="self.W @ x",
        gradient="self.kept @ dout",
    )
    assert report_of(tmp_path, text, "net").verdict == "agree"


def test_a_closure_is_noticed_too() -> None:
    kept: dict[str, Any] = {}

    def forward(x: Any) -> Any:
        kept.setdefault("x", x.copy())
        return x**2

    report = bpx.gradcheck(forward, [np.array([0.3, -0.7])], lambda g, x: 2 * g * kept["x"])
    assert report.verdict == "disagree"


def test_a_forward_that_gives_something_else_when_called_again_is_noted(tmp_path: Path) -> None:
    text = (
        "n = [0]\ndef forward(x):\n    n[0] += 1\n    return x**2 if n[0] == 1 else x**3\n\n\n"
        "def backward(dout, x):\n    return 2 * dout * x\n"
    )
    assert "unsteady-forward" in [note.code for note in report_of(tmp_path, text).notes]


def test_statistics_that_run_along_are_no_mistake(tmp_path: Path) -> None:
    text = CLASS.format(
        keep="self.kept = x if self.kept is None else 0.9 * self.kept + 0.1 * x; self.x = x",
        value="x * x",
        gradient="2 * dout * self.x",
    )
    report = report_of(tmp_path, text, "net")
    assert report.verdict == "agree"
    assert "unsteady-forward" not in [note.code for note in report.notes]


def test_a_mask_that_an_object_draws_is_no_sum(tmp_path: Path) -> None:
    text = CLASS.replace("self.kept = None", "self.random = np.random.default_rng(0)").format(
        keep="self.kept = self.random.random(x.shape) < 0.5",
        value="x * self.kept",
        gradient="dout * self.kept",
    )
    report = report_of(tmp_path, text, "net")
    assert (report.verdict, kinds(report)) == ("agree", [])


# --- right at the given inputs alone ------------------------------------------------------------

HERE = {
    "a factor of 1": ("x * w", "dout, dout * x", ["x"]),
    "a term of 0": ("x + w * (w - 1)", "dout, dout * (w + (w - 1))", []),
    "a power of 1": ("x * w**3", "dout * w**3, 3 * dout * x * w", ["w"]),
    "a forgotten term": ("x * w + v * w", "dout * w, dout * x", ["w"]),
}


@pytest.mark.parametrize(("value", "gradients", "wrong"), HERE.values(), ids=HERE)
@pytest.mark.parametrize("named", [True, False])
def test_what_is_right_for_the_given_inputs_alone_is_wrong(
    tmp_path: Path, value: str, gradients: str, wrong: list[str], named: bool
) -> None:
    start = {"x": [0.3, -0.7, 1.2], "w": [1.0, 1.0, 1.0], "v": [0.0, 0.0, 0.0]}
    arrays = ", ".join(f"'{name}': np.array({numbers})" for name, numbers in start.items())
    text = (
        f"def forward(x, w, v):\n    return {value}\n\n\ndef backward(dout, x, w, v):\n"
        f"    dx, dw = {gradients}\n    return dx, dw, {'dout * w' if 'v' in value else '0 * v'}\n\n\n"
    )
    file = tmp_path / "net.py"
    file.write_text(f"import numpy as np\n{text}def inputs():\n    return {{{arrays}}}\n")
    code = read_code(f"{file}:forward,backward", {})
    if named:
        report = check_code(code)
    else:
        forward, backward = (value for _, value, _ in code.named)
        report = bpx.gradcheck(forward, list(code.args.values()), backward)
    assert kinds(report) == [(name, ["only-here"]) for name in wrong]
    assert report.verdict == ("disagree" if wrong else "agree")


def test_a_symmetric_matrix_stays_symmetric(tmp_path: Path) -> None:
    text = (
        "A = np.array([[2.0, 0.5, 0.1], [0.5, 1.0, 0.2], [0.1, 0.2, 3.0]])\ndef forward(x):\n"
        "    return x @ A @ x\n\n\n"
        "def backward(x):\n    return {'x': 2 * A @ x, 'A': np.outer(x, x)}\n"
    )
    assert report_of(tmp_path, text).verdict == "agree"


@pytest.mark.parametrize("sign", [1, -1])
def test_each_of_a_stack_of_matrices_keeps_its_symmetry(tmp_path: Path, sign: int) -> None:
    matrix = "np.array([[[0.0, 2.0, 1.0], [0.0, 0.0, 0.5], [0.0, 0.0, 0.0]]])"
    text = (
        f"A = {matrix}\nA = A + {sign} * A.swapaxes(1, 2)\n"
        "def forward(x):\n    return np.sum((A[0] @ x) ** 2)\n\n\n"
        "def backward(x):\n    y = A[0] @ x\n"
        f"    return {{'x': {2 * sign} * A[0] @ y, 'A': 2 * np.outer(y, x)[None]}}\n"
    )
    assert report_of(tmp_path, text).verdict == "agree"


@pytest.mark.parametrize("start", ["None", "0"])
def test_what_forward_goes_on_from_is_no_sum(tmp_path: Path, start: str) -> None:
    text = CLASS.replace("self.kept = None", f"self.kept = {start}").format(
        keep="self.kept = (self.kept or 0) + 1; self.x = x",
        value="self.kept * x * x",
        gradient="2 * dout * self.kept * self.x",
    )
    report = report_of(tmp_path, text, "net")
    assert (report.verdict, kinds(report)) == ("agree", [])
    assert "unsteady-forward" in [note.code for note in report.notes]
