"""Several statements in one text: `z = w*x + b; a = sigmoid(z); x = 2`.

A name with an expression is a step, a name with numbers is an input and its value; one expression may stand
without a name. Statements end with `;` or with their line, and with a comma before the next `name =`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from bpx.graph.arrays import Array
from bpx.graph.named.names import free_output_name
from bpx.graph.numbers import CONSTANTS
from bpx.spec.notations.read import read_formula
from bpx.spec.notations.translation.known import known_of
from bpx.spec.reading.assemble import constant_value
from bpx.spec.reading.syntax import InputSyntax, SpecSyntax, input_names, name_problem, rename_help
from bpx.spec.text.parser import parse
from bpx.spec.text.source_text import SourceText
from bpx.words.diagnostic import Diagnostic, Source, Span

# `z =`, `z :=`, and `f(x) =`, which is a step as well: its expression says what it depends on.
_NAMED = re.compile(r"\s*(?P<name>[^\W\d][\w.]*['′]*)\s*(?:\([\w\s,]*\)\s*)?:?=(?!=)\s*")
_BEFORE_NAME = re.compile(r"(?<=[\d.\])])\s+(?=[^\W\d]\w*\s*=(?!=))")  # behind a number or a list
_OPENING, _CLOSING = "([{", ")]}"


def is_statements(text: str) -> bool:
    """Whether a text has statements, and is not one expression alone."""
    if "=" not in text and ";" not in text and "\n" not in text:
        return False
    pieces = list(_pieces(text))
    is_named = any(_NAMED.match(text, start) for start, _ in pieces)
    return is_named or len(pieces) > 1 or text.rstrip().endswith(";")


def split_assignments(text: str) -> list[str]:
    """The parts of `x=3, y=-1` and of `x=3 y=-1`."""
    parts = [text[start:end].strip() for start, end in _pieces(text)]
    return [piece for part in parts for piece in _BEFORE_NAME.split(part)]


class _Statement(NamedTuple):
    """A statement: its name, "" where it has none, where that stands, and the text of its formula."""

    name: str
    span: Span
    text: SourceText


def statements_syntax(
    source: Source, values: Mapping[str, Any], problems: list[Diagnostic], notation: str | None = None
) -> SpecSyntax:
    """The syntax of a spec of statements; its inputs are the names that are not those of steps.

    `values` are given from outside, and come before those in the text. What is wrong goes to `problems`.
    """
    syntax, formulas = SpecSyntax(source), list[_Statement]()
    names: set[str] = set()
    for statement in _statements(source):
        problem = _problem_of_name(statement, names)
        names.add(statement.name)
        if problem:
            problems.append(problem)
        elif not _add_value(syntax, statement, values, problems):
            formulas.append(statement)
    stated = {name: input.value for name, input in syntax.inputs.items()}
    known = known_of({**dict.fromkeys(names), **stated, **values})
    for statement in formulas:
        expression, formula_problems, notes, _ = read_formula(statement.text, known, notation)
        problems += formula_problems
        syntax.warnings += notes
        syntax.steps[statement.name] = expression
        syntax.step_spans[statement.name] = statement.span
    if "" in syntax.steps:
        syntax.steps[free_output_name(names)] = syntax.steps.pop("")
        syntax.step_spans.pop("")
    _add_inputs(syntax, values)
    syntax.output = _last_result(syntax)
    if not syntax.steps and not problems:
        problems.append(Diagnostic("no-expression", None, {}, "add-expression"))
    return syntax


def _statements(source: Source) -> Iterator[_Statement]:
    places = SourceText(source, source.text)
    for start, end in _pieces(source.text):
        named = _NAMED.match(source.text, start, end)
        at = named.end() if named else start
        text = SourceText(source, source.text[at:end], range(at, end + 1))
        if named:
            yield _Statement(named["name"], places.span(*named.span("name")), text)
        else:
            yield _Statement("", places.span(start, end), text)


def _problem_of_name(statement: _Statement, names: set[str]) -> Diagnostic | None:
    if statement.name in names:
        if not statement.name:
            return Diagnostic("two-expressions", statement.span, {}, "name-expressions")
        return Diagnostic("stated-twice", statement.span, {"name": statement.name}, "leave-one-out")
    code = name_problem(statement.name) if statement.name else None
    if not code:
        return None
    help, facts = rename_help(code, statement.name)
    return Diagnostic(code, statement.span, facts, help)


def _add_value(
    syntax: SpecSyntax, statement: _Statement, values: Mapping[str, Any], problems: list[Diagnostic]
) -> bool:
    """Add an input with its value; False where the statement is a formula."""
    expression, value_problems = parse(statement.text)
    value: Array | None = None
    if not statement.name:
        return False
    if expression is None or value_problems:
        from bpx.spec.text.printed import printed_array

        value = printed_array(statement.text.content)
        if value is None:
            return False
    elif any(used not in CONSTANTS for used in expression.names()):
        return False
    elif statement.name not in values:
        value = constant_value(statement.name, expression, problems)
    syntax.inputs[statement.name] = InputSyntax(value, span=statement.span, broken=value is None)
    return True


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Where each statement starts and ends, without blanks around it."""
    depth = start = 0
    for at, char in enumerate(text):
        depth += (char in _OPENING) - (char in _CLOSING)
        ends = char in ";\n" or (char == "," and _NAMED.match(text, at + 1))
        if ends and depth <= 0:
            yield from _trimmed(text, start, at)
            start = at + 1
    yield from _trimmed(text, start, len(text))


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    piece = text[start:end]
    if piece.strip():
        yield start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())


def _add_inputs(syntax: SpecSyntax, values: Mapping[str, Any]) -> None:
    """Inputs are the names in the steps that mean nothing else."""
    for expression in syntax.steps.values():
        for name, start in input_names(expression, values) if expression else ():
            if name not in syntax.steps and name not in syntax.inputs:
                span = expression.text.span(start, start + len(name)) if expression else None
                syntax.inputs[name] = InputSyntax(None, span=span)


def _last_result(syntax: SpecSyntax) -> str | None:
    """The output: the last step that no other step uses."""
    used = {name for expression in syntax.steps.values() if expression for name in expression.names()}
    results = [name for name in syntax.steps if name not in used]
    return results[-1] if results else None
