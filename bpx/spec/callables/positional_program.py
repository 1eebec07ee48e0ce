"""`forward(*inputs)` and `backward(g, *inputs)` as a program: which gradient is of what is said by its place.

They run on copies of the inputs, as for any check of a function. While forward is traced, it runs besides
on copies of all that it could keep a handle in: its object, global variables and what it closes over.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from bpx.check.function.caller import Caller
from bpx.spec.code.leaves import Path, World, cells_in_reach, is_users_object
from bpx.spec.code.program import ForwardRun, Program, Routine
from bpx.spec.code.words_of_code import parameters
from bpx.spec.trace.calls import joined
from bpx.spec.trace.tape import active

_UPSTREAM = "g"


class PositionalProgram(Program):
    """The two functions of a caller, with an upstream gradient for an output of this many axes.

    The output of no axes is derived itself, unless it is to be `weighted`.
    """

    by_position = True

    def __init__(self, caller: Caller, axes: int, *, weighted: bool = False) -> None:
        forward, backward = caller.functions
        self.caller = caller
        args = dict(zip(caller.names, caller.values, strict=True))
        super().__init__(
            Routine(_name_of(forward, "forward"), _plain_function(forward)),
            None,
            Routine(_name_of(backward, "backward"), _plain_function(backward)),
            World(args, {}, ()),
        )
        self.output_name = _name_of(forward, "output")
        self._reach = _Reach(args, forward)
        self._weight = _first_argument(backward)
        self.upstream = [self._weight] if axes or weighted else []

    def gradients(self, result: Any) -> Iterator[tuple[Path, Any]]:
        """Of what backward returned, the gradients that are claimed, each with the place of its input."""
        claimed = self.caller.unpacked(result)
        for i in self.caller.varied:
            if claimed[i] is not None:
                yield ("args", self.caller.names[i]), np.array(claimed[i])

    @contextmanager
    def _world(self, values: Mapping[Path, Any]) -> Iterator[dict[str, Any]]:
        with (self.world if active.get() is None else self._reach).copy(values) as world:
            yield world

    def _called_forward(self, world: dict[str, Any]) -> Any:
        forward = self.caller.functions[0]
        if "self" in world and world["self"] is not None:
            forward = _on(forward, world["self"])
        result = forward(*_handed(world))
        if isinstance(result, list | tuple):
            stacked = joined(result)
            return np.array(result) if stacked is result else stacked
        return result

    def _weights(self, upstream: Any, run: ForwardRun) -> dict[str, Any]:
        return {self._weight: upstream}

    def weights(self, upstream: Any, outputs: Sequence[Any]) -> dict[str, Any]:
        """The upstream gradient by its name in backward; nothing where the output is derived itself."""
        return dict.fromkeys(self.upstream, upstream)

    def _backward(self, world: dict[str, Any], run: ForwardRun, parts: Mapping[str, Any]) -> Any:
        return self.caller.functions[1](parts[self._weight][()], *_handed(world))


class _Reach(World):
    """What a function could leave something in: objects and lists in its reach."""

    def __init__(self, args: Mapping[str, Any], function: Callable[..., Any]) -> None:
        plain = _plain_function(function)
        owner = getattr(function, "__self__", None)
        owner = function if is_users_object(function) else owner if is_users_object(owner) else None
        module_globals = getattr(plain, "__globals__", {})
        super().__init__(args, module_globals, [plain], owner, cells_in_reach(function))
        self.originals["self"] = owner


def _handed(world: Mapping[str, Any]) -> list[Any]:
    """The arguments; a single number as such, not as an array of no axes."""
    values = world["args"].values()
    return [value[()] if isinstance(value, np.ndarray) and not value.ndim else value for value in values]


def _plain_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function behind a method, and behind an object that is called."""
    if inspect.ismethod(function):
        return function.__func__
    return type(function).__call__ if is_users_object(function) else function


def _on(function: Callable[..., Any], owner: Any) -> Callable[..., Any]:
    """The same method of another object; of an object that is called, the other one."""
    if inspect.ismethod(function):
        return function.__func__.__get__(owner)  # type: ignore[no-any-return]
    return owner  # type: ignore[no-any-return]


def _name_of(function: Callable[..., Any], otherwise: str) -> str:
    name = getattr(function, "__name__", "")
    return name if name.isidentifier() else otherwise


def _first_argument(backward: Callable[..., Any]) -> str:
    """What backward calls the upstream gradient."""
    first = next(iter(parameters(_plain_function(backward))), None)
    return _UPSTREAM if first is None or first.name == "self" else first.name
