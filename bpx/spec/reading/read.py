"""Text → `NamedGraph`: a TOML or JSON spec, an expression, a single value.

Reading never runs code of the spec's, never reads another file, and collects everything that is wrong
before it raises `BpxError`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.graph import Graph
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.named.values import as_array, not_an_input
from bpx.graph.numbers import number
from bpx.graph.run import run
from bpx.spec.reading.assemble import assemble
from bpx.spec.reading.document import Format
from bpx.spec.reading.syntax import Draft, DraftInput, draft_of_expression
from bpx.spec.text.build import build
from bpx.spec.text.parser import Text, parse
from bpx.words.diagnostic import BpxError, Diagnostic, Source, Span


def read_spec(source: Source, format: Format, values: Mapping[str, Any] | None = None) -> NamedGraph:
    """The spec in a TOML or JSON text; `values` (arrays by name) replace those of inputs.

    Raises `BpxError` with all that is wrong.
    """
    from bpx.spec.reading.decode import draft_of_document
    from bpx.spec.reading.document import read_document

    problems: list[Diagnostic] = []
    document, places = read_document(source, format)
    draft = draft_of_document(document, places, problems)
    return _make(draft, values or {}, problems)


def read_expression(source: Source, values: Mapping[str, Any] | None = None) -> NamedGraph:
    """The spec of one expression, its inputs given by `values`. Raises `BpxError`."""
    problems: list[Diagnostic] = []
    draft = draft_of_expression(source, values or {}, problems)
    return _make(draft, values or {}, problems)


def read_value(name: str, source: Source) -> Array:
    """The value of a text such as `0.5`, `-1/3`, `pi/2` or `[[1, 2], [3, 4]]`. Raises `BpxError`."""
    code, problems = parse(Text(source, source.text))
    graph = Graph()
    expr = build(code, graph, {}, problems.append) if code else None
    if problems or expr is None:
        raise BpxError(problems)
    value = np.array(run(graph, {}, [expr.id])[expr.id])
    if not value.size:
        raise BpxError([Diagnostic("empty-array", Span(source, 0, len(source.text)), {"name": name})])
    if not np.isfinite(value).all():
        facts = {"name": name, "found": str(value)}
        raise BpxError([Diagnostic("not-finite-input", Span(source, 0, len(source.text)), facts)])
    return value


# --- draft → graph ------------------------------------------------------------------------------


def _make(draft: Draft, values: Mapping[str, Any], problems: list[Diagnostic]) -> NamedGraph:
    """Put the values in, build the graph and check what needs it. Raises `BpxError`."""
    if values:  # what was stated as numbers was stated of the values as saved
        draft.expect = None
        draft.claims = [claim for claim in draft.claims if claim.code]
    _override(draft, values, problems)
    _check_values(draft, problems)
    spec = assemble(draft, problems)
    if spec is None or problems:
        raise BpxError(sorted(problems, key=lambda problem: problem.span.start if problem.span else -1))
    return replace(spec, make_again=partial(_make_again, draft))


def _make_again(draft: Draft, values: Mapping[str, Any]) -> NamedGraph:
    """Another spec of a draft that one was made of. Raises `BpxError`."""
    inputs = {name: replace(one) for name, one in draft.inputs.items()}
    return _make(replace(draft, inputs=inputs), values, [])


def _override(draft: Draft, values: Mapping[str, Any], problems: list[Diagnostic]) -> None:
    readable = None not in draft.steps.values() or draft.inputs
    for name, value in values.items():
        if name not in draft.inputs and not readable:
            continue  # an expression that cannot be read has no inputs yet
        if name not in draft.inputs:
            problems.append(not_an_input(name, draft.inputs))
            continue
        draft.inputs[name].broken = value is None
        array = None if value is None else as_array(name, value, problems)
        if array is not None:
            draft.inputs[name].value = array
            draft.inputs[name].recipe = None


def _check_values(draft: Draft, problems: list[Diagnostic]) -> None:
    reported = {problem.facts.get("name") for problem in problems}
    for name, one in draft.inputs.items():
        if one.value is None and name not in reported and not one.broken:
            problems.append(_missing_value(name, one.span, draft.inputs))
        problems += _outside_range(name, one)


def _outside_range(name: str, one: DraftInput) -> Iterator[Diagnostic]:
    if one.value is None or one.range is None:
        return
    low, high = one.range
    outside = one.value[(one.value < low) | (one.value > high)]
    if outside.size:
        found, low_text, high_text = map(number, (outside[0], low, high))
        facts = {"name": name, "found": found, "low": low_text, "high": high_text}
        yield Diagnostic("outside-range", one.range_span, facts)


def _missing_value(name: str, span: Span | None, inputs: Mapping[str, DraftInput]) -> Diagnostic:
    """The diagnostic for an input without a value; `wx` may be meant as `w*x`."""
    valued = {other for other, one in inputs.items() if one.value is not None}
    for at in range(1, len(name)):
        if name[:at] in valued and name[at:] in valued:
            facts = {"name": name, "left": name[:at], "right": name[at:]}
            return Diagnostic("missing-value", span, facts, "implicit-product")
    return Diagnostic("missing-value", span, {"name": name}, "set-value")
