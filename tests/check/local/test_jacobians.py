"""The three forms of a slope hand back the transposed Jacobian times what arrives."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from rows_of_a_table import every

from bpx.check.local.jacobians import DenseJacobian, DiagonalJacobian, LinearMap, from_rows, to_rows
from bpx.check.local.structural_rule import StructuralRule
from bpx.check.numeric.error_bound import ErrorBound
from bpx.graph.graph import OPS, Graph

RNG = np.random.default_rng(0)


def test_elementwise_multiplies_and_sums_over_what_was_broadcast():
    slope, upstream = RNG.normal(size=(2, 3)), RNG.normal(size=(2, 3))
    found = DiagonalJacobian(ErrorBound.exact(slope), (3,)).pull(ErrorBound.exact(upstream))
    np.testing.assert_allclose(found.value, (slope * upstream).sum(axis=0), rtol=1e-14)
    assert (found.error > 0).all()
    size = DiagonalJacobian(ErrorBound.exact(slope), (3,)).magnitude(np.abs(upstream))
    np.testing.assert_allclose(size, np.abs(slope * upstream).sum(axis=0), rtol=1e-14)


def test_linear_is_the_rule_itself():
    graph = Graph()
    a, b = graph.input((2, 3)), graph.input((3,))
    node = graph.add(OPS["matmul"], a, b)
    values = {a.id: RNG.normal(size=(2, 3)), b.id: RNG.normal(size=3)}
    values[node.id] = values[a.id] @ values[b.id]
    exact = {one: np.zeros(np.shape(value)) for one, value in values.items()}
    linear = LinearMap(StructuralRule(graph, node.id, values, exact), 1, relative_rounding=0.25)
    upstream = np.array([1.0, -2.0])
    found = linear.pull(ErrorBound.exact(upstream))
    np.testing.assert_allclose(found.value, values[a.id].T @ upstream, rtol=1e-14)
    size = np.abs(values[a.id]).T @ np.abs(upstream)
    np.testing.assert_allclose(linear.magnitude(upstream), size, rtol=1e-14)
    np.testing.assert_allclose(found.error, 0.25 * size, rtol=1e-14)


@every("mixed", [(0,), (1,), (2,), (0, 2), (1, 2), (0, 1, 2), ()])
def test_a_block_is_the_jacobian_along_the_axes_that_mix(mixed):
    shape = (2, 3, 4)
    width = int(np.prod([shape[axis] for axis in mixed]))
    carried = 24 // width
    jacobian = RNG.normal(size=(carried, width, width))
    upstream = RNG.normal(size=shape)
    block = DenseJacobian(ErrorBound.exact(jacobian), shape, mixed)
    rows = to_rows(upstream, mixed, 3)
    wanted = from_rows(np.einsum("cio,co->ci", jacobian, rows), mixed, shape)
    np.testing.assert_allclose(block.pull(ErrorBound.exact(upstream)).value, wanted, rtol=1e-13)
    sized = from_rows(np.einsum("cio,co->ci", np.abs(jacobian), np.abs(rows)), mixed, shape)
    np.testing.assert_allclose(block.magnitude(np.abs(upstream)), sized, rtol=1e-13)


def test_a_block_of_an_op_that_reduces():
    jacobian, upstream = RNG.normal(size=(2, 3, 1)), RNG.normal(size=2)
    found = DenseJacobian(ErrorBound.exact(jacobian), (2, 3), (1,)).pull(ErrorBound.exact(upstream))
    np.testing.assert_allclose(found.value, jacobian[:, :, 0] * upstream[:, np.newaxis], rtol=1e-14)


@given(st.permutations([0, 1, 2]), st.integers(0, 3))
def test_rows_and_back(order, count):
    mixed = tuple(sorted(order[:count]))  # as settings keep axes
    value = np.arange(24.0).reshape(2, 3, 4)
    rows = to_rows(value, mixed, 3)
    assert rows.shape[1] == int(np.prod([value.shape[axis] for axis in mixed], dtype=int))
    assert np.array_equal(from_rows(rows, mixed, value.shape), value)


def test_a_row_holds_the_mixed_axes_of_one_slice():
    value = np.arange(6.0).reshape(2, 3)
    assert to_rows(value, (1,), 2).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert to_rows(value, (0,), 2).tolist() == [[0, 3], [1, 4], [2, 5]]
