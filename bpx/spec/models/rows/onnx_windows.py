"""The operations of ONNX that move windows over arrays: convolutions, pools, resizing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bpx.graph.graph import Expr
from bpx.spec.models.rows.aten_layers import LAYERS
from bpx.spec.models.rows.aten_windows import WINDOWS, avg_pool, max_pool
from bpx.spec.models.rows.operands import numbers_of
from bpx.spec.trace.rules.building import OtherSetting, add


def _around(pads: Any, auto_pad: str, axes: int) -> list[int]:
    """Padding that is the same on both sides of each axis."""
    widths: list[int] = list(pads or [0] * 2 * axes)
    if auto_pad not in ("NOTSET", "VALID") or widths[:axes] != widths[axes:]:
        raise OtherSetting("auto_pad")
    return widths[:axes]


def _conv(
    x: Expr,
    w: Expr,
    b: Any = None,
    *,
    strides: Any = None,
    pads: Any = None,
    dilations: Any = None,
    group: int = 1,
    kernel_shape: Any = None,
    auto_pad: str = "NOTSET",
) -> Expr:
    axes = w.ndim - 2
    if axes not in (1, 2):
        raise OtherSetting("kernel_shape")
    around = _around(pads, auto_pad, axes)
    row = LAYERS[f"conv{axes}d"]
    result: Expr = row(x, w, b, list(strides or [1]), around, list(dilations or [1]), group)
    return result


def _pool(op: str) -> Callable[..., Expr]:
    def pool(
        x: Expr,
        *,
        kernel_shape: Any,
        strides: Any = None,
        pads: Any = None,
        dilations: Any = None,
        auto_pad: str = "NOTSET",
        ceil_mode: int = 0,
        count_include_pad: int = 0,
        storage_order: int = 0,
    ) -> Expr:
        axes = len(kernel_shape)
        around = _around(pads, auto_pad, axes)
        if axes not in (1, 2):
            raise OtherSetting("kernel_shape")
        # ONNX moves by one where no strides are stated.
        stride = list(strides or [1] * axes)
        if op == "max_pool":
            return max_pool(axes)(
                x, list(kernel_shape), stride, around, list(dilations or [1]), bool(ceil_mode)
            )
        if set(dilations or [1]) != {1}:
            raise OtherSetting("dilations")
        return avg_pool(axes)(x, list(kernel_shape), stride, around, bool(ceil_mode), bool(count_include_pad))

    return pool


def _conv_transpose(
    x: Expr,
    w: Expr,
    b: Any = None,
    *,
    strides: Any = None,
    pads: Any = None,
    output_padding: Any = None,
    dilations: Any = None,
    group: int = 1,
    kernel_shape: Any = None,
    output_shape: Any = None,
    auto_pad: str = "NOTSET",
) -> Expr:
    axes = w.ndim - 2
    if axes not in (1, 2) or output_shape is not None:
        raise OtherSetting("output_shape" if axes in (1, 2) else "kernel_shape")
    row = WINDOWS["conv_transpose1d" if axes == 1 else "conv_transpose2d.input"]
    steps, beyond = list(strides or [1]), list(output_padding or [0])
    around = _around(pads, auto_pad, axes)
    result: Expr = row(x, w, b, steps, around, beyond, group, list(dilations or [1]))
    return result


# What ONNX calls a way to place the elements, as a mode and `align_corners`.
_PLACES = {
    ("linear", "half_pixel"): ("linear", False),
    ("linear", "pytorch_half_pixel"): ("linear", False),
    ("linear", "align_corners"): ("linear", True),
    ("nearest", "asymmetric"): ("nearest", False),
}


def _resize(
    x: Expr,
    roi: Any = None,
    scales: Any = None,
    sizes: Any = None,
    *,
    mode: str = "nearest",
    coordinate_transformation_mode: str = "half_pixel",
    nearest_mode: str = "round_prefer_floor",
    antialias: int = 0,
    axes: Any = None,
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    keep_aspect_ratio_policy: str = "stretch",
) -> Expr:
    places = _PLACES.get((mode, coordinate_transformation_mode))
    if places is None or (mode == "nearest" and nearest_mode != "floor"):
        raise OtherSetting("coordinate_transformation_mode" if places is None else "nearest_mode")
    if antialias or axes is not None or keep_aspect_ratio_policy != "stretch":
        raise OtherSetting("antialias" if antialias else "axes" if axes else "keep_aspect_ratio_policy")
    lengths = _lengths(x, scales, sizes)
    # An axis of length 1 shows the first element then, not the middle.
    at_start = coordinate_transformation_mode == "pytorch_half_pixel" and 1 in lengths[2:]
    if lengths[:2] != x.shape[:2] or at_start:
        raise OtherSetting("sizes")
    return add("resize", x, size=list(lengths[2:]), mode=places[0], align_corners=places[1])


def _lengths(x: Expr, scales: Any, sizes: Any) -> tuple[int, ...]:
    if sizes is not None and numbers_of(sizes).size:
        return tuple(map(int, numbers_of(sizes)))
    exact = [n * float(scale) for n, scale in zip(x.shape, numbers_of(scales), strict=True)]
    if any(size != round(size) for size in exact):
        raise OtherSetting("scales")  # the factor counts, not the ratio of the lengths
    return tuple(map(round, exact))


ONNX_WINDOWS: Mapping[str, Callable[..., Any]] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "MaxPool": _pool("max_pool"),
    "AveragePool": _pool("avg_pool"),
    "Resize": _resize,
}
