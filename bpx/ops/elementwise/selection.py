"""Ops with kinks and jumps: abs, sign, rounding, remainder, min and max, clip, comparisons, where.

Conventions at the kink, where libraries disagree: abs and sign hand on 0; a tie of min or max hands
half to each; clip hands on everything at its bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bpx.graph.facts import Guard
from bpx.graph.graph import CONSTANT, Expr, Op
from bpx.ops.building.row import by_method, elem, infix

_FLAT_PAIR = (0, 0)


def _comparison(name: str, ufunc: Any, symbol: str, *also: str) -> Op:
    """A comparison, whose value is 1 where it holds and 0 elsewhere."""
    return elem(
        name,
        lambda x, y: np.multiply(ufunc(x, y), 1.0),
        lambda x, y, out: _FLAT_PAIR,
        infix(symbol, 5, *also, groups="none"),
        kink=lambda x, y: x - y,
        witness=(1, 1),
    )


lt = _comparison("lt", np.less, "<", "＜")
le = _comparison("le", np.less_equal, "<=", "≤", "⩽")
gt = _comparison("gt", np.greater, ">", "＞")
ge = _comparison("ge", np.greater_equal, ">=", "≥", "⩾")
eq = _comparison("eq", np.equal, "==")
ne = _comparison("ne", np.not_equal, "!=", "≠")

step = elem(
    "step",
    lambda x: (np.sign(x) + 1.0) / 2.0,
    lambda x, out: (0,),
    kink=lambda x: x,
    witness=(0,),
)
sign = elem("sign", np.sign, lambda x, out: (0,), kink=lambda x: x, witness=(0,))
absolute = elem(
    "abs",
    np.abs,
    lambda x, out: (sign(x),),
    kink=lambda x: x,
    witness=(0,),
    expands=lambda x: x * sign(x),
)
_AT_WHOLE_NUMBERS = (Guard("kink", lambda x: x - round_(x), counter=lambda x: x),)
_AT_HALVES = (Guard("kink", lambda x: x - floor(x) - 0.5, counter=lambda x: x + 0.5),)
floor: Op = elem(
    "floor",
    by_method("floor", np.floor),
    lambda x, out: (0,),
    guards=lambda x: _AT_WHOLE_NUMBERS,
    witness=(1,),
)
ceil = elem(
    "ceil", by_method("ceil", np.ceil), lambda x, out: (0,), guards=lambda x: _AT_WHOLE_NUMBERS, witness=(1,)
)
round_: Op = elem("round", np.round, lambda x, out: (0,), guards=lambda x: _AT_HALVES, witness=(0.5,))


def _beside_multiples(x: Expr, y: Expr) -> Expr:
    """How far x is from the nearest multiple of y: the other ways of writing it round x / y."""
    part = where(absolute(x) < absolute(y), x, mod(x, y))
    return part - y * round_(part / y)


_REMAINDER_GUARDS = (
    Guard("nonzero", lambda x, y: y),
    Guard("kink", _beside_multiples, lambda x, y: x - y * round_(x / y), lambda x, y: x / y),
)


# The whole number is that of the value: floor(x / y) may be one more, where x / y rounds up to a whole.
mod = elem(
    "mod",
    np.remainder,
    lambda x, y, out: (1, -round_((x - out) / y)),
    guards=lambda x, y: _REMAINDER_GUARDS,
    witness=(1, 1),
    expands=lambda x, y: x - y * floor(x / y),
    aliases=("remainder",),
)
maximum = elem(
    "max",
    np.maximum,
    lambda x, y, out: (step(x - y), step(y - x)),
    kink=lambda x, y: x - y,
    witness=(1, 1),
)
minimum = elem(
    "min",
    np.minimum,
    lambda x, y, out: (step(y - x), step(x - y)),
    kink=lambda x, y: x - y,
    witness=(1, 1),
)
clip = elem(
    "clip",
    lambda x, low, high: np.minimum(np.maximum(x, low), high),
    lambda x, low, high, out: (
        (x >= low) * (x <= high) * (low < high),
        (x < low) * (low <= high),
        maximum(x, low) > high,
    ),
    kink=(lambda x, low, high: x - low, lambda x, low, high: x - high, lambda x, low, high: low - high),
    witness=(1, 1, 2),
    expands=lambda x, low, high: where(maximum(x, low) > high, high, where(x < low, low, x)),
)


def _where_it_jumps(condition: Expr, x: Expr, y: Expr) -> Sequence[Guard]:
    """At a condition of 0; but one that is a comparison, or made of some, jumps by itself, and says so."""
    return [] if _is_two_valued(condition) else [Guard("kink", lambda condition, x, y: condition)]


def _is_two_valued(condition: Expr) -> bool:
    if condition.op in (lt, le, gt, ge, eq, ne, CONSTANT):
        return True
    return condition.op.name in ("mul", "max", "min") and all(map(_is_two_valued, condition.args))


where: Op = elem(
    "where",
    lambda condition, x, y: np.where(condition != 0, x, y),
    lambda condition, x, y, out: (0, ne(condition, 0), eq(condition, 0)),
    guards=_where_it_jumps,
    witness=(0, 1, 2),
    chooses=(0,),
)
