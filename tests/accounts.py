"""Accounts for the tests of the renderers: every example with every section, and some harder ones."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from bpx.explain.explain import explain
from bpx.explain.explanation import Explanation
from bpx.explain.sections.second import LARGEST_HESSIAN
from bpx.graph.named.named_graph import NamedGraph
from bpx.spec.reading.examples import example_names
from bpx.spec.reading.target import read_target, read_text
from bpx.words.diagnostic import Source

EVERYTHING: dict[str, Any] = {"paths": [], "second": True, "step": 0.5}
RUNGS = {f"a{i}": f"sin(a{i - 1}) * {i + 2} + cos(a{i - 1})" for i in range(1, 12)}
LADDER = json.dumps({"bpx": 1, "inputs": {"x": 0.25}, "graph": {"a0": "x * 1.5", **RUNGS}})

EXPRESSIONS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "square of a sum": ("(x+y)^2", {"x": 3, "y": -1}, EVERYTHING),
    "small numbers": ("x / 7e15 + y * 1e-9", {"x": -1.23456789, "y": 2}, EVERYTHING),
    "a sum in parts": ("sigmoid(x) * tanh(x) + log1p(x)", {"x": 0.3}, {**EVERYTHING, "expand": ["all"]}),
    "a weighted output": ("M @ x", {"M": [[1.5, -2.25], [3, 4]], "x": [5, -6.125]}, {"upstream": [1, -0.5]}),
    "a bias": (
        "mean((X @ W + b)^2)",
        {"X": [[1, 2], [3, -1]], "W": [[0.5, 2], [1, -1]], "b": [0.1, 7]},
        EVERYTHING,
    ),
    "a cube": ("sum(x * [1, 2]) ", {"x": [[[1, 2], [3, 4]], [[5, 6], [7, 8.5]]]}, EVERYTHING),
    "large arrays": ("sum(sin(x) * 3)", {"x": [i / 7 for i in range(40)]}, {"paths": [], "step": 0.1}),
    "a large matrix": (
        "mean(A @ A.T)",
        {"A": [[i / 9 - j for j in range(5)] for i in range(5)]},
        {"paths": []},
    ),
    "many paths": (LADDER, {}, {"paths": [], "second": True}),
    "not finite": ("c * sqrt(x)", {"c": 2, "x": 0}, {}),
    "kinks": ("max(x, y) + relu(z) + |z|", {"x": 1, "y": 1, "z": 0}, EVERYTHING),
    "flat": ("x * floor(x)", {"x": 2.5}, EVERYTHING),
    "all that can be escaped": (
        "where(x_1 <= |y|, x_1 * y_2, [1, 2] @ y) > 0.5",
        {"x_1": 1, "y": [2, 3], "y_2": 4},
        {},
    ),
    "no gradient": ("2 + 3", {}, {}),
}
NAMES = [*example_names(), *EXPRESSIONS]


@cache
def full_account(name: str) -> Explanation:
    """The account of a bundled example with every section, or of one of the expressions."""
    if name in EXPRESSIONS:
        text, values, options = EXPRESSIONS[name]
        return explain(read_text(Source("<text>", text), values), **options)
    return explain(read_target(name), **sections(read_target(name)))


@cache
def expanded_account(name: str) -> Explanation | None:
    """The same example in simpler ops; None for the expressions."""
    return None if name in EXPRESSIONS else _expanded(read_target(name))


def _expanded(spec: NamedGraph) -> Explanation:
    return explain(spec, **sections(spec), expand=["all"])


def sections(spec: NamedGraph) -> dict[str, Any]:
    """Every section there is for a spec of its size."""
    derived = sum(one.value.size for one in spec.inputs if one.role in ("data", "parameter"))
    return {**EVERYTHING, "second": derived <= LARGEST_HESSIAN}
