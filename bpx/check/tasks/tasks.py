"""Tasks: a function that needs an object which is the same for all of them, and arguments of its own.

The object is pickled once and kept by every worker, so that a task sends little more than its arguments.
Without an executor the tasks are run here, one after the other.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from threading import local
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.languages import speaking
from bpx.words.say import spoken

if TYPE_CHECKING:
    from concurrent.futures import Executor


class Task(NamedTuple):
    """A call of `function(shared, *arguments)`, which depends on nothing else and changes nothing."""

    function: Callable[..., Any]
    shared: Any
    arguments: tuple[Any, ...]

    def run(self) -> Any:
        """The result, here and now."""
        return self.function(self.shared, *self.arguments)


class _Raised(NamedTuple):
    """What a task raised: not a worker that died, and so no reason to try again."""

    error: Exception


def results(tasks: Sequence[Task], executor: Executor | None) -> Iterator[Any]:
    """What the tasks give, in their order; `WorkerLost` for one whose worker died twice.

    Raises what a task raises, and `BpxError` for tasks that cannot be sent.
    """
    if executor is None:
        yield from (task.run() for task in tasks)
        return
    from bpx.check.tasks.workers import Workers  # with all that processes need

    pickled = _Pickled()
    with closing(Workers(executor)) as workers:
        calls = ((task.function, pickled.of(task.shared), task.arguments) for task in tasks)
        language = spoken().language
        for result in workers.results(_run, ((language, *call) for call in calls)):
            if isinstance(result, _Raised):
                raise result.error
            yield result


def _run(language: str, function: Callable[..., Any], shared: bytes, arguments: tuple[Any, ...]) -> Any:
    """A task in a worker, which speaks the language of whoever asks."""
    try:
        # Not of a process but of a context, these do not come with the call.
        with np.errstate(all="ignore"), speaking(language):
            return function(_unpickled(shared), *arguments)
    except Exception as error:
        return _Raised(error)


class _Kept(local):
    """The object of the last task, of each thread its own: tasks may cache what they find in it."""

    content: bytes = b""
    value: Any = None


_KEPT = _Kept()


def _unpickled(content: bytes) -> Any:
    if content != _KEPT.content:
        _KEPT.value, _KEPT.content = pickle.loads(content), content
    return _KEPT.value


class _Pickled:
    """The last object that was asked for, pickled."""

    def __init__(self) -> None:
        self._last: Any = None
        self._content = b""

    def of(self, shared: Any) -> bytes:
        if shared is not self._last or not self._content:
            try:
                self._content = pickle.dumps(shared)
            except Exception as error:  # a `__reduce__` may raise anything
                reason = str(error) or type(error).__name__
                raise BpxError([Diagnostic("check-not-picklable", None, {"reason": reason})]) from error
            self._last = shared
        return self._content
