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
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

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
from bpx.check.report.verdict import Judgement, verdict
from bpx.graph.arrays import Array, Shape
from bpx.graph.graph import OPS, Graph, Op
from bpx.passes.reverse import Edge


def check_structural(
    graph: Graph, edge: Edge, values: Mapping[int, Array], rounding_errors: Mapping[int, Array]
) -> CheckedEdge:
    """Check one edge from a node whose op is linear in each arg but those that choose.

    `values` holds those of the node and its args, `rounding_errors` how far rounding may have moved them.
    """
    rule = StructuralRule(graph, edge.consumer, values, rounding_errors)
    if edge.position in rule.op.chooses:
        return _chooser(rule, edge, random_upstream(generator(edge), rule.out.shape))
    return _certified_once(rule, edge) or _linear(rule, edge)


def generator(edge: Edge) -> np.random.Generator:
    """Drawn anew for each edge, the same in every run: a report must not change from one to the next."""
    return np.random.default_rng([edge.consumer, edge.position])


def random_upstream(rng: np.random.Generator, shape: Shape) -> Array:
    """An upstream gradient of which every element counts."""
    return random_of_either_sign(rng, 0.5, 1.5, shape)


def random_of_either_sign(rng: np.random.Generator, low: float, high: float, shape: Shape) -> Array:
    """Random numbers of sizes from `low` to `high`: signs drawn by themselves take longer than all else."""
    numbers = np.asarray(rng.uniform(low - high, high - low, shape))
    numbers += np.copysign(low, numbers)
    return numbers


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
    worst = _worst(claimed, evidence, judgement) if claimed.size != 1 else 0
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


def _worst(claimed: Array, evidence: Evidence, judgement: Judgement) -> int:
    """Which element of the worst verdict is off by most."""
    gap = np.abs(claimed - evidence.value)
    within = gap <= evidence.error  # no bar is shown smaller, and what is below it is noise
    if not within.all():
        within |= gap <= noise(evidence.value, evidence.shown_bars, judgement.verdicts)
    gap[within] = 0.0
    worst_ones = np.flatnonzero(judgement.verdicts == judgement.verdicts.min())
    # Without a reference the gap is nan, and must not rank before a number.
    return int(worst_ones[np.nan_to_num(gap[worst_ones]).argmax()])


# --- ops of one arg, as sums and reshapes ---------------------------------------------------------


def _certified_once(rule: StructuralRule, edge: Edge) -> CheckedEdge | None:
    """The edge, where neither rule nor forward function sees any values but what they are applied to.

    The check of such an op is the same wherever it stands, number by number: it is made once for each shape.
    Only bpx's own ops are looked up, and only what sketches certify is kept.
    """
    op, arg = rule.op, rule.args[edge.position]
    if OPS.get(op.name) is not op or rule.sees_values(edge.position):
        return None
    certificate = _certificate(op, arg.shape, tuple(rule.settings.items()))
    if certificate is None:
        return None
    stated = LinearMap(rule, edge.position)
    trusted = stated._replace(relative_rounding=certificate.relative_rounding, is_reference=True)
    return CheckedEdge(edge, trusted, stated, *certificate.numbers)


class _Certificate(NamedTuple):
    """What is kept of an edge that sketches certified: nothing of the size of the arrays."""

    relative_rounding: float
    numbers: tuple[float, float, float, Verdict]  # claimed, reference, error and verdict


@lru_cache(maxsize=1024)
def _certificate(op: Op, shape: Shape, settings: tuple[tuple[str, Any], ...]) -> _Certificate | None:
    graph = Graph()
    node = graph.add(op, graph.input(shape), **dict(settings))
    zeros = {at.id: np.zeros(at.shape) for at in (*node.args, node)}
    rule, edge = StructuralRule(graph, node.id, zeros, zeros), Edge(node.id, node.args[0].id, 0, -1, None, -1)
    checked = _linear(rule, edge)
    reference = checked.reference_jacobian
    if not isinstance(reference, LinearMap) or checked.verdict is not Verdict.AGREE:
        return None
    numbers = (checked.claimed, checked.reference, checked.error, checked.verdict)
    return _Certificate(reference.relative_rounding, numbers)


# --- linear ops: sketches -----------------------------------------------------------------------


def _linear(rule: StructuralRule, edge: Edge) -> CheckedEdge:
    """⟨Jᵀ u, w⟩ must be ⟨u, J w⟩ for random u and w: the rule against the op's own forward.

    This costs a pass each way, whatever the size; basis vectors would cost one for each element of the arg.
    One element of Jᵀ u that is off by more than 2 tolerances shows in every sketch. Of many that are off, by
    δ of their size or more, the errors may cancel, by chance of u or of w: with a probability of at most
    4 tolerances / δ each, as the densities of both are at most 1. The tolerance being 1e-11 in the largest
    arrays, a rule that is off by 1e-5 passes three sketches, all drawn anew, with a probability of 1e-15.
    """
    position, rng = edge.position, generator(edge)
    upstream, stated_jacobian = random_upstream(rng, rule.out.shape), LinearMap(rule, position)
    sketches = _sketches(rule, position, rng)
    for slices in _slices(rule.args[position].shape, rule.out.shape) if sketches else []:
        certified_edge = _certified(edge, stated_jacobian, sketches, slices)
        if certified_edge:
            return certified_edge
    reference = _basis_jacobian(rule, position)
    if reference is None:
        located = _located(rule, edge, upstream, rng)
        if located.verdict is Verdict.DISAGREE:
            return located
    return compare_contributions(rule, edge, upstream, reference, stated_jacobian)


class _Sketch(NamedTuple):
    """The terms of both sides: of the shape of the arg, and of the op's value."""

    claimed: Array
    reference: Array


def _sketches(rule: StructuralRule, position: int, rng: np.random.Generator) -> list[_Sketch]:
    """None where the rule's contribution has not the shape of the arg."""
    sketches = []
    for _ in range(SKETCHES):
        upstream = random_upstream(rng, rule.out.shape)
        contribution, size = rule(position, upstream), rule.magnitude(position, upstream)
        if contribution.shape != rule.args[position].shape:
            return []
        weights = _weights(rng, size)
        sketches.append(_Sketch(contribution * weights, upstream * rule.forward(position, weights)))
    return sketches


def _weights(rng: np.random.Generator, size: Array) -> Array:
    """Of each element of the arg about the same in the sum, however small it is; `size` is that of the terms.

    So the terms are at most 1, and an element that is off by more than twice the tolerance of its size shows.
    """
    weights = random_of_either_sign(rng, 0.5, 1.0, size.shape)
    return np.divide(weights, size, out=weights, where=size > 0)


class _Slices(NamedTuple):
    """Axes, equally long in arg and value, along which the op may do the same to each slice alone."""

    of_arg: tuple[int, ...]
    of_out: tuple[int, ...]


def _slices(arg: Shape, out: Shape) -> list[_Slices]:
    """Guesses at the structure of an op, the finest first; the last is that there is none.

    A guess that is wrong certifies nothing, as then the sums of slices differ.
    """
    first = tuple(range(_common(arg, out)))
    end = range(1, 1 + _common(arg[::-1], out[::-1]))
    last = _Slices(tuple(len(arg) - i for i in end), tuple(len(out) - i for i in end))
    pairs = enumerate(zip(arg, out, strict=False))
    alone = [axis for axis, (a, b) in pairs if a == b and len(arg) == len(out)]
    guesses = [_Slices(first, first), last, *(_Slices((axis,), (axis,)) for axis in alone)]
    guesses += [_Slices(first[:1], first[:1]), _Slices(last.of_arg[:1], last.of_out[:1]), _Slices((), ())]
    return sorted(dict.fromkeys(guesses), key=lambda guess: -math.prod(arg[axis] for axis in guess.of_arg))


def _common(a: Shape, b: Shape) -> int:
    """How many axes are equally long, counted from the first."""
    return next((i for i, (m, n) in enumerate(zip(a, b, strict=False)) if m != n), min(len(a), len(b)))


def _certified(
    edge: Edge, stated: LinearMap, sketches: Sequence[_Sketch], slices: _Slices
) -> CheckedEdge | None:
    """The edge, where both sides of the sketches agree, slice by slice; else None."""
    arg, out = sketches[0].claimed, sketches[0].reference
    tolerance = _sketch_tolerance(arg, out, math.prod(arg.shape[axis] for axis in slices.of_arg))
    for sketch in sketches:
        claimed = _summed_but(sketch.claimed, slices.of_arg)
        reference = _summed_but(sketch.reference, slices.of_out)
        if not (np.abs(claimed - reference) <= tolerance).all():  # nor if either is nan
            return None
    # What a sketch does not see counts as error of the reference, less the verdict's own factor.
    rounding = EPSILON + 2 * tolerance / SAFETY_FACTOR
    trusted = stated._replace(relative_rounding=rounding, is_reference=True)
    # The terms of the sums are at most 1: sums of any size are known as well as these.
    evidence = Evidence.of(reference[:1], tolerance / SAFETY_FACTOR, scale=1.0, rest=np.inf)
    return compare(edge, trusted, stated, claimed[:1], evidence)._replace(error=tolerance)


def _summed_but(terms: Array, axes: tuple[int, ...]) -> Array:
    """The sums over all other axes, flat, slices in the order of `axes`."""
    others = tuple(axis for axis in range(terms.ndim) if axis not in axes)
    kept: Array = terms.sum(axis=others)  # the method takes half as long as the function of NumPy
    return kept.transpose([sorted(axes).index(axis) for axis in axes]).reshape(-1)


def _sketch_tolerance(arg: Array, out: Array, slices: int) -> float:
    """How far the two sides may differ by rounding alone in each of so many slices; terms are 1 at most."""
    longest = max((*arg.shape, *out.shape), default=1)
    random_walk = SKETCH_RANDOM_WALK * math.sqrt((arg.size + out.size) / slices)
    return EPSILON * (random_walk + SKETCH_SEQUENTIAL * longest)


def _located(rule: StructuralRule, edge: Edge, upstream: Array, rng: np.random.Generator) -> CheckedEdge:
    """The edge with the numbers of an element that is wrong, where the Jacobian is too large to write out.

    What both sides of a sketch differ by is the sum of what they differ by in either half of its elements:
    of the half that is more off, the half that is more off, and so on, a forward pass each.
    """
    position, arg = edge.position, rule.args[edge.position]
    contribution, stated = rule(position, upstream), LinearMap(rule, position)
    if contribution.shape != arg.shape:
        total = np.sum(upstream * rule.forward(position, np.ones(arg.shape)))
        evidence = Evidence.of([total], 0.0, obstacle=Obstacle.WRONG_SHAPE)
        return compare(edge, None, stated, np.array([math.nan]), evidence)
    size = rule.magnitude(position, upstream)
    weights = _weights(rng, size).ravel()

    def reference(part: slice, weights: Array) -> float:
        only = np.zeros(arg.size)
        only[part] = weights[part]
        return float(np.sum(upstream * rule.forward(position, only.reshape(arg.shape))))

    def gap(part: slice) -> float:
        return float(np.sum(contribution.ravel()[part] * weights[part])) - reference(part, weights)

    part, off = slice(0, arg.size), gap(slice(0, arg.size))
    while part.stop - part.start > 1:
        left = slice(part.start, (part.start + part.stop) // 2)
        off_left = gap(left)
        if np.isnan(off_left) or abs(off_left) >= abs(off - off_left):
            part, off = left, off_left
        else:
            part, off = slice(left.stop, part.stop), off - off_left
    tolerance = _sketch_tolerance(arg, rule.out, arg.size) * size.flat[part.start]
    evidence = Evidence.of(
        [reference(part, np.ones(arg.size))], tolerance / SAFETY_FACTOR, scale=size.flat[part.start]
    )
    return compare(edge, None, stated, contribution.ravel()[part], evidence)


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
