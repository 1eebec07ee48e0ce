"""Formulas of whole arrays that gradients are often made of: `X.T @ d`, `d @ W.T`, sums, softmax.

They are found by shapes: of all products and sums over the names there are those that have the shape of the
gradient. What is done to them element by element is for the search of short formulas to find.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations

from bpx.check.numeric.tolerances import MOST_ARRAY_TERMS, MOST_DIFFERENCES, MOST_LAYERS, MOST_TERM_OPERATIONS
from bpx.graph.arrays import Shape
from bpx.graph.graph import OPS, Expr, Graph


def array_terms(graph: Graph, nodes: Sequence[int], shape: Shape) -> list[Expr]:
    """Formulas over `nodes`, appended to `graph`, that have this shape; the plain ones first."""
    arrays = [graph[node] for node in nodes if graph.shapes[node]]
    left = MOST_TERM_OPERATIONS
    terms: dict[int, Expr] = {}
    for term, operations in _terms(arrays, shape):
        left -= operations
        if left < 0 or len(terms) == MOST_ARRAY_TERMS:
            break
        terms.setdefault(term.id, term)
    return list(terms.values())


def layer_terms(graph: Graph, nodes: Sequence[int]) -> list[Expr]:
    """Layers over `nodes`, appended to `graph`: the usual functions of products, with a bias or without."""
    arrays = [graph[node] for node in nodes if graph.shapes[node]]
    sums = [sum_ for a in arrays for b in arrays for sum_ in _layers(a, b, arrays)]
    return [term for z in sums[:MOST_LAYERS] for term in _activated(z)]


def _layers(a: Expr, b: Expr, biases: Sequence[Expr]) -> Iterator[Expr]:
    if a.ndim == 2 and b.ndim in (1, 2) and a.id != b.id and a.shape[1] == b.shape[0]:
        z = a @ b
        yield z
        yield from (z + bias for bias in biases if bias.ndim == 1 == z.ndim - 1 and bias.shape == z.shape[1:])


def _activated(z: Expr) -> Iterator[Expr]:
    yield from (OPS["sigmoid"](z), OPS["tanh"](z))
    yield from (OPS["softmax"](z, axis=axis) for axis in range(z.ndim))


def _terms(arrays: Sequence[Expr], shape: Shape) -> Iterator[tuple[Expr, int]]:
    """The formulas, and how many operations each takes."""
    pairs = [(a, b) for a, b in combinations(arrays, 2) if a.shape == b.shape]
    differences = [one for a, b in pairs[:MOST_DIFFERENCES] for one in (a - b, b - a)]
    for array in (*arrays, *differences):
        if array.ndim > 1 and array.shape[::-1] == shape != array.shape:
            yield array.T, math.prod(shape)
    for array in arrays:
        if array.shape == shape:
            yield OPS["softmax"](array), math.prod(shape)
    for array in (*arrays, *differences, *(a * b for a, b in pairs)):
        yield from _sums(array, shape)
    for a in arrays:
        for b in arrays:
            yield from _products(a, b, shape)
    for difference in differences:
        for array in arrays:
            yield from _products(array, difference, shape)
            yield from _products(difference, array, shape)


def _sums(array: Expr, shape: Shape) -> Iterator[tuple[Expr, int]]:
    """Sums over one axis, over all but the last, over all, as far as they have the shape."""
    axes: list[tuple[int, ...]] = [(axis,) for axis in range(array.ndim)]
    axes += [tuple(range(array.ndim - 1))] if array.ndim > 2 else []
    for some in axes:
        rest = tuple(length for axis, length in enumerate(array.shape) if axis not in some)
        if rest == shape:
            axis = some[0] if len(some) == 1 else list(some)
            yield OPS["sum"](array, axis=axis), math.prod(array.shape)
    if not shape and array.ndim > 1:
        yield OPS["sum"](array), math.prod(array.shape)


def _products(a: Expr, b: Expr, shape: Shape) -> Iterator[tuple[Expr, int]]:
    """Products of matrices and vectors, with transposes as needed."""
    if a.ndim == b.ndim == 1:
        if (*a.shape, *b.shape) == shape:
            yield OPS["outer"](a, b), math.prod(shape)
        return
    if a.ndim > 2 or b.ndim > 2:
        return
    # By shapes first: there are many pairs, and few of them fit.
    for left, turn_left in _turns(a):
        for right, turn_right in _turns(b):
            if left[-1] == right[0] and (*left[:-1], *right[1:]) == shape:
                product = (a.T if turn_left else a) @ (b.T if turn_right else b)
                yield product, math.prod(shape) * left[-1]


def _turns(array: Expr) -> Iterator[tuple[Shape, bool]]:
    """The shapes that an array, and its transpose, have; and whether it is that."""
    yield array.shape, False
    if array.ndim == 2:
        yield array.shape[::-1], True
