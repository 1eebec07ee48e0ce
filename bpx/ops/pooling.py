"""Pooling and resizing, along the axes behind N×C; of a vector or a matrix, along all of its axes.

Settings and defaults are PyTorch's. The zeros that `avg_pool` pads with count as elements, unless
`count_include_pad` is false; `max_pool` looks at the elements inside alone, so that nothing has to stand for
-inf. With `ceil_mode` a window may reach beyond the end, if it starts within x or the padding before it. The
windows of an adaptive pool from floor(i·n/m) to ceil((i + 1)·n/m) differ in length by one at most.

`resize` is PyTorch's interpolate: an element of the result stands at (i + 1/2)·n/m - 1/2, or, with
`align_corners`, at i·(n - 1)/(m - 1), between two of x whose weights fall off linearly; with mode="nearest",
at floor(i·n/m).

Ties pass an even share to each of the tied elements, along one axis after the other where there is a border.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from bpx.graph.arrays import Settings, Shape
from bpx.graph.graph import Expr
from bpx.ops.building.row import composite
from bpx.ops.convolution import Steps, padded, per_axis, window_counts, window_size, windows
from bpx.ops.indices import moved, taken
from bpx.ops.shapes import concat, pad
from bpx.ops.tensors import SettingError, mean, sum_
from bpx.ops.vectors import amax

Reduction = Callable[..., Expr]


class _Windows(NamedTuple):
    """Windows of one length along one axis that follow one another: all elements of theirs are inside."""

    start: int
    size: int
    number: int


# --- settings -----------------------------------------------------------------------------------


def _pooled(x: Shape) -> int:
    """How many axes a number stands for."""
    return len(x) if len(x) <= 2 else len(x) - 2


def _flag(setting: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise SettingError("not-a-flag", setting=setting, value=value)
    return value


def _arrange_pool(
    x: Shape, *, size: Any, stride: Any, padding: Any, dilation: Any = 1, **flags: Any
) -> Settings:
    """A number is the size along every axis behind N×C (of a vector or matrix: along all its axes)."""
    every = _pooled(x)
    size = window_size(size, every)
    axes = len(size)
    stride = size if stride is None else per_axis("stride", stride, axes)
    padding = per_axis("padding", padding, axes, least=0)
    dilation = per_axis("dilation", dilation, axes)
    if any(2 * p > d * (k - 1) + 1 for p, d, k in zip(padding, dilation, size, strict=True)):
        raise SettingError("pads-too-much", padding=padding, size=size)
    left = every - axes  # axes that a list leaves out
    settings = {
        "size": (1,) * left + size,
        "stride": (1,) * left + stride,
        "padding": (0,) * left + padding,
        "dilation": (1,) * left + dilation,
    }
    window_counts(x, *(settings[name] for name in ("size", "stride", "dilation", "padding")))
    return {**settings, **{name: _flag(name, value) for name, value in flags.items()}}


def _arrange_avg_pool(x: Shape, **settings: Any) -> Settings:
    full = _arrange_pool(x, **settings)
    del full["dilation"]
    return full


def _arrange_adaptive(x: Shape, *, size: Any) -> Settings:
    size = window_size(size, _pooled(x))
    if len(size) > len(x):
        raise SettingError("windows-of-shape", size=size, x=x)
    return {"size": size}


# --- windows with a border ----------------------------------------------------------------------


def _starts(n: int, k: int, s: int, p: int, d: int, ceil_mode: bool) -> list[int]:
    """Where the windows along an axis start; one that starts in the border is negative."""
    room = n + 2 * p - d * (k - 1) - 1
    count = (room + (s - 1) * ceil_mode) // s + 1
    return [at * s - p for at in range(count) if not at or at * s < n + p]


def _inside(start: int, n: int, k: int, d: int) -> tuple[int, int]:
    """The first element inside of a window, and how many there are."""
    places = [start + d * at for at in range(k) if 0 <= start + d * at < n]
    return places[0], len(places)


def _runs(n: int, k: int, s: int, p: int, d: int, ceil_mode: bool) -> list[_Windows]:
    """The windows along an axis, without what is outside; those that look alike as one."""
    runs: list[_Windows] = []
    for start in _starts(n, k, s, p, d, ceil_mode):
        first, size = _inside(start, n, k, d)
        last = runs[-1] if runs else None
        if last and last.size == size and first == last.start + last.number * s:
            runs[-1] = last._replace(number=last.number + 1)
        else:
            runs.append(_Windows(first, size, 1))
    return runs


def _along(
    x: Expr, axis: int, runs: Sequence[_Windows], stride: int, dilation: int, reduce: Reduction
) -> Expr:
    """What `reduce` makes of windows along one axis."""
    x = moved(x, axis, x.ndim - 1)
    parts = []
    for start, size, number in runs:
        reach = dilation * (size - 1) + 1 + stride * (number - 1)
        seen = windows(x[(..., slice(start, start + reach))], size=size, stride=stride, dilation=dilation)
        parts.append(reduce(seen, axis=-1))
    whole = concat(*parts, axis=x.ndim - 1) if len(parts) > 1 else parts[0]
    return moved(whole, x.ndim - 1, axis)


def _has_border(
    x: Shape, *, size: Steps, stride: Steps, padding: Steps, dilation: Steps, ceil_mode: bool
) -> bool:
    each = zip(x[len(x) - len(size) :], size, stride, padding, dilation, strict=True)
    return any(padding) or any(len(_runs(n, k, s, p, d, ceil_mode)) > 1 for n, k, s, p, d in each)


def _within(size: Steps) -> list[int]:
    """The axes inside of windows."""
    return list(range(-len(size), 0))


# --- pools --------------------------------------------------------------------------------------


def _max_pool(x: Expr, **settings: Any) -> Expr:
    size, stride, dilation = settings["size"], settings["stride"], settings["dilation"]
    if not _has_border(x.shape, **settings):
        return amax(windows(x, size=size, stride=stride, dilation=dilation), axis=_within(size))
    first = x.ndim - len(size)
    each = zip(size, stride, settings["padding"], dilation, strict=True)
    for axis, (k, s, p, d) in enumerate(each, first):
        x = _along(x, axis, _runs(x.shape[axis], k, s, p, d, settings["ceil_mode"]), s, d, amax)
    return x


def _avg_pool(
    x: Expr, *, size: Steps, stride: Steps, padding: Steps, ceil_mode: bool, count_include_pad: bool
) -> Expr:
    steps = {"size": size, "stride": stride, "padding": padding, "dilation": (1,) * len(size)}
    bordered = _has_border(x.shape, ceil_mode=ceil_mode, **steps)
    if not bordered or (count_include_pad and not ceil_mode):
        return mean(windows(padded(x, padding), size=size, stride=stride), axis=_within(size))
    lengths = x.shape[x.ndim - len(size) :]
    each = list(zip(lengths, size, stride, padding, strict=True))
    starts = [_starts(n, k, s, p, 1, ceil_mode) for n, k, s, p in each]
    behind = [max(at[-1] + k - n, 0) for at, (n, k, _, _) in zip(starts, each, strict=True)]
    width = [*[(0, 0)] * (x.ndim - len(size)), *zip(padding, behind, strict=True)]
    total = sum_(windows(pad(x, width=width), size=size, stride=stride), axis=_within(size))
    counts = [_elements(at, *of, count_include_pad) for at, of in zip(starts, each, strict=True)]
    average: Expr = total / _product(counts)
    return average


def _elements(starts: list[int], n: int, k: int, s: int, p: int, with_pads: bool) -> list[float]:
    """How many elements count in each window along an axis."""
    low, high = (-p, n + p) if with_pads else (0, n)
    return [float(min(at + k, high) - max(at, low)) for at in starts]


def _product(counts: Sequence[Sequence[float]]) -> Any:
    out = np.ones(())
    for along in counts:
        out = out[..., np.newaxis] * np.asarray(along)
    return out


def _adaptive(reduce: Reduction) -> Callable[..., Expr]:
    """Along each axis as many windows as are wanted, which cover it evenly."""

    def pool(x: Expr, *, size: Steps) -> Expr:
        for axis, wanted in enumerate(size, x.ndim - len(size)):
            n = x.shape[axis]
            ends = [(at * n // wanted, -(-(at + 1) * n // wanted)) for at in range(wanted)]
            before = (slice(None),) * axis
            parts = [reduce(x[(*before, slice(*part))], axis=axis, keepdims=True) for part in ends]
            x = concat(*parts, axis=axis) if wanted > 1 else parts[0]
        return x

    return pool


def _over_all(reduce: Reduction) -> Callable[..., Expr]:
    return lambda x: reduce(x, axis=list(range(x.ndim - _pooled(x.shape), x.ndim)), keepdims=True)


max_pool = composite(
    "max_pool",
    _max_pool,
    args=("x",),
    settings={"size": None, "stride": None, "padding": 0, "dilation": 1, "ceil_mode": False},
    arrange=_arrange_pool,
    sample=((4, 4),),
    sample_settings={"size": 2},
)
avg_pool = composite(
    "avg_pool",
    _avg_pool,
    settings={"size": None, "stride": None, "padding": 0, "ceil_mode": False, "count_include_pad": True},
    arrange=_arrange_avg_pool,
    sample=((4, 4),),
    sample_settings={"size": 2},
)
_ADAPTIVE: Settings = {"settings": {"size": None}, "arrange": _arrange_adaptive, "args": ("x",)}
adaptive_max_pool = composite(
    "adaptive_max_pool", _adaptive(amax), sample=((5,),), sample_settings={"size": 2}, **_ADAPTIVE
)
adaptive_avg_pool = composite(
    "adaptive_avg_pool", _adaptive(mean), sample=((5,),), sample_settings={"size": 2}, **_ADAPTIVE
)
global_max_pool = composite("global_max_pool", _over_all(amax), args=("x",), sample=((1, 2, 3),))
global_avg_pool = composite("global_avg_pool", _over_all(mean), args=("x",), sample=((1, 2, 3),))


# --- resized ------------------------------------------------------------------------------------

_LINEAR = ("linear", "bilinear", "trilinear")  # the same along one, two or three axes


def _arrange_resize(x: Shape, *, size: Any, mode: Any, align_corners: Any) -> Settings:
    if mode not in (*_LINEAR, "nearest"):
        choices = ", ".join((*_LINEAR, "nearest"))
        raise SettingError("not-one-of", setting="mode", value=mode, choices=choices)
    settings = _arrange_adaptive(x, size=size)
    return {**settings, "mode": mode, "align_corners": _flag("align_corners", align_corners)}


def _weights(n: int, wanted: int, mode: str, align_corners: bool) -> tuple[Any, int]:
    """Whole numbers, and what they are over: a row of weights of the n elements for each that is wanted."""
    if mode == "nearest":
        return np.eye(n)[_nearest(n, wanted)], 1
    over = max(wanted - 1, 1) if align_corners else 2 * wanted
    matrix = np.zeros((wanted, n))
    for at in range(wanted):
        place = at * (n - 1) if align_corners else (2 * at + 1) * n - wanted
        low, rest = divmod(min(max(place, 0), (n - 1) * over), over)
        matrix[at, low] += over - rest
        matrix[at, min(low + 1, n - 1)] += rest
    return matrix, over


def _nearest(n: int, wanted: int) -> list[int]:
    return [at * n // wanted for at in range(wanted)]


def _resize(x: Expr, *, size: Steps, mode: str, align_corners: bool) -> Expr:
    for axis, wanted in enumerate(size, x.ndim - len(size)):
        n = x.shape[axis]
        if wanted == n:
            continue
        if mode == "nearest":
            x = taken(x, _nearest(n, wanted), axis)
        else:
            matrix, over = _weights(n, wanted, mode, align_corners)
            x = _times(x, axis, matrix.T, over)
    return x


def _times(x: Expr, axis: int, matrix: Any, over: int) -> Expr:
    product = moved(x, axis, x.ndim - 1) @ matrix
    return moved(product / over if over > 1 else product, x.ndim - 1, axis)


def _pull_resize(
    upstream: Expr, x: Expr, out: Expr, *, size: Steps, mode: str, align_corners: bool
) -> tuple[Expr]:
    for axis, wanted in enumerate(size, x.ndim - len(size)):
        if wanted != x.shape[axis]:
            upstream = _times(upstream, axis, *_weights(x.shape[axis], wanted, mode, align_corners))
    return (upstream,)


resize = composite(
    "resize",
    _resize,
    settings={"size": None, "mode": "bilinear", "align_corners": False},
    arrange=_arrange_resize,
    pull=_pull_resize,
    aliases=("interpolate",),
    sample=((2,),),
    sample_settings={"size": 3},
)
