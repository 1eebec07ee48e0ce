"""Every edge of a reverse pass alone.

Ops that are neither elementwise nor linear (softmax, …) are taken apart. The op has the same values as what
it is written out to, at the point and at others nearby, and so the same Jacobian; the chain rule gives it
from slopes of the parts, each by differences. So an array of any size takes a few evaluations for each
element, and small elements keep their digits beside large ones. Those of linear algebra have no parts
(`bpx.check.local.elimination`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from bpx.check.balls import ball_context
from bpx.check.local.elementwise import check_elementwise, checked_edge
from bpx.check.local.elementwise_batch import ElementwiseBatch, elementwise_batches
from bpx.check.local.elimination import jacobian_by_elimination
from bpx.check.local.jacobians import CheckedEdge, LinearMap, PartsJacobian, ZeroJacobian, agreed_scalar
from bpx.check.local.reverse_sweep import Jacobian
from bpx.check.local.rounding_error import rounding_errors
from bpx.check.local.structural import check_structural, compare_contributions, generator, random_upstream
from bpx.check.local.structural_rule import StructuralRule
from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.numeric.tolerances import (
    EPSILON,
    MOST_ENCLOSED_ELEMENTS,
    PARTS_POINTS,
    PARTS_REACH,
    SAFETY_FACTOR,
    SAME_AS_PARTS,
)
from bpx.check.report.entry import Verdict
from bpx.check.report.evidence import Evidence
from bpx.check.report.verdict import Judgement, verdict
from bpx.graph.arrays import Array, Flags, Shape, any_nonzero
from bpx.graph.facts import BOUNDARIES, KINKS
from bpx.graph.graph import OPS, Expr, Graph, Op
from bpx.graph.run import run
from bpx.graph.subgraph import expansion
from bpx.passes.reverse import Edge, Ledger, by_consumer, reverse

Nonsmooth = Callable[[ElementwiseBatch], tuple[Flags, Flags]]  # at a kink; outside the domain


def check_edges(
    graph: Graph,
    edges: Sequence[Edge],
    batches: Iterable[ElementwiseBatch],
    values: Mapping[int, Array],
    rounding_errors: Mapping[int, Array],
    nonsmooth: Nonsmooth,
    detect: float,
    exact_elements: int,
) -> dict[Edge, CheckedEdge]:
    """Check `edges`, of which the elementwise ones belong to `batches`; in their order.

    `values` holds those of all nodes and local derivatives, `rounding_errors` how far rounding may have
    moved them. `detect` is the smallest relative error that must be seen, `exact_elements` how many elements
    of a batch may be looked at in many digits.
    """
    edges_from = by_consumer(edges)
    of_batches = [
        (batch, [edge for node in batch.nodes for edge in edges_from.get(node, ())], *nonsmooth(batch))
        for batch in batches
        if not edges_from.keys().isdisjoint(batch.nodes)
    ]
    checked_edges = _proved_edges(of_batches, values, rounding_errors, detect)
    for batch, of_batch, kinked, outside in of_batches:
        left = [edge for edge in of_batch if edge not in checked_edges]
        if not left:
            continue
        for checked in check_elementwise(
            batch, left, values, kinked, outside, rounding_errors, detect, exact_elements
        ):
            checked_edges[checked.edge] = checked
    for edge in edges:
        if edge.local is None:
            checked_edges[edge] = check_whole_arrays(
                graph, edge, values, rounding_errors, detect, exact_elements
            )
    return {edge: checked_edges[edge] for edge in edges}


# --- few elements, proved at once ---------------------------------------------------------------


class _Enclosed(NamedTuple):
    """The edges from nodes of a batch by one arg, with their enclosed slopes; all arrays are flat."""

    batch: ElementwiseBatch
    edges: Mapping[int, Edge]  # by node
    queried: Flags
    claimed: Array
    value: Array
    error: Array
    moved: Array


def _proved_edges(
    of_batches: Iterable[tuple[ElementwiseBatch, Sequence[Edge], Flags, Flags]],
    values: Mapping[int, Array],
    rounding_errors: Mapping[int, Array],
    detect: float,
) -> dict[Edge, CheckedEdge]:
    """The edges of few elements, all off kinks, whose rules agree with the slopes that balls enclose.

    They are judged at once, in place of one verdict for each op and arg. Others need more sources.
    """
    if not ball_context.available():
        return {}
    groups = [*_enclosed(of_batches, values, rounding_errors)]
    if not groups:
        return {}
    claimed, value, error = (
        np.concatenate(parts) for parts in zip(*((g.claimed, g.value, g.error) for g in groups), strict=True)
    )
    judgement = verdict(claimed, Evidence.of(value, error), detect)
    checked_edges: dict[Edge, CheckedEdge] = {}
    start = 0
    agrees = judgement.verdicts == Verdict.AGREE
    for group in groups:
        own = slice(start, start := start + group.claimed.size)
        judged = Judgement._make(part[own] for part in judgement)
        if agrees[own][group.queried].all():
            evidence = Evidence.of(group.value, group.error)
            slopes = ErrorBound(group.value, group.error + group.moved, np.zeros(group.value.shape))
            for node, edge in group.edges.items():
                checked_edges[edge] = (
                    checked_edge(group.batch, edge, group.claimed, evidence, judged, slopes)
                    if group.batch.graph.shapes[node]
                    else agreed_scalar(
                        edge, group.batch.slices[node].start, group.claimed, group.error, slopes
                    )
                )
    return checked_edges


class _Smooth(NamedTuple):
    """The edges from nodes of a batch by one arg, with the elements that they start from, all off kinks."""

    batch: ElementwiseBatch
    position: int
    edges: Mapping[int, Edge]  # by node
    queried: Flags  # flat

    @property
    def elements(self) -> list[tuple[int, int]]:
        """By (position, column)."""
        return [(self.position, at) for at in self.queried.nonzero()[0].tolist()]


def _smooth(batch: ElementwiseBatch, edges: Sequence[Edge], nonsmooth: Flags) -> Iterator[_Smooth]:
    """The edges of a batch by each arg that no element at a kink or an edge belongs to."""
    by_position: dict[int, dict[int, Edge]] = {}
    for edge in edges:
        if edge.position not in batch.op.chooses:
            by_position.setdefault(edge.position, {})[edge.consumer] = edge
    for position, by_node in by_position.items():
        flags = batch.flags(by_node)
        if any_nonzero(flags) and not any_nonzero(flags & nonsmooth):
            yield _Smooth(batch, position, by_node, flags)


def _enclosed(
    of_batches: Iterable[tuple[ElementwiseBatch, Sequence[Edge], Flags, Flags]],
    values: Mapping[int, Array],
    rounding_errors: Mapping[int, Array],
) -> Iterator[_Enclosed]:
    """The edges of small batches by each arg, where all elements there have a proof of their slope."""
    from bpx.check.local.elementwise_balls import enclosed_slopes_of_all

    smooth = [
        [*_smooth(batch, edges, kinked | outside)]
        for batch, edges, kinked, outside in of_batches
        if batch.out.size <= MOST_ENCLOSED_ELEMENTS
    ]
    asked = [(parts[0].batch, [at for part in parts for at in part.elements]) for parts in smooth if parts]
    for parts, slopes in zip(filter(None, smooth), enclosed_slopes_of_all(asked), strict=True):
        errors, each = parts[0].batch.flat(rounding_errors), iter(slopes)
        for batch, position, by_node, flags in parts:
            proved = [slope for slope in islice(each, int(np.count_nonzero(flags))) if slope is not None]
            if len(proved) == np.count_nonzero(flags):
                value, width = np.full((2, flags.size), np.nan)
                value[flags], width[flags] = np.array([slope[:2] for slope in proved]).T
                claimed, moved = batch.claimed_locals(by_node, values), batch.moved_locals(position, errors)
                yield _Enclosed(batch, by_node, flags, claimed, value, EPSILON * np.abs(value) + width, moved)


# --- ops that are not elementwise ---------------------------------------------------------------


def check_whole_arrays(
    graph: Graph,
    edge: Edge,
    values: Mapping[int, Array],
    rounding_errors: Mapping[int, Array],
    detect: float,
    exact_elements: int,
) -> CheckedEdge:
    """Check one edge from a node whose op is not elementwise."""
    op = graph.ops[edge.consumer]
    if op.linear or edge.position in op.chooses:
        return check_structural(graph, edge, values, rounding_errors)
    rule = StructuralRule(graph, edge.consumer, values, rounding_errors)
    upstream = random_upstream(generator(edge), rule.out.shape)
    reference = _reference(rule, detect, exact_elements)
    return compare_contributions(rule, edge, upstream, reference, LinearMap(rule, edge.position))


def _reference(rule: StructuralRule, detect: float, exact_elements: int) -> Jacobian | None:
    if rule.op.slopes:
        return jacobian_by_elimination(rule)
    return _by_parts(rule, detect, exact_elements)


def _by_parts(rule: StructuralRule, detect: float, exact_elements: int) -> Jacobian | None:
    """The Jacobian of an op of one arg, from its parts; None where these are not the same function."""
    x, settings = rule.args[0], tuple(rule.settings.items())
    for shift in _shifts(rule):
        op, shape = rule.op, x.shape
        parts = _less(op, settings, shape, shift) if np.any(shift) else _plain(op, settings, shape)
        if _is_same_function(rule, parts):
            if _is_constant(rule):
                return ZeroJacobian(x.shape)
            return _jacobian_of_parts(parts, x, rule.arg_errors[0], detect, exact_elements)
    return None


def _shifts(rule: StructuralRule) -> Iterator[Array]:
    """What may be taken off the arg, so that nothing overflows: nothing, or the largest of each slice."""
    x = rule.args[0]
    yield np.zeros(())
    mixed = rule.op.mixes(x.shape, **rule.settings) if rule.op.mixes else None
    yield np.max(x, axis=mixed, keepdims=True)


class _Parts(NamedTuple):
    """What an op of one arg is written out to: a graph, its input and output, and its reverse pass."""

    graph: Graph
    arg: int
    root: int
    ledger: Ledger
    forward: Sequence[int]


def _less(op: Op, settings: tuple[tuple[str, Any], ...], shape: Shape, shift: Array) -> _Parts:
    """The parts of the op on its arg less a constant."""
    graph = Graph()
    arg = graph.input(shape)
    shifted = graph.add(OPS["sub"], arg, graph.constant(shift)) if np.any(shift) else arg
    root = _taken_apart(op, shifted, **dict(settings))
    ledger = reverse(root, [arg], graph.constant(np.ones(root.shape)))
    return _Parts(graph, arg.id, root.id, ledger, graph.needs(of=[root.id, arg.id]))


def _taken_apart(op: Op, *args: Expr, **settings: Any) -> Expr:
    """The op on its args, written out down to ops that are checked by themselves."""
    if op.elementwise or op.linear or op.slopes or len(args) != 1:
        return args[0].graph.add(op, *args, **settings)
    inside = expansion(op, [arg.shape for arg in args], settings)
    return inside.handles(args, _taken_apart, [inside.root])[inside.root]


# To write an op out takes as long as to check its parts on few numbers; for one shape they are the same.
@lru_cache(maxsize=64)
def _plain(op: Op, settings: tuple[tuple[str, Any], ...], shape: Shape) -> _Parts:
    return _less(op, settings, shape, np.zeros(()))


def _is_same_function(rule: StructuralRule, parts: _Parts) -> bool:
    """Do the op and its parts differ by a constant at most, here and at random points around?"""
    rng = np.random.default_rng(0)
    x, constant, (graph, arg, root, _, nodes) = rule.args[0], np.zeros(()), parts
    for i, point in enumerate((x, *_around(x, rng))):
        values = run(graph, {arg: point}, nodes)
        value, of_parts = rule.forward(0, point), values[root]
        if not (np.isfinite(value) & np.isfinite(of_parts)).all():
            return False  # the parts overflow, or leave their domain
        tolerance = SAME_AS_PARTS * np.maximum(np.abs(value), np.abs(of_parts))
        gap = value - of_parts
        if (np.abs(gap) <= tolerance).all() and not np.any(constant):  # as nearly always
            continue
        # Parts may lose digits that the op keeps: 1 − 1e-20 is 1 to them.
        tolerance += SAFETY_FACTOR * rounding_errors(graph, nodes, values)[root]
        if i == 0:
            constant = np.where(np.abs(gap) <= tolerance, 0.0, gap)
        if not (np.abs(gap - constant) <= tolerance).all():
            return False
    return True


def _around(x: Array, rng: np.random.Generator) -> Iterator[Array]:
    """Random points about x."""
    for _ in range(PARTS_POINTS):
        yield np.asarray(x + PARTS_REACH * rng.uniform(-1.0, 1.0, x.shape))


def _is_constant(rule: StructuralRule) -> bool:
    """Is the value the same, to the last bit, wherever the arg is: that of softmax of one element?"""
    rng, shape = np.random.default_rng(1), rule.args[0].shape
    # Around 0, not around the arg: far out a function that saturates does not move either.
    points = _around(np.zeros(shape), rng)
    return all(np.array_equal(rule.forward(0, point), rule.out) for point in points)


def _jacobian_of_parts(
    parts: _Parts, x: Array, x_error: Array, detect: float, exact_elements: int
) -> PartsJacobian:
    """The chain rule through the parts, from slopes by differences."""
    graph, arg, root, ledger, forward = parts
    locals_ = [edge.local for edge in ledger.edges if edge.local is not None]
    values = run(graph, {arg: x}, [*forward, *locals_])
    errors = rounding_errors(graph, forward, values, {arg: np.broadcast_to(x_error, x.shape)})

    def nonsmooth(batch: ElementwiseBatch) -> tuple[Flags, Flags]:
        return batch.at_guard(KINKS, errors), batch.at_guard(BOUNDARIES)

    batches = elementwise_batches(graph, forward, values)
    checked_edges = check_edges(
        graph, ledger.edges, batches, values, errors, nonsmooth, detect, exact_elements
    )
    jacobians = {edge: checked.trusted for edge, checked in checked_edges.items()}
    shapes = {node: graph.shapes[node] for node in forward}
    return PartsJacobian(ledger.edges, jacobians, shapes, root, arg)
