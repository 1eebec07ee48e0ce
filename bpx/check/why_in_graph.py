"""The ladder of an entry of the gradient of a graph: the output as a function of that entry alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bpx.check.ladders.why import Source, Why
from bpx.check.report.entry import Entry
from bpx.check.second_order import second_queries
from bpx.check.whole.checked_graph import CheckedGraph, Query
from bpx.check.whole.graph_function import GraphFunction
from bpx.graph.arrays import Array
from bpx.graph.numbers import index_text
from bpx.words.say import say

Asking = tuple[Query, int]  # what is derived, and the node whose entries it is derived by


def asked_second(query: Query) -> dict[tuple[str, str | None], Asking]:
    """What second derivatives are of, by the names of their inputs and of the first derivatives."""
    return {
        (name, label): (second, node)
        for label, second in second_queries(query, has_kinks=False)
        for name, node in query.wrt.items()
    }


def why_in_graph(entry: Entry, output: str, asking: Asking, input_values: Mapping[int, Array]) -> Why:
    """The ladder of an entry; for that of an inner node, what follows from the node is computed anew.

    Steps over a kink are not used, as in the check of each op, unless that leaves none.
    """
    query, node = asking
    checked = CheckedGraph.at(query, input_values)
    value = np.asarray(checked.values[node] if node in checked.values else input_values[node])
    flat = int(np.ravel_multi_index(entry.index, value.shape)) if entry.index else 0
    at = {**input_values, node: value}
    moved = query.spec.names[node] + index_text(entry.index)
    function = entry.by or _function(query, output)
    asked = entry.asked(output, function, moved, query.detect, Source.CHAIN_RULE)

    def seen(guarded: bool) -> Why:
        whole = GraphFunction(checked.graph, query.output, query.seed, at, guarded=guarded)
        along = whole.coordinates([(node, flat)])
        return Why.of(asked, along, float(value.flat[flat]), blind=not guarded)

    why = seen(guarded=True)
    if why.has_slope and why.has_central:
        return why
    # A guard may change its sign where there is no kink, as that of floor does halfway.
    blind = seen(guarded=False)
    return blind if blind.has_slope or blind.two_sided else why


def _function(query: Query, output: str) -> str:
    """What the quotients are taken of: a node, an element of it, or a sum over its elements."""
    name, seed = query.spec.names.get(query.output, output), query.seed
    chosen = np.argwhere(seed)
    if len(chosen) == 1 and seed[tuple(chosen[0])] == 1:
        return name + index_text(tuple(map(int, chosen[0])))
    return say("why.sum" if (seed == 1).all() else "why.weighted", output=name)
