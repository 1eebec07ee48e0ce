"""The operations of PyTorch's `aten` that pool, pad, resize and transpose convolutions, as nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bpx.graph.graph import Expr
from bpx.spec.models.rows.operands import per_axis
from bpx.spec.trace.rules.building import OtherSetting, add


def max_pool(axes: int) -> Callable[..., Expr]:
    """The largest element of each window."""

    def pool(
        self: Expr,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
    ) -> Expr:
        more = {"dilation": per_axis(dilation, axes), "ceil_mode": bool(ceil_mode)}
        return _pooled("max_pool", self, axes, kernel_size, stride, padding, more)

    return pool


def avg_pool(axes: int) -> Callable[..., Expr]:
    """The mean of each window."""

    def pool(
        self: Expr,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: Any = None,
    ) -> Expr:
        if divisor_override:
            raise OtherSetting("divisor_override")
        more = {"ceil_mode": bool(ceil_mode), "count_include_pad": bool(count_include_pad)}
        return _pooled("avg_pool", self, axes, kernel_size, stride, padding, more)

    return pool


def _pooled(
    op: str, x: Expr, axes: int, size: Any, stride: Any, padding: Any, more: Mapping[str, Any]
) -> Expr:
    size = per_axis(size, axes)
    steps = per_axis(stride, axes) if stride else size
    return add(op, x, size=size, stride=steps, padding=per_axis(padding, axes), **more)


def _adaptive(op: str, axes: int) -> Callable[..., Expr]:
    def pool(self: Expr, output_size: Any) -> Expr:
        sizes = output_size if isinstance(output_size, list | tuple) else [output_size] * axes
        lengths = self.shape[-axes:]
        return add(op, self, size=[n if k is None else int(k) for n, k in zip(lengths, sizes, strict=True)])

    return pool


def _transposed(axes: int) -> Callable[..., Expr]:
    def convolve(
        input: Expr,
        weight: Expr,
        bias: Expr | None = None,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        dilation: Any = 1,
    ) -> Expr:
        if input.ndim == axes + 1:
            raise OtherSetting("input")  # a single example
        return add(
            f"conv_transpose{axes}d",
            input,
            weight,
            *([] if bias is None else [bias]),
            stride=per_axis(stride, axes),
            padding=per_axis(padding, axes),
            output_padding=per_axis(output_padding, axes),
            groups=groups,
            dilation=per_axis(dilation, axes),
        )

    return convolve


def _resized(mode: str, axes: int) -> Callable[..., Expr]:
    def resize(
        input: Expr,
        output_size: Sequence[int] | None = None,
        align_corners: bool = False,
        scale_factors: Sequence[float] | None = None,
    ) -> Expr:
        lengths = input.shape[-axes:]
        if output_size is None:
            exact = [n * scale for n, scale in zip(lengths, scale_factors or (), strict=True)]
            if any(size != round(size) for size in exact):
                raise OtherSetting("scale_factors")  # PyTorch keeps the factor, not the ratio of the lengths
            output_size = [round(size) for size in exact]
        return add(
            "resize", input, size=list(map(int, output_size)), mode=mode, align_corners=bool(align_corners)
        )

    return resize


_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pad(self: Expr, pad: Sequence[int], value: Any = None, mode: str = "constant") -> Expr:
    """Elements around an array; the pairs of widths are those of the last axes, the last one first."""
    if mode not in _MODES or min(pad, default=0) < 0:
        raise OtherSetting("pad" if mode in _MODES else "mode")
    pairs = list(zip(pad[::2], pad[1::2], strict=True))[::-1]
    width = [*[(0, 0)] * (self.ndim - len(pairs)), *pairs]
    if mode != "constant":
        return add("pad", self, width=width, mode=_MODES[mode])
    return add("pad", self, width=width, value=value or 0)


def _bordered(mode: str) -> Callable[..., Expr]:
    return lambda self, padding: pad(self, padding, mode=mode)


WINDOWS: Mapping[str, Callable[..., Any]] = {
    "max_pool1d": max_pool(1),
    "max_pool2d": max_pool(2),
    "max_pool2d_with_indices": lambda *args, **settings: (max_pool(2)(*args, **settings), None),
    "avg_pool1d": avg_pool(1),
    "avg_pool2d": avg_pool(2),
    "adaptive_avg_pool1d": _adaptive("adaptive_avg_pool", 1),
    "adaptive_avg_pool2d": _adaptive("adaptive_avg_pool", 2),
    "adaptive_max_pool1d": lambda self, output_size: (
        _adaptive("adaptive_max_pool", 1)(self, output_size),
        None,
    ),
    "adaptive_max_pool2d": lambda self, output_size: (
        _adaptive("adaptive_max_pool", 2)(self, output_size),
        None,
    ),
    "conv_transpose1d": _transposed(1),
    "conv_transpose2d.input": _transposed(2),
    "upsample_linear1d.vec": _resized("linear", 1),
    "upsample_bilinear2d.vec": _resized("bilinear", 2),
    "upsample_nearest1d.vec": _resized("nearest", 1),
    "upsample_nearest2d.vec": _resized("nearest", 2),
    "pad": pad,
    "constant_pad_nd": pad,
    "reflection_pad1d": _bordered("reflect"),
    "reflection_pad2d": _bordered("reflect"),
    "replication_pad1d": _bordered("replicate"),
    "replication_pad2d": _bordered("replicate"),
}
