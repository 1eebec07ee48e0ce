"""What is claimed of one gradient, and what is known of it, entry by entry; entries go by flat index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.numeric.tolerances import EXACT_GRADIENT_EVALUATIONS, FEW_OPERATIONS, LEAST_BAR
from bpx.check.report.entry import Verdict
from bpx.check.report.evidence import Evidence, Obstacle
from bpx.check.report.gradient_table import GradientTable
from bpx.check.report.reasons import table
from bpx.check.report.verdict import Judgement, verdict
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.graph.arrays import Array, Flags, Indices, Shape, is_finite, of_shape
from bpx.graph.run import run
from bpx.passes.domain import refused_in_reverse
from bpx.words.diagnostic import Diagnostic

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bpx.check.whole.exact_gradient import ExactGradient


class Claimed(NamedTuple):
    """A gradient that somebody states: its value, how far off its last written digit lets it be.

    `formula` is its node in the graph that is checked; None where there are only the numbers.
    """

    value: Array
    tolerance: Array
    formula: int | None = None
    is_rule: bool = False  # bpx's own, by the rules of the graph


def by_rule(checked: CheckedGraph, node: int) -> Claimed:
    """The gradient of a node as the rules of the graph give it."""
    zeros, gradient = np.zeros(checked.graph.shapes[node]), checked.by_own_rules.gradient(node)
    formula = None if gradient is None else gradient.id
    return Claimed(checked.claimed_gradient(node), zeros, formula, is_rule=True)


def refused_by_rules(checked: CheckedGraph, nodes: Iterable[int]) -> Diagnostic | None:
    """Why bpx's own gradients of nodes have no value, where an op that they need takes no such args."""
    infinite = [node for node in nodes if not is_finite(checked.claimed_gradient(node))]
    gradients = map(checked.by_own_rules.gradient, infinite)
    exprs = [gradient.id for gradient in gradients if gradient is not None]
    return refused_in_reverse(checked.query.spec, checked.graph, checked.values, exprs) if exprs else None


def table_without_values(name: str, shape: Shape, problem: Diagnostic, detect: float) -> GradientTable:
    """Every entry outside the domain, as `problem` says."""
    evidence = Evidence.nothing(shape, obstacle=Obstacle.NO_VALUE)
    evidence.facts[Obstacle.NO_VALUE.code] = {"problem": problem.message}
    return table(name, np.asarray(np.nan), evidence, detect)


def table_of_lost(name: str, shape: Shape, detect: float) -> GradientTable:
    """Every entry unclear, because the worker that was to look at it died."""
    evidence = Evidence.nothing(shape, obstacle=Obstacle.WORKER_LOST)
    return table(name, np.asarray(np.nan), evidence, detect)


class Evaluation:
    """One gradient of a checked graph: what is claimed of it, and the evidence as far as it is gathered.

    `reference` stays what the reverse sweep gave, whatever better reference the evidence comes to hold.
    """

    def __init__(self, checked: CheckedGraph, name: str, node: int, claimed: Claimed) -> None:
        self.checked, self.name, self.node, self.claimed = checked, name, node, claimed
        self._judged: tuple[Evidence, int, Judgement] | None = None
        shape = checked.graph.shapes[node]
        swept = checked.reference.get(node) or ErrorBound.exact(np.zeros(shape))
        self.reference = ErrorBound(*(of_shape(part, shape) for part in swept))
        value, error, _ = self.reference
        self.evidence = Evidence.of(value, error, tolerance=of_shape(claimed.tolerance, shape))
        if checked.operations <= FEW_OPERATIONS:
            self.evidence.least_bar = LEAST_BAR * self.term_magnitudes
        self.evidence.facts["beyond-budget"] = {"budget": checked.query.budget}
        self.bent = np.zeros(self.evidence.value.size, dtype=bool)  # flat: the entries a kink bears on
        # Of bare numbers it is not known how rounding came into them; of bpx's own, what it takes at kinks.
        self.evidence.variants["claim-noise"] = "uncertain"
        if claimed.is_rule:
            self.evidence.variants["at-kink"] = "at-kink-taken"

    @property
    def size(self) -> int:
        """How many entries there are."""
        return int(self.evidence.value.size)

    @property
    def is_input(self) -> bool:
        """Can the entries be moved one by one?"""
        return self.node in self.checked.input_values

    @cached_property
    def exact_gradient(self) -> ExactGradient | None:
        """All entries in many digits; None where they cannot be had at once, or not for the budget."""
        # Imported here: most checks need no more than float64.
        from bpx.check.whole.exact_gradient import exact_gradient

        return exact_gradient(self.checked, self.node) if self.exact_affordable else None

    @property
    def exact_affordable(self) -> bool:
        """Does the budget allow for all entries in many digits?"""
        operations = EXACT_GRADIENT_EVALUATIONS * self.checked.operations
        return operations <= self.checked.query.budget

    @property
    def verdicts(self) -> NDArray[np.int8]:
        """The verdicts on the evidence so far, flat."""
        return self._judgement.verdicts.reshape(-1)

    @property
    def codes(self) -> NDArray[np.object_]:
        """The codes of the reasons so far, flat."""
        return self._judgement.codes.reshape(-1)

    def entries_with(self, wanted: Verdict) -> Indices:
        """The entries that have this verdict so far."""
        return np.flatnonzero(self.verdicts == wanted)

    @property
    def off(self) -> Indices:
        """The entries that disagree so far with a reference that they have, and that is not proved."""
        known = np.isfinite(self.evidence.value).reshape(-1)
        return np.flatnonzero((self.verdicts == Verdict.DISAGREE) & known & ~self._certified)

    @property
    def open(self) -> Indices:
        """The entries that cannot be told so far, for want of a reference."""
        return np.flatnonzero((self.verdicts == Verdict.CANNOT_TELL) & ~self._certified)

    @property
    def is_proved(self) -> bool:
        """Does a certificate decide every entry?"""
        return bool(self._judgement.certified.all())

    @property
    def is_settled(self) -> bool:
        """Does every entry simply agree? Then later sources, which look at those that do not, find none."""
        return bool(self._judgement.plain.all())

    @property
    def _judgement(self) -> Judgement:
        """That on the evidence so far; every source asks for it, and most write nothing down."""
        evidence = self.evidence
        if self._judged is None or self._judged[:2] != (evidence, evidence.version):
            judgement = verdict(self.claimed.value, evidence, self.checked.query.detect)
            self._judged = (evidence, evidence.version, judgement)
        return self._judged[2]

    def settle(self, evidence: Evidence, judgement: Judgement) -> None:
        """Hold this evidence, flat, and the judgement on it, in place of what was known of the entries."""
        shape, before = self.evidence.shape, self.evidence
        value, error, lowest, highest = (
            field.reshape(shape)
            for field in (evidence.value, evidence.error, evidence.lowest, evidence.highest)
        )
        proof = {"certified": True, "lowest": lowest, "highest": highest}
        self.evidence = Evidence.of(value, error, **proof, tolerance=before.tolerance)
        self.evidence.facts |= before.facts
        self.evidence.variants |= before.variants
        judged = Judgement._make(field.reshape(shape) for field in judgement)
        self._judged = (self.evidence, self.evidence.version, judged)

    @property
    def _certified(self) -> Flags:
        return np.asarray(of_shape(self.evidence.certified, self.evidence.shape)).reshape(-1)

    @property
    def term_magnitudes(self) -> Array:
        """How large the terms are that each entry is the sum of."""
        terms: Array = of_shape(self.checked.term_magnitudes.get(self.node, 0.0), self.evidence.shape)
        return terms

    def formula_on(self, numbers: Mapping[int, Any]) -> Any:
        """The claimed formula on numbers of another class, the inputs; None where it does not run."""
        formula = self.claimed.formula
        if formula is None:
            return None
        try:
            return run(self.checked.graph, numbers, [formula])[formula]
        # A rule may call what knows no such numbers.
        except (TypeError, ValueError, AttributeError, ArithmeticError):
            return None

    def part(self, values: Any, flat: Indices) -> Array:
        """Those entries of something of the node's shape."""
        part: Array = of_shape(values, self.evidence.shape).reshape(-1)[flat]
        return part

    def table(self) -> GradientTable:
        """The verdicts on all entries, with their reasons."""
        detect = self.checked.query.detect
        return table(self.name, self.claimed.value, self.evidence, detect, judgement=self._judgement)
