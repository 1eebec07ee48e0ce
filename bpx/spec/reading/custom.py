"""Ops that a spec states itself: a value and, for each arg, a partial derivative, as expressions.

They work element by element and belong to their spec alone. The row made of one is like those of the
table; what it shows and what it runs are the nodes of the stated expressions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.facts import Guard
from bpx.graph.graph import Expr, Graph, Op
from bpx.graph.named.named_graph import CustomOp
from bpx.graph.numbers import CONSTANTS
from bpx.graph.subgraph import Subgraph, folding
from bpx.passes.domain import choosing
from bpx.spec.reading.syntax import OWN_VALUE, OpSyntax
from bpx.spec.text.build import build
from bpx.spec.text.order import in_order, report_cycle
from bpx.spec.text.problems import reporter
from bpx.spec.text.syntax_tree import Expression
from bpx.words.diagnostic import Diagnostic

LARGEST = 10_000  # nodes of all values of a spec's ops together, the ops inside them expanded
_AT_ONCE = 2**22  # elements of all nodes inside an op together that are computed at a time


class ElementwiseExpression(NamedTuple):
    """An expression of scalar args, to be put to use element by element."""

    inside: Subgraph

    def value(self, *args: Any) -> Array:
        """Its value, element by element, at numbers or arrays; large arrays go through piece by piece."""
        shape = np.broadcast_shapes(*map(np.shape, args))
        most = max(1, _AT_ONCE // len(self.inside.graph))
        if math.prod(shape) <= most:
            return self._value(args)
        flat_args = [np.broadcast_to(arg, shape).flat for arg in args]
        starts = range(0, math.prod(shape), most)
        pieces = [self._value([flat[start : start + most] for flat in flat_args]) for start in starts]
        return np.concatenate(pieces).reshape(shape)

    def _value(self, args: Sequence[Any]) -> Array:
        return np.asarray(self.inside.run(args))

    def guards(self, *args: Expr) -> list[Guard]:
        """The guards of the ops inside, as functions of its own args."""
        graph, root = self.inside.graph, self.inside.root
        guarded = [node for node in graph.needs(of=[root]) if graph.ops[node].guards(*graph[node].args)]
        inner = {arg for node in guarded for arg in graph.args[node]}
        here = self.inside.handles(args, folding, inner)

        def of_own_args(node: int, maker: Callable[..., Any]) -> Callable[..., Any]:
            def of(*others: Expr) -> Any:
                handles = here if _same(others, args) else self.inside.handles(others, folding, inner)
                return maker(*(handles[arg] for arg in graph.args[node]))

            return of

        def guard_of_own_args(node: int, guard: Guard) -> Guard:
            of = of_own_args(node, guard.of)
            shown, counter = (maker and of_own_args(node, maker) for maker in (guard.shown, guard.counter))
            return Guard(guard.kind, of, shown, counter)

        return [
            guard_of_own_args(node, guard)
            for node in guarded
            for guard in graph.ops[node].guards(*(here[arg] for arg in graph.args[node]))
        ]


def _same(handles: Sequence[Expr], others: Sequence[Expr]) -> bool:
    return all(a.graph is b.graph and a.id == b.id for a, b in zip(handles, others, strict=True))


def custom_ops(
    declarations: Mapping[str, OpSyntax], problems: list[Diagnostic]
) -> dict[str, CustomOp | None]:
    """The ops that a spec states, by name; None for broken ones, with what is wrong in `problems`."""
    return _CustomOps(declarations, problems).rows()


@dataclass(frozen=True, eq=False)
class _StatedOp(Op):
    """An op of a spec, which is pickled together with the others of its spec."""

    stated_with: Any = None

    def __reduce__(self) -> Any:
        return _op_again, (self.stated_with, self.name)


def _op_again(stated: _CustomOps, name: str) -> Op | None:
    return stated.ops[name]


def _ops_again(declarations: Mapping[str, OpSyntax]) -> _CustomOps:
    stated = _CustomOps(declarations, [])
    stated.rows()
    return stated


class _CustomOps:
    """Values come first, each behind those it uses; the rules then may use every op."""

    def __init__(self, declarations: Mapping[str, OpSyntax], problems: list[Diagnostic]) -> None:
        self.declarations, self.problems = declarations, problems
        self.ops: dict[str, Op | None] = dict.fromkeys(declarations)
        self.rules: dict[str, list[ElementwiseExpression]] = {name: [] for name in declarations}
        self.in_table_ops: dict[Op, ElementwiseExpression] = {}  # values with the spec's ops expanded
        self.nodes_left = LARGEST

    def __reduce__(self) -> Any:
        return _ops_again, (self.declarations,)  # what is made of them are closures

    def rows(self) -> dict[str, CustomOp | None]:
        for name in in_order(self.declarations, self.uses, self.break_cycle):
            self.ops[name] = self.row(name, self.declarations[name])
        return {name: self.with_rules(name, op) for name, op in self.declarations.items()}

    def uses(self, name: str) -> list[str]:
        value = self.declarations[name].value
        return [call.op for call in value.calls() if call.op in self.declarations] if value else []

    def break_cycle(self, name: str, path: Iterable[str], used: str) -> None:
        self.declarations[name].value = None
        report_cycle(self.problems, "op-cycle", self.declarations[used].span, path, used)

    def row(self, name: str, syntax: OpSyntax) -> Op | None:
        """The row of an op; its rules are filled in when all rows are there."""
        value = self.formula(syntax.value, syntax.args)
        if value is None or not self.uses_every_arg(name, syntax, value):
            return None
        if not self.fits(name, syntax, value):
            return None
        flat, rules = self.expanded(value), self.rules[name]
        choosers = choosing(flat.inside.graph)
        op = _StatedOp(
            name,
            flat.value,
            syntax.args or (),
            local=lambda *args: tuple(rule.inside.on(*args) for rule in rules),
            guards=flat.guards,
            expands=value.inside.on,
            chooses=tuple(i for i, arg in enumerate(flat.inside.args) if arg in choosers),
            stated_with=self,
        )
        self.in_table_ops[op] = flat
        return op

    def with_rules(self, name: str, syntax: OpSyntax) -> CustomOp | None:
        partials = {arg: syntax.partials.get(arg) for arg in syntax.args or ()}
        rules = [self.formula(partial, (*partials, OWN_VALUE)) for partial in partials.values()]
        self.rules[name] += [rule for rule in rules if rule]
        op = self.ops[name]
        if op is None or syntax.value is None or None in rules:
            return None
        return CustomOp(
            op,
            syntax.value.text.content,
            syntax.value.span,
            {arg: partial.text.content for arg, partial in partials.items() if partial},
            {arg: partial.span for arg, partial in partials.items() if partial},
        )

    def formula(
        self, expression: Expression | None, args: Sequence[str] | None
    ) -> ElementwiseExpression | None:
        if expression is None or args is None:
            return None
        graph = Graph()
        names = {arg: graph.input() for arg in args}
        report = reporter(self.problems, [*names, *CONSTANTS])
        expr = build(expression, graph, names, report, ops=self.ops, elementwise=True)
        if expr is None:
            return None
        return ElementwiseExpression(Subgraph(graph, tuple(arg.id for arg in names.values()), expr.id))

    def uses_every_arg(self, name: str, syntax: OpSyntax, value: ElementwiseExpression) -> bool:
        """An arg that the value leaves out would leave its shape out too."""
        assert syntax.args and syntax.value
        needed = value.inside.graph.needs(of=[value.inside.root])
        args = zip(syntax.args, value.inside.args, strict=True)
        unused = [arg for arg, node in args if node not in needed]
        for arg in unused:
            self.problems.append(Diagnostic("unused-arg", syntax.value.span, {"op": name, "arg": arg}))
        return not unused

    def fits(self, name: str, syntax: OpSyntax, value: ElementwiseExpression) -> bool:
        """Is there room for the value in table ops? A few ops that use each other twice would fill any."""
        before = self.nodes_left
        self.nodes_left -= sum(
            len(self.in_table_ops[op].inside.graph) if op in self.in_table_ops else 1
            for op in value.inside.graph.ops
        )
        if self.nodes_left < 0 <= before:
            self.problems.append(Diagnostic("op-too-large", syntax.span, {"op": name, "most": LARGEST}))
        return self.nodes_left >= 0

    def expanded(self, value: ElementwiseExpression) -> ElementwiseExpression:
        """The value with the spec's ops inside it in table ops, so that running it never goes deeper."""
        graph = Graph()

        def add(op: Op, *args: Expr) -> Expr:
            flat = self.in_table_ops.get(op)
            if flat is None:
                return graph.add(op, *args)
            return flat.inside.handles(args, graph.add, [flat.inside.root])[flat.inside.root]

        args, root = [graph.input() for _ in value.inside.args], value.inside.root
        expanded = value.inside.handles(args, add, [root])[root]
        return ElementwiseExpression(Subgraph(graph, tuple(arg.id for arg in args), expanded.id))
