"""Whose line is running: the innermost place of the user's own source on the stack of calls.

Python 3.11 keeps for every instruction where its expression stands (PEP 657), so that a node of the
graph can be shown as the very characters that made it.
"""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path
from traceback import extract_tb
from types import CodeType, FrameType, FunctionType
from typing import Any, TypeVar

import numpy as np

import bpx
from bpx.words.diagnostic import Source, Span
from bpx.words.guards.turn import Turn

_Function = TypeVar("_Function", bound=Callable[..., Any])

# Code of the user's changes while it is traced and checked: names of modules mean something else meanwhile,
# and statements are tried in functions. So no two threads do that at once.
in_turn = Turn()

_PATHS = sysconfig.get_paths()
_LIBRARIES = tuple(
    os.path.normcase(os.path.realpath(path)) + os.sep
    for path in (
        Path(bpx.__file__).parent,
        Path(np.__file__).parent,
        _PATHS["stdlib"],
        _PATHS["purelib"],
        _PATHS["platlib"],
    )
)


@cache
def is_users(filename: str) -> bool:
    """Whether a file is the user's own: neither of Python, nor installed, nor of bpx."""
    if filename.startswith("<frozen"):
        return False
    return not os.path.normcase(os.path.realpath(filename)).startswith(_LIBRARIES)


_of_libraries: set[str] = set()  # files that are not the user's


def is_users_code(code: CodeType, names: Mapping[str, Any]) -> bool:
    """Whether code with these global names is the user's own.

    Code that was made while a program runs, as methods of dataclasses and named tuples are, is whose the
    module is.
    """
    filename = code.co_filename
    if filename in _of_libraries:  # as nearly all code on a stack of calls
        return False
    if not filename.startswith("<"):
        if not is_users(filename):
            _of_libraries.add(filename)
            return False
        return True
    if str(names.get("__name__", "")).startswith("namedtuple_"):
        return False
    return is_users(str(names.get("__file__", filename)))


_entrances: set[int] = set()  # codes, by identity: to hash one takes as long as to look at ten frames


def entrance(function: _Function) -> _Function:
    """Mark a function that calls the user's code to trace it: whoever calls the function is not traced."""
    assert isinstance(function, FunctionType)
    _entrances.add(id(function.__code__))
    return function


def user_frames() -> Iterator[FrameType]:
    """The user's own frames above an entrance on the stack of calls, the innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and id(frame.f_code) not in _entrances:
        if is_users_code(frame.f_code, frame.f_globals):
            yield frame
        frame = frame.f_back


def span_of(frame: FrameType) -> Span | None:
    """The expression that a frame is at; None where its source is not at hand."""
    first, last, start, end = next(islice(_positions(frame.f_code), frame.f_lasti // 2, None))
    return _span(frame.f_code.co_filename, first, last, start, end)


def _positions(code: CodeType) -> Iterator[tuple[int | None, ...]]:
    return iter(code.co_positions())


@lru_cache(maxsize=4096)
def _span(
    filename: str, first: int | None, last: int | None, start: int | None, end: int | None
) -> Span | None:
    source = source_of(filename)
    if source is None or first is None:
        return None
    if last is None or start is None or end is None:
        return line_span(source, first)
    return Span(source, _offset(source, first, start), _offset(source, last, end))


def line_span(source: Source, line: int) -> Span:
    """A line without its indentation."""
    text = source.line(line)
    start = source.offset(line, len(text) - len(text.lstrip()) + 1)
    return Span(source, start, start + len(text.strip()))


def raised_at(error: BaseException) -> Span | None:
    """The innermost line of the user's that an exception comes from."""
    lines = [frame for frame in extract_tb(error.__traceback__) if is_users(frame.filename)]
    source = source_of(lines[-1].filename) if lines else None
    return line_span(source, lines[-1].lineno) if source is not None and lines[-1].lineno else None


def _offset(source: Source, line: int, byte: int) -> int:
    """Columns of Python count bytes of UTF-8 from 0, ours characters from 1."""
    column = len(source.line(line).encode()[:byte].decode(errors="ignore")) + 1
    return source.offset(line, column)


@cache
def source_of(filename: str) -> Source | None:
    """The text of a file that is running, notebooks' cells included; None where it is not at hand."""
    # linecache knows what the interpreter knows: files, cells of notebooks, doctests.
    text = "".join(linecache.getlines(filename))
    return Source(_shown(filename), text) if text else None


def forget_sources() -> None:
    """Read files anew: in a notebook they are changed and run again."""
    linecache.checkcache()
    source_of.cache_clear()
    _span.cache_clear()


def _shown(filename: str) -> str:
    """A path as people write it: from the current folder, where that is shorter."""
    try:
        relative = os.path.relpath(filename)
    except ValueError:  # on another drive
        return filename
    return min(relative, filename, key=len) if not filename.startswith("<") else filename
