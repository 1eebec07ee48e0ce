"""The syntax of a spec: its declarations, read one by one, with the steps parsed but not yet built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from bpx.graph.arrays import Array
from bpx.graph.graph import OPS
from bpx.graph.named.named_graph import Expect
from bpx.graph.named.names import free_output_name, proposed_name
from bpx.graph.numbers import CONSTANTS
from bpx.spec.notations.read import read_formula
from bpx.spec.notations.translation.known import known_of
from bpx.spec.text.parser import LONGEST_FORMULA, parse
from bpx.spec.text.source_text import SourceText
from bpx.spec.text.syntax_tree import Call, Expression, Name, Setting, SplitPart, postorder
from bpx.words.diagnostic import Diagnostic, Source, Span

if TYPE_CHECKING:
    from bpx.graph.named.recipe import NumberTable, Recipe

OWN_VALUE = "out"  # what the rule of an op that a spec states calls the op's own value


@dataclass(eq=False, repr=False)
class InputSyntax:
    """An input as the document has it."""

    value: Array | None  # None: broken, or (in an expression) not given
    role: str = "data"
    span: Span | None = None
    broken: bool = False  # given from outside or by a recipe, but not readable
    range: tuple[float, float] | None = None
    range_span: Span | None = None
    recipe: Recipe | None = None
    to_draw: Span | None = None  # the recipe, while `value` is a mere shape: until all else is right


@dataclass(eq=False, repr=False)
class OpSyntax:
    """An op as the document states it; what is None is broken and was reported already."""

    args: tuple[str, ...] | None
    value: Expression | None
    partials: dict[str, Expression | None]
    span: Span | None = None


@dataclass(eq=False, repr=False)
class BlockSyntax:
    """A block as the document states it; what is None is broken and was reported already.

    A block of one expression has a single step, without a name: `""`.
    """

    args: tuple[str, ...] | None
    steps: dict[str, Expression | None] = field(default_factory=dict)
    step_spans: dict[str, Span | None] = field(default_factory=dict)
    output: str = ""  # the step that a call stands for
    span: Span | None = None


class ClaimSyntax(NamedTuple):
    """A claim as it is written, of a derivative by any of its names: a formula, or numbers.

    `written` is a number or a nest of lists of numbers; None where there is a formula. `room` is how
    far off each number may be whatever its digits say.
    """

    name: str
    expression: Expression | None
    written: Any
    span: Span | None
    room: Array | float = 0.0
    typed: SourceText | None = None  # of a formula that may be in any notation
    notation: str | None = None


class BlockCall(NamedTuple):
    """The call of a block that a step was written out from.

    `layer` is the name of what was written out, `text` the call, `span` the call in a step of the graph.
    """

    layer: str
    text: str
    span: Span | None


@dataclass(eq=False, repr=False)
class SpecSyntax:
    """All parts of a spec, read but not yet built into a graph."""

    source: Source
    title: str | None = None
    output: str | None = None
    output_span: Span | None = None
    inputs: dict[str, InputSyntax] = field(default_factory=dict)
    steps: dict[str, Expression | None] = field(default_factory=dict)
    step_spans: dict[str, Span | None] = field(default_factory=dict)
    expect: Expect | None = None
    claims: list[ClaimSyntax] = field(default_factory=list)
    ops: dict[str, OpSyntax] = field(default_factory=dict)
    tables: Mapping[str, NumberTable] = field(default_factory=dict)
    blocks: dict[str, BlockSyntax] = field(default_factory=dict)
    calls: dict[str, BlockCall] = field(default_factory=dict)  # of the steps that were written out, by name
    args_by_name: list[tuple[str, Span]] = field(default_factory=list)  # args of calls such as `h.z`
    warnings: list[Diagnostic] = field(default_factory=list)


_SPLIT = "split"  # the one op whose parts a single step may name
_PART = "part"  # its setting that says which of them


def split_steps(expression: Expression, names: Sequence[str]) -> list[Expression] | None:
    """The steps `names` that an expression is split into; None where it is no split.

    The first is the split, which knows how many parts there must be; the others are made from it.
    """
    split = expression.root
    if not isinstance(split, Call) or split.op != _SPLIT:
        return None
    part = Setting(_PART, [0, len(names)], split.start, split.end)
    settings = (*(setting for setting in split.settings if setting.name != _PART), part)
    first = Name(names[0], split.start, split.end)
    return [
        Expression(expression.text, split._replace(settings=settings)),
        *(
            Expression(expression.text, SplitPart((first,), part, split.start, split.end))
            for part in range(1, len(names))
        ),
    ]


def name_problem(name: str) -> str | None:
    """The code of what keeps `name` from being a name, if anything does.

    A name may be that of an op: a call is the op, a name alone what was named so.
    """
    if name.isascii() and name.isidentifier() and len(name) <= LONGEST_FORMULA:  # as nearly all are
        return None
    expression, _ = parse(SourceText(Source("", name), name))
    if not expression or not isinstance(expression.root, Name) or expression.root.name != name:
        return "bad-name"
    return None


def rename_help(code: str, name: str) -> tuple[str, dict[str, str]]:
    """The help for a name that cannot be one, and its facts: `x_prime` for `x'`."""
    proposal = proposed_name(name)
    proposable = proposal != name and not name[:1].isdigit() and not name_problem(proposal)
    if code == "bad-name" and name and proposable:
        return "name-as", {"name": name, "proposal": proposal}
    return "rename", {"name": name}


def expression_syntax(
    source: Source, values: Mapping[str, Any], problems: list[Diagnostic], notation: str | None = None
) -> SpecSyntax:
    """The syntax of a single expression; its inputs are the names in it that mean nothing else."""
    expression, syntax_problems, notes, _ = read_formula(
        SourceText(source, source.text), known_of(values), notation
    )
    problems += syntax_problems
    syntax = SpecSyntax(source, warnings=notes)
    for name, start in input_names(expression, values) if expression else ():
        span = expression.text.span(start, start + len(name)) if expression else None
        syntax.inputs.setdefault(name, InputSyntax(None, span=span))
    without_value = [name for name in syntax.inputs if name not in values]
    for name in values:
        if any(name in longer for longer in without_value):
            syntax.inputs.setdefault(name, InputSyntax(None))  # the `w` and `x` of a `wx` that lacks its sign
    syntax.steps[free_output_name(syntax.inputs)] = expression
    return syntax


def input_names(expression: Expression, values: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """The names that mean nothing else, or that a value is given to; each with where it starts.

    A value may be given to a name that is called like an op, and to one in front of brackets, `x(y + 1)`.
    """
    for node in postorder(expression.root):
        if isinstance(node, Name) and (node.name in values or node.name not in (*CONSTANTS, *OPS)):
            yield node.name, node.start
        elif isinstance(node, Call) and node.op in values and node.op not in OPS:
            yield node.op, node.start
