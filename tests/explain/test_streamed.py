"""Explanations of large graphs of scalars: rows made as they are read are those of the nodes, to the byte."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from accounts import EXPRESSIONS

import bpx
from bpx.explain.explain import explain
from bpx.explain.explanation import Explanation
from bpx.explain.query import scalar_query
from bpx.graph.graph import OPS
from bpx.graph.named.named_graph import NamedGraph
from bpx.render.forms import form_named
from bpx.render.json import Rows, json_pieces, json_text
from bpx.spec.reading.target import read_target, read_text
from bpx.words.diagnostic import BpxError, Source

ELEMENTWISE = [name for name, op in OPS.items() if op.local]
VALUES = (0.0, -0.0, 1.0, -1.0, 2.0, 0.5)
NUMBERS = (0, 1, 2, -1, 3.141592653589793)


def random_graph(rng: random.Random) -> NamedGraph:
    """Ops of all kinds on few nodes, with zeros, ones and repeated args, each node a term of the output."""
    graph = bpx.Graph()
    leaves = [graph.input() for _ in range(4)]
    nodes = list(leaves)
    for _ in range(10):
        op = OPS[rng.choice([rng.choice(ELEMENTWISE), "mul", "sub", "square", "relu", "sin", "where", "max"])]
        args: list[Any] = [rng.choice(NUMBERS if rng.random() < 0.2 else nodes[-6:]) for _ in op.args]
        args[rng.randrange(len(args))] = nodes[-1]
        nodes.append(graph.add(op, *args) if rng.random() < 0.5 else op(*args))
    out = nodes[-1]
    for node in nodes[4:]:
        out = out + node * rng.choice([1, -1, 0, 2, leaves[0]])
    values = [rng.choice([*VALUES, rng.uniform(-2, 2), rng.uniform(0.1, 3)]) for _ in leaves]
    return bpx.from_graph(out, {f"x{i}": pair for i, pair in enumerate(zip(leaves, values, strict=True))})


def both(
    spec: NamedGraph, monkeypatch: pytest.MonkeyPatch, **options: Any
) -> tuple[Explanation, Explanation]:
    """The explanation with nodes, and the one without."""
    monkeypatch.setattr(scalar_query, "LEAST_NODES", 10**9)
    built = explain(spec, check=False, **options)
    monkeypatch.setattr(scalar_query, "LEAST_NODES", 0)
    return built, explain(spec, check=False, **options)


def specs() -> Iterator[NamedGraph]:
    for text, values, _ in EXPRESSIONS.values():
        yield read_text(Source("<text>", text), values)
    for text in ("e = 2; y = x * exp(x) + e * pi^x", "s = 2 * x; t = x^2 * s + (x > 0)"):
        yield bpx.parse(text, x=0.75)
    steps = {"f.z": "square(x) + x^pi", "f.y": "log(f.z) * 2 * x"}
    yield bpx.load(json.dumps({"bpx": 1, "inputs": {"x": 0.75}, "graph": steps}))
    yield replace(read_target("logistic_regression_scalars"), expect=None)
    yield signs_of_zeros()
    spec = bpx.parse("exp(x) * x", x=0.75)
    yield replace(spec, inputs=(spec.inputs[0]._replace(name='x "%s" \\'),))
    rng = random.Random(3)
    yield from (random_graph(rng) for _ in range(30))


def signs_of_zeros() -> NamedGraph:
    """Products with constants 0 and -0, which are equal and have local derivatives of other signs."""
    graph = bpx.Graph()
    x = graph.input()
    zeros = [graph.add(OPS["mul"], x, zero) for zero in (0.0, -0.0)]
    return bpx.from_graph(OPS["max"](*zeros) * x, {"x": (x, 2.0)})


def test_rows_made_as_they_are_read_are_those_of_the_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    streamed = 0
    for number, spec in enumerate(specs()):
        options: dict[str, Any] = [{}, {"upstream": -2.0}, {"upstream": 0.0}][number % 3]
        try:
            built, read = both(spec, monkeypatch, **(options if not spec.graph.shapes[spec.output] else {}))
        except BpxError:  # outside of a domain
            continue
        assert read.to_json() == built.to_json()
        assert str(read) == str(built)
        plain = {key: list(part) if isinstance(part, Rows) else part for key, part in read.to_dict().items()}
        assert read.to_json() == json_text(plain)  # rows written as texts are those written from dicts
        streamed += isinstance(read.nodes, Rows)
    assert streamed >= 20


def test_a_large_graph_is_streamed_to_sections_pictures_and_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = bpx.parse("a = sigmoid(w * x); L = (a - y)^2", w=0.5, x=2, y=1)
    built, read = both(spec, monkeypatch)
    assert isinstance(read.edges, Rows)
    assert read.to_dict() == built.to_dict() == json.loads(built.to_json())
    assert read.nodes[-1] == built.nodes[-1]
    assert read.nodes[1:3] == list(built.nodes[1:3])
    assert read.to_mermaid() == built.to_mermaid()
    assert read.to_html() == built.to_html()
    assert len(spec.graph) == spec.size  # nothing was built
    assert "".join(form_named("json", "explanation").pieces(read)) == built.to_json()


def test_sections_that_take_nodes_have_them(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = bpx.parse("(x + y)^2 * x", x=3, y=-1)
    for options in ({"paths": []}, {"second": True}, {"named": True}, {"short": True}, {"expand": "all"}):
        built, read = both(spec, monkeypatch, **options)
        assert read.to_json() == built.to_json()


def test_large_graphs_are_streamed() -> None:
    graph = bpx.Graph()
    x = y = graph.input()
    for _ in range(scalar_query.LEAST_NODES):
        y = y * x
    explanation = bpx.from_graph(y, {"x": (x, 1.0)}).explain()
    assert isinstance(explanation.nodes, Rows)
    assert explanation.check
    assert explanation.check.verdict == "skipped"
    assert float(explanation.gradients["x"]) == scalar_query.LEAST_NODES + 1


def test_rows_are_written_as_lists_are() -> None:
    rows = [{"a": i, "b": "\x1b" * (i == 300)} for i in range(700)]
    for count in (0, 1, 249, 250, 251, 700):
        lazy = Rows(count, lambda count=count: rows[:count])  # type: ignore[misc]
        assert json_text({"rows": lazy, "x": [1]}) == json_text({"rows": rows[:count], "x": [1]})
    assert len(list(json_pieces({"rows": Rows(700, lambda: rows)}))) > 3
