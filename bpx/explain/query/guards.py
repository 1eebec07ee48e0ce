"""Guards inside rules, as in `x / (out + (out == 0))`, left out of formulas where they do nothing."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, MutableMapping, Sequence

import numpy as np

from bpx.graph.formula import Formula, formula
from bpx.graph.graph import Graph

_COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")


def without_guards(
    graph: Graph, node: int, names: MutableMapping[int, Formula], is_nonzero: bool
) -> dict[int, Formula]:
    """What to print in place of the guards in the formula of a node; empty where it has none.

    `out + (out == 0)` is `out` where the value of the op `is_nonzero`, and a comparison of numbers that
    holds, such as `0 < 1`, is a factor 1.
    """
    hidden: dict[int, Formula] = {}
    shown: ChainMap[int, Formula] = ChainMap(hidden, names)
    for inner in _inner_nodes(graph, node, names):
        args = graph.args[inner]
        kept = None
        if graph.ops[inner].name == "add" and is_nonzero and _is_zero_test(graph, args[1], args[0]):
            kept = args[0]
        elif graph.ops[inner].name == "mul":
            kept = next(
                (arg for arg, other in zip(args, args[::-1], strict=True) if _holds(graph, other)), None
            )
        if kept is not None:
            hidden[inner] = formula(graph, kept, shown, open_root=False)
    return hidden


def _inner_nodes(graph: Graph, node: int, names: Mapping[int, Formula]) -> Sequence[int]:
    """The nodes whose ops the formula of `node` writes, args first."""
    inner, waiting = set[int](), [node]
    while waiting:
        current = waiting.pop()
        if current not in names and current not in inner:
            inner.add(current)
            waiting += graph.args[current]
    return sorted(inner)


def _is_zero_test(graph: Graph, test: int, of: int) -> bool:
    """Is it `of == 0`?"""
    if graph.ops[test].name != "eq" or graph.args[test][0] != of:
        return False
    return not np.any(graph.constants.get(graph.args[test][1], 1.0))


def _holds(graph: Graph, node: int) -> bool:
    """Is it a comparison of two numbers that is true?"""
    op, values = graph.ops[node], [graph.constants.get(arg) for arg in graph.args[node]]
    if op.name not in _COMPARISONS or any(value is None or value.ndim for value in values):
        return False
    return bool(op.value(*values))
