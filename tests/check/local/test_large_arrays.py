"""Structure in large arrays is derived: rules that claim another one are caught, and one wrong element."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checking import planted, point_of, spec
from rows_of_a_table import every

from bpx.check.gradcheck import gradcheck
from bpx.check.local.elementwise_complex import confirmed_slopes
from bpx.check.local.reverse_sweep import with_sampled_errors
from bpx.check.numeric.tolerances import LARGEST_EXTENDED_EPSILON
from bpx.check.report.entry import Verdict
from bpx.graph.graph import OPS
from bpx.graph.run import run

SHAPE = (50, 60)
RNG = np.random.default_rng(0)
X, W = RNG.normal(size=SHAPE), RNG.normal(size=(60, 40))


def one_element(graph_of, at=(37, 33), size=1e-5):
    """A factor for a contribution: 1 but for one element of an array of this shape."""
    factor = np.ones(graph_of.shape)
    factor[at[: factor.ndim]] += size
    return graph_of.graph.constant(factor)


def with_pull(made, op, change):
    """The spec with what the rule of every node of an op passes to its first arg changed."""
    graph = made.graph.copy()
    right = OPS[op]

    def pull(upstream, *args, **settings):
        first, *others = right.pull(upstream, *args, **settings)
        return (change(first, upstream, *args), *others)

    wrong = replace(right, pull=pull)
    graph.ops[:] = [wrong if node is right else node for node in graph.ops]
    return replace(made, graph=graph)


def verdicts(made, op):
    """Of the edges from nodes of an op."""
    point = point_of(made)
    edges = point.checked_edges.items()
    return [one.verdict for edge, one in edges if point.graph.ops[edge.consumer].name == op]


WRONG_RULES = [  # expression, op, what becomes of its first contribution
    ("x @ w", "matmul", lambda c, g, *_: c * one_element(c)),
    ("x @ w", "matmul", lambda c, g, *_: c + 1e-3 * OPS["mean"](c, axis=1, keepdims=True)),
    ("x @ w", "matmul", lambda c, g, *_: OPS["flip"](c, axis=0)),  # rows of the batch exchanged
    ("sum(x, axis=1)", "sum", lambda c, g, *_: c * one_element(c)),
    ("mean(x, axis=0)", "mean", lambda c, g, *_: c * one_element(c)),
    ("sum(x, axis=0)", "sum", lambda c, g, *_: OPS["flip"](c, axis=1)),
    ("x[:, 10:50]", "index", lambda c, g, *_: OPS["flip"](c, axis=0)),
    ("cumsum(x, axis=1)", "cumsum", lambda c, g, *_: c * one_element(c)),
    ("cumsum(x, axis=1)", "cumsum", lambda c, g, *_: g),  # the diagonal alone
    ("softmax(x)", "softmax", lambda c, g, x, out: g * out * (1 - out)),  # the same
    ("softmax(x)", "softmax", lambda c, g, x, out: c * one_element(c, size=1e-4)),
    ("softmax(x)", "softmax", lambda c, g, x, out: OPS["flip"](c, axis=0)),
    ("logsumexp(x, axis=1)", "logsumexp", lambda c, g, *_: c * one_element(c, size=1e-4)),
]


@every("expression, op, change", WRONG_RULES)
def test_structure_that_a_rule_does_not_have_is_caught(expression, op, change):
    values = {"x": X, "w": W} if "w" in expression.split() else {"x": X}
    made = spec(expression, **values)
    assert set(verdicts(made, op)) == {Verdict.AGREE}
    assert Verdict.DISAGREE in verdicts(with_pull(made, op, change), op)


def test_a_wrong_rule_in_a_large_array_is_blamed():
    made = spec("mean((x @ w)^2)", x=X, w=W)
    report = gradcheck(with_pull(made, "matmul", lambda c, g, *_: c * one_element(c)))
    assert [(culprit.op, culprit.arg) for culprit in report.blame] == [("matmul", "x")]


@every("expression, op", [("exp(x)", "exp"), ("tanh(x)", "tanh"), ("x * y", "mul"), ("x^3 / y", "div")])
def test_one_element_of_thousands(expression, op):
    y = np.random.default_rng(1).uniform(0.5, 2, SHAPE)
    made = spec(expression, **({"x": X, "y": y} if "y" in expression else {"x": X}))
    assert set(verdicts(made, op)) == {Verdict.AGREE}
    spoiled = planted(made, "out", 0, lambda right, *args: right * one_element(args[-1]))
    assert Verdict.DISAGREE in verdicts(spoiled, op)


def deep(layers, size, spread, seed):
    """A network of tanh layers of one size, two samples; `spread` divides its weights."""
    rng = np.random.default_rng(seed)
    weights = {f"w{i}": rng.normal(size=(size, size)) / spread for i in range(layers)}
    text = "x"
    for name in weights:
        text = f"tanh({text} @ {name})"
    return spec(f"sum({text})", x=rng.normal(size=(2, size)), **weights)


def test_sampled_errors_cover_the_truth():
    point = point_of(deep(layers=6, size=12, spread=3, seed=3))
    bounds, sampled = point.reference, with_sampled_errors(point.ledger.edges, point.trusted, point.reference)
    longer = {node: np.asarray(value, np.longdouble) for node, value in point.input_values.items()}
    for node in point.query.wrt.values():
        formula = point.ledger.gradient(node).id
        truth = run(point.graph, longer, [formula], dtype=np.longdouble)[formula]
        assert (np.abs(sampled[node].value - truth) <= sampled[node].error).all()
        assert (sampled[node].error <= bounds[node].error).all()


@pytest.mark.skipif(np.finfo(np.longdouble).eps > LARGEST_EXTENDED_EPSILON, reason="no extended precision")
def test_errors_of_a_deep_graph_are_sampled_and_cover_what_the_rules_are_off_by():
    """Worst-case bounds grow twentyfold with each layer: after ten nothing would be left of a gradient."""
    report = gradcheck(deep(layers=10, size=400, spread=20, seed=2), wrt=["x", "w0"])
    assert report.counts["agree"] == report.total


def test_a_forward_that_drops_the_imaginary_part_confirms_nothing():
    """|x| of complex numbers has no slope along the imaginary axis; nor has a rule that says so."""
    made = spec("abs(x)", x=X[:1])
    spoiled = planted(made, "out", 0, lambda right, x, out: 0 * right)
    assert verdicts(spoiled, "abs") == [Verdict.DISAGREE]
    (batch,) = point_of(made).elementwise
    columns = np.arange(batch.out.size)
    assert not confirmed_slopes(batch, 0, columns, np.zeros(batch.out.size))[0].any()
