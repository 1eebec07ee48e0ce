"""The forward pass: each node with its formula and its value, a large network layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Self

from bpx.explain.query.gradient_query import GradientQuery
from bpx.explain.query.layers import outermost
from bpx.explain.query.passes import NodeRow, Passes
from bpx.explain.query.plain_rows import plain_node
from bpx.explain.query.section import Section, SectionOptions
from bpx.graph.numbers import shape_text
from bpx.render.blocks import Block, Cell, Heading, Lines, Value, table
from bpx.render.json import Rows
from bpx.words.say import say

_MOST_CHARACTERS = 44  # of a formula with numbers put in
_LEFT_OUT = "…"


@dataclass(frozen=True, eq=False)
class Forward(Section):
    """All nodes, or those of what is opened; `alone` without the gradients that the reverse pass gave.

    `lines` and `sources` say whether columns tell where each node was written, and how. Where a tree shows
    the nodes, there is no table.
    """

    alone: bool = False
    lines: bool = False
    sources: bool = False
    in_tree: bool = False

    @classmethod
    def of(cls, query: GradientQuery, options: SectionOptions) -> Self:
        """Every explanation has it."""
        has_lines = query.spec.is_code or options.sources
        return cls(options.forward, has_lines, options.sources, options.tree)

    def to_dict(self, passes: Passes) -> dict[str, Any]:
        """The nodes."""
        rows, plain = passes.shown_nodes, _plain_alone if self.alone else plain_node
        texts = rows.texts if isinstance(rows, Rows) and not self.alone else None
        return {"nodes": Rows(len(rows), lambda: map(plain, rows), texts)}

    def blocks(self, passes: Passes) -> Iterator[Block]:
        """A table, or one for each layer."""
        if not self.in_tree:
            yield from _layer_table(passes) if passes.is_large else self._node_tables(passes)
        yield from _source(passes)

    def _node_tables(self, passes: Passes) -> Iterator[Block]:
        rows = [row for row in passes.shown_nodes if row.op != "constant"]
        has_lines = self.lines and any(row.code and "\n" in row.code.source.text for row in rows)
        keys = [*(["line"] if has_lines else []), "node", "formula", *(["written"] if self.sources else [])]
        with_numbers = {row.id: _numbers_cell(row) for row in rows}
        if _is_worth_a_column([*with_numbers.values()]):
            keys.append("with-numbers")
        shapes = any(row.shape for row in rows)
        keys += ["shape", "value"] if shapes else ["value"]
        yield Heading(say("account.forward"))
        for layer, members in groupby(rows, lambda row: row.layer):
            yield from layer_heading(passes, layer)
            cells = [[_node_cell(passes, row, key, with_numbers[row.id]) for key in keys] for row in members]
            yield table(keys, cells, right=set() if shapes else {len(keys) - 1})


def _plain_alone(row: NodeRow) -> dict[str, Any]:
    return {key: part for key, part in plain_node(row).items() if not key.startswith("upstream")}


def _source(passes: Passes) -> Iterator[Block]:
    """Where the node that is opened was written, and how."""
    for row in passes.shown_nodes:
        if row.code and row.name == passes.opened:
            code = " ".join(row.code.text.split())
            yield Lines((say("account.source", name=row.name, code=code, line=row.line),))


def layer_heading(passes: Passes, layer: str) -> Iterator[Block]:
    """The heading of a layer's rows, where there are layers."""
    if any(row.layer for row in passes.shown_nodes):
        yield Heading(say("account.layer-heading", name=layer) if layer else say("account.no-layer"))


def _node_cell(passes: Passes, row: NodeRow, key: str, with_numbers: Cell) -> Cell:
    if key == "line":
        return "" if row.line is None else str(row.line)
    if key == "node":
        return passes.symbols[row.id]
    if key == "formula":
        return _formula_cell(row)
    if key == "written":
        return " ".join(row.code.text.split()) if row.code and not row.role else ""
    if key == "with-numbers":
        return with_numbers
    if key == "shape":
        return shape_text(row.shape) if row.shape else ""
    return passes.shown(row.value)


def _formula_cell(row: NodeRow) -> Cell:
    """Inputs have no formula; they say what they are for."""
    return row.formula if row.role is None else say(f"role.{row.role}")


def _is_worth_a_column(cells: Sequence[Cell]) -> bool:
    """Is a column of formulas with numbers put in more than a column of dots?"""
    left_out = cells.count(_LEFT_OUT)
    return len(cells) - left_out - cells.count("") > left_out // 2


def _numbers_cell(row: NodeRow) -> Cell:
    shown = row.with_numbers
    if shown is None or not row.formula.symbols:  # of numbers alone there is nothing to put in
        return ""
    return _LEFT_OUT if shown.has_matrix or len(str(shown)) > _MOST_CHARACTERS else shown


def _layer_table(passes: Passes) -> Iterator[Block]:
    """One row for each layer; what is inside is for opening one."""
    rows = [row for row in passes.nodes if row.op != "constant"]
    members: dict[str, list[NodeRow]] = {}
    for row in rows:
        members.setdefault(outermost(row.name, row.layer), []).append(row)
    yield Heading(say("account.forward-layers"))
    yield table(
        ["layer", "holds", "value"],
        [[place, _contents_cell(nodes), Value(nodes[-1].value)] for place, nodes in members.items()],
    )
    yield Lines((say("account.open-layer", name=next(row.layer for row in rows if row.layer)),))


def _contents_cell(nodes: list[NodeRow]) -> Cell:
    return say("account.nodes-inside", count=len(nodes)) if len(nodes) > 1 else _formula_cell(nodes[0])
