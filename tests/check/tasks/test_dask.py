"""The workers of a cluster: two processes of Dask on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import pytest

import bpx

try:
    import dask
    from dask.distributed import Client, LocalCluster
except ImportError:
    pytest.skip("Dask is not installed: pip install 'bpx[dask]'", allow_module_level=True)

# A cluster's own threads and sockets, which end when it is closed or a little later.
pytestmark = pytest.mark.filterwarnings("ignore")

CODE = """
import ctypes
import numpy as np
W = np.linspace(0.1, 1, 12).reshape(3, 4)
def forward(x):
    return np.sum(np.tanh(W @ x)) + 0 * memoryview(x)[0]  # cannot be traced
def backward(g, x):
    return g * (W.T @ (1 - np.tanh(W @ x) ** 2)) * np.array([1, 1, 1, 1.01])
def inputs():
    return {"x": np.linspace(-1, 1, 4)}
"""


@pytest.fixture(scope="module")
def executor() -> Iterator[Executor]:
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),  # a call that kills is not repeated
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client.get_executor()


def test_points_of_a_spec(executor: Executor) -> None:
    for name in ("logistic_regression_claims", "swish"):
        spec = bpx.load(name)
        assert spec.gradcheck(points=4, executor=executor).to_json() == spec.gradcheck(points=4).to_json()


def test_calls_of_a_file(executor: Executor, tmp_path: Path) -> None:
    file = tmp_path / "layer_for_dask.py"
    file.write_text(CODE)
    target = f"{file}:forward,backward"
    report = bpx.gradcheck(target, executor=executor)
    assert report.verdict == "disagree"
    assert report.to_json() == bpx.gradcheck(target).to_json()


def test_a_worker_that_dies_is_a_lost_result(executor: Executor) -> None:
    def forward(x: Any) -> Any:
        if x[1] > 2:
            os._exit(1)
        return float(x @ x)

    report = bpx.gradcheck(forward, [[1.0, 1.9, 3.0]], lambda g, x: 2 * g * x, executor=executor, exact=False)
    assert {entry.reason.code for entry in report.entries if entry.reason} == {"worker-lost"}
