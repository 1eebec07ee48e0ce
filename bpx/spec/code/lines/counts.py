"""Lines that set counts, lengths, indices and other numbers that are no gradients, and stay such."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bpx.spec.code.lines.recorder import Key, Recorder
from bpx.spec.code.lines.statements import Scope, Statement, evaluate

LineKey = tuple[str, int]  # the file, and the number of the line
Values = Mapping[str, list[Any]]  # what a line sets, by target, each time
_WHOLE, _NUMBER = "whole", "number"


def line_of(statement: Statement) -> LineKey:
    """The line of a statement."""
    return statement.span.source.name, statement.line


@dataclass
class SetByLine(Recorder):
    """A recorder that keeps all that lines set, whole numbers too."""

    by_line: dict[LineKey, dict[str, list[Any]]] = field(default_factory=dict)

    def _set(
        self,
        scope: Scope,
        key: Key,
        statement: Statement | None,
        in_place: bool = False,
        argument: bool = False,
        entries: Any = None,
    ) -> None:
        if statement is not None and not argument:
            line = self.by_line.setdefault(line_of(statement), {})
            line.setdefault(key.target, []).append(evaluate(key.target, scope))
        super()._set(scope, key, statement, in_place, argument, entries)


class Counts:
    """The lines whose values are no gradients: whole numbers, and numbers that no upstream gradient changes.

    `run(recorder, moved)` runs backward; `moved` with another upstream gradient.
    """

    def __init__(self, run: Callable[[Recorder, bool], Any]) -> None:
        self._run = run
        here, there = self._values(False), self._values(True)
        self._of = {line: values for line, values in here.items() if _are_counts(values, there.get(line))}

    def __contains__(self, line: object) -> bool:
        return line in self._of

    def name(self, line: LineKey) -> str | None:
        """The variable that a line sets, where it sets one number once."""
        items = list(self._of.get(line, {}).items())
        if len(items) != 1 or len(items[0][1]) != 1 or _kind(items[0][1][0]) not in (_WHOLE, _NUMBER):
            return None
        return items[0][0]

    def keeps(self, line: LineKey) -> bool:
        """Whether a line, as it runs now, sets values of the same kinds as before."""
        if line not in self._of:
            return True
        now, before = self._values(False).get(line, {}), self._of[line]
        return now.keys() == before.keys() and all(
            _stays(one, other) for name in now for one, other in zip(before[name], now[name], strict=False)
        )

    def _values(self, moved: bool) -> Mapping[LineKey, Values]:
        recorder = SetByLine()
        try:
            with np.errstate(all="ignore"):
                self._run(recorder, moved)
        except Exception:  # other values may be of no use to the user's code
            return {}
        return recorder.by_line


def _kind(value: Any) -> Any:
    if isinstance(value, bool | np.bool_):
        return None
    if isinstance(value, int | np.integer):
        return _WHOLE
    if isinstance(value, float | np.floating):
        return _NUMBER
    if isinstance(value, np.ndarray) and value.dtype.kind in "iu":
        return (_WHOLE, *value.shape)
    if isinstance(value, tuple) and value and all(_kind(item) == _WHOLE for item in value):
        return (tuple, len(value))
    return None


def _stays(before: Any, after: Any) -> bool:
    kinds = (_kind(before), _kind(after))
    return kinds[0] == kinds[1] or kinds == (_NUMBER, _WHOLE)


def _are_counts(values: Values, others: Values | None) -> bool:
    return all(
        _kind(value) is not None and (_kind(value) != _NUMBER or _is_fixed(name, time, value, others))
        for name, times in values.items()
        for time, value in enumerate(times)
    )


def _is_fixed(name: str, time: int, value: Any, others: Values | None) -> bool:
    same = (others or {}).get(name, [])
    return time < len(same) and np.shape(same[time]) == () and bool(same[time] == value)


def stands_for(name: str, before: str, after: str) -> bool:
    """Whether two statements differ in what stands in the place of a name, and in nothing else."""
    for place in re.finditer(rf"(?<![\w.]){re.escape(name)}\b", before):
        start, end = before[: place.start()], before[place.end() :]
        if len(after) > len(start) + len(end) and after.startswith(start) and after.endswith(end):
            return True
    return False


def arrays_at_hand(scope: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays, each by its shortest name."""
    names: dict[int, str] = {}
    for name, value in scope.items():
        if is_array(value) and len(name) < len(names.get(id(value), f"{name} ")):
            names[id(value)] = name
    return {name: scope[name] for name in names.values()}


def is_array(value: Any) -> bool:
    """Whether it is an array of floats or of truth values."""
    return isinstance(value, np.ndarray) and value.dtype.kind in "fb"


def lengths_at_hand(scope: Mapping[str, Any], arrays: Mapping[str, Any], text: str) -> list[str]:
    """What lengths are called, where one name alone can be meant.

    Of two axes that are as long as each other nobody can tell which one counts.
    """
    integers = [(name, value) for name, value in scope.items() if type(value) is int and value > 1]
    numbers = [value for _, value in integers]
    names = [name for name, value in integers if numbers.count(value) == 1]
    axes = {n: set[int]() for array in arrays.values() for n in array.shape if n > 1}
    for array in arrays.values():
        for axis, n in enumerate(array.shape):
            if n > 1:
                axes[n].add(axis)
    for n, where in axes.items():
        if n not in numbers and where == {0}:
            same = [name for name, array in arrays.items() if array.ndim and len(array) == n]
            names.append(f"len({next((name for name in same if _stands_in(name, text)), same[0])})")
    return names


def _stands_in(name: str, text: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", text) is not None
