"""python-flint, which computes with balls: whether it is there and wanted, and how many bits it rounds to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from bpx.words.guards.turn import Turn
from bpx.words.holding import holding

_wanted = ContextVar("wanted", default=True)  # each thread has its own
_precision = Turn()  # python-flint has one precision for all threads


def available() -> bool:
    """Whether python-flint, which does the arithmetic, is installed, and `unwanted` does not hold."""
    return _wanted.get() and _installed()


@cache
def _installed() -> bool:
    return find_spec("flint") is not None


@contextmanager
def unwanted() -> Iterator[None]:
    """Do without balls meanwhile: python-flint takes longer to load than a small check by differences."""
    with holding(_wanted, False):
        yield


@cache
def flint() -> Any:
    """The module that does the arithmetic."""
    return import_module("flint")  # imported here: it takes longer to load than most commands run


def bits() -> int:
    """To how many bits balls are rounded now."""
    return int(flint().ctx.prec)


@contextmanager
def precision(wanted: int) -> Iterator[None]:
    """Round to so many bits meanwhile."""
    settings = flint().ctx
    with _precision:
        before, settings.prec = settings.prec, wanted
        try:
            yield
        finally:
            settings.prec = before
