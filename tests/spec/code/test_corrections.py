from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest
from backward_files import lines_of, program_of
from corpus import planted_bugs
from rows_of_a_table import every

import bpx
from bpx.spec.code.check import check_program
from bpx.spec.code.lines.edits import edits
from bpx.spec.code.target import check_code, read_code


class Layer:
    def backward(self, dout: object) -> object:
        return dout


ARRAYS = {"x": np.ones((4, 3)), "dz": np.ones((4, 2)), "a": np.full((4, 2), 0.5)}
OTHERS = {"y": np.array([0, 1, 1, 0]), "t": 2, "f": len, "f_prime": abs, "net": Layer(), "drop": Layer()}


@every(
    "text, other",
    [
        ("dw = x.dot(dz)", "dw = x.T.dot(dz)"),
        ("dw = x.T @ dz", "dw = dz.T @ x"),
        ("dz = y - a", "dz = a - y"),
        ("dz = dout", "dz = dout * (1 - a ** 2)"),
        ("db = dz.sum(axis=1)", "db = dz.sum(axis=0)"),
        ("db += dz.sum(axis=0)", "db = dz.sum(axis=0)"),
        ("m = dz.sum(axis=0)", "m = dz.mean(axis=0)"),
        ("dz[x > 0] = 0", "dz[x <= 0] = 0"),
        ("for t in range(T):", "for t in reversed(range(T)):"),
        ("for t in reversed(range(T)):", "for t in range(T):"),
        ("return dz", "return -dz"),
        ("dz = a * 2", "dz = a"),
        ("dz = a", "dz = a * x"),
        ("dz = dz * a", "dz = dz * a * (1 - a)"),
        ("g = a + dz", "g = a / len(dz) + dz"),
        ("g = a + dz", "g = a + 2 * dz"),
        ("g = dz * dz * (1 - dz)", "g = a * a * (1 - a)"),
        ("dz[:, y] -= 1", "dz[np.arange(len(y)), y] -= 1"),
        ("g = a.T @ h[t]", "g = a.T @ h[t - 1]"),
        ("d = f(a)", "d = f_prime(a)"),
        ("d = f(a) * (1 - f(a))", "d = a * (1 - a)"),
        ("d = net.backward(dz)", "d = net.backward(drop.backward(dz))"),
        ("w[i] = -1", "w[i] = -a"),
    ],
)
def test_a_change_that_people_need(text: str, other: str) -> None:
    assert other in [edit.text for edit in edits(text, {**ARRAYS, **OTHERS})]


def test_a_length_is_not_proposed_where_two_names_have_it() -> None:
    texts = [edit.text for edit in edits("dz = a", {**ARRAYS, "N": 4, "M": 4})]
    assert not any("N" in text or "M" in text for text in texts)


def test_small_changes_come_first_and_are_written_as_people_write() -> None:
    sizes = [edit.size for edit in edits("dz = dh * a + x", {**ARRAYS, "reg": 0.1})]
    assert sizes == sorted(sizes)
    texts = [edit.text for edit in edits("dz = dh * (1 - a)", {**ARRAYS, "dh": ARRAYS["a"]})]
    assert "dz = dh * a" in texts
    assert "dz = dh * (a)" not in texts


CORRECTED = [
    ("tanh_layer", "x not transposed", "dw = x.T.dot(dz)"),
    ("gru_cell", "r forgotten", "dh += drh * r"),
    ("few_lines", "error for delta in the update", "syn0 += lr * X.T.dot(l1_delta)"),
    ("optimize_logistic", "intercept summed", "g[-1] = r.mean()"),
]


@pytest.mark.parametrize(("network", "name", "right"), CORRECTED, ids=[name for _, name, _ in CORRECTED])
def test_a_correction_makes_the_file_right(tmp_path: Path, network: str, name: str, right: str) -> None:
    [bug] = [bug for bug in planted_bugs(network) if bug.name == name]
    [line] = lines_of(tmp_path, bug)
    statement = line.culprit.setting.statement
    assert statement is not None
    assert line.culprit.right == right
    source = bug.source[: statement.span.start] + right + bug.source[statement.span.end :]
    assert check_program(program_of(tmp_path, bug._replace(source=source))).verdict == "agree"


def test_corrections_do_not_need_the_garbage_collector(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(
        "import numpy as np\n\n\nclass Net:\n    def forward(self, x, w):\n        return (x @ w) ** 2\n\n"
        "    def backward(self, g, x, w):\n        d = g * (x @ w)\n        return d @ w.T, x.T @ d\n\n\n"
        "net = Net()\n\n\ndef inputs():\n    return {'x': np.ones((3, 2)), 'w': np.eye(2) + 1}\n"
    )
    gc.freeze()
    try:
        report = bpx.gradcheck(f"{path}:net.forward,net.backward", {})
    finally:
        gc.unfreeze()
    assert "Should be: d = 2 * g * (x @ w)" in str(report)


def test_a_correction_holds_far_away_too(tmp_path: Path) -> None:
    """No input lies between -0.5 and 0, where `x > 0` is not `x > -0.5`."""
    text = (
        "import numpy as np\n\n\ndef forward(x):\n    return np.clip(x, -0.5, 0.5)\n\n\n"
        "def backward(dout, x):\n    return dout * (x < 0.5)\n\n\n"
        "def inputs():\n    return {'x': np.array([0.3, -0.7, 1.2, -1.4, 0.2, 0.4, -2.3, 0.9])}\n"
    )
    (tmp_path / "net.py").write_text(text)
    (culprit,) = check_code(read_code(f"{tmp_path / 'net.py'}:forward,backward", {})).blame
    assert culprit.code is not None
    assert (culprit.code.text, culprit.code.right) == ("return dout * (x < 0.5)", None)
