"""The functions of `math`, and of scipy.special those that are no ufuncs, of handles too.

SciPy need not be installed.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial, wraps
from types import ModuleType
from typing import Any

import numpy as np

from bpx.spec.trace.calls import handles_in, joined
from bpx.spec.trace.compositions import less_largest, log_sum_exp
from bpx.spec.trace.rules.building import OtherSetting, add


class StandIn(ModuleType):
    """A module, but for some names."""

    def __init__(self, module: ModuleType, names: Mapping[str, Any]) -> None:
        super().__init__(module.__name__)
        self._module = module
        self.__dict__.update(names)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


# --- math ---------------------------------------------------------------------------------------


def _product(items: Iterable[Any], *, start: Any = 1) -> Any:
    for item in items:
        start = start * item
    return start


def _by_op(op: str, own: Callable[..., Any], x: Any) -> Any:
    """What NumPy has no function for, and bpx an op."""
    tape, value = x.tape, np.float64(own(float(x.value)))
    node = x.node
    return tape.handle(np.asarray(value), tape.record(lambda: add(op, node), value), scalar=True)


def _chosen(own: Callable[..., Any], *args: Any, **settings: Any) -> Any:
    """Truths and whole numbers."""
    return own(*(arg.chosen() if handles_in([arg]) else arg for arg in args), **settings)


_OF_NUMPY = {
    **{
        name: getattr(np, name)
        for name in [
            *["exp", "exp2", "expm1", "log1p", "log2", "log10", "sqrt", "cbrt", "sin", "cos", "tan", "sinh"],
            *["cosh", "tanh", "fabs", "degrees", "radians", "copysign", "fmod", "modf"],
        ]
    },
    **{"asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "atan2": np.arctan2, "pow": np.power},
    **{"asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh},
}
_OTHERS: dict[str, Callable[..., Any]] = {
    "log": lambda x, base=None: np.log(x) if base is None else np.log(x) / np.log(base),
    "hypot": lambda *sides: np.sqrt(sum(side * side for side in sides)),
    "dist": lambda p, q: np.sqrt(sum((a - b) * (a - b) for a, b in zip(p, q, strict=True))),
    "prod": _product,
    "fsum": sum,
    "erf": partial(_by_op, "erf", math.erf),
    "erfc": partial(_by_op, "erfc", math.erfc),
    "lgamma": partial(_by_op, "lgamma", math.lgamma),
    **{name: partial(_chosen, getattr(math, name)) for name in ("isnan", "isinf", "isfinite", "isclose")},
    **{name: partial(_chosen, getattr(math, name)) for name in ("floor", "ceil", "trunc")},
}


def _of_math(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    own = getattr(math, name)

    @wraps(own)
    def apply(*args: Any, **settings: Any) -> Any:
        # An iterator can be read once only.
        args = tuple(list(arg) if hasattr(arg, "__next__") else arg for arg in args)
        return function(*args, **settings) if handles_in(args) else own(*args, **settings)

    return apply


MATH_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    name: _of_math(name, function) for name, function in {**_OF_NUMPY, **_OTHERS}.items()
}


# --- scipy.special ------------------------------------------------------------------------------


def _log_sum_exp(
    a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    if return_sign:
        raise OtherSetting("return_sign")
    return log_sum_exp(joined(a), axis, keepdims=keepdims, factors=b)


def _softmax(x: Any, axis: Any = None) -> Any:
    powers = np.exp(less_largest(joined(x), axis)[0])
    return powers / np.sum(powers, axis=axis, keepdims=True)


def _log_softmax(x: Any, axis: Any = None) -> Any:
    shifted = less_largest(joined(x), axis)[0]
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


_OF_SPECIAL: dict[str, Callable[..., Any]] = {
    "logsumexp": _log_sum_exp,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
}


def _of_special(own: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(own)
    def apply(*args: Any, **settings: Any) -> Any:
        return (function if handles_in([*args, *settings.values()]) else own)(*args, **settings)

    return apply


def stand_ins_of_scipy() -> dict[int, Any]:
    """What stands in for functions and modules, by identity; nothing where SciPy is not loaded."""
    special: Any = sys.modules.get("scipy.special")
    if special is None:
        return {}
    names = {name: _of_special(getattr(special, name), function) for name, function in _OF_SPECIAL.items()}
    module = StandIn(special, names)
    return {
        **{id(getattr(special, name)): function for name, function in names.items()},
        id(special): module,
        id(sys.modules["scipy"]): StandIn(sys.modules["scipy"], {"special": module}),
    }
