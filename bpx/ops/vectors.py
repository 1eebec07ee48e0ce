"""Ops on vectors: softmax and its logarithms, norms, products, variance, the largest element.

They work along `axis`, one or several, on every slice alone. Names and defaults are NumPy's (the axis of
softmax and normalize PyTorch's, the last). `norm` is that of all the elements together, as
torch.linalg.vector_norm has it: of a matrix, order 2 is the Frobenius norm, not the spectral one. `var`
and `std` divide by n - ddof with ddof = 0, as NumPy does and PyTorch does not.

The softmax family does not overflow: the largest score is taken off before exp, as in Goodfellow, Bengio
and Courville, Deep Learning (MIT Press 2016), sections 4.1 and 6.2.2. Derivatives of norms as in
Petersen and Pedersen, The Matrix Cookbook (2012), sections 2.6 and 2.7.

Conventions at kinks are PyTorch's: the norm of zeros and the deviation of equal numbers hand back 0;
amax, amin and the norm of order inf share what arrives evenly among ties. argmax names the first of them, as
NumPy's does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from numbers import Real
from typing import Any

import numpy as np

from bpx.graph.arrays import Array, Settings, Shape
from bpx.graph.graph import Expr, Op
from bpx.ops.building.row import by_class, composite, elem, structural
from bpx.ops.elementwise.activations import sigmoid
from bpx.ops.elementwise.arithmetic import mul, square
from bpx.ops.elementwise.functions import exp, log, root_of_squares, sqrt
from bpx.ops.elementwise.selection import absolute, maximum, minimum, sign, where
from bpx.ops.tensors import (
    SettingError,
    arrange_axes,
    arrange_reduction,
    axes_in_full,
    count,
    mean,
    reduced_shape,
    reshape,
    respread,
    sum_,
    transpose,
)

Axes = tuple[int, ...]
Rows = tuple[Expr, ...]
_FAR_OUT, _NEARER = 2.0**400, 2.0**600  # squares of more, and of less than 1 over it, may leave float64
_FEW = 4  # elements that are written out one by one
_REDUCTION: Settings = {"axis": None, "keepdims": False}


def _same_shape(x: Shape, *, axis: Axes) -> Shape:
    return x


def _mixes(x: Shape, *, axis: Axes, keepdims: bool = False) -> Axes:
    return axis


def _softmax(x: Array, *, axis: Axes, batch: int) -> Any:
    share = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return share / np.sum(share, axis=axis, keepdims=True)


def _logsumexp(x: Array, *, axis: Axes, keepdims: bool, batch: int) -> Any:
    top = np.max(x, axis=axis, keepdims=True)
    total = top + _log_of_shares(x - top, axis)
    return total if keepdims else np.squeeze(total, axis=axis)


def _log_softmax(x: Array, *, axis: Axes, batch: int) -> Any:
    below = x - np.maximum.reduce(x, axis=axis, keepdims=True)
    return below - _log_of_shares(below, axis)


def _log_of_shares(below: Array, axis: Axes) -> Any:
    """log Σ exp(below), where the largest is 0: its 1 is left to log1p, so that small shares are not lost."""
    is_largest = below == 0
    rest = np.add.reduce(np.exp(below) * (below != 0), axis=axis, keepdims=True)
    ties = np.add.reduce(is_largest, axis=axis, keepdims=True) - 1
    return np.log1p(rest + ties)


def _pull_softmax(upstream: Expr, x: Expr, out: Expr, *, axis: Axes) -> tuple[Expr]:
    return (out * (upstream - sum_(upstream * out, axis=axis, keepdims=True)),)


def _pull_log_softmax(upstream: Expr, x: Expr, out: Expr, *, axis: Axes) -> tuple[Expr]:
    return (upstream - softmax(x, axis=axis) * sum_(upstream, axis=axis, keepdims=True),)


def _pull_logsumexp(upstream: Expr, x: Expr, out: Expr, *, axis: Axes, keepdims: bool) -> tuple[Expr]:
    return (respread(upstream, x, axis, keepdims) * softmax(x, axis=axis),)


softmax = structural(
    "softmax",
    _softmax,
    _pull_softmax,
    _same_shape,
    settings={"axis": -1},
    arrange=arrange_axes,
    mixes=_mixes,
    expands=lambda x, *, axis: exp(x) / sum_(exp(x), axis=axis, keepdims=True),
)
logsumexp = structural(
    "logsumexp",
    _logsumexp,
    _pull_logsumexp,
    reduced_shape,
    settings={"axis": None, "keepdims": False},
    arrange=arrange_reduction,
    mixes=_mixes,
    expands=lambda x, *, axis, keepdims: log(sum_(exp(x), axis=axis, keepdims=keepdims)),
)
# Its rule is not exp(x - out): the difference loses digits where both are large.
logaddexp = elem(
    "logaddexp",
    by_class(np.logaddexp, lambda x, y: np.maximum(x, y) + np.log1p(np.exp(-np.abs(x - y)))),
    lambda x, y, out: (sigmoid(x - y), sigmoid(y - x)),
    expands=lambda x, y: log(exp(x) + exp(y)),
)
log_softmax = structural(
    "log_softmax",
    _log_softmax,
    _pull_log_softmax,
    _same_shape,
    settings={"axis": -1},
    arrange=arrange_axes,
    mixes=_mixes,
    expands=lambda x, *, axis: x - logsumexp(x, axis=axis, keepdims=True),
)
softmin = composite(
    "softmin", lambda x, *, axis: softmax(-x, axis=axis), settings={"axis": -1}, arrange=arrange_axes
)


# --- settings -----------------------------------------------------------------------------------


def positive(setting: str, value: Any) -> Any:
    """A finite number above 0. Raises `SettingError` for all else."""
    if not _is_number(value) or not 0 < value < math.inf:
        raise SettingError("not-positive", setting=setting, value=value)
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _aligned(reduced: Expr, x: Expr, axis: Axes) -> Expr:
    """What a reduction of `x` left, or what arrives there, in a shape that broadcasts along `x`."""
    broadcasts = reduced.ndim == x.ndim or axis == tuple(range(len(axis)))
    return reduced if broadcasts else reshape(reduced, shape=reduced_shape(x.shape, axis=axis, keepdims=True))


# --- norms --------------------------------------------------------------------------------------


def _arrange_norm(x: Shape, *, ord: Any, axis: Any, keepdims: Any) -> Settings:
    ord = math.inf if isinstance(ord, str) and ord == "inf" else ord
    if isinstance(ord, bool) or ord not in (1, 2, math.inf):
        raise SettingError("bad-ord", ord=ord)
    return {"ord": ord, **arrange_reduction(x, axis=axis, keepdims=keepdims)}


def _arrange_normalize(x: Shape, *, axis: Any, eps: Any) -> Settings:
    return {"axis": axes_in_full(axis, len(x)), "eps": positive("eps", eps)}


def _ratio(x: Expr, root: Expr) -> Expr:
    """x / root; 0 where both are 0."""
    return x / (root + (root == 0))


def _norm(x: Expr, *, ord: float, axis: Axes, keepdims: bool) -> Expr:
    if ord == 1:
        return sum_(absolute(x), axis=axis, keepdims=keepdims)
    if ord == 2:
        unit, back = _unit_of_squares(x, axis, keepdims)
        scaled = x * _aligned(unit, x, axis)
        return root_of_squares(sum_(square(scaled), axis=axis, keepdims=keepdims)) * back
    return amax(absolute(x), axis=axis, keepdims=keepdims)


def _unit_of_squares(x: Expr, axis: Axes, keepdims: bool) -> tuple[Expr, Expr]:
    """A power of two that brings the squares of `x` into float64 where they would leave it; and 1 over it.

    As hypot does, but in two steps, as neither may meet an infinite number on the way.
    """
    down = sum_(square(x / _NEARER), axis=axis, keepdims=keepdims) > (_FAR_OUT / _NEARER) ** 2
    unit = where(down, 1 / _NEARER, 1)
    total = sum_(square(x * _aligned(unit, x, axis)), axis=axis, keepdims=keepdims)
    up = total < _FAR_OUT**-2
    back = where(down, _NEARER, 1) * where(up, 1 / _NEARER, 1)
    return unit * where(up, _NEARER, 1), back


def _pull_norm(upstream: Expr, x: Expr, out: Expr, *, ord: float, axis: Axes, keepdims: bool) -> tuple[Expr]:
    if ord == 1:
        return (_aligned(upstream, x, axis) * sign(x),)
    if ord == 2:
        return (_aligned(upstream, x, axis) * _ratio(x, _aligned(out, x, axis)),)
    (to_absolute,) = _pull_chosen(upstream, absolute(x), out, axis=axis, keepdims=keepdims)
    return (to_absolute * sign(x),)


def _normalize(x: Expr, *, axis: Axes, eps: float) -> Expr:
    return x / _length(x, axis, eps)


def _length(x: Expr, axis: Axes, eps: float) -> Expr:
    return maximum(_aligned(norm(x, axis=axis), x, axis), eps)


def _pull_normalize(upstream: Expr, x: Expr, out: Expr, *, axis: Axes, eps: float) -> tuple[Expr]:
    length = _length(x, axis, eps)
    along = _aligned(sum_(upstream * out, axis=axis), x, axis) * out
    return ((upstream - (length > eps) * along) / length,)


norm = composite(
    "norm",
    _norm,
    settings={"ord": 2, **_REDUCTION},
    arrange=_arrange_norm,
    pull=_pull_norm,
    sample=((3,),),
)
normalize = composite(
    "normalize",
    _normalize,
    settings={"axis": -1, "eps": 1e-12},
    arrange=_arrange_normalize,
    pull=_pull_normalize,
    sample=((3,),),
)


# --- variance -----------------------------------------------------------------------------------


def _arrange_variance(x: Shape, *, axis: Any, keepdims: Any, ddof: Any) -> Settings:
    settings = arrange_reduction(x, axis=axis, keepdims=keepdims)
    elements = count(x, settings["axis"])
    if not _is_number(ddof) or not 0 <= ddof < elements:
        raise SettingError("bad-ddof", ddof=ddof, count=elements)
    return {**settings, "ddof": ddof}


def _deviations(x: Expr, axis: Axes) -> Expr:
    return x - _aligned(mean(x, axis=axis), x, axis)


def _var(x: Expr, *, axis: Axes, keepdims: bool, ddof: float) -> Expr:
    return sum_(square(_deviations(x, axis)), axis=axis, keepdims=keepdims) / (count(x.shape, axis) - ddof)


def _std(x: Expr, *, axis: Axes, keepdims: bool, ddof: float) -> Expr:
    """√var, as a norm, which brings the squares into float64 where they would leave it."""
    length = norm(_deviations(x, axis), axis=axis, keepdims=keepdims)
    # Not folded: sqrt(3) is easier to know again, and has as many digits as the other numbers.
    return length / x.graph.add(sqrt, x.graph.constant(count(x.shape, axis) - ddof))


def _pull_var(upstream: Expr, x: Expr, out: Expr, *, axis: Axes, keepdims: bool, ddof: float) -> tuple[Expr]:
    scaled = 2 * upstream / (count(x.shape, axis) - ddof)
    return (_aligned(scaled, x, axis) * _deviations(x, axis),)


def _pull_std(upstream: Expr, x: Expr, out: Expr, *, axis: Axes, keepdims: bool, ddof: float) -> tuple[Expr]:
    scaled = upstream / (count(x.shape, axis) - ddof)
    return (_aligned(scaled, x, axis) * _ratio(_deviations(x, axis), _aligned(out, x, axis)),)


var = composite(
    "var",
    _var,
    settings={**_REDUCTION, "ddof": 0},
    arrange=_arrange_variance,
    pull=_pull_var,
    sample=((3,),),
)
std = composite(
    "std",
    _std,
    settings={**_REDUCTION, "ddof": 0},
    arrange=_arrange_variance,
    pull=_pull_std,
    sample=((3,),),
)


# --- products and the largest element: two and two, in rounds that each halve what is left --------


def _in_rows(x: Expr, axis: Axes) -> Expr:
    """`x` with the axes in front, as one: (elements along them, *the other lengths)."""
    order = [*axis, *(at for at in range(x.ndim) if at not in axis)]
    moved = x if order == sorted(order) else transpose(x, axes=order)
    rest = moved.shape[len(axis) :]
    return moved if len(axis) == 1 else reshape(moved, shape=(count(x.shape, axis), *rest))


def _combined(combine: Callable[[Rows, Rows], Rows], *columns: Expr) -> Rows:
    """All rows of the columns as one: neighbours combined in order, of many two and two at once."""
    left_over: list[Rows] = []

    def rows(at: int | slice) -> Rows:
        return tuple(column[at] for column in columns)

    while (length := columns[0].shape[0]) > _FEW:
        if length % 2:
            left_over.append(rows(length - 1))
        columns = combine(rows(slice(0, length - 1, 2)), rows(slice(1, length, 2)))
    return reduce(combine, [*map(rows, range(length)), *reversed(left_over)])


def _two_by_two(combine: Callable[..., Expr]) -> Callable[..., Expr]:
    """The expansion of a reduction that combines any two elements."""

    def expands(x: Expr, *, axis: Axes, keepdims: bool) -> Expr:
        (result,) = _combined(lambda left, right: (combine(*left, *right),), _in_rows(x, axis))
        return _kept(result, x.shape, axis, keepdims)

    return expands


def _kept(result: Expr, x: Shape, axis: Axes, keepdims: bool) -> Expr:
    return reshape(result, shape=reduced_shape(x, axis=axis, keepdims=True)) if keepdims else result


def _pull_chosen(upstream: Expr, x: Expr, out: Expr, *, axis: Axes, keepdims: bool) -> tuple[Expr]:
    chosen = x == _aligned(out, x, axis)
    ties = sum_(chosen, axis=axis, keepdims=keepdims)
    return (_aligned(upstream / ties, x, axis) * chosen,)


def _argmax(x: Expr, *, axis: Axes, keepdims: bool) -> Expr:
    rows = _in_rows(x, axis)
    column = np.arange(rows.shape[0]).reshape(-1, *[1] * (rows.ndim - 1))
    numbers = x.graph.constant(np.broadcast_to(column, rows.shape))
    _, place = _combined(_first_of_largest, rows, numbers)
    return _kept(place, x.shape, axis, keepdims)


def _first_of_largest(left: Rows, right: Rows) -> Rows:
    (x, its_number), (y, other_number) = left, right
    return maximum(x, y), where(x >= y, its_number, other_number)


def _argmax_value(x: Array, *, axis: Axes, keepdims: bool, batch: int) -> Any:
    rest = [at for at in range(x.ndim) if at not in axis]
    rows = np.transpose(x, (*axis, *rest)).reshape(-1, *(x.shape[at] for at in rest))
    place = np.multiply(np.argmax(rows, axis=0), 1.0)
    return np.expand_dims(place, axis) if keepdims else place


def _reduction(
    name: str, of_two: Op, of_all: Callable[..., Any], pull: Callable[..., Any] | None = None
) -> Op:
    """What an op of two elements makes of all along the axes; `of_all` is NumPy's."""
    return composite(
        name,
        _two_by_two(of_two),
        settings=_REDUCTION,
        arrange=arrange_reduction,
        value=lambda x, *, axis, keepdims, batch: of_all(x, axis=axis, keepdims=keepdims),
        pull=pull,
        args=("x",),
        sample=((3,),),
    )


prod = _reduction("prod", mul, np.prod)
amax = _reduction("amax", maximum, np.max, _pull_chosen)
amin = _reduction("amin", minimum, np.min, _pull_chosen)
argmax = structural(
    "argmax",
    _argmax_value,
    lambda upstream, x, out, *, axis, keepdims: (None,),
    reduced_shape,
    settings=_REDUCTION,
    arrange=arrange_reduction,
    chooses=(0,),
    expands=_argmax,
    sample=((3,),),
)
