"""What people type in the first minute, and stumble over."""

from __future__ import annotations

import pytest
from invoking import invoke
from rows_of_a_table import every

NEURON = ("(sigmoid(w*x+b) - y)^2", "w=0.5", "x=2", "b=0", "y=1")


@every(
    "args, advice",
    [
        (("gradcheck", *NEURON, "--claim", "2.3"), '--claim "w = 2.3"'),
        (("gradcheck", *NEURON, "--claim", "dL/dw", "2.3"), '--claim "dL/dw = …"'),
        (("gradcheck", *NEURON, "--claim", "w' = 3"), "a claim names an input or a node"),
        (("explain", "d/dx x^2", "x=3"), 'bpx explain "x^2" x=3 --wrt x'),
        (("explain", "d/dx(x^2)", "x=3"), 'bpx explain "x^2" x=3 --wrt x'),
        (("explain", "dL/dw of (w-1)^2", "w=3"), 'bpx explain "(w-1)^2" w=3 --wrt w'),
        (("explain", r"\frac{d}{dx} x^2", "x=3"), 'bpx explain "x^2" x=3 --wrt x'),
        (("explain", "d/dx x^2 sin x at x=2"), 'bpx explain "x^2 sin x" x=2 --wrt x'),
        (("explain", "d/dx(a x^2)|_{x=2}", "a=3"), 'bpx explain "a x^2" x=2 a=3 --wrt x'),
        (("explain", "ln(1 + e^-x) at x = 0.3"), 'bpx "ln(1 + e^-x)" x=0.3'),
        (("explain", "x*y for x=2 and y=[1, 2]"), 'bpx "x*y" x=2 y="[1, 2]"'),
        (("explain", "x^2", "x=3", "--forward", "--second"), "leave `forward` out"),
        (("explain", "grad", "x^2", "x=3"), "`grad` is not a command"),
        (("explain", "x^2", "at", "x=3"), "put quotes around"),
        (("explain", "x^2", "3"), "x=3"),
        (("explain", "x^2", "--x", "3"), "without dashes: x=3"),
        (("explain", "x^2", "x=3", "--step", "1", "--step", "2"), "`--step` takes one value"),
        (("explain", "x", "+", "y", "x=1", "y=2"), 'bpx explain "x + y"'),
    ],
)
def test_each_stumble_is_answered_with_what_to_type(args, advice):
    result = invoke(*args, exit=2)
    assert advice in " ".join(result.stderr.split())


@every(
    "name",
    [
        "dL/dw", "d/dw", "∂/∂w", "L'", "L'(w)", r"\frac{\partial L}{\partial w}", r"\partial L/\partial w",
        r"\nabla_w L", r"\nabla_{w} L", r"$\frac{dL}{dw}$",
    ],
)  # fmt: skip
def test_a_claim_is_named_as_people_name_derivatives(name):
    invoke("gradcheck", "L = (w - 1)^2", "w=3", "--claim", f"{name} = 4")


@pytest.mark.parametrize("args", [("x", "=", "3"), ("x=3",), ("--set", "x=3")])
def test_values_may_have_blanks_around_the_sign(args):
    assert "out = 9" in invoke("explain", "x^2", *args).stdout


@every(
    "command",
    ["explain", "gradcheck", "audit", "train", "practice", "convert", "ops", "examples", "schema", "help"],
)
def test_help_shows_three_examples_before_the_options(command):
    shown = invoke(command, "--help").stdout
    head = shown[: shown.index("Options:")]
    assert head.count("\n    bpx ") == 3


@pytest.mark.parametrize(
    "formula, values",
    [
        ("a = relu(w x + b); loss = 1/2 (a - t)^2", ("w=2", "x=1", "b=-1", "t=3")),
        ("log_b(x)", ("b=2", "x=8")),
    ],
)
def test_values_for_a_formula_that_cannot_be_read_are_not_unknown(formula, values):
    result = invoke("explain", formula, *values, exit=2)
    assert "is not an input" not in result.stderr
    assert "`q` is not an input" in invoke("explain", formula, *values, "q=1", exit=2).stderr
