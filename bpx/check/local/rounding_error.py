"""How far rounding may have moved each value of the forward pass.

Running error bounds as in Higham, Accuracy and Stability of Numerical Algorithms (2nd ed., SIAM 2002),
section 3.3, but found by moving the args of each op to the ends of their own bounds. Inputs and
constants are exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from bpx.check.numeric.error_bound import UNIT
from bpx.graph.arrays import Array
from bpx.graph.graph import CONSTANT, INPUT, Graph, Op

_SUM = 4.0  # units of rounding for each doubling of the terms of a sum


def blurs(graph: Graph, nodes: Iterable[int], values: Mapping[int, Array]) -> dict[int, Array]:
    """For each of `nodes`, which come in order, how far its value may be off; of the value's shape."""
    found: dict[int, Array] = {}
    with np.errstate(all="ignore"):
        for node in nodes:
            value = np.asarray(values[node])
            if graph.ops[node] in (INPUT, CONSTANT):
                found[node] = np.zeros(value.shape)
            else:
                args = [np.asarray(values[arg]) for arg in graph.args[node]]
                widths = [found[arg] for arg in graph.args[node]]
                found[node] = _blur(graph, node, value, args, widths)
    return found


def _blur(graph: Graph, node: int, value: Array, args: Sequence[Array], widths: Sequence[Array]) -> Array:
    op, settings = graph.ops[node], graph.settings[node]
    if op.elementwise:
        own = np.where(_is_an_arg(op, value, args), 0.0, UNIT * np.abs(value))
        return own + _largest_move(value, (op.value(*ends) for ends in ends_of(args, widths)))
    if op.linear:
        sizes = [np.abs(arg) for arg in args]
        size = op.value(*sizes, batch=0, **settings)
        wider_args = [one + (0.0 if at in op.chooses else widths[at]) for at, one in enumerate(sizes)]
        wider = op.value(*wider_args, batch=0, **settings)
        own = _SUM * UNIT * math.log2(max(1, _terms(args, value))) * size
        return np.asarray(own + np.maximum(wider - size, 0.0))
    ends = (op.value(*one, batch=0, **settings) for one in ends_of(args, widths))
    return _SUM * UNIT * np.abs(value) + _largest_move(value, ends)


def _terms(args: Sequence[Array], value: Array) -> int:
    """About how many numbers each element of a linear op's value is the sum of; 1 where they only move."""
    if len(args) == 1:
        return args[0].size // max(1, value.size)
    return 2 * max(max(arg.shape, default=1) for arg in args)


def ends_of(args: Sequence[Array], widths: Sequence[Array]) -> Iterator[list[Array]]:
    """The args with each that is not exact moved up and down by its width, in every combination."""
    ways = [(-1.0, 1.0) if np.any(width) else (0.0,) for width in widths]
    if any(len(way) > 1 for way in ways):
        for signs in product(*ways):
            yield [arg + sign * width for arg, sign, width in zip(args, signs, widths, strict=True)]


def _largest_move(value: Array, ends: Iterable[Any]) -> Array:
    """How far the farthest of `ends` is from the value; unbounded where one is not finite."""
    found = np.zeros(value.shape)
    for end in ends:
        found = np.maximum(found, np.nan_to_num(np.abs(end - value), nan=np.inf))
    return found


def _is_an_arg(op: Op, value: Array, args: Sequence[Array]) -> Any:
    """Is the value one of the args, or its negative? Then the op has not rounded it.

    Not so in 1 + 1e-20, which is 1: this holds of ops that choose, and of those of one arg.
    """
    same = np.zeros(value.shape, dtype=bool)
    if op.witness or len(args) == 1:
        for arg in args:
            same |= np.abs(value) == np.abs(arg)
    return same
