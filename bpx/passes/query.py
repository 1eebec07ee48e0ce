"""A query: the derivative of which node (`of`), by which nodes (`wrt`), weighted by which `seed`.

The seed is the gradient of whatever the output is used for by the output: 1 for a loss.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from bpx.graph.arrays import Array, Shape
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.named.values import as_array
from bpx.graph.numbers import shape_text
from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.say import say

FLOWS_INTO = ("data", "parameter")  # the roles whose gradient is asked for unless `wrt` says more


def as_list(names: str | Iterable[str] | None) -> list[str] | None:
    """Names as a list; a single name may be given as it is."""
    if names is None:
        return None
    return [names] if isinstance(names, str) else list(names)


def output_asked(spec: NamedGraph, of: str | None) -> int:
    """The node that is derived; of an unknown name, which others report, the spec's own output."""
    return spec.output if of is None else spec.nodes.get(of, spec.output)


def query_nodes(spec: NamedGraph, of: str | None, wrt: Iterable[str] | None) -> tuple[int, dict[str, int]]:
    """The output, and the nodes to derive by, by name. Raises `BpxError` for unknown names.

    Without `of` the spec's own output, without `wrt` its data and parameters.
    """
    names = as_list(wrt)
    unknown = [name for name in [*([] if of is None else [of]), *(names or ())] if name not in spec.nodes]
    if unknown:
        raise BpxError([unknown_node(name, spec.listed_names) for name in unknown])
    output = output_asked(spec, of)
    if names is None:
        return output, {leaf.name: leaf.node for leaf in spec.inputs if leaf.role in FLOWS_INTO}
    return output, {name: spec.nodes[name] for name in names}


def seed_of(shape: Shape, upstream: Any) -> tuple[Array, list[Diagnostic]]:
    """The seed of an output of `shape` from the `upstream` gradient given, and a note where none was.

    Ones by default, so that of an output that is not scalar the sum is derived. Raises `BpxError` where
    `upstream` is no array of numbers, or of another shape.
    """
    if upstream is None:
        # For an array the user may not have meant the sum, so a note says that it is taken.
        facts = {"shape": shape_text(shape)}
        note = Diagnostic("summed-output", None, facts, "choose-upstream", severity="note")
        return np.ones(shape), [note] if shape else []
    problems: list[Diagnostic] = []
    seed = as_array("upstream", upstream, problems)
    if seed is None:
        raise BpxError(problems)
    if seed.shape != shape:
        facts = {"found": shape_text(seed.shape), "wanted": shape_text(shape)}
        raise BpxError([Diagnostic("upstream-shape", None, facts)])
    return seed, []


def unknown_node(name: str, known: Iterable[str]) -> Diagnostic:
    """The diagnostic for a name that no node has."""
    names = list(known)
    facts = {"name": name, "known": say("word.list").join(names[:40])}  # more would fill the screen
    return Diagnostic("unknown-node", None, facts, "nodes-are").suggesting(name, names)
