"""What is left of a gradient at a kink: the slopes on either side, along axes and along lines between.

At a kink the whole graph is followed to either side, so that conventions of single ops, which need not
compose, play no part. A claim must lie between the slopes of the two sides; claims for several inputs
must fit together along the lines between them too (trap: a tie counted twice).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from bpx.check.numeric.differences import OneSided, one_sided
from bpx.check.numeric.polytopes import beyond_lines
from bpx.check.numeric.tolerances import JUMP_ROUNDINGS, KINK_MIXTURES, LIMIT_STEPS, MOST_PAIRS, SAFETY_FACTOR
from bpx.check.whole.graph_function import Coordinate, Direction, GraphFunction, Slices
from bpx.graph.arrays import Array, Flags


class OneSidedSlopes(NamedTuple):
    """Slopes to the left and to the right, each within `error`; `jump` where the value itself breaks."""

    left: Array
    right: Array
    error: Array
    jump: Flags

    def of(self, which: Flags) -> OneSidedSlopes:
        """Those of some of the coordinates."""
        return OneSidedSlopes(self.left[which], self.right[which], self.error[which], self.jump[which])

    @property
    def low(self) -> Array:
        """The smaller slope."""
        return np.minimum(self.left, self.right)

    @property
    def high(self) -> Array:
        """The larger slope."""
        return np.maximum(self.left, self.right)

    @property
    def differ(self) -> Flags:
        """Is there no derivative?"""
        return self.jump | ~(self.high - self.low <= SAFETY_FACTOR * self.error + 1e-9 * np.abs(self.high))


def sides(graph_function: GraphFunction, at: list[Coordinate]) -> OneSidedSlopes:
    """Both slopes along each coordinate."""
    x = np.array([graph_function.input_values[node].flat[flat] for node, flat in at])
    return _both(graph_function, graph_function.coordinates(at), x)


def along(graph_function: GraphFunction, directions: list[Direction]) -> OneSidedSlopes:
    """Both slopes along each direction; to the left is against it."""
    return _both(graph_function, graph_function.lines(directions), np.zeros(len(directions)))


def contradiction(
    graph_function: GraphFunction, at: list[Coordinate], claimed: Array, tolerance: Array, most: int
) -> bool:
    """Can `claimed` not be the gradient of any side, though each entry lies between its own slopes?

    Says no where that cannot be proved. At most `most` lines are looked at; `tolerance` is how far off the
    last written digit lets each claim be.
    """
    # The axes are there for the bend alone: each claim is known to lie between its own slopes.
    shares = np.concatenate([np.eye(len(at)), _mixtures(len(at))])[:most]
    lines = along(graph_function, [direction(graph_function, at, share) for share in shares])
    # 1e-7 of a claim is what a verdict lets pass as well: SLACK of the default `detect`.
    room = np.abs(shares) @ (tolerance + 1e-7 * np.abs(claimed))
    bar = SAFETY_FACTOR * lines.error
    return not lines.jump.any() and beyond_lines(shares @ claimed, lines.left, lines.right, bar, room)


def _both(graph_function: GraphFunction, function: Slices, x: Array) -> OneSidedSlopes:
    left, right = one_sided(function, x, -1), one_sided(function, x, 1)
    here = _here(graph_function)
    # What may hide in the value is rounding of the largest number met, not of the output alone.
    largest = JUMP_ROUNDINGS * graph_function.rounding
    jump = left.jumps(here, largest) | right.jumps(here, largest)
    for which in np.flatnonzero(~jump & (left.jumps(here, 0.0) | right.jumps(here, 0.0))).tolist():
        jump[which] = _jumps(function, which, float(x[which]), here, (left, right))
    return OneSidedSlopes(left.slope, right.slope, np.maximum(left.error, right.error), jump)


def _jumps(function: Slices, which: int, x: float, here: float, both: tuple[OneSided, OneSided]) -> bool:
    """Is the step between both sides, or to one of them, more than rounding, however large the numbers met?

    1 / max(|x|, tiny) is huge at 0, but no sum takes it up: so in the gradient of a norm.
    """
    # A bound that follows the rounding; it takes a jump for rounding where that could have chosen the side.
    at_x = function.rounding(which, x)
    rooms = [JUMP_ROUNDINGS * _room(function, which, x, side) for side in both]
    left, right = both
    apart = right.jumps(left.limit, SAFETY_FACTOR * left.limit_error + sum(rooms))
    to_here = [side.jumps(here, room + JUMP_ROUNDINGS * at_x) for side, room in zip(both, rooms, strict=True)]
    return bool(apart[which] or any(jump[which] for jump in to_here))


def _room(function: Slices, which: int, x: float, side: OneSided) -> float:
    """How far rounding may have moved the limit of one side, by the point that shows it best."""
    rooms = []
    for factor in LIMIT_STEPS:
        offset = factor * (side.nearest[which] - x)
        value = function(np.array([[x + offset]]), np.array([which]))[0][0, 0]
        missed = abs(value - side.limit[which] - side.slope[which] * offset)
        rooms.append(missed + function.rounding(which, x + offset))
    return float(min(rooms))


def _here(graph_function: GraphFunction) -> float:
    # By the same code as the values beside it: a sum in another order would round in another way.
    zero = np.zeros((1, 1))
    values, _ = graph_function.lines(
        [{node: np.zeros(value.shape) for node, value in graph_function.input_values.items()}]
    )(zero, np.array([0]))
    return float(values[0, 0])


def _mixtures(count: int) -> Array:
    """Sums and differences of two coordinates, all together, and random mixtures; one a row."""
    rows = [np.ones(count)]
    # Pairs grow with the square of the count: only those of the first few coordinates.
    for i, j in combinations(range(min(count, MOST_PAIRS)), 2):
        for sign in (1.0, -1.0):
            row = np.zeros(count)
            row[i], row[j] = 1.0, sign
            rows.append(row)
    # The same lines in every run: a report must not change from one run to the next.
    rng = np.random.default_rng(0)
    return np.array([*rows, *rng.normal(size=(KINK_MIXTURES, count))])


def direction(graph_function: GraphFunction, at: Sequence[Coordinate], share: Array) -> Direction:
    """The direction that moves each coordinate by its share."""
    shares = {node: np.zeros(graph_function.input_values[node].shape) for node, _ in at}
    for (node, flat), amount in zip(at, share, strict=True):
        shares[node].flat[flat] = amount
    return shares
