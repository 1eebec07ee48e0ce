"""Timing whole commands in turn, A B A B …, so that drift of the machine's speed hits both alike."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Sequence


def seconds(command: Sequence[str]) -> float:
    """Wall seconds of one run; its output is thrown away, its failure is not."""
    start = time.perf_counter()
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=env)  # byte code is kept, as usual
    return time.perf_counter() - start


def ratio(ours: Sequence[str], theirs: Sequence[str], runs: int) -> tuple[float, float, float]:
    """Median seconds of ours and of theirs, and the median of the ratios pair by pair."""
    seconds(ours), seconds(theirs)  # warm the file caches
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(runs)]
    return (
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(a / b for a, b in pairs),
    )
