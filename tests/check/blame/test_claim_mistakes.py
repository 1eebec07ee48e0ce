"""By which mistakes a wrong claim came about: real slips of people, each with what is said of it."""

from __future__ import annotations

import numpy as np
import pytest
from checking import LOGISTIC, spec, toml
from rows_of_a_table import every

from bpx.check.gradcheck import gradcheck
from bpx.check.report.report import Report
from bpx.spec.reading.claims import read_claim, with_claims
from bpx.spec.reading.syntax import ClaimSyntax

NET = """bpx = 1
output = "L"
[inputs]
X = [[0.5, -1.0], [1.5, 0.25], [-0.75, 2.0]]
W1 = [[0.1, -0.2, 0.3, 0.7], [0.4, 0.5, -0.6, 0.2]]
b1 = [0.01, -0.02, 0.03, 0.1]
W2 = [[0.7, -0.8], [0.9, 1.0], [-1.1, 1.2], [0.3, 0.4]]
b2 = [0.1, -0.1]
T = { value = [[1, 0], [0, 1], [1, 0]], role = "target" }
[graph]
h = "tanh(X @ W1 + b1)"
o = "h @ W2 + b2"
L = "mean((o - T)^2)"
"""


def checked(made, *claims: str) -> Report:
    return gradcheck(with_claims(made, [read_claim(claim) for claim in claims]))


def numbers(made, name: str, values) -> Report:
    """A claim in numbers that are meant exactly."""
    return gradcheck(with_claims(made, [ClaimSyntax(name, None, np.asarray(values).tolist(), None)]))


def said(report: Report) -> list[str]:
    (blame,) = report.blame
    return [mistake.text for mistake in blame.mistakes]


CASES: list[tuple[str, dict, str, str]] = [
    # the value where the derivative belongs, or times it
    (
        "sigmoid(x)",
        {"x": 0.4},
        "x = sigmoid(x)^2*(1-sigmoid(x))",
        "multiplied by the value of `sigmoid` once too often",
    ),
    (
        "c*sigmoid(x)",
        {"x": 0.4, "c": 1.7},
        "x = c*sigmoid(sigmoid(x))",
        "the value of `sigmoid` at its own output is used in place of its derivative",
    ),
    # one name for another of its shape
    (
        "sum(u*(g*n+b))",
        {"u": [0.3, -0.2], "g": [1.5, 0.5], "n": [0.7, -1], "b": [0.1, 0.2]},
        "g = u*(g*n+b)",
        "`g * n + b` is used in place of `n`",
    ),
    (
        "log(1+p)*y",
        {"p": [2, 0.5, 3.5], "y": [1, 1.5, 3]},
        "p = y/(1+y)",
        "`y` is used in place of `p`",
    ),
    # one slip wherever a part occurs
    (
        "a/cos(p)+b/cos(p)",
        {"a": 0.5, "b": -0.8, "p": 0.35},
        "p = -(a+b)/cos(p)^2",
        "on the path through `cos(p)`: at each of the 2 occurrences: the local derivative is missing: "
        "the upstream gradient is passed on unchanged",
    ),
    # the derivative by the logarithm
    (
        "exp(-d^2/(2*l^2))",
        {"d": 1.3, "l": 0.7},
        "l = exp(-d^2/(2*l^2))*d^2/l^2",
        "multiplied by `l`, which makes it the derivative with respect to log(l)",
    ),
    ("x^3", {"x": 1.3}, "x = 3*x^3", "the exponent is not reduced by one"),
    # the names of the spec, not those of the op
    (
        "(x^2+1)^3",
        {"x": 2},
        "x = 3*(x^2+1)*2*x",
        "on the path through `(x^2 + 1)^3`: `x^2 + 1` should be `(x^2 + 1)^2`",
    ),
    # nothing of the inside
    ("(x^0.5+x)^3", {"x": 4}, "x = 3*(x^0.5+x)^2", "the derivative of the inner `x^0.5 + x` is missing"),
    # the kernel's gradient turned round, in numbers of one digit
    (
        "sum(u*conv1d(x,w))",
        {"x": [[[1, 2, 0, 1]]], "w": [[[1, -1, 0.5]]], "u": [[[0.3, -0.2]]]},
        "w = [[[-0.2,0.6,-0.1]]]",
        "reversed along axis 2",
    ),
    # figures as people print them
    (
        "2*sigmoid(z)*x",
        {"z": -1.4067, "x": 1.0},
        "x = 0.40",
        "right, but with `sigmoid(z)` rounded to 0.20 before it was used",
    ),
    ("2*sigmoid(z)*x", {"z": -1.4067, "x": 1.0}, "x = 0.393", "cut off after 3 decimals instead of rounded"),
    # another axis
    (
        "sum(softmax(x)*w)",
        {"x": [[0.3, 0.4, 0.9], [1, 2, -1]], "w": [[1, 2, 3], [0.5, 0.6, -2]]},
        "x = softmax(x,axis=0)*(w-sum(softmax(x,axis=0)*w,axis=0))",
        "`softmax` is taken along axis 0",
    ),
    # a plain factor
    ("sum(x^2*y)", {"x": [1, 2.5], "y": [2.0, 3]}, "x = 6*x*y", "too large by a factor of 3 (divide by 3)"),
    (
        "sum(x^2*y)",
        {"x": [1, 2.5], "y": [2.0, 3]},
        "x = 0.5*x*y",
        "too small by a factor of 4 (multiply by 4)",
    ),
    (
        "sum(x^2*y)",
        {"x": [1, 2.5], "y": [2.0, 3]},
        "x = -4*x*y",
        "two mistakes at once: wrong sign; too large by a factor of 2",
    ),
]


@every("expression, values, claim, text", CASES)
def test_what_is_said_of_a_slip(expression, values, claim, text):
    assert said(checked(spec(expression, **values), claim))[0] == text


REGULARISED = "mean((w*x-t)^2)+lam*w^2"
VALUES = {"x": [0.3, 0.4, 0.9], "t": [1, 2, -1.0], "w": 0.7, "lam": 0.1}


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("w = mean(2*(w*x-t)*x)", "on the path through `w^2`: the contribution is missing"),
        ("w = mean(2*(w*x-t)*x)+4*lam*w", "on the path through `w^2`: too large by a factor of 2"),
        (
            "w = sum(2*(w*x-t)*x)+2*lam*w",
            "on the path through `w * x` (by `w`): not divided by 3: the 1/3 of a mean is missing",
        ),
        ("w = mean(2*w*x*x)+2*lam*w", "`t` is missing: these are the numbers with 0 in its place"),
        (
            "w = mean(2*(w*x-t))+2*lam*w",
            "on the path through `w * x` (by `w`): the local derivative is missing: "
            "the upstream gradient is passed on unchanged",
        ),
    ],
)
def test_a_loss_with_a_regulariser(claim, text):
    assert said(checked(spec(REGULARISED, **VALUES), claim))[0] == text


def test_the_slope_of_the_sigmoid_on_top_of_cross_entropy():
    """The commonest slip of all, at the two-step loss and at the fused one."""
    report = checked(toml(LOGISTIC), "z = (a - y)*a*(1 - a)")
    assert said(report) == ["multiplied by the derivative of `sigmoid` twice"]
    fused = spec("bce_with_logits(z,y)", z=[0.3, -0.5], y=[1, 0])
    report = checked(fused, "z = (sigmoid(z)-y)*sigmoid(z)*(1-sigmoid(z))/2")
    assert said(report) == ["this is the right gradient multiplied by `sigmoid(z) * (1 - sigmoid(z))`"]


def test_a_forgotten_target():
    assert said(checked(toml(LOGISTIC), "z = a"))[0].startswith("`y` is missing")


def test_weights_that_were_updated_before_the_gradient_was_read():
    made = spec("(w @ x - t)^2", x=[0.5, -1.5], w=[1.0, 2.0], t=0.3)
    updated = "x = 2*(w @ x - t) * (w - 0.1 * 2*(w @ x - t)*x)"
    assert said(checked(made, updated)) == [
        "`w` is used after its update (learning rate 0.1) instead of before"
    ]


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        ("h = (o - T) @ W2.T * h", "this is the right gradient multiplied by `3 * h`"),
        ("b1 = sum((o - T)/3 @ W2.T * (1 - h), axis=0)", "on the path through `h`: `h` should be `h^2`"),
        (
            "W1 = X.T @ ((o - T)/3 @ W2.T)",
            "on the path through `h`: the local derivative is missing: "
            "the upstream gradient is passed on unchanged",
        ),
    ],
)
def test_a_net(claim, text):
    assert said(checked(toml(NET), claim)) == [text]


def test_claims_in_numbers_are_looked_for_among_short_formulas():
    made = toml(NET)
    inputs = {one.name: one.value for one in made.inputs}
    h = np.tanh(inputs["X"] @ inputs["W1"] + inputs["b1"])
    o = h @ inputs["W2"] + inputs["b2"]
    assert said(numbers(made, "o", 2 * o * (o - inputs["T"]))) == [
        "these are the numbers of `2 * o * (o - T)`"
    ]
    report = numbers(made, "W2", h.T @ (o * inputs["T"]))
    assert report.blame[0].correction is not None
    assert str(report.blame[0].correction).startswith("∂L/∂W2 = h.T @ (o - T) / 3 = ")
    assert said(numbers(made, "b2", [1.2345, 0.777])) == []


def test_a_computation_in_float32_is_no_mistake_of_a_known_kind():
    """Of a pattern whose numbers are the right ones as far as anybody can see nothing is said."""
    made = toml(LOGISTIC)
    for claim in ("w = [-0.19516290, 0.065054300]", "z = -0.130108600"):
        assert said(checked(made, claim)) == ["off by 1e-6 of its size: about the precision of float32"]


def test_two_mistakes_that_cancel_are_both_told():
    report = checked(toml(LOGISTIC), "a = 2*(a - y)/(a*(1 - a))", "z = a - y", "b = a - y")
    (blame,) = report.blame
    assert (blame.node, blame.mistakes[0].code, blame.cancelled) == ("a", "double", ("z",))
    assert "`z` is right although it does not follow from this claim" in report.to_plain()
    assert checked(toml(LOGISTIC), "a = (a - y)/(a*(1 - a))", "z = a - y").blame == ()


def test_a_path_is_said_by_the_text_of_its_node_and_the_arg_meant():
    claim = "x = (u*g-mean(u*g,axis=1,keepdims=True))/sqrt(var(x,axis=1,keepdims=True)+1e-5)"
    made = spec(
        "sum(u*layer_norm(x,g))", x=[[0.5, -1, 2, 0.3]], g=[1.5, 0.5, -2, 0.8], u=[[0.3, -0.2, 0.5, 0.7]]
    )
    (text,) = said(checked(made, claim))
    assert text.startswith("on the path through `x - ")
    assert " (by `" in text
    assert "`v" not in text


def test_of_a_part_that_occurs_twice_it_is_said_which_is_meant():
    made = spec("a/cos(p)+b/cos(p)", a=0.5, b=-0.8, p=0.35)
    (text,) = said(checked(made, "p = sin(p)/cos(p)^2*(a - b)"))
    assert text == "on the path through `cos(p)` (occurrence 2 of 2): wrong sign"


def test_different_slips_in_different_entries_are_both_told():
    made = spec("sum(x^3)", x=[0.3, 0.4, 0.9, 1.1])
    right = 3 * np.array([0.3, 0.4, 0.9, 1.1]) ** 2
    assert said(numbers(made, "x", right * [1, 2, 1, -1])) == [
        "two mistakes at once: wrong sign at [3]; too large by a factor of 2 at [1]"
    ]


@pytest.mark.parametrize("seed", range(8))
def test_an_arbitrary_distortion_has_no_name(seed):
    rng = np.random.default_rng(seed)
    made = toml(NET)
    for name in ("W1", "b1", "W2", "o"):
        shape = made.graph.shapes[made.nodes[name]]
        assert said(numbers(made, name, rng.normal(size=shape))) == []
    number = rng.normal()
    assert said(numbers(toml(LOGISTIC), "z", number)) == []


GATE = """bpx = 1
output = "L"
[inputs]
x = 0.7
h = -0.4
w = 1.3
u = 0.8
b = 0.2
[graph]
z = "w*x + u*h + b"
i = "sigmoid(z)"
L = "i^3 + i"
"""


def test_one_mistake_above_several_claims_is_blamed_once():
    wrong = "(3*i^2 + 1)*(1 - i^2)"  # the slope of tanh in the place of that of sigmoid
    claims = [f"x = {wrong}*w", f"h = {wrong}*u", f"w = {wrong}*x", f"u = {wrong}*h", f"b = {wrong}"]
    report = checked(toml(GATE), *claims)
    (blame,) = report.blame
    assert {blame.node, *blame.also} == {"x", "h", "w", "u", "b"}
    assert [mistake.code for mistake in blame.mistakes] == ["other-op"]
    assert "The same mistake explains the claims for" in report.to_plain()


def test_different_mistakes_are_blamed_one_by_one():
    report = checked(toml(GATE), "x = -(3*i^2 + 1)*i*(1 - i)*w", "b = 2*(3*i^2 + 1)*i*(1 - i)")
    assert {blame.node for blame in report.blame} == {"x", "b"}
