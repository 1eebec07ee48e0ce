"""Looks at the entries of one point, each by itself: where there are workers, chunks of them are tasks.

Such a look takes many operations on few numbers, so that sending them costs next to nothing. The size of a
chunk is counted in operations, and what an entry gives depends on neither chunk nor worker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from bpx.check.numeric.tolerances import LOOK_OPERATIONS
from bpx.check.tasks.lost import WorkerLost
from bpx.check.tasks.tasks import Task, results
from bpx.words.holding import holding

if TYPE_CHECKING:
    from concurrent.futures import Executor

# Of an object that all looks need, and some entries: a result for each, or of the first until it gives up.
Looks = Callable[[Any, Sequence[Any]], Iterable[Any]]


class Sharing:
    """The workers among which looks at entries are shared out, and how many looks were lost with them."""

    def __init__(self, executor: Executor | None) -> None:
        self.executor, self.lost = executor, 0


# Of a context, as NumPy's errstate is: a task in a worker has none, and shares out nothing in its turn.
_SHARING: ContextVar[Sharing | None] = ContextVar("sharing", default=None)


@contextmanager
def sharing(workers: Sharing) -> Iterator[None]:
    """Inside, looks at entries are shared out among these workers."""
    with holding(_SHARING, workers):
        yield


def looked(
    looks: Looks, shared: Any, entries: Sequence[Any], operations: int, least: int = 0
) -> Iterator[Any]:
    """What `looks(shared, entries)` gives, entry by entry; `WorkerLost` for those of a lost chunk.

    Every entry takes so many `operations`, and every chunk but the last at least as many as `least`, or as
    `LOOK_OPERATIONS`, if that is 0.
    """
    if not entries:
        return
    workers, size = _SHARING.get(), -(-(least or LOOK_OPERATIONS) // max(1, operations))
    if workers is None or workers.executor is None or len(entries) <= size:
        yield from looks(shared, entries)
        return
    chunks = [entries[start : start + size] for start in range(0, len(entries), size)]
    common = (looks, shared)
    answers = results([Task(_of_chunk, common, (chunk,)) for chunk in chunks], workers.executor)
    for chunk, answer in zip(chunks, answers, strict=True):
        if isinstance(answer, WorkerLost):
            workers.lost += len(chunk)
            answer = [answer] * len(chunk)
        yield from answer
        if len(answer) < len(chunk):  # it gave up, and would have done so without chunks
            return


def _of_chunk(common: tuple[Looks, Any], chunk: Sequence[Any]) -> list[Any]:
    looks, shared = common
    return list(looks(shared, chunk))
