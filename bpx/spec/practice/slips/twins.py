"""The twin of a slip in a value, a sum or a step: the same cell and slip, at other numbers above it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from bpx.check.report.blame import Mistake
from bpx.graph.arrays import Array
from bpx.spec.practice.cells.cells import Cell, Values, Workings
from bpx.spec.practice.cells.rounding import same
from bpx.spec.practice.slips.named_slips import Slips, rule_slips, signed_slips

_NUMBERS = (0.7, 1.6, 2.3, 0.4, 1.9), (1.3, 0.6, 2.9, 1.7, 0.8), (2.2, 3.4, 1.5, 0.9, 2.7), (0.3, 0.2, 0.6)
_CLOSE = 3  # digits: a number like that of the exercise would give it away


class CellTwin(NamedTuple):
    """What stands above the cell, by key, what should stand in it then, and what the slip makes of it."""

    above: dict[str, Array]
    right: Array
    wrong: Array


def cell_twin(workings: Workings, cell: Cell, mistake: Mistake, shown_not: Array) -> CellTwin | None:
    """The first twin in which no number is the cell's own; None where the slip has none in other numbers."""
    for values in _settings(workings, cell, mistake):
        with np.errstate(all="ignore"):
            wrong = next(
                (number for found, number in _slips(workings, cell, values) if found == mistake), None
            )
        right = workings.work_out(cell, values)
        if wrong is None or np.shape(wrong) != np.shape(right) or not np.isfinite([right, wrong]).all():
            continue
        if same(wrong, right, _CLOSE) or any(same(number, shown_not, _CLOSE) for number in (right, wrong)):
            continue
        above = {key: np.asarray(values[key]) for key in _above(workings, cell, mistake)}
        return CellTwin(above, right, np.asarray(wrong))
    return None


def _slips(workings: Workings, cell: Cell, values: Values) -> Slips:
    yield from rule_slips(workings, cell, values)
    yield from signed_slips(workings, cell, values)


def _above(workings: Workings, cell: Cell, mistake: Mistake) -> list[str]:
    """The cells whose numbers a slip is about: of a function taken apart, the parts of its argument."""
    if mistake.code == "taken-apart":
        (inner,) = workings.graph.args[cell.node]
        args = workings.graph.args[inner]
        return list(dict.fromkeys(workings.value_keys[arg] for arg in args if arg in workings.value_keys))
    return list(cell.needs)


def _settings(workings: Workings, cell: Cell, mistake: Mistake) -> Iterator[dict[str, Array]]:
    """Other numbers above the cell; at other inputs for a step with parameters that were updated already."""
    own = workings.values()
    above = list(workings.leaves) if mistake.code == "updated" else _above(workings, cell, mistake)
    for numbers in _NUMBERS:
        other = {key: np.resize(np.roll(numbers, -at), np.shape(own[key])) for at, key in enumerate(above)}
        if mistake.code == "updated":
            yield workings.values(leaves=other)
            continue
        values = {**own, **other}
        for key in cell.needs:
            if key not in other:
                values[key] = workings.work_out(workings.cells[key], values)
        yield values
