"""Random values for inputs that nobody gave one: arrays of stated shapes, or numbers for work by hand."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from bpx.words.diagnostic import BpxError, Diagnostic

_DRAWN = re.compile(r"(?P<name>[^\W\d]\w*)\s*:\s*(?P<shape>\([\d\s,]*\)|\d+)")


def draw(text: str, seed: int) -> dict[str, Any]:
    """`x:(8,3) w:(3,4)` → arrays of standard normal numbers of these shapes. Raises `BpxError`."""
    rng = np.random.default_rng(seed)
    parts = list(_DRAWN.finditer(text))
    rest = _DRAWN.sub("", text).strip(" ,")
    if not parts or rest:
        raise BpxError([Diagnostic("bad-random", None, {"text": text}, "random-form")])
    shapes = ((match["name"], ast.literal_eval(match["shape"])) for match in parts)
    return {name: rng.standard_normal(shape) for name, shape in shapes}


def draw_numbers(names: Iterable[str], seed: int) -> dict[str, float]:
    """A number for each name, with two digits, so that it can be computed with by hand.

    From 0.1 to 0.9, where logarithms, roots, probabilities and inverse sines are all defined.
    """
    rng = np.random.default_rng(seed)
    return {name: round(float(rng.uniform(0.1, 0.9)), 2) for name in names}
