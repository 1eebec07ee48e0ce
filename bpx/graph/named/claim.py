"""Claims: a gradient that somebody states, as a formula in names of nodes or as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.graph import Expr, Graph
from bpx.graph.named.written import tolerance
from bpx.graph.subgraph import Subgraph
from bpx.words.diagnostic import Span

Index = tuple[int | slice, ...]
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class Derivative(NamedTuple):
    """Which derivative is meant: ∂of/∂node, or the second one ∂(∂of/∂first)/∂node; all are names of nodes.

    `of` None is the output that is asked for. An index leaves only those entries: `at` of the node,
    `first_at` of `first`, `of_at` of what is derived, for first derivatives alone. Of a third or higher
    one, `earlier` are the entries that it is derived by before `first`, one after the other.
    """

    of: str | None
    node: str
    at: Index | None = None
    first: str | None = None
    first_at: Index | None = None
    earlier: tuple[tuple[str, Index | None], ...] = ()
    of_at: Index | None = None

    def is_gradient_of(self, output: str) -> bool:
        """Is it a first derivative of the output, with no index on that?"""
        return self.first is None and self.of in (None, output) and self.of_at is None

    @property
    def by(self) -> tuple[str | None, ...]:
        """The names of the nodes that it is derived by, the last one first."""
        return (self.node, self.first, *(name for name, _ in self.earlier))

    @property
    def before(self) -> list[str]:
        """The texts of what it is derived by before `first`."""
        return [name + _index_text(at) for name, at in self.earlier]

    def text(self, output: str) -> str:
        """As people write it: `w[0]` for ∂L/∂w[0] of the `output` L, `∂a/∂z`, `∂²L/∂x∂y`."""
        if self.is_gradient_of(output):
            return self.node + _index_text(self.at)
        return self.in_full(output)

    def in_full(self, output: str) -> str:
        """With what is derived in any case: `∂L/∂w[0]`."""
        node, of = self.node + _index_text(self.at), self.of or output
        if self.first is None:
            return f"∂{of}{_index_text(self.of_at)}/∂{node}"
        return higher_partial(of, [*self.before, self.first + _index_text(self.first_at), node])


def higher_partial(of: str, names: Sequence[str]) -> str:
    """`∂³L/∂x²∂y`."""
    powers = [(name, len(list(same))) for name, same in groupby(names)]
    below = "".join(f"∂{name}{_power(times)}" for name, times in powers)
    return f"∂{_power(len(names))}{of}/{below}"


def _power(times: int) -> str:
    return "" if times == 1 else str(times).translate(_RAISED)


class NamedFormula(NamedTuple):
    """A formula in names, built once on placeholders: one for each of `names`, in their order.

    A name is that of a node, or stands for one of the `derivatives`.
    """

    text: str
    names: tuple[str, ...]
    inside: Subgraph
    derivatives: Mapping[str, Derivative] = {}

    def on(self, graph: Graph, nodes: Mapping[str, int]) -> Expr:
        """The formula as a node of `graph`, literally, with `nodes` (name → node id) in their places."""
        args = [graph[nodes[name]] for name in self.names]
        root = self.inside.root
        return self.inside.handles(args, graph.add, [root], graph)[root]


class Claim(NamedTuple):
    """What somebody says a derivative is: a formula, or numbers as they were written.

    `written` is a number, a nest of lists of numbers or, of those that a program made, an array; None where
    there is a formula. `room` is how far off each number may be whatever its digits say.
    """

    derivative: Derivative
    formula: NamedFormula | None
    written: Any
    span: Span | None
    room: Array | float = 0.0

    @property
    def name(self) -> str:
        """The name of the node that is derived by."""
        return self.derivative.node

    def content(self) -> tuple[Any, ...]:
        """What is stated, to be compared."""
        written = self.formula.text if self.formula else np.asarray(self.written).tolist()
        return self.derivative, written, np.asarray(self.room).tolist()

    @property
    def numbers(self) -> Array | None:
        """The numbers as an array; None for a formula."""
        return None if self.formula else np.array(self.written, dtype=np.float64)

    @property
    def tolerance(self) -> Array | None:
        """Half a unit of the last written digit of each number; None for a formula."""
        numbers = self.numbers
        if numbers is None:
            return None
        return np.maximum(tolerance(self.written, numbers.shape), self.room)


def _index_text(index: Index | None) -> str:
    """`[0, 1:3]`; nothing for None."""
    if index is None:
        return ""
    return f"[{', '.join(_slice_text(at) if isinstance(at, slice) else str(at) for at in index)}]"


def _slice_text(at: slice) -> str:
    ends = ["" if end is None else str(end) for end in (at.start, at.stop)]
    return ":".join([*ends, *([] if at.step is None else [str(at.step)])])
