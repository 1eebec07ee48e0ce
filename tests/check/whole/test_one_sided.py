"""Slopes to either side of a kink, and claims that fit no side together."""

from __future__ import annotations

import numpy as np
import pytest
from checking import spec, toml
from rows_of_a_table import every

from bpx.check.gradcheck import gradcheck
from bpx.check.whole.graph_function import GraphFunction
from bpx.check.whole.one_sided import along, contradiction, sides


def program_of(expression, **values):
    made = spec(expression, **values)
    return GraphFunction(
        made.graph, made.output, np.ones(made.graph.shapes[made.output]), made.input_values
    ), made.nodes


@every(
    "expression, x, left, right",
    [
        ("relu(x)", 0.0, 0, 1),
        ("|x|^1 + 2*x", 0.0, 1, 3),
        ("max(x^2, 2*x)", 2.0, 2, 4),
        ("exp(|x|)", 0.0, -1, 1),
        ("clip(x, -1, 1)", 1.0, 1, 0),
        ("sin(x)", 0.3, np.cos(0.3), np.cos(0.3)),
    ],
)
def test_the_slopes_of_both_sides(expression, x, left, right):
    function, nodes = program_of(expression, x=x)
    found = sides(function, [(nodes["x"], 0)])
    assert found.left[0] == pytest.approx(left, abs=1e-9)
    assert found.right[0] == pytest.approx(right, abs=1e-9)
    assert abs(found.left[0] - left) <= 10 * found.error[0] + 1e-15
    assert abs(found.right[0] - right) <= 10 * found.error[0] + 1e-15
    assert found.differ.tolist() == [left != right]
    assert (found.low[0], found.high[0]) == (
        min(found.left[0], found.right[0]),
        max(found.left[0], found.right[0]),
    )
    assert not found.jump.any()


@pytest.mark.parametrize("expression", ["floor(x)", "where(x < 1, x, x + 1e-3)", "sign(x - 1)"])
def test_a_jump(expression):
    function, nodes = program_of(expression, x=1.0)
    assert sides(function, [(nodes["x"], 0)]).jump.all()


def test_a_step_made_of_rounding_is_no_jump():
    function, nodes = program_of("relu(x - 0.3 + 0.3 - 0.1 - 0.2)", x=0.3)
    assert not sides(function, [(nodes["x"], 0)]).jump.any()


@pytest.mark.parametrize(
    "expression", ["x / max(|x|, 1e-200)", "(x + 0.3 - 0.3) / max(|x + 0.3 - 0.3|, 1e-200)"]
)
def test_a_jump_beside_numbers_that_no_sum_takes_up(expression):
    """1e200 is met on the way, but its rounding does not come into the value."""
    function, nodes = program_of(expression, x=0.0)
    assert sides(function, [(nodes["x"], 0)]).jump.all()


def test_a_step_that_a_large_number_leaves_is_no_jump():
    function, nodes = program_of("relu(x + 1e16/3 - 1e16/3)", x=0.0)
    assert not sides(function, [(nodes["x"], 0)]).jump.any()


def test_along_a_line():
    function, nodes = program_of("max(x, y)", x=1.0, y=1.0)
    found = along(function, [{nodes["x"]: np.array(1.0), nodes["y"]: np.array(-1.0)}])
    assert (found.left[0], found.right[0]) == pytest.approx((-1, 1), abs=1e-9)


def contradicts(expression, claims, tolerance=0.0, most=100):
    function, nodes = program_of(expression, **dict.fromkeys(claims, 1.0))
    at = [(nodes[name], 0) for name in claims]
    claimed = np.array(list(claims.values()))
    return contradiction(function, at, claimed, np.full(claimed.shape, tolerance), most)


@every(
    "x, y, found",
    [(1, 0, False), (0.5, 0.5, False), (0.25, 0.75, False), (1, 1, True), (0, 0, True)],
)
@every("op", ["max", "min"])
def test_the_shares_of_a_tie_add_up_to_1(op, x, y, found):
    assert contradicts(f"{op}(x, y)", {"x": x, "y": y}) is found


def test_a_claim_of_few_digits_may_round_its_shares():
    thirds = dict.fromkeys(("x", "y", "z"), 0.33)
    assert contradicts("max(max(x, y), z)", thirds)
    assert not contradicts("max(max(x, y), z)", thirds, tolerance=0.005)


def test_what_bends_both_ways_is_left_alone():
    assert not contradicts("|x - 1| - |y - 1|", {"x": 1.0, "y": 1.0})


@pytest.mark.parametrize(
    "expression",
    ["step(x @ x)", "sign(x @ x)"],
)
def test_a_jump_of_a_product_of_what_is_0_with_itself_is_a_kink(expression: str) -> None:
    assert gradcheck(spec(expression, x=[0.0, 0.0])).verdict == "kink"


@pytest.mark.parametrize("expression", ["where(x @ x > 0, 0, sum(x))", "where(outer(x, x) > 0, 0, x)"])
def test_a_branch_that_is_taken_at_one_point_alone_has_not_the_slope_of_the_function(expression: str) -> None:
    report = gradcheck(spec(expression, x=[0.0, 0.0]))
    assert (report.verdict, report.reason and report.reason.code) == ("disagree", "conventions")


def test_where_every_choice_gives_the_same_there_is_a_derivative() -> None:
    flat = spec("sum(max_pool(relu(x), 2))", x=[[-1.0, -2], [-3, -0.5]])  # all in the window are shut
    assert gradcheck(flat).verdict == "agree"


def test_a_stated_rule_that_counts_a_tie_twice_is_wrong() -> None:
    made = toml(
        'bpx = 1\n[inputs]\nx = 1\n[ops.mx]\nargs = ["a", "b"]\nvalue = "max(a, b)"\n'
        'partials = { a = "a >= b", b = "b >= a" }\n[graph]\nout = "mx(x, x)"\n'
    )
    assert gradcheck(made).verdict == "disagree"


@pytest.mark.parametrize(
    ("expression", "verdict"),
    [
        ("where(x, 1, 2)", "kink"),
        ("where(x, x + 1, 2)", "kink"),
        ("where(x > -1, x, 0)", "agree"),
        ("where((x > -1) * (x < 1), x, 0)", "agree"),
        ("where(x > 1, x, 0)", "agree"),
    ],
)
def test_a_choice_that_is_no_comparison_jumps_at_0(expression: str, verdict: str) -> None:
    assert gradcheck(spec(expression, x=0.0)).verdict == verdict
