"""Checks of the same function side by side: bpx traced, bpx as a black box, PyTorch, SciPy.

What is not installed is left out. Run: python tests/benchmarks/peers.py [width …]
"""

from __future__ import annotations

import importlib
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import bpx
from bpx.check.function.black_box import check_function

RUNS = 3


def installed(name: str) -> Any:
    """The module; None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


class Net:
    """Two layers with a squared error, of `width` hidden units, in NumPy and in PyTorch."""

    def __init__(self, width: int) -> None:
        rng = np.random.default_rng(0)
        self.X, self.Y = rng.normal(size=(20, 10)), rng.normal(size=(20, 3))
        self.inputs = [rng.normal(size=shape) / 4 for shape in [(10, width), width, (width, 3), 3]]

    def forward(self, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
        H = np.tanh(self.X @ W1 + b1)
        return np.mean((H @ W2 + b2 - self.Y) ** 2)

    def backward(self, g: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
        H = np.tanh(self.X @ W1 + b1)
        d = g * 2 * (H @ W2 + b2 - self.Y) / self.Y.size
        dZ = (d @ W2.T) * (1 - H**2)
        return self.X.T @ dZ, dZ.sum(axis=0), H.T @ d, d.sum(axis=0)

    def peers(self) -> dict[str, Callable[[], Any]]:
        checks: dict[str, Callable[[], Any]] = {
            "traced": lambda: bpx.gradcheck(self.forward, self.inputs, self.backward),
            "black box": lambda: check_function(self.forward, self.inputs, self.backward),
        }
        torch, optimize = installed("torch"), installed("scipy.optimize")
        if torch:
            checks["torch"] = lambda: self.by_torch(torch)
        if optimize:
            checks["scipy"] = lambda: self.by_scipy(optimize)
        return checks

    def by_torch(self, torch: Any) -> bool:
        X, Y = torch.tensor(self.X), torch.tensor(self.Y)
        inputs = [torch.tensor(value, requires_grad=True) for value in self.inputs]
        return bool(
            torch.autograd.gradcheck(
                lambda W1, b1, W2, b2: ((torch.tanh(X @ W1 + b1) @ W2 + b2 - Y) ** 2).mean(), inputs
            )
        )

    def by_scipy(self, optimize: Any) -> float:
        ends = np.cumsum([value.size for value in self.inputs])[:-1]

        def parts(x: Any) -> list[Any]:
            pieces = zip(np.split(x, ends), self.inputs, strict=True)
            return [part.reshape(value.shape) for part, value in pieces]

        def gradient(x: Any) -> Any:
            return np.concatenate([np.ravel(part) for part in self.backward(1.0, *parts(x))])

        start = np.concatenate([value.ravel() for value in self.inputs])
        return float(optimize.check_grad(lambda x: self.forward(*parts(x)), gradient, start))


def main(widths: list[int]) -> None:
    for width in widths:
        net = Net(width)
        checks = net.peers()
        seconds: dict[str, list[float]] = {name: [] for name in checks}
        for check in checks.values():
            check()
        for _ in range(RUNS):
            for name, check in checks.items():
                start = time.process_time()
                check()
                seconds[name].append(time.process_time() - start)
        times = {name: statistics.median(values) for name, values in seconds.items()}
        print(sum(value.size for value in net.inputs), "parameters, CPU seconds:", end=" ")
        print(", ".join(f"{name} {value:.3f}" for name, value in times.items()))
        for ours, theirs in (("traced", "torch"), ("black box", "scipy")):
            if theirs in times:
                print(f"  {ours} / {theirs}: {times[ours] / times[theirs]:.2f}")


if __name__ == "__main__":
    main([int(text) for text in sys.argv[1:]] or [3, 20, 80, 400])
