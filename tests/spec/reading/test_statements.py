"""Several statements in one text."""

from __future__ import annotations

import numpy as np
import pytest
from rows_of_a_table import every

from bpx.explain.explain import explain
from bpx.spec.reading.read import read_statements
from bpx.spec.reading.statements import is_statements, split_assignments
from bpx.spec.reading.target import read_target
from bpx.words.diagnostic import BpxError, Source


def codes(text: str, **values: float) -> list[str]:
    with pytest.raises(BpxError) as error:
        read_statements(Source("<expression>", text), values)
    return [problem.code for problem in error.value.diagnostics]


@every(
    "text, output, value, inputs",
    [
        ("y = x^2; x = 3", "y", 9.0, ["x"]),
        ("f(x) = x^2, x=3", "f", 9.0, ["x"]),
        ("f(x, y) = x*y; x=2; y=3", "f", 6.0, ["x", "y"]),
        ("x^2; x=3", "out", 9.0, ["x"]),
        ("x=3; x^2", "out", 9.0, ["x"]),
        ("(x+y)^2, x=3, y=-1", "out", 4.0, ["x", "y"]),
        ("z = w*x + b; a = z^2; L = a - y; w=1; x=2; b=-1; y=1", "L", 0.0, ["w", "x", "b", "y"]),
        ("L = (a - y)^2; a = w*x; w = 2; x = 3; y = 4", "L", 4.0, ["w", "x", "y"]),  # any order
        ("z = x^2\nL = z + 1\nx = 2", "L", 5.0, ["x"]),
        ("z := x + 1; x := 2", "z", 3.0, ["x"]),
        ("s = sum(v); v = [1, 2, 3]", "s", 6.0, ["v"]),
        ("w = pi/2; y = sin(w)", "y", 1.0, ["w"]),
        ("out = x; z = out + 1; z^2; x = 1", "out_", 4.0, ["x"]),
        ("L = where(x == 3, x, 0); x = 3", "L", 3.0, ["x"]),
    ],
)
def test_statements_are_steps_and_values(text: str, output: str, value: float, inputs: list[str]) -> None:
    spec = read_target(text)
    assert spec.names[spec.output] == output
    assert [input.name for input in spec.inputs] == inputs
    assert np.allclose(explain(spec).value, value)


def test_values_from_outside_come_before_those_in_the_text() -> None:
    assert explain(read_target("y = x^2; x = 3", {"x": 4})).value == 16
    assert explain(read_target("b = 1; y = b*x; x = 3", {"b": 2})).value == 6


@every(
    "text, expected",
    [
        ("x = 3", ["no-expression"]),
        ("y = x^2", ["missing-value"]),
        ("x^2; y^2; x=1; y=2", ["two-expressions"]),
        ("y = x; y = 2*x; x = 1", ["stated-twice"]),
        ("x = 1; y = x; x = 2", ["stated-twice"]),
        ("a = b + x; b = a; x = 1", ["cycle"]),
        ("x' = x^2; x = 1", ["bad-name"]),
        ("y = x +; x = 1", ["ends-too-early"]),
        ("y = x +; z = ) ; x = 1", ["ends-too-early", "expected-operand"]),
        ("y = x^2; x = 1/0", ["not-finite-input"]),
    ],
)
def test_what_is_wrong_is_said(text: str, expected: list[str]) -> None:
    assert codes(text) == expected


def test_a_problem_is_shown_at_its_place_in_the_text() -> None:
    with pytest.raises(BpxError) as error:
        read_target("z = w*x; L = (z - y))^2")
    problem = error.value.diagnostics[-1]
    assert problem.span is not None
    assert (problem.span.start, problem.span.text) == (20, ")")


@pytest.mark.parametrize("text", ["x + y", "where(x == 3, 1, 2)", "conv2d(x, K, stride=2)", "max(x, y)", "x"])
def test_an_expression_is_no_statement(text: str) -> None:
    assert not is_statements(text)


def test_assignments_are_split_at_names() -> None:
    assert split_assignments("x=3, y=-1") == ["x=3", "y=-1"]
    assert split_assignments("x=[1, 2], y=max(1, 2); z=3") == ["x=[1, 2]", "y=max(1, 2)", "z=3"]
    assert split_assignments("x=1,5") == ["x=1,5"]
