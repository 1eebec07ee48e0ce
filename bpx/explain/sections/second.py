"""Second derivatives: each entry of the gradient by every input."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np

from bpx.explain.query.gradient_query import GradientQuery
from bpx.explain.query.passes import Passes
from bpx.explain.query.section import Section, SectionOptions
from bpx.graph.arrays import Array
from bpx.graph.numbers import index_text
from bpx.graph.run import run
from bpx.passes.reverse import reverse
from bpx.render.blocks import Block, Cell, Heading, Table, Value, numeric_columns
from bpx.render.plain_data import plain_value, summaries
from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.say import say

LARGEST_HESSIAN = 64  # rows: the entries of all inputs together


class SecondRow(NamedTuple):
    """The derivatives of one entry of the gradient by every input: a row of the Hessian."""

    input: str
    entry: tuple[int, ...]
    by: Mapping[str, Array]


@dataclass(frozen=True, eq=False)
class SecondDerivatives(Section):
    """The Hessian, row by row."""

    rows: tuple[SecondRow, ...]

    @classmethod
    def of(cls, query: GradientQuery, options: SectionOptions) -> Self | None:
        """Raises `BpxError` for inner nodes, and where there are too many entries."""
        if not options.second:
            return None
        graph = query.graph
        inputs = {leaf.node for leaf in query.spec.inputs}
        if not inputs.issuperset(query.wrt.values()):
            raise BpxError([Diagnostic("second-of-inputs")])
        size = sum(math.prod(graph.shapes[node]) for node in query.wrt.values())
        if size > LARGEST_HESSIAN:
            raise BpxError([Diagnostic("too-many-second", None, {"size": size, "most": LARGEST_HESSIAN})])
        return cls(tuple(row for name in query.wrt for row in _rows_of(query, name)))

    def to_dict(self, passes: Passes) -> dict[str, Any]:
        """The rows, if there are any."""
        return {"second": [_plain(row) for row in self.rows]} if self.rows else {}

    def blocks(self, passes: Passes) -> Iterator[Block]:
        """One table: a row for each entry of the gradient, a column for each input."""
        if not self.rows:
            return
        names = list(self.rows[0].by)
        rows: list[tuple[Cell, ...]] = [
            (f"∂/∂{row.input}{index_text(row.entry)}", *(Value(row.by[name]) for name in names))
            for row in self.rows
        ]
        yield Heading(say("account.second"))
        headers = (say("account.second-of"), *(f"∂/∂{name}" for name in names))
        yield Table(headers, tuple(rows), frozenset(numeric_columns(rows)))


def _rows_of(query: GradientQuery, name: str) -> list[SecondRow]:
    """One batched run: the batch holds a one-hot upstream for each entry of the input."""
    graph, shape = query.graph, query.graph.shapes[query.wrt[name]]
    size = math.prod(shape)
    by = {other: np.zeros((*graph.shapes[node], size)) for other, node in query.wrt.items()}
    gradient = query.ledger.gradient(query.wrt[name])
    if gradient is not None:
        seed = graph.input(shape)
        ledger = reverse(gradient, [graph[node] for node in query.wrt.values()], seed)
        input_values = {
            leaf.node: query.values[leaf.node][..., np.newaxis]
            for leaf in query.spec.inputs
            if leaf.node in query.values
        }
        input_values[seed.id] = np.eye(size).reshape(*shape, size)
        gradients = {other: ledger.gradient(node) for other, node in query.wrt.items()}
        values = run(
            graph, input_values, [expr.id for expr in gradients.values() if expr is not None], batch=True
        )
        for other, expr in gradients.items():
            if expr is not None:
                by[other] = np.broadcast_to(values[expr.id], by[other].shape)
    return [
        SecondRow(name, tuple(map(int, index)), {other: block[..., i] for other, block in by.items()})
        for i, index in enumerate(np.ndindex(*shape))
    ]


def _plain(row: SecondRow) -> dict[str, Any]:
    by = {name: plain_value(value) for name, value in row.by.items()}
    return {"input": row.input, "index": list(row.entry), "by": by, **summaries("by", row.by)}
