"""`Spec`: a graph with names and values, and how one is made.

From a draft (a TOML or JSON text, or an expression) or from a graph built in Python. Making one
never runs code of the spec's, never reads another file, and collects everything that is wrong before
it raises `BpxError`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from bpx.build import MOST_WITH_CARE, Report, build, cycle_of, in_order
from bpx.diagnostic import BpxError, Diagnostic, Source, Span, nearest
from bpx.draft import (
    Call,
    Draft,
    DraftInput,
    Expect,
    dotted,
    draft_of_expression,
    free_output_name,
    group_of,
    groups_of,
    name_problem,
)
from bpx.formula import CONSTANTS, LARGEST_SHOWN, number, shape_text
from bpx.graph import CONSTANT, INPUT, MOST_AXES, OPS, Array, Expr, Graph, run
from bpx.parser import Text, parse, shortened
from bpx.words import say

if TYPE_CHECKING:
    from bpx.claims import Claim
    from bpx.custom import CustomOp
    from bpx.document import Format
    from bpx.recipe import Recipe, Table


class Input(NamedTuple):
    """A leaf of the graph: its name, node id, value, role and, where it is stated, its range."""

    name: str
    node: int
    value: Array
    role: str
    range: tuple[float, float] | None = None  # where random points may be drawn
    recipe: Recipe | None = None  # how the value was made, where it was not written


@dataclass(frozen=True, repr=False)
class Spec:
    """A graph with names: inputs with values, named steps, an output.

    `size` is the number of nodes of the graph itself; nodes of reverse passes come behind them.
    """

    title: str | None
    graph: Graph
    inputs: tuple[Input, ...]
    steps: Mapping[str, int]
    output: int
    size: int
    source: Source
    origins: Mapping[int, Span] = field(default_factory=dict)
    expect: Expect | None = None
    warnings: tuple[Diagnostic, ...] = ()
    inner_names: Mapping[int, str] = field(default_factory=dict)  # kept from before a rewriting
    custom: Mapping[str, CustomOp] = field(default_factory=dict)  # the ops that the spec states
    claims: Mapping[str, Claim] = field(default_factory=dict)  # gradients worked out by hand, by node name
    tables: Mapping[str, Table] = field(default_factory=dict)  # that inputs may take their values out of
    layers: Collection[str] = frozenset()  # names of the calls of blocks that were written out
    make_again: Callable[[Mapping[str, Any]], Spec] | None = None  # with other values, of other shapes too

    @cached_property
    def own_names(self) -> dict[int, str]:
        """Node id → the name the spec gives it."""
        return {
            **{one.node: one.name for one in self.inputs},
            **{node: name for name, node in self.steps.items()},
        }

    @cached_property
    def names(self) -> dict[int, str]:
        """Node id → name; inner nodes without one are called v1, v2, … or h.v1, h.v2, … in a group h.

        Constants have none.
        """
        names = {**self.inner_names, **self.own_names}
        nodes = self.graph.needs(of=[self.output, *self.steps.values()])
        groups = self.groups(nodes, names)
        free = _FreeNames(names.values())
        for node in nodes:
            # A constant stands in formulas as it is, unless it is too large to be read there.
            if node not in names and math.prod(self.graph.shapes[node]) > self.largest_unnamed(node):
                names[node] = free.inside(groups.get(node, ""))
        return dict(sorted(names.items()))

    def groups(self, nodes: Sequence[int], names: Mapping[int, str]) -> dict[int, str]:
        """Nodes without a name → the group of the step they stand in, where it has one."""
        known = groups_of(names.values()) | set(self.layers)
        if not known:
            return {}
        found: dict[int, str] = {}
        for node in reversed(nodes):
            name = names.get(node)
            group = found.get(node, "")
            if name is not None:
                group = group_of(name, known)
            for arg in self.graph.args[node]:
                if group and arg not in names and self.graph.ops[arg] is not CONSTANT:
                    found[arg] = group
        return found

    def largest_unnamed(self, node: int) -> int:
        """How many elements the node may have and still go without a name."""
        return LARGEST_SHOWN if self.graph.ops[node] is CONSTANT else 0

    @cached_property
    def nodes(self) -> dict[str, int]:
        """Name → node id."""
        return {name: node for node, name in self.names.items()}

    @cached_property
    def given(self) -> dict[int, Array]:
        """The values of the inputs by node id, as `run` takes them."""
        return {one.node: one.value for one in self.inputs}

    def with_values(self, values: Mapping[str, Array]) -> Self:
        """The same graph at other values, of the same shapes, of the inputs that `values` names.

        What was stated of the old values is left out, and ranges that the new ones have left.
        """
        inputs = tuple(_moved(one, values[one.name]) if one.name in values else one for one in self.inputs)
        claims = {name: claim for name, claim in self.claims.items() if claim.code}
        return replace(self, inputs=inputs, expect=None, claims=claims)

    def __repr__(self) -> str:
        """A short line; the graph may be large."""
        return f"<bpx.Spec {self.names[self.output]}: {len(self.inputs)} inputs, {self.size} nodes>"


def _moved(one: Input, value: Array) -> Input:
    inside = one.range is not None and one.range[0] <= value.min() and value.max() <= one.range[1]
    return one._replace(value=value, range=one.range if inside else None, recipe=None)


class _FreeNames:
    """Names v1, v2, … that nobody has yet, in each group from 1 on."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.taken, self.counters = set(taken), dict[str, Iterator[int]]()

    def inside(self, group: str) -> str:
        names = (dotted(group, f"v{i}") for i in self.counters.setdefault(group, count(1)))
        return next(name for name in names if name not in self.taken)


# --- text → spec --------------------------------------------------------------------------------


def read_spec(source: Source, format: Format, values: Mapping[str, Any] | None = None) -> Spec:
    """The spec in a TOML or JSON text; `values` (arrays by name) replace those of inputs.

    Raises `BpxError` with all that is wrong.
    """
    from bpx.document import read_document
    from bpx.drafter import draft_of_document

    problems: list[Diagnostic] = []
    document, places = read_document(source, format)
    draft = draft_of_document(document, places, problems)
    return _make(draft, values or {}, problems)


def read_expression(source: Source, values: Mapping[str, Any] | None = None) -> Spec:
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


def _make(draft: Draft, values: Mapping[str, Any], problems: list[Diagnostic]) -> Spec:
    """Put the values in, build the graph and check what needs it. Raises `BpxError`."""
    if values:  # what was stated as numbers was stated of the values as saved
        draft.expect = None
        draft.claims = [claim for claim in draft.claims if claim.code]
    _override(draft, values, problems)
    _check_values(draft, problems)
    spec = _Maker(draft, problems).make()
    if spec is None or problems:
        raise BpxError(sorted(problems, key=lambda problem: problem.span.start if problem.span else -1))
    return replace(spec, make_again=partial(_make_again, draft))


def _make_again(draft: Draft, values: Mapping[str, Any]) -> Spec:
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


def as_array(name: str, value: Any, problems: list[Diagnostic]) -> Array | None:
    """A value from outside as a float64 array of its own; None where it is no such thing, with a problem."""
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        problems.append(Diagnostic("not-a-number", None, {"name": name, "found": repr(value)}))
        return None
    if array.ndim > MOST_AXES:
        problems.append(Diagnostic("too-deep", None, {"name": name}))
        return None
    if not array.size:
        problems.append(Diagnostic("empty-array", None, {"name": name}))
        return None
    if not np.isfinite(array).all():
        found = str(array[~np.isfinite(array)][0])
        problems.append(Diagnostic("not-finite-input", None, {"name": name, "found": found}))
        return None
    array.setflags(write=False)
    return array


def not_an_input(name: str, inputs: Iterable[str]) -> Diagnostic:
    """The diagnostic for a value given to something that is not an input."""
    known = list(inputs)
    facts = {"name": name, "known": ", ".join(known)}
    return Diagnostic("not-an-input", None, facts, "inputs-are" if known else None).suggesting(name, known)


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


class _Maker:
    def __init__(self, draft: Draft, problems: list[Diagnostic]) -> None:
        self.draft, self.problems = draft, problems
        self.graph = Graph()
        self.origins: dict[int, Span] = {}
        self.told: set[tuple[Span | None, str]] = set()  # calls, and what of their blocks was reported
        self.names: dict[str, Expr | None] = {}
        self.custom = self.custom_ops()
        self.ops = {name: one and one.op for name, one in self.custom.items()}

    def custom_ops(self) -> Mapping[str, CustomOp | None]:
        if not self.draft.ops:
            return {}
        from bpx.custom import custom_ops

        return custom_ops(self.draft.ops, self.problems)

    def make(self) -> Spec | None:
        draft = self.draft
        if draft.blocks:
            from bpx.blocks import write_out

            write_out(draft, self.problems)
        for name, one in draft.inputs.items():
            self.names[name] = None if one.value is None else self.graph.input(one.value.shape)
            expr = self.names[name]
            if expr is not None and one.span:
                self.origins[expr.id] = one.span
        self.declare_steps()
        for name, span in draft.names_given:
            if name not in self.names:
                self.report(Diagnostic("unknown-name", span, {"name": name}))
        for name in in_order(draft.steps, self.uses, self.break_cycle):
            self.names[name] = self.built(name)
        output = self.output()
        if output is None or any(expr is None for expr in self.names.values()):
            return None
        return self.spec(output)

    def declare_steps(self) -> None:
        """Names of steps are known before any of them is built: their order does not matter."""
        for name in self.draft.steps:
            self.names.setdefault(name, None)

    def uses(self, name: str) -> list[str]:
        code = self.draft.steps[name]
        return [used for used in (code.names() if code else ()) if used in self.draft.steps]

    def break_cycle(self, name: str, way: Iterable[str], used: str) -> None:
        self.draft.steps[name] = None
        if len(self.problems) < MOST_WITH_CARE:
            facts = {"cycle": " → ".join(cycle_of(way, used))}
            self.problems.append(Diagnostic("cycle", self.draft.step_spans.get(used), facts))

    def built(self, name: str) -> Expr | None:
        code = self.draft.steps[name]
        if code is None:
            return None
        before, call = len(self.graph), self.draft.calls.get(name)
        report = self.reporter_within(call) if call else self.report
        expr = build(code, self.graph, self.names, report, self.origins, ops=self.ops)
        if expr is not None and (expr.id < before or expr.op is CONSTANT):
            # A step that only gives another name: a node of its own keeps "one name, one node" true.
            expr = self.graph.add(OPS["identity"], expr)
            self.origins[expr.id] = code.text.span(0, len(code.text.content))
        if call and call.span:  # the line that says which layer it is; a node's formula says the rest
            self.origins.update(dict.fromkeys(range(before, len(self.graph)), call.span))
        return expr

    def reporter_within(self, call: Call) -> Report:
        """Says what is wrong in a block at its call; of one expression of the block, once for each call.

        Names that a block uses are known, and of those that a call is given all is said by now.
        """

        def report(problem: Diagnostic) -> None:
            inner = shortened(problem.span.text) if problem.span else ""
            if (call.span, inner) not in self.told and problem.code != "unknown-name":
                self.told.add((call.span, inner))
                within = say("word.within", layer=call.layer, call=call.text, inner=inner)
                self.report(problem._replace(span=call.span, facts={**problem.facts, "within": within}))

        return report

    def report(self, diagnostic: Diagnostic) -> None:
        if diagnostic.code == "unknown-name" and self.is_lost(diagnostic.facts["name"]):
            return
        if diagnostic.code == "unknown-name" and len(self.problems) < MOST_WITH_CARE:
            diagnostic = self.with_guess(diagnostic)
        self.problems.append(diagnostic)

    def is_lost(self, name: str) -> bool:
        """Might it be a name in the call of a block that could not be written out, which is reported?"""
        return any(self.draft.steps.get(group, group) is None for group in groups_of([name]))

    def with_guess(self, diagnostic: Diagnostic) -> Diagnostic:
        guess = nearest(diagnostic.facts["name"], [*self.names, *CONSTANTS])
        if guess is None:
            return diagnostic._replace(help="add-input")
        place = self.draft.step_spans.get(guess) or self.draft.inputs.get(guess, DraftInput(None)).span
        line = place.source.position(place.start)[0] if place else 1
        facts = {**diagnostic.facts, "guess": guess, "line": line}
        return diagnostic._replace(facts=facts, help="did-you-mean-at" if line > 1 else "did-you-mean")

    def output(self) -> Expr | None:
        name = self.draft.output
        if name is None:
            return self.names[list(self.draft.steps)[-1]] if self.draft.steps else None
        if name not in self.names:
            if not self.names or self.is_lost(name):
                return None  # what is wrong is said already
            facts = {"name": name, "known": ", ".join(self.draft.steps)}
            problem = Diagnostic("missing-output", self.draft.output_span, facts, "nodes-are")
            self.problems.append(problem.suggesting(name, self.names))
            return None
        return self.names[name]

    def spec(self, output: Expr) -> Spec:
        draft = self.draft
        nodes = {name: expr.id for name, expr in self.names.items() if expr is not None}
        inputs = tuple(
            Input(name, nodes[name], one.value, one.role, one.range, one.recipe)
            for name, one in draft.inputs.items()
            if one.value is not None
        )
        spec = Spec(
            draft.title,
            self.graph,
            inputs,
            {name: nodes[name] for name in draft.steps},
            output.id,
            len(self.graph),
            draft.source,
            self.origins,
            draft.expect,
            (*draft.warnings, *self.unused(inputs, output)),
            custom={name: one for name, one in self.custom.items() if one},
            tables=draft.tables,
            layers=frozenset(call.layer for call in draft.calls.values()),
        )
        self.check_expect(spec)
        return self.with_claims(spec)

    def with_claims(self, spec: Spec) -> Spec:
        if not self.draft.claims:
            return spec
        from bpx.claims import checked

        return replace(spec, claims=checked(spec, self.draft.claims, self.problems))

    def unused(self, inputs: Sequence[Input], output: Expr) -> Iterator[Diagnostic]:
        needed = set(self.graph.needs(of=[output.id]))
        name_of_output = self.draft.output or list(self.draft.steps)[-1]
        for one in inputs:
            if one.node not in needed:
                facts = {"name": one.name, "output": name_of_output}
                span = self.draft.inputs[one.name].span
                yield Diagnostic("unused-input", span, facts, severity="warning")

    def check_expect(self, spec: Spec) -> None:
        for name in spec.expect.gradients if spec.expect else ():
            if spec.expect and name not in spec.nodes:
                problem = Diagnostic("expect-unknown", spec.expect.spans.get(name), {"name": name})
                self.problems.append(problem.suggesting(name, spec.nodes))


# --- a graph built by hand → spec ---------------------------------------------------------------


def spec_of(output: Expr, values: Mapping[str, tuple[Expr, Any]]) -> Spec:
    """The spec of a graph built in Python: `values` names its inputs and gives each a value.

    Raises `BpxError` where a value is missing, is not made of finite numbers or has another shape.
    """
    graph, problems = output.graph, list[Diagnostic]()
    inputs = [
        Input(name, expr.id, array, "data")
        for name, (expr, value) in values.items()
        if (array := as_array(name, value, problems)) is not None
    ]
    problems += [
        Diagnostic(code, None, {"name": name}, "rename") for name in values if (code := name_problem(name))
    ]
    for one in inputs:
        if one.value.shape != graph.shapes[one.node]:
            facts = {
                "name": one.name,
                "found": shape_text(one.value.shape),
                "wanted": shape_text(graph.shapes[one.node]),
            }
            problems.append(Diagnostic("value-shape", None, facts))
    named = {graph.lift(expr).id for expr, _ in values.values()}
    for node in graph.needs(of=[output.id]):
        if graph.ops[node] is INPUT and node not in named:
            problems.append(Diagnostic("missing-value", None, {"name": f"#{node}"}))
    if problems:
        raise BpxError(problems)
    if output.op in (INPUT, CONSTANT):
        output = graph.add(OPS["identity"], output)
    steps = {free_output_name(values): output.id}
    return Spec(None, graph, tuple(inputs), steps, output.id, len(graph), Source("<python>", ""))
