"""What backward gives for other upstream gradients: for each element of the output, and for random mixtures.

The local derivatives in the graph do not depend on the upstream gradient, and have been checked for one. So
a claim that is what the reverse pass gives is right; any other is judged by a check of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from bpx.check.function.black_box_blame import blamed_inputs
from bpx.check.function.black_box_evaluation import BlackBoxEvaluation
from bpx.check.function.black_box_rows import BlackBoxRows
from bpx.check.gradcheck import gradcheck
from bpx.check.numeric.tolerances import (
    MOST_ELEMENTS_NAMED,
    MOST_ENTRY_NAMES,
    MOST_WEIGHTS,
    SAME_AS_GRAPH,
    SAME_AS_GRAPH_SMALL,
)
from bpx.check.patterns.entry_patterns import places
from bpx.check.report.blame import Blame, Mistake
from bpx.check.report.entry import Entry, Reason, Verdict
from bpx.check.report.gradient_table import GradientTable, merged
from bpx.check.report.report import Report
from bpx.graph.numbers import array, number
from bpx.graph.run import run
from bpx.passes.reverse import reverse
from bpx.spec.callables.positional_program import PositionalProgram
from bpx.spec.code.traced_program import (
    TracedProgram,
    at_values,
    run_backward,
    trace_program,
    with_claims,
)

_UNNAMED = "gradient-above"  # where something is wrong, and not how


class _Row(NamedTuple):
    """An upstream gradient with the claims (N,) for it; of one element of the output alone, its index.

    `odd` are the names of the inputs of which something else is claimed than the graph gives.
    """

    upstream: Any
    claimed: Any
    output: tuple[int, ...] | None = None
    odd: tuple[str, ...] = ()


def with_other_upstreams(
    report: Report, traced: TracedProgram, rows: BlackBoxRows, claimed: Any, **asked: Any
) -> Report:
    """The report with what is wrong for other upstream gradients; `claimed` (R, N) are the rows' claims."""
    report = _with_doubts(report, traced, rows)
    odd = _odd_rows(report, traced, rows, claimed)
    if not odd:
        return report
    weighted = traced if traced.weights else _weighted(traced, rows)
    found = [(row, _check(at_values(weighted, {}, row.upstream), row.odd, asked)) for row in odd]
    columns = tuple(_combined(column, _of_input(column.input, found)) for column in report.columns)
    return replace(report, columns=columns)


def _with_doubts(report: Report, traced: TracedProgram, rows: BlackBoxRows) -> Report:
    """The report, where a line is not all that is wrong: gradients do not double with the upstream gradient.

    Of an output with axes the lines have been tried with several upstream gradients.
    """
    if rows.output.shape or not any(culprit.code for culprit in report.blame):
        return report
    one, two = rows.claim(np.ones(1)), rows.claim(np.full(1, 2.0))
    own = {leaf.name: rows.owners == rows.caller.names.index(leaf.name) for leaf in traced.leaves}
    odd = {name for name, at in own.items() if not _same(two[at], 2 * one[at])}
    return replace(report, blame=tuple(_with_doubt(culprit, odd) for culprit in report.blame))


def _with_doubt(culprit: Blame, odd: set[str]) -> Blame:
    if culprit.code is None or odd.isdisjoint(culprit.code.wrong):
        return culprit
    return culprit._replace(code=culprit.code._replace(only=False))


def with_kinds(
    report: Report, traced: TracedProgram, rows: BlackBoxRows, claimed: Any, detect: float
) -> Report:
    """The report with kinds of mistake that show in all upstream gradients, where none is named."""
    report = _with_lost_outputs(report, traced, rows)
    culprits = {culprit.node: culprit for culprit in report.blame}
    wrong = [column.input for column in report.columns if disagrees(column)]
    if all(map(_is_named, report.blame)) and (culprits or not wrong):
        return report
    kinds = {culprit.node: culprit for culprit in _kinds(traced, rows, claimed, report.output, detect)}
    if not report.blame:
        return replace(report, blame=tuple(kinds[name] for name in kinds if name in wrong))
    blame = tuple(_with_kind(culprit, kinds.get(culprit.node)) for culprit in report.blame)
    return replace(report, blame=blame)


def _with_lost_outputs(report: Report, traced: TracedProgram, rows: BlackBoxRows) -> Report:
    """The report where contributions of a few elements of a large output are left out, and no more."""
    gradients, shape = _Gradients(traced, rows), rows.output.shape
    lost = list(_located(gradients, rows)) if report.blame else []
    wrong = {name for row in lost for name in row.odd}
    own = np.isin(rows.owners, [rows.caller.names.index(name) for name in wrong])
    if not lost or len(lost) == MOST_ELEMENTS_NAMED or any(row.claimed[own].any() for row in lost):
        return report
    outputs = np.any([row.upstream != 0 for row in lost], axis=0)
    others = np.where(outputs, 0.0, rows.mixture.reshape(shape))
    if gradients.odd(_Row(others, rows.claim(others.ravel()))):
        return report
    mistake = Mistake.of("some-outputs", outputs=places(outputs, MOST_ENTRY_NAMES))
    blame = [one._replace(mistakes=(mistake,)) if one.node in wrong else one for one in report.blame]
    return replace(report, blame=tuple(blame))


def _is_named(culprit: Blame) -> bool:
    return any(mistake.code != _UNNAMED for mistake in culprit.mistakes)


def _with_kind(culprit: Blame, other: Blame | None) -> Blame:
    if other is None or not other.mistakes or _is_named(culprit):
        return culprit
    return culprit._replace(mistakes=other.mistakes)


def _kinds(
    traced: TracedProgram, rows: BlackBoxRows, claimed: Any, output: str, detect: float
) -> tuple[Blame, ...]:
    """Whom the check of a black box blames, which knows from the graph what is right."""
    gradients = _Gradients(traced, rows)
    evaluation = BlackBoxEvaluation(claimed, detect)
    shape = rows.output.shape
    right = [gradients.all(_Row(upstream.reshape(shape), None)) for upstream in rows.upstreams]
    _know(evaluation, np.array(right))
    for weights in (rows.mixture, -rows.mixture) if rows.one_hot else ():
        _know(evaluation.add_mixture(weights, rows.claim(weights)), weights @ right)
    return blamed_inputs(rows, evaluation, output)


def _know(evaluation: BlackBoxEvaluation, right: Any) -> None:
    values = right.ravel()
    evaluation.evidence.put(slice(None), value=values, error=SAME_AS_GRAPH * np.abs(values))


# --- which -------------------------------------------------------------------------------------


def _odd_rows(report: Report, traced: TracedProgram, rows: BlackBoxRows, claimed: Any) -> list[_Row]:
    """The rows to look at: of elements of the output the worst, of mixtures what is not known to be wrong."""
    gradients = _Gradients(traced, rows)
    wrong = {column.input for column in report.columns if disagrees(column)}
    elements, mixtures = [], []
    for row in (*_rows(rows, claimed), *_located(gradients, rows)):
        odd = gradients.odd(row)
        if row.output is not None:
            elements.append(row._replace(odd=tuple(odd)))
        else:
            mixtures.append(row._replace(odd=tuple(name for name in odd if name not in wrong)))
    new = [row for row in elements if not wrong.issuperset(row.odd)]
    known = [row for row in elements if row.odd and wrong.issuperset(row.odd)]
    return [*new, *known[:MOST_ELEMENTS_NAMED], *(row for row in mixtures if row.odd)]


def _rows(rows: BlackBoxRows, claimed: Any) -> Iterator[_Row]:
    """The rows of a black box, and its mixture with both signs."""
    shape = rows.output.shape
    for i, upstream in enumerate(rows.upstreams if shape else ()):
        yield _Row(upstream.reshape(shape), claimed[i], rows.output_index(i))
    for weights in (rows.mixture, -rows.mixture):
        yield _Row(weights.reshape(shape), rows.claim(weights))


def _located(gradients: _Gradients, rows: BlackBoxRows) -> Iterator[_Row]:
    """The first elements of a large output for which something odd is claimed, found by halves."""
    shape, open_, found = rows.output.shape, [np.arange(rows.output.size)], 0
    while shape and not rows.one_hot and open_ and found < MOST_ELEMENTS_NAMED:
        part = open_.pop()
        weights = np.zeros(rows.output.size)
        weights[part] = rows.mixture[part] if len(part) > 1 else 1.0
        row = _Row(weights.reshape(shape), rows.claim(weights))
        odd = tuple(gradients.odd(row))
        if not odd:
            continue
        if len(part) == 1:
            found += 1
            yield row._replace(output=tuple(map(int, np.unravel_index(part[0], shape))), odd=odd)
        else:
            open_ += [part[len(part) // 2 :], part[: len(part) // 2]]


class _Gradients:
    """The gradients in the graph for any upstream gradient."""

    def __init__(self, traced: TracedProgram, rows: BlackBoxRows) -> None:
        self._graph, self._rows = traced.graph.graph.copy(), rows
        self._values = traced.graph.input_values
        inputs = {leaf.name: leaf.node for leaf in traced.graph.inputs}
        self._weight = inputs[traced.weights[0]] if traced.weights else None
        self._nodes = {leaf.name: inputs[leaf.name] for leaf in traced.leaves}
        output, nodes = self._graph[traced.graph.output], [self._graph[n] for n in self._nodes.values()]
        ledger = reverse(output, nodes, None, traced.graph.composites)
        self._gradients = {name: ledger.gradient(node) for name, node in self._nodes.items()}

    def odd(self, row: _Row) -> list[str]:
        """The inputs of which something else is claimed than the graph gives."""
        right, names = self.all(row), self._rows.caller.names
        own = {name: self._rows.owners == names.index(name) for name in self._nodes}
        return [name for name in self._nodes if not _same(row.claimed[own[name]], right[own[name]])]

    def all(self, row: _Row) -> Any:
        """The gradients (N,) for the upstream gradient of a row; nan where nothing is claimed."""
        values, scale = {**self._values}, 1.0
        if self._weight is None:
            scale = float(row.upstream)
        else:
            values[self._weight] = row.upstream
        targets = {name: node.id for name, node in self._gradients.items() if node is not None}
        gradients = run(self._graph, values, targets.values())
        right = np.full(len(self._rows.x), np.nan)
        for name in self._nodes:
            own = self._rows.owners == self._rows.caller.names.index(name)
            right[own] = scale * np.ravel(gradients[targets[name]]) if name in targets else 0.0
        return right


def _same(claimed: Any, right: Any) -> bool:
    """Whether each entry is right beyond doubt."""
    room = SAME_AS_GRAPH * np.abs(right) + SAME_AS_GRAPH_SMALL * np.max(np.abs(right))
    return bool(np.all(np.abs(claimed - right) <= room))


# --- the check of each --------------------------------------------------------------------------


def _weighted(traced: TracedProgram, rows: BlackBoxRows) -> TracedProgram:
    """The graph of a number times an upstream gradient."""
    program = PositionalProgram(rows.caller, 0, weighted=True)
    return trace_program(program, [leaf.path for leaf in traced.leaves], np.array(1.0))


def _check(traced: TracedProgram, names: tuple[str, ...], asked: dict[str, Any]) -> dict[str, GradientTable]:
    """What is claimed of these inputs, by input."""
    run_of_backward = run_backward(traced.program, traced.upstream)
    claims = {found.leaf[-1]: found.value for found in run_of_backward.gradients if found.leaf[-1] in names}
    report = gradcheck(with_claims(traced, claims), wrt=list(claims), causes=False, **asked)
    return {column.input: column for column in report.columns}


def disagrees(column: GradientTable) -> bool:
    """Whether an entry of a table is wrong."""
    return bool((column.verdicts == Verdict.DISAGREE).any())


# --- one table out of all -----------------------------------------------------------------------


def _of_input(
    name: str, found: list[tuple[_Row, dict[str, GradientTable]]]
) -> list[tuple[_Row, GradientTable]]:
    return [(row, tables[name]) for row, tables in found if name in tables]


def _combined(column: GradientTable, found: list[tuple[_Row, GradientTable]]) -> GradientTable:
    """The table with the entries that do not agree for single elements of the output, or for mixtures."""
    size = column.claimed.size
    elements = [
        replace(table, outputs=dict.fromkeys(range(size), row.output))
        for row, table in found
        if row.output is not None
    ]
    if elements:
        worst = merged(elements)
        odd = worst.verdicts != Verdict.AGREE
        outputs = {flat: worst.outputs[flat] for flat in np.flatnonzero(odd).tolist()}
        others = tuple(_others(elements, outputs))
        column = replace(column.with_entries(odd, worst), outputs=outputs, others=others)
    for row, table in found:
        if row.output is None:
            odd = (table.verdicts == Verdict.DISAGREE) & (column.verdicts == Verdict.AGREE)
            reasons = dict.fromkeys(np.flatnonzero(odd).tolist(), _reason(row.upstream))
            column = column.with_entries(odd, replace(table, reasons=reasons))
    return column


def _others(tables: list[GradientTable], shown: dict[int, tuple[int, ...]]) -> Iterator[Entry]:
    """The entries that do not agree, without those that are shown as the worst."""
    for table in tables:
        for flat in np.flatnonzero(table.verdicts != Verdict.AGREE).tolist():
            if table.outputs[flat] != shown[flat]:
                yield table.entry(flat)


def _reason(upstream: Any) -> Reason:
    """These numbers are for another upstream gradient than all others."""
    if upstream.size > MOST_WEIGHTS:
        return Reason("random-upstream")
    text = array(upstream, 3) if upstream.ndim else number(upstream, 3)
    return Reason("other-upstream", {"upstream": text})
