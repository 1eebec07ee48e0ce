"""A graph compiled to run many times, forward and reverse pass in one list of steps, as training needs it.

What depends on nothing but constants and fixed inputs is computed once, when compiling. The rest becomes
a flat list of steps: a function, the slots of its args, the slot of its value. Some things differ from
`bpx.graph.run.run`, to the same values up to rounding:

- What is computed twice is computed once, the insides of composite ops included.
- A value is kept as thin as broadcasting allows: a number that is spread over an array stays a number
  while only elementwise ops look at it.
- `REWRITINGS` knows cheaper ways to some values; `tests/benchmarks/networks.py` measures what each saves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from functools import partial
from operator import itemgetter, methodcaller
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from bpx.graph.arrays import Array, Shape, broadcast
from bpx.graph.graph import INPUT, Graph, Op
from bpx.graph.subgraph import expansion
from bpx.ops.elementwise.arithmetic import mul, power, square
from bpx.ops.tensors import matmul, mean, reshape, spread, sum_, transpose
from bpx.ops.vectors import log_softmax, softmax

Slot: TypeAlias = int
Function: TypeAlias = Callable[..., Any]


class Instruction(NamedTuple):
    """One call: the value at `out` is `function` of the values at `args`."""

    function: Function
    args: tuple[Slot, ...]
    out: Slot


class Compiled:
    """Nodes of a graph as a function of its free inputs, as `compiled` makes it."""

    def __init__(
        self,
        known: Sequence[Array | None],
        inputs: Sequence[tuple[int, Slot]],
        instructions: Sequence[Instruction],
        targets: Sequence[Slot],
    ) -> None:
        self.known, self.inputs, self.instructions, self.targets = known, inputs, instructions, targets
        # Looked up once: for arrays as small as those of lessons, calls cost more than what they compute.
        self._calls = [(step.function, _getter(step.args), step.out) for step in instructions]

    def __call__(self, values_by_node: Mapping[int, Array]) -> list[Array]:
        """The values of the targets, in their order; `values_by_node` holds the values of the free inputs.

        These must have the inputs' shapes, which is not looked at; where one is missing, a `KeyError`
        names the node. NumPy's warnings are silenced, as in `run`.

        No later call changes the arrays returned. They may share memory with each other and with what
        was given, where one only moves the elements of another or is the same; a target that depends
        on nothing free is one read-only array for all calls.
        """
        values: list[Any] = list(self.known)
        for node, slot in self.inputs:
            values[slot] = np.asarray(values_by_node[node], dtype=np.float64)
        with np.errstate(all="ignore"):
            for function, args, out in self._calls:
                values[out] = function(*args(values))
        return [values[slot] for slot in self.targets]


def _getter(slots: tuple[Slot, ...]) -> Callable[[list[Any]], Sequence[Any]]:
    """A function that gets the values at `slots` from a list; a slice, since one index gives no sequence."""
    return itemgetter(*slots) if len(slots) > 1 else itemgetter(slice(slots[0], slots[0] + 1))


def compiled(
    graph: Graph, targets: Sequence[int], free: Collection[int], fixed: Mapping[int, Array]
) -> Compiled:
    """The nodes `targets` as a function of the inputs `free`, whose values are passed to every call.

    `fixed` holds the values of all other inputs that are needed, of the inputs' shapes; they must not be
    changed from now on. Raises `KeyError` where one is missing. All values are float64.
    """
    builder, needed, free = _Builder(graph), graph.needs(of=targets), set(free)
    with np.errstate(all="ignore"):
        for node in needed:
            if graph.ops[node] is not INPUT:
                builder.place(node)
            elif node in free:
                builder.slots[node] = builder.new(graph.shapes[node])
            else:
                builder.slots[node] = builder.hold(fixed[node])
        results = [builder.whole(node) for node in targets]
    instructions = _needed(builder.instructions, results)
    used = {*results, *(arg for step in instructions for arg in step.args)}
    # Constants that only went into others are let go: they may be large.
    known = [value if slot in used else None for slot, value in enumerate(builder.known)]
    inputs = [(node, builder.slots[node]) for node in needed if node in free]
    return Compiled(known, inputs, instructions, results)


def _needed(instructions: Sequence[Instruction], results: Sequence[Slot]) -> list[Instruction]:
    """The steps that `results` depend on; rewriting leaves others behind."""
    needed, kept = set(results), []
    # Backwards, a step comes after all steps that read its value: one walk is enough.
    for step in reversed(instructions):
        if step.out in needed:
            needed.update(step.args)
            kept.append(step)
    return kept[::-1]


class _Builder:
    """Makes steps of nodes, in the graph's order. A slot is known where its value is fixed."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.slots: dict[int, Slot] = {}  # node → its value, which may be thinner than the node
        self.shapes: list[Shape] = []
        self.known: list[Array | None] = []
        self.instructions: list[Instruction] = []
        self.by_key: dict[Any, Slot] = {}  # key of a node → its slot
        self._filled: dict[tuple[Slot, Shape], Slot] = {}  # thin, and the shape to fill → whole

    def place(self, node: int) -> None:
        """Give a node its slot, the one of an equal node where there is one."""
        key = self.key(node)
        if key not in self.by_key:
            constant = self.graph.constants.get(node)
            # The special ways come first; `_by_value` always applies.
            rewritings = (*REWRITINGS.get(self.graph.ops[node], ()), _inside, _by_value)
            self.by_key[key] = self.first(rewritings, node) if constant is None else self.hold(constant)
        self.slots[node] = self.by_key[key]

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


# --- rewritings ---------------------------------------------------------------------------------

Rewriting: TypeAlias = Callable[[_Builder, int], Slot | None]  # None where it does not apply


def _inside(builder: _Builder, node: int) -> Slot | None:
    """A composite op as the simpler ones it is made of, unless it has a value of its own.

    The copy of the builder shares its lists of steps and slots, so that parts of several composite ops, and
    of their rules, are computed once.
    """
    op, args, settings, _ = builder.facts(node)
    if not op.by_parts:
        return None
    inside = expansion(op, [builder.graph.shapes[arg] for arg in args], settings)
    inner = copy(builder)  # the same steps, of another graph
    inner.graph = inside.graph
    inner.slots = {place: builder.slots[arg] for place, arg in zip(inside.args, args, strict=True)}
    for part in inside.graph.needs(of=[inside.root]):
        if part not in inner.slots:
            inner.place(part)
    return inner.slots[inside.root]


def _by_value(builder: _Builder, node: int) -> Slot:
    """By the op's own value."""
    op, args, settings, _ = builder.facts(node)
    if op.elementwise:
        # They broadcast by themselves, so their args may stay thin.
        return builder.elementwise(op.value, [builder.slots[arg] for arg in args])
    return builder.of_whole_args(partial(op.value, batch=0, **settings), node)


_POWERS: dict[float, Function] = {
    -2.0: lambda x: np.reciprocal(np.square(x)),
    3.0: lambda x: x * x * x,
    4.0: lambda x: np.square(np.square(x)),
}


def _products(builder: _Builder, node: int) -> Slot | None:
    """x^3 as x * x * x: `np.power` is slow where x is negative, but for ^2 and ^-1, which it knows."""
    base, exponent = builder.graph.args[node]
    number = builder.number(exponent)
    function = None if number is None else _POWERS.get(number)
    return function and builder.elementwise(function, [builder.slots[base]])


def _dot(builder: _Builder, node: int) -> Slot | None:
    """`np.dot`, which gets under way sooner than `np.matmul`, but means another thing for stacks."""
    _, args, _, _ = builder.facts(node)
    stacks = any(len(builder.graph.shapes[arg]) > 2 for arg in args)
    return None if stacks else builder.of_whole_args(np.dot, node)


def _transposed(builder: _Builder, node: int) -> Slot:
    """The array's method instead of NumPy's function, which calls it."""
    return builder.of_whole_args(methodcaller("transpose", builder.graph.settings[node]["axes"]), node)


def _reshaped(builder: _Builder, node: int) -> Slot:
    """As for transpose."""
    (arg,) = builder.graph.args[node]
    return builder.reshaped(builder.whole(arg), builder.graph.shapes[node])


def _thin(builder: _Builder, node: int) -> Slot:
    """Axes of length 1 where new ones go in; none where they stand in front, as NumPy puts them there."""
    (arg,), axis = builder.graph.args[node], builder.graph.settings[node]["axis"]
    slot, ndim = builder.slots[arg], len(builder.graph.shapes[arg])
    thin = builder.shapes[slot]
    # Broadcasting aligns shapes on the right: the axes that a thin value lacks are its first.
    lengths = iter((*[1] * (ndim - len(thin)), *thin))
    shape = tuple(1 if i in axis else next(lengths) for i in range(ndim + len(axis)))
    return slot if _trimmed(shape) == _trimmed(thin) else builder.reshaped(slot, shape)


def _trimmed(shape: Shape) -> Shape:
    """Without axes of length 1 in front."""
    return shape if not shape or shape[0] != 1 else _trimmed(shape[1:])


def _sum_of_products(builder: _Builder, node: int) -> Slot | None:
    """The sum of all x * y is the inner product of both, and likewise the sum of all squares."""
    (arg,), settings = builder.graph.args[node], builder.graph.settings[node]
    factors, shape = _factors(builder, arg), builder.graph.shapes[arg]
    # An element of a thin factor counts once for each place it is spread to, which `vdot` cannot know.
    fits = len(settings["axis"]) == len(shape) and all(builder.shapes[slot] == shape for slot in factors)
    return (
        builder.reshaped(builder.emit(np.vdot, factors, ()), builder.graph.shapes[node])
        if factors and fits
        else None
    )


def _factors(builder: _Builder, node: int) -> list[Slot]:
    """The slots of the two factors that a node is the product of; empty where it is none."""
    op, args, _, _ = builder.facts(node)
    if op is square or (op is power and builder.number(args[1]) == 2):
        return [builder.slots[args[0]]] * 2
    return [builder.slots[arg] for arg in args] if op is mul else []


def _product_with_ones(builder: _Builder, node: int) -> Slot | None:
    """The sum of a matrix along one axis is its product with a vector of ones."""
    (arg,), settings = builder.graph.args[node], builder.graph.settings[node]
    shape, axis = builder.graph.shapes[arg], settings["axis"]
    if len(shape) != 2 or len(axis) != 1:
        return None
    x, ones = builder.whole(arg), builder.hold(np.ones(shape[axis[0]]))
    total = builder.emit(np.dot, [ones, x] if axis == (0,) else [x, ones], (shape[1 - axis[0]],))
    return builder.reshaped(total, builder.graph.shapes[node])


def _reduced(builder: _Builder, node: int) -> Slot:
    """The method that `np.sum` calls in the end."""
    return builder.of_whole_args(partial(np.add.reduce, **builder.graph.settings[node]), node)


# From special to general: the last one always applies.
_SUMS: tuple[Rewriting, ...] = (_sum_of_products, _product_with_ones, _reduced)


def _sum_over_count(builder: _Builder, node: int) -> Slot:
    """The mean; a sum has the same settings."""
    (arg,), settings = builder.graph.args[node], builder.graph.settings[node]
    count = math.prod(builder.graph.shapes[arg][axis] for axis in settings["axis"])
    # Multiplying by 1 / count instead would round twice.
    return builder.elementwise(np.true_divide, [builder.first(_SUMS, node), builder.hold(count)])


def _exp_of_logarithm(builder: _Builder, node: int) -> Slot | None:
    """The gradient of log_softmax asks for softmax too, and has its logarithm at hand."""
    # Same args and settings, but for the op: then its key is that of the softmax with the op exchanged.
    logarithm = builder.by_key.get((log_softmax, *builder.key(node)[1:]))
    return None if logarithm is None else builder.elementwise(np.exp, [logarithm])


REWRITINGS: dict[Op, tuple[Rewriting, ...]] = {
    power: (_products,),
    matmul: (_dot,),
    transpose: (_transposed,),
    reshape: (_reshaped,),
    spread: (_thin,),
    sum_: _SUMS,
    mean: (_sum_over_count,),
    softmax: (_exp_of_logarithm,),
}
