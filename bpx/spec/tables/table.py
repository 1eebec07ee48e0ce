"""What a table of gradients holds, whatever its format, and what keeps numbers from being a gradient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bpx.graph.arrays import MOST_AXES, Array
from bpx.graph.named.values import as_array
from bpx.graph.numbers import index_text
from bpx.words.diagnostic import BpxError, Diagnostic, Span

LARGEST_TABLE = 2**28  # bytes of a file of arrays, and of all that it unpacks to
MOST_ARRAYS = 10_000  # of a file: each takes some 100 µs until its name is known
MOST_CELLS = 500_000  # of a text: some 300 bytes each while they are read
EXACT = "float64"  # the floats of which nothing is known but that they are exact enough


class NamedNumbers(NamedTuple):
    """The numbers that stand under one name.

    `written` are the same numbers in the order of `numbers.flat`, with their digits where they were read
    from a text; None where they were stored in binary. A table in rows does not say what shape an array has:
    `is_flat`. `floats` is the type of the floats that the program computed in, as far as it shows. What
    cannot be a gradient is `broken`: that was reported, but its name is still looked at.
    """

    name: str
    numbers: Array
    written: Sequence[Any] | None = None
    is_flat: bool = False
    floats: str = EXACT
    span: Span | None = None
    broken: bool = False


class Table(NamedTuple):
    """All that was read from a file, which goes by this name in diagnostics, and what is wrong with parts."""

    file: str
    rows: Sequence[NamedNumbers]
    problems: Sequence[Diagnostic] = ()

    def problem(self, problem: Diagnostic) -> Diagnostic:
        """The diagnostic with the file in it, where it has no place in a text."""
        return problem if problem.span else within(self.file, problem)


def within(file: str, problem: Diagnostic) -> Diagnostic:
    """The diagnostic, said of a file that is no text."""
    return problem._replace(facts={**problem.facts, "within": file})


def too_many_cells(span: Span) -> Diagnostic:
    """A text is too long a table; `span` is where, or its beginning."""
    return Diagnostic("table-cells", span, {"most": f"{MOST_CELLS:,}"}, "table-binary")


def number_problem(row: NamedNumbers) -> Diagnostic | None:
    """What keeps the numbers from being a gradient, if anything does."""
    facts: dict[str, Any] = {"name": row.name}
    if row.numbers.ndim > MOST_AXES:
        return Diagnostic("too-deep", row.span, facts)
    if not row.numbers.size:
        return Diagnostic("empty-array", row.span, facts)
    odd = np.argwhere(~np.isfinite(row.numbers))
    if not len(odd):
        return None
    at = tuple(map(int, odd[0]))
    facts |= {
        "count": len(odd),
        "found": str(row.numbers[at]),
        "entry": row.name + (index_text(at) if at else ""),
    }
    return Diagnostic("table-not-finite", row.span, facts)


def looked_at(rows: Iterable[NamedNumbers], problems: list[Diagnostic]) -> list[NamedNumbers]:
    """The rows by name; what keeps their numbers from being a gradient, and names that come twice."""
    by_name: dict[str, NamedNumbers] = {}
    for row in rows:
        problem = number_problem(row)
        if row.name in by_name:
            problems.append(Diagnostic("table-repeated", row.span, {"name": row.name}))
        elif problem:
            problems.append(problem)
        by_name.setdefault(row.name, row._replace(broken=problem is not None))
    return list(by_name.values())


def table_of(arrays: Mapping[str, Any]) -> Table:
    """The table of a mapping of names to arrays or numbers. Raises `BpxError`."""
    problems: list[Diagnostic] = []
    rows = [
        NamedNumbers(str(name), numbers, floats=floats_of(value))
        for name, value in arrays.items()
        if (numbers := as_array(str(name), value, problems)) is not None
    ]
    if problems:
        raise BpxError(problems)
    return Table("<mapping>", rows)


def floats_of(value: Any) -> str:
    """The type of the floats of an array: `float32` and `float16` are short, all else is exact."""
    dtype = getattr(value, "dtype", None)
    return str(dtype) if dtype in (np.float32, np.float16) else EXACT
