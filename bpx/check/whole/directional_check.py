"""Does the whole hold together? One random direction through all of the graph.

The rules are checked one by one; that they were put together rightly, every path once, is seen from
differences of the output itself along a direction that moves every input at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from bpx.check.numeric.differences import DerivativeStatus, derivative
from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.numeric.tolerances import SAFETY_FACTOR
from bpx.check.report.entry import Reason
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.check.whole.graph_function import GraphFunction
from bpx.check.whole.sample_points import choosing
from bpx.graph.arrays import Array

_MOST = 2**26  # elements to compute on the way
_EVALUATIONS = 64
_MOST_EXACT = 1000  # elements to compute with more digits
_BLIND = 1e-6  # relative; what differences of a long computation may be off without notice


def broken_wiring(point: CheckedGraph) -> Reason | None:
    """A reason where differences of the output contradict the reference; None where all is well."""
    shapes, given = point.graph.shapes, point.given
    still = choosing(point.graph)
    nodes = [node for node in point.question.wrt.values() if node in given and node not in still]
    if not nodes or point.elements * _EVALUATIONS > _MOST:
        return None
    program = GraphFunction(point.graph, point.question.output, point.question.seed, given, guarded=True)
    if any((sign == 0).any() for sign in program.signs.values()):
        return None  # on a kink there is no one slope
    nothing = {node: ErrorBound.exactly(np.zeros(shapes[node])) for node in nodes}
    reference = {node: point.reference.get(node, nothing[node]) for node in nodes}
    # Steps in proportion to a small input drown where it is added to something large: a contradiction
    # has to show at either width.
    return _contradiction(point, program, reference, 0.0) and _contradiction(point, program, reference, 1.0)


def _contradiction(
    point: CheckedGraph, program: GraphFunction, reference: Mapping[int, ErrorBound], narrowest: float
) -> Reason | None:
    direction = _direction(program.given, reference, narrowest)
    pairs = [(reference[node], share) for node, share in direction.items()]
    expected = sum(float(np.sum(one.value * d)) for one, d in pairs)
    room = sum(float(np.sum(one.error * np.abs(d))) for one, d in pairs)
    size = sum(float(np.sum(np.abs(one.value * d))) for one, d in pairs)
    if not np.isfinite([expected, room, size]).all():
        return None

    def line(points: Array, chosen: Any) -> Any:
        # Looked at from 1, not from 0: then no step is smaller than the rounding of the inputs.
        return along(points - 1.0, chosen)

    along = program.lines([direction])
    found = derivative(line, np.ones(1), claimed=np.array([expected]))
    gap, bar = abs(float(found.value[0]) - expected), float(found.error[0]) + room
    if found.status[0] != DerivativeStatus.OK or gap <= SAFETY_FACTOR * bar + _BLIND * size:
        return None
    if _many_digits_agree(point, program, direction, expected, SAFETY_FACTOR * room + _BLIND * size):
        return None
    return Reason("wiring", {"found": f"{found.value[0]:.6g}", "expected": f"{expected:.6g}"})


def _many_digits_agree(
    point: CheckedGraph, program: GraphFunction, direction: Mapping[int, Array], expected: float, room: float
) -> bool:
    """Is it the differences in float64 that are wrong, because rounding passed for a slope?"""
    from bpx.check.local.elementwise_exact import is_known
    from bpx.check.numeric import multiprecision, multiprecision_slopes

    if not multiprecision.available() or point.elements > _MOST_EXACT:
        return False
    known = multiprecision_slopes.slope(program.exactly_along(direction, point.lifted), 1.0)
    return known is None or not is_known(known) or abs(known.value - expected) <= room


def _direction(given: Mapping[int, Array], nodes: Iterable[int], narrowest: float) -> dict[int, Array]:
    """A random direction that moves every input by about its own size, or by `narrowest` if that is more."""
    rng = np.random.default_rng(0)
    direction = {}
    for node in nodes:
        value = given[node]
        signs = rng.choice([-1.0, 1.0], value.shape) * rng.uniform(0.5, 1.0, value.shape)
        direction[node] = signs * np.where(value == 0, 1.0, np.maximum(np.abs(value), narrowest))
    return direction
