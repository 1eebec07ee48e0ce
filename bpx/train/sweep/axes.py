"""What a sweep goes over: entries of inputs, each with its numbers, as people write them.

`w=-2..2` is evenly spaced, `w=-2..2:9` so many points of it, `w=0,1,2` a list, `w[0]=…` one entry.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.named.named_graph import Input, NamedGraph
from bpx.graph.named.values import as_array, not_an_input
from bpx.graph.numbers import index_text, shape_text
from bpx.render.chart.chart import Axis
from bpx.words.diagnostic import BpxError, Diagnostic

MOST_POINTS = 1_000_000  # of a whole sweep: what a table or a picture of them needs stays below 100 MB
_USUAL_POINTS = {1: 81, 2: 41}  # along one axis of so many
_FEW_POINTS = 9  # of more axes
_NAME = re.compile(r"\s*([^\[\]=]+?)\s*(?:\[([\d,\s-]*)\])?\s*")
_RANGE = re.compile(r"\s*(\S+?)\s*\.\.\s*([^\s:]+)\s*(?::\s*(\S+))?\s*")


class SweptEntry(NamedTuple):
    """An entry of an input, by its place in the flat array, and the numbers it takes, in ascending order."""

    input: Input
    place: int
    axis: Axis


class _Numbers(NamedTuple):
    """A range whose number of points may depend on how many axes there are, or a list."""

    ends: tuple[float, float] | None
    points: int | None = None
    listed: Array | None = None

    def values(self, usual: int) -> Array:
        if self.listed is not None:
            return self.listed
        assert self.ends
        return np.linspace(*self.ends, self.points or usual)


def swept_entries(spec: NamedGraph, over: str | Sequence[str] | Mapping[str, Any]) -> list[SweptEntry]:
    """The entries of `over`: texts, or ranges and lists by name. Raises `BpxError` with all that is wrong."""
    problems: list[Diagnostic] = []
    entries: dict[str, tuple[Input, int, _Numbers]] = {}
    for name, value in _pairs(over, problems):
        numbers = _numbers(name, value, problems)
        entry = _entry(spec, name, problems)
        if entry is None or numbers is None:
            continue
        label, leaf, place = entry
        if label in entries:
            problems.append(Diagnostic("swept-twice", None, {"name": label}, "leave-one-out"))
        entries[label] = leaf, place, numbers
    if not entries and not problems:
        problems.append(Diagnostic("nothing-to-sweep"))
    usual = _USUAL_POINTS.get(len(entries), _FEW_POINTS)
    counts = [
        numbers.points or (usual if numbers.listed is None else numbers.listed.size)
        for *_, numbers in entries.values()
    ]
    if math.prod(counts) > MOST_POINTS:
        facts = {"count": f"{math.prod(counts):,}", "most": f"{MOST_POINTS:,}"}
        problems.append(Diagnostic("too-many-points", None, facts))
    if problems:
        raise BpxError(problems)
    return [
        SweptEntry(leaf, place, Axis(label, numbers.values(usual)))
        for label, (leaf, place, numbers) in entries.items()
    ]


def first_values(over: Sequence[str]) -> dict[str, float]:
    """Where the range or list of each swept input begins, which is a value for an input that has none.

    What cannot be read is left out: `swept_entries` reports it.
    """
    values: dict[str, float] = {}
    for name, value in _pairs(over, []):
        numbers = _numbers(name, value, [])
        if numbers is not None:
            values[name] = float(numbers.values(2)[0])
    return values


def _pairs(
    over: str | Sequence[str] | Mapping[str, Any], problems: list[Diagnostic]
) -> Iterator[tuple[str, Any]]:
    """Names and what is to be swept of them."""
    if isinstance(over, Mapping):
        yield from over.items()
        return
    for text in [over] if isinstance(over, str) else over:
        name, equals, numbers = text.partition("=")
        if not (equals and name.strip() and numbers.strip()):
            problems.append(Diagnostic("bad-sweep", None, {"text": text}))
        else:
            yield name.strip(), numbers


def _entry(spec: NamedGraph, name: str, problems: list[Diagnostic]) -> tuple[str, Input, int] | None:
    """The entry of that name: how it is called, its input, and its place in the flat array."""
    match, inputs = _NAME.fullmatch(name), {leaf.name: leaf for leaf in spec.inputs}
    base = match[1] if match else name
    if not match or base not in inputs:
        problems.append(not_an_input(base, inputs))
        return None
    leaf = inputs[base]
    shape = leaf.value.shape
    if match[2] is None:
        if leaf.value.size == 1:
            return base, leaf, 0
        first = index_text([0] * len(shape))
        facts = {"name": base, "shape": shape_text(shape), "first": f"{base}{first}"}
        problems.append(Diagnostic("sweep-of-array", None, facts, "sweep-entry"))
        return None
    # No axis has a length of more digits, and Python reads no number of thousands of them.
    index = [int(part) if re.fullmatch(r"\s*-?\d{1,18}\s*", part) else None for part in match[2].split(",")]
    fits = len(index) == len(shape) and all(
        at is not None and -length <= at < length for at, length in zip(index, shape, strict=True)
    )
    if not fits:
        facts = {"name": base, "index": f"[{match[2]}]", "shape": shape_text(shape)}
        problems.append(Diagnostic("no-swept-entry", None, facts))
        return None
    place = [(at or 0) % length for at, length in zip(index, shape, strict=True)]
    return f"{base}{index_text(place)}", leaf, int(np.ravel_multi_index(place, shape))


# --- numbers ---


def _numbers(name: str, value: Any, problems: list[Diagnostic]) -> _Numbers | None:
    """What was written or given; None where it is no range and no list, with a problem."""
    if isinstance(value, str):
        return _written(name, value, problems)
    if isinstance(value, tuple) and len(value) in (2, 3):
        ends = as_array(name, value[:2], problems)
        return None if ends is None else _range(name, value, *ends.tolist(), *value[2:], problems=problems)
    listed = as_array(name, value, problems)
    return None if listed is None else _Numbers(None, None, np.unique(listed))


def _written(name: str, text: str, problems: list[Diagnostic]) -> _Numbers | None:
    match = _RANGE.fullmatch(text)
    parts = match.groups() if match else text.split(",")
    try:
        if not match:
            return _numbers(name, [float(part) for part in parts], problems)
        return _range(name, text, float(match[1]), float(match[2]), *_count(match[3]), problems=problems)
    except ValueError:
        problems.append(Diagnostic("bad-sweep", None, {"text": f"{name}={text}"}))
        return None


def _count(text: str | None) -> Iterable[int]:
    return [] if text is None else [int(text)]


def _range(
    name: str, written: Any, low: float, high: float, count: int | None = None, *, problems: list[Diagnostic]
) -> _Numbers | None:
    """A range from the lower to the higher end, whichever is written first."""
    low, high = sorted((low, high))
    is_count = count is None or (isinstance(count, int) and count >= 2)
    if not (is_count and math.isfinite(high - low) and low < high):
        problems.append(Diagnostic("bad-sweep-range", None, {"text": f"{name}={written}"}))
        return None
    return _Numbers((low, high), count)
