"""Activation functions against torch's own, at kinks, far out, and near 0 where digits could get lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import oracle
import pytest
from oracle import mp
from rows_of_a_table import every

from bpx.graph.graph import OPS, Graph
from bpx.graph.run import run
from bpx.ops import rows
from bpx.passes.reverse import grad

NAMES = [
    op.name for op in rows() if op.elementwise and op.local.__module__ == "bpx.ops.elementwise.activations"
]
SHAPES = [(), (1,), (7,), (2, 3), (3, 1), (2, 1, 4), (5, 2), (11,), (4, 4), (1, 6)]


def results(name: str, x: Any, *more: float) -> list[np.ndarray]:
    """Value, gradient and second derivative by x, element by element; `more` are the other args."""
    graph = Graph()
    node = graph.input(np.shape(x))
    out = OPS[name](node, *more)
    (first,) = grad(out, [node], np.ones(out.shape))
    (second,) = grad(first, [node], np.ones(out.shape))
    exprs = (out, first, second)
    found = run(graph, {node.id: np.asarray(x, dtype=float)}, [one.id for one in exprs])
    return [np.broadcast_to(found[one.id], np.shape(x)) for one in exprs]


# --- torch --------------------------------------------------------------------------------------


def functional(name: str) -> Any:
    """Torch's function, with its own defaults; settings go by position."""
    t = oracle.torch()
    f = t.nn.functional
    return {
        "softplus": lambda x: f.softplus(x, threshold=1e9),  # which torch cuts short beyond 20
        "hard_sigmoid": lambda x: f.relu6(x + 3) / 6,  # torch's hardsigmoid has 1/6 to 7 digits only
        "hard_swish": f.hardswish,
        "gelu_tanh": lambda x: f.gelu(x, approximate="tanh"),
        "swish": lambda x, beta=1.0: x * t.sigmoid(beta * x),
        "sigmoid": t.sigmoid,
    }.get(name) or getattr(f, name)


SETTINGS = {
    "leaky_relu": [(), (0.2,), (0.5,), (1.0,), (1.5,)],
    "elu": [(), (0.3,), (1.7,), (2.5,)],
    "hardtanh": [(), (-2.0, 2.0), (0.0, 1.5), (-0.5, 3.0)],
    "swish": [(), (0.5,), (2.0,), (-1.0,)],
}
CASES = [
    (name, shape, settings)
    for name in NAMES
    for shape in SHAPES
    for settings in (SETTINGS.get(name) or [(), ()])  # two draws of each shape at least
]


@every("name", NAMES)
def test_value_gradient_and_second_order_are_torchs(name):
    torch = oracle.torch()
    theirs = functional(name)
    cases = [case for case in CASES if case[0] == name]
    assert len(cases) >= 20
    for seed, (_, shape, settings) in enumerate(cases):
        x = np.random.default_rng(seed).uniform(-4, 4, shape)
        leaf = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        value = theirs(leaf, *settings)
        (first,) = torch.autograd.grad(value.sum(), leaf, create_graph=True)
        second = torch.zeros_like(leaf)
        if first.requires_grad:
            (second,) = torch.autograd.grad(first.sum(), leaf, allow_unused=True, materialize_grads=True)
        for got, wanted in zip(results(name, x, *settings), (value, first, second), strict=True):
            np.testing.assert_allclose(got, wanted.numpy(force=True), rtol=1e-10, atol=1e-14)


KINKS = {
    "relu": [0],
    "leaky_relu": [0],
    "elu": [0],
    "selu": [0],
    "relu6": [0, 6],
    "hardtanh": [-1, 1],
    "hard_sigmoid": [-3, 3],
    "hard_swish": [-3, 3],
}


@every("name, kinks", KINKS.items())
def test_the_convention_at_a_kink_is_torchs(name, kinks):
    torch = oracle.torch()
    for settings in SETTINGS.get(name, [()])[:1]:
        leaf = torch.tensor(kinks, dtype=torch.float64, requires_grad=True)
        functional(name)(leaf, *settings).sum().backward()
        _, first, _ = results(name, kinks, *settings)
        np.testing.assert_allclose(first, leaf.grad.numpy(force=True), rtol=1e-15)


def test_every_kink_is_compared_with_torchs():
    assert {*KINKS} == {name for name in NAMES if OPS[name].witness}


# --- far out and near 0 -------------------------------------------------------------------------

FAR = [-1e4, -1000, -745, -710, -100, -40, 40, 100, 710, 745, 1000, 1e4]


@every("name", NAMES)
def test_nothing_overflows(name):
    for found in results(name, FAR):
        assert np.isfinite(found).all()


@every("name", NAMES)
def test_far_out_lie_the_asymptotes(name):
    value, first, _ = results(name, [-1e4, 1e4])
    with mp.workdps(60):
        args = [mp.mpf(default) for default in OPS[name].defaults]
        truth = [oracle.VALUES[name](x, *args) for x in (mp.mpf(-1e4), mp.mpf(1e4))]
    np.testing.assert_allclose(value, list(map(float, truth)), rtol=1e-15, atol=1e-300)
    slopes = [oracle.partial(name, (x, *map(float, args)), 0) for x in (-1e4, 1e4)]
    np.testing.assert_allclose(first, list(map(float, slopes)), rtol=1e-12, atol=1e-30)


@every("x", [1e-300, 1e-20, 1e-12, 1e-5, 1e-3, 0.5, 5.0, 30.0, 200.0, 700.0])
@every(
    "name",
    ["logsigmoid", "softplus", "silu", "swish", "mish", "elu", "selu", "softsign"],
)
def test_no_digits_are_lost(name, x):
    with mp.workdps(700):
        for at in (x, -x):
            args = [mp.mpf(default) for default in OPS[name].defaults]
            truth = oracle.VALUES[name](mp.mpf(at), *args)
            (got,) = results(name, [at])[0]
            assert abs(mp.mpf(got) - truth) <= 2e-15 * abs(truth)


@pytest.mark.parametrize("x", [-37.0, -20.0, -8.0, -1e-12, 1e-12])
def test_the_lower_tail_of_gelu_keeps_its_digits(x):
    with mp.workdps(400):
        for name in ("gelu", "gelu_tanh") if x > -10 else ("gelu",):
            truth = oracle.VALUES[name](mp.mpf(x))
            # What is lost is lost in rounding x/√2 already: the relative slope of gelu is about x².
            assert abs(mp.mpf(results(name, [x])[0][0]) - truth) <= 4e-16 * (1 + x * x) * abs(truth)


# --- args that may be left out ------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in NAMES if OPS[name].defaults])
def test_left_out_args_have_their_defaults(name):
    graph = Graph()
    x = graph.input()
    assert OPS[name](x).id == OPS[name](x, *OPS[name].defaults).id


@pytest.mark.parametrize("name", ["leaky_relu", "elu"])
def test_there_is_no_kink_where_the_sides_meet_with_one_slope(name):
    graph = Graph()
    x, other = graph.input(), graph.input()
    assert OPS[name].guards(x, graph.constant(1)) == []
    assert [guard.kind for guard in OPS[name].guards(x, graph.constant(2))] == ["kink"]
    assert [guard.kind for guard in OPS[name].guards(x, other)] == ["kink"]


def test_one_learnable_slope_per_feature():
    graph = Graph()
    x, slopes = graph.input((2, 3)), graph.input((3,))
    out = OPS["prelu"](x, slopes)
    given = {x.id: np.array([[-1.0, 2, -3], [4, -5, -6]]), slopes.id: np.array([0.1, 0.2, 0.3])}
    (gradient,) = grad(out, [slopes], np.ones((2, 3)))
    found = run(graph, given, [out.id, gradient.id])
    np.testing.assert_allclose(found[out.id], [[-0.1, 2, -0.9], [4, -1, -1.8]])
    np.testing.assert_allclose(found[gradient.id], [-1, -5, -9])


def test_silu_is_swish_with_beta_1():
    x = np.linspace(-5, 5, 21)
    for one, other in zip(results("silu", x), results("swish", x), strict=True):
        np.testing.assert_array_equal(one, other)
