"""Sixty derivations as people write them: is each slip found, named, and nothing else marked?

Run: python tests/benchmarks/written_derivations.py [--fresh] [PART OF A NAME]
With --fresh the second set is judged, which was written before its author had looked at the check.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bpx.spec.derivations.check import check_derivation
from bpx.spec.derivations.verdicts import Step, Verdict

_MARK = re.compile(r"\s*%?\s*<--\s*(.*?)\s*$")


class Sheet(NamedTuple):
    """A derivation without its marks: of each slip its line and what the message should match."""

    name: str
    text: str
    slips: dict[int, str]
    follows: set[int]


def sheets(name: str = "written_derivations.txt") -> Iterator[Sheet]:
    """The sheets of a file beside this one."""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    parts = re.split(r"(?m)^=== (.*)\n", text)[1:]
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        lines = body.split("\n")
        marks = {number: match[1] for number, line in enumerate(lines, 1) if (match := _MARK.search(line))}
        slips = {number: mark for number, mark in marks.items() if mark != "follows"}
        bare = "\n".join(_MARK.sub("", line) for line in lines)
        yield Sheet(name, bare, slips, marks.keys() - slips.keys())


def judged(sheet: Sheet) -> Counter[str]:
    """What became of a sheet; what is not as it should be is printed."""
    report = check_derivation(sheet.name, sheet.text, hint=5)
    found: dict[int, Step] = {}
    for step in report.steps:
        if step.verdict is Verdict.WRONG:
            found.setdefault(step.line, step)
    counts = Counter(sheets=1, slips=len(sheet.slips), with_slips=bool(sheet.slips))
    for line, pattern in sheet.slips.items():
        message = report.sentence(found[line]) if line in found else ""
        counts["found"] += line in found
        counts["named"] += line in found and bool(re.search(pattern, message, re.IGNORECASE))
        if not re.search(pattern, message, re.IGNORECASE):
            print(f"{sheet.name}:{line}: {message or 'not marked'} (should match {pattern})")
    following = {step.line for step in report.steps if step.verdict is Verdict.FOLLOWS}
    counts["to follow"] += len(sheet.follows)
    counts["follow"] += len(sheet.follows & following)
    for line in sheet.follows - following:
        print(f"{sheet.name}:{line}: not said to follow")
    for line in found.keys() - sheet.slips.keys():
        counts["false marks"] += 1
        print(f"{sheet.name}:{line}: marked, but right or innocent: {found[line].span.text}")
    counts["first found"] += bool(sheet.slips) and min(found, default=0) == min(sheet.slips)
    for verdict in (Verdict.NOT_READ, Verdict.CANNOT_TELL):
        counts[verdict.value] += report.counts[verdict]
    counts["steps"] += len(report.steps)
    return counts


def main() -> None:
    """Judge all, or those with a name like the argument."""
    start, total = time.process_time(), Counter[str]()
    arguments = sys.argv[1:]
    fresh = "--fresh" in arguments
    wanted = [argument for argument in arguments if argument != "--fresh"]
    for sheet in sheets("written_derivations_fresh.txt" if fresh else "written_derivations.txt"):
        if not wanted or wanted[0] in sheet.name:
            total.update(judged(sheet))
    print(", ".join(f"{name}: {count}" for name, count in total.items()))
    print(f"{time.process_time() - start:.1f} s of CPU")


if __name__ == "__main__":
    main()
