"""Calls of a function spread over the workers of an executor, with results in the order of the calls.

What a call gives depends on its arguments alone, and so do the results, however many workers there are and
whichever is first. A call whose worker died is made once more, alone in a process of its own, so that one
that kills its worker takes no others with it.
"""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from bpx.check.numeric.tolerances import MOST_WAITING
from bpx.check.tasks.lost import WorkerLost


class Workers:
    """Calls in the workers of an executor; `close` ends processes that took the place of dead ones."""

    def __init__(self, executor: Executor) -> None:
        self._executor = self._given = executor
        self._spare: ProcessPoolExecutor | None = None
        self._started: list[ProcessPoolExecutor] = []

    def can_send(self, function: Callable[..., Any]) -> bool:
        """Do the workers get to know the function? Other executors have their own ways to send one."""
        return not isinstance(self._given, ProcessPoolExecutor) or is_picklable(function)

    def results(self, function: Callable[..., Any], calls: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        """What the function gives for the arguments of each call, in order; `WorkerLost` where none came."""
        waiting: deque[tuple[Future[Any] | None, tuple[Any, ...]]] = deque()
        for arguments in calls:
            waiting.append((self._submitted(function, arguments), arguments))
            if len(waiting) >= MOST_WAITING:
                yield self._result(function, *waiting.popleft())
        while waiting:
            yield self._result(function, *waiting.popleft())

    def close(self) -> None:
        """End what was started here; the executor itself is not ours."""
        for executor in self._started:
            executor.shutdown()

    def _submitted(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Future[Any] | None:
        try:
            return self._executor.submit(function, *arguments)
        except Exception:  # it has broken since
            return None

    def _result(
        self, function: Callable[..., Any], future: Future[Any] | None, arguments: tuple[Any, ...]
    ) -> Any:
        try:
            if future is not None:
                return future.result()
        except Exception:  # every executor has its own error for a worker that died
            pass
        return self._again(function, arguments)

    def _again(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """One more try; a pool of processes takes no more calls once one of them died, and is replaced."""
        if isinstance(self._given, ProcessPoolExecutor) and self._executor is self._given:
            self._executor = self._like(self._given, getattr(self._given, "_max_workers", 1))
        try:
            return self._elsewhere().submit(function, *arguments).result()
        except Exception:
            self._spare = None
            return WorkerLost()

    def _elsewhere(self) -> Executor:
        """A process for one call at a time, or the executor, where that looks after its own workers."""
        if not isinstance(self._given, ProcessPoolExecutor):
            return self._given
        self._spare = self._spare or self._like(self._given, 1)
        return self._spare

    def _like(self, pool: ProcessPoolExecutor, count: int) -> ProcessPoolExecutor:
        """A pool of so many processes like those of the pool."""
        # They are not public; a process that lacks what the others were started with would answer otherwise.
        initializer, arguments = getattr(pool, "_initializer", None), getattr(pool, "_initargs", ())
        context = get_context("spawn")  # a fork would take along locks that the threads of the pool hold
        alike = ProcessPoolExecutor(count, context, initializer, arguments)
        self._started.append(alike)
        return alike


def is_picklable(value: Any) -> bool:
    """Can it be sent to another process?"""
    try:
        pickle.dumps(value)
    except Exception:  # PicklingError, AttributeError, TypeError, or what a `__reduce__` raises
        return False
    return True
