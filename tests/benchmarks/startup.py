"""CPU time of whole processes of bpx, beside a minimal Typer + NumPy + Rich program and Python's own start.

Run: python tests/benchmarks/startup.py [RUNS]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from results import result

HERE = Path(__file__).parent
SHORT = ["(x+y)^2", "x=3", "y=-1"]
LONG = ["(x+y)^2", "--set", "x=3", "--set", "y=-1"]
BPX = [sys.executable, "-m", "bpx"]
PROGRAMS: dict[str, list[str]] = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import typer": [sys.executable, "-c", "import typer"],
    "import numpy": [sys.executable, "-c", "import numpy"],
    "minimal program": [sys.executable, str(HERE / "minimal_typer.py"), *LONG],
    "bpx explain": [*BPX, "explain", *SHORT],
    "bpx explain --no-check": [*BPX, "explain", *SHORT, "--no-check"],
    "bpx --help": [*BPX, "--help"],
    "bpx --version": [*BPX, "--version"],
    "bpx ex[Tab]": BPX,
    "bpx explain --f[Tab]": BPX,
}
TYPED = {"bpx ex[Tab]": ("bpx ex", "1"), "bpx explain --f[Tab]": ("bpx explain --f", "2")}


def environment(program: str, keeps_byte_code: bool) -> Mapping[str, str]:
    """The environment of a process, with what a shell sets when somebody presses Tab."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    env |= {"PYTHONPATH": str(HERE.parents[1])}
    if not keeps_byte_code:
        env |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": os.devnull}
    if program in TYPED:
        words, place = TYPED[program]
        # Typer takes the variable's name from the program's, here that of a module.
        asked = dict.fromkeys(("_BPX_COMPLETE", "_PYTHON _M BPX_COMPLETE"), "complete_bash")
        env |= {"COMP_WORDS": words, "COMP_CWORD": place, **asked}
    return env


def cpu_seconds(command: Sequence[str], env: Mapping[str, str]) -> float:
    """User and system time of one run; its output is thrown away, its failure is not."""
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return usage.ru_utime + usage.ru_stime


def main(runs: int = 21) -> None:
    for keeps_byte_code in (True, False):
        print(f"median of {runs} runs in turn, byte code {'kept' if keeps_byte_code else 'of none'}:")
        envs = {program: environment(program, keeps_byte_code) for program in PROGRAMS}
        rounds = [
            {program: cpu_seconds(command, envs[program]) for program, command in PROGRAMS.items()}
            for _ in range(runs + 1)
        ][1:]  # the first fills the caches
        medians = {program: statistics.median(times[program] for times in rounds) for program in PROGRAMS}
        start, minimal = medians["python -c pass"], medians["minimal program"]
        for program, seconds in medians.items():
            over = f"{1e3 * (seconds - start):6.0f} ms over Python's start"
            print(f"  {program:24} {1e3 * seconds:6.0f} ms {over} {seconds / minimal:6.2f} x the minimal one")
        if keeps_byte_code:
            write_down(medians)


def write_down(medians: Mapping[str, float]) -> None:
    """The rows of the table."""
    start, minimal = medians["python -c pass"], medians["minimal program"]
    for program in ("bpx explain", "bpx explain --no-check"):
        result(f"start-up: `{program}`, beside a minimal program", f"{medians[program] / minimal:.2f} ×")
    for program in ("bpx --help", "bpx --version", *TYPED):
        over = 1e3 * (medians[program] - start)
        result(f"start-up: `{program}`, over Python's own start", f"{over:.0f} ms")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
