"""What it costs to share work out in processes: points, looks at the entries of one, calls of a black box.

CPU time, not wall time: that of this process, which sends and merges, and that of the workers, which compute.
With k workers on k free cores the wall time is no less than the one and a k-th of the other; wall times of
one and two workers stand beside it, and mean something on a machine that does nothing else.

Run: python tests/benchmarks/workers.py [--quick] [PART OF A NAME ...]
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Sequence
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


def saturated() -> bpx.Spec:
    """A saturated layer of tanh: 500 elements, as the budget allows, are looked at in many digits."""
    rng = np.random.default_rng(0)
    values = {"x": rng.normal(size=(8, 100)), "Y": rng.normal(size=(8, 4)), "b1": np.zeros(100)}
    weights = {"W1": 3 * rng.normal(size=(100, 100)), "W2": rng.normal(size=(100, 4))}
    return bpx.parse("mean((tanh(x @ W1 + b1) @ W2 - Y)^2)", **values, **weights)


def cancelled(count: int) -> bpx.Spec:
    """Entries whose terms cancel, beside one at a kink: each is looked at in many digits by itself."""
    x = np.linspace(-1, 1, count)
    return bpx.parse("sum(relu(x)*y) + 1e12*(sum(x^2) - sum(x*x))", x=x, y=np.cos(x))


def large(count: int) -> bpx.Spec:
    """Entries of a graph too large for many digits, of which some hundred cancel: in extended precision."""
    rng = np.random.default_rng(0)
    values = {"x": rng.uniform(-1, 1, count), "W": rng.normal(size=(count, 1000)) / 30}
    return bpx.parse("sum(sin(x @ W)) + 1e6*(sum(exp(x)*exp(x)) - sum(exp(2*x)))", **values)


def works(quick: bool) -> dict[str, Work]:
    """What is measured, by name."""
    spec, x = network(), np.linspace(-1, 1, 4 if quick else 12)
    points = POINTS // 4 if quick else POINTS
    layer, entries, matrix = saturated(), cancelled(51 if quick else 101), large(300 if quick else 1000)
    return {
        f"{points} points of a network of 1,020 parameters": lambda executor: spec.gradcheck(
            wrt=["W1", "W2"], points=points, executor=executor
        ),
        "calls of a black box of some milliseconds each": lambda executor: check_function(
            forward, [x], backward, exact=False, executor=executor
        ),
        "one point: elements of a saturated layer in many digits": lambda executor: layer.gradcheck(
            wrt=["W1", "b1"], executor=executor
        ),
        "one point: entries in many digits": lambda executor: entries.gradcheck(
            wrt="x", budget=30_000_000, executor=executor
        ),
        "one point: entries in extended precision": lambda executor: matrix.gradcheck(
            wrt="x", executor=executor
        ),
    }


def main(args: Sequence[str]) -> None:
    wanted = [arg for arg in args if arg != "--quick"]
    for name, work in works("--quick" in args).items():
        if not wanted or any(part in name for part in wanted):
            row(name, work)


if __name__ == "__main__":
    main(sys.argv[1:])
