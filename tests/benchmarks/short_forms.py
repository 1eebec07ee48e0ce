"""The short forms of every named gradient of the examples: found, operations, how they are proved, CPU time.

Run: python tests/benchmarks/short_forms.py [EXAMPLE ...]
"""

from __future__ import annotations

import math
import sys
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from checking import point_of

from bpx.check.short.route import operations
from bpx.check.short.short_forms import ShortForms
from bpx.spec.reading.target import read_target

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


class Row(NamedTuple):
    """One gradient: operations of the long form (None: too long to be read) and of the short one."""

    long: int | None
    short: int
    is_shorter: bool
    methods: tuple[str, ...]
    seconds: float


def rows_of(path: Path) -> tuple[bool, list[Row]]:
    """Whether all nodes are scalars, and a row for each named gradient."""
    made = read_target(str(path), {})
    checked = point_of(made)
    search, rows = ShortForms(checked), []
    reached = made.own_names.keys() & checked.by_own_rules.upstream.keys() - {made.output}
    for node in sorted(reached, reverse=True):
        start = time.process_time()
        forms = search.of(node)
        seconds = time.process_time() - start
        long = None if forms.long is None else operations(forms.long)
        methods = tuple(form.proof.method for form in forms.forms)
        rows.append(Row(long, forms.forms[0].operations, forms.is_shorter, methods, seconds))
    return all(math.prod(shape) == 1 for shape in made.graph.shapes), rows


def summary(title: str, rows: list[Row]) -> str:
    """One line about many gradients."""
    proofs = Counter(method for row in rows for method in row.methods)
    operations_of = [row.short for row in rows]
    long = sum(row.long or row.short for row in rows)
    return (
        f"{title:24} {len(rows):4} gradients, {sum(row.is_shorter for row in rows)} shorter, operations "
        f"{long} → {sum(operations_of)}, median {median(operations_of)}, largest {max(operations_of)}; "
        f"proofs {dict(proofs)}; CPU median {median(row.seconds for row in rows) * 1e3:.0f} ms, "
        f"largest {max(row.seconds for row in rows) * 1e3:.0f} ms"
    )


def main(names: list[str]) -> None:
    """A line for each example, and one for all scalar ones and for all."""
    every: list[Row] = []
    scalar: list[Row] = []
    rows_of(EXAMPLES / "sigmoid.toml")  # what is loaded once is not counted
    for path in sorted(EXAMPLES.glob("*.toml")):
        if names and path.stem not in names:
            continue
        is_scalar, rows = rows_of(path)
        every += rows
        scalar += rows if is_scalar else []
        if rows:
            print(summary(path.stem, rows))
    if scalar:
        print(summary("all scalar examples", scalar))
    print(summary("all examples", every))


if __name__ == "__main__":
    main(sys.argv[1:])
