"""Blocks: what the table, plain and markdown renderers share.

A block is a headline, a heading, a table, a list of lines or a curve. What is said is decided when blocks are
made, how it looks by each renderer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.numbers import DIGITS, LARGEST_SHOWN, array, number, shape_text
from bpx.render.plain_data import summary
from bpx.words.say import say

MOST_ROWS = 400  # rows of a table shown to people; of more, the first and the last


class Headline(NamedTuple):
    """The answer, first of all."""

    text: str


class Heading(NamedTuple):
    """The title of a section."""

    text: str


class Table(NamedTuple):
    """Rows of texts; the columns `right` line up on the right, the rows `strong` are sums."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[int] = frozenset()
    strong: frozenset[int] = frozenset()


class Lines(NamedTuple):
    """Sentences, one a line."""

    texts: tuple[str, ...]


class Curve(NamedTuple):
    """Finite values, two or more, one after the other, counted from `start`."""

    values: tuple[float, ...]
    start: int = 0


Block = Headline | Heading | Table | Lines | Curve


def text_of(value: Array | float, most: int = LARGEST_SHOWN) -> str:
    """A value as shown: small arrays in full, larger ones by shape, range, mean and norm."""
    value = np.asarray(value)
    short = summary(value)
    if short is None or value.size <= most:
        return array(value, DIGITS)
    low, mean, high, norm = (number(short[key], DIGITS) for key in ("min", "mean", "max", "norm"))
    return f"({shape_text(value.shape)}) {low} … {high}, mean {mean}, norm {norm}"


def table(
    keys: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Iterable[int] = (),
    strong: Iterable[int] = (),
) -> Table:
    """A table with its headers by key; of very many rows only the first and the last."""
    headers = tuple(say(f"account.{key}") for key in keys)
    if len(rows) <= MOST_ROWS:
        return Table(headers, tuple(map(tuple, rows)), frozenset(right), frozenset(strong))
    half = MOST_ROWS // 2
    left_out = say("account.left-out", count=f"{len(rows) - 2 * half:,}")
    gap = (left_out, *[""] * (len(keys) - 1))
    kept = (*map(tuple, rows[:half]), gap, *map(tuple, rows[-half:]))
    shift = len(rows) - half
    moved = {row if row < half else row - shift + half + 1 for row in strong if row < half or row >= shift}
    return Table(headers, kept, frozenset(right), frozenset(moved))
