"""Would a function pass the memory of its arrays to compiled code?

With many digits forward and backward are called with arrays of objects. NumPy, and code that asks NumPy for
floats, refuses these where it cannot work on them. Code that takes an address for that of floats writes
over objects instead, and the interpreter dies. So functions that can do so are not called with objects; and
arrays that are handed over give away no address.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from bpx.check.numeric.tolerances import MOST_REACHED
from bpx.words.say import say

# Packages whose functions take addresses, and what arrays are asked for by those who pass them on.
_PACKAGES = {
    "ctypes",
    "_ctypes",
    "cffi",
    "_cffi_backend",
    "numba",
    "torch",
    "jax",
    "jaxlib",
    "tensorflow",
    "cupy",
}
_ADDRESSES = {
    "CDLL",
    "__array_interface__",
    "__array_struct__",
    "byref",
    "ctypes",
    "data_as",
    "from_buffer",
    "ndpointer",
}


class GuardedArray(np.ndarray[Any, Any]):
    """An array of objects that has no address to pass on."""

    def _no_address(self) -> Any:
        raise TypeError(say("python.no-address"))

    ctypes = property(_no_address)
    __array_interface__ = property(_no_address)
    __array_struct__ = property(_no_address)
    data = property(_no_address)


def calls_native_code(functions: Iterable[Any]) -> str | None:
    """The name by which these functions reach something that takes addresses; None where they do not."""
    waiting, seen = list(functions), set[int]()
    while waiting and len(seen) < MOST_REACHED:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if _is_native(value):
            return getattr(value, "__name__", type(value).__name__)
        for code in _codes(value):
            names = _ADDRESSES & {*code.co_names, *code.co_freevars}
            if names:
                return code.co_name if code.co_name.isidentifier() else min(names)
        waiting += _reached(value)
    return None


def _is_native(value: Any) -> bool:
    names = [getattr(value, "__module__", None), getattr(type(value), "__module__", None)]
    if isinstance(value, ModuleType):
        names.append(value.__name__)
    return any(isinstance(name, str) and name.partition(".")[0] in _PACKAGES for name in names)


def _codes(value: Any) -> Iterator[CodeType]:
    """The code of a function and of those defined within it."""
    code = getattr(value, "__code__", None)
    waiting = [code] if isinstance(code, CodeType) else []
    while waiting:
        code = waiting.pop()
        yield code
        waiting += [inner for inner in code.co_consts if isinstance(inner, CodeType)]


def _reached(value: Any) -> Iterator[Any]:
    """What a value may call: names of a function's code, its closure, the methods of an object."""
    if isinstance(value, FunctionType):
        names = {name for code in _codes(value) for name in code.co_names}
        for name in sorted(names & value.__globals__.keys()):
            yield from _of_module(value.__globals__[name], names)
        yield from (cell.cell_contents for cell in value.__closure__ or () if _is_full(cell))
        yield from value.__defaults__ or ()
    elif isinstance(value, MethodType):
        yield from (value.__func__, value.__self__)
    elif isinstance(value, partial):
        yield from (value.func, *value.args, *value.keywords.values())
    elif isinstance(value, (list, tuple, set)):
        yield from value
    elif isinstance(value, dict):
        yield from value.values()
    elif not isinstance(
        value, (BuiltinFunctionType, np.ndarray, np.generic, np.ufunc, str, float, int, type(None))
    ):
        yield from _of_object(value)


def _of_module(value: Any, names: set[str]) -> Iterator[Any]:
    """A module's functions of these names; anything else as it is."""
    yield value
    if isinstance(value, ModuleType) and value.__name__.partition(".")[0] != "numpy":
        yield from (value.__dict__[name] for name in sorted(names & value.__dict__.keys()))


def _of_object(value: Any) -> Iterator[Any]:
    kind = value if isinstance(value, type) else type(value)
    if kind.__module__.partition(".")[0] in ("builtins", "numpy"):
        return
    for ancestor in kind.__mro__[:-1]:
        yield from (member for member in vars(ancestor).values() if isinstance(member, FunctionType))
    if not isinstance(value, type):
        yield from getattr(value, "__dict__", {}).values()


def _is_full(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:  # not assigned yet
        return False
