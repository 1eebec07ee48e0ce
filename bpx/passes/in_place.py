"""Steps that write over an array which nobody reads any more, in place of asking for another.

Of large arrays, that saves more than what many an elementwise function takes: memory that is new to a process
is cleared page by page when it is first written to.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from operator import methodcaller
from typing import Any

import numpy as np

from bpx.graph.arrays import Array, Shape
from bpx.passes.builder import Function, Instruction, Slot

LEAST_ELEMENTS = 2**13  # of fewer, an array comes out of memory that was used a moment ago

# Elementwise functions of numbers, whose results are numbers as their args are.
_WRITES = frozenset(
    {np.add, np.subtract, np.multiply, np.true_divide, np.maximum, np.negative, np.exp, np.tanh, np.square}
)
_OWN_MEMORY = _WRITES | {np.dot, np.matmul}  # what these return shares no memory with anything else


def in_place(
    instructions: Sequence[Instruction], shapes: Sequence[Shape], targets: Collection[Slot]
) -> list[Instruction]:
    """The same steps, of which some write over an arg that is dead from then on."""
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
