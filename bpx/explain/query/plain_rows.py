"""Rows of both passes as plain data, as the JSON contract has them."""

from __future__ import annotations

from typing import Any

from bpx.explain.query.passes import EdgeRow, NodeRow
from bpx.render.plain_data import quantities


def plain_node(row: NodeRow) -> dict[str, Any]:
    """A node of the forward pass."""
    plain = {
        "id": row.id,
        "name": row.name,
        "op": row.op,
        "args": list(row.args),
        "formula": str(row.formula),
        "with_numbers": None if row.with_numbers is None else str(row.with_numbers),
        "shape": list(row.shape),
        **quantities(value=row.value, upstream=row.upstream),
    }
    more = {"role": row.role, "layer": row.layer, **_code(row)}
    return {**plain, **{key: text for key, text in more.items() if text}}


def _code(row: NodeRow) -> dict[str, Any]:
    """Where a node stands in somebody's Python file."""
    return {"file": row.code.source.name, "line": row.line, "code": row.code.text} if row.code else {}


def plain_edge(row: EdgeRow) -> dict[str, Any]:
    """An edge of the reverse pass."""
    return {
        "from": row.consumer,
        "to": row.arg,
        "arg": row.position,
        "local_formula": str(row.local_formula),
        **quantities(local=row.local, upstream=row.upstream, contribution=row.contribution),
        "summed": list(row.summed),
        "flat": row.flat,
    }
