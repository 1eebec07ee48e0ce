"""`bpx explain` on a small expression against a minimal Typer + NumPy + Rich program, whole processes.

Run: python tests/benchmarks/startup.py [RUNS]
"""

from __future__ import annotations

import sys
from pathlib import Path

from side_by_side import ratio

ARGS = ["(x+y)^2", "--set", "x=3", "--set", "y=-1"]
MINIMAL = [sys.executable, str(Path(__file__).with_name("minimal_typer.py")), *ARGS]
BPX = [sys.executable, "-m", "bpx", "explain", *ARGS]


def main(runs: int = 21) -> None:
    ours, theirs, times = ratio(BPX, MINIMAL, runs)
    print(
        f"bpx explain {1e3 * ours:.0f} ms, minimal program {1e3 * theirs:.0f} ms: "
        f"{times:.2f} x (at most 1.25)"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
