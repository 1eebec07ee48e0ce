"""Ops on vectors of scores, as the last layer of a classifier has them: softmax and its logarithms.

They work along `axis`, one or several, on every slice alone. None of them overflows: the largest
score is taken off before exp, as in Goodfellow, Bengio and Courville, Deep Learning (MIT Press 2016),
sections 4.1 and 6.2.2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bpx.graph import Array, Expr, Settings, Shape
from bpx.ops.functions import exp, log
from bpx.ops.row import structural
from bpx.ops.tensors import arrange_reduction, axes_in_full, reduced_shape, respread, sum_

Axes = tuple[int, ...]


def _arrange(x: Shape, *, axis: Any) -> Settings:
    return {"axis": axes_in_full(axis, len(x))}


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
    below = x - np.max(x, axis=axis, keepdims=True)
    return below - _log_of_shares(below, axis)


def _log_of_shares(below: Array, axis: Axes) -> Any:
    """log Σ exp(below), where the largest is 0: its 1 is left to log1p, so that small shares are not lost."""
    rest = np.sum(np.exp(below) * (below != 0), axis=axis, keepdims=True)
    ties = np.sum(below == 0, axis=axis, keepdims=True) - 1
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
    arrange=_arrange,
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
log_softmax = structural(
    "log_softmax",
    _log_softmax,
    _pull_log_softmax,
    _same_shape,
    settings={"axis": -1},
    arrange=_arrange,
    mixes=_mixes,
    expands=lambda x, *, axis: x - logsumexp(x, axis=axis, keepdims=True),
)
