"""Random points for a check: where inputs may lie, or else around the values they have."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bpx.check.numeric.tolerances import AROUND, FAR_AROUND, FORMULA_DIGITS, FORMULA_POINTS, TRIES
from bpx.graph.arrays import Array
from bpx.graph.named.named_graph import Input, NamedGraph
from bpx.graph.run import run
from bpx.passes.domain import choosing
from bpx.passes.expand import written_out
from bpx.passes.query import FLOWS_INTO

if TYPE_CHECKING:
    from numpy.random import Generator


class Draw(NamedTuple):
    """How inputs without a range are drawn.

    They are moved by so much, in units of their values (or of 1, where these are smaller), or multiplied by a
    random factor where it is 0. With `signed` their signs are chosen so that both are seen.
    With `whole` whole numbers stay whole; with `fixed` targets and constants stay as they are.
    """

    around: float
    signed: bool = False
    whole: bool = False
    fixed: bool = False


_AS_DATA = Draw(AROUND)
# Of a formula, from the freest to what keeps most of the given point. Signs, zeros and whole numbers may be
# what the domain asks for: log(x) wants x > 0, x^n at negative x a whole n.
_OF_FORMULAS = (
    Draw(FAR_AROUND, signed=True),
    Draw(AROUND),
    Draw(0.0, whole=True),
    Draw(0.0, whole=True, fixed=True),
)


def drawn_points(spec: NamedGraph, count: int, seed: int) -> tuple[list[Mapping[int, Array]], int]:
    """The given point and `count - 1` random ones at which the graph is finite, and how many were not.

    An input is drawn uniformly from its range, where the spec states one; otherwise normally around its
    value, constants by a factor. What only chooses stays as it is.
    """
    points: list[Mapping[int, Array]] = [spec.input_values]
    skipped = 0
    if count == 1:
        return points, skipped
    rng, sampler = np.random.default_rng(seed), _Sampler(spec)
    for _ in range((count - 1) * TRIES):
        if len(points) == count:
            break
        input_values = sampler.draw(rng, _AS_DATA)
        if sampler.is_finite(input_values):
            points.append(input_values)
        else:
            skipped += 1
    return points, skipped


def formula_points(
    spec: NamedGraph, labels: Collection[str] = (), count: int = FORMULA_POINTS, seed: int = 0
) -> list[Mapping[int, Array]]:
    """Random points at which a formula that is right must hold, as many as there are up to `count`.

    Every input is drawn, and stays what it evidently is: rows that add up to 1 do so, a symmetric matrix is
    symmetric, and the inputs `labels`, which a formula takes for labels, are drawn from their own values.
    """
    rng, sampler = np.random.default_rng(seed), _Sampler(spec, labels, short=True)
    points: list[Mapping[int, Array]] = []
    for i in range(count):
        # Far ones see the other side of a kink, near ones stay in small domains.
        for draw in _OF_FORMULAS[i % 3 == 2 :]:
            input_values = sampler.draw(rng, draw)
            if sampler.is_finite(input_values):
                points.append(input_values)
                break
    return points


def unmoved(spec: NamedGraph, points: Sequence[Mapping[int, Array]]) -> list[str]:
    """The inputs that have the given value at all points."""
    return [
        leaf.name
        for leaf in spec.inputs
        if all(np.array_equal(point[leaf.node], leaf.value) for point in points)
    ]


class _Sampler:
    """Draws points of a spec."""

    def __init__(self, spec: NamedGraph, labels: Collection[str] = (), short: bool = False) -> None:
        self.spec, self.labels, self.short = spec, labels, short
        self.drawn = -1  # the number of the last draw that chose signs
        plain = written_out(spec)
        self.choosers = {plain.names[node] for node in choosing(plain.graph) if node in plain.names}

    def draw(self, rng: Generator, draw: Draw) -> dict[int, Array]:
        self.drawn += draw.signed
        return {leaf.node: self.input(leaf, rng, draw) for leaf in self.spec.inputs}

    def is_finite(self, input_values: Mapping[int, Array]) -> bool:
        values = run(self.spec.graph, input_values, [self.spec.output, *self.spec.steps.values()])
        return all(np.isfinite(value).all() for value in values.values())

    def input(self, leaf: Input, rng: Generator, draw: Draw) -> Array:
        value = leaf.value
        if leaf.range:
            share = rng.uniform(size=value.shape)
            within = leaf.range[0] * (1.0 - share) + leaf.range[1] * share
            return np.clip(self.shown(within), *leaf.range)
        if leaf.name in self.choosers or (draw.fixed and leaf.role not in FLOWS_INTO):
            return value
        if leaf.name in self.labels:
            return _relabelled(value, rng)
        moved = self.moved(leaf, rng, draw)
        if draw.whole and (value == np.rint(value)).all():
            moved = np.rint(moved)
        return _alike(value, self.shown(moved), rng)

    def moved(self, leaf: Input, rng: Generator, draw: Draw) -> Array:
        """Another value around the given one."""
        normal = rng.normal(size=leaf.value.shape)
        if not draw.around or (leaf.role == "constant" and leaf.value.any()):
            return np.asarray(leaf.value * np.exp(AROUND * normal))  # an ε stays small and positive
        moved = leaf.value + draw.around * np.maximum(np.abs(leaf.value), 1.0) * normal
        if not draw.signed:
            return np.asarray(moved)
        return np.asarray(np.abs(moved) * self.signs(leaf))

    def signs(self, leaf: Input) -> Array:
        """Random signs; at the next draw the opposite ones, at the two after it with every other one flipped.

        So every element is seen with both signs, and every product of two neighbours is.
        """
        size, drawn = leaf.value.size, self.drawn
        first = np.random.default_rng(leaf.node).choice([-1.0, 1.0], size)
        other = np.where((np.arange(size) + leaf.node) % 2, -1.0, 1.0) if drawn // 2 % 2 else 1.0
        return np.asarray(first * other * (-1.0) ** drawn).reshape(leaf.value.shape)

    def shown(self, value: Array) -> Array:
        """With so few digits that a report can show the number as it is."""
        if not self.short:
            return np.asarray(value)
        exponents = np.floor(np.log10(np.where(value == 0, 1.0, np.abs(value))))
        digits = 10.0 ** (FORMULA_DIGITS - 1 - exponents)
        return np.asarray(np.rint(value * digits) / digits)


def _relabelled(value: Array, rng: Generator) -> Array:
    """Other labels: a row that chooses one of several chooses another, else any of all there may be."""
    if are_shares(value):
        return np.asarray(rng.permuted(value, axis=-1))
    return np.asarray(rng.choice(_labels(value), size=value.shape))


def _labels(value: Array) -> Array:
    """The values that labels may have: both of the pair to which theirs belong, or else their own."""
    pairs = (np.array([0.0, 1.0]), np.array([-1.0, 1.0]))
    return next((pair for pair in pairs if np.isin(value, pair).all()), np.unique(value))


def _alike(value: Array, moved: Array, rng: Generator) -> Array:
    """The moved value with what is evident of the given one: shares of a whole, symmetry."""
    if are_shares(value):
        shares = rng.exponential(size=value.shape)
        return np.asarray(shares / shares.sum(axis=-1, keepdims=True))
    if value.ndim == 2 and value.shape[0] > 1 and np.array_equal(value, value.T):
        return np.asarray((moved + moved.T) / 2)
    return moved


def are_shares(value: Array) -> bool:
    """Do the rows add up to 1, as probabilities do?"""
    if not value.ndim or value.shape[-1] < 2:
        return False
    sums = value.sum(axis=-1)
    return bool((value >= 0).all() and np.allclose(sums, 1.0, rtol=0.0, atol=1e-12))
