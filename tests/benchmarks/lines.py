"""Mistakes planted in all networks: how often are the line and the kind of mistake named?

The kind counts as named if one of the mistakes that the report gives for the line is of a code that a reader
would call the same. Run: python tests/benchmarks/lines.py [--verbose] [NETWORK ...]
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from backward_files import program_of
from corpus import CONVENTIONS, Planted, planted_bugs

from bpx.check.report.blame import Blame
from bpx.spec.code.check import check_program

# Only a second call of backward shows these.
SECOND_CALL = ("adds to an earlier call", "gradient left in another array")
FORMULA = ("formula", "times-formula", "plus-formula", "slip", "name-for-name", "numbers-of")
SLOPE = ("own-value", "at-input", "at-output", "value-at-output", "other-op", "unchanged", "times-value")
FACTOR = ("factor", "factor-below-one", "factor-missing", "name-lost", "part-lost", "over-value-of")
MEAN = ("mean-lost", "mean-doubled", "averaged", "axis-averaged", "factor", "factor-below-one")
PART = ("dropped", "path-dropped", "other-term", "mean-term", "variance-term", "part-lost", "some-outputs")
ELEMENTS = ("shifted", "permuted", "reversed", "turned", "order-of-elements", "misrouted", "some-zero")
MATRIX = ("not-transposed", "result-transposed", "order-swapped", "order-swapped-not-transposed", "exchanged")
MASK = ("mask-flipped", "mask-of-upstream", "unmasked", "some-zero", "misrouted", "unchanged", "some-sign")
HIDDEN = ("hidden-slope-missing", "hidden-slope-twice", "hidden-slope-wrong", "gradient-above")
OTHER = ("numbers-of", "other-gradient", "value-of", "name-for-name", "gradient-above", "times-value-of")
CODES: dict[str, Sequence[str]] = {
    "missing transpose": (*MATRIX, "order-of-elements", "kernel-transposed", "axes-exchanged"),
    "activation derivative forgotten": ("unchanged", *HIDDEN, *FACTOR, *OTHER),
    "value for derivative": (*SLOPE, *FACTOR, *HIDDEN, "exponent-kept"),
    "wrong derivative": (*SLOPE, *HIDDEN, "not-squared", "exponent-lost", "exponent-kept", "slip", "sign"),
    "pre-activation for activation": (*SLOPE, *OTHER, *HIDDEN),
    "activation for pre-activation": (*SLOPE, *OTHER, *HIDDEN),
    "derivative taken twice": ("local-twice", "hidden-slope-twice", "factor-doubled"),
    "upstream gradient forgotten": ("upstream-forgotten", "part-lost", "name-lost", "value-of"),
    "1/N forgotten": MEAN,
    "1/N twice": MEAN,
    "divided by the wrong length": MEAN,
    "constant factor": ("half", "double", *FACTOR, "penalty-term", "factor-doubled"),
    "factor forgotten": (*FACTOR, "unchanged", *SLOPE, "half"),
    "product rule: wrong factor": (*OTHER, *SLOPE, "exchanged", "swapped", "slip"),
    "sum over the wrong axis": ("wrong-axis", "axis-summed", "all-summed", "wrong-shape"),
    "= for +=": (*PART, "one-row", "one-element", "counted-once"),
    "sign": ("sign", "some-sign", "name-sign", "inner-sign", "double"),
    "wrong variable": OTHER,
    "mask forgotten": (*MASK, *HIDDEN),
    "wrong mask": (*MASK, *HIDDEN),
    "mask drawn again": (*MASK, "misrouted"),
    "path forgotten": (*PART, "diagonal-only", "target-forgotten", "no-mixture"),
    "chain broken": (*HIDDEN, *PART, "unchanged", "other-gradient"),
    "weights updated too early": ("updated",),
    "repeated index counted once": ("counted-once",),
    "wrong index": (*ELEMENTS, *OTHER, "stride-forgotten"),
    "slice off": (*ELEMENTS, "stride-forgotten"),
    "wrong order": (*ELEMENTS, *MATRIX, "kernel-turned", "axes-exchanged", *PART),
    "regularisation forgotten": ("penalty-term", "name-lost", *PART),
    "bias regularised": ("penalty-term", *PART),
}


def is_line_named(bug: Planted, blame: Sequence[Blame]) -> bool:
    """Whether one line is blamed, and the right one; where a line was deleted, one beside it."""
    lines = {one.line for one in blame if one.code}
    room = 1 if bug.replacement == "pass" else 0
    return len(lines) == 1 and abs(min(line or 0 for line in lines) - bug.line) <= room


def is_kind_named(bug: Planted, blame: Sequence[Blame]) -> bool:
    """Whether a mistake that the report names is of the kind, or a formula says how the claim differs."""
    codes = {mistake.code for one in blame for mistake in one.mistakes}
    return bool(codes & {*CODES[bug.kind], *FORMULA})


def main(arguments: Sequence[str]) -> None:
    warnings.simplefilter("ignore")
    verbose = "--verbose" in arguments
    lines = kinds = corrected = total = 0
    for stem in [stem for stem in arguments if stem in CONVENTIONS] or CONVENTIONS:
        start = time.process_time()
        for bug in planted_bugs(stem):
            if bug.kind in SECOND_CALL:
                continue
            with TemporaryDirectory() as folder:
                blame = check_program(program_of(Path(folder), bug)).blame
            line, kind = is_line_named(bug, blame), is_kind_named(bug, blame)
            correction = any(one.code and one.code.right for one in blame)
            lines, kinds, total = lines + line, kinds + kind, total + 1
            corrected += correction
            if verbose:
                said = ("line" if line else "    ", "kind" if kind else "    ")
                print(" ", *said, f"{stem}: {bug.name}, {bug.kind}")
                print(f"    {bug.line}: {bug.text} -> {bug.replacement}")
                for one in blame:
                    said = (one.line, one.code.sets, one.code.right) if one.code else None
                    print("     ", one.node, said, [mistake.code for mistake in one.mistakes])
        print(f"{stem}: {time.process_time() - start:.1f} s", flush=True)
    print(f"of {total} mistakes: {lines} lines named, {kinds} kinds, {corrected} corrections")


if __name__ == "__main__":
    main(sys.argv[1:])
