"""Counted operations, against an evaluation that makes each of them with a number that counts."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from rows_of_a_table import every

import bpx
from bpx.graph.arrays import Array
from bpx.graph.graph import CONSTANT, INPUT, Graph
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.run import run
from bpx.graph.subgraph import expansion
from bpx.passes.cost import Costs, costs, operations, tangent
from bpx.passes.reverse import Ledger, reverse
from bpx.spec.reading.examples import example_names

EXAMPLES = [name for name in example_names() if name not in ("two_moons", "iris_softmax")]  # slow in loops


class Number:
    """A number that counts the operations made with it."""

    made = 0

    def __init__(self, value: float) -> None:
        self.value = value

    def __add__(self, other: Number) -> Number:
        return self.call(np.add, other)

    def __mul__(self, other: Number) -> Number:
        return self.call(np.multiply, other)

    def call(self, function: Any, *others: Number) -> Number:
        Number.made += 1
        return Number(float(function(self.value, *(other.value for other in others))))


def numbers(value: Any) -> Any:
    return np.frompyfunc(Number, 1, 1)(np.asarray(value, dtype=np.float64))


def floats(value: Any) -> Array:
    return np.asarray(np.frompyfunc(lambda number: number.value, 1, 1)(value), dtype=np.float64)


def total(terms: Iterable[Number]) -> Number:
    first, *others = terms
    for term in others:
        first = first + term
    return first


def evaluated(graph: Graph, known: Mapping[int, Any], targets: Sequence[int]) -> dict[int, Any]:
    """The nodes, number by number, as a textbook has them."""
    values = dict(known)
    for node in graph.needs(of=targets, known=known):
        if node not in values:
            values[node] = computed(graph, node, values)
    return values


def computed(graph: Graph, node: int, values: Mapping[int, Any]) -> Any:
    op, shape, settings = graph.ops[node], graph.shapes[node], graph.settings[node]
    args = [np.asarray(values[arg]) for arg in graph.args[node]] if graph.args[node] else []
    if op is CONSTANT:
        return numbers(graph.constants[node])
    if op.name == "matmul":
        return product(*args, shape)
    if op.name == "outer":
        return each(np.multiply, shape, *np.broadcast_arrays(args[0][:, np.newaxis], args[1]))
    if op.name == "einsum":
        return sums_of_products(settings["subscripts"], args, shape)
    if op.name == "overlap_add":
        return put_back(op.value, args[0], shape, settings)
    if op.name in ("sum", "mean"):
        added = np.apply_over_axes(total_along, args[0], settings["axis"]).reshape(shape)
        count = Number(args[0].size / max(added.size, 1))
        return each(np.divide, shape, added, np.full(shape, count)) if op.name == "mean" else added
    if op.elementwise:
        if op.name == "identity":
            return args[0]
        return each(op.value, shape, *(np.broadcast_to(arg, shape) for arg in args))
    if op.expands and op.name not in MOVES:
        inside = expansion(op, [graph.shapes[arg] for arg in graph.args[node]], settings)
        known = dict(zip(inside.args, args, strict=True))
        return evaluated(inside.graph, known, [inside.root])[inside.root]
    assert op.name in MOVES, op.name
    return numbers(op.value(*map(floats, args), batch=0, **settings))


MOVES = {
    "reshape",
    "transpose",
    "spread",
    "index",
    "place",
    "windows",
    "pick",
    "one_hot",
    "take_along",
    "flip",
}


def product(a: Any, b: Any, shape: tuple[int, ...]) -> Any:
    left, right = np.atleast_2d(a), b if b.ndim > 1 else b[:, np.newaxis]
    rows = [[total(x * y for x, y in zip(row, column, strict=True)) for column in right.T] for row in left]
    out = np.empty((len(rows), len(rows[0])), dtype=object)
    out[:] = rows
    return out.reshape(shape)


def sums_of_products(subscripts: str, args: Sequence[Any], shape: tuple[int, ...]) -> Any:
    operands, _, out = subscripts.partition("->")
    parts = operands.split(",")
    lengths = {
        letter: length
        for letters, arg in zip(parts, args, strict=True)
        for letter, length in zip(letters, arg.shape, strict=True)
    }
    terms: dict[tuple[int, ...], list[Number]] = {}
    for index in itertools.product(*map(range, lengths.values())):
        at = dict(zip(lengths, index, strict=True))
        first, *others = (arg[tuple(at[x] for x in part)] for part, arg in zip(parts, args, strict=True))
        for other in others:
            first = first * other
        terms.setdefault(tuple(at[letter] for letter in out), []).append(first)
    result = np.empty(shape, dtype=object)
    for place, added in terms.items():
        result[place] = total(added)
    return result


def put_back(value: Any, windows: Any, shape: tuple[int, ...], settings: Mapping[str, Any]) -> Any:
    terms: dict[tuple[int, ...], list[Number]] = {}
    for index in np.ndindex(*windows.shape):
        alone = np.zeros(windows.shape)
        alone[index] = 1
        (place,) = np.argwhere(value(alone, batch=0, **settings)).tolist()
        terms.setdefault(tuple(place), []).append(windows[index])
    result = numbers(np.zeros(shape))
    for place, added in terms.items():
        result[place] = total(added)
    return result


def total_along(x: Any, axis: int) -> Any:
    moved = np.moveaxis(x, axis, -1)
    out = np.empty(moved.shape[:-1], dtype=object)
    for index in np.ndindex(*out.shape):
        out[index] = total(moved[index])
    return np.expand_dims(out, axis)


def each(function: Any, shape: tuple[int, ...], *args: Any) -> Any:
    out = np.empty(shape, dtype=object)
    for index in np.ndindex(*shape):
        first, *others = (arg[index] for arg in args)
        out[index] = first.call(function, *others)
    return out


def ledger_of(spec: NamedGraph) -> tuple[Ledger, list[int]]:
    graph = spec.graph.copy()
    wrt = [leaf.node for leaf in spec.inputs if leaf.role in ("data", "parameter")]
    seed = graph.constant(np.ones(graph.shapes[spec.output]))
    return reverse(graph[spec.output], [graph[node] for node in wrt], seed), wrt


def costs_of(spec: NamedGraph) -> Costs:
    return costs(*ledger_of(spec))


@every("name", EXAMPLES)
def test_the_counts_are_those_of_an_evaluation_with_counting_numbers(name: str) -> None:
    spec = bpx.load(name)
    ledger, wrt = ledger_of(spec)
    gradients = [expr.id for node in wrt if (expr := ledger.gradient(node)) is not None]
    known = {leaf.node: numbers(leaf.value) for leaf in spec.inputs}
    for targets, count in (
        ([spec.output], costs_of(spec).forward),
        ([spec.output, *gradients], costs_of(spec).sweep),
    ):
        Number.made = 0
        with np.errstate(all="ignore"):
            values = evaluated(ledger.graph, known, targets)
        assert Number.made == count
        expected = run(ledger.graph, spec.input_values, targets)
        for target in targets:
            np.testing.assert_allclose(floats(values[target]), expected[target], rtol=1e-9, atol=1e-12)


@every("name", example_names())
def test_a_tangent_pass_gives_the_derivative_along_its_direction(name: str) -> None:
    spec = bpx.load(name)
    ledger, wrt = ledger_of(spec)
    graph = ledger.graph
    built = tangent(graph, spec.output, wrt)
    assert built
    result, directions = built
    rng = np.random.default_rng(1)
    along = {node: rng.normal(size=graph.shapes[node]) for node in directions}
    values = run(
        graph,
        {**spec.input_values, **{expr.id: along[node] for node, expr in directions.items()}},
        [result.id, *(ledger.upstream[node] for node in directions)],
    )
    expected = sum(np.sum(values[ledger.upstream[node]] * along[node]) for node in directions)
    np.testing.assert_allclose(np.sum(values[result.id]), expected, rtol=1e-9)
    needed = [node for node in graph.needs(of=[result.id]) if graph.ops[node] is INPUT]
    assert set(needed) <= {*spec.input_values, *(expr.id for expr in directions.values())}


@every("name", ["chain", "two_paths", "logistic_regression_scalars", "micrograd_readme", "mazur_network"])
def test_paths_and_trees_are_counted_as_walking_all_of_them_does(name: str) -> None:
    ledger, wrt = ledger_of(bpx.load(name))
    graph, found = ledger.graph, costs(ledger, wrt)
    done = set(graph.needs(of=[ledger.output]))
    below: dict[int, list[tuple[int, int]]] = {}
    for edge in ledger.edges:
        known = {*done, edge.upstream, *([edge.local] if edge.local is not None else [])}
        nodes = [node for node in graph.needs(of=[edge.contribution], known=known) if node not in known]
        below.setdefault(edge.consumer, []).append((edge.arg, operations(graph, nodes)))

    def walk(node: int, cost: int) -> Iterable[tuple[int, int]]:
        yield node, cost
        for arg, own in below.get(node, []):
            yield from walk(arg, cost + own)

    ends = [(node, cost) for node, cost in walk(ledger.output, 0) if node in wrt]
    locals_ = {edge.local for edge in ledger.edges if edge.local is not None}
    once = [node for node in graph.needs(of=locals_, known=done) if node not in done]
    additions = len(ends) - len({node for node, _ in ends})
    assert found.path_count == len(ends)
    assert found.paths == sum(cost for _, cost in ends) + additions + operations(graph, once) + found.forward

    def tree(node: int) -> int:
        return operations(graph, [node]) + sum(tree(arg) for arg in graph.args[node])

    assert found.uncached == sum(map(tree, [ledger.output, *(ledger.upstream[node] for node in wrt)]))


def test_by_hand() -> None:
    found = costs_of(bpx.parse("(x+y)^2", x=3, y=-1))
    # x + y and its square; 2 · v1, which is the gradient by both; upstream 1 costs nothing.
    assert (found.forward, found.sweep, found.inputs, found.path_count) == (2, 3, 2, 2)
    assert found.differences == 2 * 2 * (2 + 1)
    matrices = bpx.parse("sum(A @ B)", A=np.ones((3, 4)), B=np.ones((4, 5)))
    assert costs_of(matrices).forward == (2 * 3 * 4 * 5 - 3 * 5) + (15 - 1)


def test_counts_do_not_end_with_floats() -> None:
    steps = "; ".join(f"v{i + 1} = v{i}*v{i} + v{i}" for i in range(900))
    spec = bpx.parse(f"v0 = x; {steps}", x=-0.1)
    found = costs_of(spec)
    assert found.path_count == 3**900
    assert found.uncached > 3**900
    assert "e432" in spec.explain(cost=True, check=False).to("plain")


def test_reverse_is_cheaper_than_the_others_where_there_are_many_inputs() -> None:
    found = costs_of(bpx.load("two_moons"))
    assert found.forward < found.sweep < 5 * found.forward  # Baur and Strassen, 1983
    assert found.sweep < found.paths < found.uncached < found.tangents
    assert found.tangents < found.differences


@pytest.mark.parametrize("form", ["plain", "markdown", "latex", "json"])
def test_every_form_has_the_counts(form: str) -> None:
    text = bpx.load("logistic_regression").explain(cost=True).to(form)
    assert all(str(count) in text for count in (13, 27, 116, 140, 50, 121))


def test_einsum_and_cumsum() -> None:
    spec = bpx.parse("sum(cumsum(x)) + sum(outer(x, y))", x=[1, 2, 3.0], y=[1, 2.0])
    pairs = len([*itertools.product(range(3), range(2))])
    assert costs_of(spec).forward == 2 + 2 + pairs + (pairs - 1) + 1
