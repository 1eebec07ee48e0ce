"""The report of a check as plain, frozen data, and the JSON contract it fills.

A verdict is about one entry of one gradient. Everything here is made by the checkers and read by the
renderers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from bpx.check.report.blame import Blame
from bpx.check.report.entry import Entry, LocalRow, Reason, Verdict, rank
from bpx.check.report.gradient_table import GradientTable
from bpx.graph.arrays import Array
from bpx.render.plain_data import plain_value
from bpx.words.diagnostic import Diagnostic

MOST_ENTRIES = 1000  # entries of all inputs together that a report writes out unless it is asked for all
MOST_SHOWN = 10  # entries an input then still shows, the worst


@dataclass(frozen=True, repr=False)
class Report:
    """All that a check found. `columns` hold the entries; `innocent` are nodes that only inherit an error.

    `points` counts the points checked, the given one included; `skipped` those that were drawn outside
    the domain; `places` are the inputs' values at those that were drawn. `detect` is the smallest
    relative error that had to be seen.
    """

    title: str | None
    output: str
    columns: tuple[GradientTable, ...]
    local: tuple[LocalRow, ...] = ()
    blame: tuple[Blame, ...] = ()
    innocent: tuple[str, ...] = ()
    notes: tuple[Diagnostic, ...] = ()
    detect: float = 1e-5
    order: int = 1
    points: int = 1
    skipped: int = 0
    rounded: bool = False  # some claims have few digits, and are judged to these
    places: Mapping[int, Mapping[str, Array]] = field(default_factory=dict)
    all: bool = False  # write out every entry, however many

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many entries have each verdict."""
        found = [column.counts for column in self.columns]
        return {verdict.word: sum(counts[verdict.word] for counts in found) for verdict in Verdict}

    @property
    def total(self) -> int:
        """How many entries were checked."""
        return sum(self.counts.values())

    @property
    def sound(self) -> int:
        """How many rules agree when checked alone."""
        return sum(row.verdict is Verdict.AGREE for row in self.local)

    @cached_property
    def worst(self) -> Entry | None:
        """The worst entry of all."""
        return min((column.worst(1)[0] for column in self.columns), key=rank, default=None)

    @property
    def verdict(self) -> str:
        """The worst verdict of any entry, in words; `agree` where there is nothing to check.

        Somebody to blame is a disagreement, even where the entries do not show it at these values.
        """
        if self.blame:
            return Verdict.DISAGREE.word
        return (self.worst.verdict if self.worst else Verdict.AGREE).word

    @property
    def reason(self) -> Reason | None:
        """Why the worst entry is not fine."""
        return self.worst.reason if self.worst else None

    @property
    def entries(self) -> list[Entry]:
        """Every entry, in order of the inputs."""
        return [entry for column in self.columns for entry in column.entries()]

    def shown(self, sort: str = "worst") -> list[Entry]:
        """The entries to write out: all, or of very many the worst of each input.

        `sort` is `worst` (worst first) or `input` (in order of the inputs).
        """
        if self.all or self.total <= MOST_ENTRIES:
            found = self.entries
        else:
            found = [entry for column in self.columns for entry in column.worst(MOST_SHOWN)]
        return sorted(found, key=rank) if sort == "worst" else found

    def odd_places(self, shown: Iterable[Entry]) -> dict[int, Mapping[str, Array]]:
        """The drawn points at which entries of `shown` do not agree, so that they can be looked at again."""
        odd = {entry.point for entry in shown if entry.verdict is not Verdict.AGREE}
        return {point: self.places[point] for point in sorted(odd) if point in self.places}

    def to_dict(self, sort: str = "worst") -> dict[str, Any]:
        """The JSON contract, version 1: numbers in full, non-finite ones as text."""
        shown = self.shown(sort)
        plain: dict[str, Any] = {
            "bpx": 1,
            "kind": "gradcheck",
            "title": self.title,
            "output": self.output,
            "verdict": self.verdict,
            "reason": self.reason.text if self.reason else None,
            "detect": self.detect,
            "order": self.order,
            "points": {"checked": self.points, "skipped": self.skipped},
            "places": [
                {"point": point, "inputs": {name: plain_value(value) for name, value in inputs.items()}}
                for point, inputs in self.odd_places(shown).items()
            ],
            "total": self.total,
            "counts": self.counts,
            "inputs": [column.to_dict() for column in self.columns],
            "entries": [entry.to_dict() for entry in shown],
            "left_out": self.total - len(shown),
            "rules": {"agree": self.sound, "of": len(self.local)},
            "local": [row.to_dict() for row in self.local],
            "blame": [one.to_dict() for one in self.blame],
            "innocent": list(self.innocent),
            "diagnostics": [note.to_dict() for note in self.notes],
        }
        return plain

    def __repr__(self) -> str:
        """A short line; the report may be long."""
        return f"<bpx.Report {self.output}: {self.verdict}, {self.total} entries>"
