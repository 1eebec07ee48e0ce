"""Several statements in one text: `z = w*x + b; a = sigmoid(z); x = 2`.

A name with an expression is a step, a name with numbers is an input and its value; one expression may stand
without a name. Statements end with `;` or with their line, and with a comma before the next `name =`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bpx.graph.named.names import free_output_name
from bpx.graph.numbers import CONSTANTS
from bpx.spec.reading.assemble import constant_value
from bpx.spec.reading.syntax import InputSyntax, SpecSyntax, input_names, name_problem
from bpx.spec.text.parser import parse
from bpx.spec.text.source_text import SourceText
from bpx.spec.text.syntax_tree import Expression
from bpx.words.diagnostic import Diagnostic, Source, Span

# `z =`, `z :=`, and `f(x) =`, which is a step as well: its expression says what it depends on.
_NAMED = re.compile(r"\s*(?P<name>[^\W\d][\w.]*['′]*)\s*(?:\([\w\s,]*\)\s*)?:?=(?!=)\s*")
_OPENING, _CLOSING = "([{", ")]}"


def is_statements(text: str) -> bool:
    """Whether a text has statements, and is not one expression alone."""
    if "=" not in text and ";" not in text and "\n" not in text:
        return False
    pieces = list(_pieces(text))
    return len(pieces) > 1 or any(_NAMED.match(text, start) for start, _ in pieces)


def split_assignments(text: str) -> list[str]:
    """The parts of `x=3, y=-1`."""
    return [text[start:end].strip() for start, end in _pieces(text)]


def statements_syntax(source: Source, values: Mapping[str, Any], problems: list[Diagnostic]) -> SpecSyntax:
    """The syntax of a spec of statements; its inputs are the names that are not those of steps.

    `values` are given from outside, and come before those in the text. What is wrong goes to `problems`.
    """
    syntax = SpecSyntax(source)
    places = SourceText(source, source.text)
    output: Expression | None = None
    for start, end in _pieces(source.text):
        named = _NAMED.match(source.text, start, end)
        at = named.end() if named else start
        text = SourceText(source, source.text[at:end], range(at, end + 1))
        expression, expression_problems = parse(text)
        problems += expression_problems
        if named:
            span = places.span(named.start("name"), named.end("name"))
            _add(syntax, named["name"], expression, span, values, problems)
        elif output is None:
            output = expression
        else:
            problems.append(Diagnostic("two-expressions", text.span(0, end - at), {}, "name-expressions"))
    if output is not None:
        syntax.steps[free_output_name({*syntax.steps, *syntax.inputs})] = output
    _add_inputs(syntax, values)
    syntax.output = _last_result(syntax)
    if not syntax.steps and not problems:
        problems.append(Diagnostic("no-expression", None, {}, "add-expression"))
    return syntax


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


def _add(
    syntax: SpecSyntax,
    name: str,
    expression: Expression | None,
    span: Span,
    values: Mapping[str, Any],
    problems: list[Diagnostic],
) -> None:
    """A statement with a name: an input where it is a number, else a step."""
    if name in syntax.steps or name in syntax.inputs:
        problems.append(Diagnostic("stated-twice", span, {"name": name}))
    elif problem := name_problem(name):
        problems.append(Diagnostic(problem, span, {"name": name}, "rename"))
    elif expression and all(used in CONSTANTS for used in expression.names()):
        value = None if name in values else constant_value(name, expression, problems)
        syntax.inputs[name] = InputSyntax(value, span=span, broken=value is None)
    else:
        syntax.steps[name] = expression
        syntax.step_spans[name] = span


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
