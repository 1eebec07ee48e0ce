"""Large arrays, every entry: bpx beside `torch.autograd.gradcheck` on the same function in float64.

Medians of interleaved runs, CPU time of one thread. Where torch would take minutes it checks the first
entries alone, and its time is that for each of them, times the number of all (marked ~).
Run: OMP_NUM_THREADS=1 python tests/benchmarks/large.py [name …]
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import cost
import numpy as np
from results import result

import bpx

RUNS = 3
MOST_ENTRIES = 120  # that torch checks; of more only so many, divided among the inputs

Values = dict[str, Any]


class Case(NamedTuple):
    """A loss as bpx and as torch has it, and what it is differentiated by."""

    loss: str
    values: Values
    wrt: tuple[str, ...]
    torch_loss: Callable[[Any, Any], Any]  # of torch and of an object with the values for attributes


# --- what is checked ----------------------------------------------------------------------------


def network(rng: np.random.Generator) -> Case:
    """784-32-10, batch 8."""
    return Case(cost.LOSS, cost.network(rng), cost.PARAMETERS, _network)


def _network(torch: Any, v: Any) -> Any:
    scores = torch.relu(v.x @ v.W1 + v.b1) @ v.W2 + v.b2
    return -(v.Y * torch.log_softmax(scores, dim=1)).sum(dim=1).mean()


def softmax(rng: np.random.Generator, rows: int, axis: int) -> Case:
    """Each row by itself."""
    values = {name: rng.normal(size=(rows, axis)) for name in ("x", "Y")}
    return Case("sum(Y * softmax(x))", values, ("x",), lambda torch, v: (v.Y * torch.softmax(v.x, -1)).sum())


def cross_entropy(rng: np.random.Generator, rows: int, classes: int) -> Case:
    """Scores and numbers of classes."""
    values = {"x": rng.normal(size=(rows, classes)), "y": rng.integers(0, classes, rows)}
    return Case(
        "cross_entropy(x, y)",
        values,
        ("x",),
        lambda torch, v: torch.nn.functional.cross_entropy(v.x, v.y.long()),
    )


def conv2d(rng: np.random.Generator) -> Case:
    """Two images of 3 × 16 × 16, eight kernels of 3 × 3, and the bias: 1,760 entries."""
    shapes = {"x": (2, 3, 16, 16), "w": (8, 3, 3, 3), "b": (8,)}
    values = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    values["Y"] = rng.normal(size=(2, 8, 16, 16))
    return Case(
        "sum(Y * conv2d(x, w, b, padding=1))",
        values,
        tuple(shapes),
        lambda torch, v: (v.Y * torch.nn.functional.conv2d(v.x, v.w, v.b, padding=1)).sum(),
    )


def attention(rng: np.random.Generator) -> Case:
    """64 tokens of 16 numbers."""
    values = {name: rng.normal(size=(64, 16)) for name in ("q", "k", "v", "Y")}
    return Case(
        "sum(Y * attention(q, k, v))",
        values,
        ("q", "k", "v"),
        lambda torch, v: (v.Y * (torch.softmax(v.q @ v.k.T / 4, -1) @ v.v)).sum(),
    )


def layer_norm(rng: np.random.Generator) -> Case:
    """512 × 512, with gain and bias."""
    values = {"x": rng.normal(size=(512, 512)), "Y": rng.normal(size=(512, 512))}
    values |= {"g": rng.normal(size=512), "b": rng.normal(size=512)}
    return Case(
        "sum(Y * layer_norm(x, g, b))",
        values,
        ("x", "g", "b"),
        lambda torch, v: (v.Y * torch.nn.functional.layer_norm(v.x, (512,), v.g, v.b)).sum(),
    )


def lstm_step(rng: np.random.Generator, width: int = 256, batch: int = 4) -> Case:
    """A step of an LSTM of 256 units: 526,336 weights, and the states that come in."""
    values = {"x": rng.normal(size=(batch, width)), "h": rng.normal(size=(batch, width))}
    values |= {"c": rng.normal(size=(batch, width)), "b": rng.normal(size=4 * width)}
    values |= {name: rng.normal(size=(width, 4 * width)) / 16 for name in ("U", "W")}
    values["Y"] = rng.normal(size=(batch, width))
    gates = [f"(z[:, {i * width}:{(i + 1) * width}])" for i in range(4)]
    z = "x @ U + h @ W + b"
    i, f, g, o = (gate.replace("z", f"({z})") for gate in gates)
    state = f"sigmoid{f} * c + sigmoid{i} * tanh{g}"
    return Case(f"sum(Y * sigmoid{o} * tanh({state}))", values, ("x", "h", "c", "U", "W", "b"), _lstm_step)


def _lstm_step(torch: Any, v: Any) -> Any:
    i, f, g, o = (v.x @ v.U + v.h @ v.W + v.b).chunk(4, dim=1)
    state = torch.sigmoid(f) * v.c + torch.sigmoid(i) * torch.tanh(g)
    return (v.Y * torch.sigmoid(o) * torch.tanh(state)).sum()


CASES: Mapping[str, Callable[[np.random.Generator], Case]] = {
    "784-32-10 network": network,
    "softmax 32 × 323": lambda rng: softmax(rng, 32, 323),
    "softmax 512 × 1,000": lambda rng: softmax(rng, 512, 1000),
    "softmax 2 × 100,000": lambda rng: softmax(rng, 2, 100_000),
    "cross_entropy 512 × 1,000": lambda rng: cross_entropy(rng, 512, 1000),
    "conv2d": conv2d,
    "attention 64 × 16": attention,
    "layer_norm 512 × 512": layer_norm,
    "LSTM step of 256": lstm_step,
}


# --- the two checks -----------------------------------------------------------------------------


def seconds(action: Callable[[], Any]) -> float:
    """CPU time of one run."""
    start = time.process_time()
    action()
    return time.process_time() - start


def torch_check(torch: Any, case: Case, fast: bool) -> tuple[Callable[[], bool], float]:
    """The check, and by what its time is to be multiplied."""

    class Namespace:
        pass

    data = {name: torch.tensor(value) for name, value in case.values.items()}
    share = max(1, MOST_ENTRIES // len(case.wrt))
    first = [data[name].reshape(-1)[: None if fast else share] for name in case.wrt]
    leaves = [part.clone().requires_grad_() for part in first]
    total = sum(data[name].numel() for name in case.wrt)

    def loss(*moved: Any) -> Any:
        v = Namespace()
        v.__dict__.update(data)
        for name, part in zip(case.wrt, moved, strict=True):
            rest = data[name].reshape(-1)[part.numel() :]
            whole = torch.cat([part, rest]) if rest.numel() else part
            setattr(v, name, whole.reshape(data[name].shape))
        return case.torch_loss(torch, v)

    def run() -> bool:
        return bool(torch.autograd.gradcheck(loss, leaves, fast_mode=fast, raise_exception=False))

    return run, 1.0 if fast else total / sum(leaf.numel() for leaf in leaves)


def measured(case: Case, torch: Any) -> str:
    """What both take, and what bpx leaves open."""
    spec = bpx.parse(case.loss, **case.values)
    report = spec.gradcheck(wrt=list(case.wrt))
    full, times = torch_check(torch, case, fast=False)
    fast, _ = torch_check(torch, case, fast=True)
    actions = (lambda: spec.gradcheck(wrt=list(case.wrt)), full, fast)
    ours, theirs, fastest = zip(*([seconds(action) for action in actions] for _ in range(RUNS)), strict=True)
    ratio = statistics.median(times * b / a for a, b in zip(ours, theirs, strict=True))
    to_fast = statistics.median(a / b for a, b in zip(ours, fastest, strict=True))
    about = "" if times == 1.0 else "~"
    return (
        f"{report.total:,} entries, {report.total - report.counts['agree']} not agreed; "
        f"{1e3 * statistics.median(ours):,.0f} ms, {about}1/{ratio:,.0f} of `torch.autograd.gradcheck` "
        f"({about}{times * statistics.median(theirs):,.2f} s), {to_fast:.1f} × its fast mode"
    )


def main(names: list[str]) -> None:
    import torch

    torch.set_num_threads(1)
    for name, make in CASES.items():
        if not names or any(wanted in name for wanted in names):
            figures = measured(make(np.random.default_rng(0)), torch)
            print(f"{name}: {figures}", flush=True)
            result(f"every entry of: {name}", figures)


if __name__ == "__main__":
    main(sys.argv[1:])
