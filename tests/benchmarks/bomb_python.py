"""Hostile arguments of the functions that `import bpx` offers."""

# ruff: noqa: E501 (a bomb is a line)
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from benchmarks.bomb_kinds import Bomb

import bpx


def _numbers(n: int) -> dict[str, Any]:
    return {f"k{i}": 1.0 for i in range(n)}


def _square(x: Any) -> Any:
    return x * x


def _doubled(x: Any, up: Any) -> Any:
    return 2 * x * up


def _inside(n: int) -> Any:
    value: Any = 1.0
    for _ in range(n):
        value = [value]
    return value


def _chain(n: int) -> bpx.Spec:
    graph = bpx.Graph()
    x = graph.input(())
    y = x
    for _ in range(n):
        y = y * 1.0001
    return bpx.from_graph(y, {"x": (x, 1.0)})


def _cyclic() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


MB = 1_000_000
CALLS: dict[str, tuple[int, Callable[[int], object]]] = {
    "parse: brackets": (MB, lambda n: bpx.parse("(" * n)),
    "parse: a name": (MB, lambda n: bpx.parse("x" * n)),
    "parse: a sum": (100_000, lambda n: bpx.parse("+".join(["x"] * n), x=1)),
    "parse: 10 MB": (10 * MB, lambda n: bpx.parse("x " * (n // 2), x=1)),
    "parse: unknown values": (100_000, lambda n: bpx.parse("x^2", x=1, **_numbers(n))),
    "parse: a value's name": (MB, lambda n: bpx.parse("x^2", **{"x": 1, "y" * n: 2})),
    "parse: a value of text": (MB, lambda n: bpx.parse("x^2", x="(" * n)),
    "parse: a value of numbers in text": (10 * MB, lambda n: bpx.parse("sum(x)", x="[" + "1, " * (n // 3) + "1]")),
    "parse: a list": (MB, lambda n: bpx.parse("sum(x)", x=[0.5] * n)),
    "parse: a list of lists": (MB, lambda n: bpx.parse("sum(x)", x=[[0.5]] * n)),
    "parse: a list of texts": (MB, lambda n: bpx.parse("sum(x)", x=["a"] * n)),
    "parse: a list of objects": (MB, lambda n: bpx.parse("sum(x)", x=[object()] * n)),
    "parse: a list of integers": (MB, lambda n: bpx.parse("sum(x)", x=[2**53 + 1] * n)),
    "parse: a ragged list": (MB, lambda n: bpx.parse("sum(x)", x=[[0.5]] * n + [0.5])),
    "parse: lists in lists": (MB, lambda n: bpx.parse("sum(x)", x=_inside(n))),
    "parse: a list in itself": (1, lambda n: bpx.parse("sum(x)", x=_cyclic())),
    "parse: a dict": (100_000, lambda n: bpx.parse("sum(x)", x=_numbers(n))),
    "parse: an integer": (MB, lambda n: bpx.parse("x^2", x=10**n)),
    "parse: a range": (10**12, lambda n: bpx.parse("sum(x)", x=range(n))),
    "parse: a range of 10 million": (10**7, lambda n: bpx.parse("sum(x)", x=range(n))),
    "parse: an array": (2**26, lambda n: bpx.parse("sum(x)", x=np.zeros(n))),
    "parse: too large an array": (10**8, lambda n: bpx.parse("sum(x)", x=np.zeros(n))),
    "parse: a view of one number": (10**12, lambda n: bpx.parse("sum(x)", x=np.broadcast_to(1.0, n))),
    "parse: an array of objects": (MB, lambda n: bpx.parse("sum(x)", x=np.array([object()] * n))),
    "parse: an array of texts": (MB, lambda n: bpx.parse("sum(x)", x=np.array(["a"] * n))),
    "parse: not finite": (10 * MB, lambda n: bpx.parse("sum(x)", x=np.full(n, np.nan))),
    "parse: a notation": (MB, lambda n: bpx.parse("x^2", notation="n" * n, x=1)),
    "load: a name": (MB, lambda n: bpx.load("a" * n)),
    "load: folders": (MB, lambda n: bpx.load("a/" * (n // 2) + "a.toml")),
    "load: lines": (MB, lambda n: bpx.load("\n" * n + "a.toml")),
    "load: a text of a spec": (MB, lambda n: bpx.load("bpx = 1\n" * (n // 8))),
    "load: values": (100_000, lambda n: bpx.load("neuron", **_numbers(n))),
    "load: values like known ones": (100_000, lambda n: bpx.load("neuron", **{f"x{i}": 1 for i in range(n)})),
    "trace: a list": (MB, lambda n: bpx.trace(_square, [0.5] * n)),
    "trace: arrays": (100_000, lambda n: bpx.trace(_square, *[1.0] * n)),
    "trace: values": (100_000, lambda n: bpx.trace(_square, **_numbers(n))),
    "trace: lists in lists": (MB, lambda n: bpx.trace(_square, _inside(n))),
    "trace: an endless list": (10**9, lambda n: bpx.trace(lambda x: x * sum(2 * x for _ in range(n)), 1.0)),
    "gradcheck: brackets": (MB, lambda n: bpx.gradcheck("(" * n)),
    "gradcheck: a list": (100_000, lambda n: bpx.gradcheck(_square, [1.0] * n, _doubled)),
    "gradcheck: a dict": (100_000, lambda n: bpx.gradcheck(_square, _numbers(n), _doubled)),
    "gradcheck: names": (100_000, lambda n: bpx.gradcheck(_square, [np.ones(2)], _doubled, [f"k{i}" for i in range(n)])),
    "gradcheck: a name": (MB, lambda n: bpx.gradcheck(_square, [np.ones(2)], _doubled, ["k" * n])),
    "gradcheck: signs in a name": (MB, lambda n: bpx.gradcheck(_square, [np.ones(2)], _doubled, ["\x1b[31m" * (n // 5)])),
    "gradcheck: claims": (100_000, lambda n: bpx.gradcheck("x^2", {"x": 1.0}, claims=_numbers(n))),
    "gradcheck: a claim": (MB, lambda n: bpx.gradcheck("x^2", {"x": 1.0}, claims={"x": "(" * n})),
    "gradcheck: points": (10**12, lambda n: bpx.gradcheck("x^2", {"x": 1.0}, points=n)),
    "gradcheck: an option": (MB, lambda n: bpx.gradcheck("x^2", {"x": 1.0}, **{"k" * n: 1})),
    "gradcheck: options": (100_000, lambda n: bpx.gradcheck("x^2", {"x": 1.0}, **_numbers(n))),
    "gradcheck: a backward pass of lists": (MB, lambda n: bpx.gradcheck(_square, [np.ones(2)], lambda x, up: [0.5] * n)),
    "gradcheck: a backward pass of text": (MB, lambda n: bpx.gradcheck(_square, [np.ones(2)], lambda x, up: "a" * n)),
    "gradcheck: a backward pass of a dict": (100_000, lambda n: bpx.gradcheck(_square, [np.ones(2)], lambda x, up: _numbers(n))),
    "gradcheck: a backward pass of lists in lists": (MB, lambda n: bpx.gradcheck(_square, [np.ones(2)], lambda x, up: _inside(n))),
    "gradcheck: a backward pass too large": (10**7, lambda n: bpx.gradcheck(_square, [np.ones(2)], lambda x, up: np.ones(n))),
    "gradcheck: an output of lists": (MB, lambda n: bpx.gradcheck(lambda x: [0.5] * n, [np.ones(2)], _doubled)),
    "gradcheck: a wrong array": (10**6, lambda n: bpx.gradcheck(lambda x: np.sum(x * x), [np.ones(n)], lambda x, up: 3 * x * up)),
    "audit: a dict": (20_000, lambda n: bpx.parse("x^2", x=1).audit(_numbers(n))),
    "audit: a dict like known ones": (20_000, lambda n: bpx.parse("x^2", x=1).audit({f"grad_x{i}": 1 for i in range(n)})),
    "audit: lists in lists": (MB, lambda n: bpx.parse("x^2", x=1).audit({"x": _inside(n)})),
    "audit: a list": (MB, lambda n: bpx.parse("x^2", x=1).audit({"x": [0.5] * n})),
    "audit: texts": (MB, lambda n: bpx.parse("x^2", x=1).audit({"x": ["a"] * n})),
    "audit: a name": (MB, lambda n: bpx.parse("x^2", x=1).audit({"y" * n: 1})),
    "explain: wrt": (100_000, lambda n: bpx.parse("x^2", x=1).explain(wrt=[f"k{i}" for i in range(n)])),
    "explain: of": (MB, lambda n: bpx.parse("x^2", x=1).explain(of="k" * n)),
    "explain: upstream": (MB, lambda n: bpx.parse("x^2", x=1).explain(upstream=[0.5] * n)),
    "explain: order": (10**12, lambda n: bpx.parse("x^2", x=1).explain(order=n)),
    "explain: digits": (10**12, lambda n: bpx.parse("x^2", x=1).explain(digits=n)),
    "train: wrt": (100_000, lambda n: bpx.parse("x^2", x=1).train(wrt=[f"k{i}" for i in range(n)])),
    "train: steps": (10**12, lambda n: bpx.parse("x^2", x=1).train(wrt=["x"], steps=n)),
    "sweep: over": (MB, lambda n: bpx.parse("x^2", x=1).sweep("x=" + "1," * (n // 2) + "1")),
    "sweep: a dict": (100_000, lambda n: bpx.parse("x^2", x=1).sweep(_numbers(n))),
    "sweep: a list": (10 * MB, lambda n: bpx.parse("x^2", x=1).sweep({"x": [0.5] * n})),
    "practice: blanks": (10**12, lambda n: bpx.parse("x^2", x=1).practice(blanks=n)),
    "to_code: a library": (MB, lambda n: bpx.parse("x^2", x=1).to_code("n" * n)),
    "value_and_gradients: values": (100_000, lambda n: bpx.parse("x^2", x=1).value_and_gradients(**_numbers(n))),
    "compile: names": (100_000, lambda n: bpx.parse("x^2", x=1).compile([f"k{i}" for i in range(n)])),
    "save: a path": (MB, lambda n: bpx.parse("x^2", x=1).save("a" * n + ".toml")),
    "check_notes: dollars": (MB, lambda n: bpx.check_notes("$" * n)),
    "check_notes: values": (100_000, lambda n: bpx.check_notes("Let $x = 3$. $$L = x^2$$", _numbers(n))),
    "grade: answers": (20_000, lambda n: bpx.grade(bpx.parse("x^2", x=1).practice(), _numbers(n))),
    "grade: an answer": (MB, lambda n: bpx.grade(bpx.parse("x^2", x=1).practice(), {"out": "(" * n})),
    "grade: a sheet": (MB, lambda n: bpx.grade("a" * n)),
    "from_graph: a chain": (100_000, lambda n: _chain(n).value_and_gradients()),
    "from_graph: a chain, explained": (20_000, lambda n: _chain(n).explain().to_json()),
    "from_graph: a name": (MB, lambda n: _named("x" * n)),
    "from_graph: signs in a name": (MB, lambda n: _named("\x1b[31m" * (n // 5))),
    "speaking: a language": (MB, lambda n: bpx.speaking("e" * n).__enter__()),
}  # fmt: skip


def _named(name: str) -> bpx.Spec:
    x = bpx.Graph().input(())
    return bpx.from_graph(x * x, {name: (x, 1.0)})


PYTHON = [Bomb(f"call: {name}", size, lambda _: ([], ""), call) for name, (size, call) in CALLS.items()]
