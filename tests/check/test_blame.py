"""Who is to blame: the rule or the claim that is wrong by itself, with a proof, and nobody else."""

from __future__ import annotations

import pytest
from checking import CHANGES, planted, point_of, spec, toml
from hypothesis import given, settings
from hypothesis import strategies as st
from random_specs import SMOOTH, scalar_specs

from bpx.check.blame import blamed_rules
from bpx.check.gradcheck import gradcheck
from bpx.check.report import Report
from bpx.claims import read_claim
from bpx.formula import formula
from bpx.graph import CONSTANT, INPUT


def check(made, **claims: str) -> Report:
    return gradcheck(made, claims=[read_claim(f"{name} = {text}") for name, text in claims.items()])


# --- rules --------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(scalar_specs(SMOOTH), st.data())
def test_the_culprit_is_blamed_alone_in_random_graphs(made, data):
    point = point_of(made)
    edges = [edge for edge in point.ledger.edges if made.names.get(edge.consumer)]
    live = [edge for edge in edges if abs(point.checked[edge].claimed) > 1e-3]
    if not live:
        return
    edge = data.draw(st.sampled_from(live))
    change = CHANGES[data.draw(st.sampled_from(sorted(CHANGES)))]
    node = made.names[edge.consumer]
    report = gradcheck(planted(made, node, edge.position, change))
    arg = made.names.get(edge.arg) or formula(made.graph, edge.arg, made.names)
    assert {(one.node, one.arg) for one in report.blame} == {(node, arg)}
    assert report.blame[0].proof
    assert report.blame[0].proof.holds


@settings(max_examples=40)
@given(scalar_specs())
def test_nobody_is_blamed_in_clean_graphs(made):
    assert blamed_rules(point_of(made)) == []


CHAIN = """bpx = 1
[inputs]
x = 0.7
y = 1.4
[graph]
u = "sin(x)"
v = "u * y"
w = "exp(v) + u"
"""


def test_a_blame_says_where_and_what_would_be_right():
    report = gradcheck(planted(toml(CHAIN), "v", 0, CHANGES["turned"]))
    (blame,) = report.blame
    assert (blame.node, blame.op, blame.arg, blame.line) == ("v", "mul", "u", 7)
    assert blame.correction == "∂v/∂u = y"
    assert blame.proof == (2, 2)
    assert not blame.claim


def test_the_correction_of_an_array_op_is_what_it_should_hand_back():
    made = toml('bpx = 1\n[inputs]\nA = [[1, 2], [3, 4]]\nx = [5, 6]\n[graph]\nz = "A @ x"\nL = "sum(z^2)"')
    report = gradcheck(planted(made, "z", 1, CHANGES["turned"]))
    assert [one.correction for one in report.blame] == ["A.T @ ∂L/∂z"]


def test_two_wrong_rules_of_one_node():
    once = planted(toml(CHAIN), "v", 0, CHANGES["turned"])
    report = gradcheck(planted(once, "v", 1, CHANGES["scaled"]))
    assert {(one.node, one.arg) for one in report.blame} == {("v", "u"), ("v", "y")}
    assert all(one.proof and one.proof.holds for one in report.blame)


# --- claims -------------------------------------------------------------------------------------

# L = w2 · tanh(w1 · x + b1), with names for every step on the way.
STEPS = """bpx = 1
[inputs]
x = 0.6
w1 = 1.3
b1 = -0.2
w2 = 0.9
[graph]
p = "w1 * x"
z = "p + b1"
h = "tanh(z)"
L = "w2 * h"
"""
RIGHT = {
    "h": "w2",
    "z": "w2 * (1 - h^2)",
    "p": "w2 * (1 - h^2)",
    "x": "w2 * (1 - h^2) * w1",
    "w1": "w2 * (1 - h^2) * x",
    "b1": "w2 * (1 - h^2)",
    "w2": "h",
}
AFTER = {"h": "z p x w1 b1", "z": "p x w1 b1", "p": "x w1"}


def test_right_claims():
    report = check(toml(STEPS), **RIGHT)
    assert (report.verdict, report.blame, report.innocent) == ("agree", (), ())


@pytest.mark.parametrize("culprit", RIGHT)
@pytest.mark.parametrize(("wrong", "code"), [("-(%s)", "sign"), ("2*(%s)", "double"), ("0*(%s)", "dropped")])
def test_one_wrong_claim_all_others_right(culprit, wrong, code):
    report = check(toml(STEPS), **{**RIGHT, culprit: wrong % RIGHT[culprit]})
    assert report.verdict == "disagree"
    assert [(one.node, one.claim) for one in report.blame] == [(culprit, True)]
    assert code in [mistake.code for mistake in report.blame[0].mistakes]
    assert report.innocent == ()


@pytest.mark.parametrize("culprit", AFTER)
def test_what_follows_from_a_wrong_claim_is_innocent(culprit):
    inherited = {name: f"-({RIGHT[name]})" for name in [culprit, *AFTER[culprit].split()]}
    report = check(toml(STEPS), **{**RIGHT, **inherited})
    assert [one.node for one in report.blame] == [culprit]
    assert set(report.innocent) == set(AFTER[culprit].split())


def test_two_wrong_claims_on_one_path():
    turned = f"-({RIGHT['z']})"
    report = check(
        toml(STEPS),
        **{
            **RIGHT,
            "z": turned,
            "p": turned,
            "b1": turned,
            "w1": f"-3*({RIGHT['w1']})",
            "x": f"-({RIGHT['x']})",
        },
    )
    assert {one.node for one in report.blame} == {"z", "w1"}
    assert set(report.innocent) == {"p", "b1", "x"}


def test_a_claim_in_numbers_is_judged_to_its_digits():
    report = check(toml(STEPS), h="0.90", z="0.65", w1="0.39", w2="0.52")
    assert (report.verdict, report.blame) == ("agree", ())
    report = check(toml(STEPS), h="0.90", z="-0.65", w1="-0.39", w2="0.52")
    assert [one.node for one in report.blame] == ["z"]
    assert report.innocent == ("w1",)


def test_two_planted_together():
    """dW2 times 2 and db1 times 4 in a network of one hidden layer."""
    made = toml(
        'bpx = 1\noutput = "L"\n[inputs]\nX = [[0.5, -1.0], [1.5, 0.25], [-0.75, 2.0]]\n'
        "W1 = [[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]]\nb1 = [0.01, -0.02, 0.03]\n"
        "W2 = [[0.7, -0.8], [0.9, 1.0], [-1.1, 1.2]]\nb2 = [0.1, -0.1]\n"
        'T = { value = [[1, 0], [0, 1], [1, 0]], role = "target" }\n[graph]\nh = "tanh(X @ W1 + b1)"\n'
        'o = "h @ W2 + b2"\nL = "mean((o - T)^2)"'
    )
    right = {
        "o": "2*(o - T)/6",
        "W2": "h.T @ (2*(o - T)/6)",
        "b1": "sum((2*(o - T)/6) @ W2.T * (1 - h^2), axis=0)",
    }
    assert check(made, **right).verdict == "agree"
    report = check(made, **{**right, "W2": f"2*({right['W2']})", "b1": f"4*({right['b1']})"})
    found = {one.node: one.mistakes[0] for one in report.blame}
    assert set(found) == {"W2", "b1"}
    assert found["W2"].code == "double"
    assert found["b1"].code == "factor"
    assert dict(found["b1"].facts) == {"factor": "4"}


def test_a_gradient_with_weights_that_were_updated_already():
    """w is stepped first, and the input gradient is taken with the new one."""
    made = toml(
        'bpx = 1\noutput = "L"\n[inputs]\nx = [0.5, -1.5]\nw = [1.0, 2.0]\nt = 0.3\n'
        '[graph]\nL = "(w @ x - t)^2"'
    )
    updated = "2*(w @ x - t) * (w - 0.1 * 2*(w @ x - t)*x)"
    report = check(made, w="2*(w @ x - t)*x", x=updated)
    assert report.verdict == "disagree"
    assert [one.node for one in report.blame] == ["x"]
    assert report.innocent == ()


def test_a_sum_over_two_axes_that_was_summed_over_one():
    """Only the first block of the batch is in the sum; the rest is left out."""
    made = toml(
        "bpx = 1\n[inputs]\nx = [[[1, 2], [3, 4.5]], [[5, 6], [7, 9]]]\nc = [0.5, -1.0]\n"
        'n = { value = [[1, 1], [0, 0]], role = "constant" }\n[graph]\nd = "x + c"\nL = "sum(d^2)"'
    )
    assert check(made, c="sum(2*d, axis=[0, 1])").verdict == "agree"
    report = check(made, c="[9, 9]")  # 2·(1 + 0.5 + 3 + 0.5) and 2·(2 - 1 + 4.5 - 1)
    assert [one.node for one in report.blame] == ["c"]
    assert {entry.verdict.word for entry in report.entries if entry.input == "c"} == {"disagree"}


@pytest.mark.parametrize("name", ["x", "y"])
def test_a_claim_where_the_output_does_not_depend_on_the_input(name):
    made = toml(f'bpx = 1\n[inputs]\nx = 1.5\ny = [1, 2]\n[graph]\nL = "{"y" if name == "x" else "x"} * 2"')
    claim = "[1, 1]" if name == "y" else "0.5"
    report = check(made, **{name: claim})
    assert report.verdict == "disagree"
    assert [one.node for one in report.blame] == [name]


def test_claims_and_rules_may_both_be_wrong():
    made = planted(spec("sin(x) * y", x=0.7, y=2.0), "v1", 0, CHANGES["turned"])
    report = check(made, y="-sin(x)")
    assert {(one.node, one.claim) for one in report.blame} == {("v1", False), ("y", True)}


def test_inputs_and_constants_have_no_rules():
    point = point_of(toml(STEPS))
    assert not {point.graph.ops[edge.consumer] for edge in point.checked} & {INPUT, CONSTANT}
