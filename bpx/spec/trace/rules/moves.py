"""What a node is whose elements all stand in other nodes: index, transpose, place, stack and their like.

Views, writes into arrays, fancy indices, `np.roll`, `np.concatenate` and the rest of NumPy's functions that
only move elements are one thing here: for each element of the result, the node that it comes from and its
place there. From this map the simplest ops are found that do the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.graph.arrays import Shape
from bpx.graph.graph import CONSTANT, OPS, Expr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Places = NDArray[np.intp]
    Sources = Mapping[int, Expr]  # by number: the node that elements come from


def assembled(sources: Sources, which: Places, element: Places) -> Expr:
    """The node whose element at i is number `element[i]`, in C order, of the node `sources[which[i]]`."""
    numbers = np.unique(which)
    if len(numbers) == 1:
        return moved(sources[int(numbers[0])], element)
    if all(sources[number].op is CONSTANT for number in numbers.tolist()):
        return sources[int(numbers[0])].graph.constant(_elements(sources, which, element))
    for way in (_placed, _chosen, _put_together):
        node = way(sources, which, element, numbers)
        if node is not None:
            return node
    return _from_one_row(sources, which, element, numbers)


def _elements(sources: Sources, which: Places, element: Places) -> Any:
    """The numbers themselves, where all sources are constants."""
    values = np.zeros(which.shape)
    for number in np.unique(which).tolist():
        mine = which == number
        values[mine] = _numbers(sources[number])[element[mine]]
    return values


def _numbers(constant: Expr) -> Any:
    """The numbers of a constant, in C order."""
    return constant.graph.constants[constant.id].reshape(-1)


# --- from one node ------------------------------------------------------------------------------


def moved(source: Expr, element: Places) -> Expr:
    """The node whose element at i is number `element[i]`, in C order, of `source`."""
    graph, shape = source.graph, element.shape
    if source.op is CONSTANT:
        return graph.constant(_numbers(source)[element])
    if np.array_equal(element.reshape(-1), np.arange(math.prod(source.shape))):
        return _shaped(source, shape)
    sliced = _sliced(source, element)
    return _gathered(source, element) if sliced is None else sliced


def _shaped(source: Expr, shape: Shape) -> Expr:
    return source if source.shape == shape else source.graph.add(OPS["reshape"], source, shape=shape)


def flattened(source: Expr) -> Expr:
    """The node as one row."""
    return _shaped(source, (math.prod(source.shape),))


def _sliced(source: Expr, element: Places) -> Expr | None:
    """By a basic index, a transpose and copies along axes; None where these are not enough."""
    if not source.shape:
        return _spread(source, element.shape, ())
    if not element.size:
        return None
    at: list[int | slice] = []
    axes: list[int] = []  # of the result, for each axis of the source that is left
    for coordinate in np.unravel_index(element, source.shape):
        entry = _progression(coordinate)
        if entry is None:
            return None
        axis, part = entry
        at.append(part)
        if axis is not None:
            axes.append(axis)
    if len(set(axes)) < len(axes):
        return None
    graph = source.graph
    node = source if _is_whole(at, source.shape) else graph.add(OPS["index"], source, at=tuple(at))
    order = sorted(range(len(axes)), key=axes.__getitem__)
    if order != list(range(len(axes))):
        node = graph.add(OPS["transpose"], node, axes=order)
    return _spread(node, element.shape, tuple(sorted(axes)))


def _progression(coordinate: Places) -> tuple[int | None, int | slice] | None:
    """Along which axis a coordinate runs, in equal steps, and from where to where; None where it does not."""
    first = int(coordinate[(0,) * coordinate.ndim])
    axes = [axis for axis in range(coordinate.ndim) if np.any(np.diff(coordinate, axis=axis))]
    if not axes:
        return None, first
    if len(axes) > 1:
        return None
    [axis] = axes
    run = np.moveaxis(coordinate, axis, 0).reshape(coordinate.shape[axis], -1)[:, 0]
    steps = np.diff(run)
    if np.any(steps != steps[0]):
        return None
    step, last = int(steps[0]), int(run[-1])
    end = last + (1 if step > 0 else -1)
    return axis, slice(first, end if end >= 0 else None, step)


def _is_whole(at: Sequence[int | slice], shape: Shape) -> bool:
    whole = (isinstance(part, slice) and part == slice(0, n, 1) for part, n in zip(at, shape, strict=True))
    return all(whole)


def _spread(node: Expr, shape: Shape, axes: tuple[int, ...]) -> Expr:
    """`node`, whose axes are these of the result, copied along the others."""
    others = tuple(axis for axis in range(len(shape)) if axis not in axes)
    if all(shape[axis] == 1 for axis in others):
        return _shaped(node, shape)
    return node.graph.add(OPS["spread"], node, shape=shape, axis=others)


def _gathered(source: Expr, element: Places) -> Expr:
    """By numbers: one of each row, whole rows, or elements of the flat array."""
    for way in (_picked, _rows):
        node = way(source, element)
        if node is not None:
            return node
    return source.graph.add(OPS["embedding"], flattened(source), element.astype(float))


def _picked(source: Expr, element: Places) -> Expr | None:
    """One element of each row: `probs[range(n), y]`."""
    if not source.shape or element.shape != source.shape[:-1]:
        return None
    length = source.shape[-1]
    ids = element - length * np.arange(element.size).reshape(element.shape)
    if np.any((ids < 0) | (ids >= length)):
        return None
    return source.graph.add(OPS["pick"], source, ids.astype(float))


def _rows(source: Expr, element: Places) -> Expr | None:
    """Whole rows: `table[ids]`."""
    row = source.shape[1:]
    leading = element.ndim - len(row)
    if leading < 0 or element.shape[leading:] != row or not row:
        return None
    length = math.prod(row)
    first: Any = (..., *[0] * len(row))
    ids = element[first] // length
    whole = ids.reshape(*ids.shape, *[1] * len(row)) * length + np.arange(length).reshape(row)
    if not np.array_equal(element, whole):
        return None
    return source.graph.add(OPS["embedding"], source, ids.astype(float))


# --- from several -------------------------------------------------------------------------------


def _chosen(sources: Sources, which: Places, element: Places, numbers: Places) -> Expr | None:
    """Two arrays of this shape, or numbers, each at its own places: `h[mask] = 0`."""
    if len(numbers) > 2:
        return None
    own = np.arange(which.size).reshape(which.shape)
    args: list[Expr] = []
    for number in numbers:
        source, mine = sources[int(number)], which == number
        if source.op is CONSTANT:
            values = _numbers(source)[element[mine]]
            if np.any(values != values[0]):
                return None
            args.append(source.graph.constant(values[0]))
        elif (source.shape == which.shape and np.array_equal(element[mine], own[mine])) or not source.shape:
            args.append(source)
        else:
            return None
    graph = args[0].graph
    if not any(arg.shape == which.shape for arg in args):
        return None
    return graph.add(OPS["where"], graph.constant(which == numbers[0]), *args)


def _box(mask: Any) -> tuple[slice, ...] | None:
    """The slices that select what is marked, where that is a box."""
    at = tuple(slice(int(places.min()), int(places.max()) + 1) for places in np.nonzero(mask))
    return at if mask[at].all() else None


def _placed(sources: Sources, which: Places, element: Places, numbers: Places) -> Expr | None:
    """A box in an array of zeros: `np.pad`, `out[1:-1] = x`."""
    if len(numbers) != 2:
        return None
    for inside, outside in (numbers, numbers[::-1]):
        border = sources[int(outside)]
        if border.op is not CONSTANT or sources[int(inside)].op is CONSTANT:
            continue
        box = _box(which == inside)
        values = _numbers(border)[element[which == outside]]
        if box is not None and not values.any():
            part = moved(sources[int(inside)], element[box])
            return part.graph.add(OPS["place"], part, at=box, shape=which.shape)
    return None


def _put_together(sources: Sources, which: Places, element: Places, numbers: Places) -> Expr | None:
    """Side by side along an axis, or along the first axes taken as one: `out[i, j] = h`."""
    for axis in range(which.ndim):
        turned = np.moveaxis(which, axis, 0).reshape(which.shape[axis], -1)
        if np.all(turned == turned[:, :1]):
            node = _joined(sources, turned[:, 0], element, numbers, axis)
            if node is not None:
                return node
    for leading in range(2, which.ndim + 1):
        one_of_each: Any = (..., *[slice(0, 1)] * (which.ndim - leading))
        first = which[one_of_each]
        if np.all(which == first):
            rows = element.reshape(-1, *which.shape[leading:])
            node = _joined(sources, first.reshape(-1), rows, numbers, 0)
            return None if node is None else _shaped(node, which.shape)
    return None


def _joined(sources: Sources, which: Places, element: Places, numbers: Places, axis: int) -> Expr | None:
    """Slice i along `axis` out of source `which[i]`; None where that takes too many parts."""
    starts = [0, *(np.flatnonzero(np.diff(which)) + 1).tolist(), len(which)]
    # Where sources take turns, numbers that choose are shorter than parts.
    if len(starts) - 1 > 2 * len(numbers):
        return None
    slices = np.moveaxis(element, axis, 0)
    if len(starts) - 1 == len(which):
        parts = [
            moved(sources[number], places) for number, places in zip(which.tolist(), slices, strict=True)
        ]
        return parts[0].graph.add(OPS["stack"], *parts, axis=axis)
    runs = pairwise(starts)
    parts = [
        moved(sources[int(which[start])], np.moveaxis(slices[start:end], 0, axis)) for start, end in runs
    ]
    return parts[0].graph.add(OPS["concat"], *parts, axis=axis)


def _from_one_row(sources: Sources, which: Places, element: Places, numbers: Places) -> Expr:
    """All of the nodes one behind the other, and from these by numbers."""
    flat = [flattened(sources[number]) for number in numbers.tolist()]
    starts = np.zeros(int(numbers.max()) + 1, dtype=np.intp)
    starts[numbers] = np.cumsum([0, *(math.prod(node.shape) for node in flat[:-1])])
    places, graph = starts[which] + element, flat[0].graph
    return graph.add(OPS["embedding"], graph.add(OPS["concat"], *flat, axis=0), places.astype(float))
