"""One thread at a time, for what a process has only once."""

from __future__ import annotations

import os
import threading
from contextlib import ContextDecorator
from typing import Any


class Turn(ContextDecorator):
    """A lock, also for functions as a decorator; the thread that has it may take it again."""

    def __init__(self) -> None:
        self._renew()
        if hasattr(os, "register_at_fork"):  # not on Windows, where nothing is forked
            os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        """A process that was forked has none of the threads that may hold the lock."""
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *error: Any) -> None:
        self._lock.release()
