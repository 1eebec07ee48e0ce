"""Answers as somebody typed them: a number, an array, or a formula in names of nodes and derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from bpx.graph.arrays import Array, Shape
from bpx.graph.named.claim import Derivative, NamedFormula
from bpx.graph.numbers import shape_text
from bpx.graph.run import run
from bpx.spec.practice.cells.cells import Cell, Values, Workings
from bpx.spec.reading.claims import in_names_of, named_formula, read_claimed
from bpx.spec.text.problems import listed
from bpx.spec.text.source_text import SourceText
from bpx.words.derivative_names import with_derivatives
from bpx.words.diagnostic import BpxError, Diagnostic, Span


class Answer(NamedTuple):
    """What somebody answered; `of` gives its value where the cells have certain values.

    `is_formula` says that it has names, so that it can be looked at in other points too.
    """

    text: str
    of: Callable[[Values], Array]
    is_formula: bool
    span: Span


def read_answer(workings: Workings, cell: Cell, text: SourceText) -> Answer:
    """The answer for a cell. Raises `BpxError` where it cannot be read, or is of another shape."""
    span = text.span(0, len(text.content))
    syntax = read_claimed(cell.key, text, span)
    if syntax.expression is None:
        numbers = np.asarray(syntax.written, dtype=np.float64)
        _refuse_shape(workings, cell, numbers.shape, span)
        return Answer(text.content, lambda _: numbers, False, span)
    syntax, said = in_names_of(workings.spec, syntax)
    problems = [problem for problem in said if problem.severity == "error"]
    formula = named_formula(syntax.expression, workings.spec, problems) if syntax.expression else None
    keys = _keys(workings, cell, formula, span, problems) if formula else {}
    if problems or formula is None:
        raise BpxError([_in_terms_of_the_sheet(workings, cell, problem) for problem in problems])
    inside, names = formula.inside, formula.names
    _refuse_shape(workings, cell, inside.graph.shapes[inside.root], span)

    def value(values: Values) -> Array:
        known = {place: values[keys[name]] for name, place in zip(names, inside.args, strict=True)}
        return np.asarray(run(inside.graph, known, [inside.root])[inside.root])

    return Answer(text.content, value, bool(names), span)


def _in_terms_of_the_sheet(workings: Workings, cell: Cell, problem: Diagnostic) -> Diagnostic:
    """A name that no formula knows is one without a cell: it cannot be given a step here."""
    if problem.code != "unknown-name":
        return problem
    return _without_cell(workings, cell, problem.facts["name"], problem.span)


def _without_cell(workings: Workings, cell: Cell, name: str, span: Span | None) -> Diagnostic:
    """A name without a cell, with those that may be used: of derivatives, or else of nodes."""
    circular, text = {cell.key, *workings.following(cell.key)}, with_derivatives(name)
    usable = [key for key in workings.cells if key not in circular and " · " not in key]
    known = [key for key in usable if ("/" in key) == (text != name)]
    facts = {"name": text, "known": listed(known)}
    problem = Diagnostic("answer-name", span, facts, "answer-names" if known else None)
    return problem if text != name else problem.suggesting(name, known)


def _refuse_shape(workings: Workings, cell: Cell, found: Shape, span: Span) -> None:
    """Raise `BpxError` unless it is the cell's; a number alone does for an array of one element."""
    wanted = workings.shape_of(cell)
    if found != wanted and not math.prod(found) == math.prod(wanted) == 1:
        facts = {"name": cell.key, "found": shape_text(found), "wanted": shape_text(wanted)}
        raise BpxError([Diagnostic("answer-shape", span, facts)])


def _keys(
    workings: Workings, cell: Cell, formula: NamedFormula, span: Span, problems: list[Diagnostic]
) -> dict[str, str]:
    """Name in the formula → key of the cell that it means; what follows from the asked cell says nothing."""
    keys: dict[str, str] = {}
    circular = {cell.key, *workings.following(cell.key)}
    for name in formula.names:
        key = _key(workings, name, formula.derivatives.get(name))
        if key is None:
            problems.append(_without_cell(workings, cell, name, span))
        elif key in circular:
            problems.append(Diagnostic("answer-circular", span, {"name": cell.key, "used": key}))
        else:
            keys[name] = key
    return keys


def _key(workings: Workings, name: str, derivative: Derivative | None) -> str | None:
    nodes = workings.spec.nodes
    if derivative is None:
        return workings.value_keys.get(nodes[name])
    node, output = nodes[derivative.node], workings.query.output
    of = output if derivative.of is None else nodes[derivative.of]
    if of == output:
        return workings.gradient_keys.get(node)
    key = workings.partial_text(of, node)
    return key if key in workings.cells else None
