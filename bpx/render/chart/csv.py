"""Tables of numbers as CSV, in full precision; a cell without a value is empty."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO
from typing import NamedTuple

import numpy as np

from bpx.graph.arrays import Array


class Columns(NamedTuple):
    """Columns of the same length, with their names."""

    names: Sequence[str]
    columns: Sequence[Array]


def csv_text(table: Columns) -> str:
    """The names, then a line for each row."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.names)
    writer.writerows(
        zip(*([_cell(value) for value in column.tolist()] for column in table.columns), strict=True)
    )
    return text.getvalue()


def _cell(value: float) -> str:
    return repr(value) if np.isfinite(value) else ""
