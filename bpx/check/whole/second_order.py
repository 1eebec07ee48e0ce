"""Second derivatives: the gradient is a graph too, and is checked like any other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from bpx.check.report.gradient_table import GradientTable
from bpx.check.whole.checked_graph import CheckedGraph, Query
from bpx.check.whole.entry_verdicts import column
from bpx.check.whole.evaluation import by_rule
from bpx.graph.arrays import Array
from bpx.graph.formula import partial
from bpx.graph.numbers import index_text
from bpx.passes.reverse import reverse

MOST = 64  # entries whose rows of second derivatives are checked one by one


def second_order(question: Query, given: Mapping[int, Array]) -> list[GradientTable]:
    """The derivatives of each entry of the gradient by every input.

    Of more than `MOST` entries, those of one random mixture of the entries of each input.
    """
    graph = question.spec.graph.copy()
    wrt = [graph[node] for node in question.wrt.values()]
    ledger = reverse(graph[question.output], wrt, graph.constant(question.seed))
    found = []
    for name, node in question.wrt.items():
        gradient = ledger.gradient(node)
        for label, seed in _seeds(question, name, node):
            spec = replace(
                question.spec,
                graph=graph.copy(),
                output=question.output if gradient is None else gradient.id,
                size=len(graph),
                claims={},
            )
            shape = spec.graph.shapes[spec.output]
            asked = Query(
                spec,
                spec.output,
                question.wrt,
                seed if gradient is not None else np.zeros(shape),
                question.detect,
            )
            point = CheckedGraph.at(asked, given)
            found += [_column(point, other, at, label) for other, at in question.wrt.items()]
    return found


def _seeds(question: Query, name: str, node: int) -> Iterator[tuple[str, Array]]:
    """What each check weighs the gradient by: one entry after the other, or all of them at random."""
    shapes = question.spec.graph.shapes
    shape, first = shapes[node], partial(question.spec.names[question.output], name)
    if sum(math.prod(shapes[one]) for one in question.wrt.values()) > MOST:
        yield f"{first} · r", np.random.default_rng(0).uniform(0.5, 1.5, shape)
        return
    for index in np.ndindex(*shape):
        seed = np.zeros(shape)
        seed[index] = 1.0
        yield first + index_text(index), seed


def _column(point: CheckedGraph, name: str, node: int, label: str) -> GradientTable:
    return replace(column(point, name, node, by_rule(point, node)), by=label)
