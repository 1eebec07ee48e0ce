"""The right gradient of a node as a formula that can be claimed: in names of the spec alone.

It is the chain rule from the nearest nodes that have names, ∂L/∂w = ∂L/∂z * x, written as people would: a
product stretches what it has to, and nothing is spread over an array before.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from bpx.check.blame.textbook import textbook_form
from bpx.check.blame.where import array_names, by_any_name, written
from bpx.check.numeric.tolerances import (
    LONGEST_CORRECTION,
    MOST_IN_A_CORRECTION,
    SHORT_ENOUGH,
    TEXTBOOK_LENGTH,
)
from bpx.check.patterns.error_patterns import true_row
from bpx.check.report.blame import Correction
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.graph.arrays import ShapeError, broadcast
from bpx.graph.formula import Formula, derivative, equation, formula, numbers, ops_written, words
from bpx.graph.formula_parts import DERIVATIVE
from bpx.graph.graph import OPS, Expr, Graph, Op
from bpx.graph.numbers import LARGEST_SHOWN
from bpx.graph.run import run
from bpx.graph.subgraph import Subgraph
from bpx.ops.shapes import broadcast_to, unsqueeze
from bpx.ops.tensors import spread
from bpx.passes.reverse import reverse


def right_gradient(checked: CheckedGraph, node: int) -> Correction:
    """The gradient of a node by the chain rule; before it a shorter form, where there is one.

    What bpx calls a node without a name is explained.
    """
    output = checked.query.output
    left = derivative(by_any_name(checked, output), by_any_name(checked, node))
    right, where = _right_side(checked, node)
    named = {output, *checked.query.spec.own_names}
    unnamed = () if node in named else (_explained(checked, node),)
    return Correction(equation(left, right), (*unnamed, *where))


def _right_side(checked: CheckedGraph, node: int) -> Correction:
    if node == checked.query.output:
        return Correction(numbers(checked.query.seed))
    by_chain_rule, where = chain_rule(checked, node)
    is_final = DERIVATIVE not in by_chain_rule.parts
    if is_final and len(by_chain_rule.parts) <= SHORT_ENOUGH:
        return Correction(by_chain_rule)
    textbook = textbook_form(checked, node)
    short = textbook.formula if textbook else None
    # Where others have to be looked up, the whole may be somewhat longer.
    longest = (1 if is_final else TEXTBOOK_LENGTH) * len(str(by_chain_rule))
    if short is None or len(str(short)) >= longest:
        return Correction(by_chain_rule, where)
    if is_final or where:
        return Correction(short)
    return Correction(equation(short, by_chain_rule), where)


def chain_rule(checked: CheckedGraph, node: int) -> Correction:
    """The gradient from those of the nodes next above that have names; a long one from its consumers'.

    Consumers without a name are called as in `explain`, and explained.
    """
    names = {*checked.query.spec.own_names, checked.query.output} - {node}
    whole = Written(checked, node, names)
    if whole.ops <= MOST_IN_A_CORRECTION:
        return Correction(whole.formula)
    consumers = {edge.consumer for edge in checked.ledger.edges if edge.arg == node}
    part = Written(checked, node, names | consumers)
    if part.ops > LONGEST_CORRECTION:
        return Correction(_as_numbers(checked, node))
    unnamed = sorted(consumers - names)
    where = [
        equation(by_any_name(checked, consumer), written(checked, consumer, open_root=True))
        for consumer in unnamed
    ]
    return Correction(part.formula, tuple(where))


def _as_numbers(checked: CheckedGraph, node: int) -> Formula:
    """For where a rule takes more ops than anybody reads: that of `sort` doubles with each round."""
    graph, query = _with_true_rules(checked), checked.query
    ledger = reverse(graph[query.output], [graph[node]], graph.constant(query.seed))
    gradient = ledger.gradient(node)
    if math.prod(graph.shapes[node]) > LARGEST_SHOWN or gradient is None:
        return words("…")
    return numbers(run(graph, checked.known, [gradient.id])[gradient.id])


def _with_true_rules(checked: CheckedGraph) -> Graph:
    graph = checked.query.spec.graph.copy()
    graph.ops = [op if op.name in OPS else true_row(op) for op in graph.ops]
    return graph


def _explained(checked: CheckedGraph, node: int) -> Formula:
    """What a node without a name is: `v1 = w * x`."""
    return equation(by_any_name(checked, node), written(checked, node, open_root=True))


class Written:
    """The gradient of a node from those of the nodes `stops`, written out.

    Its graph has placeholders for named `nodes`, and for `gradients` of nodes, by their ids in it; `names` is
    what they are called, and `root` the gradient.
    """

    def __init__(self, checked: CheckedGraph, node: int, stops: Collection[int]) -> None:
        self.checked, self.graph = checked, Graph()
        self.names: dict[int, Formula] = {}
        self.nodes: dict[int, int] = {}
        self.gradients: dict[int, int] = {}
        output = checked.query.output
        self.twin = _with_true_rules(checked)
        above = self.twin.touched(by=[node], upto=output)
        # A step beside the output's own may depend on the node, too: no gradient arrives there.
        between = [stop for stop in self.twin.needs(of=[output]) if stop in stops and above[stop]]
        # The seed too is a placeholder: numbers are put in when everything else stands where it should.
        arriving = {stop: self.twin.input(self.twin.shapes[stop]) for stop in between}
        known = arriving | {output: self.twin.input(self.twin.shapes[output])}
        ledger = reverse(self.twin[output], [self.twin[node]], known[output], known=known)
        gradient = ledger.gradient(node)
        self.root = self.graph.constant(0.0) if gradient is None else self._plain(gradient, known)

    @property
    def formula(self) -> Formula:
        """The gradient as a formula."""
        arrays = array_names(self.checked, self.graph, self.graph.needs(of=[self.root.id]))
        return formula(self.graph, self.root.id, {**arrays, **self.names}, open_root=False)

    @property
    def ops(self) -> int:
        """How many operations are written in it."""
        return ops_written(self.graph, self.root.id, self.names)

    def _plain(self, gradient: Expr, known: Mapping[int, Expr]) -> Expr:
        """The gradient in the graph of this formula, with names in place of what has some."""
        checked, output = self.checked, self.checked.query.output
        handles: dict[int, Expr] = {known[output].id: self.graph.constant(checked.query.seed)}
        for stop, placeholder in known.items():
            if stop != output:
                name = derivative(by_any_name(checked, output), by_any_name(checked, stop))
                handle = handles[placeholder.id] = self._named(placeholder.id, name)
                self.gradients[handle.id] = stop
        for node in dict.fromkeys((*checked.query.spec.own_names, output)):
            handle = handles[node] = self._named(node, by_any_name(checked, node))
            self.nodes[handle.id] = node
        inside = Subgraph(self.twin, tuple(handles), gradient.id)
        return _built(inside, [*handles.values()], self.graph)

    def _named(self, node: int, name: Formula) -> Expr:
        handle = self.graph.input(self.twin.shapes[node])
        self.names[handle.id] = name
        return handle


def plain_formula(checked: CheckedGraph, graph: Graph, node: int, names: Mapping[int, Formula]) -> Formula:
    """The formula of a node as people write it, with names in place of some nodes."""
    plain = Graph()
    handles = {one: plain.input(graph.shapes[one]) for one in graph.needs(of=[node]) if one in names}
    root = _built(Subgraph(graph, tuple(handles), node), [*handles.values()], plain)
    arrays = array_names(checked, plain, plain.needs(of=[root.id]))
    own = {handle.id: names[one] for one, handle in handles.items()}
    return formula(plain, root.id, {**arrays, **own}, open_root=False)


def _built(inside: Subgraph, args: Sequence[Expr], graph: Graph) -> Expr:
    root = inside.handles(args, plainly, [inside.root], graph)[inside.root]
    value = graph.constants.get(root.id)
    return root if value is None or value.any() else graph.constant(0.0)


# --- as people write it -------------------------------------------------------------------------


def plainly(op: Op, *args: Expr, **settings: Any) -> Expr:
    """A node as people write it: numbers in front, x / 3 for 1/3 * x, no copies that broadcasting makes."""
    graph = args[0].graph
    if op is spread:
        return _stretched(args[0], **settings)
    if op.elementwise:
        args = _without_copies(op, args)
    if op.name == "mul":
        return _product(*args)
    if op.name == "div" and all(arg.number is not None for arg in args):
        return graph.add(op, *args)  # 1/3 and not its decimals
    return op(*args, **settings)


def _product(x: Expr, y: Expr) -> Expr:
    if y.number is not None and x.number is None:
        x, y = y, x
    if x.number == -1:
        return -y
    for factor, other in ((x, y), (y, x)):
        if factor.op.name == "div" and factor.args[0].number is not None:
            numerator, denominator = factor.args
            return numerator * other / denominator
    return x * y


def _stretched(x: Expr, shape: tuple[int, ...], axis: tuple[int, ...]) -> Expr:
    """NumPy's broadcast_to, and before it the axes that it would not put in by itself."""
    if axis != tuple(range(len(axis))) and x.shape:
        x = unsqueeze(x, axis=axis)
    return x if x.shape == shape else broadcast_to(x, shape=shape)


def _without_copies(op: Op, args: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """The args without copies, and equal numbers as one number, where the others stretch them as far."""
    shape = broadcast(op.name, [arg.shape for arg in args])
    for position, arg in enumerate(args):
        fewer = (*args[:position], _uncopied(arg), *args[position + 1 :])
        try:
            if broadcast(op.name, [one.shape for one in fewer]) == shape:
                args = fewer
        except ShapeError:
            continue
    return args


def _uncopied(expr: Expr) -> Expr:
    if expr.op is broadcast_to:
        return expr.args[0]
    value = expr.graph.constants.get(expr.id)
    if value is not None and value.size and (value == value.flat[0]).all():
        return expr.graph.constant(value.flat[0])
    return expr
