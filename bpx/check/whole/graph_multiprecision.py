"""A closer look at entries that differences leave open, or seem to refute: the whole graph in many digits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.check.local.elementwise_exact import is_known, is_right, rounded_slope
from bpx.check.numeric import multiprecision, multiprecision_slopes
from bpx.check.numeric.tolerances import EPSILON
from bpx.check.report.entry import Reason, Verdict
from bpx.check.report.verdict import decide
from bpx.check.whole.evaluation import Evaluation
from bpx.check.whole.graph_function import GraphFunction

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_OPS = 50_000  # on numbers of many digits, that one gradient may take
_MOST_ELEMENTS, _DIGITS = 50_000, 90  # of a graph whose gradient is worked out once
_PER_ENTRY = 50  # evaluations of the graph that one derivative takes, roughly


def look_closer(judged: Evaluation, flat: NDArray[np.intp]) -> int:
    """Take up the entries `flat` of an input again, as many of them as can be paid for; returns how many."""
    point = judged.point
    most = _MOST_OPS // (_PER_ENTRY * max(1, point.elements))
    if not most or not multiprecision.available():
        return 0
    program = GraphFunction(point.graph, point.question.output, point.question.seed, point.given)
    stated: dict[int, Any] = {}  # by the digits it took
    size, claimed = point.sizes.get(judged.node, 0.0), judged.stated.value
    for one in flat[:most].tolist():
        function = program.exactly((judged.node, one), point.lifted)
        terms = max(
            abs(float(part[0])) for part in (judged.part(p, np.array([one])) for p in (size, claimed))
        )
        slope = multiprecision_slopes.slope(function, float(point.given[judged.node].flat[one]))
        if slope is not None and is_known(slope, terms):
            if slope.digits not in stated:
                stated[slope.digits] = _stated(judged, slope.digits)
            claim = stated[slope.digits]
            _settle(judged, one, slope, None if claim is None else claim.flat[one])
    return min(most, flat.size)


def digits_alone(judged: Evaluation, flat: NDArray[np.intp]) -> NDArray[np.bool_] | None:
    """Which of the entries `flat` are off for want of digits alone: the formula, in many of them, is right.

    None of them are where no formula is stated; None is returned where its numbers are too many to tell.
    """
    if judged.point.elements > _MOST_ELEMENTS:
        return None
    stated = _stated(judged, _DIGITS) if multiprecision.available() else None
    if stated is None:
        return np.zeros(flat.shape, dtype=bool)
    value = multiprecision.rounded(np.broadcast_to(stated, judged.verdicts.shape).reshape(-1)[flat])
    reference, error = (judged.part(one, flat) for one in judged.reference[:2])
    verdicts: NDArray[np.bool_] = decide(value, reference, error, detect=judged.point.question.detect) == (
        Verdict.AGREE
    )
    return verdicts


def _stated(judged: Evaluation, digits: int) -> Any:
    """What is stated, in so many digits; None where it is not known in so many."""
    if judged.stated.exactly is None:
        return None
    with multiprecision.precision(digits):
        return judged.stated.exactly()


def _settle(
    judged: Evaluation, flat: int, slope: multiprecision_slopes.MultiprecisionSlope, stated: Any
) -> None:
    """The verdict by a slope known to many digits; `stated` is the claim in as many, where it has them.

    A formula that is right to those digits is right, whatever float64 makes of it. Of bare numbers it
    is not known how they came about: what rounding may do to them is not held against them.
    """
    at = np.array([flat])
    value = np.array([rounded_slope(slope)])
    noise, size = judged.part(judged.reference.error, at), judged.point.sizes.get(judged.node, 0.0)
    verdict = decide(
        judged.near(at, value),
        value,
        EPSILON * np.abs(value),
        detect=judged.point.question.detect,
        claim_noise=noise if stated is None else 0.0,
    )
    if verdict[0] != Verdict.AGREE and is_right(
        stated, slope, float(judged.part(size, at)[0]), judged.stated.is_rule
    ):
        verdict[0] = Verdict.AGREE
        judged.reasons[flat] = Reason("digits-lost")
    judged.put(at, verdict, value, EPSILON * np.abs(value))
