"""The reverse pass: each edge with upstream, local and contribution, and the sums of contributions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any, Self

import numpy as np

from bpx.explain.query.gradient_query import GradientQuery
from bpx.explain.query.layers import outermost
from bpx.explain.query.passes import EdgeRow, NodeRow, Passes
from bpx.explain.query.plain_rows import plain_edge
from bpx.explain.query.section import Section, SectionOptions
from bpx.explain.sections.forward import layer_heading
from bpx.graph.formula import Formula, equation, noted, sum_of, words
from bpx.graph.graph import OPS
from bpx.passes.reverse import by_arg, by_consumer
from bpx.render.blocks import Block, Cell, Heading, Phrase, Value, numeric_columns, table, text_of
from bpx.render.json import Rows
from bpx.render.layout.rails import Link, Rail, lanes
from bpx.words.say import say


@dataclass(frozen=True, eq=False)
class Reverse(Section):
    """All edges, or those from the nodes of what is opened; `with_rail` with lanes from node to node.

    Where a tree shows the gradients, there is no table.
    """

    in_tree: bool = False
    with_rail: bool = False

    @classmethod
    def of(cls, query: GradientQuery, options: SectionOptions) -> Self:
        """Every explanation has it."""
        return cls(options.tree, options.rail)

    def to_dict(self, passes: Passes) -> dict[str, Any]:
        """The edges."""
        rows = passes.shown_edges
        texts = rows.texts if isinstance(rows, Rows) else None
        return {"edges": Rows(len(rows), lambda: map(plain_edge, rows), texts)}

    def blocks(self, passes: Passes) -> Iterator[Block]:
        """A table, or one for each layer, from the output downwards."""
        if not self.in_tree:
            yield from _layer_table(passes) if passes.is_large else _edge_tables(passes, self.with_rail)


def _edge_tables(passes: Passes, with_rail: bool) -> Iterator[Block]:
    edges = passes.shown_edges
    if not edges:
        return
    edges_to, edges_from = by_arg(passes.edges), by_consumer(edges)
    above = {edge.arg for edge in edges} - {passes.output}
    tall = any(np.ndim(edge.upstream) > 1 or np.ndim(edge.contribution) > 1 for edge in edges)
    yield Heading(say("account.reverse", seed=seed_text(passes)))
    rails = iter(_rails(passes, edges_to, edges_from, tall) if with_rail else ())
    for layer, members in groupby(reversed(passes.shown_nodes), lambda row: row.layer):
        rows: list[list[Cell]] = []
        sums: set[int] = set()
        for node in members:
            if len(edges_to.get(node.id, ())) > 1:
                sums.add(len(rows))
                name, parts, total = _sum_row(passes, node, edges_to[node.id])
                rows.append([name, parts, total] if tall else [name, "", parts, total])
            for edge in edges_from.get(node.id, ()):
                name = edge_name(passes, edge, edges_from[node.id])
                if tall:
                    rows += _tall_edge_rows(passes, edge, name, edge.consumer in above)
                else:
                    rows.append(_edge_row(passes, edge, name))
        if rows:
            yield from layer_heading(passes, layer)
            keys = ["edge", "quantity", "value"] if tall else ["edge", "upstream", "local", "contribution"]
            right = numeric_columns(rows)
            yield table(keys, rows, right=right, strong=sums, rails=list(islice(rails, len(rows))))


def _rails(
    passes: Passes,
    edges_to: Mapping[int, Sequence[EdgeRow]],
    edges_from: Mapping[int, Sequence[EdgeRow]],
    tall: bool,
) -> Iterator[Rail]:
    """A rail for each row of the tables, which has one or more rows for an edge."""
    links: list[Link] = []
    counts: list[int] = []
    for node in reversed(passes.shown_nodes):
        edges = edges_from.get(node.id, ())
        if len(edges_to.get(node.id, ())) > 1:
            links.append(Link(node.id, None, is_last=not edges))
            counts.append(1)
        links += [Link(node.id, edge.arg, edge is edges[-1]) for edge in edges]
        counts += [len(_tall_edge_rows(passes, edge, "", above=False)) if tall else 1 for edge in edges]
    for rail, count in zip(lanes(links), counts, strict=True):
        yield from [rail, *[Rail(rail.rest, rail.rest)] * (count - 1)]


def seed_text(passes: Passes) -> str:
    """What the reverse pass begins with: `∂L/∂L = 1`, or the upstream gradient that was stated."""
    output = passes.symbols[passes.output]
    if passes.weighted:
        return say("account.upstream-of", seed=text_of(passes.seed, digits=passes.digits), output=str(output))
    if np.ndim(passes.seed):
        return f"∂sum({output})/∂{output} = {text_of(passes.seed, digits=passes.digits)}"
    return f"{passes.partial(passes.output)} = {text_of(passes.seed, digits=passes.digits)}"


def edge_name(passes: Passes, edge: EdgeRow, beside: Sequence[EdgeRow]) -> Phrase:
    """`o → x`, or `o → x (k)` where one node is several args of a call; `beside` are all edges of it."""
    op = OPS.get(passes.op_names[edge.consumer])
    several = op and not op.notation and sum(other.arg == edge.arg for other in beside) > 1
    which = f" ({edge.position + 1 if op.variadic else op.args[edge.position]})" if op and several else ""
    return Phrase((passes.symbols[edge.consumer], " → ", passes.symbols[edge.arg], which))


def _edge_row(passes: Passes, edge: EdgeRow, name: Cell) -> list[Cell]:
    local = edge.local_formula
    if edge.local is not None and not local.is_number:
        local = equation(local, passes.shown(edge.local).formula)
    return [name, passes.shown(edge.upstream), summed(local, edge.summed), passes.shown(edge.contribution)]


def _tall_edge_rows(passes: Passes, edge: EdgeRow, name: Cell, above: bool) -> list[list[Cell]]:
    """An edge in several rows: matrices side by side do not fit a terminal.

    An upstream gradient that stands `above`, as a contribution or a sum, is called by its name.
    """
    above = above and np.ndim(edge.upstream) > 0
    upstream_name = say("account.above", name=str(passes.partial(edge.consumer)))
    rows: list[tuple[str, Cell]] = [("upstream", upstream_name if above else passes.shown(edge.upstream))]
    if edge.local is None:
        rows += [("contribution", edge.local_formula), ("same", passes.shown(edge.contribution))]
    else:
        rows.append(("local", summed(edge.local_formula, edge.summed)))
        if not edge.local_formula.is_number:
            rows.append(("same", passes.shown(edge.local)))
        rows.append(("contribution", passes.shown(edge.contribution)))
    return [
        [name if first else "", say(f"account.{key}"), cell]
        for first, (key, cell) in zip([True, *[False] * len(rows)], rows, strict=False)
    ]


def summed(local: Formula, axes: Sequence[int]) -> Formula:
    """A factor, with the axes over which the contribution is summed."""
    if not axes:
        return local
    return noted(local, say("account.summed", count=len(axes), axes=say("word.list").join(map(str, axes))))


def _sum_row(passes: Passes, node: NodeRow, edges: Sequence[EdgeRow]) -> list[Cell]:
    assert node.upstream is not None
    parts: Cell = say("account.the-sum")
    if all(np.size(edge.contribution) == 1 for edge in edges):
        terms = [passes.shown(edge.contribution).formula for edge in edges]
        parts = sum_of(terms if len(terms) <= 6 else [*terms[:3], words("…"), terms[-1]])
    return [passes.partial(node.id), parts, passes.shown(node.upstream)]


def _layer_table(passes: Passes) -> Iterator[Block]:
    """The gradients that each layer passes back to nodes of another."""
    places = {row.id: outermost(row.name, row.layer) for row in passes.nodes}
    rows: list[list[Cell]] = [
        [f"{places[edge.consumer]} → {passes.names[edge.arg]}", Value(edge.contribution)]
        for edge in passes.edges
        if places[edge.consumer] != places[edge.arg]
    ]
    yield Heading(say("account.reverse-layers"))
    yield table(["edge", "gradient"], rows)
