"""Verdicts: what is stated of a gradient, entry by entry, against the reference of a `CheckedGraph`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.numeric.tolerances import EPSILON, SAFETY_FACTOR
from bpx.check.report.entry import Reason, Verdict
from bpx.check.report.gradient_table import GradientTable
from bpx.check.report.verdict import decide
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.check.whole.evaluation import Claimed, Evaluation
from bpx.graph.numbers import number
from bpx.passes.domain import written

if TYPE_CHECKING:
    from numpy.typing import NDArray


_REST = 64  # units of rounding that terms which cancel may leave
_WITNESSES = 4  # of entries that disagree; if more digits confirm these, the others are as sure


def column(point: CheckedGraph, name: str, node: int, stated: Claimed) -> GradientTable:
    """The verdicts on what is stated of ∂output/∂node."""
    shape = point.graph.shapes[node]
    reference = point.reference.get(node) or ErrorBound.exactly(np.zeros(shape))
    reference = ErrorBound(*(np.array(np.broadcast_to(one, shape)) for one in reference))
    judged = Evaluation(point, node, stated, reference)
    _by_reference(judged)
    _at_the_edge(judged)
    _at_kinks(judged)
    _in_doubt(judged)
    _for_want_of_digits(judged)
    _stationary(judged)
    _by_formula(judged)
    _give_reasons(judged)
    return GradientTable(
        name,
        np.broadcast_to(stated.value, shape),
        judged.reference.value,
        judged.reference.error,
        judged.verdicts,
        judged.reasons,
        judged.between,
    )


def _by_reference(judged: Evaluation) -> None:
    point, (value, error, _) = judged.point, judged.reference
    every = np.arange(value.size)
    judged.verdicts[...] = decide(
        judged.near(every, value.reshape(-1)).reshape(value.shape),
        value,
        error,
        detect=point.question.detect,
    )


def _at_the_edge(judged: Evaluation) -> None:
    """Where the reference is not finite there is no derivative, or none that float64 can hold.

    At a kink a rule may have no number either: that of atan2 at the origin.
    """
    lost = ~np.isfinite(judged.stated.value) & ~judged.point.without_walls(judged.node)
    flat = np.flatnonzero(~np.isfinite(judged.reference.value) | (lost & judged.stated.is_rule))
    if flat.size:
        judged.put(flat, Verdict.OUTSIDE_DOMAIN, np.nan, np.nan)
        judged.give_reason(flat, _edge_reason(judged.point, judged.node))


def _edge_reason(point: CheckedGraph, node: int) -> Reason:
    above = point.graph.touched(by=[node], upto=point.question.output)
    for wall in point.edges_of_domain:
        if above[wall.node]:
            return Reason("edge", {"node": written(point.question.spec, wall.node)})
    for edge, checked in point.checked.items():
        if not np.isfinite(checked.reference) and above[edge.consumer]:
            return Reason("no-slope", {"node": written(point.question.spec, edge.consumer)})
    return Reason("not-finite")


def _at_kinks(judged: Evaluation) -> None:
    bent = ~judged.point.without_walls(judged.node) & (judged.verdicts != Verdict.OUTSIDE_DOMAIN)
    flat = np.flatnonzero(bent)
    if flat.size:
        from bpx.check.whole.nonsmooth import settle

        settle(judged, flat)


def _in_doubt(judged: Evaluation) -> None:
    """Entries of an input that are left open are looked at again, and some of those that disagree."""
    if judged.node not in judged.point.given:
        return
    open_ = np.flatnonzero(judged.verdicts == Verdict.CANNOT_TELL)
    wrong = (judged.verdicts == Verdict.DISAGREE) & np.isfinite(judged.reference.value)
    _look_closer(judged, open_)
    flat = np.flatnonzero(wrong)
    _look_closer(judged, flat[:_WITNESSES])
    if (judged.verdicts.reshape(-1)[flat[:_WITNESSES]] != Verdict.DISAGREE).any():
        looked = _look_closer(judged, flat[_WITNESSES:])
        _by_witnesses(judged, flat[_WITNESSES + looked :])


def _for_want_of_digits(judged: Evaluation) -> None:
    """What is off where the formula, in many digits, is not."""
    off = np.flatnonzero((judged.verdicts == Verdict.DISAGREE) & np.isfinite(judged.reference.value))
    if off.size and judged.node in judged.point.given:
        from bpx.check.whole.graph_multiprecision import digits_alone

        right = digits_alone(judged, off)
        if right is None:  # too many numbers to look at; where no rule is wrong, that is no proof
            unproved = judged.stated.is_rule and not judged.point.has_wrong_rule
            judged.verdicts.reshape(-1)[off] = Verdict.CANNOT_TELL if unproved else Verdict.DISAGREE
            return
        judged.verdicts.reshape(-1)[off[right]] = Verdict.AGREE
        judged.give_reason(off[right], Reason("digits-lost"))


def _by_witnesses(judged: Evaluation, flat: NDArray[np.intp]) -> None:
    """Entries that seem wrong as others did that were not, and that were too many to look at.

    A formula of bpx's own that is right wherever it was looked at, in many digits, is right here too.
    """
    right = judged.stated.is_rule and all(one.code == "digits-lost" for one in judged.reasons.values())
    judged.verdicts.reshape(-1)[flat] = Verdict.AGREE if right else Verdict.CANNOT_TELL
    if right and flat.size:
        judged.give_reason(flat, Reason("digits-lost"))


def _look_closer(judged: Evaluation, flat: NDArray[np.intp]) -> int:
    """Look at these entries in many digits; returns at how many there was time to look."""
    if not flat.size:
        return 0
    from bpx.check.whole.graph_multiprecision import look_closer

    return look_closer(judged, flat)


def _stationary(judged: Evaluation) -> None:
    """Where large terms cancel to nothing, a 0 is right as far as can be seen.

    So is what rounding of the terms leaves of it in bpx's own gradient. Other claims so small, which may
    be nothing but rounding, are left open.
    """
    (value, error, _), point = judged.reference, judged.point
    claimed, size = np.abs(judged.stated.value), point.sizes.get(judged.node, 0.0)
    rest = _REST * EPSILON * size if judged.stated.is_rule else 0.0
    nothing = (claimed <= rest) & (np.abs(value) <= SAFETY_FACTOR * error)
    narrow = SAFETY_FACTOR * error <= point.question.detect * size
    judged.verdicts[(judged.verdicts == Verdict.CANNOT_TELL) & nothing & narrow] = Verdict.AGREE


def _by_formula(judged: Evaluation) -> None:
    """Where every rule is right and one of them loses its digits, the gradient that it gives may be off."""
    off = np.flatnonzero((judged.verdicts == Verdict.DISAGREE) & np.isfinite(judged.reference.value))
    if off.size and judged.stated.is_rule and judged.point.digits_lost:
        judged.verdicts.reshape(-1)[off] = Verdict.AGREE
        judged.give_reason(off, Reason("digits-lost"))


def _give_reasons(judged: Evaluation) -> None:
    """A reason for each entry that does not simply agree."""
    for flat in np.flatnonzero(judged.verdicts != Verdict.AGREE).tolist():
        if flat not in judged.reasons:
            judged.reasons[flat] = _reason(judged, flat)


def _reason(judged: Evaluation, flat: int) -> Reason:
    claimed, value, error = (
        float(judged.part(one, np.array([flat]))[0])
        for one in (judged.stated.value, judged.reference.value, judged.reference.error)
    )
    if not np.isfinite(claimed):
        return Reason("claim-not-finite", {"claimed": number(claimed)})
    if judged.verdicts.flat[flat] == Verdict.DISAGREE:
        return Reason("differs", {"difference": number(abs(claimed - value), 3), "error": number(error, 3)})
    scale = max(abs(claimed), abs(value))
    # Where the bar is narrow, it is the claim itself whose digits rounding may have taken.
    share = max(SAFETY_FACTOR * error, abs(claimed - value)) / scale if scale else np.inf
    detect = judged.point.question.detect
    return Reason("uncertain", {"share": number(share, 2), "detect": number(detect, 2)})
