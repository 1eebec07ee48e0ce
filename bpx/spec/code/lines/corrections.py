"""What a line should say: its statement with one change, tried in the very function that it stands in.

A correction is right by proof: with it in the function's code all gradients come out right, at several
points.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from heapq import merge
from itertools import islice
from types import CellType, CodeType, FrameType, FunctionType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from bpx.spec.code.lines.counts import Counts, line_of
from bpx.spec.code.lines.edits import edits
from bpx.spec.code.lines.recorder import Recorder
from bpx.spec.code.lines.statements import Statement, statement_at
from bpx.spec.trace.user_source import source_of
from bpx.words.diagnostic import Source, Span

MOST_TRIED = 1_000  # changed statements in one search
MOST_TRIED_OF_ONE = 400
MOST_REACHED = 20_000  # objects, in the search for a function
MOST_ITEMS = 1_000  # of a list that is searched


class Place(NamedTuple):
    """A statement, the code that it stands in, and the values at hand there when it first ran.

    `around` are the variables of its module and of those who called it: functions are looked for there.
    """

    statement: Statement
    code: CodeType
    scope: dict[str, Any]
    around: Sequence[Mapping[str, Any]]

    @property
    def lengths(self) -> tuple[str, ...]:
        """The names of whole numbers."""
        return tuple(name for name, value in self.scope.items() if type(value) is int)


@dataclass
class Places(Recorder):
    """A recorder that keeps where statements ran, heads of loops included."""

    seen: dict[tuple[str, int], Place] = field(default_factory=dict)

    def _went_on(self, frame: FrameType, event: str, argument: Any) -> Any:
        key = (frame.f_code.co_filename, frame.f_lineno)
        if event == "line" and key not in self.seen:
            statement = statement_at(*_at(frame)) or _head(*_at(frame))
            if statement is not None:
                self.seen[key] = Place(statement, frame.f_code, _values_at_hand(frame), _around(frame))
        return super()._went_on(frame, event, argument)


def _at(frame: FrameType) -> tuple[CodeType, int]:
    return frame.f_code, frame.f_lineno


class Suspect(NamedTuple):
    """A statement that may be wrong, and how little it is suspected: 0 is the most."""

    place: Place
    trust: int = 0


class Correction(NamedTuple):
    """What a statement should say."""

    place: Place
    text: str


class Corrections:
    """The search for statements that say what is right: `mends` runs backward, and says whether it does.

    `counts` are the lines that set no gradients: what they set stays a number, or whole.
    """

    def __init__(self, mends: Callable[[], bool], counts: Counts) -> None:
        self._mends, self._counts = mends, counts
        self._functions: dict[int, FunctionType | None] = {}  # by the identity of their code
        self.tried = 0

    @property
    def gave_up(self) -> bool:
        """Whether not all changes were tried."""
        return self.tried >= MOST_TRIED

    def of(self, place: Place) -> str | None:
        """The statement as it should be, if one change makes it right."""
        return next((correction.text for correction in self.smallest([Suspect(place)])), None)

    def smallest(self, suspects: Sequence[Suspect]) -> list[Correction]:
        """The smallest change of one statement that mends all; of changes as small, one of each statement.

        A change of a statement that is less suspected counts as larger.
        """
        streams = [self._edits(suspect, number) for number, suspect in enumerate(suspects)]
        size: int | None = None
        corrections: dict[int, Correction] = {}
        for larger, number, text in merge(*streams):
            if self.gave_up or (size is not None and larger > size):
                break
            place = suspects[number].place
            if number not in corrections and self._is_right(place, text):
                size = larger
                corrections[number] = Correction(place, text)
        return list(corrections.values())

    def _edits(self, suspect: Suspect, number: int) -> Iterator[tuple[int, int, str]]:
        place, trust = suspect
        if self._function(place) is None:
            return
        is_number = line_of(place.statement) in self._counts
        for edit in islice(edits(place.statement.text, place.scope, is_number), MOST_TRIED_OF_ONE):
            if not _changes_an_argument(place, edit.text):
                yield edit.size + trust, number, edit.text

    def _is_right(self, place: Place, text: str) -> bool:
        self.tried += 1
        with self.changed(place, text) as changes:
            return changes and self._mends() and self._counts.keeps(line_of(place.statement))

    def _function(self, place: Place) -> FunctionType | None:
        key = id(place.code)
        if key not in self._functions:
            self._functions[key] = _function_of(place)
        endless = place.statement.line in _repeated_without_end(place.statement.span.source)
        return None if endless else self._functions[key]

    @contextmanager
    def changed(self, place: Place, text: str) -> Iterator[bool]:
        """The function runs with another text for the statement, if it can: it says whether."""
        function, code = self._function(place), _code_with(place, text)
        if function is None or code is None or code.co_freevars != function.__code__.co_freevars:
            yield False
            return
        before = function.__code__
        function.__code__ = code
        try:
            yield True
        finally:
            function.__code__ = before


def _changes_an_argument(place: Place, text: str) -> bool:
    """Whether a statement would change the caller's array in place, as `dc += …` of an argument does."""
    code = place.code
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return not place.statement.augmented and any(text.startswith(f"{name} +=") for name in names)


def _function_of(place: Place) -> FunctionType | None:
    """The function that runs the code; None where it is made anew for each call, or its text is another."""
    functions = list(_functions_of(place.code, place.around))
    same = _code_with(place, None)
    if len(functions) != 1 or same is None or same.co_code != place.code.co_code:
        return None
    return functions[0]


def _around(frame: FrameType) -> list[Mapping[str, Any]]:
    variables: list[Mapping[str, Any]] = [frame.f_globals]
    caller: FrameType | None = frame
    while caller is not None:
        variables.append(caller.f_locals)
        caller = caller.f_back
    return variables


def _functions_of(code: CodeType, around: Sequence[Mapping[str, Any]]) -> Iterator[FunctionType]:
    """The functions that run this code, among all that can be reached from variables."""
    waiting: deque[Any] = deque(around)
    kept: dict[int, Any] = {}  # by identity; what is kept cannot give its identity to something else
    while waiting and len(kept) < MOST_REACHED:
        item = waiting.popleft()
        if id(item) not in kept:
            kept[id(item)] = item
            if isinstance(item, FunctionType) and item.__code__ is code:
                yield item
            waiting += _reached_from(item)


def _reached_from(item: Any) -> Iterable[Any]:
    """What functions may be in: variables, containers, closures, methods, classes and objects."""
    if isinstance(item, dict):
        return item.values()
    if isinstance(item, list | tuple | set):
        return item if len(item) <= MOST_ITEMS else ()
    if isinstance(item, FunctionType):
        return (vars(item), list(item.__closure__ or ()))
    if isinstance(item, CellType):
        return [item.cell_contents] if item != CellType() else ()
    if isinstance(item, type):
        return item.__mro__[1:] + tuple(vars(item).values())
    if isinstance(item, ModuleType | np.ndarray | str | int | float):
        return ()
    parts = [getattr(item, name, None) for name in ("__func__", "__self__", "fget", "func")]
    return [*parts, type(item), getattr(item, "__dict__", None)]


def _code_with(place: Place, text: str | None) -> CodeType | None:
    """The code of the function with another text for its statement."""
    span = place.statement.span
    whole = span.source.text
    if text is not None:
        whole = whole[: span.start] + text + whole[span.end :]
    try:
        compiled = compile(whole, place.code.co_filename, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return None
    name, line = place.code.co_qualname, place.code.co_firstlineno
    return next(
        (code for code in _codes(compiled) if (code.co_qualname, code.co_firstlineno) == (name, line)), None
    )


def _codes(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


@cache
def _repeated_without_end(source: Source) -> frozenset[int]:
    """The lines in `while` loops: a change there might run for ever."""
    loops = [node for node in ast.walk(ast.parse(source.text)) if isinstance(node, ast.While)]
    return frozenset(line for node in loops for line in range(node.lineno, (node.end_lineno or 0) + 1))


@cache
def _heads(source: Source) -> dict[int, Statement]:
    """The heads of loops in one line, by it."""
    heads = {}
    for node in ast.walk(ast.parse(source.text)):
        if isinstance(node, ast.For) and node.iter.end_lineno == node.lineno:
            start = source.offset(node.lineno, node.col_offset + 1)
            end = source.text.find(":", source.offset(node.lineno, (node.iter.end_col_offset or 0) + 1)) + 1
            span = Span(source, start, end)
            heads[node.lineno] = Statement(
                span, node.lineno, (), (), ast.unparse(node.iter), False, False, False
            )
    return heads


def _head(code: CodeType, line: int) -> Statement | None:
    source = source_of(code.co_filename)
    return _heads(source).get(line) if source else None


def _values_at_hand(frame: FrameType) -> dict[str, Any]:
    """Arrays, numbers, lists and objects, by the texts of variables, attributes and items."""
    used = {name: frame.f_globals[name] for name in frame.f_code.co_names if name in frame.f_globals}
    used |= {name: item for name, item in frame.f_globals.items() if isinstance(item, FunctionType)}
    values: dict[str, Any] = {}
    for name, value in {**used, **frame.f_locals}.items():
        if isinstance(value, dict):
            values.update({f"{name}[{key!r}]": item for key, item in value.items() if _is_of_use(item)})
        elif name == "self":
            values.update({f"self.{key}": item for key, item in vars(value).items() if _is_of_use(item)})
            values.update({f"self.{key}": item for key, item in _methods(type(value)).items()})
        elif _is_of_use(value):
            values[name] = value
    return values


def _methods(kind: type) -> dict[str, Any]:
    return {name: item for name, item in vars(kind).items() if isinstance(item, FunctionType)}


def _is_of_use(value: Any) -> bool:
    return isinstance(value, np.ndarray | int | float | list | tuple) or (
        hasattr(value, "__dict__") and not isinstance(value, type | ModuleType)
    )
