"""What a wrong answer says: the slips that give its numbers, of those that learners are known to make.

A slip is named where it gives the answer at every point that the answer is looked at in. Where several do,
all are named, and where too many do, none is: one number may be wrong in many ways.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bpx.check.local.jacobians import DiagonalJacobian
from bpx.check.numeric.error_bound import ErrorBound, summed_to
from bpx.check.numeric.tolerances import MOST_NAMED
from bpx.check.patterns.error_patterns import EdgeSample, predictions, rule_at, slip_mistakes
from bpx.check.patterns.moves import moves
from bpx.check.report.blame import Mistake
from bpx.graph.arrays import Array
from bpx.passes.reverse import Edge
from bpx.spec.practice.cells.cells import Cell, Kind, Values, Workings
from bpx.spec.practice.slips.updates import update_slips
from bpx.spec.practice.slips.values import value_slips

Slips = Iterator[tuple[Mistake, Array]]
Fits = Callable[[Mapping[int, Array]], bool]
_OF_UPSTREAM = {"upstream-forgotten", "upstream-squared", "mask-of-upstream", "dropped"}
_COMMON = (0.0, 1.0, 2.0, 3.0)  # numbers that say nothing of where they were taken from
_FACTORS = (("sign", -1.0), ("double", 2.0), ("half", 0.5))


def slips(workings: Workings, cell: Cell, points: Sequence[Values], fits: Fits) -> tuple[Mistake, ...]:
    """The slips in a cell that give what `fits`: predicted values of the cell, one for each of the points.

    The points are values of all cells, those that the cell needs as the learner has them.
    """
    for tier in _TIERS:
        named = _fitting(workings, cell, points, fits, tier)
        if named:
            return named if len(named) <= MOST_NAMED else ()
    return ()


Tier = Callable[[Workings, Cell, Values], Slips]


def _fitting(
    workings: Workings, cell: Cell, points: Sequence[Values], fits: Fits, tier: Tier
) -> tuple[Mistake, ...]:
    with np.errstate(all="ignore"):
        first, *others = [dict(tier(workings, cell, values)) for values in points]
    return tuple(
        mistake
        for mistake in first
        if all(mistake in predicted for predicted in others)
        and fits(dict(enumerate(predicted[mistake] for predicted in (first, *others))))
    )


# --- those of the rule itself -------------------------------------------------------------------


def rule_slips(workings: Workings, cell: Cell, values: Values) -> Slips:
    """A wrong rule for the cell, and the right one times a plain factor."""
    right = workings.work_out(cell, values)
    yield from _by_kind(workings, cell, values, right)
    for code, factor in _FACTORS:
        yield Mistake(code), factor * right
    for n in _lengths(workings, cell):
        yield Mistake.of("mean-lost", n=n), n * right
        yield Mistake.of("mean-doubled", n=n), right / n
    for mistake, move in moves(right.shape):
        yield mistake, move(right)


def _by_kind(workings: Workings, cell: Cell, values: Values, right: Array) -> Slips:
    if cell.kind is Kind.VALUE:
        yield from value_slips(workings, cell, values)
    elif cell.kind is Kind.UPDATE:
        yield from update_slips(workings, cell, values)
    elif cell.kind is Kind.LOCAL:
        assert cell.edge
        yield from _local_slips(workings, cell.edge, values)
    elif cell.edge is not None:
        yield from _edge_slips(workings, cell, cell.edge, values)
    else:
        yield from _sum_slips(cell, values)


def _lengths(workings: Workings, cell: Cell) -> set[int]:
    """How many elements a mean may have been taken of."""
    nodes = [cell.node, *(cell.edge[:2] if cell.edge else ())]
    nodes += [arg for node in nodes for arg in workings.graph.args[node]]
    return {length for node in nodes for length in workings.graph.shapes[node] if length > 2}


class _Rule(NamedTuple):
    """The rule of an op of whole arrays as a Jacobian: what it makes of an upstream gradient."""

    workings: Workings
    cell: Cell
    values: Values
    upstream: str

    def pull(self, upstream: ErrorBound) -> ErrorBound:
        """What the rule makes of it."""
        return ErrorBound.exact(
            self.workings.work_out(self.cell, {**self.values, self.upstream: upstream.value})
        )

    def magnitude(self, upstream: Array) -> Array:
        """The absolute value of the same."""
        return np.abs(self.pull(ErrorBound.exact(upstream)).value)


def sample_of(workings: Workings, edge: Edge, values: Values, local: Array | None, cell: Cell) -> EdgeSample:
    """The edge with the values around it; without a local derivative its slope is its rule."""
    graph, node = workings.graph, edge.consumer
    args = tuple(workings.value_of(arg, values) for arg in graph.args[node])
    upstream = workings.gradient_keys[node]
    shape = graph.shapes[edge.arg]
    slope = (
        _Rule(workings, cell, values, upstream)
        if local is None
        else DiagonalJacobian(ErrorBound.exact(np.broadcast_to(local, graph.shapes[node])), shape)
    )
    return EdgeSample(
        graph.ops[node],
        graph.settings[node],
        edge.position,
        args,
        workings.value_of(node, values),
        np.asarray(values[upstream]),
        slope,
        shape,
    )


def _local_slips(workings: Workings, edge: Edge, values: Values) -> Slips:
    """Those of a local derivative alone."""
    cell = workings.cells[workings.local_keys[edge]]
    local = workings.work_out(cell, values)
    sample = sample_of(workings, edge, values, local, cell)
    sample = sample._replace(upstream=np.ones(np.shape(local)), shape=np.shape(local))
    for mistake, wrong in predictions(sample):
        if mistake.code not in _OF_UPSTREAM and mistake.code != "unchanged":
            yield mistake, wrong
    yield from _chain_slips(workings, edge, values)


def _edge_slips(workings: Workings, cell: Cell, edge: Edge, values: Values) -> Slips:
    """Those of upstream × local, with the local derivative as it is."""
    upstream = np.asarray(values[workings.gradient_keys[edge.consumer]])
    shape = workings.graph.shapes[edge.arg]
    local = workings.local_at(edge, values) if edge.local is not None else None
    sample = sample_of(workings, edge, values, local, cell)
    yield from predictions(sample)
    if local is None:
        yield from _operand_slips(workings, edge, values, upstream, shape)
        return
    for mistake, wrong in _chain_slips(workings, edge, values):
        yield mistake, summed_to(np.asarray(upstream * wrong), shape)
    yield from _product_for_chain(workings, edge, values, shape)
    if upstream.shape == shape == np.shape(local):
        yield Mistake("added-not-multiplied"), upstream + local


def _operand_slips(
    workings: Workings, edge: Edge, values: Values, upstream: Array, shape: Sequence[int]
) -> Slips:
    """Of a product of vectors: its own value in place of the other factor."""
    if workings.graph.ops[edge.consumer].name == "matmul" and upstream.ndim == 0:
        own = workings.value_of(edge.arg, values)
        if own.shape == tuple(shape):
            yield Mistake.of("swapped", op="@"), upstream * own


def _chain_slips(workings: Workings, edge: Edge, values: Values) -> Slips:
    """Those of the chain rule: the outer derivative at the inner one, and a function taken apart.

    From catalogues of students' errors: f′(g′(t)) for f′(g(t)), and f(a·b) = f(a)·f(b).
    """
    graph, inner = workings.graph, edge.arg
    op = graph.ops[edge.consumer]
    slope_at = _slope(workings, edge)
    if slope_at is None:
        return
    if len(graph.args[edge.consumer]) == 2:  # of functions of one argument it is known already
        yield Mistake.of("at-output", op=op.name), slope_at(workings.value_of(edge.consumer, values))
    for arg in graph.args[inner]:
        if arg in workings.value_keys and graph.shapes[arg] == graph.shapes[inner]:
            facts = {"op": op.name, "wrong": str(workings.query.named(arg))}
            yield Mistake.of("derivative-at", **facts), slope_at(workings.value_of(arg, values))
    for below in workings.edges_from.get(inner, ()):
        if below.local is not None:
            yield Mistake.of("at-inner-derivative", op=op.name), slope_at(workings.local_at(below, values))
    parts = [workings.value_of(arg, values) for arg in graph.args[inner]]
    if graph.ops[inner].name in ("add", "sub", "mul", "div") and len(parts) == 2:
        slopes = [slope_at(part) for part in parts]
        yield Mistake.of("taken-apart", op=op.name), np.asarray(graph.ops[inner].value(*slopes))


def _slope(workings: Workings, edge: Edge) -> Callable[[Array], Array] | None:
    """The derivative of an op as a function of its one argument that is no constant; None for others."""
    graph, node = workings.graph, edge.consumer
    op, args = graph.ops[node], graph.args[node]
    if (
        not op.local
        or not op.elementwise
        or any(arg != edge.arg and arg not in graph.constants for arg in args)
    ):
        return None

    def slope(x: Array) -> Array:
        at = [np.broadcast_to(x if arg == edge.arg else graph.constants[arg], np.shape(x)) for arg in args]
        return rule_at(op, edge.position, at, np.asarray(op.value(*at)))

    return None if args.count(edge.arg) > 1 else slope


def _product_for_chain(workings: Workings, edge: Edge, values: Values, shape: Sequence[int]) -> Slips:
    """∘ taken for ·: f(g(x)) derived as f(x)·g(x) would be, f′(x)·g(x) + f(x)·g′(x)."""
    graph, inner = workings.graph, edge.consumer
    outer = [other for other in workings.query.ledger.edges if other.arg == inner]
    if len(outer) != 1 or _slope(workings, edge) is None:
        return
    slope_at, node = _slope(workings, outer[0]), outer[0].consumer
    if slope_at is None or graph.shapes[edge.arg] != graph.shapes[node]:
        return
    x = workings.value_of(edge.arg, values)
    args = [x if arg == inner else graph.constants[arg] for arg in graph.args[node]]
    at_x = np.asarray(graph.ops[node].value(*args))
    slope = slope_at(x) * workings.value_of(inner, values) + at_x * workings.local_at(edge, values)
    upstream = np.asarray(values[workings.gradient_keys[node]])
    yield Mistake("product-for-chain"), summed_to(np.asarray(upstream * slope), tuple(shape))


def _sum_slips(cell: Cell, values: Values) -> Slips:
    """Those of adding over paths."""
    terms = {key: np.asarray(values[key]) for key in cell.needs}
    whole = np.asarray(sum(terms.values()))
    for key, term in terms.items():
        yield Mistake("dropped").on(f"`{key}`"), whole - term
        yield Mistake("sign").on(f"`{key}`"), whole - 2 * term
        yield Mistake("double").on(f"`{key}`"), whole + term
        if len(terms) > 2:
            yield Mistake.of("one-path", path=key), term
    yield Mistake("paths-multiplied"), np.prod(list(terms.values()), axis=0)
    yield Mistake.of("paths-averaged", n=len(terms)), whole / len(terms)


# --- those of other cells, and of the formula ---------------------------------------------------


def other_slips(workings: Workings, cell: Cell, values: Values) -> Slips:
    """A slip in the formula of a rule; the number of another cell, copied."""
    if cell.edge is not None:
        yield from _formula_slips(workings, cell, cell.edge, values)
    shape = np.shape(workings.work_out(cell, values))
    for other in workings.cells.values():
        if other.key == cell.key or np.shape(values[other.key]) != shape:
            continue
        if other.kind is Kind.VALUE and not np.isin(np.abs(values[other.key]), _COMMON).all():
            yield Mistake.of("value-of", value=other.key), np.asarray(values[other.key])
        elif other.kind is Kind.GRADIENT and other.edge is not None:
            name = workings.query.names().get(other.node, other.key)
            yield Mistake.of("other-gradient", other=name), np.asarray(values[other.key])


def _formula_slips(workings: Workings, cell: Cell, edge: Edge, values: Values) -> Slips:
    local = workings.local_at(edge, values) if edge.local is not None else None
    sample = sample_of(workings, edge, values, local, cell)
    if cell.kind is Kind.LOCAL and local is not None:
        sample = sample._replace(upstream=np.ones(local.shape), shape=local.shape)
    yield from slip_mistakes(sample)


def signed_slips(workings: Workings, cell: Cell, values: Values) -> Slips:
    """A slip of the rule, and a wrong sign on top of it."""
    right = workings.work_out(cell, values)
    for mistake, wrong in _by_kind(workings, cell, values, right):
        yield Mistake.of("both", first=mistake, second=Mistake("sign")), -wrong


_TIERS: tuple[Tier, ...] = (rule_slips, other_slips, signed_slips)
