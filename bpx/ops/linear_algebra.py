"""Linear algebra: products that letters name, inverses, determinants, Cholesky's factor.

`einsum("ij,jk->ik", a, b)` as NumPy has it, implicit output included: without `->` it has the letters
that occur once, in the order of the alphabet. Of a single operand, `einsum("ij->ji", a)`, the other is the
number 1. Refused: the ellipsis, and a letter that stands twice in the result. Lengths of 1 are not stretched.

`inv`, `solve`, `det` and `cholesky` are those of numpy.linalg; `logdet` is the second that its slogdet
returns, the logarithm of |det|. They take stacks of matrices, in the last two axes. `cholesky` reads the
lower triangle alone, as NumPy does: the upper one gets nothing, and an element below the diagonal what
symmetry would have it share with its mirror image.

Rules as in Giles, Collected matrix derivative results for forward and reverse mode algorithmic
differentiation (Advances in Automatic Differentiation, Springer 2008); of `cholesky` as in Murray,
Differentiation of the Cholesky decomposition (arXiv:1602.07527, 2016). The slopes that the checker asks for
are the forward mode of both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from string import ascii_letters
from typing import Any, NamedTuple

import numpy as np

from bpx.graph.arrays import Array, Settings, Shape, ShapeError
from bpx.graph.facts import Refusal
from bpx.graph.graph import Expr, Op
from bpx.ops.building.row import composite, structural
from bpx.ops.elementwise.functions import log
from bpx.ops.elementwise.selection import absolute
from bpx.ops.indices import shaped
from bpx.ops.shapes import flip, tril
from bpx.ops.tensors import (
    SettingError,
    matrix_transpose,
    outer,
    spread,
    sum_,
    unbroadcast,
)
from bpx.ops.values import matrices
from bpx.words.say import say

# --- einsum -------------------------------------------------------------------------------------


Size = Callable[[Any], Any]  # np.abs for the size of the terms, or what leaves all as it is


class _Letters(NamedTuple):
    """What `ij,jk->ik` says: the letters of the axes of both operands and of the result."""

    a: str
    b: str
    out: str


def letters_of(subscripts: str) -> _Letters:
    """Subscripts in full."""
    operands, _, out = subscripts.partition("->")
    a, _, b = operands.partition(",")
    return _Letters(a, b, out)


def _arrange(a: Shape, b: Shape, *, subscripts: Any) -> Settings:
    if not isinstance(subscripts, str):
        raise SettingError("no-subscripts")
    text = subscripts.replace(" ", "")
    operands, arrow, out = text.partition("->")
    every = operands.replace(",", "", 1)
    is_complete = "," in operands or not b  # of one operand, the other is a number
    if not is_complete or not all(letter.isascii() and letter.isalpha() for letter in every + out):
        raise SettingError("bad-subscripts", subscripts=subscripts)
    if not arrow:
        out = "".join(sorted(letter for letter in every if every.count(letter) == 1))
    full = f"{operands}->{out}"
    _refuse_letters(letters_of(full))
    _lengths(letters_of(full), a, b)
    return {"subscripts": full}


def _refuse_letters(letters: _Letters) -> None:
    for letter in letters.out:
        if letters.out.count(letter) > 1:
            raise SettingError("repeated-subscript", letter=letter, part=letters.out)
        if letter not in letters.a + letters.b:
            raise SettingError("unknown-subscript", letter=letter)


def _lengths(letters: _Letters, a: Shape, b: Shape) -> Mapping[str, int]:
    """The length behind each letter. Raises `SettingError` where the shapes do not fit the letters."""
    for part, shape in zip(letters, (a, b), strict=False):
        if len(part) != len(shape):
            raise SettingError("subscripts-of-shape", part=part, old=shape)
    lengths: dict[str, int] = {}
    for letter, length in zip(letters.a + letters.b, a + b, strict=True):
        if lengths.setdefault(letter, length) != length:
            first = lengths[letter]
            raise SettingError(
                "subscript-lengths", letter=letter, first=first, second=length, shape_a=a, shape_b=b
            )
    return lengths


def _shape(a: Shape, b: Shape, *, subscripts: str) -> Shape:
    letters = letters_of(subscripts)
    lengths = _lengths(letters, a, b)
    return tuple(lengths[letter] for letter in letters.out)


def _value(a: Array, b: Array, *, subscripts: str, batch: int) -> Any:
    letters = letters_of(subscripts)
    summed = [letter for letter in letters.a if letter in letters.b and letter not in letters.out]
    if batch:
        return np.einsum(f"{letters.a}...,{letters.b}...->{letters.out}...", a, b)
    is_repeated = any(len(set(part)) < len(part) for part in (letters.a, letters.b))
    if is_repeated or len(letters.out) + 2 * len(summed) != a.ndim + b.ndim:
        return np.einsum(f"{letters.a},{letters.b}->{letters.out}", a, b, optimize=not a.dtype.hasobject)
    # A product of matrices: each letter is summed in both, or stands in one of them and the result.
    left = "".join(letter for letter in letters.a + letters.b if letter not in summed)
    axes = tuple([part.index(letter) for letter in summed] for part in (letters.a, letters.b))
    return np.tensordot(a, b, axes).transpose([left.index(letter) for letter in letters.out])  # type: ignore[arg-type]


def _pull(upstream: Expr, a: Expr, b: Expr, out: Expr, *, subscripts: str) -> tuple[Expr, Expr]:
    letters = letters_of(subscripts)
    return (
        _contribution(upstream, letters.out, b, letters.b, a.shape, letters.a),
        _contribution(upstream, letters.out, a, letters.a, b.shape, letters.b),
    )


def _contribution(upstream: Expr, up: str, other: Expr, others: str, shape: Shape, own: str) -> Expr:
    """The upstream gradient times the other operand; copied along axes that were summed in the arg alone.

    Of an arg that has a letter twice only a diagonal counts: the rest of its gradient is 0.
    """
    again = next((at for at, letter in enumerate(own) if letter in own[:at]), None)
    if again is not None:
        return _on_diagonal(upstream, up, other, others, shape, own, again)
    kept = "".join(letter for letter in own if letter in up + others)
    product = _product(upstream, up, other, others, kept)
    alone = tuple(axis for axis, letter in enumerate(own) if letter not in kept)
    return spread(product, shape=shape, axis=alone) if alone else product


def _product(a: Expr, letters_a: str, b: Expr, letters_b: str, out: str) -> Expr:
    """The einsum of two operands, as one writes it where one of them or both are mere numbers."""
    if b.number == 1 and not letters_b:
        return a if letters_a == out else einsum(a, subscripts=f"{letters_a}->{out}")
    if not letters_a and not letters_b:
        return a * b
    return einsum(a, b, subscripts=f"{letters_a},{letters_b}->{out}")


def _on_diagonal(
    upstream: Expr, up: str, other: Expr, others: str, shape: Shape, own: str, again: int
) -> Expr:
    """The contribution to an arg whose axis `again` has the letter of an earlier one."""
    length, letter = shape[again], own[again]
    once = own[:again] + own[again + 1 :]
    thin = _contribution(upstream, up, other, others, shape[:again] + shape[again + 1 :], once)
    *axes, free = list(ascii_letters[: len(once) + 1])
    first = axes[own.index(letter)]
    subscripts = f"{''.join(axes)},{first}{free}->{''.join([*axes[:again], free, *axes[again:]])}"
    return einsum(thin, np.eye(length), subscripts=subscripts)


einsum: Op = structural(
    "einsum",
    _value,
    _pull,
    _shape,
    defaults=(1,),
    settings={"subscripts": None},
    arrange=_arrange,
    linear=True,
    sample=((2, 3), (3, 2)),
    sample_settings={"subscripts": "ij,jk->ik"},
)


# --- forward mode: along directions that stand in a leading axis ----------------------------------


def _slopes_of_inv(directions: Array, a: Array, out: Array, *, size: Size) -> Any:
    return size(-1.0) * (size(out) @ directions @ size(out))


def _slopes_of_det(directions: Array, a: Array, out: Array, *, size: Size) -> Any:
    return np.sum(size(matrices.minors(a)) * directions, axis=(-2, -1))


def _slopes_of_cofactor(directions: Array, a: Array, out: Array, *, size: Size) -> Any:
    """By the product rule on det · inv(a).T."""
    moves = size(np.linalg.inv(a)) @ directions
    along = np.trace(moves, axis1=-2, axis2=-1)[..., np.newaxis, np.newaxis]
    return along * size(out) + size(-1.0) * (size(out) @ np.swapaxes(moves, -1, -2))


def _slopes_of_logdet(directions: Array, a: Array, out: Array, *, size: Size) -> Any:
    return np.trace(size(np.linalg.inv(a)) @ directions, axis1=-2, axis2=-1)


def _slopes_of_cholesky(directions: Array, a: Array, out: Array, *, size: Size) -> Any:
    """L · Φ(inv(L) · dA · inv(L)ᵀ), Φ as in the rule; of dA the lower triangle stands for both."""
    lower, inverse = np.tril(directions), size(np.linalg.inv(out))
    symmetric = lower + np.swapaxes(np.tril(directions, -1), -1, -2)
    return size(out) @ _lower_half(inverse @ symmetric @ np.swapaxes(inverse, -1, -2), np.tril)


# --- inverses and determinants ------------------------------------------------------------------


def _same(x: Shape) -> Shape:
    return x


def _without_matrix(a: Shape) -> Shape:
    return a[:-2]


def matrix_axes(a: Shape) -> tuple[int, int]:
    """The axes of a stack of matrices that are theirs."""
    return len(a) - 2, len(a) - 1


def arrange_square(name: str) -> Callable[..., Settings]:
    """For an op of square matrices without settings: it refuses others."""

    def arrange(a: Shape, *others: Shape) -> Settings:
        if len(a) < 2 or a[-1] != a[-2]:
            raise ShapeError(name, (a, *others), "shape-square")
        return {}

    return arrange


def _refuse_singular(a: Any, *others: Any) -> Refusal | None:
    """Why matrices have no inverse."""
    with np.errstate(all="ignore"):
        return _refusal("singular-matrix", a, np.linalg.slogdet(a)[0] == 0)


def _refuse_not_positive(a: Any) -> Refusal | None:
    """Why matrices have no Cholesky factor."""
    return _refusal("not-positive-definite", a, np.isnan(cholesky.value(a, batch=0)).any(axis=(-2, -1)))


def _refusal(code: str, a: Any, bad: Any) -> Refusal | None:
    """The first matrix of a stack that will not do, being finite."""
    places = np.argwhere(bad & np.isfinite(a).all(axis=(-2, -1)))
    if not len(places):
        return None
    at = ", ".join(map(str, places[0]))
    return Refusal(code, {"which": say("word.matrix-at", place=at) if at else say("word.the-matrix")})


def _per_matrix(numbers: Expr, a: Expr) -> Expr:
    """A number for each matrix of `a`, in a shape that broadcasts along these."""
    return shaped(numbers, (*numbers.shape, 1, 1)) if numbers.shape else numbers


def _pull_inv(upstream: Expr, a: Expr, out: Expr) -> tuple[Expr]:
    transposed = matrix_transpose(out)
    return (-(transposed @ upstream @ transposed),)


def _pull_det(upstream: Expr, a: Expr, out: Expr) -> tuple[Expr]:
    """The cofactors rather than det · inv(a).T, which is the same where it has a value: not if det is 0."""
    cofactors = _written_out(a) if a.shape[-1] <= 2 else cofactor(a)
    return (_per_matrix(upstream, a) * cofactors,)


def _written_out(a: Expr) -> Expr:
    """The cofactors of matrices of one or two rows: these have derivatives at singular ones, too."""
    if a.shape[-1] == 1:
        return a.graph.constant(np.ones(a.shape))
    return flip(a, axis=matrix_axes(a.shape)) * np.array([[1.0, -1.0], [-1.0, 1.0]])


def _pull_cofactor(upstream: Expr, a: Expr, out: Expr) -> tuple[Expr]:
    along, transposed = sum_(upstream * out, axis=matrix_axes(a.shape)), matrix_transpose(inv(a))
    return (_per_matrix(along, a) * transposed - out @ matrix_transpose(upstream) @ transposed,)


inv: Op = structural(
    "inv",
    matrices.of_matrices(np.linalg.inv, matrices.inverted),
    _pull_inv,
    _same,
    arrange=arrange_square("inv"),
    mixes=matrix_axes,
    slopes=_slopes_of_inv,
    refuses=_refuse_singular,
    sample=((2, 2),),
)
det: Op = structural(
    "det",
    matrices.of_matrices(np.linalg.det, matrices.determinant),
    _pull_det,
    _without_matrix,
    arrange=arrange_square("det"),
    mixes=matrix_axes,
    slopes=_slopes_of_det,
    sample=((4, 4),),
)
cofactor: Op = structural(
    "cofactor",
    matrices.of_matrices(matrices.cofactors, matrices.cofactors_of_objects),
    _pull_cofactor,
    _same,
    arrange=arrange_square("cofactor"),
    mixes=matrix_axes,
    slopes=_slopes_of_cofactor,
    sample=((3, 3),),
)
logdet: Op = structural(
    "logdet",
    matrices.of_matrices(matrices.log_determinant, matrices.log_of_determinant),
    lambda upstream, a, out: (_per_matrix(upstream, a) * matrix_transpose(inv(a)),),
    _without_matrix,
    arrange=arrange_square("logdet"),
    mixes=matrix_axes,
    slopes=_slopes_of_logdet,
    refuses=_refuse_singular,
    expands=lambda a: log(absolute(det(a))),
    sample=((2, 2),),
)


def _pull_solve(upstream: Expr, a: Expr, b: Expr, out: Expr) -> tuple[Expr, Expr]:
    if a.ndim == 2 and b.ndim <= 2:
        to_b = solve(a.T, upstream)
        return -(outer(to_b, out) if b.ndim == 1 else to_b @ out.T), to_b
    columns = [x if b.ndim > 1 else shaped(x, (*x.shape, 1)) for x in (upstream, out)]
    to_right = solve(matrix_transpose(a), columns[0])
    to_a = -(to_right @ matrix_transpose(columns[1]))
    to_b = to_right if b.ndim > 1 else shaped(to_right, out.shape)
    return unbroadcast(to_a, a.shape), unbroadcast(to_b, b.shape)


solve: Op = composite(
    "solve",
    lambda a, b: inv(a) @ b,
    arrange=arrange_square("solve"),
    value=matrices.solution,
    pull=_pull_solve,
    refuses=_refuse_singular,
    sample=((2, 2), (2,)),
)


# --- Cholesky's factor --------------------------------------------------------------------------


def _lower_half(x: Any, tril: Any) -> Any:
    """The lower triangle with half of the diagonal, Φ in Murray's paper."""
    return (tril(x) + tril(x, k=-1)) / 2


def _pull_cholesky(upstream: Expr, a: Expr, out: Expr) -> tuple[Expr]:
    """Φ(S + Sᵀ) for S = inv(L)ᵀ · Φ(Lᵀ · upstream) · inv(L), with the sum taken inside."""
    inverse, product = inv(out), matrix_transpose(out) @ upstream
    symmetric = tril(product) + matrix_transpose(tril(product, k=-1))
    return (_lower_half(matrix_transpose(inverse) @ symmetric @ inverse, tril),)


cholesky: Op = structural(
    "cholesky",
    matrices.of_matrices(np.linalg.cholesky, matrices.cholesky_factor),
    _pull_cholesky,
    _same,
    arrange=arrange_square("cholesky"),
    mixes=matrix_axes,
    slopes=_slopes_of_cholesky,
    refuses=_refuse_not_positive,
    sample=((2, 2),),
)
