"""The operations of PyTorch's `aten` that make arrays, change their type or combine flags."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from bpx.graph.arrays import LARGEST_NODE, SizeError
from bpx.graph.graph import CONSTANT, Expr
from bpx.spec.models.rows.operands import numbers_of
from bpx.spec.trace.rules.building import OtherSetting


def _as_type(self: Expr, dtype: Any = None) -> Any:
    if isinstance(dtype, np.dtype) and dtype.kind in "iub":
        numbers = numbers_of(self)  # of what can be differentiated nothing would be left
        return self.graph.constant(np.not_equal(numbers, 0) if dtype.kind == "b" else np.trunc(numbers))
    return self


def _itself(self: Expr) -> Expr:
    return self


def _detached(self: Expr) -> Expr:
    if self.op is not CONSTANT:
        raise OtherSetting("self")
    return self


def _filled(value: float) -> Callable[..., Any]:
    return lambda size, dtype=None: full(size, value)


def full(size: Sequence[int], fill_value: float, dtype: Any = None) -> Any:
    """An array of one number. Raises `SizeError` where it would be too large."""
    if math.prod(int(length) for length in size) > LARGEST_NODE:
        raise SizeError("full", count=LARGEST_NODE + 1, of="elements")
    return np.full([int(length) for length in size], float(fill_value))


def _like(value: float) -> Callable[..., Any]:
    return lambda self, dtype=None: self.graph.constant(full(self.shape, value))


def _arange(start: float = 0, end: float = 0, step: float = 1, dtype: Any = None) -> Any:
    if abs(end - start) > LARGEST_NODE * abs(step):
        raise SizeError("full", count=LARGEST_NODE + 1, of="elements")
    return np.arange(start, end, step, dtype=float)


def _linspace(start: float, end: float, steps: int, dtype: Any = None) -> Any:
    if steps > LARGEST_NODE:
        raise SizeError("full", count=LARGEST_NODE + 1, of="elements")
    return np.linspace(start, end, int(steps))


def _logical(function: Callable[..., Any]) -> Callable[..., Any]:
    def apply(self: Expr, other: Any = None) -> Any:
        args = [numbers_of(self) != 0, *([] if other is None else [numbers_of(other) != 0])]
        return self.graph.constant(function(*args))

    return apply


MAKERS: Mapping[str, Callable[..., Any]] = {
    "to": _as_type,
    "_to_copy": _as_type,
    **dict.fromkeys(("contiguous", "clone", "alias", "lift_fresh_copy", "type_as", "positive"), _itself),
    "type_as": lambda self, other: self,
    "detach": _detached,
    "zeros": _filled(0),
    "ones": _filled(1),
    "eye": lambda n, dtype=None: np.eye(int(n)),
    "full": full,
    "zeros_like": _like(0),
    "ones_like": _like(1),
    "full_like": lambda self, fill_value, dtype=None: self.graph.constant(full(self.shape, fill_value)),
    "new_zeros": lambda self, size, dtype=None: full(size, 0),
    "new_ones": lambda self, size, dtype=None: full(size, 1),
    "scalar_tensor": lambda s, dtype=None: np.array(float(s)),
    "arange": _arange,
    "linspace": _linspace,
    "logical_not": _logical(np.logical_not),
    "logical_and": _logical(np.logical_and),
    "logical_or": _logical(np.logical_or),
    "sym_size": lambda self, dim: int(self.shape[dim]),
}
