"""The verdicts on every elementwise op at 60 values from 5e-324 to 1.7e308, and on all pairs of two args.

Run: python tests/benchmarks/extremes.py [--quick] [--of-each N] [NAME ...]
With `--of-each`, N points of each op, drawn with a fixed seed, where there are more.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.results import result
from extremes import FACTORS, VALUES, elementwise, points, problems

TOO_CAUTIOUS = ("KINK", "OUTSIDE_DOMAIN")  # where the op is smooth, but no verdict is wrong


def main(names: list[str], quick: bool, of_each: int | None) -> None:
    """Sweep the ops named, or all; of two args on a claim each only where there are few points."""
    values = VALUES[::7] if quick else VALUES
    count: Counter[str] = Counter()
    for op in elementwise():
        if names and op.name not in names:
            continue
        of_op = list(points(op, values))
        for point in random.Random(op.name).sample(of_op, min(of_each or len(of_op), len(of_op))):
            count["points"] += 1
            for problem in problems(op.name, point, FACTORS if len(op.args) == 1 else FACTORS[:1]):
                kind = "too cautious" if any(word in problem for word in TOO_CAUTIOUS) else "wrong"
                count[kind] += 1
                print(f"{kind}: {problem}", flush=True)
        print(f"{op.name}: {dict(count)} so far", flush=True)
    what = "elementwise ops at the ends of float64: points; wrong verdicts; smooth, but called a kink"
    result(what, f"{count['points']:,}; {count['wrong']:,}; {count['too cautious']:,}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--of-each", type=int, metavar="N")
    asked = parser.parse_args()
    main(asked.names, asked.quick, asked.of_each)
