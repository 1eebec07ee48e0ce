"""The nodes that the user named, and what each passes to the named nodes that its formula mentions.

What lies between two named nodes is differentiated at once: by a reverse pass of its own, on placeholders for
the named nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np

from bpx.explain.query.gradient_query import GradientQuery
from bpx.explain.query.passes import EdgeRow, NodeRow, Passes
from bpx.graph.arrays import Array
from bpx.graph.formula import (
    MOST_IN_A_RULE,
    Formula,
    derivative,
    formula,
    numbers,
    ops_written,
    symbol,
    words,
)
from bpx.graph.graph import CONSTANT, INPUT, Expr, Graph
from bpx.graph.numbers import LARGEST_SHOWN, SHOWN_DIGITS, is_written_short
from bpx.graph.run import run
from bpx.passes.reverse import Edge, by_consumer, reverse
from bpx.words.say import say

_P = TypeVar("_P", bound=Passes)


class Contribution(NamedTuple):
    """What one named node passes to one that its formula mentions, with that node's gradient by its name.

    `with_numbers` is None where these are large.
    """

    consumer: int
    arg: int
    formula: Formula
    with_numbers: Formula | None
    is_scalar: bool


class NamedNodes:
    """The named nodes of a query: those of the spec, the output, and those that a gradient is asked for."""

    def __init__(self, query: GradientQuery) -> None:
        self.query, self.graph, self.values = query, query.graph, query.values
        own = {node: name for name, node in query.wrt.items()} | query.spec.own_names
        own[query.output] = query.spec.names.get(query.output, "out")
        self.symbols: dict[int, Formula] = {
            node: symbol(name, node)
            for node, name in own.items()
            if node in self.values and self.graph.ops[node] is not CONSTANT
        }

    def partial(self, node: int) -> Formula:
        """The name of ∂output/∂node."""
        return derivative(self.symbols[self.query.output], self.symbols[node])

    def args(self, node: int) -> list[int]:
        """The named nodes that the formula of a node mentions; the node itself where it is an input."""
        if not self.graph.args[node]:
            return [node]
        return sorted(self._inside(node) & self.symbols.keys())

    def _inside(self, node: int) -> set[int]:
        """The nodes that the formula of a node is written with, down to named ones."""
        inside, waiting = set[int](), [*self.graph.args[node][self.graph.ops[node].quoted :]]
        while waiting:
            arg = waiting.pop()
            if arg not in inside and arg not in self.symbols:
                waiting += self.graph.args[arg][self.graph.ops[arg].quoted :]
            inside.add(arg)
        return inside

    def formula(self, node: int) -> Formula:
        """A node by the named nodes that it is computed from."""
        return _short(self.graph, node, self.symbols)

    def with_numbers(self, node: int) -> Formula | None:
        """The same with the values of these nodes; None where one is large, and for an input."""
        args = self.args(node)
        shown = None if args == [node] else self._numbers(args)
        return _short(self.graph, node, shown) if shown else None

    def _numbers(self, nodes: Iterable[int]) -> dict[int, Formula] | None:
        """The values of nodes, to be put in their place; None where one is large."""
        values = {node: self.values[node] for node in nodes}
        if any(np.size(value) > LARGEST_SHOWN for value in values.values()):
            return None
        return {node: numbers(value, SHOWN_DIGITS, node) for node, value in values.items()}

    # --- from named node to named node ---

    @cached_property
    def consumers(self) -> list[int]:
        """The named nodes that pass a gradient on, from the output down."""
        reached = (node for node in sorted(self.symbols, reverse=True) if node in self.query.ledger.upstream)
        return [node for node in reached if self.args(node) not in ([], [node])]

    def contributions(self, consumer: int) -> Iterator[Contribution]:
        """What a named node passes on, as formulas."""
        between = _Between(self, consumer)
        shown = self._numbers([*between.places, consumer])
        put_in = None if shown is None else between.names | {between.copies[of].id: shown[of] for of in shown}
        if put_in is not None and consumer != self.query.output:
            put_in[between.upstream.id] = numbers(self.query.gradient(consumer), SHOWN_DIGITS)
        for arg, passed in between.passed(between.upstream).items():
            written = between.rule(passed, between.names)
            with_numbers = None if put_in is None else between.rule(passed, put_in)
            yield Contribution(consumer, arg, written, with_numbers, between.is_scalar(arg))

    @cached_property
    def _edges(self) -> dict[int, list[Edge]]:
        """The edges of the reverse pass, by the node that they come from."""
        return by_consumer(self.query.ledger.edges)

    def _is_direct(self, node: int) -> bool:
        """Is every arg of the node a named one, or a constant?"""
        return all(arg in self.symbols or arg in self.graph.constants for arg in self.graph.args[node])

    def edges(self, consumer: int) -> Iterator[EdgeRow]:
        """What a named node passes on, as rows: those of the reverse pass where nothing lies between."""
        rows = [self.query.edge_row(edge) for edge in self._edges.get(consumer, [])]
        written_with = {part.node for row in rows for part in row.local_formula.symbols} - {None}
        if self._is_direct(consumer) and written_with <= self.symbols.keys():
            return iter(rows)
        return _Between(self, consumer).edges()

    def node_row(self, row: NodeRow) -> NodeRow:
        """The row of a named node, written by named nodes."""
        if row.role is not None or not self.graph.args[row.id]:
            return row
        args = tuple(self.args(row.id))
        if self._is_direct(row.id):
            return row
        return row._replace(args=args, formula=self.formula(row.id), with_numbers=self.with_numbers(row.id))


def named_passes(query: GradientQuery, passes: _P) -> _P:
    """Passes with the rows of named nodes alone, and edges from one to the next."""
    named = NamedNodes(query)
    nodes = tuple(named.node_row(row) for row in passes.nodes if row.id in named.symbols)
    edges = tuple(edge for consumer in named.consumers for edge in named.edges(consumer))
    return replace(passes, nodes=nodes, edges=edges, whole=passes)


class _Between:
    """What lies between a named node and those that its formula mentions, on placeholders for these."""

    def __init__(self, named: NamedNodes, consumer: int) -> None:
        self.named, self.consumer, query = named, consumer, named.query
        self.graph = Graph()
        self.places = {arg: self.graph.input(query.graph.shapes[arg]) for arg in named.args(consumer)}
        self.copies = _copied(query.graph, consumer, self.graph, self.places)
        self.root = self.copies[consumer]
        is_output = consumer == query.output
        self.upstream = self.graph.constant(query.seed) if is_output else self.graph.input(self.root.shape)
        self.names = {copy.id: named.symbols[of] for of, copy in self.copies.items() if of in named.symbols}
        self.typed = frozenset(copy.id for copy in self.copies.values())
        if not is_output:
            self.names[self.upstream.id] = named.partial(consumer)

    def passed(self, upstream: Expr) -> dict[int, Expr]:
        """Named node → what reaches it of an upstream gradient, for those that a gradient is asked for."""
        ledger = reverse(self.root, list(self.places.values()), upstream)
        gradients = {arg: ledger.gradient(place.id) for arg, place in self.places.items()}
        reached = self.named.query.ledger.upstream
        return {arg: passed for arg, passed in gradients.items() if passed is not None and arg in reached}

    def rule(self, passed: Expr, names: Mapping[int, Formula]) -> Formula:
        """What is passed on, as a formula; numbers that nobody typed are rounded in it."""
        if ops_written(self.graph, passed.id, names) > MOST_IN_A_RULE:
            return words(say("derivation.too-long"))
        worked_out = {
            node: numbers(value, SHOWN_DIGITS)
            for node, value in self.graph.constants.items()
            if node not in self.typed and not is_written_short(value)
        }
        return formula(self.graph, passed.id, {**worked_out, **names}, open_root=False)

    def is_scalar(self, arg: int) -> bool:
        """Are both ends scalars?"""
        return not self.root.shape and not self.places[arg].shape

    def has_local(self, arg: int) -> bool:
        """Has it one local derivative for each element?"""
        if self.is_scalar(arg):
            return True
        inside = self.graph.needs(of=[self.root.id])
        on_the_way = {self.places[arg].id}
        for node in inside:  # args first
            if not on_the_way.isdisjoint(self.graph.args[node]):
                if not self.graph.ops[node].elementwise:
                    return False
                on_the_way.add(node)
        return all(self.graph.shapes[node] == self.root.shape for node in on_the_way)

    def edges(self) -> Iterator[EdgeRow]:
        """A row for each named node that something is passed to."""
        query = self.named.query
        upstream = query.gradient(self.consumer)
        passed = self.passed(self.upstream)
        locals_ = self.passed(self.graph.constant(np.ones(self.root.shape)))
        values = self._run([*passed.values(), *locals_.values()], upstream)
        for position, (arg, contribution) in enumerate(passed.items()):
            has_local = self.has_local(arg)
            shown = locals_[arg] if has_local else contribution
            local = values[shown.id] if has_local else None
            yield EdgeRow(
                self.consumer,
                arg,
                position,
                self.rule(shown, self.names),
                local,
                upstream,
                values[contribution.id],
                flat=local is not None and not np.any(self.graph.constants.get(shown.id, 1.0)),
            )

    def _run(self, wanted: Iterable[Expr], upstream: Array) -> dict[int, Array]:
        at = {place.id: self.named.values[arg] for arg, place in self.places.items()}
        at |= {self.copies[of].id: self.named.values[of] for of in self.copies if of in self.named.values}
        at |= {} if self.upstream.id in self.graph.constants else {self.upstream.id: upstream}
        return dict(run(self.graph, at, [expr.id for expr in wanted]))


def _short(graph: Graph, node: int, names: Mapping[int, Formula]) -> Formula:
    if 1 + sum(ops_written(graph, arg, names) for arg in graph.args[node]) > MOST_IN_A_RULE:
        return words(say("derivation.too-long"))
    return formula(graph, node, names)


def _copied(graph: Graph, node: int, scratch: Graph, places: Mapping[int, Expr]) -> dict[int, Expr]:
    """A node and what it needs on placeholders for named ones, as it was typed."""
    copies: dict[int, Expr] = dict(places)
    for inner in graph.needs(of=[node], known=places):
        if inner in copies:
            continue
        if inner in graph.constants:
            copies[inner] = scratch.constant(graph.constants[inner])
        elif graph.ops[inner] is INPUT:  # of a gradient that is written as `grad(L, w)`
            copies[inner] = scratch.input(graph.shapes[inner])
        else:
            args = [copies[arg] for arg in graph.args[inner]]
            copies[inner] = scratch.add(graph.ops[inner], *args, **graph.settings[inner])
    return copies
