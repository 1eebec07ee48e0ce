"""The cells of both passes: what is worked out one after the other, each by a rule from those before it.

A cell is named as people write it: `z`, `∂a/∂z`, `∂L/∂z`. Its rule takes the values of the cells it needs,
be they right or somebody's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np

from bpx.check.numeric.error_bound import summed_to
from bpx.explain.query.gradient_query import GradientQuery
from bpx.graph.arrays import Array
from bpx.graph.formula import Formula, derivative, product_of, sum_of, words
from bpx.graph.graph import CONSTANT, INPUT, Expr, Graph
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.run import run
from bpx.passes.reverse import Edge, by_consumer, pullback
from bpx.words.say import say

Values = Mapping[str, Array]


class Kind(StrEnum):
    """What a cell holds."""

    VALUE = "value"
    LOCAL = "local"
    CONTRIBUTION = "contribution"
    GRADIENT = "gradient"
    UPDATE = "update"


class Cell(NamedTuple):
    """A cell: `node` is what it is a value or a gradient of, of an edge its consumer.

    `needs` are the keys of the cells its rule takes. A gradient that one edge alone arrives at has that edge:
    it is its contribution.
    """

    key: str
    kind: Kind
    node: int
    needs: tuple[str, ...]
    edge: Edge | None = None


class Workings:
    """All cells of a graph, in the order in which they are worked out, and their rules.

    With a `rate`, the parameters' values after a step of gradient descent are cells too.
    """

    def __init__(self, spec: NamedGraph, rate: float | None = None) -> None:
        graph = spec.graph.copy()
        self.query = GradientQuery(_on(spec, graph), None, None, None)
        self.spec, self.graph, self.rate = spec, graph, rate
        self.cells: dict[str, Cell] = {}
        self.value_keys: dict[int, str] = {}
        self.gradient_keys: dict[int, str] = {}
        self.local_keys: dict[Edge, str] = {}
        self.leaves: dict[str, Array] = {leaf.name: np.asarray(leaf.value) for leaf in spec.inputs}
        self._rules: dict[str, Callable[[Values], Array]] = {}
        self._add_values()
        self._add_edges()
        self._add_updates()

    def __getstate__(self) -> dict[str, Any]:
        """Without the rules: functions do not pickle, and these are made again where they are asked for."""
        return {**self.__dict__, "_rules": {}}

    # --- which cells there are ---

    def _add(self, key: str, kind: Kind, node: int, needs: Iterable[str], edge: Edge | None = None) -> str:
        self.cells[key] = Cell(key, kind, node, tuple(dict.fromkeys(needs)), edge)
        return key

    def _add_values(self) -> None:
        names = self.query.names()
        for node in self.query.forward:
            if self.graph.ops[node] is CONSTANT:
                continue
            needs = [self.value_keys[arg] for arg in self.graph.args[node] if arg in self.value_keys]
            self.value_keys[node] = self._add(names[node], Kind.VALUE, node, needs)

    def _add_edges(self) -> None:
        output, ledger = self.query.output, self.query.ledger
        arriving = Counter(edge.arg for edge in ledger.edges)
        keys: dict[int, list[str]] = {}
        if output in ledger.upstream:
            self.gradient_keys[output] = self._add(
                self.partial_text(output, output), Kind.GRADIENT, output, ()
            )
        ahead = sorted(ledger.edges, key=lambda edge: -edge.consumer)
        for place, edge in enumerate(ahead):
            if edge.arg not in self.value_keys:
                continue
            self._close(edge.consumer, keys)
            needs = [self.gradient_keys[edge.consumer]]
            forward = [edge.consumer, *self.graph.args[edge.consumer]]
            values = [self.value_keys[node] for node in forward if node in self.value_keys]
            if edge.local is not None and edge.consumer != output:  # ∂L/∂v is no name for both
                key = self._free(self.local_text(edge))
                self.local_keys[edge] = self._add(key, Kind.LOCAL, edge.consumer, values, edge)
                needs.append(key)
            else:
                needs += values
            if arriving[edge.arg] == 1:
                key = self.partial_text(output, edge.arg)
                self.gradient_keys[edge.arg] = self._add(key, Kind.GRADIENT, edge.arg, needs, edge)
            else:
                through = f"{self.gradient_keys[edge.consumer]} · {self.local_text(edge)}"
                keys.setdefault(edge.arg, []).append(
                    self._add(self._free(through), Kind.CONTRIBUTION, edge.arg, needs, edge)
                )
            later = any(other.arg == edge.arg for other in ahead[place + 1 :])
            if not later:
                self._close(edge.arg, keys)

    def _close(self, node: int, keys: dict[int, list[str]]) -> None:
        """Add the sum over the edges that arrive at a node."""
        if node not in self.gradient_keys and node in keys:
            key = self.partial_text(self.query.output, node)
            self.gradient_keys[node] = self._add(key, Kind.GRADIENT, node, keys[node])

    def _add_updates(self) -> None:
        for leaf in self.spec.inputs if self.rate is not None else ():
            if leaf.role == "parameter" and leaf.node in self.gradient_keys:
                needs = [leaf.name, self.gradient_keys[leaf.node]]
                self._add(self._free(f"{leaf.name}_new"), Kind.UPDATE, leaf.node, needs)

    def _free(self, key: str) -> str:
        """The key, numbered where it is taken: `x * x` has two edges to x."""
        number = 2
        free = key
        while free in self.cells:
            free, number = f"{key} ({number})", number + 1
        return free

    # --- what they are called ---

    def partial(self, of: int, by: int) -> Formula:
        """∂of/∂by, as a name."""
        return derivative(self.query.named(of), self.query.named(by))

    def partial_text(self, of: int, by: int) -> str:
        """The same as text."""
        return str(self.partial(of, by))

    def local_text(self, edge: Edge) -> str:
        """∂consumer/∂arg."""
        return self.partial_text(edge.consumer, edge.arg)

    def named(self, text: str) -> str | None:
        """The key of the cell that somebody named, `dL/dz` for `∂L/∂z`; None where there is none."""
        return self._by_plain_name.get(_plain(text))

    @cached_property
    def _by_plain_name(self) -> dict[str, str]:
        return {_plain(key): key for key in self.cells}

    @cached_property
    def edges_from(self) -> dict[int, list[Edge]]:
        """Node → the edges to its args."""
        return by_consumer(self.query.ledger.edges)

    @cached_property
    def children(self) -> dict[str, list[str]]:
        """Key → the keys of the cells that need it."""
        children: dict[str, list[str]] = {key: [] for key in self.cells}
        for cell in self.cells.values():
            for need in cell.needs:
                children[need].append(cell.key)
        return children

    def following(self, key: str) -> list[str]:
        """The cells that depend on a cell, in their order."""
        depends = {key}
        for cell in self.cells.values():
            if depends.intersection(cell.needs):
                depends.add(cell.key)
        return [other for other in self.cells if other in depends and other != key]

    def is_given(self, cell: Cell) -> bool:
        """Is there nothing to be worked out, as for an input?"""
        return self.graph.ops[cell.node] is INPUT if cell.kind is Kind.VALUE else not cell.needs

    def shape_of(self, cell: Cell) -> tuple[int, ...]:
        """The shape of a cell's value."""
        node = cell.edge.arg if cell.kind is Kind.CONTRIBUTION and cell.edge else cell.node
        return self.graph.shapes[node]

    # --- their values ---

    def values(self, answers: Values | None = None, leaves: Values | None = None) -> dict[str, Array]:
        """All cells; `answers` stand in place of what the rules give, `leaves` in place of inputs' values."""
        values: dict[str, Array] = {}
        own = {**self.leaves, **(leaves or {})}
        for cell in self.cells.values():
            if answers and cell.key in answers:
                values[cell.key] = np.asarray(answers[cell.key], dtype=np.float64)
            else:
                values[cell.key] = own[cell.key] if self._is_leaf(cell) else self.work_out(cell, values)
        return values

    def value_of(self, node: int, values: Values) -> Array:
        """The value of a node among those of the cells; a constant is none."""
        constants = self.graph.constants
        return constants[node] if node in constants else np.asarray(values[self.value_keys[node]])

    def local_at(self, edge: Edge, values: Values) -> Array:
        """The local derivative of an edge: that of its cell, or by its rule where the output has none."""
        key = self.local_keys.get(edge)
        return np.asarray(values[key] if key else self._local_rule(edge)(values))

    def _is_leaf(self, cell: Cell) -> bool:
        return cell.kind is Kind.VALUE and self.graph.ops[cell.node] is INPUT

    def work_out(self, cell: Cell, values: Values) -> Array:
        """What the cell's rule makes of the values it needs."""
        rule = self._rules.get(cell.key)
        if rule is None:
            rule = self._rules[cell.key] = self._rule(cell)
        with np.errstate(all="ignore"):
            return np.asarray(rule(values), dtype=np.float64)

    def _rule(self, cell: Cell) -> Callable[[Values], Array]:
        if cell.kind is Kind.VALUE:
            return self._value_rule(cell)
        if cell.kind is Kind.LOCAL:
            assert cell.edge
            return self._local_rule(cell.edge)
        if cell.kind is Kind.UPDATE:
            value, gradient = cell.needs
            return lambda values: values[value] - (self.rate or 0.0) * values[gradient]
        if cell.edge is not None:
            return self._product_rule(cell, cell.edge)
        if not cell.needs:
            return lambda values: np.asarray(self.query.seed)
        return lambda values: np.asarray(sum(values[key] for key in cell.needs))

    def _value_rule(self, cell: Cell) -> Callable[[Values], Array]:
        args = [arg for arg in self.graph.args[cell.node] if arg in self.value_keys]

        def value(values: Values) -> Array:
            known = {arg: values[self.value_keys[arg]] for arg in args}
            return run(self.graph, known, [cell.node])[cell.node]

        return value

    def _local_rule(self, edge: Edge) -> Callable[[Values], Array]:
        scratch, consumer = Graph(), edge.consumer
        places = self._places(scratch, consumer)
        op, args = self.graph.ops[consumer], [places[arg] for arg in self.graph.args[consumer]]
        assert op.local
        local = scratch.lift(op.local(*args, places[consumer])[edge.position])
        return self._reading(scratch, places, local, self.graph.shapes[consumer])

    def _product_rule(self, cell: Cell, edge: Edge) -> Callable[[Values], Array]:
        """Upstream × local, or what the rule of an op of whole arrays makes of the upstream gradient."""
        shape, upstream = self.graph.shapes[edge.arg], self.gradient_keys[edge.consumer]
        if edge.local is not None:
            local = (
                self._local_rule(edge) if edge.consumer == self.query.output else itemgetter(cell.needs[1])
            )
            return lambda values: summed_to(np.asarray(values[upstream] * local(values)), shape)
        scratch, consumer = Graph(), edge.consumer
        arriving = scratch.input(self.graph.shapes[consumer])
        places = self._places(scratch, consumer)
        op, settings = self.graph.ops[consumer], self.graph.settings[consumer]
        args = [places[arg] for arg in self.graph.args[consumer]]
        pulled = pullback(op, arriving, args, places[consumer], settings)[edge.position]
        contribution = scratch.constant(np.zeros(shape)) if pulled is None else pulled
        by_values = self._reading(scratch, places, contribution, shape, arriving)
        return lambda values: by_values({**values, "": values[upstream]})

    def _places(self, scratch: Graph, node: int) -> dict[int, Expr]:
        """A node and its args → what stands for each in a graph of their own; constants as they are."""
        constants, shapes = self.graph.constants, self.graph.shapes
        return {
            place: scratch.constant(constants[place]) if place in constants else scratch.input(shapes[place])
            for place in dict.fromkeys([*self.graph.args[node], node])
        }

    def _reading(
        self,
        scratch: Graph,
        places: Mapping[int, Expr],
        target: Expr,
        shape: Sequence[int],
        arriving: Expr | None = None,
    ) -> Callable[[Values], Array]:
        """What a formula on placeholders for nodes gives; the upstream gradient has the key ""."""

        def value(values: Values) -> Array:
            known = {
                place.id: values[self.value_keys[node]]
                for node, place in places.items()
                if node in self.value_keys
            }
            if arriving is not None:
                known[arriving.id] = values[""]
            return np.broadcast_to(run(scratch, known, [target.id])[target.id], shape)

        return value

    # --- how they are written ---

    def formula(self, cell: Cell) -> Formula:
        """The right formula of a cell, in the names of its needs."""
        query = self.query
        if cell.kind is Kind.VALUE:
            return query.node_row(cell.node, None, "").formula
        if cell.kind is Kind.UPDATE:
            value, gradient = cell.needs
            return words(f"{value} - {self.rate:g} * {gradient}")
        if cell.edge is None:
            return sum_of([self.factors(self.cells[key]) for key in cell.needs]) if cell.needs else words("1")
        if cell.kind is Kind.LOCAL or cell.edge.local is None or cell.edge.consumer == query.output:
            return query.edge_row(cell.edge).local_formula
        return self.factors(cell)

    def factors(self, cell: Cell) -> Formula:
        """Upstream times local derivative, as names."""
        assert cell.edge
        upstream = self.partial(self.query.output, cell.edge.consumer)
        return product_of([upstream, self.partial(cell.edge.consumer, cell.edge.arg)])

    def described(self, cell: Cell) -> str:
        """What a cell is, in words: `the local derivative of a with respect to z`."""
        names = self.query.names()
        facts = {"node": names[cell.node]}
        if cell.edge is not None:
            facts |= {"of": names[cell.edge.consumer], "by": names[cell.edge.arg]}
        kind = "sum" if cell.kind is Kind.GRADIENT and cell.edge is None else cell.kind.value
        return say(f"practice.cell-{kind}", **facts)


def _plain(key: str) -> str:
    """A cell's name however it was typed: `d` for `∂`, `*` for `·`, blanks or none."""
    return "".join(key.replace("∂", "d").replace("·", "*").split())


def _on(spec: NamedGraph, graph: Graph) -> NamedGraph:
    from dataclasses import replace

    return replace(spec, graph=graph)
