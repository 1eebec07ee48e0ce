"""Sheets that were graded, as people see them and as rows for a teacher."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from bpx.check.report.options import HintLevel
from bpx.render.blocks import Block, Cell, Heading, Headline, Lines, table
from bpx.render.shown import Shown
from bpx.spec.practice.cells.verdicts import Judgement, Verdict
from bpx.spec.practice.code.grade_code import CodeGrading
from bpx.spec.practice.grade import Grading
from bpx.spec.practice.hints import hints, named
from bpx.words.diagnostic import Diagnostic
from bpx.words.say import cut, say

COLUMNS = ("sheet", "topic", "seed", "cell", "answer", "verdict", "credit", "mistake", "because")


@dataclass(frozen=True, eq=False)
class Graded(Shown):
    """Graded sheets by name; `level` is how much is said of what is wrong."""

    kind: ClassVar[str] = "practice"

    sheets: tuple[tuple[str, Grading | CodeGrading], ...]
    level: HintLevel = HintLevel.KIND
    leads: bool = False  # hints lead to mistakes that were not found
    unreadable: tuple[tuple[str, tuple[Diagnostic, ...]], ...] = ()  # sheets, and why they cannot be read

    @property
    def is_right(self) -> bool:
        """Is everything answered, and rightly?"""
        return not self.unreadable and all(grading.is_right for _, grading in self.sheets)

    @property
    def problems(self) -> tuple[Diagnostic, ...]:
        """What could not be read."""
        of_answers = (problem for _, grading in self.sheets for problem in grading.problems)
        of_sheets = (problem for _, problems in self.unreadable for problem in problems)
        return (*of_sheets, *of_answers)

    def rows(self) -> list[dict[str, Any]]:
        """A row for each sheet and cell, and one for each sheet that cannot be read."""
        unread = {"verdict": "unreadable", "credit": 0}
        return [
            *self._rows(),
            *({**dict.fromkeys(COLUMNS, ""), "sheet": name, **unread} for name, _ in self.unreadable),
        ]

    def _rows(self) -> list[dict[str, Any]]:
        return [
            {
                "sheet": name,
                "topic": grading.exercise.topic,
                "seed": grading.exercise.seed,
                "cell": judgement.key,
                "answer": judgement.text,
                "verdict": judgement.verdict.value,
                "credit": int(judgement.counts),
                "mistake": "; ".join(mistake.text for mistake in self._named(judgement)),
                "because": self._because(judgement),
            }
            for name, grading in self.sheets
            for judgement in self._said(grading)
        ]

    def to_dict(self) -> dict[str, Any]:
        """The JSON contract, version 1: no right answers below the level of formulas."""
        return {
            "bpx": 1,
            "kind": self.kind,
            "level": int(self.level),
            "sheets": [self._plain(name, grading) for name, grading in self.sheets],
            "unreadable": [name for name, _ in self.unreadable],
            "diagnostics": [problem.to_dict() for problem in self.problems],
        }

    def _plain(self, name: str, grading: Grading | CodeGrading) -> dict[str, Any]:
        return {
            "sheet": name,
            "title": grading.exercise.title,
            "right": grading.right,
            "of": grading.of,
            "answers": [
                {
                    "cell": judgement.key,
                    "answer": judgement.text,
                    "verdict": judgement.verdict.value,
                    "credit": judgement.counts,
                    "codes": [mistake.code for mistake in self._named(judgement)],
                    "mistakes": [mistake.text for mistake in self._named(judgement)],
                    "because": self._because(judgement) or None,
                    "hints": [*map(str, self._hints(grading, judgement))],
                }
                for judgement in self._said(grading)
            ],
        }

    def _said(self, grading: Grading | CodeGrading) -> list[Judgement]:
        """What was missed says where it is: it is left out where no hint is asked for."""
        shown = self.leads or self.level >= HintLevel.FORMULA
        return [
            judgement for judgement in grading.judgements if shown or judgement.verdict is not Verdict.MISSED
        ]

    def _because(self, judgement: Judgement) -> str:
        """Where a number is carried from; of a sheet with mistakes that would be where one is."""
        return "" if judgement.innocent and self.level < HintLevel.FORMULA else judgement.because

    def _named(self, judgement: Judgement) -> list[Any]:
        return (
            [named(mistake, self.level) for mistake in judgement.mistakes]
            if self.level >= HintLevel.KIND
            else []
        )

    def _hints(self, grading: Grading | CodeGrading, judgement: Judgement) -> Iterator[Cell]:
        if judgement.verdict not in (Verdict.WRONG, Verdict.MISSED):
            return
        if isinstance(grading, CodeGrading):
            yield from grading.hints(judgement, self.level)
        else:
            yield from hints(grading.exercise, judgement, self.level)

    # --- what people see ---

    def blocks(self) -> list[Block]:
        """A table of the answers, and what there is to say of those that are wrong, sheet by sheet."""
        right, of = (sum(getattr(grading, name) for _, grading in self.sheets) for name in ("right", "of"))
        blocks: list[Block] = [Headline(say("practice.score", right=right, count=of))]
        blocks += self._overview()
        for name, grading in self.sheets:
            if len(self.sheets) > 1:
                blocks.append(
                    Heading(say("practice.score-of", name=name, right=grading.right, count=grading.of))
                )
            blocks += self._of_sheet(grading)
        return blocks

    def _overview(self) -> Iterator[Block]:
        """Of several sheets, how many answers of each are right."""
        if len(self.sheets) + len(self.unreadable) > 1:
            scores = [[name, str(grading.right), str(grading.of)] for name, grading in self.sheets]
            unread = [[name, say("practice.unreadable"), ""] for name, _ in self.unreadable]
            yield table(["sheet", "right-answers", "of-answers"], [*scores, *unread], right={1, 2})

    def _of_sheet(self, grading: Grading | CodeGrading) -> Iterator[Block]:
        said = self._said(grading)
        if said:
            rows = [
                [judgement.key, cut(judgement.text), say(f"practice.verdict-{judgement.verdict}")]
                for judgement in said
            ]
            yield table(["cell", "answer", "verdict"], rows)
        lines = [line for judgement in said for line in self.remarks(grading, judgement)]
        missed = sum(judgement.verdict is Verdict.MISSED for judgement in grading.judgements)
        if missed:
            lines.append(say("practice.missed", count=missed))
        if lines:
            yield Lines(tuple(lines))

    def remarks(self, grading: Grading | CodeGrading, judgement: Judgement) -> Iterator[Cell]:
        """What there is to say of one answer."""
        if judgement.verdict in (Verdict.CARRIED, Verdict.TRIVIAL):
            facts = {"cell": judgement.key, "because": judgement.because}
            yield say(f"practice.{judgement.verdict.value}", **facts)
        for problem in judgement.problems:
            yield say("practice.not-judged", cell=judgement.key, reason=problem.message)
        yield from self._hints(grading, judgement)
