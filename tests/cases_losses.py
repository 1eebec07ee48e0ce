"""Cases for losses; see cases_tensors.py for what such a module holds."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from oracle import elementwise, mp, torch

SHAPES: list[tuple[int, ...]] = [
    (2, 3), (), (1,), (3,), (7,), (1, 1), (1, 5), (5, 1), (3, 2), (4, 4), (6, 2), (2, 3, 4), (3, 1, 2),
    (4, 4, 4), (2, 1, 1), (1, 1, 6), (2, 2, 2, 2), (1, 3, 1, 2), (9,), (3, 5),
]  # fmt: skip
WITH_CLASSES: list[tuple[int, ...]] = [
    (2, 3), (3,), (1, 2), (5, 4), (4, 4), (1, 7), (6, 2), (2, 3, 4), (4, 4, 4), (3, 1, 5),
    (2, 2, 2, 3), (9, 3),
]  # fmt: skip
CASES: list[tuple[str, list[Any], dict[str, Any]]] = [
    *[
        (name, [shape, shape], {})
        for name in ("mse", "mae", "huber", "smooth_l1", "hinge", "kl_div")
        for shape in SHAPES
    ],
    *[("bce", [shape, shape, ()], {}) for shape in SHAPES],
    *[("bce_with_logits", [shape, shape, (), ()], {}) for shape in SHAPES],
    *[("huber", [shape, shape], {"delta": delta}) for delta in (0.1, 2) for shape in SHAPES[:4]],
    *[("smooth_l1", [shape, shape], {"beta": beta}) for beta in (0.1, 2) for shape in SHAPES[:4]],
    *[
        (name, [shape, target, ()], {})
        for name in ("nll", "cross_entropy")
        for shape in WITH_CLASSES
        for target in (shape, shape[:-1])
    ],
    *[
        (name, [shape, target, shape[-1:] if weighted else ()], {**settings, **more})
        for name, extra in [("nll", [{}]), ("cross_entropy", [{}, {"label_smoothing": 0.25}])]
        for shape in [(4, 4), (2, 2, 3)]
        for target in (shape, shape[:-1])
        for weighted in (False, True)
        for settings in [
            {"reduction": "mean"},
            {"reduction": "sum"},
            {"reduction": "none"},
            {"ignore_index": 1},
        ]
        for more in extra
    ],
    *[
        (name, [shape, shape, *more], {"reduction": reduction})
        for name, more in [
            *[(name, []) for name in ("mse", "mae", "huber", "smooth_l1", "hinge", "kl_div")],
            ("bce", [()]),
            ("bce_with_logits", [(), ()]),
        ]
        for shape in [(2, 3), (4,), ()]
        for reduction in ("mean", "sum", "none")
    ],
    *[
        ("bce", [(2, 3), (2, 3), weight], {"reduction": how})
        for weight in [(3,), (2, 1)]
        for how in ("mean", "none")
    ],
    *[
        ("bce_with_logits", [(2, 3), (2, 3), weight, (3,)], {"reduction": how})
        for weight in [(), (2, 1)]
        for how in ("mean", "none")
    ],
    *[
        ("focal", [shape, shape], settings)
        for shape in [(), (3,), (2, 3), (4, 4)]
        for settings in [{}, {"alpha": -1, "gamma": 3}, {"alpha": 0.5, "gamma": 1.5, "reduction": "sum"}]
    ],
    *[
        ("gaussian_nll", [shape] * 3, settings)
        for shape in [(), (3,), (2, 3), (4, 4)]
        for settings in [{}, {"full": True}, {"eps": 1, "reduction": "none"}]
    ],
    *[
        ("poisson_nll", [shape] * 2, settings)
        for shape in [(), (3,), (2, 3), (4, 4)]
        for settings in [{}, {"full": True}, {"log_input": False, "eps": 0.5, "reduction": "none"}]
    ],
    *[
        ("triplet", [shape] * 3, settings)
        for shape in [(3,), (2, 3), (4, 4), (2, 1, 2)]
        for settings in [{}, {"margin": 2.5, "p": 1}, {"margin": 0.5, "eps": 0.1, "reduction": "none"}]
    ],
    *[
        ("cosine_embedding", [shape, shape, shape[:-1]], settings)
        for shape in [(3,), (2, 3), (4, 4), (2, 1, 2)]
        for settings in [{}, {"margin": 0.3, "reduction": "sum"}, {"margin": -0.5, "reduction": "none"}]
    ],
]

Draw = Callable[[np.random.Generator, list[Any]], list[Any]]


def _targets(rng: np.random.Generator, shapes: list[Any]) -> Any:
    """Class numbers where the target has no axis of classes, else probabilities."""
    scores, target, *_ = shapes
    if target != scores:
        numbers = rng.integers(0, scores[-1], target).astype(float)
        np.ravel(numbers)[:1] = 0  # one at least that no case ignores
        return numbers
    shares = rng.uniform(0.1, 1, target)
    return shares / np.sum(shares, axis=-1, keepdims=True)


def _draw_bce(rng: np.random.Generator, shapes: list[Any]) -> list[Any]:
    return [*(rng.uniform(0.05, 0.95, shape) for shape in shapes[:2]), _weight(rng, shapes[2])]


def _draw_logits(rng: np.random.Generator, shapes: list[Any]) -> list[Any]:
    z, target, *weights = shapes
    return [rng.normal(size=z) * 3, rng.uniform(0, 1, target), *(_weight(rng, shape) for shape in weights)]


def _weight(rng: np.random.Generator, shape: Any) -> Any:
    return rng.uniform(0.3, 2, shape)


DRAWS: dict[str, Draw] = {
    "bce": _draw_bce,
    "bce_with_logits": _draw_logits,
    "focal": _draw_logits,
    "hinge": lambda rng, shapes: [rng.normal(size=shapes[0]), rng.choice([-1.0, 1.0], shapes[1])],
    "kl_div": lambda rng, shapes: [rng.normal(size=shapes[0]), rng.uniform(0.1, 1, shapes[1])],
    "nll": lambda rng, shapes: [
        rng.normal(size=shapes[0]) - 2,
        _targets(rng, shapes),
        _weight(rng, shapes[2]),
    ],
    "cross_entropy": lambda rng, shapes: [
        rng.normal(size=shapes[0]) * 3,
        _targets(rng, shapes),
        _weight(rng, shapes[2]),
    ],
    "gaussian_nll": lambda rng, shapes: [
        *(rng.normal(size=shape) for shape in shapes[:2]),
        rng.uniform(0.5, 2, shapes[2]),
    ],
    "poisson_nll": lambda rng, shapes: [rng.uniform(0.2, 2, shapes[0]), rng.uniform(0.2, 4, shapes[1])],
    "triplet": lambda rng, shapes: [rng.normal(size=shape) for shape in shapes],
    "cosine_embedding": lambda rng, shapes: [
        *(rng.normal(size=shape) for shape in shapes[:2]),
        rng.choice([-1.0, 1.0], shapes[2]),
    ],
}


def _reduced(each: Any, reduction: str) -> Any:
    return {"mean": np.mean, "sum": np.sum, "none": lambda x: x}[reduction](each)


def _loss(each: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, reduction="mean", **settings: _reduced(each(*args, **settings), reduction)


def _log_loss(z: Any, target: Any, weight: Any, pos_weight: Any) -> Any:
    return weight * (pos_weight * target * _log(1 + _exp(-z)) + (1 - target) * _log(1 + _exp(z)))


def _focal(z: Any, target: Any, alpha: float = 0.25, gamma: float = 2) -> Any:
    p = 1 / (1 + _exp(-z))
    loss = -target * _log(p) - (1 - target) * _log(1 - p)
    loss = loss * _power(1 - (p * target + (1 - p) * (1 - target)), gamma)
    return loss * (alpha * target + (1 - alpha) * (1 - target)) if alpha >= 0 else loss


def _power(x: Any, exponent: float) -> Any:
    return _exp(exponent * _log(x))


def _pi_like(x: Any) -> Any:
    """2π, as float64 has π."""
    return np.asarray(2 * np.pi).astype(np.asarray(x).dtype)


def _gaussian_nll(x: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6) -> Any:
    var = np.where(np.real(var) < eps, eps + 0 * var, var)
    return (_log(var) + (x - target) ** 2 / var + (_log(_pi_like(x)) if full else 0)) / 2


def _poisson_nll(x: Any, target: Any, log_input: bool = True, full: bool = False, eps: float = 1e-8) -> Any:
    loss = _exp(x) - target * x if log_input else x - target * _log(x + eps)
    stirling = target * _log(target) - target + _log(_pi_like(x) * target) / 2
    return loss + np.where(np.real(target) > 1, stirling, 0 * stirling) if full else loss


def _triplet(a: Any, b: Any, c: Any, margin: float = 1, p: float = 2, eps: float = 1e-6) -> Any:
    near, far = (
        _sqrt(np.sum(d * d, axis=-1)) if p == 2 else np.sum(_abs(d), axis=-1)
        for d in (a - b + eps, a - c + eps)
    )
    return _above_zero(near - far + margin)


def _cosine_embedding(a: Any, b: Any, target: Any, margin: float = 0) -> Any:
    squares = (np.sum(a * a, axis=-1) + 1e-12) * (np.sum(b * b, axis=-1) + 1e-12)
    cosine = np.sum(a * b, axis=-1) / _sqrt(squares)
    return np.where(np.real(target) > 0, 1 - cosine, _above_zero(cosine - margin))


def _kl_div(scores: Any, target: Any, reduction: str = "batchmean") -> Any:
    each = target * (_log(target) - scores)
    return np.sum(each) / _examples(scores) if reduction == "batchmean" else _reduced(each, reduction)


TENSORS: dict[str, Callable[..., Any]] = {
    "mse": _loss(lambda prediction, target: (prediction - target) ** 2),
    "mae": _loss(lambda prediction, target: _abs(prediction - target)),
    "huber": _loss(lambda prediction, target, delta=1: _bent(prediction - target, delta)),
    "smooth_l1": _loss(lambda prediction, target, beta=1: _bent(prediction - target, beta) / beta),
    "bce": _loss(lambda p, target, weight: -weight * (target * _log(p) + (1 - target) * _log(1 - p))),
    "bce_with_logits": _loss(_log_loss),
    "hinge": _loss(lambda score, target: _above_zero(1 - target * score)),
    "focal": _loss(_focal),
    "gaussian_nll": _loss(_gaussian_nll),
    "poisson_nll": _loss(_poisson_nll),
    "triplet": _loss(_triplet),
    "cosine_embedding": _loss(_cosine_embedding),
    "nll": lambda scores, target, weight, **settings: _nll(scores, target, weight, **settings),
    "cross_entropy": lambda scores, target, weight, **settings: _nll(
        _log_softmax(scores), target, weight, **settings
    ),
    "kl_div": _kl_div,
}

_exp, _log = elementwise(np.exp, mp.exp), elementwise(np.log, mp.log)
_sqrt = elementwise(np.sqrt, mp.sqrt)
_abs = elementwise(lambda x: np.where(np.real(x) < 0, -x, x), abs)


def _bent(d: Any, delta: float) -> Any:
    return np.where(np.real(_abs(d)) <= delta, d * d / 2, delta * (_abs(d) - delta / 2))


def _above_zero(x: Any) -> Any:
    return np.where(np.real(x) > 0, x, 0 * x)


def _log_softmax(scores: Any) -> Any:
    return scores - _log(np.sum(_exp(scores), axis=-1, keepdims=True))


def _examples(scores: Any) -> int:
    return int(np.prod(np.shape(scores)[:-1]))


def _nll(
    scores: Any,
    target: Any,
    weight: Any,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0,
) -> Any:
    """Example by example."""
    classes = np.shape(scores)[-1]
    weights = np.broadcast_to(weight, classes)
    numbered = np.ndim(target) < np.ndim(scores)
    lead = np.shape(scores)[:-1]
    losses, total = [], 0
    for at in np.ndindex(lead):
        row, wanted = scores[at], np.asarray(target)[at]
        if numbered:
            number = int(np.real(wanted))
            counts = number != ignore_index
            wanted = np.arange(classes) == number
            total = total + weights[number] * counts
        else:
            counts, total = True, total + 1
        shares = wanted * (1 - label_smoothing) * classes + label_smoothing
        losses.append(-np.sum(weights * shares * row) * counts / classes)
    if reduction == "mean":
        return np.sum(losses, axis=0) / total
    each = np.array(losses, dtype=np.result_type(scores, weights, target)).reshape(lead)
    return _reduced(each, reduction)


# --- as torch functions -------------------------------------------------------------------------


def torch_functions() -> dict[str, Callable[..., Any]]:
    """Op name → torch function; torch has no plain hinge loss."""
    functional = torch().nn.functional
    return {
        "mse": functional.mse_loss,
        "mae": functional.l1_loss,
        "huber": lambda x, target, delta=1.0, **more: functional.huber_loss(x, target, delta=delta, **more),
        "smooth_l1": functional.smooth_l1_loss,
        "bce": lambda p, target, weight, reduction="mean": _torch_reduced(
            -weight * (target * p.log() + (1 - target) * (1 - p).log()), reduction
        ),
        "bce_with_logits": _torch_log_loss,
        "focal": _torch_focal,
        "hinge": lambda score, target, reduction="mean": _torch_reduced(
            (1 - target * score).clamp_min(0), reduction
        ),
        "gaussian_nll": lambda x, target, var, **more: _torch_reduced(
            *_torch_gaussian(x, target, var, **more)
        ),
        "poisson_nll": functional.poisson_nll_loss,
        "triplet": functional.triplet_margin_loss,
        "cosine_embedding": _torch_cosine,
        "nll": lambda scores, target, weight, **more: _torch_nll(scores, target, weight, **more),
        "cross_entropy": lambda scores, target, weight, **more: _torch_nll(
            scores.log_softmax(-1), target, weight, **more
        ),
        "kl_div": _torch_kl_div,
    }


def _torch_reduced(each: Any, reduction: str) -> Any:
    return {"mean": lambda x: x.mean(), "sum": lambda x: x.sum(), "none": lambda x: x}[reduction](each)


def _torch_kl_div(scores: Any, target: Any, reduction: str = "batchmean") -> Any:
    with warnings.catch_warnings(action="ignore"):  # of "mean", whose meaning torch is going to change
        found = torch().nn.functional.kl_div(*_rows(scores, target), reduction=reduction)
    return found.reshape(scores.shape if reduction == "none" else ())


def _rows(scores: Any, target: Any) -> tuple[Any, Any]:
    """One example a row, and whole numbers for classes, as torch wants them."""
    rows = scores.reshape(-1, scores.shape[-1] if scores.ndim else 1)
    return rows, target.reshape(rows.shape) if target.ndim == scores.ndim else target.reshape(-1).long()


def _torch_log_loss(z: Any, target: Any, weight: Any, pos_weight: Any, reduction: str = "mean") -> Any:
    # torch's own takes no gradient of weights.
    soft = torch().nn.functional.softplus
    each = weight * (pos_weight * target * soft(-z) + (1 - target) * soft(z))
    return _torch_reduced(each, reduction)


def _torch_focal(z: Any, target: Any, alpha: float = 0.25, gamma: float = 2, reduction: str = "mean") -> Any:
    p = z.sigmoid()
    ce = torch().nn.functional.binary_cross_entropy_with_logits(z, target, reduction="none")
    loss = ce * (1 - (p * target + (1 - p) * (1 - target))) ** gamma
    loss = loss * (alpha * target + (1 - alpha) * (1 - target)) if alpha >= 0 else loss
    return _torch_reduced(loss, reduction)


def _torch_gaussian(
    x: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    # torch's own passes to a variance below eps what it would pass to one above.
    var = var.clamp_min(eps)
    return (var.log() + (x - target) ** 2 / var + (np.log(2 * np.pi) if full else 0)) / 2, reduction


def _torch_cosine(x1: Any, x2: Any, target: Any, margin: float = 0, reduction: str = "mean") -> Any:
    rows = [x.reshape(-1, x.shape[-1]) for x in (x1, x2)]
    found = torch().nn.functional.cosine_embedding_loss(
        *rows, target.reshape(-1), margin=margin, reduction=reduction
    )
    return found.reshape(x1.shape[:-1]) if reduction == "none" else found


def _torch_nll(
    scores: Any,
    target: Any,
    weight: Any,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0,
) -> Any:
    """By hand: torch's own take no gradient of weights."""
    classes = scores.shape[-1]
    weights = weight.expand(classes)
    total, kept = scores[..., 0].numel(), 1
    if target.ndim < scores.ndim:
        kept = target != (-1 if ignore_index is None else ignore_index)
        total = (weights[target.long()] * kept).sum()
        target = torch().nn.functional.one_hot(target.long(), classes).double()
    shares = target * (1 - label_smoothing) + label_smoothing / classes
    each = -(weights * shares * scores).sum(-1) * kept
    return each.sum() / total if reduction == "mean" else _torch_reduced(each, reduction)
