"""FPBench: floating-point formulas of the literature, as expressions of bpx, with right and planted claims.

The files (format FPCore 2.0, https://fpbench.org) are no part of this repository. A core can be used if it
is a formula: loops, arrays and casts are left out. Points are drawn within the ranges of its `:pre`. Truth
is a quotient of the formula in 300 digits of mpmath, apart from everything bpx does. A planted mistake
counts from a relative error of 1e-5 on.

Run: python tests/benchmarks/fpbench.py FOLDER [POINTS]
"""

from __future__ import annotations

import math
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mpmath import MPContext

import bpx
from bpx.check.gradcheck import gradcheck
from bpx.graph.graph import OPS, Graph
from bpx.spec.reading.claims import read_claim, with_claims

mp = MPContext()
mp.dps = 300
STEP = mp.mpf(10) ** -100
POINTS = 8
COUNTS = 1e-5  # a smaller mistake need not be seen
MISTAKES: dict[str, Callable[[float], float]] = {
    "x 1.00002": lambda slope: slope * 1.00002,
    "x 1.0001": lambda slope: slope * 1.0001,
    "x 0.999": lambda slope: slope * 0.999,
    "x 1.1": lambda slope: slope * 1.1,
    "x 2": lambda slope: slope * 2,
    "half": lambda slope: slope / 2,
    "sign": lambda slope: -slope,
    "zero": lambda slope: 0.0,
    "plus 1e-3": lambda slope: slope + 1e-3,
    "square": lambda slope: slope * abs(slope),
}

Tree = Any  # a word, or a list of trees


class Core(NamedTuple):
    """One formula: its name, its arguments, what is asked of them, and the formula itself."""

    name: str
    args: list[str]
    condition: Tree
    body: Tree


# --- reading --------------------------------------------------------------------------------------


def read(text: str) -> Iterator[Tree]:
    """The trees of a text of S-expressions; brackets of both kinds are alike."""
    stack: list[list[Tree]] = [[]]
    for token in re.findall(r';[^\n]*|"(?:\\.|[^"\\])*"|[()\[\]]|[^\s()\[\];"]+', text):
        if token.startswith(";"):
            continue
        if token in "([":
            stack.append([])
        elif token in ")]":
            tree = stack.pop()
            stack[-1].append(tree)
        else:
            stack[-1].append(token)
    yield from stack[0]


def cores(folder: Path) -> Iterator[Core]:
    """All cores of the files of a folder."""
    for path in sorted(folder.glob("*.fpcore")):
        for at, tree in enumerate(read(path.read_text("utf-8"))):
            parts = tree[1:] if isinstance(tree[1], list) else tree[2:]  # the core may have a symbol
            facts = dict(zip(parts[1:-1:2], parts[2:-1:2], strict=True))
            name = facts.get(":name", f"{path.stem} {at}").strip('"')
            yield Core(name, parts[0], facts.get(":pre", "TRUE"), parts[-1])


# --- formulas on any kind of number ---------------------------------------------------------------

CONSTANTS = {"PI": math.pi, "E": math.e, "TRUE": 1.0, "FALSE": 0.0}
CONSTANTS |= {"PI_2": math.pi / 2, "PI_4": math.pi / 4, "SQRT2": math.sqrt(2), "LN2": math.log(2)}
NAMES = {"+": "add", "-": "sub", "*": "mul", "/": "div", "fabs": "abs", "fmax": "max", "fmin": "min"}
NAMES |= {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "and": "mul", "or": "max"}
CHAINS = {"lt", "le", "gt", "ge", "eq"}
FOLDS = {"add", "mul", "max", "min"}


class Unusable(Exception):
    """A core that is no formula."""


def number(word: str) -> float:
    """A number as FPCore writes it: 1, 0.5, 1e-3, 1/3."""
    return float(Fraction(word))


def evaluate(tree: Tree, names: Mapping[str, Any], apply: Callable[..., Any]) -> Any:
    """A tree by `apply(op, *args)`, which is told the names that bpx gives to ops."""
    if isinstance(tree, str):
        if tree in names:
            return names[tree]
        try:
            return CONSTANTS[tree] if tree in CONSTANTS else number(tree)
        except (ValueError, ZeroDivisionError):
            raise Unusable(tree) from None
    head, *rest = tree
    if head in ("let", "let*"):
        inner = dict(names)
        for name, value in rest[0]:
            inner[name] = evaluate(value, inner if head == "let*" else names, apply)
        return evaluate(rest[1], inner, apply)
    if head == "!":
        return evaluate(rest[-1], names, apply)
    op = NAMES.get(head, head)
    args = [evaluate(one, names, apply) for one in rest]
    return combined(op, args, apply)


def combined(op: str, args: list[Any], apply: Callable[..., Any]) -> Any:
    """An op of FPCore: minus may have one arg, comparisons and sums more than two."""
    if op == "sub" and len(args) == 1:
        return apply("neg", *args)
    if op == "hypot":
        return apply("sqrt", apply("add", *(apply("mul", one, one) for one in args)))
    if op == "if":
        return apply("where", *args)
    if op in CHAINS:
        pairs = [apply(op, *pair) for pair in pairwise(args)]
        return combined("mul", pairs, apply) if len(pairs) > 1 else pairs[0]
    if op in FOLDS:
        total = args[0]
        for one in args[1:]:
            total = apply(op, total, one)
        return total
    return apply(op, *args)


def on_mpmath(op: str, *args: Any) -> Any:
    """An op in 300 digits, said without bpx."""
    args = tuple(map(mp.mpf, args))
    comparisons = {"lt": "__lt__", "le": "__le__", "gt": "__gt__", "ge": "__ge__", "eq": "__eq__"}
    if op in comparisons:
        return mp.mpf(getattr(args[0], comparisons[op])(args[1]))
    plain = {
        "add": lambda x, y: x + y,
        "sub": lambda x, y: x - y,
        "mul": lambda x, y: x * y,
        "div": lambda x, y: x / y,
        "neg": lambda x: -x,
        "pow": mp.power,
        "abs": abs,
        "max": max,
        "min": min,
        "where": lambda condition, x, y: x if condition else y,
    }
    function = plain.get(op) or getattr(mp, op, None)
    if function is None:
        raise Unusable(op)
    value = function(*args)
    if not isinstance(value, mp.mpf) or not mp.isfinite(value):
        raise ValueError(op)
    return value


# --- points and truth -----------------------------------------------------------------------------


def ranges(core: Core) -> dict[str, tuple[float, float]]:
    """The range of each argument as far as the condition states one."""
    bounds = {arg: [-math.inf, math.inf] for arg in core.args}

    def look(tree: Tree) -> None:
        if not isinstance(tree, list):
            return
        if tree[0] == "and":
            for one in tree[1:]:
                look(one)
        elif tree[0] in ("<", "<=", ">", ">="):
            chain = tree[1:] if tree[0][0] == "<" else tree[:0:-1]
            for at, word in enumerate(chain):
                if isinstance(word, str) and word in bounds:
                    below, above = (list(filter(_is_number, part)) for part in (chain[:at], chain[at + 1 :]))
                    bounds[word][0] = max([bounds[word][0], *map(number, below)])
                    bounds[word][1] = min([bounds[word][1], *map(number, above)])

    look(core.condition)
    return {arg: (low, high) for arg, (low, high) in bounds.items()}


def _is_number(word: Tree) -> bool:
    return isinstance(word, str) and bool(re.fullmatch(r"[-+]?[\d.]+(e[-+]?\d+)?(/\d+)?", word))


def drawn(low: float, high: float, rng: random.Random) -> float:
    """A number of a range, uniform; where it is open, of any size."""
    if math.isinf(low) and math.isinf(high):
        return rng.choice([-1, 1]) * 10 ** rng.uniform(-3, 3)
    if math.isinf(low):
        return high - 10 ** rng.uniform(-3, 3)
    if math.isinf(high):
        return low + 10 ** rng.uniform(-3, 3)
    if low > 0 and high > 100 * low and rng.random() < 0.5:
        return math.exp(rng.uniform(math.log(low), math.log(high)))
    return rng.uniform(low, high)


def points(core: Core, count: int) -> Iterator[tuple[dict[str, float], dict[str, float]]]:
    """Points within the condition, with the true derivatives there."""
    rng, found = random.Random(core.name), 0
    bounds = ranges(core)
    for _ in range(50 * count):
        point = {arg: drawn(*bounds[arg], rng) for arg in core.args}
        try:
            if not evaluate(core.condition, point, on_mpmath):
                continue
            slopes = {arg: slope(core, point, arg) for arg in core.args}
        except (ValueError, ZeroDivisionError):
            continue
        yield point, slopes
        found += 1
        if found == count:
            return


def slope(core: Core, point: Mapping[str, float], arg: str) -> float:
    """The derivative by one argument, to some 100 digits before it is rounded."""
    at = {name: mp.mpf(value) for name, value in point.items()}
    ends = [evaluate(core.body, {**at, arg: at[arg] + step}, on_mpmath) for step in (STEP, -STEP)]
    return float((ends[0] - ends[1]) / (2 * STEP))


# --- bpx ------------------------------------------------------------------------------------------


def spec(core: Core, point: Mapping[str, float]) -> Any:
    """The core as a spec."""
    graph = Graph()
    inputs = {arg: graph.input() for arg in core.args}
    named = {f"i{at}": (inputs[arg], point[arg]) for at, arg in enumerate(core.args)}

    def apply(op: str, *args: Any) -> Any:
        if op not in OPS:
            raise Unusable(op)
        return graph.add(OPS[op], *map(graph.lift, args))

    return bpx.from_graph(graph.lift(evaluate(core.body, inputs, apply)), named)


def judge(core: Core, tally: Counter[str], times: list[float], count: int) -> bool:
    """All points of one core; False where it has none."""
    any_point = False
    for point, slopes in points(core, count):
        any_point = True
        made = spec(core, point)
        start = time.perf_counter()
        report = gradcheck(made)
        times.append(time.perf_counter() - start)
        record(core, point, "own", report, tally)
        truth = list(slopes.values())
        record(core, point, "right", gradcheck(claiming(made, truth)), tally)
        for name, mistake in MISTAKES.items():
            wrong = [mistake(value) for value in truth]
            report = gradcheck(claiming(made, wrong))
            for entry in report.entries:
                at = int(entry.input[1:])
                size = max(abs(truth[at]), abs(wrong[at]))
                if size and abs(wrong[at] - truth[at]) >= COUNTS * size:
                    note(core, point, name, entry, "wrong", tally)
    return any_point


def claiming(made: Any, values: list[float]) -> Any:
    """The spec with a number claimed for each input."""
    # A 0.0 would be a number of one decimal, which 0.04 agrees with.
    claims = [read_claim(f"i{at} = {value or 0!r}") for at, value in enumerate(values)]
    return with_claims(made, claims)


def record(core: Core, point: Any, name: str, report: Any, tally: Counter[str]) -> None:
    """Every entry of a report on right gradients."""
    for entry in report.entries:
        note(core, point, name, entry, name, tally)


def note(core: Core, point: Any, name: str, entry: Any, kind: str, tally: Counter[str]) -> None:
    """One entry; what should not be is printed."""
    word = entry.verdict.word
    tally[f"{kind}: {word}"] += 1
    tally[f"{kind}: total"] += 1
    tally[f"{kind}: certified"] += entry.enclosure is not None
    if word != ("disagree" if kind == "wrong" else "agree"):
        code = entry.reason.code if entry.reason else None
        print("  ", core.name, point, name, entry.label, entry.claimed, entry.reference, word, code)


def main() -> None:
    folder, count = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else POINTS
    tally: Counter[str] = Counter()
    times: list[float] = []
    usable = left_out = 0
    for core in cores(folder):
        try:
            usable += judge(core, tally, times, count)
        except (Unusable, TypeError) as error:  # a loop or an array leaves a list where a word is due
            left_out += 1
            print("  left out:", core.name, type(error).__name__, str(error).splitlines()[0])
    print(f"{usable} cores used, {left_out} left out")
    for key, value in sorted(tally.items()):
        print(f"{key:30} {value:6}")
    print(f"a check takes {1e3 * float(np.median(times)):.1f} ms (median), {1e3 * max(times):.0f} ms at most")


if __name__ == "__main__":
    main()
