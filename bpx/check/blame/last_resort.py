"""The last resort of the diagnosis: a short formula that gives the claimed numbers.

No list of mistakes holds every one. A claim that none explains is compared with all small formulas in the
names in scope: it may be one itself, or the right gradient times one, or plus one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpx.check.blame.error_patterns import EdgeSample, true_row
from bpx.check.formulas.short_formula import ShortFormula, Target, short_formula
from bpx.check.numeric.tolerances import (
    MOST_CONSTANTS_IN_SCOPE,
    MOST_FUNCTIONS_IN_SCOPE,
    MOST_NAMES_IN_SCOPE,
    SHORTER,
)
from bpx.check.report.blame import Mistake
from bpx.graph.formula import Formula, derivative, formula
from bpx.graph.graph import OPS, Graph, Op

if TYPE_CHECKING:
    from bpx.check.whole.checked_graph import CheckedGraph
    from bpx.graph.arrays import Array, Shape
    from bpx.passes.reverse import Edge

_WRITTEN_WITH_OPERATORS = {"neg", "square", "reciprocal", "identity"}
_ALWAYS = ("exp", "log")


class Scope(NamedTuple):
    """What a formula may speak of: names with their values at each point, numbers, functions of one arg."""

    names: Mapping[Formula, Sequence[Array]]
    constants: Sequence[float]
    functions: Sequence[str]

    def usable(self, *shapes: Shape) -> dict[Formula, Sequence[Array]]:
        """The names whose values stretch to these shapes, one at each point."""
        return {
            name: values
            for name, values in self.names.items()
            if all(_stretches(np.shape(value), shape) for value, shape in zip(values, shapes, strict=False))
        }

    def short_formula(self, values: Sequence[Array], tolerances: Sequence[Any]) -> ShortFormula | None:
        """The shortest formula that gives `values`, one array for each point, element by element."""
        shapes = [np.shape(value) for value in values]
        names = {name: _flat(there, shapes) for name, there in self.usable(*shapes).items()}
        target = Target(_flat(values, shapes), _flat(tolerances, shapes))
        return short_formula(names, target, constants=self.constants, functions=self.functions)


def _stretches(shape: Shape, wanted: Shape) -> bool:
    fits = all(a in (1, b) for a, b in zip(shape[::-1], wanted[::-1], strict=False))
    return fits and len(shape) <= len(wanted)


def _flat(values: Sequence[Any], shapes: Sequence[Shape]) -> Array:
    parts = [np.broadcast_to(value, shape).ravel() for value, shape in zip(values, shapes, strict=True)]
    return np.concatenate(parts).astype(np.float64)


# --- the mistake --------------------------------------------------------------------------------


def formula_mistakes(
    scope: Scope,
    claimed: Sequence[Array],
    right: Sequence[Array],
    tolerances: Sequence[Any],
    written: str | None = None,
) -> tuple[Mistake, ...]:
    """What the claimed numbers are: a formula, or the right ones times one, or plus one.

    All are lists of one array for each point. `written` is the formula that is claimed, where it is one:
    it need not be told again, unless it is much shorter.
    """
    if not all(np.shape(a) == np.shape(b) for a, b in zip(claimed, right, strict=True)):
        return ()
    if not np.isfinite(_flat(right, list(map(np.shape, right)))).all():
        return ()
    whole = scope.short_formula(claimed, tolerances)
    if whole and written is not None and len(whole.text) > SHORTER * len(written):
        whole = None
    if whole and written is None:
        return (Mistake.of("formula", formula=whole.formula),)
    relative = _relative(scope, claimed, right, tolerances)
    told = [Mistake.of("formula", formula=whole.formula)] if whole else []
    return (*([relative] if relative else []), *told)


def _relative(
    scope: Scope, claimed: Sequence[Array], right: Sequence[Array], tolerances: Sequence[Any]
) -> Mistake | None:
    """The right numbers times a short formula, or plus one, whichever is shorter."""
    pairs = list(zip(claimed, right, tolerances, strict=True))
    tried: list[tuple[str, ShortFormula | None]] = []
    if all(np.all(b) for b in right):
        factors, room = [a / b for a, b, _ in pairs], [space / np.abs(b) for _, b, space in pairs]
        tried.append(("times-formula", scope.short_formula(factors, room)))
    # What is left of a difference has lost the digits that both share.
    terms = [a - b for a, b, _ in pairs]
    room = [space + 1e-12 * np.abs(b) for _, b, space in pairs]
    tried.append(("plus-formula", scope.short_formula(terms, room)))
    found = [(short.size, code, short) for code, short in tried if short]
    if not found:
        return None
    _, code, short = min(found, key=lambda one: (one[0], one[1] != "times-formula"))
    return Mistake.of(code, formula=short.formula)


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
    values = {name: [point.all_values[one] for point in points] for name, one in (nodes | upstream).items()}
    return Scope(values, few_constants(checked, node), smooth_functions(graph))


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
    """Numbers that a formula may have beside 1 and 2: lengths of axes, and those that the graph has."""
    graph = checked.graph
    lengths = sorted({float(n) for other in (node, *checked.forward) for n in graph.shapes[other]})
    constants = [graph.constants[one] for one in checked.forward if one in graph.constants]
    return _few([*lengths, *(float(one) for one in constants if not one.ndim)])


def _around(checked: CheckedGraph, edges: Iterable[Edge]) -> list[int]:
    """The consumers of a node, and their other args, as far as they have names of their own."""
    names = checked.query.spec.own_names
    nearby = [one for edge in edges for one in (*checked.graph.args[edge.consumer], edge.consumer)]
    return [one for one in nearby if one in names]


def named_formula(checked: CheckedGraph, node: int) -> Formula:
    """A node by the name its spec gives it, or by its formula where it has none."""
    spec = checked.query.spec
    return formula(checked.graph, node, spec.own_names, open_root=False)


def _few(constants: Iterable[float]) -> list[float]:
    """The numbers beside 1 and 2, without their signs."""
    known = {abs(constant): None for constant in constants if abs(constant) not in (0.0, 1.0, 2.0)}
    return [*known][:MOST_CONSTANTS_IN_SCOPE]


def smooth_functions(graph: Graph, *others: str) -> list[str]:
    """The smooth functions of one arg among the ops of a graph, and those that derivatives often have."""
    rows = (OPS.get(name) for name in dict.fromkeys((*_ALWAYS, *others, *(op.name for op in graph.ops))))
    usable = [row.name for row in rows if row and _is_function(row)]
    return usable[:MOST_FUNCTIONS_IN_SCOPE]


def _is_function(row: Op) -> bool:
    smooth = row.elementwise and len(row.args) == 1 and not row.witness
    return smooth and row.name not in _WRITTEN_WITH_OPERATORS
