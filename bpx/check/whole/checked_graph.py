"""One check at one point: the gradient as the rules have it, as it should be, and what is claimed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpx.check.local.elementwise import EDGES, KINKS, check_elementwise
from bpx.check.local.elementwise_batch import ElementwiseBatch, elementwise_batches
from bpx.check.local.jacobians import CheckedEdge, UnboundedJacobian, sparsity_pattern
from bpx.check.local.reverse_sweep import Jacobian, magnitudes, reverse_sweep
from bpx.check.local.rounding_error import rounding_errors
from bpx.check.local.structural import check_structural
from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.report.entry import Verdict
from bpx.graph.arrays import Array
from bpx.graph.formula import formula
from bpx.graph.graph import Graph
from bpx.graph.run import run
from bpx.passes.reverse import Edge, Ledger, reverse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bpx.graph.named.named_graph import NamedGraph

    Flags = NDArray[np.bool_]


class Query(NamedTuple):
    """What is asked: ∂output/∂node for the nodes `wrt`, weighted by `seed`, judged to `detect`."""

    spec: NamedGraph
    output: int
    wrt: Mapping[str, int]
    seed: Array
    detect: float = 1e-5


class NonsmoothNode(NamedTuple):
    """A node with elements at a kink, or at the edge of a domain."""

    node: int
    mask: Flags


@dataclass(frozen=True, eq=False)
class CheckedGraph:
    """The graph of a question at the values `given`, with its rules checked edge by edge.

    Everything is computed when it is first asked for; values that are not finite are the caller's to
    look for first (`values`).
    """

    question: Query
    graph: Graph  # a copy of the spec's, with the reverse pass appended
    ledger: Ledger
    given: Mapping[int, Array]

    @classmethod
    def at(cls, question: Query, given: Mapping[int, Array], graph: Graph | None = None) -> CheckedGraph:
        """The question at `given` values of the inputs."""
        graph = graph or question.spec.graph.copy()
        wrt = [graph[node] for node in question.wrt.values()]
        ledger = reverse(graph[question.output], wrt, graph.constant(question.seed))
        return cls(question, graph, ledger, given)

    def name(self, node: int) -> str:
        """What the node is called, or its formula where it has no name."""
        names = self.question.spec.names
        return names.get(node) or formula(self.graph, node, names)

    @cached_property
    def forward(self) -> list[int]:
        """The nodes of the forward pass."""
        return self.graph.needs(of=[self.question.output, *self.question.wrt.values()])

    @cached_property
    def elements(self) -> int:
        """How many elements the nodes of the forward pass have together."""
        return sum(math.prod(self.graph.shapes[node]) for node in self.forward)

    @cached_property
    def values(self) -> dict[int, Array]:
        """The values of the forward pass."""
        return run(self.graph, self.given, self.forward)

    @cached_property
    def all_values(self) -> dict[int, Array]:
        """The values of both passes, as the rules have them."""
        numbers = {
            node
            for edge in self.ledger.edges
            for node in (edge.local, edge.upstream, edge.contribution)
            if node is not None
        }
        targets = [*self.forward, *numbers, *self.ledger.upstream.values()]
        return run(self.graph, {**self.given, **self.values}, targets)

    def stated_gradient(self, node: int) -> Array:
        """∂output/∂node as the rules have it; zeros where the output does not depend on the node."""
        found = self.ledger.gradient(node)
        return np.zeros(self.graph.shapes[node]) if found is None else np.asarray(self.all_values[found.id])

    # --- the rules, each alone ---

    @cached_property
    def elementwise(self) -> list[ElementwiseBatch]:
        """The elementwise nodes of the forward pass, by op."""
        return elementwise_batches(self.graph, self.forward, self.values)

    @cached_property
    def kinks(self) -> list[NonsmoothNode]:
        """Where elements stand at a kink, or so close that rounding decides on which side."""
        return self.walls(KINKS, self.blur)

    @cached_property
    def edges_of_domain(self) -> list[NonsmoothNode]:
        """Where elements stand at the edge of an op's domain."""
        return self.walls(EDGES, {node: np.zeros(np.shape(value)) for node, value in self.values.items()})

    @cached_property
    def blur(self) -> dict[int, Array]:
        """How far rounding may have moved the value of each node of the forward pass."""
        return rounding_errors(self.graph, self.forward, self.values)

    def walls(self, kinds: Iterable[str], widths: Mapping[int, Array]) -> list[NonsmoothNode]:
        """The nodes with elements where a guard of these kinds is 0, as far as the values are known."""
        found = []
        for group in self.elementwise:
            at = group.at_guard(kinds, group.flat(widths))
            if at.any():
                masks = [(node, group.part(node, at)) for node in group.nodes]
                found += [NonsmoothNode(node, mask) for node, mask in masks if mask.any()]
        return found

    @cached_property
    def checked(self) -> dict[Edge, CheckedEdge]:
        """Every edge alone."""
        by_consumer: dict[int, list[Edge]] = {}
        for edge in self.ledger.edges:
            by_consumer.setdefault(edge.consumer, []).append(edge)
        found: dict[Edge, CheckedEdge] = {}
        for group in self.elementwise:
            edges = [edge for node in group.nodes for edge in by_consumer.get(node, ())]
            kinked, outside = self.flags(group, self.kinks), self.flags(group, self.edges_of_domain)
            for one in check_elementwise(
                group, edges, self.all_values, kinked, outside, self.blur, self.question.detect
            ):
                found[one.edge] = one
        for edge in self.ledger.edges:
            if edge.local is None:
                found[edge] = check_structural(self.graph, edge, self.values, self.blur, self.question.detect)
        return {edge: found[edge] for edge in self.ledger.edges}

    def flags(self, group: ElementwiseBatch, walls: Sequence[NonsmoothNode]) -> Flags:
        """Which elements of a group stand at a wall."""
        flags = np.zeros(group.out.shape, dtype=bool)
        for wall in walls:
            if wall.node in group.slices:
                flags[group.slices[wall.node]] = wall.mask.ravel()
        return flags

    # --- the gradient as it should be ---

    @cached_property
    def has_wrong_rule(self) -> bool:
        """Is some rule wrong by itself?"""
        return any(one.verdict is Verdict.DISAGREE for one in self.checked.values())

    @cached_property
    def digits_lost(self) -> bool:
        """Is every rule right, but some lose their digits at these values?"""
        rows = self.checked.values()
        lost = any(one.reason and one.reason.code == "digits-lost" for one in rows)
        return lost and not self.has_wrong_rule

    @cached_property
    def trusted(self) -> dict[Edge, Jacobian]:
        """The slope of each edge by differences; where there are none, of unbounded error."""
        return {
            edge: one.reference_jacobian
            if one.reference_jacobian is not None
            else UnboundedJacobian(one.stated_jacobian)
            for edge, one in self.checked.items()
        }

    @cached_property
    def stated(self) -> dict[Edge, Jacobian]:
        """The slope of each edge as its rule has it."""
        return {edge: one.stated_jacobian for edge, one in self.checked.items()}

    @property
    def seed(self) -> dict[int, ErrorBound]:
        """What arrives at the output."""
        return {self.question.output: ErrorBound.exactly(self.question.seed)}

    @cached_property
    def reference(self) -> dict[int, ErrorBound]:
        """∂output/∂node for every live node, from the trusted slopes."""
        return reverse_sweep(self.ledger.edges, self.trusted, self.seed)

    @cached_property
    def sizes(self) -> dict[int, Array]:
        """How large the terms are that each gradient is the sum of."""
        return magnitudes(self.ledger.edges, self.trusted, {self.question.output: np.abs(self.question.seed)})

    def without_walls(self, node: int) -> Flags:
        """Which entries of a node no kink or jump bears on."""
        return ~(self.reach.get(node, np.zeros(())) > 0) & np.ones(self.graph.shapes[node], dtype=bool)

    @cached_property
    def reach(self) -> dict[int, Array]:
        """For every node: which of its elements move one that stands at a kink."""
        ones = {
            edge: sparsity_pattern(slope, self.graph.shapes[edge.consumer])
            for edge, slope in self.trusted.items()
        }
        found = magnitudes(
            self.ledger.edges, ones, {wall.node: wall.mask.astype(float) for wall in self.kinks}
        )
        for wall in self.kinks:  # an element's own kink does not bear on the gradient by that element
            found[wall.node] = found[wall.node] - wall.mask
        return found

    # --- many digits ---

    @cached_property
    def lifted(self) -> dict[int, Any]:
        """The inputs as numbers of many digits."""
        from bpx.check.numeric import multiprecision

        return {node: multiprecision.lifted(value) for node, value in self.given.items()}

    def stated_exactly(self, node: int) -> Any:
        """The gradient of a node by the rules, in as many digits as are set; None where they do not run."""
        gradient = self.ledger.gradient(node)
        if gradient is None:
            return None
        try:
            return run(self.graph, self.lifted, [gradient.id])[gradient.id]
        except (TypeError, ValueError, AttributeError, ArithmeticError):
            return None
