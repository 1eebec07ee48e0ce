"""A check of gradients that somebody uses, as they are: by whatever means they were computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from bpx.check.blame_rules import blamed_rules
from bpx.check.entries import by_rule, column
from bpx.check.point import Point, Question
from bpx.check.report import Column, Report, Verdict
from bpx.expand import written_out
from bpx.graph import Array
from bpx.spec import Spec


@np.errstate(all="ignore")
def check_in_use(spec: Spec, gradients: Mapping[str, Array]) -> Report:
    """The verdicts on `gradients` of the spec's scalar output at its values, by name of the node.

    The gradient that the rules of the graph give is checked, and those in use are compared with it.
    """
    spec = written_out(spec)
    wrt = {name: spec.nodes[name] for name in gradients}
    point = Point.at(Question(spec, spec.output, wrt, np.ones(())), spec.given)
    columns = [_in_use(point, name, node, gradients[name]) for name, node in wrt.items()]
    blame = tuple(blamed_rules(point))
    return Report(spec.title, spec.names[spec.output], tuple(columns), blame=blame)


def _in_use(point: Point, name: str, node: int, gradient: Array) -> Column:
    """What is not the gradient of the rules, as far as the terms leave it its digits, is wrong."""
    ruled = column(point, name, node, by_rule(point, node))
    size = np.fmax(np.abs(ruled.claimed), point.sizes.get(node, 0.0))
    same = np.abs(gradient - ruled.claimed) <= point.question.detect * size
    verdicts = np.where(same, ruled.verdicts, np.int8(Verdict.DISAGREE))
    return replace(ruled, claimed=gradient, verdicts=verdicts)
