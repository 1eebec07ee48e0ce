"""A reverse pass put together wrongly is noticed, though every rule by itself is right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checking import point_of, spec
from hypothesis import given, settings
from random_specs import SMOOTH, scalar_specs

from bpx.check import spec_check as module
from bpx.check.balls import ball_context
from bpx.check.gradcheck import gradcheck
from bpx.check.whole import directional_check as wiring
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.check.whole.directional_check import broken_wiring
from bpx.graph.graph import OPS, Graph
from bpx.spec.python import spec_of


@pytest.fixture
def point() -> CheckedGraph:
    return point_of(spec("sin(x*y) + x*exp(z)", x=1.3, y=0.4, z=-0.2))


def with_edges(point: CheckedGraph, edges) -> CheckedGraph:
    return replace(point, ledger=point.ledger._replace(edges=tuple(edges)))


def test_what_is_whole_is_left_alone(point):
    assert broken_wiring(point) is None


@pytest.mark.parametrize("at", range(8))
def test_a_missing_edge_and_a_doubled_one(point, at):
    edges = point.ledger.edges
    assert len(edges) == 8
    for changed in ([*edges[:at], *edges[at + 1 :]], [*edges[: at + 1], *edges[at:]]):
        facts = broken_wiring(with_edges(point, changed))
        assert facts is not None
        assert facts["found"] != facts["expected"]


def test_what_chooses_does_not_hide_a_missing_edge():
    point = point_of(spec("sum(pick(x, ids)^2)", x=[[1.0, 2.0], [3.0, 4.0]], ids=[1.0, 0.0]))
    assert broken_wiring(point) is None
    for at, edge in enumerate(point.ledger.edges):
        missing = with_edges(point, [*point.ledger.edges[:at], *point.ledger.edges[at + 1 :]])
        chooses = point.graph.ops[edge.consumer].name == "pick" and edge.position == 1
        assert (broken_wiring(missing) is None) == chooses


@settings(max_examples=30)
@given(scalar_specs(SMOOTH))
def test_no_false_doubt(random):
    assert broken_wiring(point_of(random)) is None


def test_where_nothing_can_be_seen_nothing_is_said(point, monkeypatch):
    broken = with_edges(point, point.ledger.edges[1:])
    assert broken_wiring(broken)
    monkeypatch.setattr(wiring, "MOST_ALONG", 10)
    assert broken_wiring(broken) is None
    at_kink = point_of(spec("relu(x) + x*y", x=0.0, y=2.0))
    assert broken_wiring(with_edges(at_kink, at_kink.ledger.edges[1:])) is None


def test_steps_that_drown_in_an_inner_sum_are_no_contradiction():
    assert broken_wiring(point_of(spec("exp(x) - exp(y) - (x - y)", x=1e-8, y=2e-8))) is None
    assert broken_wiring(point_of(spec("(x^2 + 1)/(x^2 - 1) * y", x=1 + 2**-20, y=3.0))) is None


def test_a_doubt_turns_every_verdict_into_cannot_tell(monkeypatch):
    monkeypatch.setattr(ball_context, "available", lambda: False)  # what is proved leaves no doubt
    right = CheckedGraph.at

    def short(query, given, graph=None):
        point = right(query, given, graph)
        return with_edges(point, point.ledger.edges[:-1])

    monkeypatch.setattr(module.CheckedGraph, "at", short)
    report = gradcheck(spec("sin(x) * x", x=0.7))
    assert report.blame == ()
    assert report.verdict in ("cannot tell", "disagree")
    assert report.reason
    assert report.reason.code in ("wiring", "differs")


def test_a_graph_without_inputs_to_move():
    graph = Graph()
    x = graph.input()
    made = spec_of(OPS["exp"](x), {"x": (x, np.array(1.0))})
    point = point_of(made)
    assert broken_wiring(replace(point, query=point.query._replace(wrt={}))) is None
