"""Composite ops rewritten in simpler ones: `sigmoid(z)` as `1 / (1 + exp(-z))`.

A rewriting makes a new spec with a graph of its own; names, values and places in the text are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import replace

from bpx.graph.graph import CONSTANT, INPUT, OPS, Expr, Graph
from bpx.graph.named.named_graph import Composite, NamedGraph
from bpx.words.diagnostic import BpxError, Diagnostic, Span
from bpx.words.say import say

ALL = "all"


def expandable(spec: NamedGraph) -> list[str]:
    """The names of the nodes that are written in simpler ops."""
    return [name for name, node in spec.nodes.items() if spec.graph.ops[node].expands]


def written_out(spec: NamedGraph) -> NamedGraph:
    """The same spec without composite ops: each is written out in ops that have a rule of their own.

    Where an op is explained by other parts than those its value is computed by, these are taken: of a
    convolution the product of windows, three large ops in the place of some for each element of a kernel.

    Those of the spec itself that have a rule too are remembered as its `composites`.
    """
    # Collected first: the ops that have these rules are gone after the rewriting.
    own = {node: _composite(spec.graph, node) for node in range(spec.size) if _has_own_rule(spec, node)}
    spec = replace(spec, composites=own) if own else spec
    # Of a composite op inside a composite one only the outer is in the graph until that is written out.
    while composites := {node for node in range(spec.size) if spec.graph.ops[node].composite}:
        spec = _rewritten(spec, composites, as_computed=True)
    return spec


def _has_own_rule(spec: NamedGraph, node: int) -> bool:
    return spec.graph.ops[node].composite and spec.graph.ops[node].pull is not None


def _composite(graph: Graph, node: int) -> Composite:
    return Composite(graph.ops[node], tuple(graph.args[node]), graph.settings[node], node)


def expanded(spec: NamedGraph, names: Iterable[str]) -> NamedGraph:
    """The same spec with the named nodes (or all) rewritten. Raises `BpxError` for other names."""
    return _rewritten(spec, {spec.nodes[name] for name in chosen_names(spec, names)})


def _rewritten(spec: NamedGraph, chosen: Container[int], as_computed: bool = False) -> NamedGraph:
    """The spec copied node by node, the `chosen` ones in simpler ops; of their values, if `as_computed`."""
    graph, origins = Graph(), dict[int, Span]()
    copies: dict[int, Expr] = {}
    for node in range(spec.size):
        before = len(graph)
        op = spec.graph.ops[node]
        parts = (op.computes if as_computed and op.computes else op.expands) if node in chosen else None
        copies[node] = _copied(spec, node, [copies[arg] for arg in spec.graph.args[node]], graph, parts)
        # An error in a node that the rewriting made points at the call that it was made of.
        if node in spec.origins:
            origins.update(dict.fromkeys(range(before, len(graph)), spec.origins[node]))
    return replace(
        spec,
        graph=graph,
        inputs=tuple(leaf._replace(node=copies[leaf.node].id) for leaf in spec.inputs),
        steps={name: copies[node].id for name, node in spec.steps.items()},
        output=copies[spec.output].id,
        inner_names={
            copies[node].id: name for node, name in spec.names.items() if node not in spec.own_names
        },
        size=len(graph),
        origins=origins,
        composites=_copied_composites(spec, {node: copy.id for node, copy in copies.items()}),
    )


def _copied_composites(spec: NamedGraph, copies: Mapping[int, int]) -> dict[int, Composite]:
    return {copies[node]: composite.copied(copies) for node, composite in spec.composites.items()}


def _copied(
    spec: NamedGraph, node: int, args: list[Expr], graph: Graph, parts: Callable[..., Expr] | None
) -> Expr:
    """A node of `graph` on the copies of its args; written out as `parts` build it, if these are given."""
    op, settings = spec.graph.ops[node], spec.graph.settings[node]
    if op is INPUT:
        return graph.input(spec.graph.shapes[node])
    if op is CONSTANT:
        return graph.constant(spec.graph.constants[node])
    if parts is None:
        # `add` folds nothing: what the user typed stays as typed.
        return graph.add(op, *args, **settings)
    before = len(graph)
    expr = parts(*args, **settings)
    # A rewriting that ends in a node there is already would give that node two names, and one of
    # constants alone would leave none to show.
    is_new = expr.id >= before and expr.op is not CONSTANT
    return expr if is_new else graph.add(OPS["identity"], expr)


def chosen_names(spec: NamedGraph, names: Iterable[str]) -> tuple[str, ...]:
    """The nodes that `names` means, "all" being all that can be. Raises `BpxError` for other names."""
    chosen, known = list(names), expandable(spec)
    if ALL in chosen:
        return tuple(known)
    problems = []
    for name in chosen:
        if name not in known:
            facts = {"name": name, "known": say("word.list").join(known)}
            code = "nothing-to-expand" if name in spec.nodes else "unknown-node"
            problem = Diagnostic(code, None, facts, "expandable" if known else None)
            problems.append(problem.suggesting(name, known))
    if problems:
        raise BpxError(problems)
    return tuple(chosen)
