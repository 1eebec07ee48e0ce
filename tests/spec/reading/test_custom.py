"""Ops that a spec states: they do all that ops of the table do, by the rule as it is stated."""

from __future__ import annotations

import json
import tracemalloc
from copy import deepcopy
from typing import Any

import mpmath
import numpy as np
import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows_of_a_table import every

from bpx.explain.explain import explain
from bpx.explain.explanation import Explanation
from bpx.explain.ops.op_reference import op_entry
from bpx.graph.formula import formula
from bpx.graph.graph import OPS, Graph, Op
from bpx.graph.named.named_graph import NamedGraph
from bpx.ops import rows
from bpx.render.plain import plain
from bpx.spec.reading.custom import LARGEST
from bpx.spec.reading.documents.document import Format
from bpx.spec.reading.read import read_spec
from bpx.spec.writing.write import write_spec
from bpx.words.diagnostic import BpxError, Source

ELEMENTWISE = [op.name for op in rows() if op.elementwise]
GATED = {"args": ["x"], "value": "x * sigmoid(x)", "partials": {"x": "out + sigmoid(x)*(1 - out)"}}


def spec(graph: dict[str, Any], inputs: dict[str, Any], **ops: Any) -> NamedGraph:
    document = {"bpx": 1, "inputs": inputs, "graph": graph, "ops": ops}
    return read_spec(Source("s.json", json.dumps(document)), "json")


def stated(args: list[str], value: str, *partials: str) -> dict[str, Any]:
    return {"args": args, "value": value, "partials": dict(zip(args, partials, strict=True))}


def gated(**inputs: Any) -> NamedGraph:
    return spec({"y": "gated(x)"}, inputs, gated=GATED)


def problems(*args: Any, **options: Any) -> list[str]:
    with pytest.raises(BpxError) as caught:
        explain(*args, **options)
    return [problem.to_text() for problem in caught.value.diagnostics]


# --- every op of the table, stated anew, does what the table's does ------------------------------


def stated_anew(name: str) -> dict[str, Any]:
    """The op as a spec would state it: its call for a value, its printed rule for partials."""
    entry = op_entry(name)
    args = list(OPS[name].args)
    return {"args": args, "value": f"{name}({', '.join(args)})", "partials": entry.rule}


def both(name: str, point: tuple[float, ...]) -> tuple[NamedGraph, NamedGraph]:
    args = OPS[name].args
    inputs = dict(zip(args, map(float, point), strict=True))
    call = f"({', '.join(args)})"
    return (
        spec({"L": f"mine{call}"}, inputs, mine=stated_anew(name)),
        spec({"L": f"{name}{call}"}, inputs),
    )


@every("name", ELEMENTWISE)
def test_an_op_of_the_table_stated_anew_gives_the_same_account(name: str) -> None:
    for point in oracle.points(OPS[name], 3):
        mine, table = (explain(one, second=True, check=False) for one in both(name, point))
        assert mine.value == table.value
        assert numbers(mine) == pytest.approx(numbers(table), rel=1e-13, abs=1e-300)
    assert explain(both(name, point)[0]).value == mine.value  # now checked against differences, too


def numbers(account: Explanation) -> list[float]:
    second = [float(value) for row in account.second for value in row.by.values()]
    return [*map(float, account.gradients.values()), *second]


@every("name", ELEMENTWISE)
def test_its_guards_are_those_of_the_ops_inside(name: str) -> None:
    (point,) = oracle.points(OPS[name], 1)
    mine = both(name, point)[0].custom["mine"].op
    found, wanted = (
        [(kind, value.tolist()) for kind, value in oracle.guard_values(op, point)] for op in (mine, OPS[name])
    )
    assert found == wanted


@every("name", [name for name in ELEMENTWISE if OPS[name].witness])
def test_a_kink_is_noted(name: str) -> None:
    witness = OPS[name].witness
    assert witness
    mine, table = (explain(one) for one in both(name, witness))
    # A guard that is the op's own value has the name of the step there.
    value = f"{name}({', '.join(OPS[name].args)})"
    guards = [value if note.facts["guard"] == "L" else note.facts["guard"] for note in table.notes]
    assert [note.facts["guard"] for note in mine.notes if note.code == "at-kink"] == guards


# --- values -------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3), (2, 1, 4)])
def test_a_value_is_computed_element_by_element(shape: tuple[int, ...]) -> None:
    x = np.linspace(-3, 3, int(np.prod(shape))).reshape(shape)
    found = gated(x=0.5).custom["gated"].op.value(x)
    np.testing.assert_allclose(found, x / (1 + np.exp(-x)), rtol=1e-15)
    assert np.shape(found) == shape


def test_large_arrays_need_little_room() -> None:
    """A value of very many nodes would otherwise hold as many arrays at a time."""
    long = stated(["x", "y"], " + ".join(["x*y"] * 200), "200*y", "200*x")
    op = spec({"L": "f(x, y)"}, {"x": 1, "y": 1}, f=long).custom["f"].op
    x, y = np.arange(500.0), np.arange(400.0)[:, np.newaxis]
    tracemalloc.start()
    try:
        found = op.value(x, y)
        assert tracemalloc.get_traced_memory()[1] < 60 * found.nbytes
    finally:
        tracemalloc.stop()
    np.testing.assert_allclose(found, 200 * x * y, rtol=1e-13)


def test_args_broadcast() -> None:
    shift = stated(["a", "b"], "a * b + 1", "b", "a")
    account = explain(
        spec({"L": "sum(shift(x, y))"}, {"x": [[1.0], [2.0]], "y": [3.0, 4.0, 5.0]}, shift=shift)
    )
    assert account.value == 42
    assert account.gradients["x"].tolist() == [[12], [12]]
    assert account.gradients["y"].tolist() == [3, 3, 3]


def test_more_digits_go_in_and_come_out() -> None:
    op = spec({"y": "f(x)"}, {"x": 1}, f=stated(["x"], "x*x + 1/3", "2*x")).custom["f"].op
    with mpmath.workdps(40):
        third = np.array(mpmath.mpf(1) / 3, dtype=object)
        assert abs(op.value(third).item() - mpmath.mpf(4) / 9) < mpmath.mpf(10) ** -38


@given(st.floats(-30, 30))
def test_swish_by_mpmath(x: float) -> None:
    account = explain(gated(x=x), second=True, check=False)
    with mpmath.workdps(30):

        def exact(t: Any) -> Any:
            return t / (1 + mpmath.exp(-t))

        assert float(account.value) == pytest.approx(float(exact(x)), rel=1e-14)
        slope, bend = (float(mpmath.diff(exact, mpmath.mpf(x), n)) for n in (1, 2))
    assert float(account.gradients["x"]) == pytest.approx(slope, rel=1e-12, abs=1e-14)
    assert float(account.second[0].by["x"]) == pytest.approx(bend, rel=1e-10, abs=1e-13)


# --- the stated rule is what is used and shown --------------------------------------------------


def test_a_wrong_rule_is_followed_too() -> None:
    account = explain(spec({"y": "cube(x)"}, {"x": 2.0}, cube=stated(["x"], "x^3", "2*x^2")))
    assert account.gradients["x"] == 8
    assert [str(edge.local_formula) for edge in account.edges] == ["2 * x^2"]


def test_the_rule_speaks_of_the_node_itself_as_out() -> None:
    account = explain(spec({"a": "2*x", "y": "gated(a)"}, {"x": 0.25}, gated=GATED))
    assert str(account.edges[0].local_formula) == "y + sigmoid(a) * (1 - y)"
    assert float(account.gradients["x"]) == pytest.approx(2 * 0.739961, rel=1e-6)


def test_the_account_names_the_op_and_says_whose_rule_it_is() -> None:
    account = explain(gated(x=0.5))
    assert account.to_dict()["ops"] == {"gated": "gated(x) = x * sigmoid(x)"}
    text = plain(account.blocks())
    assert "gated multiplies the upstream gradient by the derivative that the spec states." in text
    assert str(account.nodes[1].formula) == "gated(x)"
    assert str(account.nodes[1].with_numbers) == "gated(0.5)"


def test_nothing_is_said_of_an_op_that_no_gradient_passes() -> None:
    account = explain(spec({"y": "x + gated(2)"}, {"x": 1}, gated=GATED))
    assert account.notes == ()
    assert account.to_dict()["ops"] == {"add": None}


def test_paths_and_steps_go_through_it() -> None:
    account = explain(spec({"a": "gated(x)", "y": "a * x"}, {"x": 0.5}, gated=GATED), paths=["x"], step=0.1)
    assert account.paths[0].path_count == 2
    assert float(account.paths[0].total) == pytest.approx(float(account.gradients["x"]), rel=1e-15)
    assert account.step
    assert account.step.after < account.step.before


# --- written in simpler ops ---------------------------------------------------------------------


def test_it_expands_into_its_value() -> None:
    account = explain(gated(x=[0.5, -1.25]), expand="all")
    assert [str(row.formula) for row in account.nodes] == ["x", "sigmoid(x)", "x * v1"]
    assert account.expanded
    assert account.expanded.digits > 15
    assert account.notes[0].code == "summed-output"
    assert len(account.notes) == 1  # no op of the spec is left to speak of


def test_it_expands_one_op_at_a_time() -> None:
    twice = stated(["t"], "gated(gated(t))", "1")
    one = spec({"y": "twice(x)"}, {"x": 0.5}, gated=GATED, twice=twice)
    assert [row.op for row in explain(one, expand="y").nodes] == ["input", "gated", "gated"]


def test_a_value_that_is_only_its_arg_expands_to_a_node_of_its_own() -> None:
    same = stated(["t"], "t", "1")
    account = explain(spec({"y": "same(x)"}, {"x": 3}, same=same), expand="y")
    assert [(row.name, row.op) for row in account.nodes] == [("x", "input"), ("y", "identity")]


# --- ops that use each other --------------------------------------------------------------------


def test_the_order_in_which_ops_are_stated_does_not_matter() -> None:
    ops = {
        "third": stated(["x"], "second(x) * x", "2*second(x) + first(x)"),
        "second": stated(["x"], "first(x) * x", "first(x) + x"),
        "first": stated(["x"], "x + 1", "1"),
    }
    account = explain(spec({"y": "third(x)"}, {"x": 2.0}, **ops))
    assert account.value == 12
    assert account.gradients["x"] == 15


def test_rules_may_use_each_other() -> None:
    """As those of sine and cosine do: the derivatives go round in a circle, the values do not."""
    ops = {"s": stated(["x"], "sin(x)", "c(x)"), "c": stated(["x"], "cos(x)", "-s(x)")}
    account = explain(spec({"y": "s(x)"}, {"x": 0.3}, **ops), second=True)
    assert float(account.gradients["x"]) == np.cos(0.3)
    assert float(account.second[0].by["x"]) == -np.sin(0.3)


def test_a_thousand_ops_inside_each_other_are_no_danger() -> None:
    count = 1000
    ops = {"f0": stated(["x"], "log(x)", "1/x")}
    ops |= {f"f{i}": stated(["x"], f"f{i - 1}(x)", f"f{i - 1}(1)/x + 1/x") for i in range(1, count)}
    one = spec({"y": f"f{count - 1}(x)"}, {"x": 2.0}, **ops)
    assert explain(one).value == np.log(2)
    assert "it needs x > 0" in problems(spec({"y": f"f{count - 1}(x)"}, {"x": -1.0}, **ops))[0]


def test_there_is_room_for_many_ops() -> None:
    long = " + ".join(["x*x"] * 24)  # 48 nodes and more
    count = LARGEST // 50
    ops = {f"f{i}": stated(["x"], long, "48*x") for i in range(count)}
    assert len(spec({"y": "f1(x)"}, {"x": 1}, **ops).custom) == count


# --- domain -------------------------------------------------------------------------------------


def test_leaving_the_domain_is_said_at_the_step() -> None:
    odds = stated(["p"], "log(p / (1 - p))", "1 / (p*(1 - p))")
    (text,) = problems(spec({"y": "2 * odds(q)"}, {"q": 1}, odds=odds))
    assert text.startswith(
        "error[outside-domain]: `odds(q)` is outside the domain of `odds`: it needs 1 - q ≠ 0"
    )
    *_, underline, help = text.splitlines()
    assert underline.endswith("^" * len("odds(q)"))
    assert help == "help: choose values for which 1 - q ≠ 0"


def test_a_guard_depends_on_what_the_args_are() -> None:
    """x^n at x = -2: outside the domain for a variable exponent, smooth for n = 2."""
    power = stated(["x", "n"], "x^n", "n*x^(n-1)", "log(x)*out")
    op = spec({"y": "power(x, 2)"}, {"x": -2}, power=power).custom["power"].op
    graph = Graph()
    x, n = graph.input(), graph.input()
    assert [guard.kind for guard in op.guards(x, graph.constant(2))] == []
    assert [guard.kind for guard in op.guards(x, n)] == ["positive"]


def test_a_guard_may_be_built_on_other_args_than_it_was_asked_for() -> None:
    op = spec({"y": "f(x)"}, {"x": 1}, f=stated(["x"], "1 / (x - 3)", "1")).custom["f"].op
    here, there = Graph(), Graph()
    (guard,) = op.guards(here.input())
    a, b = there.input(), there.input()
    assert str(formula(there, guard.of(b).id, {a.id: "a", b.id: "b"})) == "b - 3"
    assert str(formula(there, guard.of(a).id, {a.id: "a", b.id: "b"})) == "a - 3"


# --- whose ops they are -------------------------------------------------------------------------


def test_an_op_belongs_to_its_spec_alone() -> None:
    one, other = (
        spec({"y": "f(x)"}, {"x": 3.0}, f=stated(["x"], value, "1")) for value in ("x + 1", "x + 2")
    )
    assert (explain(one).value, explain(other).value) == (4, 5)
    assert "f" not in OPS
    with pytest.raises(BpxError, match="there is no op `f`"):
        spec({"y": "f(x)"}, {"x": 3.0})


def test_the_op_is_a_row_like_those_of_the_table() -> None:
    op = gated(x=1).custom["gated"].op
    assert isinstance(op, Op)
    assert op.elementwise
    assert (op.name, op.args, op.shape, op.notation) == ("gated", ("x",), None, None)


def test_a_copied_spec_has_the_same_ops() -> None:
    one = gated(x=0.5)
    again = deepcopy(one)
    assert again.custom["gated"].op is one.custom["gated"].op
    assert explain(again).value == explain(one).value


@pytest.mark.parametrize("format", ["toml", "json"])
def test_the_texts_stand_with_their_places(format: Format) -> None:
    text = write_spec(gated(x=0.5), format)
    found = read_spec(Source("s", text), format).custom["gated"]
    assert found.args == ("x",)
    assert (found.value, dict(found.partials)) == (GATED["value"], GATED["partials"])
    assert found.value_span.text == found.value
    assert {arg: span.text for arg, span in found.partial_spans.items()} == found.partials
    assert found.value_span.source.text == text
