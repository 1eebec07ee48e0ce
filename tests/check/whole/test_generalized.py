"""Claims at kinks: in the set of generalised gradients as a whole, not each in its interval."""

from __future__ import annotations

from typing import Any

import pytest
from checking import spec
from rows_of_a_table import every

from bpx.check.gradcheck import gradcheck
from bpx.spec.reading.claims import read_claim, with_claims

TIE = {"x": 1.0, "y": 1.0}


def found(expression: str, values: dict[str, Any], *claims: str) -> tuple[str, str | None]:
    report = gradcheck(with_claims(spec(expression, **values), [read_claim(claim) for claim in claims]))
    return report.verdict, report.reason.code if report.reason else None


@every("pair", [("0.2", "0.9"), ("0.5", "0.6"), ("0.4", "0.61"), ("1", "1"), ("0", "0")])
@every(
    "expression",
    ["max(x, y)", "amax(stack(x, y))", "where(x > y, x, y) * 0 + max(x, y)"],
)
def test_pairs_that_do_not_add_up_to_1_are_wrong(expression, pair):
    verdict, code = found(expression, TIE, f"x = {pair[0]}", f"y = {pair[1]}")
    assert (verdict, code) == ("disagree", "beyond-kinks") or "where" in expression


@pytest.mark.parametrize("pair", [("0.2", "0.8"), ("0.5", "0.5"), ("0.39", "0.61"), ("1", "0"), ("0", "1")])
def test_pairs_that_do_are_as_right_as_can_be(pair):
    assert found("max(x, y)", TIE, f"x = {pair[0]}", f"y = {pair[1]}") == ("kink", "at-kink")


@every(
    "expression, right, wrong",
    [
        ("min(x, y)", ("0.25", "0.75"), ("0.25", "0.7")),
        ("3*max(x, y) + x", ("2.5", "1.5"), ("2.5", "1.6")),
        ("max(x, y) - min(x, y)", ("-0.3", "0.3"), ("-0.3", "0.4")),
        ("abs(x - y)", ("0.7", "-0.7"), ("0.7", "-0.6")),
        ("max(x, y)^2", ("0.6", "1.4"), ("0.6", "1.5")),
        ("relu(x - y)*x", ("0.3", "-0.3"), ("0.3", "-0.4")),
        ("max(max(x, y), y)", ("0.25", "0.75"), ("0.25", "0.9")),  # one kink bears on another
        # Neither convex nor concave.
        ("max(x, y) - 2*abs(x - y)", ("-1", "2"), ("-1", "1.9")),
    ],
)
def test_of_any_kinks_between_two(expression, right, wrong):
    for pair, word in ((right, "kink"), (wrong, "disagree")):
        assert found(expression, TIE, f"x = {pair[0]}", f"y = {pair[1]}")[0] == word


def test_digits_left_off_are_granted_to_what_conventions_give():
    values = {"x": 1.0, "y": 1.0, "z": 1.0}
    thirds = [f"{name} = 0.33" for name in values]
    assert found("max(max(x, y), z)", values, "x = 0.25", "y = 0.25", "z = 0.5")[0] == "kink"
    assert found("amax(stack(x, stack(y, z)[0]))*0.3", values, "x = 0.15", "y = 0.15")[0] == "kink"
    assert found("max(max(x, y), z)", values, *thirds)[0] == "disagree"  # 0.99


def test_many_kinks_that_do_not_bear_on_each_other():
    x, y = [float(i) for i in range(20)], [float(i) for i in range(20)]
    shares = [0.05 * i for i in range(20)]
    claims = [f"x = {shares}", f"y = {[1 - share for share in shares]}"]
    assert found("sum(max(x, y))", {"x": x, "y": y}, *claims)[0] == "kink"
    wrong = [1 - share for share in shares]
    wrong[13] += 0.02
    assert found("sum(max(x, y))", {"x": x, "y": y}, claims[0], f"y = {wrong}")[0] == "disagree"


def test_one_kink_shared_by_many():
    """The kink of the sum takes one weight, whatever depends on it."""
    values = {"x": [1.0, -1.0], "w": [1.0, 2.0]}
    assert found("sum(w*relu(sum(x)))", values, "x = [1.2, 1.2]") == ("kink", "at-kink")
    assert found("sum(w*relu(sum(x)))", values, "x = [1.2, 1.3]")[0] == "disagree"


def test_the_gradient_to_one_side_is_right_whatever_the_slopes_along_the_axes():
    """|x + y| - |x - y| has the slope 0 along both axes at 0, and gradients (±2, 0), (0, ±2) around."""
    values = {"x": 0.0, "y": 0.0}
    expression = "abs(x + y) - abs(x - y)"
    assert found(expression, values, "x = 2", "y = 0") == ("kink", "limiting")
    assert found(expression, values, "x = 1", "y = 1") == ("kink", "limiting")
    assert found(expression, values, "x = 2", "y = 2")[0] == "disagree"
    assert found(expression, values) == ("agree", None)


@every(
    "expression, values, order, right",
    [
        ("abs(x)^2", {"x": 0.0}, 2, 2.0),
        ("relu(x) - relu(-x)", {"x": 0.0}, 1, 1.0),
        ("max(x, 0) + min(x, 0)", {"x": 0.0}, 1, None),
        ("relu(x)*relu(x) + relu(-x)^2", {"x": 0.0}, 2, 2.0),
        ("leaky_relu(x, 0.5) - 0.5*relu(-x) - x", {"x": 0.0}, 1, 0.0),
        ("x*abs(x)", {"x": 0.0}, 1, None),
    ],
)
def test_kinks_that_cancel_leave_a_derivative(expression, values, order, right):
    """Of `right` bpx's own conventions give something else, and it says so."""
    report = gradcheck(spec(expression, **values), order=order)
    codes = [(entry.reference, entry.reason.code) for entry in report.entries if entry.reason]
    if right is None:
        assert report.verdict in ("agree", "kink")
        assert "conventions" not in [code for _, code in codes]
    else:
        assert report.verdict == "disagree"
        assert report.failed
        assert (pytest.approx(right), "conventions") in codes
        assert "conventions do not always compose" in report.reason.text


def test_a_right_claim_where_kinks_cancel():
    assert found("relu(x) - relu(-x)", {"x": 0.0}, "x = 1") == ("agree", None)
    assert found("relu(x) - relu(-x)", {"x": 0.0}, "x = 0")[0] == "disagree"
    assert found("relu(x) - relu(-x)", {"x": 0.0}, "x = 0.5")[0] == "disagree"
