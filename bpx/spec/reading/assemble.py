"""Draft → `NamedGraph`: the steps built into a graph, in the order that they need each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from bpx.graph.graph import CONSTANT, OPS, Expr, Graph
from bpx.graph.named.named_graph import CustomOp, Input, NamedGraph
from bpx.graph.named.names import groups_of
from bpx.graph.numbers import CONSTANTS
from bpx.spec.reading.syntax import Call, Draft, DraftInput
from bpx.spec.text.build import MOST_WITH_CARE, Reporter, build, cycle_of, in_order
from bpx.spec.text.parser import shortened
from bpx.words.diagnostic import Diagnostic, Span, nearest
from bpx.words.say import say


def assemble(draft: Draft, problems: list[Diagnostic]) -> NamedGraph | None:
    """The graph of a draft; None where it cannot be built. What is wrong goes to `problems`."""
    return _Maker(draft, problems).make()


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
        from bpx.spec.reading.custom import custom_ops

        return custom_ops(self.draft.ops, self.problems)

    def make(self) -> NamedGraph | None:
        draft = self.draft
        if draft.blocks:
            from bpx.spec.reading.blocks import write_out

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

    def reporter_within(self, call: Call) -> Reporter:
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

    def spec(self, output: Expr) -> NamedGraph:
        draft = self.draft
        nodes = {name: expr.id for name, expr in self.names.items() if expr is not None}
        inputs = tuple(
            Input(name, nodes[name], one.value, one.role, one.range, one.recipe)
            for name, one in draft.inputs.items()
            if one.value is not None
        )
        spec = NamedGraph(
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

    def with_claims(self, spec: NamedGraph) -> NamedGraph:
        if not self.draft.claims:
            return spec
        from bpx.spec.reading.claims import resolved

        return replace(spec, claims=resolved(spec, self.draft.claims, self.problems))

    def unused(self, inputs: Sequence[Input], output: Expr) -> Iterator[Diagnostic]:
        needed = set(self.graph.needs(of=[output.id]))
        name_of_output = self.draft.output or list(self.draft.steps)[-1]
        for one in inputs:
            if one.node not in needed:
                facts = {"name": one.name, "output": name_of_output}
                span = self.draft.inputs[one.name].span
                yield Diagnostic("unused-input", span, facts, severity="warning")

    def check_expect(self, spec: NamedGraph) -> None:
        for name in spec.expect.gradients if spec.expect else ():
            if spec.expect and name not in spec.nodes:
                problem = Diagnostic("expect-unknown", spec.expect.spans.get(name), {"name": name})
                self.problems.append(problem.suggesting(name, spec.nodes))
