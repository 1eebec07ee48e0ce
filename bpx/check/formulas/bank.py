"""A bank of all small formulas over some names, by their values: no two of its members are equal.

A formula's values at a few random points are as good as a fingerprint of it. The bank grows level by level,
by size: a name and a number have size 1, a sum or product that of both sides; what people write often
(`1 - a`, `a^2`, `1 - a^2`) counts less than its parts. Of formulas with equal values the one that came
first stays, so that levels are made in the order in which people would rather read them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.check.formulas.tree import COMPLEMENT, COMPLEMENT_OF_SQUARE, SIGMOID_SLOPE, SQUARE, TANH_SLOPE, Tree
from bpx.check.numeric.tolerances import EQUAL_FINGERPRINTS, LARGEST_FINGERPRINT, MOST_CANDIDATES
from bpx.graph.arrays import Flags, Indices
from bpx.graph.graph import OPS

if TYPE_CHECKING:
    from bpx.graph.arrays import Array

# Products before sums: `a * (1 - a)` reads better than `a - a^2`. `rsub` and `rdiv` exchange the operands.
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "mul": np.multiply,
    "sub": np.subtract,
    "rsub": lambda a, b: b - a,
    "div": np.divide,
    "rdiv": lambda a, b: b / a,
    "add": np.add,
}
_WITHOUT_ORDER = ("mul", "add")
_COMMON: dict[str, Callable[[Any], Any]] = {
    COMPLEMENT: lambda x: 1 - x,
    SQUARE: np.square,
    COMPLEMENT_OF_SQUARE: lambda x: 1 - x * x,
}
_SIZES = {COMPLEMENT: 2, SQUARE: 2, COMPLEMENT_OF_SQUARE: 3}
# Derivatives of functions, by the function they belong to.
_SLOPES = {"sigmoid": SIGMOID_SLOPE, "tanh": TANH_SLOPE}


@dataclass(frozen=True)
class Bank:
    """Formulas by size: `values` of shape (members, points), the recipe of each, `ends` of the sizes.

    A recipe is an op and the members it is made of; for a leaf (op -1) `left` is the leaf's index.
    """

    leaves: int
    names: int  # the first leaves are names, the others numbers
    ops: Sequence[str]
    values: Array
    op: Indices
    left: Indices
    right: Indices
    ends: tuple[int, ...]  # members of sizes 1 … n, counted up

    def of_size(self, size: int) -> range:
        """The members of one size."""
        return range(self.ends[size - 2] if size > 1 else 0, self.ends[size - 1])

    def size_of(self, member: int) -> int:
        """The size of a member."""
        return next(size for size, end in enumerate(self.ends, 1) if member < end)

    def tree(self, member: int) -> Tree:
        """The formula of a member."""
        op, left, right = (int(part[member]) for part in (self.op, self.left, self.right))
        if op < 0:
            return left
        args = (self.tree(left),) if right < 0 else (self.tree(left), self.tree(right))
        return (self.ops[op], *args)


def bank(names: Sequence[Array], constants: Sequence[float], functions: Sequence[str], most: int) -> Bank:
    """All formulas over `names`, each given by its values of shape (points,), and `constants`, up to a size.

    `functions` are elementwise ops of one arg that may stand on a name. It grows to size `most`, or until
    the next level would have more candidates than can be looked at.
    """
    points = len(names[0])
    leaves = np.array([*names, *(np.full(points, constant) for constant in constants)], dtype=np.float64)
    return _bank(leaves.tobytes(), leaves.shape, len(names), tuple(functions), most)


@lru_cache(maxsize=4)  # one claim asks several times of the same names; each takes 2 MB at most
def _bank(leaves: bytes, shape: tuple[int, int], names: int, functions: tuple[str, ...], most: int) -> Bank:
    values = np.frombuffer(leaves).reshape(shape)
    slopes = [_SLOPES[name] for name in functions if name in _SLOPES]
    ops = [*_COMMON, *functions, *slopes, *BINARY]
    none = np.full(len(values), -1, dtype=np.intp)
    found = Bank(len(values), names, ops, values, none, np.arange(len(values)), none, (len(values),))
    found = _without_equals(found)
    for size in range(2, most + 1):
        if _candidates(found, size) > MOST_CANDIDATES:
            break
        found = _grown(found, size)
    return found


def _candidates(known: Bank, size: int) -> int:
    counts = [len(known.of_size(one)) for one in range(1, size)]
    return len(BINARY) * sum(counts[i] * counts[size - 2 - i] for i in range(size // 2))


def _grown(known: Bank, size: int) -> Bank:
    """The bank with the next size; what equals a member that is there already is left out."""
    blocks = [*_unary(known, size), *_binary(known, size)]
    values, op, left, right = (
        np.concatenate(parts)
        for parts in zip((known.values, known.op, known.left, known.right), *blocks, strict=True)
    )
    raw = Bank(known.leaves, known.names, known.ops, values, op, left, right, (*known.ends, len(values)))
    return _without_equals(raw)


_Block = tuple[Any, Any, Any, Any]


def _unary(known: Bank, size: int) -> Iterator[_Block]:
    """What people write often of a name."""
    common = [name for name, its_size in _SIZES.items() if its_size == size]
    functions = [name for name in known.ops[len(_COMMON) : -len(BINARY)] if size == _function_size(name)]
    which = np.flatnonzero((known.op < 0) & (known.left < known.names))
    for name in (*common, *functions):
        yield _block(known, name, _apply(name, known.values[which]), which, np.full(len(which), -1))


def _function_size(name: str) -> int:
    return 3 if name in _SLOPES.values() else 2


def _apply(name: str, values: Array) -> Array:
    if name in _COMMON:
        return np.asarray(_COMMON[name](values))
    for function, slope in _SLOPES.items():
        if name == slope:
            value = OPS[function].value(values)
            return np.asarray(value * (1 - value) if slope == SIGMOID_SLOPE else 1 - value * value)
    return np.asarray(OPS[name].value(values))


def _binary(known: Bank, size: int) -> Iterator[_Block]:
    """Every op between members whose sizes add up to `size`, but for two numbers."""
    is_number = (known.op < 0) & (known.left >= known.names)
    for name, apply in BINARY.items():
        for smaller in range(1, size // 2 + 1):
            a, b = (np.array(known.of_size(one)) for one in (smaller, size - smaller))
            left, right = (index.ravel() for index in np.meshgrid(a, b, indexing="ij"))
            usable = ~(is_number[left] & is_number[right])
            if 2 * smaller == size:
                usable &= left < right if name in _WITHOUT_ORDER else left != right
            left, right = left[usable], right[usable]
            yield _block(known, name, apply(known.values[left], known.values[right]), left, right)


def _block(known: Bank, op: str, values: Array, left: Any, right: Any) -> _Block:
    usable = all_columns(np.abs(values) < LARGEST_FINGERPRINT) & ~all_columns(values == 0)
    which = np.full(int(usable.sum()), known.ops.index(op), dtype=np.intp)
    return values[usable], which, left[usable], right[usable]


def _without_equals(raw: Bank) -> Bank:
    """The bank with one member, the first, of each kind of values; members keep their order."""
    keep = first_of_equals(raw.values)
    places = np.cumsum(keep) - 1
    # What an arg was is known to be there: recipes are made of members of levels that were sifted before.
    left = np.where(raw.op < 0, raw.left, places[raw.left])
    right = np.where(raw.right < 0, -1, places[raw.right])
    ends = tuple(int(keep[:end].sum()) for end in raw.ends)
    return Bank(raw.leaves, raw.names, raw.ops, raw.values[keep], raw.op[keep], left[keep], right[keep], ends)


def first_of_equals(values: Array) -> Flags:
    """Which rows of `values`, of shape (members, points), equal no earlier one but for rounding."""
    mixed = values @ np.random.default_rng(0).uniform(1.0, 2.0, values.shape[1])
    order = np.argsort(mixed, kind="stable")
    by_point = values.T[:, order]
    size = np.abs(by_point).max(axis=0, initial=0.0)
    scale = np.maximum(size[1:], size[:-1])
    apart = (np.abs(np.diff(by_point)) > EQUAL_FINGERPRINTS * scale).any(axis=0)
    starts = np.concatenate([[0], np.flatnonzero(apart) + 1])
    keep = np.zeros(len(values), dtype=bool)
    keep[np.minimum.reduceat(order, starts)] = True
    return keep


def all_columns(flags: Flags) -> Flags:
    """In which rows all flags are set. The rows are short: NumPy would take ten times as long for each."""
    return np.asarray(np.logical_and.reduce(np.ascontiguousarray(flags.T), axis=0))
