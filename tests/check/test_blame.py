"""Who is to blame: the rule or the claim that is wrong by itself, with a proof, and nobody else."""

from __future__ import annotations

import numpy as np
import pytest
from checking import CHANGES, Change, planted, point_of, spec, toml
from hypothesis import given, settings
from hypothesis import strategies as st
from random_specs import SMOOTH, scalar_specs
from rows_of_a_table import every

from bpx.check.blame.blame_rules import blamed_rules
from bpx.check.gradcheck import gradcheck
from bpx.check.report.report import Report
from bpx.graph.formula import formula
from bpx.graph.graph import CONSTANT, INPUT, OPS
from bpx.spec.reading.claims import read_claim, with_claims


def check(made, **claims: str) -> Report:
    return gradcheck(with_claims(made, [read_claim(f"{name} = {text}") for name, text in claims.items()]))


# --- rules --------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(scalar_specs(SMOOTH), st.data())
def test_the_culprit_is_blamed_alone_in_random_graphs(made, data):
    point = point_of(made)
    edges = [edge for edge in point.ledger.edges if made.names.get(edge.consumer)]
    live = [edge for edge in edges if abs(point.checked_edges[edge].claimed) > 1e-3]
    if not live:
        return
    edge = data.draw(st.sampled_from(live))
    change = CHANGES[data.draw(st.sampled_from(sorted(CHANGES)))]
    node = made.names[edge.consumer]
    report = gradcheck(planted(made, node, edge.position, change))
    arg = made.names.get(edge.arg) or str(formula(made.graph, edge.arg, made.names))
    assert {(one.node, one.arg) for one in report.blame} == {(node, arg)}
    assert report.blame[0].proof
    assert report.blame[0].proof.holds


@settings(max_examples=25)
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
    assert str(blame.correction) == "∂v/∂u = y"
    assert blame.proof == (2, 2)
    assert not blame.claim


def test_the_correction_of_an_array_op_is_what_it_should_hand_back():
    made = toml('bpx = 1\n[inputs]\nA = [[1, 2], [3, 4]]\nx = [5, 6]\n[graph]\nz = "A @ x"\nL = "sum(z^2)"')
    report = gradcheck(planted(made, "z", 1, CHANGES["turned"]))
    assert [str(one.correction) for one in report.blame] == ["A.T @ ∂L/∂z"]


def test_two_wrong_rules_of_one_node():
    once = planted(toml(CHAIN), "v", 0, CHANGES["turned"])
    report = gradcheck(planted(once, "v", 1, CHANGES["scaled"]))
    assert {(one.node, one.arg) for one in report.blame} == {("v", "u"), ("v", "y")}
    assert all(one.proof and one.proof.holds for one in report.blame)


# --- the kind of mistake ------------------------------------------------------------------------

X = np.array([0.4, 1.3, 2.1])
Y = np.array([1.7, 0.6, -0.8])
LOCALS: list[tuple[str, int, Change, str]] = [  # expression, position, the wrong derivative, the mistake
    ("sin(x)", 0, lambda d, x, out: -d, "sign"),
    ("sin(x)", 0, lambda d, x, out: 2 * d, "double"),
    ("sin(x)", 0, lambda d, x, out: d / 2, "half"),
    ("sin(x)", 0, lambda d, x, out: 1.37 * d, "factor"),
    ("sin(x)", 0, lambda d, x, out: 0 * d, "dropped"),
    ("sin(x)", 0, lambda d, x, out: 0 * d + 1, "unchanged"),
    ("sin(x)", 0, lambda d, x, out: out, "own-value"),
    ("sin(x)", 0, lambda d, x, out: 1 / d, "reciprocal"),
    ("sin(x)", 0, lambda d, x, out: OPS["cos"](out), "at-output"),
    ("tanh(x)", 0, lambda d, x, out: 1 - x**2, "at-input"),
    ("exp(x)", 0, lambda d, x, out: x, "at-input"),
    ("sigmoid(x)", 0, lambda d, x, out: x * (1 - x), "at-input"),
    ("relu(x - 1)", 0, lambda d, x, out: 1 - d, "mask-flipped"),
    ("max(x, y)", 0, lambda d, x, y, out: 1 - d, "mask-flipped"),
    ("x^3", 0, lambda d, x, y, out: d * x, "exponent-kept"),
    ("x^3", 0, lambda d, x, y, out: d / y, "exponent-lost"),
    ("x / y", 1, lambda d, x, y, out: d / x, "numerator-lost"),
    ("x / y", 1, lambda d, x, y, out: d * y, "not-squared"),
    ("x / y", 0, lambda d, x, y, out: -out / y, "swapped"),
    ("x * y", 0, lambda d, x, y, out: x, "swapped"),
    ("reciprocal(x)", 0, lambda d, x, out: -out, "not-squared"),
]


def mistakes(made, node, position, change) -> list[str]:
    """The codes of the mistakes named for a rule that was changed."""
    (blame,) = blamed_rules(point_of(planted(made, node, position, change)))
    assert all(mistake.text for mistake in blame.mistakes)
    return [mistake.code for mistake in blame.mistakes]


def vectors(expression: str):
    return spec(expression, **({"x": X, "y": Y} if "y" in expression else {"x": X}))


@every("expression, position, change, code", LOCALS)
def test_wrong_derivatives_are_named(expression, position, change, code):
    assert code in mistakes(vectors(expression), "out", position, change)


ARBITRARY: list[tuple[str, Change]] = [
    ("sin(x)", lambda d, x, out: d + 0.1 * x * x * x),
    ("sin(x)", lambda d, x, out: d**3 + 0.2),
    ("tanh(x)", lambda d, x, out: d * (1 + 0.3 * OPS["sin"](7 * x))),
    ("x * y", lambda d, x, y, out: d + 0.05 * x * x),
    ("exp(x)", lambda d, x, out: d + 0.02 * OPS["sin"](x)),
]


@pytest.mark.parametrize(("expression", "change"), ARBITRARY)
def test_what_nothing_explains_stays_without_a_name(expression, change):
    assert mistakes(vectors(expression), "out", 0, change) == []


def test_a_coincidence_at_one_point_is_not_named():
    """At x = 1 it is twice what x^2 has there, and elsewhere something else."""
    assert mistakes(spec("x^2", x=1.0), "out", 0, lambda d, x, y, out: 4 * x**5) == ["formula"]


MATRICES = """bpx = 1
[inputs]
A = [[0.3, 1.2, -0.4], [2.0, -0.7, 0.8], [0.1, 0.2, 0.6]]
B = [[0.5, -0.25, 1.5], [1.1, 0.9, -0.3], [0.4, 0.8, 2.5]]
[graph]
C = "A @ B"
S = "softmax(C)"
L = "sum(S^2)"
"""
PRODUCTS: list[tuple[str, int, Change, str]] = [
    ("C", 0, lambda handed, up, a, b, out: up @ b, "not-transposed"),
    ("C", 1, lambda handed, up, a, b, out: a @ up, "not-transposed"),
    ("C", 0, lambda handed, up, a, b, out: b.T @ up, "order-swapped"),
    ("C", 1, lambda handed, up, a, b, out: up @ a.T, "order-swapped"),
    ("C", 0, lambda handed, up, a, b, out: b @ up, "order-swapped-not-transposed"),
    ("C", 1, lambda handed, *args: handed.T, "result-transposed"),
    ("C", 0, lambda handed, *args: -1 * handed, "sign"),
    ("C", 0, lambda handed, *args: handed / 3, "mean-doubled"),
    ("C", 0, lambda handed, *args: handed * 3, "mean-lost"),
    ("S", 0, lambda handed, up, x, out, **settings: up * out * (1 - out), "diagonal-only"),
    ("S", 0, lambda handed, up, x, out, **settings: up, "unchanged"),
    ("S", 0, lambda handed, *args: 0 * handed, "dropped"),
]


@every("node, position, change, code", PRODUCTS)
def test_wrong_products_and_jacobians_are_named(node, position, change, code):
    assert code in mistakes(toml(MATRICES), node, position, change)


def test_one_wrong_element_is_named():
    off = np.ones((3, 3))
    off[1, 2] = 1.5
    assert mistakes(toml(MATRICES), "C", 0, lambda handed, *args: handed * off) == ["one-element"]


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


@every("culprit", RIGHT)
@every("wrong, code", [("-(%s)", "sign"), ("2*(%s)", "double"), ("0*(%s)", "dropped")])
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
    assert not {point.graph.ops[edge.consumer] for edge in point.checked_edges} & {INPUT, CONSTANT}


@every(
    "claims, entries, place",
    [
        (["w[0] = 60"], ("w[0]",), "w[0] = 60"),
        (["w[0] = 66", "w[1] = 80"], ("w[1]",), "w[1] = 80"),
        (["w[0] = 60", "w[1] = 80"], ("w[0]", "w[1]"), "w[0] = 60"),
        (["w[0] = sum(w*x)*x[0]", "w[1] = 2*sum(w*x)*x[1]"], ("w[0]",), "w[0] = sum(w*x)*x[0]"),
        (["w[0] = 66*w[0]", "w[1] = 88"], ("w[0]",), "w[0] = 66*w[0]"),
        (["w = [60, 88]"], (), "w = [60, 88]"),
    ],
)
def test_of_claims_on_entries_those_that_are_wrong_are_blamed(claims, entries, place):
    made = with_claims(spec("sum(w*x)^2", w=[1.0, 2.0], x=[3.0, 4.0]), map(read_claim, claims))
    report = gradcheck(made)
    (culprit,) = report.blame
    assert (culprit.node, culprit.entries) == ("w", entries)
    assert culprit.span.source.text == place
    assert ", ".join(entries or ["w"]) in str(report)
