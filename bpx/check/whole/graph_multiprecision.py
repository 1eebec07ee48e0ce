"""The whole graph in many digits: slopes of entries that differences leave open, or seem to refute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.check.local.elementwise_exact import is_known, is_right, rounded_slope
from bpx.check.numeric import multiprecision, multiprecision_slopes
from bpx.check.numeric.tolerances import (
    EPSILON,
    EXACT_EVALUATIONS,
    MOST_EXACT_ELEMENTS,
    MULTIPRECISION_DIGITS,
)
from bpx.check.report.entry import Verdict
from bpx.check.report.verdict import verdict
from bpx.check.whole.evaluation import Evaluation
from bpx.check.whole.graph_function import GraphFunction

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Indices = NDArray[np.intp]


def add_exact_slopes(evaluation: Evaluation, flat: Indices) -> tuple[Indices, int]:
    """Take up the entries `flat` again: all at once where that can be certified, else one by one.

    Returns those whose slope is known now, and how many were looked at, as the budget allows.
    """
    claims = _Claims(evaluation)
    gradient = evaluation.exact_gradient
    together = [entry for entry in flat.tolist() if gradient and claims.add(entry, gradient.slope(entry))]
    others = np.setdiff1d(flat, np.array(together, dtype=np.intp))
    alone, looked = _one_by_one(evaluation, claims, others)
    return np.array([*together, *alone], dtype=np.intp), len(together) + looked


def _one_by_one(evaluation: Evaluation, claims: _Claims, flat: Indices) -> tuple[list[int], int]:
    """The entries that differences along each of them settle, and how many were looked at."""
    checked = evaluation.checked
    if not evaluation.is_input:
        evaluation.evidence.put(flat, beyond_budget=not evaluation.exact_affordable)
        return [], len(flat)
    most = checked.query.budget // (EXACT_EVALUATIONS * max(1, checked.operations))
    function = GraphFunction(checked.graph, checked.query.output, checked.query.seed, checked.input_values)
    values = np.ravel(checked.input_values[evaluation.node])
    settled = []
    for entry in flat[:most].tolist():
        along = function.in_multiprecision((evaluation.node, entry), checked.lifted)
        slope = multiprecision_slopes.slope(along, float(values[entry]))
        if slope is not None and claims.add(entry, slope):
            settled.append(entry)
    unseen = flat[most:]
    evaluation.evidence.put(unseen, beyond_budget=True)
    return settled, flat.size - unseen.size


class _Claims:
    """What is claimed in many digits, by the digits: one run is for all entries."""

    def __init__(self, evaluation: Evaluation) -> None:
        self.evaluation = evaluation
        self.by_digits: dict[int, Any] = {}

    def add(self, entry: int, slope: multiprecision_slopes.MultiprecisionSlope) -> bool:
        """Write down the slope of an entry, if it is known well enough: is it?"""
        if not is_known(slope, _terms(self.evaluation, entry)):
            return False
        if slope.digits not in self.by_digits:
            self.by_digits[slope.digits] = _claimed(self.evaluation, slope.digits)
        claim = self.by_digits[slope.digits]
        of_entry = (
            None if claim is None else np.broadcast_to(claim, self.evaluation.evidence.shape).flat[entry]
        )
        _add(self.evaluation, entry, slope, of_entry)
        return True


def right_in_many_digits(evaluation: Evaluation, flat: Indices) -> Flags | None:
    """Of which of the entries `flat` the formula, in many digits, agrees with the reference.

    Of none where no formula is claimed; None is returned where its numbers are too many to tell.
    """
    if evaluation.checked.operations > MOST_EXACT_ELEMENTS:
        return None
    claim = _claimed(evaluation, MULTIPRECISION_DIGITS)
    if claim is None:
        return np.zeros(flat.shape, dtype=bool)
    # Rounded only at the end: what cancels on the way has its digits still.
    value = multiprecision.rounded(np.broadcast_to(claim, evaluation.evidence.shape).reshape(-1)[flat])
    judgement = verdict(value, evaluation.evidence.part(flat), evaluation.checked.query.detect)
    return np.asarray(judgement.verdicts == Verdict.AGREE)


def _claimed(evaluation: Evaluation, digits: int) -> Any:
    """What is claimed, in so many digits; None where it is not known in so many."""
    with multiprecision.precision(digits):
        return evaluation.formula_on(evaluation.checked.lifted)


def _terms(evaluation: Evaluation, entry: int) -> float:
    """How large the terms of an entry are: the sum that the graph makes, or what is claimed to be one."""
    return max(
        abs(float(evaluation.part(part, np.array([entry]))[0]))
        for part in (evaluation.term_magnitudes, evaluation.claimed.value)
    )


def _add(
    evaluation: Evaluation, entry: int, slope: multiprecision_slopes.MultiprecisionSlope, claim: Any
) -> None:
    """A slope known to many digits; `claim` is what is claimed in as many, where it has them.

    A formula that is right to those digits is right, whatever float64 makes of it. Of bare numbers it
    is not known how they came about: what rounding may do to them is not held against them.
    """
    flat, value = np.array([entry]), rounded_slope(slope)
    size = float(evaluation.part(evaluation.term_magnitudes, flat)[0])
    noise = evaluation.part(evaluation.evidence.error, flat) if claim is None else 0.0
    detect = evaluation.checked.query.detect
    right = is_right(claim, slope, size, evaluation.claimed.is_rule, detect)
    gap = 0.0 if right else np.nan
    measured = {"claim_noise": noise, "formula_gap": gap, "exact": True}
    evaluation.evidence.replace(flat, value, EPSILON * abs(value), **measured)
