"""The loss, and its gradient, at every point of a grid: many points in one batched run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from bpx.graph.arrays import Array, Flags, Indices
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.run import run
from bpx.passes.domain import value_problems
from bpx.passes.reverse import grad
from bpx.train.sweep.axes import SweptEntry
from bpx.words.diagnostic import Diagnostic

# Numbers of all nodes in one run: 32 MB of them. Fewer points at a time cost more calls, more need more room.
_MOST_AT_ONCE = 2**22


class Grid(NamedTuple):
    """Losses, and slopes by entry, at the points of a grid, in C order; NaN where there is no value.

    `gaps` has, for each cause, how many points have no value, the first of them and what is wrong there.
    """

    losses: Array
    slopes: tuple[Array, ...]
    gaps: tuple[tuple[int, int, Diagnostic], ...]


class BatchedLoss:
    """The loss as a function of many points at once, with its gradient if it is `derived`."""

    def __init__(self, spec: NamedGraph, entries: Sequence[SweptEntry], derived: bool) -> None:
        graph = spec.graph.copy()  # the reverse pass is appended to a graph of its own
        self.spec, self.graph, self.entries = spec, graph, entries
        nodes = list(dict.fromkeys(entry.input.node for entry in entries))
        gradients = grad(graph[spec.output], [graph[node] for node in nodes]) if derived else []
        self.gradients = {node: expr.id for node, expr in zip(nodes, gradients, strict=False)}
        self.targets = [spec.output, *self.gradients.values()]
        self.needed = graph.needs(of=self.targets)
        self.size = sum(math.prod(graph.shapes[node]) for node in self.needed)

    def known(self, points: Array) -> dict[int, Array]:
        """The values of the inputs, the batch along the last axis, for points of one column an entry."""
        known = {leaf.node: leaf.value[..., np.newaxis] for leaf in self.spec.inputs}
        for node in {entry.input.node for entry in self.entries}:
            known[node] = np.repeat(known[node], len(points), axis=-1)  # copies, to be written into
        for entry, column in zip(self.entries, points.T, strict=True):
            known[entry.input.node].reshape(-1, len(points))[entry.place] = column
        return known

    def __call__(self, points: Array) -> tuple[Array, list[Array], dict[int, Array]]:
        """Losses, slopes by entry, and the values of all nodes."""
        values = run(self.graph, self.known(points), self.targets, batch=True)
        count = len(points)
        losses = np.broadcast_to(values[self.spec.output], (count,))
        slopes = [
            np.broadcast_to(values[node], (*entry.input.value.shape, count)).reshape(-1, count)[entry.place]
            for entry in self.entries
            if (node := self.gradients.get(entry.input.node)) is not None
        ]
        return losses, slopes, values


@np.errstate(all="ignore")
def evaluated(spec: NamedGraph, entries: Sequence[SweptEntry], derived: bool) -> Grid:
    """The loss at every point of the grid that the entries span."""
    loss = BatchedLoss(spec, entries, derived)
    counts = [entry.axis.values.size for entry in entries]
    total = math.prod(counts)
    losses, slopes = np.empty(total), [np.empty(total) for _ in entries if derived]
    causes: dict[int, tuple[int, int]] = {}  # node → how many points fail there, the first
    for start, points in _batches(entries, counts, max(1, _MOST_AT_ONCE // loss.size)):
        part = slice(start, start + len(points))
        losses[part], found, values = loss(points)
        for slope, column in zip(slopes, found, strict=True):
            slope[part] = column
        for node, places in _failing(loss, values, ~np.isfinite(losses[part])):
            count, first = causes.get(node, (0, start + int(places[0])))
            causes[node] = count + len(places), first
    losses[~np.isfinite(losses)] = np.nan
    for slope in slopes:
        slope[~np.isfinite(slope) | np.isnan(losses)] = np.nan
    gaps = tuple((count, first, _cause(loss, counts, first)) for count, first in causes.values())
    shaped = tuple(slope.reshape(counts) for slope in slopes)
    return Grid(losses.reshape(counts), shaped, gaps)


def _batches(entries: Sequence[SweptEntry], counts: Sequence[int], most: int) -> Iterator[tuple[int, Array]]:
    """The points of the grid, so many at a time, and the number of the first of them."""
    total = math.prod(counts)
    for start in range(0, total, most):
        yield start, _points(entries, counts, np.arange(start, min(start + most, total)))


def _points(entries: Sequence[SweptEntry], counts: Sequence[int], numbers: Indices) -> Array:
    places = np.unravel_index(numbers, counts)
    return np.stack([entry.axis.values[place] for entry, place in zip(entries, places, strict=True)], axis=-1)


def _failing(loss: BatchedLoss, values: dict[int, Array], missing: Flags) -> Iterator[tuple[int, Indices]]:
    """The nodes at which points first stop being finite, each with the places of these points."""
    left = missing.copy()
    for node in loss.graph.needs(of=[loss.spec.output]) if left.any() else ():
        fails = ~np.isfinite(values[node]).reshape(-1, np.shape(values[node])[-1]).all(axis=0)
        here = left & fails
        if here.any():
            yield node, np.flatnonzero(here)
            left &= ~here


def _cause(loss: BatchedLoss, counts: Sequence[int], number: int) -> Diagnostic:
    """What is wrong at one point of the grid."""
    point = _points(loss.entries, counts, np.array([number]))
    known = {node: value[..., 0] for node, value in loss.known(point).items()}
    forward = loss.graph.needs(of=[loss.spec.output])
    return value_problems(loss.spec, run(loss.spec.graph, known, forward))[0]
