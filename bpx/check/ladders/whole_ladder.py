"""The ladder of one function around a point, step by step, and the slope that is concluded from it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bpx.check.numeric import ladder
from bpx.check.numeric.differences import DerivativeStatus, Problem, concluded
from bpx.check.numeric.ladder import Function
from bpx.check.numeric.tolerances import SECOND_LADDER_BELOW, STAGE_STEPS, UNIT_ROUNDOFF
from bpx.graph.arrays import Array, Indices


class WholeLadder(NamedTuple):
    """The complete ladder of one function, and the slope that is concluded from it.

    `steps`, `above`, `below` (K,) are those of the table, nan where a value may not be used. The slope rests
    on the steps from `largest` down to `smallest`.
    """

    x: float
    middle: float
    steps: Array
    above: Array
    below: Array
    rounding: Array  # (K,): what rounding may do to f(x + h) - f(x - h)
    value: float
    error: float
    largest: float
    smallest: float
    left: float
    right: float
    status: DerivativeStatus


@np.errstate(all="ignore")
def whole_ladder(
    function: Function, x: float, *, blind: bool = False, roundoff: float = UNIT_ROUNDOFF
) -> WholeLadder:
    """The ladder of one function down to the rounding of x, as `derivative` judges a claim that is wrong.

    For the arguments see `derivative`. Where f itself is not finite the table has no steps.
    """
    at, one = np.array([x]), np.array([0])
    problem = Problem(function, at, np.maximum(np.abs(at), 1.0), np.array([np.nan]), blind, roundoff)
    ladders = _whole(problem, one)
    tiny = 0 < abs(x) < SECOND_LADDER_BELOW
    if tiny and ladders.status == DerivativeStatus.DOMAIN_EDGE:
        return _whole(problem._replace(scale=np.abs(at)), one)
    return ladders


def _whole(problem: Problem, one: Indices) -> WholeLadder:
    table = ladder.start(problem.function, one, problem.x, problem.roundoff)
    if not np.isfinite(table.middle[0]):
        return _without_steps(float(table.x[0]))
    for count in STAGE_STEPS:
        table = ladder.extended(table, problem.function, problem.scale, count)
        if ladder.ended(table)[0]:
            break
    conclusion = concluded(problem, table)
    status, best = DerivativeStatus(int(conclusion.status[0])), conclusion.best
    ok = status == DerivativeStatus.OK
    rounding = np.maximum(table.rounding(table.above, table.below), conclusion.quantum)[:, 0]
    return WholeLadder(
        float(table.x[0]),
        float(table.middle[0]),
        table.steps[:, 0],
        table.above[:, 0],
        table.below[:, 0],
        rounding,
        float(best.value[0]) if ok else np.nan,
        float(best.error[0]) if ok else np.inf,
        float(best.largest_step[0]),
        float(best.smallest_step[0]),
        float(conclusion.left.value[0]),
        float(conclusion.right.value[0]),
        status,
    )


def _without_steps(x: float) -> WholeLadder:
    """Where f has no value at x."""
    steps, unknown, edge = np.empty(0), float("nan"), DerivativeStatus.DOMAIN_EDGE
    numbers = (unknown, float("inf"), unknown, unknown, unknown, unknown)
    return WholeLadder(x, unknown, steps, steps, steps, steps, *numbers, edge)
