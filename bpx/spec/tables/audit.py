"""The check of tables that other programs wrote: of one against the reference, of two against each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from bpx.check.gradcheck import gradcheck
from bpx.check.report.report import Report
from bpx.check.tables.compared import compared
from bpx.check.tables.short_floats import UNITS
from bpx.check.tables.two_tables import TwoTables
from bpx.graph.named.named_graph import NamedGraph
from bpx.spec.reading.claims import with_claims, with_rtol
from bpx.spec.tables.claims import Asked, TableClaims, table_claims
from bpx.spec.tables.table import Table
from bpx.words.diagnostic import BpxError, Diagnostic

N = TypeVar("N", bound=NamedGraph)


def audit(spec: NamedGraph, table: Table, asked: Asked, rtol: float = 0.0, **options: Any) -> Report:
    """The report on the gradients of a table; claims of the spec's own take no part in it.

    For the `options` see `bpx.check.gradcheck.gradcheck`. Raises `BpxError` with all that does not fit.
    """
    (read,) = read_all(spec, [table], asked)
    return _report(_claimed(spec, read, rtol), read, asked, options)


def audit_two(
    spec: NamedGraph, tables: tuple[Table, Table], asked: Asked, rtol: float = 0.0, **options: Any
) -> TwoTables:
    """Where the gradients of two tables part, and which of them are right. Raises `BpxError`."""
    both = read_all(spec, tables, asked)
    claimed = [_claimed(spec, read, rtol) for read in both]
    first, second = (_report(one, read, asked, options) for one, read in zip(claimed, both, strict=True))
    files = (tables[0].file, tables[1].file)
    return compared(spec, files, (claimed[0], claimed[1]), (first, second), asked.of, asked.upstream)


def read_all(spec: NamedGraph, tables: Iterable[Table], asked: Asked) -> list[TableClaims]:
    """The claims of several tables. Raises `BpxError` with all that does not fit in any of them."""
    read: list[TableClaims] = []
    tables = list(tables)
    problems = list(_bad_options(tables, asked))
    for table in [] if problems else tables:
        try:
            read.append(table_claims(spec, table, asked))
        except BpxError as error:
            problems += error.diagnostics
    if problems:
        raise BpxError(problems)
    return read


def _bad_options(tables: Iterable[Table], asked: Asked) -> Iterator[Diagnostic]:
    if asked.floats is not None and asked.floats not in UNITS:
        facts = {"found": asked.floats, "known": ", ".join(UNITS)}
        yield Diagnostic("unknown-choice", None, facts, "choices-are")
    names = [row.name for table in tables for row in table.rows]
    for name in asked.skip:
        if name not in names:
            yield Diagnostic("table-skip", None, {"name": name}).suggesting(name, names)


def _claimed(spec: N, read: TableClaims, rtol: float) -> N:
    return with_rtol(with_claims(replace(spec, claims={}), read.claims), rtol)


def _report(claimed: NamedGraph, read: TableClaims, asked: Asked, options: dict[str, Any]) -> Report:
    # Nothing is asked for but what the table claims.
    report = gradcheck(claimed, of=asked.of, upstream=asked.upstream, wrt=[], **options)
    return replace(report, notes=(*report.notes, *read.notes))
