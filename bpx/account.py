"""The account of a gradient as plain, frozen rows, and the JSON contract they fill.

Node ids are those of the graph. Arrays are NumPy's, of the node's shape.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from bpx.diagnostic import Diagnostic
from bpx.draft import group_of, groups_of
from bpx.formula import LARGEST_SHOWN
from bpx.graph import Array


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


class Checkup(NamedTuple):
    """How the gradients compare with differences: the worst verdict of `bpx gradcheck`, in its words.

    `digits` is to how many whole digits all entries agree at least, `entries` how many there are. A check
    that would have taken longer than the rest is `skipped`, and has neither.
    """

    verdict: str
    entries: int
    digits: float


SKIPPED = Checkup("skipped", 0, 0.0)


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
    check: Checkup | None = None
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


def is_within(name: str, layer: str) -> bool:
    """Is it the node called `layer`, or one of the layer of that name?"""
    return name == layer or name.startswith(f"{layer}.")


def layers_of(names: Mapping[int, str]) -> dict[int, str]:
    """Node id → the layer it belongs to: what its name begins with, up to the last dot."""
    layers = groups_of(names.values())
    return {node: group_of(name, layers) for node, name in names.items()}


# --- plain data ---------------------------------------------------------------------------------


def plain_value(value: Any) -> Any:
    """A number or array as JSON has it: full precision, non-finite numbers as text."""
    if isinstance(value, float | int):
        return _plain_number(float(value))
    if np.ndim(value) == 0:
        return _plain_number(float(value))
    if np.isfinite(value).all():
        return value.tolist()
    return [plain_value(one) for one in value]


def plain_count(count: int) -> int | str:
    """A count; one of thousands of digits, which Python does not write out, as a power of ten."""
    return count if count.bit_length() < 10_000 else f"10^{count.bit_length() * math.log10(2):.0f}"


def _plain_number(number: float) -> float | str:
    if math.isnan(number):
        return "nan"
    if math.isinf(number):
        return "inf" if number > 0 else "-inf"
    return number


@np.errstate(all="ignore")
def summary(value: Array) -> dict[str, float] | None:
    """Least, mean and largest element, and the Euclidean norm, of an array too large to be shown in full."""
    if value.size <= LARGEST_SHOWN:
        return None
    return {
        "min": float(np.min(value)),
        "mean": float(np.sum(value / value.size)),
        "max": float(np.max(value)),
        "norm": norm(value),
    }


def norm(value: Array) -> float:
    """The length of an array as a vector, by which arrays too large to be shown go."""
    largest = float(np.max(np.abs(value)))  # taken out, so that squares do not overflow
    return largest and largest * float(np.sqrt(np.sum((value / largest) ** 2)))


def _quantities(**values: Array | None) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, value in values.items():
        plain[key] = None if value is None else plain_value(value)
        short = None if value is None else summary(value)
        if short:
            plain[f"{key}_summary"] = {name: _plain_number(one) for name, one in short.items()}
    return plain


def _summaries(key: str, values: Mapping[str, Array]) -> dict[str, Any]:
    """The summaries of the large ones among named arrays, under one key, if there are any."""
    short = {name: summary(np.asarray(value)) for name, value in values.items()}
    plain = {
        name: {part: _plain_number(one) for part, one in found.items()}
        for name, found in short.items()
        if found
    }
    return {f"{key}_summary": plain} if plain else {}


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
