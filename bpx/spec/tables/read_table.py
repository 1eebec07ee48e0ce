"""A file of gradients by its ending. Nothing in a file is ever run, and its size is bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

from bpx.spec.reading.target import FORMATS, LARGEST_SPEC, decoded_text
from bpx.spec.tables.csv_table import read_csv
from bpx.spec.tables.digits import floats_of_texts
from bpx.spec.tables.json_table import read_json
from bpx.spec.tables.numpy_files import read_npy, read_npz
from bpx.spec.tables.safetensors import read_safetensors
from bpx.spec.tables.table import EXACT, LARGEST_TABLE, NamedNumbers, Table, looked_at, within
from bpx.words.diagnostic import BpxError, Diagnostic, Source
from bpx.words.files import bytes_of

_Arrays = Callable[[str, bytes, list[Diagnostic]], Iterable[NamedNumbers]]
_Texts = Callable[[Source, list[Diagnostic]], Iterable[NamedNumbers]]

ARRAYS: dict[str, _Arrays] = {".npz": read_npz, ".npy": read_npy, ".safetensors": read_safetensors}
TEXTS: dict[str, _Texts] = {".json": read_json, ".csv": read_csv, ".tsv": read_csv, ".txt": read_csv}


def is_table(name: str) -> bool:
    """Does a name end as files of numbers do, and as specs do not?"""
    return Path(name).suffix.lower() in (*ARRAYS, *TEXTS) and Path(name).suffix.lower() not in FORMATS


def read_table(name: str | Path) -> Table:
    """The numbers of a file by name, and what is wrong with some. Raises `BpxError` where there are none."""
    path, problems = Path(name), list[Diagnostic]()
    ending = path.suffix.lower()
    if ending in TEXTS:
        rows = _of_text(path, TEXTS[ending], problems)
    elif ending in ARRAYS:
        rows = looked_at(ARRAYS[ending](str(path), bytes_of(path, LARGEST_TABLE), problems), problems)
    else:
        facts = {"name": str(path), "known": ", ".join((*ARRAYS, *TEXTS))}
        raise BpxError([Diagnostic("table-ending", None, facts)])
    if not rows and not problems:
        _fail("table-empty", path)
    problems = [problem if problem.span else within(str(path), problem) for problem in problems]
    if not rows:
        raise BpxError(problems)
    return Table(str(path), rows, problems)


def _of_text(path: Path, read: _Texts, problems: list[Diagnostic]) -> list[NamedNumbers]:
    text = decoded_text(str(path), bytes_of(path, LARGEST_SPEC))
    if not text.strip():
        return []
    rows = looked_at(read(Source(str(path), text), problems), problems)
    floats = floats_of_texts(rows)
    return rows if floats == EXACT else [row._replace(floats=floats) for row in rows]


def _fail(code: str, path: Path, **facts: str) -> NoReturn:
    raise BpxError([Diagnostic(code, None, {"name": str(path), **facts})])
