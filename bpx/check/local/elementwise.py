"""Elementwise ops checked alone: each rule against differences of the op's own forward function."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpx.check.local.elementwise_batch import ElementwiseBatch
from bpx.check.local.jacobians import CheckedEdge, DiagonalJacobian
from bpx.check.local.rounding_error import ends_of
from bpx.check.numeric.differences import SURE, derivative, one_sided
from bpx.check.numeric.error_bound import UNIT, ErrorBound
from bpx.check.report.entry import Reason, Verdict
from bpx.check.report.verdict import decide
from bpx.graph.arrays import Array
from bpx.passes.reverse import Edge

if TYPE_CHECKING:
    from numpy.typing import NDArray

KINKS = ("kink",)
EDGES = ("positive", "nonnegative", "nonzero")
_MOST_EXACT = 500  # elements of a group that are looked at again with many digits
_WITNESSES = 4  # of elements that disagree; if more digits confirm these, the others are as sure
_NUDGES = ((1, 1), (-1, 1), (1, -1))  # of args and out, in units of rounding


class _Found(NamedTuple):
    """The slopes of a group by one arg, element by element."""

    value: Array
    error: Array
    blur: Array  # how far rounding of the args may have moved the slope
    spread: Array
    verdicts: NDArray[np.int8]
    digits_lost: NDArray[np.bool_]


def check_group(
    group: ElementwiseBatch,
    edges: Sequence[Edge],
    values: Mapping[int, Array],
    kinked: NDArray[np.bool_],
    outside: NDArray[np.bool_],
    blur: Mapping[int, Array],
    detect: float,
) -> Iterator[CheckedEdge]:
    """Check the edges from nodes of the group; `kinked` and `outside` flag its elements.

    `blur` says how far rounding may have moved each value.
    """
    for position in range(len(group.op.args)):
        by_node = {edge.consumer: edge for edge in edges if edge.position == position}
        if by_node:
            claimed = np.full(group.out.shape, np.nan)
            for node, edge in by_node.items():
                assert edge.local is not None
                local = np.broadcast_to(values[edge.local], group.graph.shapes[node])
                claimed[group.slices[node]] = local.ravel()
            asked = np.concatenate([np.full(np.size(values[n]), n in by_node) for n in group.nodes])
            widths, out_blur = group.flat(blur), np.concatenate([np.ravel(blur[n]) for n in group.nodes])
            one_arg = _OneArg(group, position, claimed, out_blur, detect)
            found = one_arg.check(asked, kinked, outside, widths)
            for edge in by_node.values():
                yield _checked(group, edge, claimed, found)


class _OneArg:
    """All elements of a group by one arg: slopes, and what they say of the rule."""

    def __init__(
        self, group: ElementwiseBatch, position: int, claimed: Array, out_blur: Array, detect: float
    ) -> None:
        self.group, self.position, self.claimed = group, position, claimed
        self.out_blur, self.detect = out_blur, detect
        size = claimed.size
        self.value, self.error, self.spread = np.full(size, np.nan), np.zeros(size), np.zeros(size)
        self.verdicts = np.full(size, Verdict.OUTSIDE_DOMAIN, dtype=np.int8)
        self.digits_lost = np.zeros(size, dtype=bool)

    def check(
        self,
        asked: NDArray[np.bool_],
        kinked: NDArray[np.bool_],
        outside: NDArray[np.bool_],
        widths: Sequence[Array],
    ) -> _Found:
        if self.position in self.group.op.chooses:
            self.choice()
        else:
            self.smooth(np.flatnonzero(asked & ~kinked & ~outside))
            self.at_kinks(np.flatnonzero(asked & kinked & ~outside))
        blur = np.where(kinked, 0.0, self.blurred(widths))
        return _Found(self.value, self.error, blur, self.spread, self.verdicts, self.digits_lost)

    def choice(self) -> None:
        """What chooses between the other args does not measure: there is no slope by it."""
        self.value[:] = 0.0
        self.verdicts[:] = np.where(self.claimed == 0, Verdict.AGREE, Verdict.DISAGREE)

    def smooth(self, columns: Any) -> None:
        if not columns.size:
            return
        claimed = self.claimed[columns]
        found = derivative(
            self.group.along(self.position, columns), self.group.args[self.position][columns], claimed=claimed
        )
        # On the flat side of a kink the slope is 0, and no error bar may blur the sums it enters. What is
        # flat without one, like tanh far out, may only have lost its digits.
        zero = found.flat & (claimed == 0) & self.group.has_kinks
        unknown = ~np.isfinite(found.value) & np.isfinite(claimed)
        value = np.select([zero, unknown], [0.0, claimed], found.value)
        error = np.select([zero, unknown], [0.0, np.inf], found.error)
        self.value[columns], self.error[columns] = value, error
        self.verdicts[columns] = decide(
            claimed,
            value,
            error,
            detect=self.detect,
            slope_scale=found.slope_scale,
            claim_noise=self.rounding(columns),
            flat=found.flat,
        )
        open_ = (self.verdicts[columns] == Verdict.CANNOT_TELL) | (found.flat & ~zero)
        self.look_closer(columns[open_][:_MOST_EXACT])
        wrong = columns[self.verdicts[columns] == Verdict.DISAGREE][:_MOST_EXACT]
        self.look_closer(wrong[:_WITNESSES])
        if (self.verdicts[wrong[:_WITNESSES]] != Verdict.DISAGREE).any():
            self.look_closer(wrong[_WITNESSES:])

    def blurred(self, widths: Sequence[Array]) -> Array:
        """How far the rule moves when the args move as far as rounding may have moved them."""
        group, found = self.group, np.zeros(self.value.shape)
        here = group.locals_at(self.position, group.args, np.asarray(group.op.value(*group.args)))
        for ends in ends_of(group.args, widths):
            there = group.locals_at(self.position, ends, np.asarray(group.op.value(*ends)))
            found = np.maximum(found, np.nan_to_num(np.abs(there - here), nan=np.inf))
        return found

    def rounding(self, columns: Any) -> Array:
        """How far the rule's own value moves when its args and out are off by a unit of rounding."""
        args, out = [arg[columns] for arg in self.group.args], self.group.out[columns]
        moved = [
            self.group.locals_at(self.position, [arg * (1 + UNIT * a) for arg in args], out * (1 + UNIT * b))
            for a, b in _NUDGES
        ]
        found: Array = np.max(np.abs(np.array(moved) - self.claimed[columns]), axis=0)
        return np.where(np.isfinite(found), found, 0.0)

    def look_closer(self, columns: Any) -> None:
        """The forward and the rule once more, in many digits."""
        if not columns.size:
            return
        from bpx.check.local.elementwise_exact import slope_and_rule

        for column in columns:
            found = slope_and_rule(self.group, self.position, column, abs(float(self.claimed[column])))
            if found is None:
                continue
            slope, right = found
            self.value[column], self.error[column] = slope, UNIT * abs(slope)
            at = slice(column, column + 1)
            verdict = decide(self.claimed[at], self.value[at], self.error[at], detect=self.detect)[0]
            self.digits_lost[column] = right and verdict != Verdict.AGREE
            self.verdicts[column] = Verdict.AGREE if right else verdict

    def at_kinks(self, columns: Any) -> None:
        """One-sided slopes; a claim between them is as right as can be."""
        if not columns.size:
            return
        claimed, x = self.claimed[columns], self.group.args[self.position][columns]
        here = self.group.out[columns]

        def forward(points: Array, chosen: Any) -> tuple[Array, NDArray[np.bool_]]:
            found = np.broadcast_to(self.group.value(self.position, points, columns[chosen]), points.shape)
            return found, np.isfinite(found)

        left, right = one_sided(forward, x, -1), one_sided(forward, x, 1)
        known = 2 * self.out_blur[columns]
        jump = left.jumps(here, known) | right.jumps(here, known)
        low, high = np.minimum(left.slope, right.slope), np.maximum(left.slope, right.slope)
        error = left.error + right.error
        self.value[columns], self.error[columns] = (low + high) / 2, error
        self.spread[columns] = np.where(jump, np.inf, (high - low) / 2)
        fits = (claimed >= low - SURE * error) & (claimed <= high + SURE * error)
        self.verdicts[columns] = np.where(fits | jump, Verdict.KINK, Verdict.DISAGREE)


def _checked(group: ElementwiseBatch, edge: Edge, claimed: Array, found: _Found) -> CheckedEdge:
    node = edge.consumer
    shape = group.graph.shapes[edge.arg]
    error = found.error + found.blur
    slope = ErrorBound(*(group.part(node, one) for one in (found.value, error, found.spread)))
    worst = group.slices[node].start + _worst(claimed[group.slices[node]], found, group.slices[node])
    verdict = Verdict(int(found.verdicts[worst]))
    lost = bool(found.digits_lost[worst]) and verdict is Verdict.AGREE
    middle, spread = float(found.value[worst]), float(found.spread[worst])
    return CheckedEdge(
        edge,
        DiagonalJacobian(slope, shape),
        DiagonalJacobian(ErrorBound.exactly(group.part(node, claimed)), shape),
        float(claimed[worst]),
        math.nan if spread else middle,
        float(found.error[worst]),
        verdict,
        Reason("digits-lost") if lost else None,
        (middle - spread, middle + spread) if 0 < spread < math.inf else None,
    )


def _worst(claimed: Array, found: _Found, part: slice) -> int:
    with np.errstate(all="ignore"):
        gap = np.abs(claimed - found.value[part]) / np.maximum(np.abs(claimed), np.abs(found.value[part]))
    return int(np.lexsort((-np.nan_to_num(gap), found.verdicts[part]))[0])
