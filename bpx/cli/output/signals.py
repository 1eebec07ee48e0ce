"""Ctrl-C and SIGTERM: exceptions wherever they come, so that files are whole and workers end.

This is loaded before all else, and must import next to nothing.
"""

from __future__ import annotations

import os
import signal
import sys

TYPE_CHECKING = False  # that of `typing` takes longer to import than all else here
if TYPE_CHECKING:
    from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_received: list[int] = []  # the signals of this process that have become exceptions


class Terminated(KeyboardInterrupt):
    """SIGTERM; what keeps its work at Ctrl-C keeps it here too."""


def listen() -> None:
    """From now on both signals raise an exception in the main thread."""
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` and a shell's `&` have it
            signal.signal(number, _raise)
    sys.unraisablehook = _end_where_nothing_can_be_raised


def exit_code() -> int | None:
    """128 and the number of the signal, as shells have it; None where none has come."""
    return 128 + _received[0] if _received else None


def answered() -> None:
    """Ctrl-C was an answer: the run goes on, or ends in its own way."""
    if signal.SIGTERM not in _received:
        _received.clear()


def end_quietly() -> None:
    """The result is out: what comes now cannot change the exit code, and must not show a traceback."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


class HeldBack:
    """Inside the block, a first signal only asks the work to stop; a second one ends it at once."""

    def __init__(self) -> None:
        self._asked: list[int] = []
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        try:
            self._before = {number: signal.signal(number, self._ask) for number in _SIGNALS}
        except ValueError:  # only the main thread hears signals
            self._before = {}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @property
    def exit_code(self) -> int | None:
        """What the signal that came asks for; None while the work may go on."""
        return 128 + self._asked[0] if self._asked else None

    def _ask(self, number: int, frame: Any) -> None:
        if self._asked:
            _raise(number, frame)
        self._asked.append(number)


def _raise(number: int, frame: Any) -> None:
    _received.append(number)
    raise (KeyboardInterrupt if number == signal.SIGINT else Terminated)


def _end_where_nothing_can_be_raised(problem: Any) -> None:
    """Python drops what is raised while it clears an object away; a signal must end the run there too."""
    if issubclass(problem.exc_type, KeyboardInterrupt):
        os._exit(exit_code() or 128 + signal.SIGINT)
    sys.__unraisablehook__(problem)
