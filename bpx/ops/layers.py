"""Layers of networks: linear, normalised, dropped out, attention.

Names and args follow PyTorch's functional form, but `linear(x, W, b)` is `x @ W + b`, with a column of W for
each output. The normalisations use the population variance; they are shown with x-hat, the normalised x,
which is the layer itself with g = 1 and b = 0:

- `batch_norm` in its training form, over all axes but the channels': Ioffe and Szegedy, Batch
  Normalization, ICML 2015 (arXiv:1502.03167), whose section 3 has the gradient
- `batch_norm_inference` with a mean and a variance that are given, in PyTorch's order of args
- `instance_norm` over the axes behind N×C: Ulyanov, Vedaldi and Lempitsky, arXiv:1607.08022, 2016
- `group_norm` over these and the channels of a group: Wu and He, Group Normalization, ECCV 2018
- `rms_norm` over the last axis, over the root of the mean square: Zhang and Sennrich, NeurIPS 2019
- `layer_norm` over the last axis: Ba, Kiros and Hinton, Layer Normalization, arXiv:1607.06450, 2016

`dropout` is told which elements to keep, by a mask of 0 and 1, and scales them up by 1 / (1 - p): Srivastava
and others, Dropout, JMLR 15 (2014). `attention` is softmax(q @ k.T / sqrt(d)) @ v over the last two axes:
Vaswani and others, Attention Is All You Need, NeurIPS 2017 (arXiv:1706.03762), section 3.2.1.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from bpx.graph.arrays import Array, Settings, Shape, ShapeError, broadcast
from bpx.graph.facts import Refusal
from bpx.graph.graph import Expr, Op
from bpx.ops.building.row import composite, structural
from bpx.ops.elementwise.arithmetic import square
from bpx.ops.elementwise.functions import sqrt
from bpx.ops.elementwise.selection import where
from bpx.ops.tensors import SettingError, is_whole, matrix_transpose, mean, reshape, sum_
from bpx.ops.vectors import softmax, var

MASKED = -1e9  # the score of what must not be looked at; its exp beside any other is 0

Axes = tuple[int, ...]


def _arrange_linear(x: Shape, W: Shape, b: Shape) -> Settings:
    if not x or len(W) != 2 or x[-1] != W[0] or b not in ((), W[1:]):
        raise SettingError("linear-shapes", help="linear-shapes", x=x, W=W, b=b)
    return {}


linear = composite(
    "linear",
    lambda x, W, b: x @ W + b,
    defaults=(0.0,),
    arrange=_arrange_linear,
    sample=((2, 3), (3, 2), (2,)),
)


# --- normalisation ------------------------------------------------------------------------------


def _arrange_norm(x: Shape, g: Shape, b: Shape, *, eps: Any, channels: int) -> Settings:
    """`channels` is the axis that g and b run along."""
    if isinstance(eps, bool) or not isinstance(eps, int | float) or not 0 <= eps < np.inf:
        raise SettingError("bad-eps", eps=eps)
    if not -len(x) <= channels < len(x):
        raise SettingError("too-few-axes", x=x)
    if not {g, b} <= {(), (x[channels],)}:
        raise SettingError("norm-shapes", x=x, g=g, b=b, channels=x[channels])
    return {"eps": eps}


def _normalised(x: Expr, axes: Axes, eps: float) -> Expr:
    """x-hat: mean 0 and variance 1 along the axes."""
    return (x - mean(x, axis=axes, keepdims=True)) / _standard_deviation(x, axes, eps)


def _standard_deviation(x: Expr, axes: Axes, eps: float) -> Expr:
    return sqrt(var(x, axis=axes, keepdims=True) + eps)


def _contribution_to_x(upstream: Expr, x: Expr, x_hat: Expr, axes: Axes, eps: float) -> Expr:
    """The upstream gradient of x-hat without its mean and without what would only change the variance."""
    mean_of = partial(mean, axis=axes, keepdims=True)
    rest = upstream - mean_of(upstream) - x_hat * mean_of(upstream * x_hat)
    return rest / _standard_deviation(x, axes, eps)


def _to_parameter(upstream: Expr, parameter: Expr, axes: Axes) -> Expr:
    """`upstream` summed over all elements that share a number of the parameter."""
    if not parameter.ndim:
        return sum_(upstream)
    return sum_(upstream, axis=axes) if axes else upstream


def _per_channel(parameter: Expr, x: Expr) -> Expr:
    """A number for each channel, so that it meets axis 1 of `x`."""
    needs_axes = parameter.ndim and x.ndim > 2
    return reshape(parameter, shape=(*parameter.shape, *[1] * (x.ndim - 2))) if needs_axes else parameter


def _all_but_channels(x: Expr) -> Axes:
    return tuple(axis for axis in range(x.ndim) if axis != 1)


def _batch_norm(x: Expr, g: Expr, b: Expr, *, eps: float) -> Expr:
    x_hat = _normalised(x, _all_but_channels(x), eps)
    return _per_channel(g, x) * x_hat + _per_channel(b, x)


def _pull_batch_norm(
    upstream: Expr, x: Expr, g: Expr, b: Expr, out: Expr, *, eps: float
) -> tuple[Expr, Expr, Expr]:
    axes, x_hat = _all_but_channels(x), batch_norm(x, eps=eps)
    to_x = _contribution_to_x(upstream * _per_channel(g, x), x, x_hat, axes, eps)
    return to_x, _to_parameter(upstream * x_hat, g, axes), _to_parameter(upstream, b, axes)


def _layer_norm(x: Expr, g: Expr, b: Expr, *, eps: float) -> Expr:
    return g * _normalised(x, (x.ndim - 1,), eps) + b


def _pull_layer_norm(
    upstream: Expr, x: Expr, g: Expr, b: Expr, out: Expr, *, eps: float
) -> tuple[Expr, Expr, Expr]:
    rows, x_hat = tuple(range(x.ndim - 1)), layer_norm(x, eps=eps)
    to_x = _contribution_to_x(upstream * g, x, x_hat, (x.ndim - 1,), eps)
    return to_x, _to_parameter(upstream * x_hat, g, rows), _to_parameter(upstream, b, rows)


batch_norm: Op = composite(
    "batch_norm",
    _batch_norm,
    defaults=(1.0, 0.0),
    settings={"eps": 1e-5},
    arrange=partial(_arrange_norm, channels=1),
    pull=_pull_batch_norm,
    sample=((3, 2), (2,), (2,)),
)
layer_norm: Op = composite(
    "layer_norm",
    _layer_norm,
    defaults=(1.0, 0.0),
    settings={"eps": 1e-5},
    arrange=partial(_arrange_norm, channels=-1),
    pull=_pull_layer_norm,
    sample=((2, 3), (3,), (3,)),
)


def _arrange_rms_norm(x: Shape, g: Shape, *, eps: Any) -> Settings:
    return _arrange_norm(x, g, (), eps=eps, channels=-1)


def _rms_norm(x: Expr, g: Expr, *, eps: float) -> Expr:
    return g * (x / sqrt(mean(square(x), axis=-1, keepdims=True) + eps))


def _arrange_group_norm(x: Shape, g: Shape, b: Shape, *, groups: Any, eps: Any) -> Settings:
    settings = _arrange_norm(x, g, b, eps=eps, channels=1)
    if not is_whole(groups) or groups < 1:
        raise SettingError("not-a-count", setting="groups", value=groups)
    if x[1] % groups:
        raise SettingError("bad-groups", channels=x[1], groups=groups)
    return {"groups": int(groups), **settings}


def _group_norm(x: Expr, g: Expr, b: Expr, *, groups: int, eps: float) -> Expr:
    number, channels, *lengths = x.shape
    split = reshape(x, shape=(number, groups, channels // groups, *lengths))
    x_hat = reshape(_normalised(split, tuple(range(2, split.ndim)), eps), shape=x.shape)
    return _per_channel(g, x) * x_hat + _per_channel(b, x)


def _arrange_instance_norm(x: Shape, g: Shape, b: Shape, *, eps: Any) -> Settings:
    if len(x) < 3:
        raise SettingError("nothing-behind-channels", x=x)
    return _arrange_norm(x, g, b, eps=eps, channels=1)


def _instance_norm(x: Expr, g: Expr, b: Expr, *, eps: float) -> Expr:
    return _per_channel(g, x) * _normalised(x, tuple(range(2, x.ndim)), eps) + _per_channel(b, x)


def _arrange_statistics(x: Shape, mean: Shape, var: Shape, g: Shape, b: Shape, *, eps: Any) -> Settings:
    _arrange_norm(x, mean, var, eps=eps, channels=1)
    return _arrange_norm(x, g, b, eps=eps, channels=1)


def _batch_norm_inference(x: Expr, mean: Expr, var: Expr, g: Expr, b: Expr, *, eps: float) -> Expr:
    mean, var, g, b = (_per_channel(each, x) for each in (mean, var, g, b))
    return g * ((x - mean) / sqrt(var + eps)) + b


rms_norm: Op = composite(
    "rms_norm",
    _rms_norm,
    defaults=(1.0,),
    settings={"eps": float(np.finfo(float).eps)},
    arrange=_arrange_rms_norm,
    sample=((2, 3), (3,)),
)
group_norm: Op = composite(
    "group_norm",
    _group_norm,
    defaults=(1.0, 0.0),
    settings={"groups": None, "eps": 1e-5},
    arrange=_arrange_group_norm,
    sample=((1, 4, 2), (4,), (4,)),
    sample_settings={"groups": 2},
)
instance_norm: Op = composite(
    "instance_norm",
    _instance_norm,
    defaults=(1.0, 0.0),
    settings={"eps": 1e-5},
    arrange=_arrange_instance_norm,
    sample=((1, 2, 3), (2,), (2,)),
)
batch_norm_inference: Op = composite(
    "batch_norm_inference",
    _batch_norm_inference,
    defaults=(1.0, 0.0),
    settings={"eps": 1e-5},
    arrange=_arrange_statistics,
    sample=((3, 2), (2,), (2,), (2,), (2,)),
)


# --- dropout ------------------------------------------------------------------------------------


def _arrange_dropout(x: Shape, mask: Shape, *, p: Any) -> Settings:
    if isinstance(p, bool) or not isinstance(p, int | float) or not 0 <= p < 1:
        raise SettingError("bad-probability", p=p)
    return {"p": p}


def _dropout_shape(x: Shape, mask: Shape, *, p: float) -> Shape:
    if broadcast("dropout", (x, mask)) != x:
        raise ShapeError("dropout", (x, mask))
    return x


def _is_choice(mask: Array) -> Any:
    return np.equal(mask, 0).astype(bool) | np.equal(mask, 1).astype(bool)


def _dropout(x: Array, mask: Array, *, p: float, batch: int) -> Any:
    return np.where(_is_choice(mask), x * mask / (1 - p), np.nan)


def _refuse_mask(x: Array, mask: Array, *, p: float) -> Refusal | None:
    wrong = np.ravel(mask)[~np.ravel(_is_choice(mask))]
    return Refusal("bad-mask", {"found": f"{float(wrong[0]):g}"}) if wrong.size else None


dropout: Op = structural(
    "dropout",
    _dropout,
    lambda upstream, x, mask, out, *, p: (dropout(upstream, mask, p=p), None),
    _dropout_shape,
    settings={"p": 0.5},
    arrange=_arrange_dropout,
    linear=True,
    chooses=(1,),
    refuses=_refuse_mask,
    expands=lambda x, mask, *, p: x * mask / (1 - p),
)


# --- attention ----------------------------------------------------------------------------------


def _arrange_attention(q: Shape, k: Shape, v: Shape, *, causal: Any) -> Settings:
    if not isinstance(causal, bool):
        raise SettingError("not-a-flag", setting="causal", value=causal)
    if min(map(len, (q, k, v))) < 2 or q[-1] != k[-1] or k[-2] != v[-2]:
        raise SettingError("attention-shapes", q=q, k=k, v=v)
    return {"causal": causal}


def _attention(q: Expr, k: Expr, v: Expr, *, causal: bool) -> Expr:
    graph, (length, width) = q.graph, q.shape[-2:]
    root = graph.add(sqrt, graph.constant(width))  # not folded: sqrt(3) is easier to know again
    scores = q @ matrix_transpose(k) / root
    if causal:
        scores = where(np.tri(length, k.shape[-2]), scores, MASKED)
    return softmax(scores) @ v


attention = composite(
    "attention",
    _attention,
    settings={"causal": False},
    arrange=_arrange_attention,
    sample=((2, 3), (4, 3), (4, 2)),
)
