"""How well culprits are named: mistakes planted in random graphs, and graphs without any.

Run: python tests/benchmarks/planted.py [--quick]
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from planted import STEEP, Wrong, arbitrary_rules, change, planted, random_spec, wrong_rules
from wrong_programs import SEEN, Planted, cases, gradients_of, is_seen

import bpx.ops as ops
from bpx.check.gradcheck import gradcheck
from bpx.check.report.blame import Blame
from bpx.check.report.entry import Entry, Verdict
from bpx.graph.graph import Graph, Op
from bpx.graph.named.named_graph import NamedGraph
from bpx.passes.domain import written
from bpx.spec.python import spec_of
from bpx.spec.reading.claims import with_claims
from bpx.spec.reading.syntax import ClaimSyntax


class Row(NamedTuple):
    """A line of the table."""

    what: str
    promised: str
    good: int
    of: int

    def text(self) -> str:
        share = 100 * self.good / self.of if self.of else float("nan")
        return f"{self.what:<58}{self.promised:>10}{share:>9.2f} %{self.good:>8} of {self.of}"


TROUBLE: dict[str, list[str]] = {}  # what went wrong, by kind


def trouble(kind: str, what: str) -> None:
    TROUBLE.setdefault(kind, []).append(what)


# --- one planted mistake ------------------------------------------------------------------------


def one_mistake(graphs: int) -> list[Row]:
    """Who is blamed, and for what."""
    count: Counter[str] = Counter()
    kinds: dict[str, set[str]] = {op.name: set() for op in STEEP}
    for case in cases(1, graphs, wrong_rules, 2):
        kinds[case.spec.graph.ops[case.node].name].add(case.wrong.kind)
        report = case.report()
        blamed = {one.node for one in report.blame}
        count["all"] += 1
        count["blamed"] += case.name in blamed
        count["alone"] += blamed == {case.name}
        count["proved"] += all(one.proof and one.proof.holds for one in report.blame)
        if blamed != {case.name}:
            trouble("culprit", f"{case.label}: {blamed or 'nobody'} for {case.name}")
        _count_kinds(case, report.blame, count)
    numbers = sorted(map(len, kinds.values()))
    print(f"{len(kinds)} ops, {numbers[0]} to {numbers[-1]} kinds of mistake each")
    return [
        Row("one wrong rule: the culprit blamed", "100 %", count["blamed"], count["all"]),
        Row("one wrong rule: blamed alone", "99.5 %", count["alone"], count["all"]),
        Row("one wrong rule: proved by transplant", "100 %", count["proved"], count["all"]),
        Row("kind of mistake: right among those named", "90 %", count["named"], count["kinds"]),
        Row("kind of mistake: right and first", "90 %", count["first"], count["kinds"]),
    ]


def _count_kinds(case: Planted, blame: Sequence[Blame], count: Counter[str]) -> None:
    codes = [one.code for row in blame if row.node == case.name for one in row.mistakes]
    count["kinds"] += 1
    count["named"] += bool(case.wrong.codes & set(codes))
    count["first"] += bool(codes) and codes[0] in case.wrong.codes
    if not case.wrong.codes & set(codes):
        trouble("kind", f"{case.label}: {codes} for {sorted(case.wrong.codes)}")
    elif codes[0] not in case.wrong.codes:
        trouble("kind, not first", f"{case.label}: {codes} for {sorted(case.wrong.codes)}")


def arbitrary(graphs: int) -> list[Row]:
    """Distortions without a name must not get one."""
    count: Counter[str] = Counter()
    for case in cases(2, graphs, arbitrary_rules, 2):
        rows = case.report().blame
        count["all"] += 1
        count["alone"] += {one.node for one in rows} == {case.name}
        codes = [one.text for row in rows for one in row.mistakes]
        count["nameless"] += not codes
        if codes:
            trouble("no pattern", f"{case.label}: {codes}")
    return [
        Row("arbitrary distortion: the culprit blamed alone", "99.5 %", count["alone"], count["all"]),
        Row('arbitrary distortion: "no known pattern"', "95 %", count["nameless"], count["all"]),
    ]


def two_mistakes(graphs: int) -> list[Row]:
    """Two wrong rules at two nodes."""
    both = total = 0
    for i in range(graphs):
        rng = np.random.default_rng([3, i])
        spec, node = random_spec(rng, STEEP[i % len(STEEP)])
        steep = {op.name for op in STEEP}
        nodes = [one for one in spec.names if one != node and spec.graph.ops[one].name in steep]
        other = nodes[rng.integers(len(nodes))]
        broken, wanted = spec, set()
        for one in (node, other):
            wrong = _some_wrong(spec, one, rng)
            if wrong is None:
                break
            broken = planted(broken, one, wrong.op)
            wanted.add(spec.names[one])
        else:
            total += 1
            blamed = {one.node for one in gradcheck(broken).blame}
            both += blamed == wanted
            if blamed != wanted:
                trouble("two culprits", f"3/{i}: {blamed} for {wanted}")
    return [Row("two wrong rules: both blamed, and nobody else", "95 %", both, total)]


def _some_wrong(spec: NamedGraph, node: int, rng: np.random.Generator) -> Wrong | None:
    live = [position for position, arg in enumerate(spec.graph.args[node]) if arg not in spec.graph.constants]
    position = live[rng.integers(len(live))]
    if spec.graph.ops[node].name == "where" and position == 0:
        return None
    upstream = rng.uniform(0.5, 1.5, spec.graph.shapes[node])
    found = [
        wrong
        for wrong in wrong_rules(spec, node, position, rng)
        if SEEN < change(spec, node, wrong, upstream) < np.inf
    ]
    return found[rng.integers(len(found))] if found else None


# --- no mistake ---------------------------------------------------------------------------------


def clean(graphs: int) -> list[Row]:
    """Graphs without a mistake; every other one has its inputs on a grid, often exactly at kinks."""
    quiet = agree = 0
    for i in range(graphs):
        spec, _ = random_spec(np.random.default_rng([4, i]), steps=3, kinked=i % 2 == 1)
        report = gradcheck(spec)
        quiet += not report.blame
        # That conventions at kinks, as in clip(x, x, x), do not compose to the slope is no false alarm.
        false = [one for one in report.entries if one.verdict is Verdict.DISAGREE and not _is_convention(one)]
        agree += not false
        if false or report.blame:
            trouble("false alarm", f"4/{i}: {[one.node for one in report.blame]} {false[:1]}")
    return [
        Row("no mistake: nobody blamed", "100 %", quiet, graphs),
        Row("no mistake: no entry disagrees", "100 %", agree, graphs),
    ]


def _is_convention(entry: Entry) -> bool:
    return entry.reason is not None and entry.reason.code == "conventions"


# --- claims -------------------------------------------------------------------------------------


def claims(graphs: int) -> list[Row]:
    """Numbers of a wrong backward pass on every node, without its code."""
    count: Counter[str] = Counter()
    named, nameless = cases(5, graphs, wrong_rules, 1), cases(6, graphs // 3, arbitrary_rules, 1)
    for case in (*named, *nameless):
        gradients = gradients_of(planted(case.spec, case.node, case.wrong.op))
        arg = case.spec.graph.args[case.node][case.wrong.position]
        if all(np.isfinite(one).all() for one in gradients.values()) and is_seen(case, gradients, arg):
            names = case.spec.names
            stated = [ClaimSyntax(names[node], None, one.tolist(), None) for node, one in gradients.items()]
            _count_claims(case, arg, gradcheck(with_claims(case.spec, stated)).blame, count)
    return [
        Row("claims on all nodes: the wrong one blamed", "100 %", count["blamed"], count["all"]),
        Row("claims on all nodes: blamed alone", "100 %", count["alone"], count["all"]),
        Row("claims: its edge named, of an arg with one consumer", "100 %", count["edge"], count["single"]),
        Row("claims: its edge named, of several, a known mistake", "–", count["edges"], count["several"]),
    ]


def _count_claims(case: Planted, arg: int, blame: Sequence[Blame], count: Counter[str]) -> None:
    names, graph = case.spec.names, case.spec.graph
    blamed = [one.node for one in blame]
    consumers = {node for node in graph.needs(of=[case.spec.output]) if arg in graph.args[node]}
    edge = any((one.node, one.arg) == (names[arg], case.name) for one in blame)
    count["all"] += 1
    count["blamed"] += names[arg] in blamed
    count["alone"] += blamed == [names[arg]]
    if len(consumers) == 1:
        count["single"] += 1
        count["edge"] += edge
    elif case.wrong.codes:
        count["several"] += 1
        count["edges"] += edge
    if blamed != [names[arg]] or (len(consumers) == 1 and not edge):
        found = [(one.node, one.op, one.arg) for one in blame]
        trouble("claims", f"{case.label}: {found} for {names[arg]} by {case.name}")


# --- kinks --------------------------------------------------------------------------------------

JUMPS = {"lt", "le", "gt", "ge", "eq", "ne", "step", "sign", "floor", "round", "atan2"}
DISTANCES = [0.0, *(10.0**-k for k in range(3, 13))]


def kinks(repeats: int) -> list[Row]:
    """Every op with a kink, at it and near it, inside a random graph."""
    count: Counter[str] = Counter()
    kinked = [op for op in ops.rows() if op.witness]
    for i, op in enumerate(kinked):
        for j in range(repeats):
            for k, distance in enumerate(DISTANCES):
                spec, name = _at_kink(op, distance, np.random.default_rng([7, i, j, k]))
                _count_kinks(op, distance, spec, name, count)
    return [
        Row("kinks, at them and near them: nothing disagrees", "100 %", count["quiet"], count["all"]),
        Row("kinks: the node named", "100 %", count["named"], count["at kinks"]),
        Row("kinks: a claim outside the slopes disagrees", "100 %", count["outside seen"], count["outside"]),
    ]


def _at_kink(op: Op, distance: float, rng: np.random.Generator) -> tuple[NamedGraph, str]:
    """A graph through an op at its kink, its first arg moved off it by `distance`."""
    graph = Graph()
    assert op.witness
    inputs, args = {}, []
    for i, number in enumerate(op.witness):
        value = float(number) + (distance * rng.choice([-1.0, 1.0]) if i == 0 else 0.0)
        x = graph.input()
        inputs[f"x{i}"] = (x, value)
        # the value itself, by a way that bends: w + sin(x - w)
        bent = graph.add(ops.add, float(number), graph.add(ops.sin, graph.add(ops.sub, x, float(number))))
        args.append(bent if rng.random() < 0.5 else x)
    y = graph.input()
    inputs["y"] = (y, rng.uniform(0.5, 1.5))
    kinked = graph.add(op, *args)
    around = [ops.tanh, ops.exp, ops.sin, ops.softplus][rng.integers(4)]
    out = graph.add(ops.mul, graph.add(around, graph.add(ops.mul, kinked, 0.5)), y)
    smooth = graph.add(ops.mul, graph.add(ops.cos, args[0]), y)
    spec = spec_of(graph.add(ops.add, out, smooth), inputs)
    return spec, f"`{written(spec, kinked.id)}`"


def _count_kinks(op: Op, distance: float, spec: NamedGraph, name: str, count: Counter[str]) -> None:
    report = gradcheck(spec)
    false = report.blame or any(one.verdict is Verdict.DISAGREE for one in report.entries)
    count["all"] += 1
    count["quiet"] += not false
    if false:
        trouble("kinks", f"{op.name} at {distance}: {report.reason}, {report.blame}")
    for entry in report.entries:
        if entry.verdict is Verdict.KINK:
            told = entry.reason.text if entry.reason else ""
            count["at kinks"] += 1
            count["named"] += name in told
            if name not in told:
                trouble("kinks", f"{op.name} at {distance}: {name} not in {told!r}")
            if entry.between:
                _count_outside(spec, entry, count)
    if distance == 0 and op.name not in JUMPS and report.verdict != "kink":
        trouble("kinks", f"{op.name} at its kink: {report.verdict}")


def _count_outside(spec: NamedGraph, entry: Any, count: Counter[str]) -> None:
    low, high = entry.between
    for value in (low - 0.01 * max(1.0, high - low), high + 0.01 * max(1.0, high - low)):
        claimed = gradcheck(with_claims(spec, [ClaimSyntax(entry.input, None, value, None)]))
        count["outside"] += 1
        seen = any(one.input == entry.input and one.verdict is Verdict.DISAGREE for one in claimed.entries)
        count["outside seen"] += seen
        if not seen:
            trouble("outside", f"{entry.label} = {value}, slopes {low}, {high}")


# --- the table ----------------------------------------------------------------------------------


def main(args: Sequence[str]) -> None:
    """All parts, or those that `args` names; `--all` lists everything that went wrong."""
    parts: dict[str, tuple[Callable[[int], list[Row]], int, int]] = {
        "one": (one_mistake, 540, 45),
        "arbitrary": (arbitrary, 135, 15),
        "two": (two_mistakes, 135, 15),
        "clean": (clean, 5000, 100),
        "claims": (claims, 270, 30),
        "kinks": (kinks, 2, 1),
    }
    print(f"{'':<58}{'promised':>10}{'measured':>11}")
    for name in [one for one in parts if one in args] or parts:
        measure, graphs, few = parts[name]
        start = time.process_time()
        for row in measure(few if "--quick" in args else graphs):
            print(row.text(), flush=True)
        print(f"    {time.process_time() - start:.0f} s of processor time", flush=True)
    for kind, lines in TROUBLE.items():
        print(f"\n{kind}: {len(lines)}", *(lines if "--all" in args else lines[:5]), sep="\n  ")


if __name__ == "__main__":
    with np.errstate(all="ignore"):
        main(sys.argv[1:])
