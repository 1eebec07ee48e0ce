"""By which mistakes a wrong claim may have come about, and at which edges.

They are looked for in this order, and the first that give the claim are named: at the edges that lead to the
node, further up where no claim stands between, in the formula of the right gradient as a whole, and at last
among all short formulas.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from bpx.check.blame.claims_at_point import ClaimsAtPoint
from bpx.check.blame.gradient_slips import slips_in_gradient
from bpx.check.blame.last_resort import formula_mistakes, scope_of_claim
from bpx.check.blame.substitutions import (
    forgotten_targets,
    rounded_on_the_way,
    substitution_mistakes,
)
from bpx.check.blame.where import in_own_names, named_formula, occurrences, path_text, text_of
from bpx.check.local.reverse_sweep import reverse_sweep
from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.numeric.tolerances import MOST_SEARCHED, VAGUE
from bpx.check.patterns.comparison import (
    Comparison,
    constant_factor,
    counts,
    single_precision,
)
from bpx.check.patterns.entry_patterns import entry_mistakes
from bpx.check.patterns.error_patterns import CATALOGUE, Predict, named
from bpx.check.patterns.moves import PLACES
from bpx.check.report.blame import Mistake
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.graph.arrays import Array
from bpx.passes.reverse import Edge
from bpx.words.say import say


class PlacedMistake(NamedTuple):
    """A mistake and the edge it was made at; None where it was made in the sum of all, or nobody can tell."""

    edge: Edge | None
    mistake: Mistake


def placed_mistakes(points: Sequence[ClaimsAtPoint], node: int) -> list[PlacedMistake]:
    """All that may have gone wrong with the claim for a node, the most likely first."""
    search = _ClaimSearch(points, node)
    if not search.comparison.is_usable:
        return []
    only_rounding = single_precision(search.comparison)
    if only_rounding and not search.comparison.is_coarse:
        return [PlacedMistake(None, only_rounding)]
    forgotten = forgotten_targets(
        [point.checked for point in points], node, search.comparison, search.lengths
    )
    if forgotten:
        return [PlacedMistake(None, forgotten)]
    placed = [*search.of_the_sum(), *search.at_consumers(), *search.of_others()]
    if any(one.mistake.code == "own-value" for one in placed):  # relu(z) for its mask, where all are open
        placed = [one for one in placed if one.mistake.code != "log-derivative"]
    if search.is_vague:  # so few digits fit much
        placed = [one for one in placed if one.edge is None or one.mistake.code in PLACES]
    if [one.mistake.code for one in placed] == ["log-derivative"]:
        return [*placed, *search.further_up()]
    if [one.mistake.code for one in placed] == ["permuted"]:  # by which mistake, perhaps
        return [*search.elsewhere()] or placed
    return placed or [*search.elsewhere()]


class _ClaimSearch:
    """The search for the mistakes behind one claim."""

    def __init__(self, points: Sequence[ClaimsAtPoint], node: int) -> None:
        self.points, self.node, self.checked = points, node, points[0].checked
        claims = [point.claims[node] for point in points]
        self.comparison = Comparison(
            [point.expected[node].value for point in points],
            [claim.value for claim in claims],
            [claim.tolerance for claim in claims],
        )
        graph = self.checked.graph
        self.lengths = counts(graph.shapes[forward_node] for forward_node in self.checked.forward)
        self.edges = [edge for edge in self.checked.ledger.edges if edge.arg == node]
        self.factor = constant_factor(self.comparison, self.lengths)

    @property
    def is_vague(self) -> bool:
        """Have the claims so few digits that mistakes cannot be told apart?"""
        pairs = zip(self.comparison.claimed, self.comparison.tolerances, strict=True)
        return any(np.any(room > VAGUE * np.abs(claimed)) for claimed, room in pairs)

    # --- the claim as a whole ---

    def of_the_sum(self) -> Iterator[PlacedMistake]:
        """A telling factor; some other node's gradient; the derivative by the logarithm."""
        if self.factor and not self.factor.code.startswith("factor"):
            yield PlacedMistake(None, self.factor)
        elif len(self.edges) > 1 and not self.factor:
            yield from (PlacedMistake(None, mistake) for mistake in entry_mistakes(self.comparison))
        if self.inner_forgotten:
            yield PlacedMistake(None, self.inner_forgotten)
        values = [np.asarray(point.checked.values[self.node]) for point in self.points]
        scaled = [right * value for right, value in zip(self.comparison.right, values, strict=True)]
        positive = bool(np.all(values[0] > 0))  # others have no logarithm
        if positive and self.is_curved and self.comparison.explained_by(scaled):
            name = named_formula(self.checked, self.node)
            yield PlacedMistake(None, Mistake.of("log-derivative", name=name))

    @cached_property
    def inner_forgotten(self) -> Mistake | None:
        """Where several paths meet again: is it the gradient of that node, with nothing of the inside?"""
        if len(self.edges) < 2:
            return None
        meeting = self.meeting
        if meeting is None or not self.explained_by_gradient_of(meeting):
            return None
        return Mistake.of("inner-forgotten", inner=named_formula(self.checked, meeting))

    @property
    def meeting(self) -> int | None:
        """The first node that all paths from the node to the output lead through, but for the output."""
        graph, output = self.checked.graph, self.checked.query.output
        touched = graph.touched(by=[self.node], upto=output)
        between = sorted({edge.consumer for edge in self.checked.ledger.edges if touched[edge.consumer]})
        last = {
            arg: node for node in between for arg in graph.args[node]
        }  # of its consumers, which come later
        farthest = last[self.node]  # that any path has got to by one edge from the nodes before `node`
        for node in between:
            if node == farthest:
                return node if node < output else None
            farthest = max(farthest, last[node])
        return None

    @property
    def is_curved(self) -> bool:
        """Does what arrives at some consumer depend on the node itself?"""
        graph, upstream = self.checked.graph, self.checked.by_own_rules.upstream
        arriving = [upstream[edge.consumer] for edge in self.edges if edge.consumer in upstream]
        return any(self.node in graph.needs(of=[one]) for one in arriving)

    def of_others(self) -> Iterator[PlacedMistake]:
        """A factor that says little; the gradient of another node."""
        if self.factor and self.factor.code.startswith("factor"):
            yield PlacedMistake(None, self.factor)
        for name, other in self.checked.query.wrt.items():
            if other != self.node and self.explained_by_gradient_of(other):
                yield PlacedMistake(None, Mistake.of("other-gradient", other=name))

    def explained_by_gradient_of(self, other: int) -> bool:
        """Is the claim the gradient of another node?"""
        gradients = [point.checked.reference.get(other) for point in self.points]
        known = [gradient.value for gradient in gradients if gradient is not None]
        return len(known) == len(gradients) and self.comparison.explained_by(known)

    # --- one edge ---

    def at_consumers(self) -> Iterator[PlacedMistake]:
        """The mistakes that give the claim, made at one of the node's consumers, or at all that are alike."""
        for edge in self.edges:
            samples = [point.sample(edge) for point in self.points]
            # What this edge must have handed on, if the others are right.
            contributions = [
                claim - (total - one.right)
                for claim, total, one in zip(
                    self.comparison.claimed, self.comparison.right, samples, strict=True
                )
            ]
            widened = [
                room + one.rounding for room, one in zip(self.comparison.tolerances, samples, strict=True)
            ]
            for mistake in named(samples, contributions, widened):
                yield PlacedMistake(edge, mistake)

    def elsewhere(self) -> Iterator[PlacedMistake]:
        """What is looked for where no mistake at a consumer gives the claim."""
        checks = [point.checked for point in self.points]
        yield from (
            PlacedMistake(None, one) for one in rounded_on_the_way(checks[0], self.node, self.comparison)
        )
        if self.is_vague:
            return
        placed = [*self.further_up()]
        yield from placed
        if not placed:
            mistakes = (
                self.values_for_slopes()
                or substitution_mistakes(checks, self.node, self.comparison)
                or tuple(entry_mistakes(self.comparison))
                or slips_in_gradient(checks, self.node, self.comparison)
                or self.formulas()
            )
            yield from (PlacedMistake(None, mistake) for mistake in mistakes)

    def values_for_slopes(self) -> tuple[Mistake, ...]:
        """The value of a function that has a name, as of `1 / (1 + exp(-z))`, in place of its derivative."""
        own = self.checked.query.spec.own_names
        return tuple(
            Mistake.of("value-of", value=named_formula(self.checked, node))
            for node in self.functions_above()
            if node in own
            and self.comparison.explained_by(
                [point.checked.reference[node].value * point.checked.values[node] for point in self.points]
            )
        )[:1]

    def functions_above(self) -> list[int]:
        """The nodes above that are functions of this one alone, element by element."""
        graph, reached = self.checked.graph, {self.node}
        for edge in sorted(self.edges_to(self.checked), key=lambda edge: edge.consumer):
            node = edge.consumer
            free = [arg for arg in graph.args[node] if arg not in graph.constants]
            same = graph.shapes[node] == graph.shapes[self.node]
            if same and graph.ops[node].elementwise and set(free) <= reached:
                reached.add(node)
        known = [point.checked.reference for point in self.points]
        return sorted(node for node in reached - {self.node} if all(node in one for one in known))

    def formulas(self) -> tuple[Mistake, ...]:
        """Short formulas that give the claim, in the names in scope."""
        stated = self.checked.query.spec.claims.get(self.checked.name(self.node))
        return formula_mistakes(
            scope_of_claim([point.checked for point in self.points], self.node),
            self.comparison,
            stated.formula.text if stated and stated.formula else None,
        )

    # --- edges further up ---

    def further_up(self) -> Iterator[PlacedMistake]:
        """The mistakes that give the claim, made at edges above the consumers, or at all that are alike."""
        for predict in CATALOGUE:
            first, *others = [dict(self.mistakes_above(point, predict)) for point in self.points]
            placed = [
                key
                for key in first
                if all(key in predicted for predicted in others)
                and self.comparison.explained_by([predicted[key] for predicted in (first, *others)])
            ]
            if placed:
                yield from placed
                return

    def mistakes_above(self, point: ClaimsAtPoint, predict: Predict) -> Iterator[tuple[PlacedMistake, Array]]:
        """What each mistake at edges above would make of the node's gradient, the nearest edges first."""
        total, shapes = point.expected[self.node].value, self.checked.graph.shapes
        claimed_nodes = [claimed for claimed in (*point.claims, *point.right) if claimed != self.node]
        unchanged = {node: ErrorBound.exact(np.zeros(shapes[node])) for node in claimed_nodes}
        ways = self.edges_to(point.checked)
        for alike in self.groups(unchanged):
            samples = {edge: point.sample(edge) for edge in alike}
            predicted = {edge: dict(predict(sample)) for edge, sample in samples.items()}
            for mistake in predicted[alike[0]]:
                if all(mistake in wrong for wrong in predicted.values()):
                    changes = {edge: predicted[edge][mistake] - samples[edge].right for edge in alike}
                    place = PlacedMistake(alike[0], mistake.everywhere(len(alike)))
                    yield place, total + self.swept(point, ways, changes, unchanged)

    def edges_to(self, checked: CheckedGraph) -> list[Edge]:
        """The edges on the paths from the output to the node: no other changes its gradient."""
        above = checked.graph.touched(by=[self.node], upto=checked.query.output)
        return [edge for edge in checked.ledger.edges if above[edge.arg]]

    def groups(self, unchanged: Mapping[int, ErrorBound]) -> list[list[Edge]]:
        """The edges above one by one; and those of parts that are written alike together, as all `cos(p)`."""
        edges = [edge for edge in reversed(self.edges_to(self.checked)) if edge.arg not in unchanged]
        edges = edges[:MOST_SEARCHED]
        first = occurrences(self.checked)
        alike: dict[object, list[Edge]] = {}
        for edge in edges:
            alike.setdefault((first[edge.consumer], edge.position), []).append(edge)
        single = [[edge] for edge in edges if edge.arg != self.node]
        return [*single, *(group for group in alike.values() if len(group) > 1)]

    def swept(
        self,
        point: ClaimsAtPoint,
        ways: Sequence[Edge],
        changes: Mapping[Edge, Array],
        unchanged: Mapping[int, ErrorBound],
    ) -> Array:
        """How far such changes of contributions, by these edges, change the node's gradient."""
        seed: dict[int, Array] = {}
        for edge, change in changes.items():
            seed[edge.arg] = seed.get(edge.arg, 0.0) + change
        bounds = {node: ErrorBound.exact(change) for node, change in seed.items()}
        swept = reverse_sweep(ways, point.checked.trusted, bounds, unchanged)
        return swept[self.node].value if self.node in swept else np.zeros(())


def described(
    checked: CheckedGraph, node: int, edges: Sequence[Edge], placed: PlacedMistake, above: bool = False
) -> Mistake:
    """The mistake in names of the spec, with its path where there are others or where it is further up.

    It is `above` where the claim is not on `node` itself, but uses the gradient of it.
    """
    edge, mistake = placed
    if edge is None:
        return mistake.on(say("mistake.path", node=text_of(checked, node))) if above else mistake
    mistake = in_own_names(checked, edge, mistake)
    if mistake.code == "at-each":
        return mistake.on(say("mistake.path", node=text_of(checked, edge.consumer)))
    is_only_path = edge.arg == node and len(edges) == 1 and not above
    return mistake if is_only_path and mistake.code != "dropped" else mistake.on(path_text(checked, edge))
