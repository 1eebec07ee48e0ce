"""Value and gradients as numbers alone: the numbers of the explanation, and those of the graph's nodes."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest
from rows_of_a_table import every

import bpx
from bpx.graph.graph import Expr, Graph, Op
from bpx.graph.run import run
from bpx.ops import rows
from bpx.passes.evaluate import Evaluator
from bpx.passes.plain import SAME_BITS, UP_TO_ROUNDING
from bpx.passes.reverse import grad
from bpx.passes.two_loops import both_passes
from bpx.spec.reading.examples import example_names


def takes_scalars(op: Op) -> bool:
    graph = Graph()
    try:
        return graph.add(op, *(graph.input() for _ in op.args)).shape == ()
    except (ValueError, TypeError):
        return False


# Those that refuse numbers are not for numbers drawn at random.
ON_SCALARS = [op for op in rows() if op.refuses is None and takes_scalars(op)]


def by_nodes(out: Expr, wrt: list[Expr], known: dict[int, float]) -> tuple[float, list[float]]:
    """The same with a reverse pass of nodes, which then runs."""
    gradients = grad(out, wrt)
    values = run(out.graph, known, [out.id, *(expr.id for expr in gradients)])
    return float(values[out.id]), [float(values[expr.id]) for expr in gradients]


def random_graph(seed: int, ops: list[Op], size: int = 12) -> tuple[Expr, list[Expr], dict[int, float]]:
    """A scalar graph of random ops, some on numbers, typed or folded."""
    rng = random.Random(seed)
    graph = Graph()
    leaves = [graph.input() for _ in range(4)]
    nodes: list[Expr] = [*leaves, *map(graph.constant, (0, 1, 2, -0.5))]
    while len(nodes) < size:
        op = rng.choice(ops)
        args = [rng.choice(nodes) for _ in op.args]
        build = graph.add if rng.random() < 0.5 else lambda op, *args: op(*args)
        nodes.append(build(op, *args))
    out = nodes[-1] + nodes[-2] * nodes[-3]
    return out, leaves, {leaf.id: rng.choice([0.0, 1.0, -2.0, rng.gauss(0, 1)]) for leaf in leaves}


def test_two_loops_give_the_numbers_of_the_nodes_to_the_last_bit():
    swept = 0
    for seed in range(1200):
        out, leaves, known = random_graph(seed, ON_SCALARS if seed % 2 else ON_SCALARS[:8])
        numbers = both_passes(out.graph, out.id, [leaf.id for leaf in leaves], known)
        value, gradients = by_nodes(out, leaves, known)
        if numbers is not None:
            assert numbers == (value, gradients), seed  # 0 and -0 are equal
            swept += 1
    assert swept > 500


@every("name", [op.name for op in ON_SCALARS if op.local])
def test_each_op_is_swept(name):
    graph = Graph()
    op = bpx.ops.__getattr__(name)
    leaves = [graph.input() for _ in op.args]
    out = op(*leaves)
    known = dict(zip((leaf.id for leaf in leaves), (1.5, 0.75, 2.25), strict=False))
    if name in ("asin", "acos", "atanh"):
        known = {leaves[0].id: 0.3}
    numbers = both_passes(graph, out.id, [leaf.id for leaf in leaves], known)
    assert numbers == by_nodes(out, leaves, known)


@pytest.mark.parametrize("forms", [SAME_BITS, UP_TO_ROUNDING])
def test_forms_in_python_are_the_ops(forms):
    """At numbers of all kinds; where Python raises, NumPy's way is taken."""
    from bpx.passes.plain import Step, plain

    rng = np.random.default_rng(1)
    numbers = [0.0, -0.0, 1.0, -1.0, 0.5, 3.0, -700.0, 800.0, math.nan, *rng.normal(size=20)]
    for op in (op for op in (*rows(), bpx.ops.arithmetic.contribution) if op.value in forms):
        params = [f"x{place}" for place in range(len(op.args))]
        function = plain(params, [Step(op.value, params, "out")], "out", forms)
        for _ in range(200):
            args = [float(rng.choice(numbers)) for _ in params]
            with np.errstate(all="ignore"):
                wanted = float(op.value(*map(np.float64, args)))
            try:
                found = function(*args)
            except (ArithmeticError, ValueError):
                assert not math.isfinite(wanted) or op.name in ("sigmoid", "exp", "expm1", "pow")
                continue
            if op.value in SAME_BITS:
                assert repr(found) == repr(wanted) or math.isnan(wanted), (op.name, args)
            else:
                np.testing.assert_allclose(found, wanted, rtol=4e-16, atol=1e-300, err_msg=op.name)


def explained(spec: bpx.Spec) -> dict[str, Any]:
    return dict(spec.explain(check=False).gradients)


@every("name", example_names())
def test_examples_have_the_numbers_of_their_explanation(name):
    spec = bpx.load(name)
    explanation = spec.explain(check=False)
    value, gradients = spec.value_and_gradients()
    np.testing.assert_array_equal(value, explanation.value)
    for node, gradient in explanation.gradients.items():
        np.testing.assert_array_equal(gradients[node], gradient)
    compiled = spec.compile()
    leaf = spec.inputs[-1]
    moved = leaf.value + 0.125 if leaf.role in ("data", "parameter") else leaf.value
    for at in (leaf.value, moved):
        wanted = spec.with_values({leaf.name: at}).value_and_gradients()
        found = compiled(**{leaf.name: at})
        np.testing.assert_allclose(found[0], wanted[0], rtol=1e-12, atol=1e-13)
        assert found[1].keys() == wanted[1].keys()
        for node, gradient in wanted[1].items():
            np.testing.assert_allclose(found[1][node], gradient, rtol=1e-9, atol=1e-12)
    values, many = compiled.batch(**{leaf.name: np.stack([leaf.value, moved])})
    np.testing.assert_allclose(values[1], wanted[0], rtol=1e-12, atol=1e-13)
    for node, gradient in wanted[1].items():
        np.testing.assert_allclose(many[node][1], gradient, rtol=1e-9, atol=1e-12)


def test_what_is_not_given_keeps_its_value():
    compiled = bpx.parse("x*y + z", x=2, y=3, z=4).compile(wrt=["x"])
    assert compiled() == (10, {"x": 3})
    assert compiled(y=5) == (14, {"x": 5})
    assert compiled() == (10, {"x": 3})


def test_of_and_upstream():
    spec = bpx.parse("a = x^2; b = sin(a)", x=2)
    assert spec.value_and_gradients(of="a", upstream=3) == (4, {"x": 12})
    assert spec.compile(of="a", upstream=3)(x=1.0) == (1, {"x": 6})


def test_an_input_that_the_output_does_not_need():
    spec = bpx.parse("a = x*y; b = x + 1", x=2, y=3)
    assert spec.value_and_gradients(of="b") == (3, {"x": 1, "y": 0})
    assert spec.compile(of="b")(x=5.0, y=7.0) == (6, {"x": 1, "y": 0})


def test_what_is_not_finite_is_returned_by_a_compiled_function():
    compiled = bpx.parse("1/x + exp(y)", x=2, y=1).compile()
    value, gradients = compiled(x=0.0, y=1000.0)
    assert value == math.inf
    assert {name: float(gradient) for name, gradient in gradients.items()} == {"x": -math.inf, "y": math.inf}


def test_a_value_that_is_not_finite_is_an_error_as_in_an_explanation():
    spec = bpx.parse("log(x - 3)", x=2)
    with pytest.raises(bpx.BpxError) as swept:
        spec.value_and_gradients()
    with pytest.raises(bpx.BpxError) as made:
        spec.explain()
    assert str(swept.value) == str(made.value)


@pytest.mark.parametrize(
    ("call", "codes"),
    [
        (lambda f: f(q=1, x=[1, 2]), ["unknown-node", "value-shape"]),
        (lambda f: f(x="one"), ["not-a-number"]),
        (lambda f: f.batch(x=1), ["value-of-points"]),
        (lambda f: f.batch(x=[[1], [2]]), ["value-of-points"]),
        (lambda f: f.batch(x=[1, 2], y=[1, 2, 3]), ["points-differ"]),
    ],
)
def test_what_does_not_fit_is_said(call, codes):
    compiled = bpx.parse("x*y", x=2, y=3).compile()
    with pytest.raises(bpx.BpxError) as caught:
        call(compiled)
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == codes


def test_the_graph_of_a_spec_does_not_grow():
    spec = bpx.parse("sin(x*y)", x=2, y=3)
    size = len(spec.graph)
    spec.value_and_gradients()
    spec.compile()
    assert len(spec.graph) == size


def test_2_to_the_100_paths_and_a_long_chain():
    graph = Graph()
    x = graph.input()
    doubled: Expr = x
    for _ in range(100):
        doubled = graph.add(bpx.ops.add, doubled, doubled)
    spec = bpx.from_graph(doubled, {"x": (x, 1.0)})
    assert spec.value_and_gradients() == (2.0**100, {"x": 2.0**100})
    assert spec.compile()() == (2.0**100, {"x": 2.0**100})
    chain: Expr = x
    for _ in range(20_000):
        chain = chain * x
    value, gradients = bpx.from_graph(chain, {"x": (x, 1.0)}).value_and_gradients()
    assert (value, gradients["x"]) == (1, 20_001)


def test_a_graph_too_large_for_python_code_is_computed_by_numpy(monkeypatch):
    monkeypatch.setattr("bpx.passes.evaluate.LARGEST_PLAIN", 1)
    compiled = bpx.parse("sin(x*y)*x", x=2, y=3).compile()
    assert isinstance(compiled, Evaluator)
    value, gradients = compiled(x=1.0, y=2.0)
    np.testing.assert_allclose(
        [value, *gradients.values()], [math.sin(2), math.sin(2) + 2 * math.cos(2), math.cos(2)], rtol=1e-15
    )
