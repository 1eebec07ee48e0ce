"""Where each node was written, on request: in specs, statements and Python functions."""

from __future__ import annotations

import bpx
from bpx.explain.explain import explain

STATEMENTS = {"w": 0.5, "x": 2.0, "b": 0.1, "y": 1.0}


def test_a_node_that_is_opened_says_where_it_was_written() -> None:
    explanation = explain(bpx.load("logistic_regression"), node="v5")
    assert "`v5` is written as `1-a` in line 15." in explanation.to_plain()
    (node,) = [node for node in explanation.to_dict()["nodes"] if node["name"] == "v5"]
    assert (node["line"], node["code"]) == (15, "1-a")


def test_all_nodes_on_request_alone() -> None:
    spec = bpx.load("logistic_regression")
    for row in explain(spec, sources=True).nodes:
        assert row.code is None or row.code.text in spec.source.text
    text = explain(spec, sources=True).to_plain()
    assert any(line.split()[:2] == ["15", "v5"] and " 1-a " in line for line in text.splitlines())
    assert "written as" not in explain(spec).to_plain()
    assert "code" not in explain(spec).to_dict()["nodes"][0]


def test_statements_in_one_line_have_no_lines() -> None:
    spec = bpx.parse("z = w*x + b; a = sigmoid(z); L = (a - y)^2", **STATEMENTS)
    text = explain(spec, sources=True).to_plain()
    assert " w*x + b " in text
    assert "  line " not in text
