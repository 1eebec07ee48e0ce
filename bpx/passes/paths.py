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
from bpx.passes.reverse import Edge, Ledger, contributions

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
    """How many paths lead to a node; exact, as Python's integers have no largest."""
    counts = {ledger.output: 1}
    for edge in ledger.edges:  # consumers come in descending order, so each count is final when used
        counts[edge.arg] = counts.get(edge.arg, 0) + counts[edge.consumer]
    return counts.get(node, 0)


def _gains(ledger: Ledger, values: Mapping[int, Array]) -> list[float]:
    """By how much each edge may enlarge a contribution; 1 for ops that only move and mix."""
    return [1.0 if e.local is None else float(np.abs(values[e.local]).max()) for e in ledger.edges]


class _Search(NamedTuple):
    """What the search for the largest paths to a node goes by."""

    gains: list[float]  # of every edge
    bounds: dict[int, float]  # node → the largest product of gains on a path from it down to the target
    below: dict[int, list[int]]  # node → the edges from it that lead to the target, by index


def _largest(ledger: Ledger, values: Mapping[int, Array], target: int) -> list[tuple[Edge, ...]]:
    """The routes of the largest bounds, best first, at most `MOST_SHOWN`.

    Best-first search with an exact bound on what is still to come (A*: Hart, Nilsson and Raphael, A formal
    basis for the heuristic determination of minimum cost paths, 1968), so that the first routes to arrive
    are the largest, though there be 10¹⁸ of them.
    """
    search = _bounded(ledger, values, target)
    routes: list[tuple[Edge, ...]] = []
    # (minus the bound, order of entry, node, product so far, the edges so far as a linked list)
    heap: list[tuple[float, int, int, float, tuple[Edge, object] | None]] = [
        (-search.bounds.get(ledger.output, 0.0), 0, ledger.output, 1.0, None)
    ]
    entered = 0
    while heap and len(routes) < MOST_SHOWN:
        _, _, node, product, route = heapq.heappop(heap)
        if node == target:
            routes.append(_unlinked(route))
            continue
        for i in search.below.get(node, ()):
            # Of equal bounds the last to enter goes first: down one route to its end, not along all at once.
            edge, entered = ledger.edges[i], entered - 1
            further = product * search.gains[i]
            bound = further * search.bounds[edge.arg]
            heapq.heappush(heap, (-bound, entered, edge.arg, further, (edge, route)))
    return routes


def _bounded(ledger: Ledger, values: Mapping[int, Array], target: int) -> _Search:
    """The bounds by dynamic programming over the edges, from the target upwards."""
    gains = _gains(ledger, values)
    bounds = {target: 1.0}
    below: dict[int, list[int]] = {}
    # The edges below a node come after its own: backwards, the bound of an arg is final when it is used.
    for i in range(len(ledger.edges) - 1, -1, -1):
        edge = ledger.edges[i]
        if edge.arg in bounds:
            bounds[edge.consumer] = max(bounds.get(edge.consumer, 0.0), gains[i] * bounds[edge.arg])
            # In front, so that the edges of a node keep the order of the ledger.
            below.setdefault(edge.consumer, []).insert(0, i)
    return _Search(gains, bounds, below)


def _unlinked(route: object) -> tuple[Edge, ...]:
    """The edges of a linked list in order; routes that share a beginning share its links."""
    edges = []
    while isinstance(route, tuple):
        edge, route = route
        edges.append(edge)
    return tuple(reversed(edges))


def _products(ledger: Ledger, values: Mapping[int, Array], routes: list[tuple[Edge, ...]]) -> list[Array]:
    """The contribution of each route alone: the seed pulled through its edges, built as nodes and run."""
    ends: list[int] = []
    seed = ledger.gradient(ledger.output)
    for route in routes:
        assert seed is not None
        upstream = seed
        for edge in route:
            upstream = _through(ledger, edge, upstream)
        ends.append(upstream.id)
    # One run for all: routes that begin with the same edges share those nodes.
    products = run(ledger.graph, values, ends)
    return [np.asarray(products[end]) for end in ends]


def _through(ledger: Ledger, edge: Edge, upstream: Expr) -> Expr:
    """The contribution of one edge to another upstream gradient than the ledger's."""
    graph = ledger.graph
    if edge.local is None:
        return contributions(graph[edge.consumer], upstream)[edge.position]
    return unbroadcast(upstream * graph[edge.local], graph.shapes[edge.arg])
