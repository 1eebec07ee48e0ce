"""How far a right gradient may be off that was computed in floats of few digits.

Found by computing it several times with every rounding of such a program put in at random: stochastic
arithmetic, as in Vignes, A stochastic arithmetic for reliable scientific computation, Mathematics and
Computers in Simulation 35 (1993). A bound by the size of the numbers alone would not do: gradients cancel,
and what is left of 1 − 1 in float32 is all rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.check.numeric.tolerances import ROUNDED_RUNS, ROUNDED_SAFETY, SINGLE_ROUNDINGS
from bpx.graph.arrays import Array
from bpx.graph.graph import CONSTANT, INPUT, Graph
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.run import run
from bpx.passes.reverse import reverse

if TYPE_CHECKING:
    from numpy.random import Generator

# The distance from 1 to the next number, by the name of the type.
UNITS = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
_WIDE = ("float64", "bfloat16")  # of the one it is too little, of the other too much to add a room for all


def room_of_numbers(numbers: Array, floats: str) -> Array:
    """What the rounding of numbers themselves leaves open; 0 for float64."""
    if floats == "float64":
        return np.zeros(numbers.shape)
    own = np.abs(numbers) * UNITS[floats]
    if floats in _WIDE:
        return np.asarray(own)
    of_largest = SINGLE_ROUNDINGS * UNITS[floats] * np.max(np.abs(numbers), initial=0.0)
    return np.asarray(np.maximum(own, of_largest))


def rounding_rooms(
    spec: NamedGraph, output: int, seed: Array, nodes: Sequence[int], floats: str
) -> dict[int, Array]:
    """For each node, how far each entry of ∂output/∂node may be off when all is computed in `floats`.

    `spec` is without composite ops. Nodes that the output does not depend on are left out.
    """
    graph = spec.graph.copy()
    ledger = reverse(graph[output], [graph[node] for node in nodes], graph.constant(seed))
    gradients = {node: ledger.upstream[node] for node in nodes if node in ledger.upstream}
    exact = run(graph, spec.input_values, gradients.values())
    rng = np.random.default_rng(0)
    farthest = {node: np.zeros(graph.shapes[node]) for node in gradients}
    for _ in range(ROUNDED_RUNS):
        values = _Rounding(graph, floats, rng).run(spec.input_values, list(gradients.values()))
        for node, gradient in gradients.items():
            moved = np.abs(values[gradient] - exact[gradient])
            # Where the short floats overflow, a right program states no number at all.
            farthest[node] = np.fmax(farthest[node], np.where(np.isfinite(moved), moved, 0.0))
    return {node: ROUNDED_SAFETY * move for node, move in farthest.items()}


class _Rounding:
    """A run of a graph in which every value is off by about as much as its rounding could make it."""

    def __init__(self, graph: Graph, floats: str, rng: Generator) -> None:
        self.graph, self.floats, self.rng = graph, floats, rng

    def run(self, inputs: Mapping[int, Array], targets: Sequence[int]) -> dict[int, Array]:
        values: dict[int, Array] = {}
        with np.errstate(all="ignore"):
            for node in self.graph.needs(of=targets):
                if self.graph.ops[node] is INPUT:
                    value = inputs[node]
                elif self.graph.ops[node] is CONSTANT:
                    value = self.graph.constants[node]
                else:
                    value = self.computed(node, values)
                values[node] = self.rounded(np.asarray(value, dtype=np.float64))
        return values

    def computed(self, node: int, values: Mapping[int, Array]) -> Any:
        op, settings = self.graph.ops[node], self.graph.settings[node]
        args = [values[arg] for arg in self.graph.args[node]]
        if op.elementwise:
            return op.value(*args)
        if op.linear:
            # Its value is a sum, which is rounded term by term: that of 1 − 1 is no exact 0.
            args = [
                arg if at in op.chooses else self.rounded(arg, also_exact=True) for at, arg in enumerate(args)
            ]
        return op.value(*args, batch=0, **settings)

    def rounded(self, value: Array, also_exact: bool = False) -> Array:
        """The value off by up to a unit, except where it is a number of the short type: that is exact.

        So labels, indices, masks and exponents stay what they are.
        """
        moved = value * (1.0 + UNITS[self.floats] * self.rng.uniform(-1.0, 1.0, value.shape))
        if also_exact:
            return np.asarray(moved)
        return np.where(_is_exact(value, self.floats), value, _nearest(moved, self.floats))


def _is_exact(value: Array, floats: str) -> Any:
    """Which numbers are of the type; of float64, to which all belong, the whole ones."""
    return (np.rint(value) if floats == "float64" else _nearest(value, floats)) == value


def _nearest(value: Array, floats: str) -> Array:
    """The nearest numbers of the type."""
    if floats != "bfloat16":
        return np.asarray(value.astype(floats).astype(np.float64))
    # The nearest upper half of a float32.
    bits = value.astype(np.float32).reshape(-1).view(np.uint32)
    upper = ((bits.astype(np.uint64) + 0x8000) & 0xFFFF0000).astype(np.uint32)
    return np.asarray(upper.view(np.float32).astype(np.float64).reshape(value.shape))
