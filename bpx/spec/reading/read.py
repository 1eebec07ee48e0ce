"""Text → `NamedGraph`: a TOML or JSON spec, an expression, a single value.

Reading never runs code of the spec's, never reads another file, and collects everything that is wrong
before it raises `BpxError`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.named.values import as_array, not_an_input
from bpx.graph.numbers import number
from bpx.spec.reading.assemble import assemble, constant_value
from bpx.spec.reading.syntax import InputSyntax, SpecSyntax, expression_syntax
from bpx.spec.text.parser import parse
from bpx.spec.text.source_text import SourceText
from bpx.words.diagnostic import MOST_PROBLEMS, BpxError, Diagnostic, Source, Span

if TYPE_CHECKING:
    from bpx.spec.reading.documents.document import Format

_LONGEST_PRODUCT = 100  # characters of a name that may be two, written without a sign
_NOT_FINITE = ("nan", "inf", "infinity")
_NUMBERS_WITH_COMMAS = re.compile(r"[-+\d.eE\s,\[\]]+")
# What is said of these in a formula would be no help for a value.
_OF_FORMULAS = frozenset(
    ("unknown-name", "unknown-op", "bad-list", "implicit-product", "assignment", "unexpected-character")
) | {"expected-operand", "comma-outside-call", "op-without-brackets", "unclosed-bracket"}


def read_spec(source: Source, format: Format, values: Mapping[str, Any] | None = None) -> NamedGraph:
    """The spec in a TOML or JSON text; `values` (arrays by name) replace those of inputs.

    Raises `BpxError` with all that is wrong.
    """
    return _named_graph(partial(_spec_syntax, source, format), values or {})


def _spec_syntax(
    source: Source, format: Format, values: Mapping[str, Any], problems: list[Diagnostic]
) -> SpecSyntax:
    from bpx.spec.reading.decode import decode
    from bpx.spec.reading.documents.document import read_document

    document, places = read_document(source, format)
    return decode(document, places, problems)


def read_expression(
    source: Source, values: Mapping[str, Any] | None = None, notation: str | None = None
) -> NamedGraph:
    """The spec of one expression, its inputs given by `values`. Raises `BpxError`.

    `notation` is one of `spec/notations/read.py:NOTATIONS`; without it the text shows in which it is.
    """
    return _named_graph(partial(expression_syntax, source, notation=notation), values or {})


def read_statements(
    source: Source, values: Mapping[str, Any] | None = None, notation: str | None = None
) -> NamedGraph:
    """The spec of statements such as `z = w*x; L = z^2; x = 3`, as `read_expression`. Raises `BpxError`."""
    from bpx.spec.reading.statements import statements_syntax

    return _named_graph(partial(statements_syntax, source, notation=notation), values or {})


def read_value(name: str, source: Source) -> Array:
    """The value of a text: `0.5`, `-1/3`, `[[1, 2], [3, 4]]`, or an array as a program prints it.

    Raises `BpxError`.
    """
    if source.text.strip() in ("", "@"):
        raise BpxError([Diagnostic("empty-value", None, {"name": name})])
    expression, problems = parse(SourceText(source, source.text))
    value = constant_value(name, expression, problems) if expression and not problems else None
    if value is None:
        value = _printed(source)
    if value is None:
        raise BpxError(_elided(source) or [_of_value(name, source.text, problems[0])])
    return value


def _of_value(name: str, text: str, problem: Diagnostic) -> Diagnostic:
    """The problem of a value, which is no formula: there are no names in it and no infinity."""
    word = str(problem.facts.get("name", problem.facts.get("found", ""))).strip("`")
    if problem.code in ("unknown-name", "bad-list") and word.lower() in _NOT_FINITE:
        return problem._replace(code="not-finite-input", facts={"name": name, "found": word}, help=None)
    if problem.code == "comma-outside-call" and _NUMBERS_WITH_COMMAS.fullmatch(text):
        return problem._replace(help="decimal-or-list", facts={"list": f"[{text.strip()}]"})
    return problem._replace(help="value-form") if problem.code in _OF_FORMULAS else problem


def _elided(source: Source) -> list[Diagnostic]:
    """NumPy and PyTorch print `...` in place of most of a large array."""
    at = source.text.find("...")
    return [Diagnostic("elided-array", Span(source, at, at + 3), {}, "print-all")] if at >= 0 else []


def _printed(source: Source) -> Array | None:
    """The array of finite numbers that another program printed; None where the text is none."""
    from bpx.spec.text.printed import printed_array

    array = printed_array(source.text)
    return array if array is not None and array.size and np.isfinite(array).all() else None


# --- syntax → graph -----------------------------------------------------------------------------


_Read: TypeAlias = Callable[[Mapping[str, Any], list[Diagnostic]], SpecSyntax]


def _named_graph(read: _Read, values: Mapping[str, Any]) -> NamedGraph:
    """Read the syntax, put the values in, build the graph and check what needs it. Raises `BpxError`.

    The syntax takes several times as much as the graph. It is let go, and read again for other values.
    """
    problems: list[Diagnostic] = []
    syntax = read(values, problems)
    if values:  # what was stated as numbers was stated of the values as saved
        syntax.expect = None
        syntax.claims = [claim for claim in syntax.claims if claim.expression]
    _override(syntax, values, problems)
    _check_values(syntax, problems)
    named_graph = assemble(syntax, problems)
    problems = _without_consequences(syntax, problems)
    if named_graph is None or problems:
        raise BpxError(sorted(problems, key=lambda problem: problem.span.start if problem.span else -1))
    drawn: dict[str, Any] = dict(_drawn(syntax))
    inputs = tuple(input._replace(value=drawn[input.name]) for input in named_graph.inputs)
    return replace(named_graph, inputs=inputs, rebuilt=partial(_read_again, read, values))


def _drawn(syntax: SpecSyntax) -> Iterator[tuple[str, Array | None]]:
    """The values of the inputs, drawn where they are to be. Raises `BpxError` for those outside of range."""
    problems: list[Diagnostic] = []
    for name, input in syntax.inputs.items():
        if input.to_draw and input.recipe:
            input.value = array = input.recipe.array()
            if not np.isfinite(array).all():
                facts = {"name": name, "found": str(array[~np.isfinite(array)][0])}
                problems.append(Diagnostic("not-finite-input", input.to_draw, facts))
            input.to_draw = None
        problems += _outside_range(name, input)
        yield name, input.value
    if problems:
        raise BpxError(problems)


def _without_consequences(syntax: SpecSyntax, problems: list[Diagnostic]) -> list[Diagnostic]:
    """The problems without values of unknown inputs whose names stand where a formula could not be read.

    Only those that may be shown are looked at so.
    """
    source = syntax.source
    numbers = {
        source.position(problem.span.start)[0]
        for problem in problems
        if problem.span and problem.span.source is source and problem.code != "missing-value"
    }
    lines = [source.line(number) for number in sorted(numbers)]
    unknown = [problem for problem in problems if problem.code == "not-an-input"][:MOST_PROBLEMS]

    def follows(problem: Diagnostic) -> bool:
        name = rf"(?<![^\W_]){re.escape(str(problem.facts.get('name')))}(?![^\W_])"  # also `b` in `log_b`
        return any(re.search(name, line) for line in lines)

    following = {id(problem) for problem in unknown if follows(problem)}
    return [problem for problem in problems if id(problem) not in following]


def _read_again(read: _Read, values: Mapping[str, Any], others: Mapping[str, Any]) -> NamedGraph:
    """Another graph of the same text, with other values before those of the first. Raises `BpxError`."""
    return _named_graph(read, {**values, **others})


def _override(syntax: SpecSyntax, values: Mapping[str, Any], problems: list[Diagnostic]) -> None:
    readable = None not in syntax.steps.values() or syntax.inputs
    for name, value in values.items():
        if name not in syntax.inputs and not readable:
            continue  # an expression that cannot be read has no inputs yet
        if name not in syntax.inputs:
            problems.append(not_an_input(name, syntax.inputs))
            continue
        syntax.inputs[name].broken = value is None
        array = None if value is None else as_array(name, value, problems)
        if array is not None:
            syntax.inputs[name].value = array
            syntax.inputs[name].recipe = syntax.inputs[name].to_draw = None


def _check_values(syntax: SpecSyntax, problems: list[Diagnostic]) -> None:
    reported = {problem.facts.get("name") for problem in problems}
    valued = {name for name, input in syntax.inputs.items() if input.value is not None}
    missing = [
        name
        for name, input in syntax.inputs.items()
        if input.value is None and name not in reported and not input.broken
    ]
    for name in missing:
        problem = _missing_value(name, syntax.inputs[name].span, valued)
        if name == missing[-1] and not problem.help:
            values = " ".join(f"{name}=0.5" for name in missing)
            problem = problem._replace(help="set-values", facts={"name": name, "values": values})
        problems.append(problem)


def _outside_range(name: str, input: InputSyntax) -> Iterator[Diagnostic]:
    if input.value is None or input.range is None:
        return
    low, high = input.range
    outside = input.value[(input.value < low) | (input.value > high)]
    if outside.size:
        first_text, low_text, high_text = map(number, (outside[0], low, high))
        facts = {"name": name, "found": first_text, "low": low_text, "high": high_text}
        yield Diagnostic("outside-range", input.range_span, facts)


def _missing_value(name: str, span: Span | None, valued: Set[str]) -> Diagnostic:
    """The diagnostic for an input without a value; `wx` may be meant as `w*x`."""
    for at in range(1, len(name) if len(name) <= _LONGEST_PRODUCT else 0):
        if name[:at] in valued and name[at:] in valued:
            facts = {"name": name, "left": name[:at], "right": name[at:]}
            return Diagnostic("missing-value", span, facts, "implicit-product")
    return Diagnostic("missing-value", span, {"name": name})
