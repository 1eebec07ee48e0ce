"""Indices, and what is chosen by number; values and rules of all of them are checked in test_tensors.py."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import basic_indices
from rows_of_a_table import every

from bpx.check.numeric.multiprecision import lifted, rounded
from bpx.graph.arrays import LARGEST_NODE, ShapeError
from bpx.graph.graph import OPS, Graph
from bpx.graph.run import run
from bpx.ops.indices import index_in_full, selected_shape
from bpx.ops.tensors import SettingError
from bpx.passes.reverse import grad

SHAPES = [(), (4,), (2, 3), (3, 1, 5)]


def on(op, *args, **settings):
    """The value of an op for arrays."""
    graph = Graph()
    inputs = [graph.input(np.shape(arg)) for arg in args]
    out = graph.add(OPS[op], *inputs, **settings)
    given_values = {one.id: np.asarray(arg, dtype=float) for one, arg in zip(inputs, args, strict=True)}
    return run(graph, given_values, [out.id])[out.id]


# --- indices ------------------------------------------------------------------------------------


@given(
    st.sampled_from(SHAPES).flatmap(
        lambda shape: st.tuples(st.just(shape), basic_indices(shape, allow_ellipsis=True))
    )
)
def test_whatever_numpy_selects(case):
    shape, at = case
    x = np.arange(float(math.prod(shape))).reshape(shape)
    assume(x[at].size)
    in_full = index_in_full(at, shape)
    assert selected_shape(in_full) == x[at].shape
    assert len(in_full) == len(shape)
    assert index_in_full(in_full, shape) == in_full
    assert index_in_full([list(one) if isinstance(one, tuple) else one for one in in_full], shape) == in_full
    np.testing.assert_array_equal(on("index", x, at=in_full), x[at])
    np.testing.assert_array_equal(on("index", on("place", x[at], at=in_full, shape=shape), at=at), x[at])


@every(
    "at, in_full",
    [
        (0, (0, (0, 3, 1))),
        (np.int64(-1), (1, (0, 3, 1))),
        ((), ((0, 2, 1), (0, 3, 1))),
        (..., ((0, 2, 1), (0, 3, 1))),
        ((0, ..., 1), (0, 1)),
        ((0, (1, 3, 1)), (0, (1, 3, 1))),
        ([0, [1, 9, 1]], (0, (1, 3, 1))),
        ([[1, -1, -1], 0], ((1, -1, -1), 0)),
        ([[0, -1, 1], 0], ((0, 1, 1), 0)),
        ((slice(None, None, -1), slice(0, 3, 2)), ((1, -1, -1), (0, 3, 2))),
    ],
)
def test_an_index_in_full(at, in_full):
    assert index_in_full(at, (2, 3)) == in_full


@every(
    "at, code",
    [
        (2, "index-out-of-range"),
        (-3, "index-out-of-range"),
        ((0, 3), "index-out-of-range"),
        ((0, 0, 0), "too-many-indices"),
        ((0, 0, ..., 0), "too-many-indices"),
        ((..., ...), "two-ellipses"),
        (slice(2, 2), "empty-selection"),
        ((0, slice(5, None)), "empty-selection"),
        ([[1, 1, 1]], "empty-selection"),
        (slice(None, None, 0), "slice-step-zero"),
        (0.5, "not-an-index"),
        (True, "not-an-index"),
        ("0", "not-an-index"),
        ([[0, 1]], "not-an-index"),
        ([[0, 1, 0.5]], "not-an-index"),
        (slice("a", None), "not-an-index"),
        (None, "not-an-index"),
        (np.array([0, 1]), "not-an-index"),
    ],
)
def test_what_is_no_index(at, code):
    with pytest.raises(SettingError) as caught:
        index_in_full([at] if at is None else at, (2, 3))
    assert caught.value.code == code


def test_an_index_must_be_given():
    x = Graph().input((2,))
    for op in ("index", "place"):
        with pytest.raises(TypeError, match="at"):
            x.graph.add(OPS[op], x)


def test_place_needs_what_the_index_selects():
    x = Graph().input((3,))
    with pytest.raises(ShapeError):
        x.graph.add(OPS["place"], x, at=[[0, 2, 1]], shape=[5])


def test_nothing_larger_than_a_node_may_be():
    x = Graph().input((3,))
    with pytest.raises(ShapeError, match="elements"):
        x.graph.add(OPS["place"], x, at=[[0, 3, 1]], shape=[LARGEST_NODE + 1])
    with pytest.raises(ShapeError, match="elements"):
        x.graph.add(OPS["one_hot"], x, n=LARGEST_NODE)


def test_an_element_that_is_used_twice_gets_both_contributions():
    graph = Graph()
    x = graph.input((3,))
    (gradient,) = grad(OPS["sum"](x[0:2] * x[1:3]), [x])
    found = run(graph, {x.id: np.array([2.0, 3.0, 5.0])}, [gradient.id])[gradient.id]
    assert found.tolist() == [3.0, 2.0 + 5.0, 3.0]


# --- chosen by number ---------------------------------------------------------------------------

TABLE = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]


def test_embedding_takes_rows():
    assert on("embedding", TABLE, [2, 0, 2]).tolist() == [[5, 6], [1, 2], [5, 6]]
    assert on("embedding", TABLE, [[1], [0]]).tolist() == [[[3, 4]], [[1, 2]]]
    assert OPS["gather"] is OPS["take"] is OPS["embedding"]


def test_pick_takes_one_of_each_row():
    assert on("pick", TABLE, [1, 0, 1]).tolist() == [2, 3, 6]


def test_one_hot_marks():
    assert on("one_hot", [2, 0], n=3).tolist() == [[0, 0, 1], [1, 0, 0]]


def test_a_row_that_is_chosen_twice_gets_both_contributions():
    graph = Graph()
    table, ids = graph.input((3, 2)), graph.input((3,))
    upstream = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
    gradients = grad(OPS["embedding"](table, ids), [table, ids], upstream)
    given_values = {table.id: np.array(TABLE), ids.id: np.array([2.0, 0.0, 2.0])}
    found = run(graph, given_values, [one.id for one in gradients])
    assert found[gradients[0].id].tolist() == [[2, 20], [0, 0], [5, 50]]
    assert found[gradients[1].id].tolist() == [0, 0, 0]


def test_scatter_adds_rows_up():
    assert on("scatter", [[1.0, 2], [4, 8], [16, 32]], [2, 0, 2], n=3).tolist() == [[4, 8], [0, 0], [17, 34]]
    assert on("scatter", [1.0, 2, 4], [1, 1, 1], n=2).tolist() == [0, 7]


@every(
    "name, shapes, settings",
    [
        ("pick", [(3,), ()], {}),
        ("pick", [(2, 4, 3), (2, 4)], {}),
        *[
            ("embedding", [table, ids], {})
            for table in [(3,), (3, 2), (3, 4, 2)]
            for ids in [(), (4,), (2, 4)]
        ],
        ("scatter", [(), ()], {"n": 3}),
        ("scatter", [(4,), (4,)], {"n": 3}),
        ("scatter", [(4, 2), (4,)], {"n": 3}),
        ("scatter", [(4, 2, 3, 2), (4, 2)], {"n": 3}),
    ],
)
def test_the_expansion_has_the_same_value(name, shapes, settings):
    rng = np.random.default_rng(0)
    graph = Graph()
    x, ids = map(graph.input, shapes)
    out, expansion = OPS[name](x, ids, **settings), OPS[name].expands(x, ids, **settings)
    values = {x.id: rng.normal(size=x.shape), ids.id: rng.integers(0, 3, ids.shape).astype(float)}
    found = run(graph, values, [out.id, expansion.id])
    np.testing.assert_allclose(found[expansion.id], found[out.id], rtol=1e-14)


def test_many_rows_are_not_written_out_as_ones_and_zeros():
    graph = Graph()
    table, ids = graph.input((100_000, 2)), graph.input((1000,))
    (gradient,) = grad(OPS["sum"](OPS["embedding"](table, ids)), [table])
    found = run(graph, {ids.id: np.full(1000, 7.0)}, [gradient.id])[gradient.id]
    assert found[7].tolist() == [1000, 1000]
    assert found.sum() == 2000


WRONG = [-1.0, 3.0, 0.5, 2.0000001, -0.5, 1e300, math.inf, math.nan]


@every("wrong", WRONG)
def test_a_number_that_chooses_nothing_gives_no_number(wrong):
    ids = np.array([0.0, wrong, 2.0])
    assert np.isnan(on("embedding", TABLE, ids)).tolist() == [[False] * 2, [True] * 2, [False] * 2]
    assert np.isnan(on("one_hot", ids, n=3)).tolist() == [[False] * 3, [True] * 3, [False] * 3]
    assert np.isnan(on("pick", np.ones((3, 3)), ids)).tolist() == [False, True, False]
    assert np.isnan(on("scatter", np.ones(3), ids, n=3)).any()


@every("wrong", WRONG)
def test_it_is_said_which_and_where(wrong):
    refusals = [
        OPS["embedding"].refuses(np.array(TABLE), np.array([0.0, wrong])),
        OPS["one_hot"].refuses(np.array([0.0, wrong]), n=3),
        OPS["pick"].refuses(np.ones((2, 3)), np.array([0.0, wrong])),
        OPS["scatter"].refuses(np.ones(2), np.array([0.0, wrong]), n=3),
    ]
    for refusal in refusals:
        assert refusal.code == ("bad-id" if float(wrong).is_integer() else "id-not-whole")
        assert refusal.facts == {"place": "ids[1]", "found": f"{wrong:g}", "last": 2, "count": 3}
    assert OPS["embedding"].refuses(np.array(TABLE), np.array(wrong)).facts["place"] == "ids"
    assert OPS["embedding"].refuses(np.array(TABLE), np.array([[0.0], [wrong]])).facts["place"] == "ids[1, 0]"


def test_what_chooses_is_not_refused():
    assert OPS["embedding"].refuses(np.array(TABLE), np.array([[0.0, 2.0]])) is None
    assert OPS["one_hot"].refuses(np.array(-0.0), n=1) is None


@pytest.mark.parametrize("wrong", [-1.0, 3.0, 0.5])
def test_numbers_with_more_digits_choose_alike(wrong):
    graph = Graph()
    table, ids = graph.input((3, 2)), graph.input((2,))
    out = OPS["embedding"](table, ids)
    given_values = {table.id: lifted(np.array(TABLE)), ids.id: lifted(np.array([wrong, 1.0]))}
    found = rounded(run(graph, given_values, [out.id])[out.id])
    np.testing.assert_array_equal(found, [[np.nan, np.nan], [3, 4]])


def test_a_batch_of_tables_and_a_batch_of_numbers():
    rng = np.random.default_rng(0)
    tables, ids = rng.normal(size=(3, 2, 5)), rng.integers(0, 3, (4, 5)).astype(float)
    ids[1, 2] = 7
    graph = Graph()
    table, chosen = graph.input((3, 2)), graph.input((4,))
    out = OPS["embedding"](table, chosen)
    for some_tables, some_ids in ((tables, ids), (tables[..., :1], ids), (tables, ids[:, :1])):
        found = run(graph, {table.id: some_tables, chosen.id: some_ids}, [out.id], batch=True)[out.id]
        for point in range(5):
            alone = on(
                "embedding",
                some_tables[..., min(point, some_tables.shape[-1] - 1)],
                some_ids[..., min(point, some_ids.shape[-1] - 1)],
            )
            np.testing.assert_array_equal(found[..., point], alone)


@pytest.mark.parametrize(
    ("name", "shapes"),
    [("pick", [(), ()]), ("pick", [(3,), (3,)]), ("pick", [(2, 3), ()]), ("embedding", [(), (2,)])],
)
def test_shapes_that_do_not_fit(name, shapes):
    graph = Graph()
    with pytest.raises(ShapeError):
        graph.add(OPS[name], *map(graph.input, shapes))


@pytest.mark.parametrize("n", [0, -1, 1.5, True, None])
def test_how_many_there_are_is_a_count(n):
    graph = Graph()
    with pytest.raises(SettingError) as caught:
        graph.add(OPS["one_hot"], graph.input(), n=n)
    assert caught.value.code == "not-a-count"
