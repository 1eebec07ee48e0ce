"""Nodes of one elementwise op, taken together."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from checking import spec, toml
from rows_of_a_table import every

from bpx.check.local.elementwise_batch import ElementwiseBatch, elementwise_batches
from bpx.graph.run import run


def groups_of(made):
    graph = made.graph
    values = run(graph, made.input_values, made.steps.values())
    return elementwise_batches(graph, sorted(values), values)


@pytest.fixture
def group() -> ElementwiseBatch:
    """Two maxima, one of which broadcasts: elements 0 to 5 and 6."""
    made = toml(
        "bpx = 1\n[inputs]\nx = [[1, 2, 3], [4, 5, 6]]\nb = [3, 3, 3]\nc = 7.0\n"
        '[graph]\nu = "max(x, b)"\nv = "max(c, 2)"\ny = "sum(u) * v"'
    )
    return next(group for group in groups_of(made) if group.op.name == "max")


def test_every_element_has_its_args(group):
    assert [arg.tolist() for arg in group.args] == [[1, 2, 3, 4, 5, 6, 7], [3, 3, 3, 3, 3, 3, 2]]
    assert group.out.tolist() == [3, 3, 3, 4, 5, 6, 7]


def test_the_elements_of_a_node_are_found_again(group):
    first, second = group.nodes
    assert group.part(first, group.out).tolist() == [[3, 3, 3], [4, 5, 6]]
    assert group.part(second, group.out).shape == ()


def test_nodes_of_one_op_under_other_guards_stand_apart():
    made = spec("x^2 + x^3 + x^-1 + x^0.5 + x^y", x=2.0, y=3.0)
    kinds = {
        tuple(guard.kind for guard in group.guards): len(group.nodes)
        for group in groups_of(made)
        if group.op.name == "pow"
    }
    assert kinds == {(): 2, ("nonzero",): 1, ("nonnegative",): 1, ("positive",): 1}


def test_the_op_along_one_arg_stops_at_the_guard(group):
    columns = np.array([1, 3])  # max(2, 3) and max(4, 3)
    points = np.array([[2.5, 3.5], [3.5, 2.5]])
    values, usable = group.along(0, columns)(points, np.array([0, 1]))
    assert values.tolist() == [[3, 3.5], [3.5, 3]]
    assert usable.tolist() == [[True, True], [False, False]]


def errors_of(group, **moved):
    """That of x and b as given, of every other arg none."""
    first = group.nodes[0]
    args = {arg for node in group.nodes for arg in group.graph.args[node]}
    errors = {arg: np.zeros(group.graph.shapes[arg]) for arg in args}
    return {**errors, **dict(zip(group.graph.args[first], moved.values(), strict=False))}


def test_elements_at_a_guard_are_flagged(group):
    assert np.flatnonzero(group.at_guard(["kink"], errors_of(group))).tolist() == [2]
    assert not group.at_guard(["positive", "nonzero"], errors_of(group)).any()


def test_where_rounding_decides_the_side_an_element_stands_at_the_guard(group):
    """4 against 3: half of the distance from either end reaches it, but not from one alone."""
    x, b = np.array([[0, 0, 0], [0.6, 0, 0]]), np.array([0.6, 0, 0])
    assert np.flatnonzero(group.at_guard(["kink"], errors_of(group, x=x, b=b))).tolist() == [2, 3]
    assert np.flatnonzero(group.at_guard(["kink"], errors_of(group, x=x))).tolist() == [2]


def test_the_rule_at_other_numbers(group):
    args = [np.full(7, 5.0), np.arange(7.0)]
    assert group.locals_at(0, args, group.out).tolist() == [1, 1, 1, 1, 1, 0.5, 0]
    assert group.locals_at(1, args, group.out).tolist() == [0, 0, 0, 0, 0, 0.5, 1]


@every("expression", ["x*y", "x/y", "x^3", "tanh(x)", "abs(x)", "max(x, y)", "log(x)"])
def test_slopes_on_balls_are_the_same_together_and_one_by_one(expression):
    """Also at kinks, ties and edges, where the run of all proves nothing."""
    balls = pytest.importorskip("bpx.check.local.elementwise_balls")
    pytest.importorskip("flint")
    numbers = [[1.5, 2.0, 3.0], [0.25, -1.0, 7.0], [0.0, 2.0, 1.0], [1e-300, 1.0, 1e300]]
    for xs, ys in zip(numbers, numbers[::-1], strict=True):
        for batch in groups_of(spec(expression, x=xs, **({"y": ys} if "y" in expression else {}))):
            for position in range(len(batch.op.args)):
                together = balls.enclosed_slopes(batch, [(position, 0), (position, 2)])
                alone = [balls.enclosed_slope(batch, position, column) for column in (0, 2)]
                assert [one and one[:2] for one in together] == [one and one[:2] for one in alone]


@pytest.mark.parametrize("y", [2.0, 0.0])
def test_slopes_on_balls_are_the_same_of_all_batches_and_batch_by_batch(y):
    """Also where some prove nothing, here a quotient by 0 and its sum: the others keep their slopes."""
    balls = pytest.importorskip("bpx.check.local.elementwise_balls")
    pytest.importorskip("flint")
    batches = groups_of(spec("sin(x)*x + x/y", x=[1.5, 2.0], y=[y, 3.0]))
    asked = [
        (batch, [(at, column) for at in range(len(batch.args)) for column in (1, 0)]) for batch in batches
    ]
    of_all = balls.enclosed_slopes_of_all(asked)
    assert [[one and one[:2] for one in slopes] for slopes in of_all] == [
        [one and one[:2] for one in balls.enclosed_slopes(*each)] for each in asked
    ]
    assert sum(one is None for slopes in of_all for one in slopes) == (4 if y == 0 else 0)


def test_few_elements_of_an_op_with_guards_can_be_sent_to_a_worker(group):
    some = pickle.loads(pickle.dumps(group.only(np.array([1, 3]))))
    assert some.value(0, np.array([5.0, 5.0]), [0, 1]).tolist() == [5, 5]
    assert (
        some.locals_at(0, some.args, some.out).tolist()
        == group.locals_at(0, group.args, group.out)[[1, 3]].tolist()
    )
