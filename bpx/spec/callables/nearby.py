"""Is the graph the function beside the given values too?

A condition that is decided on its very boundary, or a number that slipped past the tracing, leaves a graph
with the right value and a wrong derivative. Such a graph and the function part as soon as the inputs move.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bpx.check.function.black_box_rows import BlackBoxRows
from bpx.check.numeric.tolerances import NEARBY, NEARBY_AGREEMENT, NEARBY_SHARE, SMALLEST_FLOAT
from bpx.graph.run import run
from bpx.spec.code.traced_program import TracedProgram
from bpx.spec.trace.tape import TraceError
from bpx.words.diagnostic import Diagnostic

_SEED = 0


def certify_nearby(traced: TracedProgram, rows: BlackBoxRows) -> None:
    """Compare graph and function at points to both sides of the given one. Raises `TraceError`."""
    comparison = _Comparison(traced, rows)
    roundoff = traced.trace.roundoff
    reach = max(NEARBY, float(np.sqrt(roundoff)))
    step = reach * _random_step(np.where(comparison.moves, rows.x, 0.0))
    tolerance = min(NEARBY_AGREEMENT * roundoff, NEARBY_SHARE * reach)
    here = comparison.difference(rows.x)
    room = tolerance + NEARBY_AGREEMENT * here  # where rounding is seen at the very point, it is about
    if not all(comparison.difference(rows.x + sign * step) <= room for sign in (-1.0, 1.0)):
        raise TraceError([Diagnostic("trace-nearby")])


def _random_step(x: Any) -> Any:
    """Of the size of x, element by element; zeros move as the others of x do, if there are any."""
    rng = np.random.default_rng(_SEED)
    size = np.abs(x)
    size[size == 0] = np.median(size[size > 0]) if (size > 0).any() else 1.0
    return size * rng.uniform(0.5, 1.0, size.shape) * rng.choice([-1.0, 1.0], size.shape)


class _Comparison:
    """The graph beside the function. `moves` (N,) are the coordinates that are inputs of the graph."""

    def __init__(self, traced: TracedProgram, rows: BlackBoxRows) -> None:
        self._graph, self._rows = traced.graph, rows
        self._weights = traced.upstream if traced.weights else np.array(1.0)
        names, leaves = rows.caller.names, traced.graph.inputs
        self._inputs = {names.index(leaf.name): leaf.node for leaf in leaves if leaf.name in names}
        self.moves = np.isin(rows.owners, list(self._inputs))

    def difference(self, x: Any) -> float:
        """How far the graph is off at x, relative to the terms of its sum; inf where the function refuses."""
        values = self._rows.values(np.where(self.moves, x, self._rows.x))
        output = self._rows.caller.nearby(values)
        if output is None or output.shape != self._rows.output.shape:
            return np.inf
        parts = self._weights * output
        given = {node: values[i] for i, node in self._inputs.items()}
        result = run(self._graph.graph, {**self._graph.input_values, **given}, [self._graph.output])
        size = max(SMALLEST_FLOAT, float(np.sqrt(np.sum(parts**2))))
        difference = float(np.abs(result[self._graph.output] - parts.sum()))
        return difference / size if np.isfinite(difference) else np.inf
