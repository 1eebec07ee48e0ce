"""Places in the words of the spec."""

from __future__ import annotations

import pytest
from checking import point_of, spec, toml

from bpx.check.blame.where import in_own_names, named_formula, occurrences, path_text, renamed, text_of
from bpx.check.report.blame import Mistake
from bpx.graph.formula import formula, symbol
from bpx.graph.graph import OPS, Graph


def edge_of(checked, consumer: int, position: int = 0):
    return next(
        edge for edge in checked.ledger.edges if (edge.consumer, edge.position) == (consumer, position)
    )


def node_of(checked, text: str) -> int:
    return next(node for node in checked.forward if str(named_formula(checked, node)) == text)


@pytest.mark.parametrize(
    ("expression", "node", "position", "text"),
    [
        ("sin(x*y)+x", "x * y", 0, "`x * y` (by `x`)"),
        ("sin(x*y)+x", "x * y", 1, "`x * y` (by `y`)"),
        ("sin(x)*y", "sin(x)", 0, "`sin(x)`"),
        ("x^2 + y", "x^2", 0, "`x^2`"),
    ],
)
def test_a_path(expression, node, position, text):
    checked = point_of(spec(expression, x=0.5, y=2.0))
    assert path_text(checked, edge_of(checked, node_of(checked, node), position)) == text


def test_a_part_that_occurs_twice():
    checked = point_of(spec("y*sin(x) + sin(x)", x=0.5, y=2.0))
    first = occurrences(checked)
    assert len(set(first.values())) < len(first)
    twice = [node for node in checked.forward if str(named_formula(checked, node)) == "sin(x)"]
    assert [path_text(checked, edge_of(checked, node)) for node in twice] == [
        "`sin(x)` (occurrence 1 of 2)",
        "`sin(x)` (occurrence 2 of 2)",
    ]


def test_a_long_formula_is_not_written_out():
    """Of thirty steps each used twice the text would be longer than the memory."""
    steps = "".join(f'v{i} = "(v{i - 1} + v{i - 1}) * 1"\n' for i in range(1, 30))
    made = toml(f"bpx = 1\n[inputs]\nv0 = 1.0\n[graph]\n{steps}")
    checked = point_of(made)
    assert all(len(text_of(checked, node)) <= 64 for node in checked.forward)
    doubled = point_of(spec("+".join(f"sin({i}*x)" for i in range(1, 40)), x=0.3))
    assert all(len(text_of(doubled, node)) <= 64 for node in doubled.forward)
    assert "…" in text_of(doubled, doubled.query.output)


def test_an_ops_own_names_are_replaced():
    checked = point_of(spec("(x^2+1)^3", x=2.0))
    graph = Graph()
    places = [graph.input(), graph.input()]
    power = graph.add(OPS["pow"], places[0], graph.add(OPS["sub"], places[1], 1.0))
    by_op = formula(graph, power.id, {places[0].id: "x", places[1].id: "y"})
    assert str(by_op) == "x^(y - 1)"
    mistake = Mistake.of("slip", wrong=symbol("x"), right=by_op)
    own = in_own_names(checked, edge_of(checked, checked.query.output), mistake)
    assert own.text == "`x^2 + 1` should be `(x^2 + 1)^2`"


def test_a_power_of_1_is_not_written():
    graph = Graph()
    x, y = graph.input(), graph.input()
    power = graph.add(OPS["pow"], graph.add(OPS["sin"], x), graph.add(OPS["sub"], y, 1.0))
    product = formula(graph, graph.add(OPS["mul"], y, power).id, {x.id: "x", y.id: "y"})
    assert str(product) == "y * sin(x)^(y - 1)"
    assert str(renamed(product, {"y": formula(graph, graph.constant(2.0).id, {})})) == "2 * sin(x)"


def test_other_names_stay():
    assert str(renamed(symbol("z"), {"x": symbol("w")})) == "z"
