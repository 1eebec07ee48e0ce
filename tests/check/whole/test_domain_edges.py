"""Edges of a part's domain beyond which the whole goes on, and branches that are not taken."""

from __future__ import annotations

import numpy as np
import pytest
from checking import spec
from rows_of_a_table import every

from bpx.check.gradcheck import gradcheck
from bpx.explain.explain import explain
from bpx.spec.reading.claims import read_claim, with_claims


@every(
    "expression, values, wrt, verdict",
    [
        ("where(x > 0, sqrt(max(x, 0)), 0)", {"x": -1.0}, None, "agree"),
        ("where(x > 0, log(max(x, 0)), x)", {"x": -1.0}, None, "outside domain"),  # its value is infinite
        ("where(x > 1, 1/max(x - 1, 0.5)^2, x)", {"x": -1.0}, None, "agree"),
        ("sqrt(a^2 + b^2)^2", {"a": 0.0, "b": 0.0}, None, "agree"),
        ("sqrt(a^2 + b^2)", {"a": 0.0, "b": 0.0}, None, "outside domain"),
        ("x^n", {"x": 0.0, "n": 2.0}, ["x"], "agree"),
        ("x^n", {"x": 0.0, "n": 3.0}, ["x"], "agree"),
        ("x^n", {"x": 0.0, "n": 2.0}, None, "outside domain"),  # by n there is none
        ("x^n", {"x": 0.0, "n": 0.5}, ["x"], "outside domain"),
        ("sum(c*x^n)", {"x": [0.0, 1.0, 2.0], "n": 2.0, "c": [1.0, 2.0, 3.0]}, ["c", "x"], "agree"),
        ("sqrt(x)", {"x": 0.0}, None, "outside domain"),
        ("sqrt(x)*sqrt(x)", {"x": 0.0}, None, "outside domain"),
        ("log(x)", {"x": 0.0}, None, "outside domain"),
        ("norm(x)", {"x": [1e-200, 1e-200]}, None, "agree"),
        ("norm(x)", {"x": [1e200, 2e200]}, None, "agree"),
        ("norm(x)", {"x": [0.0, 0.0]}, None, "kink"),
        ("sum(norm(x, axis=1))", {"x": [[1e-200, 1e-200], [1e200, 2e200], [3.0, 4.0]]}, None, "agree"),
    ],
)
def test_edges(expression, values, wrt, verdict):
    assert gradcheck(spec(expression, **values), wrt=wrt).verdict == verdict


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("where(x > 0, sqrt(max(x, 0)), 0)", {"x": -1.0}),
        ("sqrt(a^2 + x^2)^2", {"a": 0.0, "x": 0.0}),
        ("x^n", {"x": 0.0, "n": 2.0}),
    ],
)
def test_a_wrong_claim_there_is_wrong(expression, values):
    made = spec(expression, **values)
    assert gradcheck(with_claims(made, [read_claim("x = 0")]), wrt=["x"]).verdict == "agree"
    assert gradcheck(with_claims(made, [read_claim("x = 0.3")]), wrt=["x"]).verdict == "disagree"


def test_an_explanation_says_what_counts_as_0():
    explanation = explain(spec("where(x > 0, sqrt(max(x, 0)), 0)", x=-1.0))
    assert explanation.gradients["x"] == 0
    assert "zero-times-infinite" in [note.code for note in explanation.notes]


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_a_standard_deviation_of_any_size(size):
    report = gradcheck(spec("std(x)", x=[1.0 * size, -2.5 * size, 0.3 * size]))
    assert report.verdict == "agree"
    away = np.array([1.0, -2.5, 0.3]) + 0.4
    right = away / (3 * np.sqrt(np.mean(away**2)))
    assert [entry.claimed for entry in report.entries] == pytest.approx(right.tolist())
