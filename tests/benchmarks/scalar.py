"""Scalar graphs built node by node, beside micrograd: both passes as numbers, compiled, and explained.

Run: python tests/benchmarks/scalar.py [--quick | --large]

CPU seconds of this process, taken in turn, with the garbage collector on as in anybody's program, and nothing
left over from the turn before. Shown are medians, and the medians of the ratios turn by turn. `--large` adds
the graphs of a million nodes, `--quick` leaves out all but the numbers and the explanation. A peak is what a
process takes besides what it had when all was loaded.
"""

from __future__ import annotations

import gc
import json
import math
import random
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from results import peak, result

import bpx
from bpx import ops
from bpx.render.forms import form_named

WIDTH = 64  # nodes that the next op may take
TURNS = 15
POINTS = 1000

Plan = Sequence[tuple[str, int, int]]


def plan(count: int) -> Plan:
    """Random ops that micrograd has, each in the place of its first arg: no node is left unused."""
    rng = random.Random(0)
    return [(rng.choice("+*-+*r"), rng.randrange(WIDTH), rng.randrange(WIDTH)) for _ in range(count)]


def walk(leaves: Sequence[Any], steps: Plan, relu: Callable[[Any], Any]) -> Any:
    """The graph that both build: the sum of what is there in the end."""
    nodes = list(leaves)
    for op, a, b in steps:
        x, y = nodes[a], nodes[b]
        if op == "+":
            nodes[a] = x + y
        elif op == "*":
            nodes[a] = x * leaves[b]  # which keeps the numbers within bounds
        elif op == "-":
            nodes[a] = x - y
        else:
            nodes[a] = relu(x)
    total = nodes[0]
    for node in nodes[1:]:
        total = total + node
    return total


def values() -> list[float]:
    rng = random.Random(1)
    return [rng.uniform(-1, 1) for _ in range(WIDTH)]


def by_micrograd(steps: Plan) -> tuple[float, list[float]]:
    """Build, forward and backward."""
    from micrograd.engine import Value

    leaves = [Value(value) for value in values()]
    out = walk(leaves, steps, lambda x: x.relu())
    out.backward()
    return out.data, [leaf.grad for leaf in leaves]


def spec_of(steps: Plan) -> bpx.Spec:
    graph = bpx.Graph()
    leaves = [graph.input() for _ in range(WIDTH)]
    out = walk(leaves, steps, ops.relu)
    named = zip(leaves, values(), strict=True)
    return bpx.from_graph(out, {f"x{i}": pair for i, pair in enumerate(named)})


def by_bpx(steps: Plan) -> tuple[float, list[float]]:
    value, gradients = spec_of(steps).value_and_gradients()
    return value, list(gradients.values())


def seconds(action: Callable[[], Any]) -> float:
    gc.collect()
    start = time.process_time()
    action()
    return time.process_time() - start


def compare(title: str, count: int, ours: Callable[[], Any], theirs: Callable[[], Any], turns: int) -> None:
    """Microseconds a node of both, and how many times as fast ours is."""
    ours(), theirs()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(turns)]
    ratio = statistics.median(b / a for a, b in pairs)
    mine, other = (1e6 * statistics.median(column) / count for column in zip(*pairs, strict=True))
    print(f"{title:<58}{mine:8.3f} µs a node, micrograd {other:5.2f}: {ratio:6.2f} x as fast", flush=True)
    result(f"scalar: {title}", f"{mine:.2f} µs a node, {ratio:.1f} × as fast as micrograd")


def numbers_rows(count: int) -> None:
    steps = plan(count)
    mine, others = by_bpx(steps)[1], by_micrograd(steps)[1]
    largest = max(map(abs, others))
    for gradient, other in zip(mine, others, strict=True):  # micrograd adds in another order
        assert math.isclose(gradient, other, rel_tol=1e-9, abs_tol=1e-12 * largest)
    theirs = lambda: by_micrograd(steps)  # noqa: E731
    compare(f"{count:,} nodes: build, both passes as numbers", count, lambda: by_bpx(steps), theirs, TURNS)
    spec = spec_of(steps)
    compare("both passes alone", count, spec.value_and_gradients, theirs, TURNS)
    start = time.process_time()
    compiled = spec.compile()
    print(f"  compile, once {1e6 * (time.process_time() - start) / count:43.1f} µs a node")
    new = {f"x{i}": value / 2 for i, value in enumerate(values())}
    compare("compiled, at one new point", count, lambda: compiled(**new), theirs, TURNS)
    many = {name: [value * i / POINTS for i in range(POINTS)] for name, value in new.items()}
    taken = seconds(lambda: compiled.batch(**many))
    print(
        f"  compiled, a batch of {POINTS:,} points {1e6 * taken / count / POINTS:29.4f} µs a node and point"
    )


def memory_row(count: int) -> None:
    """What a graph holds, handles let go."""
    steps = plan(count)
    tracemalloc.start()
    spec = spec_of(steps)
    held = tracemalloc.get_traced_memory()[0]
    spec.value_and_gradients()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    figures = f"{held / count:.0f} bytes a node, {peak / count:.0f} with both passes as numbers"
    print(f"{count:,} nodes: {figures}")
    result(f"scalar: memory of {count:,} nodes", figures)


_PROCESS = """
import gc, sys, time
sys.setrecursionlimit(10**6)
gc.disable()
sys.path[:0] = {path!r}
import scalar
if {is_warm}:
    scalar.{action}(scalar.plan(100))  # loads what is loaded when it is first needed
before = time.process_time()
steps = scalar.plan({count})
base = scalar.peak()
start = time.process_time()
scalar.{action}(steps)
peak = scalar.peak()
end = time.process_time()
print(end - start, before + end - start, peak - base)
"""


def process(action: str, count: int, is_warm: bool) -> list[float]:
    """In a process of its own: CPU seconds of what is done and of the process, bytes that it takes.

    One that is warm has done it before, with few nodes. To draw the plan counts in neither.
    """
    path = [str(Path(__file__).parent)]
    code = _PROCESS.format(path=path, action=action, count=count, is_warm=is_warm)
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    return [float(text) for text in printed.split()]


def account(steps: Plan) -> None:
    """The explanation as JSON, as the command line writes it."""
    with tempfile.TemporaryFile("w") as file:
        file.writelines(form_named("json", "explanation").pieces(spec_of(steps).explain()))


def account_row(count: int) -> None:
    done, _, size = process("account", count, is_warm=True)
    theirs, _, _ = process("by_micrograd", count, is_warm=True)
    _, whole, _ = process("account", count, is_warm=False)
    _, theirs_whole, _ = process("by_micrograd", count, is_warm=False)
    figures = (
        f"{1e6 * done / count:.0f} µs a node, {done / theirs:.1f} times micrograd's build and backward; "
        f"the whole process {whole / theirs:.1f} times these, {whole / theirs_whole:.1f} times its process; "
        f"at the peak {size / count:,.0f} bytes a node"
    )
    print(f"{count:,} nodes explained as JSON: {figures}")
    result(f"scalar: {count:,} nodes explained as JSON", figures)


# --- what grows -----------------------------------------------------------------------------------


def chain(count: int) -> bpx.Spec:
    graph = bpx.Graph()
    x = y = graph.input()
    for _ in range(count):
        y = y * x
    return bpx.from_graph(y, {"x": (x, 1.0)})


def sum_of(count: int) -> bpx.Spec:
    graph = bpx.Graph()
    x = y = graph.input()
    for place in range(count):
        y = y + x * (place + 2.0)
    return bpx.from_graph(y, {"x": (x, 1.0)})


def doublings(count: int) -> bpx.Spec:
    """2^count paths."""
    graph = bpx.Graph()
    x = y = graph.input()
    for _ in range(count):
        y = y + y
    return bpx.from_graph(y, {"x": (x, 1.0)})


def growth_row(title: str, make: Callable[[int], bpx.Spec], count: int) -> None:
    gc.disable()
    found: list[Any] = []
    taken = seconds(lambda: found.append(make(count).value_and_gradients()))
    gc.enable()
    most = peak() / 1e6
    value, gradients = found[0]
    print(
        f"{title:<28}{1e6 * taken / count:8.2f} µs each; value {value:.6g}, gradient {gradients['x']:.6g}; "
        f"peak of the process so far {most:.0f} MB",
        flush=True,
    )


def claims_row(count: int) -> None:
    """A spec of so many steps, a claim for each."""
    steps = {f"v{i + 1}": f"v{i} * 1" if i % 2 else f"v{i} + 0" for i in range(count)}
    inputs = {"v0": {"value": 1.5}}
    text = json.dumps({"bpx": 1, "inputs": inputs, "graph": steps})
    spec = bpx.load(text)
    taken = seconds(lambda: print(spec.gradcheck(claims=dict.fromkeys(steps, "1")).verdict, end=": "))
    print(f"{count:,} claims {1e6 * taken / count:.0f} µs each")


def main(quick: bool, large: bool) -> None:
    sys.setrecursionlimit(10**6)  # for micrograd, which walks its graph recursively
    numbers_rows(10_000)
    for count in (10_000,) if quick else (10_000, 100_000):
        memory_row(count)
        account_row(count)
    if quick:
        return
    for title, count, make in (
        ("a chain", 100_000, chain),
        ("a chain", 1_000_000, chain),
        ("a sum", 10_000, sum_of),
        ("a sum", 100_000, sum_of),
        ("2^100 paths", 100, doublings),
    ):
        if large or count < 1_000_000:
            growth_row(f"{title} of {count:,}", make, count)
    for count in (1_000, 10_000) if large else (1_000,):
        claims_row(count)


if __name__ == "__main__":
    main("--quick" in sys.argv, "--large" in sys.argv)
