"""`--short`: both routes side by side, in every form, with the proof of each short one."""

from __future__ import annotations

import json

import pytest

from bpx.explain.explain import explain
from bpx.spec.reading.target import read_target
from bpx.words.diagnostic import BpxError
from bpx.words.languages import speaking

EQUAL = "equal at 64 points to 50 digits, where sum(y) = 1"


@pytest.fixture(scope="module")
def softmax():
    return explain(read_target("softmax_cross_entropy"), short=True, check=False)


def test_both_routes_stand_side_by_side(softmax):
    lines = softmax.to_plain().split("\n")
    at = next(i for i, line in enumerate(lines) if line.startswith("  ∂L/∂z  p * (-y / p"))
    assert lines[at].endswith("  p - y")
    assert lines[at + 1].strip() == EQUAL
    assert any(line.endswith("outer(∂L/∂z, x) = outer(p - y, x)") for line in lines)
    (unchanged,) = (line for line in lines if line.startswith("  ∂L/∂p  -y / p "))
    assert unchanged.endswith("no shorter form found")


def test_json(softmax):
    rows = {row["of"]: row for row in json.loads(softmax.to_json())["short"]}
    assert rows["z"] == {
        "of": "z",
        "id": softmax.ids["z"],
        "reverse_pass": "p * (-y / p - sum(-y / p * p, keepdims=true))",
        "shorter": True,
        "forms": [
            {
                "formula": "p - y",
                "operations": 1,
                "equal_by": "points",
                "points": 64,
                "digits": 50,
                "assumes": ["sum(y) = 1"],
            }
        ],
    }
    assert rows["p"]["shorter"] is False
    assert [form["equal_by"] for form in rows["b"]["forms"]] == ["pass", "points"]
    assert "short" not in explain(read_target("sigmoid"), check=False).to_dict()


def test_other_forms(softmax):
    assert f"| {EQUAL} |" in softmax.to_markdown()
    assert r"where $\operatorname{sum}\left(y\right) = 1$" in softmax.to_latex()
    with speaking("zh"):
        assert "简短形式" in softmax.to_plain()


def test_a_node_alone_and_a_worksheet():
    spec = read_target("logistic_regression")
    alone = explain(spec, short=True, node="a", check=False).to_plain()
    assert "∂L/∂a  -(-(1 - y) / (1 - a))" in alone
    assert "∂L/∂w  " not in alone
    assert (
        explain(spec, short=True, node="a", check=False).short == explain(spec, short=True, check=False).short
    )
    with pytest.raises(BpxError, match="short"):
        explain(spec, short=True, forward=True)


def test_weights_rewritten_ops_and_names_of_others():
    weighted = explain(
        read_target("W @ x", {"W": [[1, 2], [3, 4]], "x": [1, -1]}), short=True, upstream=[1, 0]
    )
    assert "W.T @ [1, 0]" in weighted.to_plain()
    expanded = explain(read_target("sigmoid"), short=True, expand="all")
    assert [str(form.formula) for form in expanded.short[0].forms] == ["y * (1 - y)"]
    steps = explain(read_target("a = x^2; L = a * a", {"x": 2.0}), short=True, named=True, check=False)
    assert [str(form.formula) for form in steps.short[-1].forms] == ["4 * x * a"]
