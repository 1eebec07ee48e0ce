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
from bpx.graph.arrays import Array
from bpx.graph.numbers import number

_MOST_NAMED = 3  # entries or rows in a sentence


def some_entries(gradient: ClaimedGradient) -> Iterator[Mistake]:
    """All wrong entries are off by the same factor, or those at each index, and all others are right."""
    wrong = gradient.wrong.any(axis=0)
    telling = ((gradient.right != 0) | (gradient.claimed != 0)).any(axis=0)
    if wrong.ndim == 0 or (wrong == telling).all() or np.size(wrong) < 3:
        return
    yield from _repeated_rows(gradient, wrong)
    ratios = gradient.claimed[gradient.wrong] / gradient.right[gradient.wrong]
    spread = PATTERN_CLOSE * np.abs(ratios).max(initial=1e-300)
    uniform = np.isfinite(ratios).all() and np.ptp(ratios) <= spread
    share = _share(ratios[:1]) if uniform else None
    if share:
        yield some(share, wrong, _MOST_NAMED)
    elif wrong.sum() == 1:
        yield Mistake.of("one-element", index=index(np.argwhere(wrong)[0]))
    elif uniform:
        yield Mistake.of("some-factor", entries=places(wrong, _MOST_NAMED), factor=number(ratios[0], 6))
    else:
        yield from _kinds_by_entry(gradient, wrong)


def _share(ratios: Array) -> str | None:
    """The plain slip that all these ratios of claimed to right show."""
    slips = (code for code, share in SHARES.items() if (np.abs(ratios - share) <= PATTERN_CLOSE).all())
    return next(slips, None)


def _kinds_by_entry(gradient: ClaimedGradient, wrong: Any) -> Iterator[Mistake]:
    """Different slips at different entries, each of them plain."""
    parts: dict[str, Any] = {code: np.zeros(wrong.shape, dtype=bool) for code in SHARES}
    for at in np.argwhere(wrong):
        where = (slice(None), *at)
        off = gradient.wrong[where]
        ratios = gradient.claimed[where][off] / gradient.right[where][off]
        code = _share(ratios)
        if code is None:
            return
        parts[code][tuple(at)] = True
    for code, part in parts.items():
        if part.any():
            yield some(code, part, _MOST_NAMED)


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
