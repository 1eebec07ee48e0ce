"""Composite ops with a rule of their own: compared with their parts, blamed when wrong, and only then."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checking import CHANGES, planted, spec
from rows_of_a_table import every

from bpx.check.gradcheck import gradcheck
from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.whole.checked_graph import CheckedGraph, Query
from bpx.explain.explain import explain
from bpx.graph.graph import OPS
from bpx.graph.named.named_graph import NamedGraph
from bpx.ops import rows
from bpx.passes.expand import written_out

SCORES = [[0.5, -1.2, 2.0], [1.0, 2.0, 3.0]]
SHARES = [[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]]
TIED = [[1.0, 1.0, 1.0, 0.0, -2.0]]


def classifier() -> NamedGraph:
    made = spec("cross_entropy(z * w, y)", z=SCORES, w=1.5, y=SHARES)
    return replace(made, steps={"L": made.output})


def checked(made: NamedGraph) -> CheckedGraph:
    plain = written_out(made)
    wrt = {one.name: one.node for one in plain.inputs}
    seed = np.ones(plain.graph.shapes[plain.output])
    return CheckedGraph.at(Query(plain, plain.output, wrt, seed), plain.input_values)


def test_a_right_rule_agrees_with_its_parts() -> None:
    graph = checked(classifier())
    assert {graph.op(edge).name for edge in graph.composite_edges} == {"cross_entropy"}
    assert all(edge.verdict.word == "agree" for edge in graph.composite_edges.values())


def test_what_is_claimed_is_what_is_shown() -> None:
    made = classifier()
    for shown in (made, planted(made, "L", 0, CHANGES["scaled"])):
        report, account = gradcheck(shown), explain(shown, check=False)
        for table in report.columns:
            assert table.claimed == pytest.approx(account.gradients[table.input], rel=1e-15)


def test_a_rule_that_is_swapped_for_its_parts_gives_the_reference() -> None:
    graph = checked(planted(classifier(), "L", 0, CHANGES["turned"]))
    (one,) = (one for edge, one in graph.composite_edges.items() if edge.position == 0)
    upstream = ErrorBound.exact(np.array(1.0))
    assert one.reference_jacobian is not None
    assert one.reference_jacobian.pull(upstream).value == pytest.approx(
        -one.stated_jacobian.pull(upstream).value
    )


@pytest.mark.parametrize("change", CHANGES)
def test_a_wrong_rule_is_blamed_by_the_name_of_its_node(change: str) -> None:
    report = gradcheck(planted(classifier(), "L", 0, CHANGES[change]))
    assert report.verdict == "disagree"
    assert [(one.node, one.op) for one in report.blame] == [("L", "cross_entropy")]
    assert report.blame[0].proof
    assert report.blame[0].proof.holds
    assert [row.node for row in report.local if row.verdict.word == "disagree"] == ["L"]


def test_the_kind_of_mistake_is_named() -> None:
    report = gradcheck(planted(classifier(), "L", 0, CHANGES["turned"]))
    assert [one.code for one in report.blame[0].mistakes] == ["sign"]


def test_the_entries_are_those_that_the_wrong_rule_gives() -> None:
    made = classifier()
    right, wrong = (gradcheck(one) for one in (made, planted(made, "L", 0, CHANGES["turned"])))
    columns = [next(one for one in report.columns if one.input == "w") for report in (right, wrong)]
    assert columns[1].claimed == pytest.approx(-columns[0].claimed)
    assert columns[1].reference == pytest.approx(columns[0].reference)


def test_a_tie_is_a_kink_and_nobodys_fault() -> None:
    report = gradcheck(spec("amax(x)", x=TIED))
    assert (report.verdict, report.blame) == ("kink", ())


def test_an_account_compares_what_it_shows_with_differences() -> None:
    made = classifier()
    assert explain(made).check.verdict == "agree"  # type: ignore[union-attr]
    spoilt = explain(planted(made, "L", 0, CHANGES["scaled"]))
    assert spoilt.check.verdict == "disagree"  # type: ignore[union-attr]


def test_ops_that_are_nothing_but_their_parts_have_nothing_to_compare() -> None:
    assert checked(spec("unsqueeze(x, 0)", x=[1.0, 2.0])).composite_edges == {}


def test_there_are_composite_ops_of_either_kind() -> None:
    composite = [op for op in rows() if op.composite]
    assert OPS["cross_entropy"] in [op for op in composite if op.pull]
    assert OPS["unsqueeze"] in [op for op in composite if not op.pull]


SATURATED = [
    ("cross_entropy(x, y)", {"x": [[30.0, 0, 0]], "y": [0.0]}),
    ("cross_entropy(x, y)", {"x": [[28.0] + [0.0] * 9] * 10, "y": [0.0] * 10}),
    ("bce(sigmoid(x), y)", {"x": 8.0, "y": 1.0}),
    ("bce(p, y)", {"p": 0.9995, "y": 1.0}),
    ("sum(layer_norm(x) * c)", {"x": [100.0, -100], "c": [1.0, 2]}),
    ("sum(batch_norm(x) * c)", {"x": [[1000.0], [2]], "c": [[1.0], [2]]}),
]
NOTHING_LEFT = [  # true derivatives that are 0
    ("bce(p, p)", {"p": 0.5}),
    ("sum(layer_norm(x, eps=0) * c)", {"x": [1.0, 2], "c": [1.0, 2]}),
    ("sum(batch_norm(x, eps=0) * c)", {"x": [[1.0], [2]], "c": [[1.0], [2]]}),
]


@every("expression, values", [*SATURATED, *NOTHING_LEFT])
def test_lost_digits_are_nobodys_fault(expression, values) -> None:
    report = gradcheck(spec(expression, **values))
    assert (report.verdict, report.blame) == ("agree", ())
