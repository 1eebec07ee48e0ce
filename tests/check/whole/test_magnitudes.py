"""Kinks and slopes whatever the size of the input."""

from __future__ import annotations

import pytest
from checking import spec
from rows_of_a_table import every

from bpx.check.gradcheck import gradcheck
from bpx.spec.reading.claims import read_claim, with_claims


@every("x", [1.0, -5.0, 1e9, 3e10, 1.7e12, 2.0**52, 2.0**53, 1e300])
def test_floor_jumps_at_a_whole_number_of_any_size(x):
    report = gradcheck(spec("floor(x)", x=x))
    assert (report.verdict, report.blame) == ("kink", ())
    assert gradcheck(spec("floor(x)*y + x", x=x, y=2.0), wrt=["x"]).verdict == "kink"


@pytest.mark.parametrize("x", [0.5, -1.5, 1e9 + 0.5, 2251799813685248.5])
def test_round_jumps_between_whole_numbers_of_any_size(x):
    report = gradcheck(spec("round(x)", x=x))
    assert (report.verdict, report.blame) == ("kink", ())


@pytest.mark.parametrize("x", [1.3, 1e9 + 0.3, 1e12 + 0.25, -1e15 + 0.25])
def test_off_the_jumps_both_are_flat(x):
    for expression in ("floor(x)", "round(x)", "x - floor(x)"):
        assert gradcheck(spec(expression, x=x)).verdict == "agree"
    assert gradcheck(with_claims(spec("floor(x)", x=x), [read_claim("x = 1")])).verdict == "disagree"


@every("x", [4.7906993280605985e24, 1e12, 1e15, -3e18, 1e300])
@every("op", ["sin", "cos", "tan"])
def test_a_step_that_spans_periods_is_no_evidence(op, x):
    right = gradcheck(spec(f"{op}(x)", x=x))
    assert right.verdict == "agree"
    wrong = gradcheck(with_claims(spec(f"{op}(x)", x=x), [read_claim("x = 0.1234567")]))
    assert wrong.verdict == "disagree"


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("atan2(y, log(x + 1))", {"x": 0.0, "y": 0.0}),
        ("atan2(u - u, mean(v))", {"u": 1.0, "v": [1.0, -1.0]}),
        ("atan2(y, x)", {"x": 0.0, "y": 0.0}),
        ("sum(atan2(v - v[0], v - v[0]))", {"v": [1.0, 2.0]}),
    ],
)
def test_atan2_at_an_origin_that_is_computed(expression, values):
    report = gradcheck(spec(expression, **values))
    assert (report.verdict, report.blame) == ("outside domain", ())
