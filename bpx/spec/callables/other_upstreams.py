"""What backward gives for other upstream gradients: for each element of the output, and for random mixtures.

The local derivatives in the graph do not depend on the upstream gradient, and have been checked for one. So
a claim that is what the reverse pass gives is right; any other is judged by a check of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpx.check.function.black_box_rows import BlackBoxRows
from bpx.check.numeric.tolerances import MOST_WEIGHTS, SAME_AS_GRAPH, SAME_AS_GRAPH_SMALL
from bpx.check.report.entry import Entry, Reason, Verdict
from bpx.check.report.gradient_table import GradientTable, merged
from bpx.check.report.report import Report
from bpx.graph.numbers import array, number
from bpx.graph.run import run
from bpx.passes.reverse import reverse
from bpx.spec.callables.positional_program import PositionalProgram
from bpx.spec.code.check import judged
from bpx.spec.code.traced_program import TracedProgram, run_backward, trace_program

if TYPE_CHECKING:
    from numpy.typing import NDArray


class _Row(NamedTuple):
    """An upstream gradient with the claims (N,) for it; of one element of the output alone, its index."""

    upstream: Any
    claimed: Any
    output: tuple[int, ...] | None = None


def with_other_upstreams(
    report: Report, traced: TracedProgram, rows: BlackBoxRows, claimed: Any, **asked: Any
) -> Report:
    """The report with the entries that are wrong for other upstream gradients; `claimed` (R, N) are the rows'."""
    odd = [row for row in _rows(rows, claimed) if not _as_graph(traced, rows, row)]
    if not odd:
        return report
    weighted = traced if traced.weights else _weighted(traced, rows)
    reports = [(row, _judged(weighted, row, rows, asked)) for row in odd]
    wrong = [other for _, other in reports if other.verdict == Verdict.DISAGREE.word]
    blamed = report if report.blame or not wrong else wrong[0]
    columns = [
        _combined(column, [(row, other.columns[i]) for row, other in reports], report)
        for i, column in enumerate(report.columns)
    ]
    return replace(report, columns=tuple(columns), blame=blamed.blame, innocent=blamed.innocent)


def _rows(rows: BlackBoxRows, claimed: Any) -> Iterator[_Row]:
    """The rows of a black box, and its mixture with both signs."""
    shape = rows.output.shape
    for i, upstream in enumerate(rows.upstreams):
        yield _Row(upstream.reshape(shape), claimed[i], rows.output_index(i))
    for weights in (rows.mixture, -rows.mixture):
        yield _Row(weights.reshape(shape), rows.claim(weights))


def _as_graph(traced: TracedProgram, rows: BlackBoxRows) -> Callable[[_Row], bool]:
    raise NotImplementedError
