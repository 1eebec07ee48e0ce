"""Mistakes at some of the entries of a gradient, or in which of them are 0."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bpx.check.numeric.tolerances import PATTERN_CLOSE
from bpx.check.patterns.claimed_gradient import ClaimedGradient
from bpx.check.patterns.comparison import fits
from bpx.check.patterns.entry_patterns import SHARES, index, places, some
from bpx.check.report.blame import Mistake
from bpx.graph.numbers import number

_MOST_NAMED = 3  # entries or rows in a sentence
_MOST_KINDS = 3  # of slips in one array
_PLAIN = {share: code for code, share in SHARES.items()}


def some_entries(gradient: ClaimedGradient) -> Iterator[Mistake]:
    """All wrong entries are off by the same factor, or those at each index, and all others are right."""
    wrong = gradient.wrong.any(axis=0)
    telling = ((gradient.right != 0) | (gradient.claimed != 0)).any(axis=0)
    if wrong.ndim == 0 or (wrong == telling).all() or np.size(wrong) < 3:
        return
    yield from _repeated_rows(gradient, wrong)
    kinds = _kinds_by_entry(gradient, wrong)
    factors = {factor for _, factor in kinds}
    if wrong.sum() == 1 and not factors & set(_PLAIN):
        yield Mistake.of("one-element", index=index(np.argwhere(wrong)[0]))
    else:
        for part, factor in kinds:
            yield _some(part, factor)


def all_entries(gradient: ClaimedGradient) -> Iterator[Mistake]:
    """All entries are wrong, by two or three factors."""
    kinds = _kinds_by_entry(gradient, gradient.wrong.any(axis=0)) if gradient.right.ndim > 1 else []
    for part, factor in kinds if len(kinds) > 1 else []:
        yield _some(part, factor)


def _some(part: Any, factor: float) -> Mistake:
    if factor in _PLAIN:
        return some(_PLAIN[factor], part, _MOST_NAMED)
    return Mistake.of("some-factor", entries=places(part, _MOST_NAMED), factor=number(factor, 6))


def _kinds_by_entry(gradient: ClaimedGradient, wrong: Any) -> list[tuple[Any, float]]:
    """The slips at different entries, as masks and factors: plain ones, and such as several entries share."""
    parts: dict[float, Any] = {}
    for at in np.argwhere(wrong):
        factor = _factor_at(gradient, (slice(None), *at))
        if factor is None:
            return []
        known = (other for other in parts if abs(factor - other) <= PATTERN_CLOSE * max(abs(other), 1.0))
        part = parts.setdefault(next(known, factor), np.zeros(wrong.shape, dtype=bool))
        part[tuple(at)] = True
    alone = [factor for factor, part in parts.items() if part.sum() == 1 and factor not in _PLAIN]
    if len(parts) > _MOST_KINDS or (alone and wrong.sum() > 1):
        return []
    order = [*_PLAIN, *parts]
    return sorted(((part, factor) for factor, part in parts.items()), key=lambda kind: order.index(kind[1]))


def _factor_at(gradient: ClaimedGradient, where: Any) -> float | None:
    """How many times the right ones the claims on an entry are, for every upstream gradient."""
    right, claimed = gradient.right[where], gradient.claimed[where]
    largest = np.argmax(np.abs(right))
    if not right[largest]:
        return None
    factor = float(claimed[largest] / right[largest])
    factor = next((share for share in _PLAIN if abs(factor - share) <= PATTERN_CLOSE), factor)
    return factor if fits(factor * right, claimed, 0.0) else None


def _repeated_rows(gradient: ClaimedGradient, wrong: Any) -> Iterator[Mistake]:
    """Rows that are 1/n of what they should be: an index that occurs n times and is counted once."""
    rows = np.flatnonzero(wrong.reshape(len(wrong), -1).any(axis=1))
    times = []
    for row in rows.tolist():
        right, claimed = gradient.right[:, row], gradient.claimed[:, row]
        nonzero = (claimed != 0) & gradient.known[:, row]
        ratio = float(np.median((right / claimed)[nonzero])) if nonzero.any() else 0.0
        n = round(ratio)
        if n < 2 or not fits(right, n * claimed, 0.0):
            return
        times.append(n)
    for row, n in list(zip(rows.tolist(), times, strict=True))[:1]:
        yield Mistake.of("counted-once", row=row, n=n)


def exchanged_slopes(gradient: ClaimedGradient) -> Iterator[Mistake]:
    """Of two slopes each element has the other, as where a mask is inverted."""
    rows = len(gradient.right)
    if not gradient.one_hot or gradient.right.shape[1:] != gradient.output.shape or not gradient.known.all():
        return
    own = np.arange(rows)
    slopes = gradient.right.reshape(rows, -1)[own, own]
    low, high = float(slopes.min()), float(slopes.max())
    is_low, is_high = (np.abs(slopes - slope) <= PATTERN_CLOSE * abs(slope) for slope in (low, high))
    if low == high or not low or not (is_low | is_high).all():  # a slope of 0 is told by `masks`
        return
    exchanged, shape = np.diag(np.where(is_low, high, low)), gradient.right.shape
    if fits(np.diag(slopes).reshape(shape), gradient.right, 0.0) and gradient.explains(
        exchanged.reshape(shape)
    ):
        yield Mistake("mask-flipped")


def some_outputs(gradient: ClaimedGradient) -> Iterator[Mistake]:
    """The contributions of some elements of the output are left out."""
    wrong = gradient.wrong.reshape(len(gradient.right), -1).any(axis=1)
    if gradient.one_hot and len(wrong) > 2 and wrong.any() and not wrong.all():
        lost = wrong.reshape(-1, *[1] * (gradient.right.ndim - 1))
        if gradient.explains(np.where(lost, 0.0, gradient.right)):
            outputs = (gradient.upstreams[wrong] != 0).any(axis=0).reshape(gradient.output.shape)
            yield Mistake.of("some-outputs", outputs=places(outputs, _MOST_NAMED))


def masks(gradient: ClaimedGradient) -> Iterator[Mistake]:
    """Zeros in wrong places."""
    right, claimed, known = gradient.right, gradient.claimed, gradient.known
    zero, dropped = known & (right == 0), known & (claimed == 0)
    if (zero & (claimed != 0)).any() and gradient.explains(np.where(zero, claimed, right)):
        yield Mistake("unmasked")
    if not (~zero & ~dropped & known).any() and (claimed != 0).any():
        yield Mistake("mask-flipped")
    lines = right.reshape(len(right), -1), claimed.reshape(len(right), -1)
    same_sum = np.allclose(lines[0].sum(axis=1), lines[1].sum(axis=1), rtol=PATTERN_CLOSE)
    if known.all() and zero.any() and same_sum and fits(np.sort(lines[0]), np.sort(lines[1]), 0.0):
        yield Mistake("misrouted")
