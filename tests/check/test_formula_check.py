"""Claimed formulas: a statement for all values, checked at the given point and at others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from checking import spec, toml
from hypothesis import HealthCheck, assume, given, settings
from random_specs import specs
from rows_of_a_table import every

from bpx.check import formula_check
from bpx.check.blame.right_gradient import right_gradient
from bpx.check.gradcheck import gradcheck
from bpx.check.report.report import Report
from bpx.check.whole.checked_graph import CheckedGraph, Query
from bpx.graph.named.named_graph import NamedGraph
from bpx.spec.reading.claims import read_claim, with_claims
from bpx.spec.reading.target import read_target

BCE = "-(y*log(a) + (1-y)*log(1-a))"
CE = "sum(-Y*log(softmax(z)))"
SCORES = {"z": [0.3, -0.2, 0.5], "Y": [0.0, 1.0, 0.0]}


def check(made: NamedGraph, *claims: str, **options: Any) -> Report:
    return gradcheck(with_claims(made, [read_claim(claim) for claim in claims]), **options)


def words(report: Report) -> list[tuple[str, str, str | None]]:
    rows = [row.to_dict() for row in report.claims]
    return [(row["claim"], row["verdict"], row["formula"]) for row in rows]


# --- right here, wrong in general ---------------------------------------------------------------

ONLY_HERE: list[tuple[str, dict[str, Any], str]] = [
    ("x^2", {"x": 2.0}, "x = x^2"),
    ("x^n", {"x": -1.5, "n": 3.0}, "x = 3*x^2"),
    ("x*y", {"x": 3.0, "y": 3.0}, "x = x"),
    (BCE, {"y": 1.0, "a": 0.7}, "a = -y/a"),
    (BCE, {"y": 1.0, "a": 0.7}, "a = -y/a - (1-y)/(1-a)"),
    (BCE, {"y": 1.0, "a": 0.7}, "a = -y^2/a + (1-y)/(1-a)"),
    ("bce_with_logits(z, y)", {"z": 0.3, "y": 1.0}, "z = sigmoid(z) - 1"),
    ("max(0, 1 - y*s)", {"y": 1.0, "s": 0.3}, "s = -y"),
    ("sum(relu(x @ w))", {"x": [1.0, 2.0], "w": [0.3, 0.4]}, "w = x"),
    ("relu(x)", {"x": 2.0}, "x = x/x"),
    ("sqrt(x^2)", {"x": 2.0}, "x = x/x"),
    (CE, SCORES, "z = softmax(z) - Y^2 + 0*z"),
    ("exp(x)*y^2", {"x": 0.3, "y": 2.0}, "∂²out/∂y² = y*exp(x)"),
    ("sum(x*y)", {"x": [1.0, 2.0], "y": [1.0, 2.0]}, "x[1] = x[1]"),
]


@every("expression, values, claim", ONLY_HERE)
def test_a_formula_that_is_right_only_here_is_wrong(
    expression: str, values: dict[str, Any], claim: str
) -> None:
    report = check(spec(expression, **values), claim)
    ((_, here, elsewhere),) = words(report)
    assert (here, elsewhere, report.verdict, report.failed) == ("agree", "disagree", "disagree", True)
    (row,) = report.claims
    assert row.only_here
    assert report.blame


def test_the_report_says_where_it_is_wrong() -> None:
    report = check(spec("x^2", x=2.0), "x = x^2")
    text = report.to_plain()
    assert "is right at the given values, but wrong in general" in text.splitlines()[0]
    (entry,) = report.entries
    point = float(report.places[entry.point]["x"])
    assert (entry.claimed, entry.reference) == pytest.approx((point**2, 2 * point), rel=1e-5)
    assert f"at x = 2, but wrong in general: at x = {point}" in " ".join(text.split())
    places = {place["point"]: place["inputs"]["x"] for place in report.to_dict()["places"]}
    assert places == {0: 2.0, entry.point: point}


def test_points_asked_for_are_others() -> None:
    report = check(spec(BCE, y=1.0, a=0.7), "a = -y/a", points=3)
    assert (report.verdict, report.points) == ("disagree", 3)


def test_who_inherits_is_innocent_elsewhere_too() -> None:
    claims = ("a = -y/a", "z = dL/da*a*(1-a)", "w = dz*x")
    report = check(read_target("logistic_regression"), *claims)
    assert [culprit.node for culprit in report.blame] == ["a"]
    assert set(report.innocent) == {"z", "w"}


def test_who_inherits_from_a_claim_that_is_wrong_here_is_innocent() -> None:
    claims = ("a = -2*y/a - (1-y)/(1-a)", "z = (dL/da + y/a*(1 + 0*y))*a*(1-a)")
    report = check(read_target("logistic_regression"), *claims)
    assert [culprit.node for culprit in report.blame][:1] == ["a"]
    assert report.verdict == "disagree"


# --- right in general ---------------------------------------------------------------------------

IN_GENERAL: list[tuple[str, dict[str, Any], str, str]] = [
    ("x^2", {"x": 2.0}, "x = 2*x", "agree"),
    ("log(x)", {"x": 0.01}, "x = 1/x", "agree"),
    ("sqrt(x)", {"x": 1e-6}, "x = 1/(2*sqrt(x))", "agree"),
    ("x^n", {"x": 1.5, "n": 3.0}, "x = n*x^(n-1)", "agree"),
    (BCE, {"y": 1.0, "a": 0.7}, "a = -y/a + (1-y)/(1-a)", "agree"),
    (BCE, {"y": 1.0, "a": 0.7}, "a = where(y == 1, -1/a, 1/(1-a))", "agree"),
    ("max(0, 1 - y*s)", {"y": 1.0, "s": 0.3}, "s = -y*(y*s < 1)", "agree"),
    (CE, SCORES, "z = softmax(z) - Y", "agree"),
    (CE, SCORES, "z = softmax(z)*sum(Y) - Y", "agree"),
    (CE, SCORES, "z = where(Y, softmax(z) - 1, softmax(z))", "agree"),
    ("x @ A @ x", {"x": [1.0, 2.0], "A": [[2.0, 1.0], [1.0, 3.0]]}, "x = 2*A @ x", "agree"),
    ("norm(x)", {"x": [3.0, 4.0]}, "x = x/norm(x)", "agree"),
    ("sum(where(m, x, 3))", {"x": [3.0, 4.0], "m": [0.0, 1.0]}, "x = m", "agree"),
    ("tanh(x)", {"x": 20.0}, "x = 1 - tanh(x)^2", "agree"),
    ("relu(x)", {"x": 0.0}, "x = x > 0", "kink"),
    ("sqrt(x)", {"x": 0.0}, "x = 1/(2*sqrt(x))", "outside domain"),
]


@every("expression, values, claim, word", IN_GENERAL)
def test_a_formula_that_is_right_wherever_it_means_anything(
    expression: str, values: dict[str, Any], claim: str, word: str
) -> None:
    report = check(spec(expression, **values), claim)
    assert report.verdict == word
    assert words(report)[0][2] == "agree"


def test_a_range_is_the_domain() -> None:
    text = "bpx = 1\n[inputs]\nx = { value = 2, range = [1, 3] }\n[graph]\ny = 'sqrt(x^2)'"
    assert check(toml(text), "x = x/x").verdict == "agree"
    assert check(toml(text.replace("[1, 3]", "[-3, 3]")), "x = x/x").verdict == "disagree"


def test_what_is_refuted_here_is_not_refuted_again() -> None:
    report = check(spec("x^2", x=3.0), "x = x")
    assert words(report) == [("x", "disagree", None)]
    assert {entry.point for entry in report.entries} == {0}


def test_a_formula_without_names_is_a_number() -> None:
    assert words(check(spec("x^2", x=2.0), "x = 2*2")) == [("x", "agree", None)]
    assert words(check(spec("x^2", x=2.0), "x = 4.0")) == [("x", "agree", None)]


def test_where_nothing_else_can_be_drawn_the_formula_is_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formula_check, "FEWEST_FORMULA_POINTS", 7)  # one more than are drawn
    report = check(spec("x^2", x=2.0), "x = 2*x")
    assert (report.verdict, words(report)[0][2]) == ("agree", "cannot tell")
    assert "could not be checked at other values" in " ".join(report.to_plain().split())


def test_a_point_that_leaves_it_open_is_no_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Formulas that differ from bpx's own are looked at with all there is; only that may refute them."""
    monkeypatch.setattr(formula_check, "value_problems", lambda *_: ["outside"])
    report = check(spec("x^2", x=2.0), "x = x^2")
    assert words(report) == [("x", "agree", "cannot tell")]


@given(specs())
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_corrections_can_be_claimed_and_are_never_refuted(made: NamedGraph) -> None:
    assume(check(made).verdict != "disagree")  # conventions at kinks, as in clip(x, -1, x), may not compose
    nodes = {**{leaf.name: leaf.node for leaf in made.inputs}, **made.steps}
    seed = np.ones(made.graph.shapes[made.output])
    checked = CheckedGraph.at(Query(made, made.output, nodes, seed), made.input_values)
    reached = {edge.arg for edge in checked.ledger.edges}
    report = check(made, *(str(right_gradient(checked, node)) for node in nodes.values() if node in reached))
    assert report.verdict != "disagree"
    assert "disagree" not in {word for row in words(report) for word in row}
