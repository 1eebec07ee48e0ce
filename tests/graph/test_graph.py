"""The graph: its two doors, what rests on what, its limits, and running it."""

import math
from copy import copy, deepcopy
from dataclasses import replace
from decimal import Decimal
from pickle import dumps, loads

import numpy as np
import pytest

import bpx.ops
from bpx.graph.arrays import LARGEST_NODE, ShapeError, broadcast, content
from bpx.graph.graph import CONSTANT, INPUT, OPS, Expr, Graph
from bpx.graph.run import run


@pytest.fixture
def v(graph):
    return graph.input((3,))


def names(graph: Graph) -> list[str]:
    return [op.name for op in graph.ops]


def value(expr: Expr, given=None) -> np.ndarray:
    return run(expr.graph, {one.id: number for one, number in (given or {}).items()}, [expr.id])[expr.id]


# --- literal nodes ------------------------------------------------------------------------------

WITH_NOTHING_TO_DO = [("mul", 1), ("mul", 0), ("add", 0), ("sub", 0), ("div", 1), ("pow", 1)]


@pytest.mark.parametrize(("name", "number"), WITH_NOTHING_TO_DO)
def test_what_is_typed_stays_as_typed(graph, x, name, number):
    out = graph.add(OPS[name], x, graph.constant(number))
    assert out.op is OPS[name]
    assert out.args[0].id == x.id
    assert out.args[1].number == number


def test_numbers_typed_stay_numbers(graph):
    out = graph.add(OPS["add"], graph.constant(1), graph.constant(2))
    assert names(graph) == ["constant", "constant", "add"]
    assert value(out) == 3


def test_a_node_typed_twice_is_two_nodes(graph, x, y):
    assert graph.add(OPS["mul"], x, y).id != graph.add(OPS["mul"], x, y).id


def test_a_node_that_was_typed_is_shared_by_rules(graph, x, y):
    typed = graph.add(OPS["mul"], x, y)
    graph.add(OPS["mul"], x, y)
    assert (x * y).id == typed.id


def test_args_come_before_their_node(graph, x, y):
    _ = OPS["exp"](x * y + 1) / (y - 2) ** x
    assert all(arg < node for node, args in enumerate(graph.args) for arg in args)


# --- folded nodes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "build",
    [
        lambda x: x * 1,
        lambda x: 1 * x,
        lambda x: x + 0,
        lambda x: 0 + x,
        lambda x: x - 0,
        lambda x: x / 1,
        lambda x: x**1,
        lambda x: x * 1.0 + 0.0,
        lambda x: x * np.float64(1),
        lambda x: x * np.array(1.0),
        lambda x: x + -0.0,
    ],
)
def test_a_unit_folds_away(graph, x, build):
    assert build(x).id == x.id


@pytest.mark.parametrize(
    "build", [lambda x: 0 - x, lambda x: 1 / x, lambda x: 1**x, lambda x: x**0, lambda x: x + 1]
)
def test_what_is_no_unit_stays(graph, x, build):
    assert build(x).args


@pytest.mark.parametrize(
    ("build", "number"),
    [
        (lambda two: two + 3, 5),
        (lambda two: 3 - two, 1),
        (lambda two: two * two, 4),
        (lambda two: 1 / two, 0.5),
        (lambda two: two**-1, 0.5),
        (lambda two: -two, -2),
        (lambda two: -(two * 3) + 1, -5),
    ],
)
def test_numbers_fold_to_a_number(graph, build, number):
    assert build(graph.constant(2)).number == number


def test_numbers_do_not_fold_to_infinity(graph):
    out = 1 / graph.constant(0)
    assert out.op is OPS["div"]
    assert value(out) == math.inf


@pytest.mark.parametrize("build", [lambda x: 0 * x, lambda x: x * 0, lambda x: x * np.float64(0)])
def test_zero_absorbs(graph, x, build):
    assert build(x).number == 0


def test_zero_times_a_vector_is_a_vector(graph, v):
    out = 0 * v
    assert out.shape == (3,)
    assert value(out).tolist() == [0, 0, 0]


def test_zero_times_a_matrix_and_a_row_keeps_the_broadcast_shape(graph, v):
    assert (graph.input((2, 3)) * 0 * v).shape == (2, 3)


def test_operators_on_scalars_build_what_calls_of_the_ops_do(graph, x, y):
    """They know only that 0 and 1 fold, of scalars that are no constants."""
    for name, sign in {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**"}.items():
        assert {*OPS[name].unit, OPS[name].absorb} <= {None, 0, 1}
        for other in (y, x, graph.constant(2), graph.constant(0), 0, -0.0, 1, True, 2, 2.0, -3, math.inf):
            assert eval(f"x {sign} other").id == OPS[name](x, other).id


def test_a_unit_array_does_not_fold(graph, x, v):
    """Ones of a shape may broadcast; only the number 1 hands the other arg on as it is."""
    assert (x * np.ones(3)).shape == (3,)
    assert (v * np.ones((2, 1))).shape == (2, 3)
    assert (x + np.zeros(3)).shape == (3,)


@pytest.mark.parametrize(
    "build",
    [
        lambda x, y: x * y,
        lambda x, y: OPS["exp"](x + y),
        lambda x, y: OPS["sum"](x, axis=[]),
        lambda x, y: 2 * x,
        lambda x, y: x < y,
    ],
)
def test_equal_nodes_are_shared(graph, x, y, build):
    first = build(x, y)
    size = len(graph)
    assert build(x, y).id == first.id
    assert len(graph) == size


def test_what_differs_is_not_shared(graph, x, y, v):
    matrix = graph.input((2, 3))
    nodes = [
        x - y,
        y - x,
        x * y,
        OPS["sum"](matrix, axis=0),
        OPS["sum"](matrix, axis=1),
        OPS["sum"](matrix, axis=1, keepdims=True),
        OPS["mean"](matrix, axis=0),
    ]
    assert len({node.id for node in nodes}) == len(nodes)


def test_settings_in_other_words_are_shared(graph):
    matrix = graph.input((2, 3))
    assert OPS["sum"](matrix, axis=-1).id == OPS["sum"](matrix, axis=[1]).id
    assert OPS["sum"](matrix).id == OPS["sum"](matrix, axis=[0, 1]).id


def test_inputs_are_never_shared(graph):
    assert graph.input().id != graph.input().id


def test_constants_are_shared(graph):
    assert graph.constant(2).id == graph.constant(2.0).id
    assert graph.constant([1, 2]).id == graph.constant(np.array([1.0, 2.0])).id
    assert len(graph) == 2


@pytest.mark.parametrize(
    ("one", "other"), [(0.0, -0.0), (1.0, [1.0]), ([1, 2], [[1, 2]]), (1.0, np.nextafter(1, 2))]
)
def test_constants_that_differ_are_not_shared(graph, one, other):
    assert graph.constant(one).id != graph.constant(other).id


# --- handles ------------------------------------------------------------------------------------

ARRAY = np.array([1.0, 2.0, 3.0])
OPERATORS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: a**b,
    "matmul": lambda a, b: a @ b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
}


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)
def test_arrays_and_handles_mix_on_either_side(v, operator):
    other = np.array([0.5, 2.0, 4.0])
    np.testing.assert_array_equal(value(operator(ARRAY, v), {v: other}), operator(ARRAY, other))
    np.testing.assert_array_equal(value(operator(v, ARRAY), {v: other}), operator(other, ARRAY))


@pytest.mark.parametrize("operator", [op for name, op in OPERATORS.items() if name != "matmul"])
@pytest.mark.parametrize("number", [2, 2.5, np.float64(2.5), np.int64(2)])
def test_numbers_and_handles_mix_on_either_side(x, operator, number):
    assert value(operator(number, x), {x: 1.5}) == operator(number, 1.5)
    assert value(operator(x, number), {x: 1.5}) == operator(1.5, number)


def test_unary_operators(x, v):
    assert value(-x, {x: -2.0}) == 2
    assert value(abs(x), {x: -2.0}) == 2
    assert value(v.T, {v: ARRAY}).tolist() == [1, 2, 3]


def test_a_handle_knows_its_node(graph, x, v):
    out = x * v
    assert (out.op, out.shape, out.ndim, out.number) == (OPS["mul"], (3,), 1, None)
    assert [arg.id for arg in out.args] == [x.id, v.id]
    assert graph.constant([2.0]).number is None
    assert graph[out.id].id == out.id


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)
def test_graphs_do_not_mix(v, operator):
    stranger = Graph().input((3,))
    with pytest.raises(ValueError, match="one graph"):
        operator(v, stranger)


def test_graphs_do_not_mix_at_the_literal_door(graph, x, y):
    other = Graph()
    stranger = [other.input(), other.input()][1]
    with pytest.raises(ValueError, match="one graph"):
        graph.add(OPS["add"], x, stranger)


# --- what rests on what -------------------------------------------------------------------------


def test_needs_are_in_order_and_no_more(graph, x, y):
    a = x * y
    b = OPS["exp"](a)
    c = y + 1
    _ = c * 5
    assert graph.needs(of=[b.id]) == [x.id, y.id, a.id, b.id]
    assert graph.needs(of=[c.id, a.id]) == sorted([x.id, y.id, a.id, *[arg.id for arg in c.args[1:]], c.id])
    assert graph.needs(of=[x.id]) == [x.id]
    assert graph.needs(of=[]) == []


def test_touched_are_the_nodes_that_depend(graph, x, y):
    a = x * 2
    b = y + 1
    c = a + b
    flags = graph.touched(by=[x.id], upto=len(graph) - 1)
    assert [node for node, flag in enumerate(flags) if flag] == [x.id, a.id, c.id]
    assert not any(graph.touched(by=[], upto=c.id))
    assert len(graph.touched(by=[c.id], upto=a.id)) == a.id + 1


# --- limits -------------------------------------------------------------------------------------


def test_the_largest_node_is_allowed(graph):
    assert graph.input((LARGEST_NODE,)).shape == (LARGEST_NODE,)


@pytest.mark.parametrize("shape", [(LARGEST_NODE + 1,), (2**14, 2**13), (2**40, 2**40)])
def test_a_larger_input_is_refused(graph, shape):
    with pytest.raises(ShapeError, match="elements"):
        graph.input(shape)


@pytest.mark.parametrize(
    ("name", "shapes", "settings"),
    [
        ("outer", [(2**14,), (2**14,)], {}),
        ("add", [(2**14, 1), (2**14,)], {}),
        ("matmul", [(2**14, 1), (1, 2**14)], {}),
        ("spread", [()], {"shape": [2**30], "axis": [0]}),
    ],
)
@pytest.mark.parametrize("literal", [True, False])
def test_a_larger_result_is_refused(graph, name, shapes, settings, literal):
    args = [graph.input(shape) for shape in shapes]
    size = len(graph)
    with pytest.raises(ShapeError, match="elements") as caught:
        graph.add(OPS[name], *args, **settings) if literal else OPS[name](*args, **settings)
    assert caught.value.op == name
    assert len(graph) == size


def test_zero_times_something_too_large_is_refused(graph):
    with pytest.raises(ShapeError):
        OPS["mul"](np.zeros((2**14, 1)), graph.input((2**14,)))


@pytest.mark.parametrize(
    ("shapes", "shape"),
    [
        ([(), ()], ()),
        ([(3,), ()], (3,)),
        ([(), (3,)], (3,)),
        ([(2, 1), (3,)], (2, 3)),
        ([(2, 1), (1, 3), ()], (2, 3)),
    ],
)
def test_broadcast(shapes, shape):
    assert broadcast("add", shapes) == shape


# --- running ------------------------------------------------------------------------------------


def test_run_gives_targets_and_all_they_rest_on(graph, x, y):
    a = x * y
    b = a + 1
    values = run(graph, {x.id: 2.0, y.id: 3.0}, [b.id])
    assert {node: float(found) for node, found in values.items()} == {
        x.id: 2,
        y.id: 3,
        a.id: 6,
        b.args[1].id: 1,
        b.id: 7,
    }


def test_given_inner_values_are_not_computed(graph, x):
    inner = OPS["exp"](x)
    out = inner * 2
    assert value(out, {x: 1.0, inner: 10.0}) == 20


def test_inputs_nobody_needs_need_no_value(graph, x, y):
    assert value(x + 1, {x: 2.0}) == 3


def test_an_input_without_a_value_is_an_error(graph, x, y):
    with pytest.raises(KeyError, match=str(y.id)):
        value(x + y, {x: 2.0})


def test_numpy_stays_silent(graph, x):
    assert value(OPS["log"](x), {x: 0.0}) == -math.inf
    assert np.isnan(value(OPS["log"](x), {x: -1.0}))


def test_whole_numbers_are_taken_as_floats(graph, x):
    assert value(x**-1, {x: 2}) == 0.5
    assert value(1 / x, {x: np.int64(4)}) == 0.25


def test_a_run_leaves_no_trace(graph, x):
    out = OPS["sin"](x) * x
    size = len(graph)
    first = value(out, {x: 1.0})
    value(out, {x: 2.0})
    assert value(out, {x: 1.0}) == first
    assert len(graph) == size


def test_numbers_with_more_digits_pass_unchanged(graph, x):
    tenth = np.array(Decimal("0.1"), dtype=object)
    assert value(x * x, {x: tenth}) == Decimal("0.01")
    assert value(OPS["exp"](x), {x: tenth}) == Decimal("0.1").exp()
    assert value(OPS["exp"](x), {x: Decimal("0.1")}) == Decimal("0.1").exp()


def test_beside_numbers_with_more_digits_all_are_such_numbers(graph, x, y):
    out = OPS["where"](x > 0, x, 0) + OPS["relu"](-x) + 0.5 + y * np.ones(2)
    tenth = np.array(Decimal("0.1"), dtype=object)
    values = run(graph, {x.id: tenth, y.id: 2.0}, [out.id])
    assert values[out.id].tolist() == [Decimal("2.6")] * 2
    assert all(isinstance(one, Decimal) for array in values.values() for one in array.flat)
    assert all(isinstance(array, np.ndarray) for array in values.values())


def test_a_batch_of_scalars(graph, x):
    out = x * x + graph.constant(1)
    assert run(graph, {x.id: ARRAY}, [out.id], batch=True)[out.id].tolist() == [2, 5, 10]


def test_a_long_chain_runs(graph, x):
    out = x
    for _ in range(100_000):
        out = graph.add(OPS["neg"], out)
    assert value(out, {x: 3.0}) == 3


# --- the table ----------------------------------------------------------------------------------


def test_every_row_stands_in_the_table_under_all_its_names():
    for op in bpx.ops.rows():
        assert all(OPS[name] is op for name in (op.name, *op.aliases))


def test_a_second_row_of_the_same_name_is_refused():
    with pytest.raises(ValueError, match="exp"):
        bpx.ops.building.row.register(OPS["exp"])


def test_every_row_has_exactly_one_rule():
    for op in bpx.ops.rows():
        assert (op.local is None) != (op.pull is None) or op.composite, op.name
        assert op.args, op.name


def test_a_node_has_no_truth_value():
    x = Graph().input()
    with pytest.raises(TypeError, match="where"):
        bool(x > 0)


def test_equality_builds_a_node():
    graph = Graph()
    x, y = graph.input(), graph.input()
    assert (x == y).op is OPS["eq"]
    assert (x != 0).op is OPS["ne"]


def test_a_node_is_indexed_as_an_array_is():
    graph = Graph()
    x = graph.input((2, 3))
    values = np.arange(6.0).reshape(2, 3)
    for at in (0, -1, slice(1, None), (..., 0), (0, slice(None, None, -1)), (1, 2), ...):
        out = x[at]
        assert out.op is OPS["index"]
        np.testing.assert_array_equal(run(graph, {x.id: values}, [out.id])[out.id], values[at])


def test_a_node_is_nothing_to_loop_over():
    x = Graph().input((2, 3))
    with pytest.raises(TypeError, match="iterable"):
        iter(x)
    with pytest.raises(TypeError):
        0 in x  # noqa: B015


def test_an_op_without_a_handle_is_refused():
    with pytest.raises(TypeError, match="handle"):
        OPS["exp"](2.0)


def test_a_copy_of_an_op_is_the_op():
    for op in (OPS["exp"], INPUT, CONSTANT):
        assert copy(op) is deepcopy(op) is loads(dumps(op)) is op


def test_a_copy_of_an_op_beside_the_table_is_the_op():
    """Also where it has the name of another."""
    for name in ("gated", "exp", "input"):
        op = replace(OPS["sigmoid"], name=name)
        assert copy(op) is deepcopy(op) is op
        with pytest.raises(TypeError, match=name):
            dumps(op)


def test_ops_of_one_name_are_two_ops(graph, x):
    other = replace(OPS["exp"], value=np.expm1)
    assert OPS["exp"](x).id != other(x).id


def test_a_constant_is_a_copy():
    graph, values = Graph(), np.ones(2)
    constant = graph.constant(values)
    values[:] = 5
    np.testing.assert_array_equal(graph.constants[constant.id], [1, 1])


def test_more_axes_than_arrays_have():
    graph = Graph()
    with pytest.raises(ShapeError, match="axes"):
        graph.add(OPS["reshape"], graph.input(), shape=[1] * 71)


@pytest.mark.parametrize("size", [3, 2**14])
def test_equal_constants_are_one_node_and_take_no_second_copy(size: int) -> None:
    graph, values = Graph(), np.arange(size, dtype=float)
    first = graph.constant(values)
    assert graph.constant(values[::-1][::-1].copy()).id == first.id
    assert graph.constant(values[::-1]).id != first.id
    assert graph.constant(values.reshape(1, size)).id != first.id
    assert len(content(values)) <= 2**16
