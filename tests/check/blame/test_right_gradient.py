"""The right gradient of a node, in names of the spec, as somebody may claim it."""

from __future__ import annotations

import pytest
from checking import LOGISTIC, point_of, spec, toml
from rows_of_a_table import every

from bpx.check.blame.right_gradient import right_gradient
from bpx.check.gradcheck import gradcheck
from bpx.spec.reading.claims import read_claim, with_claims

X = [[1.0, 2.0], [3.0, 4.0]]
W = [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]
B = [0.1, 0.2, 0.3]
T = [[1.0, 2.0, 3.0], [2.0, 1.0, 5.0]]


def gradient(made, name):
    return str(right_gradient(point_of(made), made.nodes[name]))


def test_several_paths_are_summed():
    made = toml('bpx = 1\n[inputs]\nx = 2\n[graph]\nu = "x^2"\nv = "3*x"\ny = "u*v"\n')
    assert gradient(made, "x") == "∂y/∂x = v^2 = 3 * ∂y/∂v + ∂y/∂u * (2 * x)"


def test_nothing_arrives_where_the_output_does_not_depend_on_it():
    made = toml('bpx = 1\n[inputs]\nx = 2\nz = 1\n[graph]\ny = "x^2"\n')
    assert gradient(made, "z") == "∂y/∂z = 0"


def test_a_step_beside_those_of_the_output_is_not_named():
    made = toml('bpx = 1\n[inputs]\nx = 2\n[graph]\nbeside = "exp(x)"\ny = "log(2 + cos(x))"\n')
    assert gradient(made, "x") == "∂y/∂x = -sin(x) / (2 + cos(x))"


CASES = [
    ("sin(w*x + b)", {"x": 3.0, "w": 0.5, "b": 1.0}, "w", "cos(w * x + b) * x"),
    # what NumPy would write: sums over axes, no copies, a mean's n in the denominator
    ("mean((x@w+b-t)^2)", {"x": X, "w": W, "b": B, "t": T}, "w", "x.T @ (2 * (x @ w + b - t) / 6)"),
    ("mean((x@w+b-t)^2)", {"x": X, "w": W, "b": B, "t": T}, "b", "sum(2 * (x @ w + b - t) / 6, axis=0)"),
    (
        "cross_entropy(x@w+b,y)",
        {"x": X, "w": W, "b": B, "y": [0, 2]},
        "w",
        "x.T @ ((softmax(x @ w + b) - one_hot(y, n=3)) / 2)",
    ),
    (
        "sum((x - c)^2)",
        {"x": X, "c": [[0.5], [1.5]]},
        "c",
        "sum(-(2 * (x - c)), axis=1, keepdims=true)",
    ),
    ("sum(mean(x,axis=0)^2)", {"x": X}, "x", "broadcast_to(2 * mean(x, axis=0) / 2, shape=[2, 2])"),
    ("sum(u*g)", {"u": [1.0, 2], "g": [3.0, 4]}, "u", "g"),
]


@every("expression, values, name, text", CASES)
def test_it_is_written_as_people_do_and_can_be_claimed(expression, values, name, text):
    made = spec(expression, **values)
    assert gradient(made, name) == f"∂out/∂{name} = {text}"
    assert gradcheck(with_claims(made, [read_claim(gradient(made, name))])).verdict == "agree"


def test_the_chain_rule_starts_at_the_next_node_with_a_name():
    made = toml(LOGISTIC)
    assert gradient(made, "w").endswith("= ∂L/∂z * x")


def test_a_long_one_starts_at_its_consumers_and_says_what_they_are():
    made = spec(
        "exp(-sqrt(1 + a^2 + b^2)*log(2 + sin(a*b)^2)/(3 + cos(a + b)))*atan(x*a*b + a^3)", a=0.5, b=0.3, x=2
    )
    text = gradient(made, "b")
    assert " where " in text
    assert "∂out/∂v" in text
    assert gradcheck(with_claims(made, [read_claim(text)])).verdict == "agree"


@pytest.mark.parametrize(
    ("expression", "values"),
    [("sqrt(x*y)", {"x": 2.0, "y": 3.0}), ("log(x*y)^2", {"x": 2.0, "y": 3.0})],
)
def test_a_shorter_form_is_defined_wherever_the_gradient_is(expression, values):
    """sqrt(y) / (2 * sqrt(x)) is not defined where both are negative, and the gradient is."""
    made = spec(expression, **values)
    claim = gradient(made, "x")
    negative = spec(expression, **{name: -value for name, value in values.items()})
    assert gradcheck(with_claims(negative, [read_claim(claim)])).verdict == "agree"
