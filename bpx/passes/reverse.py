"""The reverse pass, written as more nodes of the same graph.

For each live node from the output downwards: contribution = upstream × local, one per edge; the
upstream gradient of an arg is the sum of its contributions. Reverse-mode accumulation as in
Griewank and Walther, Evaluating Derivatives (2nd ed., SIAM 2008), chapter 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import mul as multiply
from typing import Any, NamedTuple, Protocol, TypeVar

import bpx.ops  # noqa: F401 — fills the op table
from bpx.graph.arrays import Settings, Shape, broadcast
from bpx.graph.graph import Expr, Graph, Op, Operand
from bpx.graph.named.named_graph import Composite
from bpx.graph.numbers import shape_text
from bpx.graph.subgraph import Subgraph, expansion
from bpx.ops import arithmetic
from bpx.ops.tensors import spread, unbroadcast
from bpx.words.say import say


class Edge(NamedTuple):
    """The contribution of one node to the gradient of one of its args; all but `position` are node ids.

    contribution = upstream × local, summed over what was broadcast. `local` is None where the op gives its
    contribution as a whole (matmul, sum, …).
    """

    consumer: int
    arg: int
    position: int
    upstream: int
    local: int | None
    contribution: int


class HasEnds(Protocol):
    """An edge, or a row about one."""

    @property
    def consumer(self) -> int:
        """The node that passes a gradient on."""

    @property
    def arg(self) -> int:
        """The node that it is passed to."""


_E = TypeVar("_E", bound=HasEnds)


def by_consumer(edges: Iterable[_E]) -> dict[int, list[_E]]:
    """Node → the edges to its args, in their order."""
    grouped: dict[int, list[_E]] = {}
    for edge in edges:
        grouped.setdefault(edge.consumer, []).append(edge)
    return grouped


def by_arg(edges: Iterable[_E]) -> dict[int, list[_E]]:
    """Node → the edges that contribute to its gradient, in their order."""
    grouped: dict[int, list[_E]] = {}
    for edge in edges:
        grouped.setdefault(edge.arg, []).append(edge)
    return grouped


class Ledger(NamedTuple):
    """All that the reverse pass did: its edges in order, and ∂output/∂node for each live node."""

    graph: Graph
    output: int
    edges: tuple[Edge, ...]
    upstream: dict[int, int]

    def gradient(self, node: int) -> Expr | None:
        """∂output/∂node; None where the output does not depend on the node."""
        gradient = self.upstream.get(node)
        return None if gradient is None else self.graph[gradient]


def reverse(
    output: Expr,
    wrt: Iterable[Expr],
    upstream: Operand | None = None,
    composites: Mapping[int, Composite] | None = None,
    known: Mapping[int, Expr] | None = None,
) -> Ledger:
    """Append the reverse pass of `output` and return its ledger.

    `wrt` are the nodes whose gradient is asked for: nothing flows into nodes that depend on none of them.
    Nodes that stand for `composites` take these ops' own rules, past the parts they were written out to.
    `upstream` is the gradient of what the output is used for by the output, of its shape (default 1, for a
    scalar output only). Gradients that are `known` are passed on, whatever arrives at these nodes.
    Raises `ValueError` where the upstream gradient is missing or of another shape.
    """
    graph = output.graph
    if upstream is None:
        if output.shape:
            raise ValueError(say("python.no-upstream", shape=shape_text(output.shape)))
        upstream = 1.0
    seed = graph.lift(upstream)
    if seed.shape != output.shape:
        raise ValueError(
            say("diagnostic.upstream-shape", found=shape_text(seed.shape), wanted=shape_text(output.shape))
        )
    # Nodes on a path from `wrt` to the output; constants and targets get no nodes that nobody would read.
    live = graph.touched(by=[expr.id for expr in wrt], upto=output.id)
    # An output that depends on none of `wrt` has no reverse pass.
    gradients: dict[int, Expr] = {output.id: seed} if live[output.id] else {}
    stopped = known or {}
    gradients |= stopped
    edges: list[Edge] = []
    for node in range(output.id, -1, -1):
        if node not in gradients:
            continue
        # All consumers of a node have greater ids: its gradient is complete when the loop comes to it.
        for edge in _edges(graph[node], gradients[node], live, (composites or {}).get(node)):
            contribution = graph[edge.contribution]
            if edge.arg not in stopped:
                before = gradients.get(edge.arg)
                gradients[edge.arg] = contribution if before is None else before + contribution
            edges.append(edge)
    return Ledger(graph, output.id, tuple(edges), {node: expr.id for node, expr in gradients.items()})


def grad(output: Expr, wrt: Sequence[Expr], upstream: Operand | None = None) -> list[Expr]:
    """∂output/∂w for each w of `wrt`, as nodes; a zero where the output does not depend on w."""
    ledger = reverse(output, wrt, upstream)
    gradients = [ledger.gradient(expr.id) for expr in wrt]
    known = zip(wrt, gradients, strict=True)
    return [zeros(expr) if gradient is None else gradient for expr, gradient in known]


def zeros(like: Expr) -> Expr:
    """A constant of zeros of the shape of `like`."""
    from numpy import zeros  # the one thing here that needs arrays

    return like.graph.constant(zeros(like.shape))


def _edges(node: Expr, upstream: Expr, live: bytearray, composite: Composite | None) -> list[Edge]:
    """The edges from a node to its live args, built as nodes."""
    graph = node.graph
    args = tuple(graph[arg] for arg in composite.args) if composite else node.args
    # Where no arg is asked for, the rule would build nodes for nothing.
    if not any(live[arg.id] for arg in args):
        return []
    if composite or node.op.local is None:
        op, settings = (composite.op, composite.settings) if composite else (node.op, graph.settings[node.id])
        pulled = _contributions(op, upstream, args, node, settings)
        return [
            Edge(node.id, arg.id, position, upstream.id, None, contribution.id)
            for position, (arg, contribution) in enumerate(zip(args, pulled, strict=True))
            if live[arg.id] and position >= op.quoted
        ]
    edges = []
    # The rule builds locals for all args; those that no edge refers to are never evaluated.
    product = _product(node.op, args)
    for position, (arg, factor) in enumerate(zip(args, node.op.local(*args, node), strict=True)):
        if live[arg.id]:
            local = graph.lift(factor)
            # A literal 1, as of a sum, is a unit of the product: it is not looked up only to be found one.
            weighted = upstream if type(factor) is int and factor == 1 else product(upstream, local)
            contribution = weighted if upstream.shape == arg.shape else unbroadcast(weighted, arg.shape)
            edges.append(Edge(node.id, arg.id, position, upstream.id, local.id, contribution.id))
    return edges


def _product(op: Op, args: Sequence[Expr]) -> Callable[[Expr, Expr], Expr]:
    """Upstream times local; 0 where the upstream is 0, be the local derivative infinite."""
    has_edge = any(guard.kind != "kink" for guard in op.guards(*args))
    return arithmetic.contribution if has_edge else multiply


def contributions(node: Expr, upstream: Expr) -> tuple[Expr, ...]:
    """The contribution of a structural node to each of its args; zeros where the op is flat in one."""
    return _contributions(node.op, upstream, node.args, node, node.graph.settings[node.id])


def contribution_of(node: Expr, upstream: Expr) -> list[Expr]:
    """The contribution of any node to each of its args, whatever is live."""
    if node.op.local is None:
        return list(contributions(node, upstream))
    args = node.args
    product, lift = _product(node.op, args), node.graph.lift
    factors = zip(args, node.op.local(*args, node), strict=True)
    return [unbroadcast(product(upstream, lift(factor)), arg.shape) for arg, factor in factors]


def _contributions(
    op: Op, upstream: Expr, args: Sequence[Expr], out: Expr, settings: Settings
) -> tuple[Expr, ...]:
    pulled = pullback(op, upstream, args, out, settings)
    return tuple(zeros(arg) if expr is None else expr for arg, expr in zip(args, pulled, strict=True))


def pullback(
    op: Op, upstream: Expr, args: Sequence[Expr], out: Expr, settings: Settings
) -> Sequence[Expr | None]:
    """The rule of a structural op, its own or the one that follows from what it expands to.

    A contribution for each arg, built on the handles `upstream` (of the shape of `out`), `args` and
    `out`; None for an arg that the op is flat in. Also known as vector-Jacobian product. Raises `ValueError`
    for an op without a rule.
    """
    # A hand-written rule is usually shorter than the one that follows from the parts.
    if op.pull:
        return op.pull(upstream, *args, out, **settings)
    if op.expands is None:
        raise ValueError(say("python.no-rule", op=op.name))
    inside, gradients = _rule_of_expansion(op, tuple(arg.shape for arg in args), tuple(settings.items()))
    nodes = [node for node in gradients if node is not None]
    handles = inside.handles([*args, out, upstream], _sparing, nodes)
    return [None if node is None else handles[node] for node in gradients]


def _sparing(op: Op, *args: Expr, **settings: Any) -> Expr:
    """The folding builder, without copies that broadcasting makes by itself.

    A rule worked out on placeholders spreads what it would have left thin if written by hand.
    """
    if op.elementwise:
        shape = broadcast(op.name, [arg.shape for arg in args])
        for position, arg in enumerate(args):
            fewer_copies = (*args[:position], _uncopied(arg), *args[position + 1 :])
            if broadcast(op.name, [arg.shape for arg in fewer_copies]) == shape:
                args = fewer_copies
    return op(*args, **settings)


def _uncopied(expr: Expr) -> Expr:
    """What was copied along leading axes to make `expr`, if that is all that was done."""
    if expr.op is not spread:
        return expr
    (source,), axis = expr.args, expr.graph.settings[expr.id]["axis"]
    leading = axis == tuple(range(len(axis))) and source.shape == expr.shape[len(axis) :]
    return source if leading else expr


# A rule takes a graph and a reverse pass to work out, and networks repeat few ops and shapes.
@lru_cache(maxsize=1024)
def _rule_of_expansion(
    op: Op, shapes: tuple[Shape, ...], settings: tuple[tuple[str, Any], ...]
) -> tuple[Subgraph, list[int | None]]:
    """The reverse pass of an expansion on placeholders for args, value and upstream; a node for each arg."""
    forward = expansion(op, shapes, dict(settings))
    # A copy: expansions are cached and shared, and the reverse pass appends nodes.
    graph = forward.graph.copy()
    root, args = graph[forward.root], [graph[arg] for arg in forward.args]
    upstream = graph.input(root.shape)
    ledger = reverse(root, args, upstream)
    gradients = [ledger.upstream.get(arg.id) for arg in args]
    # The root is an input of the subgraph too: a rule may use the op's value, which is known, as it stands.
    inside = Subgraph(graph, (*forward.args, root.id, upstream.id), root.id)
    return inside, [None if node is None or _is_zero(graph, node) else node for node in gradients]


def _is_zero(graph: Graph, node: int) -> bool:
    """Is it a constant 0, as the contribution to an arg that only chooses?"""
    return node in graph.constants and not graph.constants[node].any()
