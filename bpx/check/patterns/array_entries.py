"""Mistakes at some of the entries of a gradient, or in which of them are 0."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bpx.check.numeric.tolerances import PATTERN_CLOSE
from bpx.check.patterns.claimed_gradient import ClaimedGradient
from bpx.check.patterns.comparison import fits
from bpx.check.report.blame import Mistake
from bpx.graph.arrays import Array
from bpx.graph.numbers import index_text, number

_SHARES = {0.0: "zero", 0.5: "half", 2.0: "double", -1.0: "sign"}


def some_entries(gradient: ClaimedGradient) -> Iterator[Mistake]:
    """All wrong entries are off by the same factor, or those at each index, and all others are right."""
    wrong = gradient.wrong.any(axis=0)
    telling = ((gradient.right != 0) | (gradient.claimed != 0)).any(axis=0)
    if wrong.ndim == 0 or (wrong == telling).all() or np.size(wrong) < 3:
        return
    yield from _repeated_rows(gradient, wrong)
    ratios = gradient.claimed[gradient.wrong] / gradient.right[gradient.wrong]
    if np.isfinite(ratios).all() and np.ptp(ratios) <= PATTERN_CLOSE * np.abs(ratios).max(initial=1e-300):
        share = next(
            (code for value, code in _SHARES.items() if abs(ratios[0] - value) <= PATTERN_CLOSE), None
        )
        entries = _entries_text(wrong)
        if share:
            yield Mistake.of(f"some-{share}", entries=entries)
        elif wrong.sum() > 1:
            yield Mistake.of("some-factor", entries=entries, factor=number(ratios[0], 6))
        else:
            yield Mistake.of("one-element", index=index_text(np.argwhere(wrong)[0].tolist())[1:-1])
    elif wrong.sum() == 1:
        yield Mistake.of("one-element", index=index_text(np.argwhere(wrong)[0].tolist())[1:-1])
    else:
        yield from _kinds_by_entry(gradient, wrong)


def _share(ratios: Array) -> str | None:
    """The plain slip that all these ratios of claimed to right show."""
    slips = (code for share, code in _SHARES.items() if (np.abs(ratios - share) <= PATTERN_CLOSE).all())
    return next(slips, None)


def _kinds_by_entry(gradient: ClaimedGradient, wrong: Any) -> Iterator[Mistake]:
    """Different slips at different entries, each of them plain."""
    parts: dict[str, Any] = {code: np.zeros(wrong.shape, dtype=bool) for code in _SHARES.values()}
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
            yield Mistake.of(f"some-{code}", entries=_entries_text(part))


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


def _entries_text(wrong: Any) -> str:
    """Entries as people name them: whole rows or columns where they are such, else the first few."""
    for axis in range(wrong.ndim):
        others = tuple(a for a in range(wrong.ndim) if a != axis)
        full, some = wrong.all(axis=others), wrong.any(axis=others)
        if others and (full == some).all() and not full.all():
            places = [":"] * wrong.ndim
            texts = []
            for at in np.flatnonzero(full)[:3].tolist():
                places[axis] = str(at)
                texts.append(f"[{', '.join(places)}]")
            return ", ".join([*texts, *(["…"] if full.sum() > 3 else [])])
    texts = [index_text(at) for at in np.argwhere(wrong)[:3].tolist()]
    return ", ".join([*texts, *(["…"] if wrong.sum() > 3 else [])])


def some_outputs(gradient: ClaimedGradient) -> Iterator[Mistake]:
    """The contributions of some elements of the output are left out."""
    wrong = gradient.wrong.reshape(len(gradient.right), -1).any(axis=1)
    if gradient.one_hot and len(wrong) > 2 and wrong.any() and not wrong.all():
        lost = wrong.reshape(-1, *[1] * (gradient.right.ndim - 1))
        if gradient.explains(np.where(lost, 0.0, gradient.right)):
            outputs = (gradient.upstreams[wrong] != 0).any(axis=0).reshape(gradient.output.shape)
            yield Mistake.of("some-outputs", outputs=_entries_text(outputs))


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
