"""Arithmetic: + - * / ^ and the powers that have names of their own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bpx.graph.facts import Guard
from bpx.graph.graph import BY_NAME, Expr, Op
from bpx.ops.building.row import elem, infix, prefix
from bpx.ops.elementwise.functions import log


def _base(x: Expr, y: Expr) -> Expr:
    return x


def _where_power_is_smooth(x: Expr, y: Expr) -> Sequence[Guard]:
    """The exponent decides: x^2 is smooth everywhere, x^-1 off 0, x^0.5 and x^y for x > 0."""
    exponent = y.number
    if exponent is None or (exponent < 0 and exponent != int(exponent)):
        return [Guard("positive", _base)]
    if exponent == int(exponent):
        return [Guard("nonzero", _base)] if exponent < 0 else []
    return [Guard("nonnegative", _base)]


add = elem("add", np.add, lambda x, y, out: (1, 1), infix("+", 10, "＋"), unit=(0, 0))
sub = elem("sub", np.subtract, lambda x, y, out: (1, -1), infix("-", 10, "−", "–", "－"), unit=(None, 0))
mul = elem(
    "mul",
    np.multiply,
    lambda x, y, out: (y, x),
    infix("*", 20, "·", "⋅", "×", "∗", "＊"),
    unit=(1, 1),
    absorb=0,
)


def _absorbing(x: Any, y: Any) -> Any:
    product = np.multiply(x, y)
    # Nearly always there is nothing to look for, and a sum is quick to say so.
    if not np.asarray(product).dtype.hasobject and not np.isnan(np.sum(product)):
        return product
    return np.where((product != product) & np.equal(x, 0), 0.0, product)


# Upstream times local where the local derivative may be infinite: what no gradient reaches contributes
# nothing, as the branch of a `where` that is not taken. It is written like any product, and is in no table.


class _Contribution(Op):
    def __reduce__(self) -> str:
        return "contribution"  # the name it has here; that of the op is another's


contribution = _Contribution(**vars(replace(mul, value=_absorbing)))
div = elem(
    "div",
    np.true_divide,
    lambda x, y, out: (1 / y, -out / y),
    infix("/", 20, "÷", "∕", "／"),
    unit=(None, 1),
    nonzero=lambda x, y: y,
)
neg = elem("neg", np.negative, lambda x, out: (-1,), prefix("-", 25, "−", "–", "－"), unit=(None,))
power = elem(
    "pow",
    np.power,
    lambda x, y, out: (y * x ** (y - 1), out if x.number == math.e else log(x) * out),
    infix("^", 30, "**", "＾", groups="right"),
    unit=(None, 1),
    guards=_where_power_is_smooth,
)
reciprocal = elem(
    "reciprocal", np.reciprocal, lambda x, out: (-(out**2),), nonzero=lambda x: x, expands=lambda x: 1 / x
)
square = elem("square", np.square, lambda x, out: (2 * x,), expands=lambda x: x * x)
identity = elem("identity", lambda x: x, lambda x, out: (1,))


# `grad(L, w)` with the node of the reverse pass that it is: written as it was asked for, and derived like
# that node, which carries all of its value. It is in no table, as no call makes one by itself.
GRADIENT = Op(
    "grad",
    value=lambda of, by, gradient, batch=0: gradient,
    args=("of", "by", "gradient"),
    pull=lambda upstream, of, by, gradient, out: (None, None, upstream),
    shape=lambda of, by, gradient: gradient,
    linear=True,
    quoted=2,
)
BY_NAME[GRADIENT.name] = GRADIENT  # so that graphs with it can be pickled
