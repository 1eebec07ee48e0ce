"""Ops of whole arrays checked alone.

An op that is linear in each arg needs no differences: its rule is certified by random sketches
(Freivalds, Probabilistic machines can use less running time, IFIP 1977) and, where that fails, the
Jacobian is written out one basis vector at a time. The others (softmax, …) are left to
`bpx.check.local.edges`, which takes them apart.

Convention: the rule is asked for contributions to a random upstream gradient, with elements from 0.5 to 1.5
of either sign. Never ones: with these 13 % of planted mistakes in random graphs could not be seen, and
with one random direction 0.1 %.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from bpx.check.local.jacobians import CheckedEdge, DenseJacobian, LinearMap, ZeroJacobian
from bpx.check.local.reverse_sweep import Jacobian
from bpx.check.local.structural_rule import StructuralRule
from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.numeric.tolerances import (
    EPSILON,
    LARGEST_BATCH_ELEMENTS,
    LARGEST_JACOBIAN_ENTRIES,
    SAFETY_FACTOR,
    SKETCH_RANDOM_WALK,
    SKETCH_SEQUENTIAL,
    SKETCHES,
)
from bpx.check.report.entry import Reason, Verdict, noise
from bpx.check.report.evidence import Evidence, Obstacle
from bpx.check.report.verdict import verdict
from bpx.graph.arrays import Array, Shape
from bpx.graph.graph import Graph
from bpx.passes.reverse import Edge


def check_structural(
    graph: Graph, edge: Edge, values: Mapping[int, Array], rounding_errors: Mapping[int, Array]
) -> CheckedEdge:
    """Check one edge from a node whose op is linear in each arg but those that choose.

    `values` holds those of the node and its args, `rounding_errors` how far rounding may have moved them.
    """
    rule = StructuralRule(graph, edge.consumer, values, rounding_errors)
    rng = generator(edge)
    upstream = random_upstream(rng, rule.out.shape)
    if edge.position in rule.op.chooses:
        return _chooser(rule, edge, upstream)
    return _linear(rule, edge, upstream, rng)


def generator(edge: Edge) -> np.random.Generator:
    """Drawn anew for each edge, the same in every run: a report must not change from one to the next."""
    return np.random.default_rng([edge.consumer, edge.position])


def random_upstream(rng: np.random.Generator, shape: Shape) -> Array:
    """An upstream gradient of which every element counts."""
    return np.asarray(rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape))


def _chooser(rule: StructuralRule, edge: Edge, upstream: Array) -> CheckedEdge:
    """What chooses between the elements of other args does not measure: its gradient must be 0."""
    contribution = rule(edge.position, upstream)
    worst = float(contribution.flat[np.argmax(contribution != 0)])
    zero = ZeroJacobian(rule.args[edge.position].shape)
    return compare(edge, zero, LinearMap(rule, edge.position), np.array([worst]), Evidence.of([0.0], 0.0))


def compare(
    edge: Edge, reference: Jacobian | None, stated_jacobian: LinearMap, claimed: Array, evidence: Evidence
) -> CheckedEdge:
    """The edge, with the numbers of the element (of flat arrays) of the worst verdict that is off by most."""
    judgement = verdict(claimed, evidence)
    gap = np.abs(claimed - evidence.value)
    within = gap <= evidence.error  # no bar is shown smaller, and what is below it is noise
    if not within.all():
        within |= gap <= noise(evidence.value, evidence.shown_bars, judgement.verdicts)
    gap[within] = 0.0
    # Without a reference the gap is nan, and must not rank before a number.
    worst = int(np.lexsort((-np.nan_to_num(gap), judgement.verdicts))[0])
    return CheckedEdge(
        edge,
        reference,
        stated_jacobian,
        float(claimed[worst]),
        float(evidence.value[worst]),
        float(evidence.error[worst]),
        Verdict(int(judgement.verdicts[worst])),
        Reason(judgement.codes[worst]) if evidence.obstacle != Obstacle.NONE else None,
    )


# --- linear ops: sketches -----------------------------------------------------------------------


def _linear(rule: StructuralRule, edge: Edge, upstream: Array, rng: np.random.Generator) -> CheckedEdge:
    """⟨Jᵀ upstream, w⟩ must be ⟨upstream, J w⟩ for random w: the rule against the op's own forward.

    A wrong rule passes one sketch only by chance of the weights, and with three it does not. This costs a
    forward pass each, whatever the size; basis vectors would cost one for each element of the arg.
    """
    position = edge.position
    contribution, size = rule(position, upstream), rule.magnitude(position, upstream)
    stated_jacobian = LinearMap(rule, position)
    tolerance = _sketch_tolerance(rule, contribution)
    claimed = reference = 0.0
    certified = contribution.shape == rule.args[position].shape
    for _ in range(SKETCHES if certified else 0):
        # Each element of the arg gets about the same weight in the sum, however small it is: the terms
        # are at most 1, and an element that is off by more than twice the tolerance of its size shows.
        weights = rng.uniform(0.5, 1.0, contribution.shape) * rng.choice([-1.0, 1.0], contribution.shape)
        weights /= np.where(size > 0, size, 1.0)
        claimed = float(np.sum(contribution * weights))
        reference = float(np.sum(upstream * rule.forward(position, weights)))
        if not abs(claimed - reference) <= tolerance:  # nor if either is nan
            certified = False
            break
    if certified:
        # What a sketch does not see counts as error of the reference, less the verdict's own factor.
        rounding = EPSILON + 2 * tolerance / SAFETY_FACTOR
        trusted: Jacobian = stated_jacobian._replace(relative_rounding=rounding, is_reference=True)
        # The terms of the sums are at most 1: sums of any size are known as well as these.
        evidence = Evidence.of([reference], tolerance / SAFETY_FACTOR, scale=1.0, rest=np.inf)
        checked_edge = compare(edge, trusted, stated_jacobian, np.array([claimed]), evidence)
        return checked_edge._replace(error=tolerance)
    return compare_contributions(rule, edge, upstream, _basis_jacobian(rule, position), stated_jacobian)


def _sketch_tolerance(rule: StructuralRule, contribution: Array) -> float:
    """How far the two sides of a sketch may differ by rounding alone; its terms are of size 1 at most."""
    longest = max((*contribution.shape, *rule.out.shape), default=1)
    random_walk = SKETCH_RANDOM_WALK * math.sqrt(contribution.size + rule.out.size)
    return EPSILON * (random_walk + SKETCH_SEQUENTIAL * longest)


def _basis_jacobian(rule: StructuralRule, position: int) -> DenseJacobian | None:
    """The Jacobian of a linear op, one basis vector of the arg at a time; None where it is too large.

    Exact but for rounding of sums that have one term other than 0, which is none.
    """
    shape = rule.args[position].shape
    size, outs = math.prod(shape), rule.out.size
    if size * outs > LARGEST_JACOBIAN_ENTRIES:
        return None
    chunk = max(1, LARGEST_BATCH_ELEMENTS // max(size, outs))
    columns = []
    for start in range(0, size, chunk):
        basis = np.zeros((size, min(chunk, size - start)))
        basis[np.arange(start, start + basis.shape[1]), np.arange(basis.shape[1])] = 1.0
        values = rule.forward(position, basis.reshape(*shape, -1), batch=True)
        columns.append(values.reshape(outs, -1).T)
    jacobian = np.concatenate(columns)[np.newaxis]
    return DenseJacobian(ErrorBound.exact(jacobian), shape, tuple(range(len(shape))))


# --- a Jacobian that is written out ---------------------------------------------------------------


def compare_contributions(
    rule: StructuralRule,
    edge: Edge,
    upstream: Array,
    reference: Jacobian | None,
    stated_jacobian: LinearMap,
) -> CheckedEdge:
    """The rule against a Jacobian, by the contributions of both for a random upstream gradient.

    Disagrees with the reason `wrong-shape` where the rule's contribution has another shape than the arg;
    cannot tell, with `too-large`, where there is no reference.
    """
    unknown = np.array([math.nan])
    if reference is None:
        return compare(
            edge, None, stated_jacobian, unknown, Evidence.nothing((1,), obstacle=Obstacle.TOO_LARGE)
        )
    expected, contribution = reference.pull(ErrorBound.exact(upstream)), rule(edge.position, upstream)
    if contribution.shape != expected.value.shape:
        evidence = Evidence.of([np.sum(expected.value)], 0.0, obstacle=Obstacle.WRONG_SHAPE)
        return compare(edge, reference, stated_jacobian, unknown, evidence)
    magnitude = reference.magnitude(np.abs(upstream)).ravel()
    # At most one rounding for each term of a sum, whatever the order in which the rule adds them.
    error = expected.error.ravel() + EPSILON * rule.out.size * magnitude
    evidence = Evidence.of(expected.value.ravel(), error, scale=magnitude, rest=SAFETY_FACTOR * error)
    return compare(edge, reference, stated_jacobian, contribution.ravel(), evidence)
