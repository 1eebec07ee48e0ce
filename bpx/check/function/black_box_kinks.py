"""Kinks of a black box by several coordinates: do the claims fit one side, or several, together?"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from bpx.check.function.black_box_evaluation import BlackBoxEvaluation
from bpx.check.function.black_box_rows import BlackBoxRows, slanting
from bpx.check.numeric.differences import DerivativeStatus
from bpx.check.numeric.polytopes import beyond_lines, inside
from bpx.check.numeric.tolerances import (
    BESIDE_BLACK_BOX,
    BLACK_BOX_LIMITS,
    BLACK_BOX_MIXTURES,
    DIFFERENCE_BESIDE,
    LOOKS_BESIDE,
    MOST_KINKED,
    ONE_SIDE,
    SAFETY_FACTOR,
    SAME_BESIDE,
    SLACK,
)
from bpx.check.report.entry import Verdict
from bpx.check.report.evidence import Obstacle
from bpx.graph.arrays import Array, Indices


class BlackBoxKinks:
    """Claims that fit each between its own slopes may fit no side together; others may fit one after all."""

    def __init__(self, rows: BlackBoxRows, evaluation: BlackBoxEvaluation, rng: np.random.Generator) -> None:
        self.rows, self.evaluation, self.rng = rows, evaluation, rng

    def look(self) -> None:
        """Look at the kinks of each row together."""
        for row in range(len(self.rows.upstreams)):
            kinked = self.evaluation.at_kink(row)
            # Pairs of coordinates grow with the square of their count: only the first are looked at.
            if len(kinked) > 1 and self._contradicted(row, kinked[:MOST_KINKED]):
                self.evaluation.evidence.put(self.evaluation.at(row, kinked), contradiction=True)
        self._look_beside()

    def _contradicted(self, row: int, kinked: list[int]) -> bool:
        """Whether the claims are the gradient of no side."""
        directions = np.array(list(self._mixed(kinked)))
        # Directions are 0 off the kinks, but 0 times an unclaimed nan would be nan.
        claims = np.nan_to_num(self.evaluation.claimed[row])
        left, right, bar = (part[row] for part in self._slopes(directions))
        room = SLACK * self.evaluation.detect * (np.abs(directions) @ np.abs(claims))
        return beyond_lines(directions @ claims, left, right, bar, room)

    def _slopes(self, directions: Array) -> tuple[Array, Array, Array]:
        """The slopes (R, D) to the left and to the right along directions, and their bar; nan if unknown."""
        # A claim that is soon confirmed would leave its one-sided slopes unknown.
        no_claims = np.full((len(self.rows.upstreams), len(directions)), np.nan)
        estimate = self.rows.estimate([slanting(direction) for direction in directions], no_claims)
        kink, smooth = (estimate.status == status for status in (DerivativeStatus.KINK, DerivativeStatus.OK))
        left, right, error = (
            np.where(kink, side, np.where(smooth, value, np.nan))
            for side, value in (
                (estimate.left, estimate.value),
                (estimate.right, estimate.value),
                (estimate.side_error, estimate.error),
            )
        )
        return left, right, SAFETY_FACTOR * error

    def _mixed(self, coordinates: list[int]) -> Iterator[Array]:
        """Directions: the axes, sums and differences of two coordinates, all of them, random mixtures."""
        # The axes are there for the bend alone: each claim is known to lie between its own slopes.
        yield from (self._spread([one], np.ones(1)) for one in coordinates)
        for pair in combinations(coordinates, 2):
            for sign in (1.0, -1.0):
                yield self._spread(list(pair), np.array([1.0, sign]))
        yield self._spread(coordinates, np.ones(len(coordinates)))
        for _ in range(BLACK_BOX_MIXTURES):
            yield self._spread(coordinates, self.rng.normal(size=len(coordinates)))

    def _spread(self, coordinates: list[int], amounts: Array) -> Array:
        direction = np.zeros(len(self.rows.x))
        direction[coordinates] = amounts
        return direction

    # --- gradients beside the point ----------------------------------------------------------

    def _look_beside(self) -> None:
        """Are claims that disagree the gradient right beside the point, or a mixture of several?

        |x + y| - |x - y| has the slope 0 along both axes at 0, and the gradient (2, 0) to the right of it.
        """
        wrong = self.evaluation.verdicts == Verdict.DISAGREE
        kinks = np.broadcast_to(self.evaluation.evidence.kink, wrong.shape)
        rows = np.flatnonzero(wrong.any(axis=1))
        concerned = (wrong | kinks)[rows].any(axis=0)
        # A kink need not show along the axes of those with a right slope there.
        others = np.setdiff1d(self.rows.claimed_coordinates, np.flatnonzero(concerned))
        chosen = np.concatenate([np.flatnonzero(concerned), others])[:MOST_KINKED]
        if len(rows) and len(chosen) > 1 and self._is_bent(rows, chosen):
            directions = self._random(chosen, BLACK_BOX_LIMITS, -1.0)
            left, right, bar = self._slopes(directions)
            directions = np.concatenate([directions, -directions])
            slopes, bar = np.concatenate([right, -left], axis=1), np.concatenate([bar, bar], axis=1)
            limits = self._limits(chosen, directions)
            for row in rows.tolist():
                part = _borne_out(limits[row], directions[:, chosen], slopes[row], bar[row])
                self._compare(row, chosen, part)

    def _is_bent(self, rows: Indices, chosen: Indices) -> bool:
        """Does some slope along a slanting line differ from what the slopes along the axes make of it?"""
        part = self.evaluation.evidence.part(self.evaluation.at(rows[:, np.newaxis], chosen))
        if np.any(part.kink):
            return True
        directions = self._random(chosen, LOOKS_BESIDE, 0.5)
        left, right, bar = (slopes[rows] for slopes in self._slopes(directions))
        shares = directions[:, chosen].T
        total, size = part.value @ shares, np.abs(part.value) @ np.abs(shares)
        room = bar + SAFETY_FACTOR * part.error @ np.abs(shares) + ONE_SIDE * size
        return bool(((np.abs(left - total) > room) | (np.abs(right - total) > room)).any())

    def _random(self, chosen: Indices, count: int, least: float) -> Array:
        """Directions (count, N) with shares from `least` to 1 of each coordinate's own size."""
        directions = np.zeros((count, len(self.rows.x)))
        directions[:, chosen] = self.rng.uniform(least, 1.0, (count, len(chosen)))
        return directions * self._sizes

    @property
    def _sizes(self) -> Array:
        return np.asarray(np.maximum(np.abs(self.rows.x), 1.0))

    def _limits(self, chosen: Indices, directions: Array) -> Array:
        """The gradients (R, D, chosen) a little way off in these directions, by central differences."""
        x, steps = self.rows.x, np.zeros((len(chosen), len(self.rows.x)))
        steps[np.arange(len(chosen)), chosen] = DIFFERENCE_BESIDE * self._sizes[chosen]
        ends = [x + BESIDE_BLACK_BOX * way + sign * step
                for way in directions for step in steps for sign in (1, -1)]  # fmt: skip
        values = self.rows.outputs(ends).reshape(len(directions), len(chosen), 2, -1)
        widths = np.array([np.ptp([x + step, x - step], axis=0).max() for step in steps])
        quotients = (values[:, :, 0] - values[:, :, 1]) / widths[:, np.newaxis]
        return np.asarray(np.moveaxis(quotients, -1, 0))

    def _compare(self, row: int, chosen: Indices, limits: Array) -> None:
        """Whether the claims lie among gradients beside the point (n, chosen)."""
        if not len(limits):
            return
        claimed = self.evaluation.claimed[row, chosen]
        wrong = chosen[self.evaluation.verdicts[row, chosen] == Verdict.DISAGREE]
        at = self.evaluation.at(row, wrong)
        slack = SAME_BESIDE * np.maximum(np.abs(claimed), np.abs(limits).max())
        if inside(claimed, [limits], slack):
            self.evaluation.evidence.put(at, limiting=True)
        elif _misses_some(limits, slack):
            self.evaluation.evidence.put(at, obstacle=Obstacle.MANY_SIDES)


def _borne_out(limits: Array, directions: Array, slopes: Array, bar: Array) -> Array:
    """The gradients (D, n) that give the slope along the direction in which they were met.

    Not so one that was met beside a further kink.
    """
    total, size = (limits * directions).sum(axis=1), np.abs(limits * directions).sum(axis=1)
    return np.asarray(limits[np.abs(total - slopes) <= bar + SAME_BESIDE * size])


def _misses_some(limits: Array, slack: Array) -> bool:
    """Is there likely to be a side that no direction led to, as there is one that only one led to?

    The chance to meet a new one is about the share of those met once: I. J. Good, The population frequencies
    of species and the estimation of population parameters (Biometrika 40, 1953).
    """
    same = (np.abs(limits[:, np.newaxis] - limits) <= slack).all(axis=-1)
    return bool((same.sum(axis=1) == 1).any())
