"""Random points for a check: where inputs may lie, or else around the values they have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from bpx.check.numeric.tolerances import AROUND, TRIES
from bpx.graph.arrays import Array
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.run import run
from bpx.passes.domain import choosing
from bpx.passes.expand import written_out
from bpx.passes.query import FLOWS_INTO


def drawn_points(spec: NamedGraph, count: int, seed: int) -> tuple[list[Mapping[int, Array]], int]:
    """The given point and `count - 1` random ones at which the graph is finite, and how many were not.

    An input is drawn uniformly from its range, where the spec states one; otherwise normally around its
    value. Targets and constants without a range stay as they are, and so does what only chooses.
    """
    rng = np.random.default_rng(seed)
    points: list[Mapping[int, Array]] = [spec.input_values]
    skipped = 0
    for input_values in _draws(spec, rng, (count - 1) * TRIES):
        if len(points) == count:
            break
        values = run(spec.graph, input_values, [spec.output, *spec.steps.values()])
        if all(np.isfinite(value).all() for value in values.values()):
            points.append(input_values)
        else:
            skipped += 1
    return points, skipped


def _draws(spec: NamedGraph, rng: np.random.Generator, most: int) -> Iterator[Mapping[int, Array]]:
    plain = written_out(spec)
    choosers = {plain.names[node] for node in choosing(plain.graph) if node in plain.names}
    for _ in range(most):
        input_values = {}
        for leaf in spec.inputs:
            if leaf.range:
                share = rng.uniform(size=leaf.value.shape)
                input_values[leaf.node] = leaf.range[0] * (1.0 - share) + leaf.range[1] * share
            elif leaf.role not in FLOWS_INTO or leaf.name in choosers:
                input_values[leaf.node] = leaf.value
            else:
                width = AROUND * np.maximum(np.abs(leaf.value), 1.0)
                input_values[leaf.node] = leaf.value + width * rng.normal(size=leaf.value.shape)
        yield input_values
