"""Blocks: a spec with calls is the spec in which their steps are written out by hand."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_specs import documents
from rows_of_a_table import every

from bpx.explain.explain import explain
from bpx.graph.formula import formula
from bpx.graph.named.named_graph import NamedGraph
from bpx.spec.reading.read import read_spec
from bpx.spec.writing.write import write_spec
from bpx.words.diagnostic import BpxError, Diagnostic, Source

X, W, B = [[1.0, -2.0]], [[0.5, 1.0], [-1.0, 2.0]], [0.25, -0.5]
INPUTS: dict[str, Any] = {"x": X, "W": W, "b": B}
AFFINE = {"args": ["x", "W", "b"], "graph": {"z": "x @ W + b", "a": "tanh(z)"}}
NEURON = {"args": ["x", "w"], "value": "sigmoid(x @ w + 1)"}


def read(graph: dict[str, Any], inputs: dict[str, Any] = INPUTS, **blocks: Any) -> NamedGraph:
    document = {"bpx": 1, "inputs": inputs, "blocks": blocks, "graph": graph}
    return read_spec(Source("s.json", json.dumps(document)), "json")


def problems(graph: dict[str, Any], inputs: dict[str, Any] = INPUTS, **blocks: Any) -> tuple[Diagnostic, ...]:
    with pytest.raises(BpxError) as caught:
        read(graph, inputs, **blocks)
    return caught.value.diagnostics


def steps(spec: NamedGraph) -> dict[str, str]:
    """Every node that is computed, by name, and its formula."""
    inputs = {one.node for one in spec.inputs}
    return {
        name: str(formula(spec.graph, node, spec.names))
        for node, name in spec.names.items()
        if node not in inputs
    }


# --- what a call becomes ------------------------------------------------------------------------


@every(
    "step, written_out",
    [
        # nothing but the call
        ("affine(x, W, b)", {"h.v1": "x @ W", "h.z": "h.v1 + b", "h": "tanh(h.z)"}),
        (
            {"op": "affine", "args": ["x", "W", 2]},
            {"h.v1": "x @ W", "h.z": "h.v1 + 2", "h": "tanh(h.z)"},
        ),
        ("((affine(x, W, (b))))", {"h.v1": "x @ W", "h.z": "h.v1 + b", "h": "tanh(h.z)"}),
        ("neuron(x, W)", {"h.v1": "x @ W", "h.v2": "h.v1 + 1", "h": "sigmoid(h.v2)"}),
        # within something larger
        (
            "relu(affine(x, W, 0)) * 2",
            {
                "h.affine.v1": "x @ W",
                "h.affine.z": "h.affine.v1 + 0",
                "h.affine": "tanh(h.affine.z)",
                "h.v1": "relu(h.affine)",
                "h": "h.v1 * 2",
            },
        ),
        # several times in one step
        (
            "neuron(x, W) - neuron(x, W.T)",
            {
                "h.neuron.v1": "x @ W",
                "h.neuron.v2": "h.neuron.v1 + 1",
                "h.neuron": "sigmoid(h.neuron.v2)",
                "h.neuron2.w": "W.T",
                "h.neuron2.v1": "x @ h.neuron2.w",
                "h.neuron2.v2": "h.neuron2.v1 + 1",
                "h.neuron2": "sigmoid(h.neuron2.v2)",
                "h": "h.neuron - h.neuron2",
            },
        ),
        # a call as an arg of another
        (
            "affine(neuron(x, W), 2*W, pi)",
            {
                "h.neuron.v1": "x @ W",
                "h.neuron.v2": "h.neuron.v1 + 1",
                "h.neuron": "sigmoid(h.neuron.v2)",
                "h.W": "2 * W",
                "h.v1": "h.neuron @ h.W",
                "h.z": "h.v1 + pi",
                "h": "tanh(h.z)",
            },
        ),
    ],
)
def test_a_call_is_written_out(step: Any, written_out: dict[str, str]) -> None:
    assert steps(read({"h": step}, affine=AFFINE, neuron=NEURON)) == written_out


def test_blocks_may_call_blocks() -> None:
    layers = {"args": ["x", "V"], "graph": {"first": "affine(x, V, 0)", "last": "affine(first, V, 1)"}}
    assert steps(read({"h": "layers(x, W)"}, layers=layers, affine=AFFINE)) == {
        "h.first.v1": "x @ W",
        "h.first.z": "h.first.v1 + 0",
        "h.first": "tanh(h.first.z)",
        "h.last.v1": "h.first @ W",
        "h.last.z": "h.last.v1 + 1",
        "h": "tanh(h.last.z)",
    }


def test_a_block_of_one_expression_may_be_a_call() -> None:
    spec = read({"h": "same(x)"}, same={"args": ["x"], "value": "(neuron(x, x.T))"}, neuron=NEURON)
    assert steps(spec) == {
        "h.neuron.w": "x.T",
        "h.v1": "x @ h.neuron.w",
        "h.v2": "h.v1 + 1",
        "h": "sigmoid(h.v2)",
    }


def test_the_output_of_a_block_may_be_any_of_its_steps() -> None:
    graph = {"more": "a * 2", "a": "tanh(z)", "z": "x + 1"}
    spec = read({"h": "f(x)", "y": "h + h.more"}, f={"args": ["x"], "graph": graph, "output": "a"})
    assert steps(spec) == {"h.z": "x + 1", "h": "tanh(h.z)", "h.more": "h * 2", "y": "h + h.more"}
    assert spec.names[spec.output] == "y"


def test_the_output_of_a_spec_is_its_own_last_step() -> None:
    graph = {"a": "x + 1", "b": "a * 2"}
    spec = read({"h": "f(x)"}, f={"args": ["x"], "graph": graph, "output": "a"})
    assert spec.names[spec.output] == "h"
    assert list(spec.steps) == ["h.b", "h"]


def test_a_number_for_an_arg_may_be_a_setting() -> None:
    total = {"args": ["x", "axis"], "value": "sum(x, axis)"}
    assert steps(read({"h": "total(W, 0)", "k": "total(W, [0, 1])"}, total=total)) == {
        "h": "sum(W, axis=0)",
        "k": "sum(W)",
    }


def test_a_block_sees_its_args_and_no_input_of_the_same_name() -> None:
    inputs = {"x": 2.0, "e": 10.0, "pi": 20.0}
    spec = read({"h": "f(e)", "y": "h + pi"}, inputs, f={"args": ["x"], "value": "x * e + pi"})
    account = explain(spec)
    assert float(account.value) == 10 * np.e + np.pi + 20
    assert account.independent == ("x",)


def test_a_name_that_is_taken_is_not_given_to_a_call() -> None:
    graph = {"h": "1 + neuron(x, W)", "h.neuron": "x", "h.neuron2.w": "x", "y": "sum(h) + sum(h.neuron3.q)"}
    neuron = {"args": ["x", "w"], "graph": {"q": "x @ w", "a": "exp(q)"}}
    assert {"h.neuron", "h.neuron2.w", "h.neuron3.q", "h.neuron3"} <= set(read(graph, neuron=neuron).steps)


def test_names_that_the_outer_call_needs_are_not_given_to_one_in_its_args() -> None:
    wrap = {"args": ["x"], "value": "2 * neuron(x, 1)"}
    neuron = {"args": ["x", "w"], "value": "x * w"}
    spec = read({"h": "wrap(neuron(x, 3))"}, wrap=wrap, neuron=neuron)
    assert steps(spec) == {"h.neuron2": "x * 3", "h.neuron": "h.neuron2 * 1", "h": "2 * h.neuron"}


def test_steps_of_calls_may_be_used_in_any_order() -> None:
    spec = read({"y": "f(h.z) + h", "h": "f(x)"}, f={"args": ["x"], "graph": {"z": "x + 1", "a": "z^2"}})
    assert steps(spec)["y.f.z"] == "h.z + 1"
    assert spec.names[spec.output] == "h"


def test_args_that_a_block_does_not_use_are_no_mistake() -> None:
    spec = read({"h": "f(x, W)"}, f={"args": ["x", "w"], "value": "x + 1"})
    assert [(one.code, one.facts["name"]) for one in spec.warnings] == [
        ("unused-input", "W"),
        ("unused-input", "b"),
    ]


# --- the same as by hand ------------------------------------------------------------------------

few = settings(max_examples=25)


def pairs(one: NamedGraph, other: NamedGraph) -> list[tuple[Any, Any]]:
    """Value and gradients of both."""
    mine, theirs = explain(one), explain(other)
    gradients = [(mine.gradients[name], theirs.gradients[name]) for name in theirs.gradients]
    return [(mine.value, theirs.value), *gradients]


def same_gradients(one: NamedGraph, other: NamedGraph) -> bool:
    return all(np.array_equal(a, b, equal_nan=True) for a, b in pairs(one, other))


def nearly_the_same_gradients(one: NamedGraph, other: NamedGraph) -> bool:
    return all(np.allclose(a, b, rtol=1e-12, atol=1e-12, equal_nan=True) for a, b in pairs(one, other))


def as_spec(document: dict[str, Any]) -> NamedGraph:
    return read_spec(Source("s.json", json.dumps(document)), "json")


def names_in(text: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"\b[xs][0-9]\b", text)))


@few
@given(documents())
def test_a_graph_made_a_block_is_the_same_graph(document: dict[str, Any]) -> None:
    args = list(document["inputs"])
    net = {"args": args, "graph": document["graph"]}
    call = f"net({', '.join(args)})"
    blocked = {**document, "blocks": {"net": net}, "graph": {"y": call}}
    assert same_gradients(as_spec(blocked), as_spec(document))


@few
@given(documents(), st.booleans())
def test_steps_made_blocks_are_the_same_steps(document: dict[str, Any], within: bool) -> None:
    blocks = {f"b{name}": {"args": names_in(text), "value": text} for name, text in document["graph"].items()}
    calls = {name: f"b{name}({', '.join(names_in(text))})" for name, text in document["graph"].items()}
    graph = {name: f"-(-({call}))" if within else call for name, call in calls.items()}
    by_hand = {name: f"-(-({text}))" if within else text for name, text in document["graph"].items()}
    spec = as_spec({**document, "blocks": blocks, "graph": graph})
    assert same_gradients(spec, as_spec({**document, "graph": by_hand}))
    again = read_spec(Source("again", write_spec(spec, "toml")), "toml")
    assert steps(again) == steps(spec)
    assert nearly_the_same_gradients(again, spec)  # in another order, sums round differently


# --- names with dots in everything else ---------------------------------------------------------


def test_names_of_calls_can_be_asked_for() -> None:
    spec = read({"h": "affine(x, W, b)", "L": "sum(h)"}, affine=AFFINE)
    account = explain(spec, of="h", wrt=["h.z", "h.v1"], upstream=[[1, 0]])
    slope = 1 - np.tanh(np.array(X) @ W + B) ** 2
    np.testing.assert_allclose(account.gradients["h.z"], slope * [1, 0], rtol=1e-14)


def test_claims_and_figures_may_speak_of_them() -> None:
    document = {
        "bpx": 1,
        "inputs": {"x": 3, "h.w": 2},
        "blocks": {"f": {"args": ["x", "w"], "graph": {"z": "x * w", "a": "z^2"}}},
        "graph": {"h": "f(x, h.w)", "L": "h.z + h"},
        "expect": {"value": 42, "gradients": {"h.z": 13, "h.w": 39}},
        "claims": {"h.z": "1 + 2*h.z", "∂L/∂h.w": "x * 13"},
    }
    spec = as_spec(document)
    assert explain(spec).gradients["h.w"] == 39
    assert set(spec.claims) == {"h.z", "h.w"}


def test_a_node_expanded_in_a_call_stays_in_it() -> None:
    spec = read({"h": "neuron(x, W)"}, neuron=NEURON)
    names = [row.name for row in explain(spec, expand="h").nodes if row.op not in ("input", "constant")]
    assert names == ["h.v1", "h.v2", "h.v3", "h.v4", "h.v5", "h"]


# --- what is wrong, and where -------------------------------------------------------------------


def test_shapes_that_do_not_fit_name_the_layer_the_step_and_the_line_of_the_call() -> None:
    text = """\
bpx = 1
[inputs]
x = [[1, 2]]
W1 = [[1, 2, 3], [4, 5, 6]]
W2 = [[1], [2]]
[blocks.f]
args = ["x", "W"]
value = "tanh(x @ W) + 1"
[graph]
h = "f(x, W1)"
y = "f(h, W2)"
"""
    with pytest.raises(BpxError) as caught:
        read_spec(Source("net.toml", text), "toml")
    assert (
        str(caught.value)
        == """\
error[shape-mismatch]: in `y` = f(h, W2), `x @ W`: \
`matmul` cannot be applied to `x` of shape 1×3 and `W` of shape 2×1
  --> net.toml:11:6
 11 | y = "f(h, W2)"
    |      ^^^^^^^^
help: the number of columns of `x` (3) must equal the number of rows of `W` (2)"""
    )


def test_a_mistake_in_a_block_is_told_once_for_each_call_of_the_graph() -> None:
    pair = {"args": ["x"], "value": "wrong(x) + wrong(x)"}
    found = problems(
        {"h": "pair(x) + pair(x)", "k": "pair(b)"}, wrong={"args": ["x"], "value": "x @ [1, 2, 3]"}, pair=pair
    )
    assert [one.span.text for one in found if one.span] == ["pair(x)", "pair(x)", "pair(b)"]
    assert found[0].message.startswith("in `h.pair.wrong` = wrong(x), `x @ [1, 2, 3]`: ")


def test_what_is_wrong_by_itself_is_told_in_the_block() -> None:
    found = problems({"h": "f(x)", "k": "f(W)"}, f={"args": ["x"], "value": "x + W + sinn(x)"})
    assert [(one.code, one.span and one.span.text) for one in found] == [
        ("unknown-in-block", "W"),
        ("unknown-op", "sinn"),
    ]


def test_a_block_that_is_never_called_is_read_all_the_same() -> None:
    assert [one.code for one in problems({"h": "x"}, f={"args": ["y"], "value": "x"})] == ["unknown-in-block"]


def test_leaving_the_domain_is_shown_at_the_call() -> None:
    spec = read({"h": "2 * f(x)"}, f={"args": ["x"], "graph": {"z": "x - 3", "a": "log(z)"}})
    with pytest.raises(BpxError) as caught:
        explain(spec)
    (problem,) = caught.value.diagnostics
    assert "h.f.z" in problem.message
    assert problem.span
    assert problem.span.text == "f(x)"


def test_circles_of_steps_go_through_calls() -> None:
    (problem,) = problems({"h": "neuron(k, W)", "k": "h + 1"}, neuron=NEURON)
    assert problem.message == "the steps form a cycle: h → k → h"
