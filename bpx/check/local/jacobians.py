"""Slopes: how one arg of one node takes part in the node's value, in the forms a Jacobian can have."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bpx.check.local.reverse_sweep import Slope
from bpx.check.local.structural_rule import StructuralRule
from bpx.check.numeric.error_bound import UNIT, ErrorBound, summed_to
from bpx.check.report.entry import Reason, Verdict
from bpx.graph.arrays import Array, Shape
from bpx.passes.reverse import Edge


class DiagonalJacobian(NamedTuple):
    """A diagonal Jacobian: a slope for each element of the consumer."""

    slope: ErrorBound
    shape: Shape  # of the arg

    def pull(self, upstream: ErrorBound) -> ErrorBound:
        """Upstream times slope, summed over what was broadcast."""
        return upstream.times(self.slope).summed_to(self.shape)

    def size(self, upstream: Array) -> Array:
        """The same of absolute values."""
        return summed_to(upstream * np.abs(self.slope.value), self.shape)


class LinearMap(NamedTuple):
    """The rule of an op for one of its args; `loss` is how much of it rounding may take, relatively.

    When it is `trusted`, what rounding did to the other args counts too.
    """

    rule: StructuralRule
    position: int
    loss: float = UNIT
    trusted: bool = False

    def pull(self, upstream: ErrorBound) -> ErrorBound:
        """What the rule makes of it."""
        found = upstream.pulled(lambda one: self.rule(self.position, one), self.size, self.loss)
        if not self.trusted:
            return found
        return found._replace(error=found.error + self.rule.blurred(self.position, upstream.value))

    def size(self, upstream: Array) -> Array:
        """The same of absolute values."""
        return self.rule.size(self.position, upstream)


class ZeroJacobian(NamedTuple):
    """No slope at all: of an arg that only chooses between others, as the number of a class does."""

    shape: Shape  # of the arg

    def pull(self, upstream: ErrorBound) -> ErrorBound:
        """Nothing, for certain."""
        return ErrorBound.exactly(np.zeros(self.shape))

    def size(self, upstream: Array) -> Array:
        """The same of absolute values."""
        return np.zeros(self.shape)


class DenseJacobian(NamedTuple):
    """A Jacobian in full: `slope` has axes (carried, of the arg, of the consumer).

    `mixed` are the axes along which elements influence each other; along the others they are carried.
    """

    slope: ErrorBound
    shape: Shape  # of the arg
    mixed: tuple[int, ...]

    def pull(self, upstream: ErrorBound) -> ErrorBound:
        """The transposed Jacobian times upstream."""
        carried, _, outs = self.slope.value.shape
        rows = (to_rows(one, self.mixed, len(self.shape)).reshape(carried, 1, outs) for one in upstream)
        products = ErrorBound(*rows).times(self.slope)
        return ErrorBound(*(from_rows(one.sum(axis=2), self.mixed, self.shape) for one in products))

    def size(self, upstream: Array) -> Array:
        """The same of absolute values."""
        sized = self._replace(slope=ErrorBound.exactly(np.abs(self.slope.value)))
        return sized.pull(ErrorBound.exactly(upstream)).value


class UnboundedJacobian(NamedTuple):
    """A slope that could not be found: what the rule says, and no bound on how wrong that is."""

    stated: Slope

    def pull(self, upstream: ErrorBound) -> ErrorBound:
        """What the rule makes of it."""
        found = self.stated.pull(upstream)
        return found._replace(error=np.full(found.value.shape, np.inf))

    def size(self, upstream: Array) -> Array:
        """The same of absolute values."""
        return np.abs(self.stated.pull(ErrorBound.exactly(upstream)).value)


def everywhere(slope: Slope, consumer: Shape) -> Slope:
    """The slope with a 1 wherever elements meet at all, though it be 0 at the values met.

    `consumer` is the shape of the node that the slope is of.
    """
    if isinstance(slope, DiagonalJacobian):
        return slope._replace(slope=ErrorBound.exactly(np.ones(consumer)))
    if isinstance(slope, DenseJacobian):
        return slope._replace(slope=ErrorBound.exactly(np.ones(slope.slope.value.shape)))
    if isinstance(slope, LinearMap):
        return slope._replace(rule=slope.rule.of_ones())
    return everywhere(slope.stated, consumer) if isinstance(slope, UnboundedJacobian) else slope


class CheckedEdge(NamedTuple):
    """One edge alone: its slope by differences, the one its rule states, and how they compare.

    The numbers are those of the worst element, or (for ops without a local derivative) of what is
    handed back for a random upstream gradient.
    """

    edge: Edge
    trusted: Slope | None  # None where differences could not be taken
    stated: Slope
    claimed: float
    reference: float
    error: float
    verdict: Verdict
    reason: Reason | None = None
    between: tuple[float, float] | None = None  # the one-sided slopes at a kink


def to_rows(value: Array, mixed: tuple[int, ...], ndim: int) -> Array:
    """An array as (carried, mixed): the carried axes in order, then the mixed ones, if they are there."""
    carried = [axis for axis in range(ndim) if axis not in mixed]
    if not carried:
        return value.reshape(1, -1)
    if value.ndim < ndim:  # the mixed axes were summed away
        return value.reshape(-1, 1)
    lengths = [value.shape[axis] for axis in carried]
    return np.transpose(value, (*carried, *mixed)).reshape(int(np.prod(lengths, dtype=int)), -1)


def from_rows(rows: Array, mixed: tuple[int, ...], shape: Shape) -> Array:
    """Back from (carried, mixed) to an array of `shape`."""
    order = [*(axis for axis in range(len(shape)) if axis not in mixed), *mixed]
    return np.transpose(rows.reshape([shape[axis] for axis in order]), np.argsort(order))
