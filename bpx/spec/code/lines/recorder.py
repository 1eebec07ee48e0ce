"""What the lines of a backward function set, line by line, while it runs unmodified.

`sys.settrace` calls back before every line, with the variables of the function: what the line before has set
is read then, and may be replaced by something else, as a debugger does it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from bpx.spec.code.lines.statements import Statement, base_of, evaluate, statement_at
from bpx.spec.trace.user_source import is_users_code


class Key(NamedTuple):
    """A thing that a line of a file sets."""

    filename: str
    line: int
    target: str


@dataclass(frozen=True, eq=False)
class Setting:
    """One time that a line set something: its value then, and the number of the time, from 0."""

    key: Key
    time: int
    statement: Statement | None
    value: Any
    object: Any  # the very array, which a function may have returned
    reads: dict[str, Any]
    argument: bool = False  # handed to a function, whose caller's statement it is


RETURN = "return"
MOST_SETTINGS = 20_000

Replace = Callable[[Key, int, Any], Any]


@dataclass
class Recorder:
    """The settings of one run. `replace` may give another value for one of them."""

    replace: Replace | None = None
    settings: list[Setting] = field(default_factory=list)
    locals: dict[str, Any] = field(default_factory=dict)  # of the outermost function, when it returns
    _times: dict[Key, int] = field(default_factory=dict)
    # Frame → the statement that runs in it, and its first instruction.
    _pending: dict[int, tuple[Statement, int]] = field(default_factory=dict)
    _outermost: FrameType | None = None

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record what functions of the user's do that are called inside."""
        before = sys.gettrace()
        sys.settrace(self._entered)
        try:
            yield
        finally:
            sys.settrace(before)

    def _entered(self, frame: FrameType, event: str, argument: Any) -> Any:
        if not is_users_code(frame.f_code, frame.f_globals):
            return None
        if self._outermost is None:
            self._outermost = frame
            return self._went_on
        caller = frame.f_back
        statement = None if caller is None else statement_at(caller.f_code, caller.f_lineno)
        for name in frame.f_code.co_varnames[: frame.f_code.co_argcount]:
            if name != "self":
                self._set(
                    frame,
                    Key(frame.f_code.co_filename, frame.f_code.co_firstlineno, name),
                    statement,
                    argument=True,
                )
        return self._went_on

    def _went_on(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event in ("line", "return"):
            statement = statement_at(frame.f_code, frame.f_lineno)
            done, start = self._pending.get(id(frame), (None, -1))
            # A statement of several lines goes on as long as its instructions come one behind the other.
            goes_on = done is not None and done is statement and frame.f_lasti > start and event == "line"
            if done is not None and not goes_on:
                del self._pending[id(frame)]
                self._finish(frame, done)
            if event == "line" and statement is not None and not goes_on:
                self._pending[id(frame)] = (statement, frame.f_lasti)
            if event == "return":
                self._returned(frame, statement, argument)
        return self._went_on

    def _finish(self, frame: FrameType, statement: Statement) -> None:
        for target in statement.targets:
            name = target if not isinstance(evaluate(base_of(target), frame), np.ndarray) else base_of(target)
            in_place = statement.augmented or name != target
            self._set(frame, Key(frame.f_code.co_filename, statement.line, name), statement, in_place)

    def _returned(self, frame: FrameType, statement: Statement | None, value: Any) -> None:
        if statement is not None and value is not None:
            key = Key(frame.f_code.co_filename, statement.line, RETURN)
            self._note(key, statement, value, frame)
        if frame is self._outermost:
            self.locals = {name: np.array(item) for name, item in frame.f_locals.items() if _is_numbers(item)}

    def _set(
        self,
        frame: FrameType,
        key: Key,
        statement: Statement | None,
        in_place: bool = False,
        argument: bool = False,
    ) -> None:
        value = evaluate(key.target, frame)
        if not _is_numbers(value):
            return
        time = self._times.get(key, 0)
        if self.replace is not None:
            other = self.replace(key, time, value)
            if other is not None:
                _put(frame, key.target, value, other, in_place)
                value = other
        self._note(key, statement, value, frame, argument)

    def _note(
        self, key: Key, statement: Statement | None, value: Any, frame: FrameType, argument: bool = False
    ) -> None:
        time = self._times.get(key, 0)
        self._times[key] = time + 1
        if self.replace is None and len(self.settings) < MOST_SETTINGS:
            reads = {} if statement is None else _read(statement, frame)
            kept = np.array(value) if _is_numbers(value) else value
            self.settings.append(Setting(key, time, statement, kept, value, reads, argument))


def _is_numbers(value: Any) -> bool:
    return isinstance(value, np.ndarray | np.floating | float) and np.asarray(value).dtype.kind == "f"


def _read(statement: Statement, frame: FrameType) -> dict[str, Any]:
    """The arrays of floats that a statement has read, as they are behind it."""
    values = ((name, evaluate(name, frame)) for name in statement.reads)
    return {name: np.array(value) for name, value in values if _is_numbers(value)}


def _put(frame: FrameType, target: str, value: Any, other: Any, in_place: bool) -> None:
    """Set a variable, an attribute or an item of a running function, as the line before has set it."""
    other = np.asarray(other, dtype=float).reshape(np.shape(value))
    if in_place and isinstance(value, np.ndarray):
        value[...] = other
    elif target.isidentifier():
        # What a trace function writes into the variables of a frame holds from the next line on.
        frame.f_locals[target] = other[()]
        if target not in frame.f_code.co_varnames:
            frame.f_globals[target] = other[()]
    else:
        exec(f"{target} = _", frame.f_globals, {**frame.f_locals, "_": other[()]})  # the user's own target
