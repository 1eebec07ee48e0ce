"""Mistakes planted in all networks: how often are the line and the kind of mistake named?

The kind counts as named if one of the mistakes that the report gives for the line is of a code that a reader
would call the same. Run: python tests/benchmarks/lines.py [--keep FILE] [NETWORK ...]

With `--keep`, rows are added to a file as they are found, and those that stand there are not run again: runs
of a few minutes add up.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from backward_files import program_of
from corpus import Planted, networks, planted_bugs

from bpx.check.report.blame import Blame
from bpx.spec.code.check import check_program

# Only a second call of backward shows these.
SECOND_CALL = ("adds to an earlier call", "gradient left in another array")
FORMULA = ("formula", "times-formula", "plus-formula", "slip", "numbers-of")
NAME = ("name-for-name", "other-factors", "other-index")
SLOPE = ("own-value", "at-input", "at-output", "value-at-output", "other-op", "unchanged", "times-value")
SLOPE = (*SLOPE, "value-for-slope", "slope-missing", "other-function")
FACTOR = ("factor", "factor-below-one", "factor-missing", "name-lost", "part-lost", "over-value-of")
FACTOR = (*FACTOR, "slope-missing", "mask-missing")
MEAN = (
    "mean-lost",
    "mean-doubled",
    "averaged",
    "axis-averaged",
    "factor",
    "factor-below-one",
    "root-missing",
)
NOT_DIVIDED = ("mean-missing", "not-divided", "summed-not-averaged", "divided-not-multiplied")
DIVIDED = ("divided-too-often", "averaged-not-summed")
PART = ("dropped", "path-dropped", "other-term", "mean-term", "variance-term", "part-lost", "some-outputs")
PART = (*PART, "term-missing")
ELEMENTS = ("shifted", "permuted", "reversed", "turned", "order-of-elements", "misrouted", "some-zero")
ELEMENTS = (*ELEMENTS, "other-index")
MATRIX = ("not-transposed", "result-transposed", "order-swapped", "order-swapped-not-transposed", "exchanged")
MATRIX = (*MATRIX, "transpose-missing", "transpose-extra")
MASK = ("mask-flipped", "mask-of-upstream", "unmasked", "some-zero", "misrouted", "unchanged", "some-sign")
MASK = (*MASK, "mask-missing", "mask-other", "name-for-name")
HIDDEN = ("hidden-slope-missing", "hidden-slope-twice", "hidden-slope-wrong", "gradient-above")
OTHER = ("numbers-of", "other-gradient", "value-of", "gradient-above", "times-value-of", *NAME)
CODES: dict[str, Sequence[str]] = {
    "missing transpose": (*MATRIX, "order-of-elements", "kernel-transposed", "axes-exchanged"),
    "activation derivative forgotten": ("slope-missing", "unchanged", *HIDDEN, *FACTOR, *OTHER),
    "value for derivative": (*SLOPE, *FACTOR, *HIDDEN, *NAME, "exponent-kept", "factor-doubled"),
    "wrong derivative": (
        "other-exponent",
        "term-sign",
        "other-factors",
        "multiplied-not-divided",
        "factor-missing",
        *SLOPE,
        *HIDDEN,
        "not-squared",
        "exponent-lost",
        "exponent-kept",
        "slip",
        "sign",
    ),
    "pre-activation for activation": (*SLOPE, *OTHER, *HIDDEN),
    "activation for pre-activation": (*SLOPE, *OTHER, *HIDDEN),
    "derivative taken twice": (
        "slope-twice",
        "call-extra",
        "local-twice",
        "hidden-slope-twice",
        "factor-doubled",
    ),
    "upstream gradient forgotten": (
        "factor-missing",
        "upstream-forgotten",
        "part-lost",
        "name-lost",
        "value-of",
    ),
    "1/N forgotten": (*MEAN, *NOT_DIVIDED),
    "1/N twice": (*MEAN, *DIVIDED),
    "divided by the wrong length": (*MEAN, "other-length"),
    "constant factor": (
        "constant-missing",
        "other-constant",
        "name-doubled",
        "factor-missing",
        "half",
        "double",
        *FACTOR,
        "penalty-term",
        "factor-doubled",
    ),
    "factor forgotten": (*FACTOR, "unchanged", *SLOPE, "half"),
    "product rule: wrong factor": (*OTHER, *SLOPE, "exchanged", "swapped", "slip"),
    "sum over the wrong axis": ("other-axis", "wrong-axis", "axis-summed", "all-summed", "wrong-shape"),
    "= for +=": ("overwritten", *PART, "one-row", "one-element", "counted-once"),
    "sign": ("term-sign", "sign", "some-sign", "name-sign", "inner-sign", "double"),
    "wrong variable": OTHER,
    "mask forgotten": (*MASK, "call-missing", "factor-missing", *HIDDEN),
    "wrong mask": (*MASK, "other-constant", "other-function", *HIDDEN),
    "mask drawn again": ("drawn-again", *MASK, "misrouted"),
    "path forgotten": (*PART, "diagonal-only", "target-forgotten", "no-mixture"),
    "chain broken": ("name-for-name", *HIDDEN, *PART, "unchanged", "other-gradient"),
    "weights updated too early": ("updated", "computed-again"),
    "repeated index counted once": (
        "repeated-index",
        "counted-once",
    ),
    "wrong index": (*ELEMENTS, *OTHER, "stride-forgotten", "factor-missing"),
    "slice off": (*ELEMENTS, "stride-forgotten"),
    "wrong order": (
        "loop-order",
        "order-of-items",
        *ELEMENTS,
        *MATRIX,
        "kernel-turned",
        "axes-exchanged",
        *PART,
    ),
    "regularisation forgotten": ("term-missing", "penalty-term", "name-lost", *PART),
    "bias regularised": ("term-extra", "penalty-term", *PART),
}


def is_line_named(bug: Planted, blame: Sequence[Blame]) -> bool:
    """Whether one line is blamed, and the right one.

    Where a line was deleted, it is one beside it, or one that sets the same.
    """
    codes = {one.line: one.code for one in blame if one.code}
    if len(codes) != 1:
        return False
    [(line, code)] = codes.items()
    if bug.replacement == "pass":
        return abs((line or 0) - bug.line) <= 1 or code.sets in bug.text.split()
    return line == bug.line


def is_kind_named(bug: Planted, blame: Sequence[Blame]) -> bool:
    """Whether a mistake that the report names is of the kind, or a formula says how the claim differs."""
    codes = {mistake.code for one in blame for mistake in one.mistakes}
    return bool(codes & {*CODES[bug.kind], *FORMULA})


class Row(NamedTuple):
    """What the report says of one mistake."""

    network: str
    bug: str
    kind: str
    line: bool
    kind_named: bool
    corrected: bool
    seconds: float
    said: tuple[str, ...]

    def shown(self) -> str:
        """The row as people read it, with what the report says where line or kind is not named."""
        head = " ".join(
            ("line" if self.line else "----", "kind" if self.kind_named else "----", f"{self.seconds:5.1f} s")
        )
        said = "" if self.line and self.kind_named else "".join(f"\n      {text}" for text in self.said)
        return f"  {head}  {self.network}: {self.bug}, {self.kind}{said}"


def way_of(bug: Planted) -> tuple[str | None, dict[str, np.ndarray] | None]:
    """How to run a line that the usual way of its network does not run: a target and inputs."""
    if "predicted - actual" in bug.text:
        draw = np.random.default_rng(0).normal
        return "criterion.loss,criterion.grad", {
            "predicted": draw(size=(3, 3)),
            "actual": draw(size=(3, 3)),
        }
    return None, None


def row_of(bug: Planted) -> Row:
    """The check of a network with one mistake in it."""
    start = time.process_time()
    with TemporaryDirectory() as folder:
        blame = check_program(program_of(Path(folder), bug, *way_of(bug))).blame
    said = [f"{bug.line}: {bug.text} -> {bug.replacement}"]
    for one in blame:
        line = (one.line, one.code.sets, one.code.right) if one.code else ()
        said.append(f"{one.node} {line} {[mistake.code for mistake in one.mistakes]}")
    return Row(
        bug.network,
        bug.name,
        bug.kind,
        is_line_named(bug, blame),
        is_kind_named(bug, blame),
        any(one.code and one.code.right for one in blame),
        round(time.process_time() - start, 1),
        tuple(said),
    )


def kept_rows(path: Path | None) -> dict[tuple[str, str], Row]:
    """What earlier runs have written to a file, by network and mistake."""
    if path is None or not path.exists():
        return {}
    rows = [Row(*json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    return {(row.network, row.bug): row for row in rows}


def main(arguments: Sequence[str]) -> None:
    """Check all mistakes of the networks that are named, or of all."""
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("networks", nargs="*")
    parser.add_argument("--keep", type=Path, help="a file of rows: what stands in it is not run again")
    chosen = parser.parse_args(arguments)
    kept = kept_rows(chosen.keep)
    rows = []
    for bug in (bug for stem in chosen.networks or networks() for bug in planted_bugs(stem)):
        if bug.kind in SECOND_CALL:
            continue
        row = kept.get((bug.network, bug.name))
        if row is None:
            row = row_of(bug)
            print(row.shown(), flush=True)
            if chosen.keep:
                with chosen.keep.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
        rows.append(row)
    lines, kinds = sum(row.line for row in rows), sum(row.kind_named for row in rows)
    seconds = sum(row.seconds for row in rows)
    print(f"of {len(rows)} mistakes: {lines} lines named ({lines / len(rows):.1%}), {kinds} kinds")
    print(
        f"({kinds / len(rows):.1%}), {sum(row.corrected for row in rows)} corrections; {seconds:.0f} s of CPU"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
