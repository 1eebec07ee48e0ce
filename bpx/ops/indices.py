"""Ops that take elements out of arrays: by index, or by number, or along a diagonal.

Indices are NumPy's basic ones, `x[1:3, 0]`. What chooses by number follows PyTorch's functional form
(embedding, one_hot; its `gather` along the last axis is `pick` here). All are linear; an arg of whole
numbers only chooses, and nothing is handed back to it. The rule of each is its transpose: what an
element was copied to comes back to it, summed, as reverse-mode accumulation of copies has it (Griewank
and Walther, Evaluating Derivatives, 2nd ed., SIAM 2008, chapter 3).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bpx.graph.arrays import Array, Settings, Shape, ShapeError
from bpx.graph.facts import Notation, Refusal
from bpx.graph.graph import Expr, Op
from bpx.ops.building.row import composite, structural
from bpx.ops.tensors import SettingError, is_whole, lengths, reshape, sum_, transpose
from bpx.words.say import say

Triple = tuple[int, int, int]  # start, stop, step, as `range` has them
At = tuple[int | Triple, ...]  # for each axis


# --- indices ------------------------------------------------------------------------------------


def index_in_full(at: Any, x: Shape) -> At:
    """A basic NumPy index of an array of shape `x`, as a number or a (start, stop, step) for each axis.

    `at` is a whole number, a slice or `...`, or a sequence of these and of triples such as `range` takes.
    Raises `SettingError` for what is none of them, selects nothing or lies outside.
    """
    entries = list(at) if isinstance(at, list | tuple) else [at]
    gaps = [axis for axis, entry in enumerate(entries) if entry is ...]
    missing = len(x) - (len(entries) - len(gaps))
    if len(gaps) > 1:
        raise SettingError("two-ellipses")
    if missing < 0:
        raise SettingError("too-many-indices", found=len(entries) - len(gaps), ndim=len(x))
    gap = gaps[0] if gaps else len(entries)
    entries[gap : gap + 1] = [slice(None)] * missing
    pairs = enumerate(zip(entries, x, strict=True))
    return tuple(_in_full(entry, axis, length) for axis, (entry, length) in pairs)


def _in_full(entry: Any, axis: int, length: int) -> int | Triple:
    if is_whole(entry):
        if not -length <= entry < length:
            raise SettingError("index-out-of-range", index=entry, axis=axis, length=length)
        return int(entry) % length
    part = _as_slice(entry)
    if part.step == 0:
        raise SettingError("slice-step-zero")
    triple = part.indices(length)
    if not range(*triple):
        raise SettingError("empty-selection", index=_slice_text(part), axis=axis, length=length)
    return triple


def _as_slice(entry: Any) -> slice:
    """A slice, or a triple as one; in a triple -1 is what a count downwards to the first stops at."""
    parts = [entry.start, entry.stop, entry.step] if isinstance(entry, slice) else entry
    if not isinstance(parts, list | tuple) or len(parts) != 3:
        raise SettingError("not-an-index", index=str(entry))
    if not all(part is None or is_whole(part) for part in parts):
        raise SettingError("not-an-index", index=_slice_text(slice(*parts)))
    start, stop, step = parts
    downwards = not isinstance(entry, slice) and step is not None and step < 0 and stop == -1
    return slice(start, None if downwards else stop, step)


def _slice_text(part: slice) -> str:
    """`1:3` or `::2`, as it is written."""
    ends = f"{_or_nothing(part.start)}:{_or_nothing(part.stop)}"
    return ends if part.step is None else f"{ends}:{part.step}"


def _or_nothing(number: int | None) -> str:
    return "" if number is None else str(number)


def selected_shape(at: At) -> Shape:
    """The shape of what an index in full selects."""
    return tuple(len(range(*part)) for part in at if isinstance(part, tuple))


def as_numpy(at: At) -> tuple[int | slice, ...]:
    """An index in full as NumPy takes it."""
    return tuple(_upto(*part) if isinstance(part, tuple) else part for part in at)


def _upto(start: int, stop: int, step: int) -> slice:
    return slice(start, stop if stop >= 0 else None, step)


def _place(x: Array, *, at: At, shape: Shape, batch: int) -> Any:
    out = np.zeros((*shape, *x.shape[x.ndim - batch :]), dtype=x.dtype)
    out[as_numpy(at)] = x[()]  # an array of one object would be taken for the object
    return out


def _arrange_place(x: Shape, *, at: Any, shape: Any) -> Settings:
    if at is None:
        raise TypeError(say("python.missing-setting", op="place", setting="at"))
    whole = lengths(shape)
    return {"at": index_in_full(at, whole), "shape": whole}


def _place_shape(x: Shape, *, at: At, shape: Shape) -> Shape:
    if x != selected_shape(at):
        raise ShapeError("place", (x,), "shape-place")
    return shape


def _arrange_index(x: Shape, *, at: Any) -> Settings:
    if at is None:
        raise TypeError(say("python.missing-setting", op="index", setting="at"))
    return {"at": index_in_full(at, x)}


index: Op = structural(
    "index",
    lambda x, *, at, batch: x[as_numpy(at)],
    lambda upstream, x, out, *, at: (place(upstream, at=at, shape=x.shape),),
    lambda x, *, at: selected_shape(at),
    Notation("index", "[]", 50),
    settings={"at": None},
    arrange=_arrange_index,
    linear=True,
    sample_settings={"at": [0]},
)
place: Op = structural(
    "place",
    _place,
    lambda upstream, x, out, *, at, shape: (index(upstream, at=at),),
    _place_shape,
    settings={"at": None, "shape": None},
    arrange=_arrange_place,
    linear=True,
    sample=((3,),),
    sample_settings={"at": [0], "shape": [2, 3]},
)


# --- chosen by whole numbers, which count from 0 ------------------------------------------------


def chosen_of(ids: Any, count: int) -> tuple[Any, Any]:
    """Numbers as an integer array, 0 in the place of what chooses none of `count`; and where it does."""
    numbers = np.asarray(ids)
    if numbers.dtype.hasobject:
        same = np.equal(numbers[..., np.newaxis], np.arange(count)).astype(bool)
        return same.argmax(axis=-1), same.any(axis=-1)
    valid = (numbers >= 0) & (numbers < count) & (numbers == np.floor(numbers))
    return np.where(valid, numbers, 0).astype(np.intp), valid


def refuse_ids(name: str, ids: Any, count: int) -> Refusal | None:
    """Why the numbers of an arg choose none of `count`, if they do not."""
    _, valid = chosen_of(ids, count)
    for at in np.argwhere(~valid)[:1].tolist():
        number = float(np.asarray(ids)[tuple(at)])
        place = f"{name}{at}" if at else name
        code = "bad-id" if number.is_integer() else "id-not-whole"
        return Refusal(code, {"place": place, "found": f"{number:g}", "last": count - 1, "count": count})
    return None


def _arrange_one_hot(ids: Shape, *, n: Any) -> Settings:
    if not is_whole(n) or n < 1:
        raise SettingError("not-a-count", setting="n", value=n)
    return {"n": int(n)}


def _one_hot(ids: Array, *, n: int, batch: int) -> Any:
    chosen, valid = chosen_of(ids, n)
    axis = chosen.ndim - batch
    numbers = np.arange(n).reshape(n, *[1] * batch)
    ones = np.where(np.expand_dims(chosen, axis) == numbers, 1.0, 0.0)
    return np.where(np.expand_dims(valid, axis), ones, np.nan)


def _pick_shape(x: Shape, ids: Shape) -> Shape:
    if not x or x[:-1] != ids:
        raise ShapeError("pick", (x, ids), "shape-pick")
    return ids


def _pick(x: Array, ids: Array, *, batch: int) -> Any:
    axis = x.ndim - 1 - batch
    chosen, valid = chosen_of(ids, x.shape[axis])
    picked = np.take_along_axis(x, np.expand_dims(chosen, axis), axis)
    return np.where(valid, np.squeeze(picked, axis), np.nan)


def _embedding_shape(table: Shape, ids: Shape) -> Shape:
    if not table:
        raise ShapeError("embedding", (table, ids), "shape-table")
    return (*ids, *table[1:])


def _embedding(table: Array, ids: Array, *, batch: int) -> Any:
    chosen, valid = chosen_of(ids, len(table))
    if not batch:
        return np.where(np.reshape(valid, ids.shape + (1,) * (table.ndim - 1)), table[chosen], np.nan)
    points = np.arange(table.shape[-1]).reshape(-1, *[1] * (ids.ndim - 1))
    rows = np.moveaxis(table, -1, 0)[points, np.moveaxis(chosen, -1, 0)]
    valid = np.reshape(valid, (*ids.shape[:-1], *[1] * (table.ndim - 2), -1))
    return np.where(valid, np.moveaxis(rows, 0, -1), np.nan)


def _embedding_in_simpler_ops(table: Expr, ids: Expr) -> Expr:
    """A row of marks times the table is the row that is marked."""
    count, *row = table.shape
    rows = shaped(table, (count, math.prod(row)))
    return shaped(one_hot(ids, n=count) @ rows, (*ids.shape, *row))


def _scatter_shape(x: Shape, ids: Shape, *, n: int) -> Shape:
    if x[: len(ids)] != ids:
        raise ShapeError("scatter", (x, ids), "shape-scatter")
    return (n, *x[len(ids) :])


def _scatter(x: Array, ids: Array, *, n: int, batch: int) -> Any:
    rows = x.ndim - ids.ndim
    chosen, valid = chosen_of(ids, n)
    if not batch:
        x, chosen, valid = x[..., np.newaxis], chosen[..., np.newaxis], valid[..., np.newaxis]
    valid = np.reshape(valid, (*valid.shape[:-1], *[1] * rows, -1))
    x = np.moveaxis(np.where(valid, x, np.nan), -1, 0)
    chosen = np.moveaxis(chosen, -1, 0)
    points = np.arange(len(x)).reshape(-1, *[1] * (chosen.ndim - 1))
    out = np.zeros((len(x), n, *x.shape[chosen.ndim :]), dtype=x.dtype)
    np.add.at(out, (points, chosen), x)
    return np.moveaxis(out, 0, -1) if batch else out[0]


def _scatter_in_simpler_ops(x: Expr, ids: Expr, *, n: int) -> Expr:
    """The ones of row i stand where i was chosen."""
    count, row = math.prod(ids.shape), x.shape[ids.ndim :]
    marks = shaped(one_hot(ids, n=n), (count, n))
    return shaped(marks.T @ shaped(x, (count, math.prod(row))), (n, *row))


def shaped(x: Expr, shape: Shape) -> Expr:
    """`x` in another shape; itself where that is its own."""
    return x if x.shape == shape else reshape(x, shape=shape)


def moved(x: Expr, axis: int, to: int) -> Expr:
    """`x` with one of its axes in another place."""
    order = [at for at in range(x.ndim) if at != axis]
    order.insert(to, axis)
    return x if axis == to else transpose(x, axes=order)


def taken(x: Expr, ids: Any, axis: int = 0) -> Expr:
    """The slices of `x` along an axis that whole numbers choose, which are known beforehand."""
    first, count = int(ids[0]), len(ids)
    if list(ids) == list(range(first, first + count)):
        part = (slice(None),) * axis + (slice(first, first + count),)
        return x if count == x.shape[axis] else x[part]
    return moved(embedding(moved(x, axis, 0), x.graph.constant(np.asarray(ids, dtype=float))), 0, axis)


one_hot: Op = structural(
    "one_hot",
    _one_hot,
    lambda upstream, ids, out, *, n: (None,),
    lambda ids, *, n: (*ids, n),
    settings={"n": None},
    arrange=_arrange_one_hot,
    linear=True,
    chooses=(0,),
    refuses=lambda ids, *, n: refuse_ids("ids", ids, n),
    sample=((2,),),
    sample_settings={"n": 3},
)
pick: Op = structural(
    "pick",
    _pick,
    lambda upstream, x, ids, out: (
        shaped(upstream, (*ids.shape, 1)) * one_hot(ids, n=x.shape[-1]),
        None,
    ),
    _pick_shape,
    linear=True,
    chooses=(1,),
    refuses=lambda x, ids: refuse_ids("ids", ids, np.shape(x)[-1]),
    expands=lambda x, ids: sum_(x * one_hot(ids, n=x.shape[-1]), axis=-1),
    sample=((2, 3), (2,)),
)
embedding: Op = structural(
    "embedding",
    _embedding,
    lambda upstream, table, ids, out: (scatter(upstream, ids, n=table.shape[0]), None),
    _embedding_shape,
    linear=True,
    chooses=(1,),
    refuses=lambda table, ids: refuse_ids("ids", ids, len(table)),
    expands=_embedding_in_simpler_ops,
    aliases=("gather", "take"),
    sample=((3, 2), (4,)),
)
scatter: Op = structural(
    "scatter",
    _scatter,
    lambda upstream, x, ids, out, *, n: (embedding(upstream, ids), None),
    _scatter_shape,
    settings={"n": None},
    arrange=lambda x, ids, *, n: _arrange_one_hot(ids, n=n),
    linear=True,
    chooses=(1,),
    refuses=lambda x, ids, *, n: refuse_ids("ids", ids, n),
    expands=_scatter_in_simpler_ops,
    sample=((4, 2), (4,)),
    sample_settings={"n": 3},
)


# --- diagonals ----------------------------------------------------------------------------------


def _arrange_diag(x: Shape, *, k: Any) -> Settings:
    if not is_whole(k):
        raise SettingError("not-whole", setting="k", value=k)
    if len(x) not in (1, 2):
        raise SettingError("no-diagonal", old=x)
    if len(x) == 2 and not -x[0] < k < x[1]:
        raise SettingError("bad-diagonal", k=k, old=x)
    return {"k": int(k)}


def _diag_shape(x: Shape, *, k: int) -> Shape:
    if len(x) == 1:
        return (x[0] + abs(k),) * 2
    return (min(x[0] + min(k, 0), x[1] - max(k, 0)),)


def _diag(x: Array, *, k: int, batch: int) -> Any:
    matrix = x.ndim - batch == 2
    length = _diag_shape(x.shape[:2], k=k)[0] if matrix else len(x)
    at = np.arange(length) + max(-k, 0), np.arange(length) + max(k, 0)
    if matrix:
        return x[at]
    out = np.zeros((*_diag_shape(x.shape[:1], k=k), *x.shape[1:]), dtype=x.dtype)
    out[at] = x
    return out


def _pull_diag(upstream: Expr, x: Expr, out: Expr, *, k: int) -> tuple[Expr]:
    back = diag(upstream, k=k)
    if back.shape == x.shape:
        return (back,)
    # A matrix that is not square, or has other elements beyond the ends of a diagonal beside the main one.
    shape = tuple(map(min, zip(x.shape, back.shape, strict=True)))
    part = tuple(map(slice, shape))
    return (place(back if shape == back.shape else back[part], at=part, shape=x.shape),)


def _arrange_trace(a: Shape) -> Settings:
    if len(a) != 2:
        raise ShapeError("trace", (a,), "shape-matrix")
    return {}


diag: Op = structural(
    "diag",
    _diag,
    _pull_diag,
    _diag_shape,
    settings={"k": 0},
    arrange=_arrange_diag,
    linear=True,
    sample=((3,),),
)
trace: Op = composite("trace", lambda a: sum_(diag(a)), arrange=_arrange_trace, sample=((3, 3),))
