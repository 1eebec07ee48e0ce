"""Blocks: steps that a spec states once, with args, and calls by name.

A call is a macro: before the graph is made, it is expanded into the steps of the block, under the name of the
step that holds the call, a dot and their own. Blocks are expanded first, each behind those it calls, so that
nothing here goes deeper than one call.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bpx.graph.graph import Graph
from bpx.graph.named.names import dotted, groups_of
from bpx.graph.numbers import CONSTANTS
from bpx.spec.reading.syntax import BlockCall, BlockSyntax, SpecSyntax
from bpx.spec.text.build import build
from bpx.spec.text.cells import CELLS
from bpx.spec.text.order import in_order, report_cycle
from bpx.spec.text.parser import parse
from bpx.spec.text.problems import listed, report_with_guess
from bpx.spec.text.source_text import SourceText, shortened
from bpx.spec.text.syntax_tree import (
    Call,
    Expression,
    Literal,
    Name,
    Node,
    Number,
    NumberList,
    fold,
    placed,
    postorder,
    ungrouped,
    with_args,
)
from bpx.spec.text.tokens import MOST_DOTS
from bpx.words.diagnostic import Diagnostic, Source, Span
from bpx.words.say import say

LARGEST = 500_000  # characters of all names and formulas that calls are expanded into, in blocks too


class _Step(NamedTuple):
    """A step that a call was expanded into. In a block names are relative: `""` is what its call stands for.

    `layer` and `call` tell the call it comes from and how that is written; a block's own steps, which
    come from no call in it, have none.
    """

    name: str
    expression: Expression
    layer: str = ""
    call: str = ""
    span: Span | None = None


class _CannotExpand(Exception):
    """What was being expanded cannot be, and that is reported."""


class _Scope:
    """The names around a step: those the args of a call may speak of, and which new ones are free."""

    def __init__(self, *names: Iterable[str]) -> None:
        self.known = {name for some in names for name in some}
        self.taken = self.known | groups_of(self.known)
        self.counts: dict[str, int] = {}

    def free(self, wanted: str) -> str:
        """The name that is wanted, or with a number behind it: `h.affine`, `h.affine2`."""
        name = wanted
        while name in self.taken:
            self.counts[wanted] = self.counts.get(wanted, 1) + 1
            name = f"{wanted}{self.counts[wanted]}"
        self.taken.add(name)
        self.known.add(name)
        return name


def expand_blocks(syntax: SpecSyntax, problems: list[Diagnostic]) -> None:
    """Put the steps of blocks in the place of their calls among the steps of the spec.

    `syntax.calls` then says of each step so made which call it comes from.
    """
    _Expansion(syntax, problems).expand()


def add_cells(syntax: SpecSyntax) -> None:
    """Put the cells that the spec calls among its blocks, unless it has a block or an op of that name."""
    blocks = [*syntax.blocks.values()]
    every = [*syntax.steps.values(), *(step for block in blocks for step in block.steps.values())]
    # A search in the texts is enough, and faster than one in the trees: a cell too many does no harm.
    texts = {step.text.content for step in every if step and "_cell" in step.text.content}
    for name in CELLS:
        if any(name in text for text in texts) and name not in syntax.blocks and name not in syntax.ops:
            syntax.blocks[name] = _cell(name)


def _cell(name: str) -> BlockSyntax:
    args, steps = CELLS[name]
    expressions = {step: parse(SourceText(Source(name, text), text))[0] for step, text in steps.items()}
    return BlockSyntax(args, {**expressions}, output=[*steps][-1])


class _Expansion:
    def __init__(self, syntax: SpecSyntax, problems: list[Diagnostic]) -> None:
        self.syntax, self.problems = syntax, problems
        self.blocks: dict[str, list[_Step] | None] = dict.fromkeys(syntax.blocks)  # None: broken
        self.circular: set[str] = set()
        self.characters_left = LARGEST
        self.place: Span | None = None  # the block or step that is being expanded

    def expand(self) -> None:
        for name in in_order(self.syntax.blocks, self.calls_in, self.break_cycle):
            self.blocks[name] = self.block(name, self.syntax.blocks[name])
        self.steps()

    def is_call(self, node: Node) -> bool:
        return isinstance(node, Call) and node.op in self.syntax.blocks

    # --- blocks, each expanded by itself ---

    def calls_in(self, name: str) -> list[str]:
        steps = self.syntax.blocks[name].steps.values()
        return [call.op for step in steps if step for call in step.calls() if self.is_call(call)]

    def break_cycle(self, name: str, path: Iterable[str], used: str) -> None:
        self.circular.add(name)
        report_cycle(self.problems, "block-cycle", self.syntax.blocks[used].span, path, used)

    def block(self, name: str, block: BlockSyntax) -> list[_Step] | None:
        """The steps of a block, the calls in them expanded; None where something is wrong with it."""
        steps = {step: expression for step, expression in block.steps.items() if expression}
        known = [*(block.args or ()), *filter(None, steps)]
        if not steps or len(steps) < len(block.steps) or block.args is None:
            return None
        if name in self.circular or not self.is_sound(name, block, steps, known):
            return None
        try:
            return self.expanded_block(block, steps, known)
        except _CannotExpand:
            return None

    def expanded_block(
        self, block: BlockSyntax, steps: Mapping[str, Expression], known: Sequence[str]
    ) -> list[_Step]:
        scope, output, self.place = _Scope(known), block.output, block.span
        expanded: list[_Step] = []
        for name, expression in steps.items():
            inner, own_name = self.expanded(name, _with_numbers(expression, scope.known), scope)
            expanded += inner
            output = own_name if name == block.output else output
        itself = {output: Name("", 0, 0)}
        return [
            step._replace(
                name="" if step.name == output else step.name,
                expression=_renamed(step.expression, itself, ""),
            )
            for step in expanded
        ]

    def is_sound(
        self, name: str, block: BlockSyntax, steps: Mapping[str, Expression], known: Sequence[str]
    ) -> bool:
        """Is all known that the block speaks of? Whether shapes fit is seen where it is called."""
        before = len(self.problems)

        def report(problem: Diagnostic) -> None:
            if problem.code == "unknown-name":
                self.report_unknown(problem, name, [*known, *CONSTANTS])
            elif problem.code != "wrong-arity":  # an arg may be given a number, and be a setting
                self.problems.append(problem)

        def uses(step: str) -> list[str]:
            return [used for used in steps[step].names() if used in steps]

        def break_cycle(_: str, path: Iterable[str], used: str) -> None:
            report_cycle(self.problems, "cycle", block.step_spans.get(used), path, used)

        ops = dict.fromkeys([*self.syntax.ops, *self.syntax.blocks])
        for expression in steps.values():
            build(expression, Graph(), dict.fromkeys(known), report, ops=ops)
        in_order(steps, uses, break_cycle)
        return len(self.problems) == before

    def report_unknown(self, problem: Diagnostic, block: str, known: Sequence[str]) -> None:
        facts = {**problem.facts, "block": block, "known": listed(known)}
        problem = problem._replace(code="unknown-in-block", facts=facts, help="names-are")
        report_with_guess(self.problems, problem, facts["name"], known)

    # --- the steps of the graph ---

    def steps(self) -> None:
        written, self.syntax.steps = self.syntax.steps, {}
        scope = _Scope(self.syntax.inputs, written)
        for name, expression in written.items():
            if expression and any(map(self.is_call, expression.calls())):
                self.step(name, expression, scope, written)
            else:
                self.syntax.steps[name] = expression

    def step(self, name: str, expression: Expression, scope: _Scope, written: Container[str]) -> None:
        """The steps that one with calls stands for, itself last."""
        syntax, own = self.syntax, None
        self.place = syntax.step_spans.get(name)
        try:
            expanded, _ = self.expanded(name, expression, scope)
        except _CannotExpand:
            expanded = []
        for step in expanded:
            if step.call:
                syntax.calls[step.name] = BlockCall(step.layer, step.call, step.span)
            if step.name == name:
                own = step.expression
            elif step.name in syntax.steps or step.name in written or step.name in syntax.inputs:
                self.name_taken(step.name, name)
            else:
                syntax.steps[step.name] = step.expression
                syntax.step_spans[step.name] = step.span
        syntax.steps[name] = own

    def name_taken(self, name: str, step: str) -> None:
        input = self.syntax.inputs.get(name)
        span = input.span if input else self.syntax.step_spans.get(name)
        self.problems.append(Diagnostic("name-taken", span, {"name": name, "step": step}, "rename"))

    # --- calls ---

    def expanded(self, own: str, expression: Expression, scope: _Scope) -> tuple[list[_Step], str]:
        """A step as steps without calls, and the name of that which is the step itself."""
        if self.characters_left < 0:
            raise _CannotExpand
        text, whole = expression.text, ungrouped(expression.root)
        if own and isinstance(whole, Call) and self.is_call(whole):
            self.reserve(own, whole.op, scope)
        steps: list[_Step] = []

        def without_calls(node: Node, args: list[Node]) -> Node:
            if not isinstance(node, Call) or not self.is_call(node):
                return with_args(node, args)
            layer = own if own and node is whole else scope.free(dotted(own, node.op))
            steps.extend(self.instance(layer, node, args, text, scope))
            return Name(layer, node.start, node.end)

        root = fold(expression.root, without_calls)
        if self.is_call(whole):
            layer = ungrouped(root)
            assert isinstance(layer, Name)
            return steps, own or layer.name
        return [*steps, self.charged(_Step(own, Expression(text, root)))], own

    def reserve(self, own: str, block: str, scope: _Scope) -> None:
        """Names that the call which is the step itself will need are not free for calls in its args."""
        inner = [*(step.name for step in self.blocks[block] or ()), *(self.syntax.blocks[block].args or ())]
        names = {dotted(own, name) for name in inner}
        scope.taken |= names | groups_of(names)

    def instance(
        self, layer: str, call: Call, args: Sequence[Node], text: SourceText, scope: _Scope
    ) -> Iterator[_Step]:
        """The steps of one call, under the name `layer`."""
        block = self.blocks[call.op]
        names = self.syntax.blocks[call.op].args or ()
        if block is None or not self.fits(call, names, text):
            raise _CannotExpand
        span = text.span(call.start, call.end)
        substitutes: dict[str, Name | Literal] = {}
        for name, arg in zip(names, args, strict=True):
            simple = _simple(arg, scope)
            substitutes[name] = simple or Name(dotted(layer, name), 0, 0)
            if isinstance(simple, Name) and simple.name not in scope.known:
                self.syntax.args_by_name.append((simple.name, text.span(simple.start, simple.end)))
            if not simple:
                yield self.charged(_Step(dotted(layer, name), Expression(text, arg), span=span))
        written = f"{call.op}({', '.join(shortened(text.content[arg.start : arg.end]) for arg in args)})"
        for step in block:
            yield self.charged(
                _Step(
                    dotted(layer, step.name),
                    _renamed(step.expression, substitutes, layer),
                    dotted(layer, step.layer),
                    step.call or written,
                    span,
                )
            )

    def fits(self, call: Call, names: Sequence[str], text: SourceText) -> bool:
        """Has the call as many args as the block, and no settings?"""
        facts: dict[str, Any] = {"op": call.op, "call": f"{call.op}({', '.join(names)})"}
        for name, _, start, end in call.settings:
            problem = Diagnostic("unknown-setting", text.span(start, end), {**facts, "setting": name})
            self.problems.append(problem._replace(help="call-form"))
        if len(call.args) != len(names):
            facts |= {"wanted": say("word.args", count=len(names)), "found": len(call.args)}
            span = text.span(call.start, call.end)
            self.problems.append(Diagnostic("wrong-arity", span, facts, "call-form"))
        return len(call.args) == len(names) and not call.settings

    def charged(self, step: _Step) -> _Step:
        """The step, if there is room for it: a few blocks that call each other twice would fill any."""
        self.characters_left -= len(step.name) + sum(map(_length, postorder(step.expression.root)))
        if self.characters_left < 0:
            self.problems.append(Diagnostic("blocks-too-large", self.place, {"most": LARGEST}))
            raise _CannotExpand
        if step.name.count(".") > MOST_DOTS:
            self.problems.append(Diagnostic("blocks-too-deep", self.place, {"most": MOST_DOTS}))
            raise _CannotExpand
        return step


def _length(node: Node) -> int:
    """About how many characters a node takes, without its args."""
    if isinstance(node, NumberList):
        return int(np.array(node.value, dtype=object).size)
    if isinstance(node, Name):
        return 1 + len(node.name)
    return 1 + len(node.op) if isinstance(node, Call) else 1


def _simple(arg: Node, scope: _Scope) -> Name | Literal | None:
    """The name or number that an arg is; None where it is more, or a name that is not there."""
    node = ungrouped(arg)
    if isinstance(node, Literal):
        return node
    if not isinstance(node, Name):
        return None
    if node.name in scope.known:
        return node
    if node.name in CONSTANTS:
        return Number(CONSTANTS[node.name], node.start, node.end)
    return node if "." in node.name else None  # whether it is there is seen when all calls are expanded


def _with_numbers(expression: Expression, known: Container[str]) -> Expression:
    """An expression of a block with pi and e as numbers: outside the names may mean something else."""

    def with_number(node: Node, args: list[Node]) -> Node:
        if isinstance(node, Name) and node.name not in known:
            return Number(CONSTANTS[node.name], node.start, node.end)
        return with_args(node, args)

    return Expression(expression.text, fold(expression.root, with_number))


def _renamed(expression: Expression, substitutes: Mapping[str, Name | Literal], layer: str) -> Expression:
    """The expression with `substitutes` (by name) in the place of names, and all others in `layer`."""

    def renamed(node: Node, args: list[Node]) -> Node:
        if not isinstance(node, Name):
            return with_args(node, args)
        if node.name in substitutes:
            return placed(substitutes[node.name], node)
        return node._replace(name=dotted(layer, node.name))

    return Expression(expression.text, fold(expression.root, renamed))
