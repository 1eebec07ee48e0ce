"""Where the values of an input come from when they are not written beside it: drawn, or out of a table.

An input remembers its recipe, so that a saved spec states the recipe again and not the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from bpx.graph.arrays import Array, Shape

if TYPE_CHECKING:
    from numpy.random import RandomState

LARGEST_SEED = 2**32 - 1


class Recipe(Protocol):
    """How to make the values of an input."""

    @property
    def shape(self) -> Shape:
        """The shape of the values."""

    def array(self) -> Array:
        """The values, the same every time."""

    def entry(self) -> dict[str, Any]:
        """The recipe as a spec states it."""


class Normal(NamedTuple):
    """Numbers of a normal distribution: mean + scale · standard normal."""

    shape: Shape
    seed: int
    mean: float = 0
    scale: float = 1

    def array(self) -> Array:
        """The numbers, of shape `shape`."""
        return _stretched(_stream(self.seed).standard_normal(self.shape), self.scale, self.mean)

    def entry(self) -> dict[str, Any]:
        """The recipe as a spec states it."""
        return {"normal": list(self.shape), **_unusual(self, mean=0, scale=1), "seed": self.seed}


class Uniform(NamedTuple):
    """Numbers spread evenly: low + (high - low) · number from 0 to 1."""

    shape: Shape
    seed: int
    low: float = 0
    high: float = 1

    def array(self) -> Array:
        """The numbers, of shape `shape`, from `low` up to but without `high`."""
        width = float(self.high) - float(self.low)
        return _stretched(_stream(self.seed).random_sample(self.shape), width, self.low)

    def entry(self) -> dict[str, Any]:
        """The recipe as a spec states it."""
        return {"uniform": list(self.shape), **_unusual(self, low=0, high=1), "seed": self.seed}


def _stream(seed: int) -> RandomState:
    """NumPy's legacy stream, which is frozen (NEP 19); those of `Generator` may change with its versions."""
    return np.random.RandomState(seed)


def _stretched(numbers: Any, factor: float, shift: float) -> Array:
    array: Array = np.asarray(numbers, dtype=np.float64)
    with np.errstate(all="ignore"):
        array *= float(factor)
        array += float(shift)
    array.setflags(write=False)
    return array


def _unusual(recipe: Any, **usual: float) -> dict[str, float]:
    """The numbers of a recipe that differ from what they are when nothing is said."""
    return {key: getattr(recipe, key) for key, value in usual.items() if getattr(recipe, key) != value}


class NumberTable(NamedTuple):
    """A table written in a spec: names of columns, rows of numbers as written, and as an array."""

    columns: tuple[str, ...]
    rows: list[list[float]]
    cells: Array

    def entry(self) -> dict[str, Any]:
        """The table as a spec states it."""
        return {"columns": list(self.columns), "rows": self.rows}


class Cells(NamedTuple):
    """Columns of a table, side by side, or one of them alone."""

    name: str
    table: NumberTable
    columns: tuple[str, ...]
    chosen: Mapping[str, Any]  # `columns` or `column` as the spec has it; nothing where all are meant

    @property
    def shape(self) -> Shape:
        """Rows × columns, or the rows alone where a single `column` is chosen."""
        rows = len(self.table.cells)
        return (rows,) if "column" in self.chosen else (rows, len(self.columns))

    def array(self) -> Array:
        """The cells: rows × columns, or one number for each row where a single `column` is chosen."""
        place = {column: index for index, column in enumerate(self.table.columns)}
        at = [place[column] for column in self.columns]
        array = np.array(self.table.cells[:, at[0] if "column" in self.chosen else at], order="C")
        array.setflags(write=False)
        return array

    def entry(self) -> dict[str, Any]:
        """The recipe as a spec states it."""
        return {"table": self.name, **self.chosen}
