"""What a derivative is asked for: of which node, by which nodes, weighted by what arrives at the output."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from bpx.graph.arrays import Array, Shape
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.named.values import as_array
from bpx.graph.numbers import shape_text
from bpx.words.diagnostic import BpxError, Diagnostic

FLOWS_INTO = ("data", "parameter")  # the roles whose gradient is asked for unless `wrt` says more


def listed(names: str | Iterable[str] | None) -> list[str] | None:
    """Names as a list; a single name may be given as it is."""
    if names is None:
        return None
    return [names] if isinstance(names, str) else list(names)


def asked_nodes(spec: NamedGraph, of: str | None, wrt: Iterable[str] | None) -> tuple[int, dict[str, int]]:
    """The output, and the nodes to derive by, by name. Raises `BpxError` for unknown names."""
    wanted = listed(wrt)
    unknown = [name for name in [*([] if of is None else [of]), *(wanted or ())] if name not in spec.nodes]
    if unknown:
        raise BpxError([unknown_node(name, spec.nodes) for name in unknown])
    output = spec.output if of is None else spec.nodes[of]
    if wanted is None:
        return output, {one.name: one.node for one in spec.inputs if one.role in FLOWS_INTO}
    return output, {name: spec.nodes[name] for name in wanted}


def arriving(shape: Shape, upstream: Any) -> tuple[Array, list[Diagnostic]]:
    """The gradient that arrives at an output of `shape`, and a note where nobody said which.

    Ones by default, so that of an output that is not scalar the sum is derived. Raises `BpxError`.
    """
    if upstream is None:
        facts = {"shape": shape_text(shape)}
        note = Diagnostic("summed-output", None, facts, "choose-upstream", severity="note")
        return np.ones(shape), [note] if shape else []
    problems: list[Diagnostic] = []
    given = as_array("upstream", upstream, problems)
    if given is None:
        raise BpxError(problems)
    if given.shape != shape:
        facts = {"found": shape_text(given.shape), "wanted": shape_text(shape)}
        raise BpxError([Diagnostic("upstream-shape", None, facts)])
    return given, []


def unknown_node(name: str, known: Iterable[str]) -> Diagnostic:
    """The diagnostic for a name that no node has."""
    names = list(known)
    facts = {"name": name, "known": ", ".join(names[:40])}
    return Diagnostic("unknown-node", None, facts, "nodes-are").suggesting(name, names)
