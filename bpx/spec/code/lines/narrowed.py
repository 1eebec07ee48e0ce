"""The very statement that is wrong, where a line that was found only hands a value on or adds to it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from bpx.spec.code.lines.backward_values import close
from bpx.spec.code.lines.line_blame import Culprit
from bpx.spec.code.lines.recorder import RETURN, Setting

MOST_ADDED = 5  # contributions to one adjoint, of which all sums are compared


def narrowed(settings: Sequence[Setting], culprit: Culprit, contributions: Sequence[Any]) -> Culprit:
    """The culprit at the very statement: of several that add up the one that adds something wrong.

    `contributions` are what the consumers of its node contribute to the adjoint.
    """
    setting = _end_of_sum(settings, culprit.setting)
    sums = _sums(contributions)
    steps = [
        (step, any(close(increment, culprit.factor * part) for part in sums))
        for step, increment in _increments(settings, setting)
    ]
    # Where none of them is a contribution, it is not a sum of contributions.
    if any(fits for _, fits in steps):
        wrong = [step for step, fits in steps if not fits]
        setting = next(iter(wrong), None) or _overwriting(settings, setting) or setting
    return culprit._replace(setting=_made_by(settings, _unchanged(settings, setting)))


def _sums(contributions: Sequence[Any]) -> list[Any]:
    """The contributions, and what some of them are together: a statement may add several."""
    few = [np.asarray(part) for part in contributions[:MOST_ADDED]]
    numbers = range(1, len(few) + 1)
    return [sum(some) for number in numbers for some in combinations(few, number)]


def _end_of_sum(settings: Sequence[Setting], setting: Setting) -> Setting:
    """The last of the statements that add to what one has set: if a term is missing, it is missing there."""
    for other in _after(settings, setting):
        if other.statement is None or not other.statement.adds or other.time != setting.time:
            break
        setting = other
    return setting


def _after(settings: Sequence[Setting], setting: Setting) -> list[Setting]:
    same = _same_target(settings, setting)
    return same[same.index(setting) + 1 :]


def _same_target(settings: Sequence[Setting], setting: Setting) -> list[Setting]:
    key = setting.key
    return [one for one in settings if (one.key.filename, one.key.target) == (key.filename, key.target)]


def _overwriting(settings: Sequence[Setting], last: Setting) -> Setting | None:
    """The statement that has dropped what the target was before it, on the way to its last value."""
    same = _same_target(settings, last)
    upto = same[: same.index(last) + 1]
    for before, setting in zip(upto[-2::-1], upto[:0:-1], strict=True):
        assigns = setting.statement is not None and not setting.statement.adds
        if assigns and np.shape(before.value) == np.shape(setting.value) and np.any(before.value):
            return setting
        if assigns:
            return None
    return None


def _unchanged(settings: Sequence[Setting], setting: Setting) -> Setting:
    """The last statement in a row that sets a target to what it is already: it does not do what it should."""
    for other in _after(settings, setting):
        if other.statement is None or not other.statement.augmented or not close(other.value, setting.value):
            break
        setting = other
    return setting


def _increments(settings: Sequence[Setting], last: Setting) -> list[tuple[Setting, Any]]:
    """The statements that a value was added up by, and what each of them has added."""
    upto = settings.index(last) + 1
    same = _same_target(settings[:upto], last)
    steps: list[tuple[Setting, Any]] = []
    for before, setting in zip([None, *same[:-1]], same, strict=True):
        adds = setting.statement is not None and setting.statement.adds
        if not adds or before is None or np.shape(before.value) != np.shape(setting.value):
            steps = [(setting, setting.value)]
        else:
            steps.append((setting, setting.value - before.value))
    return [(setting, step) for setting, step in steps if np.any(step)] if len(steps) > 1 else []


def _made_by(settings: Sequence[Setting], setting: Setting) -> Setting:
    """Where a value was made that a line has only handed on: an argument, or what a function returned."""
    earlier = settings[: settings.index(setting)]
    if setting.argument:
        for other in reversed(earlier):
            if other.object is setting.object and not other.argument:
                return _made_by(settings, other)
        return setting
    statement = setting.statement
    for other in reversed(earlier) if statement is not None and statement.is_call else ():
        # What a function returned, alone or in a tuple.
        if other.object is setting.object and not other.argument and other.key.target != setting.key.target:
            return _made_by(settings, other)
    if statement is not None and statement.adds and statement.value.isidentifier():
        for other in reversed(earlier):
            if (other.key.filename, other.key.target) == (setting.key.filename, statement.value):
                return _made_by(settings, other)
    return _returned_by(settings, setting)


def _returned_by(settings: Sequence[Setting], setting: Setting) -> Setting:
    """A return statement; of a bare name, the last line that set the name."""
    if setting.key.target != RETURN or setting.statement is None:
        return setting
    for other in reversed(settings[: settings.index(setting)]):
        same = other.key.target == setting.statement.value and other.key.filename == setting.key.filename
        if same and not other.argument:
            return other
    return setting
