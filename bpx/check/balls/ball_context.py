"""python-flint, which computes with balls: whether it is there and wanted, and how many bits it rounds to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

_wanted = [True]  # the last counts


def available() -> bool:
    """Whether python-flint, which does the arithmetic, is installed, and `unwanted` does not hold."""
    return _wanted[-1] and _installed()


@cache
def _installed() -> bool:
    return find_spec("flint") is not None


@contextmanager
def unwanted() -> Iterator[None]:
    """Do without balls meanwhile: python-flint takes longer to load than a small check by differences."""
    _wanted.append(False)
    try:
        yield
    finally:
        _wanted.pop()


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
    before, settings.prec = settings.prec, wanted
    try:
        yield
    finally:
        settings.prec = before
