"""Random numbers that are the same in every call: all generators in reach are set back."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import numpy as np


@contextmanager
def kept_random_state(function: Callable[..., Any]) -> Iterator[None]:
    """Set the global generators, and those that the function's module and closure hold, back afterwards."""
    generators = list(_generators(function))
    legacy, python = np.random.get_state(), random.getstate()
    states = [deepcopy(generator.bit_generator.state) for generator in generators]
    try:
        yield
    finally:
        np.random.set_state(legacy)
        random.setstate(python)
        for generator, state in zip(generators, states, strict=True):
            generator.bit_generator.state = state


def _generators(function: Callable[..., Any]) -> Iterator[Any]:
    for value in _in_reach(function):
        if isinstance(value, np.random.Generator):
            yield value
        elif isinstance(value, np.random.RandomState):
            yield _Legacy(value)


class _Legacy:
    """A legacy generator with the state where the new ones have it."""

    def __init__(self, generator: np.random.RandomState) -> None:
        self.bit_generator = self
        self._generator = generator

    @property
    def state(self) -> Any:
        return self._generator.get_state()

    @state.setter
    def state(self, state: Any) -> None:
        self._generator.set_state(state)


def _in_reach(function: Callable[..., Any]) -> Iterator[Any]:
    """What stands in the function's module, in its closure, and in the object it is a method of."""
    function = getattr(function, "__wrapped__", function)
    yield from getattr(function, "__globals__", {}).values()
    yield from vars(sys.modules.get(getattr(function, "__module__", None) or "", sys)).values()
    for cell in getattr(function, "__closure__", None) or ():
        try:
            yield cell.cell_contents
        except ValueError:
            continue
    owner = getattr(function, "__self__", None)
    if owner is not None:
        yield from getattr(owner, "__dict__", {}).values()
