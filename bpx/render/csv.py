"""Rows of plain data as CSV, for spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

_OBEYED = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for a formula when a text begins so


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows below a line with their keys; an apostrophe stands before what a spreadsheet would obey."""
    stream = StringIO()
    writer = csv.DictWriter(stream, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _inert(value) for key, value in row.items()} for row in rows)
    return stream.getvalue()


def _inert(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_OBEYED):
        return f"'{value}" if not _is_number(value) else value
    return value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
