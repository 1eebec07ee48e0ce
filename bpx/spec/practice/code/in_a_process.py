"""Sheets in code graded in a process of their own: one that does not end, or ends everything, harms no other.

The time is that of the processor, so that nothing depends on the load of the machine; where the system
cannot bound it, and for a sheet that waits, the clock does.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bpx.spec.practice.code.code_sheet import exercise_in, read_code_sheet
from bpx.spec.practice.code.grade_code import CodeGrading, grade_code
from bpx.spec.reading.target import read_file
from bpx.words.diagnostic import BpxError, Diagnostic

SECONDS = 20  # of CPU time for a sheet
_PATIENCE = 6  # seconds on the clock for each of them
LARGEST_OUTPUT = 1 << 26  # bytes that a sheet may write to a file, what it prints among them
MOST_PRINTED = 10_000  # characters that are shown of what a sheet prints
_FIELDS = ("judgements", "statements", "places", "report")


class GradedCodeSheet(NamedTuple):
    """A sheet in code, which was judged where it was run, and what it printed."""

    name: str
    grading: CodeGrading
    printed: str


def graded_code_sheet(file: str, seconds: int = SECONDS) -> GradedCodeSheet:
    """Run and judge a file. Raises `BpxError`, also where it takes more CPU time than these seconds."""
    exercise = exercise_in(read_file(Path(file)))
    with TemporaryDirectory() as folder:
        result, printed = Path(folder) / "grading", Path(folder) / "printed"
        exit_code = _run(file, result, printed, seconds)
        said = printed.read_text(encoding="utf-8", errors="replace")[:MOST_PRINTED]
        if not result.is_file():
            ended = exit_code is not None and not _ran_out(exit_code)
            code = "sheet-died" if ended else "sheet-endless"
            raise BpxError([Diagnostic(code, None, {"name": file, "seconds": seconds, "code": exit_code})])
        outcome = pickle.loads(result.read_bytes())
    if isinstance(outcome, list):
        raise BpxError(outcome)
    return GradedCodeSheet(file, CodeGrading(exercise=exercise, **outcome), said)


def _run(file: str, result: Path, printed: Path, seconds: int) -> int | None:
    """The exit code of the process that grades the file; None where it had to be stopped."""
    child = [sys.executable, "-P", "-m", __name__, file, str(result), str(seconds)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, map(str, sys.path)))}
    with printed.open("wb") as output:
        try:
            return subprocess.run(
                child,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=(seconds + 1) * _PATIENCE,
            ).returncode
        except subprocess.TimeoutExpired:
            return None


def _ran_out(exit_code: int) -> bool:
    """Did the system end the process because its CPU time was used up?"""
    return exit_code < 0 and -exit_code in (getattr(signal, "SIGXCPU", 0), getattr(signal, "SIGKILL", 0))


def grade_here(file: str, result: str, seconds: int) -> None:
    """Run and judge the file in this process, and leave the outcome in another: the child's part."""
    _bound(seconds)
    outcome: dict[str, object] | list[Diagnostic]
    try:
        grading = grade_code(read_code_sheet(file))
        outcome = {name: getattr(grading, name) for name in _FIELDS}
    except BpxError as error:
        outcome = [*error.diagnostics]
    Path(result).write_bytes(pickle.dumps(outcome))


def _bound(seconds: int) -> None:
    """Let the system end this process after so many more seconds of CPU time."""
    try:
        import resource
    except ImportError:  # Windows: the clock alone
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime) + 1
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    most = used + seconds if hard == resource.RLIM_INFINITY else min(used + seconds, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (most, hard))
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    largest = LARGEST_OUTPUT if hard == resource.RLIM_INFINITY else min(LARGEST_OUTPUT, hard)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, hard))


if __name__ == "__main__":
    grade_here(sys.argv[1], sys.argv[2], int(sys.argv[3]))
