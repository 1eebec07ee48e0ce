"""A spec and what is asked of one of its outputs, looked at at several points."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property
from itertools import islice
from typing import NamedTuple

import numpy as np

from bpx.check.blame.blame_rules import blamed_rules
from bpx.check.claimed_formulas import labels
from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.numeric.tolerances import CLAIM_ROUNDING, LARGEST_REUSED, MOST_WRONG_CLAIMS, SECOND_LOOKS
from bpx.check.report.blame import Blame
from bpx.check.report.entry import LocalRow, Verdict, shown_bars
from bpx.check.report.gradient_table import GradientTable
from bpx.check.whole.checked_graph import CheckedGraph, Query
from bpx.check.whole.claims import ClaimsInGraph
from bpx.check.whole.directional_check import broken_wiring
from bpx.check.whole.evaluation import (
    Claimed,
    Evaluation,
    by_rule,
    refused_by_rules,
    table_of_lost,
    table_without_values,
)
from bpx.check.whole.nonsmooth import check_claims_together, check_limits
from bpx.check.whole.sample_points import formula_points
from bpx.check.whole.sources import all_evaluated, evaluated
from bpx.graph.arrays import Array, Flags
from bpx.graph.graph import Expr
from bpx.graph.named.claim import Claim
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.run import run
from bpx.passes.domain import value_problems
from bpx.words.diagnostic import Diagnostic
from bpx.words.guards.faults import helped


@cache
def reuse_freed_memory() -> None:
    """From now on let arrays of up to `LARGEST_REUSED` bytes be made where others were freed.

    The C library of Linux asks the system for new pages for each block above 128 KB, which took a fifth of
    the check of 25,000 entries; once a larger block has been freed, only for those above its size (mallopt,
    M_MMAP_THRESHOLD). Nothing is written to the block, and elsewhere nothing changes.
    """
    np.empty(LARGEST_REUSED, dtype=np.uint8)


class PointResult(NamedTuple):
    """What one point gave."""

    tables: list[GradientTable]
    local: Sequence[LocalRow] = ()
    blame: Sequence[Blame] = ()
    innocent: Sequence[str] = ()
    notes: Sequence[Diagnostic] = ()


class SpecCheck:
    """The gradient of one output of a spec without composite ops, and the claims on it.

    `with_composites` is the spec with these, in whose terms corrections are put.
    """

    def __init__(
        self, with_composites: NamedGraph, query: Query, claims: Mapping[int, Sequence[Claim]]
    ) -> None:
        """`query.wrt` are the nodes that are reported on. Raises `BpxError` for claims that do not fit."""
        self.with_composites, self.spec, self.query = with_composites, query.spec, query
        self.claims, self.wrt = claims, query.wrt
        mentioned = {
            derivative.node: self.spec.nodes[derivative.node]
            for claim in self.every_claim()
            for derivative in (claim.formula.derivatives if claim.formula else {}).values()
        }
        self.template = CheckedGraph.at(
            query._replace(wrt={**query.wrt, **mentioned}), self.spec.input_values
        )
        self.in_graph = ClaimsInGraph(self.template, claims, query.local_claims)

    def every_claim(self) -> Iterator[Claim]:
        """The claims of all nodes."""
        for claims in self.claims.values():
            yield from claims

    # --- one point ---

    def at(self, input_values: Mapping[int, Array], first: bool) -> PointResult:
        """The check at one point; figures are claimed of the first alone."""
        reuse_freed_memory()
        checked, claimed = self.checked(input_values, first)
        problems = value_problems(self.spec, checked.values)
        if problems and self.has_value(input_values):
            problems = []
        problem = problems[0] if problems else refused_by_rules(checked, self.wrt.values())
        if problem:
            return PointResult([self.outside_domain(name, node, problem) for name, node in self.wrt.items()])
        evaluations = all_evaluated(checked, {name: (node, claimed[node]) for name, node in self.wrt.items()})
        check_limits(checked, evaluations)
        blame, faults = helped(lambda: blamed_rules(checked), [])
        if not blame and not faults and not self.wrong_claims(evaluations):
            _check_consistency(checked, evaluations)
        wrong = self.wrong_claims(evaluations) if self.query.causes else []
        (claims, innocent), others = (
            helped(lambda: self.blame_claims([(checked, claimed)], wrong), ([], []))
            if wrong
            else (([], []), ())
        )
        tables = [self.table(checked, evaluation) for evaluation in evaluations]
        notes = [*faults, *others, *_of_nearest(len(wrong))]
        return PointResult(tables, list(local_rows(checked)), [*blame, *claims], innocent, notes)

    def lost(self) -> PointResult:
        """What is known of a point whose workers died."""
        shapes, detect = self.spec.graph.shapes, self.query.detect
        tables = [
            replace(table_of_lost(name, shapes[node], detect), own=~self.entries(node))
            for name, node in self.wrt.items()
        ]
        return PointResult(tables)

    def has_value(self, input_values: Mapping[int, Array]) -> bool:
        """Are all values finite as composite ops have them? Their parts may overflow where they do not."""
        if self.with_composites is self.spec:
            return False
        own = self.with_composites
        renamed = {own.nodes[self.spec.names[node]]: value for node, value in input_values.items()}
        values = run(own.graph, renamed, [own.output])
        return bool(np.isfinite(values[own.output]).all())

    def checked(
        self, input_values: Mapping[int, Array], first: bool
    ) -> tuple[CheckedGraph, dict[int, Claimed]]:
        """The graph at these values, and what is claimed of each node there."""
        checked = self.template.moved(input_values)
        exprs = self.in_graph.here if first else self.in_graph.anywhere
        claimed = {node: by_rule(checked, node) for node in self.wrt.values() if node not in exprs}
        claimed |= {node: self.by_claim(checked, expr, first) for node, expr in exprs.items()}
        return checked, claimed

    def by_claim(
        self, checked: CheckedGraph, expr: Expr, first: bool, in_graph: ClaimsInGraph | None = None
    ) -> Claimed:
        """The value of a claim; how far off it may be comes from the numbers it is, or is made of."""
        numbers_in = (in_graph or self.in_graph).numbers
        known = checked.known
        value = run(checked.graph, known, [expr.id])[expr.id]
        tolerance = np.zeros(expr.shape)
        needed = set(checked.graph.needs(of=[expr.id], known=known)) if numbers_in else set()
        moved = {node: numbers_in[node] for node in sorted(needed) if first and node in numbers_in}
        if moved:
            numbers = run(checked.graph, known, moved)
            ends = {node: numbers[node] + off for node, off in moved.items()}
            tolerance = np.abs(run(checked.graph, {**known, **ends}, [expr.id])[expr.id] - value)

        is_number = expr.id in numbers_in
        return Claimed(np.asarray(value), tolerance, None if is_number else expr.id)

    def outside_domain(self, name: str, node: int, problem: Diagnostic) -> GradientTable:
        """Every entry outside the domain, because the values themselves are not finite."""
        nothing = table_without_values(name, self.spec.graph.shapes[node], problem, self.query.detect)
        return replace(nothing, own=~self.entries(node))

    def table(self, checked: CheckedGraph, evaluation: Evaluation) -> GradientTable:
        """The verdicts on a gradient; of entries that nobody claimed, those on bpx's own."""
        claimed = evaluation.table()
        own = ~self.entries(evaluation.node)
        if own.any() and not own.all():
            rule = by_rule(checked, evaluation.node)
            claimed = claimed.with_entries(
                own, evaluated(checked, evaluation.name, evaluation.node, rule).table()
            )
        return replace(claimed, own=own)

    def entries(self, node: int) -> Flags:
        """Which entries of a node somebody claims something of."""
        return np.asarray(self.in_graph.entries(self.claims.get(node, ()), self.spec.graph.shapes[node]))

    def wrong_claims(self, evaluations: Iterable[Evaluation]) -> list[int]:
        """The nodes whose claim disagrees; bpx's own gradient is no claim."""
        return [
            evaluation.node
            for evaluation in evaluations
            if not evaluation.claimed.is_rule
            and self.entries(evaluation.node).reshape(-1)[evaluation.entries_with(Verdict.DISAGREE)].any()
        ]

    # --- blame ---

    def blame_claims(
        self, points: Sequence[tuple[CheckedGraph, Mapping[int, Claimed]]], wrong: Sequence[int]
    ) -> tuple[list[Blame], list[str]]:
        """A claim that is a formula is looked at at further points, which tell mistakes apart."""
        from bpx.check.blame.blame_claims import blamed_claims  # most checks find nothing to blame

        # What a claim may have been computed from has a greater number, so that nothing of it is left out.
        left_out = {*sorted(wrong)[:-MOST_WRONG_CLAIMS]}
        wrong = [node for node in wrong if node not in left_out]
        known = [checked.input_values for checked, _ in points]
        if any(node in self.in_graph.anywhere for node in wrong):
            further = [place for place in self.points if not any(place is other for other in known)]
            points = [*points, *self.second_looks(further, wrong)]
        claims = [
            {node: claim for node, claim in claimed.items() if not claim.is_rule and node not in left_out}
            for _, claimed in points
        ]
        inherited: list[str] = []
        if self.query.local_claims:
            claims = [
                self.with_true_locals(checked, one) for (checked, _), one in zip(points, claims, strict=True)
            ]
            right = [node for node in wrong if _right_entries(points[0][0], node, claims[0][node]).all()]
            inherited = [self.spec.names[node] for node in right]
            wrong = [node for node in wrong if node not in right]
        blame, innocent = blamed_claims([graph for graph, _ in points], claims, wrong)
        blame = [self.with_entries(culprit, points[0][0], claims[0]) for culprit in blame]
        return [self.with_correction(culprit) for culprit in blame], [*inherited, *innocent]

    def with_entries(self, blame: Blame, checked: CheckedGraph, claimed: Mapping[int, Claimed]) -> Blame:
        """The same, of claims on single entries with those that are wrong; it stands where the first does."""
        node = self.spec.nodes[blame.node]
        off = ~_right_entries(checked, node, claimed[node]) if node in claimed else np.asarray(False)
        wrong = [
            claim
            for claim in self.claims.get(node, ())
            if claim.derivative.at is not None and off[claim.derivative.at].any()
        ]
        if not wrong:
            return blame
        output = self.spec.names[self.query.output]
        texts = tuple(claim.derivative.text(output) for claim in wrong)
        return blame._replace(entries=texts, span=wrong[0].span)

    @cached_property
    def by_true_locals(self) -> ClaimsInGraph:
        """The claims, with the true derivatives of other nodes where wrong ones may be claimed of them."""
        return ClaimsInGraph(self.template, self.claims, {})

    def with_true_locals(self, checked: CheckedGraph, claims: Mapping[int, Claimed]) -> dict[int, Claimed]:
        """What is claimed at a point by those who are not to blame for claims on ∂a/∂z that they use."""
        exprs = self.by_true_locals.here
        return {node: self.by_claim(checked, exprs[node], True, self.by_true_locals) for node in claims}

    def second_looks(
        self, places: Sequence[Mapping[int, Array]], wrong: Sequence[int]
    ) -> list[tuple[CheckedGraph, Mapping[int, Claimed]]]:
        """Some further points, those at which gradients keep their digits if there are any."""
        looks: list[tuple[CheckedGraph, Mapping[int, Claimed]]]
        looks = [self.checked(place, False) for place in places]
        clear = (look for look in looks if _keeps_digits(look[0], wrong))
        return [*islice(clear, SECOND_LOOKS)] or looks[:SECOND_LOOKS]

    def with_correction(self, blame: Blame) -> Blame:
        """The right gradient in terms of the spec's own ops, composite ones as they stand in it."""
        if self.with_composites is self.spec:
            return blame
        from bpx.check.blame.right_gradient import right_gradient

        spec, names = self.with_composites, self.spec.names
        wrt = {name: spec.nodes[name] for name in self.wrt}
        query = self.query._replace(spec=spec, output=spec.nodes[names[self.query.output]], wrt=wrt)
        checked, name = CheckedGraph.at(query, spec.input_values), blame.cause or blame.node
        node = spec.nodes[name] if name in self.spec.own_names.values() else None
        if node is None:
            return blame  # a part of an op that the spec does not speak of
        return blame._replace(correction=right_gradient(checked, node))

    @cached_property
    def points(self) -> list[Mapping[int, Array]]:
        """Where else claimed formulas are looked at."""
        return formula_points(self.spec, labels(self.spec, list(self.every_claim())))


def _of_nearest(count: int) -> Iterator[Diagnostic]:
    """A note where there are more wrong claims than causes are looked for."""
    if count > MOST_WRONG_CLAIMS:
        yield Diagnostic(
            "causes-of-nearest", None, {"count": count, "most": MOST_WRONG_CLAIMS}, severity="note"
        )


def _right_entries(checked: CheckedGraph, node: int, claimed: Claimed) -> Flags:
    """Where a claim is the reference, as far as rounding goes."""
    shape = checked.graph.shapes[node]
    value, error, spread = checked.reference.get(node) or ErrorBound.exact(np.zeros(shape))
    room = claimed.tolerance + error + spread + CLAIM_ROUNDING * np.abs(value)
    return np.broadcast_to(np.abs(claimed.value - value) <= room, shape)


def _keeps_digits(checked: CheckedGraph, nodes: Iterable[int]) -> bool:
    """Does float64 compute these gradients as they are? Behind a saturated gate 1 - g^2 is mere rounding."""
    for node in nodes:
        own, reference = checked.claimed_gradient(node), checked.reference.get(node)
        size = np.abs(own)
        if reference and not (np.abs(own - reference.value) <= CLAIM_ROUNDING * size).all():
            return False
    return True


def _check_consistency(checked: CheckedGraph, evaluations: Sequence[Evaluation]) -> None:
    """Do differences contradict the graph as it was put together, or claims at kinks each other?"""
    proved = all(evaluation.is_proved for evaluation in evaluations)
    contradiction = None if proved else broken_wiring(checked)
    if contradiction:
        for evaluation in evaluations:
            evaluation.evidence.wiring = True
            evaluation.evidence.facts["wiring"] = contradiction
    check_claims_together(checked, evaluations)


def local_rows(checked: CheckedGraph) -> Iterator[LocalRow]:
    """One row for each edge, in order of the nodes."""
    checked_edges = list(reversed(checked.checked_edges.values()))
    numbers = np.array([(edge.reference, edge.error) for edge in checked_edges]).reshape(-1, 2)
    bars, name = shown_bars(*numbers.T).tolist(), cache(checked.name)
    for checked_edge, bar in zip(checked_edges, bars, strict=True):
        edge = checked_edge.edge
        yield LocalRow(
            name(edge.consumer),
            checked.op(edge).name,
            name(edge.arg),
            checked_edge.claimed,
            checked_edge.reference,
            bar,
            checked_edge.verdict,
            checked_edge.reason,
            checked_edge.between,
        )
