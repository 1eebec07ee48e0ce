"""What the lines of a backward function are meant to set: adjoints and their parts, and what they are of."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from bpx.check.numeric.tolerances import LONGEST_PLACE
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.run import run
from bpx.passes.reverse import reverse

LONGEST_FORMULA = 66  # characters: a line of 80 with what stands before it
CLOSE = 1e-6  # relative: adjoints in float64 agree far better, mistakes are far larger


class Adjoint(NamedTuple):
    """∂output/∂node."""

    node: int
    value: Any


def adjoints(graph: NamedGraph, upstream: Any) -> list[Adjoint]:
    """The derivatives of the output by all nodes that it depends on, the last node first."""
    copy = graph.graph.copy()
    nodes = [node for node in copy.needs(of=[graph.output]) if node not in copy.constants]
    ledger = reverse(
        copy[graph.output], [copy[node] for node in nodes], copy.constant(upstream), graph.composites
    )
    live = {node: ledger.upstream[node] for node in nodes if node in ledger.upstream}
    values = run(copy, graph.input_values, live.values())
    return [Adjoint(node, values[live[node]]) for node in sorted(live, reverse=True)]


def forward_values(graph: NamedGraph, besides: Container[int] = ()) -> list[Any]:
    """The values of all nodes: backward passes compute some of them again."""
    values = run(graph.graph, graph.input_values, [graph.output])
    constants = graph.graph.constants
    return [value for node, value in values.items() if node not in constants and node not in besides]


def contributions(graph: NamedGraph, upstream: Any, nodes: set[int]) -> dict[int, list[Any]]:
    """What each consumer of a node contributes to its adjoint, by node."""
    copy = graph.graph.copy()
    ledger = reverse(
        copy[graph.output], [copy[node] for node in nodes], copy.constant(upstream), graph.composites
    )
    by_node: dict[int, list[int]] = {node: [] for node in nodes}
    for edge in ledger.edges:
        if edge.arg in nodes:
            by_node[edge.arg].append(edge.contribution)
    values = run(copy, graph.input_values, [number for parts in by_node.values() for number in parts])
    return {node: [values[number] for number in parts] for node, parts in by_node.items()}


def local_derivatives(graph: NamedGraph, upstream: Any) -> list[Adjoint]:
    """∂node/∂arg of elementwise ops, by the node."""
    copy = graph.graph.copy()
    nodes = [copy[leaf.node] for leaf in graph.inputs]
    ledger = reverse(copy[graph.output], nodes, copy.constant(upstream), graph.composites)
    edges = [edge for edge in ledger.edges if edge.local is not None and edge.local not in copy.constants]
    values = run(copy, graph.input_values, [edge.local for edge in edges if edge.local is not None])
    return [Adjoint(edge.consumer, values[edge.local]) for edge in edges if edge.local is not None]


def steps_between(graph: NamedGraph, known: Sequence[Adjoint]) -> list[Adjoint]:
    """∂v/∂u of named nodes of one shape that follow on one another element by element, as `1 - h**2`."""
    adjoint = {one.node: one.value for one in known}
    named = [node for node in graph.own_names if node in adjoint and np.size(adjoint[node]) > 1]
    pairs = [
        (u, v)
        for u in named
        for above in [graph.graph.touched(by=[u], upto=graph.output)]
        for v in named
        if v > u and above[v] and np.shape(adjoint[u]) == np.shape(adjoint[v]) and np.all(adjoint[v])
    ]
    return [Adjoint(u, adjoint[u] / adjoint[v]) for u, v in pairs]


def parts(graph: NamedGraph, upstream: Any, known: Sequence[Adjoint]) -> list[Adjoint]:
    """The contributions to adjoints that are sums of several: people compute them one by one."""
    arriving = contributions(graph, upstream, {adjoint.node for adjoint in known})
    return [Adjoint(node, value) for node, values in arriving.items() if len(values) > 1 for value in values]


def sums_of_parts(graph: NamedGraph, upstream: Any, known: Sequence[Adjoint]) -> list[Adjoint]:
    """Adjoints on their way: the sums of all contributions but the first or the last ones."""
    sums = []
    for node, values in contributions(graph, upstream, {adjoint.node for adjoint in known}).items():
        for ordered in (values, values[::-1]) if len(values) > 2 else ():
            sums += [Adjoint(node, value) for value in accumulate(ordered[:-1])][1:]
    return sums


def jacobian(graph: NamedGraph, weights: str, upstream: Any) -> list[Adjoint]:
    """∂output/∂input as a matrix, and its transpose, by the inputs.

    The graph is the sum of the outputs times `weights`, which have the shape of `upstream`.
    """
    size = int(np.size(upstream))
    units = np.eye(size).reshape(size, *np.shape(upstream))
    graphs = [graph.with_values({weights: unit}) for unit in units]
    rows = [{one.node: one.value for one in adjoints(weighted, 1.0)} for weighted in graphs]
    matrices = []
    for leaf in graph.inputs:
        if leaf.node in rows[0] and leaf.name != weights:
            matrix = np.stack([np.ravel(row[leaf.node]) for row in rows])
            matrices += [Adjoint(leaf.node, matrix), Adjoint(leaf.node, matrix.T)]
    return matrices


def close(value: Any, right: Any, tolerance: float = CLOSE) -> bool:
    """Whether a gradient is right, as far as the search for a line needs to know."""
    if value is None or np.shape(value) != np.shape(right):
        return False
    value, right = np.asarray(value), np.asarray(right)
    scale = float(np.max(np.abs(right), where=np.abs(right) < np.inf, initial=1e-300))
    with np.errstate(invalid="ignore"):
        near = np.abs(value - right) <= tolerance * scale
    # What is not finite is as right as the same again: two calls that both give inf differ in nothing.
    return bool(np.all(near | (value == right) | ((value != value) & (right != right))))


# --- what nodes are called ---


def shown_node(graph: NamedGraph, name: str) -> tuple[str, int | None] | None:
    """What a node is called that has no name of its own in the code, and its line; None where it has one.

    It is called by its text; one of several with the same name, which bpx numbers, by that name.
    """
    node = graph.nodes[name]
    span = graph.origins.get(node)
    if span is None or node in {leaf.node for leaf in graph.inputs}:
        return None
    line = span.source.position(span.start)[0]
    if node not in graph.own_names:
        text = " ".join(span.text.split())
        return (text, line) if len(text) <= LONGEST_PLACE else None
    base = own_name(graph, name)
    return (base, line) if base != name else None


def own_name(graph: NamedGraph, name: str) -> str:
    """The name of a variable that held several nodes, of which bpx numbers the names."""
    base, _, number = name.rpartition("_")
    is_numbered = number.isdecimal() and any(f"{base}_{other}" in graph.steps for other in (1, 2, 3))
    return base if is_numbered and base not in graph.steps else name


def is_in_own_words(text: str, graph: NamedGraph) -> bool:
    """Whether a formula, or a sentence with one, has names of the user's alone, and no numbers of arrays."""
    names = [name for name in re.findall(r"[^\W\d]\w*", text) if name in graph.nodes]
    mine = {graph.names[leaf.node] for leaf in graph.inputs} | {graph.names[node] for node in graph.own_names}
    return "[[" not in text and all(name in mine and own_name(graph, name) == name for name in names)
