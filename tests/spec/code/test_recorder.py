from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from backward_files import Instead, recorded, replaced, written

from bpx.spec.code.lines.recorder import RETURN, Key, Recorder

NETWORK = """
class Layer:
    def __init__(self):
        self.grads = {}

    def backward(self, d):
        self.dW = d * 2
        self.grads["W"] = self.dW + 1
        return self.grads["W"] * 3


def backward(d):
    layer = Layer()
    total = np.zeros(2)
    for k in range(3):
        part = d * k
        total += part
    total[0] = 7
    out = layer.backward(total)
    return out - 1
"""


def times(recorder: Recorder, target: str) -> list[list[float]]:
    return [np.asarray(one.value).tolist() for one in recorder.settings if one.key.target == target]


def test_loops_items_and_attributes_are_recorded(tmp_path: Path) -> None:
    recorder = recorded(written(tmp_path, NETWORK).backward, np.ones(2))
    assert times(recorder, "part") == [[0, 0], [1, 1], [2, 2]]
    assert times(recorder, "total") == [[0, 0], [0, 0], [1, 1], [3, 3], [7, 3]]
    assert times(recorder, "self.dW") == [[14, 6]]
    assert times(recorder, "self.grads['W']") == [[15, 7]]
    assert times(recorder, "d") == [[7, 3]]  # the argument of the method; that of backward itself is given
    assert times(recorder, RETURN) == [[45, 21], [44, 20]]
    assert set(recorder.locals) == {"d", "part", "total", "out"}


def test_the_part_of_an_array_that_is_set_shows(tmp_path: Path) -> None:
    recorder = recorded(written(tmp_path, NETWORK).backward, np.ones(2))
    [*_, last] = [one for one in recorder.settings if one.key.target == "total"]
    assert last.entries.tolist() == [True, False]


@pytest.mark.parametrize(
    ("line", "target", "time", "value", "result"),
    [
        (8, "self.dW", None, [1, 1], [5, 5]),
        (9, "self.grads['W']", None, [1, 1], [2, 2]),
        (7, "d", None, [0, 0], [2, 2]),
        (17, "part", 1, [5, 0], [44, 14]),
        (18, "total", 0, [0, 1], [44, 26]),
        (19, "total", None, [0, 0], [2, 2]),
        (20, "out", None, [1, 2], [0, 1]),
    ],
)
def test_a_replaced_value_is_used_from_then_on(
    tmp_path: Path, line: int, target: str, time: int | None, value: list[float], result: list[float]
) -> None:
    module = written(tmp_path, NETWORK)
    instead = Instead(Key(str(module.__file__), line, target), np.array(value, dtype=float), time)
    assert replaced(module.backward, instead, np.ones(2)).tolist() == result


def test_several_names_of_one_statement_keep_their_replacement(tmp_path: Path) -> None:
    inner = "def inner(a, b, c):\n    p, q = a, b\n    return p + q + c\n"
    text = inner + "def f(x):\n    return inner(x, x, x) * 1\n"
    module = written(tmp_path, text)
    for line, name in ((2, "a"), (2, "b"), (2, "c"), (3, "p"), (3, "q")):
        assert replaced(module.f, Instead(Key(str(module.__file__), line, name), 10.0), 1.0) == 12


def test_globals_and_closures_are_replaced(tmp_path: Path) -> None:
    text = """
    W = 1.0
    def step(d):
        global W
        W = d
        def inner():
            v = d * 2
            return v
        return inner() + W
    """
    module = written(tmp_path, text)
    assert replaced(module.step, Instead(Key(str(module.__file__), 6, "W"), 5.0), 1.0) == 7
    assert replaced(module.step, Instead(Key(str(module.__file__), 8, "v"), 5.0), 1.0) == 6


def test_generators_are_left_alone(tmp_path: Path) -> None:
    text = "def g():\n    y = 1.0\n    yield y\ndef f(x):\n    s = sum(g())\n    return s\n"
    assert times(recorded(written(tmp_path, text).f, 1.0), "y") == []


def test_an_error_in_a_replaced_run_reaches_the_caller_and_ends_the_trace(tmp_path: Path) -> None:
    import sys

    module = written(tmp_path, "def f(x):\n    i = x * 2\n    return [1, 2][int(i)]\n")
    before = sys.gettrace()
    with pytest.raises(IndexError):
        replaced(module.f, Instead(Key(str(module.__file__), 3, "i"), 9.0), 0.0)
    assert sys.gettrace() is before
