"""Random numbers that are the same in every call: all generators in reach are set back."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np

from bpx.spec.trace.stand_ins import Place
from bpx.spec.trace.user_source import is_users

# Objects that are looked through for generators; what is held deeper draws other numbers in each call, and
# the function is then refused, for it returns another value.
_MOST_OBJECTS = 5_000


@contextmanager
def kept_states(generators: Sequence[Any]) -> Iterator[None]:
    """Set the global generators, and these, back afterwards."""
    legacy, python = np.random.get_state(), random.getstate()
    states = [deepcopy(_state(generator)) for generator in generators]
    try:
        yield
    finally:
        np.random.set_state(legacy)
        random.setstate(python)
        for generator, state in zip(generators, states, strict=True):
            _set_state(generator, state)


def _state(generator: Any) -> Any:
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    return generator.getstate() if isinstance(generator, random.Random) else generator.get_state()


def _set_state(generator: Any, state: Any) -> None:
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    elif isinstance(generator, random.Random):
        generator.setstate(state)
    else:
        generator.set_state(state)


def generators_of(function: Callable[..., Any], reach: list[Place]) -> list[Any]:
    """The generators in `places(function)`, which are its `reach`, and in its object."""
    owner = getattr(function, "__self__", function)
    # The last is looked at first: the object, then what stands in the function's own module.
    held = [value for place in reach for _, value in place.held()]
    return list(generators_in([*reversed(held), owner]))


def generators_in(values: Iterable[Any]) -> Iterator[Any]:
    """What draws random numbers in these values, in what they hold, and in objects of the user's in them."""
    todo = [*values]
    seen: set[int] = set()
    of_user: dict[type, bool] = {}
    while todo and len(seen) < _MOST_OBJECTS:
        value = todo.pop()
        if type(value) in _HOLD_NOTHING or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, _GENERATORS):
            yield value
        else:
            todo += _held_by(value, of_user)


_GENERATORS = (np.random.Generator, np.random.RandomState, random.Random)
# What most names and most lists hold, passed over quickly.
_HOLD_NOTHING = frozenset(
    {
        int,
        float,
        str,
        bool,
        bytes,
        type,
        type(None),
        np.ndarray,
        np.float64,
        FunctionType,
        BuiltinFunctionType,
    }
    | {ModuleType}
)


def _held_by(value: Any, of_user: dict[type, bool]) -> Iterable[Any]:
    """What a container, or an object of a class of the user's, holds; whose a class is is noted."""
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, list | tuple | set):
        return value
    kind = type(value)
    if kind not in of_user:
        of_user[kind] = _is_of_user(kind)
    return getattr(value, "__dict__", {}).values() if of_user[kind] else ()


def _is_of_user(kind: type) -> bool:
    home = sys.modules.get(kind.__module__)
    file = getattr(home, "__file__", None)
    # A module that was run without being registered is the user's too.
    return home is None or home.__name__ == "__main__" or (file is not None and is_users(file))
