"""Figures in a form that `python -m tests.benchmarks` reads: one line each, beside what people read."""

from __future__ import annotations

import json
import re
import resource
from pathlib import Path
from typing import NamedTuple

MARK = "result: "


class Result(NamedTuple):
    """What was measured, the figure, and the command, as they stand in a table."""

    what: str
    measured: str
    command: str = ""


def peak() -> int:
    """The most memory that this process has taken so far, in bytes.

    On Linux `ru_maxrss` of a new process begins with that of the process that starts it: below a large one, a
    small one seems to take nothing. VmHWM begins anew with each program.
    """
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return 1024 * (int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def result(what: str, measured: str) -> None:
    """Print a figure."""
    print(MARK + json.dumps([what, measured], ensure_ascii=False), flush=True)


def read_result(line: str) -> Result | None:
    """The figure of a line; None where it is a line for people."""
    return Result(*json.loads(line.removeprefix(MARK))) if line.startswith(MARK) else None
