"""Losses of single elements, or of vectors: how far predictions are from their targets, as one number.

Names, args, settings and defaults are PyTorch's functional ones, and so is `reduction`: "mean", "sum" or
"none". Where PyTorch would broadcast, shapes must be equal here: a column beside a row is a mistake that
nothing tells. Only weights may be of a shape that is broadcast.

- Nothing is cut off: where PyTorch's binary_cross_entropy stops at a logarithm of -100, `bce` of a
  probability of 0 or 1 has no value. `bce_with_logits` works on logits of any size.
- `hinge` takes targets of -1 and 1; where the margin is met exactly it hands back 0.
- `focal` is torchvision's sigmoid_focal_loss, but for the mean.
- `triplet` and `cosine_embedding` compare vectors, along the last axis.

Sources: Goodfellow, Bengio and Courville, Deep Learning (MIT Press 2016), section 6.2.2, for the losses
of probabilities; Huber, Robust estimation of a location parameter, Ann. Math. Statist. 35 (1964), with the
derivative clip(d, -delta, delta); Cortes and Vapnik, Support-vector networks, Machine Learning 20 (1995);
Lin and others, Focal Loss for Dense Object Detection, ICCV 2017; Schroff and others, FaceNet, CVPR 2015;
Nix and Weigend, Estimating the mean and variance of the target probability distribution, ICNN 1994.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from bpx.graph.arrays import Settings, Shape, ShapeError, broadcast
from bpx.graph.graph import CONSTANT, Expr, Op
from bpx.ops.building.row import composite
from bpx.ops.elementwise.activations import relu, sigmoid, softplus
from bpx.ops.elementwise.arithmetic import square
from bpx.ops.elementwise.functions import exp, log, log1p, sqrt
from bpx.ops.elementwise.selection import absolute, clip, maximum, sign, where
from bpx.ops.tensors import SettingError, mean, sum_, unbroadcast
from bpx.ops.vectors import norm, positive

Slopes = tuple[Expr, Expr]


# --- of every element ---------------------------------------------------------------------------

REDUCTIONS = ("mean", "sum", "none")


def reduced(each: Expr, reduction: str) -> Expr:
    """The losses of all examples, as the setting wants them."""
    return {"mean": mean, "sum": sum_}[reduction](each) if reduction != "none" else each


def checked_reduction(reduction: Any, choices: tuple[str, ...] = REDUCTIONS) -> str:
    """One of the reductions there are. Raises `SettingError` for what is none."""
    if reduction not in choices:
        choice = ", ".join(choices)
        raise SettingError("not-one-of", setting="reduction", value=reduction, choices=choice)
    return str(reduction)


def share_of(upstream: Expr, reduction: str, count: int) -> Expr:
    """The upstream gradient of the loss of each of so many examples."""
    return upstream / count if reduction == "mean" else upstream


def _loss(
    name: str,
    each: Callable[..., Expr],
    slopes: Callable[..., tuple[Expr, ...]] | None = None,
    settings: Settings | None = None,
    defaults: tuple[float, ...] = (),
    sample: tuple[Shape, ...] = (),
) -> Op:
    """A loss of `each` element; `slopes` are its derivatives, by weights as well, whose `defaults` are 1."""

    def arrange(*shapes: Shape, reduction: Any, **settings: Any) -> Settings:
        measured = shapes[: len(shapes) - len(defaults)]
        for weights in shapes[len(measured) :]:
            if broadcast(name, (measured[0], weights)) != measured[0]:
                raise ShapeError(name, (measured[0], weights))
        for shape in measured[1:]:
            _alike(name, measured[0], shape)
        return {**_checked(settings), "reduction": checked_reduction(reduction)}

    def pull(upstream: Expr, *args: Expr, reduction: str, **settings: Any) -> tuple[Expr, ...]:
        assert slopes
        share = share_of(upstream, reduction, math.prod(args[0].shape))
        by = slopes(*args[:-1], **settings)
        return tuple(unbroadcast(share * slope, arg.shape) for slope, arg in zip(by, args, strict=False))

    return composite(
        name,
        lambda *args, reduction, **settings: reduced(each(*args, **settings), reduction),
        args=each.__code__.co_varnames[: each.__code__.co_argcount],
        settings={**(settings or {}), "reduction": "mean"},
        defaults=defaults,
        arrange=arrange,
        pull=pull if slopes else None,
        sample=sample,
    )


_FLAGS, _ANY_NUMBER = {"full", "log_input"}, {"alpha", "gamma", "eps"}


def _checked(settings: Settings) -> Settings:
    """The settings of a loss; a number must be positive, unless it may be any. Raises `SettingError`."""
    for key, value in settings.items():
        if key in _FLAGS and not isinstance(value, bool):
            raise SettingError("not-a-flag", setting=key, value=value)
        if key in _ANY_NUMBER and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise SettingError("setting-not-a-number", setting=key, value=value)
    free = _FLAGS | _ANY_NUMBER
    return {key: value if key in free else positive(key, value) for key, value in settings.items()}


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


def _bce(p: Expr, target: Expr, weight: Expr) -> Expr:
    return weight * -(target * log(p) + (1 - target) * log1p(-p))


def _slopes_of_bce(p: Expr, target: Expr, weight: Expr) -> tuple[Expr, ...]:
    by_p, by_target = (p - target) / (p * (1 - p)), log1p(-p) - log(p)
    return weight * by_p, weight * by_target, _bce(p, target, p.graph.constant(1.0))


def _bce_with_logits(z: Expr, target: Expr, weight: Expr, pos_weight: Expr) -> Expr:
    """bce of sigmoid(z), whose logarithm is -softplus(-z): nothing overflows, and nothing cancels."""
    return weight * (pos_weight * (target * softplus(-z)) + (1 - target) * softplus(z))


def _slopes_of_bce_with_logits(z: Expr, target: Expr, weight: Expr, pos_weight: Expr) -> tuple[Expr, ...]:
    one = z.graph.constant(1.0)
    if (
        pos_weight.op is CONSTANT
        and pos_weight.shape == ()
        and pos_weight.graph.constants[pos_weight.id] == 1
    ):
        by_z, by_target = sigmoid(z) - target, -z
    else:
        by_z = (1 - target) * sigmoid(z) - pos_weight * (target * sigmoid(-z))
        by_target = pos_weight * softplus(-z) - softplus(z)
    return (
        weight * by_z,
        weight * by_target,
        _bce_with_logits(z, target, one, pos_weight),
        weight * (target * softplus(-z)),
    )


def _hinge(score: Expr, target: Expr) -> Expr:
    return relu(1 - target * score)


def _slopes_of_hinge(score: Expr, target: Expr) -> Slopes:
    missed = target * score < 1
    return -target * missed, -score * missed


mse = _loss(
    "mse",
    lambda prediction, target: square(prediction - target),
    lambda prediction, target: _both_ways(2 * (prediction - target)),
)
mae = _loss(
    "mae",
    lambda prediction, target: absolute(prediction - target),
    lambda prediction, target: _both_ways(sign(prediction - target)),
)
huber = _loss(
    "huber",
    _huber,
    lambda prediction, target, *, delta: _both_ways(_held(prediction, target, delta)),
    {"delta": 1},
)
smooth_l1 = _loss(
    "smooth_l1",
    lambda prediction, target, *, beta: _huber(prediction, target, delta=beta) / beta,
    lambda prediction, target, *, beta: _both_ways(_held(prediction, target, beta) / beta),
    {"beta": 1},
)
bce = _loss("bce", _bce, _slopes_of_bce, defaults=(1.0,), sample=((2, 3), (2, 3)))
bce_with_logits = _loss(
    "bce_with_logits",
    _bce_with_logits,
    _slopes_of_bce_with_logits,
    defaults=(1.0, 1.0),
    sample=((2, 3), (2, 3)),
)
hinge = _loss("hinge", _hinge, _slopes_of_hinge)


# --- of probabilities ---------------------------------------------------------------------------


def _focal(z: Expr, target: Expr, *, alpha: float, gamma: float) -> Expr:
    """The cross-entropy of sigmoid(z), times a power of how far this is from the target, 1 - p_t."""
    missed = (1 - target) * sigmoid(z) + target * sigmoid(-z)
    loss = (target * softplus(-z) + (1 - target) * softplus(z)) * missed**gamma
    return loss * (alpha * target + (1 - alpha) * (1 - target)) if alpha >= 0 else loss


def _gaussian_nll(prediction: Expr, target: Expr, var: Expr, *, full: bool, eps: float) -> Expr:
    safe = maximum(var, eps)
    loss = (log(safe) + square(prediction - target) / safe) / 2
    return loss + _half_log_of_2_pi(var) if full else loss


def _half_log_of_2_pi(x: Expr) -> Expr:
    return log(x.graph.constant(2 * math.pi)) / 2


def _poisson_nll(prediction: Expr, target: Expr, *, log_input: bool, full: bool, eps: float) -> Expr:
    """The rate less target · log(rate), up to log(target!), of which `full` adds Stirling's approximation."""
    rate = exp(prediction) if log_input else prediction
    loss = rate - target * (prediction if log_input else log(prediction + eps))
    if not full:
        return loss
    many = where(target > 1, target, 1)
    stirling = many * log(many) - many + log(2 * math.pi * many) / 2
    return loss + (target > 1) * stirling


focal = _loss("focal", _focal, settings={"alpha": 0.25, "gamma": 2})
gaussian_nll = _loss("gaussian_nll", _gaussian_nll, settings={"full": False, "eps": 1e-6})
poisson_nll = _loss("poisson_nll", _poisson_nll, settings={"log_input": True, "full": False, "eps": 1e-8})


# --- of vectors, along the last axis ------------------------------------------------------------


def _arrange_vectors(name: str) -> Callable[..., Settings]:
    def arrange(first: Shape, second: Shape, third: Shape, *, reduction: Any, **settings: Any) -> Settings:
        _alike(name, first, second)
        wanted = first if name == "triplet" else first[:-1]
        if not first or third != wanted:
            raise ShapeError(name, (first, second, third), "shape-vectors-of-loss")
        for key, value in settings.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise SettingError("setting-not-a-number", setting=key, value=value)
        if settings.get("p", 2) not in (1, 2, math.inf):
            raise SettingError("bad-ord", ord=settings["p"])
        return {**settings, "reduction": checked_reduction(reduction)}

    return arrange


def _triplet(
    anchor: Expr, positive: Expr, negative: Expr, *, margin: float, p: float, eps: float, reduction: str
) -> Expr:
    near = norm(anchor - positive + eps, ord=p, axis=-1)
    far = norm(anchor - negative + eps, ord=p, axis=-1)
    return reduced(relu(near - far + margin), reduction)


_LEAST_SQUARE = 1e-12  # that PyTorch adds to the squares of both lengths


def _cosine_embedding(x1: Expr, x2: Expr, target: Expr, *, margin: float, reduction: str) -> Expr:
    squares = [sum_(square(x), axis=-1) + _LEAST_SQUARE for x in (x1, x2)]
    cosine = sum_(x1 * x2, axis=-1) / (sqrt(squares[0]) * sqrt(squares[1]))
    return reduced(where(target > 0, 1 - cosine, relu(cosine - margin)), reduction)


triplet = composite(
    "triplet",
    _triplet,
    settings={"margin": 1, "p": 2, "eps": 1e-6, "reduction": "mean"},
    arrange=_arrange_vectors("triplet"),
)
cosine_embedding = composite(
    "cosine_embedding",
    _cosine_embedding,
    settings={"margin": 0, "reduction": "mean"},
    arrange=_arrange_vectors("cosine_embedding"),
    sample=((2, 3), (2, 3), (2,)),
)
