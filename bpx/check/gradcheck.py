"""`NamedGraph` and claims → `Report`: every entry of every gradient judged, and what is wrong explained."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.check.blame.custom_rules import CustomRulesCheck, check_custom_rules
from bpx.check.derived_claims import DerivedCheck, derived_checks
from bpx.check.formula_check import FormulaCheck
from bpx.check.ladders.why import Why
from bpx.check.numeric.tolerances import DETECT, MOST_EXACT_OPERATIONS
from bpx.check.patterns.twins import twin_of
from bpx.check.report.blame import Blame
from bpx.check.report.entry import LocalRow, second_name
from bpx.check.report.gradient_table import GradientTable, entry_named, merged
from bpx.check.report.options import bad_options
from bpx.check.report.report import Report
from bpx.check.report.results import ClaimResult
from bpx.check.second_order import second_order, second_order_lost
from bpx.check.spec_check import PointResult, SpecCheck
from bpx.check.tasks.looks import Sharing, sharing
from bpx.check.tasks.lost import WorkerLost
from bpx.check.tasks.tasks import Task, results
from bpx.check.whole.checked_graph import Query
from bpx.check.whole.sample_points import drawn_points, unmoved
from bpx.check.why_in_graph import Asking, asked_second, why_in_graph
from bpx.graph.arrays import Array
from bpx.graph.named.claim import Claim
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.named.written import WRITING
from bpx.passes.expand import written_out
from bpx.passes.query import as_list, query_nodes, seed_of
from bpx.words.arguments import checked
from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.guards.faults import helped

if TYPE_CHECKING:
    from concurrent.futures import Executor


@checked
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
    causes: bool = True,
    why: str | None = None,
    progress: Callable[[float], None] | None = None,
    executor: Executor | None = None,
) -> Report:
    """Check the gradient of `spec`, or of its node `of`, with respect to the nodes `wrt`.

    What is checked: the claims of the spec, for the nodes they speak of; for the others the
    gradient that the rules give, those the spec states among them. A claimed formula is checked at random
    points besides. `points` counts the points at which all is checked, the given one first, the others drawn
    with `seed`. `order` 2 checks second derivatives too. `detect` is the smallest relative error that must be
    seen, `budget` how many operations on numbers of many digits the gradient of one node may take, where
    differences leave it open; `progress` is told the fraction done. The points are shared out among the
    workers of an `executor`, of one point the entries that need many digits; the report is the same for any
    number of workers. Without `causes` nobody is blamed for claims that disagree. `why` names an entry to be
    explained step by step.

    Raises `BpxError` where a name is unknown, a shape does not fit or an option means nothing.
    """
    problems = bad_options(points, seed, order, detect, budget)
    if problems:
        raise BpxError(problems)
    plain = written_out(spec)
    output, queried = query_nodes(plain, of, as_list(wrt))
    weights, notes = seed_of(plain.graph.shapes[output], upstream)
    of_output = {
        key: claim for key, claim in plain.claims.items() if _is_gradient(claim, plain.names[output])
    }
    others = [claim for key, claim in plain.claims.items() if key not in of_output]
    local_claims = {(one.derivative.of or "", one.name): one for one in others if _is_local(one)}
    query = Query(plain, output, queried, weights, detect, budget, local_claims, causes=causes)
    own = replace(plain, claims=of_output) if others else plain
    main = _main_check(spec, query._replace(spec=own))
    # What is wrong with claims is wrong at every point, and is said before the first is looked at.
    derived = [row for claim in others for row in derived_checks(main.query, claim)]
    places, skipped = drawn_points(plain, points, seed)
    work = _Work([main, *(row.check for row in derived)], places, order)
    parts = work.parts(executor, progress)
    found = _examined(main, parts, len(places))
    for row in derived:
        found.take(_examined(row.check, parts, len(places)), row.name, next(iter(row.check.wrt)))
    tables = found.tables
    if order == 2:
        tables = [*tables, *_second(main.query, parts, {column.input for column in tables})]
    custom_rules, faults = helped(
        lambda: check_custom_rules(plain, detect), CustomRulesCheck([], []), "no-rules-alone"
    )
    blamed_ops = {row.op for row in found.blame}
    report = Report(
        spec.title,
        plain.names[output],
        tuple(tables),
        (*_worst_rows(found.local), *custom_rules.local),
        (*found.blame, *(culprit for culprit in custom_rules.blame if culprit.op not in blamed_ops)),
        tuple(dict.fromkeys(found.innocent)),
        (*notes, *spec.warnings, *work.lost_notes(), *[*found.notes, *faults][:1]),
        detect=detect,
        order=order,
        points=len(places),
        skipped=skipped,
        rounded=any(map(_is_rounded, plain.claims.values())),
        places=_places(plain, {**dict(enumerate(places)), **found.places}),
        claims=tuple(found.claims),
        unmoved=tuple(unmoved(plain, places)) if len(places) > 1 else (),
        all=all,
        twins=twin_of,
    )
    if why is None:
        return report
    second = asked_second(_second_query(main.query)) if order == 2 else {}
    asking = {**_askings(main, derived), **second}
    return replace(report, why=_why(report, why, asking, {**dict(enumerate(places)), **found.places}))


def _is_gradient(claim: Claim, output: str) -> bool:
    """Is it on the gradient of the output that is asked for?"""
    return claim.derivative.is_gradient_of(output)


def _is_rounded(claim: Claim) -> bool:
    """Are there numbers of so few digits that they are not meant exactly?"""
    if claim.numbers is None or claim.tolerance is None:
        return False
    return bool((claim.tolerance > 2 * WRITING * np.abs(claim.numbers)).any())


def _is_local(claim: Claim) -> bool:
    """Is it on the whole of a first derivative, as `∂a/∂z` is?"""
    derivative = claim.derivative
    return derivative.first is None and derivative.at is None and derivative.of_at is None


def _main_check(spec: NamedGraph, query: Query) -> SpecCheck:
    """The check of what is asked for and of the claims; the spec of `query` is `spec` written out."""
    plain = query.spec
    claims: dict[int, list[Claim]] = {}
    for claim in plain.claims.values():
        claims.setdefault(plain.nodes[claim.name], []).append(claim)
    wrt = {**query.wrt, **{plain.names[node]: node for node in claims}}
    with_composites = plain if spec.graph is plain.graph else spec
    return SpecCheck(with_composites, query._replace(wrt=wrt), claims)


def _askings(main: SpecCheck, derived: Iterable[DerivedCheck]) -> dict[tuple[str, str | None], Asking]:
    """What each table of first derivatives, and of claimed ones, is of."""
    askings: dict[tuple[str, str | None], Asking] = {
        (name, None): (main.query, node) for name, node in main.wrt.items()
    }
    for row in derived:
        askings[row.name, None] = (row.check.query, next(iter(row.check.wrt.values())))
    return askings


def _why(
    report: Report,
    name: str,
    asking: Mapping[tuple[str, str | None], Asking],
    points: Mapping[int, Mapping[int, Array]],
) -> Why:
    """The ladder of an entry of the report. Raises `BpxError` where it has none of this name."""
    entry = entry_named(report.columns, report.output, name)
    return why_in_graph(entry, report.output, asking[entry.input, entry.by], points[entry.point])


@dataclass
class _Findings:
    """What the check of one output found, point by point; `count` is the number of points."""

    count: int
    columns: list[list[GradientTable]] = field(default_factory=list)
    tables: list[GradientTable] = field(default_factory=list)
    local: list[LocalRow] = field(default_factory=list)
    blame: list[Blame] = field(default_factory=list)
    innocent: list[str] = field(default_factory=list)
    notes: list[Diagnostic] = field(default_factory=list)
    claims: list[ClaimResult] = field(default_factory=list)
    places: dict[int, Mapping[int, Array]] = field(default_factory=dict)

    def add(self, result: PointResult) -> None:
        """Add what a point gave."""
        self.columns.append(result.tables)
        self.local += result.local
        self.blame += result.blame
        self.innocent += result.innocent
        self.notes += result.notes

    def finish(self, check: SpecCheck) -> None:
        """Look at formulas elsewhere, and keep the worst of all points."""
        formulas = FormulaCheck(check, self.columns[0])
        self.claims = list(formulas.results())
        refuting = {column.input: (number, column) for number, column in formulas.tables()}
        for columns in zip(*self.columns, strict=True):
            numbers = list(range(self.count))
            if columns[0].input in refuting:
                number, column = refuting[columns[0].input]
                self.places[self.count + number] = check.points[number]
                columns, numbers = (*columns, column), [*numbers, self.count + number]
            self.tables.append(merged(columns, numbers))
        if refuting:
            (blame, innocent), faults = helped(formulas.blame, ([], []))
            self.blame += blame
            self.notes += faults
            self.innocent += innocent
        self.blame = _without_repeats(self.blame)
        self.claims = [
            row if row.refuted is None else row._replace(refuted=self.count + row.refuted)
            for row in self.claims
        ]

    def take(self, other: _Findings, name: str, node: str) -> None:
        """What the check of a derivative of another node found, which stands under a name of its own."""
        self.tables += [replace(column, input=name) for column in other.tables]
        self.claims += [row._replace(name=name) for row in other.claims]
        # The nodes of a reverse pass have no names in which a correction could be read.
        kept: dict[str, Any] = {"node": name, "entries": ()}
        kept |= {"correction": None} if "²" in name else {}
        self.blame += [culprit._replace(**kept) for culprit in other.blame if culprit.claim]
        self.places |= other.places
        self.notes += other.notes


class _Work:
    """The tasks of a check: each output at each point, and then the second derivatives at each point."""

    def __init__(
        self, checks: Sequence[SpecCheck], places: Sequence[Mapping[int, Array]], order: int
    ) -> None:
        self.main, self.lost, self.lost_looks = checks[0], 0, 0
        self.first = [
            Task(SpecCheck.at, check, (input_values, number == 0))
            for check in checks
            for number, input_values in enumerate(places)
        ]
        query = _second_query(self.main.query)
        self.second = [Task(second_order, query, (place,)) for place in places] if order == 2 else []

    def parts(self, executor: Executor | None, progress: Callable[[float], None] | None) -> Iterator[Any]:
        """What the tasks give, in their order."""
        tasks = [*self.first, *self.second]
        every = results(tasks, executor) if len(tasks) > 1 else self._alone(tasks[0], executor)
        for number, result in enumerate(every):
            if progress:
                progress((number + 1) / len(tasks))
            yield self._of_lost(tasks[number]) if isinstance(result, WorkerLost) else result

    def _alone(self, task: Task, executor: Executor | None) -> Iterator[Any]:
        """What the only task gives, which runs here and shares out the looks at its entries."""
        workers = Sharing(executor)
        with sharing(workers):
            result = task.run()
        self.lost_looks = workers.lost
        yield result

    def _of_lost(self, task: Task) -> PointResult | list[GradientTable]:
        self.lost += 1
        return task.shared.lost() if isinstance(task.shared, SpecCheck) else second_order_lost(task.shared)

    def lost_notes(self) -> list[Diagnostic]:
        """Notes on the points and on the looks at entries that gave no result, if there are any."""
        points, looks = ({"count": count} for count in (self.lost, self.lost_looks))
        notes = [
            Diagnostic("points-lost", None, points, severity="warning"),
            Diagnostic("looks-lost", None, looks, severity="warning"),
        ]
        return [note for note in notes if note.facts["count"]]


def _examined(check: SpecCheck, parts: Iterator[PointResult], count: int) -> _Findings:
    """What a check finds at all points, and elsewhere for formulas; `parts` begins with the points."""
    findings = _Findings(count)
    for result in islice(parts, count):
        findings.add(result)
    findings.finish(check)
    return findings


def _second(
    query: Query, parts: Iterable[list[GradientTable]], claimed: Collection[str]
) -> list[GradientTable]:
    """Second derivatives by the inputs, but for those `claimed`, of each entry the worst of all points."""
    tables = [merged(columns) for columns in zip(*parts, strict=True)]
    output = query.spec.names[query.output]
    return [column for column in tables if second_name(output, column.input, column.by or "") not in claimed]


def _second_query(query: Query) -> Query:
    """The query of second derivatives, which are by inputs alone."""
    inputs = {leaf.node for leaf in query.spec.inputs}
    return query._replace(wrt={name: node for name, node in query.wrt.items() if node in inputs})


def _places(spec: NamedGraph, points: Mapping[int, Mapping[int, Array]]) -> dict[int, dict[str, Array]]:
    """The inputs' values at points, by name."""
    return {
        number: {leaf.name: input_values[leaf.node] for leaf in spec.inputs}
        for number, input_values in points.items()
    }


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
