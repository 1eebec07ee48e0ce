"""A quick check beside an account: the rules' gradients at the values as they are, in one line."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from bpx.account import SKIPPED, Checkup
from bpx.check.entries import by_rule, column
from bpx.check.point import Point, Question
from bpx.check.report import Verdict
from bpx.graph import Array
from bpx.spec import Spec

# Beyond these a check takes longer than the account it stands beside, start-up and all.
_MOST_NODES = 1_000
_MOST_ELEMENTS = 100_000


def checkup(spec: Spec, output: int, wrt: Mapping[str, int], seed: Array) -> Checkup | None:
    """What differences say of ∂output/∂node for the nodes `wrt`; None where there are none."""
    if not wrt:
        return None
    point = Point.at(Question(spec, output, wrt, seed), spec.given)
    if len(point.forward) > _MOST_NODES or point.elements > _MOST_ELEMENTS:
        return SKIPPED
    with np.errstate(all="ignore"):
        columns = [column(point, name, node, by_rule(point, node)) for name, node in wrt.items()]
    worst = min(int(one.verdicts.min()) for one in columns)
    entries = sum(one.claimed.size for one in columns)
    digits = min(entry.digits for one in columns for entry in one.worst(1))
    return Checkup(Verdict(worst).word, entries, digits if math.isinf(digits) else math.floor(digits))
