"""`bpx gradcheck --jobs`: the work in several processes."""

from __future__ import annotations

from pathlib import Path

import pytest
from invoking import error_codes, invoke

CODE = """
import numpy as np
print("loading")
def forward(x):
    return np.sum(np.tanh(x)) + 0 * memoryview(x)[0]  # cannot be traced
def backward(g, x):
    return g * (1 - np.tanh(x) ** 2)
def inputs():
    return {"x": np.linspace(-1, 1, 4)}
"""


def test_a_file_in_two_processes(tmp_path: Path) -> None:
    file = tmp_path / "layer.py"
    file.write_text(CODE)
    alone = invoke("gradcheck", f"{file}:forward,backward")
    assert alone.exit_code == 0
    assert invoke("gradcheck", f"{file}:forward,backward", "--jobs", "2").stdout == alone.stdout


@pytest.mark.parametrize("jobs", ["0", "-2", "1000"])
def test_a_number_of_processes(jobs: str) -> None:
    assert error_codes("gradcheck", "x^2", "x=3", "--jobs", jobs) == ["bad-jobs"]
