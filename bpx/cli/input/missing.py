"""Inputs of a graph that nobody gave a value: drawn where that is asked for, asked for in a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from bpx.words.diagnostic import Diagnostic


EVERY = "*"  # the value of an option that may stand alone: every input


def read_with_missing(
    read: Callable[[dict[str, Any]], Any],
    values: dict[str, Any],
    read_value: Callable[[str, str], Any],
    random: str | None = None,
    seed: int = 0,
) -> Any:
    """What `read` makes of the values, and of those that it says are missing.

    `random` says what is drawn: names with shapes, or a number for every input without a value. `read_value`
    reads what somebody types for an input. Raises `BpxError`.
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
        if random == EVERY:
            from bpx.graph.named.draw import draw_numbers

            drawn = draw_numbers(missing, seed)
        elif sys.stdin.isatty() and sys.stderr.isatty():
            drawn |= {name: _asked_for(name, read_value) for name in missing}
        else:
            raise
    return read({**drawn, **values})


def _missing(problems: Sequence[Diagnostic]) -> list[str]:
    """The names of inputs without a value, where nothing else is wrong."""
    return [problem.facts["name"] for problem in problems if problem.code == "missing-value"] * all(
        problem.code == "missing-value" and problem.help != "implicit-product" for problem in problems
    )


def _asked_for(name: str, read_value: Callable[[str, str], Any]) -> Any:
    """The value that somebody types, asked for until it can be read."""
    from bpx.words.diagnostic import BpxError

    while True:
        try:
            return read_value(name, typer.prompt(name, prompt_suffix=" = ", err=True))
        except BpxError as error:
            typer.echo("\n".join(problem.to_text() for problem in error.diagnostics), err=True)
