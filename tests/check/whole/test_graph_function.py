"""The whole graph as a function of one entry, or along one line."""

from __future__ import annotations

import numpy as np
import pytest
from checking import spec, toml

from bpx.check.numeric import multiprecision
from bpx.check.whole import graph_function
from bpx.check.whole.graph_function import GraphFunction


@pytest.fixture
def made():
    return toml('bpx = 1\n[inputs]\nx = [1.0, 2.0]\ny = 3.0\n[graph]\nu = "x^2 * y"\nv = "u + relu(y - 4)"')


def program_of(made, **options) -> GraphFunction:
    return GraphFunction(made.graph.copy(), made.output, np.array([1.0, 10.0]), made.input_values, **options)


def formula(x0, x1, y):
    return (x0**2 * y + max(y - 4, 0)) + 10 * (x1**2 * y + max(y - 4, 0))


def test_coordinates(made):
    x, y = made.nodes["x"], made.nodes["y"]
    function = program_of(made).coordinates([(x, 1), (y, 0), (x, 0)])
    points = np.array([[5.0, 7.0], [-1.0, 0.5]])
    values, usable = function(points, np.array([0, 1]))
    wanted = [[formula(1, 5, 3), formula(1, 2, 7)], [formula(1, -1, 3), formula(1, 2, 0.5)]]
    np.testing.assert_allclose(values, wanted, rtol=1e-14)
    assert usable.all()
    values, _ = function(points[:, :1], np.array([2]))
    np.testing.assert_allclose(values, [[formula(5, 2, 3)], [formula(-1, 2, 3)]], rtol=1e-14)


def test_lines(made):
    x, y = made.nodes["x"], made.nodes["y"]
    direction = {x: np.array([1.0, -2.0]), y: np.array(0.5)}
    values, _ = program_of(made).lines([direction])(np.array([[0.0], [2.0]]), np.array([0]))
    np.testing.assert_allclose(values, [[formula(1, 2, 3)], [formula(3, -2, 4)]], rtol=1e-14)


def test_the_inputs_stay_as_they_are(made):
    before = {node: value.copy() for node, value in made.input_values.items()}
    program_of(made).coordinates([(made.nodes["x"], 0)])(np.array([[9.0]]), np.array([0]))
    assert all(np.array_equal(before[node], made.input_values[node]) for node in before)


def test_a_guarded_program_is_usable_up_to_the_kink(made):
    function = program_of(made, guarded=True).coordinates([(made.nodes["y"], 0)])
    _, usable = function(np.array([[3.9], [4.1]]), np.array([0]))
    assert usable.ravel().tolist() == [True, False]
    _, usable = program_of(made).coordinates([(made.nodes["y"], 0)])(np.array([[4.1]]), np.array([0]))
    assert usable.all()


def test_what_is_not_finite_is_not_usable():
    made = spec("log(x)", x=1.0)
    function = GraphFunction(made.graph, made.output, np.ones(()), made.input_values).coordinates(
        [(made.nodes["x"], 0)]
    )
    _, usable = function(np.array([[0.5], [-0.5]]), np.array([0]))
    assert usable.ravel().tolist() == [True, False]


def test_chunks_change_nothing(made, monkeypatch):
    x = made.nodes["x"]
    points, chosen = np.linspace(-2, 2, 35).reshape(5, 7), np.arange(7)
    function = program_of(made).coordinates([(x, i % 2) for i in range(7)])
    whole, _ = function(points, chosen)
    monkeypatch.setattr(graph_function, "BATCH_ELEMENTS", 1)
    parts, _ = function(points, chosen)
    assert np.array_equal(whole, parts)


def test_numbers_of_more_digits(made):
    x = made.nodes["x"]
    lifted = {node: multiprecision.lifted(value) for node, value in made.input_values.items()}
    found = program_of(made).in_multiprecision((x, 1), lifted)(multiprecision.Multiprecision(1) / 3)
    rest = found - formula(1, 0, 3) - 10 * (multiprecision.Multiprecision(1) / 9) * 3
    assert abs(rest) < 1e-60


def test_the_grain_is_that_of_the_largest_number_met():
    made = spec("(x + 1e6) - 1e6", x=1.0)
    found = GraphFunction(made.graph, made.output, np.ones(()), made.input_values).rounding
    assert found == pytest.approx(1e6 * 2.0**-52, rel=1e-5)
