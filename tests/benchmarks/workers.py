"""The points of a check, and calls of a black box, in 1 and 2 processes, beside this process alone.

The wall time counts here: that is what workers are for. Medians of interleaved runs, ratios pair by pair.

Run: python tests/benchmarks/workers.py [--quick]
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import numpy as np
from results import result

import bpx
from bpx.check.tasks.processes import processes

POINTS = 32


def network() -> bpx.Spec:
    rng = np.random.default_rng(0)
    values = {"x": rng.normal(size=(8, 30)), "Y": rng.normal(size=(8, 4))}
    weights = {"W1": rng.normal(size=(30, 30)) / 5, "W2": rng.normal(size=(30, 4)) / 5}
    return bpx.parse("mean((tanh(x @ W1) @ W2 - Y)^2)", **values, **weights)


def forward(x: Any) -> float:
    """A slow function: some 5 ms a call."""
    matrix = np.outer(np.cos(np.arange(200)), np.sin(np.arange(200)))
    for _ in range(8):
        matrix = np.tanh(matrix @ matrix / 200)
    return float(np.sum(np.tanh(x)) + 0 * matrix[0, 0])


def backward(g: float, x: Any) -> Any:
    return g * (1 - np.tanh(x) ** 2)


def wall(work: Callable[[Executor | None], Any], executor: Executor | None) -> float:
    start = time.perf_counter()
    work(executor)
    return time.perf_counter() - start


def row(name: str, work: Callable[[Executor | None], Any], runs: int) -> None:
    with processes(1) as one, processes(2) as two:
        for executor in (one, two):
            work(executor)  # the processes start, and import what they need
        times = [[wall(work, executor) for executor in (None, one, two)] for _ in range(runs)]
    alone, with_one, with_two = (statistics.median(column) for column in zip(*times, strict=True))
    ratios = [statistics.median(run[0] / run[i] for run in times) for i in (1, 2)]
    print(f"{name}: alone {alone:.2f} s, 1 process {with_one:.2f} s, 2 processes {with_two:.2f} s")
    result(name, f"1 process {ratios[0]:.2f} ×, 2 processes {ratios[1]:.2f} × as fast as without")


def main(quick: bool) -> None:
    spec, x = network(), np.linspace(-1, 1, 12)
    runs = 1 if quick else 5
    row(
        f"{POINTS} points of a network of 1,020 parameters",
        lambda executor: spec.gradcheck(wrt=["W1", "W2"], points=POINTS, executor=executor),
        runs,
    )
    row(
        "calls of a black box of 5 ms each",
        lambda executor: bpx.gradcheck(forward, [x], backward, exact=False, executor=executor),
        runs,
    )


if __name__ == "__main__":
    main("--quick" in sys.argv)
