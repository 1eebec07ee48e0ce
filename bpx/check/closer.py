"""A closer look at entries that differences leave open, or seem to refute: the whole graph in 50 digits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.check import exact
from bpx.check.bounded import UNIT
from bpx.check.decide import decide
from bpx.check.element import is_right
from bpx.check.judged import Judged
from bpx.check.program import Program
from bpx.check.report import Reason, Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_OPS = 20_000  # on numbers of 50 digits, that one gradient may take
_PER_ENTRY = 20  # evaluations of the graph that one derivative takes, roughly


def look_closer(judged: Judged, flat: NDArray[np.intp]) -> None:
    """Take up the entries `flat` of an input again, as many of them as can be paid for."""
    point = judged.point
    most = _MOST_OPS // (_PER_ENTRY * max(1, point.elements))
    if not most or not exact.available():
        return
    program = Program(point.graph, point.question.output, point.question.seed, point.given)
    stated = judged.stated.exactly() if judged.stated.exactly else None
    for one in flat[:most].tolist():
        function = program.exactly((judged.node, one), point.lifted)
        slope = exact.slope(function, float(point.given[judged.node].flat[one]))
        if slope is not None and not slope.kink and not slope.edge:
            _settle(judged, one, slope, None if stated is None else stated.flat[one])


def _settle(judged: Judged, flat: int, slope: exact.Slope, stated: Any) -> None:
    """The verdict by a slope known to 50 digits; `stated` is the claim in as many, where it has them.

    A formula that is right to those digits is right, whatever float64 makes of it. Of bare numbers it
    is not known how they came about: what rounding may do to them is not held against them.
    """
    at, value = np.array([flat]), np.array([slope.value])
    noise = judged.part(judged.point.rounding.get(judged.node, 0.0), at) if stated is None else 0.0
    verdict = decide(
        judged.near(at, value),
        value,
        UNIT * np.abs(value),
        detect=judged.point.question.detect,
        claim_noise=noise,
    )
    if verdict[0] != Verdict.AGREE and is_right(stated, slope):
        verdict[0] = Verdict.AGREE
        judged.reasons[flat] = Reason("digits-lost")
    judged.put(at, verdict, value, UNIT * np.abs(value))
