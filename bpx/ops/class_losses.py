"""Losses of classes, which stand along the last axis (PyTorch has them along axis 1).

`cross_entropy`, `nll` and `kl_div` sum over the classes and take the mean over the examples. The target of
the first two is either the number of the class of each example, or a probability for each class; settings
and defaults are PyTorch's, but that nothing is ignored unless `ignore_index` says so.

- With a `weight` for each class, the mean is over the weights of the examples; of probabilities it is over
  the examples, as in PyTorch. A weight that is a number weighs all the same, which such a mean does not see.
- `label_smoothing` moves that share of a target evenly to all classes: Szegedy and others, CVPR 2016.
- For `kl_div` the mean is what PyTorch calls batchmean (of two axes), as the divergence is defined; its own
  default, "mean", divides by the classes too.

The logits of `cross_entropy` may be of any size. Source of the rules: Goodfellow, Bengio and Courville, Deep
Learning (MIT Press 2016), section 6.2.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from bpx.graph.arrays import Settings, Shape, ShapeError
from bpx.graph.facts import Refusal
from bpx.graph.graph import Expr, Op
from bpx.ops.building.row import composite
from bpx.ops.elementwise.functions import log
from bpx.ops.elementwise.selection import where
from bpx.ops.indices import embedding, one_hot, pick, shaped
from bpx.ops.losses import checked_reduction, reduced, share_of
from bpx.ops.tensors import SettingError, is_whole, mean, sum_
from bpx.ops.vectors import log_softmax, softmax

Slopes = tuple[Expr, Expr]


# --- settings -----------------------------------------------------------------------------------


def _arrange(name: str) -> Callable[..., Settings]:
    def arrange(
        scores: Shape,
        target: Shape,
        weight: Shape,
        *,
        ignore_index: Any,
        reduction: Any,
        label_smoothing: Any = 0,
    ) -> Settings:
        if not scores or target not in (scores, scores[:-1]):
            raise ShapeError(name, (scores, target), "shape-classes")
        if weight not in ((), scores[-1:]):
            raise SettingError("weights-of-classes", weight=weight, classes=scores[-1])
        if ignore_index is not None and not is_whole(ignore_index):
            raise SettingError("not-whole", setting="ignore_index", value=ignore_index)
        if isinstance(label_smoothing, bool) or not isinstance(label_smoothing, int | float):
            raise SettingError("setting-not-a-number", setting="label_smoothing", value=label_smoothing)
        if not 0 <= label_smoothing <= 1:
            raise SettingError("bad-share", setting="label_smoothing", value=label_smoothing)
        smoothing = {"label_smoothing": label_smoothing} if name == "cross_entropy" else {}
        return {**smoothing, "ignore_index": ignore_index, "reduction": checked_reduction(reduction)}

    return arrange


def _refuse_classes(
    scores: Any, target: Any, weight: Any, *, ignore_index: int | None, **settings: Any
) -> Refusal | None:
    """Why the numbers of the target are no classes."""
    if np.ndim(target) == np.ndim(scores) or pick.refuses is None:
        return None
    counted = target if ignore_index is None else np.where(np.equal(target, ignore_index), 0.0, target)
    refusal = pick.refuses(scores, counted)
    if refusal is None:
        return None
    place = refusal.facts["place"].replace("ids", "target", 1)
    return refusal._replace(facts={**refusal.facts, "place": place})


# --- what the examples count --------------------------------------------------------------------


class _Examples(NamedTuple):
    """The class of each example, whether it counts (None: all do) and what it weighs (None: all the same)."""

    ids: Expr
    kept: Expr | None
    weights: Expr | None

    def total(self, count: int) -> Any:
        return count if self.weights is None else sum_(self.weights)


def _examples(target: Expr, weight: Expr, ignore_index: int | None) -> _Examples:
    if ignore_index is None:
        return _Examples(target, None, embedding(weight, target) if weight.ndim else None)
    # Half a number away from the one ignored, so that no target is at a jump.
    kept = (target < ignore_index - 0.5) + (target > ignore_index + 0.5)
    ids = where(kept > 0.5, target, 0)
    return _Examples(ids, kept, embedding(weight, ids) * kept if weight.ndim else kept)


def _count(scores: Expr) -> int:
    return math.prod(scores.shape[:-1])


def _numbered(scores: Expr, target: Expr) -> bool:
    """Is the target the number of a class for each example, not a probability for each class?"""
    return target.ndim < scores.ndim


def _smoothed(target: Expr, classes: int, label_smoothing: float) -> Expr:
    """A probability for each class, of which a share is moved evenly to all."""
    if not label_smoothing:
        return target
    return ((1 - label_smoothing) * classes * target + label_smoothing) / classes


# --- the losses ---------------------------------------------------------------------------------


def _nll(
    log_probabilities: Expr,
    target: Expr,
    weight: Expr,
    *,
    ignore_index: int | None,
    reduction: str,
    label_smoothing: float = 0,
) -> Expr:
    scores, classes = log_probabilities, log_probabilities.shape[-1]
    if not _numbered(scores, target):
        each = -sum_(weight * _smoothed(target, classes, label_smoothing) * scores, axis=-1)
        return reduced(each, reduction)
    examples = _examples(target, weight, ignore_index)
    picked = -pick(scores, examples.ids)
    each = picked if examples.weights is None else examples.weights * picked
    if label_smoothing:
        spread_out = -sum_(weight * scores if weight.ndim else scores, axis=-1)
        spread_out = spread_out if examples.kept is None else examples.kept * spread_out
        each = (1 - label_smoothing) * each + label_smoothing * spread_out / classes
    if reduction == "mean":
        return mean(each) if examples.weights is None else sum_(each) / sum_(examples.weights)
    return reduced(each if weight.ndim else weight * each, reduction)


def _shares(
    upstream: Expr, scores: Expr, target: Expr, weight: Expr, examples: _Examples | None, reduction: str
) -> Expr:
    """The upstream gradient of each example's loss, without the weight of its class; an axis for classes."""
    if examples is None:
        share = share_of(upstream, reduction, _count(scores))
        return share if not share.ndim else shaped(share, (*share.shape, 1))
    share = upstream / examples.total(_count(scores)) if reduction == "mean" else upstream
    share = share if examples.kept is None else share * examples.kept
    share = share if weight.ndim or reduction == "mean" else share * weight
    return share if not share.ndim else shaped(share, (*share.shape, 1))


def _pull_nll(
    upstream: Expr,
    log_probabilities: Expr,
    target: Expr,
    weight: Expr,
    out: Expr,
    *,
    ignore_index: int | None,
    reduction: str,
    label_smoothing: float = 0,
) -> tuple[Expr, Expr | None, Expr | None]:
    scores, classes = log_probabilities, log_probabilities.shape[-1]
    if not _numbered(scores, target):
        share = _shares(upstream, scores, target, weight, None, reduction)
        soft = _smoothed(target, classes, label_smoothing)
        rows = tuple(range(scores.ndim - 1)) if weight.ndim else None
        return (
            -share * weight * soft,
            -share * (1 - label_smoothing) * weight * scores,
            sum_(-share * soft * scores, axis=rows),
        )
    examples = _examples(target, weight, ignore_index)
    share = _shares(upstream, scores, target, weight, examples, reduction)
    soft = _smoothed(one_hot(examples.ids, n=classes), classes, label_smoothing)
    to_scores = -share * (weight * soft if weight.ndim else soft)
    return to_scores, None, _to_weight(upstream, scores, weight, out, share, soft, examples, reduction)


def _to_weight(
    upstream: Expr,
    scores: Expr,
    weight: Expr,
    out: Expr,
    share: Expr,
    soft: Expr,
    examples: _Examples,
    reduction: str,
) -> Expr | None:
    """The loss that a class adds; in a mean, less the mean for each example of the class."""
    each = -soft * scores
    if not weight.ndim:
        if reduction == "mean":
            return None
        kept = 1 if examples.kept is None else shaped(examples.kept, (*examples.kept.shape, 1))
        arriving = shaped(upstream, (*upstream.shape, 1)) if upstream.ndim else upstream
        return sum_(arriving * kept * each)
    rows = tuple(range(scores.ndim - 1))
    added = share * each
    if reduction == "mean":
        added = added - share * out * one_hot(examples.ids, n=scores.shape[-1])
    return sum_(added, axis=rows) if rows else added


def _cross_entropy(logits: Expr, target: Expr, weight: Expr, **settings: Any) -> Expr:
    if settings["label_smoothing"]:
        return _nll(log_softmax(logits), target, weight, **settings)
    del settings["label_smoothing"]
    return nll(log_softmax(logits), target, weight, **settings)


def _pull_cross_entropy(
    upstream: Expr, logits: Expr, target: Expr, weight: Expr, out: Expr, **settings: Any
) -> tuple[Expr, Expr | None, Expr | None]:
    if weight.ndim or not _numbered(logits, target):
        return _pull_through_softmax(upstream, logits, target, weight, out, **settings)
    examples = _examples(target, weight, settings["ignore_index"])
    share = _shares(upstream, logits, target, weight, examples, settings["reduction"])
    soft = _smoothed(one_hot(examples.ids, n=logits.shape[-1]), logits.shape[-1], settings["label_smoothing"])
    to_logits = share * (softmax(logits) - soft)
    scores = log_softmax(logits)
    return (
        to_logits,
        None,
        _to_weight(upstream, scores, weight, out, share, soft, examples, settings["reduction"]),
    )


def _pull_through_softmax(
    upstream: Expr, logits: Expr, target: Expr, weight: Expr, out: Expr, **settings: Any
) -> tuple[Expr, Expr | None, Expr | None]:
    scores = log_softmax(logits)
    to_scores, to_target, to_weight = _pull_nll(upstream, scores, target, weight, out, **settings)
    total = sum_(to_scores, axis=-1, keepdims=True)
    return to_scores - softmax(logits) * total, to_target, to_weight


nll: Op = composite(
    "nll",
    _nll,
    args=("log_probabilities", "target", "weight"),
    defaults=(1.0,),
    settings={"ignore_index": None, "reduction": "mean"},
    arrange=_arrange("nll"),
    pull=_pull_nll,
    refuses=_refuse_classes,
    sample=((2, 3), (2,), ()),
)
cross_entropy = composite(
    "cross_entropy",
    _cross_entropy,
    defaults=(1.0,),
    settings={"label_smoothing": 0, "ignore_index": None, "reduction": "mean"},
    arrange=_arrange("cross_entropy"),
    pull=_pull_cross_entropy,
    refuses=_refuse_classes,
    sample=((2, 3), (2,), ()),
)


# --- divergence ---------------------------------------------------------------------------------


def _arrange_kl_div(log_input: Shape, target: Shape, *, reduction: Any) -> Settings:
    if log_input != target:
        raise ShapeError("kl_div", (log_input, target), "shape-alike")
    return {"reduction": checked_reduction(reduction, ("batchmean", "mean", "sum", "none"))}


def _kl_div(log_input: Expr, target: Expr, *, reduction: str) -> Expr:
    each = target * (_log_of(target) - log_input)
    return sum_(each) / _count(log_input) if reduction == "batchmean" else reduced(each, reduction)


def _log_of(target: Expr) -> Expr:
    """log(target), but 0 where that is 0, and counts for nothing."""
    return log(where(target == 0, 1, target))


def _pull_kl_div(upstream: Expr, log_input: Expr, target: Expr, out: Expr, *, reduction: str) -> Slopes:
    count = math.prod(log_input.shape) if reduction == "mean" else _count(log_input)
    share = share_of(upstream, "mean" if reduction in ("mean", "batchmean") else reduction, count)
    return -share * target, share * (_log_of(target) - log_input + (target != 0))


kl_div = composite(
    "kl_div",
    _kl_div,
    settings={"reduction": "batchmean"},
    arrange=_arrange_kl_div,
    pull=_pull_kl_div,
)
