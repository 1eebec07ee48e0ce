"""A quick check beside an explanation: the rules' gradients at the values as they are, in one line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from bpx.check.numeric import ball_context
from bpx.check.numeric.tolerances import MOST_QUICK_ELEMENTS, MOST_QUICK_NODES
from bpx.check.report.entry import Entry, Verdict, rank
from bpx.check.whole.checked_graph import CheckedGraph, Query
from bpx.check.whole.evaluation import by_rule
from bpx.check.whole.sources import evaluated
from bpx.graph.arrays import Array
from bpx.graph.named.named_graph import NamedGraph
from bpx.passes.expand import written_out
from bpx.passes.reverse import Ledger
from bpx.render.plain_data import plain_value


class QuickCheck(NamedTuple):
    """How the gradients compare with differences: the worst verdict of `bpx gradcheck`, in its words.

    `digits` is to how many whole digits all entries agree at least, `entries` how many there are; of `lost`
    of them float64 loses the digits of a right formula, worst of all of `worst`. A check that would have
    taken longer than the rest is `skipped`, and has neither.
    """

    verdict: str
    entries: int
    digits: float
    lost: int = 0
    worst: Entry | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        worst = None
        if self.worst:
            keys = ("input", "index", "claimed", "reference", "error")
            worst = {key: self.worst.to_dict()[key] for key in keys}
        return {**self._asdict(), "digits": plain_value(self.digits), "worst": worst}


SKIPPED = QuickCheck("skipped", 0, 0.0)


def quick_check(spec: NamedGraph, ledger: Ledger, wrt: Mapping[str, int], seed: Array) -> QuickCheck | None:
    """What differences say of the gradients of `ledger` for the nodes `wrt`; None where there are none.

    `seed` is what arrived at the output.
    """
    if not wrt:
        return None
    checked = CheckedGraph(
        Query(spec, ledger.output, wrt, seed), ledger.graph, ledger, spec.input_values, ledger
    )
    if len(checked.forward) > MOST_QUICK_NODES or checked.elements > MOST_QUICK_ELEMENTS:
        return SKIPPED
    plain = written_out(spec)
    if plain is not spec:
        checked = CheckedGraph.at(_written_out(checked.query, plain), plain.input_values)
    with np.errstate(all="ignore"), ball_context.unwanted():
        tables = [
            evaluated(checked, name, node, by_rule(checked, node)).table()
            for name, node in checked.query.wrt.items()
        ]
    worst = min(int(table.verdicts.min()) for table in tables)
    entries = sum(table.claimed.size for table in tables)
    digits = min(table.digits for table in tables)
    lost = [table.entry(flat) for table in tables for flat in table.with_code("digits-lost")]
    return QuickCheck(
        Verdict(worst).word,
        entries,
        digits if math.isinf(digits) else math.floor(digits),
        len(lost),
        min(lost, key=rank, default=None),
    )


def _written_out(query: Query, plain: NamedGraph) -> Query:
    """The same query of the spec without composite ops."""
    nodes = {node: plain.nodes[name] for node, name in query.spec.names.items() if name in plain.nodes}
    wrt = {name: nodes[node] for name, node in query.wrt.items()}
    return query._replace(spec=plain, output=nodes[query.output], wrt=wrt)
