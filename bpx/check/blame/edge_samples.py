"""The same edge at other points: what one point leaves open, a second one often settles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from bpx.check.local.composite import CompositeRule, composite_samples
from bpx.check.local.edges import check_whole_arrays
from bpx.check.local.elementwise import check_elementwise
from bpx.check.local.elementwise_batch import ElementwiseBatch
from bpx.check.local.jacobians import CheckedEdge, LinearMap
from bpx.check.local.reverse_sweep import Jacobian
from bpx.check.local.structural import random_upstream
from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.numeric.tolerances import EDGE_POINTS, FAR_SHARES, NEAR_SHARES
from bpx.check.patterns.error_patterns import EdgeSample
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.graph.arrays import Array
from bpx.graph.facts import KINKS
from bpx.graph.run import run
from bpx.passes.reverse import Edge


class RuleSample(NamedTuple):
    """An edge at one point for one upstream gradient: the sample, and what the rule under test hands back."""

    sample: EdgeSample
    contribution: Array


def samples(checked: CheckedGraph, edge: Edge, far: bool = False) -> list[RuleSample]:
    """The edge at the values met and at some others, each with a random upstream gradient.

    The others are near and on the same side of every kink, or `far` and on any side.
    """
    rng = np.random.default_rng([edge.consumer, edge.position])
    sampled_edges = [_drawn(checked, edge, checked.values, checked.checked_edges[edge], rng)]
    for _ in range(EDGE_POINTS):
        tries = (_elsewhere(checked, edge, share, rng, far) for share in (FAR_SHARES if far else NEAR_SHARES))
        elsewhere = next((sampled for sampled in tries if sampled), None)
        if elsewhere:
            sampled_edges.append(elsewhere)
    return sampled_edges


def composite_samples_of(checked: CheckedGraph, edge: Edge) -> list[RuleSample]:
    """The edge of a composite op at random points near the values met."""
    composite = checked.query.spec.composites[edge.consumer]
    return [
        _of_composite(composite_rule, edge)
        for composite_rule in composite_samples(composite, edge.consumer, checked.values)
    ]


def _of_composite(composite_rule: CompositeRule, edge: Edge) -> RuleSample:
    rule, position = composite_rule.rule, edge.position
    slope, shape = LinearMap(composite_rule.parts, position), np.shape(rule.args[position])
    sample = EdgeSample(
        rule.op, rule.settings, position, tuple(rule.args), rule.out, composite_rule.upstream, slope, shape
    )
    return RuleSample(sample, rule(position, composite_rule.upstream))


def _elsewhere(
    checked: CheckedGraph, edge: Edge, share: float, rng: np.random.Generator, far: bool
) -> RuleSample | None:
    values = _moved(checked, edge, share, rng)
    checked_edge = None if values is None else _check(checked, edge, values, far)
    if values is None or checked_edge is None or checked_edge.reference_jacobian is None:
        return None
    drawn = _drawn(checked, edge, values, checked_edge, rng)
    return drawn if np.isfinite(drawn.contribution).all() else None


def _moved(
    checked: CheckedGraph, edge: Edge, share: float, rng: np.random.Generator
) -> Mapping[int, Array] | None:
    """Values of the node and its args with the args moved; None where the op is not defined there."""
    graph, node = checked.graph, edge.consumer
    moved_args = {}
    for position, arg in enumerate(graph.args[node]):
        value = np.asarray(checked.values[arg])
        is_fixed = arg in graph.constants or position in graph.ops[node].chooses
        size = np.where(value == 0, 1.0, np.abs(value))
        moved_args[arg] = value if is_fixed else value + share * size * rng.uniform(-1.0, 1.0, value.shape)
    values = {**checked.values, **moved_args}
    values[node] = run(graph, moved_args, [node])[node]
    return values if np.isfinite(values[node]).all() else None


def _check(checked: CheckedGraph, edge: Edge, values: Mapping[int, Array], far: bool) -> CheckedEdge | None:
    graph, detect, most = checked.graph, checked.query.detect, checked.query.exact_elements
    exact = {node: np.zeros(np.shape(value)) for node, value in values.items()}
    if edge.local is None:
        return check_whole_arrays(graph, edge, values, exact, detect, most)
    batch = ElementwiseBatch(graph, [edge.consumer], values)
    original_batch = ElementwiseBatch(graph, [edge.consumer], checked.values)
    if not far and any((a != b).any() for a, b in zip(batch.signs, original_batch.signs, strict=True)):
        return None
    # By the rule itself: nodes of the graph that it shares with others still stand where they stood.
    local = batch.part(edge.consumer, batch.locals_at(edge.position, batch.args, batch.out))
    kinked = batch.at_guard(KINKS)
    numbers = {**values, edge.local: local}
    return next(check_elementwise(batch, [edge], numbers, kinked, ~kinked & False, exact, detect, most))


def _drawn(
    checked: CheckedGraph,
    edge: Edge,
    values: Mapping[int, Array],
    checked_edge: CheckedEdge,
    rng: np.random.Generator,
) -> RuleSample:
    shape = checked.graph.shapes[edge.consumer]
    upstream = random_upstream(rng, shape)
    assert checked_edge.reference_jacobian is not None
    contribution = checked_edge.stated_jacobian.pull(ErrorBound.exact(upstream)).value
    return RuleSample(sample(checked, edge, values, upstream, checked_edge.reference_jacobian), contribution)


def sample(
    checked: CheckedGraph, edge: Edge, values: Mapping[int, Array], upstream: Array, slope: Jacobian
) -> EdgeSample:
    """The edge at these values of the node and its args."""
    graph, node = checked.graph, edge.consumer
    args = tuple(np.asarray(values[arg]) for arg in graph.args[node])
    out, shape = np.asarray(values[node]), graph.shapes[edge.arg]
    return EdgeSample(graph.ops[node], graph.settings[node], edge.position, args, out, upstream, slope, shape)
