"""What long work is going to take, said on standard error before it begins."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

from bpx.check.numeric.tolerances import MOST_SECOND
from bpx.cli.output.console import warn
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.numbers import number
from bpx.passes.cost import operations
from bpx.passes.query import output_asked
from bpx.words.diagnostic import BpxError
from bpx.words.say import say

LONG = 10.0  # seconds; who waits no longer than that needs no warning
LARGE = 1e9  # bytes


class Rate(NamedTuple):
    """What a kind of work takes: seconds for each node, each of their numbers, and each operation on them.

    `memory` is in bytes, for each node and each number.
    """

    node: float
    element: float
    operation: float
    memory: tuple[float, float] = (0.0, 0.0)


# Measured as CPU time, on chains of 3 to 9,000 scalar nodes, elementwise ops on 1e3 to 1e6 numbers, and dense
# networks of 1e3 to 1e6 parameters; nearly all of them come out within a factor of two. Not here: `--order`,
# `--second` and `--short`, whose limits keep them under ten seconds.
EXPLAINED = Rate(200e-6, 60e-9, 1e-9, (3000, 20))
AS_JSON = Rate(60e-6, 4e-6, 1e-9, (3000, 280))
CHECKED = Rate(250e-6, 0.6e-6, 16e-9, (4000, 160))  # at one point,
POINT = 3e-3  # and besides for each point, in seconds
STEPPED = Rate(2e-6, 2.5e-9, 0.07e-9)  # forward, reverse, and a step of the optimizer
DESCENDED = 60e-6  # besides for each step of a sweep, in seconds
BATCHED = Rate(0, 6e-9, 0.1e-9)  # one of many sets of values that are computed together


class Size(NamedTuple):
    """The part of a graph that is worked on: its nodes, their numbers, the operations on them."""

    nodes: int
    elements: float
    operations: float

    @classmethod
    def of(cls, spec: NamedGraph, output: str | None = None, wrt: Sequence[str] | None = None) -> Self:
        """All that the output needs, and of that what depends on `wrt`."""
        graph, root = spec.graph, output_asked(spec, output)
        nodes = list(graph.needs(of=[root]))
        if wrt is not None:
            moved = graph.touched(by=_named(spec, wrt), upto=root)
            nodes = [node for node in nodes if moved[node]]
        return cls(len(nodes), _elements(spec, nodes), operations(graph, nodes))

    def part(self, share: float) -> Size:
        """The same nodes for a share of the examples."""
        return Size(self.nodes, self.elements * share, self.operations * share)

    def seconds(self, rate: Rate) -> float:
        """How long work of this kind takes."""
        return self.nodes * rate.node + self.elements * rate.element + self.operations * rate.operation

    def memory(self, rate: Rate) -> float:
        """How many bytes it takes."""
        return self.nodes * rate.memory[0] + self.elements * rate.memory[1]


class Expected(NamedTuple):
    """An estimate; `work` is the sentence that says of what, and `amount` of how much."""

    seconds: float
    memory: float
    work: str
    amount: int

    def announce(self, is_json: bool = False) -> None:
        """Say it where it is much; beside JSON only to a person at a terminal."""
        is_much = self.seconds >= LONG or self.memory >= LARGE
        if is_much and (sys.stderr.isatty() or not is_json):
            warn(self.text())

    def text(self) -> str:
        """One line: the time, the memory where that is much, the reason, and how to ask for less."""
        amounts = [_duration(max(self.seconds, 1.0))]
        if self.memory >= LARGE:
            amounts.append(say("expected.memory", count=_rounded(self.memory / 1e9)))
        work = say(f"expected.{self.work}", count=self.amount)
        return say("expected.in-all", amounts=say("word.and").join(amounts), work=work)


def of_explanation(
    spec: NamedGraph, of: str | None, wrt: Sequence[str] | None, *, is_json: bool, sensitivity: bool
) -> Expected:
    """Of an explanation; for its sensitivity all nodes are computed again for each entry that is changed."""
    size, rate = Size.of(spec, of), AS_JSON if is_json else EXPLAINED
    seconds, memory = size.seconds(rate), size.memory(rate)
    again = _entries(spec, wrt) * size.seconds(BATCHED) if sensitivity else 0.0
    if again > seconds:
        return Expected(seconds + again, memory, "sensitivity", _entries(spec, wrt))
    return Expected(seconds, memory, "json" if is_json else "explain", int(size.elements))


def of_check(
    spec: NamedGraph,
    of: str | None,
    wrt: Sequence[str] | None = None,
    *,
    points: int = 1,
    order: int = 1,
    jobs: int = 1,
) -> Expected:
    """Of a check; second derivatives by few entries are checked as a gradient of each."""
    size, entries = Size.of(spec, of, wrt), _entries(spec, wrt)
    gradients = 1 + (entries if order == 2 and entries <= MOST_SECOND else 0)
    seconds = points * gradients * (POINT + size.seconds(CHECKED))
    if points > 1:
        seconds /= min(jobs, os.cpu_count() or 1)
        return Expected(seconds, size.memory(CHECKED), "points", points)
    return Expected(seconds, size.memory(CHECKED), "check", int(size.elements))


def of_calls(seconds: float, calls: int, jobs: int = 1) -> Expected:
    """Of a check of a function that has no graph: so many calls that take `seconds` each."""
    return Expected(seconds * calls / min(jobs, os.cpu_count() or 1), 0.0, "calls", calls)


def of_training(spec: NamedGraph, steps: int, batch: int | None) -> Expected:
    """Of a training; each step looks at the examples of a batch, if there are batches."""
    from bpx.train.batches import examples_of

    examples = examples_of(spec.inputs, batch, []) if batch and batch > 0 else None
    share = (batch or 1) / examples.total if examples else 1.0
    return Expected(steps * Size.of(spec).part(share).seconds(STEPPED), 0.0, "train", steps)


def of_sweep(spec: NamedGraph, over: Sequence[str], of: str | None, descend: int | None) -> Expected:
    """Of a sweep, and of the descent in it."""
    from bpx.train.sweep.axes import swept_entries

    try:
        points = math.prod(entry.axis.values.size for entry in swept_entries(spec, over))
    except BpxError:  # which the sweep reports
        points = 0
    size, steps = Size.of(spec, of), descend or 0
    descent = steps * (DESCENDED + 2 * size.seconds(STEPPED))
    seconds = points * size.seconds(BATCHED)
    if descent > seconds:
        return Expected(descent + seconds, 0.0, "train", steps)
    return Expected(descent + seconds, 0.0, "sweep", points)


def _entries(spec: NamedGraph, wrt: Sequence[str] | None) -> int:
    """How many numbers is derived by."""
    nodes = [leaf.node for leaf in spec.inputs]
    return _elements(spec, nodes if wrt is None else _named(spec, wrt))


def _named(spec: NamedGraph, names: Iterable[str]) -> list[int]:
    """The nodes of these names; the work itself reports unknown ones."""
    return [spec.nodes[name] for name in names if name in spec.nodes]


def _elements(spec: NamedGraph, nodes: Iterable[int]) -> int:
    return sum(math.prod(spec.graph.shapes[node]) for node in nodes)


_UNITS = (("hours", 3600), ("minutes", 60), ("seconds", 1))


def _duration(seconds: float) -> str:
    unit, length = next((row for row in _UNITS if seconds >= 2 * row[1]), _UNITS[-1])
    return say(f"expected.{unit}", count=_rounded(seconds / length))


def _rounded(value: float) -> str:
    """One digit: an estimate has no more."""
    return number(round(value, -math.floor(math.log10(value))))
