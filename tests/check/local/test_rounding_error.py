"""What rounding may have done to the values: bounds that hold, and that are not much wider than need be."""

from __future__ import annotations

import numpy as np
import pytest
from checking import point_of, spec
from hypothesis import given
from oracle import VALUES, mp
from random_specs import SMOOTH, Template, scalar_specs

from bpx.check.local.rounding_error import ends_of, rounding_errors
from bpx.graph.graph import CONSTANT, INPUT

SCALARS = [one for one in SMOOTH if "sum" not in one.text and "mean" not in one.text and "@" not in one.text]


def all_errors(point):
    return rounding_errors(point.graph, point.forward, point.values)


def rounding_error(expression, **values):
    """The error of the output and its value."""
    made = spec(expression, **values)
    point = point_of(made)
    return all_errors(point)[made.output], point.values[made.output]


def test_inputs_and_constants_are_exact():
    made = spec("x + 0.1", x=0.2)
    errors = all_errors(point_of(made))
    assert [float(errors[node]) for node in made.input_values] == [0.0]
    assert float(errors[made.output]) == pytest.approx(2.0**-52 * 0.3)


def test_cancelling_leaves_the_rounding_of_what_cancels():
    width, value = rounding_error("(0.1 + x) - 0.3", x=0.2)
    assert abs(value) < 1e-15 < 1e15 * width  # the value is nothing but rounding
    assert 5e-17 < width < 2e-16


def test_what_an_op_hands_on_it_does_not_round():
    assert rounding_error("max(x, y)", x=0.1, y=0.7)[0] == 0
    assert rounding_error("relu(x)", x=0.1)[0] == 0
    assert rounding_error("1 + x", x=1e-20)[0] > 0  # though it is 1, one of the args


def test_a_sum_of_many_and_a_product_of_matrices():
    rng = np.random.default_rng(0)
    x = rng.normal(size=1000)
    width, value = rounding_error("sum(x)", x=x)
    assert abs(float(value) - float(mp.fsum(map(mp.mpf, x)))) <= width < 1e-11
    a, b = rng.normal(size=(4, 50)), rng.normal(size=(50, 3))
    width, value = rounding_error("a @ b", a=a, b=b)
    pairs = [[list(zip(map(mp.mpf, row), map(mp.mpf, column), strict=True)) for column in b.T] for row in a]
    exact = np.array([[float(mp.fdot(one)) for one in row] for row in pairs])
    assert (np.abs(value - exact) <= width).all()
    assert (width < 1e-12).all()


def test_the_ends_are_every_combination():
    args, widths = [np.array(1.0), np.array(2.0)], [np.array(0.1), np.array(0.0)]
    assert [[float(one) for one in ends] for ends in ends_of(args, widths)] == [[0.9, 2.0], [1.1, 2.0]]
    assert len(list(ends_of(args, [np.array(0.1)] * 2))) == 4
    assert list(ends_of(args, [np.array(0.0)] * 2)) == []


@given(scalar_specs([Template(one.text, one.shape) for one in SCALARS], [()]))
def test_the_true_value_lies_within(made):
    graph = made.graph
    nodes = graph.needs(of=[made.output])
    point = point_of(made)
    exact = {}
    for node in nodes:
        if graph.ops[node] is INPUT:
            exact[node] = mp.mpf(float(made.input_values[node]))
        elif graph.ops[node] is CONSTANT:
            exact[node] = mp.mpf(float(graph.constants[node]))
        elif graph.ops[node].name in VALUES:
            exact[node] = VALUES[graph.ops[node].name](*(exact[arg] for arg in graph.args[node]))
        else:
            return
    for node, width in rounding_errors(graph, nodes, point.values).items():
        assert abs(mp.mpf(float(point.values[node])) - exact[node]) <= 2 * float(width) + 1e-300
