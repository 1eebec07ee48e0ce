"""Eigenvalues of symmetric matrices, and the projections that belong to them.

NumPy's for float64; by cyclic Jacobi rotations for numbers of other classes, as in Golub and Van Loan, Matrix
Computations (4th ed., Johns Hopkins 2013), section 8.5.

Convention: of each matrix the lower triangle is read. What has no value is nan, also where numbers of a class
do not say which of them is the larger; nothing raises.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bpx.graph.arrays import Array

MOST_SWEEPS = 60  # quadratic at the end: eight for 90 digits, twelve for a thousand


def eigenvalues(a: Array) -> Any:
    """Those of each matrix of a stack, in ascending order."""
    try:
        return np.linalg.eigvalsh(a)
    except np.linalg.LinAlgError:
        # LAPACK's iteration gave up: a stack is asked again one by one.
        if a.ndim > 2:
            raise
        return np.full(len(a), np.nan)


def projections(a: Array) -> Any:
    """v @ v.T of each unit eigenvector v, stacked in the order of the eigenvalues: (…, n, n, n)."""
    try:
        vectors = np.linalg.eigh(a)[1]
    except np.linalg.LinAlgError:
        if a.ndim > 2:
            raise
        vectors = np.full(a.shape, np.nan)
    return _squares(vectors)


def _squares(vectors: Array) -> Any:
    rows = np.swapaxes(vectors, -1, -2)
    return rows[..., :, np.newaxis] * rows[..., np.newaxis, :]


def eigenvalues_of_objects(a: Array) -> Any:
    """The same of one matrix of any class of numbers."""
    return _by_rotations(a)[0]


def projections_of_objects(a: Array) -> Any:
    """The same of one matrix of any class of numbers."""
    return _squares(_by_rotations(a)[1])


def _by_rotations(a: Array) -> tuple[Array, Array]:
    """Eigenvalues and, as columns, unit eigenvectors."""
    n = len(a)
    turned, vectors = _symmetric(a), np.eye(n, dtype=int).astype(object)
    try:
        _sweep_to_diagonal(turned, vectors)
        order = sorted(range(n), key=lambda at: turned[at, at])
    except ArithmeticError:
        # Intervals that meet: which rotation, or which order, they do not say.
        return np.full(n, np.nan).astype(object), np.full((n, n), np.nan).astype(object)
    return np.diagonal(turned)[order], vectors[:, order]


def _symmetric(a: Array) -> Array:
    """The matrix that a lower triangle stands for."""
    lower = np.tri(len(a), dtype=bool)
    return np.where(lower, a, a.T)


def _sweep_to_diagonal(a: Array, vectors: Array) -> None:
    """Rotate until what is left beside the diagonal is nothing to the precision of the numbers."""
    beside = ~np.eye(len(a), dtype=bool)
    is_last = False
    for _ in range(MOST_SWEEPS):
        size, rest = (a * a).sum(), (a * a)[beside].sum()
        if is_last or rest == 0:
            return
        # Squares that vanish beside the others: half of the digits are right. The last sweep doubles them.
        is_last = bool(size + rest == size)
        for row, column in zip(*np.nonzero(np.tri(len(a), k=-1)), strict=True):
            if a[row, column] != 0:
                _rotate(a, vectors, row, column)
    raise ArithmeticError  # nan among the numbers


def _rotate(a: Array, vectors: Array, p: Any, q: Any) -> None:
    """Turn the plane of two axes so that a[p, q] becomes 0; in place."""
    ratio = (a[q, q] - a[p, p]) / (2 * a[p, q])
    root = np.sqrt(ratio * ratio + 1)
    tangent = 1 / (ratio - root) if ratio < 0 else 1 / (ratio + root)
    cosine = 1 / np.sqrt(tangent * tangent + 1)
    sine = tangent * cosine
    for rows in (a, a.T, vectors.T):
        rows[p], rows[q] = cosine * rows[p] - sine * rows[q], sine * rows[p] + cosine * rows[q]
    a[p, q] = a[q, p] = 0 * tangent
