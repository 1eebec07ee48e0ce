"""Ops on whole arrays: products of matrices, reductions, changes of shape.

Axes in settings are kept non-negative, counted without the batch axis, which stands last.
"""

from __future__ import annotations

import math
from numbers import Integral
from typing import Any

import numpy as np

from bpx.graph.arrays import Array, Settings, Shape, ShapeError, broadcast
from bpx.graph.graph import Expr, Op
from bpx.ops.building.row import infix, postfix, structural
from bpx.words.say import say


class SettingError(ValueError):
    """A setting that does not fit; `code` and `facts` name the sentence that says why, `help` a next step."""

    def __init__(self, code: str, *, help: str | None = None, **facts: Any) -> None:
        self.code, self.facts, self.help = code, facts, help
        super().__init__(code, facts)


# --- settings -----------------------------------------------------------------------------------


def axes_in_full(axis: Any, ndim: int) -> tuple[int, ...]:
    """`axis` as a sorted tuple of non-negative axes; None means all of them.

    Raises `SettingError` for an axis there is not or that is named twice, `TypeError` for a nest of lists.
    """
    if axis is None:
        return tuple(range(ndim))
    named = axis if isinstance(axis, list | tuple) else [axis]
    for number in named:
        if isinstance(number, list | None):
            raise TypeError(say("python.bad-axis", axis=number))
        if not is_whole(number) or not -ndim <= number < ndim:
            raise SettingError("bad-axis", axis=number, ndim=ndim)
    axes = sorted({number % ndim for number in named})
    if len(axes) != len(named):
        raise SettingError("repeated-axis", axis=list(named))
    return tuple(axes)


def arrange_axes(x: Shape, *, axis: Any) -> Settings:
    """The axes of an op that works along some. Raises as `axes_in_full`."""
    return {"axis": axes_in_full(axis, len(x))}


def arrange_reduction(x: Shape, *, axis: Any, keepdims: Any) -> Settings:
    """The settings of a reduction in full. Raises as `axes_in_full`, and for a flag that is none."""
    if not isinstance(keepdims, bool):
        raise SettingError("not-a-flag", setting="keepdims", value=keepdims)
    return {"axis": axes_in_full(axis, len(x)), "keepdims": keepdims}


def _arrange_transpose(x: Shape, *, axes: Any) -> Settings:
    if axes is None:
        return {"axes": tuple(reversed(range(len(x))))}
    named = axes if isinstance(axes, list | tuple) else [axes]
    order = tuple(axis % len(x) for axis in named if is_whole(axis) and -len(x) <= axis < len(x))
    if len(order) != len(named) or sorted(order) != list(range(len(x))):
        raise SettingError("bad-permutation", axes=axes, ndim=len(x))
    return {"axes": order}


def _arrange_reshape(x: Shape, *, shape: Any) -> Settings:
    if shape is None:
        raise TypeError(say("python.missing-setting", op="reshape", setting="shape"))
    wanted = tuple(shape if isinstance(shape, list | tuple) else [shape])
    size = math.prod(x)
    if not all(map(is_whole, wanted)):
        raise SettingError("bad-reshape", shape=shape, old=x, size=size)
    known = math.prod(n for n in wanted if n != -1)
    if wanted.count(-1) == 1 and known > 0 and size % known == 0:
        wanted = tuple(size // known if n == -1 else n for n in wanted)
    if math.prod(wanted) != size or min(wanted, default=1) < 0:
        raise SettingError("bad-reshape", shape=shape, old=x, size=size)
    return {"shape": wanted}


def _arrange_spread(x: Shape, *, shape: Any, axis: Any) -> Settings:
    wanted = lengths(shape)
    return {"shape": wanted, "axis": axes_in_full(axis, len(wanted))}


def lengths(shape: Any) -> Shape:
    """A shape, or a single length, as a tuple. Raises `SettingError` where it is none."""
    wanted = tuple(shape if isinstance(shape, list | tuple) else [shape])
    if not all(is_whole(n) and n > 0 for n in wanted):
        raise SettingError("bad-spread", shape=shape)
    return wanted


def is_whole(value: Any) -> bool:
    """Is it a whole number, and neither true nor false?"""
    return isinstance(value, Integral) and not isinstance(value, bool)


# --- shapes -------------------------------------------------------------------------------------


def reduced_shape(x: Shape, *, axis: tuple[int, ...], keepdims: bool) -> Shape:
    """What a reduction leaves of a shape."""
    if keepdims:
        return tuple(1 if i in axis else n for i, n in enumerate(x))
    return tuple(n for i, n in enumerate(x) if i not in axis)


def _matmul_shape(a: Shape, b: Shape) -> Shape:
    if not a or not b:
        raise ShapeError("matmul", (a, b), "shape-scalar")
    rows, inner = a[:-1][-1:], a[-1]
    columns, other_inner = (b[-1:], b[-2]) if len(b) > 1 else ((), b[0])
    if inner != other_inner:
        raise ShapeError("matmul", (a, b))
    try:
        stack = broadcast("matmul", (a[:-2], b[:-2]))
    except ShapeError:
        raise ShapeError("matmul", (a, b)) from None
    return (*stack, *rows, *columns)


def _outer_shape(a: Shape, b: Shape) -> Shape:
    if len(a) != 1 or len(b) != 1:
        raise ShapeError("outer", (a, b))
    return (*a, *b)


def _spread_shape(x: Shape, *, shape: Shape, axis: tuple[int, ...]) -> Shape:
    if len(x) + len(axis) != len(shape):
        raise ShapeError("spread", (x, shape))
    expanded = expanded_shape(x, axis)
    if any(n not in (1, m) for n, m in zip(expanded, shape, strict=True)):
        raise ShapeError("spread", (x, shape))
    return shape


def expanded_shape(x: Shape, axis: tuple[int, ...]) -> Shape:
    """`x` with axes of length 1 put in at `axis`."""
    lengths = iter(x)
    return tuple(1 if i in axis else next(lengths) for i in range(len(x) + len(axis)))


# --- values -------------------------------------------------------------------------------------


def _with_batch(shape: Shape, x: Array, batch: int) -> Shape:
    return (*shape, *x.shape[x.ndim - batch :])


def _matmul(a: Array, b: Array, *, batch: int) -> Any:
    if not batch:
        return np.matmul(a, b)
    a_vector, b_vector = a.ndim == 2, b.ndim == 2  # the batch axis is one of the two
    a, b = np.moveaxis(a, -1, 0), np.moveaxis(b, -1, 0)
    a = a[:, None, :] if a_vector else a
    b = b[:, :, None] if b_vector else b
    ndim = max(a.ndim, b.ndim)  # stacks of matrices: line the stack axes up behind the batch axis
    a = a.reshape(a.shape[0], *[1] * (ndim - a.ndim), *a.shape[1:])
    b = b.reshape(b.shape[0], *[1] * (ndim - b.ndim), *b.shape[1:])
    out = np.matmul(a, b)
    if b_vector:
        out = out[..., 0]
    if a_vector:
        out = out[..., 0] if b_vector else out[..., 0, :]
    return np.moveaxis(out, 0, -1)


def _outer(a: Array, b: Array, *, batch: int) -> Any:
    return a[:, None] * b[None, :]


def _transpose(x: Array, *, axes: tuple[int, ...], batch: int) -> Any:
    return np.transpose(x, (*axes, *range(len(axes), len(axes) + batch)))


def _spread(x: Array, *, shape: Shape, axis: tuple[int, ...], batch: int) -> Any:
    return np.broadcast_to(np.expand_dims(x, axis), _with_batch(shape, x, batch))


# --- rules --------------------------------------------------------------------------------------


def unbroadcast(upstream: Expr, shape: Shape, inserted: tuple[int, ...] | None = None) -> Expr:
    """Sum `upstream` over the axes along which a value of `shape` was repeated to reach it.

    `inserted` are the axes that were put in; by default the leading ones, as NumPy does.
    """
    if upstream.shape == shape:
        return upstream
    if inserted is None:
        inserted = tuple(range(upstream.ndim - len(shape)))
    expanded = expanded_shape(shape, inserted)
    stretched = [
        axis
        for axis, (before, after) in enumerate(zip(expanded, upstream.shape, strict=True))
        if axis not in inserted and before != after
    ]
    # Axes of length 1 stay where they are: nobody has to reshape the sum.
    summed = sum_(upstream, axis=stretched, keepdims=True) if stretched else upstream
    return sum_(summed, axis=inserted) if inserted else summed


def respread(upstream: Expr, x: Expr, axis: tuple[int, ...], keepdims: bool) -> Expr:
    """What arrives at a reduction of `x`, copied to every element that was reduced."""
    if upstream.shape == x.shape:
        return upstream
    return spread(upstream, shape=x.shape, axis=() if keepdims else axis)


def matrix_transpose(x: Expr) -> Expr:
    """`x` with its last two axes exchanged."""
    order = list(range(x.ndim))
    order[-2:] = reversed(order[-2:])
    return transpose(x, axes=order)


def _pull_matmul(upstream: Expr, a: Expr, b: Expr, out: Expr) -> tuple[Expr, Expr]:
    if a.ndim == b.ndim == 1:
        return upstream * b, upstream * a
    if a.ndim == 2 and b.ndim == 1:
        return outer(upstream, b), a.T @ upstream
    if a.ndim == 1 and b.ndim == 2:
        return b @ upstream, outer(a, upstream)
    if a.ndim == b.ndim == 2:
        return upstream @ b.T, a.T @ upstream
    return _pull_stacked_matmul(upstream, a, b)


def _pull_stacked_matmul(upstream: Expr, a: Expr, b: Expr) -> tuple[Expr, Expr]:
    """The same with stacks of matrices; a vector is a matrix of one row or column meanwhile."""
    rows = reshape(a, shape=(1, *a.shape)) if a.ndim == 1 else a
    columns = reshape(b, shape=(*b.shape, 1)) if b.ndim == 1 else b
    full = _matmul_shape(rows.shape, columns.shape)
    upstream = reshape(upstream, shape=full) if upstream.shape != full else upstream
    to_rows = unbroadcast(upstream @ matrix_transpose(columns), rows.shape)
    to_columns = unbroadcast(matrix_transpose(rows) @ upstream, columns.shape)
    return (
        to_rows if to_rows.shape == a.shape else reshape(to_rows, shape=a.shape),
        to_columns if to_columns.shape == b.shape else reshape(to_columns, shape=b.shape),
    )


def count(x: Shape, axis: tuple[int, ...]) -> int:
    """How many elements a reduction takes together."""
    return math.prod(x[i] for i in axis)


matmul = structural(
    "matmul",
    _matmul,
    _pull_matmul,
    _matmul_shape,
    infix("@", 20),
    linear=True,
    aliases=("dot",),
    sample=((2, 3), (3, 2)),
)
outer = structural(
    "outer",
    _outer,
    lambda upstream, a, b, out: (upstream @ b, a @ upstream),
    _outer_shape,
    linear=True,
    sample=((2,), (3,)),
)
transpose: Op = structural(
    "transpose",
    _transpose,
    lambda upstream, x, out, *, axes: (
        transpose(upstream, axes=[axes.index(axis) for axis in range(len(axes))]),
    ),
    lambda x, *, axes: tuple(x[axis] for axis in axes),
    postfix(".T", 50, "ᵀ"),
    settings={"axes": None},
    arrange=_arrange_transpose,
    linear=True,
)
reshape: Op = structural(
    "reshape",
    lambda x, *, shape, batch: np.reshape(x, _with_batch(shape, x, batch)),
    lambda upstream, x, out, *, shape: (reshape(upstream, shape=x.shape),),
    lambda x, *, shape: shape,
    settings={"shape": None},
    arrange=_arrange_reshape,
    linear=True,
    sample_settings={"shape": [3, 2]},
)
sum_ = structural(
    "sum",
    lambda x, *, axis, keepdims, batch: np.sum(x, axis=axis, keepdims=keepdims),
    lambda upstream, x, out, *, axis, keepdims: (respread(upstream, x, axis, keepdims),),
    reduced_shape,
    settings={"axis": None, "keepdims": False},
    arrange=arrange_reduction,
    linear=True,
)
mean = structural(
    "mean",
    lambda x, *, axis, keepdims, batch: np.mean(x, axis=axis, keepdims=keepdims),
    lambda upstream, x, out, *, axis, keepdims: (
        respread(upstream / count(x.shape, axis), x, axis, keepdims),
    ),
    reduced_shape,
    settings={"axis": None, "keepdims": False},
    arrange=arrange_reduction,
    linear=True,
    expands=lambda x, *, axis, keepdims: sum_(x, axis=axis, keepdims=keepdims) / count(x.shape, axis),
)
spread = structural(
    "spread",
    _spread,
    lambda upstream, x, out, *, shape, axis: (unbroadcast(upstream, x.shape, axis),),
    _spread_shape,
    settings={"shape": None, "axis": ()},
    arrange=_arrange_spread,
    linear=True,
    sample_settings={"shape": [2, 2, 3], "axis": [0]},
)
