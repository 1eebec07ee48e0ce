"""Values of the ops of linear algebra: NumPy's for float64, by elimination for numbers of other classes.

Convention: what has no value, such as the inverse of a singular matrix, is nan; nothing raises. A singular
matrix in a stack leaves the others theirs.

Gaussian elimination with partial pivoting and Cholesky's method as in Golub and Van Loan, Matrix Computations
(4th ed., Johns Hopkins 2013), sections 3.4 and 4.2.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import mul
from typing import Any

import numpy as np

from bpx.graph.arrays import Array

OfMatrix = Callable[..., Any]


def of_matrices(function: OfMatrix, of_objects: OfMatrix) -> Callable[..., Any]:
    """The value of an op of matrices, which stand in the last two axes before the batch.

    `function` is NumPy's, which takes stacks; `of_objects` takes one matrix of other numbers than float64.
    """

    def value(a: Array, *, batch: int) -> Any:
        stack = np.moveaxis(a, -1, 0) if batch else a
        out = _applied(function, of_objects, stack)
        return np.moveaxis(out, 0, -1) if batch else out

    return value


def _applied(function: OfMatrix, of_objects: OfMatrix, *stacks: Array) -> Any:
    if any(stack.dtype.hasobject for stack in stacks):
        return _one_by_one(of_objects, *stacks)
    try:
        return function(*stacks)
    except np.linalg.LinAlgError:
        # NumPy gives up a stack for one matrix.
        return _one_by_one(lambda *matrices: _or_nan(function, *matrices), *stacks)


def _or_nan(function: OfMatrix, *matrices: Array) -> Any:
    try:
        return function(*matrices)
    except np.linalg.LinAlgError:
        # The result has the shape of the last matrix: of the one that is inverted, of the right-hand sides.
        return np.full(matrices[-1].shape, np.nan)


def _one_by_one(function: OfMatrix, *stacks: Array) -> Any:
    """`function` of every matrix, or pair of matrices, of stacks that broadcast."""
    lead = np.broadcast_shapes(*(stack.shape[:-2] for stack in stacks))
    stacks = tuple(np.broadcast_to(stack, (*lead, *stack.shape[-2:])) for stack in stacks)
    results = [np.asarray(function(*(stack[at] for stack in stacks))) for at in np.ndindex(lead)]
    return np.stack(results).reshape((*lead, *results[0].shape))


# --- systems of equations -----------------------------------------------------------------------


def solution(a: Array, b: Array, *, batch: int) -> Any:
    """The x of a @ x = b, for b a vector or matrices, stacks broadcast; the batch axis, if any, is last."""
    if batch:
        a, b = np.moveaxis(a, -1, 0), np.moveaxis(b, -1, 0)
    is_vector = b.ndim == 1 + batch
    b = b[..., np.newaxis] if is_vector else b
    most = max(a.ndim, b.ndim)
    # The axes of the stacks are lined up behind the batch axis.
    a, b = (x.reshape(*x.shape[:batch], *[1] * (most - x.ndim), *x.shape[batch:]) for x in (a, b))
    out = _applied(np.linalg.solve, solved, a, b)
    out = out[..., 0] if is_vector else out
    return np.moveaxis(out, 0, -1) if batch else out


def solved(a: Array, b: Array) -> Any:
    """The matrix x of a @ x = b, for matrices of any class of numbers."""
    upper, right, _ = _eliminated(a, b)
    x = right.copy()
    for row in reversed(range(len(a))):
        x[row] = (right[row] - upper[row, row + 1 :] @ x[row + 1 :]) / upper[row, row]
    return x


def inverted(a: Array) -> Any:
    """The inverse of a matrix of any class of numbers."""
    return solved(a, np.eye(len(a), dtype=int).astype(object))


def _eliminated(a: Array, b: Array) -> tuple[Array, Array, int]:
    """An upper triangle and a right-hand side of the same solution; 1 or -1 as rows were exchanged."""
    upper, right, sign = a.copy(), b.copy(), 1
    for at in range(len(a)):
        pivot = at + _largest(upper[at:, at])
        if pivot != at:
            for rows in (upper, right):
                rows[[at, pivot]] = rows[[pivot, at]]
            sign = -sign
        factors = upper[at + 1 :, at] / upper[at, at]
        upper[at + 1 :, at:] -= np.multiply.outer(factors, upper[at, at:])
        right[at + 1 :] -= np.multiply.outer(factors, right[at])
    return upper, right, sign


def _largest(column: Array) -> int:
    """Where a column has its largest number; any will do where intervals do not say."""
    best = 0
    for at in range(1, len(column)):
        try:
            # Squares rather than absolute values, which have a kink at 0.
            best = at if column[at] * column[at] > column[best] * column[best] else best
        except ArithmeticError:
            continue
    return best


# --- determinants -------------------------------------------------------------------------------


def determinant(a: Array) -> Any:
    """The determinant of a matrix of any class of numbers."""
    if len(a) <= 2:  # without a division, so that it is right of singular matrices too
        return a[0, 0] if len(a) == 1 else a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0]
    if len(a) == 3:
        return sum(a[0, at] * _minor(a, 0, at) * (-1) ** at for at in range(3))
    upper, _, sign = _eliminated(a, np.zeros((len(a), 0), dtype=object))
    return reduce(mul, np.diagonal(upper)) * sign


def _minor(a: Array, row: int, column: int) -> Any:
    """The determinant of what is left without a row and a column."""
    return determinant(np.delete(np.delete(a, row, 0), column, 1))


def log_determinant(a: Array) -> Any:
    """The logarithm of the absolute value of a determinant, for stacks of float64."""
    return np.linalg.slogdet(a)[1]


def log_of_determinant(a: Array) -> Any:
    """The same for a matrix of any class of numbers."""
    return np.log(np.abs(np.asarray(determinant(a), dtype=object)))


def cofactors(a: Array) -> Any:
    """The derivatives of the determinant by each element, of float64 stacks, singular ones included."""
    n = a.shape[-1]
    others = [[at for at in range(n) if at != left_out] for left_out in range(n)]
    rows, columns = np.array(others)[:, np.newaxis, :, np.newaxis], np.array(others)[:, np.newaxis, :]
    minors = np.linalg.det(a[..., rows, columns]) if n > 1 else np.ones(a.shape)
    return minors * (-1.0) ** np.add.outer(np.arange(n), np.arange(n))


# --- Cholesky's factor --------------------------------------------------------------------------


def cholesky_factor(a: Array) -> Any:
    """The lower triangle L with L @ L.T = a, for a matrix of any class of numbers, of which half is read."""
    lower = np.zeros(a.shape, dtype=int).astype(object)
    for row in range(len(a)):
        for column in range(row + 1):
            rest = a[row, column] - lower[row, :column] @ lower[column, :column]
            lower[row, column] = np.sqrt(rest) if row == column else rest / lower[column, column]
    return lower
