"""All nodes of one elementwise op, taken together: one long array of elements instead of many small ones.

The Jacobian of such an op is diagonal, so that one perturbation serves every element of every node.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.check.local.rounding_error import ends_of
from bpx.graph.arrays import Array
from bpx.graph.facts import Guard
from bpx.graph.graph import Graph, Op
from bpx.graph.run import run

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Indices = NDArray[np.intp]

Values = Mapping[int, Array]


class ElementwiseBatch:
    """Nodes of one op under the same guards (those of a power depend on its exponent)."""

    def __init__(self, graph: Graph, nodes: Sequence[int], values: Values) -> None:
        self.graph, self.nodes = graph, nodes
        self.op: Op = graph.ops[nodes[0]]
        self.args = self.flat(values)
        self.out = np.concatenate([np.ravel(values[node]) for node in nodes])
        ends = np.cumsum([np.size(values[node]) for node in nodes]).tolist()
        self.slices = dict(zip(nodes, map(slice, [0, *ends], ends), strict=False))
        self.scratch = Graph()
        self.places = [self.scratch.input() for _ in self.op.args]
        self.result = self.scratch.input()
        self.guards = [
            (guard, self.scratch.lift(guard.of(*self.places))) for guard in _guards(graph, nodes[0])
        ]
        self.signs = [np.sign(found) for found in self.guard_values(self.args)]

    @property
    def has_kinks(self) -> bool:
        """Does the op have any?"""
        return any(guard.kind == "kink" for guard, _ in self.guards)

    def flat(self, values: Values) -> list[Array]:
        """Each arg's elements, as they meet in the op."""
        shapes, args = self.graph.shapes, self.graph.args
        return [
            np.concatenate(
                [np.broadcast_to(values[args[node][position]], shapes[node]).ravel() for node in self.nodes]
            )
            for position in range(len(self.op.args))
        ]

    def part(self, node: int, flat: Any) -> Any:
        """The elements of one node out of a flat array, in the node's shape."""
        return flat[self.slices[node]].reshape(self.graph.shapes[node])

    def value(self, position: int, points: Any, columns: Any) -> Any:
        """The op's forward at `columns` with `points` (…, columns) in the place of one arg."""
        args: list[Any] = [arg[columns] for arg in self.args]
        args[position] = points
        return self.op.value(*args)

    def guard_values(self, args: Sequence[Any]) -> list[Array]:
        """Each guard at the given args."""
        found = run(self.scratch, self._given(args), [expr.id for _, expr in self.guards])
        return [np.broadcast_to(found[expr.id], np.shape(args[0])) for _, expr in self.guards]

    def along(self, position: int, columns: Indices) -> Any:
        """The op as a function of one arg, for `differences`: values, and where they may be used.

        A point is usable while no guard has changed its sign on the way to it.
        """

        def function(points: Array, chosen: Indices) -> tuple[Array, Flags]:
            at = columns[chosen]
            value = np.broadcast_to(self.value(position, points, at), points.shape)
            return value, self._same_side(position, points, at)

        return function

    def _same_side(self, position: int, points: Array, at: Indices) -> Flags:
        usable = np.ones(points.shape, dtype=bool)
        if self.guards:
            args = [np.broadcast_to(arg[at], points.shape) for arg in self.args]
            args[position] = points
            for sign, found in zip(self.signs, self.guard_values(args), strict=True):
                usable &= np.sign(found) == sign[at]
        return usable

    def at_guard(self, kinds: Iterable[str], widths: Sequence[Array]) -> Flags:
        """Which elements stand where a guard of these kinds is 0, or so close that rounding decides.

        `widths` say for each arg how far rounding may have moved it.
        """
        flags = np.zeros(self.out.shape, dtype=bool)
        which = [i for i, (guard, _) in enumerate(self.guards) if guard.kind in kinds]
        for i in which:
            flags |= self.signs[i] == 0
        for ends in ends_of(self.args, widths) if which else ():
            found = self.guard_values(ends)
            for i in which:
                flags |= np.sign(found[i]) != self.signs[i]
        return flags

    def locals_at(self, position: int, args: Sequence[Any], out: Any, op: Op | None = None) -> Any:
        """The rule's local derivative (or that of another op's) for other args and out than those met."""
        rule = (op or self.op).local
        assert rule
        local = self.scratch.lift(rule(*self.places, self.result)[position])
        found = run(self.scratch, {**self._given(args), self.result.id: out}, [local.id])
        return np.broadcast_to(found[local.id], np.shape(out))

    def _given(self, args: Sequence[Any]) -> dict[int, Any]:
        return dict(zip((place.id for place in self.places), args, strict=True))


def groups(graph: Graph, nodes: Iterable[int], values: Values) -> list[ElementwiseBatch]:
    """The elementwise ones among `nodes`, by op."""
    found: dict[Any, list[int]] = {}
    for node in nodes:
        if graph.ops[node].elementwise:
            kinds = tuple(guard.kind for guard in _guards(graph, node))
            found.setdefault((graph.ops[node], kinds), []).append(node)
    return [ElementwiseBatch(graph, members, values) for members in found.values()]


def _guards(graph: Graph, node: int) -> Sequence[Guard]:
    return graph.ops[node].guards(*graph[node].args)
