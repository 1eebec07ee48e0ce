"""An executor whose workers die, for the tests of tasks."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any


class Dying(Executor):
    """Runs calls at once; those numbered `deaths` end as if their worker had died."""

    def __init__(self, *deaths: int) -> None:
        self.deaths, self.count = deaths, 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if self.count in self.deaths:
            future.set_exception(RuntimeError("the worker died"))
        else:
            future.set_result(fn(*args, **kwargs))
        self.count += 1
        return future
