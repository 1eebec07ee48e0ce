"""A check of gradients that somebody uses, as they are: by whatever means they were computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from bpx.check.blame.blame_rules import blamed_rules
from bpx.check.blame.composite_rules import CompositeRules
from bpx.check.report.entry import Verdict
from bpx.check.report.gradient_table import GradientTable
from bpx.check.report.report import Report
from bpx.check.whole.checked_graph import CheckedGraph, Query
from bpx.check.whole.entry_verdicts import column
from bpx.graph.arrays import Array
from bpx.graph.named.named_graph import NamedGraph
from bpx.passes.expand import written_out

_NOTHING = 1e-14


@np.errstate(all="ignore")
def check_in_use(spec: NamedGraph, gradients: Mapping[str, Array]) -> Report:
    """The verdicts on `gradients` of the spec's scalar output at its values, by name of the node.

    The gradient that the rules of the graph give is checked, and those in use are compared with it.
    """
    fused = CompositeRules.of(_question(spec, gradients))
    spec = written_out(spec)
    question = _question(spec, gradients)
    point, given = CheckedGraph.at(question, spec.given), {one.name: one.value for one in spec.inputs}
    columns = []
    for name, node in question.wrt.items():
        ruled = column(point, name, node, fused.stated_or_parts(name, given, point, node))
        value = fused.stated(name, given).value
        columns.append(_in_use(point, node, ruled, value, gradients[name]))
    blame = tuple(blamed_rules(point))
    return Report(spec.title, spec.names[spec.output], tuple(columns), blame=blame)


def _question(spec: NamedGraph, names: Iterable[str]) -> Query:
    return Query(spec, spec.output, {name: spec.nodes[name] for name in names}, np.ones(()))


def _in_use(
    point: CheckedGraph, node: int, ruled: GradientTable, value: Array, gradient: Array
) -> GradientTable:
    """What is not the gradient of the rules, `value`, as far as the terms leave it its digits, is wrong.

    Of what is next to nothing, as where a loss is all but met, rounding may have left no digit.
    """
    size = np.fmax(np.abs(value), point.sizes.get(node, 0.0))
    gap = np.abs(gradient - value)
    other = np.where(gap <= _NOTHING, Verdict.CANNOT_TELL, Verdict.DISAGREE)
    verdicts = np.where(gap <= point.question.detect * size, ruled.verdicts, other).astype(np.int8)
    return replace(ruled, claimed=gradient, verdicts=verdicts)
