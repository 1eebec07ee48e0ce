"""Ops that shift, repeat and sort elements along axes, and take them at places of their own.

Names, args and defaults are NumPy's (roll, tile, repeat, sort, take_along_axis; repeat and roll without an
axis work on the elements in one row), `topk` is PyTorch's, of which this is the values. All but `sort` and
`topk` are linear.

`sort` is a network that compares two elements at a time, each pair by min and max: Batcher's merge exchange,
Knuth, The Art of Computer Programming, volume 3 (2nd ed. 1998), section 5.2.2, algorithm M. Neighbours in the
sorted order are always compared, so its kinks are the ties: there, each of a pair passes half to either.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from bpx.graph.arrays import Array, Settings, Shape, ShapeError
from bpx.graph.graph import Expr, Op
from bpx.ops.building.row import composite, structural
from bpx.ops.elementwise.selection import maximum, minimum
from bpx.ops.indices import chosen_of, moved, one_hot, refuse_ids, shaped, taken
from bpx.ops.shapes import axis_in_full, concat, flip
from bpx.ops.tensors import SettingError, is_whole, reshape, spread, sum_
from bpx.words.say import say

Pairs = list[tuple[int, int]]


def _missing(op: str, setting: str) -> TypeError:
    return TypeError(say("python.missing-setting", op=op, setting=setting))


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _flat(x: Expr) -> Expr:
    return shaped(x, (math.prod(x.shape),))


# --- shifted and repeated -----------------------------------------------------------------------


def _arrange_roll(x: Shape, *, shift: Any, axis: Any) -> Settings:
    if shift is None:
        raise _missing("roll", "shift")
    shifts = _listed(shift)
    if not all(map(is_whole, shifts)):
        raise SettingError("not-whole", setting="shift", value=shift)
    if axis is None:
        return {"shift": (sum(map(int, shifts)),), "axis": None}
    axes = [axis_in_full(number, len(x)) for number in _listed(axis)]
    if len(shifts) not in (1, len(axes)):
        raise SettingError("one-for-each-axis", setting="shift", found=len(shifts), axes=len(axes))
    shifts = shifts * len(axes) if len(shifts) == 1 else shifts
    return {"shift": tuple(map(int, shifts)), "axis": tuple(axes)}


def _roll(x: Expr, *, shift: tuple[int, ...], axis: tuple[int, ...] | None) -> Expr:
    if axis is None:
        return shaped(_rolled(_flat(x), shift[0], 0), x.shape)
    for by, along in zip(shift, axis, strict=True):
        x = _rolled(x, by, along)
    return x


def _rolled(x: Expr, shift: int, axis: int) -> Expr:
    """The last `shift` elements along an axis in front of the others."""
    by = shift % x.shape[axis]
    before = (slice(None),) * axis
    return concat(x[(*before, slice(-by, None))], x[(*before, slice(-by))], axis=axis) if by else x


def _arrange_tile(x: Shape, *, reps: Any) -> Settings:
    if reps is None:
        raise _missing("tile", "reps")
    counts = _listed(reps)
    if not counts or not all(is_whole(count) and count > 0 for count in counts):
        raise SettingError("not-a-count", setting="reps", value=reps)
    return {"reps": (1,) * (len(x) - len(counts)) + tuple(map(int, counts))}


def _tile(x: Expr, *, reps: tuple[int, ...]) -> Expr:
    whole = (1,) * (len(reps) - x.ndim) + x.shape
    copies = tuple(n for pair in zip(reps, whole, strict=True) for n in pair)
    stretched = spread(shaped(x, whole), shape=copies, axis=tuple(range(0, 2 * len(whole), 2)))
    return reshape(stretched, shape=tuple(rep * n for rep, n in zip(reps, whole, strict=True)))


def _arrange_repeat(x: Shape, *, repeats: Any, axis: Any) -> Settings:
    if repeats is None:
        raise _missing("repeat", "repeats")
    counts = _listed(repeats)
    if not all(is_whole(count) and count >= 0 for count in counts) or not sum(counts):
        raise SettingError("not-a-count", setting="repeats", value=repeats)
    axis = None if axis is None else axis_in_full(axis, len(x))
    length = math.prod(x) if axis is None else x[axis]
    if len(counts) not in (1, length):
        raise SettingError("one-for-each-element", setting="repeats", found=len(counts), length=length)
    return {"repeats": tuple(map(int, counts)), "axis": axis}


def _repeat(x: Expr, *, repeats: tuple[int, ...], axis: int | None) -> Expr:
    x, axis = (_flat(x), 0) if axis is None else (x, axis)
    if len(repeats) > 1:
        return taken(x, np.repeat(np.arange(x.shape[axis]), repeats), axis)
    before, (length, *behind) = x.shape[:axis], x.shape[axis:]
    stretched = spread(x, shape=(*before, length, repeats[0], *behind), axis=(axis + 1,))
    return reshape(stretched, shape=(*before, length * repeats[0], *behind))


roll: Op = composite(
    "roll",
    _roll,
    settings={"shift": None, "axis": None},
    arrange=_arrange_roll,
    sample=((4,),),
    sample_settings={"shift": 1},
)
tile: Op = composite(
    "tile", _tile, settings={"reps": None}, arrange=_arrange_tile, sample=((3,),), sample_settings={"reps": 2}
)
repeat: Op = composite(
    "repeat",
    _repeat,
    settings={"repeats": None, "axis": None},
    arrange=_arrange_repeat,
    sample=((3,),),
    sample_settings={"repeats": 2},
)


# --- taken at places of their own ---------------------------------------------------------------


def _arrange_take_along(x: Shape, ids: Shape, *, axis: Any) -> Settings:
    axis = axis_in_full(axis, len(x))
    rests = [(*shape[:axis], *shape[axis + 1 :]) for shape in (x, ids)]
    if len(x) != len(ids) or rests[0] != rests[1]:
        raise ShapeError("take_along", (x, ids), "shape-take-along")
    return {"axis": axis}


def _marks(x: Expr, ids: Expr, axis: int) -> Expr:
    """For each id, in the last axis but one, where along its line it points."""
    return one_hot(moved(ids, axis, x.ndim - 1), n=x.shape[axis])


def _take_along(x: Expr, ids: Expr, *, axis: int) -> Expr:
    """Of every line along the axis, the elements that its own ids number."""
    lines = moved(x, axis, x.ndim - 1)
    places = reshape(lines, shape=(*lines.shape[:-1], 1, lines.shape[-1]))
    return moved(sum_(places * _marks(x, ids, axis), axis=-1), x.ndim - 1, axis)


def _pull_take_along(upstream: Expr, x: Expr, ids: Expr, out: Expr, *, axis: int) -> tuple[Expr, None]:
    arriving = moved(upstream, axis, x.ndim - 1)
    places = reshape(arriving, shape=(*arriving.shape, 1))
    return moved(sum_(places * _marks(x, ids, axis), axis=-2), x.ndim - 1, axis), None


def _value_of_take_along(x: Array, ids: Array, *, axis: int, batch: int) -> Any:
    chosen, valid = chosen_of(ids, x.shape[axis])
    return np.where(valid, np.take_along_axis(x, chosen, axis), np.nan)


take_along: Op = structural(
    "take_along",
    _value_of_take_along,
    _pull_take_along,
    lambda x, ids, *, axis: ids,
    settings={"axis": -1},
    arrange=_arrange_take_along,
    linear=True,
    chooses=(1,),
    expands=_take_along,
    refuses=lambda x, ids, *, axis: refuse_ids("ids", ids, np.shape(x)[axis]),
    aliases=("take_along_axis",),
    sample=((2, 3), (2, 2)),
)


# --- sorted -------------------------------------------------------------------------------------


def _rounds(length: int) -> Iterator[Pairs]:
    """The pairs of places to compare: those of a round have no place in common."""
    step = top = 1 << max(length - 1, 1).bit_length() - 1
    while step:
        far, rest, apart = top, 0, step
        while True:
            pairs = [(at, at + apart) for at in range(length - apart) if at & step == rest]
            if pairs:
                yield pairs
            if far == step:
                break
            apart, far, rest = far - step, far // 2, step
        step //= 2


def _exchanged(rows: Expr, pairs: Pairs) -> Expr:
    """The rows with the smaller of each pair in its first place, and the larger in its second."""
    length = rows.shape[0]
    first, second = map(list, zip(*pairs, strict=True))
    rest = [at for at in range(length) if at not in {*first, *second}]
    left, right = taken(rows, first), taken(rows, second)
    parts = [minimum(left, right), maximum(left, right), *([taken(rows, rest)] if rest else [])]
    return taken(concat(*parts, axis=0), np.argsort([*first, *second, *rest]))


def _arrange_sort(x: Shape, *, axis: Any, descending: Any) -> Settings:
    if not isinstance(descending, bool):
        raise SettingError("not-a-flag", setting="descending", value=descending)
    return {"axis": axis_in_full(axis, len(x)), "descending": descending}


def _sort(x: Expr, *, axis: int, descending: bool) -> Expr:
    rows = moved(x, axis, 0)
    for pairs in _rounds(x.shape[axis]):
        rows = _exchanged(rows, pairs)
    return moved(flip(rows, axis=0) if descending else rows, 0, axis)


def _sorted(x: Array, *, axis: int, descending: bool, batch: int) -> Any:
    in_order = np.sort(x, axis=axis)
    return np.flip(in_order, axis) if descending else in_order


def _arrange_topk(x: Shape, *, k: Any, axis: Any, largest: Any) -> Settings:
    axis = axis_in_full(axis, len(x))
    if not isinstance(largest, bool):
        raise SettingError("not-a-flag", setting="largest", value=largest)
    if not is_whole(k) or not 0 < k <= x[axis]:
        raise SettingError("bad-k", k=k, length=x[axis])
    return {"k": int(k), "axis": axis, "largest": largest}


def _topk(x: Expr, *, k: int, axis: int, largest: bool) -> Expr:
    return sort(x, axis=axis, descending=largest)[((slice(None),) * axis + (slice(k),))]


sort: Op = composite(
    "sort",
    _sort,
    settings={"axis": -1, "descending": False},
    arrange=_arrange_sort,
    value=_sorted,
    sample=((2,),),
)
topk: Op = composite(
    "topk",
    _topk,
    settings={"k": None, "axis": -1, "largest": True},
    arrange=_arrange_topk,
    sample=((2,),),
    sample_settings={"k": 1},
)


# --- products made of shifted or repeated elements ----------------------------------------------


def _arrange_cross(a: Shape, b: Shape, *, axis: Any) -> Settings:
    axis = axis_in_full(axis, len(a))
    if a != b or a[axis] != 3:
        raise ShapeError("cross", (a, b), "shape-cross")
    return {"axis": axis}


def _cross(a: Expr, b: Expr, *, axis: int) -> Expr:
    """Each product of the next element of a and the one after it of b, less that of the others."""
    first, second = ([_rolled(x, -by, axis) for by in (1, 2)] for x in (a, b))
    return first[0] * second[1] - first[1] * second[0]


def _kron(a: Expr, b: Expr) -> Expr:
    ndim = max(a.ndim, b.ndim)
    left, right = ((1,) * (ndim - x.ndim) + x.shape for x in (a, b))
    apart = shaped(a, tuple(n for length in left for n in (length, 1)))
    blocks = apart * shaped(b, tuple(n for length in right for n in (1, length)))
    return shaped(blocks, tuple(n * m for n, m in zip(left, right, strict=True)))


cross: Op = composite("cross", _cross, settings={"axis": -1}, arrange=_arrange_cross, sample=((3,), (3,)))
kron: Op = composite("kron", _kron, sample=((2, 2), (1, 2)))
