"""Both passes of a graph of scalars as numbers, and every edge of the reverse pass when it is read.

What `bpx.passes.reverse` would build as nodes is evaluated here, to the same bits and signs, and let go: no
more is kept than the value and the gradient of each node, and the two numbers of each edge.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.facts import no_guards
from bpx.graph.graph import Graph, Op
from bpx.passes.plain import Rule, function_of
from bpx.passes.two_loops import upwards

Folded: TypeAlias = tuple[float, bool]  # a number, and whether the node of it would be a constant


@dataclass(frozen=True, eq=False)
class LocalRule:
    """The local derivatives of an elementwise op on a graph of their own.

    `args` and `out` are placeholders there (of args that are constants these), `locals` the derivatives by
    the args, `are_constant` says which of these are constants, and `kinks` are what is 0 where the op has a
    kink. `evaluate` gives the values of the locals, then those of the kinks, for the values of the args and
    of out.
    """

    graph: Graph
    args: tuple[int, ...]
    out: int
    locals: tuple[int, ...]
    are_constant: tuple[bool, ...]
    kinks: tuple[int, ...]
    evaluate: Rule


# What a node passes to an arg: its rule, the node, the arg, which arg that is, the local derivative, and the
# contribution, upstream × local. A plain tuple: a large graph has hundreds of thousands.
ScalarEdge: TypeAlias = tuple[LocalRule, int, int, int, float, float]


# Networks repeat few ops; constants, as exponents, are mostly the same too.
@lru_cache(maxsize=4096)
def local_rule(op: Op, constants: tuple[bytes | None, ...]) -> LocalRule:
    """The rule of an op; `constants` has those of its args, None for the others.

    As bytes, since as numbers 0 and -0 would have the same rule.
    """
    graph = Graph()
    args = [graph.input() if of is None else graph.constant(np.frombuffer(of)[0]) for of in constants]
    out = graph.input()
    assert op.local
    locals_ = [graph.lift(factor).id for factor in op.local(*args, out)]
    guards = () if op.guards is no_guards else op.guards(*args)
    kinks = [graph.lift(guard.of(*args)).id for guard in guards if guard.kind == "kink"]
    places = [expr.id for expr in args]
    # Nobody asks for derivatives by constants, as for that of a power by its exponent.
    asked = [local if of is None else None for local, of in zip(locals_, constants, strict=True)]
    evaluate = function_of(graph, [*places, out.id], [*asked, *kinks])
    are_constant = tuple(local in graph.constants for local in locals_)
    return LocalRule(graph, tuple(places), out.id, tuple(locals_), are_constant, tuple(kinks), evaluate)


class Kink(NamedTuple):
    """A node at a kink, which of its kinks it is, and the local derivatives of its edges."""

    node: int
    number: int
    locals: Sequence[float]


class ScalarPasses:
    """The values of the nodes up to `top`, and the gradient of `output` by each of them, times `seed`.

    Made by `scalar_passes`, which looks whether they are finite. Raises `ArithmeticError` where a local
    derivative is not.
    """

    def __init__(self, graph: Graph, output: int, wrt: Sequence[int], values: Sequence[float], seed: float):
        self.graph, self.output = graph, output
        self.values = array("d", values)
        self.gradients = array("d", bytes(8 * (output + 1)))
        self._live = graph.touched(by=wrt, upto=output)
        self._passes_on = bytearray(self._live)  # what is asked for may depend on nothing that is
        for node in wrt:
            if node <= output:
                self._passes_on[node] = any(map(self._live.__getitem__, graph.args[node]))
        self._arrived = bytearray(output + 1)  # 0 where no gradient arrives, _CONSTANT or _NUMBER
        self._locals, self._contributions = array("d"), array("d")  # of the edges, in their order
        self._at_kinks: list[int] = []
        self._run(seed)
        if not all(map(math.isfinite, self._locals)):
            raise ArithmeticError

    def _run(self, seed: float) -> None:
        gradients, arrived, live = self.gradients, self._arrived, self._live
        if live[self.output]:
            gradients[self.output], arrived[self.output] = seed, _CONSTANT
        for node in self.consumers():
            args, rule = self.graph.args[node], self.rule(node)
            numbers, upstream = self.numbers(node, rule), (gradients[node], arrived[node] == _CONSTANT)
            if rule.kinks and 0 in numbers[len(args) :]:
                self._at_kinks.append(node)
            # Behind the local derivatives stand the numbers of kinks; `strict` takes time for each node.
            for arg, local, is_constant in zip(args, numbers, rule.are_constant):  # noqa: B905
                if live[arg]:
                    number, is_constant = _product(upstream, (local, is_constant))
                    self._locals.append(local)
                    self._contributions.append(number)
                    if arrived[arg]:
                        before = gradients[arg], arrived[arg] == _CONSTANT
                        number, is_constant = _sum(before, (number, is_constant))
                    gradients[arg], arrived[arg] = number, _CONSTANT if is_constant else _NUMBER

    @property
    def edge_count(self) -> int:
        """How many edges there are."""
        return len(self._locals)

    def reaches(self, node: int) -> bool:
        """Does the output depend on the node, which depends on one that is asked for?"""
        return node <= self.output and bool(self._arrived[node])

    def consumers(self) -> Iterator[int]:
        """The nodes that pass a gradient on, from the output down: then, each has all that arrives at it."""
        # Read from behind while it is written to further in front: args have smaller ids than their node.
        rows = zip(
            range(self.output, -1, -1), reversed(self._arrived), reversed(self._passes_on), strict=True
        )
        for node, has_arrived, passes_on in rows:
            if has_arrived and passes_on:
                yield node

    def edges(self) -> Iterator[ScalarEdge]:
        """All edges, from the output down."""
        args_of, live = self.graph.args, self._live
        numbers = zip(self._locals, self._contributions, strict=True)
        for node in self.consumers():
            rule = self.rule(node)
            for position, arg in enumerate(args_of[node]):
                if live[arg]:
                    local, contribution = next(numbers)
                    yield rule, node, arg, position, local, contribution

    def rule(self, node: int) -> LocalRule:
        """The local derivatives of a node."""
        args, constants = self.graph.args[node], self.graph.constants
        if constants.keys().isdisjoint(args):
            return local_rule(self.graph.ops[node], (None,) * len(args))
        numbers = [constants[arg].tobytes() if arg in constants else None for arg in args]
        return local_rule(self.graph.ops[node], tuple(numbers))

    def numbers(self, node: int, rule: LocalRule) -> Sequence[float]:
        """Their values, and then those of what is 0 at a kink. Raises as `bpx.passes.plain.plain`."""
        values = self.values
        numbers: Any = rule.evaluate(*[values[arg] for arg in self.graph.args[node]], values[node])
        return numbers  # type: ignore[no-any-return] # None only where an arg is a constant

    def kinks(self) -> Iterator[Kink]:
        """The nodes at a kink, in order."""
        for node in filter(self._may_bend, reversed(self._at_kinks)):
            rule, args = self.rule(node), self.graph.args[node]
            numbers = self.numbers(node, rule)
            shown = [local for arg, local in zip(args, numbers, strict=False) if self._live[arg]]
            for number, guard in enumerate(numbers[len(args) :]):
                if guard == 0:
                    yield Kink(node, number, shown)

    def _may_bend(self, node: int) -> bool:
        """Has it a kink where the op sees its args? A `where` has one at a number, not at a comparison."""
        return any(guard.kind == "kink" for guard in self.graph.ops[node].guards(*self.graph[node].args))


_CONSTANT, _NUMBER = 1, 2


def scalar_passes(
    graph: Graph,
    output: int,
    wrt: Sequence[int],
    nodes: Sequence[int],
    known: Mapping[int, Array],
    seed: float = 1.0,
) -> ScalarPasses | None:
    """The passes where `nodes`, those of the forward pass, are scalars and all numbers finite; else None.

    `known` holds the values of the inputs.
    """
    try:
        values = upwards(graph, max(nodes), known)
        if not all(map(math.isfinite, map(values.__getitem__, nodes))):
            return None
        passes = ScalarPasses(graph, output, wrt, values, seed)
    except (ArithmeticError, ValueError, TypeError):
        return None
    return passes if all(map(math.isfinite, passes.gradients)) else None


# What `Graph.fold` makes of products and sums of nodes. It matters for the sign of a zero alone.


def _product(upstream: Folded, local: Folded) -> Folded:
    (x, x_is_constant), (y, y_is_constant) = upstream, local
    if x_is_constant and y_is_constant:
        return x * y, True
    if (x_is_constant and x == 0) or (y_is_constant and y == 0):
        return 0.0, True
    return x * y, False


def _sum(before: Folded, contribution: Folded) -> Folded:
    (x, x_is_constant), (y, y_is_constant) = before, contribution
    if x_is_constant and y_is_constant:
        return x + y, True
    if x_is_constant and x == 0:
        return contribution
    if y_is_constant and y == 0:
        return before
    return x + y, False
