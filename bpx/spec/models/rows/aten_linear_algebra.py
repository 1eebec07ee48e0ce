"""The operations of PyTorch's `aten` of linear algebra, as nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bpx.graph.graph import Expr
from bpx.spec.trace.rules.building import OtherSetting, add


def _cholesky(self: Expr, upper: bool = False) -> Expr:
    """Of the mean of both triangles, as PyTorch's gradient is that of a symmetric matrix."""
    if upper:
        raise OtherSetting("upper")
    swapped = add("transpose", self, axes=[*range(self.ndim - 2), self.ndim - 1, self.ndim - 2])
    return add("cholesky", (self + swapped) / 2)


LINEAR_ALGEBRA: Mapping[str, Callable[..., Any]] = {
    "linalg_inv": lambda A: add("inv", A),
    "linalg_det": lambda A: add("det", A),
    "linalg_cholesky": _cholesky,
    "linalg_solve": lambda A, B: add("solve", A, B),
    "kron": lambda self, other: add("kron", self, other),
    "linalg_cross": lambda self, other, dim=-1: add("cross", self, other, axis=dim),
    "trace": lambda self: add("trace", self),
}
