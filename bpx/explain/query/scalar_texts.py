"""Rows of a large graph of scalars as JSON, written without rows.

A formula there is an op on names, or a rule on them. How it is written depends on the op and on few facts of
its args, so it is printed once, with places for the texts of the args, and that template is filled in.
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


class LocalTemplate(NamedTuple):
    """How a local derivative is written: a text, and which nodes are named in it.

    Nodes stand here by their places: first those of the args, then that of the node itself, then `constants`
    of the graph. `shared` are ops of the rule on such nodes. Where the graph has one, that is called by its
    name, and the text does not hold.
    """

    text: str
    named: Sequence[int]
    shared: Sequence[tuple[Op, Sequence[int]]]
    constants: Sequence[int]


class StreamedQuery(ScalarQuery):
    """A query whose rows are written as JSON sooner than they are made."""

    def _node_rows(self, names: Mapping[int, str]) -> Sequence[NodeRow]:
        rows = super()._node_rows(names)
        return Rows(len(rows), rows.__iter__, lambda: self._node_texts(names))

    def _edge_rows(self) -> Sequence[EdgeRow]:
        rows = super()._edge_rows()
        return Rows(len(rows), rows.__iter__, self._edge_texts)

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
                yield self._node_text(node, names[node], layer)

    def _node_text(self, node: int, name: str, layer: str) -> str:
        op, args, passes = self.graph.ops[node].name, self.graph.args[node], self.passes_in_numbers
        upstream = encoded_float(passes.gradients[node]) if self.reaches(node) else "null"
        more = f', "layer": {encoded_text(layer)}' if layer else ""
        return (
            f'{{"id": {node}, "name": {encoded_text(name)}, "op": {encoded_text(op)}, '
            f'"args": [{", ".join(map(str, args))}], '
            f'"formula": {encoded_text(self._formula_text(node))}, '
            f'"with_numbers": {encoded_text(self._text_with_numbers(node))}, "shape": [], '
            f'"value": {encoded_float(passes.values[node])}, "upstream": {upstream}{more}}}'
        )

    def _formula_text(self, node: int) -> str:
        args, names = self.graph.args[node], self.spec.names
        if self.graph.constants.keys().isdisjoint(args):
            return self._template(node, (NAME,) * len(args)) % tuple(map(names.__getitem__, args))
        texts, kinds = zip(*map(self._written_arg, args), strict=True)
        return self._template(node, kinds) % texts

    def _written_arg(self, arg: int) -> tuple[str, int]:
        """The text of an arg, and its kind."""
        if arg in self.symbols:
            return str(self.named(arg)), NAME
        constant = Number(float(self.graph.constants[arg]))
        return number(constant.value), LITERAL + constant.is_negative * NEGATIVE

    def _text_with_numbers(self, node: int) -> str:
        args, constants, passes = self.graph.args[node], self.graph.constants, self.passes_in_numbers
        values = [passes.values[arg] for arg in args]
        _, texts = written_args(self.graph.ops[node], values, passes.values[node])
        kinds = [NAME + (value < 0) * NEGATIVE for value in values]
        if not constants.keys().isdisjoint(args):
            for place, arg in enumerate(args):
                if name := arg in constants and NAMES_OF_CONSTANTS.get(values[place]):
                    texts[place] = name
                elif arg in constants:
                    kinds[place] += LITERAL
        return self._template(node, tuple(kinds)) % tuple(texts)

    def _template(self, node: int, kinds: tuple[int, ...]) -> str:
        key = self.graph.ops[node], kinds
        if key not in self._templates:
            self._templates[key] = template(written_as(self.graph, node)[0], kinds)
        return self._templates[key]

    @cached_property
    def _templates(self) -> dict[tuple[Op, tuple[int, ...]], str]:
        return {}

    # --- edges ---

    def _edge_texts(self) -> Iterator[str]:
        gradients, above, upstream = self.passes_in_numbers.gradients, -1, ""
        for rule, consumer, arg, position, local, contribution in self.passes_in_numbers.edges():
            if consumer != above:  # edges of the same node follow each other
                above, upstream = consumer, encoded_float(gradients[consumer])
            is_flat = rule.are_constant[position] and local == 0
            yield (
                f'{{"from": {consumer}, "to": {arg}, "arg": {position}, '
                f'"local_formula": {encoded_text(self._local_text(consumer, rule, position))}, '
                f'"local": {encoded_float(local)}, "upstream": {upstream}, '
                f'"contribution": {encoded_float(contribution)}, '
                f'"summed": [], "flat": {"true" if is_flat else "false"}}}'
            )

    def _local_text(self, consumer: int, rule: LocalRule, position: int) -> str:
        is_nonzero = self.passes_in_numbers.values[consumer] != 0
        text, named, shared, constants = self._local_template(rule, position, is_nonzero)
        nodes = (*self.graph.args[consumer], consumer, *constants)
        for op, places in shared:
            if self.graph.known(op, tuple([nodes[place] for place in places])) is not None:
                return str(self._local_formula_by(consumer, rule, rule.locals[position]))
        names = self.spec.names
        return text % tuple([names[nodes[place]] for place in named])

    @cached_property
    def _local_template(self) -> Callable[[LocalRule, int, bool], LocalTemplate]:
        return lru_cache(MOST_KEPT)(self._made_local_template)  # a graph may have a rule for each constant

    def _made_local_template(self, rule: LocalRule, position: int, is_nonzero: bool) -> LocalTemplate:
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
        return LocalTemplate(with_slots(str(written)), named, shared, constants)
