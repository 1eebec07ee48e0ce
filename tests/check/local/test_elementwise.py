"""Elementwise ops alone: every element gets its own slope and its own verdict."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
from checking import planted, point_of, spec
from rows_of_a_table import every

from bpx.check.local import edges
from bpx.check.local.jacobians import DiagonalJacobian
from bpx.check.report.entry import Verdict


def checked(made, node="out"):
    """What was found of the edges from a node, by position."""
    found = {
        edge.position: one
        for edge, one in point_of(made).checked_edges.items()
        if edge.consumer == made.nodes[node]
    }
    return [found[position] for position in sorted(found)]


def slopes(one) -> np.ndarray:
    assert isinstance(one.reference_jacobian, DiagonalJacobian)
    return one.reference_jacobian.slope.value


def test_slopes_by_differences_and_their_bars():
    x, y = np.array([0.5, 1.0, 3.0]), np.array([2.0, -1.0, 0.25])
    of_x, of_y = checked(spec("x^y", x=x, y=y))
    for one, position in ((of_x, 0), (of_y, 1)):
        truth = [oracle.partial("pow", point, position) for point in zip(x, y, strict=True)]
        off = [float(abs(oracle.mp.mpf(a) - b)) for a, b in zip(slopes(one), truth, strict=True)]
        assert (np.array(off) <= one.reference_jacobian.slope.error).all()
        assert (one.reference_jacobian.slope.error <= 1e-6 * np.abs(slopes(one))).all()
        assert one.verdict is Verdict.AGREE


def test_one_wrong_element_of_many_is_the_one_shown():
    made = spec("sin(x)", x=np.linspace(0, 3, 100))
    spoiled = planted(made, "out", 0, lambda right, x, out: right * (1 + 1e-4 * (x > 1.49) * (x < 1.51)))
    (one,) = checked(spoiled)
    assert one.verdict is Verdict.AGREE  # no element lies there
    spoiled = planted(made, "out", 0, lambda right, x, out: right * (1 + 1e-4 * (x > 1.50) * (x < 1.52)))
    (one,) = checked(spoiled)
    assert one.verdict is Verdict.DISAGREE
    assert one.claimed == pytest.approx(np.cos(1.5151515) * (1 + 1e-4), rel=1e-6)
    assert one.reference == pytest.approx(np.cos(1.5151515), rel=1e-6)


@pytest.mark.parametrize("factor, verdict", [(1, Verdict.AGREE), (1.5, Verdict.DISAGREE)])
def test_an_element_next_to_nothing_is_no_zero(factor, verdict):
    """Differences take 1e-181 for 0 where other elements are 1; with so many, none is looked at on balls."""
    made = spec("square(x)", x=[1e-181, *np.linspace(1, 2, 40)])
    (one,) = checked(planted(made, "out", 0, lambda right, x, out: right * (1 + (factor - 1) * (x < 0.5))))
    assert one.verdict is verdict
    assert slopes(one)[0] == pytest.approx(2e-181, rel=1e-9)


def test_at_a_kink_the_slope_is_the_middle_and_its_spread_half_the_difference():
    (one,) = checked(spec("relu(x)", x=[-1.0, 0.0, 2.0]))
    slope = one.reference_jacobian.slope
    assert slope.value == pytest.approx([0, 0.5, 1])
    assert slope.spread == pytest.approx([0, 0.5, 0])
    assert one.verdict is Verdict.KINK


@pytest.mark.parametrize(
    ("taken", "verdict"), [(0.3, Verdict.KINK), (-0.1, Verdict.DISAGREE), (1.1, Verdict.DISAGREE)]
)
def test_a_rule_at_a_kink_must_lie_between_the_slopes(taken, verdict):
    made = spec("relu(x)", x=[-1.0, 0.0, 2.0])
    (one,) = checked(planted(made, "out", 0, lambda right, x, out: right + taken * (x == 0)))
    assert one.verdict is verdict


def test_a_jump_leaves_the_slope_wide_open():
    (one,) = checked(spec("floor(x)", x=[0.5, 1.0]))
    assert one.reference_jacobian.slope.spread.tolist() == [0, np.inf]
    assert one.verdict is Verdict.KINK


def test_a_rule_that_loses_its_digits_is_right():
    (one,) = checked(spec("tanh(x)", x=20.0))
    assert (one.claimed, one.verdict) == (0, Verdict.AGREE)
    assert one.reason
    assert one.reason.code == "digits-lost"


def test_a_wrong_rule_whose_digits_are_lost_anyway_is_not_right():
    """1 - out^3 is 0 at 20 too, but not the formula."""
    made = spec("tanh(x)", x=20.0)
    (one,) = checked(planted(made, "out", 0, lambda right, x, out: 1 - out**3))
    assert one.verdict is not Verdict.AGREE


def test_outside_the_domain_there_is_no_slope():
    (one,) = checked(spec("sqrt(x)", x=[0.0, 4.0]))
    assert one.verdict is Verdict.OUTSIDE_DOMAIN
    assert np.isnan(slopes(one)[0])
    assert slopes(one)[1] == pytest.approx(0.25, rel=1e-9)


def test_what_only_chooses_has_no_slope():
    made = spec("where(c, x, y)", c=[0.0, 1.0, 0.0], x=[1.0, 2.0, 3.0], y=[4.0, 5.0, 3.0])
    of_choice, of_x, of_y = checked(made)
    assert slopes(of_choice).tolist() == [0, 0, 0]
    assert slopes(of_x) == pytest.approx([0, 1, 0])
    assert slopes(of_y) == pytest.approx([1, 0, 1])
    # A choice that is no comparison jumps at 0; nobody is wrong there.
    assert {one.verdict for one in (of_choice, of_x, of_y)} <= {Verdict.AGREE, Verdict.KINK}
    spoiled = planted(made, "out", 0, lambda right, *args: right + 1)
    assert checked(spoiled)[0].verdict is Verdict.DISAGREE


def test_only_the_args_that_are_asked_for_are_checked():
    made = spec("x * y", x=2.0, y=3.0)
    point = point_of(made)
    narrow = type(point).at(point.query._replace(wrt={"x": made.nodes["x"]}), made.input_values)
    assert [edge.position for edge in narrow.checked_edges] == [0]


# --- ops that are affine in an arg: secants -----------------------------------------------------


@pytest.mark.parametrize("text", ["x + y", "x - y", "x * y", "x / y", "-x + 0 * y"])
def test_secants_of_affine_ops_have_next_to_no_rounding(text):
    x = np.array([0.5, -3.0, 1e-9, 1e12, 7.0])
    y = np.array([2.0, 1e9, -0.25, 3.0, 1e-7])
    for one in checked(spec(text, x=x, y=y)):
        assert one.verdict is Verdict.AGREE


@every(
    "text, change",
    [
        ("x + y", lambda right, *args: right * (1 + 1e-4)),
        ("x + y", lambda right, *args: right - 1),
        ("x * y", lambda right, *args: right * (1 + 1e-4)),
        ("sin(x) * 1", lambda right, *args: right * 0 + 1.0001),
        ("tanh(x)", lambda right, *args: 1),
        ("x^2", lambda right, *args: 3.0),
    ],
)
def test_a_wrong_rule_that_calls_an_op_affine_is_found(text, change):
    made = spec(text, x=np.array([1.5, -0.5]), **({"y": np.array([2.0, 0.3])} if "y" in text else {}))
    assert checked(planted(made, "out", 0, change))[0].verdict is Verdict.DISAGREE


@pytest.mark.parametrize(
    ("expression", "values"),
    [("(x+y)^2*sin(x*y)", {"x": 3.0, "y": -1.1}), ("exp(x)*x - relu(x)/y", {"x": [0.1, 0.7], "y": 0.3})],
)
def test_edges_that_are_proved_at_once_say_what_each_op_alone_says(monkeypatch, expression, values):
    pytest.importorskip("flint")
    at_once = point_of(spec(expression, **values)).checked_edges
    asked = []
    monkeypatch.setattr(edges, "_proved_edges", lambda *given: asked.append(1) or {})
    alone = point_of(spec(expression, **values)).checked_edges
    assert asked and at_once.keys() == alone.keys()
    for edge, one in at_once.items():
        other = alone[edge]
        assert one[3:] == other[3:]  # the numbers, the verdict and its reason
        if isinstance(one.reference_jacobian, DiagonalJacobian):
            bounds = (jacobian.reference_jacobian.slope for jacobian in (one, other))
            assert all(map(np.array_equal, *bounds))


def test_a_wrong_rule_is_not_among_the_proved_ones():
    made = planted(spec("(x+y)^2*sin(x)", x=3.0, y=-1.0), "out", 1, lambda right, *_: right * (1 + 1e-4))
    assert [one.verdict for one in checked(made)] == [Verdict.AGREE, Verdict.DISAGREE]
