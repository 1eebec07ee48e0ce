"""The report of a check as plain, frozen data, and the JSON contract it fills.

A verdict is about one entry of one gradient. Everything here is made by the checkers and read by the
renderers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.numbers import index_text
from bpx.render.plain_data import plain_value
from bpx.words.diagnostic import Diagnostic, Span
from bpx.words.say import say

if TYPE_CHECKING:
    from numpy.typing import NDArray


MOST_ENTRIES = 1000  # entries of all inputs together that a report writes out unless it is asked for all
_LAST_DIGIT = 2.0**-53  # relative: half a unit in the last place of a float64 number
MOST_SHOWN = 10  # entries an input then still shows, the worst


class Verdict(IntEnum):
    """What is known of one entry, the worst first."""

    DISAGREE = 0
    KINK = 1
    OUTSIDE_DOMAIN = 2
    CANNOT_TELL = 3
    AGREE = 4

    @property
    def word(self) -> str:
        """The verdict as the JSON contract and the screen have it."""
        return self.name.lower().replace("_", " ")


class Reason(NamedTuple):
    """Why an entry has its verdict: a code and the facts of its sentence, `say("reason.CODE")`."""

    code: str
    facts: Mapping[str, Any] = {}

    @property
    def text(self) -> str:
        """The sentence."""
        return say(f"reason.{self.code}", **self.facts)


@dataclass(frozen=True, slots=True)
class Entry:
    """One number of one gradient: what is claimed, what it should be, and how sure that is.

    `error` is the error bar of `reference` (nan where there is no reference); `between` are the
    one-sided slopes at a kink; `by` names, for second derivatives, the entry derived by.
    """

    input: str
    index: tuple[int, ...]
    claimed: float
    reference: float
    error: float
    verdict: Verdict
    reason: Reason | None = None
    between: tuple[float, float] | None = None
    by: str | None = None
    point: int = 0

    @property
    def difference(self) -> float:
        """How far the claim is from the reference."""
        return abs(self.claimed - self.reference)

    @property
    def is_noise(self) -> bool:
        """Does the difference lie within the error bar, so that its digits mean nothing?"""
        return self.difference <= self.error

    @property
    def relative(self) -> float:
        """The difference in units of the larger of the two; 0 where it lies within the error bar."""
        numbers = np.array([self.claimed, self.reference, self.error])
        return float(_relative(numbers[0], numbers[1], numbers[2]))

    @property
    def digits(self) -> float:
        """Decimal digits to which claim and reference are known to agree; infinite where to the last one.

        The error bar limits them: below it a difference is noise, which another processor would round
        in another way. Two numbers that are 0 as far as the bar tells agree to the last digit.
        """
        claimed, reference, error = np.array([self.claimed, self.reference, self.error])
        return float(_digits(claimed, reference, error, np.asarray(self.verdict)))

    @property
    def label(self) -> str:
        """The entry as people write it: `w[0, 2]`."""
        return self.input + index_text(self.index)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        plain: dict[str, Any] = {
            "input": self.input,
            "index": list(self.index),
            "claimed": plain_value(self.claimed),
            "reference": _known(self.reference),
            "error": _known(self.error),
            "difference": _known(self.difference),
            "digits": plain_value(self.digits),
            "verdict": self.verdict.word,
            "reason": self.reason.text if self.reason else None,
            "code": self.reason.code if self.reason else None,
        }
        if self.between:
            plain["between"] = [plain_value(one) for one in self.between]
        if self.by:
            plain["by"] = self.by
        return {**plain, "point": self.point} if self.point else plain


@dataclass(frozen=True, eq=False)
class GradientTable:
    """All entries of one input, as arrays of its shape; a reason or slopes stand by flat index.

    `points` says at which of the sampled points each entry was found so (0: the values as given).
    """

    input: str
    claimed: Array
    reference: Array
    error: Array
    verdicts: NDArray[np.int8]
    reasons: Mapping[int, Reason] = field(default_factory=dict)
    between: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    by: str | None = None
    points: NDArray[np.int32] | None = None

    def entry(self, flat: int) -> Entry:
        """The entry at a flat index."""
        index = tuple(map(int, np.unravel_index(flat, self.claimed.shape)))
        return Entry(
            self.input,
            index,
            claimed=float(self.claimed.flat[flat]),
            reference=float(self.reference.flat[flat]),
            error=float(self.error.flat[flat]),
            verdict=Verdict(int(self.verdicts.flat[flat])),
            reason=self.reasons.get(flat),
            between=self.between.get(flat),
            by=self.by,
            point=0 if self.points is None else int(self.points.flat[flat]),
        )

    @property
    def counts(self) -> dict[str, int]:
        """How many entries have each verdict."""
        found = np.bincount(self.verdicts.ravel(), minlength=len(Verdict))
        return {verdict.word: int(found[verdict]) for verdict in Verdict}

    @property
    def digits(self) -> float:
        """To how many digits all entries are known to agree at least, as `Entry.digits` says it."""
        return float(_digits(self.claimed, self.reference, self.error, self.verdicts).min())

    def entries(self) -> list[Entry]:
        """All entries, in order."""
        return [self.entry(flat) for flat in range(self.claimed.size)]

    def to_dict(self) -> dict[str, Any]:
        """Plain data: what it is of and how many entries have each verdict."""
        named = {"input": self.input} | ({"by": self.by} if self.by else {})
        return {**named, "shape": list(self.claimed.shape), "counts": self.counts}

    def worst(self, count: int) -> list[Entry]:
        """The `count` worst entries, worst first: by verdict, then by relative difference."""
        return [self.entry(int(flat)) for flat in self._order()[:count]]

    def _order(self) -> NDArray[np.intp]:
        verdicts, relative = _column_rank(self)
        return np.lexsort((np.arange(self.claimed.size), relative.ravel(), verdicts.ravel()))


class LocalRow(NamedTuple):
    """One arg of one node: the rule's local derivative against differences of the op's own forward.

    For an array the numbers are those of the worst element; ops without a local derivative (matmul,
    sum, …) are judged by what they hand back to the arg for a random upstream gradient. `between` are
    the one-sided slopes at a kink.
    """

    node: str
    op: str
    arg: str
    claimed: float
    reference: float
    error: float
    verdict: Verdict
    reason: Reason | None = None
    between: tuple[float, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        plain: dict[str, Any] = {
            "node": self.node,
            "op": self.op,
            "arg": self.arg,
            "claimed": plain_value(self.claimed),
            "reference": _known(self.reference),
            "error": _known(self.error),
            "verdict": self.verdict.word,
            "reason": self.reason.text if self.reason else None,
        }
        if self.between:
            plain["between"] = [plain_value(one) for one in self.between]
        return plain


class Proof(NamedTuple):
    """What becomes of the whole gradient when the blamed rules are swapped for trusted ones."""

    agree: int
    of: int

    @property
    def holds(self) -> bool:
        """Do all entries that disagreed agree then?"""
        return self.agree == self.of


class Mistake(NamedTuple):
    """A kind of mistake: a code of the catalogue and the facts of its sentence, `say("mistake.CODE")`."""

    code: str
    facts: tuple[tuple[str, Any], ...] = ()
    path: str | None = None  # the node through which the path leads that it was made on

    def on(self, path: str) -> Mistake:
        """The same, made on one path of several."""
        return self._replace(path=path)

    @classmethod
    def of(cls, code: str, **facts: Any) -> Mistake:
        """A kind of mistake and its facts."""
        return cls(code, tuple(facts.items()))

    @property
    def text(self) -> str:
        """The sentence."""
        sentence = say(f"mistake.{self.code}", **dict(self.facts))
        return say("mistake.on-path", path=self.path, mistake=sentence) if self.path else sentence


class Blame(NamedTuple):
    """A node whose rule, or whose claimed gradient, is wrong by itself.

    `arg` is the arg the wrong derivative is by. `mistakes` are all the patterns of the catalogue that
    reproduce the numbers, the most likely first; none means that no known pattern does. `correction`
    is the formula that would be right. `claim` says that it is a claimed gradient, not a rule.
    """

    node: str
    op: str
    arg: str | None
    span: Span | None
    mistakes: tuple[Mistake, ...] = ()
    correction: str | None = None
    proof: Proof | None = None
    claim: bool = False

    @property
    def line(self) -> int | None:
        """The line of the spec it stands in."""
        return self.span.source.position(self.span.start)[0] if self.span else None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "node": self.node,
            "op": self.op,
            "arg": self.arg,
            "claim": self.claim,
            "file": self.span.source.name if self.span else None,
            "line": self.line,
            "mistake": self.mistakes[0].text if self.mistakes else say("mistake.unknown"),
            "code": self.mistakes[0].code if self.mistakes else None,
            "alternatives": [{"code": one.code, "mistake": one.text} for one in self.mistakes[1:]],
            "correction": self.correction,
            "proof": {"agree": self.proof.agree, "of": self.proof.of} if self.proof else None,
        }


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
        return min((column.worst(1)[0] for column in self.columns), key=_rank, default=None)

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
        return sorted(found, key=_rank) if sort == "worst" else found

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


def merged(columns: Sequence[GradientTable]) -> GradientTable:
    """One column out of those of one input at several points: of each entry the worst."""
    best = columns[0]
    ranks = [_column_rank(column) for column in columns]
    choice = np.lexsort(
        (np.array([rank[1] for rank in ranks]), np.array([rank[0] for rank in ranks])), axis=0
    )
    chosen = choice[0]
    flat = chosen.ravel()

    def picked(arrays: Iterator[Any]) -> Any:
        return np.take_along_axis(np.stack(list(arrays)), chosen[None], axis=0)[0]

    return GradientTable(
        best.input,
        picked(column.claimed for column in columns),
        picked(column.reference for column in columns),
        picked(column.error for column in columns),
        picked(column.verdicts for column in columns),
        {i: columns[k].reasons[i] for i, k in enumerate(flat) if i in columns[k].reasons},
        {i: columns[k].between[i] for i, k in enumerate(flat) if i in columns[k].between},
        best.by,
        chosen.astype(np.int32),
    )


def _column_rank(column: GradientTable) -> tuple[Any, Any]:
    relative = _relative(column.claimed, column.reference, column.error)
    return column.verdicts, -np.where(np.isnan(relative), np.inf, relative)


def _relative(claimed: Array, reference: Array, error: Array) -> Array:
    """|claimed - reference| over the larger of both; 0 where the difference lies within the error bar.

    So the order of the entries, worst first, does not depend on noise.
    """
    with np.errstate(all="ignore"):
        scale = np.maximum(np.abs(claimed), np.abs(reference))
        difference = np.abs(claimed - reference)
        relative = difference / scale
    return np.where((difference <= error) | (scale <= error), 0.0, relative)


def _digits(claimed: Array, reference: Array, error: Array, verdicts: Any) -> Array:
    """Decimal digits known to agree, `Entry.digits`; all arrays have one shape."""
    with np.errstate(all="ignore"):
        scale = np.maximum(np.abs(claimed), np.abs(reference))
        difference = np.abs(claimed - reference)
        relative = np.maximum(difference, error) / scale
        digits = np.where(relative < _LAST_DIGIT, np.inf, np.maximum(0.0, -np.log10(relative)))
    both_zero = (scale <= error) | (scale == 0)
    of_zero = np.where((verdicts == Verdict.AGREE) | (difference == 0), np.inf, 0.0)
    return np.nan_to_num(np.where(both_zero & ~np.isnan(difference), of_zero, digits), posinf=np.inf)


def _rank(entry: Entry) -> tuple[int, float]:
    relative = entry.relative
    return entry.verdict, -(math.inf if math.isnan(relative) else relative)


def _known(number: float) -> Any:
    """A number as JSON has it; null where there is none."""
    return None if math.isnan(number) else plain_value(number)


class QuickCheck(NamedTuple):
    """How the gradients compare with differences: the worst verdict of `bpx gradcheck`, in its words.

    `digits` is to how many whole digits all entries agree at least, `entries` how many there are. A check
    that would have taken longer than the rest is `skipped`, and has neither.
    """

    verdict: str
    entries: int
    digits: float


SKIPPED = QuickCheck("skipped", 0, 0.0)
