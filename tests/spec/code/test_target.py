"""What a target in a Python file is taken for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from corpus import CONVENTIONS, NETWORKS

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


@pytest.mark.parametrize("stem", sorted(CONVENTIONS))
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
