"""What passes cost in operations on numbers, counted in the graph as it is.

The unit: one addition, subtraction, multiplication, division, comparison or choice of two numbers, or one
call of a function such as exp, is one operation. Moving numbers costs nothing (reshape, transpose, index). A
matrix product of m×k and k×n has m·n·k multiplications and m·n·(k - 1) additions; a sum of n numbers has
n - 1 additions. Composite ops count as the simpler ops that they are made of, decompositions of n×n matrices
by the leading terms of the usual algorithms (Golub and Van Loan, Matrix Computations, 4th ed., 2013).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from bpx.graph.arrays import Settings, Shape
from bpx.graph.graph import CONSTANT, INPUT, OPS, Expr, Graph, Op
from bpx.graph.subgraph import expansion
from bpx.passes.reverse import Ledger, reverse

_Count = Callable[[Sequence[Shape], Shape, Settings], int]


def operations(graph: Graph, nodes: Iterable[int]) -> int:
    """How many operations it takes to compute these nodes from their args."""
    return sum(_of_node(graph, node) for node in nodes)


def _of_node(graph: Graph, node: int) -> int:
    op = graph.ops[node]
    if op is INPUT or op is CONSTANT:
        return 0
    shapes = tuple(graph.shapes[arg] for arg in graph.args[node])
    return _of_op(op, shapes, graph.shapes[node], tuple(graph.settings[node].items()))


@lru_cache(maxsize=4096)
def _of_op(op: Op, shapes: tuple[Shape, ...], out: Shape, settings: tuple[tuple[str, Any], ...]) -> int:
    if op.name in _COUNTS:
        return _COUNTS[op.name](shapes, out, dict(settings))
    if op.elementwise:
        return math.prod(out)
    if op.quoted:  # a gradient that is written in a formula: its nodes are counted by themselves
        return 0
    if op.expands is None:
        return 0
    inside = expansion(op, shapes, dict(settings))
    nodes = inside.graph.needs(of=[inside.root], known=inside.args)
    return operations(inside.graph, (node for node in nodes if node not in inside.args))


def _nothing(shapes: Sequence[Shape], out: Shape, settings: Settings) -> int:
    return 0


def _matmul(shapes: Sequence[Shape], out: Shape, settings: Settings) -> int:
    return math.prod(out) * (2 * shapes[0][-1] - 1)


def _einsum(shapes: Sequence[Shape], out: Shape, settings: Settings) -> int:
    """A product for each choice of all letters, of which those of one place of the result are added."""
    operands = settings["subscripts"].partition("->")[0].split(",")
    lengths = {
        letter: length
        for letters, shape in zip(operands, shapes, strict=False)
        for letter, length in zip(letters, shape, strict=True)
    }
    terms = math.prod(lengths.values())
    return terms * (len(operands) - 1) + terms - math.prod(out)


def _sum(shapes: Sequence[Shape], out: Shape, settings: Settings) -> int:
    return math.prod(shapes[0]) - math.prod(out)


def _cumsum(shapes: Sequence[Shape], out: Shape, settings: Settings) -> int:
    (axis,) = settings["axis"] if isinstance(settings["axis"], tuple) else (settings["axis"],)
    return math.prod(out) - math.prod(out) // (out[axis] or 1)


def _every_element(shapes: Sequence[Shape], out: Shape, settings: Settings) -> int:
    return math.prod(shapes[0])


def _overlapping(shapes: Sequence[Shape], out: Shape, settings: Settings) -> int:
    """Windows put back where they were: what lands where nothing is yet is not added."""
    met = OPS["overlap_add"].value(np.ones(shapes[0]), batch=0, **settings)
    return math.prod(shapes[0]) - int(np.count_nonzero(met))


def _of_matrices(factor: float, power: int = 3) -> _Count:
    """So many times n to that power, for each of a stack of n×n matrices."""
    return lambda shapes, out, settings: round(factor * shapes[0][-1] ** power * math.prod(shapes[0][:-2]))


_MOVES: tuple[str, ...] = (
    "identity",
    "transpose",
    "reshape",
    "spread",
    "index",
    "place",
    "windows",
    "flip",
    "diag",
    "triu",
)
_MOVES += ("tril", "one_hot", "pick", "take_along", "embedding")
_COUNTS: Mapping[str, _Count] = {
    **dict.fromkeys(_MOVES, _nothing),
    "matmul": _matmul,
    "einsum": _einsum,
    "sum": _sum,
    "mean": lambda shapes, out, settings: _sum(shapes, out, settings) + math.prod(out),
    "cumsum": _cumsum,
    "outer": lambda shapes, out, settings: math.prod(out),
    "scatter": _every_element,  # each is added where it belongs
    "overlap_add": _overlapping,
    "dropout": lambda shapes, out, settings: math.prod(out),
    "cholesky": _of_matrices(1 / 3),
    "det": _of_matrices(2 / 3),
    "logdet": _of_matrices(2 / 3),
    "inv": _of_matrices(2),
    "cofactor": _of_matrices(8 / 3),
    "eigvalsh": _of_matrices(4 / 3),
    "eigenprojections": _of_matrices(9),
}


class Costs(NamedTuple):
    """Operations of several ways to the gradient by `inputs` numbers, the forward pass included.

    `sweep` is the forward pass with one reverse sweep, `tangents` with a tangent pass for each input,
    `differences` two forward passes for each, `paths` each of `path_count` paths multiplied out by
    itself, `uncached` the formulas of output and gradient evaluated without keeping any value.
    """

    inputs: int
    forward: int
    sweep: int
    tangents: int
    differences: int
    paths: int
    path_count: int
    uncached: int


def costs(ledger: Ledger, wrt: Collection[int]) -> Costs:
    """The costs of the gradient by the nodes `wrt`; the tangent pass is appended to the ledger's graph."""
    graph = ledger.graph
    inputs = sum(math.prod(graph.shapes[node]) for node in wrt)
    forward_nodes = graph.needs(of=[ledger.output])
    forward = operations(graph, forward_nodes)
    gradients = [expr.id for node in wrt if (expr := ledger.gradient(node)) is not None]
    done = set(forward_nodes)
    sweep = forward + operations(graph, (node for node in graph.needs(of=gradients) if node not in done))
    count, paths = _path_costs(ledger, wrt, done)
    return Costs(
        inputs,
        forward,
        sweep,
        forward + _tangent_costs(ledger, wrt, done, inputs),
        2 * inputs * (forward + 1),  # the change is a subtraction and a division
        forward + _locals(ledger, done) + paths,
        count,
        _without_cache(graph, [ledger.output, *gradients]),
    )


def tangent(graph: Graph, output: int, wrt: Collection[int]) -> tuple[Expr, dict[int, Expr]] | None:
    """The derivative of the output along a direction, as a node, and the parts of the direction by node.

    It is the reverse pass transposed: linear in the upstream gradient, that pass is derived by it. None where
    the output depends on none of `wrt`.
    """
    upstream = graph.input(graph.shapes[output])
    first = reverse(graph[output], [graph[node] for node in wrt], upstream)
    directions = {node: graph.input(graph.shapes[node]) for node in wrt if node in first.upstream}
    total: Expr | None = None
    for node, direction in directions.items():
        gradient = first.gradient(node)
        assert gradient is not None
        term = gradient * direction
        term = OPS["sum"](term) if term.shape else term
        total = term if total is None else total + term
    if total is None:
        return None
    result = reverse(total, [upstream]).gradient(upstream.id)
    return None if result is None else (result, directions)


def _tangent_costs(ledger: Ledger, wrt: Collection[int], done: Collection[int], inputs: int) -> int:
    """A tangent pass for each input; what no direction changes, the local derivatives, is computed once."""
    graph = ledger.graph
    built = tangent(graph, ledger.output, wrt)
    if built is None:
        return 0
    result, directions = built
    needed = graph.needs(of=[result.id])
    moving = graph.touched(by=[direction.id for direction in directions.values()], upto=result.id)
    each = operations(graph, (node for node in needed if moving[node]))
    once = operations(graph, (node for node in needed if not moving[node] and node not in done))
    return inputs * each + once


def _locals(ledger: Ledger, done: Collection[int]) -> int:
    """The local derivatives, each computed once."""
    locals_ = [edge.local for edge in ledger.edges if edge.local is not None]
    nodes = ledger.graph.needs(of=locals_, known=done)
    return operations(ledger.graph, (node for node in nodes if node not in done))


def _path_costs(ledger: Ledger, wrt: Collection[int], done: Collection[int]) -> tuple[int, int]:
    """How many paths lead to the nodes `wrt`, and what it costs to multiply them out and add all.

    By dynamic programming over the edges: the paths to an arg are those to its consumer, one edge longer.
    """
    graph = ledger.graph
    counts, totals = {ledger.output: 1}, {ledger.output: 0}
    for edge in ledger.edges:  # consumers come in descending order, so each is final when used
        known = {edge.upstream, *done, *([] if edge.local is None else [edge.local])}
        nodes = graph.needs(of=[edge.contribution], known=known)
        own = operations(graph, (node for node in nodes if node not in known))
        count = counts[edge.consumer]
        counts[edge.arg] = counts.get(edge.arg, 0) + count
        totals[edge.arg] = totals.get(edge.arg, 0) + totals[edge.consumer] + count * own
    reached = [node for node in wrt if counts.get(node)]
    added = sum((counts[node] - 1) * math.prod(graph.shapes[node]) for node in reached)
    return sum(counts[node] for node in reached), sum(totals[node] for node in reached) + added


def _without_cache(graph: Graph, targets: Iterable[int]) -> int:
    """The targets, where each use of a node computes it, and all it depends on, again."""
    targets = list(targets)
    costs: dict[int, int] = {}
    for node in graph.needs(of=targets):
        costs[node] = _of_node(graph, node) + sum(costs[arg] for arg in graph.args[node])
    return sum(costs[node] for node in targets)
