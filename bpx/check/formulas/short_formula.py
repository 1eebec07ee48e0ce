"""The shortest formula that gives some numbers: what a gradient, or a claim, *is* in the names in scope.

All small formulas over the names are a bank (`bpx.check.formulas.bank`). A target is looked up in it,
and then met in the middle: for each member f, are t - f, f - t, t + f, t/f, f/t or t·f there too? So
formulas twice as large as those of the bank are reached.

A hit explains only if chance does not: the digits it reproduces, over all points, must be many more than
the digits it takes to say which of the formulas looked at it is (minimum description length).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpx.check.formulas.bank import BINARY, Bank, all_columns, bank
from bpx.check.formulas.tree import Tree, adds_like_terms, built, plain, readable, sums_of_formulas, ugliness
from bpx.check.numeric.tolerances import (
    EQUAL_FINGERPRINTS,
    FINGERPRINT_POINTS,
    FORMULA_CLOSE,
    LARGEST_BANK_SIZE,
    MOST_BITS,
    MOST_CONFIRMED,
    MOST_HITS,
    MOST_PAIRS_LOOKED_UP,
    MOST_SUMS_OF_FORMULAS,
    MOST_TELLING_POINTS,
    SURE_BITS,
)
from bpx.graph.arrays import Indices
from bpx.graph.formula import Formula, formula
from bpx.graph.graph import Expr, Graph
from bpx.graph.run import run

if TYPE_CHECKING:
    from bpx.graph.arrays import Array

_NUMBERS = (1.0, 2.0, 3.0)


class ShortFormula(NamedTuple):
    """A formula that gives the target: a plain tree over the leaves, its size, and how it reads."""

    tree: Tree
    size: int
    formula: Formula
    leaves: tuple[Formula, ...]

    @property
    def text(self) -> str:
        """The formula as people read it."""
        return str(self.formula)

    def on(self, graph: Graph, handles: Mapping[Formula, Expr]) -> Expr:
        """The formula as a node of `graph`, with `handles` in place of the names and parts."""
        return built(self.tree, graph, [handles[leaf] for leaf in self.leaves])


class Target(NamedTuple):
    """Numbers to be explained, at so many points, and how far each may be off."""

    values: Array
    tolerance: Array

    @property
    def room(self) -> Array:
        """How far a formula may be off: by the digits that are written, and by rounding of both."""
        room: Array = self.tolerance + FORMULA_CLOSE * np.abs(self.values)
        return room

    def bits(self, others: Array) -> float:
        """How many binary digits the points fix; points at which all is alike count once.

        `others` are the values of the names, of shape (names, points).
        """
        distinct = distinct_points(np.vstack([others, self.values]))
        size = np.abs(self.values[distinct])
        with np.errstate(divide="ignore", invalid="ignore"):
            bits = np.where(size > 0, np.log2(size / self.room[distinct]), 0.0)
        return float(np.clip(bits, 0.0, MOST_BITS).sum())


def short_formula(
    names: Mapping[Formula, Array],
    target: Target,
    *,
    constants: Sequence[float] = (),
    functions: Sequence[str] = (),
    parts: Mapping[Formula, Array] | None = None,
) -> ShortFormula | None:
    """The shortest formula over `names` that gives the target at every point; None where chance might too.

    `names` are given by their values, of shape (points,) as the target's; `constants` beside 1, 2 and 3, as
    the lengths of axes, and `functions` of one arg may be used too. `parts` are formulas that stand in the
    result at most once, such as products of matrices; their values are given as those of the names.
    """
    leaves = {**names, **_unlike(names, parts or {})}
    values, numbers = np.array(list(leaves.values()), dtype=np.float64), (*_NUMBERS, *constants)
    if not names or not np.isfinite(values).all() or not np.isfinite(target.values).all():
        return None
    with np.errstate(all="ignore"):
        known = target.bits(values[: len(names)]) - SURE_BITS
        search = _Search(values, len(names), numbers, functions, target)
        for candidates, hits in search.stages():
            if math.log2(candidates) > known:
                return None
            explanations = [_read(hit, tuple(leaves)) for hit in hits]
            if explanations:
                return min(explanations, key=_preference)
    return None


def distinct_points(values: Array) -> Indices:
    """The first of each kind of point, of values (names, points); of very many points some are looked at."""
    spread = (
        np.linspace(0, values.shape[1] - 1, min(values.shape[1], MOST_TELLING_POINTS)).round().astype(np.intp)
    )
    _, first = np.unique(np.round(values[:, spread], 12), axis=1, return_index=True)
    return np.asarray(spread[first], dtype=np.intp)


def _unlike(names: Mapping[Formula, Array], parts: Mapping[Formula, Array]) -> dict[Formula, Array]:
    """The parts that are not the same as a name, as `h @ W` may be."""
    with np.errstate(all="ignore"):
        return {
            formula: part
            for formula, part in parts.items()
            if not any(np.allclose(part, name, EQUAL_FINGERPRINTS, 0.0) for name in names.values())
        }


def _preference(short: ShortFormula) -> Any:
    return short.size, ugliness(short.tree), len(short.text), short.text


def _read(hit: _Hit, names: tuple[Formula, ...]) -> ShortFormula:
    tree, graph = hit.tree, Graph()
    places = [graph.input() for _ in names]
    root = built(tree, graph, places)
    by_node = {place.id: name for place, name in zip(places, names, strict=True)}
    text = formula(graph, root.id, by_node, open_root=isinstance(tree, tuple))
    return ShortFormula(tree, hit.size, text, names)


# --- the search ---------------------------------------------------------------------------------


class _Way(NamedTuple):
    """One way to put a target t together of two formulas f and g.

    `op` makes t of f and g; `other` gives the g that is needed, `width` how far it may be off, of (f, g,
    t, room of t).
    """

    op: str
    other: Callable[[Any, Any], Any]
    width: Callable[[Any, Any, Any, Any], Any]


_SUMS = (
    _Way("sub", lambda f, t: f - t, lambda f, g, t, room: room),
    _Way("rsub", lambda f, t: f + t, lambda f, g, t, room: room),
    _Way("add", lambda f, t: t - f, lambda f, g, t, room: room),
)
_PRODUCTS = (
    _Way("mul", lambda f, t: t / f, lambda f, g, t, room: room / np.abs(f)),
    _Way("div", lambda f, t: f / t, lambda f, g, t, room: room * np.abs(g / t)),
    _Way("rdiv", lambda f, t: f * t, lambda f, g, t, room: room * np.abs(f)),
)


class _Hit(NamedTuple):
    """A plain tree that gives the target, and its size as it was found."""

    tree: Tree
    size: int


class _Search:
    """Looks a target up in a bank, by the values at a few points; hits are confirmed at all others."""

    def __init__(
        self, values: Array, names: int, numbers: Sequence[float], functions: Sequence[str], target: Target
    ) -> None:
        self.values, self.names, self.numbers, self.target = values, names, numbers, target
        self.columns = _telling(values, target)
        few = values[:, self.columns]
        self.bank: Bank = bank(list(few[:names]), numbers, functions, LARGEST_BANK_SIZE)
        self.parts = few[names:]
        self.t, self.room = target.values[self.columns], target.room[self.columns]
        # Looked up by the point that says most.
        self.key = int(np.argmax(np.abs(self.t) / np.maximum(self.room, np.finfo(float).tiny)))
        by_key = self.bank.values[:, self.key]
        self.order = np.argsort(by_key)
        self.sorted = by_key[self.order]

    def stages(self) -> Iterator[tuple[int, list[_Hit]]]:
        """How many formulas were looked at so far, and those that fit; stage by stage, small ones first."""
        members, looked = len(self.bank.values), 0
        direct = self.direct()
        for size in range(1, len(self.bank.ends) + 1):
            looked += 2 * len(self.bank.of_size(size))
            yield looked, [hit for hit in direct if hit.size == size]
        if len(self.parts):
            looked += len(self.parts) * (2 + members * (len(_SUMS) + 2 * len(_PRODUCTS)))
            yield looked, self.made_of_parts()
        for size in range(1, len(self.bank.ends) + 1):
            looked += len(self.bank.of_size(size)) * members * (len(_SUMS) + 2 * len(_PRODUCTS))
            yield looked, self.met(size)

    def direct(self) -> list[_Hit]:
        """The members that are the target, or its negative."""
        members = self.bank.values
        hits = [
            self.hit(self.bank.tree(member), sign, self.bank.size_of(member))
            for sign in (1.0, -1.0)
            for member in np.flatnonzero(all_columns(np.abs(members - sign * self.t) <= self.room)).tolist()
        ]
        return [hit for hit in hits if self.holds(hit)][:MOST_HITS]

    def made_of_parts(self) -> list[_Hit]:
        """The parts that are the target, or its negative, and those that are with one member of the bank."""
        first = len(self.values) + len(self.numbers) - len(self.parts)
        hits = [
            self.hit(first + part, sign, 1)
            for sign in (1.0, -1.0)
            for part in np.flatnonzero((np.abs(self.parts - sign * self.t) <= self.room).all(axis=1)).tolist()
        ]
        return hits or self.fitting(
            (1 + self.bank.size_of(g), f, g, op, sign, first + f) for f, g, op, sign in self.pairs(self.parts)
        )

    def met(self, size: int) -> list[_Hit]:
        """Formulas of two members, one of them of this size, that are the target; of the least size."""
        sizes = self.bank.of_size(size)
        # What is looked up in order is looked up three times as fast.
        members = self.order[(self.order >= sizes.start) & (self.order < sizes.stop)]
        return self.fitting(
            (self.bank.size_of(f) + self.bank.size_of(g), f, g, op, sign, self.bank.tree(f))
            for at, g, op, sign in self.pairs(self.bank.values[members])
            for f in (int(members[at]),)
        )

    def pairs(self, values: Array) -> Iterator[tuple[int, int, str, float]]:
        """Rows of `values` and members that make the target: the op between them, and its sign."""
        for sign, ways in ((1.0, (*_SUMS, *_PRODUCTS)), (-1.0, _PRODUCTS)):
            for way in ways:
                for row, member in self.matches(way, values, sign):
                    yield row, member, way.op, sign

    def fitting(self, pairs: Iterable[tuple[int, int, int, str, float, Tree]]) -> list[_Hit]:
        """Of pairs (size, row, member, op, sign, tree of the row) the smallest that hold at all points."""
        hits: list[_Hit] = []
        for size, _, g, op, sign, left in sorted(pairs, key=lambda pair: pair[:5])[:MOST_CONFIRMED]:
            if hits and (size > hits[0].size or len(hits) == MOST_HITS):
                break
            hit = self.hit((op, left, self.bank.tree(g)), sign, size)
            hits += [hit] if self.holds(hit) else []
        return hits

    def hit(self, tree: Tree, sign: float, size: int) -> _Hit:
        """A formula of the bank's leaves, or its negative, so that it reads well."""
        known: dict[int, Tree] = dict(enumerate(self.numbers, self.names))
        after = self.names + len(self.numbers)  # behind names and numbers of the bank come the parts
        known |= {after + part: self.names + part for part in range(len(self.parts))}
        return _Hit(readable(plain(tree if sign > 0 else ("neg", tree), known)), size)

    def matches(self, way: _Way, f: Array, sign: float) -> list[tuple[int, int]]:
        """The pairs of rows and members of which one way makes the target at the points searched by."""
        key, t = self.key, sign * self.t
        needed = way.other(f[:, key], t[key])
        width = np.broadcast_to(way.width(f[:, key], needed, t[key], self.room[key]), needed.shape)
        low, high = needed - width, needed + width
        first = np.searchsorted(self.sorted, low, "left")
        rows = np.flatnonzero(self.sorted.take(first, mode="clip") <= high)  # most rows have no member
        rows = rows[all_columns(np.isfinite(way.other(f[rows], t))) & np.isfinite(width[rows])]
        counts = np.maximum(np.searchsorted(self.sorted, high[rows], "right") - first[rows], 0)
        total = int(counts.sum())
        if not total or total > MOST_PAIRS_LOOKED_UP:  # so vague a target says nothing
            return []
        left = np.repeat(rows, counts)
        places = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
        right = self.order[places + np.repeat(first[rows], counts)]
        made = BINARY[way.op](f[left], self.bank.values[right])
        fits = all_columns(np.abs(made - t) <= self.room)
        return list(zip(left[fits].tolist(), right[fits].tolist(), strict=True))

    def holds(self, hit: _Hit) -> bool:
        """Does the formula hold at all points, also at those that were not searched by?"""
        if adds_like_terms(hit.tree) or sums_of_formulas(hit.tree) > MOST_SUMS_OF_FORMULAS:
            return False
        off = np.abs(_evaluated(hit.tree, self.values) - self.target.values)
        return bool((off <= self.target.room).all())


def _telling(values: Array, target: Target) -> Indices:
    """The points to search by: their targets lie as far apart as can be, and are not 0."""
    first = distinct_points(np.vstack([values, target.values]))
    distinct = first[np.argsort(target.values[first], kind="stable")]
    telling = distinct[target.values[distinct] != 0]
    chosen = telling if len(telling) else distinct
    spread = np.linspace(0, len(chosen) - 1, min(len(chosen), FINGERPRINT_POINTS)).round().astype(np.intp)
    return np.sort(chosen[spread])  # so that other targets at the same points meet the same bank


def _evaluated(tree: Tree, names: Array) -> Array:
    """A formula's values, of shape (points,)."""
    graph = Graph()
    places = [graph.input(names.shape[1:]) for _ in names]
    root = graph.lift(built(tree, graph, places))
    return run(graph, {place.id: value for place, value in zip(places, names, strict=True)}, [root.id])[
        root.id
    ]
