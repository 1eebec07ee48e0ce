"""Cases for ops of linear algebra; see cases_tensors.py for what such a module holds.

NumPy has no inverses of numbers of many digits, and of complex matrices its Cholesky factor is another
function: both are written out here, by ways that bpx does not take.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
from oracle import elementwise, mp, torch

SQUARES: list[tuple[int, ...]] = [(2, 2), (1, 1), (3, 3), (4, 4), (5, 5), (2, 3, 3), (3, 2, 2), (2, 1, 4, 4)]
SYSTEMS: list[list[tuple[int, ...]]] = [
    [(1, 1), (1,)],
    [(2, 2), (2,)],
    [(3, 3), (3,)],
    [(3, 3), (3, 2)],
    [(4, 4), (4, 1)],
    [(3, 3), (3, 3)],
    [(2, 3, 3), (3,)],
    [(2, 3, 3), (2, 3, 2)],
    [(2, 3, 3), (3, 2)],
    [(3, 3), (2, 3, 2)],
    [(2, 1, 2, 2), (3, 2, 2)],
]
DIAGONALS: list[tuple[tuple[int, ...], int]] = [
    *[((n,), k) for n in (1, 3, 4) for k in (0, 1, -2)],
    *[((4, 4), k) for k in (0, 1, -1, 3, -3)],
    *[((2, 4), k) for k in (0, 1, 2, 3, -1)],
    *[((4, 2), k) for k in (0, 1, -1, -3)],
    ((1, 1), 0),
]
CASES: list[tuple[str, list[Any], dict[str, Any]]] = [
    *[(name, [shape], {}) for name in ("inv", "det", "cofactor", "logdet", "cholesky") for shape in SQUARES],
    *[(name, [shape], {}) for name in ("eigvalsh", "eigenprojections") for shape in SQUARES],
    *[("solve", shapes, {}) for shapes in SYSTEMS],
    *[("diag", [shape], {"k": k}) for shape, k in DIAGONALS],
    *[("trace", [shape], {}) for shape in [(1, 1), (3, 3), (2, 4), (4, 2)]],
]


def _regular(rng: Any, shape: Any) -> Any:
    """A matrix, or a stack of them, far from all that are singular."""
    return rng.normal(size=shape) + 3 * np.eye(shape[-1]) * rng.choice([-1.0, 1.0], shape[-1])


def _positive(rng: Any, shape: Any) -> Any:
    """A symmetric matrix that is positive definite; its upper triangle is not read, and may be any."""
    root = rng.normal(size=shape) + 2 * np.eye(shape[-1])
    return np.tril(root @ np.swapaxes(root, -1, -2)) + np.triu(rng.normal(size=shape), 1)


def _of_distinct_eigenvalues(rng: Any, shape: Any) -> Any:
    """The lower triangle of a symmetric matrix with eigenvalues about 2 apart, beside any upper one."""
    rotations = np.linalg.qr(rng.normal(size=shape))[0]
    spectrum = 2.0 * np.arange(shape[-1]) - 3 + rng.uniform(-0.3, 0.3, shape[:-1])
    symmetric = (rotations * spectrum[..., np.newaxis, :]) @ np.swapaxes(rotations, -1, -2)
    return np.tril(symmetric) + np.triu(rng.normal(size=shape), 1)


DRAWS: dict[str, Callable[..., list[Any]]] = {
    **{name: lambda rng, shapes: [_regular(rng, shapes[0])] for name in ("inv", "det", "cofactor", "logdet")},
    **{
        name: lambda rng, shapes: [_of_distinct_eigenvalues(rng, shapes[0])]
        for name in ("eigvalsh", "eigenprojections")
    },
    "solve": lambda rng, shapes: [_regular(rng, shapes[0]), rng.normal(size=shapes[1])],
    "cholesky": lambda rng, shapes: [_positive(rng, shapes[0])],
}


# --- as functions of arrays of any numbers ------------------------------------------------------


def _of_stacks(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def of_stack(a: Any) -> Any:
        a = np.asarray(a)
        found = [np.asarray(function(a[at])) for at in np.ndindex(a.shape[:-2])]
        return np.stack(found).reshape((*a.shape[:-2], *found[0].shape))

    return of_stack


def _leibniz(a: Any) -> Any:
    """The determinant, as the sum over all permutations."""
    n, total = len(a), 0 * a[0, 0]
    for order in permutations(range(n)):
        inversions = sum(order[i] > order[j] for i in range(n) for j in range(i + 1, n))
        product = (-1) ** inversions + 0 * a[0, 0]
        for row, column in enumerate(order):
            product = product * a[row, column]
        total = total + product
    return total


def _cofactors(a: Any) -> Any:
    n = len(a)
    if n == 1:
        return 0 * a + 1
    minors = [[_leibniz(np.delete(np.delete(a, i, 0), j, 1)) for j in range(n)] for i in range(n)]
    return np.array(minors) * (-1) ** np.add.outer(np.arange(n), np.arange(n))


def _cramer(a: Any) -> Any:
    """The inverse by Cramer's rule."""
    return _cofactors(a).T / _leibniz(a)


def _pivots(a: Any) -> Any:
    """Cholesky's factor by columns, each taken off what is left (bpx goes by rows); nothing is conjugated."""
    rest = np.tril(a) + np.tril(a, -1).T
    columns = []
    for k in range(len(a)):
        column = rest[:, k] / _sqrt(rest[k, k])
        columns.append(np.where(np.arange(len(a)) < k, 0 * column, column))
        rest = rest - np.multiply.outer(column, column)
    return np.stack(columns, axis=1)


def _roots(a: Any) -> Any:
    """Eigenvalues of the lower triangle, as roots of det(λ - a) by Newton's method from LAPACK's."""
    a = np.tril(a) + np.tril(a, -1).T
    start = np.linalg.eigvalsh(np.array(np.real(a), dtype=float))
    return np.array([_root(a, float(near)) for near in start])


def _root(a: Any, root: Any) -> Any:
    n, one = len(a), 0 * a[0, 0] + 1
    for _ in range(3):
        rest = root * np.eye(n, dtype=int) * one - a
        minors = [np.delete(np.delete(rest, at, 0), at, 1) for at in range(n)]
        slope = sum(_leibniz(minor) for minor in minors) if n > 1 else one
        root = root - _leibniz(rest) / slope
    return root


def _covariants(a: Any) -> Any:
    """Frobenius covariants: of each eigenvalue λ the product of (a - μ)/(λ - μ) over all others μ."""
    roots, symmetric = _roots(a), np.tril(a) + np.tril(a, -1).T
    unit = np.eye(len(a), dtype=int) * (0 * symmetric[0, 0] + 1)
    products = []
    for at, root in enumerate(roots):
        product = unit
        for other in np.delete(roots, at):
            product = product @ ((symmetric - other * unit) / (root - other))
        products.append(product)
    return np.stack(products)


def _solve(a: Any, b: Any) -> Any:
    return np.matmul(_of_stacks(_cramer)(a), b)


def _log_abs(x: Any) -> Any:
    return _log(np.where(np.real(x) < 0, -x, x))


_sqrt = elementwise(np.sqrt, mp.sqrt)
_log = elementwise(np.log, mp.log)

TENSORS: dict[str, Callable[..., Any]] = {
    "inv": _of_stacks(_cramer),
    "solve": _solve,
    "det": _of_stacks(_leibniz),
    "cofactor": _of_stacks(_cofactors),
    "logdet": lambda a: _log_abs(_of_stacks(_leibniz)(a)),
    "cholesky": _of_stacks(_pivots),
    "eigvalsh": _of_stacks(_roots),
    "eigenprojections": _of_stacks(_covariants),
    "diag": lambda x, k=0: np.diag(x, k),
    "trace": np.trace,
}


def _torch_projections(t: Any, a: Any) -> Any:
    rows = t.linalg.eigh(a.tril() + a.tril(-1).transpose(-1, -2))[1].transpose(-1, -2)
    return rows[..., :, None] * rows[..., None, :]


def torch_functions() -> dict[str, Callable[..., Any]]:
    """Op name → torch function."""
    t = torch()
    return {
        "inv": t.linalg.inv,
        "solve": lambda a, b: t.linalg.inv(a) @ b,  # whether b is a vector torch guesses by other rules
        "det": t.linalg.det,
        "cofactor": lambda a: t.linalg.det(a)[..., None, None] * t.linalg.inv(a).transpose(-1, -2),
        "logdet": lambda a: t.linalg.slogdet(a)[1],
        # torch shares what an element gets with its mirror image, which is not read.
        "cholesky": lambda a: t.linalg.cholesky(a.tril() + a.tril(-1).transpose(-1, -2)),
        "eigvalsh": lambda a: t.linalg.eigvalsh(a.tril() + a.tril(-1).transpose(-1, -2)),
        "eigenprojections": lambda a: _torch_projections(t, a),
        "diag": lambda x, k=0: t.diag(x, k),
        "trace": t.trace,
    }
