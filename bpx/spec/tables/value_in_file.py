"""Values that stand in a file: `@x.npy`, `@data.npz:x`, `@x.csv`, `@values.json`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from bpx.graph.arrays import Array
from bpx.spec.reading.target import read_file
from bpx.spec.tables.read_table import read_table
from bpx.words.diagnostic import BpxError, Diagnostic

_SEPARATORS = re.compile(r"[,;\t]")
_TEXTS = (".csv", ".tsv", ".txt")


def value_in_file(name: str, reference: str) -> Array:
    """The value of the input `name` in the file `FILE` or `FILE:KEY`.

    Without a key, the array of that name, or the only one. Raises `BpxError`.
    """
    file, key = _split(reference)
    path = Path(file)
    ending = path.suffix.lower()
    array = _plain(path, ending) if key is None else None
    return _named(file, key, name) if array is None else array


def _split(reference: str) -> tuple[str, str | None]:
    file, colon, key = reference.rpartition(":")
    return (file, key) if colon and not Path(reference).exists() else (reference, None)


def _plain(path: Path, ending: str) -> Array | None:
    """The array of a file without names: a list in JSON, a table without a head. None for other files."""
    if ending == ".json":
        nest = _json(path)
        return _array(str(path), nest) if not isinstance(nest, dict) else None
    if ending in _TEXTS:
        rows = [
            line.replace(",", " ").replace(";", " ").split() for line in read_file(path).text.splitlines()
        ]
        try:
            return np.squeeze(np.array([row for row in rows if row], dtype=np.float64))
        except ValueError:  # there are names
            return None
    return None


def _json(path: Path) -> Any:
    text = read_file(path).text
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BpxError([Diagnostic("unreadable", None, {"name": str(path), "reason": str(error)})]) from None


def _array(file: str, nest: Any) -> Array:
    try:
        return np.array(nest, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise BpxError([Diagnostic("unreadable", None, {"name": file, "reason": str(error)})]) from None


def _named(file: str, key: str | None, name: str) -> Array:
    """The array under a key, under the name of the input, or the only one."""
    table = read_table(file)
    arrays = {row.name: row.numbers for row in table.rows if not row.broken}
    wanted = key if key is not None else name
    if wanted in arrays:
        return arrays[wanted]
    if key is None and len(arrays) == 1:
        return next(iter(arrays.values()))
    facts = {"name": wanted, "file": file, "known": ", ".join(arrays)}
    raise BpxError([Diagnostic("not-in-table", None, facts, "names-are-with-key")])
