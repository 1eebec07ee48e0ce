"""Does the whole hold together? One random direction through all of the graph.

The rules are checked one by one; that they were put together rightly, every path once, is seen from
differences of the output itself along a direction that moves every input at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from bpx.check.local.structural import random_of_either_sign
from bpx.check.numeric.differences import DerivativeStatus, derivative
from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.numeric.tolerances import (
    BLIND_ALONG,
    EVALUATIONS_ALONG,
    MOST_ALONG,
    MOST_EXACT_ALONG,
    SAFETY_FACTOR,
    STEP_ALONG,
)
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.check.whole.graph_function import GraphFunction
from bpx.graph.arrays import Array
from bpx.passes.domain import choosing


def broken_wiring(checked: CheckedGraph) -> Mapping[str, str] | None:
    """What differences of the output give, where they contradict the reference; None where all is well."""
    shapes, input_values = checked.graph.shapes, checked.input_values
    choosers = choosing(checked.graph)
    nodes = [node for node in checked.query.wrt.values() if node in input_values and node not in choosers]
    if not nodes or checked.elements * EVALUATIONS_ALONG > MOST_ALONG:
        return None
    function = GraphFunction(
        checked.graph, checked.query.output, checked.query.seed, input_values, guarded=True
    )
    if any((sign == 0).any() for sign in function.signs.values()):
        return None  # on a kink there is no one slope
    zeros = {node: ErrorBound.exact(np.zeros(shapes[node])) for node in nodes}
    reference = {node: checked.reference.get(node, zeros[node]) for node in nodes}
    # Steps in proportion to a small input drown where it is added to something large: a contradiction
    # has to show at either width.
    narrow = _contradiction(checked, function, reference, 0.0)
    return narrow and _contradiction(checked, function, reference, 1.0)


def _contradiction(
    checked: CheckedGraph, function: GraphFunction, reference: Mapping[int, ErrorBound], narrowest: float
) -> Mapping[str, str] | None:
    direction = _direction(function.input_values, reference, narrowest)
    pairs = [(reference[node], share) for node, share in direction.items()]
    expected = sum(float(np.sum(part.value * d)) for part, d in pairs)
    tolerance = sum(float(np.sum(part.error * np.abs(d))) for part, d in pairs)
    size = sum(float(np.sum(np.abs(part.value * d))) for part, d in pairs)
    if not np.isfinite([expected, tolerance, size]).all():
        return None

    def line(points: Array, chosen: Any) -> Any:
        # Looked at from 1, not from 0: then no step is smaller than the rounding of the inputs.
        return along(points - 1.0, chosen)

    if _one_difference_agrees(function, direction, expected, BLIND_ALONG * size):
        return None
    along = function.lines([direction])
    slope = derivative(line, np.ones(1), claimed=np.array([expected]))
    gap, bar = abs(float(slope.value[0]) - expected), float(slope.error[0]) + tolerance
    if slope.status[0] != DerivativeStatus.OK or gap <= SAFETY_FACTOR * bar + BLIND_ALONG * size:
        return None
    if _many_digits_agree(
        checked, function, direction, expected, SAFETY_FACTOR * tolerance + BLIND_ALONG * size
    ):
        return None
    return {"found": f"{slope.value[0]:.6g}", "expected": f"{expected:.6g}"}


def _one_difference_agrees(
    function: GraphFunction, direction: Mapping[int, Array], expected: float, tolerance: float
) -> bool:
    """Is one difference of fourth order within what may go unseen? Then no ladder is needed to see that."""

    def rise(steps: int) -> float:
        moves = {node: steps * STEP_ALONG * share for node, share in direction.items()}
        up = function.at({node: function.input_values[node] + move for node, move in moves.items()})
        return up - function.at({node: function.input_values[node] - move for node, move in moves.items()})

    slope = (8 * rise(1) - rise(2)) / (12 * STEP_ALONG)
    return abs(slope - expected) <= tolerance  # never of nan, beyond a guard


def _many_digits_agree(
    checked: CheckedGraph,
    function: GraphFunction,
    direction: Mapping[int, Array],
    expected: float,
    tolerance: float,
) -> bool:
    """Is it the differences in float64 that are wrong, because rounding passed for a slope?"""
    from bpx.check.local.elementwise_exact import is_known
    from bpx.check.numeric import multiprecision_slopes

    if checked.elements > MOST_EXACT_ALONG:
        return False
    exact_slope = multiprecision_slopes.slope(function.multiprecision_along(direction, checked.lifted), 1.0)
    return exact_slope is None or not is_known(exact_slope) or abs(exact_slope.value - expected) <= tolerance


def _direction(input_values: Mapping[int, Array], nodes: Iterable[int], narrowest: float) -> dict[int, Array]:
    """A random direction that moves every input by about its own size, or by `narrowest` if that is more."""
    rng = np.random.default_rng(0)
    direction = {}
    for node in nodes:
        value = input_values[node]
        # Of either sign and never near 0, so that every input counts.
        share = random_of_either_sign(rng, 0.5, 1.0, value.shape)
        direction[node] = share * np.where(value == 0, 1.0, np.maximum(np.abs(value), narrowest))
    return direction
