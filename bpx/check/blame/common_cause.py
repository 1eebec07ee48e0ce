"""One wrong gradient above several claims: claims on W, U and b that all use the same wrong ∂L/∂z.

Nobody need know by which mistake it came about. What claims are off by is linear in what ∂L/∂z is off by, and
so it can be solved for, as far as the claims have more entries than that has: then it is no coincidence
that one answer gives them all, and leaves those right that are right.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bpx.check.local.reverse_sweep import reverse_sweep
from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.numeric.tolerances import CAUSE_ROUNDING, COARSE_CLAIM, MOST_CAUSES, MOST_SOLVED
from bpx.check.patterns.comparison import Comparison, fits
from bpx.check.whole.evaluation import Claimed

if TYPE_CHECKING:
    from bpx.check.blame.claims_at_point import ClaimsAtPoint
    from bpx.check.whole.checked_graph import CheckedGraph
    from bpx.graph.arrays import Array


class CommonCause(NamedTuple):
    """A node without a claim, the gradient of it that the claims use at each point, and these claims.

    None at a point where rounding leaves too little of it.
    """

    node: int
    gradients: tuple[Claimed | None, ...]
    explains: tuple[int, ...]


def common_cause(points: Sequence[ClaimsAtPoint], culprits: Collection[int]) -> CommonCause | None:
    """The lowest node a wrong gradient of which explains the most claims, two at least."""
    # Claims that are numbers are of the first point alone.
    everywhere = [point for point in points if all(node in point.claims for node in culprits)]
    if any(_comparison(everywhere, node).is_coarse for node in culprits):
        return None
    for node, explained in _candidates(points[0], culprits):
        first = _solved(everywhere[0], node, explained)
        if first:
            gradients = [first, *(_solved(point, node, explained) for point in everywhere[1:])]
            # Behind a saturated gate there may be nothing left but rounding: such points say nothing.
            if 2 * gradients.count(None) <= len(gradients):
                clear = [first, *(one if one and not _is_vague(one) else None for one in gradients[1:])]
                return CommonCause(node, tuple(clear), explained)
    return None


def _is_vague(gradient: Claimed) -> bool:
    """Has it lost the digits that tell one mistake from another?"""
    return bool((gradient.tolerance > COARSE_CLAIM * np.abs(gradient.value)).any())


def _comparison(points: Sequence[ClaimsAtPoint], node: int) -> Comparison:
    claims = [point.claims[node] for point in points]
    return Comparison(
        [point.expected[node].value for point in points],
        [claim.value for claim in claims],
        [claim.tolerance for claim in claims],
    )


# --- where it may stand -------------------------------------------------------------------------


def _candidates(point: ClaimsAtPoint, culprits: Collection[int]) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Nodes above several culprits, with all of these, or those that nothing else leads to."""
    checked, claimed = point.checked, {*point.claims, *point.right}
    below = _claims_below(checked, claimed)
    pairs: dict[tuple[int, tuple[int, ...]], None] = {}
    for node, reached in below.items():
        several = sorted(reached & set(culprits))
        if node not in claimed and len(several) > 1 and np.prod(checked.graph.shapes[node]) <= MOST_SOLVED:
            pairs[node, tuple(several)] = None
            pairs[node, tuple(one for one in several if _leads_everywhere(checked, claimed, node, one))] = (
                None
            )
    likely = sorted(pairs, key=lambda pair: (-len(pair[1]), pair[0]))
    yield from [pair for pair in likely if len(pair[1]) > 1][:MOST_CAUSES]


def _claims_below(checked: CheckedGraph, claimed: Collection[int]) -> dict[int, set[int]]:
    """For each node the claimed ones that its gradient flows into, with no claim between."""
    below: dict[int, set[int]] = {}
    for edge in reversed(checked.ledger.edges):  # the lowest first
        reached = {edge.arg} if edge.arg in claimed else below.get(edge.arg, set())
        below[edge.consumer] = below.get(edge.consumer, set()) | reached
    return below


def _leads_everywhere(checked: CheckedGraph, claimed: Collection[int], node: int, culprit: int) -> bool:
    """Does all that arrives at a culprit come through the node?"""
    arrives = {edge.consumer for edge in checked.ledger.edges if edge.arg == culprit}
    for edge in reversed(checked.ledger.edges):
        if edge.arg in arrives and edge.arg != node and edge.arg not in claimed:
            arrives.add(edge.consumer)
    starts = {checked.query.output, *claimed} - {node}
    return not arrives & starts


# --- what it must be ----------------------------------------------------------------------------


def _solved(point: ClaimsAtPoint, node: int, explained: Sequence[int]) -> Claimed | None:
    """The gradient of a node from which all these claims follow, and which moves no claim that is right."""
    shape = point.checked.graph.shapes[node]
    # Other wrong claims may have been moved besides.
    moved = {one: by for one, by in _moved(point, node).items() if one in explained or one in point.right}
    if any(not np.isfinite(point.claims[one].value).all() for one in explained) or not _is_overdetermined(
        [moved[one] for one in explained], [matrix for one, matrix in moved.items() if one not in explained]
    ):
        return None
    # Claims of every size count alike: what rounding leaves of large ones must not drown small ones.
    expected = {one: point.expected[one].value for one in moved}
    claimed = {one: point.claims[one].value if one in explained else expected[one] for one in moved}
    sizes = {one: np.abs([claimed[one], expected[one]]).max() or 1.0 for one in moved}
    inverse = np.linalg.pinv(np.concatenate([moved[one] / sizes[one] for one in moved]))
    off = np.concatenate([(claimed[one] - expected[one]).ravel() / sizes[one] for one in moved])
    change, room = inverse @ off, CAUSE_ROUNDING * np.abs(inverse).sum(axis=1)
    for one, matrix in moved.items():
        predicted = expected[one] + (matrix @ change).reshape(expected[one].shape)
        tolerance = (np.abs(matrix) @ room).reshape(expected[one].shape)
        if one in explained:
            tolerance = tolerance + point.claims[one].tolerance
        if not fits(predicted, claimed[one], tolerance):
            return None
    is_right = np.abs(change) <= room
    change, room = np.where(is_right, 0.0, change), np.where(is_right, 0.0, room)
    arriving = point.expected.get(node) or ErrorBound.exact(np.zeros(shape))
    return Claimed(arriving.value + change.reshape(shape), room.reshape(shape))


def _is_overdetermined(parts: Sequence[Array], others: Sequence[Array]) -> bool:
    """Does each claim have to agree with the rest somewhere, so that it is no coincidence if it does?"""
    whole = np.linalg.matrix_rank(np.concatenate([*parts, *others]))
    for i, part in enumerate(parts):
        rest = np.concatenate([*parts[:i], *parts[i + 1 :], *others])
        if len(part) <= whole - np.linalg.matrix_rank(rest):
            return False
    return True


def _moved(point: ClaimsAtPoint, node: int) -> dict[int, Array]:
    """How the gradients of the claimed nodes below change with each element of that of a node."""
    checked = point.checked
    shapes, size = checked.graph.shapes, int(np.prod(checked.graph.shapes[node], dtype=int))
    edges = [edge for edge in checked.ledger.edges if edge.consumer <= node]
    claimed = [one for one in (*point.claims, *point.right) if one != node]
    stopped = {one: ErrorBound.exact(np.zeros(shapes[one])) for one in claimed}
    columns: list[Mapping[int, ErrorBound]] = []
    for at in range(size):
        seed = np.zeros(size)
        seed[at] = 1.0
        start = {node: ErrorBound.exact(seed.reshape(shapes[node]))}
        columns.append(reverse_sweep(edges, checked.trusted, start, stopped))
    reached = [one for one in claimed if one < node and one in columns[0]]
    return {one: np.stack([column[one].value.ravel() for column in columns], axis=1) for one in reached}
