"""Gradients in use: judged as they are, wherever they come from."""

from __future__ import annotations

import numpy as np
import pytest

from bpx.check.training_check import check_training_gradient
from bpx.explain.explain import explain
from bpx.graph.named.named_graph import NamedGraph
from bpx.spec.reading.read import read_expression, read_spec
from bpx.words.diagnostic import Source

WRONG_RULE = """bpx = 1
[inputs]
x = 0.5
[graph]
y = "gated(2*x)"
[ops.gated]
args = ["x"]
value = "x * sigmoid(x)"
partials = { x = "sigmoid(x)" }
"""


@pytest.fixture
def spec() -> NamedGraph:
    values = {"x": [1.0, -0.5], "w": [[0.5, 2.0], [1.0, -1.0]]}
    return read_expression(Source("<text>", "sum(tanh(x @ w))"), values)


def test_the_right_gradient_agrees(spec: NamedGraph) -> None:
    report = check_training_gradient(spec, explain(spec, check=False).gradients)
    assert (report.verdict, report.total, report.blame) == ("agree", 6, ())


@pytest.mark.parametrize("error", [1e-4, 1, -2, np.nan, np.inf])
def test_any_other_does_not(spec: NamedGraph, error: float) -> None:
    gradients = {name: np.array(one) for name, one in explain(spec, check=False).gradients.items()}
    gradients["w"][0, 1] *= 1 + error
    report = check_training_gradient(spec, gradients)
    assert report.worst
    assert (report.verdict, report.worst.label, report.counts["disagree"]) == ("disagree", "w[0, 1]", 1)
    assert report.blame == ()


def test_a_wrong_rule_is_to_blame() -> None:
    spec = read_spec(Source("a.toml", WRONG_RULE), "toml")
    report = check_training_gradient(spec, explain(spec, check=False).gradients)
    assert (report.verdict, [one.node for one in report.blame], report.blame[0].line) == (
        "disagree",
        ["y"],
        9,
    )
