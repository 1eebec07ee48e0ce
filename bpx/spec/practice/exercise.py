"""An exercise: a graph, which of its cells are asked for, and what stands in the others."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.numbers import SHOWN_DIGITS
from bpx.spec.practice.cells.cells import Cell, Kind, Values, Workings
from bpx.spec.practice.cells.rounding import ANSWER_DIGITS, same, shown_number
from bpx.spec.practice.slips.named_slips import rule_slips
from bpx.words.diagnostic import BpxError, Diagnostic

MOST_DIGITS = 12  # that an answer must have right
MOST_ASKED_ELEMENTS = 12  # numbers of an array that somebody works out by hand
EVERY = "all"
_TRIES = 140  # slips tried before it is said that there is no room


@dataclass(frozen=True, eq=False)
class Exercise:
    """Cells to fill in, or, where `wrong` cells are shown, mistakes to find and to correct.

    `asked` are keys of cells, in the order in which they are worked out. `shown` are the numbers of a
    sheet with mistakes: those that are wrong by themselves, and all that follows from them.
    """

    workings: Workings
    asked: tuple[str, ...]
    shown: Mapping[str, Array] = field(default_factory=dict)
    digits: int = ANSWER_DIGITS
    topic: str = ""
    seed: int = 0
    ends_alone: bool = False  # gradients are asked for, and nothing of the way to them is shown

    @property
    def title(self) -> str | None:
        """That of the graph."""
        return self.workings.spec.title

    @property
    def finds_mistakes(self) -> bool:
        """Are there mistakes to find, and no cells to fill in?"""
        return bool(self.shown)

    @cached_property
    def right(self) -> dict[str, Array]:
        """All cells as they should be."""
        return self.workings.values()

    @cached_property
    def hidden(self) -> frozenset[str]:
        """The cells whose numbers would give an asked one away: all that follows from it."""
        if self.finds_mistakes:
            return frozenset()
        if self.ends_alone:
            cells = self.workings.cells.values()
            return frozenset(cell.key for cell in cells if cell.needs and cell.kind is not Kind.VALUE) - {
                *self.asked
            }
        return frozenset(after for key in self.asked for after in self.workings.following(key)) - {
            *self.asked
        }

    @cached_property
    def planted(self) -> tuple[str, ...]:
        """The cells whose numbers do not follow from those above them."""
        cells = self.workings.cells
        return tuple(
            key
            for key, number in self.shown.items()
            if not same(number, self.workings.work_out(cells[key], {**self.right, **self.shown}), self.digits)
        )

    def shown_value(self, key: str) -> Array | None:
        """What stands in a cell; None where it is left blank."""
        if (key in self.asked and not self.finds_mistakes) or key in self.hidden:
            return None
        return np.asarray(self.shown.get(key, self.right[key]))

    def key(self) -> dict[str, Array]:
        """The answers."""
        if not self.finds_mistakes:
            return {key: self.right[key] for key in self.asked}
        return {key: self.right[key] for key in self.planted}


def fill_in(
    spec: NamedGraph, seed: int, blanks: int | str = 1, rate: float | None = None, **named: object
) -> Exercise:
    """An exercise in which some cells that follow from each other are blank, or all that can be.

    Raises `BpxError` where there is nothing to work out.
    """
    workings = Workings(spec, rate)
    askable = [cell.key for cell in workings.cells.values() if is_askable(workings, cell)]
    if not askable:
        raise BpxError([Diagnostic("nothing-to-practise", None, {})])
    asked = tuple(askable if blanks == EVERY else _chosen(workings, askable, seed, int(blanks)))
    return Exercise(workings, asked, seed=seed, **named)  # type: ignore[arg-type]


def ask_for_gradients(spec: NamedGraph, seed: int, rate: float | None = None, **named: object) -> Exercise:
    """An exercise that asks for the gradients of the inputs, and shows the forward pass alone.

    Raises `BpxError` where there is nothing to work out.
    """
    workings = Workings(spec, rate)
    leaves = [workings.gradient_keys.get(leaf.node) for leaf in workings.spec.inputs]
    asked = [key for key in leaves if key and is_askable(workings, workings.cells[key])]
    if not asked:
        raise BpxError([Diagnostic("nothing-to-practise", None, {})])
    in_order = tuple(key for key in workings.cells if key in asked)
    return Exercise(workings, in_order, seed=seed, ends_alone=True, **named)  # type: ignore[arg-type]


def is_askable(workings: Workings, cell: Cell) -> bool:
    """Is it worked out, and small enough to be worked out by hand?"""
    return not workings.is_given(cell) and math.prod(workings.shape_of(cell)) <= MOST_ASKED_ELEMENTS


def _chosen(workings: Workings, askable: Sequence[str], seed: int, count: int) -> list[str]:
    """A cell, and the next ones that follow from it: nothing shown gives an asked one away."""
    rng = np.random.default_rng(seed)
    values = workings.values()
    runs = [[key, *(after for after in workings.following(key) if after in askable)] for key in askable]
    telling = [run for run in runs if _is_telling(workings, workings.cells[run[0]], values)] or runs
    longest = max(map(len, telling))
    long_enough = [run for run in telling if len(run) >= min(count, longest)]
    run = long_enough[int(rng.integers(len(long_enough)))][:count]
    more = [key for key in reversed(askable) if key not in run][: count - len(run)]
    return [key for key in askable if key in {*run, *more}]


def _is_telling(workings: Workings, cell: Cell, values: Values) -> bool:
    """Can it be got wrong? Not a derivative that is 1, nor a copy of what is above."""
    value = values[cell.key]
    if cell.kind is Kind.VALUE or not np.isfinite(value).all():
        return False
    if np.isin(value, (0.0, 1.0)).all():
        return False
    return not any(same(value, values[key], SHOWN_DIGITS) for key in cell.needs)


def find_mistakes(
    spec: NamedGraph, seed: int, count: int, rate: float | None = None, **named: object
) -> Exercise:
    """An exercise in which `count` cells are wrong by a slip, and all others follow from those above them.

    None is invisible: its number and a gradient, or a parameter's new value, change by more than is shown.
    Raises `BpxError` where so many find no room.
    """
    workings = Workings(spec, rate)
    rng = np.random.default_rng([seed, count])
    for _ in range(_TRIES // count):
        planted = _planted(workings, rng, count)
        if planted is None:
            continue
        exercise = Exercise(workings, (), planted, seed=seed, **named)  # type: ignore[arg-type]
        if _is_plain(exercise, count):
            asked = tuple(cell.key for cell in workings.cells.values() if not workings.is_given(cell))
            return Exercise(workings, asked, planted, seed=seed, **named)  # type: ignore[arg-type]
    raise BpxError([Diagnostic("no-room-for-plants", None, {"count": count})])


def _planted(workings: Workings, rng: np.random.Generator, count: int) -> dict[str, Array] | None:
    """All cells that are worked out, with `count` slips; None where a slip does not show."""
    values = workings.values()
    places = [cell for cell in workings.cells.values() if _is_telling(workings, cell, values)]
    if len(places) < count:
        return None
    chosen = [places[at] for at in sorted(rng.choice(len(places), count, replace=False))]
    wrong: dict[str, Array] = {}
    for cell in chosen:
        before = workings.values(wrong)
        with np.errstate(all="ignore"):
            slips = [number for _, number in _visible(workings, cell, before)]
        if not slips:
            return None
        wrong[cell.key] = slips[int(rng.integers(len(slips)))]
    numbers = workings.values(wrong)
    shown = {
        cell.key: shown_number(numbers[cell.key])
        for cell in workings.cells.values()
        if not workings.is_given(cell)
    }
    return shown if all(np.isfinite(number).all() for number in shown.values()) else None


def _visible(workings: Workings, cell: Cell, values: Values) -> Iterator[tuple[object, Array]]:
    right = workings.work_out(cell, values)
    for mistake, number in rule_slips(workings, cell, values):
        if np.shape(number) == np.shape(right) and np.isfinite(number).all() and not same(number, right, 2):
            yield mistake, np.asarray(number, dtype=np.float64)


def _is_plain(exercise: Exercise, count: int) -> bool:
    """Are just so many cells wrong by themselves, and does each change something at the end?"""
    workings, planted = exercise.workings, exercise.planted
    if len(planted) != count:
        return False
    ends = [key for key in workings.cells if not workings.children[key]]
    numbers = workings.values({key: exercise.shown[key] for key in planted})
    for key in planted:
        others = workings.values({other: exercise.shown[other] for other in planted if other != key})
        if all(same(numbers[end], others[end], SHOWN_DIGITS - 1) for end in ends):
            return False
    return True
