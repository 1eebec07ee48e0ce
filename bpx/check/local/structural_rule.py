"""The rule of one structural node as a function of numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np

from bpx.check.local.rounding_error import ends_of
from bpx.graph.arrays import Array
from bpx.graph.graph import Graph, Op
from bpx.graph.run import run
from bpx.passes.reverse import handed_back


class StructuralRule:
    """The rule of a node, built once on placeholders, and the op's forward with one arg exchanged."""

    def __init__(
        self,
        graph: Graph,
        node: int,
        values: Mapping[int, Array],
        blur: Mapping[int, Array],
        op: Op | None = None,  # in place of the node's own
    ) -> None:
        self.op, self.settings = op or graph.ops[node], graph.settings[node]
        self.args = [np.asarray(values[arg]) for arg in graph.args[node]]
        # How far rounding may have moved each; what chooses is whole, and stays what it is.
        self.widths = [
            np.zeros(()) if position in self.op.chooses else blur[arg]
            for position, arg in enumerate(graph.args[node])
        ]
        self.out = np.asarray(values[node])
        self.scratch = Graph()
        self.places = [self.scratch.input(np.shape(one)) for one in (self.out, *self.args, self.out)]
        upstream, *args, out = self.places
        found = handed_back(self.op, upstream, args, out, self.settings)
        # A rule may be a plain number: what reaches every element alike.
        self.results = [None if one is None else self.scratch.lift(one) for one in found]

    def __call__(self, position: int, upstream: Array) -> Array:
        """What the arg at `position` gets for an upstream gradient."""
        return self._run(position, [upstream, *self.args, self.out])

    def exactly(self, position: int, upstream: Array) -> Any:
        """The same in numbers of many digits, as many as are set."""
        from bpx.check.numeric.multiprecision import lifted

        args = [lifted(arg) for arg in self.args]
        out = np.asarray(self.op.value(*args, batch=0, **self.settings), dtype=object)
        return self._run(position, [lifted(upstream), *args, out])

    def size(self, position: int, upstream: Array) -> Array:
        """The same with every number taken by its absolute value."""
        return self._run(position, [np.abs(one) for one in (upstream, *self.args, self.out)])

    def blurred(self, position: int, upstream: Array) -> Array:
        """How far rounding of the other args may have moved it, for an op that is linear in each arg."""
        if not any(np.any(width) for at, width in enumerate(self.widths) if at != position):
            return np.zeros(np.shape(self.args[position]))
        wider = [np.abs(arg) + width for arg, width in zip(self.args, self.widths, strict=True)]
        size = np.abs(upstream)
        return self._run(position, [size, *wider, np.abs(self.out)]) - self.size(position, size)

    def at_ends(self) -> Iterator[StructuralRule]:
        """The same rule with the args as far off as rounding may have moved them."""
        for ends in ends_of(self.args, self.widths):
            there = copy(self)
            there.args, there.out = ends, np.asarray(self.op.value(*ends, batch=0, **self.settings))
            yield there

    def of_ones(self) -> StructuralRule:
        """The same rule as it is where every arg that measures is 1."""
        there = copy(self)
        there.args = [
            arg if at in self.op.chooses else np.ones(arg.shape) for at, arg in enumerate(self.args)
        ]
        there.out = np.ones(self.out.shape)
        return there

    def forward(self, position: int, arg: Array, batch: bool = False) -> Array:
        """The op's value with another array in the place of one arg; batched, the last axis is the batch."""
        args = [one[..., np.newaxis] if batch else one for one in self.args]
        args[position] = arg
        return np.asarray(self.op.value(*args, batch=int(batch), **self.settings))

    def _run(self, position: int, numbers: Sequence[Any]) -> Array:
        result = self.results[position]
        if result is None:
            return np.zeros(np.shape(self.args[position]))
        given = {place.id: one for place, one in zip(self.places, numbers, strict=True)}
        return np.asarray(run(self.scratch, given, [result.id])[result.id])
