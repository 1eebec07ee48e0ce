"""What nodes are described by: arrays, shapes and settings, their limits, and shapes that do not fit."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from numbers import Number as AnyNumber
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from bpx.words.arguments import shown_value
from bpx.words.diagnostic import BpxError
from bpx.words.say import say

if TYPE_CHECKING:
    from numpy.typing import NDArray


Array: TypeAlias = "NDArray[np.float64]"
Flags: TypeAlias = "NDArray[np.bool_]"
Indices: TypeAlias = "NDArray[np.intp]"
Shape = tuple[int, ...]
Settings = dict[str, Any]
Number = float | int

# Elements; a spec is data and must not be able to eat the memory.
LARGEST_NODE = 2**26
LARGEST_DRAWN = 2**24  # of all inputs of a spec: what is refused only once they are drawn stays below 500 MB
MOST_AXES = 32
_COUNTED_SOONER = 1000  # elements, up to which NumPy counts sooner than it looks for any
_LARGEST_KEY = 2**16  # bytes that are kept beside an array
LARGEST_GRAPH = 2**27  # of all nodes together, reverse pass and all


def real_floats(value: Any) -> Array:
    """The numbers of a value; raises where float64 would lose an imaginary part, a mask, the meaning."""
    if not isinstance(value, (AnyNumber, np.generic, list, tuple, range)) and not hasattr(value, "__array__"):
        raise TypeError  # what may be iterated over without an end, or is no data
    if is_masked(value):
        raise ValueError
    array = np.array(value)
    if array.dtype.kind == "O" and not all(map(_is_real, array.flat)):
        raise TypeError
    if array.dtype.kind not in "biufO":
        raise TypeError
    # A whole number may be larger than any float.
    floats = np.array(value, dtype=np.float64)
    if array.dtype.kind in "iuO" or not isinstance(value, np.ndarray | np.generic):
        _refuse_rounded(value, floats)
    return floats


def is_masked(value: Any) -> bool:
    """Whether elements of an array are masked, so that their numbers mean nothing."""
    # Whoever has a masked array has loaded `numpy.ma`, which NumPy itself loads only when it is asked for.
    return "numpy.ma" in sys.modules and isinstance(value, np.ma.MaskedArray) and bool(np.ma.is_masked(value))


_EXACT = 2**53  # float64 has every integer up to it


class RoundedInteger(ValueError):
    """An integer that float64 does not have, which would become another one."""

    def __init__(self, integer: int) -> None:
        super().__init__(integer)
        self.integer = integer


def _refuse_rounded(value: Any, floats: Array) -> None:
    large = np.abs(floats) >= _EXACT
    if large.any():
        for element, rounded in zip(np.array(value, dtype=object)[large], floats[large], strict=True):
            if isinstance(element, int | np.integer) and int(element) != int(rounded):
                raise RoundedInteger(int(element))


def _is_real(element: Any) -> bool:
    return isinstance(element, AnyNumber) and hasattr(element, "__float__")


def constant_array(value: Any) -> Array:
    """The numbers of a constant, in an array of its own. Raises `TypeError` for what is none."""
    if type(value) is np.ndarray and value.dtype == np.float64:  # as most are
        return value.copy()
    try:
        return real_floats(value)
    except BpxError:  # of an array that stands for a node of another graph
        raise
    except Exception:  # arrays of other libraries raise what they like
        raise TypeError(say("python.no-number", value=shown_value(value))) from None


def checked_shape(shape: Any) -> Shape:
    """A shape from Python. Raises `TypeError` where it is no tuple of lengths."""
    if not isinstance(shape, tuple | list) or not all(
        isinstance(n, int | np.integer) and n >= 0 for n in shape
    ):
        raise TypeError(say("python.no-shape", shape=shown_value(shape)))
    return tuple(map(int, shape))


def of_shape(value: Any, shape: Shape) -> Any:
    """An array of this shape to read from, as `np.broadcast_to` gives it; or itself."""
    if type(value) in (np.ndarray, np.float64) and value.shape == shape:
        return value
    return np.broadcast_to(value, shape)


def without_ones(shape: Shape) -> Shape:
    """The lengths of the axes that are longer than 1, or empty."""
    return tuple(length for length in shape if length != 1)


def is_finite(value: Any) -> bool:
    """Are all elements finite? Of scalars, which large graphs are made of, Python says it sooner."""
    return bool(np.isfinite(value).all()) if value.ndim else math.isfinite(value)


def any_nonzero(value: Array | Flags) -> bool:
    """Is any element other than 0? On few numbers to count takes a fifth of the time that `any` takes."""
    return bool(np.count_nonzero(value) if value.size <= _COUNTED_SOONER else value.any())


def are_finite(values: Mapping[int, Any]) -> bool:
    """Are all values finite, as nearly always? One look spares one at each edge."""
    scalars = [value for value in values.values() if not value.ndim]
    arrays = [value for value in values.values() if value.ndim]
    return all(map(math.isfinite, scalars)) and all(map(is_finite, arrays))


class ShapeError(ValueError):
    """Args whose shapes do not fit the op; `shapes` are the args' shapes.

    `help` is the code of the rule that they break, where it is not the rule of broadcasting. `inside` is
    what went wrong among the simpler ops that a composite one is made of.
    """

    def __init__(
        self, op: str, shapes: Sequence[Shape], help: str = "", inside: ShapeError | None = None
    ) -> None:
        self.op, self.shapes, self.help, self.inside = op, tuple(shapes), help, inside
        super().__init__(say("diagnostic.shape-mismatch", op=op, args=say("word.and").join(map(str, shapes))))

    @property
    def inmost(self) -> ShapeError:
        """What went wrong first, among the simplest ops."""
        return self.inside.inmost if self.inside else self


class NoHandleError(TypeError):
    """An op of bpx was called on numbers alone: it builds nodes, and computes nothing."""


class SizeError(ShapeError):
    """A result of more elements or axes than bpx computes: it is room that is lacking, not a fit."""

    def __init__(self, op: str, *, count: int, of: Literal["elements", "axes"]) -> None:
        super().__init__(op, ())
        self.count, self.of = count, of

    def __str__(self) -> str:
        return say("diagnostic.too-large", op=self.op, reason=self.extent)

    @property
    def extent(self) -> str:
        """How large the result would be, in words."""
        return say(f"word.{self.of}", count=self.count)


def content(array: Array) -> bytes:
    """What tells an array from others of its shape: its bytes; of a large one a digest, which is no copy."""
    if array.nbytes <= _LARGEST_KEY:
        return array.tobytes()
    from hashlib import blake2b  # few graphs have so large a constant

    return blake2b(np.ascontiguousarray(array).data).digest()


def broadcast(op: str, shapes: Sequence[Shape]) -> Shape:
    """The shape NumPy broadcasting gives; raises `ShapeError` where there is none."""
    first = shapes[0]
    if all(shape == first or not shape for shape in shapes):
        return first
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise ShapeError(op, shapes) from None


def size_within_limits(op: str, shape: Shape) -> int:
    """How many elements a result of this shape has. Raises `SizeError` where it is too large."""
    if len(shape) > MOST_AXES:
        raise SizeError(op, count=len(shape), of="axes")
    # Python's integers: `np.prod` of a shape that is far too large would overflow and look small.
    size = math.prod(shape)
    if size > LARGEST_NODE:
        raise SizeError(op, count=size, of="elements")
    return size
