"""Ops on whole arrays: values, pulls, batches and errors.

Each structural row needs cases, and functions of NumPy and of torch, in one of tests/cases_*.py.
"""

from __future__ import annotations

import inspect
from dataclasses import replace

import numpy as np
import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes
from oracle import args_of, arrays, choosing
from rows_of_a_table import every

from bpx.check.numeric.multiprecision import lifted
from bpx.graph.arrays import ShapeError
from bpx.graph.graph import OPS, Expr, Graph, Op
from bpx.graph.run import run
from bpx.ops import rows
from bpx.ops.tensors import SettingError
from bpx.passes.reverse import grad, pullback

STRUCTURAL = [op for op in rows() if not op.elementwise]
CASES = [case for module in oracle.case_modules() for case in module.CASES]


def over(cases):
    """Marks a test of a case to run for all of them."""

    def marked(test):
        return every(", ".join(inspect.signature(test).parameters), cases)(test)

    return marked


def measured(out: Expr, exprs):
    """Those of the args that do not merely choose."""
    return [expr for position, expr in enumerate(exprs) if position not in choosing(out)]


def on_inputs(op: Op, shapes, settings) -> tuple[list[Expr], Expr]:
    graph = Graph()
    inputs = [graph.input(shape) for shape in shapes]
    return inputs, graph.add(op, *inputs, **settings)


def given_to(inputs, values):
    return {one.id: value for one, value in zip(inputs, values, strict=True)}


def close(got, wanted, tolerance: float = 1e-12) -> None:
    """Equal relative to the largest element: a sum of products cancels, its terms do not."""
    wanted = np.asarray(wanted)
    assert np.shape(got) == wanted.shape
    if np.array_equal(got, wanted):  # as most are, and NumPy's own comparison takes ten times as long
        return
    np.testing.assert_allclose(
        got, wanted, rtol=tolerance, atol=tolerance * np.max(np.abs(wanted), initial=0)
    )


def test_every_structural_row_has_cases():
    assert {op.name for op in STRUCTURAL} == {name for name, _, _ in CASES} == set(oracle.tensors())


NOT_LINEAR = [case for case in CASES if not OPS[case[0]].linear or len(case[1]) > 1]
FEW_OF_EACH = [
    case
    for name in dict.fromkeys(name for name, _, _ in NOT_LINEAR)
    for cases in [[case for case in NOT_LINEAR if case[0] == name]]
    for case in cases[:: -(-len(cases) // 6)]
]


# --- values and pulls ---------------------------------------------------------------------------


def check_value(op: Op, shapes, settings) -> None:
    inputs, out = on_inputs(op, shapes, settings)
    values = args_of(op.name, shapes)
    wanted = oracle.tensor(op.name, *values, **settings)
    assert out.shape == np.shape(wanted)
    close(run(out.graph, given_to(inputs, values), [out.id])[out.id], wanted)


def check_pull(op: Op, shapes, settings) -> None:
    inputs, out = on_inputs(op, shapes, settings)
    values, (upstream,) = args_of(op.name, shapes), arrays([out.shape], seed=1)
    gradients = grad(out, inputs, upstream)
    assert [gradient.shape for gradient in gradients] == shapes
    found = run(out.graph, given_to(inputs, values), [gradient.id for gradient in gradients])
    wanted = oracle.pulls(op.name, upstream, values, settings, choosing(out))
    for gradient, one in zip(gradients, wanted, strict=True):
        close(found[gradient.id], one)


@over(CASES)
def test_value_is_numpys(name, shapes, settings):
    check_value(OPS[name], shapes, settings)


@over(CASES)
def test_pull_is_the_complex_step_of_numpy(name, shapes, settings):
    check_pull(OPS[name], shapes, settings)


@over([case for case in CASES if len(OPS[case[0]].chooses) < len(case[1])])
def test_pull_and_second_order_are_torchs(name, shapes, settings):
    torch = oracle.torch()
    inputs, out = on_inputs(OPS[name], shapes, settings)
    values, (weights,) = args_of(name, shapes), arrays([out.shape], seed=1)
    loss = OPS["sum"](out * out * weights)
    first = grad(loss, measured(out, inputs))
    # Of the squares of all: second derivatives by every pair of args, the mixed ones too.
    second = grad(sum(OPS["sum"](one * one) for one in first), measured(out, inputs))
    found = run(out.graph, given_to(inputs, values), [one.id for one in (*first, *second)])

    leaves = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in values]
    leaves = [one if i not in choosing(out) else one.detach() for i, one in enumerate(leaves)]
    their_out = oracle.torch_functions()[name](*leaves, **settings)
    their_loss = (their_out**2 * torch.tensor(weights)).sum()
    leaves = measured(out, leaves)
    their_first = torch.autograd.grad(their_loss, leaves, create_graph=True)
    squares = sum((one**2).sum() for one in their_first)
    their_second = torch.autograd.grad(squares, leaves, allow_unused=True)
    for ours, theirs in zip((*first, *second), (*their_first, *their_second), strict=True):
        wanted = np.zeros(ours.shape) if theirs is None else theirs.detach().numpy(force=True)
        np.testing.assert_allclose(found[ours.id], wanted, 1e-9, 1e-10 * np.max(np.abs(wanted), initial=1e-4))


@over(CASES)
def test_value_and_pull_of_numbers_with_50_digits(name, shapes, settings):
    inputs, out = on_inputs(OPS[name], shapes, settings)
    values, (upstream,) = args_of(name, shapes), arrays([out.shape], seed=1)
    arriving = out.graph.input(out.shape)
    gradients = grad(out, inputs, arriving)
    given = given_to([*inputs, arriving], map(lifted, [*values, upstream]))
    found = run(out.graph, given, [out.id, *(gradient.id for gradient in gradients)])
    wanted = oracle.tensor_at_50_digits(name, values, settings)
    assert found[out.id].shape == wanted.shape
    assert all(map(oracle.agrees, found[out.id].flat, wanted.flat, [45] * wanted.size))
    for position, direction in enumerate(arrays(shapes, seed=2)):
        if position in choosing(out):
            continue
        slope = np.sum(found[gradients[position].id] * lifted(direction))
        truth = oracle.slope_at_50_digits(name, upstream, values, settings, position, direction)
        assert oracle.agrees(slope, truth, 28)


@over(FEW_OF_EACH)
def test_second_derivatives_are_differences_at_50_digits(name, shapes, settings):
    """Along two random directions of all args together: a bilinear form that any wrong element changes."""
    inputs, out = on_inputs(OPS[name], shapes, settings)
    values, (upstream,) = args_of(name, shapes), arrays([out.shape], seed=1)
    chosen = choosing(out)
    along = [
        [0 * one if at in chosen else one for at, one in enumerate(arrays(shapes, seed=seed))]
        for seed in (2, 3)
    ]
    first = grad(out, inputs, upstream)
    slope = sum(OPS["sum"](one * direction) for one, direction in zip(first, along[0], strict=True))
    second = grad(slope, inputs) if isinstance(slope, Expr) else []
    found = run(out.graph, given_to(inputs, values), [one.id for one in second])
    curvature = sum(np.sum(found[one.id] * d) for one, d in zip(second, along[1], strict=True))
    truth, size = oracle.curvature_at_50_digits(name, upstream, values, settings, *along)
    assert abs(curvature - truth) <= 1e-9 * size + 1e-14


@given(mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=2, max_side=3))
def test_matmul_of_whatever_shapes_numpy_takes(shapes):
    check_value(OPS["matmul"], list(shapes.input_shapes), {})
    check_pull(OPS["matmul"], list(shapes.input_shapes), {})


@given(
    st.data(),
    st.lists(st.integers(1, 3), max_size=4).map(tuple),
    st.sampled_from(["sum", "mean", "logsumexp"]),
    st.booleans(),
)
def test_reductions_over_whatever_axes_numpy_takes(data, shape, name, keepdims):
    axis = data.draw(
        st.none() | st.lists(st.sampled_from(range(len(shape))), unique=True) if shape else st.none()
    )
    settings = {"axis": axis, "keepdims": keepdims}
    check_value(OPS[name], [shape], settings)
    check_pull(OPS[name], [shape], settings)


@given(
    st.lists(st.integers(1, 3), max_size=4).flatmap(
        lambda shape: st.tuples(st.just(tuple(shape)), st.permutations(range(len(shape))))
    )
)
def test_any_permutation_of_axes(case):
    shape, axes = case
    check_value(OPS["transpose"], [shape], {"axes": axes})
    check_pull(OPS["transpose"], [shape], {"axes": axes})


def rules():
    """Every part of every rule that hands something back, with a case of its op."""
    first = {name: (OPS[name], shapes, settings) for name, shapes, settings in reversed(CASES)}
    for op, shapes, settings in first.values():
        _, out = on_inputs(op, shapes, settings)
        for position in set(range(len(shapes) if op.pull else 0)) - choosing(out):
            yield op, position, shapes, settings


@every("op, position, shapes, settings", list(rules()))
def test_a_pull_wrong_by_a_thousandth_is_reported(op, position, shapes, settings):
    def pull(*args, **settings):
        given = list(op.pull(*args, **settings))
        given[position] = given[position] * 1.001
        return tuple(given)

    with pytest.raises(AssertionError):
        check_pull(replace(op, pull=pull), shapes, settings)


# --- what the rows say of themselves ------------------------------------------------------------


@every("op", STRUCTURAL)
def test_a_row_is_linear_or_says_what_it_mixes_or_is_composite(op):
    assert op.linear + (op.mixes is not None) + op.composite == 1
    assert op.mixes is None or len(op.args) == 1


# An element acts on no more than a triangle; the cofactor of a number is 1.
SPARSE = {"cholesky", "cofactor", "eigvalsh", "eigenprojections"}


def check_linear(op: Op, shapes, settings) -> None:
    """In each arg: the value at a·x + b·y is a · the value at x + b · the value at y."""
    _, out = on_inputs(op, shapes, settings)
    for position in set(range(len(shapes))) - choosing(out):
        x, y = args_of(op.name, shapes), args_of(op.name, shapes)
        y[position] = args_of(op.name, shapes, seed=1)[position]
        both = [*x[:position], 2.5 * x[position] - 0.5 * y[position], *x[position + 1 :]]
        at_x, at_y, at_both = (value_of(op, args, settings) for args in (x, y, both))
        np.testing.assert_allclose(at_both, 2.5 * at_x - 0.5 * at_y, rtol=0, atol=1e-13)


def check_mixes(op: Op, shapes, settings) -> None:
    """An element changes every output of its own slice along the axes that are not mixed, and no other."""
    (x,), (shape,) = args_of(op.name, shapes), shapes
    _, out = on_inputs(op, shapes, settings)
    mixed = op.mixes(shape, **out.graph.settings[out.id])
    carried = [axis for axis in range(x.ndim) if axis not in mixed]
    own_axes = carried if out.ndim == x.ndim else range(len(carried))
    before = value_of(op, [x], settings)
    for at in np.ndindex(shape):
        moved = np.array(x)
        moved[at] += 0.5
        changed = value_of(op, [moved], settings) != before
        where = np.indices(before.shape)
        own = np.ones(before.shape, dtype=bool)
        for axis, carried_axis in zip(own_axes, carried, strict=True):
            own &= where[axis] == at[carried_axis]
        if op.name in SPARSE:
            assert not (changed & ~own).any()
        else:
            np.testing.assert_array_equal(changed, own)


def value_of(op: Op, args, settings) -> np.ndarray:
    inputs, out = on_inputs(op, [arg.shape for arg in args], settings)
    return np.asarray(run(out.graph, given_to(inputs, args), [out.id])[out.id])


def check_composite(op: Op, shapes, settings) -> None:
    """A value and a rule of its own come to what follows from what the op expands to."""
    plain = replace(op, value=None, pull=None)
    inputs, out = on_inputs(op, shapes, settings)
    upstream = out.graph.input(out.shape)
    expansion = op.expands(*out.args, **out.graph.settings[out.id])
    rule = pullback(op, upstream, out.args, out, out.graph.settings[out.id])
    derived = pullback(plain, upstream, out.args, out, out.graph.settings[out.id])
    given = given_to([*inputs, upstream], [*args_of(op.name, shapes), *arrays([out.shape], seed=1)])
    pairs = [(out, expansion), *zip(rule, derived, strict=True)]
    pairs = [(one, other) for one, other in pairs if one is not None and other is not None]
    found = run(out.graph, given, [out.graph.lift(one).id for pair in pairs for one in pair])
    for one, other in pairs:
        close(found[out.graph.lift(one).id], found[out.graph.lift(other).id])


@over(CASES)
def test_a_row_is_what_it_says_of_itself(name, shapes, settings):
    op = OPS[name]
    if op.expands:
        check_composite(op, shapes, settings)
    if not op.composite:
        (check_linear if op.linear else check_mixes)(op, shapes, settings)


@over([case for case in CASES if not OPS[case[0]].composite])
def test_the_rule_of_a_simple_op_is_made_of_simple_ops(name, shapes, settings):
    """Of its own parts nothing is looked at by the check of second derivatives."""
    inputs, out = on_inputs(OPS[name], shapes, settings)
    grad(out, inputs, out.graph.input(out.shape))
    assert [op.name for op in out.graph.ops if op.composite] == []


def test_the_checks_of_what_rows_say_can_fail():
    with pytest.raises(AssertionError):
        check_linear(OPS["softmax"], [(3,)], {})
    for wrong in ((0,), (1,), ()):
        with pytest.raises(AssertionError):
            check_mixes(
                replace(OPS["softmax"], mixes=lambda x, axis, wrong=wrong: wrong), [(2, 3)], {"axis": [0, 1]}
            )


# --- batches: the batch axis stands last --------------------------------------------------------

BATCH = 4


def drawn(inputs, draw=arrays) -> list[list[np.ndarray]]:
    """Values of the inputs at each point of a batch."""
    return [draw([one.shape for one in inputs], seed) for seed in range(BATCH)]


def check_batch(graph: Graph, inputs, targets, points, shared=()) -> None:
    """A batched run gives what running each point alone gives; `shared` inputs do not vary."""
    batches = [
        np.stack(values[:1] if i in shared else values, -1)
        for i, values in enumerate(zip(*points, strict=True))
    ]
    ids = [target.id for target in targets]
    batched = run(graph, given_to(inputs, batches), ids, batch=True)
    for point in range(BATCH):
        alone = run(
            graph, given_to(inputs, [batch[..., min(point, batch.shape[-1] - 1)] for batch in batches]), ids
        )
        for target in ids:
            length = batched[target].shape[-1]
            assert batched[target].shape == (*graph.shapes[target], length)
            assert length in (1, BATCH)
            close(batched[target][..., min(point, length - 1)], alone[target])


@over(CASES)
def test_a_batch_is_a_loop(name, shapes, settings):
    inputs, out = on_inputs(OPS[name], shapes, settings)
    upstream = out.graph.input(out.shape)
    gradients = grad(out, inputs, upstream)

    def draw(every, seed):
        return [*args_of(name, every[:-1], seed), *arrays(every[-1:], seed + BATCH)]

    points = drawn([*inputs, upstream], draw)
    for shared in ((), (0,), (1,)):
        check_batch(out.graph, [*inputs, upstream], [out, *gradients], points, shared)


@over([(*case, position) for case in CASES if len(case[1]) == 2 for position in (0, 1)])
def test_a_constant_has_no_batch(name, shapes, settings, position):
    graph, other = Graph(), 1 - position
    args = [graph.input(shape) for shape in shapes]
    args[position] = graph.constant(args_of(name, shapes, seed=7)[position])
    out = graph.add(OPS[name], *args, **settings)
    upstream = graph.input(out.shape)

    def draw(every, seed):
        return [args_of(name, shapes, seed)[other], *arrays(every[-1:], seed + BATCH)]

    inputs = [args[other], upstream]
    check_batch(graph, inputs, [out, *grad(out, inputs[:1], upstream)], drawn(inputs, draw))


def layer(graph: Graph, w: Expr, x: Expr, b: Expr) -> Expr:
    return OPS["mean"](OPS["tanh"](w @ x + b) ** 2)


def attention(graph: Graph, q: Expr, k: Expr, b: Expr) -> Expr:
    scores = OPS["exp"]((q @ k.T) / 2 + b)
    return OPS["sum"](scores / OPS["sum"](scores, axis=-1, keepdims=True) * np.arange(6).reshape(2, 3))


def broadcasts(graph: Graph, matrix: Expr, row: Expr, column: Expr) -> Expr:
    mixed = OPS["max"](matrix * row, column) + np.array([1.0, 2.0, 3.0]) * row - 0.5
    return OPS["sum"](mixed * OPS["spread"](row, shape=(2, 3), axis=[0]))


def shapes_change(graph: Graph, x: Expr, y: Expr, z: Expr) -> Expr:
    stacked = OPS["reshape"](x, shape=[2, 1, 3]) * OPS["transpose"](y, axes=[1, 0])
    return OPS["sum"](OPS["mean"](stacked, axis=[0, 2]) * z)


@every("shared", [(), (0,), (1, 2), (0, 1, 2)])
@every(
    "build, shapes",
    [
        (layer, [(2, 3), (3,), (2,)]),
        (layer, [(2, 3), (3, 4), ()]),
        (attention, [(2, 4), (3, 4), (3,)]),
        (broadcasts, [(2, 3), (3,), (2, 1)]),
        (shapes_change, [(2, 3), (3, 5), (5,)]),
    ],
)
def test_a_batch_through_a_mixed_graph_is_a_loop(build, shapes, shared):
    graph = Graph()
    inputs = [graph.input(shape) for shape in shapes]
    out = build(graph, *inputs)
    check_batch(graph, inputs, [out, *grad(out, inputs)], drawn(inputs), shared)


# --- misfits ------------------------------------------------------------------------------------


@every(
    "name, shapes, settings",
    [
        ("add", [(2,), (3,)], {}),
        ("mul", [(2, 3), (2,)], {}),
        ("clip", [(2,), (), (3,)], {}),
        ("matmul", [(), (3,)], {}),
        ("matmul", [(3,), ()], {}),
        ("matmul", [(3,), (2,)], {}),
        ("matmul", [(2, 3), (2, 3)], {}),
        ("matmul", [(2, 3), (2,)], {}),
        ("matmul", [(2,), (3, 2)], {}),
        ("matmul", [(4, 2, 3), (5, 3, 2)], {}),
        ("outer", [(2, 2), (3,)], {}),
        ("outer", [(), (3,)], {}),
        ("spread", [(2,)], {"shape": [3]}),
        ("spread", [(2,)], {"shape": [2, 3]}),
        ("spread", [(2,)], {"shape": [3, 3], "axis": [0]}),
        ("spread", [(2, 3)], {"shape": [3]}),
    ],
)
def test_shapes_that_do_not_fit(name, shapes, settings):
    with pytest.raises(ShapeError) as caught:
        on_inputs(OPS[name], shapes, settings)
    assert caught.value.op == name
    assert caught.value.shapes[0] == shapes[0]


@every(
    "name, shape, settings, code",
    [
        ("sum", (2, 3), {"axis": 2}, "bad-axis"),
        ("sum", (2, 3), {"axis": -3}, "bad-axis"),
        ("sum", (), {"axis": 0}, "bad-axis"),
        ("sum", (2, 3), {"axis": 0.5}, "bad-axis"),
        ("softmax", (2, 3), {"axis": 2}, "bad-axis"),
        ("softmax", (), {}, "bad-axis"),
        ("log_softmax", (2, 3), {"axis": [0, -2]}, "repeated-axis"),
        ("logsumexp", (2, 3), {"keepdims": 1}, "not-a-flag"),
        ("sum", (2, 3), {"axis": True}, "bad-axis"),
        ("mean", (2, 3), {"axis": [0, 5]}, "bad-axis"),
        ("sum", (2, 3), {"axis": [0, 0]}, "repeated-axis"),
        ("mean", (2, 3), {"axis": [1, -1]}, "repeated-axis"),
        ("sum", (2, 3), {"keepdims": 1}, "not-a-flag"),
        ("sum", (2, 3), {"keepdims": None}, "not-a-flag"),
        ("transpose", (2, 3), {"axes": [0]}, "bad-permutation"),
        ("transpose", (2, 3), {"axes": [0, 0]}, "bad-permutation"),
        ("transpose", (2, 3), {"axes": [0, 1, 2]}, "bad-permutation"),
        ("transpose", (2, 3), {"axes": [0, 3]}, "bad-permutation"),
        ("transpose", (2, 3), {"axes": [0.5, 1]}, "bad-permutation"),
        ("reshape", (2, 3), {"shape": [4]}, "bad-reshape"),
        ("reshape", (2, 3), {"shape": [4, -1]}, "bad-reshape"),
        ("reshape", (2, 3), {"shape": [-1, -1]}, "bad-reshape"),
        ("reshape", (2, 3), {"shape": [-2, -3]}, "bad-reshape"),
        ("reshape", (2, 3), {"shape": [0, -1]}, "bad-reshape"),
        ("reshape", (2, 3), {"shape": [2.5, 3]}, "bad-reshape"),
        ("spread", (2,), {"shape": [3, 2], "axis": [2]}, "bad-axis"),
        ("spread", (2,), {"shape": [3, 2], "axis": [0, 0]}, "repeated-axis"),
    ],
)
def test_settings_that_do_not_fit(name, shape, settings, code):
    with pytest.raises(SettingError) as caught:
        on_inputs(OPS[name], [shape], settings)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("name", "settings"), [("sum", {"axes": 0}), ("matmul", {"axis": 0}), ("exp", {"axis": 0})]
)
def test_settings_an_op_does_not_have(name, settings):
    with pytest.raises((TypeError, SettingError)):
        on_inputs(OPS[name], [(2, 2)] * len(OPS[name].args), settings)


@pytest.mark.parametrize("name", ["reshape", "spread"])
def test_settings_that_must_be_given(name):
    with pytest.raises((TypeError, SettingError)):
        on_inputs(OPS[name], [(2, 2)], {})
