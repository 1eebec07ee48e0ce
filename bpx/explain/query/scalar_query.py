"""The query of a large graph of scalars, whose rows are made whenever they are read.

The nodes of the reverse pass, and rows with their formulas, take kilobytes for each node of the graph. Here a
row is made from both passes as numbers and from the rule of its op, written with the names of the nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from bpx.check.numeric.tolerances import MOST_QUICK_NODES
from bpx.explain.query.gradient_query import GradientQuery, written_args
from bpx.explain.query.guards import without_guards
from bpx.explain.query.layers import layer_names, layer_of
from bpx.explain.query.passes import EdgeRow, NodeRow
from bpx.graph.arrays import Array
from bpx.graph.formula import Formula, formula, numbers, symbol
from bpx.graph.formula_parts import Number, Symbol, written_as
from bpx.graph.graph import CONSTANT, Op
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.numbers import CONSTANTS, SHOWN_DIGITS, number
from bpx.passes.domain import fixed_choices, kink_note, kink_text
from bpx.passes.query import query_nodes, seed_of
from bpx.passes.reverse import Ledger
from bpx.passes.scalar_passes import LocalRule, ScalarPasses, scalar_passes
from bpx.render.json import Rows
from bpx.words.diagnostic import Diagnostic

if TYPE_CHECKING:
    from bpx.check.quick_check import QuickCheck

LEAST_NODES = 2_000  # fewer are kept as rows, which need not be made again for each reader
NAMES_OF_CONSTANTS = {value: name for name, value in CONSTANTS.items()}


class ScalarQuery(GradientQuery):
    """A query that builds no nodes; its ledger is made for whoever asks for one."""

    passes_in_numbers: ScalarPasses

    @classmethod
    def of(cls, spec: NamedGraph, of: str | None, wrt: Sequence[str] | None, upstream: Any) -> Self | None:
        """The query; None where the graph is small or not of scalars, or where a number is not finite.

        Raises `BpxError` as a `GradientQuery` does.
        """
        if len(spec.graph) < LEAST_NODES or spec.expect:
            return None
        query = cls.__new__(cls)
        query.spec, query.graph, query._arguments = spec, spec.graph, (of, wrt, upstream)
        query.fused, query.rewritten = None, ()
        query.whole, query.weighted = of is None, upstream is not None
        query.output, query.wrt = query_nodes(spec, of, wrt)
        query.seed, query.seed_notes = seed_of(spec.graph.shapes[query.output], upstream)
        if query.seed.ndim:
            return None
        query.forward = query._forward_nodes()
        targets, seed = [*query.wrt.values()], float(query.seed)
        passes = scalar_passes(spec.graph, query.output, targets, query.forward, spec.input_values, seed)
        if passes is None:
            return None
        query.passes_in_numbers = passes
        return query

    @cached_property
    def _constants(self) -> dict[bytes, Formula]:
        """Those of rules, which are few, as they are written."""
        return {}

    # --- what sections ask ---

    @cached_property
    def ledger(self) -> Ledger:  # type: ignore[override]
        """That of the same query with nodes."""
        return GradientQuery.on_copy(self.spec, *self._arguments).ledger

    def reaches(self, node: int) -> bool:
        """Does the reverse pass come by the node?"""
        return self.passes_in_numbers.reaches(node)

    def gradient(self, node: int) -> Array:
        """∂output/∂node; 0 where the output does not depend on it."""
        if not self.reaches(node):
            return np.zeros(())
        gradient: Array = _as_array(self.passes_in_numbers.gradients[node])
        return gradient

    def ops_met(self) -> dict[Op, None]:
        """The ops that the reverse pass comes by, in its order."""
        return dict.fromkeys(map(self.graph.ops.__getitem__, self.passes_in_numbers.consumers()))

    def quick_check(self, second: bool) -> QuickCheck | None:
        """What differences say, where the graph is not too large for them."""
        if not self.wrt or len(self.graph.needs(of=[self.output])) <= MOST_QUICK_NODES:
            return super().quick_check(second)
        from bpx.check.quick_check import SKIPPED

        return SKIPPED

    def notes(self) -> tuple[Diagnostic, ...]:
        """Of scalars that are all finite there is nothing to say but where they meet a kink."""
        kinks = list(self.passes_in_numbers.kinks())
        fixed = fixed_choices(self.spec, [leaf.node for leaf in self.spec.inputs]) if kinks else ()
        # Guards are written with nodes of their own, and the graph is the user's.
        spec = replace(self.spec, graph=self.graph.copy()) if kinks else self.spec
        notes = [
            kink_note(
                spec,
                kink.node,
                kink_text(spec, kink.node, kink.number),
                [number(local, SHOWN_DIGITS) for local in kink.locals],
            )
            for kink in kinks
            if kink.node not in fixed
        ]
        return (*self.spec.warnings, *self.seed_notes, *{note.message: note for note in notes}.values())

    # --- names and values ---

    @cached_property
    def symbols(self) -> Mapping[int, str | Formula]:  # type: ignore[override]
        """The names of nodes as the spec has them, of which formulas make symbols, and those of e and pi."""
        names, constants = self.spec.names, self.graph.constants
        special = [node for node, value in constants.items() if float(value) in NAMES_OF_CONSTANTS]
        return {**names, **{node: self._constant(constants[node]) for node in special}} if special else names

    @cached_property
    def values(self) -> _Values:  # type: ignore[override]
        """The values of the nodes of the forward pass."""
        return _Values(self.passes_in_numbers)

    def named(self, node: int) -> Formula:
        """The name of a node, or its formula where it has none."""
        name = self.symbols.get(node)
        if isinstance(name, str):
            return symbol(name, node)
        return formula(self.graph, node, self.symbols) if name is None else name

    def names(self) -> Mapping[int, str]:
        """Those of the spec where each node has one: another dict of them would take as much again."""
        names = self.spec.names
        is_whole = len(names) == len(self.forward) and all(map(names.__contains__, self.forward))
        return names if is_whole else super().names()

    # --- rows ---

    def _node_rows(self, names: Mapping[int, str]) -> Sequence[NodeRow]:
        roles, layers = {leaf.node: leaf.role for leaf in self.spec.inputs}, layer_names(names)

        def rows() -> Iterator[NodeRow]:
            for node in self.forward:
                yield self.node_row(node, roles.get(node), layer_of(names[node], layers) if layers else "")

        return Rows(len(self.forward), rows)

    def _edge_rows(self) -> Sequence[EdgeRow]:
        return Rows(self.passes_in_numbers.edge_count, self._made_edge_rows)

    def _made_edge_rows(self) -> Iterator[EdgeRow]:
        passes = self.passes_in_numbers
        for rule, consumer, arg, position, local, contribution in passes.edges():
            yield EdgeRow(
                consumer,
                arg,
                position,
                self._local_formula_by(consumer, rule, rule.locals[position]),
                _as_array(local),
                _as_array(passes.gradients[consumer]),
                _as_array(contribution),
                flat=rule.are_constant[position] and local == 0,
            )

    # --- formulas of nodes: an op on names, or on numbers, needs no walk through the graph ---

    def _formula(self, node: int) -> Formula:
        part, args = written_as(self.graph, node) if self.graph.args[node] else (None, ())
        names = [self.spec.names.get(arg) for arg in args]
        if part is None or None in names:
            return super()._formula(node)
        return Formula((part, *map(Symbol, names, args)))  # type: ignore[arg-type]

    def _with_numbers(self, node: int) -> Formula | None:
        args, constants = self.graph.args[node], self.graph.constants
        if not args or any(arg in constants for arg in args):
            return super()._with_numbers(node)
        digits = self._digits_needed(node)
        part, args = written_as(self.graph, node)
        return Formula((part, *[Number(self.passes_in_numbers.values[arg], digits, arg) for arg in args]))

    def _digits_needed(self, node: int) -> int:
        values = self.passes_in_numbers.values
        args = [values[arg] for arg in self.graph.args[node]]
        return written_args(self.graph.ops[node], args, values[node])[0]

    # --- formulas of rules ---

    def _local_formula_by(self, consumer: int, rule: LocalRule, local: int) -> Formula:
        """The local derivative as it is printed, without guards that guard against nothing here."""
        if local in rule.args:
            return self.named(self.graph.args[consumer][rule.args.index(local)])
        if local in rule.graph.constants:
            return self._constant_of_rule(rule.graph.constants[local])
        is_nonzero = self.passes_in_numbers.values[consumer] != 0
        return self._local_named(rule, local, self._names_in(consumer, rule, local), is_nonzero)

    def _local_named(
        self, rule: LocalRule, local: int, names: dict[int, Formula], is_nonzero: bool
    ) -> Formula:
        """The same with these names of a rule's nodes; `is_nonzero` says it of the value of the op."""
        if local not in names:
            names = names | without_guards(rule.graph, local, names, is_nonzero)
        return formula(rule.graph, local, names, open_root=False)

    def _names_in(self, consumer: int, rule: LocalRule, target: int) -> dict[int, Formula]:
        """What the nodes of a rule that `target` needs are called.

        Placeholders are called by the nodes that they stand for. So is what the graph has already, as the
        `2 * x` that a square would build: it has a name there.
        """
        places = dict(zip(rule.args, self.graph.args[consumer], strict=True)) | {rule.out: consumer}
        needed = rule.graph.needs(of=[target], known=places)
        for node in needed:
            if node not in places and (same := self._same(rule, node, places)) is not None:
                places[node] = same
        constants = rule.graph.constants
        names = {node: self.named(places[node]) for node in needed if places.get(node) in self.symbols}
        return {node: self._constant_of_rule(constants[node]) for node in needed if node in constants} | names

    def _same(self, rule: LocalRule, node: int, places: Mapping[int, int]) -> int | None:
        """The node of the graph that a node of a rule is; None where the graph has none."""
        graph = rule.graph
        if graph.ops[node] is CONSTANT:
            return self.graph.known(CONSTANT, ((), graph.constants[node].tobytes()))
        if not all(arg in places for arg in graph.args[node]):
            return None
        return self.graph.known(graph.ops[node], tuple([places[arg] for arg in graph.args[node]]))

    def _constant_of_rule(self, value: Array) -> Formula:
        """A constant of a rule: by the name of the node that the graph has for it, or as a number."""
        key = value.tobytes()
        if key not in self._constants:
            node = self.graph.known(CONSTANT, ((), key))
            named = node is not None and node in self.symbols and self.named(node)
            self._constants[key] = named or self._constant(value)
        return self._constants[key]

    def _constant(self, value: Array) -> Formula:
        """A constant, e and pi by their names where the spec does not use these."""
        name = NAMES_OF_CONSTANTS.get(float(value))
        return symbol(name) if name and name not in self.spec.nodes else numbers(value)


class _Values:
    """Values by node, as a dict would hold them."""

    def __init__(self, passes: ScalarPasses) -> None:
        self._values = passes.values

    def __getitem__(self, node: int) -> Array:
        value: Array = _as_array(self._values[node])
        return value


_as_array: Callable[[float], Any] = np.float64  # which has what an array of no axes has
