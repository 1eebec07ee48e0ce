"""Second derivatives of random expressions at their kinks, against differences of 500 digits.

A second derivative by y of ∂f/∂x exists where ∂f/∂x exists at the point and beside it along y, and where its
difference quotients to both sides have one limit. Nothing of bpx takes part in the oracle: expressions are
evaluated by mpmath, with one-sided quotients at steps so small that no further kink lies between. Wrong is
`agree` or `kink` where the oracle says otherwise, and `disagree` with a right number.

Run: python tests/benchmarks/second_kinks.py [FIRST [AFTER_LAST]]
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import mpmath as mp
import numpy as np

import bpx

Function = Callable[..., Any]

# Steps of the inner and of the outer derivative: kinks at a distance of 1e-9, and what grows with a power
# of the outer step, stay apart from the kinks at the point.
INNER, OUTER = mp.mpf("1e-220"), mp.mpf("1e-30")
DIGITS = 500
SAME = 1e-24  # relative; what quotients of smooth functions differ by is less
NEGLIGIBLE = 1e-6  # relative; a kink of a first derivative that is smaller is no trial
LONGEST = 90  # characters of an expression

OPS: dict[str, Function] = {
    "abs": abs,
    "relu": lambda a: max(a, mp.mpf(0)),
    "max": max,
    "min": min,
    "square": lambda a: a * a,
    "sin": mp.sin,
    "exp": mp.exp,
    "tanh": mp.tanh,
}


class Trial(NamedTuple):
    """An expression at a point."""

    text: str
    at: dict[str, float]


# --- random expressions ---------------------------------------------------------------------------


def draw(seed: int) -> Trial:
    """Products and sums of parts that bend where linear forms vanish, most of them at the point."""
    rng = np.random.default_rng([9, seed])
    near = [0.0, 0.0, 0.0, 1e-9, 1e-6, 1e-3, 0.7, -0.7, 1.0, -1e-9]
    at = {"x": float(rng.choice([0.0, 0.0, 1.0])), "y": float(rng.choice(near))}
    text = _sum(rng, at, int(rng.integers(2, 4)))
    if rng.random() < 0.4:
        text = f"{rng.choice(['relu', 'abs', 'relu', 'tanh', 'sin'])}({text})"
    return Trial(text, at)


def _sum(rng: np.random.Generator, at: dict[str, float], depth: int) -> str:
    terms = [_product(rng, at, depth) for _ in range(int(rng.integers(1, 3)))]
    signs = rng.choice([" + ", " - "], size=len(terms))
    return "".join(
        f"{sign if place else ''}{term}" for place, (sign, term) in enumerate(zip(signs, terms, strict=True))
    )


def _product(rng: np.random.Generator, at: dict[str, float], depth: int) -> str:
    return "*".join(_factor(rng, at, depth) for _ in range(int(rng.integers(1, 4))))


def _factor(rng: np.random.Generator, at: dict[str, float], depth: int) -> str:
    kind = rng.random()
    if depth > 0 and kind < 0.3:
        inner = _sum(rng, at, depth - 1)
        return f"{rng.choice(['abs', 'relu', 'square', 'sin'])}({inner})"
    form = _linear(rng, at)
    if kind < 0.65:
        return f"{rng.choice(['abs', 'relu'])}({form})"
    if kind < 0.8:
        return f"{rng.choice(['max', 'min'])}({form}, {rng.choice([_linear(rng, at), '0'])})"
    return f"({form})"


def _linear(rng: np.random.Generator, at: dict[str, float]) -> str:
    """A linear form in the inputs; in most draws it vanishes where those of them do that it is of."""
    x, y = ("x" if at["x"] == 0 else "(x - 1)"), "y"
    form = str(rng.choice([x, y, f"{x} + {y}", f"{x} - {y}", f"-{x}", f"-{y}", f"2*{x} - {y}", f"3*{y}"]))
    return form if rng.random() < 0.85 else f"{form} + {rng.choice([0.5, -1, 1e-4])}"


# --- the oracle -----------------------------------------------------------------------------------


def function_of(text: str) -> Function:
    """The expression as a function of many digits; numbers in it are of float64."""
    code = compile(text, "<expression>", "eval")  # its notation is Python's as well
    return lambda **values: eval(code, {"__builtins__": {}, **OPS}, values)  # drawn above, not read


def sides(f: Function, at: dict[str, Any], name: str) -> tuple[Any, Any]:
    """The slopes to the left and to the right along an input."""
    here = f(**at)
    right = (f(**{**at, name: at[name] + INNER}) - here) / INNER
    return (here - f(**{**at, name: at[name] - INNER})) / INNER, right


def first(f: Function, at: dict[str, Any], name: str, room: Any = 1e12 * INNER) -> Any:
    """∂f/∂name, or None where the slopes of both sides differ by more than `room`."""
    left, right = sides(f, at, name)
    return _rounded((left + right) / 2, INNER) if abs(right - left) <= room else None


def second(f: Function, at: dict[str, Any], one: str, other: str, room: Any = 1e12 * INNER) -> Any:
    """∂/∂other of ∂f/∂one, or None where that does not exist.

    With `room` for kinks that grow with the square of the distance, it may exist as a limit: any slope
    between those of both sides leads to the same.
    """
    here = first(f, at, one)
    right, left = (first(f, {**at, other: at[other] + step}, one, room) for step in (OUTER, -OUTER))
    if here is None or right is None or left is None:
        return None
    above, below = (right - here) / OUTER, (here - left) / OUTER
    if abs(above - below) > SAME * (1 + abs(above) + abs(below)):
        return None
    return _rounded((above + below) / 2, OUTER)


def _rounded(value: Any, step: Any) -> Any:
    """Without what the step alone leaves."""
    return value if abs(value) > 1e3 * step else mp.mpf(0)


def is_plain(f: Function, at: dict[str, Any]) -> bool:
    """Are the kinks of the first derivatives here none that every check may neglect?"""
    slopes = [sides(f, at, name) for name in at]
    gaps = [(abs(right - left), abs(right) + abs(left)) for left, right in slopes]
    return all(gap <= 1e12 * INNER or gap > NEGLIGIBLE * size for gap, size in gaps)


# --- the comparison -------------------------------------------------------------------------------


def right_verdicts(truth: Any, claimed: float) -> tuple[str, ...]:
    """What may be said of a claim."""
    if truth is None:
        return ("cannot tell", "kink", "disagree")
    same = abs(truth - claimed) <= 1e-7 * max(abs(truth), abs(claimed))
    return ("cannot tell", "agree" if same else "disagree")


def entries(trial: Trial) -> Iterator[tuple[str, str, bool]]:
    """Label, verdict of bpx and whether that is right, of each first and second derivative."""
    f, at = function_of(trial.text), _lifted(trial)
    report = bpx.parse(trial.text, **trial.at).gradcheck(order=2)
    for row in report.entries:
        one = row.by.removeprefix("∂out/∂") if row.by else None
        truth = first(f, at, row.input) if one is None else second(f, at, one, row.input)
        verdict = row.verdict.word
        right = verdict in right_verdicts(truth, row.claimed)
        if one is not None and truth is None:
            right = right or verdict in right_verdicts(second(f, at, one, row.input, OUTER**1.5), row.claimed)
        name = f"∂/∂{row.input} of {row.by}" if row.by else f"∂/∂{row.input}"
        label = name if truth is None else f"{name} = {mp.nstr(truth, 6)}"
        yield f"{label}, claimed {row.claimed:.6g}", verdict, right


def _lifted(trial: Trial) -> dict[str, Any]:
    return {name: mp.mpf(value) for name, value in trial.at.items()}


def is_trial(trial: Trial) -> bool:
    """Is it of both inputs, not too long, and without a kink too small to count?"""
    both = {"x", "y"} <= set(trial.text.replace("max", "").replace("exp", ""))
    return both and len(trial.text) <= LONGEST and is_plain(function_of(trial.text), _lifted(trial))


def main(args: list[str]) -> None:
    """The draws of a range of seeds."""
    start, stop = [*map(int, args), *(0, 200)[len(args) :]][:2]
    mp.mp.dps = DIGITS
    began, counts = time.process_time(), Counter[tuple[str, bool]]()
    for seed in range(start, stop):
        trial = draw(seed)
        if not is_trial(trial):
            continue
        counts["draws", True] += 1
        for label, verdict, right in entries(trial):
            counts[verdict, right] += 1
            if not right:
                print(f"{seed}: {trial.text} at {trial.at}: {label}: {verdict}", flush=True)
    for (verdict, right), count in sorted(counts.items()):
        print(f"{verdict:<12}{'right' if right else 'WRONG':<8}{count:>6}")
    print(f"{time.process_time() - began:.1f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
