"""What is claimed of one gradient, and what is known of it, entry by entry; entries go by flat index."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.report.entry import Verdict
from bpx.check.report.evidence import Evidence
from bpx.check.report.gradient_table import GradientTable
from bpx.check.report.reasons import table
from bpx.check.report.verdict import verdict
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.graph.arrays import Array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Indices = NDArray[np.intp]


class Claimed(NamedTuple):
    """A gradient that somebody states: its value, how far off its last written digit lets it be.

    `in_multiprecision` gives it in many digits where it is a formula; None where there are only the numbers.
    """

    value: Array
    tolerance: Array
    in_multiprecision: Callable[[], Any] | None = None
    is_rule: bool = False  # bpx's own, by the rules of the graph


def by_rule(checked: CheckedGraph, node: int) -> Claimed:
    """The gradient of a node as the rules of the graph give it."""
    zeros = np.zeros(checked.graph.shapes[node])
    return Claimed(
        checked.claimed_gradient(node), zeros, lambda: checked.claimed_in_multiprecision(node), is_rule=True
    )


class Evaluation:
    """One gradient of a checked graph: what is claimed of it, and the evidence as far as it is gathered.

    `reference` stays what the reverse sweep gave, whatever better reference the evidence comes to hold.
    """

    def __init__(self, checked: CheckedGraph, name: str, node: int, claimed: Claimed) -> None:
        self.checked, self.name, self.node, self.claimed = checked, name, node, claimed
        shape = checked.graph.shapes[node]
        swept = checked.reference.get(node) or ErrorBound.exact(np.zeros(shape))
        self.reference = ErrorBound(*(np.broadcast_to(part, shape) for part in swept))
        value, error, _ = self.reference
        self.evidence = Evidence.of(value, error, tolerance=np.broadcast_to(claimed.tolerance, shape))
        # Of bare numbers it is not known how rounding came into them; of bpx's own, what it takes at kinks.
        self.evidence.variants["claim-noise"] = "uncertain"
        if claimed.is_rule:
            self.evidence.variants["at-kink"] = "at-kink-taken"

    @property
    def is_input(self) -> bool:
        """Can the entries be moved one by one?"""
        return self.node in self.checked.input_values

    @property
    def verdicts(self) -> NDArray[np.int8]:
        """The verdicts on the evidence so far, flat."""
        judgement = verdict(self.claimed.value, self.evidence, self.checked.query.detect)
        return judgement.verdicts.reshape(-1)

    def entries_with(self, wanted: Verdict) -> Indices:
        """The entries that have this verdict so far."""
        return np.flatnonzero(self.verdicts == wanted)

    @property
    def off(self) -> Indices:
        """The entries that disagree so far with a reference that they have."""
        known = np.isfinite(self.evidence.value).reshape(-1)
        return np.flatnonzero((self.verdicts == Verdict.DISAGREE) & known)

    def part(self, values: Any, flat: Indices) -> Array:
        """Those entries of something of the node's shape."""
        part: Array = np.broadcast_to(values, self.evidence.shape).reshape(-1)[flat]
        return part

    def table(self) -> GradientTable:
        """The verdicts on all entries, with their reasons."""
        return table(self.name, self.claimed.value, self.evidence, self.checked.query.detect)
