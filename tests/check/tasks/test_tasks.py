"""Tasks of a check in workers: the same bytes for any number of them, and what becomes of one that dies."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from dying import Dying
from rows_of_a_table import every

import bpx
from bpx.check.gradcheck import gradcheck
from bpx.check.tasks.tasks import Task, results
from bpx.spec.spec import Spec
from bpx.words.diagnostic import BpxError, Diagnostic


class Shuffled(Executor):
    """Runs what has been submitted when a result is asked for, in an order of its own."""

    def __init__(self, seed: int) -> None:
        self.rng, self.waiting = random.Random(seed), []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = _Late(self)
        self.waiting.append((future, fn, args))
        return future

    def run(self) -> None:
        self.rng.shuffle(self.waiting)
        for future, fn, args in self.waiting:
            future.set_result(fn(*args))
        self.waiting = []


class _Late(Future[Any]):
    def __init__(self, executor: Shuffled) -> None:
        super().__init__()
        self.executor = executor

    def result(self, timeout: float | None = None) -> Any:
        self.executor.run()
        return super().result(timeout)


def shifted(shared: list[int], number: int) -> int:
    return shared[0] + number


def refuses(shared: Any) -> None:
    raise BpxError([Diagnostic("trace-constant", None, {})])


# Claims, right and wrong; an op of the spec's own; kinks; second derivatives.
CHECKS = {
    "claims": (lambda: bpx.load("logistic_regression_claims"), {"points": 3}),
    "own op": (lambda: bpx.load("leaky_relu"), {"points": 3}),
    "two own ops": (lambda: bpx.load("swish"), {"points": 2, "order": 2}),
    "kinks": (lambda: bpx.load("relu_at_kink"), {"points": 3}),
    "wrong": (lambda: bpx.parse("x^2*y", x=1.0, y=3.0), {"points": 3, "claims": {"x": "2*x^2*y"}}),
    "local": (lambda: bpx.parse("a = x*y; a^2", x=1.5, y=3.0), {"points": 3, "claims": {"∂a/∂x": "y"}}),
}


@every("name", CHECKS)
def test_the_report_is_the_same_whoever_is_first(name: str) -> None:
    make, options = CHECKS[name]
    alone = make().gradcheck(**options).to_json()
    assert make().gradcheck(**options, executor=Shuffled(0)).to_json() == alone
    for count in (1, 3):
        with ThreadPoolExecutor(count) as executor:
            assert make().gradcheck(**options, executor=executor).to_json() == alone


def test_tasks_keep_their_order_and_their_objects() -> None:
    tasks = [Task(shifted, [10 * (i // 3)], (i,)) for i in range(9)]
    wanted = [0, 1, 2, 13, 14, 15, 26, 27, 28]
    assert list(results(tasks, None)) == list(results(tasks, Shuffled(0))) == wanted


def test_what_a_task_raises_is_raised() -> None:
    with pytest.raises(BpxError, match="constant"):
        list(results([Task(refuses, None, ())], Shuffled(0)))


def test_what_cannot_be_sent_is_said() -> None:
    with pytest.raises(BpxError) as raised:
        list(results([Task(shifted, lambda: 0, ())], Shuffled(0)))
    assert [problem.code for problem in raised.value.diagnostics] == ["check-not-picklable"]


def test_a_point_whose_worker_dies_once_changes_nothing() -> None:
    spec = bpx.parse("x^2", x=3.0)
    with_death = spec.gradcheck(points=4, executor=Dying(2))
    assert with_death.to_json() == spec.gradcheck(points=4).to_json()


def lost(spec: Spec, last: int, **options: Any) -> Any:
    return gradcheck(spec, executor=Dying(*range(last + 1)), **options)


def test_of_points_whose_workers_die_twice_nothing_is_told() -> None:
    # Three are submitted, and each is tried again: the first two of these die too.
    report = lost(bpx.parse("x^2*y", x=3.0, y=2.0), 4, points=3)
    assert report.verdict == "cannot tell"
    assert {entry.reason.code for entry in report.entries} == {"worker-lost"}
    assert [(note.code, note.facts["count"]) for note in report.notes] == [("points-lost", 2)]
    assert "worker lost" in report.to_markdown()


def test_second_derivatives_of_a_lost_point_are_open() -> None:
    report = lost(bpx.parse("x^2*y", x=3.0, y=2.0), 4, points=1, order=2)
    assert len(report.entries) == 6
    assert {entry.verdict.word for entry in report.entries} == {"cannot tell"}


def test_progress_counts_points_and_second_derivatives() -> None:
    done: list[float] = []
    bpx.parse("x^2", x=3.0).gradcheck(points=3, order=2, progress=done.append)
    np.testing.assert_allclose(done, np.arange(1, 7) / 6)
