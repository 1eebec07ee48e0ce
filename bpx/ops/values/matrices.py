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


MOST_WITHOUT_DIVISION = 8  # rows; n⁴ operations in place of n³


def determinant(a: Array) -> Any:
    """The determinant of a matrix of any class of numbers; of a small one also where it is singular."""
    if len(a) <= MOST_WITHOUT_DIVISION:
        return _without_division(a)
    upper, _, sign = _eliminated(a, np.zeros((len(a), 0), dtype=object))
    return reduce(mul, np.diagonal(upper)) * sign


def _without_division(a: Array) -> Any:
    """Bird, A simple division-free algorithm for computing determinants (Inf. Process. Lett. 111, 2011)."""
    power = a
    for _ in range(len(a) - 1):
        sums = np.cumsum(np.diagonal(power)[:0:-1])[::-1]  # of the diagonal behind each element of it
        upper = np.triu(power, 1)
        upper[np.arange(len(a) - 1), np.arange(len(a) - 1)] = -sums
        power = upper @ a
    return power[0, 0] * (-1) ** (len(a) - 1)


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
    """The derivatives of the determinant by each element, for stacks of float64, singular ones included.

    Of U·S·V they are det(U)·det(V)·U·C·V, where C holds the products of all singular values but one: Stewart,
    On the adjugate matrix (Linear Algebra and its Applications 283, 1998).
    """
    u, values, v = np.linalg.svd(a)
    others = np.where(np.eye(a.shape[-1], dtype=bool), 1.0, values[..., np.newaxis, :])
    sign = np.rint(np.linalg.det(u) * np.linalg.det(v))
    return sign[..., np.newaxis, np.newaxis] * (u * np.prod(others, axis=-1)[..., np.newaxis, :]) @ v


def cofactors_of_objects(a: Array) -> Any:
    """The same for a matrix of any class of numbers."""
    n = len(a)
    if n == 1:
        return np.ones(a.shape, dtype=int).astype(object)
    found = [[_minor(a, row, column) * (-1) ** (row + column) for column in range(n)] for row in range(n)]
    return np.array(found, dtype=object)


def minors(a: Array) -> Any:
    """The cofactors by way of determinants, n² of them: slow, and for checks alone."""
    n = a.shape[-1]
    others = [[at for at in range(n) if at != left_out] for left_out in range(n)]
    rows, columns = np.array(others)[:, np.newaxis, :, np.newaxis], np.array(others)[:, np.newaxis, :]
    found = np.linalg.det(a[..., rows, columns]) if n > 1 else np.ones(a.shape)
    return found * (-1.0) ** np.add.outer(np.arange(n), np.arange(n))


# --- Cholesky's factor --------------------------------------------------------------------------


def cholesky_factor(a: Array) -> Any:
    """The lower triangle L with L @ L.T = a, for a matrix of any class of numbers, of which half is read."""
    lower = np.zeros(a.shape, dtype=int).astype(object)
    for row in range(len(a)):
        for column in range(row + 1):
            rest = a[row, column] - lower[row, :column] @ lower[column, :column]
            lower[row, column] = np.sqrt(rest) if row == column else rest / lower[column, column]
    return lower
