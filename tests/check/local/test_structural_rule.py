"""A structural node's rule as a function of numbers, and the op's forward with one arg exchanged."""

from __future__ import annotations

import numpy as np
import pytest

from bpx.check.local.structural_rule import StructuralRule
from bpx.graph.graph import OPS, Graph
from bpx.graph.run import run

RNG = np.random.default_rng(0)


def rule_of(name, *args, **settings):
    graph = Graph()
    inputs = [graph.input(arg.shape) for arg in args]
    node = graph.add(OPS[name], *inputs, **settings)
    values = run(graph, {one.id: arg for one, arg in zip(inputs, args, strict=True)}, [node.id])
    return StructuralRule(graph, node.id, values, {one: 1e-9 * np.abs(v) for one, v in values.items()})


def test_matmul():
    a, b, upstream = RNG.normal(size=(2, 3)), RNG.normal(size=(3, 4)), RNG.normal(size=(2, 4))
    rule = rule_of("matmul", a, b)
    np.testing.assert_allclose(rule(0, upstream), upstream @ b.T, rtol=1e-13)
    np.testing.assert_allclose(rule(1, upstream), a.T @ upstream, rtol=1e-13)
    np.testing.assert_allclose(rule.magnitude(0, upstream), np.abs(upstream) @ np.abs(b).T, rtol=1e-13)


def test_settings_are_kept():
    x = RNG.normal(size=(2, 3))
    assert rule_of("mean", x, axis=1)(0, np.array([3.0, 6.0])).tolist() == [[1, 1, 1], [2, 2, 2]]
    assert rule_of("transpose", x, axes=[1, 0])(0, np.ones((3, 2))).shape == (2, 3)


def test_softmax_uses_its_output():
    x, upstream = RNG.normal(size=(2, 3)), RNG.normal(size=(2, 3))
    out = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    wanted = out * (upstream - (upstream * out).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(rule_of("softmax", x)(0, upstream), wanted, rtol=1e-12)


@pytest.mark.parametrize("position", [0, 1])
def test_forward_with_one_arg_exchanged(position):
    args = [RNG.normal(size=(2, 3)), RNG.normal(size=3)]
    rule = rule_of("matmul", *args)
    others = RNG.normal(size=(*args[position].shape, 5))
    batched = rule.forward(position, others, batch=True)
    for i in range(5):
        exchanged = args.copy()
        exchanged[position] = others[..., i]
        np.testing.assert_allclose(batched[..., i], exchanged[0] @ exchanged[1], rtol=1e-13)
        np.testing.assert_allclose(rule.forward(position, others[..., i]), batched[..., i], rtol=1e-13)


def test_what_rounding_of_the_other_args_may_do():
    a, b, upstream = RNG.normal(size=(2, 3)), RNG.normal(size=(3, 4)), RNG.normal(size=(2, 4))
    rule = rule_of("matmul", a, b)
    bound = rule.rounding_error(0, upstream)
    for sign in (1, -1):
        moved = upstream @ (b + sign * 1e-9 * np.abs(b)).T - upstream @ b.T
        assert (np.abs(moved) <= bound * (1 + 1e-4)).all()


def test_sizes_are_those_of_the_args_that_a_rule_has():
    a, b, upstream = RNG.normal(size=(2, 3)), RNG.normal(size=(3, 4)), RNG.normal(size=(2, 4))
    rule = rule_of("matmul", a, b)
    rule.magnitude(0, upstream)  # which keeps them
    ones = np.abs(upstream) @ np.ones((4, 3))
    np.testing.assert_allclose(rule.of_ones().magnitude(0, upstream), ones, rtol=1e-13)


def test_several_contributions_at_once_are_those_of_each():
    rule = rule_of("matmul", RNG.normal(size=(2, 3)), RNG.normal(size=(3, 4)))
    upstream = RNG.normal(size=(2, 4))
    for position, contribution in zip((1, 0), rule.at_once((1, 0), upstream), strict=True):
        assert np.array_equal(contribution, rule(position, upstream))


@pytest.mark.parametrize(
    ("name", "args", "sees"),
    [
        ("sum", [(2, 3)], False),
        ("reshape", [(2, 3)], False),
        ("softmax", [(3,)], True),
        ("outer", [(2,), (3,)], True),
    ],
)
def test_which_rules_see_values(name, args, sees):
    settings = {"shape": [6]} if name == "reshape" else {}
    assert rule_of(name, *(RNG.normal(size=shape) for shape in args), **settings).sees_values(0) is sees
