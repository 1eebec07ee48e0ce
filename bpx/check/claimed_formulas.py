"""Claimed formulas at other points than the given one: a formula states something of all values.

At each point the formula is compared with bpx's own gradient, which takes no more than a reverse pass.
Only where the two differ, the check is made there with all that it has; a point says nothing where it
leaves open which of them is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bpx.check.numeric.tolerances import CLAIM_ROUNDING, FORMULA_ROUNDING
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.graph.arrays import Array
from bpx.graph.graph import Expr
from bpx.graph.named.claim import Claim
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.run import run
from bpx.passes.query import FLOWS_INTO

_EQUALITY = ("eq", "ne")
_COMPARISONS = (*_EQUALITY, "lt", "le", "gt", "ge")


class FormulaPoint(NamedTuple):
    """A point: its number among those drawn, and of each node whether its claim is bpx's own gradient."""

    number: int
    input_values: Mapping[int, Array]
    alike: Mapping[int, bool]


def compared(
    checked: CheckedGraph, formulas: Mapping[int, Expr], points: Sequence[Mapping[int, Array]]
) -> Iterator[FormulaPoint]:
    """The points, with the comparison of each claim that has values there, as bpx's own gradient has."""
    gradients = {node: checked.by_own_rules.gradient(node) for node in formulas}
    targets = [expr.id for expr in (*formulas.values(), *gradients.values()) if expr is not None]
    for number, input_values in enumerate(points):
        values = run(checked.graph, input_values, targets)
        alike = {}
        for node, expr in formulas.items():
            gradient = gradients[node]
            own = np.zeros(expr.shape) if gradient is None else values[gradient.id]
            if np.isfinite(values[expr.id]).all() and np.isfinite(own).all():
                alike[node] = _are_alike(values[expr.id], own)
        yield FormulaPoint(number, input_values, alike)


def _are_alike(claimed: Array, own: Array) -> bool:
    size = np.maximum(np.abs(claimed), np.abs(own))
    rounding = FORMULA_ROUNDING * np.max(np.abs(own), initial=0.0)
    return bool((np.abs(claimed - own) <= CLAIM_ROUNDING * size + rounding).all())


def labels(spec: NamedGraph, claims: Sequence[Claim]) -> set[str]:
    """The inputs that the formulas of some claims take for labels.

    They choose by them, as by the number of a class, or ask which of their values they have.
    """
    inputs = {leaf.name: leaf for leaf in spec.inputs}
    used = [pair for claim in claims for pair in _chosen_by(claim) if pair[0] in inputs]
    return {
        name
        for name, is_asked in used
        if np.isin(inputs[name].value, (-1.0, 0.0, 1.0)).all()
        and (is_asked or inputs[name].role not in FLOWS_INTO)
    }


def _chosen_by(claim: Claim) -> Iterator[tuple[str, bool]]:
    """The names that a formula chooses by or compares, and whether it asks for their values themselves."""
    if claim.formula is None:
        return
    graph = claim.formula.inside.graph
    names = dict(zip(claim.formula.inside.args, claim.formula.names, strict=True))
    for op, args in zip(graph.ops, graph.args, strict=True):
        for position, arg in enumerate(args):
            if arg in names and position in op.chooses:
                yield names[arg], True
            elif arg in names and op.name in _COMPARISONS:
                yield names[arg], op.name in _EQUALITY
