"""Formulas as people type them: read, asked about, or refused with advice; never as another value."""

from __future__ import annotations

import numpy as np
import pytest
from rows_of_a_table import every
from typed_inputs import LATEX, PYTHON, TEXTBOOK

import bpx
from bpx.graph.formula import formula
from bpx.graph.graph import Graph
from bpx.spec.notations.read import read_formula
from bpx.spec.notations.translation.known import Known, known_of
from bpx.spec.reading.examples import example_names
from bpx.spec.text.build import build
from bpx.spec.text.parser import parse
from bpx.spec.text.source_text import SourceText
from bpx.words.diagnostic import Source

VALUES = {
    **{"x": 2.0, "y": 3.0, "z": 0.5, "w1": 1.5, "x1": 0.7, "w": 2.5, "b": 1.0},
    "v": np.array([0.5, 2.0, 1.5]),
    "u": np.array([1.0, 0.25, 3.0]),
    "W": np.array([[1.0, 2.0, 0.5], [0.25, 1.0, 3.0], [2.0, 0.5, 1.0]]),
    "A": np.array([[2.0, 1.0], [0.5, 3.0]]),
}
KNOWN = known_of(VALUES)
EVERY = {**LATEX, **PYTHON, **TEXTBOOK}


def text_of(content):
    return SourceText(Source("<expression>", content), content)


def outcome(typed):
    reading = read_formula(text_of(typed), KNOWN)
    if reading.problems:
        problem = reading.problems[0]
        if problem.code == "two-readings":
            return f"? {problem.facts['first']} | {problem.facts['second']}"
        return f"! {problem.code}"
    return f"{'~ ' if reading.notes else ''}{reading.expression.text.content}"


def readings(expected):
    """The texts in bpx's own notation that an outcome speaks of."""
    if expected.startswith("!"):
        return []
    return expected.removeprefix("? ").removeprefix("~ ").split(" | ") if expected[0] in "?~" else [expected]


@pytest.mark.parametrize("table", [LATEX, PYTHON, TEXTBOOK], ids=["latex", "python", "textbook"])
def test_typed_inputs(table):
    assert {typed: outcome(typed) for typed in table} == table


def test_what_is_refused_is_refused_with_advice():
    for typed, expected in EVERY.items():
        if expected.startswith(("!", "?")):
            problems = read_formula(text_of(typed), KNOWN).problems
            assert all(problem.advice for problem in problems), typed


def test_readings_and_proposals_read_back_as_themselves():
    for typed, expected in EVERY.items():
        for text in readings(expected):
            plain, problems = parse(text_of(text))
            again = read_formula(text_of(text), KNOWN)
            assert plain and not problems and not again.problems, (typed, text)
            assert again.expression.text.content == text, (typed, text)


def test_spans_are_places_in_what_was_typed():
    for typed, expected in EVERY.items():
        if expected[0] in "!?":
            continue
        expression = read_formula(text_of(typed), KNOWN).expression
        for node in expression.calls():
            span = expression.text.span(node.start, node.end)
            assert 0 <= span.start < span.end <= len(typed), typed


def test_spans_are_those_of_the_line_whatever_ends_the_lines():
    # Python's parser takes \r for the end of a line, and \r\n for one.
    for line_end in ("\n", "\r", "\r\n", "\f"):
        typed = f"{line_end}np.tanh(x){line_end} + np.exp(y)"
        expression = read_formula(text_of(typed), KNOWN).expression
        spans = [expression.text.span(node.start, node.end) for node in expression.calls()]
        assert {"np.exp(y)", "np.tanh(x)"} < {typed[span.start : span.end] for span in spans}


def test_own_notation_is_never_read_in_another():
    """What reads with names and ops that are known has the tree that the parser gives it."""
    for texts in (_formulas_of(bpx.load(name)) for name in example_names()):
        known, formulas = texts
        for text in formulas:
            reading = read_formula(text_of(text), known)
            assert not reading.notes and reading.expression.text.content == text


def _formulas_of(spec):
    names = {name: spec.graph.shapes[node] for name, node in spec.nodes.items()}
    texts = [str(formula(spec.graph, node, spec.own_names)) for node in spec.steps.values()]
    return Known(names, spec.custom), texts


# --- Python's own value -------------------------------------------------------------------------


def test_python_means_what_numpy_computes():
    module = {"np": np, "numpy": np, "jnp": np, "math": __import__("math")}
    kept = 0
    for typed, expected in PYTHON.items():
        if expected[0] in "!?" or "^" in typed or "lambda" in typed:
            continue
        try:
            value = eval(typed, {**module, **VALUES})
        except Exception:
            continue
        spec = bpx.parse(
            typed,
            **{
                n: v for n, v in VALUES.items() if n in read_formula(text_of(typed), KNOWN).expression.names()
            },
        )
        assert np.allclose(spec.explain(check=False).value, value), typed
        kept += 1
    assert kept > 30


# --- LaTeX as bpx prints it ---------------------------------------------------------------------


@every("name", example_names())
def test_latex_that_bpx_prints_reads_back(name):
    spec = bpx.load(name)
    known = Known({name: spec.graph.shapes[node] for node, name in spec.names.items()}, spec.custom)
    for node in spec.names:
        if spec.graph.args[node]:
            printed = formula(spec.graph, node, spec.names)
            assert str(read_back(printed.latex(), known, spec)) == str(printed)


def read_back(latex, known, spec):
    reading = read_formula(text_of(latex), known, "latex")
    assert reading.expression, [latex, *reading.problems]
    graph, problems = Graph(), []
    inputs = {name: graph.input(shape) for name, shape in known.shapes.items()}
    ops = {name: custom.op for name, custom in spec.custom.items()}
    expr = build(reading.expression, graph, inputs, problems.append, ops=ops)
    assert expr is not None, [latex, *problems]
    return formula(graph, expr.id, {expr.id: name for name, expr in inputs.items()})


# --- any text -----------------------------------------------------------------------------------


def test_no_text_makes_a_reader_fail():
    """Every beginning of what people type, and every text without one of its characters."""
    for typed in list(EVERY)[::4]:
        for at in range(1, len(typed)):
            for text in (typed[:at], typed[:at] + typed[at + 1 :]):
                for notation in ("latex", "python", "text"):
                    read_formula(text_of(text), KNOWN, notation)


def test_notation_can_be_forced():
    assert bpx.parse("xy", notation="latex", x=2, y=3).explain(check=False).value == 6
    with pytest.raises(bpx.BpxError, match="LaTeX"):
        bpx.parse("x +", notation="latex", x=2)
    with pytest.raises(bpx.BpxError, match="roman"):
        bpx.parse("x", notation="roman", x=2)


def test_claims_in_other_notations():
    spec = bpx.parse("x^2*y", x=3.0, y=2.0)
    for claim in (r"2 x y", r"2 \cdot x \cdot y", "np.multiply(2*x, y)"):
        report = spec.gradcheck(claims={"x": claim}, wrt=["x"])
        assert report.verdict == "agree", claim


def test_steps_of_specs_in_other_notations():
    spec = bpx.load("bpx = 1\n[inputs]\nx = 2.0\nw = 3.0\n[graph]\nz = \"2w x\"\na = '\\sigma(z)'\n")
    assert np.isclose(spec.explain(check=False).value, 1 / (1 + np.exp(-12.0)))
