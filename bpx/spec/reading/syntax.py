"""The draft of a spec: its parts, read one by one, with the steps parsed but not yet built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bpx.graph.arrays import Array
from bpx.graph.graph import OPS
from bpx.graph.named.named_graph import Expect
from bpx.graph.named.names import free_output_name
from bpx.graph.named.recipe import NumberTable, Recipe
from bpx.graph.numbers import CONSTANTS
from bpx.spec.text.parser import OTHER_PART, Code, Item, Text, parse
from bpx.words.diagnostic import Diagnostic, Source, Span

OWN_VALUE = "out"  # what the rule of an op that a spec states calls the op's own value


@dataclass(eq=False, repr=False)
class DraftInput:
    """An input as the document has it."""

    value: Array | None  # None: broken, or (in an expression) not given
    role: str = "data"
    span: Span | None = None
    broken: bool = False  # given from outside or by a recipe, but not readable
    range: tuple[float, float] | None = None
    range_span: Span | None = None
    recipe: Recipe | None = None


@dataclass(eq=False, repr=False)
class DraftOp:
    """An op as the document states it; what is None is broken and was reported already."""

    args: tuple[str, ...] | None
    value: Code | None
    partials: dict[str, Code | None]
    span: Span | None = None


@dataclass(eq=False, repr=False)
class DraftBlock:
    """A block as the document states it; what is None is broken and was reported already.

    A block of one expression has a single step, without a name: `""`.
    """

    args: tuple[str, ...] | None
    steps: dict[str, Code | None] = field(default_factory=dict)
    step_spans: dict[str, Span | None] = field(default_factory=dict)
    output: str = ""  # the step that a call stands for
    span: Span | None = None


class ClaimSyntax(NamedTuple):
    """A claim as it is written, of a node by its name or by `∂L/∂w`: a formula, or numbers.

    `written` is a number or a nest of lists of numbers; None where there is a formula.
    """

    name: str
    code: Code | None
    written: Any
    span: Span | None


class Call(NamedTuple):
    """The call of a block that a step was written out from.

    `layer` is the name of what was written out, `text` the call, `span` the call in a step of the graph.
    """

    layer: str
    text: str
    span: Span | None


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
    claims: list[ClaimSyntax] = field(default_factory=list)
    ops: dict[str, DraftOp] = field(default_factory=dict)
    tables: Mapping[str, NumberTable] = field(default_factory=dict)
    blocks: dict[str, DraftBlock] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)  # of the steps that were written out, by name
    names_given: list[tuple[str, Span]] = field(default_factory=list)  # to calls, as `h.z`
    warnings: list[Diagnostic] = field(default_factory=list)


SPLIT = "split"  # the one op whose parts a single step may name


def parts_of(code: Code, names: Sequence[str]) -> list[Code]:
    """The codes of the steps `names`, which `code` is split into; of a single one the code itself.

    The first is the split, which knows how many parts there must be; the others are made from it.
    """
    if len(names) == 1:
        return [code]
    split = code.items[-1]
    first = split._replace(settings={**split.settings, "part": ([0, len(names)], split.start, split.end)})
    name = Item("name", names[0], split.start, split.end)
    others = [
        name._replace(kind="apply", value=OTHER_PART, argc=1, settings={"part": (part, 0, 0)})
        for part in range(1, len(names))
    ]
    return [Code(code.text, (*code.items[:-1], first)), *(Code(code.text, (name, other)) for other in others)]


def name_problem(name: str) -> str | None:
    """The code of what keeps `name` from being a name, if anything does."""
    code = parse(Text(Source("", name), name))[0]
    if not code or [item.kind for item in code.items] != ["name"] or code.items[0].value != name:
        return "bad-name"
    return "shadows-op" if name in OPS else None


def _is_input(item: Item, values: Mapping[str, Any]) -> bool:
    """Is it a name that means nothing else, or one (even called like an op) that a value is given to?"""
    if item.kind == "name":
        return item.value in values or item.value not in (*CONSTANTS, *OPS)
    return item.kind == "apply" and item.value in values and item.value not in OPS


def draft_of_expression(source: Source, values: Mapping[str, Any], problems: list[Diagnostic]) -> Draft:
    """The draft of a single expression; its inputs are the names in it that mean nothing else."""
    code, found = parse(Text(source, source.text))
    problems += found
    draft = Draft(source)
    for item in code.items if code else ():
        if _is_input(item, values):
            span = Text(source, source.text).span(item.start, item.start + len(item.value))
            draft.inputs.setdefault(item.value, DraftInput(None, span=span))
    for name in values:
        if name in OPS and name in draft.inputs:
            problems.append(Diagnostic("shadows-op", draft.inputs[name].span, {"name": name}, "rename"))
    without_value = [name for name in draft.inputs if name not in values]
    for name in values:
        if any(name in longer for longer in without_value):
            draft.inputs.setdefault(name, DraftInput(None))  # the `w` and `x` of a `wx` that lacks its sign
    draft.steps[free_output_name(draft.inputs)] = code
    return draft
