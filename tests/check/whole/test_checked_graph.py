"""One check at one point: values, the gradient as it should be, kinks and their reach, rounding."""

from __future__ import annotations

import numpy as np
import pytest
from checking import planted, point_of, spec, toml

from bpx.check.gradcheck import gradcheck
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.explain.explain import explain
from bpx.spec.reading.claims import read_claim, with_claims

NETWORK = """bpx = 1
[inputs]
x = [[0.2, -1.0], [1.5, 0.3], [-0.7, 0.9]]
W = [[0.4, -0.6], [0.1, 0.8]]
b = [0.05, -0.15]
[graph]
h = "relu(x @ W + b)"
L = "mean(h^2)"
"""


@pytest.fixture
def network():
    return toml(NETWORK)


def test_the_stated_gradient_is_that_of_the_account(network):
    point, account = point_of(network), explain(network)
    for name, gradient in account.gradients.items():
        assert np.array_equal(point.claimed_gradient(network.nodes[name]), gradient)


def test_the_reference_does_not_follow_a_wrong_rule(network):
    right, wrong = point_of(network), point_of(planted(network, "h", 0, lambda one, *args: 3 * one))
    for name in ("x", "W", "b"):
        node = network.nodes[name]
        truth = right.claimed_gradient(node)
        for point in (right, wrong):
            found = point.reference[node]
            assert (np.abs(found.value - truth) <= found.error).all()
            assert (found.error <= 1e-7 * np.abs(truth).max()).all()
        assert not np.allclose(wrong.claimed_gradient(node), truth)


def test_what_the_output_does_not_depend_on():
    point = point_of(toml('bpx = 1\n[inputs]\nx = 1.0\ny = [1, 2]\n[graph]\nL = "x^2"'))
    y = point.query.wrt["y"]
    assert y not in point.reference
    assert point.claimed_gradient(y).tolist() == [0, 0]


def test_an_upstream_gradient_weighs_the_output():
    made = spec("x * x", x=[1.0, 2.0])
    point = point_of(made)
    weighted = CheckedGraph.at(point.query._replace(seed=np.array([1.0, -3.0])), made.input_values)
    assert weighted.reference[made.nodes["x"]].value == pytest.approx([2, -12], rel=1e-12)


def test_kinks_and_the_entries_they_bear_on():
    made = toml(
        "bpx = 1\n[inputs]\nx = [0.0, 1.0, 2.0]\ny = [5.0, 1.0, 7.0]\nz = 3.0\n"
        '[graph]\nu = "relu(x) * z"\nv = "max(x, y)"\nL = "sum(u + v)"'
    )
    point = point_of(made)
    relu = made.graph.args[made.nodes["u"]][0]
    walls = {wall.node: wall.mask.tolist() for wall in point.kinks}
    assert walls == {relu: [True, False, False], made.nodes["v"]: [False, True, False]}
    assert point.is_smooth(made.nodes["x"]).tolist() == [False, False, True]
    assert point.is_smooth(made.nodes["y"]).tolist() == [True, False, True]
    assert point.is_smooth(made.nodes["z"]).tolist() is True
    assert point.is_smooth(made.nodes["v"]).all()  # its own kink does not bear on ∂L/∂v


def test_an_element_so_near_a_kink_that_rounding_decides():
    made = spec("relu(x + y)", x=[0.3, 0.3], y=[-0.3 + 1e-17, 0.1])
    (wall,) = point_of(spec("relu(x - 0.3 + 0.3 - 0.1 - 0.2)", x=[0.3, 5.0])).kinks
    assert wall.mask.tolist() == [True, False]
    assert [wall.mask.tolist() for wall in point_of(made).kinks] == [[True, False]]
    assert point_of(spec("relu(x)", x=1e-300)).kinks == []


def test_edges_of_the_domain():
    point = point_of(spec("sqrt(x) + 1/y", x=[0.0, 1.0], y=[1.0, 1e-300]))
    assert [wall.mask.tolist() for wall in point.domain_boundaries] == [[True, False]]


def test_the_bar_covers_what_rounding_of_the_way_does():
    """1 - tanh(x)^2 loses its digits at 15; x^3 does not."""
    bad, good = point_of(spec("tanh(x)", x=15.0)), point_of(spec("x^3", x=15.0))
    for point, truth in ((bad, 1 / np.cosh(15.0) ** 2), (good, 3 * 15.0**2)):
        found = point.reference[point.query.wrt["x"]]
        assert abs(found.value - truth) <= found.error + 1e-15 * truth
        assert found.error <= 1e-8 * truth
    x = bad.query.wrt["x"]
    assert abs(bad.claimed_gradient(x) / bad.reference[x].value - 1) > 1e-5  # as the rule has it in float64


def test_sizes_are_those_of_the_terms_and_not_of_their_sum():
    made = spec("1000*x - 999*x", x=2.0)
    point = point_of(made)
    assert point.term_magnitudes[made.nodes["x"]] == pytest.approx(1999)
    assert point.reference[made.nodes["x"]].value == pytest.approx(1)


def test_a_rule_may_lose_all_digits():
    made = spec("tanh(x)", x=20.0)
    assert point_of(made).claimed_gradient(made.nodes["x"]) == 0


def test_the_spec_is_left_alone(network):
    point = point_of(network)
    assert point.reference
    assert point.kinks == []
    assert len(network.graph) == network.size


MASK = [1.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize("copies", [1, 128])
@pytest.mark.parametrize("wrt", [None, ["x"]])
def test_a_mask_that_nobody_moves_is_no_kink(copies, wrt):
    values = {"m": MASK * copies, "x": [0.3, -1.0, 2.0, 0.5] * copies}
    made = spec("sum(x*where(m, x, 3))", **values)
    assert gradcheck(made, wrt=wrt).verdict == "agree"
    wrong = with_claims(made, [read_claim(f"x = {[1.0] * 4 * copies}")])
    assert gradcheck(wrong).verdict == "disagree"
    assert gradcheck(made, wrt=["x"], order=1 if copies > 1 else 2).verdict == "agree"


def test_a_mask_that_is_asked_about_alone_may_be_moved():
    assert gradcheck(spec("where(m, x, 3)", m=0.0, x=2.0), wrt=["m"]).verdict == "kink"


def test_a_condition_that_is_moved_is_a_kink_where_it_is_0():
    for expression in ("where(x, x + 2, m)", "where(m, x, 3) + 2*m", "where(m*m, x, 3)"):
        assert gradcheck(spec(expression, m=[1.0, 0.0], x=[0.0, 2.0])).verdict == "kink"
