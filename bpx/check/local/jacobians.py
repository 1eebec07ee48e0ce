"""The forms that a `Jacobian` can have, and what the check of one edge says of it.

Structure is what makes the check of large arrays cheap: a diagonal Jacobian of n elements takes one
perturbation, one of independent slices as many as a slice has elements, a linear map none at all.

Convention: contributions and magnitudes have the shape of the arg, upstream gradients that of the consumer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from bpx.check.local.reverse_sweep import Jacobian, magnitudes, reverse_sweep
from bpx.check.local.structural_rule import StructuralRule
from bpx.check.numeric.error_bound import ErrorBound, summed_to
from bpx.check.numeric.tolerances import EPSILON
from bpx.check.report.entry import Reason, Verdict, shown_bars
from bpx.graph.arrays import Array, Shape
from bpx.passes.reverse import Edge


class DiagonalJacobian(NamedTuple):
    """The Jacobian of an elementwise op: `slope` has an entry for each element of the consumer."""

    slope: ErrorBound
    shape: Shape  # of the arg

    def pull(self, upstream: ErrorBound) -> ErrorBound:
        """Upstream times slope, summed over what was broadcast."""
        return upstream.times(self.slope).summed_to(self.shape)

    def magnitude(self, upstream: Array) -> Array:
        """The same of absolute values."""
        return summed_to(upstream * np.abs(self.slope.value), self.shape)


class LinearMap(NamedTuple):
    """The rule of an op for one of its args, as it is: of the reference, where sketches have certified it.

    `relative_rounding` is how much of its terms the rule may lose. Of a reference, what rounding did to the
    other args counts too: the rule is right for the args as they were rounded, the truth for exact ones.
    """

    rule: StructuralRule
    position: int
    relative_rounding: float = EPSILON
    is_reference: bool = False

    def pull(self, upstream: ErrorBound) -> ErrorBound:
        """What the rule makes of it."""
        contribution = upstream.pulled(
            lambda value: self.rule(self.position, value), self.magnitude, self.relative_rounding
        )
        if not self.is_reference:
            return contribution
        of_args = self.rule.rounding_error(self.position, upstream.value)
        return contribution._replace(error=contribution.error + of_args)

    def magnitude(self, upstream: Array) -> Array:
        """The same of absolute values."""
        return self.rule.magnitude(self.position, upstream)


class ZeroJacobian(NamedTuple):
    """No slope at all: of an arg that only chooses between others, as the number of a class does."""

    shape: Shape  # of the arg

    def pull(self, upstream: ErrorBound) -> ErrorBound:
        """Zeros, for certain."""
        return ErrorBound.exact(np.zeros(self.shape))

    def magnitude(self, upstream: Array) -> Array:
        """The same of absolute values."""
        return np.zeros(self.shape)


class DenseJacobian(NamedTuple):
    """A Jacobian written out, in blocks: `slope` has axes (carried, of the arg, of the consumer).

    `mixed` are the axes along which elements influence each other; along the others, the carried ones, the op
    does the same to each slice alone, so that there is a block for each.
    """

    slope: ErrorBound
    shape: Shape  # of the arg
    mixed: tuple[int, ...]
    terms: Array | None = None  # how large the terms are that each slope is the sum of, if it is one

    def pull(self, upstream: ErrorBound) -> ErrorBound:
        """The transposed Jacobian times upstream."""
        carried, _, outs = self.slope.value.shape
        rows = (to_rows(part, self.mixed, len(self.shape)).reshape(carried, 1, outs) for part in upstream)
        products = ErrorBound(*rows).times(self.slope)
        return ErrorBound(*(from_rows(part.sum(axis=2), self.mixed, self.shape) for part in products))

    def magnitude(self, upstream: Array) -> Array:
        """The same of absolute values."""
        terms = np.abs(self.slope.value) if self.terms is None else self.terms
        absolute = self._replace(slope=ErrorBound.exact(terms))
        return absolute.pull(ErrorBound.exact(upstream)).value


class PartsJacobian(NamedTuple):
    """The chain rule through the parts that an op is written out to: never a matrix, whatever the size.

    `edges` are those of the parts, in the order of their reverse pass, from `root` down to `arg`;
    `consumers` are the shapes of the nodes they start from.
    """

    edges: tuple[Edge, ...]
    jacobians: Mapping[Edge, Jacobian]
    consumers: Mapping[int, Shape]
    root: int
    arg: int

    def pull(self, upstream: ErrorBound) -> ErrorBound:
        """The reverse sweep through the parts."""
        return reverse_sweep(self.edges, self.jacobians, {self.root: upstream})[self.arg]

    def magnitude(self, upstream: Array) -> Array:
        """The same of absolute values."""
        return magnitudes(self.edges, self.jacobians, {self.root: upstream})[self.arg]

    def diagonal(self, mixed: tuple[int, ...]) -> Array:
        """∂out[i]/∂arg[i], for an op that keeps the shape; `mixed` are the axes along which it mixes."""
        shape = self.consumers[self.root]
        place = np.zeros(shape, dtype=np.intp)
        for axis in mixed:
            step = np.arange(shape[axis]).reshape(-1, *[1] * (len(shape) - axis - 1))
            place = place * shape[axis] + step
        diagonal = np.zeros(shape)
        # Slices are independent of each other: one pull serves an element of each.
        for at in range(int(place.max(initial=-1)) + 1):
            basis = np.where(place == at, 1.0, 0.0)
            diagonal += basis * self.pull(ErrorBound.exact(basis)).value
        return diagonal


class UnboundedJacobian(NamedTuple):
    """Where there is no reference: what the rule states, and no bound on how wrong that is."""

    stated_jacobian: Jacobian

    def pull(self, upstream: ErrorBound) -> ErrorBound:
        """What the rule makes of it; the error is infinite."""
        contribution = self.stated_jacobian.pull(upstream)
        return contribution._replace(error=np.full(contribution.value.shape, np.inf))

    def magnitude(self, upstream: Array) -> Array:
        """The absolute value of what the rule makes of it."""
        # Not the magnitude of the rule, which may have none: a rule under test may return anything.
        return np.abs(self.stated_jacobian.pull(ErrorBound.exact(upstream)).value)


def sparsity_pattern(jacobian: Jacobian, consumer: Shape) -> Jacobian:
    """The Jacobian with a 1 wherever elements meet at all, though it be 0 at the values met.

    `consumer` is the shape of the consumer. A relu that is shut at these values may still be the way by which
    a kink bears on an entry.
    """
    if isinstance(jacobian, DiagonalJacobian):
        return jacobian._replace(slope=ErrorBound.exact(np.ones(consumer)))
    if isinstance(jacobian, DenseJacobian):
        return jacobian._replace(slope=ErrorBound.exact(np.ones(jacobian.slope.value.shape)), terms=None)
    if isinstance(jacobian, LinearMap):
        return jacobian._replace(rule=jacobian.rule.of_ones())
    if isinstance(jacobian, PartsJacobian):
        shapes = jacobian.consumers
        patterns = {
            edge: sparsity_pattern(part, shapes[edge.consumer]) for edge, part in jacobian.jacobians.items()
        }
        return jacobian._replace(jacobians=patterns)
    return (
        sparsity_pattern(jacobian.stated_jacobian, consumer)
        if isinstance(jacobian, UnboundedJacobian)
        else jacobian
    )


class CheckedEdge(NamedTuple):
    """One edge alone: its Jacobian by differences, the one its rule states, and how they compare.

    The numbers are those of the worst element, or (for ops without a local derivative) of the contribution
    for a random upstream gradient.
    """

    edge: Edge
    reference_jacobian: Jacobian | None  # None where differences could not be taken
    stated_jacobian: Jacobian
    claimed: float
    reference: float
    error: float
    verdict: Verdict
    reason: Reason | None = None
    between: tuple[float, float] | None = None  # the one-sided slopes at a kink

    @property
    def shown_bar(self) -> float:
        """The error bar of the reference as reports show it."""
        return float(shown_bars(self.reference, self.error))

    @property
    def trusted(self) -> Jacobian:
        """The Jacobian by differences; where there is none, the stated one with an unbounded error."""
        if self.reference_jacobian is None:
            return UnboundedJacobian(self.stated_jacobian)
        return self.reference_jacobian


def agreed_scalar(edge: Edge, at: int, claimed: Array, error: Array, slopes: ErrorBound) -> CheckedEdge:
    """The edge of a scalar off kinks whose rule agrees, at this place in flat arrays.

    There is no worst element to look for and no reason to give, which took a fifth of a check of scalars.
    """
    slope = ErrorBound(slopes.value[at, ...], slopes.error[at, ...], _NO_SPREAD)
    stated = ErrorBound(claimed[at, ...], _NO_SPREAD, _NO_SPREAD)
    return CheckedEdge(
        edge,
        DiagonalJacobian(slope, ()),
        DiagonalJacobian(stated, ()),
        float(claimed[at]),
        float(slopes.value[at]),
        float(error[at]),
        Verdict.AGREE,
    )


_NO_SPREAD = np.zeros(())


def to_rows(value: Array, mixed: tuple[int, ...], ndim: int) -> Array:
    """An array as (carried, mixed): the carried axes in order, then the mixed ones, if they are there."""
    carried = [axis for axis in range(ndim) if axis not in mixed]
    if not carried:
        return value.reshape(1, -1)
    if value.ndim != ndim:  # the mixed axes were summed away, or others stand behind the carried ones
        return value.reshape(math.prod(value.shape[: len(carried)]), -1)
    lengths = [value.shape[axis] for axis in carried]
    return np.transpose(value, (*carried, *mixed)).reshape(int(np.prod(lengths, dtype=int)), -1)


def from_rows(rows: Array, mixed: tuple[int, ...], shape: Shape) -> Array:
    """Back from (carried, mixed) to an array of `shape`."""
    order = [*(axis for axis in range(len(shape)) if axis not in mixed), *mixed]
    return np.transpose(rows.reshape([shape[axis] for axis in order]), np.argsort(order))
