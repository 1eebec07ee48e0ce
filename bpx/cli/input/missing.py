"""Inputs of a graph that nobody gave a value.

In a notebook they have those of its variables. They are drawn where that is asked for, and asked for in a
terminal.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import typer

from bpx.cli.output.console import warn
from bpx.cli.output.signals import exit_code
from bpx.words.holding import holding

if TYPE_CHECKING:
    from bpx.words.diagnostic import Diagnostic


EVERY = "*"  # the value of an option that may stand alone: every input

_VARIABLES: ContextVar[Mapping[str, Any]] = ContextVar("variables", default=MappingProxyType({}))


@contextmanager
def among(variables: Mapping[str, Any]) -> Iterator[None]:
    """Inside, an input without a value has that of the variable of its name, where this is numbers."""
    with holding(_VARIABLES, variables):
        yield


def read_with_missing(
    read: Callable[[dict[str, Any]], Any],
    values: dict[str, Any],
    read_value: Callable[[str, str], Any],
    random: str | None = None,
    seed: int = 0,
    usual: Mapping[str, float] = MappingProxyType({}),
) -> Any:
    """What `read` makes of the values, and of those that it says are missing.

    `usual` are values of inputs that are missing. `random` says what is drawn: names with shapes, or a number
    for every input without a value. `read_value` reads what somebody types for an input. Raises `BpxError`.
    """
    from bpx.words.diagnostic import BpxError

    drawn: dict[str, Any] = {}
    if random not in (None, EVERY):
        from bpx.graph.named.draw import draw

        drawn = draw(random or "", seed)
    try:
        return read({**drawn, **values})
    except BpxError as error:
        missing = _missing(error.diagnostics)
        if not missing:
            raise
        drawn |= {name: usual[name] for name in missing if name in usual} | _numbers_of_variables(missing)
        missing = [name for name in missing if name not in drawn]
        if missing and random == EVERY:
            from bpx.graph.named.draw import draw_numbers

            drawn |= draw_numbers(missing, seed)
        elif missing and sys.stdin.isatty() and sys.stderr.isatty():
            try:
                drawn |= {name: _asked_for(name, read_value) for name in missing}
            except typer.Abort:  # Ctrl-D, or Ctrl-C, which Typer takes for the same
                raise (error if exit_code() is None else KeyboardInterrupt) from None
    return read({**drawn, **values})


def _missing(problems: Sequence[Diagnostic]) -> list[str]:
    """The names of inputs without a value, where nothing else is wrong."""
    return [problem.facts["name"] for problem in problems if problem.code == "missing-value"] * all(
        problem.code == "missing-value" and problem.help != "implicit-product" for problem in problems
    )


def _numbers_of_variables(names: Sequence[str]) -> dict[str, Any]:
    """The variables of these names that are numbers or arrays of numbers."""
    variables = _VARIABLES.get()
    arrays = {name: _numbers_in(variables[name]) for name in names if name in variables}
    return {name: array for name, array in arrays.items() if array is not None}


def _numbers_in(value: Any) -> Any:
    """A number, a list, an array or a tensor as an array of NumPy; None for anything else."""
    import numpy as np

    try:
        # A tensor that has a gradient gives its numbers only when it is detached.
        array = np.asarray(value.detach() if hasattr(value, "detach") else value)
    except Exception:  # whatever an object of somebody's own raises when it is asked for numbers
        return None
    return array if array.dtype.kind in "biuf" else None


def _asked_for(name: str, read_value: Callable[[str, str], Any]) -> Any:
    """The value that somebody types, asked for until it can be read."""
    from bpx.words.diagnostic import BpxError

    while True:
        try:
            return read_value(name, typer.prompt(name, prompt_suffix=" = ", err=True))
        except BpxError as error:
            warn("\n".join(problem.to_text() for problem in error.diagnostics))
