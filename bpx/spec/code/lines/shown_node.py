"""What a node of a traced function is called to its author."""

from __future__ import annotations

import re

from bpx.check.numeric.tolerances import LONGEST_PLACE
from bpx.graph.named.named_graph import NamedGraph

LONGEST_FORMULA = 66  # characters: a line of 80 with what stands before it


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
