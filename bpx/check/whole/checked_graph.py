"""One check at one point: the gradient as the rules have it, as it should be, and what is claimed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate, groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpx.check.local.composite import check_composite
from bpx.check.local.edges import check_edges
from bpx.check.local.elementwise_batch import ElementwiseBatch, elementwise_batches
from bpx.check.local.jacobians import CheckedEdge, sparsity_pattern
from bpx.check.local.reverse_sweep import Jacobian, magnitudes, reverse_sweep, with_sampled_errors
from bpx.check.local.rounding_error import bounded_or_measured, rounding_errors
from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.numeric.tolerances import (
    DETECT,
    EXACT_ELEMENT_OPERATIONS,
    MOST_BALL_OPERATIONS,
    MOST_EXACT_OPERATIONS,
)
from bpx.check.report.entry import Verdict
from bpx.check.whole.graph_function import operations, terms
from bpx.graph.arrays import Array, Flags, any_nonzero
from bpx.graph.facts import BOUNDARIES, KINKS
from bpx.graph.formula import formula
from bpx.graph.graph import Graph, Op
from bpx.graph.named.claim import higher_partial
from bpx.graph.run import run
from bpx.passes.domain import fixed_choices
from bpx.passes.reverse import Edge, Ledger, reverse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bpx.graph.named.claim import Claim
    from bpx.graph.named.named_graph import NamedGraph


class Query(NamedTuple):
    """What is checked: ∂output/∂node for the nodes `wrt`, weighted by `seed`, judged to `detect`.

    `budget` is how many operations on numbers of many digits the gradient of one node may take.
    `local_claims` are those on derivatives of other nodes, by the names in ∂a/∂z: other claims may use them.
    Where the output is itself a gradient, weighted by `seed`, `first` says of what.
    `causes` says whether it is looked for what is wrong with claims that disagree.
    """

    spec: NamedGraph
    output: int
    wrt: Mapping[str, int]
    seed: Array
    detect: float = DETECT
    budget: int = MOST_EXACT_OPERATIONS
    local_claims: Mapping[tuple[str, str], Claim] = {}
    first: FirstDerivative | None = None
    causes: bool = True

    @property
    def exact_elements(self) -> int:
        """How many elements of one op the budget allows to be looked at in many digits."""
        return self.budget // EXACT_ELEMENT_OPERATIONS


class FirstKinks(NamedTuple):
    """An obstacle for each entry of a first derivative, and by how much its slopes part, relatively."""

    obstacles: NDArray[np.int8]  # of `Obstacle`
    gaps: Array


@dataclass(frozen=True, eq=False)
class FirstDerivative:
    """∂output/∂node of `query`, which is derived once more.

    `kinks` keeps what is known of its entries, by the values of the inputs: each is asked for often.
    """

    query: Query
    node: int
    kinks: dict[bytes, FirstKinks] = field(default_factory=dict)


def derived_name(query: Query, *by: str) -> str:
    """`∂²L/∂x∂y` of a query on ∂L/∂x with `by` y: its output, derived by further nodes."""
    names, first, output = query.spec.names, query.first, query.output
    every = list(by)
    while first is not None:
        every, output, first = [names[first.node], *every], first.query.output, first.query.first
    return higher_partial(names[output], every)


class NonsmoothNode(NamedTuple):
    """A node with elements at a kink, or at the edge of a domain."""

    node: int
    mask: Flags


@dataclass(frozen=True, eq=False)
class CheckedGraph:
    """The graph of a query at `input_values`, with its rules checked edge by edge.

    All is computed when it is first asked for; the caller looks first for `values` that are not finite.
    """

    query: Query
    graph: Graph  # a copy of the spec's, with the reverse pass appended
    ledger: Ledger  # through the parts that composite ops are written out to
    input_values: Mapping[int, Array]
    by_own_rules: Ledger  # through the own rules of composite ops, as gradients are shown
    known_rules: Mapping[tuple[int, int], CheckedEdge]  # see `rules`
    _operations_after: dict[int, int] = field(default_factory=dict)  # which the same at other values shares

    @classmethod
    def at(
        cls,
        query: Query,
        input_values: Mapping[int, Array],
        graph: Graph | None = None,
        known_rules: Mapping[tuple[int, int], CheckedEdge] | None = None,
    ) -> CheckedGraph:
        """The query at these values of the inputs; `known_rules` are those that need no check any more."""
        graph = graph or query.spec.graph.copy()
        wrt = [graph[node] for node in query.wrt.values()]
        output, seed, composites = graph[query.output], graph.constant(query.seed), query.spec.composites
        ledger = reverse(output, wrt, seed)
        return cls(
            query,
            graph,
            ledger,
            input_values,
            reverse(output, wrt, seed, composites) if composites else ledger,
            known_rules or {},
        )

    def moved(self, input_values: Mapping[int, Array]) -> CheckedGraph:
        """The same at other values of the inputs: what does not depend on them is computed once."""
        other = replace(self, input_values=input_values)
        for name in ("forward", "operations", "is_large_for_balls"):
            other.__dict__[name] = getattr(self, name)
        return other

    def name(self, node: int) -> str:
        """What the node is called, or its formula where it has no name."""
        names = self.query.spec.names
        return names.get(node) or str(formula(self.graph, node, names))

    @cached_property
    def forward(self) -> list[int]:
        """The nodes of the forward pass, with the args of composite ops that their parts do without."""
        nodes, composites = [self.query.output, *self.query.wrt.values()], self.query.spec.composites
        live = {edge.consumer for edge in self.by_own_rules.edges if edge.consumer in composites}
        return self.graph.needs(of=[*nodes, *(arg for node in live for arg in composites[node].args)])

    @cached_property
    def elements(self) -> int:
        """How many elements the nodes of the forward pass have together."""
        return sum(math.prod(self.graph.shapes[node]) for node in self.forward)

    @cached_property
    def operations(self) -> int:
        """About how many operations on numbers one forward pass takes."""
        return sum(operations(self.graph, node) for node in self.forward)

    @cached_property
    def values(self) -> dict[int, Array]:
        """The values of the forward pass."""
        return run(self.graph, self.input_values, self.forward)

    @cached_property
    def known(self) -> Mapping[int, Array]:
        """The values of the inputs and of the forward pass: what a run of more nodes starts from."""
        return {**self.input_values, **self.values}

    @cached_property
    def all_values(self) -> dict[int, Array]:
        """The values of both passes, as the rules have them."""
        # With the values of the forward pass put in, only the reverse pass is left to compute.
        locals_ = [edge.local for edge in self.ledger.edges if edge.local is not None]
        targets = [*self.forward, *locals_, *self.by_own_rules.upstream.values()]
        return run(self.graph, self.known, targets)

    def claimed_gradient(self, node: int) -> Array:
        """∂output/∂node as the rules have it; zeros where the output does not depend on the node."""
        gradient = self.by_own_rules.gradient(node)
        if gradient is None:
            return np.zeros(self.graph.shapes[node])
        return np.asarray(self.all_values[gradient.id])

    # --- the rules, each alone ---

    @cached_property
    def elementwise(self) -> list[ElementwiseBatch]:
        """The elementwise nodes of the forward pass, by op."""
        return elementwise_batches(self.graph, self.forward, self.values)

    @cached_property
    def kinks(self) -> list[NonsmoothNode]:
        """Where elements stand at a kink, or so close that rounding decides on which side."""
        fixed = fixed_choices(self.query.spec, self.query.wrt.values())
        return [kink for kink in self.nonsmooth_nodes(KINKS, self.rounding_error) if kink.node not in fixed]

    @cached_property
    def domain_boundaries(self) -> list[NonsmoothNode]:
        """Where elements stand at the edge of an op's domain."""
        return self.nonsmooth_nodes(BOUNDARIES, {})

    @cached_property
    def rounding_error(self) -> dict[int, Array]:
        """How far rounding may have moved the value of each node of the forward pass."""
        if self.is_small:
            return rounding_errors(self.graph, self.forward, self.values)
        return bounded_or_measured(self.graph, self.forward, self.values, self.input_values)

    @property
    def is_small(self) -> bool:
        """Can what float64 leaves open be looked at in many digits?"""
        return self.operations <= self.query.budget

    def nonsmooth_nodes(self, kinds: Sequence[str], widths: Mapping[int, Array]) -> list[NonsmoothNode]:
        """The nodes with elements where a guard of these kinds is 0, as far as the values are known."""
        nodes = []
        for batch in [batch for batch in self.elementwise if batch.has_guard(kinds)]:
            at = batch.at_guard(kinds, widths)
            if any_nonzero(at):
                masks = [(node, batch.part(node, at)) for node in batch.nodes]
                nodes += [NonsmoothNode(node, mask) for node, mask in masks if mask.any()]
        return nodes

    @cached_property
    def checked_edges(self) -> dict[Edge, CheckedEdge]:
        """Every edge alone: those of composite ops by their own rules, and those through their parts."""
        return self.composite_edges | self.part_edges

    @cached_property
    def part_edges(self) -> dict[Edge, CheckedEdge]:
        """Every edge of `ledger` alone."""
        known = self.known_rules
        new = check_edges(
            self.graph,
            [edge for edge in self.ledger.edges if (edge.consumer, edge.position) not in known],
            self.elementwise,
            self.all_values,
            self.rounding_error,
            lambda batch: (self.flags(batch, self.kinks), self.flags(batch, self.domain_boundaries)),
            self.query.detect,
            self.query.exact_elements,
        )
        return {
            edge: new[edge] if edge in new else known[edge.consumer, edge.position]._replace(edge=edge)
            for edge in self.ledger.edges
        }

    @property
    def rules(self) -> dict[tuple[int, int], CheckedEdge]:
        """The checked edges by consumer and position: a rule at a point is the same, whatever asks for it."""
        return {
            (edge.consumer, edge.position): checked_edge for edge, checked_edge in self.part_edges.items()
        }

    @cached_property
    def composite_edges(self) -> dict[Edge, CheckedEdge]:
        """The edges of composite ops by their own rules, each alone."""
        composites = self.query.spec.composites
        checked_edges: dict[Edge, CheckedEdge] = {}
        # A reverse pass goes node by node, so that the edges of a consumer stand together.
        for node, edges in groupby(self.by_own_rules.edges, lambda edge: edge.consumer):
            if node in composites:
                own = list(edges)
                own_edges = check_composite(composites[node], node, own, self.values)
                checked_edges.update(zip(own, own_edges, strict=True))
        return checked_edges

    def op(self, edge: Edge) -> Op:
        """The op whose rule an edge is by."""
        if edge in self.composite_edges:
            return self.query.spec.composites[edge.consumer].op
        return self.graph.ops[edge.consumer]

    def flags(self, batch: ElementwiseBatch, nonsmooth_nodes: Sequence[NonsmoothNode]) -> Flags:
        """Which elements of a group stand at a kink or an edge."""
        flags = np.zeros(batch.out.shape, dtype=bool)
        for node in nonsmooth_nodes:
            if node.node in batch.slices:
                flags[batch.slices[node.node]] = node.mask.ravel()
        return flags

    # --- the gradient as it should be ---

    @cached_property
    def has_wrong_rule(self) -> bool:
        """Is some rule wrong by itself?"""
        return any(edge.verdict is Verdict.DISAGREE for edge in self.checked_edges.values())

    @cached_property
    def digits_lost(self) -> bool:
        """Is every rule right, but some lose their digits at these values?"""
        reasons = [edge.reason.code for edge in self.checked_edges.values() if edge.reason]
        return "digits-lost" in reasons and not self.has_wrong_rule

    @property
    def looks_lost(self) -> bool:
        """Has a worker died twice that was to look at elements of one op?"""
        return any(edge.reason and edge.reason.code == "worker-lost" for edge in self.part_edges.values())

    @cached_property
    def own_edges(self) -> dict[Edge, CheckedEdge]:
        """What is known of each edge of `by_own_rules`; those that lead past all parts are left out."""
        parts, own, edges = self.rules, self.composite_edges, self.by_own_rules.edges
        pairs = {edge: own.get(edge) or parts.get((edge.consumer, edge.position)) for edge in edges}
        return {edge: checked_edge for edge, checked_edge in pairs.items() if checked_edge}

    @cached_property
    def trusted(self) -> dict[Edge, Jacobian]:
        """The slope of each edge by differences; where there are none, of unbounded error."""
        return {edge: checked_edge.trusted for edge, checked_edge in self.part_edges.items()}

    @property
    def seed(self) -> dict[int, ErrorBound]:
        """What arrives at the output."""
        return {self.query.output: ErrorBound.exact(self.query.seed)}

    @cached_property
    def reference(self) -> dict[int, ErrorBound]:
        """∂output/∂node for every live node, from the trusted slopes."""
        bounds = reverse_sweep(self.ledger.edges, self.trusted, self.seed)
        wanted = [bounds[node] for node in self.query.wrt.values() if node in bounds]
        if self.is_small or not any(bound.leaves_open(self.query.detect) for bound in wanted):
            return bounds
        return with_sampled_errors(self.ledger.edges, self.trusted, bounds)

    @cached_property
    def term_magnitudes(self) -> dict[int, Array]:
        """How large the terms are that each gradient is the sum of."""
        return magnitudes(self.ledger.edges, self.trusted, {self.query.output: np.abs(self.query.seed)})

    def is_smooth(self, node: int) -> Flags:
        """Which entries of a node no kink or jump bears on."""
        smooth = np.ones(self.graph.shapes[node], dtype=bool)
        return smooth & ~(self.reach[node] > 0) if node in self.reach else smooth

    @cached_property
    def reach(self) -> dict[int, Array]:
        """For every node: which of its elements move one that stands at a kink."""
        # Ones cannot cancel, as slopes can: a sum is 0 only where no path leads.
        ones = {
            edge: sparsity_pattern(slope, self.graph.shapes[edge.consumer])
            for edge, slope in (self.trusted.items() if self.kinks else ())
        }
        reach = magnitudes(
            self.ledger.edges, ones, {kink.node: kink.mask.astype(float) for kink in self.kinks}
        )
        for kink in self.kinks:  # an element's own kink does not bear on the gradient by that element
            reach[kink.node] = reach[kink.node] - kink.mask
        return reach

    # --- many digits ---

    @cached_property
    def is_large_for_balls(self) -> bool:
        """Does it take more than `MOST_BALL_OPERATIONS` to follow every entry asked for by itself?"""
        wrt, shapes = self.query.wrt.values(), self.graph.shapes
        most = self.operations_of(self.forward) * (1 + sum(math.prod(shapes[node]) for node in wrt))
        if most <= MOST_BALL_OPERATIONS:  # as of small graphs: nothing to look up for each input
            return False
        totals = accumulate(self.operations_after(node) * math.prod(shapes[node]) for node in wrt)
        return self.elements > MOST_BALL_OPERATIONS or any(total > MOST_BALL_OPERATIONS for total in totals)

    def operations_after(self, node: int) -> int:
        """Operations on elements from a node to the output."""
        if node not in self._operations_after:
            output = self.query.output
            after = self.graph.touched(by=[node], upto=max(output, node))
            behind = (other for other in self.graph.needs(of=[output]) if after[other] and other != node)
            self._operations_after[node] = self.operations_of(behind)
        return self._operations_after[node]

    def operations_of(self, nodes: Iterable[int]) -> int:
        """Operations on elements that the values of these nodes take."""
        return sum(terms(self.graph, node) for node in nodes)

    @cached_property
    def on_balls(self) -> dict[int, Any]:
        """The output on balls, where all inputs move at once, by bits; filled by who asks first."""
        return {}

    @cached_property
    def lifted(self) -> dict[int, Any]:
        """The inputs as numbers of many digits."""
        from bpx.check.numeric import multiprecision

        return {node: multiprecision.lifted(value) for node, value in self.input_values.items()}
