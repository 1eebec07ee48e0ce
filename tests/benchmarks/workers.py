"""What it costs to share work out: the points of a check, and calls of a black box, in processes.

CPU time, not wall time: that of this process, which sends and merges, and that of the workers, which compute.
With k workers on k free cores the wall time is no less than the one and a k-th of the other; wall times of
one and two workers stand beside it, and mean something on a machine that does nothing else.

Run: python tests/benchmarks/workers.py [--quick]
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, NamedTuple

import numpy as np
from results import result

import bpx
from bpx.check.function.black_box import check_function
from bpx.check.tasks.processes import processes

POINTS = 32
Work = Callable[[Executor | None], Any]


def network() -> bpx.Spec:
    rng = np.random.default_rng(0)
    values = {"x": rng.normal(size=(8, 30)), "Y": rng.normal(size=(8, 4))}
    weights = {"W1": rng.normal(size=(30, 30)) / 5, "W2": rng.normal(size=(30, 4)) / 5}
    return bpx.parse("mean((tanh(x @ W1) @ W2 - Y)^2)", **values, **weights)


def forward(x: Any) -> float:
    """A slow function: some milliseconds a call."""
    grid = np.linspace(0.0, 1.0, 200_000)
    return float(np.sum(np.tanh(x)) + 0 * np.tanh(grid).sum())


def backward(g: float, x: Any) -> Any:
    return g * (1 - np.tanh(x) ** 2)


class Cost(NamedTuple):
    """Seconds: CPU of this process, CPU of its workers, and the clock on the wall."""

    here: float
    workers: float
    wall: float


def cost(work: Work, count: int, times: int) -> Cost:
    """What it costs to do the work so many times in so many processes, their start included."""
    earlier, start, began = _children(), time.process_time(), time.perf_counter()
    with processes(count) as executor:
        for _ in range(times):
            work(executor)
    return Cost(time.process_time() - start, _children() - earlier, time.perf_counter() - began)


def _children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def row(name: str, work: Work) -> None:
    """Measure the work alone and in one and two processes, without what their start takes."""
    work(None)
    start = time.process_time()
    work(None)
    alone = time.process_time() - start
    one, two = (
        Cost(*(b - a for a, b in zip(cost(work, count, 1), cost(work, count, 2), strict=True)))
        for count in (1, 2)
    )
    bounds = [alone / (run.here + run.workers / k) for k, run in ((1, one), (2, two))]
    print(f"{name}: alone {alone:.2f} s of CPU; in one and two processes:")
    for run in (one, two):
        print(f"  here {run.here:.2f} s, workers {run.workers:.2f} s; on the wall {run.wall:.2f} s")
    share = one.here / (one.here + one.workers)
    result(
        name,
        f"sending and merging: {share:.1%} of the CPU time; bound on the speed-up with 1 and 2 workers: "
        f"{bounds[0]:.2f} ×, {bounds[1]:.2f} ×",
    )


def main(quick: bool) -> None:
    spec, x = network(), np.linspace(-1, 1, 4 if quick else 12)
    points = POINTS // 4 if quick else POINTS
    row(
        f"{points} points of a network of 1,020 parameters",
        lambda executor: spec.gradcheck(wrt=["W1", "W2"], points=points, executor=executor),
    )
    row(
        "calls of a black box of some milliseconds each",
        lambda executor: check_function(forward, [x], backward, exact=False, executor=executor),
    )


if __name__ == "__main__":
    main("--quick" in sys.argv)
