"""The ledger of paths, against an enumeration of all paths by brute force."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_specs import SMOOTH, spec_from, specs

from bpx.explain.explain import explain
from bpx.explain.explanation import Explanation
from bpx.explain.query.passes import EdgeRow
from bpx.explain.sections.paths import PathTable
from bpx.graph.named.named_graph import NamedGraph
from bpx.passes.paths import MOST_SHOWN
from bpx.spec.reading.read import read_expression
from bpx.words.diagnostic import BpxError, Source


def table(expression: str, input: str = "x", **values: Any) -> PathTable:
    spec = read_expression(Source("<expression>", expression), values)
    (found,) = explain(spec, paths=[input]).paths
    return found


def all_paths(account: Explanation, target: int) -> Iterator[tuple[EdgeRow, ...]]:
    """Every path from the output to a node, by walking all of them."""
    leaving: dict[int, list[EdgeRow]] = {}
    for edge in account.edges:
        leaving.setdefault(edge.consumer, []).append(edge)
    waiting: list[tuple[int, tuple[EdgeRow, ...]]] = [(account.output, ())]
    while waiting:
        node, route = waiting.pop()
        if node == target:
            yield route
        else:
            waiting += [(edge.arg, (*route, edge)) for edge in leaving.get(node, [])]


def nodes_of(account: Explanation, route: tuple[EdgeRow, ...]) -> tuple[int, ...]:
    return (account.output, *(edge.arg for edge in route))


# --- paths by hand ------------------------------------------------------------------------------


def test_one_path() -> None:
    found = table("sin(exp(x))", x=0)
    (path,) = found.shown
    assert (found.path_count, len(path.nodes)) == (1, 3)
    assert tuple(map(str, path.local_formulas)) == ("cos(v1)", "v1")
    assert path.locals == (pytest.approx(math.cos(1)), 1)
    assert path.product == found.total == math.cos(1)
    assert found.rest == 0


def test_two_paths_add_up() -> None:
    spec = spec_from({"bpx": 1, "inputs": {"x": 2}, "graph": {"u": "x^2", "v": "3*x", "y": "u * v"}})
    (found,) = explain(spec, paths=[]).paths
    assert [float(path.product) for path in found.shown] == [24, 12]
    assert [float(path.running) for path in found.shown] == [24, 36]
    assert (found.path_count, float(found.total), float(found.rest)) == (2, 36, 0)


def test_a_node_used_twice_by_one_op_makes_two_paths() -> None:
    found = table("x * x", x=3)
    assert found.path_count == 2
    assert [float(path.product) for path in found.shown] == [3, 3]
    assert found.total == 6


def test_contributions_may_cancel() -> None:
    found = table("2*x - 2*x", x=5)
    assert sorted(float(path.product) for path in found.shown) == [-2, 2]
    assert (found.path_count, found.total) == (2, 0)


def test_no_path() -> None:
    spec = spec_from({"bpx": 1, "inputs": {"x": 2, "z": [1, 2]}, "graph": {"y": "x^2"}})
    (found,) = explain(spec, paths=["z"]).paths
    assert (found.path_count, found.shown) == (0, ())
    np.testing.assert_array_equal(found.total, [0, 0])
    np.testing.assert_array_equal(found.rest, [0, 0])


def test_the_output_itself_is_one_path_without_factors() -> None:
    spec = read_expression(Source("<expression>", "x^2"), {"x": 3})
    (found,) = explain(spec, wrt=["out"], paths=["out"]).paths
    assert (found.path_count, found.total) == (1, 1)
    assert found.shown[0].locals == ()


def test_a_path_of_zero_size_is_still_a_path() -> None:
    found = table("x * y + relu(x)", x=-1, y=0)
    assert found.path_count == len(found.shown) == 2
    assert found.total == 0


def test_flat_paths_are_counted() -> None:
    assert table("x + floor(x)", x=1.5).path_count == 2


def test_a_gradient_that_is_not_finite() -> None:
    found = table("sqrt(x) + x", x=0)
    assert found.path_count == 2
    assert [float(path.product) for path in found.shown] == [math.inf, 1]
    assert found.total == math.inf


def test_upstream_enters_every_product() -> None:
    spec = read_expression(Source("<expression>", "x^2 + x"), {"x": 3})
    (found,) = explain(spec, upstream=10, paths=[]).paths
    assert [float(path.product) for path in found.shown] == [60, 10]


# --- paths through tensors ----------------------------------------------------------------------


def test_tensor_paths_have_the_shape_of_the_input() -> None:
    W, x = [[1.0, 2.0], [3.0, 4.0]], [5.0, 6.0]
    found = table("sum(W @ x) + sum(x)", W=W, x=x)
    assert found.path_count == 2
    assert sorted(path.product.tolist() for path in found.shown) == [[1, 1], [4, 6]]
    assert found.total.tolist() == [5, 7]


def test_ops_without_a_local_derivative_show_their_pull() -> None:
    (path,) = table("sum(x)", x=[1, 2]).shown
    assert path.locals == (None,)
    assert tuple(map(str, path.local_formulas)) == ("spread(upstream, shape=2, axis=0)",)


def test_a_broadcast_arg_gets_the_sum() -> None:
    found = table("sum(b + [1, 2, 3])", "b", b=1)
    assert (found.path_count, found.total) == (1, 3)


# --- requests -----------------------------------------------------------------------------------


def test_an_empty_list_means_every_input() -> None:
    spec = read_expression(Source("<expression>", "x * y"), {"x": 1, "y": 2})
    assert [one.input for one in explain(spec, paths=[]).paths] == ["x", "y"]
    assert [one.input for one in explain(spec, paths=["y"]).paths] == ["y"]
    assert explain(spec).paths == ()


def test_unknown_inputs_are_all_reported() -> None:
    spec = read_expression(Source("<expression>", "x * weight"), {"x": 1, "weight": 2})
    with pytest.raises(BpxError) as caught:
        explain(spec, paths=["q", "wieght"])
    assert [(one.code, one.help) for one in caught.value.diagnostics] == [
        ("not-an-input", "inputs-are"),
        ("not-an-input", "did-you-mean"),
    ]


# --- random graphs ------------------------------------------------------------------------------


@given(specs())
def test_the_count_is_that_of_an_enumeration(spec: NamedGraph) -> None:
    account = explain(spec, paths=[], check=False)
    for found in account.paths:
        routes = list(all_paths(account, spec.nodes[found.input]))
        assert found.path_count == len(routes)
        assert len(found.shown) == min(len(routes), MOST_SHOWN)
        shown = [path.nodes for path in found.shown]
        if len(routes) <= MOST_SHOWN:
            assert sorted(shown) == sorted(nodes_of(account, route) for route in routes)


@given(specs())
def test_shown_paths_and_the_rest_make_the_gradient(spec: NamedGraph) -> None:
    account = explain(spec, paths=[], check=False)
    for found in account.paths:
        products = [path.product for path in found.shown]
        scale = max((np.abs(product).max() for product in products), default=0)
        np.testing.assert_array_equal(found.total, account.gradients[found.input])
        np.testing.assert_allclose(sum(products) + found.rest, found.total, rtol=1e-12, atol=1e-12 * scale)
        if found.path_count == len(found.shown):
            assert np.abs(found.rest).max() <= 1e-12 * scale


@given(specs())
def test_running_sums_run(spec: NamedGraph) -> None:
    for found in explain(spec, paths=[], check=False).paths:
        running: Any = 0.0
        for path in found.shown:
            running = running + path.product
            np.testing.assert_array_equal(path.running, running)


@given(specs(SMOOTH[:6], [()]))
def test_the_product_is_that_of_the_local_derivatives(spec: NamedGraph) -> None:
    for found in explain(spec, paths=[], check=False).paths:
        for path in found.shown:
            assert len(path.locals) == len(path.local_formulas) == len(path.nodes) - 1
            product = math.prod(float(one) for one in path.locals if one is not None)
            assert path.product == pytest.approx(product, rel=1e-12, abs=1e-300)


@given(specs(shapes=[()]))
def test_the_largest_paths_come_first(spec: NamedGraph) -> None:
    account = explain(spec, paths=[], check=False)
    for found in account.paths:
        sizes = [abs(float(path.product)) for path in found.shown]
        assert all(after <= before * (1 + 1e-12) for before, after in pairwise(sizes))
        every = sorted(
            (
                abs(math.prod(float(edge.local) for edge in route if edge.local is not None))
                for route in scalar_routes(account, spec.nodes[found.input])
            ),
            reverse=True,
        )
        assert sizes == pytest.approx(every[: len(sizes)], rel=1e-12, abs=1e-300)


def scalar_routes(account: Explanation, target: int) -> list[tuple[EdgeRow, ...]]:
    """All routes; on scalars sum, mean and the like only hand on what comes."""
    return list(all_paths(account, target))


# --- many paths ---------------------------------------------------------------------------------


def ladder(rungs: int) -> NamedGraph:
    """A rung is a·(3 + its number) + a: twice as many paths, all of different sizes."""
    graph = {"a0": "x * 1"} | {f"a{i}": f"a{i - 1} * {i + 3} + a{i - 1}" for i in range(1, rungs + 1)}
    return spec_from({"bpx": 1, "inputs": {"x": 1}, "graph": graph})


@pytest.mark.parametrize("rungs", [1, 3, 4, 5, 20])
def test_a_ladder_has_two_to_the_power_of_its_rungs_paths(rungs: int) -> None:
    (found,) = explain(ladder(rungs), paths=["x"]).paths
    factors = [i + 3 for i in range(1, rungs + 1)]
    assert found.path_count == 2**rungs
    assert found.total == math.prod(factor + 1 for factor in factors)
    shown = [float(path.product) for path in found.shown]
    assert shown == pytest.approx(largest_products(factors), rel=1e-12)
    assert found.rest == pytest.approx(found.total - sum(shown), abs=1e-12 * float(found.total))


def largest_products(factors: list[int], most: int = MOST_SHOWN) -> list[int]:
    """The largest products of subsets; those of more factors come of the largest of fewer."""
    found = [1]
    for factor in factors:
        found = sorted([*found, *(one * factor for one in found)], reverse=True)[:most]
    return found


def test_two_to_the_twentieth_paths_in_the_json() -> None:
    (found,) = explain(ladder(20), paths=["x"]).to_dict()["paths"]
    assert found["count"] == 1_048_576
    assert found["others"] == 1_048_556
    assert len(found["shown"]) == MOST_SHOWN == 20


def test_a_thousand_rungs_are_counted_exactly_and_at_once() -> None:
    spec = ladder(20)
    explain(spec, paths=["x"])
    graph = {"a0": "x * 1"} | {f"a{i}": f"a{i - 1} / 2 + a{i - 1} / 2" for i in range(1, 1001)}
    tall = spec_from({"bpx": 1, "inputs": {"x": 1}, "graph": graph})
    (found,) = explain(tall, paths=["x"]).paths
    assert found.path_count == 2**1000
    assert found.total == 1


@given(st.integers(1, 6), st.integers(1, 3))
def test_a_sum_of_copies_has_a_path_for_each(copies: int, factor: int) -> None:
    found = table("+".join([f"{factor} * x"] * copies), x=2)
    assert found.path_count == copies
    assert found.total == copies * factor
