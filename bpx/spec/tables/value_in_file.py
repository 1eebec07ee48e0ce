"""Values that stand in a file: `@x.npy`, `@data.npz:x`, `@x.csv`, `@values.json`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.named.values import as_array
from bpx.graph.named.written import Written
from bpx.spec.reading.target import read_file
from bpx.spec.tables.read_table import read_table
from bpx.spec.tables.table import NamedNumbers, number_problem, within
from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.files import exists

_TEXTS = (".csv", ".tsv", ".txt")


def value_in_file(name: str, reference: str) -> Array:
    """The value of the input `name` in the file `FILE` or `FILE:KEY`.

    Without a key, the array of that name, or the only one. Raises `BpxError`.
    """
    return row_in_file(name, reference).numbers


def row_in_file(name: str, reference: str) -> NamedNumbers:
    """The same numbers, with their digits where they are text, under `name`. Raises `BpxError`."""
    file, key = _split(reference)
    path = Path(file)
    row = _plain(name, path, path.suffix.lower()) if key is None else None
    return (row or _named(file, key, name))._replace(name=name)


def _split(reference: str) -> tuple[str, str | None]:
    file, colon, key = reference.rpartition(":")
    has_key = colon and Path(file).suffix and not exists(reference)  # `C:` is a drive, and no file
    return (file, key) if has_key else (reference, None)


def _plain(name: str, path: Path, ending: str) -> NamedNumbers | None:
    """The array of a file without names: a list in JSON, a table without a head. None for other files."""
    if ending == ".json":
        text = read_file(path).text
        nest = _json(path, text)
        if isinstance(nest, dict):
            return None
        problems: list[Diagnostic] = []
        numbers = as_array(name, nest, problems)
        if numbers is None:
            raise BpxError([within(str(path), problem) for problem in problems])
        return NamedNumbers("", numbers, _written(re.findall(r"[-+.\w]+", text), numbers))
    return _table_without_head(read_file(path).text) if ending in _TEXTS else None


def _table_without_head(text: str) -> NamedNumbers | None:
    if "," in text and ";" in text:  # 1,5;2,5: which of them is a decimal point?
        return None
    rows = [line.replace(",", " ").replace(";", " ").split() for line in text.splitlines()]
    try:
        numbers = np.squeeze(np.array([row for row in rows if row], dtype=np.float64))
    except ValueError:  # there are names
        return None
    return NamedNumbers("", numbers, _written([cell for row in rows for cell in row], numbers))


def _written(texts: Sequence[str], numbers: Array) -> Sequence[Any] | None:
    """The numbers with their digits."""
    if len(texts) != numbers.size:
        return None
    return [Written(text) if re.fullmatch(r"[-+]?[\d.]+(?:[eE][-+]?\d+)?", text) else 0 for text in texts]


def _json(path: Path, text: str) -> Any:
    try:
        return json.loads(text, parse_int=float)  # a text is rounded to the nearest float, as in formulas
    except (ValueError, RecursionError) as error:
        raise BpxError([Diagnostic("unreadable", None, {"name": str(path), "reason": str(error)})]) from None


def _named(file: str, key: str | None, name: str) -> NamedNumbers:
    """The array under a key, under the name of the input, or the only one."""
    table = read_table(file)
    rows = {row.name: row for row in table.rows}
    wanted = key if key is not None else name
    row = next(iter(rows.values())) if key is None and len(rows) == 1 else rows.get(wanted)
    if row and (problem := number_problem(row)):
        raise BpxError([table.problem(problem)])
    if row:
        return row
    facts = {"name": wanted, "file": file, "known": ", ".join(rows)}
    raise BpxError([Diagnostic("not-in-table", None, facts, "names-are-with-key")])
