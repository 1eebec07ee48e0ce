"""`NamedGraph` and claims → `Report`: every entry of every gradient judged, and what is wrong explained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpx.check.blame.blame_claims import blamed_claims
from bpx.check.blame.blame_rules import blamed_rules, proof_without
from bpx.check.blame.composite_rules import CompositeRules
from bpx.check.blame.custom_rules import rules_alone
from bpx.check.report.blame import Blame
from bpx.check.report.entry import LocalRow, Reason, Verdict
from bpx.check.report.gradient_table import GradientTable, merged
from bpx.check.report.options import bad_options
from bpx.check.report.report import Report
from bpx.check.whole.checked_graph import CheckedGraph, Query
from bpx.check.whole.claims import build_claim
from bpx.check.whole.directional_check import broken_wiring
from bpx.check.whole.entry_verdicts import column
from bpx.check.whole.evaluation import Claimed, by_rule
from bpx.check.whole.nonsmooth import fitted_together
from bpx.check.whole.sample_points import drawn_points
from bpx.check.whole.second_order import second_order
from bpx.graph.arrays import Array
from bpx.graph.graph import Expr, Graph
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.run import run
from bpx.passes.domain import value_problems
from bpx.passes.expand import written_out
from bpx.passes.query import as_list, query_nodes, seed_of
from bpx.words.diagnostic import BpxError, Diagnostic

if TYPE_CHECKING:
    from bpx.graph.named.claim import Claim

DETECT = 1e-5
_SECOND_LOOKS = 2  # further points at which a claimed formula is compared with the catalogue of mistakes


@np.errstate(all="ignore")  # what is not finite is reported by name, not by NumPy
def gradcheck(
    spec: NamedGraph,
    *,
    of: str | None = None,
    wrt: str | Iterable[str] | None = None,
    upstream: Any = None,
    points: int = 1,
    seed: int = 0,
    order: int = 1,
    detect: float = DETECT,
    all: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Report:
    """Check the gradient of `spec`, or of its node `of`, with respect to the nodes `wrt`.

    What is checked: the claims of the spec, for the nodes they speak of; for the others the
    gradient that the rules give, those the spec states among them. `points` counts the points checked,
    the given one first, the others drawn with `seed`. `order` 2 checks second derivatives too. `detect`
    is the smallest relative error that must be seen; `progress` is told the fraction done.

    Raises `BpxError` where a name is unknown, a shape does not fit or an option means nothing.
    """
    problems = bad_options(points, seed, order, detect)
    if problems:
        raise BpxError(problems)
    check = _Check(spec, of, as_list(wrt), upstream, detect)
    places, skipped = drawn_points(spec, points, seed)
    found = []
    for i, given in enumerate(places):
        found.append(check.at(given, i == 0))
        if progress:
            progress((i + 1) / len(places))
    columns = [merged(same) for same in zip(*(one.columns for one in found), strict=True)]
    local = _worst_rows([row for one in found for row in one.local])
    blame = [*_once([row for one in found for row in one.blame])]
    if order == 2:
        second = [check.second(given) for given in places]
        columns += [merged(same) for same in zip(*second, strict=True)]
    alone = rules_alone(check.spec, detect)
    return Report(
        spec.title,
        check.names[check.output],
        tuple(columns),
        (*local, *alone.local),
        (*blame, *(one for one in alone.blame if one.op not in {row.op for row in blame})),
        tuple(dict.fromkeys(name for one in found for name in one.innocent)),
        tuple(check.notes),
        detect=detect,
        order=order,
        points=len(places),
        skipped=skipped,
        rounded=any(claim.tolerance is not None and claim.tolerance.any() for claim in check.claims.values()),
        places={i: {one.name: given[one.node] for one in spec.inputs} for i, given in enumerate(places) if i},
        all=all,
    )


class _Found(NamedTuple):
    """What one point gave."""

    columns: list[GradientTable]
    local: list[LocalRow]
    blame: list[Blame]
    innocent: list[str]


class _Check:
    """A spec and what is asked of it, to be looked at at several points."""

    def __init__(
        self, spec: NamedGraph, of: str | None, wrt: Sequence[str] | None, upstream: Any, detect: float
    ) -> None:
        self.whole, spec = spec, written_out(spec)
        self.spec, self.names, self.detect = spec, spec.names, detect
        self.output, asked = query_nodes(spec, of, wrt)
        self.seed, self.notes = seed_of(spec.graph.shapes[self.output], upstream)
        self.notes += spec.warnings
        self.claims = {spec.nodes[name]: claim for name, claim in spec.claims.items()}
        claimed = {spec.names[node]: node for node in self.claims}
        self.wrt = {**asked, **claimed}
        self.build_claims(spec.graph.copy())  # what is wrong with them is wrong at every point
        self.fused = None if self.whole is spec else self.fused_gradient()

    def fused_gradient(self) -> CompositeRules:
        """The gradient by the rules of composite ops as they stand in the spec."""
        whole = self.whole
        wrt = {name: whole.nodes[name] for name in self.wrt}
        question = Query(whole, whole.nodes[self.names[self.output]], wrt, self.seed, self.detect)
        return CompositeRules.of(question)

    def build_claims(self, graph: Graph) -> dict[int, Expr]:
        problems: list[Diagnostic] = []
        built = {node: build_claim(claim, self.spec, graph, problems) for node, claim in self.claims.items()}
        if problems:
            raise BpxError(problems)
        return {node: expr for node, expr in built.items() if expr is not None}

    def at(self, given: Mapping[int, Array], first: bool) -> _Found:
        """The check at one point; figures are stated of the first alone."""
        point, stated = self.point(given, first)
        problems = value_problems(self.spec, point.values)
        if problems:
            columns = [self.outside(name, node, problems[0]) for name, node in self.wrt.items()]
            return _Found(columns, [], [], [])
        columns = [column(point, name, node, stated[node]) for name, node in self.wrt.items()]
        blame = blamed_rules(point)
        if not blame and not self.wrong(columns, stated):
            columns = fitted_together(point, self.doubted(point, columns), stated)
        wrong = self.wrong(columns, stated)
        claims, innocent = self.blame_claims(point, stated, wrong) if wrong else ([], [])
        fused = list(self.fused.rows(self.named(given))) if self.fused else []
        rows = [*local_rows(point), *(row for row, _ in fused)]
        blame += [one._replace(proof=proof_without(point, [])) for _, one in fused if one]
        return _Found(columns, rows, [*blame, *claims], innocent)

    def wrong(self, columns: Sequence[GradientTable], stated: Mapping[int, Claimed]) -> list[int]:
        """The nodes whose claim disagrees."""
        return [
            node
            for node, one in zip(self.wrt.values(), columns, strict=True)
            if not stated[node].is_rule and (one.verdicts == Verdict.DISAGREE).any()
        ]

    def point(self, given: Mapping[int, Array], first: bool) -> tuple[CheckedGraph, dict[int, Claimed]]:
        """The point, and what is stated of each node there."""
        graph = self.spec.graph.copy()
        exprs = self.build_claims(graph)
        question = Query(self.spec, self.output, self.wrt, self.seed, self.detect)
        point = CheckedGraph.at(question, given, graph)
        named = self.named(given)
        stated = {node: self.by_rule(point, name, node, named) for name, node in self.wrt.items()}
        for node, expr in exprs.items():
            if first or self.varies(node):
                stated[node] = _by_claim(point, self.claims[node], expr)
        return point, stated

    def by_rule(self, point: CheckedGraph, name: str, node: int, given: Mapping[str, Array]) -> Claimed:
        """The gradient of a node as the rules of the spec give it."""
        if self.fused is None or not all(np.isfinite(one).all() for one in point.values.values()):
            return by_rule(point, node)
        return self.fused.stated_or_parts(name, given, point, node)

    def named(self, given: Mapping[int, Array]) -> dict[str, Array]:
        """Values of inputs by name."""
        return {one.name: given[one.node] for one in self.spec.inputs}

    def varies(self, node: int) -> bool:
        """Does the claim on a node speak of other nodes, so that it can be asked at any point?"""
        formula = self.claims[node].formula
        return formula is not None and bool(formula.names)

    def outside(self, name: str, node: int, problem: Diagnostic) -> GradientTable:
        """Every entry outside the domain, because the values themselves are not finite."""
        nothing = np.full(self.spec.graph.shapes[node], np.nan)
        reason = Reason("no-value", {"problem": problem.message})
        return GradientTable(
            name,
            nothing,
            nothing,
            nothing,
            np.full(nothing.shape, Verdict.OUTSIDE_DOMAIN, dtype=np.int8),
            dict.fromkeys(range(nothing.size), reason),
        )

    def blame_claims(
        self, point: CheckedGraph, stated: Mapping[int, Claimed], wrong: Sequence[int]
    ) -> tuple[list[Blame], list[str]]:
        """A claim that is a formula is looked at at further points, which tell mistakes apart."""
        looks = [(point, stated)]
        if any(self.varies(node) for node in wrong):
            anywhere = tuple(one._replace(range=None) for one in self.spec.inputs)
            places, _ = drawn_points(replace(self.spec, inputs=anywhere), 1 + _SECOND_LOOKS, 0)
            looks += [self.point(given, False) for given in places[1:]]
        claims = [{node: one for node, one in each.items() if not one.is_rule} for _, each in looks]
        blame, innocent = blamed_claims([one for one, _ in looks], claims, wrong)
        return [self.with_correction(one) for one in blame], innocent

    def with_correction(self, blame: Blame) -> Blame:
        """The right gradient in terms of the spec's own ops, composite ones as they stand in it."""
        if self.fused is None:
            return blame
        return blame._replace(correction=self.fused.right_gradient(blame.node))

    def doubted(self, point: CheckedGraph, columns: list[GradientTable]) -> list[GradientTable]:
        """The columns, unless differences of the whole graph contradict what was put together."""
        reason = broken_wiring(point)
        if reason is None:
            return columns
        return [
            replace(
                one,
                verdicts=np.minimum(one.verdicts, np.int8(Verdict.CANNOT_TELL)),
                reasons={**dict.fromkeys(range(one.claimed.size), reason), **one.reasons},
            )
            for one in columns
        ]

    def second(self, given: Mapping[int, Array]) -> list[GradientTable]:
        """Second derivatives at one point."""
        inputs = {one.node for one in self.spec.inputs}
        wrt = {name: node for name, node in self.wrt.items() if node in inputs}
        return second_order(Query(self.spec, self.output, wrt, self.seed, self.detect), given)


def _by_claim(point: CheckedGraph, claim: Claim, expr: Expr) -> Claimed:
    values = run(point.graph, {**point.given, **point.values}, [expr.id])

    def exactly() -> Any:
        return run(point.graph, point.lifted, [expr.id])[expr.id]

    tolerance = claim.tolerance
    room = np.zeros(expr.shape) if tolerance is None else np.broadcast_to(tolerance, expr.shape)
    return Claimed(np.asarray(values[expr.id]), room, exactly if claim.formula else None)


def local_rows(point: CheckedGraph) -> Iterator[LocalRow]:
    """One row for each edge, in order of the nodes."""
    for edge, one in reversed(point.checked.items()):
        yield LocalRow(
            point.name(edge.consumer),
            point.graph.ops[edge.consumer].name,
            point.name(edge.arg),
            one.claimed,
            one.reference,
            one.error,
            one.verdict,
            one.reason,
            one.between,
        )


def _worst_rows(rows: Iterable[LocalRow]) -> list[LocalRow]:
    """Of the rows for one edge, at several points, the worst."""
    worst: dict[Any, LocalRow] = {}
    for row in rows:
        key = (row.node, row.op, row.arg)
        if key not in worst or row.verdict < worst[key].verdict:
            worst[key] = row
    return list(worst.values())


def _once(rows: Iterable[Blame]) -> list[Blame]:
    """Who is blamed at several points is blamed once."""
    return list({(row.node, row.op, row.arg, row.claim): row for row in reversed(list(rows))}.values())[::-1]
