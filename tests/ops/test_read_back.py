"""What is printed of an op reads back as the same nodes, in text and in LaTeX, with all settings tested."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import oracle
from rows_of_a_table import every

from bpx.graph.formula import formula
from bpx.graph.graph import CONSTANT, OPS, Expr, Graph
from bpx.ops import rows
from bpx.spec.notations.read import read_formula
from bpx.spec.notations.translation.known import Known
from bpx.spec.text.build import build
from bpx.spec.text.source_text import SourceText
from bpx.words.diagnostic import Diagnostic, Source

NAMES = "xyzwuvpqrs"
SHAPES_OF_ELEMENTWISE = [(), (3,), (3, 3), (2, 3, 3)]
EXPONENTS = [-1.0, -2.0, 0.5, 2.0]
NOTATIONS = {"text": str, "latex": lambda printed: printed.latex()}


def cases() -> Iterator[tuple[str, Any, dict[str, Any]]]:
    for op in rows():
        if op.elementwise:
            yield from ((op.name, [shape] * len(op.args), {}) for shape in SHAPES_OF_ELEMENTWISE)
        else:
            yield from ((op.name, shapes, settings) for shapes, settings in oracle.cases(op.name))


def nodes_of(text: str, notation: str, shapes: dict[str, Any]) -> tuple[Expr, dict[int, str]]:
    """The nodes that a text means, and the names of the inputs among them."""
    graph, problems = Graph(), list[Diagnostic]()
    inputs = {name: graph.input(shape) for name, shape in shapes.items()}
    reading = read_formula(SourceText(Source("printed", text), text), Known(shapes), notation)
    assert reading.expression, (text, reading.problems)
    expr = build(reading.expression, graph, inputs, problems.append)
    assert expr is not None and not problems, (text, problems)
    return expr, {expr.id: name for name, expr in inputs.items()}


def tree(expr: Expr, names: dict[int, str]) -> Any:
    """A node as nested plain data, whatever its ids."""
    if expr.id in names:
        return names[expr.id]
    if expr.op is CONSTANT:
        return expr.graph.constants[expr.id].tolist()
    if expr.op.name == "transpose" and expr.ndim < 2:  # in LaTeX the sign of it is for the eye alone
        return tree(expr.args[0], names)
    return (expr.op.name, expr.graph.settings[expr.id], *[tree(arg, names) for arg in expr.args])


def assert_reads_back(expr: Expr, names: dict[int, str], notation: str) -> None:
    text = NOTATIONS[notation](formula(expr.graph, expr.id, names))
    again, names_again = nodes_of(
        text, notation, {name: expr.graph.shapes[node] for node, name in names.items()}
    )
    assert tree(again, names_again) == tree(expr, names), text


@every("notation", NOTATIONS)
@every("name, shapes, settings", cases())
def test_every_op_with_every_setting_reads_back(name, shapes, settings, notation):
    graph = Graph()
    inputs = [graph.input(shape) for shape in shapes]
    names = {expr.id: letter for expr, letter in zip(inputs, NAMES, strict=False)}
    assert_reads_back(graph.add(OPS[name], *inputs, **settings), names, notation)


@every("notation", NOTATIONS)
@every("exponent", EXPONENTS)
@every("shape", SHAPES_OF_ELEMENTWISE)
def test_a_power_of_elements_is_not_read_as_an_inverse(shape, exponent, notation):
    graph = Graph()
    x = graph.input(shape)
    assert_reads_back(x**exponent, {x.id: "x"}, notation)
    if len(shape) > 1 and shape[-1] == shape[-2]:
        assert_reads_back(OPS["inv"](x) ** exponent, {x.id: "x"}, notation)
        assert_reads_back(OPS["inv"](x**exponent), {x.id: "x"}, notation)
