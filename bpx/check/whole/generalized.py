"""Claims at kinks against the generalised gradient as a whole.

Each kinked element takes one convex combination of the slopes of its sides, the same for all that depends on
it: of max(x, y) at a tie only pairs that add up to 1 are right. Where no kinked element bears on another, the
gradients that come out are a sum of polytopes, one for each element; where some do, they lie in the hull of
what the choices of one side each give (a product of convex combinations is one). A claim outside is wrong;
one between gradients met right beside the point is right (Clarke, Optimization and Nonsmooth Analysis,
Wiley 1983, section 2.5).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from typing import NamedTuple

import numpy as np

from bpx.check.local.elementwise_batch import ElementwiseBatch
from bpx.check.local.jacobians import DiagonalJacobian
from bpx.check.local.reverse_sweep import Jacobian, reverse_sweep
from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.numeric.polytopes import inside, outside
from bpx.check.numeric.tolerances import (
    BESIDE_KINK,
    LIMIT_DIRECTIONS,
    MOST_SELECTED,
    MOST_SELECTIONS,
    ONE_SIDE,
    SAFETY_FACTOR,
)
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.check.whole.graph_function import Coordinate, GraphFunction
from bpx.check.whole.one_sided import along, direction
from bpx.graph.arrays import Array, Shape
from bpx.graph.run import run
from bpx.passes.reverse import Edge


class _KinkedElement(NamedTuple):
    """One element of a node at a kink; `sides` (sides, args) are its local derivatives on each side."""

    node: int
    flat: int
    sides: Array

    @property
    def middle(self) -> Array:
        """Equal shares of all sides."""
        return np.asarray(self.sides.mean(axis=0))


class Selections:
    """What the entries `at` come to when every kinked element takes one of its sides, or a mixture."""

    def __init__(self, checked: CheckedGraph, at: Sequence[Coordinate]) -> None:
        self.checked, self.at = checked, at

    def exclude(self, claimed: Array, slack: Array, written: Array) -> bool:
        """Can the entries be `claimed` by no choice at the kinks?

        `slack` is how far off any claim may be. What the last written digit leaves open, `written`, is
        granted to sides and to equal shares of them; of other mixtures there are enough that fit exactly.
        """
        if self.polytopes is None:
            return False
        slack = slack + self.error
        if not outside(claimed, self.polytopes, slack):
            return False
        return not any((np.abs(gradient - claimed) <= written + slack).all() for gradient in self.usual())

    @cached_property
    def elements(self) -> list[_KinkedElement] | None:
        """The kinked elements that bear on the entries; None where some sides are not known."""
        above = self.checked.graph.touched(by=[node for node, _ in self.at], upto=self.checked.query.output)
        elements = []
        for kink in self.checked.kinks:
            edges = [edge for edge in self.checked.ledger.edges if edge.consumer == kink.node]
            if above[kink.node] and edges:
                for flat in np.flatnonzero(kink.mask).tolist():
                    sides = _sides(self.checked, edges, kink.node, flat)
                    if sides is None:
                        return None
                    elements.append(_KinkedElement(kink.node, flat, sides))
        return elements

    @cached_property
    def nested(self) -> bool:
        """Does a kinked element bear on another?"""
        reach = self.checked.reach
        return any(reach[part.node].flat[part.flat] > 0 for part in self.elements or () if part.node in reach)

    @cached_property
    def polytopes(self) -> list[Array] | None:
        """The set that holds all gradients by choices at the kinks; None where these are too many."""
        elements = self.elements
        if elements is None:
            return None
        if math.prod(len(element.sides) for element in elements) <= MOST_SELECTIONS:
            every = product(*(element.sides for element in elements))
            return [np.array([self.gradient(sides) for sides in every])]
        if self.nested or len(elements) > MOST_SELECTED:
            return None
        first = [element.sides[0] for element in elements]
        base = self.gradient(first)
        return [base[np.newaxis], *self.changes(first, base)]

    def changes(self, first: list[Array], base: Array) -> Iterator[Array]:
        """What the other sides of each element change, by themselves."""
        assert self.elements is not None
        for at, element in enumerate(self.elements):
            sides = [self.gradient([*first[:at], side, *first[at + 1 :]]) - base for side in element.sides]
            yield np.array(sides)

    def usual(self) -> Iterator[Array]:
        """The gradients that people's conventions give: sides, and equal shares of them."""
        choices = [[*element.sides, element.middle] for element in self.elements or ()]
        if math.prod(map(len, choices)) <= MOST_SELECTIONS:
            yield from map(self.gradient, product(*choices))
        else:
            # The same convention at every kink.
            yield from (self.gradient([part[at] for part in choices]) for at in (0, 1, -1))

    @property
    def error(self) -> Array:
        """How far the entries may be off besides."""
        bounds = self._swept(self.checked.trusted)
        return np.array([SAFETY_FACTOR * bounds[node].error.flat[flat] for node, flat in self.at])

    def gradient(self, sides: Sequence[Array]) -> Array:
        """The entries for these local derivatives, one array for each kinked element."""
        slopes: dict[Edge, Array] = {}
        trusted = self.checked.trusted
        for element, side in zip(self.elements or (), sides, strict=True):
            edges = (edge for edge in self.checked.ledger.edges if edge.consumer == element.node)
            for edge, slope in zip(edges, side, strict=True):
                if edge not in slopes:
                    slopes[edge] = _slopes(trusted[edge]).copy()
                slopes[edge].flat[element.flat] = slope
        chosen: dict[Edge, Jacobian] = {
            edge: DiagonalJacobian(ErrorBound.exact(value), self.checked.graph.shapes[edge.arg])
            for edge, value in slopes.items()
        }
        bounds = self._swept({**trusted, **chosen})
        return np.array([bounds[node].value.flat[flat] for node, flat in self.at])

    def _swept(self, jacobians: Mapping[Edge, Jacobian]) -> dict[int, ErrorBound]:
        return reverse_sweep(self.checked.ledger.edges, jacobians, self.checked.seed)


def _slopes(jacobian: Jacobian) -> Array:
    assert isinstance(jacobian, DiagonalJacobian)  # ops at kinks are elementwise
    return jacobian.slope.value


def _sides(checked: CheckedGraph, edges: Sequence[Edge], node: int, flat: int) -> Array | None:
    """The local derivatives (sides, edges) around an element at a kink; None at a jump."""
    batch = next(batch for batch in checked.elementwise if node in batch.slices)
    column = batch.slices[node].start + flat
    bounds = [checked.trusted[edge] for edge in edges]
    if not all(isinstance(bound, DiagonalJacobian) for bound in bounds):
        return None
    slopes = [bound.slope for bound in bounds if isinstance(bound, DiagonalJacobian)]
    spread = np.array([slope.spread.flat[flat] for slope in slopes])
    middle = np.array([slope.value.flat[flat] for slope in slopes])
    error = np.array([slope.error.flat[flat] for slope in slopes])
    around = _around(checked, batch, edges, column)
    # A rule that gives more beside the kink than differences do is not to be believed.
    room = spread + SAFETY_FACTOR * error + ONE_SIDE * np.maximum(1.0, np.abs(middle) + spread)
    if not np.isfinite(spread).all() or not len(around) or (np.abs(around - middle) > room).any():
        return None
    return around


def _around(checked: CheckedGraph, batch: ElementwiseBatch, edges: Sequence[Edge], column: int) -> Array:
    """The rule's local derivatives beside the element, those of one side once."""
    rng = np.random.default_rng(0)
    count = len(batch.args)
    corners = np.array(list(product((-1.0, 1.0), repeat=count)))
    directions = np.concatenate([corners, rng.uniform(-1.0, 1.0, (8 * count, count))])
    args = []
    for position, arg in enumerate(batch.args):
        rounding = max(
            float(np.max(checked.rounding_error[checked.graph.args[node][position]], initial=0.0))
            for node in batch.nodes
        )
        step = BESIDE_KINK * max(abs(float(arg[column])), 1.0) + 4 * rounding
        args.append(float(arg[column]) + step * directions[:, position])
    out = np.asarray(batch.op.value(*args), dtype=float)
    columns = [np.broadcast_to(batch.locals_at(edge.position, args, out), out.shape) for edge in edges]
    sides: list[Array] = []
    for side in np.stack(columns, axis=1):
        near = ONE_SIDE * np.maximum(1.0, np.abs(side))
        if np.isfinite(side).all() and not any((np.abs(side - known) <= near).all() for known in sides):
            sides.append(side)
    return np.array(sides)


# --- gradients beside the point -------------------------------------------------------------------


def is_limit(checked: CheckedGraph, at: Sequence[Coordinate], claimed: Array, tolerance: Array) -> bool:
    """Are the entries a mixture of gradients right beside the point?"""
    limits = _limits(checked, at)
    if limits is None or not len(limits):
        return False
    slack = ONE_SIDE * np.maximum(np.abs(claimed), np.abs(limits).max(axis=0))
    return inside(claimed, [limits], tolerance + slack)


def _limits(checked: CheckedGraph, at: Sequence[Coordinate]) -> Array | None:
    """The entries (directions, entries) by the rules, a little way off in random directions.

    Only where they give the slope of the output along their direction: a rule that is wrong, or stands at a
    kink wherever it goes, as that of max(x, x), shows there.
    """
    graph, rng = checked.graph, np.random.default_rng(0)
    gradients = {node: checked.ledger.gradient(node) for node, _ in at}
    targets = {node: expr.id for node, expr in gradients.items() if expr is not None}
    if len(targets) < len(gradients) or any(node not in checked.input_values for node in targets):
        return None
    steps = rng.uniform(-1.0, 1.0, (LIMIT_DIRECTIONS, len(at)))
    steps *= [max(abs(float(checked.input_values[node].flat[flat])), 1.0) for node, flat in at]
    moved = {
        node: np.repeat(value[..., np.newaxis], LIMIT_DIRECTIONS, axis=-1)
        for node, value in checked.input_values.items()
    }
    for column, (node, flat) in enumerate(at):
        moved[node].reshape(-1, LIMIT_DIRECTIONS)[flat] += BESIDE_KINK * steps[:, column]
    values = run(graph, moved, list(targets.values()), batch=True)
    rows = [_rows_of(values[targets[node]], graph.shapes[node])[flat] for node, flat in at]
    limits = np.stack(rows, axis=1)
    function = GraphFunction(graph, checked.query.output, checked.query.seed, checked.input_values)
    slopes = along(function, [direction(function, at, step) for step in steps])
    gap, size = np.abs((limits * steps).sum(axis=1) - slopes.right), np.abs(limits * steps).sum(axis=1)
    borne_out = gap <= SAFETY_FACTOR * slopes.error + ONE_SIDE * size
    return np.asarray(limits[borne_out & ~slopes.jump & np.isfinite(limits).all(axis=1)])


def _rows_of(values: Array, shape: Shape) -> Array:
    """A batched value as (elements, directions)."""
    return np.broadcast_to(values, (*shape, LIMIT_DIRECTIONS)).reshape(-1, LIMIT_DIRECTIONS)
