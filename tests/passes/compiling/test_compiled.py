"""Compiled graphs give what `run` gives, up to rounding, and every rewriting applies where it may."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, mutually_broadcastable_shapes
from random_specs import specs
from rows_of_a_table import every

from bpx import ops
from bpx.graph.graph import Expr, Graph, Op
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.run import run
from bpx.passes.compiling.compiled import Compiled, compiled
from bpx.passes.compiling.rewritings import REWRITINGS
from bpx.passes.reverse import grad
from bpx.spec.reading.examples import example_names
from bpx.spec.reading.target import read_target

Values = dict[int, Any]


def drawn(exprs: Sequence[Expr], seed: int = 0) -> Values:
    """Values for inputs, negative ones among them."""
    rng = np.random.default_rng(seed)
    return {expr.id: rng.normal(size=expr.shape) for expr in exprs}


def assert_as_run(targets: Sequence[Expr], given: Values, free: Sequence[int] | None = None) -> Compiled:
    """The targets compiled are the targets run; all inputs are free unless `free` says which."""
    graph, nodes = targets[0].graph, [expr.id for expr in targets]
    free = list(given) if free is None else free
    made = compiled(graph, nodes, free, {node: given[node] for node in given if node not in free})
    found = made({node: given[node] for node in free})
    wanted = run(graph, given, nodes)
    largest = max(float(np.max(np.abs(value), initial=1)) for value in wanted.values())
    for node, value in zip(nodes, found, strict=True):
        assert np.shape(value) == graph.shapes[node]
        np.testing.assert_allclose(value, wanted[node], rtol=1e-12, atol=1e-13 * largest)
    return made


def functions(made: Compiled) -> list[Any]:
    """What is called at every run; a partial as what it is one of."""
    return [
        step.function.func if isinstance(step.function, partial) else step.function
        for step in made.instructions
    ]


# --- the same as run ----------------------------------------------------------------------------


@given(specs(), st.data())
def test_random_graphs_and_their_gradients_are_as_run(spec: NamedGraph, data: Any) -> None:
    graph, output = spec.graph, spec.graph[spec.output]
    inputs = [graph[one.node] for one in spec.inputs]
    upstream = np.linspace(0.5, 1.5, int(np.prod(output.shape, initial=1))).reshape(output.shape)
    targets = [output, *grad(output, inputs, upstream)]
    free = data.draw(st.sets(st.sampled_from([expr.id for expr in inputs])))
    assert_as_run(targets, {one.node: one.value for one in spec.inputs}, sorted(free))


@every("name", example_names())
def test_examples_and_their_gradients_are_as_run(name: str) -> None:
    spec = read_target(name)
    output = spec.graph[spec.output]
    total = ops.sum(output) if output.shape else output
    parameters = [one for one in spec.inputs if one.role in ("data", "parameter")]
    targets = [output, *grad(total, [spec.graph[one.node] for one in parameters])]
    given = {one.node: one.value for one in spec.inputs}
    assert_as_run(targets, given)
    assert_as_run(targets, given, [one.node for one in parameters if one.role == "parameter"])


@given(mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=3), st.sets(st.integers(0, 2)))
def test_broadcasting_is_as_run(shapes: Any, free: set[int]) -> None:
    graph = Graph()
    x, y, z = inputs = [graph.input(shape) for shape in shapes.input_shapes]
    out = ops.exp(x * y) + ops.sum(y) * z / (ops.mean(x) ** 2 + 3)
    targets = [out, *grad(ops.sum(out**3), inputs)]
    assert_as_run(targets, drawn(inputs), sorted(free))


@st.composite
def spreads(draw: Any) -> tuple[tuple[int, ...], tuple[int, ...], list[int]]:
    """A shape, the shape it is spread to, and the axes put in."""
    shape = draw(array_shapes(min_dims=0, max_dims=3, max_side=3))
    axis = sorted(draw(st.sets(st.integers(0, len(shape)), max_size=2)))
    lengths = [draw(st.integers(1, 3)) if n == 1 else n for n in shape]
    for one in axis:
        lengths.insert(one, draw(st.integers(1, 3)))
    return shape, tuple(lengths), axis


@given(spreads(), st.booleans())
@example(((3,), (3, 3), [1]), False)
@example(((1, 2), (2, 1, 2), [1]), True)
def test_spreading_is_as_run(spread: Any, fixed: bool) -> None:
    """To elementwise ops, to others, as a target, and once more spread."""
    shape, wanted, axis = spread
    graph = Graph()
    x, y = graph.input(shape), graph.input(wanted)
    wide = ops.spread(x, shape=wanted, axis=axis)
    square = ops.exp(wide)
    twice = ops.spread(square, shape=(*wanted, 2), axis=[len(wanted)])
    targets = [wide, square * y, ops.sum(square), ops.reshape(wide, shape=[-1]), twice, twice.T]
    assert_as_run(targets, drawn([x, y]), [y.id] if fixed else [x.id, y.id])


@given(array_shapes(min_dims=0, max_dims=4, max_side=3, min_side=0), st.data())
def test_sums_and_means_are_as_run(shape: tuple[int, ...], data: Any) -> None:
    axis = data.draw(st.sets(st.integers(0, len(shape) - 1)) if shape else st.just(set()))
    keepdims = data.draw(st.booleans())
    graph = Graph()
    x, y = graph.input(shape), graph.input(shape)
    averages = [ops.mean] if 0 not in shape else []
    targets = [op(z, axis=sorted(axis), keepdims=keepdims) for z in (x, x * y) for op in (ops.sum, *averages)]
    assert_as_run(targets, drawn([x, y]))


@every("left", [(3,), (2, 3), (4, 2, 3)])
@every("right", [(3,), (3, 2), (4, 3, 2)])
def test_products_are_as_run(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    graph = Graph()
    a, b = graph.input(left), graph.input(right)
    assert_as_run([a @ b, *grad(ops.sum((a @ b) ** 2), [a, b])], drawn([a, b]))


@pytest.mark.parametrize("exponent", [-3, -2, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3, 4, 5])
def test_powers_are_as_run_at_every_kind_of_number(graph: Graph, exponent: float) -> None:
    at = np.array([-np.inf, -1e200, -2.5, -1e-200, -0.0, 0.0, 1e-200, 2.5, 1e200, np.inf, np.nan])
    x = graph.input(at.shape)
    for found, wanted in both_ways([graph.add(ops.pow, x, graph.constant(exponent))], {x.id: at}):
        np.testing.assert_allclose(found, wanted, rtol=1e-15)


def test_what_is_not_finite_is_as_run(graph: Graph) -> None:
    x, y = graph.input((3, 2)), graph.input((3, 2))
    given = {x.id: np.array([[1, np.inf], [2, -np.inf], [0, np.nan]]), y.id: np.ones((3, 2))}
    scores = ops.log_softmax(x), ops.softmax(x)
    targets = [ops.sum(x, axis=0), ops.sum(x * y), x.T @ y, ops.mean(x, axis=1), *scores, ops.log(x)]
    for found, wanted in both_ways(targets, given):
        np.testing.assert_allclose(found, wanted, rtol=1e-15)


def both_ways(targets: Sequence[Expr], given: Values) -> list[tuple[Any, Any]]:
    """Values as compiled and as run."""
    graph, nodes = targets[0].graph, [expr.id for expr in targets]
    values = run(graph, given, nodes)
    found = compiled(graph, nodes, given, {})(given)
    return [(value, values[node]) for node, value in zip(nodes, found, strict=True)]


def test_an_op_that_nobody_has_heard_of_runs_by_its_value(graph: Graph) -> None:
    """Elementwise and not; the latter sees its args in full, its settings and no batch."""
    strange = Op("strange", lambda x, y: x - 2 * y, ("x", "y"), local=lambda *args: (1, -2))
    seen: list[Any] = []

    def rolled(x: Any, *, by: int, batch: int) -> Any:
        seen.append((np.shape(x), batch))
        return np.roll(x, by, axis=0)

    roll = Op("roll", rolled, ("x",), shape=lambda x, *, by: x, arrange=lambda x, *, by: {"by": by})
    x = graph.input((2,))
    wide = ops.spread(x, shape=[3, 2], axis=[0])
    assert_as_run([graph.add(roll, graph.add(strange, wide, x), by=1)], {x.id: np.array([1.0, 2.0])})
    assert seen == [((3, 2), 0)] * 2


# --- what is fixed, what is free, and whose the arrays are --------------------------------------


@pytest.fixture
def counted() -> tuple[Op, list[int]]:
    """An op that doubles, and the list of its calls."""
    calls: list[int] = []

    def value(x: Any) -> Any:
        calls.append(1)
        return 2 * x

    return Op("double", value, ("x",), local=lambda x, out: (2,)), calls


def test_what_is_fixed_is_computed_once(graph: Graph, x: Expr, y: Expr, counted: Any) -> None:
    double, calls = counted
    made = compiled(graph, [(graph.add(double, y) * x).id], [x.id], {y.id: np.array(3.0)})
    assert len(calls) == 1
    assert [made({x.id: np.array(at)})[0] for at in (1.0, 2.0)] == [6, 12]
    assert len(calls) == 1


def test_what_is_free_is_computed_every_time(graph: Graph, x: Expr, counted: Any) -> None:
    double, calls = counted
    made = compiled(graph, [graph.add(double, x).id], [x.id], {})
    assert calls == []
    assert [made({x.id: np.array(at)})[0] for at in (1.0, 2.0)] == [2, 4]
    assert len(calls) == 2


def test_what_no_target_rests_on_is_neither_asked_for_nor_computed(
    graph: Graph, x: Expr, y: Expr, counted: Any
) -> None:
    double, calls = counted
    graph.add(double, y)
    made = compiled(graph, [(x * x).id], [x.id, y.id], {})
    assert made({x.id: np.array(3.0)}) == [9]
    assert calls == []


def test_a_fixed_input_that_is_missing_is_named(graph: Graph, x: Expr, y: Expr) -> None:
    with pytest.raises(KeyError, match=str(y.id)):
        compiled(graph, [(x * y).id], [x.id], {})


def test_a_free_input_that_is_missing_is_named(graph: Graph, x: Expr, y: Expr) -> None:
    made = compiled(graph, [(x * y).id], [x.id, y.id], {})
    with pytest.raises(KeyError, match=str(y.id)):
        made({x.id: np.array(1.0)})


@pytest.mark.parametrize("free", [True, False])
def test_an_array_of_whole_numbers_is_taken_as_float64(graph: Graph, free: bool) -> None:
    x = graph.input((2,))
    values = {x.id: np.array([1, 2])}
    made = compiled(graph, [ops.reciprocal(x).id], [x.id] if free else [], {} if free else values)
    assert made(values if free else {})[0].tolist() == [1, 0.5]


@pytest.mark.parametrize("free", [True, False])
def test_no_warning_is_given(graph: Graph, x: Expr, free: bool) -> None:
    values = {x.id: np.array(-1.0)}
    made = compiled(graph, [ops.log(x).id], [x.id] if free else [], {} if free else values)
    assert np.isnan(made(values if free else {})[0])


def test_only_what_is_needed_is_held(graph: Graph, x: Expr) -> None:
    """Neither values on the way to a fixed one nor those of the last call."""
    y = graph.input((3,))
    made = compiled(graph, [(ops.exp(y * 2 + 1) * x).id], [x.id], {y.id: np.ones(3)})
    made({x.id: np.array(1.0)})
    assert [np.shape(value) for value in made.known if value is not None] == [(3,)]


def network(graph: Graph) -> tuple[list[Expr], list[Expr], Expr]:
    """Data, parameters and loss of a small network that meets most of the rewritings."""
    x, y = data = [graph.input((5, 2)), graph.input((5, 3))]
    w, b, v = parameters = [graph.input((2, 4)), graph.input((4,)), graph.input((4, 3))]
    scores = ops.log_softmax(ops.relu(x @ w + b) @ v)
    loss = -ops.mean(ops.sum(y * scores, axis=1)) + 0.01 * ops.sum(w * w) + ops.mean(v**3)
    return data, parameters, loss


def test_a_later_call_changes_nothing_of_an_earlier_one(graph: Graph) -> None:
    data, parameters, loss = network(graph)
    inner = [graph[node] for node in range(len(graph)) if node not in graph.constants][len(data) :]
    targets = [*inner, *grad(loss, parameters)]
    made = compiled(graph, [one.id for one in targets], [one.id for one in parameters], drawn(data))
    first = made(drawn(parameters, seed=1))
    before = [np.array(value) for value in first]
    second = made(drawn(parameters, seed=2))
    assert all(np.array_equal(one, kept) for one, kept in zip(first, before, strict=True))
    assert not any(np.array_equal(*pair) for pair in zip(first, second, strict=True))


def test_the_same_values_give_the_same_result_again(graph: Graph) -> None:
    """Even where the caller has written into what was returned before."""
    data, parameters, loss = network(graph)
    made = compiled(
        graph,
        [one.id for one in grad(loss, parameters)],
        [one.id for one in parameters],
        drawn(data),
    )
    first = made(drawn(parameters))
    before = [value.copy() for value in first]
    for value in first:
        value *= 2
    assert all(map(np.array_equal, made(drawn(parameters)), before))


def test_a_fixed_target_cannot_be_written_to_and_leaves_the_given_array_alone(graph: Graph) -> None:
    x = graph.input((2,))
    given = np.array([1.0, 2.0])
    for value in compiled(graph, [x.id, (x + 1).id], [], {x.id: given})({}):
        assert not value.flags.writeable
    assert given.flags.writeable


# --- what is the same is computed once ----------------------------------------------------------


def test_what_is_typed_twice_is_computed_once() -> None:
    def build(x: Expr, y: Expr) -> Expr:
        return x.graph.add(ops.div, x.graph.add(ops.mul, x, y), x.graph.add(ops.mul, x, y))

    assert steps_of(build, (3,), (3,)) == [np.multiply, np.true_divide]


def test_equal_constants_are_the_same_and_others_are_not(graph: Graph) -> None:
    x = graph.input((4,))
    flat, square = graph.constant([1.0, 2.0, 3.0, 4.0]), graph.constant([[1.0, 2.0], [3.0, 4.0]])
    targets = [x * flat, x + graph.constant([1.0, 2.0, 3.0, 5.0]), ops.sum(x) * square]
    assert_as_run(targets, drawn([x]))


def test_other_settings_make_another_node() -> None:
    assert len(steps_of(lambda x: ops.sum(x, axis=0) * ops.sum(x, axis=1), (3, 3))) == 3


def test_one_vector_spread_to_two_shapes_has_two_sums(graph: Graph) -> None:
    x = graph.input((3,))
    sums = [ops.sum(ops.spread(x, shape=[n, 3], axis=[0])) for n in (2, 4)]
    assert_as_run(sums, drawn([x]))


def test_a_composite_op_is_the_simpler_ones_inside() -> None:
    assert steps_of(ops.linear, (5, 2), (2, 3), (3,)) == [np.dot, np.add]


def test_what_stands_inside_and_outside_of_a_composite_op_is_computed_once() -> None:
    found = steps_of(lambda x, w, b: ops.linear(x, w, b) * (x @ w), (5, 2), (2, 3), (3,))
    assert found == [np.dot, np.add, np.multiply]


def test_a_composite_op_with_a_value_of_its_own_keeps_it() -> None:
    assert ops.amax.composite
    assert steps_of(ops.amax, (2, 3)) == [ops.amax.value]


def test_composite_ops_of_composite_ops_are_as_run(graph: Graph) -> None:
    x, g, b = inputs = [graph.input((4, 3)), graph.input((3,)), graph.input((3,))]
    out = ops.mse(ops.layer_norm(x, g, b), ops.normalize(x))
    made = assert_as_run([out, *grad(out, inputs)], drawn(inputs))
    assert not any(getattr(function, "__name__", "") == "run_inside" for function in functions(made))


# --- every rewriting, where it applies and where it must not ------------------------------------


def steps_of(build: Callable[..., Expr], *shapes: tuple[int, ...]) -> list[Any]:
    """The functions that run for a target built of free inputs, which are checked against `run`."""
    graph = Graph()
    inputs = [graph.input(shape) for shape in shapes]
    return functions(assert_as_run([build(*inputs)], drawn(inputs)))


def test_every_rewriting_has_a_test_here() -> None:
    tested = {ops.pow, ops.matmul, ops.transpose, ops.reshape, ops.spread, ops.sum, ops.mean, ops.softmax}
    tested |= {ops.lt, ops.le, ops.gt, ops.ge, ops.eq, ops.ne, ops.mul, ops.relu, ops.sigmoid}
    tested |= {ops.index, ops.place, ops.windows, ops.overlap_add, ops.einsum}
    assert set(REWRITINGS) == tested


@pytest.mark.parametrize("exponent", [-2, 3, 4])
def test_some_constant_powers_are_products(exponent: int) -> None:
    assert np.power not in steps_of(lambda x: x**exponent, (3,))


@pytest.mark.parametrize("build", [lambda x: x**5, lambda x: 3**x, lambda x: x**2])
def test_other_powers_are_left_alone(build: Callable[..., Expr]) -> None:
    assert steps_of(build, (3,)) == [np.power]


def test_a_power_whose_exponent_is_an_array_is_left_alone() -> None:
    assert steps_of(lambda x: x ** x.graph.constant([3.0, 3.0]), (2,)) == [np.power]
    assert steps_of(lambda x: x ** x.graph.constant([3.0]), ()) == [np.power]


@pytest.mark.parametrize("fixed", [True, False])
def test_a_power_whose_exponent_is_an_input_is_a_product_where_that_is_fixed(fixed: bool) -> None:
    graph = Graph()
    x, y = graph.input((2,)), graph.input()
    values = {x.id: np.array([-2.0, 2.0]), y.id: np.array(3.0)}
    made = assert_as_run([x**y], values, [x.id] if fixed else [x.id, y.id])
    assert (np.power in functions(made)) is not fixed


@pytest.mark.parametrize("shapes", [((2, 3), (3, 2)), ((3,), (3, 2)), ((2, 3), (3,)), ((3,), (3,))])
def test_products_of_matrices_and_vectors_are_dots(shapes: Any) -> None:
    assert steps_of(lambda x, y: x @ y, *shapes) == [np.dot]


@pytest.mark.parametrize("shapes", [((4, 2, 3), (3, 2)), ((3,), (4, 3, 2)), ((4, 2, 3), (4, 3, 2))])
def test_products_of_stacks_are_left_alone(shapes: Any) -> None:
    assert steps_of(lambda x, y: x @ y, *shapes) == [ops.matmul.value]


def test_transpose_and_reshape_call_the_method() -> None:
    found = steps_of(lambda x: ops.reshape(ops.transpose(x, axes=[1, 2, 0]), shape=[4, 6]), (2, 3, 4))
    assert [str(function) for function in found] == [
        "operator.methodcaller('transpose', (1, 2, 0))",
        "operator.methodcaller('reshape', (4, 6))",
    ]


def test_a_number_spread_for_elementwise_ops_stays_a_number() -> None:
    graph = Graph()
    x, y = graph.input(), graph.input((2, 3))
    out = ops.exp(ops.spread(x, shape=[2, 3], axis=[0, 1])) * y
    made = assert_as_run([out], drawn([x, y]))
    assert functions(made) == [np.exp, np.multiply]
    assert [np.shape(value) for value in values_of(made, drawn([x, y]))] == [(), (2, 3)]


def values_of(made: Compiled, given: Values) -> list[Any]:
    """What every step gives."""
    results = [instruction.out for instruction in made.instructions]
    return Compiled(made.known, made.inputs, made.instructions, results)(given)


def test_a_vector_spread_along_new_leading_axes_stays_a_vector() -> None:
    assert steps_of(lambda x, y: ops.spread(x, shape=[2, 3], axis=[0]) + y, (3,), (2, 3)) == [np.add]


def test_a_vector_spread_along_new_trailing_axes_becomes_a_column() -> None:
    found = steps_of(lambda x, y: ops.spread(x, shape=[2, 3], axis=[1]) + y, (2,), (2, 3))
    assert [str(found[0]), *found[1:]] == ["operator.methodcaller('reshape', (2, 1))", np.add]


def test_what_is_spread_is_made_whole_for_other_ops_once() -> None:
    def build(x: Expr) -> Expr:
        wide = ops.spread(x, shape=[2, 3], axis=[0])
        return ops.sum(wide, axis=1) + ops.sum(wide.T, axis=0)

    assert steps_of(build, (3,)).count(np.full) == 1


def test_two_spreads_of_one_node_are_made_whole_each_in_its_own_shape() -> None:
    def build(x: Expr) -> Expr:
        return ops.spread(x, shape=[2, 3], axis=[0]) @ ops.spread(x, shape=[4, 3], axis=[0]).T

    assert steps_of(build, (3,)).count(np.full) == 2


@pytest.mark.parametrize("build", [lambda x: x * x, lambda x: x**2, ops.square, lambda x: x * ops.exp(x)])
def test_the_sum_of_all_products_is_an_inner_product(build: Callable[..., Expr]) -> None:
    assert steps_of(lambda x: ops.sum(build(x)), (2, 3))[-1] is np.vdot
    assert steps_of(lambda x: ops.sum(build(x), keepdims=True), (2, 3))[-2] is np.vdot


def test_a_product_that_somebody_else_looks_at_stays() -> None:
    found = steps_of(lambda x, y: ops.sum(x * y) * (x * y), (3,), (3,))
    assert sorted(map(str, found)) == sorted(map(str, [np.multiply, np.vdot, np.multiply]))


@pytest.mark.parametrize(
    "build",
    [
        lambda x, y: ops.sum(x * y),  # y is repeated: the factors have different lengths
        lambda x, y: ops.sum(x * x, axis=0),
        lambda x, y: ops.sum(x**3),
        lambda x, y: ops.sum(x + x),
    ],
)
def test_other_sums_are_no_inner_product(build: Callable[..., Expr]) -> None:
    assert np.vdot not in steps_of(build, (2, 3), (3,))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("keepdims", [False, True])
def test_the_sum_of_a_matrix_along_an_axis_is_a_product_with_ones(axis: int, keepdims: bool) -> None:
    assert steps_of(lambda x: ops.sum(x, axis=axis, keepdims=keepdims), (2, 3))[0] is np.dot


@pytest.mark.parametrize(("shape", "axis"), [((2, 3), None), ((3,), 0), ((2, 3, 4), 1), ((2, 3), [])])
def test_other_sums_are_reduced(shape: Any, axis: Any) -> None:
    assert steps_of(lambda x: ops.sum(x, axis=axis), shape) == [np.add.reduce]


def test_a_mean_is_a_sum_over_the_count() -> None:
    assert steps_of(ops.mean, (2, 3)) == [np.add.reduce, np.true_divide]
    assert steps_of(lambda x: ops.mean(x, axis=0), (2, 3)) == [np.dot, np.true_divide]
    assert steps_of(lambda x: ops.mean(x * x), (2, 3)) == [np.vdot, np.true_divide]


def test_softmax_beside_its_logarithm_is_taken_from_it() -> None:
    found = steps_of(lambda x: ops.log_softmax(x) * ops.softmax(x), (2, 3))
    assert found == [ops.log_softmax.value, np.exp, np.multiply]


@pytest.mark.parametrize(
    "build",
    [
        lambda x, y: ops.softmax(x) * x,
        lambda x, y: ops.softmax(x) * ops.log_softmax(y),
        lambda x, y: ops.softmax(x) * ops.log_softmax(x, axis=0),
        lambda x, y: ops.softmax(x) * ops.log_softmax(x * 2),
    ],
)
def test_softmax_alone_is_left_alone(build: Callable[..., Expr]) -> None:
    assert ops.softmax.value in steps_of(build, (2, 3), (2, 3))


# --- convolutions, windows and einsum -----------------------------------------------------------


@every("stride", [1, 2])
@every("dilation", [1, 2])
@every("groups", [1, 2])
def test_convolutions_and_their_gradients_are_as_run(stride: int, dilation: int, groups: int) -> None:
    graph = Graph()
    x, w, b = inputs = [graph.input((2, 4, 7, 6)), graph.input((6, 4 // groups, 3, 2)), graph.input((6,))]
    out = ops.conv2d(x, w, b, stride=stride, padding=1, dilation=dilation, groups=groups)
    made = assert_as_run([out, *grad(ops.sum(ops.tanh(out)), inputs)], drawn(inputs))
    assert ops.einsum.value not in functions(made)


def names_of(made: Compiled) -> list[str]:
    return [getattr(function, "__name__", "") for function in functions(made)]


def test_the_windows_of_a_convolution_are_copied_once_for_both_passes() -> None:
    graph = Graph()
    x, w = inputs = [graph.input((2, 3, 8)), graph.input((4, 3, 3))]
    names = names_of(assert_as_run(grad(ops.sum(ops.conv1d(x, w) ** 3), inputs), drawn(inputs)))
    assert (names.count("_seen"), names.count("_window_axes_first")) == (1, 0)


@every(
    "settings",
    [{"size": 2}, {"size": 3, "stride": 1}, {"size": 3, "stride": 2, "padding": 1}],
)
@every("op", [ops.max_pool, ops.avg_pool])
def test_pools_and_their_gradients_are_as_run_at_ties_too(op: Op, settings: dict[str, int]) -> None:
    graph = Graph()
    x = graph.input((2, 2, 6, 8))
    out = op(ops.relu(x), **settings)
    assert_as_run([out, *grad(ops.sum(out**3), [x])], drawn([x]))


@every(
    "subscripts, shapes",
    [
        ("ij,jk->ik", ((2, 3), (3, 4))),
        ("ij,kj->ki", ((2, 3), (4, 3))),
        ("bij,bjk->bik", ((5, 2, 3), (5, 3, 4))),
        ("ibj,kbj->bki", ((2, 5, 3), (4, 5, 3))),
        ("abc,cbd->da", ((2, 3, 4), (4, 3, 5))),
        ("i,i->", ((3,), (3,))),
    ],
)
def test_einsum_is_a_product_of_matrices(subscripts: str, shapes: Any) -> None:
    found = steps_of(lambda x, y: ops.einsum(x, y, subscripts=subscripts), *shapes)
    assert any(function in (np.dot, np.matmul) for function in found)
    assert ops.einsum.value not in found


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [("ii,ij->j", ((3, 3), (3, 2))), ("i,j->ij", ((3,), (2,))), ("ij,jk->k", ((2, 3), (3, 4)))],
)
def test_other_einsums_are_left_alone(subscripts: str, shapes: Any) -> None:
    found = steps_of(lambda x, y: ops.einsum(x, y, subscripts=subscripts), *shapes)
    assert found == [ops.einsum.value]


# --- comparisons, sigmoid, relu -----------------------------------------------------------------


@every("op", [ops.lt, ops.le, ops.gt, ops.ge, ops.eq, ops.ne])
def test_comparisons_are_multiplied_by_and_counted_as_truth_values(op: Op) -> None:
    graph = Graph()
    x, y = graph.input((4, 300)), graph.input((300,))
    holds = op(ops.round(x), ops.round(y))
    sums = [ops.sum(holds, axis=axis) for axis in (0, 1, None)]
    assert_as_run([holds, holds * x, x * holds, holds * holds, *sums], drawn([x, y]))


def test_a_count_of_more_than_a_byte_holds_is_right() -> None:
    graph = Graph()
    x = graph.input((3, 256))
    counts = [ops.sum(x > 0, axis=axis) for axis in (0, 1, None)]
    for number in (0.0, 1.0):
        assert_as_run(counts, {x.id: np.full((3, 256), number)})


def test_sigmoid_and_relu_are_as_run_at_every_kind_of_number(graph: Graph) -> None:
    at = np.array([-np.inf, -1e200, -745.0, -30.0, -1e-200, -0.0, 0.0, 1e-200, 30.0, 1e200, np.inf, np.nan])
    x = graph.input(at.shape)
    for found, wanted in both_ways([ops.sigmoid(x), ops.relu(x)], {x.id: at}):
        np.testing.assert_array_equal(found, wanted)


# --- sums put together --------------------------------------------------------------------------


def recurrent(graph: Graph, steps: int) -> tuple[list[Expr], Expr]:
    """Inputs and loss of a recurrent network whose gates are parts of one array."""
    x, w, u, b = inputs = [graph.input(shape) for shape in ((steps, 4, 3), (6, 3), (2, 6), (6,))]
    h = graph.constant(np.ones((4, 2)))
    for t in range(steps):
        gates = x[t] @ w.T + h @ u + b
        first, second, third = (ops.tanh(gates[:, 2 * i : 2 * i + 2]) for i in range(3))
        h = first * h + second * third
    return inputs, ops.sum(h**3)


def test_gradients_of_an_unrolled_loop_are_one_product_each() -> None:
    graph = Graph()
    inputs, loss = recurrent(graph, 8)
    names = names_of(assert_as_run([loss, *grad(loss, inputs)], drawn(inputs)))
    # At each step two products forward and two back, one to the first; and one for each parameter.
    assert names.count("dot") == 4 * 8 - 1 + 3
    assert names.count("_joined") == 3  # the gates for all three together, the states, the examples
    assert names.count("put") == 8 + 1  # the gates of each step, and the parts of x


def test_few_products_are_left_alone() -> None:
    graph = Graph()
    inputs, loss = recurrent(graph, 2)
    assert "_joined" not in names_of(assert_as_run([loss, *grad(loss, inputs)], drawn(inputs)))


def products(factors: Sequence[Expr]) -> list[Expr]:
    return [x @ y for x, y in zip(factors[::2], factors[1::2], strict=True)]


def test_a_part_of_a_sum_that_somebody_else_looks_at_is_kept() -> None:
    def build(*factors: Expr) -> Expr:
        a, b, c, d, e, f = products(factors)
        few = a + b + c + d
        return (few + e + f) * few

    found = steps_of(build, *((2, 3), (3, 2)) * 6)
    assert found.count(np.dot) == 3  # four in one, two alone


def test_a_term_that_stands_twice_counts_twice() -> None:
    def build(*factors: Expr) -> Expr:
        a, b, c, d = products(factors)
        return a + b + c + d + a + d

    assert steps_of(build, *((2, 3), (3, 2)) * 4).count(np.dot) == 1


def test_parts_that_overlap_add_up(graph: Graph) -> None:
    x = graph.input((5, 3))
    loss = ops.sum(x[1:4] ** 2) + ops.sum(x[2:] ** 3) + ops.sum(x[0] * x[4])
    assert_as_run([loss, *grad(loss, [x])], drawn([x]))


# --- memory -------------------------------------------------------------------------------------


def test_large_arrays_are_written_over_only_where_nobody_reads_them(graph: Graph) -> None:
    x, w = inputs = [graph.input((150, 90)), graph.input((90, 150))]
    product = x @ w
    turned = ops.tanh(product + 1).T
    view = ops.reshape(turned, shape=[-1])
    targets = [product, turned * 2, view, ops.sum(view * view), ops.exp(ops.exp(product * 0.01) + x[0, 0])]
    made = assert_as_run([*targets, *grad(ops.sum(ops.tanh(turned) * turned), inputs)], drawn(inputs))
    assert "over_an_arg" in names_of(made)


def test_threads_may_call_at_the_same_time(graph: Graph) -> None:
    x = graph.input((40, 40))
    made = compiled(graph, [(ops.tanh(x @ x) @ x).id], [x.id], {})
    given = [drawn([x], seed) for seed in range(8)]
    alone = [made(values)[0].copy() for values in given]
    with ThreadPoolExecutor(4) as executor:
        together = [result[0] for result in executor.map(made, given * 5)]
    assert all(map(np.array_equal, together, alone * 5))
