"""The operations of PyTorch's `aten` as nodes: arithmetic, shapes, reductions and indices.

A row has the parameters of the operation's schema (aten/src/ATen/native/native_functions.yaml), by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from bpx.graph.graph import Expr
from bpx.ops.layers import MASKED
from bpx.spec.models.rows.aten_arrangement import ARRANGEMENT
from bpx.spec.models.rows.aten_layers import LAYERS
from bpx.spec.models.rows.aten_linear_algebra import LINEAR_ALGEBRA
from bpx.spec.models.rows.aten_losses import LOSSES
from bpx.spec.models.rows.aten_makers import MAKERS
from bpx.spec.models.rows.aten_windows import WINDOWS
from bpx.spec.models.rows.operands import moved, numbers_of, per_axis, stacked
from bpx.spec.trace.rules.building import OtherSetting, add

_SAME = [
    *["relu", "tanh", "sigmoid", "exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sqrt"],
    *["sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh"],
    *["erf", "erfc", "sinc", "lgamma", "digamma", "abs", "sign", "neg", "reciprocal", "square"],
    *["floor", "ceil", "silu", "mish", "relu6", "selu", "softsign"],
]
_UNARY = {
    **{name: name for name in _SAME},
    **{"log_sigmoid": "logsigmoid", "hardswish": "hard_swish", "hardsigmoid": "hard_sigmoid", "sgn": "sign"},
    **{"special_psi": "digamma", "special_gammaln": "lgamma"},
}
_BINARY = {
    **{"mul": "mul", "maximum": "max", "minimum": "min", "atan2": "atan2", "hypot": "hypot"},
    **{"logaddexp": "logaddexp", "remainder": "mod"},
    **{name: name for name in ("eq", "ne", "lt", "le", "gt", "ge")},
}


def _unary(op: str) -> Callable[..., Expr]:
    return lambda self: add(op, self)


def _binary(op: str) -> Callable[..., Expr]:
    return lambda self, other: add(op, self, other)


# --- arithmetic ---------------------------------------------------------------------------------


def _add(self: Any, other: Any, alpha: float = 1) -> Any:
    if not isinstance(self, Expr) and not isinstance(other, Expr):
        return self + alpha * other  # lengths of shapes
    return add("add", self, other if alpha == 1 else alpha * other)


def _sub(self: Any, other: Any, alpha: float = 1) -> Expr:
    return add("sub", self, other if alpha == 1 else alpha * other)


def _div(self: Any, other: Any, rounding_mode: str | None = None) -> Expr:
    quotient = add("div", self, other)
    if rounding_mode not in (None, "floor"):
        raise OtherSetting("rounding_mode")
    return quotient if rounding_mode is None else add("floor", quotient)


def _clamp(self: Expr, min: Any = None, max: Any = None) -> Expr:
    if min is not None and max is not None:
        return add("clip", self, min, max)
    return add("max", self, min) if min is not None else add("min", self, max)


def _round(self: Expr, decimals: int = 0) -> Expr:
    if decimals:
        raise OtherSetting("decimals")
    return add("round", self)


def _masked_fill(self: Expr, mask: Expr, value: Any) -> Expr:
    number = value.number if isinstance(value, Expr) else float(value)
    if number == -math.inf:
        # Scores of what must not be looked at, for a softmax: there a finite number does the same.
        if np.any(np.all(np.broadcast_to(numbers_of(mask) != 0, self.shape), axis=-1)):
            raise OtherSetting("mask")
        value = MASKED
    return add("where", mask, value, self)


def _addmm(self: Expr, mat1: Expr, mat2: Expr, beta: float = 1, alpha: float = 1) -> Expr:
    product = add("matmul", mat1, mat2)
    return add("add", self if beta == 1 else beta * self, product if alpha == 1 else alpha * product)


def _einsum(equation: str, tensors: Sequence[Expr]) -> Expr:
    return add("einsum", *tensors, subscripts=equation.replace(" ", ""))


# --- shapes -------------------------------------------------------------------------------------


def _reshape(self: Expr, shape: Sequence[int]) -> Expr:
    return add("reshape", self, shape=_full_shape(self, shape))


def _full_shape(self: Expr, shape: Sequence[int]) -> list[int]:
    lengths = [int(length) for length in shape]
    if -1 in lengths:
        rest = -math.prod(lengths)
        lengths[lengths.index(-1)] = math.prod(self.shape) // rest if rest > 0 else 0
    return lengths


def _flatten(self: Expr, start_dim: int = 0, end_dim: int = -1) -> Expr:
    first, last = start_dim % max(self.ndim, 1), end_dim % max(self.ndim, 1)
    shape = self.shape
    return add(
        "reshape", self, shape=[*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]]
    )


def _unflatten(self: Expr, dim: int, sizes: Sequence[int]) -> Expr:
    axis = dim % self.ndim
    inner = np.empty(self.shape[axis], bool).reshape(tuple(sizes)).shape
    return add("reshape", self, shape=[*self.shape[:axis], *inner, *self.shape[axis + 1 :]])


def _transpose(self: Expr, dim0: int, dim1: int) -> Expr:
    axes = list(range(self.ndim))
    axes[dim0], axes[dim1] = axes[dim1], axes[dim0]
    return add("transpose", self, axes=axes)


def _permute(self: Expr, dims: Sequence[int]) -> Expr:
    return add("transpose", self, axes=[dim % self.ndim for dim in dims])


def _squeeze(self: Expr, dim: Any = None) -> Expr:
    every = range(self.ndim) if dim is None else [axis % self.ndim for axis in per_axis(dim, 1)]
    axes = [axis for axis in every if self.shape[axis] == 1]
    return add("squeeze", self, axis=axes) if axes else self


def _unsqueeze(self: Expr, dim: int) -> Expr:
    axis = dim % (self.ndim + 1)
    return add("reshape", self, shape=[*self.shape[:axis], 1, *self.shape[axis:]])


def _expand(self: Expr, size: Sequence[int]) -> Expr:
    if tuple(size) == self.shape:
        return self
    old = (1,) * (len(size) - self.ndim) + self.shape
    whole = [n if length == -1 else length for length, n in zip(size, old, strict=True)]
    return add("broadcast_to", self, shape=whole)


def _slice(self: Expr, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Expr:
    axis = dim % self.ndim
    part = slice(start, end, step)
    if part.indices(self.shape[axis]) == (0, self.shape[axis], 1):
        return self
    return add("index", self, at=[*[slice(None)] * axis, part])


def _select(self: Expr, dim: int, index: int) -> Expr:
    return add("index", self, at=[*[slice(None)] * (dim % self.ndim), int(index)])


def _narrow(self: Expr, dim: int, start: int, length: int) -> Expr:
    return _slice(self, dim, start, start + length)


def _cut(self: Expr, dim: int, sizes: Sequence[int]) -> list[Expr]:
    ends = np.cumsum(sizes).tolist()
    return [_slice(self, dim, end - size, end) for end, size in zip(ends, sizes, strict=True)]


def _split(self: Expr, split_size: int, dim: int = 0) -> list[Expr]:
    length = self.shape[dim]
    return _cut(
        self, dim, [min(split_size, length - start) for start in range(0, length, max(split_size, 1))]
    )


def _chunk(self: Expr, chunks: int, dim: int = 0) -> list[Expr]:
    return _split(self, -(-self.shape[dim] // max(chunks, 1)), dim)


def _unbind(self: Expr, dim: int = 0) -> list[Expr]:
    return [_select(self, dim, number) for number in range(self.shape[dim])]


def _roll(self: Expr, shifts: Any, dims: Any = ()) -> Expr:
    if not dims and self.ndim > 1:
        return add("roll", self, shift=per_axis(shifts, 1)[0])
    return add("roll", self, shift=per_axis(shifts, 1), axis=per_axis(dims or 0, 1))


# --- reductions ---------------------------------------------------------------------------------


def _reduction(op: str) -> Callable[..., Expr]:
    def reduce(self: Expr, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Expr:
        axis = None if dim in (None, []) else per_axis(dim, 1)
        return add(op, self, axis=axis, keepdims=bool(keepdim))

    return reduce


def _with_places(op: str) -> Callable[..., tuple[Expr, None]]:
    """`max.dim` and its like, of which the places are not taken."""
    return lambda self, dim, keepdim=False: (add(op, self, axis=[dim], keepdims=bool(keepdim)), None)


def _spread(op: str) -> Callable[..., Expr]:
    def reduce(
        self: Expr, dim: Any = None, unbiased: bool = True, correction: Any = None, keepdim: bool = False
    ) -> Expr:
        ddof = correction if correction is not None else int(unbiased)
        axis = None if dim in (None, []) else per_axis(dim, 1)
        return add(op, self, axis=axis, keepdims=bool(keepdim), ddof=ddof)

    return reduce


def _along(op: str) -> Callable[..., Expr]:
    return lambda self, dim, dtype=None: add(op, self, axis=[dim])


def _running(op: str) -> Callable[..., Expr]:
    return lambda self, dim, dtype=None: add(op, self, axis=dim)


def _norm(self: Expr, ord: Any = 2, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Expr:
    axis = None if dim in (None, []) else per_axis(dim, 1)
    return add("norm", self, ord=ord, axis=axis, keepdims=bool(keepdim))


def _argmax(self: Expr, dim: int | None = None, keepdim: bool = False) -> Expr:
    return add("argmax", self, axis=dim, keepdims=bool(keepdim))


# --- indices ------------------------------------------------------------------------------------


def _embedding(weight: Expr, indices: Expr, padding_idx: int = -1) -> Expr:
    if padding_idx >= 0 and np.any(numbers_of(indices) == padding_idx):
        raise OtherSetting("padding_idx")  # its row is used, and gets no gradient
    return add("embedding", weight, _counted_up(indices, weight.shape[0]))


def _counted_up(indices: Expr, length: int) -> Any:
    """Indices that count from the end as those that count from the start."""
    numbers = numbers_of(indices)
    return np.where(numbers < 0, numbers + length, numbers)


def _index_select(self: Expr, dim: int, index: Expr) -> Expr:
    rows = add("embedding", moved(self, dim, 0), _counted_up(index, self.shape[dim]))
    return moved(rows, 0, dim)


def _index(self: Expr, indices: Sequence[Any]) -> Expr:
    """An integer array for some axes: the elements of the axes as one, chosen by their number."""
    axes = [axis for axis, index in enumerate(indices) if index is not None]
    if axes != list(range(axes[0], axes[-1] + 1)):
        raise OtherSetting("indices")
    arrays = [_counted_up(indices[axis], self.shape[axis]).astype(int) for axis in axes]
    numbers = np.ravel_multi_index(tuple(np.broadcast_arrays(*arrays)), [self.shape[axis] for axis in axes])
    front = moved(self, axes, range(len(axes)))
    table = add("reshape", front, shape=[math.prod(front.shape[: len(axes)]), *front.shape[len(axes) :]])
    chosen = add("embedding", table, np.asarray(numbers))
    return moved(chosen, list(range(numbers.ndim)), [axes[0] + place for place in range(numbers.ndim)])


def _gather(self: Expr, dim: int, index: Expr) -> Expr:
    """`self` at numbers along one axis: an element of the whole array for each."""
    numbers = _counted_up(index, self.shape[dim]).astype(int)
    places = list(np.indices(numbers.shape))
    places[dim] = numbers
    flat = np.ravel_multi_index(tuple(places), self.shape)
    return add("embedding", add("reshape", self, shape=[math.prod(self.shape)]), flat)


def _one_hot(self: Expr, num_classes: int = -1) -> Expr:
    count = int(numbers_of(self).max()) + 1 if num_classes < 0 else num_classes
    return add("one_hot", self, n=count)


_ROWS: Mapping[str, Callable[..., Any]] = {
    **{name: _unary(op) for name, op in _UNARY.items()},
    **{name: _binary(op) for name, op in _BINARY.items()},
    "add": _add,
    "sub": _sub,
    "rsub": lambda self, other, alpha=1: _sub(other, self, alpha),
    "div": _div,
    "true_divide": _div,
    "floor_divide": lambda self, other: _div(self, other, "floor"),
    "pow": lambda self, exponent: add("pow", self, exponent),
    "rsqrt": lambda self: add("div", 1.0, add("sqrt", self)),
    "clamp": _clamp,
    "clamp_min": lambda self, min: _clamp(self, min),
    "clamp_max": lambda self, max: _clamp(self, None, max),
    "round": _round,
    "where": lambda condition, self, other: add("where", condition, self, other),
    "masked_fill": _masked_fill,
    "lerp": lambda self, end, weight: self + weight * (end - self),
    "addcmul": lambda self, tensor1, tensor2, value=1: self + value * (tensor1 * tensor2),
    "addcdiv": lambda self, tensor1, tensor2, value=1: self + value * (tensor1 / tensor2),
    "matmul": lambda self, other: add("matmul", self, other),
    "mm": lambda self, mat2: add("matmul", self, mat2),
    "bmm": lambda self, mat2: add("matmul", self, mat2),
    "mv": lambda self, vec: add("matmul", self, vec),
    "dot": lambda self, tensor: add("matmul", self, tensor),
    "outer": lambda self, vec2: add("outer", self, vec2),
    "addmm": _addmm,
    "baddbmm": lambda self, batch1, batch2, beta=1, alpha=1: _addmm(self, batch1, batch2, beta, alpha),
    "einsum": _einsum,
    "reshape": _reshape,
    "view": lambda self, size: _reshape(self, size),
    "_unsafe_view": lambda self, size: _reshape(self, size),
    "view_as": lambda self, other: _reshape(self, other.shape),
    "flatten": _flatten,
    "unflatten": _unflatten,
    "transpose": _transpose,
    "swapaxes": lambda self, axis0, axis1: _transpose(self, axis0, axis1),
    "t": lambda self: add("transpose", self) if self.ndim == 2 else self,
    "numpy_T": lambda self: add("transpose", self),
    "permute": _permute,
    "movedim": lambda self, source, destination: moved(self, source, destination),
    "squeeze": _squeeze,
    "unsqueeze": _unsqueeze,
    "expand": _expand,
    "expand_as": lambda self, other: _expand(self, other.shape),
    "broadcast_to": lambda self, size: _expand(self, size),
    "slice": _slice,
    "select": _select,
    "narrow": _narrow,
    "split": _split,
    "split_with_sizes": lambda self, split_sizes, dim=0: _cut(self, dim, split_sizes),
    "chunk": _chunk,
    "unbind": _unbind,
    "cat": lambda tensors, dim=0: add("concat", *tensors, axis=dim) if len(tensors) > 1 else tensors[0],
    "stack": stacked,
    "broadcast_tensors": lambda tensors: [
        _expand(x, np.broadcast_shapes(*(other.shape for other in tensors))) for x in tensors
    ],
    "roll": _roll,
    "sum": _reduction("sum"),
    "mean": _reduction("mean"),
    "amax": _reduction("amax"),
    "amin": _reduction("amin"),
    "prod": _reduction("prod"),
    "logsumexp": _reduction("logsumexp"),
    "max": lambda self: add("amax", self),
    "min": lambda self: add("amin", self),
    "max.other": _binary("max"),
    "min.other": _binary("min"),
    "max.dim": _with_places("amax"),
    "min.dim": _with_places("amin"),
    "var": _spread("var"),
    "std": _spread("std"),
    "cumsum": _running("cumsum"),
    "cumprod": _running("cumprod"),
    "linalg_vector_norm": _norm,
    "norm": lambda self, p=2, dim=None, keepdim=False: _norm(self, p, dim, keepdim),
    "argmax": _argmax,
    "softmax": _along("softmax"),
    "_softmax": _along("softmax"),
    "log_softmax": _along("log_softmax"),
    "_log_softmax": _along("log_softmax"),
    "embedding": _embedding,
    "index_select": _index_select,
    "index": _index,
    "gather": _gather,
    "one_hot": _one_hot,
    "polygamma": lambda n, self: add("polygamma", n, self),
    "special_polygamma": lambda n, self: add("polygamma", n, self),
}

ATEN: Mapping[str, Callable[..., Any]] = {
    f"aten.{name}": row
    for name, row in {
        **_ROWS,
        **MAKERS,
        **ARRANGEMENT,
        **LAYERS,
        **WINDOWS,
        **LINEAR_ALGEBRA,
        **LOSSES,
    }.items()
}
