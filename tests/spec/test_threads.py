"""The same specs and functions in eight threads, and in a process that was spawned: the same results."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest

import bpx


def results(spec: bpx.Spec) -> tuple[Any, ...]:
    """Everything that a spec is asked, in a form that shows each digit."""
    claims = dict.fromkeys([spec.inputs[0].name], spec.inputs[0].value + 1)
    return (
        spec.explain().to_json(),
        spec.gradcheck(claims=claims).to_json(),
        repr(spec.value_and_gradients()),
        repr(spec.compile()()),
    )


def half(x: Any) -> Any:
    return np.sum(np.tanh(x) ** 2)


def of_half(g: Any, x: Any) -> Any:
    d = g * np.tanh(x) * (1 - np.tanh(x) ** 2)  # the factor 2 is missing
    return [d]


def of_functions() -> tuple[Any, ...]:
    """A trace, and a check that tries other statements in the function."""
    x = np.array([0.1, 0.2])
    return bpx.trace(half, x).explain().to_json(), bpx.gradcheck(half, [x], of_half).to_json()


@pytest.fixture
def switching() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def specs() -> list[bpx.Spec]:
    cancelling = bpx.parse("(1/(x+1)-2/x)+1/(x-1)", x=954840.5563720833)
    return [bpx.load("logistic_regression"), cancelling]


def test_threads_do_not_disturb_each_other(switching: None) -> None:
    every = specs()
    tasks: list[Callable[[], Any]] = [lambda spec=spec: results(spec) for spec in every]  # type: ignore[misc]
    tasks.append(of_functions)
    expected = [task() for task in tasks]
    with ThreadPoolExecutor(8) as threads:
        jobs = [threads.submit(task) for task in [*tasks, *tasks]]
        assert [job.result() for job in jobs] == [*expected, *expected]


def test_a_spawned_process_gives_the_same() -> None:
    spec = bpx.load("leaky_relu")  # with an op of its own
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        assert processes.submit(results, spec).result() == results(spec)
