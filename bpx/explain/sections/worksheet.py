"""What is left to be worked out where the forward pass alone is shown: the reverse pass with empty cells."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from bpx.explain.query.gradient_query import GradientQuery
from bpx.explain.query.passes import LARGEST_OPENED, Passes
from bpx.explain.query.section import Section, SectionOptions
from bpx.explain.sections.reverse import edge_name, seed_text
from bpx.graph.numbers import LARGEST_SHOWN
from bpx.passes.reverse import by_consumer
from bpx.render.blocks import Block, Cell, Heading, table
from bpx.words.say import say

_MOST_NAMED = 6


@dataclass(frozen=True, eq=False)
class Worksheet(Section):
    """The edges of the reverse pass and the gradients asked for, by name, with their cells empty."""

    wrt: tuple[str, ...]

    @classmethod
    def of(cls, query: GradientQuery, options: SectionOptions) -> Self:
        """Shown with the forward pass alone."""
        return cls(tuple(query.wrt))

    def to_dict(self, passes: Passes) -> dict[str, Any]:
        """Which edges and which gradients are left open."""
        edges = [{"from": edge.consumer, "to": edge.arg, "arg": edge.position} for edge in passes.shown_edges]
        return {"worksheet": {"edges": edges, "gradients": self._shown(passes)}}

    def blocks(self, passes: Passes) -> Iterator[Block]:
        """Two tables to fill in."""
        rows: list[list[Cell]] = []
        arriving = Counter(edge.arg for edge in passes.edges)
        leaving = by_consumer(passes.shown_edges)
        for node in reversed(passes.shown_nodes):
            if arriving[node.id] > 1:
                rows.append([passes.partial(node.id), "", say("account.the-sum"), ""])
            beside = leaving.get(node.id, [])
            rows += [[edge_name(passes, edge, beside), "", "", ""] for edge in beside]
        if rows:
            yield Heading(say("account.worksheet", seed=seed_text(passes)))
            yield table(["edge", "upstream", "local", "contribution"], rows)
        names = self._shown(passes)
        if not names:
            return
        yield Heading(say("account.gradients"))
        yield table(["of", "gradient"], [[passes.partial_by(name), ""] for name in names])

    def remarks(self, passes: Passes) -> Iterator[str]:
        """Which values are too large to be calculated with by hand."""
        most = LARGEST_SHOWN if passes.opened is None else LARGEST_OPENED
        large = [row.name for row in passes.shown_nodes if math.prod(row.shape) > most]
        if large:
            names = say("word.list").join([*large[:_MOST_NAMED], *["…"] * (len(large) > _MOST_NAMED)])
            yield say("account.worksheet-large", names=names, most=most)

    def _shown(self, passes: Passes) -> list[str]:
        """The gradients asked for; where a node is looked at alone, its own and those of its args."""
        beside = {passes.names[edge.arg] for edge in passes.shown_edges}
        beside |= {row.name for row in passes.shown_nodes}
        return [name for name in self.wrt if passes.opened is None or name in beside]
