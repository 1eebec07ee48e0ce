"""Functions that only move elements: they are called once more, on numbers of places.

Where `np.roll`, `np.block` or a fancy index takes an element from is not written down anywhere here: the
function itself is given the numbers 1, 2, 3 … in the place of the elements, and shows where each goes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from bpx.graph.graph import Expr
from bpx.spec.trace.rules.memory import owner_of
from bpx.spec.trace.rules.moves import assembled
from bpx.spec.trace.tape import Handle, Tape, is_traced, plain_index

# The args that hold what is moved, by number; of functions that are not here it is the first. All others
# say where to.
_MOVED: dict[str, Sequence[int]] = {
    "append": (0, 1),
    "insert": (0, 2),
    "compress": (1,),
    "extract": (1,),
    "choose": (1,),
    "select": (1, 2),
    "atleast_1d": range(64),
    "atleast_2d": range(64),
    "atleast_3d": range(64),
    "broadcast_arrays": range(64),
    "meshgrid": range(64),
}
_NAMES = frozenset({"a", "arr", "ary", "array", "arrays", "x", "m", "tup", "A", "v", "values", "choicelist"})


class _Numbers:
    """Numbers for the elements of all that is moved, counted on; 0 is a zero that the function fills in."""

    def __init__(self) -> None:
        self.sources: list[Any] = [np.zeros(())]
        self.starts = [0]
        self.count = 1

    def of(self, arg: Any) -> Any:
        """The numbers of what an arg holds."""
        if type(arg) in (list, tuple):
            return type(arg)(self.of(item) for item in arg)
        source = arg if is_traced(arg) else np.asarray(arg)
        if source.dtype.kind not in "fiub":
            raise TypeError(str(source.dtype))
        first = self.count
        self.sources.append(source)
        self.starts.append(first)
        self.count += source.size
        return np.arange(first, self.count, dtype=np.intp).reshape(source.shape)


def moved_by(
    tape: Tape, function: Callable[..., Any], value: Any, args: Sequence[Any], settings: Mapping[str, Any]
) -> Any:
    """What `function(*args, **settings)`, which is `value`, returns, as handles."""
    numbers, which = _Numbers(), _MOVED.get(function.__name__, (0,))
    places = [numbers.of(arg) if at in which else plain_index(arg) for at, arg in enumerate(args)]
    named = {
        name: numbers.of(arg) if name in _NAMES else plain_index(arg)
        for name, arg in settings.items()
        # The numbers are whole, whatever the elements are.
        if name not in ("dtype", "casting")
    }
    moved = function(*places, **named)
    if isinstance(value, list | tuple):
        return type(value)(_handle(tape, part, at, numbers) for part, at in zip(value, moved, strict=True))
    return _handle(tape, value, moved, numbers)


def _handle(tape: Tape, value: Any, moved: Any, numbers: _Numbers) -> Handle:
    places, array = np.asarray(moved), np.asarray(value)
    which = np.searchsorted(numbers.starts, places, side="right") - 1
    element = places - np.asarray(numbers.starts)[which]
    if owner_of(array).base is not None:
        # Windows that overlap: NumPy made them by strides, out of memory that is not an array's own.
        array = array.copy()
        array.flags.writeable = False
    reached = {number: numbers.sources[number] for number in np.unique(which).tolist()}
    if not array.size or not any(is_traced(s) and s.node is not None for s in reached.values()):
        return tape.handle(array, None)

    def build() -> Expr:
        nodes = {number: node_of(tape, source) for number, source in reached.items()}
        return assembled(nodes, which, element)

    return tape.handle(array, tape.record(build, array), scalar=isinstance(value, np.generic))


def node_of(tape: Tape, source: Any) -> Expr:
    """The node of a handle; numbers and arrays as constants."""
    if is_traced(source):
        node: Expr | None = source.node
        return tape.constant(source.value) if node is None else node
    return tape.constant(source)


def take(handle: Handle, at: Any) -> Any:
    """A part of it, `handle[at]`."""
    tape, index = handle.tape, plain_index(at)
    value, node = handle.value[index], handle.node
    scalar = isinstance(value, np.generic)
    if node is None or not np.size(value):
        return tape.handle(np.asarray(value), None, scalar=scalar)
    places = np.arange(handle.value.size, dtype=np.intp).reshape(handle.value.shape)[index]

    def build() -> Expr:
        return assembled({0: node}, np.zeros(np.shape(places), dtype=np.intp), np.asarray(places))

    return tape.handle(np.asarray(value), tape.record(build, value), scalar=scalar)
