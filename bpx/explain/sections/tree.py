"""Both passes as a tree: from the output down, each node with its value and its gradient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Self

from bpx.explain.query.gradient_query import GradientQuery
from bpx.explain.query.passes import NodeRow, Passes
from bpx.explain.query.section import Section, SectionOptions
from bpx.graph.graph import OPS
from bpx.render.blocks import MOST_ROWS, Block, Cell, Heading, numeric_columns, table
from bpx.render.layout.rails import Branch, branches
from bpx.words.say import say


class _Place(NamedTuple):
    """A row of the tree: a node below its consumer, or again, where it has its place elsewhere."""

    node: NodeRow
    consumer: int | None
    depth: int
    is_new: bool
    is_again: bool


class Tree(Section):
    """Every node once, below the first of its consumers; the others refer to it."""

    @classmethod
    def of(cls, query: GradientQuery, options: SectionOptions) -> Self | None:
        """Shown where it is asked for."""
        return cls() if options.tree else None

    def to_dict(self, passes: Passes) -> dict[str, Any]:
        """The rows, from the output down."""
        rows = [
            {"node": place.node.id, "below": place.consumer, "again": place.is_again}
            for place in _places(passes)
        ]
        return {"tree": rows}

    def blocks(self, passes: Passes) -> Iterator[Block]:
        """One table, with the tree in front."""
        places = _places(passes)
        rows_of_tree = [Branch(place.depth, place.is_new, _name(place)) for place in places]
        rails = branches(rows_of_tree, MOST_ROWS)
        rows = [_cells(passes, place) for place in places]
        yield Heading(say("account.tree", output=passes.names[passes.output]))
        keys = ["formula" if passes.whole else "op", "value", "gradient"]
        yield table(keys, rows, right=numeric_columns(rows), rails=rails, rail_header=say("account.node"))


def _places(passes: Passes) -> list[_Place]:
    """The rows of the tree. A node that its consumer is computed from alone continues its branch."""
    rows = {row.id: row for row in passes.shown_nodes if row.op != "constant"}
    used = {arg for row in rows.values() for arg in row.args}
    placed: set[int] = set()
    places: list[_Place] = []
    roots = sorted(rows.keys() - used, key=lambda node: (node != passes.output, -node))
    waiting: list[tuple[int, int | None, int, bool]] = [(node, None, 0, True) for node in reversed(roots)]
    while waiting:
        node, consumer, depth, is_new = waiting.pop()
        is_again = node in placed
        places.append(_Place(rows[node], consumer, depth, is_new, is_again))
        placed.add(node)
        args = [] if is_again else [arg for arg in dict.fromkeys(rows[node].args) if arg in rows]
        deeper = len(args) > 1
        waiting += [(arg, node, depth + deeper, deeper) for arg in reversed(args)]
    return places


def _name(place: _Place) -> str:
    return say("account.above", name=place.node.name) if place.is_again else place.node.name


def _cells(passes: Passes, place: _Place) -> Sequence[Cell]:
    row = place.node
    if place.is_again:
        return ["", "", ""]
    upstream = "" if row.upstream is None else passes.shown(row.upstream)
    of_what = row.formula if passes.whole and not row.role else _op(row)
    return [of_what, passes.shown(row.value), upstream]


def _op(row: NodeRow) -> str:
    """What an input is for, or the sign or the name of the op."""
    if row.role:
        return say(f"role.{row.role}")
    notation = OPS[row.op].notation if row.op in OPS else None
    return notation.symbol if notation and notation.symbol else row.op
