"""The rows of a black box: upstream gradients, claims strung together, and derivatives along lines."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bpx.check.function.black_box import check_function
from bpx.check.function.black_box_rows import MIXED_ROWS, BlackBoxRows, coordinate, distinct, slanting
from bpx.check.function.caller import Caller
from bpx.check.numeric import multiprecision

A, B = np.arange(1.0, 7).reshape(2, 3), np.arange(2.0, 8).reshape(3, 2)


def product_pull(g: Any, a: Any, b: Any) -> Any:
    return g @ b.T, a.T @ g


def rows_of(forward: Any, backward: Any, *inputs: Any) -> BlackBoxRows:
    return BlackBoxRows(Caller(forward, backward, list(inputs), None), np.random.default_rng(0))


@pytest.fixture
def product() -> BlackBoxRows:
    return rows_of(lambda a, b: a @ b, product_pull, A, B)


def test_a_small_output_has_a_row_for_every_element(product: BlackBoxRows) -> None:
    assert product.one_hot
    assert (product.project(A @ B) == np.ravel(A @ B)).all()
    assert product.claims().shape == (4, 12)
    assert product.owners.tolist() == [0] * 6 + [1] * 6


def test_of_a_large_output_mixtures_are_taken() -> None:
    rows = rows_of(np.outer, lambda g, a, b: (g @ b, a @ g), np.ones(9), np.ones(9))
    assert not rows.one_hot
    assert rows.upstreams.shape == (MIXED_ROWS, 81)
    assert rows.project(np.ones((9, 9))) == pytest.approx(rows.upstreams.sum(axis=1))


def test_values_are_strung_together_and_taken_apart_again(product: BlackBoxRows) -> None:
    a, b = product.values(product.x)
    assert (a == A).all()
    assert (b == B).all()


def test_integer_inputs_stay_what_they_are() -> None:
    rows = rows_of(lambda x, i: x[i], lambda g, x, i: (g, None), np.ones(3), np.array([0, 2, 1]))
    assert rows.x.shape == (3,)
    assert rows.values(2 * rows.x)[1].tolist() == [0, 2, 1]


def test_all_rows_share_the_points_of_a_line_in_order_and_each_is_called_once() -> None:
    lines = np.array([[1, 0, 1, 0], [1, 0, 0, 1]])
    places = np.array([[0.5, np.nan, 0.25, 1.0], [0.5, np.nan, 1.0, 0.0]])
    line, place, at = distinct(lines, places)
    assert list(zip(line.tolist(), map(str, place), strict=True)) == [
        (0, "1.0"),
        (0, "nan"),
        (1, "0.0"),
        (1, "0.25"),
        (1, "0.5"),
    ]
    assert (line[at] == lines).all()
    assert np.array_equal(place[at], places, equal_nan=True)
    nothing, _, _ = distinct(lines[:, :0], places[:, :0])
    assert not nothing.size


def test_derivatives_along_coordinates_are_the_jacobian(product: BlackBoxRows) -> None:
    lines = [coordinate(product.x, at) for at in range(12)]
    found = product.estimate(lines, np.full((4, 12), np.nan))
    assert np.abs(found.value - product.claims()).max() < 1e-9


def test_derivatives_along_a_slanting_line_add_up(product: BlackBoxRows) -> None:
    direction = np.random.default_rng(1).normal(size=12)
    found = product.estimate([slanting(direction)], np.full((4, 1), np.nan))
    assert found.value[:, 0] == pytest.approx(product.claims() @ direction, rel=1e-9)


def test_where_forward_fails_there_is_no_output() -> None:
    def picky(x: Any) -> Any:
        if x > 1:
            raise ValueError
        return np.ones(2) if x > 0.9 else x

    rows = rows_of(picky, lambda g, x: g, 0.5)
    found = rows.outputs([np.array([0.5]), np.array([0.95]), np.array([2.0])])
    assert found[0] == [0.5]
    assert np.isnan(found[1:]).all()


def test_rows_know_their_element_of_the_output(product: BlackBoxRows) -> None:
    assert product.output_index(3) == (1, 1)
    assert rows_of(np.sin, lambda g, x: g, 1.0).output_index(0) is None


def test_wrong_shapes_and_missing_claims_are_noted() -> None:
    rows = rows_of(lambda a, b: a @ b, lambda g, a, b: (None, (a.T @ g).T), A, B)
    assert np.isnan(rows.claims()).all()
    assert rows.unclaimed == {0}
    assert {i: claim.shape for i, claim in rows.misshapen.items()} == {1: (2, 3)}
    assert rows.claimed_coordinates.size == 0


def test_many_digits_go_the_same_ways(product: BlackBoxRows) -> None:
    x = multiprecision.lifted(product.x)
    assert multiprecision.rounded(product.output_in_multiprecision(x)) == pytest.approx(np.ravel(A @ B))
    assert (
        multiprecision.rounded(product.claim_in_multiprecision(product.upstreams[1], x)).tolist()
        == product.claims()[1].tolist()
    )


def test_claims_that_do_not_run_on_many_digits() -> None:
    rows = rows_of(lambda x: x * x, lambda g, x: float(g) * 2 * float(x), 3.0)
    assert rows.claim_in_multiprecision(rows.upstreams[0], multiprecision.lifted(rows.x)) is None


def test_scatter_is_measured() -> None:
    rng = np.random.default_rng(0)
    rows = rows_of(lambda x: x + rng.uniform(0, 1e-3), lambda g, x: g, 1.0)
    assert 0 < (rows.scatter() or 0.0) < 1e-3
    assert rows_of(np.sin, lambda g, x: g, 1.0).scatter() is None


def test_of_which_elements_of_a_large_output_a_gradient_is_wrong():
    matrix = np.random.default_rng(0).normal(size=(100, 3))

    def backward(g, x):
        slopes = 1 - np.tanh(matrix @ x) ** 2
        slopes[37] *= 2
        return (matrix.T @ (g * slopes),)

    report = check_function(lambda x: np.tanh(matrix @ x), [np.array([0.3, -0.2, 0.5])], backward)
    entries = report.to_dict()["entries"]
    assert [entry["output"] for entry in entries] == [[37]] * 3
    slopes = 1 - np.tanh(matrix[37] @ [0.3, -0.2, 0.5]) ** 2
    numbers = {entry["index"][0]: (entry["claimed"], entry["reference"]) for entry in entries}
    for i, found in numbers.items():
        assert found == pytest.approx((2 * slopes * matrix[37, i], slopes * matrix[37, i]))


def test_elements_of_a_large_output_one_for_each_wrong_entry():
    def backward(g, x):
        slopes = np.cos(x)
        slopes[5, :3] *= -1
        return (g * slopes,)

    x = np.random.default_rng(0).normal(size=(10, 12))
    report = check_function(np.sin, [x], backward)
    wrong = [entry for entry in report.to_dict()["entries"] if entry["verdict"] == "disagree"]
    assert (
        [entry["output"] for entry in wrong]
        == [entry["index"] for entry in wrong]
        == [[5, 0], [5, 1], [5, 2]]
    )
    assert "sin[5, 1]" in str(report)
