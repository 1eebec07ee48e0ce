"""All that a check found as plain, frozen data. A verdict is about one entry of one gradient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from bpx.check.ladders.why import Why
from bpx.check.numeric.tolerances import DETECT
from bpx.check.report.blame import Blame
from bpx.check.report.entry import Entry, LocalRow, Reason, Verdict, rank, ranks
from bpx.check.report.gradient_table import GradientTable
from bpx.check.report.options import HintLevel
from bpx.graph.arrays import Array
from bpx.words.arguments import checked
from bpx.words.diagnostic import Diagnostic

MOST_ENTRIES = 1000  # entries of all inputs together that a report writes out unless it is asked for all
MOST_SHOWN = 10  # entries an input then still shows, the worst


class ClaimResult(NamedTuple):
    """The verdicts on what is claimed of one derivative.

    `here` is that at the given values. `elsewhere` is that on the formula at random values, None where only
    numbers are claimed, and where the given values refute it already: it agreed at `agreed` points, or is
    refuted at the point `refuted`. At all of them the inputs `kept` have their given values.
    """

    name: str
    here: Verdict
    elsewhere: Verdict | None = None
    agreed: int = 0
    refuted: int | None = None
    is_formula: bool = False
    kept: tuple[str, ...] = ()

    @property
    def only_here(self) -> bool:
        """Do the given values not refute the claim, and others do?"""
        return self.elsewhere is Verdict.DISAGREE and self.here is not Verdict.DISAGREE

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "claim": self.name,
            "verdict": self.here.word,
            "formula": self.elsewhere.word if self.elsewhere is not None else None,
            "agreed": self.agreed,
            "refuted": self.refuted,
            "kept": list(self.kept),
        }


@dataclass(frozen=True, repr=False, eq=False)
class CheckResults:
    """All that a check found. `columns` hold the entries; `innocent` are nodes that only inherit an error.

    `points` counts the points checked, the given one included; `skipped` those that were drawn outside
    the domain; `places` are the inputs' values at all of them, and where a claimed formula is refuted;
    `unmoved` are inputs that stayed the same at all points. `claims` has a row for each claimed derivative.
    `detect` is the smallest relative error that had to be seen. `sort` is the order in which entries are
    written out: `worst` (worst first) or `input` (in order of the inputs). `strict` makes a failure of
    everything but agreement. `level` is how much of all this is said.
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
    claims: tuple[ClaimResult, ...] = ()
    unmoved: tuple[str, ...] = ()
    upstream: Mapping[str, Array] = field(default_factory=dict)  # what backward was called with, by name
    all: bool = False  # write out every entry, however many
    of_code: bool = False  # somebody's backward function was checked, and not single claims
    again: str | None = None  # the command that checks it again
    sort: str = "worst"
    strict: bool = False
    why: Why | None = None  # one entry, step by step
    level: HintLevel = HintLevel.NUMBERS

    @property
    def has_numbers(self) -> bool:
        """Are the right numbers in it?"""
        return self.level >= HintLevel.NUMBERS

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many entries have each verdict."""
        by_column = [column.counts for column in self.columns]
        return {verdict.word: sum(counts[verdict.word] for counts in by_column) for verdict in Verdict}

    @cached_property
    def claimed_counts(self) -> dict[str, int]:
        """How many entries that somebody claimed have each verdict."""
        claimed = [column.claimed_verdicts for column in self.columns]
        return {verdict.word: sum(int((part == verdict).sum()) for part in claimed) for verdict in Verdict}

    @property
    def digits_lost(self) -> int:
        """Of how many entries float64 loses the digits, though their formula is right."""
        return sum(len(column.with_code("digits-lost")) for column in self.columns)

    @property
    def mixed(self) -> bool:
        """Are some entries claimed, and others bpx's own?"""
        return 0 < sum(self.claimed_counts.values()) < self.total

    @property
    def wrong_elsewhere(self) -> bool:
        """Is all that disagrees a formula that the given values do not refute?"""
        columns = [column for column in self.columns if column.counts[Verdict.DISAGREE.word]]
        names = {row.name for row in self.claims if row.only_here}
        return bool(columns) and all(column.input in names for column in columns)

    @property
    def unexplained(self) -> list[str]:
        """The gradients that are wrong too where lines are blamed, but not because of these."""
        if not any(culprit.code for culprit in self.blame):
            return []
        explained = set(self.innocent)
        for culprit in self.blame:
            of_line = culprit.code.wrong if culprit.code else ()
            explained |= {culprit.node, *culprit.also, *culprit.heirs, *of_line}
        wrong = [column.input for column in self.columns if column.counts[Verdict.DISAGREE.word]]
        return [name for name in wrong if name not in explained]

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
        worst = min(
            (int(column.verdicts.min(initial=Verdict.AGREE)) for column in self.columns),
            default=Verdict.CANNOT_TELL,
        )
        return Verdict(worst).word

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

    @checked
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
            keys = [
                (entry.verdict, entry.output or (), each)
                for entry, each in zip(entries, ranks(entries), strict=True)
            ]
            return [entries[at] for at in sorted(range(len(entries)), key=keys.__getitem__)]
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
        """The drawn points at which entries of `shown` do not agree, so that they can be looked at again.

        Where a claim is right at the given point alone, that too, as number 0.
        """
        odd = {entry.point for entry in shown if entry.point and entry.verdict is not Verdict.AGREE}
        if any(row.only_here for row in self.claims):
            odd.add(0)  # what they agree with
        return {point: self.places[point] for point in sorted(odd) if point in self.places}
