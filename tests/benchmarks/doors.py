"""Verdicts on what people bring: formulas right at one point alone, ties, random functions, staircases.

Each kind is drawn at random in right and in wrong members; a wrong verdict is one that a person would act
on: a right gradient called wrong, a wrong one called right.

Run: python tests/benchmarks/doors.py [KIND …] [--all]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import bpx

REPEATS = 60  # members of each kind
SEEDS = 300  # of functions that draw random numbers


class Trial(NamedTuple):
    """One check: what it is of, its verdict, and the verdicts that are right."""

    label: str
    verdict: str
    right: tuple[str, ...]


# --- claimed formulas that are right at the given values alone --------------------------------------

# Expression, values, the right formulas by input, a formula that is right at these values alone.
Formula = tuple[str, dict[str, Any], dict[str, str], tuple[str, str]]


def formulas(rng: np.random.Generator) -> Iterator[Formula]:
    """Forms whose wrong derivative has the right value at special inputs, and a term that vanishes there."""
    n, a = int(rng.integers(2, 6)), round(float(rng.uniform(0.3, 1.7)), 2)
    yield f"x^{n}", {"x": float(n)}, {"x": f"{n}*x^{n - 1}"}, ("x", f"x^{n}")
    yield "y*sin(x)", {"x": a, "y": 1.0}, {"x": "y*cos(x)", "y": "sin(x)"}, ("x", "cos(x)")
    yield "x*y", {"x": a, "y": a}, {"x": "y", "y": "x"}, ("x", "x")
    yield "exp(a*x)", {"x": a, "a": 1.0}, {"x": "a*exp(a*x)"}, ("x", "exp(a*x)")
    yield "log(1 + x*y)", {"x": a, "y": 1.0}, {"x": "y/(1 + x*y)"}, ("x", "1/(1 + x*y)")
    yield (
        "tanh(x)*y",
        {"x": a, "y": 2.0},
        {"x": "y*(1 - tanh(x)^2)"},
        ("x", f"y*(1 - tanh(x)^2) + (x - {a})*y"),
    )
    logistic = "-(y*log(sigmoid(z)) + (1 - y)*log(1 - sigmoid(z)))"
    yield logistic, {"z": a, "y": 1.0}, {"z": "sigmoid(z) - y"}, ("z", "sigmoid(z) - 1")
    weights = rng.uniform(-1, 1, 3).round(2).tolist()
    yield "sum((w - t)^2)", {"w": weights, "t": [0.0] * 3}, {"w": "2*(w - t)"}, ("w", "2*w")


def one_point(repeats: int) -> Iterator[Trial]:
    """A formula is claimed for all values: right only here is wrong."""
    for i in range(repeats // 8 + 1):
        for text, values, right, (name, wrong) in formulas(np.random.default_rng([1, i])):
            spec = bpx.parse(text, **values)
            yield Trial(f"{text}: {right}", spec.gradcheck(claims=right).verdict, ("agree",))
            if text != "mean(x^2)":  # there it is the same formula, written in another way
                yield Trial(
                    f"{text}: {name} = {wrong}", spec.gradcheck(claims={name: wrong}).verdict, ("disagree",)
                )


# --- ties: what kinks let a gradient be, all inputs together ----------------------------------------

# All bend where x = y. With the weight t for the side x > y, ∂/∂x and ∂/∂y are these; their sum is fixed.
TIES = {
    "max(x, y)": lambda t: (t, 1 - t),
    "min(x, y)": lambda t: (1 - t, t),
    "relu(x - y)": lambda t: (t, -t),
    "abs(x - y)": lambda t: (2 * t - 1, 1 - 2 * t),
}


def ties(repeats: int) -> Iterator[Trial]:
    """A weight for the two sides gives a valid gradient; entries that no weight gives together are wrong."""
    for i in range(repeats):
        rng = np.random.default_rng([2, i])
        names = rng.choice(list(TIES), size=int(rng.integers(1, 4)), replace=False)
        factors = rng.uniform(0.5, 2, len(names)).round(2)
        text = " + ".join(f"{c}*{name}" for c, name in zip(factors, names, strict=True)) + " + 0.3*x*y"
        at = round(float(rng.uniform(0.5, 2)), 2)
        spec = bpx.parse(text, x=at, y=at)
        valid, weight = np.full(2, 0.3 * at), rng.uniform(0, 1)
        for c, name in zip(factors, names, strict=True):
            valid += c * np.array(TIES[name](weight))
        off = valid + rng.uniform(0.05, 0.2) * rng.choice([-1, 1])  # both: along (1, 1), which none allows
        yield Trial(f"{text} at {at}: {valid}", _claimed(spec, valid), ("kink", "agree"))
        yield Trial(f"{text} at {at}: {off}", _claimed(spec, off), ("disagree",))


def _claimed(spec: Any, gradient: np.ndarray) -> str:
    return str(spec.gradcheck(claims={"x": float(gradient[0]), "y": float(gradient[1])}).verdict)


# --- functions in code --------------------------------------------------------------------------


def check(forward: Any, inputs: list[Any], backward: Any, **options: Any) -> str:
    """The verdict on a NumPy function."""
    return str(bpx.gradcheck(forward, inputs, backward, **options).verdict)


def scatter(_: int) -> Iterator[Trial]:
    """A function that gives two values at one input has no derivative that could agree."""
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        size, share = 10.0 ** -rng.integers(1, 13), rng.uniform(0.1, 0.9)

        def noisy(x: Any, rng: Any = rng, size: float = size, share: float = share) -> Any:
            return np.sum(np.tanh(x)) + (size * rng.random() if rng.random() < share else 0.0)

        def backward(g: Any, x: Any) -> Any:
            return (g * (1 - np.tanh(x) ** 2),)

        def wrong(g: Any, x: Any) -> Any:
            return (7 * g * np.ones_like(x),)

        x = np.array([0.3])
        yield Trial(f"noise {size:.0e}, seed {seed}, right", check(noisy, [x], backward), ("cannot tell",))
        verdicts = ("cannot tell", "disagree")
        yield Trial(f"noise {size:.0e}, seed {seed}, wrong", check(noisy, [x], wrong), verdicts)


def stairs(repeats: int) -> Iterator[Trial]:
    """Between two steps of a staircase the derivative is 0; its secant is not."""
    for i in range(repeats):
        rng = np.random.default_rng([4, i])
        steps = 10.0 ** rng.integers(1, 7)  # finer ones are taken for the rounding of float32
        x = np.array([(np.floor(rng.uniform(0, 1) * steps) + rng.uniform(0.2, 0.8)) / steps])

        def staircase(x: Any, steps: float = steps) -> Any:
            return np.sum(np.floor(x * steps) / steps)

        right = check(staircase, [x], lambda g, x: (np.zeros_like(x),))
        secant = check(staircase, [x], lambda g, x: (g * np.ones_like(x),))
        yield Trial(f"floor of {steps:.0e} x, 0", right, ("agree", "cannot tell", "kink"))
        yield Trial(f"floor of {steps:.0e} x, secant", secant, ("disagree", "cannot tell", "kink"))


def integers(repeats: int) -> Iterator[Trial]:
    """Integer inputs are numbers like others."""
    for i in range(repeats):
        rng = np.random.default_rng([5, i])
        x, c = rng.integers(1, 6, size=int(rng.integers(1, 5))), rng.uniform(0.5, 2)

        def forward(x: Any, c: float = c) -> Any:
            return c * np.sum(x**2)

        right = check(forward, [x], lambda g, x, c=c: (2 * c * g * x,))
        wrong = check(forward, [x], lambda g, x, c=c: (-3 * c * g * x,))
        yield Trial(f"c x^2 at {x}", right, ("agree",))
        yield Trial(f"c x^2 at {x}, wrong", wrong, ("disagree",))


def float32(repeats: int) -> Iterator[Trial]:
    """A function that rounds to float32: never a false alarm, and `detect=1e-3` decides."""
    for i in range(repeats):
        rng = np.random.default_rng([6, i])
        x, c = rng.uniform(-1.5, 1.5, size=3), rng.uniform(0.5, 2)

        def forward(x: Any, c: float = c) -> Any:
            return np.tanh(c * x).astype(np.float32)

        def backward(g: Any, x: Any, c: float = c) -> Any:
            return (g * c * (1 - np.tanh(c * x) ** 2),)

        def wrong(g: Any, x: Any, c: float = c) -> Any:
            return (1.3 * g * c * (1 - np.tanh(c * x) ** 2),)

        yield Trial(f"tanh in float32, {i}", check(forward, [x], backward), ("agree", "cannot tell"))
        yield Trial(f"tanh in float32, {i}, detect", check(forward, [x], backward, detect=1e-2), ("agree",))
        yield Trial(f"tanh in float32, {i}, wrong", check(forward, [x], wrong, detect=1e-2), ("disagree",))


# --- the table ----------------------------------------------------------------------------------

KINDS: dict[str, Callable[[int], Iterator[Trial]]] = {
    "one-point": one_point,
    "ties": ties,
    "scatter": scatter,
    "stairs": stairs,
    "integers": integers,
    "float32": float32,
}


def main(args: list[str]) -> None:
    """All kinds, or those that `args` names; `--all` lists every wrong verdict."""
    print(f"{'kind':<12}{'trials':>8}{'right':>8}{'seconds':>9}")
    for name in [kind for kind in KINDS if kind in args] or KINDS:
        start = time.process_time()
        trials = list(KINDS[name](REPEATS))
        wrong = [trial for trial in trials if trial.verdict not in trial.right]
        seconds = time.process_time() - start
        print(f"{name:<12}{len(trials):>8}{len(trials) - len(wrong):>8}{seconds:>9.1f}", flush=True)
        for trial in wrong if "--all" in args else wrong[:3]:
            print(f"    {trial.label}: {trial.verdict}, right is {' or '.join(trial.right)}")


if __name__ == "__main__":
    main(sys.argv[1:])
