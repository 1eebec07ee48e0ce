"""Which claims on nodes are wrong by themselves, and which only inherit an error.

A claim is compared with what the claims of its node's consumers hand back to it: one that follows from
them is innocent. What is wrong with the others is looked for at the edges that lead to the node.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from bpx.check.blame.claim_mistakes import PlacedMistake, described, placed_mistakes
from bpx.check.blame.claims_at_point import ClaimsAtPoint
from bpx.check.blame.common_cause import CommonCause, common_cause
from bpx.check.blame.right_gradient import right_gradient
from bpx.check.blame.where import text_of
from bpx.check.local.reverse_sweep import reverse_sweep
from bpx.check.numeric.tolerances import MOST_NAMED
from bpx.check.report.blame import Blame, Mistake
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.check.whole.evaluation import Claimed
from bpx.passes.domain import name_or_formula
from bpx.passes.reverse import Edge

_NO_MIXTURE = PlacedMistake(None, Mistake("no-mixture"))
# Kinds that anybody's numbers may come to have: another start that gives a plainer one is likelier.
_WEAK = {
    "both",
    "formula",
    "times-formula",
    "plus-formula",
    "factor",
    "factor-below-one",
    "permuted",
    "other-gradient",
}


def blamed_claims(
    checked_graphs: Sequence[CheckedGraph], claims: Sequence[Mapping[int, Claimed]], wrong: Sequence[int]
) -> tuple[list[Blame], list[str]]:
    """The claims that are wrong by themselves, and the names of those that only inherit an error.

    `claims` holds, for each graph (at a point of its own), what is claimed of which
    node; `wrong` are the nodes whose claim disagrees with the reference in the first graph.
    """
    search = _BlameSearch(checked_graphs, claims, wrong)
    blamed = [*search.of_causes(), *search.of_claims()]
    return search.with_heirs(blamed), [checked_graphs[0].name(node) for node in search.innocent]


class _BlameSearch:
    """The search for those to blame: first gradients above several claims, then claims one by one."""

    def __init__(
        self,
        checked_graphs: Sequence[CheckedGraph],
        claims: Sequence[Mapping[int, Claimed]],
        wrong: Sequence[int],
    ) -> None:
        right = [node for node in claims[0] if node not in wrong]
        self.points = [
            ClaimsAtPoint(checked, {node: claim[node] for node in wrong if node in claim}, right)
            for checked, claim in zip(checked_graphs, claims, strict=True)
        ]
        self.checked, self.wrong = checked_graphs[0], sorted(wrong, reverse=True)
        # At a kink there is no one right gradient that a mistake could have changed.
        self.smooth = {node for node in wrong if self.checked.is_smooth(node).any()}
        self.culprits = self.not_following()
        self.causes: list[CommonCause] = []
        while cause := self.next_cause():
            self.causes.append(cause)
            self.points = [*self.with_cause(cause)]
            explained = {node for earlier in self.causes for node in earlier.explains}
            self.culprits = [node for node in self.not_following() if node not in explained]
        self.below: dict[int, set[int]] = {}  # node → those whose gradients come from its own
        self.causes = [cause._replace(explains=self.explained_alone(cause)) for cause in self.causes]
        explained = {node for cause in self.causes for node in cause.explains}
        self.innocent = [node for node in self.wrong if node not in (*self.culprits, *explained)]

    def not_following(self) -> list[int]:
        """The wrong claims that do not follow from the others; all of them where each does."""
        culprits = [node for node in self.wrong if not self.points[0].follows(node)]
        return culprits or (self.wrong if not self.points[0].unclaimed else [])

    def next_cause(self) -> CommonCause | None:
        """A wrong gradient above several culprits."""
        culprits = [node for node in self.culprits if node in self.smooth]
        return common_cause(self.points, culprits) if len(culprits) > 1 else None

    def with_cause(self, cause: CommonCause) -> Iterator[ClaimsAtPoint]:
        """The points at which the gradient is known, with it as if it were claimed."""
        known = [point for point in self.points if all(node in point.claims for node in cause.explains)]
        for point, gradient in zip(known, cause.gradients, strict=True):
            if gradient:
                claims = {**point.claims, cause.node: gradient}
                yield replace(point, claims=claims, unclaimed=(*point.unclaimed, cause.node))

    def explained_alone(self, cause: CommonCause) -> tuple[int, ...]:
        """The claims that a cause explains without another one."""
        others = [other.node for other in self.causes if other is not cause]
        alone = tuple(
            node for node in cause.explains if not any(self.depends(node, other) for other in others)
        )
        return alone or cause.explains

    # --- those to blame ---

    def of_causes(self) -> Iterator[Blame]:
        """A blame for each gradient that several claims use."""
        for cause in self.causes:
            points = [point for point in self.points if cause.node in point.claims]
            first, *also = sorted(cause.explains, reverse=True)
            placed = placed_mistakes(points, cause.node)
            # Where little is known of the gradient, another node may do as well: one with a known mistake.
            shared = [] if placed and placed[0].mistake.code not in _WEAK else self.shared(cause.explains)
            if shared:
                yield _blamed_claim(points[0], first, shared, also)
            else:
                yield _blamed_claim(points[0], first, placed, also, cause.node)

    def shared(self, nodes: Sequence[int]) -> list[PlacedMistake]:
        """The mistakes above all of some nodes that explain each of them by itself."""
        shared: list[PlacedMistake] | None = None
        for node in nodes:
            points = [point.claimed_alone for point in self.points if node in point.claims]
            placed = [one for one in placed_mistakes(points, node) if one.edge and one.edge.arg != node]
            shared = placed if shared is None else [one for one in shared if one in placed]
            if not shared:  # what the other nodes have cannot be common to all: a search for each is saved
                break
        return shared or []

    def of_claims(self) -> Iterator[Blame]:
        """A blame for each claim that is wrong by itself, or for several that one mistake explains."""
        searches = {node: self.searched(node) for node in self.culprits}
        placed = {node: mistakes for node, (mistakes, _) in searches.items()}
        while placed:
            node = next(iter(placed))
            also = _made_by_the_same(placed)
            blame = _blamed_claim(self.points[0], node, placed.pop(node), also)
            yield blame._replace(given=tuple(map(self.checked.name, searches[node][1])))
            for other in also:
                del placed[other]

    def searched(self, node: int) -> tuple[list[PlacedMistake], list[int]]:
        """The mistakes behind a claim, and the wrong claims it was computed from, if it was."""
        if node not in self.smooth:
            return [_NO_MIXTURE], []
        points = [point for point in self.points if node in point.claims]
        above = self.above(node)
        from_claims = placed_mistakes(points, node)
        if not above or (from_claims and from_claims[0].mistake.code not in _WEAK):
            return from_claims, above
        # Perhaps it was not computed from these claims, but beside them.
        beside = placed_mistakes([point.as_if_only(node) for point in points], node)
        if beside and (not from_claims or beside[0].mistake.code not in _WEAK):
            return beside, []
        return from_claims, above

    def above(self, node: int) -> list[int]:
        """The wrong claims next above a node, that are claimed."""
        point = self.points[0]
        others = (one for one in point.claims if one not in point.unclaimed)
        return [one for one in others if self.depends(node, one)]

    def depends(self, lower: int, upper: int) -> bool:
        """Does the gradient of one node come from that of another, with no claim between?"""
        if upper not in self.below:
            point = self.points[0]
            self.below[upper] = _reached(self.checked, upper, {*point.claims, *point.right})
        return lower in self.below[upper]

    # --- those that inherit ---

    def with_heirs(self, blamed: Sequence[Blame]) -> list[Blame]:
        """The blames, each with the claims that are wrong because of it alone."""
        heirs: list[list[str]] = [[] for _ in blamed]
        known = {self.checked.name(node): node for node in self.wrong}
        owner = {known[name]: i for i, blame in enumerate(blamed) for name in (blame.node, *blame.also)}
        owner |= {cause.node: i for i, cause in enumerate(self.causes)}
        sources = {node: {i} for node, i in owner.items()}
        for node in sorted(self.innocent, reverse=True):
            above = [one for one in sources if self.depends(node, one)]
            sources[node] = {i for one in above for i in sources[one]}
            if len(sources[node]) == 1:
                heirs[sources[node].copy().pop()].append(self.checked.name(node))
        return [blame._replace(heirs=tuple(names)) for blame, names in zip(blamed, heirs, strict=True)]


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
    point: ClaimsAtPoint,
    node: int,
    placed: Sequence[PlacedMistake],
    also: Sequence[int],
    cause: int | None = None,
) -> Blame:
    """The claim on a node is to blame: for a mistake in it, or for the gradient of `cause` that it uses."""
    checked, where = point.checked, node if cause is None else cause
    edges = [edge for edge in checked.ledger.edges if edge.arg == where]
    # Where several edges could have gone wrong so, none of them is named.
    suspects = {edge.consumer for edge, _ in placed if edge} or {edge.consumer for edge in edges}
    consumer = suspects.pop() if len(suspects) == 1 else None
    claims = checked.query.spec.claims.values()
    claim = next((claim for claim in claims if claim.name == checked.name(node)), None)
    mistakes = dict.fromkeys(described(checked, where, edges, one, above=cause is not None) for one in placed)
    if cause is not None and not mistakes:
        mistakes = {Mistake.of("gradient-above", node=text_of(checked, cause)): None}
    return Blame(
        checked.name(node),
        ", ".join(_consumers(checked, edges)) if consumer is None else checked.graph.ops[consumer].name,
        None if consumer is None else checked.name(consumer),
        claim.span if claim else None,
        tuple(mistakes)[:MOST_NAMED],
        right_gradient(checked, where),
        claim=True,
        also=tuple(map(checked.name, also)),
        cancelled=_cancelled(point, node) if cause is None else (),
        cause=None if cause is None else checked.name(cause),
        segment=tuple(map(checked.name, _segment(checked, where))),
        segment_written=tuple(
            name_or_formula(checked.query.spec, inner) for inner in _segment(checked, where)
        ),
        segment_lines=_lines(checked, _segment(checked, where)),
    )


def _lines(checked: CheckedGraph, nodes: Sequence[int]) -> tuple[tuple[str, int], ...]:
    """The files and lines of nodes that stand in somebody's code."""
    spec = checked.query.spec
    spans = [spec.origins[node] for node in nodes if node in spec.origins] if spec.is_code else []
    return tuple(sorted({(span.source.name, span.source.position(span.start)[0]) for span in spans}))


def _segment(checked: CheckedGraph, node: int) -> list[int]:
    """The nodes through which the gradient passed since the nearest claims above, its consumers first.

    A claim on some entries is no end of it: through the others a mistake may have come from further up.
    """
    spec = checked.query.spec
    ends = {spec.nodes[claim.name] for claim in spec.claims.values() if claim.derivative.at is None}
    reached, passed = {node}, list[int]()
    for edge in sorted(checked.ledger.edges, key=lambda edge: edge.consumer):
        if edge.arg in reached and edge.consumer not in passed:
            passed.append(edge.consumer)
            if edge.consumer not in ends:
                reached.add(edge.consumer)
    return passed


def _consumers(checked: CheckedGraph, edges: Sequence[Edge]) -> list[str]:
    return list(dict.fromkeys(checked.graph.ops[edge.consumer].name for edge in edges))


def _cancelled(point: ClaimsAtPoint, node: int) -> tuple[str, ...]:
    """The nodes of right claims next below that do not follow from this wrong one: something cancels it."""
    checked = point.checked
    others = {one: checked.reference[one] for one in point.right if one in checked.reference}
    stopped = point.claim_bounds | others
    arriving = reverse_sweep(checked.ledger.edges, checked.trusted, checked.seed, stopped)
    below = _reached(checked, node, stopped)
    return tuple(
        checked.name(one)
        for one, reference in sorted(others.items(), reverse=True)
        if one in below and _differs(arriving[one].value, reference.value)
    )


def _reached(checked: CheckedGraph, upper: int, stopped: Collection[int]) -> set[int]:
    """The nodes whose gradients come from that of `upper`, with no claim between."""
    reached = {upper}
    for edge in checked.ledger.edges:
        if edge.consumer in reached and (edge.consumer == upper or edge.consumer not in stopped):
            reached.add(edge.arg)
    return reached - {upper}


def _differs(value: np.ndarray, reference: np.ndarray) -> bool:
    scale = np.maximum(np.abs(value), np.abs(reference))
    return bool((np.abs(value - reference) > 1e-3 * scale).any())
