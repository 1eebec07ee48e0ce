"""The gradients: of the output, by each input or node asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from bpx.explain.query.gradient_query import GradientQuery
from bpx.explain.query.passes import Passes
from bpx.explain.query.section import Section, SectionOptions
from bpx.graph.arrays import Array
from bpx.render.blocks import Block, Cell, Heading, numeric_columns, table
from bpx.render.plain_data import plain_value, summaries
from bpx.words.say import say


@dataclass(frozen=True, eq=False)
class Gradients(Section):
    """∂output/∂node by the node's name; those that the output does not depend on are 0 and `independent`."""

    values: Mapping[str, Array]
    independent: tuple[str, ...]

    @classmethod
    def of(cls, query: GradientQuery, options: SectionOptions) -> Self:
        """Every explanation has it."""
        return cls(
            {name: query.gradient(node) for name, node in query.wrt.items()},
            tuple(name for name, node in query.wrt.items() if not query.reaches(node)),
        )

    def to_dict(self, passes: Passes) -> dict[str, Any]:
        """All of them, also where a node is looked at alone."""
        return {
            "gradients": {name: plain_value(value) for name, value in self.values.items()},
            **summaries("gradients", self.values),
            "independent": list(self.independent),
        }

    def blocks(self, passes: Passes) -> Iterator[Block]:
        """A table; where a node is looked at alone, of its args only."""
        args = {passes.names[edge.arg] for edge in passes.shown_edges}
        rows: list[list[Cell]] = [
            [
                passes.partial_by(name),
                say("account.independent") if name in self.independent else passes.shown(value),
            ]
            for name, value in self.values.items()
            if passes.opened is None or name in args
        ]
        if rows:
            yield Heading(_heading(passes))
            yield table(["of", "gradient"], rows, right=numeric_columns(rows))


def _heading(passes: Passes) -> str:
    if not passes.weighted:
        return say("account.gradients")
    return say("account.gradients-weighted", output=passes.names[passes.output])
