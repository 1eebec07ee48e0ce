"""Claimed formulas at other points than the given one, and who is to blame if they are right only there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from bpx.check.claimed_formulas import FormulaPoint, compared
from bpx.check.numeric.tolerances import FEWEST_FORMULA_POINTS, FORMULA_LOOKS
from bpx.check.report.blame import Blame
from bpx.check.report.entry import Verdict
from bpx.check.report.gradient_table import GradientTable
from bpx.check.report.results import ClaimResult
from bpx.check.spec_check import SpecCheck
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.check.whole.evaluation import Claimed
from bpx.check.whole.sample_points import unmoved
from bpx.check.whole.sources import evaluated
from bpx.passes.domain import value_problems


class _Look(NamedTuple):
    """The whole check at one point: the tables of the nodes whose claim was looked at."""

    checked: CheckedGraph
    claimed: Mapping[int, Claimed]
    tables: Mapping[int, GradientTable]

    @property
    def refuted(self) -> list[int]:
        """The nodes whose claim disagrees."""
        return [node for node, column in self.tables.items() if column.claimed_verdict is Verdict.DISAGREE]


class FormulaCheck:
    """The formulas claimed in a check at `check.points`; `tables` are what the given point gave."""

    def __init__(self, check: SpecCheck, tables: Sequence[GradientTable]) -> None:
        self.check = check
        self.here = {check.wrt[column.input]: column.claimed_verdict for column in tables}
        anywhere = check.in_graph.anywhere if check.claims else {}
        self.formulas = {node: anywhere[node] for node in self.here if node in anywhere}

    @cached_property
    def points(self) -> list[FormulaPoint]:
        """The points, with a first comparison."""
        if not self.formulas:
            return []
        return [*compared(self.check.template, self.formulas, self.check.points)]

    @cached_property
    def looks(self) -> dict[int, _Look]:
        """The whole check at points where a formula differs from bpx's own gradient, by their number.

        Formulas that are refuted already, here or at an earlier point, are not looked at again.
        """
        looks: dict[int, _Look] = {}
        open_nodes = [node for node in self.formulas if self.here[node] is not Verdict.DISAGREE]
        for point in self.points:
            differing = [node for node in open_nodes if not point.alike.get(node, True)]
            if differing and len(looks) < FORMULA_LOOKS:
                looks[point.number] = look = self.look(point, differing)
                open_nodes = [node for node in open_nodes if node not in look.refuted]
        return looks

    def look(self, point: FormulaPoint, nodes: Sequence[int]) -> _Look:
        """The check of the formulas for some nodes at one point."""
        checked, claimed = self.check.checked(point.input_values, False)
        tables: dict[int, GradientTable] = {}
        if not value_problems(self.check.spec, checked.values):
            for node in nodes:
                evaluation = evaluated(checked, self.name(node), node, claimed[node])
                tables[node] = self.check.table(checked, evaluation)
        return _Look(checked, claimed, tables)

    def name(self, node: int) -> str:
        """What is reported of the node stands under this name."""
        return self._names[node]

    @cached_property
    def _names(self) -> dict[int, str]:
        return {node: name for name, node in reversed([*self.check.wrt.items()])}  # the first of several

    @cached_property
    def refuted(self) -> dict[int, int]:
        """Nodes whose formula the given point does not refute → the number of the first point that does."""
        first: dict[int, int] = {}
        for number, look in self.looks.items():
            for node in look.refuted:
                first.setdefault(node, number)
        return first

    def wrong_already(self, number: int) -> list[int]:
        """The nodes whose formula the given point refutes, and that is no other at this one."""
        alike = next(point.alike for point in self.points if point.number == number)
        return [
            node for node, here in self.here.items() if here is Verdict.DISAGREE and not alike.get(node, True)
        ]

    def agreed(self, node: int) -> int:
        """At how many points the formula is right."""
        looked_at = [look.tables[node].claimed_verdict for look in self.looks.values() if node in look.tables]
        return sum(point.alike.get(node, False) for point in self.points) + looked_at.count(Verdict.AGREE)

    def results(self) -> Iterator[ClaimResult]:
        """A row for each node with claims."""
        for node, here in self.here.items():
            if node in self.formulas:
                agreed = self.agreed(node)
                elsewhere = self.verdict(node, agreed)
                kept = unmoved(self.check.spec, self.check.points) if self.check.points else []
                refuted = self.refuted.get(node)
                yield ClaimResult(self.name(node), here, elsewhere, agreed, refuted, True, tuple(kept))
            elif node in self.check.claims:
                yield ClaimResult(self.name(node), here)

    def verdict(self, node: int, agreed: int) -> Verdict | None:
        """That on the formula at all points together; None where the given one refutes it, and some other."""
        if node in self.refuted:
            return Verdict.DISAGREE
        if self.here[node] is Verdict.DISAGREE and agreed < len(self.points):
            return None
        return Verdict.AGREE if agreed >= FEWEST_FORMULA_POINTS else Verdict.CANNOT_TELL

    def tables(self) -> Iterator[tuple[int, GradientTable]]:
        """What refutes formulas that are right at the given point, each with the number of the point."""
        for node in self.refuted:
            number = self.refuted[node]
            yield number, self.looks[number].tables[node]

    def blame(self) -> tuple[list[Blame], list[str]]:
        """Who is to blame for them, and the names of those that only inherit an error."""
        blame: dict[str, Blame] = {}
        innocent: dict[str, None] = {}  # as an ordered set
        names = [self.check.spec.names[node] for node in self.refuted]
        for number in sorted({self.refuted[node] for node in self.refuted}):
            look = self.looks[number]
            wrong = [*look.refuted, *self.wrong_already(number)]
            culprits, others = self.check.blame_claims([(look.checked, look.claimed)], wrong)
            blame |= {culprit.node: culprit for culprit in culprits if culprit.node in names}
            innocent |= dict.fromkeys(name for name in others if name in names)
        return list(blame.values()), [name for name in innocent if name not in blame]
