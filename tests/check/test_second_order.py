"""Second derivatives: the gradient is checked like any other graph."""

from __future__ import annotations

import numpy as np
import pytest
from checking import CHANGES, in_float64_alone, planted, spec, toml
from rows_of_a_table import every

from bpx.check import second_order as second
from bpx.check.gradcheck import gradcheck
from bpx.check.local.edges import check_edges
from bpx.check.whole import checked_graph, nonsmooth, sources
from bpx.check.whole.checked_graph import Query
from bpx.check.whole.one_sided import OneSidedSlopes
from bpx.spec.reading.claims import read_claim, with_claims

SCALAR = {"x": 0.7, "y": 1.3}


def hessian(report):
    """(derived by, input, index) → (claimed, reference)."""
    return {
        (entry.by, entry.input, entry.index): (entry.claimed, entry.reference)
        for entry in report.entries
        if entry.by
    }


def test_a_hessian_and_its_names():
    report = gradcheck(spec("sin(x*y) + x^3", **SCALAR), order=2)
    x, y = SCALAR.values()
    s, c = np.sin(x * y), np.cos(x * y)
    wanted = {
        ("∂out/∂x", "x", ()): -y * y * s + 6 * x,
        ("∂out/∂x", "y", ()): c - x * y * s,
        ("∂out/∂y", "x", ()): c - x * y * s,
        ("∂out/∂y", "y", ()): -x * x * s,
    }
    found = hessian(report)
    assert set(found) == set(wanted)
    for key, truth in wanted.items():
        assert found[key] == pytest.approx((truth, truth), rel=1e-9)
    assert (report.verdict, report.order, report.total) == ("agree", 2, 6)


def test_entries_of_arrays_one_by_one():
    report = gradcheck(spec("sum(x^3)", x=[1.0, 2.0]), order=2)
    found = {key: reference for key, (_, reference) in hessian(report).items()}
    assert found == {
        ("∂out/∂x[0]", "x", (0,)): pytest.approx(6),
        ("∂out/∂x[0]", "x", (1,)): 0,
        ("∂out/∂x[1]", "x", (0,)): 0,
        ("∂out/∂x[1]", "x", (1,)): pytest.approx(12),
    }


def test_a_rule_that_entries_share_is_checked_once(monkeypatch):
    checked = []

    def counted(graph, edges, *args):
        checked.extend((edge.consumer, edge.position) for edge in edges)
        return check_edges(graph, edges, *args)

    monkeypatch.setattr(checked_graph, "check_edges", counted)
    made = spec("sum(tanh(x*y)^2)", x=[1.0, 2.0], y=[0.5, 3.0])
    query = Query(made, made.output, {"x": made.nodes["x"], "y": made.nodes["y"]}, np.ones(()))
    assert len(second.second_order(query, made.input_values)) == 8
    assert len(checked) == len(set(checked)) > 8


def test_many_entries_are_mixed(monkeypatch):
    monkeypatch.setattr(second, "MOST_SECOND", 1)
    made = spec("sum(x^3)", x=[1.0, 2.0])
    found = hessian(gradcheck(made, order=2))
    assert {by for by, _, _ in found} == {"∂out/∂x · r"}
    shares = [found["∂out/∂x · r", "x", (i,)][1] / (6 * x) for i, x in enumerate((1.0, 2.0))]
    assert all(0.5 <= share <= 1.5 for share in shares)


def test_a_rule_right_once_and_wrong_twice():
    """sigmoid's rule with out frozen: the first derivative is right, its derivative is not."""
    made = toml('bpx = 1\n[inputs]\nx = 0.7\n[graph]\ny = "sigmoid(x)"')
    frozen = float(1 / (1 + np.exp(-0.7)))
    wrong = planted(made, "y", 0, lambda right, x, out: frozen * (1 - frozen) + 0 * x)
    assert gradcheck(wrong).verdict == "agree"
    report = gradcheck(wrong, order=2)
    assert report.verdict == "agree"  # it is a right rule for the constant it is; see the reference
    assert hessian(report)["∂y/∂x", "x", ()] == (0, 0)


def test_a_wrong_rule_is_still_found():
    made = toml('bpx = 1\n[inputs]\nx = 0.7\n[graph]\nu = "sin(x)"\ny = "u^2"')
    report = gradcheck(planted(made, "u", 0, CHANGES["turned"]), order=2)
    assert [one.node for one in report.blame] == ["u"]


def test_an_input_without_effect_and_a_linear_one():
    made = toml('bpx = 1\n[inputs]\nx = 2.0\ny = 3.0\n[graph]\nL = "x^2"')
    report = gradcheck(made, order=2)
    assert report.verdict == "agree"
    assert hessian(report)["∂L/∂y", "x", ()] == (0, 0)
    assert hessian(gradcheck(spec("3*x", x=2.0), order=2))["∂out/∂x", "x", ()] == (0, 0)


def test_a_kink_of_the_gradient():
    report = gradcheck(spec("x * |x|", x=0.0), order=2)
    first, of_second = report.entries
    assert first.by is None
    assert of_second.verdict.word == "kink"


@every(
    "expression, values",
    [
        ("norm(x)", {"x": [0.0, 0.0]}),
        ("3*norm(x) + x[0]", {"x": [0.0, 0.0]}),
        ("sum(norm(x, axis=1))", {"x": [[0.0, 0.0], [3.0, 4.0]]}),
        ("norm(a @ x - b)", {"a": [[1.0, 2.0], [0.0, 1.0]], "x": [1.0, 1.0], "b": [3.0, 1.0]}),
        ("relu(norm(x) - 1)", {"x": [0.6, 0.8]}),
        ("max(x, y)", {"x": 1.0, "y": 1.0}),
    ],
)
def test_what_does_not_exist_has_no_derivative(expression, values):
    """Where there is no gradient, at a kink, the slope of what a rule puts in its place means nothing."""
    report = gradcheck(spec(expression, **values), order=2)
    assert report.verdict == "kink"
    undefined = {row.label for row in report.entries if row.by is None and row.verdict.word == "kink"}
    second_ones = [row for row in report.entries if row.by is not None]
    assert undefined
    for row in second_ones:
        first = row.by.removeprefix("∂out/∂")
        assert (row.verdict.word == "kink") == (first in undefined), row
        assert (row.reason is not None and row.reason.code == "no-gradient") == (first in undefined), row


def test_a_gradient_that_exists_has_second_derivatives_at_a_kink():
    report = gradcheck(spec("max(x, y)*min(x, y)", x=1.0, y=1.0), order=2)
    assert {row.verdict.word for row in report.entries if row.by is not None} == {"disagree"}


@every(
    "expression, values, second_ones",
    [
        ("relu(x)*relu(y)", {"x": 0.0, "y": 0.0}, "agree kink kink agree"),
        ("max(x, 0)*min(y, 0)", {"x": 0.0, "y": 0.0}, "agree kink kink agree"),
        ("relu(x)*relu(y) + 100*x", {"x": 0.0, "y": 0.0}, "agree kink kink agree"),
        ("abs(x)*abs(y)^2", {"x": 0.0, "y": 0.0}, "agree kink agree agree"),
        ("relu(x)*relu(y - 1e-4)", {"x": 0.0, "y": 0.0}, "agree agree agree agree"),
        ("abs(x)^2*y", {"x": 0.0, "y": 0.0}, "agree agree agree agree"),
        ("norm(x)*norm(y)", {"x": [0.0], "y": [0.0]}, "agree kink kink agree"),
        # A second kink, of another factor, at 0 as well and near it: how near changes nothing.
        ("relu(abs(x)*(x + y))", {"x": 0.0, "y": 0.0}, "kink kink kink agree"),
        ("relu(abs(x)*(x + y))", {"x": 0.0, "y": 1e-9}, "kink kink kink agree"),
        ("relu(abs(x)*(x + y))", {"x": 0.0, "y": 0.7}, "kink kink kink agree"),
        ("relu(abs(x)*(x + y))", {"x": 0.0, "y": -1e-9}, "agree cannot tell agree agree"),
        ("relu(x)*relu(y + 1e-9)", {"x": 0.0, "y": 0.0}, "kink kink kink agree"),
        ("relu(x)*relu(y - 1e-9)", {"x": 0.0, "y": 0.0}, "agree agree agree agree"),
        ("abs(max(x, 0)*relu(3*y)*(x - y))", {"x": 0.0, "y": 1e-9}, "kink kink kink agree"),
        # Right beside the point a second kink is near: at y = 1e-6, that of x - y.
        ("abs(x)*(-y)*abs(x - y)", {"x": 0.0, "y": 0.0}, "agree kink agree agree"),
        # x*y, of which the rules give ∂/∂x as 0 where x is 0.
        ("(relu(x) - relu(-x))*y", {"x": 0.0, "y": 0.0}, "agree cannot tell disagree agree"),
    ],
)
def test_a_gradient_that_does_not_exist_beside_the_point_has_no_derivative(expression, values, second_ones):
    report = gradcheck(spec(expression, **values), order=2)
    assert " ".join(row.verdict.word for row in report.entries if row.by is not None) == second_ones


@every(
    "claim, word",
    [
        ("d2out/dxdy = 0", "kink"),
        ("d2out/dydx = 0", "kink"),
        ("d2out/dydx = 2", "disagree"),
        ("d2out/dx2 = 0", "kink"),
        ("d2out/dy2 = 0", "agree"),
    ],
)
def test_a_claim_on_what_does_not_exist_beside_the_point(claim, word):
    made = spec("relu(abs(x)*(x + y))", x=0.0, y=0.0)
    report = gradcheck(with_claims(made, [read_claim(claim)]))
    assert [row.verdict.word for row in report.entries if row.input not in ("x", "y")] == [word]


def test_what_is_unknown_of_a_gradient_leaves_its_derivative_open(monkeypatch):
    unknown = OneSidedSlopes(np.zeros(1), np.zeros(1), np.ones(1), np.zeros(1, dtype=bool))
    monkeypatch.setattr(nonsmooth, "sides", lambda function, at: unknown)
    in_float64_alone(monkeypatch)
    report = gradcheck(spec("relu(x)*y", x=0.0, y=1.0), order=2)
    by_x = {row.input: row for row in report.entries if row.by == "∂out/∂x"}
    assert by_x["y"].reason.code == "unknown-gradient"


def test_too_many_entries_to_look_beside_each(monkeypatch):
    monkeypatch.setattr(sources, "MOST_SECOND", 1)
    values = {"x": 0.0, "y": [0.0, 1.0, 2.0]}
    report = gradcheck(spec("relu(x)*sum(relu(y))", **values), order=2)
    by_x = [row for row in report.entries if row.by == "∂out/∂x" and row.input == "y"]
    assert [row.verdict.word for row in by_x] == ["kink"] * 3  # at the point already: 3 * relu(x)
    values = {"x": 0.0, "y": [0.0, 0.0, 0.0]}
    report = gradcheck(spec("relu(x)*sum(relu(y))", **values), order=2)
    by_x = [row for row in report.entries if row.by == "∂out/∂x" and row.input == "y"]
    assert [row.verdict.word for row in by_x] == ["kink", "kink", "cannot tell"]
