"""Looks at the entries of one point in workers: the same bytes, and what is said of those that are lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from dying import Dying
from rows_of_a_table import every

import bpx
from bpx.check.gradcheck import gradcheck
from bpx.check.tasks.looks import Sharing, looked, sharing
from bpx.check.tasks.lost import WorkerLost
from bpx.check.tasks.processes import processes
from bpx.spec.spec import Spec


def elements() -> Spec:
    """Elements of tanh so far out that each is looked at in many digits, in a graph too large for these."""
    x = np.linspace(12, 19, 20)
    return bpx.parse("sum(sin(tanh(x) @ W))", x=x, W=np.cos(np.arange(20.0 * 200).reshape(20, 200)))


def entries() -> Spec:
    """Entries whose terms cancel, beside a kink, so that each is looked at in many digits."""
    x = np.linspace(-1, 1, 9)
    return bpx.parse("sum(relu(x)*y) + 1e12*(sum(x^2) - sum(x*x))", x=x, y=np.cos(x))


def extended() -> Spec:
    """Entries whose terms cancel: without a budget for many digits, each in extended precision."""
    x = np.linspace(-1, 1, 12)
    return bpx.parse("sum(tanh(x)*y) + 1e9*(sum(exp(x)*exp(x)) - sum(exp(2*x)))", x=x, y=np.cos(x))


# Operations of a chunk, and options; `lost` are the entries of its second chunk.
WORK: dict[str, Any] = {
    "elements": (elements, 5000, {"budget": 20_000}, range(5, 10)),
    "entries": (entries, 2 * 4300, {}, [2, 3]),
    "extended": (extended, 3 * 123, {"budget": 1}, [3, 4, 5]),
}


@pytest.fixture(autouse=True)
def _without_balls(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proof would leave nothing to look at."""
    monkeypatch.setattr("bpx.check.balls.ball_context.available", lambda: False)


def small_chunks(monkeypatch: pytest.MonkeyPatch, name: str) -> tuple[Spec, dict[str, Any], list[int]]:
    make, operations, options, lost = WORK[name]
    monkeypatch.setattr("bpx.check.tasks.looks.LOOK_OPERATIONS", operations)
    monkeypatch.setattr("bpx.check.whole.graph_multiprecision.EXTENDED_LOOK_OPERATIONS", operations)
    monkeypatch.setattr("bpx.check.whole.graph_multiprecision.STILL_SHARE", 0)
    return make(), {"wrt": "x", "all": True, **options}, list(lost)


@every("name", WORK)
def test_the_report_is_the_same_for_any_number_of_workers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, options, _ = small_chunks(monkeypatch, name)
    alone = spec.gradcheck(**options).to_json()
    counting = Dying()
    assert spec.gradcheck(**options, executor=counting).to_json() == alone
    assert counting.count >= 4
    with ThreadPoolExecutor(2) as executor:
        assert spec.gradcheck(**options, executor=executor).to_json() == alone
    once = Dying(1, 2)
    assert spec.gradcheck(**options, executor=once).to_json() == alone


def test_processes_give_the_same_report(monkeypatch: pytest.MonkeyPatch) -> None:
    with processes(2) as executor:
        for name in WORK:
            spec, options, _ = small_chunks(monkeypatch, name)
            assert (
                spec.gradcheck(**options, executor=executor).to_json() == spec.gradcheck(**options).to_json()
            )


class _LosingOne(Dying):
    """The second call, and the same call again, end as if their worker had died."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        if self.count == 1:
            self.doomed = args
        self.deaths = (self.count,) if self.count and args[-1] == self.doomed[-1] else ()
        return super().submit(fn, *args, **kwargs)


@every("name", WORK)
def test_a_lost_worker_leaves_its_entries_open(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, options, lost = small_chunks(monkeypatch, name)
    alone = spec.gradcheck(**options)
    report = gradcheck(spec, **options, executor=_LosingOne())
    for entry, before in zip(_by_index(report), _by_index(alone), strict=True):
        if entry.index[0] in lost:
            assert (entry.verdict.word, entry.reason.code) == ("cannot tell", "worker-lost")
        else:
            assert entry.verdict == before.verdict
            np.testing.assert_array_equal(
                [entry.claimed, entry.reference], [before.claimed, before.reference]
            )
    notes = [(note.code, note.facts["count"]) for note in report.notes if note.code == "looks-lost"]
    assert notes == [("looks-lost", len(lost))]


def _by_index(report: Any) -> list[Any]:
    return sorted(report.entries, key=lambda entry: entry.index)


def doubled_until_negative(factor: int, numbers: Any) -> Any:
    for number in numbers:
        if number < 0:
            return
        yield factor * number


def test_looks_end_where_one_gives_up() -> None:
    numbers = [1, 2, 3, -1, 5, 6]
    alone = list(looked(doubled_until_negative, 10, numbers, 1, 2))
    with sharing(Sharing(Dying())):
        assert list(looked(doubled_until_negative, 10, numbers, 1, 2)) == alone == [10, 20, 30]


def test_lost_looks_are_counted() -> None:
    workers = Sharing(Dying(0, 3))
    with sharing(workers):
        given = list(looked(doubled_until_negative, 10, [1, 2, 3, 4, 5], 1, 2))
    assert [type(answer) for answer in given[:2]] == [WorkerLost, WorkerLost]
    assert given[2:] == [30, 40, 50]
    assert workers.lost == 2
