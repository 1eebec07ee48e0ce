"""All nodes of one elementwise op, taken together: one long array of elements instead of many small ones.

The Jacobian of such an op is diagonal, so that one perturbation serves every element of every node: the
simplest case of compressed finite differences (Curtis, Powell and Reid, On the estimation of sparse Jacobian
matrices, J. Inst. Maths Applics 13, 1974).

Convention: flat arrays have the length of all elements of all nodes, in order of the nodes; `columns` are
indices into them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from functools import lru_cache
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from bpx.check.local.rounding_error import ends_of, stacked_ends, unbounded_at_nan
from bpx.check.numeric.tolerances import AFFINE_STEPS, COUNT_ROUNDINGS, EPSILON, MOST_ENCLOSED_ELEMENTS
from bpx.graph.arrays import Array, Flags, Indices, of_shape
from bpx.graph.facts import KINKS, Guard, no_guards
from bpx.graph.graph import OPS, Graph, Op
from bpx.graph.run import run
from bpx.passes.reverse import Edge

Values = Mapping[int, Array]


class OnPlaceholders(NamedTuple):
    """Numbers that an op makes of scalar placeholders, in a graph of their own.

    Of an elementwise op rule and guards hold for elements of any shape.
    """

    scratch: Graph
    placeholders: tuple[int, ...]
    results: tuple[int, ...]

    def __call__(self, *numbers: Any) -> list[Any]:
        """The results for numbers, or arrays of them, in place of the placeholders."""
        values = run(self.scratch, dict(zip(self.placeholders, numbers, strict=True)), self.results)
        return [values[result] for result in self.results]


# Built once for all nodes and all points: to build one takes longer than to run it on few numbers.
@lru_cache(maxsize=256)
def _local_of(op: Op, position: int) -> OnPlaceholders:
    """The local derivative that the rule states, by the args and the value."""
    assert op.local
    scratch = Graph()
    placeholders = [scratch.input() for _ in (*op.args, "out")]
    local = scratch.lift(op.local(*placeholders)[position])
    return OnPlaceholders(scratch, tuple(expr.id for expr in placeholders), (local.id,))


@lru_cache(maxsize=128)
def _is_flat(op: Op) -> bool:
    """Is the value of an op constant between its guards, as the rule says: that of a comparison?"""
    graph = Graph()
    args = [graph.input() for _ in op.args]
    factors = op.local(*args, graph.input()) if op.local else ()
    return bool(factors) and all(graph.lift(factor).number == 0 for factor in factors)


@lru_cache(maxsize=256)
def _depends(op: Op, position: int, by: tuple[int, ...], between_guards: bool = False) -> bool:
    """Does the local derivative depend on some of these args, or on the value, which is the one behind them?

    `between_guards`, what is constant there does not count, as x > 0 is.
    """
    scratch, placeholders, [local] = _local_of(op, position)
    flat = [node for node, each in enumerate(scratch.ops) if _is_flat(each)] if between_guards else ()
    return not {placeholders[i] for i in by}.isdisjoint(scratch.needs(of=[local], known=flat))


@lru_cache(maxsize=256)
def _on_args(guards: tuple[Guard, ...], count: int) -> OnPlaceholders:
    """The guards of an op of so many args."""
    scratch = Graph()
    placeholders = [scratch.input() for _ in range(count)]
    results = [scratch.lift(guard.of(*placeholders)).id for guard in guards]
    return OnPlaceholders(scratch, tuple(expr.id for expr in placeholders), tuple(results))


class ElementwiseBatch:
    """Nodes of one op under the same guards (those of a power depend on its exponent)."""

    def __init__(self, graph: Graph, nodes: Sequence[int], values: Values) -> None:
        self.graph, self.nodes, self.guards = graph, nodes, tuple(_guards(graph, nodes[0]))
        self.op: Op = graph.ops[nodes[0]]
        self.args = self.flat(values)
        self.out = np.concatenate([values[node].ravel() for node in nodes])
        ends = [*accumulate(math.prod(graph.shapes[node]) for node in nodes)]
        # There is one start more than ends, which `zip` drops.
        self.slices = dict(zip(nodes, map(slice, [0, *ends], ends), strict=False))
        # On which side of each guard every element lies: other sides are beyond a kink or an edge.
        self.signs = [np.sign(value) for value in self.guard_values(self.args)]
        self.counts = self.count_values(self.args)

    @property
    def is_in_table(self) -> bool:
        """Is the op one of bpx's own, rather than one that a spec states?"""
        return OPS.get(self.op.name) is self.op

    def has_guard(self, kinds: Iterable[str]) -> bool:
        """Does the op have guards of these kinds?"""
        return any(guard.kind in kinds for guard in self.guards)

    def flat(self, values: Values) -> list[Array]:
        """For each arg of the op, its elements as they meet in the op, flat."""
        shapes, args = self.graph.shapes, self.graph.args
        return [
            np.concatenate(
                [of_shape(values[args[node][position]], shapes[node]).ravel() for node in self.nodes]
            )
            for position in range(len(self.op.args))
        ]

    def only(self, columns: Indices) -> ElementwiseBatch:
        """Some elements, for the op and its rule at each by itself; small enough to be sent to a worker."""
        other = copy(self)
        other.graph, other.nodes, other.slices = Graph(), (), {}
        other.guards, other.signs, other.counts = (), [], []
        other.args, other.out = [arg[columns] for arg in self.args], self.out[columns]
        return other

    def flags(self, nodes: Iterable[int]) -> Flags:
        """Which elements are those of these nodes, flat."""
        flags = np.zeros(self.out.shape, dtype=bool)
        for node in nodes:
            flags[self.slices[node]] = True
        return flags

    def part(self, node: int, flat: Any) -> Any:
        """The elements of one node out of a flat array, in the node's shape."""
        return flat[self.slices[node]].reshape(self.graph.shapes[node])

    def value(self, position: int, points: Any, columns: Any) -> Any:
        """The op's forward at `columns` with `points` (…, columns) in the place of one arg."""
        args: list[Any] = [arg[columns] for arg in self.args]
        args[position] = points
        return self.op.value(*args)

    def secants(self, position: int, columns: Indices, slope: Array) -> tuple[Array, Array]:
        """The slopes (secants, columns) of secants to both sides and to each, and their rounding.

        They are as long as the value takes to change by all of itself, if its slope is about `slope`; of an
        op with guards as x, so as not to pass 0, where most kinks are. Beyond a guard there is no bound.
        """
        x, here = self.args[position][columns], self.out[columns]
        if self.guards:
            reach = np.abs(x)
        else:
            steepness = np.abs(here / np.where(slope == 0, np.inf, slope))
            reach = np.fmax(np.maximum(np.abs(x), 1.0), steepness)
        steps = np.multiply.outer(AFFINE_STEPS, reach)
        points = np.concatenate([x + steps, x - steps])
        values, usable = self.along(position, columns)(points, slice(None))
        ups = len(AFFINE_STEPS)
        high, low, above, below = points[:ups], points[ups:], values[:ups], values[ups:]
        rises = np.concatenate([above - below, above - here, here - below])
        sizes, size_here = np.abs(values), np.abs(here)
        sizes = np.concatenate([sizes[:ups] + sizes[ups:], sizes + size_here])
        runs = np.concatenate([high - low, high - x, x - low])
        slopes = rises / runs
        errors = EPSILON * (sizes / runs + np.abs(slopes))
        if self.has_guard(KINKS):
            # On the flat side of one the slope is 0: a bar would widen the sums it enters.
            errors = np.where((slopes == 0).all(axis=0), 0.0, errors)
        return slopes, np.where(usable.all(axis=0), errors, np.inf) if self.guards else errors

    def guard_values(self, args: Sequence[Any]) -> list[Array]:
        """Each guard at the given args, of their shape."""
        if not self.guards:
            return []
        return [of_shape(value, np.shape(args[0])) for value in _on_args(self.guards, len(args))(*args)]

    def count_values(self, args: Sequence[Any]) -> list[Array]:
        """The count of each guard that comes back to 0 again and again, as `guard_values`."""
        counting = tuple(Guard(guard.kind, guard.counter) for guard in self.guards if guard.counter)
        if not counting:
            return []
        return [of_shape(value, np.shape(args[0])) for value in _on_args(counting, len(args))(*args)]

    def crosses_none(self, args: Sequence[Any], at: Indices, at_kink: bool) -> Flags:
        """Whether no kink lies on the way to `args` of the elements `at`, by the counts of those that repeat.

        `at_kink`, the one that they are at does not count.
        """
        crosses_none = np.ones(np.shape(args[0]), dtype=bool)
        for here, count in zip(self.counts, self.count_values(args), strict=True):
            crosses_none &= np.abs(count - here[at]) < way_to_whole(here[at], at_kink)
        return crosses_none

    def along(self, position: int, columns: Indices) -> Any:
        """The op as a function of one arg, for `differences`: values, and where they may be used.

        A point is usable while no guard has changed its sign on the way to it. So a step over a kink, a pole
        or the edge of the domain is dropped for certain, where values alone would have to show it.
        """

        def function(points: Array, chosen: Indices) -> tuple[Array, Flags]:
            at = columns[chosen]
            value = of_shape(self.value(position, points, at), points.shape)
            return value, self._same_side(position, points, at)

        return function

    def _same_side(self, position: int, points: Array, at: Indices) -> Flags:
        usable = np.ones(points.shape, dtype=bool)
        if self.guards:
            args = [of_shape(arg[at], points.shape) for arg in self.args]
            args[position] = points
            for sign, value in zip(self.signs, self.guard_values(args), strict=True):
                usable &= np.sign(value) == sign[at]
            usable &= self.crosses_none(args, at, at_kink=False)
        return usable

    def at_guard(self, kinds: Iterable[str], errors: Values | None = None) -> Flags:
        """Which elements are where a guard of these kinds is 0, or so close that rounding decides.

        `errors` say how far rounding may have moved the value of each node; without them all are exact.
        """
        flags = np.zeros(self.out.shape, dtype=bool)
        which = [i for i, guard in enumerate(self.guards) if guard.kind in kinds]
        for i in which:
            flags |= self.signs[i] == 0
        # x - y with x and y rounded may have either sign: then the kink may just as well be here.
        for ends in ends_of(self.args, self.flat(errors)) if which and errors else ():
            values = self.guard_values(ends)
            for i in which:
                flags |= np.sign(values[i]) != self.signs[i]
            if "kink" in kinds and self.counts:  # which have moved on by whole numbers, to the same sign
                moved = np.any([end != arg for end, arg in zip(ends, self.args, strict=True)], axis=0)
                for here, count in zip(self.counts, self.count_values(ends), strict=True):
                    flags |= moved & ~(np.abs(count - here) < 0.5)
        return flags

    def locals_at(self, position: int, args: Sequence[Any], out: Any) -> Any:
        """The rule's local derivative for other args and out than those met."""
        [local] = _local_of(self.op, position)(*args, out)
        return of_shape(local, np.shape(out))

    def claimed_locals(self, by_node: Mapping[int, Edge], values: Mapping[int, Array]) -> Array:
        """The local derivatives that the rule states, flat; nan where no edge asks for them."""
        claimed = np.full(self.out.shape, np.nan)
        for node, edge in by_node.items():
            assert edge.local is not None
            self.part(node, claimed)[...] = values[edge.local]
        return claimed

    def is_constant(self, position: int) -> bool:
        """Is the rule's local derivative one number, whatever the args, as that of a sum?"""
        return not _depends(self.op, position, tuple(range(len(self.op.args) + 1)))

    def moved_locals(self, position: int, errors: Sequence[Array]) -> Array:
        """How far the rule moves, flat, when the args move as far as rounding may have moved them.

        The reference is the slope at the args as they were rounded, the truth that at the exact ones.
        """
        largest = np.zeros(self.out.shape)
        if self.is_constant(position):
            return largest
        if self.out.size > MOST_ENCLOSED_ELEMENTS:
            here = self._locals_for(position, self.args)
            for end in ends_of(self.args, errors):
                largest = np.maximum(largest, np.abs(self._locals_for(position, end) - here))
        elif ends := stacked_ends(self.args, errors, 1):  # all in one run, which takes as long as any one
            args = [np.vstack(arg) for arg in zip(self.args, ends, strict=True)]
            slopes = self._locals_for(position, args)
            largest = np.abs(slopes[1:] - slopes[0]).max(axis=0)
        return unbounded_at_nan(largest)

    def _locals_for(self, position: int, args: Sequence[Any]) -> Any:
        """The rule's local derivative for these args, with the value that the op has there."""
        return self.locals_at(position, args, np.asarray(self.op.value(*args)))

    def is_affine(self, position: int) -> bool:
        """Whether the rule says so: between guards, the slope depends on neither this arg nor out."""
        return not _depends(self.op, position, (position, len(self.op.args)), bool(self.guards))


def way_to_whole(count: Array, at_kink: bool) -> Array:
    """How far a count is from the next whole number, but for rounding: negative where float64 cannot tell.

    From half of the way to the next one, where it is whole itself or is to be `at_kink`.
    """
    way = 0.5 if at_kink else np.abs(count - np.round(count))
    return np.asarray(way - COUNT_ROUNDINGS * EPSILON * np.abs(count))


def elementwise_batches(graph: Graph, nodes: Iterable[int], values: Values) -> list[ElementwiseBatch]:
    """The elementwise ones among `nodes`, by op."""
    members: dict[Any, list[int]] = {}
    for node in nodes:
        if graph.ops[node].elementwise:
            # x^3 is smooth at 0 and x^-1 is not: nodes of one op under other guards make their own batch.
            kinds = tuple(guard.kind for guard in _guards(graph, node))
            members.setdefault((graph.ops[node], kinds), []).append(node)
    return [ElementwiseBatch(graph, batch, values) for batch in members.values()]


def _guards(graph: Graph, node: int) -> Sequence[Guard]:
    op = graph.ops[node]
    return () if op.guards is no_guards else op.guards(*graph[node].args)
