"""inv, solve, det, logdet, cholesky, diag: NumPy's values, what has none, and the derivatives they state."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
from oracle import args_of, arrays
from rows_of_a_table import every

from bpx.check.numeric.multiprecision import lifted, precision, rounded
from bpx.graph.arrays import ShapeError
from bpx.graph.graph import OPS, Graph
from bpx.graph.run import run
from bpx.ops import rows
from bpx.ops.tensors import SettingError
from bpx.ops.values import matrices
from bpx.passes.reverse import grad

ELIMINATED = [op for op in rows() if op.slopes]
TWICE = [*(op.name for op in ELIMINATED), "solve", "diag", "trace", "cumprod"]
NUMPYS = {
    "inv": np.linalg.inv,
    "det": np.linalg.det,
    "logdet": lambda a: np.linalg.slogdet(a)[1],
    "cholesky": np.linalg.cholesky,
    "solve": np.linalg.solve,
    "eigvalsh": np.linalg.eigvalsh,
}


def on_inputs(name, *shapes, **settings):
    graph = Graph()
    inputs = [graph.input(shape) for shape in shapes]
    return inputs, OPS[name](*inputs, **settings)


def value(name, *args, **settings):
    inputs, out = on_inputs(name, *map(np.shape, args), **settings)
    return values_at(inputs, args, [out])[0]


def values_at(inputs, args, exprs):
    given = {one.id: arg for one, arg in zip(inputs, args, strict=True)}
    values = run(inputs[0].graph, given, [one.id for one in exprs])
    return [values[one.id] for one in exprs]


def gradient(name, upstream, *args):
    inputs, out = on_inputs(name, *map(np.shape, args))
    return values_at(inputs, args, grad(out, inputs, upstream))


# --- values -------------------------------------------------------------------------------------


@every("name", NUMPYS)
def test_values_are_numpys_to_the_last_bit(name):
    for shapes, _ in oracle.cases(name):
        args = args_of(name, shapes)
        np.testing.assert_array_equal(value(name, *args), NUMPYS[name](*args))


SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])
INDEFINITE = np.array([[1.0, 2.0], [2.0, 1.0]])
GOOD = np.array([[2.0, 1.0], [1.0, 3.0]])


@pytest.mark.parametrize(("name", "bad"), [("inv", SINGULAR), ("cholesky", INDEFINITE)])
def test_a_matrix_without_a_value_leaves_the_others_theirs(name, bad):
    found = value(name, np.stack([GOOD, bad]))
    np.testing.assert_array_equal(found[0], NUMPYS[name](GOOD))
    assert np.isnan(found[1]).all()
    (a,), out = on_inputs(name, (2, 2))
    batch = run(out.graph, {a.id: np.stack([GOOD, bad], -1)}, [out.id], batch=True)[out.id]
    np.testing.assert_array_equal(batch[..., 0], NUMPYS[name](GOOD))
    assert np.isnan(batch[..., 1]).all()


def test_a_singular_system_leaves_the_others_theirs():
    found = value("solve", np.stack([GOOD, SINGULAR]), np.array([1.0, 2.0]))
    np.testing.assert_array_equal(found[0], np.linalg.solve(GOOD, [1.0, 2.0]))
    assert np.isnan(found[1]).all()


def test_the_determinant_of_a_singular_matrix_is_0_and_its_logarithm_infinite():
    assert value("det", SINGULAR) == 0
    assert value("logdet", SINGULAR) == -np.inf


def test_a_determinant_that_no_float_holds_has_a_logarithm():
    assert value("logdet", 1e-3 * np.eye(200)) == pytest.approx(200 * np.log(1e-3), rel=1e-14)


@every("n", range(1, matrices.MOST_WITHOUT_DIVISION + 3))
def test_determinants_in_many_digits(n):
    a = np.random.default_rng(n).normal(size=(n, n))
    assert rounded(matrices.determinant(lifted(a))) == pytest.approx(np.linalg.det(a), rel=1e-11)


@every("n", range(1, matrices.MOST_WITHOUT_DIVISION + 1))
def test_small_singular_matrices_have_a_determinant_in_many_digits(n):
    assert rounded(matrices.determinant(lifted(np.ones((n, n))))) == (n == 1)


def test_elimination_exchanges_rows_where_a_pivot_is_0():
    a = np.array([[0.0, 2.0, 1.0], [1.0, 0.0, 3.0], [4.0, 1.0, 0.0]])
    np.testing.assert_allclose(rounded(value("inv", lifted(a))), np.linalg.inv(a), rtol=1e-14)


def test_cholesky_reads_the_lower_triangle_alone():
    upper = GOOD + np.array([[0.0, 5.0], [0.0, 0.0]])
    np.testing.assert_array_equal(value("cholesky", upper), value("cholesky", GOOD))
    np.testing.assert_array_equal(
        rounded(value("cholesky", lifted(upper))), rounded(value("cholesky", lifted(GOOD)))
    )


# --- derivatives --------------------------------------------------------------------------------


@every("op", ELIMINATED)
def test_forward_mode_is_the_complex_step(op):
    """The checker's own statement of the derivative, which the rules are measured by."""
    tiny = 1e-30
    for shapes, _ in oracle.cases(op.name):
        (a,), directions = args_of(op.name, shapes), np.stack([arrays(shapes, seed)[0] for seed in range(3)])
        found = op.slopes(directions, a, np.asarray(op.value(a, batch=0)), size=np.asarray)
        for direction, slope in zip(directions, found, strict=True):
            truth = np.imag(oracle.tensor(op.name, a + 1j * tiny * direction)) / tiny
            np.testing.assert_allclose(slope, truth, rtol=1e-11, atol=1e-11 * np.max(np.abs(truth)))


@every("op", ELIMINATED)
def test_the_terms_of_a_slope_are_no_smaller_than_the_slope(op):
    for shapes, _ in oracle.cases(op.name):
        (a,), (direction,) = args_of(op.name, shapes), arrays(shapes)
        out = np.asarray(op.value(a, batch=0))
        slope = op.slopes(direction[np.newaxis], a, out, size=np.asarray)
        terms = op.slopes(np.abs(direction)[np.newaxis], a, out, size=np.abs)
        assert (np.abs(slope) <= terms * (1 + 1e-12)).all()


@every("name", TWICE)
def test_second_derivatives_are_the_slopes_of_the_first(name):
    for shapes, settings in oracle.cases(name):
        inputs, out = on_inputs(name, *shapes, **settings)
        weights, *mixture = arrays([out.shape, *shapes], seed=3)
        first = grad(OPS["sum"](out * out * weights), inputs)
        mixed = sum(OPS["sum"](one * other) for one, other in zip(first, mixture, strict=True))
        second = grad(mixed, inputs)
        point, way = list(map(lifted, args_of(name, shapes))), list(map(lifted, arrays(shapes, seed=5)))
        with precision(90):
            after, before = (
                values_at(inputs, [x + side * d for x, d in zip(point, way, strict=True)], [mixed])[0]
                for side in (1e-25, -1e-25)
            )
            slope = (after - before) / 2e-25
            stated = sum(map(np.sum, map(np.multiply, values_at(inputs, point, second), way)))
            gap, size = rounded([np.abs(slope - stated), np.abs(slope)])
        assert gap <= 1e-20 * max(size, 1e-3), (shapes, settings)


@every("n", [1, 2, 3, 4, 6])
@every("rank", ["less 1", "1"])
def test_the_gradient_of_a_determinant_of_0_is_the_cofactors(n, rank):
    rng = np.random.default_rng(n)
    kept = 1 if rank == "1" else n - 1
    a = rng.normal(size=(n, kept)) @ rng.normal(size=(kept, n))
    (found,) = gradient("det", 1.0, a)
    truth = oracle.tensor("cofactor", a)
    np.testing.assert_allclose(found, truth, atol=1e-13 * max(1.0, np.linalg.norm(a) ** (n - 1)))


def test_a_running_product_with_a_0_has_a_gradient():
    (found,) = gradient("cumprod", np.array([1.0, 10.0, 100.0, 1000.0]), np.array([2.0, 0.0, 3.0, 0.0]))
    np.testing.assert_array_equal(found, [1.0, 20.0 + 600.0, 0.0, 0.0])


# --- what they refuse ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "bad", "code"),
    [
        ("inv", SINGULAR, "singular-matrix"),
        ("logdet", SINGULAR, "singular-matrix"),
        ("solve", SINGULAR, "singular-matrix"),
        ("cholesky", INDEFINITE, "not-positive-definite"),
    ],
)
def test_a_matrix_without_a_value_is_refused_by_its_place(name, bad, code):
    others = [np.ones(2)] * (name == "solve")
    refuses = OPS[name].refuses
    assert refuses(bad, *others) == (code, {"which": "the matrix"})
    assert refuses(np.stack([[GOOD, GOOD], [bad, GOOD]]), *others) == (code, {"which": "matrix [1, 0]"})
    assert refuses(GOOD, *others) is None
    assert refuses(np.full((2, 2), np.inf), *others) is None


@every("name", [*(op.name for op in ELIMINATED), "solve"])
@every("shape", [(), (3,), (2, 3), (3, 3, 2)])
def test_matrices_must_be_square(name, shape):
    with pytest.raises(ShapeError) as caught:
        on_inputs(name, shape, *[(3,)] * (name == "solve"))
    assert caught.value.help == "shape-square"


@every(
    "shape, k, code",
    [
        ((), 0, "no-diagonal"),
        ((2, 2, 2), 0, "no-diagonal"),
        ((2, 3), 3, "bad-diagonal"),
        ((2, 3), -2, "bad-diagonal"),
        ((3,), 0.5, "not-whole"),
        ((3,), True, "not-whole"),
    ],
)
def test_diagonals_there_are_not(shape, k, code):
    with pytest.raises(SettingError) as caught:
        on_inputs("diag", shape, k=k)
    assert caught.value.code == code


@pytest.mark.parametrize("shape", [(), (3,), (2, 2, 2)])
def test_only_a_matrix_has_a_trace(shape):
    with pytest.raises(ShapeError):
        on_inputs("trace", shape)
