"""What other checkers of gradients are documented to miss, and bpx does not."""

from __future__ import annotations

import json

import numpy as np
import pytest
from invoking import invoke

import bpx


@pytest.mark.parametrize("size", [1e-9, 1e-30, 1e-300])
def test_a_wrong_sign_of_a_tiny_gradient(size: float) -> None:
    """An absolute tolerance passes it."""
    spec = bpx.parse("sin(x)*c", x=0.3, c=size)
    right = spec.explain(check=False).gradients["x"]
    assert spec.gradcheck(wrt="x", claims={"x": right}).verdict == "agree"
    assert spec.gradcheck(wrt="x", claims={"x": -right}).verdict == "disagree"
    report = bpx.gradcheck(
        lambda x: np.sin(x) * size, [np.array([0.3])], lambda g, x: (-g * size * np.cos(x),)
    )
    assert report.verdict == "disagree"


@pytest.mark.parametrize("x", [1e8, 1e-8, 1e-150, 1e150])
def test_inputs_far_from_1(x: float) -> None:
    """An absolute step is lost in the rounding of 1e8, and steps over all of 1e-8."""
    for formula, slope in [("x^2", 2 * x), ("x/(1 + x)", 1 / (1 + x) ** 2), ("log(x)", 1 / x)]:
        spec = bpx.parse(formula, x=x)
        assert spec.gradcheck(claims={"x": slope}).verdict in ("agree", "cannot tell"), formula
        assert spec.gradcheck(claims={"x": 1.001 * slope}).verdict != "agree", formula
    assert bpx.parse("x^2", x=x).gradcheck(claims={"x": 2 * x}).verdict == "agree"


def test_every_single_wrong_entry_of_many() -> None:
    """A check along random directions sees some of them."""
    rng = np.random.default_rng(0)
    W, x, t = rng.normal(size=(250, 100)) / 10, rng.normal(size=100), rng.normal(size=250)
    spec = bpx.parse("sum((tanh(W @ x) - t)^2)", W=W, x=x, t=t)
    gradient = np.asarray(spec.explain(check=False).gradients["W"])
    for at in rng.choice(np.flatnonzero(np.abs(gradient) > 1e-6), 2, replace=False):
        wrong = gradient.copy()
        wrong.flat[at] *= -1
        report = spec.gradcheck(wrt="W", claims={"W": wrong})
        assert report.counts["disagree"] == 1
        assert next(entry for entry in report.entries if entry.verdict == 0).index == np.unravel_index(
            at, W.shape
        )


def test_long_chains() -> None:
    """Recursion ends at about 1,000 nodes."""
    graph = bpx.Graph()
    x = node = graph.input()
    for _ in range(100_000):
        node = node + 1.0
    value, gradients = bpx.from_graph(node, {"x": (x, 0.5)}).value_and_gradients()
    assert value == pytest.approx(100_000.5)
    assert gradients["x"] == 1


def test_markup_in_names_is_text() -> None:
    text = json.dumps(
        {"bpx": 1, "title": "[red]alarm[/red]", "inputs": {"x": 2.0}, "graph": {"L": "x^2"}, "output": "L"}
    )
    assert "[red]alarm[/red]" in invoke("explain", "-", input=text).stdout
    assert "[red]alarm[/red]" in invoke("gradcheck", "-", input=text).stdout
