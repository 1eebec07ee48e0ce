"""A table of numbers as claims on a graph: what each name means, and whether its numbers fit there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpx.check.tables.short_floats import room_of_numbers
from bpx.check.whole.claims import shape_help
from bpx.graph.arrays import Array, Shape, without_ones
from bpx.graph.named.claim import Derivative
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.named.written import significant_digits, tolerance
from bpx.graph.numbers import shape_text
from bpx.graph.run import run
from bpx.passes.query import output_asked
from bpx.spec.reading.claims import claimed_derivative
from bpx.spec.reading.syntax import ClaimSyntax
from bpx.spec.tables.digits import room_of_whole
from bpx.spec.tables.rounding import room_in, rooms_of_floats
from bpx.spec.tables.table import EXACT, NamedNumbers, Table
from bpx.spec.text.derivatives import entry_of, likely_name
from bpx.spec.text.problems import MOST_WITH_CARE, listed
from bpx.words.diagnostic import BpxError, Diagnostic

# Runs of entries of a node that are stated one by one: each is a claim of its own, and each pair is compared.
MOST_PARTS = 200

if TYPE_CHECKING:
    pass

MOST_NAMED = 8  # nodes in a sentence


class TableClaims(NamedTuple):
    """What a table claims, and what is to be said of how it was read."""

    claims: list[ClaimSyntax]
    notes: list[Diagnostic]


class Asked(NamedTuple):
    """Of what the gradients are: a node (None: the output) and the gradient that arrives there.

    `skip` are names of the table that are left out. `floats` is the type of the floats in which the program
    computed; None where the table shows it.
    """

    of: str | None = None
    upstream: Any = None
    skip: Collection[str] = ()
    floats: str | None = None


def table_claims(spec: NamedGraph, table: Table, asked: Asked) -> TableClaims:
    """The claims of a table on the nodes of a spec. Raises `BpxError` with all that does not fit."""
    reading = _Reading(spec, table, asked, list(table.problems))
    claims = reading.claims()
    if reading.problems:
        raise BpxError(reading.problems)
    return TableClaims(claims, reading.notes)


class _Fitted(NamedTuple):
    """Numbers in the shape of the entries of a node that they are of, and what derivative they are."""

    derivative: Derivative
    row: NamedNumbers


@dataclass
class _Reading:
    """The reading of a table; what is wrong with it is collected."""

    spec: NamedGraph
    table: Table
    asked: Asked
    problems: list[Diagnostic] = field(default_factory=list)
    notes: list[Diagnostic] = field(default_factory=list)

    def claims(self) -> list[ClaimSyntax]:
        """The claims of all rows that are gradients."""
        rows = [row for row in self.table.rows if row.name not in self.asked.skip]
        rows = list(self.together(rows))
        fitted = [one for row in self.without_values(rows) if (one := self.fitted(row))]
        self.refuse_repeated(fitted)
        if not fitted and not self.problems:
            self.problem(Diagnostic("table-no-gradients", None, {"name": self.table.file}))
        if self.problems:
            return []
        self.note_missing(fitted)
        return self.with_rooms(fitted)

    def problem(self, problem: Diagnostic) -> None:
        self.problems.append(self.table.problem(problem))

    def note(self, code: str, row: NamedNumbers | None = None, **facts: Any) -> None:
        """A note; in the report it stands without its place, but names the row."""
        self.notes.append(Diagnostic(code, row.span if row else None, facts, severity="note"))

    # --- entries stated one by one ---

    def together(self, rows: Iterable[NamedNumbers]) -> Iterator[NamedNumbers]:
        """Entries of an array that are stated one by one, `w[0, 1]`, as one array; the others as they are."""
        entries: dict[str, dict[tuple[int, ...], NamedNumbers]] = {}
        for row in rows:
            name, at = entry_of(row.name) if row.numbers.size == 1 and not row.broken else (row.name, None)
            if at is None:
                yield row
            elif at in entries.setdefault(name, {}):
                self.problem(Diagnostic("table-repeated", row.span, {"name": row.name}))
            else:
                entries[name][at] = row
        for name, of_name in entries.items():
            derivative = self.derivative(next(iter(of_name.values())), name)
            if derivative is not None:
                yield from self.joined(name, derivative, of_name)

    def joined(
        self, name: str, derivative: Derivative, entries: Mapping[tuple[int, ...], NamedNumbers]
    ) -> Iterator[NamedNumbers]:
        """The whole array where all its entries are there, or else their runs along the last axis."""
        shape = self.spec.graph.shapes[self.spec.nodes[derivative.node]]
        odd = next((at for at in entries if not _is_inside(at, shape)), None)
        if odd is not None:
            facts = {"entry": entries[odd].name, "name": derivative.node, "shape": shape_text(shape)}
            self.problem(Diagnostic("claim-index", entries[odd].span, facts))
            return
        entries = self.counted_from_the_start(entries, shape)
        if len(entries) == np.prod(shape, dtype=int):
            yield _run_of(name, [entries[at] for at in np.ndindex(shape)], shape)
            return
        runs = list(_runs(sorted(entries)))
        if len(runs) > MOST_PARTS:
            counts = {
                "name": name,
                "count": len(entries),
                "shape": shape_text(shape),
                "most": MOST_PARTS,
            }
            self.problem(Diagnostic("table-scattered", next(iter(entries.values())).span, counts))
            return
        for run_of_entries in runs:
            *outer, first = run_of_entries[0]
            index = [*map(str, outer), f"{first}:{first + len(run_of_entries)}"]
            members = [entries[at] for at in run_of_entries]
            yield _run_of(f"{name}[{', '.join(index)}]", members, (len(members),))

    def counted_from_the_start(
        self, entries: Mapping[tuple[int, ...], NamedNumbers], shape: Shape
    ) -> dict[tuple[int, ...], NamedNumbers]:
        """The same entries without negative indices; `w[-1]` repeats the last one."""
        counted: dict[tuple[int, ...], NamedNumbers] = {}
        for at, row in entries.items():
            place = tuple(i % length for i, length in zip(at, shape, strict=True))
            if place in counted:
                self.problem(Diagnostic("table-repeated", row.span, {"name": row.name}))
            counted[place] = row
        return counted

    # --- what a name means ---

    def derivative(self, row: NamedNumbers, name: str) -> Derivative | None:
        """What a name means; None where it means nothing, or several things, which is reported."""
        problems: list[Diagnostic] = []
        derivative = claimed_derivative(self.spec, ClaimSyntax(name, None, 0.0, row.span), problems)
        for problem in problems:
            if problem.code == "claim-unknown":
                careful = len(self.problems) < MOST_WITH_CARE
                guess = likely_name(name, self.spec.nodes) if careful else None
                facts = {"name": name, "guess": guess, "known": listed(self.spec.listed_names)}
                problem = Diagnostic(
                    "table-unknown", row.span, facts, "did-you-mean" if guess else "nodes-are"
                )
                if row.span and not guess and PurePath(row.span.source.name).stem == name:
                    facts = {**facts, "file": row.span.source.name}
                    problem = Diagnostic("table-unnamed", row.span, facts, "name-table")
            self.problem(problem)
        return derivative

    def without_values(self, rows: Sequence[NamedNumbers]) -> Iterator[NamedNumbers]:
        """The rows but for values of nodes that stand among gradients that are called so: `w` beside `dw`."""
        plain = {row.name for row in rows if row.name in self.spec.nodes}
        if not plain or all(row.name in plain for row in rows):
            yield from rows
            return
        nodes = {name: self.spec.nodes[name] for name in plain}
        values = run(self.spec.graph, self.spec.input_values, nodes.values())
        for row in rows:
            if (
                row.name in plain
                and not row.broken
                and _is_value(row, values[nodes[row.name]], self.floats(row))
            ):
                self.note("table-value", row, name=row.name)
            else:
                yield row

    # --- shapes ---

    def fitted(self, row: NamedNumbers) -> _Fitted | None:
        """The numbers in the shape of what they are of; None where they do not fit, which is reported."""
        derivative = self.derivative(row, row.name)
        if derivative is None or row.broken:
            return None
        node_shape = self.spec.graph.shapes[self.spec.nodes[derivative.node]]
        shape = np.zeros(node_shape)[() if derivative.at is None else derivative.at].shape
        if not derivative.is_gradient_of(self.spec.names[self.output]):
            return _Fitted(derivative, row)  # a matrix, perhaps: the check knows
        found = row.numbers.shape
        fits = (
            row.numbers.size == np.prod(shape, dtype=int)
            if row.is_flat
            else without_ones(found) == without_ones(shape)
        )
        if not fits:
            facts = {
                "name": row.name,
                "node": derivative.node,
                "found": shape_text(found),
                "wanted": shape_text(shape),
            }
            help = None if row.is_flat else shape_help(found, shape)
            self.problem(Diagnostic("table-shape", row.span, facts, help))
            return None
        if not row.is_flat and found != shape:
            facts = {"found": shape_text(found), "wanted": shape_text(shape)}
            self.note("table-axes", row, name=row.name, node=derivative.node, **facts)
        return _Fitted(derivative, row._replace(numbers=row.numbers.reshape(shape)))

    @property
    def output(self) -> int:
        """What is derived."""
        return output_asked(self.spec, self.asked.of)

    def refuse_repeated(self, fitted: Sequence[_Fitted]) -> None:
        """Two names for one gradient, as `dw` and `w.grad`."""
        names: dict[str, str] = {}
        for derivative, row in fitted:
            key = derivative.text(self.spec.names[self.output])
            if key in names:
                facts = {"name": row.name, "other": names[key], "node": key}
                self.problem(Diagnostic("table-two-names", row.span, facts, "skip-name"))
            names.setdefault(key, row.name)

    def note_missing(self, fitted: Sequence[_Fitted]) -> None:
        """Which parameters the table has no gradient of."""
        stated = {derivative.node for derivative, _ in fitted}
        missing = [
            leaf.name for leaf in self.spec.inputs if leaf.role == "parameter" and leaf.name not in stated
        ]
        if missing:
            names = ", ".join(f"`{name}`" for name in missing[:MOST_NAMED])
            self.note(
                "table-missing",
                count=len(missing),
                names=names + (", …" if len(missing) > MOST_NAMED else ""),
            )

    # --- rounding ---

    def floats(self, row: NamedNumbers) -> str:
        return self.asked.floats or row.floats

    def with_rooms(self, fitted: Sequence[_Fitted]) -> list[ClaimSyntax]:
        """The claims, each with the room that its digits and its floats leave."""
        digits = max((significant_digits(list(row.written or ())) for _, row in fitted), default=0)
        output = self.spec.names[self.output]
        rooms = rooms_of_floats(
            self.spec, output, self.asked.upstream, [(one.derivative, self.floats(one.row)) for one in fitted]
        )
        claims = []
        for derivative, row in fitted:
            room = room_in(rooms, derivative, self.floats(row), row.numbers, output)
            if row.written is not None:
                room = np.maximum(room, room_of_whole(row.written, digits).reshape(room.shape))
            claims.append(ClaimSyntax(row.name, None, _nest(row), row.span, room))
        for floats in sorted({self.floats(row) for _, row in fitted} - {EXACT}):
            self.note("table-floats", floats=floats)
        return claims


def _is_value(row: NamedNumbers, value: Array, floats: str) -> bool:
    """Are these the numbers of a node's value, as far as they are printed?"""
    if row.numbers.size != np.size(value):
        return False
    numbers = row.numbers.reshape(np.shape(value))
    written = row.written if row.written is not None else row.numbers.reshape(-1).tolist()
    room = tolerance(list(written), np.shape(value)) + room_of_numbers(numbers, floats)
    return bool((np.abs(numbers - value) <= room).all())


def _is_inside(at: tuple[int, ...], shape: Shape) -> bool:
    return len(at) == len(shape) and all(-n <= i < n for i, n in zip(at, shape, strict=True))


def _runs(places: Sequence[tuple[int, ...]]) -> Iterator[list[tuple[int, ...]]]:
    """Sorted places in runs of neighbours along the last axis."""
    run_of_places: list[tuple[int, ...]] = []
    for at in places:
        if run_of_places and at != (*run_of_places[-1][:-1], run_of_places[-1][-1] + 1):
            yield run_of_places
            run_of_places = []
        run_of_places.append(at)
    if run_of_places:
        yield run_of_places


def _run_of(name: str, rows: Sequence[NamedNumbers], shape: Shape) -> NamedNumbers:
    """Numbers that stand in rows of their own as one array."""
    numbers = np.array([row.numbers.item() for row in rows]).reshape(shape)
    written = None
    if all(row.written is not None for row in rows):
        written = [number for row in rows for number in row.written or ()]
    return NamedNumbers(
        name, numbers, written, False, rows[0].floats, rows[0].span, any(row.broken for row in rows)
    )


def _nest(row: NamedNumbers) -> Any:
    """The numbers as a nest of lists, with their digits where they have any."""
    if row.written is None:
        return row.numbers.tolist()
    written = np.empty(len(row.written), dtype=object)
    written[:] = row.written
    return written.reshape(row.numbers.shape).tolist()
