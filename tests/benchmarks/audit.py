"""How well tables of gradients are judged: mistakes planted in random graphs, and programs without any.

Run: python tests/benchmarks/audit.py [--quick] [all half right printed two]
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from planted import arbitrary_rules, planted, random_spec, wrong_rules
from tables import STYLES, to_csv, to_json, to_long_csv, to_npz, to_safetensors
from wrong_programs import SEEN, Planted, cases, gradients_of, is_seen

from bpx.check.report.entry import Verdict
from bpx.check.report.report import Report
from bpx.graph.named.named_graph import NamedGraph
from bpx.spec.spec import Spec

FORMATS: list[tuple[str, Callable[..., None]]] = [
    ("npz", to_npz),
    ("json", to_json),
    ("csv", to_csv),
    ("safetensors", to_safetensors),
    ("csv", to_long_csv),
]
TEXTS = [one for one in FORMATS if one[0] in ("json", "csv")]
TROUBLE: dict[str, list[str]] = {}  # what went wrong, by kind


def trouble(kind: str, what: str) -> None:
    TROUBLE.setdefault(kind, []).append(what)


def row(what: str, promised: str, good: int, of: int) -> None:
    share = 100 * good / of if of else float("nan")
    print(f"{what:<66}{promised:>8}{share:>9.2f} %{good:>8} of {of}", flush=True)


class Files:
    """A folder in which every table is written in the next format, with names in the next style."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.count = folder, 0

    def write(self, arrays: Mapping[str, Any], formats: Sequence[Any], form: str | None = None) -> Path:
        self.count += 1
        ending, write = formats[self.count % len(formats)]
        style = STYLES[self.count % len(STYLES)]
        path = self.folder / f"gradients{self.count % 7}.{ending}"
        styled = {style(name): array for name, array in arrays.items()}
        if form is None:
            write(path, styled)
        else:
            write(path, styled, form)
        return path


def wrong_programs(graphs: int, seed: int) -> Iterator[tuple[Planted, dict[str, Any], int]]:
    """Programs with one mistake that their numbers show, these numbers, and the node it falls upon."""
    named, nameless = cases(seed, graphs, wrong_rules, 1), cases(seed + 1, graphs // 3, arbitrary_rules, 1)
    for case in (*named, *nameless):
        gradients = gradients_of(planted(case.spec, case.node, case.wrong.op))
        arg = case.spec.graph.args[case.node][case.wrong.position]
        if all(np.isfinite(one).all() for one in gradients.values()) and is_seen(case, gradients, arg):
            yield case, {case.spec.names[node]: one for node, one in gradients.items()}, arg


# --- mistakes -----------------------------------------------------------------------------------


def all_nodes(graphs: int, files: Files) -> None:
    count: Counter[str] = Counter()
    for case, gradients, arg in wrong_programs(graphs, 51):
        report = Spec.of(case.spec).audit(files.write(gradients, FORMATS))
        names, graph = case.spec.names, case.spec.graph
        blame = report.blame
        consumers = {node for node in graph.needs(of=[case.spec.output]) if arg in graph.args[node]}
        right = [one.node for one in blame] == [names[arg]]
        count["all"] += 1
        count["alone"] += right
        count["edge"] += right and case.name in blame[0].segment and blame[0].arg in (None, case.name)
        count["exact"] += right and len(consumers) == 1 and blame[0].arg == case.name
        count["single"] += len(consumers) == 1
        if not right or case.name not in blame[0].segment or blame[0].arg not in (None, case.name):
            found = [(one.node, one.op, one.arg, one.segment) for one in blame]
            trouble("all nodes", f"{case.label}: {found} for {names[arg]} by {case.name}")
    row(
        "all nodes stated: the claim behind the culprit edge blamed alone",
        "100 %",
        count["alone"],
        count["all"],
    )
    row("… the culprit edge among those named", "100 %", count["edge"], count["all"])
    row("… named exactly, of nodes with one consumer", "100 %", count["exact"], count["single"])


def half(graphs: int, files: Files) -> None:
    count: Counter[str] = Counter()
    sizes = []
    for i, (case, gradients, _) in enumerate(wrong_programs(graphs, 61)):
        kept = np.random.default_rng([9, i]).permutation(sorted(gradients))[: (len(gradients) + 1) // 2]
        some = {str(name): gradients[name] for name in sorted(kept)}
        if not _differs(some, gradients_of(case.spec), case.spec):
            continue
        report = Spec.of(case.spec).audit(files.write(some, FORMATS))
        count["all"] += 1
        holds = bool(report.blame) and all(case.name in one.segment for one in report.blame)
        count["holds"] += holds
        count["once"] += len(report.blame) == 1
        sizes += [len(one.segment) for one in report.blame]
        if not holds:
            found = [(one.node, one.segment) for one in report.blame]
            trouble("half", f"{case.label}: {found} for {case.name}; {report.verdict}")
    row(
        "half of the nodes stated: the blamed segment holds the culprit",
        "100 %",
        count["holds"],
        count["all"],
    )
    row("… one cause, one blame", "–", count["once"], count["all"])
    print(f"… nodes of the segment: {median(sizes)} in the median, {max(sizes)} at most")


def _differs(stated: Mapping[str, Any], right: Mapping[int, Any], spec: NamedGraph) -> bool:
    """Do the stated gradients show that something is wrong?"""
    for name, one in stated.items():
        other = right[spec.nodes[name]]
        noise = 1e-12 * max(float(np.max(np.abs(value))) for value in right.values())
        if (np.abs(one - other) > SEEN * np.maximum(np.abs(one), np.abs(other)) + noise).any():
            return True
    return False


def printed(graphs: int, files: Files) -> None:
    """Mistakes in numbers of three digits: nobody is blamed who is right."""
    count: Counter[str] = Counter()
    for case, gradients, arg in wrong_programs(graphs, 71):
        for form in ("%.3g", "%.2e", "%.3f"):
            report = Spec.of(case.spec).audit(files.write(gradients, TEXTS, form))
            false = [one.node for one in report.blame if case.name not in one.segment]
            count["all"] += 1
            count["right"] += not false
            count["found"] += bool(report.blame)
            if false:
                trouble("printed", f"{case.label} {form}: {false} for {case.spec.names[arg]} by {case.name}")
    row("a mistake, 3 printed digits: nobody else blamed", "100 %", count["right"], count["all"])
    row("… somebody blamed", "–", count["found"], count["all"])


# --- no mistakes --------------------------------------------------------------------------------


def right(graphs: int, files: Files) -> None:
    """Right programs, in float32 and float16 and in few digits."""
    kinds: dict[str, Any] = {
        "3 digits": lambda spec: files.write(_named(spec, np.float64), TEXTS, "%.3g"),
        "3 decimals": lambda spec: files.write(_named(spec, np.float64), TEXTS, "%.3f"),
        "float32": lambda spec: files.write(_named(spec, np.float32), FORMATS),
        "float32, 3 digits": lambda spec: files.write(_named(spec, np.float32), TEXTS, "%.3g"),
        "float16": lambda spec: files.write(_named(spec, np.float16), [FORMATS[0], FORMATS[3]]),
    }
    counts = {kind: Counter[str]() for kind in kinds}
    for i in range(graphs):
        spec, _ = random_spec(np.random.default_rng([81, i]), steps=5)
        for kind, write in kinds.items():
            floats = np.float16 if "16" in kind else np.float32 if "32" in kind else np.float64
            if all(np.isfinite(one).all() for one in gradients_of(spec, floats).values()):
                _count_right(f"81/{i} {kind}", Spec.of(spec).audit(write(spec)), counts[kind])
    for kind, count in counts.items():
        row(
            f"right programs, {kind}: nobody blamed, nothing disagrees", "100 %", count["quiet"], count["all"]
        )
        row("… agree", "–", count["agree"], count["all"])


def _named(spec: NamedGraph, floats: Any) -> dict[str, Any]:
    return {spec.names[node]: one for node, one in gradients_of(spec, floats).items()}


def _count_right(label: str, report: Report, count: Counter[str]) -> None:
    false = [one for one in report.entries if one.verdict is Verdict.DISAGREE]
    count["all"] += 1
    count["quiet"] += not false and not report.blame
    count["agree"] += bool(report)
    if false or report.blame:
        trouble("right programs", f"{label}: {[one.node for one in report.blame]} {false[:1]}")


# --- two tables ---------------------------------------------------------------------------------


def two(graphs: int, files: Files) -> None:
    """A right program beside a wrong one: the node where they part, and who is right there."""
    count: Counter[str] = Counter()
    for i, (case, gradients, arg) in enumerate(wrong_programs(graphs, 91)):
        floats = (np.float64, np.float32)[i % 2]
        good, bad = files.write(_named(case.spec, floats), FORMATS), files.write(gradients, FORMATS)
        tables = Spec.of(case.spec).audit(good, bad)
        parted = tables.first_parted
        count["all"] += 1
        count["node"] += parted is not None and parted.name == case.spec.names[arg]
        count["right"] += parted is not None and parted.right == "first"
        if parted is None or parted.name != case.spec.names[arg] or parted.right != "first":
            trouble("two", f"{case.label} {floats.__name__}: {parted} for {case.spec.names[arg]}")
    row("two programs, one wrong: the node where they part", "–", count["node"], count["all"])
    row("… and who is right", "–", count["right"], count["all"])


def main(args: Sequence[str]) -> None:
    parts: dict[str, tuple[Callable[[int, Files], None], int, int]] = {
        "all": (all_nodes, 800, 30),
        "half": (half, 800, 30),
        "printed": (printed, 250, 10),
        "right": (right, 1000, 20),
        "two": (two, 250, 20),
    }
    with TemporaryDirectory() as folder:
        for name in [one for one in parts if one in args] or parts:
            measure, graphs, few = parts[name]
            start = time.process_time()
            measure(few if "--quick" in args else graphs, Files(Path(folder)))
            print(f"    {time.process_time() - start:.0f} s of processor time", flush=True)
    for kind, lines in TROUBLE.items():
        print(f"\n{kind}: {len(lines)}", *(lines if "--verbose" in args else lines[:6]), sep="\n  ")


if __name__ == "__main__":
    with np.errstate(all="ignore"):
        main(sys.argv[1:])
