"""Losses: how far predictions are from their targets, as one number.

Names and argument order are PyTorch's functional ones, and so is the mean that each loss ends in. Where
PyTorch would broadcast, shapes must be equal here: a column beside a row is a mistake that nothing tells.

- `cross_entropy`, `nll` and `kl_div` sum over the classes, which stand along the last axis (PyTorch has
  them along axis 1), and take the mean over the examples. The target of the first two is either the number
  of the class of each example, or a probability for each class. For `kl_div` this mean is what PyTorch
  calls batchmean (of two axes), as the divergence is defined; its own default divides by the classes too.
- Nothing is cut off: where PyTorch's binary_cross_entropy stops at a logarithm of -100, `bce` of a
  probability of 0 or 1 has no value. `bce_with_logits` and `cross_entropy` work on logits of any size.
- `hinge` takes targets of -1 and 1; where the margin is met exactly it hands back 0.

Sources: Goodfellow, Bengio and Courville, Deep Learning (MIT Press 2016), section 6.2.2, for the losses
of probabilities; Huber, Robust estimation of a location parameter, Ann. Math. Statist. 35 (1964), with the
derivative clip(d, -delta, delta); Cortes and Vapnik, Support-vector networks, Machine Learning 20 (1995).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from bpx.graph.arrays import Settings, Shape, ShapeError
from bpx.graph.facts import Refusal
from bpx.graph.graph import Expr, Op
from bpx.ops.building.row import composite
from bpx.ops.elementwise.activations import relu, sigmoid, softplus
from bpx.ops.elementwise.arithmetic import square
from bpx.ops.elementwise.functions import log, log1p
from bpx.ops.elementwise.selection import absolute, clip, sign, where
from bpx.ops.indices import one_hot, pick
from bpx.ops.tensors import mean, sum_
from bpx.ops.vectors import log_softmax, positive, softmax

Slopes = tuple[Expr, Expr]


# --- the mean over all elements -----------------------------------------------------------------


def _mean_of(
    name: str,
    each: Callable[..., Expr],
    slopes: Callable[..., Slopes],
    settings: Settings | None = None,
) -> Op:
    """A loss that is the mean of `each` element's own; `slopes` are the derivatives of that."""

    def arrange(x: Shape, target: Shape, **settings: Any) -> Settings:
        return {**_alike(name, x, target), **{key: positive(key, value) for key, value in settings.items()}}

    def pull(upstream: Expr, x: Expr, target: Expr, out: Expr, **settings: Any) -> Slopes:
        share = upstream / math.prod(x.shape)
        by_x, by_target = slopes(x, target, **settings)
        return share * by_x, share * by_target

    return composite(
        name,
        lambda x, target, **settings: mean(each(x, target, **settings)),
        args=each.__code__.co_varnames[:2],
        settings=settings,
        arrange=arrange,
        pull=pull,
    )


def _alike(name: str, x: Shape, target: Shape) -> Settings:
    if x != target:
        raise ShapeError(name, (x, target), "shape-alike")
    return {}


def _both_ways(slope: Expr) -> Slopes:
    return slope, -slope


def _huber(prediction: Expr, target: Expr, *, delta: float) -> Expr:
    """d²/2 as long as |d| ≤ delta, and a straight line from there on."""
    near = _held(prediction, target, delta)
    return near * (prediction - target - near / 2)


def _held(prediction: Expr, target: Expr, most: float) -> Expr:
    return clip(prediction - target, -most, most)


def _bce(p: Expr, target: Expr) -> Expr:
    return -(target * log(p) + (1 - target) * log1p(-p))


def _slopes_of_bce(p: Expr, target: Expr) -> Slopes:
    return (p - target) / (p * (1 - p)), log1p(-p) - log(p)


def _bce_with_logits(z: Expr, target: Expr) -> Expr:
    """bce of sigmoid(z), whose logarithm is -softplus(-z): nothing overflows, and nothing cancels."""
    return target * softplus(-z) + (1 - target) * softplus(z)


def _hinge(score: Expr, target: Expr) -> Expr:
    return relu(1 - target * score)


def _slopes_of_hinge(score: Expr, target: Expr) -> Slopes:
    missed = target * score < 1
    return -target * missed, -score * missed


mse = _mean_of(
    "mse",
    lambda prediction, target: square(prediction - target),
    lambda prediction, target: _both_ways(2 * (prediction - target)),
)
mae = _mean_of(
    "mae",
    lambda prediction, target: absolute(prediction - target),
    lambda prediction, target: _both_ways(sign(prediction - target)),
)
huber = _mean_of(
    "huber",
    _huber,
    lambda prediction, target, *, delta: _both_ways(_held(prediction, target, delta)),
    {"delta": 1},
)
smooth_l1 = _mean_of(
    "smooth_l1",
    lambda prediction, target, *, beta: _huber(prediction, target, delta=beta) / beta,
    lambda prediction, target, *, beta: _both_ways(_held(prediction, target, beta) / beta),
    {"beta": 1},
)
bce = _mean_of("bce", _bce, _slopes_of_bce)
bce_with_logits = _mean_of("bce_with_logits", _bce_with_logits, lambda z, target: (sigmoid(z) - target, -z))
hinge = _mean_of("hinge", _hinge, _slopes_of_hinge)


# --- the sum over the classes, the mean over the examples ---------------------------------------


def _arrange_classes(name: str) -> Callable[..., Settings]:
    def arrange(scores: Shape, target: Shape) -> Settings:
        if not scores or target not in (scores, scores[:-1]):
            raise ShapeError(name, (scores, target), "shape-classes")
        return {}

    return arrange


def _examples(scores: Expr) -> int:
    return math.prod(scores.shape[:-1])


def _numbered(scores: Expr, target: Expr) -> bool:
    """Is the target the number of a class for each example, not a probability for each class?"""
    return target.ndim < scores.ndim


def _refuse_classes(scores: Any, target: Any) -> Refusal | None:
    """Why the numbers of the target are no classes."""
    numbered = np.ndim(target) < np.ndim(scores)
    refusal = pick.refuses(scores, target) if numbered and pick.refuses else None
    if refusal is None:
        return None
    place = refusal.facts["place"].replace("ids", "target", 1)
    return refusal._replace(facts={**refusal.facts, "place": place})


def _nll(log_probabilities: Expr, target: Expr) -> Expr:
    if _numbered(log_probabilities, target):
        return -mean(pick(log_probabilities, target))
    return -sum_(target * log_probabilities) / _examples(log_probabilities)


def _pull_nll(upstream: Expr, log_probabilities: Expr, target: Expr, out: Expr) -> tuple[Expr, Expr | None]:
    share = upstream / _examples(log_probabilities)
    if _numbered(log_probabilities, target):
        return -share * one_hot(target, n=log_probabilities.shape[-1]), None
    return -share * target, -share * log_probabilities


def _pull_cross_entropy(upstream: Expr, logits: Expr, target: Expr, out: Expr) -> tuple[Expr, Expr | None]:
    share = upstream / _examples(logits)
    if _numbered(logits, target):
        return share * (softmax(logits) - one_hot(target, n=logits.shape[-1])), None
    total = sum_(target, axis=-1, keepdims=True)
    return share * (softmax(logits) * total - target), -share * log_softmax(logits)


def _kl_div(log_input: Expr, target: Expr) -> Expr:
    return sum_(target * (_log_of(target) - log_input)) / _examples(log_input)


def _log_of(target: Expr) -> Expr:
    """log(target), but 0 where that is 0, and counts for nothing."""
    return log(where(target == 0, 1, target))


def _pull_kl_div(upstream: Expr, log_input: Expr, target: Expr, out: Expr) -> Slopes:
    share = upstream / _examples(log_input)
    return -share * target, share * (_log_of(target) - log_input + (target != 0))


nll = composite(
    "nll",
    _nll,
    arrange=_arrange_classes("nll"),
    pull=_pull_nll,
    refuses=_refuse_classes,
    sample=((2, 3), (2,)),
)
cross_entropy = composite(
    "cross_entropy",
    lambda logits, target: nll(log_softmax(logits), target),
    arrange=_arrange_classes("cross_entropy"),
    pull=_pull_cross_entropy,
    refuses=_refuse_classes,
    sample=((2, 3), (2,)),
)
kl_div = composite(
    "kl_div",
    _kl_div,
    arrange=lambda log_input, target: _alike("kl_div", log_input, target),
    pull=_pull_kl_div,
)
