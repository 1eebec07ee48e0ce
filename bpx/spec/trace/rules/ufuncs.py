"""NumPy's ufuncs as ops: by name where an op does the same, else by a formula of ops.

A ufunc that is in none of these tables is refused where it meets a handle.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from bpx.graph.graph import OPS, Expr
from bpx.spec.trace.rules.building import Rule, add, by_function, nodes
from bpx.spec.trace.rules.products import MATRIX_UFUNCS


def _of_op(name: str) -> Rule:
    return partial(add, name)


def _formula(formula: Rule) -> Rule:
    """A rule for nodes as one for numbers too."""
    return lambda *args: formula(*nodes(*args))


def _true(x: Expr) -> Expr:
    """1 where a number counts as true, else 0."""
    return add("ne", x, 0.0)


def _whole_part(x: Expr) -> Expr:
    return add("mul", add("sign", x), add("floor", add("abs", x)))


def _with_sign(x: Expr, y: Expr) -> Expr:
    # -0 has a sign too, which no comparison sees; the check of values does.
    return add("mul", add("abs", x), add("where", add("lt", y, 0.0), -1.0, 1.0))


def _remainder_of_trunc(x: Expr, y: Expr) -> Expr:
    return add("sub", x, add("mul", y, _whole_part(add("div", x, y))))


def _log2_of_sum(x: Expr, y: Expr) -> Expr:
    # With the larger exponent taken out, as NumPy does: the other power is at most 1.
    power = add("pow", 2.0, add("neg", add("abs", add("sub", x, y))))
    return add("add", add("max", x, y), add("log2", add("add", 1.0, power)))


def _step(x: Expr, y: Expr) -> Expr:
    return add("where", add("eq", x, 0.0), y, add("gt", x, 0.0))


# Of ufunc and op, where the names differ.
_OTHER_NAMES = {
    **{"subtract": "sub", "multiply": "mul", "true_divide": "div", "negative": "neg"},
    **{"power": "pow", "float_power": "pow", "positive": "identity", "conjugate": "identity"},
    **{"absolute": "abs", "fabs": "abs", "rint": "round", "remainder": "mod"},
    **{"arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2"},
    **{"arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh"},
    **{"maximum": "max", "minimum": "min", "fmax": "max", "fmin": "min"},
    **{"less": "lt", "less_equal": "le", "greater": "gt", "greater_equal": "ge"},
    **{"equal": "eq", "not_equal": "ne"},
}
_SAME_NAMES = [
    *["add", "exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sqrt", "cbrt", "square", "reciprocal"],
    *["sin", "cos", "tan", "sinh", "cosh", "tanh", "sign", "floor", "ceil", "hypot", "logaddexp", "matmul"],
]
UFUNCS: dict[Any, Rule] = {
    **by_function({name: _of_op(name) for name in _SAME_NAMES if name in OPS}),
    **by_function({name: _of_op(op) for name, op in _OTHER_NAMES.items() if op in OPS}),
    **MATRIX_UFUNCS,
    np.floor_divide: lambda x, y: add("floor", add("div", x, y)),
    np.fmod: _formula(_remainder_of_trunc),
    np.trunc: _whole_part,
    np.deg2rad: lambda x: add("mul", x, np.pi / 180),
    np.radians: lambda x: add("mul", x, np.pi / 180),
    np.rad2deg: lambda x: add("mul", x, 180 / np.pi),
    np.degrees: lambda x: add("mul", x, 180 / np.pi),
    np.heaviside: _formula(_step),
    np.copysign: _formula(_with_sign),
    np.logaddexp2: _formula(_log2_of_sum),
    np.logical_and: _formula(lambda x, y: add("mul", _true(x), _true(y))),
    np.logical_or: _formula(lambda x, y: add("max", _true(x), _true(y))),
    np.logical_xor: _formula(lambda x, y: add("ne", _true(x), _true(y))),
    np.logical_not: lambda x: add("eq", x, 0.0),
    # Of truth values only; of whole numbers they are something else, which the check of values sees.
    np.bitwise_and: lambda x, y: add("mul", x, y),
    np.bitwise_or: lambda x, y: add("max", x, y),
    np.bitwise_xor: lambda x, y: add("ne", x, y),
    np.invert: lambda x: add("sub", 1.0, x),
}
UFUNC_CHOICES = frozenset({np.isnan, np.isfinite, np.isinf, np.signbit})


# --- scipy.special ------------------------------------------------------------------------------


def _times_log(x: Expr, y: Expr) -> Expr:
    # 0 · log 0 is 0 there; everywhere else the derivatives are those of the product.
    both = add("mul", add("eq", x, 0.0), add("eq", y, 0.0))
    return add("mul", x, add("log", add("where", both, 1.0, y)))


def _times_log1p(x: Expr, y: Expr) -> Expr:
    both = add("mul", add("eq", x, 0.0), add("eq", y, -1.0))
    return add("mul", x, add("log1p", add("where", both, 0.0, y)))


_SCIPY: dict[str, Rule] = {
    name: rule
    for name, op, rule in [
        ("expit", "sigmoid", _of_op("sigmoid")),
        ("log_expit", "logsigmoid", _of_op("logsigmoid")),
        ("erf", "erf", _of_op("erf")),
        ("erfc", "erfc", _of_op("erfc")),
        ("ndtr", "erf", lambda x: add("div", add("add", 1.0, add("erf", add("div", x, math.sqrt(2)))), 2.0)),
        ("logit", "log", lambda x: add("log", add("div", x, add("sub", 1.0, x)))),
        ("xlogy", "log", _formula(_times_log)),
        ("xlog1py", "log1p", _formula(_times_log1p)),
        ("entr", "log", lambda x: add("neg", _times_log(x, x))),
        ("rel_entr", "log", _formula(lambda x, y: add("mul", x, add("log", add("div", x, y))))),
        ("gammaln", "lgamma", _of_op("lgamma")),
        ("psi", "digamma", _of_op("digamma")),
        ("digamma", "digamma", _of_op("digamma")),
        ("exp2", "exp2", _of_op("exp2")),
        ("exp10", "pow", lambda x: add("pow", 10.0, x)),
        ("cbrt", "cbrt", _of_op("cbrt")),
    ]
    if op in OPS
}


def rule_of(ufunc: Any) -> Rule | None:
    """The rule of a ufunc of NumPy or of scipy.special; None where bpx has none."""
    if ufunc in UFUNCS:
        return UFUNCS[ufunc]
    # Ufuncs of others say nothing about where they come from; the name, and the check of each value
    # against what the ufunc itself returned, decide.
    return None if getattr(np, ufunc.__name__, None) is ufunc else _SCIPY.get(ufunc.__name__)
