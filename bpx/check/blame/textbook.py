"""The textbook form of a right gradient: ∂L/∂z = a - y, where the chain rule gives ∂L/∂a * a * (1 - a).

It is the shortest formula in the names of a spec that gives the gradient at random points, of targets and
constants too. It is shown as an identity, and so it is checked as one: at further points, in many digits
where they are to be had.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.check.blame.last_resort import Scope, few_constants, parts_in_scope, smooth_functions
from bpx.check.blame.where import named_formula
from bpx.check.formulas.tree import has_fraction_in_sum
from bpx.check.numeric import multiprecision
from bpx.check.numeric.tolerances import (
    IDENTITY_CLOSE,
    IDENTITY_POINTS,
    MOST_EXACT_ELEMENTS,
    MOST_EXACT_OPERATIONS,
    MOST_NAMES_IN_SCOPE,
    TEXTBOOK_POINTS,
)
from bpx.check.whole.sample_points import drawn_points
from bpx.graph.run import run

if TYPE_CHECKING:
    from bpx.check.whole.checked_graph import CheckedGraph
    from bpx.graph.arrays import Array
    from bpx.graph.formula import Formula
    from bpx.graph.graph import Graph


def textbook_form(checked: CheckedGraph, node: int) -> Formula | None:
    """The shortest formula for ∂output/∂node in names of the spec; None where there is no short one."""
    gradient = checked.by_own_rules.gradient(node)
    if gradient is None or checked.elements > MOST_EXACT_ELEMENTS:
        return None
    names = _names(checked, node)
    points = points_everywhere(checked, 1 + TEXTBOOK_POINTS)
    values = [run(checked.graph, point, [*names.values(), gradient.id]) for point in points]
    by_name = {name: [there[at] for there in values] for name, at in names.items()}
    parts = parts_in_scope(checked, names, node, values)
    scope = Scope(by_name, few_constants(checked, node), smooth_functions(checked.graph), parts.values)
    short = scope.short_formula([there[gradient.id] for there in values], [0.0] * len(values))
    if short is None or has_fraction_in_sum(short.tree):
        return None
    root = short.on(parts.graph, {name: parts.graph[one] for name, one in (names | parts.nodes).items()})
    return short.formula if _is_identity(parts.graph, root.id, gradient.id, points) else None


def points_everywhere(checked: CheckedGraph, count: int) -> list[Mapping[int, Array]]:
    """The values given, and random ones of every input, targets and constants too."""
    spec = checked.query.spec
    anywhere = tuple(leaf._replace(range=None, role="data") for leaf in spec.inputs)
    return drawn_points(replace(spec, inputs=anywhere), count, 0)[0]


def _names(checked: CheckedGraph, node: int) -> dict[Formula, int]:
    """The nearest nodes that the spec names."""
    own = sorted(checked.query.spec.own_names, key=lambda other: (abs(other - node), other))
    out = {checked.query.output} - {node}  # a formula by what is put in, not by what comes out
    nearest = [one for one in own if one in checked.values and one not in {*checked.graph.constants, *out}]
    return {named_formula(checked, one): one for one in nearest[:MOST_NAMES_IN_SCOPE]}


def _operations(graph: Graph, nodes: Sequence[int]) -> int:
    """How many operations on numbers the values of nodes take, about."""
    total = 1
    for node in nodes:
        terms = graph.shapes[graph.args[node][0]][-1:] if graph.ops[node].name == "matmul" else ()
        total += math.prod((*graph.shapes[node], *terms))
    return total


def _is_identity(graph: Graph, root: int, gradient: int, points: Sequence[Mapping[int, Array]]) -> bool:
    """Does it hold in many digits?"""
    affordable = MOST_EXACT_OPERATIONS // _operations(graph, graph.needs(of=[root, gradient]))
    for point in points[: min(IDENTITY_POINTS, affordable)]:
        lifted: Any = {node: multiprecision.lifted(value) for node, value in point.items()}
        try:
            values: Any = run(graph, lifted, [root, gradient])
        except (TypeError, ValueError, AttributeError, ArithmeticError):
            return False
        gap, size = np.abs(values[root] - values[gradient]), np.abs(values[gradient])
        if not np.all(gap <= IDENTITY_CLOSE * size):
            return False
    return True
