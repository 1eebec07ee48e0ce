"""Every path from the output down to an input: the gradient is the sum over paths of products.

The number of paths is counted exactly by dynamic programming over the edges; where there are many,
the largest are found best first (with the exact bound that a second dynamic program gives) and the
rest is stated as a sum. See Bauer, Computational graphs and rounding error (SIAM J. Numer. Anal. 11,
1974), for gradients as sums over paths.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.graph import Expr
from bpx.graph.run import run
from bpx.ops.tensors import unbroadcast
from bpx.passes.reverse import Edge, Ledger, pulled

MOST_SHOWN = 20  # paths


class Path(NamedTuple):
    """One path: its edges from the output downwards, what it contributes, the sum so far."""

    edges: tuple[Edge, ...]
    product: Array
    running: Array


class PathLedger(NamedTuple):
    """The paths to one node: how many, the largest ones, and what the others sum to.

    `total` is the gradient of the table; `rest` = `total` - the running sum, so with no other paths
    it is the rounding of the two ways to add.
    """

    node: int
    path_count: int
    shown: tuple[Path, ...]
    rest: Array
    total: Array


def path_ledger(ledger: Ledger, values: Mapping[int, Array], node: int) -> PathLedger:
    """The paths from the ledger's output to `node`; `values` holds those of the ledger's nodes."""
    shape = ledger.graph.shapes[node]
    gradient = ledger.gradient(node)
    total = np.zeros(shape) if gradient is None else np.asarray(values[gradient.id])
    count = _count(ledger, node)
    routes = _largest(ledger, values, node) if count else []
    shown, running = [], np.zeros(shape)
    for route, product in zip(routes, _products(ledger, values, routes), strict=True):
        running = running + product
        shown.append(Path(route, product, running))
    return PathLedger(node, count, tuple(shown), total - running, total)


def _count(ledger: Ledger, node: int) -> int:
    counts = {ledger.output: 1}
    for edge in ledger.edges:  # consumers come in descending order, so each count is final when used
        counts[edge.arg] = counts.get(edge.arg, 0) + counts[edge.consumer]
    return counts.get(node, 0)


def _sizes(ledger: Ledger, values: Mapping[int, Array]) -> list[float]:
    """How much each edge may enlarge what comes down; 1 for ops that only move and mix."""
    return [1.0 if e.local is None else float(np.abs(values[e.local]).max()) for e in ledger.edges]


def _largest(ledger: Ledger, values: Mapping[int, Array], target: int) -> list[tuple[Edge, ...]]:
    """The routes of the largest bounds, best first, at most `MOST_SHOWN`."""
    sizes = _sizes(ledger, values)
    best = {target: 1.0}  # the largest product of sizes from a node down to the target
    below: dict[int, list[int]] = {}
    for i in range(len(ledger.edges) - 1, -1, -1):
        edge = ledger.edges[i]
        if edge.arg in best:
            best[edge.consumer] = max(best.get(edge.consumer, 0.0), sizes[i] * best[edge.arg])
            below.setdefault(edge.consumer, []).insert(0, i)
    found: list[tuple[Edge, ...]] = []
    # (minus the bound, order of entry, node, size so far, the edges so far as a linked list)
    heap: list[tuple[float, int, int, float, tuple[Edge, object] | None]] = [
        (-best.get(ledger.output, 0.0), 0, ledger.output, 1.0, None)
    ]
    entered = 0
    while heap and len(found) < MOST_SHOWN:
        _, _, node, size, route = heapq.heappop(heap)
        if node == target:
            found.append(_unlinked(route))
            continue
        for i in below.get(node, ()):
            edge, entered = ledger.edges[i], entered - 1
            further = size * sizes[i]
            heapq.heappush(heap, (-further * best[edge.arg], entered, edge.arg, further, (edge, route)))
    return found


def _unlinked(route: object) -> tuple[Edge, ...]:
    edges = []
    while isinstance(route, tuple):
        edge, route = route
        edges.append(edge)
    return tuple(reversed(edges))


def _products(ledger: Ledger, values: Mapping[int, Array], routes: list[tuple[Edge, ...]]) -> list[Array]:
    """What comes down each route alone: the seed pulled through its edges, built as nodes and run."""
    ends: list[int] = []
    seed = ledger.gradient(ledger.output)
    for route in routes:
        assert seed is not None
        upstream = seed
        for edge in route:
            upstream = _through(ledger, edge, upstream)
        ends.append(upstream.id)
    found = run(ledger.graph, values, ends)
    return [np.asarray(found[end]) for end in ends]


def _through(ledger: Ledger, edge: Edge, upstream: Expr) -> Expr:
    graph = ledger.graph
    if edge.local is None:
        return pulled(graph[edge.consumer], upstream)[edge.position]
    return unbroadcast(upstream * graph[edge.local], graph.shapes[edge.arg])
