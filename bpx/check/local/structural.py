"""Ops of whole arrays checked alone.

An op that is linear in each arg needs no differences: its rule is certified by random sketches
(Freivalds, Probabilistic machines can use less running time, IFIP 1977) and, where that fails, the
Jacobian is written out one basis vector at a time. The others (softmax, …) get a Jacobian by
differences, block by block along the axes that mix.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from bpx.check.local.jacobians import CheckedEdge, DenseJacobian, LinearMap, ZeroJacobian, from_rows, to_rows
from bpx.check.local.reverse_sweep import Slope
from bpx.check.local.structural_rule import StructuralRule
from bpx.check.numeric.differences import SURE, derivative
from bpx.check.numeric.error_bound import UNIT, ErrorBound
from bpx.check.report.entry import Reason, Verdict
from bpx.check.report.verdict import decide
from bpx.graph.arrays import Array
from bpx.graph.graph import Graph
from bpx.passes.reverse import Edge

LARGEST_JACOBIAN = 2**22  # entries
LARGEST_SEARCH = 2**25  # elements of all slices that one step of the differences takes
_SKETCHES = 3
_ROOM = 24.0  # how far a sketch may be off, in units of rounding of a random walk through its terms
_STRAND = 0.5  # and of a sum that is added up one after the other, per term
_CHUNK = 2**22  # elements of a batch of basis vectors


def check_structural(
    graph: Graph, edge: Edge, values: Mapping[int, Array], blur: Mapping[int, Array], detect: float
) -> CheckedEdge:
    """Check one edge from a node whose op is not elementwise; `blur` is what rounding did to the values."""
    rule = StructuralRule(graph, edge.consumer, values, blur)
    rng = np.random.default_rng([edge.consumer, edge.position])
    upstream = rng.uniform(0.5, 1.5, rule.out.shape) * rng.choice([-1.0, 1.0], rule.out.shape)
    if edge.position in rule.op.chooses:
        return _chooser(rule, edge, upstream)
    if rule.op.linear:
        return _linear(rule, edge, upstream, rng)
    return _nonlinear(rule, edge, upstream, detect)


def _chooser(rule: StructuralRule, edge: Edge, upstream: Array) -> CheckedEdge:
    """What chooses between the elements of other args does not measure: nothing may be handed back to it."""
    handed = rule(edge.position, upstream)
    worst = float(handed.flat[np.argmax(handed != 0)])
    verdict = Verdict.AGREE if worst == 0 else Verdict.DISAGREE
    flat = ZeroJacobian(rule.args[edge.position].shape)
    return CheckedEdge(edge, flat, LinearMap(rule, edge.position), worst, 0.0, 0.0, verdict)


# --- linear ops: sketches -----------------------------------------------------------------------


def _linear(rule: StructuralRule, edge: Edge, upstream: Array, rng: np.random.Generator) -> CheckedEdge:
    position = edge.position
    handed, size = rule(position, upstream), rule.size(position, upstream)
    stated = LinearMap(rule, position)
    longest = max((*handed.shape, *rule.out.shape), default=1)
    room = UNIT * (_ROOM * math.sqrt(handed.size + rule.out.size) + _STRAND * longest)
    claimed = reference = 0.0
    fits = handed.shape == rule.args[position].shape
    for _ in range(_SKETCHES if fits else 0):
        # Each element of the arg gets about the same weight in the sum, however small it is: the terms
        # are at most 1, and an element that is off by more than twice `room` of its size shows.
        weights = rng.uniform(0.5, 1.0, handed.shape) * rng.choice([-1.0, 1.0], handed.shape)
        weights /= np.where(size > 0, size, 1.0)
        claimed = float(np.sum(handed * weights))
        reference = float(np.sum(upstream * rule.forward(position, weights)))
        if not abs(claimed - reference) <= room:
            fits = False
            break
    if fits:
        trusted: Slope | None = stated._replace(loss=UNIT + 2 * room / SURE, trusted=True)
        return CheckedEdge(edge, trusted, stated, claimed, reference, room, Verdict.AGREE)
    return _compared(rule, edge, upstream, _basis_jacobian(rule, position), stated)


def _basis_jacobian(rule: StructuralRule, position: int) -> DenseJacobian | None:
    """The Jacobian of a linear op, one basis vector of the arg at a time."""
    shape = rule.args[position].shape
    size, outs = math.prod(shape), rule.out.size
    if size * outs > LARGEST_JACOBIAN:
        return None
    chunk = max(1, _CHUNK // max(size, outs))
    parts = []
    for start in range(0, size, chunk):
        basis = np.zeros((size, min(chunk, size - start)))
        basis[np.arange(start, start + basis.shape[1]), np.arange(basis.shape[1])] = 1.0
        found = rule.forward(position, basis.reshape(*shape, -1), batch=True)
        parts.append(found.reshape(outs, -1).T)
    jacobian = np.concatenate(parts)[np.newaxis]
    return DenseJacobian(ErrorBound.exactly(jacobian), shape, tuple(range(len(shape))))


def _compared(
    rule: StructuralRule, edge: Edge, upstream: Array, trusted: DenseJacobian | None, stated: LinearMap
) -> CheckedEdge:
    """The rule against a Jacobian, by what each hands back for a random upstream gradient."""
    if trusted is None:
        return CheckedEdge(
            edge, None, stated, math.nan, math.nan, math.nan, Verdict.CANNOT_TELL, Reason("too-large")
        )
    wanted, handed = trusted.pull(ErrorBound.exactly(upstream)), rule(edge.position, upstream)
    if handed.shape != wanted.value.shape:
        total, why = float(np.sum(wanted.value)), Reason("wrong-shape")
        return CheckedEdge(edge, trusted, stated, math.nan, total, 0.0, Verdict.DISAGREE, why)
    size = trusted.size(np.abs(upstream))
    rounding = UNIT * rule.out.size * size
    verdicts = decide(
        handed.ravel(),
        wanted.value.ravel(),
        (wanted.error + rounding).ravel(),
        slope_scale=size.ravel(),
    )
    gap = np.abs(handed - wanted.value).ravel()
    worst_at = int(np.lexsort((-np.nan_to_num(gap), verdicts))[0])
    return CheckedEdge(
        edge,
        _blurred(rule, edge.position, trusted),
        stated,
        float(handed.flat[worst_at]),
        float(wanted.value.flat[worst_at]),
        float(wanted.error.flat[worst_at]),
        Verdict(int(verdicts[worst_at])),
    )


def _blurred(rule: StructuralRule, position: int, block: DenseJacobian) -> DenseJacobian:
    """The Jacobian with what rounding of the args may have done to it added to its error."""
    outs = block.slope.value.shape[2]
    here = _rule_jacobian(rule, position, block.mixed, outs)
    error = block.slope.error
    for there in rule.at_ends():
        moved = _rule_jacobian(there, position, block.mixed, outs)
        error = np.maximum(error, block.slope.error + np.nan_to_num(np.abs(moved - here), nan=np.inf))
    return block._replace(slope=block.slope._replace(error=error))


# --- other ops: differences block by block ------------------------------------------------------


def _nonlinear(rule: StructuralRule, edge: Edge, upstream: Array, detect: float) -> CheckedEdge:
    stated = LinearMap(rule, edge.position)
    mixed = rule.op.mixes(rule.args[edge.position].shape, **rule.settings) if rule.op.mixes else None
    return _compared(rule, edge, upstream, _difference_jacobian(rule, edge.position, mixed), stated)


def _difference_jacobian(
    rule: StructuralRule, position: int, mixed: tuple[int, ...] | None
) -> DenseJacobian | None:
    """The Jacobian by differences; slices along the axes that do not mix are independent."""
    arg = rule.args[position]
    mixed = tuple(range(arg.ndim)) if mixed is None else mixed
    rows = to_rows(arg, mixed, arg.ndim)
    carried, width = rows.shape
    outs = rule.out.size // carried
    if carried * width * outs > LARGEST_JACOBIAN or carried * width * outs * width > LARGEST_SEARCH:
        return None
    slice_shape = tuple(n if axis in mixed else 1 for axis, n in enumerate(arg.shape))

    def function(points: Array, chosen: Any) -> tuple[Array, Any]:
        most = max(1, _CHUNK // (width * points.shape[0]))
        parts = [slice(start, start + most) for start in range(0, len(chosen), most)]
        value = np.concatenate([moved_outs(points[:, part], chosen[part]) for part in parts], axis=1)
        return value, np.isfinite(value)

    def moved_outs(points: Array, chosen: Any) -> Array:
        slot, out = np.divmod(chosen, outs)
        row, element = np.divmod(slot, width)
        columns = np.arange(len(chosen))
        moved = np.repeat(rows[row].T[:, np.newaxis], points.shape[0], axis=1)  # (width, K, columns)
        moved[element, :, columns] = points.T
        found = rule.op.value(moved.reshape(*slice_shape, -1), batch=1, **rule.settings)
        value: Array = found.reshape(outs, points.shape[0], len(chosen))[out, :, columns].T
        return value

    claimed = _rule_jacobian(rule, position, mixed, outs)
    found = derivative(function, np.repeat(rows.ravel(), outs), claimed=claimed.ravel())
    value, error = (one.reshape(carried, width, outs) for one in (found.value, found.error))
    return DenseJacobian(ErrorBound(value, error, np.zeros(value.shape)), arg.shape, mixed)


def _rule_jacobian(rule: StructuralRule, position: int, mixed: tuple[int, ...], outs: int) -> Array:
    """The Jacobian as the rule has it: what is handed back for an upstream gradient of 1 at one output."""
    ndim, shape = rule.args[position].ndim, rule.args[position].shape
    columns = []
    for out in range(outs):
        rows = np.zeros((rule.out.size // outs, outs))
        rows[:, out] = 1.0
        upstream = (
            from_rows(rows, mixed, rule.out.shape) if rule.out.ndim == ndim else rows.reshape(rule.out.shape)
        )
        handed = rule(position, upstream)
        columns.append(to_rows(np.broadcast_to(handed, shape), mixed, ndim))
    return np.stack(columns, axis=-1)
