"""The textbook form of a right gradient: ∂L/∂z = a - y, where the chain rule gives ∂L/∂a * a * (1 - a).

It is the shortest formula in the names of a spec that gives the gradient at random points, of targets and
constants too. It is shown as an identity, and so it is checked as one: at further points, in many digits
where they are to be had.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

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
    MOST_SIGNS_TURNED,
    TEXTBOOK_POINTS,
)
from bpx.check.patterns.comparison import fits
from bpx.check.whole.sample_points import are_shares, drawn_points, formula_points
from bpx.graph.run import run
from bpx.passes.domain import choosing

if TYPE_CHECKING:
    from bpx.check.whole.checked_graph import CheckedGraph
    from bpx.graph.arrays import Array
    from bpx.graph.formula import Formula
    from bpx.graph.graph import Graph


class Textbook(NamedTuple):
    """A short form of a gradient: the formula, and its node in a graph that all its names are nodes of.

    It holds where the rows of the inputs `shares` add up to 1.
    """

    formula: Formula
    graph: Graph
    root: int
    shares: tuple[int, ...] = ()


def textbook_form(checked: CheckedGraph, node: int, by_output: bool = False) -> Textbook | None:
    """The shortest formula for ∂output/∂node in names of the spec; None where there is no short one.

    It is a formula by what is put in, or else `by_output` alone, as y * (1 - y) is.

    It holds for all values; or else for all that are what the given ones evidently are: the target of a
    cross-entropy has rows that add up to 1.
    """
    if checked.elements > MOST_EXACT_ELEMENTS:
        return None
    output = checked.query.output
    names = {named_formula(checked, output): output} if by_output else _names(checked, node)
    points = points_everywhere(checked, 1 + TEXTBOOK_POINTS)
    everywhere = _textbook_at(checked, node, names, points, set())
    shares = {leaf.node for leaf in checked.query.spec.inputs if are_shares(leaf.value)}
    if everywhere or not shares:
        return everywhere
    points = [checked.query.spec.input_values, *formula_points(checked.query.spec)]
    form = _textbook_at(checked, node, names, points, shares)
    return form and form._replace(shares=tuple(sorted(shares)))


def _textbook_at(
    checked: CheckedGraph,
    node: int,
    names: Mapping[Formula, int],
    points: Sequence[Mapping[int, Array]],
    kept: Collection[int],
) -> Textbook | None:
    """The form that holds at these points; inputs that are `kept` are what they are there."""
    gradient = checked.by_own_rules.gradient(node)
    if gradient is None:
        return None
    values = [run(checked.graph, point, [*names.values(), gradient.id]) for point in points]
    by_name = {name: [there[at] for there in values] for name, at in names.items()}
    parts = parts_in_scope(checked, names, node, values)
    scope = Scope(by_name, few_constants(checked, node), smooth_functions(checked.graph), parts.values)
    short = scope.short_formula([there[gradient.id] for there in values], [0.0] * len(values))
    if short is None or has_fraction_in_sum(short.tree):
        return None
    root = short.on(parts.graph, {name: parts.graph[one] for name, one in {**names, **parts.nodes}.items()})
    if root.shape != checked.graph.shapes[node]:
        return None  # it holds for each element, but cannot be claimed as it stands
    ends = root.id, gradient.id
    turned = turned_signs(checked, points[0], kept)
    holds = _is_defined_alike(parts.graph, *ends, turned) and _is_identity(parts.graph, *ends, points)
    return Textbook(short.formula, parts.graph, root.id) if holds else None


def points_everywhere(checked: CheckedGraph, count: int, seed: int = 0) -> list[Mapping[int, Array]]:
    """The values given, and random ones of every input, targets and constants too."""
    spec = checked.query.spec
    anywhere = tuple(leaf._replace(range=None, role="data") for leaf in spec.inputs)
    return drawn_points(replace(spec, inputs=anywhere), count, seed)[0]


def turned_signs(
    checked: CheckedGraph, point: Mapping[int, Array], kept: Collection[int]
) -> Iterator[Mapping[int, Array]]:
    """The point with the sign of each input turned that is no index and not `kept`, and of all of them."""
    chosen = choosing(checked.graph) | set(kept)
    inputs = [node for node in point if node not in chosen][:MOST_SIGNS_TURNED]
    for turned in (*([node] for node in inputs), inputs):
        yield {node: -value if node in turned else value for node, value in point.items()}


def _names(checked: CheckedGraph, node: int) -> dict[Formula, int]:
    """The nearest nodes that the spec names, before all others those on the way to the output."""
    graph, output = checked.graph, checked.query.output
    after = graph.touched(by=[node], upto=output)
    way = {other for other in graph.needs(of=[output]) if after[other]}
    beside = way | {arg for other in way for arg in graph.args[other]}
    own = sorted(
        checked.query.spec.own_names, key=lambda other: (other not in beside, abs(other - node), other)
    )
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


def _is_defined_alike(graph: Graph, root: int, gradient: int, points: Iterable[Mapping[int, Array]]) -> bool:
    """Has it a value wherever the gradient has one, and the same?"""
    for point in points:
        values = run(graph, point, [root, gradient])
        if np.isfinite(values[gradient]).all() and not fits(values[root], values[gradient], 0.0):
            return False
    return True


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
