"""Values from outside as arrays, and what keeps them from being any."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from bpx.graph.arrays import LARGEST_NODE, MOST_AXES, Array, RoundedInteger, real_floats
from bpx.words.arguments import shown_value
from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.say import say

MOST_LISTED = 40  # names in a sentence


def as_array(name: str, value: Any, problems: list[Diagnostic]) -> Array | None:
    """A value from outside as a float64 array of its own; None where it is no such thing, with a problem."""
    if type(value) is float and math.isfinite(value):  # as most are: there is nothing to look for
        array = np.array(value)
        array.setflags(write=False)
        return array
    if isinstance(value, np.ndarray) and value.size > LARGEST_NODE:  # before it is copied
        problems.append(_too_large(name, value.size))
        return None
    try:
        array = real_floats(value)
    except RoundedInteger as error:
        problems.append(rounded_integer(name, error))
        return None
    except BpxError:
        raise
    except Exception:  # arrays of other libraries raise what they like
        problems.append(Diagnostic("not-a-number", None, {"name": name, "found": shown_value(value)}))
        return None
    if array.ndim > MOST_AXES:
        problems.append(Diagnostic("too-deep", None, {"name": name}))
        return None
    if array.size > LARGEST_NODE:
        problems.append(_too_large(name, array.size))
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


def _too_large(name: str, size: int) -> Diagnostic:
    return Diagnostic("input-too-large", None, {"name": name, "reason": say("word.elements", count=size)})


def rounded_integer(name: str, error: RoundedInteger) -> Diagnostic:
    """The diagnostic for an integer that float64 does not have."""
    return Diagnostic("rounded-integer", None, {"name": name, "found": str(error.integer)})


def not_an_input(name: str, inputs: Iterable[str]) -> Diagnostic:
    """The diagnostic for a value given to something that is not an input."""
    known = list(inputs)
    facts = {"name": name, "known": ", ".join(known[:MOST_LISTED])}
    return Diagnostic("not-an-input", None, facts, "inputs-are" if known else "no-inputs").suggesting(
        name, known
    )
