"""A quick check beside an explanation: the rules' gradients at the values as they are, in one line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from bpx.check.balls import ball_context
from bpx.check.numeric.tolerances import MOST_QUICK_NODES, MOST_QUICK_OPERATIONS, QUICK_EXACT_OPERATIONS
from bpx.check.report.entry import Entry, Verdict, rank
from bpx.check.report.gradient_table import GradientTable
from bpx.check.whole.checked_graph import CheckedGraph, Query
from bpx.check.whole.evaluation import by_rule
from bpx.check.whole.sources import evaluated
from bpx.graph.arrays import Array
from bpx.graph.named.named_graph import NamedGraph
from bpx.passes.expand import written_out
from bpx.passes.reverse import Ledger
from bpx.render.plain_data import plain_value

_OF_WORST = ("input", "index", "claimed", "reference", "error")


class QuickCheck(NamedTuple):
    """How the gradients compare with differences: the worst verdict of `bpx gradcheck`, in its words.

    `digits` is to how many whole digits all entries agree at least, `entries` how many there are, those of
    the second derivatives included where these are `second`; of `lost` of them float64 loses the digits of
    a right formula, worst of all of `worst`. A check that would have taken longer than the rest is
    `skipped`, and has neither. `entry` is one of those that disagree.
    """

    verdict: str
    entries: int
    digits: float
    second: bool = False
    entry: Entry | None = None
    lost: int = 0
    worst: Entry | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        worst = self.worst and {key: self.worst.to_dict()[key] for key in _OF_WORST}
        digits, entry = plain_value(self.digits), self.entry
        plain = {"verdict": self.verdict, "entries": self.entries, "digits": digits}
        plain |= {"lost": self.lost, "worst": worst}
        return {**plain, "entry": entry.to_dict()} if entry else plain


# What balls may settle otherwise.
_OPEN = (Verdict.DISAGREE, Verdict.OUTSIDE_DOMAIN, Verdict.CANNOT_TELL)

SKIPPED = QuickCheck("skipped", 0, 0.0)


def quick_check(
    spec: NamedGraph, ledger: Ledger, wrt: Mapping[str, int], seed: Array, second: bool = False
) -> QuickCheck | None:
    """What differences say of the gradients of `ledger` for the nodes `wrt`; None where there are none.

    `seed` is what arrived at the output. Of inputs `second` derivatives may be checked besides, if they do
    not take too long either.
    """
    if not wrt:
        return None
    query = Query(spec, ledger.output, wrt, seed, budget=QUICK_EXACT_OPERATIONS)
    checked = CheckedGraph(query, ledger.graph, ledger, spec.input_values, ledger, {})
    if _is_large(checked):
        return SKIPPED
    plain = written_out(spec)
    if plain is not spec:
        checked = CheckedGraph.at(_written_out(checked.query, plain), plain.input_values)
    if _is_large(checked):
        return SKIPPED
    rows = sum(math.prod(spec.graph.shapes[node]) for node in wrt.values())
    second = second and rows * checked.operations <= MOST_QUICK_OPERATIONS
    with np.errstate(all="ignore"):
        with ball_context.unwanted():
            tables, beyond_budget = _tables(checked, second)
        if ball_context.available() and _worst(tables) in _OPEN:
            # Balls take long to load, but reach numbers that float64 does not hold: near 1e200 its squares.
            tables, beyond_budget = _tables(checked, second)
    worst = _worst(tables)
    # What the full check may well settle is no news.
    if worst == Verdict.CANNOT_TELL and beyond_budget:
        return SKIPPED
    entries = sum(table.claimed.size for table in tables)
    digits = min(table.digits for table in tables)
    whole_digits = digits if math.isinf(digits) else math.floor(digits)
    lost = [table.entry(flat) for table in tables for flat in table.with_code("digits-lost")]
    least = min(lost, key=rank, default=None)
    return QuickCheck(Verdict(worst).word, entries, whole_digits, second, _wrong(tables), len(lost), least)


def _tables(checked: CheckedGraph, second: bool) -> tuple[list[GradientTable], bool]:
    """The verdicts, and whether the budget for many digits cut any of the first derivatives short."""
    evaluations = [
        evaluated(checked, name, node, by_rule(checked, node)) for name, node in checked.query.wrt.items()
    ]
    if any(np.any(evaluation.bent) for evaluation in evaluations):
        from bpx.check.whole.nonsmooth import check_limits

        check_limits(checked, evaluations)
    beyond_budget = any(np.any(evaluation.evidence.beyond_budget) for evaluation in evaluations)
    tables = [evaluation.table() for evaluation in evaluations]
    if second:
        from bpx.check.second_order import second_order

        tables += second_order(checked.query, checked.input_values)
    return tables, beyond_budget


def _worst(tables: Iterable[GradientTable]) -> int:
    return min(int(table.verdicts.min()) for table in tables)


def _wrong(tables: Iterable[GradientTable]) -> Entry | None:
    """The worst entry, if it disagrees."""
    worst = min((table.worst(1)[0] for table in tables), key=rank)
    return worst if worst.verdict is Verdict.DISAGREE else None


def _is_large(checked: CheckedGraph) -> bool:
    return len(checked.forward) > MOST_QUICK_NODES or checked.operations > MOST_QUICK_OPERATIONS


def _written_out(query: Query, plain: NamedGraph) -> Query:
    """The same query of the spec without composite ops."""
    nodes = {node: plain.nodes[name] for node, name in query.spec.names.items() if name in plain.nodes}
    wrt = {name: nodes[node] for name, node in query.wrt.items()}
    return query._replace(spec=plain, output=nodes[query.output], wrt=wrt)
