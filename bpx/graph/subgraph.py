"""Nodes over placeholders in a graph of their own, to be put to use on numbers and on handles.

What an op means in simpler ones, what a spec's own op computes, a rule worked out once: each is built
a single time on placeholders and then copied to wherever it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from bpx.graph.arrays import Settings, Shape
from bpx.graph.facts import Guard
from bpx.graph.graph import Expr, Graph, Op
from bpx.graph.run import run

Door = Callable[..., Expr]  # (op, *args, **settings) → a node of the graph copied to


class Subgraph(NamedTuple):
    """A graph, those of its inputs that stand for args, in order, and the node that is the result."""

    graph: Graph
    args: tuple[int, ...]
    root: int

    def run(self, args: Sequence[Any], *, batch: bool = False) -> Any:
        """Its value for values of the args."""
        given = dict(zip(self.args, args, strict=True))
        return run(self.graph, given, [self.root], batch=batch)[self.root]

    def on(self, *args: Expr) -> Expr:
        """Its nodes built on handles, by the folding door."""
        return self.handles(args, folding, [self.root])[self.root]

    def handles(
        self, args: Sequence[Expr], door: Door, nodes: Iterable[int], graph: Graph | None = None
    ) -> dict[int, Expr]:
        """Handles of `nodes` and what they rest on, upon those of its args.

        They are built in the graph of the args; `graph` is needed only where there are no args.
        """
        graph = graph or args[0].graph
        found = dict(zip(self.args, args, strict=True))
        for node in self.graph.needs(of=nodes, known=found):
            if node in self.graph.constants:
                found[node] = graph.constant(self.graph.constants[node])
            elif node not in found:
                inner = [found[arg] for arg in self.graph.args[node]]
                found[node] = door(self.graph.ops[node], *inner, **self.graph.settings[node])
        return found


def folding(op: Op, *args: Expr, **settings: Any) -> Expr:
    """The door that folds 0 and 1 and shares equal nodes."""
    return op(*args, **settings)


def expansion(op: Op, shapes: Sequence[Shape], settings: Settings) -> Subgraph:
    """The op in simpler ones, for args of these shapes; raises as the ops inside do."""
    return _expansion(op, tuple(shapes), tuple(settings.items()))


@lru_cache(maxsize=1024)
def _expansion(op: Op, shapes: tuple[Shape, ...], settings: tuple[tuple[str, Any], ...]) -> Subgraph:
    graph = Graph()
    places = [graph.input(shape) for shape in shapes]
    assert op.expands
    root = graph.lift(op.expands(*places, **dict(settings)))
    return Subgraph(graph, tuple(place.id for place in places), root.id)


def guards(node: Expr) -> list[tuple[Guard, Expr]]:
    """Each guard of a node, and the expression it speaks of; of a composite one, those of the ops inside."""
    if not node.op.composite:
        return _own_guards(node)
    inside = expansion(node.op, [arg.shape for arg in node.args], node.graph.settings[node.id])
    inner = inside.graph.needs(of=[inside.root])
    handles = inside.handles(node.args, node.graph.add, inner)
    return [found for one in inner if one not in inside.args for found in guards(handles[one])]


def _own_guards(node: Expr) -> list[tuple[Guard, Expr]]:
    return [(one, node.graph.lift(one.of(*node.args))) for one in node.op.guards(*node.args)]
