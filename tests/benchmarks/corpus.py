"""Functions × points × correct or planted gradients: what the check of a black box makes of them.

Truth is taken to 100 digits with mpmath, apart from everything bpx does. The size of a planted mistake
is the largest relative error of an entry, measured against that truth; below 1e-5 it does not count.

Run: python tests/benchmarks/corpus.py [--all]
"""

from __future__ import annotations

import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from corpus_functions import CASES, Case
from mpmath import MPContext

from bpx.check.function.black_box import BlackBoxCheck, FunctionOptions
from bpx.check.function.caller import Caller
from bpx.check.report.entry import Verdict

mp = MPContext()
mp.dps = 250
NOTHING = 1e-10  # of the slopes around
MISTAKES_PER_POINT = 5  # of all kinds, drawn; --all takes every one


class Digits:
    """The part of NumPy that the corpus uses, for objects of 100 digits."""

    def __getattr__(self, name: str) -> Any:
        own = {"arctan": "atan", "arctan2": "atan2"}.get(name, name)
        if own in (
            "exp",
            "expm1",
            "log",
            "log1p",
            "sqrt",
            "sin",
            "cos",
            "tan",
            "tanh",
            "sinh",
            "cosh",
            "floor",
            "atan",
            "atan2",
        ):
            return np.vectorize(getattr(mp, own), otypes=[object])
        return getattr(np, name)


# --- points ---------------------------------------------------------------------------------------

KINDS: dict[str, list[float]] = {
    "random": [0.7312, -1.3174],
    "integer": [2.0, -3.0],
    "zero": [0.0],
    "tiny": [3e-9, -2e-6],
    "very tiny": [1.7e-30],
    "large": [970.3, -251.7],
    "huge": [3.1e7],
    "saturated": [21.3, -38.2, 40.0],
    "far out": [12345.678],
}


class Point(NamedTuple):
    kind: str
    inputs: list[Any]


def points(case: Case) -> Iterator[Point]:
    if case.shapes == ((),):
        yield from (Point(kind, [x]) for kind, x in scalar_points(case))
    elif case.shapes == ((), ()):
        yield from pair_points(case)
    else:
        yield from tensor_points(case)


def scalar_points(case: Case) -> Iterator[tuple[str, float]]:
    for kind, values in KINDS.items():
        yield from ((kind, x) for x in values)
    for kink in case.kinks:
        yield "at a kink", kink
        for distance in (1e-3, 1e-6, 1e-9, 1e-12):
            yield f"{distance:g} from a kink", kink + distance
            yield f"{distance:g} from a kink", kink - distance
    for edge in case.edges:
        yield "at an edge", edge
        for distance in (1e-3, 1e-6, 1e-9):
            yield f"{distance:g} from an edge", edge + distance
            yield f"{distance:g} from an edge", edge - distance
    for special in case.special:
        yield "special", special
        yield "beside special", special + 1e-7


def pair_points(case: Case) -> Iterator[Point]:
    for x, y in [(0.7312, -1.3174), (2.0, 3.0), (0.3, 0.7), (2.5, 1.25)]:
        yield Point("random", [x, y])
    yield Point("mixed scale", [1e-8, 1e8])
    yield Point("mixed scale", [3e6, 2e-5])
    yield Point("tie", [1.0, 1.0])
    for distance in (1e-3, 1e-6, 1e-9, 1e-12):
        yield Point(f"{distance:g} from a tie", [1.0 + distance, 1.0])
    yield Point("zero", [0.0, 0.5])
    yield Point("tiny", [1e-8, 3e-8])
    yield Point("large", [1710.3, 1703.1])
    yield Point("saturated", [40.0, 1.0])
    yield Point("saturated", [-38.5, 0.0])


def tensor_points(case: Case) -> Iterator[Point]:
    rng = np.random.default_rng(list(case.name.encode()))

    def draw() -> list[Any]:
        return [rng.normal(size=shape) for shape in case.shapes]

    yield Point("random", draw())
    yield Point("random", draw())
    yield Point("tiny", [1e-7 * one for one in draw()])
    yield Point("large", [30 * one for one in draw()])
    yield Point("mixed scale", [one * 10.0 ** rng.integers(-5, 5, size=one.shape) for one in draw()])
    yield Point("integer", [np.round(2 * one) for one in draw()])
    yield Point("zero", [np.zeros(shape) for shape in case.shapes])
    yield Point("tie", [np.ones(shape) for shape in case.shapes])
    yield Point("near a tie", [1 + 1e-9 * one for one in draw()])
    yield Point("cancelling", [1e4 + one for one in draw()])


# --- truth ----------------------------------------------------------------------------------------


class Truth(NamedTuple):
    """The Jacobian (R, N), where it exists, and the slopes met around (chords over 1 % and 10 % of x)."""

    value: Any
    smooth: Any
    around: Any


def lifted(inputs: list[Any]) -> list[Any]:
    return [np.vectorize(mp.mpf, otypes=[object])(one) for one in inputs]


def truth(case: Case, inputs: list[Any]) -> Truth | None:
    """The derivatives to 50 digits; None where the function is not finite or its slopes are not."""
    columns = []
    try:
        for position, one in enumerate(inputs):
            columns += [_column(case, inputs, position, at) for at in np.ndindex(np.shape(one))]
    except (ArithmeticError, TypeError, ValueError):
        return None
    value, left, right, around = (np.array(part, dtype=object).T for part in zip(*columns, strict=True))
    gap = np.vectorize(
        lambda a, b: abs(a - b) > 1e-10 * max(abs(a), abs(b)) and abs(a - b) > mp.mpf(10) ** -30
    )(left, right)
    floats = np.vectorize(float, otypes=[float])
    return Truth(floats(value), ~gap.astype(bool), floats(around))


def _column(case: Case, inputs: list[Any], position: int, at: Any) -> tuple[Any, ...]:
    x = mp.mpf(float(np.asarray(inputs[position])[at]))
    step = mp.mpf(10) ** -33 * (abs(x) if x else 1)
    up, here, down = (_value(case, inputs, position, at, x + offset) for offset in (step, 0, -step))
    closer = _value(case, inputs, position, at, x + step / 1000)
    slopes = [(u - d) / (2 * step) for u, d in zip(up, down, strict=True)]
    further = (_value(case, inputs, position, at, x + offset) for offset in (3 * step, -3 * step))
    wide = [(u - d) / (6 * step) for u, d in zip(*further, strict=True)]
    # A derivative of 0 shows as whatever higher terms leave, which grows with the step.
    slopes = [s if abs(w - s) < abs(s) / 1000 else mp.zero for s, w in zip(slopes, wide, strict=True)]
    right = [(u - h) / step for u, h in zip(up, here, strict=True)]
    left = [(h - d) / step for h, d in zip(here, down, strict=True)]
    close = [(c - h) * 1000 / step for c, h in zip(closer, here, strict=True)]
    lower = _value(case, inputs, position, at, x - step / 1000)
    beside = [(h - d) * 1000 / step for d, h in zip(lower, here, strict=True)]
    for slope, other in [*zip(right, close, strict=True), *zip(left, beside, strict=True)]:
        if not mp.isfinite(slope) or abs(other) > mp.mpf("1.02") * abs(slope) + mp.mpf(10) ** -20:
            raise ArithmeticError("no slope")
    return slopes, left, right, _around(case, inputs, position, at, x, here)


def _around(case: Case, inputs: list[Any], position: int, at: Any, x: Any, here: Any) -> list[Any]:
    most = [mp.zero for _ in here]
    for share in ("0.1", "-0.1", "0.01", "-0.01"):
        offset = mp.mpf(share) * max(1, abs(x))
        try:
            there = _value(case, inputs, position, at, x + offset)
        except ArithmeticError:
            continue
        most = [max(m, abs((t - h) / offset)) for m, t, h in zip(most, there, here, strict=True)]
    return most


def _value(case: Case, inputs: list[Any], position: int, at: Any, x: Any) -> list[Any]:
    moved = lifted(inputs)
    if np.ndim(moved[position]):
        moved[position][at] = x
    else:
        moved[position] = x
    found = [
        mp.mpmathify(one)
        for one in np.ravel(
            np.asarray(
                case.forward(Digits(), *[one[()] if isinstance(one, np.ndarray) else one for one in moved]),
                dtype=object,
            )
        )
    ]
    if any(isinstance(one, mp.mpc) or not mp.isfinite(one) for one in found):
        raise ArithmeticError("not finite")
    return found


# --- mistakes -------------------------------------------------------------------------------------

Pull = Callable[..., Any]


def _each(change: Callable[[Any], Any]) -> Callable[[Pull], Pull]:
    return lambda pull: lambda g, *inputs: [change(one) for one in pull(g, *inputs)]


def _one(change: Callable[[Any], Any]) -> Callable[[Pull], Pull]:
    """The change made to one element alone, the last of the largest input."""

    def planted(pull: Pull) -> Pull:
        def wrong(g: Any, *inputs: Any) -> Any:
            found = [np.array(one) for one in pull(g, *inputs)]
            where = max(range(len(found)), key=lambda i: found[i].size)
            found[where].ravel()[-1:] = change(found[where].ravel()[-1:])
            return [one[()] for one in found]

        return wrong

    return planted


def _seen(change: Callable[[Any], Any]) -> Callable[[Pull], Pull]:
    """The right gradient of an upstream gradient that was changed."""
    return lambda pull: lambda g, *inputs: pull(change(g), *inputs)


def _moved(change: Callable[[Any], Any]) -> Callable[[Pull], Pull]:
    """The gradient at another point."""
    return lambda pull: lambda g, *inputs: pull(g, *[change(one) for one in inputs])


def _summed(one: Any) -> Any:
    return np.sum(one) + 0 * one


MISTAKES: dict[str, Callable[[Pull], Pull]] = {
    "sign": _each(lambda d: -d),
    "twice": _each(lambda d: 2 * d),
    "half": _each(lambda d: d / 2),
    "off by 1 %": _each(lambda d: 1.01 * d),
    "off by 1e-3": _each(lambda d: (1 + 1e-3) * d),
    "off by 1.5e-4": _each(lambda d: (1 + 1.5e-4) * d),
    "off by 5e-5": _each(lambda d: (1 - 5e-5) * d),
    "off by 1.5e-5": _each(lambda d: (1 + 1.5e-5) * d),
    "nothing": _each(lambda d: 0 * d),
    "ones": _each(lambda d: 1 + 0 * d),
    "no sign": _each(abs),
    "constant added": _each(lambda d: d + 1e-2),
    "averaged": _each(lambda d: d / 3),
    "reversed": _each(lambda d: np.asarray(d).ravel()[::-1].reshape(np.shape(d))[()]),
    "rolled": _each(lambda d: np.roll(d, 1)[()]),
    "summed": _each(_summed),
    "squared": _each(lambda d: d * d),
    "reciprocal": _each(lambda d: 1 / (d + 3)),
    "half precision": _each(lambda d: np.asarray(d).astype(np.float16).astype(float)[()]),
    "clipped": _each(lambda d: np.clip(d, -0.1, 0.1)),
    "one sign": _one(lambda d: -d),
    "one dropped": _one(lambda d: 0 * d),
    "one off by 1 %": _one(lambda d: 1.01 * d),
    "one off by 1e-3": _one(lambda d: 1.001 * d),
    "one off by 3e-5": _one(lambda d: (1 + 3e-5) * d),
    "upstream forgotten": _seen(lambda g: 1 + 0 * g),
    "upstream squared": _seen(lambda g: g * g),
    "upstream of wrong sign": _seen(lambda g: abs(g)),
    "taken beside": _moved(lambda x: x + 1e-3),
    "taken at scaled inputs": _moved(lambda x: 1.001 * x),
    "taken at rounded inputs": _moved(lambda x: np.round(x, 3)),
    "taken at minus half": _moved(lambda x: -x / 2),
}


# --- one case -------------------------------------------------------------------------------------


def checked(case: Case, inputs: list[Any], backward: Pull, exact: bool) -> BlackBoxCheck:
    caller = Caller(lambda *x: case.forward(np, *x), backward, inputs, None)
    check = BlackBoxCheck(caller, FunctionOptions(exact=exact))
    check.run()
    return check


def worst(check: BlackBoxCheck) -> Verdict:
    evaluation = check.evaluation
    return Verdict.DISAGREE if evaluation.wrong.any() else Verdict(int(evaluation.verdicts.min()))


def size_of(claimed: Any, value: Any, around: Any, smooth: Any) -> float:
    """The largest relative error of a claim where there is a derivative.

    What is off by less than NOTHING of the slopes around is off by nothing: at a stationary point the
    derivative is 0 for all that float64 can see.
    """
    with np.errstate(all="ignore"):
        gap, scale = np.abs(claimed - value), np.maximum(np.abs(claimed), np.abs(value))
        error = np.where((scale > 0) & (gap > NOTHING * around), gap / scale, 0.0)
    return float(np.max(np.where(smooth, np.where(np.isfinite(claimed), error, np.inf), 0.0)))


class Tally:
    """What is counted, and the cases worth looking at."""

    def __init__(self, exact: bool) -> None:
        self.exact = exact
        self.correct: dict[str, Counter[str]] = {
            "smooth": Counter(),
            "kinked": Counter(),
            "no slope": Counter(),
        }
        self.planted: dict[str, Counter[str]] = {"1e-4 and more": Counter(), "1e-5 to 1e-4": Counter()}
        self.inside, self.bars = 0, 0
        self.cases: list[str] = []

    def bar(self, check: BlackBoxCheck, true: Truth, title: str) -> None:
        evidence = check.evaluation.evidence
        rows = min(len(true.value), len(evidence.value))
        value = true.value[:rows]
        found, error = evidence.value[:rows], evidence.error[:rows]
        known = np.isfinite(found) & np.isfinite(error) & true.smooth[:rows]
        gap = np.abs(found - value)[known]
        fine = gap <= error[known] + 2.0**-52 * np.abs(value[known]) + 1e-200
        self.bars += fine.size
        self.inside += int(fine.sum())
        if not fine.all():
            self.cases.append(f"outside its bar: {title}: {gap[~fine][0]:.2g} > {error[known][~fine][0]:.2g}")


def look(case: Case, point: Point, tally: Tally, every: bool, rng: np.random.Generator) -> None:
    title = f"{case.name} at {point.kind} {np.round(np.ravel(point.inputs[0]), 14).tolist()[:3]}"
    true = truth(case, point.inputs)

    def pull(g: Any, *inputs: Any) -> Any:
        m = np
        return case.backward(m, g, *inputs)

    value = np.asarray(case.forward(np, *point.inputs))
    if value.dtype.kind != "f" or np.abs(value).max() > 1e150:
        return
    check = checked(case, point.inputs, pull, tally.exact)
    verdict = worst(check)
    if not all(np.isfinite(one).all() for one in pull(np.ones(value.shape)[()], *point.inputs)):
        return
    if true is None:
        tally.correct["no slope"][verdict.word] += 1
        if verdict not in (Verdict.OUTSIDE_DOMAIN, Verdict.KINK):
            tally.cases.append(f"{verdict.word} though there is no slope: {title}")
        return
    group = "smooth" if true.smooth.all() else "kinked"
    tally.correct[group][verdict.word] += 1
    tally.bar(check, true, title)
    bad = verdict is Verdict.DISAGREE or (group == "smooth" and verdict is not Verdict.AGREE)
    if bad:
        codes = [code for code in check.evaluation.judgement().codes if code][:3]
        tally.cases.append(f"{verdict.word} though correct: {title}: {codes}")
    kinds = list(MISTAKES) if every else rng.choice(list(MISTAKES), MISTAKES_PER_POINT, replace=False)
    for kind in kinds:
        plant(case, point, true, pull, MISTAKES[kind](pull), tally, f"{kind} in {title}")


def plant(case: Case, point: Point, true: Truth, pull: Pull, wrong: Pull, tally: Tally, title: str) -> None:
    check = checked(case, point.inputs, wrong, tally.exact)
    size, shape = check.rows.output.size, check.rows.output.shape
    upstreams = [*np.eye(size).reshape(-1, *shape), check.rows.mixture.reshape(shape)]
    claimed = np.array([joined(wrong(one[()], *point.inputs)) for one in upstreams])
    weights = check.rows.mixture
    value = np.concatenate([true.value, [weights @ true.value]])
    around = np.concatenate([true.around, [np.abs(weights) @ true.around]])
    smooth = np.concatenate([true.smooth, [true.smooth.all(axis=0)]])
    size = size_of(claimed, value, around, smooth)
    right = np.array([joined(pull(one[()], *point.inputs)) for one in upstreams])
    size = min(size, size_of(claimed, right, around, smooth))
    if size < 1e-5:
        return
    verdict = worst(check)
    word = {Verdict.DISAGREE: "caught", Verdict.AGREE: "missed"}.get(verdict, "undecided")
    tally.planted["1e-4 and more" if size >= 1e-4 else "1e-5 to 1e-4"][word] += 1
    if word == "missed":
        tally.cases.append(f"missed: {title} (size {size:.1e})")


def joined(gradients: Any) -> Any:
    return np.concatenate([np.ravel(one) for one in gradients])


def run(exact: bool, every: bool) -> Tally:
    """All cases; with `exact` functions are called with numbers of more digits, where they run on these."""
    tally, rng = Tally(exact), np.random.default_rng(1)
    for case in CASES:
        for kind, inputs in points(case):
            point = Point(kind, [np.asarray(one)[()] for one in inputs])
            look(case, point, tally, every, rng)
    return tally


def report(title: str, tally: Tally, seconds: float, verbose: bool) -> None:
    print(f"\n{title} ({seconds:.0f} s)")
    for group, found in tally.correct.items():
        total = sum(found.values())
        print(
            f"  correct, {group:<10} {total:>5}: "
            + ", ".join(f"{word} {found[word]}" for word in sorted(found))
        )
    for group, found in tally.planted.items():
        total = sum(found.values())
        print(
            f"  planted, {group:<13} {total:>5}: "
            + ", ".join(f"{word} {found[word]}" for word in sorted(found))
        )
    print(f"  truth inside the bar: {tally.inside} of {tally.bars} ({100 * tally.inside / tally.bars:.3f} %)")
    for line in tally.cases if verbose else []:
        print("   ", line)


def main() -> None:
    warnings.simplefilter("ignore")
    every, verbose = "--all" in sys.argv, "--verbose" in sys.argv
    count = sum(1 for case in CASES for _ in points(case))
    print(f"{len(CASES)} functions, {count} points, {len(MISTAKES)} kinds of mistake")
    for title, exact in (("with more digits", True), ("in float64 alone", False)):
        start = time.perf_counter()
        with np.errstate(all="ignore"):
            tally = run(exact, every)
        report(title, tally, time.perf_counter() - start, verbose)


if __name__ == "__main__":
    main()
