"""Processes of this machine as workers, which end with the process that started them, however that ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, parent_process
from multiprocessing.context import SpawnContext, SpawnProcess
from threading import Thread


class _Worker(SpawnProcess):
    """A process that does not hear Ctrl-C, from its first moment on: a child inherits what is blocked."""

    def start(self) -> None:
        if not hasattr(signal, "pthread_sigmask"):
            super().start()
            return
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            super().start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Workers(SpawnContext):
    Process = _Worker


@contextmanager
def processes(count: int) -> Iterator[ProcessPoolExecutor]:
    """Inside, an executor of so many processes; where the block is left by an error, they are stopped."""
    earlier = active_children()
    executor = ProcessPoolExecutor(count, _Workers(), begin_worker)
    try:
        yield executor
    except BaseException:
        for process in active_children():
            if process not in earlier:
                process.terminate()
        raise
    finally:
        executor.shutdown(cancel_futures=True)


def begin_worker() -> None:
    """Be silent, leave Ctrl-C, which the terminal sends to all, to the parent, and end when that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What a file prints when it is loaded has been printed once, and belongs to no report.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
