"""A sample of the sweep of tests/benchmarks/extremes.py: elementwise ops at the ends of float64."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from fractions import Fraction

import extremes
import numpy as np
import pytest
from rows_of_a_table import every

import bpx
from bpx.check.balls import ball_context
from bpx.check.report.entry import Verdict

OPS = 25  # in the sample, at a point each
# Where a verdict was wrong, or a rule that is right was blamed.
MENDED = [
    ("gelu_tanh", (1e200,)),
    ("gelu_tanh", (-1.7e308,)),
    ("swish", (1.7e308, 1.7e308)),
    ("mod", (-1.0, -1e-200)),
    ("mod", (1e308, 3.0)),
    ("mod", (-1e8, -1e-30)),
    ("mod", (1.4e-162, 1e-310)),
    ("mod", (3.0, -5e-324)),
    ("mod", (-1.7e308, 2.2250738585072014e-308)),
    ("mod", (-1e-300, 1.7e308)),
]
OTHERS = [
    ("floor", (1e16,)),
    ("round", (2251799813685248.5,)),
    ("cos", (1.7e308,)),
    ("elu", (-5e-324, 1.7e308)),
    ("leaky_relu", (-1e-200, 1e200)),
    ("tanh", (27.3,)),
    ("log", (5e-324,)),
]
SLOW = {"lgamma", "digamma"}


def drawn() -> list[tuple[str, extremes.Point]]:
    rng = random.Random(0)
    ops = rng.sample([op for op in extremes.elementwise() if op.name not in SLOW], OPS)
    return [(op.name, rng.choice(list(extremes.points(op, extremes.VALUES[::5])))) for op in ops]


@pytest.fixture(params=["balls", "no balls"])
def numbers(request: pytest.FixtureRequest) -> Iterator[None]:
    """With python-flint and without it."""
    with ball_context.unwanted() if request.param == "no balls" else nullcontext():
        yield


@every("name, point", MENDED + OTHERS)
def test_right_rules_and_claims_are_not_called_wrong(name: str, point: extremes.Point, numbers: None) -> None:
    assert not extremes.problems(name, point, (1.0,))


@every("name, point", drawn())
def test_a_sample_of_all_ops(name: str, point: extremes.Point) -> None:
    assert not extremes.problems(name, point, ())


# Beyond 2^53 float64 has no number beside a jump that is not behind further ones.
JUMPS = [
    ("mod(x, y)", {"x": 4.0, "y": 2.0**-200}),
    ("mod(x, y)", {"x": 1.7e308, "y": 1.0}),
    ("mod(x, y)", {"x": -3e8, "y": 1.5 * 2.0**-600}),
    ("floor(x)", {"x": 2.0}),
    ("ceil(x)", {"x": 1e200}),
    ("floor(k * x)", {"k": 1e200, "x": 1e-8}),
    ("k * x - floor(k * x)", {"k": 2.0**53, "x": -3.7}),
    ("round(x + 0.5)", {"x": 2.0**60}),
]


@every("text, values", JUMPS)
def test_at_a_jump_every_entry_is_at_a_kink(text: str, values: dict[str, float], numbers: None) -> None:
    report = bpx.parse(text, **values).gradcheck()
    assert {entry.verdict for entry in report.entries} == {Verdict.KINK}


def test_jumps_beyond_the_budget_of_many_digits_are_not_called_wrong() -> None:
    multiples = np.arange(3.0, 1800.0, 3.0)
    spec = bpx.parse("sum(mod(x, y))", x=multiples, y=np.full(multiples.shape, 3 * 2.0**-200))
    assert spec.gradcheck(wrt=["y"]).verdict == "kink"


# The slope of each by x, where it is smooth but jumps again and again within a step of 1e-30.
BETWEEN_JUMPS = [
    ("mod(x, y)^2", {"x": 1.0, "y": 3e-40}, lambda x, y: 2 * (x % y)),
    ("x / y - round(x / y)", {"x": 7.3, "y": 3e-100}, lambda x, y: 1 / y),
    ("mod(mod(x, 1), y)", {"x": 2.7, "y": 7e-120}, lambda x, y: 1),
    ("x * floor(x / y)", {"x": 2.7, "y": 7e-60}, lambda x, y: x // y),
]


@every("text, values, slope", BETWEEN_JUMPS)
def test_between_jumps_right_claims_agree_and_wrong_ones_do_not(
    text: str, values: dict[str, float], slope: Callable[[Fraction, Fraction], Fraction], numbers: None
) -> None:
    exact = float(slope(Fraction(values["x"]), Fraction(values["y"])))
    spec = bpx.parse(text, **values)
    verdicts = [
        entry.verdict
        for factor in (1.0, 1.001)
        for entry in spec.gradcheck(claims={"x": factor * exact}).entries
        if entry.input == "x"
    ]
    assert verdicts == [Verdict.AGREE, Verdict.DISAGREE]


@pytest.mark.parametrize(
    ("name", "point", "slope"),
    [("sin", (1e-300,), 1.0), ("hypot", (3.0, 4.0), 0.6), ("lgamma", (2.0,), 0.42278433509846713)],
)
def test_the_true_slopes(name: str, point: extremes.Point, slope: float) -> None:
    truth = extremes.slopes(name, point, 0)
    assert truth.smooth
    assert float(truth.right) == pytest.approx(slope, rel=1e-15)


def test_a_kink_and_a_jump_have_no_true_slope() -> None:
    assert not extremes.slopes("abs", (0.0,), 0).smooth
    assert not extremes.slopes("floor", (1.7e308,), 0).smooth
    assert not extremes.slopes("max", (1e16, 1e16), 1).smooth
    assert not extremes.slopes("mod", (1.7e308, 1.0), 0).smooth
