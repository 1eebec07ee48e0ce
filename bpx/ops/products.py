"""einsum: products of two arrays, summed along axes that letters name.

`einsum("ij,jk->ik", a, b)` as NumPy has it, implicit output included: without `->` it has the letters
that occur once, in the order of the alphabet. Refused, for two operands need neither: the ellipsis, and a
letter that stands twice in one operand. Lengths of 1 are not stretched.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from bpx.graph.arrays import Array, Settings, Shape
from bpx.graph.graph import Expr, Op
from bpx.ops.row import structural
from bpx.ops.tensors import SettingError, spread


class _Letters(NamedTuple):
    """What `ij,jk->ik` says: the letters of the axes of both operands and of the result."""

    a: str
    b: str
    out: str


def _letters(subscripts: str) -> _Letters:
    """Subscripts in full."""
    operands, _, out = subscripts.partition("->")
    a, b = operands.split(",")
    return _Letters(a, b, out)


def _arrange(a: Shape, b: Shape, *, subscripts: Any) -> Settings:
    if not isinstance(subscripts, str):
        raise SettingError("no-subscripts")
    text = subscripts.replace(" ", "")
    operands, arrow, out = text.partition("->")
    every = operands.replace(",", "", 1)
    if "," not in operands or not all(letter.isascii() and letter.isalpha() for letter in every + out):
        raise SettingError("bad-subscripts", subscripts=subscripts)
    if not arrow:
        out = "".join(sorted(letter for letter in every if every.count(letter) == 1))
    full = f"{operands}->{out}"
    _refuse_letters(_letters(full))
    _lengths(_letters(full), a, b)
    return {"subscripts": full}


def _refuse_letters(letters: _Letters) -> None:
    for part in letters:
        for letter in part:
            if part.count(letter) > 1:
                raise SettingError("repeated-subscript", letter=letter, part=part)
    for letter in letters.out:
        if letter not in letters.a + letters.b:
            raise SettingError("unknown-subscript", letter=letter)


def _lengths(letters: _Letters, a: Shape, b: Shape) -> Mapping[str, int]:
    """The length behind each letter. Raises `SettingError` where the shapes do not fit the letters."""
    for part, shape in zip(letters, (a, b), strict=False):
        if len(part) != len(shape):
            raise SettingError("subscripts-of-shape", part=part, old=shape)
    lengths = dict(zip(letters.a, a, strict=True))
    for letter, length in zip(letters.b, b, strict=True):
        if lengths.setdefault(letter, length) != length:
            first = lengths[letter]
            raise SettingError(
                "subscript-lengths", letter=letter, first=first, second=length, shape_a=a, shape_b=b
            )
    return lengths


def _shape(a: Shape, b: Shape, *, subscripts: str) -> Shape:
    letters = _letters(subscripts)
    lengths = _lengths(letters, a, b)
    return tuple(lengths[letter] for letter in letters.out)


def _value(a: Array, b: Array, *, subscripts: str, batch: int) -> Any:
    letters = _letters(subscripts)
    summed = [letter for letter in letters.a if letter in letters.b and letter not in letters.out]
    if batch:
        return np.einsum(f"{letters.a}...,{letters.b}...->{letters.out}...", a, b)
    if len(letters.out) + 2 * len(summed) != a.ndim + b.ndim:
        return np.einsum(subscripts, a, b, optimize=not a.dtype.hasobject)
    # A product of matrices: each letter is summed in both, or stands in one of them and the result.
    left = "".join(letter for letter in letters.a + letters.b if letter not in summed)
    axes = tuple([part.index(letter) for letter in summed] for part in (letters.a, letters.b))
    return np.tensordot(a, b, axes).transpose([left.index(letter) for letter in letters.out])  # type: ignore[arg-type]


def _pull(upstream: Expr, a: Expr, b: Expr, out: Expr, *, subscripts: str) -> tuple[Expr, Expr]:
    letters = _letters(subscripts)
    return (
        _contribution(upstream, letters.out, b, letters.b, a, letters.a),
        _contribution(upstream, letters.out, a, letters.a, b, letters.b),
    )


def _contribution(upstream: Expr, up: str, other: Expr, others: str, arg: Expr, own: str) -> Expr:
    """The upstream gradient times the other operand; copied along axes that were summed in `arg` alone."""
    kept = "".join(letter for letter in own if letter in up + others)
    product = einsum(upstream, other, subscripts=f"{up},{others}->{kept}")
    alone = tuple(axis for axis, letter in enumerate(own) if letter not in kept)
    return spread(product, shape=arg.shape, axis=alone) if alone else product


einsum: Op = structural(
    "einsum",
    _value,
    _pull,
    _shape,
    settings={"subscripts": None},
    arrange=_arrange,
    linear=True,
    sample=((2, 3), (3, 2)),
    sample_settings={"subscripts": "ij,jk->ik"},
)
