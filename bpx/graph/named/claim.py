"""Claims: a gradient that somebody states, as a formula in names of nodes or as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.graph import Expr, Graph
from bpx.graph.named.written import tolerance
from bpx.graph.subgraph import Subgraph
from bpx.words.diagnostic import Span


class NamedFormula(NamedTuple):
    """A formula in names of nodes, built once on placeholders: one for each of `names`, in their order."""

    text: str
    names: tuple[str, ...]
    inside: Subgraph

    def on(self, graph: Graph, nodes: Mapping[str, int]) -> Expr:
        """The formula as a node of `graph`, literally, with `nodes` (name → node id) in their places."""
        args = [graph[nodes[name]] for name in self.names]
        root = self.inside.root
        return self.inside.handles(args, graph.add, [root], graph)[root]


class Claim(NamedTuple):
    """What somebody says ∂output/∂node is: a formula, or numbers as they were written.

    `name` is the node's. `written` is a number or a nest of lists of numbers; None where there is a formula.
    """

    name: str
    formula: NamedFormula | None
    written: Any
    span: Span | None

    @property
    def numbers(self) -> Array | None:
        """The numbers as an array; None for a formula."""
        return None if self.formula else np.array(self.written, dtype=np.float64)

    @property
    def tolerance(self) -> Array | None:
        """Half a unit of the last written digit of each number; None for a formula."""
        return None if self.numbers is None else tolerance(self.written, self.numbers.shape)
