"""Kinks of a black box by several coordinates: do the claims fit one side together?"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from bpx.check.function.black_box_evaluation import BlackBoxEvaluation
from bpx.check.function.black_box_rows import BlackBoxRows, slanting
from bpx.check.numeric.differences import DerivativeStatus
from bpx.check.numeric.tolerances import BLACK_BOX_MIXTURES, MOST_KINKED, SAFETY_FACTOR, SLACK
from bpx.graph.arrays import Array


class BlackBoxKinks:
    """Claims that fit each between its own slopes may fit no side together: a tie counted twice."""

    def __init__(self, rows: BlackBoxRows, evaluation: BlackBoxEvaluation, rng: np.random.Generator) -> None:
        self.rows, self.evaluation, self.rng = rows, evaluation, rng

    def look(self) -> None:
        """Look at the kinks of each row together."""
        for row in range(len(self.rows.upstreams)):
            kinked = self.evaluation.at_kink(row)
            # Pairs of coordinates grow with the square of their count: only the first are looked at.
            if len(kinked) > 1 and self._contradicted(row, kinked[:MOST_KINKED]):
                self.evaluation.evidence.put(self.evaluation.at(row, kinked), contradiction=True)

    def _contradicted(self, row: int, kinked: list[int]) -> bool:
        """Whether the claims are the gradient of no side.

        This can be told where the function bends one way along every line, as a maximum does: then the
        claim along a line lies between the line's slopes.
        """
        directions = np.array(list(self._mixed(kinked)))
        # Directions are 0 off the kinks, but 0 times an unclaimed nan would be nan.
        claims = np.nan_to_num(self.evaluation.claimed[row])
        low, high, bar = self._slopes(row, directions)
        bar += SLACK * self.evaluation.detect * (np.abs(directions) @ np.abs(claims))
        one_way = (high >= low - bar).all() or (high <= low + bar).all()
        low, high = np.minimum(low, high) - bar, np.maximum(low, high) + bar
        outside = (directions @ claims < low) | (directions @ claims > high)
        return bool(one_way and outside.any())

    def _slopes(self, row: int, directions: Array) -> tuple[Array, Array, Array]:
        """The slopes to the left and to the right along directions, and their error; nan where unknown."""
        # A claim that is soon confirmed would leave its one-sided slopes unknown.
        no_claims = np.full((len(self.rows.upstreams), len(directions)), np.nan)
        estimate = self.rows.estimate([slanting(direction) for direction in directions], no_claims)
        code = estimate.status[row]
        kink, smooth = code == DerivativeStatus.KINK, code == DerivativeStatus.OK
        left, right, error = (
            np.where(kink, side[row], np.where(smooth, value[row], np.nan))
            for side, value in (
                (estimate.left, estimate.value),
                (estimate.right, estimate.value),
                (estimate.side_error, estimate.error),
            )
        )
        return left, right, SAFETY_FACTOR * error

    def _mixed(self, coordinates: list[int]) -> Iterator[Array]:
        """Directions through several coordinates: sums and differences of two, all of them, random ones."""
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
