"""What is no array of real numbers, no input or named twice is refused by name."""

from __future__ import annotations

import datetime
from fractions import Fraction

import numpy as np
import pytest
from rows_of_a_table import every

import bpx


@every(
    "value",
    [
        np.array([1 + 2j]),
        np.ma.array([1.0, 2.0], mask=[False, True]),
        "2",
        b"1",
        np.datetime64("2020-01-01"),
        datetime.date(2020, 1, 1),
        None,
        10**400,
        [1, "2"],
        [1, None],
        {1: 2},
        bpx.Graph(),
        object(),
    ],
)
def test_no_numbers(value):
    with pytest.raises(bpx.BpxError) as caught:
        bpx.parse("x*x", x=value)
    (problem,) = caught.value.diagnostics
    assert problem.code in ("not-a-number", "not-finite-input")
    assert problem.facts["name"] == "x"


@every(
    "value",
    [
        1,
        True,
        np.float32(2),
        [1, 2],
        (1, 2),
        range(3),
        np.array([1, 2], dtype=object),
        Fraction(1, 2),
        np.ma.array([1.0, 2.0]),
    ],
)
def test_numbers(value):
    bpx.parse("sum(x*x)", x=value)


def test_a_node_has_one_name_and_is_an_input():
    graph = bpx.Graph()
    x, y = graph.input(), graph.input()
    for inputs, code in (
        ({"a": (x, 1), "b": (x, 2), "y": (y, 3)}, "node-named-twice"),
        ({"x": (x, 1), "y": (y, 2), "z": (x * y, 5)}, "no-input-node"),
    ):
        with pytest.raises(bpx.BpxError) as caught:
            bpx.from_graph(x * y, inputs)
        assert [problem.code for problem in caught.value.diagnostics] == [code]
