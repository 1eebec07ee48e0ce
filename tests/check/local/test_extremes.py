"""A sample of the sweep of tests/benchmarks/extremes.py: elementwise ops at the ends of float64."""

from __future__ import annotations

import random

import extremes
import pytest
from rows_of_a_table import every

OPS = 25  # in the sample, at a point each
# Where a verdict was wrong, or a rule that is right was blamed.
MENDED = [
    ("gelu_tanh", (1e200,)),
    ("gelu_tanh", (-1.7e308,)),
    ("swish", (1.7e308, 1.7e308)),
    ("mod", (-1.0, -1e-200)),
    ("mod", (1e308, 3.0)),
    ("mod", (-1e8, -1e-30)),
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


@every("name, point", MENDED + OTHERS)
def test_right_rules_and_claims_are_not_called_wrong(name: str, point: extremes.Point) -> None:
    assert not wrong(extremes.problems(name, point, (1.0,)))


@every("name, point", drawn())
def test_a_sample_of_all_ops(name: str, point: extremes.Point) -> None:
    assert not wrong(extremes.problems(name, point, ()))


def wrong(problems: list[str]) -> list[str]:
    """Without a kink or an edge that is suspected where none is: that is no wrong verdict on a rule."""
    return [problem for problem in problems if "KINK" not in problem and "OUTSIDE" not in problem]


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
