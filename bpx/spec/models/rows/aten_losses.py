"""The losses of PyTorch's `aten` as nodes; their classes lie along axis 1, those of bpx along the last."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bpx.graph.graph import Expr
from bpx.spec.models.rows.operands import classes_last, numbers_of
from bpx.spec.trace.rules.building import OtherSetting, add

_NONE, _MEAN, _SUM = 0, 1, 2  # what `reduction` means


def _reduced(each: Expr, reduction: int) -> Expr:
    if reduction == _NONE:
        return each
    return add("mean" if reduction == _MEAN else "sum", each)


def _elementwise(op: str, each: Callable[..., Expr], setting: str = "") -> Callable[..., Expr]:
    """A loss that bpx has for the mean of elements of equal shapes, else by the formula of an element."""

    def loss(self: Expr, target: Expr, reduction: int = _MEAN, **settings: float) -> Expr:
        stated = {key: value for key, value in settings.items() if key == setting}
        if reduction == _MEAN and self.shape == target.shape and all(stated.values()):
            return add(op, self, target, **stated)
        return _reduced(each(self, target, **stated), reduction)

    return loss


def _huber_of(distance: Expr, delta: float) -> Expr:
    near = add("clip", distance, -delta, delta)
    return near * (distance - near / 2)


_mse = _elementwise("mse", lambda x, target: add("square", x - target))
_mae = _elementwise("mae", lambda x, target: add("abs", x - target))


def _huber(self: Expr, target: Expr, reduction: int = _MEAN, delta: float = 1.0) -> Expr:
    loss = _elementwise("huber", lambda x, target, delta: _huber_of(x - target, delta), "delta")
    return loss(self, target, reduction, delta=delta)


def _smooth_l1(self: Expr, target: Expr, reduction: int = _MEAN, beta: float = 1.0) -> Expr:
    if not beta:
        return _mae(self, target, reduction)
    loss = _elementwise("smooth_l1", lambda x, target, beta: _huber_of(x - target, beta) / beta, "beta")
    return loss(self, target, reduction, beta=beta)


def _bce(self: Expr, target: Expr, weight: Expr | None = None, reduction: int = _MEAN) -> Expr:
    if weight is None and reduction == _MEAN and self.shape == target.shape:
        return add("bce", self, target)
    each = -(target * add("log", self) + (1 - target) * add("log1p", -self))
    return _reduced(each if weight is None else each * weight, reduction)


def _bce_with_logits(
    self: Expr,
    target: Expr,
    weight: Expr | None = None,
    pos_weight: Expr | None = None,
    reduction: int = _MEAN,
) -> Expr:
    if weight is None and pos_weight is None and reduction == _MEAN and self.shape == target.shape:
        return add("bce_with_logits", self, target)
    hit = target * add("softplus", -self)
    each = (hit if pos_weight is None else hit * pos_weight) + (1 - target) * add("softplus", self)
    return _reduced(each if weight is None else each * weight, reduction)


def _nll(
    self: Expr,
    target: Expr,
    weight: Expr | None = None,
    reduction: int = _MEAN,
    ignore_index: int = -100,
) -> Expr:
    """−log p of each class, a mean over the weights of the classes."""
    scores = classes_last(self)
    numbers = numbers_of(target)
    if weight is None and reduction == _MEAN and not np.any(numbers == ignore_index):
        return add("nll", scores, target)
    counts = numbers != ignore_index
    classes = np.where(counts, numbers, 0)
    share: Any = counts.astype(float)
    if weight is not None:
        share = add("embedding", weight, classes) * share
    each = -add("pick", scores, classes) * share
    if reduction != _MEAN:
        return _reduced(each, reduction)
    return add("sum", each) / (add("sum", share) if isinstance(share, Expr) else float(share.sum()))


def _cross_entropy(
    self: Expr,
    target: Expr,
    weight: Expr | None = None,
    reduction: int = _MEAN,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
) -> Expr:
    scores = classes_last(self)
    plain = weight is None and not label_smoothing
    if self.shape == target.shape:  # probabilities
        return _cross_entropy_of_shares(scores, classes_last(target), reduction, plain)
    if label_smoothing:
        if weight is not None or np.any(numbers_of(target) == ignore_index):
            raise OtherSetting("label_smoothing")
        count = scores.shape[-1]
        smooth = (1 - label_smoothing) * add("one_hot", target, n=count) + label_smoothing / count
        return _cross_entropy_of_shares(scores, smooth, reduction, True)
    if plain and reduction == _MEAN and not np.any(numbers_of(target) == ignore_index):
        return add("cross_entropy", scores, target)
    log_probabilities = add("log_softmax", self, axis=[1 if self.ndim > 1 else 0])
    return _nll(log_probabilities, target, weight, reduction, ignore_index)


def _cross_entropy_of_shares(scores: Expr, target: Expr, reduction: int, plain: bool) -> Expr:
    if not plain:
        raise OtherSetting("weight")
    if reduction == _MEAN:
        return add("cross_entropy", scores, target)
    return _reduced(-add("sum", target * add("log_softmax", scores), axis=[-1]), reduction)


def _kl_div(self: Expr, target: Expr, reduction: int = _MEAN, log_target: bool = False) -> Expr:
    """PyTorch's mean is that over all elements, as the name says, not the one of the definition."""
    if log_target:
        return _reduced(add("exp", target) * (target - self), reduction)
    if reduction != _NONE and self.shape == target.shape:
        total = add("kl_div", self, target)
        examples = math.prod(self.shape[:-1])
        return total * (examples if reduction == _SUM else 1 / self.shape[-1])
    return _reduced(target * (add("log", target) - self), reduction)


def _cosine_similarity(x1: Expr, x2: Expr, dim: int = 1, eps: float = 1e-8) -> Expr:
    first, second = (x / add("max", add("norm", x, axis=[dim], keepdims=True), eps) for x in (x1, x2))
    return add("sum", first * second, axis=[dim])


_WORDS = {_NONE: "none", _MEAN: "mean", _SUM: "sum"}


def _triplet(
    anchor: Expr,
    positive: Expr,
    negative: Expr,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: int = _MEAN,
) -> Expr:
    if swap or p not in (1, 2, math.inf):
        raise OtherSetting("swap" if swap else "p")
    settings = {"margin": margin, "p": p, "eps": eps, "reduction": _WORDS[reduction]}
    return add("triplet", anchor, positive, negative, **settings)


def _cosine_embedding(
    input1: Expr, input2: Expr, target: Expr, margin: float = 0.0, reduction: int = _MEAN
) -> Expr:
    return add("cosine_embedding", input1, input2, target, margin=margin, reduction=_WORDS[reduction])


def _poisson_nll(
    input: Expr, target: Expr, log_input: bool, full: bool, eps: float, reduction: int = _MEAN
) -> Expr:
    settings = {"log_input": bool(log_input), "full": bool(full), "eps": eps}
    return add("poisson_nll", input, target, **settings, reduction=_WORDS[reduction])


LOSSES: Mapping[str, Callable[..., Any]] = {
    "mse_loss": lambda self, target, reduction=_MEAN: _mse(self, target, reduction),
    "l1_loss": lambda self, target, reduction=_MEAN: _mae(self, target, reduction),
    "smooth_l1_loss": _smooth_l1,
    "huber_loss": _huber,
    "binary_cross_entropy": _bce,
    "binary_cross_entropy_with_logits": _bce_with_logits,
    "nll_loss": _nll,
    "nll_loss_nd": _nll,
    "cross_entropy_loss": _cross_entropy,
    "kl_div": _kl_div,
    "cosine_similarity": _cosine_similarity,
    "triplet_margin_loss": _triplet,
    "cosine_embedding_loss": _cosine_embedding,
    "poisson_nll_loss": _poisson_nll,
}
