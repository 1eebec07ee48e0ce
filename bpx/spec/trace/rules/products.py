"""Rules of NumPy's products, and of its linear algebra."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from bpx.graph.graph import OPS, Expr
from bpx.spec.trace.rules.building import Rule, add, by_function, nodes
from bpx.spec.trace.rules.moves import moved
from bpx.spec.trace.rules.reductions import flat

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _dot(a: Any, b: Any) -> Expr:
    a, b = nodes(a, b)
    if not a.ndim or not b.ndim:
        return add("mul", a, b)
    if a.ndim <= 2 and b.ndim <= 2:
        return add("matmul", a, b)
    return _tensordot(a, b, ([a.ndim - 1], [max(b.ndim - 2, 0)]))


def _inner(a: Any, b: Any) -> Expr:
    a, b = nodes(a, b)
    if not a.ndim or not b.ndim:
        return add("mul", a, b)
    return _tensordot(a, b, ([a.ndim - 1], [b.ndim - 1]))


def _vdot(a: Any, b: Any) -> Expr:
    a, b = nodes(a, b)
    return add("matmul", flat(a), flat(b))


def _outer(a: Any, b: Any) -> Expr:
    a, b = nodes(a, b)
    return add("outer", flat(a), flat(b))


def _tensordot(a: Any, b: Any, axes: Any = 2) -> Expr:
    a, b = nodes(a, b)
    if isinstance(axes, int):
        axes = (list(range(a.ndim - axes, a.ndim)), list(range(axes)))
    along_a, along_b = ([item] if isinstance(item, int) else list(item) for item in axes)
    letters_a, letters_b = list(_LETTERS[: a.ndim]), list(_LETTERS[a.ndim : a.ndim + b.ndim])
    for i, j in zip(along_a, along_b, strict=True):
        letters_b[j] = letters_a[i]
    summed = {letters_a[i] for i in along_a}
    out = "".join(letter for letter in letters_a + letters_b if letter not in summed)
    return add("einsum", a, b, subscripts=f"{''.join(letters_a)},{''.join(letters_b)}->{out}")


def _along_last(a: Any, b: Any, *, axis: int = -1) -> Expr:
    """`np.vecdot`: the sum along an axis of products."""
    return add("sum", add("mul", *nodes(a, b)), axis=int(axis))


def _matrix_vector(a: Any, b: Any) -> Expr:
    a, b = nodes(a, b)
    columns = add("reshape", b, shape=(*b.shape, 1))
    return add("sum", add("matmul", a, columns), axis=-1)


def _vector_matrix(a: Any, b: Any) -> Expr:
    a, b = nodes(a, b)
    rows = add("reshape", a, shape=(*a.shape[:-1], 1, a.shape[-1]))
    return add("sum", add("matmul", rows, b), axis=-2)


# --- einsum -------------------------------------------------------------------------------------


def _einsum(subscripts: str, *operands: Any, optimize: Any = False, **settings: Any) -> Expr:
    """Operands one after the other; a letter is summed as soon as nothing later needs it."""
    args = nodes(*operands)
    inputs, arrow, out = subscripts.replace(" ", "").partition("->")
    parts, out = _in_letters(inputs.split(","), out if arrow else None, args)
    diagonals = [_diagonal(arg, part) for arg, part in zip(args, parts, strict=True)]
    args, parts = [arg for arg, _ in diagonals], [part for _, part in diagonals]
    if len(args) == 1:
        return _summed_letters(args[0], parts[0], out)
    node, letters = args[0], parts[0]
    for i in range(1, len(args)):
        later = set(out).union(*parts[i + 1 :])
        both = dict.fromkeys(letters + parts[i])
        kept = out if i == len(args) - 1 else "".join(letter for letter in both if letter in later)
        node, letters = add("einsum", node, args[i], subscripts=f"{letters},{parts[i]}->{kept}"), kept
    return node


def _in_letters(parts: list[str], out: str | None, args: list[Expr]) -> tuple[list[str], str]:
    """Subscripts with letters in the place of `...`, and the letters of the result."""
    used = "".join(parts)
    spare = [letter for letter in _LETTERS if letter not in used]
    widest = max(
        (arg.ndim - len(part) + 3 for arg, part in zip(args, parts, strict=True) if "..." in part), default=0
    )
    wide = "".join(spare[:widest])
    full = [
        part.replace("...", wide[widest - (arg.ndim - len(part) + 3) :])
        for arg, part in zip(args, parts, strict=True)
    ]
    if out is None:
        named = used.replace(".", "")
        out = wide + "".join(sorted(letter for letter in set(named) if named.count(letter) == 1))
    return full, out.replace("...", wide)


def _diagonal(x: Expr, letters: str) -> tuple[Expr, str]:
    """The elements where indices of the same letter are equal; and each letter once."""
    once = "".join(dict.fromkeys(letters))
    if once == letters:
        return x, letters
    places: Any = np.arange(math.prod(x.shape)).reshape(x.shape)
    return moved(x, np.einsum(f"{letters}->{once}", places)), once


def _summed_letters(x: Expr, letters: str, out: str) -> Expr:
    """One operand: sums along some axes, the others in the order of `out`."""
    summed = [i for i, letter in enumerate(letters) if letter not in out]
    node = add("sum", x, axis=summed) if summed else x
    left = [letter for letter in letters if letter in out]
    order = [left.index(letter) for letter in out]
    return node if order == list(range(len(order))) else add("transpose", node, axes=order)


def _kron(a: Any, b: Any) -> Expr:
    a, b = nodes(a, b)
    if a.ndim != b.ndim:
        raise ValueError(f"{a.ndim} != {b.ndim}")
    if not a.ndim:
        return add("mul", a, b)
    left, right = _LETTERS[: a.ndim], _LETTERS[a.ndim : 2 * a.ndim]
    mixed = "".join(x + y for x, y in zip(left, right, strict=True))
    product = add("einsum", a, b, subscripts=f"{left},{right}->{mixed}")
    return add("reshape", product, shape=[n * m for n, m in zip(a.shape, b.shape, strict=True)])


def _eigenvalues(a: Any, UPLO: str = "L") -> Expr:
    (a,) = nodes(a)
    axes = [*range(a.ndim - 2), a.ndim - 1, a.ndim - 2]
    return add("eigvalsh", a if UPLO.upper() == "L" else add("transpose", a, axes=axes))


def _of_op(name: str) -> Rule:
    return lambda *args: add(name, *nodes(*args))


def _known(rules: Mapping[str, str]) -> dict[str, Rule]:
    """Functions that are one op each, where bpx has the op."""
    return {function: _of_op(op) for function, op in rules.items() if op in OPS}


PRODUCTS: dict[Any, Rule] = by_function(
    {
        "dot": _dot,
        "inner": _inner,
        "vdot": _vdot,
        "outer": _outer,
        "tensordot": _tensordot,
        "einsum": _einsum,
        "kron": _kron,
        "linalg.outer": _outer,
        "linalg.tensordot": lambda a, b, *, axes=2: _tensordot(a, b, axes),
        "linalg.vecdot": _along_last,
        "linalg.eigvalsh": _eigenvalues,
        **_known(
            {
                "linalg.matmul": "matmul",
                "linalg.inv": "inv",
                "linalg.det": "det",
                "linalg.cholesky": "cholesky",
                "linalg.solve": "solve",
            }
        ),
    }
)
# The same of ufuncs with a signature, which NumPy 2.2 brought.
MATRIX_UFUNCS: dict[Any, Rule] = by_function(
    {"vecdot": _along_last, "matvec": _matrix_vector, "vecmat": _vector_matrix}
)
