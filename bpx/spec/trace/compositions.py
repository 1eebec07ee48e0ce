"""Functions of NumPy that are written here as other functions of NumPy, which run on handles.

What each returns is compared with what NumPy's own function does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from bpx.graph.graph import OPS
from bpx.spec.trace.buffers import BUFFERS, buffer_like
from bpx.spec.trace.ordered import ORDERED
from bpx.spec.trace.rules.building import OtherSetting, add, by_function
from bpx.spec.trace.tape import is_traced, plain

# --- sums and differences -------------------------------------------------------------------------


def _difference(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    x = np.moveaxis(a, axis, -1)
    ends = [None if end is None else _as_end(end, x, axis) for end in (prepend, append)]
    parts = [part for part in (ends[0], x, ends[1]) if part is not None]
    x = np.concatenate(parts, -1) if len(parts) > 1 else x
    for _ in range(n):
        x = x[..., 1:] - x[..., :-1]
    return np.moveaxis(x, -1, axis)


def _flat_difference(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    parts = [to_begin, np.diff(np.ravel(ary)), to_end]
    return np.concatenate([np.ravel(part) for part in parts if part is not None])


def _as_end(end: Any, x: Any, axis: int) -> Any:
    """What stands before or behind along the last axis; a number stands once for each row."""
    if np.ndim(plain(end)):
        return np.moveaxis(end, axis, -1)
    return np.broadcast_to(end, (*np.shape(plain(x))[:-1], 1))


def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = np.moveaxis(y, axis, -1)
    width = dx if x is None else np.diff(x if np.ndim(plain(x)) == 1 else np.moveaxis(x, axis, -1))
    return np.sum(width * (y[..., 1:] + y[..., :-1]) / 2.0, -1)


def _slopes(f: Any, *spacing: Any, axis: Any = None, edge_order: int = 1) -> Any:
    axes = list(range(f.ndim)) if axis is None else [axis] if isinstance(axis, int) else list(axis)
    steps = list(spacing) if len(spacing) == len(axes) else list(spacing or [1.0]) * len(axes)
    if edge_order != 1:
        raise OtherSetting("edge_order")
    if any(np.ndim(plain(step)) for step in steps):
        raise OtherSetting("varargs")
    slopes = [_slope(np.moveaxis(f, at, 0), step, at) for at, step in zip(axes, steps, strict=True)]
    return slopes[0] if len(slopes) == 1 else tuple(slopes)


def _slope(f: Any, step: Any, axis: int) -> Any:
    inside = (f[2:] - f[:-2]) / (2.0 * step)
    slope = np.concatenate([(f[1:2] - f[:1]) / step, inside, (f[-1:] - f[-2:-1]) / step])
    return np.moveaxis(slope, 0, axis)


def _polynomial(p: Any, x: Any) -> Any:
    value = np.zeros(np.shape(plain(x)))
    for coefficient in p:
        value = value * x + coefficient
    return value


def _powers(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    count = len(x) if N is None else N
    columns = [x**number for number in range(count)]
    return np.stack(columns if increasing else columns[::-1], -1)


# --- products ---------------------------------------------------------------------------------------


def _power_of_matrix(a: Any, n: int) -> Any:
    base = a if n >= 0 else np.linalg.inv(a)
    result = base if n else np.broadcast_to(np.eye(a.shape[-1]), a.shape) + 0.0 * a
    for _ in range(abs(n) - 1):
        result = result @ base
    return result


def _multi_dot(arrays: Sequence[Any]) -> Any:
    result = arrays[0]
    for array in arrays[1:]:
        result = np.dot(result, array)
    return result


def _cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    if np.shape(plain(a))[-1] != 3 or np.shape(plain(b))[-1] != 3:
        raise OtherSetting("axis")
    turned, back = [1, 2, 0], [2, 0, 1]
    product = a[..., turned] * b[..., back] - a[..., back] * b[..., turned]
    return np.moveaxis(product, -1, axisc)


def _convolved(a: Any, v: Any, mode: str = "full") -> Any:
    a, v = np.atleast_1d(a), np.atleast_1d(v)
    long, short = (a, v) if len(a) >= len(v) else (v, a)
    border = len(short) - 1
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(long, border), len(short))
    full = windows @ short[::-1]
    # As many sums as the longer one has elements, or only those that take all of the shorter one.
    cut = {"full": 0, "same": border // 2, "valid": border}[mode]
    count = {"full": len(full), "same": len(long), "valid": len(long) - border}[mode]
    return full[cut : cut + count]


def _correlated(a: Any, v: Any, mode: str = "valid") -> Any:
    if len(a) < len(v):
        return _correlated(v, a, mode)[::-1]
    return _convolved(a, v[::-1], mode)


def _covariance(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None
) -> Any:
    x = _as_rows(m, rowvar)
    if y is not None:
        x = np.concatenate([x, _as_rows(y, rowvar)])
    centred = x - np.mean(x, axis=1, keepdims=True)
    degrees = (0 if bias else 1) if ddof is None else ddof
    return np.squeeze(centred @ centred.T / (x.shape[1] - degrees))


def _as_rows(x: Any, rowvar: bool) -> Any:
    """Variables in rows, samples in columns."""
    return np.atleast_2d(x) if rowvar or np.ndim(plain(x)) < 2 else np.transpose(x)


def _correlations(x: Any, y: Any = None, rowvar: bool = True) -> Any:
    covariance = _covariance(x, y, rowvar)
    if not np.ndim(plain(covariance)):
        return covariance / covariance
    deviation = np.sqrt(np.diagonal(covariance))
    return covariance / np.outer(deviation, deviation)


# --- sums of exponentials -----------------------------------------------------------------------------


def less_largest(a: Any, axis: Any) -> tuple[Any, Any]:
    """Less the largest element, so that no exponential overflows; and the largest, held fixed."""
    largest = np.max(plain(a), axis=axis, keepdims=True)
    return a - largest, largest


def log_sum_exp(a: Any, axis: Any = None, *, keepdims: bool = False, factors: Any = None) -> Any:
    """The logarithm of the sum of exponentials, each times its factor."""
    shifted, largest = less_largest(a, axis)
    powers = np.exp(shifted) if factors is None else factors * np.exp(shifted)
    result = np.log(np.sum(powers, axis=axis, keepdims=keepdims))
    return result + (largest if keepdims else np.squeeze(largest, axis))


# --- element by element -----------------------------------------------------------------------------


def _zero_where_nan(
    x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    value = np.where(np.isnan(plain(x)), nan, x)
    largest = np.finfo(plain(x).dtype).max
    value = np.where(np.equal(plain(value), np.inf), largest if posinf is None else posinf, value)
    return np.where(np.equal(plain(value), -np.inf), -largest if neginf is None else neginf, value)


def _interpolated(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    if period is not None:
        raise OtherSetting("period")
    xp, fp = _as_array(xp), _as_array(fp)
    # The same piece as NumPy takes: at a point of the table the one that begins there.
    piece = np.clip(np.searchsorted(plain(xp), plain(x), side="right") - 1, 0, len(xp) - 2)
    _note_choice(x)
    slope = (fp[piece + 1] - fp[piece]) / (xp[piece + 1] - xp[piece])
    inside = fp[piece] + slope * (x - xp[piece])
    below, above = fp[0] if left is None else left, fp[-1] if right is None else right
    return np.where(x < xp[0], below, np.where(x > xp[-1], above, inside))


def _as_array(x: Any) -> Any:
    return x if is_traced(x) else np.asarray(x, dtype=float)


def _note_choice(x: Any) -> None:
    if is_traced(x):
        x.chosen()


def _evenly_spaced(start: Any, stop: Any, num: int = 50, endpoint: bool = True, axis: int = 0) -> Any:
    share = np.linspace(0.0, 1.0, num, endpoint)
    start, stop = np.broadcast_arrays(start, stop)
    points = start + share.reshape(-1, *[1] * start.ndim) * (stop - start)
    return np.moveaxis(points, 0, axis)


def _by_conditions(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **settings: Any) -> Any:
    masks = [plain(mask) for mask in (condlist if isinstance(condlist, list | tuple) else [condlist])]
    _note_choice(x)
    if len(funclist) == len(masks) + 1:
        masks.append(~np.any(masks, axis=0))
    result = np.zeros_like(x)
    for mask, function in zip(masks, funclist, strict=True):
        result[mask] = function(x[mask], *args, **settings) if callable(function) else function
    return result


def _along_axis(function: Callable[..., Any], axis: int, arr: Any, *args: Any, **settings: Any) -> Any:
    rows = np.moveaxis(arr, axis, -1)
    places = np.ndindex(*rows.shape[:-1])
    results = [function(rows[place], *args, **settings) for place in places]
    stacked = np.stack([_as_array(result) for result in results])
    whole = np.reshape(stacked, (*rows.shape[:-1], *stacked.shape[1:]))
    return whole if stacked.ndim == 1 else np.moveaxis(whole, -1, axis)


def _sums_by_number(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    """`np.bincount`: for each whole number the sum of its weights."""
    _note_choice(x)
    numbers = np.asarray(plain(x))
    if weights is None:
        return np.bincount(numbers, minlength=minlength)
    counts = np.bincount(numbers, minlength=minlength)
    sums: Any = buffer_like(weights, np.zeros(len(counts))) if is_traced(weights) else np.zeros(len(counts))
    np.add.at(sums, numbers, weights)
    return sums


# --- where some elements are not a number -------------------------------------------------------------


def _without_nan(function: Callable[..., Any], instead: float | None) -> Callable[..., Any]:
    """`np.nansum` and its like: the plain function, with a number in the place of each nan."""

    def apply(a: Any, *args: Any, **settings: Any) -> Any:
        missing = np.isnan(plain(a))
        if not missing.any():
            return function(a, *args, **settings)
        if instead is None:
            raise OtherSetting("nan")
        return function(np.where(missing, instead, a), *args, **settings)

    return apply


def _mean_without_nan(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    there = ~np.isnan(plain(a))
    total = np.sum(np.where(there, a, 0.0), axis=axis, keepdims=keepdims)
    return total / np.sum(there, axis=axis, keepdims=keepdims)


# --- determinants -------------------------------------------------------------------------------------


def _sign_and_logdet(a: Any) -> Any:
    sign, log = np.linalg.slogdet(a.value)
    if a.node is not None:
        node = a.tape.record(lambda: add("logdet", a.node), log)
        log = a.tape.handle(np.asarray(log), node, scalar=True)
    return _SIGN_AND_LOGDET(sign, log)


_SIGN_AND_LOGDET: Any = type(np.linalg.slogdet(np.eye(1)))


PARTS: Mapping[Any, Callable[..., Any]] = by_function(
    {
        "diff": _difference,
        "ediff1d": _flat_difference,
        "trapezoid": _trapezoid,
        "gradient": _slopes,
        "polyval": _polynomial,
        "vander": _powers,
        "linalg.matrix_power": _power_of_matrix,
        **({"linalg.slogdet": _sign_and_logdet} if "logdet" in OPS else {}),
        "linalg.multi_dot": _multi_dot,
        "linalg.trace": lambda x, *, offset=0: np.trace(x, offset, -2, -1),
        "trace": lambda a, offset=0, axis1=0, axis2=1: np.sum(np.diagonal(a, offset, axis1, axis2), -1),
        "cross": _cross,
        "linalg.cross": lambda x1, x2, *, axis=-1: _cross(x1, x2, axis=axis),
        "convolve": _convolved,
        "correlate": _correlated,
        "cov": _covariance,
        "corrcoef": _correlations,
        "nan_to_num": _zero_where_nan,
        "bincount": _sums_by_number,
        "interp": _interpolated,
        "linspace": _evenly_spaced,
        "piecewise": _by_conditions,
        "apply_along_axis": _along_axis,
        "real": lambda val: val,
        "real_if_close": lambda a, tol=100: a,
        "imag": lambda val: np.zeros_like(val),
        "fix": lambda x: np.trunc(x),
        "cumulative_prod": lambda x, *, axis=None: np.cumprod(x, axis),
        "nansum": _without_nan(np.sum, 0.0),
        "nanprod": _without_nan(np.prod, 1.0),
        "nancumsum": _without_nan(np.cumsum, 0.0),
        "nancumprod": _without_nan(np.cumprod, 1.0),
        "nanmax": _without_nan(np.max, -np.inf),
        "nanmin": _without_nan(np.min, np.inf),
        "nanmean": _mean_without_nan,
        "nanmedian": _without_nan(np.median, None),
        "nanpercentile": _without_nan(np.percentile, None),
        "nanquantile": _without_nan(np.quantile, None),
        "nanstd": _without_nan(np.std, None),
        "nanvar": _without_nan(np.var, None),
        **BUFFERS,
        **ORDERED,
    }
)
# Ufuncs that return two arrays.
UFUNC_PARTS: Mapping[Any, Callable[..., Any]] = {
    np.divmod: lambda x, y: (np.floor_divide(x, y), np.remainder(x, y)),
    np.modf: lambda x: (x - np.trunc(x), np.trunc(x)),
}
