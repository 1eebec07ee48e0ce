"""What an explanation says of powers, guards and stated upstream gradients; and the worksheet."""

from __future__ import annotations

import json

import pytest

import bpx


def text(formula: str, /, *, upstream: object = None, forward: bool = False, **values: object) -> str:
    explanation = bpx.load(formula, **values).explain(upstream=upstream, forward=forward, check=False)
    return explanation.to_plain()


def test_the_pattern_of_a_power_is_that_of_the_case():
    assert "log(a)" in text("2^x", x=3)
    of_e = text("e^x", x=3)
    assert "its own value" in of_e
    assert "log(" not in of_e
    assert "2.718" not in of_e
    assert "e^3" in of_e
    both = text("e^x + 2^x + x^2", x=3)
    assert all(part in both for part in ("n · x^(n-1)", "log(a)", "its own value"))


@pytest.mark.parametrize("upstream, shown", [(2, "upstream gradient 2 of out"), (0.5, "gradient 0.5 of out")])
def test_a_stated_upstream_gradient_is_no_derivative_of_the_output_by_itself(upstream, shown):
    explained = text("x^2", x=3, upstream=upstream)
    assert "∂out/∂out" not in explained
    assert shown in explained


def test_an_array_stands_for_its_sum():
    assert "∂sum(out)/∂out = [1, 1]" in text("norm(x, axis=1)", x=[[3.0, 4.0], [5.0, 12.0]])


@pytest.mark.parametrize(
    "formula, values",
    [
        ("norm(x)", {"x": [3.0, 4.0]}),
        ("hypot(x, y)", {"x": 3.0, "y": 4.0}),
        ("clip(x, 0, 1)", {"x": 0.4}),
    ],
)
def test_guards_that_guard_nothing_are_not_printed(formula, values):
    for edge in bpx.load(formula, **values).explain(check=False).edges:
        assert "== 0" not in str(edge.local_formula)
        assert "0 < 1" not in str(edge.local_formula)


def test_a_guard_that_acts_is_printed():
    [edge] = bpx.load("norm(x)", x=[0.0, 0.0]).explain(check=False).edges
    assert "== 0" in str(edge.local_formula)


def test_a_worksheet_has_the_values_and_no_gradient():
    explanation = bpx.load("(x+y)^2*x", x=3, y=-1).explain(forward=True)
    plain = json.loads(explanation.to_json())
    assert {node["name"]: node["value"] for node in plain["nodes"]}["out"] == 12
    assert not any(key.startswith("upstream") for node in plain["nodes"] for key in node)
    assert "gradients" not in plain
    assert "edges" not in plain
    assert plain["worksheet"]["gradients"] == ["x", "y"]
    assert len(plain["worksheet"]["edges"]) == 5
    shown = explanation.to_plain()
    assert "v1 → x" in shown
    assert "16" not in shown


def test_a_worksheet_of_one_node_asks_for_its_gradients_and_names_what_is_too_large():
    loaded = bpx.load("h = W @ x; k = tanh(h); out = sum(k*y)", W=[[0.1] * 4] * 5, x=[1.0] * 4, y=[2.0] * 5)
    alone = json.loads(loaded.explain(forward=True, node="h").to_json())
    assert alone["worksheet"]["gradients"] == ["W", "x"]
    assert "more than 16 numbers" in loaded.explain(forward=True).to_plain()
    assert "more than" not in loaded.explain(forward=True, node="h").to_plain()


@pytest.mark.parametrize("asked", [{"second": True}, {"step": 0.1}, {"paths": ()}, {"order": 2}])
def test_a_worksheet_refuses_what_it_has_no_room_for(asked):
    with pytest.raises(bpx.BpxError, match="leaves the reverse pass to you"):
        bpx.load("x^2", x=3).explain(forward=True, **asked)
