"""What a node of a traced function is called to its author."""

from __future__ import annotations

from bpx.check.numeric.tolerances import LONGEST_PLACE
from bpx.graph.named.named_graph import NamedGraph


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
    base, _, number = name.rpartition("_")
    is_numbered = number.isdecimal() and any(f"{base}_{other}" in graph.steps for other in (1, 2, 3))
    return (base, line) if is_numbered and base not in graph.steps else None
