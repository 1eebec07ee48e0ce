"""The account of a gradient as plain, frozen rows, and the JSON contract they fill.

Node ids are those of the graph. Arrays are NumPy's, of the node's shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from bpx.check.quick_check import QuickCheck
from bpx.explain.layers import is_within
from bpx.graph.arrays import Array
from bpx.render.plain_data import _plain_number, _quantities, _summaries, plain_count, plain_value
from bpx.words.diagnostic import Diagnostic


class NodeRow(NamedTuple):
    """One node of the forward pass.

    `formula` names its args, `with_numbers` has their values in their place (None where they are too
    large); `upstream` is ∂output/∂node, None where the reverse pass does not come by. `layer` is the
    layer the node belongs to, by its name: `h` for `h.z` and for an `h` beside it; empty if there is none.
    """

    id: int
    name: str
    op: str
    args: tuple[int, ...]
    formula: str
    with_numbers: str | None
    shape: tuple[int, ...]
    value: Array
    upstream: Array | None
    role: str | None = None
    layer: str = ""


class EdgeRow(NamedTuple):
    """What the node `consumer` hands back to its arg `arg` (node ids): contribution = upstream × local.

    Ops that give their contribution as a whole (matmul, sum, …) have no `local`; `local_formula` is
    then the formula of the contribution. `summed` are the axes over which upstream × local was summed
    because the arg had been broadcast along them; `flat` says that the local derivative is 0 everywhere.
    """

    consumer: int
    arg: int
    position: int
    local_formula: str
    local: Array | None
    upstream: Array
    contribution: Array
    summed: tuple[int, ...] = ()
    flat: bool = False


class PathRow(NamedTuple):
    """One path: node ids from the output down, local formulas and values, product, running sum."""

    nodes: tuple[int, ...]
    local_formulas: tuple[str, ...]
    locals: tuple[Array | None, ...]
    product: Array
    running: Array
    summed: tuple[tuple[int, ...], ...]  # per edge, as in `EdgeRow`


class PathTable(NamedTuple):
    """All paths to one input; `rest` is what the paths that are not shown sum to."""

    input: str
    path_count: int
    shown: tuple[PathRow, ...]
    rest: Array
    total: Array


class SecondRow(NamedTuple):
    """The derivatives of one entry of the gradient by every input: a row of the Hessian."""

    input: str
    entry: tuple[int, ...]
    by: Mapping[str, Array]


class Step(NamedTuple):
    """One step of gradient descent; `predicted` = before - rate · Σ gradient²."""

    rate: float
    before: float
    after: float
    predicted: float
    squared: float
    updates: Mapping[str, tuple[Array, Array, Array]]  # name → old value, update, new value


class Expansion(NamedTuple):
    """Which nodes were rewritten, and to how many digits the account agrees with the fused form.

    `digits` is infinite where value and gradients are equal to the last bit.
    """

    nodes: tuple[str, ...]
    digits: float


@dataclass(frozen=True, repr=False)
class Explanation:
    """The account. `names` are those of the node ids; `notes` what there is to say beside it."""

    title: str | None
    output: int
    names: Mapping[int, str]
    inputs: tuple[str, ...]
    nodes: tuple[NodeRow, ...]
    edges: tuple[EdgeRow, ...]
    gradients: Mapping[str, Array]
    independent: tuple[str, ...]
    ops: Mapping[str, str | None]  # those the reverse pass came by, and what they are in simpler ones
    notes: tuple[Diagnostic, ...] = ()
    paths: tuple[PathTable, ...] = ()
    expanded: Expansion | None = None
    step: Step | None = None
    second: tuple[SecondRow, ...] = ()
    stated: int = 0  # figures that [expect] states
    unmet: tuple[Diagnostic, ...] = ()  # those that do not hold
    check: QuickCheck | None = None
    opened: str | None = None  # the node or layer that is looked at alone

    @cached_property
    def shown_nodes(self) -> list[NodeRow]:
        """The rows to show: all, or those of what is opened."""
        return [row for row in self.nodes if self.opened is None or is_within(row.name, self.opened)]

    @cached_property
    def shown_edges(self) -> list[EdgeRow]:
        """The edges to show: all, or those from the nodes of what is opened."""
        shown = {row.id for row in self.shown_nodes}
        return [edge for edge in self.edges if edge.consumer in shown]

    @cached_property
    def op_names(self) -> dict[int, str]:
        """Node id → its op."""
        return {row.id: row.op for row in self.nodes}

    def to_dict(self) -> dict[str, Any]:
        """The JSON contract, version 1: numbers in full, non-finite ones as text."""
        plain: dict[str, Any] = {
            "bpx": 1,
            "kind": "explanation",
            "title": self.title,
            "output": {"name": self.names[self.output], **_quantities(value=self.value)},
            "nodes": [_node_dict(row) for row in self.shown_nodes],
            "edges": [_edge_dict(row) for row in self.shown_edges],
            "gradients": {name: plain_value(value) for name, value in self.gradients.items()},
            **_summaries("gradients", self.gradients),
            "independent": list(self.independent),
            "ops": dict(self.ops),
        }
        if self.opened:
            plain["opened"] = self.opened
        if self.paths:
            plain["paths"] = [_paths_dict(table) for table in self.paths]
        if self.expanded:
            plain["expanded"] = {
                "nodes": list(self.expanded.nodes),
                "digits": plain_value(self.expanded.digits),
            }
        if self.step:
            plain["step"] = _step_dict(self.step)
        if self.second:
            plain["second"] = [_second_dict(row) for row in self.second]
        if self.stated:
            plain["expect"] = {"stated": self.stated, "held": self.stated - len(self.unmet)}
        if self.check:
            plain["check"] = {**self.check._asdict(), "digits": plain_value(self.check.digits)}
        plain["diagnostics"] = [note.to_dict() for note in (*self.notes, *self.unmet)]
        return plain

    def __repr__(self) -> str:
        """A short line; the account may be long."""
        return (
            f"<bpx.Explanation {self.names[self.output]}: {len(self.nodes)} nodes, {len(self.edges)} edges>"
        )

    @property
    def value(self) -> Array:
        """The value of the output."""
        return next(row.value for row in self.nodes if row.id == self.output)


# --- layers -------------------------------------------------------------------------------------


# --- plain data ---------------------------------------------------------------------------------


def _node_dict(row: NodeRow) -> dict[str, Any]:
    plain = {
        "id": row.id,
        "name": row.name,
        "op": row.op,
        "args": list(row.args),
        "formula": row.formula,
        "with_numbers": row.with_numbers,
        "shape": list(row.shape),
        **_quantities(value=row.value, upstream=row.upstream),
    }
    more = {"role": row.role, "layer": row.layer}
    return {**plain, **{key: text for key, text in more.items() if text}}


def _edge_dict(row: EdgeRow) -> dict[str, Any]:
    return {
        "from": row.consumer,
        "to": row.arg,
        "arg": row.position,
        "local_formula": row.local_formula,
        **_quantities(local=row.local, upstream=row.upstream, contribution=row.contribution),
        "summed": list(row.summed),
        "flat": row.flat,
    }


def _paths_dict(table: PathTable) -> dict[str, Any]:
    rows = [
        {
            "nodes": list(row.nodes),
            "local_formulas": list(row.local_formulas),
            "locals": [None if one is None else plain_value(one) for one in row.locals],
            "summed": [list(axes) for axes in row.summed],
            **_quantities(product=row.product, running=row.running),
        }
        for row in table.shown
    ]
    return {
        "input": table.input,
        "count": plain_count(table.path_count),
        "shown": rows,
        "others": plain_count(table.path_count - len(rows)),
        **_quantities(rest=table.rest, total=table.total),
    }


def _step_dict(step: Step) -> dict[str, Any]:
    return {
        "rate": _plain_number(step.rate),
        "before": _plain_number(step.before),
        "after": _plain_number(step.after),
        "predicted": _plain_number(step.predicted),
        "squared": _plain_number(step.squared),
        "parameters": {
            name: _quantities(value=old, update=update, new=new)
            for name, (old, update, new) in step.updates.items()
        },
    }


def _second_dict(row: SecondRow) -> dict[str, Any]:
    by = {name: plain_value(value) for name, value in row.by.items()}
    return {"input": row.input, "index": list(row.entry), "by": by, **_summaries("by", row.by)}
