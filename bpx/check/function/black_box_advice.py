"""Notes on what would settle a check that leaves entries open, or that only small differences decide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bpx.check.function.black_box_evaluation import BlackBoxEvaluation
from bpx.check.function.black_box_rows import BlackBoxRows
from bpx.check.numeric.tolerances import (
    FLOAT32_NOISE,
    LOOSER_DETECTS,
    MOST_ENTRY_NAMES,
    UNIT_ROUNDOFF,
)
from bpx.check.report.entry import Verdict
from bpx.check.report.evidence import Obstacle
from bpx.check.report.gradient_table import GradientTable
from bpx.check.report.verdict import verdict
from bpx.graph.numbers import number
from bpx.words.diagnostic import Diagnostic

_TYPES = {float(np.finfo(name).eps) / 2: name for name in ("float32", "float16")}


def advice(
    rows: BlackBoxRows, evaluation: BlackBoxEvaluation, tables: Sequence[GradientTable]
) -> Iterator[Diagnostic]:
    """What hides errors, a `detect` with which all entries would agree, and entries that do not matter."""
    negligible = [
        table.entry(flat).label
        for table in tables
        for flat, reason in table.reasons.items()
        if reason.code == "negligible"
    ]
    if negligible:
        more = ["…"] if len(negligible) > MOST_ENTRY_NAMES else []
        entries = ", ".join([*negligible[:MOST_ENTRY_NAMES], *more])
        facts = {"count": len(negligible), "entries": entries}
        yield Diagnostic("negligible", None, facts, severity="note")
    if rows.misshapen or rows.caller.unsteady_at is not None:
        return
    worst = evaluation.verdicts.min(initial=Verdict.AGREE)
    if worst == Verdict.CANNOT_TELL:
        yield from _on_noise(rows, evaluation)
    if worst == Verdict.DISAGREE:
        yield from _on_small_differences(evaluation)


def _on_noise(rows: BlackBoxRows, evaluation: BlackBoxEvaluation) -> Iterator[Diagnostic]:
    detect = _looser_detect(evaluation)
    kind, noise = _TYPES.get(rows.caller.roundoff), _noise(rows)
    if kind:
        smallest = _power(detect or LOOSER_DETECTS[-1])
        yield Diagnostic("coarse-type", None, {"type": kind, "smallest": smallest}, severity="warning")
    elif FLOAT32_NOISE[0] < noise < FLOAT32_NOISE[1]:
        yield Diagnostic("noisy", None, {"noise": number(noise, 1)}, severity="warning")
    if detect:
        yield Diagnostic("looser-agrees", None, {"detect": _power(detect)}, severity="note")


def _on_small_differences(evaluation: BlackBoxEvaluation) -> Iterator[Diagnostic]:
    """Where a looser check would pass: a small constant on one side only, or digits lost on purpose."""
    detect = _looser_detect(evaluation)
    if detect and not evaluation.mixtures_disagree:
        claimed, value = evaluation.claimed, evaluation.evidence.value
        wrong = evaluation.verdicts == Verdict.DISAGREE
        size = np.maximum(np.abs(claimed), np.abs(value))[wrong]
        relative = number(float((np.abs(claimed - value)[wrong] / size).max()), 2)
        yield Diagnostic("small-constant", None, {"relative": relative}, severity="note")
        yield Diagnostic("looser-agrees", None, {"detect": _power(detect)}, severity="note")


def _looser_detect(evaluation: BlackBoxEvaluation) -> float | None:
    """The smallest of the looser values of `detect` with which all entries agree."""
    judged = ~np.isnan(evaluation.claimed)
    if (evaluation.verdicts[~judged] == Verdict.DISAGREE).any():  # a claim that is nan
        return None
    obstacles = np.broadcast_to(evaluation.evidence.obstacle, judged.shape)[judged]
    if (obstacles != Obstacle.NONE).any():
        return None
    for detect in LOOSER_DETECTS:
        if detect > evaluation.detect:
            verdicts = verdict(evaluation.claimed, evaluation.evidence, detect).verdicts
            if (verdicts[judged] == Verdict.AGREE).all():
                return detect
    return None


def _noise(rows: BlackBoxRows) -> float:
    """The noise of forward relative to its output, by third differences over so small steps that it is all.

    J. J. Moré and S. M. Wild, Estimating computational noise (SISC 33, 2011): of numbers of one size ε, third
    differences have the size √20 ε.
    """
    size = np.maximum(np.abs(rows.x), UNIT_ROUNDOFF)
    direction = np.random.default_rng(0).uniform(0.5, 1.0, size=len(size)) * size * 2.0**-22
    values = rows.outputs([rows.x + step * direction for step in range(12)])
    thirds = np.diff(values, 3, axis=0)
    scale = np.abs(values).max(axis=0)
    noise = np.sqrt(np.mean(thirds**2, axis=0) / 20) / np.where(scale > 0, scale, 1.0)
    return float(np.nanmedian(noise)) if np.isfinite(noise).any() else 0.0


def _power(detect: float) -> str:
    """A power of ten as it is typed, `1e-3`."""
    return f"{detect:.0e}".replace("e-0", "e-")
