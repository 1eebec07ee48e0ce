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
    MOST_EXACT_OPERATIONS,
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
    """Take up the entries `flat` of an input again, as many of them as can be paid for.

    Returns those whose slope is known now, and how many were looked at.
    """
    checked = evaluation.checked
    most = MOST_EXACT_OPERATIONS // (EXACT_EVALUATIONS * max(1, checked.elements))
    if not most or not multiprecision.available():
        return flat[:0], 0
    graph_function = GraphFunction(
        checked.graph, checked.query.output, checked.query.seed, checked.input_values
    )
    claims: dict[int, Any] = {}  # by the digits they took
    settled = []
    for entry in flat[:most].tolist():
        function = graph_function.in_multiprecision((evaluation.node, entry), checked.lifted)
        slope = multiprecision_slopes.slope(
            function, float(checked.input_values[evaluation.node].flat[entry])
        )
        if slope is not None and is_known(slope, _terms(evaluation, entry)):
            # A claim is run for all entries at once, so that one run for each count of digits will do.
            if slope.digits not in claims:
                claims[slope.digits] = _claimed(evaluation, slope.digits)
            claim = claims[slope.digits]
            _add(evaluation, entry, slope, None if claim is None else claim.flat[entry])
            settled.append(entry)
    return np.array(settled, dtype=np.intp), min(most, flat.size)


def right_in_many_digits(evaluation: Evaluation, flat: Indices) -> Flags | None:
    """Of which of the entries `flat` the formula, in many digits, agrees with the reference.

    Of none where no formula is claimed; None is returned where its numbers are too many to tell.
    """
    if evaluation.checked.elements > MOST_EXACT_ELEMENTS:
        return None
    claim = _claimed(evaluation, MULTIPRECISION_DIGITS) if multiprecision.available() else None
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
    right = is_right(claim, slope, size, evaluation.claimed.is_rule)
    gap = 0.0 if right else np.nan
    evaluation.evidence.replace(flat, value, EPSILON * abs(value), claim_noise=noise, formula_gap=gap)
