"""Claims as nodes of the graph that is checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

import numpy as np

from bpx.check.numeric.tolerances import FULL_DIGITS
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.graph.arrays import Array, Shape
from bpx.graph.graph import OPS, Expr, Graph
from bpx.graph.named.claim import Claim, Derivative
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.named.written import significant_digits
from bpx.graph.numbers import shape_text
from bpx.ops.indices import place
from bpx.passes.reverse import reverse, zeros
from bpx.words.diagnostic import BpxError, Diagnostic


def build_claim(
    claim: Claim,
    spec: NamedGraph,
    graph: Graph,
    problems: list[Diagnostic],
    *,
    derivatives: Mapping[str, int] | None = None,
) -> Expr | None:
    """A claim of `spec` as a node of `graph`, a copy of the spec's own; None where something was reported.

    It has the shape of what it speaks of. Of other shapes only a scalar 0 will do, which says that no
    gradient arrives. `derivatives` are the nodes of those in its formula.
    """
    nodes = {**spec.nodes, **(derivatives or {})}
    claimed = claim.formula.on(graph, nodes) if claim.formula else claim.numbers
    assert claimed is not None
    wanted = _shape(claim, graph.shapes[spec.nodes[claim.name]])
    if claimed.shape == wanted:
        return graph.lift(claimed)
    if _is_zero(claimed):
        return graph.constant(np.zeros(wanted))
    name = claim.derivative.text(spec.names[spec.output])
    facts = {"name": name, "found": shape_text(claimed.shape), "wanted": shape_text(wanted)}
    problems.append(Diagnostic("claim-shape", claim.span, facts, shape_help(claimed.shape, wanted)))
    return None


def _shape(claim: Claim, node_shape: Shape) -> Shape:
    """That of the entries a claim speaks of."""
    at = claim.derivative.at
    return node_shape if at is None else np.zeros(node_shape)[at].shape


def shape_help(claimed: Shape, node_shape: Shape) -> str | None:
    """What was probably forgotten where a gradient has another shape than its node."""
    if len(claimed) > 1 and claimed[::-1] == node_shape:
        return "claim-transposed"
    stretched = len(claimed) >= len(node_shape) and all(
        n in (1, m) for n, m in zip(node_shape[::-1], claimed[::-1], strict=False)
    )
    return "claim-not-summed" if stretched else None


def _is_zero(claimed: Expr | Array) -> bool:
    return claimed.number == 0 if isinstance(claimed, Expr) else bool(claimed.ndim == 0 and claimed == 0)


class ClaimsInGraph:
    """Claims on gradients of one output, built in the graph of a check behind its reverse pass.

    `claims` are those of each node: one on all entries, or several on some; `local_claims` those on
    derivatives of other nodes that they may use. Raises `BpxError`.
    """

    def __init__(
        self,
        checked: CheckedGraph,
        claims: Mapping[int, Sequence[Claim]],
        local_claims: Mapping[tuple[str, str], Claim],
    ) -> None:
        self.checked, self.claims, self.spec = checked, claims, checked.query.spec
        self.local_claims = local_claims
        self.order = _in_order(self.spec, self.mentioned())
        every = [claim.written for on_node in claims.values() for claim in on_node]
        # Beside numbers printed in full a 0.0 is what was computed.
        self.in_full = any(significant_digits(written) >= FULL_DIGITS for written in every)
        self.numbers: dict[int, Array] = {}  # claims in numbers, by node → how far off they may be
        self.here = self.built(formulas_only=False)

    @cached_property
    def anywhere(self) -> dict[int, Expr]:
        """Claimed gradients as far as they are formulas, which hold at any point; else bpx's own."""
        return self.built(formulas_only=True)

    def mentioned(self) -> dict[int, set[int]]:
        """Node → the nodes whose claims the claims on it use."""
        return {
            node: {
                self.spec.nodes[derivative.node]
                for claim in claims
                for derivative in self.derivatives_used(claim)
                if self.is_of_output(derivative)
            }
            for node, claims in self.claims.items()
        }

    def derivatives_used(self, claim: Claim) -> list[Derivative]:
        """The derivatives in a claim, and in the local claims that it uses."""
        used: list[Derivative] = []
        waiting = [claim]
        while waiting:
            formula = waiting.pop().formula
            for derivative in (formula.derivatives if formula else {}).values():
                if derivative not in used:
                    used.append(derivative)
                    local = self.local_claim(derivative)
                    waiting += [local] if local else []
        return used

    def local_claim(self, derivative: Derivative) -> Claim | None:
        """What is claimed of a derivative of another node than the output."""
        return None if derivative.of is None else self.local_claims.get((derivative.of, derivative.node))

    def is_of_output(self, derivative: Derivative) -> bool:
        """Is it a derivative of the output that is checked?"""
        return derivative.of in (None, self.spec.names[self.checked.query.output])

    def built(self, formulas_only: bool) -> dict[int, Expr]:
        """The claimed gradient of each node as a node of the graph."""
        exprs: dict[int, Expr] = {}
        problems: list[Diagnostic] = []
        for node in self.order:
            used = [claim for claim in self.claims[node] if _varies(claim) or not formulas_only]
            build = _Builder(self, exprs, problems, formulas_only)
            built = [build(claim) for claim in used]
            if built and all(expr is not None for expr in built):
                exprs[node] = self.together(node, used, [expr for expr in built if expr is not None])
        if problems:
            raise BpxError(problems)
        return exprs

    def together(self, node: int, claims: Sequence[Claim], exprs: Sequence[Expr]) -> Expr:
        """The claim on all entries, or those on some in bpx's own gradient."""
        if claims[0].derivative.at is None:
            return exprs[0]
        graph, shape = self.checked.graph, self.checked.graph.shapes[node]
        rest = graph.constant(np.where(self.entries(claims, shape), 0.0, 1.0))
        # Not times 0: bpx's own gradient need not be finite where another is claimed.
        total = graph.add(OPS["where"], rest, self.own(node), graph.constant(np.zeros(shape)))
        for claim, expr in zip(claims, exprs, strict=True):
            part = place(expr, at=claim.derivative.at, shape=shape)
            total = graph.add(OPS["add"], total, part)
        return total

    @staticmethod
    def entries(claims: Iterable[Claim], shape: Shape) -> Array:
        """Which entries of a node of this shape some claim speaks of."""
        flags = np.zeros(shape, dtype=bool)
        for claim in claims:
            flags[() if claim.derivative.at is None else claim.derivative.at] = True
        return flags

    def own(self, node: int) -> Expr:
        """bpx's own gradient of the output by a node."""
        gradient = self.checked.by_own_rules.gradient(node)
        return zeros(self.checked.graph[node]) if gradient is None else gradient


class _Builder(NamedTuple):
    """Builds claims as nodes, with the gradients that are built so far in place of derivatives."""

    claims: ClaimsInGraph
    exprs: Mapping[int, Expr]
    problems: list[Diagnostic]
    formulas_only: bool

    def __call__(self, claim: Claim, within: tuple[Claim, ...] = ()) -> Expr | None:
        """One claim as a node; None where something was reported. `within` are claims that it is used in."""
        graph, spec = self.claims.checked.graph, self.claims.spec
        derivatives = {}
        for name, derivative in (claim.formula.derivatives if claim.formula else {}).items():
            expr = self.derivative(derivative, (*within, claim))
            if expr is None:
                self.problems.append(_jacobian(spec, claim, derivative))
                return None
            derivatives[name] = expr.id
        expr = build_claim(claim, spec, graph, self.problems, derivatives=derivatives)
        if expr is None or claim.formula:
            return expr
        # A node of its own, whose value can be moved by what its digits leave open.
        own = graph.add(OPS["identity"], expr)
        off, numbers = np.asarray(claim.tolerance), np.asarray(claim.numbers)
        off = np.where(self.claims.in_full & (numbers == 0), 0.0, off)
        self.claims.numbers[own.id] = np.broadcast_to(off, own.shape)
        return own

    def derivative(self, derivative: Derivative, within: tuple[Claim, ...]) -> Expr | None:
        """A derivative in a formula: as it is claimed, or else bpx's own; None where it is a matrix."""
        claims = self.claims
        node = claims.spec.nodes[derivative.node]
        if claims.is_of_output(derivative):
            return self.exprs[node] if node in self.exprs else claims.own(node)
        graph, of = claims.checked.graph, claims.spec.nodes[derivative.of or ""]
        local = claims.local_claim(derivative)
        usable = local is not None and local not in within and (_varies(local) or not self.formulas_only)
        if local is not None and usable and is_elementwise(graph, of, node):
            return self(local, within)
        return own_derivative(graph, of, node)


def own_derivative(graph: Graph, of: int, node: int) -> Expr | None:
    """∂of/∂node by the rules, appended to the graph, of the shape of the node; None where it is a matrix."""
    if not is_elementwise(graph, of, node):
        return None
    gradient = reverse(graph[of], [graph[node]], graph.constant(np.ones(graph.shapes[of]))).gradient(node)
    return zeros(graph[node]) if gradient is None else gradient


def is_elementwise(graph: Graph, of: int, node: int) -> bool:
    """Does each element of `of` depend on one of the node at most, the one at its place?"""
    shape = graph.shapes[of]
    if not shape:
        return True
    above = graph.touched(by=[node], upto=of)
    between = [inner for inner in graph.needs(of=[of]) if above[inner]]
    return all(
        graph.shapes[inner] == shape and (inner == node or graph.ops[inner].elementwise) for inner in between
    )


def _varies(claim: Claim) -> bool:
    """Does a claim speak of values, so that it states something at any point? `2*2` is a number."""
    return claim.formula is not None and bool(claim.formula.names)


def _jacobian(spec: NamedGraph, claim: Claim, derivative: Derivative) -> Diagnostic:
    of, node = derivative.of or "", derivative.node
    shapes = [spec.graph.shapes[spec.nodes[name]] for name in (of, node)]
    facts = {
        "of": of,
        "of_shape": shape_text(shapes[0]),
        "derivative": derivative.in_full(of),
        "wanted": shape_text(shapes[0] + shapes[1]),
        "found": shape_text(shapes[1]),
    }
    return Diagnostic("claim-jacobian", claim.span, facts)


def _in_order(spec: NamedGraph, mentioned: Mapping[int, set[int]]) -> list[int]:
    """The nodes with claims, each behind those whose claims its own use. Raises `BpxError` for a cycle."""
    claimed = set(mentioned)
    arrows = {node: sorted(used & claimed) for node, used in sorted(mentioned.items())}
    try:
        return list(TopologicalSorter(arrows).static_order())
    except CycleError as error:
        cycle = " → ".join(spec.names[node] for node in reversed(error.args[1]))
        span = next(c.span for c in spec.claims.values() if spec.nodes[c.name] in error.args[1])
        raise BpxError([Diagnostic("claim-cycle", span, {"cycle": cycle})]) from None
