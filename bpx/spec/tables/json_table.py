"""JSON: names and numbers, nests of lists for arrays; names inside of names are joined by a dot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bpx.graph.named.written import Written
from bpx.spec.reading.documents.document import read_document
from bpx.spec.reading.documents.locate import Path, Places
from bpx.spec.tables.table import MOST_CELLS, NamedNumbers, too_many_cells
from bpx.words.diagnostic import BpxError, Diagnostic, Source, Span

_LONGEST = 60  # characters of what is no number
_NUMBERS = {int, float, Written}  # a bool is an int, and no number


def read_json(source: Source, problems: list[Diagnostic]) -> Iterator[NamedNumbers]:
    """The numbers by name. Raises `BpxError` where the text is no JSON, or too long a one."""
    if source.text.count(",") + source.text.count("[") > MOST_CELLS:  # a list takes as long as a number
        raise BpxError([too_many_cells(Span(source, 0, 1))])
    document, places = read_document(source, "json", say_of="table")
    yield from _rows(document, (), places, problems)


def _rows(
    branch: dict[str, Any], path: Path, places: Places, problems: list[Diagnostic]
) -> Iterator[NamedNumbers]:
    for key, value in branch.items():
        inner = (*path, key)
        if isinstance(value, dict):
            yield from _rows(value, inner, places, problems)
            continue
        row = _row(value, inner, places)
        if isinstance(row, Diagnostic):
            problems.append(row)
        else:
            yield row


def _row(value: Any, path: Path, places: Places) -> NamedNumbers | Diagnostic:
    name, span = ".".join(map(str, path)), places.value(*path)
    flat, odd = _flattened(value, path)
    if odd:
        place = places.value(*odd)
        found = place.text if place else ""
        found = found if len(found) <= _LONGEST else f"{found[:_LONGEST]}…"
        return Diagnostic("not-a-number", place, {"name": name, "found": found})
    try:
        numbers = np.array(value, dtype=np.float64)
    except OverflowError:  # a whole number beyond all floats
        return Diagnostic("table-not-finite", span, {"name": name, "count": 1, "found": "inf", "entry": name})
    except ValueError:
        return Diagnostic("ragged", span, {"name": name})
    return NamedNumbers(name, numbers, flat, span=span)


def _flattened(value: Any, path: Path) -> tuple[list[Any], Path | None]:
    """The numbers of a nest of lists in order, and the path to the first part that is none."""
    flat: list[Any] = []
    open_at: list[tuple[Any, Path]] = [(value, path)]
    while open_at:
        part, at = open_at.pop()
        if isinstance(part, list):
            if _NUMBERS.issuperset(map(type, part)):  # at once: a place for each would take most of the time
                flat += part
            else:
                open_at += [(inner, (*at, index)) for index, inner in reversed(list(enumerate(part)))]
        elif type(part) in _NUMBERS:
            flat.append(part)
        else:
            return flat, at
    return flat, None
