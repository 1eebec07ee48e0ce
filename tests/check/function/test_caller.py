"""Calling a stranger's functions: copies, types, names, and how gradients are handed back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bpx.check.function.caller import Caller
from bpx.words.diagnostic import BpxError


def zeros(g: Any, *inputs: Any) -> Any:
    return [np.zeros(np.shape(one)) for one in inputs]


def unpacked(result: Any, *inputs: Any) -> list[Any]:
    return Caller(lambda *x: 0.0, lambda g, *x: result, list(inputs), None).backward(np.ones(()))


def test_inputs_are_handed_over_as_copies() -> None:
    def spoiling(x: Any) -> Any:
        x[:] = 7
        return np.sum(x)

    given = np.ones(3)
    caller = Caller(spoiling, zeros, [given], None)
    assert caller.forward() == 21
    assert (given == 1).all()
    assert [note.code for note in caller.notes] == ["changes-input"]


def test_numbers_arrive_as_numbers() -> None:
    seen: list[Any] = []
    Caller(lambda x, y: seen.extend([x, y]) or 0.0, zeros, [2, np.array(3.0)], None).forward()
    assert all(isinstance(one, np.float64) for one in seen)


@pytest.mark.parametrize("value", [2, 2.5, [1, 2], np.float32(2), np.ones(2, np.float16)])
def test_numbers_are_widened(value: Any) -> None:
    caller = Caller(lambda x: 0.0, zeros, [value], None)
    assert caller.values[0].dtype == np.float64
    assert caller.varied == [0]


def nothing(g: Any, *inputs: Any) -> Any:
    return [None for _ in inputs]


@pytest.mark.parametrize("value", [np.array([1, 2]), np.int64(3), np.array([True, False]), True])
def test_integers_and_flags_of_which_nothing_is_claimed_are_data(value: Any) -> None:
    caller = Caller(lambda x: 0.0, nothing, [value], None)
    assert caller.varied == []
    assert [note.code for note in caller.notes] == ["integer-input"]


@pytest.mark.parametrize("value", [np.array([1, 2]), np.int64(3), np.array([3], np.uint8)])
def test_integers_of_which_something_is_claimed_are_numbers(value: Any) -> None:
    caller = Caller(np.sum, lambda g, x: 2 * g * x, [value], None)
    assert caller.values[0].dtype == np.float64
    assert [note.code for note in caller.notes] == ["widened-input"]


def test_zeros_for_indices_are_no_claim() -> None:
    caller = Caller(
        lambda x, i: x[i], lambda g, x, i: (g, np.zeros_like(i)), [np.ones(3), np.arange(3)], None
    )
    assert caller.varied == [0]


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ([np.ones(3), np.arange(3)], "integers-claimed"),
        ([np.ones(3), np.ones(3, bool)], "flags-claimed"),
    ],
)
def test_a_gradient_of_indices_is_refused(inputs: Any, code: str) -> None:
    with pytest.raises(BpxError) as caught:
        Caller(lambda x, i: x[i], lambda g, x, i: (g, g + 1), inputs, None)
    assert [problem.code for problem in caught.value.diagnostics] == [code]


def test_backward_follows_forward_at_the_same_values() -> None:
    """As in a layer that keeps its input for the way back."""
    kept: list[Any] = []

    def forward(x: Any) -> Any:
        kept[:] = [x]
        return np.sum(x**2)

    caller = Caller(forward, lambda g, x: 2 * g * kept[0], [np.array([1.0, 2.0])], None)
    caller.forward([np.array([5.0, 5.0])])
    assert caller.backward(np.ones(()))[0].tolist() == [2, 4]


def test_runs_at_the_same_values_are_compared() -> None:
    values = iter([1.0, 1.0, 1.0, 2.0])
    caller = Caller(lambda x: next(values), zeros, [np.ones(1)], None)
    for _ in range(3):
        caller.forward()
    assert caller.unsteady_at is None
    assert caller.nearby(caller.values) == 2
    assert caller.unsteady_at == [np.ones(1)]


def test_a_change_of_the_upstream_gradient_is_noted() -> None:
    def spoiling(g: Any, x: Any) -> Any:
        g *= 2
        return g

    caller = Caller(lambda x: 3 * x, spoiling, [np.ones(2)], None)
    caller.backward(np.ones(2))
    assert [note.code for note in caller.notes] == ["changes-upstream"]


@pytest.mark.parametrize(
    ("result", "count"),
    [(np.ones(2), 1), ([1.0, 2.0], 1), ((np.ones(2),), 1), ([np.ones(2)], 1), ([[1.0, 2.0]], 1)],
)
def test_the_gradient_of_a_single_input_may_stand_bare(result: Any, count: int) -> None:
    assert [one.shape for one in unpacked(result, np.ones(2))] == [(2,)] * count


def test_the_gradient_of_one_element() -> None:
    assert [one.shape for one in unpacked([0.5], np.ones(1))] == [(1,)]
    assert [one.shape for one in unpacked([np.ones(1)], np.ones(1))] == [(1,)]
    assert [one.shape for one in unpacked(0.5, 2.0)] == [()]


def test_several_gradients() -> None:
    assert unpacked((1.0, None), 2.0, 3.0)[1] is None
    assert len(unpacked([1.0, 2.0], 2.0, 3.0)) == 2
    assert len(unpacked(np.ones(2), 2.0, 3.0)) == 2
    with pytest.raises(BpxError):
        unpacked(1.0, 2.0, 3.0)


def test_what_fails_nearby_is_outside_and_what_fails_here_is_an_error() -> None:
    def picky(x: Any) -> Any:
        if x > 1:
            raise ArithmeticError("too large")
        return x

    caller = Caller(picky, zeros, [0.5], None)
    assert caller.nearby([np.array(0.7)]) == 0.7
    assert caller.nearby([np.array(1.5)]) is None
    with pytest.raises(BpxError, match="`forward` raised ArithmeticError: too large"):
        caller.forward([np.array(1.5)])


def test_names_come_from_the_function_where_it_has_them() -> None:
    assert Caller(lambda width, height: 0.0, zeros, [1.0, 2.0], None).names == ["width", "height"]
    assert Caller(lambda *sides: 0.0, zeros, [1.0, 2.0], None).names == ["x0", "x1"]
    assert Caller(max, zeros, [1.0, 2.0], None).names == ["x0", "x1"]
    assert Caller(lambda *sides: 0.0, zeros, [1.0, 2.0], ("a", "b")).names == ["a", "b"]
