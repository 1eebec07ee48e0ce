"""A quick check beside an account: the rules' gradients at the values as they are, in one line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from bpx.check.blame.composite_rules import CompositeRules
from bpx.check.report.entry import Verdict
from bpx.check.report.gradient_table import GradientTable
from bpx.check.whole.checked_graph import CheckedGraph, Query
from bpx.check.whole.entry_verdicts import column
from bpx.check.whole.evaluation import by_rule
from bpx.graph.arrays import Array
from bpx.graph.named.named_graph import NamedGraph
from bpx.passes.expand import written_out
from bpx.passes.reverse import Ledger

# Beyond these a check takes longer than the account it stands beside, start-up and all.
_MOST_NODES = 1_000
_MOST_ELEMENTS = 100_000


class QuickCheck(NamedTuple):
    """How the gradients compare with differences: the worst verdict of `bpx gradcheck`, in its words.

    `digits` is to how many whole digits all entries agree at least, `entries` how many there are. A check
    that would have taken longer than the rest is `skipped`, and has neither.
    """

    verdict: str
    entries: int
    digits: float


SKIPPED = QuickCheck("skipped", 0, 0.0)


def checkup(spec: NamedGraph, ledger: Ledger, wrt: Mapping[str, int], seed: Array) -> QuickCheck | None:
    """What differences say of the gradients of `ledger` for the nodes `wrt`; None where there are none.

    `seed` is what arrived at the output.
    """
    if not wrt:
        return None
    question = Query(spec, ledger.output, wrt, seed)
    point = CheckedGraph(question, ledger.graph, ledger, spec.given)
    if len(point.forward) > _MOST_NODES or point.elements > _MOST_ELEMENTS:
        return SKIPPED
    with np.errstate(all="ignore"):
        columns = list(_columns(point))
    worst = min(int(one.verdicts.min()) for one in columns)
    entries = sum(one.claimed.size for one in columns)
    digits = min(one.digits for one in columns)
    return QuickCheck(Verdict(worst).word, entries, digits if math.isinf(digits) else math.floor(digits))


def _columns(point: CheckedGraph) -> Iterator[GradientTable]:
    question = point.question
    plain = written_out(question.spec)
    if plain is question.spec:
        yield from (column(point, name, node, by_rule(point, node)) for name, node in question.wrt.items())
        return
    fused = CompositeRules(question, point.ledger)
    names, given = question.spec.names, {one.name: one.value for one in plain.inputs}
    wrt = {name: plain.nodes[names[node]] for name, node in question.wrt.items()}
    asked = question._replace(spec=plain, output=plain.nodes[names[question.output]], wrt=wrt)
    parts = CheckedGraph.at(asked, plain.given)
    for name, node in wrt.items():
        yield column(parts, name, node, fused.stated_or_parts(name, given, parts, node))
