"""The entries of one gradient as arrays: a column for each quantity, of the input's shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.check.report.blame import WITHHELD
from bpx.check.report.entry import (
    Entry,
    Reason,
    Verdict,
    digits_agreed,
    ranked_differences,
    second_name,
    worst_entry,
)
from bpx.graph.arrays import Array, Flags, Indices
from bpx.graph.numbers import index_text
from bpx.words.diagnostic import BpxError, Diagnostic

if TYPE_CHECKING:
    from numpy.typing import NDArray


_MOST_SUGGESTED = 1000  # entries that a name is compared with, which no entry has
# What a reason may say below the level of numbers: names, where it was, and what was claimed.
_SAYABLE = {
    "node",
    "guard",
    "distance",
    "gradient",
    "problem",
    "where",
    "wanted",
    "calls",
    "budget",
    "claimed",
}


@dataclass(frozen=True, eq=False)
class GradientTable:
    """All entries of one input, as arrays of its shape; a reason, slopes or an enclosure stand by flat index.

    `points` says at which of the sampled points each entry was found so (0: the values as given). Of a
    function of several outputs the entries are those of the output at which they are worst: `outputs` says
    which, by flat index; `others` are the further entries that do not agree, of other outputs. `own` says
    which entries nobody claimed, so that they are bpx's own (None: none); `exact`, of which the reference was
    taken in many digits.
    """

    input: str
    claimed: Array
    reference: Array
    error: Array
    verdicts: NDArray[np.int8]
    reasons: Mapping[int, Reason] = field(default_factory=dict)
    between: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    by: str | None = None
    enclosures: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    points: NDArray[np.int32] | None = None
    outputs: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    others: tuple[Entry, ...] = ()
    own: Flags | None = None
    exact: Mapping[int, bool] = field(default_factory=dict)

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
            enclosure=self.enclosures.get(flat),
            by=self.by,
            point=0 if self.points is None else int(self.points.flat[flat]),
            output=self.outputs.get(flat),
            own=self.own is not None and bool(self.own.flat[flat]),
            exact=flat in self.exact,
        )

    @property
    def withheld(self) -> GradientTable:
        """What is claimed and the verdicts alone: nothing that shows the right gradient."""
        unknown = np.full(self.claimed.shape, np.nan)
        return GradientTable(
            self.input,
            self.claimed if self.own is None else np.where(self.own, np.nan, self.claimed),
            unknown,
            unknown,
            self.verdicts,
            {flat: said for flat, reason in self.reasons.items() if (said := withheld(reason))},
            by=self.by,
            points=self.points,
            outputs=self.outputs,
            others=tuple(map(_withheld_entry, self.others)),
            own=self.own,
        )

    @property
    def claimed_verdict(self) -> Verdict:
        """The worst verdict on what somebody claims; `agree` where that is nothing."""
        return Verdict(int(self.claimed_verdicts.min(initial=Verdict.AGREE)))

    @property
    def claimed_verdicts(self) -> NDArray[np.int8]:
        """The verdicts on what somebody claims, flat."""
        return self.verdicts.ravel() if self.own is None else self.verdicts[~self.own].ravel()

    def with_code(self, code: str) -> list[int]:
        """The flat indices of the entries whose reason has this code."""
        return [flat for flat, reason in self.reasons.items() if reason.code == code]

    def with_entries(self, flags: Flags, other: GradientTable) -> GradientTable:
        """The same with these entries of another table."""
        flat = flags.ravel()

        def mixed(mine: Mapping[int, Any], others: Mapping[int, Any]) -> dict[int, Any]:
            kept = {i: fact for i, fact in mine.items() if not flat[i]}
            return kept | {i: fact for i, fact in others.items() if flat[i]}

        return replace(
            self,
            claimed=np.where(flags, other.claimed, self.claimed),
            reference=np.where(flags, other.reference, self.reference),
            error=np.where(flags, other.error, self.error),
            verdicts=np.where(flags, other.verdicts, self.verdicts),
            reasons=mixed(self.reasons, other.reasons),
            between=mixed(self.between, other.between),
            enclosures=mixed(self.enclosures, other.enclosures),
            exact=mixed(self.exact, other.exact),
        )

    @property
    def counts(self) -> dict[str, int]:
        """How many entries have each verdict."""
        counts = np.bincount(self.verdicts.ravel(), minlength=len(Verdict))
        return {verdict.word: int(counts[verdict]) for verdict in Verdict}

    @property
    def digits(self) -> float:
        """To how many digits all entries are known to agree at least, as `Entry.digits` says it."""
        return float(digits_agreed(self.claimed, self.reference, self.error, self.verdicts).min())

    def entries(self) -> list[Entry]:
        """All entries, in order."""
        return [self.entry(flat) for flat in range(self.claimed.size)]

    def to_dict(self) -> dict[str, Any]:
        """Plain data: what it is of and how many entries have each verdict."""
        named = {"input": self.input} | ({"by": self.by} if self.by else {})
        return {**named, "shape": list(self.claimed.shape), "counts": self.counts}

    def worst(self, count: int) -> list[Entry]:
        """The `count` worst entries, worst first: by verdict, then by relative difference."""
        if count == 1 and self.claimed.size:
            return [self.entry(worst_entry(self.claimed, self.reference, self.error, self.verdicts))]
        return [self.entry(int(flat)) for flat in self._order()[:count]]

    def _order(self) -> Indices:
        ranks = _ranks(self.claimed, self.reference, self.error, self.verdicts)
        keys = [key.ravel() for key in reversed(ranks)]  # the last is the first to count
        return np.lexsort((np.arange(self.claimed.size), *keys))


def withheld(reason: Reason) -> Reason | None:
    """A reason without the numbers that show the right gradient; None where nothing is left of it."""
    if reason.code == "differs":
        return None
    said = _SAYABLE | ({"found"} if reason.code == "claim-shape" else set())
    facts = {name: fact if name in said else WITHHELD for name, fact in reason.facts.items()}
    return Reason(reason.code, facts)


def _withheld_entry(entry: Entry) -> Entry:
    return replace(
        entry,
        claimed=np.nan if entry.own else entry.claimed,
        reference=np.nan,
        error=np.nan,
        reason=entry.reason and withheld(entry.reason),
        between=None,
        enclosure=None,
        exact=False,
    )


def merged(columns: Sequence[GradientTable], points: Sequence[int] | None = None) -> GradientTable:
    """One column out of those of one input at several points: of each entry the worst.

    `points` are their numbers, by default those they have in order.
    """
    best = columns[0]
    if len(columns) == 1:
        number = 0 if points is None else points[0]
        return replace(best, points=np.full(best.claimed.shape, number, dtype=np.int32), others=())
    places = None if points is None else np.array(points, dtype=np.int32)
    fields = ("claimed", "reference", "error", "verdicts")
    every = {field: np.stack([getattr(column, field) for column in columns]) for field in fields}
    chosen = np.lexsort(_ranks(**every)[::-1], axis=0)[0]
    claimed, reference, error, verdicts = (
        np.take_along_axis(numbers, chosen[None], axis=0)[0] for numbers in every.values()
    )
    flat = chosen.ravel()
    return GradientTable(
        best.input,
        claimed,
        reference,
        error,
        verdicts,
        {i: columns[k].reasons[i] for i, k in enumerate(flat) if i in columns[k].reasons},
        {i: columns[k].between[i] for i, k in enumerate(flat) if i in columns[k].between},
        best.by,
        {i: columns[k].enclosures[i] for i, k in enumerate(flat) if i in columns[k].enclosures},
        places[chosen] if places is not None else chosen.astype(np.int32),
        {i: columns[k].outputs[i] for i, k in enumerate(flat) if i in columns[k].outputs},
        own=best.own,
        exact={i: True for i, k in enumerate(flat) if i in columns[k].exact},
    )


def entry_named(tables: Sequence[GradientTable], output: str, name: str) -> Entry:
    """The entry `w[0, 2]`, `∂L/∂w[0, 2]` or `∂²L/∂x∂w[0]`; of an array's name alone, the worst entry.

    Raises `BpxError` where there is no such entry.
    """
    wanted = _plain(name)
    for table in tables:
        if wanted in _names(output, table.input, table.by) and table.claimed.size:
            return table.worst(1)[0]
    known: list[str] = []
    for table in tables:
        for index in np.ndindex(table.claimed.shape):
            names = _names(output, table.input + index_text(index), table.by)
            if wanted in names:
                return table.entry(int(np.ravel_multi_index(index, table.claimed.shape)) if index else 0)
            if len(known) < _MOST_SUGGESTED:
                known.append(names[0])
    raise BpxError([Diagnostic("no-such-entry", None, {"name": name}).suggesting(name, known)])


def _names(output: str, label: str, by: str | None) -> list[str]:
    """All names that people may give an entry or a whole input, without blanks."""
    if by is not None:
        return [_plain(second_name(output, label, by))]
    return [_plain(label), _plain(f"∂{output}/∂{label}")]


def _plain(name: str) -> str:
    return "".join(name.split())


def _ranks(claimed: Array, reference: Array, error: Array, verdicts: Any) -> tuple[Any, Any, Any]:
    """The keys to sort by, as `rank` has them for an entry."""
    return verdicts, *ranked_differences(claimed, reference, error)
