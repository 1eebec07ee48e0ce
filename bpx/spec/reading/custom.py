"""Ops that a spec states itself: a value and, for each arg, a partial derivative, as expressions.

They work element by element and belong to their spec alone. The row made of one is like those of the
table; what it shows and what it runs are the nodes of the stated expressions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.facts import Guard
from bpx.graph.graph import Expr, Graph, Op
from bpx.graph.named.named_graph import CustomOp
from bpx.graph.numbers import CONSTANTS
from bpx.graph.subgraph import Subgraph, folding
from bpx.spec.reading.syntax import OWN_VALUE, DraftOp
from bpx.spec.text.build import MOST_WITH_CARE, build, cycle_of, in_order, reporter
from bpx.spec.text.parser import Code
from bpx.words.diagnostic import Diagnostic, Span

LARGEST = 10_000  # nodes of all values of a spec's ops together, the ops inside them written out
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
        every = [np.broadcast_to(arg, shape).flat for arg in args]
        starts = range(0, math.prod(shape), most)
        pieces = [self._value([one[start : start + most] for one in every]) for start in starts]
        return np.concatenate(pieces).reshape(shape)

    def _value(self, args: Sequence[Any]) -> Array:
        return np.asarray(self.inside.run(args))

    def guards(self, *args: Expr) -> list[Guard]:
        """The guards of the ops inside, as functions of its own args."""
        graph, root = self.inside.graph, self.inside.root
        guarded = [node for node in graph.needs(of=[root]) if graph.ops[node].guards(*graph[node].args)]
        inner = {arg for node in guarded for arg in graph.args[node]}
        here = self.inside.handles(args, folding, inner)

        def of_own_args(node: int, guard: Guard) -> Guard:
            def of(*given: Expr) -> Any:
                known = here if _same(given, args) else self.inside.handles(given, folding, inner)
                return guard.of(*(known[arg] for arg in graph.args[node]))

            return Guard(guard.kind, of)

        return [
            of_own_args(node, guard)
            for node in guarded
            for guard in graph.ops[node].guards(*(here[arg] for arg in graph.args[node]))
        ]


def _same(handles: Sequence[Expr], others: Sequence[Expr]) -> bool:
    return all(a.graph is b.graph and a.id == b.id for a, b in zip(handles, others, strict=True))


def custom_ops(drafts: Mapping[str, DraftOp], problems: list[Diagnostic]) -> dict[str, CustomOp | None]:
    """The ops that a spec states, by name; None for broken ones, with what is wrong in `problems`."""
    return _Maker(drafts, problems).make()


class _Maker:
    """Values come first, each after those it uses; the rules then may use every op."""

    def __init__(self, drafts: Mapping[str, DraftOp], problems: list[Diagnostic]) -> None:
        self.drafts, self.problems = drafts, problems
        self.ops: dict[str, Op | None] = dict.fromkeys(drafts)
        self.rules: dict[str, list[ElementwiseExpression]] = {name: [] for name in drafts}
        self.flat: dict[
            Op, ElementwiseExpression
        ] = {}  # the values with the spec's ops inside them written out
        self.room = LARGEST

    def make(self) -> dict[str, CustomOp | None]:
        for name in in_order(self.drafts, self.uses, self.break_cycle):
            self.ops[name] = self.row(name, self.drafts[name])
        return {name: self.with_rules(name, draft) for name, draft in self.drafts.items()}

    def uses(self, name: str) -> list[str]:
        code = self.drafts[name].value
        items = code.items if code else ()
        return [item.value for item in items if item.kind == "apply" and item.value in self.drafts]

    def break_cycle(self, name: str, way: Iterable[str], used: str) -> None:
        self.drafts[name].value = None
        if len(self.problems) < MOST_WITH_CARE:
            facts = {"cycle": " → ".join(cycle_of(way, used))}
            self.problems.append(Diagnostic("op-cycle", self.drafts[used].span, facts))

    def row(self, name: str, draft: DraftOp) -> Op | None:
        """The row of an op; its rules are filled in when all rows are there."""
        value = self.formula(draft.value, draft.args)
        if value is None or not self.uses_every_arg(name, draft, value) or not self.fits(name, draft, value):
            return None
        flat, rules = self.written_out(value), self.rules[name]
        op = Op(
            name,
            flat.value,
            draft.args or (),
            local=lambda *args: tuple(rule.inside.on(*args) for rule in rules),
            guards=flat.guards,
            expands=value.inside.on,
        )
        self.flat[op] = flat
        return op

    def with_rules(self, name: str, draft: DraftOp) -> CustomOp | None:
        codes = {arg: draft.partials.get(arg) for arg in draft.args or ()}
        rules = [self.formula(code, (*codes, OWN_VALUE)) for code in codes.values()]
        self.rules[name] += [rule for rule in rules if rule]
        op = self.ops[name]
        if op is None or draft.value is None or None in rules:
            return None
        stated = {arg: code.text for arg, code in codes.items() if code}
        return CustomOp(
            op,
            draft.value.text.content,
            _span(draft.value),
            {arg: text.content for arg, text in stated.items()},
            {arg: text.span(0, len(text.content)) for arg, text in stated.items()},
        )

    def formula(self, code: Code | None, args: Sequence[str] | None) -> ElementwiseExpression | None:
        if code is None or args is None:
            return None
        graph = Graph()
        names = {arg: graph.input() for arg in args}
        report = reporter(self.problems, [*names, *CONSTANTS])
        expr = build(code, graph, names, report, ops=self.ops, elementwise=True)
        if expr is None:
            return None
        return ElementwiseExpression(Subgraph(graph, tuple(arg.id for arg in names.values()), expr.id))

    def uses_every_arg(self, name: str, draft: DraftOp, value: ElementwiseExpression) -> bool:
        """An arg that the value leaves out would leave its shape out too."""
        assert draft.args and draft.value
        needed = value.inside.graph.needs(of=[value.inside.root])
        args = zip(draft.args, value.inside.args, strict=True)
        unused = [arg for arg, node in args if node not in needed]
        for arg in unused:
            self.problems.append(Diagnostic("unused-arg", _span(draft.value), {"op": name, "arg": arg}))
        return not unused

    def fits(self, name: str, draft: DraftOp, value: ElementwiseExpression) -> bool:
        """Is there room for the value written out? A few ops that use each other twice would fill any."""
        before = self.room
        self.room -= sum(
            len(self.flat[op].inside.graph) if op in self.flat else 1 for op in value.inside.graph.ops
        )
        if self.room < 0 <= before:
            self.problems.append(Diagnostic("op-too-large", draft.span, {"op": name, "most": LARGEST}))
        return self.room >= 0

    def written_out(self, value: ElementwiseExpression) -> ElementwiseExpression:
        """The value with the spec's ops inside it in table ops, so that running it never goes deeper."""
        graph = Graph()

        def door(op: Op, *args: Expr) -> Expr:
            flat = self.flat.get(op)
            if flat is None:
                return graph.add(op, *args)
            return flat.inside.handles(args, graph.add, [flat.inside.root])[flat.inside.root]

        args, root = [graph.input() for _ in value.inside.args], value.inside.root
        found = value.inside.handles(args, door, [root])[root]
        return ElementwiseExpression(Subgraph(graph, tuple(arg.id for arg in args), found.id))


def _span(code: Code) -> Span:
    return code.text.span(0, len(code.text.content))
