"""Elementary functions: roots, exponentials, logarithms, trigonometry, hyperbolics and their inverses, erf.

Derivatives as in Abramowitz and Stegun, Handbook of Mathematical Functions, chapters 4 and 7.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from bpx.graph.graph import Expr, Op
from bpx.ops.building.row import by_class, by_method, elem, prefix
from bpx.ops.elementwise.selection import absolute, where


def _constant_like(x: Expr, value: float) -> Expr:
    return x.graph.constant(value)


def _of_math(function: Callable[[float], float]) -> Callable[[Any], Any]:
    of_each = np.frompyfunc(function, 1, 1)
    return lambda x: of_each(x).astype(np.float64) if np.ndim(x) else np.float64(function(x))


sqrt: Op = elem(
    "sqrt",
    np.sqrt,
    lambda x, out: (1 / (2 * out),),
    prefix("√", 40),
    nonnegative=lambda x: x,
    expands=lambda x: x**0.5,
)
# Defined everywhere: at 0 alone it has no derivative, as its slope is infinite there.
cbrt = elem("cbrt", np.cbrt, lambda x, out: (1 / (3 * out**2),), nonnegative=lambda x: absolute(x))
exp = elem("exp", np.exp, lambda x, out: (out,))
exp2 = elem(
    "exp2",
    np.exp2,
    lambda x, out: (out * log(_constant_like(x, 2)),),
    expands=lambda x: 2**x,
)
expm1 = elem("expm1", np.expm1, lambda x, out: (exp(x),), expands=lambda x: exp(x) - 1)
log: Op = elem("log", np.log, lambda x, out: (1 / x,), positive=lambda x: x, aliases=("ln",))
log1p = elem(
    "log1p",
    np.log1p,
    lambda x, out: (1 / (1 + x),),
    positive=lambda x: 1 + x,
    expands=lambda x: log(1 + x),
)
log2 = elem(
    "log2",
    np.log2,
    lambda x, out: (1 / (x * log(_constant_like(x, 2))),),
    positive=lambda x: x,
    expands=lambda x: log(x) / log(_constant_like(x, 2)),
)
log10 = elem(
    "log10",
    np.log10,
    lambda x, out: (1 / (x * log(_constant_like(x, 10))),),
    positive=lambda x: x,
    expands=lambda x: log(x) / log(_constant_like(x, 10)),
)
sin = elem("sin", np.sin, lambda x, out: (cos(x),))
cos: Op = elem("cos", np.cos, lambda x, out: (-sin(x),))
tan = elem(
    "tan",
    np.tan,
    lambda x, out: (1 + out**2,),
    nonzero=lambda x: cos(x),
    expands=lambda x: sin(x) / cos(x),
)
sec: Op = elem(
    "sec",
    lambda x: 1 / np.cos(x),
    lambda x, out: (out * tan(x),),
    nonzero=lambda x: cos(x),
    expands=lambda x: 1 / cos(x),
)
csc: Op = elem(
    "csc",
    lambda x: 1 / np.sin(x),
    lambda x, out: (-out * cot(x),),
    nonzero=lambda x: sin(x),
    expands=lambda x: 1 / sin(x),
)
cot: Op = elem(
    "cot",
    lambda x: np.cos(x) / np.sin(x),
    lambda x, out: (-(1 + out**2),),
    nonzero=lambda x: sin(x),
    expands=lambda x: cos(x) / sin(x),
)
# (1 - x)(1 + x) rather than 1 - x²: the same, without losing digits near ±1.
asin = elem(
    "asin",
    np.arcsin,
    lambda x, out: (1 / sqrt((1 - x) * (1 + x)),),
    nonnegative=lambda x: (1 - x) * (1 + x),
    aliases=("arcsin",),
)
acos = elem(
    "acos",
    np.arccos,
    lambda x, out: (-1 / sqrt((1 - x) * (1 + x)),),
    nonnegative=lambda x: (1 - x) * (1 + x),
    aliases=("arccos",),
)
atan = elem("atan", np.arctan, lambda x, out: (1 / (1 + x**2),), aliases=("arctan",))


def _off_the_branch_cut(y: Expr, x: Expr) -> Expr:
    """Zero where atan2 jumps by 2π: on the negative x axis and at the origin."""
    return where(x <= 0, y, 1)


atan2 = elem(
    "atan2",
    np.arctan2,
    lambda y, x, out: (x / (x**2 + y**2), -y / (x**2 + y**2)),
    kink=_off_the_branch_cut,
    witness=(0, -1),
    aliases=("arctan2",),
)


def root_of_squares(total: Expr) -> Expr:
    """The square root of a sum of squares, without the endless slope that √ has at 0."""
    return sqrt(total + (total == 0)) - (total == 0)


def _off_the_origin(x: Expr, y: Expr, out: Expr) -> tuple[Expr, Expr]:
    """(x, y) over its length; 0 where that is 0, as the norm of zeros has it."""
    length = out + (out == 0)
    return x / length, y / length


hypot: Op = elem(
    "hypot",
    by_class(np.hypot, lambda x, y: np.sqrt(x * x + y * y)),
    _off_the_origin,
    kink=lambda x, y: hypot(x, y),
    witness=(0, 0),
    expands=lambda x, y: root_of_squares(x**2 + y**2),
)
sinh = elem("sinh", np.sinh, lambda x, out: (cosh(x),), expands=lambda x: (exp(x) - exp(-x)) / 2)
cosh: Op = elem("cosh", np.cosh, lambda x, out: (sinh(x),), expands=lambda x: (exp(x) + exp(-x)) / 2)
tanh = elem(
    "tanh",
    np.tanh,
    lambda x, out: (1 - out**2,),
    expands=lambda x: (exp(x) - exp(-x)) / (exp(x) + exp(-x)),
)
asinh = elem(
    "asinh",
    np.arcsinh,
    lambda x, out: (1 / sqrt(x**2 + 1),),
    expands=lambda x: log(x + sqrt(x**2 + 1)),
    aliases=("arcsinh",),
)
# (x - 1)(x + 1) rather than x² - 1, and (1 - x)(1 + x) as above: no digits are lost near ±1.
acosh = elem(
    "acosh",
    np.arccosh,
    lambda x, out: (1 / sqrt((x - 1) * (x + 1)),),
    nonnegative=lambda x: x - 1,
    expands=lambda x: log(x + sqrt((x - 1) * (x + 1))),
    aliases=("arccosh",),
)
atanh = elem(
    "atanh",
    np.arctanh,
    lambda x, out: (1 / ((1 - x) * (1 + x)),),
    positive=lambda x: (1 - x) * (1 + x),
    expands=lambda x: log((1 + x) / (1 - x)) / 2,
    aliases=("arctanh",),
)
erf = elem(
    "erf",
    by_method("erf", _of_math(math.erf)),
    lambda x, out: (2 / sqrt(_constant_like(x, math.pi)) * exp(-(x**2)),),
)
# By itself, as 1 - erf(x) has no digits left where x is large.
erfc = elem(
    "erfc",
    by_method("erfc", _of_math(math.erfc)),
    lambda x, out: (-2 / sqrt(_constant_like(x, math.pi)) * exp(-(x**2)),),
    expands=lambda x: 1 - erf(x),
)
