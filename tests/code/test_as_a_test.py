"""Checks inside of tests: a short report, and the plugin of pytest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bpx

VALUES = [np.array([0.5, -0.3, 0.8])]
FEWEST_LINES = 20

NET = """import numpy as np


def forward(x):
    y = np.sin(x)
    return y


def backward(dy, x):
    dx = dy * {derivative}
    return dx


def inputs():
    return {{"x": np.array([0.5, -0.3, 0.8])}}
"""
TEST = """
def test_right(gradcheck):
    assert gradcheck("right.py:forward,backward")

def test_wrong(gradcheck):
    assert gradcheck("wrong.py:forward,backward")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "right.py").write_text(NET.format(derivative="np.cos(x)"))
    (tmp_path / "wrong.py").write_text(NET.format(derivative="np.sin(x)"))
    (tmp_path / "test_net.py").write_text(TEST)
    return tmp_path


def test_what_agrees_raises_nothing() -> None:
    bpx.assert_gradients(np.sin, VALUES, lambda g, x: g * np.cos(x))


def test_what_is_wrong_raises_a_short_report() -> None:
    with pytest.raises(AssertionError, match="is wrong in 3 of 3 entries") as found:
        bpx.assert_gradients(np.sin, VALUES, lambda g, x: g * np.sin(x))
    assert len(str(found.value).splitlines()) <= FEWEST_LINES


def test_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    bpx.assert_gradients("right.py:forward,backward")
    with pytest.raises(AssertionError) as found:
        bpx.assert_gradients("wrong.py:forward,backward")
    lines = str(found.value).splitlines()
    assert "Cause: wrong.py:10: `dx = dy * np.sin(x)`" in lines
    assert lines[-1] == "Run it again: bpx gradcheck wrong.py:forward,backward"


def test_what_cannot_be_told_is_wrong_only_to_the_strict() -> None:
    report = bpx.gradcheck(np.abs, [np.zeros(1)], lambda g, x: g * np.sign(x))
    assert report.verdict == "kink"
    report.raise_if_wrong()
    with pytest.raises(AssertionError):
        report.raise_if_wrong(strict=True)


def run_pytest(folder: Path, *flags: str, python: tuple[str, ...] = ()) -> str:
    # Its entry point may be installed or not: it is named. The plugins of others take as long as all else.
    plugin = ["-p", "bpx.spec.pytest_plugin", "-p", "no:cacheprovider"]
    command = [sys.executable, *python, "-m", "pytest", "-q", *plugin, *flags, str(folder)]
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=folder, env=alone, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize(
    ("flags", "python"),
    [((), ()), (("-p", "xdist", "-n", "1"), ()), ((), ("-O",))],
    ids=["plain", "xdist", "optimized"],
)
def test_the_fixture(folder: Path, flags: tuple[str, ...], python: tuple[str, ...]) -> None:
    output = run_pytest(folder, *flags, python=python)
    assert "1 failed, 1 passed" in output
    assert "Cause: wrong.py:10: `dx = dy * np.sin(x)`" in output


def test_the_plugin_alone_loads_nothing() -> None:
    program = (
        "import sys, bpx.spec.pytest_plugin; print('numpy' in sys.modules, 'bpx.spec.spec' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "False"]
