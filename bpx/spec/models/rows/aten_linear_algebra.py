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
    return add("cholesky", _mean_of_triangles(self))


def _mean_of_triangles(x: Expr) -> Expr:
    return (x + add("transpose", x, axes=[*range(x.ndim - 2), x.ndim - 1, x.ndim - 2])) / 2


def _eigenvalues(self: Expr, UPLO: str = "L") -> Expr:
    """Of the mean of both triangles, as for Cholesky's factor: exported matrices are symmetric."""
    return add("eigvalsh", _mean_of_triangles(self))


LINEAR_ALGEBRA: Mapping[str, Callable[..., Any]] = {
    "linalg_inv": lambda A: add("inv", A),
    "linalg_det": lambda A: add("det", A),
    "linalg_cholesky": _cholesky,
    "linalg_eigvalsh": _eigenvalues,
    "linalg_eigh": lambda self, UPLO="L": (_eigenvalues(self), None),  # the vectors are not read
    "linalg_solve": lambda A, B: add("solve", A, B),
    "kron": lambda self, other: add("kron", self, other),
    "linalg_cross": lambda self, other, dim=-1: add("cross", self, other, axis=dim),
    "trace": lambda self: add("trace", self),
}
