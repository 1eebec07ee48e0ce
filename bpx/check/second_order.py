"""Second derivatives: the gradient is a graph too, and is checked like any other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from bpx.check.local.jacobians import CheckedEdge
from bpx.check.numeric.tolerances import MOST_SECOND
from bpx.check.report.gradient_table import GradientTable
from bpx.check.whole.checked_graph import CheckedGraph, FirstDerivative, Query
from bpx.check.whole.evaluation import by_rule, refused_by_rules, table_of_lost, table_without_values
from bpx.check.whole.sources import evaluated
from bpx.graph.arrays import Array
from bpx.graph.formula import partial
from bpx.graph.numbers import index_text
from bpx.passes.reverse import reverse


def second_order(query: Query, input_values: Mapping[int, Array]) -> list[GradientTable]:
    """The derivatives of each entry of the gradient by every input.

    Of more than `MOST_SECOND` entries, those of one random mixture of the entries of each input.
    """
    tables: list[GradientTable] = []
    # The entries share most of their nodes, and those at one point have the same rules.
    rules: dict[tuple[int, int], CheckedEdge] = {}
    has_kinks = bool(CheckedGraph.at(query, input_values).kinks)  # else all first derivatives exist
    for label, entry_query in second_queries(query, has_kinks):
        checked = CheckedGraph.at(entry_query, input_values, known_rules=rules)
        tables += [
            _table(checked, input_name, input_node, label) for input_name, input_node in query.wrt.items()
        ]
        rules |= checked.rules
    return tables


def second_order_lost(query: Query) -> list[GradientTable]:
    """The same of a point whose workers died."""
    lost = [
        (label, table_of_lost(name, query.spec.graph.shapes[node], query.detect))
        for label, _ in second_queries(query, False)
        for name, node in query.wrt.items()
    ]
    return [replace(table, by=label, own=np.ones(table.claimed.shape, dtype=bool)) for label, table in lost]


def second_queries(query: Query, has_kinks: bool) -> Iterator[tuple[str, Query]]:
    """What is asked of each entry of the gradient, which is an output too, with the entry's name."""
    graph = query.spec.graph.copy()
    wrt = [graph[node] for node in query.wrt.values()]
    ledger = reverse(graph[query.output], wrt, graph.constant(query.seed))
    for name, node in query.wrt.items():
        gradient = ledger.gradient(node)
        first = FirstDerivative(query, node) if has_kinks and gradient is not None else None
        for label, seed in _seeds(query, name, node):
            spec = replace(
                query.spec,
                graph=graph.copy(),
                output=query.output if gradient is None else gradient.id,
                size=len(graph),
                claims={},
                composites={},
            )
            shape = spec.graph.shapes[spec.output]
            yield (
                label,
                Query(
                    spec,
                    spec.output,
                    query.wrt,
                    seed if gradient is not None else np.zeros(shape),
                    query.detect,
                    query.budget,
                    first=first,
                ),
            )


def _seeds(query: Query, name: str, node: int) -> Iterator[tuple[str, Array]]:
    """What each check weighs the gradient by: one entry after the other, or all of them at random."""
    shapes = query.spec.graph.shapes
    shape, first = shapes[node], partial(query.spec.names[query.output], name)
    if sum(math.prod(shapes[node]) for node in query.wrt.values()) > MOST_SECOND:
        yield f"{first} · r", np.random.default_rng(0).uniform(0.5, 1.5, shape)
        return
    for index in np.ndindex(*shape):
        seed = np.zeros(shape)
        seed[index] = 1.0
        yield first + index_text(index), seed


def _table(checked: CheckedGraph, name: str, node: int, label: str) -> GradientTable:
    problem = refused_by_rules(checked, [node])
    if problem:
        table = table_without_values(name, checked.graph.shapes[node], problem, checked.query.detect)
    else:
        table = evaluated(checked, name, node, by_rule(checked, node)).table()
    return replace(table, by=label, own=np.ones(table.claimed.shape, dtype=bool))
