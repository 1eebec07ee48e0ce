"""What a derivation states, and points to compare its formulas at: those given, and random ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.graph import Expr, Graph
from bpx.graph.run import run
from bpx.spec.derivations.text.atoms import Atoms
from bpx.spec.derivations.text.indices import Indices
from bpx.spec.derivations.text.written import Written
from bpx.spec.notations.read import Reading

Point = Mapping[int, Array]
POINTS = 16  # random points at which formulas are compared
_TRIES = 60
_RANGES = ((-1.5, 1.5), (0.15, 0.85), (0.5, 2.0), (-0.85, 0.85), (1.1, 2.5))


@dataclass
class Sheet:
    """What a derivation states: equations by name, values, and the derivatives in it."""

    atoms: Atoms
    equations: dict[str, Written] = field(default_factory=dict)
    values: dict[str, Array] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)
    lengths: list[str] = field(default_factory=list)  # inputs that are the number of summed elements
    functions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    derived_at: dict[str, tuple[str, ...]] = field(default_factory=dict)
    axes: Indices | None = None  # of index notation
    below: dict[str, str] = field(default_factory=dict)  # letters below the left side of each equation
    index_lengths: dict[str, int] = field(default_factory=dict)
    read: dict[object, list[Reading]] = field(default_factory=dict)  # readings of formulas met
    prepared: Callable[[Written], Written] = lambda text: text
    contents: Callable[[Written], list[Written]] = lambda text: [text]  # all that `prepared` may give

    @property
    def names(self) -> list[str]:
        """Inputs and results."""
        return [*self.inputs, *self.equations]


def given_point(sheet: Sheet, exprs: Mapping[str, Expr]) -> Point | None:
    """The values given, if all are."""
    if any(name not in sheet.values for name in sheet.inputs):
        return None
    return {exprs[name].id: sheet.values[name] for name in sheet.inputs}


def random_points(sheet: Sheet, graph: Graph, exprs: Mapping[str, Expr]) -> list[Point]:
    """Random points at which all results are finite."""
    rng = np.random.default_rng(0)
    results = [exprs[name].id for name in sheet.equations if name in exprs]
    found: list[Point] = []
    for ranges in _ranges(sheet):
        for _ in range(_TRIES):
            point = {
                exprs[name].id: _drawn(sheet, name, exprs[name], ranges.get(name, _RANGES[0]), rng)
                for name in sheet.inputs
            }
            values = run(graph, point, results)
            if all(np.isfinite(values[node]).all() for node in results):
                found.append(point)
            if len(found) >= POINTS:
                return found
    return found


def _ranges(sheet: Sheet) -> Iterator[dict[str, tuple[float, float]]]:
    """First the same range for all; then, input by input, other ones."""
    for one in _RANGES:
        yield dict.fromkeys(sheet.inputs, one)
    for name in sheet.inputs:
        for one in _RANGES[1:]:
            for rest in (_RANGES[0], _RANGES[1]):
                yield {**dict.fromkeys(sheet.inputs, rest), name: one}


def _drawn(sheet: Sheet, name: str, expr: Expr, between: tuple[float, float], rng: Any) -> Array:
    if name in sheet.lengths:
        return np.asarray(sheet.values.get(name, 3.0))
    return np.asarray(rng.uniform(*between, size=expr.shape))
