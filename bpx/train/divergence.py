"""Why a training came to numbers that are not finite: the nodes where that begins."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from bpx.graph.arrays import Array
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.run import run
from bpx.passes.domain import gradient_warnings, overflow_warnings, value_problems
from bpx.passes.reverse import reverse
from bpx.words.diagnostic import Diagnostic


def causes(
    spec: NamedGraph, parameters: Iterable[str], loss: float, finite: bool, facts: Mapping[str, Any]
) -> list[Diagnostic]:
    """What is not finite at the values of `spec`, whose graph is appended to.

    `finite` says whether loss and parameters all are: then it is a gradient that is not. `facts` are those of
    the first diagnostic; others name the nodes where it begins.
    """
    # Other steps of the spec may fail without any effect on the loss.
    values = run(spec.graph, spec.input_values, spec.graph.needs(of=[spec.output]))
    # Before the first step no learning rate is to blame.
    advice = "smaller-rate" if facts["step"] else None
    if not finite:
        code = "parameter-not-finite" if math.isfinite(loss) else "loss-not-finite"
        return [Diagnostic(code, None, dict(facts), advice), *value_problems(spec, values)]
    first = Diagnostic("gradient-not-finite", None, dict(facts), advice)
    return [first, *_in_the_gradient(spec, parameters, values)]


def _in_the_gradient(
    spec: NamedGraph, parameters: Iterable[str], values: Mapping[int, Array]
) -> list[Diagnostic]:
    """The warnings of the reverse pass, which end a training, as errors."""
    wrt = [spec.graph[spec.nodes[name]] for name in parameters]
    ledger = reverse(spec.graph[spec.output], wrt)
    values = run(spec.graph, {**spec.input_values, **values}, range(len(spec.graph)))
    warnings = (*gradient_warnings(spec, ledger, values), *overflow_warnings(spec, ledger, values))
    # An explanation can show the rest beside such a node, a training cannot go on.
    return [warning._replace(severity="error") for warning in warnings]
