"""Cases for windows, convolution and pooling: settings drawn at random, small shapes."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
from oracle import torch

COUNT = 20  # draws of settings for each op


def _fitting(rng: Any, axes: int, padding: bool = True, least: int = 1) -> dict[str, Any]:
    """Lengths of axes, and of windows that fit into them, with their settings."""
    size = rng.integers(1, 4, axes)
    stride, dilation = rng.integers(1, 4, axes), rng.integers(1, 3, axes)
    around = rng.integers(0, 3, axes) * padding
    reach = dilation * (size - 1) + 1
    lengths = np.maximum(reach - 2 * around, least) + rng.integers(0, 4, axes)
    found = {"lengths": lengths, "size": size, "stride": stride, "padding": around, "dilation": dilation}
    return {name: [int(one) for one in value] for name, value in found.items()}


def _draws(count: int, axes: int, **asked: Any) -> list[dict[str, Any]]:
    rng = np.random.default_rng([count, axes, len(asked)])
    return [_fitting(rng, axes, **asked) for _ in range(count)]


def _conv_case(name: str, at: int, drawn: dict[str, Any]) -> tuple[str, list[Any], dict[str, Any]]:
    groups, taken, times, number = [(1, 1, 1, 1), (1, 2, 3, 2), (2, 1, 2, 1), (2, 2, 1, 2), (3, 1, 1, 1)][
        at % 5
    ]
    shapes = [
        (number, groups * taken, *drawn.pop("lengths")),
        (groups * times, taken, *drawn.pop("size")),
        (groups * times,) if at % 3 else (),
    ]
    if at % 4 == 0:  # a number stands for all axes, and what is left out for the default
        drawn = {"padding": drawn["padding"]}
        shapes[0] = (*shapes[0][:2], *np.maximum(shapes[0][2:], shapes[1][2:]).tolist())
    return name, shapes, {**drawn, "groups": groups}


def _windowed(drawn: dict[str, Any], lead: tuple[int, ...]) -> tuple[int, ...]:
    counts = [
        (n - d * (k - 1) - 1) // s + 1
        for n, k, s, d in zip(*(drawn[one] for one in ("lengths", "size", "stride", "dilation")), strict=True)
    ]
    return (*lead, *counts, *drawn["size"])


def _only(drawn: dict[str, Any], *names: str, **renamed: str) -> dict[str, Any]:
    return {**{name: drawn[name] for name in names}, **{new: drawn[old] for new, old in renamed.items()}}


def _pool_case(name: str, at: int, drawn: dict[str, Any]) -> tuple[str, list[Any], dict[str, Any]]:
    size = drawn["size"]
    around = [min(p, k // 2) for p, k in zip(drawn["padding"], size, strict=True)]  # torch takes no more
    lengths = [max(n, k) for n, k in zip(drawn["lengths"], size, strict=True)]
    settings = {"size": size, "stride": drawn["stride"]}
    if at % 4 == 0:  # a number stands for all axes, the stride is the size
        settings, lengths = {"size": size[0]}, [n + size[0] for n in lengths]
    else:
        settings["padding"], settings["ceil_mode"] = around, at % 3 == 0
        if name == "avg_pool":
            settings["count_include_pad"] = at % 2 == 0
    return name, [(1 + at % 2, 1 + at % 3, *lengths)], settings


def _transposed_case(name: str, at: int) -> tuple[str, list[Any], dict[str, Any]]:
    rng = np.random.default_rng([at, len(name)])
    axes = int(name[-2])
    stride, dilation, size = (rng.integers(1, 4, axes) for _ in range(3))
    settings = {
        "stride": stride,
        "dilation": dilation,
        "padding": np.minimum(rng.integers(0, 2, axes), dilation * (size - 1) // 2),
        "output_padding": np.minimum(rng.integers(0, 3, axes), np.maximum(stride, dilation) - 1),
    }
    groups, taken, outputs = [(1, 1, 1), (1, 2, 3), (2, 1, 2), (2, 2, 1)][at % 4]
    shapes = [
        (1 + at % 2, groups * taken, *rng.integers(1, 4, axes).tolist()),
        (groups * taken, outputs, *size.tolist()),
        (groups * outputs,) if at % 3 else (),
    ]
    full = {key: value.tolist() for key, value in settings.items()} if at else {}
    return name, shapes, {**full, "groups": groups}


LEADS = [(), (2,), (2, 1)]
DRAWN = [
    (lead, drawn)
    for axes in (1, 2)
    for lead, drawn in zip([*LEADS * 4], _draws(12, axes, padding=False), strict=True)
]
CASES = [  # op, shapes of its args, settings
    *[
        ("windows", [(*lead, *drawn["lengths"])], _only(drawn, "size", "stride", "dilation"))
        for lead, drawn in DRAWN
    ],
    *[
        ("overlap_add", [_windowed(drawn, lead)], _only(drawn, "stride", "dilation", shape="lengths"))
        for lead, drawn in DRAWN
    ],
    ("windows", [(2, 4)], {"size": 2}),
    ("windows", [(4, 4)], {"size": [2, 2]}),  # sides as long as the batches
    ("overlap_add", [(3, 2)], {"shape": 4}),
    *[_conv_case("conv1d", at, drawn) for at, drawn in enumerate(_draws(COUNT, 1))],
    *[_conv_case("conv2d", at, drawn) for at, drawn in enumerate(_draws(COUNT, 2))],
    *[
        _pool_case(name, at, drawn)
        for name in ("max_pool", "avg_pool")
        for at, drawn in enumerate(_draws(COUNT // 2, 1) + _draws(COUNT // 2, 2))
    ],
    *[
        ("max_pool", [(8, 7)], {"size": 2, "stride": s, "padding": 1, "dilation": d})
        for s in (1, 3)
        for d in (2, 3)
    ],
    *[_transposed_case(f"conv_transpose{axes}d", at) for axes in (1, 2) for at in range(COUNT // 2)],
    *[
        (name, [shape], {"size": size})
        for name in ("adaptive_max_pool", "adaptive_avg_pool")
        for shape, size in [
            ((5,), 2),
            ((7,), 3),
            ((4,), 1),
            ((2, 1, 6), 4),
            ((2, 2, 4, 5), [2, 3]),
            ((4, 4), 4),
        ]
    ],
    *[
        (name, [shape], {})
        for name in ("global_max_pool", "global_avg_pool")
        for shape in [(3,), (2, 3), (2, 3, 4), (4, 4, 4, 4)]
    ],
    *[
        ("resize", [shape], {"size": size, "mode": mode, "align_corners": corners})
        for shape, size in [
            ((3,), 5),
            ((5,), 2),
            ((1,), 3),
            ((4,), 1),
            ((2, 1, 4), 8),
            ((1, 2, 3, 4), [6, 3]),
        ]
        for mode, corners in [("bilinear", False), ("linear", True), ("nearest", False)]
    ],
    ("max_pool", [(4, 4)], {"size": 2}),
    ("max_pool", [(6,)], {"size": 3, "stride": 1}),
    ("avg_pool", [(4, 4)], {"size": 2}),
    ("avg_pool", [(6,)], {"size": [3]}),
    ("conv1d", [(1, 1, 9), (1, 1, 3), ()], {"stride": 2, "padding": 1}),
    ("conv2d", [(1, 1, 4, 4), (1, 1, 2, 2), ()], {}),
    ("conv2d", [(1, 1, 9, 9), (2, 1, 9, 8), (2,)], {}),  # too large a kernel to be written out
]


def _numpy_windows(x: Any, size: Any, stride: Any = 1, dilation: Any = 1) -> Any:
    """By arrays of indices; the same for torch."""
    size = size if isinstance(size, list) else [size]
    axes = len(size)
    stride, dilation = _each(stride, axes), _each(dilation, axes)
    places: list[Any] = []
    for axis in range(axes):
        n, k, s, d = x.shape[axis - axes], size[axis], stride[axis], dilation[axis]
        at = np.arange((n - d * (k - 1) - 1) // s + 1)[:, None] * s + np.arange(k) * d
        shape = [1] * (2 * axes)
        shape[axis], shape[axis + axes] = at.shape
        places.append(at.reshape(shape))
    return x[(..., *places)]


def _each(given: Any, axes: int) -> Any:
    return given if isinstance(given, list) else [given] * axes


def _overlap_add(zeros: Callable[..., Any], x: Any, shape: Any, stride: Any = 1, dilation: Any = 1) -> Any:
    """Element by element; the same for torch."""
    shape = shape if isinstance(shape, list) else [shape]
    axes = len(shape)
    stride, dilation = _each(stride, axes), _each(dilation, axes)
    out = zeros(x, (*x.shape[: x.ndim - 2 * axes], *shape))
    for at in product(*map(range, x.shape[x.ndim - 2 * axes :])):
        to = tuple(p * s + u * d for p, s, u, d in zip(at[:axes], stride, at[axes:], dilation, strict=True))
        out[(..., *to)] = out[(..., *to)] + x[(..., *at)]
    return out


def _numpy_conv(
    x: Any, w: Any, b: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    axes = x.ndim - 2
    padded = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in _each(padding, axes))])
    seen = _numpy_windows(padded, list(w.shape[2:]), stride, dilation)
    taken, outputs = w.shape[1], w.shape[0] // groups
    letters = "nclk,ock->nol" if axes == 1 else "nchwuv,ocuv->nohw"
    parts = [
        np.einsum(letters, seen[:, g * taken : (g + 1) * taken], w[g * outputs : (g + 1) * outputs])
        for g in range(groups)
    ]
    return np.concatenate(parts, axis=1) + np.reshape(b, (-1, *[1] * axes))


def _numpy_pool(reduce: Callable[..., Any]) -> Callable[..., Any]:
    """Window by window, and of each the elements inside."""

    def pool(
        x: Any,
        size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> Any:
        axes = _pooled_axes(x, size)
        size = _each(size, axes)
        stride, padding, dilation = _each(stride or size, axes), _each(padding, axes), _each(dilation, axes)
        lengths = x.shape[x.ndim - axes :]
        every = []
        for n, k, s, p, d in zip(lengths, size, stride, padding, dilation, strict=True):
            count = int((np.ceil if ceil_mode else np.floor)((n + 2 * p - d * (k - 1) - 1) / s)) + 1
            every.append([at * s - p for at in range(count) if at == 0 or at * s - p < n])
        out = np.zeros((*x.shape[: x.ndim - axes], *map(len, every)), dtype=x.dtype)
        for at in np.ndindex(*map(len, every)):
            starts = [along[i] for along, i in zip(every, at, strict=True)]
            each = list(zip(starts, lengths, size, padding, dilation, strict=True))
            inside = [[i for i in range(a, a + k * d, d) if 0 <= i < n] for a, n, k, _, d in each]
            counted = [min(a + k, n + p) - a for a, n, k, p, _ in each]
            elements = x[(..., *np.ix_(*inside))]
            whole = count_include_pad and int(np.prod(counted))
            out[(..., *at)] = reduce(elements, tuple(range(-axes, 0)), whole)
        return out

    return pool


def _mean(x: Any, axis: tuple[int, ...], whole: int) -> Any:
    return np.sum(x, axis=axis) / (whole or int(np.prod([x.shape[one] for one in axis])))


def _adaptive(reduce: Callable[..., Any]) -> Callable[..., Any]:
    def pool(x: Any, size: Any) -> Any:
        size = _each(size, _pooled_axes(x, size))
        first = x.ndim - len(size)
        out = np.zeros((*x.shape[:first], *size), dtype=x.dtype)
        for at in np.ndindex(*size):
            each = zip(at, x.shape[first:], size, strict=True)
            part = [slice(int(np.floor(i * n / m)), int(np.ceil((i + 1) * n / m))) for i, n, m in each]
            out[(..., *at)] = reduce(x[(..., *part)], tuple(range(-len(size), 0)), 0)
        return out

    return pool


def _global(reduce: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x: _adaptive(reduce)(x, [1] * _pooled_axes(x, 1))


def _numpy_conv_transpose(
    x: Any,
    w: Any,
    b: Any,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """Element by element, each puts a kernel into the result."""
    axes, outputs = x.ndim - 2, w.shape[1]
    stride, padding, more, dilation = (
        _each(one, axes) for one in (stride, padding, output_padding, dilation)
    )
    each = zip(x.shape[2:], w.shape[2:], stride, dilation, more, strict=True)
    lengths = [(n - 1) * s + d * (k - 1) + 1 + further for n, k, s, d, further in each]
    out = np.zeros((len(x), groups * outputs, *lengths), dtype=np.result_type(x, w))
    taken = x.shape[1] // groups
    for c, at, within in product(range(x.shape[1]), np.ndindex(x.shape[2:]), np.ndindex(w.shape[2:])):
        to = tuple(i * s + u * d for i, s, u, d in zip(at, stride, within, dilation, strict=True))
        first = c // taken * outputs
        for o in range(outputs):
            spot = (slice(None), first + o, *to)
            out[spot] = out[spot] + x[(slice(None), c, *at)] * w[(c, o, *within)]
    inside = tuple(slice(p, n - p) for p, n in zip(padding, lengths, strict=True))
    return out[(..., *inside)] + np.reshape(b, (-1, *[1] * axes))


def _resize(x: Any, size: Any, mode: str = "bilinear", align_corners: bool = False) -> Any:
    size = _each(size, _pooled_axes(x, size))
    for axis, m in enumerate(size, x.ndim - len(size)):
        x = np.stack([_between(np.moveaxis(x, axis, 0), at, m, mode, align_corners) for at in range(m)], axis)
    return x


def _between(rows: Any, at: int, m: int, mode: str, align_corners: bool) -> Any:
    """The row at a place that need not be whole."""
    n = len(rows)
    if mode == "nearest":
        return rows[int(np.floor(at * n / m))]
    place = (
        Fraction(at * (n - 1), max(m - 1, 1))
        if align_corners
        else Fraction(2 * at + 1, 2) * n / m - Fraction(1, 2)
    )
    place = min(max(place, Fraction(0)), Fraction(n - 1))
    low = place.numerator // place.denominator
    rest = place - low
    return (
        rows[low] * (rest.denominator - rest.numerator) + rows[min(low + 1, n - 1)] * rest.numerator
    ) / rest.denominator


def _pooled_axes(x: Any, size: Any) -> int:
    return len(size) if isinstance(size, list) else x.ndim if x.ndim < 3 else x.ndim - 2


def _largest(x: Any, axis: tuple[int, ...], whole: int) -> Any:
    """The largest by its real part: what comes with a complex step must not decide."""
    rows = x.reshape(*x.shape[: x.ndim - len(axis)], -1)
    at = np.argmax(np.real(rows), axis=-1) if rows.dtype == complex else np.argmax(rows, axis=-1)
    return np.take_along_axis(rows, at[..., None], -1)[..., 0]


TENSORS: dict[str, Callable[..., Any]] = {
    "windows": _numpy_windows,
    "overlap_add": lambda x, **settings: _overlap_add(
        lambda like, shape: np.zeros(shape, dtype=like.dtype), x, **settings
    ),
    "conv1d": _numpy_conv,
    "conv2d": _numpy_conv,
    "max_pool": _numpy_pool(_largest),
    "avg_pool": _numpy_pool(_mean),
    "conv_transpose1d": _numpy_conv_transpose,
    "conv_transpose2d": _numpy_conv_transpose,
    "adaptive_max_pool": _adaptive(_largest),
    "adaptive_avg_pool": _adaptive(_mean),
    "global_max_pool": _global(_largest),
    "global_avg_pool": _global(_mean),
    "resize": _resize,
}


# --- as torch functions -------------------------------------------------------------------------


def torch_functions() -> dict[str, Callable[..., Any]]:
    """Op name → torch function."""
    functional = torch().nn.functional
    return {
        "windows": _numpy_windows,
        "overlap_add": lambda x, **settings: _overlap_add(
            lambda like, shape: like.new_zeros(shape), x, **settings
        ),
        "conv1d": _torch_conv(functional.conv1d),
        "conv2d": _torch_conv(functional.conv2d),
        "conv_transpose1d": _torch_transposed(functional.conv_transpose1d),
        "conv_transpose2d": _torch_transposed(functional.conv_transpose2d),
        "adaptive_max_pool": _torch_pool(functional.adaptive_max_pool1d, functional.adaptive_max_pool2d),
        "adaptive_avg_pool": _torch_pool(functional.adaptive_avg_pool1d, functional.adaptive_avg_pool2d),
        "global_max_pool": lambda x: x.amax(tuple(range(-_pooled_axes(x, 1), 0)), keepdim=True),
        "global_avg_pool": lambda x: x.mean(tuple(range(-_pooled_axes(x, 1), 0)), keepdim=True),
        "resize": _torch_resize,
        "max_pool": _torch_pool(functional.max_pool1d, functional.max_pool2d),
        "avg_pool": _torch_pool(functional.avg_pool1d, functional.avg_pool2d),
    }


def _torch_pool(*functions: Callable[..., Any]) -> Callable[..., Any]:
    def pool(x: Any, size: Any, **settings: Any) -> Any:
        axes = _pooled_axes(x, size)
        full = x.reshape((1,) * (axes + 2 - x.ndim) + tuple(x.shape))
        found = functions[axes - 1](full, size, **settings)
        return found.reshape(found.shape[full.ndim - x.ndim :])

    return pool


def _torch_conv(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, w, b, **settings: function(x, w, b.expand(w.shape[0]), **settings)


def _torch_transposed(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, w, b, groups=1, **settings: function(
        x, w, b.expand(w.shape[1] * groups), groups=groups, **settings
    )


def _torch_resize(x: Any, size: Any, mode: str = "bilinear", align_corners: bool = False) -> Any:
    axes = _pooled_axes(x, size)
    full = x.reshape((1,) * (axes + 2 - x.ndim) + tuple(x.shape))
    kind = mode if mode == "nearest" else ("linear", "bilinear")[axes - 1]
    corners = {} if mode == "nearest" else {"align_corners": align_corners}
    found = torch().nn.functional.interpolate(full, size, mode=kind, **corners)
    return found.reshape(found.shape[full.ndim - x.ndim :])
