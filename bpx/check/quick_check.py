"""A quick check beside an explanation: the rules' gradients at the values as they are, in one line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from bpx.check.numeric import balls
from bpx.check.numeric.tolerances import MOST_QUICK_NODES, MOST_QUICK_OPERATIONS, QUICK_EXACT_OPERATIONS
from bpx.check.report.entry import Verdict
from bpx.check.whole.checked_graph import CheckedGraph, Query
from bpx.check.whole.evaluation import by_rule
from bpx.check.whole.sources import evaluated
from bpx.graph.arrays import Array
from bpx.graph.named.named_graph import NamedGraph
from bpx.passes.expand import written_out
from bpx.passes.reverse import Ledger


class QuickCheck(NamedTuple):
    """How the gradients compare with differences: the worst verdict of `bpx gradcheck`, in its words.

    `digits` is to how many whole digits all entries agree at least, `entries` how many there are. A check
    that would have taken longer than the rest is `skipped`, and has neither.
    """

    verdict: str
    entries: int
    digits: float


SKIPPED = QuickCheck("skipped", 0, 0.0)


def quick_check(spec: NamedGraph, ledger: Ledger, wrt: Mapping[str, int], seed: Array) -> QuickCheck | None:
    """What differences say of the gradients of `ledger` for the nodes `wrt`; None where there are none.

    `seed` is what arrived at the output.
    """
    if not wrt:
        return None
    checked = CheckedGraph(
        Query(spec, ledger.output, wrt, seed, budget=QUICK_EXACT_OPERATIONS),
        ledger.graph,
        ledger,
        spec.input_values,
        ledger,
    )
    if _is_large(checked):
        return SKIPPED
    plain = written_out(spec)
    if plain is not spec:
        checked = CheckedGraph.at(_written_out(checked.query, plain), plain.input_values)
    if _is_large(checked):
        return SKIPPED
    with np.errstate(all="ignore"), balls.unwanted():
        evaluations = [
            evaluated(checked, name, node, by_rule(checked, node)) for name, node in checked.query.wrt.items()
        ]
    tables = [evaluation.table() for evaluation in evaluations]
    worst = min(int(table.verdicts.min()) for table in tables)
    # What the full check may well settle is no news.
    if worst == Verdict.CANNOT_TELL and any(np.any(part.evidence.beyond_budget) for part in evaluations):
        return SKIPPED
    entries = sum(table.claimed.size for table in tables)
    digits = min(table.digits for table in tables)
    return QuickCheck(Verdict(worst).word, entries, digits if math.isinf(digits) else math.floor(digits))


def _is_large(checked: CheckedGraph) -> bool:
    return len(checked.forward) > MOST_QUICK_NODES or checked.operations > MOST_QUICK_OPERATIONS


def _written_out(query: Query, plain: NamedGraph) -> Query:
    """The same query of the spec without composite ops."""
    nodes = {node: plain.nodes[name] for node, name in query.spec.names.items() if name in plain.nodes}
    wrt = {name: nodes[node] for name, node in query.wrt.items()}
    return query._replace(spec=plain, output=nodes[query.output], wrt=wrt)
