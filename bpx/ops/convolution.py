"""Convolution as in deep learning, upon windows that slide over the last axes.

`conv1d` and `conv2d` take args, settings and defaults of PyTorch's functional form: N×C×L or N×C×H×W with
a kernel O×C/groups×k, and they are cross-correlations: the kernel is not flipped. The result has

    floor((n + 2*padding - dilation*(k - 1) - 1) / stride) + 1

elements along an axis of length n: what is left over at the end is not looked at, as in PyTorch
(Dumoulin and Visin, A guide to convolution arithmetic for deep learning, arXiv:1603.07285, 2016).
`conv_transpose1d` and `conv_transpose2d`, with a kernel C×O/groups×k, do to x what the rule of the others
does to the upstream gradient.
`windows` is NumPy's sliding_window_view with strides, `overlap_add` its transpose.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial, reduce
from operator import add
from typing import Any

import numpy as np

from bpx.graph.arrays import Array, Settings, Shape
from bpx.graph.graph import Expr, Op
from bpx.ops.building.row import composite, structural
from bpx.ops.linear_algebra import einsum
from bpx.ops.shapes import pad
from bpx.ops.tensors import SettingError, is_whole, reshape, sum_

MOST_TERMS = 64  # of an index sum that is written out; a larger kernel is put as a product of windows

Steps = tuple[int, ...]  # one for each axis that windows slide over


# --- settings -----------------------------------------------------------------------------------


def per_axis(setting: str, value: Any, axes: int, least: int = 1) -> Steps:
    """A whole number for each axis, or the same for all. Raises `SettingError` where it is none."""
    steps = tuple(value) if isinstance(value, list | tuple) else (value,) * axes
    if not steps or len(steps) != axes or not all(is_whole(step) and step >= least for step in steps):
        text = "nothing" if value is None else str(value)
        raise SettingError("bad-window-setting", setting=setting, value=text, axes=axes, least=least)
    return steps


def window_size(value: Any, axes: int) -> Steps:
    """The size of windows: one length for each of the last `axes` axes, or a list that says how many."""
    return per_axis("size", value, len(value) if isinstance(value, list | tuple) else axes)


def window_counts(
    x: Shape, size: Steps, stride: Steps, dilation: Steps, padding: Steps | None = None
) -> tuple[int, ...]:
    """How many windows there are along each of the last axes. Raises `SettingError` where there is none."""
    padding = padding or (0,) * len(size)
    if len(size) > len(x):
        raise SettingError("windows-of-shape", size=size, x=x)
    counts = []
    for n, k, s, d, p in zip(x[len(x) - len(size) :], size, stride, dilation, padding, strict=True):
        counts.append((n + 2 * p - d * (k - 1) - 1) // s + 1)
        if counts[-1] < 1:
            facts = {"x": x, "size": size, "n": n, "k": k, "s": s, "d": d, "p": p}
            raise SettingError("window-too-large", help="count-of-windows", **facts)
    return tuple(counts)


def window_places(
    offset: Sequence[int], counts: Sequence[int], stride: Steps, dilation: Steps
) -> tuple[slice, ...]:
    """Where the elements stand that all windows have at one offset from where they start."""
    starts = [d * at for d, at in zip(dilation, offset, strict=True)]
    return tuple(
        slice(start, start + step * (count - 1) + 1, step if step > 1 else None)
        for start, step, count in zip(starts, stride, counts, strict=True)
    )


# --- windows ------------------------------------------------------------------------------------


def _arrange_windows(x: Shape, *, size: Any, stride: Any, dilation: Any) -> Settings:
    size = window_size(size, 1)
    stride, dilation = per_axis("stride", stride, len(size)), per_axis("dilation", dilation, len(size))
    window_counts(x, size, stride, dilation)
    return {"size": size, "stride": stride, "dilation": dilation}


def _windows_shape(x: Shape, *, size: Steps, stride: Steps, dilation: Steps) -> Shape:
    return (*x[: len(x) - len(size)], *window_counts(x, size, stride, dilation), *size)


def _windows(x: Array, *, size: Steps, stride: Steps, dilation: Steps, batch: int) -> Any:
    first = x.ndim - batch - len(size)
    reach = [d * (k - 1) + 1 for k, d in zip(size, dilation, strict=True)]
    axes = tuple(range(first, first + len(size)))
    every = np.lib.stride_tricks.sliding_window_view(x, reach, axis=axes)
    steps = [*[1] * first, *stride, *[1] * batch, *dilation]
    seen = every[tuple(slice(None, None, step) for step in steps)]
    return np.moveaxis(seen, first + len(size), -1) if batch else seen


def _arrange_overlap_add(x: Shape, *, shape: Any, stride: Any, dilation: Any) -> Settings:
    shape = per_axis("shape", shape, len(shape) if isinstance(shape, list | tuple) else 1)
    axes = len(shape)
    stride, dilation = per_axis("stride", stride, axes), per_axis("dilation", dilation, axes)
    return {"shape": shape, "stride": stride, "dilation": dilation}


def _overlap_add_shape(x: Shape, *, shape: Shape, stride: Steps, dilation: Steps) -> Shape:
    axes = len(shape)
    rest = len(x) - 2 * axes
    if rest < 0 or x[rest : rest + axes] != window_counts(shape, x[rest + axes :], stride, dilation):
        raise SettingError("no-windows-of", x=x, whole=shape)
    return (*x[:rest], *shape)


def few_parts(x: Array, stride: Steps, dilation: Steps, batch: int = 0) -> tuple[Array, Steps, Steps]:
    """Windows, stride and dilation such that fewer parts are added, where a kernel is longer than its way.

    Element i of window n stands at n·stride + i·dilation: windows and their elements may change places.
    """
    axes, first = len(stride), x.ndim - batch - 2 * len(stride)
    steps = [(stride[axis], dilation[axis]) for axis in range(axes)]
    for axis in range(axes):
        if x.shape[first + axis] < x.shape[first + axes + axis]:
            x = np.swapaxes(x, first + axis, first + axes + axis)
            steps[axis] = steps[axis][::-1]
    return x, tuple(step for step, _ in steps), tuple(step for _, step in steps)


def _overlap_add(x: Array, *, shape: Shape, stride: Steps, dilation: Steps, batch: int) -> Any:
    axes = len(shape)
    x, stride, dilation = few_parts(x, stride, dilation, batch)
    lengths, batch_axes = x.shape[: x.ndim - batch], x.shape[x.ndim - batch :]
    counts, size = lengths[-2 * axes : -axes], lengths[-axes:]
    out = np.zeros((*lengths[: -2 * axes], *shape, *batch_axes), dtype=x.dtype)
    whole = [slice(None)] * batch
    for offset in np.ndindex(size):
        places: Any = (..., *window_places(offset, counts, stride, dilation), *whole)
        out[places] += x[(..., *offset, *whole)]
    return out


windows: Op = structural(
    "windows",
    _windows,
    lambda upstream, x, out, *, size, stride, dilation: (
        overlap_add(upstream, shape=x.shape[x.ndim - len(size) :], stride=stride, dilation=dilation),
    ),
    _windows_shape,
    settings={"size": None, "stride": 1, "dilation": 1},
    arrange=_arrange_windows,
    linear=True,
    sample=((4,),),
    sample_settings={"size": 2},
)
overlap_add: Op = structural(
    "overlap_add",
    _overlap_add,
    lambda upstream, x, out, *, shape, stride, dilation: (
        windows(upstream, size=x.shape[x.ndim - len(shape) :], stride=stride, dilation=dilation),
    ),
    _overlap_add_shape,
    settings={"shape": None, "stride": 1, "dilation": 1},
    arrange=_arrange_overlap_add,
    linear=True,
    sample=((3, 2),),
    sample_settings={"shape": 4},
)


# --- convolution --------------------------------------------------------------------------------

_AXES_OF_X = {1: "N×C×L", 2: "N×C×H×W"}
_AXES_OF_W = {1: "O×C/groups×k", 2: "O×C/groups×kH×kW"}


def _arrange_conv(
    x: Shape, w: Shape, b: Shape, *, stride: Any, padding: Any, dilation: Any, groups: Any, axes: int
) -> Settings:
    if len(x) != axes + 2 or len(w) != axes + 2:
        raise SettingError("conv-axes", x=x, w=w, of_x=_AXES_OF_X[axes], of_w=_AXES_OF_W[axes])
    stride, dilation = per_axis("stride", stride, axes), per_axis("dilation", dilation, axes)
    padding = per_axis("padding", padding, axes, least=0)
    if not is_whole(groups) or groups < 1:
        raise SettingError("not-a-count", setting="groups", value=groups)
    if w[0] % groups or w[1] * groups != x[1]:
        facts = {"x": x, "w": w, "groups": groups, "channels": x[1], "outputs": w[0], "taken": w[1]}
        raise SettingError("conv-channels", help="conv-channels", **facts)
    if b not in ((), (w[0],)):
        raise SettingError("conv-bias", b=b, w=w, outputs=w[0])
    window_counts(x, w[2:], stride, dilation, padding)
    return {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


# The letters of the axes for einsum, by how many axes windows slide over.
_AT = {1: "l", 2: "hw"}
_WITHIN = {0: "", 1: "k", 2: "uv"}
_GROUPED = {"x": 1, "w": 0, "y": 1}  # the axis of each that groups share out


def _product(names: str, a: Expr, b: Expr, axes: int, within: int, groups: int) -> Expr:
    """einsum of two of x (windows of it), w (the kernel) and y (the result) for the third: "wxy" gives y.

    The windows have `within` axes: as many as they slide over, or none where x and w are no more than what
    meets at one element of the kernel.
    """
    group, at, kernel = "g" * (groups > 1), _AT[axes], _WITHIN[within]
    letters = {"x": f"n{group}c{at}{kernel}", "w": f"{group}oc{kernel}", "y": f"n{group}o{at}"}
    first, second, out = tuple(names)
    subscripts = f"{letters[first]},{letters[second]}->{letters[out]}"
    if groups == 1:
        return einsum(a, b, subscripts=subscripts)
    gradient = einsum(
        _split(a, _GROUPED[first], groups), _split(b, _GROUPED[second], groups), subscripts=subscripts
    )
    return _merged(gradient, _GROUPED[out])


def _split(x: Expr, axis: int, groups: int) -> Expr:
    """`x` with an axis for the groups in front of that of the channels."""
    return reshape(x, shape=(*x.shape[:axis], groups, x.shape[axis] // groups, *x.shape[axis + 1 :]))


def _merged(x: Expr, axis: int) -> Expr:
    return reshape(x, shape=(*x.shape[:axis], x.shape[axis] * x.shape[axis + 1], *x.shape[axis + 2 :]))


def padded(x: Expr, padding: Steps) -> Expr:
    """`x` with zeros around its last axes."""
    width = [*[(0, 0)] * (x.ndim - len(padding)), *((p, p) for p in padding)]
    return pad(x, width=width) if any(padding) else x


def _inside(x: Shape, padding: Steps) -> tuple[Any, ...]:
    """Where `x` stands within what it is padded to."""
    lengths = x[len(x) - len(padding) :]
    return (..., *(slice(p, p + n) for p, n in zip(padding, lengths, strict=True)))


def _with_bias(y: Expr, b: Expr) -> Expr:
    return y + (reshape(b, shape=(*b.shape, *[1] * (y.ndim - 2))) if b.ndim else b)


def _by_windows(
    x: Expr, w: Expr, b: Expr, *, stride: Steps, padding: Steps, dilation: Steps, groups: int
) -> Expr:
    """The products of the kernel and each window, summed: fast, as it comes down to a product of matrices."""
    seen = windows(padded(x, padding), size=w.shape[2:], stride=stride, dilation=dilation)
    return _with_bias(_product("wxy", w, seen, len(stride), len(stride), groups), b)


def _index_sum(
    x: Expr, w: Expr, b: Expr, *, stride: Steps, padding: Steps, dilation: Steps, groups: int
) -> Expr:
    """Each element of the kernel times the elements of x that it meets; and their sum."""
    size = w.shape[2:]
    if math.prod(size) > MOST_TERMS:
        return _by_windows(x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups)
    whole, counts = padded(x, padding), window_counts(x.shape, size, stride, dilation, padding)
    terms = []
    for offset in np.ndindex(size):
        places = window_places(offset, counts, stride, dilation)
        terms.append(_term(whole[(..., *places)], w, offset, groups))
    return _with_bias(reduce(add, terms), b)


def _term(elements: Expr, w: Expr, offset: Steps, groups: int) -> Expr:
    """One element of the kernel times the `elements` it meets, summed over channels where there are any."""
    if w.shape[:2] == (1, 1) and groups == 1:
        return w[(0, 0, *offset)] * elements
    return _product("wxy", w[(..., *offset)], elements, len(offset), 0, groups)


def _pull_conv(
    upstream: Expr,
    x: Expr,
    w: Expr,
    b: Expr,
    out: Expr,
    *,
    stride: Steps,
    padding: Steps,
    dilation: Steps,
    groups: int,
) -> tuple[Expr, Expr, Expr]:
    """Dumoulin and Visin, chapter 4: the kernel gets the correlation of the input's windows and what arrives,
    the input what arrives, put back through the kernel.
    """
    whole = padded(x, padding)
    seen = windows(whole, size=w.shape[2:], stride=stride, dilation=dilation)
    axes = len(stride)
    to_seen = _product("wyx", w, upstream, axes, axes, groups)
    to_padded = overlap_add(to_seen, shape=whole.shape[2:], stride=stride, dilation=dilation)
    return (
        to_padded[_inside(x.shape, padding)] if any(padding) else to_padded,
        _product("xyw", seen, upstream, axes, axes, groups),
        sum_(upstream, axis=[axis for axis in range(upstream.ndim) if axis != 1] if b.ndim else None),
    )


def _conv(name: str, sample: tuple[Shape, ...]) -> Op:
    return composite(
        name,
        _index_sum,
        defaults=(0.0,),
        settings={"stride": 1, "padding": 0, "dilation": 1, "groups": 1},
        arrange=partial(_arrange_conv, axes=len(sample[0]) - 2),
        computes=_by_windows,
        pull=_pull_conv,
        sample=sample,
    )


conv1d = _conv("conv1d", ((1, 1, 4), (1, 1, 2), ()))
conv2d = _conv("conv2d", ((1, 1, 3, 3), (1, 1, 2, 2), ()))


# --- transposed convolution ---------------------------------------------------------------------


def _arrange_transposed(
    x: Shape,
    w: Shape,
    b: Shape,
    *,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: Any,
    dilation: Any,
    axes: int,
) -> Settings:
    if len(x) != axes + 2 or len(w) != axes + 2:
        of_w = _AXES_OF_W[axes].replace("O×C/groups", "C×O/groups")
        raise SettingError("conv-axes", x=x, w=w, of_x=_AXES_OF_X[axes], of_w=of_w)
    stride, dilation = per_axis("stride", stride, axes), per_axis("dilation", dilation, axes)
    padding = per_axis("padding", padding, axes, least=0)
    output_padding = per_axis("output_padding", output_padding, axes, least=0)
    if not is_whole(groups) or groups < 1:
        raise SettingError("not-a-count", setting="groups", value=groups)
    if w[0] != x[1] or w[0] % groups:
        raise SettingError("conv-transpose-channels", x=x, w=w, groups=groups)
    if b not in ((), (w[1] * groups,)):
        raise SettingError("conv-bias", b=b, w=w, outputs=w[1] * groups)
    settings = {"stride": stride, "padding": padding, "output_padding": output_padding, "dilation": dilation}
    if min(_transposed_lengths(x[2:], w[2:], **settings)) < 1:
        raise SettingError("nothing-left", padding=padding)
    return {**settings, "groups": groups}


def _whole_lengths(x: Shape, size: Shape, stride: Steps, dilation: Steps) -> Shape:
    """How long the axes are onto which every element of x puts a kernel."""
    each = zip(x, size, stride, dilation, strict=True)
    return tuple(s * (n - 1) + d * (k - 1) + 1 for n, k, s, d in each)


def _transposed_lengths(
    x: Shape, size: Shape, *, stride: Steps, padding: Steps, output_padding: Steps, dilation: Steps
) -> Shape:
    each = zip(_whole_lengths(x, size, stride, dilation), padding, output_padding, strict=True)
    return tuple(n - 2 * p + more for n, p, more in each)


def _conv_transpose(x: Expr, w: Expr, b: Expr, *, groups: int, **steps: Steps) -> Expr:
    """Every element of x times the kernel, put where the windows of a convolution stand, and summed there."""
    stride, padding, dilation, more = (
        steps[name] for name in ("stride", "padding", "dilation", "output_padding")
    )
    axes, size = len(stride), w.shape[2:]
    products = _product("wyx", w, x, axes, axes, groups)
    shape = _whole_lengths(x.shape[2:], size, stride, dilation)
    whole = overlap_add(products, shape=shape, stride=stride, dilation=dilation)
    lengths = _transposed_lengths(x.shape[2:], size, **steps)
    if any(more):
        whole = pad(whole, width=[(0, 0), (0, 0), *((0, further) for further in more)])
    if any(padding):
        whole = whole[(..., *(slice(p, p + n) for p, n in zip(padding, lengths, strict=True)))]
    return _with_bias(whole, b)


def _transposed(name: str, sample: tuple[Shape, ...]) -> Op:
    return composite(
        name,
        _conv_transpose,
        args=("x", "w", "b"),
        defaults=(0.0,),
        settings={"stride": 1, "padding": 0, "output_padding": 0, "groups": 1, "dilation": 1},
        arrange=partial(_arrange_transposed, axes=len(sample[0]) - 2),
        sample=sample,
    )


conv_transpose1d = _transposed("conv_transpose1d", ((1, 1, 3), (1, 1, 2), ()))
conv_transpose2d = _transposed("conv_transpose2d", ((1, 1, 2, 2), (1, 1, 2, 2), ()))
