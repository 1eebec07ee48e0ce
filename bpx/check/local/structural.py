"""Ops of whole arrays checked alone.

An op that is linear in each arg needs no differences: its rule is certified by random sketches
(Freivalds, Probabilistic machines can use less running time, IFIP 1977) and, where that fails, the
Jacobian is written out one basis vector at a time. The others (softmax, …) get a Jacobian by
differences, block by block along the axes that mix.

Convention: the rule is asked for contributions to a random upstream gradient, with elements from 0.5 to 1.5
of either sign. Never ones: with these 13 % of planted mistakes in random graphs could not be seen, and
with one random direction 0.1 %.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from bpx.check.local.jacobians import CheckedEdge, DenseJacobian, LinearMap, ZeroJacobian, from_rows, to_rows
from bpx.check.local.reverse_sweep import Jacobian
from bpx.check.local.structural_rule import StructuralRule
from bpx.check.numeric.differences import derivative
from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.numeric.tolerances import (
    EPSILON,
    LARGEST_BATCH_ELEMENTS,
    LARGEST_JACOBIAN_ENTRIES,
    LARGEST_SEARCH_ELEMENTS,
    SAFETY_FACTOR,
    SKETCH_RANDOM_WALK,
    SKETCH_SEQUENTIAL,
    SKETCHES,
)
from bpx.check.report.entry import Reason, Verdict
from bpx.check.report.evidence import Evidence, Obstacle
from bpx.check.report.verdict import verdict
from bpx.graph.arrays import Array
from bpx.graph.graph import Graph
from bpx.passes.reverse import Edge


def check_structural(
    graph: Graph,
    edge: Edge,
    values: Mapping[int, Array],
    rounding_errors: Mapping[int, Array],
    detect: float,
) -> CheckedEdge:
    """Check one edge from a node whose op is not elementwise.

    `values` holds those of the node and its args, `rounding_errors` how far rounding may have moved them.
    `detect` is the smallest relative error that must be seen.
    """
    rule = StructuralRule(graph, edge.consumer, values, rounding_errors)
    # Drawn anew for each edge, the same in every run: a report must not change from one run to the next.
    rng = np.random.default_rng([edge.consumer, edge.position])
    upstream = rng.uniform(0.5, 1.5, rule.out.shape) * rng.choice([-1.0, 1.0], rule.out.shape)
    if edge.position in rule.op.chooses:
        return _chooser(rule, edge, upstream)
    if rule.op.linear:
        return _linear(rule, edge, upstream, rng)
    return _nonlinear(rule, edge, upstream, detect)


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
    return _compared(rule, edge, upstream, _basis_jacobian(rule, position), stated_jacobian)


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


def _compared(
    rule: StructuralRule,
    edge: Edge,
    upstream: Array,
    reference: DenseJacobian | None,
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
    moved = _with_rounding_error(rule, edge.position, reference)
    return compare(edge, moved, stated_jacobian, contribution.ravel(), evidence)


def _with_rounding_error(rule: StructuralRule, position: int, jacobian: DenseJacobian) -> DenseJacobian:
    """The Jacobian with what rounding of the args may have done to it added to its error.

    Found from the rule at the ends of the args' errors: a wrong rule moves about as far as the right one, and
    differences at every end would cost many times the check.
    """
    outs = jacobian.slope.value.shape[2]
    here = _rule_jacobian(rule, position, jacobian.mixed, outs)
    error = jacobian.slope.error
    for at_end in rule.at_ends():
        moved = _rule_jacobian(at_end, position, jacobian.mixed, outs)
        error = np.maximum(error, jacobian.slope.error + np.nan_to_num(np.abs(moved - here), nan=np.inf))
    return jacobian._replace(slope=jacobian.slope._replace(error=error))


# --- other ops: differences block by block ------------------------------------------------------


def _nonlinear(rule: StructuralRule, edge: Edge, upstream: Array, detect: float) -> CheckedEdge:
    stated_jacobian = LinearMap(rule, edge.position)
    mixed = rule.op.mixes(rule.args[edge.position].shape, **rule.settings) if rule.op.mixes else None
    return _compared(rule, edge, upstream, _difference_jacobian(rule, edge.position, mixed), stated_jacobian)


def _difference_jacobian(
    rule: StructuralRule, position: int, mixed: tuple[int, ...] | None
) -> DenseJacobian | None:
    """The Jacobian by differences; slices along the axes that do not mix are independent.

    A column of the differences is one entry of the Jacobian: (slice, element of it that moves, element of the
    output). `mixed` None means all axes. None is returned where it would be too large.
    """
    arg = rule.args[position]
    mixed = tuple(range(arg.ndim)) if mixed is None else mixed
    rows = to_rows(arg, mixed, arg.ndim)
    carried, width = rows.shape
    outs = rule.out.size // carried
    entries = carried * width * outs
    # Memory for the result, and for the slices that one step moves.
    if entries > LARGEST_JACOBIAN_ENTRIES or entries * width > LARGEST_SEARCH_ELEMENTS:
        return None
    slice_shape = tuple(n if axis in mixed else 1 for axis, n in enumerate(arg.shape))

    def function(points: Array, chosen: Any) -> tuple[Array, Any]:
        # Each point of each column moves a whole slice: `width` numbers.
        most = max(1, LARGEST_BATCH_ELEMENTS // (width * points.shape[0]))
        parts = [slice(start, start + most) for start in range(0, len(chosen), most)]
        value = np.concatenate([moved_outs(points[:, part], chosen[part]) for part in parts], axis=1)
        return value, np.isfinite(value)

    def moved_outs(points: Array, chosen: Any) -> Array:
        """The output elements (K, columns) with one element of each slice moved to the points."""
        slot, out = np.divmod(chosen, outs)
        row, element = np.divmod(slot, width)
        columns = np.arange(len(chosen))
        moved = np.repeat(rows[row].T[:, np.newaxis], points.shape[0], axis=1)  # (width, K, columns)
        moved[element, :, columns] = points.T
        values = rule.op.value(moved.reshape(*slice_shape, -1), batch=1, **rule.settings)
        value: Array = values.reshape(outs, points.shape[0], len(chosen))[out, :, columns].T
        return value

    claimed = _rule_jacobian(rule, position, mixed, outs)
    estimate = derivative(function, np.repeat(rows.ravel(), outs), claimed=claimed.ravel())
    value, error = (field.reshape(carried, width, outs) for field in (estimate.value, estimate.error))
    return DenseJacobian(ErrorBound(value, error, np.zeros(value.shape)), arg.shape, mixed)


def _rule_jacobian(rule: StructuralRule, position: int, mixed: tuple[int, ...], outs: int) -> Array:
    """The Jacobian (carried, width, outs) that the rule states, one output element at a time.

    One upstream gradient serves all slices, as they are independent. A rule that mixes what the op does not
    is not seen by this: the comparison for a random upstream gradient sees it.
    """
    ndim, shape = rule.args[position].ndim, rule.args[position].shape
    columns = []
    for out in range(outs):
        rows = np.zeros((rule.out.size // outs, outs))
        rows[:, out] = 1.0
        upstream = (
            from_rows(rows, mixed, rule.out.shape) if rule.out.ndim == ndim else rows.reshape(rule.out.shape)
        )
        contribution = rule(position, upstream)
        columns.append(to_rows(np.broadcast_to(contribution, shape), mixed, ndim))
    return np.stack(columns, axis=-1)
