"""Functions of NumPy that put elements in an order which their values choose: sorting, and what follows.

The order is that of the given values; nearby it stays the same, so that elements only move.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bpx.spec.trace.rules.building import OtherSetting
from bpx.spec.trace.tape import is_traced, plain


def _sorted(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    if axis is None:
        a, axis = np.ravel(a), 0
    return _in_order(a, np.argsort(plain(a), axis=axis, kind="stable"), axis)


def _partitioned(a: Any, kth: Any, axis: Any = -1, kind: Any = "introselect", order: Any = None) -> Any:
    if axis is None:
        a, axis = np.ravel(a), 0
    return _in_order(a, np.argpartition(plain(a), kth, axis=axis), axis)


def _in_order(a: Any, places: Any, axis: int) -> Any:
    """The elements at these places along an axis."""
    if is_traced(a):
        a.chosen()
    return np.take_along_axis(a, places, axis)


def _along_first(a: Any, axis: Any) -> Any:
    """The axes that are reduced, as one, in front; the others behind it."""
    if axis is None:
        return np.ravel(a)
    axes = [at % np.ndim(plain(a)) for at in (axis if isinstance(axis, tuple | list) else [axis])]
    turned = np.moveaxis(a, axes, range(len(axes)))
    return np.reshape(turned, (-1, *np.shape(plain(turned))[len(axes) :]))


def _with_axes(value: Any, a: Any, axis: Any, front: int) -> Any:
    """A result with the axes that were reduced kept with length 1, behind `front` axes of its own."""
    shape = np.shape(plain(a))
    axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple | list) else [axis]
    gone = {at % len(shape) for at in axes}
    kept = [1 if at in gone else length for at, length in enumerate(shape)]
    return np.reshape(value, (*np.shape(plain(value))[:front], *kept))


def _median(a: Any, axis: Any = None, overwrite_input: bool = False, keepdims: bool = False) -> Any:
    rows = np.sort(_along_first(a, axis), axis=0)
    n = len(rows)
    middle = rows[n // 2] if n % 2 else (rows[n // 2 - 1] + rows[n // 2]) * 0.5
    return _with_axes(middle, a, axis, 0) if keepdims else middle


def _quantile(
    a: Any,
    q: Any,
    axis: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
) -> Any:
    if method != "linear" or is_traced(q):
        raise OtherSetting("q" if is_traced(q) else "method")
    rows = np.sort(_along_first(a, axis), axis=0)
    at = np.multiply(q, len(rows) - 1.0)
    below = np.floor(at).astype(int)
    above = np.minimum(below + 1, len(rows) - 1)
    share = np.reshape(at - below, (*np.shape(at), *[1] * (rows.ndim - 1)))
    value = rows[below] * (1.0 - share) + rows[above] * share
    return _with_axes(value, a, axis, np.ndim(at)) if keepdims else value


def _percentile(a: Any, q: Any, *args: Any, **settings: Any) -> Any:
    return _quantile(a, q if is_traced(q) else np.true_divide(q, 100), *args, **settings)


def running_extreme(ufunc: np.ufunc) -> Callable[..., Any]:
    """`np.maximum.accumulate`, or of the minimum: each time the element that has been the largest so far."""

    def accumulate(array: Any, axis: int = 0, dtype: Any = None) -> Any:
        value = np.moveaxis(plain(array), axis, -1)
        new = value == ufunc.accumulate(value, axis=-1)
        places = np.maximum.accumulate(np.where(new, np.arange(value.shape[-1]), 0), axis=-1)
        return _in_order(array, np.moveaxis(places, -1, axis), axis)

    return accumulate


def _pad(array: Any, pad_width: Any, mode: Any = "constant", *, constant_values: Any = 0) -> Any:
    """By numbers of places; a border other than zeros is added."""
    if not isinstance(mode, str) or mode not in ("constant", "edge", "reflect", "symmetric", "wrap"):
        raise OtherSetting("mode")
    shape = np.shape(plain(array))
    numbers: Any = np.arange(1, np.size(plain(array)) + 1).reshape(shape)
    places = np.pad(numbers, pad_width, mode=mode)  # type: ignore[call-overload]
    inside = np.concatenate([np.zeros(1), np.ravel(array)])[places]
    if mode != "constant" or (not is_traced(constant_values) and not np.any(constant_values)):
        return inside
    border = np.pad(np.zeros(shape), pad_width, constant_values=constant_values)
    return inside + border


ORDERED: Mapping[str, Callable[..., Any]] = {
    "sort": _sorted,
    "partition": _partitioned,
    "median": _median,
    "quantile": _quantile,
    "percentile": _percentile,
    "pad": _pad,
}
