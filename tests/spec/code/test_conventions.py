"""Small files in many styles, each checked whole: what is found, and what is said of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpx.check.numeric.tolerances import DETECT
from bpx.check.report.report import Report
from bpx.spec.code.target import check_code, program_of, read_code
from bpx.words.diagnostic import BpxError

HEAD = """import functools
import math
import numpy as np


def f(x):
    return np.sum(x ** 2)


def sinus(x):
    return np.sin(3 * x)


def inputs():
    return {"x": np.array([1.1, 2.2, -3.3])}


"""


def report_of(folder: Path, text: str, names: str, **options: Any) -> Report:
    file = folder / "net.py"
    file.write_text(HEAD + text)
    return check_code(read_code(f"{file}:{names}", {}), **options)


def codes(report: Report) -> list[str]:
    return [note.code for note in report.notes]


def refused(folder: Path, text: str, names: str) -> tuple[str, str]:
    with pytest.raises(BpxError) as error:
        report_of(folder, text, names)
    (problem,) = error.value.diagnostics
    return problem.code, problem.message


# --- gradients as they are returned -------------------------------------------------------------

RETURNED = {
    "a list": "return [2 * v for v in x]",
    "a list of floats": "return [float(2 * v) for v in x]",
    "a tuple with a list": "return ([float(2 * v) for v in x],)",
    "objects": "return np.array([2 * v for v in x], dtype=object)",
    "a dict": 'return {"x": 2 * x}',
    "a dict of lists": 'return {"x": (2 * x).tolist()}',
    "float32": "return (2 * x).astype(np.float32)",
    "float32 inside": "return (2 * x.astype(np.float32)).astype(float)",
}


@pytest.mark.parametrize("line", RETURNED.values(), ids=RETURNED)
def test_gradients_are_returned_as(tmp_path: Path, line: str) -> None:
    report = report_of(tmp_path, f"def b(x):\n    {line}\n", "f,b")
    assert report.verdict == "agree"
    assert report.total == 3


def test_whole_numbers_are_not_the_gradient(tmp_path: Path) -> None:
    report = report_of(tmp_path, "def b(x):\n    return (2 * x).astype(int)\n", "f,b")
    assert report.verdict == "disagree"


def test_nested_lists_are_an_array(tmp_path: Path) -> None:
    text = (
        "def g(w):\n    return np.sum(w ** 2)\n\n\n"
        "def b(w):\n    return [[float(2 * v) for v in row] for row in w]\n\n\n"
        "def inputs():\n    return {'w': np.arange(6.0).reshape(2, 3)}\n"
    )
    assert report_of(tmp_path, text, "g,b").total == 6


def test_numbers_that_are_named_are_gradients_of_their_own(tmp_path: Path) -> None:
    text = (
        "def g(v, w, c):\n    return w * c + np.sum(v)\n\n\n"
        "def b(v, w, c):\n    dw, dc = c, w\n    return [dw, dc]\n\n\n"
        "def inputs():\n    return {'v': np.ones(2), 'w': 0.5, 'c': 2.0}\n"
    )
    assert {table.input for table in report_of(tmp_path, text, "g,b").columns} == {"w", "c"}


def test_what_has_no_name_is_of_its_place(tmp_path: Path) -> None:
    text = (
        "def g(x, w):\n    return np.sum(x * w)\n\n\n"
        "def b(x, w):\n    dw = x\n    return 1.0 * w, dw\n\n\n"
        "def inputs():\n    return {'x': np.ones(2), 'w': np.array([0.5, 2.0])}\n"
    )
    report = report_of(tmp_path, text, "g,b")
    assert (report.verdict, report.total) == ("agree", 4)


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("2 * x", "returned-nothing", "`b` returned nothing"),
        ("return '2x'", "no-gradients", "it returns str"),
        ("return 2j * x", "no-gradients", "it returns complex128 3"),
        ("return 2 * x[:2]", "no-gradients", "it returns float64 2"),
        ("return None, 'x'", "no-gradients", "it returns NoneType, str"),
    ],
)
def test_what_is_no_gradient_is_named(tmp_path: Path, line: str, code: str, words: str) -> None:
    found, message = refused(tmp_path, f"def b(x):\n    {line}\n", "f,b")
    assert found == code
    assert words in message


# --- things that can be called ------------------------------------------------------------------

CALLABLES = """def pow_n(x, n):
    return np.sum(x ** n)


def pow_slope(x, n):
    return n * x ** (n - 1)


square, slope = functools.partial(pow_n, n=2), functools.partial(pow_slope, n=2)
dsq = lambda x: 2 * x
sin = np.sin


def cos(g, x):
    return g * np.cos(x)


def star(*args):
    return np.sum(args[0] ** 2)


def star_slope(*args):
    return 2 * args[0]


def scaled(x, **settings):
    return settings.get("k", 1) * np.sum(x ** 2)


def star_upstream(dout, *args):
    return 3 * dout * np.cos(3 * args[0])


class Scale:
    def __init__(self, k):
        self.k = k

    def __call__(self, x):
        return self.k * np.sum(x ** 2)

    def grad(self, x):
        return 2 * self.k * x


class Slope:
    def __call__(self, x):
        return 2 * x


class Kept:
    @staticmethod
    def f(x):
        return np.sum(x ** 2)

    @classmethod
    def b(cls, x):
        return 2 * x


scale, one, slope_object = Scale(3.0), Scale(1.0), Slope()
method, method_slope = scale.__call__, scale.grad


def cached(x):
    return np.sin(3 * x), (x, 3)


def star_cache(dout, *cache):
    x, k = cache
    return k * dout * np.cos(k * x)
"""


@pytest.mark.parametrize(
    "names",
    [
        "square,slope",
        "f,dsq",
        "sin,cos",
        "star,star_slope",
        "scaled,dsq",
        "sinus,star_upstream",
        "scale,scale.grad",
        "scale,method_slope",
        "method,method_slope",
        "one,slope_object",
        "one,dsq",
        "Kept.f,Kept.b",
        "cached,star_cache",
        "scale",
    ],
)
def test_what_can_be_called_is_a_function(tmp_path: Path, names: str) -> None:
    report = report_of(tmp_path, CALLABLES, names)
    assert report.verdict == "agree"
    assert "x" in {table.input for table in report.columns}


def test_a_setting_keeps_its_default(tmp_path: Path) -> None:
    text = "def b(x, scale=2.0):\n    return scale * x\n"
    assert report_of(tmp_path, text, "f,b").verdict == "agree"


def test_a_loss_is_a_number(tmp_path: Path) -> None:
    text = "def b(x):\n    return 2 * x\n"
    assert refused(tmp_path, text, "sinus,sinus,b")[0] == "loss-not-number"


# --- habits -------------------------------------------------------------------------------------

HABITS = {
    "upstream": ("dout *= 3 * np.cos(3 * x)\n    return dout", ["changes-upstream"]),
    "input": ("x *= 3\n    return 3 * dout * np.cos(x)", ["changes-input"]),
    "both": ("x *= 3\n    dout *= 3 * np.cos(x)\n    return dout", ["changes-input", "changes-upstream"]),
    "none": ("dx = dout * 3\n    dx *= np.cos(3 * x)\n    return dx", []),
}


@pytest.mark.parametrize(("lines", "wanted"), HABITS.values(), ids=HABITS)
def test_changes_in_place_are_named(tmp_path: Path, lines: str, wanted: list[str]) -> None:
    report = report_of(tmp_path, f"def b(dout, x):\n    {lines}\n", "sinus,b")
    assert report.verdict == "agree"
    assert [code for code in codes(report) if code.startswith("changes")] == wanted


def test_a_changed_cache_is_named(tmp_path: Path) -> None:
    text = (
        "def g(x):\n    y = np.sin(3 * x)\n    return y, (x, y)\n\n\n"
        "def b(dout, cache):\n    x, y = cache\n    y[:] = np.cos(3 * x)\n    return 3 * dout * y\n"
    )
    report = report_of(tmp_path, text, "g,b")
    assert (report.verdict, codes(report).count("changes-cache")) == ("agree", 1)


def test_weights_that_are_moved_are_meant_to(tmp_path: Path) -> None:
    text = (
        "def step(w, x, lr=0.5):\n    loss = np.sum((w * x) ** 2)\n"
        "    w -= lr * 2 * w * x * x\n    return loss\n\n\n"
        "def inputs():\n    return {'w': np.array([0.5, 0.25]), 'x': np.array([1.0, 2.0])}\n"
    )
    file = tmp_path / "net.py"
    file.write_text(HEAD + text)
    assert program_of(read_code(f"{file}:step", {})) is not None
    report = report_of(tmp_path, text, "step")
    assert report.verdict == "agree"
    assert "changes-input" not in codes(report)


def test_what_an_earlier_call_left_is_added_to(tmp_path: Path) -> None:
    text = (
        "class Layer:\n    def __init__(self):\n        self.w = np.array([1.0, 2.0, 3.0])\n"
        "        self.dw = np.zeros(3)\n\n"
        "    def forward(self, x):\n        self.x = x\n        return self.w * x\n\n"
        "    def backward(self, dout):\n        self.dw += dout * self.x\n        return dout * self.w\n\n\n"
        "layer = Layer()\n"
    )
    (culprit,) = report_of(tmp_path, text, "layer").blame
    assert culprit.node == "w"
    assert [mistake.code for mistake in culprit.mistakes] == ["accumulates"]


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        ("return (2 * x).astype('f4')", "agree"),
        ("y = x.astype('f4')\n    return 2.0 * y.astype(float)", "agree"),
        ("y = x.astype('f4')\n    return (2.001 * y).astype(float)", "disagree"),
    ],
)
def test_float32_in_backward_alone_is_judged_by_its_rounding(tmp_path: Path, line: str, verdict: str) -> None:
    report = report_of(tmp_path, f"def b(x):\n    {line}\n", "f,b")
    assert report.verdict == verdict
    assert "short-floats" in codes(report)
    assert report.detect > np.finfo(np.float32).eps * 100


@pytest.mark.parametrize(
    "line",
    [
        "return (2 * x.astype(np.float32)).astype(float)",
        "kind = 'float32'\n    return 2 * x",
        "half = 0.5\n    return x / half",
    ],
)
def test_names_of_short_floats_leave_no_room(tmp_path: Path, line: str) -> None:
    report = report_of(tmp_path, f"def b(x):\n    {line}\n", "f,b")
    assert report.verdict == "agree"
    assert "short-floats" not in codes(report)
    assert report.detect == DETECT


def test_what_float32_lets_pass_is_said(tmp_path: Path) -> None:
    report = report_of(tmp_path, "def b(x):\n    return (2 * x).astype('f4')\n", "f,b")
    assert "relative to the largest entry" in " ".join(str(report).split())


def test_float64_is_not_judged_by_the_rounding_of_float32(tmp_path: Path) -> None:
    text = "def b(x):\n    return 2 * x * (1 + 1e-7)\n"
    report = report_of(tmp_path, text, "f,b", detect=1e-9)
    assert report.verdict == "disagree"
    assert "short-floats" not in codes(report)


# --- beside the given values --------------------------------------------------------------------


def test_a_branch_on_its_boundary_is_no_formula(tmp_path: Path) -> None:
    text = (
        "def forks(x):\n    return np.sum(2 * x) if x[0] > 1.1 else np.sum(3 * x)\n\n\n"
        "def b(x):\n    return np.full(3, 3.0)\n"
    )
    report = report_of(tmp_path, text, "forks,b")
    assert report.verdict == "kink"
    assert "not-traced" in codes(report)


def test_a_branch_near_by_is_no_matter(tmp_path: Path) -> None:
    text = (
        "def forks(x):\n    return np.sum(2 * x) if x[0] > 1.1 + 2e-6 else np.sum(3 * x)\n\n\n"
        "def b(x):\n    return np.full(3, 3.0)\n"
    )
    report = report_of(tmp_path, text, "forks,b")
    assert report.verdict == "agree"
    assert "not-traced" not in codes(report)


# --- where forward cannot be traced -------------------------------------------------------------

OPAQUE = """def g(x):
    return np.real(np.sum((x * (1 + 0j)) ** 2))


def b(x):
    return 2 * x


def inputs():
    return {"x": np.array([1.1])}
"""


def test_a_function_that_cannot_be_traced_is_checked_by_differences(tmp_path: Path) -> None:
    report = report_of(tmp_path, OPAQUE, "g,b", exact=False)
    assert report.verdict == "agree"
    assert "not-traced" in codes(report)


def test_labels_as_floats_are_told_where_integers_come_from(tmp_path: Path) -> None:
    text = "def f(x, y):\n    return x[y].sum()\n\n\ndef b(g, x, y):\n    return x\n"
    text += "\n\ndef inputs():\n    return {'x': np.ones(3), 'y': np.array([0.0, 2.0])}\n"
    with pytest.raises(BpxError) as error:
        report_of(tmp_path, text, "f,b")
    (problem,) = error.value.diagnostics
    assert problem.help == "integer-arguments"


@pytest.mark.parametrize("names", ["broken,b", "f,broken"])
def test_a_function_that_raises_is_named_with_its_line(tmp_path: Path, names: str) -> None:
    text = "def broken(x):\n    return x[7]\n\n\ndef b(x):\n    return 2 * x\n"
    with pytest.raises(BpxError) as error:
        report_of(tmp_path, text, names)
    (problem,) = error.value.diagnostics
    assert problem.code == "function-raised"
    assert problem.span is not None
    assert problem.span.text == "return x[7]"
