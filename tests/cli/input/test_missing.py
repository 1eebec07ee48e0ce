"""Inputs that nobody gave a value."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from bpx.cli.input import missing
from tests.invoking import error_codes, invoke, plain_json


def test_all_that_are_missing_are_named_with_a_line_to_copy() -> None:
    shown = invoke("explain", "w*x + b", "x=1", exit=2).stderr
    assert shown.count("missing-value") == 2
    assert shown.count("help:") == 1
    assert "add w=0.5 b=0.5 to the command, or --random for any values" in shown


def test_numbers_are_drawn_for_those_that_are_missing() -> None:
    nodes = {node["name"]: node for node in plain_json("explain", "w*log(x) + b", "w=2", "--random")["nodes"]}
    assert nodes["w"]["value"] == 2
    assert all(0.1 <= nodes[name]["value"] <= 0.9 for name in ("x", "b"))
    assert nodes["x"]["value"] != nodes["b"]["value"]


def test_arrays_are_drawn_by_shape_and_seed() -> None:
    def draw(*options: str) -> Any:
        return plain_json("gradcheck", "sum(w@x)", "--random", "w:(2,3) x:(3,)", *options)

    assert draw() == draw()
    assert draw() != draw("--seed", "1")
    assert draw()["counts"]["agree"] == 9


def test_values_given_come_before_those_drawn() -> None:
    nodes = plain_json("explain", "x*y", "x=2", "--random", "x:(3,) y:(3,)")["nodes"]
    assert nodes[0]["value"] == 2


def test_what_is_wrong_beside_it_is_not_hidden() -> None:
    assert error_codes("explain", "2 3 + x + y", "--random") == [
        "implicit-product",
        "missing-value",
        "missing-value",
    ]
    assert error_codes("explain", "x", "--random", "x:3)") == ["bad-random"]


def test_a_terminal_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["3", "2 3", "[1, 2]"])
    monkeypatch.setattr(missing.typer, "prompt", lambda *_, **__: next(answers))

    class Terminal:
        def isatty(self) -> bool:
            return True

        def write(self, text: str) -> int:
            return len(text)

        def flush(self) -> None:
            pass

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(sys, "stderr", Terminal())
    from bpx.cli.input.arguments import spec_argument

    spec = spec_argument("x*y", None)
    assert [input.value.tolist() for input in spec.inputs] == [3, [1, 2]]
