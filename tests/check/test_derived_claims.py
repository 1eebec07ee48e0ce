"""Claims on one entry, on local and second derivatives, and claims that use each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from checking import spec, toml
from rows_of_a_table import every

import bpx
from bpx.check.gradcheck import gradcheck
from bpx.check.report.report import Report
from bpx.graph.named.named_graph import NamedGraph
from bpx.spec.reading.claims import read_claim, with_claims, with_rtol
from bpx.spec.reading.target import read_target
from bpx.words.diagnostic import BpxError

LOGISTIC = "logistic_regression"
PRODUCT = {"W": [[1.0, 2.0], [3.0, 4.0]], "x": [5.0, 6.0]}


def check(made: NamedGraph, *claims: str, **options: Any) -> Report:
    return gradcheck(with_claims(made, [read_claim(claim) for claim in claims]), **options)


AGREE: list[tuple[str, dict[str, Any], list[str]]] = [
    # One entry.
    ("sum(x^3)", {"x": [1.0, 2.0]}, ["x[0] = 3", "x[1] = 3*x[1]^2"]),
    (
        "sum(W @ x)",
        {"W": [[1.0, 2.0], [3.0, 4.0]], "x": [5.0, 6.0]},
        ["W[0] = x", "W[1, 0] = 5.0", "x = [4, 6]"],
    ),
    ("sum(W @ x)", PRODUCT, ["dW[:, 0] = [5, 5]"]),
    # A local derivative, elementwise or as a matrix.
    ("sum(x^3)", {"x": [1.0, 2.0]}, ["dv1/dx = 3*x^2"]),
    ("sum(x^3)", {"x": [1.0, 2.0]}, ["∂v1/∂x = [[3, 0], [0, 12]]"]),
    ("sum(A @ x)", {"A": [[1.0, 2.0], [3.0, 4.0]], "x": [5.0, 6.0]}, ["dv1/dx = A"]),
    (
        "-log(softmax(z)[1])",
        {"z": [1.0, 2.0, 0.5]},
        [
            "dv1[0]/dz[0] = v1[0]*(1 - v1[0])",
            "∂v1[0]/∂z[1] = -v1[0]*v1[1]",
            "dv1[1:3]/dz[0] = -v1[1:3]*v1[0]",
        ],
    ),
    ("sum(softmax(z))", {"z": [1.0, 2.0]}, ["dv1[1]/dz = stack(-v1[0]*v1[1], v1[1]*(1 - v1[1]))"]),
    ("sum(x^2)", {"x": [1.0, 2.0]}, ["dv1[0]/dx = [2, 0]", "dv1[1]/dx[1] = 4"]),
    # Second derivatives.
    ("exp(x)*y^2", {"x": 0.3, "y": 2.0}, ["∂²out/∂y² = 2*exp(x)", "d2L/dxdy = 2*y*exp(x)"]),
    ("sum(x^3)", {"x": [1.0, 2.0]}, ["hess = [[6, 0], [0, 12]]"]),
    ("sum(x^3)", {"x": [1.0, 2.0]}, ["∂²out/∂x[0]² = 6", "∂²out/∂x[1]∂x[0] = 0"]),
    ("x*y", {"x": 2.0, "y": 3.0}, ["∂²out/∂x² = 0", "∂²out/∂x∂y = 1"]),
    # Third derivatives and higher ones.
    (
        "x^3*y",
        {"x": 1.5, "y": 2.0},
        ["d3L/dx3 = 6*y", "∂³L/∂x²∂y = 6*x", "d^3L/dxdydx = 6*x"],
    ),
    ("exp(2*x)", {"x": 0.5}, ["d5L/dx5 = 32*exp(2*x)", r"\frac{\partial^3 L}{\partial x^3} = 8*out"]),
    ("sin(x)*y", {"x": 0.5, "y": 2.0}, ["d^3/dx^3 L = -cos(x)*y", "d**3out/dx**2dy = -sin(x)"]),
    ("x2*x^3", {"x": 1.0, "x2": 2.0}, ["d3L/dx3 = 6*x2", "d3L/dx2dx2dx = 0"]),
    ("x*y", {"x": 2.0, "y": 3.0}, ["d3L/dx3 = 0", "d3L/dxdydy = 0"]),
    ("sum(x^4)", {"x": [1.0, 2.0]}, ["d3L/dx[0]3 = 24", "∂³L/∂x[0]²∂x[1] = 0", "d3L/dx[1]dx[1]dx = [0, 48]"]),
    ("abs(x)^3", {"x": 0.0}, ["d2L/dx2 = 0"]),
    ("relu(x)^4", {"x": 0.0}, ["d3L/dx3 = 0"]),
    # Names of nodes win.
    ("dw*w", {"dw": 2.0, "w": 3.0}, ["dw = w", "w = dw"]),
    ("dx*dy*x", {"dx": 2.0, "dy": 3.0, "x": 1.0}, ["x = dx*dy", "dy = dx*x*dx/dx", "dx = dx/dy*dy/dx*dy*x"]),
    ("sum(delta/dx)", {"delta": [1.0, 2.0], "dx": 3.0}, ["delta = [1, 1]/dx", "dx = -sum(delta/dx)/dx"]),
]


@every("expression, values, claims", AGREE)
def test_right_claims_agree(expression: str, values: dict[str, Any], claims: list[str]) -> None:
    report = check(spec(expression, **values), *claims)
    assert report.verdict == "agree"
    assert len(report.claims) >= 1


def test_third_derivatives_at_kinks() -> None:
    """Of |x|³ and relu(x)⁴ the last derivative jumps, and what does not exist has no derivative."""
    for expression, claim in (
        ("abs(x)^3", "d3L/dx3 = 6"),
        ("relu(x)^4", "d4L/dx4 = 12"),
        ("relu(x)*y^3", "d3L/dx2dy = 0"),
        ("relu(x)*y^3", "d3L/dy2dx = 0"),
        ("abs(x)*y^3", "d4L/dx2dy2 = 0"),
        ("abs(x)*y^3", "d5L/dx2dy3 = 0"),
        ("abs(x)*y^3", "d4L/dy2dx2 = 0"),
        ("relu(x - y + 1)*y", "d3L/dx2dy = 0"),
    ):
        values = {"x": 0.0, "y": 1.0} if "y" in expression else {"x": 0.0}
        entries = check(spec(expression, **values), claim).entries
        (verdict,) = [entry.verdict.word for entry in entries if entry.label.startswith(("∂³", "∂⁴", "∂⁵"))]
        assert verdict == "kink", (expression, claim, verdict)


def test_an_array_in_the_middle_of_a_third_derivative_is_refused() -> None:
    with pytest.raises(BpxError, match="an array stands where one number is derived again"):
        check(spec("sum(x^4)", x=[1.0, 2.0]), "d3L/dx3 = 24")


WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    ("x^3*y", {"x": 1.5, "y": 2.0}, "d3L/dx3 = 6*x", "∂³out/∂x³"),
    ("exp(2*x)", {"x": 0.5}, "d5L/dx5 = 31*exp(2*x)", "∂⁵out/∂x⁵"),
    ("sum(x^3)", {"x": [1.0, 2.0]}, "x[1] = 13", "x[1]"),
    ("sum(x^3)", {"x": [1.0, 2.0]}, "dv1/dx = 2*x^2", "∂v1/∂x[0]"),
    ("sum(x^3)", {"x": [1.0, 2.0]}, "∂v1/∂x = [[3, 0], [1, 12]]", "∂v1[1]/∂x[0]"),
    ("sum(softmax(z))", {"z": [1.0, 2.0]}, "dv1[0]/dz[1] = v1[0]*v1[1]", "∂v1[0]/∂z[1]"),
    ("exp(x)*y^2", {"x": 0.3, "y": 2.0}, "∂²out/∂y² = exp(x)", "∂²out/∂y²"),
    ("sum(x^3)", {"x": [1.0, 2.0]}, "hess = [[6, 0], [0, 11]]", "∂²out/∂x[1]∂x[1]"),
]


@every("expression, values, claim, entry", WRONG)
def test_wrong_claims_disagree(expression: str, values: dict[str, Any], claim: str, entry: str) -> None:
    report = check(spec(expression, **values), claim)
    assert report.verdict == "disagree"
    assert entry in {entry.label for entry in report.entries if entry.verdict.word == "disagree"}
    assert [culprit.claim for culprit in report.blame] == [True]


def test_entries_that_nobody_claims_are_marked() -> None:
    report = check(spec("sum(x^3)", x=[1.0, 2.0]), "x[1] = 13")
    assert {entry.label: entry.own for entry in report.entries} == {"x[0]": True, "x[1]": False}
    assert {entry["index"][0]: entry.get("own", False) for entry in report.to_dict()["entries"]} == {
        0: True,
        1: False,
    }
    text = report.to_plain()
    assert text.startswith("The gradient of out is wrong in the one entry claimed.")
    assert text.index("x[1]") < text.index("Entries that nobody claimed") < text.index("x[0]")


def test_a_line_of_the_chain_rule() -> None:
    report = check(read_target(LOGISTIC), "dz = dL/da*a*(1-a)", "dw = x*dz", "db = z.grad", "da/dz = a*(1-a)")
    assert report.verdict == "agree"
    assert {row.name for row in report.claims} == {"z", "w", "b", "∂a/∂z"}


def test_an_operator_in_front_is_a_derivative_in_a_formula_too() -> None:
    report = check(read_target(LOGISTIC), "z = d/da L*a*(1-a)", "w = x*(d/dz  L)", "b = 1*∂/∂z L")
    assert report.verdict == "agree"
    assert check(read_target(LOGISTIC), "z = 2*d/da L*a*(1-a)").verdict == "disagree"
    # Where there are nodes of these names, they are divided.
    assert check(spec("d/dw*q", d=6.0, dw=2.0, q=2.0), "dw = -(d/dw)*q/dw").verdict == "agree"


@pytest.mark.parametrize("order", [1, -1])
def test_a_derivative_in_a_formula_is_the_one_that_is_claimed(order: int) -> None:
    claims = ["a = y/a - (1-y)/(1-a)", "z = dL/da*a*(1-a)", "w = x*dL/dz"][::order]
    report = check(read_target(LOGISTIC), *claims)
    assert [culprit.node for culprit in report.blame] == ["a"]
    assert set(report.innocent) == {"z", "w"}


def test_few_digits_of_a_claim_are_not_held_against_those_that_use_it() -> None:
    assert check(read_target(LOGISTIC), "z = -0.13", "b = dL/dz").counts["disagree"] == 0
    assert check(read_target(LOGISTIC), "z = -0.13", "b = 1.2*dL/dz").verdict == "disagree"
    # Elsewhere the number is not claimed: there the true gradient takes its place.
    report = check(read_target(LOGISTIC), "z = -0.13", "b = dL/dz")
    assert {row["claim"]: row["formula"] for row in report.to_dict()["claims"]} == {"z": None, "b": "agree"}


def test_other_outputs() -> None:
    made = toml("bpx = 1\noutput = 'L'\n[inputs]\nx = 2\n[graph]\na = 'x^2'\nL = 'a^3'")
    assert check(made, "x = 2*x", of="a").verdict == "agree"
    assert check(made, "dL/dx = 6*x^5", of="a").verdict == "agree"
    assert check(made, "dL/dx = 6*x^5", "da/dx = 2*x", "a = 3*a^2").verdict == "agree"


@every(
    "claims, code",
    [
        (["x = dL/dy", "y = dL/dx"], "claim-cycle"),
        (["x = dL/dx"], "claim-cycle"),
        (["x = 1", "dx = 2"], "claimed-twice"),
        (["x = 1", "x[0] = 2"], "claimed-twice"),
        (["x[2] = 1"], "claim-index"),
        (["x = dv1/dx"], "claim-jacobian"),
        (["dv1/dx = [1, 2, 3]"], "claim-shape"),
        (["dv1/dx = 5"], "claim-shape"),
        (["dv1[0]/dx = 5"], "claim-shape"),
        (["dv1[2]/dx[0] = 5"], "claim-index"),
        (["dv1[0]/dx = x", "dv1[0]/dx[1] = 2"], "claimed-twice"),
        (["hess = 5"], "claim-ambiguous"),
        (["∂²L/∂x² = [1, 2]"], "claim-shape"),
    ],
)
def test_what_cannot_be_claimed(claims: list[str], code: str) -> None:
    made = spec("sum(A @ x)*y", A=[[1.0, 2.0], [3.0, 4.0]], x=[5.0, 6.0], y=3.0)
    with pytest.raises(BpxError) as caught:
        check(made, *claims)
    assert [problem.code for problem in caught.value.diagnostics] == [code]
    assert caught.value.diagnostics[0].message


def test_a_second_derivative_takes_the_place_of_bpx_s_own() -> None:
    report = check(spec("exp(x)*y^2", x=0.3, y=2.0), "∂²out/∂y² = 2*exp(x)", order=2)
    assert report.verdict == "agree"
    labels = [entry.label if entry.by is None else f"{entry.by} {entry.label}" for entry in report.entries]
    assert "∂²out/∂y²" in labels
    assert "∂out/∂y y" not in labels
    assert "∂out/∂x x" in labels


# --- numbers of few digits ----------------------------------------------------------------------


LEAKY = """bpx = 1
[inputs]
x = -0.8
w = 1.5
c = 0.2
[graph]
z = "w*x + c"
a = "max(0.01*z, z)"
L = "a^2 + 0.5*a"
[claims]
a = 0.48
z = 0.0
w = -0.0
x = 0.0
c = 0.0
"""


def test_a_zero_needs_a_digit_to_agree() -> None:
    report = check(toml(LEAKY))
    assert {entry.label: entry.verdict.word for entry in report.entries} == {
        "a": "agree",
        **dict.fromkeys(["z", "w", "x", "c"], "cannot tell"),
    }
    report = check(toml(LEAKY.replace("0.48", "0.4800000000000000")))
    assert report.counts["disagree"] == 4
    assert [culprit.node for culprit in report.blame] == ["z"]


def test_numbers_of_a_run_in_single_precision() -> None:
    made = read_target(LOGISTIC)
    claim = "w = [-0.19516290, 0.065054300]"
    report = check(made, claim)
    assert report.verdict == "disagree"
    assert "the precision of float32" in report.to_plain()
    assert gradcheck(with_rtol(with_claims(made, [read_claim(claim)]), 5e-6)).verdict == "agree"
    assert "precision of float32" not in check(made, "w = [-0.196, 0.065054300]").to_plain()


def test_arrays_are_judged_by_the_rounding_of_their_dtype() -> None:
    made = bpx.load(LOGISTIC)
    exact = made.explain(wrt="w").gradients["w"]
    single = exact.astype(np.float32)
    assert made.gradcheck(claims={"w": single}).verdict == "agree"
    assert made.gradcheck(claims={"w": single.astype(float)}).verdict == "agree"
    assert made.gradcheck(claims={"w": (exact * (1 + 3e-6)).astype(np.float32)}).verdict == "agree"
    assert made.gradcheck(claims={"w": exact * (1 + 3e-6)}).verdict == "disagree"
    assert made.gradcheck(claims={"w": exact * (1 + 3e-6)}, rtol=1e-5).verdict == "agree"
    assert made.gradcheck(claims={"w": (exact * 1.001).astype(np.float32)}).verdict == "disagree"


def test_a_correction_can_be_pasted_back() -> None:
    made = read_target(LOGISTIC)
    wrong = check(made, "w = 2*(a - y)*x")
    assert check(made, str(wrong.blame[0].correction)).verdict == "agree"


SIGMOID_STEP = """bpx = 1
output = "L"
[inputs]
x = 0.7
w = 1.3
y = 1.0
[graph]
z = "w*x"
a = "sigmoid(z)"
L = "(a - y)^2"
"""


def test_a_claimed_local_derivative_is_used_by_other_claims() -> None:
    made = toml(SIGMOID_STEP)
    chain = "dz = dL/da*da/dz", "dw = dz*x"
    assert check(made, "da/dz = a*(1 - a)", *chain).verdict == "agree"
    assert check(made, *chain).verdict == "agree"
    report = check(made, "da/dz = a", *chain)
    (blame,) = report.blame
    assert (blame.node, blame.mistakes[0].code) == ("∂a/∂z", "own-value")
    assert set(report.innocent) == {"z", "w"}


def test_a_slip_beside_a_wrong_local_derivative_is_told() -> None:
    report = check(toml(SIGMOID_STEP), "da/dz = a", "dz = dL/da*da/dz", "dw = dz*w")
    assert {blame.node: blame.mistakes[0].code for blame in report.blame} == {
        "∂a/∂z": "own-value",
        "w": "swapped",
    }
    assert report.innocent == ("z",)


def test_a_local_derivative_in_numbers_is_used_at_the_given_point_alone() -> None:
    made = toml(SIGMOID_STEP)
    assert check(made, "da/dz = 0.2", "dz = dL/da*da/dz").verdict == "agree"
    assert check(made, "da/dz = 0.5", "dz = dL/da*da/dz").verdict == "disagree"


@pytest.mark.parametrize(
    ("expression", "values", "claim", "code"),
    [
        ("relu(x)", {"x": 0.0}, "d2out/dx2 = 0", "no-gradient"),
        ("norm(x)", {"x": [0.0, 0.0]}, "hess = 0", "no-gradient"),
        ("relu(x)*relu(y)", {"x": 0.0, "y": 0.0}, "d2out/dxdy = 0", "no-gradient-beside"),
    ],
)
def test_second_derivatives_of_what_does_not_exist(
    expression: str, values: dict[str, Any], claim: str, code: str
) -> None:
    rows = [row for row in check(spec(expression, **values), claim).entries if "²" in row.label]
    assert rows
    assert {(row.verdict.word, row.reason and row.reason.code) for row in rows} == {("kink", code)}
