"""What a check of code is given: inputs, their names and types, and what functions return, as arrays.

Inputs of floats are widened to float64, which is what the check computes in. NumPy arrays of integers may
be indices or labels as well as numbers: what they are shows in what is claimed of them (see `Caller`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from inspect import Parameter, signature
from typing import Any

import numpy as np

from bpx.graph.arrays import Array, is_masked
from bpx.words.diagnostic import BpxError, Diagnostic


def as_inputs(inputs: Any) -> Sequence[Any]:
    """The inputs as a list. Raises `BpxError` for what is no list, as an array that stands bare."""
    if isinstance(inputs, (list, tuple)) and inputs:
        return inputs
    if isinstance(inputs, (list, tuple)):
        raise BpxError([Diagnostic("no-inputs", None, {}, "inputs-in-list")])
    help = "inputs-of-dict" if isinstance(inputs, dict) else "inputs-in-list"
    raise BpxError([Diagnostic("inputs-no-list", None, {"found": type(inputs).__name__}, help)])


def as_numbers(name: str, value: Any) -> Any:
    """An input as an array: of float64, or of integers or flags where NumPy handed them over as such.

    Raises `BpxError` for what holds no real numbers, hides some of them, or none at all.
    """
    if isinstance(value, np.ma.MaskedArray):
        raise BpxError([Diagnostic("masked-input", None, {"name": name}, "fill-masked")])
    array = any_array(value)
    if array.dtype.kind not in "fiub":
        facts = {"name": name, "found": _type_text(value, array)}
        raise BpxError([Diagnostic("not-numeric", None, facts, "pass-floats")])
    if not array.size:
        raise BpxError([Diagnostic("empty-array", None, {"name": name})])
    data = array.dtype.kind == "b" or (
        array.dtype.kind != "f" and isinstance(value, (np.ndarray, np.generic))
    )
    with np.errstate(over="ignore"):  # of a longdouble that no float64 holds, which comes out as inf
        return array if data else array.astype(float)


def as_result(function: str, result: Any) -> Array:
    """What `function` returned, as an array of float64 of its own; raises `BpxError` where it is none."""
    if result is None:
        raise BpxError([Diagnostic("returned-nothing", None, {"function": function}, "return-it")])
    array = any_array(result)
    if array.dtype.kind not in "fiub":
        facts = {"function": function, "found": _type_text(result, array)}
        raise BpxError([Diagnostic("result-not-numeric", None, facts, "return-array")])
    return np.asarray(array, dtype=float)


def any_array(value: Any) -> Any:
    """An array of the value; of objects where that does not go, whatever the value's class raises then."""
    if isinstance(value, bytearray | memoryview) or is_masked(value):
        return np.array(None)  # NumPy would read bytes, and what is masked, as numbers
    try:
        return np.array(value)
    except Exception:  # ragged lists, tensors that hold a graph or live on another device
        return np.array(None)


def _type_text(value: Any, array: Any) -> str:
    kind = type(value)
    plain = isinstance(value, (np.ndarray, np.generic, list, tuple)) and not is_masked(value)
    if kind.__module__ == "builtins" and not plain:
        return kind.__name__
    return str(array.dtype) if plain else f"{kind.__module__}.{kind.__qualname__}"


def names_of(forward: Callable[..., Any], count: int, names: Sequence[str] | None) -> list[str]:
    """The names of the inputs: those given, those of forward's parameters, or x0, x1, …"""
    if names is None:
        return _parameters(forward, count) or [f"x{i}" for i in range(count)]
    listed = [names] if isinstance(names, str) else list(names)
    strings = all(isinstance(name, str) for name in listed)
    if len(listed) != count or not strings or len(set(listed)) != count:
        facts = {"names": ", ".join(map(str, listed)), "wanted": count}
        raise BpxError([Diagnostic("bad-names", None, facts)])
    return listed


def _parameters(forward: Callable[..., Any], count: int) -> list[str] | None:
    try:
        parameters = list(_positional(forward))
    except (TypeError, ValueError):
        return None
    return parameters[:count] if len(parameters) >= count else None


def _positional(function: Callable[..., Any]) -> Iterator[str]:
    for name, parameter in signature(function).parameters.items():
        if parameter.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD):
            yield name
