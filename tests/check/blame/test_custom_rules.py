"""Rules that a spec states, at random points of their op's domain."""

from __future__ import annotations

import pytest
from checking import toml
from rows_of_a_table import every

from bpx.check.balls import ball_context
from bpx.check.blame.custom_rules import check_custom_rules
from bpx.check.gradcheck import gradcheck
from bpx.check.report.entry import Verdict

SPEC = """bpx = 1
[inputs]
x = 1.5
[graph]
y = "x * 2"
[ops.f]
args = %s
value = "%s"
partials = %s
"""


def alone(args, value, **partials):
    listed = ", ".join(f'{arg} = "{partial}"' for arg, partial in partials.items())
    quoted = "[" + ", ".join(f'"{arg}"' for arg in args) + "]"
    return check_custom_rules(toml(SPEC % (quoted, value, "{ " + listed + " }")), 1e-5)


@every(
    "args, value, partials",
    [
        ("x", "x * sigmoid(x)", {"x": "sigmoid(x) + x*sigmoid(x)*(1 - sigmoid(x))"}),
        ("x", "log(x)", {"x": "1/x"}),
        ("x", "max(x, 0.1*x)", {"x": "where(x > 0, 1, 0.1)"}),
        ("ab", "a * sin(b)", {"a": "sin(b)", "b": "a * cos(b)"}),
        ("x", "floor(x) + x^2", {"x": "2*x"}),
        ("x", "sqrt(1 - x^2)", {"x": "-x/out"}),
        ("x", "x^3", {"x": "3*x^2"}),
    ],
)
def test_right_rules(args, value, partials):
    assert alone(args, value, **partials) == ([], [])


@every(
    "args, value, partials, blamed",
    [
        ("x", "max(x, 0.1*x)", {"x": "where(x > 0, 1, 0.01)"}, ["x"]),
        ("x", "max(x, 0.1*x)", {"x": "1 + 0*x"}, ["x"]),
        ("x", "log(x)", {"x": "1/x^2"}, ["x"]),
        ("ab", "a * sin(b)", {"a": "sin(b)", "b": "cos(b)"}, ["b"]),
        ("ab", "a * sin(b)", {"a": "cos(b)", "b": "-a * cos(b)"}, ["a", "b"]),
        ("x", "x^3", {"x": "3.001*x^2"}, ["x"]),
    ],
)
def test_wrong_rules(args, value, partials, blamed):
    found = alone(args, value, **partials)
    assert [one.arg for one in found.blame] == blamed
    assert {one.line for one in found.blame} == {9}
    assert {(row.op, row.arg, row.verdict) for row in found.local} == {
        ("f", arg, Verdict.DISAGREE) for arg in blamed
    }


@pytest.mark.parametrize("size", ["1e12", "1e16"])
@pytest.mark.parametrize("balls", [True, False])
def test_the_slope_of_a_part_as_small_as_rounding(size, balls, monkeypatch):
    if not balls:
        monkeypatch.setattr(ball_context, "available", lambda: False)
    value = f"x + sin({size}*x) / {size}"
    assert [one.arg for one in alone("x", value, x="1").blame] == ["x"]
    assert alone("x", value, x=f"1 + cos({size}*x)") == ([], [])


def test_where_the_rule_is_wrong_is_told():
    (row,) = alone("x", "max(x, 0.1*x)", x="where(x > 0, 1, 0.01)").local
    assert (row.claimed, row.reference) == pytest.approx((0.01, 0.1))
    assert row.reason
    assert row.reason.facts["where"].startswith("x = -")


def test_an_op_that_is_defined_nowhere_near_is_left_alone():
    assert alone("x", "log(x - 1000)", x="0*x") == ([], [])


def test_a_spec_without_ops_of_its_own():
    assert check_custom_rules(toml('bpx = 1\n[inputs]\nx = 1.0\n[graph]\ny = "x^2"'), 1e-5) == ([], [])


@pytest.mark.parametrize(
    ("value", "rule"),
    [("x^2", "2*exp(log(x))"), ("x^2", "2*sqrt(x)^2"), ("x^4", "4*exp(3*log(x))")],
)
def test_a_rule_that_is_nan_somewhere_is_wrong_there(value, rule):
    made = toml(
        f'bpx = 1\n[inputs]\nx = 2\n[ops.f]\nargs = ["x"]\nvalue = "{value}"\n'
        f'partials = {{ x = "{rule}" }}\n[graph]\nout = "f(x)"\n'
    )
    report = gradcheck(made)
    assert report.verdict == "disagree"
    assert [culprit.op for culprit in report.blame] == ["f"]
    (row,) = [row for row in report.local if row.reason and row.reason.code == "rule-at"]
    assert row.reason.facts["where"].startswith("x = -")  # where the rule has no value
