"""What is stated of one gradient, and what becomes of it, entry by entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.report.entry import Reason, Verdict
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.graph.arrays import Array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Indices = NDArray[np.intp]


class Claimed(NamedTuple):
    """A gradient that somebody states: its value, how far off its last written digit lets it be.

    `exactly` gives it in many digits where it is a formula; None where there are only the numbers.
    """

    value: Array
    tolerance: Array
    exactly: Callable[[], Any] | None = None
    is_rule: bool = False  # bpx's own, by the rules of the graph


def by_rule(point: CheckedGraph, node: int) -> Claimed:
    """The gradient of a node as the rules of the graph give it."""
    zeros = np.zeros(point.graph.shapes[node])
    return Claimed(point.stated_gradient(node), zeros, lambda: point.stated_exactly(node), is_rule=True)


class Evaluation:
    """The entries of one gradient while their verdicts are being found; elements go by flat index."""

    def __init__(self, point: CheckedGraph, node: int, stated: Claimed, reference: ErrorBound) -> None:
        self.point, self.node, self.stated, self.reference = point, node, stated, reference
        self.verdicts = np.full(reference.value.shape, Verdict.CANNOT_TELL, dtype=np.int8)
        self.reasons: dict[int, Reason] = {}
        self.between: dict[int, tuple[float, float]] = {}

    def part(self, values: Any, flat: Indices) -> Array:
        """Those elements of something of the node's shape."""
        found: Array = np.broadcast_to(values, self.verdicts.shape).reshape(-1)[flat]
        return found

    def near(self, flat: Indices, reference: Array) -> Array:
        """What is stated, moved towards the reference as far as its last written digit lets it."""
        claimed, room = self.part(self.stated.value, flat), self.part(self.stated.tolerance, flat)
        return np.where(room > 0, np.clip(reference, claimed - room, claimed + room), claimed)

    def put(self, flat: Indices, verdicts: Any, value: Any, error: Any) -> None:
        """Write down what was found of these elements."""
        self.verdicts.reshape(-1)[flat] = verdicts
        self.reference.value.reshape(-1)[flat] = value
        self.reference.error.reshape(-1)[flat] = error

    def give_reason(self, flat: Indices, reason: Reason) -> None:
        """The same reason for all of these elements."""
        self.reasons.update(dict.fromkeys(flat.tolist(), reason))
