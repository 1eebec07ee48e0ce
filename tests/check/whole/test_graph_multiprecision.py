"""A closer look: what float64 leaves open is settled by more digits."""

from __future__ import annotations

import numpy as np
import pytest
from checking import in_float64_alone, spec

from bpx.check.gradcheck import gradcheck
from bpx.graph.arrays import Array
from bpx.graph.named.named_graph import NamedGraph
from bpx.spec.reading.claims import read_claim, with_claims

LOST = [
    ("tanh(x)", 20.0, 1.699341702116635e-17),  # its rule 1 - out² gives 0
    ("log(1 - sigmoid(x))", 30.0, -0.9999999999999064),
    ("x^7-7*x^6+21*x^5-35*x^4+35*x^3-21*x^2+7*x-1", 1.001, 7e-18),
    ("(1-cos(x))/x^2", 1e-6, -1e-6 / 12),
]


@pytest.mark.parametrize(("expression", "x", "slope"), LOST)
def test_the_reference_is_the_true_slope(expression, x, slope):
    (entry,) = gradcheck(spec(expression, x=x)).entries
    assert entry.verdict.word == "agree"
    assert entry.reference == pytest.approx(slope, rel=2e-4)


@pytest.mark.parametrize(("expression", "x", "slope"), LOST)
def test_without_more_digits_it_may_stay_open_but_is_never_wrong(monkeypatch, expression, x, slope):
    in_float64_alone(monkeypatch)
    (entry,) = gradcheck(spec(expression, x=x)).entries
    assert entry.verdict.word in ("agree", "cannot tell")
    report = gradcheck(with_claims(spec(expression, x=x), [read_claim(f"x = {2 * slope!r}")]))
    assert report.entries[0].verdict.word in ("disagree", "cannot tell")


def test_a_formula_that_is_right_agrees_though_its_digits_are_lost():
    report = gradcheck(with_claims(spec("tanh(x)", x=20.0), [read_claim("x = 1 - tanh(x)^2")]))
    assert report.verdict == "agree"
    assert report.reason is not None
    assert report.reason.code == "digits-lost"


def test_a_formula_that_is_wrong_disagrees_though_all_digits_are_lost():
    report = gradcheck(with_claims(spec("tanh(x)", x=20.0), [read_claim("x = 2*(1 - tanh(x)^2)")]))
    assert report.verdict == "disagree"


def test_huge_terms_take_more_digits():
    report = gradcheck(spec("exp(x) - exp(y) - (x - y)", x=700.0, y=-700.0))
    assert report.verdict == "agree"
    assert {entry.label: entry.reference for entry in report.entries}["y"] == 1.0


def cancelling(activation: str, off: float) -> tuple[NamedGraph, Array]:
    """Two rows whose terms cancel in the first entry by W but for a share `off`; and the gradient by W."""
    rng = np.random.default_rng(0)
    x, w, y = rng.normal(size=(2, 3)), rng.normal(size=(3, 4)), rng.normal(size=(2, 4))
    z = x @ w
    slope = 1 / (2 + np.exp(-z) + np.exp(z)) * (np.sign(z) if "abs" in activation else 1.0)
    y[1, 0] = -x[0, 0] * y[0, 0] * slope[0, 0] / (x[1, 0] * slope[1, 0]) * (1 + off)
    return spec(f"sum(Y * {activation})", x=x, W=w, Y=y), x.T @ (y * slope)


def test_extended_precision_settles_what_cancels_in_graphs_too_large_for_many_digits(monkeypatch):
    in_float64_alone(monkeypatch)
    graph, gradient = cancelling("sigmoid(x @ W)", 1e-8)
    report = gradcheck(graph, wrt="W", budget=1)
    assert report.verdict == "agree"
    gradient[0, 0] *= 1 + 1e-4
    wrong = gradcheck(with_claims(graph, [read_claim(f"W = {gradient.tolist()}")]), wrt="W", budget=1)
    assert [entry.index for entry in wrong.entries if entry.verdict.word != "agree"] == [(0, 0)]
    assert wrong.verdict == "disagree"


def test_extended_precision_says_nothing_of_a_forward_that_drops_the_imaginary_part(monkeypatch):
    in_float64_alone(monkeypatch)
    graph, gradient = cancelling("sigmoid(abs(x @ W))", 1e-8)
    assert gradcheck(graph, wrt="W", budget=1).verdict == "cannot tell"
    gradient[0, 0] *= 1 + 1e-2
    wrong = gradcheck(with_claims(graph, [read_claim(f"W = {gradient.tolist()}")]), wrt="W", budget=1)
    assert wrong.verdict == "disagree"
