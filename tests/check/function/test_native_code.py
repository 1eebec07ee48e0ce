"""Functions that may pass addresses to compiled code are not called with arrays of objects."""

from __future__ import annotations

import ctypes
from functools import partial
from typing import Any

import numpy as np
import pytest
from rows_of_a_table import every

from bpx.check.function.black_box import check_function
from bpx.check.function.native_code import GuardedArray, calls_native_code

LIBRARY = ctypes.pythonapi
SEEN: list[np.dtype[Any]] = []


def plain(x: Any) -> Any:
    return np.sum(np.tanh(x) * helper(x))


def helper(x: Any) -> Any:
    return x**2


def through_pointer(x: Any) -> Any:
    SEEN.append(x.dtype)
    y = np.ascontiguousarray(x.copy())
    pointer = y.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
    return np.sum(y) + 0 * pointer[0]


def around_it(x: Any) -> Any:
    return through_pointer(x)


class Wrapped:
    def __init__(self, library: Any) -> None:
        self.library = library

    def forward(self, x: Any) -> Any:
        return np.sum(x)


@every("function", [plain, helper, np.sin, partial(plain), lambda x: plain(x), len])
def test_plain_numpy_is_fine(function: Any) -> None:
    assert calls_native_code([function]) is None


@every(
    "function",
    [
        through_pointer,
        around_it,
        partial(around_it),
        lambda x: around_it(x),
        Wrapped(LIBRARY).forward,
        [plain, through_pointer],
        lambda x: np.frombuffer(x.__array_interface__),
    ],
)
def test_what_takes_addresses_is_found_however_it_is_reached(function: Any) -> None:
    assert calls_native_code([function]) is not None


def test_such_a_function_never_sees_objects() -> None:
    report = check_function(around_it, [np.array([0.5, 0.0])], lambda g, x: 1.5 * g * np.ones_like(x))
    assert report.verdict == "disagree"
    assert set(SEEN) == {np.dtype(float)}
    assert "native-code" in [note.code for note in report.notes]


def test_arrays_of_objects_have_no_address() -> None:
    array = np.array([object()]).view(GuardedArray)
    for name in ("ctypes", "data", "__array_interface__", "__array_struct__"):
        with pytest.raises(TypeError):
            getattr(array.copy(), name)


def test_many_digits_can_be_left_out() -> None:
    seen = []

    def forward(x: Any) -> Any:
        seen.append(x.dtype)
        return np.tanh(x)

    check_function(forward, [np.array([40.0])], lambda g, x: g * (1 - np.tanh(x) ** 2), exact=False)
    assert set(seen) == {np.dtype(float)}
