"""The whole graph as a function of numbers: its output, weighted by what arrives there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from bpx.check.local.elementwise_batch import way_to_whole
from bpx.check.local.rounding_error import rounding_errors
from bpx.check.numeric.tolerances import BATCH_ELEMENTS, EPSILON, STEADY_STEPS
from bpx.graph.arrays import Array, Flags
from bpx.graph.graph import Graph
from bpx.graph.run import run

Coordinate = tuple[int, int]  # input node, flat index
Direction = Mapping[int, Array]  # input node → its share


class GraphFunction:
    """The weighted output of a graph as a function of its inputs, which have `input_values` here.

    When `guarded`, a point may be used as long as no guard has changed its sign on the way to it. Of the
    nodes `kinked`, which are at a kink here, steps to one side that stride over further ones are no use, nor
    those that stride over a kink of any other node.
    """

    def __init__(
        self,
        graph: Graph,
        output: int,
        seed: Array,
        input_values: Mapping[int, Array],
        *,
        guarded: bool = False,
        kinked: Sequence[int] = (),
    ) -> None:
        self.graph, self.output, self.seed, self.input_values = graph, output, seed, input_values
        nodes = graph.needs(of=[output])
        self.elements = sum(math.prod(graph.shapes[node]) for node in nodes)
        others = [node for node in nodes if node not in kinked] if guarded or kinked else []
        self.guards = _guard_nodes(graph, others)
        self.kink_guards = _guard_nodes(graph, kinked)
        self.signs = {node: np.sign(value) for node, value in run(graph, input_values, self.guards).items()}
        self.counts = {
            node: (count, way_to_whole(count, at_kink))
            for at_kink, those in ((False, others), (True, kinked))
            for node, count in run(graph, input_values, _count_nodes(graph, those)).items()
        }

    @cached_property
    def rounding(self) -> float:
        """The rounding of the largest number met on the way to the output."""
        # Not of the output alone: a small one may be what is left of large numbers that cancel.
        values = run(self.graph, self.input_values, [self.output]).values()
        return EPSILON * max(float(np.max(np.abs(value), initial=0.0)) for value in values)

    def coordinates(self, at: Sequence[Coordinate]) -> Slices:
        """One function for each coordinate: the point takes the place of that entry."""

        def place(points: Array, chosen: Any) -> dict[int, Array]:
            moved = self._copies({at[which][0] for which in chosen}, points.shape)
            for column, which in enumerate(chosen):
                node, flat = at[which]
                moved[node].reshape(-1, *points.shape)[flat, :, column] = points[:, column]
            return moved

        return Slices(self, place)

    def lines(self, directions: Sequence[Direction]) -> Slices:
        """One function for each direction: the point says how far to go along it."""

        def place(points: Array, chosen: Any) -> dict[int, Array]:
            moved = self._copies({node for which in chosen for node in directions[which]}, points.shape)
            for column, which in enumerate(chosen):
                for node, share in directions[which].items():
                    moved[node][..., column] += share[..., np.newaxis] * points[:, column]
            return moved

        return Slices(self, place)

    def at(self, moved: Mapping[int, Array]) -> float:
        """The value where some inputs have other values; nan where a guard has changed its sign.

        A batch of one point would take ten times as long in products of arrays.
        """
        values = run(self.graph, {**self.input_values, **moved}, [self.output, *self.guards, *self.counts])
        usable = all((np.sign(values[node]) == self.signs[node]).all() for node in self.guards)
        usable &= all((np.abs(values[node] - at) < way).all() for node, (at, way) in self.counts.items())
        return float(np.sum(self.seed * values[self.output])) if usable else math.nan

    def in_multiprecision(self, at: Coordinate, lifted: Mapping[int, Any]) -> Callable[[Any], Any]:
        """The function of one coordinate on numbers of more digits; `lifted` are all inputs in them."""
        node, flat = at

        def function(coordinate: Any) -> Any:
            # The lifted inputs serve every entry, and are not to be written to.
            moved = lifted[node].copy()
            moved.reshape(-1)[flat] = coordinate
            value = run(self.graph, {**lifted, node: moved}, [self.output])[self.output]
            return np.sum(self.seed * value)

        return function

    def multiprecision_along(self, direction: Direction, lifted: Mapping[int, Any]) -> Callable[[Any], Any]:
        """The function of the way gone along a direction, which is 1 here, on numbers of more digits."""

        def function(distance: Any) -> Any:
            moved = {node: lifted[node] + share * (distance - 1) for node, share in direction.items()}
            value = run(self.graph, {**lifted, **moved}, [self.output])[self.output]
            return np.sum(self.seed * value)

        return function

    def _copies(self, nodes: set[int], shape: tuple[int, ...]) -> dict[int, Array]:
        return {
            node: np.broadcast_to(
                self.input_values[node][..., np.newaxis, np.newaxis], (*self.input_values[node].shape, *shape)
            ).copy()
            for node in nodes
        }

    def values(self, moved: Mapping[int, Array]) -> tuple[Array, Flags]:
        """The weighted output at points (K, m), and where it may be used; `moved` has them as last axes."""
        shape = next(iter(moved.values())).shape[-2:]
        flat = {node: value.reshape(*value.shape[:-2], -1) for node, value in moved.items()}
        # Inputs that no column moves are not copied; they broadcast along the batch.
        unmoved = {
            node: value[..., np.newaxis] for node, value in self.input_values.items() if node not in moved
        }
        wanted = [self.output, *self.guards, *self.kink_guards, *self.counts]
        values = run(self.graph, {**unmoved, **flat}, wanted, batch=True)
        value = np.broadcast_to(values[self.output], (*self.seed.shape, shape[0] * shape[1]))
        weighted = np.sum((self.seed[..., np.newaxis] * value).reshape(-1, value.shape[-1]), axis=0)
        usable = np.isfinite(weighted)
        for node in self.guards:
            # A guard that is 0 here has no side to stay on: only points where it stays 0 may be used.
            same = np.sign(values[node]) == self.signs[node][..., np.newaxis]
            usable &= same.reshape(-1, same.shape[-1]).all(axis=0)
        for node, (at, way) in self.counts.items():
            near = np.abs(values[node] - at[..., np.newaxis]) < way[..., np.newaxis]
            usable &= near.reshape(-1, near.shape[-1]).all(axis=0)
        usable = usable.reshape(shape)
        for node in self.kink_guards:
            guard = np.broadcast_to(values[node], (*self.graph.shapes[node], shape[0] * shape[1]))
            usable &= _before_next_kink(np.sign(guard).reshape(-1, *shape))
        return weighted.reshape(shape), usable


class Slices:
    """Functions of one variable each, as which a graph is seen along coordinates or lines.

    A `bpx.check.numeric.ladder.Function`. `place` turns points (K, m) and what each column (m,) is into the
    inputs that they move, with two further axes (K, m).
    """

    def __init__(
        self, graph_function: GraphFunction, place: Callable[[Array, Any], dict[int, Array]]
    ) -> None:
        self.graph_function, self.place = graph_function, place

    def __call__(self, points: Array, chosen: Any) -> tuple[Array, Flags]:
        """The values at points (K, m), and where they may be used; `chosen` (m,) are the functions."""
        # In parts: each point of each column takes a value of every node.
        most = max(1, BATCH_ELEMENTS // max(1, self.graph_function.elements * points.shape[0]))
        parts = [slice(start, start + most) for start in range(0, len(chosen), most)]
        values, usable = zip(
            *(self.graph_function.values(self.place(points[:, part], chosen[part])) for part in parts),
            strict=True,
        )
        return np.concatenate(values, axis=1), np.concatenate(usable, axis=1)

    def rounding(self, which: int, point: float) -> float:
        """How far rounding may have moved the value of one of the functions at a point."""
        whole = self.graph_function
        moved = self.place(np.array([[point]]), np.array([which]))
        inputs = {**whole.input_values, **{node: value[..., 0, 0] for node, value in moved.items()}}
        nodes = whole.graph.needs(of=[whole.output])
        values = run(whole.graph, inputs, nodes)
        error = rounding_errors(whole.graph, nodes, values)[whole.output]
        return float(np.sum(np.abs(whole.seed) * (error + EPSILON * np.abs(values[whole.output]))))


def _before_next_kink(signs: Array) -> Flags:
    """Which points no further kink parts from x; signs of a guard (elements, steps, columns), farthest first.

    A kink beside x is passed once, next to x, and rounding may show it as two. A change farther out, behind
    `STEADY_STEPS` of one sign, is a further kink, and more changes are a guard's that comes back to 0, as
    that of floor does at every whole number.
    """
    parted = signs[:, 1:] != signs[:, :-1]
    comes_back = parted.sum(axis=1, keepdims=True) > 2
    # The sign nearest to x, and the row of the last point farther out that has another.
    nearest = signs.shape[1] - 1 - (signs[:, ::-1] != 0).argmax(axis=1)[:, np.newaxis]
    other = signs != np.take_along_axis(signs, nearest, axis=1)
    rows = np.arange(signs.shape[1])[np.newaxis, :, np.newaxis]
    last_other = np.where(other & (rows < nearest), rows, -1).max(axis=1, keepdims=True)
    passes_none = ~comes_back & (nearest - last_other < STEADY_STEPS)
    return np.asarray((passes_none | (rows > last_other)).all(axis=0))


def terms(graph: Graph, node: int) -> int:
    """As `operations` where an op eliminates; else elements, of products such as A·B √(mk · kn · mn)."""
    if graph.ops[node].slopes:
        return operations(graph, node)
    sizes = [math.prod(graph.shapes[other]) for other in (node, *graph.args[node])]
    if len(sizes) == 3 and not graph.ops[node].elementwise:
        return max(*sizes, math.isqrt(math.prod(sizes)))
    return max(sizes)


def operations(graph: Graph, node: int) -> int:
    """About how many operations on numbers the value of a node takes."""
    size = math.prod(graph.shapes[node])
    args = [math.prod(graph.shapes[arg]) for arg in graph.args[node]]
    if graph.ops[node].slopes:
        return args[0] * graph.shapes[graph.args[node][0]][-1]  # elimination
    if graph.ops[node].linear and len(args) > 1:
        # A product of (m, k) and (k, n) has √(mk · kn / mn) terms for each element.
        return size * max(1, math.isqrt(math.prod(args) // max(1, size)))
    return max(size, *args, 1)


def _guard_nodes(graph: Graph, nodes: Sequence[int]) -> list[int]:
    """The guards of all `nodes`, appended to the graph."""
    return [
        graph.lift(guard.of(*graph[node].args)).id
        for node in nodes
        for guard in graph.ops[node].guards(*graph[node].args)
    ]


def _count_nodes(graph: Graph, nodes: Sequence[int]) -> list[int]:
    """The counts of the guards of `nodes` that come back to 0 again and again, appended to the graph."""
    return [
        graph.lift(guard.counter(*graph[node].args)).id
        for node in nodes
        for guard in graph.ops[node].guards(*graph[node].args)
        if guard.counter
    ]
