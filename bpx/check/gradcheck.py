"""`NamedGraph` and claims → `Report`: every entry of every gradient judged, and what is wrong explained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpx.check.blame.blame_claims import blamed_claims
from bpx.check.blame.blame_rules import blamed_rules
from bpx.check.blame.corrected_formula import right_gradient
from bpx.check.blame.custom_rules import check_custom_rules
from bpx.check.numeric.tolerances import DETECT, MOST_EXACT_OPERATIONS, SECOND_LOOKS
from bpx.check.report.blame import Blame
from bpx.check.report.entry import LocalRow, Verdict
from bpx.check.report.evidence import Evidence, Obstacle
from bpx.check.report.gradient_table import GradientTable, merged
from bpx.check.report.options import bad_options
from bpx.check.report.reasons import table
from bpx.check.report.report import Report
from bpx.check.second_order import second_order
from bpx.check.whole.checked_graph import CheckedGraph, Query
from bpx.check.whole.claims import build_claim
from bpx.check.whole.directional_check import broken_wiring
from bpx.check.whole.evaluation import Claimed, Evaluation, by_rule
from bpx.check.whole.nonsmooth import check_claims_together, check_limits
from bpx.check.whole.sample_points import drawn_points
from bpx.check.whole.sources import evaluated
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
    budget: int = MOST_EXACT_OPERATIONS,
    all: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Report:
    """Check the gradient of `spec`, or of its node `of`, with respect to the nodes `wrt`.

    What is checked: the claims of the spec, for the nodes they speak of; for the others the
    gradient that the rules give, those the spec states among them. `points` counts the points checked,
    the given one first, the others drawn with `seed`. `order` 2 checks second derivatives too. `detect`
    is the smallest relative error that must be seen, `budget` how many operations on numbers of many digits
    the gradient of one node may take, where differences leave it open; `progress` is told the fraction done.

    Raises `BpxError` where a name is unknown, a shape does not fit or an option means nothing.
    """
    problems = bad_options(points, seed, order, detect, budget)
    if problems:
        raise BpxError(problems)
    check = _Check(spec, of, as_list(wrt), upstream, detect, budget)
    places, skipped = drawn_points(spec, points, seed)
    results = []
    for i, input_values in enumerate(places):
        results.append(check.at(input_values, i == 0))
        if progress:
            progress((i + 1) / len(places))
    tables = [merged(columns) for columns in zip(*(result.tables for result in results), strict=True)]
    local = _worst_rows([row for result in results for row in result.local])
    blame = [*_without_repeats([row for result in results for row in result.blame])]
    if order == 2:
        second = [check.second(input_values) for input_values in places]
        tables += [merged(columns) for columns in zip(*second, strict=True)]
    custom_rules = check_custom_rules(check.spec, detect)
    return Report(
        spec.title,
        check.names[check.output],
        tuple(tables),
        (*local, *custom_rules.local),
        (*blame, *(culprit for culprit in custom_rules.blame if culprit.op not in {row.op for row in blame})),
        tuple(dict.fromkeys(name for result in results for name in result.innocent)),
        tuple(check.notes),
        detect=detect,
        order=order,
        points=len(places),
        skipped=skipped,
        rounded=any(claim.tolerance is not None and claim.tolerance.any() for claim in check.claims.values()),
        places={
            i: {leaf.name: input_values[leaf.node] for leaf in spec.inputs}
            for i, input_values in enumerate(places)
            if i
        },
        all=all,
    )


class _PointResult(NamedTuple):
    """What one point gave."""

    tables: list[GradientTable]
    local: list[LocalRow]
    blame: list[Blame]
    innocent: list[str]


class _Check:
    """A spec and what is asked of it, to be looked at at several points."""

    def __init__(
        self,
        spec: NamedGraph,
        of: str | None,
        wrt: Sequence[str] | None,
        upstream: Any,
        detect: float,
        budget: int,
    ) -> None:
        self.with_composites, spec = spec, written_out(spec)
        self.spec, self.names, self.detect, self.budget = spec, spec.names, detect, budget
        self.output, queried = query_nodes(spec, of, wrt)
        self.seed, self.notes = seed_of(spec.graph.shapes[self.output], upstream)
        self.notes += spec.warnings
        self.claims = {spec.nodes[name]: claim for name, claim in spec.claims.items()}
        claimed = {spec.names[node]: node for node in self.claims}
        self.wrt = {**queried, **claimed}
        self.build_claims(spec.graph.copy())  # what is wrong with them is wrong at every point

    def build_claims(self, graph: Graph) -> dict[int, Expr]:
        problems: list[Diagnostic] = []
        built = {node: build_claim(claim, self.spec, graph, problems) for node, claim in self.claims.items()}
        if problems:
            raise BpxError(problems)
        return {node: expr for node, expr in built.items() if expr is not None}

    def at(self, input_values: Mapping[int, Array], first: bool) -> _PointResult:
        """The check at one point; figures are claimed of the first alone."""
        checked, claimed = self.checked(input_values, first)
        problems = value_problems(self.spec, checked.values)
        if problems:
            tables = [self.outside_domain(name, node, problems[0]) for name, node in self.wrt.items()]
            return _PointResult(tables, [], [], [])
        evaluations = [evaluated(checked, name, node, claimed[node]) for name, node in self.wrt.items()]
        check_limits(checked, evaluations)
        blame = blamed_rules(checked)
        if not blame and not _wrong_claims(evaluations):
            _check_consistency(checked, evaluations)
        wrong = _wrong_claims(evaluations)
        claims, innocent = self.blame_claims(checked, claimed, wrong) if wrong else ([], [])
        tables = [evaluation.table() for evaluation in evaluations]
        return _PointResult(tables, list(local_rows(checked)), [*blame, *claims], innocent)

    def checked(
        self, input_values: Mapping[int, Array], first: bool
    ) -> tuple[CheckedGraph, dict[int, Claimed]]:
        """The graph at these values, and what is claimed of each node there."""
        graph = self.spec.graph.copy()
        exprs = self.build_claims(graph)
        query = Query(self.spec, self.output, self.wrt, self.seed, self.detect, self.budget)
        checked = CheckedGraph.at(query, input_values, graph)
        claimed = {node: by_rule(checked, node) for node in self.wrt.values()}
        for node, expr in exprs.items():
            if first or self.varies(node):
                claimed[node] = _by_claim(checked, self.claims[node], expr)
        return checked, claimed

    def varies(self, node: int) -> bool:
        """Does the claim on a node speak of other nodes, so that it can be evaluated at any point?"""
        formula = self.claims[node].formula
        return formula is not None and bool(formula.names)

    def outside_domain(self, name: str, node: int, problem: Diagnostic) -> GradientTable:
        """Every entry outside the domain, because the values themselves are not finite."""
        evidence = Evidence.nothing(self.spec.graph.shapes[node], obstacle=Obstacle.NO_VALUE)
        evidence.facts[Obstacle.NO_VALUE.code] = {"problem": problem.message}
        return table(name, evidence.value, evidence, self.detect)

    def blame_claims(
        self, checked: CheckedGraph, claimed: Mapping[int, Claimed], wrong: Sequence[int]
    ) -> tuple[list[Blame], list[str]]:
        """A claim that is a formula is looked at at further points, which tell mistakes apart."""
        points = [(checked, claimed)]
        if any(self.varies(node) for node in wrong):
            anywhere = tuple(leaf._replace(range=None) for leaf in self.spec.inputs)
            places, _ = drawn_points(replace(self.spec, inputs=anywhere), 1 + SECOND_LOOKS, 0)
            points += [self.checked(input_values, False) for input_values in places[1:]]
        claims = [
            {node: claim for node, claim in claimed_there.items() if not claim.is_rule}
            for _, claimed_there in points
        ]
        blame, innocent = blamed_claims([graph for graph, _ in points], claims, wrong)
        return [self.with_correction(culprit) for culprit in blame], innocent

    def with_correction(self, blame: Blame) -> Blame:
        """The right gradient in terms of the spec's own ops, composite ones as they stand in it."""
        if self.with_composites is self.spec:
            return blame
        spec = self.with_composites
        wrt = {name: spec.nodes[name] for name in self.wrt}
        query = Query(spec, spec.nodes[self.names[self.output]], wrt, self.seed, self.detect)
        checked, node = CheckedGraph.at(query, spec.input_values), spec.nodes[blame.node]
        edges = [edge for edge in checked.ledger.edges if edge.arg == node]
        return blame._replace(correction=right_gradient(checked, node, edges))

    def second(self, input_values: Mapping[int, Array]) -> list[GradientTable]:
        """Second derivatives at one point."""
        inputs = {leaf.node for leaf in self.spec.inputs}
        wrt = {name: node for name, node in self.wrt.items() if node in inputs}
        return second_order(
            Query(self.spec, self.output, wrt, self.seed, self.detect, self.budget), input_values
        )


def _wrong_claims(evaluations: Iterable[Evaluation]) -> list[int]:
    """The nodes whose claim disagrees; bpx's own gradient is no claim."""
    claims = [evaluation for evaluation in evaluations if not evaluation.claimed.is_rule]
    return [evaluation.node for evaluation in claims if evaluation.entries_with(Verdict.DISAGREE).size]


def _check_consistency(checked: CheckedGraph, evaluations: Sequence[Evaluation]) -> None:
    """Do differences contradict the graph as it was put together, or claims at kinks each other?"""
    proved = all(evaluation.is_proved for evaluation in evaluations)
    contradiction = None if proved else broken_wiring(checked)
    if contradiction:
        for evaluation in evaluations:
            evaluation.evidence.wiring = True
            evaluation.evidence.facts["wiring"] = contradiction
    check_claims_together(checked, evaluations)


def _by_claim(checked: CheckedGraph, claim: Claim, expr: Expr) -> Claimed:
    values = run(checked.graph, {**checked.input_values, **checked.values}, [expr.id])

    tolerance = np.zeros(()) if claim.tolerance is None else claim.tolerance
    tolerance = np.broadcast_to(tolerance, expr.shape)
    return Claimed(np.asarray(values[expr.id]), tolerance, expr.id if claim.formula else None)


def local_rows(checked: CheckedGraph) -> Iterator[LocalRow]:
    """One row for each edge, in order of the nodes."""
    for edge, checked_edge in reversed(checked.checked_edges.items()):
        yield LocalRow(
            checked.name(edge.consumer),
            checked.op(edge).name,
            checked.name(edge.arg),
            checked_edge.claimed,
            checked_edge.reference,
            checked_edge.error,
            checked_edge.verdict,
            checked_edge.reason,
            checked_edge.between,
        )


def _worst_rows(rows: Iterable[LocalRow]) -> list[LocalRow]:
    """Of the rows for one edge, at several points, the worst."""
    worst: dict[Any, LocalRow] = {}
    for row in rows:
        key = (row.node, row.op, row.arg)
        if key not in worst or row.verdict < worst[key].verdict:
            worst[key] = row
    return list(worst.values())


def _without_repeats(rows: Iterable[Blame]) -> list[Blame]:
    """Who is blamed at several points is blamed once."""
    return list({(row.node, row.op, row.arg, row.claim): row for row in reversed(list(rows))}.values())[::-1]
