"""What the lines of a backward function set, line by line, while it runs unmodified.

`sys.settrace` calls back before every line, with the variables of the function: what the line before has set
is read then, and may be replaced by something else, as a debugger does it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from inspect import CO_GENERATOR
from types import CodeType, FrameType
from typing import Any, NamedTuple, Protocol

import numpy as np

from bpx.spec.code.lines.statements import Scope, Statement, base_of, entries_of, evaluate, statement_at
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
    reads: Mapping[str, Any]
    argument: bool = False  # handed to a function, whose caller's statement it is
    entries: Any = None  # those that are set, of an array that was there before

    @property
    def is_handed_over(self) -> bool:
        """Whether another line has made the value: it is an argument, or what a function returned."""
        return self.argument or (self.statement is not None and self.statement.is_call)


class Replacement(Protocol):
    """Other values for what one line sets."""

    @property
    def key(self) -> Key:
        """The line, and what it sets."""

    def replace(self, time: int, value: Any) -> Any:
        """The value in place of the one that was set, or None."""


RETURN = "return"
_MAKE_ROOM = (np.empty, np.empty_like, np.ndarray)
MOST_SETTINGS = 20_000
# Part of a statement, with frames of their own up to Python 3.11 alone.
_COMPREHENSIONS = ("<listcomp>", "<dictcomp>", "<setcomp>")


@dataclass
class Recorder:
    """The settings of one run; or, with a replacement, a run in which one line sets something else.

    Nothing is recorded then, and only the functions that the line stands in are watched.
    """

    replacement: Replacement | None = None
    settings: list[Setting] = field(default_factory=list)
    locals: dict[str, Any] = field(default_factory=dict)  # of the outermost function, when it returns
    _times: dict[Key, int] = field(default_factory=dict)
    # Frame → the statement that runs in it, its first instruction, and the arrays that it will change.
    _pending: dict[int, tuple[Statement, int, dict[str, Any]]] = field(default_factory=dict)
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
        code = frame.f_code
        if not is_users_code(code, frame.f_globals) or code.co_flags & CO_GENERATOR:
            return None
        if code.co_name in _COMPREHENSIONS:
            return None
        if self._outermost is None:
            self._outermost = frame
            # Its return is needed in any case: gradients may stand in its variables.
            frame.f_trace_lines = self._is_watched(code)
            return self._went_on
        if not self._is_watched(code):
            return None
        caller = frame.f_back
        statement = None if caller is None else statement_at(caller.f_code, caller.f_lineno)
        scope = Scope.of(frame)
        for name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
            if name != "self":
                key = Key(code.co_filename, code.co_firstlineno, name)
                self._set(scope, key, statement, argument=True)
        return self._went_on

    def _is_watched(self, code: CodeType) -> bool:
        if self.replacement is None:
            return True
        key = self.replacement.key
        if _makes_room(code):
            return True
        return key.filename == code.co_filename and code.co_firstlineno <= key.line <= _last_line(code)

    def _went_on(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event not in ("line", "return"):
            return self._went_on
        statement = statement_at(frame.f_code, frame.f_lineno)
        done, start, before = self._pending.get(id(frame), (None, -1, {}))
        # A statement of several lines goes on as long as its instructions come one behind the other.
        goes_on = done is not None and done is statement and frame.f_lasti > start and event == "line"
        # What is written into the variables of a frame is lost when they are asked for once more.
        scope = Scope.of(frame)
        if done is not None and not goes_on:
            del self._pending[id(frame)]
            self._finish(scope, frame.f_code.co_filename, done, before)
        if event == "line" and statement is not None and not goes_on:
            self._pending[id(frame)] = (statement, frame.f_lasti, self._changing(statement, scope))
        if event == "return":
            self._returned(frame, scope, statement, argument)
        return self._went_on

    def _changing(self, statement: Statement, scope: Scope) -> dict[str, Any]:
        """The arrays of which the statement sets a part, as they are before it."""
        if self.replacement is not None:
            return {}
        arrays = {base: evaluate(base, scope) for base in map(base_of, statement.targets)}
        return {base: np.array(array) for base, array in arrays.items() if isinstance(array, np.ndarray)}

    def _finish(self, scope: Scope, filename: str, statement: Statement, before: Mapping[str, Any]) -> None:
        for target, function in statement.makes_room:
            if any(evaluate(function, scope) is one for one in _MAKE_ROOM):
                _clear(evaluate(target, scope))
        for target in statement.targets:
            base = base_of(target)
            name = base if isinstance(evaluate(base, scope), np.ndarray) else target
            in_place = statement.augmented or name != target
            entries = None
            if in_place and self.replacement is None:
                entries = _changed(target, before.get(base), evaluate(base, scope), scope)
            key = Key(filename, statement.line, name)
            self._set(scope, key, statement, in_place, entries=entries)

    def _returned(self, frame: FrameType, scope: Scope, statement: Statement | None, value: Any) -> None:
        if statement is not None and value is not None:
            self._note(Key(frame.f_code.co_filename, statement.line, RETURN), statement, value, scope)
        if frame is self._outermost:
            self.locals = {name: np.array(item) for name, item in scope.local.items() if _is_numbers(item)}

    def _set(
        self,
        scope: Scope,
        key: Key,
        statement: Statement | None,
        in_place: bool = False,
        argument: bool = False,
        entries: Any = None,
    ) -> None:
        value = evaluate(key.target, scope)
        if not _is_numbers(value):
            return
        if self.replacement is not None and self.replacement.key == key:
            other = self.replacement.replace(self._times.get(key, 0), value)
            if other is not None:
                _put(scope, key.target, value, other, in_place)
        self._note(key, statement, value, scope, argument, entries)

    def _note(
        self,
        key: Key,
        statement: Statement | None,
        value: Any,
        scope: Scope,
        argument: bool = False,
        entries: Any = None,
    ) -> None:
        time = self._times.get(key, 0)
        self._times[key] = time + 1
        if self.replacement is None and len(self.settings) < MOST_SETTINGS:
            reads = {} if statement is None or argument else _read(statement, scope)
            kept = np.array(value) if _is_numbers(value) else value
            self.settings.append(Setting(key, time, statement, kept, value, reads, argument, entries))


def _changed(target: str, before: Any, after: Any, scope: Scope) -> Any:
    """Which entries of an array a statement has set; None where it has set another array."""
    entries = entries_of(target, after, scope)
    if entries is not None or before is None or np.shape(before) != np.shape(after):
        return entries
    return np.not_equal(before, after)


@cache
def _last_line(code: CodeType) -> int:
    return max((line for _, _, line in code.co_lines() if line is not None), default=code.co_firstlineno)


@cache
def _makes_room(code: CodeType) -> bool:
    """Whether a line of a function may set an array to whatever numbers stood in memory."""
    lines = {line for _, _, line in code.co_lines() if line is not None}
    statements = (statement_at(code, line) for line in lines)
    return any(statement is not None and statement.makes_room for statement in statements)


def _clear(value: Any) -> None:
    """Zeros for numbers that nobody has set, which would be others in each run."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "fc":
        value[...] = 0
    elif isinstance(value, list | tuple | dict):
        for item in value.values() if isinstance(value, dict) else value:
            _clear(item)


def _is_numbers(value: Any) -> bool:
    return isinstance(value, np.ndarray | np.floating | float) and np.asarray(value).dtype.kind == "f"


def _read(statement: Statement, scope: Scope) -> dict[str, Any]:
    """The arrays of floats that a statement has read, as they are behind it."""
    values = ((name, evaluate(name, scope)) for name in statement.reads)
    return {name: np.array(value) for name, value in values if _is_numbers(value)}


def _put(scope: Scope, target: str, value: Any, other: Any, in_place: bool) -> None:
    """Set a variable, an attribute or an item of a running function, as the line before has set it."""
    other = np.asarray(other, dtype=float).reshape(np.shape(value))
    if in_place and isinstance(value, np.ndarray):
        value[...] = other
    elif target.isidentifier():
        # What a trace function writes into the variables of a frame holds from the next line on.
        if target in scope.local_names:
            scope.local[target] = other[()]
        else:
            scope.globals[target] = other[()]
    else:
        exec(f"{target} = _", scope.globals, {**scope.local, "_": other[()]})  # the user's own target
