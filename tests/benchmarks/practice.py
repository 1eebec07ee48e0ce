"""Sheets and wrong answers of `bpx practice`: run by hand, `python tests/benchmarks/practice.py`.

The wrong answers are those of published catalogues of students' errors, computed here in plain Python from
their descriptions, with derivatives of its own; none of bpx's patterns is used:

- compound chain rule: the inner factor is omitted; f'(g'(t))·h'(t); h' is omitted; both (mathmistakes.info);
- ∘ is taken for ·: f(g(x)) derived by the product rule (Horvath, 2008);
- f(a·b) = f(a)·f(b), and wrong signs (Siyepu, 2015);
- two chain rules in one: the outer derivative at the inner one (Maharaj and Ntuli, 2018);
- backpropagation: no sum over paths, upstream forgotten, local derivative twice, wrong operand, transposed,
  mean as sum, derivative at the output or the input, step uphill, no learning rate, old and new mixed.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from math import cos, cosh, exp, log, sin, tanh
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

import bpx
from bpx.spec.practice.cells.rounding import same
from bpx.spec.practice.cells.verdicts import Judgement, Verdict
from bpx.spec.practice.code.code_exercise import CodeExercise
from bpx.spec.practice.code.code_sheet import CodeSheet, read_code_sheet
from bpx.spec.practice.code.grade_code import grade_code
from bpx.spec.practice.exercise import Exercise
from bpx.spec.practice.grade import grade
from bpx.spec.practice.practice import code_exercise_on, exercise_on, typed
from bpx.spec.practice.slips.on_the_way import slips_on_the_way
from bpx.spec.practice.topics import TOPICS


class Function(NamedTuple):
    """A function as it is written, its value and its derivative."""

    text: str
    value: Callable[[float], float]
    slope: Callable[[float], float]


def sigma(x: float) -> float:
    return 1 / (1 + exp(-x))


FUNCTIONS = [
    Function("sin({})", sin, cos),
    Function("cos({})", cos, lambda x: -sin(x)),
    Function("exp({})", exp, exp),
    Function("tanh({})", tanh, lambda x: 1 / cosh(x) ** 2),
    Function("sigmoid({})", sigma, lambda x: sigma(x) * (1 - sigma(x))),
    Function("{}^2", lambda x: x * x, lambda x: 2 * x),
    Function("{}^3", lambda x: x**3, lambda x: 3 * x * x),
    Function("log({})", log, lambda x: 1 / x),
]
BY_PARTS = ("{}^2", "{}^3", "log({})")  # those that are no functions of one argument, or not everywhere


class Wrong(NamedTuple):
    """A wrong answer: the text of the spec, the cells asked, what is typed, and the names that are right."""

    spec: str
    values: dict[str, object]
    answers: dict[str, object]
    cell: str
    slip: str
    codes: frozenset[str]
    rate: float | None = None


def wrong(
    spec: str, values: dict[str, object], cell: str, answer: object, slip: str, *codes: str, **more: object
) -> Wrong:
    return Wrong(spec, values, {cell: answer}, cell, slip, frozenset(codes), **more)  # type: ignore[arg-type]


def number(random: Random, low: float = 0.3, high: float = 1.9) -> float:
    return round(random.uniform(low, high), 1)


def digits(value: float) -> str:
    return f"{value:.6g}"


# --- the catalogues -----------------------------------------------------------------------------


def chains(random: Random) -> Iterator[Wrong]:
    """y = f(u), u = g(v), v = c·x + d."""
    f, g = random.sample(FUNCTIONS, 2)
    c, d, x = random.choice([1.5, 2.0, 2.5, 3.0]), number(random), number(random)
    v = c * x + d
    u = g.value(v)
    if u <= 0.05 or abs(u) > 20 or g.slope(v) <= 0.02:
        return
    y_u, u_v = f.slope(u), g.slope(v)
    spec = f"v = {c}*x + {d}; u = {g.text.format('v')}; y = {f.text.format('u')}"
    values: dict[str, object] = {"x": x}
    yield wrong(spec, values, "∂y/∂x", digits(y_u * u_v), "h' omitted", "unchanged")
    yield wrong(spec, values, "∂y/∂v", digits(y_u), "inner factor omitted", "unchanged")
    yield wrong(spec, values, "∂y/∂u", digits(f.slope(u_v)), "f'(g'(t)) h'(t)", "at-inner-derivative")
    yield wrong(spec, values, "∂y/∂v", digits(u_v), "upstream forgotten", "upstream-forgotten")
    yield wrong(spec, values, "∂y/∂v", digits(y_u * u_v * u_v), "local derivative twice", "local-twice")
    yield wrong(spec, values, "∂u/∂v", digits(g.slope(u)), "derivative at output", "at-output")
    yield wrong(spec, values, "∂u/∂v", digits(-u_v), "sign", "sign")
    yield wrong(spec, values, "∂y/∂v", digits(-y_u * u_v), "sign", "sign")
    yield wrong(spec, values, "∂u/∂v", digits(u), "value for derivative", "own-value", "value-of")
    yield wrong(spec, values, "∂y/∂v", digits(y_u + u_v), "added", "added-not-multiplied")
    if g.text not in BY_PARTS and f.text not in BY_PARTS:
        product = f.slope(v) * g.value(v) + f.value(v) * g.slope(v)
        yield wrong(spec, values, "∂y/∂v", digits(product), "∘ taken for ·", "product-for-chain")


def products_inside(random: Random) -> Iterator[Wrong]:
    """f(a·b) = f(a)·f(b)."""
    f = random.choice([f for f in FUNCTIONS if f.text not in BY_PARTS])
    a, b = number(random), number(random)
    values: dict[str, object] = {"a": a, "b": b}
    spec = f"z = a*b; y = {f.text.format('z')}^2"
    yield wrong(spec, values, "v1", digits(f.value(a) * f.value(b)), "f(ab) = f(a) f(b)", "taken-apart")
    yield wrong(spec, values, "∂v1/∂z", digits(f.slope(a) * f.slope(b)), "f(ab) = f(a) f(b)", "taken-apart")
    spec = f"z = a + b; y = {f.text.format('z')}^2"
    yield wrong(spec, values, "v1", digits(f.value(a) + f.value(b)), "f(a+b) = f(a) + f(b)", "taken-apart")


def sums_of_paths(random: Random) -> Iterator[Wrong]:
    """x reaches y through u = f(x) and v = c·x, y = u·v."""
    f = random.choice([f for f in FUNCTIONS if f.text not in BY_PARTS])
    c, x = random.choice([1.5, 2.5, 3.5]), number(random)
    u, v = f.value(x), c * x
    first, second = v * f.slope(x), u * c
    spec, values = f"u = {f.text.format('x')}; v = {c}*x; y = u*v", {"x": x}
    yield wrong(spec, values, "∂y/∂x", digits(first), "forgetting to add over paths", "dropped", "one-path")
    yield wrong(spec, values, "∂y/∂x", digits(second), "forgetting to add over paths", "dropped", "one-path")
    yield wrong(spec, values, "∂y/∂x", digits(first * second), "paths multiplied", "paths-multiplied")
    yield wrong(
        spec, values, "∂y/∂x", digits((first + second) / 2), "mean of paths", "paths-averaged", "half"
    )
    yield wrong(spec, values, "∂y/∂x", digits(first - second), "sign of a path", "sign")
    yield wrong(spec, values, "∂y/∂u", digits(u), "wrong operand", "swapped", "value-of")


def logistic(random: Random) -> Iterator[Wrong]:
    """L = (a - y)², a = σ(z), z = w·x + b."""
    w, x, b, y = number(random), number(random), number(random), random.choice([0.0, 1.0])
    z = w * x + b
    a = sigma(z)
    up, local = 2 * (a - y), a * (1 - a)
    spec, values = "z = w*x + b; a = sigmoid(z); L = (a - y)^2", {"w": w, "x": x, "b": b, "y": y}
    yield wrong(
        spec, values, "∂a/∂z", digits(z * (1 - z)), "derivative at input instead of output", "at-input"
    )
    yield wrong(spec, values, "∂a/∂z", digits(sigma(a) * (1 - sigma(a))), "derivative at output", "at-output")
    yield wrong(spec, values, "∂L/∂z", digits(local), "upstream forgotten", "upstream-forgotten")
    yield wrong(spec, values, "∂L/∂z", digits(up), "local derivative forgotten", "unchanged")
    yield wrong(spec, values, "∂L/∂z", digits(up * local**2), "local derivative twice", "local-twice")
    yield wrong(spec, values, "∂L/∂w", digits(up * local * w), "wrong operand", "swapped")
    yield wrong(spec, values, "∂v1/∂w", digits(w), "wrong operand", "swapped", "value-of")
    yield wrong(spec, values, "∂L/∂z", digits(-up * local), "sign", "sign")
    yield wrong(spec, values, "∂a/∂z", digits(1 - a * a), "derivative of tanh", "other-op", "slip")


def formulas(random: Random) -> Iterator[Wrong]:
    """The same slips, typed as formulas."""
    values = {name: number(random) for name in "wxb"} | {"y": 0.0}
    spec = "z = w*x + b; a = sigmoid(z); L = (a - y)^2"
    yield wrong(spec, values, "∂a/∂z", "z*(1 - z)", "derivative at input instead of output", "at-input")
    yield wrong(spec, values, "∂a/∂z", "a*(1 + a)", "sign in a formula", "slip")
    yield wrong(spec, values, "∂a/∂z", "a", "value for derivative", "own-value", "value-of")
    yield wrong(spec, values, "∂L/∂w", "∂L/∂v1 * w", "wrong operand", "swapped")
    yield wrong(spec, values, "∂L/∂z", "∂L/∂a", "local derivative forgotten", "unchanged", "other-gradient")


def batches(random: Random) -> Iterator[Wrong]:
    """Sums and means over a batch of three, and a shared parameter."""
    x, t = [[number(random) for _ in range(3)] for _ in range(2)]
    w, b = number(random), number(random)
    z = [w * each + b for each in x]
    off = [each - target for each, target in zip(z, t, strict=True)]
    values: dict[str, object] = {"x": x, "w": w, "b": b, "t": t}
    mean, total = "z = w*x + b; L = mean((z - t)^2)", "z = w*x + b; L = sum((z - t)^2)"
    of_b = 2 * sum(off)
    yield wrong(
        mean,
        values,
        "L",
        digits(sum(each**2 for each in off)),
        "mean as sum",
        "summed-not-averaged",
        "mean-lost",
        "slip",
    )
    yield wrong(
        mean,
        values,
        "∂L/∂v3",
        [1.0, 1.0, 1.0],
        "mean as sum",
        "mean-lost",
        "summed-not-averaged",
        "upstream-forgotten",
    )
    yield wrong(total, values, "∂L/∂b", digits(of_b / 3), "sum as mean", "averaged", "mean-doubled")
    yield wrong(total, values, "∂L/∂b", digits(2 * off[0]), "not summed over the batch", "not-summed")
    yield wrong(total, values, "∂L/∂v1", [float(digits(-2 * each)) for each in off], "sign", "sign")


def matrices(random: Random) -> Iterator[Wrong]:
    """z = W @ x, and products of matrices."""
    W = np.array([[number(random) for _ in range(3)] for _ in range(3)])
    X = np.array([[number(random) for _ in range(3)] for _ in range(3)])
    g = 2 * (W @ X)
    values: dict[str, object] = {"W": W.tolist(), "X": X.tolist()}
    spec = "Z = W @ X; L = sum(Z^2)"
    yield wrong(spec, values, "∂L/∂W", (g @ X.T).T.round(6).tolist(), "transposed", "result-transposed")
    yield wrong(spec, values, "∂L/∂W", (g @ X).round(6).tolist(), "transpose forgotten", "not-transposed")
    yield wrong(spec, values, "∂L/∂X", (g @ W.T).round(6).tolist(), "factors exchanged", "order-swapped")
    v = [number(random) for _ in range(3)]
    u = [number(random) for _ in range(3)]
    s = sum(a * b for a, b in zip(u, v, strict=True))
    values = {"u": u, "v": v}
    yield wrong(
        "s = u @ v; L = s^2",
        values,
        "∂L/∂u",
        [float(digits(2 * s * each)) for each in u],
        "wrong operand",
        "swapped",
    )


def updates(random: Random) -> Iterator[Wrong]:
    """w ← w − rate · ∂L/∂w."""
    w, x, b, y, rate = *(number(random) for _ in range(4)), 0.1
    g = 2 * (w * x + b - y)
    values: dict[str, object] = {"w": w, "x": x, "b": b, "y": y}
    spec = "z = w*x + b; L = (z - y)^2"
    new_b = b - rate * g
    mixed = 2 * (w * x + new_b - y) * x
    yield wrong(spec, values, "w_new", digits(w + rate * g * x), "step with plus", "update-plus", rate=rate)
    yield wrong(
        spec, values, "w_new", digits(w - g * x), "learning rate forgotten", "rate-missing", rate=rate
    )
    yield wrong(spec, values, "w_new", digits(w - rate * mixed), "old and new mixed", "updated", rate=rate)
    yield wrong(spec, values, "b_new", digits(-rate * g), "old value forgotten", "step-alone", rate=rate)


CATALOGUES = (chains, products_inside, sums_of_paths, logistic, formulas, batches, matrices, updates)


def wrong_answers(count: int, seed: int = 0) -> Iterator[Wrong]:
    """So many wrong answers, from all catalogues in turn."""
    random, given = Random(seed), 0
    while True:
        for catalogue in CATALOGUES:
            for case in catalogue(random):
                if given == count:
                    return
                given += 1
                yield case


# --- what is measured ---------------------------------------------------------------------------


def judged(case: Wrong) -> Judgement | None:
    """The judgement of a wrong answer; None where it happens to be right, or as good as right."""
    sheet = bpx.load(as_toml(case)).practice(blanks="all", rate=case.rate)
    exercise = Exercise(sheet.exercise.workings, (case.cell,))
    judgement = grade(exercise, typed(case.answers)).judgements[0]
    return None if judgement.verdict in (Verdict.RIGHT, Verdict.CARRIED) else judgement


def as_toml(case: Wrong) -> str:
    """The spec with `w` and `b` as parameters."""
    leaves = [
        f'{name} = {{ value = {value}, role = "parameter" }}' if name in "wb" else f"{name} = {value}"
        for name, value in case.values.items()
    ]
    steps = ['{} = "{}"'.format(*step.split(" = ", 1)) for step in case.spec.split("; ")]
    return "\n".join(["bpx = 1", "[inputs]", *leaves, "[graph]", *steps])


def names(judgement: Judgement) -> list[set[str]]:
    """The codes of each slip that is named; of two at once both."""
    return [
        {mistake.code, *(fact.code for _, fact in mistake.facts if hasattr(fact, "code"))}
        for mistake in judgement.mistakes
    ]


def measure_slips(count: int, seed: int = 0) -> Counter[str]:
    """How often the slip is among those named, none is named, or only others are."""
    outcome: Counter[str] = Counter()
    for case in wrong_answers(count, seed):
        judgement = judged(case)
        if judgement is None:
            outcome["right by accident"] += 1
            continue
        named = names(judgement)
        kind = "named" if any(codes & case.codes for codes in named) else "another" if named else "none"
        outcome[kind] += 1
        outcome["alone"] += kind == "named" and len(named) == 1
        if kind != "named":
            outcome[f"{kind}: {case.slip} at {case.cell}: {named}"] += 1
    return outcome


def rounded(value: object) -> object:
    """As a learner writes it, to four digits."""
    return np.vectorize(lambda x: float(f"{x:.4g}"))(value).tolist()


def measure_sheets(count: int) -> Counter[str]:
    """Sheets of all topics: the same again, no answer shown, right by its own key, mistakes that show."""
    outcome: Counter[str] = Counter()
    for seed in range(count):
        topic = list(TOPICS)[seed % len(TOPICS)]
        plant = seed % 3 and 1 + seed % 2
        options = {"plant": plant} if plant else {"blanks": 1 + seed % 6}
        exercise, again = (exercise_on(topic, seed=seed, **options) for _ in range(2))
        key = exercise.key()
        outcome["sheets"] += 1
        outcome["deterministic"] += str(again.key()) == str(key) and again.asked == exercise.asked
        answers = {cell: rounded(value) for cell, value in key.items()}
        outcome["right by its key"] += grade(exercise, typed(answers)).is_right
        outcome["with mistakes"] += bool(plant)
        outcome["as many as asked for, all visible"] += bool(plant) and all_show(exercise, plant)
    return outcome


def all_show(exercise: Exercise, count: int) -> bool:
    """Is each mistake seen at its place, and at an end, beyond the digits that are asked for?"""
    workings, planted = exercise.workings, exercise.planted
    ends = [key for key in workings.cells if not workings.children[key]]
    for key in planted:
        others = {other: exercise.shown[other] for other in planted if other != key}
        with_it, without = workings.values({**others, key: exercise.shown[key]}), workings.values(others)
        here = same(exercise.shown[key], without[key], exercise.digits)
        if here or all(same(with_it[end], without[end], 5) for end in ends):
            return False
    return len(planted) == count


# --- mistakes in code ---------------------------------------------------------------------------


def measure_code_sheets(count: int) -> Counter[str]:
    """Sheets in code: the same again, each slip seen in a gradient, all mended right, each left out found."""
    outcome: Counter[str] = Counter()
    with TemporaryDirectory() as folder:
        for seed in range(count):
            topic, plant = list(TOPICS)[seed % len(TOPICS)], 1 + seed % 2
            exercise, again = (code_exercise_on(topic, seed=seed, plant=plant) for _ in range(2))
            texts = {p.at: p.text for p in exercise.planted}
            outcome["sheets in code"] += 1
            outcome["deterministic"] += CodeSheet(exercise).text == CodeSheet(again).text
            outcome["all visible"] += all(_shows(exercise, texts, at) for at in texts)
            outcome["right once mended"] += verdicts_of(folder, exercise, {}) == ["right"] * plant
            outcome["each left out is found"] += all(
                sorted(verdicts_of(folder, exercise, {at: text})) == ["missed", *["right"] * (plant - 1)]
                for at, text in texts.items()
            )
    return outcome


def _shows(exercise: CodeExercise, texts: dict[int, str], at: int) -> bool:
    """Does this slip move a gradient of the whole module, alone and on top of the others?"""
    others = {place: text for place, text in texts.items() if place != at}
    pairs = (({}, {at: texts[at]}), (others, texts))
    return all(_moved(*(gradients_of(exercise.with_statements(edits)) for edits in pair)) for pair in pairs)


def _moved(some: dict[str, object], others: dict[str, object]) -> bool:
    return any(not np.allclose(some[name], others[name], rtol=2e-3, atol=0) for name in some)  # type: ignore[arg-type]


def gradients_of(module: str) -> dict[str, object]:
    """What the whole module gives at its inputs, where the upstream gradient is 1."""
    scope: dict[str, Any] = {}
    exec(module, scope)
    output, cache = scope["forward"](**scope["inputs"]())
    return dict(scope["backward"](np.ones(np.shape(output)), cache))


def verdicts_of(folder: str, exercise: CodeExercise, texts: dict[int, str]) -> list[str]:
    """The verdicts on the sheet with these statements, all others as they should be."""
    plan = CodeSheet(exercise).text.partition("# [sheet]")
    path = Path(folder) / "sheet.py"
    path.write_text("".join([exercise.with_statements(texts), "\n", *plan[1:]]), encoding="utf-8")
    return [one.verdict.value for one in grade_code(read_code_sheet(str(path))).judgements]


def measure_gradients_alone(count: int) -> Counter[str]:
    """A slip in a hidden cell, answers that follow from it: it is named, nothing is, or another is."""
    random, outcome = Random(0), Counter[str]()
    for seed in range(count):
        topic = list(TOPICS)[seed % len(TOPICS)]
        exercise = exercise_on(topic, seed=seed, ask="gradients")
        _, mistake, values = random.choice([*slips_on_the_way(exercise.workings, exercise.right)])
        answers = {
            key: np.vectorize(lambda x: float(f"{x:.4g}"))(values[key]).tolist() for key in exercise.asked
        }
        wrong = [one for one in grade(exercise, typed(answers)).judgements if one.verdict is Verdict.WRONG]
        said = {(named.code, named.facts) for one in wrong for named in one.mistakes}
        is_right = said == {(mistake.code, mistake.facts)}
        kind = "no gradient changes" if not wrong else "named" if is_right else "another" if said else "none"
        outcome[f"hidden slip: {kind}"] += 1
    return outcome


if __name__ == "__main__":
    for measure in (measure_code_sheets, measure_gradients_alone):
        for line, times in measure(int(sys.argv[1]) // 5 if len(sys.argv) > 1 else 200).items():
            print(times, line)
    for line, times in measure_slips(int(sys.argv[1]) if len(sys.argv) > 1 else 1000).most_common():
        print(times, line)
    for line, times in measure_sheets(int(sys.argv[1]) if len(sys.argv) > 1 else 1000).items():
        print(times, line)
