"""A bar on standard error that says how far a long run has come."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from bpx.graph.numbers import SHOWN_DIGITS, number
from bpx.words.say import say

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PATIENCE = 1.0  # seconds; who waits no longer than that needs no bar


class ProgressBar:
    """Call it with the fraction done; it shows itself late, only on a terminal, and leaves no trace."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._due = monotonic() + patience
        self._shown: tuple[Progress, TaskID] | None = None

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *error: Any) -> None:
        if self._shown and not self._shown[0].disable:  # Rich 14.0 ends a line even where disabled
            self._shown[0].stop()

    def __call__(self, done: float, loss: float | None = None) -> None:
        """`done` goes from 0 to 1; the loss of a training stands beside the bar."""
        if monotonic() >= self._due:
            bar, task = self._shown = self._shown or _started()
            text = "" if loss is None else say("train.now", loss=number(loss, SHOWN_DIGITS))
            bar.update(task, completed=done, description=text)

    def count(self, calls: int) -> None:
        """So many calls of a function have been made, of a number that nobody knows."""
        if monotonic() >= self._due:
            bar, task = self._shown = self._shown or _started(None)
            bar.update(task, description=say("progress.calls", count=calls))


def _started(total: float | None = 1.0) -> tuple[Progress, TaskID]:
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True, force_jupyter=False)
    watched = console.file.isatty() and not console.is_dumb_terminal  # whatever FORCE_COLOR says
    bar = Progress(console=console, transient=True, disable=not watched)
    bar.start()
    return bar, bar.add_task("", total=total)
