"""Time and memory against size, with fitted exponents: nodes, elements, parameters, claims, paths, points, …

Every size runs in a process of its own, which measures its CPU time and the memory that it takes at most
besides what it had at the start. An exponent is the slope of a line through the logarithms, over the sizes
that take at least a hundredth of a second (for memory: a megabyte); 1 is proportional to the size.

Run: python tests/benchmarks/growth.py [--quick] [KIND ...]
"""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from results import peak, result

import bpx

LEAST_SECONDS, LEAST_BYTES = 0.01, 2**20  # less is the clock, and the page of the allocator
Work = Callable[[], Any]


class Kind(NamedTuple):
    """A size that grows: what is done at size n, prepared and then measured, and the sizes."""

    prepare: Callable[[int], Work]
    sizes: tuple[int, ...]


class Measured(NamedTuple):
    """What one size took."""

    seconds: float
    bytes: float


def chain(count: int) -> bpx.Spec:
    return bpx.parse("sin(" * count + "x" + ")" * count, x=0.5)


def explained_chain(n: int) -> Work:
    spec = chain(n)
    return lambda: spec.explain(check=False).to_json()


def checked_chain(n: int) -> Work:
    spec = chain(n)
    return lambda: spec.gradcheck()


def terms_of_a_sum(n: int) -> Work:
    text = "+".join(["x*y"] * n)
    return lambda: bpx.parse(text, x=0.5, y=2.0).explain(check=False).to_json()


def elements(n: int) -> Work:
    x = np.linspace(-1, 1, n)
    spec = bpx.parse("sum(tanh(x) * y)", x=x, y=np.cos(x))
    return lambda: spec.gradcheck()


def softmax(n: int) -> Work:
    x = np.sin(np.arange(float(n))).reshape(-1, 10)
    spec = bpx.parse("-mean(sum(y * log_softmax(x), axis=1))", x=x, y=np.eye(10)[np.arange(len(x)) % 10])
    return lambda: spec.gradcheck(wrt="x")


def network(n: int) -> bpx.Spec:
    """A network of two layers with about n parameters, batch 8."""
    width, rng = max(2, round(n**0.5)), np.random.default_rng(0)
    values = {
        "x": rng.normal(size=(8, width)),
        "Y": rng.normal(size=(8, 4)),
        "W1": rng.normal(size=(width, width)) / width**0.5,
        "b1": rng.normal(size=width),
        "W2": rng.normal(size=(width, 4)) / width**0.5,
    }
    return bpx.parse("mean((tanh(x @ W1 + b1) @ W2 - Y)^2)", **values)


def parameters(n: int) -> Work:
    spec = network(n)
    return lambda: spec.gradcheck(wrt=["W1", "b1", "W2"])


def every_entry_written(n: int) -> Work:
    report = network(n).gradcheck(wrt=["W1"], all=True)
    return lambda: (report.to_json(), report.to_markdown())


def black_box(n: int) -> Work:
    x = np.linspace(-1, 1, n)
    return lambda: bpx.gradcheck(
        lambda x: float(np.sum(np.tanh(x))), [x], lambda g, x: g * (1 - np.tanh(x) ** 2), exact=False
    )


def spec_text(n: int, claims: bool = False) -> str:
    """A TOML of n steps, which add up; with a claim on each."""
    steps = "\n".join(f's{i} = "s{i - 1} + x * {i % 7 + 1}"' for i in range(1, n))
    claimed = "[claims]\n" + "\n".join(f's{i} = "1"' for i in range(n)) if claims else ""
    return f'bpx = 1\noutput = "s{n - 1}"\n[inputs]\nx = 0.5\n[graph]\ns0 = "2*x"\n{steps}\n{claimed}\n'


def reading(n: int) -> Work:
    text = spec_text(n)
    return lambda: bpx.load(text)


def claims(n: int) -> Work:
    spec = bpx.load(spec_text(n, claims=True))
    return lambda: spec.gradcheck()


def claims_in_numbers(n: int) -> Work:
    spec = bpx.load(spec_text(n))
    return lambda: spec.gradcheck(claims={f"s{i}": 1.0 for i in range(n)})


def paths(n: int) -> Work:
    """2^n paths through a chain of n steps, each of which uses the last one twice."""
    steps = "; ".join(f"s{i} = s{i - 1} + 0.5*s{i - 1}^2" for i in range(1, n))
    spec = bpx.parse(f"s0 = x; {steps}; s{n - 1}", x=1e-9)
    return lambda: spec.explain(check=False).to_json()


def points(n: int) -> Work:
    spec = bpx.load("logistic_regression")
    return lambda: spec.gradcheck(points=n)


KINDS = {
    "nodes of a chain, explained": Kind(explained_chain, (1_000, 4_000, 16_000)),
    "nodes of a chain, checked": Kind(checked_chain, (1_000, 4_000, 16_000)),
    "terms of a sum, read and explained": Kind(terms_of_a_sum, (1_000, 4_000, 16_000)),
    "steps of a spec, read": Kind(reading, (2_000, 8_000, 32_000)),
    "claims in formulas, checked": Kind(claims, (125, 500, 2_000)),
    "claims in numbers, checked": Kind(claims_in_numbers, (125, 500, 2_000)),
    "paths (2^n), explained": Kind(paths, (100, 400, 1_600)),
    "elements, checked": Kind(elements, (10_000, 40_000, 160_000)),
    "elements of a softmax, checked": Kind(softmax, (4_000, 16_000, 64_000)),
    "parameters of a network, checked": Kind(parameters, (10_000, 90_000, 810_000)),
    "entries of a report, written": Kind(every_entry_written, (1_000, 4_000, 16_000)),
    "inputs of a black box, checked": Kind(black_box, (1_000, 4_000, 16_000)),
    "points, checked": Kind(points, (8, 32, 128)),
}


# --- one size, in a process of its own ----------------------------------------------------------


def measure(name: str, size: int) -> None:
    """Print the CPU seconds and the bytes that one size takes."""
    gc.disable()  # as the command line does
    kind = KINDS[name]
    kind.prepare(kind.sizes[0] // 100 or 1)()  # what is imported and built once
    work, before = kind.prepare(size), peak()
    start = time.process_time()
    work()
    print(time.process_time() - start, peak() - before)


def measured(name: str, size: int) -> Measured:
    done = subprocess.run(
        [sys.executable, __file__, "--one", name, str(size)], capture_output=True, text=True, check=True
    )
    seconds, size_in_bytes = done.stdout.split()[-2:]
    return Measured(float(seconds), float(size_in_bytes))


# --- the table ----------------------------------------------------------------------------------


def exponent(sizes: Sequence[int], values: Sequence[float], least: float) -> float | None:
    """The slope of log(value) over log(size); None where fewer than two values can be told from nothing."""
    pairs = [(size, value) for size, value in zip(sizes, values, strict=True) if value >= least]
    if len(pairs) < 2:
        return None
    return float(np.polyfit(*np.log(np.array(pairs)).T, 1)[0])


def shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def row(name: str, quick: bool) -> None:
    """Measure a kind and print its row."""
    sizes = KINDS[name].sizes[: 2 if quick else None]
    runs = [measured(name, size) for size in sizes]
    of_time = exponent(sizes, [run.seconds for run in runs], LEAST_SECONDS)
    of_memory = exponent(sizes, [run.bytes for run in runs], LEAST_BYTES)
    times = " … ".join(f"{1e6 * run.seconds / size:.3g}" for size, run in zip(sizes, runs, strict=True))
    each = f"{runs[-1].bytes / sizes[-1]:,.0f}"
    print(
        f"{name:<38}{sizes[-1]:>9,}  {times:>22} µs each  time ^{shown(of_time)}  memory ^{shown(of_memory)}"
    )
    figures = f"time: exponent {shown(of_time)}; memory: {shown(of_memory)}; at {sizes[-1]:,}: "
    result(f"growth: {name}", f"{figures}{times.split()[-1]} µs and {each} bytes each")


def main(args: Sequence[str]) -> None:
    if args[:1] == ["--one"]:
        measure(args[1], int(args[2]))
        return
    wanted = [arg for arg in args if arg != "--quick"]
    for name in KINDS:
        if not wanted or any(part in name for part in wanted):
            row(name, "--quick" in args)


if __name__ == "__main__":
    main(sys.argv[1:])
