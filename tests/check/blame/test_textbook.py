"""The shortest form of a right gradient: an identity, or nothing."""

from __future__ import annotations

import numpy as np
import pytest
from checking import LOGISTIC, point_of, spec, toml

from bpx.check.blame.right_gradient import right_gradient
from bpx.check.blame.textbook import points_everywhere, textbook_form
from bpx.graph.run import run

LAYER = """bpx = 1
output = "L"
[inputs]
h = [[0.5, -1.0], [1.5, 0.25], [-0.75, 2.0]]
W = [[0.7, -0.8], [0.9, 1.0]]
T = { value = [[1, 0], [0, 1], [1, 0]], role = "target" }
[graph]
o = "h @ W"
L = "mean((o - T)^2)"
"""


def form(made, name: str) -> str | None:
    short = textbook_form(point_of(made), made.nodes[name])
    return None if short is None else str(short.formula)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("z", "a - y"),
        ("b", "a - y"),
        ("w", "x * (a - y)"),
        ("x", "w * (a - y)"),
        ("a", "(a - y) / (a * (1 - a))"),
    ],
)
def test_a_logistic_unit(name, text):
    """The target is 1 at the point given; the form holds for others too."""
    assert form(toml(LOGISTIC), name) == text


@pytest.mark.parametrize(
    ("name", "text"), [("o", "(o - T) / 3"), ("W", "h.T @ (o - T) / 3"), ("h", "(o - T) @ W.T / 3")]
)
def test_a_linear_layer(name, text):
    assert form(toml(LAYER), name) == text


def test_a_form_that_is_none():
    assert form(spec("sin(x*y)^3 * exp(x + sin(y))", x=0.4, y=1.3), "x") is None
    assert form(spec("y^2", y=1.3), "y") == "2 * y"


def test_the_form_is_the_gradient_at_further_points():
    made = toml(LAYER)
    checked = point_of(made)
    gradient = checked.by_own_rules.gradient(made.nodes["W"])
    assert gradient is not None
    for point in points_everywhere(checked, 4):
        values = run(checked.graph, point, [gradient.id, made.nodes["o"]])
        h, T = (point[made.nodes[name]] for name in "hT")
        assert values[gradient.id] == pytest.approx(h.T @ (values[made.nodes["o"]] - T) / 3)
    first, moved = (point[made.nodes["T"]] for point in points_everywhere(checked, 2))
    assert not np.array_equal(first, moved)


def test_it_stands_beside_what_the_chain_rule_gives_where_it_is_shorter():
    made = toml(LOGISTIC)
    checked = point_of(made)
    texts = {}
    for name in ("z", "a", "L"):
        node = made.nodes[name]
        texts[name] = str(right_gradient(checked, node))
    assert texts["z"] == "∂L/∂z = a - y = ∂L/∂a * (a * (1 - a))"
    assert texts["L"] == "∂L/∂L = 1"
