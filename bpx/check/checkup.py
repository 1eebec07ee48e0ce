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
from bpx.reverse import Ledger
from bpx.spec import Spec

# Beyond these a check takes longer than the account it stands beside, start-up and all.
_MOST_NODES = 1_000
_MOST_ELEMENTS = 100_000


def checkup(spec: Spec, ledger: Ledger, wrt: Mapping[str, int], seed: Array) -> Checkup | None:
    """What differences say of the gradients of `ledger` for the nodes `wrt`; None where there are none.

    `seed` is what arrived at the output.
    """
    if not wrt:
        return None
    point = Point(Question(spec, ledger.output, wrt, seed), ledger.graph, ledger, spec.given)
    if len(point.forward) > _MOST_NODES or point.elements > _MOST_ELEMENTS:
        return SKIPPED
    with np.errstate(all="ignore"):
        columns = [column(point, name, node, by_rule(point, node)) for name, node in wrt.items()]
    worst = min(int(one.verdicts.min()) for one in columns)
    entries = sum(one.claimed.size for one in columns)
    digits = min(entry.digits for one in columns for entry in one.worst(1))
    return Checkup(Verdict(worst).word, entries, digits if math.isinf(digits) else math.floor(digits))
