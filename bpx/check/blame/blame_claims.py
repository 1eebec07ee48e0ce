"""Which claims on nodes are wrong by themselves, and which only inherit an error.

A claim is compared with what the claims of its node's consumers hand back to it: one that follows from
them is innocent. What is wrong with the others is looked for at the edges that lead to the node.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bpx.check.blame.claim_mistakes import ClaimsAtPoint, PlacedMistake, described, placed_mistakes
from bpx.check.blame.right_gradient import right_gradient
from bpx.check.local.reverse_sweep import reverse_sweep
from bpx.check.numeric.tolerances import MOST_NAMED
from bpx.check.report.blame import Blame, Mistake
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.check.whole.evaluation import Claimed
from bpx.passes.reverse import Edge

_NO_MIXTURE = PlacedMistake(None, Mistake("no-mixture"))


def blamed_claims(
    checked_graphs: Sequence[CheckedGraph], claims: Sequence[Mapping[int, Claimed]], wrong: Sequence[int]
) -> tuple[list[Blame], list[str]]:
    """The claims that are wrong by themselves, and the names of those that only inherit an error.

    `claims` holds, for each graph (at a point of its own), what is claimed of which
    node; `wrong` are the nodes whose claim disagrees with the reference in the first graph.
    """
    right = [node for node in claims[0] if node not in wrong]
    points = [
        ClaimsAtPoint(checked, {node: claim[node] for node in wrong if node in claim}, right)
        for checked, claim in zip(checked_graphs, claims, strict=True)
    ]
    innocent = [node for node in sorted(wrong, reverse=True) if points[0].follows(node)]
    if len(innocent) == len(wrong):
        innocent = []  # each follows from the others: they are wrong together
    culprits = [node for node in sorted(wrong, reverse=True) if node not in innocent]
    looks = {node: [point for point in points if node in point.claims] for node in culprits}
    # At a kink there is no one right gradient that a mistake could have changed.
    smooth = {node for node in culprits if checked_graphs[0].is_smooth(node).any()}
    placed = {
        node: placed_mistakes(looks[node], node) if node in smooth else [_NO_MIXTURE] for node in culprits
    }
    blamed = []
    while placed:
        node = next(iter(placed))
        also = _made_by_the_same(placed)
        blamed.append(_blamed_claim(looks[node], node, placed.pop(node), also))
        for other in also:
            del placed[other]
    return blamed, [checked_graphs[0].name(node) for node in innocent]


def _made_by_the_same(placed: dict[int, list[PlacedMistake]]) -> list[int]:
    """The other nodes whose claims one mistake, above all of them, explains too; only it is kept then."""
    first, *others = placed
    above = [one for one in placed[first] if one.edge and one.edge.arg != first]
    for mistake in above:
        also = [node for node in others if mistake in placed[node]]
        if also:
            placed[first] = [mistake]
            return also
    return []


def _blamed_claim(
    points: Sequence[ClaimsAtPoint], node: int, placed: Sequence[PlacedMistake], also: Sequence[int]
) -> Blame:
    checked = points[0].checked
    edges = [edge for edge in checked.ledger.edges if edge.arg == node]
    # Where several edges could have gone wrong so, none of them is named.
    suspects = {edge.consumer for edge, _ in placed if edge} or {edge.consumer for edge in edges}
    consumer = suspects.pop() if len(suspects) == 1 else None
    claims = checked.query.spec.claims.values()
    claim = next((claim for claim in claims if claim.name == checked.name(node)), None)
    mistakes = dict.fromkeys(described(checked, node, edges, one) for one in placed)
    return Blame(
        checked.name(node),
        ", ".join(_consumers(checked, edges)) if consumer is None else checked.graph.ops[consumer].name,
        None if consumer is None else checked.name(consumer),
        claim.span if claim else None,
        tuple(mistakes)[:MOST_NAMED],
        right_gradient(checked, node),
        claim=True,
        also=tuple(map(checked.name, also)),
        cancelled=_cancelled(points[0], node),
    )


def _consumers(checked: CheckedGraph, edges: Sequence[Edge]) -> list[str]:
    return list(dict.fromkeys(checked.graph.ops[edge.consumer].name for edge in edges))


def _cancelled(point: ClaimsAtPoint, node: int) -> tuple[str, ...]:
    """The nodes of right claims next below that do not follow from this wrong one: something cancels it."""
    checked = point.checked
    others = {one: checked.reference[one] for one in point.right if one in checked.reference}
    stopped = point.claim_bounds | others
    arriving = reverse_sweep(checked.ledger.edges, checked.trusted, checked.seed, stopped)
    return tuple(
        checked.name(one)
        for one, reference in sorted(others.items(), reverse=True)
        if _depends(checked, one, node, stopped) and _differs(arriving[one].value, reference.value)
    )


def _depends(checked: CheckedGraph, lower: int, upper: int, stopped: Mapping[int, object]) -> bool:
    """Does the gradient of one node come from that of another, with no claim between?"""
    reached = {upper}
    for edge in checked.ledger.edges:
        if edge.consumer in reached and (edge.consumer == upper or edge.consumer not in stopped):
            reached.add(edge.arg)
    return lower in reached and lower != upper


def _differs(value: np.ndarray, reference: np.ndarray) -> bool:
    scale = np.maximum(np.abs(value), np.abs(reference))
    return bool((np.abs(value - reference) > 1e-3 * scale).any())
