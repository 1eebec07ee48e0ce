"""The operations of PyTorch's `aten` that are layers of networks, as nodes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from bpx.graph.graph import Expr
from bpx.ops.layers import MASKED
from bpx.ops.tensors import SettingError
from bpx.spec.models.rows.operands import along, per_axis, stacked
from bpx.spec.trace.rules.building import OtherSetting, add

MOST_STEPS = 1000  # of a recurrent layer, which is written out step by step


def linear(input: Expr, weight: Expr, bias: Expr | None = None) -> Expr:
    """x @ Wᵀ + b: PyTorch has a row of the matrix for each output."""
    product = add("matmul", input, add("transpose", weight) if weight.ndim == 2 else weight)
    return product if bias is None else add("add", product, bias)


# --- activations --------------------------------------------------------------------------------


def _gelu(self: Expr, approximate: str = "none") -> Expr:
    return add("gelu" if approximate == "none" else "gelu_tanh", self)


def _elu(self: Expr, alpha: float = 1, scale: float = 1, input_scale: float = 1) -> Expr:
    if input_scale != 1:
        raise OtherSetting("input_scale")
    result = add("elu", self, alpha)
    return result if scale == 1 else scale * result


def _softplus(self: Expr, beta: float = 1, threshold: float = 20) -> Expr:
    # Beyond the threshold PyTorch returns x itself, which is equal to float32.
    return add("softplus", self) if beta == 1 else add("softplus", beta * self) / beta


def _prelu(self: Expr, weight: Expr) -> Expr:
    slope = along(weight, self) if weight.ndim and weight.shape != (1,) and self.ndim > 1 else weight
    return add("leaky_relu", self, slope)


def _glu(self: Expr, dim: int = -1) -> Expr:
    first, second = (add("split", self, sections=2, axis=dim, part=part) for part in (0, 1))
    return first * add("sigmoid", second)


def _celu(self: Expr, alpha: float = 1) -> Expr:
    return alpha * add("elu", self / alpha, 1.0)


def _hardshrink(self: Expr, lambd: float = 0.5) -> Expr:
    return add("where", add("gt", add("abs", self), lambd), self, 0.0)


def _softshrink(self: Expr, lambd: float = 0.5) -> Expr:
    return add("sub", self, add("clip", self, -lambd, lambd))


def _dropout(input: Expr, p: float = 0.5, train: bool = False) -> Expr:
    if train and p:
        raise OtherSetting("train")
    return input


# --- normalisation ------------------------------------------------------------------------------


def _scaled(x: Expr, weight: Expr | None, bias: Expr | None) -> Expr:
    x = x if weight is None else add("mul", x, weight)
    return x if bias is None else add("add", x, bias)


def batch_norm(
    input: Expr,
    weight: Expr | None = None,
    bias: Expr | None = None,
    running_mean: Expr | None = None,
    running_var: Expr | None = None,
    training: bool = False,
    eps: float = 1e-5,
) -> Expr:
    """With the statistics of the batch, or those that are given."""
    if training or running_mean is None or running_var is None:
        return add(
            "batch_norm", input, 1.0 if weight is None else weight, 0.0 if bias is None else bias, eps=eps
        )
    mean, variance = along(running_mean, input), along(running_var, input)
    assert mean is not None and variance is not None
    normalised = add("div", add("sub", input, mean), add("sqrt", add("add", variance, eps)))
    return _scaled(normalised, along(weight, input), along(bias, input))


def layer_norm(
    input: Expr,
    normalized_shape: Sequence[int],
    weight: Expr | None = None,
    bias: Expr | None = None,
    eps: float = 1e-5,
) -> Expr:
    """Over the last axes, those of `normalized_shape`."""
    if len(normalized_shape) == 1:
        return add(
            "layer_norm", input, 1.0 if weight is None else weight, 0.0 if bias is None else bias, eps=eps
        )
    return _scaled(_normalised(input, list(range(-len(normalized_shape), 0)), eps), weight, bias)


def _normalised(x: Expr, axes: list[int], eps: float) -> Expr:
    centred = x - add("mean", x, axis=axes, keepdims=True)
    return centred / add("sqrt", add("var", x, axis=axes, keepdims=True) + eps)


def _rms_norm(input: Expr, normalized_shape: Sequence[int], eps: float, weight: Expr | None = None) -> Expr:
    axes = list(range(-len(normalized_shape), 0))
    root = add("sqrt", add("mean", add("square", input), axis=axes, keepdims=True) + eps)
    return _scaled(input / root, weight, None)


def _group_norm(
    input: Expr, num_groups: int, weight: Expr | None = None, bias: Expr | None = None, eps: float = 1e-5
) -> Expr:
    count, channels, *rest = input.shape
    groups = add("reshape", input, shape=[count, num_groups, channels // num_groups * math.prod(rest)])
    whole = add("reshape", _normalised(groups, [-1], eps), shape=list(input.shape))
    return _scaled(whole, along(weight, input), along(bias, input))


def _instance_norm(
    input: Expr,
    weight: Expr | None = None,
    bias: Expr | None = None,
    use_input_stats: bool = True,
    eps: float = 1e-5,
) -> Expr:
    if not use_input_stats:
        raise OtherSetting("use_input_stats")
    normalised = _normalised(input, list(range(2, input.ndim)), eps)
    return _scaled(normalised, along(weight, input), along(bias, input))


# --- convolution and pooling --------------------------------------------------------------------


def _convolution(axes: int) -> Callable[..., Expr]:
    def convolve(
        input: Expr,
        weight: Expr,
        bias: Expr | None = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Expr:
        if input.ndim == axes + 1:  # a single example
            alone = add("reshape", input, shape=[1, *input.shape])
            result = convolve(alone, weight, bias, stride, padding, dilation, groups)
            return add("reshape", result, shape=list(result.shape[1:]))
        dilation = per_axis(dilation, axes)
        return add(
            f"conv{axes}d",
            input,
            weight,
            *([] if bias is None else [bias]),
            stride=per_axis(stride, axes),
            padding=_padding(padding, weight.shape[2:], dilation),
            dilation=dilation,
            groups=groups,
        )

    return convolve


def _padding(padding: Any, size: Sequence[int], dilation: Sequence[int]) -> list[int]:
    if padding == "valid":
        return [0] * len(size)
    if padding != "same":
        return per_axis(padding, len(size))
    whole = [d * (k - 1) for k, d in zip(size, dilation, strict=True)]
    if any(total % 2 for total in whole):
        raise OtherSetting("padding")  # one more on one side
    return [total // 2 for total in whole]


# --- attention ----------------------------------------------------------------------------------


def attention(
    query: Expr,
    key: Expr,
    value: Expr,
    attn_mask: Expr | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    flags: bool = False,
) -> Expr:
    """softmax(q @ kᵀ · scale + mask) @ v; in a mask of `flags` a 1 says what may be looked at."""
    if dropout_p:
        raise OtherSetting("dropout_p")
    if attn_mask is None and scale is None:
        return add("attention", query, key, value, causal=bool(is_causal))
    axes = [*range(key.ndim - 2), key.ndim - 1, key.ndim - 2]
    scores = add("matmul", query, add("transpose", key, axes=axes))
    scores = scores * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if is_causal:
        scores = add("where", np.tri(query.shape[-2], key.shape[-2]), scores, MASKED)
    if attn_mask is not None:
        scores = add("where", attn_mask, scores, MASKED) if flags else scores + _finite(attn_mask)
    return add("matmul", add("softmax", scores), value)


def _finite(mask: Expr) -> Any:
    """A mask that is added, with a finite number for -∞."""
    numbers = mask.graph.constants.get(mask.id)
    return mask if numbers is None else np.maximum(numbers, MASKED)


# --- recurrent cells ----------------------------------------------------------------------------


def _gates(
    input: Expr, hx: Expr, w_ih: Expr, w_hh: Expr, b_ih: Expr | None = None, b_hh: Expr | None = None
) -> Expr:
    return linear(input, w_ih, b_ih) + linear(hx, w_hh, b_hh)


def _parts(x: Expr, count: int) -> list[Expr]:
    return [add("split", x, sections=count, axis=-1, part=part) for part in range(count)]


def _cell(activation: str) -> Callable[..., Expr]:
    return lambda input, hx, w_ih, w_hh, b_ih=None, b_hh=None: add(
        activation, _gates(input, hx, w_ih, w_hh, b_ih, b_hh)
    )


def _lstm_cell(
    input: Expr, hx: Sequence[Expr], w_ih: Expr, w_hh: Expr, b_ih: Any = None, b_hh: Any = None
) -> tuple[Expr, Expr]:
    hidden, cell = hx
    i, f, g, o = _parts(_gates(input, hidden, w_ih, w_hh, b_ih, b_hh), 4)
    cell = add("sigmoid", f) * cell + add("sigmoid", i) * add("tanh", g)
    return add("sigmoid", o) * add("tanh", cell), cell


def _gru_cell(input: Expr, hx: Expr, w_ih: Expr, w_hh: Expr, b_ih: Any = None, b_hh: Any = None) -> Expr:
    (ir, iz, n), (hr, hz, hn) = _parts(linear(input, w_ih, b_ih), 3), _parts(linear(hx, w_hh, b_hh), 3)
    reset, update = add("sigmoid", ir + hr), add("sigmoid", iz + hz)
    new = add("tanh", n + reset * hn)
    return (1 - update) * new + update * hx


def _recurrent(step: Callable[..., Any], states: int) -> Callable[..., Any]:
    """A layer that runs a cell along a sequence: out, and the last state or states."""

    def run(
        input: Expr,
        hx: Any,
        params: Sequence[Expr],
        has_biases: bool,
        num_layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
        batch_first: bool,
    ) -> list[Expr]:
        time = 1 if batch_first and input.ndim == 3 else 0
        if bidirectional or (dropout and train):
            raise OtherSetting("bidirectional" if bidirectional else "dropout")
        if (count := input.shape[time] * num_layers) > MOST_STEPS:
            raise SettingError("model-steps", count=f"{count:,}", most=f"{MOST_STEPS:,}")
        starts = list(hx) if states == 2 else [hx]
        arrays = 4 if has_biases else 2
        place = [slice(None)] * time
        xs = [add("index", input, at=[*place, number]) for number in range(input.shape[time])]
        last: list[list[Expr]] = [[] for _ in starts]
        for layer in range(num_layers):
            state = [add("index", start, at=[layer]) for start in starts]
            for number, x in enumerate(xs):
                weights = params[layer * arrays : layer * arrays + arrays]
                result = step(x, state if states == 2 else state[0], *weights)
                state = list(result) if states == 2 else [result]
                xs[number] = state[0]
            for kept, item in zip(last, state, strict=True):
                kept.append(item)
        return [stacked(xs, time), *map(stacked, last)]

    return run


LAYERS: Mapping[str, Callable[..., Any]] = {
    "linear": linear,
    "gelu": _gelu,
    "elu": _elu,
    "leaky_relu": lambda self, negative_slope=0.01: add("leaky_relu", self, negative_slope),
    "hardtanh": lambda self, min_val=-1, max_val=1: add("clip", self, min_val, max_val),
    "softplus": _softplus,
    "prelu": _prelu,
    "glu": _glu,
    "celu": _celu,
    "hardshrink": _hardshrink,
    "softshrink": _softshrink,
    "threshold": lambda self, threshold, value: add("where", add("gt", self, threshold), self, value),
    "dropout": _dropout,
    "feature_dropout": _dropout,
    "batch_norm": batch_norm,
    "_native_batch_norm_legit_no_training": lambda input, weight, bias, running_mean, running_var, eps: (
        batch_norm(input, weight, bias, running_mean, running_var, False, eps),
        None,
        None,
    ),
    "layer_norm": layer_norm,
    "native_layer_norm": lambda input, normalized_shape, weight, bias, eps: (
        layer_norm(input, normalized_shape, weight, bias, eps),
        None,
        None,
    ),
    "rms_norm": _rms_norm,
    "group_norm": _group_norm,
    "instance_norm": _instance_norm,
    "conv1d": _convolution(1),
    "conv2d": _convolution(2),
    "scaled_dot_product_attention": attention,
    "rnn_tanh_cell": _cell("tanh"),
    "rnn_relu_cell": _cell("relu"),
    "lstm_cell": _lstm_cell,
    "gru_cell": _gru_cell,
    "rnn_tanh": _recurrent(_cell("tanh"), 1),
    "rnn_relu": _recurrent(_cell("relu"), 1),
    "lstm": _recurrent(_lstm_cell, 2),
    "gru": _recurrent(_gru_cell, 1),
}
