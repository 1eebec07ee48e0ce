"""A check of gradients that somebody uses, as they are: by whatever means they were computed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bpx.check.blame.blame_rules import blamed_rules
from bpx.check.report.gradient_table import GradientTable
from bpx.check.report.reasons import table
from bpx.check.report.report import Report
from bpx.check.whole.checked_graph import CheckedGraph, Query
from bpx.check.whole.evaluation import Evaluation, by_rule
from bpx.check.whole.sources import evaluated
from bpx.graph.arrays import Array
from bpx.graph.named.named_graph import NamedGraph
from bpx.passes.expand import written_out


@np.errstate(all="ignore")
def check_training_gradient(spec: NamedGraph, gradients: Mapping[str, Array]) -> Report:
    """The verdicts on `gradients` of the spec's scalar output at its values, by name of the node.

    The gradient that the rules of the graph give is checked, and those in use are compared with it.
    """
    spec = written_out(spec)
    wrt = {name: spec.nodes[name] for name in gradients}
    checked = CheckedGraph.at(Query(spec, spec.output, wrt, np.ones(())), spec.input_values)
    evaluations = [evaluated(checked, name, node, by_rule(checked, node)) for name, node in wrt.items()]
    tables = tuple(_in_use(evaluation, gradients[evaluation.name]) for evaluation in evaluations)
    return Report(spec.title, spec.names[spec.output], tables, blame=tuple(blamed_rules(checked)))


def _in_use(evaluation: Evaluation, gradient: Array) -> GradientTable:
    """A gradient in use, with the evidence on what the rules give and how far it is from that."""
    checked, evidence, computed = evaluation.checked, evaluation.evidence, evaluation.claimed.value
    gap = np.abs(gradient - computed)
    evidence.rule_gap = np.where(np.isnan(gap), np.inf, gap)
    evidence.rule_scale = np.fmax(np.abs(computed), checked.term_magnitudes.get(evaluation.node, 0.0))
    return table(evaluation.name, gradient, evidence, checked.query.detect)
