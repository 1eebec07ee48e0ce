"""Sums of many terms of one kind as one step: what unrolling a loop takes apart is put together again.

Where a parameter is used at every step of a recurrent network, its gradient is a sum of products of matrices,
which is one product of the matrices side by side. Where an array is taken apart, the gradients of its parts
are placed among zeros and added up, which is one array that the parts are written into.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import Enum
from functools import partial, reduce
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from bpx.graph.arrays import Array, Shape
from bpx.passes.compiling.builder import Builder, Slot

Place: TypeAlias = tuple[Any, ...]  # an index of whole numbers, slices and `...`
LEAST_PRODUCTS = 4  # of fewer, a copy of the matrices costs about what the sums do


class _Product(NamedTuple):
    """A term that is the product of two matrices, or of a vector and a matrix."""

    left: Slot
    right: Slot


class _Placed(NamedTuple):
    """A term that is a part at its place, and zeros elsewhere."""

    part: Slot
    at: Place


def gather(builder: Builder, results: Sequence[Slot]) -> None:
    """Replace the sums in the steps of a builder; steps that nobody needs any more stay among them."""
    _Gathering(builder, results).run()


class _Gathering:
    """The steps of a builder as they are made anew."""

    def __init__(self, builder: Builder, results: Sequence[Slot]) -> None:
        self._builder = builder
        self._step = {step.out: step for step in builder.instructions}
        uses = Counter([*results, *(arg for step in builder.instructions for arg in step.args)])
        # Sums that only go into another sum.
        self._inner = {
            arg
            for step in builder.instructions
            if self._is_sum(step.out)
            for arg in step.args
            if uses[arg] == 1 and self._is_sum(arg)
        }
        self._joined: dict[tuple[int, tuple[Slot, ...]], Slot] = {}  # axis, arrays → them side by side

    def run(self) -> None:
        steps = self._builder.instructions.copy()
        self._builder.instructions.clear()
        for step in steps:
            whole = self._is_sum(step.out) and step.out not in self._inner
            if not whole or not self._replaced(step.out):
                self._builder.instructions.append(step)

    def _is_sum(self, slot: Slot) -> bool:
        step, shapes = self._step.get(slot), self._builder.shapes
        return bool(
            step
            and step.function is np.add
            and shapes[slot]
            and all(shapes[arg] == shapes[slot] for arg in step.args)
        )

    def _terms(self, total: Slot) -> list[Slot]:
        """What is added up, in order."""
        terms, waiting = [], [*reversed(self._step[total].args)]
        while waiting:
            slot = waiting.pop()
            if slot in self._inner:
                waiting.extend(reversed(self._step[slot].args))
            else:
                terms.append(slot)
        return terms

    def _replaced(self, total: Slot) -> bool:
        """Put the terms of a sum together; False where there is nothing to gain."""
        shape, terms = self._builder.shapes[total], self._terms(total)
        products = [product for slot in terms if (product := self._product(slot))]
        placed = [part for slot in terms if (part := self._placed(slot))]
        few_products, few_placed = len(products) < LEAST_PRODUCTS, len(placed) < 2
        if few_products and few_placed:
            return False
        # A term may stand there twice.
        slots = [
            slot
            for slot in terms
            if (few_products or not self._product(slot)) and (few_placed or not self._placed(slot))
        ]
        slots += [] if few_products else [self._sum_of_products(products, shape)]
        slots += [] if few_placed else [self._put_together(placed, shape)]
        reduce(lambda left, right: self._builder.emit(np.add, [left, right], shape), slots)
        # Whoever looks at the sum finds it in its old slot.
        last = self._builder.instructions.pop()
        self._builder.instructions.append(last._replace(out=total))
        return True

    # --- products -------------------------------------------------------------------------------

    def _product(self, slot: Slot) -> _Product | None:
        """A term as a product; of one that is transposed, the factors are, the other way round."""
        source = self._builder.transposed.get(slot)
        step = self._step.get(slot if source is None else source)
        if step is None or step.function not in (np.dot, np.matmul):
            return None
        left, right = step.args
        if len(self._builder.shapes[left]) not in (1, 2) or len(self._builder.shapes[right]) != 2:
            return None
        if source is None:
            return _Product(left, right)
        return _Product(self._builder.turned(right), self._builder.turned(left))

    def _sum_of_products(self, products: Sequence[_Product], shape: Shape) -> Slot:
        left, right = zip(*products, strict=True)
        return self._builder.product(self._columns(left), self._rows(right), shape)

    def _columns(self, slots: Sequence[Slot]) -> Slot:
        """Matrices beside each other; those that are transposed, as rows that are transposed together."""
        sources = [self._builder.transposed.get(slot) for slot in slots]
        if None in sources:
            return self._side_by_side(slots, -1)
        return self._builder.turned(self._rows([source for source in sources if source is not None]))

    def _rows(self, slots: Sequence[Slot]) -> Slot:
        return self._side_by_side(slots, 0)

    def _side_by_side(self, slots: Sequence[Slot], axis: int) -> Slot:
        """The arrays side by side, once for all sums that need them."""
        key = axis, tuple(slots)
        if key not in self._joined:
            shapes = [self._builder.shapes[slot] for slot in slots]
            shape = list(shapes[0])
            shape[axis] = sum(each[axis] for each in shapes)
            self._joined[key] = self._builder.emit(partial(_joined, axis=axis), slots, tuple(shape))
        return self._joined[key]

    # --- parts ----------------------------------------------------------------------------------

    def _placed(self, slot: Slot) -> _Placed | None:
        step = self._step.get(slot)
        if step is None or not isinstance(step.function, partial) or step.function.func is not put:
            return None
        return _Placed(step.args[0], step.function.keywords["places"][0])

    def _put_together(self, placed: Sequence[_Placed], shape: Shape) -> Slot:
        parts, places = zip(*placed, strict=True)
        function = partial(put, shape=shape, places=places, cover=cover(shape, places))
        return self._builder.emit(function, parts, shape)


def _joined(*arrays: Array, axis: int) -> Array:
    return np.concatenate(arrays, axis=axis)


def put(*parts: Array, shape: Shape, places: Sequence[Place], cover: Cover) -> Array:
    """An array of zeros to which the parts are added at their places."""
    # In memory as the parts are, so that loops over both run along it.
    out = np.empty_like(parts[0], shape=shape)
    if cover is not Cover.ALL:
        out.fill(0.0)
    for part, at in zip(parts, places, strict=True):
        if cover is Cover.OVERLAPPING:
            out[at] += part
        else:
            out[at] = part
    return out


class Cover(Enum):
    """What places hold of the elements of an array: some more than once, each at most once, each once."""

    OVERLAPPING, APART, ALL = range(3)


def cover(shape: Shape, places: Sequence[Place]) -> Cover:
    """How the places cover an array of that shape."""
    taken = np.zeros(shape, dtype=bool)
    for at in places:
        if taken[at].any():
            return Cover.OVERLAPPING
        taken[at] = True
    return Cover.ALL if taken.all() else Cover.APART
