"""Random values for inputs that nobody gave one: arrays of stated shapes, or numbers for work by hand."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from bpx.graph.arrays import Shape, SizeError, size_within_limits
from bpx.words.diagnostic import BpxError, Diagnostic

MOST_DRAWN = 10_000_000  # numbers: they are drawn before the graph is known, so before it may be refused
_DRAWN = re.compile(r"(?P<name>[^\W\d]\w*)\s*:\s*(?P<shape>\((?:\s*\d+\s*,)*\s*\d*\s*\)|\d+)")


def draw(text: str, seed: int) -> dict[str, Any]:
    """`x:(8,3) w:(3,4)` → arrays of standard normal numbers of these shapes. Raises `BpxError`."""
    rng = np.random.default_rng(seed)
    parts = list(_DRAWN.finditer(text))
    rest = _DRAWN.sub("", text).strip(" ,")
    if not parts or rest:
        raise BpxError([Diagnostic("bad-random", None, {"text": text}, "random-form")])
    shapes = {match["name"]: _shape(match["shape"]) for match in parts}
    problems = [problem for name, shape in shapes.items() for problem in _too_large(name, shape)]
    if not problems and (size := sum(map(math.prod, shapes.values()))) > MOST_DRAWN:
        facts = {"count": f"{size:,}", "most": f"{MOST_DRAWN:,}"}
        problems = [Diagnostic("too-many-drawn", None, facts)]
    if problems:
        raise BpxError(problems)
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def _shape(text: str) -> Shape:
    """Lengths of more digits than any array has elements are cut to one that is too large."""
    return tuple(int(digits.lstrip("0")[:12] or 0) for digits in re.findall(r"\d+", text))


def _too_large(name: str, shape: Shape) -> Iterator[Diagnostic]:
    try:
        size_within_limits(name, shape)
    except SizeError as error:
        yield Diagnostic("input-too-large", None, {"name": name, "reason": error.extent})


def draw_numbers(names: Iterable[str], seed: int) -> dict[str, float]:
    """A number for each name, with two digits, so that it can be computed with by hand.

    From 0.1 to 0.9, where logarithms, roots, probabilities and inverse sines are all defined.
    """
    rng = np.random.default_rng(seed)
    return {name: round(float(rng.uniform(0.1, 0.9)), 2) for name in names}
