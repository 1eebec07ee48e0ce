"""Values from outside as arrays, and what keeps them from being any."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from numbers import Number
from typing import Any

import numpy as np

from bpx.graph.arrays import MOST_AXES, Array
from bpx.words.diagnostic import Diagnostic

MOST_SHOWN = 60  # characters of a value that is refused


def as_array(name: str, value: Any, problems: list[Diagnostic]) -> Array | None:
    """A value from outside as a float64 array of its own; None where it is no such thing, with a problem."""
    try:
        array = _floats(value)
    except (TypeError, ValueError, OverflowError):
        problems.append(Diagnostic("not-a-number", None, {"name": name, "found": _shortened(repr(value))}))
        return None
    if array.ndim > MOST_AXES:
        problems.append(Diagnostic("too-deep", None, {"name": name}))
        return None
    if not array.size:
        problems.append(Diagnostic("empty-array", None, {"name": name}))
        return None
    if not np.isfinite(array).all():
        element = str(array[~np.isfinite(array)][0])
        problems.append(Diagnostic("not-finite-input", None, {"name": name, "found": element}))
        return None
    array.setflags(write=False)
    return array


def _floats(value: Any) -> Array:
    """The numbers of a value; raises where float64 would lose an imaginary part, a mask, the meaning."""
    if not isinstance(value, (Number, np.generic, list, tuple, range)) and not hasattr(value, "__array__"):
        raise TypeError  # what may be iterated over without an end, or is no data
    # Whoever has a masked array has loaded `numpy.ma`, which NumPy itself loads only when it is asked for.
    if "numpy.ma" in sys.modules and isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ValueError
    array = np.array(value)
    if array.dtype.kind == "O" and not all(map(_is_real, array.flat)):
        raise TypeError
    if array.dtype.kind not in "biufO":
        raise TypeError
    # A whole number may be larger than any float.
    return np.array(value, dtype=np.float64)


def _is_real(element: Any) -> bool:
    return isinstance(element, Number) and hasattr(element, "__float__")


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def not_an_input(name: str, inputs: Iterable[str]) -> Diagnostic:
    """The diagnostic for a value given to something that is not an input."""
    known = list(inputs)
    facts = {"name": name, "known": ", ".join(known)}
    return Diagnostic("not-an-input", None, facts, "inputs-are" if known else "no-inputs").suggesting(
        name, known
    )
