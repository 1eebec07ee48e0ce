"""The verdicts on every elementwise op at 60 values from 5e-324 to 1.7e308, and on all pairs of two args.

Run: python tests/benchmarks/extremes.py [--quick] [NAME ...]
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.results import result
from extremes import FACTORS, VALUES, elementwise, points, problems

TOO_CAUTIOUS = ("KINK", "OUTSIDE_DOMAIN")  # where the op is smooth, but no verdict is wrong


def main(names: list[str], quick: bool) -> None:
    """Sweep the ops named, or all; of two args on a claim each only where there are few points."""
    values = VALUES[::7] if quick else VALUES
    count: Counter[str] = Counter()
    for op in elementwise():
        if names and op.name not in names:
            continue
        for point in points(op, values):
            count["points"] += 1
            for problem in problems(op.name, point, FACTORS if len(op.args) == 1 else FACTORS[:1]):
                kind = "too cautious" if any(word in problem for word in TOO_CAUTIOUS) else "wrong"
                count[kind] += 1
                print(f"{kind}: {problem}", flush=True)
        print(f"{op.name}: {dict(count)} so far", flush=True)
    what = "elementwise ops at the ends of float64: points; wrong verdicts; smooth, but called a kink"
    result(what, f"{count['points']:,}; {count['wrong']:,}; {count['too cautious']:,}")


if __name__ == "__main__":
    main([name for name in sys.argv[1:] if not name.startswith("--")], "--quick" in sys.argv)
