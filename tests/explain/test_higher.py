"""Third and higher derivatives: in closed form, and what is said of kinks and of what cannot be derived."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from invoking import error_codes, plain_json
from rows_of_a_table import every

from bpx.explain.explain import explain
from bpx.render.plain import plain
from bpx.spec.reading.read import read_expression
from bpx.words.diagnostic import BpxError, Source

E3 = math.exp(0.3)
S = 1 / (1 + math.exp(-0.3))
IN_CLOSED_FORM: list[tuple[str, dict[str, float], int, dict[tuple[str, ...], float]]] = [
    ("x^5", {"x": 2.0}, 5, {("x",) * 3: 240.0, ("x",) * 4: 240.0, ("x",) * 5: 120.0}),
    ("exp(x)", {"x": 0.3}, 4, {("x",) * 3: E3, ("x",) * 4: E3}),
    ("sin(2*x)", {"x": 0.4}, 3, {("x",) * 3: -8 * math.cos(0.8)}),
    ("sigmoid(x)", {"x": 0.3}, 3, {("x",) * 3: S * (1 - S) * (1 - 6 * S + 6 * S**2)}),
    ("1/x", {"x": 2.0}, 4, {("x",) * 3: -6 / 16, ("x",) * 4: 24 / 32}),
    ("2*x + 1", {"x": 2.0}, 3, {("x",) * 3: 0.0}),
    (
        "x^2*exp(y)",
        {"x": 3.0, "y": 0.3},
        3,
        {("x",) * 3: 0.0, ("x", "x", "y"): 2 * E3, ("x", "y", "y"): 6 * E3, ("y",) * 3: 9 * E3},
    ),
]


@every("text, values, order, expected", IN_CLOSED_FORM)
def test_in_closed_form(
    text: str, values: dict[str, Any], order: int, expected: dict[tuple[str, ...], float]
) -> None:
    found = explain(read_expression(Source("<expression>", text), values), order=order).to_dict()
    assert {tuple(row["by"]): row["value"] for row in found["higher"]} == pytest.approx(expected, rel=1e-12)
    assert found["higher_check"] == "agree"
    assert found["second"]


def test_on_screen() -> None:
    spec = read_expression(Source("<expression>", "x^2*exp(y)"), {"x": 3.0, "y": 0.0})
    text = plain(explain(spec, order=3).blocks())
    assert re.search(r"∂³out/∂x²∂y +2\b", text)
    assert "all 4 higher derivatives agree" in " ".join(text.split())


@pytest.mark.parametrize("text", ["relu(x)^3", "relu(x)", "abs(x)*x"])
def test_a_derivative_that_does_not_exist_is_not_confirmed(text: str) -> None:
    found = explain(read_expression(Source("<expression>", text), {"x": 0.0}), order=3).to_dict()
    assert found["higher_check"] == "kink"


def test_what_there_is_not() -> None:
    with pytest.raises(BpxError, match="higher-of-scalars"):
        explain(read_expression(Source("<expression>", "sum(x)"), {"x": [1.0, 2.0]}), order=3)
    for order in ("0", "9", "-1"):
        assert error_codes("explain", "x^2", "x=3", "--order", order) == ["bad-highest-order"]
    many = "+".join(f"x{i}^2" for i in range(9))
    values = [f"x{i}=1" for i in range(9)]
    assert error_codes("explain", many, *values, "--order", "3") == ["too-many-higher"]


def test_orders_one_and_two() -> None:
    assert "second" not in plain_json("explain", "x^2", "x=3", "--order", "1")
    found = plain_json("explain", "x^2", "x=3", "--order", "2", "--no-check")
    assert found["second"]
    assert "higher" not in found
