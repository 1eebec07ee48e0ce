"""What a target in a Python file is taken for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from corpus import CONVENTIONS, NETWORKS
from rows_of_a_table import every

import bpx
from bpx.check.report.notes import notes
from bpx.graph.numbers import number
from bpx.spec.code.target import graph_of, program_of, read_code
from bpx.spec.code.traced_program import run_backward

LOSSES = """import numpy as np

w = np.array([0.5, -0.3])
grads = {"w": np.ones(2)}
calls = 0


def loss(x):
    global calls
    calls += 1
    return np.sum((w * x) ** 2)


def step(x, lr=0.5):
    global w
    value = loss(x)
    w = w - lr * 2 * w * x * x
    return value


def leaves(x):
    grads["w"] = 2 * w * x * x
    return loss(x)


def inputs():
    return {"x": np.array([1.0, 2.0])}
"""


@every("stem", sorted(CONVENTIONS))
def test_the_command_finds_gradients_in_every_network(stem: str) -> None:
    names, _ = CONVENTIONS[stem]
    program = program_of(read_code(f"{NETWORKS / stem}.py:{names}", {}))
    assert program is not None
    with np.errstate(all="ignore"):
        output = np.asarray(program.run({}))
        run = run_backward(program, np.ones(output.shape))
    assert run.gradients
    assert not run.misshapen


@pytest.mark.parametrize(("name", "is_program"), [("loss", False), ("step", True), ("leaves", True)])
def test_a_function_that_returns_only_its_loss(tmp_path: Path, name: str, is_program: bool) -> None:
    file = tmp_path / "net.py"
    file.write_text(LOSSES)
    code = read_code(f"{file}:{name}", {})
    assert (program_of(code) is not None) == is_program
    assert graph_of(code).names  # the loss itself is a graph in any case


@pytest.mark.parametrize("length", [3, 17])
def test_a_report_has_the_upstream_gradient_that_backward_was_called_with(
    tmp_path: Path, length: int
) -> None:
    (tmp_path / "net.py").write_text(
        "def forward(x):\n    return x * x\n\n\ndef backward(g, x):\n    return 2 * g * x\n"
    )
    x = np.linspace(1, 2, length)
    report = bpx.gradcheck(f"{tmp_path}/net.py:forward,backward", {"x": x})
    upstream = np.array(report.to_dict()["upstream"]["g"])
    np.testing.assert_array_equal(2 * upstream * x, report.columns[0].claimed)
    [line] = [line for line in notes(report) if line.startswith("Upstream gradient:")]
    assert (str(upstream.tolist()) in line) == (length == 3)
    assert number(upstream[0], 6) in line or length == 3
    assert not any("random" in line for line in notes(report))  # it may have been given


def test_a_loss_has_no_upstream_gradient(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "def loss(x):\n    return (x * x).sum()\n\n\ndef backward(x):\n    return 2 * x\n"
    )
    report = bpx.gradcheck(f"{tmp_path}/net.py:loss,backward", {"x": np.array([1.0, 2.0])})
    assert "upstream" not in report.to_dict()
    assert not any("pstream" in line for line in notes(report))


def test_a_line_that_calls_bpx_is_no_line_of_forward(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "def forward(x):\n    return x * x\n\n\ndef backward(g, x):\n    return 2 * g * x\n"
    )
    # The sum of upstream times output is of nobody's code; this file is called like a script of the user's.
    report = bpx.gradcheck(f"{tmp_path}/net.py:forward,backward", {"x": np.array([1.0, 2.0])})
    assert any("traced 1 line of `forward`" in line for line in notes(report))
