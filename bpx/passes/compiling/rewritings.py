"""Cheaper ways to the values of some ops, to the same values up to rounding.

`tests/benchmarks/networks.py --rewritings` and `tests/benchmarks/train_passes.py` measure what they save.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from bpx.graph.arrays import Array, Shape
from bpx.graph.graph import Op
from bpx.ops.convolution import Steps, few_parts, overlap_add, window_places, windows
from bpx.ops.elementwise.activations import relu, sigmoid
from bpx.ops.elementwise.arithmetic import mul, power, square
from bpx.ops.elementwise.selection import eq, ge, gt, le, lt, ne
from bpx.ops.indices import as_numpy, index, place
from bpx.ops.linear_algebra import einsum, letters_of
from bpx.ops.tensors import matmul, mean, reshape, spread, sum_, transpose
from bpx.ops.vectors import log_softmax, softmax
from bpx.passes.compiling.builder import Axes, Builder, Function, Rewriting, Slot
from bpx.passes.compiling.gathered import Cover, cover, put

_POWERS: dict[float, Function] = {
    -2.0: lambda x: np.reciprocal(np.square(x)),
    3.0: lambda x: x * x * x,
    4.0: lambda x: np.square(np.square(x)),
}


def _products(builder: Builder, node: int) -> Slot | None:
    """x^3 as x * x * x: `np.power` is slow where x is negative, but for ^2 and ^-1, which it knows."""
    base, exponent = builder.graph.args[node]
    number = builder.number(exponent)
    function = None if number is None else _POWERS.get(number)
    return function and builder.elementwise(function, [builder.slots[base]])


def _dot(builder: Builder, node: int) -> Slot | None:
    """By whichever of NumPy's products takes less; of stacks, by the op's own value."""
    _, args, _, shape = builder.facts(node)
    stacks = any(len(builder.graph.shapes[arg]) > 2 for arg in args)
    return None if stacks else builder.product(builder.whole(args[0]), builder.whole(args[1]), shape)


def _transposed(builder: Builder, node: int) -> Slot:
    """The array's method instead of NumPy's function, which calls it."""
    (arg,), axes = builder.graph.args[node], builder.graph.settings[node]["axes"]
    return builder.moved(builder.whole(arg), axes)


def _reshaped(builder: Builder, node: int) -> Slot:
    """As for transpose."""
    (arg,) = builder.graph.args[node]
    return builder.reshaped(builder.whole(arg), builder.graph.shapes[node])


def _thin(builder: Builder, node: int) -> Slot:
    """Axes of length 1 where new ones go in; none where they stand in front, as NumPy puts them there."""
    (arg,), axis = builder.graph.args[node], builder.graph.settings[node]["axis"]
    slot, ndim = builder.slots[arg], len(builder.graph.shapes[arg])
    thin = builder.shapes[slot]
    # Broadcasting aligns shapes on the right: the axes that a thin value lacks are its first.
    lengths = iter((*[1] * (ndim - len(thin)), *thin))
    shape = tuple(1 if i in axis else next(lengths) for i in range(ndim + len(axis)))
    return slot if _trimmed(shape) == _trimmed(thin) else builder.reshaped(slot, shape)


def _trimmed(shape: Shape) -> Shape:
    """Without axes of length 1 in front."""
    return shape if not shape or shape[0] != 1 else _trimmed(shape[1:])


def _sum_of_products(builder: Builder, node: int) -> Slot | None:
    """The sum of all x * y is the inner product of both, and likewise the sum of all squares."""
    (arg,), settings = builder.graph.args[node], builder.graph.settings[node]
    factors, shape = _factors(builder, arg), builder.graph.shapes[arg]
    # An element of a thin factor counts once for each place it is spread to, which `vdot` cannot know.
    fits = len(settings["axis"]) == len(shape) and all(builder.shapes[slot] == shape for slot in factors)
    return (
        builder.reshaped(builder.emit(np.vdot, factors, ()), builder.graph.shapes[node])
        if factors and fits
        else None
    )


def _factors(builder: Builder, node: int) -> list[Slot]:
    """The slots of the two factors that a node is the product of; empty where it is none."""
    op, args, _, _ = builder.facts(node)
    if op is square or (op is power and builder.number(args[1]) == 2):
        return [builder.slots[args[0]]] * 2
    return [builder.slots[arg] for arg in args] if op is mul else []


def _product_with_ones(builder: Builder, node: int) -> Slot | None:
    """The sum of a matrix along one axis is its product with a vector of ones."""
    (arg,), settings = builder.graph.args[node], builder.graph.settings[node]
    shape, axis = builder.graph.shapes[arg], settings["axis"]
    if len(shape) != 2 or len(axis) != 1:
        return None
    x, ones = builder.whole(arg), builder.hold(np.ones(shape[axis[0]]))
    total = builder.emit(np.dot, [ones, x] if axis == (0,) else [x, ones], (shape[1 - axis[0]],))
    return builder.reshaped(total, builder.graph.shapes[node])


def _reduced(builder: Builder, node: int) -> Slot:
    """The method that `np.sum` calls in the end."""
    return builder.of_whole_args(partial(np.add.reduce, **builder.graph.settings[node]), node)


def _count(builder: Builder, node: int) -> Slot | None:
    """How often a comparison holds, counted in bytes, an eighth of the memory of numbers."""
    (arg,), settings = builder.graph.args[node], builder.graph.settings[node]
    slot, shape = builder.slots[arg], builder.graph.shapes[arg]
    of_each = math.prod(shape[axis] for axis in settings["axis"])
    if slot not in builder.truths or builder.shapes[slot] != shape or of_each > np.iinfo(np.uint8).max:
        return None
    count = partial(np.add.reduce, dtype=np.uint8, **settings)
    counted = builder.emit(count, [builder.truths[slot]], builder.graph.shapes[node])
    return builder.elementwise(_as_numbers, [counted])


# From special to general: the last one always applies.
_SUMS: tuple[Rewriting, ...] = (_sum_of_products, _count, _product_with_ones, _reduced)


def _sum_over_count(builder: Builder, node: int) -> Slot:
    """The mean; a sum has the same settings."""
    (arg,), settings = builder.graph.args[node], builder.graph.settings[node]
    count = math.prod(builder.graph.shapes[arg][axis] for axis in settings["axis"])
    # Multiplying by 1 / count instead would round twice.
    return builder.elementwise(np.true_divide, [builder.first(_SUMS, node), builder.hold(count)])


def _exp_of_logarithm(builder: Builder, node: int) -> Slot | None:
    """The gradient of log_softmax asks for softmax too, and has its logarithm at hand."""
    # Same args and settings, but for the op: then its key is that of the softmax with the op exchanged.
    logarithm = builder.by_key.get((log_softmax, *builder.key(node)[1:]))
    return None if logarithm is None else builder.elementwise(np.exp, [logarithm])


# --- elements taken out, put back, and chosen ---------------------------------------------------


def _index(builder: Builder, node: int) -> Slot:
    """The elements, with the index made beforehand."""
    return builder.of_whole_args(itemgetter(as_numpy(builder.graph.settings[node]["at"])), node)


def _place(builder: Builder, node: int) -> Slot:
    """A part among zeros, as `gather` knows it."""
    at, shape = as_numpy(builder.graph.settings[node]["at"]), builder.graph.shapes[node]
    return builder.of_whole_args(partial(put, shape=shape, places=(at,), cover=cover(shape, (at,))), node)


def _comparison(ufunc: Function) -> Rewriting:
    """1 where it holds, and the truth values beside it: to multiply by these takes no array of numbers."""

    def rewritten(builder: Builder, node: int) -> Slot | None:
        if not builder.graph.shapes[node]:
            return None
        _, args, _, _ = builder.facts(node)
        holds = builder.elementwise(ufunc, [builder.slots[arg] for arg in args])
        numbers = builder.elementwise(_as_numbers, [holds])
        builder.truths[numbers] = holds
        return numbers

    return rewritten


def _as_numbers(holds: Array) -> Any:
    return np.multiply(holds, 1.0)


def _product_with_truths(builder: Builder, node: int) -> Slot | None:
    """A product with a comparison, whose truth values count as 0 and 1."""
    _, args, _, _ = builder.facts(node)
    slots = [builder.slots[arg] for arg in args]
    for position, slot in enumerate(slots):
        if slot in builder.truths:
            slots[position] = builder.truths[slot]
            return builder.elementwise(np.multiply, slots)
    return None


def _relu(builder: Builder, node: int) -> Slot | None:
    """A function of NumPy in place of one that calls it, so that it may write over its arg."""
    (arg,) = builder.graph.args[node]
    slot = builder.slots[arg]
    return builder.elementwise(np.maximum, [slot, builder.hold(0.0)]) if builder.shapes[slot] else None


def _sigmoid(builder: Builder, node: int) -> Slot | None:
    """The same in place: what it takes for a short while takes as long as what it computes."""
    (arg,) = builder.graph.args[node]
    slot = builder.slots[arg]
    return builder.elementwise(_sigmoid_in_place, [slot]) if builder.shapes[slot] else None


def _sigmoid_in_place(x: Array) -> Array:
    small = np.abs(x)
    np.negative(small, out=small)
    np.exp(small, out=small)
    shares = np.maximum(small, x >= 0)  # 1 or exp(x): exp(-|x|) is no more than 1
    small += 1.0
    shares /= small
    return shares


# --- windows and convolutions -------------------------------------------------------------------


def _windows(builder: Builder, node: int) -> Slot:
    """A copy whose window axes come first in memory: then NumPy's loops run along the long axes.

    A product of matrices copies them anyway, in an order of its own: it takes the windows as they overlap.
    """
    _, _, settings, shape = builder.facts(node)
    size, steps = settings["size"], zip(settings["stride"], settings["dilation"], strict=True)
    strides = [*zip(*steps, strict=True)]
    view = builder.of_whole_args(partial(_seen, shape=shape, strides=strides), node)
    copied = builder.emit(partial(_window_axes_first, count=len(size)), [view], shape)
    builder.views[copied] = view
    return copied


def _seen(x: Array, shape: Shape, strides: Sequence[Axes]) -> Array:
    """The windows of x as a view, as `windows` has them, whose settings have been checked."""
    stride, dilation = strides
    rest, own = x.strides[: -len(stride)], x.strides[-len(stride) :]
    between = (step * by for step, by in zip(own, stride, strict=True))
    within = (step * by for step, by in zip(own, dilation, strict=True))
    return as_strided(x, shape, (*rest, *between, *within), writeable=False)


def _window_axes_first(x: Array, count: int) -> Array:
    axes = range(x.ndim)
    first = np.ascontiguousarray(x.transpose(*axes[-count:], *axes[:-count]))
    return first.transpose(*axes[count:], *axes[:count])


def _overlap_add(builder: Builder, node: int) -> Slot:
    """What `overlap_add` does, with the places found beforehand."""
    (arg,), settings = builder.graph.args[node], builder.graph.settings[node]
    shape, steps = settings["shape"], (settings["stride"], settings["dilation"])
    parts, stride, dilation = few_parts(np.broadcast_to(0.0, builder.graph.shapes[arg]), *steps)
    counts, size = parts.shape[-2 * len(shape) : -len(shape)], parts.shape[-len(shape) :]
    places = [window_places(at, counts, stride, dilation) for at in np.ndindex(size)]
    function = partial(_added, shape=shape, steps=steps, places=places, cover=cover(shape, places))
    return builder.of_whole_args(function, node)


def _added(
    x: Array, shape: Shape, steps: tuple[Steps, Steps], places: Sequence[tuple[slice, ...]], cover: Cover
) -> Array:
    x, _, _ = few_parts(x, *steps)
    rest = x.shape[: x.ndim - 2 * len(shape)]
    parts = (x[(..., *at)] for at in np.ndindex(x.shape[x.ndim - len(shape) :]))
    return put(*parts, shape=(*rest, *shape), places=[(..., *at) for at in places], cover=cover)


# --- einsum -------------------------------------------------------------------------------------


def _product_of_matrices(builder: Builder, node: int) -> Slot | None:
    """Each letter is summed in both operands, stands in one and the result, or in all three: a stack.

    The matrices are kept: a convolution and the two products of its rule share those of its operands.
    """
    _, args, settings, shape = builder.facts(node)
    letters = letters_of(settings["subscripts"])
    stack = [letter for letter in letters.out if letter in letters.a and letter in letters.b]
    summed = [letter for letter in letters.a if letter in letters.b and letter not in letters.out]
    rows, columns = ([at for at in part if at not in stack + summed] for part in (letters.a, letters.b))
    is_repeated = any(len(set(part)) < len(part) for part in (letters.a, letters.b))
    if is_repeated or not summed or not set(rows + columns) <= set(letters.out):
        return None
    a, b = (builder.views.get(slot, slot) for slot in map(builder.whole, args))
    left = builder.matrix(a, *_axes(letters.a, stack, rows, summed))
    right = builder.matrix(b, *_axes(letters.b, stack, summed, columns))
    lengths = dict(zip(letters.out, shape, strict=True))
    order = stack + rows + columns
    (turned,) = _axes("".join(order), list(letters.out))
    product = builder.product(left, right, (*builder.shapes[left][:-1], builder.shapes[right][-1]))
    whole = builder.reshaped(product, tuple(lengths[letter] for letter in order))
    return builder.moved(whole, turned)


def _axes(letters: str, *parts: Sequence[str]) -> list[Axes]:
    return [tuple(letters.index(letter) for letter in part) for part in parts]


REWRITINGS: dict[Op, tuple[Rewriting, ...]] = {
    lt: (_comparison(np.less),),
    le: (_comparison(np.less_equal),),
    gt: (_comparison(np.greater),),
    ge: (_comparison(np.greater_equal),),
    eq: (_comparison(np.equal),),
    ne: (_comparison(np.not_equal),),
    mul: (_product_with_truths,),
    relu: (_relu,),
    sigmoid: (_sigmoid,),
    index: (_index,),
    place: (_place,),
    power: (_products,),
    matmul: (_dot,),
    transpose: (_transposed,),
    reshape: (_reshaped,),
    spread: (_thin,),
    sum_: _SUMS,
    mean: (_sum_over_count,),
    softmax: (_exp_of_logarithm,),
    windows: (_windows,),
    overlap_add: (_overlap_add,),
    einsum: (_product_of_matrices,),
}
