"""The forward and the reverse pass as plain, frozen rows: what all sections of an explanation refer to.

Node ids are those of the graph. Arrays are NumPy's, of the node's shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from bpx.explain.query.layers import is_within
from bpx.graph.arrays import Array
from bpx.graph.formula import Formula, derivative, symbol
from bpx.graph.numbers import LARGEST_SHOWN, SHOWN_DIGITS
from bpx.passes.reverse import Ledger
from bpx.render.blocks import Value
from bpx.words.arguments import checked
from bpx.words.diagnostic import Diagnostic, Span

LARGEST_OPENED = 100  # elements of an array shown in full where its node or layer is opened


class NodeRow(NamedTuple):
    """One node of the forward pass.

    `formula` names its args, `with_numbers` has their values in their place (None where they are too
    large); `upstream` is ∂output/∂node, None where the reverse pass does not come by. `layer` is the
    layer the node belongs to, by its name: `h` for `h.z` and for an `h` beside it; empty if there is none.
    `code` is the expression that the node was traced or read from, where that is asked for or is Python code.
    `is_named` says that the name is not one that bpx gave.
    """

    id: int
    name: str
    op: str
    args: tuple[int, ...]
    formula: Formula
    with_numbers: Formula | None
    shape: tuple[int, ...]
    value: Array
    upstream: Array | None
    role: str | None = None
    layer: str = ""
    code: Span | None = None
    is_named: bool = True

    @property
    def line(self) -> int | None:
        """The line of the code."""
        return self.code.source.position(self.code.start)[0] if self.code else None


class EdgeRow(NamedTuple):
    """What the node `consumer` hands back to its arg `arg` (node ids): contribution = upstream × local.

    Ops that give their contribution as a whole (matmul, sum, …) have no `local`; `local_formula` is
    then the formula of the contribution. `summed` are the axes over which upstream × local was summed
    because the arg had been broadcast along them; `flat` says that the local derivative is 0 everywhere.
    """

    consumer: int
    arg: int
    position: int
    local_formula: Formula
    local: Array | None
    upstream: Array
    contribution: Array
    summed: tuple[int, ...] = ()
    flat: bool = False


@dataclass(frozen=True, repr=False, eq=False)
class Passes:
    """Both passes.

    `value` is that of the output, `names` are those of the node ids, and `notes` what there is to say beside
    the rows.
    """

    title: str | None
    output: int
    value: Array
    names: Mapping[int, str]
    inputs: tuple[str, ...]
    nodes: Sequence[NodeRow]
    edges: Sequence[EdgeRow]
    notes: tuple[Diagnostic, ...] = ()
    opened: str | None = None  # the node or layer that is looked at alone
    seed: Array | float = 1.0  # the upstream gradient of the output
    weighted: bool = False  # was that stated?
    whole: Passes | None = None  # both passes in full, where these are of named nodes alone
    digits: int = SHOWN_DIGITS  # significant digits of what people see; the rows have them all
    made_ledger: Callable[[], Ledger] | None = field(default=None, compare=False)  # makes the ledger

    @cached_property
    def ledger(self) -> Ledger | None:
        """The nodes that the rows are of."""
        return self.made_ledger and self.made_ledger()

    @cached_property
    def shown_nodes(self) -> Sequence[NodeRow]:
        """The rows to show: all, or those of what is opened."""
        if self.opened is None:
            return self.nodes
        return [row for row in self.nodes if is_within(row.name, self.opened)]

    @cached_property
    def shown_edges(self) -> Sequence[EdgeRow]:
        """The edges to show: all, or those from the nodes of what is opened."""
        if self.opened is None:
            return self.edges
        shown = {row.id for row in self.shown_nodes}
        return [edge for edge in self.edges if edge.consumer in shown]

    @property
    def unabridged(self) -> Passes:
        """Both passes in full."""
        return self.whole or self

    @cached_property
    def op_names(self) -> dict[int, str]:
        """Node id → its op."""
        return {row.id: row.op for row in self.nodes}

    @cached_property
    def is_large(self) -> bool:
        """Are there layers, with arrays too large to be shown, and none of them opened?"""
        inside = [row for row in self.nodes if row.layer]
        return self.opened is None and any(math.prod(row.shape) > LARGEST_SHOWN for row in inside)

    @cached_property
    def symbols(self) -> dict[int, Formula]:
        """Node id → its name, which links to it, or its formula where it has none, as constants."""
        return {
            row.id: row.formula if row.op == "constant" else symbol(row.name, row.id) for row in self.nodes
        }

    @cached_property
    def ids(self) -> dict[str, int]:
        """Name → node id."""
        return {name: node for node, name in self.names.items()}

    @checked
    def partial(self, node: int) -> Formula:
        """∂output/∂node, as a name."""
        return derivative(self.symbols[self.output], self.symbols[node])

    @checked
    def partial_by(self, name: str) -> Formula:
        """∂output/∂node by the node's name; the node need not be one of the rows."""
        return derivative(self.symbols[self.output], symbol(name, self.ids.get(name)))

    @checked
    def shown(self, value: Array) -> Value:
        """A value; where a node or a layer is opened, larger ones in full too."""
        return Value(value, LARGEST_SHOWN if self.opened is None else LARGEST_OPENED, self.digits)
