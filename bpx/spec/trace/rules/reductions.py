"""Rules of what NumPy sums, averages, clips and chooses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bpx.graph.graph import Expr
from bpx.spec.trace.rules.building import Rule, add, axes_of, by_function, nodes


def flat(x: Expr) -> Expr:
    """The node as one row."""
    return x if x.ndim == 1 else add("reshape", x, shape=(math.prod(x.shape),))


def _reduction(name: str) -> Rule:
    def rule(x: Expr, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Expr:
        return add(name, x, axis=axes_of(axis), keepdims=bool(keepdims))

    return rule


def _extreme(name: str) -> Rule:
    def rule(x: Expr, axis: Any = None, *, keepdims: bool = False) -> Expr:
        return add(name, x, axis=axes_of(axis), keepdims=bool(keepdims))

    return rule


def _spread_of(name: str) -> Rule:
    def rule(
        x: Expr,
        axis: Any = None,
        dtype: Any = None,
        *,
        ddof: Any = 0,
        correction: Any = 0,
        keepdims: bool = False,
    ) -> Expr:
        # A ddof that is no whole number is refused by the op, as it should be.
        return add(name, x, axis=axes_of(axis), ddof=ddof or correction, keepdims=bool(keepdims))

    return rule


def _range(x: Expr, axis: Any = None, *, keepdims: bool = False) -> Expr:
    settings = {"axis": axes_of(axis), "keepdims": bool(keepdims)}
    return add("sub", add("amax", x, **settings), add("amin", x, **settings))


def _running(name: str) -> Rule:
    def rule(x: Expr, axis: Any = None, dtype: Any = None) -> Expr:
        if axis is None:
            return add(name, flat(x), axis=0)
        return add(name, x, axis=int(axis))

    return rule


def _running_sum(x: Expr, *, axis: Any = None, dtype: Any = None, include_initial: bool = False) -> Expr:
    along = 0 if axis is None else int(axis)
    sums = add("cumsum", x, axis=along)
    if not include_initial:
        return sums
    shape = [1 if at == along % x.ndim else length for at, length in enumerate(x.shape)]
    return add("concat", np.zeros(shape), sums, axis=along)


def _clipped(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Expr:
    low, high = a_min if a_min is not None else min, a_max if a_max is not None else max
    x, *bounds = nodes(x, *(bound for bound in (low, high) if bound is not None))
    if len(bounds) == 2 and _in_order(*bounds):
        return add("clip", x, *bounds)
    # NumPy's own definition, where a bound is missing, or is an array, or is above the other.
    if low is not None:
        x = add("max", x, bounds[0])
    return x if high is None else add("min", x, bounds[-1])


def _in_order(low: Expr, high: Expr) -> bool:
    return low.number is not None and high.number is not None and low.number <= high.number


def _average(x: Any, axis: Any = None, weights: Any = None, *, keepdims: bool = False) -> Expr:
    settings = {"axis": axes_of(axis), "keepdims": bool(keepdims)}
    if weights is None:
        return add("mean", x, **settings)
    x, weights = nodes(x, weights)
    if weights.shape != x.shape:
        if weights.ndim != 1 or axis is None:
            raise ValueError(f"weights: {weights.shape}")
        shape = [length if at == int(axis) % x.ndim else 1 for at, length in enumerate(x.shape)]
        weights = add("mul", add("reshape", weights, shape=shape), np.ones(x.shape))
    return add("div", add("sum", add("mul", x, weights), **settings), add("sum", weights, **settings))


def _rounded(x: Expr, decimals: int = 0) -> Expr:
    if not decimals:
        return add("round", x)
    with np.errstate(over="ignore"):
        power = float(np.power(10.0, abs(decimals)))  # inf where it is no float, as NumPy takes it
    there, back = ("mul", "div") if decimals > 0 else ("div", "mul")
    return add(back, add("round", add(there, x, power)), power)


def _norm(x: Expr, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Expr:
    if ord is None:
        # The root of the squares of all elements, whatever the shape.
        return add("norm", x, axis=axes_of(axis), keepdims=bool(keepdims))
    axes = list(range(x.ndim)) if axis is None else axes_of(axis)
    if isinstance(axes, list) and len(axes) == 2:
        return _norm_of_matrix(x, ord, axes[0] % x.ndim, axes[1] % x.ndim, keepdims=bool(keepdims))
    return _norm_of_vectors(x, axis=axis, keepdims=keepdims, ord=ord)


def _norm_of_matrix(x: Expr, ord: Any, rows: int, columns: int, *, keepdims: bool) -> Expr:
    # The op's norm of a matrix is the Frobenius norm; NumPy's order 2 of a matrix is the spectral one.
    if ord == "fro":
        return add("norm", x, axis=[rows, columns], keepdims=keepdims)
    if ord not in (1, -1, np.inf, -np.inf):
        raise ValueError(f"ord={ord!r}")
    summed, left = (rows, columns) if abs(ord) == 1 else (columns, rows)
    totals = add("sum", add("abs", x), axis=summed, keepdims=True)
    extreme = add("amax" if ord > 0 else "amin", totals, axis=left, keepdims=True)
    shape = [length for at, length in enumerate(x.shape) if at not in (rows, columns)]
    return extreme if keepdims else add("reshape", extreme, shape=shape)


def _norm_of_vectors(x: Expr, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Expr:
    if ord not in (1, 2, np.inf):
        raise ValueError(f"ord={ord!r}")
    return add("norm", x, ord=ord, axis=axes_of(axis), keepdims=bool(keepdims))


REDUCTIONS: dict[Any, Rule] = by_function(
    {
        **{name: _reduction(name) for name in ("sum", "mean", "prod")},
        "max": _extreme("amax"),
        "min": _extreme("amin"),
        "amax": _extreme("amax"),
        "amin": _extreme("amin"),
        "ptp": _range,
        "var": _spread_of("var"),
        "std": _spread_of("std"),
        "cumsum": _running("cumsum"),
        "cumprod": _running("cumprod"),
        "cumulative_sum": _running_sum,
        "clip": _clipped,
        "where": lambda condition, x, y: add("where", condition, x, y),
        "average": _average,
        "round": _rounded,
        "around": _rounded,
        "linalg.norm": _norm,
        "linalg.matrix_norm": lambda x, *, keepdims=False, ord="fro": _norm(x, ord, (-2, -1), keepdims),
        "linalg.vector_norm": _norm_of_vectors,
    }
)
