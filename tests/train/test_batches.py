"""Which inputs hold examples, and how batches are drawn of them."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpx.graph.named.named_graph import Input
from bpx.train.batches import examples_of, shuffled
from bpx.words.diagnostic import Diagnostic


def inputs(**described: tuple[str, tuple[int, ...]]) -> list[Input]:
    return [Input(name, i, np.ones(shape), role) for i, (name, (role, shape)) in enumerate(described.items())]


def found(size: int = 2, **described: tuple[str, tuple[int, ...]]) -> tuple[list[str], int] | str:
    problems: list[Diagnostic] = []
    one = examples_of(inputs(**described), size, problems)
    if one is None:
        (problem,) = problems
        return problem.code
    assert not problems
    return [each.name for each in one.inputs], one.total


def test_targets_say_how_many_examples_there_are() -> None:
    assert found(x=("data", (5, 2)), y=("target", (5,)), scale=("data", (2,)), k=("data", ())) == (
        ["x", "y"],
        5,
    )


def test_without_targets_the_data_do() -> None:
    assert found(x=("data", (5, 2)), z=("data", (5,)), y=("target", ())) == (["x", "z"], 5)


def test_parameters_and_constants_are_no_examples() -> None:
    assert found(x=("data", (5, 2)), w=("parameter", (5,)), c=("constant", (5,))) == (["x"], 5)


@pytest.mark.parametrize(
    ("described", "code"),
    [
        ({"x": ("data", ()), "y": ("target", ())}, "no-axis"),
        ({"w": ("parameter", (5,))}, "no-axis"),
        ({"x": ("data", (5, 2)), "z": ("data", (4,))}, "no-examples"),
        ({"y": ("target", (5,)), "t": ("target", (4,))}, "no-examples"),
        ({"y": ("target", (1,))}, "batch-too-large"),
    ],
)
def test_where_there_are_none(described: dict[str, tuple[str, tuple[int, ...]]], code: str) -> None:
    assert found(**described) == code


def test_the_lengths_are_listed() -> None:
    problems: list[Diagnostic] = []
    examples_of(inputs(x=("data", (5, 2)), z=("data", (4,))), 2, problems)
    examples_of(inputs(x=("data", (5, 2))), 6, problems)
    assert [one.facts["lengths"] for one in problems] == ["x 5, z 4", "x 5"]
    assert "6" in problems[1].message
    assert "x 5" in problems[1].message


@given(st.integers(1, 30), st.data(), st.integers(0, 5))
def test_every_epoch_draws_without_replacement(count: int, data: st.DataObject, seed: int) -> None:
    size = data.draw(st.integers(1, count))
    batches = list(islice(shuffled(count, size, seed), 3 * (count // size)))
    for i in range(3):
        epoch = np.concatenate(batches[i * (count // size) : (i + 1) * (count // size)])
        assert len(set(epoch.tolist())) == len(epoch) == count // size * size
        assert set(epoch.tolist()) <= set(range(count))


def test_the_order_is_that_of_the_seed_and_new_in_each_epoch() -> None:
    first, again, other = (list(islice(shuffled(40, 40, seed), 2)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[0], other[0])
