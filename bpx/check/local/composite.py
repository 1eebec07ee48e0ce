"""Composite ops that have a rule of their own, as the textbook states it, checked against their parts.

The rule is compared with the reverse pass through what the op is written out to, at random points near
the values met, where no two elements tie. Parts are checked by themselves, as any other nodes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np

from bpx.check.local.jacobians import CheckedEdge, LinearMap
from bpx.check.local.structural import compare, random_upstream
from bpx.check.local.structural_rule import StructuralRule, rule_on_placeholders
from bpx.check.numeric.tolerances import (
    COMPOSITE_APART,
    COMPOSITE_NEAR,
    COMPOSITE_POINTS,
    COMPOSITE_ROUNDING,
    MOST_EXACT_COMPOSITE,
    MULTIPRECISION_DIGITS,
    SAFETY_FACTOR,
)
from bpx.check.report.entry import Verdict
from bpx.check.report.evidence import Evidence, Obstacle
from bpx.graph.arrays import Array
from bpx.graph.graph import Expr, Graph, Op
from bpx.graph.named.named_graph import Composite
from bpx.graph.run import run
from bpx.passes.reverse import Edge


class _Contributions(NamedTuple):
    """To one arg: what the rule passes, and what the parts do."""

    claimed: Array
    reference: Array


class CompositeRule:
    """A composite op at some values of its args: its own rule, and that of its parts."""

    def __init__(self, node: Expr, values: Mapping[int, Array], rng: np.random.Generator) -> None:
        # Rule and parts start from the same numbers, which count as exact.
        graph, exact = node.graph, {node_id: np.zeros(np.shape(value)) for node_id, value in values.items()}
        self.rule = StructuralRule(graph, node.id, values, exact)
        self.parts = StructuralRule(graph, node.id, values, exact, _by_parts(node.op))
        # As for structural ops never ones, which many mistakes leave unseen.
        self.upstream = random_upstream(rng, self.rule.out.shape)

    def contributions(self, positions: Sequence[int]) -> list[_Contributions]:
        """What both pass to the args at these positions, for a random upstream gradient."""
        both = (either.at_once(positions, self.upstream) for either in (self.rule, self.parts))
        return [_Contributions(*pair) for pair in zip(*both, strict=True)]

    def checked(self, edge: Edge, contributions: _Contributions) -> CheckedEdge:
        """How the contributions to the arg of an edge compare."""
        rule, parts = LinearMap(self.rule, edge.position), LinearMap(self.parts, edge.position)
        claimed, reference = contributions
        if claimed.shape != reference.shape:
            evidence = Evidence.of([np.sum(reference)], 0.0, obstacle=Obstacle.WRONG_SHAPE)
            return compare(edge, parts, rule, np.array([np.nan]), evidence)
        evidence = _evidence([contributions])
        checked_edge = compare(edge, parts, rule, claimed.ravel(), evidence)
        # In float64 parts may lose their digits where the textbook's formula keeps them.
        if checked_edge.verdict is Verdict.DISAGREE and self.is_same_exactly(
            edge.position, claimed, reference
        ):
            evidence.formula_gap = 0.0
            checked_edge = compare(edge, parts, rule, claimed.ravel(), evidence)
        return checked_edge._replace(error=SAFETY_FACTOR * checked_edge.error)

    def is_same_exactly(self, position: int, claimed: Array, reference: Array) -> bool:
        """Do rule and parts come to the same in many digits, or, of too many numbers, but for rounding?"""
        from bpx.check.numeric import multiprecision  # most checks need no more than float64

        largest = float(np.max(np.abs(self.upstream)))
        if claimed.size + self.upstream.size > MOST_EXACT_COMPOSITE:
            return bool((np.abs(claimed - reference) <= _tolerance(reference, largest)).all())
        with multiprecision.precision(MULTIPRECISION_DIGITS):
            exact = [
                either.in_multiprecision(position, self.upstream).flat for either in (self.rule, self.parts)
            ]
            # An exact 0 has no size to be relative to: half of the digits are left for it.
            floor = 10.0 ** (-MULTIPRECISION_DIGITS // 2) * largest
            return all(abs(a - b) <= COMPOSITE_APART * abs(b) + floor for a, b in zip(*exact, strict=True))


def check_composite(
    composite: Composite, out: int, edges: Sequence[Edge], values: Mapping[int, Array]
) -> Iterator[CheckedEdge]:
    """Check the edges of a composite op that the node `out` stands for; of all points the worst is shown.

    The slopes are those at the values themselves.
    """
    node, here = _alone(composite, out, values)
    at_values = CompositeRule(node, here, np.random.default_rng(0))
    nearby_rules = composite_samples(composite, out, values)
    positions = [edge.position for edge in edges]
    points = [nearby_rule.contributions(positions) for nearby_rule in nearby_rules]
    for edge, contributions in zip(edges, zip(*points, strict=True), strict=True):
        worst = _worst(edge, nearby_rules, contributions)
        reference_jacobian = LinearMap(at_values.parts, edge.position)
        stated_jacobian = LinearMap(at_values.rule, edge.position)
        yield worst._replace(reference_jacobian=reference_jacobian, stated_jacobian=stated_jacobian)


def _worst(
    edge: Edge, nearby_rules: Sequence[CompositeRule], contributions: Sequence[_Contributions]
) -> CheckedEdge:
    """All points in one verdict; where they do not all agree, the worst verdict on one of them."""
    if all(claimed.shape == reference.shape for claimed, reference in contributions):
        claimed = np.concatenate([point.claimed.ravel() for point in contributions])
        rule, parts = (
            LinearMap(either, edge.position) for either in (nearby_rules[0].rule, nearby_rules[0].parts)
        )
        together = compare(edge, parts, rule, claimed, _evidence(contributions))
        if together.verdict is Verdict.AGREE:
            return together._replace(error=SAFETY_FACTOR * together.error)
    checked_edges = (rule.checked(edge, at) for rule, at in zip(nearby_rules, contributions, strict=True))
    return min(checked_edges, key=lambda checked_edge: checked_edge.verdict)


def _evidence(contributions: Sequence[_Contributions]) -> Evidence:
    """The references of these points, flat, one point after the other."""
    references = [point.reference.ravel() for point in contributions]
    # What parts that cancel give is known in units of the largest element, not of each.
    errors = [_tolerance(point, float(np.max(np.abs(point), initial=0.0))) for point in references]
    error = np.concatenate(errors) / SAFETY_FACTOR
    return Evidence.of(np.concatenate(references), error, scale=np.inf, rest=np.inf)


def composite_samples(composite: Composite, out: int, values: Mapping[int, Array]) -> list[CompositeRule]:
    """The op at random points near the values met."""
    node, here = _alone(composite, out, values)
    # A stream for each point, the same in every run.
    generators = [np.random.default_rng([composite.written, i]) for i in range(COMPOSITE_POINTS)]
    return [CompositeRule(node, _near(node, here, rng), rng) for rng in generators]


def _alone(composite: Composite, out: int, values: Mapping[int, Array]) -> tuple[Expr, dict[int, Array]]:
    """The op in a graph of its own, and the values of its args and itself there."""
    graph = Graph()
    placeholders = {arg: graph.input(np.shape(values[arg])) for arg in composite.args}
    node = graph.add(composite.op, *(placeholders[arg] for arg in composite.args), **composite.settings)
    here = {placeholder.id: np.asarray(values[arg]) for arg, placeholder in placeholders.items()}
    return node, {**here, node.id: np.asarray(values[out])}


def _near(node: Expr, values: Mapping[int, Array], rng: np.random.Generator) -> dict[int, Array]:
    """Values of a node and its args, moved a little; but args that only choose stay as they are."""
    graph = node.graph
    shapes = (node.shape, *(arg.shape for arg in node.args), node.shape)
    rule = rule_on_placeholders(_by_parts(node.op), shapes, tuple(graph.settings[node.id].items()))
    near = {
        arg.id: values[arg.id] if contribution is None else _moved(values[arg.id], rng)
        for arg, contribution in zip(node.args, rule.contributions, strict=True)
    }
    return {**near, node.id: run(graph, near, [node.id])[node.id]}


def _moved(value: Array, rng: np.random.Generator) -> Array:
    # A 0 has no size of its own, and would not move.
    size = np.where(value == 0, 1.0, np.abs(value))
    return np.asarray(value + COMPOSITE_NEAR * size * rng.uniform(-1.0, 1.0, value.shape))


@cache
def _by_parts(op: Op) -> Op:
    """The op with no rule but that of its parts, those that its value is computed by."""
    return replace(op, pull=None, expands=op.computes or op.expands)


def _tolerance(reference: Array, largest: float) -> Array:
    return COMPOSITE_APART * np.abs(reference) + COMPOSITE_ROUNDING * largest
