"""Processes of this machine as workers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from multiprocessing import active_children
from pathlib import Path

import pytest

import bpx
from bpx.check.tasks.processes import processes
from bpx.words.diagnostic import BpxError
from bpx.words.languages import speaking

CODE = """
import numpy as np
W = np.random.default_rng({seed}).normal(size=(3, 4))
def forward(x):
    return np.sum(np.tanh(W @ x)) + 0 * memoryview(x)[0]  # cannot be traced
def backward(g, x):
    return g * (W.T @ (1 - np.tanh(W @ x) ** 2)) * np.array([1, 1, 1, 1.01])
def inputs():
    return {{"x": np.linspace(-1, 1, 4)}}
"""


@pytest.fixture(scope="module")
def executor() -> Iterator[Executor]:
    with processes(2) as executor:
        yield executor


def test_they_speak_the_language_of_whoever_asks(executor: Executor) -> None:
    spec = bpx.load("relu_at_kink")
    with speaking("zh"):
        alone = spec.gradcheck(points=3).to_markdown()
        assert spec.gradcheck(points=3, executor=executor).to_markdown() == alone


def test_they_load_a_file_themselves(executor: Executor, tmp_path: Path) -> None:
    file = tmp_path / "seeded_layer.py"
    file.write_text(CODE.format(seed=0))
    report = bpx.gradcheck(f"{file}:forward,backward", executor=executor)
    assert report.verdict == "disagree"
    assert report.to_json() == bpx.gradcheck(f"{file}:forward,backward").to_json()


def test_a_file_that_is_another_each_time_is_refused(executor: Executor, tmp_path: Path) -> None:
    file = tmp_path / "unseeded_layer.py"
    file.write_text(CODE.format(seed=""))
    with pytest.raises(BpxError) as raised:
        bpx.gradcheck(f"{file}:forward,backward", executor=executor)
    assert [problem.code for problem in raised.value.diagnostics] == ["other-elsewhere"]


def test_whoever_interrupts_them_leaves_none_behind() -> None:
    earlier = {*active_children()}
    with pytest.raises(KeyboardInterrupt), processes(1) as executor:
        executor.submit(pow, 2, 3).result()
        raise KeyboardInterrupt
    assert {*active_children()} == earlier
