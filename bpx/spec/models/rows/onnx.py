"""The operations of ONNX as nodes: inputs by place, attributes by name, as the standard states them.

Source: https://onnx.ai/onnx/operators/, opset 13 and later.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bpx.graph.graph import Expr
from bpx.ops.layers import MASKED
from bpx.spec.models.rows.aten import ATEN
from bpx.spec.models.rows.aten_layers import batch_norm
from bpx.spec.models.rows.aten_losses import LOSSES
from bpx.spec.models.rows.onnx_windows import ONNX_WINDOWS
from bpx.spec.models.rows.operands import moved, numbers_of
from bpx.spec.trace.rules.building import OtherSetting, add

_UNARY = {
    **{"Relu": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid", "Exp": "exp", "Log": "log", "Sqrt": "sqrt"},
    **{"Sin": "sin", "Cos": "cos", "Tan": "tan", "Asin": "asin", "Acos": "acos", "Atan": "atan"},
    **{"Sinh": "sinh", "Cosh": "cosh", "Asinh": "asinh", "Acosh": "acosh", "Atanh": "atanh", "Erf": "erf"},
    **{"Abs": "abs", "Sign": "sign", "Neg": "neg", "Reciprocal": "reciprocal", "Floor": "floor"},
    **{"Ceil": "ceil", "Round": "round", "Softplus": "softplus", "Softsign": "softsign", "Mish": "mish"},
    **{"HardSwish": "hard_swish"},
}
_BINARY = {
    **{"Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div", "Pow": "pow", "MatMul": "matmul"},
    **{"Equal": "eq", "Less": "lt", "LessOrEqual": "le", "Greater": "gt", "GreaterOrEqual": "ge"},
    **{"PRelu": "leaky_relu"},
}
_REDUCTIONS = {
    "ReduceSum": "sum",
    "ReduceMean": "mean",
    "ReduceMax": "amax",
    "ReduceMin": "amin",
    "ReduceProd": "prod",
    "ReduceLogSumExp": "logsumexp",
}


def _unary(op: str) -> Callable[..., Expr]:
    return lambda x: add(op, x)


def _binary(op: str) -> Callable[..., Expr]:
    return lambda x, y: add(op, x, y)


def _folded(op: str) -> Callable[..., Expr]:
    """`Max`, `Min`, `Sum`: of any number of inputs."""

    def fold(*xs: Expr) -> Expr:
        result = xs[0]
        for x in xs[1:]:
            result = add(op, result, x)
        return result

    return fold


def _whole(operand: Any) -> list[int]:
    """Whole numbers that are given as a tensor or as an attribute."""
    return [int(number) for number in numbers_of(operand).ravel()]


def _reduction(op: str, **settings: Any) -> Callable[..., Expr]:
    def reduce(
        x: Expr, given: Any = None, *, axes: Any = None, keepdims: int = 1, noop_with_empty_axes: int = 0
    ) -> Expr:
        numbers = _whole(given) if given is not None else axes
        if not numbers and noop_with_empty_axes:
            return x
        return add(op, x, axis=list(numbers) if numbers else None, keepdims=bool(keepdims), **settings)

    return reduce


def _gemm(
    a: Expr, b: Expr, c: Any = None, *, alpha: float = 1, beta: float = 1, transA: int = 0, transB: int = 0
) -> Expr:
    product = add("matmul", add("transpose", a) if transA else a, add("transpose", b) if transB else b)
    product = product if alpha == 1 else alpha * product
    return product if c is None else add("add", product, c if beta == 1 else beta * c)


def _along(op: str) -> Callable[..., Expr]:
    return lambda x, *, axis=-1: add(op, x, axis=[axis])


def _transpose(x: Expr, *, perm: Any = None) -> Expr:
    return add("transpose", x, axes=list(perm) if perm else list(range(x.ndim))[::-1])


def _reshape(x: Expr, shape: Any, *, allowzero: int = 0) -> Expr:
    lengths = _whole(shape)
    if not allowzero:
        lengths = [x.shape[axis] if length == 0 else length for axis, length in enumerate(lengths)]
    return _aten("reshape")(x, lengths)


def _aten(name: str) -> Callable[..., Expr]:
    return ATEN[f"aten.{name}"]


def _flatten(x: Expr, *, axis: int = 1) -> Expr:
    axis = axis % x.ndim if axis < 0 else axis
    return add("reshape", x, shape=[math.prod(x.shape[:axis]), math.prod(x.shape[axis:])])


def _squeeze(x: Expr, axes: Any = None) -> Expr:
    return _aten("squeeze")(x, None if axes is None else _whole(axes))


def _unsqueeze(x: Expr, axes: Any) -> Expr:
    places, rest = _whole(axes), iter(x.shape)
    ndim = x.ndim + len(places)
    places = [place % ndim for place in places]
    return add("reshape", x, shape=[1 if place in places else next(rest) for place in range(ndim)])


def _slice(x: Expr, starts: Any, ends: Any, axes: Any = None, steps: Any = None) -> Expr:
    first, last = _whole(starts), _whole(ends)
    along = list(range(len(first))) if axes is None else _whole(axes)
    by = [1] * len(first) if steps is None else _whole(steps)
    at: list[Any] = [slice(None)] * x.ndim
    for axis, start, end, step in zip(along, first, last, by, strict=True):
        # Towards the start nothing lies before the first: a far negative end means up to and with it.
        at[axis] = slice(start, None if step < 0 and end < -x.shape[axis] else end, step)
    return add("index", x, at=at)


def _split(x: Expr, sizes: Any = None, *, axis: int = 0, num_outputs: int | None = None) -> Any:
    length = x.shape[axis]
    if sizes is not None:
        return ATEN["aten.split_with_sizes"](x, _whole(sizes), axis)
    return ATEN["aten.split"](x, -(-length // (num_outputs or 2)), axis)


def _expand(x: Expr, shape: Any) -> Expr:
    return _aten("expand")(x, np.broadcast_shapes(x.shape, tuple(_whole(shape))))


def _gather(x: Expr, indices: Any, *, axis: int = 0) -> Expr:
    numbers = numbers_of(indices)
    rows = add("embedding", moved(x, axis, 0), np.where(numbers < 0, numbers + x.shape[axis], numbers))
    axis = axis % x.ndim
    return moved(rows, list(range(numbers.ndim)), [axis + place for place in range(numbers.ndim)])


def _pad(x: Expr, pads: Any, value: Any = None, axes: Any = None, *, mode: str = "constant") -> Expr:
    widths = _whole(pads)
    if mode not in ("constant", "reflect", "edge", "wrap") or min(widths) < 0 or axes is not None:
        raise OtherSetting("pads" if mode in ("constant", "reflect", "edge", "wrap") else "mode")
    pairs = list(zip(widths[: x.ndim], widths[x.ndim :], strict=True))
    if mode != "constant":
        return add("pad", x, width=pairs, mode=mode)
    return add("pad", x, width=pairs, value=0.0 if value is None else float(numbers_of(value)))


def _clip(x: Expr, low: Any = None, high: Any = None) -> Expr:
    return _aten("clamp")(x, low, high) if low is not None or high is not None else x


def _group_norm(
    x: Expr, g: Expr, b: Expr, *, num_groups: int, epsilon: float = 1e-5, stash_type: int = 1
) -> Expr:
    return add("group_norm", x, g, b, groups=num_groups, eps=epsilon)


def _rms_norm(x: Expr, g: Expr, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1) -> Expr:
    return _aten("rms_norm")(x, x.shape[axis % x.ndim :], g, epsilon)


def _mod(x: Expr, y: Expr, fmod: int) -> Expr:
    if fmod:
        raise OtherSetting("fmod")
    return add("mod", x, y)


def _global(op: str) -> Callable[..., Expr]:
    return lambda x: add(op, x, axis=list(range(2, x.ndim)), keepdims=True)


def _batch_norm(
    x: Expr, g: Expr, b: Expr, mean: Expr, var: Expr, *, epsilon: float = 1e-5, training_mode: int = 0
) -> Expr:
    return batch_norm(x, g, b, mean, var, bool(training_mode), epsilon)


def _layer_norm(x: Expr, g: Expr, b: Any = None, *, axis: int = -1, epsilon: float = 1e-5) -> Expr:
    return _aten("layer_norm")(x, x.shape[axis % x.ndim :], g, b, epsilon)


def _dropout(x: Expr, ratio: Any = None, training: Any = None) -> Expr:
    if training is not None and np.any(numbers_of(training)):
        raise OtherSetting("training_mode")
    return x


def _cast(x: Expr, *, to: int, saturate: int = 1) -> Any:
    floats, flag = (1, 10, 11, 16), 9
    if to in floats:
        return x
    numbers = numbers_of(x)
    return x.graph.constant(np.not_equal(numbers, 0) if to == flag else np.trunc(numbers))


def _constant(
    *, value: Any = None, value_float: Any = None, value_int: Any = None, value_ints: Any = None,
    value_floats: Any = None,
) -> Any:  # fmt: skip
    stated = [v for v in (value, value_float, value_int, value_ints, value_floats) if v is not None]
    return np.asarray(stated[0], dtype=float)


def _filled(shape: Any, *, value: Any = None) -> Any:
    number = 0.0 if value is None else float(np.ravel(value)[0])
    return _aten("full")(_whole(shape), number)


def _where(condition: Any, x: Any, y: Any) -> Expr:
    return add("where", condition, _finite(x), _finite(y))


def _finite(x: Expr) -> Any:
    """-∞ as a finite number: the score of what must not be looked at."""
    constant = x.graph.constants.get(x.id)
    return x if constant is None or np.isfinite(constant).all() else np.maximum(constant, MASKED)


def _loss(name: str) -> Callable[..., Expr]:
    return LOSSES[name]


def _nll(
    x: Expr, target: Expr, weight: Any = None, *, reduction: str = "mean", ignore_index: int = -100
) -> Expr:
    return _loss("nll_loss")(x, target, weight, _REDUCTION[reduction], ignore_index)


def _cross_entropy(
    x: Expr, target: Expr, weight: Any = None, *, reduction: str = "mean", ignore_index: int = -100
) -> Expr:
    return _loss("cross_entropy_loss")(x, target, weight, _REDUCTION[reduction], ignore_index)


_REDUCTION = {"none": 0, "mean": 1, "sum": 2}


def _elements(x: Expr, indices: Any, *, axis: int = 0) -> Expr:
    return _aten("gather")(x, axis % x.ndim, indices)


def _shape(x: Expr, *, start: int = 0, end: int | None = None) -> Any:
    return np.array(x.shape[start:end], dtype=float)


# --- arrangement --------------------------------------------------------------------------------


def _topk(x: Expr, k: Any, *, axis: int = -1, largest: int = 1, sorted: int = 1) -> tuple[Expr, None]:
    """The values; in order even where ONNX need not have them so."""
    return add("topk", x, k=_whole(k)[0], axis=axis, largest=bool(largest)), None


def _trilu(x: Expr, k: Any = None, *, upper: int = 1) -> Expr:
    return add("triu" if upper else "tril", x, k=0 if k is None else _whole(k)[0])


def _cumsum(x: Expr, axis: Any, *, exclusive: int = 0, reverse: int = 0) -> Expr:
    (along,) = _whole(axis)
    line = add("flip", x, axis=[along]) if reverse else x
    sums = add("cumsum", line, axis=along)
    sums = sums - line if exclusive else sums
    return add("flip", sums, axis=[along]) if reverse else sums


def _gather_nd(x: Expr, indices: Any, *, batch_dims: int = 0) -> Expr:
    """Along the last axis of the indices stand the numbers of an element, or of a slice, of `x`."""
    if batch_dims:
        raise OtherSetting("batch_dims")
    numbers = numbers_of(indices).astype(int)
    return _aten("index")(x, [numbers[..., axis] for axis in range(numbers.shape[-1])])


def _thresholded(x: Expr, *, alpha: float = 1.0) -> Expr:
    return add("where", add("gt", x, alpha), x, 0.0)


ONNX: Mapping[str, Callable[..., Any]] = {
    **{name: _unary(op) for name, op in _UNARY.items()},
    **{name: _binary(op) for name, op in _BINARY.items()},
    **{name: _reduction(op) for name, op in _REDUCTIONS.items()},
    **ONNX_WINDOWS,
    "ReduceL1": _reduction("norm", ord=1),
    "ReduceL2": _reduction("norm", ord=2),
    "ReduceSumSquare": lambda x, axes=None, *, keepdims=1: _reduction("sum")(
        add("square", x), axes, keepdims=keepdims
    ),
    "ArgMax": lambda x, *, axis=0, keepdims=1: add("argmax", x, axis=axis, keepdims=bool(keepdims)),
    "Range": lambda start, limit, delta: _aten("arange")(
        *(float(numbers_of(x)) for x in (start, limit, delta))
    ),
    "InstanceNormalization": lambda x, g, b, *, epsilon=1e-5: _aten("instance_norm")(x, g, b, True, epsilon),
    "Max": _folded("max"),
    "Min": _folded("min"),
    "Sum": _folded("add"),
    "Gemm": _gemm,
    "Softmax": _along("softmax"),
    "LogSoftmax": _along("log_softmax"),
    "LeakyRelu": lambda x, *, alpha=0.01: add("leaky_relu", x, alpha),
    "Elu": lambda x, *, alpha=1.0: add("elu", x, alpha),
    "Celu": lambda x, *, alpha=1.0: _aten("celu")(x, alpha),
    "Gelu": lambda x, *, approximate="none": _aten("gelu")(x, approximate),
    "HardSigmoid": lambda x, *, alpha=0.2, beta=0.5: add("clip", alpha * x + beta, 0.0, 1.0),
    "Clip": _clip,
    "Where": _where,
    "Transpose": _transpose,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Slice": _slice,
    "Split": _split,
    "Concat": lambda *xs, axis: _aten("cat")(xs, axis),
    "Expand": _expand,
    "Gather": _gather,
    "GatherElements": _elements,
    "Pad": _pad,
    "GroupNormalization": _group_norm,
    "RMSNormalization": _rms_norm,
    "Mod": lambda x, y, *, fmod=0: _mod(x, y, fmod),
    "TopK": _topk,
    "Trilu": _trilu,
    "CumSum": _cumsum,
    "GatherND": _gather_nd,
    "ThresholdedRelu": _thresholded,
    "Tile": lambda x, repeats: add("tile", x, reps=_whole(repeats)),
    "Det": lambda x: add("det", x),
    "GlobalAveragePool": _global("mean"),
    "GlobalMaxPool": _global("amax"),
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "Dropout": _dropout,
    "Identity": lambda x: x,
    "Cast": _cast,
    "CastLike": lambda x, like: x,
    "Constant": _constant,
    "ConstantOfShape": _filled,
    "Shape": _shape,
    "NegativeLogLikelihoodLoss": _nll,
    "SoftmaxCrossEntropyLoss": _cross_entropy,
    "Einsum": lambda *xs, equation: _aten("einsum")(equation, xs),
    "Not": lambda x: _aten("logical_not")(x),
    "And": lambda x, y: _aten("logical_and")(x, y),
    "Or": lambda x, y: _aten("logical_or")(x, y),
}
