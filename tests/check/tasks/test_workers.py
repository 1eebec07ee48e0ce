"""Calls of forward in the workers of an executor: the same report, and what becomes of a worker that dies."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from dying import Dying

from bpx.check.function.black_box import check_function
from bpx.check.tasks.lost import WorkerLost
from bpx.check.tasks.workers import Workers
from bpx.words.diagnostic import BpxError

X = np.linspace(0.1, 1, 5)


def forward(x: Any) -> Any:
    return np.sum(np.tanh(x))


def wrong(g: Any, x: Any) -> Any:
    return g * (1 - np.tanh(x) ** 2) * np.where(np.arange(x.size) == 2, 1.01, 1)


def dies_at(value: float) -> float:
    if value == 2:
        os._exit(1)
    return 10 * value


@pytest.mark.parametrize("size", [5, 300])
def test_the_report_is_the_same_with_any_number_of_workers(size: int) -> None:
    x = np.linspace(0.1, 1, size)
    reports = [check_function(forward, [x], wrong).to_json()]
    for count in (1, 3):
        with ThreadPoolExecutor(count) as executor:
            reports.append(check_function(forward, [x], wrong, executor=executor).to_json())
    assert reports[1:] == reports[:1] * 2


def test_processes_give_the_same_report() -> None:
    with ProcessPoolExecutor(2) as executor:
        report = check_function(forward, [X], wrong, executor=executor).to_json()
    assert report == check_function(forward, [X], wrong).to_json()


def test_a_worker_that_dies_once_changes_nothing() -> None:
    report = check_function(forward, [X], wrong, executor=Dying(20))
    assert report.to_json() == check_function(forward, [X], wrong).to_json()


def test_of_an_entry_whose_worker_dies_twice_nothing_is_told() -> None:
    # After the value at the point itself, to compare and for each line: the first step of the first.
    report = check_function(forward, [X], wrong, executor=_DyingAt(1 + len(X)), exact=False)
    reasons = {entry.index: entry.reason.code for entry in report.entries if entry.reason}
    assert reasons[(0,)] == "worker-lost"
    assert report.counts["cannot tell"] == 1
    assert report.verdict == "disagree"  # the wrong one is another
    assert [note.code for note in report.notes if note.severity == "warning"] == ["workers-lost"]


class _DyingAt(Dying):
    """One call, and the same call again, end as if their worker had died."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number, self.doomed = number, b""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        point = args[1][0].tobytes()
        if self.count == self.number:
            self.doomed = point
        self.deaths = (self.count,) if point == self.doomed else ()
        return super().submit(fn, *args, **kwargs)


def test_one_that_kills_its_process_takes_no_others_with_it() -> None:
    with ProcessPoolExecutor(2) as executor:
        workers = Workers(executor)
        results = list(workers.results(dies_at, ((value,) for value in (1.0, 2.0, 3.0))))
        workers.close()
    assert isinstance(results[1], WorkerLost)
    assert [results[0], results[2]] == [10, 30]


def test_a_function_that_cannot_be_sent_is_refused() -> None:
    with ProcessPoolExecutor(1) as executor, pytest.raises(BpxError) as raised:
        check_function(lambda x: np.sum(x), [X], wrong, executor=executor)
    assert [problem.code for problem in raised.value.diagnostics] == ["not-picklable"]


def test_an_executor_is_one() -> None:
    with pytest.raises(BpxError) as raised:
        check_function(forward, [X], wrong, executor=4)
    assert [problem.code for problem in raised.value.diagnostics] == ["wrong-argument"]
