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
from operator import itemgetter, methodcaller
from typing import Any

import numpy as np

from bpx.graph.arrays import Array, Shape
from bpx.graph.graph import INPUT, Graph
from bpx.passes.compiling.builder import Builder, Function, Instruction, Slot
from bpx.passes.compiling.gathered import gather
from bpx.passes.compiling.rewritings import REWRITINGS

LEAST_ELEMENTS = 2**13  # of arrays that are written over; of fewer, memory that is in the cache is at hand

# Elementwise functions of numbers, whose results are numbers as their args are.
_WRITES = frozenset(
    {np.add, np.subtract, np.multiply, np.true_divide, np.maximum, np.negative, np.exp, np.tanh, np.square}
)
_OWN_MEMORY = _WRITES | {np.dot, np.matmul}  # what these return shares no memory with anything else


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
        # Values of calls that are over: were all arrays let go at once, the memory would go back to the
        # system, which clears each page of it anew for the next call.
        self._idle: list[list[Any]] = []
        self._returned = [slot for slot in targets if known[slot] is None]
        places = _places(instructions, targets)
        # Looked up once: for arrays as small as those of lessons, calls cost more than what they compute.
        self._calls = [
            (step.function, _getter(tuple(places.get(arg, arg) for arg in step.args)), places[step.out])
            for step in instructions
        ]

    def __call__(self, values_by_node: Mapping[int, Array]) -> list[Array]:
        """The values of the targets, in their order; `values_by_node` holds the values of the free inputs.

        These must have the inputs' shapes, which is not looked at; where one is missing, a `KeyError`
        names the node. NumPy's warnings are silenced, as in `run`.

        No later call changes the arrays returned. They may share memory with each other and with what
        was given, where one only moves the elements of another or is the same; a target that depends
        on nothing free is one read-only array for all calls.
        """
        try:
            values = self._idle.pop()  # nobody else's, as another thread may call at the same time
        except IndexError:
            values = list(self.known)
        for node, slot in self.inputs:
            values[slot] = np.asarray(values_by_node[node], dtype=np.float64)
        with np.errstate(all="ignore"):
            for function, args, out in self._calls:
                values[out] = function(*args(values))
        results = [values[slot] for slot in self.targets]
        for slot in self._returned:
            values[slot] = None  # the caller's from now on
        self._idle.append(values)
        return results


def _places(instructions: Sequence[Instruction], targets: Collection[Slot]) -> dict[Slot, Slot]:
    """Where each step puts its value: where there stands one that no step reads any more, which that frees.

    Memory that was used a moment ago is in the processor's cache, and need not be asked for.
    """
    last = {arg: at for at, step in enumerate(instructions) for arg in step.args}
    places: dict[Slot, Slot] = {}
    vacant: list[Slot] = []
    kept = set(targets)
    for at, step in enumerate(instructions):
        dead = [arg for arg in dict.fromkeys(step.args) if last[arg] == at and arg in places]
        vacant += [places[arg] for arg in dead if arg not in kept]
        places[step.out] = vacant.pop() if vacant and step.out not in kept else step.out
    return places


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
    builder, needed, free = Builder(graph, REWRITINGS), graph.needs(of=targets), set(free)
    with np.errstate(all="ignore"):
        for node in needed:
            if graph.ops[node] is not INPUT:
                builder.place(node)
            elif node in free:
                builder.slots[node] = builder.new(graph.shapes[node])
            else:
                builder.slots[node] = builder.hold(fixed[node])
        results = [builder.whole(node) for node in targets]
        gather(builder, results)
    instructions = _needed(builder.instructions, results)
    used = {*results, *(arg for step in instructions for arg in step.args)}
    # Constants that only went into others are let go: they may be large.
    known = [value if slot in used else None for slot, value in enumerate(builder.known)]
    inputs = [(node, builder.slots[node]) for node in needed if node in free]
    return Compiled(known, inputs, _in_place(instructions, builder.shapes, results), results)


def _needed(instructions: Sequence[Instruction], results: Sequence[Slot]) -> list[Instruction]:
    """The steps that `results` depend on; rewriting leaves others behind."""
    needed, kept = set(results), []
    # Backwards, a step comes after all steps that read its value: one walk is enough.
    for step in reversed(instructions):
        if step.out in needed:
            needed.update(step.args)
            kept.append(step)
    return kept[::-1]


# --- results in the place of args ---------------------------------------------------------------


def _in_place(
    instructions: Sequence[Instruction], shapes: Sequence[Shape], targets: Collection[Slot]
) -> list[Instruction]:
    """The same steps, of which some write over an arg that is dead from then on.

    Of large arrays, that saves more than what many a function takes: memory that is new to a process is
    cleared page by page when it is first written to.
    """
    memory = _Memory(instructions, targets)
    return [
        memory.written_over(at, step, shapes) if _may_write(step, shapes) else step
        for at, step in enumerate(instructions)
    ]


def _may_write(step: Instruction, shapes: Sequence[Shape]) -> bool:
    return step.function in _WRITES and math.prod(shapes[step.out]) >= LEAST_ELEMENTS


class _Memory:
    """Whose memory the slots may share, and when it is read last."""

    def __init__(self, instructions: Sequence[Instruction], targets: Collection[Slot]) -> None:
        self._owners: dict[Slot, frozenset[Slot]] = {}
        self._own: set[Slot] = set()  # arrays of a step's own memory, all of it, each element once
        self._last: dict[Slot, int] = {}  # owner → the last step that reads its memory
        for at, step in enumerate(instructions):
            self._see(at, step)
        self._last.update((owner, len(instructions)) for slot in targets for owner in self._of(slot))

    def _of(self, slot: Slot) -> frozenset[Slot]:
        return self._owners.get(slot, frozenset())

    def _see(self, at: int, step: Instruction) -> None:
        shared = frozenset[Slot]().union(*map(self._of, step.args))
        self._last.update(dict.fromkeys(shared, at))
        if step.function in _OWN_MEMORY:
            self._own.add(step.out)
            shared = frozenset()
        elif isinstance(step.function, methodcaller) and step.args[0] in self._own:  # reshape or transpose
            self._own.add(step.out)
        self._owners[step.out] = shared | {step.out}

    def written_over(self, at: int, step: Instruction, shapes: Sequence[Shape]) -> Instruction:
        """The step with its result in the place of an arg, where there is one."""
        for position, arg in enumerate(step.args):
            is_dead = arg in self._own and all(self._last.get(owner) == at for owner in self._of(arg))
            if is_dead and shapes[arg] == shapes[step.out]:
                return step._replace(function=_writing(step.function, position))
        return step


def _writing(function: Function, position: int) -> Function:
    def over_an_arg(*args: Array) -> Any:
        return function(*args, args[position])

    return over_an_arg
