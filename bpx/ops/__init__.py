"""The op table: one op, one row, one place; importing this package fills `bpx.graph.graph.OPS`.

`bpx.ops.exp(x)` builds a node by hand: every op is an attribute here under its name.
"""

from __future__ import annotations

from functools import cache

from bpx.graph.graph import OPS, Expr, Graph, Op
from bpx.ops import (
    arrangement,
    class_losses,
    convolution,
    eigenvalues,
    indices,
    layers,
    linear_algebra,
    losses,
    pooling,
    shapes,
    tensors,
    vectors,
)
from bpx.ops.elementwise import activations, arithmetic, functions, selection, special

__all__ = ["Expr", "Graph", "rows"]

_THEMES = [
    module.__name__
    for module in (
        arithmetic,
        functions,
        special,
        activations,
        selection,
        tensors,
        indices,
        shapes,
        arrangement,
        vectors,
        linear_algebra,
        eigenvalues,
        convolution,
        pooling,
        layers,
        losses,
        class_losses,
    )
]


@cache
def rows() -> tuple[Op, ...]:
    """Every op once, theme by theme."""
    return tuple(sorted(dict.fromkeys(OPS.values()), key=lambda op: _THEMES.index(_theme(op))))


def _theme(op: Op) -> str:
    rule = op.local or op.pull or op.expands
    assert rule
    return rule.__module__


def __getattr__(name: str) -> Op:
    if name in OPS:
        return OPS[name]
    from bpx.words.say import say

    raise AttributeError(say("diagnostic.unknown-op", name=name))
