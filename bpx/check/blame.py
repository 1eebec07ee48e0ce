"""Who is to blame: the nodes whose rule, or whose claimed gradient, is wrong by itself.

A rule is checked alone, so that only a wrong one is named and not what comes after it; it is then
swapped for the slopes by differences and the whole gradient swept again, as proof. A claim is compared
with what the claims of its node's consumers hand back to it: one that follows from them only inherits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.check.bounded import Bounded
from bpx.check.decide import decide
from bpx.check.differences import SURE
from bpx.check.judged import Stated
from bpx.check.mistakes import CATALOGUE, MOST_NAMED, Predict, Sample, constant_factor, fits, named
from bpx.check.point import Point
from bpx.check.report import Blame, Mistake, Proof, Verdict
from bpx.check.samples import Drawn, sample, samples
from bpx.check.sweep import sweep
from bpx.formula import formula, partial
from bpx.graph import CONSTANT, OPS, Array, Expr, Graph, Op
from bpx.reverse import Edge, grad

if TYPE_CHECKING:
    from bpx.diagnostic import Span

_MOST_SEARCHED = 60  # edges that a claim on a leaf is searched through for the mistake
_ROUNDING = 1e-9


# --- rules --------------------------------------------------------------------------------------


def blamed_rules(point: Point) -> list[Blame]:
    """The edges whose rule is wrong; a rule that the spec states is blamed once, however often it is used."""
    culprits = [edge for edge, one in point.checked.items() if one.verdict is Verdict.DISAGREE]
    proof = _proof(point, culprits) if culprits else None
    rules: dict[Any, Edge] = {}
    for edge in sorted(culprits, key=lambda edge: (edge.consumer, edge.position)):
        op = point.graph.ops[edge.consumer]
        rules.setdefault((op, edge.position) if op.name in point.question.spec.custom else edge, edge)
    return [_blamed_rule(point, edge, proof) for edge in rules.values()]


def _blamed_rule(point: Point, edge: Edge, proof: Proof | None) -> Blame:
    spec, graph = point.question.spec, point.graph
    op, node = graph.ops[edge.consumer], edge.consumer
    return Blame(
        _name(point, node),
        op.name,
        _name(point, edge.arg),
        _rule_span(point, edge) or spec.origins.get(node),
        _mistakes(point, edge),
        _correction(point, edge),
        proof,
    )


def _mistakes(point: Point, edge: Edge) -> tuple[Mistake, ...]:
    """The mistakes that fit near the values met; if they are several, those that fit far from them too."""
    if point.checked[edge].trusted is None:
        return ()
    near = _named_by(samples(point, edge))
    if len(near) < 2:
        return near
    far = _named_by(samples(point, edge, far=True))
    return tuple(one for one in near if one in far) or near


def _named_by(drawn: Sequence[Drawn]) -> tuple[Mistake, ...]:
    looks = [one.sample for one in drawn]
    return named(looks, [one.handed for one in drawn], [one.rounding for one in looks])


def _rule_span(point: Point, edge: Edge) -> Span | None:
    """Where the spec states the rule, if it does."""
    op = point.graph.ops[edge.consumer]
    custom = point.question.spec.custom.get(op.name)
    return custom.partial_spans[op.args[edge.position]] if custom else None


def _proof(point: Point, culprits: Sequence[Edge]) -> Proof:
    """What the rules give once those of the culprits are swapped for slopes by differences."""
    swapped = {**point.stated, **{edge: point.trusted[edge] for edge in culprits}}
    found = sweep(point.ledger.edges, swapped, point.seed)
    agree = total = 0
    for node in point.question.wrt.values():
        if node in point.reference:
            right = point.reference[node]
            verdicts = decide(
                found[node].value,
                right.value,
                right.error + found[node].error,
                detect=point.question.detect,
                slope_scale=point.sizes.get(node, 0.0),
            )
            agree += int(np.sum(verdicts != Verdict.DISAGREE))
            total += verdicts.size
    return Proof(agree, total)


def _correction(point: Point, edge: Edge) -> str | None:
    """The right formula: the derivative of the op's own expression, or the rule of the op table."""
    op = point.graph.ops[edge.consumer]
    if op.name in point.question.spec.custom:
        return f"∂{op.name}/∂{op.args[edge.position]} = {_derived(op, edge.position)}"
    row = OPS.get(op.name)
    return _rule_text(point, edge, row) if row else None


def _rule_text(point: Point, edge: Edge, row: Op) -> str:
    """The rule of the table for one edge, in the names of its nodes."""
    graph, node, scratch = point.graph, edge.consumer, Graph()
    names: dict[int, str] = {}

    def place(one: int, name: str) -> Expr:
        if graph.ops[one] is CONSTANT and not graph.shapes[one]:
            return scratch.constant(graph.constants[one])
        handle = scratch.input(graph.shapes[one])
        names[handle.id] = name
        return handle

    args = [place(arg, _name(point, arg)) for arg in graph.args[node]]
    out, output = place(node, _name(point, node)), _name(point, point.question.output)
    if row.local:
        right = scratch.lift(row.local(*args, out)[edge.position])
        left = partial(names[out.id], _name(point, edge.arg))
        return f"{left} = {formula(scratch, right.id, names, open_root=False)}"
    assert row.pull
    upstream = place(node, partial(output, names[out.id]))
    handed = scratch.lift(row.pull(upstream, *args, out, **graph.settings[node])[edge.position])
    return formula(scratch, handed.id, names, open_root=False)


def _derived(op: Op, position: int) -> str:
    scratch = Graph()
    args = [scratch.input() for _ in op.args]
    assert op.expands
    derived = grad(op.expands(*args), [args[position]])[0]
    names = {expr.id: name for expr, name in zip(args, op.args, strict=True)}
    return formula(scratch, derived.id, names, open_root=False)


def _name(point: Point, node: int) -> str:
    names = point.question.spec.names
    return names.get(node) or formula(point.graph, node, names)


# --- claims -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Look:
    """A point, and what is claimed there."""

    point: Point
    claims: Mapping[int, Stated]

    @cached_property
    def expected(self) -> dict[int, Bounded]:
        """What arrives at each node when claimed nodes hand on what is claimed of them."""
        shapes = self.point.graph.shapes
        given = {
            node: Bounded(
                np.broadcast_to(one.value, shapes[node]),
                np.zeros(shapes[node]),
                np.broadcast_to(one.tolerance, shapes[node]),
            )
            for node, one in self.claims.items()
        }
        nothing = {node: Bounded.exactly(np.zeros(shapes[node])) for node in self.claims}
        return nothing | sweep(self.point.ledger.edges, self.point.trusted, self.point.seed, given)

    def follows(self, node: int) -> bool:
        """Is what is claimed of the node what the claims on its consumers hand back to it?"""
        stated, (value, error, spread) = self.claims[node], self.expected[node]
        room = stated.tolerance + SURE * error + spread
        size = np.maximum(np.abs(stated.value), np.abs(value))
        return bool((np.abs(stated.value - value) <= room + _ROUNDING * size).all())

    def sample(self, edge: Edge) -> Sample:
        """The edge, with what is claimed to arrive at its consumer, or else what follows from the claims."""
        arriving = self.claims.get(edge.consumer) or self.expected[edge.consumer]
        upstream = np.broadcast_to(arriving.value, self.point.graph.shapes[edge.consumer])
        return sample(self.point, edge, self.point.values, upstream, self.point.trusted[edge])


def blamed_claims(
    points: Sequence[Point], claims: Sequence[Mapping[int, Stated]], wrong: Sequence[int]
) -> tuple[list[Blame], list[str]]:
    """The claims that are wrong by themselves, and the names of those that only inherit an error.

    `claims` holds, for each point, what is stated of which node; `wrong` are the nodes whose claim
    disagrees with the reference at the first point.
    """
    looks = [_Look(point, claim) for point, claim in zip(points, claims, strict=True)]
    blamed, innocent = [], []
    for node in sorted(wrong, reverse=True):
        if looks[0].follows(node):
            innocent.append(_name(points[0], node))
        else:
            blamed.append(_blamed_claim([look for look in looks if node in look.claims], node))
    return blamed, innocent


def _blamed_claim(looks: Sequence[_Look], node: int) -> Blame:
    point = looks[0].point
    found = [*_at_consumers(looks, node)] or [*_further_up(looks, node)]
    edges = [edge for edge in point.ledger.edges if edge.arg == node]
    # Where several edges could have gone wrong so, none of them is named.
    suspects = {edge.consumer for edge, _ in found if edge} or {edge.consumer for edge in edges}
    consumer = suspects.pop() if len(suspects) == 1 else None
    claim = point.question.spec.claims.get(_name(point, node))
    return Blame(
        _name(point, node),
        ", ".join(_consumers(point, edges)) if consumer is None else point.graph.ops[consumer].name,
        None if consumer is None else _name(point, consumer),
        claim.span if claim else None,
        tuple(dict.fromkeys(mistake for _, mistake in found))[:MOST_NAMED],
        _claim_correction(point, node, edges),
        claim=True,
    )


def _consumers(point: Point, edges: Sequence[Edge]) -> list[str]:
    return list(dict.fromkeys(point.graph.ops[edge.consumer].name for edge in edges))


_Found = Iterator[tuple[Edge | None, Mistake]]


def _at_consumers(looks: Sequence[_Look], node: int) -> _Found:
    """The mistakes that give the claim, made at one of the node's consumers or with their sum."""
    stated = [look.claims[node] for look in looks]
    right = [look.expected[node].value for look in looks]
    lengths = {n for one in looks[0].point.forward for n in looks[0].point.graph.shapes[one]}
    tolerance = [one.tolerance for one in stated]
    whole = constant_factor(right, [one.value for one in stated], lengths, tolerance)
    if whole:
        yield None, whole
    for edge in (edge for edge in looks[0].point.ledger.edges if edge.arg == node):
        samples = [look.sample(edge) for look in looks]
        # What this edge must have handed on, if the others are right.
        handed = [
            claim.value - (total - one.right)
            for claim, total, one in zip(stated, right, samples, strict=True)
        ]
        room = [space + one.rounding for space, one in zip(tolerance, samples, strict=True)]
        for mistake in named(samples, handed, room):
            yield edge, mistake
    for name, other in looks[0].point.question.wrt.items():
        if other != node and all(_is_gradient_of(look, other, node) for look in looks):
            yield None, Mistake.of("other-gradient", other=name)


def _is_gradient_of(look: _Look, other: int, node: int) -> bool:
    found, stated = look.point.reference.get(other), look.claims[node]
    return found is not None and fits(found.value, stated.value, stated.tolerance)


def _further_up(looks: Sequence[_Look], node: int) -> _Found:
    """The mistakes that give the claim, made at an edge above the consumers that no claim stands between."""
    for predict in CATALOGUE:
        first, *others = [dict(_made_above(look, node, predict)) for look in looks]
        found = [
            key
            for key in first
            if all(
                key in tried and fits(tried[key], look.claims[node].value, look.claims[node].tolerance)
                for tried, look in zip((first, *others), looks, strict=True)
            )
        ]
        if found:
            yield from found
            return


def _made_above(look: _Look, node: int, predict: Predict) -> Iterator[tuple[tuple[Edge, Mistake], Array]]:
    """What each mistake at each edge above would make of the node's gradient, the nearest edges first."""
    point, total = look.point, look.expected[node].value
    above = point.graph.touched(by=[node], upto=point.question.output)
    edges = [edge for edge in reversed(point.ledger.edges) if edge.arg != node and above[edge.arg]]
    still = {one: Bounded.exactly(0 * stated.value) for one, stated in look.claims.items() if one != node}
    for edge in [edge for edge in edges if edge.arg not in still][:_MOST_SEARCHED]:
        one = look.sample(edge)
        for mistake, wrong in predict(one):
            if fits(wrong, one.right, 0.0):
                continue  # what changes nothing explains nothing
            seed = {edge.arg: Bounded.exactly(wrong - one.right)}
            change = sweep(point.ledger.edges, point.trusted, seed, still)
            yield (edge, mistake), total + change[node].value


def _claim_correction(point: Point, node: int, edges: Sequence[Edge]) -> str:
    """The sum over the consumers, as bpx itself writes it."""
    output = _name(point, point.question.output)
    terms = []
    for edge in edges:
        local = None if edge.local is None else formula(point.graph, edge.local, point.question.spec.names)
        upstream = partial(output, _name(point, edge.consumer))
        if local is None:
            terms.append(
                formula(
                    point.graph, edge.contribution, {**point.question.spec.names, edge.upstream: upstream}
                )
            )
        else:
            factor = f"({local})" if " " in local else local
            terms.append(upstream if local == "1" else f"{upstream} * {factor}")
    return f"{partial(output, _name(point, node))} = {' + '.join(terms) or '0'}"
