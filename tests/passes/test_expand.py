"""Composite ops in simpler ones: the same value and gradients, another graph."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import oracle
import pytest
from checking import spec
from hypothesis import given
from hypothesis import strategies as st
from random_specs import SMOOTH, spec_from, specs
from rows_of_a_table import every

from bpx.explain.explain import explain
from bpx.explain.explanation import Explanation
from bpx.graph.graph import OPS
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.run import run
from bpx.ops import rows
from bpx.passes.expand import ALL, expandable, expanded, written_out
from bpx.passes.reverse import reverse
from bpx.words.diagnostic import BpxError, Diagnostic

COMPOSITE = [op.name for op in rows() if op.expands and op.elementwise]  # others: ops/test_tensors.py


def call(name: str) -> str:
    return f"{name}({', '.join(OPS[name].args)})"


def values_at(name: str, point: tuple[float, ...]) -> dict[str, Any]:
    """Values for the args of an op."""
    return dict(zip(OPS[name].args, point, strict=True))


def ops_in(account: Explanation) -> set[str]:
    return {row.op for row in account.nodes}


def formulas(account: Explanation) -> list[str]:
    return [str(row.formula) for row in account.nodes if row.op not in ("input", "constant")]


def problems(one: NamedGraph, names: list[str]) -> list[Diagnostic]:
    with pytest.raises(BpxError) as caught:
        expanded(one, names)
    return list(caught.value.diagnostics)


# --- every composite op -------------------------------------------------------------------------


@every("name", COMPOSITE)
def test_value_and_gradients_agree(name: str) -> None:
    for point in oracle.points(OPS[name], 20):
        one = spec(call(name), **values_at(name, point))
        fused, parts = explain(one, check=False), explain(one, expand=["out"], check=False)
        assert parts.value == pytest.approx(fused.value, rel=1e-11)
        for arg, gradient in fused.gradients.items():
            assert parts.gradients[arg] == pytest.approx(gradient, rel=1e-9, abs=1e-12)


@every("name", COMPOSITE)
def test_the_op_itself_is_gone_and_no_composite_one_comes(name: str) -> None:
    (point,) = oracle.points(OPS[name], 1)
    one = spec(call(name), **values_at(name, point))
    assert ops_in(explain(one, expand=["out"], check=False)).isdisjoint({name})
    again = expanded(expanded(one, [ALL]), [ALL])
    assert expandable(again) == [] or name == "abs"


@every(
    "expression, parts",
    [
        ("sigmoid(x)", ["-x", "exp(v1)", "1 + v2", "1 / v3"]),
        ("softplus(x)", ["exp(x)", "1 + v1", "log(v2)"]),
        ("square(x)", ["x * x"]),
        ("tan(x)", ["sin(x)", "cos(x)", "v1 / v2"]),
        ("reciprocal(x)", ["1 / x"]),
        ("relu(x)", ["x > 0", "where(v1, x, 0)"]),
        ("sqrt(x)", ["x^0.5"]),
    ],
)
def test_the_parts_are_the_textbooks(expression: str, parts: list[str]) -> None:
    assert formulas(explain(spec(expression, x=0.5), expand=[ALL])) == parts


# --- which nodes --------------------------------------------------------------------------------


def test_only_the_named_node_is_rewritten() -> None:
    one = spec_from(
        {"bpx": 1, "inputs": {"x": 0.5}, "graph": {"a": "sigmoid(x)", "b": "sigmoid(a)", "y": "a + b"}}
    )
    assert formulas(explain(one, expand=["b"])) == [
        "sigmoid(x)",
        "-a",
        "exp(v1)",
        "1 + v2",
        "1 / v3",
        "a + b",
    ]


def test_several_nodes_and_all() -> None:
    one = spec_from(
        {"bpx": 1, "inputs": {"x": 0.5}, "graph": {"a": "sigmoid(x)", "b": "tanh(a)", "y": "square(b)"}}
    )
    assert expandable(one) == ["a", "b", "y"]
    assert ops_in(explain(one, expand=["a", "y"])) >= {"tanh", "exp"}
    assert ops_in(explain(one, expand=["a", "y"])).isdisjoint({"sigmoid", "square"})
    assert ops_in(explain(one, expand=[ALL])) == ops_in(explain(one, expand=["a", "b", "y"]))


def test_all_may_be_given_as_it_is() -> None:
    assert ops_in(explain(spec("sigmoid(x)", x=1), expand="all")).isdisjoint({"sigmoid"})


def test_the_names_of_steps_stay() -> None:
    one = spec_from({"bpx": 1, "inputs": {"x": 0.5}, "graph": {"a": "sigmoid(x)", "y": "3 * a"}})
    account = explain(one, expand=["a"])
    rows_by_name = {row.name: row for row in account.nodes}
    assert rows_by_name["a"].op == "div"
    assert account.names[account.output] == "y"


def test_a_node_keeps_its_name_when_others_are_rewritten() -> None:
    """v2 is sigmoid(y), and stays it although rewriting v1 puts new nodes before it."""
    one = spec("sigmoid(x) * sigmoid(y)", x=0.5, y=-1)
    fused = explain(one, wrt=["v2"])
    parts = explain(one, wrt=["v2"], expand=["v1"])
    assert parts.gradients["v2"] == pytest.approx(fused.gradients["v2"], rel=1e-12)
    assert parts.expanded is not None
    assert parts.expanded.digits > 12


def test_the_spec_itself_is_left_alone() -> None:
    one = spec("sigmoid(x)", x=0.5)
    before = explain(one).to_dict()
    explain(one, expand=[ALL])
    assert explain(one).to_dict() == before


def test_rewriting_that_ends_in_a_node_there_is_already() -> None:
    """square(x) is x·x, which the graph has: the step still gets a node of its own."""
    one = spec_from({"bpx": 1, "inputs": {"x": 3}, "graph": {"a": "x * x", "b": "square(x)", "y": "a + 2*b"}})
    account = explain(one, expand=["b"])
    assert {row.name: float(row.value) for row in account.nodes if row.name in "aby"} == {
        "a": 9,
        "b": 9,
        "y": 27,
    }
    assert account.gradients["x"] == 18


@pytest.mark.parametrize(
    ("names", "codes"),
    [
        (["sigmoid"], ["unknown-node"]),
        (["hiden"], ["unknown-node"]),
        (["y"], ["nothing-to-expand"]),
        (["x"], ["nothing-to-expand"]),
        (["hidden", "q", "x"], ["unknown-node", "nothing-to-expand"]),
    ],
)
def test_names_that_cannot_be_rewritten(names: list[str], codes: list[str]) -> None:
    one = spec_from({"bpx": 1, "inputs": {"x": 1}, "graph": {"hidden": "sigmoid(x)", "y": "hidden + 1"}})
    found = problems(one, names)
    assert [problem.code for problem in found] == codes
    assert all(problem.advice for problem in found)


def test_the_nearest_name_is_proposed() -> None:
    one = spec_from({"bpx": 1, "inputs": {"x": 1}, "graph": {"hidden": "sigmoid(x)", "y": "hidden + 1"}})
    assert [problem.advice for problem in problems(one, ["hiden"])] == ["did you mean `hidden`?"]


# --- how well both agree ------------------------------------------------------------------------


def digits(one: NamedGraph, **options: Any) -> float:
    found = explain(one, expand=[ALL], **options).expanded
    assert found is not None
    return found.digits


def test_digits_are_infinite_where_nothing_differs() -> None:
    assert digits(spec("square(x) + relu(x)", x=3)) == math.inf
    assert explain(spec("square(x)", x=3), expand=[ALL]).to_dict()["expanded"]["digits"] == "inf"


def test_lost_digits_are_counted() -> None:
    assert 5 < digits(spec("expm1(x)", x=1e-9)) < 9


def test_gradients_that_cancel_are_no_disagreement() -> None:
    assert digits(spec("sigmoid(x) + sigmoid(-x)", x=0.3)) > 12


def test_gradients_that_are_infinite_in_both_forms_agree() -> None:
    assert digits(spec("sqrt(x)", x=0)) == math.inf


def test_without_the_option_nothing_is_said() -> None:
    assert explain(spec("sigmoid(x)", x=3)).expanded is None


@given(specs(SMOOTH), st.booleans())
def test_random_graphs_agree(one: NamedGraph, weighted: bool) -> None:
    shape = one.graph.shapes[one.output]
    upstream = np.full(shape, 0.5) if weighted else None
    fused = explain(one, upstream=upstream, check=False)
    parts = explain(one, upstream=upstream, expand=[ALL], check=False)
    np.testing.assert_allclose(parts.value, fused.value, rtol=1e-11, atol=1e-11)
    for name, gradient in fused.gradients.items():
        np.testing.assert_allclose(parts.gradients[name], gradient, rtol=1e-9, atol=1e-10)
    assert list(parts.gradients) == list(fused.gradients)


def test_what_was_written_out_is_remembered_with_its_rule() -> None:
    made = spec("sum(layer_norm(squeeze(x, 0)))", x=[[1.0, 2.0, 4.0]])
    plain = written_out(made)
    assert [composite.op.name for composite in plain.composites.values()] == ["layer_norm"]
    ((node, composite),) = plain.composites.items()
    assert plain.graph.shapes[node] == (3,)
    assert made.graph.ops[composite.written] is composite.op
    assert plain.graph.shapes[composite.args[0]] == (3,)
    assert written_out(plain) is plain
    assert made.composites == {}


def test_the_reverse_pass_can_take_the_rules_of_what_was_written_out() -> None:
    plain = written_out(spec("sum(layer_norm(x) * c)", x=[1.0, 2, 4], c=[1.0, -2, 3]))
    output, x = plain.graph[plain.output], plain.graph[plain.nodes["x"]]
    parts, own = reverse(output, [x]), reverse(output, [x], composites=plain.composites)
    assert len(own.edges) < len(parts.edges)
    assert {edge.consumer for edge in own.edges} >= set(plain.composites)
    gradients = [ledger.upstream[x.id] for ledger in (parts, own)]
    values = run(plain.graph, plain.input_values, gradients)
    first, second = (values[gradient] for gradient in gradients)
    assert first == pytest.approx(second, rel=1e-9)
