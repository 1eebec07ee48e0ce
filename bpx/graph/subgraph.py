"""Nodes on placeholders in a graph of their own, to be used on numbers and on handles.

What an op means in simpler ones, what a spec's own op computes, a rule worked out once: each is built
a single time on placeholders and then copied to wherever it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from bpx.graph.arrays import Settings, Shape
from bpx.graph.facts import BuiltGuard, Guard
from bpx.graph.graph import OPS, Expr, Graph, Op
from bpx.graph.run import run

Builder = Callable[..., Expr]  # (op, *args, **settings) → a node of the graph copied to


class Subgraph(NamedTuple):
    """A graph, those of its inputs that stand for args, in order, and the node that is the result."""

    graph: Graph
    args: tuple[int, ...]
    root: int

    def run(self, args: Sequence[Any], *, batch: bool = False) -> Any:
        """Its value for values of the args."""
        known = dict(zip(self.args, args, strict=True))
        return run(self.graph, known, [self.root], batch=batch)[self.root]

    def on(self, *args: Expr) -> Expr:
        """Its root built on handles, 0 and 1 folded."""
        return self.handles(args, folding, [self.root])[self.root]

    def handles(
        self, args: Sequence[Expr], build: Builder, nodes: Iterable[int], graph: Graph | None = None
    ) -> dict[int, Expr]:
        """Handles of `nodes` and all they depend on, built on those of its args by `build`.

        They are built in the graph of the args; `graph` is needed only where there are no args.
        """
        graph = graph or args[0].graph
        handles = dict(zip(self.args, args, strict=True))
        for node in self.graph.needs(of=nodes, known=handles):
            if node in self.graph.constants:
                handles[node] = graph.constant(self.graph.constants[node])
            elif node not in handles:
                inner = [handles[arg] for arg in self.graph.args[node]]
                handles[node] = build(self.graph.ops[node], *inner, **self.graph.settings[node])
        return handles


def with_node(root: Expr, node: Expr) -> Expr:
    """`root` as it depends on `node`: where it does not, on what inside of it has the formula of `node`."""
    graph = root.graph
    needed = graph.needs(of=[root.id])
    if node.id in needed:
        return root
    first: dict[object, int] = {}  # what a node is, by what its args are → the first node that is it
    meant: dict[int, int] = {}
    for at in graph.needs(of=[root.id, node.id]):
        args = tuple(meant[arg] for arg in graph.args[at])
        if graph.ops[at] is OPS["identity"]:
            meant[at] = args[0]
        else:
            settings = tuple(graph.settings[at].items())
            meant[at] = first.setdefault((graph.ops[at], args, settings) if args else at, at)
    replaced = {at: node for at in needed if meant[at] == meant[node.id]}
    for at in needed if replaced else ():
        inner = graph.args[at]
        if at not in replaced and any(arg in replaced for arg in inner):
            args_now = [replaced.get(arg, graph[arg]) for arg in inner]
            replaced[at] = graph.add(graph.ops[at], *args_now, **graph.settings[at])
    return replaced.get(root.id, root)


def folding(op: Op, *args: Expr, **settings: Any) -> Expr:
    """The builder that folds 0 and 1 and shares equal nodes."""
    return op(*args, **settings)


def expansion(op: Op, shapes: Sequence[Shape], settings: Settings, as_computed: bool = False) -> Subgraph:
    """The op in simpler ones, for args of these shapes; raises as the ops inside do.

    They are those that it is explained by, or, `as_computed`, those that its value is computed by.
    """
    makes = op.computes if as_computed and op.computes else op.expands
    assert makes
    return _expansion(makes, tuple(shapes), tuple(settings.items()))


# The same layers occur at the same shapes again and again: their insides are built once.
@lru_cache(maxsize=1024)
def _expansion(
    makes: Callable[..., Any], shapes: tuple[Shape, ...], settings: tuple[tuple[str, Any], ...]
) -> Subgraph:
    graph = Graph()
    places = [graph.input(shape) for shape in shapes]
    root = graph.lift(makes(*places, **dict(settings)))
    return Subgraph(graph, tuple(place.id for place in places), root.id)


def guards(node: Expr) -> list[BuiltGuard]:
    """Each guard of a node with its expression; of a composite node, those of the ops inside."""
    if not node.op.composite:
        return _own_guards(node)
    inside = expansion(node.op, [arg.shape for arg in node.args], node.graph.settings[node.id])
    inner = inside.graph.needs(of=[inside.root])
    handles = inside.handles(node.args, node.graph.add, inner)
    return [guard for part in inner if part not in inside.args for guard in guards(handles[part])]


def _own_guards(node: Expr) -> list[BuiltGuard]:
    return [_built(guard, node) for guard in node.op.guards(*node.args)]


def _built(guard: Guard, node: Expr) -> BuiltGuard:
    expr = node.graph.lift(guard.of(*node.args))
    return BuiltGuard(guard, expr, node.graph.lift(guard.shown(*node.args)) if guard.shown else expr)
