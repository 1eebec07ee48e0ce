"""The last resort of the diagnosis: a short formula that gives the claimed numbers.

No list of mistakes holds every one. A claim that none explains is compared with all small formulas in the
names in scope: it may be one itself, or the right gradient times one, or plus one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpx.check.blame.where import named_formula
from bpx.check.formulas.array_terms import array_terms, layer_terms
from bpx.check.formulas.short_formula import ShortFormula, Target, short_formula
from bpx.check.numeric.tolerances import (
    DIFFERENCE_ROUNDING,
    MOST_CONSTANTS_IN_SCOPE,
    MOST_FUNCTIONS_IN_SCOPE,
    MOST_NAMES_IN_SCOPE,
    SHORTER,
)
from bpx.check.patterns.comparison import Comparison, fits
from bpx.check.patterns.error_patterns import EdgeSample, true_row
from bpx.check.report.blame import Mistake
from bpx.graph.formula import Formula, derivative, formula, symbol
from bpx.graph.graph import OPS, Graph, Op
from bpx.graph.run import run

if TYPE_CHECKING:
    from bpx.check.whole.checked_graph import CheckedGraph
    from bpx.graph.arrays import Array, Shape
    from bpx.passes.reverse import Edge

_WRITTEN_WITH_OPERATORS = {"neg", "square", "reciprocal", "identity"}
_ALWAYS = ("exp", "log")
_OF_CODE = ("exp", "log", "tanh", "sigmoid")  # what a function in code may use, as far as one can guess


class Scope(NamedTuple):
    """What a formula may speak of: names with their values at each point, numbers, functions of one arg."""

    names: Mapping[Formula, Sequence[Array]]
    constants: Sequence[float]
    functions: Sequence[str]
    parts: Mapping[Formula, Sequence[Array]] = MappingProxyType({})  # formulas of whole arrays

    def usable(self, *shapes: Shape) -> dict[Formula, Sequence[Array]]:
        """The names whose values stretch to these shapes, one at each point."""
        return {
            name: values
            for name, values in self.names.items()
            if all(stretches(np.shape(value), shape) for value, shape in zip(values, shapes, strict=False))
        }

    def short_formula(self, values: Sequence[Array], tolerances: Sequence[Any]) -> ShortFormula | None:
        """The shortest formula that gives `values`, one array for each point, element by element."""
        shapes = [np.shape(value) for value in values]
        names = {name: _flat(there, shapes) for name, there in self.usable(*shapes).items()}
        parts = {
            part: _flat(there, shapes)
            for part, there in self.parts.items()
            if [np.shape(value) for value in there] == shapes
        }
        target = Target(_flat(values, shapes), _flat(tolerances, shapes))
        return short_formula(names, target, constants=self.constants, functions=self.functions, parts=parts)


def stretches(shape: Shape, wanted: Shape) -> bool:
    """Is an array of this shape broadcast against one of the wanted shape to no more than that?"""
    fits = all(a in (1, b) for a, b in zip(shape[::-1], wanted[::-1], strict=False))
    return fits and len(shape) <= len(wanted)


def _flat(values: Sequence[Any], shapes: Sequence[Shape]) -> Array:
    parts = [np.broadcast_to(value, shape).ravel() for value, shape in zip(values, shapes, strict=True)]
    return np.concatenate(parts).astype(np.float64)


# --- the mistake --------------------------------------------------------------------------------


def formula_mistakes(scope: Scope, comparison: Comparison, written: str | None = None) -> tuple[Mistake, ...]:
    """What the claimed numbers are: a formula, or the right ones times one, or plus one.

    `written` is the formula that is claimed, where it is one: it need not be told again, unless it is much
    shorter.
    """
    if not comparison.is_usable or _agrees(comparison):
        return ()
    whole = scope.short_formula(comparison.claimed, comparison.tolerances)
    if whole and written is None:
        return (Mistake.of("formula", formula=whole.formula),)
    if whole and written is not None and len(whole.text) > SHORTER * len(written):
        whole = None
    relative = _relative(scope, comparison)
    told = [Mistake.of("formula", formula=whole.formula)] if whole else []
    return (*([relative] if relative else []), *told)


def _agrees(comparison: Comparison) -> bool:
    """Are the claimed numbers the right ones, so that there is nothing to explain?"""
    return all(fits(*point) for point in zip(*comparison, strict=True))


def _relative(scope: Scope, comparison: Comparison) -> Mistake | None:
    """The right numbers times a short formula, or plus one, whichever is shorter."""
    points = list(zip(*comparison, strict=True))
    tried: list[tuple[str, ShortFormula | None]] = []
    if all(np.all(right) for right in comparison.right):
        factors = [claimed / right for right, claimed, _ in points]
        tried.append(
            (
                "times-formula",
                scope.short_formula(factors, [room / np.abs(right) for right, _, room in points]),
            )
        )
    # What is left of a difference has lost the digits that both share.
    terms = [claimed - right for right, claimed, _ in points]
    lost = [room + DIFFERENCE_ROUNDING * np.abs(right) for right, _, room in points]
    tried.append(("plus-formula", scope.short_formula(terms, lost)))
    shortest = min(
        ((short.size, code == "plus-formula", code, short) for code, short in tried if short),
        key=lambda one: one[:2],
        default=None,
    )
    return Mistake.of(shortest[2], formula=shortest[3].formula) if shortest else None


# --- what is in scope ---------------------------------------------------------------------------


def scope_of_rule(samples: Sequence[EdgeSample], names: Sequence[Formula], out: Formula) -> Scope:
    """What the rule of an elementwise op may speak of: its args, by `names`, and its value."""
    op = true_row(samples[0].op)  # numbers of the right rule, not those of the one that is wrong
    by_name = {
        **{name: [sample.args[i] for sample in samples] for i, name in enumerate(names)},
        out: [sample.out for sample in samples],
    }
    graph = Graph()
    places, value = [graph.input() for _ in op.args], graph.input()
    if op.local:
        for local in op.local(*places, value):
            graph.lift(local)
    constants = [float(value) for value in graph.constants.values() if not value.ndim]
    return Scope(by_name, _few(constants), smooth_functions(graph, op.name))


def scope_of_claim(points: Sequence[CheckedGraph], node: int) -> Scope:
    """What a claim on the gradient of a node may speak of: what stands near it, and all that has a name."""
    checked = points[0]
    graph, spec = checked.graph, checked.query.spec
    edges = [edge for edge in checked.ledger.edges if edge.arg == node]
    others = sorted(spec.own_names, key=lambda other: (abs(other - node), other))
    near = {node: None, **dict.fromkeys(_around(checked, edges)), **dict.fromkeys(others)}
    usable = [one for one in near if one in checked.values and one not in graph.constants]
    if node != checked.query.output:
        usable = [one for one in usable if one != checked.query.output or one in _around(checked, edges)]
    upstream = _upstream(checked, edges)
    nodes = {named_formula(checked, one): one for one in usable[: MOST_NAMES_IN_SCOPE - len(upstream)]}
    named = nodes | upstream
    values = {name: [point.all_values[one] for point in points] for name, one in named.items()}
    parts = parts_in_scope(checked, named, node, [point.all_values for point in points])
    return Scope(values, few_constants(checked, node), smooth_functions(graph), parts.values)


class Parts(NamedTuple):
    """Formulas of whole arrays: the graph they were appended to, their nodes, their values at each point."""

    graph: Graph
    nodes: dict[Formula, int]
    values: dict[Formula, list[Array]]


def parts_in_scope(
    checked: CheckedGraph, named: Mapping[Formula, int], node: int, points: Sequence[Mapping[int, Array]]
) -> Parts:
    """Formulas of whole arrays, of named nodes, that have the shape of a node; `points` hold all values."""
    graph = checked.graph.copy()
    names: dict[int, str | Formula] = {one: name for name, one in named.items()}
    terms = array_terms(graph, list(names), graph.shapes[node])
    nodes = {formula(graph, term.id, names): term.id for term in terms}
    runs = [run(graph, {one: values[one] for one in names}, nodes.values()) for values in points]
    return Parts(graph, nodes, {text: [values[one] for values in runs] for text, one in nodes.items()})


def scope_of_arrays(names: Mapping[str, Sequence[Array]], shape: Shape) -> Scope:
    """What a claim of this shape on a function in code may speak of: arrays by name, one for each point."""
    graph = Graph()
    by_node: dict[int, str | Formula] = {}
    for name, values in names.items():
        by_node[graph.input(values[0].shape).id] = name
    layers = [layer.id for layer in layer_terms(graph, [*by_node])]
    found = array_terms(graph, [*by_node, *layers], shape)
    own = [graph[layer] for layer in layers if graph.shapes[layer] == shape]
    terms = {formula(graph, term.id, by_node): term.id for term in (*found, *own)}
    points = range(len(next(iter(names.values()))))
    runs = [
        run(graph, {node: names[str(name)][i] for node, name in by_node.items()}, terms.values())
        for i in points
    ]
    lengths = sorted({float(n) for values in names.values() for n in values[0].shape})
    return Scope(
        {symbol(name): values for name, values in names.items()},
        _few(lengths),
        _OF_CODE,
        {text: [values[term] for values in runs] for text, term in terms.items()},
    )


def _upstream(checked: CheckedGraph, edges: Iterable[Edge]) -> dict[Formula, int]:
    """The upstream gradients of the named consumers of a node."""
    arriving, names = checked.by_own_rules.upstream, checked.query.spec.own_names
    output = named_formula(checked, checked.query.output)
    consumers = dict.fromkeys(edge.consumer for edge in edges)
    return {
        derivative(output, named_formula(checked, one)): arriving[one]
        for one in consumers
        if one in names and one in arriving and arriving[one] not in checked.graph.constants
    }


def few_constants(checked: CheckedGraph, node: int) -> list[float]:
    """Numbers that a formula may have beside 1, 2 and 3: lengths of axes, and those that the graph has."""
    graph = checked.graph
    lengths = sorted({float(n) for other in (node, *checked.forward) for n in graph.shapes[other]})
    constants = [graph.constants[one] for one in checked.forward if one in graph.constants]
    return _few([*lengths, *(float(one) for one in constants if not one.ndim)])


def _around(checked: CheckedGraph, edges: Iterable[Edge]) -> list[int]:
    """The consumers of a node, and their other args, as far as they have names of their own."""
    names = checked.query.spec.own_names
    nearby = [one for edge in edges for one in (*checked.graph.args[edge.consumer], edge.consumer)]
    return [one for one in nearby if one in names]


def _few(constants: Iterable[float]) -> list[float]:
    """The numbers beside 1, 2 and 3, without their signs."""
    known = {abs(constant): None for constant in constants if abs(constant) not in (0.0, 1.0, 2.0, 3.0)}
    return [*known][:MOST_CONSTANTS_IN_SCOPE]


def smooth_functions(graph: Graph, *others: str) -> list[str]:
    """The smooth functions of one arg among the ops of a graph, and those that derivatives often have."""
    rows = (OPS.get(name) for name in dict.fromkeys((*_ALWAYS, *others, *(op.name for op in graph.ops))))
    usable = [row.name for row in rows if row and _is_function(row)]
    return usable[:MOST_FUNCTIONS_IN_SCOPE]


def _is_function(row: Op) -> bool:
    smooth = row.elementwise and len(row.args) == 1 and not row.witness
    return smooth and row.name not in _WRITTEN_WITH_OPERATORS
