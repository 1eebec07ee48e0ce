"""What rows ask of their operands: numbers that are known, lists of settings, axes in another order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.graph import Expr
from bpx.spec.trace.rules.building import OtherSetting, add


def numbers_of(operand: Any) -> Array:
    """The numbers of what depends on no input. Raises `OtherSetting` where it does."""
    if isinstance(operand, Expr):
        constant = operand.graph.constants.get(operand.id)
        if constant is None:
            raise OtherSetting("indices")
        return constant
    return np.asarray(operand, dtype=float)


def per_axis(value: Any, count: int) -> list[int]:
    """A setting for each axis: a list as it is, that of one number and a number for every axis."""
    values = list(value) if isinstance(value, list | tuple) else [value]
    return [int(item) for item in (values * count if len(values) == 1 else values)]


def moved(x: Expr, source: Any, destination: Any) -> Expr:
    """`x` with axes moved to other places, as `np.moveaxis` has it."""
    sources = [axis % x.ndim for axis in _listed(source)]
    places = [axis % x.ndim for axis in _listed(destination)]
    axes = [axis for axis in range(x.ndim) if axis not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        axes.insert(place, axis)
    return x if axes == list(range(x.ndim)) else add("transpose", x, axes=axes)


def classes_last(x: Expr) -> Expr:
    """`x` with its axis of classes, the second, as its last."""
    return moved(x, 1, -1) if x.ndim > 1 else x


def _listed(value: int | Iterable[int]) -> list[int]:
    return [value] if isinstance(value, int) else list(value)


def along(parameter: Expr | None, x: Expr, axis: int = 1) -> Expr | None:
    """A number for each channel so that it meets the axis of the channels of `x`."""
    if parameter is None or axis % x.ndim == x.ndim - 1:
        return parameter
    return add("reshape", parameter, shape=[-1, *[1] * (x.ndim - 1 - axis % x.ndim)])


def stacked(tensors: Sequence[Expr], dim: int = 0) -> Expr:
    """Arrays as the slices of one along a new axis."""
    if len(tensors) > 1:
        return add("stack", *tensors, axis=dim)
    axis = dim % (tensors[0].ndim + 1)
    shape = tensors[0].shape
    return add("reshape", tensors[0], shape=[*shape[:axis], 1, *shape[axis:]])
