"""A graph made ready to run many times: what training needs, forward and reverse pass in one list of steps.

Compiling is partial evaluation: what rests on nothing but constants and fixed inputs is computed once.
What is left becomes a flat list of steps, each a function, the slots of its args and the slot of its
value, in which two things are done otherwise than in `bpx.graph.run`, to the same values up to rounding:

- A value is kept as thin as broadcasting allows: a number that is spread over an array stays a number
  for as long as only elementwise ops look at it.
- `REWRITINGS` has cheaper ways to compute a node than its op's own `value`, each for a reason measured
  in `tests/benchmarks/networks.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from operator import itemgetter, methodcaller
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from bpx import ops
from bpx.graph import INPUT, Array, Graph, Op, Shape

Slot: TypeAlias = int


class Step(NamedTuple):
    """One call: the value at `out` is `function` of the values at `args`."""

    function: Callable[..., Any]
    args: tuple[Slot, ...]
    out: Slot


class Compiled:
    """Nodes of a graph as a function of the values of its free inputs; `compiled` makes one."""

    def __init__(
        self,
        known: Sequence[Array | None],
        inputs: Sequence[tuple[int, Slot]],
        steps: Sequence[Step],
        targets: Sequence[Slot],
    ) -> None:
        self.known, self.inputs, self.steps, self.targets = known, inputs, steps, targets
        self._calls = [(step.function, _getter(step.args), step.out) for step in steps]

    def __call__(self, given: Mapping[int, Array]) -> list[Array]:
        """The values of the targets, in their order; `given` holds a value of every free input.

        The values given have the shapes of their inputs; a `KeyError` names a node that is missing. The
        arrays returned are the caller's own: no later call changes them. But a target that is an input
        or only moves its elements, as a transpose does, shares memory with what was given, and one that
        rests on nothing that is free is the same read-only array each time. NumPy's warnings are silenced,
        as in `run`.
        """
        values: list[Any] = list(self.known)
        for node, slot in self.inputs:
            values[slot] = np.asarray(given[node], dtype=np.float64)
        with np.errstate(all="ignore"):
            for function, args, out in self._calls:
                values[out] = function(*args(values))
        return [values[slot] for slot in self.targets]


def _getter(slots: tuple[Slot, ...]) -> Callable[[list[Any]], Sequence[Any]]:
    """What takes the values at `slots` out of a list, always as a sequence."""
    return itemgetter(*slots) if len(slots) > 1 else itemgetter(slice(slots[0], slots[0] + 1))


def compiled(
    graph: Graph, targets: Sequence[int], free: Collection[int], fixed: Mapping[int, Array]
) -> Compiled:
    """The nodes `targets` as a function of the inputs `free`, whose values come with each call.

    `fixed` holds the values of all other inputs, of the inputs' shapes; they must not change afterwards.
    Raises `KeyError` where one is missing. Values are float64.
    """
    builder = _Builder(graph)
    needed = graph.needs(of=targets)
    with np.errstate(all="ignore"):
        for node in needed:
            builder.place(node, free, fixed)
        results = [builder.full(node) for node in targets]
    steps = _needed(builder.steps, results)
    used = {*results, *(arg for step in steps for arg in step.args)}
    known = [value if slot in used else None for slot, value in enumerate(builder.known)]
    inputs = [(node, builder.slots[node]) for node in needed if node in free]
    return Compiled(known, inputs, steps, results)


def _needed(steps: Sequence[Step], results: Sequence[Slot]) -> list[Step]:
    """The steps that `results` rest on: rewriting leaves some without a use."""
    wanted, kept = set(results), []
    for step in reversed(steps):
        if step.out in wanted:
            wanted.update(step.args)
            kept.append(step)
    return kept[::-1]


class _Builder:
    """Makes steps of nodes, one node after the other; a slot is known where its value is fixed."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.slots: dict[int, Slot] = {}  # of each node; its value may be thinner than the node
        self.shapes: list[Shape] = []
        self.known: list[Array | None] = []
        self.steps: list[Step] = []
        self._filled: dict[tuple[Slot, Shape], Slot] = {}

    def place(self, node: int, free: Collection[int], fixed: Mapping[int, Array]) -> None:
        """Give a node its slot."""
        op = self.graph.ops[node]
        if node in self.graph.constants:
            self.slots[node] = self.hold(self.graph.constants[node])
        elif op is not INPUT:
            rewriting = REWRITINGS.get(op)
            found = rewriting(self, node) if rewriting else None
            self.slots[node] = self.plain(node) if found is None else found
        elif node in free:
            self.slots[node] = self.new(self.graph.shapes[node])
        else:
            self.slots[node] = self.hold(fixed[node])

    def plain(self, node: int) -> Slot:
        """The node by its op's own value."""
        op = self.graph.ops[node]
        if op.elementwise:
            return self.elementwise(op.value, node)
        return self.whole(partial(op.value, batch=0, **self.graph.settings[node]), node)

    def elementwise(self, function: Callable[..., Any], node: int) -> Slot:
        """The node as an elementwise function of its args, as thin as they are."""
        return self.broadcast(function, [self.slots[arg] for arg in self.graph.args[node]])

    def broadcast(self, function: Callable[..., Any], args: Sequence[Slot]) -> Slot:
        """An elementwise function of slots."""
        return self.emit(function, args, np.broadcast_shapes(*[self.shapes[arg] for arg in args]))

    def whole(self, function: Callable[..., Any], node: int) -> Slot:
        """The node as a function of its args in full."""
        return self.emit(function, [self.full(arg) for arg in self.graph.args[node]], self.graph.shapes[node])

    def full(self, node: int) -> Slot:
        """The node's value, of the node's shape."""
        slot, shape = self.slots[node], self.graph.shapes[node]
        if self.shapes[slot] == shape:
            return slot
        if (slot, shape) not in self._filled:
            self._filled[slot, shape] = self.emit(partial(np.full, shape), [slot], shape)
        return self._filled[slot, shape]

    def emit(self, function: Callable[..., Any], args: Sequence[Slot], shape: Shape) -> Slot:
        """A step, or its value where those of all args are known."""
        given = [self.known[arg] for arg in args]
        if all(value is not None for value in given):
            return self.hold(function(*given))
        slot = self.new(shape)
        self.steps.append(Step(function, tuple(args), slot))
        return slot

    def hold(self, value: Any) -> Slot:
        """A slot whose value is known."""
        array = np.asarray(value, dtype=np.float64).view()
        array.setflags(write=False)
        return self.new(array.shape, array)

    def new(self, shape: Shape, value: Array | None = None) -> Slot:
        self.shapes.append(shape)
        self.known.append(value)
        return len(self.shapes) - 1


# --- rewritings ---------------------------------------------------------------------------------

Rewriting = Callable[[_Builder, int], Slot | None]  # None where it does not apply


def _comparison(holds: Any) -> Rewriting:
    """One conversion to numbers instead of a product with 1."""
    return lambda to, node: to.elementwise(lambda x, y: holds(x, y).astype(np.float64), node)


_POWERS: dict[float, Callable[[Any], Any]] = {
    -2.0: lambda x: np.reciprocal(np.square(x)),
    2.0: np.square,
    3.0: lambda x: x * x * x,
    4.0: lambda x: np.square(np.square(x)),
}


def _power(to: _Builder, node: int) -> Slot | None:
    """A few products; `np.power` is slow for negative numbers."""
    base, exponent = to.graph[node].args
    power = None if exponent.number is None else _POWERS.get(exponent.number)
    return None if power is None else to.broadcast(power, [to.slots[base.id]])


def _matmul(to: _Builder, node: int) -> Slot | None:
    """`np.dot` gets under way sooner than `np.matmul`."""
    fits = all(arg.ndim <= 2 for arg in to.graph[node].args)
    return to.whole(np.dot if fits else np.matmul, node)


def _transpose(to: _Builder, node: int) -> Slot:
    return to.whole(methodcaller("transpose", to.graph.settings[node]["axes"]), node)


def _reshape(to: _Builder, node: int) -> Slot:
    return to.whole(methodcaller("reshape", to.graph.settings[node]["shape"]), node)


def _spread(to: _Builder, node: int) -> Slot:
    """Nothing but axes of length 1, where the new ones do not stand in front anyway."""
    (arg,), axis = to.graph.args[node], to.graph.settings[node]["axis"]
    thin, ndim = to.slots[arg], len(to.graph.shapes[arg])
    lengths = iter((*[1] * (ndim - len(to.shapes[thin])), *to.shapes[thin]))
    shape = tuple(1 if i in axis else next(lengths) for i in range(ndim + len(axis)))
    while shape and shape[0] == 1:
        shape = shape[1:]
    return thin if shape == to.shapes[thin] else to.emit(methodcaller("reshape", shape), [thin], shape)


def _sum(to: _Builder, node: int) -> Slot:
    (arg,), settings = to.graph.args[node], to.graph.settings[node]
    axis, keepdims, shape = settings["axis"], settings["keepdims"], to.graph.shapes[node]
    x, full = to.full(arg), to.graph.shapes[arg]
    if len(axis) == len(full) and not keepdims:
        factors = _factors(to, arg)
        if factors:
            return to.emit(np.vdot, factors, shape)
    if len(full) == 2 and len(axis) == 1:
        """One product with ones"""
        ones = to.hold(np.ones(full[axis[0]]))
        left = (full[1 - axis[0]],)
        out = to.emit(np.dot, (x, ones) if axis == (1,) else (ones, x), left)
        return to.emit(methodcaller("reshape", shape), [out], shape) if keepdims else out
    return to.emit(partial(np.add.reduce, axis=axis, keepdims=keepdims), [x], shape)


def _factors(to: _Builder, node: int) -> Sequence[Slot] | None:
    """Two slots of the node's shape whose product it is"""
    op, shape, args = to.graph.ops[node], to.graph.shapes[node], to.graph.args[node]
    if op is ops.square or (op is ops.pow and to.graph[args[1]].number == 2):
        args = (args[0], args[0])
    elif op is not ops.mul:
        return None
    slots = [to.slots[arg] for arg in args]
    return slots if all(to.shapes[slot] == shape for slot in slots) else None


def _mean(to: _Builder, node: int) -> Slot:
    (arg,) = to.graph.args[node]
    total, whole = math.prod(to.graph.shapes[arg]), math.prod(to.graph.shapes[node])
    return to.broadcast(np.true_divide, [_sum(to, node), to.hold(total / whole)])


def _softmax(to: _Builder, node: int) -> Slot | None:
    """exp of log_softmax, where that is there"""
    (arg,) = to.graph.args[node]
    for other, slot in to.slots.items():
        if to.graph.ops[other] is ops.log_softmax and to.graph.args[other] == (arg,) and to.graph.settings[other] == to.graph.settings[node]:
            return to.broadcast(np.exp, [slot])
    return None


REWRITINGS: dict[Op, Rewriting] = {
    ops.lt: _comparison(np.less),
    ops.le: _comparison(np.less_equal),
    ops.gt: _comparison(np.greater),
    ops.ge: _comparison(np.greater_equal),
    ops.eq: _comparison(np.equal),
    ops.ne: _comparison(np.not_equal),
    ops.pow: _power,
    ops.matmul: _matmul,
    ops.transpose: _transpose,
    ops.reshape: _reshape,
    ops.spread: _spread,
    ops.sum: _sum,
    ops.mean: _mean,
    ops.softmax: _softmax,
}
