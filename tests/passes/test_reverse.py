"""The reverse pass: its ledger, and its gradients against mpmath at 50 digits and against torch."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import oracle
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from oracle import mp
from rows_of_a_table import every

from bpx.graph.arrays import ShapeError
from bpx.graph.graph import OPS, Expr, Graph, Op
from bpx.graph.run import run
from bpx.ops import rows
from bpx.ops.tensors import SettingError
from bpx.passes.reverse import Ledger, grad, reverse
from bpx.spec.text.build import build
from bpx.spec.text.parser import parse
from bpx.spec.text.source_text import SourceText
from bpx.words.diagnostic import Source

NAMES = [op.name for op in rows()]
# Ops for random graphs: those that say what they do without settings of their own, and are no composite.
PLAIN = [
    op.name for op in rows() if not op.composite and (not op.sample_settings or op.name in "reshape spread")
]
# Ops that refuse numbers, as those of an order do, have tests of their own at 50 digits.
ELEMENTWISE = [op.name for op in rows() if op.elementwise and op.refuses is None]


def numbers(exprs: Sequence[Expr], given: dict[Expr, Any]) -> list[float]:
    """The values of scalar nodes."""
    values = run(exprs[0].graph, {one.id: at for one, at in given.items()}, [expr.id for expr in exprs])
    return [float(values[expr.id]) for expr in exprs]


# --- small graphs whose gradient everybody can work out -----------------------------------------


def test_a_node_added_to_itself_counts_twice(graph, x):
    b = x + x
    c = b + b
    assert numbers(grad(c, [x]), {x: 1.0}) == [4]


def test_a_node_typed_to_be_added_to_itself_counts_twice(graph, x):
    b = graph.add(OPS["add"], x, x)
    c = graph.add(OPS["add"], b, b)
    assert numbers(grad(c, [x]), {x: 1.0}) == [4]


def test_a_shared_node_hands_on_the_sum_once(graph, x):
    """Handing on each contribution as it comes, and the sum too, would give 4·1 + 4·6 = 28."""
    b = x * x
    c = b + 5 * b
    assert numbers(grad(c, [x]), {x: 2.0}) == [24]


@every(
    "text, at, slope",
    [
        ("x", 3, 1),
        ("x*x*x", 2, 12),
        ("(x+1)*(x+1)", 2, 6),
        ("x - x", 5, 0),
        ("x / x", 5, 0),
        ("2^x", 0, np.log(2)),
        ("x^x", 1, 1),
        ("max(x, x)", 3, 1),
        ("where(x > 0, x^2, -x)", 3, 6),
        ("where(x > 0, x^2, -x)", -3, -1),
        ("sum(x)", 3, 1),
        ("mean(x)", 3, 1),
    ],
)
def test_slopes(text, at, slope):
    out, inputs = read(text, "x")
    assert numbers(grad(out, inputs), {inputs[0]: at}) == pytest.approx([slope], rel=1e-15)


def read(text: str, *names: str) -> tuple[Expr, list[Expr]]:
    graph = Graph()
    inputs = {name: graph.input() for name in names}
    code, problems = parse(SourceText(Source("test", text), text))
    out = build(code, graph, inputs, problems.append)
    assert problems == []
    return out, list(inputs.values())


def test_second_and_third_order(graph, x):
    first = grad(x**4, [x])[0]
    second = grad(first, [x])[0]
    third = grad(second, [x])[0]
    assert numbers([first, second, third], {x: 2.0}) == [32, 48, 48]


def test_mixed_second_derivatives_agree(graph, x, y):
    out = OPS["sin"](x * y) / (x + y)
    by_x, by_y = grad(out, [x, y])
    xy, yx = grad(by_x, [y])[0], grad(by_y, [x])[0]
    assert np.diff(numbers([xy, yx], {x: 1.2, y: 0.7})) == pytest.approx(0, abs=1e-15)


def test_reversing_twice_gives_the_same(graph, x, y):
    out = OPS["tanh"](x * y) + x**3 / y
    first = reverse(out, [x, y])
    size = len(graph)
    second = reverse(out, [x, y])
    assert second == first
    assert len(graph) == size


def test_a_gradient_can_be_asked_for_inner_nodes(graph, x):
    a = OPS["exp"](x)
    out = a * a * 3
    ledger = reverse(out, [a])
    assert numbers([ledger.gradient(a.id)], {x: 0.5}) == pytest.approx([6 * np.exp(0.5)])
    assert ledger.gradient(x.id) is None


def test_the_output_itself_has_gradient_1(graph, x):
    ledger = reverse(x, [x])
    assert ledger.edges == ()
    assert ledger.gradient(x.id).number == 1


# --- where nothing flows ------------------------------------------------------------------------


def test_nothing_flows_into_what_was_not_asked(graph, x):
    target, weight = graph.input(), graph.input()
    z = x * weight
    out = (z - target) ** 2 * OPS["exp"](x)
    ledger = reverse(out, [weight])
    asked = {weight.id, z.id, *[node for node in ledger.upstream if node > z.id]}
    assert set(ledger.upstream) == asked
    assert {edge.arg for edge in ledger.edges}.isdisjoint({x.id, target.id})
    assert not any(graph.ops[edge.arg].name == "constant" for edge in ledger.edges)


def test_what_the_output_does_not_rest_on_has_gradient_0(graph, x):
    v = graph.input((2, 3))
    later = x * 5
    assert reverse(x * 2, [x, v, later]).gradient(v.id) is None
    (zeros,) = grad(x * 2, [v])
    assert (zeros.shape, run(graph, {}, [zeros.id])[zeros.id].any()) == ((2, 3), False)
    assert grad(x * 2, [later])[0].number == 0


def test_an_output_that_rests_on_nothing_asked_has_an_empty_ledger(graph, x, y):
    ledger = reverse(OPS["exp"](y), [x])
    assert (ledger.edges, ledger.upstream) == ((), {})


@pytest.mark.parametrize("exponent", [-1, 0.5, 2, 3, "input"])
def test_a_power_computes_no_log_unless_the_exponent_is_asked_for(graph, x, y, exponent):
    out = graph.add(OPS["pow"], x, y if exponent == "input" else graph.constant(exponent))
    (slope,) = grad(out, [x])
    needed = {graph.ops[node].name for node in graph.needs(of=[out.id, slope.id])}
    assert "log" not in needed
    assert numbers([slope], {x: -2.0, y: 3.0})[0] == pytest.approx(
        {-1: -0.25, 0.5: np.nan, 2: -4, 3: 12, "input": 12}[exponent], nan_ok=True
    )


def test_a_power_computes_the_log_when_the_exponent_is_asked_for(graph, x, y):
    (slope,) = grad(x**y, [y])
    assert "log" in {graph.ops[node].name for node in graph.needs(of=[slope.id])}
    assert numbers([slope], {x: 2.0, y: 3.0}) == pytest.approx([8 * np.log(2)])


# --- what cannot be reversed --------------------------------------------------------------------


def test_an_array_needs_an_upstream_gradient(graph):
    v = graph.input((3,))
    with pytest.raises(ValueError, match="upstream"):
        reverse(v * 2, [v])


@pytest.mark.parametrize("upstream", [1.0, np.ones(2), np.ones((3, 1))])
def test_an_upstream_gradient_of_another_shape_is_refused(graph, upstream):
    v = graph.input((3,))
    with pytest.raises(ValueError, match="shape"):
        reverse(v * 2, [v], upstream)


def test_an_upstream_gradient_weighs_the_elements(graph):
    v = graph.input((3,))
    (gradient,) = grad(v**2, [v], np.array([1.0, 10.0, 0.0]))
    assert run(graph, {v.id: np.array([1.0, 2.0, 3.0])}, [gradient.id])[gradient.id].tolist() == [2, 40, 0]


def test_an_upstream_gradient_may_be_a_node(graph, x, y):
    assert numbers(grad(x * x, [x], y), {x: 3.0, y: 10.0}) == [60]


def test_an_op_without_a_rule_says_so(graph, x):
    opaque = Op("opaque", np.cbrt, ("x",), shape=lambda x: x)
    with pytest.raises(ValueError, match="opaque has no derivative rule"):
        reverse(graph.add(opaque, x), [x])


# --- depth and width ----------------------------------------------------------------------------


def test_a_chain_of_100_000_nodes(graph, x):
    out = x
    for _ in range(50_000):
        out = graph.add(OPS["sin"], graph.add(OPS["neg"], out))
    (slope,) = grad(out, [x])
    at, product = 0.5, 1.0
    for _ in range(50_000):
        at, product = np.sin(-at), product * -np.cos(-at)
    assert numbers([out, slope], {x: 0.5}) == pytest.approx([at, product], rel=1e-9)


def test_a_sum_of_10_000_terms(graph, x):
    out = x
    for factor in range(2, 10_001):
        out = out + x * factor
    assert numbers([out, *grad(out, [x])], {x: 2.0}) == [10_000 * 10_001, 10_000 * 10_001 / 2]


def test_a_typed_sum_of_10_000_terms():
    out, inputs = read(" + ".join(["x*y"] * 10_000), "x", "y")
    at = dict(zip(inputs, [2.0, 3.0], strict=True))
    assert numbers([out, *grad(out, inputs)], at) == [60_000, 30_000, 20_000]


def test_brackets_10_000_deep():
    out, inputs = read("tanh(" * 10_000 + "x" + ")" * 10_000, "x")
    value, slope = numbers([out, *grad(out, inputs)], {inputs[0]: 1e-3})
    assert 0 < slope < 1
    assert 0 < value < 1e-3


# --- the ledger of random graphs ----------------------------------------------------------------

SHAPES = [(), (3,), (2, 3), (2, 1)]
SETTINGS = {  # op → settings to try for an arg of a shape
    "sum": lambda shape: [{}, {"axis": -1}, {"axis": 0, "keepdims": True}],
    "mean": lambda shape: [{}, {"axis": -1}, {"axis": 0, "keepdims": True}],
    "reshape": lambda shape: [{"shape": -1}, {"shape": list(shape[::-1])}, {"shape": [1, -1]}],
    "spread": lambda shape: [
        {"shape": [2, *shape], "axis": [0]},
        {"shape": [*shape, 3], "axis": [len(shape)]},
        {"shape": list(shape)},
    ],
}
LARGEST_VALUE = 20.0

Step = tuple[str, int, int, int]  # op, and picks: of args, counted back from the latest; of settings


@dataclass
class Grown:
    """A random graph: every node stands where its op is smooth, and has a value of modest size."""

    graph: Graph
    inputs: list[Expr]
    values: dict[int, Any]

    @property
    def out(self) -> Expr:
        return self.graph[len(self.graph) - 1]


def grow(shapes: Sequence[tuple[int, ...]], steps: Sequence[Step], seed: int) -> Grown:
    """A graph of the steps that fit; those that do not are left out."""
    rng = np.random.default_rng(seed)
    graph = Graph()
    values = {graph.constant(number).id: np.float64(number) for number in (2.0, 0.5)}
    inputs = [graph.input(shape) for shape in shapes]
    for one in inputs:
        values[one.id] = rng.uniform(0.2, 2, one.shape) * rng.choice([-1, 1], one.shape)
    for name, *picks, settings_pick in steps:
        op = OPS[name]
        args = [graph[len(graph) - 1 - pick % len(graph)] for pick in (picks * 2)[: len(op.args)]]
        usual = [op.sample_settings]
        choices = SETTINGS[name](args[0].shape) if name in SETTINGS else usual
        settings = choices[settings_pick % len(choices)]
        value = fitting_value(op, [values[arg.id] for arg in args], settings)
        if value is not None:
            values[graph.add(op, *args, **settings).id] = value
    return Grown(graph, inputs, values)


def fitting_value(op: Op, args: Sequence[Any], settings: dict[str, Any]) -> Any:
    """The op's value at the args; None where shapes or domain do not fit, or it is large."""
    scratch = Graph()
    inputs = [scratch.input(np.shape(arg)) for arg in args]
    try:
        out = scratch.add(op, *inputs, **settings)
    except (ShapeError, SettingError):
        return None
    if op.elementwise and not oracle.guards_hold(op, args, oracle.MARGIN).all():
        return None
    value = run(scratch, {one.id: arg for one, arg in zip(inputs, args, strict=True)}, [out.id])[out.id]
    return value if np.size(value) <= 60 and np.all(np.abs(value) <= LARGEST_VALUE) else None


# The ops that join branches are drawn more often: most other ops have one arg.
DRAWN = PLAIN + 5 * ["add", "mul", "div", "matmul", "max"]
PICK = st.integers(0, 7)
PROGRAMS = st.builds(
    grow,
    st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3),
    st.lists(st.tuples(st.sampled_from(DRAWN), PICK, PICK, PICK), min_size=5, max_size=25),
    st.integers(0, 2**16),
)


def upstream_of(out: Expr) -> Any:
    return np.random.default_rng(5).uniform(0.5, 2, out.shape)


def summed_to(shape: tuple[int, ...], array: Any) -> Any:
    """`array` summed over the axes along which a value of `shape` was broadcast to reach it."""
    array = array.sum(axis=tuple(range(array.ndim - len(shape))))
    stretched = tuple(axis for axis, length in enumerate(shape) if length == 1 and array.shape[axis] != 1)
    return array.sum(axis=stretched, keepdims=True)


def expected_contribution(grown: Grown, values: dict[int, Any], edge) -> tuple[Any, Any]:
    """What an edge should hand back, and the size of the terms it is the sum of."""
    graph, upstream = grown.graph, values[edge.upstream]
    shape = graph.shapes[edge.arg]
    if edge.local is not None:
        product = upstream * values[edge.local]
        return summed_to(shape, product), np.abs(product).max()
    if edge.position in graph.ops[edge.consumer].chooses:
        return np.zeros(shape), 1.0  # what chooses between elements gets no gradient
    args = [values[arg] for arg in graph.args[edge.consumer]]
    name, settings = graph.ops[edge.consumer].name, graph.settings[edge.consumer]
    if name == "eigvalsh":  # equal ones have no derivative
        assume(np.diff(values[edge.consumer]).all())
    pulls = [oracle.pulls(name, one, args, settings)[edge.position] for one in (upstream, np.abs(upstream))]
    return pulls[0], np.abs(pulls[1]).max() + np.abs(pulls[0]).max()


def ledger_values(ledger: Ledger, grown: Grown) -> dict[int, Any]:
    nodes = {node for edge in ledger.edges for node in (edge.upstream, edge.contribution, edge.local or 0)}
    given = {one.id: grown.values[one.id] for one in grown.inputs}
    return run(grown.graph, given, [*nodes, *ledger.upstream.values(), *range(grown.out.id + 1)])


def assert_near(got: Any, wanted: Any, scale: float) -> None:
    assert np.shape(got) == np.shape(wanted)
    np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-10 * scale)


@given(PROGRAMS)
def test_every_edge_contributes_upstream_times_local(grown):
    out = grown.out
    ledger = reverse(out, grown.inputs, upstream_of(out))
    values = ledger_values(ledger, grown)
    for edge in ledger.edges:
        assert edge.upstream == ledger.upstream[edge.consumer]
        assert grown.graph.args[edge.consumer][edge.position] == edge.arg
        wanted, scale = expected_contribution(grown, values, edge)
        assert_near(values[edge.contribution], wanted, scale)


@given(PROGRAMS)
def test_every_upstream_is_the_sum_of_its_contributions(grown):
    out = grown.out
    ledger = reverse(out, grown.inputs, upstream_of(out))
    values = ledger_values(ledger, grown)
    for node, upstream in ledger.upstream.items():
        terms = [values[edge.contribution] for edge in ledger.edges if edge.arg == node]
        terms += [upstream_of(out)] if node == out.id else []
        assert terms
        assert_near(values[upstream], sum(terms), max(np.abs(term).max() for term in terms))


@given(PROGRAMS)
def test_the_ledger_holds_each_live_edge_once_from_the_output_down(grown):
    out, graph = grown.out, grown.graph
    ledger = reverse(out, grown.inputs, upstream_of(out))
    asked = {one.id for one in grown.inputs}
    live = {n for n in range(out.id + 1) if asked.intersection(graph.needs(of=[n]))}
    reached = set(graph.needs(of=[out.id])) & live
    consumers = sorted(reached, reverse=True)
    wanted = [(node, at) for node in consumers for at, arg in enumerate(graph.args[node]) if arg in live]
    assert [(edge.consumer, edge.position) for edge in ledger.edges] == wanted
    assert set(ledger.upstream) == reached


# --- gradients of random scalar expressions at 50 digits ----------------------------------------
#
# A comparison to 12 digits only means something where the problem itself is well conditioned, so
# the generator keeps to such expressions and the tolerance can be strictly relative:
# - each node stands a margin off kinks and edges, with a value between 0.1 and 3;
# - the relative error of each node, 1 + Σ |x·f'/f|·error(x) in units of rounding, stays below 30;
# - no gradient is the small rest of large paths: |gradient| ≥ 0.05 · Σ over paths of Π |local|.

SMALLEST, LARGEST, MOST_ERROR, LEAST_REST = 0.1, 3.0, 30, 0.05
EXPRESSIONS = 240
LENGTH = 7


@dataclass
class Expression:
    """Inputs, then steps; a step names an op and earlier values."""

    inputs: list[float]
    steps: list[tuple[str, tuple[int, ...]]]

    def at(self, *inputs: Any) -> Any:
        """Its value at 50 digits."""
        values = list(inputs)
        for name, args in self.steps:
            values.append(oracle.VALUES[name](*[values[arg] for arg in args]))
        return values[-1]

    def built(self) -> tuple[list[Expr], Expr]:
        graph = Graph()
        nodes = [graph.input() for _ in self.inputs]
        for name, args in self.steps:
            nodes.append(graph.add(OPS[name], *[nodes[arg] for arg in args]))
        return nodes[: len(self.inputs)], nodes[-1]

    def derivative(self, *by: int) -> Any:
        return mp.diff(self.at, tuple(map(mp.mpf, self.inputs)), oracle.unit(len(self.inputs), *by))

    def __repr__(self) -> str:
        return f"{self.inputs} {self.steps}"


def random_expression(seed: int) -> Expression:
    """The first expression of this seed that is well conditioned and not flat."""
    rng = random.Random(seed)
    while True:
        expression = candidate(rng)
        if expression and well_conditioned(expression):
            return expression


def candidate(rng: random.Random) -> Expression | None:
    values = [rng.uniform(0.3, 1.8) * rng.choice([-1, 1]) for _ in range(rng.randint(1, 3))]
    errors = [0.0] * len(values)
    expression = Expression(list(values), [])
    for _ in range(40):
        name = rng.choice(ELEMENTWISE)
        # The first arg is mostly the latest value, so that the expression grows deep.
        picks = [
            len(values) - 1 if rng.random() < 0.5 else rng.randrange(len(values)) for _ in OPS[name].args
        ]
        point = tuple(values[pick] for pick in picks)
        if not oracle.guards_hold(OPS[name], point, SMALLEST).all():
            continue
        value = oracle.value(name, point)
        if not SMALLEST <= abs(value) <= LARGEST:
            continue
        error = 1 + sum(
            float(abs(values[pick] * oracle.partial(name, point, at) / value)) * errors[pick]
            for at, pick in enumerate(picks)
        )
        if error > MOST_ERROR:
            continue
        expression.steps.append((name, tuple(picks)))
        values.append(float(value))
        errors.append(error)
        if len(expression.steps) == LENGTH:
            return expression
    return None


def well_conditioned(expression: Expression) -> bool:
    """Whether some gradient is not 0, and none is the small rest of large paths."""
    gradients = [expression.derivative(i) for i in range(len(expression.inputs))]
    paths = sums_of_paths(expression)
    return any(gradients) and all(
        abs(gradient) >= LEAST_REST * most for gradient, most in zip(gradients, paths, strict=True)
    )


def sums_of_paths(expression: Expression) -> list[float]:
    """For each input the sum, over all paths from the output, of the products of |local|."""
    values = list(expression.inputs)
    for name, args in expression.steps:
        values.append(float(oracle.value(name, tuple(values[arg] for arg in args))))
    sums = [0.0] * len(values)
    sums[-1] = 1.0
    for node in range(len(values) - 1, len(expression.inputs) - 1, -1):
        name, args = expression.steps[node - len(expression.inputs)]
        point = tuple(values[arg] for arg in args)
        for at, arg in enumerate(args):
            sums[arg] += sums[node] * float(abs(oracle.partial(name, point, at)))
    return sums[: len(expression.inputs)]


@every("seed", range(EXPRESSIONS))
def test_gradients_and_second_derivatives_at_50_digits(seed):
    expression = random_expression(seed)
    inputs, out = expression.built()
    at = dict(zip(inputs, expression.inputs, strict=True))
    first = grad(out, inputs)
    for i, got in enumerate(numbers(first, at)):
        truth = expression.derivative(i)
        assert abs(got - truth) <= 1e-12 * abs(truth), (expression, i)
    pairs = list(combinations_with_replacement(range(len(inputs)), 2))
    truths = [expression.derivative(i, j) for i, j in pairs]
    # Second derivatives may cancel each to its own degree: the largest of them sets the scale.
    scale = max(map(abs, [*truths, *[expression.derivative(i) for i in range(len(inputs))]]))
    for (i, j), truth in zip(pairs, truths, strict=True):
        (got,) = numbers(grad(first[i], [inputs[j]]), at)
        assert abs(got - truth) <= 1e-9 * scale, (expression, i, j)


def test_the_expressions_use_most_of_the_table():
    """The comparison above says little about ops that its expressions never hold."""
    used = {name for seed in range(EXPRESSIONS) for name, _ in random_expression(seed).steps}
    assert len(used) > 0.9 * len(ELEMENTWISE), sorted(set(ELEMENTWISE) - used)


# --- gradients of random tensor graphs against torch --------------------------------------------


def torch_values(grown: Grown) -> dict[int, Any]:
    """The same graph in torch: node id → tensor."""
    torch, functions = oracle.torch(), oracle.torch_functions()
    tensors: dict[int, Any] = {}
    leaves = {one.id for one in grown.inputs}
    for node in range(grown.out.id + 1):
        op, args = grown.graph.ops[node], grown.graph.args[node]
        if args:
            tensors[node] = functions[op.name](
                *[tensors[arg] for arg in args], **as_lists(grown.graph.settings[node])
            )
        else:
            tensors[node] = torch.tensor(
                grown.values[node], dtype=torch.float64, requires_grad=node in leaves
            )
    return tensors


def as_lists(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()}


def torch_gradients(out: Any, leaves: Sequence[Any], upstream: Any) -> list[Any]:
    """∂out/∂leaf with zeros where out does not depend on the leaf, ready to be differentiated."""
    torch = oracle.torch()
    if not out.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    found = torch.autograd.grad(out, leaves, upstream, create_graph=True, allow_unused=True)
    return [torch.zeros_like(leaf) if one is None else one for one, leaf in zip(found, leaves, strict=True)]


@given(PROGRAMS)
def test_gradients_and_second_order_are_torchs(grown):
    torch = oracle.torch()
    out, inputs = grown.out, grown.inputs
    assume(out.args)
    tensors = torch_values(grown)
    leaves = [tensors[one.id] for one in inputs]
    first = grad(out, inputs, upstream_of(out))
    second = grad(first[0], inputs, upstream_of(first[0]))
    found = run(
        grown.graph, {one.id: grown.values[one.id] for one in inputs}, [one.id for one in (*first, *second)]
    )

    their_first = torch_gradients(tensors[out.id], leaves, torch.tensor(upstream_of(out)))
    their_second = torch_gradients(their_first[0], leaves, torch.tensor(upstream_of(first[0])))
    sizes = [float(one.detach().abs().max()) for one in (*their_first, *their_second)]
    assume(max(sizes) < 1e6)
    for ours, theirs in zip(first, their_first, strict=True):
        assert_near(found[ours.id], theirs.detach().numpy(force=True), 1 + max(sizes[: len(first)]))
    for ours, theirs in zip(second, their_second, strict=True):
        assert_near(found[ours.id], theirs.detach().numpy(force=True), 1 + max(sizes))


def test_torch_knows_every_op():
    assert set(NAMES) == set(oracle.torch_functions())
