"""What stands in the user's modules for `np` and `math` while a function is traced.

`out = np.zeros(n)` asks no argument whether it is traced, so NumPy's protocols do not see it; yet most
buffers that people write into come from there. The names that the user's modules have for NumPy therefore
mean, as long as a function is traced, a module that is NumPy but for what creates arrays. NumPy itself is not
touched, and where no tape is active in a thread its functions do what they always do.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import ModuleType
from typing import Any

import numpy as np

from bpx.spec.trace.calls import call, cast, joined
from bpx.spec.trace.tape import active, is_traced
from bpx.spec.trace.user_source import is_users

_CREATED = [
    "zeros",
    "ones",
    "empty",
    "full",
    "eye",
    "identity",
    "zeros_like",
    "ones_like",
    "empty_like",
    "full_like",
]
_CONVERTED = [
    "array",
    "asarray",
    "asanyarray",
    "ascontiguousarray",
    "asfortranarray",
    "asarray_chkfinite",
    "copy",
]


def _creating(function: Callable[..., Any]) -> Callable[..., Any]:
    """`np.zeros` and its like: a buffer that handles can be written into."""

    @wraps(function)
    def create(*args: Any, **settings: Any) -> Any:
        tape = active.get()
        if tape is None:
            return function(*args, **settings)
        if function is np.empty:
            # What nobody wrote would be another number in each run.
            return tape.handle(np.zeros(*args, **settings), None)
        if any(map(is_traced, (*args, *settings.values()))):
            return call(tape, function, args, settings)
        array = function(*args, **settings)
        return tape.handle(array, None) if array.dtype.kind in "fiub" else array

    return create


def _converting(function: Callable[..., Any]) -> Callable[..., Any]:
    """`np.array` and its like, of handles and lists of them."""

    @wraps(function)
    def convert(value: Any, dtype: Any = None, **settings: Any) -> Any:
        tape = active.get()
        if tape is None:
            return function(value, **({} if dtype is None else {"dtype": dtype}), **settings)
        array = joined(value)
        if not is_traced(array):
            made = function(value, **({} if dtype is None else {"dtype": dtype}), **settings)
            return tape.handle(made, None) if made.dtype.kind in "fiub" else made
        if function in (np.array, np.copy) and settings.get("copy", True) is not False:
            array = call(tape, np.copy, (array,), {})
        return array if dtype is None or np.dtype(dtype) == array.dtype else cast(array, np.dtype(dtype))

    return convert


class NumpyStandIn(ModuleType):
    """NumPy, but for what creates arrays."""

    def __init__(self) -> None:
        super().__init__("numpy")
        self.__dict__.update({name: _creating(getattr(np, name)) for name in _CREATED})
        self.__dict__.update({name: _converting(getattr(np, name)) for name in _CONVERTED})

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


class MathStandIn(ModuleType):
    """`math`, whose functions take handles too."""

    def __init__(self) -> None:
        super().__init__("math")
        self.__dict__.update({name: _of_number(name, function) for name, function in _MATH.items()})

    def __getattr__(self, name: str) -> Any:
        return getattr(math, name)


_MATH: dict[str, Callable[..., Any]] = {
    **{
        name: getattr(np, name)
        for name in ["exp", "expm1", "log1p", "log2", "log10", "sqrt", "sin", "cos", "tan"]
    },
    **{name: getattr(np, name) for name in ["sinh", "cosh", "tanh", "fabs", "hypot", "degrees", "radians"]},
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "pow": np.power,
    "copysign": np.copysign,
    "log": lambda x, base=None: np.log(x) if base is None else np.log(x) / np.log(base),
    "prod": lambda items, start=1: _product(items, start),
    "fsum": sum,
}


def _product(items: Iterable[Any], start: Any) -> Any:
    for item in items:
        start = start * item
    return start


def _of_number(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    own = getattr(math, name)

    @wraps(own)
    def apply(*args: Any, **settings: Any) -> Any:
        items = [*args, *(args[0] if name in ("prod", "fsum") and isinstance(args[0], list) else [])]
        return function(*args, **settings) if any(map(is_traced, items)) else own(*args, **settings)

    return apply


NUMPY, MATH = NumpyStandIn(), MathStandIn()
_STAND_INS: dict[int, Any] = {
    id(np): NUMPY,
    id(math): MATH,
    **{id(getattr(np, name)): getattr(NUMPY, name) for name in [*_CREATED, *_CONVERTED]},
    **{id(getattr(math, name)): getattr(MATH, name) for name in _MATH},
}


@contextmanager
def stand_ins(function: Callable[..., Any]) -> Iterator[None]:
    """Put the stand-ins into the modules that are the user's, and into what `function` closes over."""
    changed = [*_globals(function), *_cells(function)]
    try:
        for _, set_value, new in changed:
            set_value(new)
        yield
    finally:
        for old, set_value, _ in changed:
            set_value(old)


def _globals(function: Callable[..., Any]) -> Iterator[tuple[Any, Callable[[Any], None], Any]]:
    own = getattr(function, "__globals__", {})
    modules = [vars(module) for module in list(sys.modules.values()) if _is_users(module)]
    for names in [own, *(names for names in modules if names is not own)]:
        for name, value in list(names.items()):
            if id(value) in _STAND_INS:
                yield value, _setter(names, name), _STAND_INS[id(value)]


def _is_users(module: Any) -> bool:
    """Whether a module is a file of the user's, or what is typed at a prompt."""
    file = getattr(module, "__file__", None)
    if module.__class__ is not ModuleType:
        return False
    return module.__name__ == "__main__" if file is None else is_users(file)


def _setter(names: dict[str, Any], name: str) -> Callable[[Any], None]:
    return lambda value: names.__setitem__(name, value)


def _cells(function: Callable[..., Any]) -> Iterator[tuple[Any, Callable[[Any], None], Any]]:
    for cell in getattr(function, "__closure__", None) or ():
        try:
            value = cell.cell_contents
        except ValueError:  # not filled yet
            continue
        if id(value) in _STAND_INS:
            yield value, _cell_setter(cell), _STAND_INS[id(value)]


def _cell_setter(cell: Any) -> Callable[[Any], None]:
    return lambda value: setattr(cell, "cell_contents", value)
