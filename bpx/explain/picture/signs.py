"""What a card calls the op of its node: a sign, with the constants that are part of it."""

from __future__ import annotations

from collections.abc import Mapping

from bpx.explain.query.passes import NodeRow
from bpx.graph.graph import OPS, Op
from bpx.graph.numbers import number

_SIGNS = {"*": "×", "-": "−"}
_LONGEST = 12  # characters of an arg that is written beside the sign
_COMMUTE = ("add", "mul")
_GAP = "·"  # in a call, for what comes in along an edge


def sign_of(row: NodeRow, constants: Mapping[int, NodeRow], names: Mapping[int, str]) -> str:
    """The op of a node: `×`, `1 −`, `sigmoid`; args that are `constants` are written out.

    Where the order of two args matters, those that have one of `names` are written too: `a − y`.
    """
    op = OPS.get(row.op)
    written = [short_number(constants[arg]) if arg in constants else "" for arg in row.args]
    if op is None or op.notation is None:
        return _call(row.op, written)
    if op.notation.place == "infix":
        if op.name not in _COMMUTE and not any(written):
            written = [name if len(name) <= _LONGEST else "" for name in _names(row, names)]
        sign = _SIGNS.get(op.notation.symbol, op.notation.symbol)
        return f" {sign} ".join(written).strip()
    if op.notation.place == "prefix":
        return _SIGNS.get(op.notation.symbol, op.notation.symbol) + "".join(written)
    return _behind(row, op)


def _names(row: NodeRow, names: Mapping[int, str]) -> list[str]:
    return [names.get(arg, "") for arg in row.args]


def _call(op: str, written: list[str]) -> str:
    return f"{op}({', '.join(text or _GAP for text in written)})" if any(written) else op


def _behind(row: NodeRow, op: Op) -> str:
    """What a postfix op or an index adds to its arg: `.T`, `[0]`."""
    text = str(row.formula)
    if op.notation is None or op.notation.place == "postfix":
        return op.notation.symbol if op.notation else row.op
    _, bracket, inside = text.rpartition("[")
    return f"[{inside}" if bracket and len(inside) <= _LONGEST else "[…]"


def short_number(row: NodeRow) -> str:
    """A scalar constant as it stands in formulas, in six digits where that is long."""
    text = str(row.formula)
    text = text if len(text) <= _LONGEST else number(float(row.value), 6)
    return text.replace("-", _SIGNS["-"])
