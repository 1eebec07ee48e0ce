"""Eigenvalues of symmetric matrices, in ascending order, and the projections that belong to them.

`eigvalsh` is that of numpy.linalg: it takes stacks of matrices, in the last two axes, and reads the lower
triangle alone. So the upper triangle of the gradient is 0, and an element below the diagonal gets what its
mirror image would have got, too. Eigenvectors, whose signs are free, are no op; `eigenprojections` are
v @ v.T of each, whose signs cancel.

Rules as in Magnus, On differentiating eigenvalues and eigenvectors (Econometric Theory 1, 1985), and Kato,
Perturbation Theory for Linear Operators (2nd ed., Springer 1976), section II.2. Where two eigenvalues are
equal each has a kink, but their sum has none; the projections are undefined there.
"""

from __future__ import annotations

from string import ascii_uppercase
from typing import Any

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.graph import Expr, Op
from bpx.ops.building.row import structural
from bpx.ops.indices import shaped
from bpx.ops.linear_algebra import Size, arrange_square, einsum, matrix_axes
from bpx.ops.shapes import tril
from bpx.ops.tensors import matrix_transpose, sum_
from bpx.ops.values import eigenvalues
from bpx.ops.values.matrices import of_matrices


def _weighted(weights: Expr, matrices: Expr) -> Expr:
    """Of each stack of n matrices, the sum with n weights, or with n rows of them."""
    lead = ascii_uppercase[: matrices.ndim - 3]
    rows = "r" if weights.ndim == matrices.ndim - 1 else ""
    subscripts = f"{lead}{rows}k,{lead}kij->{lead}{rows}ij"
    return einsum(weights, matrices, subscripts=subscripts)


def _to_lower(symmetric: Expr) -> Expr:
    """The gradient of the lower triangle, which stands for both, from that of a symmetric matrix."""
    return tril(symmetric) + tril(symmetric, k=-1)


def _inverse_gaps(values: Any, reshape: Any) -> Any:
    """1/(λ_k − λ_j) of n eigenvalues, and 0 where k = j."""
    *lead, n = values.shape
    gaps = reshape(values, (*lead, n, 1)) - reshape(values, (*lead, 1, n))
    return (1.0 - np.eye(n)) / (gaps + np.eye(n))


def _pull_values(upstream: Expr, a: Expr, out: Expr) -> tuple[Expr]:
    return (_to_lower(_weighted(upstream, eigenprojections(a))),)


def _pull_projections(upstream: Expr, a: Expr, out: Expr) -> tuple[Expr]:
    """The symmetric part of Σ R·u·P + P·u·R over projections P: u arrives there, and R = Σ P_j/(λ − λ_j)."""
    others = _weighted(_inverse_gaps(eigvalsh(a), shaped), out)
    both = others @ upstream @ out + out @ upstream @ others
    total = sum_(both, axis=out.ndim - 3)
    return (_to_lower((total + matrix_transpose(total)) / 2),)


# --- forward mode: along directions that stand in a leading axis ----------------------------------


def _symmetric(directions: Array) -> Any:
    return np.tril(directions) + np.swapaxes(np.tril(directions, -1), -1, -2)


def _slopes_of_values(directions: Array, a: Array, out: Array, *, size: Size) -> Any:
    """v · dA · v, of each unit eigenvector v."""
    vectors = size(np.linalg.eigh(a)[1])
    return np.sum(vectors * (_symmetric(directions) @ vectors), axis=-2)


def _slopes_of_projections(directions: Array, a: Array, out: Array, *, size: Size) -> Any:
    """R·dA·P + P·dA·R, R as in the rule."""
    with np.errstate(divide="ignore", invalid="ignore"):
        gaps = size(_inverse_gaps(np.linalg.eigvalsh(a), np.reshape))
        others = np.einsum("...rk,...kij->...rij", gaps, size(out))
    half = others @ _symmetric(directions)[..., np.newaxis, :, :] @ size(out)
    return half + np.swapaxes(half, -1, -2)


eigvalsh: Op = structural(
    "eigvalsh",
    of_matrices(eigenvalues.eigenvalues, eigenvalues.eigenvalues_of_objects),
    _pull_values,
    lambda a: a[:-1],
    arrange=arrange_square("eigvalsh"),
    mixes=matrix_axes,
    slopes=_slopes_of_values,
    aliases=("eigh",),
    sample=((2, 2),),
)
eigenprojections: Op = structural(
    "eigenprojections",
    of_matrices(eigenvalues.projections, eigenvalues.projections_of_objects),
    _pull_projections,
    lambda a: (*a[:-2], a[-1], *a[-2:]),
    arrange=arrange_square("eigenprojections"),
    mixes=matrix_axes,
    slopes=_slopes_of_projections,
    sample=((2, 2),),
)
