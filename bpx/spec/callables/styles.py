"""Functions from Python in other styles than `forward(*inputs)` with `backward(g, *inputs)`.

They are understood as the functions of a file are: by the names of their arguments, and by what they return.
So is all that backward's signature does not take in that style, or that has inputs by name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from bpx.check.function.inputs import names_of
from bpx.spec.code.leaves import cells_in_reach, copied, is_users_object, underlying
from bpx.spec.code.program import Program
from bpx.spec.code.traced_program import is_loss_alone
from bpx.spec.code.understand import routines_of, understood
from bpx.spec.code.words_of_code import is_cache, is_upstream, parameters, returned_names


def program_in_other_style(
    forward: Any, inputs: Any, backward: Callable[..., Any] | None, names: Sequence[str] | None
) -> Program | None:
    """The program of functions in another style; None where the call by position is what is meant.

    `backward` is None where `forward` returns the gradients too, or is an object with both passes. Raises
    `BpxError`.
    """
    passes = [forward] if backward is None else [forward, backward]
    if not isinstance(inputs, list | tuple | dict) or not all(map(_is_function, passes)):
        return None
    if backward is not None and not isinstance(inputs, dict) and _fits(forward, inputs, backward):
        return None
    named = [(_name_of(function, i), function, None) for i, function in enumerate(passes)]
    first = next(routines_of(named)).function
    args = _by_name(first, inputs, names, _names_in(backward, len(inputs)))
    if args is None:
        return None
    module_globals = getattr(underlying(first), "__globals__", {})
    program = understood(named, args, module_globals, cells_in_reach(forward))
    return None if is_loss_alone(program) else program


def _is_function(value: Any) -> bool:
    return callable(value) or is_users_object(value)


def _name_of(function: Any, number: int) -> str:
    """What a report calls a function."""
    name = getattr(function, "__name__", type(function).__name__)
    return name if name.isidentifier() else ("forward", "backward")[number]


def _names_in(backward: Callable[..., Any] | None, count: int) -> list[str]:
    """What backward calls the inputs, where it takes them alone; else x0, x1, …"""
    own = [] if backward is None else [one.name for one in parameters(backward) if one.name != "self"]
    if len(own) != count or any(is_upstream(name) or is_cache(name) for name in own):
        return [f"x{i}" for i in range(count)]
    return own


def _by_name(
    function: Callable[..., Any], inputs: Any, names: Sequence[str] | None, otherwise: Sequence[str]
) -> dict[str, Any] | None:
    """The inputs by the names of the function's arguments; None for a list with names of its own.

    What the function takes as one of `*args` has the name that is used `otherwise`.
    """
    if isinstance(inputs, Mapping):
        return {str(name): _as_argument(value) for name, value in inputs.items()}
    own = [parameter.name for parameter in parameters(function) if parameter.name != "self"]
    own += otherwise[len(own) :]
    if names is not None and names_of(function, len(inputs), names) != own[: len(inputs)]:
        return None
    return dict(zip(own, map(_as_argument, inputs), strict=False))


def _as_argument(value: Any) -> Any:
    """A list of numbers as an array; lists of arrays, dicts and all else as they are."""
    if not isinstance(value, list) or any(isinstance(item, np.ndarray | dict) for item in value):
        return value
    try:
        return np.array(value)
    except ValueError:  # lists of several lengths
        return value


# --- is it the call by position? -----------------------------------------------------------------


def _fits(forward: Any, inputs: Sequence[Any], backward: Callable[..., Any]) -> bool:
    """Does the style of `backward(g, *inputs)` fit, or is it at least forward that does not fit it?"""
    if not callable(forward):
        return False
    if not inputs or not _takes(forward, len(inputs)):
        return True
    if _begins_with_inputs(forward, backward):
        return False
    return _takes(backward, 1 + len(inputs)) and not _takes_cache(forward, inputs, backward)


def _takes(function: Callable[..., Any], count: int) -> bool:
    """Whether a signature allows for so many arguments; one that nobody knows does."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


def _begins_with_inputs(forward: Callable[..., Any], backward: Callable[..., Any]) -> bool:
    """Whether backward takes the inputs by forward's names for them, and first of all one of these."""
    own = [parameter.name for parameter in parameters(forward)]
    names = [parameter.name for parameter in parameters(backward)]
    return bool(own) and {*own} <= {*names} and names[0] in own and not is_upstream(names[0])


def _takes_cache(forward: Callable[..., Any], inputs: Sequence[Any], backward: Callable[..., Any]) -> bool:
    """Whether backward is to be handed what forward returns: `backward(dout, cache)`, `backward(dout, p)`.

    It says so by its names for a cache, or by the names that these things have in forward.
    """
    own = {parameter.name for parameter in parameters(forward)}
    others = {one.name for one in parameters(backward)[1:]} - own
    if others & {*returned_names(forward).values()}:
        return True
    if not any(map(is_cache, others)):
        return False
    try:
        result = forward(*copied(list(inputs)))
    except Exception:  # the check itself will say what it raises
        return False
    return isinstance(result, tuple) and len(result) > 1
