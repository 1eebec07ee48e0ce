"""NumPy's ufuncs as ops: by name where an op does the same, else by a formula of ops.

A ufunc that is in none of these tables is refused where it meets a handle.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from bpx.graph.graph import OPS, Expr


def _add(name: str, *args: Any) -> Expr:
    graph = next(arg.graph for arg in args if isinstance(arg, Expr))
    return graph.add(OPS[name], *args)


def _named(ufuncs: dict[str, str]) -> dict[Any, str | Callable[..., Expr]]:
    """Ufuncs by name in NumPy → op; those that this NumPy, or this table of ops, does not have are left out."""
    return {getattr(np, ufunc): op for ufunc, op in ufuncs.items() if hasattr(np, ufunc) and op in OPS}


UFUNCS: dict[Any, str | Callable[..., Expr]] = {
    **_named(
        {
            **{
                name: name
                for name in ["exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sqrt", "cbrt"]
            },
            **{name: name for name in ["sin", "cos", "tan", "sinh", "cosh", "tanh", "square", "reciprocal"]},
            **{name: name for name in ["sign", "floor", "ceil", "hypot", "logaddexp", "matmul"]},
            **{"add": "add", "subtract": "sub", "multiply": "mul", "true_divide": "div", "negative": "neg"},
            **{
                "power": "pow",
                "float_power": "pow",
                "positive": "identity",
                "absolute": "abs",
                "fabs": "abs",
            },
            **{"arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2"},
            **{"arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh"},
            **{"maximum": "max", "minimum": "min", "fmax": "max", "fmin": "min", "rint": "round"},
            **{"less": "lt", "less_equal": "le", "greater": "gt", "greater_equal": "ge"},
            **{"equal": "eq", "not_equal": "ne", "remainder": "mod"},
        }
    ),
    np.floor_divide: lambda x, y: _add("floor", _add("div", x, y)),
    np.trunc: lambda x: _add("mul", _add("sign", x), _add("floor", _add("abs", x))),
    np.deg2rad: lambda x: _add("mul", x, np.pi / 180),
    np.radians: lambda x: _add("mul", x, np.pi / 180),
    np.rad2deg: lambda x: _add("mul", x, 180 / np.pi),
    np.degrees: lambda x: _add("mul", x, 180 / np.pi),
    np.heaviside: lambda x, y: _add("where", _add("eq", x, 0.0), y, _add("gt", x, 0.0)),
    np.copysign: lambda x, y: _add("mul", _add("abs", x), _add("where", _add("lt", y, 0.0), -1.0, 1.0)),
    # Of truth values, which is what people combine; a number counts as true where it is not 0.
    np.logical_and: lambda x, y: _add("mul", _add("ne", x, 0.0), _add("ne", y, 0.0)),
    np.logical_or: lambda x, y: _add("max", _add("ne", x, 0.0), _add("ne", y, 0.0)),
    np.logical_xor: lambda x, y: _add("ne", _add("ne", x, 0.0), _add("ne", y, 0.0)),
    np.logical_not: lambda x: _add("eq", x, 0.0),
    np.bitwise_and: lambda x, y: _add("mul", x, y),
    np.bitwise_or: lambda x, y: _add("max", x, y),
    np.bitwise_xor: lambda x, y: _add("ne", x, y),
    np.invert: lambda x: _add("sub", 1.0, x),
}
UFUNC_CHOICES = frozenset({np.isnan, np.isfinite, np.isinf, np.signbit})
REDUCTIONS: dict[Any, Callable[..., Any]] = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
    np.logical_and: np.all,
    np.logical_or: np.any,
}
ACCUMULATIONS: dict[Any, Callable[..., Any]] = {np.add: np.cumsum, np.multiply: np.cumprod}


def with_scipy(name: str) -> str | Callable[..., Expr] | None:
    """The op, or the formula, of a ufunc of scipy.special; None where bpx has none."""
    return _SCIPY.get(name)


_SCIPY: dict[str, str | Callable[..., Expr]] = {
    "expit": "sigmoid",
    "log_expit": "logsigmoid",
    "erf": "erf",
    "erfc": lambda x: _add("sub", 1.0, _add("erf", x)),
    "ndtr": lambda x: _add("div", _add("add", 1.0, _add("erf", _add("div", x, 2**0.5))), 2.0),
    "logit": lambda x: _add("log", _add("div", x, _add("sub", 1.0, x))),
    "xlogy": lambda x, y: _add("mul", x, _add("log", y)),
    "xlog1py": lambda x, y: _add("mul", x, _add("log1p", y)),
    "gammaln": "lgamma",
    "psi": "digamma",
    "exp2": "exp2",
    "cbrt": "cbrt",
}
SCIPY_INSTALLED = find_spec("scipy") is not None
