"""What a check costs, and what it sees for that: a 784-32-10 network beside torch, and one expression.

Run: python tests/benchmarks/cost.py [--quick]
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from side_by_side import ratio

import bpx

LOSS = "-mean(sum(Y * log_softmax(relu(x @ W1 + b1) @ W2 + b2), axis=1))"
PARAMETERS = ("W1", "b1", "W2", "b2")
TIMED = 5
EXPRESSION = ["sin(x)*y", "--set", "x=1", "--set", "y=2"]

Values = Mapping[str, Any]


class Tampering(NamedTuple):
    """One element of one gradient, zeroed or with its sign turned."""

    name: str
    index: tuple[int, ...]
    factor: float  # 0 or -1


def network(rng: np.random.Generator, batch: int = 8) -> dict[str, Any]:
    """The values of a 784-32-10 network with random weights and labels."""
    return {
        "x": rng.uniform(0, 1, (batch, 784)),
        "Y": np.eye(10)[rng.integers(0, 10, batch)],
        "W1": rng.normal(size=(784, 32)) / 28,
        "b1": rng.normal(size=32) / 10,
        "W2": rng.normal(size=(32, 10)) / 6,
        "b2": rng.normal(size=10) / 10,
    }


def tamperings(spec: bpx.Spec, count: int, rng: np.random.Generator) -> list[Tampering]:
    """Elements of middling size or larger, of every parameter in turn."""
    gradients = spec.explain(wrt=list(PARAMETERS)).gradients
    found = []
    for i in range(count):
        name = PARAMETERS[i % len(PARAMETERS)]
        size = np.abs(gradients[name])
        large = np.argwhere(size >= np.median(size[size > 0]))
        index = tuple(map(int, large[rng.integers(len(large))]))
        found.append(Tampering(name, index, (0.0, -1.0)[i % 2]))
    return found


def seconds(action: Callable[[], Any], runs: int) -> float:
    """The median of some runs."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


# --- bpx ----------------------------------------------------------------------------------------


def check(spec: bpx.Spec, claims: Values | None = None) -> bpx.Report:
    return spec.gradcheck(wrt=list(PARAMETERS), claims=claims)


def seen(spec: bpx.Spec, one: Tampering) -> bool:
    """Is the element told, and no other?"""
    claimed = np.array(spec.explain(wrt=[one.name]).gradients[one.name])
    claimed[one.index] *= one.factor
    report = check(spec, {one.name: claimed})
    wrong = [entry for entry in report.shown() if entry.verdict.word == "disagree"]
    return [(entry.input, entry.index) for entry in wrong] == [(one.name, one.index)]


# --- torch --------------------------------------------------------------------------------------


def torch_check(values: Values, fast: bool, one: Tampering | None = None) -> bool:
    """Does torch.autograd.gradcheck pass?"""
    import torch

    class Tampered(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, value: Any) -> Any:
            return value.clone()

        @staticmethod
        def backward(context: Any, upstream: Any) -> Any:
            changed = upstream.clone()
            if one:
                changed[one.index] *= one.factor
            return changed

    data = {name: torch.tensor(value, dtype=torch.double) for name, value in values.items()}
    parameters = [data[name].requires_grad_() for name in PARAMETERS]

    def loss(*given: Any) -> Any:
        now = dict(zip(PARAMETERS, given, strict=True))
        if one:
            now[one.name] = Tampered.apply(now[one.name])
        hidden = torch.relu(data["x"] @ now["W1"] + now["b1"])
        scores = hidden @ now["W2"] + now["b2"]
        return -(data["Y"] * torch.log_softmax(scores, dim=1)).sum(dim=1).mean()

    return bool(torch.autograd.gradcheck(loss, parameters, fast_mode=fast, raise_exception=False))


# --- the table ----------------------------------------------------------------------------------


def network_table(planted: int) -> None:
    rng = np.random.default_rng(0)
    values = network(rng)
    spec = bpx.parse(LOSS, **values)
    report = check(spec)
    print(f"784-32-10, batch 8: {report.total:,} parameters, of which agree: {report.counts['agree']:,}")
    ours = seconds(lambda: check(spec), TIMED)
    mistakes = tamperings(spec, planted, rng)
    told = sum(seen(spec, one) for one in mistakes)
    print(
        f"  {'bpx gradcheck':<24}{1e3 * ours:9.1f} ms; one wrong element: seen {told} of {planted}",
        flush=True,
    )
    try:
        import torch
    except ImportError:
        print("  torch is not installed: nothing to compare with")
        return
    torch.set_num_threads(1)  # more of them only get into each other's way in such small products
    for fast in (True, False):
        torch_row(values, fast, mistakes, ours)


def torch_row(values: Values, fast: bool, mistakes: list[Tampering], ours: float) -> None:
    passed: list[bool] = []
    theirs = seconds(lambda: passed.append(torch_check(values, fast)), TIMED if fast else 1)
    assert all(passed), "torch rejects its own gradient"
    caught = sum(not torch_check(values, fast, one) for one in mistakes)
    mode, promised = ("fast", "") if fast else ("full", " (at most 1/20)")
    print(
        f"  {f'torch gradcheck, {mode}':<24}{1e3 * theirs:9.1f} ms; one wrong element: "
        f"seen {caught} of {len(mistakes)}; bpx takes {ours / theirs:.4f} of its time{promised}",
        flush=True,
    )


def process_table(runs: int) -> None:
    bpx_command = [sys.executable, "-m", "bpx"]
    ours, theirs, times = ratio(
        [*bpx_command, "gradcheck", *EXPRESSION], [*bpx_command, "explain", *EXPRESSION], runs
    )
    print(
        f"whole process: bpx gradcheck {1e3 * ours:.0f} ms, bpx explain {1e3 * theirs:.0f} ms: "
        f"{times:.2f} x (at most 1.5)"
    )


if __name__ == "__main__":
    quick = "--quick" in sys.argv
    process_table(5 if quick else 21)
    network_table(2 if quick else 10)
