"""Inputs that are as bad as their size allows, through every door: CPU time, memory and output of each.

`python tests/benchmarks/bombs.py [PART OF A NAME ...]` runs all, or those whose names have all the parts;
with `--list` it lists them. Each runs as a process of its own that may take 15 s of CPU and 3 GB; that
process is a copy of this one, which has loaded bpx, so that its start-up is not counted. What is refused must
take at most 2 s and 500 MB, and say it in 64 kB; what is
accepted is run at a quarter of its size as well, and
must take time and memory in proportion; what does not end within the 15 s is judged at a quarter.
The kinds are in `bomb_*.py`.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import gc
import pickle
import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import bpx.cli.explain
import bpx.cli.gradcheck
import bpx.cli.main

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.bomb_archives import ARCHIVE_FILES
from benchmarks.bomb_files import FILES
from benchmarks.bomb_kinds import Bomb
from benchmarks.bomb_options import OPTIONS
from benchmarks.bomb_python import PYTHON
from benchmarks.bomb_tables import TABLE_FILES
from benchmarks.bomb_texts import TEXTS
from benchmarks.results import result

MOST_SECONDS, MOST_BYTES = int(os.environ.get("BOMB_SECONDS", 15)), 3 * 10**9
PART = int(os.environ.get("BOMB_PART", 1))  # of its size: a first look at what is accepted takes a quarter
REFUSED_SECONDS, REFUSED_MB, LONGEST_REFUSAL = 2.0, 500, 64_000
SLACK = 2.0  # of proportional growth: time per size may double from a quarter of a size to the whole


class Run(NamedTuple):
    """What a process took: seconds of CPU, MB of memory, bytes written; its exit code, or minus a signal."""

    code: int
    seconds: float
    mb: float
    output: int
    tail: str

    @property
    def is_refusal(self) -> bool:
        return self.code == 2

    def fault(self, smaller: Run | None) -> str:
        """What is wrong with the run, if anything; `smaller` is that at a quarter of the size."""
        if self.code not in (0, 1, 2):
            return "killed" if self.code < 0 else "internal error"
        if self.is_refusal:
            if self.seconds > REFUSED_SECONDS or self.mb > REFUSED_MB:
                return "beyond the bound"
            return "long refusal" if self.output > LONGEST_REFUSAL else ""
        if smaller and self.seconds > 2 and self.seconds > SLACK * 4 * smaller.seconds:
            return "not in proportion"
        return ""


def run(bomb: Bomb, size: int) -> Run:
    """The bomb of that size in a process of its own, in an empty folder; another process makes its files."""
    with tempfile.TemporaryDirectory() as folder:
        _in_a_process(lambda: _make(bomb, size, folder))
        code, usage = _in_a_process(lambda: _run_here(bomb, size, folder))
        out = Path(folder, "output")
        tail = out.read_bytes()[-4000:].decode("utf-8", "replace") if out.exists() else ""
        size_of_output = out.stat().st_size if out.exists() else 0
    return Run(code, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, size_of_output, tail)


def _in_a_process(work: Callable[[], int]) -> tuple[int, resource.struct_rusage]:
    child = os.fork()
    if child == 0:
        os._exit(work())
    _, status, usage = os.wait4(child, 0)
    return os.waitstatus_to_exitcode(status), usage


def _make(bomb: Bomb, size: int, folder: str) -> int:
    os.chdir(folder)
    if bomb.call is None:
        args, text = bomb.made(size)
        Path("input").write_text(text, encoding="utf-8", errors="surrogatepass")
        Path("args").write_bytes(pickle.dumps(args))
    else:
        bomb.made(size)
        Path("input").touch()
    return 0


def _run_here(bomb: Bomb, size: int, folder: str) -> int:
    os.chdir(folder)
    os.environ["XDG_DATA_HOME"] = folder
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    stdin = os.open("input", os.O_RDONLY)
    output = os.open("output", os.O_WRONLY | os.O_CREAT)
    for stream, copy in ((stdin, 0), (output, 1), (output, 2)):
        os.dup2(stream, copy)
    gc.disable()  # as bpx/__main__.py does
    code = 0
    try:
        if bomb.call is not None:
            code = _called(bomb.call, size)
        else:
            sys.argv = ["bpx", *pickle.loads(Path("args").read_bytes())]
            bpx.cli.main.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
        code = 3
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    return code


def _called(call: Callable[[int], object], size: int) -> int:
    """What a call of Python comes to, as an exit code: 2 where it is refused."""
    try:
        call(size)
    except (bpx.BpxError, TypeError) as error:
        print(error)
        return 2
    return 0


def main(parts: list[str]) -> None:
    """Run the bombs whose names have all the parts, and print those that fell."""
    bombs = [
        bomb
        for bomb in [*FILES, *TABLE_FILES, *ARCHIVE_FILES, *OPTIONS, *TEXTS, *PYTHON]
        if all(part in f"{bomb.name}$" for part in parts if part[0] != "-")
        and bomb.name not in os.environ.get("BOMB_SKIP", "").split("|")
    ]
    if "--list" in parts:
        print(*(bomb.name for bomb in bombs), sep="\n")
        return
    fell, refused, slowest, largest = 0, 0, 0.0, 0.0
    for bomb in bombs:
        size = max(bomb.size // PART, 1)
        whole = run(bomb, size)
        if whole.code == -signal.SIGXCPU:  # accepted, it seems: in proportion to its size?
            size //= 4
            whole = run(bomb, size)
        smaller = run(bomb, size // 4) if whole.code in (0, 1) and whole.seconds > 2 else None
        fault = whole.fault(smaller)
        fell += bool(fault)
        if whole.is_refusal:
            refused += 1
            slowest, largest = max(slowest, whole.seconds), max(largest, whole.mb)
        if fault or "-v" in parts:
            ratio = f" (a quarter: {smaller.seconds:.1f} s, {smaller.mb:.0f} MB)" if smaller else ""
            figures = f"{whole.seconds:5.1f} s {whole.mb:5.0f} MB {whole.output:9,} B"
            print(f"{fault or 'fine':18}{whole.code:4} {figures}  {bomb.name}{ratio}", flush=True)
            if "-vv" in parts:
                print("    " + whole.tail[-600:].replace("\n", "\n    "))
    print(f"{fell} of {len(bombs)} fell")
    print(f"of {refused} refused, the slowest took {slowest:.1f} s and the largest {largest:.0f} MB")
    result("hostile inputs through every door: beyond the bound", f"{fell} of {len(bombs)}")


if __name__ == "__main__":
    main(sys.argv[1:])
