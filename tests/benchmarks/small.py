"""Small checks: scalar expressions, functions that cannot be traced, and a NumPy network, beside their peers.

CPU time of one process. What is compared runs in turn, A B A B …, and the ratios are medians of those pair by
pair, so that what else the machine does hits both alike. Peers that are not installed are left out.

Run: python tests/benchmarks/small.py [--quick]
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from peers import Net, installed
from results import result

import bpx
from bpx.check.function.black_box import check_function
from bpx.check.report.entry import Verdict

RUNS = 9
POINTS = 100
COMMAND_LINE = ("(x+y)^2*sin(z)", {"x": 3.0, "y": -1.0, "z": 0.5})
EXAMPLES = (
    "chain",
    "two_paths",
    "product_of_sum",
    "sum_times_sum",
    "square_of_sum",
    "sigmoid_by_parts",
    "neuron_2d",
    "perceptron_2_2_1",
    "tiny_network",
    "micrograd_readme",
)
Work = Callable[[], Any]


class Network:
    """100-50-10 with relu, softmax and a penalty: 5,560 parameters, as people write it in NumPy."""

    def __init__(self) -> None:
        rng = np.random.RandomState(0)
        self.data, self.targets = rng.randn(8, 100), np.eye(10)[rng.randint(10, size=8)]
        self.inputs = [rng.randn(*shape) * 0.1 for shape in ((100, 50), (50,), (50, 10), (10,))]

    def forward(self, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
        scores = np.maximum(0, self.data @ W1 + b1) @ W2 + b2
        shifted = scores - np.max(scores, axis=1, keepdims=True)
        log_softmax = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
        return -np.sum(self.targets * log_softmax) / 8 + 0.05 * (np.sum(W1**2) + np.sum(W2**2))

    def backward(self, g: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
        hidden = np.maximum(0, self.data @ W1 + b1)
        scores = hidden @ W2 + b2
        powers = np.exp(scores - np.max(scores, axis=1, keepdims=True))
        d = g * (powers / np.sum(powers, axis=1, keepdims=True) - self.targets) / 8
        dh = (d @ W2.T) * (hidden > 0)
        return self.data.T @ dh + 0.1 * g * W1, dh.sum(axis=0), hidden.T @ d + 0.1 * g * W2, d.sum(axis=0)


def seconds(work: Work) -> float:
    """CPU seconds of one run."""
    start = time.process_time()
    work()
    return time.process_time() - start


def timed(works: Mapping[str, Work], runs: int) -> dict[str, list[float]]:
    """CPU seconds of several runs of each, in turn, after one that does not count."""
    for work in works.values():
        work()
    rounds = [{name: seconds(work) for name, work in works.items()} for _ in range(runs)]
    return {name: [times[name] for times in rounds] for name in works}


def ratio(ours: list[float], theirs: list[float]) -> float:
    """The median of the ratios pair by pair."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


# --- scalar expressions ---------------------------------------------------------------------------


def scalars(runs: int, points: int) -> None:
    """One expression and the examples: the first call, later ones, and many points."""
    expression, values = COMMAND_LINE
    spec = bpx.parse(expression, **values)
    first = seconds(spec.gradcheck)
    specs = {expression: spec, **{name: bpx.load(name) for name in EXAMPLES}}
    lines = {name: scalar(name, one, runs, points) for name, one in specs.items()}
    again, each = lines[expression]
    result(
        f"`{expression}`, 3 entries certified, in process: first call (imports and tables included); "
        f"later ones; each of {points} points",
        f"{1e3 * first:.0f}; {1e3 * again:.1f}; {1e3 * each:.1f} ms of CPU",
    )
    others = [lines[name] for name in EXAMPLES]
    result(
        f"… {len(others)} examples of {_sizes(specs)} nodes, all certified: one call; a point of {points}",
        "; ".join(f"{_range([1e3 * line[i] for line in others])} ms" for i in (0, 1)),
    )
    beside_scipy(spec, runs)


def scalar(name: str, spec: bpx.Spec, runs: int, points: int) -> tuple[float, float]:
    """Median CPU seconds of a check at one point, and at each of many."""
    report = spec.gradcheck()
    proved = sum(len(table.enclosures) for table in report.columns)
    [ones], [many] = (
        timed({name: work}, count).values()
        for work, count in ((spec.gradcheck, 3 * runs), (partial(spec.gradcheck, points=points), 3))
    )
    one, each = statistics.median(ones), statistics.median(many) / points
    print(
        f"{name:<20}{report.verdict}, {proved} of {report.total} certified: "
        f"{1e3 * one:.2f} ms, {points} points {1e3 * each:.2f} ms each"
    )
    return one, each


def beside_scipy(spec: bpx.Spec, runs: int) -> None:
    """The same expression by SciPy, which has one difference an entry and no verdict."""
    optimize = installed("scipy.optimize")
    if not optimize:
        return

    def value(x: Any) -> Any:
        return (x[0] + x[1]) ** 2 * np.sin(x[2])

    def gradient(x: Any) -> Any:
        both = 2 * (x[0] + x[1]) * np.sin(x[2])
        return np.array([both, both, (x[0] + x[1]) ** 2 * np.cos(x[2])])

    start = np.array(list(COMMAND_LINE[1].values()))
    times = timed({"bpx": spec.gradcheck, "scipy": lambda: optimize.check_grad(value, gradient, start)}, runs)
    result("… the first, beside `scipy.optimize.check_grad`", f"{ratio(times['bpx'], times['scipy']):.0f} ×")


def _sizes(specs: Mapping[str, bpx.Spec]) -> str:
    return _range([len(specs[name].graph.ops) for name in EXAMPLES], ".0f")


def _range(numbers: list[float], format: str = ".1f") -> str:
    return f"{min(numbers):{format}} … {max(numbers):{format}}"


# --- functions in code -----------------------------------------------------------------------------


def black_boxes(widths: list[int], runs: int) -> None:
    """Two-layer networks whose forward alone is called, beside SciPy's forward differences."""
    for width in widths:
        net, calls = Net(width), [0]

        def counted(*inputs: Any, net: Net = net, calls: list[int] = calls) -> Any:
            calls[0] += 1
            return net.forward(*inputs)

        report = check_function(counted, net.inputs, net.backward)
        beside(f"{report.total:,} parameters", net, report, calls[0], runs)


def beside(name: str, net: Any, report: bpx.Report, calls: int, runs: int) -> None:
    """A black box beside SciPy's check of it, and so many calls alone: no check by them takes less."""
    works: dict[str, Work] = {
        "bpx": lambda: check_function(net.forward, net.inputs, net.backward),
        "calls": lambda: [net.forward(*net.inputs) for _ in range(calls)],
    }
    optimize = installed("scipy.optimize")
    if optimize:
        works["scipy"] = lambda: Net.by_scipy(net, optimize)
    times = timed(works, runs)
    of_scipy = {name: f"{ratio(times[name], times['scipy']):.1f}" for name in works if optimize}
    beside_peer = f", {of_scipy['bpx']} × SciPy (its calls alone {of_scipy['calls']} ×)" if optimize else ""
    result(
        f"a black box of {name}, beside `scipy.optimize.check_grad`",
        f"{1e3 * statistics.median(times['bpx']):.0f} ms{beside_peer}; {calls:,} calls, {report.verdict}",
    )


def network(runs: int) -> None:
    """The network of 5,560 parameters, traced and as a black box."""
    net = Network()
    report = bpx.gradcheck(net.forward, net.inputs, net.backward)
    undecided = sum(
        table.verdicts.size - int((table.verdicts == Verdict.AGREE).sum()) for table in report.columns
    )
    times = timed({"traced": lambda: bpx.gradcheck(net.forward, net.inputs, net.backward)}, runs)
    result(
        f"a NumPy network of {report.total:,} parameters in code (100-50-10), traced: time; undecided",
        f"{1e3 * statistics.median(times['traced']):.0f} ms; {undecided}",
    )
    calls = [0]

    def counted(*inputs: Any) -> Any:
        calls[0] += 1
        return net.forward(*inputs)

    blind = check_function(counted, net.inputs, net.backward)
    beside(f"this network of {blind.total:,} parameters", net, blind, calls[0], min(runs, 3))


def main(quick: bool) -> None:
    runs, points = (3, 10) if quick else (RUNS, POINTS)
    scalars(runs, points)
    black_boxes([3] if quick else [3, 20, 80], runs)
    network(3 if quick else 5)


if __name__ == "__main__":
    main("--quick" in sys.argv)
