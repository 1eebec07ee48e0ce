"""Figures in a form that `python -m tests.benchmarks` reads: one line each, beside what people read."""

from __future__ import annotations

import json
from typing import NamedTuple

MARK = "result: "


class Result(NamedTuple):
    """What was measured, the figure, and the command, as they stand in a table."""

    what: str
    measured: str
    command: str = ""


def result(what: str, measured: str) -> None:
    """Print a figure."""
    print(MARK + json.dumps([what, measured], ensure_ascii=False), flush=True)


def read_result(line: str) -> Result | None:
    """The figure of a line; None where it is a line for people."""
    return Result(*json.loads(line.removeprefix(MARK))) if line.startswith(MARK) else None
