"""The draft of a spec: its parts, read one by one, with the steps parsed but not yet built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bpx.diagnostic import Diagnostic, Source, Span
from bpx.formula import CONSTANTS
from bpx.graph import OPS, Array
from bpx.parser import Code, Text, parse

OUTPUT_OF_EXPRESSION = "out"


class Expect(NamedTuple):
    """What a saved graph is expected to give: its output's value, gradients by node name."""

    value: Any = None
    gradients: Mapping[str, Any] = {}


@dataclass(eq=False, repr=False)
class DraftInput:
    """An input as the document has it."""

    value: Array | None  # None: broken, or (in an expression) not given
    role: str = "data"
    span: Span | None = None


@dataclass(eq=False, repr=False)
class Draft:
    """All parts of a spec, read but not yet built into a graph."""

    source: Source
    title: str | None = None
    output: str | None = None
    output_span: Span | None = None
    inputs: dict[str, DraftInput] = field(default_factory=dict)
    steps: dict[str, Code | None] = field(default_factory=dict)
    step_spans: dict[str, Span | None] = field(default_factory=dict)
    expect: Expect | None = None
    expect_spans: dict[str, Span | None] = field(default_factory=dict)


def name_problem(name: str) -> str | None:
    """The code of what keeps `name` from being a name, if anything does."""
    code = parse(Text(Source("", name), name))[0]
    if not code or [item.kind for item in code.items] != ["name"] or code.items[0].value != name:
        return "bad-name"
    return "shadows-op" if name in OPS else None


def draft_of_expression(source: Source, values: Mapping[str, Any], problems: list[Diagnostic]) -> Draft:
    """The draft of a single expression; its inputs are the names in it that mean nothing else."""
    code, found = parse(Text(source, source.text))
    problems += found
    draft = Draft(source)
    if code:
        for item in code.items:
            if item.kind == "name" and (item.value in values or item.value not in (*CONSTANTS, *OPS)):
                span = code.text.span(item.start, item.end)
                draft.inputs.setdefault(item.value, DraftInput(None, span=span))
    output = OUTPUT_OF_EXPRESSION
    while output in draft.inputs:
        output += "_"
    draft.steps[output] = code
    return draft
