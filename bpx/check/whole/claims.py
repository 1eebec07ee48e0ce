"""Claims as nodes of the graph that is checked."""

from __future__ import annotations

import numpy as np

from bpx.graph.arrays import Array, Shape
from bpx.graph.graph import Expr, Graph
from bpx.graph.named.claim import Claim
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.numbers import shape_text
from bpx.words.diagnostic import Diagnostic


def build_claim(claim: Claim, spec: NamedGraph, graph: Graph, problems: list[Diagnostic]) -> Expr | None:
    """A claim of `spec` as a node of `graph`, a copy of the spec's own; None where something was reported.

    It has the shape of the node that it speaks of. Of other shapes only a scalar 0 will do, which says
    that no gradient arrives.
    """
    claimed = claim.formula.on(graph, spec.nodes) if claim.formula else claim.numbers
    assert claimed is not None
    node_shape = graph.shapes[spec.nodes[claim.name]]
    if claimed.shape == node_shape:
        return graph.lift(claimed)
    if _is_zero(claimed):
        return graph.constant(np.zeros(node_shape))
    facts = {"name": claim.name, "found": shape_text(claimed.shape), "wanted": shape_text(node_shape)}
    problems.append(Diagnostic("claim-shape", claim.span, facts, _shape_help(claimed.shape, node_shape)))
    return None


def _shape_help(claimed: Shape, node_shape: Shape) -> str | None:
    """What was probably forgotten where a gradient has another shape than its node."""
    if len(claimed) > 1 and claimed[::-1] == node_shape:
        return "claim-transposed"
    stretched = len(claimed) >= len(node_shape) and all(
        n in (1, m) for n, m in zip(node_shape[::-1], claimed[::-1], strict=False)
    )
    return "claim-not-summed" if stretched else None


def _is_zero(claimed: Expr | Array) -> bool:
    return claimed.number == 0 if isinstance(claimed, Expr) else bool(claimed.ndim == 0 and claimed == 0)
