"""Time per node of a JSON account, from 1,000 to 100,000 nodes in a chain, and of a sum of 10,000 terms.

Run: python tests/benchmarks/scaling.py
"""

from __future__ import annotations

import gc
import time

import bpx


def microseconds_per_node(expression: str) -> tuple[int, float]:
    """Nodes, and CPU time for reading, explaining and writing per node."""
    start = time.process_time()
    spec = bpx.parse(expression, x=0.5)
    spec.explain().to_json()
    return spec.size, 1e6 * (time.process_time() - start) / spec.size


def main() -> None:
    gc.disable()  # as the command line does
    microseconds_per_node("sin(x)")
    for length in (1_000, 10_000, 100_000):
        size, each = microseconds_per_node("sin(" * length + "x" + ")" * length)
        print(f"chain of {size:>7,} nodes: {each:6.1f} µs per node")
    size, each = microseconds_per_node("+".join(["x"] * 10_000))
    print(f"sum of   {size:>7,} nodes: {each:6.1f} µs per node")


if __name__ == "__main__":
    main()
