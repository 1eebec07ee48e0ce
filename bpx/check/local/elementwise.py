"""Elementwise ops checked alone: each rule against differences of the op's own forward function.

Three sources, each where the one before leaves a question open: differences in float64 for all elements at
once, one-sided slopes for those at a kink, and many digits for a few that are undecided or seem wrong.

Convention: flat arrays over all elements of an `ElementwiseBatch`; a verdict for each element, of which the
worst stands for the edge.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bpx.check.local.elementwise_batch import ElementwiseBatch
from bpx.check.local.jacobians import CheckedEdge, DiagonalJacobian
from bpx.check.local.rounding_error import ends_of
from bpx.check.numeric.differences import derivative, one_sided
from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.numeric.tolerances import (
    EPSILON,
    MOST_MULTIPRECISION_ELEMENTS,
    RULE_PERTURBATIONS,
    SAFETY_FACTOR,
    WITNESSES,
)
from bpx.check.report.entry import Reason, Verdict
from bpx.check.report.verdict import decide
from bpx.graph.arrays import Array
from bpx.passes.reverse import Edge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Indices = NDArray[np.intp]

KINKS = ("kink",)  # kinds of guards where an op is defined, but not differentiable
EDGES = ("positive", "nonnegative", "nonzero")  # and where its domain ends


class _PartialSlopes(NamedTuple):
    """The slopes of a batch by one arg; all fields flat."""

    value: Array
    error: Array
    rounding_error: Array  # how far rounding of the args may have moved the slope
    spread: Array  # half of what the one-sided slopes differ by, at kinks
    verdicts: NDArray[np.int8]
    digits_lost: Flags


def check_elementwise(
    batch: ElementwiseBatch,
    edges: Sequence[Edge],
    values: Mapping[int, Array],
    kinked: Flags,
    outside: Flags,
    rounding_errors: Mapping[int, Array],
    detect: float,
) -> Iterator[CheckedEdge]:
    """Check the edges from nodes of the batch.

    `values` holds those of the nodes and of the edges' local derivatives, `rounding_errors` how far rounding
    may have moved the values of nodes and args. `kinked` and `outside` flag the elements (flat) that are at a
    kink and outside the domain. `detect` is the smallest relative error that must be seen.
    """
    errors = batch.flat(rounding_errors)
    out_error = np.concatenate([np.ravel(rounding_errors[node]) for node in batch.nodes])
    for position in range(len(batch.op.args)):
        by_node = {edge.consumer: edge for edge in edges if edge.position == position}
        if by_node:
            claimed = _claims(batch, by_node, values)
            # No flow into some of the args of some nodes: their elements are left out.
            queried = np.concatenate([np.full(np.size(values[n]), n in by_node) for n in batch.nodes])
            partial = _PartialDerivative(batch, position, claimed, out_error, detect)
            slopes = partial.check(queried, kinked, outside, errors)
            for edge in by_node.values():
                yield _checked(batch, edge, claimed, slopes)


def _claims(batch: ElementwiseBatch, by_node: Mapping[int, Edge], values: Mapping[int, Array]) -> Array:
    """The local derivatives that the rule states, flat; nan where no edge asks for them."""
    claimed = np.full(batch.out.shape, np.nan)
    for node, edge in by_node.items():
        assert edge.local is not None
        claimed[batch.slices[node]] = np.broadcast_to(values[edge.local], batch.graph.shapes[node]).ravel()
    return claimed


class _PartialDerivative:
    """All elements of a batch by one arg: their slopes, and what these say of the rule."""

    def __init__(
        self, batch: ElementwiseBatch, position: int, claimed: Array, out_error: Array, detect: float
    ) -> None:
        self.batch, self.position, self.claimed = batch, position, claimed
        self.out_error, self.detect = out_error, detect
        size = claimed.size
        self.value, self.error, self.spread = np.full(size, np.nan), np.zeros(size), np.zeros(size)
        self.verdicts = np.full(size, Verdict.OUTSIDE_DOMAIN, dtype=np.int8)
        self.digits_lost = np.zeros(size, dtype=bool)

    def check(self, queried: Flags, kinked: Flags, outside: Flags, errors: Sequence[Array]) -> _PartialSlopes:
        """The slopes of the `queried` elements; `errors` are those of the args, flat."""
        if self.position in self.batch.op.chooses:
            self.choice()
        else:
            self.smooth(np.flatnonzero(queried & ~kinked & ~outside))
            self.at_kinks(np.flatnonzero(queried & kinked & ~outside))
        # At a kink rounding decides between the sides, which the spread accounts for.
        rounding_error = np.where(kinked, 0.0, self.moved_slopes(errors))
        sources = (self.value, self.error, rounding_error, self.spread)
        return _PartialSlopes(*sources, self.verdicts, self.digits_lost)

    def choice(self) -> None:
        """What chooses between the other args does not measure: there is no slope by it."""
        self.value[:] = 0.0
        self.verdicts[:] = np.where(self.claimed == 0, Verdict.AGREE, Verdict.DISAGREE)

    # --- smooth elements: differences, then many digits for a few ---

    def smooth(self, columns: Indices) -> None:
        """Elements off every kink, inside the domain."""
        if not columns.size:
            return
        claimed, x = self.claimed[columns], self.batch.args[self.position][columns]
        estimate = derivative(self.batch.along(self.position, columns), x, claimed=claimed)
        # On the flat side of a kink the slope is 0, and its error bar must not widen the sums it enters. What
        # is flat without a kink, like tanh far out, may only have lost its digits.
        zero = estimate.flat & (claimed == 0) & self.batch.has_kinks
        unknown = ~np.isfinite(estimate.value) & np.isfinite(claimed)
        value = np.select([zero, unknown], [0.0, claimed], estimate.value)
        error = np.select([zero, unknown], [0.0, np.inf], estimate.error)
        self.value[columns], self.error[columns] = value, error
        self.verdicts[columns] = decide(
            claimed,
            value,
            error,
            detect=self.detect,
            slope_scale=estimate.slope_scale,
            claim_noise=self.claim_noise(columns),
            flat=estimate.flat,
        )
        undecided = (self.verdicts[columns] == Verdict.CANNOT_TELL) | (estimate.flat & ~zero)
        self.in_many_digits(columns[undecided][:MOST_MULTIPRECISION_ELEMENTS])
        self.wrong_in_many_digits(columns)

    def wrong_in_many_digits(self, columns: Indices) -> None:
        """A few witnesses of the elements that disagree; the others too, where one of these does not."""
        wrong = columns[self.verdicts[columns] == Verdict.DISAGREE][:MOST_MULTIPRECISION_ELEMENTS]
        # A wrong rule is wrong at thousands of elements, for one reason: many digits cost 1 ms for each.
        witnesses, others = wrong[:WITNESSES], wrong[WITNESSES:]
        self.in_many_digits(witnesses)
        if (self.verdicts[witnesses] != Verdict.DISAGREE).any():
            self.in_many_digits(others)

    def in_many_digits(self, columns: Indices) -> None:
        """The forward and the rule once more, in many digits; nothing changes where these cannot be had."""
        if not columns.size:
            return
        from bpx.check.local.elementwise_exact import slope_and_rule

        for column in columns:
            exact = slope_and_rule(self.batch, self.position, column, abs(float(self.claimed[column])))
            if exact is None:
                continue
            slope, right = exact
            self.value[column], self.error[column] = slope, EPSILON * abs(slope)
            at = slice(column, column + 1)
            verdict = decide(self.claimed[at], self.value[at], self.error[at], detect=self.detect)[0]
            # A right formula is right, though its float64 value be off for want of digits.
            self.digits_lost[column] = right and verdict != Verdict.AGREE
            self.verdicts[column] = Verdict.AGREE if right else verdict

    # --- rounding ---

    def moved_slopes(self, errors: Sequence[Array]) -> Array:
        """How far the rule moves, flat, when the args move as far as rounding may have moved them.

        The reference is the slope at the args as they were rounded, the truth that at the exact ones.
        """
        batch, largest = self.batch, np.zeros(self.value.shape)
        here = batch.locals_at(self.position, batch.args, np.asarray(batch.op.value(*batch.args)))
        for ends in ends_of(batch.args, errors):
            there = batch.locals_at(self.position, ends, np.asarray(batch.op.value(*ends)))
            largest = np.maximum(largest, np.nan_to_num(np.abs(there - here), nan=np.inf))
        return largest

    def claim_noise(self, columns: Indices) -> Array:
        """How far the rule's own value moves when its args and out are off by a unit of rounding.

        Where the reference is better than the claim, the claim's own rounding would be the false alarm.
        """
        args, out = [arg[columns] for arg in self.batch.args], self.batch.out[columns]
        moved = [
            self.batch.locals_at(
                self.position,
                [arg * (1 + EPSILON * arg_units) for arg in args],
                out * (1 + EPSILON * out_units),
            )
            for arg_units, out_units in RULE_PERTURBATIONS
        ]
        noise: Array = np.max(np.abs(np.array(moved) - self.claimed[columns]), axis=0)
        return np.where(np.isfinite(noise), noise, 0.0)

    # --- elements at kinks ---

    def at_kinks(self, columns: Indices) -> None:
        """One-sided slopes; a claim between them is as right as can be.

        That interval is Clarke's generalized gradient of a function of one variable (Clarke, Optimization and
        Nonsmooth Analysis, Wiley 1983, section 2.1). Value and spread are its middle and half its width.
        """
        if not columns.size:
            return
        claimed, x = self.claimed[columns], self.batch.args[self.position][columns]

        def forward(points: Array, chosen: Indices) -> tuple[Array, Flags]:
            values = self.batch.value(self.position, points, columns[chosen])
            values = np.broadcast_to(values, points.shape)
            return values, np.isfinite(values)

        left, right = one_sided(forward, x, -1), one_sided(forward, x, 1)
        # Both the value and the limit are off by as much as rounding has moved them.
        here, known = self.batch.out[columns], 2 * self.out_error[columns]
        jump = left.jumps(here, known) | right.jumps(here, known)
        low, high = np.minimum(left.slope, right.slope), np.maximum(left.slope, right.slope)
        error = left.error + right.error
        self.value[columns], self.error[columns] = (low + high) / 2, error
        self.spread[columns] = np.where(jump, np.inf, (high - low) / 2)  # at a jump there is no bound
        inside = (claimed >= low - SAFETY_FACTOR * error) & (claimed <= high + SAFETY_FACTOR * error)
        self.verdicts[columns] = np.where(inside | jump, Verdict.KINK, Verdict.DISAGREE)


def _checked(batch: ElementwiseBatch, edge: Edge, claimed: Array, slopes: _PartialSlopes) -> CheckedEdge:
    """What the elements of one node say of its edge, with the numbers of the worst of them."""
    node = edge.consumer
    shape, part = batch.graph.shapes[edge.arg], batch.slices[node]
    error = slopes.error + slopes.rounding_error
    slope = ErrorBound(*(batch.part(node, field) for field in (slopes.value, error, slopes.spread)))
    worst = part.start + _worst(claimed[part], slopes, part)
    verdict = Verdict(int(slopes.verdicts[worst]))
    lost = bool(slopes.digits_lost[worst]) and verdict is Verdict.AGREE
    middle, spread = float(slopes.value[worst]), float(slopes.spread[worst])
    return CheckedEdge(
        edge,
        DiagonalJacobian(slope, shape),
        DiagonalJacobian(ErrorBound.exactly(batch.part(node, claimed)), shape),
        float(claimed[worst]),
        math.nan if spread else middle,  # at a kink there is no one number to compare with
        float(slopes.error[worst]),
        verdict,
        Reason("digits-lost") if lost else None,
        (middle - spread, middle + spread) if 0 < spread < math.inf else None,
    )


def _worst(claimed: Array, slopes: _PartialSlopes, part: slice) -> int:
    """The element of the worst verdict, and of these the one that is relatively off by most."""
    with np.errstate(all="ignore"):
        value = slopes.value[part]
        gap = np.abs(claimed - value) / np.maximum(np.abs(claimed), np.abs(value))
    return int(np.lexsort((-np.nan_to_num(gap), slopes.verdicts[part]))[0])
