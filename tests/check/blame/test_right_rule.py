"""The rule that would be right, in names that the reader can look up."""

from __future__ import annotations

import pytest
from checking import point_of, spec, toml

from bpx.check.blame.blame_rules import right_rule


def rule(made, name, position=0):
    point = point_of(made)
    (edge,) = [
        one for one in point.ledger.edges if one.consumer == made.nodes[name] and one.position == position
    ]
    return str(right_rule(point, edge))


@pytest.mark.parametrize(
    ("expression", "position", "text"),
    [
        ("sin(x)", 0, "∂out/∂x = cos(x)"),
        ("sigmoid(x)", 0, "∂out/∂x = out * (1 - out)"),
        ("x / y", 1, "∂out/∂y = -out / y"),
        ("x^3", 0, "∂out/∂x = 3 * x^2"),
    ],
)
def test_rules_of_the_table(expression, position, text):
    made = spec(expression, x=0.5, y=2.0) if "y" in expression else spec(expression, x=0.5)
    assert rule(made, "out", position) == text


def test_nodes_without_a_name_are_explained():
    made = spec("sin(w*x + b)", x=3.0, w=0.5, b=1.0)
    assert rule(made, "out") == "∂out/∂v2 = cos(v2) where v1 = w * x, v2 = v1 + b"


def test_a_rule_of_the_spec_is_derived_from_its_value():
    made = toml(
        'bpx = 1\n[inputs]\nz = 0.5\n[ops.cube]\nargs = ["t"]\nvalue = "t^3"\npartials = { t = "t^2" }\n'
        '[graph]\ny = "cube(z)"\n'
    )
    assert rule(made, "y") == "∂cube/∂t = 3 * t^2"


def test_array_ops_say_what_is_handed_back():
    made = toml(
        'bpx = 1\n[inputs]\na = [[1, 2], [3, 4]]\nb = [[1, 0], [1, 1]]\n[graph]\nc = "a @ b"\ns = "sum(c)"\n'
    )
    assert rule(made, "c", 0) == "∂s/∂c @ b.T"
