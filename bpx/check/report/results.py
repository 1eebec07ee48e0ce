"""All that a check found as plain, frozen data. A verdict is about one entry of one gradient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from bpx.check.numeric.tolerances import DETECT
from bpx.check.report.blame import Blame
from bpx.check.report.entry import Entry, LocalRow, Reason, Verdict, rank
from bpx.check.report.gradient_table import GradientTable
from bpx.graph.arrays import Array
from bpx.words.diagnostic import Diagnostic

MOST_ENTRIES = 1000  # entries of all inputs together that a report writes out unless it is asked for all
MOST_SHOWN = 10  # entries an input then still shows, the worst


@dataclass(frozen=True, repr=False)
class CheckResults:
    """All that a check found. `columns` hold the entries; `innocent` are nodes that only inherit an error.

    `points` counts the points checked, the given one included; `skipped` those that were drawn outside
    the domain; `places` are the inputs' values at those that were drawn. `detect` is the smallest
    relative error that had to be seen. `sort` is the order in which entries are written out: `worst` (worst
    first) or `input` (in order of the inputs). `strict` makes a failure of everything but agreement.
    """

    title: str | None
    output: str
    columns: tuple[GradientTable, ...]
    local: tuple[LocalRow, ...] = ()
    blame: tuple[Blame, ...] = ()
    innocent: tuple[str, ...] = ()
    notes: tuple[Diagnostic, ...] = ()
    detect: float = DETECT
    order: int = 1
    points: int = 1
    skipped: int = 0
    rounded: bool = False  # some claims have few digits, and are judged to these
    places: Mapping[int, Mapping[str, Array]] = field(default_factory=dict)
    all: bool = False  # write out every entry, however many
    sort: str = "worst"
    strict: bool = False

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many entries have each verdict."""
        by_column = [column.counts for column in self.columns]
        return {verdict.word: sum(counts[verdict.word] for counts in by_column) for verdict in Verdict}

    @property
    def total(self) -> int:
        """How many entries were checked."""
        return sum(self.counts.values())

    @property
    def certified(self) -> int:
        """How many entries a proved enclosure of the derivative decides."""
        return sum(len(column.enclosures) for column in self.columns)

    @property
    def sound(self) -> int:
        """How many rules agree when checked alone."""
        return sum(row.verdict is Verdict.AGREE for row in self.local)

    @cached_property
    def worst(self) -> Entry | None:
        """The worst entry of all."""
        return min((column.worst(1)[0] for column in self.columns), key=rank, default=None)

    def __bool__(self) -> bool:
        """Does everything agree? So `assert bpx.gradcheck(…)` checks what it says."""
        return self.verdict == Verdict.AGREE.word

    @property
    def verdict(self) -> str:
        """The worst verdict of any entry, in words; `cannot tell` where there is nothing to check.

        Somebody to blame is a disagreement, even where the entries do not show it at these values.
        """
        if self.blame:
            return Verdict.DISAGREE.word
        return (self.worst.verdict if self.worst else Verdict.CANNOT_TELL).word

    @property
    def reason(self) -> Reason | None:
        """Why the worst entry is not fine."""
        return self.worst.reason if self.worst else None

    @property
    def entries(self) -> list[Entry]:
        """Every entry, in order of the inputs."""
        return [entry for column in self.columns for entry in column.entries()]

    @property
    def failed(self) -> bool:
        """Does something disagree or, where the check is strict, not agree?"""
        return self.verdict == Verdict.DISAGREE.word or (self.strict and self.verdict != Verdict.AGREE.word)

    def shown(self, sort: str | None = None) -> list[Entry]:
        """The entries to write out, in the order `sort`: all, or of very many the worst of each input."""
        if self.all or self.total + sum(len(column.others) for column in self.columns) <= MOST_ENTRIES:
            entries = [*self.entries, *(entry for column in self.columns for entry in column.others)]
        elif self.total <= MOST_ENTRIES:
            others = (column.others[:MOST_SHOWN] for column in self.columns)
            entries = [*self.entries, *(entry for column in others for entry in column)]
        else:
            entries = [entry for column in self.columns for entry in column.worst(MOST_SHOWN)]
        if (sort or self.sort) == "worst":
            return sorted(entries, key=lambda entry: (entry.verdict, entry.output or (), rank(entry)))
        return entries

    @property
    def left_out(self) -> int:
        """How many entries are not among those to write out."""
        return self.total - len({(entry.input, entry.index, entry.by) for entry in self.shown()})

    @property
    def of_several_outputs(self) -> bool:
        """Are there entries of several elements of an output?"""
        return any(column.outputs for column in self.columns)

    def odd_places(self, shown: Iterable[Entry]) -> dict[int, Mapping[str, Array]]:
        """The drawn points at which entries of `shown` do not agree, so that they can be looked at again."""
        odd = {entry.point for entry in shown if entry.verdict is not Verdict.AGREE}
        return {point: self.places[point] for point in sorted(odd) if point in self.places}
