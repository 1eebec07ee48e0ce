"""What stands in the user's modules for `np` and `math` while a function is traced.

`out = np.zeros(n)` asks no argument whether it is traced, so NumPy's protocols do not see it; yet most
buffers that people write into come from there. Nor do they see lists of handles, as in `np.mean(losses)`. The
names that the user's modules have for NumPy therefore mean, as long as a function is traced, a module that is
NumPy but for these functions. NumPy itself is not touched, and where no tape is active in a thread its
functions do what they always do.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial, wraps
from types import FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.lib import stride_tricks

from bpx.spec.trace.buffers import WRITES
from bpx.spec.trace.calls import call, cast, handles_in, joined
from bpx.spec.trace.compositions import PARTS
from bpx.spec.trace.libraries import MATH_FUNCTIONS, StandIn, stand_ins_of_scipy
from bpx.spec.trace.rules.tables import CHOICES, FACTS, MOVES, NODES
from bpx.spec.trace.tape import Tape, active, is_traced
from bpx.spec.trace.user_source import is_users, is_users_code

_CREATED = ["zeros", "ones", "empty", "full", "eye", "identity"]
_CONVERTED = ["array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray", "asarray_chkfinite"]


def _creating(function: Callable[..., Any]) -> Callable[..., Any]:
    """`np.zeros` and its like: a buffer that handles can be written into."""

    @wraps(function)
    def create(*args: Any, **settings: Any) -> Any:
        tape = active.get()
        if tape is None:
            return function(*args, **settings)
        if function is np.full:
            return _full(*args, **settings)
        # What nobody wrote would be another number in each run.
        array = (np.zeros if function is np.empty else function)(*args, **settings)
        return tape.handle(array, None) if array.dtype.kind in "fiub" else array

    return create


def _full(shape: Any, fill_value: Any, dtype: Any = None, **settings: Any) -> Any:
    value = joined(fill_value)
    if not is_traced(value):
        array = np.full(shape, value, dtype, **settings)
        tape = active.get()
        return tape.handle(array, None) if tape is not None and array.dtype.kind in "fiub" else array
    buffer = value.tape.handle(np.zeros(shape, value.dtype if dtype is None else dtype), None)
    buffer[...] = value
    return buffer


def _converting(function: Callable[..., Any]) -> Callable[..., Any]:
    """`np.array` and its like, of handles and lists of them."""

    @wraps(function)
    def convert(value: Any, dtype: Any = None, **settings: Any) -> Any:
        tape = active.get()
        if tape is None:
            return function(value, **({} if dtype is None else {"dtype": dtype}), **settings)
        if dtype is not None and np.dtype(dtype).kind == "O" and handles_in([value]):
            tape.refuse("trace-objects", "trace-objects")
        array: Any = joined(value)
        if not is_traced(array):
            made = function(value, **({} if dtype is None else {"dtype": dtype}), **settings)
            return tape.handle(made, None) if made.dtype.kind in "fiub" else made
        if function is np.array and settings.get("copy", True) is not False:
            array = call(tape, np.copy, (array,), {})
        wanted = settings.get("ndmin", 0) - array.ndim
        array = np.reshape(array, (*[1] * wanted, *array.shape)) if wanted > 0 else array
        return array if dtype is None or np.dtype(dtype) == array.dtype else cast(array, np.dtype(dtype))

    return convert


def _meeting_lists(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that NumPy's protocol does not let see handles in lists."""

    @wraps(function)
    def meet(*args: Any, **settings: Any) -> Any:
        tape = active.get()
        if tape is None or not handles_in([*args, *settings.values()]):
            return function(*args, **settings)
        return call(tape, function, args, settings)

    return meet


def _strided(x: Any, shape: Any = None, strides: Any = None, **settings: Any) -> Any:
    """`as_strided`: strides are bytes; those of the numbers of places are the same where `x` is in order."""
    if not is_traced(x):
        return stride_tricks.as_strided(x, shape, strides, **settings)
    if x.itemsize != np.dtype(np.intp).itemsize or not x.value.flags.c_contiguous:
        x.tape.refuse("trace-array", "trace-windows")
    return call(x.tape, stride_tricks.as_strided, (x, shape, strides), {})


def _numbered(arr: Any) -> Iterator[tuple[tuple[int, ...], Any]]:
    """`np.ndenumerate`: the index and the element, one by one."""
    array = joined(arr)
    if not is_traced(array):
        return np.ndenumerate(arr)
    return ((place, array[place]) for place in np.ndindex(array.shape))


class _Joining:
    """`np.r_` and `np.c_`, of handles too."""

    def __init__(self, own: Any, columns: bool) -> None:
        self._own, self._columns = own, columns

    def __getitem__(self, parts: Any) -> Any:
        items = list(parts) if isinstance(parts, tuple) else [parts]
        if not handles_in(items):
            return self._own[parts]
        arrays = [self._as_array(item) for item in items]
        return np.concatenate(arrays, axis=-1 if self._columns else 0)

    def _as_array(self, item: Any) -> Any:
        array = np.atleast_1d(np.r_[item] if isinstance(item, slice) else joined(item))
        return np.expand_dims(array, 1) if self._columns and array.ndim == 1 else array


class _Vectorized:
    """`np.vectorize`: the function for each element, one after the other."""

    def __init__(self, pyfunc: Any, *args: Any, **settings: Any) -> None:
        self.pyfunc = pyfunc.pyfunc if isinstance(pyfunc, np.vectorize) else pyfunc
        self._own = pyfunc if isinstance(pyfunc, np.vectorize) else np.vectorize(pyfunc, *args, **settings)
        self._plain_settings = not (self._own.signature or self._own.excluded)

    def __call__(self, *args: Any, **settings: Any) -> Any:
        if not handles_in([*args, *settings.values()]) or not self._plain_settings or settings:
            return self._own(*args, **settings)
        arrays = np.broadcast_arrays(*map(joined, args))
        results = [self.pyfunc(*(array[place] for array in arrays)) for place in np.ndindex(arrays[0].shape)]
        return np.reshape(joined(results), arrays[0].shape) if handles_in(results) else self._own(*args)


def _of_tables(module: Any) -> dict[str, Any]:
    """The functions of a module of NumPy that are traced and that take lists, by name."""
    known = {*MOVES, *CHOICES, *FACTS, *NODES, *PARTS, *WRITES}
    functions = {name: value for name, value in vars(module).items() if callable(value)}
    return {
        name: _meeting_lists(function)
        for name, function in functions.items()
        if not isinstance(function, np.ufunc | type) and function in known
    }


class _IsFloat(type):
    """To everybody else the class below is `float`."""

    def __instancecheck__(cls, value: Any) -> bool:
        return isinstance(value, float)

    def __subclasscheck__(cls, kind: Any) -> bool:
        return issubclass(kind, float)

    def __eq__(cls, other: object) -> bool:
        return other is float or other is cls

    def __hash__(cls) -> int:
        return hash(float)


class _Float(float, metaclass=_IsFloat):
    """`float`, which leaves a handle traced. NumPy takes it for `float` where a dtype is asked for."""

    dtype = np.dtype(np.float64)  # NumPy 2.0 takes any class but `float` itself for one of objects

    def __new__(cls, value: Any = 0.0) -> Any:
        if is_traced(value) and value.node is not None and value.size == 1:
            number: Any = np.reshape(value, ())[()]
            return number if number.dtype == np.float64 else cast(number, np.dtype(np.float64))
        return float(value)


_STRIDE_TRICKS = StandIn(stride_tricks, {"as_strided": _strided})
_NAMES = {
    "numpy": {
        "lib": StandIn(np.lib, {"stride_tricks": _STRIDE_TRICKS}),
        **_of_tables(np),
        **{name: _creating(getattr(np, name)) for name in _CREATED},
        **{name: _converting(getattr(np, name)) for name in _CONVERTED},
        "r_": _Joining(np.r_, columns=False),
        "c_": _Joining(np.c_, columns=True),
        "vectorize": _Vectorized,
        "ndenumerate": _numbered,
        "linalg": StandIn(np.linalg, _of_tables(np.linalg)),
    },
    "math": MATH_FUNCTIONS,
}
_MODULES = {"numpy": np, "math": math}
_STAND_INS: dict[int, Any] = {
    **{id(module): StandIn(module, _NAMES[name]) for name, module in _MODULES.items()},
    **{
        id(getattr(_MODULES[home], name)): value
        for home, names in _NAMES.items()
        for name, value in names.items()
    },
    **{id(getattr(np.linalg, name)): value for name, value in _of_tables(np.linalg).items()},
    id(stride_tricks): _STRIDE_TRICKS,
    id(stride_tricks.as_strided): _strided,
}


@contextmanager
def stand_ins(reach: list[Place], tape: Tape) -> Iterator[None]:
    """Put the stand-ins into `places(function)`: the user's modules, and what the function closes over.

    What the function itself gives a name to in a module, as with `global`, is undone afterwards.
    """
    names = {**_STAND_INS, **stand_ins_of_scipy()}
    before = [(place, place.held()) for place in reach]
    try:
        for place, items in before:
            for name, value in items:
                new = _stand_in(value, names, tape)
                if new is not None:
                    place.put(name, new)
            place.put_float()
        yield
    finally:
        for place, items in before:
            place.restore(items)


def _stand_in(value: Any, names: Mapping[int, Any], tape: Tape) -> Any:
    """What stands in for a value; None for nearly all."""
    # A decorated function is of this class too: `@np.vectorize`.
    if type(value) is np.vectorize:
        return _Vectorized(value)
    # So that `X.dot(w)` of data X sees w, and a write into a buffer is seen.
    if type(value) is np.ndarray and value.dtype.kind == "f":
        return tape.handle(value, None)
    return names.get(id(value))


class Place(NamedTuple):
    """Where names are: variables of a module, or a cell that functions close over."""

    variables: dict[str, Any] | None
    cell: Any = None

    def held(self) -> list[tuple[str, Any]]:
        """Names and values; none of a cell that is not filled yet."""
        if self.variables is not None:
            return list(self.variables.items())
        try:
            return [("", self.cell.cell_contents)]
        except ValueError:
            return []

    def put(self, name: str, value: Any) -> None:
        """Set a name to a value."""
        if self.variables is not None:
            self.variables[name] = value
        else:
            self.cell.cell_contents = value

    def put_float(self) -> None:
        """Put the stand-in for `float`, which is a name of no module, where it has no other meaning."""
        if self.variables is not None:
            self.variables.setdefault("float", _Float)

    def restore(self, items: list[tuple[str, Any]]) -> None:
        """Set all names to what they were."""
        if self.variables is not None:
            for name in self.variables.keys() - dict(items).keys():
                del self.variables[name]
        for name, value in items:
            self.put(name, value)


def places(function: Callable[..., Any]) -> list[Place]:
    """The variables of the user's modules, and all that functions in reach close over.

    A program may have thousands of names, and most of them mean a few things: each is looked at once.
    """
    known: dict[int, Place] = {}
    todo = [*map(Place, _modules())]
    todo += [inner for each in _functions_of(function) for inner in _used_by(each, known)]
    looked_at: set[int] = set()
    while todo:
        place = todo.pop()
        # By identity: neither dicts nor cells can be hashed.
        key = id(place.variables if place.cell is None else place.cell)
        if key in known:
            continue
        known[key] = place
        for _, value in place.held():
            owner = value if isinstance(value, _OWNERS) else type(value)
            if id(owner) not in looked_at:
                looked_at.add(id(owner))
                todo += [inner for each in _functions_of(owner) for inner in _used_by(each, known)]
    return list(known.values())


def _used_by(function: FunctionType, known: Mapping[int, Place]) -> list[Place]:
    """Where the names are that a function uses, unless all of it is known."""
    variables, cells = function.__globals__, function.__closure__ or ()
    if not cells and id(variables) in known:
        return []
    if not is_users_code(function.__code__, variables):
        return []
    return [Place(variables), *(Place(None, cell) for cell in cells)]


_loaded: list[Any] = []  # the modules when they were last looked through
_users: list[ModuleType] = []  # and those that were the user's


def _modules() -> Iterator[dict[str, Any]]:
    """The variables of the user's modules, which are looked for among all when a module has been loaded."""
    loaded = list(sys.modules.values())
    if loaded != _loaded:
        _loaded[:] = loaded
        _users[:] = [
            module for module in loaded if module.__class__ is ModuleType and _is_users_module(module)
        ]
    return map(vars, _users)


def _functions_of(value: Any) -> list[FunctionType]:
    """The functions that a value is, wraps or has as methods."""
    if isinstance(value, partial):
        return _functions_of(value.func)
    if isinstance(value, MethodType):
        return [*_functions_of(value.__func__), *_functions_of(type(value.__self__))]
    if isinstance(value, FunctionType):
        wrapped = getattr(value, "__wrapped__", None)
        return [value, *([] if wrapped is None else _functions_of(wrapped))]
    if isinstance(value, type) or (isinstance(value, ModuleType) and _is_users_module(value)):
        return [inner for inner in vars(value).values() if isinstance(inner, FunctionType)]
    return [] if isinstance(value, ModuleType) else _functions_of(type(value))


# What `_functions_of` looks into itself; of everything else it looks into the class.
_OWNERS = (FunctionType, MethodType, ModuleType, partial, type)


def _is_users_module(module: ModuleType) -> bool:
    file = vars(module).get("__file__")  # without asking lazy modules, which would import themselves
    return module.__name__ == "__main__" if file is None else is_users(file)
