"""Specs and results are compared, hashed and pickled by what they say."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from rows_of_a_table import every

import bpx


def with_arrays() -> bpx.Spec:
    return bpx.parse("sum((w*x - 1)^2)", w=[2.0, 1.0], x=[3.0, 0.5])


SPECS: list[Callable[[], bpx.Spec]] = [
    with_arrays,
    lambda: bpx.load("leaky_relu"),  # with an op and claims of its own
]
RESULTS: list[Callable[[bpx.Spec], Any]] = [
    lambda spec: spec,
    lambda spec: spec.explain(),
    lambda spec: spec.gradcheck(),
]


@every("spec, result", [(spec, result) for spec in SPECS for result in RESULTS])
def test_what_says_the_same_is_equal(spec: Callable[[], bpx.Spec], result: Callable[[bpx.Spec], Any]) -> None:
    first, second = result(spec()), result(spec())
    assert first == first
    assert first == second and hash(first) == hash(second)
    assert pickle.loads(pickle.dumps(first)) == first
    assert first != "something else"


def test_other_values_are_another_spec_and_another_result() -> None:
    spec, other = with_arrays(), bpx.parse("sum((w*x - 1)^2)", w=[2.0, 1.5], x=[3.0, 0.5])
    assert spec != other
    assert spec.explain() != other.explain()
    assert spec.explain() != spec.gradcheck()
    assert len({spec, with_arrays(), other}) == 2


def test_trainings_and_sweeps_are_compared_too() -> None:
    spec = bpx.parse("(w*x - 1)^2", w=2.0, x=3.0)
    assert spec.train(wrt="w", steps=3) == spec.train(wrt="w", steps=3) != spec.train(wrt="w", steps=4)
    assert spec.sweep("w=0..1:3") == spec.sweep("w=0..1:3") != spec.sweep("w=0..1:4")
