"""`Traced`: what a function gets in place of a NumPy array while it is traced.

A handle carries the array that NumPy computed, and knows its node of the graph. It takes NumPy's two
protocols (`__array_ufunc__`, NEP 13; `__array_function__`, NEP 18), so NumPy itself computes, on the arrays,
and the tape notes which op that was. Whatever would make a plain number of it is refused, or noted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from bpx.graph.graph import Op
from bpx.spec.trace.by_place import take
from bpx.spec.trace.calls import METHODS, call, call_ufunc, cast, joined, lifted
from bpx.spec.trace.refusals import is_writing, refuse_plain_array
from bpx.spec.trace.tape import Branch, Handle, is_traced, plain, plain_index


class Traced(Handle):
    """A handle with everything that code expects of an array."""

    __slots__ = ()
    __array_priority__ = 1000.0

    # --- writing ---------------------------------------------------------------------------------

    def write(self, at: Any, value: Any) -> None:
        """Set a part, as NumPy does."""
        if self.scalar or not self.value.flags.writeable:
            self.tape.refuse("trace-write-into-number", "trace-copy")
        node, shape = None, np.shape(plain(value))
        if is_traced(value):
            node = value.node
        elif isinstance(value, list | tuple):
            value = joined(value)
            node = value.node if is_traced(value) else None
        at = plain_index(at)
        if node is not None and self.value.dtype.kind in "iub" and plain(value).dtype.kind == "f":
            self.tape.refuse("trace-whole", "trace-whole")
        self.value[at] = plain(value)
        self.memory.write(self.value, at, node, shape)

    # --- protocols of NumPy ----------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **settings: Any) -> Any:
        return call_ufunc(self.tape, ufunc, method, args, settings)

    def __array_function__(self, function: Any, types: Any, args: Any, settings: Any) -> Any:
        return self._call(function, *args, **settings)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if self.node is None:
            return np.array(self.value, dtype=dtype)
        return refuse_plain_array(self.tape)

    def _call(self, function: Callable[..., Any], *args: Any, **settings: Any) -> Any:
        return call(self.tape, function, args, settings)

    def apply_op(self, op: Op, args: Any, settings: Any) -> Any:
        """An op of bpx, called on handles as on nodes."""
        tape = self.tape
        node = tape.apply(op, [lifted(tape, arg) for arg in args], settings)
        return tape.handle(np.array(tape.value_of(node.id)), node)

    # --- facts -----------------------------------------------------------------------------------

    @property  # type: ignore[misc]
    def __class__(self) -> type:  # isinstance(x, np.ndarray) is a common question
        return type(self.value[()]) if self.scalar else np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes."""
        shape: tuple[int, ...] = self.value.shape
        return shape

    @shape.setter
    def shape(self, shape: Any) -> None:
        self.tape.refuse("trace-set-shape", "trace-reshape")

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return int(self.value.ndim)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(self.value.size)

    @property
    def dtype(self) -> Any:
        """The type of the elements."""
        return self.value.dtype

    @property
    def strides(self) -> tuple[int, ...]:
        """The bytes from one element to the next along each axis."""
        strides: tuple[int, ...] = self.value.strides
        return strides

    @property
    def flags(self) -> Any:
        """What NumPy says about the memory."""
        return self.value.flags

    @property
    def nbytes(self) -> int:
        """The number of bytes."""
        return int(self.value.nbytes)

    @property
    def itemsize(self) -> int:
        """The number of bytes of an element."""
        return int(self.value.itemsize)

    @property
    def flat(self) -> Traced:
        """The elements one by one."""
        flat: Traced = self._call(np.ravel, self)
        # NumPy's `flat` writes through, a copy would not.
        flat.value.flags.writeable = np.may_share_memory(flat.value, self.value)
        return flat

    @property
    def real(self) -> Traced:
        """The array itself: nothing here is complex."""
        return self

    @property
    def T(self) -> Any:
        """The transpose."""
        return self._call(np.transpose, self)

    @property
    def mT(self) -> Any:
        """The transpose of the last two axes."""
        return self._call(np.swapaxes, self, -1, -2)

    def __repr__(self) -> str:
        return repr(self.value[()] if self.scalar else self.value)

    def __str__(self) -> str:
        return str(self.value[()] if self.scalar else self.value)

    def __format__(self, spec: str) -> str:
        return format(self.value[()], spec)

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            return iter(self.value)  # NumPy says itself that it cannot be
        return (self[number] for number in range(len(self)))

    def __hash__(self) -> int:
        return hash(self.chosen())

    # --- made into plain numbers -----------------------------------------------------------------

    def __bool__(self) -> bool:
        truth = bool(self.value)
        if self.node is not None:
            self.tape.branches.append(Branch(self.tape.here(), truth))
        return truth

    def __float__(self) -> float:
        number = float(self.value)
        if self.node is not None:
            if is_writing():
                self.tape.refuse("trace-into-array", "trace-into-array")
            self.tape.floats.append((number, self, self.tape.here()))
        return number

    def __int__(self) -> int:
        return int(self.chosen())

    def __index__(self) -> int:
        chosen = self.chosen()
        return int(chosen.__index__())

    def __round__(self, digits: int | None = None) -> Any:
        return int(np.rint(self.chosen())) if digits is None else self._call(np.round, self, digits)

    def __floor__(self) -> Any:
        return math.floor(self.chosen())

    def __ceil__(self) -> Any:
        return math.ceil(self.chosen())

    def __trunc__(self) -> Any:
        return math.trunc(self.chosen())

    def __complex__(self) -> complex:
        return self.tape.refuse("trace-complex", "trace-complex")

    def __contains__(self, value: Any) -> bool:
        return bool(np.any(np.equal(self, value)))

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.tape.refuse("trace-array", "trace-array")

    def item(self, *at: Any) -> Any:
        """An element; it stays traced, where NumPy makes a plain number of it."""
        return self[at] if at else self.reshape(())[()]

    def tolist(self) -> Any:
        """Lists of elements, which stay traced."""
        return [part.tolist() for part in self] if self.ndim else self[()]

    # --- operators -------------------------------------------------------------------------------

    def __getitem__(self, at: Any) -> Any:
        return take(self, at)

    def __setitem__(self, at: Any, value: Any) -> None:
        self.write(at, value)

    def __neg__(self) -> Any:
        return np.negative(self)

    def __pos__(self) -> Any:
        return np.positive(self)

    def __abs__(self) -> Any:
        return np.absolute(self)

    def __invert__(self) -> Any:
        return np.invert(self)

    def __divmod__(self, other: Any) -> Any:
        return np.divmod(self, other)

    def __rdivmod__(self, other: Any) -> Any:
        return np.divmod(other, self)

    # --- methods ---------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        function = METHODS.get(name)
        if function is not None:
            return partial(self._call, function, self)
        # NumPy asks for `__array_interface__` and its like, and goes on to `__array__` where they are not.
        if name.startswith("__"):
            raise AttributeError(name)
        if not hasattr(np.ndarray, name):
            return getattr(self.value, name)  # NumPy says itself that there is none
        return self.tape.refuse("trace-method", "trace-method", name=name)

    def copy(self, order: str = "C") -> Any:
        """The elements in memory of their own; of a number, which nothing writes into, the number."""
        made = self._call(np.copy, self, order=order)
        return made[()] if self.scalar else made

    def clip(self, min: Any = None, max: Any = None, **settings: Any) -> Any:
        """The elements between bounds. Before NumPy 2.1 its function takes no `min`, as the method does."""
        return self._call(np.clip, self, min, max, **settings)

    def reshape(self, *shape: Any, order: str = "C", copy: bool | None = None) -> Any:
        """The elements in another shape."""
        wanted = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
        return self._call(np.reshape, self, wanted, order=order)

    def transpose(self, *axes: Any) -> Any:
        """The axes in another order."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
        return self._call(np.transpose, self, order)

    def astype(self, dtype: Any, **settings: Any) -> Any:
        """The same numbers in another type; whole numbers are chosen, and constant."""
        return cast(self, np.dtype(dtype))

    def flatten(self, order: Any = "C") -> Any:
        """A flat copy."""
        return self._call(np.ravel, self, order).copy()

    def fill(self, value: Any) -> None:
        """Set all elements."""
        self.write(..., value)

    def sort(self, axis: int = -1) -> None:
        """Sort in place."""
        self.write(..., self._call(np.sort, self, axis=axis))


def _operator(ufunc: np.ufunc) -> Callable[[Traced, Any], Any]:
    return lambda self, other: ufunc(self, other)


def _reflected(ufunc: np.ufunc) -> Callable[[Traced, Any], Any]:
    return lambda self, other: ufunc(other, self)


def _in_place(ufunc: np.ufunc) -> Callable[[Traced, Any], Any]:
    def operator(self: Traced, other: Any) -> Any:
        # A number cannot change: `s += 1` gives the name to a new one.
        return ufunc(self, other) if self.scalar else ufunc(self, other, out=self)

    return operator


for _name, _ufunc in {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.true_divide,
    "floordiv": np.floor_divide,
    "mod": np.remainder,
    "pow": np.power,
    "matmul": np.matmul,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
}.items():
    setattr(Traced, f"__{_name}__", _operator(_ufunc))
    setattr(Traced, f"__r{_name}__", _reflected(_ufunc))
    setattr(Traced, f"__i{_name}__", _in_place(_ufunc))
for _name, _ufunc in {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}.items():
    setattr(Traced, f"__{_name}__", _operator(_ufunc))
