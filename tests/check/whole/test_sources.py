"""Columns: what is stated of one gradient against the reference, entry by entry."""

from __future__ import annotations

import numpy as np
import pytest
from checking import point_of, spec

from bpx.check.report.entry import Verdict
from bpx.check.whole.evaluation import Claimed, by_rule
from bpx.check.whole.sources import evaluated


def found(made, name, value, tolerance=0.0, **options):
    node = made.nodes[name]
    shape = made.graph.shapes[node]
    stated = Claimed(
        np.broadcast_to(np.asarray(value, dtype=float), shape),
        np.broadcast_to(np.asarray(tolerance, dtype=float), shape),
        **options,
    )
    return evaluated(point_of(made), name, node, stated).table()


def words(one):
    return [Verdict(int(verdict)).word for verdict in one.verdicts.ravel()]


def test_every_entry_has_its_own_verdict():
    made = spec("sum(x^2)", x=[[1.0, 2.0], [3.0, -4.0]])
    one = found(made, "x", [[2, 4], [6.01, 8]])
    assert words(one) == ["agree", "agree", "disagree", "disagree"]
    assert one.reference == pytest.approx(np.array([[2, 4], [6, -8]]), rel=1e-9)
    assert set(one.reasons) == {2, 3}
    assert one.reasons[2].code == "differs"
    assert float(one.reasons[2].facts["difference"]) == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize(
    ("value", "verdict"), [(0.33, "agree"), (0.3384, "disagree"), (0.3284, "agree"), (0.3282, "disagree")]
)
def test_a_claim_may_be_off_by_its_last_digit(value, verdict):
    assert words(found(spec("x/3", x=1.0), "x", value, 0.005)) == [verdict]


def test_a_claim_on_an_inner_node():
    made = spec("(x + y)^2", x=3.0, y=-1.0)
    assert words(found(made, "v1", 4)) == ["agree"]
    assert words(found(made, "v1", -4)) == ["disagree"]


def test_a_claim_that_is_not_finite():
    one = found(spec("sum(x^2)", x=[1.0, 2.0]), "x", [np.nan, np.inf])
    assert words(one) == ["disagree", "disagree"]
    assert {reason.code for reason in one.reasons.values()} == {"claim-not-finite"}


def test_a_right_formula_that_loses_its_digits():
    made = spec("tanh(x)", x=20.0)
    point, node = point_of(made), made.nodes["x"]
    one = evaluated(point, "x", node, by_rule(point, node)).table()
    assert words(one) == ["agree"]
    assert one.reasons[0].code == "digits-lost"
    bare = found(made, "x", 0.0)  # nobody knows where the 0 comes from
    assert words(bare) != ["agree"]
    assert bare.reasons[0].code in ("rounded-formula", "uncertain")


@pytest.mark.parametrize(
    ("expression", "x", "number"),
    [
        ("tanh(x)", 15.3, lambda x: 1 - np.tanh(x) ** 2),
        ("tanh(x)", 15.3, lambda x: (1 - np.tanh(x)) * (1 + np.tanh(x))),
        ("tanh(x)", 18.3, lambda x: 1 - ((np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))) ** 2),
        ("sigmoid(x)", 30.3, lambda x: 1 / (1 + np.exp(-x)) - 1 / (1 + np.exp(-x)) ** 2),
        ("x - sin(x)", 1e-6, lambda x: 1 - np.cos(x)),
    ],
)
def test_numbers_of_a_right_formula_that_loses_its_digits(expression, x, number):
    """However it is written, float64 leaves next to nothing of it; what is farther off is wrong."""
    made = spec(expression, x=x)
    right = found(made, "x", number(x))
    assert words(right) == ["cannot tell"]
    assert right.reasons[0].code == "rounded-formula"
    assert words(found(made, "x", -3 * number(x) - 1e-12)) == ["disagree"]


def test_a_kink_bears_on_its_entries_only():
    made = spec("sum(relu(x))", x=[-1.0, 0.0, 1.0])
    assert words(found(made, "x", [0, 0.5, 1])) == ["agree", "kink", "agree"]
    assert words(found(made, "x", [0, -0.5, 1])) == ["agree", "disagree", "agree"]
    one = found(made, "x", [1, 1, 1])
    assert words(one) == ["disagree", "kink", "agree"]
    assert one.between == {1: pytest.approx((0, 1))}
    assert np.isnan(one.reference[1])


def test_a_kink_below_an_inner_node_is_bracketed():
    made = spec("relu(3*x)", x=0.0)
    assert words(found(made, "v1", 0.5)) == ["kink"]
    assert words(found(made, "v1", 1.5)) == ["disagree"]


def test_the_edge_of_the_domain():
    one = found(spec("sum(sqrt(x))", x=[0.0, 4.0]), "x", [7, 0.25])
    assert words(one) == ["outside domain", "agree"]
    assert one.reasons[0].code == "edge"


def test_a_scalar_claim_of_a_scalar_is_a_column_of_one():
    one = found(spec("x^2", x=3.0), "x", 6)
    assert one.claimed.shape == one.reference.shape == one.verdicts.shape == ()
