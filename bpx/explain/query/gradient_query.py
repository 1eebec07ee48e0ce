"""One output and what its gradient is asked for: the values and the ledger that all sections share.

Every number is the value of a node and every formula the printing of one.
"""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

import numpy as np

from bpx.explain.query.guards import without_guards
from bpx.explain.query.layers import is_within, layers_of
from bpx.explain.query.passes import EdgeRow, NodeRow
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
from bpx.graph.graph import CONSTANT, INPUT, Expr, Graph, Op
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.numbers import CONSTANTS, LARGEST_SHOWN, MOST_DIGITS, SHOWN_DIGITS, number
from bpx.graph.run import run
from bpx.passes.domain import (
    broadcast_warnings,
    gradient_warnings,
    kink_notes,
    overflow_warnings,
    value_problems,
)
from bpx.passes.plain import value_of_floats
from bpx.passes.query import query_nodes, seed_of, unknown_node
from bpx.passes.reverse import Edge, Ledger, pullback, reverse
from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.say import say

if TYPE_CHECKING:
    from bpx.check.quick_check import QuickCheck

_P = TypeVar("_P")


class _PlacedRule(NamedTuple):
    """The rule of a node on placeholders: its upstream gradient, names of the others, what each arg gets."""

    node: int
    scratch: Graph
    upstream: int
    names: dict[int, Formula]
    contributions: Sequence[Expr | None]


class GradientQuery:
    """One output, what its gradient is asked for, and the values of all nodes that this takes."""

    def __init__(self, spec: NamedGraph, of: str | None, wrt: Sequence[str] | None, upstream: Any) -> None:
        self.spec, self.graph, self._arguments = spec, spec.graph, (of, wrt, upstream)
        self.fused: GradientQuery | None = None  # the same query before nodes were rewritten
        self.rewritten: tuple[str, ...] = ()
        self.symbols = {node: symbol(name, node) for node, name in spec.names.items()}
        self.whole, self.weighted = of is None, upstream is not None
        self.output, self.wrt = query_nodes(spec, of, wrt)
        self.seed, self.seed_notes = seed_of(self.graph.shapes[self.output], upstream)
        self.ledger = reverse(
            self.graph[self.output],
            [self.graph[node] for node in self.wrt.values()],
            self.graph.constant(self.seed),
        )
        self.forward = self._forward_nodes()
        self.values = self._run()
        self._last_rule: _PlacedRule | None = None

    @classmethod
    def on_copy(cls, spec: NamedGraph, of: str | None, wrt: Sequence[str] | None, upstream: Any) -> Self:
        """The query on a graph of its own, to which the reverse pass is appended."""
        return cls(replace(spec, graph=spec.graph.copy()), of, wrt, upstream)

    def _forward_nodes(self) -> list[int]:
        also = self.spec.steps.values() if self.whole else ()
        inputs = [leaf.node for leaf in self.spec.inputs] if self.whole else ()
        return self.graph.needs(of=[self.output, *also, *inputs])

    def _run(self) -> dict[int, Array]:
        values = run(self.graph, self.spec.input_values, self.forward)
        problems = value_problems(self.spec, values)
        if problems:
            raise BpxError(problems)
        targets = {node for edge in self.ledger.edges for node in _numbers_of(edge)}
        values = run(
            self.graph,
            {**self.spec.input_values, **values},
            [*self.forward, *targets, *self.ledger.upstream.values()],
        )
        for value in values.values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)  # rows share arrays; a change in one would change others
        return values

    def notes(self) -> tuple[Diagnostic, ...]:
        """What there is to say of the passes: where they broadcast, overflow, or meet a kink."""
        return (
            *self.spec.warnings,
            *self.seed_notes,
            *broadcast_warnings(self.spec),
            *gradient_warnings(self.spec, self.ledger, self.values),
            *overflow_warnings(self.spec, self.ledger, self.values),
            *{note.message: note for note in self._kink_notes()}.values(),
        )

    def _kink_notes(self) -> Iterator[Diagnostic]:
        """Kinks of the reverse pass, and those of passes that are nodes of the graph, `grad(L, w)`."""
        yield from kink_notes(self.spec, self.ledger, self.values)
        for node in self.forward:
            if self.graph.ops[node].quoted:
                of, by, _ = self.graph[node].args
                ledger = reverse(of, [by])  # of nodes that are there already: equal nodes are shared
                targets = [edge.local for edge in ledger.edges if edge.local is not None]
                known = {**self.spec.input_values, **self.values}
                yield from kink_notes(self.spec, ledger, {**self.values, **run(self.graph, known, targets)})

    def made_ledger(self) -> Ledger:
        """The ledger, as a function that can be pickled with what keeps it."""
        return self.ledger

    def passes(self, kind: Callable[..., _P], **more: Any) -> _P:
        """Both passes as rows, in a class of the fields of `Passes` and of those that `more` fills."""
        names = self.names()
        return kind(
            title=self.spec.title,
            output=self.output,
            value=self.values[self.output],
            names=names,
            inputs=tuple(leaf.name for leaf in self.spec.inputs),
            nodes=self._node_rows(names),
            edges=self._edge_rows(),
            seed=self.seed,
            weighted=self.weighted,
            made_ledger=self.made_ledger,
            **more,
        )

    def _node_rows(self, names: Mapping[int, str]) -> Sequence[NodeRow]:
        roles, layers = {leaf.node: leaf.role for leaf in self.spec.inputs}, layers_of(names)
        return tuple(self.node_row(node, roles.get(node), layers[node]) for node in self.forward)

    def _edge_rows(self) -> Sequence[EdgeRow]:
        return tuple(self.edge_row(edge) for edge in self.ledger.edges)

    def opened(self, name: str, among: Container[int] | None = None) -> str:
        """The name of a node or layer to be looked at alone, if need be `among` some nodes.

        Raises `BpxError` for an unknown one.
        """
        names = {node: name for node, name in self.names().items() if among is None or node in among}
        if any(is_within(node, name) for node in names.values()):
            return name
        layers = dict.fromkeys(layer for layer in layers_of(names).values() if layer)
        raise BpxError([unknown_node(name, dict.fromkeys([*layers, *names.values()]))])

    def expanded(self, names: Sequence[str]) -> GradientQuery:
        """The same query of the spec with the named nodes (or all) written in simpler ops."""
        from bpx.passes.expand import chosen_names, expanded

        query = GradientQuery(expanded(self.spec, names), *self._arguments)
        query.fused, query.rewritten = self, tuple(chosen_names(self.spec, names))
        return query

    def names(self) -> Mapping[int, str]:
        """Node id → its name, or its formula where it has none, for the nodes of the forward pass."""
        names = self.spec.names
        return {node: names.get(node) or str(self.named(node)) for node in self.forward}

    def named(self, node: int) -> Formula:
        """The name of a node, or its formula where it has none; made once, as many edges share theirs."""
        if node not in self.symbols:
            self.symbols[node] = formula(self.graph, node, self.symbols)
        return self.symbols[node]

    def reaches(self, node: int) -> bool:
        """Does the reverse pass come by the node?"""
        return node in self.ledger.upstream

    def gradient(self, node: int) -> Array:
        """∂output/∂node, of the node's shape; 0 where the output does not depend on it."""
        if not self.reaches(node):
            return np.zeros(self.graph.shapes[node])
        return self.values[self.ledger.upstream[node]]

    def ops_met(self) -> dict[Op, None]:
        """The ops that the reverse pass comes by, in its order."""
        return dict.fromkeys(self.graph.ops[edge.consumer] for edge in self.ledger.edges)

    def quick_check(self, second: bool) -> QuickCheck | None:
        """What differences say of the gradients, for these and `second` see `bpx.check.quick_check`."""
        from bpx.check.quick_check import quick_check

        return quick_check(self.spec, self.ledger, self.wrt, self.seed, second)

    def gradients_by_name(self, names: Iterable[str]) -> dict[str, Array]:
        """∂output/∂node by name, also of nodes that this query does not ask for, such as targets."""
        missing = {name: None for name in names if not self.reaches(self.spec.nodes[name])}
        other = GradientQuery(self.spec, None, list(missing), None) if missing else self
        return {name: (other if name in missing else self).gradient(self.spec.nodes[name]) for name in names}

    def node_row(self, node: int, role: str | None, layer: str) -> NodeRow:
        """A node of the forward pass."""
        graph, names = self.graph, self.spec.names
        written = self.named(node) if role else self._formula(node)
        return NodeRow(
            node,
            names.get(node) or str(written),
            graph.ops[node].name,
            graph.args[node],
            written,
            self._with_numbers(node),
            graph.shapes[node],
            self.values[node],
            self.gradient(node) if self.reaches(node) else None,
            role,
            layer,
            self.spec.origins.get(node) if self.spec.is_code or self.spec.with_origins else None,
            node in self.spec.own_names,
        )

    def _formula(self, node: int) -> Formula:
        return formula(self.graph, node, self.symbols)

    def _with_numbers(self, node: int) -> Formula | None:
        graph = self.graph
        if graph.ops[node] in (INPUT, CONSTANT):
            return None
        if graph.ops[node].quoted:  # what it is written with is not what its value comes from
            return self.named(graph.args[node][-1])
        if any(math.prod(graph.shapes[arg]) > LARGEST_SHOWN for arg in graph.args[node]):
            return None
        digits = self._digits_needed(node)
        constants, args = graph.constants, graph.args[node]
        shown = {
            arg: numbers(self.values[arg], digits, None if arg in constants else arg)
            for arg in args
            if arg not in constants or constants[arg].ndim or float(constants[arg]) not in CONSTANTS.values()
        }  # e and pi keep their names
        return formula(graph, node, shown)

    def _digits_needed(self, node: int) -> int:
        """As many digits as it takes to get the node's value from its args as they are written.

        Where digits cancel, as in 123456789 - 123456788.5, six are not enough.
        """
        args = [self.values[arg] for arg in self.graph.args[node]]
        op, value = self.graph.ops[node], self.values[node]
        if not op.elementwise or any(np.ndim(arg) for arg in args):
            return SHOWN_DIGITS
        return written_args(op, [float(arg) for arg in args], float(value))[0]

    def edge_row(self, edge: Edge, upstream: Formula | None = None) -> EdgeRow:
        """An edge of the reverse pass; `upstream` is what its formula calls the upstream gradient."""
        local = None if edge.local is None else self.values[edge.local]
        return EdgeRow(
            edge.consumer,
            edge.arg,
            edge.position,
            self._pull_formula(edge, upstream) if edge.local is None else self._local_formula(edge),
            local,
            self.values[edge.upstream],
            self.values[edge.contribution],
            self.summed_axes(edge),
            edge.local in self.graph.constants and not self.graph.constants[edge.local].any(),
        )

    def summed_axes(self, edge: Edge) -> tuple[int, ...]:
        """The axes over which upstream × local is summed, because the arg was broadcast along them."""
        out, arg = self.graph.shapes[edge.consumer], self.graph.shapes[edge.arg]
        if edge.local is None or out == arg:
            return ()
        padded = (0,) * (len(out) - len(arg)) + arg
        return tuple(axis for axis, (n, m) in enumerate(zip(out, padded, strict=True)) if n != m)

    def _local_formula(self, edge: Edge) -> Formula:
        """The local derivative as it is printed, without guards that guard against nothing here."""
        assert edge.local is not None
        if edge.local not in self.symbols:
            nonzero = self._is_nonzero(edge.consumer)
            hidden = without_guards(self.graph, edge.local, self.symbols, nonzero)
            if hidden:
                shown = ChainMap(hidden, self.symbols)
                self.symbols[edge.local] = formula(self.graph, edge.local, shown, open_root=False)
        return self.named(edge.local)

    def _pull_formula(self, edge: Edge, upstream_formula: Formula | None) -> Formula:
        """The rule itself, applied to placeholders and printed."""
        consumer = edge.consumer
        rule = self._rule_on_placeholders(consumer)
        contribution = rule.contributions[edge.position]
        if contribution is None:
            return numbers(0.0)
        arriving = {rule.upstream: upstream_formula or self._upstream_named(consumer)}
        shown: ChainMap[int, Formula] = ChainMap(arriving, rule.names)
        if ops_written(rule.scratch, contribution.id, shown) > MOST_IN_A_RULE:
            return words(say("account.by-parts", name=self.spec.names[consumer]))
        hidden = without_guards(rule.scratch, contribution.id, shown, self._is_nonzero(consumer))
        return formula(rule.scratch, contribution.id, shown.new_child(hidden), open_root=False)

    def _rule_on_placeholders(self, consumer: int) -> _PlacedRule:
        """That of the last op is kept: its edges follow each other, and one of 1,000 args has 1,000."""
        if self._last_rule is None or self._last_rule.node != consumer:
            scratch, shapes = Graph(), self.graph.shapes
            op, args = self.graph.ops[consumer], self.graph.args[consumer]
            upstream, out = scratch.input(shapes[consumer]), scratch.input(shapes[consumer])
            placeholders = [scratch.input(shapes[arg]) for arg in args]
            names = {expr.id: self.named(arg) for expr, arg in zip(placeholders, args, strict=True)}
            names[out.id] = self.named(consumer)
            contributions = pullback(op, upstream, placeholders, out, self.graph.settings[consumer])
            self._last_rule = _PlacedRule(consumer, scratch, upstream.id, names, contributions)
        return self._last_rule

    def _is_nonzero(self, node: int) -> bool:
        """Is no element of its value 0?"""
        value = self.values[node]
        return bool(value.all() if value.ndim else value)

    def _upstream_named(self, consumer: int) -> Formula:
        """What the upstream gradient of a node is called: that of the output is its value, or a word."""
        if consumer != self.output:
            return derivative(self.named(self.output), self.named(consumer))
        return words(say("account.upstream")) if np.ndim(self.seed) else numbers(self.seed)


_NEAR = 2 * 10.0 ** (1 - SHOWN_DIGITS)  # relative: at most two units of the last digit that is shown


def written_args(op: Op, args: Sequence[float], value: float) -> tuple[int, list[str]]:
    """As many digits as it takes to get the value of an op from its args as they are written, and these."""
    for digits in (SHOWN_DIGITS, 9, 12, MOST_DIGITS):
        texts = [number(arg, digits) for arg in args]
        rounded = value_of_floats(op, list(map(float, texts)))
        if abs(rounded - value) <= _NEAR * abs(value):
            break
    return digits, texts


def _numbers_of(edge: Edge) -> Iterable[int]:
    return [node for node in (edge.local, edge.upstream, edge.contribution) if node is not None]
