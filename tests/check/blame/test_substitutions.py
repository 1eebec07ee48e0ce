"""Changes of one name in the right gradient, and rounding on the way."""

from __future__ import annotations

import numpy as np
import pytest
from checking import point_of, spec
from rows_of_a_table import every

import bpx
from bpx.check.blame.substitutions import rounded_on_the_way, substitution_mistakes
from bpx.check.gradcheck import gradcheck
from bpx.check.patterns.comparison import Comparison
from bpx.spec.reading.claims import read_claim, with_claims

EXPRESSION = "sum(exp(a*x)*(x - y)^2)"
VALUES = {"a": 0.7, "x": [0.3, -0.5, 1.2], "y": [1.1, 0.4, -0.6]}
A, X, Y = 0.7, np.array([0.3, -0.5, 1.2]), np.array([1.1, 0.4, -0.6])


def right(a=A, x=X, y=Y):
    return np.exp(a * x) * (a * (x - y) ** 2 + 2 * (x - y))


def said(claimed, room=0.0) -> list[str]:
    checked = point_of(spec(EXPRESSION, **VALUES))
    comparison = Comparison([right()], [claimed], [np.full(3, room)])
    node = checked.query.wrt["x"]
    return [mistake.text for mistake in substitution_mistakes([checked], node, comparison)]


@every(
    "claimed, text",
    [
        (right(y=0 * Y), "`y` is missing: these are the numbers with 0 in its place"),
        (right(a=1.0), "`a` is missing as a factor"),
        (right(y=-Y), "`y` has the wrong sign"),
        (right(a=2 * A), "`a` is counted twice"),
        (right(x=Y), "`y` is used in place of `x`"),
        (right(x=X - 0.01 * right()), "`x` is used after its update (learning rate 0.01) instead of before"),
    ],
)
def test_a_change_of_one_name(claimed, text):
    assert text in said(claimed)


@pytest.mark.parametrize("claimed", [right(), 1.37 * right(), right() + 0.1, np.sin(right())])
def test_nothing_is_said_where_no_change_fits(claimed):
    assert said(claimed) == []


def test_of_short_numbers_no_change_is_told():
    assert said(np.round(right(y=-Y), 1), 0.05) == []


def rounding(claimed: float, decimals: int) -> list[str]:
    checked = point_of(spec("2*sigmoid(z)*x", z=-1.4067, x=1.0))
    node = checked.query.wrt["x"]
    reference = np.asarray(checked.reference[node].value)
    comparison = Comparison([reference], [np.array(claimed)], [np.array(0.5 * 10.0**-decimals)])
    return [mistake.text for mistake in rounded_on_the_way(checked, node, comparison)]


def test_rounding_on_the_way():
    """The gradient is 0.39351, and sigmoid(z) 0.19676."""
    assert rounding(0.40, 2) == ["right, but with `sigmoid(z)` rounded to 0.20 before it was used"]
    assert rounding(0.393, 3) == ["cut off after 3 decimals instead of rounded"]
    assert rounding(0.62, 2) == []


@pytest.mark.parametrize("figure", ["0.7764", "0.773", "7.8e-1", "1e2"])
def test_inputs_that_come_after_an_inner_value_keep_theirs(figure):
    made = with_claims(spec("sqrt(a+b*c)", a=0.73, b=1.9, c=0.41), [read_claim(f"c = {figure}")])
    assert gradcheck(made).verdict in ("agree", "disagree")


def test_a_wrong_claim_next_to_nothing_has_a_report():
    """It has more decimals than a power of ten has as a float."""
    report = bpx.parse("lgamma(x)", x=1e30).gradcheck(claims={"x": 1e-315})
    assert report.verdict == "disagree"
    report = bpx.parse("x^2", x=1e-310).gradcheck(claims={"x": 2.0002e-310})
    assert report.verdict == "disagree"
