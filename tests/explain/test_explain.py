"""The account: its JSON contract, what holds between its rows, and every request `explain` takes."""

from __future__ import annotations

import dataclasses
import json
import math
from itertools import pairwise
from typing import Any

import numpy as np
import oracle
import pytest
from checking import spec
from hypothesis import given, settings
from hypothesis import strategies as st
from random_specs import SMOOTH, scalar_specs, spec_from, specs
from rows_of_a_table import every

from bpx.check.quick_check import SKIPPED
from bpx.explain.explain import explain
from bpx.explain.explanation import Explanation
from bpx.explain.query.passes import EdgeRow
from bpx.explain.sections.second import LARGEST_HESSIAN
from bpx.graph.graph import OPS
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.run import run
from bpx.render.plain_data import plain_value, summary
from bpx.spec.reading.read import read_expression, read_spec
from bpx.words.diagnostic import BpxError, Diagnostic, Source


def steps(inputs: dict[str, Any], graph: dict[str, Any], **more: Any) -> NamedGraph:
    return spec_from({"bpx": 1, "inputs": inputs, "graph": graph, **more})


def account(expression: str, **values: Any) -> Explanation:
    return explain(spec(expression, **values))


def problems(*args: Any, **options: Any) -> list[Diagnostic]:
    with pytest.raises(BpxError) as caught:
        explain(*args, **options)
    return list(caught.value.diagnostics)


def codes(diagnostics: Any) -> list[str]:
    return [one.code for one in diagnostics]


def plain_gradients(account: Explanation) -> dict[str, Any]:
    return account.to_dict()["gradients"]


# --- the JSON contract --------------------------------------------------------------------------

ALWAYS = [
    "bpx",
    "kind",
    "title",
    "output",
    "nodes",
    "edges",
    "gradients",
    "independent",
    "ops",
    "check",
    "diagnostics",
]
NODE_KEYS = ["id", "name", "op", "args", "formula", "with_numbers", "shape", "value", "upstream"]
EDGE_KEYS = ["from", "to", "arg", "local_formula", "local", "upstream", "contribution", "summed", "flat"]


@pytest.fixture
def everything() -> dict[str, Any]:
    logistic = spec("-log(sigmoid(w*x))", w=0.5, x=2)
    return explain(logistic, expand=["all"], paths=[], second=True, step=0.1).to_dict()


def test_keys_of_a_bare_account() -> None:
    plain = account("x^2", x=3).to_dict()
    assert list(plain) == ALWAYS
    assert plain["bpx"] == 1
    assert plain["kind"] == "explanation"
    assert plain["title"] is None
    assert plain["output"] == {"name": "out", "value": 9.0}


def test_keys_of_a_full_account(everything: dict[str, Any]) -> None:
    assert set(everything) == {*ALWAYS, "paths", "expanded", "second", "step"}


def test_keys_of_the_rows(everything: dict[str, Any]) -> None:
    for node in everything["nodes"]:
        assert list(node) == [*NODE_KEYS, *(["role"] if node["op"] == "input" else [])]
    for edge in everything["edges"]:
        assert list(edge) == EDGE_KEYS


def test_keys_of_the_parts(everything: dict[str, Any]) -> None:
    (first, _) = everything["paths"]
    assert set(first) == {"input", "count", "shown", "others", "rest", "total"}
    assert set(first["shown"][0]) == {"nodes", "local_formulas", "locals", "summed", "product", "running"}
    assert set(everything["second"][0]) == {"input", "index", "by"}
    assert set(everything["expanded"]) == {"nodes", "digits"}
    assert set(everything["check"]) == {"verdict", "entries", "digits", "lost", "worst"}
    assert set(everything["step"]) == {"rate", "before", "after", "predicted", "squared", "parameters"}
    assert set(everything["step"]["parameters"]["w"]) == {"value", "update", "new"}


def test_ids_are_those_of_the_rows(everything: dict[str, Any]) -> None:
    known = {node["id"] for node in everything["nodes"]}
    assert {arg for node in everything["nodes"] for arg in node["args"]} <= known
    assert {end for edge in everything["edges"] for end in (edge["from"], edge["to"])} <= known
    assert {
        node for table in everything["paths"] for path in table["shown"] for node in path["nodes"]
    } <= known


def test_an_edge_names_the_arg_it_goes_to() -> None:
    plain = account("x - y", x=1, y=2).to_dict()
    (out,) = [node for node in plain["nodes"] if node["name"] == "out"]
    for edge in plain["edges"]:
        assert out["args"][edge["arg"]] == edge["to"]


def test_args_come_before_their_node() -> None:
    for node in account("sin(x) * (y + sin(x))", x=1, y=2).nodes:
        assert all(arg < node.id for arg in node.args)


def test_a_full_account_is_json_without_extensions(everything: dict[str, Any]) -> None:
    assert json.loads(json.dumps(everything, allow_nan=False)) == everything


@given(specs(), st.booleans())
def test_any_account_is_json_without_extensions(one: NamedGraph, listed: bool) -> None:
    plain = explain(one, paths=[] if listed else None).to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


@every(
    "value, plain",
    [
        (1, 1.0),
        (0.1, 0.1),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (np.float64(2.5), 2.5),
        (np.array(3), 3.0),
        (np.array([1.0, 2.0]), [1.0, 2.0]),
        (np.array([1.0, -math.inf]), [1.0, "-inf"]),
        (np.array([[math.nan, 1.0], [2.0, math.inf]]), [["nan", 1.0], [2.0, "inf"]]),
    ],
)
def test_numbers_in_full_and_others_as_text(value: Any, plain: Any) -> None:
    assert plain_value(value) == plain
    assert type(plain_value(value)) is type(plain)


@pytest.mark.parametrize(
    ("expression", "values", "gradient"),
    [
        ("sqrt(x)", {"x": 0}, "inf"),
        ("-sqrt(x)", {"x": 0}, "-inf"),
        ("c * sqrt(x)", {"x": 0, "c": 0}, 0.0),  # nothing times an infinite slope
        ("sum(sqrt(x))", {"x": [0, 4]}, ["inf", 0.25]),
    ],
)
def test_gradients_that_are_not_finite_are_text(expression: str, values: Any, gradient: Any) -> None:
    plain = account(expression, **values).to_dict()
    assert plain["gradients"]["x"] == gradient
    assert {node["name"]: node["upstream"] for node in plain["nodes"]}["x"] == gradient


def test_floats_survive_to_the_last_bit() -> None:
    text = json.dumps(account("x / 3", x=0.1).to_dict())
    assert json.loads(text)["output"]["value"] == 0.1 / 3


def test_large_arrays_are_summarised_beside_their_elements() -> None:
    x = [float(n * n) for n in range(17)]
    node = account("sum(x)", x=x).to_dict()["nodes"][0]
    assert node["value"] == x
    norm = pytest.approx(math.sqrt(sum(one**4 for one in range(17))))
    assert node["value_summary"] == {"min": 0.0, "mean": sum(x) / 17, "max": 256.0, "norm": norm}
    assert node["upstream_summary"] == {"min": 1.0, "mean": 1.0, "max": 1.0, "norm": math.sqrt(17)}


def test_small_arrays_have_no_summary() -> None:
    assert summary(np.zeros(16)) is None
    assert "value_summary" not in account("sum(x)", x=[0.0] * 16).to_dict()["nodes"][0]


def test_diagnostics_stand_in_the_json() -> None:
    (note,) = account("relu(x)", x=0).to_dict()["diagnostics"]
    assert note["code"] == "at-kink"
    assert note["severity"] == "note"
    assert note["line"] == 1


def test_title_and_roles() -> None:
    inputs = {"w": {"value": 2, "role": "parameter"}, "t": {"value": 1, "role": "target"}}
    plain = explain(steps(inputs, {"L": "(w - t)^2"}, title="A loss")).to_dict()
    assert plain["title"] == "A loss"
    assert [node.get("role") for node in plain["nodes"][:2]] == ["parameter", "target"]


# --- what holds between the rows ----------------------------------------------------------------


def nodes_by_id(account: Explanation) -> dict[int, Any]:
    return {row.id: row for row in account.nodes}


def near(a: Any, b: Any, scale: Any = 0.0) -> bool:
    """Equal to rounding, relative to the largest of the numbers that were added up."""
    largest = max(np.abs(a).max(), np.abs(b).max(), np.abs(scale).max())
    return np.shape(a) == np.shape(b) and np.abs(np.subtract(a, b)).max() <= 1e-12 * largest


def contribution_of(one: NamedGraph, account: Explanation, edge: EdgeRow) -> Any:
    """The contribution once more: upstream × local, or the pull by a complex step."""
    rows = nodes_by_id(account)
    consumer, arg = rows[edge.consumer], rows[edge.arg]
    if edge.local is not None:
        product = np.broadcast_to(np.multiply(edge.upstream, edge.local), consumer.shape)
        return np.sum(product, axis=edge.summed).reshape(arg.shape)
    args = [rows[node].value for node in consumer.args]
    settings = {**one.graph.settings[edge.consumer]}
    settings = {key: list(value) if isinstance(value, tuple) else value for key, value in settings.items()}
    return oracle.pulls(consumer.op, edge.upstream, args, settings)[edge.position]


@given(specs())
def test_contribution_is_upstream_times_local_or_the_pull(one: NamedGraph) -> None:
    account = explain(one, check=False)
    for edge in account.edges:
        assert near(contribution_of(one, account, edge), edge.contribution, edge.upstream)


@given(specs())
def test_the_upstream_of_an_edge_is_that_of_its_node(one: NamedGraph) -> None:
    account = explain(one, check=False)
    rows = nodes_by_id(account)
    for edge in account.edges:
        np.testing.assert_array_equal(edge.upstream, rows[edge.consumer].upstream)


@given(specs())
def test_the_upstream_of_a_node_is_the_sum_of_its_contributions(one: NamedGraph) -> None:
    account = explain(one, check=False)
    for row in account.nodes:
        arriving = [edge.contribution for edge in account.edges if edge.arg == row.id]
        if arriving:
            assert near(sum(arriving), row.upstream, arriving)
        elif row.id != account.output:
            assert row.upstream is None


@given(specs())
def test_gradients_are_the_upstreams_of_the_inputs(one: NamedGraph) -> None:
    account = explain(one, check=False)
    rows = nodes_by_id(account)
    assert list(account.gradients) == [given.name for given in one.inputs]
    for given_input in one.inputs:
        upstream = rows[given_input.node].upstream
        gradient = account.gradients[given_input.name]
        np.testing.assert_array_equal(
            gradient, np.zeros(given_input.value.shape) if upstream is None else upstream
        )
        assert (given_input.name in account.independent) == (upstream is None)


@given(specs())
def test_values_and_shapes_are_those_of_a_run(one: NamedGraph) -> None:
    account = explain(one, check=False)
    found = run(one.graph, one.input_values, [row.id for row in account.nodes])
    for row in account.nodes:
        np.testing.assert_array_equal(row.value, found[row.id])
        assert np.shape(row.value) == row.shape
        assert row.upstream is None or np.shape(row.upstream) == row.shape


@given(specs())
def test_edges_come_from_the_output_downwards(one: NamedGraph) -> None:
    consumers = [edge.consumer for edge in explain(one, check=False).edges]
    assert all(before >= after for before, after in pairwise(consumers))


@given(specs())
def test_flat_edges_hand_back_zeros(one: NamedGraph) -> None:
    for edge in explain(one, check=False).edges:
        if edge.flat:
            assert not np.any(edge.contribution)


@given(specs(SMOOTH))
def test_gradients_are_those_of_central_differences(one: NamedGraph) -> None:
    account = explain(one, check=False)
    for given_input in one.inputs:
        at = tuple(0 for _ in given_input.value.shape)
        slope = central_difference(one, given_input.node, at)
        scale = 1 + np.abs(account.gradients[given_input.name]).max()
        assert account.gradients[given_input.name][at] == pytest.approx(slope, abs=1e-6 * scale)


def central_difference(one: NamedGraph, node: int, at: tuple[int, ...], h: float = 1e-5) -> float:
    def output(nudge: float) -> float:
        moved = np.array(one.input_values[node])
        moved[at] += nudge
        return float(run(one.graph, {**one.input_values, node: moved}, [one.output])[one.output].sum())

    return (output(h) - output(-h)) / (2 * h)


@given(specs())
@settings(max_examples=40)
def test_explaining_twice_gives_the_same(one: NamedGraph) -> None:
    options: dict[str, Any] = {"paths": [], "expand": ["all"]}
    first = explain(one).to_dict()
    explain(one, **options)
    explain(one, wrt=[one.inputs[0].name], second=True)
    assert explain(one).to_dict() == first
    assert explain(one, **options).to_dict() == explain(one, **options).to_dict()


# --- formulas -----------------------------------------------------------------------------------


def test_formulas_and_formulas_with_numbers() -> None:
    rows = {row.name: row for row in account("(x+y)^2 / 3", x=3, y=-1.5).nodes}
    assert (str(rows["v1"].formula), str(rows["v1"].with_numbers)) == ("x + y", "3 + (-1.5)")
    assert (str(rows["v2"].formula), str(rows["v2"].with_numbers)) == ("v1^2", "1.5^2")
    assert (str(rows["out"].formula), str(rows["out"].with_numbers)) == ("v2 / 3", "2.25 / 3")
    assert (str(rows["x"].formula), rows["x"].with_numbers) == ("x", None)


@every(
    "expression, values, local_formulas",
    [
        ("x * y", {"x": 2, "y": 3}, ["y", "x"]),
        ("x / y", {"x": 2, "y": 3}, ["1 / y", "-out / y"]),
        ("x - y", {"x": 2, "y": 3}, ["1", "-1"]),
        ("exp(x)", {"x": 2}, ["out"]),
        ("sigmoid(x)", {"x": 2}, ["out * (1 - out)"]),
        ("x^3", {"x": 2}, ["3 * x^2"]),
        ("sin(x)", {"x": 2}, ["cos(x)"]),
        ("A @ B", {"A": [[1, 2]], "B": [[3], [4]]}, ["upstream @ B.T", "A.T @ upstream"]),
        ("sum(x)", {"x": [1, 2]}, ["spread(1, shape=2, axis=0)"]),
    ],
)
def test_the_rule_is_printed(expression: str, values: Any, local_formulas: list[str]) -> None:
    assert [str(edge.local_formula) for edge in account(expression, **values).edges] == local_formulas


def test_large_arrays_are_not_put_into_formulas() -> None:
    rows = {row.name: row for row in account("sum(x) + 1", x=[1.0] * 17).nodes}
    assert rows["v1"].with_numbers is None
    assert str(rows["out"].with_numbers) == "17 + 1"


# --- one node by another ------------------------------------------------------------------------

CHAIN = ({"x": 2, "k": 3}, {"a": "x^2", "b": "a * k", "c": "b + a", "y": "c * c"})
# x = 2, k = 3: a = 4, b = 12, c = 16, y = 256


@every(
    "of, wrt, slope",
    [
        ("a", "x", 4),
        ("b", "a", 3),
        ("b", "x", 12),
        ("b", "k", 4),
        ("c", "b", 1),
        ("c", "a", 4),  # over b, and directly
        ("c", "x", 16),
        ("y", "c", 32),
        ("y", "b", 32),
        ("y", "a", 128),
        ("y", "k", 128),
        ("y", "x", 512),
        ("y", "y", 1),
        ("x", "x", 1),
        ("x", "k", 0),
        ("a", "k", 0),
        ("a", "y", 0),
    ],
)
def test_the_derivative_of_any_node_by_any_other(of: str, wrt: str, slope: float) -> None:
    found = explain(steps(*CHAIN), of=of, wrt=[wrt])
    assert plain_gradients(found) == {wrt: slope}
    assert found.independent == (() if slope else (wrt,))


def test_of_shows_only_what_the_node_rests_on() -> None:
    found = explain(steps(*CHAIN), of="b")
    assert [row.name for row in found.nodes if row.op != "constant"] == ["x", "k", "a", "b"]
    assert found.to_dict()["output"] == {"name": "b", "value": 12.0}


def test_inner_nodes_without_a_name_can_be_asked_for() -> None:
    found = explain(spec("(x + 1) * (x + 2)", x=3), wrt=["v1", "v2"])
    assert plain_gradients(found) == {"v1": 5, "v2": 4}


def test_wrt_keeps_its_order() -> None:
    assert list(explain(steps(*CHAIN), wrt=["k", "c", "x"]).gradients) == ["k", "c", "x"]


def test_gradients_follow_the_order_of_the_spec() -> None:
    inputs = dict.fromkeys(["w", "a", "m", "b"], 1)
    assert list(explain(steps(inputs, {"y": "b * a + m * w"})).gradients) == ["w", "a", "m", "b"]


def test_nothing_flows_to_targets_and_constants_unless_asked() -> None:
    inputs = {
        "x": 2,
        "w": {"value": 3, "role": "parameter"},
        "t": {"value": 4, "role": "target"},
        "k": {"value": 5, "role": "constant"},
    }
    one = steps(inputs, {"y": "x * w * t * k"})
    assert list(explain(one).gradients) == ["x", "w"]
    assert plain_gradients(explain(one, wrt=["t", "k"])) == {"t": 30, "k": 24}


@pytest.mark.parametrize("option", ["of", "wrt"])
def test_an_unknown_node_is_named_with_the_nearest(option: str) -> None:
    one = steps({"weight": 1}, {"hidden": "weight * 2"})
    (problem,) = problems(one, **{option: "hiden" if option == "of" else ["hiden"]})
    assert problem.code == "unknown-node"
    assert problem.advice == "did you mean `hidden`?"


def test_an_unknown_node_like_no_other_lists_the_nodes() -> None:
    (problem,) = problems(spec("x + y", x=1, y=2), of="zzzz")
    assert problem.advice == "the nodes are x, y, out"


def test_all_unknown_names_are_reported() -> None:
    found = problems(spec("x + y", x=1, y=2), wrt=["p", "q"])
    assert [one.facts["name"] for one in found] == ["p", "q"]


# --- the gradient that arrives at the output ----------------------------------------------------


def test_upstream_scales_a_scalar() -> None:
    found = explain(spec("x^2", x=3), upstream=10)
    assert plain_gradients(found) == {"x": 60}
    assert nodes_by_id(found)[found.output].upstream == 10


def test_upstream_weighs_the_elements() -> None:
    found = explain(spec("M @ x", M=[[1, 2], [3, 4]], x=[5, 6]), upstream=[10, 1])
    assert plain_gradients(found) == {"M": [[50, 60], [5, 6]], "x": [13, 24]}
    assert found.notes == ()


def test_without_upstream_the_sum_is_derived_and_said_to_be() -> None:
    found = account("M @ x", M=[[1, 2], [3, 4]], x=[5, 6])
    assert plain_gradients(found)["x"] == [4, 6]
    assert [(note.code, note.severity) for note in found.notes] == [("summed-output", "note")]
    assert "--upstream" in (found.notes[0].advice or "")


def test_a_scalar_output_needs_no_note() -> None:
    assert account("sum(x)", x=[1, 2]).notes == ()


@pytest.mark.parametrize(
    ("expression", "x", "upstream"),
    [("2 * x", [1, 2], [1, 2, 3]), ("2 * x", [1, 2], 1), ("x^2", 3, [1]), ("x.T", [[1, 2]], [[1, 2]])],
)
def test_an_upstream_of_another_shape_is_refused(expression: str, x: Any, upstream: Any) -> None:
    assert codes(problems(spec(expression, x=x), upstream=upstream)) == ["upstream-shape"]


# --- kinds of zero ------------------------------------------------------------------------------


def test_an_input_the_output_does_not_depend_on() -> None:
    found = explain(steps({"x": 1, "unused": [1, 2]}, {"y": "x^2"}))
    assert plain_gradients(found) == {"x": 2, "unused": [0, 0]}
    assert found.independent == ("unused",)
    assert nodes_by_id(found)[1].upstream is None
    assert codes(found.notes) == ["unused-input"]


def test_a_gradient_that_is_zero_here_is_not_independence() -> None:
    found = account("x^2", x=0)
    assert plain_gradients(found) == {"x": 0}
    assert found.independent == ()


@pytest.mark.parametrize("expression", ["floor(x)", "sign(x)", "round(x)", "x < 2", "step(x)"])
def test_flat_ops_are_marked(expression: str) -> None:
    found = account(expression, x=0.7)
    assert [edge.flat for edge in found.edges] == [True]
    assert plain_gradients(found) == {"x": 0}


def test_the_condition_of_where_is_flat_and_the_branch_not_taken_is_not() -> None:
    found = account("where(c, x, y)", c=1, x=2, y=3)
    assert [edge.flat for edge in found.edges] == [True, False, False]
    assert plain_gradients(found) == {"c": 0, "x": 1, "y": 0}


@every(
    "expression, values, node, local",
    [
        ("relu(x)", {"x": 0}, "out = relu(x)", "0"),
        ("|x|", {"x": 0}, "out = abs(x)", "0"),
        ("max(x, y)", {"x": 2, "y": 2}, "out = max(x, y)", "0.5, 0.5"),
        ("min(x, y)", {"x": 2, "y": 2}, "out = min(x, y)", "0.5, 0.5"),
        ("1 + relu(x)", {"x": 0}, "v1 = relu(x)", "0"),
        ("sum(relu(x))", {"x": [1, 0, 2]}, "v1 = relu(x)", "0"),
    ],
)
def test_a_kink_is_noted_with_what_is_taken(expression: str, values: Any, node: str, local: str) -> None:
    (note,) = account(expression, **values).notes
    assert (note.code, note.severity) == ("at-kink", "note")
    assert note.facts["local"] == local
    assert note.facts["node"] in (node, node.partition(" = ")[2])


def test_off_the_kink_there_is_no_note() -> None:
    assert account("relu(x) + |x| + max(x, 2)", x=1e-300).notes == ()


def test_a_kink_that_the_gradient_does_not_pass_is_not_noted() -> None:
    inputs = {"x": 1, "t": {"value": 0, "role": "target"}}
    assert explain(steps(inputs, {"y": "x * relu(t)"})).notes == ()


# --- gradients and values that are not finite ---------------------------------------------------


@every(
    "expression, values, code, op",
    [
        ("sqrt(x)", {"x": 0}, "no-derivative", "sqrt"),
        ("asin(x)", {"x": 1}, "no-derivative", "asin"),
        ("acos(x)", {"x": -1}, "no-derivative", "acos"),
        ("x^0.5", {"x": 0}, "no-derivative", "pow"),
        ("reciprocal(x)", {"x": 1e-200}, "infinite-gradient", "reciprocal"),
        ("1e200 * (x * 1e200)", {"x": 0}, "infinite-gradient", "mul"),
    ],
)
def test_a_gradient_that_is_not_finite_is_a_warning(expression: str, values: Any, code: str, op: str) -> None:
    (warning,) = account(expression, **values).notes
    assert (warning.code, warning.severity) == (code, "warning")
    assert warning.facts["op"] == op
    assert warning.span is not None


def test_the_warning_points_at_the_node_where_it_began() -> None:
    (warning,) = account("exp(3 * sqrt(x^2))", x=0).notes
    assert warning.span is not None
    assert warning.span.text == "sqrt(x^2)"


@every(
    "expression, values, text, need, guard",
    [
        ("1 + log(x - 2)", {"x": 1}, "log(x - 2)", "x - 2 > 0", "-1"),
        ("sqrt(x)", {"x": -4}, "sqrt(x)", "x ≥ 0", "-4"),
        ("3 / (x - 1)", {"x": 1}, "3 / (x - 1)", "x - 1 ≠ 0", "0"),
        ("reciprocal(x)", {"x": 0}, "reciprocal(x)", "x ≠ 0", "0"),
        ("x^y", {"x": -2, "y": 0.5}, "x^y", "x > 0", "-2"),
        ("x^(-1)", {"x": 0}, "x^(-1)", "x ≠ 0", "0"),
        ("asin(x)", {"x": 2}, "asin(x)", "(1 - x) * (1 + x) ≥ 0", "-3"),
        ("log1p(x)", {"x": -1}, "log1p(x)", "1 + x > 0", "0"),
        ("sum(log(x))", {"x": [1, -2, 3]}, "log(x)", "x > 0", "-2"),
    ],
)
def test_outside_the_domain(expression: str, values: Any, text: str, need: str, guard: str) -> None:
    (problem,) = problems(spec(expression, **values))
    assert problem.code == "outside-domain"
    assert problem.span is not None
    assert problem.span.text == text
    assert (problem.facts["need"], problem.facts["value"]) == (need, guard)


@pytest.mark.parametrize(
    ("expression", "values", "text", "found"),
    [
        ("1 + exp(x)", {"x": 1000}, "exp(x)", "inf"),
        ("-exp(x) * 2", {"x": 1000}, "exp(x)", "inf"),
        ("x * y", {"x": 1e200, "y": -1e200}, "x * y", "-inf"),
        ("sum([1, 0] * exp(x))", {"x": [0, 800]}, "exp(x)", "inf"),
    ],
)
def test_overflow(expression: str, values: Any, text: str, found: str) -> None:
    (problem,) = problems(spec(expression, **values))
    assert (problem.code, problem.facts["value"]) == ("not-finite", found)
    assert problem.span is not None
    assert problem.span.text == text


def test_each_place_where_values_break_is_reported_once() -> None:
    found = problems(spec("log(x) + log(y) + exp(z)", x=-1, y=0, z=1e4))
    assert [one.span.text for one in found if one.span] == ["log(x)", "log(y)", "exp(z)"]


def test_a_named_step_is_named_with_its_formula() -> None:
    (problem,) = problems(steps({"x": -1}, {"a": "log(x)", "y": "a + 1"}))
    assert problem.facts["node"] == "a = log(x)"
    assert problem.span is not None
    assert problem.span.source.name == "random.json"


# --- second derivatives -------------------------------------------------------------------------


def hessian(found: Explanation) -> np.ndarray[Any, Any]:
    return np.array([np.concatenate([np.ravel(by) for by in row.by.values()]) for row in found.second])


@every(
    "expression, values, wanted",
    [
        ("x^3", {"x": 2}, [[12]]),
        ("x^2 * y", {"x": 2, "y": 3}, [[6, 4], [4, 0]]),
        ("x / y", {"x": 1, "y": 2}, [[0, -0.25], [-0.25, 0.25]]),
        ("sin(x * y)", {"x": 0, "y": 2}, [[0, 1], [1, 0]]),
        ("exp(x + 2*y)", {"x": 0, "y": 0}, [[1, 2], [2, 4]]),
        ("sigmoid(x)", {"x": 0}, [[0]]),
        ("log(x)", {"x": 2}, [[-0.25]]),
        ("x @ [[1, 2], [3, 4]] @ x", {"x": [1, 1]}, [[2, 5], [5, 8]]),
        ("sum(x)^2", {"x": [1, 2, 3]}, [[2] * 3] * 3),
        ("3*x + 2*y", {"x": 1, "y": 1}, [[0, 0], [0, 0]]),
        ("x^2", {"x": 1e-5}, [[2]]),
        ("relu(x)", {"x": 1}, [[0]]),
    ],
)
def test_second_derivatives_by_hand(expression: str, values: Any, wanted: Any) -> None:
    found = hessian(explain(spec(expression, **values), second=True))
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-15)


def test_second_derivatives_name_input_and_entry() -> None:
    found = explain(spec("sum(W) * b^2", W=[[1, 2], [3, 4]], b=2), second=True)
    assert [(row.input, row.entry) for row in found.second] == [
        ("W", (0, 0)),
        ("W", (0, 1)),
        ("W", (1, 0)),
        ("W", (1, 1)),
        ("b", ()),
    ]
    assert [np.shape(by) for by in found.second[0].by.values()] == [(2, 2), ()]


def test_second_derivatives_are_those_by_inputs() -> None:
    with pytest.raises(BpxError, match="second-of-inputs"):
        explain(steps(*CHAIN), wrt=["a", "k"], second=True)


def test_second_derivatives_under_an_upstream() -> None:
    found = explain(spec("x^2", x=[1, 2]), upstream=[1, 10], second=True)
    np.testing.assert_array_equal(hessian(found), [[2, 0], [0, 20]])


@given(scalar_specs(SMOOTH))
def test_second_derivatives_are_symmetric(one: NamedGraph) -> None:
    found = hessian(explain(one, second=True, check=False))
    assert np.abs(found - found.T).max() <= 1e-9 * (1 + np.abs(found).max())


@given(scalar_specs(SMOOTH))
def test_second_derivatives_are_the_slopes_of_the_gradient(one: NamedGraph) -> None:
    found = hessian(explain(one, second=True, check=False))
    (first, *_) = one.inputs
    h, at = 1e-5, tuple(0 for _ in first.value.shape)

    def gradient(nudge: float) -> np.ndarray[Any, Any]:
        moved = np.array(first.value)
        moved[at] += nudge
        given_inputs = tuple(given._replace(value=moved) if given is first else given for given in one.inputs)
        account = explain(replaced(one, given_inputs), check=False)
        return np.concatenate([np.ravel(value) for value in account.gradients.values()])

    slope = (gradient(h) - gradient(-h)) / (2 * h)
    assert found[0] == pytest.approx(slope, abs=1e-5 * (1 + np.abs(found).max()))


def replaced(one: NamedGraph, inputs: Any) -> NamedGraph:
    from dataclasses import replace

    return replace(one, inputs=inputs)


def test_too_many_second_derivatives() -> None:
    (problem,) = problems(spec("sum(x)", x=[1.0] * (LARGEST_HESSIAN + 1)), second=True)
    assert (problem.code, problem.facts["size"]) == ("too-many-second", LARGEST_HESSIAN + 1)
    assert len(explain(spec("sum(x)", x=[1.0] * LARGEST_HESSIAN), second=True).second) == LARGEST_HESSIAN


# --- a step of gradient descent -----------------------------------------------------------------


def test_a_step_by_hand() -> None:
    step = explain(spec("(x+y)^2", x=3, y=-1), step=0.1).step
    assert step is not None
    assert (step.rate, step.before, step.squared) == (0.1, 4, 32)
    assert step.predicted == pytest.approx(4 - 0.1 * 32)
    assert step.after == pytest.approx(1.44)
    assert {name: tuple(map(float, change)) for name, change in step.updates.items()} == {
        "x": pytest.approx((3, -0.4, 2.6)),
        "y": pytest.approx((-1, -0.4, -1.4)),
    }


@given(scalar_specs(), st.sampled_from([0.0, 1e-3, 0.1, -0.5]))
def test_the_loss_after_a_step_is_that_of_a_new_run(one: NamedGraph, rate: float) -> None:
    found = explain(one, step=rate, check=False)
    assert found.step is not None
    given_inputs = {
        node: found.step.updates[name][2] for name, node in ((x.name, x.node) for x in one.inputs)
    }
    assert found.step.after == run(one.graph, given_inputs, [one.output])[one.output]
    squared = sum(float(np.sum(gradient**2)) for gradient in found.gradients.values())
    assert found.step.squared == pytest.approx(squared)
    assert found.step.predicted == pytest.approx(found.step.before - rate * squared)
    for name, (old, update, new) in found.step.updates.items():
        np.testing.assert_allclose(update, -rate * found.gradients[name])
        np.testing.assert_allclose(new, old + update)


def test_a_small_step_goes_as_predicted() -> None:
    step = explain(spec("(x+y)^2", x=3, y=-1), step=1e-6).step
    assert step is not None
    assert step.after == pytest.approx(step.predicted, abs=1e-9)


def test_only_parameters_move_where_there_are_some() -> None:
    inputs = {"x": 2, "w": {"value": 3, "role": "parameter"}}
    step = explain(steps(inputs, {"y": "x * w"}), step=1).step
    assert step is not None
    assert list(step.updates) == ["w"]
    assert (step.squared, step.after) == (4, 2)


def test_a_step_needs_a_scalar() -> None:
    assert codes(problems(spec("2 * x", x=[1, 2]), step=0.1)) == ["step-needs-scalar"]


@pytest.mark.parametrize("rate", [math.nan, math.inf, -math.inf])
def test_a_step_needs_a_finite_rate(rate: float) -> None:
    assert codes(problems(spec("x^2", x=1), step=rate)) == ["bad-rate"]


# --- options together ---------------------------------------------------------------------------


def test_all_sections_speak_of_the_expanded_graph() -> None:
    found = explain(spec("sigmoid(x)", x=0.5), expand=["out"], paths=[], second=True, step=0.1)
    assert "sigmoid" not in {row.op for row in found.nodes}
    assert found.expanded is not None
    (table,) = found.paths
    assert len(table.shown[0].nodes) > 3
    assert np.shape(found.second[0].by["x"]) == ()


def test_an_output_that_is_an_input() -> None:
    found = explain(spec("x + y", x=1, y=2), of="x")
    assert plain_gradients(found) == {"x": 1, "y": 0}
    assert found.edges == ()


def test_an_expression_of_constants_has_no_gradients() -> None:
    found = account("2 + 3")
    assert (found.value, dict(found.gradients), found.edges) == (5, {}, ())


def test_a_long_chain_is_as_ordinary_as_a_short_one() -> None:
    length = 3000
    found = account("+".join(["x"] * length), x=1)
    assert plain_gradients(found) == {"x": length}
    assert len(found.edges) == 2 * (length - 1)


@every(
    "options",
    [{"paths": []}, {"second": True}, {"step": 0.1}, {"expand": ["all"]}],
)
@every(
    "expression, x",
    [
        ("sqrt(x) + x", 0),
        ("sigmoid(sqrt(x)) - sqrt(x)", 0),
        ("softplus(1e200 * x)", 1e-200),
        ("sum(relu(x) - sqrt(x))", [0.0] * 17),
    ],
)
def test_numbers_that_are_not_finite_pass_without_a_warning(expression: str, x: Any, options: Any) -> None:
    found = explain(spec(expression, x=x), **options).to_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_the_mean_of_huge_numbers_is_summarised_without_a_warning() -> None:
    node = account("sum(0 * x)", x=[1e308] * 17).to_dict()["nodes"][0]
    largest, mean = 1e308, pytest.approx(1e308)
    assert node["value_summary"] == {"min": largest, "mean": mean, "max": largest, "norm": "inf"}


def test_explaining_leaves_the_spec_as_it_was() -> None:
    spec = read_expression(Source("<expression>", "sin(x) * x"), {"x": 1})
    explain(spec, paths=[], second=True, step=0.1, expand="all")
    assert len(spec.graph) == spec.size


# --- what tries to break it ---------------------------------------------------------------------


def test_a_step_does_not_go_with_an_upstream() -> None:
    with pytest.raises(BpxError, match="step-with-upstream"):
        explain(spec("x^2", x=3), upstream=2, step=0.1)


def test_a_step_needs_something_to_move() -> None:
    with pytest.raises(BpxError, match="step-without-inputs"):
        explain(steps(*CHAIN), wrt=["a"], step=0.1)


def test_a_step_out_of_the_domain_is_said() -> None:
    assert "step-not-finite" in codes(explain(spec("log(x)", x=0.1), step=1.0).notes)


@pytest.mark.parametrize("upstream", [float("nan"), [1, float("inf")], "abc"])
def test_an_upstream_that_is_no_finite_number(upstream: Any) -> None:
    with pytest.raises(BpxError):
        explain(spec("x^2", x=3), upstream=upstream)


@pytest.mark.parametrize(
    ("expression", "values", "code"),
    [
        ("x*1e308 + x*1e308", {"x": 0.5}, "infinite-gradient"),  # only the sum overflows
        ("sqrt(x)*0", {"x": 0}, "zero-times-infinite"),
    ],
)
def test_what_is_not_finite_is_said(expression: str, values: dict[str, float], code: str) -> None:
    assert code in codes(explain(spec(expression, **values)).notes)


@pytest.mark.parametrize(
    ("expression", "values", "with_numbers"),
    [
        ("x - y", {"x": 123456789, "y": 123456788.5}, "123456789 - 123456788.5"),
        ("x - 1", {"x": 1.0000001}, "1.0000001 - 1"),
        ("x + y", {"x": 1 / 3, "y": 1}, "0.333333 + 1"),
    ],
)
def test_numbers_in_a_formula_give_its_value(
    expression: str, values: dict[str, float], with_numbers: str
) -> None:
    assert str(explain(spec(expression, **values)).nodes[-1].with_numbers) == with_numbers


def test_results_cannot_be_changed_under_others() -> None:
    one = spec("x + y", x=[1, 2], y=[3, 4])
    with pytest.raises(ValueError, match="read-only"):
        explain(one).gradients["x"] *= 0.5
    np.testing.assert_array_equal(explain(one).gradients["y"], [1, 1])


def test_a_path_starts_with_the_upstream_and_names_what_comes_down() -> None:
    (table,) = explain(spec("sum(W @ x)", W=[[1, 2]], x=[1, 1]), wrt=["W"], paths=[]).paths
    assert str(table.shown[0].local_formulas[-1]) == "outer(upstream, x)"


def test_expanding_an_op_on_constants_keeps_a_row() -> None:
    account = explain(spec("square(3) + x", x=1), expand="all")
    assert [str(row.formula) for row in account.nodes if row.op == "identity"] == ["identity(9)"]


def test_a_count_of_paths_of_thousands_of_digits() -> None:
    lines = "\n".join(f'v{i} = "v{i - 1} - v{i - 1}"' for i in range(1, 10_101))
    text = f'bpx = 1\n[inputs]\nx = 1\n[graph]\nv0 = "x"\n{lines}\n'
    plain = explain(read_spec(Source("s.toml", text), "toml"), paths=[]).to_dict()
    assert plain["paths"][0]["count"] == "10^3041"


def test_a_large_constant_has_a_name_instead_of_a_page() -> None:
    import bpx

    account = bpx.trace(lambda x: bpx.ops.sum(x @ np.ones((5, 8))), x=np.ones(5)).explain()
    assert max(len(str(row.formula)) for row in account.nodes if row.op != "constant") < 20


# --- the check beside the account ---------------------------------------------------------------


def test_the_check_says_to_how_many_digits_differences_agree() -> None:
    check = account("sin(x) * y", x=1, y=2).check
    assert check is not None
    assert (check.verdict, check.entries) == ("agree", 2)
    assert 11 <= check.digits < 17


def test_a_wrong_rule_is_noticed() -> None:
    wrong = spec("sin(x) * y", x=1, y=2)
    node = wrong.nodes["v1"]
    wrong.graph.ops[node] = dataclasses.replace(OPS["sin"], local=lambda x, out: (out,))
    check = explain(wrong).check
    assert check is not None
    assert check.verdict == "disagree"


def test_a_check_that_would_take_longer_than_the_rest_is_skipped() -> None:
    chain = " + ".join(["sin(x)"] * 1000)
    assert account(chain, x=1).check == SKIPPED


def test_the_check_may_be_left_out() -> None:
    assert explain(spec("x^2", x=3), check=False).check is None


def test_there_is_nothing_to_check_without_inputs() -> None:
    assert explain(spec("x^2", x=3), wrt=[]).check is None


def test_a_decimal_number_is_no_layer() -> None:
    made = explain(spec("0.5*(y - t)^2 + 1.5", y=1.0, t=2.0))
    assert {row.layer for row in made.nodes} == {""}
    assert "layers" not in made.to_plain()
