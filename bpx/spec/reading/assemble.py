"""`SpecSyntax` → `NamedGraph`: the steps built into a graph, in the order that they need each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.graph import CONSTANT, OPS, Expr, Graph
from bpx.graph.named.named_graph import CustomOp, Input, NamedGraph
from bpx.graph.named.names import groups_of
from bpx.graph.numbers import CONSTANTS
from bpx.graph.run import run
from bpx.spec.reading.syntax import BlockCall, InputSyntax, SpecSyntax
from bpx.spec.text.build import build
from bpx.spec.text.order import in_order, report_cycle
from bpx.spec.text.problems import MOST_WITH_CARE, Reporter, listed
from bpx.spec.text.source_text import SourceText, shortened
from bpx.spec.text.syntax_tree import Expression, Number
from bpx.words.diagnostic import Diagnostic, Source, Span
from bpx.words.say import say
from bpx.words.spelling import nearest

_NOWHERE = SourceText(Source("", ""), "")
_BUILT = Expression(_NOWHERE, Number(0.0, 0, 0))  # in the place of a step whose nodes are there


def assemble(syntax: SpecSyntax, problems: list[Diagnostic]) -> NamedGraph | None:
    """The graph of a spec; None where it cannot be built. What is wrong goes to `problems`.

    Of the syntax no trees of steps are left.
    """
    return _Assembler(syntax, problems).assemble()


def constant_value(name: str, expression: Expression, problems: list[Diagnostic]) -> Array | None:
    """The value of an expression without inputs; None where it has none, which goes to `problems`."""
    if isinstance(expression.root, Number) and np.isfinite(expression.root.value):
        return np.array(expression.root.value, np.float64)  # no graph for each of thousands of values
    graph, before = Graph(), len(problems)
    expr = build(expression, graph, {}, problems.append)
    if expr is None or len(problems) > before:
        return None
    value = np.array(run(graph, {}, [expr.id])[expr.id])
    if not value.size:
        problems.append(Diagnostic("empty-array", expression.span, {"name": name}))
    elif not np.isfinite(value).all():
        problems.append(Diagnostic("not-finite-input", expression.span, {"name": name, "found": str(value)}))
    return value if len(problems) == before else None


class _Assembler:
    def __init__(self, syntax: SpecSyntax, problems: list[Diagnostic]) -> None:
        self.syntax, self.problems = syntax, problems
        self.graph = Graph()
        self.origins: dict[int, Span] = {}
        self.reported: set[tuple[Span | None, str]] = set()  # calls, and what of their blocks was reported
        self.names: dict[str, Expr | None] = {}
        self.custom = self.custom_ops()
        self.ops = {name: custom and custom.op for name, custom in self.custom.items()}

    def custom_ops(self) -> Mapping[str, CustomOp | None]:
        if not self.syntax.ops:
            return {}
        from bpx.spec.reading.custom import custom_ops

        return custom_ops(self.syntax.ops, self.problems)

    def assemble(self) -> NamedGraph | None:
        syntax = self.syntax
        if syntax.blocks or self.may_call_cells():
            from bpx.spec.reading.blocks import add_cells, expand_blocks

            add_cells(syntax)
            expand_blocks(syntax, self.problems)
        for name, input in syntax.inputs.items():
            self.names[name] = None if input.value is None else self.graph.input(input.value.shape)
            expr = self.names[name]
            if expr is not None and input.span:
                self.origins[expr.id] = input.span
        self.declare_steps()
        for name, span in syntax.args_by_name:
            if name not in self.names:
                self.report(Diagnostic("unknown-name", span, {"name": name}))
        for name in in_order(syntax.steps, self.uses, self.break_cycle):
            self.names[name] = self.built(name)
            if syntax.steps[name]:  # a tree takes several times as much as its nodes
                syntax.steps[name] = _BUILT
        output = self.output()
        if output is None or any(expr is None for expr in self.names.values()):
            return None
        return self.named_graph(output)

    def may_call_cells(self) -> bool:
        """Might a step call a cell that ships with bpx?"""
        return any(step and "_cell" in step.text.content for step in self.syntax.steps.values())

    def declare_steps(self) -> None:
        """Names of steps are known before any of them is built: their order does not matter."""
        for name in self.syntax.steps:
            self.names.setdefault(name, None)

    def uses(self, name: str) -> list[str]:
        expression = self.syntax.steps[name]
        return [used for used in (expression.names() if expression else ()) if used in self.syntax.steps]

    def break_cycle(self, name: str, path: Iterable[str], used: str) -> None:
        self.syntax.steps[name] = None
        report_cycle(self.problems, "cycle", self.syntax.step_spans.get(used), path, used)

    def built(self, name: str) -> Expr | None:
        expression = self.syntax.steps[name]
        if expression is None:
            return None
        before, call = len(self.graph), self.syntax.calls.get(name)
        report = self.reporter_within(call) if call else self.report
        expr = build(expression, self.graph, self.names, report, self.origins, ops=self.ops)
        if expr is not None and (expr.id < before or expr.op is CONSTANT):
            # A step that only gives another name: a node of its own keeps "one name, one node" true.
            expr = self.graph.add(OPS["identity"], expr)
            self.origins[expr.id] = expression.span
        if call and call.span:  # the line that says which layer it is; a node's formula says the rest
            self.origins.update(dict.fromkeys(range(before, len(self.graph)), call.span))
        return expr

    def reporter_within(self, call: BlockCall) -> Reporter:
        """Says what is wrong in a block at its call; of one expression of the block, once for each call.

        Names that a block uses are known, and of those that a call is given all is said by now.
        """

        def report(problem: Diagnostic) -> None:
            inner = shortened(problem.span.text) if problem.span else ""
            if (call.span, inner) not in self.reported and problem.code != "unknown-name":
                self.reported.add((call.span, inner))
                within = say("word.within", layer=call.layer, call=call.text, inner=inner)
                self.report(problem._replace(span=call.span, facts={**problem.facts, "within": within}))

        return report

    def report(self, diagnostic: Diagnostic) -> None:
        if diagnostic.code == "unknown-name" and self.has_failed(diagnostic.facts["name"]):
            return
        if diagnostic.code == "unknown-name" and len(self.problems) < MOST_WITH_CARE:
            diagnostic = self.with_guess(diagnostic)
        self.problems.append(diagnostic)

    def has_failed(self, name: str) -> bool:
        """Might it be a name in the call of a block that could not be written out, which is reported?"""
        return any(self.syntax.steps.get(group, group) is None for group in groups_of([name]))

    def with_guess(self, diagnostic: Diagnostic) -> Diagnostic:
        guess = nearest(diagnostic.facts["name"], [*self.names, *CONSTANTS])
        if guess is None:
            return diagnostic._replace(help="add-input")
        span = self.syntax.step_spans.get(guess) or self.syntax.inputs.get(guess, InputSyntax(None)).span
        line = span.source.position(span.start)[0] if span else 1
        facts = {**diagnostic.facts, "guess": guess, "line": line}
        return diagnostic._replace(facts=facts, help="did-you-mean-at" if line > 1 else "did-you-mean")

    def output(self) -> Expr | None:
        name = self.syntax.output
        if name is None:
            return self.names[list(self.syntax.steps)[-1]] if self.syntax.steps else None
        if name not in self.names:
            if not self.names or self.has_failed(name):
                return None  # what is wrong is said already
            facts = {"name": name, "known": listed(self.syntax.steps)}
            problem = Diagnostic("missing-output", self.syntax.output_span, facts, "nodes-are")
            self.problems.append(problem.suggesting(name, self.names))
            return None
        return self.names[name]

    def named_graph(self, output: Expr) -> NamedGraph:
        syntax = self.syntax
        nodes = {name: expr.id for name, expr in self.names.items() if expr is not None}
        inputs = tuple(
            Input(name, nodes[name], input.value, input.role, input.range, input.recipe)
            for name, input in syntax.inputs.items()
            if input.value is not None
        )
        named_graph = NamedGraph(
            syntax.title,
            self.graph,
            inputs,
            {name: nodes[name] for name in syntax.steps},
            output.id,
            len(self.graph),
            syntax.source,
            self.origins,
            syntax.expect,
            (*syntax.warnings, *self.unused(inputs, output)),
            custom={name: custom for name, custom in self.custom.items() if custom},
            tables=syntax.tables,
            layers=frozenset(call.layer for call in syntax.calls.values()),
        )
        self.check_expect(named_graph)
        return self.with_claims(named_graph)

    def with_claims(self, named_graph: NamedGraph) -> NamedGraph:
        if not self.syntax.claims:
            return named_graph
        from bpx.spec.reading.claims import resolved

        claims = resolved(named_graph, self.syntax.claims, self.problems)
        return replace(named_graph, claims=claims)

    def unused(self, inputs: Sequence[Input], output: Expr) -> Iterator[Diagnostic]:
        needed = set(self.graph.needs(of=[output.id]))
        name_of_output = self.syntax.output or list(self.syntax.steps)[-1]
        for input in inputs:
            if input.node not in needed:
                facts = {"name": input.name, "output": name_of_output}
                span = self.syntax.inputs[input.name].span
                yield Diagnostic("unused-input", span, facts, severity="warning")

    def check_expect(self, named_graph: NamedGraph) -> None:
        expect = self.syntax.expect
        for name in expect.gradients if expect else ():
            if expect and name not in named_graph.nodes:
                problem = Diagnostic("expect-unknown", expect.spans.get(name), {"name": name})
                self.problems.append(problem.suggesting(name, named_graph.nodes))
