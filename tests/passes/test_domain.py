"""Kinks, edges of domains and numbers that are not finite, for every op of the table."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import oracle
import pytest
from checking import spec
from rows_of_a_table import every

from bpx.explain.explain import explain
from bpx.explain.explanation import Explanation
from bpx.graph.graph import OPS
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.numbers import number
from bpx.ops import rows
from bpx.spec.reading.read import read_expression
from bpx.words.diagnostic import BpxError, Diagnostic, Source

WITH_WITNESS = [op.name for op in rows() if op.witness]
ELEMENTWISE = [op.name for op in rows() if op.elementwise]
GRID = [-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0]
OPEN, CLOSED = ("positive", "nonzero"), ("nonnegative",)


def at(name: str, point: Any) -> NamedGraph:
    op = OPS[name]
    return spec(f"{name}({', '.join(op.args)})", **dict(zip(op.args, point, strict=True)))


def notes(account: Explanation, code: str) -> list[Diagnostic]:
    return [note for note in account.notes if note.code == code]


# --- every op -----------------------------------------------------------------------------------


@every("name", [name for name in WITH_WITNESS if not OPS[name].chooses])
def test_the_witness_is_noted_with_the_local_derivatives_taken(name: str) -> None:
    account = explain(at(name, OPS[name].witness))
    found = notes(account, "at-kink")
    assert found
    locals_ = ", ".join(number(float(edge.local), 6) for edge in account.edges if edge.local is not None)
    assert {note.facts["local"] for note in found} == {locals_}
    assert {note.severity for note in found} == {"note"}


def test_a_choice_is_noted_where_what_it_goes_by_is_moved() -> None:
    assert notes(explain(spec("where(x, x + 2, 3)", x=0.0)), "at-kink")
    assert not notes(explain(spec("where(m, x + 2, 3)", m=0.0, x=0.0)), "at-kink")


@every("name", ELEMENTWISE)
def test_smooth_points_have_no_notes(name: str) -> None:
    for point in oracle.points(OPS[name], 5):
        assert explain(at(name, point)).notes == ()


@every("name", ELEMENTWISE)
def test_on_a_grid_a_guard_explains_every_value_that_is_not_finite(name: str) -> None:
    """No op is outside its domain without saying so, and none says so inside of it."""
    for point in product(GRID, repeat=len(OPS[name].args)):
        guards = oracle_guards(name, point)
        outside = any(
            (kind in OPEN and worst <= 0) or (kind in CLOSED and worst < 0) for kind, worst in guards
        )
        try:
            account = explain(at(name, point), check=False)
        except BpxError as error:
            (problem,) = error.diagnostics
            refuses = OPS[name].refuses
            if refuses and refuses(*point):
                assert problem.code == refuses(*point).code
                continue
            assert outside, point
            assert problem.code == "outside-domain"
            assert problem.facts["op"] == name
            continue
        gradients = list(account.gradients.values())
        if not np.isfinite(gradients).all():
            assert notes(account, "no-derivative"), point


def oracle_guards(name: str, point: Any) -> list[tuple[str, float]]:
    """Kind and value of each guard; of `nonzero` the distance from zero."""
    found = [(kind, float(value.min())) for kind, value in oracle.guard_values(OPS[name], point)]
    return [(kind, abs(value) if kind == "nonzero" else value) for kind, value in found]


# --- where ------------------------------------------------------------------------------------


def test_a_kink_in_one_element_is_noted_with_what_is_taken_there() -> None:
    (note,) = explain(spec("sum(max(x, y))", x=[1, 2, 3], y=[0, 2, 5])).notes
    assert note.facts["local"] == "0.5, 0.5"
    assert note.span is not None
    assert note.span.text == "max(x, y)"


def test_a_kink_where_one_arg_is_broadcast() -> None:
    (note,) = explain(spec("sum(max(x, y))", x=[[1, 2], [3, 4]], y=4)).notes
    assert note.facts["local"] == "0.5, 0.5"


def test_a_kink_where_only_one_arg_gets_a_gradient() -> None:
    (note,) = explain(spec("max(x, 2)", x=2)).notes
    assert note.facts["local"] == "0.5"


def test_every_kink_is_noted() -> None:
    assert len(explain(spec("relu(x) + |x| + max(x, 0)", x=0)).notes) == 3


def test_of_a_chain_of_infinities_only_the_first_is_reported() -> None:
    with pytest.raises(BpxError) as caught:
        explain(spec("log(exp(x) + 1) * 2", x=1e4))
    assert [one.span.text for one in caught.value.diagnostics if one.span] == ["exp(x)"]


def test_a_vector_is_judged_by_its_worst_element() -> None:
    with pytest.raises(BpxError) as caught:
        explain(spec("sqrt(x)", x=[4, -1, -9, 1]))
    (problem,) = caught.value.diagnostics
    assert problem.facts["value"] == "-9"


def test_a_value_that_is_not_a_number() -> None:
    with pytest.raises(BpxError) as caught:
        explain(spec("x * 1e308 - y * 1e308", x=10, y=10))
    assert [one.code for one in caught.value.diagnostics] == ["not-finite"] * 2


@pytest.mark.parametrize(
    ("expression", "place", "count"),
    [
        ("embedding(x, ids)", "ids[1]", 3),
        ("pick(x, [0, 7, 1])", "ids[1]", 2),
        ("one_hot(ids, 2) @ x[:2]", "ids[1]", 2),
        ("embedding(x, 7)", "ids", 3),
        ("embedding(x, [[0, 1], [2, 7]])", "ids[1, 1]", 3),
    ],
)
def test_a_number_that_chooses_nothing_is_named_with_its_place(
    expression: str, place: str, count: int
) -> None:
    with pytest.raises(BpxError) as caught:
        explain(spec(f"sum({expression}) + 0 * sum(ids)", x=np.ones((3, 2)), ids=[1.0, 7.0]))
    (problem,) = caught.value.diagnostics
    assert problem.code == "bad-id"
    facts = problem.facts
    assert (facts["place"], facts["found"], facts["count"], facts["last"]) == (place, "7", count, count - 1)


def test_nan_without_an_infinity_before_it_is_named_nan() -> None:
    with pytest.raises(BpxError) as caught:
        explain(spec("sum(x)", x=[1e308, 1e308, -1e308, -1e308] * 8))
    (problem,) = caught.value.diagnostics
    assert problem.code == "not-finite"


def test_one_bad_element_of_a_gradient_is_warned_of() -> None:
    (warning,) = explain(spec("sum(sqrt(x))", x=[4, 0, 9])).notes
    assert (warning.code, warning.facts["value"]) == ("no-derivative", "0")


def test_a_power_at_zero_by_its_exponent() -> None:
    assert explain(spec("x^2", x=0)).notes == ()
    assert explain(spec("x^0", x=0)).gradients["x"] == 0
    assert explain(spec("x^1", x=0)).gradients["x"] == 1
    assert [note.code for note in explain(spec("x^0.5", x=0)).notes] == ["no-derivative"]


def test_a_power_of_a_negative_base_has_no_derivative_by_its_exponent() -> None:
    account = explain(spec("x^y", x=-2, y=2))
    assert account.value == 4
    assert account.gradients["x"] == -4
    assert np.isnan(account.gradients["y"])
    assert [note.code for note in account.notes] == ["no-derivative"]


@pytest.mark.parametrize(
    ("expression", "need"), [("x / 0", "y ≠ 0"), ("x + log(-1)", "x > 0"), ("x * sqrt(-2)", "x ≥ 0")]
)
def test_a_guard_of_constants_is_said_in_general(expression: str, need: str) -> None:
    with pytest.raises(BpxError) as caught:
        explain(read_expression(Source("<expression>", expression), {"x": 1}))
    assert caught.value.diagnostics[0].facts["need"] == need


@every(
    "expression, x, kinked",
    [
        ("amax(x)", [0, 0, 5], False),  # a tie, but not of the largest
        ("amax(x)", [5, 0, 5], True),
        ("max_pool(x, 2)", [[1, 1], [5, 2]], False),
        ("max_pool(x, 2)", [[1, 5], [5, 2]], True),
        ("norm(x)", [0, 0], True),
        ("norm(x)", [0, 1], False),
        ("argmax(x)", [1, 2, 2], True),
        ("argmax(x)", [1, 2, 3], False),
    ],
)
def test_a_kink_inside_is_noted_where_it_bears_on_the_value(expression: str, x: Any, kinked: bool) -> None:
    spec = read_expression(Source("<expression>", expression), {"x": np.array(x, dtype=float)})
    notes = [note.code for note in explain(spec, check=False).notes]
    assert ("at-kink-inside" in notes) == kinked
