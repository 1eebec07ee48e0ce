"""Rows of a large graph of scalars as JSON, written without rows.

A formula there is an op on names, or a rule on them. How it is written depends on the op and on few facts of
its args, so the row is printed once, with places for names and numbers, and that template is filled in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

from bpx.explain.query.gradient_query import written_args
from bpx.explain.query.layers import layer_names, layer_of
from bpx.explain.query.passes import EdgeRow, NodeRow
from bpx.explain.query.plain_rows import plain_node
from bpx.explain.query.scalar_query import NAMES_OF_CONSTANTS, ScalarQuery
from bpx.graph.formula import symbol
from bpx.graph.formula_parts import Number, written_as
from bpx.graph.graph import CONSTANT, Op
from bpx.graph.notation_text import LITERAL, NAME, NEGATIVE, SLOT, template, with_slots
from bpx.graph.numbers import number
from bpx.graph.printer import MOST_KEPT
from bpx.passes.scalar_passes import LocalRule
from bpx.render.json import Rows, encode, encoded_float, encoded_text


class EdgeTemplate(NamedTuple):
    """The row of an edge, with places for its ends, the names in its local derivative, and its numbers.

    Nodes stand in `named` by their places: first those of the args, then that of the node itself, then
    `constants` of the graph. `shared` are ops of the rule on such nodes. Where the graph has one, that is
    called by its name, and the row does not hold.
    """

    row: str
    named: Sequence[int]
    shared: Sequence[tuple[Op, Sequence[int]]]
    constants: tuple[int, ...]


class StreamedQuery(ScalarQuery):
    """A query whose rows are written as JSON sooner than they are made."""

    def _node_rows(self, names: Mapping[int, str]) -> Sequence[NodeRow]:
        rows = super()._node_rows(names)
        return Rows(len(rows), rows.__iter__, lambda: self._node_texts(names))

    def _edge_rows(self) -> Sequence[EdgeRow]:
        rows = super()._edge_rows()
        return Rows(len(rows), rows.__iter__, self._edge_texts)

    @cached_property
    def _names(self) -> Mapping[int, str]:
        """Names of nodes as they stand in a JSON string: mostly as they are, which one look says of all."""
        names = self.spec.names
        if len(encoded_text("".join(names.values()))) == sum(map(len, names.values())) + len('""'):
            return names
        return {node: encoded_text(name)[1:-1] for node, name in names.items()}

    # --- nodes ---

    def _node_texts(self, names: Mapping[int, str]) -> Iterator[str]:
        graph, layers = self.graph, layer_names(names)
        roles = {leaf.node: leaf.role for leaf in self.spec.inputs}
        has_code = self.spec.is_code or self.spec.with_origins
        for node in self.forward:
            layer = layer_of(names[node], layers) if layers else ""
            if has_code or not graph.args[node]:
                yield encode(plain_node(self.node_row(node, roles.get(node), layer)))
            else:
                yield self._node_text(node, f', "layer": {encoded_text(layer)}' if layer else "")

    def _node_text(self, node: int, more: str) -> str:
        graph, passes, names = self.graph, self.passes_in_numbers, self._names
        args, value = graph.args[node], passes.values[node]
        values = [passes.values[arg] for arg in args]
        _, numbers = written_args(graph.ops[node], values, value)
        signs = [NEGATIVE if value < 0 else NAME for value in values]
        texts, kinds = [*map(names.get, args)], [NAME] * len(args)
        if not graph.constants.keys().isdisjoint(args):
            for place, arg in enumerate(args):
                if arg in graph.constants:
                    texts[place], kinds[place] = self._written_constant(arg)
                    name = NAMES_OF_CONSTANTS.get(values[place])
                    numbers[place], signs[place] = name or numbers[place], signs[place] + LITERAL * (not name)
        row = self._node_template(node, tuple(kinds), tuple(signs))
        upstream = encoded_float(passes.gradients[node]) if passes.reaches(node) else "null"
        return row % (node, names[node], *args, *texts, *numbers, value, upstream, more)

    def _written_constant(self, arg: int) -> tuple[str, int]:
        """The text of an arg that is a constant, and its kind."""
        if arg in self.symbols:
            return self._names.get(arg) or str(self.named(arg)), NAME
        constant = Number(float(self.graph.constants[arg]))
        return number(constant.value), LITERAL + constant.is_negative * NEGATIVE

    def _node_template(self, node: int, kinds: tuple[int, ...], signs: tuple[int, ...]) -> str:
        """The row of the node's op on args of these kinds, whose numbers are of the kinds `signs`."""
        key = self.graph.ops[node], kinds, signs
        if key not in self._node_templates:
            part = written_as(self.graph, node)[0]
            formula, with_numbers = (encoded_text(template(part, of)) for of in (kinds, signs))
            self._node_templates[key] = (
                f'{{"id": %s, "name": "%s", "op": {encoded_text(key[0].name)}, '
                f'"args": [{", ".join(["%s"] * len(kinds))}], "formula": {formula}, '
                f'"with_numbers": {with_numbers}, "shape": [], "value": %r, "upstream": %s%s}}'
            )
        return self._node_templates[key]

    @cached_property
    def _node_templates(self) -> dict[tuple[Op, tuple[int, ...], tuple[int, ...]], str]:
        return {}

    # --- edges ---

    def _edge_texts(self) -> Iterator[str]:
        passes, names, args_of, above = self.passes_in_numbers, self._names, self.graph.args, -1
        template_of = self._edge_template
        for rule, consumer, arg, position, local, contribution in passes.edges():
            if consumer != above:  # edges of the same node follow each other
                above, is_nonzero = consumer, passes.values[consumer] != 0
                upstream, around = encoded_float(passes.gradients[consumer]), (*args_of[consumer], consumer)
            row, named, shared, constants = template_of(rule, position, is_nonzero)
            nodes = around + constants
            if shared and self._has_any(shared, nodes):
                written = str(self._local_formula_by(consumer, rule, rule.locals[position]))
                row, named = _edge_row(rule, position, with_slots(written)), ()
            texts = [names[nodes[place]] for place in named]
            yield row % (consumer, arg, *texts, local, upstream, contribution)

    def _has_any(self, ops: Sequence[tuple[Op, Sequence[int]]], nodes: Sequence[int]) -> bool:
        """Has the graph one of these ops on the nodes at such places?"""
        return any(
            self.graph.known(op, tuple([nodes[place] for place in places])) is not None for op, places in ops
        )

    @cached_property
    def _edge_template(self) -> Callable[[LocalRule, int, bool], EdgeTemplate]:
        return lru_cache(MOST_KEPT)(self._made_edge_template)  # a graph may have a rule for each constant

    def _made_edge_template(self, rule: LocalRule, position: int, is_nonzero: bool) -> EdgeTemplate:
        local, graph = rule.locals[position], rule.graph
        places = {node: place for place, node in enumerate((*rule.args, rule.out))}
        needed = graph.needs(of=[local], known=places)
        names = {node: symbol(SLOT, place) for node, place in places.items()}
        values = {node: graph.constants[node] for node in needed if node in graph.constants}
        names |= {node: self._constant_of_rule(value) for node, value in values.items()}
        written = self._local_named(rule, local, names, is_nonzero)
        shared: list[tuple[Op, Sequence[int]]] = []
        constants: list[int] = []
        for node in needed:
            if node in values and node not in places:
                known = self.graph.known(CONSTANT, ((), values[node].tobytes()))
                if known is not None:
                    places[node] = len(rule.args) + 1 + len(constants)
                    constants.append(known)
            elif node not in places and all(arg in places for arg in graph.args[node]):
                shared.append((graph.ops[node], [places[arg] for arg in graph.args[node]]))
        named = [part.node for part in written.symbols if part.name == SLOT and part.node is not None]
        row = _edge_row(rule, position, with_slots(str(written)))
        return EdgeTemplate(row, named, shared, tuple(constants))


def _edge_row(rule: LocalRule, position: int, formula: str) -> str:
    """The row of an edge with slots; the text of its local derivative, `formula`, may have some too."""
    constant = rule.graph.constants.get(rule.locals[position])
    is_flat = "true" if constant == 0 else "false"
    return (
        f'{{"from": %s, "to": %s, "arg": {position}, "local_formula": {encoded_text(formula)}, '
        f'"local": %r, "upstream": %s, "contribution": %r, "summed": [], "flat": {is_flat}}}'
    )
