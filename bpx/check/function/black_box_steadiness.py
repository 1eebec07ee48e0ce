"""Do a stranger's functions give the same when they are asked the same again?

Two equal runs prove little: a function that tosses a coin gives equal values half of the time. So all
runs of the check are compared (see `bpx.check.function.caller`), and more are made, the more of them the
more rests on values that no claim has confirmed.
"""

from __future__ import annotations

import numpy as np

from bpx.check.function.black_box_evaluation import BlackBoxEvaluation
from bpx.check.function.black_box_rows import BlackBoxRows
from bpx.check.function.black_box_slopes import BlackBoxSlopes
from bpx.check.numeric.tolerances import (
    CLAIM_REPEATS,
    REPEATED_COORDINATES,
    REPEATS,
    ROUNDING_SCATTER,
    SAME_INCREMENT,
)
from bpx.check.report.entry import Verdict
from bpx.check.report.evidence import Obstacle
from bpx.graph.arrays import Array, Flags
from bpx.graph.numbers import number
from bpx.words.diagnostic import Diagnostic


def find_unsteady_claims(rows: BlackBoxRows, evaluation: BlackBoxEvaluation) -> dict[int, Obstacle]:
    """Ask for all claims again: the inputs of which something else is claimed then, and how that comes.

    The claims on these are the later ones from then on.
    """
    unsteady: dict[int, Obstacle] = {}
    again = _claims_again(rows, evaluation)
    mixed: Flags = np.zeros(len(rows.x), dtype=bool)
    for weights, mixture in evaluation.mixtures * CLAIM_REPEATS:
        mixed |= _differ(rows.claim(weights), mixture.claimed[0])
    if not (_differ(again, evaluation.claimed).any() or mixed.any()):
        return unsteady
    # Three times the same, one after the other: what is added is the same each time.
    first, second, third = (rows.claim(rows.upstreams[-1]) for _ in range(3))
    differs = _differ(again, evaluation.claimed).any(axis=0) | _differ(third, first) | mixed
    increments = (second - first, third - second)
    size = np.fmax(np.abs(increments[0]), np.abs(increments[1]))
    accumulates = (np.abs(increments[1] - increments[0]) <= SAME_INCREMENT * size) & (size > 0)
    # An entry whose gradient is 0 is added to as well, and does not show it.
    for input in set(rows.owners.tolist()):
        own = rows.owners == input
        if (own & differs).any():
            changed = own & (size > 0)
            adds = changed.any() and accumulates[changed].all()
            unsteady[input] = Obstacle.ACCUMULATES if adds else Obstacle.CLAIM_SCATTER
            evaluation.claimed[:, own] = again[:, own]
    return unsteady


def _claims_again(rows: BlackBoxRows, evaluation: BlackBoxEvaluation) -> Array:
    """All claims (R, N) once more, the last time of several in which they were asked for."""
    again = rows.claims()
    for _ in range(max(0, CLAIM_REPEATS // len(rows.upstreams) - 1)):
        if _differ(again, evaluation.claimed).any():
            break
        again = rows.claims()
    return again


def _differ(first: Array, second: Array) -> Flags:
    """Where claims are not the same, by more than threads that add up in another order explain."""
    rounding = ROUNDING_SCATTER * np.nanmax(np.abs(second), initial=0.0)
    return np.asarray((np.abs(first - second) > rounding) | (np.isnan(first) != np.isnan(second)))


def find_scatter(rows: BlackBoxRows, slopes: BlackBoxSlopes) -> None:
    """Run forward again, and where that gives something else, nothing can be told of any entry."""
    evaluation = slopes.evaluation
    for _ in range(REPEATS):
        rows.caller.forward()
    again = np.flatnonzero((evaluation.verdicts != Verdict.AGREE).any(axis=0))[:REPEATED_COORDINATES]
    if len(again) and rows.caller.unsteady_at is None:
        slopes.estimate(again, evaluation.claimed[:, again])
    scatter = rows.scatter()
    if scatter is not None:
        _add_scatter(rows, evaluation, scatter)


def _add_scatter(rows: BlackBoxRows, evaluation: BlackBoxEvaluation, scatter: float) -> None:
    facts = {"scatter": number(scatter, 2)}
    rows.notes.append(Diagnostic("not-deterministic", None, facts, severity="warning"))
    if not scatter <= ROUNDING_SCATTER * max(1.0, float(np.abs(rows.output).max())):
        evaluation.evidence.put(slice(None), obstacle=Obstacle.SCATTER, kink=False)
        evaluation.evidence.facts[Obstacle.SCATTER.code] = facts
