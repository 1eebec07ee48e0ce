"""A check of gradients that somebody uses, as they are: by whatever means they were computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from bpx.check.blame_rules import blamed_rules
from bpx.check.entries import column
from bpx.check.fused import FusedGradient
from bpx.check.judged import Stated
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
    fused = FusedGradient.of(_question(spec, gradients))
    spec = written_out(spec)
    question = _question(spec, gradients)
    point, given = Point.at(question, spec.given), {one.name: one.value for one in spec.inputs}
    columns = [
        _in_use(point, name, fused.stated(name, given, point, node), gradients[name])
        for name, node in question.wrt.items()
    ]
    blame = tuple(blamed_rules(point))
    return Report(spec.title, spec.names[spec.output], tuple(columns), blame=blame)


def _question(spec: Spec, names: Iterable[str]) -> Question:
    return Question(spec, spec.output, {name: spec.nodes[name] for name in names}, np.ones(()))


def _in_use(point: Point, name: str, stated: Stated, gradient: Array) -> Column:
    """What is not the gradient of the rules, as far as the terms leave it its digits, is wrong."""
    node = point.question.wrt[name]
    ruled = column(point, name, node, stated)
    size = np.fmax(np.abs(ruled.claimed), point.sizes.get(node, 0.0))
    same = np.abs(gradient - ruled.claimed) <= point.question.detect * size
    verdicts = np.where(same, ruled.verdicts, np.int8(Verdict.DISAGREE))
    return replace(ruled, claimed=gradient, verdicts=verdicts)
