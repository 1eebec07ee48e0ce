"""What a compiled graph is made with: a `Builder` gives every node a slot, and steps that compute it.

A slot is known where its value is fixed. Cheaper ways to some values are the rewritings that it is made with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import partial
from operator import methodcaller
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from bpx.graph.arrays import Array, Shape, broadcast
from bpx.graph.graph import Graph, Op
from bpx.graph.subgraph import expansion

MOST_FOR_DOT = 2**13  # elements of a product; from there on `np.matmul` takes no longer

Slot: TypeAlias = int
Axes: TypeAlias = tuple[int, ...]
Function: TypeAlias = Callable[..., Any]


class Instruction(NamedTuple):
    """One call: the value at `out` is `function` of the values at `args`."""

    function: Function
    args: tuple[Slot, ...]
    out: Slot


class Builder:
    """Makes steps of nodes, in the graph's order, by the first of the rewritings of an op that applies."""

    def __init__(self, graph: Graph, rewritings: Mapping[Op, Sequence[Rewriting]]) -> None:
        self.graph = graph
        self._rewritings = rewritings
        self.slots: dict[int, Slot] = {}  # node → its value, which may be thinner than the node
        self.shapes: list[Shape] = []
        self.known: list[Array | None] = []
        self.instructions: list[Instruction] = []
        self.by_key: dict[Any, Slot] = {}  # key of a node → its slot
        self._filled: dict[tuple[Slot, Shape], Slot] = {}  # thin, and the shape to fill → whole
        self.transposed: dict[Slot, Slot] = {}  # a matrix → the one that it is the transpose of
        self.truths: dict[Slot, Slot] = {}  # a comparison → its truth values
        self.views: dict[Slot, Slot] = {}  # copy of windows → the windows as they overlap
        self._matrices: dict[Any, Slot] = {}  # an array, and its axes along rows and columns → the matrix

    def place(self, node: int) -> None:
        """Give a node its slot, the one of an equal node where there is one."""
        key = self.key(node)
        if key not in self.by_key:
            constant = self.graph.constants.get(node)
            # The special ways come first; `by_value` always applies.
            rewritings = (*self._rewritings.get(self.graph.ops[node], ()), Builder.inside, Builder.by_value)
            self.by_key[key] = self.first(rewritings, node) if constant is None else self.hold(constant)
        self.slots[node] = self.by_key[key]

    def inside(self, node: int) -> Slot | None:
        """A composite op as the simpler ones that compute it, unless it has a value of its own.

        The copy of the builder shares its lists of steps and slots, so that parts of several composite
        ops, and of their rules, are computed once.
        """
        op, args, settings, _ = self.facts(node)
        if not (op.by_parts or op.computes):
            return None
        inside = expansion(op, [self.graph.shapes[arg] for arg in args], settings, as_computed=True)
        inner = copy(self)  # the same steps, of another graph
        inner.graph = inside.graph
        inner.slots = {place: self.slots[arg] for place, arg in zip(inside.args, args, strict=True)}
        for part in inside.graph.needs(of=[inside.root]):
            if part not in inner.slots:
                inner.place(part)
        return inner.slots[inside.root]

    def by_value(self, node: int) -> Slot:
        """By the op's own value."""
        op, args, settings, _ = self.facts(node)
        if op.elementwise:
            # They broadcast by themselves, so their args may stay thin.
            return self.elementwise(op.value, [self.slots[arg] for arg in args])
        return self.of_whole_args(partial(op.value, batch=0, **settings), node)

    def key(self, node: int) -> tuple[Any, ...]:
        """What makes a node the same as another, maybe of another graph."""
        op, args, settings, shape = self.facts(node)
        if node in self.graph.constants:
            # By bytes, not values: 0.0 equals -0.0, but 1 / x tells them apart.
            return op, shape, self.graph.constants[node].tobytes()
        # Slots of args may be thinner than the args, so that the shapes have to be part of the key.
        return op, tuple((self.slots[arg], self.graph.shapes[arg]) for arg in args), tuple(settings.items())

    def facts(self, node: int) -> tuple[Op, tuple[int, ...], dict[str, Any], Shape]:
        """Its op, args, settings and shape."""
        graph = self.graph
        return graph.ops[node], graph.args[node], graph.settings[node], graph.shapes[node]

    def number(self, node: int) -> float | None:
        """The value of a node that is known and a single number."""
        value = self.known[self.slots[node]]
        return None if value is None or value.shape else float(value)

    def first(self, rewritings: Sequence[Rewriting], node: int) -> Slot:
        """The node by the first of the rewritings that applies."""
        return next(slot for rewrite in rewritings if (slot := rewrite(self, node)) is not None)

    def whole(self, node: int) -> Slot:
        """The node's value in full, as all but elementwise ops need it."""
        slot, shape = self.slots[node], self.graph.shapes[node]
        if self.shapes[slot] == shape:
            return slot
        # Remembered, as several ops may need the same value in full.
        if (slot, shape) not in self._filled:
            self._filled[slot, shape] = self.emit(partial(np.full, shape), [slot], shape)
        return self._filled[slot, shape]

    def of_whole_args(self, function: Function, node: int) -> Slot:
        """The node as a function of its args in full."""
        _, args, _, shape = self.facts(node)
        return self.emit(function, [self.whole(arg) for arg in args], shape)

    def elementwise(self, function: Function, args: Sequence[Slot]) -> Slot:
        """An elementwise function, as thin as its args are."""
        return self.emit(function, args, broadcast("args", [self.shapes[arg] for arg in args]))

    def reshaped(self, slot: Slot, shape: Shape) -> Slot:
        """The value at `slot` in another shape."""
        same = shape == self.shapes[slot]
        return slot if same else self.emit(methodcaller("reshape", shape), [slot], shape)

    def turned(self, slot: Slot) -> Slot:
        """The transpose of a matrix, or the one that it is the transpose of; of a vector, itself."""
        shape = self.shapes[slot]
        if len(shape) < 2 or slot in self.transposed:
            return self.transposed.get(slot, slot)
        turned = self.emit(methodcaller("transpose", (1, 0)), [slot], shape[::-1])
        self.transposed[turned] = slot
        return turned

    def moved(self, slot: Slot, axes: Axes) -> Slot:
        """The value at `slot` with its axes in that order."""
        if axes == (1, 0):
            return self.turned(slot)
        shape = tuple(self.shapes[slot][axis] for axis in axes)
        is_same = axes == tuple(range(len(axes)))
        return slot if is_same else self.emit(methodcaller("transpose", axes), [slot], shape)

    def matrix(self, slot: Slot, stack: Axes, rows: Axes, columns: Axes) -> Slot:
        """An array as a matrix, or a stack of them; made once, also where it is asked for transposed."""
        known = self._matrices.get((slot, stack, rows, columns))
        if known is not None:
            return known
        turned = self._matrices.get((slot, stack, columns, rows))
        if turned is not None and not stack:
            return self.turned(turned)
        lengths = self.shapes[slot]
        sizes = (math.prod(lengths[axis] for axis in rows), math.prod(lengths[axis] for axis in columns))
        shape = (*(lengths[axis] for axis in stack), *sizes)
        function: Function = partial(_as_matrix, axes=(*stack, *rows, *columns), shape=shape)
        if turned is not None:
            function, slot = methodcaller("swapaxes", -1, -2), turned
        matrix = self.emit(function, [slot], shape)
        self._matrices[slot, stack, rows, columns] = matrix
        return matrix

    def product(self, left: Slot, right: Slot, shape: Shape) -> Slot:
        """The product of two matrices or vectors, or of stacks: `np.dot` gets under way sooner.

        It clears the result before it fills it, which takes more than that where there are many elements.
        """
        few = math.prod(shape) <= MOST_FOR_DOT and max(map(len, (self.shapes[left], self.shapes[right]))) <= 2
        return self.emit(np.dot if few else np.matmul, [left, right], shape)

    def emit(self, function: Function, args: Sequence[Slot], shape: Shape) -> Slot:
        """A new step's slot; nothing but a value where those of all args are known."""
        values = [self.known[arg] for arg in args]
        if not any(value is None for value in values):
            return self.hold(function(*values))
        slot = self.new(shape)
        self.instructions.append(Instruction(function, tuple(args), slot))
        return slot

    def hold(self, value: Any) -> Slot:
        """A slot whose value is known."""
        array = np.asarray(value, dtype=np.float64).view()  # a view: the caller's own may stay writable
        array.setflags(write=False)
        return self.new(array.shape, array)

    def new(self, shape: Shape, value: Array | None = None) -> Slot:
        """A slot for a value of this shape."""
        self.shapes.append(shape)
        self.known.append(value)
        return len(self.shapes) - 1


Rewriting: TypeAlias = Callable[[Builder, int], Slot | None]  # None where it does not apply


def _as_matrix(x: Array, axes: Axes, shape: Shape) -> Array:
    return x.transpose(axes).reshape(shape)
