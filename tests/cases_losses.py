"""Cases for losses; see cases_tensors.py for what such a module holds."""

from __future__ import annotations

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
        for name in ("mse", "mae", "huber", "smooth_l1", "bce", "bce_with_logits", "hinge", "kl_div")
        for shape in SHAPES
    ],
    *[("huber", [shape, shape], {"delta": delta}) for delta in (0.1, 2) for shape in SHAPES[:4]],
    *[("smooth_l1", [shape, shape], {"beta": beta}) for beta in (0.1, 2) for shape in SHAPES[:4]],
    *[
        (name, [shape, target], {})
        for name in ("nll", "cross_entropy")
        for shape in WITH_CLASSES
        for target in (shape, shape[:-1])
    ],
]

Draw = Callable[[np.random.Generator, list[Any]], list[Any]]


def _targets(rng: np.random.Generator, shapes: list[Any]) -> Any:
    """Class numbers where the target has no axis of classes, else probabilities."""
    scores, target = shapes
    if target != scores:
        return rng.integers(0, scores[-1], target).astype(float)
    shares = rng.uniform(0.1, 1, target)
    return shares / np.sum(shares, axis=-1, keepdims=True)


DRAWS: dict[str, Draw] = {
    "bce": lambda rng, shapes: [rng.uniform(0.05, 0.95, shape) for shape in shapes],
    "bce_with_logits": lambda rng, shapes: [rng.normal(size=shapes[0]) * 3, rng.uniform(0, 1, shapes[1])],
    "hinge": lambda rng, shapes: [rng.normal(size=shapes[0]), rng.choice([-1.0, 1.0], shapes[1])],
    "kl_div": lambda rng, shapes: [rng.normal(size=shapes[0]), rng.uniform(0.1, 1, shapes[1])],
    "nll": lambda rng, shapes: [rng.normal(size=shapes[0]) - 2, _targets(rng, shapes)],
    "cross_entropy": lambda rng, shapes: [rng.normal(size=shapes[0]) * 3, _targets(rng, shapes)],
}

TENSORS: dict[str, Callable[..., Any]] = {
    "mse": lambda prediction, target: np.mean((prediction - target) ** 2),
    "mae": lambda prediction, target: np.mean(_abs(prediction - target)),
    "huber": lambda prediction, target, delta=1: np.mean(_bent(prediction - target, delta)),
    "smooth_l1": lambda prediction, target, beta=1: np.mean(_bent(prediction - target, beta)) / beta,
    "bce": lambda p, target: -np.mean(target * _log(p) + (1 - target) * _log(1 - p)),
    "bce_with_logits": lambda z, target: np.mean(_log(1 + _exp(z)) - target * z),
    "hinge": lambda score, target: np.mean(_above_zero(1 - target * score)),
    "nll": lambda scores, target: _nll(scores, target),
    "cross_entropy": lambda scores, target: _nll(_log_softmax(scores), target),
    "kl_div": lambda scores, target: np.sum(target * (_log(target) - scores)) / _examples(scores),
}

_exp, _log = elementwise(np.exp, mp.exp), elementwise(np.log, mp.log)
_abs = elementwise(lambda x: np.where(np.real(x) < 0, -x, x), abs)


def _bent(d: Any, delta: float) -> Any:
    return np.where(np.real(_abs(d)) <= delta, d * d / 2, delta * (_abs(d) - delta / 2))


def _above_zero(x: Any) -> Any:
    return np.where(np.real(x) > 0, x, 0 * x)


def _log_softmax(scores: Any) -> Any:
    return scores - _log(np.sum(_exp(scores), axis=-1, keepdims=True))


def _examples(scores: Any) -> int:
    return int(np.prod(np.shape(scores)[:-1]))


def _nll(scores: Any, target: Any) -> Any:
    if np.ndim(target) == np.ndim(scores):
        return -np.sum(target * scores) / _examples(scores)
    rows = np.reshape(scores, (-1, np.shape(scores)[-1]))
    classes = [int(one.real) for one in np.ravel(target)]
    return -np.mean(rows[np.arange(len(classes)), classes])


# --- as torch functions -------------------------------------------------------------------------


def torch_functions() -> dict[str, Callable[..., Any]]:
    """Op name → torch function; torch has no plain hinge loss."""
    functional = torch().nn.functional
    return {
        "mse": functional.mse_loss,
        "mae": functional.l1_loss,
        "huber": lambda prediction, target, delta=1.0: functional.huber_loss(prediction, target, delta=delta),
        "smooth_l1": lambda prediction, target, beta=1.0: functional.smooth_l1_loss(
            prediction, target, beta=beta
        ),
        "bce": functional.binary_cross_entropy,
        "bce_with_logits": functional.binary_cross_entropy_with_logits,
        "hinge": lambda score, target: (1 - target * score).clamp_min(0).mean(),
        "nll": _torch_nll,
        "cross_entropy": lambda scores, target: functional.cross_entropy(*_rows(scores, target)),
        "kl_div": lambda scores, target: functional.kl_div(*_rows(scores, target), reduction="batchmean"),
    }


def _rows(scores: Any, target: Any) -> tuple[Any, Any]:
    """One example a row, and whole numbers for classes, as torch wants them."""
    rows = scores.reshape(-1, scores.shape[-1] if scores.ndim else 1)
    return rows, target.reshape(rows.shape) if target.ndim == scores.ndim else target.reshape(-1).long()


def _torch_nll(scores: Any, target: Any) -> Any:
    if target.ndim == scores.ndim:
        return -(target * scores).sum(-1).mean()
    return torch().nn.functional.nll_loss(*_rows(scores, target))
