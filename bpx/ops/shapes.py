"""Ops that put arrays together, take them apart, and change their shape.

Names, argument order and defaults are NumPy's where NumPy has the function (concatenate and stack without
the list around the arrays, split, pad, flip, squeeze, broadcast_to, tril, triu, cumsum);
`unsqueeze` is PyTorch's name of NumPy's expand_dims. All but a pad with other than zeros are linear, and
most are composite: they are names for an index, its transpose `place`, reshape and spread.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from functools import reduce
from numbers import Real
from typing import Any

import numpy as np

from bpx.graph.arrays import Array, Settings, Shape, ShapeError
from bpx.graph.graph import Expr, Op
from bpx.ops.building.row import composite, structural
from bpx.ops.indices import place, shaped, taken
from bpx.ops.tensors import (
    SettingError,
    arrange_axes,
    axes_in_full,
    expanded_shape,
    is_whole,
    lengths,
    reshape,
    spread,
)
from bpx.words.say import say

Axes = tuple[int, ...]


# --- put together and taken apart ---------------------------------------------------------------


def axis_in_full(axis: Any, ndim: int) -> int:
    """A single axis, non-negative. Raises `SettingError` for what is none."""
    if not is_whole(axis) or not -ndim <= axis < ndim:
        raise SettingError("bad-axis", axis=axis, ndim=ndim)
    return int(axis) % ndim


def _along(axis: int, part: int | slice, ndim: int) -> tuple[int | slice, ...]:
    """The index that takes a part of one axis and all of the others."""
    return tuple(part if at == axis else slice(None) for at in range(ndim))


def _arrange_concat(*shapes: Shape, axis: Any) -> Settings:
    axis = axis_in_full(axis, len(shapes[0]))
    rests = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
    if len(rests) > 1 or len({len(shape) for shape in shapes}) > 1:
        raise ShapeError("concat", shapes, "shape-concat")
    return {"axis": axis}


def _parts(xs: Sequence[Expr], axis: int) -> list[tuple[int | slice, ...]]:
    """Where each of the arrays stands in what they are put together to."""
    ends = np.cumsum([x.shape[axis] for x in xs]).tolist()
    starts = [0, *ends[:-1]]
    return [_along(axis, slice(*part), xs[0].ndim) for part in zip(starts, ends, strict=True)]


# Arrays put together side by side; more are, half by half: each is padded to the whole on the way.
_MOST_AT_ONCE = 4


def _concat_in_simpler_ops(*xs: Expr, axis: int) -> Expr:
    if len(xs) > _MOST_AT_ONCE:
        half = len(xs) // 2
        return concat(concat(*xs[:half], axis=axis), concat(*xs[half:], axis=axis), axis=axis)
    shape = list(xs[0].shape)
    shape[axis] = sum(x.shape[axis] for x in xs)
    placed = (place(x, at=at, shape=shape) for x, at in zip(xs, _parts(xs, axis), strict=True))
    return reduce(operator.add, placed)


def _pull_concat(upstream: Expr, *xs_and_out: Expr, axis: int) -> tuple[Expr, ...]:
    return tuple(upstream[at] for at in _parts(xs_and_out[:-1], axis))


def _equal_batches(xs: Sequence[Array], batch: int) -> Sequence[Array]:
    """The arrays with batch axes of one length."""
    length = max(x.shape[-1] for x in xs) if batch else 1
    return [np.broadcast_to(x, (*x.shape[:-1], length)) for x in xs] if batch else xs


concat: Op = composite(
    "concat",
    _concat_in_simpler_ops,
    args=("a", "b"),
    variadic=True,
    settings={"axis": 0},
    arrange=_arrange_concat,
    value=lambda *xs, axis, batch: np.concatenate(_equal_batches(xs, batch), axis=axis),
    pull=_pull_concat,
    aliases=("concatenate",),
)


def _arrange_stack(*shapes: Shape, axis: Any) -> Settings:
    if len(set(shapes)) > 1:
        raise ShapeError("stack", shapes, "shape-stack")
    return {"axis": axis_in_full(axis, len(shapes[0]) + 1)}


def _pull_stack(upstream: Expr, *xs_and_out: Expr, axis: int) -> tuple[Expr, ...]:
    count = len(xs_and_out) - 1
    return tuple(upstream[_along(axis, number, upstream.ndim)] for number in range(count))


stack: Op = composite(
    "stack",
    lambda *xs, axis: concat(*(unsqueeze(x, axis=axis) for x in xs), axis=axis),
    args=("a", "b"),
    variadic=True,
    settings={"axis": 0},
    arrange=_arrange_stack,
    value=lambda *xs, axis, batch: np.stack(_equal_batches(xs, batch), axis=axis),
    pull=_pull_stack,
)


def _arrange_split(x: Shape, *, sections: Any, axis: Any, part: Any) -> Settings:
    """`part` is the number of a part, or that and how many parts there have to be."""
    axis = axis_in_full(axis, len(x))
    if not is_whole(sections) or sections < 1 or x[axis] % sections:
        raise SettingError("bad-split", length=x[axis], axis=axis, sections=sections)
    if part is None:
        raise SettingError("split-without-names", count=sections)
    part, named = part if isinstance(part, list) else (part, sections)
    if named != sections:
        raise SettingError("names-of-split", found=named, count=sections)
    if not is_whole(part) or not 0 <= part < sections:
        raise SettingError("bad-part", part=part, count=sections, last=sections - 1)
    return {"sections": int(sections), "axis": axis, "part": int(part)}


def _split_in_simpler_ops(x: Expr, *, sections: int, axis: int, part: int) -> Expr:
    length = x.shape[axis] // sections
    return x[_along(axis, slice(part * length, (part + 1) * length), x.ndim)]


split: Op = composite(
    "split",
    _split_in_simpler_ops,
    settings={"sections": None, "axis": 0, "part": None},
    arrange=_arrange_split,
    sample_settings={"sections": 2, "part": 0},
)


# --- bordered and turned round ------------------------------------------------------------------


# How a pad goes on beyond the ends: with a number, or as NumPy's pad does under these names.
_MODES = ("constant", "reflect", "edge", "wrap", "symmetric")


def _arrange_pad(x: Shape, *, width: Any, value: Any, mode: Any) -> Settings:
    try:
        pairs = np.broadcast_to(np.asarray(width), (len(x), 2)).tolist()
    except ValueError:
        raise SettingError("bad-width", width=str(width), ndim=len(x)) from None
    if not all(is_whole(number) and number >= 0 for pair in pairs for number in pair):
        raise SettingError("bad-width", width=str(width), ndim=len(x))
    if isinstance(value, bool) or not isinstance(value, Real):
        raise SettingError("setting-not-a-number", setting="value", value=value)
    if mode not in _MODES:
        raise SettingError("not-one-of", setting="mode", value=mode, choices=", ".join(_MODES))
    return {"width": tuple(map(tuple, pairs)), "value": value, "mode": mode}


def _pad_in_simpler_ops(x: Expr, *, width: tuple[tuple[int, int], ...], value: float, mode: Any) -> Expr:
    if mode != "constant":
        for axis, (length, around) in enumerate(zip(x.shape, width, strict=True)):
            x = taken(x, np.pad(np.arange(length), around, mode=mode), axis) if any(around) else x
        return x
    shape = tuple(before + length + after for length, (before, after) in zip(x.shape, width, strict=True))
    inside = tuple(slice(before, before + length) for length, (before, _) in zip(x.shape, width, strict=True))
    padded = place(x, at=inside, shape=shape)
    if not value:
        return padded
    border = np.full(shape, float(value))
    border[inside] = 0.0
    return padded + border


pad: Op = composite(
    "pad",
    _pad_in_simpler_ops,
    settings={"width": None, "value": 0, "mode": "constant"},
    arrange=_arrange_pad,
    sample_settings={"width": 1},
)


def _turned(axis: Axes, ndim: int) -> tuple[slice, ...]:
    return tuple(slice(None, None, -1) if at in axis else slice(None) for at in range(ndim))


flip: Op = structural(
    "flip",
    lambda x, *, axis, batch: np.flip(x, axis),
    lambda upstream, x, out, *, axis: (flip(upstream, axis=axis),),
    lambda x, *, axis: x,
    settings={"axis": None},
    arrange=arrange_axes,
    linear=True,
    expands=lambda x, *, axis: x[_turned(axis, x.ndim)],
)


# --- axes put in, left out, stretched -----------------------------------------------------------


def _arrange_squeeze(x: Shape, *, axis: Any) -> Settings:
    if axis is None:
        axis = [at for at, length in enumerate(x) if length == 1]
    axes = axes_in_full(axis, len(x))
    for at in axes:
        if x[at] != 1:
            raise SettingError("not-squeezable", axis=at, length=x[at])
    return {"axis": axes}


def _arrange_unsqueeze(x: Shape, *, axis: Any) -> Settings:
    if axis is None:
        raise TypeError(say("python.missing-setting", op="unsqueeze", setting="axis"))
    count = len(axis) if isinstance(axis, list | tuple) else 1
    return {"axis": axes_in_full(axis, len(x) + count)}


def _arrange_broadcast(x: Shape, *, shape: Any) -> Settings:
    wanted = lengths(shape)
    tail = wanted[len(wanted) - len(x) :] if len(wanted) >= len(x) else ()
    if len(tail) != len(x) or any(n not in (1, m) for n, m in zip(x, tail, strict=True)):
        raise SettingError("bad-broadcast", old=x, shape=shape)
    return {"shape": wanted}


squeeze: Op = composite(
    "squeeze",
    lambda x, *, axis: reshape(x, shape=[n for at, n in enumerate(x.shape) if at not in axis]),
    settings={"axis": None},
    arrange=_arrange_squeeze,
    sample=((2, 1),),
)
unsqueeze: Op = composite(
    "unsqueeze",
    lambda x, *, axis: reshape(x, shape=expanded_shape(x.shape, axis)),
    settings={"axis": None},
    arrange=_arrange_unsqueeze,
    aliases=("expand_dims",),
    sample_settings={"axis": 0},
)
broadcast_to: Op = composite(
    "broadcast_to",
    lambda x, *, shape: spread(x, shape=shape, axis=tuple(range(len(shape) - x.ndim))),
    settings={"shape": None},
    arrange=_arrange_broadcast,
    sample=((3,),),
    sample_settings={"shape": [2, 3]},
)


# --- triangles and running sums -----------------------------------------------------------------


def _triangle(name: str, keeps: Callable[[Any, Any, int], Any]) -> Op:
    """Elements of matrices, of which those of a triangle are kept; the others become 0."""

    def value(x: Array, *, k: int, batch: int) -> Any:
        rows, columns = x.shape[x.ndim - batch - 2 : x.ndim - batch]
        kept = keeps(np.arange(rows)[:, np.newaxis], np.arange(columns), k)
        return np.where(kept[..., np.newaxis] if batch else kept, x, 0.0)

    def arrange(x: Shape, *, k: Any) -> Settings:
        if len(x) < 2:
            raise SettingError("not-a-matrix", old=x)
        if not is_whole(k):
            raise SettingError("not-whole", setting="k", value=k)
        return {"k": int(k)}

    op: Op = structural(
        name,
        value,
        lambda upstream, x, out, *, k: (op(upstream, k=k),),
        lambda x, *, k: x,
        settings={"k": 0},
        arrange=arrange,
        linear=True,
    )
    return op


tril = _triangle("tril", lambda row, column, k: column - row <= k)
triu = _triangle("triu", lambda row, column, k: column - row >= k)


def _arrange_cumsum(x: Shape, *, axis: Any) -> Settings:
    if axis is None and len(x) == 1:
        return {"axis": 0}
    return {"axis": None if axis is None else axis_in_full(axis, len(x))}


def _cumsum(x: Array, *, axis: int | None, batch: int) -> Any:
    if axis is None:
        x, axis = x.reshape(-1, *x.shape[x.ndim - batch :]), 0
    return np.cumsum(x, axis=axis)


def _pull_cumsum(upstream: Expr, x: Expr, out: Expr, *, axis: int | None) -> tuple[Expr]:
    """An element is in its own sum and in all later ones: what arrives is summed from the end."""
    axis = 0 if axis is None else axis
    return (shaped(flip(cumsum(flip(upstream, axis=axis), axis=axis), axis=axis), x.shape),)


cumsum: Op = structural(
    "cumsum",
    _cumsum,
    _pull_cumsum,
    lambda x, *, axis: (math.prod(x),) if axis is None else x,
    settings={"axis": None},
    arrange=_arrange_cumsum,
    linear=True,
    sample=((3,),),
)


def _cumprod(x: Array, *, axis: int | None, batch: int) -> Any:
    if axis is None:
        x, axis = x.reshape(-1, *x.shape[x.ndim - batch :]), 0
    return np.cumprod(x, axis=axis)


def _cumprod_in_simpler_ops(x: Expr, *, axis: int | None) -> Expr:
    """Products of 2, 4, 8, … elements that end at each: no division, which a 0 would not stand.

    Hillis and Steele, Data parallel algorithms (Commun. ACM 29, 1986).
    """
    x, axis = (shaped(x, (math.prod(x.shape),)), 0) if axis is None else (x, axis)
    reach, length = 1, x.shape[axis]
    while reach < length:
        width = [[reach * (at == axis), 0] for at in range(x.ndim)]
        x = x * pad(x[_along(axis, slice(length - reach), x.ndim)], width=width, value=1)
        reach *= 2
    return x


cumprod: Op = composite(
    "cumprod",
    _cumprod_in_simpler_ops,
    settings={"axis": None},
    arrange=_arrange_cumsum,
    value=_cumprod,
    sample=((3,),),
)
