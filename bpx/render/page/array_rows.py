"""How ops of whole arrays are written for a page: one row for each.

Arrays are flat lists there. Most ops only move elements, or add products of them: where from and where to is
worked out here, by the op itself on the numbers of the places. An op without a row is written as what it
expands to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from bpx.graph.arrays import Settings, Shape
from bpx.graph.graph import Op
from bpx.ops.convolution import windows
from bpx.render.page.tape import Tape


class Call(NamedTuple):
    """An op that is to be written: its args as places in the tape, their shapes, its settings, its shape."""

    tape: Tape
    op: Op
    args: tuple[int, ...]
    shapes: tuple[Shape, ...]
    settings: Settings
    shape: Shape

    @property
    def lengths(self) -> Shape:
        """The shape of the first arg."""
        return self.shapes[0]


Row = Callable[[Call], int]


def spread_to(tape: Tape, arg: int, shape: Shape, whole: Shape) -> int:
    """The place of an arg that is broadcast to a shape."""
    padded = (1,) * (len(whole) - len(shape)) + shape
    steps = [0 if n == 1 else step for n, step in zip(padded, _steps(padded), strict=True)]
    settings = (math.prod(whole), list(whole), [*_steps(whole), 0], [*steps, 0])
    return tape.array_op("sums", settings, [arg])


def _steps(shape: Shape) -> list[int]:
    """How far apart neighbours along each axis are in a flat list."""
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


# --- elements that move ---


def _moved(call: Call) -> int:
    """Any op whose elements are elements of its args, or 0."""
    counts = [math.prod(shape) for shape in call.shapes]
    starts = np.cumsum([1, *counts])
    args = [
        np.arange(start, start + count, dtype=np.float64).reshape(shape)
        for start, count, shape in zip(starts, counts, call.shapes, strict=False)
    ]
    places = np.ravel(call.op.value(*args, **call.settings, batch=0)).astype(int) - 1
    return _from_places(call.tape, places.tolist(), call.args, sum(counts))


def _from_places(tape: Tape, places: list[int], args: Sequence[int], count: int) -> int:
    if len(args) == 1 and places == list(range(count)):
        return args[0]
    return tape.array_op("moved", [places], args)


def _overlap_add(call: Call) -> int:
    shape, axes = call.settings["shape"], len(call.settings["shape"])
    whole = np.arange(math.prod(call.shape), dtype=np.float64).reshape(call.shape)
    steps = {name: call.settings[name] for name in ("stride", "dilation")}
    places = windows.value(whole, size=call.lengths[len(call.lengths) - axes :], **steps, batch=0)
    assert len(shape) == axes
    return call.tape.array_op("added", [whole.size, np.ravel(places).astype(int).tolist()], call.args)


# --- sums of products ---


def _contraction(call: Call, letters: Sequence[Sequence[object]], out: Sequence[object]) -> int:
    """A product of the args, summed over the letters that the result has not; each axis has a letter.

    An axis of length 1 goes with any length.
    """
    lengths: dict[object, int] = {}
    for part, shape in zip(letters, call.shapes, strict=True):
        for letter, length in zip(part, shape, strict=True):
            lengths[letter] = length if lengths.get(letter, 1) == 1 else lengths[letter]

    def steps(part: Sequence[object], shape: Shape) -> list[int]:
        own = dict.fromkeys(lengths, 0)
        for letter, length, step in zip(part, shape, _steps(shape), strict=True):
            own[letter] += step if length != 1 else 0
        return [*own.values(), 0]

    inside = [steps(part, shape) for part, shape in zip(letters, call.shapes, strict=True)]
    settings = [math.prod(call.shape), [*lengths.values()], steps(out, call.shape), *inside]
    return call.tape.array_op("sums", settings, call.args)


def _sum(call: Call) -> int:
    axes = range(len(call.lengths))
    if not call.settings["axis"]:
        return call.args[0]
    kept = [axis for axis in axes if axis not in call.settings["axis"]]
    thin = call._replace(shape=tuple(call.lengths[axis] for axis in kept))
    return _contraction(thin, [list(axes)], kept)


def _matmul(call: Call) -> int:
    a, b = call.shapes
    stack = len(call.shape) - (len(a) > 1) - (len(b) > 1)
    before = list(range(stack))
    left = [*before[stack - max(len(a) - 2, 0) :], "row", "inner"] if len(a) > 1 else ["inner"]
    right = [*before[stack - max(len(b) - 2, 0) :], "inner", "column"] if len(b) > 1 else ["inner"]
    out = [*before, *(["row"] if len(a) > 1 else []), *(["column"] if len(b) > 1 else [])]
    return _contraction(call, [left, right], out)


def _einsum(call: Call) -> int:
    operands, _, out = call.settings["subscripts"].partition("->")
    a, _, b = operands.partition(",")
    return _contraction(call, [a, b], out)


# --- lanes: a function of the elements along some axes ---


def _lanes(call: Call, function: str, axes: Sequence[int], *, as_long: bool) -> int:
    """A function that makes a list as long of the elements along the axes, or one element."""
    ndim, shape = len(call.lengths), call.lengths
    kept = [axis for axis in range(ndim) if axis not in axes]
    order = [*kept, *axes]
    numbers = np.arange(math.prod(shape)).reshape(shape)
    there = np.ravel(np.transpose(numbers, order))
    tape, length = call.tape, math.prod(shape[axis] for axis in axes)
    arg = _from_places(tape, there.tolist(), call.args, there.size)
    if not there.size:
        return arg if as_long else tape.leaf(np.zeros(call.shape), shared=True)
    result = tape.array_op("lanes", [function, length], [arg])
    return _from_places(tape, np.argsort(there).tolist(), [result], there.size) if as_long else result


def _along(function: str, *, as_long: bool) -> Row:
    return lambda call: _lanes(call, function, call.settings["axis"], as_long=as_long)


def _running(function: str) -> Row:
    def row(call: Call) -> int:
        axis = call.settings["axis"]
        axes = range(len(call.lengths)) if axis is None else [axis]
        return _lanes(call, function, list(axes), as_long=True)

    return row


def _sort(call: Call) -> int:
    function = "descending" if call.settings["descending"] else "ascending"
    axis = call.settings["axis"] % max(len(call.lengths), 1)
    return _lanes(call, function, [axis], as_long=True)


def _of_matrices(call: Call) -> int:
    """A function of each matrix; its results follow each other, as the matrices do."""
    ndim = len(call.lengths)
    if not math.prod(call.lengths):
        return call.tape.leaf(np.ones(call.shape), shared=True)
    return call.tape.array_op("lanes", [call.op.name, math.prod(call.lengths[ndim - 2 :])], call.args)


# --- by numbers that choose ---


def _width(shape: Shape) -> int:
    return math.prod(shape)


ROWS: dict[str, Row] = {
    **dict.fromkeys(
        [
            "transpose",
            "reshape",
            "squeeze",
            "unsqueeze",
            "spread",
            "broadcast_to",
            "index",
            "place",
            "diag",
            "tril",
            "triu",
            "flip",
            "split",
            "windows",
        ],
        _moved,
    ),
    **dict.fromkeys(["concat", "stack", "roll", "tile", "repeat"], _moved),
    "overlap_add": _overlap_add,
    "sum": _sum,
    "matmul": _matmul,
    "outer": lambda call: _contraction(call, ["i", "j"], "ij"),
    "einsum": _einsum,
    **{name: _along(name, as_long=True) for name in ("softmax", "log_softmax")},
    **{name: _along(name, as_long=False) for name in ("logsumexp", "amax", "amin", "prod", "argmax")},
    **{name: _running(name) for name in ("cumsum", "cumprod")},
    "sort": _sort,
    **dict.fromkeys(
        ("det", "inv", "cofactor", "cholesky", "logdet", "eigvalsh", "eigenprojections"), _of_matrices
    ),
    "one_hot": lambda call: call.tape.array_op("one_hot", [call.settings["n"]], call.args),
    "pick": lambda call: call.tape.array_op("pick", [call.lengths[-1]], call.args),
    "embedding": lambda call: call.tape.array_op("rows", [_width(call.lengths[1:])], call.args),
    "scatter": lambda call: call.tape.array_op(
        "scatter", [call.settings["n"], _width(call.shape[1:])], call.args
    ),
}
