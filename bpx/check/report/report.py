"""The report of a check: what it found, with its JSON contract and every form."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bpx.check.report.blame import Blame, Twin
from bpx.check.report.blocks import report_blocks
from bpx.check.report.cases import short_text, suite
from bpx.check.report.entry import Entry, LocalRow, Verdict
from bpx.check.report.figures import heat_maps, listing
from bpx.check.report.gradient_table import withheld
from bpx.check.report.options import HintLevel, hint_level
from bpx.check.report.results import MOST_ENTRIES, CheckResults
from bpx.graph.arrays import Array
from bpx.render.blocks import Block
from bpx.render.forms import form_named
from bpx.render.junit import Suite
from bpx.render.plain_data import plain_value
from bpx.render.shown import Shown
from bpx.words.arguments import checked
from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.guards.faults import helped
from bpx.words.say import visible

if TYPE_CHECKING:
    from bpx.render.page.report import ReportPage
    from bpx.render.picture.picture import Picture


@dataclass(frozen=True, repr=False, eq=False)
class Report(CheckResults, Shown):
    """What a check found."""

    kind: ClassVar[str] = "gradcheck"
    # Of the graph that was checked, with what a report says of it.
    drawing: Callable[[CheckResults], Picture] | None = field(default=None, compare=False)
    # Of a cause, its slip in numbers that are none of those.
    twins: Callable[[Blame, Collection[float]], Twin | None] | None = field(default=None, compare=False)

    @checked
    def hint(self, level: int) -> Report:
        """The report with as much as a hint of this level says, from 1 (where) to 5 (everything).

        Below 4 nothing in it gives the answer away, in any form. Raises `BpxError` for another level.
        """
        level = min(hint_level(level), self.level)
        if level == HintLevel.NUMBERS:
            return self
        twins, faults = helped(self._twins, [None] * len(self.blame), "no-twin")
        return replace(
            self,
            columns=tuple(column.withheld for column in self.columns),
            local=tuple(map(_withheld_row, self.local)) if level > HintLevel.PLACE else (),
            blame=tuple(one.hint(level, twin) for one, twin in zip(self.blame, twins, strict=True)),
            notes=(*self.notes, *faults),
            why=None,
            level=level,
        )

    def _twins(self) -> list[Twin | None]:
        """The slip of each cause in other numbers, none of which is a right one of this report."""
        right = _right_numbers(self)
        return [self.twins and self.twins(one, right) for one in self.blame]

    def blocks(self) -> list[Block]:
        """The answer, who is to blame, the entries, the rules checked alone, the notes, a line to sum up."""
        return report_blocks(self)

    def picture(self) -> Picture:
        """The graph, with what was found marked. Raises `BpxError` where there is no graph."""
        if self.drawing is None:
            raise BpxError([Diagnostic("draw-of-code", None, {"name": self.output}, "draw-forward")])
        return self.drawing(self)

    def report_page(self) -> ReportPage:
        """The report as a page, with the picture where there is one that can be laid out."""
        from bpx.render.page.report import ReportPage

        maps = heat_maps(self.columns) if self.has_numbers else []
        listings = [listing(culprit.code) for culprit in self.blame if culprit.code]
        return ReportPage(self.blocks(), maps, listings, self.drawing(self) if self.drawing else None)

    def suite(self) -> Suite:
        """A test case for each culprit and for each entry, or for each input where there are too many."""
        return suite(self)

    @checked
    def to_junit(self, strict: bool | None = None) -> str:
        """The report as JUnit XML; `strict` makes a failure of everything but agreement."""
        report = self if strict is None else replace(self, strict=strict)
        return form_named("junit", self.kind).text(report)

    def to_dict(self) -> dict[str, Any]:
        """The JSON contract, version 1: numbers in full, non-finite ones as text."""
        shown = self.shown()
        return {
            "bpx": 1,
            "kind": self.kind,
            "title": self.title,
            "output": self.output,
            "verdict": self.verdict,
            "reason": self.reason.text if self.reason else None,
            "detect": self.detect,
            "order": self.order,
            **({} if self.has_numbers else {"hint": int(self.level)}),
            "points": {"checked": self.points, "skipped": self.skipped},
            "places": [
                {"point": point, "inputs": _plain(inputs)} for point, inputs in self.odd_places(shown).items()
            ],
            "claims": [row.to_dict() for row in self.claims],
            "unmoved": list(self.unmoved),
            **({"upstream": _plain(self.upstream)} if self.upstream else {}),
            "total": self.total,
            "counts": self.counts,
            "certified": self.certified,
            "inputs": [column.to_dict() for column in self.columns],
            "entries": [entry.to_dict() | ({} if self.has_numbers else _hidden(entry)) for entry in shown],
            "left_out": self.left_out,
            "rules": {"agree": self.sound, "of": len(self.local)},
            "local": [_row_dict(row) for row in self.local],
            "blame": [culprit.to_dict() for culprit in self.blame],
            "innocent": list(self.innocent),
            "unexplained": self.unexplained,
            "diagnostics": [note.to_dict() for note in self.notes],
            **({"why": self.why.to_dict()} if self.why else {}),
        }

    @checked
    def raise_if_wrong(self, strict: bool = False) -> None:
        """Raise `AssertionError` with a short report where entries disagree or, if `strict`, do not agree."""
        if not self and (strict or self.verdict == Verdict.DISAGREE.word):
            raise AssertionError(self.short())

    def short(self) -> str:
        """The report in at most 20 lines: the answer, the causes, a line for each input, how to repeat it."""
        return short_text(self)

    def __repr__(self) -> str:
        """A short line; the report may be long."""
        return f"<bpx.Report {visible(self.output)}: {self.verdict}, {self.total} entries>"


def _plain(values: Mapping[str, Array]) -> dict[str, Any]:
    return {name: plain_value(value) for name, value in values.items()}


def _right_numbers(report: Report) -> set[float]:
    """What must not be shown where the right gradient is withheld."""
    return {
        float(number) for column in report.columns for number in np.unique(column.reference)[:MOST_ENTRIES]
    }


def _withheld_row(row: LocalRow) -> LocalRow:
    """A local derivative without its numbers; a wrong one as it was stated."""
    claimed = row.claimed if row.verdict is Verdict.DISAGREE else np.nan
    reason = row.reason and withheld(row.reason)
    return row._replace(claimed=claimed, reference=np.nan, error=np.nan, reason=reason, between=None)


def _hidden(entry: Entry) -> dict[str, None]:
    """What JSON has in place of numbers that are withheld."""
    names = ("reference", "error", "difference", "digits", *(["claimed"] if entry.own else []))
    return dict.fromkeys(names)


def _row_dict(row: LocalRow) -> dict[str, Any]:
    return row.to_dict() | ({"claimed": None} if np.isnan(row.claimed) and np.isnan(row.reference) else {})
