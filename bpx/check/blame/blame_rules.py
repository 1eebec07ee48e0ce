"""Which rules are wrong.

A rule is checked alone, so that only a wrong one is named and not what comes after it; it is then
swapped for the slopes by differences and the whole gradient swept again, as proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.check.blame.edge_samples import RuleSample, composite_samples_of, samples
from bpx.check.blame.where import by_any_name, in_own_names, named_formula
from bpx.check.local.reverse_sweep import reverse_sweep
from bpx.check.numeric.tolerances import MOST_EXPLAINED
from bpx.check.patterns.comparison import Comparison
from bpx.check.patterns.error_patterns import named
from bpx.check.report.blame import Blame, Correction, Mistake, Proof
from bpx.check.report.entry import Verdict
from bpx.check.report.evidence import Evidence
from bpx.check.report.verdict import verdict
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.graph.formula import Formula, derivative, equation, formula, symbol
from bpx.graph.graph import CONSTANT, OPS, Expr, Graph, Op
from bpx.passes.reverse import Edge, grad, pullback

if TYPE_CHECKING:
    from bpx.words.diagnostic import Span


def blamed_rules(checked: CheckedGraph) -> list[Blame]:
    """The edges whose rule is wrong; a rule that the spec states is blamed once, however often it is used."""
    culprits = [
        edge
        for edge, checked_edge in checked.checked_edges.items()
        if checked_edge.verdict is Verdict.DISAGREE
    ]
    proof = proof_without(checked, culprits) if culprits else None
    rules: dict[Any, Edge] = {}
    for edge in sorted(culprits, key=lambda edge: (edge.consumer, edge.position)):
        op = checked.op(edge)
        rules.setdefault((op, edge.position) if op.name in checked.query.spec.custom else edge, edge)
    return [_blamed_rule(checked, edge, proof) for edge in rules.values()]


def _blamed_rule(checked: CheckedGraph, edge: Edge, proof: Proof | None) -> Blame:
    spec = checked.query.spec
    node, is_composite = edge.consumer, edge in checked.composite_edges
    return Blame(
        checked.name(node),
        checked.op(edge).name,
        checked.name(edge.arg),
        _rule_span(checked, edge) or spec.origins.get(node),
        tuple(in_own_names(checked, edge, mistake) for mistake in _mistakes(checked, edge)),
        None if is_composite else right_rule(checked, edge),
        proof,
    )


def _mistakes(checked: CheckedGraph, edge: Edge) -> tuple[Mistake, ...]:
    """The mistakes that fit near the values met; if they are several, those that fit far from them too."""
    if edge in checked.composite_edges:
        return _named_by(composite_samples_of(checked, edge))
    if checked.checked_edges[edge].reference_jacobian is None:
        return ()
    sampled_edges = samples(checked, edge)
    near = _named_by(sampled_edges) or _formulas(checked, edge, sampled_edges)
    if len(near) < 2:
        return near
    far = _named_by(samples(checked, edge, far=True))
    return tuple(mistake for mistake in near if mistake in far) or near


def _named_by(sampled_edges: Sequence[RuleSample]) -> tuple[Mistake, ...]:
    edge_samples = [sampled.sample for sampled in sampled_edges]
    return named(
        edge_samples,
        [sampled.contribution for sampled in sampled_edges],
        [edge_sample.rounding for edge_sample in edge_samples],
    )


def _formulas(checked: CheckedGraph, edge: Edge, sampled_edges: Sequence[RuleSample]) -> tuple[Mistake, ...]:
    """Short formulas that give what the rule of an elementwise op gives, in the names of its args."""
    op, custom = checked.op(edge), checked.query.spec.custom.get(checked.op(edge).name)
    edge_samples = [sampled.sample for sampled in sampled_edges]
    if not op.elementwise or any(sample.shape != sample.out.shape for sample in edge_samples):
        return ()
    if any(sample.is_at_kink for sample in edge_samples):
        return ()  # there is no one right number
    from bpx.check.blame.last_resort import formula_mistakes, scope_of_rule  # hardly ever needed

    args = [named_formula(checked, arg) for arg in checked.graph.args[edge.consumer]]
    if custom:
        args = [symbol(name) for name in op.args]
    scope = scope_of_rule(edge_samples, args, named_formula(checked, edge.consumer))
    locals_ = [sampled.contribution / sampled.sample.upstream for sampled in sampled_edges]
    right = [sample.right / sample.upstream for sample in edge_samples]
    written = custom.partials[op.args[edge.position]] if custom else None
    comparison = Comparison(right, locals_, [sample.rounding for sample in edge_samples])
    return formula_mistakes(scope, comparison, written)


def _rule_span(checked: CheckedGraph, edge: Edge) -> Span | None:
    """Where the spec states the rule, if it does."""
    op = checked.graph.ops[edge.consumer]
    custom = checked.query.spec.custom.get(op.name)
    return custom.partial_spans[op.args[edge.position]] if custom else None


def proof_without(checked: CheckedGraph, culprits: Sequence[Edge]) -> Proof:
    """What the rules give once those of the culprits are swapped for slopes by differences."""
    jacobians = {
        edge: checked_edge.reference_jacobian
        if checked_edge.edge in culprits and checked_edge.reference_jacobian
        else checked_edge.stated_jacobian
        for edge, checked_edge in checked.own_edges.items()
    }
    gradients = reverse_sweep(jacobians, jacobians, checked.seed)
    agree = total = 0
    for node in checked.query.wrt.values():
        if node in checked.reference:
            right = checked.reference[node]
            evidence = Evidence.of(right.value, right.error + gradients[node].error)
            judgement = verdict(gradients[node].value, evidence, checked.query.detect)
            agree += int(np.sum(judgement.verdicts != Verdict.DISAGREE))
            total += right.value.size
    return Proof(agree, total)


# --- the rule that would be right ---


def right_rule(checked: CheckedGraph, edge: Edge) -> Correction | None:
    """The derivative of the op's own expression, or the rule of the op table; None where there is neither."""
    op = checked.graph.ops[edge.consumer]
    if op.name in checked.query.spec.custom:
        left = derivative(symbol(op.name), symbol(op.args[edge.position]))
        return Correction(equation(left, _derived(op, edge.position)))
    row = OPS.get(op.name)
    return _explained(checked, _rule(checked, edge, row)) if row else None


def _explained(checked: CheckedGraph, right: Formula) -> Correction:
    """The formula, and what those nodes in it are that have no name of their own."""
    spec = checked.query.spec
    explained: dict[str, Formula] = {}
    waiting = [right]
    while waiting and len(explained) < MOST_EXPLAINED:
        for name, node in waiting.pop(0).symbols:
            if node in spec.names and node not in spec.own_names and name not in explained:
                explained[name] = formula(spec.graph, node, spec.names)
                waiting.append(explained[name])
    where = [equation(symbol(name, spec.nodes[name]), explained[name]) for name in sorted(explained)]
    return Correction(right, tuple(where))


def _rule(checked: CheckedGraph, edge: Edge, row: Op) -> Formula:
    """The rule of the table for one edge, in the names of its nodes."""
    placeholders = _Placeholders(checked, edge)
    if row.local:
        local = placeholders.lift(row.local(*placeholders.args, placeholders.out)[edge.position])
        return equation(_partial(checked, edge.consumer, edge.arg), placeholders.formula(local))
    return placeholders.formula(pulled_by(row, placeholders)[edge.position])


def _partial(checked: CheckedGraph, output: int, node: int) -> Formula:
    return derivative(by_any_name(checked, output), by_any_name(checked, node))


class _Placeholders:
    """Placeholders for what a rule works on, with the names of the nodes they stand for."""

    def __init__(self, checked: CheckedGraph, edge: Edge) -> None:
        graph, node = checked.graph, edge.consumer
        self.settings, self.scratch, self.names = graph.settings[node], Graph(), dict[int, Formula]()
        self.args = [self._placeholder(checked, arg) for arg in graph.args[node]]
        self.out = self._placeholder(checked, node)
        output = checked.query.output
        if node == output:
            self.upstream = self.scratch.constant(checked.query.seed)
        else:
            self.upstream = self.scratch.input(graph.shapes[node])
            self.names[self.upstream.id] = _partial(checked, output, node)

    def _placeholder(self, checked: CheckedGraph, node: int) -> Expr:
        graph = checked.graph
        if graph.ops[node] is CONSTANT and not graph.shapes[node]:
            return self.scratch.constant(graph.constants[node])
        handle = self.scratch.input(graph.shapes[node])
        self.names[handle.id] = by_any_name(checked, node)
        return handle

    def lift(self, value: Any) -> Expr:
        """A number of a rule as a handle."""
        return self.scratch.lift(value)

    def formula(self, expr: Any) -> Formula:
        """An expression of the placeholders as people read it."""
        return formula(self.scratch, self.lift(expr).id, self.names, open_root=False)


def pulled_by(row: Op, placeholders: _Placeholders) -> Sequence[Any]:
    """What an op of whole arrays hands back to its args; 0 to those that only choose."""
    contributions = pullback(
        row, placeholders.upstream, placeholders.args, placeholders.out, placeholders.settings
    )
    return [0.0 if contribution is None else contribution for contribution in contributions]


def _derived(op: Op, position: int) -> Formula:
    scratch = Graph()
    args = [scratch.input() for _ in op.args]
    assert op.expands
    derived = grad(op.expands(*args), [args[position]])[0]
    names = {expr.id: symbol(name) for expr, name in zip(args, op.args, strict=True)}
    return formula(scratch, derived.id, names, open_root=False)
